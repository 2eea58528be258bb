"""Error pages.

When a handler raises an exception, the client gets an error page. ``HTTPError`` says which status it has; every other
exception means 500, for the fault is the program's. The page is made by ``write_error``, which applications override
to give their errors a face; by default it is one line with the status, or a stack trace when the application runs
with ``serve_traceback``. What had been written before is thrown away, unless it was flushed: then the answer can only
be cut off.

``send_error`` makes an error page without an exception. ``Finish`` is an exception without an error page: it ends the
request where it is raised and sends what was written. A page of one's own needs neither: set the status, write,
return.

A path without a route gets the page for 404. ``default_handler_class`` puts a handler of one's own in that place; it
overrides ``prepare``, since the method can be any.

Nothing that is meant for the operator is shown to the client. The ``log_message`` of an ``HTTPError`` goes to the
logger ``tornado.general``, an unknown exception with its stack trace to ``tornado.application``, and every request
makes one line in ``tornado.access``, at a level that follows from the status.
"""

import asyncio
import contextlib
import traceback

from conformance import api, compat, doc, each, labelled, must, observed, rfc, seed, should
from conformance.client import CutShort
from conformance.tracing import Trace


def page(get, **members):
    """Return a handler class whose GET is ``get(handler)``."""
    return type("Page", (api.web.RequestHandler,), {"get": get, **members})


def raising(error, **members):
    """Return a handler class whose GET raises what ``error()`` makes."""

    def get(self):
        raise error()

    return page(get, **members)


async def answer(serve, handler, **settings):
    """Return the answer to GET of one handler in an application with these settings."""
    return await (await serve([("/", handler)], **settings)).get("/")


# -- exceptions -------------------------------------------------------------------------------------------------------


@must(
    "web.error.http-error",
    "HTTPError raised in a handler gives the answer its status code and the standard reason.",
    doc("web.HTTPError"),
    seed("SEED-241"),
)
@each(status=[(400, "Bad Request"), (403, "Forbidden"), (404, "Not Found"), (503, "Service Unavailable")])
async def test_http_error(serve, status):
    reply = await answer(serve, raising(lambda: api.web.HTTPError(status[0])))
    assert (reply.code, reply.reason) == status


@must(
    "web.error.http-error-default",
    "HTTPError without a status code means 500.",
    doc("web.HTTPError"),
)
async def test_http_error_without_code(serve):
    assert (await answer(serve, raising(lambda: api.web.HTTPError()))).code == 500


@must(
    "web.error.reason",
    "The reason given to HTTPError stands in the status line and on the default page.",
    doc("web.HTTPError"),
)
async def test_reason(serve):
    reply = await answer(serve, raising(lambda: api.web.HTTPError(402, reason="Please Pay First")))
    assert (reply.code, reply.reason) == (402, "Please Pay First")
    assert "402: Please Pay First" in reply.text


@must(
    "web.error.unregistered-status",
    "HTTPError may have a status code without a standard reason.",
    doc("web.HTTPError"),
)
@each(code=[499, 599])
async def test_unregistered_status(serve, code):
    reply = await answer(serve, raising(lambda: api.web.HTTPError(code)))
    assert reply.code == code
    assert str(code) in reply.text


@must(
    "web.error.unknown-exception-500",
    "An exception that is no HTTPError is answered with 500.",
    doc("web.RequestHandler.write_error"),
    seed("SEED-241"),
)
@each(kind=[KeyError, ValueError, OSError, AssertionError, RecursionError, StopIteration])
async def test_unknown_exception(serve, kind):
    reply = await answer(serve, raising(lambda: kind("reason for the operator")))
    assert (reply.code, reply.reason) == (500, "Internal Server Error")


@must(
    "web.error.where-raised",
    "It does not matter where a handler raises: in prepare, in its method, or in a coroutine that has waited.",
    doc("web.RequestHandler.write_error"),
    seed("SEED-161"),
    seed("SEED-241"),
)
@each(where=["prepare", "get", "async prepare", "async get"])
async def test_where_raised(serve, where):
    def fail(self):
        raise api.web.HTTPError(418)

    async def fail_later(self):
        await asyncio.sleep(0)
        fail(self)

    members = {"get": lambda self: self.write("got")}
    members[where.split()[-1]] = fail_later if "async" in where else fail
    reply = await answer(serve, page(**members))
    assert (reply.code, "got" in reply.text) == (418, False)


