"""The pytest session behind the kill matrix: it collects the book once and judges each saboteur in a fork of itself.

Collecting takes seconds, and most saboteurs need a handful of cases of a few milliseconds each.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

import pytest

from conformance import catalogue, plugin
from conformance import target as targets
from conformance.paths import BOOK
from conformance.saboteurs import Saboteur, registry
from conformance.verdict import CaseRecord, Verdict

#: Seconds a case may take on a saboteur: some lies are silence, and every silent case waits this long.
CASE_SECONDS = 4.0
#: Saboteurs at work for each core: most of their time they wait for an answer that a lie keeps back.
_AT_ONCE = 6
#: Seconds after which a saboteur's whole run is ended; what it killed by then counts.
SABOTEUR_SECONDS = 90.0
#: Verdicts that show that a lie was noticed.
_NOTICED = (Verdict.FAIL, Verdict.MISSING, Verdict.NOT_TESTABLE)


def serve(names: list[str], jobs: int, full: bool, results: TextIO) -> int:
    """Judge the saboteurs ``names`` on ``jobs`` cores; write a JSON line to ``results`` for each as it ends.

    A line is ``{"saboteur": name, "noticed": [ids], "error": text}``. Returns pytest's exit status, after all forks
    have ended; SIGTERM ends it early.
    """
    loop = _Loop(names, jobs, full, results)
    signal.signal(signal.SIGTERM, loop.interrupt)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Other plugins of the environment cost time to load and must not change what a case does.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.chdir(BOOK)
    arguments = [
        *_files(names, full),
        "-c",
        str(BOOK / "pyproject.toml"),
        "-q",
        "--tb=native",
        "-p",
        "conformance.plugin",
    ]
    # Only verdicts are wanted here: rewriting asserts for their messages would take half of the time.
    arguments += ["--assert=plain", "-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"]
    # The server in a fork is cut off with it, in the middle of whatever it was lied into.
    arguments += ["-W", "ignore::pytest.PytestUnraisableExceptionWarning", "-W", "ignore::ResourceWarning"]
    # Capturing into files would have all forks write into the same ones.
    arguments += ["-p", "no:cacheprovider", "--capture=sys", "--conform-chop", "whole"]
    arguments += ["--conform-seconds", str(CASE_SECONDS)]
    return int(pytest.main(arguments, plugins=[loop]))


def _files(names: Iterable[str], full: bool) -> list[str]:
    """Return what pytest is to collect: the chapters in which one of the saboteurs is to be noticed."""
    chosen = [registry()[name] for name in names]
    ids = {id for saboteur in chosen for id in saboteur.kills}
    chapters = {chapter for saboteur in chosen for chapter in saboteur.chapters if full}
    return [
        str(chapter.path)
        for chapter in catalogue.chapters()
        if chapter.name in chapters or not ids.isdisjoint(entry.id for entry in chapter.entries)
    ]


class _Loop:
    """Takes the place of pytest's own loop over the cases."""

    def __init__(self, names: Iterable[str], jobs: int, full: bool, results: TextIO) -> None:
        self._waiting = list(names)
        self._at_once = jobs * _AT_ONCE
        self._full = full
        self._results = results
        self._active: dict[int, tuple[str, Path, float]] = {}
        self._interrupted = False

    def interrupt(self, signum: int, frame: object) -> None:
        """End the session, as a handler of signals."""
        # Raised inside what os.fork() calls, the exception would be printed and forgotten.
        self._interrupted = True
        raise KeyboardInterrupt

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            raise session.Interrupted(f"{session.testsfailed} chapters cannot be collected")
        saboteurs = registry()
        _import_reference()
        # What is there now is never garbage; looking at it would make every fork copy all of it.
        gc.collect()
        gc.freeze()
        with tempfile.TemporaryDirectory(prefix="conform-kill-") as scratch:
            try:
                while self._waiting or self._active:
                    while self._waiting and len(self._active) < self._at_once:
                        name = self._waiting.pop(0)
                        self._fork(session, saboteurs[name], Path(scratch) / f"{name}.jsonl")
                    for pid in self._ended():
                        name, part, _ = self._active.pop(pid)
                        print(json.dumps({"saboteur": name, **_noticed(part)}), file=self._results, flush=True)
            finally:
                for pid in self._active:
                    _end(pid)
        return True

    def _fork(self, session: pytest.Session, saboteur: Saboteur, part: Path) -> None:
        pid = os.fork()
        if pid:
            self._active[pid] = (saboteur.name, part, time.monotonic())
            return
        try:
            os.setpgid(0, 0)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            quiet = os.open(f"{part}.log", os.O_WRONLY | os.O_CREAT)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
            _judge(session, saboteur, part, self._full)
        except BaseException:
            # The parent reads the log; an exception must not run on into the parent's code in this process.
            traceback.print_exc(file=sys.__stderr__)
        finally:
            with contextlib.suppress(Exception):
                sys.__stderr__.flush()  # type: ignore[union-attr]
            os._exit(0)

    def _ended(self) -> list[int]:
        """Return the children that have ended, waiting a moment for one; end those that take too long."""
        ended = []
        for pid, (_, _, started) in self._active.items():
            if time.monotonic() - started > SABOTEUR_SECONDS:
                _end(pid)
            with contextlib.suppress(ChildProcessError):
                if not os.waitpid(pid, os.WNOHANG)[0]:
                    continue
            ended.append(pid)
        if self._interrupted:
            raise KeyboardInterrupt
        if not ended:
            time.sleep(0.005)
        return ended


