"""The ``conform`` command: thin over pytest and the modules that do the work.

Exit codes: 0 as expected, 1 unexpected failure, 2 stale expectation, 3 harness error, 4 nothing ran, 5 usage.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from conformance import catalogue, interface, jobs, lint, outcome, runlog, runner
from conformance import target as targets
from conformance.blessing import write_expectations
from conformance.changes import compare
from conformance.coverage import coverage
from conformance.display import print_changes, print_requirement, print_wire
from conformance.jobs import console
from conformance.oracles import wstest
from conformance.paths import SITE
from conformance.report.build import build
from conformance.saboteurs import registry
from conformance.verdict import HarnessError
from conformance.wire.script import exported


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
    return found or [targets.load(name) for name in jobs.DEFAULT_TARGETS]


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
@click.option("--all", "everything", is_flag=True, help="Judge every target that this machine can start.")
@click.option("--chop", default="", help="Ways to chop the bytes of wire cases: whole,bytes,tokens,joined.")
@click.option("-j", "--jobs", "processes", default=2, show_default=True, help="Processes at work at the same time.")
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
    processes: int,
    shard: str,
    seconds: float,
) -> None:
    """Run IDS (requirements, globs or chapters; everything when none is named) on one or more targets."""
    chosen = _chosen(tuple(targets.names()) if everything else names, package, cmd, url)
    options = runner.Options(ids=ids, chops=chop, jobs=processes, shard=shard, seconds=seconds)
    raise SystemExit(jobs.judge(chosen, options))


@main.command()
@click.argument("id")
def show(id: str) -> None:
    """Show a requirement: its sentence, sources, code, and the last verdicts."""
    entry = catalogue.find(id)
    if entry is None:
        raise click.UsageError(f"there is no requirement {id!r}; `conform list` names them all")
    last = runlog.latest("run")
    print_requirement(console, entry, [record for record in last.records if record.id == entry.id] if last else [])


@main.command()
@click.argument("glob", default="*")
def export(glob: str) -> None:
    """Print the HTTP wire cases whose id matches GLOB as JSON lines, for runners in other languages."""
    for row in exported(lambda id: Path(id).match(glob)):
        click.echo(json.dumps(row))


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
    run_file = runlog.RunFile("rerun", partial=True, targets={one.name: jobs.described(one) for one in chosen})
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
    """Write the failures of the last run into a target's expectations, without those that pass now.

    What the run did not judge stays as it is.
    """
    last = runlog.latest("run")
    if last is None or name not in last.targets or not last.complete:
        raise click.UsageError(f"there is no whole run of {name}; `conform run --target {name}` first")
    console.print(write_expectations(targets.load(name), last.of(name), why))


@main.command()
@click.argument("names", nargs=-1)
@click.option("-j", "--jobs", "processes", default=2, show_default=True, help="Saboteurs judged at the same time.")
@click.option("--full", is_flag=True, help="Try each on its whole chapters, not only on what it claims to break.")
def kill(names: tuple[str, ...], processes: int, full: bool) -> None:
    """Judge saboteurs (all when none is named) and print the kill matrix: which requirement fails on which lie."""
    saboteurs = registry()
    unknown = set(names) - set(saboteurs)
    if unknown:
        raise click.UsageError(f"there is no saboteur {', '.join(sorted(unknown))}")
    raise SystemExit(jobs.judge_saboteurs(list(names) or list(saboteurs), processes, partial=bool(names), full=full))


@main.command()
@click.option("--write", is_flag=True, help="Write spec/ids.lock instead of comparing with it.")
def ids(write: bool) -> None:
    """Compare the ids of the book with spec/ids.lock: ids are never reused and never vanish without a rename."""
    if write:
        lint.write_lock()
    problems = lint.lock_problems()
    for problem in problems:
        console.print(problem)
    raise SystemExit(outcome.HARNESS if problems else outcome.AS_EXPECTED)


@main.command("lint")
def lint_book() -> None:
    """Check the book's own rules: stable ids, short cases, sources that exist, a saboteur for every requirement."""
    problems = lint.problems()
    for problem in problems:
        console.print(problem, markup=False, soft_wrap=True)
    console.print(
        f"{len(list(catalogue.entries()))} requirements, {len(registry())} saboteurs, {len(problems)} problems"
    )
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