@must(
    "web.error.subclass",
    "A subclass of HTTPError is treated like HTTPError.",
    doc("web.HTTPError"),
)
async def test_subclass(serve):
    class OutOfStock(api.web.HTTPError):
        def __init__(self):
            super().__init__(409, "nothing left", reason="Out Of Stock")

    reply = await answer(serve, raising(OutOfStock))
    assert (reply.code, reply.reason) == (409, "Out Of Stock")


@must(
    "web.error.attributes",
    "An HTTPError carries status_code, reason and log_message, and its text names the status.",
    doc("web.HTTPError"),
)
async def test_attributes():
    error = api.web.HTTPError(404, "no story %d", 7, reason="No Story")
    assert (error.status_code, error.reason, error.log_message, error.args) == (404, "No Story", "no story %d", (7,))
    assert "404" in str(error)
    assert "no story 7" in str(error)
    assert api.web.HTTPError(404).reason is None


@must(
    "web.error.missing-argument",
    "A missing argument raises MissingArgumentError, an HTTPError with status 400 that knows the argument's name.",
    doc("web.MissingArgumentError"),
)
async def test_missing_argument(serve):
    def get(self):
        try:
            self.get_argument("colour")
        except api.web.MissingArgumentError as error:
            kind = isinstance(error, api.web.HTTPError)
            self.write({"name": error.arg_name, "status": error.status_code, "kind": kind})

    assert (await answer(serve, page(get))).json() == {"name": "colour", "status": 400, "kind": True}


# -- the default page -------------------------------------------------------------------------------------------------


@must(
    "web.error-page.one-line",
    "The default page is HTML with one line: the status code and the reason, as title and as text.",
    doc("web.RequestHandler.write_error"),
    seed("SEED-242"),
)
@each(status=[(404, "404: Not Found"), (500, "500: Internal Server Error")])
async def test_default_page(serve, status):
    code, line = status
    reply = await answer(serve, raising(lambda: api.web.HTTPError(code)))
    assert reply.headers["Content-Type"].lower().startswith("text/html")
    assert f"<title>{line}</title>" in reply.text
    assert f"<body>{line}</body>" in reply.text


@must(
    "web.error-page.escaped",
    "A reason cannot bring HTML into the default page.",
    doc("web.HTTPError"),
)
@each(way=["HTTPError", "send_error"])
async def test_page_is_escaped(serve, way):
    reason = "<script>alert(1)</script>"

    def get(self):
        if way == "send_error":
            return self.send_error(400, reason=reason)
        raise api.web.HTTPError(400, reason=reason)

    reply = await answer(serve, page(get))
    assert (reply.code, "<script>" in reply.text) == (400, False)


@must(
    "web.error-page.reason-injection",
    "A reason with a line end in it adds no field to the answer, and the status is the one asked for.",
    doc("web.HTTPError"),
    rfc(9112, "4"),
)
@each(end=[labelled("crlf", "\r\n"), labelled("lf", "\n"), labelled("cr", "\r")])
async def test_reason_injection(serve, end):
    reply = await answer(serve, raising(lambda: api.web.HTTPError(400, reason=f"Bad{end}X-Injected: yes")))
    assert (reply.code, "X-Injected" in reply.headers) == (400, False)


@must(
    "web.error-page.nothing-private",
    "Neither the text of an exception nor a log_message is shown to the client.",
    doc("web.HTTPError"),
    doc("web.RequestHandler.write_error"),
    seed("SEED-242"),
)
@each(kind=["HTTPError", "KeyError"])
async def test_nothing_private(serve, kind):
    def error():
        return KeyError("hunter2") if kind == "KeyError" else api.web.HTTPError(403, "password was %s", "hunter2")

    reply = await answer(serve, raising(error))
    assert reply.code in (403, 500)
    assert "hunter2" not in f"{reply.reason} {reply.headers} {reply.text}"
    assert "Traceback" not in reply.text


@must(
    "web.error-page.traceback",
    "With serve_traceback, and so in debug mode, the default page is the stack trace of the exception as plain text.",
    doc("web.Application.settings"),
    seed("SEED-242"),
)
@each(settings=[labelled("serve_traceback", {"serve_traceback": True}), labelled("debug", {"debug": True})])
async def test_traceback(serve, settings):
    def pick_from_an_empty_shelf(self):
        raise KeyError("the book")

    reply = await answer(serve, page(pick_from_an_empty_shelf), **{"autoreload": False, **settings})
    assert (reply.code, reply.headers["Content-Type"].startswith("text/plain")) == (500, True)
    for part in ("Traceback", "pick_from_an_empty_shelf", "KeyError: 'the book'"):
        assert part in reply.text, f"{part!r} is not on the page"


