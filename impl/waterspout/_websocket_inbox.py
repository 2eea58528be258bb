"""Messages that wait for somebody to read them, for programs that ask instead of being called."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

#: What a message costs beside its content, so that many empty ones count, too.
OVERHEAD = 64


class Inbox:
    """A queue from a connection to its reader; ``read`` is told how much each message took when it is taken out."""

    __slots__ = ("_closed", "_loop", "_messages", "_on_taken", "_readers")

    def __init__(self, loop: asyncio.AbstractEventLoop, on_taken: Callable[[int], None]) -> None:
        self._loop = loop
        self._on_taken = on_taken
        self._messages: deque[str | bytes] = deque()
        self._readers: deque[asyncio.Future[str | bytes | None]] = deque()
        self._closed = False

    def put(self, message: str | bytes) -> int:
        """Give a message to who waits for it, or keep it; returns what keeping it takes, in bytes."""
        readers = self._readers
        while readers:
            reader = readers.popleft()
            if not reader.done():
                reader.set_result(message)
                return 0
        self._messages.append(message)
        return len(message) + OVERHEAD

    def get(self) -> asyncio.Future[str | bytes | None]:
        """Return a future for the next message, None when there is none any more; cancelling it loses nothing."""
        future: asyncio.Future[str | bytes | None] = self._loop.create_future()
        if self._messages:
            message = self._messages.popleft()
            future.set_result(message)
            self._on_taken(len(message) + OVERHEAD)
        elif self._closed:
            future.set_result(None)
        else:
            self._readers.append(future)
        return future

    def close(self) -> None:
        """Note that no message will come any more; those that wait can still be read."""
        self._closed = True
        while self._readers:
            reader = self._readers.popleft()
            if not reader.done():
                reader.set_result(None)
