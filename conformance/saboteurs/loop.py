"""Saboteurs of the chapters on the loop and on timers: callbacks and times."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from conformance.saboteurs import Patches, saboteur


def wrap_method(ref: Patches, name: str, lie: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace the method ``name`` of IOLoop, in every class of loops that defines it, by ``lie(original)``."""
    # Making a loop loads the class that implements it.
    ref.ioloop.IOLoop(make_current=False).close()
    classes = [ref.ioloop.IOLoop]
    for owner in classes:
        classes += [child for child in owner.__subclasses__() if child not in classes]
    owners = [owner for owner in classes if name in vars(owner)]
    for owner in owners or classes[:1]:
        ref.replace(owner, name, lie(getattr(owner, name)))


@saboteur(
    "run-sync-returns-none",
    "run_sync() returns None.",
    chapters="core.loop",
    kills="loop.run-sync.result",
)
def _run_sync_none(ref: Patches) -> None:
    def lie(original: Callable[..., Any]) -> Callable[..., Any]:
        def run_sync(*args: Any, **named: Any) -> None:
            original(*args, **named)

        return run_sync

    wrap_method(ref, "run_sync", lie)


@saboteur(
    "run-sync-swallows-errors",
    "run_sync() returns None when the coroutine fails.",
    chapters="core.loop",
    kills="loop.run-sync.raises",
)
def _run_sync_swallows(ref: Patches) -> None:
    def lie(original: Callable[..., Any]) -> Callable[..., Any]:
        def run_sync(*args: Any, **named: Any) -> Any:
            try:
                return original(*args, **named)
            except Exception:
                return None

        return run_sync

    wrap_method(ref, "run_sync", lie)


@saboteur(
    "run-sync-has-no-timeout",
    "run_sync() ignores its timeout.",
    chapters="core.loop",
    kills="loop.run-sync.timeout",
)
def _run_sync_endless(ref: Patches) -> None:
    wrap_method(ref, "run_sync", lambda original: lambda self, func, timeout=None: original(self, func))


@saboteur(
    "spawn-callback-logs-nothing",
    "spawn_callback() drops the failure of what it runs.",
    chapters="core.loop",
    kills="loop.spawn-callback.logs-failure",
)
def _spawn_silent(ref: Patches) -> None:
    def lie(original: Callable[..., Any]) -> Callable[..., Any]:
        def spawn(self: Any, callback: Callable[..., Any], *args: Any, **named: Any) -> None:
            async def quiet() -> None:
                try:
                    result = callback(*args, **named)
                    if inspect.isawaitable(result):
                        await result
                except Exception:
                    return

            original(self, quiet)

        return spawn

    wrap_method(ref, "spawn_callback", lie)


@saboteur(
    "spawn-callback-ignores-native",
    "spawn_callback() calls an async def function, but does not run the coroutine it gets.",
    chapters="core.loop",
    kills="loop.spawn-callback.runs-coroutines",
)
def _spawn_decorated_only(ref: Patches) -> None:
    def lie(original: Callable[..., Any]) -> Callable[..., Any]:
        def spawn(self: Any, callback: Callable[..., Any], *args: Any, **named: Any) -> None:
            if inspect.iscoroutinefunction(callback):
                callback(*args, **named).close()
            else:
                original(self, callback, *args, **named)

        return spawn

    wrap_method(ref, "spawn_callback", lie)


@saboteur(
    "add-callback-calls-at-once",
    "add_callback() calls the function before it returns.",
    chapters="core.loop",
    kills="loop.add-callback.next-round",
)
def _call_at_once(ref: Patches) -> None:
    def lie(original: Callable[..., Any]) -> Callable[..., Any]:
        def add_callback(self: Any, callback: Callable[..., Any], *args: Any, **named: Any) -> None:
            result = callback(*args, **named)
            if inspect.isawaitable(result):
                ref.gen.convert_yielded(result)

        return add_callback

    wrap_method(ref, "add_callback", lie)


