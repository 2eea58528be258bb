"""Puts the tokens of a template together to a tree of nodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from waterspout._template import whitespace
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
)
from waterspout._template.python import Place, cut
from waterspout._template.reader import Token, tokens

#: How deep directives may stand in each other: Python has its own, lower limit for loops.
MAX_DEPTH = 60

# The clauses that may follow each clause of a control structure.
_FOLLOWERS = {
    "if": {"if": ("elif", "else"), "elif": ("elif", "else"), "else": ()},
    "for": {"for": ("else",), "else": ()},
    "while": {"while": ("else",), "else": ()},
    "try": {
        "try": ("except", "finally"),
        "except": ("except", "else", "finally"),
        "else": ("finally",),
        "finally": (),
    },
}
_CLAUSES = {clause for followers in _FOLLOWERS.values() for clause in followers} - _FOLLOWERS.keys()
_WITHOUT_HEADER = ("try", "else", "finally")


@dataclass
class _Open:
    """A directive that waits for its ``end``."""

    keyword: str
    node: Control | Apply | Block
    body: list[Node]
    in_loop: bool


class _Parser:
    def __init__(self, file: File, mode: str) -> None:
        self._file = file
        self._mode = mode
        self._open: list[_Open] = []

    def parse(self, source: str) -> None:
        for token in tokens(source, self._file.name):
            if token.kind == "text":
                self._add(Text(token.line, self._condensed(token.value).encode("utf-8")))
            elif token.kind == "expression":
                self._print(token, token.value, False)
            else:
                self._directive(token)
        if self._open:
            opened = self._open[-1]
            raise ParseError(f"{opened.keyword} has no {{% end %}}", self._file.name, opened.node.line)

    def _condensed(self, text: str) -> str:
        # White space matters in preformatted text.
        return text if "<pre>" in text else whitespace.filter_whitespace(self._mode, text)

    def _place(self, token: Token) -> Place:
        return Place(self._file.name, token.line)

    def _add(self, node: Node) -> None:
        (self._open[-1].body if self._open else self._file.body).append(node)

    def _print(self, token: Token, source: str, raw: bool, prefix: str = "") -> None:
        source = prefix + source if source else ""
        self._place(token).expression(source, token.value)
        self._add(Expression(token.line, source, raw))

    # Directives

    def _directive(self, token: Token) -> None:
        words = token.value.split(None, 1)
        keyword, rest = words[0], words[1] if len(words) > 1 else ""
        if keyword in _FOLLOWERS:
            self._control(token, keyword, rest)
        elif keyword in _CLAUSES:
            self._clause(token, keyword, rest)
        elif keyword in _DIRECTIVES:
            _DIRECTIVES[keyword](self, token, rest)
        elif keyword != "comment":
            raise self._place(token).error(f"there is no directive {cut(keyword)}")

    def _push(self, token: Token, keyword: str, node: Control | Apply | Block, body: list[Node]) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise self._place(token).error(f"directives are nested deeper than {MAX_DEPTH}")
        around = bool(self._open) and self._open[-1].in_loop
        in_loop = keyword in ("for", "while") or (around and keyword != "apply")
        self._add(node)
        self._open.append(_Open(keyword, node, body, in_loop))

    def _header(self, token: Token, keyword: str, rest: str) -> Clause:
        place = self._place(token)
        if keyword not in _WITHOUT_HEADER:
            place.clause(keyword, rest)
        elif rest:
            raise place.error(f"{keyword} takes nothing, but {cut(rest)} is there")
        return Clause(token.line, keyword, rest)

    def _control(self, token: Token, keyword: str, rest: str) -> None:
        clause = self._header(token, keyword, rest)
        self._push(token, keyword, Control(token.line, [clause]), clause.body)

    def _clause(self, token: Token, keyword: str, rest: str) -> None:
        opened = self._open[-1] if self._open else None
        if opened is None or not isinstance(opened.node, Control):
            raise self._place(token).error(f"{keyword} has nothing to belong to")
        last = opened.node.clauses[-1]
        follows = keyword in _FOLLOWERS[opened.keyword][last.keyword]
        # Nothing is left for whatever comes after a bare except to catch.
        if not follows or (keyword == last.keyword == "except" and not last.source):
            raise self._place(token).error(f"{keyword} cannot follow {last.keyword}")
        clause = self._header(token, keyword, rest)
        opened.node.clauses.append(clause)
        opened.body = clause.body

    def _end(self, token: Token, rest: str) -> None:
        if not self._open:
            raise self._place(token).error("there is nothing for this {% end %} to end")
        opened = self._open.pop()
        if opened.keyword == "try" and isinstance(opened.node, Control) and len(opened.node.clauses) == 1:
            raise ParseError("try needs an except or a finally", self._file.name, opened.node.line)

    def _apply(self, token: Token, rest: str) -> None:
        self._place(token).expression(rest, "apply")
        node = Apply(token.line, rest)
        self._push(token, "apply", node, node.body)

    def _block(self, token: Token, rest: str) -> None:
        node = Block(token.line, self._argument(token, "block", rest), self._file.name)
        self._push(token, "block", node, node.body)

    def _argument(self, token: Token, keyword: str, rest: str) -> str:
        text = rest.strip("\"'")
        if not text:
            raise self._place(token).error(f"{keyword} needs a name")
        return text

    def _extends(self, token: Token, rest: str) -> None:
        if self._open:
            raise self._place(token).error(f"extends cannot stand inside {self._open[-1].keyword}")
        if self._file.extends is not None:
            raise self._place(token).error("a template extends one other at most")
        self._file.extends = Include(token.line, self._argument(token, "extends", rest))

    def _include(self, token: Token, rest: str) -> None:
        self._add(Include(token.line, self._argument(token, "include", rest)))

    def _set(self, token: Token, rest: str) -> None:
        self._statement(token, "set", rest)

    def _import(self, token: Token, rest: str) -> None:
        self._statement(token, token.value.split(None, 1)[0], token.value)

    def _statement(self, token: Token, keyword: str, source: str) -> None:
        self._place(token).statements(keyword, source)
        self._add(Statements(token.line, keyword, source))

    def _leave(self, token: Token, rest: str) -> None:
        if not self._open or not self._open[-1].in_loop:
            raise self._place(token).error(f"{cut(token.value)} is in no loop")
        self._statement(token, token.value.split(None, 1)[0], token.value)

    def _raw(self, token: Token, rest: str) -> None:
        self._print(token, rest, True)

    def _module(self, token: Token, rest: str) -> None:
        self._print(token, rest, True, prefix="_tt_modules.")

    def _autoescape(self, token: Token, rest: str) -> None:
        self._file.escape = rest if rest not in ("", "None") else None
        if self._file.escape is not None:
            self._place(token).expression(rest)

    def _whitespace(self, token: Token, rest: str) -> None:
        if rest not in whitespace.MODES:
            raise self._place(token).error(f"whitespace mode {cut(rest)} is none of {', '.join(whitespace.MODES)}")
        self._mode = rest


_DIRECTIVES: dict[str, Callable[[_Parser, Token, str], None]] = {
    "apply": _Parser._apply,
    "autoescape": _Parser._autoescape,
    "block": _Parser._block,
    "break": _Parser._leave,
    "continue": _Parser._leave,
    "end": _Parser._end,
    "extends": _Parser._extends,
    "from": _Parser._import,
    "import": _Parser._import,
    "include": _Parser._include,
    "module": _Parser._module,
    "raw": _Parser._raw,
    "set": _Parser._set,
    "whitespace": _Parser._whitespace,
}


def parse(source: str, name: str, mode: str, escape: str | None) -> File:
    """Return the tree of a template.

    ``mode`` is the white space mode to begin with, ``escape`` the function that expressions pass unless the
    template names another.  Raises `ParseError`.
    """
    file = File(name, escape)
    _Parser(file, mode).parse(source)
    return file
