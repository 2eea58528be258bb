"""Coroutines made of generators, and the tools that both kinds of coroutine use.

A function decorated with :func:`coroutine` gives control back at each ``yield`` and is resumed with the
result when what it yielded is done. It may yield futures, awaitables, futures of ``concurrent.futures``,
lists and dicts of them, and None; :func:`convert_yielded` holds the list and can be taught more. ``async
def`` functions await the same things through :func:`multi` and :func:`convert_yielded`. Documentation:
``tornado.gen``.

How a decorated function runs:

- It starts at once, in the caller's stack, and goes on without a pause while what it yields is done already.
  A long row of those is interrupted now and then, so that no coroutine keeps the loop from its other work.
- All its steps run in one context of its own, a copy of the caller's, like a task of asyncio. Nothing that it
  sets in a context variable reaches the caller.
- Its outcome is a future. Cancelling that future gives up the outcome but does not stop the function.
"""

from __future__ import annotations

import asyncio
import collections
import contextvars
import datetime
import functools
import inspect
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from concurrent import futures
from types import GeneratorType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

from waterspout._eventloop import create_future, current_loop, finite_delay, seconds_until
from waterspout._legacy_names import legacy_name, legacy_names
from waterspout._loggers import app_log
from waterspout._stack_state import active
from waterspout.concurrent import (
    Future,
    ReturnValueIgnoredError,
    chain_future,
    copy_outcome,
    future_add_done_callback,
    future_set_exception_unless_cancelled,
    future_set_result_unless_cancelled,
    is_future,
    may_take_callback,
)
from waterspout.util import TimeoutError

__all__ = [
    "BadYieldError",
    "KeyReuseError",
    "LeakedCallbackError",
    "Multi",
    "Return",
    "ReturnValueIgnoredError",
    "Runner",
    "TimeoutError",
    "UnknownKeyError",
    "WaitIterator",
    "convert_yielded",
    "coroutine",
    "is_coroutine_function",
    "maybe_future",
    "moment",
    "multi",
    "multi_future",
    "sleep",
    "with_timeout",
]

_GENERATORS = "waterspout.legacy.generators"
_YIELD_POINTS = "waterspout.legacy.yield_points"
#: Names of older releases, and where they are now.
_LEGACY = {
    "Arguments": _GENERATORS,
    "Callback": _YIELD_POINTS,
    "MultiYieldPoint": _YIELD_POINTS,
    "Task": _GENERATORS,
    "Wait": _YIELD_POINTS,
    "WaitAll": _YIELD_POINTS,
    "YieldFuture": _YIELD_POINTS,
    "YieldPoint": _YIELD_POINTS,
    "engine": _GENERATORS,
}
if not TYPE_CHECKING:
    # A type checker would take it to mean that this module has every name.
    __getattr__ = legacy_names(__name__, _LEGACY)

_T = TypeVar("_T")
_Quiet = type[Exception] | tuple[type[Exception], ...]

#: So many results in a row that were there already, and the coroutine lets the loop turn once: at well under
#: a microsecond each, the loop's other work waits less than a millisecond for it.
_READY_IN_A_ROW = 1000

#: Set on decorated functions. Other packages look for the name, so it is part of the interface.
_COROUTINE_MARK = "__tornado_coroutine__"


class KeyReuseError(Exception):
    """A callback key was used a second time. Kept for programs that catch it."""


class UnknownKeyError(Exception):
    """A callback key is not known. Kept for programs that catch it."""


class LeakedCallbackError(Exception):
    """A callback was never waited for. Kept for programs that catch it."""


class BadYieldError(Exception):
    """A coroutine yielded something that cannot be waited for."""


class Return(Exception):
    """Raised in a decorated generator to end it with a value. ``return value`` does the same.

    Documentation: ``gen.Return``.
    """

    def __init__(self, value: Any = None) -> None:
        super().__init__(value)
        self.value = value


class _Moment:
    """What a coroutine yields to let the loop turn once."""

    def done(self) -> bool:
        return True

    def exception(self) -> None:
        return None

    def result(self) -> None:
        return None

    def __await__(self) -> Generator[None, None, None]:
        # A task of asyncio takes a bare yield as "call me in the next turn".
        yield


#: Yield it (or None) to let the loop do other work before the coroutine goes on. Documentation:
#: ``gen.moment``.
moment = _Moment()


class NeedsRunner:
    """What only the runner of a generator can start: the base of the yield points of older releases.

    See :mod:`waterspout.legacy.yield_points`.
    """

    def start_in(self, runner: Runner[Any]) -> Any:
        """Start it in the runner whose generator has yielded it; return a future, or :data:`moment`."""
        raise NotImplementedError

    def among(self, children: list[Any] | dict[Any, Any], quiet_exceptions: _Quiet) -> NeedsRunner:
        """Return what waits for all the children, of which this is one."""
        raise NotImplementedError


