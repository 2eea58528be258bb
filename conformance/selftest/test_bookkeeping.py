"""Runs on disk, changes between runs, exit codes, expectations, coverage, the lint of the book."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conformance import catalogue, coverage, jobs, lint, outcome, plugin, runlog, runner
from conformance import target as targets
from conformance.blessing import write_expectations
from conformance.changes import compare
from conformance.target import Expectation, Target, TargetError
from conformance.verdict import CaseRecord, HarnessError, Verdict


def record(id: str = "a.b.c", verdict: Verdict = Verdict.PASS, **more: Any) -> CaseRecord:
    return CaseRecord(more.pop("target", "t"), id, "x", "must", verdict, **more)


def test_a_run_cut_off_in_the_middle_of_a_line_is_readable(tmp_path: Path) -> None:
    path = tmp_path / "x-run.jsonl"
    rows = [json.dumps({"kind": "run", "run": "x", "targets": {}}), json.dumps(record().to_json()), '{"kind": "ca']
    path.write_text("\n".join(rows))

    run = runlog.load(path)
    assert [one.id for one in run.records] == ["a.b.c"]
    assert not run.complete


def test_a_run_is_whole_only_with_its_footer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runlog, "RUNS", tmp_path)
    run_file = runlog.RunFile("run", targets={})
    run_file.write(record().to_json())
    assert not runlog.load(run_file.path).complete

    run_file.close(exit=0)
    assert runlog.load(run_file.path).complete


def test_changes_are_five_lists_that_do_not_cancel() -> None:
    before = [
        record("a.a.a"),
        record("b.b.b", Verdict.FAIL),
        record("c.c.c"),
        record("d.d.d", Verdict.EXPECTED_FAILURE),
    ]
    after = [record("a.a.a", Verdict.FAIL), record("b.b.b"), record("d.d.d", Verdict.STALE), record("e.e.e")]

    changes = compare("t", before, after, partial=False)
    assert changes.newly_failing == ["a.a.a"]
    assert changes.newly_passing == ["b.b.b"]
    assert changes.stale == ["d.d.d"]
    assert changes.new == ["e.e.e"]
    assert changes.removed == ["c.c.c"]
    assert compare("t", before, after, partial=True).removed == []


def test_one_failing_case_makes_a_requirement_newly_failing() -> None:
    before = [record(chop="whole"), record(chop="bytes")]
    after = [record(chop="whole"), record(verdict=Verdict.FAIL, chop="bytes")]

    assert compare("t", before, after, partial=False).newly_failing == ["a.b.c"]


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([], outcome.NOTHING_RAN),
        ([Verdict.PASS, Verdict.LENIENT, Verdict.UNSUPPORTED, Verdict.EXPECTED_FAILURE], outcome.AS_EXPECTED),
        ([Verdict.PASS, Verdict.STALE], outcome.STALE),
        ([Verdict.STALE, Verdict.MISSING], outcome.UNEXPECTED),
        ([Verdict.NOT_TESTABLE], outcome.UNEXPECTED),
        ([Verdict.FAIL, Verdict.HARNESS_ERROR], outcome.HARNESS),
    ],
)
def test_exit_codes(verdicts: list[Verdict], code: int) -> None:
    assert outcome.exit_code(record(verdict=verdict) for verdict in verdicts) == code


def expecting(**expected: Expectation) -> Target:
    return Target("t", package="t", expected={"a.b.c": expected["known"]})


def test_a_known_failure_is_expected_and_carries_its_reason() -> None:
    known = Expectation("documented so", "6.6.1", ("status 200",))
    judged = plugin._against_expectation(expecting(known=known), record(verdict=Verdict.FAIL, signature="status 200"))

    assert (judged.verdict, judged.why) == (Verdict.EXPECTED_FAILURE, "documented so")


def test_failing_for_another_reason_than_the_known_one_is_a_failure() -> None:
    known = Expectation("documented so", "6.6.1", ("status 200",))
    judged = plugin._against_expectation(expecting(known=known), record(verdict=Verdict.FAIL, signature="status 500"))

    assert judged.verdict is Verdict.FAIL
    assert "expected to fail otherwise: status 200" in judged.message


def test_a_known_failure_that_passes_is_stale() -> None:
    judged = plugin._against_expectation(expecting(known=Expectation("why", "6.6.1")), record())

    assert judged.verdict is Verdict.STALE


def test_an_expectation_may_end_with_the_release_that_mended_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Later releases are held to the requirement, and what is blessed on them keeps the entry for earlier ones."""
    monkeypatch.setattr("conformance.blessing.TARGETS", tmp_path)
    (tmp_path / "t.toml").write_text('import = "pytest"\n')
    for before, applies in (("1.0", False), ("9999", True)):
        (tmp_path / "t.expected.toml").write_text(f'["a.b.c"]\nwhy = "old"\nbefore = "{before}"\n')
        target = targets.load(str(tmp_path / "t.toml"))
        assert ("a.b.c" in target.expected, "a.b.c" in target.expected_of_others) == (applies, not applies)

        write_expectations(target, [record(verdict=Verdict.FAIL)] if applies else [], "new")
        assert f'before = "{before}"' in (tmp_path / "t.expected.toml").read_text()


