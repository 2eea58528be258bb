"""Waits that cannot end by themselves: one for each method of the locks and the queues that waits in line."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from conformance.package import api
from conformance.requirement import Labelled, labelled


@dataclass(frozen=True)
class Blocked:
    """Something that has to be waited for.

    ``wait(timeout=None)`` starts a wait and returns its future; ``serve`` lets the first in line go on; ``free`` says
    whether a new wait would be over at once.
    """

    wait: Callable[..., Any]
    serve: Callable[[], Any]
    free: Callable[[], bool]


def _acquired(semaphore: Any) -> Blocked:
    semaphore.acquire()
    return Blocked(semaphore.acquire, semaphore.release, lambda: semaphore.acquire().done())


def _event() -> Blocked:
    event = api.locks.Event()
    return Blocked(event.wait, event.set, event.is_set)


def _condition() -> Blocked:
    condition = api.locks.Condition()
    return Blocked(condition.wait, condition.notify, lambda: False)


def _get() -> Blocked:
    queue = api.queues.Queue()
    return Blocked(queue.get, lambda: queue.put_nowait("item"), lambda: not queue.empty())


def _put() -> Blocked:
    queue = api.queues.Queue(maxsize=1)
    queue.put_nowait("first")
    return Blocked(functools.partial(queue.put, "item"), queue.get_nowait, lambda: not queue.full())


def _join() -> Blocked:
    queue = api.queues.Queue()
    queue.put_nowait("item")
    return Blocked(queue.join, queue.task_done, lambda: bool(queue.join().done()))


ACQUIRING = [
    labelled("Lock.acquire", lambda: _acquired(api.locks.Lock())),
    labelled("Semaphore.acquire", lambda: _acquired(api.locks.Semaphore())),
    labelled("BoundedSemaphore.acquire", lambda: _acquired(api.locks.BoundedSemaphore())),
]
GET = labelled("Queue.get", _get)
PUT = labelled("Queue.put", _put)
CONDITION = labelled("Condition.wait", _condition)

#: The waits of which ``serve`` ends one at a time.
ONE_BY_ONE: list[Labelled] = [*ACQUIRING, CONDITION, GET, PUT]
#: The waits of which ``serve`` ends all.
TOGETHER: list[Labelled] = [labelled("Event.wait", _event), labelled("Queue.join", _join)]
ALL: list[Labelled] = [*ONE_BY_ONE, *TOGETHER]


def fails_with(error: type[BaseException], call: Callable[[], Any]) -> bool:
    """Whether the call raises that error; what it returns instead is dropped."""
    try:
        call()
    except error:
        return True
    return False


async def ending(wait: Any) -> str:
    """Await a wait, and return how it ended: served, timed out (a Condition answers False then), or cancelled."""
    try:
        answer = await wait
    except api.util.TimeoutError:
        return "timed out"
    except asyncio.CancelledError:
        return "cancelled"
    return "timed out" if answer is False else "served"


def drain(queue: Any) -> list[Any]:
    """Take everything out of a queue that can be had at once."""
    items = []
    while not queue.empty():
        items.append(queue.get_nowait())
    return items
