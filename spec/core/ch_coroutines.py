"""Coroutines and the loop that runs them

A coroutine is a function that can stop in the middle and go on later. Two kinds live together. A *decorated* one is a
generator under ``gen.coroutine``: it stops at each ``yield``. A *native* one is written with ``async def`` and stops
at each ``await``. The difference that users feel first is the call: calling a decorated coroutine starts it and gives
a Future at once, calling a native one only makes an object that somebody has to run.

What is yielded is waited for: a Future, an awaitable, a Future of a thread pool, or a list or dict of these, which are
waited for in parallel. The value of the ``yield`` expression is the value of the Future. Exceptions stay in the Future
until somebody yields it; called without ``yield``, a coroutine fails in silence. That is why the loop offers
``spawn_callback``, which takes over the duty to look at the outcome, and logs a failure.

Deadlines are of two kinds everywhere: a number is a point in time on the scale of ``IOLoop.time()``, a ``timedelta``
is a span from now. Timing is checked here under a clock that jumps to the next timer, so every statement about time is
exact.

The order of the chapter: calling and returning, errors, what can be yielded, waiting for several things, timeouts, the
loop's own callbacks and timers, and last the patterns of the user's guide.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import logging
import threading
import time
import traceback
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from conformance import api, compat, doc, each, labelled, must, observed, seed

#: The two ways to say when a wait ends, ``seconds`` from now.
DEADLINES = [
    labelled("number", lambda seconds: time.time() + seconds),
    labelled("timedelta", lambda seconds: timedelta(seconds=seconds)),
]


def divide(x: float, y: float) -> Any:
    """Call the guide's coroutine."""

    @api.gen.coroutine
    def divide(x: float, y: float) -> Any:
        return x / y

    return divide(x, y)


def fetch(url: str, seconds: float = 1) -> Any:
    """Stand in for an HTTP client: the answer comes after ``seconds``."""

    @api.gen.coroutine
    def fetch() -> Any:
        yield api.gen.sleep(seconds)
        return f"page of {url}"

    return fetch()


async def fail_after(seconds: float, error: Exception) -> None:
    """Raise ``error`` after ``seconds``."""
    await api.gen.sleep(seconds)
    raise error


def logged(caplog: Any, logger: str = "tornado.application") -> list[type[BaseException] | None]:
    """Return the types of the exceptions whose tracebacks were logged, in order."""
    rows = [row for row in caplog.records if row.name == logger and row.levelno >= logging.ERROR]
    return [row.exc_info[0] if row.exc_info else None for row in rows]


# -- calling and returning --------------------------------------------------------------------------------------------


@must(
    "gen.call.starts-at-once",
    "Calling a decorated coroutine runs its body up to the first yield before the call returns.",
    doc("gen.coroutine"),
    seed("SEED-158"),
    seed("SEED-201"),
)
async def test_call_starts(clock):
    seen = []

    @api.gen.coroutine
    def worker():
        seen.append("started")
        yield api.gen.sleep(1)
        seen.append("ended")

    future = worker()
    assert seen == ["started"]
    await future
    assert seen == ["started", "ended"]


@must(
    "gen.call.returns-future",
    "A decorated coroutine talks to its caller by a Future; without anything to wait for, it is done at once.",
    doc("gen.coroutine"),
    seed("SEED-158"),
)
async def test_call_returns_future():
    future = divide(6, 2)
    assert isinstance(future, api.concurrent.Future)
    assert future.done()
    assert future.result() == 3


@must(
    "gen.call.native-is-started-by-convert-yielded",
    "Calling an async def function starts nothing; convert_yielded() starts it in the background.",
    doc("gen.convert_yielded"),
    seed("SEED-182"),
)
async def test_native_is_started_by_convert_yielded(clock):
    seen = []

    async def chunk():
        seen.append(clock.elapsed)
        return "chunk"

    coroutine = chunk()
    await api.gen.sleep(1)
    assert seen == []
    future = api.gen.convert_yielded(coroutine)
    await api.gen.sleep(1)
    assert seen == [1]
    assert await future == "chunk"


