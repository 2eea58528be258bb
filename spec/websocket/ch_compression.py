"""Compression: messages under permessage-deflate

Where both sides agreed on it, the first reserved bit in the first frame of a message says that the message is
compressed. The payload of its frames, put together, is DEFLATE data (RFC 1951) that ends with an empty stored block,
of which the last four bytes are left out. Both sides may at any time send a message as it is, without the bit; such a
message does not touch what they remember. Control frames and later fragments never have the bit.

What a message refers back to may lie in the message before it, as long as nothing else was agreed on. So a receiver
keeps the last 32 KiB that it inflated, and inflates every message in that window. A sender that agreed to forget, or
to look less far back, is held to it: the suite inflates with a window of exactly that size, new for each message where
that was agreed on. A window of 15 bits after an agreement on 9 works with any careless receiver, until it meets one
that took the agreement seriously.

There are many ways to write the same content: stored, with fixed and with dynamic codes, in several blocks, some of
them marked as the last. A receiver takes all of them. Data that is none of these, or that stops inside a block, fails
the connection; the RFC names no code for it. 1007 says what is the matter, payload that does not fit its type, and 1002
is as good. What must not happen is that half a message, or a wrong one, is passed on.

The rules for messages hold after inflating: text is UTF-8 then, and the limit counts the bytes that come out. A
kilobyte can stand for a megabyte, so whoever inflates first and counts later can be made to run out of memory. The
connection ends with 1009 instead, as for any other message that is too long. The fixture's limit is 20 MiB.
"""

from __future__ import annotations

import functools
import random
import zlib
from typing import Any

from conformance import each, labelled, must, rfc, should
from conformance.wire.ws import Compression, close, compressed, cont, deflated, fragments, frame, ping, text

NEEDS = ("deflate",)
MIB = 1024 * 1024
HELLO = bytes.fromhex("f248cdc9c90700")
#: The examples of RFC 7692, section 7.2.3, all of which stand for "Hello".
EXAMPLES = [
    labelled("fixed-codes", HELLO),
    labelled("stored", bytes.fromhex("000500faff48656c6c6f00")),
    labelled("marked-last", bytes.fromhex("f348cdc9c9070000")),
    labelled("two-blocks", bytes.fromhex("f248050000 00ffffcac9c90700")),
]
#: Payloads that no decompressor can take.
BROKEN = [
    labelled("reserved-block-type", b"\x06"),
    labelled("noise", b"\xff" * 20),
    labelled("stored-length-mismatch", bytes.fromhex("000500ffff48656c6c6f00")),
    labelled("reference-before-the-start", bytes.fromhex("f200110000")),
    labelled("fault-behind-content", HELLO + b"\xff\xff\xff"),
    labelled("not-compressed-at-all", b"Hello, world"),
]


def noise(length: int, seed: int = 1) -> bytes:
    """Return bytes without any order, the same ones each time."""
    return random.Random(seed).randbytes(length)


@functools.cache
def bomb(size: int) -> bytes:
    """Return a payload that stands for ``size`` zeros."""
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return stream.compress(bytes(size)) + stream.flush(zlib.Z_SYNC_FLUSH)[:-4]


# -- messages in both directions --------------------------------------------------------------------------------------


