"""The WebSocket routes of the fixture application on the package websockets, which serves no other HTTP."""

from __future__ import annotations

import asyncio
import http
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from conformance.apps import SUBPROTOCOLS, greet, listening_socket, tls_context, until_stdin_closes


async def converse(socket: ServerConnection) -> None:
    async for message in socket:
        told = {"send": message} if path(socket.request) == "/ws/echo" else json.loads(message)
        if "send" in told:
            await socket.send(told["send"])
        if "subprotocol" in told:
            await socket.send(str(socket.subprotocol))
        if "close" in told:
            await socket.close(*told["close"])


def path(request: Request | None) -> str:
    return urlsplit(request.path).path if request is not None else ""


def missing(socket: ServerConnection, request: Request) -> Response | None:
    known = path(request) in ("/ws/echo", "/ws/answer")
    return None if known else socket.respond(http.HTTPStatus.NOT_FOUND, "there is no such page")


def chosen(socket: ServerConnection, offered: Sequence[str]) -> Subprotocol | None:
    return next((Subprotocol(name) for name in SUBPROTOCOLS if name in offered), None)


async def main() -> None:
    """Serve until standard input is closed."""
    listener, secured = listening_socket(), listening_socket()
    options: dict[str, Any] = {"process_request": missing, "select_subprotocol": chosen, "max_size": 20 * 1024 * 1024}
    async with serve(converse, sock=listener, **options), serve(converse, sock=secured, ssl=tls_context(), **options):
        greet(listener, secured)
        await until_stdin_closes()


if __name__ == "__main__":
    asyncio.run(main())
