"""Host names by c-ares

``platform.caresresolver`` has a resolver that asks name servers itself, by the library c-ares, instead of the functions
of the system in threads. It is chosen like any other: by ``Resolver.configure``. These cases ask nothing that would
have to leave the machine.
"""

from __future__ import annotations

import socket

import pytest

from conformance import api, doc, each, labelled, must


async def found(*arguments):
    """Return what a resolver finds for the arguments of resolve()."""
    resolver = api.platform.caresresolver.CaresResolver()
    try:
        return [(family, address[:2]) for family, address in await resolver.resolve(*arguments)]
    finally:
        resolver.close()


@must(
    "net.cares.address",
    "An address stands for itself.",
    doc("platform.caresresolver.CaresResolver"),
)
@each(
    host=[
        labelled("IPv4", ("192.0.2.1", socket.AF_INET)),
        labelled("IPv6", ("2001:db8::1", socket.AF_INET6)),
    ]
)
async def test_address(host):
    address, family = host
    assert await found(address, 80) == [(family, (address, 80))]
    assert await found(address, 80, family) == [(family, (address, 80))]


@must(
    "net.cares.name",
    "A name gives the addresses that it has in the family asked for.",
    doc("platform.caresresolver.CaresResolver"),
)
async def test_name():
    assert (socket.AF_INET, ("127.0.0.1", 80)) in await found("localhost", 80)
    assert await found("localhost", 80, socket.AF_INET) == [(socket.AF_INET, ("127.0.0.1", 80))]


@must(
    "net.cares.no-address",
    "Where there is no address, an OSError is raised.",
    doc("netutil.Resolver.resolve"),
)
async def test_no_address():
    with pytest.raises(OSError):
        await found("2001:db8::1", 80, socket.AF_INET)


@must(
    "net.cares.configure",
    "Resolver.configure() chooses it by its name.",
    doc("netutil.Resolver"),
)
async def test_configure():
    interface = api.netutil.Resolver
    before = interface.configured_class()
    try:
        interface.configure(f"{api.package}.platform.caresresolver.CaresResolver")
        resolver = interface()
        assert isinstance(resolver, api.platform.caresresolver.CaresResolver)
        assert [address for _, address in await resolver.resolve("192.0.2.1", 80)] == [("192.0.2.1", 80)]
        resolver.close()
    finally:
        interface.configure(before)
