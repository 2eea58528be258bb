"""Yield points: what generator coroutines waited for before there were futures.

``callback = yield gen.Callback(key)`` makes a callback to give away, and ``result = yield gen.Wait(key)`` waits
until it has been called. Keys belong to the coroutine. Programs may write classes of their own: ``start(runner)``
begins the work, ``is_ready()`` says whether its result is there, ``get_result()`` returns or raises it; the runner
they get is a :class:`KeyedGenerator`.

The first yield point in a coroutine turns its generator into such a one. From then on an exception in a callback
that the coroutine has registered with the loop is raised at the ``yield`` where it waits, and the coroutine fails
with :exc:`gen.LeakedCallbackError` when it returns before it has waited for every callback. (Tornado lost that
error to the log, and whoever waited for the coroutine waited for ever.) Like the loop's timers, all this is for
the loop's thread alone. Documentation: ``gen`` of releases 2.1 to 5.1.
"""

from __future__ import annotations

import asyncio
import functools
import types
import warnings
from collections.abc import Callable, Generator, Hashable, Iterable, Mapping
from typing import Any

from waterspout._eventloop import create_future
from waterspout._loggers import app_log
from waterspout._stack_state import active, unbalanced
from waterspout.concurrent import Future, chain_future, future_add_done_callback, storable
from waterspout.gen import (
    KeyReuseError,
    LeakedCallbackError,
    NeedsRunner,
    Return,
    Runner,
    UnknownKeyError,
    convert_yielded,
    moment,
)
from waterspout.legacy.arguments import single_result
from waterspout.legacy.stack_context import ContextGenerator, ErrorContext, Link

__all__ = ["Callback", "MultiYieldPoint", "Wait", "WaitAll", "YieldFuture", "YieldPoint"]

_Quiet = type[Exception] | tuple[type[Exception], ...]


def _deprecated(name: str, instead: str) -> None:
    """Warn at the line that constructs a yield point."""
    warnings.warn(f"{name} is deprecated: use {instead}", DeprecationWarning, stacklevel=3)


class YieldPoint(NeedsRunner):
    """The base of what a generator coroutine waits for and what is no future. Documentation: ``gen.YieldPoint``."""

    def __init__(self) -> None:
        _deprecated("YieldPoint", "futures")

    def start(self, runner: KeyedGenerator) -> None:
        """Begin. Called once, after the generator has yielded this."""
        raise NotImplementedError

    def is_ready(self) -> bool:
        """Whether the result is there. Asked after :meth:`start` and whenever the runner has got a result."""
        raise NotImplementedError

    def get_result(self) -> Any:
        """Return what becomes the value of the ``yield``, or raise what is to be raised there. Called once."""
        raise NotImplementedError

    def start_in(self, runner: Runner[Any]) -> Any:
        """Start this in the runner whose generator has yielded it."""
        if not isinstance(runner.gen, KeyedGenerator):
            runner.gen = KeyedGenerator(runner.gen)
        return runner.gen.wait_for(self)

    def among(self, children: list[Any] | dict[Any, Any], quiet_exceptions: _Quiet) -> MultiYieldPoint:
        """Return what waits for all the children, of which this is one."""
        return _Several(children, quiet_exceptions)


class Callback(YieldPoint):
    """Yield it to get a function to pass as a callback; its arguments are what ``Wait(key)`` gives.

    Raises :exc:`gen.KeyReuseError` at the ``yield`` while the key is in use. Documentation: ``gen.Callback``.
    """

    def __init__(self, key: Hashable) -> None:
        _deprecated("gen.Callback", "futures")
        self.key = key

    def start(self, runner: KeyedGenerator) -> None:
        """Register the key."""
        self.runner = runner
        runner.register_callback(self.key)

    def is_ready(self) -> bool:
        """Nothing has to be waited for."""
        return True

    def get_result(self) -> Callable[..., None]:
        """Return the function."""
        return self.runner.result_callback(self.key)


class Wait(YieldPoint):
    """Yield it to get what the callback with this key was called with.

    Raises :exc:`gen.UnknownKeyError` at the ``yield`` for a key that is not in use. Documentation: ``gen.Wait``.
    """

    def __init__(self, key: Hashable) -> None:
        _deprecated("gen.Wait", "futures")
        self.key = key

    def start(self, runner: KeyedGenerator) -> None:
        """Remember where to look for the result."""
        self.runner = runner

    def is_ready(self) -> bool:
        """Whether the callback has been called."""
        return self.runner.is_ready(self.key)

    def get_result(self) -> Any:
        """Return the result, and give the key free."""
        return self.runner.pop_result(self.key)


