"""What changed between two runs: five lists that are never netted against each other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from conformance import catalogue
from conformance.verdict import CaseRecord, Verdict, worst


@dataclass
class Changes:
    """Requirements of one target whose verdict differs from the run before."""

    target: str
    newly_failing: list[str] = field(default_factory=list)
    newly_passing: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def lists(self) -> list[tuple[str, list[str]]]:
        """Return the five lists with their titles, the alarming ones first."""
        return [
            ("newly failing", self.newly_failing),
            ("stale expectations", self.stale),
            ("newly passing", self.newly_passing),
            ("new", self.new),
            ("removed", self.removed),
        ]

    def __bool__(self) -> bool:
        return any(ids for _, ids in self.lists())


def by_requirement(records: Iterable[CaseRecord]) -> dict[str, Verdict]:
    """Return each requirement's verdict: the worst of its cases."""
    cases: dict[str, list[Verdict]] = {}
    for record in records:
        cases.setdefault(record.id, []).append(record.verdict)
    return {id: worst(verdicts) for id, verdicts in cases.items()}


def compare(target: str, before: Iterable[CaseRecord], after: Iterable[CaseRecord], *, partial: bool) -> Changes:
    """Compare two runs of ``target``; with ``partial``, what the second did not run is not called removed.

    A requirement that was renamed is compared under its new id.
    """
    renamed = {entry.requirement.formerly: entry.id for entry in catalogue.entries() if entry.requirement.formerly}
    old = {renamed.get(id, id): verdict for id, verdict in by_requirement(before).items()}
    new = by_requirement(after)
    changes = Changes(target)
    for id, verdict in new.items():
        if verdict is Verdict.STALE:
            changes.stale.append(id)
        if id not in old:
            changes.new.append(id)
        elif old[id].good and not verdict.good and verdict is not Verdict.STALE:
            changes.newly_failing.append(id)
        elif not old[id].good and verdict.good:
            changes.newly_passing.append(id)
    if not partial:
        changes.removed = [id for id in old if id not in new]
    return changes
