"""The ``conform`` command: thin over pytest and the modules that do the work.

Exit codes: 0 as expected, 1 unexpected failure, 2 stale expectation, 3 harness error, 4 nothing ran, 5 usage.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from conformance import catalogue, outcome, runlog, runner
from conformance import target as targets
from conformance.changes import Changes, compare
from conformance.coverage import coverage
from conformance.display import bars, judging, print_changes, print_requirement, print_wire
from conformance.kill import Kills
from conformance.kill import run as run_saboteurs
from conformance.saboteurs import registry
from conformance.server_process import ServerProcess
from conformance.verdict import CaseRecord, HarnessError, NotTestable

#: Targets a run judges when none is named.
DEFAULT_TARGETS = ("waterspout", "tornado")

console = Console(highlight=False)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def main() -> None:
    """Judge implementations of the Tornado web system by its executable specification."""


def _chosen(names: tuple[str, ...], package: str, command: str, url: str) -> list[targets.Target]:
    found = [targets.load(name) for name in names]
    if package:
        found.append(targets.from_import(package))
    if command:
        found.append(targets.from_command(command))
    if url:
        found.append(targets.from_url(url))
    return found or [targets.load(name) for name in DEFAULT_TARGETS]


def _target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--url", default="", help="Judge the server that already runs at this http:// address."),
        click.option("--cmd", default="", help="Judge the server that this command starts."),
        click.option("--import", "package", default="", help="Judge this importable package with Tornado's API."),
        click.option("--target", "-t", "names", multiple=True, help="Judge this target; may be given several times."),
    ):
        command = option(command)
    return command


@main.command()
@click.argument("ids", nargs=-1)
@_target_options
@click.option("--all", "everything", is_flag=True, help="Judge every target that ships with the suite.")
@click.option("--chop", default="", help="Ways to chop the bytes of wire cases: whole,bytes,tokens,joined.")
@click.option("-j", "--jobs", default=2, show_default=True, help="Processes at work at the same time.")
@click.option("--shard", default="", help="Run only share i of n of the cases, as in 2/4.")
@click.option("--seconds", default=10.0, show_default=True, help="Seconds that a case may take.")
def run(
    ids: tuple[str, ...],
    names: tuple[str, ...],
    package: str,
    cmd: str,
    url: str,
    everything: bool,
    chop: str,
    jobs: int,
    shard: str,
    seconds: float,
) -> None:
    """Run the requirements IDS (ids or globs; all when none are named) on one or more targets."""
    chosen = _chosen(tuple(targets.names()) if everything else names, package, cmd, url)
    options = runner.Options(ids=ids, chops=chop, jobs=jobs, shard=shard, seconds=seconds)
    raise SystemExit(judge(chosen, options))


def judge(chosen: list[targets.Target], options: runner.Options) -> int:
    """Judge targets, print what a person needs to know, and return the exit code."""
    before = [runlog.load(path) for path in runlog.history("run")[-20:]]
    partial = bool(options.ids or options.shard or options.chops)
    run_file = runlog.RunFile("run", partial=partial, targets={one.name: _described(one) for one in chosen})
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
    console.print(f"\n{run_file.path}")
    return code


def _described(one: targets.Target) -> dict[str, Any]:
    return {"title": one.title, "version": one.version(), "api": one.has_api, "wire": one.has_wire}


def _changes(name: str, before: list[runlog.Run], now: runlog.Run, partial: bool) -> Changes:
    """Compare with the newest whole run that judged the target."""
    for old in reversed(before):
        if name in old.targets and old.complete and not old.header.get("partial"):
            return compare(name, old.of(name), now.of(name), partial=partial)
    return Changes(name)


def _print_counts(now: runlog.Run, names: list[str]) -> None:
    for name in names:
        console.print(f"\n[bold]{name}[/bold] {now.targets[name]['version']}")
        records = now.of(name)
        _print_failures(records)
        for line in outcome.part_lines(records) or ["nothing ran"]:
            console.print("  " + line)
    judged = {record.id for record in now.records}
    if judged and not now.header.get("partial"):
        console.print("\n[bold]coverage of the sources[/bold]")
        for line in outcome.coverage_lines(coverage(judged)):
            console.print("  " + line)


def _print_failures(records: list[CaseRecord]) -> None:
    bad = [record for record in records if outcome.exit_code([record]) != outcome.AS_EXPECTED]
    for record in bad[:12]:
        first = record.message.strip().split("\n")[0]
        console.print(f"  [red]{record.verdict.value}[/red] {record.key}: {first[:160]}", markup=True)
    if len(bad) > 12:
        console.print(f"  ... and {len(bad) - 12} more; `conform report` shows them all")


@main.command()
@click.argument("id")
def show(id: str) -> None:
    """Show a requirement: its sentence, sources, code, and the last verdicts."""
    entry = catalogue.find(id)
    if entry is None:
        raise click.UsageError(f"there is no requirement {id!r}; `conform list` names them all")
    last = runlog.latest("run")
    print_requirement(console, entry, [record for record in last.records if record.id == entry.id] if last else [])


@main.command("list")
@click.argument("glob", default="*")
def list_requirements(glob: str) -> None:
    """List the requirements whose id matches GLOB, chapter by chapter."""
    for chapter in catalogue.chapters():
        for entry in chapter.entries:
            if Path(entry.id).match(glob) or glob in entry.id:
                console.print(f"{entry.requirement.level:6} {entry.id}: {entry.requirement.sentence}", soft_wrap=True)


@main.command()
@click.argument("case")
@_target_options
def rerun(case: str, names: tuple[str, ...], package: str, cmd: str, url: str) -> None:
    """Run one CASE again (``id``, ``id[params]``, ``id@chop=bytes``) and show everything: bytes, log, traceback."""
    id = case.split("[")[0].split("@")[0]
    if catalogue.find(id) is None:
        raise click.UsageError(f"there is no requirement {id!r}")
    chosen = _chosen(names or ("waterspout",), package, cmd, url)
    chop = case.partition("@chop=")[2]
    run_file = runlog.RunFile("rerun", partial=True, targets={one.name: _described(one) for one in chosen})
    records = runner.judge(chosen, runner.Options(ids=(id,), chops=chop, jobs=1), run_file)
    wanted = [record for record in records if record.key == case or record.id == case or case in record.key]
    code = outcome.exit_code(wanted)
    run_file.close(exit=code)
    for record in wanted:
        print_wire(console, record)
    if not wanted:
        console.print(f"{case} is not a case of {', '.join(one.name for one in chosen)}")
    raise SystemExit(code)


@main.command()
@click.argument("old", type=click.Path(exists=True, path_type=Path))
@click.argument("new", type=click.Path(exists=True, path_type=Path))
def diff(old: Path, new: Path) -> None:
    """Compare two run files: five lists for each target that both judged."""
    before, after = runlog.load(old), runlog.load(new)
    for name in after.targets:
        if name in before.targets:
            partial = bool(after.header.get("partial"))
            print_changes(console, compare(name, before.of(name), after.of(name), partial=partial))


@main.command()
@click.option("--target", "-t", "name", required=True, help="Target whose expectations to write.")
@click.option("--why", default="not looked into yet", show_default=True, help="Reason for entries that are new.")
def bless(name: str, why: str) -> None:
    """Write the failures of the last run into a target's expectations, and drop those that pass now."""
    from conformance.blessing import write_expectations  # needs tomli-w only here

    last = runlog.latest("run")
    if last is None or name not in last.targets or not last.complete:
        raise click.UsageError(f"there is no whole run of {name}; `conform run --target {name}` first")
    console.print(write_expectations(targets.load(name), last.of(name), why))


