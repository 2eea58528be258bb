"""Servers that get the length of a body wrong, or carry out what they did not receive."""

from __future__ import annotations

import re

from conformance.saboteurs import Tamper
from conformance.saboteurs.rewriting import Lies

_lies = Lies("http.bodies")

_lies.reads(
    "length-off-by-one",
    "A large Content-Length is read as one less.",
    rb"Content-Length: (\d\d+)\r",
    lambda found: b"Content-Length: %d\r" % (int(found[1][:9]) - 1),
    "http1.content-length.exact",
)

_lies.reads(
    "post-needs-a-body",
    "A POST or PUT without a length is taken to have one byte.",
    rb"\A(P[A-Z]+ \S+ HTTP/1\.1\r\nHost: [^\r]*\r\n)(?=\r\n)",
    rb"\1Content-Length: 1\r\n",
    "http1.content-length.none",
)

_lies.reads(
    "get-has-no-body",
    "The body of GET, DELETE and OPTIONS is not looked for.",
    rb"\A((?:GET|DELETE|OPTIONS) [^\r]*\r\nHost: [^\r]*\r\n)Content-Length: \d+\r\n",
    rb"\1",
    "http1.content-length.any-method",
)

_lies.reads(
    "unread-body-left",
    "A body that no handler reads stays on the connection.",
    rb"\A(POST /(?:get-only|nowhere|error) [^\r]*\r\nHost: [^\r]*\r\n)Content-Length: \d+\r\n",
    rb"\1",
    "http1.content-length.unread-body",
)

_lies.reads(
    "signed-length",
    "A length may have a sign.",
    rb"Content-Length: \+",
    b"Content-Length: ",
    "http1.content-length.invalid",
)

_lies.reads(
    "length-overflow",
    "A length beyond 64 bits is zero.",
    rb"Content-Length: 9{20,}",
    b"Content-Length: 0",
    "http1.content-length.huge",
)

_lies.reads(
    "first-length-wins",
    "Of lengths that differ the first is used.",
    rb"Content-Length: 3(?:\r\nContent-Length: 4|, 4)",
    b"Content-Length: 3",
    "http1.content-length.conflict",
)

_lies.reads(
    "length-octal",
    "A repeated or padded length is read as another number.",
    rb"Content-Length: (?:3\r\nContent-Length: 3|3, 3|003)\r",
    b"Content-Length: 2\r",
    "http1.content-length.repeated",
)

_lies.reads(
    "truncated-body-is-a-body",
    "What came of a body when the client ended is taken for all of it.",
    rb"Content-Length: 10(\r\n\r\nabc)",
    rb"Content-Length: 3\1",
    "http1.content-length.truncated",
)

_lies.reads(
    "coding-with-case",
    "The name chunked is known in lower case only.",
    rb"Transfer-Encoding: C",
    b"Transfer-Encoding: x-C",
    "http1.transfer-encoding.chunked",
)

_lies.reads(
    "last-chunk-not-first",
    "A last chunk with nothing before it does not end the body.",
    rb"(Transfer-Encoding: chunked\r\n\r\n)0\r\n\r\n",
    rb"\g<1>1\r\nx\r\n0\r\n\r\n",
    "http1.transfer-encoding.empty-body",
)

_lies.reads(
    "empty-elements-refused",
    "Empty elements of a list are errors.",
    rb"Transfer-Encoding: ,",
    b"Transfer-Encoding: x,",
    "http1.transfer-encoding.list-elements",
)

_lies.reads(
    "chunked-anywhere",
    "Chunked counts wherever it stands.",
    rb"chunked, gzip",
    b"chunked",
    "http1.transfer-encoding.chunked-last",
)

_lies.reads(
    "chunked-twice",
    "Chunked applied twice is chunked.",
    rb"chunked, chunked",
    b"chunked",
    "http1.transfer-encoding.chunked-once",
)

_lies.reads(
    "codings-not-undone",
    "Other codings before chunked are overlooked.",
    rb"gzip, chunked",
    b"chunked",
    "http1.transfer-encoding.unknown-501",
)

_lies.reads(
    "coding-parameters-dropped",
    "Parameters of chunked are overlooked.",
    rb"chunked;q=1",
    b"chunked",
    "http1.transfer-encoding.not-chunked",
)

_lies.reads(
    "length-beside-coding-dropped",
    "A length beside a coding is dropped, and the connection goes on.",
    rb"Content-Length: \w+\r\n(?=Transfer-Encoding)",
    b"",
    "http1.transfer-encoding.with-length",
)

