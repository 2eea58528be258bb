"""The insides of ``waterspout.locks``, and of the lines that locks and queues share."""

from __future__ import annotations

import asyncio
import datetime
import gc
import logging
import weakref
from typing import Any

import pytest

from waterspout._waiters import Line
from waterspout.locks import BoundedSemaphore, Condition, Event, Lock, Semaphore
from waterspout.queues import PriorityQueue, Queue
from waterspout.util import TimeoutError

AT_ONCE = datetime.timedelta(0)
HOUR = datetime.timedelta(hours=1)


async def turns(count: int = 3) -> None:
    """Let the loop turn a few times."""
    for _ in range(count):
        await asyncio.sleep(0)


async def holding(lock: Any) -> None:
    """Acquire, and never release."""
    await lock.acquire()


def test_event_wakes_in_order_of_arrival() -> None:
    """Everyone at once, but the first first."""

    async def main() -> None:
        event = Event()
        woken: list[int] = []

        async def wait(number: int) -> None:
            await event.wait()
            woken.append(number)

        waiting = [asyncio.ensure_future(wait(number)) for number in range(5)]
        await turns()
        event.set()
        await asyncio.gather(*waiting)
        assert woken == [0, 1, 2, 3, 4]

    asyncio.run(main())


def test_a_negative_number_notifies_nobody() -> None:
    """Not everybody, as counting down from it would."""

    async def main() -> None:
        condition = Condition()
        waiting = condition.wait()
        condition.notify(-1)
        assert repr(condition) == "<Condition waiters[1]>"
        condition.notify_all()
        assert await waiting

    asyncio.run(main())


def test_a_wake_up_goes_past_everyone_who_was_cancelled() -> None:
    """Those that left the line are skipped, and who was woken and cancelled passes it on."""

    async def main() -> None:
        lock = Lock()
        await lock.acquire()
        tasks = [asyncio.ensure_future(holding(lock)) for _ in range(5)]
        await turns()
        lock.release()
        for task in tasks[:4]:
            task.cancel()
        await turns()
        assert [task.cancelled() for task in tasks] == [True] * 4 + [False]
        assert tasks[4].done()
        assert "[locked]" in repr(lock)

    asyncio.run(main())


def test_a_permit_passed_on_to_nobody_is_there_again() -> None:
    """Also that of a BoundedSemaphore at its bound, for it is no release too many."""

    async def main() -> None:
        semaphore = BoundedSemaphore(1)
        await semaphore.acquire()
        task = asyncio.ensure_future(holding(semaphore))
        await turns()
        semaphore.release()
        task.cancel()
        await turns()
        assert "[unlocked,value:1]" in repr(semaphore)
        with pytest.raises(ValueError, match="more often"):
            semaphore.release()

    asyncio.run(main())


def test_wait_for_leaves_the_line() -> None:
    """asyncio's own way to give up leaves no trace either, whenever it comes."""

    async def main() -> None:
        semaphore = Semaphore(0)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(semaphore.acquire(), 0.001)
        assert "waiters" not in repr(semaphore)
        semaphore.release()
        await asyncio.wait_for(semaphore.acquire(), 1)

    asyncio.run(main())


def test_a_future_that_somebody_else_has_set_is_skipped() -> None:
    """Futures are in the hands of others, too."""

    async def main() -> None:
        condition = Condition()
        first, second = condition.wait(), condition.wait()
        first.set_result(False)  # type: ignore[attr-defined]
        condition.notify()
        assert await second

    asyncio.run(main())


def test_an_item_that_fits_nowhere_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """An item that comes back to a PriorityQueue may not compare with those that came meanwhile."""

    async def main() -> None:
        queue: PriorityQueue[Any] = PriorityQueue()

        async def take() -> None:
            await queue.get()

        consumer = asyncio.ensure_future(take())
        await turns()
        queue.put_nowait("text")
        consumer.cancel()
        queue.put_nowait(1)
        with caplog.at_level(logging.ERROR):
            await turns()
        assert consumer.cancelled()
        assert queue.get_nowait() == 1
        assert queue.empty()

    asyncio.run(main())
    (record,) = caplog.records
    assert "'text'" in record.getMessage()


def test_a_queue_over_its_size_lets_nobody_in() -> None:
    """An item that came back may be one too many; the next producer waits until there is room."""

    async def main() -> None:
        queue: Queue[int] = Queue(1)

        async def take() -> None:
            await queue.get()

        consumer = asyncio.ensure_future(take())
        await turns()
        queue.put_nowait(1)
        consumer.cancel()
        queue.put_nowait(2)
        waiting = queue.put(3)
        await turns()
        assert queue.qsize() == 2
        assert queue.get_nowait() == 1
        assert not waiting.done()
        assert [queue.get_nowait(), queue.get_nowait()] == [2, 3]

    asyncio.run(main())


def test_a_line_is_left_without_a_trace() -> None:
    """Of twenty thousand waits that were cancelled no place in line, no timer and no future is left."""

    async def main() -> None:
        condition = Condition()
        waits: list[Any] = [condition.wait(timeout=HOUR) for _ in range(20_000)]
        reference = weakref.ref(waits[0])
        for wait in waits:
            wait.cancel()
        assert repr(condition) == "<Condition>"
        assert all(wait.timer is None for wait in waits)
        del wait, waits
        await turns()
        gc.collect()
        assert reference() is None

    asyncio.run(main())


def test_served_waits_stop_their_timers() -> None:
    """Else an hour's timeouts of a busy lock would stay in the loop for an hour."""

    async def main() -> None:
        lock = Lock()
        await lock.acquire()
        waiting: Any = lock.acquire(timeout=HOUR)
        timer = waiting.timer
        lock.release()
        await waiting
        assert timer.cancelled()

    asyncio.run(main())


def test_a_refused_deadline_leaves_nobody_in_line() -> None:
    """Not-a-number and texts raise before the wait begins."""

    async def main() -> None:
        line = Line()
        for timeout, error in ((float("nan"), ValueError), ("soon", TypeError)):
            with pytest.raises(error):
                line.enter(timeout)  # type: ignore[arg-type]
        assert not line

    asyncio.run(main())


def test_locks_can_be_taken_before_the_loop_runs() -> None:
    """As queues can be filled then."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        lock, event = Lock(), Event()
        lock.acquire()
        waiting = lock.acquire()
        lock.release()
        woken = event.wait()
        event.set()
        loop.run_until_complete(asyncio.wait_for(waiting, 1))
        loop.run_until_complete(woken)
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def test_a_timeout_says_what_it_is() -> None:
    """The exception that ``util`` names, with a text."""

    async def main() -> None:
        with pytest.raises(TimeoutError, match="deadline"):
            await Event().wait(timeout=AT_ONCE)

    asyncio.run(main())
