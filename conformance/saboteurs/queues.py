"""Saboteurs of the chapter on queues. They wrap the public methods of Queue, which the other orders inherit."""

from __future__ import annotations

import asyncio
import contextlib
import time
import weakref
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.coroutines import Lazy, settle


def done(ref: Patches, value: Any = None) -> Any:
    """Return a Future that has ended with ``value``."""
    future = ref.concurrent.Future()
    future.set_result(value)
    return future


def seconds(timeout: float | timedelta) -> float:
    """Return the seconds from now to a deadline of either kind."""
    return timeout.total_seconds() if isinstance(timeout, timedelta) else timeout - time.time()


def stand_in(ref: Patches, wait: Any, too_late: Callable[[], Any] = lambda: None) -> Any:
    """Return a Future that ends as ``wait`` does, a turn later; cancelling it in between does not reach the wait.

    ``too_late`` is called in that case.
    """

    def forward(future: Any) -> None:
        if future.cancelled() and not wait.cancel():
            too_late()

    future = settle(wait, ref.concurrent.Future())
    future.add_done_callback(forward)
    return future


# -- in and out -------------------------------------------------------------------------------------------------------


@saboteur(
    "queue-is-a-stack",
    "A Queue gives the last item first.",
    chapters="core.queues",
    kills="queues.queue.first-in-first-out",
)
def _stack(ref: Patches) -> None:
    ref.replace(ref.queues, "Queue", ref.queues.LifoQueue)


@saboteur(
    "get-does-not-wait",
    "get() on an empty queue fails with QueueEmpty.",
    chapters="core.queues",
    kills="queues.get.waits-for-an-item",
)
def _get_hasty(ref: Patches) -> None:
    original = ref.queues.Queue.get

    def get(self: Any, timeout: Any = None) -> Any:
        if not self.empty():
            return original(self, timeout)
        future = ref.concurrent.Future()
        future.set_exception(ref.queues.QueueEmpty())
        return future

    ref.replace(ref.queues.Queue, "get", get)


@saboteur(
    "put-drops-when-full",
    "put() on a full queue drops the item.",
    chapters="core.queues",
    kills=("queues.put.waits-for-room", "queues.put.timeout", "queues.put.line-of-producers"),
)
def _put_drops(ref: Patches) -> None:
    original = ref.queues.Queue.put

    def put(self: Any, item: Any, timeout: Any = None) -> Any:
        return done(ref) if self.full() else original(self, item, timeout)

    ref.replace(ref.queues.Queue, "put", put)


@saboteur(
    "put-works-when-awaited",
    "put() does nothing until it is waited for.",
    chapters="core.queues",
    kills="queues.put.at-once-if-there-is-room",
)
def _put_lazily(ref: Patches) -> None:
    original = ref.queues.Queue.put

    def put(self: Any, item: Any, timeout: Any = None) -> Any:
        return Lazy(lambda: original(self, item, timeout))

    ref.replace(ref.queues.Queue, "put", put)


@saboteur(
    "last-consumer-first",
    "Of several consumers that wait, the one that came last is served.",
    chapters="core.queues",
    kills="queues.get.line-of-consumers",
)
def _last_consumer(ref: Patches) -> None:
    queue = ref.queues.Queue
    get_original, put_original = queue.get, queue.put_nowait
    waiting: weakref.WeakKeyDictionary[Any, list[Any]] = weakref.WeakKeyDictionary()

    def get(self: Any, timeout: Any = None) -> Any:
        if timeout is not None or not self.empty():
            return get_original(self, timeout)
        waiting.setdefault(self, []).append(ref.concurrent.Future())
        return waiting[self][-1]

    def put_nowait(self: Any, item: Any) -> None:
        put_original(self, item)
        if waiting.get(self):
            waiting[self].pop().set_result(self.get_nowait())

    ref.replace(queue, "get", get)
    ref.replace(queue, "put_nowait", put_nowait)


@saboteur(
    "last-producer-first",
    "Of several producers that wait for room, the one that came last is admitted.",
    chapters="core.queues",
    kills=("queues.put.line-of-producers", "queues.get-nowait.admits-a-producer"),
)
def _last_producer(ref: Patches) -> None:
    queue = ref.queues.Queue
    get_original, get_nowait_original, put_original = queue.get, queue.get_nowait, queue.put
    waiting: weakref.WeakKeyDictionary[Any, list[Any]] = weakref.WeakKeyDictionary()

    def put(self: Any, item: Any, timeout: Any = None) -> Any:
        if timeout is not None or not self.full():
            return put_original(self, item, timeout)
        waiting.setdefault(self, []).append((ref.concurrent.Future(), item))
        return waiting[self][-1][0]

    def get_nowait(self: Any) -> Any:
        item = get_nowait_original(self)
        if waiting.get(self):
            future, admitted = waiting[self].pop()
            self.put_nowait(admitted)
            future.set_result(None)
        return item

    def get(self: Any, timeout: Any = None) -> Any:
        return get_original(self, timeout) if self.empty() else done(ref, self.get_nowait())

    for name, lie in (("put", put), ("get_nowait", get_nowait), ("get", get)):
        ref.replace(queue, name, lie)


