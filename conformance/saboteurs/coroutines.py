"""Saboteurs of the chapter on coroutines.

Most of them put something between a coroutine and its runner: they change what the generator yields, what it gets
back, or how its Future ends. Where the runner itself has to lie, a small wrong one takes its place.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import functools
import importlib
import inspect
from collections.abc import Callable, Generator
from typing import Any

from conformance.saboteurs import Patches, saboteur

Change = Callable[[Any], Any]


def same(value: Any) -> Any:
    """Change nothing."""
    return value


def between(ref: Patches, *, yielded: Change = same, received: Change = same, running: list[Any] | None = None) -> None:
    """Let every decorated coroutine's yields pass through ``yielded``, and their values through ``received``.

    ``running`` holds the generators whose code is being executed.
    """
    original = ref.gen.coroutine
    inside = [] if running is None else running

    def relay(generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        step: Callable[[], Any] = functools.partial(next, generator)
        while True:
            inside.append(generator)
            try:
                wanted = step()
            except StopIteration as end:
                return end.value
            finally:
                inside.pop()
            try:
                got = yield yielded(wanted)
            except Exception as error:
                step = functools.partial(generator.throw, error)
            else:
                step = functools.partial(generator.send, received(got))

    def coroutine(function: Callable[..., Any]) -> Any:
        @functools.wraps(function)
        def lying(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            return relay(result) if inspect.isgenerator(result) else result

        return original(lying)

    ref.replace(ref.gen, "coroutine", coroutine)


def settle(source: Any, target: Any, value: Change = same, error: Change = same) -> Any:
    """Make the Future ``target`` end like the Future ``source``, changed by ``value`` or ``error``; return it."""

    def copy(done: Any) -> None:
        if target.done():
            return
        if done.cancelled():
            target.cancel()
        elif (failure := done.exception()) is None:
            target.set_result(value(done.result()))
        elif isinstance(lie := error(failure), BaseException):
            target.set_exception(lie)
        else:
            target.set_result(lie)

    if source.done():
        copy(source)
    else:
        source.add_done_callback(copy)
    return target


def around(ref: Patches, call: Callable[[Callable[[], Any]], Any]) -> None:
    """Let ``call`` decide what calling a decorated coroutine does; it gets a function that does the right thing."""
    original = ref.gen.coroutine

    def coroutine(function: Callable[..., Any]) -> Any:
        right = original(function)

        @functools.wraps(right)
        def lying(*args: Any, **kwargs: Any) -> Any:
            return call(functools.partial(right, *args, **kwargs))

        return lying

    ref.replace(ref.gen, "coroutine", coroutine)


def endings(ref: Patches, value: Change = same, error: Change = same) -> None:
    """Let the Futures of decorated coroutines end with changed results or exceptions."""
    around(ref, lambda right: settle(right(), ref.concurrent.Future(), value, error))


class Lazy:
    """Something to wait for that begins when it is waited for, and that may be dropped without a warning."""

    def __init__(self, start: Callable[[], Any]) -> None:
        self._start = start

    def __await__(self) -> Any:
        return self._start().__await__()


# -- calling and returning --------------------------------------------------------------------------------------------


@saboteur(
    "coroutines-start-next-round",
    "A decorated coroutine starts in the next round of the loop, not in the call.",
    chapters="core.coroutines",
    kills=("gen.call.starts-at-once", "gen.call.returns-future"),
)
def _start_next_round(ref: Patches) -> None:
    def call(right: Callable[[], Any]) -> Any:
        future = ref.concurrent.Future()
        asyncio.get_running_loop().call_soon(lambda: settle(right(), future))
        return future

    around(ref, call)


@saboteur(
    "coroutines-start-when-awaited",
    "A decorated coroutine behaves like a native one: it runs only when somebody waits for it.",
    chapters=("core.coroutines", "core.spider"),
    kills=("gen.call.returns-future", "gen.patterns.interleaving", "queues.spider.workers-run-in-parallel"),
)
def _start_when_awaited(ref: Patches) -> None:
    around(ref, Lazy)


@saboteur(
    "convert-yielded-starts-late",
    "convert_yielded() lets two seconds pass before it starts a native coroutine.",
    chapters="core.coroutines",
    kills="gen.call.native-is-started-by-convert-yielded",
)
def _convert_late(ref: Patches) -> None:
    original = ref.gen.convert_yielded

    async def late(coroutine: Any) -> Any:
        await asyncio.sleep(2)
        return await coroutine

    ref.replace(
        ref.gen, "convert_yielded", lambda thing: original(late(thing) if inspect.iscoroutine(thing) else thing)
    )


@saboteur(
    "coroutines-return-none",
    "Every decorated coroutine ends with None.",
    chapters="core.coroutines",
    kills=("gen.return.value", "gen.call.returns-future"),
)
def _return_none(ref: Patches) -> None:
    endings(ref, value=lambda result: None)


@saboteur(
    "raised-return-is-an-error",
    "``raise gen.Return(value)`` fails the coroutine instead of ending it.",
    chapters=("core.coroutines", "core.spider"),
    kills=("gen.return.value", "queues.spider.errors-do-not-stop-it"),
)
def _return_fails(ref: Patches) -> None:
    original = ref.gen.coroutine

    def guard(generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        try:
            return (yield from generator)
        except ref.gen.Return as error:
            raise RuntimeError("an exception called Return") from error

    def coroutine(function: Callable[..., Any]) -> Any:
        def lying(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            return guard(result) if inspect.isgenerator(result) else result

        return original(lying)

    ref.replace(ref.gen, "coroutine", coroutine)


@saboteur(
    "all-functions-are-coroutines",
    "is_coroutine_function() says yes to everything.",
    chapters="core.coroutines",
    kills="gen.call.is-coroutine-function",
)
def _all_coroutines(ref: Patches) -> None:
    ref.replace(ref.gen, "is_coroutine_function", lambda function: True)


# -- errors -----------------------------------------------------------------------------------------------------------


@saboteur(
    "errors-raised-by-the-call",
    "A decorated coroutine that fails before its first wait raises from the call.",
    chapters="core.coroutines",
    kills="gen.errors.stay-in-the-future",
)
def _raise_from_call(ref: Patches) -> None:
    def call(right: Callable[[], Any]) -> Any:
        future = right()
        if future.done():
            future.result()
        return future

    around(ref, call)


@saboteur(
    "errors-become-none",
    "A failed coroutine ends with None.",
    chapters="core.coroutines",
    kills="gen.errors.raised-where-yielded",
)
def _errors_vanish(ref: Patches) -> None:
    endings(ref, error=lambda failure: None)


@saboteur(
    "tracebacks-cut",
    "An exception loses its traceback on the way through a Future.",
    chapters="core.coroutines",
    kills="gen.errors.traceback",
)
def _cut_tracebacks(ref: Patches) -> None:
    endings(ref, error=lambda failure: failure.with_traceback(None))


@saboteur(
    "unobserved-errors-vanish",
    "Nothing is logged of exceptions that nobody asks for.",
    chapters="core.coroutines",
    kills="gen.errors.unobserved-logged-once",
)
def _ask_for_all(ref: Patches) -> None:
    def call(right: Callable[[], Any]) -> Any:
        future = right()
        future.add_done_callback(lambda _: future.cancelled() or future.exception())
        if future.done():
            future.exception()
        return future

    around(ref, call)


@saboteur(
    "errors-after-cancelling-vanish",
    "What a coroutine raises after its Future was cancelled is not logged as an error of the application.",
    chapters="core.coroutines",
    kills="gen.cancel.late-error-is-logged",
)
def _late_errors_vanish(ref: Patches) -> None:
    endings(ref)


@saboteur(
    "cancelled-waits-give-none",
    "If a Future is cancelled, the coroutine that waits for it gets None.",
    chapters="core.coroutines",
    kills="gen.cancel.of-what-is-waited-for",
)
def _cancelled_gives_none(ref: Patches) -> None:
    def without_cancelling(thing: Any) -> Any:
        if not asyncio.isfuture(thing):
            return thing
        result = ref.concurrent.Future()
        thing.add_done_callback(lambda _: result.set_result(None) if thing.cancelled() else settle(thing, result))
        return result

    between(ref, yielded=without_cancelling)


# -- what can be yielded ----------------------------------------------------------------------------------------------


@saboteur(
    "yield-gives-none",
    "The value of every yield expression is None.",
    chapters="core.coroutines",
    kills=("gen.yield.value", "gen.patterns.looping"),
)
def _yield_none(ref: Patches) -> None:
    between(ref, received=lambda value: None)


@saboteur(
    "one-coroutine-at-a-time",
    "A coroutine called from outside another one starts only when those called before have ended.",
    chapters="core.coroutines",
    kills="gen.yield.others-run-meanwhile",
)
def _one_at_a_time(ref: Patches) -> None:
    last: list[Any] = []
    running: list[Any] = []

    async def after(previous: list[Any], right: Callable[[], Any]) -> Any:
        await asyncio.wait(previous)
        return await right()

    def call(right: Callable[[], Any]) -> Any:
        if running:
            return right()
        previous = [future for future in last if not future.done()]
        last[:] = [asyncio.ensure_future(after(previous, right)) if previous else right()]
        return last[0]

    between(ref, running=running)
    around(ref, call)


@saboteur(
    "lists-reversed",
    "The results of a yielded list come back in reverse.",
    chapters="core.coroutines",
    kills="gen.yield.list-in-parallel",
)
def _lists_reversed(ref: Patches) -> None:
    between(ref, received=lambda value: value[::-1] if isinstance(value, list) else value)


@saboteur(
    "dicts-lose-their-keys",
    "A yielded dict gives a list of results.",
    chapters="core.coroutines",
    kills="gen.yield.dict-in-parallel",
)
def _dicts_to_lists(ref: Patches) -> None:
    between(ref, received=lambda value: list(value.values()) if isinstance(value, dict) else value)


@saboteur(
    "native-coroutines-refused",
    "A decorated coroutine cannot yield a native one.",
    chapters="core.coroutines",
    kills="gen.yield.native",
)
def _refuse_native(ref: Patches) -> None:
    def refuse(thing: Any) -> Any:
        if not inspect.iscoroutine(thing):
            return thing
        thing.close()
        return object()

    between(ref, yielded=refuse)


@saboteur(
    "asyncio-tasks-refused",
    "A decorated coroutine cannot yield a Task of asyncio.",
    chapters="core.coroutines",
    kills="gen.yield.asyncio-interoperates",
)
def _refuse_tasks(ref: Patches) -> None:
    between(ref, yielded=lambda thing: object() if isinstance(thing, asyncio.Task) else thing)


@saboteur(
    "to-asyncio-future-loses-the-result",
    "to_asyncio_future() gives a Future that ends with None.",
    chapters="core.coroutines",
    kills="gen.yield.to-asyncio-future",
)
def _adapter_loses(ref: Patches) -> None:
    module = importlib.import_module(f"{ref.package}.platform.asyncio")
    original = module.to_asyncio_future
    ref.replace(
        module, "to_asyncio_future", lambda thing: settle(original(thing), ref.concurrent.Future(), lambda value: None)
    )


@saboteur(
    "thread-pools-block-the-loop",
    "Yielding the Future of a thread pool blocks the loop until it is done.",
    chapters="core.coroutines",
    kills="gen.yield.thread-pool",
)
def _block_for_threads(ref: Patches) -> None:
    def block(thing: Any) -> Any:
        return ref.gen.maybe_future(thing.result()) if isinstance(thing, concurrent.futures.Future) else thing

    between(ref, yielded=block)


@saboteur(
    "convert-yielded-leaves-thread-pools",
    "convert_yielded() returns the Future of a thread pool as it is, which cannot be awaited.",
    chapters="core.coroutines",
    kills="gen.convert-yielded.thread-pool",
)
def _leave_threads(ref: Patches) -> None:
    original = ref.gen.convert_yielded

    def leave(thing: Any) -> Any:
        return thing if isinstance(thing, concurrent.futures.Future) else original(thing)

    ref.replace(ref.gen, "convert_yielded", leave)


@saboteur(
    "moment-takes-no-round",
    "Yielding gen.moment goes on at once.",
    chapters="core.coroutines",
    kills="gen.yield.moment",
)
def _no_moment(ref: Patches) -> None:
    between(ref, yielded=lambda thing: ref.gen.maybe_future(None) if thing is ref.gen.moment else thing)


@saboteur(
    "yield-none-goes-on",
    "A plain yield goes on at once.",
    chapters="core.coroutines",
    kills="gen.yield.none",
)
def _none_goes_on(ref: Patches) -> None:
    between(ref, yielded=lambda thing: ref.gen.maybe_future(None) if thing is None else thing)


@saboteur(
    "unknown-awaitables-refused",
    "A coroutine can yield awaitables of Python's and asyncio's own classes only.",
    chapters="core.coroutines",
    kills="gen.yield.awaitables-of-others",
)
def _refuse_unknown(ref: Patches) -> None:
    def refuse(thing: Any) -> Any:
        known = inspect.iscoroutine(thing) or asyncio.isfuture(thing) or thing is ref.gen.moment
        return object() if inspect.isawaitable(thing) and not known else thing

    between(ref, yielded=refuse)


@saboteur(
    "register-forgets",
    "convert_yielded.register() forgets what it is taught.",
    chapters="core.coroutines",
    kills="gen.convert-yielded.register",
)
def _forget_types(ref: Patches) -> None:
    original = ref.gen.convert_yielded

    def convert_yielded(thing: Any) -> Any:
        return original(thing)

    convert_yielded.register = lambda kind, conversion: conversion  # type: ignore[attr-defined]
    ref.replace(ref.gen, "convert_yielded", convert_yielded)


@saboteur(
    "nonsense-is-its-own-value",
    "Yielding something that cannot be waited for gives it back.",
    chapters="core.coroutines",
    kills="gen.yield.nonsense",
)
def _accept_nonsense(ref: Patches) -> None:
    def accept(thing: Any) -> Any:
        waits = inspect.isawaitable(thing) or isinstance(thing, list | dict | concurrent.futures.Future)
        return thing if waits or thing is None or thing is ref.gen.moment else ref.gen.maybe_future(thing)

    between(ref, yielded=accept)


@saboteur(
    "maybe-future-wraps-futures",
    "maybe_future() wraps a Future in another one.",
    chapters="core.coroutines",
    kills="gen.maybe-future.wraps-values",
)
def _wrap_futures(ref: Patches) -> None:
    original = ref.gen.maybe_future

    def wrap(thing: Any) -> Any:
        return settle(thing, ref.concurrent.Future()) if asyncio.isfuture(thing) else original(thing)

    ref.replace(ref.gen, "maybe_future", wrap)


@saboteur(
    "callbacks-get-a-copy",
    "A done-callback gets another Future than the one it was added to.",
    chapters="core.coroutines",
    kills="concurrent.future.callbacks",
)
def _callbacks_get_copies(ref: Patches) -> None:
    class Copying(asyncio.Future[Any]):
        def add_done_callback(self, fn: Callable[[Any], object], /, **context: Any) -> None:
            super().add_done_callback(lambda done: fn(settle(done, self.get_loop().create_future())), **context)

    around(ref, lambda right: settle(right(), Copying()))


@saboteur(
    "result-returns-the-exception",
    "Future.result() returns the exception instead of raising it.",
    chapters="core.coroutines",
    kills="concurrent.future.result-raises",
)
def _return_exceptions(ref: Patches) -> None:
    class Meek(asyncio.Future[Any]):
        def result(self) -> Any:
            return self.exception() or super().result()

    ref.replace(ref.concurrent, "Future", Meek)


# -- runners that lie -------------------------------------------------------------------------------------------------


class Runner:
    """A simple runner of generators: no context of its own, and, if asked to, recursive."""

    def __init__(self, ref: Patches, generator: Any, waiting: dict[Any, Callable[[Any], None]] | None) -> None:
        self.ref = ref
        self.generator = generator
        self.future = ref.concurrent.Future()
        #: What to call when a Future is done, shared by all runners that resume one another by plain calls.
        self.callers = waiting

    def resume(self, done: Any) -> None:
        """Go on with the outcome of a Future that is done."""
        error = done.exception()
        self.step(
            functools.partial(self.generator.throw, error) if error else lambda: self.generator.send(done.result())
        )

    def step(self, go: Callable[[], Any]) -> None:
        """Run to the next yield; go on at once where the Future is done."""
        try:
            future = self.ref.gen.convert_yielded(go())
        except (StopIteration, self.ref.gen.Return) as end:
            self.future.set_result(end.value)
        except Exception as error:
            self.future.set_exception(error)
        else:
            if future.done():
                self.resume(future)
            elif self.callers is None:
                future.add_done_callback(self.resume)
            else:
                self.callers[future] = self.resume
                future.add_done_callback(lambda done: self.call(done))
            return
        self.call(self.future)

    def call(self, done: Any) -> None:
        """Resume whoever waits for ``done``, unless somebody has done so."""
        if self.callers is not None and (resume := self.callers.pop(done, None)) is not None:
            resume(done)


def run_by(ref: Patches, waiting: dict[Any, Callable[[Any], None]] | None) -> None:
    """Let generators be run by :class:`Runner`; plain functions keep the right runner."""
    original = ref.gen.coroutine

    def coroutine(function: Callable[..., Any]) -> Any:
        if not inspect.isgeneratorfunction(function):
            return original(function)

        def lying(*args: Any, **kwargs: Any) -> Any:
            runner = Runner(ref, function(*args, **kwargs), waiting)
            runner.step(lambda: next(runner.generator))
            return runner.future

        return lying

    ref.replace(ref.gen, "coroutine", coroutine)


@saboteur(
    "runner-recurses",
    "The runner goes on by calling itself, for Futures that are done and for coroutines that wait for one another.",
    chapters="core.coroutines",
    kills=("gen.yield.ten-thousand-done", "gen.yield.ten-thousand-deep"),
)
def _recurse(ref: Patches) -> None:
    run_by(ref, {})


@saboteur(
    "context-leaks",
    "A coroutine sets the context variables of its caller.",
    chapters="core.coroutines",
    kills="gen.context.of-its-own",
)
def _leak_context(ref: Patches) -> None:
    run_by(ref, None)


@saboteur(
    "cancelling-stops-the-function",
    "Cancelling a coroutine's Future closes its generator.",
    chapters="core.coroutines",
    kills="gen.cancel.does-not-stop-the-function",
)
def _cancelling_stops(ref: Patches) -> None:
    original = ref.gen.coroutine

    def coroutine(function: Callable[..., Any]) -> Any:
        generators: list[Any] = []

        def keep(*args: Any, **kwargs: Any) -> Any:
            generators.append(function(*args, **kwargs))
            return generators[-1]

        def lying(*args: Any, **kwargs: Any) -> Any:
            future = original(keep)(*args, **kwargs)
            generator = generators.pop()
            if inspect.isgenerator(generator):
                future.add_done_callback(lambda _: generator.close() if future.cancelled() else None)
            return future

        return lying

    ref.replace(ref.gen, "coroutine", coroutine)


@saboteur(
    "context-of-each-step",
    "Each step of a coroutine runs in another copy of the caller's context.",
    chapters="core.coroutines",
    kills=("gen.context.tokens", "gen.context.of-its-own"),
)
def _context_of_each_step(ref: Patches) -> None:
    original = ref.gen.coroutine

    def relay(generator: Any) -> Generator[Any, Any, Any]:
        value = None
        try:
            while True:
                value = yield contextvars.copy_context().run(generator.send, value)
        except StopIteration as end:
            return end.value

    def coroutine(function: Callable[..., Any]) -> Any:
        def lying(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            return relay(result) if inspect.isgenerator(result) else result

        return original(lying)

    ref.replace(ref.gen, "coroutine", coroutine)
