"""Messages under permessage-deflate: what is compressed and inflated, and what that may cost."""

from __future__ import annotations

import itertools
import os
import random
import tracemalloc
import zlib

import pytest

from waterspout.protocol.websocket import (
    CLIENT,
    SERVER,
    Closed,
    Connection,
    DeflateOptions,
    Event,
    Message,
    Parameters,
    make_codecs,
)
from waterspout.protocol.websocket.deflate import TAIL, Deflater, Inflater
from waterspout.protocol.websocket.errors import ProtocolViolation
from waterspout.protocol.websocket.frames import BINARY, CONTINUATION, PING, RSV1, TEXT, build_frame_header

LIMIT = 10 * 1024 * 1024
HELLO = bytes.fromhex("f248cdc9c90700")
TEXTS = [b"Hello", b"", b"Hello", b"a" * 100_000, bytes(range(256)) * 300, b"Hello"]


def inflated(inflater: Inflater, data: bytes, limit: int = LIMIT) -> bytes:
    output = bytearray()
    inflater.inflate(data, output, limit)
    inflater.finish(output, limit)
    return bytes(output)


def pair(agreed: Parameters = Parameters(), limit: int = LIMIT) -> tuple[Connection, Connection]:  # noqa: B008
    options = DeflateOptions()
    client = Connection(CLIENT, max_message_size=limit, deflate=make_codecs(agreed, options, for_server=False))
    server = Connection(SERVER, max_message_size=limit, deflate=make_codecs(agreed, options, for_server=True))
    return client, server


def frame(opcode: int, payload: bytes, *, fin: bool = True, reserved: int = 0) -> bytes:
    """A frame of a server, which is not masked."""
    return build_frame_header(opcode, len(payload), False, fin=fin, reserved=reserved) + payload


def compressed(payload: bytes, opcode: int = TEXT) -> bytes:
    return frame(opcode, payload, reserved=RSV1)


def fed(*frames: bytes, limit: int = LIMIT, agreed: Parameters = Parameters()) -> list[Event]:  # noqa: B008
    return pair(agreed, limit)[0].feed(b"".join(frames))


@pytest.mark.parametrize("bits", range(8, 16))
@pytest.mark.parametrize("takeover", [False, True])
def test_messages_come_back_within_the_agreed_window(bits: int, takeover: bool) -> None:
    """A decompressor with exactly that window reads all of them; without takeover each by itself."""
    deflater = Deflater(bits, takeover)
    noise = random.Random(bits).randbytes(300)
    ours, theirs = Inflater(bits, takeover), zlib.decompressobj(-bits)
    for content in [*TEXTS, noise * 400, noise]:
        payload = deflater.compress(content)
        if not takeover:
            theirs = zlib.decompressobj(-bits)
        assert theirs.decompress(payload + TAIL) == content
        assert inflated(ours, payload) == content


def test_takeover_makes_repeated_messages_short() -> None:
    """Section 7.2.3.2: the second message refers to the first, and only with takeover."""
    taken, fresh = Deflater(15, True), Deflater(15, False)
    assert [taken.compress(b"Hello"), taken.compress(b"Hello")] == [HELLO, bytes.fromhex("f200110000")]
    assert [fresh.compress(b"Hello"), fresh.compress(b"Hello")] == [HELLO, HELLO]


EXAMPLES = {
    "one block": HELLO,
    "stored": bytes.fromhex("000500faff48656c6c6f00"),
    "last block": bytes.fromhex("f348cdc9c9070000"),
    "two blocks": bytes.fromhex("f248050000 00ffffcac9c90700"),
}


@pytest.mark.parametrize("payload", EXAMPLES.values(), ids=EXAMPLES)
def test_the_examples_of_the_rfc_say_hello(payload: bytes) -> None:
    """Sections 7.2.3.1 to 7.2.3.5, whole and octet by octet, and again in the same window."""
    inflater = Inflater(15, True)
    output = bytearray()
    for octet in payload:
        inflater.inflate(bytes([octet]), output, LIMIT)
    inflater.finish(output, LIMIT)
    assert output == b"Hello"
    assert inflated(inflater, payload) == b"Hello"


