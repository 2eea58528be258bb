"""The fixture application on any package with Tornado's API, the reference with a saboteur included."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import socket
from typing import Any

from conformance import loops
from conformance.apps import api_pages, api_sockets, greet, listening_socket, tls_context, until_stdin_closes
from conformance.apps.tampering import serve_tampered
from conformance.saboteurs import Patches, Tamper


def application(package: str) -> Any:
    """Return an ``Application`` of ``package`` with the fixture routes."""
    web = importlib.import_module(f"{package}.web")
    websocket = importlib.import_module(f"{package}.websocket")
    routes = [*api_pages.routes(web), *api_sockets.routes(websocket)]
    return web.Application(routes, websocket_max_message_size=20 * 1024 * 1024, compress_response=True)


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
