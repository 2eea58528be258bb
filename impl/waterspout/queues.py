"""Queues between coroutines: producers wait while a queue is full, consumers while it is empty.

Unlike the queues of :mod:`queue` these belong to one event loop and are not safe to use from several threads.

Who waits is served in order of arrival. A wait that is cancelled, or given up at its deadline, leaves the
line at once and leaves nothing behind; in particular, the item of a ``put`` that was given up never enters
the queue. Documentation: ``tornado.queues``.
"""

from __future__ import annotations

import asyncio
import collections
import datetime
import heapq
from collections.abc import Awaitable
from typing import Any, Generic, TypeVar

from waterspout._eventloop import create_future, current_loop, seconds_until
from waterspout.concurrent import Future
from waterspout.util import TimeoutError

__all__ = ["LifoQueue", "PriorityQueue", "Queue", "QueueEmpty", "QueueFull"]

_T = TypeVar("_T")
_V = TypeVar("_V")

Timeout = float | datetime.timedelta | None


class QueueEmpty(Exception):
    """Raised by :meth:`Queue.get_nowait` when the queue holds no items."""


class QueueFull(Exception):
    """Raised by :meth:`Queue.put_nowait` when the queue holds as many items as it may."""


_Waiters = collections.OrderedDict[Future[Any], tuple[_V, asyncio.TimerHandle | None]]


class _Line(_Waiters[_V]):
    """Futures that wait in line, each with something it brought along, and perhaps a timer.

    Ordered, to serve the first in constant time, and keyed, to let one in the middle leave in constant time.
    """

    def enter(self, brought: _V, timeout: Timeout) -> Future[Any]:
        """Return a new future at the end of the line.

        It leaves the line by itself when it is cancelled, and when its time is over.
        """
        delay = None if timeout is None else seconds_until(timeout)
        future = create_future()
        timer = None if delay is None else current_loop().call_later(delay, self._expire, future)
        self[future] = brought, timer
        future.add_done_callback(self._leave)
        return future

    def serve(self) -> tuple[Future[Any], _V] | None:
        """Take the first in line that still waits, and return it with what it brought."""
        while self:
            future, (brought, timer) = self.popitem(last=False)
            if timer is not None:
                timer.cancel()
            # One cancelled in this very turn of the loop has not left yet.
            if not future.done():
                future.remove_done_callback(self._leave)
                return future, brought
        return None

    def _expire(self, future: Future[Any]) -> None:
        if not future.done():
            future.set_exception(TimeoutError("the queue's deadline passed"))
            self._leave(future)

    def _leave(self, future: Future[Any]) -> None:
        _, timer = self.pop(future, (None, None))
        if timer is not None:
            timer.cancel()


