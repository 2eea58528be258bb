"""Message bodies: lengths, transfer codings and chunks

Where a request ends is decided by two fields. ``Content-Length`` gives the number of octets; ``Transfer-Encoding:
chunked`` says that the body comes in chunks, each behind its size in hexadecimal, up to one of size zero. Without
either there is no body, whatever the method. The decision belongs to the framing alone: a GET may have a body, and a
handler that does not read its body changes nothing about where the next request begins.

Nothing in HTTP is attacked as much. Two parties that disagree about one length disagree about every message after it,
so a faulty length is never repaired: the server must answer 400 and close. That holds for a number with a sign, a
unit or another script's digits, for two lengths that differ, for a transfer coding behind chunked. Both fields in one
request may be read (the coding wins) or refused, but the connection ends after it in either case.

Chunks have a grammar of their own. Sizes are hexadecimal digits and nothing else; lines end with CR LF, also for
servers that take a bare LF in the head; extensions behind a semicolon must be parsed, then ignored; a trailer section
may follow and must not be mixed into the header section. A body that breaks off was never received: no handler may
see the part that came as if it were all.
"""

from __future__ import annotations

from typing import Any

from conformance import each, labelled, must, rfc, should
from conformance.wire.http import chunked, chunks, get, post

POST = b"POST /echo HTTP/1.1\r\nHost: example.test\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
SECOND = b"GET /echo?smuggled HTTP/1.1\r\nHost: example.test\r\n\r\n"


# -- Content-Length ---------------------------------------------------------------------------------------------------


