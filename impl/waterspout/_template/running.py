"""What the code of templates calls, and the names that every template knows."""

from __future__ import annotations

import datetime
import html
from collections.abc import Callable
from typing import Any

from waterspout import escape


def _octets(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8")
    if isinstance(value, bytes):
        return value
    raise TypeError(f"a function that templates apply must return str or bytes, not {type(value).__name__}")


def _text(value: Any) -> bytes:
    """Return what is printed of a value: text and bytes as they are, of all else what ``str`` makes of it."""
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else str(value)).encode("utf-8")


def _escaped(function: Callable[[bytes], str | bytes], value: Any) -> bytes:
    if function is escape.xhtml_escape:
        # The usual one, without the way through bytes that others are called by.
        text = value.decode("utf-8") if isinstance(value, bytes) else str(value)
        return html.escape(text).encode("utf-8")
    return _octets(function(_text(value)))


#: What templates may name without being given it.
NAMES: dict[str, Any] = {
    "escape": escape.xhtml_escape,
    "xhtml_escape": escape.xhtml_escape,
    "url_escape": escape.url_escape,
    "json_encode": escape.json_encode,
    "squeeze": escape.squeeze,
    "linkify": escape.linkify,
    "datetime": datetime,
    "_tt_utf8": escape.utf8,
    "_tt_string_types": (str, bytes),
    "_tt_octets": _octets,
    "_tt_text": _text,
    "_tt_escaped": _escaped,
}


class Listing:
    """Gives tracebacks the lines to show, in the place of a module's loader (PEP 302)."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def get_source(self, name: str) -> str:
        """Return the lines."""
        return "\n".join(self._lines) + "\n"
