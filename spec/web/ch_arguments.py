"""What a request brings.

``self.request`` is the request itself: method, target, header fields, body. On top of it the handler reads the values
of HTML forms, whether they came in the query of the URL or in the body: ``get_argument`` looks in both,
``get_query_argument`` and ``get_body_argument`` in one. Values are text; white space at their ends is stripped unless
the handler says ``strip=False``. A form may send one name several times: the singular methods give the last value,
the plural ones a list of all.

A name that was not sent and has no default is the client's fault: the answer is 400. The same goes for values that
are not UTF-8. ``decode_argument`` is the place to accept another encoding.

Files sent with a form are in ``self.request.files``. A body in any other format is left as it came, JSON included; a
handler that wants JSON reads it in ``prepare``. Bodies are collected in memory before the handler runs, except for
handlers under ``stream_request_body``, which get the pieces one by one in ``data_received``.
"""

import json

from conformance import api, compat, doc, each, labelled, must, observed, rfc, seed
from conformance.tracing import Trace

#: A form with the field ``title`` and two files under ``scan``, one of them without a type.
FORM = (
    b'--=b=\r\nContent-Disposition: form-data; name="title"\r\n\r\nCaf\xc3\xa9\r\n'
    b'--=b=\r\nContent-Disposition: form-data; name="scan"; filename="one.bin"\r\nContent-Type: image/x-one\r\n\r\n'
    b"\x00\xff\r\n\r\n--=b\r\n"
    b'--=b=\r\nContent-Disposition: form-data; name="scan"; filename="two.txt"\r\n\r\n\r\n'
    b"--=b=--\r\n"
)
#: What a request for /a%20b/c?q=1&r=%26 has in its attributes.
ATTRIBUTES = {
    "method": "POST",
    "uri": "/a%20b/c?q=1&r=%26",
    "path": "/a%20b/c",
    "query": "q=1&r=%26",
    "version": "HTTP/1.1",
    "remote_ip": "127.0.0.1",
    "protocol": "http",
    "host": "shop.example:8080",
    "host_name": "shop.example",
}
MULTIPART = {"Content-Type": "multipart/form-data; boundary==b="}


def answering(read):
    """Return a handler that answers every method with ``read(handler)`` as JSON."""

    class Answer(api.web.RequestHandler):
        def answer(self):
            self.write({"read": read(self)})

        get = post = put = answer

    return Answer


async def read_by(serve, read, method="GET", path="/", **request):
    """Return what ``read(handler)`` gave for one request."""
    reply = await (await serve([("/.*", answering(read))])).fetch(method, path, **request)
    assert reply.code == 200, reply
    return reply.json()["read"]


# -- form values ------------------------------------------------------------------------------------------------------


@must(
    "web.arguments.query",
    "get_argument gives a query value as text, percent-decoded as UTF-8, with + for a space.",
    doc("web.RequestHandler.get_argument"),
    seed("SEED-011"),
)
@each(query=[labelled("plain", "q=pants"), labelled("encoded", "x=1&q=%70%61nts"), labelled("last", "a=b&q=pants")])
async def test_query_argument(serve, query):
    assert await read_by(serve, lambda self: self.get_argument("q"), path=f"/?{query}") == "pants"
    assert await read_by(serve, lambda self: self.get_argument("q"), path="/?q=caf%C3%A9+%26+t%2Be") == "café & t+e"


@must(
    "web.arguments.missing-400",
    "A missing argument without a default is answered with 400 by each of the three methods.",
    doc("web.RequestHandler.get_argument"),
    seed("SEED-011"),
    seed("SEED-068"),
)
@each(method=["get_argument", "get_query_argument", "get_body_argument"])
async def test_missing_argument(serve, method):
    server = await serve([("/", answering(lambda self: getattr(self, method)("absent")))])
    reply = await server.post("/?present=1", {"here": "2"})
    assert (reply.code, "read" in reply.text) == (400, False)


