"""Legacy: generators and callbacks

Before there were Futures, asynchronous functions took a ``callback`` and generators were the way to avoid a chain of
them. ``gen.engine`` decorates a generator that nobody waits for; ``gen.Task`` calls a function with a callback of its
own and gives what that gets; ``gen.Callback`` and ``gen.Wait`` are the two halves of ``Task``, for callbacks that are
made at one place and waited for at another. They know each other by keys, which belong to the coroutine. All of them
are *yield points*, and a program may write its own. They can be mixed with Futures, in lists and dicts, too.

An exception belongs to whoever waits: one in a callback that the coroutine has registered is raised at the ``yield``
where the coroutine stands.

These names were there from Tornado 2.1 to 5.1 and are gone since 6.0. An implementation that does not have them
declares ``legacy`` as unsupported.
"""

from __future__ import annotations

import asyncio
import sys
import warnings
from datetime import timedelta
from typing import Any

import pytest

from conformance import api, compat, doc, each, labelled, must, observed, seed, should
from conformance.standins import fetch, logged, turns

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def call_soon(function: Any, *args: Any, **kwargs: Any) -> None:
    """Have a function called in the next round of the loop."""
    api.ioloop.IOLoop.current().add_callback(function, *args, **kwargs)


def double(number: int, callback: Any) -> None:
    """Stand in for a library of the old style: pass twice the number to the callback, later."""
    call_soon(callback, 2 * number)


def fail_later(callback: Any) -> None:
    """Stand in for an operation that fails in a callback of its own."""

    def on_event() -> None:
        raise KeyError("later")

    call_soon(on_event)


def coroutine(function: Any) -> Any:
    """Run a generator function as a coroutine, and return its Future."""
    return api.gen.coroutine(function)()


# -- engine -----------------------------------------------------------------------------------------------------------


@must(
    "legacy.engine.nobody-waits",
    "An engine starts in the call and returns nothing; what it finds out goes to where the program wants it.",
    doc("gen.engine"),
    seed("SEED-045"),
    needs=["legacy"],
)
async def test_engine():
    seen = []

    @api.gen.engine
    def get(callback):
        seen.append("started")
        response = yield api.gen.Task(double, 21)
        callback(response)

    assert get(seen.append) is None
    assert seen == ["started"]
    await turns()
    assert seen == ["started", 42]


@must(
    "legacy.engine.yields-futures",
    "An engine may yield whatever a coroutine may.",
    doc("gen.engine"),
    needs=["legacy"],
)
async def test_engine_futures(clock):
    seen = []

    @api.gen.engine
    def get():
        seen.append((yield fetch("/a", 3)))
        seen.append((yield [fetch("/b", 2), fetch("/c", 1)]))

    get()
    await api.gen.sleep(10)
    assert seen == ["page of /a", ["page of /b", "page of /c"]]


@compat(
    "legacy.engine.error-before-a-wait",
    "An exception in an engine that has not waited for anything is raised by the call.",
    observed("legacy-engine"),
    needs=["legacy"],
)
async def test_engine_error_at_once():
    @api.gen.engine
    def get():
        raise KeyError("at once")
        yield

    with pytest.raises(KeyError, match="at once"):
        get()


@compat(
    "legacy.engine.error-after-a-wait",
    "An exception in an engine that has waited is logged with its traceback.",
    observed("legacy-engine"),
    needs=["legacy"],
)
async def test_engine_error_later(caplog):
    @api.gen.engine
    def get():
        yield api.gen.moment
        raise KeyError("later")

    get()
    await turns()
    (row,) = [row for row in caplog.records if row.exc_info]
    assert row.exc_info[0] is KeyError


@must(
    "legacy.engine.returns-no-value",
    "An engine that returns a value ends with ReturnValueIgnoredError, for nobody would get the value; None is fine.",
    doc("gen.ReturnValueIgnoredError"),
    needs=["legacy"],
)
@each(ending=["return", "raise"])
async def test_engine_value(ending):
    @api.gen.engine
    def get(value):
        if ending == "raise":
            raise api.gen.Return(value)
        return value
        yield

    get(None)
    with pytest.raises(api.gen.ReturnValueIgnoredError):
        get(5)


# -- Task -------------------------------------------------------------------------------------------------------------


