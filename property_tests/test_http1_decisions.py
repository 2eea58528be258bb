"""The examples of the HTTP/1.1 decisions files are true of the two sides, whatever Hypothesis draws."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from property_tests import http1_h11, http1_httptools
from property_tests.differential import Verdict
from property_tests.strategies.http1 import RequestCase, ResponseCase

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PEERS: dict[str, Any] = {"h11": http1_h11, "httptools": http1_httptools}
_HERE = Path(__file__).parent / "decisions"
_CASES = [
    pytest.param(peer, table, id=f"{peer}-{table['id']}")
    for peer in PEERS
    for table in tomllib.loads((_HERE / f"http1_{peer}.toml").read_text(encoding="utf-8"))["decision"]
]


def _compared(peer: str, table: dict[str, Any]) -> Verdict:
    if "response" in table:
        case = ResponseCase("GET", table.get("upgrade", False), table["response"].encode("latin-1"), (1,))
        return PEERS[peer].compare_responses(case)  # type: ignore[no-any-return]
    return PEERS[peer].compare_requests(RequestCase(table["example"].encode("latin-1"), (1,)))  # type: ignore[no-any-return]


@pytest.mark.parametrize(("peer", "table"), _CASES)
def test_every_decision_is_true_of_its_example(peer: str, table: dict[str, Any]) -> None:
    """The example diverges, that decision explains it, and the side that refuses is the one that is said to
    be stricter.
    """
    verdict = _compared(peer, table)
    assert verdict.decision == table["id"], f"ours: {verdict.ours}\ntheirs: {verdict.theirs}"
    refused = {
        "waterspout": verdict.ours.startswith("[Item(kind='failed'"),
        peer: verdict.theirs.startswith("[Item(kind='failed'"),
    }
    if table["stricter"] == "neither" or table["id"] == "client.unasked-data":
        assert not any(refused.values())
    else:
        assert refused == {side: side == table["stricter"] for side in refused}


@pytest.mark.parametrize(("peer", "table"), _CASES)
def test_every_decision_cites_a_clause_and_names_a_side(peer: str, table: dict[str, Any]) -> None:
    """A decision without its clause would be an opinion."""
    assert table["clause"][0].isdigit()
    assert table["stricter"] in ("waterspout", peer, "neither")
    assert table["reason"].endswith(".")
