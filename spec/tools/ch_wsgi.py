"""Applications for WSGI

WSGI (PEP 3333) is how Python's servers and most of its web frameworks meet: an application is a function of a request's
environment that returns the content of its answer, and calls ``start_response`` for the rest. The server of this
interface can carry such an application, in a pool of threads, or on the event loop where the application is quick.

The server owes the application what the PEP says: an environment that ``wsgiref.validate`` finds nothing wrong with,
content that goes out as it comes, ``close()`` at the end whatever happened. It owes the client an answer, also when the
application fails.

The other direction, an application of this interface in a server for WSGI, is from former times.
"""

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from conformance import api, compat, doc, each, labelled, must, observed, seed, should
from conformance.client import CutShort

PEP = doc("PEP 3333")
CONTAINER = doc("wsgi.WSGIContainer")
PLACES = [labelled("loop", False), labelled("threads", True)]
HTML = ("Content-Type", "text/html")


class Contain:
    """Serves applications for WSGI: ``server = await contain(application, threads=True)``."""

    def __init__(self, serve):
        self._serve = serve
        self._pools = []

    async def __call__(self, application, threads=False):
        if threads:
            self._pools.append(ThreadPoolExecutor(2))
        return await self._serve(api.wsgi.WSGIContainer(application, *self._pools[-1:]))

    async def aclose(self):
        await self._serve.aclose()
        for pool in self._pools:
            pool.shutdown()


@pytest.fixture
def contain(serve):
    return Contain(serve)


def answering(*pieces, status="200 OK", headers=(HTML,)):
    """Return an application that answers all requests with these pieces."""

    def application(environ, start_response):
        start_response(status, list(headers))
        return list(pieces)

    return application


class Seen:
    """An application that keeps the environments it was called with."""

    def __init__(self):
        self.environs = []

    def __call__(self, environ, start_response):
        self.environs.append({**environ, "body": environ["wsgi.input"].read()})
        start_response("200 OK", [HTML])
        return [b"seen"]


# -- the environment --------------------------------------------------------------------------------------------------


@must(
    "wsgi.environ.valid",
    "wsgiref.validate finds nothing wrong with how an application is called, and with how its answer is used.",
    PEP,
    CONTAINER,
    seed("SEED-132"),
    seed("SEED-260"),
)
@each(threads=PLACES)
async def test_valid(contain, threads):
    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ["wsgi.input"].read(3), b"\n"]

    server = await contain(validator(application), threads)
    assert (await server.post("/a/b?c=d", b"abc")).body == b"abc\n"
    assert (await server.get("/")).code == 200


@must(
    "wsgi.environ.request",
    "The environment tells of method, query, protocol, client and header fields; repeated fields are joined.",
    doc("wsgi.WSGIContainer.environ"),
    PEP,
)
async def test_environ(contain):
    application = Seen()
    server = await contain(application)
    fields = [("X-Some-Field", "1"), ("X-Some-Field", "2"), ("Content-Type", "a/b"), ("Host", "example.com:81")]
    await server.post("/path?q=%20&r", b"", fields)
    environ = application.environs[0]
    assert environ["HTTP_X_SOME_FIELD"].replace(" ", "") == "1,2"
    names = "REQUEST_METHOD QUERY_STRING SERVER_PROTOCOL REMOTE_ADDR SERVER_NAME SERVER_PORT CONTENT_TYPE SCRIPT_NAME"
    values = [environ[name] for name in names.split()]
    assert values == ["POST", "q=%20&r", "HTTP/1.1", "127.0.0.1", "example.com", "81", "a/b", ""]
    assert (environ["HTTP_HOST"], environ["wsgi.url_scheme"]) == ("example.com:81", "http")


@must(
    "wsgi.environ.path",
    "PATH_INFO is the path with its escapes undone, each octet of it one character.",
    PEP,
)
async def test_path(contain):
    application = Seen()
    await (await contain(application)).get("/caf%C3%A9/a%20b%2Fc%25;x?y=%C3%A9")
    environ = application.environs[0]
    assert (environ["PATH_INFO"], environ["QUERY_STRING"]) == ("/caf\xc3\xa9/a b/c%;x", "y=%C3%A9")


