"""Autobahn|Testsuite as a second judge of WebSocket targets.

The suite is ``autobahntestsuite`` 25.10.1 and runs on CPython 2.7 only. ``setup`` builds an environment for it from a
Python 2.7 that the machine has; where there is none, Docker's image of the suite serves. ``wstest`` itself always exits
with 0, writes its report only at its end and may wait for ever for a testee that keeps TCP open, so the verdicts are
read from its JSON, every case that is missing there counts as not reported, and each process has a deadline.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from conformance.paths import BOOK

RELEASE = "25.10.1"
IMAGE = f"crossbario/autobahn-testsuite:{RELEASE}"
#: virtualenv 20.15.1 is the last family that makes environments for Python 2.7 and runs on today's Pythons.
VIRTUALENV = "virtualenv==20.15.1"
AGENT = "testee"
#: Groups run side by side. 6 waits for 8 s of fixed pauses and 9 moves most of the data, so each has its own process.
SHARES = (("6",), ("9",), ("1", "2", "3", "4", "5", "7", "10", "12", "13"))
#: Rows of the compression groups with large or many messages: nine tenths of the whole suite's time, and the same
#: verdicts as the short rows in every baseline.
LONG_ROWS = frozenset(range(7, 19)) - {11}
QUICK_SECONDS = 120.0
FULL_SECONDS = 1800.0

_GOOD = ("OK", "NON-STRICT", "INFORMATIONAL")
_GOOD_CLOSE = ("OK", "INFORMATIONAL")


class Unavailable(Exception):
    """Autobahn cannot run on this machine; the text says what to install."""


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


def environment() -> Path:
    """Return the directory of the suite's Python 2.7 environment, whether it exists or not."""
    named = os.environ.get("CONFORM_AUTOBAHN")
    if named:
        return Path(named)
    return BOOK / ".autobahn" if (BOOK / "pyproject.toml").exists() else Path.home() / ".cache" / "conform-autobahn"


def available() -> bool:
    """Return whether Autobahn can run here without further setup."""
    return (environment() / "bin" / "wstest").exists() or _docker_works()


def setup() -> str:
    """Build the environment if there is none, and return a sentence on what serves.

    Raises Unavailable when there is neither a Python 2.7 nor Docker, or when the installation fails.
    """
    home = environment()
    if (home / "bin" / "wstest").exists():
        return f"Autobahn {RELEASE} is ready in {home}"
    python = _python27()
    if python is None:
        if _docker_works():
            return f"Autobahn will run in Docker's {IMAGE}"
        raise Unavailable(
            "Autobahn needs Python 2.7 (put python2.7 on PATH, or `pyenv install 2.7.18`), or a running Docker engine"
        )
    with tempfile.TemporaryDirectory(prefix="conform-boot-") as boot:
        _do([sys.executable, "-m", "venv", boot])
        _do([f"{boot}/bin/pip", "install", "-q", VIRTUALENV])
        _do([f"{boot}/bin/virtualenv", "-q", "--no-download", "-p", python, str(home)])
    try:
        _do([str(home / "bin" / "pip"), "install", "-q", f"autobahntestsuite=={RELEASE}"])
    except Unavailable:
        # Half an environment would pass for a whole one at the next call.
        shutil.rmtree(home, ignore_errors=True)
        raise
    return f"Autobahn {RELEASE} is installed in {home}"


def cases(full: bool) -> list[str]:
    """Return the ids of the quick lane's or of all cases, as the suite itself lists them."""
    code = "import json, autobahntestsuite.case as c; print(json.dumps([n.__name__ for n in c.Cases]))"
    if (environment() / "bin" / "python").exists():
        command = [str(environment() / "bin" / "python"), "-c", code]
    else:
        command = ["docker", "run", "--rm", IMAGE, "python", "-c", code]
    names = json.loads(_do(command).strip().splitlines()[-1])
    ids = [name.removeprefix("Case").replace("_", ".") for name in names]
    return ids if full else [id for id in ids if not _long(id)]


def judge_server(url: str, full: bool = False) -> list[CaseResult]:
    """Run the fuzzing client against the echo server at ``url`` (``ws://host:port/path``); return all results."""
    with tempfile.TemporaryDirectory(prefix="conform-autobahn-") as scratch:
        shares = []
        for number, groups in enumerate(SHARES):
            spec = {"servers": [{"agent": AGENT, "url": url, "options": {"version": 18}}], **_selection(groups, full)}
            shares.append(_wstest("fuzzingclient", Path(scratch) / str(number), spec))
        _wait(shares, FULL_SECONDS if full else QUICK_SECONDS)
        return _results([Path(scratch) / str(number) for number in range(len(SHARES))], cases(full))


def judge_client(command: list[str], full: bool = False) -> list[CaseResult]:
    """Run the fuzzing server and the client testee ``command``, with ``{url}`` and ``{agent}`` filled in."""
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="conform-autobahn-") as scratch:
        groups = [group for share in SHARES for group in share]
        spec = {"url": f"ws://127.0.0.1:{port}", **_selection(groups, full)}
        server = _wstest("fuzzingserver", Path(scratch), spec)
        try:
            _await_port(port, server)
            words = [word.format(url=f"ws://127.0.0.1:{port}", agent=AGENT) for word in command]
            client = subprocess.Popen(words, start_new_session=True)
            _wait([client], FULL_SECONDS if full else QUICK_SECONDS)
        finally:
            _wait([server], 0.0)
        return _results([Path(scratch)], cases(full))


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


def _wstest(mode: str, directory: Path, spec: dict[str, Any]) -> subprocess.Popen[bytes]:
    directory.mkdir(exist_ok=True)
    inside = directory if (environment() / "bin" / "wstest").exists() else Path("/conform")
    (directory / "spec.json").write_text(json.dumps({**spec, "outdir": str(inside / "out")}))
    command = ["wstest", "-m", mode, "-s", str(inside / "spec.json"), "-u", "0"]
    if inside is directory:
        command[0] = str(environment() / "bin" / "wstest")
    else:
        command = ["docker", "run", "--rm", "--network", "host", "-v", f"{directory}:{inside}", IMAGE, *command]
    with (directory / "log.txt").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)


def _wait(processes: list[subprocess.Popen[bytes]], seconds: float) -> None:
    """Wait for processes until the deadline they share, then end them."""
    deadline = time.monotonic() + seconds
    try:
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
    finally:
        for process in processes:
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
    raise Unavailable("Autobahn's fuzzing server did not start")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _python27() -> str | None:
    roots = {os.environ.get("PYENV_ROOT", ""), str(Path.home() / ".pyenv")}
    found = [path for root in roots if root for path in glob.glob(f"{root}/versions/2.7*/bin/python2.7")]
    for name in ("python2.7", "python2"):
        path = shutil.which(name)
        if path:
            found.append(path)
    # A version manager's shim exists without the interpreter behind it: ask, do not trust the name.
    return next((path for path in found if _is_27(path)), None)


def _is_27(path: str) -> bool:
    try:
        said = subprocess.run([path, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return said.stdout.strip() == b"(2, 7)"


def _docker_works() -> bool:
    if shutil.which("docker") is None:
        return False
    try:
        return subprocess.run(["docker", "info"], capture_output=True, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _do(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        raise Unavailable(f"cannot run {command[0]}: {error}") from None
    if done.returncode:
        raise Unavailable(f"`{' '.join(command)}` failed:\n{done.stdout[-500:]}{done.stderr[-1500:]}")
    return done.stdout
