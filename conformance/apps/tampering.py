"""A relay that lets a saboteur tamper with the bytes between the suite and the reference's server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

from conformance.apps import listening_socket
from conformance.saboteurs import Tamper

#: Keeps the relay alive: asyncio itself holds servers and tasks only weakly.
_alive: set[object] = set()


async def serve_tampered(kind: type[Tamper], port: int) -> socket.socket:
    """Relay connections to ``port`` through an instance of ``kind`` each; return the socket that is listened on."""

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await _relay(kind(), port, reader, writer)
        writer.close()

    listener = listening_socket()
    _alive.add(await asyncio.start_server(relay, sock=listener))
    return listener


async def _relay(tamper: Tamper, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        suite = asyncio.ensure_future(_pump(reader, server_writer, tamper.inbound, lambda: tamper.closing(False)))
        await _pump(server_reader, writer, tamper.outbound, lambda: tamper.closing(True))
        if not tamper.closing(True):
            await suite
        suite.cancel()
    finally:
        server_writer.close()


async def _pump(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    change: Callable[[bytes], bytes],
    closing: Callable[[], bool],
) -> None:
    while data := await reader.read(65536):
        writer.write(change(data))
        await writer.drain()
    if closing() and writer.can_write_eof():
        writer.write_eof()
