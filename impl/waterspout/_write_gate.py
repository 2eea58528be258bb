"""Back-pressure on writing: futures that are done while there is room, and pending while there is none.

Nearly always there is room, and nearly nobody waits; so one completed future is shared by everybody on a
loop.
"""

from __future__ import annotations

import asyncio
import weakref

_done_futures: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Future[None]] = weakref.WeakKeyDictionary()


def done_future(loop: asyncio.AbstractEventLoop) -> asyncio.Future[None]:
    """Return the completed future of ``loop``, always the same one."""
    future = _done_futures.get(loop)
    if future is None:
        future = loop.create_future()
        future.set_result(None)
        _done_futures[loop] = future
    return future


class WriteGate:
    """Open while the transport takes more; ``future`` is what a write returns now."""

    __slots__ = ("_loop", "_waiters", "done", "is_open")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.done = done_future(loop)
        self._waiters: list[asyncio.Future[None]] = []
        self.is_open = True

    @property
    def future(self) -> asyncio.Future[None]:
        """A future for one caller alone, so that cancelling it leaves the others waiting."""
        if self.is_open:
            return self.done
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiters.append(waiter)
        return waiter

    def close(self) -> None:
        """Let the writers wait."""
        self.is_open = False

    def open(self) -> None:
        """Let the writers go on."""
        self.is_open = True
        for waiter in self._take():
            waiter.set_result(None)

    def fail(self, error: BaseException) -> None:
        """Tell the writers that nothing more can be written."""
        for waiter in self._take():
            waiter.set_exception(error)
            waiter.exception()

    def _take(self) -> list[asyncio.Future[None]]:
        waiters, self._waiters = self._waiters, []
        return [waiter for waiter in waiters if not waiter.done()]
