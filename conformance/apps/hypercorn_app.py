"""The ASGI fixture application under hypercorn (h11, wsproto)."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from hypercorn.asyncio import serve
from hypercorn.config import Config

from conformance.apps import listening_socket, until_stdin_closes
from conformance.apps.uvicorn_app import application
from conformance.apps.wsgi_app import announce


async def main() -> None:
    """Serve until standard input is closed."""
    listener = listening_socket()
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.loglevel = "WARNING"
    config.websocket_max_message_size = 20 * 1024 * 1024
    announce(listener.getsockname()[1])
    await serve(cast(Any, application), config, shutdown_trigger=until_stdin_closes)


if __name__ == "__main__":
    asyncio.run(main())