@must(
    "web.error-page.connection-goes-on",
    "An error page is a complete answer: the connection serves the next request.",
    doc("web.RequestHandler.send_error"),
    rfc(9112, "9.3"),
)
@each(path=["/absent", "/broken"])
async def test_connection_goes_on(serve, path):
    routes = [("/broken", raising(lambda: KeyError("x"))), ("/", page(lambda self: self.write("fine")))]
    async with (await serve(routes)).connection() as connection:
        assert (await connection.fetch("GET", path)).code in (404, 500)
        assert (await connection.fetch("GET", "/")).text == "fine"


@must(
    "web.error-page.head",
    "The answer to HEAD with an error status has no body either.",
    rfc(9110, "9.3.2", "RFC9110-9.3.2-1"),
)
async def test_head(serve):
    async with (await serve([("/", page(lambda self: self.write("fine")))])).connection() as connection:
        reply = await connection.fetch("HEAD", "/absent")
        assert (reply.code, reply.body) == (404, b"")
        assert (await connection.fetch("GET", "/")).text == "fine"


# -- write_error ------------------------------------------------------------------------------------------------------


def own_page(self, status_code, **kwargs):
    """A write_error that shows what it was given."""
    self.write({"status": status_code, "same": self.get_status() == status_code, "kwargs": sorted(kwargs)})


@must(
    "web.write-error.override",
    "An overridden write_error makes the page, by write; the status is set already.",
    doc("web.RequestHandler.write_error"),
    seed("SEED-218"),
    seed("SEED-236"),
    seed("SEED-243"),
)
@each(status=[403, 500])
async def test_write_error(serve, status):
    def error():
        return api.web.HTTPError(403) if status == 403 else KeyError("x")

    base = type("Base", (api.web.RequestHandler,), {"write_error": own_page})
    handler = type("Page", (base,), {"get": raising(error).get})
    reply = await answer(serve, handler)
    assert (reply.code, reply.json()) == (status, {"status": status, "same": True, "kwargs": ["exc_info"]})


@must(
    "web.write-error.exc-info",
    "write_error gets the exception that caused it as exc_info, ready for traceback.format_exception.",
    doc("web.RequestHandler.write_error"),
    seed("SEED-243"),
)
async def test_exc_info(serve):
    def write_error(self, status_code, **kwargs):
        self.write("".join(traceback.format_exception(*kwargs["exc_info"])))

    reply = await answer(serve, raising(lambda: KeyError("the book"), write_error=write_error))
    assert (reply.code, reply.text.splitlines()[-1]) == (500, "KeyError: 'the book'")


@must(
    "web.write-error.without-exception",
    "send_error without an exception calls write_error without exc_info; other keywords are passed on.",
    doc("web.RequestHandler.send_error"),
)
async def test_without_exception(serve):
    handler = page(lambda self: self.send_error(410, shelf="empty"), write_error=own_page)
    reply = await answer(serve, handler)
    assert (reply.code, reply.json()) == (410, {"status": 410, "same": True, "kwargs": ["shelf"]})


@must(
    "web.write-error.finish",
    "write_error may call finish itself; one that writes nothing leaves an empty page.",
    doc("web.RequestHandler.write_error"),
)
@each(way=["finish", "nothing"])
async def test_write_error_finishes(serve, way):
    def write_error(self, status_code, **kwargs):
        if way == "finish":
            self.finish("own page")

    handler = raising(lambda: api.web.HTTPError(404), write_error=write_error)
    async with (await serve([("/", handler)])).connection() as connection:
        for _ in range(2):
            reply = await connection.fetch("GET", "/")
            assert (reply.code, reply.text) == (404, "own page" if way == "finish" else "")


@compat(
    "web.write-error.raises",
    "When write_error itself raises, the answer still has the status of the error, and the fault is logged.",
    observed("web-error-pages"),
)
async def test_write_error_raises(serve, logs):
    def write_error(self, status_code, **kwargs):
        raise ValueError("no page")

    reply = await answer(serve, raising(lambda: KeyError("x"), write_error=write_error))
    assert (reply.code, "no page" in reply.text) == (500, False)
    kinds = [record.exc_info[0] for record in logs.of("tornado.application") if record.exc_info]
    assert kinds == [KeyError, ValueError]