@saboteur(
    "add-callback-deaf-to-threads",
    "add_callback() does nothing when another thread calls it.",
    chapters="core.loop",
    kills="loop.add-callback.from-another-thread",
)
def _deaf_to_threads(ref: Patches) -> None:
    def lie(original: Callable[..., Any]) -> Callable[..., Any]:
        def add_callback(*args: Any, **named: Any) -> None:
            if threading.current_thread() is threading.main_thread():
                original(*args, **named)

        return add_callback

    wrap_method(ref, "add_callback", lie)


@saboteur(
    "executor-on-the-loop",
    "run_in_executor() calls the function on the loop's own thread.",
    chapters="core.loop",
    kills="loop.run-in-executor.other-thread",
)
def _no_executor(ref: Patches) -> None:
    def lie(original: Callable[..., Any]) -> Callable[..., Any]:
        def run_in_executor(self: Any, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
            future = ref.concurrent.Future()
            future.set_result(func(*args))
            return future

        return run_in_executor

    wrap_method(ref, "run_in_executor", lie)


@saboteur(
    "add-future-gives-the-result",
    "add_future() calls the function with the result of the Future.",
    chapters="core.loop",
    kills="loop.add-future.callback",
)
def _give_result(ref: Patches) -> None:
    def lie(original: Callable[..., Any]) -> Callable[..., Any]:
        return lambda self, future, callback: original(self, future, lambda done: callback(done.result()))

    wrap_method(ref, "add_future", lie)


@saboteur(
    "call-later-drops-keywords",
    "call_later() loses keyword arguments.",
    chapters="core.timers",
    kills="loop.timers.order",
)
def _drop_keywords(ref: Patches) -> None:
    def lie(original: Callable[..., Any]) -> Callable[..., Any]:
        return lambda self, delay, callback, *args, **named: original(self, delay, callback, *args)

    wrap_method(ref, "call_later", lie)


@saboteur(
    "remove-timeout-does-nothing",
    "remove_timeout() leaves the timer.",
    chapters="core.timers",
    kills="loop.timers.remove",
)
def _keep_timers(ref: Patches) -> None:
    wrap_method(ref, "remove_timeout", lambda original: lambda self, timeout: None)


def _periodic(ref: Patches, callback: Callable[[Any, Callable[[], Any]], Any], period: float = 1) -> None:
    """Let ``callback(periodic, right)`` stand in for the function of a PeriodicCallback; stretch its period."""

    class Lying(ref.ioloop.PeriodicCallback):  # type: ignore[misc, name-defined]
        def __init__(self, right: Callable[[], Any], callback_time: float | timedelta, jitter: float = 0) -> None:
            super().__init__(lambda: callback(self, right), callback_time * period, jitter)

    ref.replace(ref.ioloop, "PeriodicCallback", Lying)


@saboteur(
    "periodic-runs-slow",
    "A PeriodicCallback takes one per cent more than its period.",
    chapters="core.timers",
    kills="loop.periodic.ticks",
)
def _periodic_slow(ref: Patches) -> None:
    _periodic(ref, lambda self, right: right(), period=1.01)


@saboteur(
    "periodic-overlaps",
    "A PeriodicCallback does not wait for the coroutine it started.",
    chapters="core.timers",
    kills="loop.periodic.skips-when-late",
)
def _periodic_overlaps(ref: Patches) -> None:
    started: list[Any] = []

    def start(self: Any, right: Callable[[], Any]) -> None:
        result = right()
        if inspect.isawaitable(result):
            started.append(asyncio.ensure_future(result))

    _periodic(ref, start)


@saboteur(
    "periodic-stops-at-errors",
    "A PeriodicCallback stops when its function fails.",
    chapters="core.timers",
    kills="loop.periodic.survives-errors",
)
def _periodic_stops(ref: Patches) -> None:
    def stop(self: Any, right: Callable[[], Any]) -> Any:
        try:
            return right()
        except Exception:
            self.stop()
            raise

    _periodic(ref, stop)
