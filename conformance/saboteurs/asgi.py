"""Saboteurs of the chapter on ASGI. They stand between the bridges and what these talk to, as middleware does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around
from conformance.saboteurs.loop_life import Lie


def asgi_lie(name: str, lie: str, *kills: str) -> Lie:
    """Register a saboteur of this chapter; ``kills`` are ids without what they have in common."""
    return saboteur(f"asgi-{name}", lie, chapters="tools.asgi", kills=tuple(f"asgi.{one}" for one in kills))


def adapting(ref: Patches, lie: Callable[..., Any]) -> None:
    """Answer calls of an adapter with ``lie(original, scope, receive, send)``."""

    async def wrap(original: Any, self: Any, scope: Any, receive: Any, send: Any) -> None:
        await lie(lambda *args: original(self, *args), scope, receive, send)

    around(ref, ref.asgi.ASGIAdapter, "__call__", wrap)


def containing(ref: Patches, lie: Callable[..., Any]) -> None:
    """Answer calls of an application in a container with ``lie(application, scope, receive, send)``."""

    def wrap(original: Any, self: Any, application: Any, **options: Any) -> None:
        async def lying(scope: Any, receive: Any, send: Any) -> None:
            await lie(application, scope, receive, send)

        original(self, lying, **options)

    around(ref, ref.asgi.ASGIContainer, "__init__", wrap)


def changed(change: Callable[[dict[str, Any]], Any], what: str) -> Callable[..., Any]:
    """Return a lie that lets ``change`` alter the scope, each message sent, or each one received."""

    async def lie(application: Any, scope: Any, receive: Any, send: Any) -> None:
        async def received() -> Any:
            message = dict(await receive())
            change(message)
            return message

        async def sending(message: Any) -> None:
            message = dict(message)
            change(message)
            await send(message)

        if what == "scope":
            scope = dict(scope)
            change(scope)
        await application(scope, received if what == "received" else receive, sending if what == "sent" else send)

    return lie


def close_code(message: dict[str, Any]) -> None:
    """Have every end be a normal one."""
    if message["type"] in ("websocket.disconnect", "websocket.close"):
        message["code"] = 1000


# -- an application under a server for ASGI ---------------------------------------------------------------------------


@asgi_lie("query-lost", "The query of a request is lost.", "adapter.request")
def _(ref: Patches) -> None:
    adapting(ref, changed(lambda scope: scope.update(query_string=b""), "scope"))


@asgi_lie("names-as-written", "Names of fields are in the case that the handler wrote.", "adapter.answer")
def _(ref: Patches) -> None:
    def change(message: dict[str, Any]) -> None:
        message["headers"] = [(name.title(), value) for name, value in message.get("headers", ())]

    adapting(ref, changed(change, "sent"))


@asgi_lie("one-piece", "The first piece of a body counts as the last.", "adapter.body", "adapter.too-long")
def _(ref: Patches) -> None:
    adapting(ref, changed(lambda message: message.update(more_body=False), "received"))


@asgi_lie("no-waiting", "Messages are passed to the server without waiting for it.", "adapter.pressure")
def _(ref: Patches) -> None:
    async def lie(call: Any, scope: Any, receive: Any, send: Any) -> None:
        tasks = []

        async def sending(message: Any) -> None:
            tasks.append(asyncio.ensure_future(send(message)))

        await call(scope, receive, sending)
        await asyncio.gather(*tasks)

    adapting(ref, lie)


@asgi_lie("deaf", "The end of a client is not noticed.", "adapter.disconnect", "adapter.websocket-disconnect")
def _(ref: Patches) -> None:
    async def lie(call: Any, scope: Any, receive: Any, send: Any) -> None:
        async def received() -> Any:
            message = await receive()
            if message["type"].endswith(".disconnect"):
                raise asyncio.CancelledError
            return message

        await call(scope, received, send)

    adapting(ref, lie)


@asgi_lie("lifeless", "startup and shutdown are not called.", "adapter.lifespan")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, application: Any, **options: Any) -> None:
        original(self, application)

    around(ref, ref.asgi.ASGIAdapter, "__init__", lie)


@asgi_lie("knows-everything", "Scopes of unknown types are accepted.", "adapter.unknown")
def _(ref: Patches) -> None:
    async def lie(call: Any, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] in ("http", "websocket", "lifespan"):
            await call(scope, receive, send)

    adapting(ref, lie)


@asgi_lie("text-only", "Binary messages become text.", "adapter.websocket")
def _(ref: Patches) -> None:
    def change(message: dict[str, Any]) -> None:
        if "bytes" in message:
            message["text"] = message.pop("bytes").decode("latin-1")

    adapting(ref, changed(change, "sent"))


@asgi_lie("always-open", "Every handshake is accepted.", "adapter.websocket-refused")
def _(ref: Patches) -> None:
    def change(message: dict[str, Any]) -> None:
        if message["type"] in ("websocket.close", "websocket.http.response.start"):
            message["type"] = "websocket.accept"

    adapting(ref, changed(change, "sent"))


# -- an application for ASGI on the server ----------------------------------------------------------------------------


@asgi_lie("raw-path", "The path in the scope keeps its escapes.", "container.scope")
def _(ref: Patches) -> None:
    containing(ref, changed(lambda scope: scope.update(path=scope.get("raw_path", b"").decode()), "scope"))


@asgi_lie("always-200", "The status of an answer is 200.", "container.answer")
def _(ref: Patches) -> None:
    containing(ref, changed(lambda message: message.update(status=200), "sent"))


@asgi_lie("body-empty", "The body of a request is empty.", "container.body")
def _(ref: Patches) -> None:
    def change(message: dict[str, Any]) -> None:
        if message["type"] == "http.request":
            message["body"] = b""

    containing(ref, changed(change, "received"))


@asgi_lie("collects", "An answer is sent when it is complete.", "container.streamed")
def _(ref: Patches) -> None:
    async def lie(application: Any, scope: Any, receive: Any, send: Any) -> None:
        messages: list[Any] = []

        async def keep(message: Any) -> None:
            messages.append(message)

        await application(scope, receive, keep)
        for message in messages:
            await send(message)

    containing(ref, lie)


@asgi_lie("hides-the-end", "When the client has gone, the application hears of an empty body.", "container.client-gone")
def _(ref: Patches) -> None:
    def change(message: dict[str, Any]) -> None:
        if message["type"] == "http.disconnect":
            message.update(type="http.request", body=b"", more_body=False)

    containing(ref, changed(change, "received"))


@asgi_lie("unbounded", "An answer is kept in memory as fast as the application makes it.", "container.pressure")
def _(ref: Patches) -> None:
    async def lie(application: Any, scope: Any, receive: Any, send: Any) -> None:
        count = 0

        async def sending(message: Any) -> None:
            nonlocal count
            count += 1
            if count <= 2:
                await send(message)
            elif count > 700:
                await asyncio.Event().wait()

        await application(scope, receive, sending)

    containing(ref, lie)


@asgi_lie("failure-is-empty", "An application that fails has answered nothing.", "container.failure")
def _(ref: Patches) -> None:
    async def lie(application: Any, scope: Any, receive: Any, send: Any) -> None:
        try:
            await application(scope, receive, send)
        except KeyError:
            await send({"type": "http.response.body", "body": b""})

    containing(ref, lie)


@asgi_lie("takes-anything", "Messages that have no place are dropped.", "container.misuse")
def _(ref: Patches) -> None:
    async def lie(application: Any, scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            try:
                await send(message)
            except RuntimeError:
                return

        await application(scope, receive, sending)

    containing(ref, lie)


@asgi_lie("no-life", "Applications are not told of their start.", "container.lifespan", "container.lifespan-fails")
def _(ref: Patches) -> None:
    async def nothing(self: Any) -> None:
        pass

    ref.replace(ref.asgi.ASGIContainer, "startup", nothing)


@asgi_lie("no-subprotocol", "The subprotocol that the application chose is not told.", "container.websocket")
def _(ref: Patches) -> None:
    containing(ref, changed(lambda message: message.pop("subprotocol", None), "sent"))


@asgi_lie("ends-well", "Every end of a WebSocket has the code 1000.", "container.websocket-end")
def _(ref: Patches) -> None:
    containing(ref, changed(close_code, "received"))


@asgi_lie(
    "refuses-otherwise", "The answers with which an application refuses are all 500.", "container.websocket-refused"
)
def _(ref: Patches) -> None:
    async def lie(application: Any, scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            if message["type"] == "websocket.close":
                raise KeyError("refused")
            await send(message)

        await application(scope, receive, sending)

    containing(ref, lie)
