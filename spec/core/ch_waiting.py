"""Waiting for several things, and not for ever

``gen.multi`` waits for all items of a list or dict at once; ``gen.WaitIterator`` hands the results out as they come. If
several items fail, only one exception can be raised, so the others are logged: an error must not vanish.

``gen.with_timeout`` ends a wait at a deadline. Deadlines are of two kinds everywhere: a number is a point in time on
the scale of ``IOLoop.time()``, a ``timedelta`` is a span from now. Ending the wait does not end what was waited for: it
goes on, and its late failure is logged.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from datetime import timedelta

import pytest

from conformance import api, compat, doc, each, labelled, must, observed, seed, should
from conformance.standins import DEADLINES, fail_after, fetch, logged, turns

SLEEP = labelled("sleep", lambda seconds: api.gen.sleep(seconds))

# -- waiting for several things ---------------------------------------------------------------------------------------


@must(
    "gen.multi.in-native-coroutines",
    "await takes no lists or dicts; gen.multi() waits for their items in parallel and keeps order and keys.",
    doc("gen.multi"),
    seed("SEED-154"),
)
async def test_multi(clock):
    assert await api.gen.multi([fetch("/a", 4), fetch("/b", 2)]) == ["page of /a", "page of /b"]
    assert clock.elapsed == 4
    assert await api.gen.multi({"x": fetch("/c", 2), "y": asyncio.sleep(1, "slept")}) == {
        "x": "page of /c",
        "y": "slept",
    }
    assert clock.elapsed == 4 + 2
    assert (await api.gen.multi([]), await api.gen.multi({})) == ([], {})


@must(
    "gen.multi.one-error-raised-others-logged",
    "If several items of multi() fail, one exception is raised; the others are logged with their tracebacks.",
    doc("gen.multi"),
)
async def test_multi_errors(clock, caplog):
    with pytest.raises((KeyError, ValueError)) as caught:
        await api.gen.multi([fail_after(1, KeyError("a")), fetch("/b"), fail_after(2, ValueError("c"))])
    await api.gen.sleep(10)
    other = ValueError if caught.type is KeyError else KeyError
    assert logged(caplog) == [other]


@must(
    "gen.multi.quiet-exceptions",
    "Exceptions of the types in quiet_exceptions are not logged when another one is raised.",
    doc("gen.multi"),
)
async def test_multi_quiet(clock, caplog):
    jobs = [fail_after(1, KeyError("a")), fail_after(1, OSError("b")), fail_after(1, ValueError("c"))]
    with pytest.raises(KeyError):
        await api.gen.multi(jobs, quiet_exceptions=(ValueError, KeyError))
    await api.gen.sleep(10)
    assert logged(caplog) == [OSError]


@compat(
    "gen.multi.first-in-the-list-wins",
    "multi() waits for all items even if one has failed, and raises the exception that is first in the list.",
    observed("core-multi-errors"),
)
async def test_multi_first_error(clock):
    with pytest.raises(ValueError, match="first in the list"):
        await api.gen.multi(
            [
                fail_after(5, ValueError("first in the list")),
                fail_after(1, KeyError("first in time")),
                fetch("/slow", 9),
            ]
        )
    assert clock.elapsed == 9


@must(
    "gen.multi.nested",
    "Lists and dicts may stand in one another; multi_future() and Multi() are other names of multi().",
    doc("gen.multi_future"),
)
@each(name=["multi", "multi_future", "Multi"])
async def test_multi_nested(clock, name):
    wait = getattr(api.gen, name)
    pages = await wait({"a": [fetch("/a", 2), fetch("/b", 1)], "c": {"d": fetch("/d", 3)}})
    assert pages == {"a": ["page of /a", "page of /b"], "c": {"d": "page of /d"}}
    assert clock.elapsed == 3


@compat(
    "gen.multi.cancellation",
    "A cancelled item raises CancelledError; cancelling multi() itself leaves its items alone.",
    observed("core-cancellation"),
)
async def test_multi_cancellation(clock):
    cancelled, other = api.concurrent.Future(), api.concurrent.Future()
    waiting, given_up = api.gen.multi([cancelled, other]), api.gen.multi([other])
    cancelled.cancel()
    given_up.cancel()
    await turns()
    assert not other.done()
    other.set_result(1)
    with pytest.raises(asyncio.CancelledError):
        await waiting


@must(
    "gen.wait-iterator.order-of-completion",
    "WaitIterator gives results as they come; current_index is the position of the one that came, current_future it.",
    doc("gen.WaitIterator"),
)
async def test_wait_iterator(clock):
    futures = [fetch("/a", 30), fetch("/b", 10), fetch("/c", 20)]
    wait_iterator = api.gen.WaitIterator(*futures)
    seen = []
    while not wait_iterator.done():
        page = await wait_iterator.next()
        assert wait_iterator.current_future is futures[wait_iterator.current_index]
        seen.append((clock.elapsed, wait_iterator.current_index, page))
    assert seen == [(10, 1, "page of /b"), (20, 2, "page of /c"), (30, 0, "page of /a")]


@must(
    "gen.wait-iterator.keywords",
    "With keyword arguments, current_index is the keyword; positions and keywords cannot be mixed.",
    doc("gen.WaitIterator"),
)
async def test_wait_iterator_keywords(clock):
    wait_iterator = api.gen.WaitIterator(late=fetch("/a", 2), early=fetch("/b", 1))
    seen = []
    while not wait_iterator.done():
        seen.append((await wait_iterator.next(), wait_iterator.current_index))
    assert seen == [("page of /b", "early"), ("page of /a", "late")]
    with pytest.raises(ValueError):
        api.gen.WaitIterator(api.concurrent.Future(), other=api.concurrent.Future())


@must(
    "gen.wait-iterator.errors",
    "The exception of an item is raised by next(); current_index tells whose it is, and the iteration may go on.",
    doc("gen.WaitIterator"),
)
async def test_wait_iterator_errors(clock):
    failing = api.gen.convert_yielded(fail_after(1, KeyError("broken")))
    wait_iterator = api.gen.WaitIterator(fetch("/a", 2), failing)
    with pytest.raises(KeyError, match="broken"):
        await wait_iterator.next()
    assert wait_iterator.current_index == 1
    assert not wait_iterator.done()
    assert await wait_iterator.next() == "page of /a"
    assert wait_iterator.done()


@must(
    "gen.wait-iterator.async-for",
    "``async for`` over a WaitIterator gives the results as they come, and ends after the last.",
    doc("gen.WaitIterator"),
)
async def test_wait_iterator_async_for(clock):
    wait_iterator = api.gen.WaitIterator(fetch("/a", 2), fetch("/b", 1))
    seen = []
    async for page in wait_iterator:
        seen.append((page, wait_iterator.current_index))
    assert seen == [("page of /b", 1), ("page of /a", 0)]


# -- sleeping and timeouts --------------------------------------------------------------------------------------------


@must(
    "gen.sleep.seconds",
    "sleep(duration) gives a Future that is done after that many seconds, counted from the call.",
    doc("gen.sleep"),
)
async def test_sleep(clock):
    await api.gen.sleep(0.25)
    assert clock.elapsed == 0.25
    future = api.gen.sleep(3600)
    await api.gen.sleep(3000)
    await future
    assert clock.elapsed == 0.25 + 3600


@must(
    "gen.with-timeout.raises-at-the-deadline",
    "with_timeout() raises TimeoutError when its deadline, a time or a span from now, comes before the result.",
    doc("gen.with_timeout"),
)
@each(deadline=DEADLINES)
async def test_with_timeout(clock, deadline):
    await api.gen.sleep(100)
    with pytest.raises(api.gen.TimeoutError):
        await api.gen.with_timeout(deadline(5), api.concurrent.Future())
    assert clock.elapsed == 105


@must(
    "gen.with-timeout.result-in-time",
    "with_timeout() gives the result, or raises the exception, of what ends before the deadline, without delay.",
    doc("gen.with_timeout"),
)
@each(deadline=DEADLINES)
async def test_with_timeout_in_time(clock, deadline):
    assert await api.gen.with_timeout(deadline(60), fetch("/a", 2)) == "page of /a"
    with pytest.raises(KeyError, match="own error"):
        await api.gen.with_timeout(deadline(60), fail_after(1, KeyError("own error")))
    assert clock.elapsed == 3


@must(
    "gen.with-timeout.does-not-cancel",
    "A Future whose wait timed out is not cancelled; it can still be waited for.",
    doc("gen.with_timeout"),
)
async def test_with_timeout_does_not_cancel(clock):
    slow = fetch("/slow", 60)
    with pytest.raises(api.gen.TimeoutError):
        await api.gen.with_timeout(timedelta(seconds=1), slow)
    assert not slow.cancelled()
    assert await slow == "page of /slow"
    assert clock.elapsed == 60


@must(
    "gen.with-timeout.late-error-is-logged",
    "An exception that comes after the timeout is logged, unless its type is among quiet_exceptions.",
    doc("gen.with_timeout"),
)
@each(quiet=[labelled("loud", ()), labelled("one", KeyError), labelled("several", (OSError, KeyError))])
async def test_with_timeout_late_error(clock, caplog, quiet):
    future = api.concurrent.Future()
    with pytest.raises(api.gen.TimeoutError):
        await api.gen.with_timeout(timedelta(seconds=1), future, quiet_exceptions=quiet)
    future.set_exception(KeyError("too late"))
    await api.gen.sleep(1)
    assert logged(caplog) == ([] if quiet else [KeyError])


@must(
    "gen.with-timeout.message",
    "The text of the TimeoutError can be given as ``message``, or as a function that makes it.",
    doc("gen.with_timeout"),
)
@each(message=[labelled("text", "no page"), labelled("function", lambda: "no page")])
async def test_with_timeout_message(clock, message):
    with pytest.raises(api.gen.TimeoutError, match=r"^no page$"):
        await api.gen.with_timeout(timedelta(seconds=1), api.concurrent.Future(), message=message)


@must(
    "gen.with-timeout.yieldables",
    "with_timeout() waits for whatever can be yielded: native coroutines, lists, Futures of thread pools.",
    doc("gen.with_timeout"),
)
async def test_with_timeout_yieldables(clock):
    pool_future = concurrent.futures.Future()
    pool_future.set_result("of a pool")
    pages = await api.gen.with_timeout(timedelta(seconds=5), [fetch("/a", 2), asyncio.sleep(3, "slept"), pool_future])
    assert pages == ["page of /a", "slept", "of a pool"]
    with pytest.raises(api.gen.TimeoutError):
        await api.gen.with_timeout(timedelta(seconds=5), [fetch("/a", 9)])


@compat(
    "gen.with-timeout.in-the-past",
    "A deadline in the past ends a wait without delay; what is done already gives its result all the same.",
    observed("core-cancellation"),
)
@each(deadline=DEADLINES)
async def test_with_timeout_past(clock, deadline):
    assert await api.gen.with_timeout(deadline(-60), api.gen.maybe_future("there")) == "there"
    with pytest.raises(api.gen.TimeoutError):
        await api.gen.with_timeout(deadline(-60), fetch("/a", 1))
    assert clock.elapsed < 0.001


@should(
    "gen.with-timeout.not-a-number",
    "A time that is not a number is refused with ValueError, for it would never come: by with_timeout() and sleep().",
    doc("gen.with_timeout"),
)
@each(wait=[labelled("with_timeout", lambda time: api.gen.with_timeout(time, api.concurrent.Future())), SLEEP])
async def test_not_a_number(clock, wait):
    with pytest.raises(ValueError):
        wait(float("nan"))


@compat(
    "gen.with-timeout.other-deadlines",
    "A deadline that is neither a number nor a timedelta is refused with TypeError.",
    observed("core-cancellation"),
)
@each(deadline=["10", None])
async def test_other_deadlines(clock, deadline):
    with pytest.raises(TypeError):
        api.gen.with_timeout(deadline, api.concurrent.Future())


@compat(
    "gen.with-timeout.cancellation",
    "Cancelling the wait leaves what was waited for alone; if that is cancelled, the wait is, too.",
    observed("core-cancellation"),
)
async def test_with_timeout_cancellation(clock, caplog):
    source = api.concurrent.Future()
    given_up = api.gen.with_timeout(timedelta(seconds=1), source)
    waiting = api.gen.with_timeout(timedelta(seconds=9), source)
    given_up.cancel()
    await api.gen.sleep(5)
    assert not source.done()
    source.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert clock.elapsed == 5
    assert logged(caplog) == []
