"""Waiting in line

Locks, semaphores, events, conditions and queues let coroutines wait, and all in the same way. ``acquire()``,
``wait()``, ``get()``, ``put()`` and ``join()`` return a Future, and who has to wait stands in line. What this chapter
says holds for each of the eight methods, so its cases run once for each.

A wait can end in three ways: it is served, its deadline passes, or it is cancelled. The last two must leave no trace. A
place in the line that nobody stands in any more would swallow a permit, an item or a notification that somebody else
waits for, and memory that grows with every timeout ends the program in time.

The narrow case is a coroutine that is cancelled in the very turn of the loop in which it was woken. It has been served,
and it will never know. What it was served with has to go to the next in line, or back to where it was.
"""

from __future__ import annotations

import asyncio
import gc
import time
import weakref
from datetime import timedelta

import pytest

from conformance import api, compat, doc, each, labelled, must, observed, should
from conformance.blocked import ACQUIRING, ALL, CONDITION, GET, ONE_BY_ONE, TOGETHER, ending, fails_with
from conformance.standins import DEADLINES, turns

#: Deadlines that have passed when they are set.
PAST = [
    labelled("an-hour-ago", lambda: time.time() - 3600),
    labelled("1970", lambda: 0),
    labelled("negative-span", lambda: timedelta(hours=-1)),
    labelled("no-span", lambda: timedelta(0)),
]


# -- being served -----------------------------------------------------------------------------------------------------


@must(
    "lines.serve.yield-and-await",
    "A wait can be yielded in a decorated coroutine and awaited in a native one; nothing else stops meanwhile.",
    doc("locks"),
    doc("queues"),
)
@each(kind=ALL)
@each(style=["yield", "await"])
async def test_styles(clock, kind, style):
    blocked = kind()

    @api.gen.coroutine
    def yielding():
        yield blocked.wait()

    async def awaiting():
        await blocked.wait()

    api.ioloop.IOLoop.current().call_later(60, blocked.serve)
    await (yielding() if style == "yield" else awaiting())
    assert clock.elapsed == 60


@compat(
    "lines.serve.in-order-of-arrival",
    "Who came first is served first.",
    observed("core-lines"),
)
@each(kind=ONE_BY_ONE)
async def test_in_order(kind):
    blocked = kind()
    served = []

    async def wait(name):
        await blocked.wait()
        served.append(name)

    waiting = [asyncio.ensure_future(wait(name)) for name in "abcd"]
    await turns()
    for _ in waiting:
        blocked.serve()
    await asyncio.gather(*waiting)
    assert served == ["a", "b", "c", "d"]


@compat(
    "lines.serve.one-at-a-time",
    "A release, a notification, an item or a free place lets exactly one of those who wait go on.",
    observed("core-lines"),
)
@each(kind=ONE_BY_ONE)
async def test_one_at_a_time(kind):
    blocked = kind()
    waits = [blocked.wait() for _ in range(4)]
    for number in range(1, 4):
        blocked.serve()
        await turns()
        assert [wait.done() for wait in waits] == [True] * number + [False] * (4 - number)


@must(
    "lines.serve.everyone",
    "When an event is set, or the last task is done, everyone who waits goes on.",
    doc("locks.Event.set"),
    doc("queues.Queue.join"),
)
@each(kind=TOGETHER)
async def test_everyone(kind):
    blocked = kind()
    waiting = [asyncio.ensure_future(ending(blocked.wait())) for _ in range(4)]
    await turns()
    blocked.serve()
    await turns()
    assert [one.done() and one.result() for one in waiting] == ["served"] * 4


@must(
    "lines.serve.in-a-later-turn",
    "Whoever is woken goes on in a later turn of the loop, not inside the call that wakes.",
    doc("locks.Condition"),
)
@each(kind=ALL)
async def test_later_turn(kind):
    blocked = kind()
    story = []

    async def wait():
        await blocked.wait()
        story.append("goes on")

    waiting = asyncio.ensure_future(wait())
    await turns()
    story.append("about to wake")
    blocked.serve()
    story.append("woke")
    await waiting
    assert story == ["about to wake", "woke", "goes on"]


# -- deadlines --------------------------------------------------------------------------------------------------------