@must(
    "gen.return.value",
    "``return value`` and ``raise gen.Return(value)`` both give the coroutine its result; without one it is None.",
    doc("gen.Return"),
    seed("SEED-147"),
    seed("SEED-148"),
    seed("SEED-151"),
)
@each(ending=["return", "raise", "neither"])
async def test_return(clock, ending):
    @api.gen.coroutine
    def fetch_coroutine(url):
        response = yield fetch(url)
        if ending == "return":
            return response
        if ending == "raise":
            raise api.gen.Return(response)

    expected = None if ending == "neither" else "page of /a"
    assert await fetch_coroutine("/a") == expected


@must(
    "gen.call.is-coroutine-function",
    "is_coroutine_function() tells a decorated function from a plain one.",
    doc("gen.is_coroutine_function"),
)
def test_is_coroutine_function():
    @api.gen.coroutine
    def decorated():
        yield api.gen.moment

    def plain():
        yield api.gen.moment

    assert api.gen.is_coroutine_function(decorated) is True
    assert api.gen.is_coroutine_function(plain) is False


# -- errors -----------------------------------------------------------------------------------------------------------


@must(
    "gen.errors.stay-in-the-future",
    "A coroutine that is called without yield raises nothing: the exception stays in its Future.",
    doc("gen.coroutine"),
    seed("SEED-161"),
    seed("SEED-162"),
)
async def test_bad_call():
    futures = []

    def bad_call():
        futures.append(divide(1, 0))

    bad_call()
    assert isinstance(futures[0].exception(), ZeroDivisionError)


@must(
    "gen.errors.raised-where-yielded",
    "Yielding the Future of a failed coroutine raises its exception at the yield, where it can be caught.",
    doc("gen.coroutine"),
    seed("SEED-163"),
    seed("SEED-164"),
)
async def test_good_call():
    @api.gen.coroutine
    def good_call():
        try:
            yield divide(1, 0)
        except ZeroDivisionError as error:
            return f"caught {error}"

    assert await good_call() == "caught division by zero"
    with pytest.raises(ZeroDivisionError):
        await divide(1, 0)


@compat(
    "gen.errors.traceback",
    "The traceback of an exception leads through the yields of all callers to the line that raised it.",
    observed("core-traceback"),
)
async def test_traceback(clock):
    @api.gen.coroutine
    def innermost():
        yield api.gen.sleep(1)
        raise KeyError("lost")

    @api.gen.coroutine
    def middle():
        yield innermost()

    with pytest.raises(KeyError) as caught:
        await middle()
    frames = traceback.extract_tb(caught.value.__traceback__)
    ours = [(row.name, row.line) for row in frames if row.filename == __file__]
    assert ours[1:] == [("middle", "yield innermost()"), ("innermost", 'raise KeyError("lost")')]


# -- what can be yielded ----------------------------------------------------------------------------------------------


@must(
    "gen.yield.value",
    "The value of a yield expression is the value of the Future that was yielded.",
    doc("gen.coroutine"),
    seed("SEED-160"),
    seed("SEED-145"),
)
async def test_yield_value():
    future = api.concurrent.Future()

    @api.gen.coroutine
    def waiter():
        got = yield future
        return ["got", got]

    waiting = waiter()
    assert not waiting.done()
    future.set_result("the answer")
    assert await waiting == ["got", "the answer"]


@must(
    "gen.yield.others-run-meanwhile",
    "While one coroutine waits, the loop runs others; control changes hands only where something is yielded.",
    doc("gen.coroutine"),
    seed("SEED-004"),
    seed("SEED-134"),
    seed("SEED-149"),
    seed("SEED-150"),
)
async def test_others_run_meanwhile(clock):
    seen = []

    @api.gen.coroutine
    def visitor(name, seconds):
        for _ in range(2):
            seen.append((name, clock.elapsed))
            yield api.gen.sleep(seconds)

    slow, quick = visitor("slow", 10), visitor("quick", 1)
    await slow
    await quick
    assert seen == [("slow", 0), ("quick", 0), ("quick", 1), ("slow", 10)]


