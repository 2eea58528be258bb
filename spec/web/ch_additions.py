"""Beyond Tornado

What applications of this kind ask for again and again, and what Tornado leaves to each of them: bodies in JSON, a limit
on a handler's time, functions around every request and around the application's life, answers to OPTIONS, an access log
in fields, an id for each request. All of it is switched on by whoever wants it; without that nothing changes.

An implementation that does not have it declares ``additions`` as unsupported.
"""

import asyncio
import logging
import socket

from conformance import api, doc, each, labelled, must, rfc
from conformance.client import Connection, WireLog, in_time
from conformance.tracing import Trace

ADDITIONS = ("additions",)
JSON = {"Content-Type": "application/json"}


def handler(**members):
    """Return a handler class with these members."""
    return type("Page", (api.web.RequestHandler,), members)


def told(trace, entry, result=None):
    """Return a function that traces a call."""
    return lambda *_: trace.add(entry) or result


# Bodies in JSON


def shown(self):
    """Answer with the value of the body."""
    self.write({"value": self.get_json_body()})


@must(
    "web.json.decoded",
    "get_json_body() is the value of a body whose type is JSON, or built on it, in UTF-8.",
    rfc(8259, "8.1"),
    doc("web.RequestHandler.prepare"),
    needs=ADDITIONS,
)
@each(kind=["application/json", "Application/JSON; charset=utf-8", "application/problem+json"])
async def test_json(serve, kind):
    server = await serve([("/", handler(post=shown))])
    reply = await server.post("/", '{"ü": [1, null]}'.encode(), headers={"Content-Type": kind})
    assert reply.json() == {"value": {"ü": [1, None]}}


@must(
    "web.json.refused",
    "A body of another type gets 415, one that is no JSON 400, whatever it is made of.",
    rfc(9110, "15.5.16"),
    rfc(9110, "15.5.1"),
    needs=ADDITIONS,
)
@each(
    row=[
        labelled("other-type", ("text/plain", b"{}", 415)),
        labelled("type-that-begins-so", ("application/jsonp", b"{}", 415)),
        labelled("broken", ("application/json", b"{", 400)),
        labelled("empty", ("application/json", b"", 400)),
        labelled("not-utf-8", ("application/json", b'"\xff"', 400)),
        labelled("other-encoding", ("application/json", '{"a": 1}'.encode("utf-16"), 400)),
        labelled("deep", ("application/json", b"[" * 100_000, 400)),
        labelled("long-number", ("application/json", b"1" * 100_000, 400)),
    ]
)
async def test_json_refused(serve, logs, row):
    kind, body, code = row
    server = await serve([("/", handler(post=shown))])
    assert (await server.post("/", body, headers={"Content-Type": kind})).code == code
    assert "JSON" in (await logs.first("tornado.general")).getMessage()


@must(
    "web.json.decoder",
    "The setting json_decoder decodes in place of json; a ValueError of it is a 400.",
    doc("web.RequestHandler.prepare"),
    needs=ADDITIONS,
)
async def test_json_decoder(serve):
    server = await serve([("/", handler(post=shown))], json_decoder=lambda document: int(document) + 1)
    assert (await server.post("/", b"41", headers=JSON)).json() == {"value": 42}
    assert (await server.post("/", b"x", headers=JSON)).code == 400


# A limit on time


@must(
    "web.time-limit.over",
    "A handler that waits for longer than its time_limit is cancelled and answered 503; on_finish is called once.",
    rfc(9110, "15.6.4"),
    needs=ADDITIONS,
)
@each(where=["prepare", "get"])
async def test_time_limit(serve, logs, where):
    trace = Trace()

    async def wait(self):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            trace.add("cancelled")
            raise

    slow = handler(**{"time_limit": 0.005, "get": told(trace, "get"), where: wait, "on_finish": told(trace, "finish")})
    server = await serve([("/", slow), ("/next", handler(get=lambda self: self.write("next")))])
    async with server.connection() as connection:
        assert (await connection.fetch("GET", "/")).code == 503
        assert (await connection.fetch("GET", "/next")).text == "next"
    assert sorted(await trace.first(2)) == ["cancelled", "finish"]
    assert "time limit" in (await logs.first("tornado.general")).getMessage()


