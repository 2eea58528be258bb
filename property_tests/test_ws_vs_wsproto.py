"""Our WebSocket core and wsproto read the same streams: every difference is a listed decision."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from property_tests.decisions.websocket import LIMIT
from property_tests.strategies import drawn
from property_tests.strategies.deflate import FAR_BACK, Agreement
from property_tests.strategies.websocket import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    RSV1,
    TEXT,
    Frame,
    WebSocketCase,
    frame_octets,
    websocket_case,
)
from property_tests.ws_messages import Talk, talk
from property_tests.ws_wsproto import COMPARISONS, DECISIONS, compare_websocket


@given(drawn(websocket_case))
def test_every_divergence_from_wsproto_is_listed(case: WebSocketCase) -> None:
    """What is received and sent is the same, or a decision says why it is not."""
    verdict = compare_websocket(case)
    assert not verdict.unlisted, f"{case}\nours:   {verdict.ours}\ntheirs: {verdict.theirs}"


@given(drawn(talk))
def test_messages_arrive_at_the_other_side(case: Talk) -> None:
    """What one side sends is what the other reads, in both directions."""
    verdict = COMPARISONS[1].compare(case)
    assert verdict.agreed, f"{case}\n{verdict.ours}\n{verdict.theirs}"


def _case(
    *frames: Frame, cut: int | None = None, closing: bool = False, agreed: Agreement | None = None
) -> WebSocketCase:
    stream = b"".join(frame_octets(frame, True) for frame in frames)
    return WebSocketCase(True, closing, stream[:cut], (), agreed)


#: "Hello" compressed as in RFC 7692 section 7.2.3.1, and with a last block.
HELLO = b"\xf2\x48\xcd\xc9\xc9\x07\x00"
LAST_HELLO = b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"
EXAMPLES = {
    "header.early": _case(Frame(TEXT, b"x" * 130, reserved=2), cut=2),
    "order.early": _case(Frame(CONTINUATION, b"x"), cut=6),
    "surrogate.early": _case(Frame(TEXT, b"ok \xed\xa0", fin=False)),
    "limit": _case(Frame(BINARY, b"x", claimed=LIMIT + 1)),
    "close.1014": _case(Frame(CLOSE, (1014).to_bytes(2, "big"))),
    "deflate.order-first": _case(
        Frame(BINARY, b"", fin=False, reserved=RSV1), Frame(TEXT, b"\xff" * 5), agreed=Agreement()
    ),
    "deflate.control-between": _case(
        Frame(BINARY, HELLO[:3], fin=False, reserved=RSV1),
        Frame(PING, b"?"),
        Frame(CONTINUATION, HELLO[3:]),
        agreed=Agreement(),
    ),
    "deflate.last-block": _case(*[Frame(BINARY, LAST_HELLO, reserved=RSV1)] * 2, agreed=Agreement()),
    "deflate.window": replace(
        _case(Frame(BINARY, FAR_BACK, reserved=RSV1), agreed=Agreement(client_max_window_bits=9)), sizes=(15,)
    ),
    "deflate.breaks-off": _case(Frame(BINARY, HELLO[:3], reserved=RSV1), agreed=Agreement()),
    "pong.closing": _case(Frame(PING, b"?"), closing=True),
}


def test_every_decision_has_an_example() -> None:
    """The decisions file and the examples below name the same decisions."""
    assert {decision.id for decision in DECISIONS} == set(EXAMPLES)


@pytest.mark.parametrize("decision", sorted(EXAMPLES))
def test_decision_is_still_true(decision: str) -> None:
    """The smallest stream that a decision is about still divides the two sides, for that reason alone."""
    verdict = compare_websocket(EXAMPLES[decision])
    assert (verdict.agreed, verdict.decision) == (False, decision), f"{verdict.ours} and {verdict.theirs}"
