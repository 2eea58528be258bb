"""Answers in brotli and zstd

With ``compress_response`` set to a list of codings, such as ``["zstd", "br", "gzip"]``, an answer is compressed in the
one of them that the client likes best, by the weights of its ``Accept-Encoding``; among equals the first of the list.
For everything else the rules of compressed answers hold.

Tornado knows gzip alone. An implementation that has no other declares ``additions`` as unsupported.
"""

import zlib

import brotli
import zstandard

from conformance import api, doc, each, labelled, must, rfc
from conformance.tracing import raised

ADDITIONS = ("additions",)
TEXT = b"All work and no play makes Jack a dull boy. " * 50
ALL = ["zstd", "br", "gzip"]
DECODERS = {
    "br": brotli.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
    "gzip": lambda data: zlib.decompress(data, 31),
}


async def answer(serve, accept, codings=ALL, pieces=(TEXT,), kind="text/plain"):
    """Return the answer to a client with this Accept-Encoding."""

    class Page(api.web.RequestHandler):
        async def get(self):
            self.set_header("Content-Type", kind)
            for piece in pieces[:-1]:
                self.write(piece)
                await self.flush()
            self.write(pieces[-1])

    return await (await serve([("/", Page)], compress_response=codings)).get("/", headers={"Accept-Encoding": accept})


def decoded(reply):
    """Return the coding of an answer, and its content."""
    coding = reply.headers.get("Content-Encoding")
    return coding, DECODERS[coding](reply.body) if coding else reply.body


class Seen:
    """A transform that changes nothing and keeps what is sent."""

    def __init__(self, request):
        request.sent = self.sent = []

    def transform_first_chunk(self, status_code, headers, chunk, finishing):
        """Keep the first piece."""
        return status_code, headers, self.transform_chunk(chunk, finishing)

    def transform_chunk(self, chunk, finishing):
        """Keep a piece."""
        self.sent.append(chunk)
        return chunk


def reader(coding):
    """Return a function that decodes piece after piece."""
    return brotli.Decompressor().process if coding == "br" else zstandard.ZstdDecompressor().decompressobj().decompress


@must(
    "web.codings.each",
    "An answer is compressed in the coding that the client accepts, and has the new length.",
    rfc(9110, "8.4"),
    needs=ADDITIONS,
)
@each(coding=ALL)
async def test_each(serve, coding):
    reply = await answer(serve, coding)
    assert decoded(reply) == (coding, TEXT)
    assert int(reply.headers["Content-Length"]) == len(reply.body) < len(TEXT)
    assert reply.headers["Vary"] == "Accept-Encoding"
    assert reply.headers["Etag"].startswith("W/")


@must(
    "web.codings.chosen",
    "The client's weights choose, among equals the server's order; what the client refuses is not chosen.",
    rfc(9110, "12.5.3"),
    needs=ADDITIONS,
)
@each(
    row=[
        labelled("equal", ("gzip, br, zstd", "zstd")),
        labelled("some", ("gzip, br", "br")),
        labelled("weights", ("zstd;q=0.2, br;q=0.4, gzip;q=0.9", "gzip")),
        labelled("refused", ("zstd;q=0, br;q=0.0, gzip", "gzip")),
        labelled("any", ("*", "zstd")),
        labelled("any-other", ("zstd;q=0.1, *;q=0.5", "br")),
        labelled("rather-none", ("br;q=0.5, identity", None)),
        labelled("none-or-coded", ("br, identity", "br")),
        labelled("unknown", ("deflate, compress", None)),
        labelled("nothing", ("", None)),
        labelled("capitals", ("BR", "br")),
    ]
)
async def test_chosen(serve, row):
    accept, coding = row
    assert decoded(await answer(serve, accept)) == (coding, TEXT)


@must(
    "web.codings.order",
    "The list says which codings there are, and which the server prefers; a single one may be text.",
    doc("web.Application.settings"),
    needs=ADDITIONS,
)
@each(
    row=[
        labelled("gzip-first", (["gzip", "br"], "gzip")),
        labelled("brotli-alone", (["br"], "br")),
        labelled("text", ("zstd", "zstd")),
        labelled("true", (True, "gzip")),
    ]
)
async def test_order(serve, row):
    codings, coding = row
    assert decoded(await answer(serve, "gzip, br, zstd", codings)) == (coding, TEXT)


@must(
    "web.codings.pieces",
    "Each piece that was flushed can be decoded when it is there, and all of them together.",
    doc("web.RequestHandler.flush"),
    needs=ADDITIONS,
)
@each(coding=["br", "zstd"])
async def test_pieces(serve, coding):
    reply = await answer(serve, coding, pieces=(b"one ", b"", b"two ", b"three"))
    assert decoded(reply) == (coding, b"one two three")
    assert "Content-Length" not in reply.headers


@must(
    "web.codings.piece-at-once",
    "What the client has got after a flush is enough to read what was written until then.",
    doc("web.RequestHandler.flush"),
    needs=ADDITIONS,
)
@each(coding=["br", "zstd"])
async def test_piece_at_once(serve, coding):
    class Page(api.web.RequestHandler):
        async def get(self):
            for piece in ("one", "two"):
                self.write(piece)
                await self.flush()
            kept.extend(self.request.sent)

    kept = []
    application = api.web.Application([("/", Page)], compress_response=ALL)
    application.add_transform(Seen)
    await (await serve(application)).get("/", headers={"Accept-Encoding": coding})
    read = reader(coding)
    assert [read(piece) for piece in kept] == [b"one", b"two"]


@must(
    "web.codings.worth-it",
    "What gains nothing stays as it is, in every coding: images, and what is short.",
    doc("web.GZipContentEncoding"),
    needs=ADDITIONS,
)
@each(row=[("image/png", TEXT), ("text/plain", b"short")])
async def test_worth_it(serve, row):
    kind, content = row
    assert decoded(await answer(serve, "br, zstd", pieces=(content,), kind=kind)) == (None, content)


@must(
    "web.codings.unknown",
    "A coding that there is not is refused when the application is made.",
    doc("web.Application.settings"),
    needs=ADDITIONS,
)
def test_unknown():
    assert raised(ValueError, lambda: api.web.Application([], compress_response=["gzip", "deflate64"]))
