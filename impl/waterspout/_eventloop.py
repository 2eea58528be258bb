"""Which asyncio loop belongs to this thread, and how deadlines become delays: what all of the asynchronous
core needs.

Inside a running loop the answer is asyncio's. Outside, a program may still want a loop to prepare work on (to
call ``listen`` before the loop starts). asyncio has changed its mind about that case several times: depending
on the release, asking for the current loop creates one silently, creates one with a DeprecationWarning, or
raises. The functions here behave alike on all of them, and warn nobody.

Deadlines given as numbers are on the scale of ``IOLoop.time()``, documented as "normally ``time.time``";
asyncio's timers run on a monotonic clock. A deadline is therefore turned into a delay once, when the timer is
set.
"""

from __future__ import annotations

import asyncio
import atexit
import datetime
import math
import numbers
import time
import warnings
import weakref
from typing import Any

_made: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the loop that runs in this thread now, if one does."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def thread_loop() -> asyncio.AbstractEventLoop | None:
    """Return the running loop, or the one asyncio holds for this thread, if any.

    A closed loop counts as none.
    """
    loop = running_loop() or _held_loop()
    return None if loop is None or loop.is_closed() else loop


def _held_loop() -> asyncio.AbstractEventLoop | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        policy = asyncio.get_event_loop_policy()
    # The public question would make a loop to answer it, up to Python 3.13, and nobody would close that one.
    local = getattr(policy, "_local", None)
    if local is not None:
        held: asyncio.AbstractEventLoop | None = getattr(local, "_loop", None)
        return held
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return policy.get_event_loop()
        except RuntimeError:
            return None


def current_loop() -> asyncio.AbstractEventLoop:
    """Return the loop of this thread as :func:`thread_loop` does; if there is none, make one and set it."""
    loop = thread_loop()
    if loop is None:
        loop = new_loop()
        asyncio.set_event_loop(loop)
    return loop


def new_loop() -> asyncio.AbstractEventLoop:
    """Make a loop, which is closed at the end of the process if nobody closes it before."""
    loop = asyncio.new_event_loop()
    _made.add(loop)
    return loop


@atexit.register
def _close_loops() -> None:
    # A script that ends in IOLoop.current().start() has no place to close its loop.
    for loop in [*_made]:
        if not loop.is_running():
            loop.close()


def create_future() -> asyncio.Future[Any]:
    """Return a new pending future on the loop of this thread."""
    # Made directly: this is on the path of every coroutine and queue operation, where each call counts.
    try:
        return asyncio.Future(loop=asyncio.get_running_loop())
    except RuntimeError:
        return current_loop().create_future()


def seconds_until(deadline: float | datetime.timedelta) -> float:
    """Return the seconds from now to a deadline: a time on the scale of ``IOLoop.time()``, or a span from
    now.

    A deadline in the past gives a negative number. Raises TypeError for other types, ValueError for
    not-a-number.
    """
    if isinstance(deadline, datetime.timedelta):
        return deadline.total_seconds()
    if isinstance(deadline, numbers.Real):
        return finite_delay(float(deadline) - time.time())
    raise TypeError(f"a deadline is a number (a time) or a timedelta (a span from now), not {deadline!r}")


def finite_delay(delay: float) -> float:
    """Return the delay itself; ValueError for not-a-number, which would upset the order of timers."""
    if math.isnan(delay):
        raise ValueError("a timer needs a number of seconds, not NaN")
    return delay
