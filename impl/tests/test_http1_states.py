"""The state tables, walked over every pair of state and event for both roles."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from waterspout.protocol.http1 import (
    CLIENT_MOVES,
    SERVER_MOVES,
    ClientConnection,
    Connection,
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

REQUEST = b"GET / HTTP/1.1\r\nHost: example.test\r\n\r\n"
ASK = Request("POST", "/", [("Host", "example.test"), ("Content-Length", "3")])
OK = Response(200, "OK", [("Content-Length", "3")])

EVENTS: dict[type, Event] = {
    Request: ASK,
    InformationalResponse: InformationalResponse(103, "Early Hints"),
    Response: OK,
    Data: Data(b"abc"),
    EndOfMessage: EndOfMessage(),
    ConnectionClosed: ConnectionClosed(),
    Failure: Failure(400, "x"),
}


def drain(conn: Connection) -> list[Event]:
    events = []
    while (event := conn.next_event()) is not None:
        events.append(event)
    return events


def server(stream: bytes, *sent: Event) -> ServerConnection:
    conn = ServerConnection()
    conn.feed(stream)
    drain(conn)
    for event in sent:
        conn.send(event)
    return conn


def client(stream: bytes, *sent: Event) -> ClientConnection:
    conn = ClientConnection()
    for event in sent:
        conn.send(event)
    conn.feed(stream)
    drain(conn)
    return conn


UPGRADE = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
CLOSING = REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
ASK_UPGRADE = Request("GET", "/", [("Host", "h"), ("Upgrade", "x"), ("Connection", "upgrade")])
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
SHORT_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
SHORT_CLOSE = SHORT_OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")

SERVERS: dict[State, Callable[[], ServerConnection]] = {
    State.IDLE: lambda: server(b""),
    State.ANSWERING: lambda: server(REQUEST),
    State.BODY: lambda: server(REQUEST, OK),
    State.DONE: lambda: server(REQUEST, OK, Data(b"abc"), EndOfMessage()),
    State.MUST_CLOSE: lambda: server(CLOSING, OK, Data(b"abc"), EndOfMessage()),
    State.SWITCHED: lambda: server(UPGRADE, InformationalResponse(101)),
    State.CLOSED: lambda: server(b"", ConnectionClosed()),
}

CLIENTS: dict[State, Callable[[], ClientConnection]] = {
    State.IDLE: lambda: client(b""),
    State.BODY: lambda: client(b"", ASK),
    State.DONE: lambda: client(SHORT_OK, ASK, Data(b"abc"), EndOfMessage()),
    State.MUST_CLOSE: lambda: client(SHORT_CLOSE, ASK, Data(b"abc"), EndOfMessage()),
    State.SWITCHED: lambda: client(SWITCHING, ASK_UPGRADE, EndOfMessage()),
    State.CLOSED: lambda: client(b"", ConnectionClosed()),
}


def _octets_left(state: State, kind: type) -> bool:
    # In BODY three octets are owed, so the end alone is misuse of another sort than a wrong state.
    return state is State.BODY and kind is EndOfMessage


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("state", SERVERS, ids=lambda state: state.name)
def test_a_server_may_send_what_its_table_says_and_nothing_else(state: State, kind: type) -> None:
    """Every pair either moves the state as the table says or raises and leaves it."""
    conn = SERVERS[state]()
    assert conn.our_state is state
    # Request and Failure are in the table as what the client does; nobody may send them.
    allowed = SERVER_MOVES[state].get(kind) if kind not in (Request, Failure) else None
    _try(conn, state, kind, allowed)


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("state", CLIENTS, ids=lambda state: state.name)
def test_a_client_may_send_what_its_table_says_and_nothing_else(state: State, kind: type) -> None:
    """Every pair either moves the state as the table says or raises and leaves it."""
    conn = CLIENTS[state]()
    assert conn.our_state is state
    _try(conn, state, kind, CLIENT_MOVES[state].get(kind))


def _try(conn: Connection, state: State, kind: type, allowed: State | None) -> None:
    if allowed is None or _octets_left(state, kind):
        with pytest.raises(LocalProtocolError):
            conn.send(EVENTS[kind])
        assert conn.our_state is state
    else:
        conn.send(EVENTS[kind])
        assert conn.our_state is allowed


def test_every_state_has_a_row_in_both_tables() -> None:
    """A state without a row would be a KeyError in somebody's server."""
    assert set(SERVER_MOVES) == set(CLIENT_MOVES) == set(State)


@pytest.mark.parametrize("state", [s for s in SERVERS if s is not State.DONE], ids=lambda state: state.name)
def test_the_next_message_waits_until_both_sides_are_done(state: State) -> None:
    """A server in any other state refuses to start the next exchange."""
    conn = SERVERS[state]()
    with pytest.raises(LocalProtocolError):
        conn.start_next_message()


def test_reading_pauses_after_a_request_until_the_next_message_is_started() -> None:
    """A pipelined request stays in the buffer while the first is answered."""
    conn = ServerConnection()
    conn.feed(REQUEST * 2)
    assert len(drain(conn)) == 2
    assert conn.paused
    assert conn.leftover() == REQUEST
    conn.send(Response(204))
    conn.send(EndOfMessage())
    conn.start_next_message()
    assert not conn.paused
    assert len(drain(conn)) == 2


