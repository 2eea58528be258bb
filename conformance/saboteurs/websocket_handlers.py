"""Saboteurs of the chapter on WebSocket handlers."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import after, around, before, catching, every_handler, nothing, wrap

CHAPTER = "websocket.handlers"


def socket_lie(
    name: str, lie: str, *kills: str, chapter: str = CHAPTER
) -> Callable[[Callable[[Patches], None]], Callable[[Patches], None]]:
    """Register a saboteur of this chapter, or of ``chapter``; ``kills`` are ids without what they have in common."""
    common = "websocket.handler" if chapter == CHAPTER else chapter
    return saboteur(name, lie, chapters=chapter, kills=tuple(f"{common}.{one}" for one in kills))


def every_socket(ref: Patches, change: Callable[[Any], None]) -> None:
    """Let ``change`` alter every WebSocket handler as soon as it was made."""
    kind = ref.websocket.WebSocketHandler
    every_handler(ref, lambda handler: change(handler) if isinstance(handler, kind) else None)


def around_socket(ref: Patches, name: str, lie: Callable[..., Any]) -> None:
    """Answer calls of a method of WebSocketHandler with ``lie(original, self, *arguments)``."""
    around(ref, ref.websocket.WebSocketHandler, name, lie)


def with_argument(change: Callable[[Any], Any]) -> Callable[[Callable[..., Any]], Any]:
    """Return a wrapper that calls the method with its argument changed."""
    return lambda method: lambda argument: method(change(argument))


# -- the handler in its application -----------------------------------------------------------------------------------


@socket_lie("socket-loud", "Text is sent in capitals.", "echo", "write-text")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, message: Any, binary: bool = False) -> Any:
        return original(self, message.upper() if isinstance(message, (str, bytes)) else message, binary)

    around_socket(ref, "write_message", lie)


@socket_lie("socket-one-argument", "initialize gets the first argument of its route only.", "route")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, application: Any, request: Any, **kwargs: Any) -> None:
        original(self, application, request, **dict(list(kwargs.items())[:1]))

    around_socket(ref, "__init__", lie)


@socket_lie("socket-forgets-request", "Arguments of the query are gone when the connection is open.", "request")
def _(ref: Patches) -> None:
    every_socket(ref, lambda handler: wrap(handler, "get_argument", lambda method: lambda *args: ""))


@socket_lie("socket-unprepared", "prepare is not called.", "prepare")
def _(ref: Patches) -> None:
    every_socket(ref, lambda handler: setattr(handler, "prepare", nothing))


@socket_lie("socket-any-get", "A GET that is no handshake is answered with 200.", "no-handshake")
def _(ref: Patches) -> None:
    async def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        needed = ("Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version")
        if all(name in self.request.headers for name in needed):
            await original(self, *args, **kwargs)

    around_socket(ref, "get", lie)


# -- who may connect --------------------------------------------------------------------------------------------------


@socket_lie("socket-any-origin", "Pages of all hosts may connect.", "origin-default")
def _(ref: Patches) -> None:
    ref.replace(ref.websocket.WebSocketHandler, "check_origin", lambda self, origin: True)


@socket_lie("socket-origin-fixed", "A check_origin of the program is not asked.", "origin-override")
def _(ref: Patches) -> None:
    default = ref.websocket.WebSocketHandler.check_origin
    every_socket(ref, lambda handler: setattr(handler, "check_origin", functools.partial(default, handler)))


@socket_lie("socket-no-subprotocol", "No subprotocol is ever selected.", "subprotocol")
def _(ref: Patches) -> None:
    every_socket(ref, lambda handler: wrap(handler, "select_subprotocol", after_none))


def after_none(method: Callable[..., Any]) -> Callable[..., None]:
    """Return ``method`` without its result."""

    def call(*args: Any) -> None:
        method(*args)

    return call


@socket_lie("socket-empty-subprotocol", "Where no subprotocol is proposed, an empty one is.", "no-subprotocol")
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        wrap(handler, "select_subprotocol", with_argument(lambda proposed: proposed or [""]))

    every_socket(ref, change)


# -- open and on_message ----------------------------------------------------------------------------------------------


def opening(ref: Patches, wrapper: Callable[[Callable[..., Any]], Any]) -> None:
    """Put ``wrapper(open)`` in the place of every handler's open."""
    every_socket(ref, lambda handler: wrap(handler, "open", wrapper))