@must(
    "web.arguments.default",
    "A missing argument with a default gives the default, None included; a present one does not.",
    doc("web.RequestHandler.get_argument"),
)
@each(method=["get_argument", "get_query_argument", "get_body_argument"])
async def test_default(serve, method):
    def read(self):
        get = getattr(self, method)
        return [get("absent", None), get("absent", " as is "), get("absent", default="x"), get("here", "default")]

    body = {"here": "2"}
    assert await read_by(serve, read, "POST", "/?here=2", body=body) == [None, " as is ", "x", "2"]


@must(
    "web.arguments.last",
    "When an argument was sent several times, the singular methods give the last value.",
    doc("web.RequestHandler.get_argument"),
)
async def test_last_value(serve):
    def read(self):
        return [self.get_query_argument("a"), self.get_body_argument("a")]

    body = [("a", "3"), ("b", "x"), ("a", "4")]
    assert await read_by(serve, read, "POST", "/?a=1&a=2&b=0", body=body) == ["2", "4"]


@must(
    "web.arguments.all",
    "The plural methods give all values of an argument in order, and an empty list for a missing one.",
    doc("web.RequestHandler.get_arguments"),
    seed("SEED-223"),
)
async def test_all_values(serve):
    def read(self):
        return [self.get_query_arguments("a"), self.get_body_arguments("a"), self.get_arguments("absent")]

    body = [("a", "3"), ("b", "x"), ("a", "4")]
    assert await read_by(serve, read, "POST", "/?a=1&a=2&b=0", body=body) == [["1", "2"], ["3", "4"], []]


@must(
    "web.arguments.query-or-body",
    "get_query_argument looks in the query alone, get_body_argument in the body alone, get_argument in both.",
    doc("web.RequestHandler.get_query_argument"),
    doc("web.RequestHandler.get_body_argument"),
    seed("SEED-069"),
    seed("SEED-221"),
)
async def test_query_or_body(serve):
    def read(self):
        methods = (self.get_query_argument, self.get_body_argument, self.get_argument)
        return [[get(name, "-") for name in ("q", "b")] for get in methods]

    expected = [["1", "-"], ["-", "2"], ["1", "2"]]
    assert await read_by(serve, read, "POST", "/?q=1", body={"b": "2"}) == expected


@compat(
    "web.arguments.query-before-body",
    "get_arguments lists the values of the query before those of the body, so get_argument prefers the body.",
    observed("web-handlers"),
)
async def test_query_before_body(serve):
    def read(self):
        return [self.get_arguments("a"), self.get_argument("a")]

    body = [("a", "3"), ("a", "4")]
    assert await read_by(serve, read, "POST", "/?a=1&a=2", body=body) == [["1", "2", "3", "4"], "4"]


@must(
    "web.arguments.strip",
    "White space at the ends of a value is stripped; strip=False keeps it.",
    doc("web.RequestHandler.get_argument"),
)
@each(method=["get_argument", "get_arguments", "get_query_argument", "get_body_argument", "get_body_arguments"])
async def test_strip(serve, method):
    def read(self):
        get = getattr(self, method)
        return [get("a"), get("a", strip=False)]

    stripped, kept = await read_by(serve, read, "POST", "/?a=+b%20c%09", body={"a": " b c\t"})
    if method.endswith("s"):
        stripped, kept = set(stripped), set(kept)
        assert (stripped, kept) == ({"b c"}, {" b c\t"})
    else:
        assert (stripped, kept) == ("b c", " b c\t")


@must(
    "web.arguments.undecodable-400",
    "A value that is not UTF-8 is answered with 400.",
    doc("web.RequestHandler.decode_argument"),
)
@each(where=["query", "body"])
async def test_undecodable_argument(serve, where):
    server = await serve([("/", answering(lambda self: self.get_argument("a")))])
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    reply = await server.get("/?a=%ff%fe") if where == "query" else await server.post("/", b"a=%ff%fe", form)
    assert reply.code == 400


