"""Turns the tree of a template, with all it extends and includes, into code.

The code is a tree of Python's own, so nothing in a template can be taken for something else.  Each statement
has a line in a listing that never was its source but reads like it, and names the template and the line that
the statement comes from; that is what tracebacks show.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import CodeType

from waterspout._template.errors import ParseError
from waterspout._template.nodes import (
    Apply,
    Block,
    Clause,
    Control,
    Expression,
    File,
    Include,
    Node,
    Statements,
    Text,
    parts,
)
from waterspout._template.python import Place

#: The function that the code defines.
FUNCTION = "_tt_execute"

#: Templates that include others twice, which include others twice, would grow beyond any machine.
MAX_INCLUDES = 10_000

_TEXT_SHOWN = 40

Find = Callable[[str, str], File]
Blocks = dict[str, tuple[Block, File]]


class Writer:
    """Writes the code of one template.

    ``find`` returns the tree of a template that another one names.
    """

    def __init__(self, file: File, find: Find) -> None:
        self._find = find
        self._file = file
        self._blocks: Blocks = {}
        #: The lines of the listing, and where each of them comes from.
        self.listing: list[str] = []
        self._origins: list[tuple[str, int]] = []
        self._via: list[str] = []
        self._depth = 0
        self._functions = 0
        self._includes = 0

    # Whole templates

    def code(self, filename: str) -> CodeType:
        """Return the code.  Raises `ParseError`."""
        try:
            tree = self._tree()
            return compile(tree, filename, "exec", dont_inherit=True)
        except SyntaxError as error:
            name, line = self._origins[(error.lineno or 1) - 1]
            raise ParseError(f"not valid Python: {error.msg}", name, line) from error
        except (MemoryError, RecursionError, ValueError) as error:
            raise ParseError("too deeply nested", self._file.name, 1) from error

    def _tree(self) -> ast.Module:
        files = self._ancestry()
        for file in reversed(files):
            self._collect(file, file.body)
        with self._inside(files[-1], None):
            return ast.Module(body=[self._function(FUNCTION, files[-1].body, 1)], type_ignores=[])

    def _ancestry(self) -> list[File]:
        files = [self._file]
        while (extends := files[-1].extends) is not None:
            files.append(self._load(extends, files[-1]))
            if any(file is files[-1] for file in files[:-1]):
                raise ParseError("a template that extends itself", files[-2].name, extends.line)
        return files

    def _load(self, node: Include, file: File) -> File:
        try:
            return self._find(node.name, file.name)
        except ParseError:
            raise
        except Exception as error:
            message = f"cannot load {node.name!r} ({type(error).__name__}: {error})"
            raise ParseError(message, file.name, node.line) from error

    def _collect(self, file: File, nodes: list[Node]) -> None:
        """Note the blocks of ``file``; of two with one name, those of its descendants and later ones stay."""
        for node in nodes:
            if isinstance(node, Include):
                included = self._included(node, file)
                self._collect(included, included.body)
                continue
            if isinstance(node, Block):
                self._blocks[node.name] = (node, file)
            for part in parts(node):
                self._collect(file, part)

    def _included(self, node: Include, file: File) -> File:
        self._includes += 1
        if self._includes > MAX_INCLUDES:
            raise ParseError(f"more than {MAX_INCLUDES} includes, counting those of the included", file.name, node.line)
        included = self._load(node, file)
        if included.extends is not None:
            message = f"{included.name} cannot be included, for it extends {included.extends.name}"
            raise ParseError(message, file.name, node.line)
        return included

    @contextmanager
    def _inside(self, file: File, line: int | None) -> Iterator[None]:
        outer = self._file
        if line is not None:
            self._via.append(f"{outer.name}:{line}")
        self._file = file
        yield
        self._file = outer
        if line is not None:
            self._via.pop()

    # The listing

    def _note(self, shown: str, line: int) -> int:
        """Add a line to the listing and return its number."""
        via = f" (via {', '.join(reversed(self._via))})" if self._via else ""
        shown = " ".join(shown.split())
        self.listing.append(f"{'    ' * self._depth}{shown}  # {self._file.name}:{line}{via}")
        self._origins.append((self._file.name, line))
        return len(self.listing)

    def _place(self, node: Node) -> Place:
        return Place(self._file.name, node.line)

    def _placed(self, statement: ast.stmt, number: int) -> ast.stmt:
        for node in ast.walk(statement):
            if "lineno" in node._attributes:
                # Columns would be those of the template, so there are none.
                node.lineno = node.end_lineno = number  # type: ignore[attr-defined]
                node.col_offset = node.end_col_offset = -1  # type: ignore[attr-defined]
        return statement

    def _line(self, shown: str, line: int, statement: ast.stmt) -> ast.stmt:
        return self._placed(statement, self._note(shown, line))

    # Nodes

    def _function(self, name: str, nodes: list[Node], line: int) -> ast.stmt:
        """Return the definition of a function that returns what ``nodes`` print."""
        number = self._note(f"def {name}():", line)
        function = ast.parse(
            f"def {name}():\n _tt_buffer = []\n _tt_append = _tt_buffer.append\n return b''.join(_tt_buffer)"
        ).body[0]
        assert isinstance(function, ast.FunctionDef)
        self._placed(function, number)
        function.body[2:2] = self._body(nodes)
        return function

    def _body(self, nodes: list[Node]) -> list[ast.stmt]:
        self._depth += 1
        statements = [statement for node in nodes for statement in self._statements(node)]
        self._depth -= 1
        return statements

    def _nonempty(self, nodes: list[Node], number: int) -> list[ast.stmt]:
        return self._body(nodes) or [self._placed(ast.Pass(), number)]

    def _statements(self, node: Node) -> Iterable[ast.stmt]:
        if isinstance(node, Text):
            return [self._line(f"text {node.value[:_TEXT_SHOWN]!r}", node.line, _append(ast.Constant(node.value)))]
        if isinstance(node, Expression):
            return [self._line(node.source, node.line, _append(self._printed(node)))]
        if isinstance(node, Statements):
            number = self._note(node.source, node.line)
            code = self._place(node).statements(node.keyword, node.source)
            return [self._placed(statement, number) for statement in code]
        if isinstance(node, Control):
            return [self._control(node.clauses)]
        if isinstance(node, Apply):
            return self._apply(node)
        if isinstance(node, Block):
            return self._block(node)
        assert isinstance(node, Include)
        return self._include(node)

    def _printed(self, node: Expression) -> ast.expr:
        code = self._place(node).expression(node.source)
        if node.raw or self._file.escape is None:
            return _call(_name("_tt_text"), code)
        function = self._file.escape
        escape = _name(function) if function.isidentifier() else ast.parse(function, mode="eval").body
        return _call(_name("_tt_escaped"), escape, code)

    def _apply(self, node: Apply) -> list[ast.stmt]:
        name = f"_tt_apply{self._functions}"
        self._functions += 1
        function = self._function(name, node.body, node.line)
        applied = self._place(node).expression(node.source)
        called = _append(_call(_name("_tt_octets"), _call(applied, _call(_name(name)))))
        return [function, self._line(f"{node.source}({name}())", node.line, called)]

    def _block(self, node: Block) -> list[ast.stmt]:
        block, file = self._blocks[node.name]
        if block is node:
            return self._flat(block.body)
        with self._inside(file, node.line):
            return self._flat(block.body)

    def _include(self, node: Include) -> list[ast.stmt]:
        included = self._included(node, self._file)
        with self._inside(included, node.line):
            return self._flat(included.body)

    def _flat(self, nodes: list[Node]) -> list[ast.stmt]:
        return [statement for node in nodes for statement in self._statements(node)]

    # Control structures

    def _control(self, clauses: list[Clause]) -> ast.stmt:
        first = clauses[0]
        number = self._note(f"{first.keyword} {first.source}".strip() + ":", first.line)
        if first.keyword == "try":
            return self._try(clauses, number)
        statement = self._place(first).clause(first.keyword, first.source)
        assert isinstance(statement, (ast.If, ast.For, ast.While))
        self._placed(statement, number)
        statement.body = self._nonempty(first.body, number)
        statement.orelse = self._otherwise(clauses[1:])
        return statement

    def _otherwise(self, clauses: list[Clause]) -> list[ast.stmt]:
        if not clauses:
            return []
        if clauses[0].keyword == "elif":
            return [self._control(clauses)]
        return self._nonempty(clauses[0].body, self._note("else:", clauses[0].line))

    def _try(self, clauses: list[Clause], number: int) -> ast.stmt:
        statement = ast.Try(body=self._nonempty(clauses[0].body, number), handlers=[], orelse=[], finalbody=[])
        statement.lineno = statement.end_lineno = number
        statement.col_offset = statement.end_col_offset = -1
        for clause in clauses[1:]:
            number = self._note(f"{clause.keyword} {clause.source}".strip() + ":", clause.line)
            if clause.keyword == "else":
                statement.orelse = self._nonempty(clause.body, number)
            elif clause.keyword == "finally":
                statement.finalbody = self._nonempty(clause.body, number)
            else:
                parsed = self._place(clause).clause(clause.keyword, clause.source)
                assert isinstance(parsed, ast.Try)
                self._placed(parsed, number)
                parsed.handlers[0].body = self._nonempty(clause.body, number)
                statement.handlers.append(parsed.handlers[0])
        return statement


def _name(name: str) -> ast.expr:
    return ast.Name(id=name, ctx=ast.Load())


def _call(function: ast.expr, *arguments: ast.expr) -> ast.expr:
    return ast.Call(func=function, args=list(arguments), keywords=[])


def _append(value: ast.expr) -> ast.stmt:
    return ast.Expr(value=_call(_name("_tt_append"), value))
