"""Predicates that recognise each listed difference to websockets, from the stream and both outcomes.

Each wants the cause to be in the stream as well as the effect in the outcomes. `websocket_websockets.toml` says why
each difference is right.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable

from property_tests.decisions.websocket import LIMIT, Divergence, Walked, messages, refers_beyond_the_window, walk
from property_tests.strategies.websocket import CLOSE, TEXT


def _we_failed(divergence: Divergence, code: int | None = None) -> bool:
    """We failed, with ``code`` if one is given; before that the other side took the same."""
    *before, last = divergence.ours.received or [()]
    if last[:1] != ("failed",) or (code is not None and last[1] != code):
        return False
    return divergence.theirs.received[: len(before)] == before


def _behind(divergence: Divergence) -> list[tuple[object, ...]]:
    """What the other side took where we failed."""
    return divergence.theirs.received[len(divergence.ours.received) - 1 :]


def frame_outstanding(divergence: Divergence) -> bool:
    """The stream ends within the frame that we refuse; websockets waits for its end."""
    *_, last = [*walk(divergence.case.stream)] or [Walked(0, 0, 0)]
    unfinished = last.payload is None or len(last.payload) < (last.length or 0)
    return unfinished and _we_failed(divergence) and not _behind(divergence)


def text_at_its_end(divergence: Divergence) -> bool:
    """A text message goes wrong before its end; websockets reads on to there."""
    if not _we_failed(divergence, 1007):
        return False
    return any(sent.opcode == TEXT and _is_bad(sent.data, sent.whole) for sent in messages(divergence.case))


def _is_bad(data: bytes, whole: bool) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, whole)
    except UnicodeDecodeError:
        return True
    return data[-2:-1] == b"\xed" and data[-1] > 0x9F


def longer_form(divergence: Divergence) -> bool:
    """A length is written in more octets than it needs; websockets takes it."""
    return _we_failed(divergence, 1002) and any(_is_longer(frame) for frame in walk(divergence.case.stream))


def _is_longer(frame: Walked) -> bool:
    form = frame.second & 0x7F
    if frame.length is None:
        return False
    return (form == 126 and frame.length < 126) or (form == 127 and (frame.length < 1 << 16))


def top_bit(divergence: Divergence) -> bool:
    """The top bit of a 64-bit length is set; for websockets it is a large number."""
    lengths = [frame.length or 0 for frame in walk(divergence.case.stream)]
    return (
        max(lengths, default=0) >= 1 << 63
        and _we_failed(divergence, 1002)
        and _behind(divergence) == [("failed", 1009)]
    )


def header_first(divergence: Divergence) -> bool:
    """A frame that is wrong otherwise announces more than the limit."""
    over = any((frame.length or 0) > LIMIT for frame in walk(divergence.case.stream))
    return over and _we_failed(divergence, 1002) and _behind(divergence) == [("failed", 1009)]


def key_outstanding(divergence: Divergence) -> bool:
    """The stream ends between the length of a frame and its payload; websockets has seen that it is too long."""
    *_, last = [*walk(divergence.case.stream)] or [Walked(0, 0, 0)]
    too_long = last.payload is None and (last.length or 0) > LIMIT
    return too_long and divergence.theirs.received == [*divergence.ours.received, ("failed", 1009)]


def close_wrong_twice(divergence: Divergence) -> bool:
    """A Close has a code that must not travel and a reason that is not UTF-8."""
    closes = [frame.payload or b"" for frame in walk(divergence.case.stream) if frame.opcode == CLOSE]
    twice = any(_is_bad(payload[2:], whole=True) for payload in closes)
    return twice and _we_failed(divergence, 1002) and _behind(divergence) == [("failed", 1007)]


def close_inside(divergence: Divergence) -> bool:
    """A Close stands between fragments; we take it."""
    *before, last = divergence.ours.received or [()]
    return last[:1] == ("close",) and divergence.theirs.received == [*before, ("failed", 1002)]


def broken_data(divergence: Divergence) -> bool:
    """A compressed message holds no DEFLATE data; websockets says 1002."""
    broken = any(sent.broken for sent in messages(divergence.case))
    return broken and _we_failed(divergence, 1007)


def beyond_window(divergence: Divergence) -> bool:
    """A compressed message refers beyond the window."""
    return refers_beyond_the_window(divergence.case)


def message_breaks_off(divergence: Divergence) -> bool:
    """A compressed message ends inside a block; websockets takes what there is for the message."""
    return any(sent.breaks_off for sent in messages(divergence.case)) and _we_failed(divergence, 1007)


def last_block(divergence: Divergence) -> bool:
    """A compressed message has a last block; websockets inflates nothing behind it, in this message or the next."""
    return any(sent.last_blocks for sent in messages(divergence.case))


PREDICATES: dict[str, Callable[[Divergence], bool]] = {
    predicate.__name__: predicate
    for predicate in (
        frame_outstanding,
        text_at_its_end,
        longer_form,
        top_bit,
        header_first,
        key_outstanding,
        close_wrong_twice,
        close_inside,
        broken_data,
        beyond_window,
        message_breaks_off,
        last_block,
    )
}
