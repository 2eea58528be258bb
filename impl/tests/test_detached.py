"""Connections that HTTP has given away: over TLS, with a slow owner, and when the client ends its side alone."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest
import trustme

from waterspout.httpserver import HTTPServer
from waterspout.iostream import StreamClosedError
from waterspout.netutil import bind_sockets
from waterspout.web import Application, RequestHandler


async def _exchange(get: Any, talk: Any, secure: bool) -> Any:
    """Serve ``get``, and return what ``talk(reader, writer)`` returns behind a request."""
    authority = trustme.CA()
    server_context, client_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server_context)
    authority.configure_trust(client_context)
    app = Application([("/", type("Page", (RequestHandler,), {"get": get}))])
    server = HTTPServer(app, ssl_options=server_context if secure else None)
    (listener,) = bind_sockets(0, "127.0.0.1")
    server.add_sockets([listener])
    port = listener.getsockname()[1]
    tls: dict[str, Any] = {"ssl": client_context, "server_hostname": "localhost"} if secure else {}
    reader, writer = await asyncio.open_connection("127.0.0.1", port, **tls)
    try:
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        return await asyncio.wait_for(talk(reader, writer), 10)
    finally:
        writer.close()
        server.stop()
        await asyncio.wait_for(server.close_all_connections(), 10)


@pytest.mark.parametrize("secure", [False, True])
def test_an_owner_that_reads_late_slows_the_client_down(secure: bool) -> None:
    """Nothing is lost, and nothing piles up without bound: the client has to wait."""
    begin = asyncio.Event()

    async def get(self: Any) -> None:
        stream = self.detach()
        await begin.wait()
        data = await stream.read_bytes(30_000_000)
        await stream.write(str(len(data)).encode())
        stream.close()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"x" * 30_000_000)
        drained = asyncio.ensure_future(writer.drain())
        for _ in range(100):
            await asyncio.sleep(0)
        # The client's own TLS takes all there is, whoever reads it.
        assert secure or not drained.done()
        begin.set()
        await drained
        return await reader.read()

    assert asyncio.run(_exchange(get, talk, secure)) == b"30000000"


def test_the_client_may_end_its_side_and_go_on_reading() -> None:
    """As many protocols have it."""

    async def get(self: Any) -> None:
        stream = self.detach()
        data = await stream.read_until_close()
        with pytest.raises(StreamClosedError):
            await stream.read_bytes(1)
        assert data == b"all"

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"all")
        writer.write_eof()
        return await reader.read()

    assert asyncio.run(_exchange(get, talk, False)) == b""
