"""The ASGI fixture application under hypercorn (h11, wsproto)."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from hypercorn.asyncio import serve
from hypercorn.config import Config

from conformance.apps import CERTIFICATE, greet, listening_socket, until_stdin_closes
from conformance.apps.asgi_app import application


async def main() -> None:
    """Serve until standard input is closed."""
    listener, secured = listening_socket(), listening_socket()
    config = Config()
    config.insecure_bind, config.bind = [f"fd://{listener.fileno()}"], [f"fd://{secured.fileno()}"]
    config.certfile = config.keyfile = str(CERTIFICATE)
    config.loglevel = "WARNING"
    config.websocket_max_message_size = 20 * 1024 * 1024
    greet(listener, secured)
    await serve(cast(Any, application), config, shutdown_trigger=until_stdin_closes)


if __name__ == "__main__":
    asyncio.run(main())
