"""Predicates that recognise each listed difference to wsproto, from the stream and both outcomes.

Each wants the cause to be in the stream as well as the effect in the outcomes. `websocket_wsproto.toml` says why each
difference is right.
"""

from __future__ import annotations

from collections.abc import Callable

from property_tests.decisions.websocket import (
    Divergence,
    Walked,
    control_inside_compressed,
    messages,
    over_the_limit,
    refers_beyond_the_window,
    surrogate_unfinished,
    walk,
)
from property_tests.strategies.websocket import CLOSE, CONTINUATION, PONG


def header_cut_short(divergence: Divergence) -> bool:
    """The stream ends within the extended length of a frame with a reserved bit or a wrong MASK bit."""
    *_, last = [*walk(divergence.case.stream)] or [Walked(0, 0, 0)]
    if last.length is not None:
        return False
    wrong = bool(last.first & 0x70) or bool(last.second & 0x80) is not divergence.case.server
    return wrong and divergence.only_we_failed(1002)


def payload_outstanding(divergence: Divergence) -> bool:
    """The stream ends after the header of a data frame that is out of order and has a payload."""
    *before, last = [*walk(divergence.case.stream)] or [Walked(0, 0)]
    if last.payload != b"" or not last.length or last.opcode > 2:
        return False
    data = [frame for frame in before if frame.opcode <= 2]
    open_message = bool(data) and data[-1].first < 0x80
    out_of_order = (last.opcode == CONTINUATION) is not open_message
    return out_of_order and divergence.only_we_failed(1002)


def close_code_1014(divergence: Divergence) -> bool:
    """The peer closes with 1014; we read on to the reason, which may be bad text."""
    closes = [frame for frame in walk(divergence.case.stream) if frame.opcode == CLOSE]
    code = (1014).to_bytes(2, "big")
    if not any((frame.payload or b"").startswith(code) for frame in closes):
        return False
    *before, last = divergence.ours.received or [()]
    ends_with_it = last[:2] == ("close", 1014) or last == ("failed", 1007)
    return ends_with_it and divergence.theirs.received == [*before, ("failed", 1002)]


def pong_while_closing(divergence: Divergence) -> bool:
    """The same was read after our Close, and all that we sent more is Pongs."""
    ours, theirs = divergence.ours, divergence.theirs
    pings = [payload for kind, payload, *_ in ours.received if kind == "ping"]
    pongs = [payload for opcode, payload in ours.sent if opcode == PONG]
    others = [frame for frame in ours.sent if frame[0] != PONG]
    return (
        divergence.case.closing and ours.received == theirs.received and pongs == pings != [] and others == theirs.sent
    )


def order_before_content(divergence: Divergence) -> bool:
    """A message begins inside a compressed one, and is no DEFLATE data; each side refuses it for one of the two."""
    *before, last = divergence.ours.received or [()]
    return last == ("failed", 1002) and divergence.theirs.received == [*before, ("failed", 1007)]


def control_between(divergence: Divergence) -> bool:
    """A control frame stands between fragments of a compressed message; wsproto inflates nothing behind it."""
    return divergence.case.agreed is not None and control_inside_compressed(divergence.case)


def last_block(divergence: Divergence) -> bool:
    """A compressed message has a last block; wsproto inflates nothing behind it, in this message or the next."""
    return any(sent.last_blocks for sent in messages(divergence.case))


def beyond_window(divergence: Divergence) -> bool:
    """A compressed message refers beyond the window."""
    return refers_beyond_the_window(divergence.case)


def message_breaks_off(divergence: Divergence) -> bool:
    """A compressed message ends inside a block; wsproto takes what there is for the message."""
    *before, last = divergence.ours.received or [()]
    broken_off = any(sent.breaks_off for sent in messages(divergence.case))
    return broken_off and last == ("failed", 1007) and divergence.theirs.received[: len(before)] == before


PREDICATES: dict[str, Callable[[Divergence], bool]] = {
    predicate.__name__: predicate
    for predicate in (
        header_cut_short,
        payload_outstanding,
        surrogate_unfinished,
        over_the_limit,
        order_before_content,
        control_between,
        last_block,
        beyond_window,
        message_breaks_off,
        close_code_1014,
        pong_while_closing,
    )
}
