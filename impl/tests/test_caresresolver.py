"""``waterspout.platform.caresresolver``, asking a name server of its own."""

from __future__ import annotations

import asyncio
import gc
import socket
import struct
from collections.abc import Iterator
from typing import Any

import pytest

from waterspout.ioloop import IOLoop
from waterspout.platform.caresresolver import CaresResolver

_A, _AAAA = 1, 28
_NAME_ERROR = 3
#: What the server knows; it does not answer for a name that it knows nothing of the type about.
_TABLE: dict[tuple[str, int], list[str]] = {
    ("shop.test", _A): ["192.0.2.1", "192.0.2.2"],
    ("shop.test", _AAAA): ["2001:db8::1"],
    ("old.test", _A): ["192.0.2.3"],
    ("old.test", _AAAA): [],
}


class NameServer(asyncio.DatagramProtocol):
    """Answers questions for addresses; what ends in ``.silent`` gets none."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        labels, position = [], 12
        while data[position]:
            labels.append(data[position + 1 : position + 1 + data[position]].decode())
            position += 1 + data[position]
        name, kind = ".".join(labels).lower(), struct.unpack_from("!H", data, position + 1)[0]
        self.asked.append((name, kind))
        if name.endswith(".silent"):
            return
        found = _TABLE.get((name, kind))
        code = _NAME_ERROR if found is None else 0
        head = data[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(found or ()), 0, 0)
        answers = b"".join(_record(kind, address) for address in found or ())
        self.transport.sendto(head + data[12 : position + 5] + answers, addr)


def _record(kind: int, address: str) -> bytes:
    packed = socket.inet_pton(socket.AF_INET if kind == _A else socket.AF_INET6, address)
    return struct.pack("!HHHIH", 0xC00C, kind, 1, 60, len(packed)) + packed


class Net:
    """A loop with the name server, and a resolver that asks it."""

    def __init__(self) -> None:
        self.loop: IOLoop = IOLoop(make_current=False)
        self.loop.run_sync(self._start)

    async def _start(self) -> None:
        loop = asyncio.get_running_loop()
        self.transport, self.server = await loop.create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
        port = self.transport.get_extra_info("sockname")[1]
        self.resolver: Any = CaresResolver(servers=["127.0.0.1"], udp_port=port, tcp_port=port, timeout=0.05, tries=2)

    def run(self, function: Any) -> Any:
        """Run a coroutine function on the loop."""
        return self.loop.run_sync(function, timeout=5)

    def find(self, *arguments: Any) -> Any:
        """Return what the resolver finds."""
        return self.run(lambda: self.resolver.resolve(*arguments))

    async def end(self) -> None:
        self.resolver.close()
        self.transport.close()


@pytest.fixture
def net() -> Iterator[Net]:
    """The net, from which nothing is left."""
    made = Net()
    yield made
    made.run(made.end)
    assert (made.resolver.fds, made.resolver._timer) == ({}, None)
    made.loop.close()
    gc.collect()


def test_addresses_of_both_families(net: Net) -> None:
    """As the socket functions take them, or those of one family."""
    four = [(socket.AF_INET, ("192.0.2.1", 80)), (socket.AF_INET, ("192.0.2.2", 80))]
    six = [(socket.AF_INET6, ("2001:db8::1", 80, 0, 0))]

    assert sorted(net.find("shop.test", 80)) == four + six
    assert sorted(net.find("shop.test", 80, socket.AF_INET)) == four
    assert net.find("shop.test", 80, socket.AF_INET6) == six


@pytest.mark.parametrize(
    ("name", "family", "why"),
    [
        ("nobody.test", socket.AF_UNSPEC, "not found"),
        ("old.test", socket.AF_INET6, "."),
        ("shop.silent", socket.AF_UNSPEC, "."),
        ("a..test", socket.AF_UNSPEC, "."),
        ("x" * 70 + ".test", socket.AF_UNSPEC, "."),
        ("\u0378.test", socket.AF_UNSPEC, "."),
    ],
)
def test_names_without_addresses(net: Net, name: str, family: Any, why: str) -> None:
    """The error names the host; nobody waits for a server that is silent longer than the timeout says."""
    with pytest.raises(socket.gaierror, match=f"cannot be resolved: .*{why}") as caught:
        net.find(name, 80, family)

    assert repr(name) in str(caught.value)


def test_many_questions_at_a_time(net: Net) -> None:
    """Each gets its own answer, and a failure disturbs no other."""
    names = ["shop.test", "old.test", "nobody.test"] * 20

    async def ask() -> list[Any]:
        questions = [net.resolver.resolve(name, 80, socket.AF_INET) for name in names]
        return await asyncio.gather(*questions, return_exceptions=True)

    found = net.run(ask)
    assert [len(one) if isinstance(one, list) else type(one) for one in found] == [2, 1, socket.gaierror] * 20


def test_a_question_may_be_cancelled(net: Net) -> None:
    """Its answer is dropped; the others get theirs."""

    async def ask() -> Any:
        cancelled = asyncio.ensure_future(net.resolver.resolve("shop.test", 80))
        await asyncio.sleep(0)
        cancelled.cancel()
        return await net.resolver.resolve("old.test", 80, socket.AF_INET), cancelled.cancelled()

    assert net.run(ask) == ([(socket.AF_INET, ("192.0.2.3", 80))], True)


def test_closing_gives_up_what_is_asked(net: Net) -> None:
    """Who waits is told."""

    async def ask() -> Any:
        question = asyncio.ensure_future(net.resolver.resolve("shop.silent", 80))
        await asyncio.sleep(0)
        net.resolver.close()
        return (await asyncio.gather(question, return_exceptions=True))[0]

    assert isinstance(net.run(ask), OSError)


def test_a_legacy_callback_gets_the_addresses(net: Net) -> None:
    """And warns."""

    async def ask() -> Any:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        with pytest.warns(DeprecationWarning, match="callback"):
            net.resolver.resolve("old.test", 80, socket.AF_INET, callback=answer.set_result)
        return await answer

    assert net.run(ask) == [(socket.AF_INET, ("192.0.2.3", 80))]
