"""The jumping clock: an event loop that never waits for a timer, but moves the time to it.

Where nothing is ready, the loop sets the clock to its next timer: an hour passes in microseconds, and always exactly.
``time.time`` and ``time.monotonic`` move with ``loop.time``, so it does not matter by which of them the implementation
under test computes its deadlines. The clock counts whole microseconds and moves by one at least: deadlines computed
from ``time.time`` are off by a fraction of one, and a timer that is almost due must not stop the time.

What is real stays real. Descriptors are polled before every jump, and while work on a thread may still call in, the
time stands still and the loop waits. A case that can never go on fails at once instead of hanging.

The clock is for cases without network peers: to a peer on a real socket an hour would pass between two packets.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import functools
import inspect
import selectors
import threading
import time
import types
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.verdict import HarnessError

#: Fixtures that speak over real sockets.
_REAL_PEERS = frozenset({"serve", "wire", "ws"})
#: Seconds of real time between two looks at the threads.
_STEP = 0.002
#: Seconds of real time a thread may be silent before it is taken to wait for the loop.
_PATIENCE = 1.0
_MICROSECOND = 1e-6

_real_time = time.time
_real_monotonic = time.monotonic
_real_clock_info = time.get_clock_info
_Submit = Callable[..., "concurrent.futures.Future[Any]"]


def mixing_problem(fixtures: Iterable[str]) -> str:
    """Return why these fixtures may not be used by one case, or an empty text when they may."""
    mixed = sorted(_REAL_PEERS & set(fixtures))
    if "clock" not in fixtures or not mixed:
        return ""
    return f"clock cannot be combined with {', '.join(mixed)}: real peers do not live in jumping time"


@pytest.fixture
def clock(request: pytest.FixtureRequest) -> Iterator[Clock]:
    """A loop that jumps to its next timer; coroutine cases run on it, others use ``clock.loop``."""
    if problem := mixing_problem(request.fixturenames):
        raise HarnessError(problem)
    with Clock() as jumping:
        yield jumping


class Clock:
    """The time of one case, as a context manager: inside it the time functions of this process are its own."""

    def __init__(self) -> None:
        self._passed = 0  # microseconds
        # Whole seconds, and two scales that cannot be mixed up.
        self._epoch = int(_real_time())
        self._boot = int(_real_monotonic())
        self._undo = contextlib.ExitStack()
        self.loop: asyncio.AbstractEventLoop

    @property
    def elapsed(self) -> float:
        """Virtual seconds since the case began."""
        return self._passed / 1_000_000

    def time(self) -> float:
        """Return what ``time.time`` returns now: seconds since 1970."""
        return self._epoch + self.elapsed

    def monotonic(self) -> float:
        """Return what ``time.monotonic`` and the loop's ``time`` return now."""
        return self._boot + self.elapsed

    def advance(self, seconds: float) -> None:
        """Move the time forward: what a computation of that length does to the timers of the loop."""
        self._passed += max(1, round(seconds * 1_000_000))

    def __enter__(self) -> Clock:
        with contextlib.ExitStack() as undo:
            outsiders = undo.enter_context(Outsiders())
            undo.enter_context(self._time_functions())
            self.loop = _loop(self, outsiders)
            undo.callback(_close, self.loop)
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._undo.close()

    @contextlib.contextmanager
    def _time_functions(self) -> Iterator[None]:
        global _active
        before, _active = _active, self
        originals = {name: getattr(time, name) for name in _STAND_INS}
        for name, stand_in in _STAND_INS.items():
            setattr(time, name, stand_in)
        try:
            yield
        finally:
            for name, original in originals.items():
                setattr(time, name, original)
            _active = before


# A module that is first imported during a case may keep one of these for good, so they know whether a clock is active.
_active: Clock | None = None


def _time() -> float:
    return _real_time() if _active is None else _active.time()


def _monotonic() -> float:
    return _real_monotonic() if _active is None else _active.monotonic()


def _clock_info(name: str) -> Any:
    if _active is None or name not in ("time", "monotonic"):
        return _real_clock_info(name)  # type: ignore[arg-type]  # any other text is answered with ValueError
    return types.SimpleNamespace(implementation="jumping", monotonic=True, adjustable=False, resolution=_MICROSECOND)


_STAND_INS: dict[str, Callable[..., Any]] = {
    "time": _time,
    "time_ns": lambda: round(_time() * 1_000_000) * 1000,
    "monotonic": _monotonic,
    "monotonic_ns": lambda: round(_monotonic() * 1_000_000) * 1000,
    # The loop treats timers within the resolution as due.
    "get_clock_info": _clock_info,
}


# -- the loop ---------------------------------------------------------------------------------------------------------


