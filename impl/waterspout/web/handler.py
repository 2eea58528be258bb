"""`RequestHandler`, what applications subclass: the face of the parts in this package."""

from __future__ import annotations

import inspect
from asyncio import Future
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from waterspout import httputil
from waterspout._callback_argument import call_back
from waterspout._legacy_names import legacy_name
from waterspout._loggers import app_log, gen_log
from waterspout.escape import json_encode
from waterspout.iostream import IOStream, StreamClosedError
from waterspout.web import lifecycle, redirects
from waterspout.web.argument_methods import ArgumentMethods
from waterspout.web.conditional import CONDITIONS, content_tag, none_match_fails, verdict
from waterspout.web.cookie_methods import CookieMethods
from waterspout.web.errors import WITHOUT_CONTENT, HTTPError, error_page, traceback_page
from waterspout.web.page_methods import PageMethods
from waterspout.web.response import HeaderValue, Response, field_text, header_text
from waterspout.web.xsrf import SAFE_METHODS, XSRFMethods

if TYPE_CHECKING:
    from waterspout.web.application import Application

_METHODS = ("GET", "HEAD", "POST", "DELETE", "PATCH", "PUT", "OPTIONS")


def _not_allowed(self: RequestHandler, *args: str, **kwargs: str) -> None:
    raise HTTPError(405)


def _options(self: RequestHandler, *args: str, **kwargs: str) -> None:
    if not self.settings.get("automatic_options"):
        raise HTTPError(405)
    # RFC 9110, section 9.3.7: what may be done with this resource.
    self.set_status(204)
    self.set_header("Allow", _allow_with_options(self))


def _allow_with_options(self: RequestHandler) -> str:
    if type(self).options is not _options or "OPTIONS" not in self.SUPPORTED_METHODS:
        return self._allow
    return f"{self._allow}, OPTIONS" if self._allow else "OPTIONS"


#: What stands in the place of methods that a class does not define.
_UNDEFINED = (_not_allowed, _options)