@saboteur(
    "get-nowait-repeats-itself",
    "get_nowait() on an empty queue gives the item that was put last once more.",
    chapters="core.queues",
    kills=("queues.put.to-waiting-consumer", "queues.get-nowait.empty"),
)
def _repeat(ref: Patches) -> None:
    queue = ref.queues.Queue
    get_original, get_nowait_original, put_original = queue.get, queue.get_nowait, queue.put_nowait
    last: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
    # get() may ask get_nowait() whether it has to wait, and must get an honest answer.
    getting: list[Any] = []

    def get(self: Any, timeout: Any = None) -> Any:
        getting.append(self)
        try:
            return get_original(self, timeout)
        finally:
            getting.pop()

    def put_nowait(self: Any, item: Any) -> None:
        put_original(self, item)
        last[self] = item

    def get_nowait(self: Any) -> Any:
        lie = self.empty() and self in last and not getting
        return last[self] if lie else get_nowait_original(self)

    for name, method in (("get", get), ("put_nowait", put_nowait), ("get_nowait", get_nowait)):
        ref.replace(queue, name, method)


@saboteur(
    "put-nowait-drops-when-full",
    "put_nowait() on a full queue drops the item without a word.",
    chapters="core.queues",
    kills="queues.put-nowait.full",
)
def _put_nowait_drops(ref: Patches) -> None:
    original = ref.queues.Queue.put_nowait

    def put_nowait(self: Any, item: Any) -> None:
        with contextlib.suppress(ref.queues.QueueFull):
            original(self, item)

    ref.replace(ref.queues.Queue, "put_nowait", put_nowait)


@saboteur(
    "queue-errors-are-one",
    "QueueFull is QueueEmpty.",
    chapters="core.queues",
    kills="queues.errors.plain-exceptions",
)
def _one_error(ref: Patches) -> None:
    ref.replace(ref.queues, "QueueFull", ref.queues.QueueEmpty)


# -- size -------------------------------------------------------------------------------------------------------------


@saboteur(
    "qsize-counts-to-one",
    "qsize() is never more than 1.",
    chapters="core.queues",
    kills="queues.size.qsize-and-empty",
)
def _count_to_one(ref: Patches) -> None:
    original = ref.queues.Queue.qsize
    ref.replace(ref.queues.Queue, "qsize", lambda self: min(1, original(self)))


@saboteur(
    "queue-is-never-full",
    "full() is always False.",
    chapters="core.queues",
    kills=("queues.size.full", "queues.get-nowait.admits-a-producer"),
)
def _never_full(ref: Patches) -> None:
    ref.replace(ref.queues.Queue, "full", lambda self: False)


def change_maxsize(ref: Patches, change: Callable[[Any], Any], *kinds: Any) -> None:
    """Let queues of these kinds get ``change(maxsize)`` for their maximum size."""
    for kind in kinds:
        original = kind.__init__

        def lying(self: Any, maxsize: Any = 0, original: Any = original) -> None:
            original(self, change(maxsize))

        ref.replace(kind, "__init__", lying)


@saboteur(
    "queue-holds-a-hundred",
    "A queue without a maximum size holds a hundred items.",
    chapters="core.queues",
    kills="queues.size.no-bound",
)
def _hundred(ref: Patches) -> None:
    change_maxsize(ref, lambda maxsize: 100 if maxsize == 0 else maxsize, ref.queues.Queue)


@saboteur(
    "queue-holds-one-more",
    "A queue with a maximum size holds one item more than that.",
    chapters="core.queues",
    kills=("queues.put.no-overtaking", "queues.size.full"),
)
def _one_more(ref: Patches) -> None:
    change_maxsize(ref, lambda maxsize: maxsize + 1 if maxsize else 0, ref.queues.Queue)


@saboteur(
    "bad-maxsize-is-no-bound",
    "A maximum size of None, or a negative one, is taken for 0.",
    chapters="core.queues",
    kills="queues.size.bad-maxsize",
)
def _accept_badchange_maxsize(ref: Patches) -> None:
    change_maxsize(ref, lambda maxsize: max(0, maxsize or 0), ref.queues.Queue)


# -- giving up --------------------------------------------------------------------------------------------------------


