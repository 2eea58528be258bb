"""What the terminal shows: progress bars, changes, a requirement, the bytes of a case."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.syntax import Syntax

from conformance.catalogue import Entry
from conformance.changes import Changes
from conformance.runner import Progress as TargetProgress
from conformance.verdict import CaseRecord, Verdict

#: Names listed in full before a list is cut.
_LISTED = 15


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description:>12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, TextColumn("{task.fields[note]}"), console=console, disable=not console.is_terminal)


@contextlib.contextmanager
def judging(console: Console, names: list[str]) -> Iterator[Callable[[str, TargetProgress], None]]:
    """Show one bar for each target; yield the function that moves them."""
    with _progress(console) as progress:
        tasks = {name: progress.add_task(name, total=None, note="") for name in names}

        def show(name: str, state: TargetProgress) -> None:
            counts = state.counts
            note = " ".join(f"{verdict.value} {counts[verdict]}" for verdict in Verdict if counts.get(verdict))
            progress.update(tasks[name], total=state.total or None, completed=state.done, note=note)

        yield show


@contextlib.contextmanager
def bars(console: Console, totals: dict[str, int]) -> Iterator[Callable[[str, str, int], None]]:
    """Show a bar for each name with its total; yield a function that shows a note beside one and advances it."""
    with _progress(console) as progress:
        tasks = {name: progress.add_task(name, total=total, note="") for name, total in totals.items()}
        yield lambda name, note, steps: progress.update(tasks[name], advance=steps, note=note)


def print_changes(console: Console, changes: Changes) -> None:
    """Print the five lists of a target, the empty ones left out."""
    if not changes:
        return
    console.print(f"\n[bold]{changes.target}[/bold]: changes since the last run")
    for title, ids in changes.lists():
        if ids:
            more = f" ... and {len(ids) - _LISTED} more" if len(ids) > _LISTED else ""
            console.print(f"  {title} ({len(ids)}): {', '.join(ids[:_LISTED])}{more}", soft_wrap=True)


def print_requirement(console: Console, entry: Entry, records: list[CaseRecord]) -> None:
    """Print one requirement with its sources, its code and its last verdicts."""
    requirement = entry.requirement
    console.print(f"[bold]{entry.id}[/bold]  {requirement.level.upper()}  chapter {entry.chapter}")
    console.print(requirement.sentence, soft_wrap=True, markup=False)
    for source in requirement.sources:
        console.print(f"  {source}" + (f" ({', '.join(source.items)})" if source.items else ""), markup=False)
    console.print(Syntax(entry.code, "python", background_color="default"))
    for record in records:
        console.print(
            f"  {record.target}: {record.verdict.value} {record.key} {escape(record.message)}", soft_wrap=True
        )


def print_wire(console: Console, record: CaseRecord) -> None:
    """Print everything that is known of one case."""
    console.print(f"[bold]{record.target}[/bold] {escape(record.key)}: {record.verdict.value} {escape(record.message)}")
    for row in record.wire:
        arrow = "->" if row["from"] == "suite" else "<-"
        console.print(f"  {row['t']:8.4f} {arrow} {row.get('data', '')!r}  {row.get('note', '')}", markup=False)
    for title, text in (("log", record.log), ("detail", record.detail)):
        if text:
            console.print(f"[dim]-- {title}[/dim]")
            console.print(text, markup=False)
