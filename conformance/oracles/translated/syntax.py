"""From the grammar of Python 2 to that of Python 3."""

from __future__ import annotations

from functools import cache
from typing import Any

#: What does not parse any more. What only means something else is left to `meaning`.
FIXERS = ("except", "exec", "ne", "numliterals", "print", "raise", "repr", "throw", "tuple_params")


@cache
def _tool() -> Any:
    from fissix.refactor import RefactoringTool

    return RefactoringTool([f"fissix.fixes.fix_{name}" for name in FIXERS])


def parseable(source: bytes, name: str) -> str:
    """Return the source of a module for Python 2, ``name`` in error messages, as one that Python 3 can parse."""
    # In latin-1 every octet of a string literal is the character with its number.
    text = source.decode("latin-1").replace("\r\n", "\n").rstrip() + "\n"
    return str(_tool().refactor_string(text, name))
