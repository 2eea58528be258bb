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


async def begin(server, connect):
    """Call shutdown(), and return it as a task when a quick request on another connection shows that it has begun."""
    reader, writer = await connect()
    writer.write(QUICK)
    await answer(reader)
    ending = asyncio.ensure_future(server.shutdown())
    closes = False
    while not closes:
        writer.write(QUICK)
        _, closes, _ = await answer(reader)
    return ending


QUICK = b"GET /quick HTTP/1.1\r\nHost: h\r\n\r\n"
GET = b"GET /%s HTTP/1.1\r\nHost: h\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n"


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
@each(sent=[labelled("answering", GET % b""), labelled("receiving", POST + b"bo")])
async def test_close_busy(sent):
    trace = Trace()
    application = delegate(
        headers_received=lambda message: message.connection.set_close_callback(lambda: trace.add("closed")),
        data_received=lambda message, chunk: trace.add("busy"),
        finish=lambda message: trace.add("busy"),
        on_connection_close=lambda message: trace.add("closed"),
    )
    async with running(application) as (server, connect, _):
        reader, writer = await connect()
        writer.write(sent)
        await trace.first(1)
        server.stop()
        await in_time(server.close_all_connections(), lambda: "the end of close_all_connections()")
        # By on_connection_close(), by the close callback, or by both.
        assert (await trace.first(2))[:2] == ["busy", "closed"]
        assert await ended(reader) == b""


# -- shutdown ---------------------------------------------------------------------------------------------------------


@must(
    "httpserver.shutdown.in-flight",
    "shutdown() lets requests that are being answered be answered; the answers say Connection: close.",
    rfc(9112, "9.6", "RFC9112-9.6-1"),
    needs=GRACEFUL,
)
async def test_in_flight():
    waiting = []
    application = delegate(
        finish=lambda message: (respond if message.start_line.path == "/quick" else waiting.append)(message.connection)
    )
    async with running(application) as (server, connect, _):
        streams = [await connect() for _ in range(5)]
        for _, writer in streams:
            writer.write(GET % b"slow")
        ending = await begin(server, connect)
        assert (len(waiting), ending.done()) == (5, False)
        for connection in waiting:
            respond(connection, b"late")
        for reader, _ in streams:
            assert await answer(reader) == (200, True, b"late")
            assert await ended(reader) == b""
        assert await in_time(ending, lambda: "the end of shutdown()") is True


@must(
    "httpserver.shutdown.streaming",
    "An answer that has begun is completed; then the connection is closed.",
    rfc(9112, "9.6", "RFC9112-9.6-i1"),
    needs=GRACEFUL,
)
async def test_streaming():
    streaming = []

    def answered(message):
        if message.start_line.path == "/quick":
            return respond(message.connection)
        headers = api.httputil.HTTPHeaders({"Content-Length": "4"})
        message.connection.write_headers(api.httputil.ResponseStartLine("HTTP/1.1", 200, "OK"), headers, b"ab")
        return streaming.append(message.connection)

    async with running(delegate(finish=answered)) as (server, connect, _):
        reader, writer = await connect()
        writer.write(GET % b"slow")
        ending = await begin(server, connect)
        streaming[0].write(b"cd")
        streaming[0].finish()
        assert (await ended(reader)).endswith(b"\r\n\r\nabcd")
        assert await in_time(ending, lambda: "the end of shutdown()") is True


@must(
    "httpserver.shutdown.half-received",
    "A request of which only a part has come is received and answered.",
    rfc(9112, "9.6"),
    needs=GRACEFUL,
)
@each(part=["body", "head"])
async def test_half_received(part):
    whole, size = (POST + b"body", len(POST) + 2) if part == "body" else (GET % b"", 8)
    async with running(delegate()) as (server, connect, _):
        reader, writer = await connect()
        writer.write(whole[:size])
        ending = await begin(server, connect)
        writer.write(whole[size:])
        assert await answer(reader) == (200, True, b"body" if part == "body" else b"")
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
        for _ in range(5):
            await asyncio.sleep(0)
        respond(request.connection, request.uri.encode())

    tasks = set()
    async with running(lambda request: tasks.add(asyncio.ensure_future(slowly(request)))) as (server, connect, _):
        counts = {"sent": 0, "answered": 0}
        clients = [asyncio.ensure_future(until_told_to_close(connect, counts)) for _ in range(30)]
        while counts["answered"] < 200:
            await asyncio.sleep(0)
        assert await in_time(server.shutdown(), lambda: "the end of shutdown()") is True
        await in_time(asyncio.gather(*clients), lambda: "the clients")
        assert counts["sent"] == counts["answered"] >= 200


async def until_told_to_close(connect, counts):
    """Send requests on one connection, each after the answer to the one before, until an answer says close."""
    reader, writer = await connect()
    closes = False
    while not closes:
        counts["sent"] += 1
        writer.write(GET % b"")
        _, closes, _ = await answer(reader)
        counts["answered"] += 1
