"""What became of the source documents: examples that exist, tests that drive them, a state for every statement."""

from __future__ import annotations

import ast

import pytest

from conformance import catalogue, coverage, fates
from conformance.examples import examples
from conformance.selftest.started import EXAMPLES, ROOT


def test_every_example_is_there_and_has_its_test() -> None:
    tests: dict[str, set[str]] = {}
    for path in (ROOT / "conformance" / "selftest").glob("test_*.py"):
        functions = [one for one in ast.parse(path.read_text()).body if isinstance(one, ast.FunctionDef)]
        tests[path.stem] = {one.name for one in functions}
    for one in examples():
        assert all((EXAMPLES / name).is_file() for name in one.programs), one
        assert one.tests
        for name in one.tests:
            module, _, function = name.partition(".")
            assert function in tests[module], name


def test_every_program_that_can_be_started_is_in_the_list() -> None:
    known = {name for one in examples() for name in one.programs}
    programs = [path for path in EXAMPLES.rglob("*.py") if "__main__" in path.read_text()]
    assert {path.relative_to(EXAMPLES).as_posix() for path in programs} <= known


def test_examples_show_statements_that_a_source_has() -> None:
    shown = [id for one in examples() for id in one.seeds]
    assert set(shown) <= coverage.statements().keys()
    # What an example shows is not excluded as impossible to show.
    assert not set(shown) & coverage.exclusions().keys()


def test_every_seed_statement_has_one_state(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = [id for id in coverage.statements() if id.startswith("SEED-")]
    judged = [entry.id for entry in catalogue.entries()]
    found = {fate.statement.id: fate for fate in fates.fates(judged)}
    assert list(found) == seeds
    assert {fate.state for fate in found.values()} <= fates.STATES.keys()
    assert (found["SEED-001"].state, found["SEED-207"].examples[0].title) == ("context", "Hello, world")
    assert found["SEED-207"].requirements
    # Without a run there are the examples alone.
    nothing = {fate.statement.id: fate.state for fate in fates.fates([])}
    assert (nothing["SEED-207"], nothing["SEED-251"], nothing["SEED-051"]) == ("shown", "shown", "excluded")
    assert "open" in nothing.values()
