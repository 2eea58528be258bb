"""A client and a server joined in memory, at every chopping; and responses as a client reads them."""

from __future__ import annotations

import pytest

from waterspout.protocol.http1 import (
    ClientConnection,
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Event,
    Failure,
    InformationalResponse,
    Request,
    Response,
    ServerConnection,
    State,
)

HOST = ("Host", "example.test")
CHUNKED = ("Transfer-Encoding", "chunked")

EXCHANGES: list[tuple[list[Event], list[Event]]] = [
    (
        [Request("GET", "/a?b=c", [HOST, ("X", "caf\xe9")]), EndOfMessage()],
        [Response(200, "OK", [("Content-Length", "5")]), Data(b"hello"), EndOfMessage()],
    ),
    (
        [Request("POST", "/", [HOST, ("Content-Length", "7")]), Data(b"\r\n\r\nabc"), EndOfMessage()],
        [InformationalResponse(100, "Continue"), Response(204), EndOfMessage()],
    ),
    (
        [Request("PUT", "/", [HOST, CHUNKED]), Data(b"abc" * 9), EndOfMessage([("T", "1")])],
        [Response(200, "", [CHUNKED]), Data(b"x" * 300), EndOfMessage([("T", "2"), ("U", "")])],
    ),
    (
        [Request("HEAD", "/", [HOST]), EndOfMessage()],
        [Response(200, "OK", [("Content-Length", "5")]), EndOfMessage()],
    ),
    (
        [Request("GET", "/", [HOST, ("Connection", "close")]), EndOfMessage()],
        [Response(404, "Not Found", [("Content-Length", "0"), ("Connection", "close")]), EndOfMessage()],
    ),
]


def collect(conn: Connection, events: list[Event]) -> None:
    """Pull all events; pieces of data become one."""
    while (event := conn.next_event()) is not None:
        if isinstance(event, Data) and events and isinstance(events[-1], Data):
            event = Data(events.pop().data + event.data)  # type: ignore[union-attr]
        events.append(event)


def carry(sender: Connection, events: list[Event], receiver: Connection, size: int) -> list[Event]:
    """Send events and receive them in pieces of ``size`` octets."""
    octets = b"".join(sender.send(event) for event in events)
    received: list[Event] = []
    for start in range(0, len(octets), size):
        receiver.feed(octets[start : start + size])
        collect(receiver, received)
    return received


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 11, 16, 33, 64, 1000])
def test_both_sides_hear_what_the_other_said_however_it_is_cut(size: int) -> None:
    """Several exchanges on one connection, every framing, both directions."""
    client, server = ClientConnection(), ServerConnection()
    for number, (asked, answered) in enumerate(EXCHANGES):
        assert carry(client, asked, server, size) == asked
        assert carry(server, answered, client, size) == answered
        last = number == len(EXCHANGES) - 1
        assert client.keep_alive is server.keep_alive is not last
        if not last:
            client.start_next_message()
            server.start_next_message()
    assert client.our_state is server.our_state is State.MUST_CLOSE


def test_every_single_cut_of_a_stream_gives_the_same_events() -> None:
    """A stream of two requests cut in two at each place."""
    first, second = EXCHANGES[2][0], EXCHANGES[1][0]
    stream = b"".join(ClientConnection().send(event) for event in first[:1])
    client = ClientConnection()
    stream = b"".join(client.send(event) for event in first)
    client = ClientConnection()
    stream += b"".join(client.send(event) for event in second)
    for cut in range(len(stream) + 1):
        server = ServerConnection()
        received: list[Event] = []
        for piece in (stream[:cut], stream[cut:]):
            server.feed(piece)
            collect(server, received)
            while server.their_state is State.DONE:
                server.send(Response(204))
                server.send(EndOfMessage())
                server.start_next_message()
                collect(server, received)
        assert received == [*first, *second], f"cut at {cut}"


