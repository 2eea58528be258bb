"""Coroutines

A coroutine is a function that can stop in the middle and go on later. Two kinds live together. A *decorated* one is a
generator under ``gen.coroutine``: it stops at each ``yield``. A *native* one is written with ``async def`` and stops
at each ``await``. The difference that users feel first is the call: calling a decorated coroutine starts it and gives
a Future at once, calling a native one only makes an object that somebody has to run.

What is yielded is waited for: a Future, an awaitable, a Future of a thread pool, or a list or dict of these, which are
waited for in parallel. The value of the ``yield`` expression is the value of the Future. Exceptions stay in the Future
until somebody yields it; called without ``yield``, a coroutine fails in silence.

Timing is checked here under a clock that jumps to the next timer, so every statement about time is exact.

The order of the chapter: calling and returning, errors, what can be yielded, and last the patterns of the user's guide.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import gc
import threading
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

from conformance import api, compat, doc, each, labelled, must, observed, seed
from conformance.standins import divide, fetch, logged, turns

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


@compat(
    "gen.errors.unobserved-logged-once",
    "An exception that nobody has asked for when its Future is dropped is logged once, with its traceback.",
    observed("core-cancellation"),
)
async def test_unobserved(caplog):
    divide(1, 0)
    gc.collect()
    await turns()
    assert [(row.name, row.exc_info[0]) for row in caplog.records] == [("asyncio", ZeroDivisionError)]


@compat(
    "gen.cancel.does-not-stop-the-function",
    "Cancelling a decorated coroutine's Future gives up its result; the function goes on to its end.",
    observed("core-cancellation"),
)
async def test_cancelled_future(clock):
    seen = []

    @api.gen.coroutine
    def worker():
        yield api.gen.sleep(1)
        seen.append("went on")
        return "unwanted"

    future = worker()
    assert future.cancel()
    await api.gen.sleep(2)
    assert seen == ["went on"]
    assert future.cancelled()


@compat(
    "gen.cancel.late-error-is-logged",
    "If it fails after its Future was cancelled, the exception is logged.",
    observed("core-cancellation"),
)
async def test_cancelled_error(clock, caplog):
    @api.gen.coroutine
    def failing():
        yield api.gen.sleep(1)
        raise KeyError("nobody asks")

    future = failing()
    future.cancel()
    await api.gen.sleep(2)
    assert logged(caplog) == [KeyError]


@compat(
    "gen.cancel.of-what-is-waited-for",
    "If the Future that a coroutine waits for is cancelled, CancelledError is raised at the yield; others go on.",
    observed("core-cancellation"),
)
async def test_cancelled_wait(clock):
    source = api.concurrent.Future()

    @api.gen.coroutine
    def careful():
        try:
            yield source
        except asyncio.CancelledError:
            return "caught"

    @api.gen.coroutine
    def careless():
        yield source

    waiting, failing = careful(), careless()
    source.cancel()
    assert await waiting == "caught"
    with pytest.raises(asyncio.CancelledError):
        await failing
    assert failing.cancelled()


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
        return argument, ready.wait(2)

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


@must(
    "gen.yield.none",
    "A plain ``yield`` is the same as yielding gen.moment, and so is ``yield None``.",
    doc("gen.moment"),
)
async def test_yield_none():
    seen = []

    @api.gen.coroutine
    def computation():
        seen.append("one")
        yield
        seen.append("two")
        yield None
        seen.append("three")

    working = computation()
    asyncio.get_running_loop().call_soon(seen.append, "guest")
    assert seen == ["one"]
    await working
    assert seen == ["one", "two", "guest", "three"]


@must(
    "gen.yield.awaitables-of-others",
    "Any object with __await__ can be yielded, and converted, whoever has written it.",
    doc("gen.convert_yielded"),
    seed("SEED-156"),
)
async def test_other_awaitables(clock):
    class Reply:
        def __await__(self):
            yield from asyncio.sleep(3).__await__()
            return "from elsewhere"

    @api.gen.coroutine
    def ask():
        return (yield Reply()), (yield [Reply()])

    assert await ask() == ("from elsewhere", ["from elsewhere"])
    assert await api.gen.convert_yielded(Reply()) == "from elsewhere"
    assert clock.elapsed == 9


@must(
    "gen.convert-yielded.register",
    "convert_yielded.register(type) teaches coroutines to wait for one more type, in lists, too.",
    doc("gen.convert_yielded"),
)
async def test_register():
    class Deferred:
        def __init__(self, value):
            self.future = api.gen.maybe_future(value)

    @api.gen.coroutine
    def work():
        return (yield Deferred(1)), (yield [Deferred(2)]), (yield api.gen.moment)

    api.gen.convert_yielded.register(Deferred, lambda deferred: deferred.future)
    assert await work() == (1, [2], None)


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


@compat(
    "gen.context.tokens",
    "A context variable that was set before a yield can be reset after it, by its token.",
    observed("core-context-tokens"),
)
async def test_context_tokens(clock):
    user = contextvars.ContextVar("user", default="nobody")

    @api.gen.coroutine
    def request():
        token = user.set("ann")
        yield api.gen.sleep(1)
        user.reset(token)
        yield api.gen.moment
        return user.get()

    assert await request() == "nobody"


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
