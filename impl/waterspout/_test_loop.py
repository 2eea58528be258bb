"""An event loop for one test: made before it, and closed after it with all that runs on it."""

from __future__ import annotations

import asyncio
import os

from waterspout._eventloop import thread_loop
from waterspout.ioloop import IOLoop

_DEFAULT_TIMEOUT = 5.0
_TIMEOUT_VARIABLE = "ASYNC_TEST_TIMEOUT"


def get_async_test_timeout() -> float:
    """Return how many seconds a test may wait: the environment variable ``ASYNC_TEST_TIMEOUT``, else 5.

    Documentation: ``testing.get_async_test_timeout``.
    """
    try:
        return float(os.environ.get(_TIMEOUT_VARIABLE, ""))
    except ValueError:
        return _DEFAULT_TIMEOUT


class LoopOfTest:
    """Makes a loop the current one, until :meth:`close`."""

    def __init__(self, io_loop: IOLoop) -> None:
        self._io_loop = io_loop
        self._previous = thread_loop()
        asyncio.set_event_loop(io_loop.asyncio_loop)

    def close(self) -> None:
        """End the tasks that the test left, and close the loop. Closing twice is harmless.

        A loop that was there before the test is left as it is.
        """
        io_loop, previous = self._io_loop, self._previous
        if io_loop.asyncio_loop is previous or io_loop.asyncio_loop.is_closed():
            return
        try:
            _end_tasks(io_loop)
        finally:
            io_loop.close(all_fds=True)
            asyncio.set_event_loop(None if previous is None or previous.is_closed() else previous)


def _end_tasks(io_loop: IOLoop) -> None:
    tasks = asyncio.all_tasks(io_loop.asyncio_loop)
    for task in tasks:
        task.cancel()

    async def end() -> None:
        if tasks:
            # What does not let itself be cancelled ends with the loop.
            await asyncio.wait(tasks, timeout=get_async_test_timeout())
        await asyncio.get_running_loop().shutdown_asyncgens()

    io_loop.run_sync(end)
