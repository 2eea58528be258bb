"""Queues

``queues.Queue`` gives coroutines what the standard library's ``queue`` module gives threads: producers put items in,
consumers take them out, and whoever cannot go on waits in line. Waiting never blocks the loop; it is a Future.

A queue without a maximum size takes everything. One with a maximum size lets producers wait until there is room, and
so keeps a quick producer from filling the memory. Waits can have a deadline: a number is a point in time on the scale
of ``IOLoop.time()``, a ``timedelta`` a span from now. Whoever gave up waiting, by deadline or by cancellation, must
leave no trace: no item may be handed to a consumer that has gone, and no item of a producer that has gone may appear.

A queue also counts unfinished tasks: every put adds one, every ``task_done()`` takes one off, and ``join()`` waits
until none is left. The web spider of the user's guide knows by this that it has seen the whole site; it has a chapter
of its own. So have queues in other orders, and what queues and locks have in common: how waits end.
"""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest

from conformance import api, compat, doc, each, must, observed, seed, should
from conformance.blocked import drain, ending
from conformance.standins import DEADLINES, turns

# -- in and out -------------------------------------------------------------------------------------------------------


@must(
    "queues.queue.first-in-first-out",
    "A Queue gives its items in the order in which they were put.",
    doc("queues.Queue"),
    seed("SEED-189"),
)
async def test_fifo():
    queue = api.queues.Queue()
    for item in ["c", "a", "b", "a"]:
        await queue.put(item)
    assert [await queue.get() for _ in range(4)] == ["c", "a", "b", "a"]


@must(
    "queues.get.waits-for-an-item",
    "A coroutine that waits for get() pauses until there is an item, and gets it.",
    doc("queues.Queue.get"),
    seed("SEED-140"),
    seed("SEED-190"),
)
@each(style=["yield", "await"])
async def test_get_waits(clock, style):
    queue = api.queues.Queue()

    @api.gen.coroutine
    def yielding():
        return (yield queue.get())

    async def awaiting():
        return await queue.get()

    api.ioloop.IOLoop.current().call_later(60, queue.put_nowait, "item")
    assert await (yielding() if style == "yield" else awaiting()) == "item"
    assert clock.elapsed == 60
    assert queue.empty()


@must(
    "queues.put.waits-for-room",
    "If the queue has a maximum size, a coroutine that waits for put() pauses until there is room.",
    doc("queues.Queue.put"),
    seed("SEED-190"),
)
@each(style=["yield", "await"])
async def test_put_waits(clock, style):
    queue = api.queues.Queue(maxsize=1)
    queue.put_nowait("first")

    @api.gen.coroutine
    def yielding():
        yield queue.put("second")

    async def awaiting():
        await queue.put("second")

    api.ioloop.IOLoop.current().call_later(60, queue.get_nowait)
    await (yielding() if style == "yield" else awaiting())
    assert clock.elapsed == 60
    assert drain(queue) == ["second"]


@must(
    "queues.put.at-once-if-there-is-room",
    "If there is room, put() works without being waited for: the item is in the queue when the call returns.",
    doc("queues.Queue.put"),
    seed("SEED-202"),
)
async def test_put_at_once():
    queue = api.queues.Queue(maxsize=2)
    future = queue.put("base_url")
    assert queue.qsize() == 1
    assert future.done()
    assert queue.get_nowait() == "base_url"


@must(
    "queues.get.line-of-consumers",
    "Consumers that wait are served in the order in which they came, one item each.",
    doc("queues.Queue.get"),
)
async def test_getters_in_line():
    queue = api.queues.Queue()
    served = []

    async def consumer(name):
        served.append((name, await queue.get()))

    waiting = [asyncio.ensure_future(consumer(name)) for name in ("first", "second", "third")]
    await turns()
    queue.put_nowait(1)
    queue.put_nowait(2)
    await turns()
    assert served == [("first", 1), ("second", 2)]
    queue.put_nowait(3)
    await asyncio.gather(*waiting)
    assert served[2:] == [("third", 3)]