def test_what_bless_writes_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.blessing.TARGETS", tmp_path)
    failing = [
        record(verdict=Verdict.FAIL, signature='came "x"\\', chop="bytes"),
        record(verdict=Verdict.FAIL, signature="other", chop="whole"),
        record("d.e.f", Verdict.MISSING, signature="no name"),
        record("g.h.i"),
    ]
    write_expectations(Target("t", package="t"), failing, "a reason")

    found = targets._expectations(tmp_path / "t.expected.toml")
    assert set(found) == {"a.b.c", "d.e.f"}
    assert found["a.b.c"].signatures == ('came "x"\\', "other")
    assert found["a.b.c"].why == "a reason"


def test_bless_keeps_what_was_not_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.blessing.TARGETS", tmp_path)
    expected = {"a.b.c": Expectation("passes now", "1"), "d.e.f": Expectation("another chapter", "1")}
    write_expectations(Target("t", package="t", expected=expected), [record()], "new")

    assert set(targets._expectations(tmp_path / "t.expected.toml")) == {"d.e.f"}


def test_a_target_file_with_an_unknown_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.toml"
    path.write_text('import = "x"\nimprot = "y"\n')

    with pytest.raises(TargetError, match="unknown keys improt"):
        targets.load(str(path))


def test_a_target_that_the_machine_lacks_says_what_to_install() -> None:
    program = Target("x", program="no-such-program", install="apt-get install x")
    assert program.absent() == "no-such-program is not installed; apt-get install x"
    assert program.version() == ""
    package = Target("x", npm="no-such-package", install="npm install no-such-package")
    assert package.absent() == "the npm package no-such-package is not installed; npm install no-such-package"
    assert Target("x", package="no_such_package", install="pip install x").absent().startswith("no_such_package is not")
    assert (
        Target("x", distribution="no-such", install="pip install x").absent()
        == "no-such is not installed; pip install x"
    )
    assert Target("x", package="json", install="pip install x").absent() == ""


def test_a_package_that_a_user_names_is_looked_for_by_its_child_alone() -> None:
    assert targets.from_import("no_such_package").absent() == ""


def test_a_run_of_nothing_but_absent_targets_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    target = Target("x", program="no-such-program", install="apt-get install x", command=("no-such-program",))
    assert jobs.judge([target], runner.Options()) == outcome.NOTHING_RAN
    assert "x is not judged: no-such-program is not installed; apt-get install x" in capsys.readouterr().out


def test_every_target_that_ships_is_understood_and_can_be_installed() -> None:
    for name in targets.names():
        target = targets.load(name)
        assert target.install or target.package == "waterspout", f"{name} does not say how to install it"


def test_a_target_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(TargetError, match=r"choose one of .*tornado"):
        targets.load("nonsense")


@pytest.mark.parametrize(
    "entry",
    [
        'statements = ["RFC9112-3.2-4"]\nreason = "dull"\nwhy = "x"',
        'statements = ["RFC9112-3.2-4"]\nreason = "implied"\nwhy = ""',
        'statements = ["RFC1-*"]\nreason = "implied"\nwhy = "x"',
    ],
)
def test_an_exclusion_names_statements_a_known_reason_and_a_why(
    entry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coverage, "SPEC", tmp_path)
    (tmp_path / "excluded.toml").write_text("[[exclude]]\n" + entry)
    coverage.exclusions.cache_clear()
    try:
        with pytest.raises(HarnessError, match=r"excluded\.toml"):
            coverage.exclusions()
    finally:
        coverage.exclusions.cache_clear()


def test_coverage_counts_only_what_was_judged() -> None:
    cited = {id for entry in catalogue.entries() for id in entry.requirement.statements if id.startswith("RFC9112")}

    nothing = next(share for share in coverage.coverage([]) if share.source == "RFC 9112")
    everything = next(
        share for share in coverage.coverage(entry.id for entry in catalogue.entries()) if share.source == "RFC 9112"
    )
    assert nothing.checked == ()
    assert set(everything.checked) <= cited
    assert everything.total == nothing.total


def test_the_name_of_a_case_is_split_into_parameters_and_chop() -> None:
    assert runner._split_case_name("spec/x.py::test_a[rsv=1-chop=bytes]") == ("rsv=1", "bytes")
    assert runner._split_case_name("spec/x.py::test_a[chop=whole]") == ("", "whole")
    assert runner._split_case_name("spec/x.py::test_a") == ("", "")


def test_the_book_keeps_its_own_rules() -> None:
    assert lint.problems() == []


def test_every_chapter_has_its_prose_and_its_requirements() -> None:
    for chapter in catalogue.chapters():
        assert chapter.entries, chapter.name
        assert len(chapter.prose) > 200, chapter.name


def test_the_large_subjects_are_treated_at_length() -> None:
    """Whoever cuts a chapter in two must not lose what was in it."""
    sizes = {chapter.name: len(chapter.entries) for chapter in catalogue.chapters()}
    for name in ("core.coroutines", "core.queues", "web.handlers", "web.redirects", "web.error_pages"):
        assert sizes[name] >= 15, name
    for part in ("http.", "websocket."):
        assert sum(size for name, size in sizes.items() if name.startswith(part)) >= 100, part