@main.command()
@click.argument("names", nargs=-1)
@click.option("-j", "--jobs", default=2, show_default=True, help="Saboteurs judged at the same time.")
def kill(names: tuple[str, ...], jobs: int) -> None:
    """Judge saboteurs (all when none is named) and print the kill matrix: which requirement fails on which lie."""
    saboteurs = registry()
    unknown = set(names) - set(saboteurs)
    if unknown:
        raise click.UsageError(f"there is no saboteur {', '.join(sorted(unknown))}")
    raise SystemExit(judge_saboteurs(list(names) or list(saboteurs), jobs, partial=bool(names)))


def judge_saboteurs(names: list[str], jobs: int, *, partial: bool) -> int:
    """Compute the kill matrix against the last run of the reference, print it and return the exit code."""
    last = runlog.latest("run")
    reference = last.of("waterspout") if last is not None else []
    passing = {entry.id for entry in catalogue.entries()}
    passing -= {record.id for record in reference if not record.verdict.good}
    run_file = runlog.RunFile("kill", partial=partial)
    with bars(console, {"saboteurs": len(names)}) as advance:
        kills = run_saboteurs(names, jobs, passing, lambda name, ids: advance("saboteurs", name))
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
                console.print("  " + line, markup=False)
    if kills.errors:
        return outcome.HARNESS
    return outcome.UNEXPECTED if idle or unkilled or unkept else outcome.AS_EXPECTED


