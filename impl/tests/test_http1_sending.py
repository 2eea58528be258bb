"""What our side may put on the wire: framing from the head, and misuse refused with nothing changed."""

from __future__ import annotations

import pytest

from waterspout.protocol.http1 import (
    ClientConnection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Event,
    Failure,
    InformationalResponse,
    LocalProtocolError,
    Request,
    Response,
    ServerConnection,
    State,
)

HOST = ("Host", "example.test")


def asked(method: str = "GET", version: str = "1.1", fields: str = "") -> ServerConnection:
    conn = ServerConnection()
    target = "example.test:443" if method == "CONNECT" else "/"
    conn.feed(f"{method} {target} HTTP/{version}\r\nHost: example.test\r\n{fields}\r\n".encode())
    while conn.next_event() is not None:
        pass
    return conn


def sent(conn: ServerConnection | ClientConnection, *events: Event) -> bytes:
    return b"".join(conn.send(event) for event in events)


@pytest.mark.parametrize(
    ("conn", "response", "wire"),
    [
        (asked(), [("Content-Length", "3")], b"Content-Length: 3\r\n\r\nabc"),
        (asked(), [], b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        (
            asked(),
            [("transfer-encoding", "chunked")],
            b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        ),
        (asked(version="1.0"), [], b"Connection: close\r\n\r\nabc"),
        (
            asked(version="1.0", fields="Connection: keep-alive\r\n"),
            [("Content-Length", "3")],
            b"Content-Length: 3\r\nConnection: keep-alive\r\n\r\nabc",
        ),
        (asked(version="1.0", fields="Connection: keep-alive\r\n"), [], b"Connection: close\r\n\r\nabc"),
        (
            asked(fields="Connection: close\r\n"),
            [("Content-Length", "3")],
            b"Content-Length: 3\r\nConnection: close\r\n\r\nabc",
        ),
        (asked(), [("Content-Length", "3"), ("Connection", "x, Close")], b"Connection: x, Close\r\n\r\nabc"),
    ],
)
def test_a_response_is_framed_by_its_head_and_the_peers_version(
    conn: ServerConnection, response: list[tuple[str, str]], wire: bytes
) -> None:
    """Content-Length as given; else chunks for 1.1 and the connection's end for 1.0."""
    octets = sent(conn, Response(200, "OK", response), Data(b"abc"), Data(b""), EndOfMessage())
    assert octets.startswith(b"HTTP/1.1 200 OK\r\n")
    assert octets.endswith(wire)
    announced = b"close" in octets.lower().split(b"\r\n\r\n")[0]
    assert conn.keep_alive is not announced
    assert conn.our_state is (State.MUST_CLOSE if announced else State.DONE)


@pytest.mark.parametrize(
    ("method", "status", "headers"),
    [
        ("HEAD", 200, [("Content-Length", "3")]),
        ("HEAD", 200, []),
        ("GET", 304, [("Content-Length", "3")]),
        ("GET", 204, []),
    ],
)
def test_a_response_without_a_body_ends_with_its_head(method: str, status: int, headers: list[tuple[str, str]]) -> None:
    """HEAD, 204 and 304: no octet follows, no framing is added, the connection lives, a body is misuse."""
    conn = asked(method)
    head = conn.send(Response(status, "x", headers))
    assert head.endswith(b"\r\n\r\n")
    assert b"chunked" not in head
    with pytest.raises(LocalProtocolError, match="has no body"):
        conn.send(Data(b"abc"))
    assert sent(conn, Data(b""), EndOfMessage()) == b""
    assert conn.keep_alive


MISUSED_HEADS: list[tuple[ServerConnection, Event]] = [
    (asked(), Response(204, "", [("Content-Length", "0")])),
    (asked(), Response(204, "", [("Transfer-Encoding", "chunked")])),
    (asked("CONNECT"), Response(200, "", [("Content-Length", "0")])),
    (asked(version="1.0"), Response(200, "", [("Transfer-Encoding", "chunked")])),
    (asked(), Response(200, "", [("Transfer-Encoding", "chunked"), ("Content-Length", "3")])),
    (asked(), Response(200, "", [("Transfer-Encoding", "gzip")])),
    (asked(), Response(200, "", [("Content-Length", "3"), ("Content-Length", "4")])),
    (asked(), Response(200, "", [("Content-Length", "three")])),
    (asked(), Response(200, "OK\r\nX: y")),
    (asked(), Response(200, "OK\x00")),
    (asked(), Response(200, "OK\u2028")),
    (asked(), Response(99)),
    (asked(), Response(1000)),
    (asked(), Response(200, version="HTTP/2")),
    (asked(), Response(200, "", [("X", "a\r\nY: b")])),
    (asked(), Response(200, "", [("X", "a\nb")])),
    (asked(), Response(200, "", [("X", "a\rb")])),
    (asked(), Response(200, "", [("X", "a\x00b")])),
    (asked(), Response(200, "", [("X", "\u0141")])),
    (asked(), Response(200, "", [("X", "a\r\n"), ("Y", "b")])),
    (asked(), Response(200, "", [("X: a\r\nY", "b")])),
    (asked(), Response(200, "", [("X: a", "b")])),
    (asked(), Response(200, "", [("X,Y", "b")])),
    (asked(), Response(200, "", [("X ", "b")])),
    (asked(), Response(200, "", [("", "b")])),
    (asked(), Response(200, "", [("X", 5)])),  # type: ignore[list-item]
    (asked(), Response(200, "", [("X", None)])),  # type: ignore[list-item]
    (asked(), InformationalResponse(200)),
    (asked(), InformationalResponse(101)),
    (asked(), InformationalResponse(103, "", [("Content-Length", "0")])),
    (asked(version="1.0"), InformationalResponse(100)),
    (asked(), Request("GET", "/", [HOST])),
    (asked(), Data(b"abc")),
    (asked(), EndOfMessage()),
    (asked(), Failure(400, "x")),
    (ServerConnection(), InformationalResponse(100)),
]


@pytest.mark.parametrize(("conn", "event"), MISUSED_HEADS, ids=lambda value: repr(value)[:60])
def test_misuse_is_refused_and_changes_nothing(conn: ServerConnection, event: Event) -> None:
    """After the exception the server can still send a proper response."""
    state, persists = conn.our_state, conn.keep_alive
    with pytest.raises(LocalProtocolError, match=r"\w+ \w+ \w+"):
        conn.send(event)
    assert (conn.our_state, conn.keep_alive) == (state, persists)
    assert conn.send(Response(500, "Internal Server Error", [])).startswith(b"HTTP/1.1 500 ")


def test_a_body_is_held_to_its_declared_length() -> None:
    """Neither more nor less goes out than Content-Length says."""
    conn = asked()
    conn.send(Response(200, "OK", [("Content-Length", "3")]))
    with pytest.raises(LocalProtocolError, match="1 octets longer"):
        conn.send(Data(b"abcd"))
    assert conn.send(Data(b"ab")) == b"ab"
    with pytest.raises(LocalProtocolError, match="1 octets shorter"):
        conn.send(EndOfMessage())
    with pytest.raises(LocalProtocolError, match="trailers need a chunked body"):
        conn.send(EndOfMessage([("X", "y")]))
    assert conn.send(Data(b"c")) == b"c"
    assert conn.send(EndOfMessage()) == b""


def test_trailers_follow_the_last_chunk() -> None:
    """And they are as well checked as fields are."""
    conn = asked()
    conn.send(Response(200))
    with pytest.raises(LocalProtocolError):
        conn.send(EndOfMessage([("X", "y\r\nZ: 1")]))
    for name in ("Content-Length", "transfer-encoding", "Host", "Set-Cookie"):
        with pytest.raises(LocalProtocolError, match="not allowed in a trailer section"):
            conn.send(EndOfMessage([("X", "y"), (name, "1")]))
    assert conn.send(EndOfMessage([("X", "y")])) == b"0\r\nX: y\r\n\r\n"


def test_interim_responses_come_before_the_final_one() -> None:
    """100 and 103 leave the state alone; a 1xx may also be sent as a Response."""
    conn = asked("POST", fields="Content-Length: 3\r\nExpect: 100-continue\r\n")
    assert conn.send(InformationalResponse(100, "Continue")) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert conn.send(Response(103, "Early Hints", [("Link", "</x>")])).endswith(b"Link: </x>\r\n\r\n")
    assert conn.our_state is State.ANSWERING
    conn.send(Response(200))
    with pytest.raises(LocalProtocolError):
        conn.send(InformationalResponse(103))


def test_an_accepted_connect_hands_the_connection_over() -> None:
    """A 2xx to CONNECT has no framing and switches both sides."""
    conn = asked("CONNECT")
    assert conn.send(Response(200, "OK")) == b"HTTP/1.1 200 OK\r\n\r\n"
    conn.feed(b"TUNNEL")
    assert conn.leftover() == b"TUNNEL"
    assert conn.next_event() is None
    assert conn.our_state is conn.their_state is State.SWITCHED


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "/"),
        Request("GET", "/", [HOST, HOST]),
        Request("GE T", "/", [HOST]),
        Request("GET", "/a b", [HOST]),
        Request("GET", "", [HOST]),
        Request("GET", "/\r\nX: y", [HOST]),
        Request("GET", "/caf\xe9", [HOST]),
        Request("GET", "/#f", [HOST]),
        Request("GET", "/", [HOST], "HTTP/2.0"),
        Request("GET", "/", [HOST, ("Transfer-Encoding", "chunked")], "HTTP/1.0"),
        Request("GET", "/", [HOST, ("X", "a\r\nY: b")]),
    ],
    ids=repr,
)
def test_a_request_that_no_server_should_get_is_refused(request_: Request) -> None:
    """The client's state stays idle."""
    conn = ClientConnection()
    with pytest.raises(LocalProtocolError):
        conn.send(request_)
    assert conn.our_state is State.IDLE


