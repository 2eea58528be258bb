"""Our HTTP/1.1 core and h11 understand each other but where a decision says otherwise."""

from __future__ import annotations

import pytest
from hypothesis import given

from property_tests.http1_conversations import DECISIONS, Ours, Theirs, compare_conversations, converse
from property_tests.strategies import drawn
from property_tests.strategies.conversations import NEXT, Conversation, Fields, Step, conversation

_HOST = ("Host", "example.test")


@given(drawn(conversation))
def test_every_pairing_goes_as_h11_with_itself_or_a_decision_says_why_not(case: Conversation) -> None:
    """What is said, refused, read and kept alive."""
    verdict = compare_conversations(case)
    assert not verdict.unlisted, f"no decision explains it\nours:   {verdict.ours}\ntheirs: {verdict.theirs}"


def _request(*fields: tuple[str, str], method: str = "POST", target: str = "/") -> Step:
    return Step("client", "request", method, target, (_HOST, *fields))


def _response(status: int = 200, fields: Fields = (("Content-Length", "0"),)) -> Step:
    return Step("server", "response", status, "OK", fields)


_END = Step("server", "end")
_BODY = ("Content-Length", "3")
_CHUNKED = ("Transfer-Encoding", "chunked")

EXAMPLES: dict[str, list[Step]] = {
    "say.framing-without-body": [_request(), _response(204)],
    "hear.framing-in-trailers": [_request(_CHUNKED), Step("client", "end", fields=(("Host", "x"),))],
    "say.length-and-coding": [_request(_BODY, _CHUNKED)],
    "say.controls": [_request(("Foo", "a\x01"))],
    "request.target": [_request(target="/a#f")],
    "say.padded-value": [_request(("Foo", " x"))],
    "say.interim-as-response": [_request(), _response(100, ())],
    "say.chunks-without-request": [_response(200, (_CHUNKED,))],
    "hear.unasked-response": [_response()],
    "say.switch-unasked": [
        _request(("Upgrade", "x")),
        Step("client", "end"),
        Step("server", "interim", 101, "", (("Upgrade", "x"), ("Connection", "upgrade"))),
    ],
    "say.tunnel-early": [_request(_BODY, method="CONNECT", target="example.test:80"), _response(200, ())],
}


def test_every_decision_has_an_example() -> None:
    """The decisions file and the examples name the same decisions."""
    assert {decision.id for decision in DECISIONS} == set(EXAMPLES)


@pytest.mark.parametrize("decision", sorted(EXAMPLES))
def test_decision_is_true_of_its_example(decision: str) -> None:
    """The shortest conversation that a decision is about still divides the two sides, for that reason alone."""
    verdict = compare_conversations(Conversation(tuple(EXAMPLES[decision]), (1,)))
    assert (verdict.agreed, verdict.decision) == (False, decision), f"{verdict.ours} and {verdict.theirs}"


@pytest.mark.parametrize("client", [Ours, Theirs])
@pytest.mark.parametrize("server", [Ours, Theirs])
def test_two_exchanges_go_to_their_end(client: type[Ours | Theirs], server: type[Ours | Theirs]) -> None:
    """A conversation without a fault is heard in full, so that agreement is not that of two deaf sides."""
    exchange = (
        _request(_BODY),
        Step("client", "data", data=b"abc"),
        Step("client", "end"),
        Step("server", "interim", 100),
        _response(200, (_CHUNKED,)),
        Step("server", "data", data=b"xyz"),
        Step("server", "end", fields=(("A", "1"),)),
        NEXT,
    )
    entries = converse(client("client"), server("server"), Conversation(exchange * 2, (1,)))
    kinds = [entry[1] for entry in entries]
    assert kinds == ["request", "data", "end", "interim", "response", "data", "end", "next"] * 2
    assert entries[-1] == (15, "next", True, True)