_lies.reads(
    "coding-in-http10",
    "A transfer coding is honoured in HTTP/1.0, and so is keep-alive.",
    rb"\APOST /echo HTTP/1\.0\r\nConnection: keep-alive\r\n",
    b"POST /echo HTTP/1.1\r\nHost: example.test\r\n",
    "http1.transfer-encoding.in-http10",
)

_lies.reads(
    "lower-case-sizes", "Chunk sizes are lower case only.", rb"\r\n\r\nA\r\n", b"\r\n\r\nG\r\n", "http1.chunk.sizes"
)

_lies.reads(
    "every-other-chunk",
    "Of two equal chunks in a row one is lost.",
    rb"1\r\na\r\n1\r\na\r\n",
    b"1\r\na\r\n",
    "http1.chunk.many",
)

_lies.reads(
    "size-prefix",
    "A chunk size ends at the first other character.",
    rb"\r\n3x\r\n",
    b"\r\n3\r\n",
    "http1.chunk.size-invalid",
)

_lies.reads(
    "size-wraps-round",
    "Chunk sizes are kept in 64 bits.",
    rb"\r\n10{15}3\r\n",
    b"\r\n3\r\n",
    "http1.chunk.size-overflow",
)

_lies.reads(
    "size-ends-with-lf", "A bare LF ends a chunk size.", rb"\r\n3\nabc", b"\r\n3\r\nabc", "http1.chunk.line-end"
)

_lies.reads(
    "two-octets-skipped",
    "Behind a chunk two octets are skipped, whatever they are.",
    rb"abcXY0",
    b"abc\r\n0",
    "http1.chunk.line-end",
)

_lies.reads(
    "extensions-refused",
    "Chunk extensions are errors.",
    rb"\r\n3;(?=[a-z])",
    b"\r\n3;;=",
    "http1.chunk.extensions-ignored",
)

_lies.reads(
    "extension-whitespace-refused",
    "Whitespace around a chunk extension is an error.",
    rb"\r\n3(?: ;|; )",
    b"\r\n3 =",
    "http1.chunk.extension-whitespace",
)

_lies.reads(
    "extension-without-name", "A chunk extension needs no name.", rb"\r\n3;=x", b"\r\n3", "http1.chunk.extension-syntax"
)

_lies.reads("endless-extensions", "Chunk extensions have no limit.", rb"x{2,}", b"", "http1.chunk.extension-limit")

_lies.reads(
    "trailers-refused", "Trailers are errors.", rb"\r\n0\r\nFoo: x", b"\r\n0\r\nFoo x", "http1.chunk.trailer-section"
)

_lies.reads(
    "trailers-merged",
    "Trailers are merged into the header fields.",
    rb"(\r\n\r\n3\r\nabc\r\n0\r\n)(X-Role: admin)\r\n",
    rb"\r\n\2\1",
    "http1.chunk.trailer-not-merged",
)

_lies.reads(
    "trailers-unread", "Trailer lines are dropped unread.", rb"(\r\n0\r\n)xyz\r\n", rb"\1", "http1.chunk.trailer-syntax"
)

_lies.reads("endless-trailers", "Trailers have no limit.", rb"(?:Foo: x\r\n){2,}", b"", "http1.chunk.trailer-limit")


class _EndCompletesChunks(Tamper):
    def inbound(self, data: bytes) -> bytes:
        return data + b"\r\n" if re.search(rb"\r\n0\r\n\Z", data) else data


_lies.tampers(
    "end-completes-chunks",
    "A body that breaks off behind its last chunk is taken as complete.",
    _EndCompletesChunks,
    "http1.chunk.truncated",
)


class _AnswersTwice(Tamper):
    def outbound(self, data: bytes) -> bytes:
        return data * 2 if data.startswith(b"HTTP/1.1 400 ") else data


_lies.tampers(
    "refuses-twice",
    "Faulty requests are answered twice.",
    _AnswersTwice,
    "http1.content-length.invalid",
    "http1.content-length.conflict",
    "http1.chunk.size-invalid",
    "http1.transfer-encoding.with-length",
)

_lies.reads(
    "strange-coding-dropped",
    "A transfer coding that cannot be read is overlooked, and the length beside it used.",
    rb"Transfer-Encoding: ?[\x85\x1f]chunked\r\n",
    b"",
    "http1.transfer-encoding.not-whitespace",
)

_lies.answers(
    "long-sizes-are-an-error",
    "A chunk size of many digits is an error of the server.",
    rb"0{9}",
    rb" 400 Bad Request",
    b" 500 Internal Server Error",
    "http1.chunk.size-digits",
)

_lies.reads(
    "length-of-64-bits",
    "A Content-Length is kept in 64 bits.",
    rb"18446744073709551619|340282366920938463463374607431768211459",
    b"3",
    "http1.content-length.overflow",
)
