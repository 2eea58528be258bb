"""The life of a handler: initialize, prepare, the method, finish, on_finish.

A request gets its handler when it is complete, or, if the class asked for the body in pieces, when its head
is there.  Everything of a request runs in a copy of the context of its own, so that context variables do not
leak from one request of a connection to the next.

As long as nothing returns something to wait for, all happens in one call, without a task or a future.  From
the first thing to wait for, the rest happens in one task.

However the handler ends (by returning, finishing, raising, or being cancelled), the response is ended, and
then `on_finish` is called once.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Awaitable, Coroutine
from types import TracebackType
from typing import TYPE_CHECKING, Any

from waterspout import httputil
from waterspout._loggers import app_log, gen_log
from waterspout.iostream import StreamClosedError
from waterspout.web.arguments import check_input, path_values
from waterspout.web.errors import Finish, HTTPError
from waterspout.web.xsrf import protect

if TYPE_CHECKING:
    from waterspout.web.application import Application
    from waterspout.web.handler import RequestHandler

# asyncio refers to its tasks weakly; after a disconnect nobody else might hold the task of a request.
_tasks: set[asyncio.Task[None]] = set()

#: What a handler may raise to end its request; other exceptions end the program.
FAILURES = (Exception, asyncio.CancelledError)


class HandlerDelegate(httputil.HTTPMessageDelegate):
    """Receives one request for a handler class and runs the handler."""

    __slots__ = (
        "_chunks",
        "_context",
        "_handler_class",
        "_handler_kwargs",
        "_path_args",
        "_path_kwargs",
        "_received",
        "application",
        "handler",
        "request",
    )

    def __init__(
        self,
        application: Application,
        request: httputil.HTTPServerRequest,
        handler_class: type[RequestHandler],
        handler_kwargs: dict[str, Any] | None,
        path_args: list[bytes | None] | None,
        path_kwargs: dict[str, bytes | None] | None,
    ) -> None:
        self.application = application
        self.request = request
        self.handler: RequestHandler | None = None
        self._handler_class = handler_class
        self._handler_kwargs = handler_kwargs
        self._path_args = path_args
        self._path_kwargs = path_kwargs
        self._chunks: list[bytes] | None = None
        self._received = False
        self._context: contextvars.Context | None = None

    # What the connection calls

    def headers_received(
        self,
        start_line: httputil.RequestStartLine | httputil.ResponseStartLine,
        headers: httputil.HTTPHeaders,
    ) -> Awaitable[None] | None:
        """Begin with the handler if it takes the body in pieces; they wait for its ``prepare``."""
        if not self._handler_class._stream_request_body:
            return None
        return self._run_in_context(self._begin)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Keep a piece of the body, or give it to the handler."""
        if not self._handler_class._stream_request_body:
            if self._chunks is None:
                self._chunks = []
            self._chunks.append(chunk)
            return None
        return self._run_in_context(self._feed, chunk)

    def finish(self) -> None:
        """Run the handler; the body is complete."""
        self._received = True
        if self._handler_class._stream_request_body:
            if self.handler is not None:
                self._run_in_context(self._call)
            return
        if self._chunks is not None:
            self.request.body = b"".join(self._chunks)
        context = self._context = contextvars.copy_context()
        context.run(self._begin)

    def on_connection_close(self) -> None:
        """Tell the handler; if it still waited for the body, that is the end of it."""
        handler = self.handler
        if handler is None or self._context is None:
            return
        # A copy, because the loss can be noticed while the handler writes, that is, inside the context.
        context = self._context.copy()
        try:
            context.run(handler.on_connection_close)
        except Exception:
            app_log.error("uncaught exception in on_connection_close", exc_info=True)
        if not self._received and not handler._response.finished:
            handler._response.finished = True
            context.run(_call_on_finish, handler)

    def execute(self) -> Awaitable[None] | None:
        """Run the handler for a request that is complete; returns what to wait for, if anything."""
        self._received = True
        return self._run_in_context(self._begin)

    def _run_in_context(self, step: Any, *args: Any) -> asyncio.Task[None] | None:
        if self._context is None:
            self._context = contextvars.copy_context()
        task: asyncio.Task[None] | None = self._context.run(step, *args)
        return task

    # The steps

    def _begin(self) -> asyncio.Task[None] | None:
        """Make the handler and prepare it, and if the body is there, go on to the method."""
        request = self.request
        handler = self.handler = self._handler_class(self.application, request, **(self._handler_kwargs or {}))
        try:
            if request.method not in handler._safe_methods:
                _admit(handler)
            if request.query or request.body:
                check_input(request)
            handler.path_args = []
            handler.path_kwargs = {}
            if self._path_args or self._path_kwargs:
                self._decode_path(handler)
            if (prepared := handler.prepare()) is not None and must_wait(prepared, "prepare"):
                return start_limited(handler, self._after_prepare(handler, prepared))
        except FAILURES as error:
            fail(handler, error)
            return None
        return self._call() if self._received else None

    def _decode_path(self, handler: RequestHandler) -> None:
        decode = handler.decode_argument
        handler.path_args = path_values(self._path_args or (), decode)
        named = self._path_kwargs or {}
        handler.path_kwargs = dict(zip(named, path_values(named.values(), decode), strict=True))

    def _call(self) -> asyncio.Task[None] | None:
        """Call the method, and finish unless there is something to wait for."""
        handler: RequestHandler = self.handler  # type: ignore[assignment]
        response = handler._response
        if response.finished:
            return None
        try:
            method = getattr(handler, handler.request.method.lower())  # type: ignore[union-attr]
            result = method(*handler.path_args, **handler.path_kwargs)
            if result is not None and must_wait(result, handler.request.method):
                return start_limited(handler, self._after_method(handler, result))
            if not response.finished and handler._auto_finish:
                handler.finish()
        except FAILURES as error:
            fail(handler, error)
        return None

    def _feed(self, chunk: bytes) -> asyncio.Task[None] | None:
        handler = self.handler
        if handler is None or handler._response.finished:
            return None
        try:
            result = handler.data_received(chunk)
            if result is not None and must_wait(result, "data_received"):
                return start_task(_guarded(handler, result))
        except FAILURES as error:
            fail(handler, error)
        return None

    async def _after_prepare(self, handler: RequestHandler, prepared: Awaitable[Any]) -> None:
        await _guarded(handler, prepared)
        # A streamed body comes first; then `finish` goes on.
        if not handler._response.finished and not self._handler_class._stream_request_body:
            try:
                method = getattr(handler, (handler.request.method or "").lower())
                result = method(*handler.path_args, **handler.path_kwargs)
                if result is not None and not must_wait(result, handler.request.method):
                    result = None
            except FAILURES as error:
                fail(handler, error)
                return
            await self._after_method(handler, result)

    async def _after_method(self, handler: RequestHandler, result: Awaitable[Any] | None) -> None:
        if result is not None:
            await _guarded(handler, result)
        if not handler._response.finished and (handler._auto_finish or result is not None):
            try:
                handler.finish()
            except FAILURES as error:
                fail(handler, error)