@must(
    "wsgi.environ.server",
    "Without a port in Host, SERVER_PORT is that of the scheme; an address of IPv6 stands for itself.",
    PEP,
)
@each(host=[labelled("name", ("h.org", "h.org", "80")), labelled("ipv6", ("[::1]:88", "[::1]", "88"))])
async def test_server_name(contain, host):
    field, name, port = host
    application = Seen()
    await (await contain(application)).get("/", {"Host": field})
    environ = application.environs[0]
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == (name, port)


@must(
    "wsgi.environ.body",
    "wsgi.input has the body, in chunks or not, and CONTENT_LENGTH its length.",
    PEP,
)
@each(chunked=[False, True])
async def test_body(contain, chunked):
    application = Seen()
    server = await contain(application)
    async with server.connection() as connection:
        length = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": "5"}
        connection.send("POST", "/", headers=length)
        connection.send_bytes(b"2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n" if chunked else b"abcde")
        await connection.reply()
    environ = application.environs[0]
    assert (environ["body"], environ["CONTENT_LENGTH"]) == (b"abcde", "5")


@should(
    "wsgi.environ.underscores",
    "A field with an underscore in its name does not pass for the one with a dash, which a proxy may have checked.",
    PEP,
)
async def test_underscores(contain):
    application = Seen()
    await (await contain(application)).get("/", [("X-User", "ann"), ("X_User", "bob")])
    assert application.environs[0]["HTTP_X_USER"] == "ann"


@must(
    "wsgi.text.to-wsgi-str",
    "to_wsgi_str() gives each byte as one character.",
    doc("wsgi.to_wsgi_str"),
)
def test_to_wsgi_str():
    assert api.wsgi.to_wsgi_str(b"\x00a\xe9\xff") == "\x00a\xe9\xff"


# -- where it runs ----------------------------------------------------------------------------------------------------


@must(
    "wsgi.container.place",
    "With an executor the application runs there, from the call to close(); without, in the thread of the loop.",
    CONTAINER,
)
@each(threads=PLACES)
async def test_place(contain, threads):
    class Pieces:
        def __iter__(self):
            where.append(threading.current_thread())
            return iter([b"x"])

        def close(self):
            where.append(threading.current_thread())

    def application(environ, start_response):
        where.append(threading.current_thread())
        start_response("200 OK", [HTML])
        return Pieces()

    where = []
    await (await contain(application, threads)).get("/")
    assert [thread is threading.current_thread() for thread in where] == [not threads] * 3


@must(
    "wsgi.container.concurrent",
    "In an executor, requests are answered side by side, and wsgi.multithread says so.",
    CONTAINER,
)
async def test_concurrent(contain):
    both = threading.Barrier(2, timeout=2)

    def application(environ, start_response):
        both.wait()
        start_response("200 OK", [HTML])
        return [str(environ["wsgi.multithread"]).encode()]

    server = await contain(application, threads=True)
    async with server.connection() as first, server.connection() as second:
        first.send("GET", "/")
        second.send("GET", "/")
        assert [(await first.reply()).body, (await second.reply()).body] == [b"True", b"True"]


@must(
    "wsgi.container.fallback",
    "A FallbackHandler hands what no other route takes to a container, whose answer is the response.",
    doc("web.FallbackHandler"),
    CONTAINER,
)
async def test_fallback(serve):
    class Own(api.web.RequestHandler):
        def get(self):
            self.write("own")

    container = api.wsgi.WSGIContainer(answering(b"other", status="203 Hosted"))
    routes = [("/own", Own), (".*", api.web.FallbackHandler, {"fallback": container})]
    server = await serve(routes)
    assert (await server.get("/own")).body == b"own"
    reply = await server.get("/other")
    assert (reply.code, reply.reason, reply.body) == (203, "Hosted", b"other")


