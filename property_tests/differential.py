"""Comparison of our protocol cores with another implementation, event for event, for as many examples as
wanted.

A `Comparison` makes cases and says of each how the two sides' outcomes relate: they agree, or they differ in
a way that a decision lists, or they differ and nobody knows why. Decisions live in ``decisions/*.toml``, one
table each: its ``id``, the ``clause`` that settles it, the ``reason``, which side is ``stricter``
("waterspout", "h11", ..., or "neither"), and the name of the ``predicate`` that recognises it.

pytest lets Hypothesis make the cases, a few hundred in every run. Here they come from a seed, by the thousand in
a `Batch`; the same seed gives the same batches, however many processes share them.

To add a comparison: write a module with a tuple ``COMPARISONS`` and name it in `SOURCES`.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Generic, TypeVar

from property_tests.reducing import smallest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

D = TypeVar("D")

#: Which modules have the comparisons with which peer.
SOURCES = {
    "h11": ("property_tests.http1_h11", "property_tests.http1_conversations"),
    "httptools": ("property_tests.http1_httptools",),
    "wsproto": ("property_tests.ws_wsproto",),
    "websockets": ("property_tests.ws_websockets",),
}

#: Examples in a batch: about a second of work.
BATCH = 1000
#: Unlisted divergences that a summary shows; the rest are counted.
SHOWN = 10


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
    """One way of comparing. ``make`` makes a case, ``compare`` judges it, ``smaller`` gives cases that say less."""

    name: str
    peer: str
    make: Callable[[Random], Any]
    compare: Callable[[Any], Verdict]
    smaller: Callable[[Any], Iterator[Any]]
    decisions: tuple[Decision[Any], ...]


@dataclass(frozen=True)
class Unlisted:
    """A divergence that no decision explains; the case is as small as it could be made."""

    comparison: str
    case: str
    ours: str
    theirs: str


@dataclass(frozen=True)
class Batch:
    """A share of a run: so many examples of one comparison, made from a seed of their own."""

    peer: str
    comparison: str
    seed: str
    examples: int


@dataclass
class Summary:
    """What a run found. ``by_decision`` has every decision, with the number of cases that it explained;
    ``seconds`` is the time that processes spent on it, added up.
    """

    peer: str
    examples: int = 0
    agreed: int = 0
    by_decision: dict[str, int] = field(default_factory=dict)
    unlisted: list[Unlisted] = field(default_factory=list)
    unexplained: int = 0
    seconds: float = 0.0

    def add(self, other: Summary) -> None:
        """Take up what another share of the same run found."""
        self.examples += other.examples
        self.agreed += other.agreed
        self.unexplained += other.unexplained
        self.seconds += other.seconds
        for decision, count in other.by_decision.items():
            self.by_decision[decision] = self.by_decision.get(decision, 0) + count
        new = [item for item in other.unlisted if item not in self.unlisted]
        self.unlisted = (self.unlisted + new)[:SHOWN]

    @property
    def unused(self) -> list[str]:
        """The decisions that explained nothing: the examples were too few, or the decision is not true any
        more.
        """
        return [decision for decision, count in self.by_decision.items() if not count]

    @property
    def ok(self) -> bool:
        return not self.unexplained

    def lines(self) -> list[str]:
        """The summary as text, a line for each fact."""
        lines = [f"{self.examples} examples against {self.peer} in {self.seconds:.1f} s of work: {self.agreed} agree"]
        lines += [f"{count:8} {decision}" for decision, count in sorted(self.by_decision.items())]
        if self.unexplained:
            lines.append(f"{self.unexplained:8} unlisted divergences, {len(self.unlisted)} of them shown:")
        for item in self.unlisted:
            lines += [f"in {item.comparison}:", f"  case:   {item.case}"]
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


@cache
def comparisons(peer: str) -> tuple[Comparison, ...]:
    """The comparisons with ``peer``. Raises KeyError for a peer that there are none with."""
    modules = [importlib.import_module(name) for name in SOURCES[peer]]
    return tuple(comparison for module in modules for comparison in module.COMPARISONS)


def batches(peer: str, examples: int, seed: int) -> list[Batch]:
    """A run's examples, shared among the comparisons with ``peer`` and cut into batches."""
    todo = comparisons(peer)
    found = []
    for number, comparison in enumerate(todo):
        share = examples // len(todo) + (number < examples % len(todo))
        for start in range(0, share, BATCH):
            name = f"{seed}:{peer}:{comparison.name}:{start}"
            found.append(Batch(peer, comparison.name, name, min(BATCH, share - start)))
    return found


def run_batch(batch: Batch) -> Summary:
    """Work through one batch; of its unlisted divergences, the first is made small and shown."""
    comparison = next(one for one in comparisons(batch.peer) if one.name == batch.comparison)
    random = Random(batch.seed)
    verdicts: Counter[str | None] = Counter()
    summary = Summary(batch.peer, examples=batch.examples)
    started = time.perf_counter()
    for _ in range(batch.examples):
        case = comparison.make(random)
        verdict = comparison.compare(case)
        if not verdict.unlisted:
            verdicts[verdict.decision] += 1
            continue
        summary.unexplained += 1
        if not summary.unlisted:
            summary.unlisted.append(_shown(comparison, case))
    summary.agreed = verdicts.pop(None, 0)
    summary.by_decision = {decision.id: verdicts[decision.id] for decision in comparison.decisions}
    summary.seconds = time.perf_counter() - started
    return summary


def _shown(comparison: Comparison, case: Any) -> Unlisted:
    small = smallest(case, comparison.smaller, lambda one: comparison.compare(one).unlisted)
    verdict = comparison.compare(small)
    return Unlisted(comparison.name, repr(small), verdict.ours, verdict.theirs)


def run(examples: int, seed: int, peer: str = "h11") -> Summary:
    """Compare with ``peer`` for that many examples, in this process."""
    summary = Summary(peer)
    for batch in batches(peer, examples, seed):
        summary.add(run_batch(batch))
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
