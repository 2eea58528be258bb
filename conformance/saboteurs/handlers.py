"""Saboteurs of the chapter on handlers."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import weakref
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import (
    METHODS,
    after,
    around,
    before,
    catching,
    every_class,
    every_handler,
    nothing,
    wrap,
)

CHAPTER = "web.handlers"


@saboteur(
    "handler-on-finish-early",
    "on_finish is called before prepare.",
    chapters=CHAPTER,
    kills=("web.lifecycle.order", "web.lifecycle.on-finish-after-answer"),
)
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        on_finish = handler.on_finish
        handler.on_finish = nothing
        wrap(handler, "prepare", before(on_finish))

    every_handler(ref, change)


@saboteur(
    "handler-remembers",
    "A handler has the attributes that the last one of its class had at its end.",
    chapters=CHAPTER,
    kills="web.lifecycle.new-object",
)
def _(ref: Patches) -> None:
    kept: dict[type, dict[str, Any]] = {}

    def change(handler: Any) -> None:
        for name, value in kept.get(type(handler), {}).items():
            vars(handler).setdefault(name, value)
        wrap(handler, "on_finish", before(lambda: keep(handler)))

    def keep(handler: Any) -> None:
        own = {name: value for name, value in vars(handler).items() if isinstance(value, int) and name[0] != "_"}
        kept[type(handler)] = own

    every_handler(ref, change)


@saboteur(
    "handler-one-argument",
    "initialize gets the first argument of its route only.",
    chapters=CHAPTER,
    kills="web.lifecycle.initialize-arguments",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, application: Any, request: Any, **kwargs: Any) -> None:
        original(self, application, request, **dict(list(kwargs.items())[:1]))

    around(ref, ref.web.RequestHandler, "__init__", lie)


@saboteur(
    "handler-prepares-get",
    "prepare is called for GET only.",
    chapters=CHAPTER,
    kills="web.lifecycle.prepare-any-method",
)
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        if handler.request.method != "GET":
            handler.prepare = nothing

    every_handler(ref, change)


@saboteur(
    "handler-goes-on",
    "The method is called although prepare has ended the request.",
    chapters=(CHAPTER, "web.redirects"),
    kills=("web.lifecycle.prepare-ends", "web.lifecycle.prepare-coroutine-ends", "web.redirect.in-prepare"),
)
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        ended: list[bool] = []
        wrap(handler, ("finish", "redirect", "send_error"), before(lambda: ended.append(True)))

        def go_on() -> None:
            with contextlib.suppress(RuntimeError):
                if ended:
                    getattr(handler, handler.request.method.lower())()

        wrap(handler, "prepare", after(go_on))

    every_handler(ref, change)


def unawaited(method: Any) -> Any:
    """Return ``method`` with its coroutine started and left alone."""

    def call(*args: Any, **kwargs: Any) -> None:
        result = method(*args, **kwargs)
        if inspect.isawaitable(result):
            asyncio.ensure_future(result)  # noqa: RUF006 - that nobody waits for it is the lie

    return call


@saboteur(
    "handler-prepare-not-awaited",
    "A coroutine prepare is started, and the method called at once.",
    chapters=CHAPTER,
    kills="web.lifecycle.prepare-coroutine",
)
def _(ref: Patches) -> None:
    every_handler(ref, lambda handler: wrap(handler, "prepare", unawaited))


@saboteur(
    "handler-method-not-awaited",
    "The answer ends when the method returns, coroutine or not.",
    chapters=CHAPTER,
    kills=("web.lifecycle.coroutine-styles", "web.lifecycle.unfinished-is-silent"),
)
def _(ref: Patches) -> None:
    every_handler(ref, lambda handler: wrap(handler, METHODS, unawaited))


@saboteur(
    "handler-ends-in-pieces",
    "finish flushes first, so that the length of the answer is not known.",
    chapters=(CHAPTER, "web.output"),
    kills=("web.lifecycle.synchronous", "web.write.several", "web.write.nothing", "web.finish.chunk"),
)
def _(ref: Patches) -> None:
    every_handler(ref, lambda handler: wrap(handler, "finish", before(lambda: handler.flush())))


@saboteur(
    "handler-in-a-thread",
    "GET methods without arguments run on another thread.",
    chapters=CHAPTER,
    kills="web.lifecycle.one-thread",
)
def _(ref: Patches) -> None:
    def threaded(method: Any) -> Any:
        async def call(*args: Any, **kwargs: Any) -> Any:
            return await asyncio.get_running_loop().run_in_executor(None, lambda: method(*args, **kwargs))

        waits = inspect.iscoroutinefunction(method) or inspect.signature(method).parameters
        return method if waits else call

    every_handler(ref, lambda handler: wrap(handler, "get", threaded))


@saboteur(
    "handler-one-at-a-time",
    "A request waits until the one before it has ended.",
    chapters=CHAPTER,
    kills="web.lifecycle.waiting-blocks-nobody",
)
def _(ref: Patches) -> None:
    locks: weakref.WeakKeyDictionary[Any, asyncio.Lock] = weakref.WeakKeyDictionary()

    def change(handler: Any) -> None:
        lock = locks.setdefault(handler.application, asyncio.Lock())

        def queued(method: Any) -> Any:
            async def call(*args: Any, **kwargs: Any) -> None:
                async with lock:
                    result = method(*args, **kwargs)
                    if inspect.isawaitable(result):
                        await result

            return call

        wrap(handler, METHODS, queued)

    every_handler(ref, change)


@saboteur(
    "handler-writes-through",
    "write sends at once what it is given.",
    chapters=(CHAPTER, "web.error_pages"),
    kills=("web.lifecycle.unfinished-is-silent", "web.send-error.clears"),
)
def _(ref: Patches) -> None:
    every_handler(ref, lambda handler: wrap(handler, "write", after(lambda: handler.flush())))


@saboteur(
    "handler-finish-held-back",
    "finish in a coroutine takes effect when the coroutine ends.",
    chapters=CHAPTER,
    kills="web.lifecycle.finish-in-coroutine",
)
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        held: list[Any] = []
        finish = handler.finish

        def release() -> None:
            handler.finish = finish
            if held:
                finish(*held[0])

        if inspect.iscoroutinefunction(handler.get):
            handler.finish = lambda *args: held.append(args)
            wrap(handler, "get", after(release))

    every_handler(ref, change)


@saboteur(
    "handler-on-finish-twice",
    "on_finish is called twice.",
    chapters=CHAPTER,
    kills=("web.lifecycle.on-finish-once",),
)
def _(ref: Patches) -> None:
    every_handler(ref, lambda handler: wrap(handler, "on_finish", before(handler.on_finish)))


@saboteur(
    "handler-cancelled-hangs",
    "A cancelled coroutine leaves its request without an answer.",
    chapters=CHAPTER,
    kills="web.lifecycle.cancelled",
)
def _(ref: Patches) -> None:
    def hanging(method: Any) -> Any:
        async def call(*args: Any, **kwargs: Any) -> None:
            try:
                await method(*args, **kwargs)
            except asyncio.CancelledError:
                await asyncio.Event().wait()

        return call if inspect.iscoroutinefunction(method) else method

    every_handler(ref, lambda handler: wrap(handler, "get", hanging))


@saboteur(
    "handler-one-context",
    "Context variables keep their values from request to request.",
    chapters=CHAPTER,
    kills="web.lifecycle.context-isolated",
)
def _(ref: Patches) -> None:
    kept: dict[contextvars.ContextVar[Any], Any] = {}

    def restore() -> None:
        for variable, value in kept.items():
            variable.set(value)

    def change(handler: Any) -> None:
        wrap(handler, "on_finish", before(lambda: kept.update(contextvars.copy_context())))
        wrap(handler, "prepare", before(restore))

    every_handler(ref, change)


@saboteur(
    "handler-prepare-context",
    "prepare runs in a context of its own.",
    chapters=CHAPTER,
    kills="web.lifecycle.context-shared",
)
def _(ref: Patches) -> None:
    def apart(method: Any) -> Any:
        def call() -> Any:
            context = contextvars.copy_context()
            result = context.run(method)
            return asyncio.ensure_future(result) if inspect.isawaitable(result) else result

        return call

    every_handler(ref, lambda handler: wrap(handler, "prepare", apart))


# -- methods ----------------------------------------------------------------------------------------------------------


@saboteur("handler-all-is-get", "Every HTTP method calls get.", chapters=CHAPTER, kills="web.method.several")
def _(ref: Patches) -> None:
    every_handler(ref, lambda handler: wrap(handler, METHODS, lambda method: handler.get))


@saboteur(
    "handler-accepts-all",
    "A method that the handler does not define does nothing, with status 200.",
    chapters=(CHAPTER, "web.redirects"),
    kills=("web.method.not-defined-405", "web.method.allow", "web.redirect-handler.get-only"),
)
def _(ref: Patches) -> None:
    for name in METHODS:
        ref.replace(ref.web.RequestHandler, name, nothing)


@saboteur(
    "handler-no-allow",
    "Answers with status 405 have no Allow field.",
    chapters=CHAPTER,
    kills="web.method.allow",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, value: Any) -> None:
        if name.lower() != "allow":
            original(self, name, value)

    for owner, method in (
        (ref.web.RequestHandler, "set_header"),
        (ref.httputil.HTTPHeaders, "__setitem__"),
        (ref.httputil.HTTPHeaders, "add"),
    ):
        around(ref, owner, method, lie)


@saboteur(
    "handler-brews",
    "BREW counts as a method that handlers may have.",
    chapters=CHAPTER,
    kills="web.method.unknown",
)
def _(ref: Patches) -> None:
    ref.replace(ref.web.RequestHandler, "SUPPORTED_METHODS", (*ref.web.RequestHandler.SUPPORTED_METHODS, "BREW"))


@saboteur(
    "handler-methods-fixed",
    "SUPPORTED_METHODS of a handler class is not looked at.",
    chapters=CHAPTER,
    kills="web.method.extended",
)
def _(ref: Patches) -> None:
    def change(cls: Any) -> None:
        if "SUPPORTED_METHODS" in vars(cls):
            del cls.SUPPORTED_METHODS

    every_class(ref, change)


@saboteur(
    "handler-head-empty",
    "What head writes is thrown away before its length is taken.",
    chapters=CHAPTER,
    kills="web.method.head",
)
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        if handler.request.method == "HEAD":
            handler.write = nothing

    every_handler(ref, change)


# -- path arguments ---------------------------------------------------------------------------------------------------


def converting(ref: Patches, convert: Any) -> None:
    """Let path arguments pass through ``convert`` before the method gets them."""

    def wrapper(method: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            return method(*map(convert, args), **{name: convert(value) for name, value in kwargs.items()})

        return call

    every_handler(ref, lambda handler: wrap(handler, METHODS, wrapper))


@saboteur(
    "handler-path-numbers",
    "Path arguments made of digits are numbers.",
    chapters=CHAPTER,
    kills=("web.path.positional", "web.path.named"),
)
def _(ref: Patches) -> None:
    converting(ref, lambda value: int(value) if value and value.isdigit() else value)


@saboteur("handler-path-plus", "A plus sign in the path is a space.", chapters=CHAPTER, kills="web.path.decoded")
def _(ref: Patches) -> None:
    converting(ref, lambda value: value and value.replace("+", " "))


@saboteur(
    "handler-path-empty",
    "A group that took no part in the match is an empty text.",
    chapters=CHAPTER,
    kills="web.path.unmatched-group",
)
def _(ref: Patches) -> None:
    converting(ref, lambda value: value or "")


@saboteur(
    "handler-decodes-anything",
    "Bytes that are not UTF-8 are replaced instead of refused.",
    chapters=(CHAPTER, "web.arguments"),
    kills=("web.path.undecodable-400", "web.arguments.undecodable-400"),
)
def _(ref: Patches) -> None:
    around(
        ref,
        ref.web.RequestHandler,
        "decode_argument",
        lambda original, self, value, name=None: value.decode("utf-8", "replace"),
    )


@saboteur(
    "handler-path-args-late",
    "path_args and path_kwargs are empty during prepare.",
    chapters=CHAPTER,
    kills="web.path.attributes",
)
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        def hide() -> None:
            handler.path_args, handler.path_kwargs = [], {}

        wrap(handler, "prepare", before(hide))

    every_handler(ref, change)


# -- clients that go away ---------------------------------------------------------------------------------------------


def hearing(ref: Patches, lie: Any) -> None:
    """Put ``lie(on_connection_close, handler)`` in the place of every handler class's own on_connection_close.

    The class has to lie: a framework may take the bound method while it makes the object.
    """

    def change(cls: Any) -> None:
        original = vars(cls).get("on_connection_close")
        if original is not None:
            cls.on_connection_close = lambda self: lie(lambda: original(self), self)

    every_class(ref, change)


@saboteur(
    "handler-deaf",
    "on_connection_close is never called.",
    chapters=CHAPTER,
    kills=("web.disconnect.hook", "web.disconnect.not-after-answer", "web.disconnect.others-not-told"),
)
def _(ref: Patches) -> None:
    hearing(ref, nothing)


@saboteur(
    "handler-forgotten-after-disconnect",
    "After the client has gone, on_finish is not called.",
    chapters=CHAPTER,
    kills="web.disconnect.on-finish",
)
def _(ref: Patches) -> None:
    def lie(on_connection_close: Any, handler: Any) -> None:
        handler.on_finish = nothing
        on_connection_close()

    hearing(ref, lie)


@saboteur(
    "handler-flush-hides-disconnect",
    "flush succeeds after the client has gone.",
    chapters=CHAPTER,
    kills="web.disconnect.flush-fails",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        return asyncio.ensure_future(catching(ref.iostream.StreamClosedError, nothing)(original)(self, *args, **kwargs))

    around(ref, ref.web.RequestHandler, "flush", lie)


@saboteur(
    "handler-told-at-the-end",
    "on_connection_close is called at the end of every request.",
    chapters=CHAPTER,
    kills="web.disconnect.not-after-answer",
)
def _(ref: Patches) -> None:
    every_handler(ref, lambda handler: wrap(handler, "on_finish", before(handler.on_connection_close)))


@saboteur(
    "handler-tells-everybody",
    "When one client goes away, the handlers of all connections are told.",
    chapters=CHAPTER,
    kills="web.disconnect.others-not-told",
)
def _(ref: Patches) -> None:
    told: list[Any] = []

    def lie(on_connection_close: Any, handler: Any) -> None:
        for other in living:
            if other not in told:
                told.append(other)
                type(other).on_connection_close(other)
        if handler in told:
            on_connection_close()

    living: list[Any] = []
    every_handler(ref, living.append)
    hearing(ref, lie)
