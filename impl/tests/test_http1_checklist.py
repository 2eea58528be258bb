"""What a server does with hostile, borderline and valid requests, each fed whole and octet by octet.

Expected is what comes of the stream in order: "ok" (and its body) for a request that was read to its end, the
status of a failure, "wait" for nothing yet, "shut" for a connection that lives no longer. Clauses are of RFC
9112 unless "9110" stands before them.
"""

from __future__ import annotations

import pytest

from waterspout.protocol.http1 import (
    ConnectionClosed,
    Data,
    EndOfMessage,
    Failure,
    LocalProtocolError,
    Request,
    Response,
    ServerConnection,
    State,
)

H = b"Host: example.test\r\n"
GET = b"GET /a HTTP/1.1\r\n" + H
POST = b"POST /a HTTP/1.1\r\n" + H
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
LENGTH = b"Content-Length: "
CODING = b"Transfer-Encoding: "
BODY3 = b"\r\nabc"
LAST = b"\r\n0\r\n\r\n"

Step = str | int | bytes
Row = tuple[str, bytes, tuple[Step, ...]]

REQUEST_LINE: list[Row] = [
    ("A1 parenthesis in method", b"GE(T /a HTTP/1.1\r\n" + H + b"\r\n", (400,)),
    ("A2 control in method", b"G\x01ET /a HTTP/1.1\r\n" + H + b"\r\n", (400,)),
    ("A3 latin-1 in method", b"\xc7ET /a HTTP/1.1\r\n" + H + b"\r\n", (400,)),
    ("A4 empty target", b"HEAD  HTTP/1.1\r\n" + H + b"\r\n", (400,)),
    ("A5 four words", b"GET /a HTTP/1.1 HTTP/1.1\r\n" + H + b"\r\n", (400,)),
    ("A6 two minor digits", b"GET /a HTTP/1.10\r\n" + H + b"\r\n", (400,)),
    ("A7 full-width digit", b"GET /a HTTP/1.\xef\xbc\x91\r\n" + H + b"\r\n", (400,)),
    ("A8 comma in version", b"GET /a HTTP/1,1\r\n" + H + b"\r\n", (400,)),
    ("A9 version 2.0", b"GET /a HTTP/2.0\r\n" + H + b"\r\n", (505,)),
    ("A10 LF for a space", b"GET /a\nHTTP/1.1\r\n" + H + b"\r\n", (400,)),
    ("A11 bare CR in target", b"GET /a\rb HTTP/1.1\r\n" + H + b"\r\n", (400,)),
    ("A12 DEL in target", b"GET /a\x7fb HTTP/1.1\r\n" + H + b"\r\n", (400,)),
    ("A13 latin-1 in target", b"GET /a?q=\xe9 HTTP/1.1\r\n" + H + b"\r\n", (400,)),
    ("A14 relative target", b"GET a/b HTTP/1.1\r\n" + H + b"\r\n", (400,)),
    ("A15 authority for GET", b"GET one.test:81 HTTP/1.1\r\n" + H + b"\r\n", (400,)),
    ("A16 CONNECT to a path", b"CONNECT /a HTTP/1.1\r\n" + H + b"\r\n", (400,)),
    ("A18 user information", b"GET http://u:p@example.test/a HTTP/1.1\r\n" + H + b"\r\n", (400,)),
    ("A19 no host in target", b"GET http://:80/a HTTP/1.1\r\n" + H + b"\r\n", (400,)),
    ("A20 many empty lines", b"\r\n" * 2000 + GET + b"\r\n", (400,)),
    ("A20 a few empty lines", b"\r\n" * 4 + GET + b"\r\n", ("ok", b"", "wait")),
    ("A21 long target", b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\n" + H + b"\r\n", (414,)),
    ("A22 TLS", b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + bytes(20) + b"\r\n\r\n", (400,)),
    ("fragment in target", b"GET /a#b HTTP/1.1\r\n" + H + b"\r\n", (400,)),
    ("asterisk for GET", b"GET * HTTP/1.1\r\n" + H + b"\r\n", (400,)),
    ("CONNECT without port", b"CONNECT one.test HTTP/1.1\r\n" + H + b"\r\n", (400,)),
    ("no version", b"GET /a\r\n\r\n", (400,)),
    ("small letters in HTTP", b"GET /a http/1.1\r\n" + H + b"\r\n", (400,)),
]


def _fields(*rows: tuple[str, bytes, tuple[Step, ...]]) -> list[Row]:
    return [(name, GET + lines + b"\r\n", expected) for name, lines, expected in rows]


FIELD_LINES = _fields(
    ("B1 no colon", b"Foo bar\r\n", (400,)),
    ("B2 tab before colon", b"Foo\t: x\r\n", (400,)),
    ("B3 no-break space", b"Foo\xa0: x\r\n", (400,)),
    ("B4 slash in name", b"Foo/Bar: x\r\n", (400,)),
    ("B5 latin-1 in name", b"F\xf6o: x\r\n", (400,)),
    ("B6 empty name", b":\r\n", (400,)),
    ("B7 bare CR", b"Foo: a\r b\r\n", (400,)),
    ("B8 bare CR for a line end", b"Foo: a\rContent-Length: 9\r\n", (400,)),
    ("B9 NUL", b"Foo: a\x00b\r\n", (400,)),
    ("B10 fold", b"Foo: a\r\n\tb\r\n", (400,)),
    ("B11 VT fold", b"Foo: a\r\n\x0bbar: b\r\n", (400,)),
    ("B12 folded length", b"Content-Length: 1\r\n 0\r\n", (400,)),
    ("B13 LF for a line end", b"Foo: x\nContent-Length: 5\r\n", (400,)),
    ("B14 LF LF", b"Foo: x\n\nGET /b HTTP/1.1\r\nHost: example.test\r\n", (400,)),
    ("B15 long s", b"Upgrade: web\xc5\xbfocket\r\nConnection: upgrade\r\n", ("ok", b"", "wait")),
    ("B16 Arabic range", b"Range: bytes=\xd9\xa1-\r\n", ("ok", b"", "wait")),
    ("B17 30000 fields", b"A: b\r\n" * 30000, (431,)),
    ("B17 501 fields", b"A: b\r\n" * 501, (431,)),
    ("B19 backslashes", b'Cookie: a="' + b"\\" * 20000 + b"\r\n", ("ok", b"", "wait")),
    ("B20 BEL in a cookie", b"Cookie: a=\x07b\r\n", (400,)),
    ("B21 line of a space", b" \r\n", (400,)),
    ("B22 keep-alive, close", b"Connection: keep-alive, close\r\n", ("ok", b"", "shut")),
)
FIELD_LINES.append(("B18 endless field", GET + b"Foo: " + b"x" * 1_000_000, (431,)))

HOSTS: list[Row] = [
    (
        "A17 target's authority wins",
        b"GET http://one.test/a HTTP/1.1\r\nHost: two.test\r\n\r\n",
        ("ok", b"", "wait"),
    ),
    ("C1 absolute form, no Host", b"GET http://example.test/ HTTP/1.1\r\n\r\n", (400,)),
    ("C2 two Hosts", GET + b"Host:\r\n\r\n", (400,)),
    ("C3 two Hosts in 1.0", b"GET /a HTTP/1.0\r\nHost: a.test\r\nHost: b.test\r\n\r\n", (400,)),
    ("C4 space", b"GET /a HTTP/1.1\r\nHost: exa mple.test\r\n\r\n", (400,)),
    ("C5 letters in port", b"GET /a HTTP/1.1\r\nHost: example.test:8x\r\n\r\n", (400,)),
    ("C6 open bracket", b"GET /a HTTP/1.1\r\nHost: [::1\r\n\r\n", (400,)),
    ("C7 delimiters", b'GET /a HTTP/1.1\r\nHost: a<b>"\r\n\r\n', (400,)),
    ("C8 query", b"GET /a HTTP/1.1\r\nHost: example.test?x#y\r\n\r\n", (400,)),
    ("no IPv6 address", b"GET /a HTTP/1.1\r\nHost: [1:2]\r\n\r\n", (400,)),
    ("IPv6 address", b"GET /a HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", ("ok", b"", "wait")),
    ("empty Host", b"GET /a HTTP/1.1\r\nHost:\r\n\r\n", ("ok", b"", "wait")),
    ("no Host", b"GET /a HTTP/1.1\r\n\r\n", (400,)),
]


def _posts(*rows: tuple[str, bytes, tuple[Step, ...]]) -> list[Row]:
    return [(name, POST + rest, expected) for name, rest, expected in rows]


LENGTHS = _posts(
    ("D1 semicolon", LENGTH + b"3;\r\n" + BODY3, (400,)),
    ("D2 quotes", LENGTH + b'"3"\r\n' + BODY3, (400,)),
    ("D3 fraction", LENGTH + b"3.0\r\n" + BODY3, (400,)),
    ("D4 binary", LENGTH + b"0b11\r\n" + BODY3, (400,)),
    ("D5 Arabic", LENGTH + b"\xd9\xa3\r\n" + BODY3, (400,)),
    ("D6 superscript", LENGTH + b"\xb3\r\n" + BODY3, (400,)),
    ("D7 5000 digits", LENGTH + b"9" * 5000 + b"\r\n\r\n", (413,)),
    ("D8 3 and 3,4", LENGTH + b"3\r\n" + LENGTH + b"3,4\r\n" + BODY3, (400,)),
    ("D9 3 and 03", LENGTH + b"3\r\n" + LENGTH + b"03\r\n" + BODY3, (400,)),
    ("D10 3,x", LENGTH + b"3,x\r\n" + BODY3, (400,)),
    ("D11 underscore", b"Content_Length: 7\r\n" + BODY3 + b"\r\n\r\n", ("ok", b"", 400)),
    ("equal lengths", LENGTH + b"3\r\n" + LENGTH + b"3, 3\r\n" + BODY3, ("ok", b"abc", "wait")),
    ("sign", LENGTH + b"+3\r\n" + BODY3, (400,)),
    ("empty length", LENGTH + b"\r\n\r\n", (400,)),
    ("over the limit", LENGTH + b"104857601\r\n\r\n", ("head", 413)),
)

CODINGS = _posts(
    ("E1 chunked twice", CODING + b"chunked\r\n" + CODING + b"chunked\r\n\r\n3\r\nabc" + LAST, (400,)),
    ("E2 chunked not last", CODING + b"chunked\r\n" + CODING + b"gzip\r\n\r\n0\r\n\r\n", (400,)),
    ("E3 gzip, chunked", CODING + b"gzip, chunked\r\n\r\n0\r\n\r\n", (501,)),
    ("E4 parameter", CODING + b"chunked;q=1\r\n\r\n0\r\n\r\n", (400,)),
    ("E5 quotes", CODING + b'"chunked"\r\n\r\n0\r\n\r\n', (400,)),
    ("E6 Kelvin sign", CODING + b"chun\xe2\x84\xaaed\r\n\r\n0\r\n\r\n", (400,)),
    ("E7 x85", CODING + b"\x85chunked\r\n" + LENGTH + b"3\r\n" + BODY3, (400,)),
    ("E8 x1f", b"Transfer-Encoding:\x1fchunked\r\n" + LENGTH + b"3\r\n" + BODY3, (400,)),
    ("E9 both", LENGTH + b"3\r\n" + CODING + b"chunked\r\n\r\n0\r\n\r\n" + GET + b"\r\n", (400,)),
    ("E10 both, bad length", LENGTH + b"x\r\n" + CODING + b"chunked\r\n\r\n0\r\n\r\n", (400,)),
    ("gzip alone", CODING + b"gzip\r\n\r\n", (400,)),
    ("empty coding", CODING + b"\r\n\r\n", (400,)),
)


def _chunks(*rows: tuple[str, bytes, tuple[Step, ...]]) -> list[Row]:
    return [(name, CHUNKED + rest, ("head", *expected)) for name, rest, expected in rows]


CHUNKS = _chunks(
    ("F1 no size", BODY3 + LAST, (400,)),
    ("F2 3x", b"3x" + BODY3 + LAST, (400,)),
    ("F3 underscore", b"3_0" + BODY3 + LAST, (400,)),
    ("F4 full-width", b"\xef\xbc\x93" + BODY3 + LAST, (400,)),
    ("F5 more than 64 bits", b"10000000000000003" + BODY3 + LAST, (413,)),
    ("F6 100000 zeros", b"0" * 100_000 + b"3" + BODY3 + LAST, (400,)),
    ("F7 LF", b"3\nabc\r\n0\r\n\r\n", (400,)),
    ("F8 LF in extension", b"3;a\nb" + BODY3 + LAST, (400,)),
    ("F9 CR in quotes", b'3;a="x\ry"' + BODY3 + LAST, (400,)),
    ("F10 open quotes", b'3;a="x' + BODY3 + LAST, (400,)),
    ("F11 nameless", b"3;=x" + BODY3 + LAST, (400,)),
    ("F12 no line end after data", b"3" + BODY3 + b"XY0\r\n\r\n", (400,)),
    ("F13 trailer without colon", b"3" + BODY3 + b"\r\n0\r\nxyz\r\n\r\n", (400,)),
    ("F14 space in trailer", b"3" + BODY3 + b"\r\n0\r\nFoo : x\r\n\r\n", (400,)),
    ("F15 framing in trailers", b"3" + BODY3 + b"\r\n0\r\nContent-Length: 9\r\nHost: o\r\n\r\n", (400,)),
    ("F17 endless trailers", b"3" + BODY3 + b"\r\n0\r\n" + b"Foo: x\r\n" * 200_000, (431,)),
    ("folded trailer", b"0\r\nFoo: x\r\n y\r\n\r\n", (400,)),
    ("LF after data", b"3" + BODY3 + b"\n0\r\n\r\n", (400,)),
    ("space after size", b"3 " + BODY3 + LAST, (400,)),
)

CONNECTIONS: list[Row] = [
    ("G1 nonsense after close", GET + b"Connection: close\r\n\r\nNONSENSE\r\n\r\n", ("ok", b"", "shut")),
    ("G2 nonsense first", b"NONSENSE\r\n\r\n" + GET + b"\r\n", (400,)),
    ("G3 body of a GET", GET + LENGTH + b"39\r\n\r\n" + b"GET /b HTTP/1.1\r\nHost: example.test\r\n\r\n", (
        "ok", b"GET /b HTTP/1.1\r\nHost: example.test\r\n\r\n", "wait",
    )),
    (
        "G4 coding in 1.0",
        b"POST /a HTTP/1.0\r\nConnection: keep-alive\r\n"
        + (CODING + b"chunked\r\n\r\n0\r\n\r\nGET /b HTTP/1.0\r\n\r\n"),
        (400,),
    ),
    ("G7 pipeline", (GET + b"\r\n") * 50, ("ok", b"") * 50 + ("wait",)),
    ("1.0 closes", b"GET /a HTTP/1.0\r\n\r\n" + GET + b"\r\n", ("ok", b"", "shut")),
    ("1.0 keep-alive", b"GET /a HTTP/1.0\r\nConnection: x, Keep-Alive\r\n\r\n" + GET + b"\r\n", (
        "ok", b"", "ok", b"", "wait",
    )),
]  # fmt: skip

VALID: list[Row] = [
    ("V1 empty line", b"\r\nGET /a?x=1 HTTP/1.1\r\n" + H + b"\r\n", ("ok", b"", "wait")),
    ("V2 absolute form", b"GET HTTP://Example.Test/a HTTP/1.1\r\n" + H + b"\r\n", ("ok", b"", "wait")),
    ("V3 HEAD of 1.0", b"HEAD /a HTTP/1.0\r\n\r\n", ("ok", b"", "shut")),
    ("V4 odd spelling", b"GET /a HTTP/1.1\r\nhOsT:\t example.test \t\r\nx:\r\n\r\n", ("ok", b"", "wait")),
    ("V5 Chunked", POST + CODING + b"Chunked\r\n\r\n3" + BODY3 + LAST, ("ok", b"abc", "wait")),
    ("V6 extensions", CHUNKED + b'3;a=b;c="d;\\"e"' + BODY3 + b"\r\n000\r\n\r\n", ("ok", b"abc", "wait")),
    ("V7 trailer", CHUNKED + b"3" + BODY3 + b"\r\n0\r\nFoo: x\r\n\r\n", ("ok", b"abc", "wait")),
    ("V8 empty elements", POST + CODING + b", chunked ,\r\n\r\n3" + BODY3 + LAST, ("ok", b"abc", "wait")),
    ("V9 asterisk", b"OPTIONS * HTTP/1.1\r\nContent-Length: 0\r\n" + H + b"\r\n", ("ok", b"", "wait")),
    ("V10 latin-1 value", GET + b"Foo: caf\xe9\r\n\r\n", ("ok", b"", "wait")),
    ("V11 bad whitespace", CHUNKED + b"3 ; a = b" + BODY3 + LAST, ("ok", b"abc", "wait")),
    ("CONNECT", b"CONNECT one.test:443 HTTP/1.1\r\n" + H + b"\r\n", ("ok", b"", "wait")),
    ("browser's query", b"GET /a?q=[{|}]^`\\ HTTP/1.1\r\n" + H + b"\r\n", ("ok", b"", "wait")),
    ("HTTP/1.2", b"GET /a HTTP/1.2\r\n" + H + b"\r\n", ("ok", b"", "wait")),
]

AT_THE_END: list[Row] = [
    ("D12 short body", POST + LENGTH + b"10\r\n\r\nabc", ("head", 400)),
    ("F16 last chunk only", CHUNKED + b"3" + BODY3 + b"\r\n0\r\n", ("head", 400)),
    ("half a head", b"GET /a HT", (400,)),
    ("nothing", b"", ("closed",)),
    ("empty lines", b"\r\n\r\n", ("closed",)),
    ("after a request", GET + b"\r\n", ("ok", b"", "closed")),
]

ROWS = [*REQUEST_LINE, *FIELD_LINES, *HOSTS, *LENGTHS, *CODINGS, *CHUNKS, *CONNECTIONS, *VALID]


def pieces(stream: bytes, bytewise: bool) -> list[bytes]:
    return [stream[i : i + 1] for i in range(len(stream))] if bytewise else [stream]


def outcome(stream: bytes, bytewise: bool, end: bool) -> tuple[Step, ...]:
    """Serve the stream; requests that were delivered but not completed appear as "head"."""
    conn = ServerConnection()
    seen: list[Step] = []
    for piece in pieces(stream, bytewise):
        conn.feed(piece)
        _serve(conn, seen)
        if conn.their_state is State.ERROR:
            break
    if end:
        conn.feed_eof()
        _serve(conn, seen)
    elif conn.their_state is State.IDLE:
        seen.append("wait")
    return tuple(seen)


def _serve(conn: ServerConnection, seen: list[Step]) -> None:
    while (event := conn.next_event()) is not None:
        if isinstance(event, Request):
            seen.extend(["head", b""])
        elif isinstance(event, Data):
            assert isinstance(seen[-1], bytes)
            seen[-1] += event.data
        elif isinstance(event, EndOfMessage):
            seen[-2] = "ok"
            conn.send(Response(404, "Not Found", [("Content-Length", "0")]))
            conn.send(EndOfMessage())
            if not conn.keep_alive:
                seen.append("shut")
                return
            conn.start_next_message()
        elif isinstance(event, Failure):
            if seen and seen[-2:-1] == ["head"]:
                seen.pop()  # what came of a body that failed is no body
            seen.append(event.status)
            assert event.message
        elif isinstance(event, ConnectionClosed):
            seen.append("closed")


@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "octet by octet"])
@pytest.mark.parametrize(("name", "stream", "expected"), ROWS, ids=[row[0] for row in ROWS])
def test_a_stream_gets_its_right_answer(name: str, stream: bytes, expected: tuple[Step, ...], bytewise: bool) -> None:
    """Every row of the table of malformed and valid requests."""
    assert outcome(stream, bytewise, end=False) == expected