# asyncio refers to its tasks weakly, so a task that nobody else holds may vanish while it waits.
_tasks: set[asyncio.Task[Any]] = set()


@functools.singledispatch
def convert_yielded(yielded: Any) -> Any:
    """Turn what a coroutine may yield into something to await: a future, or :data:`moment` for None.

    Awaitables start to run now, in the background, as tasks. Raises :exc:`BadYieldError` for what nobody can
    wait for. ``convert_yielded.register`` (see :func:`functools.singledispatch`) adds conversions for further
    types. Documentation: ``gen.convert_yielded``.
    """
    if asyncio.isfuture(yielded) or yielded is moment:
        return yielded
    if yielded is None:
        return moment
    if isinstance(yielded, list | dict):
        return multi(yielded)
    if isinstance(yielded, futures.Future):
        future = create_future()
        chain_future(yielded, future)
        return future
    if inspect.isawaitable(yielded):
        return _start_task(yielded)
    raise BadYieldError(f"cannot wait for {yielded!r}: yield futures, awaitables, lists or dicts of them, or None")


def _start_task(awaitable: Awaitable[_T]) -> asyncio.Future[_T]:
    task = asyncio.ensure_future(awaitable, loop=current_loop())
    if isinstance(task, asyncio.Task) and not task.done():
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)
    return task


@overload
def coroutine(func: Callable[..., Generator[Any, Any, _T]]) -> Callable[..., Future[_T]]: ...
@overload
def coroutine(func: Callable[..., _T]) -> Callable[..., Future[_T]]: ...
def coroutine(func: Callable[..., Any]) -> Callable[..., Future[Any]]:
    """Decorate a generator function so that calling it runs it and returns a future of its result.

    A function without ``yield`` may be decorated, too: its result or exception goes into the future. An
    exception shows itself only when the future is yielded or awaited. A call with ``callback=``, if the function
    has no such parameter, has the callback called with the result (up to release 5.1; deprecated).
    Documentation: ``gen.coroutine``.
    """
    return decorated(func, accept_callback=not may_take_callback(func))


def decorated(func: Callable[..., Any], *, accept_callback: bool) -> Callable[..., Future[Any]]:
    """Return what :func:`coroutine` returns. With ``accept_callback``, calls may have the legacy ``callback=``."""

    @functools.wraps(func)
    def start(*args: Any, **kwargs: Any) -> Future[Any]:
        if accept_callback and "callback" in kwargs:
            called: Future[Any] = legacy_name(_GENERATORS, "start_with_callback")(start, args, kwargs)
            return called
        future = create_future()
        context = contextvars.copy_context()
        try:
            result = context.run(func, *args, **kwargs)
        except (Return, StopIteration) as end:
            future.set_result(end.value)
        except BaseException as error:
            _fail(future, error)
        else:
            if isinstance(result, GeneratorType):
                contexts = active.get()
                generator = result if contexts is None else contexts.guard(result)
                context.run(Runner(generator, future, context).run, None)
            else:
                future.set_result(result)
        try:
            return future
        finally:
            # The frames of an exception refer to this one, and it must not refer to the future that holds the
            # exception: "exception was never retrieved" is logged when the future dies.
            del future

    setattr(start, _COROUTINE_MARK, True)
    return start


def is_coroutine_function(func: Any) -> bool:
    """Whether the function was decorated with :func:`coroutine`. False for ``async def`` functions."""
    return getattr(func, _COROUTINE_MARK, False)


def _fail(future: Future[Any], error: BaseException) -> None:
    """End a coroutine's future with an exception just caught, as asyncio does for its tasks."""
    if error.__traceback__ is not None:
        # Without the frame that caught it: that frame holds the future, which would be kept alive by its own
        # exception, and to the reader of the traceback it says nothing.
        error.__traceback__ = error.__traceback__.tb_next
    if isinstance(error, asyncio.CancelledError):
        future.cancel()
    else:
        future_set_exception_unless_cancelled(future, error)
    if isinstance(error, KeyboardInterrupt | SystemExit):
        # These end the program, not only the coroutine.
        raise error