@must(
    "lines.deadline.kept",
    "A wait ends at its deadline, a time or a span: with TimeoutError, that of a Condition with False.",
    doc("locks.Condition.wait"),
    doc("locks.Event.wait"),
    doc("locks.Semaphore.acquire"),
    doc("queues.Queue.get"),
)
@each(kind=ALL)
@each(deadline=DEADLINES)
async def test_deadline(clock, kind, deadline):
    blocked = kind()
    await api.gen.sleep(1000)
    assert await ending(blocked.wait(timeout=deadline(3600))) == "timed out"
    assert clock.elapsed == 4600


@must(
    "lines.deadline.in-time",
    "A wait that is served before its deadline is not disturbed by it, then or later.",
    doc("locks.Semaphore.acquire"),
    doc("queues.Queue.get"),
)
@each(kind=ALL)
@each(deadline=DEADLINES)
async def test_in_time(clock, kind, deadline):
    blocked = kind()
    api.ioloop.IOLoop.current().call_later(9, blocked.serve)
    wait = blocked.wait(timeout=deadline(10))
    assert await ending(wait) == "served"
    assert clock.elapsed == 9
    await api.gen.sleep(10)
    assert wait.result() is not False
    assert not wait.cancelled()


@must(
    "lines.deadline.past",
    "A deadline that has passed already ends the wait without waiting.",
    doc("ioloop.IOLoop.add_timeout"),
)
@each(kind=ALL)
@each(past=PAST)
async def test_past(clock, kind, past):
    blocked = kind()
    assert await ending(blocked.wait(timeout=past())) == "timed out"
    assert clock.elapsed == 0


@compat(
    "lines.deadline.past-and-free",
    "Where there is nothing to wait for, a deadline in the past does no harm.",
    observed("core-lines"),
)
@each(kind=[one for one in ALL if one is not CONDITION])
@each(past=PAST)
async def test_past_and_free(kind, past):
    blocked = kind()
    blocked.serve()
    wait = blocked.wait(timeout=past())
    assert wait.done()
    assert await ending(wait) == "served"


@should(
    "lines.deadline.not-a-number",
    "Not-a-number as deadline raises ValueError in the call, and disturbs no other timer.",
    doc("ioloop.IOLoop.add_timeout"),
)
@each(kind=ALL)
async def test_nan(clock, kind):
    blocked = kind()
    others = [asyncio.ensure_future(api.gen.sleep(seconds)) for seconds in (3, 1, 2)]
    with pytest.raises(ValueError):
        blocked.wait(timeout=float("nan"))
    waiting = blocked.wait(timeout=timedelta(seconds=10))
    await asyncio.gather(*others)
    assert clock.elapsed == 3
    assert await ending(waiting) == "timed out"
    assert clock.elapsed == 10


@should(
    "lines.deadline.wrong-type",
    "A deadline that is neither a number nor a timedelta raises TypeError in the call, and nobody stands in line.",
    doc("ioloop.IOLoop.add_timeout"),
)
@each(kind=ALL)
async def test_wrong_type(kind):
    blocked = kind()
    for deadline in ("soon", [1], object()):
        assert fails_with(TypeError, lambda deadline=deadline: blocked.wait(timeout=deadline))
    waiting = blocked.wait()
    blocked.serve()
    await turns()
    assert waiting.done(), "the wake-up went to the wait that was refused"


@must(
    "lines.deadline.leaves-the-line",
    "A wait that timed out is not served later: the next in line is.",
    doc("locks.Semaphore.acquire"),
    doc("queues.Queue.get"),
)
@each(kind=ONE_BY_ONE)
async def test_timeout_leaves(clock, kind):
    blocked = kind()
    patient = []
    for seconds in (1, 2, 3):
        impatient = blocked.wait(timeout=timedelta(seconds=seconds))
        patient.append(blocked.wait())
        assert await ending(impatient) == "timed out"
    blocked.serve()
    await turns()
    assert [wait.done() for wait in patient] == [True, False, False]


@must(
    "lines.deadline.nothing-is-lost",
    "When everyone in line has timed out, what is released or put next stays there for whoever comes.",
    doc("locks.Semaphore.acquire"),
    doc("queues.Queue.get"),
)
@each(kind=[*ACQUIRING, GET])
async def test_timeout_loses_nothing(clock, kind):
    blocked = kind()
    for _ in range(3):
        assert await ending(blocked.wait(timeout=timedelta(seconds=1))) == "timed out"
    blocked.serve()
    assert blocked.free()
    assert clock.elapsed == 3


