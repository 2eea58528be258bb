"""Dates in words: which phrase fits a time, and what stands in it.  The phrases are translated afterwards."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR

# From here on the next larger unit is said, and from the last the year.
_SECONDS_BEFORE = 50
_MINUTES_BEFORE = 50 * _MINUTE
_WEEKDAYS_BEFORE = 5
_MONTHS_BEFORE = 334


@dataclass(frozen=True)
class Phrase:
    """A message to translate, with its plural if it counts something, and the values that go into it."""

    message: str
    plural: str | None = None
    count: int | None = None
    unit: str = ""

    def values(self) -> dict[str, Any]:
        """Return the count under the name of its unit."""
        return {self.unit: self.count} if self.unit else {}


def in_utc(date: datetime.datetime | float) -> datetime.datetime:
    """Return a time in UTC, from one without a zone, which is taken to be there, or a number of seconds."""
    if isinstance(date, (int, float)):
        return datetime.datetime.fromtimestamp(date, datetime.timezone.utc)
    if date.tzinfo is None:
        return date.replace(tzinfo=datetime.timezone.utc)
    return date.astimezone(datetime.timezone.utc)


def elapsed(seconds: int) -> Phrase:
    """Return how long ago something is that is less than a day ago."""
    if seconds < _SECONDS_BEFORE:
        return Phrase("1 second ago", "%(seconds)d seconds ago", seconds, "seconds")
    if seconds < _MINUTES_BEFORE:
        return Phrase("1 minute ago", "%(minutes)d minutes ago", round(seconds / _MINUTE), "minutes")
    return Phrase("1 hour ago", "%(hours)d hours ago", round(seconds / _HOUR), "hours")


def calendar(then: datetime.datetime, now: datetime.datetime, relative: bool, shorter: bool) -> str:
    """Return the phrase that says when something was, in as few words as are clear; both times are local."""
    days = (now - then).days
    if days < 0:
        return with_year(shorter)
    if days == 0:
        return "%(time)s"
    if relative and (now.date() - then.date()).days == 1:
        return "yesterday" if shorter else "yesterday at %(time)s"
    if days < _WEEKDAYS_BEFORE:
        return "%(weekday)s" if shorter else "%(weekday)s at %(time)s"
    if days < _MONTHS_BEFORE:
        return "%(month_name)s %(day)s" if shorter else "%(month_name)s %(day)s at %(time)s"
    return with_year(shorter)


def with_year(shorter: bool) -> str:
    """Return the phrase that leaves nothing out, but for the time of day if ``shorter``."""
    return "%(month_name)s %(day)s, %(year)s" if shorter else "%(month_name)s %(day)s, %(year)s at %(time)s"