@must(
    "http1.content-length.exact",
    "The body is as many octets as Content-Length says, whatever they are; the next request begins behind them.",
    rfc(9112, "6.3", "RFC9112-6.3-i5", "RFC9112-6-i1"),
    rfc(9110, "8.6", "RFC9110-8.6-i1"),
)
@each(
    body=[
        labelled("empty", b""),
        labelled("one", b"x"),
        labelled("line-ends", b"\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
        labelled("all-octets", bytes(range(256))),
        labelled("large", b"0123456789" * 20_000),
    ]
)
def test_exact_length(wire: Any, body: bytes) -> None:
    wire.send(post("/echo", body)).expect_echo(method="POST", body=body).expect_alive()


@must(
    "http1.content-length.none",
    "A request with neither Content-Length nor Transfer-Encoding has no body, whatever its method.",
    rfc(9112, "6.3", "RFC9112-6.3-i6"),
)
@each(method=["GET", "POST", "PUT"])
def test_no_length(wire: Any, method: str) -> None:
    wire.send(get("/echo", method=method)).expect_echo(method=method, body=b"").expect_alive()


@must(
    "http1.content-length.any-method",
    "The body of a GET or DELETE is read like any other: it is not the next request.",
    rfc(9112, "6", "RFC9112-6-i1"),
    rfc(9112, "9.3", "RFC9112-9.3-5"),
)
@each(method=[labelled("G3-GET", "GET"), "DELETE", "OPTIONS"])
def test_body_of_any_method(wire: Any, method: str) -> None:
    wire.send(post("/echo", SECOND, method=method)).expect_echo(method=method, target="/echo").expect_in_step()


@must(
    "http1.content-length.unread-body",
    "A body that nobody wanted is read to its end, or the connection is closed after the answer.",
    rfc(9112, "9.3", "RFC9112-9.3-5"),
)
@each(target=["/get-only", "/nowhere", "/error"])
def test_unread_body(wire: Any, target: str) -> None:
    wire.send(post(target, SECOND)).expect((404, 405, 500)).expect_in_step()


@must(
    "http1.content-length.invalid",
    "A Content-Length that is not decimal digits alone is answered with 400, and the connection is closed.",
    rfc(9112, "6.3", "RFC9112-6.3-4", "RFC9112-6.3-5"),
    rfc(9110, "8.6", "RFC9110-8.6-i1"),
)
@each(
    length=[
        labelled("plus", b"+3"),
        labelled("minus", b"-3"),
        labelled("hexadecimal", b"0x3"),
        labelled("D4-binary", b"0b11"),
        labelled("D3-fraction", b"3.0"),
        labelled("underscore", b"1_0"),
        labelled("D1-parameter", b"3;"),
        labelled("D2-quoted", b'"3"'),
        labelled("two-words", b"3 3"),
        labelled("empty", b""),
        labelled("D5-arabic", b"\xd9\xa3"),
        labelled("D6-superscript", b"\xb3"),
    ]
)
def test_invalid_length(wire: Any, length: bytes) -> None:
    wire.send(POST + b"Content-Length: " + length + b"\r\n\r\nabc").must_reject(400, respond=True)


@must(
    "http1.content-length.huge",
    "A length of thousands of digits is refused with 400 or 413, not with an error of the server.",
    rfc(9110, "8.6", "RFC9110-8.6-8"),
)
@each(digits=[labelled("D7-five-thousand", 5000)])
def test_huge_length(wire: Any, digits: int) -> None:
    wire.send(POST + b"Content-Length: " + b"9" * digits + b"\r\n\r\n", partial=True).must_reject(400, 413)


@must(
    "http1.content-length.overflow",
    "A length beyond 64 bits does not wrap round to a small one.",
    rfc(9110, "8.6", "RFC9110-8.6-8"),
)
@each(length=[b"18446744073709551619", b"340282366920938463463374607431768211459"])
def test_length_overflow(wire: Any, length: bytes) -> None:
    data = POST + b"Content-Length: " + length + b"\r\n\r\nabc"
    wire.send(data, partial=True).eof().expect_closed_or(400, 408, 413)


@must(
    "http1.content-length.conflict",
    "Lengths that differ, or a list with a member that is no length, are answered with 400.",
    rfc(9112, "6.3", "RFC9112-6.3-4", "RFC9112-6.3-5"),
)
@each(
    fields=[
        labelled("two-lines", b"3\r\nContent-Length: 4"),
        labelled("list", b"3, 4"),
        labelled("D8-list-and-line", b"3\r\nContent-Length: 3,4"),
        labelled("D10-no-number", b"3,x"),
    ]
)
def test_conflicting_lengths(wire: Any, fields: bytes) -> None:
    wire.send(POST + b"Content-Length: " + fields + b"\r\n\r\nabc").must_reject(400, respond=True)


@must(
    "http1.content-length.repeated",
    "The same length several times is that length, or is answered with 400.",
    rfc(9112, "6.3", "RFC9112-6.3-4", "RFC9112-6.3-5"),
    rfc(9110, "8.6", "RFC9110-8.6-10"),
)
@each(
    fields=[
        labelled("two-lines", b"3\r\nContent-Length: 3"),
        labelled("list", b"3, 3"),
        labelled("zeros", b"003"),
        labelled("D9-zero-in-one", b"3\r\nContent-Length: 03"),
    ]
)
def test_repeated_length(wire: Any, fields: bytes) -> None:
    data = POST + b"Content-Length: " + fields + b"\r\n\r\nabc"
    wire.send(data).may_reject(400, respond=True, body=b"abc")


@must(
    "http1.content-length.truncated",
    "When the client ends before the whole body came, the request is not carried out and the connection closes.",
    rfc(9112, "6.3", "RFC9112-6.3-8"),
    rfc(9112, "8", "RFC9112-8-1"),
)
@each(body=[b"", labelled("D12-part", b"abc")])
def test_truncated_body(wire: Any, body: bytes) -> None:
    wire.send(POST + b"Content-Length: 10\r\n\r\n" + body, partial=True).eof().expect_closed_or(400, 408)


# -- Transfer-Encoding ------------------------------------------------------------------------------------------------


@must(
    "http1.transfer-encoding.chunked",
    "A chunked body is put together from its chunks; the coding's name has no case.",
    rfc(9112, "7.1", "RFC9112-7.1-2", "RFC9112-7.1-i2", "RFC9112-6.3-i3"),
    rfc(9112, "6.1", "RFC9112-6.1-1", "RFC9112-7-i1"),
)
@each(name=["chunked", labelled("V5-Chunked", "Chunked"), "CHUNKED"])
def test_chunked(wire: Any, name: str) -> None:
    data = chunked("/echo", b"ab", b"c\r\n", b"0\r\n\r\n", transfer_encoding=name)
    wire.send(data).expect_echo(body=b"abc\r\n0\r\n\r\n").expect_alive()


@must(
    "http1.transfer-encoding.empty-body",
    "A chunked body may be empty.",
    rfc(9112, "7.1", "RFC9112-7.1-2", "RFC9112-7.1-i2"),
)
def test_empty_chunked(wire: Any) -> None:
    wire.send(chunked("/echo")).expect_echo(method="POST", body=b"").expect_alive()


@must(
    "http1.transfer-encoding.list-elements",
    "Empty elements of the list of codings are ignored.",
    rfc(9110, "5.6.1.2", "RFC9110-5.6.1.2-1", "RFC9110-5.6.1.2-2"),
)
@each(codings=[labelled("V8-around", ", chunked ,"), labelled("several", ",,\t, chunked")])
def test_empty_elements(wire: Any, codings: str) -> None:
    wire.send(chunked("/echo", b"abc", transfer_encoding=codings)).expect_echo(body=b"abc").expect_alive()


@must(
    "http1.transfer-encoding.chunked-last",
    "A request whose last transfer coding is not chunked is answered with 400.",
    rfc(9112, "6.3", "RFC9112-6.3-3"),
)
@each(
    coding=[
        b"chunked, gzip",
        labelled("E2-two-lines", b"chunked\r\nTransfer-Encoding: gzip"),
        b"chunked, identity",
        b"gzip",
        b"identity",
    ]
)
def test_chunked_last(wire: Any, coding: bytes) -> None:
    data = POST + b"Transfer-Encoding: " + coding + b"\r\n\r\n" + chunks(b"abc")
    wire.send(data).must_reject(400, also=(501,), respond=True)


@should(
    "http1.transfer-encoding.chunked-once",
    "Chunked applied twice is refused.",
    rfc(9112, "6.1", "RFC9112-6.1-2", "RFC9112-2.2-10"),
)
@each(coding=[b"chunked, chunked", labelled("E1-two-lines", b"chunked\r\nTransfer-Encoding: chunked")])
def test_chunked_once(wire: Any, coding: bytes) -> None:
    data = POST + b"Transfer-Encoding: " + coding + b"\r\n\r\n" + chunks(b"abc")
    wire.send(data).must_reject(400, also=(501,))


@should(
    "http1.transfer-encoding.unknown-501",
    "A coding that the server does not undo is answered with 501, and its octets reach no handler.",
    rfc(9112, "6.1", "RFC9112-6.1-9"),
)
@each(coding=["foo, chunked", labelled("E3-gzip", "gzip, chunked")])
def test_unknown_coding(wire: Any, coding: str) -> None:
    wire.send(chunked("/echo", b"abc", transfer_encoding=coding)).must_reject(501, also=(400,))


@should(
    "http1.transfer-encoding.not-chunked",
    "Parameters, quotes, other scripts' letters and control characters make a coding that is not chunked.",
    rfc(9112, "7.1", "RFC9112-7.1-4"),
    rfc(9112, "2.2", "RFC9112-2.2-1", "RFC9112-2.2-10"),
)
@each(
    coding=[
        labelled("E4-parameter", b"chunked;q=1"),
        labelled("E5-quoted", b'"chunked"'),
        labelled("E6-kelvin", b"chun\xe2\x84\xaaed"),
        labelled("x85", b"\x85chunked"),
        labelled("x1f", b"\x1fchunked"),
        labelled("vt", b"\x0bchunked"),
        labelled("prefix", b"xchunked"),
    ]
)
def test_not_chunked(wire: Any, coding: bytes) -> None:
    data = POST + b"Transfer-Encoding:" + coding + b"\r\n\r\n" + chunks(b"abc")
    wire.send(data).must_reject(400, 501)


@must(
    "http1.transfer-encoding.not-whitespace",
    "Octets that only other character sets call whitespace make a coding unknown; the length beside it is not used.",
    rfc(9110, "5.5", "RFC9110-5.5-i1"),
    rfc(9112, "2.2", "RFC9112-2.2-1"),
)
@each(
    line=[labelled("E7-x85", b"Transfer-Encoding: \x85chunked"), labelled("E8-x1f", b"Transfer-Encoding:\x1fchunked")]
)
def test_not_whitespace(wire: Any, line: bytes) -> None:
    wire.send(POST + line + b"\r\nContent-Length: 3\r\n\r\nabc").must_reject(400, 501)


@must(
    "http1.transfer-encoding.with-length",
    "A request with both framing fields is refused or read by its chunks; either way the connection closes.",
    rfc(9112, "6.1", "RFC9112-6.1-12", "RFC9112-6.1-13"),
    rfc(9112, "6.3", "RFC9112-6.3-i2"),
)
@each(length=[labelled("E9-number", b"3"), b"0", labelled("E10-no-number", b"x")])
def test_both_framings(wire: Any, length: bytes) -> None:
    data = POST + b"Content-Length: " + length + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(b"abc")
    wire.send(data + SECOND).expect(400, also=(200,), close=True)


@must(
    "http1.transfer-encoding.in-http10",
    "After an HTTP/1.0 request with Transfer-Encoding the connection closes, even when keep-alive was asked for.",
    rfc(9112, "6.1", "RFC9112-6.1-14"),
)
@each(coding=[labelled("G4-chunked", b"chunked")])
def test_in_http10(wire: Any, coding: bytes) -> None:
    head = b"POST /echo HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: " + coding
    wire.send(head + b"\r\n\r\n" + chunks(b"abc") + SECOND).expect((400, 200), close=True)


# -- chunks -----------------------------------------------------------------------------------------------------------


@must(
    "http1.chunk.sizes",
    "Sizes are hexadecimal in either case, with any number of leading zeros.",
    rfc(9112, "7.1", "RFC9112-7.1-i1", "RFC9112-7.1-i3"),
)
@each(
    coded=[
        labelled("upper", b"A\r\n0123456789\r\n0\r\n\r\n"),
        labelled("lower", b"a\r\n0123456789\r\n0\r\n\r\n"),
        labelled("zeros", b"0003\r\n012\r\n7\r\n3456789\r\n0000\r\n\r\n"),
    ]
)
def test_sizes(wire: Any, coded: bytes) -> None:
    wire.send(CHUNKED + coded).expect_echo(body=b"0123456789").expect_alive()


@must(
    "http1.chunk.many",
    "A body may come in many chunks, and a chunk may be large.",
    rfc(9112, "7.1", "RFC9112-7.1-2", "RFC9112-7.1-i1"),
)
@each(parts=[labelled("F18-many", [b"a"] * 3000), labelled("large", [b"0123456789" * 20_000])])
def test_many_chunks(wire: Any, parts: list[bytes]) -> None:
    wire.send(chunked("/echo", *parts)).expect_echo(body=b"".join(parts)).expect_alive()


@must(
    "http1.chunk.size-invalid",
    "A chunk size that is not hexadecimal digits alone is refused.",
    rfc(9112, "7.1", "RFC9112-7.1-i1", "RFC9112-7.1-i3", "RFC9112-2.2-10"),
)
@each(
    size=[
        labelled("F1-empty", b""),
        labelled("F2-letter", b"3x"),
        labelled("underscore", b"0_3"),
        labelled("F3-underscore-behind", b"3_0"),
        labelled("plus", b"+3"),
        labelled("minus", b"-3"),
        labelled("prefix", b"0x3"),
        labelled("leading-space", b" 3"),
        labelled("F4-full-width", b"\xef\xbc\x93"),
    ]
)
def test_invalid_size(wire: Any, size: bytes) -> None:
    wire.send(CHUNKED + size + b"\r\nabc\r\n0\r\n\r\n").must_reject(400)


@must(
    "http1.chunk.size-overflow",
    "A size beyond 64 bits does not wrap round to a small one.",
    rfc(9112, "7.1", "RFC9112-7.1-3"),
)
@each(size=[labelled("F5-beyond-64-bits", b"10000000000000003"), labelled("beyond-96-bits", b"100000003" + b"0" * 16)])
def test_size_overflow(wire: Any, size: bytes) -> None:
    wire.send(CHUNKED + size + b"\r\nabc\r\n0\r\n\r\n").must_reject(400, 413)


@must(
    "http1.chunk.size-digits",
    "A size of endless zeros is cut off, or read as the number that it is.",
    rfc(9112, "7.1", "RFC9112-7.1-3"),
    rfc(9110, "2.3", "RFC9110-2.3-1"),
)
@each(zeros=[labelled("F6-hundred-thousand", 100_000)])
def test_size_digits(wire: Any, zeros: int) -> None:
    wire.send(CHUNKED + b"0" * zeros + b"3\r\nabc\r\n0\r\n\r\n").may_reject(400, also=(413, 431), body=b"abc")


@must(
    "http1.chunk.line-end",
    "The size line and the data of a chunk end with CR LF; nothing else is taken for it.",
    rfc(9112, "7.1", "RFC9112-7.1-i3"),
)
@each(
    coded=[
        labelled("F7-lf-after-size", b"3\nabc\r\n0\r\n\r\n"),
        labelled("lf-after-data", b"3\r\nabc\n0\r\n\r\n"),
        labelled("F12-letters-after-data", b"3\r\nabcXY0\r\n\r\n"),
        labelled("cr-in-extension", b"3;a=b\rc\r\nabc\r\n0\r\n\r\n"),
        labelled("F8-lf-in-extension", b"3;a\nb\r\nabc\r\n0\r\n\r\n"),
        labelled("data-too-long", b"3\r\nabcd\r\n0\r\n\r\n"),
    ]
)
def test_line_end(wire: Any, coded: bytes) -> None:
    wire.send(CHUNKED + coded).must_reject(400)


@must(
    "http1.chunk.extensions-ignored",
    "Extensions of a chunk that the server does not know are ignored.",
    rfc(9112, "7.1.1", "RFC9112-7.1.1-1"),
)
@each(
    extension=[b";a", b";a=b", b";a=b;c", labelled("V6-quoted", b';a=b;c="d;\\"e"'), labelled("quoted-empty", b';a=""')]
)
def test_extensions(wire: Any, extension: bytes) -> None:
    data = CHUNKED + b"3" + extension + b"\r\nabc\r\n000" + extension + b"\r\n\r\n"
    wire.send(data).expect_echo(body=b"abc").expect_alive()


@must(
    "http1.chunk.extension-whitespace",
    "Bad whitespace around the signs of an extension is removed, not an error.",
    rfc(9110, "5.6.3", "RFC9110-5.6.3-5"),
    rfc(9112, "7.1.1", "RFC9112-7.1.1-i2"),
)
@each(
    extension=[b" ;a=b", labelled("name", b"; a"), labelled("V11-all", b" ; a = b"), labelled("tabs", b"\t;\ta\t=\tb")]
)
def test_extension_whitespace(wire: Any, extension: bytes) -> None:
    wire.send(CHUNKED + b"3" + extension + b"\r\nabc\r\n0\r\n\r\n").expect_echo(body=b"abc").expect_alive()


@should(
    "http1.chunk.extension-syntax",
    "An extension that breaks the grammar is refused.",
    rfc(9112, "7.1.1", "RFC9112-7.1.1-i2", "RFC9112-2.2-10"),
)
@each(
    extension=[
        labelled("F11-no-name", b";=x"),
        labelled("empty", b";"),
        labelled("F10-open-quote", b';a="x'),
        labelled("F9-cr-in-quote", b';a="x\ry"'),
        labelled("control", b";a=\x01"),
    ]
)
def test_extension_syntax(wire: Any, extension: bytes) -> None:
    wire.send(CHUNKED + b"3" + extension + b"\r\nabc\r\n0\r\n\r\n").must_reject(400)


@should(
    "http1.chunk.extension-limit",
    "Extensions without end are cut off with a 4xx status.",
    rfc(9112, "7.1.1", "RFC9112-7.1.1-i1"),
)
def test_extension_limit(wire: Any) -> None:
    wire.send(CHUNKED + b"3;a=" + b"x" * 1_000_000, partial=True).must_reject(400, 413, 431)


@must(
    "http1.chunk.trailer-section",
    "Fields behind the last chunk are read as trailers; the next request begins behind them.",
    rfc(9112, "7.1", "RFC9112-7.1-1", "RFC9112-7.1-i2", "RFC9112-7.1.2-1", "RFC9112-7.1.2-i1"),
)
@each(trailers=[labelled("V7-one", b"Foo: x\r\n"), labelled("three", b"Foo: x\r\nBar: y\r\nFoo:\r\n")])
def test_trailers(wire: Any, trailers: bytes) -> None:
    data = CHUNKED + b"3\r\nabc\r\n0\r\n" + trailers + b"\r\n"
    wire.send(data).expect_echo(body=b"abc").expect_alive()


@must(
    "http1.chunk.trailer-not-merged",
    "Trailers that are not meant to be merged do not appear among the header fields.",
    rfc(9112, "7.1.2", "RFC9112-7.1.2-2", "RFC9112-7.1.2-3"),
    rfc(9110, "6.5.1", "RFC9110-6.5.1-2"),
)
@each(
    field=[
        "Host: other.test",
        "X-Role: admin",
        "Content-Length: 9",
        labelled("F15-both", "Content-Length: 9\r\nHost: other.test"),
    ]
)
def test_trailers_not_merged(wire: Any, field: str) -> None:
    data = CHUNKED + b"3\r\nabc\r\n0\r\n" + field.encode() + b"\r\n\r\n"
    wanted = {"Host": "example.test", "X-Role": None, "Content-Length": None}
    wire.send(data).may_reject(400, body=b"abc", headers=wanted)


@must(
    "http1.chunk.trailer-syntax",
    "A trailer line has the syntax of a field line, or the message is refused.",
    rfc(9112, "7.1.2", "RFC9112-7.1.2-i1", "RFC9112-5-i1"),
)
@each(
    line=[
        labelled("F13-no-colon", b"xyz"),
        labelled("F14-space-before-colon", b"Foo : x"),
        labelled("no-name", b": x"),
        b"F(o: x",
    ]
)
def test_trailer_syntax(wire: Any, line: bytes) -> None:
    wire.send(CHUNKED + b"3\r\nabc\r\n0\r\n" + line + b"\r\n\r\n").must_reject(400)


@must(
    "http1.chunk.trailer-limit",
    "A trailer section larger than the server takes is answered with a 4xx status.",
    rfc(9110, "5.4", "RFC9110-5.4-1"),
)
@each(count=[labelled("F17-two-hundred-thousand", 200_000)])
def test_trailer_limit(wire: Any, count: int) -> None:
    data = CHUNKED + b"3\r\nabc\r\n0\r\n" + b"Foo: x\r\n" * count
    wire.send(data, partial=True).must_reject(431, also=(400, 413), respond=True)


@must(
    "http1.chunk.truncated",
    "A chunked body that breaks off before its last empty line was not received: no handler runs on it.",
    rfc(9112, "7.1", "RFC9112-7.1-i2"),
    rfc(9112, "8", "RFC9112-8-1"),
)
@each(
    coded=[
        labelled("in-data", b"5\r\nabc"),
        labelled("between", b"3\r\nabc\r\n"),
        labelled("F16-last-chunk", b"3\r\nabc\r\n0\r\n"),
        labelled("in-trailer", b"3\r\nabc\r\n0\r\nFoo: x\r\n"),
    ]
)
def test_truncated_chunks(wire: Any, coded: bytes) -> None:
    wire.send(CHUNKED + coded, partial=True).eof().expect_closed_or(400, 408)
