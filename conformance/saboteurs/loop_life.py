"""Saboteurs of the chapter on the loop: which loop is current, how it runs, what it does about failures."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.loop import wrap_method

Lie = Callable[[Callable[[Patches], None]], Callable[[Patches], None]]


def loop_lie(name: str, lie: str, *kills: str, chapters: str = "core.loop") -> Lie:
    """Register a saboteur of the loop's chapters; ``kills`` are ids without what they have in common."""
    return saboteur(name, lie, chapters=chapters, kills=tuple(f"loop.{one}" for one in kills))


def instead(ref: Patches, name: str, lie: Callable[..., Any]) -> None:
    """Answer calls of the method ``name`` of loops with ``lie(original, self, *arguments)``."""

    def wrapper(original: Callable[..., Any]) -> Callable[..., Any]:
        def lying(self: Any, *args: Any, **kwargs: Any) -> Any:
            return lie(original, self, *args, **kwargs)

        return lying

    wrap_method(ref, name, wrapper)


def static(ref: Patches, name: str, lie: Callable[..., Any]) -> None:
    """Answer calls of the static method ``name`` of IOLoop with ``lie(original, *arguments)``."""
    original = getattr(ref.ioloop.IOLoop, name)
    ref.replace(ref.ioloop.IOLoop, name, staticmethod(lambda *args, **kwargs: lie(original, *args, **kwargs)))