@must(
    "gen.yield.list-in-parallel",
    "A yielded list of Futures is waited for in parallel; the results stand in the order of the list.",
    doc("gen.coroutine"),
    doc("gen.multi"),
    seed("SEED-175"),
    seed("SEED-176"),
    seed("SEED-177"),
)
async def test_parallel_list(clock):
    @api.gen.coroutine
    def parallel_fetch(url1, url2):
        resp1, resp2 = yield [fetch(url1, seconds=9), fetch(url2, seconds=3)]
        return resp1, resp2

    @api.gen.coroutine
    def parallel_fetch_many(urls):
        return (yield [fetch(url, seconds) for seconds, url in enumerate(urls)])

    assert await parallel_fetch("/a", "/b") == ("page of /a", "page of /b")
    assert clock.elapsed == 9
    assert await parallel_fetch_many(["/c", "/d", "/e"]) == ["page of /c", "page of /d", "page of /e"]
    assert clock.elapsed == 9 + 2


@must(
    "gen.yield.dict-in-parallel",
    "A yielded dict of Futures is waited for in parallel; the result is a dict with the same keys.",
    doc("gen.coroutine"),
    doc("gen.multi"),
    seed("SEED-175"),
    seed("SEED-178"),
)
async def test_parallel_dict(clock):
    @api.gen.coroutine
    def parallel_fetch_dict(urls):
        return (yield {url: fetch(url, seconds) for url, seconds in urls.items()})

    pages = await parallel_fetch_dict({"/a": 5, "/b": 2})
    assert pages == {"/a": "page of /a", "/b": "page of /b"}
    assert clock.elapsed == 5


@must(
    "gen.yield.native",
    "Decorated coroutines may yield native ones, and native ones may await decorated ones.",
    doc("gen.coroutine"),
    seed("SEED-152"),
    seed("SEED-153"),
    seed("SEED-156"),
)
async def test_both_kinds(clock):
    async def native(value):
        await api.gen.sleep(1)
        return value + 1

    @api.gen.coroutine
    def decorated(value):
        return (yield native(value)) * 10

    async def outer():
        return await decorated(4) + 3

    assert await outer() == 53
    assert clock.elapsed == 1


@must(
    "gen.yield.asyncio-interoperates",
    "asyncio's awaitables can be yielded, and asyncio waits for decorated coroutines as for its own Futures.",
    doc("concurrent.Future"),
    doc("gen.coroutine"),
)
async def test_asyncio_interoperates(clock):
    @api.gen.coroutine
    def decorated(value):
        yield asyncio.sleep(2)
        task = asyncio.ensure_future(asyncio.sleep(1, result=value))
        return (yield task)

    assert await asyncio.gather(decorated("a"), decorated("b")) == ["a", "b"]
    assert await asyncio.wait_for(decorated("c"), 10) == "c"
    assert clock.elapsed == 3 + 3
    assert issubclass(api.concurrent.Future, asyncio.Future)


@must(
    "gen.yield.to-asyncio-future",
    "platform.asyncio.to_asyncio_future() adapts a coroutine for callers that run in asyncio.",
    doc("platform.asyncio.to_asyncio_future"),
    seed("SEED-157"),
)
async def test_to_asyncio_future(clock):
    future = api.platform.asyncio.to_asyncio_future(fetch("/a", seconds=2))
    assert isinstance(future, asyncio.Future)
    assert await asyncio.wait_for(future, 10) == "page of /a"
    assert clock.elapsed == 2


@must(
    "gen.yield.thread-pool",
    "A decorated coroutine may yield the Future of a thread pool; the loop is not blocked meanwhile.",
    doc("gen.coroutine"),
    seed("SEED-173"),
    seed("SEED-174"),
)
async def test_thread_pool():
    ready = threading.Event()

    def blocking_func(argument):
        # Set by the loop, which can do so only if it runs while this waits.
        return argument, ready.wait(5)

    @api.gen.coroutine
    def call_blocking(thread_pool):
        return (yield thread_pool.submit(blocking_func, "args"))

    with concurrent.futures.ThreadPoolExecutor(1) as thread_pool:
        calling = call_blocking(thread_pool)
        api.ioloop.IOLoop.current().add_callback(ready.set)
        assert await calling == ("args", True)


