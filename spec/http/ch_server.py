"""The HTTP server below the web framework.

``HTTPServer`` takes connections and speaks HTTP on them; what answers is a function of the whole request, or a
delegate that is told each request piece by piece and answers through an ``HTTPConnection``. A delegate sets the pace:
what it returns to wait for holds back the rest of the body, up to the client, whose sends fill the buffers in between
and then stop. So an upload of any size passes through a bounded amount of memory.

Everything a client can make a server hold or wait for has a limit: heads, bodies, unpacked bodies, the time between
two requests and that of a body; a delegate can set those of the body for its own request. Beyond a limit the client
gets an answer that says so, as far as there is still somebody who reads it.
"""

import asyncio
import contextlib
import gzip

from conformance import api, compat, doc, each, labelled, must, observed, rfc, should
from conformance.client import CutShort, in_time
from conformance.delegates import delegate, respond, telling
from conformance.tracing import Trace, raised

#: A body whose answer nobody can mistake.
BODY = bytes(range(256)) * 20


# -- functions and delegates ------------------------------------------------------------------------------------------


@must(
    "httpserver.callback.request",
    "An application may be a function: it gets each request, complete, and answers through request.connection.",
    doc("httpserver.HTTPServer"),
    doc("httputil.HTTPServerRequest.connection"),
)
async def test_function(serve):
    def answer(request):
        told = f"{request.method} {request.uri} {request.version} {request.headers['X']} ".encode()
        respond(request.connection, told + request.body, code=202)

    async with (await serve(answer)).connection() as connection:
        reply = await connection.fetch("PUT", "/a?b", body=b"body", headers={"X": "y"})
        assert (reply.code, reply.body) == (202, b"PUT /a?b HTTP/1.1 y body")
        assert (await connection.fetch("GET", "/", headers={"X": ""})).body == b"GET / HTTP/1.1  "


@must(
    "httpserver.delegate.order",
    "A message delegate is told the head, then the body in pieces, then the end.",
    doc("httputil.HTTPMessageDelegate"),
)
async def test_order(serve):
    trace = Trace()
    application = delegate(
        headers_received=lambda message: trace.add((message.start_line.path, message.headers["X"])),
        data_received=lambda message, chunk: trace.add("data"),
        finish=lambda message: (trace.add("finish"), respond(message.connection, message.body)),
    )
    reply = await (await serve(application)).post("/p", body=BODY, headers={"X": "y"})
    assert (reply.body, trace[0], trace[-1]) == (BODY, ("/p", "y"), "finish")
    assert set(trace[1:-1]) == {"data"}


@must(
    "httpserver.delegate.connection",
    "start_request() is called for each request, with one object that stands for the connection.",
    doc("httputil.HTTPServerConnectionDelegate.start_request"),
)
async def test_connection_object(serve):
    trace = Trace()
    async with (await serve(delegate(start_request=trace.add))).connection() as connection:
        await connection.fetch("GET", "/1")
        await connection.fetch("GET", "/2")
    # A server may start the next request before any of it has come.
    assert len(trace) >= 2
    assert all(one is trace[0] for one in trace)


@must(
    "httpserver.delegate.on-close",
    "on_close() is called, with that object, when the connection is closed.",
    doc("httputil.HTTPServerConnectionDelegate.on_close"),
)
async def test_on_close(serve):
    started, closed = Trace(), Trace()
    async with (await serve(delegate(start_request=started.add, on_close=closed.add))).connection() as connection:
        await connection.fetch("GET", "/")
        assert closed == []
    await others_are_served(serve)
    assert len(closed) == 1, f"on_close() was called {len(closed)} times"
    assert closed[0] is started[0]


