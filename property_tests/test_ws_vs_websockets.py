"""Our WebSocket core and that of websockets read the same streams: every difference is a listed decision."""

from __future__ import annotations

import pytest
from hypothesis import given

from property_tests.decisions.websocket import LIMIT
from property_tests.strategies import drawn
from property_tests.strategies.deflate import FAR_BACK, Agreement
from property_tests.strategies.websocket import (
    BINARY,
    CLOSE,
    PING,
    RSV1,
    TEXT,
    Frame,
    WebSocketCase,
    frame_octets,
    websocket_case,
)
from property_tests.ws_messages import Talk, talk
from property_tests.ws_websockets import COMPARISONS, DECISIONS, compare_websocket


@given(drawn(websocket_case))
def test_every_divergence_from_websockets_is_listed(case: WebSocketCase) -> None:
    """What is received and sent is the same, or a decision says why it is not."""
    verdict = compare_websocket(case)
    assert not verdict.unlisted, f"{case}\nours:   {verdict.ours}\ntheirs: {verdict.theirs}"


@given(drawn(talk))
def test_messages_arrive_at_the_other_side(case: Talk) -> None:
    """What one side sends is what the other reads, in both directions."""
    verdict = COMPARISONS[1].compare(case)
    assert verdict.agreed, f"{case}\n{verdict.ours}\n{verdict.theirs}"


def _case(*frames: Frame, cut: int | None = None) -> WebSocketCase:
    stream = b"".join(frame_octets(frame, True) for frame in frames)
    return WebSocketCase(True, False, stream[:cut], (), Agreement())


#: "Hello" compressed as in RFC 7692 section 7.2.3.1, and with a last block.
HELLO = b"\xf2\x48\xcd\xc9\xc9\x07\x00"
LAST_HELLO = b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"
EXAMPLES = {
    "frame.early": _case(Frame(PING, bytes(126)), cut=8),
    "text.early": _case(Frame(TEXT, b"ok \xff", fin=False)),
    "length.longer-form": _case(Frame(BINARY, b"x", length_form=2)),
    "length.top-bit": _case(Frame(BINARY, b"", claimed=1 << 63)),
    "length.header-first": _case(Frame(PING, b"", claimed=LIMIT + 1)),
    "length.before-key": _case(Frame(BINARY, b"", claimed=LIMIT + 1), cut=10),
    "close.code-first": _case(Frame(CLOSE, b"\x03\xec\xc3")),
    "close.inside-message": _case(Frame(TEXT, b"x", fin=False), Frame(CLOSE, b"\x03\xe8")),
    "deflate.broken": _case(Frame(BINARY, b"\xff" * 5, reserved=RSV1)),
    "deflate.window": WebSocketCase(
        True,
        False,
        frame_octets(Frame(BINARY, FAR_BACK, reserved=RSV1), True),
        (15,),
        Agreement(client_max_window_bits=9),
    ),
    "deflate.breaks-off": _case(Frame(BINARY, HELLO[:3], reserved=RSV1)),
    "deflate.last-block": _case(*[Frame(BINARY, LAST_HELLO, reserved=RSV1)] * 2),
}


def test_every_decision_has_an_example() -> None:
    """The decisions file and the examples above name the same decisions."""
    assert {decision.id for decision in DECISIONS} == set(EXAMPLES)


@pytest.mark.parametrize("decision", sorted(EXAMPLES))
def test_decision_is_still_true(decision: str) -> None:
    """The smallest stream that a decision is about still divides the two sides, for that reason alone."""
    verdict = compare_websocket(EXAMPLES[decision])
    assert (verdict.agreed, verdict.decision) == (False, decision), f"{verdict.ours} and {verdict.theirs}"
