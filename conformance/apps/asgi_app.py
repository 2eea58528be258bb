"""The fixture application for servers that speak ASGI.

ASGI knows neither files nor conditions: what /resource.txt answers has no validators.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from conformance.apps import RESOURCE, SUBPROTOCOLS, Instructions, echo_document

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class ClientLeft(Exception):
    """The client has gone before its request was complete: nobody waits for an answer."""


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Route by path; ASGI itself has no router."""
    routes = {"http": {"/echo": echo, "/answer": answer, "/get-only": get_only, "/error": error,
                       "/resource.txt": resource},
              "websocket": {"/ws/echo": ws_echo, "/ws/answer": ws_answer}}  # fmt: skip
    route = routes.get(scope["type"], {}).get(scope.get("path", ""))
    if route is not None:
        with contextlib.suppress(ClientLeft):
            await route(scope, receive, send)
    elif scope["type"] == "http":
        await _respond(send, 404, b"there is no such page")
    elif scope["type"] == "websocket":
        await send({"type": "websocket.close"})


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise ClientLeft
        body += bytes(event.get("body", b""))
        if not event.get("more_body"):
            return body


async def _respond(
    send: Send,
    status: int,
    body: bytes,
    headers: list[tuple[str, str]] | None = None,
    media: str = "text/plain",
) -> None:
    fields = [(b"content-type", media.encode()), (b"content-length", str(len(body)).encode())]
    fields = fields if status not in (204, 304) else []
    fields += [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers or []]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    version = f"HTTP/{scope['http_version']}"
    # ASGI tells an application the host by its header field alone.
    host = dict(headers).get("host", "")
    parsed = (scope["method"], target.decode("latin-1"), version, headers, await _body(receive))
    document = echo_document(*parsed, scheme=scope["scheme"], host=host)
    await _respond(send, 200, document.encode(), media="application/json")


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    await _body(receive)
    told = Instructions(scope["query_string"].decode("latin-1"))
    if not told.chunks:
        await _respond(send, told.status, told.body.encode(), told.headers)
        return
    fields = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in told.headers]
    await send({"type": "http.response.start", "status": told.status, "headers": fields})
    for chunk in told.chunks:
        await send({"type": "http.response.body", "body": chunk.encode(), "more_body": True})
    await send({"type": "http.response.body", "body": told.body.encode()})


async def get_only(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["method"] == "GET":
        await _respond(send, 200, b"got")
    else:
        await _respond(send, 405, b"only GET here", [("Allow", "GET")])


async def resource(scope: Scope, receive: Receive, send: Send) -> None:
    await _respond(send, 200, RESOURCE)


async def error(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("the fixture application was asked to fail")


async def ws_echo(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        text = event.get("text")
        await send({"type": "websocket.send", "text": text} if text is not None
                   else {"type": "websocket.send", "bytes": event["bytes"]})  # fmt: skip


async def ws_answer(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    chosen = next((name for name in SUBPROTOCOLS if name in scope["subprotocols"]), None)
    await send({"type": "websocket.accept", "subprotocol": chosen})
    while (event := await receive())["type"] == "websocket.receive":
        told = json.loads(event["text"])
        if "send" in told:
            await send({"type": "websocket.send", "text": told["send"]})
        if "subprotocol" in told:
            await send({"type": "websocket.send", "text": str(chosen)})
        if "close" in told:
            code, reason = told["close"]
            await send({"type": "websocket.close", "code": code, "reason": reason})
            return
