"""Request handlers.

An application is made of handlers: subclasses of ``RequestHandler`` with one method for each HTTP method they serve.
For every request the framework makes a new handler object and takes it through the same four stations: ``initialize``
gets the arguments of the route, ``prepare`` runs whatever the HTTP method is, then the method itself runs with the
captured parts of the path, and when the answer is complete ``on_finish`` is called, exactly once.

``prepare`` may end the request by itself, by ``finish``, ``redirect`` or ``send_error``; the method is then not
called.

Handlers are synchronous unless they say otherwise: when the method returns, the answer is complete and is sent. While
a synchronous method runs, nothing else does, for all handlers run on the thread of the event loop. A method that must
wait is a coroutine. It may be written with ``async def``, as a generator under ``gen.coroutine``, or as a plain
function that returns a future; the answer is then complete when the coroutine has ended. Until that moment the server
is free to serve others, which is what makes long polling cheap: a request can wait for minutes and costs nothing
meanwhile.

A waiting client may give up. The handler hears of it by ``on_connection_close``, and whatever it then does, its
request ends like any other.

Peers differ most in what they make of a method that a handler does not have. RFC 9110 wants an ``Allow`` field beside
status 405; Tornado sends none.
"""

import asyncio
import contextvars
import threading

from conformance import api, compat, doc, each, must, observed, rfc, seed, should
from conformance.tracing import Trace

STYLES = ["async-def", "gen-coroutine", "future"]


def in_style(style, work):
    """Return a handler method that lets the loop run once and then calls ``work(handler)``."""

    async def native(self, *args):
        await asyncio.sleep(0)
        work(self)

    def generator(self, *args):
        yield asyncio.sleep(0)
        work(self)

    def future(self, *args):
        return asyncio.ensure_future(native(self))

    return {"async-def": native, "gen-coroutine": api.gen.coroutine(generator), "future": future}[style]


# -- the life of a request --------------------------------------------------------------------------------------------


@must(
    "web.lifecycle.order",
    "A request calls initialize, prepare, the method of its HTTP method and on_finish, in this order and once each.",
    doc("web.RequestHandler"),
    seed("SEED-231"),
    seed("SEED-233"),
    seed("SEED-234"),
)
async def test_stations_in_order(serve):
    trace = Trace()

    class Page(api.web.RequestHandler):
        pass

    stations = ["initialize", "prepare", "get", "on_finish"]
    for name in stations:
        setattr(Page, name, lambda self, name=name: trace.add(name))
    await (await serve([("/", Page)])).get("/")
    assert await trace.first(4) == stations


@must(
    "web.lifecycle.new-object",
    "Every request has a handler object of its own, on one connection too.",
    doc("web.RequestHandler"),
    seed("SEED-230"),
)
async def test_new_object(serve):
    class Counter(api.web.RequestHandler):
        count = 0

        def get(self):
            self.count += 1
            self.write(str(self.count))

    async with (await serve([("/", Counter)])).connection() as connection:
        texts = [(await connection.fetch("GET", "/")).text for _ in range(3)]
    assert texts == ["1", "1", "1"]


@must(
    "web.lifecycle.initialize-arguments",
    "The dictionary of a route is passed to initialize as keyword arguments.",
    doc("web.RequestHandler.initialize"),
    seed("SEED-211"),
)
async def test_initialize_arguments(serve):
    class Page(api.web.RequestHandler):
        def initialize(self, shelf, size=1):
            self.shelf, self.size = shelf, size

        def get(self):
            self.write({"shelf": self.shelf, "size": self.size})

    server = await serve([("/a", Page, {"shelf": "a", "size": 7}), ("/b", Page, {"shelf": "b"})])
    assert (await server.get("/a")).json() == {"shelf": "a", "size": 7}
    assert (await server.get("/b")).json() == {"shelf": "b", "size": 1}


