"""The insides of ``waterspout.concurrent``."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import sys
import threading

import pytest

from waterspout import concurrent as ours
from waterspout._eventloop import create_future


async def turns(count: int = 3) -> None:
    """Let the loop turn a few times."""
    for _ in range(count):
        await asyncio.sleep(0)


def test_a_chain_carries_result_exception_and_cancellation() -> None:
    """Each outcome of the first future becomes that of the second."""

    async def main() -> None:
        first, second = create_future(), create_future()
        ours.chain_future(first, second)
        first.set_result(1)
        await turns()
        assert second.result() == 1

        first, second = create_future(), create_future()
        ours.chain_future(first, second)
        first.set_exception(KeyError("k"))
        await turns()
        assert isinstance(second.exception(), KeyError)

        first, second = create_future(), create_future()
        ours.chain_future(first, second)
        first.cancel()
        await turns()
        assert second.cancelled()

    asyncio.run(main())


def test_a_chain_leaves_a_finished_target_alone() -> None:
    """A target that was cancelled meanwhile is no error."""

    async def main() -> None:
        first, second = create_future(), create_future()
        ours.chain_future(first, second)
        second.cancel()
        first.set_result(1)
        await turns()
        assert second.cancelled()
        assert not first.cancelled()

    asyncio.run(main())


def test_a_chain_from_a_thread_sets_the_target_on_the_loop() -> None:
    """The target's callbacks run in the loop's thread."""

    async def main() -> None:
        source: concurrent.futures.Future[int] = concurrent.futures.Future()
        target = create_future()
        threads = []
        target.add_done_callback(lambda _: threads.append(threading.current_thread()))
        ours.chain_future(source, target)
        threading.Thread(target=source.set_result, args=(5,)).start()
        assert await target == 5
        await turns()
        assert threads == [threading.main_thread()]

    asyncio.run(main())


def test_a_chain_to_a_closed_loop_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    """A function that outlives the loop finds nobody to report to."""
    source: concurrent.futures.Future[int] = concurrent.futures.Future()

    async def main() -> None:
        ours.chain_future(source, create_future())

    asyncio.run(main())
    source.set_result(1)

    assert caplog.records == []


def test_a_stop_iteration_reaches_the_awaiter_as_runtime_error() -> None:
    """No future can hold a StopIteration, and the awaiter must not wait for ever."""

    async def main() -> None:
        source: concurrent.futures.Future[int] = concurrent.futures.Future()
        target = create_future()
        ours.chain_future(source, target)
        source.set_exception(StopIteration(1))
        with pytest.raises(RuntimeError) as caught:
            await asyncio.wait_for(target, 5)
        assert isinstance(caught.value.__cause__, StopIteration)

    asyncio.run(main())


def test_an_exception_for_a_cancelled_future_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """It would vanish otherwise."""

    async def main() -> None:
        future = create_future()
        future.cancel()
        ours.future_set_result_unless_cancelled(future, 1)
        ours.future_set_exception_unless_cancelled(future, KeyError("lost"))

    asyncio.run(main())

    assert [(record.name, record.levelno) for record in caplog.records] == [("tornado.application", logging.ERROR)]
    assert "lost" in caplog.text


def test_set_exc_info_needs_an_exception() -> None:
    """An empty triple is the caller's mistake."""

    async def main() -> None:
        with pytest.raises(ValueError, match="triple"):
            ours.future_set_exc_info(create_future(), sys.exc_info())

    asyncio.run(main())


def test_done_callbacks_run_at_once_on_finished_futures() -> None:
    """Unlike the method of asyncio's futures."""

    async def main() -> None:
        future = create_future()
        seen: list[object] = []
        future.set_result(1)
        ours.future_add_done_callback(future, seen.append)
        assert seen == [future]

    asyncio.run(main())


class Worker:
    """Has methods that run elsewhere."""

    executor = ours.dummy_executor
    other = ours.dummy_executor

    @ours.run_on_executor
    def double(self, x: int) -> int:
        """Return twice the number."""
        return 2 * x

    @ours.run_on_executor(executor="other")
    def fail(self) -> None:
        """Raise."""
        raise KeyError("inside")


def test_methods_run_on_the_executor_of_their_object() -> None:
    """Result and exception arrive through an awaitable future."""

    async def main() -> None:
        assert await Worker().double(4) == 8
        with pytest.raises(KeyError, match="inside"):
            await Worker().fail()

    asyncio.run(main())


def test_run_on_executor_refuses_unknown_arguments() -> None:
    """A misspelt keyword is an error when decorating."""
    with pytest.raises(ValueError, match="executor="):
        ours.run_on_executor(excutor="x")
