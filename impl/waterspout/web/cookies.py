"""Making ``Set-Cookie`` fields (RFC 6265, section 4.1).

Every part is checked before it goes into a field: a line end or a semicolon in a value would let whoever
supplied it add attributes, cookies or header fields.
"""

from __future__ import annotations

import datetime
import re
import time
from http.cookies import CookieError, Morsel, SimpleCookie
from typing import Any

from waterspout.escape import to_unicode
from waterspout.httputil import format_timestamp

Expires = float | tuple[int, ...] | time.struct_time | datetime.datetime

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# RFC 6265, section 4.1.1: path-value and extension-av are any characters except controls and semicolons.
_ATTRIBUTE = re.compile(r"[ -:<-~]*")
_UNSAFE_VALUE = re.compile(r"[\x00-\x20]")

_DAY = datetime.timedelta(days=1)


class CookieJar:
    """The cookies of one response, by name; setting a name again replaces what was set before."""

    __slots__ = ("_cookies",)

    def __init__(self) -> None:
        self._cookies: dict[str, Morsel[str]] = {}

    def set(self, name: str, value: str | bytes, attributes: dict[str, Any]) -> None:
        """Keep one cookie.  ``attributes`` are those of `http.cookies.Morsel`; None and False leave one out.

        Raises `http.cookies.CookieError` for a bad name or attribute, `ValueError` for a bad value.
        """
        text = to_unicode(value)
        if not _TOKEN.fullmatch(name):
            raise CookieError(f"the name of a cookie has letters, digits and !#$%&'*+-.^_`|~ only: {name!r}")
        if _UNSAFE_VALUE.search(text):
            raise ValueError(f"the value of cookie {name!r} has blanks or control characters; encode it: {text!r}")
        jar: SimpleCookie = SimpleCookie()
        jar[name] = text
        morsel = jar[name]
        for attribute, setting in attributes.items():
            if setting is None or setting is False:
                continue
            if not _ATTRIBUTE.fullmatch(str(setting)):
                raise CookieError(f"attribute {attribute} of cookie {name!r} has a character not allowed: {setting!r}")
            morsel[attribute] = setting
        self._cookies[name] = morsel

    def fields(self) -> list[str]:
        """Return the values of the ``Set-Cookie`` fields."""
        return [morsel.OutputString() for morsel in self._cookies.values()]


def expiry(expires: Expires | None, expires_days: float | None) -> str | None:
    """Return the ``Expires`` attribute for a point in time or, if none is given, for days from now."""
    if expires is not None:
        return format_timestamp(expires)
    if expires_days is not None:
        return format_timestamp(datetime.datetime.now(datetime.timezone.utc) + expires_days * _DAY)
    return None
