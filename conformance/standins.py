"""Stand-ins for chapters on the asynchronous core: coroutines that take a known time, and a look at the logs."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import timedelta
from typing import Any

from conformance.package import api
from conformance.requirement import labelled

#: The two ways to say when a wait ends, ``seconds`` from now.
DEADLINES = [
    labelled("number", lambda seconds: time.time() + seconds),
    labelled("timedelta", lambda seconds: timedelta(seconds=seconds)),
]


def divide(x: float, y: float) -> Any:
    """Call the coroutine of the user's guide that fails for ``y == 0``."""

    def divide(x: float, y: float) -> float:
        return x / y

    return api.gen.coroutine(divide)(x, y)


def fetch(url: str, seconds: float = 1) -> Any:
    """Stand in for an HTTP client: start a decorated coroutine whose answer comes after ``seconds``."""

    def fetch() -> Any:
        yield api.gen.sleep(seconds)
        return f"page of {url}"

    return api.gen.coroutine(fetch)()


async def fail_after(seconds: float, error: Exception) -> None:
    """Raise ``error`` after ``seconds``."""
    await api.gen.sleep(seconds)
    raise error


async def turns(number: int = 5) -> None:
    """Let the loop go round, so that everything that can happen without time passing has happened."""
    for _ in range(number):
        await asyncio.sleep(0)


def logged(caplog: Any, logger: str = "tornado.application") -> list[type[BaseException] | None]:
    """Return the types of the exceptions whose tracebacks ``caplog`` has from ``logger``, in order.

    An error that was logged without a traceback stands as None.
    """
    rows = [row for row in caplog.records if row.name == logger and row.levelno >= logging.ERROR]
    return [row.exc_info[0] if row.exc_info else None for row in rows]