def _admit(handler: RequestHandler) -> None:
    """Check a request that may change something; raises `HTTPError` for one that may not go on."""
    request = handler.request
    if request.method not in handler.SUPPORTED_METHODS:
        raise HTTPError(405)
    # A token may be in the form.
    check_input(request)
    protect(handler)


def must_wait(result: Any, source: str | None) -> bool:
    """Whether ``result`` is not done yet; a failure that is there already is raised."""
    if asyncio.isfuture(result):
        if not result.done():
            return True
        result.result()
        return False
    if inspect.isawaitable(result):
        return True
    raise TypeError(
        f"{source} returned {type(result).__name__}; a handler's methods return None or an awaitable, "
        "and answer by write()"
    )


async def _guarded(handler: RequestHandler, awaitable: Awaitable[Any]) -> None:
    try:
        await awaitable
    except Exception as error:
        fail(handler, error)
    except asyncio.CancelledError as error:
        fail(handler, error)
        raise


def start_task(coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Run ``coroutine`` in a task that lives until it is done."""
    task = asyncio.get_running_loop().create_task(coroutine)
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    return task


def start_limited(handler: RequestHandler, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Run ``coroutine`` in a task, for no longer than the time limit of ``handler``."""
    task = start_task(coroutine)
    if handler.time_limit is not None:
        timer = task.get_loop().call_later(handler.time_limit, _time_is_up, handler, task)
        task.add_done_callback(lambda done: timer.cancel())
    return task


def _time_is_up(handler: RequestHandler, task: asyncio.Task[None]) -> None:
    # First the answer, so that what the cancelling leads to cannot be another one.
    fail(handler, HTTPError(503, "the time limit of %g s is over", handler.time_limit))
    task.cancel()


# Endings


def fail(handler: RequestHandler, error: BaseException) -> None:
    """End the request because of ``error``: log it, answer with the error page if nothing was sent yet."""
    if isinstance(error, Finish):
        if not handler._response.finished:
            _attempt(handler, lambda: handler.finish(*error.args))
        return
    if isinstance(error, StreamClosedError) and handler._response.sent:
        # The client left while the response was on its way, which is nobody's mistake.
        gen_log.info("the client left during %s", summary(handler.request))
        end_response(handler)
        return
    if isinstance(error, asyncio.CancelledError) and handler._response.finished:
        # Nothing is missing: the answer was complete before.
        return
    log_failure(handler, error)
    if handler._response.finished:
        return
    status = error.status_code if isinstance(error, HTTPError) else 500
    _attempt(handler, lambda: handler.send_error(status, exc_info=exc_info_of(error)))


def _attempt(handler: RequestHandler, ending: Any) -> None:
    try:
        ending()
    except Exception as error:
        log_failure(handler, error)
        end_response(handler)


def end_response(handler: RequestHandler) -> None:
    """End a response that has failed, with an empty error if nothing was sent, and the request with it."""
    response = handler._response
    if response.finished:
        return
    try:
        if response.sent:
            response.give_up()
        else:
            response.reset()
            response.set_status(500, None)
            response.finish()
    except Exception:
        app_log.error("the response to %s could not be ended", summary(handler.request), exc_info=True)
    response.finished = True
    completed(handler)


def completed(handler: RequestHandler) -> None:
    """Log the request and call ``on_finish``: its response is out."""
    handler.application.log_request(handler)
    handler.on_finish()


def nothing_to_wait_for() -> asyncio.Future[None]:
    """Return a future that is done."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    done.set_result(None)
    return done


def _call_on_finish(handler: RequestHandler) -> None:
    try:
        handler.on_finish()
    except Exception as error:
        log_failure(handler, error)


def log_failure(handler: RequestHandler, error: BaseException) -> None:
    """Log what a hook raised, in the handler's own way."""
    try:
        handler.log_exception(*exc_info_of(error))
    except Exception:
        app_log.error("log_exception itself failed", exc_info=True)


def exc_info_of(error: BaseException) -> tuple[type[BaseException], BaseException, TracebackType | None]:
    """Return ``error`` in the form of `sys.exc_info`."""
    return type(error), error, error.__traceback__


def summary(request: httputil.HTTPServerRequest) -> str:
    """Return one line about a request, for logs."""
    return f"{request.method} {request.uri} ({request.remote_ip})"
