"""Requests: the line, the target, the host and the fields

A request begins with one line, ``method SP request-target SP HTTP-version``, and goes on with field lines up to an
empty line. The grammar is small and leaves no room: one space is one space, a line ends with CR LF, a field name is a
token with the colon right behind it. Every freedom that a server takes here is a freedom for someone between two
servers that do not take the same one. That is how a request is smuggled past a filter: the filter sees one message,
the server behind it sees two. So these rules are worth keeping to the letter.

RFC 9112 says what becomes of a request that breaks the grammar: the server should answer 400 (Bad Request) and close
the connection, since nobody knows where the next message begins. For some faults it must: a missing, doubled or
invalid Host, whitespace between a field's name and its colon, a faulty length. In most cases here closing without an
answer is therefore judged lenient, and where the RFC demands the answer it is a failure.

Some faults may be repaired in place of being refused, in one way each: a NUL or a bare CR inside a value becomes a
space, a folded line becomes spaces, a bare LF ends the line. Either is right; a third reading is not.

Valid input that looks odd belongs here too: names in any case, values without content, octets above 127, empty lines
before a request, a target that is a whole URI. Servers that were made strict in a hurry refuse some of it.

Every case is sent whole, byte by byte, cut at the borders of tokens, and joined with the request that follows. After
each answer a probe on the same connection must get its own echo: both sides agree where the message ended.
"""

from __future__ import annotations

import re
from typing import Any

from conformance import each, labelled, must, rfc, should
from conformance.wire.http import get, post

HOST = b"Host: example.test\r\n"


def request(line: bytes, *fields: bytes) -> bytes:
    """Return a request of ``line``, Host and ``fields``, each without its line end."""
    return line + b"\r\n" + HOST + b"".join(field + b"\r\n" for field in fields) + b"\r\n"


def with_fields(*fields: bytes) -> bytes:
    """Return a GET request for /echo with ``fields`` behind Host."""
    return request(b"GET /echo HTTP/1.1", *fields)


# -- the request line -------------------------------------------------------------------------------------------------


@should(
    "http1.method.not-a-token",
    "A method that is no token is refused with 400, before anybody asks whether it is allowed.",
    rfc(9112, "3.1", "RFC9112-2.2-10"),
    rfc(9110, "5.6.2", "RFC9110-5.6.2-i2"),
)
@each(
    method=[
        labelled("A1-delimiter", b"GE(T"),
        b"GET:",
        labelled("quoted", b'"GET"'),
        labelled("A2-control", b"G\x01ET"),
        labelled("A3-obs-text", b"\xc7ET"),
    ]
)
def test_method_not_a_token(wire: Any, method: bytes) -> None:
    wire.send(request(method + b" /echo HTTP/1.1")).must_reject(400)


@must(
    "http1.method.case-sensitive",
    "Methods have case: get is not GET, so it is an unknown method where only GET is allowed.",
    rfc(9112, "3.1", "RFC9112-3.1-i1"),
    rfc(9110, "9.1", "RFC9110-9.1-i1"),
)
@each(method=["get", "Get"])
def test_method_case(wire: Any, method: str) -> None:
    wire.send(get("/get-only", method=method)).expect((400, 405, 501)).expect_in_step()


@should(
    "http1.method.unknown-501",
    "A method that the server does not know at all is answered with 501.",
    rfc(9110, "9.1", "RFC9110-9.1-3"),
    rfc(9112, "3", "RFC9112-3-2"),
)
@each(method=["BREW", labelled("long", "X" * 500)])
def test_method_unknown(wire: Any, method: str) -> None:
    wire.send(get("/get-only", method=method)).expect(501, also=(400, 405)).expect_in_step()


@should(
    "http1.request-line.one-space",
    "The parts of the request line are separated by exactly one space each; anything else is refused with 400.",
    rfc(9112, "3", "RFC9112-3-i1", "RFC9112-2.2-10", "RFC9112-3.2-1", "RFC9112-3.2-2"),
)
@each(
    line=[
        labelled("two-spaces", b"GET  /echo HTTP/1.1"),
        labelled("no-target", b"GET  HTTP/1.1"),
        labelled("A4-no-target-of-head", b"HEAD  HTTP/1.1"),
        labelled("trailing-space", b"GET /echo HTTP/1.1 "),
        labelled("leading-space", b" GET /echo HTTP/1.1"),
        labelled("tab", b"GET\t/echo HTTP/1.1"),
        labelled("A5-space-in-target", b"GET /echo HTTP/1.1 HTTP/1.1"),
        labelled("A10-lf-as-space", b"GET /echo\nHTTP/1.1"),
        labelled("no-version", b"GET /echo"),
        labelled("one-word", b"GET"),
    ]
)
def test_one_space(wire: Any, line: bytes) -> None:
    wire.send(request(line)).must_reject(400)


