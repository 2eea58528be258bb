"""Which file descriptors an event loop watches, and whom it calls: the part of ``IOLoop`` below streams.

asyncio watches readability and writability with one callback each; here a descriptor has one handler, called
with the descriptor and a mask of what happened.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable

from waterspout._selector_thread import Descriptor, SelectorThread, number_of

READ = 0x001
WRITE = 0x004
ERROR = 0x018


Handler = Callable[..., object]


class WatchedDescriptors:
    """The descriptors that one asyncio loop watches.

    ``on_error`` is called with the handler that has raised, while the exception is being handled.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, on_error: Callable[[Handler], object]) -> None:
        self._loop = loop
        self._watcher: asyncio.AbstractEventLoop | SelectorThread = loop
        self._on_error = on_error
        self._handlers: dict[int, tuple[Descriptor, Handler]] = {}
        self._readers: set[int] = set()
        self._writers: set[int] = set()

    def add(self, fd: Descriptor, handler: Handler, events: int) -> None:
        """Watch a descriptor. Raises ValueError if it is watched already."""
        number = number_of(fd)
        if number in self._handlers:
            raise ValueError(f"descriptor {number} has a handler already: use update_handler to change its events")
        self._handlers[number] = (fd, handler)
        try:
            self._watch_somehow(number, events)
        except BaseException:
            self._forget(number)
            raise

    def update(self, fd: Descriptor, events: int) -> None:
        """Change the events to watch a descriptor for. Raises ValueError if it is not watched."""
        number = number_of(fd)
        if number not in self._handlers:
            raise ValueError(f"descriptor {number} has no handler: use add_handler first")
        self._watch(number, events)

    def remove(self, fd: Descriptor) -> None:
        """Stop watching a descriptor, if it is watched."""
        self._forget(self._number_of_known(fd))

    def close(self) -> list[Descriptor]:
        """Stop watching for good, and return the descriptors that were watched, as they were given."""
        descriptors = [fd for fd, _ in self._handlers.values()]
        for number in [*self._handlers]:
            self._forget(number)
        if isinstance(self._watcher, SelectorThread):
            self._watcher.close()
        return descriptors

    def _number_of_known(self, fd: Descriptor) -> int:
        number = number_of(fd)
        if number < 0:
            # A closed object has lost its number, but it must still be possible to take its handler away.
            return next((known for known, (given, _) in self._handlers.items() if given is fd), number)
        return number

    def _watch_somehow(self, number: int, events: int) -> None:
        try:
            self._watch(number, events)
        except NotImplementedError:
            # A loop built on completion, such as the proactor of Windows.
            self._watcher = SelectorThread(self._loop)
            self._watch(number, events)

    def _watch(self, number: int, events: int) -> None:
        if events & READ:
            if number not in self._readers:
                self._watcher.add_reader(number, self._call, number, READ)
                self._readers.add(number)
        elif number in self._readers:
            self._watcher.remove_reader(number)
            self._readers.discard(number)
        if events & WRITE:
            if number not in self._writers:
                self._watcher.add_writer(number, self._call, number, WRITE)
                self._writers.add(number)
        elif number in self._writers:
            self._watcher.remove_writer(number)
            self._writers.discard(number)

    def _forget(self, number: int) -> None:
        if self._handlers.pop(number, None) is not None:
            self._watch(number, 0)

    def _call(self, number: int, events: int) -> None:
        entry = self._handlers.get(number)
        if entry is None:
            # Removed by a callback earlier in the same turn of the loop.
            return
        fd, handler = entry
        try:
            handler(fd, events)
        except Exception:
            self._on_error(handler)


def close_descriptor(fd: Descriptor) -> None:
    """Close a descriptor given as a number or as an object; one that is closed already is left alone."""
    with contextlib.suppress(OSError):
        if isinstance(fd, int):
            os.close(fd)
        else:
            fd.close()
