"""Connections on streams of one's own

``http1connection`` speaks HTTP/1.1 on a stream that the program has, without a server and without a client.
``HTTP1Connection(stream, is_client)`` reads one message after another and tells each to a delegate; what the program
says, it says by ``write_headers``, ``write`` and ``finish``. ``HTTP1ServerConnection(stream)`` serves requests until
the stream ends. The other end of each stream is the case's own.
"""

import asyncio
import functools
import socket
import types

import pytest

from conformance import api, compat, doc, must, observed, rfc

REQUEST = b"GET /path HTTP/1.1\r\nHost: here\r\n\r\n"
UPLOAD = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n\r\nhello"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Ends:
    """The program's end of a connection, ``stream``, and the other one, ``peer``; made when first asked for."""

    def __init__(self):
        self._sockets = socket.socketpair()

    @functools.cached_property
    def stream(self):
        return api.iostream.IOStream(self._sockets[0])

    @functools.cached_property
    def peer(self):
        return api.iostream.IOStream(self._sockets[1])

    async def aclose(self):
        self.stream.close()
        self.peer.close()


@pytest.fixture
def ends():
    """Both ends of a connection."""
    return Ends()


def listener(answer=None):
    """Return a delegate that notes what it is told, and calls ``answer`` at the end of a message."""

    class Listener(api.httputil.HTTPMessageDelegate):
        def __init__(self):
            self.told = []

        def headers_received(self, start_line, headers):
            self.told.append((tuple(start_line), dict(headers.get_all())))

        def data_received(self, chunk):
            self.told.append(chunk)

        def finish(self):
            self.told.append("finish")
            if answer is not None:
                answer()

        def on_connection_close(self):
            self.told.append("closed")

    return Listener()


def answer(connection, body=b"ok"):
    """Answer a request."""
    headers = api.httputil.HTTPHeaders({"Content-Length": str(len(body))})
    connection.write_headers(api.httputil.ResponseStartLine("HTTP/1.1", 200, "OK"), headers, body)
    connection.finish()


async def asked(ends, reply, method="GET", body=None, **fields):
    """Make a request, have ``reply`` come, and return what was sent and what the listener was told."""
    connection = api.http1connection.HTTP1Connection(ends.stream, True)
    headers = api.httputil.HTTPHeaders({"Host": "here", **fields})
    connection.write_headers(api.httputil.RequestStartLine(method, "/path", ""), headers, body)
    connection.finish()
    sent = await ends.peer.read_bytes(65536, partial=True)
    await ends.peer.write(reply)
    heard = listener()
    return types.SimpleNamespace(sent=sent, told=heard.told, more=await connection.read_response(heard))


def server(answering=True):
    """Return a delegate of a server that notes what happens, and answers each request with its path."""

    class Server(api.httputil.HTTPServerConnectionDelegate):
        def __init__(self):
            self.told = []
            self.ended = asyncio.Event()

        def start_request(self, server_conn, request_conn):
            self.by = server_conn
            heard = listener((lambda: answer(request_conn, heard.told[0][0][1].encode())) if answering else None)
            self.told.append(heard.told)
            return heard

        def on_close(self, server_conn):
            self.ended.set()

    return Server()


# -- clients ----------------------------------------------------------------------------------------------------------


@must(
    "http1.stream.client",
    "A client writes a request and reads the response to it, which its delegate is told.",
    doc("http1connection.HTTP1Connection"),
    doc("http1connection.HTTP1Connection.read_response"),
)
async def test_client(ends):
    seen = await asked(ends, OK)
    assert seen.sent == REQUEST
    assert seen.told == [(("HTTP/1.1", 200, "OK"), {"Content-Length": "2"}), b"ok", "finish"]
    assert (seen.more, ends.stream.closed()) == (True, False)


