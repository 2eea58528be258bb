"""Generators that work with callbacks: ``gen.engine`` and ``gen.Task``, and coroutines called with ``callback=``.

Documentation: ``gen`` of releases 2.1 to 5.1.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from waterspout._callback_argument import call_back
from waterspout._eventloop import create_future
from waterspout.concurrent import Future, ReturnValueIgnoredError
from waterspout.gen import decorated
from waterspout.ioloop import IOLoop
from waterspout.legacy.arguments import Arguments, single_result
from waterspout.legacy.stack_context import errors_to

__all__ = ["Arguments", "Task", "engine"]


def engine(func: Callable[..., Any]) -> Callable[..., None]:
    """Decorate a generator function so that calling it runs it, and returns nothing.

    Like :func:`gen.coroutine` without the future: the function passes its result to a callback, or writes it to
    where it belongs. It must not return a value (:exc:`gen.ReturnValueIgnoredError`). An exception before the
    first wait is raised by the call; a later one goes to the stack contexts of the call, or to the log.
    Documentation: ``gen.engine``.
    """
    warnings.warn("gen.engine is deprecated: use gen.coroutine or async def", DeprecationWarning, stacklevel=2)
    run = decorated(func, accept_callback=False)

    @functools.wraps(run)
    def start(*args: Any, **kwargs: Any) -> None:
        future = run(*args, **kwargs)
        if future.done():
            _expect_nothing(func, future)
        else:
            IOLoop.current().add_future(future, functools.partial(_expect_nothing, func))

    return start


def _expect_nothing(func: Callable[..., Any], future: Future[Any]) -> None:
    """Raise what an engine has failed with; it has nobody else to tell."""
    if future.cancelled():
        return
    result = future.result()
    if result is not None:
        raise ReturnValueIgnoredError(f"nobody gets what the engine {func!r} returns: {result!r}")


def Task(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
    """Call a function with a ``callback`` argument of ours, and return a future of what that gets.

    Several arguments, or keywords, make an :class:`Arguments`. An exception of the function, or of a callback it
    has registered with the loop, becomes the future's. Documentation: ``gen.Task``.
    """
    warnings.warn("gen.Task is deprecated: use futures", DeprecationWarning, stacklevel=2)
    future = create_future()

    def resolve(result: Any) -> None:
        # A callback that is called twice, or after an error, tells nobody.
        if not future.done():
            future.set_result(result)

    with errors_to(future):
        func(*args, callback=single_result(resolve), **kwargs)
    return future


def start_with_callback(
    start: Callable[..., Future[Any]], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Future[Any]:
    """Call a coroutine without the ``callback`` in ``kwargs``, and have that called with its result."""
    callback = kwargs.pop("callback")
    future = start(*args, **kwargs)
    # The line to warn of is the caller's of `start`, which has called this.
    return future if callback is None else call_back(future, callback, stacklevel=3)