class Queue(Generic[_T]):
    """A first-in, first-out queue. ``maxsize`` bounds the number of items; 0 means no bound.

    ``async for item in queue`` gets items for ever. Subclasses may keep the items in another order by
    overriding ``_init``, ``_put`` and ``_get``, and must keep them in a sized container named ``_queue``.
    Documentation: ``queues.Queue``.
    """

    _queue: Any

    def __init__(self, maxsize: int = 0) -> None:
        if maxsize is None:
            raise TypeError("maxsize is a number; 0 means no bound")
        if maxsize < 0:
            raise ValueError("maxsize is 0, for no bound, or positive")
        self._maxsize = maxsize
        self._getters: _Line[None] = _Line()
        self._putters: _Line[_T] = _Line()
        self._joiners: _Line[None] = _Line()
        self._unfinished_tasks = 0
        self._init()

    # The container of the items, for subclasses.

    def _init(self) -> None:
        self._queue = collections.deque()

    def _put(self, item: _T) -> None:
        self._queue.append(item)

    def _get(self) -> _T:
        item: _T = self._queue.popleft()
        return item

    @property
    def maxsize(self) -> int:
        """The number of items that the queue may hold; 0 for no bound."""
        return self._maxsize

    def full(self) -> bool:
        """Whether the queue holds as many items as it may."""
        return 0 < self._maxsize <= len(self._queue)

    def empty(self) -> bool:
        """Whether the queue holds no items."""
        return not self._queue

    def qsize(self) -> int:
        """Return the number of items in the queue."""
        return len(self._queue)

    def put(self, item: _T, timeout: Timeout = None) -> Future[None]:
        """Put an item in, waiting while the queue is full. Returns a future, which need not be awaited.

        Where there is room the item is in when this returns. ``timeout`` is a time on the scale of
        ``IOLoop.time()`` or a span from now, after which :exc:`TimeoutError` is raised. Cancelling takes the
        item out of the line. Documentation: ``queues.Queue.put``.
        """
        if 0 < self._maxsize <= len(self._queue):
            return self._putters.enter(item, timeout)
        future = create_future()
        self._add(item)
        future.set_result(None)
        return future

    def put_nowait(self, item: _T) -> None:
        """Put an item in at once. Raises :exc:`QueueFull` where there is no room."""
        if self.full():
            raise QueueFull(f"the queue holds {self._maxsize} items, as many as it may")
        self._add(item)

    def get(self, timeout: Timeout = None) -> Awaitable[_T]:
        """Take an item out, waiting while there is none. Returns a future.

        ``timeout`` is as in :meth:`put`. Cancelling gives up the place in line; an item that the future holds
        already is lost with it. Documentation: ``queues.Queue.get``.
        """
        if not self._queue:
            return self._getters.enter(None, timeout)
        future = create_future()
        future.set_result(self._take())
        return future

    def get_nowait(self) -> _T:
        """Take an item out at once. Raises :exc:`QueueEmpty` when there is none."""
        if not self._queue:
            raise QueueEmpty("the queue holds no items")
        return self._take()

    def task_done(self) -> None:
        """Say that the work on an item taken out earlier is finished.

        When it has been said of every item put in, :meth:`join` ends. Raises :exc:`ValueError` when it is
        said more often than items were put in.
        """
        if self._unfinished_tasks <= 0:
            raise ValueError("task_done was called more often than items were put in")
        self._unfinished_tasks -= 1
        if self._unfinished_tasks == 0:
            while served := self._joiners.serve():
                served[0].set_result(None)

    def join(self, timeout: Timeout = None) -> Awaitable[None]:
        """Wait until :meth:`task_done` was called for every item. ``timeout`` is as in :meth:`put`."""
        if self._unfinished_tasks:
            return self._joiners.enter(None, timeout)
        future = create_future()
        future.set_result(None)
        return future

    def __aiter__(self) -> _QueueIterator[_T]:
        return _QueueIterator(self)

    def _add(self, item: _T) -> None:
        """Put an item in where there is room, and pass an item on to who waits for one."""
        self._put(item)
        self._unfinished_tasks += 1
        if self._getters and (served := self._getters.serve()):
            # By way of the container, so that a subclass sees every item.
            served[0].set_result(self._get())

    def _take(self) -> _T:
        """Take an item out where there is one, and let in an item that waits for room."""
        # In before out: the queue's order counts from the moment there is an order to choose from.
        if self._putters:
            self._let_one_in()
        return self._get()

    def _let_one_in(self) -> None:
        while served := self._putters.serve():
            future, item = served
            try:
                self._put(item)
            except Exception as error:
                # An item the container cannot take: tell who brought it, not who happens to take another.
                future.set_exception(error)
                continue
            self._unfinished_tasks += 1
            future.set_result(None)
            return

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {id(self):#x} {self._state()}>"

    def __str__(self) -> str:
        return f"<{type(self).__name__} {self._state()}>"

    def _state(self) -> str:
        state = [f"maxsize={self._maxsize}"]
        if self._queue:
            state.append(f"queue={self._queue!r}")
        if self._getters:
            state.append(f"getters[{len(self._getters)}]")
        if self._putters:
            state.append(f"putters[{len(self._putters)}]")
        if self._unfinished_tasks:
            state.append(f"tasks={self._unfinished_tasks}")
        return " ".join(state)


class _QueueIterator(Generic[_T]):
    """Gets the items of a queue for ever."""

    def __init__(self, queue: Queue[_T]) -> None:
        self._queue = queue

    def __anext__(self) -> Awaitable[_T]:
        return self._queue.get()

    def __aiter__(self) -> _QueueIterator[_T]:
        return self


class PriorityQueue(Queue[_T]):
    """A queue whose smallest item comes out first; often the items are ``(priority, thing)``.

    Documentation: ``queues.PriorityQueue``.
    """

    def _init(self) -> None:
        self._queue: list[_T] = []

    def _put(self, item: _T) -> None:
        try:
            heapq.heappush(self._queue, item)  # type: ignore[type-var]
        except BaseException:
            # An item that cannot be compared is in the list already, and would spoil every later get.
            self._queue[:] = [kept for kept in self._queue if kept is not item]
            heapq.heapify(self._queue)  # type: ignore[type-var]
            raise

    def _get(self) -> _T:
        return heapq.heappop(self._queue)  # type: ignore[type-var]


class LifoQueue(Queue[_T]):
    """A queue whose newest item comes out first. Documentation: ``queues.LifoQueue``."""

    # Items go in as in the base class; they come out at the same end.
    def _get(self) -> _T:
        newest: _T = self._queue.pop()
        return newest
