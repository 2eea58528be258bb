"""Saboteurs of the chapter on older places and arguments."""

from __future__ import annotations

from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import nothing
from conformance.saboteurs.loop_life import Lie


def older_lie(name: str, lie: str, *kills: str) -> Lie:
    """Register a saboteur of this chapter; ``kills`` are ids without what they have in common."""
    return saboteur(name, lie, chapters="tools.older_names", kills=tuple(f"legacy.{one}" for one in kills))


@older_lie("older-logging-idle", "enable_pretty_logging of options does nothing.", "place.enable-pretty-logging")
def _(ref: Patches) -> None:
    ref.replace(ref.options, "enable_pretty_logging", nothing)


@older_lie("older-server-apart", "netutil has a TCPServer of its own.", "place.tcp-server")
def _(ref: Patches) -> None:
    ref.replace(ref.netutil, "TCPServer", type("TCPServer", (ref.tcpserver.TCPServer,), {}))


@older_lie("older-callbacks-unknown", "resolve() takes no callback.", "argument.resolve-callback")
def _(ref: Patches) -> None:
    for kind in ("DefaultLoopResolver", "DefaultExecutorResolver", "ExecutorResolver", "OverrideResolver"):
        owner = getattr(ref.netutil, kind)
        original = owner.resolve

        def resolve(self: Any, host: str, port: int, family: Any = 0, original: Any = original) -> Any:
            return original(self, host, port, family)

        ref.replace(owner, "resolve", resolve)


@older_lie("older-loop-refused", "with_timeout() does not take io_loop.", "argument.with-timeout-loop")
def _(ref: Patches) -> None:
    original = ref.gen.with_timeout

    def with_timeout(timeout: Any, future: Any, quiet_exceptions: Any = ()) -> Any:
        return original(timeout, future, quiet_exceptions)

    ref.replace(ref.gen, "with_timeout", with_timeout)


@older_lie("older-websocket-loop-refused", "websocket_connect() does not take io_loop.", "argument.websocket-loop")
def _(ref: Patches) -> None:
    original = ref.websocket.websocket_connect
    ref.replace(ref.websocket, "websocket_connect", lambda url, callback=None: original(url, callback))
