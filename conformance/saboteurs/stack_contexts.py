"""Saboteurs of the chapter on stack contexts."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches, saboteur

CHAPTER = "core.stack_contexts"


@saboteur(
    "contexts-stay-behind",
    "A StackContext is an ordinary context manager: nothing takes it along.",
    chapters=CHAPTER,
    kills=(
        "legacy.stack-context.follows-callbacks",
        "legacy.stack-context.follows-handlers",
        "legacy.stack-context.nested",
        "legacy.stack-context.own-callbacks-only",
        "legacy.stack-context.order",
        "legacy.stack-context.resumes-coroutines",
        "legacy.stack-context.tasks",
        "legacy.stack-context.yield-inside",
        "legacy.wrap.threads",
    ),
)
def _stay_behind(ref: Patches) -> None:
    class Ordinary:
        def __init__(self, context_factory: Any) -> None:
            self.manager = context_factory()

        def __enter__(self) -> Any:
            self.manager.__enter__()
            return lambda: None

        def __exit__(self, *exception: Any) -> Any:
            return self.manager.__exit__(*exception)

    ref.replace(ref.stack_context, "StackContext", Ordinary)


@saboteur(
    "spawn-callback-takes-contexts",
    "spawn_callback() takes the contexts of its caller along.",
    chapters=CHAPTER,
    kills="legacy.stack-context.spawn-callback",
)
def _spawn_in_contexts(ref: Patches) -> None:
    loop = ref.ioloop.IOLoop
    ref.replace(loop, "spawn_callback", lambda self, *args, **kwargs: self.add_callback(*args, **kwargs))


@saboteur(
    "null-context-is-empty",
    "NullContext does nothing.",
    chapters=CHAPTER,
    kills="legacy.null-context.block",
)
def _null_is_empty(ref: Patches) -> None:
    ref.replace(ref.stack_context, "NullContext", contextlib.nullcontext)


@saboteur(
    "deactivating-does-nothing",
    "The function that a StackContext gives changes nothing.",
    chapters=CHAPTER,
    kills="legacy.stack-context.deactivate",
)
def _no_deactivating(ref: Patches) -> None:
    class Stubborn(ref.stack_context.StackContext):  # type: ignore[misc, name-defined]
        def __enter__(self) -> Any:
            super().__enter__()
            return lambda: None

    ref.replace(ref.stack_context, "StackContext", Stubborn)


@saboteur(
    "any-order-will-do",
    "Contexts may be left in any order.",
    chapters=CHAPTER,
    kills="legacy.stack-context.order",
)
def _any_order(ref: Patches) -> None:
    class Tolerant(ref.stack_context.StackContext):  # type: ignore[misc, name-defined]
        def __exit__(self, *exception: Any) -> Any:
            with contextlib.suppress(ref.stack_context.StackContextInconsistentError):
                return super().__exit__(*exception)

    ref.replace(ref.stack_context, "StackContext", Tolerant)


@saboteur(
    "run-with-forgets-the-context",
    "run_with_stack_context() calls the function outside of the context.",
    chapters=CHAPTER,
    kills="legacy.stack-context.run-with",
)
def _forget_context(ref: Patches) -> None:
    ref.replace(ref.stack_context, "run_with_stack_context", lambda context, func: func())


# -- exceptions -------------------------------------------------------------------------------------------------------


def handlers(ref: Patches, lie: Callable[..., Any]) -> None:
    """Let ``lie(handler, type, value, traceback)`` be called in the place of each exception handler."""

    class Lying(ref.stack_context.ExceptionStackContext):  # type: ignore[misc, name-defined]
        def __init__(self, exception_handler: Any, delay_warning: bool = False) -> None:
            super().__init__(lambda *exception: lie(exception_handler, *exception), delay_warning)

    ref.replace(ref.stack_context, "ExceptionStackContext", Lying)


@saboteur(
    "handlers-handle-all",
    "An exception is handled whatever the handler returns.",
    chapters=CHAPTER,
    kills=("legacy.exceptions.not-handled", "legacy.exceptions.in-the-block", "legacy.wrap.exceptions"),
)
def _handle_all(ref: Patches) -> None:
    handlers(ref, lambda handler, *exception: [handler(*exception)])


@saboteur(
    "handlers-handle-nothing",
    "No exception is handled, whatever the handler returns.",
    chapters=CHAPTER,
    kills=("legacy.exceptions.handler", "legacy.exceptions.in-the-block"),
)
def _handle_nothing(ref: Patches) -> None:
    def lie(handler: Any, *exception: Any) -> bool:
        handler(*exception)
        return False

    handlers(ref, lie)


@saboteur(
    "handlers-must-not-fail",
    "A handler that raises an exception has handled the one it was called for.",
    chapters=CHAPTER,
    kills="legacy.exceptions.replaced",
)
def _must_not_fail(ref: Patches) -> None:
    def lie(handler: Any, *exception: Any) -> Any:
        try:
            return handler(*exception)
        except OSError:
            return True

    handlers(ref, lie)


@saboteur(
    "handlers-run-in-no-context",
    "What a handler registers takes no contexts along.",
    chapters=CHAPTER,
    kills="legacy.exceptions.handler-keeps-the-contexts",
)
def _in_no_context(ref: Patches) -> None:
    def lie(handler: Any, *exception: Any) -> Any:
        with ref.stack_context.NullContext():
            return handler(*exception)

    handlers(ref, lie)


def managers(ref: Patches, lie: Callable[[Callable[[], Any]], Any]) -> None:
    """Let ``lie(factory)`` make the context managers of each StackContext."""

    class Lying(ref.stack_context.StackContext):  # type: ignore[misc, name-defined]
        def __init__(self, context_factory: Any) -> None:
            super().__init__(lambda: lie(context_factory))

    ref.replace(ref.stack_context, "StackContext", Lying)


@saboteur(
    "contexts-see-no-exceptions",
    "A context is left as if nothing had happened when its callback fails.",
    chapters=CHAPTER,
    kills=("legacy.exceptions.order", "legacy.exceptions.context-swallows"),
)
def _see_nothing(ref: Patches) -> None:
    class Blind:
        def __init__(self, manager: Any) -> None:
            self.manager = manager

        def __enter__(self) -> Any:
            return self.manager.__enter__()

        def __exit__(self, *exception: Any) -> None:
            self.manager.__exit__(None, None, None)

    managers(ref, lambda factory: Blind(factory()))


@saboteur(
    "contexts-may-be-missing",
    "If a context cannot be entered, its callback runs without it.",
    chapters=CHAPTER,
    kills="legacy.exceptions.entering-fails",
)
def _may_be_missing(ref: Patches) -> None:
    def lie(factory: Any) -> Any:
        try:
            return factory()
        except OSError:
            return contextlib.nullcontext()

    managers(ref, lie)


# -- wrap -------------------------------------------------------------------------------------------------------------


@saboteur(
    "wrap-does-nothing",
    "wrap() returns the function as it is.",
    chapters=CHAPTER,
    kills=("legacy.wrap.contexts-of-the-wrapping", "legacy.wrap.exceptions", "legacy.wrap.threads"),
)
def _wrap_nothing(ref: Patches) -> None:
    ref.replace(ref.stack_context, "wrap", lambda fn: fn)


@saboteur(
    "wrapping-adds-up",
    "A function that is wrapped twice runs in the contexts of both times.",
    chapters=CHAPTER,
    kills="legacy.wrap.once",
)
def _adds_up(ref: Patches) -> None:
    original = ref.stack_context.wrap

    def again(fn: Any) -> Any:
        return None if fn is None else original(lambda *args, **kwargs: fn(*args, **kwargs))

    ref.replace(ref.stack_context, "wrap", again)
