"""Our HTTP/1.1 core and httptools agree but where a decision says otherwise."""

from __future__ import annotations

from hypothesis import given

from property_tests import differential
from property_tests.http1_httptools import DECISIONS, compare_requests, compare_responses, response_to_get
from property_tests.strategies import drawn
from property_tests.strategies.http1 import RequestCase, ResponseCase, request_case


def _require_listed(verdict: differential.Verdict) -> None:
    assert not verdict.unlisted, f"no decision explains it\nours:   {verdict.ours}\ntheirs: {verdict.theirs}"


@given(drawn(request_case))
def test_a_server_reads_what_llhttp_reads_or_a_decision_says_why_not(case: RequestCase) -> None:
    """Events of the server role, whole and in pieces."""
    _require_listed(compare_requests(case))


@given(drawn(response_to_get))
def test_a_client_reads_what_llhttp_reads_or_a_decision_says_why_not(case: ResponseCase) -> None:
    """Events of the client role, whole and in pieces."""
    _require_listed(compare_responses(case))


def test_a_run_counts_every_example_and_every_decision() -> None:
    """The counts of a run add up, and nothing is left over."""
    summary = differential.run(600, seed=5, peer="httptools")
    assert summary.examples == 600 == summary.agreed + sum(summary.by_decision.values())
    assert set(summary.by_decision) == {decision.id for decision in DECISIONS}
