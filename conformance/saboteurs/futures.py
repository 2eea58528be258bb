"""Saboteurs of the chapter on Futures."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import threading
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.coroutines import settle


@saboteur(
    "chain-carries-nothing",
    "chain_future() leaves the second Future pending.",
    chapters="core.futures",
    kills=(
        "futures.chain.result",
        "futures.chain.exception",
        "futures.chain.cancellation",
        "futures.chain.done-already",
        "futures.chain.from-a-thread",
    ),
)
def _chain_nothing(ref: Patches) -> None:
    ref.replace(ref.concurrent, "chain_future", lambda a, b: None)


@saboteur(
    "chain-cancels-the-source",
    "chain_future() cancels the first Future when the second one is.",
    chapters="core.futures",
    kills="futures.chain.cancellation",
)
def _chain_backwards(ref: Patches) -> None:
    original = ref.concurrent.chain_future

    def lying(a: Any, b: Any) -> None:
        original(a, b)
        b.add_done_callback(lambda _: a.cancel() if b.cancelled() else None)

    ref.replace(ref.concurrent, "chain_future", lying)


@saboteur(
    "chain-sets-what-is-done",
    "chain_future() sets the second Future also when it is done.",
    chapters="core.futures",
    kills="futures.chain.done-already",
)
def _chain_twice(ref: Patches) -> None:
    original = ref.concurrent.chain_future

    def lying(a: Any, b: Any) -> None:
        original(a, b)
        a.add_done_callback(lambda _: b.set_result(a.result()) if b.done() else None)

    ref.replace(ref.concurrent, "chain_future", lying)


@saboteur(
    "chain-makes-exceptions-results",
    "chain_future() gives the second Future the first one's exception as its result.",
    chapters="core.futures",
    kills="futures.chain.exception",
)
def _chain_meek(ref: Patches) -> None:
    ref.replace(ref.concurrent, "chain_future", lambda a, b: settle(a, b, error=lambda failure: str(failure)))


@saboteur(
    "is-future-forgets-pools",
    "is_future() says no to Futures of thread pools.",
    chapters="core.futures",
    kills="futures.is-future.both-kinds",
)
def _one_kind(ref: Patches) -> None:
    ref.replace(ref.concurrent, "is_future", asyncio.isfuture)


@saboteur(
    "set-result-does-not-look",
    "future_set_result_unless_cancelled() sets the result of cancelled Futures, too, which raises.",
    chapters="core.futures",
    kills="futures.set-result.unless-cancelled",
)
def _set_blindly(ref: Patches) -> None:
    ref.replace(ref.concurrent, "future_set_result_unless_cancelled", lambda future, value: future.set_result(value))


@saboteur(
    "set-exception-drops-it",
    "future_set_exception_unless_cancelled() drops exceptions for cancelled Futures.",
    chapters="core.futures",
    kills="futures.set-exception.unless-cancelled",
)
def _drop_exception(ref: Patches) -> None:
    def lying(future: Any, exc: BaseException) -> None:
        if not future.cancelled():
            future.set_exception(exc)

    ref.replace(ref.concurrent, "future_set_exception_unless_cancelled", lying)


@saboteur(
    "set-exc-info-makes-another",
    "future_set_exc_info() sets an exception of the same type without arguments or traceback.",
    chapters="core.futures",
    kills="futures.set-exc-info.sets-the-exception",
)
def _another_exception(ref: Patches) -> None:
    original = ref.concurrent.future_set_exc_info

    def lying(future: Any, exc_info: Any) -> None:
        original(future, exc_info if exc_info[0] is None else (exc_info[0], exc_info[0](), None))

    ref.replace(ref.concurrent, "future_set_exc_info", lying)


@saboteur(
    "set-exc-info-takes-nothing",
    "future_set_exc_info() gives a Future the result None when there is no exception.",
    chapters="core.futures",
    kills="futures.set-exc-info.needs-an-exception",
)
def _no_exception(ref: Patches) -> None:
    original = ref.concurrent.future_set_exc_info
    ref.replace(
        ref.concurrent,
        "future_set_exc_info",
        lambda future, exc_info: future.set_result(None) if exc_info[0] is None else original(future, exc_info),
    )


@saboteur(
    "done-callbacks-come-later",
    "future_add_done_callback() never calls at once.",
    chapters="core.futures",
    kills="futures.done-callback.at-once-if-done",
)
def _always_later(ref: Patches) -> None:
    def lying(future: Any, callback: Callable[[Any], Any]) -> None:
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda done: loop.call_soon(callback, done))

    ref.replace(ref.concurrent, "future_add_done_callback", lying)


# -- executors --------------------------------------------------------------------------------------------------------


def executors(ref: Patches, lie: Callable[..., Any], takes: Callable[..., bool] = lambda *_: True) -> None:
    """Let ``lie(decorate, method)`` decorate methods, where ``takes(args)`` says so of the decorator's arguments."""
    original = ref.concurrent.run_on_executor

    def run_on_executor(*args: Any, **kwargs: Any) -> Any:
        if not takes(*args):
            return args[0]
        if args:
            return lie(original, *args)
        return lambda method: lie(original(**kwargs), method)

    ref.replace(ref.concurrent, "run_on_executor", run_on_executor)