@must(
    "websocket.deflate.echo",
    "Compressed messages are inflated, and come back with the same type and content.",
    rfc(7692, "5", "RFC7692-5-13"),
    rfc(7692, "6.1", "RFC7692-6.1-1"),
    rfc(7692, "6.2", "RFC7692-6.2-1"),
    rfc(7692, "7.2.1", "RFC7692-7.2.1-i1", "RFC7692-7.2.1-i2", "RFC7692-7.2.1-4", "RFC7692-7.2.1-5"),
    rfc(7692, "7.2.2", "RFC7692-7.2.2-i1"),
    needs=NEEDS,
)
@each(length=[0, 1, 126, 1000, 70000])
def test_deflate_echo(ws: Any, length: int) -> None:
    content, codec = ("zażółć 🎉 " * (length // 8 + 1))[:length], Compression()
    ws.open_deflate().send(codec.message(content)).expect_text(content)
    ws.send(codec.message(noise(length))).expect_binary(noise(length)).expect_alive()


@must(
    "websocket.deflate.many-messages",
    "A long conversation stays in step: every message comes back with its own content, in order.",
    rfc(7692, "7.2.2", "RFC7692-7.2.2-4"),
    rfc(7692, "7.2.1", "RFC7692-7.2.1-6"),
    needs=NEEDS,
)
def test_deflate_many_messages(ws: Any) -> None:
    codec = Compression()
    contents = [f"message {number} " * (number % 13) + noise(30, number).hex() for number in range(40)]
    ws.open_deflate().send(*[codec.message(content) for content in contents])
    for content in contents:
        ws.expect_text(content)
    ws.expect_alive()


@must(
    "websocket.deflate.plain-between",
    "Messages without the bit are taken as they are, and change nothing for those that refer back.",
    rfc(7692, "6.1", "RFC7692-6.1-2"),
    rfc(7692, "6.2", "RFC7692-6.2-2"),
    rfc(7692, "6", "RFC7692-6-i1"),
    needs=NEEDS,
)
def test_deflate_plain_between(ws: Any) -> None:
    codec, content = Compression(), noise(200).hex()
    ws.open_deflate().send(codec.message(content), text("not compressed"), codec.message(content))
    ws.expect_text(content).expect_text("not compressed").expect_text(content).expect_alive()


@should(
    "websocket.deflate.used",
    "A message that compresses well is sent compressed, since that was agreed on.",
    rfc(7692, "6.1", "RFC7692-6.1-1"),
    needs=NEEDS,
)
def test_deflate_used(ws: Any) -> None:
    content = "as long as it is tedious, " * 200
    ws.open_deflate().send(deflated(content)).expect_text(content).expect_shorter().expect_alive()


@must(
    "websocket.deflate.bit-sent",
    "The bit stands in the first frame of a message only: never in a pong, a close frame or a later fragment.",
    rfc(7692, "6.1", "RFC7692-6.1-3"),
    needs=NEEDS,
)
def test_deflate_bit_sent(ws: Any) -> None:
    # The suite's reader fails the case at the first frame with the bit where it does not belong.
    content = noise(33000).hex()
    ws.open_deflate().send(deflated(content), ping(b"and this")).expect_text(content).expect_pong(b"and this")
    ws.send(close(1000)).expect_close(...).expect_end()


# -- fragments and forms ----------------------------------------------------------------------------------------------


@must(
    "websocket.deflate.fragments",
    "The fragments of a compressed message are put together before it is inflated; they may be cut anywhere.",
    rfc(7692, "6.2", "RFC7692-6.2-1"),
    rfc(6455, "5.4", "RFC6455-5.4-3"),
    needs=NEEDS,
)
@each(
    sizes=[
        labelled("two", [3]),
        labelled("one-byte-each", [1] * 60),
        labelled("first-empty", [0, 5]),
        labelled("last-empty", [10000]),
        labelled("empty-between", [4, 0, 0, 4]),
    ]
)
def test_deflate_fragments(ws: Any, sizes: list[int]) -> None:
    content = "fragments of fragments, 🎉 " + noise(20).hex()
    ws.open_deflate().send(*fragments(Compression().payload(content), sizes)).expect_text(content).expect_alive()


@must(
    "websocket.deflate.ping-between",
    "A ping between the fragments of a compressed message is answered at once.",
    rfc(6455, "5.4", "RFC6455-5.4-5"),
    rfc(7692, "6.2", "RFC7692-6.2-1"),
    needs=NEEDS,
)
def test_deflate_ping_between(ws: Any) -> None:
    first, last = fragments(HELLO, [3])
    ws.open_deflate().send(first, ping(b"now")).expect_pong(b"now").send(last).expect_text("Hello").expect_alive()


@must(
    "websocket.deflate.every-form",
    "Stored blocks, fixed codes, several blocks and blocks marked as the last one stand for the same content.",
    rfc(7692, "6.2", "RFC7692-6.2-1"),
    rfc(7692, "7.2.2", "RFC7692-7.2.2-i1"),
    needs=NEEDS,
)
@each(payload=EXAMPLES)
def test_deflate_every_form(ws: Any, payload: bytes) -> None:
    ws.open_deflate().send(compressed(payload), compressed(payload), deflated("and on"))
    ws.expect_text("Hello").expect_text("Hello").expect_text("and on").expect_alive()


@must(
    "websocket.deflate.empty",
    "An empty message may be compressed: one byte, the head of an empty block. It may be a last fragment, too.",
    rfc(7692, "7.2.2", "RFC7692-7.2.2-i1"),
    rfc(7692, "6.2", "RFC7692-6.2-1"),
    needs=NEEDS,
)
def test_deflate_empty(ws: Any) -> None:
    ws.open_deflate().send(compressed(b"\x00"), compressed(b"\x00", opcode=2)).expect_text("").expect_binary(b"")
    flushed = HELLO + b"\x00\x00\xff\xff"
    ws.send(compressed(flushed, fin=False), frame(0, b"\x00")).expect_text("Hello").expect_alive()


# -- windows ----------------------------------------------------------------------------------------------------------


@must(
    "websocket.deflate.takeover-received",
    "A message may refer to those before it, also when the client only hinted that it would not.",
    rfc(7692, "7.2.2", "RFC7692-7.2.2-4", "RFC7692-7.2.2-5"),
    needs=NEEDS,
)
def test_deflate_takeover_received(ws: Any) -> None:
    content, codec = noise(300), Compression()
    ws.open_deflate()
    for length in (300, 200, 300):
        ws.send(codec.message(content[:length])).expect_binary(content[:length])
    ws.expect_alive()


@must(
    "websocket.deflate.full-window",
    "Where no smaller window was agreed on, a message may refer 32,768 bytes back, over the border of messages.",
    rfc(7692, "7.2.2", "RFC7692-7.2.2-9"),
    needs=NEEDS,
)
def test_deflate_full_window(ws: Any) -> None:
    content = noise(32768)
    # A stored block with the content, then fixed codes: length 3 at distance 32768, which is the first three bytes.
    stored = b"".join(
        b"\x00" + len(part).to_bytes(2, "little") + (len(part) ^ 0xFFFF).to_bytes(2, "little") + part
        for part in (content[:32767], content[32767:])
    )
    ws.open_deflate().send(compressed(stored + b"\x00", opcode=2)).expect_binary(content)
    ws.send(compressed(_far_reference(), opcode=2)).expect_binary(content[:3]).expect_alive()


def _far_reference() -> bytes:
    """Return a block of fixed codes that repeats three bytes from 32,768 bytes back, and the head of an empty one."""
    bits = "0" + "10" + "0000001" + "11101" + "1" * 13 + "0000000" + "000"
    padded = bits + "0" * (-len(bits) % 8)
    return bytes(int(padded[start : start + 8][::-1], 2) for start in range(0, len(padded), 8))


@must(
    "websocket.deflate.server-window-kept",
    "A server that agreed to a smaller window never refers further back than that, in a message or between two.",
    rfc(7692, "7.2.1", "RFC7692-7.2.1-14"),
    needs=NEEDS,
)
@each(bits=[8, 9, 10])
def test_deflate_server_window_kept(ws: Any, bits: int) -> None:
    # What repeats just beyond the window, and just within a larger one. A server that declines is not bound.
    block = noise((1 << bits) + 40)
    ws.open(sec_websocket_extensions=f"permessage-deflate; server_max_window_bits={bits}").expect_agreed(
        may_decline=True
    )
    for content in (block, block, block[:200]):
        ws.send(frame(2, content)).expect_binary(content)
    ws.expect_alive()


@must(
    "websocket.deflate.server-takeover-kept",
    "A server that agreed to forget compresses every message by itself.",
    rfc(7692, "7.2.1", "RFC7692-7.2.1-10"),
    needs=NEEDS,
)
def test_deflate_server_takeover_kept(ws: Any) -> None:
    content = noise(300).hex()
    ws.open(sec_websocket_extensions="permessage-deflate; server_no_context_takeover").expect_agreed(may_decline=True)
    for _ in range(3):
        ws.send(text(content)).expect_text(content)
    ws.expect_alive()


@must(
    "websocket.deflate.client-window",
    "A client that agreed to a smaller window, or to forget, is understood.",
    rfc(7692, "5", "RFC7692-5-13"),
    needs=NEEDS,
)
@each(hint=["client_max_window_bits=9", "client_max_window_bits=12; client_no_context_takeover"])
def test_deflate_client_window(ws: Any, hint: str) -> None:
    ws.open_deflate(f"permessage-deflate; {hint}")
    for number in range(3):
        content = noise(700, number).hex()
        ws.send(Compression(bits=9).message(content)).expect_text(content)
    ws.expect_alive()


# -- faults -----------------------------------------------------------------------------------------------------------


@must(
    "websocket.deflate.bit-on-continuation",
    "The bit in a later fragment fails the connection, whether the message was compressed or not.",
    rfc(7692, "6.1", "RFC7692-6.1-4"),
    needs=NEEDS,
)
@each(first=[labelled("compressed", compressed(HELLO[:3], fin=False)), labelled("plain", text("hel", fin=False))])
def test_deflate_bit_on_continuation(ws: Any, first: Any) -> None:
    ws.open_deflate().send(first, frame(0, HELLO[3:], rsv=0b100)).must_fail(1002)


@must(
    "websocket.deflate.bit-on-control",
    "The bit in a control frame fails the connection; the frame is not answered first.",
    rfc(7692, "6.1", "RFC7692-6.1-4"),
    needs=NEEDS,
)
@each(opcode=[labelled("close", 8), labelled("ping", 9), labelled("pong", 10)])
def test_deflate_bit_on_control(ws: Any, opcode: int) -> None:
    ws.open_deflate().send(frame(opcode, b"\x03\xe8", rsv=0b100)).must_fail(1002)


@must(
    "websocket.deflate.other-bits",
    "The other reserved bits still have no meaning and fail the connection.",
    rfc(6455, "5.2", "RFC6455-5.2-3"),
    needs=NEEDS,
)
@each(rsv=[0b110, 0b101, 0b010, 0b001])
def test_deflate_other_bits(ws: Any, rsv: int) -> None:
    ws.open_deflate().send(frame(1, HELLO, rsv=rsv)).must_fail(1002)


@must(
    "websocket.deflate.broken",
    "Data that cannot be inflated fails the connection; nothing of the message is passed on.",
    rfc(7692, "6.2", "RFC7692-6.2-1"),
    rfc(6455, "10.7", "RFC6455-10.7-1"),
    needs=NEEDS,
)
@each(payload=BROKEN)
def test_deflate_broken(ws: Any, payload: bytes) -> None:
    ws.open_deflate().send(compressed(payload)).must_fail(1007, 1002)


@should(
    "websocket.deflate.cut-off",
    "Data that stops inside a block fails the connection; the half that could be read is not passed on.",
    rfc(7692, "7.2.2", "RFC7692-7.2.2-i1"),
    needs=NEEDS,
)
@each(
    payload=[
        labelled("inside-codes", Compression().payload("half a message is worse than none")[:20]),
        labelled("inside-stored", bytes.fromhex("000500faff4865")),
        labelled("nothing", b""),
    ]
)
def test_deflate_cut_off(ws: Any, payload: bytes) -> None:
    ws.open_deflate().send(compressed(payload)).must_fail(1007, 1002)


@must(
    "websocket.deflate.text-is-utf8",
    "Text has to be UTF-8 when it is inflated; that its compressed form is not does no harm.",
    rfc(6455, "8.1", "RFC6455-8.1-1"),
    rfc(7692, "6.2", "RFC7692-6.2-1"),
    needs=NEEDS,
)
@each(content=[b"a\xffb", b"\xed\xa0\x80", b"cut \xf0\x9f\x8e"])
def test_deflate_text_is_utf8(ws: Any, content: bytes) -> None:
    ws.open_deflate().send(deflated("żółw")).expect_text("żółw")
    ws.send(compressed(Compression().payload(content))).must_fail(1007)


# -- limits -----------------------------------------------------------------------------------------------------------


@must(
    "websocket.deflate.limit-within",
    "A message below the limit comes back, however short its compressed form is.",
    rfc(7692, "6.2", "RFC7692-6.2-1"),
    rfc(6455, "10.4", "RFC6455-10.4-1"),
    needs=NEEDS,
)
def test_deflate_limit_within(ws: Any) -> None:
    # No longer than it must be: in a window below the largest one the suite inflates byte for byte.
    ws.open_deflate().send(compressed(bomb(MIB // 2), opcode=2)).expect_binary(bytes(MIB // 2)).expect_alive()


@must(
    "websocket.deflate.bomb",
    "A message that inflates to more than the limit fails the connection with 1009, whole or in fragments.",
    rfc(6455, "10.4", "RFC6455-10.4-1", "RFC6455-10.4-2"),
    rfc(6455, "7.4.1", "RFC6455-7.4.1-1"),
    needs=NEEDS,
)
@each(sizes=[labelled("whole", []), labelled("fragments", [4000, 8000])])
def test_deflate_bomb(ws: Any, sizes: list[int]) -> None:
    # Who inflates all of it before looking needs its time.
    ws.open_deflate().send(*fragments(bomb(24 * MIB), sizes, opcode=2)).must_fail(1009, within=8)


@should(
    "websocket.deflate.bomb-unfinished",
    "The limit is noticed while the message is still coming, not only at its end.",
    rfc(6455, "10.4", "RFC6455-10.4-2"),
    needs=NEEDS,
)
def test_deflate_bomb_unfinished(ws: Any) -> None:
    *unfinished, _ = fragments(bomb(24 * MIB), [12000, 11000], opcode=2)
    ws.open_deflate().send(*unfinished).must_fail(1009)


@must(
    "websocket.deflate.closing",
    "A close frame between the fragments of a compressed message is answered; the message is not.",
    rfc(6455, "5.5.1", "RFC6455-5.5.1-6"),
    rfc(6455, "5.4", "RFC6455-5.4-5"),
    needs=NEEDS,
)
def test_deflate_closing(ws: Any) -> None:
    ws.open_deflate().send(compressed(HELLO[:3], fin=False), close(1000), cont(HELLO[3:]))
    # The code of the answer is not at issue: some call the unfinished message a fault.
    ws.expect_close(...).expect_end()
