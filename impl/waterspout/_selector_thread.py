"""Watches descriptors for event loops that cannot: a thread waits for them and calls in on the loop.

Loops built on completion, such as the proactor of Windows, have no ``add_reader`` and its kin. The thread knows only
numbers; the callbacks stay with the loop, and run in its thread. After it has reported what is ready, the thread
waits until the loop has dealt with that, for it would find the same descriptors ready again at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import select
import socket
import threading
import weakref
from collections.abc import Callable
from typing import Any, Protocol


class HasFileno(Protocol):
    """A socket, a pipe, or anything else with a descriptor."""

    def fileno(self) -> int: ...

    def close(self) -> object: ...


Descriptor = int | HasFileno
_Table = dict[int, Callable[[], object]]
#: Readable and writable descriptors.
_Ready = tuple[set[int], set[int]]


def number_of(fd: Descriptor) -> int:
    """Return the number of a descriptor given as a number or as an object."""
    return fd if isinstance(fd, int) else fd.fileno()


class SelectorThread:
    """Gives ``real_loop`` the methods ``add_reader``, ``add_writer``, ``remove_reader`` and ``remove_writer``.

    They may be called in the thread of the loop only, and so are the callbacks. :meth:`close` ends the thread; so
    does the end of the object's life. Documentation: ``platform.asyncio.SelectorThread``.
    """

    def __init__(self, real_loop: asyncio.AbstractEventLoop) -> None:
        self._real_loop = real_loop
        self._readers: _Table = {}
        self._writers: _Table = {}
        self._poller = _Poller(weakref.WeakMethod(self._report))
        # The thread refers to the poller alone, so that it does not keep alive what nobody uses any more.
        self.close: Callable[[], object] = weakref.finalize(self, self._poller.end)

    def add_reader(self, fd: Descriptor, callback: Callable[..., object], *args: Any) -> None:
        """Call ``callback(*args)`` whenever the descriptor is readable, in place of an earlier callback."""
        self._add(self._readers, self._poller.readers, fd, functools.partial(callback, *args))

    def add_writer(self, fd: Descriptor, callback: Callable[..., object], *args: Any) -> None:
        """Call ``callback(*args)`` whenever the descriptor is writable, in place of an earlier callback."""
        self._add(self._writers, self._poller.writers, fd, functools.partial(callback, *args))

    def remove_reader(self, fd: Descriptor) -> bool:
        """Stop watching whether the descriptor is readable; return whether it was watched."""
        return self._remove(self._readers, self._poller.readers, number_of(fd))

    def remove_writer(self, fd: Descriptor) -> bool:
        """Stop watching whether the descriptor is writable; return whether it was watched."""
        return self._remove(self._writers, self._poller.writers, number_of(fd))

    def _add(self, table: _Table, watched: set[int], fd: Descriptor, call: Callable[[], object]) -> None:
        number = number_of(fd)
        if number < 0:
            raise ValueError(f"{fd!r} is closed: it can no longer be watched")
        table[number] = call
        self._poller.change(watched.add, number)

    def _remove(self, table: _Table, watched: set[int], number: int) -> bool:
        known = table.pop(number, None) is not None
        if known:
            self._poller.change(watched.discard, number)
        return known

    def _report(self, ready: _Ready, dead: set[int]) -> None:
        """Tell the loop. Called in the thread."""
        with contextlib.suppress(RuntimeError):
            # A loop that was closed meanwhile has no use for it; the thread then ends with this object.
            self._real_loop.call_soon_threadsafe(self._deliver, ready, dead)

    def _deliver(self, ready: _Ready, dead: set[int]) -> None:
        try:
            for table, numbers in zip((self._readers, self._writers), ready, strict=True):
                for number in numbers:
                    # One callback may remove another.
                    if (call := table.get(number)) is not None:
                        self._call(call)
        finally:
            # Their callbacks have found out; told again and again, they would do nothing else.
            for number in dead:
                self.remove_reader(number)
                self.remove_writer(number)
            self._poller.go_on()

    def _call(self, call: Callable[[], object]) -> None:
        try:
            call()
        except Exception as error:
            context = {"message": "exception in the callback of a descriptor", "exception": error}
            self._real_loop.call_exception_handler(context)


class _Poller:
    """The thread, and what it shares with the loop's."""

    def __init__(self, report: Callable[[], Callable[[_Ready, set[int]], None] | None]) -> None:
        self._find_report = report
        self._changed = threading.Condition()
        self.readers: set[int] = set()
        self.writers: set[int] = set()
        #: Whether the loop has dealt with what was reported.
        self._may_wait = True
        self._ended = False
        self._wake_end, self._waker = socket.socketpair()
        for end in (self._wake_end, self._waker):
            end.setblocking(False)
        # A daemon: a program that ends without closing its loop must not wait for it.
        self._thread = threading.Thread(target=self._run, name="waterspout selector", daemon=True)
        self._thread.start()

    def change(self, how: Callable[[int], object], number: int) -> None:
        """Change what the thread waits for: ``how`` adds the number to a set or takes it out."""
        with self._changed:
            how(number)
            self._wake()

    def go_on(self) -> None:
        """Let the thread wait again."""
        with self._changed:
            self._may_wait = True
            self._changed.notify()

    def end(self) -> None:
        """End the thread and wait for its end."""
        with self._changed:
            self._ended = True
            self._changed.notify()
            self._wake()
        # The end of the last reference may come in the thread itself.
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _wake(self) -> None:
        # A full buffer wakes just as well; and after the end there is nobody to wake.
        with contextlib.suppress(OSError):
            self._waker.send(b"\0")

    def _run(self) -> None:
        with self._wake_end, self._waker:
            while self._wait_for_turn():
                self._poll_once()

    def _wait_for_turn(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._may_wait or self._ended)
            return not self._ended

    def _poll_once(self) -> None:
        with self._changed:
            readers, writers = {*self.readers, self._wake_end.fileno()}, set(self.writers)
        (readable, writable), dead = _wait(readers, writers)
        if self._wake_end.fileno() in readable:
            readable.discard(self._wake_end.fileno())
            with contextlib.suppress(BlockingIOError):
                self._wake_end.recv(4096)
        if readable or writable:
            self._may_wait = False
            report = self._find_report()
            if report is not None:
                report((readable, writable), dead)


