"""A client testee for Autobahn's fuzzing server, on any package with Tornado's API: echoes, then asks for the report.

``conform autobahn client --target waterspout``
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
from typing import Any

_MAX_MESSAGE = 64 * 1024 * 1024


async def echo_case(websocket: Any, url: str) -> None:
    """Echo what one case sends until its connection ends."""
    connection = await websocket.websocket_connect(url, compression_options={}, max_message_size=_MAX_MESSAGE)
    try:
        while (message := await connection.read_message()) is not None:
            await connection.write_message(message, binary=isinstance(message, bytes))
    except websocket.WebSocketClosedError:
        # The case has ended while its last echo was on the way.
        pass
    finally:
        connection.close()


async def ask(websocket: Any, url: str) -> Any:
    """Return the one message that the fuzzing server answers with, None where it only closes."""
    connection = await websocket.websocket_connect(url)
    said = await connection.read_message()
    connection.close()
    return said


async def main() -> None:
    """Go through all cases that the fuzzing server offers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--import", dest="package", required=True, help="package with Tornado's API")
    parser.add_argument("url", help="address of the fuzzing server")
    parser.add_argument("agent", help="the name in its report")
    told = parser.parse_args()
    websocket = importlib.import_module(f"{told.package}.websocket")
    for number in range(1, int(await ask(websocket, f"{told.url}/getCaseCount")) + 1):
        await echo_case(websocket, f"{told.url}/runCase?case={number}&agent={told.agent}")
    await ask(websocket, f"{told.url}/updateReports?agent={told.agent}")


if __name__ == "__main__":
    asyncio.run(main())