@must(
    "legacy.task.adds-the-callback",
    "Task(func, *args, **kwargs) calls func with these and a callback; yielding it gives what the callback gets.",
    doc("gen.Task"),
    seed("SEED-043"),
    seed("SEED-044"),
    seed("SEED-050"),
    seed("SEED-171"),
    seed("SEED-172"),
    needs=["legacy"],
)
async def test_task():
    calls = []

    def find(collection, callback, limit=0):
        calls.append((collection, limit))
        call_soon(callback, ["a document"])

    def call_task():
        return (yield api.gen.Task(find, "users", limit=1))

    assert await coroutine(call_task) == ["a document"]
    assert calls == [("users", 1)]


@must(
    "legacy.task.others-run-meanwhile",
    "While a Task waits, the loop does other work.",
    doc("gen.Task"),
    seed("SEED-043"),
    needs=["legacy"],
)
async def test_task_waits(clock):
    def slow(callback):
        api.ioloop.IOLoop.current().call_later(60, callback, "slow")

    def patient():
        return (yield api.gen.Task(slow)), clock.elapsed

    waiting = coroutine(patient)
    assert await fetch("/a", 5) == "page of /a"
    assert (clock.elapsed, waiting.done()) == (5, False)
    assert await waiting == ("slow", 60)


@must(
    "legacy.task.arguments",
    "A callback called with one value gives it, without any None, with several or with keywords an Arguments of both.",
    doc("gen.Arguments"),
    needs=["legacy"],
)
async def test_task_arguments():
    def answer(args, kwargs, callback):
        call_soon(callback, *args, **kwargs)

    def ask():
        nothing = yield api.gen.Task(answer, (), {})
        one = yield api.gen.Task(answer, ("a",), {})
        several = yield api.gen.Task(answer, ("a", "b"), {"c": 1})
        named = yield api.gen.Task(answer, (), {"c": 1})
        return nothing, one, several, named

    nothing, one, several, named = await coroutine(ask)
    assert (nothing, one) == (None, "a")
    assert isinstance(several, api.gen.Arguments)
    assert (several.args, several.kwargs) == (("a", "b"), {"c": 1})
    assert named == ((), {"c": 1})


@must(
    "legacy.task.is-a-future",
    "A Task is a Future, which native coroutines can await.",
    doc("gen.Task"),
    seed("SEED-171"),
    needs=["legacy"],
)
async def test_task_future():
    assert await api.gen.Task(double, 4) == 8
    assert await api.gen.multi([api.gen.Task(double, 1), fetch("/a", 0)]) == [2, "page of /a"]


@compat(
    "legacy.task.errors",
    "An exception of the function, or of a callback it has registered, is raised where the Task is yielded.",
    observed("legacy-task"),
    needs=["legacy"],
)
async def test_task_errors(clock, caplog):
    def fail_at_once(callback):
        raise KeyError("at once")

    def ask(function):
        try:
            yield api.gen.Task(function)
        except KeyError as error:
            return error.args[0]

    assert await coroutine(lambda: ask(fail_at_once)) == "at once"
    assert await coroutine(lambda: ask(fail_later)) == "later"
    assert logged(caplog) == []


@compat(
    "legacy.task.second-call-ignored",
    "A callback of a Task that is called twice gives the first value, and the second call changes nothing.",
    observed("legacy-task"),
    needs=["legacy"],
)
async def test_task_twice():
    def twice(callback):
        callback("first")
        callback("second")

    assert await api.gen.Task(twice) == "first"


@must(
    "legacy.coroutine.callback",
    "A coroutine called with callback=, for which it has no parameter, calls it with its result; so it can be a Task.",
    doc("gen.coroutine"),
    needs=["legacy"],
)
async def test_coroutine_callback():
    seen = []

    @api.gen.coroutine
    def page(url):
        yield api.gen.moment
        return f"page of {url}"

    page("/a", callback=seen.append)
    assert seen == []
    await turns()
    assert seen == ["page of /a"]
    assert await api.gen.Task(page, "/b") == "page of /b"


@must(
    "legacy.coroutine.callback-of-a-failure",
    "If the coroutine fails, its callback is not called, and the exception is logged.",
    doc("gen.coroutine"),
    needs=["legacy"],
)
async def test_coroutine_callback_error(caplog):
    seen = []

    @api.gen.coroutine
    def page(url):
        yield api.gen.moment
        raise KeyError(url)

    page("/a", callback=seen.append)
    await turns()
    assert seen == []
    assert logged(caplog) == [KeyError]


# -- Callback and Wait ------------------------------------------------------------------------------------------------


