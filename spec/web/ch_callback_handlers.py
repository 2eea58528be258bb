"""Legacy: handlers with callbacks

Before there were coroutines, a method that had to wait returned at once and left a callback behind, which wrote the
rest and called ``finish``. The decorator ``asynchronous`` keeps the answer open after the method has returned. Whatever
the callback raises ends the request with an error page, as if the method had raised it; before 1.1 callbacks had to be
wrapped with ``async_callback`` for that.

Coroutines need none of it. ``asynchronous`` is gone since 6.0, ``async_callback`` since 4.0. An implementation that
does not have them declares ``legacy`` as unsupported.
"""

import pytest

from conformance import api, doc, each, must, seed
from conformance.tracing import Trace, raised

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
LEGACY = ("legacy",)


async def answered(serve, get):
    """Return the answer of a handler with this GET."""
    return await (await serve([("/", type("Page", (api.web.RequestHandler,), {"get": get}))])).get("/")


def soon(callback, *arguments):
    """Have ``callback`` called in a later turn of the loop."""
    api.ioloop.IOLoop.current().add_callback(callback, *arguments)


@must(
    "web.asynchronous.open",
    "A method decorated with asynchronous leaves the answer open when it returns; finish in a callback ends it.",
    doc("web.asynchronous"),
    seed("SEED-029"),
    seed("SEED-033"),
    seed("SEED-034"),
    seed("SEED-035"),
    seed("SEED-027"),
    seed("SEED-037"),
    seed("SEED-063"),
    seed("SEED-075"),
    needs=LEGACY,
)
async def test_open(serve):
    @api.web.asynchronous
    def get(self):
        self.write("in get; ")
        soon(lambda: self.finish("in the callback"))

    assert (await answered(serve, get)).text == "in get; in the callback"


@must(
    "web.asynchronous.never",
    "The answer stays open until finish is called; other requests are answered meanwhile.",
    doc("web.asynchronous"),
    seed("SEED-036"),
    seed("SEED-057"),
    needs=LEGACY,
)
async def test_long_poll(serve):
    waiting = Trace()

    class Status(api.web.RequestHandler):
        @api.web.asynchronous
        def get(self):
            waiting.add(self.finish)

        def post(self):
            waiting[0]("inventory 9")

    server = await serve([("/", Status)])
    async with server.connection() as poll:
        poll.send("GET", "/")
        await waiting.first(1)
        assert (await server.post("/")).code == 200
        assert (await poll.reply()).text == "inventory 9"


@must(
    "web.asynchronous.finish-once",
    "A callback that is called again after finish gets an exception.",
    doc("web.RequestHandler.finish"),
    seed("SEED-081"),
    needs=LEGACY,
)
async def test_finish_once(serve):
    seen = Trace()

    @api.web.asynchronous
    def get(self):
        def callback():
            self.finish("once")
            seen.add(raised(RuntimeError, self.finish, "twice"))

        soon(callback)

    assert (await answered(serve, get)).text == "once"
    assert list(seen) == [True]


@must(
    "web.asynchronous.exception",
    "An exception of the method, or of a callback that it gave to the loop, ends the answer with an error page.",
    doc("web.asynchronous"),
    needs=LEGACY,
)
@each(where=["method", "callback", "callback of a callback"])
async def test_exception(serve, where):
    def fail():
        raise api.web.HTTPError(418, reason="teapot")

    @api.web.asynchronous
    def get(self):
        if where == "method":
            fail()
        soon(fail) if where == "callback" else soon(soon, fail)

    assert (await answered(serve, get)).code == 418


@must(
    "web.asynchronous.engine",
    "With gen.engine inside, the generator runs on after the method has returned, and ends the answer by finish.",
    doc("web.asynchronous"),
    seed("SEED-041"),
    seed("SEED-047"),
    needs=LEGACY,
)
@each(ending=["finish", "error"])
async def test_engine(serve, ending):
    @api.web.asynchronous
    @api.gen.engine
    def get(self):
        yield api.gen.Task(api.ioloop.IOLoop.current().add_callback)
        if ending == "error":
            raise api.web.HTTPError(418)
        self.finish("from a generator")

    reply = await answered(serve, get)
    assert (reply.code, reply.text == "from a generator") == ((200, True) if ending == "finish" else (418, False))


@must(
    "web.asynchronous.coroutine",
    "A coroutine decorated with asynchronous ends its answer when it is done, as without.",
    doc("web.asynchronous"),
    needs=LEGACY,
)
@each(style=["native", "generator"])
async def test_coroutine(serve, style):
    async def native(self):
        await api.gen.sleep(0)
        self.write("done")

    @api.gen.coroutine
    def generator(self):
        yield api.gen.sleep(0)
        self.write("done")

    assert (await answered(serve, api.web.asynchronous(native if style == "native" else generator))).text == "done"


@must(
    "web.async-callback.exception",
    "async_callback returns a function with arguments bound; its exceptions end the answer with an error page.",
    doc("web.RequestHandler.async_callback"),
    seed("SEED-074"),
    seed("SEED-076"),
    needs=LEGACY,
)
@each(ending=["finish", "error"])
async def test_async_callback(serve, ending):
    @api.web.asynchronous
    def get(self):
        def callback(first, second, third):
            if ending == "error":
                raise api.web.HTTPError(418)
            self.finish(first + second + third)

        call = self.async_callback(callback, "a", third="c")
        soon(lambda: call("b"))

    reply = await answered(serve, get)
    assert (reply.code, reply.text == "abc") == ((200, True) if ending == "finish" else (418, False))


@must(
    "web.async-callback.none",
    "async_callback(None) is None.",
    doc("web.RequestHandler.async_callback"),
    needs=LEGACY,
)
async def test_no_callback(serve):
    assert (await answered(serve, lambda self: self.write(repr(self.async_callback(None))))).text == "None"


# -- what has been sent -----------------------------------------------------------------------------------------------


@must(
    "web.flush.callback",
    "flush() calls its callback when what was written has gone out.",
    doc("web.RequestHandler.flush"),
    needs=LEGACY,
)
@each(style=["keyword", "position"])
async def test_flush_callback(serve, style):
    @api.web.asynchronous
    def get(self):
        def flushed():
            self.finish("after")

        self.write("before ")
        if style == "keyword":
            self.flush(callback=flushed)
        else:
            self.flush(False, flushed)

    assert (await answered(serve, get)).text == "before after"


@must(
    "http.connection.write-callback",
    "write_headers() and write() of a request's connection call their callback when there is room for more.",
    doc("httputil.HTTPConnection.write"),
    needs=LEGACY,
)
async def test_write_callback(serve):
    line = api.httputil.ResponseStartLine("HTTP/1.1", 200, "OK")
    headers = api.httputil.HTTPHeaders({"Content-Length": "11"})

    def answer(request):
        connection = request.connection
        connection.write_headers(line, headers, b"one ", callback=lambda: connection.write(b"two ", then_three))

        def then_three():
            connection.write(b"six")
            connection.finish()

    assert (await (await serve(answer)).get("/")).text == "one two six"