def test_what_follows_a_last_block_may_refer_to_the_message_before_it() -> None:
    """Section 7.2.1 lets a sender mix last blocks with others; the window is the message's."""
    first = zlib.compressobj(6, zlib.DEFLATED, -15)
    second = zlib.compressobj(6, zlib.DEFLATED, -15, zdict=b"Hello, Hello")
    payload = first.compress(b"Hello, Hello") + first.flush() + second.compress(b"Hello, Hello")
    payload += second.flush(zlib.Z_SYNC_FLUSH)[: -len(TAIL)]
    assert inflated(Inflater(15, True), payload) == b"Hello, Hello" * 2


BROKEN = {
    "nothing": b"",
    "reserved block type": b"\x06",
    "noise": b"\xff" * 20,
    "cut": HELLO[:-3],
    "cut in a stored block": bytes.fromhex("000500faff4865"),
    "too far back": bytes.fromhex("f200110000"),
    "garbage behind": HELLO + b"\xff\xff\xff",
    "garbage behind a last block": bytes.fromhex("f348cdc9c90700") + b"\x07\x07",
}


@pytest.mark.parametrize("payload", BROKEN.values(), ids=BROKEN)
def test_broken_data_closes_with_1007(payload: bytes) -> None:
    """Neither a wrong message nor half of one is handed on."""
    events = fed(compressed(payload))
    assert [(type(event), event.code) for event in events if isinstance(event, Closed)] == [(Closed, 1007)]
    assert len(events) == 1


def test_references_beyond_the_agreed_window_close_with_1007() -> None:
    """What was agreed on is what memory is kept for."""
    deflater, content = Deflater(15, True), random.Random(1).randbytes(1000)
    frames = [compressed(deflater.compress(content), BINARY), compressed(deflater.compress(content[:300]), BINARY)]
    assert fed(*frames) == [Message(content), Message(content[:300])]
    events = fed(*frames, agreed=Parameters(server_max_window_bits=9))
    assert events == [Message(content), Closed(1007, "compressed message is not DEFLATE data", False)]


@pytest.mark.parametrize("cuts", [1, 7, 1 << 20])
def test_fragments_are_one_stream(cuts: int) -> None:
    """Only the first frame has the bit; text is checked after inflating, where characters may be cut."""
    content = "日本語 🎉 " * 50
    payload = Deflater(15, True).compress(content.encode())
    pieces = [payload[start : start + cuts] for start in range(0, len(payload), cuts)]
    frames = [
        frame(CONTINUATION if number else TEXT, piece, fin=False, reserved=0 if number else RSV1)
        for number, piece in enumerate(pieces)
    ]
    stream = b"".join([*frames[:1], frame(PING, b"x"), *frames[1:], frame(CONTINUATION, b"")])
    client = pair()[0]
    events = [event for octet in stream for event in client.feed(bytes([octet]))]
    assert [event for event in events if isinstance(event, Message)] == [Message(content)]


@pytest.mark.parametrize(
    "frames",
    [
        [frame(PING, b"", reserved=RSV1)],
        [frame(TEXT, b"a", fin=False), frame(CONTINUATION, b"b", reserved=RSV1)],
        [frame(TEXT, HELLO, fin=False, reserved=RSV1), frame(CONTINUATION, b"", reserved=RSV1)],
        [frame(TEXT, HELLO, reserved=RSV1 | 0x20)],
    ],
)
def test_the_bit_belongs_to_the_first_frame_of_a_message(frames: list[bytes]) -> None:
    """Section 6.1: elsewhere it fails the connection, and so do the other reserved bits."""
    assert [event.code for event in fed(*frames) if isinstance(event, Closed)] == [1002]


def test_text_is_checked_before_the_message_ends() -> None:
    """The first bad octet fails the connection, inflated from a fragment."""
    payload = Deflater(15, True).compress(b"good \xff bad")
    events = fed(frame(TEXT, payload, fin=False, reserved=RSV1))
    assert events == [Closed(1007, "text message is not UTF-8", False)]