# -- the answer -------------------------------------------------------------------------------------------------------


@must(
    "wsgi.answer.head-and-content",
    "Status, reason and fields, repeated ones too, are as the application gave them; pieces are joined.",
    PEP,
)
@each(threads=PLACES)
async def test_answer(contain, threads):
    headers = [("X-A", "1"), ("Set-Cookie", "a=\xe9"), ("Set-Cookie", "b=2"), ("Content-Type", "a/b")]
    server = await contain(answering(b"ab", b"", b"cd", status="207 Many", headers=headers), threads)
    reply = await server.get("/")
    assert (reply.code, reply.reason, reply.body) == (207, "Many", b"abcd")
    assert (reply.headers["X-A"], reply.headers["Content-Type"]) == ("1", "a/b")
    assert reply.headers.get_all("Set-Cookie") == ["a=\xe9", "b=2"]


@compat(
    "wsgi.answer.added",
    "What the application does not say is added: the length, Content-Type: text/html with UTF-8, Server.",
    observed("tools-wsgi"),
)
async def test_added(contain):
    reply = await (await contain(answering(b"ab", b"cd", headers=[]))).get("/")
    assert (reply.headers["Content-Length"], reply.headers["Content-Type"]) == ("4", "text/html; charset=UTF-8")
    assert reply.headers["Server"]


@must(
    "wsgi.answer.without-content",
    "An answer to HEAD, and one with status 304, has the fields of the application and no content.",
    PEP,
)
async def test_without_content(contain):
    server = await contain(answering(b"abc", headers=[("Content-Length", "3"), ("X-A", "1")]))
    reply = await server.fetch("HEAD", "/")
    assert (reply.code, reply.headers["Content-Length"], reply.headers["X-A"], reply.body) == (200, "3", "1", b"")
    reply = await (await contain(answering(status="304 Not Modified", headers=[("ETag", '"x"')]))).get("/")
    assert (reply.code, reply.headers["ETag"], "Content-Type" in reply.headers) == (304, '"x"', False)


@must(
    "wsgi.answer.write",
    "What is given to the function that start_response() returns comes before what the application returns.",
    PEP,
)
@each(threads=PLACES)
async def test_write(contain, threads):
    def application(environ, start_response):
        write = start_response("200 OK", [HTML])
        write(b"first ")
        write(b"second ")
        return [b"third"]

    assert (await (await contain(application, threads)).get("/")).body == b"first second third"


@must(
    "wsgi.answer.late-start",
    "start_response() may be called as late as with the first piece of content.",
    PEP,
)
@each(threads=PLACES)
async def test_late_start(contain, threads):
    def application(environ, start_response):
        start_response("202 Later", [HTML])
        yield b""
        yield b"content"

    reply = await (await contain(application, threads)).get("/")
    assert (reply.code, reply.body) == (202, b"content")


class Closing:
    """Content that notes in ``closed`` that it was closed; that of the path /bad fails."""

    def __init__(self, path, closed):
        self.path, self.closed = path, closed

    def __iter__(self):
        yield b"a"
        if self.path == "/bad":
            raise ValueError("no more")

    def close(self):
        self.closed.append(self.path)


@must(
    "wsgi.answer.close",
    "close() of what the application returned is called once, also when its content fails.",
    PEP,
)
@each(threads=PLACES)
async def test_close(contain, logs, threads):
    def application(environ, start_response):
        start_response("200 OK", [HTML])
        return Closing(environ["PATH_INFO"], closed)

    closed = []
    server = await contain(application, threads)
    await server.get("/good")
    async with server.connection() as connection:
        connection.send("GET", "/bad")
        await logs.first("tornado.application")
    assert closed == ["/good", "/bad"]


