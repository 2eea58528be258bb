"""The insides of ``waterspout.gen``."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import datetime
import gc
import time
import traceback
import weakref
from collections.abc import Generator
from typing import Any

import pytest

from waterspout import gen
from waterspout._eventloop import create_future
from waterspout.util import TimeoutError

AT_ONCE = datetime.timedelta(0)
LATER = datetime.timedelta(hours=1)


async def turns(count: int = 3) -> None:
    """Let the loop turn a few times."""
    for _ in range(count):
        await asyncio.sleep(0)


def done(value: Any) -> asyncio.Future[Any]:
    """Return a finished future."""
    future = create_future()
    future.set_result(value)
    return future


def failed(error: Exception) -> asyncio.Future[Any]:
    """Return a future with an exception."""
    future = create_future()
    future.set_exception(error)
    return future


async def native(value: Any) -> Any:
    """A native coroutine."""
    await asyncio.sleep(0)
    return value


def test_everything_that_can_be_waited_for_can_be_yielded() -> None:
    """Futures of both kinds, awaitables, None, and lists and dicts of them at any depth."""

    @gen.coroutine
    def run(pool: concurrent.futures.Executor) -> Generator[Any, Any, Any]:
        result = yield {"f": done(1), "l": [native(2), {"p": pool.submit(lambda: 3)}], "n": None, "e": []}
        nothing = yield None
        last = yield pool.submit(lambda: 4)
        return result, nothing, last

    async def main() -> Any:
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            return await run(pool)

    assert asyncio.run(main()) == ({"f": 1, "l": [2, {"p": 3}], "n": None, "e": []}, None, 4)


def test_yielding_something_else_raises_inside_the_coroutine() -> None:
    """The generator can catch the BadYieldError where it made the mistake, and go on."""

    @gen.coroutine
    def run() -> Generator[Any, Any, Any]:
        try:
            yield 5
        except gen.BadYieldError as error:
            message = str(error)
        return message, (yield done("on"))

    async def main() -> Any:
        return await run()

    message, rest = asyncio.run(main())

    assert "5" in message
    assert rest == "on"


def test_a_coroutine_runs_at_once_while_its_futures_are_done() -> None:
    """Nothing waits for the loop when there is nothing to wait for."""

    @gen.coroutine
    def run() -> Generator[Any, Any, Any]:
        first = yield done(1)
        second = yield [done(2)]
        return first, second

    async def main() -> None:
        assert run().done()

    asyncio.run(main())


def test_a_long_row_of_done_futures_neither_recurses_nor_starves_the_loop() -> None:
    """The loop gets its turn although the coroutine never has to wait."""

    @gen.coroutine
    def run(stop: list[bool]) -> Generator[Any, Any, int]:
        count = 0
        while not stop:
            yield done(None)
            count += 1
        return count

    async def main() -> int:
        stop: list[bool] = []
        asyncio.get_running_loop().call_soon(stop.append, True)
        return await run(stop)

    assert asyncio.run(main()) > 0


def test_a_chain_of_ten_thousand_waits_resolves_without_recursion() -> None:
    """Coroutines that wait for each other are woken one by one."""

    @gen.coroutine
    def link(previous: Any) -> Generator[Any, Any, Any]:
        return (yield previous) + 1

    async def main() -> int:
        first = create_future()
        last: Any = first
        for _ in range(10_000):
            last = link(last)
        first.set_result(0)
        result: int = await last
        return result

    assert asyncio.run(main()) == 10_000


def test_return_and_plain_functions_give_their_value() -> None:
    """raise Return, return, and functions without yield all end in the future."""

    @gen.coroutine
    def by_exception() -> Generator[Any, Any, Any]:
        yield None
        raise gen.Return(4)

    @gen.coroutine
    def plain() -> int:
        return 5

    @gen.coroutine
    def raising() -> None:
        raise KeyError("k")

    async def main() -> Any:
        with pytest.raises(KeyError):
            await raising()
        return [await by_exception(), await plain()]

    assert asyncio.run(main()) == [4, 5]


def test_a_traceback_shows_the_lines_of_the_user_and_none_of_ours() -> None:
    """Through nested coroutines of both kinds, each user frame is there once."""

    async def inner() -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    @gen.coroutine
    def middle() -> Generator[Any, Any, None]:
        yield inner()

    @gen.coroutine
    def outer() -> Generator[Any, Any, None]:
        yield middle()

    async def main() -> list[str]:
        try:
            await outer()
        except ZeroDivisionError as error:
            return [frame.name for frame in traceback.extract_tb(error.__traceback__)]
        return []

    assert asyncio.run(main()) == ["main", "outer", "middle", "inner"]


def test_a_failed_future_dies_as_soon_as_nobody_holds_it() -> None:
    """Without the help of the garbage collector, so that its unseen exception is reported in time."""

    @gen.coroutine
    def plain() -> None:
        raise KeyError("unseen")

    @gen.coroutine
    def waiting() -> Generator[Any, Any, None]:
        yield None
        raise KeyError("unseen")

    async def main() -> None:
        reported: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["message"]))
        gc.disable()
        try:
            for function in (plain, waiting):
                reference = weakref.ref(function())
                await turns()
                assert reference() is None
        finally:
            gc.enable()
        assert len(reported) == 2

    asyncio.run(main())


def test_context_variables_belong_to_the_coroutine() -> None:
    """It keeps what it sets over its waits, and the caller sees nothing of it."""
    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)

    @gen.coroutine
    def run() -> Generator[Any, Any, Any]:
        seen = [variable.get()]
        variable.set(1)
        yield native(None)
        seen.append(variable.get())
        variable.set(2)
        yield None
        seen.append(variable.get())
        return seen

    async def main() -> Any:
        variable.set(7)
        future = run()
        between = variable.get()
        return await future, between, variable.get()

    assert asyncio.run(main()) == ([7, 1, 2], 7, 7)


def test_cancelling_the_result_does_not_stop_the_coroutine() -> None:
    """The outcome is given up; the generator runs to its end."""
    steps = []

    @gen.coroutine
    def run(wait: Any) -> Generator[Any, Any, None]:
        steps.append((yield wait))

    async def main() -> None:
        wait = create_future()
        future = run(wait)
        future.cancel()
        wait.set_result("end")
        await turns()
        assert future.cancelled()

    asyncio.run(main())

    assert steps == ["end"]


def test_a_cancelled_wait_is_raised_in_the_coroutine() -> None:
    """And cancels its future, unless it is caught."""

    @gen.coroutine
    def run(wait: Any, catch: bool) -> Generator[Any, Any, str]:
        try:
            yield wait
        except asyncio.CancelledError:
            if not catch:
                raise
        return "caught"

    async def main() -> None:
        wait = create_future()
        caught, raised = run(wait, True), run(wait, False)
        wait.cancel()
        await turns()
        assert caught.result() == "caught"
        assert raised.cancelled()

    asyncio.run(main())


def test_system_exit_leaves_the_loop_and_ends_the_coroutine() -> None:
    """The program ends, as with a task of asyncio."""

    @gen.coroutine
    def run() -> Generator[Any, Any, None]:
        yield None
        raise SystemExit(3)

    async def main() -> None:
        await run()

    with pytest.raises(SystemExit) as caught:
        asyncio.run(main())

    assert caught.value.code == 3


def test_background_coroutines_survive_the_garbage_collector() -> None:
    """Nobody holds the task of a converted awaitable, yet it runs to its end."""
    ended = []

    async def background(gate: asyncio.Event) -> None:
        await gate.wait()
        ended.append(True)

    async def main() -> None:
        gate = asyncio.Event()
        gen.convert_yielded(background(gate))
        await turns()
        gc.collect()
        gate.set()
        await turns()

    asyncio.run(main())

    assert ended == [True]


def test_conversions_can_be_added() -> None:
    """convert_yielded is a single-dispatch function."""

    class Deferred:
        """Some other library's promise."""

    gen.convert_yielded.register(Deferred, lambda _: done("converted"))

    @gen.coroutine
    def run() -> Generator[Any, Any, Any]:
        return (yield Deferred())

    async def main() -> Any:
        return await run()

    assert asyncio.run(main()) == "converted"


