"""Forms with files

A form with files comes as ``multipart/form-data``: a part for each field and each file, between delimiters that the
Content-Type names. Fields become body arguments, files objects in ``request.files`` with ``filename``, ``content_type``
and ``body``.

What is in a form comes from the client. A form that is malformed, or has too many parts or arguments, is answered with
400 before the handler's method is called, and the log names the cause; none costs more time than its length.
"""

from conformance import api, doc, each, labelled, must, rfc, should
from conformance.tracing import Trace

HEADERS = {"Content-Type": "multipart/form-data; boundary=X"}


def part(disposition, content=b"", fields=b"", boundary=b"X"):
    """Return a part with its delimiter."""
    return (
        b"--" + boundary + b"\r\nContent-Disposition: " + disposition + b"\r\n" + fields + b"\r\n" + content + b"\r\n"
    )


async def sent(serve, *parts, headers=HEADERS, end=b"--X--\r\n", trace=None):
    """Return the answer to a form: its arguments and files."""

    class Form(api.web.RequestHandler):
        def post(self):
            if trace is not None:
                trace.add("post")
            files = self.request.files
            self.write(
                {
                    "arguments": {name: self.get_body_arguments(name) for name in self.request.body_arguments},
                    "files": {
                        name: [[f.filename, f.content_type, f.body.decode("latin-1")] for f in files[name]]
                        for name in files
                    },
                }
            )

    return await (await serve([("/", Form)])).post("/", body=b"".join(parts) + end, headers=headers)


@must(
    "web.form.fields",
    "Parts of the same name are kept apart, in their order.",
    rfc(7578, "5.2", "RFC7578-5.2-3"),
    rfc(7578, "4.1", "RFC7578-4.1-i1"),
)
async def test_same_name(serve):
    names = [part(b'form-data; name="a"', value) for value in (b"1", b"2", b"", b"3")]
    files = [part(b'form-data; name="f"; filename="%s"' % name, name) for name in (b"x", b"y")]
    found = (await sent(serve, *names, *files)).json()
    assert found["arguments"] == {"a": ["1", "2", "", "3"]}
    assert [file[0] for file in found["files"]["f"]] == ["x", "y"]


@should(
    "web.form.older-files",
    "Several files of one field may also come in a part of their own, as older clients send them.",
    rfc(7578, "4.3", "RFC7578-4.3-2"),
)
async def test_older_files(serve):
    inner = [
        part(b'file; filename="1.txt"', b"one", b"Content-Type: text/plain\r\n", b"Y"),
        part(b'file; filename="2.gif"', b"two", b"Content-Type: image/gif\r\n", b"Y"),
    ]
    outer = part(b'form-data; name="f"', b"".join(inner) + b"--Y--", b"Content-Type: multipart/mixed; boundary=Y\r\n")
    found = (await sent(serve, outer)).json()["files"]
    assert found == {"f": [["1.txt", "text/plain", "one"], ["2.gif", "image/gif", "two"]]}


@must(
    "web.form.part-fields",
    "Fields of a part other than disposition and type are ignored; text may say its charset.",
    rfc(7578, "4.8", "RFC7578-4.8-1"),
    rfc(7578, "4.4", "RFC7578-4.4-1"),
    rfc(7578, "4.5", "RFC7578-4.5-1"),
)
@each(
    fields=[
        b"X-Own: 1\r\n",
        b"Content-Length: 99\r\n",
        b"Content-Transfer-Encoding: 8bit\r\n",
        b"Content-Type: text/plain; charset=UTF-8\r\n",
    ]
)
async def test_part_fields(serve, fields):
    found = (await sent(serve, part(b'form-data; name="a"', b"v\xc3\xa4lue", fields))).json()
    assert found == {"arguments": {"a": ["v\u00e4lue"]}, "files": {}}


@must(
    "web.form.names",
    "Names may be text in UTF-8, as it is.",
    rfc(7578, "5.1.2", "RFC7578-5.1.2-1"),
)
async def test_names(serve):
    found = (await sent(serve, part('form-data; name="\u00e4"; filename="\u4e16.txt"'.encode(), b"x"))).json()
    assert [file[0] for file in found["files"]["\u00e4"]] == ["\u4e16.txt"]


@must(
    "web.form.binary",
    "The content of a file is kept octet for octet, line ends and delimiters that are none included.",
    rfc(7578, "4.1"),
)
async def test_binary(serve):
    content = bytes(range(256)) + b"\r\n\r\n--\r\n-X--\r\n--Y\r\n\n--X\r \r"
    found = (await sent(serve, part(b'form-data; name="f"; filename="f"', content))).json()
    assert found["files"]["f"][0][2].encode("latin-1") == content


MALFORMED = [
    labelled("no-end", (part(b'form-data; name="a"', b"1"), b"")),
    labelled("no-name", (part(b"form-data"), b"--X--\r\n")),
    labelled("other-disposition", (part(b'attachment; name="a"'), b"--X--\r\n")),
    labelled("no-head", (b"--X\r\nvalue\r\n", b"--X--\r\n")),
    labelled("bad-charset", (part(b'form-data; name="\xff"'), b"--X--\r\n")),
    labelled("many-parts", (part(b'form-data; name="a"') * 2000, b"--X--\r\n")),
    labelled("large-head", (part(b'form-data; name="a"', b"", b"X: " + b"x" * 100000 + b"\r\n"), b"--X--\r\n")),
]


@must(
    "web.form.malformed",
    "A form that is malformed, or has too many parts or too large a head, gets 400; the log says why.",
    doc("httputil.parse_multipart_form_data"),
)
@each(row=MALFORMED)
async def test_malformed_form(serve, logs, row):
    parts, end = row
    trace = Trace()
    reply = await sent(serve, parts, end=end, trace=trace)
    assert (reply.code, list(trace)) == (400, [])
    assert any(record.levelname == "WARNING" for record in logs.of("tornado.general"))


@must(
    "web.form.no-boundary",
    "A multipart form whose type names no boundary gets 400.",
    rfc(7578, "4.1"),
)
async def test_no_boundary(serve):
    reply = await sent(serve, part(b'form-data; name="a"'), headers={"Content-Type": "multipart/form-data"})
    assert reply.code == 400


@must(
    "web.form.many-arguments",
    "A form or query of very many arguments gets 400; so many in one name do, too.",
    doc("httputil.ParseUrlEncodedConfig"),
)
@each(where=["query", "body"])
async def test_many_arguments(serve, where):
    class Form(api.web.RequestHandler):
        def get(self):
            self.write("done")

        post = get

    pairs = "&".join(f"a{number % 7}=" for number in range(1100))
    server = await serve([("/", Form)])
    reply = await (server.get("/?" + pairs) if where == "query" else server.post("/", body=dict_of(pairs)))
    assert reply.code == 400


def dict_of(pairs):
    """Return the pairs of a query, to be sent as a form."""
    return [tuple(pair.split("=")) for pair in pairs.split("&")]
