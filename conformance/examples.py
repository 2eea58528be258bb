"""Which examples show which statements of the sources, and which tests drive them: ``spec/examples.toml``."""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass

from conformance.paths import SPEC

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Example:
    """Programs that show the same thing, mostly one as it was printed and one in the modern style."""

    title: str
    #: Paths below ``examples/``.
    programs: tuple[str, ...]
    #: Functions of the suite's own tests that start and drive them, as ``module.function``.
    tests: tuple[str, ...]
    #: Statements that they show.
    seeds: tuple[str, ...]


@functools.cache
def examples() -> tuple[Example, ...]:
    """Return the examples, in the order of the file."""
    entries = tomllib.loads((SPEC / "examples.toml").read_text(encoding="utf-8"))["example"]
    return tuple(
        Example(entry["title"], tuple(entry["programs"]), tuple(entry["tests"]), tuple(entry["seeds"]))
        for entry in entries
    )


def by_statement() -> dict[str, tuple[Example, ...]]:
    """Return the examples of each statement that is shown."""
    found: dict[str, tuple[Example, ...]] = {}
    for one in examples():
        for id in one.seeds:
            found[id] = (*found.get(id, ()), one)
    return found
