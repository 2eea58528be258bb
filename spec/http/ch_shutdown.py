"""Stopping a server.

``stop`` ends the listening: nobody can connect any more, and whoever is connected is still served.
``close_all_connections`` then ends the connections at once, whatever happens on them.

A server that is to be replaced under load needs something in between, which is not part of Tornado: ``shutdown``
accepts no more connections and lets each request that is there be answered. The answers say ``Connection: close``, so
that clients take their next request elsewhere; connections without a request are closed. What is not done in the given
time is closed by force. A request that reached the server is answered or, at that time, visibly lost; none vanishes.
"""

import asyncio
import contextlib
import socket

from conformance import api, doc, each, labelled, must, rfc, should
from conformance.client import in_time
from conformance.delegates import delegate, respond
from conformance.tracing import Trace, raised

#: A capability that only some servers have: shutdown(timeout).
GRACEFUL = ("graceful-shutdown",)


@contextlib.asynccontextmanager
async def running(application, **settings):
    """Serve ``application`` and give the server and a function that connects to it; end what is left."""
    server = api.httpserver.HTTPServer(application, **settings)
    (sock,) = api.netutil.bind_sockets(0, "127.0.0.1")
    address = sock.getsockname()
    server.add_socket(sock)
    open_writers = []

    async def connect():
        reader, writer = await in_time(asyncio.open_connection(*address), lambda: "a connection")
        open_writers.append(writer)
        return reader, writer

    try:
        yield server, connect, address
    finally:
        for writer in open_writers:
            writer.close()
        server.stop()
        await in_time(server.close_all_connections(), lambda: "the server to close its connections")


async def answer(reader):
    """Return status, whether the answer says close, and body of the next answer, which has a Content-Length."""
    head = (await in_time(reader.readuntil(b"\r\n\r\n"), lambda: "an answer")).decode().lower()
    length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
    body = await in_time(reader.readexactly(length), lambda: "the body of an answer")
    return int(head.split()[1]), "\r\nconnection: close\r\n" in head, body


async def ended(reader):
    """Wait for the end of the connection, and return what came before it."""
    try:
        return await in_time(reader.read(), lambda: "the end of the connection")
    except ConnectionError:
        return b""


GET = b"GET /%s HTTP/1.1\r\nHost: h\r\n\r\n"


# -- stop and close_all_connections -----------------------------------------------------------------------------------


@must(
    "httpserver.stop.listening",
    "After stop() nobody can connect; connections that are open are still served.",
    doc("tcpserver.TCPServer.stop"),
)
async def test_stop():
    async with running(delegate()) as (server, connect, address):
        reader, writer = await connect()
        writer.write(GET % b"1")
        await answer(reader)
        server.stop()
        with socket.socket() as other:
            assert raised(ConnectionRefusedError, other.connect, address)
        writer.write(GET % b"2")
        assert (await answer(reader))[0] == 200


@must(
    "httpserver.close-all.idle",
    "close_all_connections() closes the connections that are open, and returns when they are closed.",
    doc("httpserver.HTTPServer.close_all_connections"),
)
async def test_close_all():
    async with running(delegate()) as (server, connect, _):
        used, fresh = await connect(), await connect()
        used[1].write(GET % b"1")
        await answer(used[0])
        server.stop()
        await in_time(server.close_all_connections(), lambda: "the end of close_all_connections()")
        assert [await ended(used[0]), await ended(fresh[0])] == [b"", b""]


@must(
    "httpserver.close-all.nobody",
    "close_all_connections() returns at once when there are none.",
    doc("httpserver.HTTPServer.close_all_connections"),
)
async def test_close_none():
    async with running(delegate()) as (server, _, _):
        await in_time(server.close_all_connections(), lambda: "the end of close_all_connections()")


