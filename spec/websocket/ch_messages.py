"""Messages: fragments, UTF-8, limits

A message is one frame with FIN, or several fragments: the first frame carries the type and no FIN, continuations
follow, and the last one has FIN. Where the borders lie means nothing. A sender may cut anywhere, inside a character
too, and send fragments without content; a receiver puts the bytes together and passes on the whole.

Fragments of two messages are never mixed, so two things are faults: a continuation while there is nothing to continue,
and a new text or binary frame while a message is not finished. Control frames may stand between fragments. They are
handled at once: whoever waits for the end of the message first keeps the peer waiting for its pong.

Text is UTF-8, as a whole message. It may be cut anywhere, but what it adds up to must not be overlong, must not hold
surrogates and must not lie beyond U+10FFFF; otherwise the connection fails with 1007. Characters that are merely
unusual (NUL, U+FEFF at the start, noncharacters) are text like any other and come back unchanged. The RFC lets an
endpoint wait for the end of the message before it looks; failing at the first bad byte is better, since a peer could
otherwise send gigabytes of it. Binary messages are never looked at.

Any receiver has a limit for what it will hold. A longer message ends the connection, with 1009 where a close frame is
sent, as soon as its length is known: from the header of one frame, or from the sum of the fragments. The fixture
application's limit is 20 MiB.
"""

from __future__ import annotations

from array import array
from typing import Any

from conformance import each, labelled, must, rfc, should
from conformance.wire.faults import INVALID_UTF8
from conformance.wire.ws import binary, close, cont, frame, ping, pong, text

MIB = 1024 * 1024
#: Every length of a character, the first and the last of each, and what is odd but allowed.
VALID = [
    "\x00",
    "\x7f",
    "\x80",
    "\u07ff",
    "\u0800",
    "\ud7ff",
    "\ue000",
    "\ufeffafter a byte order mark",
    "\ufffd",
    "\ufffe",
    "\uffff",
    "\U00010000",
    "\U0001fffe",
    "\U0010fffd",
    "\U0010ffff",
    "κόσμε",
    "a\u0301 and á",
    "日本語 🎉 mixed with ASCII",
]


def pieces(content: bytes, size: int, opcode: int) -> list[Any]:
    """Return ``content`` as frames of ``size`` bytes each."""
    parts = [content[start : start + size] for start in range(0, len(content), size)]
    last = len(parts) - 1
    return [frame(0 if number else opcode, part, fin=number == last) for number, part in enumerate(parts)]


# -- fragments --------------------------------------------------------------------------------------------------------


@must(
    "websocket.fragments.joined",
    "The fragments of a message are put together in the order in which they were sent.",
    rfc(6455, "5.4", "RFC6455-5.4-3", "RFC6455-5.4-7", "RFC6455-5.4-i2", "RFC6455-5.4-i4"),
    rfc(6455, "6.2", "RFC6455-6.2-i1"),
)
@each(count=[2, 3, 10])
def test_fragments_joined(ws: Any, count: int) -> None:
    words = [f"part {number} " for number in range(count)]
    middle = [cont(word, fin=False) for word in words[1:-1]]
    ws.open().send(text(words[0], fin=False), *middle, cont(words[-1])).expect_text("".join(words)).expect_alive()


@must(
    "websocket.fragments.type-of-first",
    "The first fragment gives the type: a message that begins as binary is binary.",
    rfc(6455, "5.4", "RFC6455-5.4-12", "RFC6455-5.4-i4"),
    rfc(6455, "6.2", "RFC6455-6.2-i1"),
)
def test_fragments_type_of_first(ws: Any) -> None:
    ws.open().send(binary(b"a\xff", fin=False), cont(b"b\xfe")).expect_binary(b"a\xffb\xfe")
    ws.send(text("c", fin=False), cont("d")).expect_text("cd").expect_alive()


@must(
    "websocket.fragments.empty",
    "A fragment may be empty, wherever it stands; a message of empty fragments is an empty message.",
    rfc(6455, "5.4", "RFC6455-5.4-6"),
)
@each(
    parts=[
        labelled("first", ["", "ab"]),
        labelled("middle", ["a", "", "b"]),
        labelled("last", ["ab", ""]),
        labelled("all", ["", "", ""]),
    ]
)
def test_fragments_empty(ws: Any, parts: list[str]) -> None:
    middle = [cont(part, fin=False) for part in parts[1:-1]]
    ws.open().send(text(parts[0], fin=False), *middle, cont(parts[-1])).expect_text("".join(parts)).expect_alive()


