"""The WebSocket connection: messages, fragments, control frames, violations, limits."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from waterspout.protocol.websocket import (
    CLIENT,
    SERVER,
    Closed,
    CloseReceived,
    Connection,
    ConnectionClosedError,
    Event,
    Message,
    PayloadError,
    Ping,
    Pong,
    Role,
    State,
)
from waterspout.protocol.websocket.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    apply_mask,
    build_frame_header,
)

KEY = b"\x37\xfa\x21\x3d"


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, masked: bool = True) -> bytes:
    """A frame as a client sends it, or a server."""
    header = build_frame_header(opcode, len(payload), masked, fin=fin)
    return header + KEY + apply_mask(payload, KEY) if masked else header + payload


def chopped(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def fed(conn: Connection, data: bytes, size: int = 1 << 30) -> list[Event]:
    return [event for piece in chopped(data, size) for event in conn.feed(piece)]


def exchange(sender: Connection, receiver: Connection) -> list[Event]:
    return receiver.feed(sender.data_to_send())


@pytest.mark.parametrize(("ours", "theirs"), [(CLIENT, SERVER), (SERVER, CLIENT)])
@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 200000])
def test_messages_cross_a_joined_pair_unchanged(ours: Role, theirs: Role, size: int) -> None:
    """Text and binary of every length form, in both directions."""
    sender, receiver = Connection(ours), Connection(theirs)
    messages: list[str | bytes] = ["é" * size, bytes(index % 251 for index in range(size)), ""]
    for message in messages:
        sender.send_message(message)
    assert exchange(sender, receiver) == [Message(message) for message in messages]
    assert receiver.data_to_send() == b""


def test_binary_may_be_sent_from_any_buffer() -> None:
    """``bytearray`` and ``memoryview`` are binary, and later changes to them do not reach the queue."""
    server, client = Connection(SERVER), Connection(CLIENT)
    buffer = bytearray(b"abc")
    server.send_message(buffer)
    server.send_message(memoryview(buffer)[1:])
    buffer[:] = b"xyz"
    assert exchange(server, client) == [Message(b"abc"), Message(b"bc")]


def test_input_may_come_in_any_buffer() -> None:
    """``bytearray`` and ``memoryview`` are read as ``bytes`` are, and may be reused."""
    server = Connection(SERVER)
    buffer = bytearray(frame(BINARY, b"abc"))
    assert server.feed(memoryview(buffer)[:4]) == []
    rest = buffer[4:]
    buffer[:] = bytes(len(buffer))
    assert server.feed(rest) == [Message(b"abc")]


def test_a_server_does_not_mask_and_a_client_does_with_a_fresh_key() -> None:
    """Sections 5.1 and 5.3."""
    server, client = Connection(SERVER), Connection(CLIENT)
    server.send_message("Hello")
    assert server.data_to_send() == b"\x81\x05Hello"
    sent = []
    for _ in range(4):
        client.send_message("Hello")
        sent.append(client.data_to_send())
    assert {octets[:2] for octets in sent} == {b"\x81\x85"}
    assert len({octets[2:6] for octets in sent}) == 4
    assert {apply_mask(octets[6:], octets[2:6]) for octets in sent} == {b"Hello"}


CONVERSATION = b"".join(
    (
        frame(TEXT, "h€llo".encode()),
        frame(TEXT, b"gr" + b"\xc3", fin=False),
        frame(PING, b"between"),
        frame(CONTINUATION, b"", fin=False),
        frame(PONG),
        frame(CONTINUATION, b"\xbc\xc3\x9fe"),
        frame(BINARY, bytes(130)),
        frame(BINARY, b"", fin=False),
        frame(CONTINUATION, b""),
        frame(TEXT),
        frame(CLOSE, b"\x03\xe9bye"),
    )
)
HEARD: list[Event] = [
    Message("h€llo"),
    Ping(b"between"),
    Pong(b""),
    Message("grüße"),
    Message(bytes(130)),
    Message(b""),
    Message(""),
    CloseReceived(1001, "bye"),
    Closed(1001, "bye", True),
]


@pytest.mark.parametrize("size", [*range(1, 30), len(CONVERSATION)])
def test_the_cuts_of_the_transport_do_not_show(size: int) -> None:
    """Every chopping gives the same events and the same answers."""
    server = Connection(SERVER)
    assert fed(server, CONVERSATION, size) == HEARD
    assert server.data_to_send() == b"\x8a\x07between" + b"\x88\x02\x03\xe9"


@pytest.mark.parametrize("cut", range(len(CONVERSATION)))
def test_one_cut_anywhere_does_not_show(cut: int) -> None:
    """Two pieces, cut at every octet."""
    server = Connection(SERVER)
    assert server.feed(CONVERSATION[:cut]) + server.feed(CONVERSATION[cut:]) == HEARD


def test_pings_are_answered_one_by_one_with_their_payload() -> None:
    """Section 5.5.3; a client masks its answers."""
    client, server = Connection(CLIENT), Connection(SERVER)
    payloads = [b"", b"\xff\x00", bytes(125)]
    assert client.feed(b"".join(frame(PING, payload, masked=False) for payload in payloads)) == [
        Ping(payload) for payload in payloads
    ]
    assert exchange(client, server) == [Pong(payload) for payload in payloads]


def test_an_unsolicited_pong_is_reported_and_not_answered() -> None:
    """Section 5.5.3."""
    server, client = Connection(SERVER), Connection(CLIENT)
    server.pong(b"alive")
    server.ping()
    assert exchange(server, client) == [Pong(b"alive"), Ping(b"")]
    assert exchange(client, server) == [Pong(b"")]


LONG = 1 << 20
VIOLATIONS: dict[str, tuple[bytes, int]] = {
    "unmasked": (frame(TEXT, b"x", masked=False), 1002),
    "reserved bit": (b"\xc1\x80" + KEY, 1002),
    "reserved data opcode": (b"\x83\x80" + KEY, 1002),
    "reserved control opcode": (b"\x8b\x80" + KEY, 1002),
    "fragmented ping": (frame(PING, fin=False), 1002),
    "long ping": (frame(PING, bytes(126)), 1002),
    "length not shortest": (b"\x81\xfe\x00\x05" + KEY, 1002),
    "length over 63 bits": (b"\x82\xff\x80" + bytes(7) + KEY, 1002),
    "stray continuation": (frame(CONTINUATION, b"x"), 1002),
    "stray empty continuation": (frame(CONTINUATION, fin=False), 1002),
    "text within a message": (frame(BINARY, b"x", fin=False) + frame(TEXT, b"x"), 1002),
    "binary fragment within a message": (frame(TEXT, b"x", fin=False) + frame(BINARY, b"x", fin=False), 1002),
    "continuation after the end": (frame(TEXT, b"x", fin=False) + frame(CONTINUATION) * 2, 1002),
    "half a close code": (frame(CLOSE, b"\x03"), 1002),
    "bad text": (frame(TEXT, b"\xff"), 1007),
    "unfinished text": (frame(TEXT, b"ok\xc3"), 1007),
    "text unfinished over fragments": (frame(TEXT, b"\xe2", fin=False) + frame(CONTINUATION, b"\x82"), 1007),
    "text finished wrongly": (frame(TEXT, b"\xe2\x82", fin=False) + frame(CONTINUATION, b"x"), 1007),
    "bad close reason": (frame(CLOSE, b"\x03\xe8\xff"), 1007),
    "unfinished close reason": (frame(CLOSE, b"\x03\xe8\xc3"), 1007),
    "long frame": (frame(BINARY, bytes(LONG + 1)), 1009),
    "long header alone": (build_frame_header(TEXT, 1 << 60, True) + KEY, 1009),
    "long message": (frame(TEXT, b"x" * LONG, fin=False) + frame(CONTINUATION, b"x"), 1009),
}


@pytest.mark.parametrize("size", [1, 7, 1 << 30], ids=["octet by octet", "by seven", "whole"])
@pytest.mark.parametrize(("octets", "code"), VIOLATIONS.values(), ids=VIOLATIONS)
def test_a_violation_is_answered_with_its_code_and_ends_reading(octets: bytes, code: int, size: int) -> None:
    """Section 7.1.7: Close, Closed, and nothing that follows is read."""
    server, client = Connection(SERVER, max_message_size=LONG), Connection(CLIENT)
    if len(octets) > LONG and size < 7:
        size = 4093
    events = fed(server, octets + frame(PING, b"ignored") + frame(CLOSE), size)
    reason = events[-1].reason if isinstance(events[-1], Closed) else ""
    assert [event for event in events if not isinstance(event, Message)] == [Closed(code, reason, False)]
    assert reason
    assert (server.state, server.should_drop) == (State.CLOSED, True)
    assert exchange(server, client) == [CloseReceived(code, reason), Closed(code, reason, True)]
    assert (server.feed(frame(TEXT, b"x")), server.feed_eof(), server.data_to_send()) == ([], [], b"")


def test_a_client_refuses_a_masked_frame() -> None:
    """Section 5.1."""
    client = Connection(CLIENT)
    assert client.feed(frame(TEXT, b"x")) == [Closed(1002, "masked frame from a server", False)]
    assert client.should_drop


def test_events_before_a_violation_are_kept() -> None:
    """A violation takes nothing back."""
    server = Connection(SERVER)
    events = server.feed(frame(TEXT, b"a") + frame(PING) + frame(TEXT, b"\xff"))
    assert events[:2] == [Message("a"), Ping(b"")]
    assert [type(event) for event in events[2:]] == [Closed]


@pytest.mark.parametrize("frames", [1, 2], ids=["in a frame", "in a fragment"])
def test_bad_text_fails_at_its_first_bad_octet(frames: int) -> None:
    """Section 8.1: within a frame whose rest has not come, and before the message's last fragment."""
    server = Connection(SERVER)
    start = frame(TEXT, b"ok", fin=False) if frames == 2 else b""
    opcode = CONTINUATION if frames == 2 else TEXT
    header = build_frame_header(opcode, 100, True) + KEY
    assert server.feed(start + header + apply_mask(b"good \xf4", KEY)) == []
    assert server.feed(bytes((0x90 ^ KEY[2],))) == [Closed(1007, "text message is not UTF-8", False)]


