"""The closing handshake and close codes of the WebSocket core."""

from __future__ import annotations

import pytest

from waterspout.protocol.websocket import (
    CLIENT,
    SERVER,
    Closed,
    CloseReceived,
    Connection,
    Message,
    PayloadError,
    Ping,
    Role,
    State,
)

PAIRS = [(CLIENT, SERVER), (SERVER, CLIENT)]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
@pytest.mark.parametrize(("code", "reason"), [(None, ""), (1000, ""), (4999, "größer"), (1014, "x" * 123)])
def test_the_closing_handshake_is_completed_by_the_answer(
    ours: Role, theirs: Role, code: int | None, reason: str
) -> None:
    """Sections 5.5.1 and 7.1: the answer repeats the code, both ends are clean, the server drops first."""
    closer, answerer = Connection(ours), Connection(theirs)
    closer.close(code, reason or None)
    assert (closer.state, closer.should_drop) == (State.CLOSING, False)
    heard = code or 1005
    assert answerer.feed(closer.data_to_send()) == [CloseReceived(heard, reason), Closed(heard, reason, True)]
    assert closer.feed(answerer.data_to_send()) == [CloseReceived(heard, ""), Closed(heard, "", True)]
    for end in (closer, answerer):
        assert end.should_drop is (end.role is SERVER)
        assert (end.state, end.data_to_send(), end.feed_eof()) == (State.CLOSED, b"", [])
        assert end.should_drop


def test_closes_that_cross_are_clean_and_not_answered_again() -> None:
    """Section 7.1.5: each end takes the other's code."""
    client, server = Connection(CLIENT), Connection(SERVER)
    client.close(3000, "mine")
    server.close(3001, "yours")
    to_server, to_client = client.data_to_send(), server.data_to_send()
    assert client.feed(to_client) == [CloseReceived(3001, "yours"), Closed(3001, "yours", True)]
    assert server.feed(to_server) == [CloseReceived(3000, "mine"), Closed(3000, "mine", True)]
    assert client.data_to_send() == server.data_to_send() == b""


def test_messages_and_pings_are_heard_until_the_close_is_answered() -> None:
    """Section 5.5.2: a Ping is owed its Pong until the peer's Close came."""
    client, server = Connection(CLIENT), Connection(SERVER)
    server.close(1001)
    client.send_message("last")
    client.ping(b"?")
    client.feed(server.data_to_send())
    assert server.feed(client.data_to_send()) == [
        Message("last"),
        Ping(b"?"),
        CloseReceived(1001, ""),
        Closed(1001, "", True),
    ]
    assert server.data_to_send() == b"\x8a\x01?"


def test_nothing_after_the_peers_close_is_heard() -> None:
    """Section 5.5.1, in the same piece and in the next."""
    client = Connection(CLIENT)
    events = client.feed(b"\x88\x00" + b"\x81\x01x" + b"\x89\x00")
    assert events == [CloseReceived(1005, ""), Closed(1005, "", True)]
    assert client.feed(b"\x81\x01x") == []
    assert len(client.data_to_send()) == 6, "an empty masked Close and nothing else"


def test_a_close_in_the_middle_of_a_message_is_a_close() -> None:
    """Section 5.4: control frames may stand between fragments; the message is lost."""
    client = Connection(CLIENT)
    assert client.feed(b"\x01\x01x\x88\x02\x03\xe8") == [CloseReceived(1000, ""), Closed(1000, "", True)]


def test_a_second_close_of_ours_is_without_effect() -> None:
    """One Close frame is sent."""
    server = Connection(SERVER)
    server.close(1000)
    server.close(1001, "again")
    assert server.data_to_send() == b"\x88\x02\x03\xe8"


def test_a_violation_after_our_close_sends_no_second_close() -> None:
    """The connection has failed all the same."""
    client = Connection(CLIENT)
    client.close(1000)
    client.data_to_send()
    assert client.feed(b"\x83\x00") == [Closed(1002, "reserved opcode 0x3", False)]
    assert (client.data_to_send(), client.should_drop) == (b"", True)


@pytest.mark.parametrize("closing", [False, True])
def test_a_transport_that_ends_early_is_an_abnormal_closure(closing: bool) -> None:
    """Section 7.1.5: 1006, also if only we had closed; nothing is left to send for the closed state."""
    server = Connection(SERVER)
    if closing:
        server.close()
        server.data_to_send()
    server.feed(b"\x81")
    (event,) = server.feed_eof()
    assert isinstance(event, Closed)
    assert (event.code, event.clean, bool(event.reason)) == (1006, False, True)
    assert (server.should_drop, server.state, server.feed(b"\x80"), server.feed_eof()) == (
        True,
        State.CLOSED,
        [],
        [],
    )


VALID = {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}
CODES = [0, 1, 999, *range(1000, 1017), 1100, 2000, 2999, 3000, 3999, 4000, 4999, 5000, 65535]


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_accepted_as_the_registry_has_it(code: int) -> None:
    """Section 7.4: others on the wire are a protocol error, and none of them can be sent."""
    client, server = Connection(CLIENT), Connection(SERVER)
    events = client.feed(b"\x88\x02" + code.to_bytes(2, "big"))
    if code in VALID:
        assert events == [CloseReceived(code, ""), Closed(code, "", True)]
        server.close(code)
        assert server.data_to_send() == b"\x88\x02" + code.to_bytes(2, "big")
    else:
        assert events == [Closed(1002, f"close code {code} may not be sent", False)]
        with pytest.raises(PayloadError, match=f"close code {code} may not be sent; use 1000"):
            server.close(code)
        assert (server.state, server.data_to_send()) == (State.OPEN, b"")


def test_half_a_close_code_is_named_as_such() -> None:
    """Section 5.5.1: a body begins with two octets of code; the operator reads what was wrong."""
    client = Connection(CLIENT)
    assert client.feed(b"\x88\x01\x03") == [Closed(1002, "close frame with half a close code", False)]


def test_a_reason_alone_is_sent_with_1000() -> None:
    """The wire has no reason without a code (section 5.5.1)."""
    server = Connection(SERVER)
    server.close(reason="bye")
    assert server.data_to_send() == b"\x88\x05\x03\xe8bye"


@pytest.mark.parametrize(("reason", "sentence"), [("é" * 62, "takes 124 octets"), ("\ud800", "lone surrogates")])
def test_a_reason_that_cannot_be_sent_is_refused(reason: str, sentence: str) -> None:
    """Section 5.5: 123 octets of UTF-8; the connection stays open."""
    server = Connection(SERVER)
    with pytest.raises(PayloadError, match=sentence):
        server.close(1000, reason)
    assert server.state is State.OPEN
