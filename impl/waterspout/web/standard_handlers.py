"""Handlers for the routing table, ready made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from waterspout import httputil
from waterspout.web import redirects
from waterspout.web.errors import HTTPError
from waterspout.web.handler import RequestHandler


class ErrorHandler(RequestHandler):
    """Answers every request with the error ``status_code``.  Documentation: ``web.ErrorHandler``."""

    def initialize(self, status_code: int) -> None:
        """Take the status."""
        self.set_status(status_code)

    def prepare(self) -> None:
        """Raise the error, whatever the method."""
        raise HTTPError(self.get_status())

    def check_xsrf_cookie(self) -> None:
        """Do without: the answer is an error anyway, and it should be the right one."""

    def check_trusted_origin(self, origin: str) -> bool:
        """Trust everybody, for the same reason."""
        return True


class RedirectHandler(RequestHandler):
    """Redirects GET to ``url``, with 301, or 302 if ``permanent`` is false.

    The groups of the path go where the URL has ``{0}``, ``{1}`` or, if they have names, ``{name}``.  The
    query of the request is added to that of the URL.  Documentation: ``web.RedirectHandler``.
    """

    def initialize(self, url: str, permanent: bool = True) -> None:
        """Take the arguments of the route."""
        self._url = url
        self._permanent = permanent

    def get(self, *args: str | None, **kwargs: str | None) -> None:
        """Redirect."""
        url = redirects.expand(self._url, args, kwargs)
        self.redirect(redirects.retain_query(url, self.request), permanent=self._permanent)


class FallbackHandler(RequestHandler):
    """Hands the request to another callable, such as another application, which answers on its own.

    Documentation: ``web.FallbackHandler``.
    """

    def initialize(self, fallback: Callable[[httputil.HTTPServerRequest], Any]) -> None:
        """Take the callable."""
        self.fallback = fallback

    def prepare(self) -> None:
        """Hand the request over; nothing more happens here."""
        self.fallback(self.request)
        self._response.finished = True
        self.on_finish()


class ServerOptionsHandler(RequestHandler):
    """Answers ``OPTIONS *``, which asks about the server, not a resource (RFC 9110, section 9.3.7)."""

    def options(self) -> None:
        """Say that the server is there, and which methods it knows."""
        self.set_status(204)
        self.set_header("Allow", ", ".join(self.SUPPORTED_METHODS))


def stream_request_body(cls: type[RequestHandler]) -> type[RequestHandler]:
    """Decorate a handler class so that it takes the body of a request in pieces, by ``data_received``.

    ``prepare`` is called when the head is there, the method when the body is complete; ``request.body`` stays
    empty.  Documentation: ``web.stream_request_body``.
    """
    if not (isinstance(cls, type) and issubclass(cls, RequestHandler)):
        raise TypeError(f"stream_request_body decorates subclasses of RequestHandler, not {cls!r}")
    cls._stream_request_body = True
    return cls