@must(
    "web.send-error.page",
    "send_error answers with the status and reason it is given, and the default page for them.",
    doc("web.RequestHandler.send_error"),
)
async def test_send_error(serve):
    reply = await answer(serve, page(lambda self: self.send_error(503, reason="Back Soon")))
    assert (reply.code, reply.reason) == (503, "Back Soon")
    assert "503: Back Soon" in reply.text


@must(
    "web.send-error.clears",
    "An error page throws away what was written and set before it.",
    doc("web.RequestHandler.send_error"),
)
@each(way=["send_error", "raise"])
async def test_error_clears(serve, way):
    def get(self):
        self.set_status(201)
        self.set_header("X-Early", "yes")
        self.set_header("Content-Type", "image/png")
        self.write("half a picture")
        if way == "send_error":
            return self.send_error(404)
        raise KeyError("x")

    reply = await answer(serve, page(get))
    assert reply.code == {"send_error": 404, "raise": 500}[way]
    assert ("X-Early" in reply.headers, "picture" in reply.text) == (False, False)
    assert reply.headers["Content-Type"].startswith("text/html")


@must(
    "web.send-error.ends",
    "send_error ends the request: writing or finishing afterwards raises RuntimeError.",
    doc("web.RequestHandler.send_error"),
)
@each(again=["write", "finish"])
async def test_send_error_ends(serve, again):
    trace = Trace()

    def get(self):
        self.send_error(404)
        try:
            getattr(self, again)("more")
        except RuntimeError:
            trace.add("refused")

    reply = await answer(serve, page(get))
    assert (reply.code, "more" in reply.text) == (404, False)
    assert await trace.first(1) == ["refused"]


@must(
    "web.send-error.after-flush",
    "After a flush no error can be sent any more: the answer ends or is cut off where it is, without a second head.",
    doc("web.RequestHandler.send_error"),
    rfc(9112, "8"),
)
async def test_error_after_flush(serve, lenient):
    async def get(self):
        self.write("half of ")
        await self.flush()
        raise KeyError("the other half")

    try:
        reply = await answer(serve, page(get))
        lenient("the answer ends as if it were complete, so the client cannot know that something is missing")
    except CutShort as cut:
        reply = cut.reply
    assert (reply.code, reply.body) == (200, b"half of ")


@must(
    "web.send-error.short-body",
    "After a flush with a Content-Length, an error closes the connection: the client can tell that the body is short.",
    doc("web.RequestHandler.send_error"),
    rfc(9112, "8"),
)
async def test_error_within_known_length(serve):
    async def get(self):
        self.set_header("Content-Length", "100")
        self.write("half of ")
        await self.flush()
        raise KeyError("the other half")

    reply = None
    with contextlib.suppress(CutShort):
        reply = await answer(serve, page(get))
    assert reply is None, f"the answer looks complete: {reply}"


@must(
    "web.error.after-finish",
    "An exception after finish does not change the answer; it is logged.",
    doc("web.RequestHandler.log_exception"),
)
async def test_error_after_finish(serve, logs):
    def get(self):
        self.finish("answered")
        raise KeyError("too late")

    async with (await serve([("/", page(get))])).connection() as connection:
        for _ in range(2):
            reply = await connection.fetch("GET", "/")
            assert (reply.code, reply.text) == (200, "answered")
    assert (await logs.first("tornado.application")).exc_info[0] is KeyError


# -- Finish and pages of one's own ------------------------------------------------------------------------------------


@must(
    "web.finish-exception.sends",
    "Finish ends the request where it is raised: what was written is sent, with the status that was set.",
    doc("web.Finish"),
    seed("SEED-244"),
)
@each(where=["get", "prepare"])
async def test_finish_exception(serve, where):
    def refuse(self):
        self.set_status(401)
        self.set_header("WWW-Authenticate", 'Basic realm="shop"')
        self.write("who are you?")
        raise api.web.Finish()

    members = {"get": lambda self: self.write("inside"), "write_error": own_page}
    reply = await answer(serve, page(**{**members, where: refuse}))
    assert (reply.code, reply.text) == (401, "who are you?")
    assert reply.headers["WWW-Authenticate"] == 'Basic realm="shop"'