def test_converted_yields_can_be_awaited() -> None:
    """None, moment and futures of threads included."""

    async def main() -> Any:
        source: concurrent.futures.Future[int] = concurrent.futures.Future()
        source.set_result(4)
        return [
            await gen.convert_yielded(None),
            await gen.convert_yielded(gen.moment),
            await gen.convert_yielded(source),
            await gen.convert_yielded([native(1)]),
        ]

    assert asyncio.run(main()) == [None, None, 4, [1]]


def test_multi_waits_for_all_and_raises_the_first_error_in_order(caplog: pytest.LogCaptureFixture) -> None:
    """Further errors are logged, unless they are quiet."""

    async def main() -> None:
        slow, fast = create_future(), create_future()
        both = gen.multi([slow, fast], quiet_exceptions=ValueError)
        fast.set_exception(KeyError("fast"))
        await turns()
        assert not both.done()
        slow.set_exception(IndexError("slow"))
        with pytest.raises(IndexError, match="slow"):
            await both
        with pytest.raises(KeyError):
            await gen.multi({1: failed(KeyError()), 2: failed(ValueError("quiet"))}, quiet_exceptions=ValueError)

    asyncio.run(main())

    assert [record.name for record in caplog.records] == ["tornado.application"]
    assert "fast" in caplog.text