@saboteur(
    "queue-deadlines-are-spans",
    "Queues take a number for seconds from now instead of a point in time.",
    chapters="core.queues",
    kills=("queues.get.timeout", "queues.put.timeout", "queues.join.timeout"),
)
def _spans(ref: Patches) -> None:
    for name in ("get", "put", "join"):
        original = getattr(ref.queues.Queue, name)

        def lying(self: Any, *item: Any, timeout: Any = None, original: Any = original) -> Any:
            if isinstance(timeout, float | int):
                timeout = timedelta(seconds=min(timeout, 86400))
            return original(self, *item, timeout=timeout)

        ref.replace(ref.queues.Queue, name, lying)


@saboteur(
    "timed-get-delays",
    "A get() with a timeout hands out its item a second late.",
    chapters="core.queues",
    kills="queues.get.in-time",
)
def _delay(ref: Patches) -> None:
    original = ref.queues.Queue.get

    async def later(future: Any) -> Any:
        item = await future
        await asyncio.sleep(1)
        return item

    def get(self: Any, timeout: Any = None) -> Any:
        right = original(self, timeout)
        return right if timeout is None else ref.gen.convert_yielded(later(right))

    ref.replace(ref.queues.Queue, "get", get)


def _abandon(ref: Patches, name: str, *, at_timeout: bool) -> None:
    """Let waits of the method ``name`` go on behind the back of whoever gave up: at the deadline, or by cancelling."""
    original = getattr(ref.queues.Queue, name)

    def lying(self: Any, *item: Any, timeout: Any = None) -> Any:
        if (timeout is not None) != at_timeout:
            return original(self, *item, timeout=timeout)
        future = settle(original(self, *item), ref.concurrent.Future())

        def give_up() -> None:
            if not future.done():
                future.set_exception(ref.util.TimeoutError())

        if at_timeout:
            asyncio.get_running_loop().call_later(seconds(timeout), give_up)
        return future

    ref.replace(ref.queues.Queue, name, lying)


@saboteur(
    "timed-out-get-takes-an-item",
    "A get() that timed out still takes an item.",
    chapters="core.queues",
    kills="queues.get.timeout-keeps-queue",
)
def _late_get(ref: Patches) -> None:
    _abandon(ref, "get", at_timeout=True)


@saboteur(
    "timed-out-put-comes-in",
    "The item of a put() that timed out still comes into the queue.",
    chapters="core.queues",
    kills="queues.put.timeout-keeps-queue",
)
def _late_put(ref: Patches) -> None:
    _abandon(ref, "put", at_timeout=True)


@saboteur(
    "cancelled-get-takes-an-item",
    "A get() that was cancelled still takes an item.",
    chapters="core.queues",
    kills="queues.get.cancelled-leaves-no-trace",
)
def _cancelled_get(ref: Patches) -> None:
    _abandon(ref, "get", at_timeout=False)


@saboteur(
    "cancelled-put-comes-in",
    "The item of a put() that was cancelled still comes into the queue.",
    chapters="core.queues",
    kills="queues.put.cancelled-leaves-no-trace",
)
def _cancelled_put(ref: Patches) -> None:
    _abandon(ref, "put", at_timeout=False)


@saboteur(
    "put-takes-its-item-back",
    "When the task of a put() is cancelled, its item is taken out again, even one that was in already.",
    chapters="core.queues",
    kills="queues.put.cancelled-too-late",
)
def _take_back(ref: Patches) -> None:
    original = ref.queues.Queue.put

    def put(self: Any, item: Any, timeout: Any = None) -> Any:
        return stand_in(ref, original(self, item, timeout), self.get_nowait)

    ref.replace(ref.queues.Queue, "put", put)


@saboteur(
    "cancelled-get-loses-its-item",
    "An item whose consumer was cancelled in the turn in which it came is lost.",
    chapters=("core.queues", "core.orders", "core.lines"),
    kills=(
        "queues.get.cancelled-items-come-back",
        "queues.get.cancelled-items-stay-tasks",
        "lines.cancel.nothing-is-lost",
    ),
)
def _lose(ref: Patches) -> None:
    original = ref.queues.Queue.get
    ref.replace(ref.queues.Queue, "get", lambda self, timeout=None: stand_in(ref, original(self, timeout)))


# -- unfinished tasks -------------------------------------------------------------------------------------------------


@saboteur(
    "join-does-not-wait",
    "join() is done at once.",
    chapters=("core.queues", "core.spider"),
    kills=(
        "queues.join.waits-for-task-done",
        "queues.join.timeout",
        "queues.spider.visits-every-page-once",
        "queues.spider.thousand-pages",
    ),
)
def _join_hasty(ref: Patches) -> None:
    ref.replace(ref.queues.Queue, "join", lambda self, timeout=None: done(ref))


