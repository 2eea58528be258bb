"""A client testee for Autobahn's fuzzing server, on aiohttp: echoes every message, then asks for the report.

``conform autobahn client -- python -m conformance.apps.aiohttp_client {url} {agent}``
"""

from __future__ import annotations

import asyncio
import sys

from aiohttp import ClientSession, WSMsgType

_MAX_MESSAGE = 64 * 1024 * 1024


async def echo_case(session: ClientSession, url: str) -> None:
    """Echo what one case sends until its connection ends."""
    async with session.ws_connect(url, max_msg_size=_MAX_MESSAGE, compress=15) as socket:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await socket.send_bytes(message.data)


async def main(url: str, agent: str) -> None:
    """Go through all cases that the fuzzing server at ``url`` offers."""
    async with ClientSession() as session:
        async with session.ws_connect(f"{url}/getCaseCount") as socket:
            count = int(await socket.receive_str())
        for number in range(1, count + 1):
            await echo_case(session, f"{url}/runCase?case={number}&agent={agent}")
        async with session.ws_connect(f"{url}/updateReports?agent={agent}") as socket:
            await socket.receive()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
