"""Comparison of our protocol cores with another implementation, event for event, for as many examples as
wanted.

A `Comparison` draws cases and says of each how the two sides' outcomes relate: they agree, or they differ in
a way that a decision lists, or they differ and nobody knows why. Decisions live in ``decisions/*.toml``, one
table each: its ``id``, the ``clause`` that settles it, the ``reason``, which side is ``stricter``
("waterspout", "h11", ..., or "neither"), and the name of the ``predicate`` that recognises it. `run` works
through the comparisons with one peer, outside pytest.

To add a comparison: write a module with a tuple ``COMPARISONS`` and name it in `SOURCES`.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis.strategies import SearchStrategy

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

D = TypeVar("D")

#: Which module has the comparisons with which peer.
SOURCES = {
    "h11": "property_tests.http1_h11",
    "wsproto": "property_tests.ws_wsproto",
}


@dataclass(frozen=True)
class Decision(Generic[D]):
    """One listed class of divergence."""

    id: str
    clause: str
    reason: str
    stricter: str
    recognises: Callable[[D], bool]


@dataclass(frozen=True)
class Verdict:
    """How the two sides' outcomes for one case relate. ``decision`` is None for agreement and for unlisted
    divergence.
    """

    agreed: bool
    decision: str | None = None
    ours: str = ""
    theirs: str = ""

    @property
    def unlisted(self) -> bool:
        return not self.agreed and self.decision is None


AGREED = Verdict(True)


@dataclass(frozen=True)
class Comparison:
    """One way of comparing. ``compare`` judges a case, ``show`` makes it readable."""

    name: str
    peer: str
    cases: SearchStrategy[Any]
    compare: Callable[[Any], Verdict]
    show: Callable[[Any], str]
    decisions: tuple[Decision[Any], ...]


@dataclass(frozen=True)
class Unlisted:
    """A divergence that no decision explains; the case is the smallest that was found."""

    comparison: str
    case: str
    ours: str
    theirs: str


@dataclass
class Summary:
    """What a run found. ``by_decision`` has every decision, with the number of cases that it explained."""

    peer: str
    examples: int = 0
    agreed: int = 0
    by_decision: dict[str, int] = field(default_factory=dict)
    unlisted: list[Unlisted] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def unused(self) -> list[str]:
        """The decisions that explained nothing: the examples were too few, or the decision is not true any
        more.
        """
        return [decision for decision, count in self.by_decision.items() if not count]

    @property
    def ok(self) -> bool:
        return not self.unlisted

    def lines(self) -> list[str]:
        """The summary as text, a line for each fact."""
        lines = [f"{self.examples} examples against {self.peer} in {self.seconds:.1f} s: {self.agreed} agree"]
        lines += [f"{count:8} {decision}" for decision, count in sorted(self.by_decision.items())]
        for item in self.unlisted:
            lines += [f"unlisted divergence in {item.comparison}:", f"  case:   {item.case}"]
            lines += [f"  ours:   {item.ours}", f"  theirs: {item.theirs}"]
        return lines


def load_decisions(path: Path, predicates: Mapping[str, Callable[[D], bool]]) -> tuple[Decision[D], ...]:
    """Read a decisions file; a predicate that is missing or belongs to no decision is an error."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))["decision"]
    named = [table["predicate"] for table in tables]
    if sorted(named) != sorted(predicates):
        raise ValueError(f"{path.name}: decisions and predicates differ in {set(named) ^ set(predicates)}")
    return tuple(Decision(t["id"], t["clause"], t["reason"], t["stricter"], predicates[t["predicate"]]) for t in tables)


def explain(decisions: Iterable[Decision[D]], divergence: D) -> str | None:
    """The id of the first decision that recognises the divergence."""
    return next((decision.id for decision in decisions if decision.recognises(divergence)), None)


class _UnlistedDivergence(AssertionError):
    pass


def comparisons(peer: str) -> tuple[Comparison, ...]:
    """The comparisons with ``peer``. Raises KeyError for a peer that there are none with."""
    found: tuple[Comparison, ...] = importlib.import_module(SOURCES[peer]).COMPARISONS
    return found


def run(examples: int, seed: int | None = None, peer: str = "h11") -> Summary:
    """Compare with ``peer`` for that many examples, shared among its comparisons; the same seed gives the
    same examples.
    """
    summary = Summary(peer)
    started = time.perf_counter()
    todo = comparisons(peer)
    for number, comparison in enumerate(todo):
        share = examples // len(todo) + (number < examples % len(todo))
        if share:
            _explore(comparison, share, seed, summary)
    summary.seconds = time.perf_counter() - started
    return summary


def to_json(summary: Summary) -> dict[str, Any]:
    """The summary with its decisions spelled out, as the report shows it."""
    decisions = {decision.id: decision for one in comparisons(summary.peer) for decision in one.decisions}
    rows = [
        {
            "id": id,
            "clause": decision.clause,
            "reason": decision.reason,
            "stricter": decision.stricter,
            "count": summary.by_decision.get(id, 0),
        }
        for id, decision in decisions.items()
    ]
    unlisted = [f"{one.comparison}: {one.case}\nours: {one.ours}\ntheirs: {one.theirs}" for one in summary.unlisted]
    return {
        "kind": "differential",
        "peer": summary.peer,
        "subject": ", ".join(one.name for one in comparisons(summary.peer)),
        "examples": summary.examples,
        "agreed": summary.agreed,
        "seconds": summary.seconds,
        "decisions": rows,
        "unlisted": unlisted,
    }


def _explore(comparison: Comparison, examples: int, seed: int | None, summary: Summary) -> None:
    verdicts: Counter[str | None] = Counter()
    failing: list[tuple[Any, Verdict]] = []

    def check(case: Any) -> None:
        verdict = comparison.compare(case)
        if verdict.unlisted:
            failing.append((case, verdict))
            raise _UnlistedDivergence(comparison.show(case))
        # Once something failed, what follows are Hypothesis's attempts to make it smaller.
        if not failing:
            verdicts[verdict.decision] += 1

    test = settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
    )(given(comparison.cases)(check))
    if seed is not None:
        test = hypothesis.seed(seed)(test)
    try:
        test()
    except _UnlistedDivergence:
        # The last failing call is Hypothesis's replay of the smallest case.
        case, verdict = failing[-1]
        unlisted = Unlisted(comparison.name, comparison.show(case), verdict.ours, verdict.theirs)
        summary.unlisted.append(unlisted)
    summary.examples += sum(verdicts.values()) + bool(failing)
    summary.agreed += verdicts.pop(None, 0)
    for decision in comparison.decisions:
        summary.by_decision.setdefault(decision.id, 0)
    for decision_id, count in verdicts.items():
        if decision_id is not None:
            summary.by_decision[decision_id] += count
