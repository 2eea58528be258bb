"""What no endpoint may accept, as frames: one list for the chapters about servers and about clients.

The frames are as a client sends them, masked; :func:`from_server` makes those of a server of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from conformance.requirement import Labelled, labelled
from conformance.wire.frames import Frame, binary, close, cont, frame, text

#: Bytes that are no UTF-8, in places where nothing else is wrong.
INVALID_UTF8 = [
    labelled("lone-continuation", b"a\x80b"),
    labelled("last-continuation-byte", b"\xbf"),
    labelled("two-byte-without-second", b"\xc3a"),
    labelled("three-byte-without-third", b"\xe2\x82a"),
    labelled("four-byte-without-fourth", b"\xf0\x9f\x8ea"),
    labelled("overlong-c0", b"\xc0\xaf"),
    labelled("overlong-c1", b"\xc1\xbf"),
    labelled("overlong-e0", b"\xe0\x80\xaf"),
    labelled("overlong-e0-last", b"\xe0\x9f\xbf"),
    labelled("overlong-f0", b"\xf0\x80\x80\xaf"),
    labelled("overlong-f0-last", b"\xf0\x8f\xbf\xbf"),
    labelled("overlong-nul", b"\xc0\x80"),
    labelled("high-surrogate", b"\xed\xa0\x80"),
    labelled("low-surrogate", b"\xed\xbf\xbf"),
    labelled("surrogate-pair", b"\xed\xa0\xbd\xed\xb8\x80"),
    labelled("beyond-10ffff", b"\xf4\x90\x80\x80"),
    labelled("lead-f5", b"\xf5\x80\x80\x80"),
    labelled("five-byte-form", b"\xf8\x88\x80\x80\x80"),
    labelled("six-byte-form", b"\xfc\x84\x80\x80\x80\x80"),
    labelled("fe", b"\xfe"),
    labelled("ff", b"\xff"),
]


@dataclass(frozen=True)
class Fault:
    """Frames of which the last one must fail the connection, with one of ``codes`` in the close frame."""

    frames: tuple[Frame, ...]
    codes: tuple[int, ...]


def _faults(*rows: tuple[str, Sequence[Frame], Sequence[int]]) -> list[Labelled]:
    return [labelled(label, Fault(tuple(frames), tuple(codes))) for label, frames, codes in rows]


#: Headers that mean nothing, or say one thing in two ways (RFC 6455, sections 5.2 and 5.5).
HEADERS = _faults(
    *((f"opcode-{opcode}", [frame(opcode, b"x")], [1002]) for opcode in (3, 7, 11, 15)),
    *((f"rsv-{rsv:03b}", [frame(1, b"x", rsv=rsv)], [1002]) for rsv in (0b100, 0b010, 0b001)),
    ("rsv-on-ping", [frame(9, b"x", rsv=0b100)], [1002]),
    ("length-top-bit", [frame(2, b"", length_form=64, length=1 << 63)], [1002, 1009]),
    ("fragmented-ping", [frame(9, b"x", fin=False)], [1002]),
    ("fragmented-close", [frame(8, b"\x03\xe8", fin=False)], [1002]),
    ("long-ping", [frame(9, b"x" * 126)], [1002]),
)
#: Lengths in a longer form than needed: allowed by some readings, so a recommendation.
LONGER_FORMS = _faults(
    ("16-for-5", [frame(1, b"hello", length_form=16)], [1002]),
    ("64-for-5", [frame(1, b"hello", length_form=64)], [1002]),
    ("64-for-65535", [frame(2, bytes(65535), length_form=64)], [1002]),
)
#: Fragments out of order (section 5.4).
ORDER = _faults(
    ("stray-continuation", [cont("x")], [1002]),
    ("stray-first-part", [cont("x", fin=False)], [1002]),
    ("text-inside", [text("a", fin=False), text("b")], [1002]),
    ("binary-inside", [binary(b"a", fin=False), binary(b"b")], [1002]),
)
#: Text that is not UTF-8, whole and over fragments (section 8.1).
TEXT = _faults(
    ("whole", [text(b"a\xffb")], [1007]),
    ("surrogate", [text(b"\xed\xa0\x80")], [1007]),
    ("unfinished", [text(b"\xf0\x9f\x8e")], [1007]),
    ("over-fragments", [text(b"\xf4", fin=False), cont(b"\x90\x80\x80")], [1007]),
)
#: Close frames that say what must not be said (sections 5.5.1 and 7.4).
CLOSING = _faults(
    ("half-code", [frame(8, b"\x03")], [1002]),
    ("code-0", [close(0)], [1002]),
    ("code-999", [close(999)], [1002]),
    ("code-1005", [close(1005)], [1002]),
    ("code-1006", [close(1006)], [1002]),
    ("code-1015", [close(1015)], [1002]),
    ("reason-not-utf8", [close(1000, b"\xff")], [1007, 1002]),
)


def from_server(one: Frame) -> Frame:
    """Return the frame as a server sends it: not masked."""
    return replace(one, key=None)