def test_a_message_as_long_as_the_limit_is_let_through() -> None:
    """The limit counts what comes out, though what came in is longer."""
    content = os.urandom(50_000)
    payload = Deflater(15, True, level=0).compress(content)
    assert len(payload) > len(content)
    assert fed(compressed(payload, BINARY), limit=len(content)) == [Message(content)]
    assert fed(compressed(payload, BINARY), limit=len(content) - 1) == [
        Closed(1009, "message is longer than 49999 octets", False)
    ]


def test_a_compressed_frame_that_announces_far_more_than_the_limit_is_not_awaited() -> None:
    """No encoder makes messages that much longer."""
    client = pair(limit=1000)[0]
    header = build_frame_header(TEXT, 1 << 30, False, reserved=RSV1)
    assert client.feed(header) == [Closed(1009, "message is longer than 1000 octets", False)]


@pytest.mark.parametrize("size", [1, 64, 1 << 20])
def test_a_bomb_closes_with_1009_before_memory_grows(size: int) -> None:
    """A thousandfold message is inflated up to the limit only."""
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    payload = b"".join(bomb.compress(bytes(1 << 20)) for _ in range(8)) + bomb.flush(zlib.Z_SYNC_FLUSH)[:-4]
    client = pair(limit=100_000)[0]
    stream = compressed(payload, BINARY)
    tracemalloc.start()
    try:
        events = [event for start in range(0, len(stream), size) for event in client.feed(stream[start : start + size])]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert events == [Closed(1009, "message is longer than 100000 octets", False)]
    assert peak < 2_000_000


def test_a_flood_of_last_blocks_is_stopped() -> None:
    """Each costs a new window, so that there may be a thousand of them, not millions."""
    assert fed(compressed(b"\x03\x00" * 1000 + b"\x00", BINARY)) == [Message(b"")]
    events = fed(compressed(b"\x03\x00" * 5000 + b"\x00", BINARY))
    assert events == [Closed(1007, "compressed message consists of too many streams", False)]


@pytest.mark.parametrize(
    "agreed",
    [
        Parameters(*flags, *bits)
        for flags in itertools.product([False, True], repeat=2)
        for bits in [(15, 15), (8, 9), (9, 8)]
    ],
)
def test_both_roles_understand_each_other(agreed: Parameters) -> None:
    """Each message arrives in both directions, compressed or not."""
    client, server = pair(agreed)
    contents: list[str | bytes] = ["text", b"binary", "", b"", "text" * 1000, b"binary" * 5000, os.urandom(2000)]
    for sender, receiver in ((client, server), (server, client)):
        for content, compress in itertools.product(contents, [True, False]):
            sender.send_message(content, compress)
        assert receiver.feed(sender.data_to_send()) == [Message(content) for content in contents for _ in range(2)]


def test_a_message_can_be_sent_as_it_is() -> None:
    """Section 6.1: RSV1 tells which one was compressed; the window does not change in between."""
    _, server = pair()
    server.send_message("Hello")
    server.send_message("Hello", compress=False)
    server.send_message("Hello")
    assert server.data_to_send() == compressed(HELLO) + frame(TEXT, b"Hello") + compressed(bytes.fromhex("f200110000"))


def test_what_compressing_would_lengthen_is_sent_as_it_is_where_no_window_is_kept() -> None:
    """With takeover it has to be sent compressed: the next message may refer to it."""
    content = random.Random(2).randbytes(100)
    for agreed, bit in ((Parameters(), RSV1), (Parameters(server_no_context_takeover=True), 0)):
        _, server = pair(agreed)
        server.send_message(content)
        assert server.data_to_send()[0] & RSV1 == bit


def test_without_an_agreement_the_bit_fails_the_connection() -> None:
    """RFC 6455 section 5.2: no extension defines it."""
    assert Connection(CLIENT).feed(compressed(HELLO)) == [
        Closed(1002, "reserved bit set without an extension that defines it", False)
    ]


def test_inflating_twice_after_a_limit_does_not_happen() -> None:
    """The violation is raised as soon as the output is an octet longer than the limit."""
    output = bytearray()
    with pytest.raises(ProtocolViolation, match="longer than 10 octets"):
        Inflater(15, True).inflate(Deflater(15, True).compress(bytes(5000)), output, 10)
    assert len(output) == 11
