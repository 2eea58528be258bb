"""Our HTTP/1.1 core and h11 agree but where a decision says otherwise."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given

from property_tests import differential
from property_tests.http1_h11 import DECISIONS, compare_requests, compare_responses
from property_tests.strategies import drawn
from property_tests.strategies.http1 import (
    RequestCase,
    ResponseCase,
    request,
    request_case,
    response,
    response_case,
)


def _require_listed(verdict: differential.Verdict) -> None:
    assert not verdict.unlisted, f"no decision explains it\nours:   {verdict.ours}\ntheirs: {verdict.theirs}"


@given(drawn(request_case))
def test_a_server_reads_what_h11_reads_or_a_decision_says_why_not(case: RequestCase) -> None:
    """Events of the server role, whole and in pieces."""
    _require_listed(compare_requests(case))


@given(drawn(response_case))
def test_a_client_reads_what_h11_reads_or_a_decision_says_why_not(case: ResponseCase) -> None:
    """Events of the client role, whole and in pieces."""
    _require_listed(compare_responses(case))


@given(drawn(partial(request, odd="")))
def test_the_valid_requests_of_the_strategy_are_mostly_agreed_on(stream: bytes) -> None:
    """A request without an oddity differs only in what h11 reports in other words, never in being refused by
    one side.
    """
    verdict = compare_requests(RequestCase(stream, ()))
    _require_listed(verdict)
    stricter = {decision.id: decision.stricter for decision in DECISIONS}
    tolerated = {"chunks.space-before-extension", "framing.coding-in-1.0"}
    assert verdict.agreed or stricter[str(verdict.decision)] == "neither" or verdict.decision in tolerated


@given(drawn(partial(response, odd="")))
def test_the_valid_responses_of_the_strategy_are_read_alike_in_pieces(stream: bytes) -> None:
    """A response byte by byte is the response as a whole."""
    _require_listed(compare_responses(ResponseCase("GET", False, stream, (1,))))


def test_a_run_outside_pytest_counts_every_example_and_every_decision() -> None:
    """`run` gives the same counts for the same seed, and they add up."""
    first, second = differential.run(300, seed=5), differential.run(300, seed=5)
    assert first.by_decision == second.by_decision
    assert first.examples == first.agreed + sum(first.by_decision.values())
    listed = {decision.id for one in differential.comparisons("h11") for decision in one.decisions}
    assert set(first.by_decision) == listed
    assert first.ok
    assert first.lines()[0].startswith(f"{first.examples} examples against h11")


def test_a_divergence_that_no_decision_lists_is_found_and_made_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its decision, a known difference is reported with a minimal case."""
    kept = tuple(decision for decision in DECISIONS if decision.id != "head.bare-lf")
    monkeypatch.setattr("property_tests.http1_h11.DECISIONS", kept)
    summary = differential.run(2000, seed=1)
    assert not summary.ok
    assert "LF without CR in a message head" in summary.unlisted[0].ours
    assert len(summary.unlisted[0].case) < 250