@must(
    "web.arguments.decode-argument",
    "decode_argument may be overridden; it gets the bytes of a value and the name, for path arguments no name.",
    doc("web.RequestHandler.decode_argument"),
)
async def test_decode_argument(serve):
    class Latin(api.web.RequestHandler):
        def decode_argument(self, value, name=None):
            return f"{name}={value.decode('latin-1')}"

        def get(self, part):
            self.write({"part": part, "a": self.get_argument("a")})

    reply = await (await serve([("/(.*)", Latin)])).get("/%e9?a=%fc")
    assert reply.json() == {"part": "None=é", "a": "a=ü"}


@compat(
    "web.arguments.empty",
    "A name with an empty value counts as sent, with and without the equals sign.",
    observed("web-handlers"),
)
@each(query=["a=", "a", "a=&b=1"])
async def test_empty_value(serve, query):
    assert await read_by(serve, lambda self: self.get_argument("a"), path=f"/?{query}") == ""


@compat(
    "web.arguments.control-characters",
    "Control characters in a value, tab and line ends aside, are read as spaces.",
    observed("web-handlers"),
)
async def test_control_characters(serve):
    read = await read_by(serve, lambda self: self.get_argument("a"), path="/?a=x%00y%07z%0Aw%09v")
    assert read == "x y z\nw\tv"


@must(
    "web.arguments.raw",
    "request.arguments, query_arguments and body_arguments map names to lists of undecoded bytes.",
    doc("httputil.HTTPServerRequest.arguments"),
)
async def test_raw_arguments(serve):
    def read(self):
        request = self.request
        maps = (request.query_arguments, request.body_arguments, request.arguments)
        return [{name: repr(values) for name, values in sorted(each.items())} for each in maps]

    query, body = {"q": r"[b' \xff']"}, {"b": "[b'1', b'2']"}
    form = [("b", "1"), ("b", "2")]
    assert await read_by(serve, read, "POST", "/?q=+%ff", body=form) == [query, body, {**body, **query}]


@must(
    "web.arguments.form-page",
    "A form posted by a browser is read by get_body_argument; the handler may answer it as plain text.",
    doc("guide.structure"),
    seed("SEED-222"),
)
async def test_form_page(serve):
    class MyForm(api.web.RequestHandler):
        def get(self):
            self.write('<form action="/myform" method="POST"><input type="text" name="message"></form>')

        def post(self):
            self.set_header("Content-Type", "text/plain")
            self.write("You wrote " + self.get_body_argument("message"))

    server = await serve([("/myform", MyForm)])
    assert 'name="message"' in (await server.get("/myform")).text
    reply = await server.post("/myform", {"message": "grüße & <more>"})
    assert (reply.headers["Content-Type"], reply.text) == ("text/plain", "You wrote grüße & <more>")


# -- files and other bodies -------------------------------------------------------------------------------------------


@must(
    "web.files.multipart",
    "Files of a multipart form are in request.files: lists by field name, with filename, content_type and body.",
    doc("httputil.HTTPServerRequest.files"),
    seed("SEED-224"),
)
async def test_files(serve):
    def read(self):
        file = self.request.files["scan"][0]
        return [sorted(self.request.files), file["filename"], file["content_type"], file["body"].hex()]

    expected = [["scan"], "one.bin", "image/x-one", b"\x00\xff\r\n\r\n--=b".hex()]
    assert await read_by(serve, read, "POST", body=FORM, headers=MULTIPART) == expected


@must(
    "web.files.several",
    "Several files under one name come in the order of the form, empty ones included.",
    doc("httputil.HTTPServerRequest.files"),
    seed("SEED-224"),
)
async def test_several_files(serve):
    def read(self):
        return [[file["filename"], len(file["body"])] for file in self.request.files["scan"]]

    expected = [["one.bin", 10], ["two.txt", 0]]
    assert await read_by(serve, read, "POST", body=FORM, headers=MULTIPART) == expected