@main.command()
@click.option("--write", is_flag=True, help="Write spec/ids.lock instead of comparing with it.")
def ids(write: bool) -> None:
    """Compare the ids of the book with spec/ids.lock: ids are never reused and never vanish without a rename."""
    from conformance.lint import lock_problems, write_lock

    if write:
        write_lock()
    problems = lock_problems()
    for problem in problems:
        console.print(problem)
    raise SystemExit(outcome.HARNESS if problems else outcome.AS_EXPECTED)


@main.command()
@click.option("--open", "show_open", is_flag=True, help="Name every statement that is neither checked nor excluded.")
def sources(show_open: bool) -> None:
    """Print how much of each source the last whole run has decided."""
    last = runlog.latest("run")
    judged = {record.id for record in last.records} if last else {entry.id for entry in catalogue.entries()}
    shares = coverage(judged)
    for share, line in zip(shares, outcome.coverage_lines(shares), strict=True):
        console.print(line)
        for id in share.open if show_open else ():
            console.print(f"  {id}")


@main.group()
def autobahn() -> None:
    """Let Autobahn|Testsuite judge WebSocket servers and clients."""


@autobahn.command("setup")
def autobahn_setup() -> None:
    """Make Autobahn ready to run: needs Python 2.7 on the machine, or Docker."""
    try:
        console.print(fuzzer.setup(), soft_wrap=True)
    except fuzzer.Unavailable as error:
        raise click.ClickException(str(error)) from None


_FULL = click.option("--full", is_flag=True, help="All 517 cases; the quick lane leaves out long compression rows.")


@autobahn.command("server")
@click.option("--target", "-t", "names", multiple=True, default=("waterspout",), show_default=True)
@_FULL
def autobahn_server(names: tuple[str, ...], full: bool) -> None:
    """Run the fuzzing client against targets' WebSocket servers."""
    raise SystemExit(fuzz_servers([targets.load(name) for name in names], full))


@autobahn.command("client")
@click.argument("command", nargs=-1, required=True)
@_FULL
def autobahn_client(command: tuple[str, ...], full: bool) -> None:
    """Run the fuzzing server; COMMAND starts a client testee and may hold {url} and {agent}."""
    try:
        results = fuzzer.judge_client(list(command), full)
    except fuzzer.Unavailable as error:
        raise click.ClickException(str(error)) from None
    raise SystemExit(_print_fuzzing(command[0], results))


def fuzz_servers(chosen: list[targets.Target], full: bool) -> int:
    """Let Autobahn judge the servers of ``chosen``; write a run, print the results and return the exit code."""
    run_file = runlog.RunFile("autobahn", targets={one.name: _described(one) for one in chosen}, full=full)
    code = outcome.AS_EXPECTED
    for one in chosen:
        server = ServerProcess(one)
        try:
            host, port = server.address()
            with console.status(f"Autobahn judges {one.name}"):
                results = fuzzer.judge_server(f"ws://{host}:{port}/ws/echo", full)
        except (NotTestable, fuzzer.Unavailable) as error:
            console.print(f"{one.name}: {error}", markup=False)
            code = outcome.HARNESS
            continue
        finally:
            server.stop()
        for result in results:
            run_file.write({**result.to_json(), "target": one.name})
        code = max(code, _print_fuzzing(one.name, results))
    run_file.close(exit=code)
    return code