class RequestHandler(ArgumentMethods, CookieMethods, XSRFMethods, PageMethods):
    """Answers one request; subclass it and define ``get``, ``post`` and so on.

    The methods are called with the groups of the path pattern.  They may be coroutines, as may `prepare` and
    `data_received`; the response is finished when they are done.  Errors: see `HTTPError` and `write_error`.
    Documentation: ``web.RequestHandler``.
    """

    #: The methods that may be defined; each is answered by the handler's method of that name in lower case.
    SUPPORTED_METHODS: tuple[str, ...] = _METHODS

    #: Seconds that ``prepare`` and the method may wait, together, or each by itself around a body in pieces; then they
    #: are cancelled, and the answer is 503, or ends where it is.  None for no limit.  Released Tornado has none.
    time_limit: float | None = None

    _stream_request_body = False
    # False while the answer waits for finish(), whatever the method returned.
    _auto_finish = True
    _allow: str
    # Those that may go on without any check.
    _safe_methods: frozenset[str] = SAFE_METHODS

    #: The groups of the path: those without names, and those with.
    path_args: list[str | None]
    path_kwargs: dict[str, str | None]

    def __init__(self, application: Application, request: httputil.HTTPServerRequest, **kwargs: Any) -> None:
        self.application = application
        self.request = request
        self._response = Response(request, self._allow, application.transforms)
        self.set_default_headers()
        self.initialize(**kwargs)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._allow = allowed_methods(cls)
        cls._safe_methods = SAFE_METHODS.intersection(cls.SUPPORTED_METHODS)

    # Programs have always looked at these, although no documentation has them.

    @property
    def _finished(self) -> bool:
        return self._response.finished

    @property
    def _headers_written(self) -> bool:
        return self._response.sent

    # Hooks

    def _initialize(self) -> None:
        pass

    #: Receives the third item of the route as keyword arguments; to be overridden, and only to keep them.
    #: Documentation: ``web.RequestHandler.initialize``.
    initialize: Callable[..., None] = _initialize

    def prepare(self) -> Awaitable[None] | None:
        """Called before the method, whatever it is; if it finishes the response, the method is not called.

        Documentation: ``web.RequestHandler.prepare``.
        """
        return None

    get: Callable[..., Awaitable[None] | None] = _not_allowed
    head: Callable[..., Awaitable[None] | None] = _not_allowed
    post: Callable[..., Awaitable[None] | None] = _not_allowed
    delete: Callable[..., Awaitable[None] | None] = _not_allowed
    patch: Callable[..., Awaitable[None] | None] = _not_allowed
    put: Callable[..., Awaitable[None] | None] = _not_allowed
    options: Callable[..., Awaitable[None] | None] = _options

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Called with each piece of the body, if the class is decorated with `stream_request_body`.

        Documentation: ``web.RequestHandler.data_received``.
        """
        raise NotImplementedError(f"{type(self).__name__} takes its body in pieces and must define data_received")

    def on_finish(self) -> None:
        """Called once, when the response is out.  Documentation: ``web.RequestHandler.on_finish``."""

    def on_connection_close(self) -> None:
        """Called when the client disconnects before the response is finished, if that is noticed.

        Documentation: ``web.RequestHandler.on_connection_close``.
        """

    def set_default_headers(self) -> None:
        """Called at the start of a response, and again of an error response, to set fields on it.

        Documentation: ``web.RequestHandler.set_default_headers``.
        """

    def get_current_user(self) -> Any:
        """Return who sent the request, or None.  Documentation: ``web.RequestHandler.get_current_user``."""
        return None

    def get_login_url(self) -> str:
        """Return where `authenticated` sends those who are to log in: the setting ``login_url``.

        Documentation: ``web.RequestHandler.get_login_url``.
        """
        self.require_setting("login_url", "@authenticated")
        url: str = self.settings["login_url"]
        return url

    # What is around

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the application.  Documentation: ``web.RequestHandler.settings``."""
        return self.application.settings

    @property
    def current_user(self) -> Any:
        """What `get_current_user` said when it was first asked.

        Documentation: ``web.RequestHandler.current_user``.
        """
        if "_current_user" not in self.__dict__:
            self._current_user = self.get_current_user()
        return self._current_user

    @current_user.setter
    def current_user(self, value: Any) -> None:
        self._current_user = value

    def require_setting(self, name: str, feature: str = "this feature") -> None:
        """Raise an exception unless the application has the setting ``name``.

        Documentation: ``web.RequestHandler.require_setting``.
        """
        if not self.settings.get(name):
            raise Exception(f"{feature} needs the setting {name!r}; pass it to Application(...)")

    def reverse_url(self, name: str, *args: Any) -> str:
        """Return the path of the route ``name`` with ``args`` for its groups.

        Documentation: ``web.RequestHandler.reverse_url``.
        """
        return self.application.reverse_url(name, *args)

    def static_url(self, path: str, include_host: bool | None = None, **kwargs: Any) -> str:
        """Return the URL of a file below the setting ``static_path``, with its version.

        With ``include_host``, or an attribute of that name, it is a whole URL.  ``kwargs`` are those of
        ``make_static_url`` of the setting ``static_handler_class``.  Raises `Exception` without ``static_path``.
        Documentation: ``web.RequestHandler.static_url``.
        """
        self.require_setting("static_path", "static_url()")
        if include_host is None:
            include_host = getattr(self, "include_host", False)
        base = f"{self.request.protocol}://{self.request.host}" if include_host else ""
        url: str = self.application.static_handler_class.make_static_url(self.settings, path, **kwargs)
        return base + url

    def async_callback(self, callback: Callable[..., Any] | None, *args: Any, **kwargs: Any) -> Any:
        """Return ``callback`` with ``args`` bound, such that its exceptions end this request with an error page.

        Legacy; see `waterspout.legacy.web`.  Documentation: ``web.RequestHandler.async_callback`` (Tornado 3.2).
        """
        return legacy_name("waterspout.legacy.web", "async_callback")(self, callback, *args, **kwargs)

    # The response

    def set_status(self, status_code: int, reason: str | None = None) -> None:
        """Set the status; the reason phrase comes with it unless given.

        Documentation: ``web.RequestHandler.set_status``.
        """
        self._response.set_status(status_code, reason)

    def get_status(self) -> int:
        """Return the status so far.  Documentation: ``web.RequestHandler.get_status``."""
        return self._response.status

    def set_header(self, name: str, value: HeaderValue) -> None:
        """Set a field, in place of what it was.  A `datetime.datetime` becomes an HTTP date.

        Raises `ValueError` for a name or value that may not be in a head, `TypeError` for other types.
        Documentation: ``web.RequestHandler.set_header``.
        """
        self._response.headers[name] = header_text(name, value)

    def add_header(self, name: str, value: HeaderValue) -> None:
        """Add a field beside those of that name.  Documentation: ``web.RequestHandler.add_header``."""
        self._response.headers.add(name, header_text(name, value))

    def clear_header(self, name: str) -> None:
        """Remove a field, if it is there.  Documentation: ``web.RequestHandler.clear_header``."""
        self._response.headers.pop(name, None)

    def clear(self) -> None:
        """Forget status, fields and content so far.  Documentation: ``web.RequestHandler.clear``."""
        self._response.reset()
        self.set_default_headers()

    def write(self, chunk: str | bytes | dict[str, Any]) -> None:
        """Add to the content: text as UTF-8, a dict as JSON, with the ``Content-Type`` for that.

        Lists are refused: `write` them inside a dict, or as text of your own making.  Raises `RuntimeError`
        after `finish`.  Documentation: ``web.RequestHandler.write``.
        """
        response = self._response
        if response.finished:
            raise RuntimeError("write() after finish(): the response is complete, perhaps by redirect()")
        if isinstance(chunk, str):
            chunk = chunk.encode("utf-8")
        elif isinstance(chunk, dict):
            chunk = json_encode(chunk).encode("utf-8")
            response.headers["Content-Type"] = "application/json; charset=UTF-8"
        elif not isinstance(chunk, bytes):
            raise TypeError(f"write() takes str, bytes or dict, not {type(chunk).__name__}")
        response.buffer.append(chunk)

    def flush(self, include_footers: bool = False, callback: Callable[[], Any] | None = None) -> Future[None]:
        """Send what was written so far; fields and status are fixed then.

        The future is done when there is room for more; cancelling it takes nothing back.  If the client has
        left, it fails.  Legacy: ``callback()`` is called when it is done, and not if it fails.  Documentation:
        ``web.RequestHandler.flush``.
        """
        done = self._response.flush()
        return done if callback is None else call_back(done, callback, quiet=StreamClosedError, with_result=False)

    def finish(self, chunk: str | bytes | dict[str, Any] | None = None) -> Future[None]:
        """Write ``chunk``, if given, and end the response.  The future is as for `flush`.

        Raises `RuntimeError` when called twice, and if the content does not fit status or
        ``Content-Length``.  Documentation: ``web.RequestHandler.finish``.
        """
        response = self._response
        if response.finished:
            raise RuntimeError("finish() was called twice; a response ends once")
        if chunk is not None:
            self.write(chunk)
        if response.status == 200 and not response.sent and self.request.method in ("GET", "HEAD"):
            # Also for a tag that the handler chose: RFC 9110, section 13.2.1, has conditions evaluated in any
            # case.  Released Tornado then leaves that to the handler.
            if "Etag" not in response.headers:
                self.set_etag_header()
            if (has_copy := self.check_etag_header()) or self.request.headers.contains_any(CONDITIONS):
                self._apply_conditions(has_copy)
                if response.finished:
                    return lifecycle.nothing_to_wait_for()
        done = response.finish()
        self.application.log_request(self)
        self.on_finish()
        return done

    def redirect(self, url: str, permanent: bool = False, status: int | None = None) -> None:
        """End the response by sending the client to ``url``: with 302, 301 if ``permanent``, or ``status``.

        Raises `RuntimeError` when the head is out, `ValueError` for a status that is not 3xx.
        Documentation: ``web.RequestHandler.redirect``.
        """
        if self._response.sent:
            raise RuntimeError("redirect() after flush(): the head of this response is out already")
        self.set_status(redirects.status_of(permanent, status))
        self.set_header("Location", redirects.location(url))
        self.finish()

    def detach(self) -> IOStream:
        """Take the connection over, as a stream, for a protocol of one's own.

        The request is over for the framework: nothing more is sent, logged or called, and the stream is the caller's
        to close.  What was written and not flushed is dropped.  Raises `httputil.HTTPOutputError` when the client has
        left.  Documentation: ``web.RequestHandler.detach``.
        """
        connection: Any = self.request.connection
        stream: IOStream = connection.detach()
        self._response.finished = True
        return stream

    # Entity tags

    def _apply_conditions(self, has_copy: bool) -> None:
        status = verdict(self.request.headers, self._response.headers, has_copy)
        if status == 304:
            self._response.buffer.clear()
            self.set_status(304)
        elif status == 412:
            self.send_error(412)

    def compute_etag(self) -> str | None:
        """Return the entity tag of the content written so far, or None for no tag.

        Documentation: ``web.RequestHandler.compute_etag``.
        """
        return content_tag(self._response.buffer)

    def set_etag_header(self) -> None:
        """Set ``Etag`` to what `compute_etag` says.

        Documentation: ``web.RequestHandler.set_etag_header``.
        """
        etag = self.compute_etag()
        if etag is not None:
            self._response.headers["Etag"] = field_text("Etag", etag)

    def check_etag_header(self) -> bool:
        """Whether the client has this content already, by ``Etag`` and the request's ``If-None-Match``.

        Documentation: ``web.RequestHandler.check_etag_header``.
        """
        if "If-None-Match" not in self.request.headers:
            return False
        etag = self._response.headers.get("Etag")
        return etag is not None and none_match_fails(self.request.headers["If-None-Match"], etag)

    # Errors

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """End the response with an error page, made by `write_error`; ``kwargs`` go there.

        ``reason`` in ``kwargs``, or of an `HTTPError` in ``exc_info``, becomes the reason phrase.  After
        `flush` there is no place for an error page, and the response just ends.  Documentation:
        ``web.RequestHandler.send_error``.
        """
        response = self._response
        if response.sent:
            gen_log.error("no error page for %s: its head is out", lifecycle.summary(self.request))
            lifecycle.end_response(self)
            return
        self.clear()
        error = kwargs["exc_info"][1] if "exc_info" in kwargs else None
        reason = error.reason if isinstance(error, HTTPError) else None
        self.set_status(status_code, kwargs.get("reason") or reason)
        if status_code == 405 and self.settings.get("automatic_options"):
            response.allow = _allow_with_options(self)
        try:
            # Declared to return nothing; a subclass may still make a coroutine of it.
            returned: Any = self.write_error(status_code, **kwargs)  # type: ignore[func-returns-value]
            if inspect.iscoroutine(returned):
                returned.close()
                raise TypeError("write_error() may not be a coroutine: the response ends when it returns")
        except Exception:
            app_log.error("write_error itself failed", exc_info=True)
            response.buffer.clear()
        if not response.finished:
            self.finish()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Write the error page; override it for your own.  ``exc_info`` in ``kwargs`` is the exception, if
        any.

        Documentation: ``web.RequestHandler.write_error``.
        """
        if status_code in WITHOUT_CONTENT:
            return
        if self.settings.get("serve_traceback") and "exc_info" in kwargs:
            self.set_header("Content-Type", "text/plain; charset=UTF-8")
            self.finish(traceback_page(kwargs["exc_info"]))
        else:
            self.finish(error_page(status_code, self._response.reason))

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log an exception of this handler: an `HTTPError` as a warning if it has a message, others in full.

        Documentation: ``web.RequestHandler.log_exception``.
        """
        summary = lifecycle.summary(self.request)
        if isinstance(value, HTTPError):
            message = value.get_message()
            if message:
                gen_log.warning("%d %s: %s", value.status_code, summary, message)
            return
        assert typ is not None
        assert value is not None
        app_log.error("Uncaught exception %s\n%r", summary, self.request, exc_info=(typ, value, tb))


def allowed_methods(handler_class: type[RequestHandler]) -> str:
    """Return the ``Allow`` field of a handler class: the methods that it defines."""
    defined = [
        method
        for method in handler_class.SUPPORTED_METHODS
        if getattr(handler_class, method.lower(), _not_allowed) not in _UNDEFINED
    ]
    return ", ".join(defined)


RequestHandler._allow = ""
