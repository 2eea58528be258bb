"""Dates as HTTP writes them: always GMT, always the fixed-length form (RFC 9110, section 5.6.7)."""

from __future__ import annotations

import calendar
import datetime
import email.utils
import re

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = f"(?P<month>{'|'.join(_MONTHS)})"
_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_WEEKDAY = "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)"
_TIME = "(?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2})"
_FIFTY_YEARS = 50 * 365.25 * 86400
# RFC 9110, section 5.6.7: the format to send, and the two obsolete ones that are still read.
_FORMATS = (
    re.compile(rf"{_DAY}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT"),
    re.compile(rf"{_WEEKDAY}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} GMT"),
    re.compile(rf"{_DAY} {_MONTH} (?P<day>[0-9 ][0-9]) {_TIME} (?P<year>[0-9]{{4}})"),
)


def format_timestamp(ts: int | float | tuple[int, ...] | datetime.datetime) -> str:
    """Return ``ts`` as ``Sun, 27 Jan 2013 18:43:20 GMT``.

    Takes seconds since 1970 (fractions are cut), a time tuple in UTC, or a `datetime.datetime` (naive ones
    count as UTC).  Raises `TypeError` for anything else.  Documentation: ``httputil.format_timestamp``.
    """
    if isinstance(ts, datetime.datetime):
        seconds: float = calendar.timegm(ts.utctimetuple())
    elif isinstance(ts, tuple):
        seconds = calendar.timegm(ts)
    elif isinstance(ts, (int, float)):
        seconds = ts
    else:
        raise TypeError(f"a timestamp is a number, a time tuple or a datetime.datetime, not {ts!r}")
    return email.utils.formatdate(seconds, usegmt=True)


def parse_http_date(text: str, now: float) -> int | None:
    """Return the seconds since 1970 that an HTTP-date stands for, or None if ``text`` is none.

    All three formats are read (RFC 9110, section 5.6.7). A year of two digits belongs to the century of ``now``, or to
    the one before, if that would be more than 50 years ahead.
    """
    match = next((found for one in _FORMATS if (found := one.fullmatch(text))), None)
    if match is None:
        return None
    year = int(match["year"])
    if len(match["year"]) == 4:
        return _seconds(match, year)
    this_year = datetime.datetime.fromtimestamp(now, datetime.timezone.utc).year
    year += this_year - this_year % 100
    seconds = _seconds(match, year)
    return _seconds(match, year - 100) if seconds is None or seconds > now + _FIFTY_YEARS else seconds


def _seconds(match: re.Match[str], year: int) -> int | None:
    hour, minute, second = map(int, match["time"].split(":"))
    # A leap second reads as the one before it, for want of a better one.
    second = 59 if second == 60 else second
    try:
        moment = datetime.datetime(
            year,
            _MONTHS.index(match["month"]) + 1,
            int(match["day"]),
            hour,
            minute,
            second,
            tzinfo=datetime.timezone.utc,
        )
    except ValueError:
        return None
    return int(moment.timestamp())
