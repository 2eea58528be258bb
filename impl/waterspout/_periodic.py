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

from waterspout._eventloop import current_loop, facade_of
from waterspout._legacy_loop import LegacyLoop, loop_of
from waterspout.gen import convert_yielded


class PeriodicCallback:
    """Calls a function or coroutine function every ``callback_time`` milliseconds (or every timedelta).

    ``jitter`` is a fraction of the period: 0.1 makes each period longer or shorter by up to 5 % at random, so
    that many processes do not act in step. Exceptions are logged, and the calls go on. Raises
    :exc:`ValueError` unless the period is positive and the jitter at least 0 and below 2. The calls come on the loop
    that is current at :meth:`start`; ``io_loop``, which older releases took in the place of ``jitter``, names
    another one. Documentation: ``ioloop.PeriodicCallback``.
    """

    def __init__(
        self,
        callback: Callable[[], Awaitable[Any] | Any],
        callback_time: datetime.timedelta | float,
        jitter: float = 0,
        *,
        io_loop: Any = None,
    ) -> None:
        if io_loop is None and not isinstance(jitter, int | float):
            jitter, io_loop = 0, jitter
        if isinstance(callback_time, datetime.timedelta):
            callback_time = callback_time / datetime.timedelta(milliseconds=1)
        if not 0 < callback_time < math.inf:
            raise ValueError(f"the period of a PeriodicCallback is a positive number, not {callback_time}")
        if not 0 <= jitter < 2:
            raise ValueError(f"jitter is a fraction of the period, such as 0.1, not {jitter}")
        self.callback = callback
        self.callback_time = callback_time
        self.jitter = jitter
        self._given_loop = None if io_loop is None else loop_of(io_loop)
        self._running = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._call: asyncio.Future[Any] | None = None
        self._due = 0.0

    def start(self) -> None:
        """Begin: the first call comes one period from now. Does nothing when it runs already."""
        if not self._running:
            loop = self._given_loop or current_loop()
            self._due = loop.time()
            self._schedule(loop)
            self._loop = loop
            self._running = True

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
        # Stopped and started again during a long call, it may be due. A call on a loop that is gone has no end.
        if self._call is None or self._call.get_loop() is not loop:
            try:
                self._begin_call()
            except asyncio.CancelledError:
                pass
            except Exception:
                self._report(loop)
            finally:
                if self._call is None:
                    self._reschedule()
        else:
            self._schedule(loop)

    def _begin_call(self) -> None:
        self._call = None
        result = self.callback()
        if inspect.isawaitable(result):
            self._call = convert_yielded(result)
            self._call.add_done_callback(self._finish)

    def _finish(self, future: asyncio.Future[Any]) -> None:
        self._call = None
        try:
            if not future.cancelled() and isinstance(future.exception(), Exception):
                future.result()
        except Exception:
            self._report(future.get_loop())
        finally:
            self._reschedule()

    def _report(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand the exception that is being handled to the loop's ``IOLoop``, or log it where there is none."""
        (facade_of(loop) or LegacyLoop()).handle_callback_exception(self.callback)

    def _reschedule(self) -> None:
        # The callback itself may have stopped, or stopped and started, the series.
        if self._running and self._timer is None and self._loop is not None:
            self._schedule(self._loop)
