"""Saboteurs of the chapter on timers: times that are none, and the schedule of periodic callbacks."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import math
from datetime import timedelta
from typing import Any

from conformance.saboteurs import Patches
from conformance.saboteurs.lies import around
from conformance.saboteurs.loop_life import Lie, instead, loop_lie

SETTING = ("call_later", "call_at", "add_timeout")


def timer_lie(name: str, lie: str, *kills: str) -> Lie:
    """Register a saboteur of this chapter; ``kills`` are ids without what they have in common."""
    return loop_lie(name, lie, *kills, chapters="core.timers")


@timer_lie("timer-of-the-past-lost", "A timer whose time is past never fires.", "timers.past")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, time: Any, callback: Any, *args: Any, **kwargs: Any) -> Any:
        seconds = time.total_seconds() if isinstance(time, timedelta) else time
        past = seconds < (self.time() if seconds > 1e6 else 0)
        return original(self, 3600 if past and seconds < 1e6 else time, (lambda *_: None) if past else callback, *args)

    for name in SETTING:
        instead(ref, name, lie)


@timer_lie("timer-of-the-past-at-once", "A timer whose time is past fires inside the call.", "timers.past")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, delay: float, callback: Any, *args: Any, **kwargs: Any) -> Any:
        if delay < 0:
            callback(*args, **kwargs)
            return None
        return original(self, delay, callback, *args, **kwargs)

    instead(ref, "call_later", lie)


@timer_lie("timer-takes-nan", "NaN and infinity are times like others.", "timers.not-finite")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, time: Any, callback: Any, *args: Any, **kwargs: Any) -> Any:
        finite = not isinstance(time, float) or math.isfinite(time)
        return original(self, time if finite else self.time() + 1, callback, *args, **kwargs)

    for name in SETTING:
        instead(ref, name, lie)


@timer_lie("timer-takes-text", "A deadline that is no time is ignored.", "timers.wrong-type")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        with contextlib.suppress(TypeError):
            return original(self, *args, **kwargs)

    for name in SETTING:
        instead(ref, name, lie)


@timer_lie("timer-early", "call_later() calls after half its delay.", "timers.order")
def _(ref: Patches) -> None:
    instead(
        ref,
        "call_later",
        lambda original, self, delay, *args, **kwargs: original(self, delay / 2, *args, **kwargs),
    )


@timer_lie("timer-at-once", "call_later() calls in the next round, whatever the delay.", "timers.real-clock")
def _(ref: Patches) -> None:
    instead(ref, "call_later", lambda original, self, delay, *args, **kwargs: original(self, 0, *args, **kwargs))


@timer_lie(
    "periodic-drifts",
    "A PeriodicCallback counts each period from the end of the last call.",
    "periodic.keeps-the-schedule",
)
def _(ref: Patches) -> None:
    class Drifting(ref.ioloop.PeriodicCallback):  # type: ignore[misc, name-defined]
        def __init__(self, callback: Any, callback_time: Any, *args: Any, **kwargs: Any) -> None:
            def call() -> Any:
                result = callback()
                if self.is_running() and not inspect.isawaitable(result):
                    self.stop()
                    self.start()
                return result

            super().__init__(call, callback_time, *args, **kwargs)

    ref.replace(ref.ioloop, "PeriodicCallback", Drifting)


@timer_lie("periodic-without-jitter", "A PeriodicCallback ignores its jitter.", "periodic.jitter")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, callback: Any, callback_time: Any, jitter: float = 0) -> None:
        original(self, callback, callback_time)

    around(ref, ref.ioloop.PeriodicCallback, "__init__", lie)


@timer_lie("periodic-jitter-doubled", "Jitter varies a period by twice as much.", "periodic.jitter")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, callback: Any, callback_time: Any, jitter: float = 0) -> None:
        original(self, callback, callback_time, jitter * 2)

    around(ref, ref.ioloop.PeriodicCallback, "__init__", lie)


@timer_lie("periodic-never-stops", "stop() has no effect inside the function.", "periodic.stop-and-start")
def _(ref: Patches) -> None:
    class Endless(ref.ioloop.PeriodicCallback):  # type: ignore[misc, name-defined]
        calling = False

        def __init__(self, callback: Any, *args: Any, **kwargs: Any) -> None:
            def call() -> Any:
                self.calling = True
                try:
                    return callback()
                finally:
                    self.calling = False

            super().__init__(call, *args, **kwargs)

        def stop(self) -> None:
            if not self.calling:
                super().stop()

    ref.replace(ref.ioloop, "PeriodicCallback", Endless)


@timer_lie(
    "periodic-starts-twice", "start() on a PeriodicCallback that runs begins another series.", "periodic.start-twice"
)
def _(ref: Patches) -> None:
    class Double(ref.ioloop.PeriodicCallback):  # type: ignore[misc, name-defined]
        def start(self) -> None:
            if self.is_running():
                self.twin = type(self)(self.callback, self.callback_time)
                self.twin.start()
            super().start()

    ref.replace(ref.ioloop, "PeriodicCallback", Double)


@timer_lie(
    "periodic-coroutine-fails-silently",
    "The failure of a periodic coroutine is not logged.",
    "periodic.coroutine-errors",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, callback: Any, *args: Any, **kwargs: Any) -> None:
        async def quiet(result: Any) -> None:
            with contextlib.suppress(Exception):
                await result

        def call() -> Any:
            result = callback()
            return quiet(result) if inspect.isawaitable(result) else result

        original(self, call, *args, **kwargs)

    around(ref, ref.ioloop.PeriodicCallback, "__init__", lie)


@timer_lie(
    "periodic-ends-when-cancelled",
    "A PeriodicCallback stops when its coroutine is cancelled.",
    "periodic.coroutine-errors",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, callback: Any, *args: Any, **kwargs: Any) -> None:
        async def ending(result: Any) -> None:
            try:
                await result
            except asyncio.CancelledError:
                self.stop()
                raise

        def call() -> Any:
            result = callback()
            return ending(result) if inspect.isawaitable(result) else result

        original(self, call, *args, **kwargs)

    around(ref, ref.ioloop.PeriodicCallback, "__init__", lie)


@timer_lie(
    "periodic-takes-any-period", "A PeriodicCallback takes a period of zero or less.", "periodic.period-not-positive"
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, callback: Any, callback_time: Any, *args: Any, **kwargs: Any) -> None:
        if isinstance(callback_time, (int, float)) and callback_time <= 0:
            callback_time = 1
        original(self, callback, callback_time, *args, **kwargs)

    around(ref, ref.ioloop.PeriodicCallback, "__init__", lie)
