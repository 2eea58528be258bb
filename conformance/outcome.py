"""From verdicts to exit codes and to the lines that a person reads last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from conformance import catalogue
from conformance.changes import by_requirement
from conformance.coverage import Share
from conformance.requirement import LEVELS
from conformance.verdict import CaseRecord, Verdict

AS_EXPECTED, UNEXPECTED, STALE, HARNESS, NOTHING_RAN, USAGE = range(6)
INTERRUPTED = 130


def exit_code(records: Iterable[CaseRecord]) -> int:
    """Return the exit code of a run: harness errors weigh most, then unexpected failures, then stale expectations."""
    verdicts = {record.verdict for record in records}
    if not verdicts:
        return NOTHING_RAN
    if Verdict.HARNESS_ERROR in verdicts:
        return HARNESS
    if any(verdict.unexpected for verdict in verdicts):
        return UNEXPECTED
    return STALE if Verdict.STALE in verdicts else AS_EXPECTED


def part_lines(records: Iterable[CaseRecord]) -> list[str]:
    """Return one line for each part of the book: how many requirements of each level are met, and what is not."""
    verdicts = by_requirement(records)
    lines = []
    for part in dict.fromkeys(chapter.part for chapter in catalogue.chapters()):
        entries = [entry for chapter in catalogue.chapters() if chapter.part == part for entry in chapter.entries]
        judged = [(entry, verdicts[entry.id]) for entry in entries if entry.id in verdicts]
        if judged:
            lines.append(f"{part}: " + " · ".join([*_levels(judged), *_rest(judged)]))
    return lines


def _levels(judged: list[tuple[catalogue.Entry, Verdict]]) -> list[str]:
    words = []
    for level in LEVELS:
        mine = [verdict for entry, verdict in judged if entry.requirement.level == level]
        if mine:
            words.append(f"{level.upper()} {sum(verdict.good for verdict in mine)} of {len(mine)}")
    return words


def _rest(judged: list[tuple[catalogue.Entry, Verdict]]) -> list[str]:
    counts = Counter(verdict for _, verdict in judged if not verdict.good)
    return [f"{verdict.value} {counts[verdict]}" for verdict in Verdict if counts[verdict]]


def coverage_lines(shares: Iterable[Share]) -> list[str]:
    """Return one line for each source: checked, excluded with a reason, open."""
    return [
        f"{share.source}: {len(share.checked)} checked, {len(share.excluded)} excluded, {len(share.open)} open "
        f"of {share.total} observable statements"
        for share in shares
    ]
