"""Arguments of query, body and path as text.

Values come from the client as bytes; `decode` makes text of them, and a request whose bytes are not UTF-8 is
answered with 400.  Form values are cleaned: control characters, which no form field produces, become spaces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from waterspout import httputil
from waterspout.web.errors import HTTPError, MissingArgumentError

# Tab and the line ends are part of text areas, so they stay.
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0e-\x1f]")

Decode = Callable[[bytes, str | None], str]


class Required:
    """Stands for the default value that was not given: the argument must be there."""

    def __repr__(self) -> str:
        return "<required>"


REQUIRED = Required()


def decode(value: bytes, name: str | None) -> str:
    """Return ``value`` as text; raises `HTTPError` 400 if it is not UTF-8.  ``name`` is for the log."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise HTTPError(400, "the value of %s is not UTF-8: %r", name or "the path", value[:40]) from None


def texts(source: dict[str, list[bytes]], name: str, strip: bool, decode: Decode) -> list[str]:
    """Return every value of ``name`` in ``source`` as clean text, without surrounding blanks if ``strip``."""
    if not isinstance(strip, bool):
        raise TypeError(f"strip is a bool, not {strip!r}; a default belongs to the methods for one argument")
    values = []
    for raw in source.get(name, ()):
        value = decode(raw, name)
        if not isinstance(value, str):
            raise TypeError(f"decode_argument returns str, not {type(value).__name__}")
        value = _CONTROL_CHARACTERS.sub(" ", value)
        values.append(value.strip() if strip else value)
    return values


def last_text(values: list[str], name: str, default: str | Required | None) -> str | None:
    """Return the last value, or ``default``; raises `MissingArgumentError` if there is neither."""
    if values:
        return values[-1]
    if isinstance(default, Required):
        raise MissingArgumentError(name)
    return default


def path_values(values: Iterable[bytes | None], decode: Decode) -> list[str | None]:
    """Return the groups of a path as text; a group that took no part in the match stays None."""
    return [None if value is None else decode(value, None) for value in values]


def check_input(request: httputil.HTTPServerRequest) -> None:
    """Parse query and form body now; raises `HTTPError` 400 if one is malformed or beyond its bounds.

    Both are lazy, but a broken form is the client's fault wherever it is first noticed.
    """
    try:
        if request.query:
            _ = request.query_arguments
        if request.body:
            request.parse_body()
    except httputil.HTTPInputError as error:
        raise HTTPError(400, "%s", error) from error