@must(
    "gen.convert-yielded.thread-pool",
    "await knows nothing of thread pools; convert_yielded() makes their Futures awaitable, failures included.",
    doc("gen.convert_yielded"),
    seed("SEED-154"),
    seed("SEED-155"),
)
async def test_convert_thread_pool():
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        assert await api.gen.convert_yielded(executor.submit(int, "12")) == 12
        with pytest.raises(ValueError, match="twelve"):
            await api.gen.convert_yielded(executor.submit(int, "twelve"))


@must(
    "gen.yield.moment",
    "Yielding gen.moment lets the loop run one round, so that a long computation does not starve others.",
    doc("gen.moment"),
)
async def test_moment():
    seen = []

    @api.gen.coroutine
    def computation():
        for part in range(3):
            seen.append(part)
            yield api.gen.moment

    loop = asyncio.get_running_loop()
    loop.call_soon(seen.append, "first guest")
    working = computation()
    loop.call_soon(seen.append, "second guest")
    await working
    assert seen == [0, "first guest", 1, "second guest", 2]


@compat(
    "gen.yield.nonsense",
    "Yielding something that cannot be waited for raises BadYieldError at the yield; so does convert_yielded().",
    observed("core-bad-yield"),
)
@each(thing=[3, "text", {1, 2}, labelled("object", object()), labelled("list-of-numbers", [3])])
async def test_nonsense(thing):
    @api.gen.coroutine
    def confused():
        try:
            yield thing
        except api.gen.BadYieldError:
            return "refused"

    assert await confused() == "refused"


@compat(
    "gen.yield.ten-thousand-done",
    "A coroutine may yield 10,000 Futures that are already done.",
    observed("core-done-futures"),
)
async def test_ten_thousand_done():
    done = api.gen.maybe_future(1)

    @api.gen.coroutine
    def add_up():
        total = 0
        for _ in range(10_000):
            total += yield done
        return total

    assert await add_up() == 10_000


@compat(
    "gen.yield.ten-thousand-deep",
    "A chain of 10,000 coroutines, each waiting for the one before, ends without a RecursionError.",
    observed("core-done-futures"),
)
async def test_ten_thousand_deep():
    @api.gen.coroutine
    def one_more(future):
        return (yield future) + 1

    last = first = api.concurrent.Future()
    for _ in range(10_000):
        last = one_more(last)
    first.set_result(0)
    assert await last == 10_000


@compat(
    "gen.context.of-its-own",
    "A coroutine sees the context variables of its caller; what it sets itself lasts over yields and stays inside.",
    observed("core-contextvars"),
)
async def test_context_variables(clock):
    user = contextvars.ContextVar("user", default="nobody")

    @api.gen.coroutine
    def request(name):
        before = user.get()
        user.set(name)
        yield api.gen.sleep(1)
        return before, user.get()

    user.set("root")
    pair = await api.gen.multi([request("ann"), request("bob")])
    assert pair == [("root", "ann"), ("root", "bob")]
    assert user.get() == "root"


@must(
    "gen.maybe-future.wraps-values",
    "maybe_future() returns a Future as it is, and wraps anything else in a Future that is done.",
    doc("gen.maybe_future"),
)
async def test_maybe_future():
    pending = api.concurrent.Future()
    assert api.gen.maybe_future(pending) is pending
    wrapped = api.gen.maybe_future([1, 2])
    assert isinstance(wrapped, api.concurrent.Future)
    assert wrapped.result() == [1, 2]


@must(
    "concurrent.future.callbacks",
    "A Future made by the application is resolved with set_result(); its done-callbacks get the Future itself.",
    doc("concurrent.Future"),
    seed("SEED-140"),
    seed("SEED-144"),
    seed("SEED-145"),
)
async def test_future_callbacks(clock):
    def async_fetch_future(url):
        my_future = api.concurrent.Future()
        fetch_future = fetch(url)
        fetch_future.add_done_callback(lambda f: my_future.set_result((f is fetch_future, f.result())))
        return my_future

    assert await async_fetch_future("/a") == (True, "page of /a")