class Runner(Generic[_T]):
    """Runs one generator to its end, waiting for what it yields, and sets a future to the outcome."""

    __slots__ = ("context", "gen", "result_future")

    def __init__(self, gen: Generator[Any, Any, _T], result_future: Future[_T], context: contextvars.Context) -> None:
        self.gen = gen
        self.result_future = result_future
        self.context = context

    def resume(self, future: asyncio.Future[Any]) -> None:
        """Go on with the outcome of a finished future. Called in :attr:`context`."""
        value, error = _outcome(future)
        self.run(value, error)

    def run(self, value: Any = None, error: BaseException | None = None) -> None:
        """Send a value or throw an error into the generator, and run it until it waits or ends.

        Called in :attr:`context`.
        """
        ready_in_a_row = 0
        while True:
            try:
                yielded = self.gen.send(value) if error is None else self.gen.throw(error)
            except (StopIteration, Return) as end:
                future_set_result_unless_cancelled(self.result_future, end.value)
                return
            except BaseException as exception:
                _fail(self._released_future(), exception)
                return
            finally:
                # The traceback of a thrown error holds this frame: do not hold the error in turn.
                error = None
            try:
                future = yielded if asyncio.isfuture(yielded) else self._convert(yielded)
                ready = future.done()
                ready_in_a_row += ready
                if ready and future is not moment and ready_in_a_row <= _READY_IN_A_ROW:
                    value, error = _outcome(future)
                    continue
                contexts = active.get()
                resume = self.resume if contexts is None else contexts.resumption(self)
            except Exception as exception:
                value, error = None, exception
                continue
            if ready:
                current_loop().call_soon(resume, future, context=self.context)
            else:
                future.add_done_callback(resume, context=self.context)
            return

    def _convert(self, yielded: Any) -> Any:
        """Turn what the generator yielded into a future, or :data:`moment`."""
        converted = yielded if isinstance(yielded, NeedsRunner) else convert_yielded(yielded)
        return converted.start_in(self) if isinstance(converted, NeedsRunner) else converted

    def _released_future(self) -> Future[_T]:
        """Return the future and let go of it: the frames of an exception lead to this runner, too."""
        future = self.result_future
        del self.result_future
        return future


def _outcome(future: asyncio.Future[Any]) -> tuple[Any, BaseException | None]:
    """Return the value and the exception of a finished future; one of the two is None."""
    try:
        error = future.exception()
    except asyncio.CancelledError as cancelled:
        return None, cancelled
    return (future.result(), None) if error is None else (None, error)


def multi(children: Iterable[Any] | Mapping[Any, Any], quiet_exceptions: _Quiet = ()) -> Future[Any]:
    """Return a future of the results of several waits that run in parallel, as a list, or as a dict for a
    dict.

    It is done when all are done. If some fail, it raises the exception of the first in order; the others are
    logged, unless they are ``quiet_exceptions``. Cancelling it leaves the children alone. ``children`` are
    what :func:`convert_yielded` takes. Documentation: ``gen.multi``.
    """
    keys = list(children) if isinstance(children, Mapping) else None
    values = children.values() if isinstance(children, Mapping) else children
    sources = [child if asyncio.isfuture(child) else _source_of(child) for child in values]
    for source in sources:
        if isinstance(source, NeedsRunner):
            named: Any = sources if keys is None else dict(zip(keys, sources, strict=True))
            # A coroutine that yields it waits for it as for a future; nobody else can.
            return cast("Future[Any]", source.among(named, quiet_exceptions))
    result = create_future()
    waiting = len(sources)

    def finish_one(_: Future[Any]) -> None:
        nonlocal waiting
        waiting -= 1
        if waiting == 0:
            _collect(keys, sources, result, quiet_exceptions)

    for source in sources:
        future_add_done_callback(source, finish_one)
    if not sources:
        _collect(keys, sources, result, quiet_exceptions)
    return result


Multi = multi
multi_future = multi


def as_future(yielded: Any) -> Future[Any]:
    """Like :func:`convert_yielded`, with a finished future in place of :data:`moment`."""
    source: Any = _source_of(yielded)
    if isinstance(source, NeedsRunner):
        raise BadYieldError(f"only a generator coroutine can wait for {source!r}, which it must yield")
    future: Future[Any] = source
    return future


def _source_of(yielded: Any) -> Any:
    """Like :func:`as_future`, but leave alone what needs a runner."""
    source = yielded if isinstance(yielded, NeedsRunner) else convert_yielded(yielded)
    if source is moment:
        source = create_future()
        source.set_result(None)
    return source


def _collect(keys: list[Any] | None, sources: list[Future[Any]], result: Future[Any], quiet_exceptions: _Quiet) -> None:
    """Set the result of :func:`multi` from its finished children."""
    outcomes = [_outcome(source) for source in sources]
    errors = [error for _, error in outcomes if error is not None]
    for error in errors[1:]:
        if not isinstance(error, quiet_exceptions):
            app_log.error("one more exception in a list of waits; the first one is raised", exc_info=error)
    if result.done():
        return
    if errors and isinstance(errors[0], asyncio.CancelledError):
        result.cancel()
    elif errors:
        result.set_exception(errors[0])
    else:
        values = [value for value, _ in outcomes]
        result.set_result(values if keys is None else dict(zip(keys, values, strict=True)))