def test_a_request_without_framing_has_no_body() -> None:
    """A client declares what it sends."""
    conn = ClientConnection()
    conn.send(Request("POST", "/", [HOST]))
    with pytest.raises(LocalProtocolError, match="declare the body"):
        conn.send(Data(b"abc"))


def test_a_client_does_not_send_into_a_connection_that_spoke_first() -> None:
    """RFC 9112 section 9.2: octets that answer no request make the connection unfit."""
    conn = ClientConnection()
    conn.feed(b"HTTP/1.1 200 OK\r\n\r\n")
    with pytest.raises(LocalProtocolError):
        conn.send(Request("GET", "/", [HOST]))
    assert isinstance(conn.next_event(), Failure)
    conn = ClientConnection()
    conn.feed_eof()
    assert conn.next_event() == ConnectionClosed()


def test_connect_is_not_accepted_before_its_request_was_read() -> None:
    """Octets of a body would otherwise be taken for the tunnel's."""
    conn = ServerConnection()
    conn.feed(b"CONNECT example.test:443 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n")
    assert isinstance(conn.next_event(), Request)
    with pytest.raises(LocalProtocolError, match="before answering CONNECT"):
        conn.send(Response(200))


@pytest.mark.parametrize("line", [b"HEAD  HTTP/1.1\r\n", b"HEAD / HTTP/9.9\r\n", b"HEAD /" + b"a" * 9000])
def test_the_answer_to_a_broken_head_request_has_no_content(line: bytes) -> None:
    server = ServerConnection()
    server.feed(line + b"Host: a\r\n\r\n")
    assert isinstance(server.next_event(), Failure)

    assert server.answers_head
    server.send(Response(400, "Bad Request", [("Content-Length", "3")]))
    with pytest.raises(LocalProtocolError):
        server.send(Data(b"abc"))
