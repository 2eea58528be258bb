"""The kill matrix: which requirement fails on which saboteur.

A requirement that no saboteur breaks may be a check that cannot fail; a saboteur that breaks nothing shows that the
book is silent about its lie. Both are defects of the suite.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from conformance import catalogue, kill_session
from conformance.saboteurs import registry


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
    kills = Kills()
    waiting = dict.fromkeys(names)
    with tempfile.TemporaryFile() as log:
        for line in _session(list(waiting), jobs, full, log.fileno()):
            row = json.loads(line)
            name = row["saboteur"]
            kills.matrix[name] = [id for id in row["noticed"] if id in passing]
            if row["error"]:
                kills.errors[name] = row["error"]
            del waiting[name]
            show(name, kills.matrix[name])
        if waiting:
            log.seek(0)
            printed = log.read().decode(errors="replace")[-2000:]
            kills.matrix.update((name, []) for name in waiting)
            kills.errors[", ".join(waiting)] = f"the session that judges saboteurs ended early:\n{printed}"
    return kills


def _session(names: list[str], jobs: int, full: bool, log: int) -> Iterator[str]:
    """Judge in a process of its own, which imports the whole book; yield the lines that it writes.

    What it prints goes to the descriptor ``log``.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        status = 1
        try:
            os.setpgid(0, 0)
            os.close(reading)
            os.dup2(log, 1)
            os.dup2(log, 2)
            with open(writing, "w", encoding="utf-8") as results:
                status = kill_session.serve(names, jobs, full, results)
        finally:
            os._exit(status)
    os.close(writing)
    with open(reading, encoding="utf-8") as results:
        try:
            yield from results
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)
