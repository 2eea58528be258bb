"""A deadline that may be moved often and seldom passes.

Moving it stores a number; the one timer behind it is only touched when it would fire too late.  If it fires
too early, it is set again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

NEVER = float("inf")


def _nothing() -> None:
    pass


class Deadline:
    """Calls ``expired()`` when the time set last has passed, unless it was cleared or moved by then.

    ``at`` is a time of `time.monotonic`, which is what loops go by; setting it to `NEVER` clears it.
    """

    __slots__ = ("_expired", "_loop", "_timer", "_timer_at", "at")

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[], None]) -> None:
        self._loop = loop
        self._expired: Callable[[], None] = expired
        self.at = NEVER
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = NEVER

    def set(self, seconds: float) -> None:
        """Move the deadline to ``seconds`` from now."""
        self.at = at = time.monotonic() + seconds
        if at < self._timer_at:
            self._start_timer(at, seconds)

    def cancel(self) -> None:
        """Have no deadline any more, and stop the timer."""
        self.at = NEVER
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._expired = _nothing

    def _start_timer(self, at: float, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._loop.call_at(self._loop.time() + seconds, self._fire)

    def _fire(self) -> None:
        self._timer = None
        self._timer_at = NEVER
        if self.at == NEVER:
            return
        # The loop rounds timers to its clock's resolution, so one may fire a little before its time.
        left = self.at - time.monotonic()
        if left > 1e-3:
            self._start_timer(self.at, left)
            return
        self.at = NEVER
        self._expired()