def maybe_future(x: Any) -> Any:
    """Return the argument if it is a future, else a finished future with the argument as result.

    It knows no awaitables but futures; :func:`convert_yielded` does. Documentation: ``gen.maybe_future``.
    """
    if is_future(x):
        return x
    future = create_future()
    future.set_result(x)
    return future


def with_timeout(
    timeout: float | datetime.timedelta,
    future: Any,
    quiet_exceptions: _Quiet = (),
    *,
    message: str | Callable[[], str] | None = None,
    io_loop: object = None,
) -> Future[Any]:
    """Wait for something, but not beyond a deadline; then raise :exc:`TimeoutError`.

    ``timeout`` is a time on the scale of ``IOLoop.time()`` or a span from now; ``future`` is what
    :func:`convert_yielded` takes; ``message`` is the text of the error, or a function that makes it. What is
    waited for goes on after the deadline, and if it then fails that is logged, unless with one of
    ``quiet_exceptions``. Cancelling the returned future ends the wait, not what is waited for. ``io_loop``, of older
    releases, is the current loop in any case. Documentation:
    ``gen.with_timeout``.
    """
    delay = seconds_until(timeout)
    source = as_future(future)
    result = create_future()
    if source.done():
        copy_outcome(source, result)
        return result

    def finish(_: Future[Any]) -> None:
        timer.cancel()
        copy_outcome(source, result)

    def expire() -> None:
        if not result.done():
            source.add_done_callback(functools.partial(_log_late_failure, quiet_exceptions))
            text = message() if callable(message) else message
            result.set_exception(TimeoutError("the wait reached its deadline" if text is None else text))

    def release(_: Future[Any]) -> None:
        timer.cancel()
        source.remove_done_callback(finish)

    timer = current_loop().call_later(delay, expire)
    source.add_done_callback(finish)
    result.add_done_callback(release)
    return result


def _log_late_failure(quiet_exceptions: _Quiet, future: Future[Any]) -> None:
    _, error = _outcome(future)
    if error is not None and not isinstance(error, (asyncio.CancelledError, quiet_exceptions)):
        app_log.error("exception in a wait that was given up at its deadline: %r", future, exc_info=error)


def sleep(duration: float) -> Future[None]:
    """Return a future that is done after a number of seconds. Cancelling it removes its timer.

    Documentation: ``gen.sleep``.
    """
    loop = current_loop()
    future = loop.create_future()
    timer = loop.call_later(finite_delay(duration), future_set_result_unless_cancelled, future, None)
    # Else a cancelled sleep of an hour would stay in the loop for an hour.
    future.add_done_callback(lambda _: timer.cancel())
    return future


class WaitIterator:
    """Iterates over the results of several waits in the order in which they become done.

    The waits are given as positional or as keyword arguments, and :attr:`current_index` is then the position
    or the name of the result that came last, :attr:`current_future` its future. Use it with ``async for``, or
    with :meth:`done` and :meth:`next`. Documentation: ``gen.WaitIterator``.
    """

    current_index: int | str | None
    current_future: Future[Any] | None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise ValueError("WaitIterator takes its waits as positional or as keyword arguments, not as both")
        waits: list[tuple[int | str, Any]] = [*(kwargs.items() if kwargs else enumerate(args))]
        self.current_index = self.current_future = None
        self._unfinished = len(waits)
        self._finished: collections.deque[tuple[int | str, Future[Any]]] = collections.deque()
        self._next: Future[Any] | None = None
        for index, wait in waits:
            future_add_done_callback(as_future(wait), functools.partial(self._take, index))

    def done(self) -> bool:
        """Whether every result has been handed out."""
        return not self._finished and not self._unfinished

    def next(self) -> Future[Any]:
        """Return a future of the next result; its exception, if that wait fails.

        A call made while the future of an earlier call is pending returns the same one, so that a call that
        was given up at a deadline can be repeated. Raises :exc:`RuntimeError` when there are no more results.
        """
        if self._next is not None and not self._next.done():
            return self._next
        if self.done():
            raise RuntimeError("the WaitIterator has handed out all its results: check done() before next()")
        self._next = create_future()
        if self._finished:
            self._hand_out(self._next, *self._finished.popleft())
        return self._next

    def __aiter__(self) -> WaitIterator:
        return self

    def __anext__(self) -> Future[Any]:
        if self.done():
            # Raised here and not in the future, which could not hold it.
            raise StopAsyncIteration
        return self.next()

    def _take(self, index: int | str, future: Future[Any]) -> None:
        self._unfinished -= 1
        if self._next is None or self._next.done():
            self._finished.append((index, future))
        else:
            self._hand_out(self._next, index, future)

    def _hand_out(self, receiver: Future[Any], index: int | str, future: Future[Any]) -> None:
        self.current_index, self.current_future = index, future
        copy_outcome(future, receiver)