@must(
    "httpserver.delegate.pieces",
    "write_headers(), write() as often as needed and finish() make an answer; without a length it comes in chunks.",
    doc("httputil.HTTPConnection.write_headers"),
    doc("httputil.HTTPConnection.write"),
)
async def test_answer_in_pieces(serve):
    async def answer(connection):
        line = api.httputil.ResponseStartLine("HTTP/1.1", 200, "Fine")
        headers = api.httputil.HTTPHeaders({"X": "1"})
        headers.add("x", "2")
        await connection.write_headers(line, headers, b"one ")
        for piece in (b"two ", b"three"):
            await connection.write(piece)
        connection.finish()

    application = delegate(finish=lambda message: asyncio.ensure_future(answer(message.connection)))
    async with (await serve(application)).connection() as connection:
        for _ in range(2):
            reply = await connection.fetch("GET", "/")
            assert (reply.reason, reply.headers.get_all("X"), reply.body) == ("Fine", ["1", "2"], b"one two three")


@must(
    "httpserver.delegate.head-awaited",
    "What headers_received() returns is awaited before the body is delivered.",
    doc("httputil.HTTPMessageDelegate.headers_received"),
)
async def test_head_awaited(serve):
    ready, trace = asyncio.Event(), Trace()

    async def wait(message):
        trace.add("head")
        await ready.wait()
        trace.add("ready")

    application = delegate(headers_received=wait, data_received=lambda message, chunk: trace.add("data"))
    async with (await serve(application)).connection() as connection:
        connection.send("POST", "/", body=b"body")
        await trace.first(1)
        await (await serve(telling("uri"))).get("/meanwhile")
        assert trace == ["head"]
        ready.set()
        assert ((await connection.reply()).body, trace) == (b"body", ["head", "ready", "data"])


