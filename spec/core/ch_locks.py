"""Locks

Between two ``await`` a coroutine is alone: nothing else runs in its thread, and most data needs no lock. ``locks`` is
for the rest, where coroutines have to agree over several steps.

A ``Lock`` belongs to one coroutine at a time. A ``Semaphore`` hands out a number of permits, and a ``BoundedSemaphore``
notices when one is given back too often. A native coroutine holds any of them with ``async with``; a decorated one
writes ``with (yield lock.acquire()):``. A plain ``with lock:`` cannot wait, so it is refused.

An ``Event`` is a flag to wait for. A ``Condition`` remembers nothing: a notification reaches those who wait at that
moment, one or several or all of them.

How waits end, by deadline or by cancelling, is the subject of the next chapter.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from conformance import api, compat, doc, each, labelled, must, observed
from conformance.blocked import fails_with
from conformance.standins import turns

LOCKS = [
    labelled("Lock", lambda: api.locks.Lock()),
    labelled("Semaphore", lambda: api.locks.Semaphore()),
    labelled("BoundedSemaphore", lambda: api.locks.BoundedSemaphore(1)),
]
SEMAPHORES = [
    labelled("Semaphore", lambda value: api.locks.Semaphore(value)),
    labelled("BoundedSemaphore", lambda value: api.locks.BoundedSemaphore(value)),
]


def permits(semaphore: Any) -> int:
    """Take all permits that are there, and return their number."""
    number = 0
    while (attempt := semaphore.acquire()).done():
        number += 1
    attempt.cancel()
    return number


async def held(lock: Any) -> bool:
    """Whether somebody holds the lock; a lock that is free is free afterwards."""
    attempt = lock.acquire()
    if attempt.done():
        lock.release()
        return False
    attempt.cancel()
    await turns()
    return True


# -- holding ----------------------------------------------------------------------------------------------------------


@must(
    "locks.lock.begins-unlocked",
    "A Lock begins unlocked: acquire() locks it at once, release() unlocks it.",
    doc("locks.Lock"),
)
async def test_begins_unlocked():
    lock = api.locks.Lock()
    for _ in range(2):
        assert lock.acquire().done()
        assert await held(lock)
        lock.release()
        assert not await held(lock)


@must(
    "locks.lock.one-at-a-time",
    "While one coroutine holds a Lock, all others wait, each until the one before it releases.",
    doc("locks.Lock"),
)
async def test_one_at_a_time(clock):
    lock = api.locks.Lock()
    story = []

    async def work(name):
        await lock.acquire()
        story.append((name, clock.elapsed))
        await api.gen.sleep(10)
        lock.release()

    await asyncio.gather(*(work(name) for name in "abc"))
    assert story == [("a", 0), ("b", 10), ("c", 20)]


@must(
    "locks.lock.not-reentrant",
    "A coroutine that acquires the Lock it holds waits, like any other.",
    doc("locks.Lock"),
)
async def test_not_reentrant(clock):
    lock = api.locks.Lock()
    await lock.acquire()
    with pytest.raises(api.util.TimeoutError):
        await lock.acquire(timeout=timedelta(seconds=5))
    assert clock.elapsed == 5
    lock.release()
    assert not await held(lock)


@compat(
    "locks.lock.goes-to-who-waits",
    "A released lock belongs to the one that waited longest at once: whoever comes in between waits behind.",
    observed("core-locks"),
)
@each(make=LOCKS)
async def test_goes_to_who_waits(make):
    lock = make()
    await lock.acquire()
    waiting = lock.acquire()
    lock.release()
    late = lock.acquire()
    assert (waiting.done(), late.done()) == (True, False)
    lock.release()
    assert late.done()


@must(
    "locks.lock.release-unlocked",
    "release() of a Lock that is not locked raises RuntimeError, and the Lock can be used as before.",
    doc("locks.Lock.release"),
)
async def test_release_unlocked():
    lock = api.locks.Lock()
    for _ in range(2):
        with pytest.raises(RuntimeError):
            lock.release()
        assert lock.acquire().done()
        assert await held(lock)
        lock.release()


@must(
    "locks.semaphore.as-many-as-its-value",
    "As many coroutines as its value hold a semaphore at a time.",
    doc("locks.Semaphore"),
    doc("locks.BoundedSemaphore"),
)
@each(make=SEMAPHORES)
async def test_value(clock, make):
    semaphore = make(3)
    begun = []

    async def work():
        async with semaphore:
            begun.append(clock.elapsed)
            await api.gen.sleep(10)

    await asyncio.gather(*(work() for _ in range(8)))
    assert begun == [0, 0, 0, 10, 10, 10, 20, 20]


@must(
    "locks.semaphore.one-by-default",
    "Without a value a semaphore has one permit.",
    doc("locks.Semaphore"),
    doc("locks.BoundedSemaphore"),
)
@each(kind=["Semaphore", "BoundedSemaphore"])
async def test_one_by_default(kind):
    assert permits(getattr(api.locks, kind)()) == 1


@must(
    "locks.semaphore.zero",
    "A Semaphore with the value 0 has no permit until the first release().",
    doc("locks.Semaphore"),
)
async def test_zero(clock):
    semaphore = api.locks.Semaphore(0)
    api.ioloop.IOLoop.current().call_later(60, semaphore.release)
    await semaphore.acquire()
    assert clock.elapsed == 60
    assert permits(semaphore) == 0


@must(
    "locks.semaphore.negative",
    "A semaphore with a negative value is refused with ValueError.",
    doc("locks.Semaphore"),
)
@each(make=SEMAPHORES)
def test_negative(make):
    for value in (-1, -100):
        assert fails_with(ValueError, lambda value=value: make(value))


@must(
    "locks.semaphore.counts",
    "The permits of a Semaphore are its releases, plus its value, less its acquisitions; releases may come first.",
    doc("locks.Semaphore"),
)
async def test_counts():
    semaphore = api.locks.Semaphore(2)
    for _ in range(3):
        semaphore.release()
    for _ in range(4):
        assert semaphore.acquire().done()
    semaphore.release()
    assert permits(semaphore) == 2


@must(
    "locks.bounded-semaphore.release-too-often",
    "release() of a BoundedSemaphore beyond its first value raises ValueError, and the value stays.",
    doc("locks.BoundedSemaphore.release"),
)
@each(value=[0, 1, 3])
async def test_release_too_often(value):
    semaphore = api.locks.BoundedSemaphore(value)
    for _ in range(2):
        with pytest.raises(ValueError):
            semaphore.release()
    if value:
        semaphore.acquire()
        semaphore.release()
        with pytest.raises(ValueError):
            semaphore.release()
    assert permits(semaphore) == value


@compat(
    "locks.bounded-semaphore.is-a-semaphore",
    "A BoundedSemaphore is a Semaphore; a Lock is not.",
    observed("core-locks"),
)
def test_is_a_semaphore():
    assert isinstance(api.locks.BoundedSemaphore(), api.locks.Semaphore)
    assert not isinstance(api.locks.Lock(), api.locks.Semaphore)


# -- as contexts ------------------------------------------------------------------------------------------------------


@must(
    "locks.context.async-with",
    "``async with`` holds a lock for its block, and binds nothing.",
    doc("locks.Lock"),
    doc("locks.Semaphore"),
)
@each(make=LOCKS)
async def test_async_with(make):
    lock = make()
    async with lock as bound:
        assert bound is None
        assert await held(lock)
    assert not await held(lock)


@must(
    "locks.context.async-with-waits",
    "``async with`` waits for a lock that another coroutine holds.",
    doc("locks.Lock"),
    doc("locks.Semaphore"),
)
@each(make=LOCKS)
async def test_async_with_waits(clock, make):
    lock = make()
    await lock.acquire()
    api.ioloop.IOLoop.current().call_later(60, lock.release)
    async with lock:
        assert clock.elapsed == 60
    assert not await held(lock)


@must(
    "locks.context.yielded",
    "``with (yield lock.acquire()):`` holds a lock for its block in a decorated coroutine.",
    doc("locks.Lock"),
    doc("locks.Semaphore.acquire"),
)
@each(make=LOCKS)
async def test_yielded(clock, make):
    lock = make()
    await lock.acquire()

    @api.gen.coroutine
    def work():
        with (yield lock.acquire()) as bound:
            assert clock.elapsed == 60
            assert bound is None
            assert (yield held(lock))

    api.ioloop.IOLoop.current().call_later(60, lock.release)
    await work()
    assert not await held(lock)


@must(
    "locks.context.awaited",
    "``with await lock.acquire():`` holds a lock for its block in a native coroutine.",
    doc("locks.Semaphore.acquire"),
)
@each(make=LOCKS)
async def test_awaited(make):
    lock = make()
    with await lock.acquire():
        assert await held(lock)
    assert not await held(lock)


@must(
    "locks.context.released-by-errors",
    "An exception that leaves the block releases the lock, and is raised on.",
    doc("locks.Lock"),
    doc("locks.Semaphore"),
)
@each(make=LOCKS)
@each(style=["async-with", "with"])
async def test_released_by_errors(make, style):
    lock = make()

    async def work():
        if style == "async-with":
            async with lock:
                raise KeyError("inside")
        with await lock.acquire():
            raise KeyError("inside")

    with pytest.raises(KeyError, match="inside"):
        await work()
    assert not await held(lock)


@must(
    "locks.context.released-by-cancelling",
    "A coroutine that is cancelled inside the block releases the lock.",
    doc("locks.Lock"),
    doc("locks.Semaphore"),
)
@each(make=LOCKS)
async def test_released_by_cancelling(clock, make):
    lock = make()

    async def work():
        async with lock:
            await api.gen.sleep(3600)

    working = asyncio.ensure_future(work())
    await turns()
    assert await held(lock)
    working.cancel()
    await turns()
    assert working.cancelled()
    assert not await held(lock)


@must(
    "locks.context.released-meanwhile",
    "Leaving the context of a Lock that was released inside raises the RuntimeError of release().",
    doc("locks.Lock.release"),
)
@each(style=["async-with", "with"])
async def test_released_meanwhile(style):
    lock = api.locks.Lock()

    async def work():
        if style == "async-with":
            async with lock:
                lock.release()
        else:
            with await lock.acquire():
                lock.release()

    with pytest.raises(RuntimeError):
        await work()
    assert not await held(lock)


@compat(
    "locks.context.plain-with",
    "A plain ``with lock:`` raises RuntimeError that names ``async with``; the lock stays as it is.",
    observed("core-locks"),
)
@each(make=LOCKS)
async def test_plain_with(make):
    lock = make()
    with pytest.raises(RuntimeError, match="async with"):
        with lock:
            raise AssertionError("the block must not run")
    assert not await held(lock)


@compat(
    "locks.repr.state",
    "The text of a lock tells its class, whether it is locked, and how many wait.",
    observed("core-locks"),
)
@each(make=LOCKS)
async def test_repr(make):
    lock = make()
    name = type(lock).__name__
    assert name in repr(lock)
    assert "[unlocked,value:1]" in repr(lock)
    lock.acquire()
    assert "[locked]" in repr(lock)
    waits = [lock.acquire(), lock.acquire()]
    assert "[locked,waiters:2]" in repr(lock)
    lock.release()
    assert waits[0].done()
    assert "[locked,waiters:1]" in repr(lock)


# -- events -----------------------------------------------------------------------------------------------------------


@must(
    "locks.event.flag",
    "An Event begins clear; set() and clear() change what is_set() returns, however often they are called.",
    doc("locks.Event"),
    doc("locks.Event.is_set"),
)
def test_flag():
    event = api.locks.Event()
    seen = [event.is_set()]
    for change in (event.set, event.set, event.clear, event.clear, event.set):
        change()
        seen.append(event.is_set())
    assert seen == [False, True, True, False, False, True]


@must(
    "locks.event.set-already",
    "While an Event is set, wait() is over at once.",
    doc("locks.Event.wait"),
    doc("locks.Event.set"),
)
async def test_set_already(clock):
    event = api.locks.Event()
    event.set()
    for _ in range(2):
        assert event.wait().done()
        assert await event.wait() is None
        await event.wait(timeout=timedelta(seconds=1))
    assert clock.elapsed == 0


@must(
    "locks.event.clear-blocks-again",
    "After clear(), wait() waits for the next set().",
    doc("locks.Event.clear"),
)
async def test_clear_blocks():
    event = api.locks.Event()
    event.set()
    event.clear()
    waiting = event.wait()
    await turns()
    assert not waiting.done()
    event.set()
    assert waiting.done()


@must(
    "locks.event.set-and-clear",
    "Who waits when set() is called is woken, even if clear() follows at once.",
    doc("locks.Event.set"),
)
async def test_set_and_clear():
    event = api.locks.Event()
    waiting = asyncio.ensure_future(event.wait())
    await turns()
    event.set()
    event.clear()
    late = event.wait()
    await turns()
    assert (waiting.done(), late.done()) == (True, False)


@compat(
    "locks.repr.event",
    "The text of an Event tells whether it is set.",
    observed("core-locks"),
)
def test_event_repr():
    event = api.locks.Event()
    texts = [repr(event)]
    event.set()
    texts.append(repr(event))
    assert texts == ["<Event clear>", "<Event set>"]


# -- conditions -------------------------------------------------------------------------------------------------------


@must(
    "locks.condition.notify",
    "notify(n) wakes the n that wait longest, one by default; wait() gives them True.",
    doc("locks.Condition.notify"),
    doc("locks.Condition.wait"),
)
@each(n=["default", 1, 2, 5])
async def test_notify(n):
    condition = api.locks.Condition()
    waits = [condition.wait() for _ in range(6)]
    if n == "default":
        condition.notify()
    else:
        condition.notify(n)
    woken = 1 if n == "default" else n
    await turns()
    assert [wait.done() for wait in waits] == [True] * woken + [False] * (6 - woken)
    assert all(wait.result() is True for wait in waits[:woken])


@must(
    "locks.condition.notify-all",
    "notify_all() wakes everyone that waits.",
    doc("locks.Condition.notify_all"),
)
async def test_notify_all():
    condition = api.locks.Condition()
    waits = [condition.wait() for _ in range(6)]
    condition.notify_all()
    assert await asyncio.gather(*waits) == [True] * 6


@must(
    "locks.condition.notify-more-than-wait",
    "notify() may name more than those that wait, or come when nobody waits; nothing is remembered.",
    doc("locks.Condition.notify"),
)
async def test_notify_more():
    condition = api.locks.Condition()
    condition.notify()
    condition.notify_all()
    first = condition.wait()
    assert not first.done()
    condition.notify(10)
    second = condition.wait()
    await turns()
    assert (first.done(), second.done()) == (True, False)


@must(
    "locks.condition.notify-none",
    "notify(0) wakes nobody.",
    doc("locks.Condition.notify"),
)
async def test_notify_none():
    condition = api.locks.Condition()
    waiting = condition.wait()
    condition.notify(0)
    await turns()
    assert not waiting.done()


@must(
    "locks.condition.timeout-answers-false",
    "A wait() whose deadline passes gives False, and takes no notification away from those who still wait.",
    doc("locks.Condition.wait"),
)
async def test_condition_timeout(clock):
    condition = api.locks.Condition()
    impatient = [condition.wait(timeout=timedelta(seconds=1)) for _ in range(3)]
    patient = [condition.wait() for _ in range(3)]
    assert await asyncio.gather(*impatient) == [False] * 3
    assert clock.elapsed == 1
    condition.notify(2)
    await turns()
    assert [wait.done() for wait in patient] == [True, True, False]


@must(
    "locks.condition.two-sides",
    "Two coroutines can hand the turn to each other with one Condition.",
    doc("locks.Condition"),
)
async def test_two_sides(clock):
    condition = api.locks.Condition()
    story = []

    async def waiter():
        story.append("waits")
        await condition.wait()
        story.append("done waiting")

    async def notifier():
        story.append("about to notify")
        condition.notify()
        story.append("done notifying")

    await api.gen.multi([waiter(), notifier()])
    assert story == ["waits", "about to notify", "done notifying", "done waiting"]
    assert clock.elapsed == 0


@compat(
    "locks.repr.condition",
    "The text of a Condition tells how many wait.",
    observed("core-locks"),
)
async def test_condition_repr():
    condition = api.locks.Condition()
    assert repr(condition) == "<Condition>"
    waits = [condition.wait() for _ in range(3)]
    assert repr(condition) == "<Condition waiters[3]>"
    condition.notify()
    assert waits[0].done()
    assert repr(condition) == "<Condition waiters[2]>"
