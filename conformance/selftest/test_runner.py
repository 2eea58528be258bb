"""What a run makes of targets that misbehave: each has its own verdict, the run goes on, the exit code tells."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from conformance import outcome, runlog, runner
from conformance import target as targets
from conformance.paths import BOOK
from conformance.verdict import CaseRecord, Verdict

#: Requirements of the API level and of the wire level: few, since each test judges them.
API_IDS = "queues.queue.*"
WIRE_IDS = "websocket.opcode.*"
#: A server that greets, answers nothing, and ends with the first connection.
DYING_SERVER = """
import json, socket
listener = socket.create_server(("127.0.0.1", 0))
print(json.dumps({"conform": 1, "http": listener.getsockname()[1]}), flush=True)
listener.accept()
raise SystemExit("the server had enough")
"""


@pytest.fixture(autouse=True)
def runs_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runlog, "RUNS", tmp_path / "runs")


def package(directory: Path, name: str, queues: str) -> targets.Target:
    """Make an importable package whose ``queues`` module has the given text, and return it as a target."""
    home = directory / name
    home.mkdir()
    (home / "__init__.py").touch()
    (home / "queues.py").write_text(queues)
    return targets.from_import(name)


def judge(target: targets.Target, ids: str, **options: object) -> list[CaseRecord]:
    run_file = runlog.RunFile("run", targets={target.name: {"title": "", "version": ""}})
    chosen = runner.Options(ids=(ids,), chops="whole", jobs=1, **options)  # type: ignore[arg-type]
    records = runner.judge([target], chosen, run_file)
    run_file.close()
    return records


def test_a_package_without_the_names_is_missing_them_case_by_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    records = judge(package(tmp_path, "empty_package", ""), API_IDS)

    assert len(records) > 1
    assert {record.verdict for record in records} == {Verdict.MISSING}
    assert "empty_package.queues has no Queue" in {record.message for record in records}
    assert outcome.exit_code(records) == outcome.UNEXPECTED


def test_a_package_that_ends_the_process_fails_each_case_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    text = "import os\nclass Queue:\n    def __init__(self, maxsize=0):\n        os._exit(3)\n"
    records = judge(package(tmp_path, "ending_package", text), API_IDS)

    assert records
    assert {record.verdict for record in records} <= {Verdict.FAIL, Verdict.MISSING}
    assert any("crashed" in record.message for record in records)


def test_a_package_that_hangs_where_no_signal_reaches_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(runner, "STALL_SECONDS", 4.0)
    text = (
        "import signal, time\nclass Queue:\n    def __init__(self, maxsize=0):\n"
        "        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])\n        time.sleep(600)\n"
    )
    records = judge(package(tmp_path, "hanging_package", text), API_IDS, seconds=1.0)

    assert records
    assert any("hung" in record.message for record in records)
    assert outcome.exit_code(records) == outcome.UNEXPECTED


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("no-such-program --serve", "cannot run 'no-such-program'"),
        (f"{sys.executable} -c 'print(\"hello\")'", "printed b'hello"),
        (f"{sys.executable} -c 'raise SystemExit(\"no port left\")'", "no port left"),
    ],
)
def test_a_server_that_does_not_start_is_not_testable_and_says_why(command: str, words: str) -> None:
    records = judge(targets.from_command(command), WIRE_IDS)

    assert len(records) > 1
    assert {record.verdict for record in records} == {Verdict.NOT_TESTABLE}
    assert all(words in record.message for record in records), records[0].message
    assert outcome.exit_code(records) == outcome.UNEXPECTED


def test_a_server_that_dies_fails_its_cases_with_its_log(tmp_path: Path) -> None:
    (tmp_path / "dying.py").write_text(DYING_SERVER)
    records = judge(targets.from_command(f"{sys.executable} {tmp_path / 'dying.py'}"), WIRE_IDS)

    assert records
    assert not any(record.verdict.good for record in records)
    assert any("the server had enough" in record.message + record.log + record.detail for record in records)


def conform(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "conformance", *arguments],
        cwd=BOOK,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(BOOK), str(BOOK / "impl")]), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # A shell that runs this in the background has it ignore interrupts, which children inherit.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def processes_with(mark: str) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def test_an_interrupted_run_leaves_no_process_and_a_readable_part(tmp_path: Path) -> None:
    mark = uuid.uuid4().hex
    process = conform("run", "--target", "waterspout", "core", CONFORM_MARK=mark, CONFORM_REPORTS=str(tmp_path))
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not any(
        '"kind": "case"' in path.read_text() for path in tmp_path.glob("runs/*-run.jsonl")
    ):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=20)

    assert process.returncode == outcome.INTERRUPTED, said
    assert "interrupted" in said
    assert processes_with(mark) == []
    part = runlog.load(next(tmp_path.glob("runs/*-run.jsonl")))
    assert part.records
    assert not part.complete


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["run", "--target", "nonsense"], outcome.USAGE, "choose one of"),
        (["run", "--nonsense"], outcome.USAGE, "No such option"),
        (["show", "no.such.requirement"], outcome.USAGE, "there is no requirement"),
        (["run", "no.such.requirement"], outcome.NOTHING_RAN, "nothing ran"),
        (["report"], outcome.USAGE, "conform run"),
        (["cross", "--with", "nobody"], outcome.USAGE, "choose from"),
    ],
)
def test_wrong_use_is_one_clear_line_and_its_exit_code(
    arguments: list[str], code: int, words: str, tmp_path: Path
) -> None:
    process = conform(*arguments, CONFORM_REPORTS=str(tmp_path))
    said, _ = process.communicate(timeout=60)

    assert process.returncode == code, said
    assert words in said
    assert "Traceback" not in said


def test_the_run_script_says_which_python_it_needs(tmp_path: Path) -> None:
    shutil.copy(BOOK / "run", tmp_path / "run")
    old = tmp_path / "bin"
    old.mkdir()
    for name in ("python", "python3", *(f"python3.{minor}" for minor in range(10, 15))):
        (old / name).write_text("#!/bin/sh\n[ \"$1\" = --version ] && echo 'Python 3.8.18' && exit 0\nexit 1\n")
        (old / name).chmod(0o755)
    done = subprocess.run(
        [tmp_path / "run", "report"], env={"PATH": f"{old}:/usr/bin:/bin"}, capture_output=True, text=True, timeout=30
    )

    assert done.returncode == 2
    assert "needs Python 3.10 or newer; found: Python 3.8.18" in done.stderr