def quietly(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call the original; return None if it raises."""
    with contextlib.suppress(Exception):
        return original(*args, **kwargs)


# -- which loop -------------------------------------------------------------------------------------------------------


@loop_lie("current-unstable", "IOLoop.current() is another object in each call.", "current.running")
def _(ref: Patches) -> None:
    class Copy:
        def __init__(self, io_loop: Any) -> None:
            self._io_loop = io_loop

        def __getattr__(self, name: str) -> Any:
            return getattr(self._io_loop, name)

    def lie(original: Any, instance: bool = True) -> Any:
        io_loop = original(instance)
        return io_loop if io_loop is None else Copy(io_loop)

    static(ref, "current", lie)


@loop_lie("current-never-none", "IOLoop.current(instance=False) makes a loop.", "current.made-on-demand")
def _(ref: Patches) -> None:
    static(ref, "current", lambda original, instance=True: original())


@loop_lie("one-loop-for-all-threads", "Only one thread may run a loop at a time.", "current.one-in-each-thread")
def _(ref: Patches) -> None:
    lock = threading.Lock()

    def lie(original: Any, self: Any) -> None:
        with lock:
            original(self)

    instead(ref, "start", lie)


@loop_lie("new-loop-is-current", "IOLoop(make_current=False) becomes current.", "current.new-loop")
def _(ref: Patches) -> None:
    original = ref.ioloop.IOLoop.initialize
    ref.replace(ref.ioloop.IOLoop, "initialize", lambda self, make_current=True: original(self, make_current=True))


@loop_lie("make-current-without-effect", "make_current() does nothing but warn.", "current.made-by-hand")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any) -> None:
        warnings.warn("make_current: a loop is current while it runs", DeprecationWarning, stacklevel=3)

    instead(ref, "make_current", lie)


@loop_lie("current-warns", "IOLoop.current() warns that it is deprecated.", "current.without-warnings")
def _(ref: Patches) -> None:
    def lie(original: Any, instance: bool = True) -> Any:
        warnings.warn("IOLoop.current is deprecated", DeprecationWarning, stacklevel=3)
        return original(instance)

    static(ref, "current", lie)


# -- running ----------------------------------------------------------------------------------------------------------


@loop_lie("stop-forgotten-before-start", "stop() before start() has no effect.", "stop.before-start")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any) -> None:
        if self.asyncio_loop.is_running():
            original(self)

    instead(ref, "stop", lie)


@loop_lie("start-refuses-quietly", "start() and run_sync() do nothing inside a loop.", "start.one-at-a-time")
def _(ref: Patches) -> None:
    instead(ref, "start", quietly)
    instead(ref, "run_sync", quietly)


@loop_lie("close-refuses-quietly", "close() does nothing while the loop runs.", "close.while-running")
def _(ref: Patches) -> None:
    instead(ref, "close", quietly)


@loop_lie("closed-loop-mute", "A closed loop ignores timers and starts.", "close.use-after-close")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        return None if self.asyncio_loop.is_closed() else original(self, *args, **kwargs)

    for name in ("start", "run_sync", "call_later"):
        instead(ref, name, lie)


@loop_lie("loop-time-monotonic", "time() counts from the start of the machine.", "time.scale")
def _(ref: Patches) -> None:
    instead(ref, "time", lambda original, self: time.monotonic())


@loop_lie(
    "run-sync-takes-values", "run_sync() returns whatever the function returns.", "run-sync.needs-something-to-wait-for"
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, func: Any, timeout: Any = None) -> Any:
        try:
            return original(self, func, timeout)
        except ref.gen.BadYieldError:
            return func()

    instead(ref, "run_sync", lie)


@loop_lie("run-sync-lets-go-on", "run_sync() gives up at its timeout, but does not cancel.", "run-sync.timeout-cancels")
def _(ref: Patches) -> None:
    instead(
        ref,
        "run_sync",
        lambda original, self, func, timeout=None: original(
            self, func if timeout is None else lambda: asyncio.shield(ref.gen.convert_yielded(func())), timeout
        ),
    )


@loop_lie("executor-eats-errors", "run_in_executor() gives None for a function that fails.", "run-in-executor.outcome")
def _(ref: Patches) -> None:
    instead(
        ref,
        "run_in_executor",
        lambda original, self, executor, func, *args: original(self, executor, quietly, func, *args),
    )


@loop_lie("default-executor-fixed", "set_default_executor() does nothing.", "run-in-executor.outcome")
def _(ref: Patches) -> None:
    instead(ref, "set_default_executor", lambda original, self, executor: None)


# -- what goes wrong --------------------------------------------------------------------------------------------------


@loop_lie("failures-silent", "Exceptions of callbacks are not logged.", "failure.logged", "failure.of-one-waiter")
def _(ref: Patches) -> None:
    instead(ref, "handle_callback_exception", lambda original, self, callback: None)


@loop_lie("failure-stops-the-loop", "The loop stops when a callback fails.", "failure.logged")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, callback: Any) -> None:
        original(self, callback)
        self.stop()

    instead(ref, "handle_callback_exception", lie)


@loop_lie(
    "failure-loses-waiters",
    "One failing callback of a Future keeps the others from being called.",
    "failure.of-one-waiter",
)
def _(ref: Patches) -> None:
    failed: list[Any] = []

    def lie(original: Any, self: Any, future: Any, callback: Any) -> None:
        def guarded(done: Any) -> None:
            if done in failed:
                return
            try:
                callback(done)
            except Exception:
                failed.append(done)
                raise

        original(self, future, guarded)

    instead(ref, "add_future", lie)


@loop_lie("cancelled-logged-as-error", "A cancelled coroutine is logged as a failure.", "failure.cancelled-callback")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, callback: Any, *args: Any, **kwargs: Any) -> None:
        async def guarded() -> None:
            try:
                await ref.gen.convert_yielded(callback(*args, **kwargs))
            except asyncio.CancelledError:
                raise RuntimeError("cancelled") from None

        original(self, guarded)

    instead(ref, "spawn_callback", lie)


@loop_lie("add-callback-takes-anything", "add_callback() takes what cannot be called.", "failure.not-callable")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, callback: Any, *args: Any, **kwargs: Any) -> None:
        if callable(callback):
            original(self, callback, *args, **kwargs)

    instead(ref, "add_callback", lie)


# -- threads, signals, processes --------------------------------------------------------------------------------------


@loop_lie(
    "threads-out-of-order", "Callbacks of other threads are called in reverse order.", "add-callback.from-many-threads"
)
def _(ref: Patches) -> None:
    waiting: list[Any] = []

    def run(self: Any) -> None:
        while waiting:
            waiting.pop()()

    def lie(original: Any, self: Any, callback: Any, *args: Any, **kwargs: Any) -> None:
        if threading.current_thread() is threading.main_thread():
            original(self, callback, *args, **kwargs)
        else:
            waiting.append(lambda: callback(*args, **kwargs))
            original(self, run, self)

    instead(ref, "add_callback", lie)


@loop_lie("signals-unheard", "add_callback_from_signal() only warns.", "add-callback-from-signal.wakes-the-loop")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, callback: Any, *args: Any) -> None:
        warnings.warn("add_callback_from_signal is deprecated", DeprecationWarning, stacklevel=3)

    instead(ref, "add_callback_from_signal", lie)


@loop_lie("fork-unnoticed", "A forked child uses its parent's loop.", "fork.refused-in-child")
def _(ref: Patches) -> None:
    instead(ref, "start", lambda original, self: self.asyncio_loop.run_forever())
    instead(ref, "run_sync", lambda original, self, func, timeout=None: func())
    instead(ref, "add_callback", lambda original, self, callback: self.asyncio_loop.call_soon(callback))


@loop_lie(
    "fork-closes-the-parents-loop",
    "A forked child takes what its parent watches out of the epoll object.",
    "fork.parent-unharmed",
)
def _(ref: Patches) -> None:
    started: list[Any] = []

    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        started.append(getattr(self.asyncio_loop, "_selector", None))
        return original(self, *args, **kwargs)

    def forked() -> None:
        for selector in started:
            for key in [*selector.get_map().values()]:
                selector.unregister(key.fileobj)

    instead(ref, "run_sync", lie)
    os.register_at_fork(after_in_child=forked)
