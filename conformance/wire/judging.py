"""Compares an answer with what a step expects of it, and shows both in few words."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from types import EllipsisType
from typing import Any, Union

from conformance.wire.answers import Answer

JSONValue = Union[None, bool, int, str, "list[JSONValue]", "dict[str, JSONValue]"]
#: Bytes of a message that a failure shows.
SHOWN = 160


@dataclass(frozen=True)
class Expected:
    """What an answer must be; see :meth:`conformance.wire.http.Wire.expect` for the fields."""

    status: frozenset[int]
    header: dict[str, Any]
    body: bytes | EllipsisType | None = None
    reason: str | None = None
    version: str | None = None
    framing: str | Collection[str] | None = None
    interim: Collection[int] | None = None
    wellformed: bool = False
    close: bool | None = None
    also: frozenset[int] = frozenset()

    def faults(self, answer: Answer) -> list[str]:
        """Return in what ``answer`` differs; the first one names the first thing a reader would look at."""
        if answer.status not in self.status | self.also:
            return [f"expected status {self._statuses()}, but {answer.status} came"]
        faults = [fault for name, value in self.header.items() if (fault := _header_fault(answer, name, value))]
        for name in ("body", "reason", "version"):
            wanted, actual = getattr(self, name), getattr(answer, name)
            if wanted is ... and not actual:
                faults.append(f"expected a {name}, but it is empty")
            elif wanted is not None and wanted is not ... and wanted != actual:
                faults.append(f"expected {name} {shown(wanted)}, but {shown(actual)} came")
        framings = {self.framing} if isinstance(self.framing, str) else set(self.framing or ())
        if framings and answer.framing not in framings:
            faults.append(f"expected a body with framing {either(sorted(framings))}, but it was {answer.framing}")
        came = [interim.status for interim in answer.interim]
        if self.interim is not None and came != list(self.interim):
            faults.append(f"expected interim answers {list(self.interim)}, but {came} came")
        if self.close is False and answer.closes:
            faults.append("the answer announces the end of the connection")
        return faults + [f"the answer's head has a faulty {fault}" for fault in answer.faults() if self.wellformed]

    def text(self) -> str:
        """Return the expectation in a few words."""
        parts = [f"status {self._statuses()}"]
        parts += [f"{name}: {'present' if value is ... else value!r}" for name, value in self.header.items()]
        given = ("body", "reason", "version", "framing", "interim")
        parts += [f"{name} {getattr(self, name)!r}" for name in given if getattr(self, name) is not None]
        return ", ".join(parts) + (", then the end of the connection" if self.close else "")

    def _statuses(self) -> str:
        return either(sorted(self.status), sorted(self.also))

    def as_data(self) -> JSONValue:
        """Return the expectation as JSON."""
        return spoken(
            {name: value for name, value in vars(self).items() if value not in (None, {}, False, frozenset())}
        )


def _header_fault(answer: Answer, name: str, wanted: Any) -> str:
    values = answer.values(name)
    if wanted is None:
        return f"expected no {name}, but it is {', '.join(values)!r}" if values else ""
    if not values:
        return f"expected {name}, but there is none"
    value = ", ".join(values)
    if isinstance(wanted, (set, frozenset)):
        members = {member.lower() if name.lower() == "connection" else member for member in answer.members(name)}
        missing = sorted(wanted - members)
        return f"expected {name} to list {', '.join(missing)}, but it is {value!r}" if missing else ""
    if isinstance(wanted, re.Pattern):
        return "" if wanted.fullmatch(value) else f"expected {name} to match {wanted.pattern}, but it is {value!r}"
    return "" if wanted is ... or wanted == value else f"expected {name} {wanted!r}, but it is {value!r}"


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
    """Return ``value`` as JSON: bytes as latin-1 text, sets as sorted lists, expressions as their pattern."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, re.Pattern):
        return f"/{value.pattern}/"
    if isinstance(value, EllipsisType):
        return True
    if isinstance(value, dict):
        return {str(name): spoken(one) for name, one in value.items() if one is not None or name != "close"}
    if isinstance(value, (set, frozenset)):
        return [spoken(one) for one in sorted(value)]
    if isinstance(value, (list, tuple, range)):
        return [spoken(one) for one in value]
    return value  # type: ignore[no-any-return]
