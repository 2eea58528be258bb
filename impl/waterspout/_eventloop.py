"""Which asyncio loop belongs to this thread, and how deadlines become delays: what all of the asynchronous
core needs.

Inside a running loop the answer is asyncio's. Outside, a program may still want a loop to prepare work on (to
call ``listen`` before the loop starts). asyncio has changed its mind about that case several times: depending
on the release, asking for the current loop creates one silently, creates one with a DeprecationWarning, or
raises. The functions here behave alike on all of them, and warn nobody.

Deadlines given as numbers are on the scale of ``IOLoop.time()``, documented as "normally ``time.time``";
asyncio's timers run on a monotonic clock. A deadline is therefore turned into a delay once, when the timer is
set.

A loop belongs to the process that made it. A child that was forked has a copy of each loop, but the kernel object
that the loop waits on (epoll) is shared: what the child did with its copy would happen to the parent's loop. Each
copy is therefore cut off from it in the child, and counts as gone.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import datetime
import math
import numbers
import os
import selectors
import signal
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from waterspout._selector_thread import AddThreadSelectorEventLoop

#: The attribute of an asyncio loop that holds its ``IOLoop``. On the loop itself, so that both are collected
#: together.
_FACADE = "_waterspout_ioloop"

#: Loops made here, to be closed at the end of the process.
_made: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()
#: Loops of this process that the package has to do with.
_known: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()
#: Stands for this process; a forked child gets another one.
_process = object()


def this_process() -> object:
    """Return an object that stands for this process; in a child forked from it, another one."""
    return _process


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


def _policy() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return asyncio.get_event_loop_policy()


def _held_loop() -> asyncio.AbstractEventLoop | None:
    policy = _policy()
    # The public question would make a loop to answer it, up to Python 3.13, and nobody would close that one.
    local = getattr(policy, "_local", None)
    if local is not None:
        held: asyncio.AbstractEventLoop | None = getattr(local, "_loop", None)
        return held
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            loop: asyncio.AbstractEventLoop = policy.get_event_loop()
            return loop
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
    loop = _loop_factory()()
    _made.add(loop)
    return loop


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Return uvloop's factory where it is installed, unless the program has chosen otherwise.

    It chooses by setting an event loop policy, or by the environment variable WATERSPOUT_LOOP.
    """
    choice = os.environ.get("WATERSPOUT_LOOP", "")
    if choice not in ("", "asyncio", "uvloop"):
        raise ValueError(f"WATERSPOUT_LOOP={choice}: set it to asyncio or uvloop, or leave it unset")
    if choice == "asyncio" or (not choice and not type(_policy()).__module__.startswith("asyncio.")):
        return asyncio.new_event_loop
    try:
        import uvloop
    except ImportError:
        if choice:
            raise
        return asyncio.new_event_loop
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


@atexit.register
def _close_loops() -> None:
    # A script that ends in IOLoop.current().start() has no place to close its loop.
    for loop in [*_made]:
        if not loop.is_running():
            loop.close()


def facade_of(loop: asyncio.AbstractEventLoop) -> Any:
    """Return the ``IOLoop`` of an asyncio loop, or None."""
    loop = unwrapped(loop)
    facade = getattr(loop, _FACADE, None)
    # A loop that wraps another one may hand out the attributes of the inner one.
    return facade if facade is not None and facade.asyncio_loop is loop else None


def unwrapped(loop: asyncio.AbstractEventLoop) -> asyncio.AbstractEventLoop:
    """Return the loop that runs when the given one does: what asyncio calls the running loop."""
    return loop.real_loop if isinstance(loop, AddThreadSelectorEventLoop) else loop


def attach(facade: Any, loop: asyncio.AbstractEventLoop) -> None:
    """Make ``facade`` the ``IOLoop`` of an asyncio loop."""
    setattr(loop, _FACADE, facade)
    _known.add(loop)


# -- signals ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def woken_by_signals(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Let every signal wake a loop that runs inside, so that its handler is called now.

    Otherwise the handler of a signal that comes just as the loop goes to sleep waits until something else wakes
    it. asyncio does this for its own signal handlers only, uvloop always.
    """
    pipe = getattr(loop, "_csock", None)
    if pipe is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    number = pipe.fileno()
    before = signal.set_wakeup_fd(number, warn_on_full_buffer=False)
    if before not in (-1, number):
        # Somebody else wakes the loop, or wants to know of signals more than we do.
        signal.set_wakeup_fd(before)
    try:
        yield
    finally:
        if before == -1 and not getattr(loop, "_signal_handlers", None):
            after = signal.set_wakeup_fd(-1)
            if after not in (-1, number):
                signal.set_wakeup_fd(after)


# -- fork -------------------------------------------------------------------------------------------------------------


class _ParentsSelector(selectors.SelectSelector):
    """Takes the place of a selector in a forked child, where the real one is shared with the parent."""

    def select(self, timeout: float | None = None) -> NoReturn:
        raise RuntimeError(
            "this process was forked in a callback of its parent's event loop and went on with that loop: leave "
            "the child by os._exit() or an exec function, or fork before the loop runs"
        )


def _forget_parent() -> None:
    global _process
    _process = object()
    for loop in [*_known, *_made]:
        # Closing the loop, or the end of its life, would take its descriptors out of the shared epoll object.
        if getattr(loop, "_selector", None) is not None:
            loop._selector = _ParentsSelector()  # type: ignore[attr-defined]
    if any(loop.is_running() for loop in _known) and threading.current_thread() is threading.main_thread():
        # Else signals of the child would wake the parent, with what it takes for its own signals.
        signal.set_wakeup_fd(-1)
    _known.clear()
    _made.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # From Python 3.12 on, asyncio forgets it by itself.
        asyncio.set_event_loop(None)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parent)


# -- futures and deadlines --------------------------------------------------------------------------------------------


def create_future() -> asyncio.Future[Any]:
    """Return a new pending future on the loop of this thread."""
    # Made directly: this is on the path of every coroutine and queue operation, where each call counts.
    try:
        return asyncio.Future(loop=asyncio.get_running_loop())
    except RuntimeError:
        return current_loop().create_future()


def seconds_until(deadline: float | datetime.timedelta, now: float | None = None) -> float:
    """Return the seconds from ``now`` (by default, the time of day) to a deadline: a time on the scale of
    ``IOLoop.time()``, or a span from now.

    A deadline in the past gives a negative number. Raises TypeError for other types, ValueError for
    not-a-number.
    """
    if isinstance(deadline, datetime.timedelta):
        return deadline.total_seconds()
    if isinstance(deadline, numbers.Real):
        return finite_delay(float(deadline) - (time.time() if now is None else now))
    raise TypeError(f"a deadline is a number (a time) or a timedelta (a span from now), not {deadline!r}")


def finite_delay(delay: float) -> float:
    """Return the delay itself; ValueError for not-a-number, which would upset the order of timers."""
    if math.isnan(delay):
        raise ValueError("a timer needs a number of seconds, not NaN")
    return delay
