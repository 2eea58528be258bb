"""Saboteurs of the chapter on locks."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.coroutines import settle
from conformance.saboteurs.queues import done


def both(ref: Patches) -> tuple[Any, Any]:
    """Return the classes that have an ``acquire`` of their own; BoundedSemaphore inherits it."""
    return ref.locks.Lock, ref.locks.Semaphore


def change_value(ref: Patches, change: Callable[[int], int], *kinds: str) -> None:
    """Let semaphores of these kinds begin with ``change(value)``."""
    for kind in kinds:
        original = getattr(ref.locks, kind).__init__

        def lying(self: Any, value: int = 1, original: Any = original) -> None:
            original(self, change(value))

        ref.replace(getattr(ref.locks, kind), "__init__", lying)


# -- holding ----------------------------------------------------------------------------------------------------------


@saboteur(
    "lock-begins-locked",
    "A Lock begins locked.",
    chapters="core.locks",
    kills="locks.lock.begins-unlocked",
)
def _begin_locked(ref: Patches) -> None:
    original = ref.locks.Lock.__init__

    def lying(self: Any) -> None:
        original(self)
        self.acquire()

    ref.replace(ref.locks.Lock, "__init__", lying)


@saboteur(
    "lock-lets-everyone-in",
    "Acquiring a Lock never waits.",
    chapters="core.locks",
    kills=("locks.lock.one-at-a-time", "locks.lock.not-reentrant"),
)
def _let_in(ref: Patches) -> None:
    ref.replace(ref.locks.Lock, "acquire", lambda self, timeout=None: done(ref, contextlib.nullcontext()))
    ref.replace(ref.locks.Lock, "release", lambda self: None)


@saboteur(
    "lock-is-reentrant",
    "A coroutine may acquire the Lock it holds.",
    chapters="core.locks",
    kills="locks.lock.not-reentrant",
)
def _reentrant(ref: Patches) -> None:
    original = ref.locks.Lock.acquire
    holders: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()

    def acquire(self: Any, timeout: Any = None) -> Any:
        task = asyncio.current_task()
        if holders.get(self) is task:
            return done(ref, contextlib.nullcontext())
        holders[self] = task
        return original(self, timeout)

    ref.replace(ref.locks.Lock, "acquire", acquire)


@saboteur(
    "release-comes-late",
    "release() takes effect in the next turn of the loop.",
    chapters="core.locks",
    kills="locks.lock.goes-to-who-waits",
)
def _release_late(ref: Patches) -> None:
    for kind in both(ref):
        original = kind.release

        def lying(self: Any, original: Any = original) -> None:
            asyncio.get_running_loop().call_soon(original, self)

        ref.replace(kind, "release", lying)


@saboteur(
    "unlocked-release-is-patient",
    "release() of a Lock that is not locked does nothing.",
    chapters="core.locks",
    kills="locks.lock.release-unlocked",
)
def _patient(ref: Patches) -> None:
    original = ref.locks.Lock.release

    def release(self: Any) -> None:
        with contextlib.suppress(RuntimeError):
            original(self)

    ref.replace(ref.locks.Lock, "release", release)


@saboteur(
    "semaphore-is-a-lock",
    "A semaphore has one permit at most.",
    chapters="core.locks",
    kills=("locks.semaphore.as-many-as-its-value", "locks.semaphore.counts"),
)
def _one_permit(ref: Patches) -> None:
    change_value(ref, lambda value: min(1, value), "Semaphore")


@saboteur(
    "semaphore-has-one-more",
    "A semaphore begins with a permit more than its value.",
    chapters="core.locks",
    kills=("locks.semaphore.one-by-default", "locks.semaphore.zero"),
)
def _one_more(ref: Patches) -> None:
    change_value(ref, lambda value: value + 1, "Semaphore")


@saboteur(
    "negative-semaphore-is-zero",
    "A semaphore with a negative value begins with 0.",
    chapters="core.locks",
    kills="locks.semaphore.negative",
)
def _negative(ref: Patches) -> None:
    change_value(ref, lambda value: max(0, value), "Semaphore", "BoundedSemaphore")


@saboteur(
    "bounded-semaphore-has-no-bound",
    "A BoundedSemaphore may be released as often as one likes.",
    chapters="core.locks",
    kills="locks.bounded-semaphore.release-too-often",
)
def _no_bound(ref: Patches) -> None:
    ref.replace(ref.locks.BoundedSemaphore, "release", ref.locks.Semaphore.release)


@saboteur(
    "lock-is-a-semaphore",
    "A Lock is a BoundedSemaphore.",
    chapters="core.locks",
    kills=(
        "locks.bounded-semaphore.is-a-semaphore",
        "locks.lock.release-unlocked",
        "locks.context.released-meanwhile",
    ),
)
def _lock_is_semaphore(ref: Patches) -> None:
    ref.replace(ref.locks, "Lock", ref.locks.BoundedSemaphore)


# -- as contexts ------------------------------------------------------------------------------------------------------


@saboteur(
    "async-with-binds-the-lock",
    "``async with lock as x`` binds the lock.",
    chapters="core.locks",
    kills="locks.context.async-with",
)
def _bind(ref: Patches) -> None:
    async def enter(self: Any) -> Any:
        await self.acquire()
        return self

    for kind in both(ref):
        ref.replace(kind, "__aenter__", enter)


@saboteur(
    "async-with-does-not-wait",
    "``async with`` goes on when the lock is held by somebody else.",
    chapters="core.locks",
    kills="locks.context.async-with-waits",
)
def _enter_at_once(ref: Patches) -> None:
    async def enter(self: Any) -> None:
        self.acquire()

    for kind in both(ref):
        ref.replace(kind, "__aenter__", enter)


@saboteur(
    "acquire-gives-nothing",
    "The Future of acquire() gives None.",
    chapters="core.locks",
    kills=("locks.context.yielded", "locks.context.awaited", "locks.context.released-by-errors"),
)
def _give_nothing(ref: Patches) -> None:
    for kind in both(ref):
        original = kind.acquire

        def acquire(self: Any, timeout: Any = None, original: Any = original) -> Any:
            return settle(original(self, timeout), ref.concurrent.Future(), lambda _: None)

        ref.replace(kind, "acquire", acquire)


@saboteur(
    "errors-keep-the-lock",
    "An exception that leaves an ``async with`` block leaves the lock locked.",
    chapters="core.locks",
    kills=("locks.context.released-by-errors", "locks.context.released-by-cancelling"),
)
def _keep(ref: Patches) -> None:
    async def leave(self: Any, typ: Any, value: Any, tb: Any) -> None:
        if typ is None:
            self.release()

    for kind in both(ref):
        ref.replace(kind, "__aexit__", leave)


@saboteur(
    "plain-with-is-taken",
    "A plain ``with lock:`` runs its block, locked or not.",
    chapters="core.locks",
    kills="locks.context.plain-with",
)
def _plain_with(ref: Patches) -> None:
    for kind in both(ref):
        ref.replace(kind, "__enter__", lambda self: None)
        ref.replace(kind, "__exit__", lambda self, *error: None)


@saboteur(
    "lock-texts-are-silent",
    "The texts of locks, events and conditions tell nothing about them.",
    chapters="core.locks",
    kills=("locks.repr.state", "locks.repr.event", "locks.repr.condition"),
)
def _silent(ref: Patches) -> None:
    for kind in (*both(ref), ref.locks.Event, ref.locks.Condition):
        ref.replace(kind, "__repr__", object.__repr__)


# -- events -----------------------------------------------------------------------------------------------------------


@saboteur(
    "event-begins-set",
    "An Event begins set.",
    chapters="core.locks",
    kills="locks.event.flag",
)
def _begin_set(ref: Patches) -> None:
    original = ref.locks.Event.__init__

    def lying(self: Any) -> None:
        original(self)
        self.set()

    ref.replace(ref.locks.Event, "__init__", lying)


@saboteur(
    "event-resets-itself",
    "A wait() that finds the Event set clears it.",
    chapters="core.locks",
    kills="locks.event.set-already",
)
def _reset(ref: Patches) -> None:
    original = ref.locks.Event.wait

    def wait(self: Any, timeout: Any = None) -> Any:
        waiting = original(self, timeout)
        if self.is_set():
            self.clear()
        return waiting

    ref.replace(ref.locks.Event, "wait", wait)


@saboteur(
    "event-stays-set",
    "clear() does nothing.",
    chapters="core.locks",
    kills=("locks.event.clear-blocks-again", "locks.event.flag"),
)
def _stay_set(ref: Patches) -> None:
    ref.replace(ref.locks.Event, "clear", lambda self: None)


@saboteur(
    "event-is-set-late",
    "set() takes effect in the next turn of the loop.",
    chapters="core.locks",
    kills="locks.event.set-and-clear",
)
def _set_late(ref: Patches) -> None:
    original = ref.locks.Event.set
    ref.replace(ref.locks.Event, "set", lambda self: asyncio.get_running_loop().call_soon(original, self))


# -- conditions -------------------------------------------------------------------------------------------------------


@saboteur(
    "notify-wakes-one-more",
    "notify(n) wakes n + 1.",
    chapters="core.locks",
    kills=("locks.condition.notify", "locks.condition.notify-none"),
)
def _notify_more(ref: Patches) -> None:
    original = ref.locks.Condition.notify
    ref.replace(ref.locks.Condition, "notify", lambda self, n=1: original(self, n + 1))


@saboteur(
    "notify-all-wakes-one",
    "notify_all() wakes the one that waits longest.",
    chapters="core.locks",
    kills="locks.condition.notify-all",
)
def _notify_one(ref: Patches) -> None:
    original = ref.locks.Condition.notify
    ref.replace(ref.locks.Condition, "notify_all", lambda self: original(self, 1))


@saboteur(
    "notify-is-remembered",
    "When nobody waits, a notification is kept for who comes next.",
    chapters="core.locks",
    kills="locks.condition.notify-more-than-wait",
)
def _remember(ref: Patches) -> None:
    wait_original, notify_original = ref.locks.Condition.wait, ref.locks.Condition.notify
    kept: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()

    def notify(self: Any, n: int = 1) -> None:
        if "waiters" not in repr(self):
            kept[self] = n
        notify_original(self, n)

    def wait(self: Any, timeout: Any = None) -> Any:
        return done(ref, True) if kept.pop(self, 0) else wait_original(self, timeout)

    ref.replace(ref.locks.Condition, "notify", notify)
    ref.replace(ref.locks.Condition, "wait", wait)


@saboteur(
    "condition-timeout-raises",
    "A wait() of a Condition raises TimeoutError at its deadline.",
    chapters="core.locks",
    kills="locks.condition.timeout-answers-false",
)
def _raise(ref: Patches) -> None:
    original = ref.locks.Condition.wait

    async def judged(waiting: Any) -> bool:
        if not await waiting:
            raise ref.util.TimeoutError
        return True

    def wait(self: Any, timeout: Any = None) -> Any:
        return ref.gen.convert_yielded(judged(original(self, timeout)))

    ref.replace(ref.locks.Condition, "wait", wait)


@saboteur(
    "notify-comes-late",
    "notify() takes effect a second later.",
    chapters="core.locks",
    kills=("locks.condition.two-sides", "locks.condition.notify"),
)
def _notify_late(ref: Patches) -> None:
    original = ref.locks.Condition.notify

    def notify(self: Any, n: int = 1) -> None:
        asyncio.get_running_loop().call_later(1, original, self, n)

    ref.replace(ref.locks.Condition, "notify", notify)