def reading(ref: Patches, wrapper: Callable[[Callable[..., Any]], Any]) -> None:
    """Put ``wrapper(on_message)`` in the place of every handler's on_message."""
    every_socket(ref, lambda handler: wrap(handler, "on_message", wrapper))


@socket_lie("socket-opens-twice", "open is called twice.", "open", "echo")
def _(ref: Patches) -> None:
    def twice(method: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            method(*args, **kwargs)
            return method(*args, **kwargs)

        return call

    opening(ref, twice)


@socket_lie("socket-opens-backwards", "open gets the parts of the path in the wrong order.", "open")
def _(ref: Patches) -> None:
    opening(ref, lambda method: lambda *args, **kwargs: method(*args[::-1], **kwargs))


def unawaited(method: Any) -> Any:
    """Return ``method`` with its coroutine started and left alone."""

    def call(*args: Any, **kwargs: Any) -> None:
        result = method(*args, **kwargs)
        if inspect.isawaitable(result):
            asyncio.ensure_future(result)  # noqa: RUF006 - that nobody waits for it is the lie

    return call


@socket_lie("socket-open-not-awaited", "Messages are handed over while open still waits.", "open-coroutine")
def _(ref: Patches) -> None:
    opening(ref, unawaited)


@socket_lie("socket-message-not-awaited", "The next message does not wait for the coroutine.", "one-at-a-time")
def _(ref: Patches) -> None:
    reading(ref, unawaited)


@socket_lie("socket-message-never-run", "A coroutine of on_message is not run.", "message-coroutine", "write-awaitable")
def _(ref: Patches) -> None:
    def unrun(method: Any) -> Any:
        def call(message: Any) -> None:
            result = method(message)
            if inspect.iscoroutine(result):
                result.close()

        return call

    reading(ref, unrun)


@socket_lie("socket-one-for-all", "One coroutine of on_message at a time for all connections.", "waiting-blocks-nobody")
def _(ref: Patches) -> None:
    locks: list[asyncio.Lock] = []

    def locked(method: Any) -> Any:
        async def call(message: Any) -> None:
            async with locks[0]:
                result = method(message)
                if inspect.isawaitable(result):
                    await result

        # A lock belongs to the loop of its case: the first handler of a case has to make a new one.
        locks[:] = [lock for lock in locks if lock.locked()] or [asyncio.Lock()]
        return call

    reading(ref, locked)


@socket_lie("socket-all-bytes", "Text comes as bytes.", "message-types", "one-at-a-time")
def _(ref: Patches) -> None:
    reading(ref, with_argument(lambda message: message.encode() if isinstance(message, str) else message))


@socket_lie("socket-impatient", "A message that is not answered ends the connection.", "message-ignored")
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        written: list[bool] = []
        wrap(handler, "write_message", before(lambda: written.append(True)))
        wrap(handler, "on_message", after(lambda: None if written else handler.close(4999)))

    every_socket(ref, change)


# -- write_message ----------------------------------------------------------------------------------------------------


@socket_lie("socket-writes-binary", "All is sent as binary messages.", "write-text", "write-json", "echo")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, message: Any, binary: bool = False) -> Any:
        return original(self, message, True)

    around_socket(ref, "write_message", lie)


@socket_lie("socket-writes-text", "Bytes are sent as text of Latin-1, whatever binary says.", "write-binary", "ping")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, message: Any, binary: bool = False) -> Any:
        return original(self, message.decode("latin-1") if isinstance(message, bytes) else message)

    around_socket(ref, "write_message", lie)


@socket_lie("socket-writes-repr", "A dictionary is sent as Python writes it.", "write-json", "route", "subprotocol")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, message: Any, binary: bool = False) -> Any:
        return original(self, repr(message) if isinstance(message, dict) else message, binary)

    around_socket(ref, "write_message", lie)


