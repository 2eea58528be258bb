"""Saboteurs of the chapter on legacy generators."""

from __future__ import annotations

import asyncio
import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.coroutines import between, endings, settle

CHAPTER = "core.legacy_generators"


# -- engine -----------------------------------------------------------------------------------------------------------


def engines(ref: Patches, lie: Callable[[Callable[..., Any]], Any]) -> None:
    """Let ``lie(function)`` change the functions that are decorated by engine()."""
    original = ref.gen.engine
    ref.replace(ref.gen, "engine", lambda function: original(functools.wraps(function)(lie(function))))


@saboteur(
    "engine-returns-a-future",
    "An engine returns a Future, like a coroutine.",
    chapters=CHAPTER,
    kills=("legacy.engine.nobody-waits", "legacy.engine.error-before-a-wait"),
)
def _engine_future(ref: Patches) -> None:
    original = ref.gen.coroutine
    ref.replace(ref.gen, "engine", lambda function: original(function))


@saboteur(
    "engine-errors-vanish",
    "An engine that fails just ends.",
    chapters=(CHAPTER, "core.stack_contexts"),
    kills=(
        "legacy.engine.error-before-a-wait",
        "legacy.engine.error-after-a-wait",
        "legacy.exceptions.of-coroutines",
    ),
)
def _engine_silent(ref: Patches) -> None:
    def lie(function: Any) -> Any:
        def quiet(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            try:
                return (yield from result) if inspect.isgenerator(result) else result
            except KeyError:
                return None

        return quiet

    engines(ref, lie)


@saboteur(
    "engine-drops-values",
    "An engine may return values, which are dropped.",
    chapters=CHAPTER,
    kills="legacy.engine.returns-no-value",
)
def _engine_values(ref: Patches) -> None:
    def lie(function: Any) -> Any:
        def dropping(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            try:
                if inspect.isgenerator(result):
                    yield from result
            except ref.gen.Return:
                return

        return dropping

    engines(ref, lie)


@saboteur(
    "engine-knows-no-lists",
    "An engine cannot yield lists.",
    chapters=CHAPTER,
    kills="legacy.engine.yields-futures",
)
def _engine_lists(ref: Patches) -> None:
    def lie(function: Any) -> Any:
        def single(*args: Any, **kwargs: Any) -> Any:
            generator, value = function(*args, **kwargs), None
            try:
                while True:
                    wanted = generator.send(value)
                    value = yield object() if isinstance(wanted, list) else wanted
            except StopIteration as end:
                return end.value

        return single

    engines(ref, lie)


# -- Task -------------------------------------------------------------------------------------------------------------


@saboteur(
    "task-drops-keywords",
    "Task() does not pass keyword arguments on.",
    chapters=CHAPTER,
    kills="legacy.task.adds-the-callback",
)
def _task_keywords(ref: Patches) -> None:
    original = ref.gen.Task
    ref.replace(ref.gen, "Task", lambda func, *args, **kwargs: original(func, *args))


@saboteur(
    "task-does-not-wait",
    "A Task is done at once.",
    chapters=CHAPTER,
    kills=("legacy.task.others-run-meanwhile", "legacy.task.adds-the-callback"),
)
def _task_done(ref: Patches) -> None:
    def lying(func: Any, *args: Any, **kwargs: Any) -> Any:
        func(*args, callback=lambda *_, **__: None, **kwargs)
        return ref.gen.maybe_future(None)

    ref.replace(ref.gen, "Task", lying)


@saboteur(
    "task-takes-the-first-argument",
    "A Task gives the first argument of its callback, whatever there is besides.",
    chapters=CHAPTER,
    kills="legacy.task.arguments",
)
def _task_first(ref: Patches) -> None:
    original = ref.gen.Task

    def first(value: Any) -> Any:
        return value.args[0] if isinstance(value, ref.gen.Arguments) and value.args else value

    ref.replace(
        ref.gen,
        "Task",
        lambda func, *args, **kwargs: settle(original(func, *args, **kwargs), ref.concurrent.Future(), first),
    )


@saboteur(
    "task-is-a-yield-point",
    "A Task is a yield point, which nobody but a generator can wait for.",
    chapters=CHAPTER,
    kills="legacy.task.is-a-future",
)
def _task_point(ref: Patches) -> None:
    original = ref.gen.Task
    ref.replace(
        ref.gen, "Task", lambda func, *args, **kwargs: ref.gen.MultiYieldPoint([original(func, *args, **kwargs)])
    )


@saboteur(
    "task-loses-errors",
    "A Task whose function fails gives None.",
    chapters=CHAPTER,
    kills="legacy.task.errors",
)
def _task_errors(ref: Patches) -> None:
    original = ref.gen.Task

    def lying(func: Any, *args: Any, **kwargs: Any) -> Any:
        future = original(func, *args, **kwargs)
        return settle(future, ref.concurrent.Future(), error=lambda failure: None)

    ref.replace(ref.gen, "Task", lying)


@saboteur(
    "task-takes-the-last-call",
    "A Task whose callback is called twice gives the second value.",
    chapters=CHAPTER,
    kills="legacy.task.second-call-ignored",
)
def _task_last(ref: Patches) -> None:
    original = ref.gen.Task

    def lying(func: Any, *args: Any, **kwargs: Any) -> Any:
        def keeping(callback: Any) -> None:
            values: list[Any] = []
            func(*args, callback=values.append, **kwargs)
            asyncio.get_running_loop().call_soon(lambda: callback(values[-1]))

        return original(keeping)

    ref.replace(ref.gen, "Task", lying)


@saboteur(
    "coroutine-refuses-callback",
    "A coroutine has no legacy argument ``callback``.",
    chapters=(CHAPTER, "core.stack_contexts"),
    kills=("legacy.coroutine.callback", "legacy.exceptions.of-callback-arguments"),
)
def _no_callback(ref: Patches) -> None:
    original = ref.gen.coroutine

    def coroutine(function: Any) -> Any:
        right = original(function)

        def call(*args: Any, **kwargs: Any) -> Any:
            if "callback" in kwargs:
                raise TypeError("unexpected keyword argument 'callback'")
            return right(*args, **kwargs)

        return call

    ref.replace(ref.gen, "coroutine", coroutine)


@saboteur(
    "callback-of-a-failure-gets-none",
    "A coroutine that fails calls its callback with None.",
    chapters=CHAPTER,
    kills="legacy.coroutine.callback-of-a-failure",
)
def _callback_anyway(ref: Patches) -> None:
    original = ref.gen.coroutine

    def coroutine(function: Any) -> Any:
        right = original(function)

        def call(*args: Any, callback: Any = None, **kwargs: Any) -> Any:
            future = right(*args, **kwargs)
            if callback is None:
                return future
            future.add_done_callback(lambda _: callback(None if future.exception() else future.result()))
            return future

        return call

    ref.replace(ref.gen, "coroutine", coroutine)


# -- Callback and Wait ------------------------------------------------------------------------------------------------


@saboteur(
    "wait-gives-none",
    "Wait() gives None.",
    chapters=CHAPTER,
    kills=("legacy.callback.wait", "legacy.callback.key-reuse"),
)
def _wait_none(ref: Patches) -> None:
    class Empty(ref.gen.Wait):  # type: ignore[misc, name-defined]
        def get_result(self) -> None:
            super().get_result()

    ref.replace(ref.gen, "Wait", Empty)


@saboteur(
    "wait-all-reversed",
    "WaitAll() gives the results in reverse.",
    chapters=CHAPTER,
    kills=("legacy.wait-all.results", "legacy.callback.called-before-the-wait"),
)
def _wait_all_reversed(ref: Patches) -> None:
    class Reversed(ref.gen.WaitAll):  # type: ignore[misc, name-defined]
        def get_result(self) -> Any:
            return super().get_result()[::-1]

    ref.replace(ref.gen, "WaitAll", Reversed)


@saboteur(
    "yield-points-stand-alone",
    "Yield points are refused in lists and dicts.",
    chapters=CHAPTER,
    kills=("legacy.callback.in-lists-and-dicts", "legacy.yield-point.own-class", "legacy.yield-point.errors"),
)
def _stand_alone(ref: Patches) -> None:
    def refuse(thing: Any) -> Any:
        if not isinstance(thing, list | dict):
            return thing
        items = thing.values() if isinstance(thing, dict) else thing
        if any(isinstance(item, ref.gen.YieldPoint) or refuse(item) is not item for item in items):
            return object()
        return thing

    between(ref, yielded=refuse)


@saboteur(
    "keys-may-be-in-use",
    "A Callback with a key that is in use gives another function for the same key.",
    chapters=CHAPTER,
    kills="legacy.callback.key-reuse",
)
def _keys_in_use(ref: Patches) -> None:
    class Careless(ref.gen.Callback):  # type: ignore[misc, name-defined]
        def start(self, runner: Any) -> None:
            try:
                super().start(runner)
            except ref.gen.KeyReuseError:
                self.runner = runner

    ref.replace(ref.gen, "Callback", Careless)


@saboteur(
    "unknown-keys-give-none",
    "Waiting for a key that nobody has gives None.",
    chapters=CHAPTER,
    kills="legacy.wait.unknown-key",
)
def _unknown_keys(ref: Patches) -> None:
    for name in ("Wait", "WaitAll"):

        class Careless(getattr(ref.gen, name)):  # type: ignore[misc]
            unknown = False

            def is_ready(self) -> Any:
                try:
                    return super().is_ready()
                except ref.gen.UnknownKeyError:
                    self.unknown = True
                    return True

            def get_result(self) -> Any:
                return None if self.unknown else super().get_result()

        ref.replace(ref.gen, name, Careless)


@saboteur(
    "callbacks-may-leak",
    "A coroutine may end without waiting for its callbacks.",
    chapters=CHAPTER,
    kills="legacy.callback.leaked",
)
def _leak(ref: Patches) -> None:
    endings(ref, error=lambda failure: None if isinstance(failure, ref.gen.LeakedCallbackError) else failure)


@saboteur(
    "leaks-hide-errors",
    "Callbacks that were not waited for hide the exception a coroutine ends with.",
    chapters=CHAPTER,
    kills="legacy.callback.leaked-after-an-error",
)
def _leaks_hide(ref: Patches) -> None:
    endings(ref, error=lambda failure: ref.gen.LeakedCallbackError() if isinstance(failure, OSError) else failure)


@saboteur(
    "keys-belong-to-all",
    "A key may be in use once in the whole program.",
    chapters=CHAPTER,
    kills="legacy.callback.keys-of-its-own",
)
def _global_keys(ref: Patches) -> None:
    in_use: set[Any] = set()

    class Jealous(ref.gen.Callback):  # type: ignore[misc, name-defined]
        def start(self, runner: Any) -> None:
            if self.key in in_use:
                raise ref.gen.KeyReuseError("used elsewhere")
            in_use.add(self.key)
            super().start(runner)

    ref.replace(ref.gen, "Callback", Jealous)


def loop_catches(ref: Patches, handle: Callable[[Callable[[], Any]], None]) -> None:
    """Let ``handle`` be called for callbacks of the loop that fail, before anybody else sees the exception."""
    original = ref.ioloop.IOLoop.add_callback

    def add_callback(self: Any, callback: Any, *args: Any, **kwargs: Any) -> None:
        @functools.wraps(callback)
        def guarded() -> Any:
            try:
                return callback(*args, **kwargs)
            except KeyError:
                return handle(callback)

        original(self, guarded)

    ref.replace(ref.ioloop.IOLoop, "add_callback", add_callback)


@saboteur(
    "loop-swallows-errors",
    "Exceptions of callbacks vanish.",
    chapters=(CHAPTER, "core.stack_contexts"),
    kills=(
        "legacy.callback.error-in-a-callback",
        "legacy.callback.error-while-a-future-is-waited-for",
        "legacy.callback.error-after-the-end",
        "legacy.task.errors",
        "legacy.return-future.errors",
        "legacy.exceptions.handler",
        "legacy.exceptions.not-handled",
    ),
)
def _loop_swallows(ref: Patches) -> None:
    loop_catches(ref, lambda callback: None)


# -- yield points of one's own ----------------------------------------------------------------------------------------


@saboteur(
    "yield-points-of-the-library-only",
    "A coroutine knows no yield points but those of the library.",
    chapters=CHAPTER,
    kills=("legacy.yield-point.own-class", "legacy.yield-point.errors"),
)
def _no_own_points(ref: Patches) -> None:
    class Base:
        pass

    ref.replace(ref.gen, "YieldPoint", Base)


@saboteur(
    "multi-yield-point-is-never-quiet",
    "MultiYieldPoint() ignores its quiet exceptions.",
    chapters=CHAPTER,
    kills="legacy.yield-point.several",
)
def _never_quiet(ref: Patches) -> None:
    class Loud(ref.gen.MultiYieldPoint):  # type: ignore[misc, name-defined]
        def __init__(self, children: Any, quiet_exceptions: Any = ()) -> None:
            super().__init__(children)

    ref.replace(ref.gen, "MultiYieldPoint", Loud)


@saboteur(
    "yield-points-are-values",
    "convert_yielded() takes a yield point for a value.",
    chapters=CHAPTER,
    kills="legacy.yield-point.only-in-generators",
)
def _points_are_values(ref: Patches) -> None:
    original = ref.gen.convert_yielded

    def lying(thing: Any) -> Any:
        return ref.gen.maybe_future(thing) if isinstance(thing, ref.gen.YieldPoint) else original(thing)

    ref.replace(ref.gen, "convert_yielded", lying)


# -- return_future ----------------------------------------------------------------------------------------------------


def returning_future(ref: Patches, lie: Callable[[Any, Any], Any]) -> None:
    """Let ``lie(right, function)`` decorate what is decorated by return_future()."""
    original = ref.concurrent.return_future
    ref.replace(ref.concurrent, "return_future", lambda function: lie(original, function))


@saboteur(
    "return-future-gives-none",
    "A Future of return_future() ends with None.",
    chapters=CHAPTER,
    kills="legacy.return-future.result",
)
def _return_none(ref: Patches) -> None:
    def lie(original: Any, function: Any) -> Any:
        right = original(function)
        return lambda *args, **kwargs: settle(right(*args, **kwargs), ref.concurrent.Future(), lambda value: None)

    returning_future(ref, lie)


@saboteur(
    "return-future-forgets-the-callback",
    "A callback given by position to a function under return_future() is not called.",
    chapters=CHAPTER,
    kills="legacy.return-future.callback",
)
def _forget_callback(ref: Patches) -> None:
    def lie(original: Any, function: Any) -> Any:
        right = original(function)
        return lambda *args, **kwargs: right(*[x for x in args if not callable(x)], **kwargs)

    returning_future(ref, lie)


@saboteur(
    "return-future-keeps-errors",
    "A function under return_future() never raises: its exception goes into the Future.",
    chapters=CHAPTER,
    kills="legacy.return-future.errors",
)
def _keep_errors(ref: Patches) -> None:
    def lie(original: Any, function: Any) -> Any:
        right = original(function)

        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return right(*args, **kwargs)
            except KeyError as error:
                future = ref.concurrent.Future()
                future.set_exception(error)
                return future

        return call

    returning_future(ref, lie)


@saboteur(
    "return-future-takes-values",
    "A function under return_future() may return a value, which is dropped.",
    chapters=CHAPTER,
    kills="legacy.return-future.returns-no-value",
)
def _take_values(ref: Patches) -> None:
    def lie(original: Any, function: Any) -> Any:
        def dropping(callback: Any = None, *args: Any) -> None:
            function(*args, callback)

        return original(dropping)

    returning_future(ref, lie)


@saboteur(
    "traceback-future-is-plain",
    "TracebackFuture is asyncio's class.",
    chapters=CHAPTER,
    kills="legacy.traceback-future.exc-info",
)
def _plain_future(ref: Patches) -> None:
    ref.replace(ref.concurrent, "TracebackFuture", asyncio.Future)


# -- deprecation ------------------------------------------------------------------------------------------------------

_NAMES = {
    "gen": ("engine", "Task", "Callback", "Wait", "WaitAll", "YieldPoint", "MultiYieldPoint"),
    "concurrent": ("return_future",),
    "stack_context": ("StackContext", "ExceptionStackContext"),
}


def every_name(ref: Patches, lie: Callable[[Any], Any]) -> None:
    """Put ``lie(original)`` in the place of each legacy name."""
    for module, names in _NAMES.items():
        for name in names:
            ref.replace(getattr(ref, module), name, lie(getattr(getattr(ref, module), name)))


@saboteur(
    "legacy-is-silent",
    "No legacy name warns of its deprecation.",
    chapters=CHAPTER,
    kills=("legacy.deprecation.warning", "legacy.deprecation.names-the-caller"),
)
def _silent(ref: Patches) -> None:
    def lie(original: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return original(*args, **kwargs)

        return call

    every_name(ref, lie)


@saboteur(
    "legacy-blames-itself",
    "The warnings of deprecation name a line of the library.",
    chapters=CHAPTER,
    kills="legacy.deprecation.names-the-caller",
)
def _blames_itself(ref: Patches) -> None:
    every_name(ref, lambda original: lambda *args, **kwargs: original(*args, **kwargs))
