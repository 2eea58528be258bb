"""Bodies in pieces

By default a body is collected in memory before ``prepare`` is called. A handler class decorated with
``stream_request_body`` gets it as it comes: ``prepare`` when the head is there, ``data_received`` with each piece, then
the method; ``request.body`` stays empty. While ``prepare`` or ``data_received`` are waited for, nothing more is read,
so a sender that is faster than the handler has to wait.

``prepare`` is also the place to say how large this one body may be, and how long it may take:
``request.connection.set_max_body_size`` and ``set_body_timeout``. Whoever sends more than that gets 413.
"""

import asyncio

from conformance import api, doc, each, must, rfc, seed
from conformance.client import CutShort
from conformance.tracing import Trace, raised

PIECE = b"x" * 65536


def receiver(trace, **members):
    """Return a streaming handler that traces what happens."""

    class Receiver(api.web.RequestHandler):
        def prepare(self):
            trace.add(("prepare", self.request.method))

        def data_received(self, chunk):
            trace.add(("data", chunk))

        def put(self):
            trace.add(("put", self.request.body))
            self.write("received")

        post = put

        def on_finish(self):
            trace.add(("finish", None))

    return api.web.stream_request_body(type("Receiver", (Receiver,), members))


def body(trace):
    """Return the pieces of a body put together."""
    return b"".join(value for what, value in trace if what == "data")


