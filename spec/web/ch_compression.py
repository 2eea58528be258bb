"""Compressed answers

With the setting ``compress_response`` (once called ``gzip``) answers are compressed for clients that accept it: text,
and the other types worth it, from 1024 octets on when they are complete at once, and whatever is sent in pieces.
Whether one was compressed or not, ``Vary`` tells caches that this depends on what the client accepts.

Other transforms may be added: subclasses of ``OutputTransform`` see the answer on its way out.
"""

import zlib

from conformance import api, doc, each, labelled, must, rfc, should

TEXT = b"All work and no play makes Jack a dull boy. " * 50


async def answer(serve, accept="gzip", content=TEXT, fields=(), status=200, pieces=(), method="GET", **settings):
    """Return the answer to a client with this Accept-Encoding."""

    class Page(api.web.RequestHandler):
        async def get(self):
            self.set_status(status)
            for name, value in dict(fields).items():
                self.set_header(name, value)
            self.write(content)
            for piece in pieces:
                await self.flush()
                self.write(piece)

        head = get

    server = await serve([("/", Page)], **(settings or {"compress_response": True}))
    return await server.fetch(method, "/", headers=[("Accept-Encoding", accept)] if accept is not None else [])


def content(reply):
    """Return whether the content of an answer was compressed, and what it is."""
    if "Content-Encoding" not in reply.headers:
        return False, reply.body
    assert reply.headers["Content-Encoding"] == "gzip"
    return True, zlib.decompress(reply.body, 31)


@must(
    "web.compress.on",
    "With compress_response, or gzip, an answer is compressed for a client that accepts it, and has the new length.",
    doc("web.Application.settings"),
    rfc(9110, "8.4.1.3"),
)
@each(setting=["compress_response", "gzip"])
async def test_compressed(serve, setting):
    reply = await answer(serve, **{setting: True})
    assert content(reply) == (True, TEXT)
    assert reply.headers["Content-Length"] == str(len(reply.body))


@must(
    "web.compress.off",
    "Without the setting nothing is compressed.",
    doc("web.Application.settings"),
)
async def test_off(serve):
    assert content(await answer(serve, compress_response=False)) == (False, TEXT)


@must(
    "web.compress.accepted",
    "Whether gzip is accepted is decided by name, in any case, and weight.",
    rfc(9110, "12.5.3"),
)
@each(
    row=[
        labelled("nothing", (None, False)),
        labelled("empty", ("", False)),
        labelled("others", ("deflate, br", False)),
        labelled("among-others", ("br, gzip;q=0.5", True)),
        labelled("refused", ("gzip;q=0", False)),
        labelled("refused-exactly", ("gzip;q=0.000", False)),
        labelled("capitals", ("GZIP", True)),
        labelled("part-of-a-name", ("gzipped", False)),
        labelled("refused-among-all", ("*, gzip;q=0", False)),
    ]
)
async def test_accepted(serve, row):
    accept, compressed = row
    assert content(await answer(serve, accept)) == (compressed, TEXT)


@must(
    "web.compress.types",
    "Text is compressed, JSON, XML and JavaScript; images are not.",
    doc("web.GZipContentEncoding"),
)
@each(
    row=[
        ("text/plain", True),
        ("text/x-any; charset=utf-8", True),
        ("application/json", True),
        ("application/xml", True),
        ("application/javascript", True),
        ("image/svg+xml", True),
        ("image/png", False),
        ("application/zip", False),
    ]
)
async def test_types(serve, row):
    kind, compressed = row
    assert content(await answer(serve, fields={"Content-Type": kind})) == (compressed, TEXT)


@must(
    "web.compress.small",
    "Less than 1024 octets are not compressed.",
    doc("web.GZipContentEncoding"),
)
@each(row=[(1023, False), (1024, True)])
async def test_small(serve, row):
    size, compressed = row
    assert content(await answer(serve, content=b"x" * size)) == (compressed, b"x" * size)


@must(
    "web.compress.pieces",
    "What is sent in pieces is compressed as a whole, and each piece can be read when it is there.",
    doc("web.GZipContentEncoding"),
)
async def test_pieces(serve):
    reply = await answer(serve, content=b"one ", pieces=[b"two ", b"three"])
    assert content(reply) == (True, b"one two three")
    assert "Content-Length" not in reply.headers


@must(
    "web.compress.vary",
    "Vary names Accept-Encoding whether the answer was compressed or not, beside what it named before.",
    rfc(9110, "12.5.5"),
)
@each(accept=["gzip", None])
@each(before=["", "Cookie"])
async def test_vary(serve, accept, before):
    reply = await answer(serve, accept, fields={"Vary": before} if before else {})
    names = {name.strip().lower() for name in reply.headers["Vary"].split(",")}
    assert names == {"accept-encoding"} | ({before.lower()} if before else set())


@must(
    "web.compress.coded-already",
    "What is coded already stays as it is, and so does a part of something.",
    rfc(9110, "8.4"),
    rfc(9110, "14"),
)
@each(
    row=[
        labelled("coded", ({"Content-Encoding": "x-own"}, 200)),
        labelled("part", ({"Content-Range": "bytes 0-2199/9999"}, 206)),
    ]
)
async def test_coded_already(serve, row):
    fields, status = row
    reply = await answer(serve, fields=fields, status=status)
    assert (reply.headers.get("Content-Encoding"), reply.body) == (fields.get("Content-Encoding"), TEXT)


@should(
    "web.compress.tag",
    "A compressed answer has no strong entity tag that the uncompressed one has, too.",
    rfc(9110, "8.8.3.3"),
)
async def test_tag(serve):
    plain = await answer(serve, None)
    coded = await answer(serve)
    assert content(coded)[0]
    assert coded.headers.get("Etag") != plain.headers["Etag"]


@must(
    "web.compress.error",
    "Error pages are compressed as other answers are.",
    doc("web.Application.settings"),
)
async def test_error_page(serve):
    reply = await answer(serve, status=404)
    assert (reply.code, content(reply)) == (404, (True, TEXT))


class Shouting:
    """Turns content into capitals, and says so."""

    def __init__(self, request):
        self.request = request

    def transform_first_chunk(self, status_code, headers, chunk, finishing):
        """Change status, fields and the first piece."""
        headers["X-Path"] = self.request.path
        return status_code + 1, headers, self.transform_chunk(chunk, finishing)

    def transform_chunk(self, chunk, finishing):
        """Change a piece."""
        return chunk.upper()


@must(
    "web.transform.changes",
    "A transform sees status, fields and every piece of an answer, and what it returns is sent.",
    doc("web.OutputTransform"),
)
@each(way=["constructor", "add_transform"])
async def test_transform(serve, way):
    class Page(api.web.RequestHandler):
        async def get(self):
            self.write("one ")
            await self.flush()
            self.write("two")

    application = api.web.Application([("/", Page)], transforms=[Shouting] if way == "constructor" else None)
    if way == "add_transform":
        application.add_transform(Shouting)
    reply = await (await serve(application)).get("/")
    assert (reply.code, reply.text, reply.headers["X-Path"]) == (201, "ONE TWO", "/")