@must(
    "web.time-limit.in-time",
    "A handler that is done in time is answered as any other, and not cancelled later.",
    doc("web.RequestHandler.prepare"),
    needs=ADDITIONS,
)
async def test_in_time(serve):
    async def get(self):
        await asyncio.sleep(0)
        self.write("in time")

    assert (await (await serve([("/", handler(get=get, time_limit=30))])).get("/")).text == "in time"


# Functions around every request


@must(
    "web.hooks.order",
    "add_hooks: before_request is called before prepare, after_request behind on_finish, each in the order they came.",
    doc("web.RequestHandler.prepare"),
    doc("web.RequestHandler.on_finish"),
    needs=ADDITIONS,
)
async def test_hooks(serve):
    trace = Trace()
    page = handler(**{name: told(trace, name) for name in ("prepare", "get", "on_finish")})
    application = api.web.Application([("/", page)])
    for number in "12":
        application.add_hooks(
            before_request=told(trace, f"before {number}"), after_request=told(trace, f"after {number}")
        )
    assert (await (await serve(application)).get("/")).code == 200
    assert await trace.first(7) == ["before 1", "before 2", "prepare", "get", "on_finish", "after 1", "after 2"]


@must(
    "web.hooks.every-handler",
    "Hooks are called for every handler of the application: of other packages, of files, and for what is not found.",
    doc("web.Application.settings"),
    needs=ADDITIONS,
)
async def test_hooks_everywhere(serve):
    trace = Trace()
    application = api.web.Application([("/to", api.web.RedirectHandler, {"url": "/"})])
    application.add_hooks(
        before_request=lambda page: trace.add(page.request.path),
        after_request=lambda page: trace.add(page.get_status()),
    )
    server = await serve(application)
    for path in ("/to", "/missing"):
        await server.get(path)
    assert await trace.first(4) == ["/to", 301, "/missing", 404]


@must(
    "web.hooks.coroutine",
    "A hook may be a coroutine; the request waits for those before it.",
    doc("web.RequestHandler.prepare"),
    needs=ADDITIONS,
)
async def test_hooks_coroutine(serve):
    trace = Trace()

    async def slow(page, entry):
        await asyncio.sleep(0)
        trace.add(entry)

    application = api.web.Application([("/", handler(get=told(trace, "get")))])
    application.add_hooks(before_request=lambda page: slow(page, "one"), after_request=lambda page: slow(page, "last"))
    application.add_hooks(before_request=lambda page: slow(page, "two"))
    assert (await (await serve(application)).get("/")).code == 200
    assert await trace.first(4) == ["one", "two", "get", "last"]


@must(
    "web.hooks.ends",
    "A hook that ends the response, or raises, ends the request there; after_request is called all the same.",
    doc("web.RequestHandler.prepare"),
    needs=ADDITIONS,
)
@each(waiting=[False, True])
@each(way=["finish", "raise"])
async def test_hooks_end(serve, way, waiting):
    trace = Trace()

    def refuse(page):
        if way == "raise":
            raise api.web.HTTPError(403)
        page.set_status(403)
        page.finish()

    async def refuse_later(page):
        refuse(page)

    application = api.web.Application([("/", handler(prepare=told(trace, "prepare"), get=told(trace, "get")))])
    application.add_hooks(before_request=refuse_later if waiting else refuse, after_request=told(trace, "after"))
    application.add_hooks(before_request=told(trace, "second"))
    assert (await (await serve(application)).get("/")).code == 403
    assert await trace.first(1) == ["after"]


@must(
    "web.hooks.after-fails",
    "What after_request raises is logged; the other hooks are called, and the answer is not touched.",
    doc("web.RequestHandler.on_finish"),
    needs=ADDITIONS,
)
@each(waiting=[False, True])
async def test_after_fails(serve, logs, waiting):
    trace = Trace()

    def fail(page):
        raise RuntimeError("a bad hook")

    async def fail_later(page):
        fail(page)

    application = api.web.Application([("/", handler(get=lambda self: self.write("done")))])
    application.add_hooks(after_request=fail_later if waiting else fail)
    application.add_hooks(after_request=told(trace, "second"))
    async with (await serve(application)).connection() as connection:
        assert (await connection.fetch("GET", "/")).text == "done"
        assert (await connection.fetch("GET", "/")).text == "done"
    assert await trace.first(2) == ["second", "second"]
    assert "a bad hook" in str((await logs.first("tornado.application")).exc_info[1])


