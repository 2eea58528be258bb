"""The insides of ``waterspout.legacy`` and of what the lower layers know about it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import subprocess
import sys
import weakref
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from waterspout import concurrent, gen, stack_context
from waterspout._eventloop import create_future
from waterspout._stack_state import active
from waterspout.ioloop import IOLoop

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


async def turns(count: int = 5) -> None:
    """Let the loop turn a few times."""
    for _ in range(count):
        await asyncio.sleep(0)


@contextlib.contextmanager
def recorded(seen: list[str]) -> Iterator[None]:
    """A context that tells when it is entered and left."""
    seen.append("+")
    try:
        yield
    finally:
        seen.append("-")


# -- lazy names


def test_nothing_legacy_is_loaded_before_it_is_used() -> None:
    """Programs that use current names alone do not pay for the others."""
    code = (
        "import sys, waterspout.web, waterspout.gen\n"
        "assert not [name for name in sys.modules if 'legacy.' in name or name.endswith('stack_context')]\n"
        "from waterspout.gen import engine, Task\n"
        "assert 'waterspout.legacy.generators' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_legacy_name_is_looked_up_once() -> None:
    """Then it stands in the module like any other."""
    assert gen.Arguments is gen.Arguments
    assert "Arguments" in vars(gen)


@pytest.mark.parametrize("module", [gen, concurrent])
def test_an_unknown_name_is_an_ordinary_attribute_error(module: Any) -> None:
    """``hasattr`` and ``from ... import`` rely on it."""
    with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
        module.no_such_name  # noqa: B018


# -- stack contexts


def test_without_contexts_the_loop_registers_the_callback_itself() -> None:
    """No wrapper, so no cost for those who use none."""

    async def main() -> None:
        loop = IOLoop.current()
        handle = loop.call_later(3600, print, 1)
        (call,) = handle._args
        handle.cancel()
        assert call.func is print

    asyncio.run(main())


def test_a_generator_that_insists_on_waiting_inside_a_context_is_ended() -> None:
    """One that catches the refusal, and tries again for ever, must not keep the loop."""

    @gen.coroutine
    def stubborn() -> Generator[Any, Any, Any]:
        with stack_context.StackContext(contextlib.nullcontext):
            while True:
                with contextlib.suppress(stack_context.StackContextInconsistentError):
                    yield create_future()

    async def main() -> None:
        with pytest.raises(stack_context.StackContextInconsistentError):
            await asyncio.wait_for(stubborn(), 5)
        with stack_context.StackContext(contextlib.nullcontext):
            future = stubborn()
        with pytest.raises(stack_context.StackContextInconsistentError):
            await asyncio.wait_for(future, 5)
        assert active.get() is None

    asyncio.run(main())


def test_a_context_that_fails_when_it_is_entered_again_fails_its_coroutine() -> None:
    """Whoever waits for the coroutine gets the exception."""
    managers = iter([contextlib.nullcontext()])

    @gen.coroutine
    def work() -> Generator[Any, Any, Any]:
        yield gen.moment

    async def main(around: Any) -> None:
        with around, stack_context.StackContext(lambda: next(managers, None) or 1 / 0):
            future = work()
        with pytest.raises((ZeroDivisionError, stack_context.StackContextInconsistentError)):
            await asyncio.wait_for(future, 5)

    asyncio.run(main(contextlib.nullcontext()))
    managers = iter([contextlib.nullcontext()])
    # One outside that swallows the exception must not leave the coroutine hanging.
    suppressing = stack_context.StackContext(lambda: contextlib.suppress(ZeroDivisionError))
    asyncio.run(main(suppressing))


def test_a_failed_future_of_a_coroutine_in_a_context_dies_at_once() -> None:
    """The frames of the exception do not keep it alive, so that an unobserved one is logged soon."""

    @gen.coroutine
    def work() -> Generator[Any, Any, Any]:
        yield gen.moment
        raise KeyError("unobserved")

    async def main() -> None:
        seen: list[str] = []
        with stack_context.StackContext(lambda: recorded(seen)):
            future = work()
        await turns()
        assert isinstance(future.exception(), KeyError)
        dead = weakref.ref(future)
        del future
        assert dead() is None
        assert seen == ["+", "-", "+", "-"]

    gc.disable()
    try:
        asyncio.run(main())
    finally:
        gc.enable()


def test_one_context_object_may_be_in_force_twice() -> None:
    """Each use has a context manager of its own."""
    seen: list[str] = []
    context = stack_context.StackContext(lambda: recorded(seen))

    with context, context:
        wrapped = stack_context.wrap(seen.append)
    assert seen == ["+", "+", "-", "-"]
    wrapped("called")

    assert seen[4:] == ["+", "+", "called", "-", "-"]
    assert active.get() is None


def test_a_delayed_warning_comes_with_the_exception_and_names_the_context() -> None:
    """Code that only installs a handler is not to blame before it is needed."""
    with stack_context.ExceptionStackContext(lambda *_: True, delay_warning=True):
        wrapped = stack_context.wrap(lambda: 1 / 0)
    with pytest.warns(DeprecationWarning, match="ExceptionStackContext") as caught:
        wrapped()
    assert [row.filename for row in caught] == [__file__]


# -- yield points


def test_the_runner_of_yield_points_looks_after_its_keys() -> None:
    """What classes of the program's own may rely on, mistakes included."""
    seen: list[Any] = []

    class Point(gen.YieldPoint):  # type: ignore[attr-defined, misc]
        def start(self, runner: Any) -> None:
            for mistake in (runner.is_ready, runner.pop_result):
                with pytest.raises(gen.UnknownKeyError):
                    mistake("key")
            runner.set_result("key", "ignored: not in use")
            runner.register_callback("key")
            with pytest.raises(gen.KeyReuseError):
                runner.register_callback("key")
            seen.append(runner.is_ready("key"))
            runner.result_callback("key")(1, x=2)
            seen.append(runner.is_ready("key"))
            seen.append(runner.pop_result("key"))

        def is_ready(self) -> bool:
            return True

        def get_result(self) -> str:
            return "result"

    @gen.coroutine
    def work() -> Generator[Any, Any, Any]:
        return (yield Point())

    async def main() -> None:
        assert await work() == "result"

    asyncio.run(main())

    assert seen == [False, True, ((1,), {"x": 2})]