@saboteur(
    "run-on-executor-blocks",
    "run_on_executor() waits for the method before it returns the Future.",
    chapters="core.futures",
    kills="futures.run-on-executor.does-not-block",
)
def _block(ref: Patches) -> None:
    def lie(decorate: Any, method: Any) -> Any:
        @functools.wraps(method)
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            return ref.gen.maybe_future(self.executor.submit(method, self, *args, **kwargs).result())

        return call

    executors(ref, lie)


@saboteur(
    "run-on-executor-uses-none",
    "run_on_executor() calls the method in place.",
    chapters="core.futures",
    kills="futures.run-on-executor.forms",
)
def _in_place(ref: Patches) -> None:
    def lie(decorate: Any, method: Any) -> Any:
        async def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            return method(self, *args, **kwargs)

        return lambda *args, **kwargs: asyncio.ensure_future(call(*args, **kwargs))

    executors(ref, lie)


@saboteur(
    "run-on-executor-loses-exceptions",
    "A method under run_on_executor() that fails gives None.",
    chapters="core.futures",
    kills="futures.run-on-executor.exception",
)
def _lose_exceptions(ref: Patches) -> None:
    def lie(decorate: Any, method: Any) -> Any:
        right = decorate(method)

        @functools.wraps(right)
        def call(*args: Any, **kwargs: Any) -> Any:
            return settle(right(*args, **kwargs), ref.concurrent.Future(), error=lambda failure: None)

        return call

    executors(ref, lie)


@saboteur(
    "run-on-executor-takes-anything",
    "run_on_executor() looks at the first of several functions only.",
    chapters="core.futures",
    kills="futures.run-on-executor.two-functions",
)
def _take_anything(ref: Patches) -> None:
    executors(ref, lambda decorate, method: decorate(method), takes=lambda *args: len(args) < 2)


@saboteur(
    "run-on-executor-passes-callback-on",
    "run_on_executor() gives the legacy argument ``callback`` to the method.",
    chapters="core.futures",
    kills="futures.run-on-executor.legacy-arguments",
)
def _pass_callback(ref: Patches) -> None:
    def lie(decorate: Any, method: Any) -> Any:
        def taking_all(self: Any, *args: Any, **kwargs: Any) -> Any:
            return method(self, *args, **kwargs)

        return functools.wraps(method)(decorate(taking_all))

    executors(ref, lie)


@saboteur(
    "dummy-executor-has-a-thread",
    "dummy_executor runs its functions on another thread.",
    chapters="core.futures",
    kills="futures.dummy-executor.runs-at-once",
)
def _threaded(ref: Patches) -> None:
    class Threaded(ref.concurrent.DummyExecutor):  # type: ignore[misc, name-defined]
        def submit(self, fn: Any, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
            results: list[concurrent.futures.Future[Any]] = []
            submit = functools.partial(super().submit, fn, *args, **kwargs)
            thread = threading.Thread(target=lambda: results.append(submit()))
            thread.start()
            thread.join()
            return results[0]

    ref.replace(ref.concurrent, "dummy_executor", Threaded())