@must(
    "httpserver.delegate.data-awaited",
    "What data_received() returns is awaited before anything more is delivered.",
    doc("httputil.HTTPMessageDelegate.data_received"),
)
async def test_data_awaited(serve):
    trace = Trace()

    async def wait(message, chunk):
        trace.add("begin")
        await asyncio.sleep(0)
        trace.add("end")

    application = delegate(
        data_received=wait, finish=lambda message: (trace.add("finish"), respond(message.connection, message.body))
    )
    reply = await (await serve(application, http_settings={"chunk_size": 1000})).post("/", body=BODY)
    assert reply.body == BODY
    assert trace == ["begin", "end"] * (len(trace) // 2) + ["finish"]
    assert len(trace) > 3


@must(
    "httpserver.delegate.back-pressure",
    "While data_received() is awaited, the server stops reading: a client can send no more than buffers hold.",
    doc("httputil.HTTPMessageDelegate.data_received"),
)
async def test_back_pressure(serve):
    ready, trace, size = asyncio.Event(), Trace(), 50_000_000

    async def wait(message, chunk):
        message.body = b""
        trace.add(len(chunk))
        await ready.wait()

    server = await serve(delegate(data_received=wait), http_settings={"max_body_size": size})
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    with contextlib.closing(writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%b" % (size, bytes(size)))
        await trace.first(1)
        await others_are_served(serve)
        assert writer.transport.get_write_buffer_size() > size // 2
        ready.set()
        assert (await in_time(reader.readline(), lambda: "the answer")).startswith(b"HTTP/1.1 200 ")
        assert sum(trace) == size


async def others_are_served(serve):
    """Have other clients served, which also gives a server time to go on with what it should not."""
    server = await serve(telling("uri"))
    for _ in range(20):
        assert (await server.get("/other")).body == b"/other"


@must(
    "httpserver.delegate.lost",
    "When the connection is lost before the request is complete, on_connection_close() is called, and finish() is not.",
    doc("httputil.HTTPMessageDelegate.on_connection_close"),
)
async def test_lost(serve):
    trace = Trace()
    application = delegate(
        data_received=lambda message, chunk: trace.add("data"),
        finish=lambda message: trace.add("finish"),
        on_connection_close=lambda message: trace.add("lost"),
    )
    async with (await serve(application)).connection() as connection:
        connection.send("POST", "/", headers={"Content-Length": "10"})
        connection.send_bytes(b"half")
        await trace.first(1)
    assert await trace.first(2) == ["data", "lost"]


@must(
    "httpserver.connection.close-callback",
    "set_close_callback() has a function called when the client leaves before the answer is complete.",
    doc("http1connection.HTTP1Connection.set_close_callback"),
)
async def test_close_callback(serve):
    trace = Trace()

    def wait(message):
        message.connection.set_close_callback(lambda: trace.add("left"))
        trace.add("waiting")

    async with (await serve(delegate(finish=wait))).connection() as connection:
        connection.send("GET", "/")
        await trace.first(1)
    assert await trace.first(2) == ["waiting", "left"]


@compat(
    "httpserver.delegate.input-error",
    "A delegate that raises HTTPInputError has its request answered with 400.",
    observed("http-server"),
)
@each(hook=["headers_received", "data_received"])
async def test_input_error(serve, hook):
    def refuse(*arguments):
        raise api.httputil.HTTPInputError("no")

    reply = await (await serve(delegate(**{hook: refuse}))).post("/", body=b"body")
    assert reply.code == 400


# -- answers that are not HTTP ----------------------------------------------------------------------------------------


@must(
    "httpserver.output.too-long",
    "Writing more than Content-Length declares raises HTTPOutputError; the client never sees the surplus.",
    doc("httputil.HTTPOutputError"),
    rfc(9110, "8.6"),
)
async def test_too_long(serve):
    outcome = []

    def answer(message):
        line = api.httputil.ResponseStartLine("HTTP/1.1", 200, "OK")
        headers = api.httputil.HTTPHeaders({"Content-Length": "3"})
        message.connection.write_headers(line, headers, b"abc")
        outcome.append(raised(api.httputil.HTTPOutputError, message.connection.write, b"defg"))
        with contextlib.suppress(Exception):
            message.connection.finish()

    async with (await serve(delegate(finish=answer))).connection() as connection:
        reply = await connection.fetch("GET", "/")
    assert (reply.body, outcome) == (b"abc", [True])


@must(
    "httpserver.output.too-short",
    "finish() before as much as Content-Length declares raises HTTPOutputError, and the connection is closed.",
    doc("httputil.HTTPOutputError"),
    rfc(9112, "9.3"),
)
async def test_too_short(serve):
    outcome = []

    def answer(message):
        line = api.httputil.ResponseStartLine("HTTP/1.1", 200, "OK")
        message.connection.write_headers(line, api.httputil.HTTPHeaders({"Content-Length": "5"}), b"abc")
        outcome.append(raised(api.httputil.HTTPOutputError, message.connection.finish))

    async with (await serve(delegate(finish=answer))).connection() as connection:
        connection.send("GET", "/")
        received = b""
        while piece := await connection.receive("the end of the connection"):
            received += piece
    assert (received.endswith(b"\r\n\r\nabc"), outcome) == (True, [True])


@must(
    "httpserver.output.injection",
    "A field with a line end in its name or value is not sent.",
    doc("httputil.HTTPConnection.write_headers"),
    rfc(9110, "5.5"),
)
@each(field=[labelled("value", ("A", "b\r\nInjected: yes")), labelled("name", ("A: b\r\nInjected", "yes"))])
async def test_injection(serve, field):
    def answer(message):
        headers = api.httputil.HTTPHeaders({"Content-Length": "0"})
        try:
            headers[field[0]] = field[1]
            line = api.httputil.ResponseStartLine("HTTP/1.1", 200, "OK")
            message.connection.write_headers(line, headers)
            message.connection.finish()
        except Exception:
            respond(message.connection, code=500)

    assert (await (await serve(delegate(finish=answer))).get("/")).code == 500


# -- limits -----------------------------------------------------------------------------------------------------------


@must(
    "httpserver.limits.head",
    "A head larger than max_header_size is refused; the application does not see it.",
    doc("httpserver.HTTPServer"),
    rfc(6585, "5"),
)
async def test_head(serve, lenient):
    trace = Trace()
    application = delegate(finish=lambda message: (trace.add("finish"), respond(message.connection)))
    server = await serve(application, http_settings={"max_header_size": 2000})
    assert (await server.get("/", headers={"X": "y" * 1500})).code == 200
    try:
        reply = await server.get("/", headers={"X": "y" * 2000})
        assert reply.code in (400, 431)
    except CutShort:
        lenient("the connection is closed without an answer")
    assert trace == ["finish"]


@must(
    "httpserver.limits.body",
    "A body larger than max_body_size is refused, whether its length is declared or it comes in chunks.",
    doc("httpserver.HTTPServer"),
    rfc(9110, "15.5.14"),
)
@each(framing=["length", "chunked"])
async def test_body(serve, framing, lenient):
    trace = Trace()
    application = delegate(finish=lambda message: (trace.add("finish"), respond(message.connection)))
    server = await serve(application, http_settings={"max_body_size": 1000})
    for size, accepted in ((1000, True), (1001, False)):
        async with server.connection() as connection:
            if framing == "length":
                connection.send("POST", "/", headers={"Content-Length": str(size)})
                connection.send_bytes(bytes(size))
            else:
                connection.send("POST", "/", headers={"Transfer-Encoding": "chunked"})
                connection.send_bytes(b"%x\r\n%b\r\n0\r\n\r\n" % (size, bytes(size)))
            code = (await connection.reply()).code
        assert code in ((200,) if accepted else (413, 400))
    assert trace == ["finish"]
    if code == 400:
        lenient("the answer is 400, not 413")


@must(
    "httpserver.limits.body-of-a-request",
    "set_max_body_size(), called while the head is received, bounds the body of that request alone, up or down.",
    doc("http1connection.HTTP1Connection.set_max_body_size"),
)
async def test_body_of_a_request(serve):
    def limit(message):
        if message.start_line.path != "/":
            message.connection.set_max_body_size(int(message.start_line.path[1:]))

    server = await serve(delegate(headers_received=limit), http_settings={"max_body_size": 1000})
    async with server.connection() as connection:
        assert (await connection.fetch("POST", "/5000", body=bytes(5000))).code == 200
        assert (await connection.fetch("POST", "/", body=bytes(1000))).code == 200
        assert (await connection.fetch("POST", "/", body=bytes(1001))).code in (400, 413)
    assert (await server.post("/10", body=bytes(11))).code in (400, 413)


@must(
    "httpserver.limits.chunk-size",
    "A body is delivered in pieces of at most chunk_size bytes.",
    doc("http1connection.HTTP1ConnectionParameters"),
)
@each(framing=["length", "chunked"])
async def test_chunk_size(serve, framing):
    trace = Trace()
    application = delegate(data_received=lambda message, chunk: trace.add(len(chunk)))
    server = await serve(application, http_settings={"chunk_size": 1000})
    async with server.connection() as connection:
        if framing == "length":
            connection.send("POST", "/", body=BODY)
        else:
            connection.send("POST", "/", headers={"Transfer-Encoding": "chunked"})
            connection.send_bytes(b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY))
        assert (await connection.reply()).body == BODY
    assert max(trace) <= 1000


@must(
    "httpserver.timeouts.idle",
    "A connection without a request for idle_connection_timeout is closed: a new one, and one that was used.",
    doc("httpserver.HTTPServer"),
    rfc(9112, "9.5"),
)
@each(requests=[0, 1])
async def test_idle(serve, requests):
    server = await serve(telling("uri"), http_settings={"idle_connection_timeout": 0.05})
    async with server.connection() as connection:
        for _ in range(requests):
            await connection.fetch("GET", "/")
        await connection.closed()


@must(
    "httpserver.timeouts.head",
    "A head that is not complete after idle_connection_timeout ends the connection, however its bytes come.",
    doc("httpserver.HTTPServer"),
)
async def test_slow_head(serve, lenient):
    server = await serve(telling("uri"), http_settings={"idle_connection_timeout": 0.1})
    async with server.connection() as connection:
        connection.send_bytes(b"GET / HTTP/1.1\r\n")
        sending = asyncio.ensure_future(dribble(connection, b"X-Slow: ", b"y"))
        received = await connection.receive("the end of a slow head")
        sending.cancel()
    if not received:
        lenient("the connection is closed without an answer")
    else:
        assert received.startswith(b"HTTP/1.1 408 ")


async def dribble(connection, first, then):
    """Send ``first``, and then ``then`` again and again until the connection is closed or this is cancelled."""
    connection.send_bytes(first)
    for _ in range(1000):
        await asyncio.sleep(0.01)
        connection.send_bytes(then)


@must(
    "httpserver.timeouts.body",
    "A body that is not complete after body_timeout is refused; finish() is not called.",
    doc("httpserver.HTTPServer"),
    rfc(9110, "15.5.9"),
)
@each(way=["setting", "method"])
async def test_slow_body(serve, way, lenient):
    trace = Trace()

    def limit(message):
        if way == "method":
            message.connection.set_body_timeout(0.05)

    application = delegate(headers_received=limit, finish=lambda message: trace.add("finish"))
    server = await serve(application, http_settings={"body_timeout": 0.05} if way == "setting" else {})
    async with server.connection() as connection:
        connection.send("POST", "/", headers={"Content-Length": "10"})
        connection.send_bytes(b"half")
        received = await connection.receive("the end of a slow body")
    if not received:
        lenient("the connection is closed without an answer")
    else:
        assert received.startswith(b"HTTP/1.1 408 ")
    assert trace == []


@must(
    "httpserver.timeouts.not-the-application",
    "These times bound the client, not the application: an answer may take longer.",
    doc("httpserver.HTTPServer"),
)
async def test_slow_application(serve):
    async def answer(message):
        # As long as it takes until a connection without a request is closed.
        async with server.connection() as idle:
            await idle.closed()
        respond(message.connection, b"late")

    application = delegate(finish=lambda message: asyncio.ensure_future(answer(message)))
    server = await serve(application, http_settings={"idle_connection_timeout": 0.05, "body_timeout": 0.05})
    assert (await server.post("/", body=b"body")).body == b"late"


# -- slow and greedy clients ------------------------------------------------------------------------------------------


@must(
    "httpserver.clients.slow",
    "A client that sends its request byte by byte is served, and others are served meanwhile.",
    doc("httpserver.HTTPServer"),
)
async def test_slow_client(serve):
    server = await serve(telling("uri", "body"))
    async with server.connection() as slow:
        slow.send("POST", "/slow", body=b"")
        assert (await slow.reply()).code == 200
        slow._expected.append("POST")
        for number, byte in enumerate(b"POST /slow HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody"):
            slow.send_bytes(bytes([byte]))
            if number % 16 == 0:
                assert (await server.get("/other")).text.startswith("/other")
        assert (await slow.reply()).text == "/slow\nb'body'"


@must(
    "httpserver.clients.takes-no-answers",
    "A client that sends requests and takes no answers gets no more of them made than buffers hold.",
    rfc(9112, "9.3.2"),
    doc("httputil.HTTPConnection.write"),
)
async def test_takes_no_answers(serve):
    served = Trace()

    def answer(request):
        served.add(request.uri)
        respond(request.connection, bytes(100_000))

    server = await serve(answer)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1000)
    with contextlib.closing(writer):
        requests = 5000
        writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * requests)
        await served.first(1)
        await others_are_served(serve)
        assert len(served) < requests // 10
        reader.feed_eof()