@must(
    "web.finish-exception.value",
    "A value given to Finish is written as finish(value) would write it.",
    doc("web.Finish"),
)
@each(value=[labelled("text", "end"), labelled("dict", {"end": 1})])
async def test_finish_with_value(serve, value):
    reply = await answer(serve, raising(lambda: api.web.Finish(value)))
    assert reply.code == 200
    assert (reply.json() if isinstance(value, dict) else reply.text) == value


@must(
    "web.finish-exception.silent",
    "Finish is no error: nothing is logged but the access line.",
    doc("web.Finish"),
)
async def test_finish_is_silent(serve, logs):
    assert (await answer(serve, raising(lambda: api.web.Finish("end")))).text == "end"
    await logs.first("tornado.access")
    assert [record.name for record in logs.trace] == ["tornado.access"]


@must(
    "web.finish-exception.after-finish",
    "Finish raised after finish changes nothing.",
    doc("web.Finish"),
)
async def test_finish_after_finish(serve, logs):
    def get(self):
        self.finish("end")
        raise api.web.Finish("more")

    async with (await serve([("/", page(get))])).connection() as connection:
        for _ in range(2):
            assert (await connection.fetch("GET", "/")).text == "end"
    assert logs.of("tornado.application") == []


@must(
    "web.error-page.by-hand",
    "A method may make its own error page: set the status, write the page, return. write_error is not called.",
    doc("guide.structure"),
    seed("SEED-244"),
    seed("SEED-068"),
)
@each(text=["out of stock", ""])
async def test_page_by_hand(serve, text):
    def get(self):
        self.set_status(400)
        self.write(text)

    reply = await answer(serve, page(get, write_error=own_page))
    assert (reply.code, reply.reason, reply.text) == (400, "Bad Request", text)


# -- pages for paths without a route ----------------------------------------------------------------------------------


@must(
    "web.not-found.default",
    "A path without a route gets the default page for 404, which does not repeat the path.",
    doc("web.Application"),
    seed("SEED-241"),
)
async def test_not_found(serve):
    reply = await (await serve([])).get("/absent<b>")
    assert (reply.code, reply.reason, "404: Not Found" in reply.text) == (404, "Not Found", True)
    assert "absent" not in reply.text


@must(
    "web.not-found.raising",
    "default_handler_class may raise HTTPError(404) in prepare and make the page in write_error, for every method.",
    doc("web.Application.settings"),
    seed("SEED-245"),
)
@each(method=["GET", "POST", "PUT", "DELETE"])
async def test_not_found_by_exception(serve, method):
    class NotFound(api.web.RequestHandler):
        def prepare(self):
            raise api.web.HTTPError(404)

        def write_error(self, status_code, **kwargs):
            self.write(f"nothing at {self.request.path}")

    server = await serve([("/", page(lambda self: self.write("home")))], default_handler_class=NotFound)
    reply = await server.fetch(method, "/absent", body=b"")
    assert (reply.code, reply.text) == (404, "nothing at /absent")
    assert (await server.get("/")).text == "home"


@must(
    "web.not-found.writing",
    "default_handler_class may set the status and write the page in prepare, for every method.",
    doc("web.Application.settings"),
    seed("SEED-245"),
)
@each(method=["GET", "POST"])
async def test_not_found_by_hand(serve, method):
    class NotFound(api.web.RequestHandler):
        def initialize(self, words):
            self.words = words

        def prepare(self):
            self.set_status(404)
            self.finish(f"{self.words} at {self.request.path}")

    settings = {"default_handler_class": NotFound, "default_handler_args": {"words": "no page"}}
    reply = await (await serve([], **settings)).fetch(method, "/absent", body=b"")
    assert (reply.code, reply.text) == (404, "no page at /absent")


