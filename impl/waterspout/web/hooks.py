"""Functions around every handler of an application, and around the application itself.

`Application.add_hooks` keeps them.  Released Tornado leaves them to a base class of the application's own handlers,
which `StaticFileHandler` and its like do not have.  Handlers of an application without hooks cost nothing more.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from waterspout import httputil
from waterspout.web.lifecycle import log_failure, must_wait, start_task

if TYPE_CHECKING:
    from waterspout.web.application import Application
    from waterspout.web.handler import RequestHandler

#: Called with a handler; it may be a coroutine.
RequestHook = Callable[["RequestHandler"], Awaitable[None] | None]
#: Called with the application; it may be a coroutine.
LifeHook = Callable[["Application"], Awaitable[None] | None]


class Hooks:
    """The hooks of one application, in the order in which they were added."""

    def __init__(self) -> None:
        self.before: list[RequestHook] = []
        self.after: list[RequestHook] = []
        self._lives: list[tuple[LifeHook | None, LifeHook | None]] = []

    def add_life(self, on_start: LifeHook | None, on_stop: LifeHook | None) -> None:
        """Add what belongs together: ``on_stop`` is called if ``on_start`` was, and did not fail."""
        self._lives.append((on_start, on_stop))

    @contextlib.asynccontextmanager
    async def alive(self, application: Application) -> AsyncIterator[None]:
        """Call what is to be called at the start, and at the end its counterparts in reverse order.

        What the end of one raises does not keep the others from being called, and is raised afterwards.
        """
        async with contextlib.AsyncExitStack() as stack:
            for on_start, on_stop in self._lives:
                await _call(on_start, application)
                stack.push_async_callback(_call, on_stop, application)
            yield


async def _call(hook: LifeHook | None, application: Application) -> None:
    if hook is not None:
        result = hook(application)
        if inspect.isawaitable(result):
            await result


class HookedClass:
    """Stands for a handler class where handlers are made: its handlers have the hooks around them."""

    __slots__ = ("_handler_class", "_hooks", "_stream_request_body")

    def __init__(self, handler_class: type[RequestHandler], hooks: Hooks) -> None:
        self._handler_class = handler_class
        self._hooks = hooks
        self._stream_request_body = handler_class._stream_request_body

    def __call__(self, application: Application, request: httputil.HTTPServerRequest, **kwargs: Any) -> RequestHandler:
        """Return a new handler."""
        handler = self._handler_class(application, request, **kwargs)
        if self._hooks.before:
            put_around(handler, "prepare", partial(_prepare, handler, self._hooks.before))
        for hook in self._hooks.after:
            call_after(handler, hook)
        return handler


def put_around(handler: RequestHandler, name: str, wrapper: Callable[[Callable[[], Any]], Any]) -> None:
    """Have the next call of the method ``name`` of one handler be ``wrapper(method)``."""
    method = getattr(handler, name)

    def call_once() -> Any:
        # With it goes the circle from the handler to itself.
        vars(handler).pop(name, None)
        return wrapper(method)

    setattr(handler, name, call_once)


def call_after(handler: RequestHandler, hook: RequestHook) -> None:
    """Have ``hook`` called behind ``on_finish`` of one handler, and behind what was added before."""

    def wrapper(on_finish: Callable[[], None]) -> None:
        try:
            on_finish()
        finally:
            _run_after(handler, hook)

    put_around(handler, "on_finish", wrapper)


def _run_after(handler: RequestHandler, hook: RequestHook) -> None:
    try:
        result = hook(handler)
        if result is not None and must_wait(result, "a hook after the request"):
            start_task(_logged(handler, result))
    except Exception as error:
        # The response is out; all that is left to do is to say so.
        log_failure(handler, error)


async def _logged(handler: RequestHandler, result: Awaitable[Any]) -> None:
    try:
        await result
    except Exception as error:
        log_failure(handler, error)


def _prepare(handler: RequestHandler, hooks: Sequence[RequestHook], prepare: Callable[[], Any]) -> Any:
    """Call the hooks, then ``prepare``, unless one of them ends the response."""
    for number, hook in enumerate(hooks, 1):
        result = hook(handler)
        if result is not None and must_wait(result, "a hook before the request"):
            return _prepare_later(handler, result, hooks[number:], prepare)
        if handler._response.finished:
            return None
    return prepare()


async def _prepare_later(
    handler: RequestHandler, first: Awaitable[Any], hooks: Sequence[RequestHook], prepare: Callable[[], Any]
) -> None:
    await first
    if handler._response.finished:
        return
    result = _prepare(handler, hooks, prepare)
    if result is not None:
        await result
