"""Futures of older releases: ``concurrent.return_future`` and ``concurrent.TracebackFuture``.

Documentation: ``concurrent`` of releases 3.0 to 5.1.
"""

from __future__ import annotations

import asyncio
import functools
import types
import warnings
from collections.abc import Callable
from typing import Any

from waterspout._callback_argument import call_back
from waterspout._eventloop import create_future
from waterspout.concurrent import (
    Future,
    ReturnValueIgnoredError,
    future_set_exc_info,
    future_set_result_unless_cancelled,
)
from waterspout.legacy.stack_context import errors_to
from waterspout.util import ArgReplacer

__all__ = ["TracebackFuture", "return_future"]

_ExcInfo = tuple[type[BaseException] | None, BaseException | None, types.TracebackType | None]


class TracebackFuture(asyncio.Future[Any]):
    """A future with the methods that asyncio's lacks.

    ``concurrent.Future`` had them up to release 4.5. It is asyncio's class now, which cannot be extended, so that
    futures made by the framework do not have them; those that a program makes of this class do.
    """

    def running(self) -> bool:
        """Whether the future is pending."""
        return not self.done()

    def result(self, timeout: float | None = None) -> Any:
        """Return the result or raise the exception. ``timeout`` is ignored: this never waits."""
        return super().result()

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Return the exception, or None if there is a result. ``timeout`` is ignored."""
        return super().exception()

    def exc_info(self) -> _ExcInfo | None:
        """Return the exception as a ``sys.exc_info()`` triple, or None if there is none."""
        error = None if not self.done() or self.cancelled() else super().exception()
        return None if error is None else (type(error), error, error.__traceback__)

    def set_exc_info(self, exc_info: _ExcInfo) -> None:
        """Set the exception to that of a ``sys.exc_info()`` triple."""
        future_set_exc_info(self, exc_info)


def return_future(f: Callable[..., Any]) -> Callable[..., Future[Any]]:
    """Decorate a function that takes a ``callback`` so that it returns a future.

    The function calls the callback with one value, or none, when it has finished; to fail it raises an exception,
    also in a callback it has registered with the loop. It must not return a value
    (:exc:`concurrent.ReturnValueIgnoredError`). An exception in the call itself is raised at once. Callers may
    still pass a ``callback``. Documentation: ``concurrent.return_future``.
    """
    warnings.warn("return_future is deprecated: use coroutines", DeprecationWarning, stacklevel=2)
    replacer = ArgReplacer(f, "callback")

    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Future[Any]:
        future = create_future()
        given: list[Any] = []

        def resolve(*values: Any) -> None:
            if len(values) > 1:
                raise TypeError(f"the callback of a function that returns a future takes one value, got {values!r}")
            given.extend(values)
            future_set_result_unless_cancelled(future, values[0] if values else None)

        callback, args, kwargs = replacer.replace(resolve, args, kwargs)  # type: ignore[assignment]
        with errors_to(future):
            result = f(*args, **kwargs)
            if result is not None:
                raise ReturnValueIgnoredError(f"{f!r} returns a future of what its callback gets, not {result!r}")
        if future.done():
            future.result()
        if callback is not None:
            # What the function calls its callback with, nothing included.
            call_back(future, functools.wraps(callback, updated=())(lambda _: callback(*given)))
        return future

    return call
