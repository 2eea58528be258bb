"""Requirements: what a chapter states, at which level, and on whose word.

A chapter is a Python module. Each requirement in it is one test function under one of three decorators:

``must``
    an RFC or the documentation states it;
``should``
    it is stated as advice, or as a default that may vary;
``compat``
    it was seen in black-box runs of the reference and users rely on it. Counted apart from the other two.

The decorator carries a stable id (``area.topic.behaviour``), one sentence in our own words, and at least one source.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

Level = Literal["must", "should", "compat"]
SourceKind = Literal["rfc", "doc", "seed", "observed"]
Case = TypeVar("Case", bound=Callable[..., Any])

#: Levels from the strongest to the weakest, in the order reports show them.
LEVELS: tuple[Level, ...] = ("must", "should", "compat")

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*){2,3}")


@dataclass(frozen=True)
class Source:
    """Where a requirement comes from: an RFC section, a documentation page, a seed statement or a transcript."""

    kind: SourceKind
    ref: str
    items: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.kind == "rfc":
            number, section = self.ref.split(" ", 1)
            return f"RFC {number}, section {section}"
        if self.kind == "doc":
            return f"documentation of {self.ref}"
        if self.kind == "seed":
            return self.ref
        return f"observed: {self.ref}"


def rfc(number: int, section: str, *items: str) -> Source:
    """Cite ``section`` of RFC ``number``; ``items`` name the sentences of ``rfc.jsonl`` that the case decides."""
    return Source("rfc", f"{number} {section}", items)


def doc(name: str) -> Source:
    """Cite the published documentation of a name, written without the package: ``web.RequestHandler.redirect``."""
    return Source("doc", name)


def seed(statement: str) -> Source:
    """Cite a statement of the source documents, ``SEED-nnn`` of ``spec/sources/seeds.jsonl``."""
    return Source("seed", statement, (statement,))


def observed(transcript: str) -> Source:
    """Cite a black-box run of the reference; ``transcript`` is a file of ``spec/transcripts`` without its ending."""
    return Source("observed", transcript)


@dataclass(frozen=True)
class Requirement:
    """One stated behaviour and where the statement comes from."""

    id: str
    sentence: str
    level: Level
    sources: tuple[Source, ...]
    needs: tuple[str, ...] = ()
    depends: tuple[str, ...] = ()
    formerly: str | None = None

    @property
    def statements(self) -> frozenset[str]:
        """Ids of the RFC sentences and seed statements that this requirement decides."""
        return frozenset(item for source in self.sources for item in source.items)


def _decorator(level: Level) -> Callable[..., Callable[[Case], Case]]:
    def declare(
        id: str,
        sentence: str,
        *sources: Source,
        needs: Iterable[str] = (),
        depends: Iterable[str] = (),
        formerly: str | None = None,
    ) -> Callable[[Case], Case]:
        if not _ID.fullmatch(id):
            raise ValueError(f"requirement id {id!r}: write area.topic.behaviour in lower case with hyphens")
        if not sources:
            raise ValueError(f"requirement {id}: name at least one source: rfc(), doc(), seed() or observed()")
        requirement = Requirement(id, sentence, level, sources, tuple(needs), tuple(depends), formerly)

        def mark(case: Case) -> Case:
            case.requirement = requirement  # type: ignore[attr-defined]
            return case

        return mark

    declare.__name__ = level
    declare.__doc__ = f"""Declare the decorated test function as a requirement of level *{level}*.

    ``needs`` names capabilities a target may declare absent (the verdict is then *unsupported*); ``depends`` names
    requirements without which this one cannot be judged (the verdict is then *blocked*); ``formerly`` is the old id
    after a rename. Raises ValueError for a malformed id or when no source is given.
    """
    return declare


must = _decorator("must")
should = _decorator("should")
compat = _decorator("compat")


def each(**dimension: Iterable[Any]) -> Callable[[Case], Case]:
    """Run the case once for each value of one named argument: ``@each(status=[301, 302])``.

    A value may be a ``(label, value)`` pair made by :func:`labelled` where its text would make a poor case name.
    """
    ((name, values),) = dimension.items()
    rows = [value if isinstance(value, Labelled) else Labelled(_label(value), value) for value in values]
    ids = [f"{name}={row.label}" for row in rows]

    def parametrize(case: Case) -> Case:
        # Programs that cases start import this package too, and have no use for pytest.
        import pytest

        marked: Case = pytest.mark.parametrize(name, [row.value for row in rows], ids=ids)(case)
        return marked

    return parametrize


@dataclass(frozen=True)
class Labelled:
    """A value with the short text that names it in a case."""

    label: str
    value: Any


def labelled(label: str, value: Any) -> Labelled:
    """Give ``value`` the name ``label`` in the case's name."""
    return Labelled(label, value)


def _label(value: Any) -> str:
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return re.sub(r"[^A-Za-z0-9_.:/+*]+", "_", text)[:40] or "empty"