@should(
    "http1.version.syntax",
    "A version is HTTP in capitals, a slash, a digit, a dot and a digit; anything else is refused with 400.",
    rfc(9112, "2.3", "RFC9112-2.3-i1", "RFC9112-2.3-i2", "RFC9112-2.2-10"),
)
@each(
    version=[
        labelled("A6-two-digits", b"HTTP/1.10"),
        b"HTTP/01.1",
        b"HTTP/1",
        labelled("A8-comma", b"HTTP/1,1"),
        labelled("lower-case", b"http/1.1"),
        b"HTTPS/1.1",
        labelled("A7-full-width-digit", b"HTTP/1.\xef\xbc\x91"),
        labelled("signed", b"HTTP/1.-1"),
    ]
)
def test_version_syntax(wire: Any, version: bytes) -> None:
    wire.send(request(b"GET /echo " + version)).must_reject(400, also=(505,))


@should(
    "http1.version.other-major",
    "A major version other than 1 is refused with 505 or 400: the rest of the message may mean anything.",
    rfc(9110, "15.6.6", "RFC9110-15.6.6-1"),
    rfc(9112, "2.3"),
)
@each(version=[labelled("A9-2.0", "2.0"), "3.0", "0.9"])
def test_other_major_version(wire: Any, version: str) -> None:
    wire.send(get("/echo", version=version)).must_reject(505, 400)


@should(
    "http1.version.higher-minor",
    "A higher minor version than 1.1 is served as 1.1: it persists and is answered with HTTP/1.1.",
    rfc(9110, "6.2", "RFC9110-6.2-6", "RFC9110-6.2-5"),
)
@each(version=["1.2", "1.9"])
def test_higher_minor_version(wire: Any, version: str) -> None:
    wire.send(get("/echo", version=version)).expect(200, version="1.1", close=False).expect_alive()


@should(
    "http1.request-line.leading-empty-line",
    "At least one empty line before a request line is ignored.",
    rfc(9112, "2.2", "RFC9112-2.2-7"),
)
@each(empty=[labelled("V1-one", b"\r\n")])
def test_leading_empty_line(wire: Any, empty: bytes) -> None:
    wire.send(empty + get("/echo?x=1")).expect_echo(method="GET", target="/echo?x=1")
    wire.send(post("/echo", b"abc") + b"\r\n").expect_echo(body=b"abc").expect_alive()


@should(
    "http1.request-line.many-empty-lines",
    "Thousands of empty lines before a request are refused with 400; a server that skips them still serves it.",
    rfc(9112, "2.2", "RFC9112-2.2-7"),
    rfc(9110, "2.3", "RFC9110-2.3-1"),
)
@each(lines=[labelled("A20-two-thousand", 2000)])
def test_many_empty_lines(wire: Any, lines: int) -> None:
    wire.send(b"\r\n" * lines + get("/echo?x=1")).may_reject(400, target="/echo?x=1")


