"""Saboteurs of the chapter on descriptors."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches
from conformance.saboteurs.loop_life import Lie, instead, loop_lie


def descriptor_lie(name: str, lie: str, *kills: str) -> Lie:
    """Register a saboteur of this chapter; ``kills`` are ids without what they have in common."""
    return loop_lie(name, lie, *kills, chapters="core.descriptors")


def handling(ref: Patches, change: Callable[[Any, Any, Any, int], Callable[..., Any]]) -> None:
    """Let ``change(io_loop, fd, handler, events)`` make the handler that is added in place of the given one."""

    def lie(original: Any, self: Any, fd: Any, handler: Any, events: int) -> None:
        original(self, fd, change(self, fd, handler, events), events)

    instead(ref, "add_handler", lie)


@descriptor_lie(
    "handler-told-error", "Handlers are told ERROR, whatever has happened.", "handlers.reading", "handlers.writing"
)
def _(ref: Patches) -> None:
    handling(ref, lambda io_loop, fd, handler, events: lambda given, happened: handler(given, io_loop.ERROR))


@descriptor_lie("handler-called-early", "A handler is called when it is added.", "handlers.reading", "handlers.writing")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, fd: Any, handler: Any, events: int) -> None:
        original(self, fd, handler, events)
        self.add_callback(handler, fd, events)

    instead(ref, "add_handler", lie)


@descriptor_lie("handler-gets-numbers", "Handlers get the number of the descriptor.", "handlers.as-given")
def _(ref: Patches) -> None:
    def change(io_loop: Any, fd: Any, handler: Any, events: int) -> Callable[..., Any]:
        number = fd if isinstance(fd, int) else fd.fileno()
        return lambda given, happened: handler(number, happened)

    handling(ref, change)


@descriptor_lie(
    "handler-called-once", "A handler is called once for each time something arrives.", "handlers.again-and-again"
)
def _(ref: Patches) -> None:
    def change(io_loop: Any, fd: Any, handler: Any, events: int) -> Callable[..., Any]:
        def once(given: Any, happened: int) -> None:
            io_loop.update_handler(given, 0)
            handler(given, happened)

        return once

    handling(ref, change)


@descriptor_lie("handler-deaf-to-the-end", "The end of what the peer sends is not reported.", "handlers.end-of-file")
def _(ref: Patches) -> None:
    def change(io_loop: Any, fd: Any, handler: Any, events: int) -> Callable[..., Any]:
        def deaf(given: Any, happened: int) -> None:
            if isinstance(given, socket.socket) and given.recv(1, socket.MSG_PEEK) == b"":
                return
            handler(given, happened)

        return deaf

    handling(ref, change)


@descriptor_lie("update-handler-adds", "update_handler() adds events and takes none away.", "handlers.update")
def _(ref: Patches) -> None:
    instead(
        ref,
        "update_handler",
        lambda original, self, fd, events: original(self, fd, self.READ | self.WRITE),
    )


@descriptor_lie("update-handler-ignored", "update_handler() does nothing.", "handlers.update")
def _(ref: Patches) -> None:
    instead(ref, "update_handler", lambda original, self, fd, events: None)


@descriptor_lie("remove-handler-ignored", "remove_handler() does nothing.", "handlers.remove")
def _(ref: Patches) -> None:
    instead(ref, "remove_handler", lambda original, self, fd: None)


@descriptor_lie(
    "remove-handler-too-late", "remove_handler() takes effect after the round.", "handlers.removed-by-another"
)
def _(ref: Patches) -> None:
    instead(
        ref,
        "remove_handler",
        lambda original, self, fd: self.add_callback(original, self, fd),
    )


@descriptor_lie("handler-failure-silent", "The exception of a handler is lost.", "handlers.failure")
def _(ref: Patches) -> None:
    def change(io_loop: Any, fd: Any, handler: Any, events: int) -> Callable[..., Any]:
        def quiet(given: Any, happened: int) -> None:
            with contextlib.suppress(Exception):
                handler(given, happened)

        return quiet

    handling(ref, change)


@descriptor_lie("second-handler-replaces", "A second handler takes the place of the first.", "handlers.misuse")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, fd: Any, handler: Any, events: int) -> None:
        self.remove_handler(fd)
        original(self, fd, handler, events)

    instead(ref, "add_handler", lie)


@descriptor_lie(
    "closed-descriptor-taken", "add_handler() takes a descriptor that is closed.", "handlers.closed-descriptor"
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any) -> None:
        with contextlib.suppress(OSError):
            original(self, *args)

    instead(ref, "add_handler", lie)


@descriptor_lie("close-leaves-descriptors", "close(all_fds=True) closes the loop only.", "close.descriptors")
def _(ref: Patches) -> None:
    instead(ref, "close", lambda original, self, all_fds=False: original(self))


@descriptor_lie("close-takes-descriptors", "close() closes every descriptor.", "close.descriptors")
def _(ref: Patches) -> None:
    instead(ref, "close", lambda original, self, all_fds=False: original(self, all_fds=True))


@descriptor_lie("close-fd-once", "close_fd() fails for a descriptor that is closed already.", "handlers.close-fd")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, fd: Any) -> None:
        if isinstance(fd, int):
            os.close(fd)
        else:
            original(self, fd)

    instead(ref, "close_fd", lie)