@should(
    "httpserver.close-all.busy",
    "A request that is being received or answered learns that its connection is closed.",
    doc("httpserver.HTTPServer.close_all_connections"),
    doc("httputil.HTTPMessageDelegate.on_connection_close"),
)
@each(
    state=[
        labelled("answering", b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
        labelled("receiving", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf"),
    ]
)
async def test_close_busy(state):
    trace = Trace()
    application = delegate(
        headers_received=lambda message: message.connection.set_close_callback(lambda: trace.add("closed")),
        data_received=lambda message, chunk: trace.add("busy"),
        finish=lambda message: trace.add("busy"),
        on_connection_close=lambda message: trace.add("closed"),
    )
    async with running(application) as (server, connect, _):
        reader, writer = await connect()
        writer.write(state)
        await trace.first(1)
        server.stop()
        await in_time(server.close_all_connections(), lambda: "the end of close_all_connections()")
        # By on_connection_close(), by the close callback, or by both.
        assert (await trace.first(2))[:2] == ["busy", "closed"]
        assert await ended(reader) == b""


# -- shutdown ---------------------------------------------------------------------------------------------------------


class Gate:
    """An application whose answers wait for ``open``; ``trace`` has the requests that have come."""

    def __init__(self):
        self.open, self.trace = asyncio.Event(), Trace()
        self._tasks = set()

    def __call__(self, request):
        self.trace.add(request.uri)
        task = asyncio.ensure_future(self._answer(request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, request):
        await self.open.wait()
        respond(request.connection, request.uri.encode())


@must(
    "httpserver.shutdown.in-flight",
    "shutdown() lets requests that are being answered be answered; the answers say Connection: close.",
    rfc(9112, "9.6", "RFC9112-9.6-1"),
    needs=GRACEFUL,
)
async def test_in_flight():
    gate = Gate()
    async with running(gate) as (server, connect, _):
        streams = [await connect() for _ in range(5)]
        for number, (_, writer) in enumerate(streams):
            writer.write(GET % str(number).encode())
        await gate.trace.first(5)
        ending = asyncio.ensure_future(server.shutdown())
        await asyncio.sleep(0.02)
        assert not ending.done()
        gate.open.set()
        for number, (reader, _) in enumerate(streams):
            assert await answer(reader) == (200, True, f"/{number}".encode())
            assert await ended(reader) == b""
        assert await in_time(ending, lambda: "the end of shutdown()") is True


@must(
    "httpserver.shutdown.streaming",
    "An answer that has begun is completed; then the connection is closed.",
    rfc(9112, "9.6", "RFC9112-9.6-i1"),
    needs=GRACEFUL,
)
async def test_streaming():
    trace, go_on = Trace(), asyncio.Event()

    async def stream(message):
        line = api.httputil.ResponseStartLine("HTTP/1.1", 200, "OK")
        await message.connection.write_headers(line, api.httputil.HTTPHeaders({"Content-Length": "4"}), b"ab")
        trace.add("begun")
        await go_on.wait()
        await message.connection.write(b"cd")
        message.connection.finish()

    async with running(delegate(finish=lambda message: asyncio.ensure_future(stream(message)))) as (server, connect, _):
        reader, writer = await connect()
        writer.write(GET % b"")
        await trace.first(1)
        ending = asyncio.ensure_future(server.shutdown())
        await asyncio.sleep(0)
        go_on.set()
        assert (await ended(reader)).endswith(b"\r\n\r\nabcd")
        assert await in_time(ending, lambda: "the end of shutdown()") is True


@must(
    "httpserver.shutdown.half-received",
    "A request of which only a part has come is received and answered.",
    rfc(9112, "9.6"),
    needs=GRACEFUL,
)
@each(
    parts=[
        labelled("body", (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbo", b"dy")),
        labelled("head", (b"GET / HT", b"TP/1.1\r\nHost: h\r\n\r\n")),
    ]
)
async def test_half_received(parts):
    trace = Trace()
    async with running(delegate(on_close=trace.add)) as (server, connect, _):
        reader, writer = await connect()
        writer.write(parts[0])
        # Another connection's exchange shows that the server has seen that.
        other = await connect()
        other[1].write(GET % b"")
        await answer(other[0])
        ending = asyncio.ensure_future(server.shutdown())
        await asyncio.sleep(0.02)
        writer.write(parts[1])
        status, closes, body = await answer(reader)
        assert (status, closes, body) == (200, True, b"body" if b"POST" in parts[0] else b"")
        assert await in_time(ending, lambda: "the end of shutdown()") is True


@must(
    "httpserver.shutdown.idle",
    "Connections without a request are closed, and nobody can connect any more.",
    rfc(9112, "9.5"),
    needs=GRACEFUL,
)
async def test_idle():
    async with running(delegate()) as (server, connect, address):
        used, fresh = await connect(), await connect()
        used[1].write(GET % b"")
        await answer(used[0])
        assert await in_time(server.shutdown(), lambda: "the end of shutdown()") is True
        assert [await ended(used[0]), await ended(fresh[0])] == [b"", b""]
        with socket.socket() as other:
            assert raised(ConnectionRefusedError, other.connect, address)


@must(
    "httpserver.shutdown.not-accepted-yet",
    "Requests of clients that have connected, but were not accepted yet, are answered.",
    rfc(9112, "9.6"),
    needs=GRACEFUL,
)
async def test_not_accepted_yet():
    async with running(delegate()) as (server, connect, address):
        await connect()
        clients = [socket.create_connection(address) for _ in range(10)]
        for client in clients:
            client.sendall(GET % b"")
        assert await in_time(server.shutdown(), lambda: "the end of shutdown()") is True
        for client in clients:
            with client:
                client.settimeout(3)
                assert client.recv(1000).startswith(b"HTTP/1.1 200 ")


@must(
    "httpserver.shutdown.bounded",
    "What is not done in the given time is closed; its request learns of it, and shutdown() returns False.",
    rfc(9112, "9.6"),
    needs=GRACEFUL,
)
async def test_bounded():
    trace = Trace()
    application = delegate(
        finish=lambda message: trace.add("busy"), on_connection_close=lambda message: trace.add("lost")
    )
    async with running(application) as (server, connect, _):
        reader, writer = await connect()
        writer.write(GET % b"")
        await trace.first(1)
        assert await in_time(server.shutdown(timeout=0.05), lambda: "the end of shutdown()") is False
        assert await trace.first(2) == ["busy", "lost"]
        assert await ended(reader) == b""


@must(
    "httpserver.shutdown.under-load",
    "Under load no request is lost: a client that goes elsewhere once an answer says close has all of them answered.",
    rfc(9112, "9.6"),
    rfc(9112, "9.3", "RFC9112-9.3-5"),
    needs=GRACEFUL,
)
async def test_under_load():
    async def slowly(request):
        await asyncio.sleep(0.001)
        respond(request.connection, request.uri.encode())

    async def client(connect, counts):
        reader, writer = await connect()
        closes = False
        while not closes:
            counts["sent"] += 1
            writer.write(GET % str(counts["sent"]).encode())
            _, closes, _ = await answer(reader)
            counts["answered"] += 1

    tasks = set()
    async with running(lambda request: tasks.add(asyncio.ensure_future(slowly(request)))) as (server, connect, _):
        counts = {"sent": 0, "answered": 0}
        clients = [asyncio.ensure_future(client(connect, counts)) for _ in range(30)]
        while counts["answered"] < 200:
            await asyncio.sleep(0.005)
        assert await in_time(server.shutdown(), lambda: "the end of shutdown()") is True
        await in_time(asyncio.gather(*clients), lambda: "the clients")
        assert counts["sent"] == counts["answered"] >= 200
