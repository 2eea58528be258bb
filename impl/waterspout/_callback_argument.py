"""The legacy argument ``callback``: call a function with the result of an operation that returns a future.

Up to release 5.1 most asynchronous operations took a callback; today they return a future, and here the one is
made of the other. For authors of such an operation there are two ways. Where a call may cost a little::

    @accepts_callback
    async def resolve(self, host, port): ...

and where it may not, a keyword argument of its own::

    def read_bytes(self, num_bytes, partial=False, *, callback=None):
        future = ...
        return future if callback is None else call_back(future, callback, quiet=StreamClosedError)

What the caller may rely on:

- The callback runs in a turn of the loop of its own, never inside the operation's call, and with the stack
  contexts (:mod:`waterspout.stack_context`) in which that call was made.
- If the operation fails, the callback is not called. The exception is raised in those contexts, so that an
  ``ExceptionStackContext`` gets it, or else the log ``tornado.application``; the types in ``quiet`` are
  dropped, for operations that tell of them in another way.
- If the operation is cancelled, nothing is called and nothing logged.
- An operation whose callback hears of failures as well (``AsyncHTTPClient.fetch``: a response with ``error``)
  passes a future here that makes results of them.
- A callback may be a coroutine function; what it raises is treated like any callback's exception.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from waterspout.concurrent import Future
from waterspout.gen import as_future
from waterspout.ioloop import IOLoop

__all__ = ["accepts_callback", "call_back"]

_F = TypeVar("_F", bound=Callable[..., Any])


def call_back(
    operation: Any,
    callback: Callable[..., Any],
    *,
    quiet: type[BaseException] | tuple[type[BaseException], ...] = (),
    with_result: bool = True,
    stacklevel: int = 2,
) -> Future[Any]:
    """Have ``callback(result)`` called when an operation is done, and return its future.

    ``operation`` is what :func:`waterspout.gen.convert_yielded` takes. With ``with_result=False`` the callback
    is called without arguments, for operations whose result is of no interest (``write``, ``flush``).
    ``quiet`` are types of exceptions to drop. Warns of the deprecation at the line ``stacklevel`` calls above
    the function that calls this one: 1 is that function, 2 its caller. Raises TypeError for a callback that
    cannot be called.
    """
    _check(callback)
    warnings.warn("callback arguments are deprecated: use the future returned", DeprecationWarning, stacklevel + 1)
    future = as_future(operation)

    def finish(done: Future[Any]) -> Any:
        if done.cancelled() or isinstance(done.exception(), quiet):
            return None
        result = done.result()
        return callback(result) if with_result else callback()

    IOLoop.current().add_future(future, functools.update_wrapper(finish, callback, updated=()))
    return future


def accepts_callback(operation: _F) -> _F:
    """Decorate a function that returns a future, or a coroutine function, so that calls may have ``callback=``.

    Calls without it are passed on as they are. With it, what :func:`call_back` says happens, and the call
    returns a future also where the function alone would return a coroutine.
    """

    @functools.wraps(operation)
    def call(*args: Any, callback: Callable[..., Any] | None = None, **kwargs: Any) -> Any:
        if callback is None:
            return operation(*args, **kwargs)
        _check(callback)
        return call_back(operation(*args, **kwargs), callback)

    return call  # type: ignore[return-value]


def _check(callback: object) -> None:
    if not callable(callback):
        raise TypeError(f"a callback is a function, not {callback!r}")
