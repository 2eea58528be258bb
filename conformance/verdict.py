"""Verdicts: the outcomes a case can have, and the exceptions by which it reaches them.

There is no "skipped": a case that cannot be judged says why, and that counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Verdict(str, Enum):
    """Outcome of one case on one target."""

    PASS = "pass"
    LENIENT = "lenient"  # allowed, not preferred
    FAIL = "fail"
    MISSING = "missing"  # the package has no such name
    UNSUPPORTED = "unsupported"  # the target declares that it lacks the capability
    BLOCKED = "blocked"  # a requirement this one depends on failed
    NOT_TESTABLE = "not-testable"  # the target could not be brought to where the case begins
    HARNESS_ERROR = "harness-error"  # the suite itself failed
    EXPECTED_FAILURE = "expected-failure"
    STALE = "stale"  # expected to fail, but passes

    @property
    def good(self) -> bool:
        """Whether the behaviour is as required."""
        return self in (Verdict.PASS, Verdict.LENIENT)

    @property
    def unexpected(self) -> bool:
        """Whether a run with this verdict is not as expected."""
        return self in (Verdict.FAIL, Verdict.MISSING, Verdict.BLOCKED, Verdict.NOT_TESTABLE)


#: From the best to the worst; a requirement with several cases has the worst verdict of them.
SEVERITY: tuple[Verdict, ...] = (
    Verdict.PASS,
    Verdict.LENIENT,
    Verdict.UNSUPPORTED,
    Verdict.EXPECTED_FAILURE,
    Verdict.BLOCKED,
    Verdict.MISSING,
    Verdict.NOT_TESTABLE,
    Verdict.FAIL,
    Verdict.STALE,
    Verdict.HARNESS_ERROR,
)


def worst(verdicts: list[Verdict]) -> Verdict:
    """Return the verdict of a requirement from those of its cases."""
    return max(verdicts, key=SEVERITY.index)


class Missing(Exception):
    """The package under test lacks a public name."""


class Unsupported(Exception):
    """The target declares that it does not offer what the case needs."""


class NotTestable(Exception):
    """The target could not be brought into the state in which the case begins; counts as a failure."""


class HarnessError(Exception):
    """The suite, not the target, is at fault."""


@dataclass
class CaseRecord:
    """What is kept of one case: one line of a run's JSONL file."""

    target: str
    id: str
    chapter: str
    level: str
    verdict: Verdict
    params: str = ""
    chop: str = ""
    seconds: float = 0.0
    message: str = ""
    signature: str = ""
    detail: str = ""
    log: str = ""
    why: str = ""
    wire: list[dict[str, Any]] = field(default_factory=list)

    @property
    def key(self) -> str:
        """Name of the case: the id, its parameters, and how the bytes were chopped."""
        return case_key(self.id, self.params, self.chop)

    def to_json(self) -> dict[str, Any]:
        """Return the record as a JSON object with ``kind`` and ``key``."""
        # No deep copy: what comes out is written at once, and the bytes of a case are many.
        return {"kind": "case", "key": self.key, **vars(self), "verdict": self.verdict.value}

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> CaseRecord:
        """Rebuild a record from its JSON object."""
        values = {name: value for name, value in row.items() if name in cls.__dataclass_fields__}
        return cls(**{**values, "verdict": Verdict(row["verdict"])})


def case_key(id: str, params: str, chop: str) -> str:
    """Return ``id[params]@chop=NAME``, without the parts that are empty."""
    return id + (f"[{params}]" if params else "") + (f"@chop={chop}" if chop else "")