@must(
    "web.files.quoted-names",
    "In names, file names and the boundary, all quoted strings, a backslash stands for the character behind it.",
    rfc(9110, "5.6.4", "RFC9110-5.6.4-1", "RFC9110-5.6.4-i1"),
    rfc(9110, "5.6.6"),
)
@each(quoted=[('a"b', 'a\\"b'), ("a\\b", "a\\\\b"), ("a;b", "a;b"), ("a, b", "a, b")])
async def test_quoted_names(serve, quoted):
    def read(self):
        return [[name, [file["filename"] for file in files]] for name, files in self.request.files.items()]

    name, spelled = quoted
    part = f'Content-Disposition: form-data; filename="{spelled}"; name="{spelled}"'
    headers = {"Content-Type": 'multipart/form-data; boundary="=b: ="'}
    body = f"--=b: =\r\n{part}\r\n\r\nx\r\n--=b: =--\r\n".encode()
    assert await read_by(serve, read, "POST", body=body, headers=headers) == [[name, [name]]]


@must(
    "web.files.form-fields",
    "Fields of a multipart form that are no files are body arguments.",
    doc("web.RequestHandler.get_body_argument"),
    seed("SEED-221"),
)
async def test_multipart_fields(serve):
    def read(self):
        return [self.get_body_argument("title"), self.get_argument("title"), self.get_body_arguments("scan")]

    assert await read_by(serve, read, "POST", body=FORM, headers=MULTIPART) == ["Café", "Café", []]


@must(
    "web.files.raw-upload",
    "A body that is no form is in request.body alone: no files, no arguments.",
    doc("httputil.HTTPServerRequest.body"),
    seed("SEED-225"),
)
@each(content_type=["image/png", "application/json", "text/plain"])
async def test_raw_upload(serve, content_type):
    def read(self):
        return [self.request.body.decode(), sorted(self.request.files), sorted(self.request.arguments)]

    headers = {"Content-Type": content_type}
    assert await read_by(serve, read, "PUT", body=b'{"a": "1"}&a=1', headers=headers) == ['{"a": "1"}&a=1', [], []]


@must(
    "web.files.malformed-400",
    "A multipart body that is not well formed is answered with 400, and the handler's method is not called.",
    doc("httputil.parse_body_arguments"),
)
async def test_malformed_form(serve):
    called = []
    server = await serve([("/", answering(lambda self: called.append("post")))])
    reply = await server.post("/", b"no boundary anywhere", MULTIPART)
    assert (reply.code, called) == (400, [])


@must(
    "web.json.by-prepare",
    "JSON bodies are read by an application's own prepare, which finds Content-Type and body there.",
    doc("guide.structure"),
    seed("SEED-228"),
    seed("SEED-229"),
)
async def test_json_by_prepare(serve):
    class Page(api.web.RequestHandler):
        def prepare(self):
            self.json_args = None
            if self.request.headers.get("Content-Type", "").startswith("application/json"):
                self.json_args = json.loads(self.request.body)

        def post(self):
            self.write({"json": self.json_args, "form": self.get_body_argument("a", "none")})

    server = await serve([("/", Page)])
    headers = {"content-type": "application/json; charset=utf-8"}
    assert (await server.post("/", '{"a": ["é"]}', headers)).json() == {"json": {"a": ["é"]}, "form": "none"}
    assert (await server.post("/", {"a": "1"})).json() == {"json": None, "form": "1"}


# -- the request itself -----------------------------------------------------------------------------------------------


@must(
    "web.request.attributes",
    "The request has method, uri, path, query, version, body, remote_ip, protocol and host.",
    doc("httputil.HTTPServerRequest"),
    seed("SEED-219"),
    seed("SEED-220"),
)
@each(attribute=list(ATTRIBUTES))
async def test_request_attributes(serve, attribute):
    request = {"body": b"x", "headers": {"Host": "shop.example:8080"}}
    got = await read_by(serve, lambda self: getattr(self.request, attribute), "POST", "/a%20b/c?q=1&r=%26", **request)
    assert got == ATTRIBUTES[attribute]


@must(
    "web.request.full-url",
    "full_url() joins protocol, host and target.",
    doc("httputil.HTTPServerRequest.full_url"),
)
async def test_full_url(serve):
    headers = {"Host": "shop.example"}
    got = await read_by(serve, lambda self: self.request.full_url(), path="/a%20b?q=1", headers=headers)
    assert got == "http://shop.example/a%20b?q=1"