@must(
    "legacy.callback.wait",
    "Callback(key) gives a function at once, and Wait(key) waits for what it is called with.",
    doc("gen.Callback"),
    doc("gen.Wait"),
    seed("SEED-048"),
    needs=["legacy"],
)
async def test_callback_and_wait(clock):
    def work():
        callback = yield api.gen.Callback("answer")
        api.ioloop.IOLoop.current().call_later(7, callback, 42)
        begun = clock.elapsed
        answer = yield api.gen.Wait("answer")
        return begun, answer, clock.elapsed

    assert await coroutine(work) == (0, 42, 7)


@must(
    "legacy.callback.called-before-the-wait",
    "A callback may be called before it is waited for, with any arguments, as those of a Task.",
    doc("gen.Callback"),
    needs=["legacy"],
)
async def test_callback_before_wait():
    def work():
        (yield api.gen.Callback(1))()
        (yield api.gen.Callback((2, "b")))("two")
        (yield api.gen.Callback("c"))("three", more=3)
        return (yield api.gen.WaitAll([1, (2, "b"), "c"]))

    none, two, three = await coroutine(work)
    assert (none, two) == (None, "two")
    assert (three.args, three.kwargs) == (("three",), {"more": 3})


@must(
    "legacy.wait-all.results",
    "WaitAll(keys) waits for several callbacks and gives a list of results in the order of the keys.",
    doc("gen.WaitAll"),
    seed("SEED-048"),
    needs=["legacy"],
)
async def test_wait_all(clock):
    def work():
        loop = api.ioloop.IOLoop.current()
        loop.call_later(9, (yield api.gen.Callback("slow")), "S")
        loop.call_later(3, (yield api.gen.Callback("quick")), "Q")
        return (yield api.gen.WaitAll(["slow", "quick"])), (yield api.gen.WaitAll([]))

    assert await coroutine(work) == (["S", "Q"], [])
    assert clock.elapsed == 9


@must(
    "legacy.callback.in-lists-and-dicts",
    "Yield points stand in lists and dicts, at any depth, next to Futures.",
    doc("gen.MultiYieldPoint"),
    needs=["legacy"],
)
async def test_lists_and_dicts():
    def work():
        first, (second,) = yield [api.gen.Callback("a"), [api.gen.Callback("b")]]
        call_soon(first, 1)
        call_soon(second, 2)
        return (yield {"a": api.gen.Wait("a"), "b": [api.gen.Wait("b")], "page": fetch("/a", 0)})

    assert await coroutine(work) == {"a": 1, "b": [2], "page": "page of /a"}


@must(
    "legacy.callback.key-reuse",
    "A key that is in use is refused with KeyReuseError at the yield; once waited for, it can be used again.",
    doc("gen.Callback"),
    needs=["legacy"],
)
async def test_key_reuse():
    def work():
        (yield api.gen.Callback("a"))(1)
        try:
            yield api.gen.Callback("a")
        except api.gen.KeyReuseError:
            first = yield api.gen.Wait("a")
        (yield api.gen.Callback("a"))(2)
        return first, (yield api.gen.Wait("a"))

    assert await coroutine(work) == (1, 2)


@must(
    "legacy.wait.unknown-key",
    "Waiting for a key that no Callback has is refused with UnknownKeyError at the yield; other keys are unaffected.",
    doc("gen.Wait"),
    needs=["legacy"],
)
@each(wait=[labelled("Wait", lambda: api.gen.Wait("b")), labelled("WaitAll", lambda: api.gen.WaitAll(["a", "b"]))])
async def test_unknown_key(wait):
    def work():
        (yield api.gen.Callback("a"))("kept")
        try:
            yield wait()
        except api.gen.UnknownKeyError:
            return (yield api.gen.Wait("a"))

    assert await coroutine(work) == "kept"


@must(
    "legacy.callback.leaked",
    "A coroutine that ends without waiting for its callbacks fails with LeakedCallbackError.",
    doc("gen.LeakedCallbackError"),
    needs=["legacy"],
)
@each(ending=["return", "raise"])
async def test_leaked(ending):
    def work():
        yield api.gen.Callback("a")
        if ending == "raise":
            raise api.gen.Return("done")
        return "done"

    with pytest.raises(api.gen.LeakedCallbackError):
        await api.gen.with_timeout(timedelta(seconds=1), coroutine(work))


@compat(
    "legacy.callback.leaked-after-an-error",
    "The exception a coroutine ends with is not hidden by callbacks that were not waited for.",
    observed("legacy-callbacks"),
    needs=["legacy"],
)
async def test_leaked_after_error():
    def work():
        yield api.gen.Callback("a")
        raise OSError("its own")

    with pytest.raises(OSError, match="its own"):
        await coroutine(work)


