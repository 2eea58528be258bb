"""Everything the pages show, gathered once from the newest runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from conformance import catalogue, fates, outcome, runlog
from conformance.changes import Changes, by_requirement, compare
from conformance.coverage import Exclusion, Share, Statement, coverage, exclusions, statements
from conformance.verdict import CaseRecord, Verdict


@dataclass
class RequirementView:
    """One requirement with what every target made of it."""

    entry: catalogue.Entry
    verdicts: dict[str, Verdict]
    cases: dict[str, list[CaseRecord]]
    quotes: list[Statement]
    killers: list[str]
    history: dict[str, list[Verdict | None]]

    @property
    def page(self) -> str:
        """File name of its page below ``cases/``."""
        return f"{self.entry.id}.html"

    def worst_case(self, target: str) -> CaseRecord | None:
        """Return the case that decided the target's verdict, preferring one with bytes to show."""
        mine = [record for record in self.cases.get(target, []) if record.verdict is self.verdicts[target]]
        return max(mine, key=lambda record: bool(record.wire), default=None)


@dataclass
class Judges:
    """What the other judges said."""

    #: By target and role.
    autobahn: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    autobahn_note: str = ""
    differential: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Model:
    """The whole report."""

    run: runlog.Run
    requirements: dict[str, RequirementView]
    changes: list[Changes]
    compared_with: str
    shares: list[Share]
    seeds: list[fates.Fate]
    kills: dict[str, dict[str, Any]]
    kills_full: bool
    judges: Judges
    runs: list[str]

    @property
    def targets(self) -> list[str]:
        """Names of the targets, in the order of the columns."""
        return list(self.run.targets)

    @property
    def absent(self) -> dict[str, str]:
        """Targets that the machine could not start, and what to install."""
        found: dict[str, str] = self.run.header.get("absent", {})
        return found

    def title(self, target: str) -> str:
        """Return a target's title with its version."""
        row = self.run.targets[target]
        return f"{row['title']} {row['version']}".strip()

    def part_lines(self, target: str) -> list[str]:
        """Return the counts of one target, a line for each part of the book."""
        return outcome.part_lines(self.run.of(target))

    def exclusion(self, id: str) -> Exclusion | None:
        """Return why a statement is not checked, if it is excluded."""
        return exclusions().get(id)

    def statement(self, id: str) -> Statement:
        """Return a statement by id."""
        return statements()[id]

    def fates_by_part(self) -> dict[str, list[fates.Fate]]:
        """Return what became of the seed statements, by the part of the documents that they stand in."""
        found: dict[str, list[fates.Fate]] = {}
        for fate in self.seeds:
            found.setdefault(fate.statement.section, []).append(fate)
        return found

    def fate_counts(self) -> dict[str, int]:
        """Return how many seed statements are in each state."""
        return {state: sum(fate.state == state for fate in self.seeds) for state in fates.STATES}

    def unkilled(self) -> list[str]:
        """Return requirements that no saboteur broke in the last kill run; empty when there was none."""
        if not self.kills:
            return []
        return [id for id, view in self.requirements.items() if not view.killers]

    def slowest(self, count: int = 15) -> list[CaseRecord]:
        """Return the slowest cases of the run."""
        return sorted(self.run.records, key=lambda record: -record.seconds)[:count]

    def lenient(self) -> list[CaseRecord]:
        """Return one case for each requirement and target that is met in an allowed, not the preferred way."""
        found = {(record.target, record.id): record for record in self.run.records if record.verdict is Verdict.LENIENT}
        return list(found.values())


def gather() -> Model:
    """Collect the newest whole run, the run before it, the kill matrix and the judges.

    Raises LookupError when nothing was run yet.
    """
    paths = runlog.history("run")
    runs = [run for run in map(runlog.load, paths[-12:]) if run.records and not run.header.get("partial")]
    if not runs:
        raise LookupError("there is no run to report on: `conform run` first")
    current = runs[-1]
    kill_run = runlog.latest("kill")
    kills = {row["saboteur"]: row for row in kill_run.rows if row["kind"] == "kill"} if kill_run else {}
    before = {name: _run_before(runs[:-1], name) for name in current.targets}
    changes = [
        compare(name, old.of(name), current.of(name), partial=False) for name, old in before.items() if old is not None
    ]
    return Model(
        run=current,
        requirements=_views(current, runs, kills),
        changes=[one for one in changes if one],
        compared_with=next((old.header["started"] for old in before.values() if old is not None), ""),
        shares=coverage(record.id for record in current.records),
        seeds=fates.fates(record.id for record in current.records),
        kills=kills,
        kills_full=kill_run is not None and bool(kill_run.header.get("full")),
        judges=_judges(),
        runs=[run.header["started"] for run in runs],
    )


def _run_before(runs: list[runlog.Run], target: str) -> runlog.Run | None:
    return next((run for run in reversed(runs) if target in run.targets and run.complete), None)


def _views(current: runlog.Run, runs: list[runlog.Run], kills: dict[str, dict[str, Any]]) -> dict[str, RequirementView]:
    cases: dict[str, dict[str, list[CaseRecord]]] = {}
    for record in current.records:
        cases.setdefault(record.id, {}).setdefault(record.target, []).append(record)
    verdicts = {name: by_requirement(current.of(name)) for name in current.targets}
    past = [{name: by_requirement(run.of(name)) for name in run.targets} for run in runs]
    killers: dict[str, list[str]] = {}
    for name, row in kills.items():
        for id in row["kills"]:
            killers.setdefault(id, []).append(name)
    known = statements()
    return {
        entry.id: RequirementView(
            entry=entry,
            verdicts={name: verdicts[name][entry.id] for name in current.targets if entry.id in verdicts[name]},
            cases=cases.get(entry.id, {}),
            quotes=[known[item] for item in sorted(entry.requirement.statements) if item in known],
            killers=killers.get(entry.id, []),
            history={name: _strip(past, name, entry.id) for name in current.targets},
        )
        for entry in catalogue.entries()
    }


def _strip(past: Iterable[dict[str, dict[str, Verdict]]], target: str, id: str) -> list[Verdict | None]:
    return [run.get(target, {}).get(id) for run in past]


def _judges() -> Judges:
    judges = Judges()
    fuzzed = runlog.latest("autobahn")
    if fuzzed is not None:
        judges.autobahn_note = fuzzed.header.get("note", "")
        for row in fuzzed.rows:
            if row["kind"] == "autobahn":
                judges.autobahn.setdefault((row["target"], row.get("role", "server")), []).append(row)
    crossed = runlog.latest("cross")
    if crossed is not None:
        judges.differential = [row for row in crossed.rows if row["kind"] == "differential"]
    return judges