# -- packed bodies ----------------------------------------------------------------------------------------------------


def packed(data):
    """Return a request's body and fields, packed with gzip."""
    return {"body": gzip.compress(data), "headers": {"Content-Encoding": "gzip"}}


@must(
    "httpserver.decompress.gzip",
    "With decompress_request a body with Content-Encoding: gzip is delivered unpacked, and without that field.",
    doc("httpserver.HTTPServer"),
)
async def test_gzip(serve):
    def answer(request):
        respond(request.connection, request.body, Had=request.headers.get("Content-Encoding", "none"))

    server = await serve(answer, http_settings={"decompress_request": True})
    for _ in range(2):
        reply = await server.fetch("POST", "/", **packed(BODY))
        assert (reply.body, reply.headers["Had"]) == (BODY, "none")
    assert (await server.post("/", body=b"plain")).body == b"plain"


@must(
    "httpserver.decompress.off",
    "By default a body is delivered as it came.",
    doc("httpserver.HTTPServer"),
)
async def test_gzip_off(serve):
    request = packed(BODY)
    assert (await (await serve(delegate())).fetch("POST", "/", **request)).body == request["body"]


@must(
    "httpserver.decompress.pieces",
    "An unpacked body is delivered in pieces of at most chunk_size bytes.",
    doc("httpserver.HTTPServer"),
)
async def test_gzip_pieces(serve):
    trace = Trace()
    application = delegate(data_received=lambda message, chunk: trace.add(len(chunk)))
    server = await serve(application, http_settings={"decompress_request": True, "chunk_size": 100})
    assert (await server.fetch("POST", "/", **packed(bytes(10_000)))).body == bytes(10_000)
    assert max(trace) <= 100