def test_a_result_that_comes_when_nobody_waits_any_more_is_dropped() -> None:
    """A callback that is called again must not answer the next wait for the same key."""

    @gen.coroutine
    def work() -> Generator[Any, Any, Any]:
        first = yield gen.Callback("key")  # type: ignore[attr-defined]
        first(1)
        yield gen.Wait("key")  # type: ignore[attr-defined]
        first("too late")
        (yield gen.Callback("key"))(2)  # type: ignore[attr-defined]
        return (yield gen.Wait("key"))  # type: ignore[attr-defined]

    async def main() -> None:
        assert await work() == 2

    asyncio.run(main())


def test_a_yield_point_inside_the_block_of_a_context_is_refused() -> None:
    """As any other wait there is."""

    @gen.coroutine
    def work() -> Generator[Any, Any, Any]:
        with stack_context.StackContext(contextlib.nullcontext):
            yield gen.Callback("key")  # type: ignore[attr-defined]

    async def main() -> None:
        with pytest.raises(stack_context.StackContextInconsistentError):
            await work()

    asyncio.run(main())


def test_a_coroutine_in_a_context_may_use_yield_points() -> None:
    """The context is entered at each resumption, also after the generator has been taken over."""
    seen: list[str] = []

    @gen.coroutine
    def work() -> Generator[Any, Any, Any]:
        callback = yield gen.Callback("key")  # type: ignore[attr-defined]
        IOLoop.current().add_callback(callback, "result")
        result = yield gen.Wait("key")  # type: ignore[attr-defined]
        seen.append(result)

    async def main() -> None:
        with stack_context.StackContext(lambda: recorded(seen)):
            future = work()
        await future

    asyncio.run(main())

    assert seen == ["+", "-", "+", "-", "+", "result", "-"]


def test_an_interrupt_is_not_raised_in_the_coroutine() -> None:
    """KeyboardInterrupt and SystemExit end the program, whoever waits for what."""

    @gen.coroutine
    def work() -> Generator[Any, Any, Any]:
        yield gen.Callback("key")  # type: ignore[attr-defined]
        IOLoop.current().add_callback(sys.exit, 3)
        yield gen.Wait("key")  # type: ignore[attr-defined]

    async def main() -> None:
        await work()

    with pytest.raises(SystemExit):
        asyncio.run(main())


def test_only_a_generator_can_wait_for_lists_with_yield_points() -> None:
    """Elsewhere the mistake shows at once and says what is wrong."""

    async def main() -> None:
        points = [gen.Callback("key")]  # type: ignore[attr-defined]
        with pytest.raises(gen.BadYieldError, match="generator coroutine"):
            gen.with_timeout(5, points)
        with pytest.raises(gen.BadYieldError, match="generator coroutine"):
            gen.WaitIterator(points)

    asyncio.run(main())


# -- callbacks of coroutines


def test_a_function_with_a_parameter_callback_keeps_it() -> None:
    """Only where it could not be meant for the function is it taken for the legacy argument."""

    @gen.coroutine
    def named(callback: Any = None) -> Any:
        return callback

    @gen.coroutine
    def any_keyword(**kwargs: Any) -> Any:
        return kwargs

    async def main() -> None:
        assert await named(callback=5) == 5
        assert await any_keyword(callback=5) == {"callback": 5}

    asyncio.run(main())


def test_an_engine_whose_wait_is_cancelled_tells_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """Like any cancelled callback."""

    async def main() -> None:
        source = create_future()

        @gen.engine  # type: ignore[attr-defined, untyped-decorator]
        def work() -> Generator[Any, Any, Any]:
            yield source

        work()
        source.cancel()
        await turns()

    asyncio.run(main())

    assert caplog.records == []
