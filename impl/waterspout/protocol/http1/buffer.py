"""Received octets that no reader has taken yet.

Most reads of a socket are taken whole: then the ``bytes`` object that came in is kept as it is, and slices of
it go out. Only when a read ends within an element is a ``bytearray`` made, whose growth is amortised; so any
chopping costs linear time.
"""

from __future__ import annotations


class ReceiveBuffer:
    """``data[pos:]`` is what remains. Readers look at ``data`` and move ``pos``; only `feed` replaces
    ``data``.
    """

    __slots__ = ("data", "pos")

    def __init__(self) -> None:
        self.data: bytes | bytearray = b""
        self.pos = 0

    def __len__(self) -> int:
        return len(self.data) - self.pos

    def feed(self, more: bytes) -> None:
        """Append what was received."""
        data = self.data
        if self.pos == len(data):
            self.data = more
            self.pos = 0
        elif isinstance(data, bytearray):
            # Only when half is spent, so that each octet is moved a bounded number of times.
            if self.pos > len(data) // 2:
                del data[: self.pos]
                self.pos = 0
            data += more
        else:
            grown = bytearray(memoryview(data)[self.pos :])
            grown += more
            self.data = grown
            self.pos = 0

    def take(self, size: int) -> bytes:
        """Remove and return up to ``size`` octets."""
        start = self.pos
        self.pos = min(start + size, len(self.data))
        # A slice of all of a bytes object is that object, and so is bytes() of it: whole reads are not
        # copied.
        return bytes(self.data[start : self.pos])

    def rest(self) -> bytes:
        """Return what remains, leaving it in place."""
        return bytes(self.data[self.pos :])

    def clear(self) -> None:
        """Forget what remains."""
        self.data = b""
        self.pos = 0
