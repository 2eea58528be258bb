"""Runs one case within its time: plain functions, coroutines, and coroutines under the jumping clock."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any


class CaseTimeout(KeyboardInterrupt):
    """A case took longer than it may.

    It derives from KeyboardInterrupt because event loops pass only that, and SystemExit, through to their caller; any
    other exception raised inside a callback would be logged and the case would hang on.
    """


@contextlib.contextmanager
def limit(seconds: float) -> Iterator[None]:
    """Raise AssertionError when the body takes longer than ``seconds``, even if it spins without returning."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def expired(signum: int, frame: Any) -> None:
        raise CaseTimeout

    before = signal.signal(signal.SIGALRM, expired)
    # Repeats, in case the first one lands where it is swallowed.
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    except CaseTimeout:
        signal.setitimer(signal.ITIMER_REAL, 0)
        raise AssertionError(f"the case did not end within {seconds:g} s") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def run(case: Callable[..., Any], arguments: dict[str, Any], clock: Any = None) -> None:
    """Call ``case``; run its coroutine, if it returns one, on a fresh loop or on the jumping loop of ``clock``."""
    if not inspect.iscoroutinefunction(case):
        try:
            case(**arguments)
        finally:
            # A loop that a failed case has left behind is not for the next one.
            asyncio.set_event_loop(None)
        return
    loop = clock.loop if clock is not None else asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(_with_cleanup(case(**arguments), arguments))
    finally:
        try:
            _finish(loop)
        finally:
            asyncio.set_event_loop(None)
            loop.close()


async def _with_cleanup(case: Any, arguments: dict[str, Any]) -> None:
    """Run the case, then close what its fixtures opened on this loop (those that have an ``aclose``)."""
    try:
        await case
    finally:
        for value in arguments.values():
            aclose = getattr(value, "aclose", None)
            if aclose is not None:
                await aclose()


def _finish(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
