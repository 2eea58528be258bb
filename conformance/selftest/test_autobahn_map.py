"""The map from Autobahn's cases to requirements: complete, without doubles, and to ids that exist."""

from __future__ import annotations

from collections import Counter
from typing import Any

import click
import pytest

from conformance import catalogue, jobs
from conformance.oracles import autobahn, wstest
from conformance.report import cross
from conformance.verdict import Verdict

#: Cases in each group of release 25.10.1, as it lists them itself.
GROUPS = {"1": 16, "2": 11, "3": 7, "4": 10, "5": 20, "6": 145, "7": 37, "9": 54, "10": 1, "12": 90, "13": 126}
QUICK = 385


def rows() -> list[dict[str, Any]]:
    return cross.document()["map"]


def mapped(table: str = "map") -> list[str]:
    return [case for row in cross.document()[table] for pattern in row["cases"] for case in cross.expand(pattern)]


@pytest.mark.parametrize("table", ["map", "client"])
def test_every_case_is_mapped_once(table: str) -> None:
    assert [case for case, count in Counter(mapped(table)).items() if count > 1] == []
    assert Counter(case.split(".")[0] for case in mapped(table)) == GROUPS


def test_the_quick_lane_is_mapped() -> None:
    assert len([case for case in mapped() if not autobahn._long(case)]) == QUICK


def test_the_map_is_autobahns_own_list_where_that_is_at_hand() -> None:
    if wstest.original().exists() or wstest.site().exists():
        assert sorted(mapped()) == sorted(autobahn.cases(full=True))


def test_requirements_exist() -> None:
    known = {entry.id for entry in catalogue.entries()}
    named = [row for table in cross.document().values() for row in table]
    assert [id for row in named for id in row.get("requirements", []) if id not in known] == []
    assert all(row["requirements"] for row in rows())


def test_differences_are_grouped_by_reason() -> None:
    def said(case: str, good: bool) -> dict[str, Any]:
        return {"case": case, "good": good, "failed": not good, "behavior": "FAILED", "close": "OK"}

    reserved = "websocket.rsv.data"
    ours = {reserved: Verdict.FAIL, "websocket.ping.answered": Verdict.PASS, "websocket.pong.unsolicited": Verdict.PASS}
    rows = [said("3.1", True), said("3.2", True), said("2.1", True), said("2.7", False), said("1.1.1", False)]
    found = cross.differences("server", rows, ours)
    assert [(cross.ranges(one.cases), one.autobahn, one.requirements) for one in found] == [
        ("3.1-2", "good", (reserved,)),
        ("2.7", "FAILED, close OK", ()),
    ]


def test_without_autobahn_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wstest, "available", lambda: False)
    with pytest.raises(click.UsageError, match="conform autobahn setup"):
        jobs.fuzz([], ("server",), full=False)
