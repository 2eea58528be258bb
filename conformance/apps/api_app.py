"""The fixture application on any package with Tornado's API, the reference with a saboteur included."""

from __future__ import annotations

import argparse
import asyncio
import datetime
import importlib
import json
import socket
from typing import Any

from conformance import loops
from conformance.apps import (
    MODIFIED,
    RESOURCE,
    SUBPROTOCOLS,
    Instructions,
    echo_document,
    greet,
    listening_socket,
    resource_directory,
    tls_context,
    until_stdin_closes,
)
from conformance.apps.tampering import serve_tampered
from conformance.saboteurs import Patches, Tamper

#: What lives as long as the program.
_alive: set[object] = set()


def application(package: str) -> Any:
    """Return an ``Application`` of ``package`` with the fixture routes."""
    web = importlib.import_module(f"{package}.web")
    websocket = importlib.import_module(f"{package}.websocket")
    return web.Application(
        [*_pages(web), _resource(web), *_web_sockets(websocket)],
        websocket_max_message_size=20 * 1024 * 1024,
        compress_response=True,
    )


def _pages(web: Any) -> list[tuple[Any, ...]]:
    class Echo(web.RequestHandler):  # type: ignore[misc]
        def answer(self) -> None:
            request = self.request
            headers = list(request.headers.get_all())
            _ = request.cookies
            self.set_header("Content-Type", "application/json")
            parsed = (request.method, request.uri, request.version, headers, request.body)
            self.write(echo_document(*parsed, scheme=request.protocol, host=request.host))

        get = post = put = patch = delete = options = head = answer

    class Answer(web.RequestHandler):  # type: ignore[misc]
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

    class GetOnly(web.RequestHandler):  # type: ignore[misc]
        def get(self) -> None:
            self.write("got")

    class Error(web.RequestHandler):  # type: ignore[misc]
        def prepare(self) -> None:
            raise RuntimeError("the fixture application was asked to fail")

    return [("/echo", Echo), ("/answer", Answer), ("/get-only", GetOnly), ("/error", Error)]


def _resource(web: Any) -> tuple[Any, ...]:
    if hasattr(web, "StaticFileHandler"):
        directory = resource_directory()
        _alive.add(directory)
        return ("/(resource.txt)", web.StaticFileHandler, {"path": directory.name})

    class Resource(web.RequestHandler):  # type: ignore[misc]
        def get(self) -> None:
            self.set_header("Content-Type", "text/plain")
            self.set_header("Last-Modified", datetime.datetime.fromtimestamp(MODIFIED, datetime.timezone.utc))
            self.write(RESOURCE)

        head = get

    return ("/resource.txt", Resource)


def _web_sockets(websocket: Any) -> list[tuple[Any, ...]]:
    class Echo(websocket.WebSocketHandler):  # type: ignore[misc]
        def get_compression_options(self) -> dict[str, Any]:
            return {}

        def on_message(self, message: str | bytes) -> None:
            self.write_message(message, binary=isinstance(message, bytes))

    class Answer(websocket.WebSocketHandler):  # type: ignore[misc]
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

    return [("/ws/echo", Echo), ("/ws/answer", Answer)]


async def start(package: str, tamper: type[Tamper] | None) -> list[socket.socket]:
    """Serve the fixture application of ``package`` on the running loop.

    Returns the sockets to connect to: in the clear, and with TLS.
    """
    httpserver = importlib.import_module(f"{package}.httpserver")
    served = application(package)
    found = []
    for options in ({}, {"ssl_options": tls_context()}):
        listener = listening_socket()
        httpserver.HTTPServer(served, **options).add_socket(listener)
        found.append(listener if tamper is None else await serve_tampered(tamper, listener.getsockname()[1]))
    return found


async def main() -> None:
    """Serve until standard input is closed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--import", dest="package", required=True, help="package with Tornado's API")
    parser.add_argument("--sabotage", default="", help="apply this saboteur first")
    options = parser.parse_args()
    patches = Patches(options.package)
    if options.sabotage:
        patches = Patches.apply_named(options.sabotage, options.package)
    greet(*await start(options.package, patches.tamper))
    await until_stdin_closes()


if __name__ == "__main__":
    loops.use_inherited()
    asyncio.run(main())
