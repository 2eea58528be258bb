"""What ``IOLoop`` had in older releases: the hook for failures, and the watch on callbacks that block.

Kept for the programs that use it. Newer ones set asyncio's exception handler, and find callbacks that block with
asyncio's debug mode. Documentation: ``tornado.ioloop``, releases 2.4 to 5.1.
"""

from __future__ import annotations

import asyncio
import signal
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any

from waterspout._eventloop import thread_loop
from waterspout._loggers import app_log, gen_log

#: Looks in each span of the threshold. More of them would find a blocked loop sooner and cost more when it is not.
_LOOKS = 4

_Handler = Callable[[int, FrameType | None], Any]


class LegacyLoop:
    """The methods of ``IOLoop`` that are no longer in Tornado 6."""

    asyncio_loop: asyncio.AbstractEventLoop
    #: Whether the loop was started by its own ``start()``, which also ends what the watchdog does.
    _in_start = False
    _watchdog: Watchdog | None = None

    def handle_callback_exception(self, callback: Any) -> None:
        """Log the exception that a callback raised. Override it to treat such exceptions otherwise.

        Called for each failure of a callback, timer, handler of a descriptor, or coroutine that the loop looks
        after; ``sys.exc_info()`` is the exception. Hook. Documentation: ``ioloop.IOLoop.handle_callback_exception``.
        """
        app_log.error("exception in callback %r", callback, exc_info=True)

    @staticmethod
    def initialized() -> bool:
        """Whether this thread has a loop already. Documentation: ``ioloop.IOLoop.initialized``."""
        return thread_loop() is not None

    def running(self) -> bool:
        """Whether the loop runs now. Documentation: ``ioloop.IOLoop.running``."""
        return self.asyncio_loop.is_running()

    def set_blocking_log_threshold(self, seconds: float | None) -> None:
        """Log the stack whenever a callback keeps the loop for longer than a number of seconds; None ends that.

        Otherwise like :meth:`set_blocking_signal_threshold`.
        """
        self.set_blocking_signal_threshold(seconds, self.log_stack)

    def set_blocking_signal_threshold(self, seconds: float | None, action: _Handler | None) -> None:
        """Send SIGALRM whenever a callback keeps the loop for longer than a number of seconds; None ends that.

        ``action`` handles the signal, as for :func:`signal.signal`; with None the signal ends the process. It comes
        when the threshold is passed, or up to a quarter of it later. Call this in the main thread, for the loop that
        runs there: there is one SIGALRM in a process. Raises :exc:`ValueError` in other threads and for a threshold
        that is not positive, :exc:`RuntimeError` on platforms without the signal and in a loop that was not started by
        ``IOLoop.start()`` or ``run_sync()``.
        Documentation: ``ioloop.IOLoop.set_blocking_signal_threshold``.
        """
        if not hasattr(signal, "setitimer"):
            raise RuntimeError("this platform has no SIGALRM: use asyncio's debug mode to find callbacks that block")
        if seconds is not None and not seconds > 0:
            raise ValueError(f"the threshold is a positive number of seconds, or None, not {seconds!r}")
        if self.running() and not self._in_start:
            raise RuntimeError("nobody would take the alarm back at the end: run the loop by IOLoop.start() for this")
        if self._watchdog is not None:
            self._watchdog.end()
            self._watchdog = None
        if seconds is not None:
            self._watchdog = Watchdog(self.asyncio_loop, seconds, action)

    def log_stack(self, signal: int, frame: FrameType | None) -> None:
        """Log where the loop is. A signal handler for :meth:`set_blocking_signal_threshold`."""
        seconds = self._watchdog.seconds if self._watchdog is not None else 0
        gen_log.warning("IOLoop blocked for %g seconds in\n%s", seconds, "".join(traceback.format_stack(frame)))


class Watchdog:
    """Lets an alarm ring unless the loop comes round in time to put it off."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, action: _Handler | None) -> None:
        self.seconds = seconds
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self._before = signal.signal(signal.SIGALRM, signal.SIG_DFL if action is None else action)
        if loop.is_running():
            self.begin()

    def begin(self) -> None:
        """Put the alarm off, now and again and again. Called when the loop starts."""
        pause = self.seconds / _LOOKS
        # Longer by the pause between two looks: a callback that begins just before a look has its full time.
        signal.setitimer(signal.ITIMER_REAL, self.seconds + pause)
        self._timer = self._loop.call_later(pause, self.begin)

    def rest(self) -> None:
        """Take the alarm back. Called when the loop has stopped."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            signal.setitimer(signal.ITIMER_REAL, 0)

    def end(self) -> None:
        """Take the alarm back, and the handler of its signal."""
        self.rest()
        signal.signal(signal.SIGALRM, self._before)


def loop_of(io_loop: Any) -> asyncio.AbstractEventLoop:
    """Return the asyncio loop of an ``io_loop`` argument. Raises TypeError for what is no ``IOLoop``."""
    loop = getattr(io_loop, "asyncio_loop", None)
    if not isinstance(loop, asyncio.AbstractEventLoop):
        raise TypeError(f"io_loop is an IOLoop, or left out for the current one, not {io_loop!r}")
    return loop
