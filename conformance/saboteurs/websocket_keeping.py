"""Servers that do not keep their WebSockets well."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches
from conformance.saboteurs.websocket_handlers import around_socket, every_socket, socket_lie

CHAPTER = "websocket.keeping"


def keeping_lie(
    name: str, sentence: str, *kills: str
) -> Callable[[Callable[[Patches], None]], Callable[[Patches], None]]:
    """Register a saboteur of this chapter; ``kills`` are ids without what they have in common."""
    return socket_lie(name, sentence, *kills, chapter=CHAPTER)


def _setting(ref: Patches, name: str, value: Any) -> None:
    """Let a property of WebSocketHandler have a value of its own; a function gets the handler."""
    getter = value if callable(value) else lambda self: value
    ref.replace(ref.websocket.WebSocketHandler, name, property(getter))


@keeping_lie("socket-never-pings", "The interval between pings is overlooked.", "pings", "ping-timeout")
def _(ref: Patches) -> None:
    _setting(ref, "ping_interval", None)


@keeping_lie("socket-always-pings", "The server pings without being told to.", "no-pings")
def _(ref: Patches) -> None:
    _setting(ref, "ping_interval", 0.001)


@keeping_lie("socket-waits-for-pongs", "Missing pongs are overlooked.", "ping-timeout")
def _(ref: Patches) -> None:
    _setting(ref, "ping_timeout", 0)


@keeping_lie("socket-cuts-large-messages", "Messages of more than 60,000 bytes are cut.", "slow-reader")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, message: Any, binary: bool = False) -> Any:
        return original(self, message[:60000] if isinstance(message, bytes) else message, binary)

    around_socket(ref, "write_message", lie)


@keeping_lie("socket-never-waits", "The future of write_message is done at once.", "write-waits")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, message: Any, binary: bool = False) -> Any:
        original(self, message, binary)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    around_socket(ref, "write_message", lie)


@keeping_lie("socket-stutters", "The two-thousandth message is sent twice.", "flood")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, message: Any, binary: bool = False) -> Any:
        if message == "2000":
            original(self, message, binary)
        return original(self, message, binary)

    around_socket(ref, "write_message", lie)


@keeping_lie("socket-never-compresses", "What get_compression_options returns is overlooked.", "compression")
def _(ref: Patches) -> None:
    every_socket(ref, lambda handler: setattr(handler, "get_compression_options", lambda: None))


@keeping_lie("socket-without-limit", "The limit of messages is overlooked.", "max-message-size", "default-limit")
def _(ref: Patches) -> None:
    _setting(ref, "max_message_size", 1 << 40)


@keeping_lie("socket-half-closed-unnoticed", "on_close is not called when the client has gone without a word.",
             "half-closed")  # fmt: skip
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any) -> Any:
        return original(self) if self.close_code is not None else None

    around_socket(ref, "on_connection_close", lie)


@keeping_lie("socket-not-over-tls", "There are no WebSockets over TLS.", "tls")
def _(ref: Patches) -> None:
    async def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        if self.request.protocol == "https":
            self.set_status(400)
        else:
            await original(self, *args, **kwargs)

    around_socket(ref, "get", lie)
