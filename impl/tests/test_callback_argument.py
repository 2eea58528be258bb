"""The insides of ``waterspout._callback_argument``, which other modules use for their legacy argument."""

from __future__ import annotations

import asyncio
import logging
import warnings
from typing import Any

import pytest

from waterspout._callback_argument import accepts_callback, call_back
from waterspout._eventloop import create_future
from waterspout.stack_context import ExceptionStackContext

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


async def turns(count: int = 5) -> None:
    """Let the loop turn a few times."""
    for _ in range(count):
        await asyncio.sleep(0)


async def twice(number: int) -> int:
    """A modern operation."""
    if number < 0:
        raise KeyError(number)
    return 2 * number


@accepts_callback
async def double(number: int) -> int:
    """The same for callers of both kinds."""
    return await twice(number)


def test_a_callback_gets_the_result_in_a_turn_of_its_own() -> None:
    """Never inside the call, even if the result is there."""

    async def main() -> None:
        seen: list[Any] = []
        done = create_future()
        done.set_result(1)
        assert call_back(done, seen.append) is done
        assert await call_back(twice(2), seen.append) == 4
        assert await double(3, callback=seen.append) == 6
        assert await double(number=4) == 8
        await turns()
        assert seen == [1, 4, 6]

    asyncio.run(main())


def test_a_callback_may_do_without_the_result() -> None:
    """For operations whose result says nothing."""

    async def main() -> None:
        seen: list[str] = []
        call_back(twice(2), lambda: seen.append("called"), with_result=False)
        await turns()
        assert seen == ["called"]

    asyncio.run(main())


def test_a_failure_is_logged_and_the_callback_not_called(caplog: pytest.LogCaptureFixture) -> None:
    """The log names the callback that waited for it."""

    async def main() -> None:
        def on_result(value: Any) -> None:
            raise AssertionError(value)

        double(-1, callback=on_result)
        await turns()

    asyncio.run(main())

    (row,) = caplog.records
    assert (row.name, row.levelno) == ("tornado.application", logging.ERROR)
    assert "on_result" in row.getMessage()
    assert row.exc_info is not None
    assert row.exc_info[0] is KeyError


def test_a_failure_reaches_the_handler_of_the_call() -> None:
    """And nothing else hears of it."""
    seen: list[Any] = []

    async def main() -> None:
        with ExceptionStackContext(lambda kind, value, tb: [seen.append(kind)]):
            double(-1, callback=seen.append)
        await turns()

    asyncio.run(main())

    assert seen == [KeyError]


def test_quiet_failures_and_cancelled_operations_are_nobodys_business(caplog: pytest.LogCaptureFixture) -> None:
    """The operation has told of them in its own way."""

    async def main() -> None:
        cancelled = create_future()
        call_back(cancelled, print)
        call_back(twice(-1), print, quiet=(OSError, KeyError))
        cancelled.cancel()
        await turns()

    asyncio.run(main())

    assert caplog.records == []


def test_what_a_coroutine_callback_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A callback may be an ``async def`` function."""

    async def main() -> None:
        async def on_result(value: int) -> None:
            await asyncio.sleep(0)
            raise OSError(value)

        double(1, callback=on_result)
        await turns()

    asyncio.run(main())

    assert "OSError" in caplog.text


def test_something_that_cannot_be_called_is_refused_before_the_operation_starts() -> None:
    """Else the operation would run, and its result be lost."""
    started: list[bool] = []

    @accepts_callback
    async def operation() -> None:
        started.append(True)

    async def main() -> None:
        with pytest.raises(TypeError, match="callback"):
            operation(callback=5)  # type: ignore[call-arg]
        await turns()

    asyncio.run(main())

    assert started == []


def test_the_warning_names_the_line_that_gave_the_callback() -> None:
    """Both for a decorated operation and for one that calls the helper itself."""

    def by_hand(callback: Any) -> Any:
        return call_back(twice(1), callback)

    async def main() -> list[str]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            lines = [here() + 1]
            double(1, callback=lambda _: None)
            lines.append(here() + 1)
            by_hand(lambda _: None)
        assert [row.lineno for row in caught] == lines
        return [row.filename for row in caught]

    assert asyncio.run(main()) == [__file__, __file__]


def here() -> int:
    """Return the line of the call."""
    import sys

    return sys._getframe(1).f_lineno
