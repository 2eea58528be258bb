"""The seed statements, each with what became of it: a requirement, an example, an exclusion, or nothing yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from conformance import catalogue, coverage
from conformance.examples import Example, by_statement


@dataclass(frozen=True)
class Fate:
    """What became of one statement: its state, and the requirements and examples that stand for it."""

    statement: coverage.Statement
    state: str
    requirements: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    why: str = ""


#: The states that a statement can be in, best first.
STATES = {
    "checked": "a requirement that cites it was judged",
    "shown": "an example shows it, which a test drives",
    "excluded": "nothing to check or to show, for the reason given",
    "context": "tells of the text or of the time, states nothing that a system does",
    "open": "neither",
}


def fates(judged: Iterable[str]) -> list[Fate]:
    """Return what became of each seed statement, given the ids of the requirements that a run judged."""
    ids = set(judged)
    citing: dict[str, tuple[str, ...]] = {}
    for entry in catalogue.entries():
        for id in entry.requirement.statements if entry.id in ids else ():
            citing[id] = (*citing.get(id, ()), entry.id)
    shown = by_statement()
    return [
        _fate(statement, citing.get(statement.id, ()), shown.get(statement.id, ()))
        for statement in coverage.statements().values()
        if statement.source == "seeds"
    ]


def _fate(statement: coverage.Statement, requirements: tuple[str, ...], shown: tuple[Example, ...]) -> Fate:
    excluded = coverage.exclusions().get(statement.id)
    if requirements or shown:
        return Fate(statement, "checked" if requirements else "shown", requirements, shown)
    if excluded is not None:
        return Fate(statement, "excluded", why=f"{excluded.reason}: {excluded.why}")
    return Fate(statement, "open" if statement.observable else "context")