@socket_lie("socket-write-returns-none", "write_message returns None.", "write-awaitable")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)

    around_socket(ref, "write_message", lie)


@socket_lie("socket-write-always", "Writing to a closed connection is no error.", "write-after-close")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        with contextlib.suppress(ref.websocket.WebSocketClosedError):
            return original(self, *args, **kwargs)

    around_socket(ref, "write_message", lie)


# -- the end ----------------------------------------------------------------------------------------------------------


@socket_lie("socket-closes-mute", "close sends neither code nor reason.", "close", "on-close-after-answer")
def _(ref: Patches) -> None:
    around_socket(ref, "close", lambda original, self, *args, **kwargs: original(self))


@socket_lie("socket-close-needs-code", "close without a code does nothing.", "close")
def _(ref: Patches) -> None:
    around_socket(ref, "close", lambda original, self, *args: original(self, *args) if args else None)


@socket_lie("socket-on-close-early", "on_close is called at once by close.", "on-close-after-answer", "on-close-once")
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        wrap(handler, "close", after(handler.on_close))

    every_socket(ref, change)


@socket_lie("socket-on-close-twice", "on_close is called twice.", "on-close-once")
def _(ref: Patches) -> None:
    every_socket(ref, lambda handler: wrap(handler, "on_close", before(handler.on_close)))


@socket_lie("socket-on-close-never", "on_close is not called.", "on-close-once", "notified", "exception")
def _(ref: Patches) -> None:
    every_socket(ref, lambda handler: setattr(handler, "on_close", nothing))


def ending(ref: Patches, **values: Any) -> None:
    """Set attributes of every handler just before its on_close."""

    def change(handler: Any) -> None:
        wrap(handler, "on_close", before(lambda: vars(handler).update(values)))

    every_socket(ref, change)


@socket_lie("socket-forgets-code", "close_code is always 1000.", "close-code", "close-empty")
def _(ref: Patches) -> None:
    ending(ref, close_code=1000)


@socket_lie("socket-forgets-reason", "close_reason is always None.", "close-code")
def _(ref: Patches) -> None:
    ending(ref, close_reason=None)


@socket_lie("socket-hides-failure", "An exception in on_message is neither logged nor the end.", "exception")
def _(ref: Patches) -> None:
    reading(ref, catching(KeyError, nothing))


@socket_lie("socket-ends-silently", "An exception ends the connection, but is not logged.", "message-undefined")
def _(ref: Patches) -> None:
    every_socket(
        ref,
        lambda handler: wrap(handler, "on_message", catching(Exception, lambda error: handler.close(1011))),
    )


@socket_lie("socket-opens-anyway", "An exception in open is neither logged nor the end.", "open-exception")
def _(ref: Patches) -> None:
    opening(ref, catching(KeyError, nothing))


# -- pings ------------------------------------------------------------------------------------------------------------


@socket_lie("socket-pings-empty", "Pings are sent without data.", "ping")
def _(ref: Patches) -> None:
    around_socket(ref, "ping", lambda original, self, data=b"": original(self))


@socket_lie("socket-no-pong", "on_pong is not called.", "ping", "on-ping")
def _(ref: Patches) -> None:
    every_socket(ref, lambda handler: setattr(handler, "on_pong", nothing))


@socket_lie("socket-no-on-ping", "on_ping is not called.", "on-ping")
def _(ref: Patches) -> None:
    every_socket(ref, lambda handler: setattr(handler, "on_ping", nothing))


# -- several connections ----------------------------------------------------------------------------------------------


@socket_lie("socket-newest-only", "Messages to any but the newest connection are lost.", "broadcast", "notified")
def _(ref: Patches) -> None:
    newest: list[Any] = []

    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        return original(self, *args, **kwargs) if newest[-1] is self else None

    around_socket(ref, "write_message", lie)
    every_socket(ref, newest.append)


@socket_lie("socket-long-poll", "A connection ends after the first message that was written.", "notified", "broadcast")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        self.close(1000)
        return result

    around_socket(ref, "write_message", lie)
