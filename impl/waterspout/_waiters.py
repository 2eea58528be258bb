"""Coroutines that wait in line: what the locks and the queues have in common.

Who waits is served in order of arrival. A wait that is cancelled, or given up at its deadline, leaves the
line at once and leaves nothing behind: neither a place in the line nor a timer.

Between the moment when a wait is served and the turn of the loop in which its coroutine goes on, that
coroutine may be cancelled. What it was served with, an item or a permit, would then be lost; the owner of the
line gets it back instead, and can serve the next in line.
"""

from __future__ import annotations

import asyncio
import collections
import datetime
from collections.abc import Callable, Generator
from typing import Any

from waterspout._eventloop import create_future, current_loop, running_loop, seconds_until
from waterspout.concurrent import Future
from waterspout.util import TimeoutError

Timeout = float | datetime.timedelta | None


class Waiter(asyncio.Future[Any]):
    """A wait in a line: a future that may have brought something along."""

    def __init__(self, line: Line, brought: Any, give_back: Callable[[Any], None] | None) -> None:
        super().__init__(loop=running_loop() or current_loop())
        self.brought = brought
        self._line = line
        self._give_back = give_back
        self._timer: asyncio.TimerHandle | None = None

    def cancel(self, msg: Any = None) -> bool:
        """Leave the line. Returns whether there was something to cancel."""
        cancelled = super().cancel(msg)
        if cancelled:
            self._line.leave(self)
        return cancelled

    def __await__(self) -> Generator[Any, None, Any]:
        try:
            return (yield from super().__await__())
        except asyncio.CancelledError:
            self._return_what_was_served()
            raise

    # What generators without asyncio's knowledge of futures use.
    __iter__ = __await__

    def _return_what_was_served(self) -> None:
        """Called when not the wait was cancelled but the coroutine, after the wait was served."""
        give_back, self._give_back = self._give_back, None
        if give_back is not None and self.done() and not self.cancelled() and self.exception() is None:
            give_back(self.result())


class Line(collections.OrderedDict[Waiter, None]):
    """Those who wait, in order of arrival.

    Ordered, to serve the first in constant time, and keyed, to let one in the middle leave in constant time.
    """

    def enter(
        self,
        timeout: Timeout = None,
        *,
        brought: Any = None,
        give_back: Callable[[Any], None] | None = None,
        expire: Callable[[Waiter], None] | None = None,
    ) -> Waiter:
        """Return a new wait at the end of the line.

        When its time is over, ``expire`` ends it, by default with a :exc:`TimeoutError`. ``give_back`` is
        called with its result if nobody can receive that any more.
        """
        waiter = Waiter(self, brought, give_back)
        if timeout is not None:
            end = raise_timeout if expire is None else expire
            waiter._timer = current_loop().call_later(seconds_until(timeout), self._expire, waiter, end)
        self[waiter] = None
        return waiter

    def serve(self) -> Waiter | None:
        """Take the first in line, who is still waiting, out of it, and return it; None when nobody waits."""
        while self:
            waiter, _ = self.popitem(last=False)
            _stop_timer(waiter)
            # Whoever holds a future may have set it.
            if not waiter.done():
                return waiter
        return None

    def serve_all(self, result: Any = None) -> None:
        """End the waits of everybody in line, in order, with the same result."""
        while waiter := self.serve():
            waiter.set_result(result)

    def leave(self, waiter: Waiter) -> None:
        """Take somebody out of the line who waits no longer."""
        self.pop(waiter, None)
        _stop_timer(waiter)

    def _expire(self, waiter: Waiter, end: Callable[[Waiter], None]) -> None:
        self.leave(waiter)
        if not waiter.done():
            end(waiter)


def _stop_timer(waiter: Waiter) -> None:
    timer, waiter._timer = waiter._timer, None
    if timer is not None:
        timer.cancel()


def raise_timeout(waiter: Waiter) -> None:
    """End a wait with a :exc:`TimeoutError`."""
    waiter.set_exception(TimeoutError("the deadline of the wait passed"))


def served(result: Any = None) -> Future[Any]:
    """Return the future of who need not wait."""
    future = create_future()
    future.set_result(result)
    return future