@must(
    "queues.put.line-of-producers",
    "Producers that wait for room are admitted in the order in which they came, one for each item taken.",
    doc("queues.Queue.put"),
)
async def test_putters_in_line():
    queue = api.queues.Queue(maxsize=1)
    admitted = []

    async def producer(item):
        await queue.put(item)
        admitted.append(item)

    waiting = [asyncio.ensure_future(producer(item)) for item in ("a", "b", "c")]
    await turns()
    assert admitted == ["a"]
    assert await queue.get() == "a"
    await turns()
    assert (admitted, queue.qsize()) == (["a", "b"], 1)
    assert [await queue.get(), await queue.get()] == ["b", "c"]
    await asyncio.gather(*waiting)
    assert admitted == ["a", "b", "c"]


@must(
    "queues.put.to-waiting-consumer",
    "An item that is put while a consumer waits belongs to that consumer: nobody else can take it.",
    doc("queues.Queue.put_nowait"),
)
async def test_put_to_waiting_consumer():
    queue = api.queues.Queue(maxsize=1)
    waiting = asyncio.ensure_future(queue.get())
    await turns()
    queue.put_nowait("promised")
    assert queue.qsize() == 0
    with pytest.raises(api.queues.QueueEmpty):
        queue.get_nowait()
    assert await waiting == "promised"


@must(
    "queues.get-nowait.empty",
    "get_nowait() on an empty queue raises QueueEmpty.",
    doc("queues.Queue.get_nowait"),
    doc("queues.QueueEmpty"),
)
async def test_get_nowait_empty():
    queue = api.queues.Queue()
    with pytest.raises(api.queues.QueueEmpty):
        queue.get_nowait()
    queue.put_nowait("item")
    assert queue.get_nowait() == "item"
    with pytest.raises(api.queues.QueueEmpty):
        queue.get_nowait()


@must(
    "queues.put-nowait.full",
    "put_nowait() on a full queue raises QueueFull, and the item is not in the queue.",
    doc("queues.Queue.put_nowait"),
    doc("queues.QueueFull"),
)
async def test_put_nowait_full():
    queue = api.queues.Queue(maxsize=2)
    queue.put_nowait("a")
    queue.put_nowait("b")
    with pytest.raises(api.queues.QueueFull):
        queue.put_nowait("c")
    assert drain(queue) == ["a", "b"]


@must(
    "queues.get-nowait.admits-a-producer",
    "Taking an item from a full queue lets in the item of the producer that waits longest.",
    doc("queues.Queue.get_nowait"),
)
async def test_get_nowait_admits():
    queue = api.queues.Queue(maxsize=2)
    puts = [queue.put(number) for number in range(4)]
    assert [put.done() for put in puts] == [True, True, False, False]
    assert queue.get_nowait() == 0
    assert [put.done() for put in puts] == [True, True, True, False]
    assert queue.full()
    assert drain(queue) == [1, 2, 3]


@must(
    "queues.put.no-overtaking",
    "The place that becomes free belongs to the producer that waits: whoever comes later finds the queue full.",
    doc("queues.Queue.put"),
)
async def test_put_no_overtaking():
    queue = api.queues.Queue(maxsize=1)
    puts = [queue.put("a"), queue.put("b")]
    assert queue.get_nowait() == "a"
    with pytest.raises(api.queues.QueueFull):
        queue.put_nowait("late")
    late = queue.put("later")
    assert (puts[1].done(), late.done()) == (True, False)
    assert [queue.get_nowait(), queue.get_nowait()] == ["b", "later"]


@compat(
    "queues.errors.plain-exceptions",
    "QueueEmpty and QueueFull are Exceptions of their own, apart from each other.",
    observed("core-queues"),
)
def test_errors():
    for error, other in (("QueueEmpty", "QueueFull"), ("QueueFull", "QueueEmpty")):
        kind = getattr(api.queues, error)
        assert kind.__bases__ == (Exception,)
        assert not issubclass(kind, getattr(api.queues, other))


# -- size -------------------------------------------------------------------------------------------------------------


@must(
    "queues.size.qsize-and-empty",
    "qsize() is the number of items in the queue; empty() says whether there is none.",
    doc("queues.Queue.qsize"),
    doc("queues.Queue.empty"),
)
async def test_qsize_and_empty():
    queue = api.queues.Queue()
    seen = [(queue.qsize(), queue.empty())]
    for change in (lambda: queue.put_nowait("a"), lambda: queue.put_nowait("b"), queue.get_nowait):
        change()
        seen.append((queue.qsize(), queue.empty()))
    assert seen == [(0, True), (1, False), (2, False), (1, False)]


