"""Saboteurs of the chapter on the loop of older releases. Its programs run in child processes, which lie as well."""

from __future__ import annotations

import logging
import time
import warnings
from typing import Any

from conformance.saboteurs import Patches
from conformance.saboteurs.lies import around, nothing
from conformance.saboteurs.loop_life import Lie, instead, loop_lie, static


def legacy_lie(name: str, lie: str, *kills: str) -> Lie:
    """Register a saboteur of this chapter; ``kills`` are ids without what they have in common."""
    return loop_lie(name, lie, *(f"legacy.{one}" for one in kills), chapters="core.loop_legacy")


@legacy_lie(
    "callback-exception-only-logged",
    "Failures are logged, whatever handle_callback_exception is.",
    "handle-callback-exception",
)
def _(ref: Patches) -> None:
    def change(io_loop: Any, name: str, value: Any) -> None:
        if name != "handle_callback_exception":
            object.__setattr__(io_loop, name, value)

    ref.replace(ref.ioloop.IOLoop, "__setattr__", change)


@legacy_lie(
    "callback-exception-outside",
    "handle_callback_exception() is called when the exception is over.",
    "handle-callback-exception",
)
def _(ref: Patches) -> None:
    def change(io_loop: Any, name: str, value: Any) -> None:
        if name == "handle_callback_exception":
            handle = value
            value = lambda callback: io_loop.asyncio_loop.call_soon(handle, callback)  # noqa: E731
        object.__setattr__(io_loop, name, value)

    ref.replace(ref.ioloop.IOLoop, "__setattr__", change)


@legacy_lie("running-always", "running() is True.", "running")
def _(ref: Patches) -> None:
    instead(ref, "running", lambda original, self: True)


@legacy_lie("initialized-always", "initialized() is True.", "initialized")
def _(ref: Patches) -> None:
    static(ref, "initialized", lambda original: True)


@legacy_lie("close-loop-ignored", "close() closes the asyncio loop, whatever close_loop says.", "close-loop-argument")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, all_fds: bool = False) -> None:
        original(self, all_fds)
        self.asyncio_loop.close()

    instead(ref, "close", lie)


@legacy_lie("install-without-effect", "install() does nothing but warn.", "install")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any) -> None:
        warnings.warn("a loop becomes current when it runs", DeprecationWarning, stacklevel=3)

    instead(ref, "install", lie)


@legacy_lie(
    "blocking-unnoticed",
    "The thresholds for callbacks that block are ignored.",
    "blocking-log-threshold",
    "blocking-signal-threshold",
)
def _(ref: Patches) -> None:
    instead(ref, "set_blocking_signal_threshold", nothing)


@legacy_lie("blocking-for-ever-watched", "A threshold cannot be taken back.", "blocking-log-threshold")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, seconds: float | None, action: Any) -> None:
        if seconds is not None:
            original(self, seconds, action)

    instead(ref, "set_blocking_signal_threshold", lie)


@legacy_lie(
    "stack-without-frames",
    "log_stack() logs that the loop is blocked, but not where.",
    "log-stack",
    "blocking-log-threshold",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, signal: int, frame: Any) -> None:
        logging.getLogger("tornado.general").warning("IOLoop blocked")

    instead(ref, "log_stack", lie)


@legacy_lie("other-clock-ignored", "PollIOLoop ignores its time_func.", "other-clock")
def _(ref: Patches) -> None:
    ref.replace(ref.ioloop.PollIOLoop, "time", lambda self: time.time())


@legacy_lie("io-loop-ignored", "PeriodicCallback runs on the current loop, whatever io_loop says.", "io-loop-argument")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, callback: Any, callback_time: Any, *args: Any, **kwargs: Any) -> None:
        original(self, callback, callback_time)

    around(ref, ref.ioloop.PeriodicCallback, "__init__", lie)
