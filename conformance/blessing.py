"""``conform bless``: writes a target's known failures, each with the reason and the sign by which it is known."""

from __future__ import annotations

import json
from collections.abc import Iterable

from conformance.paths import TARGETS
from conformance.target import Target
from conformance.verdict import CaseRecord, Verdict

_KNOWN = (Verdict.FAIL, Verdict.MISSING, Verdict.NOT_TESTABLE, Verdict.EXPECTED_FAILURE)


def write_expectations(target: Target, records: Iterable[CaseRecord], why: str) -> str:
    """Write ``NAME.expected.toml`` for what failed in ``records``; return a sentence on what was written.

    Entries are as few as possible: when every failing case of a requirement fails alike, one entry under its id stands
    for all of them. Reasons that were written before are kept.
    """
    failing: dict[str, list[CaseRecord]] = {}
    for record in records:
        if record.verdict in _KNOWN:
            failing.setdefault(record.id, []).append(record)
    lines = [f"# Known failures of {target.title}. Written by `conform bless`; the reasons by people.\n"]
    count = 0
    for id in sorted(failing):
        for key, signature in _entries(id, failing[id]):
            known = target.expected.get(key) or target.expected.get(id)
            lines.append(
                _entry(key, known.why if known else why, known.since if known else target.version(), signature)
            )
            count += 1
    path = TARGETS / f"{target.name}.expected.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return f"{path.name}: {count} expectations"


def _entries(id: str, records: list[CaseRecord]) -> list[tuple[str, str]]:
    signatures = {record.signature for record in records}
    if len(signatures) == 1:
        return [(id, signatures.pop())]
    return [(record.key, record.signature) for record in records]


def _entry(key: str, why: str, since: str, signature: str) -> str:
    # JSON's string escapes are a subset of those of TOML's basic strings.
    rows = [f"[{json.dumps(key)}]", f"why = {json.dumps(why, ensure_ascii=False)}", f"since = {json.dumps(since)}"]
    return "\n".join([*rows, f"signature = {json.dumps(signature, ensure_ascii=False)}", ""])