def _print_fuzzing(name: str, results: list[fuzzer.CaseResult]) -> int:
    failed = [result for result in results if result.failed]
    good = sum(result.good for result in results)
    rest = len(results) - good - len(failed)
    console.print(f"Autobahn on {name}: {good} good, {len(failed)} failed, {rest} not implemented of {len(results)}")
    for result in failed[:20]:
        console.print(f"  {result.case}: behaviour {result.behavior}, close {result.close}")
    return outcome.UNEXPECTED if failed else outcome.AS_EXPECTED


@main.command()
@click.option("--with", "peers", default="h11,wsproto", show_default=True, help="Judges to compare with.")
@click.option("--examples", default=20_000, show_default=True, help="Examples for each judge.")
@click.option("--seed", type=int, default=None, help="Seed of the examples (default: a new one).")
def cross(peers: str, examples: int, seed: int | None) -> None:
    """Compare Waterspout's protocol cores with other implementations, event for event."""
    raise SystemExit(cross_check(peers.split(","), examples, seed))


def cross_check(peers: list[str], examples: int, seed: int | None) -> int:
    """Run the differential comparisons, write a run, print the results and return the exit code."""
    from property_tests import differential  # needs the implementation; the other commands do not

    unknown = set(peers) - set(differential.PEERS)
    if unknown:
        raise click.UsageError(f"--with {','.join(sorted(unknown))}: choose from {', '.join(differential.PEERS)}")
    run_file = runlog.RunFile("cross")
    code = outcome.AS_EXPECTED
    for peer in peers:
        with console.status(f"{examples:,} examples against {peer}"):
            summary = differential.run(peer, examples, seed)
        run_file.write({"kind": "differential", **summary.to_json()})
        for line in summary.lines():
            console.print(line, markup=False, soft_wrap=True)
        if summary.unlisted:
            code = outcome.UNEXPECTED
    run_file.close(exit=code)
    return code


@main.command()
@click.option("--judge", "first", is_flag=True, help="Run everything first: targets, saboteurs, the other judges.")
@click.option("--all", "everything", is_flag=True, help="With --judge: every target, and the judges' full lanes.")
@click.option("-j", "--jobs", default=2, show_default=True, help="Processes at work at the same time.")
def report(first: bool, everything: bool, jobs: int) -> None:
    """Write the report of the newest runs to reports/site."""
    code = _judge_everything(everything, jobs) if first else outcome.AS_EXPECTED
    try:
        page = build(SITE)
    except LookupError as error:
        raise click.ClickException(str(error)) from None
    console.print(f"\n[bold]{page}[/bold]", soft_wrap=True)
    raise SystemExit(code)


def _judge_everything(everything: bool, jobs: int) -> int:
    names = targets.names() if everything else DEFAULT_TARGETS
    codes = [judge([targets.load(name) for name in names], runner.Options(jobs=jobs))]
    if codes[0] == outcome.INTERRUPTED:
        return codes[0]
    console.print("\n[bold]can the requirements fail?[/bold]")
    codes.append(judge_saboteurs(list(registry()), jobs, partial=False))
    console.print("\n[bold]other judges[/bold]")
    codes.append(cross_check(["h11", "wsproto"], 20_000 if everything else 5_000, None))
    try:
        console.print(fuzzer.setup(), soft_wrap=True)
    except fuzzer.Unavailable as error:
        # Not a failure: the report says what is missing and how to get it.
        console.print(f"Autobahn did not run: {error}", markup=False, soft_wrap=True)
        runlog.RunFile("autobahn", note=f"Autobahn did not run: {error}").close(exit=outcome.AS_EXPECTED)
    else:
        codes.append(fuzz_servers([targets.load("waterspout")], full=everything))
    return max(codes, key=_WEIGHT.index)


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


def run_cli() -> None:
    """Entry point that turns errors of use into one line and exit code 5."""
    try:
        main(standalone_mode=False)
    except click.exceptions.Abort:
        raise SystemExit(outcome.INTERRUPTED) from None
    except click.ClickException as error:
        error.show()
        raise SystemExit(outcome.USAGE) from None
    except targets.TargetError as error:
        print(f"conform: {error}", file=sys.stderr)
        raise SystemExit(outcome.USAGE) from None
    except HarnessError as error:
        print(f"conform: the suite itself is at fault: {error}", file=sys.stderr)
        raise SystemExit(outcome.HARNESS) from None
