"""Futures: one name for asyncio's, and helpers that treat them and those of ``concurrent.futures`` alike.

A result may be asked for and set by different parties, and any of them may cancel; the helpers say in their
names what happens then. Documentation: ``tornado.concurrent``.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import types
from collections.abc import Callable
from concurrent import futures
from typing import TYPE_CHECKING, Any, TypeVar, overload

from waterspout._eventloop import create_future
from waterspout._legacy_names import legacy_name, legacy_names
from waterspout._loggers import app_log

__all__ = [
    "FUTURES",
    "DummyExecutor",
    "Future",
    "ReturnValueIgnoredError",
    "chain_future",
    "dummy_executor",
    "future_add_done_callback",
    "future_set_exc_info",
    "future_set_exception_unless_cancelled",
    "future_set_result_unless_cancelled",
    "is_future",
    "run_on_executor",
]

_FUTURES = "waterspout.legacy.futures"
_GENERATORS = "waterspout.legacy.generators"
if not TYPE_CHECKING:
    # Names of older releases. A type checker would take it to mean that this module has every name.
    __getattr__ = legacy_names(__name__, {"TracebackFuture": _FUTURES, "return_future": _FUTURES})

_T = TypeVar("_T")

Future = asyncio.Future

#: The classes that count as futures, for :func:`isinstance`.
FUTURES = (futures.Future, Future)

AnyFuture = asyncio.Future[Any] | futures.Future[Any]


class ReturnValueIgnoredError(Exception):
    """A callback returned a value where nobody would have looked at it. Kept for programs that catch it."""


def is_future(x: Any) -> bool:
    """Whether the object is a future of asyncio or of ``concurrent.futures``."""
    return isinstance(x, FUTURES)


class DummyExecutor(futures.Executor):
    """An executor that calls the function at once, in the calling thread."""

    def submit(  # type: ignore[override]
        self, fn: Callable[..., _T], *args: Any, **kwargs: Any
    ) -> futures.Future[_T]:
        """Call the function and return a finished future of ``concurrent.futures`` with what came of it."""
        future: futures.Future[_T] = futures.Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Do nothing: no work is ever pending."""


dummy_executor = DummyExecutor()


def run_on_executor(*args: Any, **kwargs: Any) -> Callable[..., Any]:
    """Decorate a method so that it runs on an executor of its object, and its call returns an awaitable
    future.

    The executor is the attribute ``executor`` of the object, or the one that the ``executor`` keyword names:
    ``@run_on_executor(executor="_threads")``. Cancelling the future does not stop the function. Two things of
    older releases are still accepted: the keyword ``io_loop``, which means nothing any more, and calls with
    ``callback=``, if the method has no such parameter. Documentation: ``concurrent.run_on_executor``.
    """
    attribute = kwargs.pop("executor", "executor")
    kwargs.pop("io_loop", None)
    if kwargs or len(args) > 1 or (args and not callable(args[0])):
        raise ValueError("run_on_executor takes the method it decorates, or executor='name of an attribute'")

    def decorate(method: Callable[..., _T]) -> Callable[..., Future[_T]]:
        accept_callback = not may_take_callback(method)

        @functools.wraps(method)
        def submit(self: Any, *args: Any, **kwargs: Any) -> Future[_T]:
            if accept_callback and "callback" in kwargs:
                called: Future[_T] = legacy_name(_GENERATORS, "start_with_callback")(submit, (self, *args), kwargs)
                return called
            result: Future[_T] = create_future()
            chain_future(getattr(self, attribute).submit(method, self, *args, **kwargs), result)
            return result

        return submit

    return decorate(args[0]) if args else decorate


def may_take_callback(func: Callable[..., Any]) -> bool:
    """Whether a call of the function may have an argument ``callback`` of its own, as far as that can be told."""
    code = getattr(func, "__code__", None)
    if code is None or code.co_flags & inspect.CO_VARKEYWORDS:
        return True
    return "callback" in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def chain_future(a: AnyFuture, b: AnyFuture) -> None:
    """Copy the outcome of ``a``, a cancellation too, to ``b`` when ``a`` is done, unless ``b`` is done by
    then.

    Either may be a future of asyncio or of ``concurrent.futures``. Cancelling ``b`` leaves ``a`` alone.
    """
    if isinstance(a, futures.Future) and isinstance(b, asyncio.Future):
        # The outcome arrives on the executor's thread; only the loop's own may touch b.
        if a.done():
            copy_outcome(a, b)
        else:
            a.add_done_callback(functools.partial(_copy_on_loop, b))
    else:
        future_add_done_callback(a, functools.partial(_copy_to, b))


def _copy_to(target: AnyFuture, source: AnyFuture) -> None:
    copy_outcome(source, target)


def _copy_on_loop(target: asyncio.Future[Any], source: futures.Future[Any]) -> None:
    loop = target.get_loop()
    try:
        loop.call_soon_threadsafe(copy_outcome, source, target)
    except RuntimeError:
        # The loop was closed while the function ran: nobody is left to take the result.
        if not loop.is_closed():
            raise


def copy_outcome(source: AnyFuture, target: AnyFuture) -> None:
    """Give ``target`` the result, exception or cancellation of ``source``, which is done; leave it if it is
    done.
    """
    if target.done():
        return
    if source.cancelled():
        target.cancel()
        return
    error = source.exception()
    if error is None:
        target.set_result(source.result())
    else:
        target.set_exception(storable(error))


def storable(error: BaseException) -> BaseException:
    """Return the exception in a form a future can hold: no future holds a StopIteration, it would end its
    awaiter.
    """
    if not isinstance(error, StopIteration):
        return error
    replacement = RuntimeError("a StopIteration left the function whose result was awaited")
    replacement.__cause__ = error
    return replacement


def future_set_result_unless_cancelled(future: AnyFuture, value: Any) -> None:
    """Set the result of a future that may have been cancelled; then the value is dropped."""
    if not future.cancelled():
        future.set_result(value)


def future_set_exception_unless_cancelled(future: AnyFuture, exc: BaseException) -> None:
    """Set the exception of a future that may have been cancelled; then the exception is logged."""
    if future.cancelled():
        app_log.error("nobody waits for this exception: its future was cancelled before", exc_info=exc)
    else:
        future.set_exception(storable(exc))


def future_set_exc_info(
    future: AnyFuture,
    exc_info: tuple[type | None, BaseException | None, types.TracebackType | None],
) -> None:
    """Set the exception of a ``sys.exc_info()`` triple on a future, unless it was cancelled."""
    error = exc_info[1]
    if error is None:
        raise ValueError("future_set_exc_info needs the triple of an exception, got one without")
    future_set_exception_unless_cancelled(future, error)


@overload
def future_add_done_callback(future: futures.Future[_T], callback: Callable[[futures.Future[_T]], object]) -> None: ...
@overload
def future_add_done_callback(future: Future[_T], callback: Callable[[Future[_T]], object]) -> None: ...
def future_add_done_callback(future: AnyFuture, callback: Callable[..., object]) -> None:
    """Call ``callback(future)`` when the future is done: at once if it is done already.

    Unlike the method ``add_done_callback`` of asyncio's futures, which always calls later.
    """
    if future.done():
        callback(future)
    else:
        future.add_done_callback(callback)
