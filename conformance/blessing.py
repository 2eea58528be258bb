"""``conform bless``: writes a target's known failures, each with the reason and the sign by which it is known."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from conformance.paths import TARGETS
from conformance.target import Expectation, Target
from conformance.verdict import CaseRecord, Verdict

_KNOWN = (Verdict.FAIL, Verdict.MISSING, Verdict.NOT_TESTABLE, Verdict.EXPECTED_FAILURE)


def write_expectations(target: Target, records: Iterable[CaseRecord], why: str) -> str:
    """Write ``NAME.expected.toml`` for what failed in ``records``; return a sentence on what was written.

    There is one entry for each requirement, with all the ways in which its cases fail. Reasons that were written before
    are kept, and so are entries for other releases than the installed one and for what was not judged; one without
    signatures stays without.
    """
    records = list(records)
    judged = {record.id for record in records}
    failing: dict[str, set[str]] = {}
    for record in records:
        if record.verdict in _KNOWN:
            failing.setdefault(record.id, set()).add(record.signature)
    entries = {**target.expected_of_others, **{id: known for id, known in target.expected.items() if id not in judged}}
    for id, signatures in failing.items():
        known = target.expected.get(id)
        if known is None or known.signatures:
            known = replace(known or Expectation(why, target.version()), signatures=tuple(sorted(signatures)))
        entries[id] = known
    lines = [f"# Known failures of {target.title}. Written by `conform bless`; the reasons by people.\n"]
    lines += [_entry(id, entries[id]) for id in sorted(entries)]
    path = TARGETS / f"{target.name}.expected.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return f"{path.name}: {len(failing)} expectations"


def _entry(key: str, known: Expectation) -> str:
    # JSON's string escapes and arrays of strings are a subset of TOML's.
    rows = [f"[{json.dumps(key)}]", f"why = {json.dumps(known.why, ensure_ascii=False)}"]
    rows += [f"{name} = {json.dumps(value)}" for name in ("since", "before") if (value := getattr(known, name))]
    if known.signatures:
        shown = ",\n".join(f"    {json.dumps(one, ensure_ascii=False)}" for one in known.signatures)
        rows.append(f"signature = [\n{shown},\n]")
    return "\n".join([*rows, ""])