# -- cancelling -------------------------------------------------------------------------------------------------------


@compat(
    "lines.cancel.leaves-the-line",
    "A wait that is cancelled, directly or with its task, is not served later: the next in line is.",
    observed("core-lines"),
)
@each(kind=ONE_BY_ONE)
@each(way=["future", "task"])
async def test_cancel_leaves(kind, way):
    blocked = kind()
    leaving = blocked.wait() if way == "future" else asyncio.ensure_future(ending(blocked.wait()))
    staying = blocked.wait()
    await turns()
    leaving.cancel()
    blocked.serve()
    await turns()
    assert leaving.cancelled() or leaving.result() == "cancelled"
    assert staying.done()
    assert await ending(staying) == "served"


@should(
    "lines.cancel.wake-up-goes-to-the-next",
    "If a coroutine is cancelled in the turn in which it was woken, the next in line is woken in its place.",
    doc("locks.Semaphore"),
    doc("locks.Condition.notify"),
)
@each(kind=[*ACQUIRING, CONDITION, GET])
async def test_cancel_passes_on(kind):
    blocked = kind()
    first, second, third = [asyncio.ensure_future(ending(blocked.wait())) for _ in range(3)]
    await turns()
    blocked.serve()
    first.cancel()
    await turns()
    assert [first.result(), second.done(), third.done()] == ["cancelled", True, False]
    assert second.result() == "served"


@should(
    "lines.cancel.nothing-is-lost",
    "If a coroutine is cancelled in the turn in which it was woken, and nobody else waits, nothing is used up.",
    doc("locks.Semaphore"),
    doc("queues.Queue.get"),
)
@each(kind=[*ACQUIRING, GET])
async def test_cancel_loses_nothing(kind):
    blocked = kind()
    waiting = asyncio.ensure_future(ending(blocked.wait()))
    await turns()
    blocked.serve()
    waiting.cancel()
    await turns()
    assert waiting.result() == "cancelled"
    assert blocked.free(), "what the cancelled coroutine was woken with is gone"


@should(
    "lines.cancel.timed-out-in-the-same-turn",
    "If a coroutine is cancelled in the turn in which its wait timed out, nobody is woken in its place.",
    doc("locks.Semaphore.acquire"),
)
@each(kind=[*ACQUIRING, CONDITION, GET])
async def test_cancel_after_timeout(clock, kind):
    blocked = kind()
    expiring = blocked.wait(timeout=timedelta(seconds=1))
    first = asyncio.ensure_future(ending(expiring))
    second = blocked.wait()
    expiring.add_done_callback(lambda _: first.cancel())
    await api.gen.sleep(2)
    assert first.done()
    assert not second.done()
    assert not blocked.free()


# -- memory -----------------------------------------------------------------------------------------------------------


@must(
    "lines.memory.timed-out-waits",
    "Waits that timed out do not pile up: of a thousand at most some hundred are kept.",
    doc("locks.Condition.wait"),
    doc("queues.Queue.get"),
)
@each(kind=ALL)
async def test_timed_out_memory(clock, kind):
    blocked = kind()
    remembered = []
    for _ in range(1000):
        wait = blocked.wait(timeout=timedelta(milliseconds=1))
        remembered.append(weakref.ref(wait))
        assert await ending(wait) == "timed out"
        del wait
    gc.collect()
    assert sum(reference() is not None for reference in remembered) < 200


@should(
    "lines.memory.cancelled-waits",
    "Waits that were cancelled do not pile up, whoever still stands in line before them.",
    doc("locks.Condition.wait"),
    doc("queues.Queue.get"),
)
@each(kind=ALL)
async def test_cancelled_memory(clock, kind):
    blocked = kind()
    patient = blocked.wait()
    remembered = []
    for _ in range(1000):
        wait = blocked.wait(timeout=timedelta(hours=1))
        remembered.append(weakref.ref(wait))
        wait.cancel()
        await turns(1)
        del wait
    gc.collect()
    assert sum(reference() is not None for reference in remembered) < 200
    assert not patient.done()
