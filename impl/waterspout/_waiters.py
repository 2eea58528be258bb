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
    """A wait in a line: a future that may have ``brought`` something along."""

    # Made by Line.enter alone. No __init__, and defaults on the class: every wait pays for each step of both.
    brought: Any = None
    line: Line
    give_back: Callable[[Any], None] | None = None
    timer: asyncio.TimerHandle | None = None

    def cancel(self, msg: Any = None) -> bool:
        """Leave the line. Returns whether there was something to cancel."""
        cancelled = super().cancel(msg)
        if cancelled:
            self.line.leave(self)
        return cancelled

    def __await__(self) -> Generator[Any, None, Any]:
        plain = super().__await__()
        return plain if self.give_back is None else self._receive(plain)

    # What ``yield from`` uses.
    __iter__ = __await__

    def _receive(self, plain: Generator[Any, None, Any]) -> Generator[Any, None, Any]:
        try:
            return (yield from plain)
        except asyncio.CancelledError:
            give_back, self.give_back = self.give_back, None
            # Unless the wait itself was cancelled, or ended by its deadline.
            if give_back is not None and self.done() and not self.cancelled() and self.exception() is None:
                give_back(self.result())
            raise


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
        loop = running_loop() or current_loop()
        waiter = Waiter(loop=loop)
        waiter.line = self
        waiter.brought = brought
        waiter.give_back = give_back
        if timeout is not None:
            waiter.timer = loop.call_later(seconds_until(timeout), self._expire, waiter, expire)
        self[waiter] = None
        return waiter

    def serve(self) -> Waiter | None:
        """Take the first in line, who is still waiting, out of it, and return it; None when nobody waits."""
        while self:
            waiter, _ = self.popitem(last=False)
            if waiter.timer is not None:
                waiter.timer.cancel()
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
        if waiter.timer is not None:
            waiter.timer.cancel()
            waiter.timer = None

    def _expire(self, waiter: Waiter, expire: Callable[[Waiter], None] | None) -> None:
        self.leave(waiter)
        if waiter.done():
            return
        if expire is None:
            waiter.set_exception(TimeoutError("the deadline of the wait passed"))
        else:
            expire(waiter)


def served(result: Any = None) -> Future[Any]:
    """Return the future of who need not wait."""
    future = create_future()
    future.set_result(result)
    return future