@must(
    "websocket.fragments.any-size",
    "Fragments may be of any size, from one byte to more than 64 KiB.",
    rfc(6455, "5.4", "RFC6455-5.4-6", "RFC6455-5.4-i3"),
)
@each(size=[1, 125, 126, 1300, 65535, 65536])
def test_fragments_any_size(ws: Any, size: int) -> None:
    length = 300 if size == 1 else 3 * size - 1
    content = (bytes(range(253)) * (length // 253 + 1))[:length]
    ws.open().send(*pieces(content, size, opcode=2)).expect_binary(content).expect_alive()


@must(
    "websocket.fragments.ping-between",
    "A ping between fragments is answered at once, before the message has ended.",
    rfc(6455, "5.4", "RFC6455-5.4-5"),
    rfc(6455, "5.5.2", "RFC6455-5.5.2-2", "RFC6455-5.5.2-3"),
)
def test_fragments_ping_between(ws: Any) -> None:
    # The last fragment is sent only when the pong has come.
    ws.open().send(text("before ", fin=False), ping(b"now")).expect_pong(b"now")
    ws.send(cont("and after")).expect_text("before and after").expect_alive()


@must(
    "websocket.fragments.pong-between",
    "A pong between fragments is ignored, and its bytes are no part of the message.",
    rfc(6455, "5.4", "RFC6455-5.4-5"),
    rfc(6455, "5.5.3", "RFC6455-5.5.3-i2"),
)
def test_fragments_pong_between(ws: Any) -> None:
    ws.open().send(text("one ", fin=False), pong(b"not this"), cont("two")).expect_text("one two").expect_alive()


@must(
    "websocket.fragments.next-message",
    "After the last fragment the next frame begins a new message; nothing of the old one is left.",
    rfc(6455, "6.2", "RFC6455-6.2-4"),
)
def test_fragments_next_message(ws: Any) -> None:
    ws.open().send(text("a", fin=False), cont("b"), text("c", fin=False), cont("d"), binary(b"e"))
    ws.expect_text("ab").expect_text("cd").expect_binary(b"e").expect_alive()


@must(
    "websocket.fragments.stray-continuation",
    "A continuation fails the connection when there is no message to continue, be it the last one or not.",
    rfc(6455, "5.4", "RFC6455-5.4-i2"),
    rfc(6455, "10.7", "RFC6455-10.7-1"),
)
@each(fin=[True, False])
def test_fragments_stray_continuation(ws: Any, fin: bool) -> None:
    ws.open().send(cont("hello", fin=fin)).must_fail(1002)


@must(
    "websocket.fragments.continuation-after-end",
    "A continuation behind a complete message fails the connection.",
    rfc(6455, "5.4", "RFC6455-5.4-i2"),
    rfc(6455, "6.2", "RFC6455-6.2-4"),
)
@each(
    message=[
        labelled("whole", [text("ab")]),
        labelled("fragmented", [text("a", fin=False), cont("b")]),
    ]
)
def test_fragments_continuation_after_end(ws: Any, message: list[Any]) -> None:
    ws.open().send(*message).expect_text("ab").send(cont("more")).must_fail(1002)


@must(
    "websocket.fragments.new-message-inside",
    "A new message before the last fragment of the one before fails the connection.",
    rfc(6455, "5.4", "RFC6455-5.4-4"),
)
@each(opcode=[labelled("text", 1), labelled("binary", 2)])
def test_fragments_new_message_inside(ws: Any, opcode: int) -> None:
    ws.open().send(text("first, ", fin=False), frame(opcode, b"second")).must_fail(1002)


@must(
    "websocket.fragments.close-between",
    "A close frame between fragments is answered; the unfinished message is not.",
    rfc(6455, "5.4", "RFC6455-5.4-5"),
    rfc(6455, "5.5.1", "RFC6455-5.5.1-6"),
)
def test_fragments_close_between(ws: Any) -> None:
    ws.open().send(text("never ended", fin=False), close(1000)).expect_close(...).expect_end()


# -- UTF-8 ------------------------------------------------------------------------------------------------------------


@must(
    "websocket.utf8.valid",
    "Text comes back unchanged, byte for byte: no character is dropped, replaced or normalised.",
    rfc(6455, "5.6", "RFC6455-5.6-1"),
)
@each(content=[labelled(f"U+{ord(content[0]):04X}", content) for content in VALID])
def test_utf8_valid(ws: Any, content: str) -> None:
    ws.open().send(text(content)).expect_text(content).expect_alive()


@must(
    "websocket.utf8.cut-anywhere",
    "A character may be cut by the border of fragments at every byte.",
    rfc(6455, "5.6", "RFC6455-5.6-1"),
    rfc(6455, "5.4", "RFC6455-5.4-i3"),
)
def test_utf8_cut_anywhere(ws: Any) -> None:
    content = "aß水🎉"
    ws.open()
    for cut in range(len(content.encode()) + 1):
        ws.send(text(content.encode()[:cut], fin=False), cont(content.encode()[cut:])).expect_text(content)
    ws.send(*pieces(content.encode(), 1, opcode=1)).expect_text(content).expect_alive()


@must(
    "websocket.utf8.invalid",
    "Text that is not UTF-8 fails the connection with 1007.",
    rfc(6455, "8.1", "RFC6455-8.1-1"),
)
@each(content=INVALID_UTF8)
def test_utf8_invalid(ws: Any, content: bytes) -> None:
    ws.open().send(text(content)).must_fail(1007)


@must(
    "websocket.utf8.unfinished",
    "A character that is not complete at the end of the message fails the connection with 1007.",
    rfc(6455, "8.1", "RFC6455-8.1-1"),
    rfc(6455, "5.6", "RFC6455-5.6-1"),
)
@each(content=[b"ab\xc3", b"\xe2\x82", b"\xf0\x9f\x8e", b"\xf0"])
def test_utf8_unfinished(ws: Any, content: bytes) -> None:
    ws.open().send(text(content)).must_fail(1007)


@must(
    "websocket.utf8.invalid-across-fragments",
    "Fragments are judged together: bytes that are invalid only as a whole fail the connection with 1007.",
    rfc(6455, "8.1", "RFC6455-8.1-1"),
    rfc(6455, "5.6", "RFC6455-5.6-1"),
)
@each(
    parts=[
        labelled("surrogate", (b"\xed", b"\xa0\x80")),
        labelled("interrupted", (b"a\xe2\x82", b"b")),
        labelled("unfinished", (b"a", b"\xf0\x9f")),
        labelled("beyond", (b"\xf4", b"\x90\x80\x80")),
    ]
)
def test_utf8_invalid_across_fragments(ws: Any, parts: tuple[bytes, bytes]) -> None:
    ws.open().send(text(parts[0], fin=False), cont(parts[1])).must_fail(1007)


@should(
    "websocket.utf8.fail-fast",
    "Bad text fails the connection when it has arrived, not only when the message ends.",
    rfc(6455, "8.1", "RFC6455-8.1-1"),
)
def test_utf8_fail_fast(ws: Any) -> None:
    # No more of the message is ever sent. A second is long: the answer takes less than a millisecond.
    ws.open().send(text(b"good, then \xff", fin=False)).must_fail(1007, within=1.0)


@must(
    "websocket.utf8.binary-not-looked-at",
    "Binary messages are not checked: bytes that are no UTF-8 come back, fragmented or not.",
    rfc(6455, "6.2", "RFC6455-6.2-3"),
    rfc(6455, "5.4", "RFC6455-5.4-i4"),
)
def test_utf8_binary_not_looked_at(ws: Any) -> None:
    ws.open().send(binary(b"\xff\xc0\xed\xa0")).expect_binary(b"\xff\xc0\xed\xa0")
    ws.send(binary(b"\xf4", fin=False), cont(b"\x90\x80")).expect_binary(b"\xf4\x90\x80").expect_alive()


# -- limits -----------------------------------------------------------------------------------------------------------


@must(
    "websocket.limit.within",
    "A message of a mebibyte, below the limit, comes back unchanged, in one frame and in fragments of 64 KiB.",
    rfc(6455, "5.4", "RFC6455-5.4-7"),
    rfc(6455, "5.2", "RFC6455-5.2-i4"),
)
@each(size=[labelled("one-frame", MIB), labelled("fragments", 65536)])
def test_limit_within(ws: Any, size: int) -> None:
    # Every four bytes of it are different.
    content = array("I", range(MIB // 4)).tobytes()
    ws.open().send(*pieces(content, size, opcode=2)).expect_binary(content).expect_alive()


@must(
    "websocket.limit.announced",
    "A frame that announces more than the limit fails the connection with 1009, before its payload has come.",
    rfc(6455, "10.4", "RFC6455-10.4-1", "RFC6455-10.4-2"),
    rfc(6455, "7.4.1", "RFC6455-7.4.1-1"),
)
@each(length=[labelled("21-MiB", 21 * MIB), labelled("1-TiB", 1 << 40), labelled("2**63-1", (1 << 63) - 1)])
def test_limit_announced(ws: Any, length: int) -> None:
    ws.open().send(frame(2, b"the first bytes", length=length)).must_fail(1009)


@must(
    "websocket.limit.sum-of-fragments",
    "The limit holds for the message: fragments that add up to more fail the connection with 1009.",
    rfc(6455, "10.4", "RFC6455-10.4-1", "RFC6455-10.4-2"),
)
def test_limit_sum_of_fragments(ws: Any) -> None:
    # A server that adds up what is announced fails at the third header; the rest is for those that count what came.
    ws.open().send(binary(b"a" * MIB, fin=False), *[cont(b"b" * (5 * MIB), fin=False)] * 4).must_fail(1009)
