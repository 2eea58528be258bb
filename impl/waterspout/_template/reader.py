"""Cuts the source of a template into text, expressions and directives, in one pass."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from waterspout._template.errors import ParseError

Kind = Literal["text", "expression", "directive"]

# Of more than two braces in a row the last two open an expression, so that "{{{x}}}" puts braces around x.
_OPEN = re.compile(r"\{(?:\{(?!\{)|[%#])")

_CLOSE = {"{{": "}}", "{%": "%}", "{#": "#}"}
_NAMES = {"{{": "expression", "{%": "directive", "{#": "comment"}


@dataclass(frozen=True)
class Token:
    """A piece of a template: its text, or what stands between the delimiters, and the line it begins in."""

    kind: Kind
    value: str
    line: int


def tokens(source: str, name: str) -> Iterator[Token]:
    """Yield the tokens of ``source``.

    Comments are left out.  Raises `ParseError`, with ``name``, for a delimiter without its end, and for an
    expression or directive without content.
    """
    position = 0
    line = 1
    while opening := _OPEN.search(source, position):
        start, after = opening.span()
        if start > position:
            yield Token("text", source[position:start], line)
            line += source.count("\n", position, start)
        delimiter = opening.group()
        if source.startswith("!", after):
            yield Token("text", delimiter, line)
            position = after + 1
            continue
        close = _CLOSE[delimiter]
        end = source.find(close, after)
        if end < 0:
            raise ParseError(f"this {_NAMES[delimiter]} has no {close}", name, line)
        if delimiter != "{#":
            yield _token("expression" if delimiter == "{{" else "directive", source[after:end].strip(), name, line)
        position = end + 2
        line += source.count("\n", start, position)
    if position < len(source):
        yield Token("text", source[position:], line)


def _token(kind: Kind, content: str, name: str, line: int) -> Token:
    if not content:
        raise ParseError(f"this {kind} is empty", name, line)
    return Token(kind, content, line)
