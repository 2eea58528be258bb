"""Autobahn|Testsuite as a second judge of WebSocket targets, as servers and as clients.

``wstest`` always exits with 0, writes its report only at its end and may wait for ever for a testee that keeps TCP
open, so the verdicts are read from its JSON, every case that is missing there counts as not reported, and a process
that makes no progress is ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from conformance.oracles import wstest

AGENT = "testee"
#: Groups run side by side. 6 waits for 8 s of fixed pauses, 9 moves most of the data, 12 and 13 take most of the time.
SHARES = (("6",), ("9",), ("12",), ("1", "2", "3", "4", "5", "7", "10", "13"))
#: Rows of the compression groups with large or many messages: nine tenths of the whole suite's time, and the same
#: verdicts as the short rows in every baseline.
LONG_ROWS = frozenset(range(7, 19)) - {11}
#: Seconds without a line in its log after which a process is ended: longer than any case may take.
STALLED = 150.0

#: Each line of the log is written when it is said: what makes no progress shows by that.
_UNBUFFERED = {**os.environ, "PYTHONUNBUFFERED": "1"}
_GOOD = ("OK", "NON-STRICT", "INFORMATIONAL")
_GOOD_CLOSE = ("OK", "INFORMATIONAL")


@dataclass
class CaseResult:
    """Autobahn's word on one of its cases."""

    case: str
    behavior: str
    close: str
    code: int | None = None
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Whether both of its verdicts are good ones."""
        return self.behavior in _GOOD and self.close in _GOOD_CLOSE

    @property
    def failed(self) -> bool:
        """Whether the case failed; what a testee does not implement has not failed."""
        return not self.good and self.behavior != "UNIMPLEMENTED"

    def to_json(self) -> dict[str, Any]:
        """Return the result as a JSON object."""
        return {"kind": "autobahn", **asdict(self), "good": self.good, "failed": self.failed}


def cases(full: bool) -> list[str]:
    """Return the ids of the quick lane's or of all cases, as the suite itself lists them."""
    return [id for id in wstest.cases() if full or not _long(id)]


def judge_server(url: str, full: bool = False) -> list[CaseResult]:
    """Run the fuzzing client against the echo server at ``url`` (``ws://host:port/path``); return all results."""
    with tempfile.TemporaryDirectory(prefix="conform-autobahn-") as scratch:
        shares = []
        for number, groups in enumerate(SHARES):
            spec = {"servers": [{"agent": AGENT, "url": url, "options": {"version": 18}}], **_selection(groups, full)}
            shares.append(_Fuzzer("fuzzingclient", Path(scratch) / str(number), spec))
        _wait({share.process: share.log for share in shares})
        return _results([share.directory for share in shares], cases(full))


def judge_client(command: list[str], full: bool = False) -> list[CaseResult]:
    """Run fuzzing servers and for each the client testee ``command``, with ``{url}`` and ``{agent}`` filled in."""
    with tempfile.TemporaryDirectory(prefix="conform-autobahn-") as scratch, contextlib.ExitStack() as stack:
        shares, clients = [], {}
        for number, groups in enumerate(SHARES):
            port = _free_port()
            spec = {"url": f"ws://127.0.0.1:{port}", **_selection(groups, full)}
            share = _Fuzzer("fuzzingserver", Path(scratch) / str(number), spec)
            stack.callback(_end, share.process)
            _await_port(port, share.process)
            words = [word.format(url=f"ws://127.0.0.1:{port}", agent=AGENT) for word in command]
            clients[subprocess.Popen(words, start_new_session=True)] = share.log
            shares.append(share)
        _wait(clients)
        stack.close()
        return _results([share.directory for share in shares], cases(full))


def _selection(groups: Iterable[str], full: bool) -> dict[str, Any]:
    groups = list(groups)
    excluded = [f"{group}.*.{row}" for group in ("12", "13") if group in groups for row in sorted(LONG_ROWS)]
    # Patterns are prefixes: "12.*.1" would stand for rows 10 to 18 too, so rows are excluded, never chosen.
    return {
        "cases": [f"{group}.*" for group in groups],
        "exclude-cases": [] if full else excluded,
        "exclude-agent-cases": {},
    }


def _long(id: str) -> bool:
    numbers = id.split(".")
    return numbers[0] in ("12", "13") and int(numbers[-1]) in LONG_ROWS


class _Fuzzer:
    """One process of ``wstest``, and the directory with its specification, its log and its reports."""

    def __init__(self, mode: str, directory: Path, spec: dict[str, Any]) -> None:
        self.directory = directory
        self.log = directory / "log.txt"
        directory.mkdir()
        begin, inside = wstest.command(directory)
        (directory / "spec.json").write_text(json.dumps({**spec, "outdir": str(inside / "out")}))
        command = [*begin, "-m", mode, "-s", str(inside / "spec.json"), "-u", "0"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=_UNBUFFERED, start_new_session=True
            )


def _wait(processes: dict[subprocess.Popen[bytes], Path]) -> None:
    """Wait for processes until each has ended; end those whose log does not grow any more."""
    sizes = dict.fromkeys(processes, (0, time.monotonic()))
    try:
        while running := [process for process in processes if process.poll() is None]:
            for process in running:
                size, since = processes[process].stat().st_size, time.monotonic()
                if size != sizes[process][0]:
                    sizes[process] = (size, since)
                elif since - sizes[process][1] > STALLED:
                    _end(process)
            time.sleep(0.1)
    finally:
        for process in processes:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _results(directories: list[Path], expected: list[str]) -> list[CaseResult]:
    found: dict[str, CaseResult] = {}
    for directory in directories:
        index = directory / "out" / "index.json"
        rows = json.loads(index.read_text()).get(AGENT, {}) if index.exists() else {}
        for case, row in rows.items():
            found[case] = CaseResult(
                case, row["behavior"], row["behaviorClose"], row.get("remoteCloseCode"), row["duration"] / 1000
            )
    missing = CaseResult("", "NOT REPORTED", "NOT REPORTED")
    return [found.get(case) or CaseResult(**{**asdict(missing), "case": case}) for case in expected]


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise wstest.Unavailable("Autobahn's fuzzing server did not start")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