def _wait(readers: set[int], writers: set[int]) -> tuple[_Ready, set[int]]:
    """Return what is ready, as soon as something is, and which of that is no longer open."""
    return _wait_by_poll(readers, writers) if hasattr(select, "poll") else _wait_by_select(readers, writers)


def _wait_by_poll(readers: set[int], writers: set[int]) -> tuple[_Ready, set[int]]:
    poll = select.poll()
    for number in readers | writers:
        poll.register(number, (number in readers and select.POLLIN) | (number in writers and select.POLLOUT))
    events = poll.poll()
    # An error or a hang-up is for whoever reads or writes to find out.
    ready = {number for number, event in events if event & ~(select.POLLIN | select.POLLOUT)}
    readable = {number for number, event in events if event & select.POLLIN} | (ready & readers)
    writable = {number for number, event in events if event & select.POLLOUT} | (ready & writers)
    return (readable, writable), {number for number, event in events if event & select.POLLNVAL}


def _wait_by_select(readers: set[int], writers: set[int]) -> tuple[_Ready, set[int]]:
    try:
        # Windows reports a connection that failed as an exceptional condition.
        readable, writable, failed = select.select(readers, writers, writers)
    except (OSError, ValueError):
        dead = {number for number in readers | writers if not _can_select(number)}
        return (dead & readers, dead & writers), dead
    return (set(readable), {*writable, *failed}), set()


def _can_select(number: int) -> bool:
    try:
        select.select([number], [], [], 0)
    except (OSError, ValueError):
        return False
    return True


class AddThreadSelectorEventLoop(asyncio.AbstractEventLoop):
    """Wraps a loop to give it ``add_reader`` and its kin, by a :class:`SelectorThread`.

    Everything else is the wrapped loop's; closing this one closes it, too.
    Documentation: ``platform.asyncio.AddThreadSelectorEventLoop``.
    """

    #: What is looked up here and not in the wrapped loop.
    _OWN = frozenset(
        {"real_loop", "_selector", "add_reader", "add_writer", "remove_reader", "remove_writer", "close", "__class__"}
    )

    def __init__(self, real_loop: asyncio.AbstractEventLoop) -> None:
        self.real_loop = real_loop
        self._selector = SelectorThread(real_loop)

    def __getattribute__(self, name: str) -> Any:
        if name in AddThreadSelectorEventLoop._OWN:
            return super().__getattribute__(name)
        return getattr(super().__getattribute__("real_loop"), name)

    def close(self) -> None:
        """End the thread and close the wrapped loop."""
        self._selector.close()
        self.real_loop.close()

    def add_reader(self, fd: Descriptor, callback: Callable[..., object], *args: Any) -> None:  # type: ignore[override]
        """See :meth:`SelectorThread.add_reader`."""
        self._selector.add_reader(fd, callback, *args)

    def add_writer(self, fd: Descriptor, callback: Callable[..., object], *args: Any) -> None:  # type: ignore[override]
        """See :meth:`SelectorThread.add_writer`."""
        self._selector.add_writer(fd, callback, *args)

    def remove_reader(self, fd: Descriptor) -> bool:  # type: ignore[override]
        """See :meth:`SelectorThread.remove_reader`."""
        return self._selector.remove_reader(fd)

    def remove_writer(self, fd: Descriptor) -> bool:  # type: ignore[override]
        """See :meth:`SelectorThread.remove_writer`."""
        return self._selector.remove_writer(fd)
