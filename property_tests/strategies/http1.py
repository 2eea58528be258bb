"""Streams of HTTP/1.1 messages: valid, odd in one place, mutated octet by octet, pipelined, cut in any way.

What is made follows from a ``random.Random`` alone, so that the same code serves a million examples from a seed
and Hypothesis, which brings a ``Random`` of its own (`property_tests.strategies.drawn`).

Most drawn streams are valid but for one element, which comes from a catalogue of things that implementations
disagree on (the grammar's borders, and what was found in the wild); a stream that is wrong everywhere would
stop every parser at its first line. Grammar: RFC 9112 and RFC 9110 section 5.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from random import Random

TCHARS = "!#$%&'*+-.^_`|~0123456789ABCXYZabcxyz"
HOST = b"Host: example.test\r\n"


@dataclass(frozen=True)
class RequestCase:
    """What a client sends before it closes its side; ``sizes`` are those of the pieces, over and over (none:
    whole).
    """

    stream: bytes
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class ResponseCase:
    """What a server sends in answer to one request of ``method`` before it closes."""

    method: str
    upgrade: bool
    stream: bytes
    sizes: tuple[int, ...]


def pieces(stream: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    """Cut a stream."""
    if not sizes:
        yield stream
        return
    start = 0
    for size in cycle(sizes):
        if start >= len(stream):
            return
        yield stream[start : start + size]
        start += size


def chopping(random: Random) -> tuple[int, ...]:
    """Up to three sizes of pieces."""
    return tuple([random.randint(1, 40) for _ in range(random.randint(0, 3))])


def octets(random: Random, alphabet: str, min_size: int, max_size: int) -> bytes:
    """Latin-1 text as bytes."""
    return "".join(random.choices(alphabet, k=random.randint(min_size, max_size))).encode("latin-1")


VISIBLE = "".join(chr(c) for c in range(0x21, 0x7F))
FIELD_TEXT = VISIBLE + " \t\x80\xa0\xe9\xff"

# Field lines that are valid wherever they stand.
PLAIN_FIELDS = [
    b"Accept: */*\r\n",
    b"x:\r\n",
    b"X-Pad: \t padded \t\r\n",
    b"Foo: caf\xe9\r\n",
    b"Cookie: a=b; c=d\r\n",
    b"Connection: close\r\n",
    b"Connection: keep-alive\r\n",
    b"connection: Keep-Alive, x\r\n",
    b"Connection: keep-alive, close\r\n",
    b"Connection: upgrade\r\nUpgrade: websocket\r\n",
    b"Upgrade: web\xc5\xbfocket\r\n",
    b"Expect: 100-continue\r\n",
    b"Expect: 100-Continue, x\r\n",
    b"Content_Length: 7\r\n",
]

# Field lines on which recipients disagree, and some on which they should not.
ODD_FIELDS = [
    b"Foo bar\r\n",
    b"Foo\t: x\r\n",
    b"Foo : x\r\n",
    b"Foo\xa0: x\r\n",
    b"Foo/Bar: x\r\n",
    b"F\xf6o: x\r\n",
    b": x\r\n",
    b":\r\n",
    b"Foo: a\r b\r\n",
    b"Foo: a\rContent-Length: 9\r\n",
    b"Foo: a\x00b\r\n",
    b"Foo: a\x01b\r\n",
    b"Foo: a\x7fb\r\n",
    b"Foo: a\x0bb\r\n",
    b"Foo: \x0cb\r\n",
    b"Cookie: a=\x07b\r\n",
    b"Foo: a\r\n\tb\r\n",
    b"Foo: a \r\n  b\r\n \r\n",
    b"Foo: a\r\n\x0bbar: b\r\n",
    b" Foo: a\r\n",
    b" \r\n",
    b"Foo: x\nBar: y\r\n",
    b"Foo: x\n",
    b"Foo: x\n\n",
    b"Foo: \x01\r\n y\n",
]

ODD_FRAMINGS = [
    b"Content-Length: 3;\r\n",
    b'Content-Length: "3"\r\n',
    b"Content-Length: 3.0\r\n",
    b"Content-Length: +3\r\n",
    b"Content-Length: 0b11\r\n",
    b"Content-Length: \xd9\xa3\r\n",
    b"Content-Length: \xb3\r\n",
    b"Content-Length:\r\n",
    b"Content-Length: 3\r\n 0\r\n",
    b"Content-Length: 3, 3\r\n",
    b"Content-Length: 3,\r\n",
    b"Content-Length: 3\r\nContent-Length: 3\r\n",
    b"Content-Length: 3\r\nContent-Length: 3,4\r\n",
    b"Content-Length: 3\r\nContent-Length: 03\r\n",
    b"Content-Length: 03\r\n",
    b"Content-Length: 0000000000000000000000003\r\n",
    b"Content-Length: 9999999999999999999\r\n",
    b"Content-Length: 99999999999999999999999\r\n",
    b"Content-Length: 200000000\r\n",
    b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
    b"Content-Length: x\r\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n",
    b"Transfer-Encoding: chunked, chunked\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n",
    b"Transfer-Encoding: gzip\r\n",
    b"Transfer-Encoding: identity\r\n",
    b"Transfer-Encoding: chunked;q=1\r\n",
    b'Transfer-Encoding: "chunked"\r\n',
    b"Transfer-Encoding: Chunked\r\n",
    b"Transfer-Encoding: , chunked ,\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n",
    b"Transfer-Encoding:\r\n",
    b"Transfer-Encoding: chun\xe2\x84\xaaed\r\n",
    b"Transfer-Encoding: \x85chunked\r\n",
    b"Transfer-Encoding:\x1fchunked\r\n",
]

CHUNK_LINES = [
    b"3\r\n",
    b'3;a=b;c="d;\\"e"\r\n',
    b"0003;x\r\n",
    b"3 ; a = b\r\n",
    b"3 ;a\r\n",
    b"3;a =b\r\n",
    b"3; a\r\n",
]

ODD_CHUNK_LINES = [
    b"\r\n",
    b"3x\r\n",
    b"3_0\r\n",
    b"+3\r\n",
    b"0x3\r\n",
    b"\xef\xbc\x93\r\n",
    b"3 \r\n",
    b"3\t\r\n",
    b"3;a \r\n",
    b" 3\r\n",
    b"10000000000000003\r\n",
    b"FFFFFFFFF\r\n",
    b"0000000000000000000000003\r\n",
    b"3\n",
    b"3;a\nb\r\n",
    b'3;a="x\ry"\r\n',
    b'3;a="x\r\n',
    b"3;=x\r\n",
    b"3;\r\n",
    b"3;a=\r\n",
    b"3;a=b c\r\n",
    b"3;a=\x01\r\n",
    b"3;a=\xe9\r\n",
]

TRAILERS = [b"", b"", b"", b"Foo: x\r\n", b"A: 1\r\nB:\r\n"]

ODD_TRAILERS = [
    b"xyz\r\n",
    b"Foo : x\r\n",
    b"Foo: x\n",
    b"\n",
    b"Foo: a\r\n b\r\n",
    b" a\r\n",
    b"Foo: \x01\r\n",
    b"Content-Length: 9\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Host: other.test\r\n",
    b"Connection: close\r\n",
]

REQUEST_LINES = [
    b"GET / HTTP/1.1\r\n",
    b"GET /a?x=1 HTTP/1.1\r\n",
    b"POST /a HTTP/1.1\r\n",
    b"POST /a HTTP/1.1\r\n",
    b"PUT /a%20b;c HTTP/1.1\r\n",
    b"HEAD /a HTTP/1.1\r\n",
    b"GET /a HTTP/1.0\r\n",
    b"POST /a HTTP/1.0\r\n",
    b"OPTIONS * HTTP/1.1\r\n",
    b"GET HTTP://Example.Test/a HTTP/1.1\r\n",
    b"CONNECT example.test:443 HTTP/1.1\r\n",
    b"GET /a HTTP/1.2\r\n",
    b'GET /[{|}]"<> HTTP/1.1\r\n',
]

ODD_REQUEST_LINES = [
    b"GE(T /a HTTP/1.1\r\n",
    b"G\x01ET /a HTTP/1.1\r\n",
    b"\xc7ET /a HTTP/1.1\r\n",
    b"HEAD  HTTP/1.1\r\n",
    b"GET /a HTTP/1.1 HTTP/1.1\r\n",
    b"GET /a HTTP/1.10\r\n",
    b"GET /a HTTP/1.\xef\xbc\x91\r\n",
    b"GET /a HTTP/1,1\r\n",
    b"GET /a http/1.1\r\n",
    b"GET /a HTTP/2.0\r\n",
    b"GET /a HTTP/0.9\r\n",
    b"GET /a\r\n",
    b"GET /a\nHTTP/1.1\r\n",
    b"GET /a HTTP/1.1\n",
    b"GET /a\rb HTTP/1.1\r\n",
    b"GET /a\x7fb HTTP/1.1\r\n",
    b"GET /a\x01b HTTP/1.1\r\n",
    b"GET /a?q=\xe9 HTTP/1.1\r\n",
    b"GET /a#f HTTP/1.1\r\n",
    b"GET a/b HTTP/1.1\r\n",
    b"GET one.test:81 HTTP/1.1\r\n",
    b"GET * HTTP/1.1\r\n",
    b"CONNECT /a HTTP/1.1\r\n",
    b"CONNECT one.test HTTP/1.1\r\n",
    b"CONNECT http://one.test:80/ HTTP/1.1\r\n",
    b"GET http://u:p@example.test/a HTTP/1.1\r\n",
    b"GET http://:80/a HTTP/1.1\r\n",
    b"GET http:///a HTTP/1.1\r\n",
    b"\r\nGET /a HTTP/1.1\r\n",
    b"\r\n\r\n\r\nGET /a HTTP/1.1\r\n",
    b"\r\n\r\n\r\n\r\n\r\nGET /a HTTP/1.1\r\n",
    b"\nGET /a HTTP/1.1\r\n",
    b"\r\rGET /a HTTP/1.1\r\n",
    b" GET /a HTTP/1.1\r\n",
    b"NONSENSE\r\n",
]

HOSTS = [HOST, HOST, HOST, b"hOsT:\t example.test:80 \t\r\n", b"Host:\r\n", b"Host: [::1]:8080\r\n"]

ODD_HOSTS = [
    b"",
    HOST + HOST,
    HOST + b"Host:\r\n",
    b"Host: exa mple.test\r\n",
    b"Host: example.test:8x\r\n",
    b"Host: example.test:999999\r\n",
    b"Host: [::1\r\n",
    b"Host: [1:2]\r\n",
    b'Host: a<b>"\r\n',
    b"Host: example.test?x#y\r\n",
    b"Host: u@example.test\r\n",
    b"Host: :80\r\n",
    b"Host: caf\xe9\r\n",
]

STATUS_LINES = [
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 200 \r\n",
    b"HTTP/1.1 404 Not Found \xe9\r\n",
    b"HTTP/1.0 200 OK\r\n",
    b"HTTP/1.1 204 No Content\r\n",
    b"HTTP/1.1 304 Not Modified\r\n",
    b"HTTP/1.1 999 x\r\n",
]

ODD_STATUS_LINES = [
    b"HTTP/1.1 200\r\n",
    b"HTTP/1.1 200 a\x01b\r\n",
    b"HTTP/1.1 200 a\x7fb\r\n",
    b"HTTP/1.1 200 a\x00b\r\n",
    b"HTTP/1.1 200 a\rb\r\n",
    b"HTTP/1.1 099 x\r\n",
    b"HTTP/1.1 20 x\r\n",
    b"HTTP/1.1 2000 x\r\n",
    b"HTTP/1.1  200 OK\r\n",
    b"HTTP/1.2 200 OK\r\n",
    b"HTTP/2.0 200 OK\r\n",
    b"HTTP/0.9 200 OK\r\n",
    b"http/1.1 200 OK\r\n",
    b"HTTP/1.1 200 OK\n",
    b"\r\nHTTP/1.1 200 OK\r\n",
    b"ICY 200 OK\r\n",
    b"HTTP/1.1 101 Switching\r\n",
]

INTERIM = [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"]


def chunked(random: Random, odd: str) -> bytes:
    """A chunked body; ``odd`` is "chunk" or "trailer" for one with an odd element there."""
    parts: list[bytes] = []
    for _ in range(random.randint(0, 2)):
        line = random.choice(CHUNK_LINES)
        parts += [line, b"abc", b"\r\n"]
    if odd == "chunk":
        end = random.choice([b"\r\n"] * 6 + [b"XY", b"\r", b"\n", b""])
        parts += [random.choice(ODD_CHUNK_LINES), b"abc", end]
    parts.append(random.choice([b"0\r\n", b"0\r\n", b"000\r\n", b"0;x=y\r\n"]))
    parts.append(random.choice(ODD_TRAILERS if odd == "trailer" else TRAILERS))
    return b"".join(parts) + b"\r\n"


def framed_body(random: Random, odd: str) -> tuple[bytes, bytes]:
    """Framing fields and the body that they frame, or nearly so."""
    if odd == "framing":
        return random.choice(ODD_FRAMINGS), random.choice([b"abc", b"3\r\nabc\r\n0\r\n\r\n"])
    kind = "chunked" if odd in ("chunk", "trailer") else random.choice(["none", "length", "chunked"])
    if kind == "none":
        return b"", b""
    if kind == "chunked":
        return b"Transfer-Encoding: chunked\r\n", chunked(random, odd)
    body = random.randbytes(random.randint(0, 40))
    return b"Content-Length: %d\r\n" % len(body), body


def field_section(random: Random, odd: str) -> bytes:
    """Up to three field lines that do not concern the framing."""
    lines = random.choices(PLAIN_FIELDS, k=random.randint(0, 2))
    if odd == "field":
        lines.insert(random.randint(0, len(lines)), random.choice(ODD_FIELDS))
    elif odd == "text":
        lines.append(octets(random, TCHARS, 1, 8) + b": " + octets(random, FIELD_TEXT, 0, 12) + b"\r\n")
    return b"".join(lines)


MUTANTS = [
    b"",
    b"\r",
    b"\n",
    b"\r\n",
    b" ",
    b"\t",
    b":",
    b"\x00",
    b"\x0b",
    b"0",
    b"9",
    b";",
    b",",
    b"\x80",
    b"\xff",
    b"a",
]


def mutated(random: Random, stream: bytes) -> bytes:
    """The stream with a few octets replaced, removed, inserted or cut off."""
    for _ in range(random.randint(1, 2)):
        at = random.randint(0, len(stream))
        removed = random.randint(0, 2)
        stream = stream[:at] + random.choice(MUTANTS) + stream[at + removed :]
    return stream


REQUEST_ODDITIES = [
    "",
    "",
    "",
    "text",
    "line",
    "host",
    "field",
    "field",
    "framing",
    "framing",
    "chunk",
    "chunk",
    "trailer",
]


def request(random: Random, odd: str | None = None) -> bytes:
    """One request with its body, odd in the place that ``odd`` names ("" for a valid one, None for any)."""
    if odd is None:
        odd = random.choice(REQUEST_ODDITIES)
    line = random.choice(ODD_REQUEST_LINES if odd == "line" else REQUEST_LINES)
    host = random.choice(ODD_HOSTS if odd == "host" else HOSTS)
    framing, body = framed_body(random, odd)
    head = [host, field_section(random, odd), framing]
    if random.randrange(2):
        head.reverse()
    return line + b"".join(head) + b"\r\n" + body


def request_case(random: Random) -> RequestCase:
    """One to three pipelined requests, perhaps mutated or cut off, and a chopping."""
    stream = b"".join([request(random) for _ in range(random.randint(1, 3))])
    if random.randint(0, 3) == 0:
        stream = mutated(random, stream)
    if random.randint(0, 9) == 0:
        stream = stream[: random.randint(0, len(stream))]
    return RequestCase(stream, chopping(random))


RESPONSE_ODDITIES = ["", "", "", "text", "line", "field", "framing", "framing", "chunk", "trailer"]


def response(random: Random, odd: str | None = None) -> bytes:
    """One final response with its body, perhaps after interim ones."""
    if odd is None:
        odd = random.choice(RESPONSE_ODDITIES)
    interim = random.choices(INTERIM, k=random.randint(0, 2)) if random.randint(0, 4) == 0 else []
    line = random.choice(ODD_STATUS_LINES if odd == "line" else STATUS_LINES)
    framing, body = framed_body(random, odd)
    head = [field_section(random, odd), framing]
    if random.randrange(2):
        head.reverse()
    return b"".join(interim) + line + b"".join(head) + b"\r\n" + body


def response_case(random: Random) -> ResponseCase:
    """One response, perhaps mutated, cut off or followed by what nobody asked for."""
    stream = response(random)
    if random.randint(0, 3) == 0:
        stream = mutated(random, stream)
    if random.randint(0, 9) == 0:
        stream = stream[: random.randint(0, len(stream))]
    if random.randint(0, 9) == 0:
        stream += random.choice([b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
    method = random.choice(["GET", "GET", "GET", "HEAD", "CONNECT"])
    return ResponseCase(method, bool(random.randrange(2)), stream, chopping(random))
