"""The kinds of reads, one class each: when a read has what it wants, and what that is.

Nothing here moves bytes.  A stream appends what comes to a buffer, asks the pending read whether it is satisfied, and
if so lets it take its result.  The cost of asking is linear in the bytes that came, however small their pieces are:
a read remembers how far it has searched.
"""

from __future__ import annotations

import re
import types
from typing import Any

from waterspout._stream_buffer import ReadBuffer
from waterspout._stream_errors import UnsatisfiableReadError
from waterspout.concurrent import Future


class Read:
    """A read that waits for bytes; ``future`` is where its result goes."""

    __slots__ = ("future",)

    #: Whether the end of the stream is what the read waits for.
    until_end = False

    future: Future[Any]

    def satisfied(self, buffer: ReadBuffer, pausing: bool = False) -> bool:
        """Return whether the read has what it wants.

        ``pausing`` says that nothing more will come for a while, so that a search may not be put off.
        Raises `UnsatisfiableReadError` when it never will have it.
        """
        raise NotImplementedError

    def result(self, buffer: ReadBuffer) -> bytes | int:
        """Take from the buffer what the satisfied read wants, and return what its caller is to get."""
        raise NotImplementedError

    def room(self) -> memoryview | None:
        """Return the memory that the next bytes belong in; None means the buffer."""
        return None

    def received(self, size: int) -> None:
        """Note that bytes were put into :meth:`room`."""


class ReadExactly(Read):
    """``read_bytes``: a number of bytes."""

    __slots__ = ("_size",)

    def __init__(self, size: int) -> None:
        self._size = size

    def satisfied(self, buffer: ReadBuffer, pausing: bool = False) -> bool:
        """Return whether there are enough bytes."""
        return len(buffer) >= self._size

    def result(self, buffer: ReadBuffer) -> bytes:
        """Take that number of bytes."""
        return buffer.take(self._size)


class ReadSome(Read):
    """``read_bytes(partial=True)``: whatever is there, up to a number of bytes."""

    __slots__ = ("_size",)

    def __init__(self, size: int) -> None:
        self._size = size

    def satisfied(self, buffer: ReadBuffer, pausing: bool = False) -> bool:
        """Return whether there is anything."""
        return len(buffer) > 0 or self._size == 0

    def result(self, buffer: ReadBuffer) -> bytes:
        """Take all there is, up to that number."""
        return buffer.take(min(self._size, len(buffer)))


class ReadInto(Read):
    """``read_into``: bytes go straight into the caller's memory."""

    __slots__ = ("_filled", "_partial", "_view")

    def __init__(self, view: memoryview, partial: bool) -> None:
        self._view = view
        self._partial = partial
        self._filled = 0

    def satisfied(self, buffer: ReadBuffer, pausing: bool = False) -> bool:
        """Return whether the memory is full, or not empty if that is enough."""
        self._filled += buffer.take_into(self._view[self._filled :])
        return self._filled == len(self._view) or (self._partial and self._filled > 0)

    def result(self, buffer: ReadBuffer) -> int:
        """Return how many bytes there are in the memory."""
        return self._filled

    def room(self) -> memoryview:
        """Return the part of the memory that is not filled."""
        return self._view[self._filled :]

    def received(self, size: int) -> None:
        """Note that more of the memory is filled."""
        self._filled += size


class ReadUntilClose(Read):
    """``read_until_close``: everything up to the end."""

    __slots__ = ()

    until_end = True

    def satisfied(self, buffer: ReadBuffer, pausing: bool = False) -> bool:
        """Return False: only the end satisfies this read."""
        return False

    def result(self, buffer: ReadBuffer) -> bytes:
        """Take everything."""
        return buffer.take(len(buffer))


class _Search(Read):
    """A read that ends where something is found, within the first ``max_bytes`` bytes if that is a number."""

    __slots__ = ("_end", "_max_bytes", "_what")

    def __init__(self, what: str, max_bytes: int | None) -> None:
        self._what = what
        self._max_bytes = max_bytes
        self._end = 0

    def result(self, buffer: ReadBuffer) -> bytes:
        """Take everything up to the end of what was found."""
        return buffer.take(self._end)

    def _judge(self, end: int | None, buffer: ReadBuffer) -> bool:
        reached = len(buffer) if end is None else end
        if self._max_bytes is not None and reached > self._max_bytes:
            raise UnsatisfiableReadError(f"{self._what} did not end within {self._max_bytes} bytes")
        self._end = reached
        return end is not None


class ReadUntil(_Search):
    """``read_until``: everything up to a delimiter, and that too."""

    __slots__ = ("_delimiter", "_searched")

    def __init__(self, delimiter: bytes, max_bytes: int | None) -> None:
        super().__init__(f"what the delimiter {delimiter!r} ends", max_bytes)
        self._delimiter = delimiter
        self._searched = 0

    def satisfied(self, buffer: ReadBuffer, pausing: bool = False) -> bool:
        """Return whether the delimiter is there."""
        found = buffer.data.find(self._delimiter, self._searched)
        if found >= 0:
            return self._judge(found + len(self._delimiter), buffer)
        # All of the delimiter but its last byte may be there already.
        self._searched = max(0, len(buffer) - len(self._delimiter) + 1)
        return self._judge(None, buffer)


class ReadUntilRegex(_Search):
    """``read_until_regex``: everything up to the end of the first match.

    An expression whose matches have a greatest length is searched for where a match may still begin.  Any other is
    searched for in everything again, at a pause of the peer or when there is twice as much as the last time.
    """

    __slots__ = ("_again", "_pattern", "_reach", "_searched")

    def __init__(self, pattern: re.Pattern[bytes], max_bytes: int | None) -> None:
        super().__init__(f"what matches {pattern.pattern!r}", max_bytes)
        self._pattern = pattern
        self._reach = reach(pattern)
        self._searched = 0
        self._again = 0

    def satisfied(self, buffer: ReadBuffer, pausing: bool = False) -> bool:
        """Return whether the expression matches."""
        size = len(buffer)
        if size < self._again and not pausing:
            return False
        match = self._pattern.search(buffer.data, self._searched)
        if match is not None:
            return self._judge(match.end(), buffer)
        if self._reach is not None:
            self._searched = max(0, size - self._reach + 1)
        else:
            self._again = 2 * size
        return self._judge(None, buffer)


#: Parts of an expression whose meaning depends on more than the bytes they match.
_LOOKING_AROUND = frozenset({"ASSERT", "ASSERT_NOT", "AT"})


def reach(pattern: re.Pattern[bytes]) -> int | None:
    """Return how many bytes decide whether a match begins at a place; None when that is not bounded."""
    parser: Any = getattr(re, "_parser", None)
    if parser is None:
        # Python 3.10.
        import sre_parse as parser
    constants: types.ModuleType = parser
    try:
        tree = parser.parse(pattern.pattern, pattern.flags)
    except (re.error, RecursionError):
        return None
    widest = tree.getwidth()[1]
    if widest >= min(getattr(constants, "MAXREPEAT", 1 << 31), 1 << 20) or _looks_around(tree):
        return None
    return int(widest)


def _looks_around(tree: Any) -> bool:
    """Return whether any part of a parsed expression is about what stands before or behind it."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (list, tuple)) or hasattr(node, "data"):
            waiting += list(getattr(node, "data", node))
        elif str(node) in _LOOKING_AROUND:
            return True
    return False