def test_multi_takes_the_same_wait_twice_and_any_iterable() -> None:
    """Order and number of the results are those of the children."""

    async def main() -> Any:
        one = create_future()
        twice = gen.multi([one, one])
        one.set_result(1)
        return await twice, await gen.multi(done(x) for x in (2, 3)), await gen.multi([])

    assert asyncio.run(main()) == ([1, 1], [2, 3], [])


def test_a_cancelled_child_cancels_multi() -> None:
    """Who awaits them all sees the cancellation."""

    async def main() -> None:
        child = create_future()
        both = gen.multi([child, done(1)])
        child.cancel()
        await turns()
        assert both.cancelled()

    asyncio.run(main())


def test_with_timeout_raises_at_the_deadline_and_lets_the_wait_go_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What fails later is logged, unless it is quiet; the wait itself is not cancelled."""

    async def main() -> None:
        for error in (KeyError("loud"), ValueError("quiet")):
            wait = create_future()
            with pytest.raises(TimeoutError, match="my text"):
                await gen.with_timeout(AT_ONCE, wait, quiet_exceptions=ValueError, message=lambda: "my text")
            assert not wait.cancelled()
            wait.set_exception(error)
            await turns()

    asyncio.run(main())

    assert "loud" in caplog.text
    assert "quiet" not in caplog.text


def test_with_timeout_returns_what_is_done_even_after_the_deadline() -> None:
    """A number is a time on the clock; a finished wait beats it."""

    async def main() -> Any:
        with pytest.raises(TimeoutError):
            await gen.with_timeout(time.time() - 5, create_future())
        return await gen.with_timeout(0, done(4))

    assert asyncio.run(main()) == 4


def test_a_cancelled_with_timeout_leaves_no_timer_and_no_callback() -> None:
    """The wait it was about forgets it."""

    async def main() -> None:
        wait = create_future()
        reference = weakref.ref(future := gen.with_timeout(LATER, wait))
        future.cancel()
        del future
        await turns()
        gc.collect()
        assert reference() is None
        assert not wait.done()

    asyncio.run(main())


def test_a_cancelled_sleep_leaves_no_timer() -> None:
    """The loop does not hold the future until its time."""

    async def main() -> None:
        reference = weakref.ref(future := gen.sleep(3600))
        future.cancel()
        del future
        await turns()
        gc.collect()
        assert reference() is None

    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
    loop.close()


@pytest.mark.parametrize("bad", ["soon", None])
def test_a_deadline_of_another_type_is_refused(bad: Any) -> None:
    """The error says what a deadline is."""

    async def main() -> None:
        with pytest.raises(TypeError, match="deadline"):
            gen.with_timeout(bad, create_future())
        with pytest.raises(ValueError, match="NaN"):
            gen.sleep(float("nan"))

    asyncio.run(main())


def test_wait_iterator_hands_out_results_as_they_come() -> None:
    """With the index, name and future of each; a failed wait raises and the others go on."""

    async def main() -> None:
        first, second = create_future(), create_future()
        iterator = gen.WaitIterator(first, second)
        upcoming = iterator.next()
        second.set_result("b")
        assert (await upcoming, iterator.current_index, iterator.current_future) == ("b", 1, second)
        first.set_exception(KeyError("a"))
        with pytest.raises(KeyError):
            await iterator.next()
        assert (iterator.current_index, iterator.done()) == (0, True)
        with pytest.raises(RuntimeError, match="done"):
            iterator.next()

        named = gen.WaitIterator(x=native(1), y=native(2))
        seen = {}
        async for value in named:
            seen[named.current_index] = value
        assert seen == {"x": 1, "y": 2}

    asyncio.run(main())


def test_wait_iterator_repeats_a_call_that_was_given_up() -> None:
    """A result that comes after a timeout goes to the next call."""

    async def main() -> Any:
        wait = create_future()
        iterator = gen.WaitIterator(wait)
        with pytest.raises(TimeoutError):
            await gen.with_timeout(AT_ONCE, iterator.next())
        again = iterator.next()
        wait.set_result(1)
        return await again

    assert asyncio.run(main()) == 1


def test_wait_iterator_keeps_a_result_whose_receiver_was_cancelled() -> None:
    """Cancelling the future of next() loses no result."""

    async def main() -> Any:
        wait = create_future()
        iterator = gen.WaitIterator(wait)
        iterator.next().cancel()
        wait.set_result(1)
        await turns()
        return await iterator.next()

    assert asyncio.run(main()) == 1


def test_wait_iterator_takes_positions_or_names() -> None:
    """Not both."""
    with pytest.raises(ValueError, match="not as both"):
        gen.WaitIterator(1, x=2)


def test_decorated_functions_are_recognized() -> None:
    """And keep their name and their original."""

    def original() -> None:
        """Do nothing."""

    decorated = gen.coroutine(original)

    assert gen.is_coroutine_function(decorated)
    assert not gen.is_coroutine_function(native)
    assert (decorated.__name__, decorated.__wrapped__) == ("original", original)  # type: ignore[attr-defined]