@must(
    "wsgi.answer.exc-info",
    "With exc_info, start_response() replaces the status and fields of before, as long as nothing was sent.",
    PEP,
)
async def test_exc_info(contain):
    def application(environ, start_response):
        start_response("200 OK", [("X-First", "1"), HTML])
        try:
            raise KeyError("own")
        except KeyError as error:
            start_response("503 Sorry", [HTML], (KeyError, error, error.__traceback__))
        return [b"sorry"]

    reply = await (await contain(application)).get("/")
    assert (reply.code, reply.body, "X-First" in reply.headers) == (503, b"sorry", False)


@must(
    "wsgi.answer.exc-info-too-late",
    "After content was sent, start_response() with exc_info raises that exception.",
    PEP,
)
@each(threads=PLACES)
async def test_exc_info_too_late(contain, threads):
    def application(environ, start_response):
        yield from started(start_response)
        try:
            start_response("500 Late", [HTML], (KeyError, KeyError("own"), None))
        except KeyError:
            raised.append(True)
        yield b" end"

    def started(start_response):
        start_response("200 OK", [HTML])
        yield b"begin"

    raised = []
    reply = await (await contain(application, threads)).get("/")
    assert (reply.code, reply.body, raised) == (200, b"begin end", [True])


@must(
    "wsgi.answer.streamed",
    "A piece of content is sent before the application is asked for the next one.",
    PEP,
)
async def test_streamed(contain):
    received = threading.Event()

    def application(environ, start_response):
        start_response("200 OK", [HTML])
        yield b"first"
        yield b"second" if received.wait(5) else b"too late"

    server = await contain(application, threads=True)
    async with server.connection() as connection:
        connection.send("GET", "/")
        try:
            await connection.body_until(b"first")
        finally:
            received.set()
        assert (await connection.reply()).body == b"firstsecond"


@must(
    "wsgi.answer.client-gone",
    "An application does not get far ahead of its client, and is closed soon after that has gone.",
    PEP,
)
async def test_client_gone(contain):
    closed, pieces = threading.Event(), []

    def application(environ, start_response):
        start_response("200 OK", [HTML])
        try:
            for _ in range(600):
                pieces.append(1)
                yield bytes(65536)
        finally:
            closed.set()

    server = await contain(application, threads=True)
    async with server.connection() as connection:
        connection.send("GET", "/")
        await connection.head()
    assert await api.ioloop.IOLoop.current().run_in_executor(None, closed.wait, 5)
    assert len(pieces) < 600


# -- failures ---------------------------------------------------------------------------------------------------------


@must(
    "wsgi.failure.answered",
    "An application that fails before any content is answered with 500, and its exception is logged.",
    PEP,
)
@each(threads=PLACES)
async def test_failure(contain, logs, threads):
    def application(environ, start_response):
        start_response("200 OK", [("X-A", "1")])
        raise KeyError("own")

    reply = await (await contain(application, threads)).get("/")
    assert (reply.code, "X-A" in reply.headers) == (500, False)
    assert logs.of("tornado.application")[0].exc_info[0] is KeyError


@must(
    "wsgi.failure.cut-short",
    "When an application fails after content was sent, the connection is closed: the answer does not look complete.",
    PEP,
)
@each(threads=PLACES)
async def test_cut_short(contain, threads):
    def application(environ, start_response):
        start_response("200 OK", [HTML])
        yield b"begin"
        raise KeyError("own")

    server = await contain(application, threads)
    with pytest.raises(CutShort) as caught:
        await server.get("/")
    assert caught.value.reply.body == b"begin"


@should(
    "wsgi.failure.misuse",
    "What the PEP forbids an application is answered with 500, and the log says what it was.",
    PEP,
)
@each(
    application=[
        labelled("status", answering(status="OK")),
        labelled("connection", answering(b"", headers=[("Connection", "close")])),
        labelled("injection", answering(b"", headers=[("X-A", "1\r\nX-B: 2")])),
        labelled("text", answering("text")),
        labelled("no-start", lambda environ, start_response: [b"content"]),
        labelled("twice", lambda environ, start: [start("200 OK", [HTML]), start("200 OK", [HTML])][2:]),
    ]
)
async def test_misuse(contain, logs, application):
    reply = await (await contain(application)).get("/")
    assert (reply.code, "X-B" in reply.headers) == (500, False)
    assert logs.of("tornado.application")


