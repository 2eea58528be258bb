"""Rules for the book itself: stable ids, short cases, sources that exist, no sleeping and no skipping."""

from __future__ import annotations

import re

from conformance import catalogue
from conformance.coverage import unknown_citations
from conformance.paths import SPEC
from conformance.saboteurs import registry

LOCK = SPEC / "ids.lock"
#: Longest case, decorators and signature included: it must be read at a glance in the report.
CASE_LINES = 25
_FORBIDDEN = (
    (re.compile(r"\b(?:time|asyncio|gen)\.sleep\(\s*(?!0\s*\))"), "sleeps for real; use the clock fixture"),
    (re.compile(r"\bskip\(|\bskipif\b|\bxfail\b"), "skips; there is no such verdict"),
    (re.compile(r"^\s*(?:import|from) (?:tornado|waterspout)\b", re.M), "imports an implementation; use `api`"),
)


def lock_problems() -> list[str]:
    """Return what differs between the book's ids and ``spec/ids.lock``."""
    locked = set(LOCK.read_text(encoding="utf-8").split()) if LOCK.exists() else set()
    here = {entry.id for entry in catalogue.entries()}
    renamed = {entry.requirement.formerly for entry in catalogue.entries() if entry.requirement.formerly}
    problems = [f"{id}: in the book, not in ids.lock; run `conform ids --write`" for id in sorted(here - locked)]
    gone = sorted(locked - here - renamed)
    return problems + [f"{id}: in ids.lock, not in the book; rename it with formerly=" for id in gone]


def write_lock() -> None:
    """Add the book's new ids to ``spec/ids.lock``; ids of the past stay in it."""
    locked = set(LOCK.read_text(encoding="utf-8").split()) if LOCK.exists() else set()
    ids = sorted(locked | {entry.id for entry in catalogue.entries()})
    LOCK.write_text("\n".join(ids) + "\n", encoding="utf-8")


def case_problems() -> list[str]:
    """Return the cases that are too long, that sleep or skip, or that name an implementation."""
    problems = []
    for entry in catalogue.entries():
        lines = entry.code.strip().count("\n") + 1
        if lines > CASE_LINES:
            problems.append(f"{entry.id}: {lines} lines; a case has at most {CASE_LINES}")
        clocked = re.search(r"\bclock\b", entry.code.split("):", 1)[0])
        # Under the jumping clock a sleep is a statement about time, not a wait.
        rules = _FORBIDDEN[1:] if clocked else _FORBIDDEN
        problems += [f"{entry.id}: {what}" for pattern, what in rules if pattern.search(entry.code)]
    return problems


def saboteur_problems() -> list[str]:
    """Return the saboteurs that name chapters or requirements that do not exist, and requirements nobody lies about."""
    ids = {entry.id for entry in catalogue.entries()}
    chapters = {chapter.name for chapter in catalogue.chapters()}
    problems = []
    for one in registry().values():
        problems += [f"saboteur {one.name}: no chapter {name}" for name in one.chapters if name not in chapters]
        problems += [f"saboteur {one.name}: no requirement {id}" for id in one.kills if id not in ids]
    claimed = {id for one in registry().values() for id in one.kills}
    return problems + [f"{id}: no saboteur claims to break it" for id in sorted(ids - claimed)]


def problems() -> list[str]:
    """Return everything that is wrong with the book."""
    cited = [f"{what}: there is no such statement" for what in unknown_citations()]
    return lock_problems() + case_problems() + cited + saboteur_problems()
