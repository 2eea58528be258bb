"""Calls a function again and again: ``ioloop.PeriodicCallback``.

Calls are due at fixed multiples of the period after the start, so a late call does not delay all later ones.
A call never starts before the last one is done: what falls due meanwhile is left out. The schedule lives on
the loop's own monotonic clock, so setting the computer's clock does not disturb it.
"""

from __future__ import annotations

import asyncio
import datetime
import inspect
import math
import random
from collections.abc import Awaitable, Callable
from typing import Any

from waterspout._eventloop import current_loop
from waterspout._loggers import app_log
from waterspout.gen import convert_yielded


class PeriodicCallback:
    """Calls a function or coroutine function every ``callback_time`` milliseconds (or every timedelta).

    ``jitter`` is a fraction of the period: 0.1 makes each period longer or shorter by up to 5 % at random, so
    that many processes do not act in step. Exceptions are logged, and the calls go on. Raises
    :exc:`ValueError` unless the period is positive. Documentation: ``ioloop.PeriodicCallback``.
    """

    def __init__(
        self,
        callback: Callable[[], Awaitable[Any] | Any],
        callback_time: datetime.timedelta | float,
        jitter: float = 0,
    ) -> None:
        if isinstance(callback_time, datetime.timedelta):
            callback_time = callback_time / datetime.timedelta(milliseconds=1)
        if not 0 < callback_time < math.inf:
            raise ValueError(f"the period of a PeriodicCallback is a positive number, not {callback_time}")
        self.callback = callback
        self.callback_time = callback_time
        self.jitter = jitter
        self._running = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._call_in_progress = False
        self._due = 0.0

    def start(self) -> None:
        """Begin: the first call comes one period from now. Does nothing when it runs already."""
        if not self._running:
            self._running = True
            self._loop = current_loop()
            self._due = self._loop.time()
            self._schedule(self._loop)

    def stop(self) -> None:
        """Make no more calls, until :meth:`start`. A call in progress goes on to its end."""
        self._running = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def is_running(self) -> bool:
        """Whether it was started and not stopped since."""
        return self._running

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due = self._next_due(self._due, loop.time())
        self._timer = loop.call_at(self._due, self._run, loop)

    def _next_due(self, due: float, now: float) -> float:
        """Return when the next call is due: at the first multiple of the period that lies ahead."""
        period = self.callback_time / 1000
        if self.jitter:
            period *= 1 + self.jitter * (random.random() - 0.5)
        # At least one: a timer may fire a hair before its time, and must not fire for the same time again.
        periods = max(1, math.floor((now - due) / period) + 1)
        return due + periods * period

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        if self._call_in_progress:
            # Stopped and started again during a long call.
            self._schedule(loop)
            return
        try:
            result = self.callback()
            if inspect.isawaitable(result):
                self._call_in_progress = True
                convert_yielded(result).add_done_callback(self._finish)
                return
        except Exception:
            app_log.error("exception in periodic callback %r", self.callback, exc_info=True)
        self._reschedule()

    def _finish(self, future: asyncio.Future[Any]) -> None:
        self._call_in_progress = False
        if not future.cancelled() and (error := future.exception()) is not None:
            app_log.error("exception in periodic callback %r", self.callback, exc_info=error)
        self._reschedule()

    def _reschedule(self) -> None:
        # The callback itself may have stopped, or stopped and started, the series.
        if self._running and self._timer is None and self._loop is not None:
            self._schedule(self._loop)
