"""The insides of ``waterspout.queues``."""

from __future__ import annotations

import asyncio
import datetime
import gc
import time
import weakref
from typing import Any

import pytest
from _scaling import assert_linear

from waterspout.queues import LifoQueue, PriorityQueue, Queue, QueueEmpty, QueueFull
from waterspout.util import TimeoutError

AT_ONCE = datetime.timedelta(0)


async def turns(count: int = 3) -> None:
    """Let the loop turn a few times."""
    for _ in range(count):
        await asyncio.sleep(0)


def test_getters_are_served_in_order_of_arrival() -> None:
    """The first to ask gets the first item."""

    async def main() -> None:
        queue: Queue[int] = Queue()
        getters = [asyncio.ensure_future(queue.get()) for _ in range(3)]
        for item in (1, 2, 3):
            queue.put_nowait(item)
        assert await asyncio.gather(*getters) == [1, 2, 3]

    asyncio.run(main())


def test_putters_are_served_in_order_of_arrival() -> None:
    """Items enter in the order in which they were offered."""

    async def main() -> None:
        queue: Queue[int] = Queue(1)
        putters = [queue.put(item) for item in (1, 2, 3)]
        assert [putter.done() for putter in putters] == [True, False, False]
        assert [await queue.get() for _ in range(3)] == [1, 2, 3]
        assert all(putter.done() for putter in putters)

    asyncio.run(main())


def test_a_get_given_up_at_its_deadline_takes_no_item() -> None:
    """The item goes to the next in line, and the line is empty after a timeout."""

    async def main() -> None:
        queue: Queue[int] = Queue()
        with pytest.raises(TimeoutError):
            await queue.get(timeout=AT_ONCE)
        assert str(queue) == "<Queue maxsize=0>"
        queue.put_nowait(1)
        assert queue.get_nowait() == 1

    asyncio.run(main())


def test_a_put_given_up_at_its_deadline_never_enters() -> None:
    """After the timeout neither the item nor the wait is left."""

    async def main() -> None:
        queue: Queue[int] = Queue(1)
        queue.put_nowait(1)
        with pytest.raises(TimeoutError):
            await queue.put(2, timeout=AT_ONCE)
        assert str(queue) == "<Queue maxsize=1 queue=deque([1]) tasks=1>"
        assert queue.get_nowait() == 1
        assert queue.empty()

    asyncio.run(main())


def test_numbers_are_deadlines_on_the_clock() -> None:
    """A time that has passed ends the wait at once."""

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await Queue[int]().get(timeout=time.time() - 1)

    asyncio.run(main())


def test_a_wait_cancelled_in_the_same_turn_is_skipped() -> None:
    """An item put before the loop turns goes to the next in line, not to the cancelled wait."""

    async def main() -> None:
        queue: Queue[int] = Queue()
        first, second = queue.get(), queue.get()
        first.cancel()  # type: ignore[attr-defined]
        queue.put_nowait(5)
        assert await second == 5

        full: Queue[int] = Queue(1)
        full.put_nowait(1)
        full.put(2).cancel()
        third = full.put(3)
        assert [full.get_nowait(), full.get_nowait()] == [1, 3]
        assert third.done()

    asyncio.run(main())


def test_cancelled_waits_leave_nothing_behind() -> None:
    """Ten thousand cancelled waits leave the line empty, and the futures can be collected."""

    async def main() -> None:
        queue: Queue[int] = Queue()
        waits: list[Any] = [queue.get(timeout=datetime.timedelta(hours=1)) for _ in range(10_000)]
        reference = weakref.ref(waits[0])
        for wait in waits:
            wait.cancel()
        del wait, waits
        await turns()
        gc.collect()
        assert str(queue) == "<Queue maxsize=0>"
        assert reference() is None

    asyncio.run(main())


