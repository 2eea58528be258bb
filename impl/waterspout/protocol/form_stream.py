"""``multipart/form-data`` that comes in pieces: bytes in, events out.

The grammar is that of `waterspout.protocol.forms`; here nothing is kept but the head of a part, and what may be the
beginning of a delimiter.  Time is linear in the body, however it is cut.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from waterspout.protocol.forms import describe, parse_head
from waterspout.protocol.messages import HTTPInputError

# What may follow a boundary on its line: the sign of the last one, or transport padding (RFC 2046, section 5.1.1).
_BEHIND = re.compile(rb"(--)|[ \t]{0,1000}\r\n")
_MAYBE_BEHIND = re.compile(rb"-?|[ \t]{0,1000}\r?")


@dataclass(frozen=True)
class PartBegins:
    """A part of the form begins: its field, the name of its file or None, its media type."""

    name: str
    filename: str | None
    content_type: str


@dataclass(frozen=True)
class PartContent:
    """A piece of the content of the part that began last."""

    data: bytes


class PartEnds:
    """The part that began last is complete."""


Event = PartBegins | PartContent | PartEnds


class _Place(Enum):
    """Where in the body the next octet is."""

    PREAMBLE = auto()
    HEAD = auto()
    CONTENT = auto()
    EPILOGUE = auto()


class FormStream:
    """Reads one body.  ``complete`` tells that the last delimiter was there; what follows is ignored."""

    def __init__(self, boundary: bytes, max_part_header_size: int) -> None:
        self._delimiter = b"\r\n--" + boundary
        self._max_head = max_part_header_size
        # A delimiter begins with the end of the line before it; the first one may have none.
        self._buffer = bytearray(b"\r\n")
        self._place = _Place.PREAMBLE
        self._seen = 0

    @property
    def complete(self) -> bool:
        """Whether the whole form has been read."""
        return self._place is _Place.EPILOGUE

    def feed(self, data: bytes) -> list[Event]:
        """Return what ``data`` brings; raises `HTTPInputError` for a malformed form, or one beyond its bounds."""
        if self.complete:
            return []
        self._buffer += data
        events: list[Event] = []
        while self._read_head(events) if self._place is _Place.HEAD else self._read_content(events):
            pass
        return events

    def _read_head(self, events: list[Event]) -> bool:
        """Read the head of a part, if all of it is there."""
        buffer = self._buffer
        # The line end of the delimiter is the first half of an empty head's end.
        end = buffer.find(b"\r\n\r\n", self._seen)
        if (len(buffer) if end < 0 else end) > self._max_head + 6:
            raise HTTPInputError(f"the head of a part is larger than {self._max_head} bytes")
        if end < 0 or self._may_be_cut(end + 2):
            self._seen = max(0, len(buffer) - 3) if end < 0 else end
            return False
        events.append(PartBegins(*describe(parse_head(bytes(buffer[2:end])))))
        del buffer[: end + 4]
        self._place = _Place.CONTENT
        return True

    def _may_be_cut(self, position: int) -> bool:
        """Whether more is needed to tell if a delimiter stands in the place of the empty line; raises if it does."""
        buffer, delimiter = self._buffer, self._delimiter
        behind = position + len(delimiter)
        if not delimiter.startswith(bytes(buffer[position:behind])):
            return False
        if _BEHIND.match(buffer, behind):
            raise HTTPInputError("a part has no empty line between its head and its content")
        return _MAYBE_BEHIND.fullmatch(buffer, behind) is not None

    def _read_content(self, events: list[Event]) -> bool:
        """Read content until the next delimiter, or as far as it is certainly none."""
        buffer, delimiter = self._buffer, self._delimiter
        position = buffer.find(delimiter)
        while position >= 0:
            behind = position + len(delimiter)
            match = _BEHIND.match(buffer, behind)
            if match is not None:
                # Positions are asked for now: what the match refers to is about to change.
                last, count = match.end(1) >= 0, match.end() - position - 2
                self._take(position, events)
                self._end_part(last, count, events)
                return not last
            if _MAYBE_BEHIND.fullmatch(buffer, behind):
                break
            position = buffer.find(delimiter, position + 2)
        self._take(position if position >= 0 else self._certain(), events)
        return False

    def _certain(self) -> int:
        """Return how many octets can be no part of a delimiter."""
        buffer, delimiter = self._buffer, self._delimiter
        # No boundary has a line end in it, so only the last one can begin a delimiter that is not complete yet.
        position = buffer.rfind(b"\r", max(0, len(buffer) - len(delimiter) + 1))
        return position if position >= 0 and delimiter.startswith(bytes(buffer[position:])) else len(buffer)

    def _take(self, count: int, events: list[Event]) -> None:
        if count and self._place is _Place.CONTENT:
            events.append(PartContent(bytes(self._buffer[:count])))
        del self._buffer[:count]

    def _end_part(self, last: bool, count: int, events: list[Event]) -> None:
        if self._place is _Place.CONTENT:
            events.append(PartEnds())
        # The line end stays, as the first half of an empty head's end.
        del self._buffer[:count]
        self._seen = 0
        if last:
            self._place = _Place.EPILOGUE
            self._buffer.clear()
            return
        self._place = _Place.HEAD
