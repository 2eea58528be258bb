"""Queues between coroutines: producers wait while a queue is full, consumers while it is empty.

Unlike the queues of :mod:`queue` these belong to one event loop and are not safe to use from several threads.

Who waits is served in order of arrival. A wait that is cancelled, or given up at its deadline, leaves the
line at once and leaves nothing behind; in particular, the item of a ``put`` that was given up never enters
the queue. Documentation: ``tornado.queues``.
"""

from __future__ import annotations

import collections
import heapq
from collections.abc import Awaitable
from typing import Any, Generic, TypeVar

from waterspout._loggers import app_log
from waterspout._waiters import Line, Timeout, served
from waterspout.concurrent import Future

__all__ = ["LifoQueue", "PriorityQueue", "Queue", "QueueEmpty", "QueueFull"]

_T = TypeVar("_T")


class QueueEmpty(Exception):
    """Raised by :meth:`Queue.get_nowait` when the queue holds no items."""


class QueueFull(Exception):
    """Raised by :meth:`Queue.put_nowait` when the queue holds as many items as it may."""


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
        self._getters = Line()
        self._putters = Line()
        self._joiners = Line()
        self._unfinished_tasks = 0
        #: How many items came back since one was last taken out.
        self._came_back = 0
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
        item out of the line; once it is in, it stays in. Documentation: ``queues.Queue.put``.
        """
        if 0 < self._maxsize <= len(self._queue):
            return self._putters.enter(timeout, brought=item)
        self._add(item)
        return served()

    def put_nowait(self, item: _T) -> None:
        """Put an item in at once. Raises :exc:`QueueFull` where there is no room."""
        if self.full():
            raise QueueFull(f"the queue holds {self._maxsize} items, as many as it may")
        self._add(item)

    def get(self, timeout: Timeout = None) -> Awaitable[_T]:
        """Take an item out, waiting while there is none. Returns a future.

        ``timeout`` is as in :meth:`put`. Cancelling gives up the place in line. When a coroutine that awaits
        the future is cancelled before it could go on with its item, the next in line gets that item, or it
        goes back to where it was. Documentation: ``queues.Queue.get``.
        """
        if not self._queue:
            return self._getters.enter(timeout, give_back=self._take_back)
        return served(self._take())

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
            self._joiners.serve_all()

    def join(self, timeout: Timeout = None) -> Awaitable[None]:
        """Wait until :meth:`task_done` was called for every item. ``timeout`` is as in :meth:`put`."""
        if self._unfinished_tasks:
            return self._joiners.enter(timeout)
        return served()

    def __aiter__(self) -> _QueueIterator[_T]:
        return _QueueIterator(self)

    def _add(self, item: _T) -> None:
        """Put an item in where there is room, and pass an item on to who waits for one."""
        self._put(item)
        self._unfinished_tasks += 1
        if self._getters and (getter := self._getters.serve()):
            # By way of the container, so that a subclass sees every item.
            getter.set_result(self._get())

    def _take(self) -> _T:
        """Take an item out where there is one, and let in an item that waits for room."""
        self._came_back = 0
        # In before out: the queue's order counts from the moment there is an order to choose from.
        if self._putters and len(self._queue) <= self._maxsize:
            self._let_one_in()
        return self._get()

    def _let_one_in(self) -> None:
        while putter := self._putters.serve():
            try:
                self._put(putter.brought)
            except Exception as error:
                # An item the container cannot take: tell who brought it, not who happens to take another.
                putter.set_exception(error)
                continue
            self._unfinished_tasks += 1
            putter.set_result(None)
            return

    def _take_back(self, item: _T) -> None:
        """Find a new place for an item whose getter was cancelled before it saw it."""
        if getter := self._getters.serve():
            getter.set_result(item)
        elif isinstance(self._queue, collections.deque):
            # It was handed out when the queue was empty, so whatever is here is newer, except for what came
            # back just before.
            self._queue.insert(self._came_back, item)
            self._came_back += 1
        else:
            self._put_back(item)

    def _put_back(self, item: _T) -> None:
        try:
            self._put(item)
        except Exception:
            app_log.error("an item that came back from a cancelled get() is lost: %r", item, exc_info=True)

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
