"""The ASGI fixture application under uvicorn."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import uvicorn

from conformance.apps import CERTIFICATE, greet, listening_socket, until_stdin_closes
from conformance.apps.asgi_app import application


def _server(**options: Any) -> uvicorn.Server:
    config = uvicorn.Config(application, http=sys.argv[1], ws="websockets-sansio", ws_max_size=20 * 1024 * 1024,
                            lifespan="off", log_level="warning", access_log=False, **options)  # fmt: skip
    return uvicorn.Server(config)


async def main() -> None:
    """Serve until standard input is closed."""
    listener, secured = listening_socket(), listening_socket()
    clear, tls = _server(), _server(ssl_certfile=str(CERTIFICATE))
    greet(listener, secured)
    running = [asyncio.ensure_future(coroutine) for coroutine in
               (clear.serve([listener]), tls.serve([secured]), until_stdin_closes())]  # fmt: skip
    # A server that cannot start must end with its error, not wait in silence.
    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    clear.should_exit = tls.should_exit = True
    await asyncio.gather(*running[:2])


if __name__ == "__main__":
    asyncio.run(main())
