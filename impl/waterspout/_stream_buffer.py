"""Bytes on their way through a stream: those that came and were not asked for yet, those that cannot go out yet."""

from __future__ import annotations

from collections import deque

#: Writes up to this size are joined with their neighbours; larger ones are kept as they are, uncopied.
_JOINED = 2048
#: ... up to this size.
_LONGEST = 16 * _JOINED


class ReadBuffer:
    """Bytes that came, in order, until somebody takes them."""

    __slots__ = ("data",)

    def __init__(self) -> None:
        self.data = bytearray()

    def __len__(self) -> int:
        return len(self.data)

    def append(self, data: memoryview) -> None:
        """Add bytes at the end."""
        self.data += data

    def take(self, size: int) -> bytes:
        """Remove the first ``size`` bytes and return them."""
        if size == len(self.data):
            taken = bytes(self.data)
            self.data.clear()
            return taken
        with memoryview(self.data) as view:
            taken = bytes(view[:size])
        # Costs nothing for each byte that stays: a bytearray moves its beginning.
        del self.data[:size]
        return taken

    def take_into(self, target: memoryview) -> int:
        """Move bytes into ``target``, as many as there are and fit, and return how many."""
        size = min(len(target), len(self.data))
        if size:
            target[:size] = self.take(size)
        return size


class WriteBuffer:
    """Bytes that wait to go out.

    What :meth:`front` returns stays the same, or grows at its end, until :meth:`advance` is called: TLS asks that a
    write that could not be done is repeated with the same bytes.
    """

    __slots__ = ("_chunks", "_sent", "_size")

    def __init__(self) -> None:
        self._chunks: deque[bytes | bytearray | memoryview] = deque()
        #: How much of the first chunk is gone already.
        self._sent = 0
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def append(self, data: bytes | memoryview) -> None:
        """Add bytes at the end; nobody may change them afterwards."""
        size = len(data)
        if not size:
            return
        self._size += size
        if size > _JOINED:
            self._chunks.append(data)
            return
        last = self._chunks[-1] if self._chunks else None
        if isinstance(last, bytearray) and len(last) < _LONGEST:
            last += data
        else:
            self._chunks.append(bytearray(data))

    def front(self, limit: int) -> memoryview:
        """Return a view of the next bytes, at most ``limit``; release it before anything else is done here."""
        return memoryview(self._chunks[0])[self._sent : self._sent + limit]

    def advance(self, size: int) -> None:
        """Forget ``size`` bytes of what :meth:`front` returned."""
        self._size -= size
        self._sent += size
        if self._sent == len(self._chunks[0]):
            self._chunks.popleft()
            self._sent = 0

    def clear(self) -> None:
        """Forget everything."""
        self._chunks.clear()
        self._sent = self._size = 0
