"""``conform run``: judges targets, each in processes of its own, and writes one run file.

A child process runs pytest for one target and appends its verdicts to a part file; this module reads that file as it
grows, shows progress, notices a child that died or stands still, and starts it again for the cases that are left.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance import catalogue
from conformance.paths import BOOK, SPEC
from conformance.runlog import RunFile
from conformance.target import Target
from conformance.verdict import CaseRecord, Verdict

#: Seconds without any news after which a child is taken to hang. A case's own limit is much shorter.
STALL_SECONDS = 60.0
#: The same while no case runs: Python, pytest and its workers start and read the whole book, perhaps on a busy machine.
IDLE_SECONDS = 300.0
#: How often a child is started again for the cases that are left.
RESTARTS = 5
#: Seconds between two looks at the part files.
POLL_SECONDS = 0.1


@dataclass
class Options:
    """How to run: chosen ids, chops, number of processes, shard, seconds for a case."""

    ids: tuple[str, ...] = ()
    chops: str = ""
    jobs: int = 2
    shard: str = ""
    seconds: float = 10.0
    verbose: bool = False


class Child:
    """One target's pytest process and what it has told so far."""

    def __init__(self, target: Target, options: Options, directory: Path, on_record: Callable[[CaseRecord], None]):
        self.target = target
        self.planned = 0
        self.done: set[str] = set()
        self.failed = ""
        self._options = options
        self._on_record = on_record
        self._directory = directory
        self._part = directory / "part.jsonl"
        self._log = directory / "log.txt"
        self._nodes: list[str] = []
        self._running: dict[str, None] = {}
        self._ended = False
        self._starts = 0
        self._offset = 0
        self._news = time.monotonic()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the child, for the cases that have no verdict yet."""
        self._starts += 1
        self._ended = False
        self._running.clear()
        self._news = time.monotonic()
        done = self._directory / "done.json"
        done.write_text(json.dumps(sorted(self.done)))
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(done),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=_environment(),
                start_new_session=True,
            )

    def poll(self) -> bool:
        """Read the news; return whether the child's work is over."""
        self._read()
        assert self._process is not None
        code = self._process.poll()
        if code is None:
            limit = STALL_SECONDS if self._running else IDLE_SECONDS
            if time.monotonic() - self._news < limit:
                return False
            self._blame(f"hung: no news for {limit:.0f} s")
        else:
            self._read()
            if self._ended and code in (0, 1, 5):
                self.stop()
                return True
            self._blame(f"the process ended with status {code}")
        self.stop()
        if self._starts > RESTARTS or not self._nodes:
            self.failed = self.log()
            self._give_up()
            return True
        self.start()
        return False

    def stop(self) -> None:
        """End the child and whatever it started."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def log(self) -> str:
        """Return the last lines that the child printed."""
        text = self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""
        return text[-4000:]

    def _command(self, done: Path) -> list[str]:
        options, target = self._options, self.target
        command = [target.python, "-m", "pytest", *_files(target, options.ids)]
        command += ["-p", "xdist", "-p", "conformance.plugin", "-q", "--no-header"]
        # What failed is rendered for its record; pytest's own rendering parses sources again for each failure.
        command += ["--tb=native"]
        command += [
            "-c",
            str(BOOK / "pyproject.toml"),
            "-p",
            "no:cacheprovider",
            "-n",
            str(max(1, options.jobs)),
        ]
        # A worker that crashes is replaced; what crashes on every case must end all the same.
        command += [
            "--max-worker-restart",
            "20",
            "--conform-out",
            str(self._part),
            "--conform-done",
            str(done),
        ]
        command += ["--conform-seconds", str(options.seconds)]
        if options.chops:
            command += ["--conform-chop", options.chops]
        if options.ids:
            command += ["--conform-ids", ",".join(options.ids)]
        if options.shard:
            command += ["--conform-shard", options.shard]
        return command + _target_options(target)

    def _read(self) -> None:
        for row in self._new_rows():
            self._news = time.monotonic()
            kind, node = row.get("kind"), row.get("node", "")
            if kind == "plan":
                self._nodes = row["nodes"]
                self.planned = len(self.done) + len(row["nodes"])
            elif kind == "begin":
                self._running[node] = None
            elif kind == "case":
                self._finish(node, CaseRecord.from_json(row))
            elif kind == "crash":
                self._finish(node, self._record(node, Verdict.FAIL, row["message"]))
            elif kind == "end":
                self._ended = True

    def _new_rows(self) -> Iterator[dict[str, Any]]:
        if not self._part.exists():
            return
        with self._part.open("rb") as part:
            part.seek(self._offset)
            for line in part:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                yield json.loads(line)

    def _finish(self, node: str, record: CaseRecord | None) -> None:
        self._running.pop(node, None)
        if node in self.done or record is None:
            return
        self.done.add(node)
        self._on_record(record)

    def _blame(self, what: str) -> None:
        """Give the cases that were running when the child failed their verdict."""
        for node in list(self._running):
            self._finish(node, self._record(node, Verdict.FAIL, f"the target's process failed in this case: {what}"))

    def _give_up(self) -> None:
        nodes = self._nodes or [f"{_chapter_node(entry)}::{entry.function}" for entry in _applicable(self.target)]
        for node in nodes:
            message = "the target could not be judged: its process does not stay alive"
            self._finish(node, self._record(node, Verdict.NOT_TESTABLE, message))

    def _record(self, node: str, verdict: Verdict, message: str) -> CaseRecord | None:
        entry = catalogue.by_node(node)
        if entry is None:
            return None
        params, chop = _split_case_name(node)
        return CaseRecord(
            target=self.target.name,
            id=entry.id,
            chapter=entry.chapter,
            level=entry.requirement.level,
            verdict=verdict,
            params=params,
            chop=chop,
            message=message,
            signature=message.split("\n")[0][:160],
            log=self.log(),
        )


@dataclass
class Progress:
    """What a display needs to know while targets are judged."""

    total: int = 0
    done: int = 0
    counts: dict[Verdict, int] = field(default_factory=dict)


def judge(
    targets: list[Target],
    options: Options,
    run_file: RunFile,
    show: Callable[[str, Progress], None] = lambda name, progress: None,
) -> list[CaseRecord]:
    """Judge ``targets``, ``options.jobs`` of them side by side with as many workers each; write all to ``run_file``.

    More workers than cores, because a target that does not answer keeps a worker waiting, not a core.

    ``show`` is called with a target's name and progress whenever there is news. Ending it by KeyboardInterrupt ends
    all child processes first.
    """
    records: list[CaseRecord] = []
    progress = {target.name: Progress() for target in targets}
    side_by_side = min(len(targets), max(1, options.jobs))
    with tempfile.TemporaryDirectory(prefix="conform-") as scratch:
        waiting = list(targets)
        active: list[Child] = []
        try:
            while waiting or active:
                while waiting and len(active) < side_by_side:
                    active.append(_begin(waiting.pop(0), options, Path(scratch), records, run_file, progress))
                time.sleep(POLL_SECONDS)
                for child in list(active):
                    over = child.poll()
                    progress[child.target.name].total = child.planned
                    show(child.target.name, progress[child.target.name])
                    if over:
                        active.remove(child)
                        if child.failed:
                            row = {"kind": "log", "target": child.target.name, "log": child.failed}
                            run_file.write(row)
        finally:
            for child in active:
                child.stop()
    return records


def _begin(
    target: Target,
    options: Options,
    scratch: Path,
    records: list[CaseRecord],
    run_file: RunFile,
    progress: dict[str, Progress],
) -> Child:
    def on_record(record: CaseRecord) -> None:
        # A saboteur's or an ad-hoc target's child knows it by another name than the run does.
        record.target = target.name
        records.append(record)
        run_file.write(record.to_json())
        mine = progress[target.name]
        mine.done += 1
        mine.counts[record.verdict] = mine.counts.get(record.verdict, 0) + 1

    directory = scratch / f"{len(list(scratch.iterdir()))}"
    directory.mkdir()
    child = Child(target, options, directory, on_record)
    child.start()
    return child


def _files(target: Target, ids: tuple[str, ...]) -> list[str]:
    """Return what pytest is to collect: every process of a run reads it all, so only what has cases for ``target``."""
    chosen = catalogue.chapters_with(ids) if ids else catalogue.chapters()
    judging = [one for one in chosen if any(target.is_judged_by(one.name, entry.on_the_wire) for entry in one.entries)]
    return [str(one.path) for one in judging] or [str(SPEC)]


def _target_options(target: Target) -> list[str]:
    if target.directory:
        return ["--conform-target", str(Path(target.directory) / f"{target.name}.toml")]
    if target.saboteur:
        return ["--conform-target", target.name]
    if target.url:
        return ["--conform-url", target.url]
    if target.package:
        return ["--conform-import", target.package]
    return ["--conform-cmd", target.title]


def _environment() -> dict[str, str]:
    """Return the children's environment: what this process imports from a checkout, they import too."""
    paths = [str(BOOK)]
    if (BOOK / "impl" / "waterspout").is_dir():
        paths.append(str(BOOK / "impl"))
    paths += [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    # Other plugins of the environment cost time to load and must not change what a case does.
    plugins = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return {**os.environ, **plugins, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}


def _applicable(target: Target) -> Iterator[catalogue.Entry]:
    for entry in catalogue.entries():
        if target.is_judged_by(entry.chapter, entry.on_the_wire):
            yield entry


def _chapter_node(entry: catalogue.Entry) -> str:
    return next(chapter.node for chapter in catalogue.chapters() if chapter.name == entry.chapter)


def _split_case_name(node: str) -> tuple[str, str]:
    name = node.partition("[")[2].removesuffix("]")
    parts = [part for part in name.split("-") if part]
    chops = [part.removeprefix("chop=") for part in parts if part.startswith("chop=")]
    return "-".join(part for part in parts if not part.startswith("chop=")), "".join(chops)
