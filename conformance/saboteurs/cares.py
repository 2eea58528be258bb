"""Saboteurs of the chapter on host names by c-ares."""

from __future__ import annotations

import importlib
import socket
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around
from conformance.saboteurs.loop_life import Lie


def cares_lie(name: str, lie: str, *kills: str) -> Lie:
    """Register a saboteur of this chapter; ``kills`` are ids without what they have in common."""
    return saboteur(name, lie, chapters="net.cares", kills=tuple(f"net.cares.{one}" for one in kills))


def finding(ref: Patches, lie: Callable[..., Any]) -> None:
    """Answer calls of resolve() with ``lie(resolve, host, port, family)``, a coroutine."""
    resolver = importlib.import_module(f"{ref.package}.platform.caresresolver").CaresResolver

    def call(original: Any, self: Any, host: str, port: int, family: int = socket.AF_UNSPEC) -> Any:
        return lie(lambda *arguments: original(self, *arguments), host, port, family)

    around(ref, resolver, "resolve", call)


@cares_lie("cares-port-lost", "Addresses have no port.", "address", "name", "configure")
def _(ref: Patches) -> None:
    async def lie(resolve: Any, host: str, port: int, family: Any) -> Any:
        return await resolve(host, 0, family)

    finding(ref, lie)


@cares_lie("cares-any-family", "The family is ignored.", "name", "no-address")
def _(ref: Patches) -> None:
    async def lie(resolve: Any, host: str, port: int, family: Any) -> Any:
        return await resolve(host, port)

    finding(ref, lie)


@cares_lie("cares-empty", "Where there is no address, the result is empty.", "no-address")
def _(ref: Patches) -> None:
    async def lie(resolve: Any, host: str, port: int, family: Any) -> Any:
        try:
            return await resolve(host, port, family)
        except OSError:
            return []

    finding(ref, lie)


@cares_lie("cares-not-chosen", "configure() ignores names.", "configure")
def _(ref: Patches) -> None:
    around_configure = ref.netutil.Resolver.configure.__func__

    def lie(cls: Any, /, impl: Any, **kwargs: Any) -> None:
        around_configure(cls, None if isinstance(impl, str) else impl, **kwargs)

    ref.replace(ref.netutil.Resolver, "configure", classmethod(lie))
