"""The fixture application on aiohttp."""

from __future__ import annotations

import asyncio

from aiohttp import web

from conformance.apps import aiohttp_pages, aiohttp_sockets, greet, listening_socket, tls_context, until_stdin_closes


async def main() -> None:
    """Serve until standard input is closed."""
    application = web.Application()
    application.add_routes([*aiohttp_pages.routes, *aiohttp_sockets.routes])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    listener, secured = listening_socket(), listening_socket()
    await web.SockSite(runner, listener).start()
    await web.SockSite(runner, secured, ssl_context=tls_context()).start()
    greet(listener, secured)
    await until_stdin_closes()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
