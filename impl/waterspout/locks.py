"""Locks between coroutines: they wait for each other without blocking the loop.

Unlike the classes of :mod:`threading` these belong to one event loop and are not safe to use from several
threads.

Who waits is served in order of arrival. A wait that is cancelled, or given up at its deadline, leaves the
line at once and leaves nothing behind. A ``timeout`` is a time on the scale of ``IOLoop.time()`` or a span
from now; one in the past ends the wait in the next turn of the loop; not-a-number is a :exc:`ValueError`. A
wait that is over before it begins does not look at its timeout.

When a coroutine that awaits one of the futures returned here is cancelled after it was woken, and before it
could go on, the next in line is woken in its place. Documentation: ``tornado.locks``.
"""

from __future__ import annotations

import types
from collections.abc import Awaitable
from typing import NoReturn

from waterspout._waiters import Line, Timeout, Waiter, served

__all__ = ["BoundedSemaphore", "Condition", "Event", "Lock", "Semaphore"]


class Condition:
    """Lets coroutines wait until another one says that something has happened.

    Unlike :class:`threading.Condition` it has no lock: between two ``await`` nobody interferes anyway. Nothing
    is remembered: a notification reaches those who wait at that moment. Documentation: ``locks.Condition``.
    """

    def __init__(self) -> None:
        self._waiters = Line()

    def wait(self, timeout: Timeout = None) -> Awaitable[bool]:
        """Wait for a notification. Returns a future: True when notified, False when the time is over.

        Cancelling gives up the place in line. Documentation: ``locks.Condition.wait``.
        """
        return self._waiters.enter(timeout, give_back=self._notify_another, expire=_answer_false)

    def notify(self, n: int = 1) -> None:
        """Wake the ``n`` coroutines that wait longest; all, if they are fewer."""
        while n > 0 and (waiter := self._waiters.serve()):
            waiter.set_result(True)
            n -= 1

    def notify_all(self) -> None:
        """Wake everyone who waits."""
        self._waiters.serve_all(True)

    def _notify_another(self, notified: bool) -> None:
        if notified:
            self.notify()

    def __repr__(self) -> str:
        waiting = f" waiters[{len(self._waiters)}]" if self._waiters else ""
        return f"<{type(self).__name__}{waiting}>"


def _answer_false(waiter: Waiter) -> None:
    waiter.set_result(False)


class Event:
    """A flag that coroutines can wait for; it begins clear. Documentation: ``locks.Event``."""

    def __init__(self) -> None:
        self._set = False
        self._waiters = Line()

    def is_set(self) -> bool:
        """Whether the flag is set."""
        return self._set

    def set(self) -> None:
        """Set the flag: everyone who waits is woken, and nobody waits from now on."""
        self._set = True
        self._waiters.serve_all()

    def clear(self) -> None:
        """Clear the flag: :meth:`wait` waits again. Who has been woken already stays awake."""
        self._set = False

    def wait(self, timeout: Timeout = None) -> Awaitable[None]:
        """Wait until the flag is set. Returns a future; done at once when it is set already.

        Raises :exc:`TimeoutError` when the time is over. Documentation: ``locks.Event.wait``.
        """
        return served() if self._set else self._waiters.enter(timeout)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'set' if self._set else 'clear'}>"


class _Releasing:
    """What :meth:`Semaphore.acquire` gives: a context that releases when it is left."""

    def __init__(self, acquired: _Permits) -> None:
        self._acquired = acquired

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: types.TracebackType | None,
    ) -> None:
        self._acquired.release()


class _Permits:
    """A number of permits to take and to give back, and a line of those who wait for one."""

    def __init__(self, value: int) -> None:
        self._value = value
        self._waiters = Line()

    def acquire(self, timeout: Timeout = None) -> Awaitable[_Releasing]:
        """Take a permit, waiting for one to be released. Returns a future of a context manager.

        Leave the context, or call :meth:`release`, to give the permit back: ``with (yield x.acquire()):`` in
        a decorated coroutine, and in a native one ``with await x.acquire():`` or ``async with x:``. Raises
        :exc:`TimeoutError` when the time is over. Cancelling gives up the place in line.
        """
        if self._value > 0:
            self._value -= 1
            return served(_Releasing(self))
        return self._waiters.enter(timeout, give_back=self._pass_on)

    def release(self) -> None:
        """Give a permit back; it goes to the coroutine that waits longest, if any waits."""
        self._pass_on()

    def _pass_on(self, _: object = None) -> None:
        if waiter := self._waiters.serve():
            waiter.set_result(_Releasing(self))
        else:
            self._value += 1

    async def __aenter__(self) -> None:
        await self.acquire()

    async def __aexit__(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: types.TracebackType | None,
    ) -> None:
        self.release()

    def __enter__(self) -> NoReturn:
        name = type(self).__name__
        raise RuntimeError(
            f"`with` cannot wait for a {name}: write `async with`, or `with (yield x.acquire())` in a generator"
        )

    def __exit__(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> NoReturn:
        self.__enter__()

    def __repr__(self) -> str:
        state = f"unlocked,value:{self._value}" if self._value > 0 else "locked"
        waiting = f",waiters:{len(self._waiters)}" if self._waiters else ""
        return f"<{type(self).__module__}.{type(self).__qualname__} object at {id(self):#x} [{state}{waiting}]>"


class Semaphore(_Permits):
    """A number of permits, ``value`` to begin with: the number of releases, plus ``value``, less that of
    acquisitions.

    It may be released without having been acquired, which adds a permit. ``async with semaphore:`` holds a
    permit for a block. Raises :exc:`ValueError` for a negative value. Documentation: ``locks.Semaphore``.
    """

    def __init__(self, value: int = 1) -> None:
        if value < 0:
            raise ValueError(f"a semaphore begins with no permit or with some, not with {value}")
        super().__init__(value)


class BoundedSemaphore(Semaphore):
    """A semaphore that cannot be released more often than it was acquired.

    Mostly semaphores guard a resource of limited size, and a release too many is a mistake. Documentation:
    ``locks.BoundedSemaphore``.
    """

    def __init__(self, value: int = 1) -> None:
        super().__init__(value)
        self._initial_value = value

    def release(self) -> None:
        """Give a permit back. Raises :exc:`ValueError` when none is out."""
        if self._value >= self._initial_value:
            raise ValueError("the semaphore was released more often than it was acquired")
        super().release()


class Lock(_Permits):
    """A lock for one coroutine at a time; it begins unlocked.

    ``async with lock:`` holds it for a block. A coroutine that acquires a lock that it holds waits for itself.
    Documentation: ``locks.Lock``.
    """

    def __init__(self) -> None:
        super().__init__(1)

    def release(self) -> None:
        """Unlock; the lock goes to the coroutine that waits longest. Raises :exc:`RuntimeError` when it is
        not locked.
        """
        if self._value > 0:
            raise RuntimeError("the lock is not locked: release() must follow an acquire()")
        super().release()