def test_cancelling_in_the_middle_of_a_long_line_costs_constant_time() -> None:
    """Leaving a line one after the other costs each the same, however long the line is."""

    async def main(length: int) -> None:
        queue: Queue[int] = Queue()
        waits: list[Any] = [queue.get() for _ in range(length)]
        for wait in waits[1:]:
            wait.cancel()
        await turns()
        queue.put_nowait(1)
        assert await waits[0] == 1

    assert_linear(lambda length: asyncio.run(main(length)), 1000, 16_000)


def test_join_ends_when_every_item_is_done() -> None:
    """Not when the queue is empty, but when the work is finished."""

    async def main() -> None:
        queue: Queue[int] = Queue()
        assert await queue.join() is None  # type: ignore[func-returns-value]
        queue.put_nowait(1)
        joined = asyncio.ensure_future(queue.join())
        queue.get_nowait()
        await turns()
        assert not joined.done()
        queue.task_done()
        await joined
        with pytest.raises(ValueError, match="more often"):
            queue.task_done()

    asyncio.run(main())


def test_join_given_up_at_its_deadline_leaves_nothing_behind() -> None:
    """It raises TimeoutError, and a later join still works."""

    async def main() -> None:
        queue: Queue[int] = Queue()
        queue.put_nowait(1)
        with pytest.raises(TimeoutError):
            await queue.join(timeout=AT_ONCE)
        joined = queue.join()
        queue.task_done()
        await joined

    asyncio.run(main())


def test_a_waiting_put_counts_as_task_when_it_enters() -> None:
    """join does not end between the last task_done and an item that still waits for room."""

    async def main() -> None:
        queue: Queue[int] = Queue(1)
        queue.put_nowait(1)
        putter = queue.put(2)
        queue.get_nowait()
        assert putter.done()
        joined = asyncio.ensure_future(queue.join())
        queue.task_done()
        await turns()
        assert not joined.done()
        queue.task_done()
        await joined

    asyncio.run(main())


def test_the_order_is_that_of_the_class() -> None:
    """Smallest first, newest first."""
    for queue, order in ((PriorityQueue[int](), [1, 2, 3]), (LifoQueue[int](), [2, 3, 1])):
        for item in (1, 3, 2):
            queue.put_nowait(item)

        assert [queue.get_nowait() for _ in range(3)] == order


def test_an_item_that_cannot_be_compared_does_not_spoil_the_queue() -> None:
    """Who brings it gets the TypeError; the others get their items."""

    async def main() -> None:
        queue: PriorityQueue[Any] = PriorityQueue(2)
        queue.put_nowait(2)
        with pytest.raises(TypeError):
            queue.put_nowait("text")
        queue.put_nowait(1)
        waiting, good = queue.put("text"), queue.put(0)
        assert [queue.get_nowait(), queue.get_nowait(), queue.get_nowait()] == [0, 1, 2]
        assert isinstance(waiting.exception(), TypeError)
        assert good.done()

    asyncio.run(main())


def test_full_and_empty_queues_refuse_to_act_at_once() -> None:
    """The variants that do not wait raise instead."""
    queue: Queue[int] = Queue(1)
    with pytest.raises(QueueEmpty):
        queue.get_nowait()
    queue.put_nowait(1)

    assert (queue.full(), queue.empty(), queue.qsize(), queue.maxsize) == (True, False, 1, 1)
    with pytest.raises(QueueFull):
        queue.put_nowait(2)


def test_async_for_gets_items() -> None:
    """Iterating waits for each item."""

    async def main() -> None:
        queue: Queue[int] = Queue()
        for put in range(3):
            asyncio.get_running_loop().call_soon(queue.put_nowait, put)
        seen = []
        async for item in queue:
            seen.append(item)
            if len(seen) == 3:
                break
        assert seen == [0, 1, 2]

    asyncio.run(main())


@pytest.mark.parametrize("size", [-1, None])
def test_a_size_that_makes_no_sense_is_refused(size: Any) -> None:
    """Negative sizes and None are mistakes, not "no bound"."""
    with pytest.raises((ValueError, TypeError), match="maxsize"):
        Queue(size)