@must(
    "legacy.callback.keys-of-its-own",
    "Keys belong to one call of one coroutine.",
    doc("gen.Callback"),
    needs=["legacy"],
)
async def test_own_keys():
    @api.gen.coroutine
    def inner(number):
        call_soon((yield api.gen.Callback("key")), number)
        return (yield api.gen.Wait("key"))

    def work():
        callback = yield api.gen.Callback("key")
        numbers = yield [inner(1), inner(2)]
        callback(3)
        return [*numbers, (yield api.gen.Wait("key"))]

    assert await coroutine(work) == [1, 2, 3]


@must(
    "legacy.callback.error-in-a-callback",
    "An exception in a callback that the coroutine has registered is raised at the yield where it waits.",
    doc("stack_context"),
    needs=["legacy"],
)
async def test_callback_error(clock, caplog):
    def work():
        fail_later((yield api.gen.Callback("a")))
        try:
            yield api.gen.Wait("a")
        except KeyError as error:
            return error.args[0]

    assert await coroutine(work) == "later"
    assert logged(caplog) == []


@compat(
    "legacy.callback.error-while-a-future-is-waited-for",
    "That holds, once a coroutine has yielded a yield point, also where it waits for a Future.",
    observed("legacy-callbacks"),
    needs=["legacy"],
)
async def test_callback_error_future(clock):
    def work():
        (yield api.gen.Callback("a"))(1)
        yield api.gen.Wait("a")
        fail_later(None)
        try:
            yield api.gen.sleep(10)
        except KeyError:
            return clock.elapsed

    assert await coroutine(work) == 0


@compat(
    "legacy.callback.error-after-the-end",
    "An exception in a callback that comes when the coroutine has ended is logged, and the result stays.",
    observed("legacy-callbacks"),
    needs=["legacy"],
)
async def test_callback_error_after_end(caplog):
    def work():
        (yield api.gen.Callback("a"))(1)
        fail_later(None)
        return (yield api.gen.Wait("a"))

    assert await coroutine(work) == 1
    await turns()
    assert logged(caplog) == [KeyError]


# -- yield points of one's own ----------------------------------------------------------------------------------------


def point(result: Any, start: Any = None) -> Any:
    """Make a yield point of a class of the program's own; ``result`` is called for its result."""

    class Point(api.gen.YieldPoint):
        def start(self, runner):
            self.runner = runner
            runner.register_callback("mine")
            if start:
                start()
            call_soon(runner.result_callback("mine"), "a result")

        def is_ready(self):
            return self.runner.is_ready("mine")

        def get_result(self):
            return result(self.runner.pop_result("mine"))

    return Point()


@must(
    "legacy.yield-point.own-class",
    "A class with start(), is_ready() and get_result() can be yielded; it gets a runner to register callbacks with.",
    doc("gen.YieldPoint"),
    needs=["legacy"],
)
async def test_yield_point():
    def work():
        alone = yield point(str.upper)
        among = yield [point(str.title), fetch("/a", 0)]
        return alone, among

    assert await coroutine(work) == ("A RESULT", ["A Result", "page of /a"])


@compat(
    "legacy.yield-point.errors",
    "An exception of start() or get_result() is raised at the yield.",
    observed("legacy-yield-points"),
    needs=["legacy"],
)
async def test_yield_point_errors():
    def fail(*_: Any) -> None:
        raise KeyError("mine")

    def work(yielded):
        try:
            yield yielded
        except KeyError as error:
            return error.args[0]

    assert await coroutine(lambda: work(point(fail))) == "mine"
    assert await coroutine(lambda: work(point(str, start=fail))) == "mine"
    assert await coroutine(lambda: work([point(fail)])) == "mine"


@must(
    "legacy.yield-point.several",
    "MultiYieldPoint waits for several; the first exception in order is raised, others are logged unless quiet.",
    doc("gen.MultiYieldPoint"),
    needs=["legacy"],
)
@each(quiet=[labelled("loud", ()), labelled("quiet", OSError)])
async def test_multi_yield_point(caplog, quiet):
    def failing(error):
        future = api.concurrent.Future()
        future.set_exception(error)
        return future

    def work():
        (yield api.gen.Callback("a"))(1)
        pair = yield api.gen.MultiYieldPoint([api.gen.Wait("a"), fetch("/a", 0)])
        try:
            yield api.gen.MultiYieldPoint([failing(KeyError()), api.gen.Callback("b"), failing(OSError())], quiet)
        except KeyError:
            return pair

    assert await coroutine(work) == [1, "page of /a"]
    assert logged(caplog) == ([] if quiet else [OSError])


