"""What the commands of ``conform`` do: judge, write a run, print what a person needs to know, return the exit code."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import itertools
import json
import random
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.markup import escape

from conformance import catalogue, outcome, runlog, runner
from conformance import target as targets
from conformance.changes import Changes, compare
from conformance.coverage import coverage
from conformance.display import bars, judging, print_changes
from conformance.kill import Kills
from conformance.kill import run as run_saboteurs
from conformance.oracles import autobahn, wstest
from conformance.saboteurs import registry
from conformance.server_process import ServerProcess
from conformance.verdict import CaseRecord, NotTestable

if TYPE_CHECKING:
    from property_tests import differential

#: Targets a run judges when none is named.
DEFAULT_TARGETS = ("waterspout", "tornado")
#: Implementations whose protocol cores ours are compared with.
PEERS = ("h11", "httptools", "wsproto", "websockets")

console = Console(highlight=False)

#: Exit codes from the lightest to the heaviest, for what consists of several parts.
_WEIGHT = [
    outcome.AS_EXPECTED,
    outcome.STALE,
    outcome.NOTHING_RAN,
    outcome.UNEXPECTED,
    outcome.USAGE,
    outcome.HARNESS,
    outcome.INTERRUPTED,
]


def judge(chosen: list[targets.Target], options: runner.Options) -> int:
    """Judge targets, print what a person needs to know, and return the exit code."""
    if options.ids and not any(catalogue.is_named(one.id, one.chapter, options.ids) for one in catalogue.entries()):
        console.print(f"nothing ran: no requirement and no chapter is called {', '.join(options.ids)}", markup=False)
        return outcome.NOTHING_RAN
    absent = {one.name: why for one in chosen if (why := one.absent())}
    for name, why in absent.items():
        console.print(f"[bold]{name}[/bold] is not judged: {why}", soft_wrap=True)
    chosen = [one for one in chosen if one.name not in absent]
    if not chosen:
        return outcome.NOTHING_RAN
    before = runlog.history("run")[-20:]
    partial = bool(options.ids or options.shard or options.chops)
    described_all = {one.name: described(one) for one in chosen}
    run_file = runlog.RunFile("run", partial=partial, targets=described_all, absent=absent)
    try:
        with judging(console, [one.name for one in chosen]) as show:
            records = runner.judge(chosen, options, run_file, show)
    except KeyboardInterrupt:
        run_file.close(interrupted=True, exit=outcome.INTERRUPTED)
        console.print(f"interrupted; what was judged so far is in {run_file.path}")
        return outcome.INTERRUPTED
    code = outcome.exit_code(records)
    run_file.close(exit=code)
    now = runlog.load(run_file.path)
    for one in chosen:
        print_changes(console, _changes(one.name, before, now, partial))
    _print_counts(now, [one.name for one in chosen])
    console.print(f"\n{run_file.path}", soft_wrap=True)
    return code


def described(one: targets.Target) -> dict[str, Any]:
    return {"title": one.title, "version": one.version(), "api": one.has_api, "wire": one.has_wire}


def _changes(name: str, before: list[Path], now: runlog.Run, partial: bool) -> Changes:
    """Compare with the newest whole run that judged the target."""
    # Runs are large: most often one is enough.
    for old in map(runlog.load, reversed(before)):
        if name in old.targets and old.complete and not old.header.get("partial"):
            return compare(name, old.of(name), now.of(name), partial=partial)
    return Changes(name)


def _print_counts(now: runlog.Run, names: list[str]) -> None:
    for name in names:
        console.print(f"\n[bold]{name}[/bold] {now.targets[name]['version']}")
        records = now.of(name)
        _print_failures(records)
        for line in outcome.part_lines(records) or ["nothing ran"]:
            console.print("  " + line, soft_wrap=True)
    judged = {record.id for record in now.records}
    if judged and not now.header.get("partial"):
        console.print("\n[bold]coverage of the sources[/bold]")
        for line in outcome.coverage_lines(coverage(judged)):
            console.print("  " + line, soft_wrap=True)


def _print_failures(records: list[CaseRecord]) -> None:
    bad = [record for record in records if outcome.exit_code([record]) != outcome.AS_EXPECTED]
    for record in bad[:12]:
        first = record.message.strip().split("\n")[0]
        console.print(f"  [red]{record.verdict.value}[/red] {record.key}: {escape(first[:160])}", soft_wrap=True)
    if len(bad) > 12:
        console.print(f"  ... and {len(bad) - 12} more; `conform report` shows them all")


def judge_saboteurs(names: list[str], jobs: int, *, partial: bool, full: bool) -> int:
    """Compute the kill matrix against the last run of the reference, print it and return the exit code."""
    last = runlog.latest("run")
    reference = last.of("waterspout") if last is not None else []
    passing = {entry.id for entry in catalogue.entries()}
    passing -= {record.id for record in reference if not record.verdict.good}
    run_file = runlog.RunFile("kill", partial=partial, full=full)
    with bars(console, {"saboteurs": len(names)}) as advance:
        kills = run_saboteurs(names, jobs, passing, full, lambda name, ids: advance("saboteurs", name, 1))
    saboteurs = registry()
    for name, ids in kills.matrix.items():
        row = {"kind": "kill", "saboteur": name, "lie": saboteurs[name].lie, "kills": ids}
        run_file.write({**row, "chapters": saboteurs[name].chapters, "error": kills.errors.get(name, "")})
    code = _print_kills(kills, partial)
    run_file.close(exit=code)
    return code


def _print_kills(kills: Kills, partial: bool) -> int:
    idle, unkept = kills.idle(), kills.unkept()
    unkilled = [] if partial else kills.unkilled()
    killed = len(list(catalogue.entries())) - len(unkilled)
    console.print(f"{len(kills.matrix)} saboteurs, {len(idle)} idle; {killed} requirements killed, {len(unkilled)} not")
    for title, lines in (
        ("saboteurs that break nothing", idle),
        ("claims that are not kept", unkept),
        ("requirements that nothing breaks", unkilled),
        ("saboteurs that could not be judged", [f"{name}: {why}" for name, why in kills.errors.items()]),
    ):
        if lines:
            console.print(f"[red]{title}[/red]")
            for line in lines:
                console.print("  " + line, markup=False, soft_wrap=True)
    if kills.errors:
        return outcome.HARNESS
    return outcome.UNEXPECTED if idle or unkilled or unkept else outcome.AS_EXPECTED


def fuzz(chosen: list[targets.Target], roles: Sequence[str], full: bool) -> int:
    """Let Autobahn judge ``chosen`` as "server" and "client"; write a run, print results, return the exit code."""
    if not wstest.available():
        raise click.UsageError("Autobahn is not installed here; `conform autobahn setup` does that")
    run_file = runlog.RunFile("autobahn", targets={one.name: described(one) for one in chosen}, full=full)
    code = outcome.AS_EXPECTED
    for one, role in itertools.product(chosen, roles):
        if role == "client" and not one.client_command():
            continue
        try:
            with console.status(f"Autobahn judges {one.name} as {role}"):
                results = _fuzzed(one, role, full)
        except (NotTestable, wstest.Unavailable) as error:
            console.print(f"{one.name} as {role}: {error}", markup=False)
            code = outcome.HARNESS
            continue
        for result in results:
            run_file.write({**result.to_json(), "target": one.name, "role": role})
        code = max(code, _print_fuzzing(f"{one.name} as {role}", results))
    run_file.close(exit=code)
    return code


def _fuzzed(one: targets.Target, role: str, full: bool) -> list[autobahn.CaseResult]:
    if role == "client":
        return autobahn.judge_client(one.client_command(), full)
    server = ServerProcess(one)
    try:
        host, port = server.address()
        return autobahn.judge_server(f"ws://{host}:{port}/ws/echo", full)
    finally:
        server.stop()


def _print_fuzzing(name: str, results: list[autobahn.CaseResult]) -> int:
    failed = [result for result in results if result.failed]
    good = sum(result.good for result in results)
    rest = len(results) - good - len(failed)
    console.print(f"Autobahn on {name}: {good} good, {len(failed)} failed, {rest} not implemented of {len(results)}")
    for result in failed[:20]:
        console.print(f"  {result.case}: behaviour {result.behavior}, close {result.close}")
    return outcome.UNEXPECTED if failed else outcome.AS_EXPECTED


def cross_check(peers: list[str], examples: int, seed: int | None, jobs: int) -> int:
    """Run the differential comparisons, write a run, print the results and return the exit code."""
    from property_tests import differential  # needs the implementation; the other commands do not

    unknown = set(peers) - set(differential.SOURCES)
    if unknown:
        raise click.UsageError(f"--with {','.join(sorted(unknown))}: choose from {', '.join(differential.SOURCES)}")
    # Drawn here, so that a run that found something can be repeated.
    seed = random.randrange(2**32) if seed is None else seed
    run_file = runlog.RunFile("cross")
    summaries = {peer: differential.Summary(peer) for peer in peers}
    console.print(f"{examples:,} examples against each of {', '.join(peers)}, seed {seed}")
    try:
        with bars(console, dict.fromkeys(peers, examples)) as advance:
            for found in _compared(peers, examples, seed, jobs):
                summaries[found.peer].add(found)
                unlisted = summaries[found.peer].unexplained
                advance(found.peer, f"unlisted {unlisted}" if unlisted else "", found.examples)
    except KeyboardInterrupt:
        run_file.close(interrupted=True, exit=outcome.INTERRUPTED)
        return outcome.INTERRUPTED
    for summary in summaries.values():
        run_file.write({**differential.to_json(summary), "seed": seed})
        for line in summary.lines():
            console.print(line, markup=False, soft_wrap=True)
    code = outcome.AS_EXPECTED if all(summary.ok for summary in summaries.values()) else outcome.UNEXPECTED
    run_file.close(exit=code)
    return code


def _compared(peers: list[str], examples: int, seed: int, jobs: int) -> Iterator[differential.Summary]:
    """Work through the batches of all peers in ``jobs`` processes; yield what each found, in any order."""
    from property_tests import differential

    # The peers take turns, so that every bar moves from the start.
    columns = [differential.batches(peer, examples, seed) for peer in peers]
    todo = [batch for row in itertools.zip_longest(*columns) for batch in row if batch is not None]
    pool = concurrent.futures.ProcessPoolExecutor(jobs, initializer=_ignore_interrupts)
    try:
        for future in concurrent.futures.as_completed([pool.submit(differential.run_batch, batch) for batch in todo]):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _ignore_interrupts() -> None:
    # The terminal interrupts every process; only the one that shows the bars is to answer.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def compare_with_models(names: tuple[str, ...], steps: int, seed: int | None, package: str, record: Path | None) -> int:
    """Run the state machines, write a run, print the results and return the exit code."""
    from property_tests.machines import running  # needs the implementation, as above

    if unknown := set(names) - set(running.MACHINES):
        raise click.UsageError(f"{', '.join(sorted(unknown))}: choose from {', '.join(running.MACHINES)}")
    chosen = names or tuple(running.MACHINES)
    seed = random.randrange(2**32) if seed is None else seed
    run_file = runlog.RunFile("models")
    results = []
    with bars(console, {package: len(chosen)}) as advance, concurrent.futures.ProcessPoolExecutor(2) as pool:
        for job in [pool.submit(running.run, name, steps, seed, package) for name in chosen]:
            result = job.result()
            results.append(result)
            run_file.write({"kind": "model", **dataclasses.asdict(result)})
            advance(package, result.machine, 1)
            for line in filter(None, (result.line(), result.failure)):
                console.print(line, markup=False, soft_wrap=True)
    code = outcome.UNEXPECTED if any(result.failure for result in results) else outcome.AS_EXPECTED
    run_file.close(exit=code)
    if record is not None:
        record.write_text(json.dumps(running.record(results, steps), indent=2) + "\n", encoding="utf-8")
    return code


def judge_everything(everything: bool, jobs: int) -> int:
    """Run what the report shows, and return the weightiest exit code.

    That is the usual targets and the peers; with ``everything`` all targets, the saboteurs and Autobahn, too.
    """
    names = targets.names() if everything else DEFAULT_TARGETS
    codes = [judge([targets.load(name) for name in names], runner.Options(jobs=jobs))]
    if codes[0] == outcome.INTERRUPTED:
        return codes[0]
    console.print("\n[bold]other judges[/bold]")
    codes.append(cross_check(list(PEERS), 100_000 if everything else 10_000, None, jobs))
    if everything:
        console.print("\n[bold]can the requirements fail?[/bold]")
        codes.append(judge_saboteurs(list(registry()), jobs, partial=False, full=True))
        codes.append(_fuzz_reference())
    else:
        console.print("The kill matrix and Autobahn: [bold]conform kill[/bold], [bold]conform autobahn both[/bold]")
    return max(codes, key=_WEIGHT.index)


def _fuzz_reference() -> int:
    try:
        console.print(wstest.setup(), soft_wrap=True)
    except wstest.Unavailable as error:
        # Not a failure: the report says what is missing and how to get it.
        console.print(f"Autobahn did not run: {error}", markup=False, soft_wrap=True)
        runlog.RunFile("autobahn", note=f"Autobahn did not run: {error}").close(exit=outcome.AS_EXPECTED)
        return outcome.AS_EXPECTED
    return fuzz([targets.load("waterspout")], ("server", "client"), full=True)
