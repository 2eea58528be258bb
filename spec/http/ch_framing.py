"""The framing table: every combination of the two fields that say where a request ends

The chapters on bodies state the rules one by one. Here they are put together: version, Content-Length and
Transfer-Encoding in all combinations that differ, each with the only reading that RFC 9112, section 6.3, leaves. A
server that decides by the first field it finds, by the last, or by each in another place, fails one of the rows.

What may be read in one way is followed by the next request, which must get its own answer. What must be refused is
followed by a request that must get none: that one is what a smuggler would like to have answered.
"""

from __future__ import annotations

from typing import Any

from conformance import each, labelled, must, rfc, should
from conformance.wire.http import chunks, get

SMUGGLED = get("/echo?smuggled")


def head(version: str, *fields: str) -> bytes:
    """Return the head of a POST for /echo with ``fields``."""
    lines = [f"POST /echo HTTP/{version}", "Host: example.test", *fields]
    return "".join(line + "\r\n" for line in lines).encode("latin-1") + b"\r\n"


def length(value: str) -> str:
    """Return a Content-Length line."""
    return f"Content-Length: {value}"


def coding(value: str) -> str:
    """Return a Transfer-Encoding line."""
    return f"Transfer-Encoding: {value}"


#: Version, fields, body as sent, body as meant.
ONE_READING = [
    labelled("nothing", ("1.1", [], b"", b"")),
    labelled("zero", ("1.1", [length("0")], b"", b"")),
    labelled("length", ("1.1", [length("3")], b"abc", b"abc")),
    labelled("length-1.0", ("1.0", ["Connection: keep-alive", length("3")], b"abc", b"abc")),
    labelled("length-lower-case", ("1.1", ["content-length:3"], b"abc", b"abc")),
    labelled("length-last", ("1.1", ["A: b", "Content-Lengthy: 9", length("3")], b"abc", b"abc")),
    labelled("chunked", ("1.1", [coding("chunked")], chunks(b"abc"), b"abc")),
    labelled("chunked-upper-case", ("1.1", ["TRANSFER-ENCODING:CHUNKED"], chunks(b"abc"), b"abc")),
    labelled("chunked-spaced", ("1.1", [coding(" \tchunked\t ")], chunks(b"abc"), b"abc")),
    labelled("chunked-empty", ("1.1", [coding("chunked")], chunks(), b"")),
    labelled("other-field", ("1.1", ["X-Transfer-Encoding: chunked", length("3")], b"abc", b"abc")),
]


@must(
    "http1.framing.one-reading",
    "A request whose fields allow one reading gets it, whatever their order, spelling and number of lines.",
    rfc(9112, "6.3", "RFC9112-6.3-i3", "RFC9112-6.3-i5", "RFC9112-6.3-i6"),
    rfc(9112, "6.1", "RFC9112-6.1-1"),
)
@each(row=ONE_READING)
def test_one_reading(wire: Any, row: tuple[str, list[str], bytes, bytes]) -> None:
    version, fields, coded, body = row
    wire.send(head(version, *fields) + coded).expect_echo(method="POST", body=body).expect_in_step()


@must(
    "http1.framing.two-readings",
    "A request whose fields contradict one another is refused, or closes its connection; nothing behind it is served.",
    rfc(9112, "6.1", "RFC9112-6.1-12", "RFC9112-6.1-13", "RFC9112-6.1-14"),
    rfc(9112, "6.3", "RFC9112-6.3-i2", "RFC9112-6.3-4"),
)
@each(
    row=[
        labelled("length-first", ("1.1", [length("3"), coding("chunked")])),
        labelled("chunked-first", ("1.1", [coding("chunked"), length("3")])),
        labelled("zero-and-chunked", ("1.1", [length("0"), coding("chunked")])),
        labelled("same-lengths-and-chunked", ("1.1", [length("3"), coding("chunked"), length("3")])),
        labelled("lower-case", ("1.1", ["transfer-encoding:chunked", "content-length:3"])),
        labelled("both-1.0", ("1.0", ["Connection: keep-alive", length("3"), coding("chunked")])),
        labelled("chunked-1.0", ("1.0", ["Connection: keep-alive", coding("chunked")])),
        labelled("keep-alive-asked", ("1.1", ["Connection: keep-alive", length("3"), coding("chunked")])),
    ]
)
def test_two_readings(wire: Any, row: tuple[str, list[str]]) -> None:
    version, fields = row
    wire.send(head(version, *fields) + chunks(b"abc") + SMUGGLED).expect(400, also=(200, 411, 501), close=True)


@must(
    "http1.framing.no-reading",
    "A request whose fields allow no reading is refused, and nothing behind it is looked at.",
    rfc(9112, "6.3", "RFC9112-6.3-3", "RFC9112-6.3-4", "RFC9112-6.3-5"),
)
@each(
    row=[
        labelled("two-lengths", ("1.1", [length("3"), length("30")])),
        labelled("two-lengths-1.0", ("1.0", ["Connection: keep-alive", length("3"), length("30")])),
        labelled("lengths-of-both-spellings", ("1.1", [length("3"), "content-length: 30"])),
        labelled("no-length-and-chunked", ("1.1", [length("3x"), coding("gzip")])),
        labelled("not-last", ("1.1", [coding("chunked, gzip"), length("3")])),
        labelled("not-last-line", ("1.1", [coding("chunked"), coding("identity"), length("3")])),
        labelled("unknown-and-length", ("1.1", [coding("xchunked"), length("3")])),
        labelled("not-chunked", ("1.1", [coding("gzip")])),
    ]
)
def test_no_reading(wire: Any, row: tuple[str, list[str]]) -> None:
    version, fields = row
    wire.send(head(version, *fields) + b"abc" + SMUGGLED).must_reject(400, also=(501,), respond=True)


@should(
    "http1.framing.disguised",
    "A framing field in a disguise that some servers see through is refused, and the request hidden behind it not run.",
    rfc(9112, "2.2", "RFC9112-2.2-10"),
    rfc(9110, "5.6.2", "RFC9110-5.6.2-i2"),
)
@each(
    line=[
        labelled("space-before-colon", b"Transfer-Encoding : chunked"),
        labelled("vertical-tab", b"Transfer-Encoding:\x0bchunked"),
        labelled("bare-lf", b"X: y\nTransfer-Encoding: chunked"),
        labelled("nul", b"Transfer-Encoding: chunked\x00"),
        labelled("folded", b"Transfer-Encoding:\r\n chunked"),
        labelled("quoted-name", b'"Transfer-Encoding": chunked'),
        labelled("no-value", b"Transfer-Encoding:"),
    ]
)
def test_disguised(wire: Any, line: bytes) -> None:
    hidden = chunks() + SMUGGLED
    data = head("1.1", length(str(len(hidden))))[:-2] + line + b"\r\n\r\n" + hidden
    wire.send(data).expect(400, also=(200, 501), close=True)


@must(
    "http1.framing.faults-and-large-rest",
    "The answer to a faulty body comes whole though the client is still sending: the server closes in two steps.",
    rfc(9112, "9.6", "RFC9112-9.6-i1"),
)
@each(size=[labelled("four-megabytes", 4_000_000)])
def test_large_rest(wire: Any, size: int) -> None:
    data = head("1.1", coding("chunked")) + b"x\r\n" + b"a" * size
    wire.send(data, partial=True).must_reject(400, respond=True)
