"""Reading the ``Cookie`` field as browsers write it.

RFC 6265, section 5.4 tells what clients send: pairs ``name=value`` joined by ``; ``.  The grammar for servers
(section 4.1.1) is narrower than what arrives, so the reader refuses nothing: it splits at semicolons and
keeps what it finds.
"""

from __future__ import annotations

import re

_ESCAPED = re.compile(r"\\(?:([0-3][0-7][0-7])|(.))", re.DOTALL)


def parse_cookie(cookie: str) -> dict[str, str]:
    """Return the names and values of a ``Cookie`` field; of a repeated name the last value.

    A part without ``=`` is a value with an empty name.  A value in double quotes loses them, and its
    backslash escapes are resolved.  Documentation: ``httputil.parse_cookie``.
    """
    cookies: dict[str, str] = {}
    for part in cookie.split(";"):
        name, equals, value = part.partition("=")
        if not equals:
            name, value = "", name
        name, value = name.strip(), value.strip()
        if name or value:
            cookies[name] = _unquote(value)
    return cookies


def _unquote(value: str) -> str:
    if len(value) < 2 or not (value[0] == value[-1] == '"'):
        return value
    value = value[1:-1]
    return _ESCAPED.sub(_resolve, value) if "\\" in value else value


def _resolve(match: re.Match[str]) -> str:
    octal, character = match.groups()
    return chr(int(octal, 8)) if octal else str(character)