@must(
    "web.request.headers",
    "The request's header fields are found whatever their case; lines of one name are joined or listed.",
    doc("httputil.HTTPHeaders"),
    seed("SEED-220"),
)
async def test_request_headers(serve):
    def read(self):
        headers = self.request.headers
        return [headers["x-colour"], headers.get("X-COLOUR"), headers.get_list("X-Colour"), headers.get("X-None", "-")]

    got = await read_by(serve, read, headers=[("X-Colour", "red"), ("x-coLOUR", "blue")])
    assert got == ["red,blue", "red,blue", ["red", "blue"], "-"]


@must(
    "web.request.time",
    "request_time() is the time the request has taken, in seconds, and does not go backwards.",
    doc("httputil.HTTPServerRequest.request_time"),
)
async def test_request_time(serve):
    def read(self):
        first = self.request.request_time()
        return [first, self.request.request_time()]

    first, second = await read_by(serve, read)
    assert 0 <= first <= second < 3


# -- bodies that come in pieces ---------------------------------------------------------------------------------------


def receiver(trace):
    """Return a streaming handler that notes in ``trace`` what it gets."""

    class Receiver(api.web.RequestHandler):
        def prepare(self):
            trace.add("prepare")

        def data_received(self, chunk):
            trace.add(bytes(chunk))

        def put(self):
            trace.add("put")
            self.write({"body": repr(self.request.body), "args": sorted(self.request.arguments)})

    return api.web.stream_request_body(Receiver)


@must(
    "web.streaming.pieces",
    "Under stream_request_body, data_received gets the body while it arrives, after prepare and before the method.",
    doc("web.stream_request_body"),
    seed("SEED-226"),
)
async def test_streamed_body(serve):
    trace = Trace()
    async with (await serve([("/", receiver(trace))])).connection() as connection:
        connection.send("PUT", "/", headers={"Content-Length": "6"})
        assert await trace.first(1) == ["prepare"]
        connection.send_bytes(b"one")
        assert await trace.first(2) == ["prepare", b"one"]
        connection.send_bytes(b"two")
        await connection.reply()
    assert trace == ["prepare", b"one", b"two", "put"]


@must(
    "web.streaming.no-arguments",
    "Under stream_request_body the body is not kept: request.body is empty and a form in it is not parsed.",
    doc("web.stream_request_body"),
)
async def test_streamed_body_is_not_kept(serve):
    trace = Trace()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    server = await serve([("/", receiver(trace))])
    reply = await server.fetch("PUT", "/", body=b"a=1", headers=form)
    assert reply.json() == {"body": "b''", "args": []}
    assert b"".join(part for part in trace if isinstance(part, bytes)) == b"a=1"


@must(
    "web.streaming.prepare-refuses",
    "A streaming handler may refuse a body in prepare, before it arrives; neither pieces nor method follow.",
    doc("web.stream_request_body"),
    seed("SEED-232"),
)
async def test_prepare_refuses_a_streamed_body(serve):
    trace = Trace()

    class Picky(receiver(trace)):
        def prepare(self):
            self.send_error(413)

    async with (await serve([("/", Picky)])).connection() as connection:
        connection.send("PUT", "/", headers={"Content-Length": "6"})
        assert (await connection.head()).code == 413
    assert trace == []


@must(
    "web.streaming.buffered-by-default",
    "Without the decorator the whole body is in memory before prepare runs.",
    doc("web.stream_request_body"),
    seed("SEED-226"),
)
async def test_buffered_by_default(serve):
    class Page(api.web.RequestHandler):
        def prepare(self):
            self.finish({"length": len(self.request.body), "argument": self.get_body_argument("a")})

    async with (await serve([("/", Page)])).connection() as connection:
        form = "application/x-www-form-urlencoded"
        connection.send("POST", "/", headers={"Content-Length": "5", "Content-Type": form})
        connection.send_bytes(b"a=")
        connection.send_bytes(b"bcd")
        assert (await connection.reply()).json() == {"length": 5, "argument": "bcd"}