@must(
    "httpserver.decompress.bomb",
    "A body that unpacks to more than max_body_size is refused, however small it came.",
    doc("httpserver.HTTPServer"),
)
async def test_bomb(serve):
    trace = Trace()
    application = delegate(finish=lambda message: (trace.add(len(message.body)), respond(message.connection)))
    settings = {"decompress_request": True, "max_body_size": 10_000}
    server = await serve(application, http_settings=settings)
    assert (await server.fetch("POST", "/", **packed(bytes(10_000)))).code == 200
    assert (await server.fetch("POST", "/", **packed(bytes(1_000_000)))).code in (400, 413)
    assert trace == [10_000]


@must(
    "httpserver.decompress.broken",
    "A body that says gzip and is not, or not all of it, is refused.",
    doc("httpserver.HTTPServer"),
    rfc(1952, "2.3"),
)
@each(
    body=[
        labelled("garbage", b"garbage"),
        labelled("cut-short", gzip.compress(BODY)[:-10]),
        labelled("changed", gzip.compress(BODY)[:-8] + bytes(8)),
    ]
)
async def test_broken_gzip(serve, body):
    server = await serve(delegate(), http_settings={"decompress_request": True})
    reply = await server.post("/", body=body, headers={"Content-Encoding": "gzip"})
    assert reply.code == 400