def test_bad_text_fails_at_the_end_of_a_fragment_that_is_not_the_last() -> None:
    """An unfinished character is carried over, a wrong one is not."""
    server = Connection(SERVER)
    assert server.feed(frame(TEXT, b"\xe2\x82", fin=False)) == []
    assert server.feed(frame(CONTINUATION, b"\xc0", fin=False)) == [Closed(1007, "text message is not UTF-8", False)]


def test_binary_is_not_checked_after_text() -> None:
    """The kind of a message ends with it."""
    server = Connection(SERVER)
    data = frame(TEXT, b"a", fin=False) + frame(CONTINUATION, b"b")
    data += frame(BINARY, b"\xff", fin=False) + frame(CONTINUATION, b"\xff")
    assert server.feed(data) == [Message("ab"), Message(b"\xff\xff")]


def test_a_message_of_the_limit_passes_and_the_limit_starts_anew_with_each() -> None:
    """Section 10.4: the limit is of one message, its fragments counted."""
    server = Connection(SERVER, max_message_size=10)
    fragments = frame(BINARY, bytes(4), fin=False) + frame(CONTINUATION, bytes(6))
    assert server.feed(frame(BINARY, bytes(10)) + fragments * 2) == [Message(bytes(10))] * 3


def test_the_limit_does_not_wait_for_the_payload() -> None:
    """The announced length decides; what was stored is no more than what was allowed."""
    server = Connection(SERVER, max_message_size=10)
    assert server.feed(frame(BINARY, bytes(4), fin=False)) == []
    events = server.feed(build_frame_header(CONTINUATION, 7, True) + KEY)
    assert events == [Closed(1009, "message is longer than 10 octets", False)]


