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
from conformance.verdict import CaseRecord, HarnessError

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