def answer(stream: bytes, method: str = "GET", end: bool = True) -> list[Event]:
    """What a client makes of a stream, octet by octet, which must be what it makes of it whole."""
    outcomes = []
    for size in (1, max(1, len(stream))):
        conn = ClientConnection()
        target = "example.test:443" if method == "CONNECT" else "/"
        conn.send(Request(method, target, [HOST]))
        conn.send(EndOfMessage())
        events: list[Event] = []
        for start in range(0, len(stream), size):
            conn.feed(stream[start : start + size])
            collect(conn, events)
        if end:
            conn.feed_eof()
            collect(conn, events)
        outcomes.append(events)
    assert outcomes[0] == outcomes[1]
    return outcomes[0]


def test_a_body_without_framing_lasts_until_the_end_of_the_connection() -> None:
    """The end completes it and is reported after it."""
    head = Response(200, "OK", [])
    assert answer(b"HTTP/1.1 200 OK\r\n\r\nabc") == [head, Data(b"abc"), EndOfMessage(), ConnectionClosed()]


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304), ("HEAD", 404)], ids=str)
def test_some_responses_have_no_body_whatever_their_fields_say(method: str, status: int) -> None:
    """RFC 9112 section 6.3 item 1."""
    for framing in (
        b"",
        b"Content-Length: 7\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: x\r\n",
    ):
        events = answer(b"HTTP/1.1 %d x\r\n%b\r\n" % (status, framing), method, end=False)
        assert [type(event) for event in events] == [Response, EndOfMessage]


@pytest.mark.parametrize(
    "stream",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 100 Continue\r\n\r\nHTT",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"HTTP/1.1 099 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n Foo: x\r\n\r\n",
        b"HTTP/1.1 200 OK\nFoo: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nabcde",
        b"\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"ICY 200 OK\r\n\r\n",
    ],
)
def test_a_response_that_is_cut_off_or_malformed_is_a_failure(stream: bytes) -> None:
    """Never an end of message, and never an ordinary close."""
    events = answer(stream)
    assert isinstance(events[-1], Failure)
    assert EndOfMessage() not in events


def test_a_connection_that_closes_before_the_response_is_not_a_failure() -> None:
    """RFC 9112 section 9.3.1: the client may try again on another one."""
    assert answer(b"") == [ConnectionClosed()]


def test_a_user_agent_replaces_folds_by_a_space() -> None:
    """RFC 9112 section 5.2, in fields and in trailers."""
    events = answer(
        b"HTTP/1.1 200 OK\r\nFoo: a\r\n \tb\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: x\r\n y\r\n\r\n",
        end=False,
    )
    assert events == [
        Response(200, "OK", [("Foo", "a b"), ("Transfer-Encoding", "chunked")]),
        EndOfMessage([("T", "x y")]),
    ]


def test_a_tunnel_and_an_upgrade_hand_over_what_follows() -> None:
    """2xx to CONNECT, and 101 to a request with Upgrade."""
    conn = ClientConnection()
    conn.send(Request("CONNECT", "example.test:443", [HOST]))
    conn.send(EndOfMessage())
    conn.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
    assert isinstance(conn.next_event(), Response)
    assert (conn.their_state, conn.leftover()) == (State.SWITCHED, b"abc")
    conn = ClientConnection()
    conn.send(Request("GET", "/", [HOST, ("Upgrade", "x"), ("Connection", "upgrade")]))
    conn.send(EndOfMessage())
    conn.feed(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nabc")
    assert conn.next_event() == InformationalResponse(101, "Switching Protocols", [("Upgrade", "x")])
    assert (conn.their_state, conn.leftover()) == (State.SWITCHED, b"abc")
    assert conn.next_event() is None


def test_what_follows_a_response_makes_the_connection_unfit() -> None:
    """A second response that nobody asked for may not answer the next request."""
    conn = ClientConnection()
    conn.send(Request("GET", "/", [HOST]))
    conn.send(EndOfMessage())
    conn.feed(b"HTTP/1.1 204 x\r\n\r\nHTTP/1.1 204 y\r\n\r\n")
    received: list[Event] = []
    collect(conn, received)
    assert len(received) == 2
    assert not conn.keep_alive