@must(
    "web.not-found.error-handler",
    "ErrorHandler answers every method with the status it was given.",
    doc("web.ErrorHandler"),
)
@each(method=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_error_handler(serve, method):
    server = await serve([("/gone", api.web.ErrorHandler, {"status_code": 410})])
    reply = await server.fetch(method, "/gone", body=b"")
    assert (reply.code, "410: Gone" in reply.text) == (410, True)


# -- what the operator sees -------------------------------------------------------------------------------------------


@must(
    "web.log.access-level",
    "Each request makes one record in tornado.access: INFO below 400, WARNING below 500, ERROR from 500 on.",
    doc("log"),
    doc("web.Application.log_request"),
)
@each(row=[(200, "INFO"), (304, "INFO"), (399, "INFO"), (400, "WARNING"), (499, "WARNING"), (500, "ERROR")])
async def test_access_level(serve, logs, row):
    status, level = row
    assert (await answer(serve, page(lambda self: self.set_status(status)))).code == status
    await logs.first("tornado.access")
    assert [record.levelname for record in logs.of("tornado.access")] == [level]


@should(
    "web.log.access-line",
    "The access record names status, method, target and the client's address.",
    doc("web.Application.log_request"),
)
async def test_access_line(serve, logs):
    await (await serve([])).post("/absent/page?x=1%20")
    line = (await logs.first("tornado.access")).getMessage()
    for part in ("404", "POST", "/absent/page?x=1%20", "127.0.0.1"):
        assert part in line.replace("(", " ").replace(")", " ").split(), f"{part} is not in {line!r}"


@must(
    "web.log.function",
    "The setting log_function is called once for every request, with its handler, in place of the access record.",
    doc("web.Application.settings"),
)
async def test_log_function(serve, logs):
    trace = Trace()

    def log_function(handler):
        trace.add((handler.request.path, handler.get_status(), handler.request.request_time() >= 0))

    server = await serve([("/", page(lambda self: self.set_status(202)))], log_function=log_function)
    await server.get("/")
    await server.get("/absent")
    assert await trace.first(2) == [("/", 202, True), ("/absent", 404, True)]
    assert logs.of("tornado.access") == []


@must(
    "web.log.exception",
    "An unknown exception is logged in tornado.application as an error with its stack trace.",
    doc("web.RequestHandler.log_exception"),
)
async def test_exception_record(serve, logs):
    await answer(serve, raising(lambda: KeyError("the book")))
    record = await logs.first("tornado.application")
    assert (record.levelname, record.exc_info[0], str(record.exc_info[1])) == ("ERROR", KeyError, "'the book'")
    assert "get" in [frame.name for frame in traceback.extract_tb(record.exc_info[2])]
    assert len(logs.of("tornado.application")) == 1


@must(
    "web.log.http-error",
    "The log_message of an HTTPError, with its arguments, is a warning without a stack trace in tornado.general.",
    doc("web.HTTPError"),
    doc("web.RequestHandler.log_exception"),
)
async def test_http_error_record(serve, logs):
    await answer(serve, raising(lambda: api.web.HTTPError(403, "user %s, door %d", "eve", 7)))
    record = await logs.first("tornado.general")
    assert (record.levelname, bool(record.exc_info)) == ("WARNING", False)
    assert "403" in record.getMessage()
    assert "user eve, door 7" in record.getMessage()
    assert logs.of("tornado.application") == []


@must(
    "web.log.percent",
    "A log_message without arguments is logged as it is, percent signs included.",
    doc("web.HTTPError"),
)
async def test_percent_in_log_message(serve, logs):
    assert (await answer(serve, raising(lambda: api.web.HTTPError(400, "got 100%s of %d")))).code == 400
    assert "got 100%s of %d" in (await logs.first("tornado.general")).getMessage()


@must(
    "web.log.quiet-http-error",
    "An HTTPError without a log_message makes no record but the access line.",
    doc("web.RequestHandler.log_exception"),
)
async def test_quiet_http_error(serve, logs):
    await answer(serve, raising(lambda: api.web.HTTPError(404)))
    await logs.first("tornado.access")
    assert [record.name for record in logs.trace] == ["tornado.access"]


@must(
    "web.log.override",
    "An overridden log_exception gets type, value and traceback of the exception, and decides what is logged.",
    doc("web.RequestHandler.log_exception"),
)
async def test_log_exception(serve, logs):
    trace = Trace()

    def log_exception(self, kind, value, tb):
        trace.add((kind, str(value), traceback.extract_tb(tb)[-1].name))

    handler = raising(lambda: KeyError("the book"), log_exception=log_exception)
    assert (await answer(serve, handler)).code == 500
    assert await trace.first(1) == [(KeyError, "'the book'", "get")]
    assert logs.of("tornado.application") == []


@compat(
    "web.log.on-finish-exception",
    "An exception in on_finish is logged; the answer is not touched, and the connection goes on.",
    observed("web-error-pages"),
)
async def test_exception_in_on_finish(serve, logs):
    def on_finish(self):
        raise KeyError("too late")

    async with (await serve([("/", page(lambda self: self.write("fine"), on_finish=on_finish))])).connection() as wire:
        assert [(await wire.fetch("GET", "/")).text for _ in range(2)] == ["fine", "fine"]
    assert (await logs.first("tornado.application")).exc_info[0] is KeyError