@saboteur(
    "taking-finishes",
    "Taking an item with get_nowait() counts as finishing its task.",
    chapters="core.queues",
    kills="queues.join.not-before-the-last-task",
)
def _taking_finishes(ref: Patches) -> None:
    get_original, done_original = ref.queues.Queue.get_nowait, ref.queues.Queue.task_done

    def task_done(self: Any) -> None:
        with contextlib.suppress(ValueError):
            done_original(self)

    def get_nowait(self: Any) -> Any:
        item = get_original(self)
        task_done(self)
        return item

    ref.replace(ref.queues.Queue, "get_nowait", get_nowait)
    ref.replace(ref.queues.Queue, "task_done", task_done)


@saboteur(
    "join-takes-a-second",
    "join() ends a second after the last task.",
    chapters="core.queues",
    kills="queues.join.at-once-without-tasks",
)
def _join_slow(ref: Patches) -> None:
    original = ref.queues.Queue.join

    async def join(self: Any, timeout: Any = None) -> None:
        await original(self, timeout)
        await asyncio.sleep(1)

    ref.replace(ref.queues.Queue, "join", join)


@saboteur(
    "join-waits-once",
    "Once a join() has ended, all later ones end at once.",
    chapters="core.queues",
    kills="queues.join.waits-again",
)
def _join_once(ref: Patches) -> None:
    original = ref.queues.Queue.join
    ended: weakref.WeakSet[Any] = weakref.WeakSet()

    async def join(self: Any, timeout: Any = None) -> None:
        if self not in ended:
            await original(self, timeout)
            ended.add(self)

    ref.replace(ref.queues.Queue, "join", join)


@saboteur(
    "join-ignores-its-timeout",
    "join() waits as long as it takes.",
    chapters=("core.queues", "core.spider"),
    kills=("queues.join.timeout", "queues.spider.gives-up"),
)
def _join_endless(ref: Patches) -> None:
    original = ref.queues.Queue.join
    ref.replace(ref.queues.Queue, "join", lambda self, timeout=None: original(self))


@saboteur(
    "task-done-is-patient",
    "task_done() may be called more often than items were put.",
    chapters="core.queues",
    kills="queues.task-done.too-many",
)
def _task_done_patient(ref: Patches) -> None:
    original = ref.queues.Queue.task_done

    def task_done(self: Any) -> None:
        with contextlib.suppress(ValueError):
            original(self)

    ref.replace(ref.queues.Queue, "task_done", task_done)


@saboteur(
    "cancelled-puts-stay-tasks",
    "A put() that was cancelled while it waited for room counts as an unfinished task.",
    chapters="core.queues",
    kills="queues.join.waiting-puts-count-later",
)
def _cancelled_puts_count(ref: Patches) -> None:
    put_original, join_original = ref.queues.Queue.put, ref.queues.Queue.join
    puts: weakref.WeakKeyDictionary[Any, list[Any]] = weakref.WeakKeyDictionary()

    def put(self: Any, item: Any, timeout: Any = None) -> Any:
        puts.setdefault(self, []).append(put_original(self, item, timeout))
        return puts[self][-1]

    def join(self: Any, timeout: Any = None) -> Any:
        if any(one.cancelled() for one in puts.get(self, [])):
            return ref.concurrent.Future()
        return join_original(self, timeout)

    ref.replace(ref.queues.Queue, "put", put)
    ref.replace(ref.queues.Queue, "join", join)


# -- iteration and text -----------------------------------------------------------------------------------------------


@saboteur(
    "queue-iteration-ends",
    "``async for`` over a queue ends when the queue is empty.",
    chapters="core.queues",
    kills="queues.iteration.async-for",
)
def _iteration_ends(ref: Patches) -> None:
    async def items(self: Any) -> Any:
        while not self.empty():
            yield self.get_nowait()

    ref.replace(ref.queues.Queue, "__aiter__", items)


@saboteur(
    "queue-iteration-skips",
    "``async for`` over a queue gives every other item.",
    chapters="core.queues",
    kills=("queues.iteration.shared", "queues.iteration.async-for"),
)
def _iteration_skips(ref: Patches) -> None:
    async def items(self: Any) -> Any:
        while True:
            yield await self.get()
            await self.get()

    ref.replace(ref.queues.Queue, "__aiter__", items)


@saboteur(
    "queue-text-is-silent",
    "The text of a queue tells nothing about it.",
    chapters="core.queues",
    kills="queues.repr.state",
)
def _silent_text(ref: Patches) -> None:
    ref.replace(ref.queues.Queue, "__str__", object.__repr__)
    ref.replace(ref.queues.Queue, "__repr__", object.__repr__)


@saboteur(
    "queue-is-not-generic",
    "Queue cannot be given the type of its items.",
    chapters="core.queues",
    kills="queues.queue.generic",
)
def _not_generic(ref: Patches) -> None:
    def refuse(cls: Any, item: Any) -> Any:
        raise TypeError(f"{cls} is not generic")

    ref.replace(ref.queues.Queue, "__class_getitem__", classmethod(refuse))