@must(
    "concurrent.future.result-raises",
    "Future.result() raises the exception that the operation ended with.",
    doc("concurrent.Future"),
    seed("SEED-146"),
)
async def test_future_result_raises():
    future = api.concurrent.Future()
    future.set_exception(KeyError("missing page"))
    with pytest.raises(KeyError, match="missing page"):
        future.result()


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


# -- the loop: callbacks and timers -----------------------------------------------------------------------------------


@must(
    "loop.run-sync.result",
    "run_sync() starts the loop, runs a coroutine function without arguments, stops the loop and returns the result.",
    doc("ioloop.IOLoop.run_sync"),
    seed("SEED-168"),
    seed("SEED-205"),
)
def test_run_sync(clock):
    async def main():
        await api.gen.sleep(3)
        return "done"

    io_loop = api.ioloop.IOLoop.current()
    assert io_loop.run_sync(main) == "done"
    assert io_loop.run_sync(lambda: fetch("/a", 2)) == "page of /a"
    assert clock.elapsed == 3 + 2


@must(
    "loop.run-sync.raises",
    "run_sync() raises the exception of the coroutine.",
    doc("ioloop.IOLoop.run_sync"),
    seed("SEED-169"),
)
def test_run_sync_raises(clock):
    with pytest.raises(ZeroDivisionError):
        api.ioloop.IOLoop.current().run_sync(lambda: divide(1, 0))
    with pytest.raises(KeyError, match="late"):
        api.ioloop.IOLoop.current().run_sync(lambda: fail_after(5, KeyError("late")))
    assert clock.elapsed == 5


@must(
    "loop.run-sync.timeout",
    "run_sync(timeout=) raises TimeoutError after that many seconds, and the loop can be used again.",
    doc("ioloop.IOLoop.run_sync"),
)
def test_run_sync_timeout(clock):
    io_loop = api.ioloop.IOLoop.current()
    with pytest.raises(api.ioloop.TimeoutError):
        io_loop.run_sync(lambda: fetch("/slow", 3600), timeout=5)
    assert clock.elapsed == 5
    assert io_loop.run_sync(lambda: fetch("/a", 1), timeout=5) == "page of /a"
    assert clock.elapsed == 6


@must(
    "loop.spawn-callback.logs-failure",
    "spawn_callback() makes the loop responsible: a failure is logged with a traceback that names the line.",
    doc("ioloop.IOLoop.spawn_callback"),
    seed("SEED-165"),
    seed("SEED-166"),
)
@each(kind=["decorated", "native", "plain"])
async def test_spawn_callback(clock, caplog, kind):
    async def native(x, y):
        await api.gen.sleep(1)
        return x / y

    functions = {"decorated": divide, "native": native, "plain": lambda x, y: x / y}
    api.ioloop.IOLoop.current().spawn_callback(functions[kind], 1, 0)
    assert logged(caplog) == []
    await api.gen.sleep(10)
    assert logged(caplog) == [ZeroDivisionError]
    assert "x / y" in caplog.text


@must(
    "loop.spawn-callback.runs-coroutines",
    "spawn_callback() runs functions of both kinds to their end; the loop starts them, not the call.",
    doc("ioloop.IOLoop.spawn_callback"),
    seed("SEED-166"),
    seed("SEED-167"),
)
async def test_spawn_callback_runs(clock):
    seen = []

    async def native(name):
        await api.gen.sleep(1)
        seen.append((name, clock.elapsed))

    @api.gen.coroutine
    def decorated(name):
        yield native(name)

    api.ioloop.IOLoop.current().spawn_callback(native, "native")
    api.ioloop.IOLoop.current().spawn_callback(decorated, name="decorated")
    await api.gen.sleep(5)
    assert sorted(seen) == [("decorated", 1), ("native", 1)]


@must(
    "loop.add-callback.next-round",
    "add_callback() calls the function with its arguments in the next round of the loop, in the order of the calls.",
    doc("ioloop.IOLoop.add_callback"),
)
async def test_add_callback():
    seen = []
    end = api.concurrent.Future()
    io_loop = api.ioloop.IOLoop.current()
    io_loop.add_callback(seen.append, "first")
    io_loop.add_callback(lambda *args, **kwargs: seen.append((args, kwargs)), "second", key="value")
    io_loop.add_callback(end.set_result, None)
    assert seen == []
    await end
    assert seen == ["first", (("second",), {"key": "value"})]