def _loop(jumping: Clock, outsiders: Outsiders) -> asyncio.AbstractEventLoop:
    selector = JumpingSelector(jumping, outsiders)
    loop = asyncio.SelectorEventLoop(selector)
    selector.own = len(selector.get_map())
    asyncio.set_event_loop(loop)
    return loop


class JumpingSelector(selectors.DefaultSelector):
    """Watches descriptors for the loop, and moves the clock where another selector would wait for it."""

    def __init__(self, jumping: Clock, outsiders: Outsiders) -> None:
        super().__init__()
        self._clock = jumping
        self._outsiders = outsiders
        #: How many descriptors the loop watches for itself.
        self.own = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; if nothing is, move the clock by ``timeout``. AssertionError for a wait without end."""
        if timeout is not None and timeout <= 0:
            return super().select(0)
        # The last look comes after the threads have ended: they may have called in before that.
        ready = self._wait_for_outsiders(until_silent=timeout is None) or super().select(0)
        if ready:
            return ready
        if timeout is not None:
            self._clock.advance(timeout)
            return []
        if len(self.get_map()) > self.own:
            return super().select(None)
        raise AssertionError(f"deadlock: nothing is ready, no timer is set, no thread can call in{_waiting()}")

    def _wait_for_outsiders(self, until_silent: bool) -> list[tuple[selectors.SelectorKey, int]]:
        patience = _real_monotonic() + _PATIENCE
        while self._outsiders.busy() and (until_silent or _real_monotonic() < patience):
            if ready := super().select(_STEP):
                return ready
        return []


def _waiting() -> str:
    """Return at which lines the tasks of the loop wait."""
    places = [place for task in asyncio.all_tasks(asyncio.get_running_loop()) if (place := _place(task))]
    return "".join(f"\n  waiting: {place}" for place in sorted(places))


def _place(task: asyncio.Task[Any]) -> str:
    waiting: Any = task.get_coro()
    while inspect.iscoroutine(inner := getattr(waiting, "cr_await", None)):
        waiting = inner
    frame = getattr(waiting, "cr_frame", None)
    return f"{waiting.__qualname__}, {Path(frame.f_code.co_filename).name}:{frame.f_lineno}" if frame else ""


def _close(loop: asyncio.AbstractEventLoop) -> None:
    """End what a case left on its loop, if its runner has not done so."""
    steps = (_cancel_tasks, loop.shutdown_asyncgens, loop.shutdown_default_executor)
    try:
        for step in () if loop.is_closed() else steps:
            # A task that refuses to end, or stops the loop, is cut off; the verdict of its case is already known.
            with contextlib.suppress(AssertionError, RuntimeError):
                loop.run_until_complete(step())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


async def _cancel_tasks() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


# -- work outside the loop --------------------------------------------------------------------------------------------


class Outsiders:
    """Knows whether anything outside the loop may still call in: threads, and work handed to thread pools.

    A pool's idle threads look like busy ones from outside. The pool's work is counted instead, from its hand-over until
    the callbacks of its future have run, for it is they that call in.
    """

    def __init__(self) -> None:
        self._bystanders = frozenset(threading.enumerate())
        self._pool_threads: set[threading.Thread] = set()
        self._work: set[concurrent.futures.Future[Any]] = set()
        self._undo = contextlib.ExitStack()

    def busy(self) -> bool:
        """Return whether a thread that began during the case runs, other than the idle ones of a pool."""
        if self._work:
            return True
        return bool(set(threading.enumerate()) - self._bystanders - self._pool_threads)

    def __enter__(self) -> Outsiders:
        original: _Submit = concurrent.futures.ThreadPoolExecutor.submit

        @functools.wraps(original)
        def submit(pool: Any, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
            return self._submit(functools.partial(original, pool), functools.partial(fn, *args, **kwargs))

        concurrent.futures.ThreadPoolExecutor.submit = submit  # type: ignore[method-assign]
        self._undo.callback(setattr, concurrent.futures.ThreadPoolExecutor, "submit", original)
        return self

    def __exit__(self, *exception: object) -> None:
        self._undo.close()

    def _submit(self, original: _Submit, call: Callable[[], Any]) -> concurrent.futures.Future[Any]:
        watched = threading.Event()

        def guarded() -> Any:
            # Else the work could end before its end is watched.
            watched.wait()
            self._pool_threads.add(threading.current_thread())
            return call()

        future = original(guarded)
        self._work.add(future)
        for ending in ("set_result", "set_exception", "cancel"):
            setattr(future, ending, self._then_forget(future, getattr(future, ending)))
        watched.set()
        return future

    def _then_forget(self, future: concurrent.futures.Future[Any], ending: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(ending)
        def end(*args: Any) -> Any:
            try:
                return ending(*args)
            finally:
                if future.done():
                    self._work.discard(future)

        return end