@must(
    "queues.size.full",
    "full() says whether a queue holds as many items as its maximum size; maxsize is that size.",
    doc("queues.Queue.full"),
    doc("queues.Queue.maxsize"),
)
async def test_full():
    queue = api.queues.Queue(maxsize=2)
    assert queue.maxsize == 2
    assert not queue.full()
    queue.put_nowait("a")
    assert not queue.full()
    queue.put_nowait("b")
    assert queue.full()
    queue.get_nowait()
    assert not queue.full()


@must(
    "queues.size.no-bound",
    "The default maximum size, 0, is no bound: no put() waits and the queue is never full.",
    doc("queues.Queue"),
)
async def test_no_bound():
    queue = api.queues.Queue()
    assert queue.maxsize == 0
    assert all(queue.put(number).done() for number in range(1000))
    assert not queue.full()
    assert drain(queue) == list(range(1000))


@compat(
    "queues.size.bad-maxsize",
    "A maximum size of None raises TypeError, a negative one ValueError.",
    observed("core-queue-bad-maxsize"),
)
@each(kind=["Queue", "PriorityQueue", "LifoQueue"])
def test_bad_maxsize(kind):
    make = getattr(api.queues, kind)
    with pytest.raises(TypeError):
        make(maxsize=None)
    with pytest.raises(ValueError):
        make(maxsize=-1)


# -- giving up --------------------------------------------------------------------------------------------------------


@must(
    "queues.get.timeout",
    "get(timeout=) raises TimeoutError at its deadline: a time as a number, or a span as a timedelta.",
    doc("queues.Queue.get"),
)
@each(deadline=DEADLINES)
async def test_get_timeout(clock, deadline):
    queue = api.queues.Queue()
    await api.gen.sleep(1000)
    with pytest.raises(api.util.TimeoutError):
        await queue.get(timeout=deadline(3600))
    assert clock.elapsed == 1000 + 3600


@must(
    "queues.put.timeout",
    "put(timeout=) raises TimeoutError at its deadline: a time as a number, or a span as a timedelta.",
    doc("queues.Queue.put"),
)
@each(deadline=DEADLINES)
async def test_put_timeout(clock, deadline):
    queue = api.queues.Queue(maxsize=1)
    queue.put_nowait("a")
    await api.gen.sleep(1000)
    with pytest.raises(api.util.TimeoutError):
        await queue.put("b", timeout=deadline(3600))
    assert clock.elapsed == 1000 + 3600


@must(
    "queues.get.in-time",
    "A get() or put() that succeeds before its deadline is not disturbed by it.",
    doc("queues.Queue.get"),
    doc("queues.Queue.put"),
)
@each(deadline=DEADLINES)
async def test_in_time(clock, deadline):
    queue = api.queues.Queue(maxsize=1)
    api.ioloop.IOLoop.current().call_later(9, queue.put_nowait, "a")
    assert await queue.get(timeout=deadline(10)) == "a"
    queue.put_nowait("b")
    api.ioloop.IOLoop.current().call_later(9, queue.get_nowait)
    await queue.put("c", timeout=deadline(10))
    assert clock.elapsed == 18
    await api.gen.sleep(60)
    assert drain(queue) == ["c"]


@must(
    "queues.get.timeout-keeps-queue",
    "A get() that timed out takes nothing later: the next item goes to the next consumer, or stays.",
    doc("queues.Queue.get"),
)
async def test_get_timeout_keeps_queue(clock):
    queue = api.queues.Queue()
    impatient = queue.get(timeout=timedelta(seconds=1))
    patient = asyncio.ensure_future(queue.get())
    with pytest.raises(api.util.TimeoutError):
        await impatient
    queue.put_nowait("for the patient")
    queue.put_nowait("for nobody yet")
    assert await patient == "for the patient"
    assert drain(queue) == ["for nobody yet"]


@must(
    "queues.put.timeout-keeps-queue",
    "A put() that timed out leaves the queue as it was; its item does not come in later.",
    doc("queues.Queue.put"),
)
async def test_put_timeout_keeps_queue(clock):
    queue = api.queues.Queue(maxsize=1)
    queue.put_nowait("a")
    impatient = queue.put("never", timeout=timedelta(seconds=1))
    patient = asyncio.ensure_future(queue.put("b"))
    with pytest.raises(api.util.TimeoutError):
        await impatient
    assert (queue.qsize(), queue.get_nowait()) == (1, "a")
    await patient
    assert drain(queue) == ["b"]