@must(
    "loop.add-callback.from-another-thread",
    "add_callback() may be called from other threads: it wakes the loop, which runs the function on its own thread.",
    doc("ioloop.IOLoop.add_callback"),
    seed("SEED-261"),
)
async def test_add_callback_from_thread():
    io_loop = api.ioloop.IOLoop.current()
    called_on = api.concurrent.Future()

    def work():
        io_loop.add_callback(lambda: called_on.set_result(threading.current_thread()))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert await asyncio.wait_for(called_on, 5) is threading.current_thread()
    finally:
        thread.join()


@must(
    "loop.run-in-executor.other-thread",
    "run_in_executor() calls a blocking function on another thread and gives a Future of its result.",
    doc("ioloop.IOLoop.run_in_executor"),
    seed("SEED-262"),
)
@each(executor=["default", "own"])
async def test_run_in_executor(executor):
    io_loop = api.ioloop.IOLoop.current()
    ready = threading.Event()

    def blocking(argument):
        # Set by the loop, which can do so only if it runs while this waits.
        return argument, ready.wait(5), threading.current_thread() is threading.main_thread()

    with concurrent.futures.ThreadPoolExecutor(1) as own:
        future = io_loop.run_in_executor(None if executor == "default" else own, blocking, "rows")
        io_loop.add_callback(ready.set)
        assert await future == ("rows", True, False)


@must(
    "loop.add-future.callback",
    "add_future() calls the function with the Future when it is done, and not before the next round.",
    doc("ioloop.IOLoop.add_future"),
)
async def test_add_future(clock):
    seen = []
    future = api.concurrent.Future()
    api.ioloop.IOLoop.current().add_future(future, lambda done: seen.append((done is future, done.result())))
    await api.gen.sleep(1)
    assert seen == []
    future.set_result("ready")
    assert seen == []
    await api.gen.sleep(1)
    assert seen == [(True, "ready")]


@must(
    "loop.timers.order",
    "call_later(), call_at() and add_timeout() call functions with their arguments at their times.",
    doc("ioloop.IOLoop.call_later"),
    doc("ioloop.IOLoop.call_at"),
    doc("ioloop.IOLoop.add_timeout"),
)
async def test_timers(clock):
    seen = []

    def note(name, *, mark="-"):
        seen.append((name, mark, clock.elapsed))

    io_loop = api.ioloop.IOLoop.current()
    io_loop.add_timeout(timedelta(seconds=40), note, "span")
    io_loop.call_later(20, note, "later", mark="+")
    io_loop.call_at(io_loop.time() + 10, note, "at")
    io_loop.add_timeout(io_loop.time() + 30, note, "deadline")
    await api.gen.sleep(100)
    assert seen == [("at", "-", 10), ("later", "+", 20), ("deadline", "-", 30), ("span", "-", 40)]


@must(
    "loop.timers.remove",
    "remove_timeout() takes the handle of a timer and prevents its call; after the call it does nothing.",
    doc("ioloop.IOLoop.remove_timeout"),
)
async def test_remove_timeout(clock):
    seen = []
    io_loop = api.ioloop.IOLoop.current()
    handles = [
        io_loop.call_later(10, seen.append, "removed"),
        io_loop.call_later(5, seen.append, "called"),
        io_loop.call_at(io_loop.time() + 20, seen.append, "removed"),
    ]
    await api.gen.sleep(6)
    for handle in handles:
        io_loop.remove_timeout(handle)
    await api.gen.sleep(60)
    assert seen == ["called"]


@must(
    "loop.periodic.ticks",
    "PeriodicCallback calls its function every callback_time milliseconds, or every timedelta, until stop().",
    doc("ioloop.PeriodicCallback"),
)
@each(period=[labelled("milliseconds", 60_000), labelled("timedelta", timedelta(minutes=1))])
async def test_periodic(clock, period):
    ticks = []
    periodic = api.ioloop.PeriodicCallback(lambda: ticks.append(round(clock.elapsed)), period)
    assert not periodic.is_running()
    periodic.start()
    assert periodic.is_running()
    await api.gen.sleep(601)
    periodic.stop()
    assert not periodic.is_running()
    await api.gen.sleep(601)
    assert ticks == [60, 120, 180, 240, 300, 360, 420, 480, 540, 600]


