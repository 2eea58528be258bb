"""The map from Autobahn's cases to requirements: complete, without doubles, and to ids that exist."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

from conformance import catalogue
from conformance.oracles import autobahn
from conformance.paths import BOOK

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: Cases in each group of release 25.10.1, as it lists them itself.
GROUPS = {"1": 16, "2": 11, "3": 7, "4": 10, "5": 20, "6": 145, "7": 37, "9": 54, "10": 1, "12": 90, "13": 126}
QUICK = 385


def rows() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads((BOOK / "spec/websocket/autobahn.toml").read_text())["map"]
    return found


def expand(pattern: str) -> list[str]:
    """Return the cases of "7.9.1-9"."""
    first, _, last = pattern.partition("-")
    group, _, number = first.rpartition(".")
    return [f"{group}.{each}" for each in range(int(number), int(last or number) + 1)]


def mapped() -> list[str]:
    return [case for row in rows() for pattern in row["cases"] for case in expand(pattern)]


def test_every_case_is_mapped_once() -> None:
    assert [case for case, count in Counter(mapped()).items() if count > 1] == []
    assert Counter(case.split(".")[0] for case in mapped()) == GROUPS


def test_the_quick_lane_is_mapped() -> None:
    assert len([case for case in mapped() if not autobahn._long(case)]) == QUICK


def test_the_map_is_autobahns_own_list_where_that_is_at_hand() -> None:
    if (autobahn.environment() / "bin" / "python").exists():
        assert sorted(mapped()) == sorted(autobahn.cases(full=True))


def test_requirements_exist() -> None:
    known = {entry.id for entry in catalogue.entries()}
    assert [id for row in rows() for id in row["requirements"] if id not in known] == []
    assert all(row["requirements"] for row in rows())
