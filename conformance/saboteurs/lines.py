"""Saboteurs of the chapter on waiting in line. Each lies about one of the methods that wait, or about several."""

from __future__ import annotations

import asyncio
import math
import weakref
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.coroutines import settle
from conformance.saboteurs.queues import done, seconds, stand_in

CHAPTER = "core.lines"


def change_timeout(ref: Patches, change: Callable[[Any], Any]) -> None:
    """Let all that waits for permits, events and conditions use ``change(timeout)`` for a timeout that is not None."""
    locks = ref.locks
    for kind, name in ((locks.Lock, "acquire"), (locks.Semaphore, "acquire"), (locks.Event, "wait")):
        original = getattr(kind, name)

        def lying(self: Any, timeout: Any = None, original: Any = original) -> Any:
            return original(self, timeout if timeout is None else change(timeout))

        ref.replace(kind, name, lying)


def change_wait(ref: Patches, change: Callable[[Any, Any], Any]) -> None:
    """Let ``Semaphore.acquire`` return ``change(semaphore, wait)`` in place of its future, where that has to wait."""
    original = ref.locks.Semaphore.acquire

    def acquire(self: Any, timeout: Any = None) -> Any:
        wait = original(self, timeout)
        return wait if wait.done() else change(self, wait)

    ref.replace(ref.locks.Semaphore, "acquire", acquire)


# -- being served -----------------------------------------------------------------------------------------------------


@saboteur(
    "wake-up-takes-a-second",
    "Who waits for an Event goes on a second after it was set.",
    chapters=CHAPTER,
    kills=("lines.serve.yield-and-await", "lines.deadline.in-time"),
)
def _take_a_second(ref: Patches) -> None:
    original = ref.locks.Event.wait

    async def late(wait: Any) -> None:
        await wait
        await asyncio.sleep(1)

    def wait(self: Any, timeout: Any = None) -> Any:
        return ref.gen.convert_yielded(late(original(self, timeout)))

    ref.replace(ref.locks.Event, "wait", wait)


@saboteur(
    "last-waiter-first",
    "notify() wakes the coroutine that waits for the shortest time.",
    chapters=CHAPTER,
    kills=("lines.serve.in-order-of-arrival", "lines.serve.one-at-a-time"),
)
def _last_first(ref: Patches) -> None:
    waiting: weakref.WeakKeyDictionary[Any, list[Any]] = weakref.WeakKeyDictionary()

    def wait(self: Any, timeout: Any = None) -> Any:
        waiting.setdefault(self, []).append(ref.concurrent.Future())
        return waiting[self][-1]

    def notify(self: Any, n: int = 1) -> None:
        for _ in range(min(n, len(waiting.get(self, [])))):
            waiting[self].pop().set_result(True)

    ref.replace(ref.locks.Condition, "wait", wait)
    ref.replace(ref.locks.Condition, "notify", notify)


@saboteur(
    "notify-wakes-everyone",
    "notify() wakes everyone.",
    chapters=CHAPTER,
    kills="lines.serve.one-at-a-time",
)
def _notify_everyone(ref: Patches) -> None:
    ref.replace(ref.locks.Condition, "notify", lambda self, n=1: self.notify_all())


@saboteur(
    "event-wakes-one",
    "set() wakes one of those who wait.",
    chapters=CHAPTER,
    kills="lines.serve.everyone",
)
def _wake_one(ref: Patches) -> None:
    original = ref.locks.Event.set
    waiting: weakref.WeakKeyDictionary[Any, list[Any]] = weakref.WeakKeyDictionary()

    def wait(self: Any, timeout: Any = None) -> Any:
        waiting.setdefault(self, []).append(ref.concurrent.Future())
        return waiting[self][-1]

    def set_one(self: Any) -> None:
        original(self)
        if waiting.get(self):
            waiting[self].pop(0).set_result(None)

    ref.replace(ref.locks.Event, "wait", wait)
    ref.replace(ref.locks.Event, "set", set_one)


@saboteur(
    "event-does-not-wait",
    "Waiting for an Event does not wait.",
    chapters=CHAPTER,
    kills=("lines.serve.in-a-later-turn", "lines.deadline.kept"),
)
def _not_wait(ref: Patches) -> None:
    ref.replace(ref.locks.Event, "wait", lambda self, timeout=None: done(ref))


# -- deadlines --------------------------------------------------------------------------------------------------------


@saboteur(
    "lock-deadlines-are-spans",
    "Locks take a number for seconds from now instead of a point in time.",
    chapters=CHAPTER,
    kills="lines.deadline.kept",
)
def _spans(ref: Patches) -> None:
    def span(timeout: Any) -> Any:
        return timeout if isinstance(timeout, timedelta) else timedelta(seconds=min(timeout, 86400))

    change_timeout(ref, span)