@should(
    "http1.request-line.nonsense",
    "Bytes that are no HTTP request get one 400, and nothing behind them is looked at.",
    rfc(9112, "2.2", "RFC9112-2.2-10"),
)
@each(
    data=[
        labelled("G2-words", b"NONSENSE\r\n\r\n"),
        labelled("response", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        labelled("A22-tls", b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + bytes(20) + b"\r\n\r\n"),
        labelled("http2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ]
)
def test_nonsense(wire: Any, data: bytes) -> None:
    wire.send(data + get("/echo?smuggled")).must_reject(400, also=(505,))


# -- the target -------------------------------------------------------------------------------------------------------


@must(
    "http1.target.bare-cr",
    "A bare CR in the request line makes it invalid; it never ends the line.",
    rfc(9112, "2.2", "RFC9112-2.2-4"),
)
@each(line=[labelled("A11-in-target", b"GET /echo\rb HTTP/1.1"), labelled("as-line-end", b"GET /echo HTTP/1.1\rX: y")])
def test_bare_cr_in_line(wire: Any, line: bytes) -> None:
    wire.send(request(line)).must_reject(400)


@should(
    "http1.target.invalid-bytes",
    "A byte that no URI may hold makes the target invalid.",
    rfc(9112, "3.2", "RFC9112-3.2-1", "RFC9112-3.2-2", "RFC9112-3.2-i1"),
)
@each(byte=[labelled("nul", b"\x00"), labelled("A12-del", b"\x7f"), labelled("vt", b"\x0b"), labelled("esc", b"\x1b")])
def test_invalid_bytes_in_target(wire: Any, byte: bytes) -> None:
    wire.send(request(b"GET /echo?a" + byte + b"b HTTP/1.1")).must_reject(400)


@should(
    "http1.target.octets-above-127",
    "An octet above 127 in the target is refused with 400, or handed on as the octet that it is.",
    rfc(9112, "3.2", "RFC9112-3.2-1", "RFC9112-3.2-2"),
)
@each(target=[labelled("A13-latin", "/echo?q=\xe9"), labelled("utf-8", "/echo?q=\xc3\xa9")])
def test_octets_in_target(wire: Any, target: str) -> None:
    wire.send(get(target)).may_reject(400, target=target)


@should(
    "http1.target.form",
    "A target that is neither a path, a whole URI, nor the form its method calls for is refused with 400.",
    rfc(9112, "3.2", "RFC9112-3.2-i1", "RFC9112-3.2.3-i1", "RFC9112-3.2-1"),
)
@each(
    target=[b"echo", labelled("A14-path", b"a/echo"), labelled("A15-authority", b"one.test:81"), b"?x=1", b"*", b"#x"]
)
def test_target_form(wire: Any, target: bytes) -> None:
    wire.send(request(b"GET " + target + b" HTTP/1.1")).must_reject(400)


@must(
    "http1.target.absolute-form",
    "A whole URI is accepted as the target; its scheme and host have no case.",
    rfc(9112, "3.2.2", "RFC9112-3.2.2-6"),
)
@each(
    uri=[
        "http://example.test/get-only",
        labelled("V2-case", "HTTP://Example.Test/get-only"),
        labelled("port", "http://example.test:80/get-only?x"),
    ]
)
def test_absolute_form(wire: Any, uri: str) -> None:
    wire.send(get(uri)).expect(200, body=b"got").expect_alive()


@must(
    "http1.target.no-host-in-uri",
    "A URI of scheme http or https without a host is refused.",
    rfc(9110, "4.2", "RFC9110-4.2.1-2", "RFC9110-4.2.2-2"),
    rfc(9112, "3.3"),
)
@each(uri=[labelled("A19-port", "http://:80/echo"), "http:///echo", "https://:443/echo"])
def test_uri_without_host(wire: Any, uri: str) -> None:
    wire.send(get(uri)).expect(400, also=(404,)).expect_in_step()


@should(
    "http1.target.userinfo",
    "A target with a user's name in its authority is treated as an error.",
    rfc(9110, "4.2.4", "RFC9110-4.2.4-2"),
)
@each(uri=["http://user@example.test/echo", labelled("A18-password", "http://u:p@example.test/echo")])
def test_userinfo(wire: Any, uri: str) -> None:
    wire.send(get(uri)).expect(400, also=(404,)).expect_in_step()


@must(
    "http1.target.authority-is-the-host",
    "The host of an absolute target is the host of the request, whatever the Host field says.",
    rfc(9112, "3.2.2", "RFC9112-3.2.2-5"),
    rfc(9110, "7.2"),
)
@each(uri=[labelled("A17-name", "http://one.test/echo"), labelled("query", "http://one.test/echo?http://two.test/")])
def test_authority_is_the_host(wire: Any, uri: str) -> None:
    wire.send(get(uri, host="two.test")).expect_echo(host="one.test").expect_alive()


@must(
    "http1.target.https-in-the-clear",
    "A target of scheme https is refused on a connection that is not secured.",
    rfc(9110, "7.4", "RFC9110-7.4-1", "RFC9110-7.4-2"),
)
def test_https_in_the_clear(wire: Any) -> None:
    wire.send(get("https://example.test/echo")).expect((400, 403, 421), also=(404,)).expect_in_step()


@must(
    "http1.target.asterisk",
    "OPTIONS * asks about the server as a whole, so the asterisk is no syntax error.",
    rfc(9112, "3.2.4", "RFC9112-3.2-i1"),
)
@each(length=[labelled("V9-zero", "0"), labelled("none", None)])
def test_asterisk(wire: Any, length: str | None) -> None:
    wire.send(get("*", method="OPTIONS", content_length=length)).expect((200, 204), also=(404, 405)).expect_alive()


@must(
    "http1.target.connect-authority",
    "CONNECT to something that is no host and port is refused, as is CONNECT where it is not served.",
    rfc(9110, "9.3.6", "RFC9110-9.3.6-2"),
    rfc(9112, "3.2.3"),
)
@each(
    target=[
        labelled("A16-path", "/echo"),
        "one.test",
        labelled("empty-port", "one.test:"),
        "one.test:99999",
        "http://one.test/",
        "one.test:80",
    ]
)
def test_connect(wire: Any, target: str) -> None:
    wire.send(get(target, method="CONNECT")).expect((400, 405, 501), also=(403, 404)).expect_in_step()


@should(
    "http1.target.length-8000",
    "A request line of 8000 octets is served.",
    rfc(9112, "3", "RFC9112-3-4"),
    rfc(9110, "4.1", "RFC9110-4.1-1"),
)
def test_long_target(wire: Any) -> None:
    target = "/echo?" + "a" * (8000 - len("GET /echo? HTTP/1.1"))
    wire.send(get(target)).expect_echo(target=target).expect_alive()


@must(
    "http1.target.too-long-414",
    "A target longer than the server takes is answered with 414, without waiting for its end.",
    rfc(9112, "3", "RFC9112-3-3"),
)
@each(size=[labelled("A21-million", 1_000_000)])
def test_too_long_target(wire: Any, size: int) -> None:
    wire.send(b"GET /" + b"a" * size, partial=True).must_reject(414, respond=True)


# -- Host -------------------------------------------------------------------------------------------------------------


@must(
    "http1.host.missing",
    "An HTTP/1.1 request without Host is answered with 400, even when its target is a whole URI.",
    rfc(9112, "3.2", "RFC9112-3.2-6"),
)
@each(target=["/echo", labelled("C1-absolute", "http://example.test/echo")])
def test_host_missing(wire: Any, target: str) -> None:
    wire.send(get(target, host=None, accept="*/*")).must_reject(400, respond=True)


@must(
    "http1.host.twice",
    "A request of any version with more than one Host line is answered with 400.",
    rfc(9112, "3.2", "RFC9112-3.2-6"),
)
@each(
    hosts=[
        labelled("differing", b"1.1\r\nHost: a.test\r\nHost: b.test"),
        labelled("same", b"1.1\r\nHost: a.test\r\nhost: a.test"),
        labelled("C2-one-empty", b"1.1\r\nHost: a.test\r\nHost:"),
        labelled("C3-http-1.0", b"1.0\r\nHost: a.test\r\nHost: b.test"),
    ]
)
def test_host_twice(wire: Any, hosts: bytes) -> None:
    wire.send(b"GET /echo HTTP/" + hosts + b"\r\n\r\n").must_reject(400, respond=True)


@must(
    "http1.host.invalid",
    "A Host value that is no host with an optional port is answered with 400.",
    rfc(9112, "3.2", "RFC9112-3.2-6"),
    rfc(9110, "7.2", "RFC9110-7.2-i1"),
)
@each(
    host=[
        labelled("C4-space", "exa mple.test"),
        labelled("C5-port", "example.test:8x"),
        labelled("C6-bracket", "[::1"),
        labelled("C7-markup", 'a<b>"'),
        labelled("C8-query", "example.test?x#y"),
        labelled("path", "example.test/x"),
        labelled("userinfo", "user@example.test"),
        labelled("list", "a.test, b.test"),
    ]
)
def test_host_invalid(wire: Any, host: str) -> None:
    wire.send(get("/echo", host=host)).must_reject(400, respond=True)


@must(
    "http1.host.valid",
    "Host may be a name, an address of either family, with a port or an empty port, in any case.",
    rfc(9110, "7.2", "RFC9110-7.2-i1"),
)
@each(host=["example.test:8080", "EXAMPLE.test", "127.0.0.1", "[::1]:80", "example.test:", "a_b-c.test", "%41.test"])
def test_host_valid(wire: Any, host: str) -> None:
    wire.send(get("/echo", host=host)).expect_echo(headers={"Host": host}).expect_alive()


@must(
    "http1.host.optional-in-http10",
    "An HTTP/1.0 request needs no Host.",
    rfc(9112, "3.2", "RFC9112-3.2-6"),
)
@each(asked=[labelled("get", ("GET", b"got")), labelled("V3-head", ("HEAD", b""))])
def test_host_in_http10(wire: Any, asked: tuple[str, bytes]) -> None:
    target = "/get-only" if asked[0] == "GET" else "/echo"
    wire.send(get(target, "1.0", asked[0], host=None)).expect(200, body=asked[1], close=True)


# -- field lines ------------------------------------------------------------------------------------------------------


@must(
    "http1.field.whitespace-before-colon",
    "Whitespace between a field's name and the colon is answered with 400.",
    rfc(9112, "5.1", "RFC9112-5.1-1"),
)
@each(field=[labelled("space", b"Foo : x"), labelled("B2-tab", b"Foo\t: x"), labelled("length", b"Content-Length : 3")])
def test_whitespace_before_colon(wire: Any, field: bytes) -> None:
    wire.send(with_fields(field)).must_reject(400, respond=True)


@should(
    "http1.field.name-is-token",
    "A field line without a colon, or whose name is no token, is refused with 400.",
    rfc(9112, "5", "RFC9112-5-i1", "RFC9112-2.2-10", "RFC9112-2.1-i1"),
    rfc(9110, "5.6.2", "RFC9110-5.6.2-i1", "RFC9110-5.6.2-i2"),
)
@each(
    field=[
        labelled("no-colon", b"Foo"),
        labelled("B1-two-words-alone", b"Foo bar"),
        labelled("two-words", b"Foo bar: x"),
        labelled("empty-name", b": x"),
        labelled("B6-only-colon", b":"),
        labelled("B4-slash", b"Foo/Bar: x"),
        labelled("B3-nbsp", b"Foo\xa0: x"),
        labelled("B5-obs-text", b"F\xf6o: x"),
        labelled("nul", b"F\x00o: x"),
        labelled("B11-vt", b"\x0bbar: b"),
    ]
)
def test_field_name(wire: Any, field: bytes) -> None:
    wire.send(with_fields(b"A: b", field)).must_reject(400)


@must(
    "http1.field.name-without-case",
    "Field names have no case, and whitespace around a value does not belong to it.",
    rfc(9112, "5.1", "RFC9112-5.1-i1"),
    rfc(9110, "5.1", "RFC9110-5.1-i1", "RFC9110-5.5-1"),
)
@each(space=[labelled("V4-tab-and-space", b"\t "), labelled("none", b"")])
def test_name_without_case(wire: Any, space: bytes) -> None:
    values = {b"hOsT": b"example.test", b"X": b"", b"fOO": b"bar", b"cONTENT-lENGTH": b"3"}
    lines = [name + b":" + space + value + space for name, value in values.items()]
    wanted = {"Host": "example.test", "X": "", "Foo": "bar", "Content-Length": "3"}
    wire.send(b"\r\n".join([b"POST /echo HTTP/1.1", *lines, b"", b"abc"])).expect_echo(
        headers=wanted, body=b"abc"
    ).expect_alive()


@should(
    "http1.field.value-opaque",
    "Octets above 127 in a field value are let through as they are.",
    rfc(9110, "5.5", "RFC9110-5.5-3", "RFC9110-5.5-i1"),
)
@each(value=[labelled("V10-latin", b"caf\xe9"), labelled("utf-8", b"caf\xc3\xa9"), labelled("high", b"\x80\xff")])
def test_value_opaque(wire: Any, value: bytes) -> None:
    wire.send(with_fields(b"Foo: " + value)).expect_echo(headers={"Foo": value.decode("latin-1")}).expect_alive()


@must(
    "http1.field.order-of-lines",
    "Several lines with the same name make one list, in the order in which they came.",
    rfc(9110, "5.2", "RFC9110-5.2-i1"),
)
def test_order_of_lines(wire: Any) -> None:
    fields = (b"Foo: a", b"Bar: x", b"foo: b, c", b"FOO: d")
    wire.send(with_fields(*fields)).expect_echo(headers={"Foo": re.compile("a, ?b, ?c, ?d")}).expect_alive()


@must(
    "http1.field.bare-cr",
    "A bare CR in a value is refused, or becomes a space; it never begins another field.",
    rfc(9112, "2.2", "RFC9112-2.2-4"),
    rfc(9110, "5.5", "RFC9110-5.5-4"),
)
@each(value=[labelled("B7-middle", b"a\r b"), labelled("B8-as-line-end", b"a\rContent-Length: 9")])
def test_bare_cr_in_value(wire: Any, value: bytes) -> None:
    spaced = value.replace(b"\r", b" ").decode()
    wire.send(with_fields(b"Foo: " + value)).may_reject(400, headers={"Foo": spaced, "Content-Length": None})


@must(
    "http1.field.nul",
    "A NUL in a value is refused, or becomes a space.",
    rfc(9110, "5.5", "RFC9110-5.5-4"),
)
@each(value=[labelled("B9-middle", b"a\x00b"), labelled("behind", b"ab \x00.")])
def test_nul_in_value(wire: Any, value: bytes) -> None:
    spaced = value.replace(b"\x00", b" ").decode()
    wire.send(with_fields(b"Foo: " + value)).may_reject(400, headers={"Foo": spaced})


@must(
    "http1.field.bare-lf",
    "A bare LF in the head is refused, or ends the line; what follows from it holds for the body's length too.",
    rfc(9112, "2.2", "RFC9112-2.2-2"),
    rfc(9110, "5.5", "RFC9110-5.5-4"),
)
@each(
    rest=[
        labelled("B13-in-head", (b"\nContent-Length: 5\r\n\r\nhello", b"hello")),
        labelled("B14-at-end", (b"\n\n", b"")),
    ]
)
def test_bare_lf(wire: Any, rest: tuple[bytes, bytes]) -> None:
    data = b"POST /echo HTTP/1.1\r\n" + HOST + b"Foo: x" + rest[0]
    # Who takes no LF for the end of a line has not seen the end of the head, and may wait for it.
    wire.send(data).followed().may_reject(400, body=rest[1], headers={"Foo": "x"})


@must(
    "http1.field.folded-line",
    "A line that continues the one before is answered with 400, or joined to it by spaces.",
    rfc(9112, "5.2", "RFC9112-5.2-2"),
)
@each(fold=[labelled("space", b"\r\n "), labelled("B10-tab", b"\r\n\t"), labelled("wide", b" \r\n  \t")])
def test_folded_line(wire: Any, fold: bytes) -> None:
    wanted = {"Foo": re.compile("a +b"), "Bar": "c"}
    wire.send(with_fields(b"Foo: a" + fold + b"b", b"Bar: c")).may_reject(400, respond=True, headers=wanted)


@must(
    "http1.field.folded-length",
    "A folded Content-Length is answered with 400: unfolded it is no number either.",
    rfc(9112, "5.2", "RFC9112-5.2-2"),
    rfc(9112, "6.3", "RFC9112-6.3-5"),
)
@each(value=[labelled("B12-digits", b"1\r\n 0"), labelled("behind-nothing", b"\r\n 1 0")])
def test_folded_length(wire: Any, value: bytes) -> None:
    data = request(b"POST /echo HTTP/1.1", b"Content-Length: " + value) + b"0123456789"
    wire.send(data).must_reject(400, respond=True)


@must(
    "http1.field.blank-fold",
    "A line of nothing but whitespace is a fold without content: answered with 400, or ignored; it ends no head.",
    rfc(9112, "5.2", "RFC9112-5.2-2"),
)
@each(line=[labelled("B21-space", b" "), labelled("tab", b"\t")])
def test_blank_fold(wire: Any, line: bytes) -> None:
    wire.send(with_fields(line, b"Foo: x")).may_reject(400, respond=True, headers={"Host": "example.test", "Foo": "x"})


@must(
    "http1.field.whitespace-before-first",
    "A line that begins with whitespace right behind the request line is refused, or ignored as a whole.",
    rfc(9112, "2.2", "RFC9112-2.2-9"),
)
@each(
    line=[
        labelled("field", b" X-Smuggled: x\r\n"),
        labelled("blank", b" \r\n"),
        labelled("tab", b"\tX-Smuggled: x\r\n"),
    ]
)
def test_whitespace_before_first(wire: Any, line: bytes) -> None:
    data = b"GET /echo HTTP/1.1\r\n" + line + HOST + b"\r\n"
    wire.send(data).may_reject(400, headers={"X-Smuggled": None, "Host": "example.test"})


@must(
    "http1.field.octets-not-characters",
    "Octets above 127 never stand for ASCII ones: a look-alike of a known value is an unknown value.",
    rfc(9112, "2.2", "RFC9112-2.2-1"),
)
@each(
    field=[
        labelled("B15-long-s", b"Upgrade: web\xc5\xbfocket\r\nConnection: upgrade"),
        labelled("close", b"Connection: clo\xc5\xbfe"),
        labelled("B16-digit", b"Range: bytes=\xd9\xa1-"),
    ]
)
def test_octets(wire: Any, field: bytes) -> None:
    wire.send(with_fields(field)).expect(200, close=False).expect_alive()


@must(
    "http1.field.underscore",
    "Content_Length is another field than Content-Length: the body it seems to announce is the next request.",
    rfc(9110, "5.1", "RFC9110-5.1-i1", "RFC9110-5.1-2"),
    rfc(9112, "6.3", "RFC9112-6.3-i6"),
)
@each(name=[labelled("D11-length", b"Content_Length")])
def test_underscore(wire: Any, name: bytes) -> None:
    second = get("/echo?second")
    first = request(b"POST /echo HTTP/1.1", b"%s: %d" % (name, len(second)))
    wire.send(first + second).expect_echo(method="POST", body=b"").expect_echo(target="/echo?second").expect_alive()


@should(
    "http1.field.cookie",
    "A Cookie field that is hostile is refused, for what it holds or how long it is, or read in linear time.",
    rfc(9110, "2.3", "RFC9110-2.3-1"),
    rfc(9110, "5.4", "RFC9110-5.4-1"),
    rfc(9110, "5.5", "RFC9110-5.5-4"),
)
@each(
    cookie=[
        labelled("B19-backslashes", b'a="' + b"\\" * 20_000),
        labelled("B20-control", b"a=\x07b"),
        labelled("octal", b'a="\\4\\08\\400"'),
        labelled("separators", b"; ;=;,=,"),
    ]
)
def test_cookie(wire: Any, cookie: bytes) -> None:
    wire.send(with_fields(b"Cookie: " + cookie)).may_reject(400, 431, method="GET")


@must(
    "http1.head.incomplete",
    "A request whose head breaks off is not carried out.",
    rfc(9110, "5.3", "RFC9110-5.3-4"),
    rfc(9112, "8", "RFC9112-8-1"),
)
@each(cut=[labelled("in-line", b"GET /echo HT"), labelled("before-end", b"GET /echo HTTP/1.1\r\n" + HOST)])
def test_incomplete_head(wire: Any, cut: bytes) -> None:
    wire.send(cut, partial=True).eof().expect_closed_or(400, 408)


@must(
    "http1.limit.long-field",
    "A field longer than the server takes is answered with a 4xx status, without waiting for its end.",
    rfc(9110, "5.4", "RFC9110-5.4-1"),
)
@each(size=[labelled("B18-million", 1_000_000)])
def test_long_field(wire: Any, size: int) -> None:
    data = b"GET /echo HTTP/1.1\r\n" + HOST + b"Foo: " + b"x" * size
    wire.send(data, partial=True).must_reject(431, also=(400, 413), respond=True)


@must(
    "http1.limit.many-fields",
    "More fields than the server takes are answered with a 4xx status.",
    rfc(9110, "5.4", "RFC9110-5.4-1"),
)
@each(count=[labelled("B17-same-name", 30_000)])
def test_many_fields(wire: Any, count: int) -> None:
    wire.send(with_fields(*[b"A: b"] * count)).must_reject(431, also=(400, 413), respond=True)