# The life of an application


async def answered(port):
    """Return the answer to one request at this port."""
    reader, writer = await in_time(asyncio.open_connection("127.0.0.1", port), lambda: "a connection")
    connection = Connection(reader, writer, WireLog([]), f"127.0.0.1:{port}")
    try:
        return await connection.fetch("GET", "/", headers={"Connection": "close"})
    finally:
        connection.close()
        await writer.wait_closed()


def free_port():
    """Return a port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@must(
    "web.life.order",
    "serving() calls on_start before anybody can connect, listens, and calls on_stop when all is answered, in reverse.",
    doc("web.Application.listen"),
    needs=ADDITIONS,
)
async def test_life():
    trace, port = Trace(), free_port()

    async def start(application):
        await asyncio.sleep(0)
        with socket.socket() as client:
            trace.add(client.connect_ex(("127.0.0.1", port)) != 0)

    application = api.web.Application([("/", handler(get=lambda self: self.write("served")))])
    application.add_hooks(on_start=start, on_stop=told(trace, "stop one"))
    application.add_hooks(on_start=lambda given: trace.add(given is application), on_stop=told(trace, "stop two"))
    async with application.serving(port, "127.0.0.1"):
        assert (await answered(port)).text == "served"
        assert trace == [True, True]
    assert trace[2:] == ["stop two", "stop one"]


@must(
    "web.life.start-fails",
    "When on_start raises, nobody listens, what had started is stopped, and serving() raises that.",
    doc("web.Application.listen"),
    needs=ADDITIONS,
)
async def test_start_fails():
    trace, port = Trace(), free_port()

    def fail(application):
        raise KeyError("no database")

    application = api.web.Application([])
    application.add_hooks(on_start=told(trace, "start"), on_stop=told(trace, "stop"))
    application.add_hooks(on_start=fail, on_stop=told(trace, "never started"))
    try:
        async with application.serving(port, "127.0.0.1"):
            trace.add("serving")
    except KeyError:
        trace.add("raised")
    assert trace == ["start", "stop", "raised"]


@must(
    "web.life.stop-fails",
    "When on_stop raises, the others are called all the same, and serving() raises that.",
    doc("web.Application.listen"),
    needs=ADDITIONS,
)
async def test_stop_fails():
    trace = Trace()

    def fail(application):
        raise KeyError("lost")

    application = api.web.Application([])
    application.add_hooks(on_stop=told(trace, "first"))
    application.add_hooks(on_stop=fail)
    try:
        async with application.serving(free_port(), "127.0.0.1"):
            trace.add("serving")
    except KeyError:
        trace.add("raised")
    assert trace == ["serving", "first", "raised"]


# OPTIONS


@must(
    "web.options.automatic",
    "With automatic_options, OPTIONS is answered 204 with the methods of the handler in Allow, after prepare.",
    rfc(9110, "9.3.7"),
    needs=ADDITIONS,
)
async def test_options(serve):
    trace = Trace()
    page = handler(get=told(trace, "get"), put=told(trace, "put"), prepare=told(trace, "prepare"))
    server = await serve([("/", page)], automatic_options=True)
    reply = await server.fetch("OPTIONS", "/")
    assert (reply.code, reply.body, trace) == (204, b"", ["prepare"])
    assert sorted(reply.headers["Allow"].split(", ")) == ["GET", "OPTIONS", "PUT"]
    refused = await server.fetch("DELETE", "/")
    assert (refused.code, refused.headers["Allow"]) == (405, reply.headers["Allow"])


@must(
    "web.options.own",
    "A handler that defines options answers by itself, and one without OPTIONS in SUPPORTED_METHODS refuses it.",
    rfc(9110, "9.3.7"),
    doc("web.RequestHandler.SUPPORTED_METHODS"),
    needs=ADDITIONS,
)
async def test_own_options(serve):
    own = handler(options=lambda self: self.write("own"))
    without = handler(SUPPORTED_METHODS=("GET",), get=lambda self: self.write(""))
    server = await serve([("/own", own), ("/without", without)], automatic_options=True)
    assert (await server.fetch("OPTIONS", "/own")).text == "own"
    refused = await server.fetch("OPTIONS", "/without")
    assert (refused.code, refused.headers["Allow"]) == (405, "GET")


# What is logged


@must(
    "web.access.record",
    "access_records(function) as log_function gives the function a record of each request, in fields.",
    doc("web.Application.log_request"),
    needs=ADDITIONS,
)
async def test_access_record(serve):
    trace = Trace()
    server = await serve(
        [("/page", handler(get=lambda self: self.set_status(201)))], log_function=api.web.access_records(trace.add)
    )
    await server.get("/page?a=1", headers={"User-Agent": "suite", "Referer": "http://x/"})
    (record,) = await trace.first(1)
    assert (record.method, record.uri, record.version, record.status) == ("GET", "/page?a=1", "HTTP/1.1", 201)
    assert (record.host, record.protocol, record.remote_ip) == (server.host, "http", "127.0.0.1")
    assert (record.user_agent, record.referer, record.handler) == ("suite", "http://x/", "Page")
    assert record.request_id is None
    assert 0 <= record.seconds < 60


@must(
    "web.access.fails",
    "What that function raises is logged; the answer is not touched, and on_finish is called.",
    doc("web.Application.log_request"),
    needs=ADDITIONS,
)
async def test_access_fails(serve, logs):
    trace = Trace()

    def fail(record):
        raise RuntimeError("disk full")

    page = handler(get=lambda self: self.write("x"), on_finish=told(trace, "finish"))
    server = await serve([("/", page)], log_function=api.web.access_records(fail))
    async with server.connection() as connection:
        assert [(await connection.fetch("GET", "/")).text for _ in range(2)] == ["x", "x"]
    assert "disk full" in str((await logs.first("tornado.application")).exc_info[1])
    assert trace == ["finish", "finish"]


async def with_ids(serve, get, **arguments):
    """Return a server whose requests have ids."""
    application = api.web.Application([("/", handler(get=get))])
    application.add_hooks(before_request=api.web.RequestIds(**arguments))
    return await serve(application)


def its_id(self):
    """Answer with the id of the request."""
    self.write(api.web.request_id.get() or "none")


@must(
    "web.request-id.each",
    "With RequestIds() before requests each has an id of its own, in request_id and in the field X-Request-ID.",
    doc("web.RequestHandler.prepare"),
    needs=ADDITIONS,
)
async def test_request_id(serve):
    server = await with_ids(serve, its_id)
    async with server.connection() as connection:
        replies = [await connection.fetch("GET", "/", headers={"X-Request-ID": "mine"}) for _ in range(2)]
    ids = [reply.headers["X-Request-ID"] for reply in replies]
    assert [reply.text for reply in replies] == ids
    assert len({*ids, "mine"}) == 3
    assert api.web.request_id.get() is None


@must(
    "web.request-id.trusted",
    "With trusted=True the id of the request is kept, if it is one word; another field may be named.",
    doc("web.RequestHandler.prepare"),
    needs=ADDITIONS,
)
@each(row=[("abc-1", True), ("two words", False), ("x" * 129, False), ("a\xfc", False), ("", False)])
async def test_trusted_id(serve, row):
    given, kept = row
    server = await with_ids(serve, its_id, header="X-Trace", trusted=True)
    reply = await server.get("/", headers={"X-Trace": given})
    assert (reply.text == given, reply.headers["X-Trace"] == reply.text) == (kept, True)
    assert len(reply.text) > 4


@must(
    "web.request-id.error-page",
    "An error page has the id, too, and RequestIdFilter puts it into log records.",
    doc("web.RequestHandler.set_default_headers"),
    needs=ADDITIONS,
)
async def test_id_of_errors(serve, logs):
    def get(self):
        raise RuntimeError("bad")

    numbering = api.web.RequestIdFilter()
    logs.addFilter(numbering)
    reply = await (await with_ids(serve, get)).get("/")
    assert (reply.code, (await logs.first("tornado.application")).request_id) == (500, reply.headers["X-Request-ID"])
    outside = logging.makeLogRecord({})
    assert (numbering.filter(outside), outside.request_id) == (True, "-")