@must(
    "wsgi.log.access",
    "A line in the access log tells status, method and URL of each request.",
    CONTAINER,
)
async def test_log(contain, logs):
    await (await contain(answering(b"", status="404 Not Found"))).get("/a?b")
    record = logs.of("tornado.access")[0]
    assert (record.levelname, record.getMessage().startswith("404 GET /a?b (127.0.0.1)")) == ("WARNING", True)


# -- the other direction ----------------------------------------------------------------------------------------------


def called(application, **environ):
    """Return status, fields and content of an application for WSGI, called as wsgiref.validate likes it."""
    given = {"SCRIPT_NAME": "", "QUERY_STRING": "", **environ}
    setup_testing_defaults(given)
    answers = []

    def start_response(status, headers, exc_info=None):
        answers.extend([status, dict(headers)])
        return answers.append

    pieces = validator(application)(given, start_response)
    content = b"".join(pieces)
    pieces.close()
    return *answers, content


def own_application(kind):
    """Return an application of the package under test, as one for WSGI."""

    class Own(api.web.RequestHandler):
        def get(self, name):
            self.set_status(201, "Made")
            self.set_header("X-Name", name)
            self.write({"query": self.get_arguments("q"), "host": self.request.host, "ip": self.request.remote_ip})

        def post(self, name):
            self.write(self.request.full_url() + " " + self.get_body_argument("field"))

    make = {"WSGIApplication": api.wsgi.WSGIApplication, "WSGIAdapter": lambda rules: adapt(api.web.Application(rules))}
    adapt = api.wsgi.WSGIAdapter
    with pytest.warns(DeprecationWarning, match="WSGI"):
        return make[kind]([(r"/(.*)", Own)])


@must(
    "wsgi.adapter.get",
    "WSGIAdapter(application) and WSGIApplication are applications for WSGI that wsgiref.validate accepts.",
    doc("wsgi.WSGIAdapter"),
    doc("wsgi.WSGIApplication"),
    seed("SEED-132"),
    needs=("legacy",),
)
@each(kind=["WSGIAdapter", "WSGIApplication"])
def test_adapter(kind):
    application = own_application(kind)
    status, headers, content = called(
        application, PATH_INFO="/caf", QUERY_STRING="q=1&q=2", HTTP_HOST="h.org:1", REMOTE_ADDR="10.0.0.1"
    )
    assert (status, headers["X-Name"]) == ("201 Made", "caf")
    assert api.escape.json_decode(content) == {"query": ["1", "2"], "host": "h.org:1", "ip": "10.0.0.1"}
    assert headers["Content-Length"] == str(len(content))


@must(
    "wsgi.adapter.post",
    "A handler in a WSGI server has the body, its arguments and the URL of the request.",
    doc("wsgi.WSGIAdapter"),
    needs=("legacy",),
)
def test_adapter_post():
    form = {"CONTENT_TYPE": "application/x-www-form-urlencoded", "CONTENT_LENGTH": "9"}
    environ = {"REQUEST_METHOD": "POST", "SCRIPT_NAME": "/app", "PATH_INFO": "/x", "wsgi.url_scheme": "https", **form}
    body = {"wsgi.input": io.BytesIO(b"field=a+bxxx")}
    status, _, content = called(own_application("WSGIAdapter"), HTTP_HOST="h.org", **environ, **body)
    assert (status, content) == ("200 OK", b"https://h.org/app/x a b")


@must(
    "wsgi.adapter.errors",
    "Errors of a handler are answered by its error page.",
    doc("wsgi.WSGIAdapter"),
    needs=("legacy",),
)
def test_adapter_errors():
    status, headers, content = called(own_application("WSGIAdapter"), REQUEST_METHOD="PUT", PATH_INFO="/x")
    assert status == "405 Method Not Allowed"
    assert b"405" in content
    assert headers["Content-Type"].startswith("text/html")