# -- Expect -----------------------------------------------------------------------------------------------------------

EXPECTING = {"Expect": "100-continue", "Content-Length": "4"}


@must(
    "httpserver.expect.after-the-head",
    "100 (Continue) goes out when the application is done with the head, not before.",
    rfc(9110, "10.1.1"),
    doc("httputil.HTTPMessageDelegate.headers_received"),
)
async def test_expect(serve):
    ready, trace = asyncio.Event(), Trace()

    async def wait(message):
        trace.add("head")
        await ready.wait()

    async with (await serve(delegate(headers_received=wait))).connection() as connection:
        connection.send("POST", "/", headers=EXPECTING)
        await trace.first(1)
        waiting = asyncio.ensure_future(connection.receive("100 (Continue)"))
        await (await serve(telling("uri"))).get("/meanwhile")
        assert not waiting.done()
        ready.set()
        assert (await waiting).startswith(b"HTTP/1.1 100 ")
        connection.send_bytes(b"body")
        assert (await connection.reply()).body == b"body"


@must(
    "httpserver.expect.refused",
    "An application that answers instead gets no body: no 100 goes out, and no stray byte becomes a request.",
    rfc(9110, "10.1.1"),
    doc("httputil.HTTPMessageDelegate.headers_received"),
)
@each(code=[413, 417])
async def test_refused_expectation(serve, code):
    trace = Trace()
    application = delegate(
        start_request=lambda connection: trace.add("request"),
        headers_received=lambda message: respond(message.connection, b"no", code=code),
        finish=lambda message: trace.add("finish"),
    )
    async with (await serve(application)).connection() as connection:
        connection.send("POST", "/", headers=EXPECTING)
        reply = await connection.reply()
        assert (reply.code, reply.interim) == (code, ())
        connection.send_bytes(b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n")
        await connection.closed()
    assert trace == ["request"]


@must(
    "httpserver.keep-alive.off",
    "With no_keep_alive each answer says Connection: close, and the connection ends with it.",
    doc("httpserver.HTTPServer"),
    rfc(9112, "9.3", "RFC9112-9.3-3"),
)
async def test_no_keep_alive(serve):
    server = await serve(telling("uri"), http_settings={"no_keep_alive": True})
    async with server.connection() as connection:
        reply = await connection.fetch("GET", "/")
        assert (reply.headers["Connection"].lower(), reply.body) == ("close", b"/")
        await connection.closed()


# -- parts of http1connection -----------------------------------------------------------------------------------------


@must(
    "http1connection.parameters.defaults",
    "HTTP1ConnectionParameters hold the settings of a connection; those not given have defaults.",
    doc("http1connection.HTTP1ConnectionParameters"),
)
def test_parameters():
    given = api.http1connection.HTTP1ConnectionParameters(
        no_keep_alive=True,
        chunk_size=1,
        max_header_size=2,
        header_timeout=3,
        max_body_size=4,
        body_timeout=5,
        decompress=True,
    )
    names = ("no_keep_alive", "chunk_size", "max_header_size", "header_timeout", "max_body_size", "body_timeout")
    assert [getattr(given, name) for name in (*names, "decompress")] == [True, 1, 2, 3, 4, 5, True]
    default = api.http1connection.HTTP1ConnectionParameters()
    assert [getattr(default, name) for name in (*names, "decompress")] == [False, 65536, 65536, None, None, None, False]


@must(
    "http1connection.transfer-encoding.chunked",
    "is_transfer_encoding_chunked() tells whether headers declare chunks, and refuses what declares two framings.",
    doc("http1connection.is_transfer_encoding_chunked"),
    rfc(9112, "6.1"),
)
def test_is_chunked():
    def chunked(**fields):
        headers = api.httputil.HTTPHeaders({name.replace("_", "-"): value for name, value in fields.items()})
        return api.http1connection.is_transfer_encoding_chunked(headers)

    assert (chunked(), chunked(Content_Length="3"), chunked(Transfer_Encoding="chunked")) == (False, False, True)
    assert chunked(Transfer_Encoding="Chunked") is True
    for bad in ({"Transfer_Encoding": "gzip"}, {"Transfer_Encoding": "chunked", "Content_Length": "3"}):
        assert raised(api.httputil.HTTPInputError, lambda bad=bad: chunked(**bad))


@must(
    "http1connection.numbers.strict",
    "parse_int() and parse_hex_int() take ASCII digits alone, where int() takes much more.",
    doc("http1connection.parse_int"),
    doc("http1connection.parse_hex_int"),
    rfc(9112, "6.2"),
)
def test_strict_numbers():
    parse_int, parse_hex_int = api.http1connection.parse_int, api.http1connection.parse_hex_int
    assert (parse_int("0123"), parse_hex_int("00fF")) == (123, 255)
    for text in ("", "+1", "-1", " 1", "1 ", "1_0", "\uff11", "0x1", "1\n"):
        assert raised(ValueError, parse_int, text), text
        assert raised(ValueError, parse_hex_int, text), text


@should(
    "httpserver.output.date-of-errors",
    "What the server itself answers is a complete response: Date, Content-Length, Connection: close.",
    rfc(9110, "6.6.1"),
    rfc(9112, "9.6", "RFC9112-9.6-4"),
)
async def test_complete_errors(serve):
    server = await serve(delegate(), http_settings={"max_body_size": 10})
    for request in (b"GARBAGE\r\n\r\n", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n"):
        async with server.connection() as connection:
            connection._expected.append("GET")
            connection.send_bytes(request)
            reply = await connection.reply()
            await connection.closed()
        assert 400 <= reply.code < 500
        missing = [name for name in ("Date", "Content-Length", "Connection") if name not in reply.headers]
        assert not missing, f"the answer lacks {' and '.join(missing)}"
        assert reply.headers["Connection"].lower() == "close"