@compat(
    "queues.get.cancelled-leaves-no-trace",
    "A get() that was cancelled, directly or with its task, takes no item.",
    observed("core-queue-cancelled"),
)
@each(way=["future", "task"])
async def test_get_cancelled(way):
    queue = api.queues.Queue()

    async def consumer():
        await queue.get()

    leaving = queue.get() if way == "future" else asyncio.ensure_future(consumer())
    await turns()
    staying = asyncio.ensure_future(queue.get())
    await turns()
    leaving.cancel()
    await turns()
    queue.put_nowait("a")
    queue.put_nowait("b")
    assert await staying == "a"
    assert drain(queue) == ["b"]


@compat(
    "queues.put.cancelled-leaves-no-trace",
    "The item of a put() that was cancelled, directly or with its task, does not come into the queue.",
    observed("core-queue-cancelled"),
)
@each(way=["future", "task"])
async def test_put_cancelled(way):
    queue = api.queues.Queue(maxsize=1)
    queue.put_nowait("a")

    async def producer():
        await queue.put("cancelled")

    leaving = queue.put("cancelled") if way == "future" else asyncio.ensure_future(producer())
    await turns()
    staying = asyncio.ensure_future(queue.put("b"))
    await turns()
    leaving.cancel()
    await turns()
    assert await queue.get() == "a"
    await staying
    assert drain(queue) == ["b"]


@compat(
    "queues.put.cancelled-too-late",
    "The item of a put() stays in the queue if its task is cancelled in the turn in which the item came in.",
    observed("core-queues"),
)
async def test_put_cancelled_too_late():
    queue = api.queues.Queue(maxsize=1)
    queue.put_nowait("a")
    producer = asyncio.ensure_future(ending(queue.put("b")))
    await turns()
    assert queue.get_nowait() == "a"
    producer.cancel()
    await turns()
    assert drain(queue) == ["b"]


@should(
    "queues.get.cancelled-items-stay-tasks",
    "An item that came back from a cancelled consumer is an unfinished task until the next consumer is done with it.",
    doc("queues.Queue.join"),
)
async def test_come_back_unfinished():
    queue = api.queues.Queue()
    consumer = asyncio.ensure_future(ending(queue.get()))
    await turns()
    queue.put_nowait("item")
    consumer.cancel()
    await turns()
    joining = queue.join()
    assert not joining.done()
    assert queue.get_nowait() == "item"
    queue.task_done()
    assert joining.done()


# -- unfinished tasks -------------------------------------------------------------------------------------------------


@must(
    "queues.join.waits-for-task-done",
    "join() waits until task_done() has been called for every item that was put.",
    doc("queues.Queue.join"),
    doc("queues.Queue.task_done"),
    seed("SEED-191"),
    seed("SEED-192"),
)
async def test_join(clock):
    queue = api.queues.Queue()

    async def worker():
        async for seconds in queue:
            await api.gen.sleep(seconds)
            queue.task_done()

    for seconds in (10, 20, 30):
        queue.put_nowait(seconds)
    working = asyncio.ensure_future(worker())
    await queue.join()
    assert clock.elapsed == 60
    working.cancel()


@must(
    "queues.join.not-before-the-last-task",
    "Taking an item does not finish it: an empty queue with unfinished tasks keeps join() waiting.",
    doc("queues.Queue.join"),
    seed("SEED-191"),
)
async def test_join_not_before_the_last():
    queue = api.queues.Queue()
    queue.put_nowait("a")
    await queue.put("b")
    joining = asyncio.ensure_future(queue.join())
    drain(queue)
    await turns()
    assert not joining.done()
    queue.task_done()
    await turns()
    assert not joining.done()
    queue.task_done()
    await turns()
    assert joining.done()


@must(
    "queues.join.at-once-without-tasks",
    "The count of unfinished tasks starts at zero, so join() on a new queue is done at once.",
    doc("queues.Queue.join"),
    seed("SEED-191"),
)
async def test_join_at_once(clock):
    await api.queues.Queue().join()
    await api.queues.Queue(maxsize=3).join(timeout=timedelta(seconds=1))
    assert clock.elapsed == 0