@must(
    "loop.periodic.skips-when-late",
    "Calls of a PeriodicCallback do not overlap: if one takes longer than the period, calls are left out.",
    doc("ioloop.PeriodicCallback"),
)
async def test_periodic_skips(clock):
    ticks = []

    async def slow():
        ticks.append(round(clock.elapsed))
        await api.gen.sleep(25)

    periodic = api.ioloop.PeriodicCallback(slow, 10_000)
    periodic.start()
    await api.gen.sleep(101)
    periodic.stop()
    assert ticks == [10, 40, 70, 100]


@must(
    "loop.periodic.survives-errors",
    "An exception in a PeriodicCallback is logged, and the calls go on.",
    doc("ioloop.PeriodicCallback"),
)
async def test_periodic_errors(clock, caplog):
    periodic = api.ioloop.PeriodicCallback(lambda: {}["nothing"], 1000)
    periodic.start()
    await api.gen.sleep(3.5)
    periodic.stop()
    assert logged(caplog) == [KeyError, KeyError, KeyError]


# -- patterns of the guide --------------------------------------------------------------------------------------------


@must(
    "gen.patterns.minute-loop",
    "A loop that works, then sleeps 60 seconds, comes round every 60 seconds plus the time of the work.",
    doc("gen.sleep"),
    seed("SEED-185"),
    seed("SEED-186"),
    seed("SEED-187"),
)
async def test_minute_loop(clock):
    rounds = []

    @api.gen.coroutine
    def minute_loop():
        while True:
            rounds.append(clock.elapsed)
            yield fetch("something", seconds=5)
            yield api.gen.sleep(60)

    api.ioloop.IOLoop.current().spawn_callback(minute_loop)
    await api.gen.sleep(200)
    assert rounds == [0, 65, 130, 195]


@must(
    "gen.patterns.minute-loop2",
    "A loop that starts the sleep before the work and yields it afterwards comes round every 60 seconds exactly.",
    doc("gen.sleep"),
    seed("SEED-188"),
)
async def test_minute_loop2(clock):
    rounds = []

    @api.gen.coroutine
    def minute_loop2():
        while True:
            rounds.append(clock.elapsed)
            nxt = api.gen.sleep(60)
            yield fetch("something", seconds=5)
            yield nxt

    api.ioloop.IOLoop.current().spawn_callback(minute_loop2)
    await api.gen.sleep(200)
    assert rounds == [0, 60, 120, 180]


@must(
    "gen.patterns.interleaving",
    "A Future that is kept instead of yielded at once lets the next fetch run while the last chunk is written.",
    doc("gen.coroutine"),
    seed("SEED-179"),
    seed("SEED-180"),
)
async def test_interleaving(clock):
    chunks, written = ["a", "b", "c", None], []

    @api.gen.coroutine
    def fetch_next_chunk():
        yield api.gen.sleep(10)
        return chunks.pop(0)

    @api.gen.coroutine
    def get():
        fetch_future = fetch_next_chunk()
        while (chunk := (yield fetch_future)) is not None:
            written.append((chunk, clock.elapsed))
            fetch_future = fetch_next_chunk()
            yield api.gen.sleep(9)

    await get()
    assert written == [("a", 10), ("b", 20), ("c", 30)]


@must(
    "gen.patterns.looping",
    "A while loop may yield in its condition, so that each round waits whether there is another one.",
    doc("gen.coroutine"),
    seed("SEED-183"),
    seed("SEED-184"),
)
async def test_looping(clock):
    documents: Iterator[str] = iter(["first", "second"])
    found: list[Any] = []

    @api.gen.coroutine
    def fetch_next():
        yield api.gen.sleep(1)
        found.append(next(documents, None))
        return found[-1] is not None

    @api.gen.coroutine
    def loop_example():
        seen = []
        while (yield fetch_next()):
            seen.append((found[-1], clock.elapsed))
        return seen

    assert await loop_example() == [("first", 1), ("second", 2)]