@main.command("interface")
@click.option("--import", "package", default="waterspout", show_default=True, help="The importable package to look at.")
@click.option("--open", "show_open", is_flag=True, help="Name every name that is missing.")
def show_interface(package: str, show_open: bool) -> None:
    """Print how much of the documented interface, current and legacy, a package has, module by module."""
    for line in interface.lines(interface.coverage(package), show_open):
        console.print(line, markup=False, soft_wrap=True)


@main.group()
def autobahn() -> None:
    """Let Autobahn|Testsuite judge WebSocket servers and clients."""


@autobahn.command("setup")
@click.option("--python2", is_flag=True, help="Install the original; needs Python 2.7 on the machine.")
def autobahn_setup(python2: bool) -> None:
    """Install Autobahn; it is translated for this Python when it runs."""
    try:
        console.print(wstest.setup(python2), soft_wrap=True)
    except wstest.Unavailable as error:
        raise click.ClickException(str(error)) from None


_FULL = click.option("--full", is_flag=True, help="All 517 cases; the quick lane leaves out long compression rows.")


_FUZZED = click.option("--target", "-t", "names", multiple=True, default=("waterspout",), show_default=True)


@autobahn.command("server")
@_FUZZED
@_FULL
def autobahn_server(names: tuple[str, ...], full: bool) -> None:
    """Run the fuzzing client against targets' WebSocket servers."""
    raise SystemExit(jobs.fuzz([targets.load(name) for name in names], ("server",), full))


@autobahn.command("client")
@_FUZZED
@_FULL
@click.argument("command", nargs=-1)
def autobahn_client(names: tuple[str, ...], command: tuple[str, ...], full: bool) -> None:
    """Run the fuzzing server for targets' WebSocket clients.

    COMMAND, where given, starts a client to be judged in their place; it may hold {url} and {agent}.
    """
    chosen = [targets.Target(command[0], client=command)] if command else [targets.load(name) for name in names]
    raise SystemExit(jobs.fuzz(chosen, ("client",), full))


@autobahn.command("both")
@_FUZZED
@_FULL
def autobahn_both(names: tuple[str, ...], full: bool) -> None:
    """Judge targets as servers and, those that have one, their clients."""
    raise SystemExit(jobs.fuzz([targets.load(name) for name in names], ("server", "client"), full))


@main.command()
@click.option("--with", "peers", default=",".join(jobs.PEERS), show_default=True, help="Judges to compare with.")
@click.option("--examples", default=20_000, show_default=True, help="Examples for each judge.")
@click.option("--seed", type=int, default=None, help="Seed of the examples (default: a new one).")
@click.option("-j", "--jobs", "processes", default=2, show_default=True, help="Processes at work at the same time.")
def cross(peers: str, examples: int, seed: int | None, processes: int) -> None:
    """Compare Waterspout's protocol cores with other implementations, event for event."""
    raise SystemExit(jobs.cross_check(peers.split(","), examples, seed, processes))


@main.command()
@click.argument("names", nargs=-1)
@click.option("--steps", default=50_000, show_default=True, help="Steps for each class.")
@click.option("--seed", type=int, default=None, help="Seed of the steps (default: a new one).")
@click.option("--package", default="waterspout", show_default=True, help="Take the steps with this package.")
@click.option("--record", type=click.Path(dir_okay=False, path_type=Path), help="Write the results to a file, too.")
def models(names: tuple[str, ...], steps: int, seed: int | None, package: str, record: Path | None) -> None:
    """Drive queues, locks and PeriodicCallback beside small models of them, in jumping time.

    NAMES are classes (all when none is named).
    """
    raise SystemExit(jobs.compare_with_models(names, steps, seed, package, record))


@main.command()
@click.option("--judge", "first", is_flag=True, help="Judge first: Waterspout, Tornado, and with the other judges.")
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="With --judge: every target that this machine can start, the saboteurs, Autobahn, longer lanes.",
)
@click.option("-j", "--jobs", "processes", default=2, show_default=True, help="Processes at work at the same time.")
def report(first: bool, everything: bool, processes: int) -> None:
    """Write the report of the newest runs to reports/site."""
    code = jobs.judge_everything(everything, processes) if first else outcome.AS_EXPECTED
    try:
        page = build(SITE)
    except LookupError as error:
        raise click.ClickException(str(error)) from None
    console.print(f"\n[bold]{page}[/bold]", soft_wrap=True)
    raise SystemExit(code)


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