@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "octet by octet"])
@pytest.mark.parametrize(("name", "stream", "expected"), AT_THE_END, ids=[row[0] for row in AT_THE_END])
def test_a_stream_that_ends_early_is_never_a_complete_message(
    name: str, stream: bytes, expected: tuple[Step, ...], bytewise: bool
) -> None:
    """Half a message followed by the end of the connection is a failure; between messages it is an ordinary
    close.
    """
    assert outcome(stream, bytewise, end=True) == expected


def test_a_long_target_fails_before_all_of_it_is_stored() -> None:
    """A21 and B18: the limit is enforced while octets come, not when the line is complete."""
    conn = ServerConnection()
    conn.feed(b"GET /" + b"a" * 8300)
    event = conn.next_event()
    assert isinstance(event, Failure)
    assert event.status == 414
    conn.feed(b"a" * 100_000)
    assert conn.leftover() == b""


def test_the_authority_of_the_target_beats_the_host_field() -> None:
    """A17: RFC 9112 section 3.2.2."""
    conn = ServerConnection()
    conn.feed(b"GET http://one.test:81/a HTTP/1.1\r\nHost: two.test\r\n\r\n")
    event = conn.next_event()
    assert isinstance(event, Request)
    assert event.authority == "one.test:81"


def test_tiny_chunks_are_counted_against_the_body_limit_and_gathered() -> None:
    """F18: many small chunks neither pass the limit nor become an event each."""
    conn = ServerConnection()
    conn.feed(CHUNKED)
    assert isinstance(conn.next_event(), Request)
    conn.set_body_limit(1000)
    conn.feed(b"1\r\na\r\n" * 1001)
    assert conn.next_event() == Data(b"a" * 1000)
    event = conn.next_event()
    assert isinstance(event, Failure)
    assert event.status == 413


def test_no_protocol_is_switched_before_the_request_was_read() -> None:
    """G5: an upgrade request may have a body, which is HTTP's still."""
    conn = ServerConnection()
    conn.feed(GET + b"Upgrade: websocket\r\nConnection: upgrade\r\nContent-Length: 3\r\n\r\nabcNEW")
    event = conn.next_event()
    assert isinstance(event, Request)
    assert event.upgrade == "websocket"
    with pytest.raises(LocalProtocolError, match="read the request's body"):
        conn.send(Response(101, "Switching Protocols", []))
    assert conn.next_event() == Data(b"abc")
    assert conn.next_event() == EndOfMessage()
    conn.send(Response(101, "Switching Protocols", []))
    assert conn.leftover() == b"NEW"
