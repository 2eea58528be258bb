"""What clients get wrong

A request may be wrong in a hundred ways: escapes that are none, octets that are no text, forms that end too early,
ranges that are backwards. All of it is the client's mistake: the answer is 400, 413 or 416, or what is wrong is ignored
where the rules say so, but it is never 500, and where it is refused the log says why.
"""

from conformance import api, doc, each, labelled, must, rfc
from conformance.client import CutShort
from conformance.tracing import Trace

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"


def reader():
    """Return a handler that reads whatever a request has."""

    class Reader(api.web.RequestHandler):
        def get(self, path=""):
            self.get_arguments("a")
            self.get_query_argument("a", None)
            self.get_cookie("a")
            self.get_signed_cookie("a")
            self.get_browser_locale()
            self.write(path or "read")

        post = get

    return Reader


async def code_of(serve, target="/", body=None, fields=()):
    """Return the status of the answer to a request."""
    server = await serve([("/(.*)", reader())], cookie_secret="a secret that is long enough to be one")
    try:
        return (await server.fetch("POST" if body is not None else "GET", target, body=body, headers=fields)).code
    except CutShort as cut:
        return cut.reply.code if cut.reply else 400


TARGETS = {
    "escape-cut": ("/%", 200),
    "escape-not-hex": ("/%zz%4", 200),
    "escape-no-text": ("/%ff", 400),
    "escape-overlong": ("/%c0%af", 400),
    "escape-surrogate": ("/%ed%a0%80", 400),
    "query-escape-cut": ("/?a=%", 200),
    "query-escape-no-text": ("/?a=%ff", 400),
    "query-overlong": ("/?a=%c0%80", 400),
    "query-only-signs": ("/?&&=&==&a", 200),
    "query-name-no-text": ("/?%ff=1", 200),
    "query-nul": ("/?a=%00", 200),
    "query-many": ("/?" + "a=1&" * 1500, 400),
    "query-many-names": ("/?" + "&".join(f"{number:x}" for number in range(1500)), 400),
}


@must(
    "web.bad-input.target",
    "A path or query with broken escapes is read as it is; octets that are no text, and too many arguments, get 400.",
    rfc(3986, "2.1"),
    doc("web.RequestHandler.decode_argument"),
)
@each(name=list(TARGETS))
async def test_target(serve, logs, name):
    target, code = TARGETS[name]
    assert await code_of(serve, target) == code
    if code == 400:
        assert (await logs.first("tornado.general")).getMessage()


BODIES = {
    "form-no-text": (FORM, b"a=%ff", 400),
    "form-raw-octets": (FORM, b"a=\xff\xfe", 400),
    "form-escape-cut": (FORM, b"a=%4&b=%", 200),
    "form-many": (FORM, b"a=1&" * 5000, 400),
    "form-charset": (FORM + "; charset=utf-7", b"a=1", 200),
    "form-charset-unknown": (FORM + "; charset=\\xff\\x00", b"a=1", 200),
    "multipart-empty": (MULTIPART, b" ", 400),
    "multipart-no-end": (MULTIPART, b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n', 400),
    "multipart-no-head": (MULTIPART, b"--b\r\n1\r\n--b--", 400),
    "multipart-large-head": (MULTIPART, b"--b\r\nX: " + b"1" * 50_000 + b"\r\n\r\n1\r\n--b--", 400),
    "multipart-many": (
        MULTIPART,
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 500 + b"--b--",
        400,
    ),
    "multipart-only-delimiters": (MULTIPART, b"--b\r\n" * 5000 + b"--b--", 400),
    "multipart-value-no-text": (
        MULTIPART,
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--b--',
        400,
    ),
    "multipart-long-boundary": ("multipart/form-data; boundary=" + "b" * 5000, b"--b--", 400),
    "no-type": ("", b"a=1", 200),
    "type-is-noise": (";;;=,", b"a=1", 200),
}


@must(
    "web.bad-input.body",
    "A form that cannot be read gets 400; a body of any other type is nobody's mistake.",
    rfc(9110, "15.5.1"),
    doc("web.RequestHandler.get_body_argument"),
)
@each(name=list(BODIES))
async def test_body(serve, logs, name):
    kind, body, code = BODIES[name]
    assert await code_of(serve, "/", body, [("Content-Type", kind)]) == code
    if code == 400:
        assert (await logs.first("tornado.general")).getMessage()


FIELDS = {
    "cookie-noise": ("Cookie", '=;;a"b;\\\\ \\";=;a=1=2;"'),
    "cookie-quotes": ("Cookie", 'a="' + "\\" * 500),
    "cookie-many": ("Cookie", "; ".join(f"c{number}=1" for number in range(2000))),
    "cookie-octets": ("Cookie", "a=\xff\xfe"),
    "cookie-signed": ("Cookie", "a=2|9999999999:|x|"),
    "cookie-signed-digits": ("Cookie", "a=2|1:\xb2|1:1|1:a|1:1|" + "0" * 64),
    "languages": ("Accept-Language", ";q=;,,q=9,en;q=x,*;q=-1," * 50),
    "tags": ("If-None-Match", '"' * 300 + ",W/,W/x,*"),
    "date": ("If-Modified-Since", "Mon, 99 Foo 99999 99:99:99 GMT"),
    "encodings": ("Accept-Encoding", "gzip;q=9;q=,;;gzip;q=0.0.0"),
    "origin": ("Origin", "://[::::]"),
}


@must(
    "web.bad-input.field",
    "Cookies and other fields that cannot be read are taken for absent.",
    rfc(6265, "5.2"),
    doc("web.RequestHandler.get_cookie"),
)
@each(name=list(FIELDS))
async def test_field(serve, name):
    assert await code_of(serve, "/", fields=[FIELDS[name]]) == 200


@must(
    "web.bad-input.range",
    "A range that cannot be read is ignored, one that cannot be had gets 416; neither is an error of the server.",
    rfc(9110, "14.2"),
    rfc(9110, "15.5.17"),
    doc("web.StaticFileHandler"),
)
@each(
    row=[
        labelled("noise", ("bytes=a-b", 200)),
        labelled("huge", ("bytes=" + "9" * 400 + "-", 416)),
        labelled("not-decimal", ("bytes=\xb2-", 200)),
        labelled("many", ("bytes=" + "0-1," * 1000 + "0-1", 200)),
        labelled("unit", ("lines=0-1", 200)),
        labelled("behind", ("bytes=10-", 416)),
    ]
)
async def test_range(serve, tmp_path, row):
    (tmp_path / "a.txt").write_text("0123456789")
    server = await serve([], static_path=str(tmp_path))
    field, code = row
    assert (await server.get("/static/a.txt", headers={"Range": field})).code == code


@must(
    "web.bad-input.slow-body",
    "set_body_timeout in prepare limits how long this one body may take: who takes longer gets 408, or nothing.",
    rfc(9110, "15.5.9"),
    doc("web.stream_request_body"),
)
async def test_slow_body(serve):
    trace = Trace()

    class Slow(api.web.RequestHandler):
        def prepare(self):
            self.request.connection.set_body_timeout(0.005)

        def data_received(self, chunk):
            pass

        def post(self):
            trace.add("post")

    server = await serve([("/", api.web.stream_request_body(Slow))])
    async with server.connection() as connection:
        connection.send("POST", "/", headers=[("Content-Length", "5")])
        connection.send_bytes(b"a")
        answer = await connection.receive("the end of the connection")
    assert (answer[:13] in (b"", b"HTTP/1.1 408 "), trace) == (True, [])