@must(
    "web.lifecycle.prepare-any-method",
    "prepare runs before the method, whatever the HTTP method is.",
    doc("web.RequestHandler.prepare"),
    seed("SEED-232"),
)
@each(method=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_prepare_for_any_method(serve, method):
    class Page(api.web.RequestHandler):
        def prepare(self):
            self.set_header("X-Prepared", self.request.method)

        def answer(self):
            pass

        get = head = post = put = patch = delete = options = answer

    reply = await (await serve([("/", Page)])).fetch(method, "/", body=b"")
    assert (reply.code, reply.headers.get("X-Prepared")) == (200, method)


@must(
    "web.lifecycle.prepare-ends",
    "When prepare calls finish, redirect or send_error, the request ends there and the method is not called.",
    doc("web.RequestHandler.prepare"),
    seed("SEED-232"),
)
@each(ending=["finish", "redirect", "send_error"])
async def test_prepare_ends_the_request(serve, ending):
    called = []

    class Page(api.web.RequestHandler):
        def prepare(self):
            end = {"finish": lambda: self.finish("early"), "redirect": lambda: self.redirect("/elsewhere")}
            end.get(ending, lambda: self.send_error(403))()

        def get(self):
            called.append("get")
            self.write("late")

    reply = await (await serve([("/", Page)])).get("/")
    assert reply.code == {"finish": 200, "redirect": 302, "send_error": 403}[ending]
    assert "late" not in reply.text
    assert called == []


@must(
    "web.lifecycle.prepare-coroutine",
    "prepare may be a coroutine in any style; the method is called after it has ended.",
    doc("web.RequestHandler.prepare"),
    seed("SEED-163"),
)
@each(style=STYLES)
async def test_prepare_coroutine(serve, style):
    class Page(api.web.RequestHandler):
        prepare = in_style(style, lambda self: self.write("prepared, "))

        def get(self):
            self.write("got")

    assert (await (await serve([("/", Page)])).get("/")).text == "prepared, got"


@must(
    "web.lifecycle.prepare-coroutine-ends",
    "A coroutine prepare that finishes the request keeps the method from being called.",
    doc("web.RequestHandler.prepare"),
    seed("SEED-232"),
)
async def test_prepare_coroutine_ends_the_request(serve):
    called = []

    class Page(api.web.RequestHandler):
        async def prepare(self):
            await asyncio.sleep(0)
            self.finish("early")

        def get(self):
            called.append("get")

    assert (await (await serve([("/", Page)])).get("/")).text == "early"
    assert called == []


@must(
    "web.lifecycle.synchronous",
    "When a method that is no coroutine returns, the answer is complete and is sent.",
    doc("web.RequestHandler"),
    seed("SEED-252"),
    seed("SEED-032"),
)
async def test_synchronous_method(serve):
    class Page(api.web.RequestHandler):
        def get(self):
            self.write("all of it")

    async with (await serve([("/", Page)])).connection() as connection:
        reply = await connection.fetch("GET", "/")
        assert (reply.text, reply.headers["Content-Length"]) == ("all of it", "9")
        assert (await connection.fetch("GET", "/")).text == "all of it"


@must(
    "web.lifecycle.one-thread",
    "Handler methods run on the thread of the event loop, so that only one of them runs at a time.",
    doc("guide.structure"),
    seed("SEED-003"),
    seed("SEED-021"),
    seed("SEED-134"),
    seed("SEED-259"),
)
async def test_one_thread(serve):
    class Page(api.web.RequestHandler):
        def get(self):
            self.write({"prepared on": self.thread, "ran on": threading.get_ident()})

        def prepare(self):
            self.thread = threading.get_ident()

    reply = await (await serve([("/", Page)])).get("/")
    assert reply.json() == {"prepared on": threading.get_ident(), "ran on": threading.get_ident()}


@must(
    "web.lifecycle.coroutine-styles",
    "A method may be a coroutine in any style; the answer is complete when the coroutine has ended.",
    doc("guide.coroutines"),
    seed("SEED-149"),
    seed("SEED-152"),
    seed("SEED-181"),
)
@each(style=STYLES)
async def test_coroutine_styles(serve, style):
    class Page(api.web.RequestHandler):
        get = in_style(style, lambda self: self.write("waited"))

    reply = await (await serve([("/", Page)])).get("/")
    assert (reply.code, reply.text) == (200, "waited")


@must(
    "web.lifecycle.waiting-blocks-nobody",
    "While a coroutine waits, the server serves others; the waiting request is answered when it goes on.",
    *map(seed, ("SEED-004", "SEED-054", "SEED-057", "SEED-059", "SEED-130")),
)
async def test_waiting_blocks_nobody(serve):
    news = asyncio.get_running_loop().create_future()

    class Poll(api.web.RequestHandler):
        async def get(self):
            self.write(await news)

        def post(self):
            news.set_result(self.get_argument("news"))

    server = await serve([("/", Poll)])
    async with server.connection() as first, server.connection() as second:
        first.send("GET", "/")
        second.send("GET", "/")
        assert (await server.post("/", {"news": "9 left"})).code == 200
        assert [(await first.reply()).text, (await second.reply()).text] == ["9 left", "9 left"]


@must(
    "web.lifecycle.unfinished-is-silent",
    "Nothing that a coroutine has written is sent before it ends, finishes or flushes.",
    doc("web.RequestHandler.finish"),
    seed("SEED-036"),
    seed("SEED-080"),
)
async def test_unfinished_is_silent(serve):
    written, go_on = Trace(), asyncio.Event()

    class Page(api.web.RequestHandler):
        async def get(self):
            self.write("early, ")
            written.add("early")
            await go_on.wait()
            self.set_status(202)
            self.write("late")

    async with (await serve([("/", Page)])).connection() as connection:
        connection.send("GET", "/")
        await written.first(1)
        go_on.set()
        reply = await connection.reply()
    assert (reply.code, reply.text) == (202, "early, late")


@must(
    "web.lifecycle.finish-in-coroutine",
    "A coroutine may call finish itself and go on; the answer goes out at once, and its end is no second answer.",
    doc("web.RequestHandler.finish"),
    seed("SEED-035"),
    seed("SEED-079"),
)
async def test_finish_in_coroutine(serve):
    go_on = asyncio.Event()

    class Page(api.web.RequestHandler):
        async def get(self):
            self.finish("answered")
            await go_on.wait()

    async with (await serve([("/", Page)])).connection() as connection:
        assert (await connection.fetch("GET", "/")).text == "answered"
        go_on.set()
        assert (await connection.fetch("GET", "/")).text == "answered"


@must(
    "web.lifecycle.on-finish-once",
    "on_finish is called exactly once for a request, however it ends.",
    doc("web.RequestHandler.on_finish"),
    seed("SEED-234"),
)
@each(ending=["return", "finish", "send_error", "redirect", "HTTPError", "KeyError", "Finish"])
async def test_on_finish_once(serve, ending):
    trace = Trace()

    class Page(api.web.RequestHandler):
        def get(self):
            endings = {"return": lambda: None, "redirect": lambda: self.redirect("/"), "KeyError": {}.popitem}
            if ending in ("HTTPError", "Finish"):
                raise getattr(api.web, ending)()
            endings.get(ending, getattr(self, ending, None))()

        def on_finish(self):
            trace.add(self.request.uri)

    server = await serve([("/.*", Page)])
    for path in ("/1", "/2"):
        await server.get(path)
    assert await trace.first(2) == ["/1", "/2"]


@must(
    "web.lifecycle.on-finish-after-answer",
    "on_finish comes after the answer: the status is final, and writing there is an error.",
    doc("web.RequestHandler.on_finish"),
)
async def test_on_finish_after_answer(serve):
    trace = Trace()

    class Page(api.web.RequestHandler):
        def get(self):
            self.set_status(202)
            self.write("answer")

        def on_finish(self):
            try:
                self.write("afterthought")
            except RuntimeError:
                trace.add(("refused", self.get_status()))

    assert (await (await serve([("/", Page)])).get("/")).text == "answer"
    assert await trace.first(1) == [("refused", 202)]


@compat(
    "web.lifecycle.cancelled",
    "A coroutine that is cancelled still ends its request: the client gets an answer and on_finish is called.",
    observed("web-handlers"),
)
async def test_cancelled_coroutine(serve):
    trace = Trace()

    class Page(api.web.RequestHandler):
        async def get(self):
            raise asyncio.CancelledError

        def on_finish(self):
            trace.add(self.get_status())

    reply = await (await serve([("/", Page)])).get("/")
    assert (reply.code, await trace.first(1)) == (500, [500])


VISITOR = contextvars.ContextVar("VISITOR", default="nobody")


@compat(
    "web.lifecycle.context-isolated",
    "A context variable set while one request is handled is unset in the next one on the same connection.",
    observed("web-handlers"),
)
@each(where=["prepare", "get"])
async def test_context_isolated(serve, where):
    class Page(api.web.RequestHandler):
        def prepare(self):
            self.write(VISITOR.get())
            if where == "prepare":
                VISITOR.set("somebody")

        def get(self):
            if where == "get":
                VISITOR.set("somebody")

    async with (await serve([("/", Page)])).connection() as connection:
        texts = [(await connection.fetch("GET", "/")).text for _ in range(3)]
    assert texts == ["nobody", "nobody", "nobody"]


@compat(
    "web.lifecycle.context-shared",
    "A context variable set in prepare, coroutine or not, has its value in the method.",
    observed("web-handlers"),
)
@each(style=["plain", "async-def"])
async def test_context_shared(serve, style):
    class Page(api.web.RequestHandler):
        def prepare(self):
            return self.later() if style == "async-def" else VISITOR.set("somebody") and None

        async def later(self):
            await asyncio.sleep(0)
            VISITOR.set("somebody")

        async def get(self):
            await asyncio.sleep(0)
            self.write(VISITOR.get())

    assert (await (await serve([("/", Page)])).get("/")).text == "somebody"


# -- methods ----------------------------------------------------------------------------------------------------------


@must(
    "web.method.several",
    "A handler may define several HTTP methods; each request calls the one it names.",
    doc("web.RequestHandler"),
    seed("SEED-216"),
)
@each(method=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_several_methods(serve, method):
    class Page(api.web.RequestHandler):
        pass

    for name in ("get", "post", "put", "patch", "delete", "options"):
        setattr(Page, name, lambda self, name=name: self.write(name))
    assert (await (await serve([("/", Page)])).fetch(method, "/", body=b"")).text == method.lower()


@must(
    "web.method.not-defined-405",
    "A method that the handler does not define is answered with 405.",
    doc("web.RequestHandler"),
    rfc(9110, "15.5.6"),
)
@each(method=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_method_not_defined(serve, method):
    reply = await (await serve([("/", api.web.RequestHandler)])).fetch(method, "/", body=b"")
    if method in ("HEAD", "OPTIONS"):
        # A framework may answer these two on its own; it must not claim that the handler did something.
        assert reply.code in (200, 204, 405)
    else:
        assert reply.code == 405


@must(
    "web.method.allow",
    "An answer with status 405 lists in Allow the methods that the handler defines.",
    rfc(9110, "15.5.6", "RFC9110-15.5.6-1"),
)
async def test_allow(serve):
    class Page(api.web.RequestHandler):
        def get(self):
            self.write("got")

        def delete(self):
            self.write("deleted")

    reply = await (await serve([("/", Page)])).post("/")
    allowed = {name.strip() for name in reply.headers.get("Allow", "").split(",")}
    assert reply.code == 405
    assert {"GET", "DELETE"} <= allowed, f"Allow says {allowed}"
    assert not {"POST", "PUT", "PATCH"} & allowed, f"Allow says {allowed}"


@must(
    "web.method.unknown",
    "A method that no handler can define is refused with 405 or 501, and prepare or a handler's method is not run.",
    doc("web.RequestHandler.SUPPORTED_METHODS"),
    rfc(9110, "9.1"),
)
async def test_unknown_method(serve, lenient):
    called = []

    class Page(api.web.RequestHandler):
        def brew(self):
            called.append("brew")

    reply = await (await serve([("/", Page)])).fetch("BREW", "/")
    assert reply.code in (405, 501)
    assert called == []
    if reply.code == 405:
        lenient("405; RFC 9110 prefers 501 for a method that the server does not know")


@must(
    "web.method.extended",
    "A handler that adds a name to SUPPORTED_METHODS serves that method by the function of its name in lower case.",
    doc("web.RequestHandler.SUPPORTED_METHODS"),
)
async def test_extended_methods(serve):
    class Page(api.web.RequestHandler):
        SUPPORTED_METHODS = (*api.web.RequestHandler.SUPPORTED_METHODS, "PROPFIND")

        def propfind(self):
            self.write("found")

    reply = await (await serve([("/", Page)])).fetch("PROPFIND", "/")
    assert (reply.code, reply.text) == (200, "found")


@must(
    "web.method.head",
    "The answer to HEAD has no body, whatever head writes; Content-Length says how long it would be.",
    rfc(9110, "9.3.2", "RFC9110-9.3.2-1"),
)
async def test_head(serve):
    class Page(api.web.RequestHandler):
        def head(self):
            self.write("five!")

        get = head

    async with (await serve([("/", Page)])).connection() as connection:
        reply = await connection.fetch("HEAD", "/")
        assert (reply.code, reply.body, reply.headers.get("Content-Length", "5")) == (200, b"", "5")
        assert (await connection.fetch("GET", "/")).text == "five!"


# -- arguments from the path ------------------------------------------------------------------------------------------


@must(
    "web.path.positional",
    "Captured groups of the route's pattern are positional arguments of the method, as text.",
    doc("web.RequestHandler.get"),
    seed("SEED-210"),
    seed("SEED-214"),
    seed("SEED-233"),
)
async def test_positional_arguments(serve):
    class Story(api.web.RequestHandler):
        def get(self, year, number):
            self.write({"year": year, "number": number})

    reply = await (await serve([(r"/story/(\d+)/(\d+)", Story)])).get("/story/2012/07")
    assert reply.json() == {"year": "2012", "number": "07"}


@must(
    "web.path.named",
    "Named groups of the route's pattern are keyword arguments of the method.",
    doc("web.URLSpec"),
    seed("SEED-210"),
)
async def test_named_arguments(serve):
    class Story(api.web.RequestHandler):
        def get(self, number, year="none"):
            self.write({"year": year, "number": number})

    reply = await (await serve([(r"/story/(?P<year>\d+)/(?P<number>\d+)", Story)])).get("/story/2012/07")
    assert reply.json() == {"year": "2012", "number": "07"}


@must(
    "web.path.decoded",
    "Path arguments are percent-decoded as UTF-8; a plus sign stays one, and an encoded slash does not end the group.",
    doc("web.RequestHandler.decode_argument"),
    rfc(3986, "2.1"),
)
async def test_decoded_path(serve):
    class Page(api.web.RequestHandler):
        def get(self, name):
            self.write({"name": name, "path": self.request.path})

    reply = await (await serve([("/([^/]+)", Page)])).get("/caf%C3%A9%20a+b%2Fc")
    assert reply.json() == {"name": "café a+b/c", "path": "/caf%C3%A9%20a+b%2Fc"}


@compat("web.path.undecodable-400", "A path argument that is not UTF-8 is answered with 400.", observed("web-handlers"))
async def test_undecodable_path(serve):
    class Page(api.web.RequestHandler):
        def get(self, name):
            self.write("got")

    assert (await (await serve([("/(.*)", Page)])).get("/%ff%fe")).code == 400


@compat("web.path.unmatched-group", "A group that took no part in the match is None.", observed("web-handlers"))
async def test_unmatched_group(serve):
    class Page(api.web.RequestHandler):
        def get(self, number):
            self.write({"number": number})

    server = await serve([(r"/list(?:/(\d+))?", Page)])
    assert (await server.get("/list")).json() == {"number": None}
    assert (await server.get("/list/4")).json() == {"number": "4"}


@must(
    "web.path.attributes",
    "path_args and path_kwargs hold the arguments of the method, in prepare already.",
    doc("web.RequestHandler.path_args"),
)
async def test_path_attributes(serve):
    class Page(api.web.RequestHandler):
        def prepare(self):
            self.finish({"args": self.path_args, "kwargs": self.path_kwargs})

    server = await serve([(r"/one/(\w+)/(\w+)", Page), (r"/two/(?P<key>\w+)", Page)])
    assert (await server.get("/one/a/b")).json() == {"args": ["a", "b"], "kwargs": {}}
    assert (await server.get("/two/c")).json() == {"args": [], "kwargs": {"key": "c"}}


# -- clients that go away ---------------------------------------------------------------------------------------------


@must(
    "web.disconnect.hook",
    "When the client goes away while a coroutine waits, on_connection_close is called, once.",
    doc("web.RequestHandler.on_connection_close"),
    seed("SEED-237"),
)
async def test_disconnect(serve):
    trace = Trace()

    class Poll(api.web.RequestHandler):
        async def get(self):
            trace.add("waiting")
            await asyncio.Event().wait()

        def on_connection_close(self):
            trace.add("closed")

    server = await serve([("/", Poll)])
    for before in ([], ["waiting", "closed"]):
        async with server.connection() as connection:
            connection.send("GET", "/")
            await trace.first(len(before) + 1)
        assert await trace.first(len(before) + 2) == [*before, "waiting", "closed"]


@must(
    "web.disconnect.on-finish",
    "A request whose client went away ends like any other: on_finish is called once when its coroutine ends.",
    doc("web.RequestHandler.on_connection_close"),
    doc("web.RequestHandler.on_finish"),
)
async def test_on_finish_after_disconnect(serve):
    trace, gone = Trace(), asyncio.Event()

    class Poll(api.web.RequestHandler):
        async def get(self):
            trace.add("waiting")
            await gone.wait()
            self.write("to nobody")

        def on_connection_close(self):
            gone.set()

        def on_finish(self):
            trace.add("finished")

    async with (await serve([("/", Poll)])).connection() as connection:
        connection.send("GET", "/")
        await trace.first(1)
    assert await trace.first(2) == ["waiting", "finished"]


@must(
    "web.disconnect.flush-fails",
    "When the client has gone, a handler that goes on writing gets StreamClosedError from flush.",
    doc("iostream.StreamClosedError"),
    doc("web.RequestHandler.flush"),
)
async def test_flush_after_disconnect(serve):
    trace = Trace()

    class Feed(api.web.RequestHandler):
        async def get(self):
            flushed = None
            # The end of the client's bytes alone does not say that it reads no more; a refused write does.
            while flushed is None:
                self.write("more and ")
                [flushed] = await asyncio.gather(self.flush(), return_exceptions=True)
                await asyncio.sleep(0)
            trace.add(isinstance(flushed, api.iostream.StreamClosedError))

    async with (await serve([("/", Feed)])).connection() as connection:
        connection.send("GET", "/")
        await connection.body_until(b"more")
    assert await trace.first(1) == [True]


@must(
    "web.disconnect.not-after-answer",
    "on_connection_close is not called for a request that was answered before the client closed the connection.",
    doc("web.RequestHandler.on_connection_close"),
)
async def test_close_after_answer(serve):
    trace = Trace()

    class Page(api.web.RequestHandler):
        async def get(self):
            self.write(self.request.uri)
            if self.request.uri == "/waiting":
                trace.add("waiting")
                await asyncio.Event().wait()

        def on_connection_close(self):
            trace.add(f"{self.request.uri} closed")

    async with (await serve([("/.*", Page)])).connection() as connection:
        assert (await connection.fetch("GET", "/answered")).text == "/answered"
        connection.send("GET", "/waiting")
        await trace.first(1)
    assert await trace.first(2) == ["waiting", "/waiting closed"]


@should(
    "web.disconnect.others-not-told",
    "The handlers of other connections are not told when one client goes away.",
    doc("web.RequestHandler.on_connection_close"),
)
async def test_disconnect_is_told_to_its_handler_alone(serve):
    trace = Trace()

    class Poll(api.web.RequestHandler):
        async def get(self):
            trace.add(self.request.path)
            await asyncio.Event().wait()

        def on_connection_close(self):
            trace.add(f"{self.request.path} closed")

    server = await serve([("/.*", Poll)])
    async with server.connection() as stays, server.connection() as leaves:
        for count, (connection, path) in enumerate([(stays, "/stays"), (leaves, "/leaves")], 1):
            connection.send("GET", path)
            await trace.first(count)
        leaves.close()
        await trace.first(3)
    assert await trace.first(4) == ["/stays", "/leaves", "/leaves closed", "/stays closed"]