def _import_reference() -> None:
    """Import all of the reference, which every fork would otherwise do for itself."""
    package = importlib.import_module(targets.load("waterspout").package)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        # What needs an optional library that is not there, no case can use either.
        with contextlib.suppress(ImportError):
            importlib.import_module(module.name)


def _judge(session: pytest.Session, saboteur: Saboteur, part: Path, full: bool) -> None:
    """Tell the lie in this process and run the cases that are to notice it, or all of its chapters."""
    plugin.bind(session.config, targets.load(targets.SABOTEUR + saboteur.name))
    writer = _Writer(str(part))
    session.config.pluginmanager.register(writer)
    for item in _cases(session, saboteur, full):
        # That one case noticed the lie is enough, and what notices it takes long.
        if plugin.requirement_of(item).id not in writer.noticed:  # type: ignore[union-attr]
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
    writer.pytest_sessionfinish(0)


class _Writer(plugin.RunWriter):
    """Knows which requirements were found broken."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.noticed: set[str] = set()

    def write(self, row: dict[str, Any]) -> None:
        """Append ``row``."""
        super().write(row)
        if row["kind"] == "case" and row["verdict"] in _NOTICED:
            self.noticed.add(row["id"])


def _cases(session: pytest.Session, saboteur: Saboteur, full: bool) -> Iterator[pytest.Item]:
    for item in session.items:
        requirement = plugin.requirement_of(item)
        if requirement is None:
            continue
        if requirement.id in saboteur.kills or (full and plugin.chapter_of(item.path) in saboteur.chapters):
            yield item


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _noticed(part: Path) -> dict[str, Any]:
    """Return which requirements a finished fork found broken, and what kept it from judging."""
    noticed: dict[str, None] = {}
    error = ""
    if not part.exists():
        log = Path(f"{part}.log")
        error = (log.exists() and log.read_text(errors="replace")[-1500:]) or "its run did not begin"
    else:
        for record in _records(part):
            if record.verdict in _NOTICED:
                noticed[record.id] = None
            elif record.verdict is Verdict.HARNESS_ERROR:
                error = f"{record.key}: {record.message}"
    return {"noticed": list(noticed), "error": error}


def _records(part: Path) -> Iterator[CaseRecord]:
    with part.open(encoding="utf-8") as lines:
        for line in lines:
            with contextlib.suppress(ValueError):
                row: dict[str, Any] = json.loads(line)
                if row.get("kind") == "case":
                    yield CaseRecord.from_json(row)
