"""Coverage of the sources: which sentences of the RFCs and of the seeds a run has really decided.

A statement is *checked* when a requirement that cites it was judged in the run (whatever the verdict) or an example of
``spec/examples.toml`` shows it, *excluded* when ``spec/excluded.toml`` says why it is not, and *open* otherwise.
"""

from __future__ import annotations

import functools
import json
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from conformance import catalogue
from conformance.examples import by_statement
from conformance.paths import SOURCES, SPEC
from conformance.verdict import HarnessError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: Why a statement may stay without a requirement.
REASONS = ("untestable", "out of scope", "implied", "deprecated", "other role")


@dataclass(frozen=True)
class Statement:
    """One sentence of a source, and whether a black-box check of a server, of a client or of the API can decide it."""

    id: str
    source: str
    section: str
    level: str
    text: str
    observable: bool


@dataclass(frozen=True)
class Exclusion:
    """Why statements are not checked."""

    reason: str
    why: str


@dataclass(frozen=True)
class Share:
    """How much of one source is checked, excluded, open."""

    source: str
    checked: tuple[str, ...]
    excluded: tuple[str, ...]
    open: tuple[str, ...]

    @property
    def total(self) -> int:
        """Number of statements that can be checked at all."""
        return len(self.checked) + len(self.excluded) + len(self.open)


@functools.cache
def statements() -> dict[str, Statement]:
    """Return all statements of the sources by id."""
    found = [_sentence(row) for row in _rows("rfc.jsonl")] + [_seed(row) for row in _rows("seeds.jsonl")]
    return {statement.id: statement for statement in found}


@functools.cache
def exclusions() -> dict[str, Exclusion]:
    """Return the excluded statements by id.

    An entry of ``spec/excluded.toml`` names statements by id or by glob (``RFC9110-9.3.6-*``). Raises HarnessError for
    an entry that names nothing, has no known reason, or no ``why``.
    """
    entries = tomllib.loads((SPEC / "excluded.toml").read_text(encoding="utf-8")).get("exclude", [])
    found: dict[str, Exclusion] = {}
    for entry in entries:
        if entry.get("reason") not in REASONS or not entry.get("why"):
            raise HarnessError(f"spec/excluded.toml: {entry}: give a reason of {REASONS} and a why")
        for pattern in entry["statements"]:
            ids = _expand(pattern)
            if not ids:
                raise HarnessError(f"spec/excluded.toml: {pattern} names no statement")
            for id in ids:
                found[id] = Exclusion(entry["reason"], entry["why"])
    return found


def unknown_citations() -> list[str]:
    """Return what requirements cite though no source has it, as ``requirement: statement``."""
    known = statements()
    return [
        f"{entry.id}: {item}"
        for entry in catalogue.entries()
        for item in sorted(entry.requirement.statements)
        if item not in known
    ]


def coverage(judged: Iterable[str]) -> list[Share]:
    """Return the share of each source, given the ids of the requirements that a run judged."""
    ids = set(judged)
    cited = {item for entry in catalogue.entries() if entry.id in ids for item in entry.requirement.statements}
    cited |= by_statement().keys()
    excluded = exclusions()
    shares = []
    for source in dict.fromkeys(statement.source for statement in statements().values()):
        mine = [one.id for one in statements().values() if one.source == source and one.observable]
        checked = tuple(id for id in mine if id in cited)
        left = [id for id in mine if id not in cited]
        shares.append(
            Share(
                source,
                checked,
                tuple(id for id in left if id in excluded),
                tuple(id for id in left if id not in excluded),
            )
        )
    return shares


def _rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SOURCES / name).read_text(encoding="utf-8").splitlines()]


def _sentence(row: dict[str, Any]) -> Statement:
    # What clients do with forms and cookies is nothing that the book judges.
    seen = {"server-wire", "both"} | ({"client-wire"} if row["rfc"] in (9110, 9112, 6455, 7692) else set())
    observable = row["observable"] in seen and row["level"] not in ("MAY", "OPTIONAL")
    return Statement(
        row["id"],
        f"RFC {row['rfc']}",
        f"{row['section']} {row['section_title']}",
        row["level"],
        row["text"],
        observable,
    )


def _seed(row: dict[str, Any]) -> Statement:
    # Context and page furniture (C, N) state nothing that a system does.
    return Statement(row["id"], "seeds", row["part"], row["type"], row["statement"], row["type"] not in "CN")


def _expand(pattern: str) -> list[str]:
    if "*" not in pattern:
        return [pattern] if pattern in statements() else []
    match = re.compile(re.escape(pattern).replace(r"\*", ".*")).fullmatch
    return [id for id in statements() if match(id)]
