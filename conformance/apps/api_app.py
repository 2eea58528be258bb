"""The fixture application on any package with Tornado's API, the reference with a saboteur included."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import socket
from typing import Any

from conformance.apps import (
    SUBPROTOCOLS,
    Instructions,
    echo_document,
    greet,
    listening_socket,
    until_stdin_closes,
)
from conformance.apps.tampering import serve_tampered
from conformance.saboteurs import Patches, Tamper


def application(package: str) -> Any:
    """Return an ``Application`` of ``package`` with the fixture routes."""
    web = importlib.import_module(f"{package}.web")
    websocket = importlib.import_module(f"{package}.websocket")

    class Echo(web.RequestHandler):  # type: ignore[name-defined, misc]
        def answer(self) -> None:
            request = self.request
            headers = list(request.headers.get_all())
            self.set_header("Content-Type", "application/json")
            self.write(echo_document(request.method, request.uri, request.version, headers, request.body, request.host))

        get = post = put = patch = delete = options = head = answer

    class Answer(web.RequestHandler):  # type: ignore[name-defined, misc]
        async def answer(self) -> None:
            told = Instructions(self.request.query)
            self.set_status(told.status)
            for name, value in told.headers:
                self.add_header(name, value)
            for chunk in told.chunks:
                self.write(chunk)
                await self.flush()
            if told.body:
                self.write(told.body)

        get = post = put = patch = delete = options = head = answer

    class GetOnly(web.RequestHandler):  # type: ignore[name-defined, misc]
        def get(self) -> None:
            self.write("got")

    class Error(web.RequestHandler):  # type: ignore[name-defined, misc]
        def prepare(self) -> None:
            raise RuntimeError("the fixture application was asked to fail")

    class WSEcho(websocket.WebSocketHandler):  # type: ignore[name-defined, misc]
        def get_compression_options(self) -> dict[str, Any]:
            return {}

        def on_message(self, message: str | bytes) -> None:
            self.write_message(message, binary=isinstance(message, bytes))

    class WSAnswer(websocket.WebSocketHandler):  # type: ignore[name-defined, misc]
        def select_subprotocol(self, subprotocols: list[str]) -> str | None:
            return next((name for name in SUBPROTOCOLS if name in subprotocols), None)

        def on_message(self, message: str | bytes) -> None:
            told = json.loads(message)
            if "send" in told:
                self.write_message(told["send"])
            if "subprotocol" in told:
                self.write_message(str(self.selected_subprotocol))
            if "close" in told:
                self.close(*told["close"])

    return web.Application(
        [
            ("/echo", Echo),
            ("/answer", Answer),
            ("/get-only", GetOnly),
            ("/error", Error),
            ("/ws/echo", WSEcho),
            ("/ws/answer", WSAnswer),
        ],
        websocket_max_message_size=20 * 1024 * 1024,
    )


async def start(package: str, tamper: type[Tamper] | None) -> socket.socket:
    """Serve the fixture application of ``package`` on the running loop; return the socket to connect to."""
    httpserver = importlib.import_module(f"{package}.httpserver")
    listener = listening_socket()
    httpserver.HTTPServer(application(package)).add_socket(listener)
    return listener if tamper is None else await serve_tampered(tamper, listener.getsockname()[1])


async def main() -> None:
    """Serve until standard input is closed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--import", dest="package", required=True, help="package with Tornado's API")
    parser.add_argument("--sabotage", default="", help="apply this saboteur first")
    options = parser.parse_args()
    patches = Patches(options.package)
    if options.sabotage:
        patches = Patches.apply_named(options.sabotage, options.package)
    greet(await start(options.package, patches.tamper))
    await until_stdin_closes()


if __name__ == "__main__":
    asyncio.run(main())
