"""Frames: lengths, masks, reserved bits, opcodes, pings

After the opening handshake both sides speak in frames. A frame begins with two bytes. The first holds FIN (this frame
ends its message), three reserved bits and the opcode; the second holds MASK and seven bits of length. The lengths 126
and 127 announce that the real one follows in two or in eight bytes, most significant first. A client puts four bytes of
masking key behind that and changes every byte of the payload with them; a server must not mask.

There is one way to write each frame, and everything else is refused. A length that takes more bytes than it needs says
the same thing twice, a set reserved bit belongs to an extension that nobody agreed to, an unknown opcode has no meaning
yet. To fail the connection is the only answer: the RFC says that the server must close it, and should send a close
frame with the code first, 1002 for the faults of this chapter. So the close frame passes, a dropped connection is
judged lenient, and silence or any reaction to the bad data is a failure. Nothing may be answered behind the fault.

Control frames (close, ping, pong) are short: 125 bytes at most, and whole. A ping is answered by a pong with the same
bytes. A pong that nobody asked for is allowed and means nothing.

Servers tend to agree on the borders of the three length forms and to differ on what is merely wasteful: many accept a
length in a longer form than needed. The RFC binds the sender there; refusing is a recommendation of this chapter,
since two readers of one stream should not see the same frame differently.

Every case is sent whole, byte by byte, cut between the fields of the header, and joined with a ping that follows. The
contents that come back are compared, and at the end of a case the connection must still be in step.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from conformance import each, labelled, must, rfc, should
from conformance.wire.ws import binary, close, cont, frame, ping, pong, text

LENGTHS = [0, 1, 125, 126, 127, 128, 65535, 65536]
CONTROLS = [labelled("close", 8), labelled("ping", 9), labelled("pong", 10)]


@cache
def letters(length: int) -> str:
    """Return text in which every stretch looks different, so that no piece can stand for another."""
    return "".join(f"{number:x}." for number in range(length // 2 + 1))[:length]


@cache
def octets(length: int) -> bytes:
    """Return bytes of all values, most of them no UTF-8."""
    return bytes((number * 7 + number // 251) & 255 for number in range(length))


# -- lengths ----------------------------------------------------------------------------------------------------------


@must(
    "websocket.length.text",
    "A text message comes back unchanged at every border of the length forms.",
    rfc(6455, "5.2", "RFC6455-5.2-i2", "RFC6455-5.2-i3", "RFC6455-5.2-i4"),
    rfc(6455, "6.2", "RFC6455-6.2-1"),
)
@each(length=LENGTHS)
def test_length_text(ws: Any, length: int) -> None:
    ws.open().send(text(letters(length))).expect_text(letters(length)).expect_alive()


@must(
    "websocket.length.binary",
    "A binary message comes back unchanged at every border of the length forms, whatever its bytes.",
    rfc(6455, "5.2", "RFC6455-5.2-i2", "RFC6455-5.2-i3", "RFC6455-5.2-i4"),
    rfc(6455, "6.2", "RFC6455-6.2-1"),
)
@each(length=LENGTHS)
def test_length_binary(ws: Any, length: int) -> None:
    ws.open().send(binary(octets(length))).expect_binary(octets(length)).expect_alive()


@must(
    "websocket.length.shortest-sent",
    "The server writes every length in the fewest bytes that hold it.",
    rfc(6455, "5.2", "RFC6455-5.2-6"),
)
@each(length=[0, 125, 126, 65535, 65536])
def test_length_shortest_sent(ws: Any, length: int) -> None:
    # The suite's reader fails the case at the first frame with a longer form.
    ws.open().send(binary(octets(length))).expect_binary(octets(length))


@should(
    "websocket.length.longer-form",
    "A length in a longer form than it needs fails the connection with 1002.",
    rfc(6455, "5.2", "RFC6455-5.2-6"),
    rfc(6455, "10.7", "RFC6455-10.7-1"),
)
@each(form=[16, 64])
def test_length_longer_form(ws: Any, form: int) -> None:
    ws.open().send(frame(1, b"hello", length_form=form)).must_fail(1002)


@should(
    "websocket.length.longer-form-border",
    "The largest length of a shorter form, written in the next longer one, fails the connection with 1002.",
    rfc(6455, "5.2", "RFC6455-5.2-6"),
    rfc(6455, "10.7", "RFC6455-10.7-1"),
)
@each(length=[labelled("125-in-16", (125, 16)), labelled("65535-in-64", (65535, 64))])
def test_length_longer_form_border(ws: Any, length: tuple[int, int]) -> None:
    size, form = length
    ws.open().send(frame(2, octets(size), length_form=form)).must_fail(1002)


@must(
    "websocket.length.top-bit",
    "A length in eight bytes whose first bit is set fails the connection.",
    rfc(6455, "5.2", "RFC6455-5.2-5"),
)
@each(length=[labelled("0", 0), labelled("65536", 65536)])
def test_length_top_bit(ws: Any, length: int) -> None:
    # Without that bit the second one would be a right frame.
    ws.open().send(frame(2, octets(length), length_form=64, length=(1 << 63) + length)).must_fail(1002, 1009)


# -- masks ------------------------------------------------------------------------------------------------------------


@must(
    "websocket.mask.removed",
    "The server removes the mask: byte i of the payload was changed with byte i modulo 4 of the key.",
    rfc(6455, "5.3", "RFC6455-5.3-i1"),
    rfc(6455, "6.2", "RFC6455-6.2-7"),
)
@each(
    key=[labelled("zeros", b"\0\0\0\0"), labelled("ones", b"\xff\xff\xff\xff"), labelled("mixed", b"\x01\x80\x00\x7f")]
)
def test_mask_removed(ws: Any, key: bytes) -> None:
    ws.open()
    for length in range(10):
        ws.send(frame(2, octets(length), mask=key)).expect_binary(octets(length))
    ws.expect_alive()


@must(
    "websocket.mask.every-frame-its-own",
    "Each frame is read with its own key, also the fragments of one message and the ping between them.",
    rfc(6455, "5.3", "RFC6455-5.3-i1"),
    rfc(6455, "6.2", "RFC6455-6.2-7"),
)
def test_mask_every_frame_its_own(ws: Any) -> None:
    first = frame(1, b"abcde", fin=False, mask=b"\x11\x22\x33\x44")
    between = frame(9, b"fgh", mask=b"\xaa\xbb\xcc\xdd")
    last = frame(0, b"ijklmno", mask=b"\x99\x00\x77\x01")
    ws.open().send(first, between, last).expect_pong(b"fgh").expect_text("abcdeijklmno").expect_alive()


@must(
    "websocket.mask.required",
    "A data frame without a mask fails the connection; an empty one is no exception.",
    rfc(6455, "5.1", "RFC6455-5.1-2"),
)
@each(
    bad=[
        labelled("text", frame(1, b"hello", mask=False)),
        labelled("binary", frame(2, b"hello", mask=False)),
        labelled("empty", frame(1, b"", mask=False)),
        labelled("fragment", frame(1, b"hel", fin=False, mask=False)),
    ]
)
def test_mask_required(ws: Any, bad: Any) -> None:
    ws.open().send(bad).must_fail(1002)


@must(
    "websocket.mask.required-control",
    "A control frame without a mask fails the connection.",
    rfc(6455, "5.1", "RFC6455-5.1-2"),
)
@each(opcode=CONTROLS)
def test_mask_required_control(ws: Any, opcode: int) -> None:
    ws.open().send(frame(opcode, b"\x03\xe8", mask=False)).must_fail(1002)


@must(
    "websocket.mask.not-by-server",
    "The server masks none of its frames.",
    rfc(6455, "5.1", "RFC6455-5.1-4"),
)
def test_mask_not_by_server(ws: Any) -> None:
    # The suite's reader fails the case at the first masked frame: a message, a pong, a close frame.
    ws.open().send(text("a"), ping(b"b")).expect_text("a").expect_pong(b"b")
    ws.send(close(1000)).expect_close(...)


# -- types and order --------------------------------------------------------------------------------------------------


@must(
    "websocket.message.type-kept",
    "Text is answered as text and binary as binary, also when the bytes are the same.",
    rfc(6455, "6.1", "RFC6455-6.1-4", "RFC6455-6.1-6", "RFC6455-6.1-7", "RFC6455-6.1-9"),
    rfc(6455, "6.2", "RFC6455-6.2-3"),
    rfc(6455, "5.4", "RFC6455-5.4-i1"),
)
def test_message_type_kept(ws: Any) -> None:
    ws.open().send(text("same"), binary(b"same"), text("same"))
    ws.expect_text("same").expect_binary(b"same").expect_text("same").expect_alive()


@must(
    "websocket.message.several-in-order",
    "Messages that arrive together are told apart and answered in their order.",
    rfc(6455, "6.2", "RFC6455-6.2-1", "RFC6455-6.2-4"),
    rfc(6455, "5.4", "RFC6455-5.4-i3"),
)
def test_message_several_in_order(ws: Any) -> None:
    contents = [letters(length) for length in (3, 0, 130, 1, 70000, 2)]
    ws.open().send(*(text(content) for content in contents))
    for content in contents:
        ws.expect_text(content)
    ws.expect_alive()


# -- reserved bits and opcodes ----------------------------------------------------------------------------------------


@must(
    "websocket.rsv.data",
    "A reserved bit in a data frame fails the connection when no extension gives it a meaning.",
    rfc(6455, "5.2", "RFC6455-5.2-3"),
)
@each(rsv=[0b100, 0b010, 0b001, 0b111])
def test_rsv_data(ws: Any, rsv: int) -> None:
    ws.open().send(frame(1, b"hello", rsv=rsv)).must_fail(1002)


@must(
    "websocket.rsv.control",
    "A reserved bit in a control frame fails the connection; it is not answered first.",
    rfc(6455, "5.2", "RFC6455-5.2-3"),
)
@each(opcode=CONTROLS)
def test_rsv_control(ws: Any, opcode: int) -> None:
    ws.open().send(frame(opcode, b"\x03\xe8", rsv=0b100)).must_fail(1002)


@must(
    "websocket.rsv.continuation",
    "A reserved bit in a later fragment fails the connection as in the first one.",
    rfc(6455, "5.2", "RFC6455-5.2-3"),
)
@each(rsv=[0b100, 0b010, 0b001])
def test_rsv_continuation(ws: Any, rsv: int) -> None:
    ws.open().send(text("hel", fin=False), frame(0, b"lo", rsv=rsv)).must_fail(1002)


@must(
    "websocket.rsv.zero-sent",
    "The server sets no reserved bit when no extension was agreed to.",
    rfc(6455, "5.2", "RFC6455-5.2-2", "RFC6455-5.2-8", "RFC6455-5.2-9", "RFC6455-5.2-10"),
)
def test_rsv_zero_sent(ws: Any) -> None:
    # The suite's reader fails the case at the first frame with a reserved bit.
    ws.open().send(text("aaaaaaaaaa"), binary(b"b" * 200), ping(b"c"))
    ws.expect_text("aaaaaaaaaa").expect_binary(b"b" * 200).expect_pong(b"c")


@must(
    "websocket.opcode.reserved-data",
    "The opcodes 3 to 7 have no meaning yet and fail the connection.",
    rfc(6455, "5.2", "RFC6455-5.2-4"),
)
@each(opcode=[3, 4, 5, 6, 7])
def test_opcode_reserved_data(ws: Any, opcode: int) -> None:
    ws.open().send(frame(opcode, b"hello")).must_fail(1002)


@must(
    "websocket.opcode.reserved-control",
    "The opcodes 11 to 15 have no meaning yet and fail the connection.",
    rfc(6455, "5.2", "RFC6455-5.2-4"),
)
@each(opcode=[11, 12, 13, 14, 15])
def test_opcode_reserved_control(ws: Any, opcode: int) -> None:
    ws.open().send(frame(opcode, b"hello")).must_fail(1002)


@must(
    "websocket.opcode.reserved-inside",
    "A reserved opcode inside a fragmented message fails the connection as well.",
    rfc(6455, "5.2", "RFC6455-5.2-4"),
)
@each(opcode=[3, 7, 11, 15])
def test_opcode_reserved_inside(ws: Any, opcode: int) -> None:
    ws.open().send(text("hel", fin=False), frame(opcode, b"x"), cont("lo")).must_fail(1002)


# -- control frames ---------------------------------------------------------------------------------------------------


@must(
    "websocket.control.longest",
    "Control frames of 125 bytes are in order.",
    rfc(6455, "5.5", "RFC6455-5.5-1"),
    rfc(6455, "5.5.2", "RFC6455-5.5.2-1"),
)
def test_control_longest(ws: Any) -> None:
    ws.open().send(ping(octets(125)), pong(octets(125))).expect_pong(octets(125)).expect_alive()


@must(
    "websocket.control.too-long",
    "A control frame of more than 125 bytes fails the connection.",
    rfc(6455, "5.5", "RFC6455-5.5-1"),
)
@each(opcode=CONTROLS)
def test_control_too_long(ws: Any, opcode: int) -> None:
    ws.open().send(frame(opcode, b"\x03\xe8" + b"a" * 124)).must_fail(1002)


@must(
    "websocket.control.fragmented",
    "A control frame without FIN fails the connection.",
    rfc(6455, "5.4", "RFC6455-5.4-2"),
    rfc(6455, "5.5", "RFC6455-5.5-1"),
)
@each(opcode=CONTROLS)
def test_control_fragmented(ws: Any, opcode: int) -> None:
    ws.open().send(frame(opcode, b"\x03\xe8", fin=False)).must_fail(1002)


@must(
    "websocket.ping.answered",
    "A ping is answered by a pong with the same bytes.",
    rfc(6455, "5.5.2", "RFC6455-5.5.2-1", "RFC6455-5.5.2-2", "RFC6455-5.5.2-3"),
    rfc(6455, "5.5.3", "RFC6455-5.5.3-i1"),
    rfc(6455, "6.2", "RFC6455-6.2-2"),
)
@each(
    payload=[
        labelled("empty", b""),
        labelled("text", b"are you there"),
        labelled("binary", b"\x00\xff\xfe\xfd\xc3"),
        labelled("125-bytes", octets(125)),
    ]
)
def test_ping_answered(ws: Any, payload: bytes) -> None:
    ws.open().send(ping(payload)).expect_pong(payload).expect_alive()


@must(
    "websocket.ping.several",
    "Of several pings at least the latest is answered, and each pong belongs to one of them, in order.",
    rfc(6455, "5.5.2", "RFC6455-5.5.2-2"),
    rfc(6455, "5.5.3", "RFC6455-5.5.3-i1"),
)
def test_ping_several(ws: Any) -> None:
    payloads = [b"ping %d" % number for number in range(10)]
    ws.open().send(*(ping(payload) for payload in payloads)).expect_pong(*payloads).expect_alive()


@must(
    "websocket.pong.unsolicited",
    "A pong that nobody asked for is not answered and changes nothing.",
    rfc(6455, "5.5.3", "RFC6455-5.5.3-2", "RFC6455-5.5.3-i2"),
)
@each(payload=[labelled("empty", b""), labelled("text", b"hello"), labelled("125-bytes", octets(125))])
def test_pong_unsolicited(ws: Any, payload: bytes) -> None:
    ws.open().send(pong(payload), text("after")).expect_text("after").send(pong(payload)).expect_alive()
