"""Parts of a file: the fields ``Range`` and ``If-Range`` (RFC 9110, section 14 and 13.1.5).

One range of octets is served.  Several at once, other units, and what is no range at all make the field as if it were
not there, which the RFC allows: the whole is never wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# ranges-specifier with one int-range or suffix-range; the unit is case-insensitive.
_BYTES = re.compile(r"bytes=[ \t]*(?:([0-9]+)-([0-9]*)|-([0-9]+))[ \t]*", re.IGNORECASE | re.ASCII)
#: More digits than any file has octets; to convert them all would cost more than linear time.
_MANY_DIGITS = 18
_STRONG_TAG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]*"')


@dataclass(frozen=True)
class Part:
    """The octets from ``start`` up to, but without, ``end``."""

    start: int
    end: int

    def content_range(self, size: int) -> str:
        """Return the ``Content-Range`` for this part of ``size`` octets."""
        return f"bytes {self.start}-{self.end - 1}/{size}"


class UnsatisfiableRange(ValueError):
    """The content has none of the octets that were asked for."""


def requested_part(field: str, size: int) -> Part | None:
    """Return the part of ``size`` octets that ``Range: field`` asks for, or None if it asks for nothing we serve.

    Raises `UnsatisfiableRange`.
    """
    found = _BYTES.fullmatch(field)
    if found is None:
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        length = _number(suffix)
        if length == 0 or size == 0:
            raise UnsatisfiableRange(field[:100])
        return Part(max(0, size - length), size)
    start = _number(first)
    if last and _number(last) < start:
        return None
    if start >= size:
        raise UnsatisfiableRange(field[:100])
    return Part(start, min(size, _number(last) + 1) if last else size)


def _number(digits: str) -> int:
    digits = digits.lstrip("0")
    return int(digits[:_MANY_DIGITS] or "0") if len(digits) <= _MANY_DIGITS else 10**_MANY_DIGITS


def still_fits(field: str | None, etag: str | None, modified: str | None) -> bool:
    """Whether ``If-Range: field`` allows a part: it is missing, or names the content by strong tag or exact date."""
    if field is None:
        return True
    field = field.strip()
    if field.startswith(('"', "W/")):
        return field == etag and _STRONG_TAG.fullmatch(field) is not None
    return field == modified