@saboteur(
    "past-deadlines-wait-a-minute",
    "A deadline that has passed ends the wait after a minute.",
    chapters=CHAPTER,
    kills="lines.deadline.past",
)
def _wait_a_minute(ref: Patches) -> None:
    change_timeout(ref, lambda timeout: timeout if seconds(timeout) > 0 else timedelta(minutes=1))


@saboteur(
    "past-deadlines-end-everything",
    "With a deadline that has passed even a free Lock cannot be acquired.",
    chapters=CHAPTER,
    kills="lines.deadline.past-and-free",
)
def _end_everything(ref: Patches) -> None:
    original = ref.locks.Lock.acquire

    def acquire(self: Any, timeout: Any = None) -> Any:
        if timeout is None or seconds(timeout) > 0:
            return original(self, timeout)
        future = ref.concurrent.Future()
        future.set_exception(ref.util.TimeoutError())
        return future

    ref.replace(ref.locks.Lock, "acquire", acquire)


@saboteur(
    "nan-is-no-deadline",
    "With not-a-number as deadline a wait waits for ever.",
    chapters=CHAPTER,
    kills="lines.deadline.not-a-number",
)
def _nan(ref: Patches) -> None:
    def change(timeout: Any) -> Any:
        return None if isinstance(timeout, float) and math.isnan(timeout) else timeout

    change_timeout(ref, change)


@saboteur(
    "odd-deadlines-are-none",
    "With a deadline that is neither a number nor a timedelta a wait waits for ever.",
    chapters=CHAPTER,
    kills="lines.deadline.wrong-type",
)
def _odd(ref: Patches) -> None:
    change_timeout(ref, lambda timeout: timeout if isinstance(timeout, int | float | timedelta) else None)


@saboteur(
    "timed-out-acquire-takes-a-permit",
    "An acquire() that timed out still takes a permit.",
    chapters=CHAPTER,
    kills=("lines.deadline.leaves-the-line", "lines.deadline.nothing-is-lost"),
)
def _late_acquire(ref: Patches) -> None:
    original = ref.locks.Semaphore.acquire

    def acquire(self: Any, timeout: Any = None) -> Any:
        wait = original(self)
        if timeout is None or wait.done():
            return wait
        future = settle(wait, ref.concurrent.Future())

        def give_up() -> None:
            if not future.done():
                future.set_exception(ref.util.TimeoutError())

        asyncio.get_running_loop().call_later(seconds(timeout), give_up)
        return future

    ref.replace(ref.locks.Semaphore, "acquire", acquire)


# -- cancelling -------------------------------------------------------------------------------------------------------


@saboteur(
    "cancelled-acquire-takes-a-permit",
    "An acquire() that was cancelled still takes a permit.",
    chapters=CHAPTER,
    kills="lines.cancel.leaves-the-line",
)
def _cancelled_acquire(ref: Patches) -> None:
    change_wait(ref, lambda semaphore, wait: settle(wait, ref.concurrent.Future()))


@saboteur(
    "wake-up-dies-with-its-task",
    "A permit that was given to a coroutine that is cancelled in the same turn is lost.",
    chapters=CHAPTER,
    kills=("lines.cancel.wake-up-goes-to-the-next", "lines.cancel.nothing-is-lost"),
)
def _die(ref: Patches) -> None:
    change_wait(ref, lambda semaphore, wait: stand_in(ref, wait))


class Releasing(asyncio.Future[Any]):
    """A Future that calls ``release`` when the coroutine that awaits it is cancelled after it was done."""

    release: Callable[[], Any]

    def __await__(self) -> Any:
        try:
            return (yield from super().__await__())
        except asyncio.CancelledError:
            if not self.cancelled():
                self.release()
            raise


@saboteur(
    "cancelled-timeouts-release",
    "A coroutine that is cancelled in the turn in which its acquire() timed out releases a permit it never had.",
    chapters=CHAPTER,
    kills="lines.cancel.timed-out-in-the-same-turn",
)
def _release_nothing(ref: Patches) -> None:
    def releasing(semaphore: Any, wait: Any) -> Any:
        future = Releasing()
        future.release = semaphore.release
        return settle(wait, future)

    change_wait(ref, releasing)


# -- memory -----------------------------------------------------------------------------------------------------------


@saboteur(
    "waits-are-kept",
    "The futures of all waits for permits are kept, whatever becomes of them.",
    chapters=CHAPTER,
    kills=("lines.memory.timed-out-waits", "lines.memory.cancelled-waits"),
)
def _keep(ref: Patches) -> None:
    kept = []

    def keep(semaphore: Any, wait: Any) -> Any:
        kept.append(wait)
        return wait

    change_wait(ref, keep)