@must(
    "legacy.yield-point.only-in-generators",
    "Outside of a generator coroutine nobody can wait for a yield point: convert_yielded() refuses it.",
    doc("gen.YieldPoint"),
    needs=["legacy"],
)
async def test_yield_point_refused():
    with pytest.raises(api.gen.BadYieldError):
        api.gen.convert_yielded(api.gen.Callback("a"))


# -- return_future and the Futures of old -----------------------------------------------------------------------------


@must(
    "legacy.return-future.result",
    "return_future() makes a function with a callback return a Future of what the callback gets; None if of nothing.",
    doc("concurrent.return_future"),
    needs=["legacy"],
)
async def test_return_future():
    twice = api.concurrent.return_future(double)

    @api.concurrent.return_future
    def ping(callback=None):
        call_soon(callback)

    future = twice(4)
    assert isinstance(future, api.concurrent.Future)
    assert await future == 8
    await ping()


@must(
    "legacy.return-future.callback",
    "Its callers may still give a callback, by position or by name, which gets the result.",
    doc("concurrent.return_future"),
    needs=["legacy"],
)
async def test_return_future_callback():
    seen: list[Any] = []
    twice = api.concurrent.return_future(double)
    twice(1, seen.append)
    twice(2, callback=seen.append)
    await turns()
    assert sorted(seen) == [2, 4]


@must(
    "legacy.return-future.errors",
    "An exception in the call is raised by it; one in a callback of the function becomes the Future's.",
    doc("concurrent.return_future"),
    needs=["legacy"],
)
async def test_return_future_errors(clock):
    @api.concurrent.return_future
    def fail_at_once(callback):
        raise KeyError("at once")

    with pytest.raises(KeyError, match="at once"):
        fail_at_once()
    with pytest.raises(KeyError, match="later"):
        await api.concurrent.return_future(fail_later)()


@must(
    "legacy.return-future.returns-no-value",
    "The function must not return a value: the call raises ReturnValueIgnoredError.",
    doc("concurrent.return_future"),
    needs=["legacy"],
)
async def test_return_future_value():
    @api.concurrent.return_future
    def confused(callback):
        return 5

    with pytest.raises(api.concurrent.ReturnValueIgnoredError):
        confused()


@compat(
    "legacy.traceback-future.exc-info",
    "TracebackFuture has set_exc_info(), exc_info() and running(), and result() takes a timeout.",
    observed("legacy-traceback-future"),
    needs=["legacy"],
)
async def test_traceback_future():
    future, other = api.concurrent.TracebackFuture(), api.concurrent.TracebackFuture()
    assert (future.running(), future.exc_info()) == (True, None)
    try:
        raise KeyError("kept")
    except KeyError:
        exc_info = sys.exc_info()
        future.set_exc_info(exc_info)
    assert (future.running(), future.exc_info()) == (False, exc_info)
    with pytest.raises(KeyError, match="kept"):
        await future
    other.set_result(1)
    assert (other.result(timeout=5), other.exception(), other.exc_info()) == (1, None, None)
    assert asyncio.isfuture(other)


# -- deprecation ------------------------------------------------------------------------------------------------------

#: How a program comes across each of the names.
USES = {
    "engine": lambda: api.gen.engine(double),
    "Task": lambda: api.gen.Task(double, 1),
    "Callback": lambda: api.gen.Callback("a"),
    "Wait": lambda: api.gen.Wait("a"),
    "WaitAll": lambda: api.gen.WaitAll(["a"]),
    "YieldPoint": lambda: api.gen.YieldPoint(),
    "MultiYieldPoint": lambda: api.gen.MultiYieldPoint([]),
    "return_future": lambda: api.concurrent.return_future(double),
    "StackContext": lambda: api.stack_context.StackContext(warnings.catch_warnings),
    "ExceptionStackContext": lambda: api.stack_context.ExceptionStackContext(double),
}


@must(
    "legacy.deprecation.warning",
    "Whoever uses one of the names gets a DeprecationWarning.",
    doc("gen.engine"),
    needs=["legacy"],
)
@each(name=list(USES))
async def test_deprecation(name):
    assert DeprecationWarning in [row.category for row in warnings_of(USES[name])]


@should(
    "legacy.deprecation.names-the-caller",
    "The warning comes once, and it names the line of the program, not one of the library.",
    doc("gen.engine"),
    needs=["legacy"],
)
@each(name=list(USES))
async def test_deprecation_line(name):
    assert [row.filename for row in warnings_of(USES[name])] == [__file__]


def warnings_of(use: Any) -> list[Any]:
    """Return the warnings that a call gives."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        use()
    return caught
