"""Compares an answer with what a step expects of it, and shows both in few words."""

from __future__ import annotations

import re
import time
from collections.abc import Collection
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from types import EllipsisType
from typing import Any, Union

from conformance.wire.answers import Answer

JSONValue = Union[None, bool, int, str, "list[JSONValue]", "dict[str, JSONValue]"]
#: Bytes of a message that a failure shows.
SHOWN = 160


@dataclass(frozen=True)
class Maybe:
    """Stands for a field's value: absent, or equal to ``value``."""

    value: str


@dataclass(frozen=True)
class Now:
    """Stands for a date in a field: at most ``within`` seconds away from the suite's own clock."""

    within: int = 10


@dataclass(frozen=True)
class Expected:
    """What an answer must be; see :meth:`conformance.wire.http.Wire.expect` for the fields."""

    status: frozenset[int]
    header: dict[str, Any]
    body: bytes | re.Pattern[bytes] | EllipsisType | None = None
    content: bytes | None = None
    reason: str | None = None
    version: str | None = None
    framing: str | Collection[str] | None = None
    interim: Collection[int] | None = None
    wellformed: bool = False
    tidy: bool = False
    close: bool | None = None
    also: frozenset[int] = frozenset()

    def faults(self, answer: Answer) -> list[str]:
        """Return in what ``answer`` differs; the first one names the first thing a reader would look at."""
        if not self.allows(answer.status):
            return [f"expected status {self._statuses()}, but {answer.status} came"]
        faults = [fault for name, value in self.header.items() if (fault := _header_fault(answer, name, value))]
        faults += self._body_faults(answer)
        for name in ("reason", "version"):
            wanted, actual = getattr(self, name), getattr(answer, name)
            if wanted is not None and wanted != actual:
                faults.append(f"expected {name} {shown(wanted)}, but {shown(actual)} came")
        framings = {self.framing} if isinstance(self.framing, str) else set(self.framing or ())
        if framings and answer.framing not in framings:
            faults.append(f"expected a body with framing {either(sorted(framings))}, but it was {answer.framing}")
        came = [interim.status for interim in answer.interim]
        if self.interim is not None and came != list(self.interim):
            faults.append(f"expected interim answers {list(self.interim)}, but {came} came")
        if self.close is False and answer.closes:
            faults.append("the answer announces the end of the connection")
        faults += [f"the answer's head has a faulty {fault}" for fault in answer.faults() if self.wellformed]
        return faults + [f"the answer's head is untidy: {fault}" for fault in answer.untidy() if self.tidy]

    def _body_faults(self, answer: Answer) -> list[str]:
        wanted, actual = self.body, answer.body
        if wanted is ...:
            return [] if actual else ["expected a body, but it is empty"]
        if isinstance(wanted, re.Pattern):
            matches = wanted.fullmatch(actual) is not None
            return [] if matches else [f"expected a body like {shown(wanted.pattern)}, but {shown(actual)} came"]
        if wanted is not None and wanted != actual:
            return [f"expected body {shown(wanted)}, but {shown(actual)} came"]
        if self.content is None:
            return []
        try:
            content = answer.content
        except ValueError as error:
            return [f"expected content {shown(self.content)}, but {error}"]
        return [] if content == self.content else [f"expected content {shown(self.content)}, but {shown(content)} came"]

    def allows(self, status: int) -> bool:
        """Return whether the status is one of those expected."""
        return status in self.status or status in self.also

    def text(self) -> str:
        """Return the expectation in a few words."""
        parts = [f"status {self._statuses()}"]
        parts += [f"{name}: {'present' if value is ... else value!r}" for name, value in self.header.items()]
        given = ("body", "content", "reason", "version", "framing", "interim")
        parts += [f"{name} {shown(getattr(self, name))}" for name in given if getattr(self, name) is not None]
        return ", ".join(parts) + (", then the end of the connection" if self.close else "")

    def _statuses(self) -> str:
        return either(sorted(self.status), sorted(self.also))


def expectation(status: int | Collection[int], *, also: Collection[int] = (), **rest: Any) -> Expected:
    """Return an expectation of one status or one of several; the other arguments are fields of Expected."""
    statuses = frozenset({status} if isinstance(status, int) else status)
    return Expected(statuses, dict(rest.pop("header", {})), also=frozenset(also), **rest)


def _header_fault(answer: Answer, name: str, wanted: Any) -> str:
    values = answer.values(name)
    if isinstance(wanted, Maybe):
        return _header_fault(answer, name, wanted.value) if values else ""
    if wanted is None:
        return f"expected no {name}, but it is {', '.join(values)!r}" if values else ""
    if not values:
        return f"expected {name}, but there is none"
    value = ", ".join(values)
    if isinstance(wanted, (set, frozenset)):
        members = {member.lower() if name.lower() == "connection" else member for member in answer.members(name)}
        missing = sorted(wanted - members)
        return f"expected {name} to list {', '.join(missing)}, but it is {value!r}" if missing else ""
    if isinstance(wanted, Now):
        return "" if _is_now(value, wanted.within) else f"expected {name} to be about now, but it is {value!r}"
    if isinstance(wanted, re.Pattern):
        return "" if wanted.fullmatch(value) else f"expected {name} to match {wanted.pattern}, but it is {value!r}"
    return "" if wanted is ... or wanted == value else f"expected {name} {wanted!r}, but it is {value!r}"


def _is_now(date: str, within: int) -> bool:
    try:
        return abs(parsedate_to_datetime(date).timestamp() - time.time()) <= within
    except ValueError:
        return False


def either(values: Collection[Any], more: Collection[Any] = ()) -> str:
    """Return the alternatives as "400 or 431"."""
    return " or ".join(str(value) for value in [*values, *more])


def agrees(actual: Any, wanted: Any) -> bool:
    """Return whether what the target parsed is what is wanted; in mappings an expression may stand for a value."""
    if isinstance(wanted, dict):
        return all(agrees(actual[name], value) for name, value in wanted.items())
    if isinstance(wanted, re.Pattern):
        return isinstance(actual, str) and wanted.fullmatch(actual) is not None
    return bool(actual == wanted)


def shown(value: Any) -> str:
    """Return ``value`` for a failure's text; long ones are cut in the middle."""
    text = repr(value)
    return text if len(text) <= SHOWN + 40 else f"{text[:SHOWN]} ... {text[-30:]}"


def spoken(value: Any) -> JSONValue:
    """Return ``value`` as JSON.

    Bytes are latin-1 text, sets and ranges lists; what stands for several values is an object with one member that
    says how: ``{"regex": pattern}``, ``{"present": true}``, ``{"absent-or": value}``, ``{"now-within": seconds}``.
    """
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, re.Pattern):
        return {"regex": spoken(value.pattern)}
    if isinstance(value, EllipsisType):
        return {"present": True}
    if isinstance(value, Maybe):
        return {"absent-or": value.value}
    if isinstance(value, Now):
        return {"now-within": value.within}
    if isinstance(value, dict):
        return {str(name): spoken(one) for name, one in value.items()}
    if isinstance(value, (set, frozenset)):
        return [spoken(one) for one in sorted(value)]
    if isinstance(value, (list, tuple, range)):
        return [spoken(one) for one in value]
    return value  # type: ignore[no-any-return]
