"""Saboteurs of the chapter on waiting for several things and on timeouts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.coroutines import Lazy, settle


@saboteur(
    "multi-reversed",
    "multi() gives the results of a list in reverse.",
    chapters="core.waiting",
    kills="gen.multi.in-native-coroutines",
)
def _multi_reversed(ref: Patches) -> None:
    original = ref.gen.multi

    def lying(children: Any, *quiet: Any, **named: Any) -> Any:
        def turn(value: Any) -> Any:
            return value[::-1] if isinstance(value, list) else value

        return settle(original(children, *quiet, **named), ref.concurrent.Future(), turn)

    ref.replace(ref.gen, "multi", lying)


@saboteur(
    "multi-logs-nothing",
    "multi() drops all exceptions but the one it raises.",
    chapters="core.waiting",
    kills="gen.multi.one-error-raised-others-logged",
)
def _multi_silent(ref: Patches) -> None:
    original = ref.gen.multi
    ref.replace(ref.gen, "multi", lambda children, quiet_exceptions=(): original(children, Exception))


@saboteur(
    "multi-is-never-quiet",
    "multi() ignores quiet_exceptions.",
    chapters="core.waiting",
    kills="gen.multi.quiet-exceptions",
)
def _multi_loud(ref: Patches) -> None:
    original = ref.gen.multi
    ref.replace(ref.gen, "multi", lambda children, quiet_exceptions=(): original(children))


@saboteur(
    "multi-ends-at-the-first-error",
    "multi() raises the first exception in time, without waiting for the other items.",
    chapters="core.waiting",
    kills="gen.multi.first-in-the-list-wins",
)
def _multi_hasty(ref: Patches) -> None:
    original = ref.gen.multi

    def lying(children: Any, quiet_exceptions: Any = ()) -> Any:
        if isinstance(children, dict):
            return original(children, quiet_exceptions)
        return asyncio.gather(*map(ref.gen.convert_yielded, children))

    ref.replace(ref.gen, "multi", lying)


@saboteur(
    "wait-iterator-index-is-zero",
    "current_index of a WaitIterator is always 0.",
    chapters="core.waiting",
    kills=("gen.wait-iterator.order-of-completion", "gen.wait-iterator.keywords", "gen.wait-iterator.errors"),
)
def _index_zero(ref: Patches) -> None:
    class Lost(ref.gen.WaitIterator):  # type: ignore[misc, name-defined]
        @property
        def current_index(self) -> int:
            return 0

        @current_index.setter
        def current_index(self, value: Any) -> None:
            pass

    ref.replace(ref.gen, "WaitIterator", Lost)


@saboteur(
    "wait-iterator-iterates-once",
    "``async for`` over a WaitIterator ends after the first result.",
    chapters="core.waiting",
    kills="gen.wait-iterator.async-for",
)
def _iterate_once(ref: Patches) -> None:
    async def first(self: Any) -> Any:
        yield await self.next()

    ref.replace(ref.gen.WaitIterator, "__aiter__", first)


@saboteur(
    "sleep-doubles",
    "sleep() takes twice as long as told.",
    chapters=("core.waiting", "core.coroutines"),
    kills=("gen.sleep.seconds", "gen.patterns.minute-loop", "gen.patterns.minute-loop2"),
)
def _sleep_double(ref: Patches) -> None:
    original = ref.gen.sleep
    ref.replace(ref.gen, "sleep", lambda duration: original(2 * duration))


@saboteur(
    "sleep-starts-when-awaited",
    "sleep() counts from the moment when somebody waits for it.",
    chapters=("core.waiting", "core.coroutines"),
    kills=("gen.sleep.seconds", "gen.patterns.minute-loop2"),
)
def _sleep_lazily(ref: Patches) -> None:
    original = ref.gen.sleep
    ref.replace(ref.gen, "sleep", lambda duration: Lazy(lambda: original(duration)))


@saboteur(
    "with-timeout-number-is-a-span",
    "with_timeout() takes a number for seconds from now.",
    chapters="core.waiting",
    kills="gen.with-timeout.raises-at-the-deadline",
)
def _number_is_span(ref: Patches) -> None:
    original = ref.gen.with_timeout

    def lying(timeout: Any, *args: Any, **named: Any) -> Any:
        # Cut, for a span of half a century would be an endless case under a real clock.
        span = timeout if isinstance(timeout, timedelta) else timedelta(seconds=min(timeout, 86400))
        return original(span, *args, **named)

    ref.replace(ref.gen, "with_timeout", lying)


@saboteur(
    "with-timeout-delays-results",
    "with_timeout() hands out a result a second late.",
    chapters="core.waiting",
    kills="gen.with-timeout.result-in-time",
)
def _delay_results(ref: Patches) -> None:
    original = ref.gen.with_timeout

    async def lying(*args: Any, **named: Any) -> Any:
        result = await original(*args, **named)
        await asyncio.sleep(1)
        return result

    ref.replace(ref.gen, "with_timeout", lying)


@saboteur(
    "with-timeout-cancels",
    "with_timeout() cancels what it waited for.",
    chapters="core.waiting",
    kills="gen.with-timeout.does-not-cancel",
)
def _cancel_at_timeout(ref: Patches) -> None:
    original = ref.gen.with_timeout

    async def lying(timeout: Any, future: Any, *args: Any, **named: Any) -> Any:
        waited_for = ref.gen.convert_yielded(future)
        try:
            return await original(timeout, waited_for, *args, **named)
        except ref.gen.TimeoutError:
            waited_for.cancel()
            raise

    ref.replace(ref.gen, "with_timeout", lying)


@saboteur(
    "with-timeout-logs-nothing",
    "with_timeout() drops errors that come after the timeout.",
    chapters="core.waiting",
    kills="gen.with-timeout.late-error-is-logged",
)
def _drop_late_errors(ref: Patches) -> None:
    original = ref.gen.with_timeout

    def lying(timeout: Any, future: Any, quiet_exceptions: Any = (), **named: Any) -> Any:
        return original(timeout, future, quiet_exceptions=Exception, **named)

    ref.replace(ref.gen, "with_timeout", lying)


@saboteur(
    "with-timeout-is-never-quiet",
    "with_timeout() ignores quiet_exceptions.",
    chapters="core.waiting",
    kills="gen.with-timeout.late-error-is-logged",
)
def _never_quiet(ref: Patches) -> None:
    original = ref.gen.with_timeout

    def lying(timeout: Any, future: Any, quiet_exceptions: Any = (), **named: Any) -> Any:
        return original(timeout, future, **named)

    ref.replace(ref.gen, "with_timeout", lying)


@saboteur(
    "multi-is-flat",
    "multi() and its other names take no lists or dicts among their items.",
    chapters="core.waiting",
    kills="gen.multi.nested",
)
def _multi_flat(ref: Patches) -> None:
    original = ref.gen.multi

    def lying(children: Any, quiet_exceptions: Any = ()) -> Any:
        items = children.values() if isinstance(children, dict) else children
        if any(isinstance(item, list | dict) for item in items):
            raise ref.gen.BadYieldError("a list in a list")
        return original(children, quiet_exceptions)

    for name in ("multi", "multi_future", "Multi"):
        ref.replace(ref.gen, name, lying)


@saboteur(
    "multi-cancels-its-items",
    "Cancelling multi() cancels its items.",
    chapters="core.waiting",
    kills="gen.multi.cancellation",
)
def _multi_cancels(ref: Patches) -> None:
    original = ref.gen.multi

    def lying(children: Any, quiet_exceptions: Any = ()) -> Any:
        result = original(children, quiet_exceptions)
        if isinstance(children, list):
            result.add_done_callback(lambda _: [child.cancel() for child in children] if result.cancelled() else None)
        return result

    ref.replace(ref.gen, "multi", lying)


def with_timeout(ref: Patches, lie: Callable[..., Any]) -> None:
    """Answer calls of with_timeout() with ``lie(original, timeout, future, **options)``."""
    original = ref.gen.with_timeout

    def lying(timeout: Any, future: Any, quiet_exceptions: Any = (), **message: Any) -> Any:
        return lie(original, timeout, future, quiet_exceptions=quiet_exceptions, **message)

    ref.replace(ref.gen, "with_timeout", lying)


@saboteur(
    "with-timeout-without-message",
    "with_timeout() ignores ``message``.",
    chapters="core.waiting",
    kills="gen.with-timeout.message",
)
def _no_message(ref: Patches) -> None:
    with_timeout(ref, lambda original, timeout, future, message=None, **options: original(timeout, future, **options))


@saboteur(
    "with-timeout-takes-futures-only",
    "with_timeout() refuses what is no Future.",
    chapters="core.waiting",
    kills="gen.with-timeout.yieldables",
)
def _futures_only(ref: Patches) -> None:
    def lie(original: Any, timeout: Any, future: Any, **options: Any) -> Any:
        if not ref.concurrent.is_future(future):
            raise TypeError("not a future")
        return original(timeout, future, **options)

    with_timeout(ref, lie)


@saboteur(
    "with-timeout-looks-at-the-clock-first",
    "with_timeout() with a deadline in the past waits a second, and then raises TimeoutError whatever there is.",
    chapters="core.waiting",
    kills="gen.with-timeout.in-the-past",
)
def _clock_first(ref: Patches) -> None:
    def lie(original: Any, timeout: Any, future: Any, **options: Any) -> Any:
        span = timeout if isinstance(timeout, timedelta) else timedelta(seconds=timeout - time.time())
        if span >= timedelta(0):
            return original(timeout, future, **options)
        return original(timedelta(seconds=1), ref.concurrent.Future())

    with_timeout(ref, lie)


@saboteur(
    "nan-is-for-ever",
    "with_timeout() and sleep() take a time that is not a number for one that never comes.",
    chapters="core.waiting",
    kills="gen.with-timeout.not-a-number",
)
def _nan_for_ever(ref: Patches) -> None:
    def lie(original: Any, timeout: Any, future: Any, **options: Any) -> Any:
        return future if timeout != timeout else original(timeout, future, **options)

    sleep = ref.gen.sleep
    ref.replace(ref.gen, "sleep", lambda time: ref.concurrent.Future() if time != time else sleep(time))
    with_timeout(ref, lie)


@saboteur(
    "any-deadline-will-do",
    "with_timeout() takes a deadline of an unknown type for none.",
    chapters="core.waiting",
    kills="gen.with-timeout.other-deadlines",
)
def _any_deadline(ref: Patches) -> None:
    def lie(original: Any, timeout: Any, future: Any, **options: Any) -> Any:
        known = isinstance(timeout, int | float | timedelta)
        return original(timeout, future, **options) if known else future

    with_timeout(ref, lie)


@saboteur(
    "with-timeout-cancels-backwards",
    "Cancelling with_timeout() cancels what it waits for.",
    chapters="core.waiting",
    kills="gen.with-timeout.cancellation",
)
def _cancel_backwards(ref: Patches) -> None:
    def lie(original: Any, timeout: Any, future: Any, **options: Any) -> Any:
        source = ref.gen.convert_yielded(future)
        result = original(timeout, source, **options)
        result.add_done_callback(lambda _: source.cancel() if result.cancelled() else None)
        return result

    with_timeout(ref, lie)