@must(
    "web.stream.order",
    "prepare is called with the head, data_received with pieces of the body, then the method; request.body is empty.",
    doc("web.stream_request_body"),
    seed("SEED-226"),
    seed("SEED-227"),
)
@each(size=[0, 1, 300000])
async def test_order(serve, size):
    trace, sent = Trace(), bytes(range(250)) * (size // 250) + b"." * (size % 250)
    reply = await (await serve([("/", receiver(trace))])).fetch("PUT", "/", body=sent)
    assert (reply.code, reply.text, body(trace)) == (200, "received", sent)
    names = [what for what, _ in trace if what != "data"]
    assert names == ["prepare", "put", "finish"]
    assert ("put", b"") in trace
    assert trace[0][0] == "prepare"


@must(
    "web.stream.early",
    "prepare and data_received are called before the rest of the body is there.",
    doc("web.stream_request_body"),
)
async def test_early(serve):
    trace = Trace()
    async with (await serve([("/", receiver(trace))])).connection() as connection:
        connection.send("PUT", "/", headers=[("Content-Length", "6")])
        assert await trace.first(1) == [("prepare", "PUT")]
        connection.send_bytes(b"one")
        assert (await trace.first(2))[1] == ("data", b"one")
        connection.send_bytes(b"two")
        assert (await connection.reply()).text == "received"


@must(
    "web.stream.chunked",
    "A body in chunks is freed from them.",
    doc("web.stream_request_body"),
    rfc(9112, "7.1"),
)
async def test_chunked(serve):
    trace = Trace()
    async with (await serve([("/", receiver(trace))])).connection() as connection:
        connection.send("PUT", "/", headers=[("Transfer-Encoding", "chunked")])
        connection.send_bytes(b"3\r\none\r\n5\r\ntwo..\r\n0\r\n\r\n")
        assert (await connection.reply()).text == "received"
    assert body(trace) == b"onetwo.."


@must(
    "web.stream.backpressure",
    "Nothing more is read while a coroutine of prepare or data_received is not done.",
    doc("web.RequestHandler.data_received"),
)
@each(where=["prepare", "data_received"])
async def test_backpressure(serve, where):
    trace, gate = Trace(), asyncio.Event()

    async def slow(self, *chunk):
        trace.add(("data" if chunk else "prepare", *chunk, *([] if chunk else [None])))
        await gate.wait()

    server = await serve([("/", receiver(trace, **{where: slow}))])
    async with server.connection() as connection:
        connection.send("PUT", "/", headers=[("Content-Length", str(len(PIECE) * 8))])
        for _ in range(8):
            connection.send_bytes(PIECE)
        await trace.first(1 if where == "prepare" else 2)
        # Another request, from beginning to end, while this one may not go on.
        other = await server.fetch("GET", "/none")
        assert (other.code, len([what for what, _ in trace if what == "data"])) == (404, 1 if where != "prepare" else 0)
        gate.set()
        assert (await connection.reply()).text == "received"
    assert body(trace) == PIECE * 8


@must(
    "web.stream.limit",
    "set_max_body_size in prepare limits this one body; a longer one is refused, and no more of it is received.",
    doc("web.stream_request_body"),
    rfc(9110, "15.5.14"),
)
@each(chunked=[False, True])
async def test_limit(serve, chunked):
    trace = Trace()

    def prepare(self):
        self.request.connection.set_max_body_size(10)

    async with (await serve([("/", receiver(trace, prepare=prepare))])).connection() as connection:
        field = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", "20")
        connection.send("PUT", "/", headers=[field])
        connection.send_bytes(b"14\r\n" * chunked + b"x" * 20 + b"\r\n0\r\n\r\n" * chunked)
        try:
            code = (await connection.reply()).code
        except CutShort:
            code = None
    assert code in (400, 413, None)
    assert (len(body(trace)) <= 10, "put" in [what for what, _ in trace]) == (True, False)


@must(
    "web.stream.limit-raised",
    "set_max_body_size in prepare may allow more than the server does.",
    doc("web.stream_request_body"),
)
async def test_limit_raised(serve):
    trace = Trace()

    def prepare(self):
        self.request.connection.set_max_body_size(1000)

    server = await serve([("/", receiver(trace, prepare=prepare))], http_settings={"max_body_size": 10})
    assert (await server.fetch("PUT", "/", body=b"x" * 1000)).text == "received"
    assert body(trace) == b"x" * 1000


@must(
    "web.stream.refused",
    "A request that prepare has answered is over: no data_received, no method, and on_finish once.",
    doc("web.stream_request_body"),
)
@each(way=["finish", "error"])
async def test_refused(serve, way):
    trace = Trace()

    def prepare(self):
        if way == "error":
            raise api.web.HTTPError(413)
        self.set_status(413)
        self.finish("too much")

    reply = await (await serve([("/", receiver(trace, prepare=prepare))])).fetch("PUT", "/", body=b"x" * 100)
    assert (reply.code, list(trace)) == (413, [("finish", None)])


@must(
    "web.stream.failure",
    "An exception of data_received ends the request with an error page; what follows of the body is dropped.",
    doc("web.RequestHandler.data_received"),
    doc("web.HTTPError"),
)
@each(style=["plain", "coroutine"])
async def test_failure(serve, style):
    trace = Trace()

    def fail(self, chunk):
        raise api.web.HTTPError(422)

    async def fail_later(self, chunk):
        raise api.web.HTTPError(422)

    handler = receiver(trace, data_received=fail if style == "plain" else fail_later)
    reply = await (await serve([("/", handler)])).fetch("PUT", "/", body=b"x" * 10)
    assert reply.code == 422
    assert [what for what, _ in trace] == ["prepare", "finish"]


@must(
    "web.stream.disconnect",
    "A client that leaves in the middle of its body ends the request: on_connection_close, then on_finish, once.",
    doc("web.RequestHandler.on_connection_close"),
    seed("SEED-237"),
)
async def test_disconnect(serve):
    trace = Trace()

    def on_connection_close(self):
        trace.add(("closed", None))

    server = await serve([("/", receiver(trace, on_connection_close=on_connection_close))])
    async with server.connection() as connection:
        connection.send("PUT", "/", headers=[("Content-Length", "100")])
        connection.send_bytes(b"x")
        await trace.first(2)
    assert [what for what, _ in await trace.first(4)] == ["prepare", "data", "closed", "finish"]


@must(
    "web.stream.only-handlers",
    "stream_request_body decorates handler classes and nothing else, and returns the class.",
    doc("web.stream_request_body"),
)
async def test_only_handlers():
    assert raised(TypeError, api.web.stream_request_body, lambda: None)

    class Plain(api.web.RequestHandler):
        pass

    assert api.web.stream_request_body(Plain) is Plain


@must(
    "web.stream.abstract",
    "A streaming handler without data_received fails with 500 when data comes.",
    doc("web.RequestHandler.data_received"),
)
async def test_without_data_received(serve, logs):
    @api.web.stream_request_body
    class Incomplete(api.web.RequestHandler):
        def put(self):
            pass

    server = await serve([("/", Incomplete)])
    try:
        code = (await server.fetch("PUT", "/", body=b"x")).code
    except CutShort:
        code = 500
    assert code == 500
    await logs.first("tornado.application")