def test_a_half_closed_client_still_gets_its_answers() -> None:
    """The end of input is reported after the last pipelined request, not before."""
    conn = ServerConnection()
    conn.feed(REQUEST * 2)
    conn.feed_eof()
    for _ in range(2):
        assert [type(event) for event in drain(conn)] == [Request, EndOfMessage]
        conn.send(Response(204))
        conn.send(EndOfMessage())
        conn.start_next_message()
    assert drain(conn) == [ConnectionClosed()]
    assert conn.their_state is State.CLOSED


def test_a_failure_can_be_answered_once_and_ends_the_connection() -> None:
    """400 goes out with Connection: close, and nothing can follow."""
    conn = server(b"NONSENSE\r\n\r\n")
    assert conn.their_state is State.ERROR
    head = conn.send(Response(400, "Bad Request", [("Content-Length", "0")]))
    assert b"\r\nConnection: close\r\n" in head
    conn.send(EndOfMessage())
    assert conn.our_state is State.MUST_CLOSE
    assert not conn.keep_alive
    with pytest.raises(LocalProtocolError):
        conn.start_next_message()


def test_a_failure_in_the_body_can_be_answered_unless_the_answer_has_begun() -> None:
    """413 replaces the response; a response under way can only be finished or cut."""
    head = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    conn = server(head + b"x\r\n")
    assert conn.our_state is State.ANSWERING
    conn.send(Response(400))
    conn = server(head, OK)
    conn.feed(b"x\r\n")
    assert isinstance(conn.next_event(), Failure)
    with pytest.raises(LocalProtocolError):
        conn.send(Response(400))
    conn.send(Data(b"abc"))
    conn.send(EndOfMessage())
    assert conn.our_state is State.MUST_CLOSE


def test_an_idle_connection_may_be_given_a_farewell() -> None:
    """408 needs no request; the connection ends with it."""
    conn = ServerConnection()
    assert b"Connection: close" in conn.send(Response(408, "Request Timeout", [("Content-Length", "0")]))
    conn.send(EndOfMessage())
    conn.feed(REQUEST)
    assert conn.next_event() is None
    assert conn.our_state is conn.their_state is State.MUST_CLOSE


def test_an_abandoned_body_is_dropped_and_closes_the_connection() -> None:
    """The response announces the close, and octets of the body are not stored."""
    conn = ServerConnection()
    conn.feed(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nabc")
    assert isinstance(conn.next_event(), Request)
    conn.abandon_body()
    conn.feed(b"x" * 1000)
    assert conn.leftover() == b""
    assert b"Connection: close" in conn.send(Response(204))
    conn.send(EndOfMessage())
    assert conn.our_state is State.MUST_CLOSE


def test_abandoning_where_there_is_no_body_keeps_the_connection() -> None:
    """A GET has nothing to abandon, before its end is pulled and after."""
    conn = ServerConnection()
    conn.feed(REQUEST)
    conn.next_event()
    conn.abandon_body()
    assert conn.next_event() == EndOfMessage()
    conn.abandon_body()
    assert conn.keep_alive


def test_a_body_limit_set_for_one_message_does_not_outlive_it() -> None:
    """It may raise the general limit as well as lower it."""
    conn = ServerConnection()
    post = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
    conn.feed(post * 2)
    conn.next_event()
    conn.set_body_limit(3)
    assert drain(conn) == [Data(b"abc"), EndOfMessage()]
    with pytest.raises(LocalProtocolError):
        conn.set_body_limit(2)
    conn.send(Response(204))
    conn.send(EndOfMessage())
    conn.start_next_message()
    conn.next_event()
    conn.set_body_limit(2)
    failure = conn.next_event()
    assert isinstance(failure, Failure)
    assert failure.status == 413


def test_input_after_the_end_is_a_mistake_of_the_caller() -> None:
    """A connection object is not for two connections."""
    conn = ServerConnection()
    conn.feed_eof()
    with pytest.raises(LocalProtocolError):
        conn.feed(b"x")


def test_derived_facts_do_not_count_when_events_are_compared() -> None:
    """A parsed request equals the one that was sent."""
    conn = ServerConnection()
    conn.feed(b"GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n")
    assert conn.next_event() == Request("GET", "/", [("Expect", "100-continue")], "HTTP/1.0")


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"Expect: 100-Continue\r\nContent-Length: 3\r\n", True),
        (b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n", True),
        (b"Expect: 100-continue\r\n", False),
        (b"Expect: 100-continued\r\nContent-Length: 3\r\n", False),
    ],
)
def test_an_expectation_counts_when_there_is_a_body_to_wait_for(head: bytes, expected: bool) -> None:
    """RFC 9110 section 10.1.1, the value without case."""
    conn = ServerConnection()
    conn.feed(b"POST / HTTP/1.1\r\nHost: h\r\n" + head + b"\r\n")
    event = conn.next_event()
    assert isinstance(event, Request)
    assert event.expect_continue is expected