class WaitAll(YieldPoint):
    """Yield it to get the results of several keys as a list. Documentation: ``gen.WaitAll``."""

    def __init__(self, keys: Iterable[Hashable]) -> None:
        _deprecated("gen.WaitAll", "gen.multi and futures")
        self.keys = list(keys)

    def start(self, runner: KeyedGenerator) -> None:
        """Remember where to look for the results."""
        self.runner = runner

    def is_ready(self) -> bool:
        """Whether all callbacks have been called. Looks at every key, so that an unknown one shows at once."""
        return False not in [self.runner.is_ready(key) for key in self.keys]

    def get_result(self) -> list[Any]:
        """Return the results in the order of the keys, and give the keys free."""
        return [self.runner.pop_result(key) for key in self.keys]


class YieldFuture(YieldPoint):
    """A future among yield points."""

    def __init__(self, future: Future[Any]) -> None:
        self.future = future

    def start(self, runner: KeyedGenerator) -> None:
        """Have the runner look again when the future is done."""
        future_add_done_callback(self.future, lambda _: runner.look())

    def is_ready(self) -> bool:
        """Whether the future is done."""
        return self.future.done()

    def get_result(self) -> Any:
        """Return the future's result or raise its exception."""
        return self.future.result()


class MultiYieldPoint(YieldPoint):
    """Waits for several yield points and futures in parallel; the results come as a list, or as a dict for a dict.

    Of several exceptions the first in order is raised; the others are logged, unless they are
    ``quiet_exceptions``. Lists and dicts that have yield points among them become one when they are yielded.
    Documentation: ``gen.MultiYieldPoint``.
    """

    def __init__(self, children: Iterable[Any] | Mapping[Any, Any], quiet_exceptions: _Quiet = ()) -> None:
        _deprecated("MultiYieldPoint", "gen.multi and futures")
        self._take(children, quiet_exceptions)

    def _take(self, children: Iterable[Any] | Mapping[Any, Any], quiet_exceptions: _Quiet) -> None:
        self.keys = list(children) if isinstance(children, Mapping) else None
        self.quiet_exceptions = quiet_exceptions
        values = children.values() if isinstance(children, Mapping) else children
        self.children = [_point(child) for child in values]

    def start(self, runner: KeyedGenerator) -> None:
        """Start all of them."""
        for child in self.children:
            child.start(runner)

    def is_ready(self) -> bool:
        """Whether all are. Asks each, so that one that fails shows at once."""
        return not [child for child in self.children if not child.is_ready()]

    def get_result(self) -> list[Any] | dict[Any, Any]:
        """Return all results, or raise the first exception."""
        results: list[Any] = []
        first: Exception | None = None
        for child in self.children:
            try:
                results.append(child.get_result())
            except Exception as error:
                if first is None:
                    first = error
                elif not isinstance(error, self.quiet_exceptions):
                    app_log.error("one more exception in a list of waits; the first one is raised", exc_info=error)
        if first is not None:
            raise first
        return results if self.keys is None else dict(zip(self.keys, results, strict=True))


class _Several(MultiYieldPoint):
    """A list or dict that was yielded: nobody has written the deprecated name."""

    def __init__(self, children: list[Any] | dict[Any, Any], quiet_exceptions: _Quiet) -> None:
        self._take(children, quiet_exceptions)


def _point(child: Any) -> YieldPoint:
    """Return something that can be yielded as a yield point."""
    source = child if isinstance(child, YieldPoint) else convert_yielded(child)
    if source is moment:
        source = create_future()
        source.set_result(None)
    return source if isinstance(source, YieldPoint) else YieldFuture(source)


class _Guarded(NeedsRunner):
    """What a keyed generator hands to its runner: a wait that an error of a callback may end."""

    def __init__(self, generator: KeyedGenerator, yielded: Any) -> None:
        self._generator = generator
        self._yielded = yielded

    def start_in(self, runner: Runner[Any]) -> Any:
        return self._generator.wait_for(self._yielded)