@must(
    "http1.stream.client-chunks",
    "A request whose body has no length goes out in chunks.",
    rfc(9112, "6.3"),
    doc("http1connection.HTTP1Connection.write_headers"),
)
async def test_client_chunks(ends):
    sent = (await asked(ends, OK, "POST", b"hello")).sent.lower()
    assert b"\r\ntransfer-encoding: chunked\r\n" in sent
    assert sent.endswith(b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n")


@compat("http1.stream.informational", "A 1xx response is told before the final one.", observed("http1-streams"))
async def test_informational(ends):
    seen = await asked(ends, b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK)
    assert [told[0][1] for told in seen.told if isinstance(told, tuple)] == [103, 200]


@must(
    "http1.stream.client-broken",
    "What is no response ends the connection; the delegate is told, and read_response() returns false.",
    doc("http1connection.HTTP1Connection.read_response"),
)
async def test_client_broken(ends):
    seen = await asked(ends, b"this is no response\r\n\r\n")
    assert (seen.told, seen.more, ends.stream.closed()) == (["closed"], False, True)


@must(
    "http1.stream.cut-short",
    "A message that is cut short is an error, and not a message.",
    rfc(9112, "8"),
    doc("http1connection.HTTP1Connection.read_response"),
)
async def test_cut_short(ends):
    connection = api.http1connection.HTTP1Connection(ends.stream, False)
    await ends.peer.write(UPLOAD[:-2])
    ends.peer.close()
    heard = listener()
    with pytest.raises(api.iostream.StreamClosedError):
        await connection.read_response(heard)
    assert (heard.told[-1], "finish" in heard.told) == ("closed", False)


# -- servers ----------------------------------------------------------------------------------------------------------


@must(
    "http1.stream.server",
    "At the server's side, read_response() reads a request, and returns when it is answered.",
    doc("http1connection.HTTP1Connection.read_response"),
)
async def test_server(ends):
    connection = api.http1connection.HTTP1Connection(ends.stream, False, context="whoever")
    await ends.peer.write(UPLOAD)
    heard = listener(lambda: asyncio.get_running_loop().call_soon(answer, connection))
    assert await connection.read_response(heard)
    head = (("POST", "/", "HTTP/1.1"), {"Host": "here", "Content-Length": "5"})
    assert heard.told == [head, b"hello", "finish"]
    assert (await ends.peer.read_bytes(len(OK)), connection.context) == (OK, "whoever")


@must(
    "http1.stream.detach",
    "detach() gives the stream back, open, with what came behind the message.",
    doc("http1connection.HTTP1Connection.detach"),
)
async def test_detach(ends):
    connection = api.http1connection.HTTP1Connection(ends.stream, False)
    await ends.peer.write(REQUEST + b"what comes behind")
    await connection.read_response(listener(lambda: answer(connection)))
    assert (connection.detach() is ends.stream, ends.stream.closed()) == (True, False)
    assert await ends.stream.read_until(b"behind") == b"what comes behind"


@must(
    "http1.stream.close-callback",
    "set_close_callback() hears of the end of a connection that still owes an answer.",
    doc("http1connection.HTTP1Connection.set_close_callback"),
)
async def test_close_callback(ends):
    connection = api.http1connection.HTTP1Connection(ends.stream, False)
    gone = asyncio.Event()
    connection.set_close_callback(gone.set)
    await ends.peer.write(REQUEST)
    reading = asyncio.ensure_future(connection.read_response(listener(ends.peer.close)))
    await gone.wait()
    await asyncio.wait([reading])


@must(
    "http1.stream.max-body-size",
    "set_max_body_size() bounds the body of the message whose head is being told.",
    doc("http1connection.HTTP1Connection.set_max_body_size"),
)
async def test_max_body_size(ends):
    connection = api.http1connection.HTTP1Connection(ends.stream, False)
    heard = listener()
    heard.headers_received = lambda start_line, headers: connection.set_max_body_size(4)
    await ends.peer.write(UPLOAD)
    reading = asyncio.ensure_future(connection.read_response(heard))
    refused = await ends.peer.read_until(b"\r\n\r\n")
    ends.peer.close()
    assert (refused[:10], await reading, b"hello" in heard.told) == (b"HTTP/1.1 4", False, False)


@must(
    "http1.stream.body-timeout",
    "set_body_timeout() bounds the time of a body in seconds; then the connection ends.",
    doc("http1connection.HTTP1Connection.set_body_timeout"),
)
async def test_body_timeout(ends):
    connection = api.http1connection.HTTP1Connection(ends.stream, False)
    heard = listener()
    heard.headers_received = lambda start_line, headers: connection.set_body_timeout(0.01)
    await ends.peer.write(UPLOAD[:-2])
    reading = asyncio.ensure_future(connection.read_response(heard))
    await ends.peer.read_until_close()
    await asyncio.wait([reading])
    assert ends.stream.closed()
    reading.exception()


@must(
    "http1.stream.serving",
    "A server connection answers the requests of its stream in their order, and tells of its end.",
    doc("http1connection.HTTP1ServerConnection.start_serving"),
)
async def test_serving(ends):
    connection, told = api.http1connection.HTTP1ServerConnection(ends.stream), server()
    connection.start_serving(told)
    await ends.peer.write(b"GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    answers = await ends.peer.read_until_close()
    await told.ended.wait()
    assert (answers.count(b"HTTP/1.1 200 OK\r\n"), answers.index(b"/1") < answers.index(b"/2")) == (2, True)
    assert told.by is connection


@must(
    "http1.stream.serving-broken",
    "A request that is none is answered with 400, and the connection ends.",
    rfc(9112, "3"),
    doc("http1connection.HTTP1ServerConnection"),
)
async def test_serving_broken(ends):
    told = server()
    api.http1connection.HTTP1ServerConnection(ends.stream).start_serving(told)
    await ends.peer.write(b"this is no request\r\n\r\n")
    assert (await ends.peer.read_until(b"\r\n")).startswith(b"HTTP/1.1 400 ")
    ends.peer.close()
    await told.ended.wait()


@must(
    "http1.stream.serving-once",
    "With no_keep_alive a connection ends after one answer.",
    doc("http1connection.HTTP1ConnectionParameters"),
)
async def test_serving_once(ends):
    params = api.http1connection.HTTP1ConnectionParameters(no_keep_alive=True)
    api.http1connection.HTTP1ServerConnection(ends.stream, params).start_serving(server())
    await ends.peer.write(REQUEST + REQUEST)
    assert (await ends.peer.read_until_close()).count(b"HTTP/1.1 200 ") == 1


@must(
    "http1.stream.serving-close",
    "close() ends a server connection, and waits until its delegates know.",
    doc("http1connection.HTTP1ServerConnection.close"),
)
async def test_serving_close(ends):
    connection, told = api.http1connection.HTTP1ServerConnection(ends.stream), server(answering=False)
    connection.start_serving(told)
    await ends.peer.write(REQUEST)
    while not any("finish" in heard for heard in told.told):
        await asyncio.sleep(0)
    await connection.close()
    assert (told.ended.is_set(), ends.stream.closed()) == (True, True)
