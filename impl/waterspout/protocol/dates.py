"""Dates as HTTP writes them: always GMT, always the fixed-length form (RFC 9110, section 5.6.7)."""

from __future__ import annotations

import calendar
import datetime
import email.utils


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
