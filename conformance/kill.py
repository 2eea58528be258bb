"""The kill matrix: which requirement fails on which saboteur.

A requirement that no saboteur breaks may be a check that cannot fail; a saboteur that breaks nothing shows that the
book is silent about its lie. Both are defects of the suite.

Each saboteur is judged in a process forked from one that has already imported pytest and the reference: a hundred
short runs would otherwise spend most of their time on imports.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from conformance import catalogue
from conformance.paths import BOOK
from conformance.saboteurs import Saboteur, registry
from conformance.target import SABOTEUR
from conformance.verdict import CaseRecord, Verdict

#: Seconds a case may take on a saboteur: some lies are silence, and every silent case waits this long.
CASE_SECONDS = 4.0
#: What every child would otherwise import for itself.
_PRELOADED = (
    "conformance.plugin",
    "conformance.serving",
    "conformance.clock",
    "conformance.wire.http",
    "conformance.wire.ws",
)
#: Saboteurs at work for each core: most of their time they wait for an answer that a lie keeps back.
_AT_ONCE = 3
#: Seconds after which a saboteur's whole run is ended; what it killed by then counts.
SABOTEUR_SECONDS = 90.0


@dataclass
class Kills:
    """What the saboteurs broke."""

    matrix: dict[str, list[str]] = field(default_factory=dict)  # saboteur -> requirements that failed on it
    errors: dict[str, str] = field(default_factory=dict)  # saboteur -> why it could not be judged

    def killers(self) -> dict[str, list[str]]:
        """Return for each requirement the saboteurs that break it."""
        found: dict[str, list[str]] = {}
        for name, ids in self.matrix.items():
            for id in ids:
                found.setdefault(id, []).append(name)
        return found

    def unkilled(self) -> list[str]:
        """Return the requirements that no saboteur breaks."""
        killed = self.killers()
        return [entry.id for entry in catalogue.entries() if entry.id not in killed]

    def idle(self) -> list[str]:
        """Return the saboteurs that break nothing."""
        return [name for name, ids in self.matrix.items() if not ids]

    def unkept(self) -> list[str]:
        """Return what saboteurs claim to break and do not, as ``saboteur: requirement``."""
        saboteurs = registry()
        return [
            f"{name}: {id}"
            for name, ids in self.matrix.items()
            if name in saboteurs
            for id in saboteurs[name].kills
            if id not in ids
        ]


def run(
    names: Iterable[str],
    jobs: int,
    passing: set[str],
    full: bool = False,
    show: Callable[[str, list[str]], None] = lambda name, ids: None,
) -> Kills:
    """Judge the saboteurs ``names`` on ``jobs`` cores.

    Each is tried on the requirements it claims to break, or, with ``full``, on all of the chapters it is aimed at.
    ``passing`` are the requirements the reference itself meets; only those can be killed. ``show`` hears each
    saboteur's kills as they come.
    """
    saboteurs = registry()
    for module in _PRELOADED:
        importlib.import_module(module)
    chapters = {chapter.name: chapter for chapter in catalogue.chapters()}
    kills = Kills()
    waiting = list(names)
    active: dict[int, tuple[str, Path, float]] = {}
    with tempfile.TemporaryDirectory(prefix="conform-kill-") as scratch:
        try:
            while waiting or active:
                while waiting and len(active) < jobs * _AT_ONCE:
                    name = waiting.pop(0)
                    part = Path(scratch) / f"{name}.jsonl"
                    nodes = [str(chapters[chapter].path) for chapter in saboteurs[name].chapters]
                    active[_fork(saboteurs[name], nodes, part, full)] = (name, part, time.monotonic())
                for pid in _ended(active):
                    name, part, _ = active.pop(pid)
                    _collect(name, part, passing, kills)
                    show(name, kills.matrix.get(name, []))
        finally:
            for pid in active:
                _end(pid)
    return kills


def _fork(saboteur: Saboteur, nodes: list[str], part: Path, full: bool) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.setpgid(0, 0)
        quiet = os.open(str(part) + ".log", os.O_WRONLY | os.O_CREAT)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.chdir(BOOK)
        status = int(pytest.main(_arguments(saboteur, nodes, part, full)))
    except BaseException:
        # The parent reads the log; an exception must not run on into the parent's code in this process.
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _arguments(saboteur: Saboteur, nodes: list[str], part: Path, full: bool) -> list[str]:
    # Other plugins of the environment cost time to load and must not change what a case does.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    arguments = [*nodes, "-c", str(BOOK / "pyproject.toml"), "-q", "--tb=line", "-p", "conformance.plugin"]
    # Only verdicts are wanted here: rewriting asserts for their messages would take half of a child's time.
    arguments += ["--assert=plain", "-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"]
    # The server in this process is cut off with it, in the middle of whatever it was lied into.
    arguments += ["-W", "ignore::pytest.PytestUnraisableExceptionWarning", "-W", "ignore::ResourceWarning"]
    arguments += ["-p", "no:cacheprovider", "--conform-target", SABOTEUR + saboteur.name, "--conform-chop", "whole"]
    arguments += ["--conform-seconds", str(CASE_SECONDS), "--conform-out", str(part)]
    return arguments if full else [*arguments, "--conform-ids", ",".join(saboteur.kills)]


def _ended(active: dict[int, tuple[str, Path, float]]) -> list[int]:
    """Return the children that have ended, waiting a moment for one; end those that take too long."""
    ended = []
    for pid, (_, _, started) in active.items():
        if time.monotonic() - started > SABOTEUR_SECONDS:
            _end(pid)
        with contextlib.suppress(ChildProcessError):
            if not os.waitpid(pid, os.WNOHANG)[0]:
                continue
        ended.append(pid)
    if not ended:
        time.sleep(0.02)
    return ended


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _collect(name: str, part: Path, passing: set[str], kills: Kills) -> None:
    if not part.exists():
        log = Path(str(part) + ".log")
        kills.errors[name] = (log.exists() and log.read_text(errors="replace")[-1500:]) or "its run did not begin"
        kills.matrix[name] = []
        return
    failed: dict[str, None] = {}
    for row in _records(part):
        if row.verdict in (Verdict.FAIL, Verdict.MISSING, Verdict.NOT_TESTABLE) and row.id in passing:
            failed[row.id] = None
        if row.verdict is Verdict.HARNESS_ERROR:
            kills.errors[name] = f"{row.key}: {row.message}"
    kills.matrix[name] = list(failed)


def _records(part: Path) -> Iterable[CaseRecord]:
    with part.open(encoding="utf-8") as lines:
        for line in lines:
            with contextlib.suppress(ValueError):
                row: dict[str, Any] = json.loads(line)
                if row.get("kind") == "case":
                    yield CaseRecord.from_json(row)
