"""The server on real sockets: loopback, TLS, both IP versions."""

from __future__ import annotations

import asyncio
import gzip
import json
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from waterspout import httpserver, netutil
from waterspout.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    HTTPServerRequest,
    ResponseStartLine,
)


def respond(request: HTTPServerRequest, body: bytes) -> None:
    """Answer 200."""
    headers = HTTPHeaders({"Content-Length": str(len(body))})
    request.connection.write_headers(ResponseStartLine("", 200, "OK"), headers, body)
    request.connection.finish()


def tell(request: HTTPServerRequest) -> None:
    """Answer with what the request was."""
    told = [request.method, request.uri, len(request.body), request.protocol, request.remote_ip]
    respond(request, json.dumps(told).encode())


@asynccontextmanager
async def serving(application: Any, address: str = "127.0.0.1", **options: Any) -> AsyncIterator[int]:
    """Serve ``application`` and give the port."""
    server = httpserver.HTTPServer(application, **options)
    sockets = netutil.bind_sockets(0, address)
    server.add_sockets(sockets)
    try:
        yield sockets[0].getsockname()[1]
    finally:
        server.stop()
        await asyncio.wait_for(server.close_all_connections(), 10)


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def response(self) -> bytes:
        """Return the body of the next response, which has a Content-Length."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        headers = HTTPHeaders.parse(head.partition(b"\r\n")[2].decode())
        return await self.reader.readexactly(int(headers["Content-Length"]))


@asynccontextmanager
async def connected(port: int, address: str = "127.0.0.1", **options: Any) -> AsyncIterator[Client]:
    """Connect to a server."""
    reader, writer = await asyncio.open_connection(address, port, **options)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def run(test: Callable[[], Any]) -> Callable[[], None]:
    """Run a test on a loop of its own."""

    def wrapper() -> None:
        asyncio.run(asyncio.wait_for(test(), 20))

    wrapper.__name__, wrapper.__doc__ = test.__name__, test.__doc__
    return wrapper


POST = b"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n"


@run
async def test_one_connection_serves_many_requests() -> None:
    """One after another, and all at once."""
    async with serving(tell) as port, connected(port) as client:
        for _ in range(3):
            client.send(b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
            assert json.loads(await client.response()) == ["GET", "/a", 0, "http", "127.0.0.1"]
        client.send(b"".join([b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % number for number in range(100)]))
        assert [json.loads(await client.response())[1] for _ in range(100)] == [f"/{n}" for n in range(100)]


@run
async def test_a_request_may_come_byte_by_byte() -> None:
    """Each byte in a packet of its own."""
    async with serving(tell) as port, connected(port) as client:
        request = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        for byte in request:
            client.send(bytes([byte]))
            await asyncio.sleep(0)
        assert json.loads(await client.response())[2] == 3


@run
async def test_large_bodies_pass_both_ways() -> None:
    """One mebibyte each."""
    body = bytes(range(256)) * 4096
    async with serving(lambda request: respond(request, request.body)) as port, connected(port) as client:
        client.send(POST % len(body) + body)
        assert await client.response() == body


@run
async def test_a_refused_body_still_lets_the_peer_read_the_answer() -> None:
    """Although it goes on sending, the answer is not destroyed (RFC 9112, section 9.6)."""
    async with serving(tell, max_body_size=1000) as port, connected(port) as client:
        client.send(POST % 1048576 + bytes(1048576))
        assert (await client.reader.read()).startswith(b"HTTP/1.1 413 ")


@run
async def test_a_client_that_vanishes_within_the_body_leaves_nothing_behind() -> None:
    """The application never sees the request, and hears of the loss."""
    told: asyncio.Queue[str] = asyncio.Queue()

    class Delegate(HTTPServerConnectionDelegate, HTTPMessageDelegate):
        def start_request(self, server_conn: object, request_conn: object) -> HTTPMessageDelegate:
            told.put_nowait("start")
            return self

        def finish(self) -> None:
            told.put_nowait("finish")

        def on_connection_close(self) -> None:
            told.put_nowait("lost")

        def on_close(self, server_conn: object) -> None:
            told.put_nowait("closed")

    async with serving(Delegate()) as port:
        async with connected(port) as client:
            client.send(POST % 100 + b"abc")
            assert await told.get() == "start"
        assert [await told.get(), await told.get()] == ["lost", "closed"]


@run
async def test_curl_style_half_close_gets_its_answer() -> None:
    """The peer may end its side after the request."""
    async with serving(tell) as port, connected(port) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        client.writer.write_eof()
        assert (await client.reader.read()).endswith(b'"127.0.0.1"]')


@run
async def test_ipv6_clients_are_served() -> None:
    """Their address is told without brackets."""
    async with serving(tell, "::1") as port, connected(port, "::1") as client:
        client.send(b"GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n")
        assert json.loads(await client.response())[4] == "::1"


@pytest.fixture
def certificate(tmp_path: Path) -> dict[str, str]:
    """A certificate for localhost, signed by itself."""
    openssl = shutil.which("openssl")
    assert openssl, "these tests need the openssl program"
    files = {"certfile": str(tmp_path / "cert.pem"), "keyfile": str(tmp_path / "key.pem")}
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", files["keyfile"]]
    name = ["-days", "2", "-subj", "/CN=localhost", "-out", files["certfile"]]
    subprocess.run([openssl, "req", "-x509", *key, *name], check=True, capture_output=True)
    return files


def test_https_is_served_and_told(certificate: dict[str, str]) -> None:
    """Requests in large pieces pass both ways, and garbage gets its answer."""

    async def test() -> None:
        context = ssl.create_default_context(cafile=certificate["certfile"])
        tls: dict[str, Any] = {"ssl": context, "server_hostname": "localhost"}
        context.check_hostname = False
        async with serving(tell, ssl_options=certificate) as port:
            async with connected(port, **tls) as client:
                for _ in range(2):
                    client.send(POST % 1048576 + bytes(1048576))
                    assert json.loads(await client.response()) == [
                        "POST",
                        "/p",
                        1048576,
                        "https",
                        "127.0.0.1",
                    ]
            async with connected(port, **tls) as client:
                client.send(b"garbage\r\n\r\n")
                assert (await client.reader.readuntil(b"\n")).startswith(b"HTTP/1.1 400 ")

    asyncio.run(asyncio.wait_for(test(), 20))


@run
async def test_closing_all_connections_ends_idle_and_busy_ones() -> None:
    """Whoever waits for an answer hears that the connection is lost."""
    requests: asyncio.Queue[HTTPServerRequest] = asyncio.Queue()
    server = httpserver.HTTPServer(requests.put_nowait)
    (sock,) = netutil.bind_sockets(0, "127.0.0.1")
    server.add_socket(sock)
    port = sock.getsockname()[1]
    async with connected(port) as idle, connected(port) as busy:
        busy.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        request = await requests.get()
        lost: list[bool] = []
        request.connection.set_close_callback(lambda: lost.append(True))
        server.stop()
        await server.close_all_connections()
        assert lost == [True]
        assert [await idle.reader.read(), await busy.reader.read()] == [b"", b""]


@run
async def test_packed_bodies_are_unpacked_within_bounds() -> None:
    """A small body that unpacks to a huge one is refused, and so is one that is no gzip or cut short."""
    packed = gzip.compress(bytes(5000))
    bomb = gzip.compress(bytes(1000000))
    head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
    async with serving(tell, decompress_request=True, max_body_size=10000, chunk_size=100) as port:
        async with connected(port) as client:
            client.send(head % len(packed) + packed)
            assert json.loads(await client.response())[2] == 5000
        for body, status in ((bomb, 413), (b"not gzip", 400), (packed[:-4], 400), (packed + b"more", 400)):
            async with connected(port) as client:
                client.send(head % len(body) + body)
                assert (await client.reader.read()).startswith(b"HTTP/1.1 %d " % status)


def test_a_server_needs_something_that_answers() -> None:
    """The error comes when the server is made."""
    with pytest.raises(TypeError, match="function or a connection delegate"):
        httpserver.HTTPServer(5)
