"""The Python inside templates: parsed piece by piece, so that none of it can reach beyond its directive."""

from __future__ import annotations

import ast

from waterspout._template.errors import ParseError

# What a parser of Python raises: deep nesting exhausts it in two ways, NUL characters are a ValueError of old.
_ERRORS = (SyntaxError, ValueError, MemoryError, RecursionError)

# None that changes the flow, but for the directives that do just that.
_STATEMENTS: dict[str, tuple[type[ast.stmt], ...]] = {
    "set": (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Delete, ast.Assert, ast.Raise, ast.Pass),
    "import": (ast.Import,),
    "from": (ast.ImportFrom,),
    "break": (ast.Break,),
    "continue": (ast.Continue,),
}
_YIELDS = (ast.Yield, ast.YieldFrom, ast.Await)

_SHOWN = 80


def cut(source: str) -> str:
    """Return how a source is shown in a message."""
    return repr(source if len(source) <= _SHOWN else source[:_SHOWN] + "...")


class Place:
    """Where in a template a piece of Python stands, for its errors."""

    def __init__(self, name: str, line: int) -> None:
        self.name = name
        self.line = line

    def error(self, message: str) -> ParseError:
        """Return the error to raise."""
        return ParseError(message, self.name, self.line)

    def _parse(self, source: str, shown: str) -> ast.Module:
        try:
            tree = ast.parse(source)
        except _ERRORS as error:
            reason = error.msg if isinstance(error, SyntaxError) else "too deeply nested, or not text"
            raise self.error(f"not valid Python: {cut(shown)} ({reason})") from error
        # Most sources need no look at every node.
        if ("yield" in source or "await" in source) and any(isinstance(node, _YIELDS) for node in ast.walk(tree)):
            raise self.error(f"templates are no coroutines; neither yield nor await works in {cut(shown)}")
        return tree

    def expression(self, source: str, directive: str = "") -> ast.expr:
        """Return one expression."""
        if not source:
            raise self.error(f"{directive} needs an expression")
        body = self._parse(source, source).body
        if len(body) == 1 and isinstance(body[0], ast.Expr) and not isinstance(body[0].value, ast.Starred):
            return body[0].value
        raise self.error(f"not an expression: {cut(source)}")

    def statements(self, keyword: str, source: str) -> list[ast.stmt]:
        """Return the statements of a directive: such as fit its ``keyword``."""
        body = self._parse(source, source).body
        if not body or not all(isinstance(one, _STATEMENTS[keyword]) for one in body):
            raise self.error(f"not what {keyword} takes: {cut(source)}")
        return body

    def clause(self, keyword: str, source: str) -> ast.stmt:
        """Return a statement whose only body, ``pass``, the header ``keyword source`` leads."""
        header = f"{'if' if keyword == 'elif' else keyword} {source}".rstrip()
        try_clause = keyword == "except"
        text = f"try:\n pass\n{header}:\n pass" if try_clause else f"{header}:\n pass"
        body = self._parse(text, header).body
        if len(body) == 1 and _only_header(body[0], try_clause):
            return body[0]
        raise self.error(f"not the beginning of one {keyword}: {cut(header)}")


def _only_header(node: ast.stmt, try_clause: bool) -> bool:
    if try_clause:
        return (
            isinstance(node, ast.Try)
            and len(node.handlers) == 1
            and not node.orelse
            and not node.finalbody
            and _only_pass(node.handlers[0].body)
        )
    if isinstance(node, (ast.If, ast.For, ast.While)):
        return not node.orelse and _only_pass(node.body)
    return False


def _only_pass(body: list[ast.stmt]) -> bool:
    return len(body) == 1 and isinstance(body[0], ast.Pass)