class KeyedGenerator(ContextGenerator):
    """The generator of a coroutine that uses yield points, with its keys: what ``YieldPoint.start`` gets as runner."""

    def __init__(self, generator: Generator[Any, Any, Any]) -> None:
        """Take over a generator from its runner. Called in the coroutine's context."""
        inside = generator if isinstance(generator, ContextGenerator) else None
        contexts = inside.balance if inside else None
        if active.get() is not contexts:
            raise unbalanced()
        super().__init__(inside.generator if inside else generator, Link(ErrorContext(self.handle_exception), contexts))
        active.set(self.balance)
        self._pending: set[Hashable] = set()
        self._results: dict[Hashable, Any] = {}
        self._wait: Future[Any] | None = None
        self._point: YieldPoint | None = None
        self._has_failed = False

    # -- the runner of yield points

    def register_callback(self, key: Hashable) -> None:
        """Take a key into use. Raises :exc:`gen.KeyReuseError` if it is in use."""
        if key in self._pending:
            raise KeyReuseError(f"the key {key!r} is in use: wait for it before it is used again")
        self._pending.add(key)

    def is_ready(self, key: Hashable) -> bool:
        """Whether a key has its result. Raises :exc:`gen.UnknownKeyError` if the key is not in use."""
        self._check_key(key)
        return key in self._results

    def set_result(self, key: Hashable, result: Any) -> None:
        """Set the result of a key, and go on if that was waited for. A key that is not in use is left alone."""
        if key in self._pending:
            self._results[key] = result
            self.look()

    def pop_result(self, key: Hashable) -> Any:
        """Return the result of a key and give the key free. Raises :exc:`gen.UnknownKeyError`, or KeyError for a
        key without a result.
        """
        self._check_key(key)
        result = self._results.pop(key)
        self._pending.remove(key)
        return result

    def result_callback(self, key: Hashable) -> Callable[..., None]:
        """Return a function that sets the result of a key to its argument, or to its :class:`gen.Arguments`."""
        return single_result(functools.partial(self.set_result, key))

    def handle_exception(self, typ: type[BaseException], value: BaseException, tb: types.TracebackType | None) -> bool:
        """Raise an exception at the ``yield`` where the generator waits; return whether it waits."""
        wait = self._wait
        if wait is None or wait.done() or not isinstance(value, Exception):
            return False
        self._point = None
        wait.set_exception(storable(value))
        return True

    def look(self) -> None:
        """Go on if the yield point that is waited for is ready."""
        point, wait = self._point, self._wait
        if point is None or wait is None or wait.done():
            return
        try:
            if not point.is_ready():
                return
            self._point = None
            result = point.get_result()
        except asyncio.CancelledError:
            wait.cancel()
        except Exception as error:
            self._point = None
            wait.set_exception(storable(error))
        else:
            wait.set_result(result)

    def _check_key(self, key: Hashable) -> None:
        if key not in self._pending:
            raise UnknownKeyError(f"the key {key!r} is not in use: yield gen.Callback({key!r}) first")

    # -- the generator

    def wait_for(self, yielded: Any) -> Any:
        """Start what the generator has yielded; return a future of it, or :data:`moment`."""
        source = yielded if isinstance(yielded, YieldPoint) else convert_yielded(yielded)
        if source is moment or (asyncio.isfuture(source) and source.done()):
            return source
        self._wait = wait = create_future()
        if isinstance(source, YieldPoint):
            source.start(self)
            self._point = source
            self.look()
        else:
            chain_future(source, wait)
        return wait

    def send(self, value: Any) -> Any:
        """Run to the next ``yield``, with the value of the last one."""
        return self._step(functools.partial(super().send, value))

    def throw(self, *error: Any) -> Any:
        """Run to the next ``yield``, with an exception raised at the last one."""
        self._has_failed = True
        return self._step(functools.partial(super().throw, *error))

    def _step(self, go: Callable[[], Any]) -> _Guarded:
        self._wait = None
        try:
            return _Guarded(self, go())
        except (StopIteration, Return):
            # After an error nobody expects that all waits were reached.
            if self._pending and not self._has_failed:
                keys = ", ".join(sorted(map(repr, self._pending)))
                raise LeakedCallbackError(f"the coroutine has ended without waiting for its callbacks {keys}") from None
            raise
