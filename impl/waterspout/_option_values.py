"""How the text of an option becomes a value: the types that options may have, and their spellings.

A leaf of ``options``. Every parser raises :exc:`ValueError` for text it does not understand.
"""

from __future__ import annotations

import datetime
import numbers
import re
from collections.abc import Callable, Iterator
from typing import Any

_DATE_FORMATS = (
    "%a %b %d %H:%M:%S %Y",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M",
    "%Y%m%d %H:%M:%S",
    "%Y%m%d %H:%M",
    "%Y-%m-%d",
    "%Y%m%d",
    # A time alone is on strptime's day zero, 1900-01-01.
    "%H:%M:%S",
    "%H:%M",
)

_UNITS = {
    "w": "weeks",
    "d": "days",
    "h": "hours",
    "m": "minutes",
    "min": "minutes",
    "s": "seconds",
    "sec": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
}
_UNITS |= {name.removesuffix("s"): name for name in _UNITS.values()} | {name: name for name in _UNITS.values()}

_SPAN = re.compile(r"\s*([-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)\s*([a-z]*)\s*")


def parse_datetime(text: str) -> datetime.datetime:
    """Read a date, a time, or both."""
    for date_format in _DATE_FORMATS:
        try:
            return datetime.datetime.strptime(text, date_format)
        except ValueError:
            continue
    raise ValueError(f"not a date or time: {text!r}; write it like 2025-01-31 23:59:59, or a part of that")


def parse_timedelta(text: str) -> datetime.timedelta:
    """Read a sum of spans such as ``1h 30m``; a number without a unit counts seconds."""
    total = datetime.timedelta()
    position = 0
    while position < len(text):
        match = _SPAN.match(text, position)
        unit = _UNITS.get(match.group(2) or "s") if match else None
        if match is None or unit is None:
            raise ValueError(f"not a time span: {text!r}; write it like 1h 30m, with units from us to w")
        try:
            total += datetime.timedelta(**{unit: float(match.group(1))})
        except OverflowError:
            raise ValueError(f"too long a time span: {text!r}") from None
        position = match.end()
    return total


def parse_bool(text: str) -> bool:
    """Read a switch: off for false, f and 0, in any case, else on."""
    return text.lower() not in ("false", "f", "0")


_PARSERS: dict[type, Callable[[str], Any]] = {
    datetime.datetime: parse_datetime,
    datetime.timedelta: parse_timedelta,
    bool: parse_bool,
}


def parser_for(type_: type) -> Callable[[str], Any]:
    """Return the function that reads values of a type: the type itself, unless it needs better."""
    return _PARSERS.get(type_, type_)


def parse_list(type_: type, text: str) -> list[Any]:
    """Read values separated by commas; of integers also ranges ``first:last``, with both ends."""
    parse = parser_for(type_)
    if issubclass(type_, numbers.Integral):
        return [number for part in text.split(",") for number in _range(part, parse)]
    return [parse(part) for part in text.split(",")]


def _range(text: str, parse: Callable[[str], int]) -> Iterator[int]:
    first, _, last = text.partition(":")
    lowest = parse(first)
    yield from range(lowest, (parse(last) if last else lowest) + 1)