def test_input_octet_by_octet_is_not_held_back() -> None:
    """What waits for more octets is less than a control frame, so that the work stays linear."""
    server = Connection(SERVER)
    held = []
    for piece in chopped(frame(TEXT, b"x" * 3000) + frame(PING, bytes(125)) + frame(TEXT, b"y"), 1):
        server.feed(piece)
        held.append(len(server._pending))
    assert max(held) < 2 + 4 + 125


def test_many_small_fragments_take_no_more_memory_than_the_message() -> None:
    """A hundred thousand fragments of one octet, and as many empty ones."""
    server = Connection(SERVER)
    server.feed(frame(TEXT, b"", fin=False))
    burst = (frame(CONTINUATION, b"x", fin=False) + frame(CONTINUATION, b"", fin=False)) * 1000
    tracemalloc.start()
    try:
        for _ in range(20):
            assert server.feed(burst) == []
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 200_000
    assert server.feed(frame(CONTINUATION, b"!")) == [Message("x" * 20000 + "!")]


def test_an_oversized_control_payload_is_refused_with_what_to_do() -> None:
    """Section 5.5; nothing is queued."""
    server = Connection(SERVER)
    for send in (server.ping, server.pong):
        with pytest.raises(PayloadError, match="126 octets; a control frame takes 125 at most"):
            send(bytes(126))
    assert server.data_to_send() == b""


def test_text_that_utf8_cannot_express_is_refused() -> None:
    """A lone surrogate, in a message; nothing is queued."""
    server = Connection(SERVER)
    with pytest.raises(PayloadError, match="lone surrogates"):
        server.send_message("\ud800")
    assert server.data_to_send() == b""


@pytest.mark.parametrize("how", ["close", "peer", "violation", "eof"])
def test_nothing_is_sent_after_the_closing_has_begun(how: str) -> None:
    """Section 5.5.1; whoever began it, and if the transport ended."""
    server = Connection(SERVER)
    if how == "close":
        server.close()
    elif how == "eof":
        server.feed_eof()
    else:
        server.feed(frame(CLOSE) if how == "peer" else frame(TEXT, b"\xff"))
    server.data_to_send()
    for send in (server.send_message, server.ping, server.pong):
        with pytest.raises(ConnectionClosedError, match="can be sent any more"):
            send(b"x")
    server.close(1000)
    assert server.data_to_send() == b""
