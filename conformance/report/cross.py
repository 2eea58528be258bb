"""Autobahn's verdicts beside ours: every case on which the two differ, for each target, and why they do.

``spec/websocket/autobahn.toml`` says which of our requirements stand for a case, and has a reason for each class of
differences: by our requirement where only we are not content, by case where only Autobahn is not.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from conformance.paths import BOOK
from conformance.verdict import Verdict

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: What a difference without a reason says.
UNEXPLAINED = "not looked into yet"
#: Tables of the map for each role of a target.
_TABLES = {"server": "map", "client": "client"}


@dataclass(frozen=True)
class Difference:
    """Cases of Autobahn that a target passes before one judge only, for one reason."""

    cases: tuple[str, ...]
    #: "good" or Autobahn's two words.
    autobahn: str
    #: Our requirements that are not met; none when only Autobahn is not content.
    requirements: tuple[str, ...]
    why: str


@cache
def document() -> dict[str, list[dict[str, Any]]]:
    """Return the map and the reasons as they are written."""
    found: dict[str, list[dict[str, Any]]]
    found = tomllib.loads((BOOK / "spec/websocket/autobahn.toml").read_text(encoding="utf-8"))
    return found


def expand(pattern: str) -> list[str]:
    """Return the cases of "7.9.1-9"."""
    first, _, last = pattern.partition("-")
    group, _, number = first.rpartition(".")
    return [f"{group}.{each}" for each in range(int(number), int(last or number) + 1)]


@cache
def requirements(role: str) -> Mapping[str, tuple[str, ...]]:
    """Return our requirements for each case, for a target in the ``role`` of "server" or "client"."""
    rows = document()[_TABLES[role]]
    return {case: tuple(row["requirements"]) for row in rows for each in row["cases"] for case in expand(each)}


def differences(role: str, rows: Iterable[dict[str, Any]], ours: Mapping[str, Verdict]) -> list[Difference]:
    """Compare Autobahn's ``rows`` on a target with ``ours``, its verdicts by requirement.

    A case that we did not judge, or that the target does not implement, is no difference.
    """
    grouped: dict[tuple[str, tuple[str, ...], str], list[str]] = {}
    for row in rows:
        mapped = [id for id in requirements(role).get(row["case"], ()) if id in ours]
        bad = tuple(id for id in mapped if not ours[id].good and ours[id] is not Verdict.UNSUPPORTED)
        if not mapped or row["good"] is not bool(bad) or not (row["good"] or row["failed"]):
            continue
        said = "good" if row["good"] else f"{row['behavior']}, close {row['close']}"
        grouped.setdefault((said, bad, _why(role, row["case"], bad)), []).append(row["case"])
    return [Difference(tuple(cases), said, bad, why) for (said, bad, why), cases in grouped.items()]


def _why(role: str, case: str, bad: tuple[str, ...]) -> str:
    for row in document().get("difference", []):
        cases = [one for pattern in row.get("cases", []) for one in expand(pattern)]
        # Without requirements a reason is about cases that only Autobahn is not content with.
        about = bool(set(bad) & set(row["requirements"])) if "requirements" in row else not bad
        if about and row.get("role", role) == role and (not cases or case in cases):
            return str(row["why"])
    return UNEXPLAINED


def ranges(cases: Iterable[str]) -> str:
    """Return cases in few words: "7.9.1-9, 7.13.1"."""
    runs: list[list[str]] = []
    for case in cases:
        group, _, number = case.rpartition(".")
        if runs and runs[-1][0] == group and int(runs[-1][2]) + 1 == int(number):
            runs[-1][2] = number
        else:
            runs.append([group, number, number])
    return ", ".join(f"{group}.{first}" + (f"-{last}" if last != first else "") for group, first, last in runs)
