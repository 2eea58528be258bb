"""The pytest plugin: binds the target, runs coroutine cases, turns outcomes into verdicts, writes the run.

``pytest spec`` works by itself and judges Waterspout; ``conform run`` arranges options and child processes around it.
"""

from __future__ import annotations

import gc
import json
import os
import re
import time
import zlib
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from conformance import casetime, catalogue, loops
from conformance import target as targets
from conformance.package import api
from conformance.requirement import Requirement
from conformance.saboteurs import Patches
from conformance.server_process import ServerProcess
from conformance.server_thread import ServerThread
from conformance.tracebacks import rendered, without_foreign_source
from conformance.verdict import (
    CaseRecord,
    HarnessError,
    Missing,
    NotTestable,
    Unsupported,
    Verdict,
)

pytest_plugins = [
    "conformance.serving",
    "conformance.hosting",
    "conformance.clock",
    "conformance.leftovers",
    "conformance.scripted",
    "conformance.streams",
    "conformance.wire.http",
    "conformance.wire.ws",
]

#: Names of the ways in which the bytes of a wire case are cut into pieces; see conformance.wire.chopping.
CHOPS = ("whole", "bytes", "tokens", "joined")
_WIRE_FIXTURES = {"wire": "http", "ws": "websocket"}
_RECORD = "conform"
_ACTIVE = pytest.StashKey[targets.Target]()
_SERVER = pytest.StashKey[ServerProcess | ServerThread]()
_LENIENT = pytest.StashKey[str]()
_WIRE_LOG = pytest.StashKey[list[dict[str, Any]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conform", "executable specification")
    group.addoption("--conform-target", default="waterspout", help="target to judge (default: waterspout)")
    group.addoption("--conform-import", default="", help="judge this importable package instead of a named target")
    group.addoption("--conform-cmd", default="", help="judge the server that this command starts")
    group.addoption("--conform-url", default="", help="judge the server that runs at this address")
    group.addoption("--conform-out", default="", help="append verdicts to this JSONL file")
    group.addoption("--conform-chop", default=",".join(CHOPS), help="ways to chop the bytes of wire cases")
    group.addoption("--conform-ids", default="", help="comma-separated ids, globs or chapters to run")
    group.addoption("--conform-shard", default="", help="run only share i of n of the cases, as in 2/4")
    group.addoption("--conform-done", default="", help="JSON file with names of cases that need not run again")
    group.addoption("--conform-seconds", type=float, default=10.0, help="seconds a case may take (default: 10)")


def pytest_configure(config: pytest.Config) -> None:
    try:
        active = _chosen_target(config)
    except targets.TargetError as error:
        raise pytest.UsageError(str(error)) from None
    bind(config, active)


def bind(config: pytest.Config, active: targets.Target) -> None:
    """Make ``active`` the target that the cases of this process judge."""
    config.stash[_ACTIVE] = active
    loops.use(active.loop)
    if active.package:
        api.bind(active.package)
    if active.saboteur:
        config.stash[_SERVER] = ServerThread(Patches.apply_named(active.saboteur, active.package))
    else:
        config.stash[_SERVER] = ServerProcess(active)


def pytest_unconfigure(config: pytest.Config) -> None:
    server = config.stash.get(_SERVER, None)
    if server is not None:
        server.stop()


def _chosen_target(config: pytest.Config) -> targets.Target:
    if config.getoption("conform_import"):
        return targets.from_import(config.getoption("conform_import"))
    if config.getoption("conform_cmd"):
        return targets.from_command(config.getoption("conform_cmd"))
    if config.getoption("conform_url"):
        return targets.from_url(config.getoption("conform_url"))
    return targets.load(config.getoption("conform_target"))


# -- fixtures that every level uses -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def target(pytestconfig: pytest.Config) -> targets.Target:
    """The target under test."""
    return pytestconfig.stash[_ACTIVE]


@pytest.fixture(scope="session")
def server_process(pytestconfig: pytest.Config) -> ServerProcess | ServerThread:
    """The target's server; one for each worker of the run."""
    return pytestconfig.stash[_SERVER]


@pytest.fixture
def chop(request: pytest.FixtureRequest) -> str:
    """How the bytes of this case are cut: one of CHOPS."""
    name: str = request.param
    return name


@pytest.fixture
def lenient(request: pytest.FixtureRequest) -> Any:
    """Call with a reason to say that the observed behaviour is allowed, but not the preferred one."""

    def note(reason: str) -> None:
        request.node.stash[_LENIENT] = reason

    return note


@pytest.fixture
def wire_log(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """The exchange of this case: rows ``{"t": seconds, "from": "suite" | "target", "data": text, "note": text}``."""
    log: list[dict[str, Any]] = []
    request.node.stash[_WIRE_LOG] = log
    return log


# -- which cases run --------------------------------------------------------------------------------------------------


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "chop" in metafunc.fixturenames:
        chosen = [name for name in metafunc.config.getoption("conform_chop").split(",") if name]
        unknown = set(chosen) - set(CHOPS)
        if unknown:
            raise pytest.UsageError(f"--conform-chop: no such way: {', '.join(sorted(unknown))}; there are {CHOPS}")
        metafunc.parametrize("chop", chosen, indirect=True, ids=[f"chop={name}" for name in chosen])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    active = config.stash[_ACTIVE]
    wanted = [glob for glob in config.getoption("conform_ids").split(",") if glob]
    done = _done(config.getoption("conform_done"))
    shard = config.getoption("conform_shard")
    keep: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        requirement = requirement_of(item)
        if requirement is None:
            keep.append(item)
            continue
        applies = active.is_judged_by(chapter_of(item.path), on_the_wire(item))
        # The jumping clock is a loop of its own kind: what it decides, it has decided for the target without a loop.
        applies = applies and not (active.loop and "clock" in getattr(item, "fixturenames", ()))
        chosen = not wanted or catalogue.is_named(requirement.id, chapter_of(item.path), wanted)
        chosen = chosen and item.nodeid not in done and _in_shard(item.nodeid, shard)
        (keep if applies and chosen else dropped).append(item)
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = keep


def on_the_wire(item: pytest.Item) -> bool:
    """Whether bytes exchanged with the target's server decide the case."""
    return bool(_WIRE_FIXTURES.keys() & set(getattr(item, "fixturenames", ())))


def pytest_collection_finish(session: pytest.Session) -> None:
    # What stands when the cases have been collected stays; looking through it for garbage takes a tenth of the run.
    gc.freeze()


def _done(path: str) -> frozenset[str]:
    return frozenset(json.loads(Path(path).read_text(encoding="utf-8"))) if path else frozenset()


def _in_shard(node: str, shard: str) -> bool:
    """Whether a case belongs to share ``i/n``; the share depends on its name alone, so all machines agree."""
    if not shard:
        return True
    index, _, count = shard.partition("/")
    return zlib.crc32(node.encode()) % int(count) == int(index) - 1


def requirement_of(item: pytest.Item) -> Requirement | None:
    """Return the requirement that a collected test function states, if it does."""
    found: Requirement | None = getattr(getattr(item, "function", None), "requirement", None)
    return found


# -- running a case ---------------------------------------------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    requirement = requirement_of(pyfuncitem)
    if requirement is None:
        return None
    active = pyfuncitem.config.stash[_ACTIVE]
    implied = (capability for fixture, capability in _WIRE_FIXTURES.items() if fixture in pyfuncitem.fixturenames)
    for capability in (*requirement.needs, *implied):
        if capability in active.unsupported:
            raise Unsupported(f"{capability}: {active.unsupported[capability]}")
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    with casetime.limit(pyfuncitem.config.getoption("conform_seconds")):
        casetime.run(pyfuncitem.obj, arguments, clock=pyfuncitem.funcargs.get("clock"))
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    requirement = requirement_of(item)
    if requirement is None or (report.when != "call" and call.excinfo is None):
        return report
    record = _judge(item, requirement, call, report)
    report.user_properties.append((_RECORD, record.to_json()))
    _show(report, record)
    return report


def _judge(
    item: pytest.Item, requirement: Requirement, call: pytest.CallInfo[None], report: pytest.TestReport
) -> CaseRecord:
    config = item.config
    error = call.excinfo.value if call.excinfo is not None else None
    verdict, message = _outcome(item, report.when or "", error)
    record = CaseRecord(
        target=config.stash[_ACTIVE].name,
        id=requirement.id,
        chapter=chapter_of(item.path),
        level=requirement.level,
        verdict=verdict,
        params=_params(item),
        chop=_chop(item),
        seconds=round(call.duration, 4),
        message=message,
        wire=[{**row, "data": without_foreign_source(row["data"])} for row in item.stash.get(_WIRE_LOG, [])],
    )
    if not verdict.good:
        record.signature = _signature(record.message)
        record.detail = rendered(error)[-6000:] if error is not None else ""
        record.log = without_foreign_source("\n".join(text for _, text in report.sections))[-6000:]
        if on_the_wire(item) and config.stash[_SERVER].has_died(verdict is Verdict.NOT_TESTABLE):
            record.log += "\nthe server has died; its log:\n" + without_foreign_source(config.stash[_SERVER].log())
    return _against_expectation(config.stash[_ACTIVE], record)


def _outcome(item: pytest.Item, when: str, error: BaseException | None) -> tuple[Verdict, str]:
    if error is None:
        reason = item.stash.get(_LENIENT, "")
        return (Verdict.LENIENT, reason) if reason else (Verdict.PASS, "")
    message = str(error) or type(error).__name__
    for kind, verdict in (
        (Missing, Verdict.MISSING),
        (Unsupported, Verdict.UNSUPPORTED),
        (NotTestable, Verdict.NOT_TESTABLE),
        (HarnessError, Verdict.HARNESS_ERROR),
    ):
        if isinstance(error, kind):
            return verdict, message
    if when != "call":
        return Verdict.HARNESS_ERROR, f"{when} of the case failed: {message}"
    if not isinstance(error, AssertionError):
        message = f"{type(error).__name__}: {message}"
    return Verdict.FAIL, message


def _against_expectation(active: targets.Target, record: CaseRecord) -> CaseRecord:
    expectation = active.expected.get(record.key) or active.expected.get(record.id)
    if expectation is None:
        return record
    record.why = expectation.why
    if record.verdict.good:
        # One entry may stand for all cases of a requirement; those that pass are then simply right.
        if record.key in active.expected or not (record.params or record.chop):
            record.verdict = Verdict.STALE
            record.message = f"expected to fail ({expectation.why}), but passes: remove the expectation"
    elif record.verdict.unexpected:
        if not expectation.signatures or record.signature in expectation.signatures:
            record.verdict = Verdict.EXPECTED_FAILURE
        else:
            record.message += f"\n(expected to fail otherwise: {' / '.join(expectation.signatures)})"
    return record


def _show(report: pytest.TestReport, record: CaseRecord) -> None:
    """Make pytest's own summary agree with the verdict."""
    if record.verdict in (Verdict.EXPECTED_FAILURE, Verdict.UNSUPPORTED):
        report.outcome = "skipped"
        report.wasxfail = record.why or record.message
    elif record.verdict is Verdict.STALE:
        report.outcome = "failed"
        report.longrepr = record.message


def chapter_of(path: Path) -> str:
    """Return a chapter's name: its path below the book without the prefix, as in ``http.messages``."""
    parts = list(path.with_suffix("").parts)
    below = parts[parts.index("spec") + 1 :] if "spec" in parts else parts[-1:]
    return ".".join([*below[:-1], below[-1].removeprefix("ch_")])


def _case_name(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    return callspec.id if callspec is not None else ""


def _chop(item: pytest.Item) -> str:
    found = re.search(r"(?:^|-)chop=(\w+)(?:$|-)", _case_name(item))
    return found.group(1) if found else ""


def _params(item: pytest.Item) -> str:
    return re.sub(r"^chop=\w+(-|$)|-chop=\w+", "", _case_name(item))


def _signature(message: str) -> str:
    """Return the first line of a failure without what changes from run to run: dates, addresses, ports.

    Whether a peer that gives up shows as the end of the connection or as its reset is a race, too.
    """
    # Cut, because what matters stands at the start, and the expressions below are not meant for megabytes.
    first = message.strip().split("\n", 1)[0][:2000].replace("reset by the target", "closed by the target")
    # A long quotation of what came has much in it that says nothing.
    first = re.sub(r"b'[^']{40,}.*", "b'...'", first)
    first = re.sub(r"\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT", "DATE", first)
    first = re.sub(r"0x[0-9a-f]+", "0x_", first)
    return re.sub(r"\b\d{5}\b|\d+\.\d+", "_", first)[:160]


# -- writing the run --------------------------------------------------------------------------------------------------


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


class RunWriter:
    """Appends one JSON line for each case to the file that ``--conform-out`` names."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115 - closed by pytest_sessionfinish

    def write(self, row: dict[str, Any]) -> None:
        """Append ``row`` and make it visible to readers at once."""
        self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
        self._file.flush()

    @pytest.hookimpl
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.write({"kind": "begin", "node": nodeid, "at": time.time()})

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        rows: list[Any] = [row for name, row in report.user_properties if name == _RECORD]
        if (rows and report.when != "teardown") or (rows and report.failed):
            self.write({**rows[-1], "node": report.nodeid})
        elif report.when not in ("setup", "call", "teardown"):
            # xdist reports a worker that died as a failed case without a phase.
            self.write({"kind": "crash", "node": report.nodeid, "message": str(report.longrepr)})

    @pytest.hookimpl
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if session.items:
            self.write({"kind": "plan", "nodes": [item.nodeid for item in session.items]})

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        self.write({"kind": "plan", "nodes": list(ids)})

    @pytest.hookimpl
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        self.write({"kind": "end", "exit": int(exitstatus)})
        self._file.close()


def pytest_sessionstart(session: pytest.Session) -> None:
    out = session.config.getoption("conform_out")
    if out and not _is_worker(session.config):
        session.config.pluginmanager.register(RunWriter(os.path.abspath(out)), "conform-run-writer")
