"""What a template consists of, once it is parsed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(eq=False)
class Node:
    """A part of a template, and the line it begins in."""

    line: int


@dataclass(eq=False)
class Text(Node):
    """Text to be sent as it is."""

    value: bytes


@dataclass(eq=False)
class Expression(Node):
    """A value to be printed: escaped, unless ``raw``."""

    source: str
    raw: bool


@dataclass(eq=False)
class Statements(Node):
    """Python statements: of the directives ``set``, ``import``, ``from``, ``break`` and ``continue``."""

    keyword: str
    source: str


@dataclass(eq=False)
class Clause(Node):
    """The beginning of a control structure, or its ``else`` and the like, and what belongs to it."""

    keyword: str
    source: str
    body: list[Node] = field(default_factory=list)


@dataclass(eq=False)
class Control(Node):
    """An ``if``, ``for``, ``while`` or ``try`` with all its clauses."""

    clauses: list[Clause]


@dataclass(eq=False)
class Apply(Node):
    """A part whose output passes through a function."""

    source: str
    body: list[Node] = field(default_factory=list)


@dataclass(eq=False)
class Block(Node):
    """A part that templates which extend this one may replace."""

    name: str
    template: str
    body: list[Node] = field(default_factory=list)


@dataclass(eq=False)
class Include(Node):
    """Another template, in this place."""

    name: str


@dataclass(eq=False)
class File:
    """A whole template: ``escape`` names the function that its expressions pass, if any."""

    name: str
    escape: str | None
    body: list[Node] = field(default_factory=list)
    extends: Include | None = None


def parts(node: Node) -> Iterator[list[Node]]:
    """Yield the lists of nodes inside ``node``, in order."""
    if isinstance(node, Control):
        for clause in node.clauses:
            yield clause.body
    elif isinstance(node, (Apply, Block)):
        yield node.body