@must(
    "queues.join.waits-again",
    "After the count has reached zero, another put() makes join() wait again.",
    doc("queues.Queue.join"),
)
async def test_join_again():
    queue = api.queues.Queue()
    for round_number in range(2):
        queue.put_nowait(round_number)
        joining = asyncio.ensure_future(queue.join())
        await turns()
        assert not joining.done(), f"round {round_number}"
        assert queue.get_nowait() == round_number
        queue.task_done()
        await joining


@must(
    "queues.join.timeout",
    "join(timeout=) raises TimeoutError at its deadline if tasks are unfinished; the count stays as it is.",
    doc("queues.Queue.join"),
    seed("SEED-203"),
)
@each(deadline=DEADLINES)
async def test_join_timeout(clock, deadline):
    queue = api.queues.Queue()
    queue.put_nowait("unfinished")
    with pytest.raises(api.util.TimeoutError):
        await queue.join(timeout=deadline(300))
    assert clock.elapsed == 300
    api.ioloop.IOLoop.current().call_later(10, queue.task_done)
    await queue.join(timeout=deadline(300))
    assert clock.elapsed == 310


@must(
    "queues.task-done.too-many",
    "task_done() called more often than items were put raises ValueError.",
    doc("queues.Queue.task_done"),
)
async def test_task_done_too_many():
    queue = api.queues.Queue()
    with pytest.raises(ValueError):
        queue.task_done()
    queue.put_nowait("a")
    queue.get_nowait()
    queue.task_done()
    with pytest.raises(ValueError):
        queue.task_done()


@compat(
    "queues.join.waiting-puts-count-later",
    "A put() that waits for room is no unfinished task yet; it becomes one when its item comes in.",
    observed("core-queues"),
)
async def test_waiting_puts_count_later():
    queue = api.queues.Queue(maxsize=1)
    waiting = [queue.put("a"), queue.put("b"), queue.put("never")]
    waiting[2].cancel()
    assert queue.get_nowait() == "a"
    queue.task_done()
    joining = queue.join()
    assert not joining.done()
    assert queue.get_nowait() == "b"
    queue.task_done()
    assert joining.done()


# -- iteration and text -----------------------------------------------------------------------------------------------


@must(
    "queues.iteration.async-for",
    "``async for`` over a queue gives its items one after the other, waiting for those that are not there yet.",
    doc("queues.Queue"),
)
async def test_async_for(clock):
    queue = api.queues.Queue()
    for seconds, item in enumerate("abc"):
        api.ioloop.IOLoop.current().call_later(seconds, queue.put_nowait, item)
    seen = []
    async for item in queue:
        seen.append((item, clock.elapsed))
        if item == "c":
            break
    assert seen == [("a", 0), ("b", 1), ("c", 2)]


@must(
    "queues.iteration.shared",
    "Several coroutines may iterate over one queue: each item goes to one of them, in turn.",
    doc("queues.Queue"),
)
async def test_iteration_shared():
    queue = api.queues.Queue()
    seen = []

    async def consumer(name):
        async for item in queue:
            seen.append((name, item))

    consumers = [asyncio.ensure_future(consumer(name)) for name in "abc"]
    await turns()
    for item in range(6):
        queue.put_nowait(item)
        await turns()
    assert seen == list(zip("abcabc", range(6), strict=True))
    assert not any(one.done() for one in consumers)


@compat(
    "queues.repr.state",
    "The text of a queue tells its maximum size, its items, who waits, and the number of unfinished tasks.",
    observed("core-queues"),
)
async def test_repr():
    queue = api.queues.Queue(maxsize=2)
    waits = [queue.get(), queue.get()]
    assert str(queue) == "<Queue maxsize=2 getters[2]>"
    waits += [queue.put(number) for number in range(5)]
    assert str(queue) == "<Queue maxsize=2 queue=deque([2, 3]) putters[1] tasks=4>"
    assert re.fullmatch(r"<Queue at 0x[0-9a-f]+ maxsize=2 queue=deque\(\[2, 3\]\) .*>", repr(queue))
    assert str(api.queues.PriorityQueue()) == "<PriorityQueue maxsize=0>"


@compat(
    "queues.queue.generic",
    "Queue can be given the type of its items: Queue[int](maxsize=3).",
    observed("core-queues"),
)
def test_generic():
    queue = api.queues.Queue[int](maxsize=3)
    assert isinstance(queue, api.queues.Queue)
    assert queue.maxsize == 3
