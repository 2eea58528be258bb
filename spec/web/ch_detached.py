"""Taking a connection over

``detach`` ends HTTP on the connection of a request and returns it as a stream, for a tunnel or a protocol of one's own.
From then on the framework sends, logs and calls nothing for this request, and the stream is the handler's to close.
"""

from conformance import api, doc, each, must
from conformance.tracing import Trace, raised


def taking(get, trace=None):
    """Return the routes of a handler with this GET, which traces its end."""
    trace = Trace() if trace is None else trace
    members = {"get": get, "on_finish": lambda self: trace.add("on_finish")}
    return [("/", type("Taking", (api.web.RequestHandler,), members))]


async def conversation(server, *texts):
    """Send a request, and texts behind it; return all that comes until the server closes."""
    async with server.connection() as connection:
        connection.send("GET", "/")
        for text in texts:
            connection.send_bytes(text)
        received = b""
        while data := await connection.receive("the end of the connection"):
            received += data
        return received


@must(
    "web.detach.stream",
    "detach returns a stream: it reads what comes behind the request, and what it writes is all that is sent.",
    doc("web.RequestHandler.detach"),
)
@each(waiting=[True, False])
async def test_stream(serve, waiting):
    async def converse(stream):
        await stream.write(b"hello " + await stream.read_bytes(5))
        stream.close()

    async def get(self):
        await converse(self.detach())

    def get_at_once(self):
        api.ioloop.IOLoop.current().add_callback(converse, self.detach())

    server = await serve(taking(get if waiting else get_at_once))
    assert await conversation(server, b"there") == b"hello there"


@must(
    "web.detach.large",
    "The stream carries any amount in both directions, and neither side overruns the other.",
    doc("web.RequestHandler.detach"),
)
async def test_large(serve):
    sent = b"0123456789" * 200_000

    async def get(self):
        stream, left = self.detach(), len(sent)
        while left:
            piece = await stream.read_bytes(65536, partial=True)
            left -= len(piece)
            await stream.write(piece)
        stream.close()

    assert await conversation(await serve(taking(get)), sent) == sent


@must(
    "web.detach.over",
    "After detach the request is over: write and finish raise RuntimeError, and nothing is logged or called.",
    doc("web.RequestHandler.detach"),
)
async def test_over(serve, logs):
    trace = Trace()

    async def get(self):
        stream = self.detach()
        trace.add(raised(RuntimeError, self.write, "x") and raised(RuntimeError, self.finish))
        await stream.write(b"mine")
        stream.close()

    assert await conversation(await serve(taking(get, trace))) == b"mine"
    assert (trace, logs.of("tornado.access")) == ([True], [])


@must(
    "web.detach.after-flush",
    "What was flushed before detach comes first.",
    doc("web.RequestHandler.detach"),
)
async def test_after_flush(serve):
    async def get(self):
        self.set_header("Content-Length", "7")
        self.write("one ")
        await self.flush()
        stream = self.detach()
        await stream.write(b"two")
        stream.close()

    head, _, body = (await conversation(await serve(taking(get)))).partition(b"\r\n\r\n")
    assert (head[:12], body) == (b"HTTP/1.1 200", b"one two")


@must(
    "web.detach.client-leaves",
    "When the client leaves, reading from the stream raises StreamClosedError.",
    doc("web.RequestHandler.detach"),
    doc("iostream.StreamClosedError"),
)
async def test_client_leaves(serve):
    trace = Trace()

    async def get(self):
        stream = self.detach()
        trace.add("detached")
        try:
            await stream.read_bytes(5)
        except api.iostream.StreamClosedError:
            trace.add("closed")

    async with (await serve(taking(get))).connection() as connection:
        connection.send("GET", "/")
        await trace.first(1)
    assert await trace.first(2) == ["detached", "closed"]
