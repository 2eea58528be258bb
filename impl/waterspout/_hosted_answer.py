"""The answer of an application that another interface than this package's made: one for WSGI, or for ASGI.

Such an application says status, fields and content; this class checks them, adds what a server adds, and sends them to
the connection of the request.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable

from waterspout import __version__
from waterspout._http_date import http_date
from waterspout._loggers import access_log, app_log, gen_log
from waterspout.concurrent import Future
from waterspout.httputil import HTTPHeaders, HTTPInputError, HTTPServerRequest, ResponseStartLine, responses
from waterspout.iostream import StreamClosedError
from waterspout.web.errors import WITHOUT_CONTENT
from waterspout.web.lifecycle import summary

_SERVER = f"Waterspout/{__version__}"
#: Fields of one connection, which is the server's (RFC 9110, section 7.6.1).
_OF_CONNECTION = frozenset(
    ("Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade")
)
# What can stand in a status line: no controls, no line ends (RFC 9112, section 4).
_REASON = re.compile(r"[\t -~\x80-\xff]*")


class HostedAnswer:
    """One answer on its way.  ``sent`` tells that its head is out, ``finished`` that all of it is."""

    def __init__(self, request: HTTPServerRequest, log: Callable[[int, HTTPServerRequest], None] | None = None) -> None:
        self.request = request
        self._log = log or log_request
        self.status = 200
        self.reason = ""
        self.headers: HTTPHeaders | None = None
        self.sent = False
        self.finished = False
        #: Whether the client is known to have gone.
        self.client_left = False

    def start(
        self,
        status: int,
        reason: str | None,
        fields: Iterable[tuple[str, str]],
        content_type: str | None = "text/html; charset=UTF-8",
    ) -> None:
        """Take the head; it is sent with the first content.

        ``content_type`` is for an answer that does not say its own.  Raises ValueError for what cannot stand there.
        """
        reason = responses.get(status, "Unknown") if reason is None else reason
        if not 200 <= status <= 599 or not _REASON.fullmatch(reason):
            raise ValueError(f"the status of an answer is from 200 to 599, with one line of reason: {status} {reason}")
        headers = HTTPHeaders()
        for name, value in fields:
            if name.title() in _OF_CONNECTION:
                raise ValueError(f"{name} is about the connection, which belongs to the server")
            try:
                headers.add(name, value)
            except HTTPInputError as error:
                raise ValueError(str(error)) from None
        if content_type is not None and status not in WITHOUT_CONTENT and "Content-Type" not in headers:
            headers["Content-Type"] = content_type
        for name, default in (("Server", _SERVER), ("Date", http_date())):
            if name not in headers:
                headers[name] = default
        self.status, self.reason, self.headers = status, reason, headers

    def send(self, content: bytes) -> Future[None]:
        """Send content, and the head before it; the future is done when there is room for more.

        It raises :exc:`StreamClosedError` when the client has gone, and `httputil.HTTPOutputError` for more content
        than the head declared.
        """
        if self.headers is None:
            raise RuntimeError("the application sent content without a status before it")
        connection = self.request.connection
        if self.sent:
            return connection.write(content)  # type: ignore[no-any-return]
        self.sent = True
        line = ResponseStartLine("HTTP/1.1", self.status, self.reason)
        return connection.write_headers(line, self.headers, content or None)  # type: ignore[no-any-return]

    def finish(self) -> None:
        """End the answer and log the request."""
        if not self.sent:
            self.send(b"")
        self.finished = True
        self.request.connection.finish()
        self._log(self.status, self.request)

    def finish_with(self, contents: list[bytes]) -> Future[None]:
        """Send all of the content, with its length unless the head says one, and end the answer."""
        content = b"".join(contents)
        headers = self.headers
        if (
            headers is not None
            and "Content-Length" not in headers
            and self.status not in WITHOUT_CONTENT
            and (content or self.request.method != "HEAD")
        ):
            headers["Content-Length"] = str(len(content))
        sent = self.send(content)
        self.finish()
        return sent

    def fail(self, error: BaseException) -> None:
        """End the answer because of ``error``: with status 500, or by closing when something was sent already."""
        if self.client_left or (self.sent and isinstance(error, StreamClosedError)):
            # The client left while the answer was on its way, which is nobody's mistake.
            gen_log.info("the client left during %s", summary(self.request))
            return
        app_log.error("uncaught exception in the application for %s", summary(self.request), exc_info=error)
        if self.finished:
            return
        if not self.sent:
            self.start(500, None, [("Content-Type", "text/plain")])
            self.finish_with([b"500: Internal Server Error\n"])
            return
        self.finished = True
        # The client must not take what it has for the whole.
        connection = self.request.connection
        getattr(connection, "abort", connection.finish)()
        self.status = 500
        self._log(self.status, self.request)


def log_request(status: int, request: HTTPServerRequest) -> None:
    """Write the line of a request that was answered to the access log."""
    level = logging.INFO if status < 400 else logging.WARNING if status < 500 else logging.ERROR
    access_log.log(level, "%d %s %.2fms", status, summary(request), 1000.0 * request.request_time())
