"""Queues in other orders

A ``PriorityQueue`` gives the lowest item first, a ``LifoQueue`` the newest. In everything else they are Queues: they
wait, they are full, they count unfinished tasks. Programs make further orders by overriding the three methods that
keep the items.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from conformance import api, compat, doc, each, must, observed, should
from conformance.blocked import drain, ending
from conformance.standins import turns

#: What comes out of queues whose three consumers were cancelled when 2, 1, 3, 0 were put.
ORDERS = {"Queue": [2, 1, 3, 0], "PriorityQueue": [0, 1, 2, 3], "LifoQueue": [0, 3, 1, 2]}


@must(
    "queues.priority-queue.lowest-first",
    "A PriorityQueue gives its items from the lowest to the highest; entries are often (priority, item) pairs.",
    doc("queues.PriorityQueue"),
)
async def test_priority_queue():
    queue = api.queues.PriorityQueue()
    for entry in [(1, "medium"), (0, "high"), (10, "low"), (5, "rather low"), (0, "also high")]:
        queue.put_nowait(entry)
    assert drain(queue) == [(0, "also high"), (0, "high"), (1, "medium"), (5, "rather low"), (10, "low")]


@should(
    "queues.priority-queue.incomparable",
    "An item that cannot be compared with those in a PriorityQueue raises TypeError, and is not in the queue.",
    doc("queues.PriorityQueue"),
)
async def test_incomparable():
    queue = api.queues.PriorityQueue()
    for item in (5, 3, 4):
        queue.put_nowait(item)
    with pytest.raises(TypeError):
        queue.put_nowait("text")
    queue.put_nowait(1)
    assert drain(queue) == [1, 3, 4, 5]


@must(
    "queues.lifo-queue.last-first",
    "A LifoQueue gives the item that was put last first.",
    doc("queues.LifoQueue"),
)
async def test_lifo_queue():
    queue = api.queues.LifoQueue()
    for item in (3, 2, 1):
        queue.put_nowait(item)
    assert queue.get_nowait() == 1
    queue.put_nowait(9)
    assert drain(queue) == [9, 2, 3]


@must(
    "queues.other-orders.wait-like-queues",
    "PriorityQueue and LifoQueue are Queues in everything but the order: they wait, are full, time out and join.",
    doc("queues.PriorityQueue"),
    doc("queues.LifoQueue"),
)
@each(kind=["PriorityQueue", "LifoQueue"])
async def test_other_orders(clock, kind):
    queue = getattr(api.queues, kind)(maxsize=1)
    getting = asyncio.ensure_future(queue.get())
    await turns()
    queue.put_nowait(5)
    assert await getting == 5
    queue.put_nowait(6)
    with pytest.raises(api.queues.QueueFull):
        queue.put_nowait(7)
    with pytest.raises(api.util.TimeoutError):
        await queue.put(8, timeout=timedelta(seconds=1))
    assert drain(queue) == [6]
    with pytest.raises(api.util.TimeoutError):
        await queue.join(timeout=timedelta(seconds=1))
    queue.task_done()
    queue.task_done()
    await queue.join()


@compat(
    "queues.other-orders.producer-first",
    "When a full queue is taken from, the item that waits for room comes in first, and takes part in the order.",
    observed("core-queues"),
)
@each(kind=["Queue", "PriorityQueue", "LifoQueue"])
async def test_producer_first(kind):
    queue = getattr(api.queues, kind)(maxsize=2)
    puts = [queue.put(item) for item in (3, 1, 2)]
    assert queue.get_nowait() == {"Queue": 3, "PriorityQueue": 1, "LifoQueue": 2}[kind]
    assert puts[2].done()
    assert queue.full()


@should(
    "queues.get.cancelled-items-come-back",
    "Items whose consumers were cancelled in the turn in which they came are in the queue again, before newer ones.",
    doc("queues.Queue.get"),
)
@each(kind=ORDERS)
async def test_items_come_back(kind):
    queue = getattr(api.queues, kind)()
    consumers = [asyncio.ensure_future(ending(queue.get())) for _ in range(3)]
    await turns()
    for item in (2, 1, 3, 0):
        queue.put_nowait(item)
    for consumer in consumers:
        consumer.cancel()
    await turns()
    assert drain(queue) == ORDERS[kind]


@compat(
    "queues.other-orders.subclasses",
    "A subclass may keep its items in another container, by overriding _init(), _put() and _get().",
    observed("core-queues"),
)
async def test_subclass():
    class Newest(api.queues.Queue):
        def _init(self):
            self._queue = {}

        def _put(self, item):
            self._queue.update([item])

        def _get(self):
            return self._queue.popitem()

    queue = Newest()
    for item in [("a", 1), ("b", 1), ("a", 2)]:
        queue.put_nowait(item)
    assert queue.qsize() == 2
    assert drain(queue) == [("b", 1), ("a", 2)]
