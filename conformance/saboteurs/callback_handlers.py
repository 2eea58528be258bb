"""Saboteurs of the chapter on handlers with callbacks."""

from __future__ import annotations

import functools
import inspect
from typing import Any

from conformance.saboteurs import Patches, saboteur

CHAPTER = "web.callback_handlers"


def asynchronous(ref: Patches, wrapper: Any) -> None:
    """Replace the decorator by one that makes ``wrapper(method, handler, arguments)`` of methods."""

    def decorate(method: Any) -> Any:
        return lambda self, *args: wrapper(method, self, args)

    ref.replace(ref.web, "asynchronous", decorate)


@saboteur(
    "asynchronous-ends",
    "The answer ends when the method returns.",
    chapters=CHAPTER,
    kills=(
        "web.asynchronous.open",
        "web.asynchronous.never",
        "web.asynchronous.finish-once",
        "web.asynchronous.engine",
        "web.async-callback.exception",
    ),
)
def _(ref: Patches) -> None:
    asynchronous(ref, lambda method, self, args: method(self, *args))


@saboteur(
    "asynchronous-silent",
    "Exceptions of the method and of its callbacks are dropped.",
    chapters=CHAPTER,
    kills="web.asynchronous.exception",
)
def _(ref: Patches) -> None:
    original = ref.web.asynchronous

    def decorate(method: Any) -> Any:
        def call(self: Any, *args: Any) -> Any:
            with ref.stack_context.ExceptionStackContext(lambda *error: True):
                return method(self, *args)

        return original(call)

    ref.replace(ref.web, "asynchronous", decorate)


@saboteur(
    "asynchronous-forgets-coroutines",
    "A coroutine's end is not the answer's.",
    chapters=CHAPTER,
    kills="web.asynchronous.coroutine",
)
def _(ref: Patches) -> None:
    original = ref.web.asynchronous

    def decorate(method: Any) -> Any:
        decorated = original(method)

        @functools.wraps(method)
        def call(self: Any, *args: Any) -> None:
            result = decorated(self, *args)
            if inspect.iscoroutine(result):
                result.close()

        return call

    ref.replace(ref.web, "asynchronous", decorate)


@saboteur(
    "async-callback-plain",
    "async_callback returns a function that calls the callback, even if there is none.",
    chapters=CHAPTER,
    kills=("web.async-callback.exception", "web.async-callback.none"),
)
def _(ref: Patches) -> None:
    ref.replace(
        ref.web.RequestHandler,
        "async_callback",
        lambda self, callback, *args, **kwargs: lambda *more: callback(*args[:0], *more, **kwargs),
    )


@saboteur("flush-forgets", "flush ignores its callback.", chapters=CHAPTER, kills="web.flush.callback")
def _(ref: Patches) -> None:
    original = ref.web.RequestHandler.flush
    ref.replace(ref.web.RequestHandler, "flush", lambda self, *args, callback=None: original(self, *args))
