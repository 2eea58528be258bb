"""Runs on disk: one JSONL file each, with a header, one line for each case, and a footer that shows it is whole."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

from conformance.paths import BOOK, RUNS
from conformance.verdict import CaseRecord, Verdict

SCHEMA = 1


@dataclass
class Run:
    """What one run found."""

    path: Path
    header: dict[str, Any]
    records: list[CaseRecord] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    end: dict[str, Any] | None = None

    @property
    def complete(self) -> bool:
        """Whether the run came to its end; a run without a footer was interrupted."""
        return self.end is not None and not self.end.get("interrupted")

    @property
    def targets(self) -> dict[str, dict[str, Any]]:
        """The targets judged, with title and version."""
        found: dict[str, dict[str, Any]] = self.header.get("targets", {})
        return found

    def of(self, target: str) -> list[CaseRecord]:
        """Return the records of one target, those blocked by a failed dependency marked as such."""
        return [record for record in self.records if record.target == target]


class RunFile:
    """A run being written; each line is on disk before the next case begins."""

    def __init__(self, command: str, **header: Any) -> None:
        RUNS.mkdir(parents=True, exist_ok=True)
        started = datetime.now(timezone.utc)
        self.name = f"{started:%Y%m%d-%H%M%S}-{started.microsecond:06d}-{command}"
        self.path = RUNS / f"{self.name}.jsonl"
        self._started = time.monotonic()
        self._file: IO[str] = open(self.path, "w", encoding="utf-8")  # noqa: SIM115 - closed by close()
        self.write({"kind": "run", "schema": SCHEMA, "run": self.name, "command": command,
                    "started": started.isoformat(timespec="seconds"), "revision": revision(),
                    "python": platform.python_version(), "platform": sys.platform,
                    "cores": os.cpu_count(), **header})  # fmt: skip

    def write(self, row: dict[str, Any]) -> None:
        """Append one line."""
        self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self, **footer: Any) -> None:
        """Append the footer and close the file."""
        self.write({"kind": "end", "seconds": round(time.monotonic() - self._started, 2), **footer})
        self._file.close()


def revision() -> str:
    """Return the revision of the checkout, with a plus sign when it has uncommitted changes; empty outside git."""
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=10"],
            cwd=BOOK, capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.stdout.strip()


def load(path: Path) -> Run:
    """Read a run; a line cut off at the end of an interrupted run is left out."""
    header: dict[str, Any] = {}
    run = Run(path, header)
    for row in _rows(path):
        kind = row.get("kind")
        if kind == "run":
            header.update(row)
        elif kind == "case":
            run.records.append(CaseRecord.from_json(row))
        elif kind == "end":
            run.end = row
        else:
            run.rows.append(row)
    _mark_blocked(run.records)
    return run


def history(command: str) -> list[Path]:
    """Return the files of the runs of one command, the oldest first."""
    return sorted(RUNS.glob(f"*-{command}.jsonl"))


def latest(command: str) -> Run | None:
    """Return the newest run of a command, or None."""
    paths = history(command)
    return load(paths[-1]) if paths else None


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            try:
                yield json.loads(line)
            except ValueError:
                return


def _mark_blocked(records: Iterable[CaseRecord]) -> None:
    from conformance import catalogue  # the catalogue imports every chapter: only where a run is really read

    rows = list(records)
    failed = {(row.target, row.id) for row in rows if row.verdict.unexpected}
    needs = {entry.id: entry.requirement.depends for entry in catalogue.entries() if entry.requirement.depends}
    for row in rows:
        if row.verdict is Verdict.FAIL:
            blockers = [id for id in needs.get(row.id, ()) if (row.target, id) in failed]
            if blockers:
                row.verdict = Verdict.BLOCKED
                row.message = f"blocked by {', '.join(blockers)}: {row.message}"
