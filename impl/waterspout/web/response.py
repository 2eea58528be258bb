"""The response that a handler builds up: status, header fields, cookies, and the content not sent yet.

The head goes out with the first piece of content, in one write, so nothing of the response is fixed before
the first `flush`, and an error until then can still become a proper error page.  A response that is not
flushed before its end gets a ``Content-Length``; otherwise the connection chooses the framing (RFC 9112,
section 6).
"""

from __future__ import annotations

import contextlib
import datetime
import numbers
import re
from asyncio import Future
from collections.abc import Sequence

from waterspout import __version__
from waterspout._http_date import http_date
from waterspout.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPOutputError,
    HTTPServerRequest,
    ResponseStartLine,
    format_timestamp,
    responses,
)
from waterspout.web.cookies import CookieJar
from waterspout.web.errors import WITHOUT_CONTENT
from waterspout.web.transforms import OutputTransform

HeaderValue = str | bytes | int | numbers.Integral | datetime.datetime

_SERVER = f"Waterspout/{__version__}"
_HTML = "text/html; charset=UTF-8"

_FIELD_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# field-content and reason-phrase (RFC 9110, section 5.5; RFC 9112, section 4): no controls, no line ends.
_FIELD_TEXT = re.compile(r"[\t -~\x80-\xff]*")

#: Statuses whose responses end with their head.
_NO_CONTENT = WITHOUT_CONTENT.union(range(100, 200))
# What describes content has no place in a response without any (RFC 9110, section 8).
_CONTENT_FIELDS = ("Content-Encoding", "Content-Language", "Content-Length", "Content-Range", "Content-Type")


class Response:
    """One response on its way; ``sent`` tells that its head is out, ``finished`` that all of it is."""

    __slots__ = (
        "_cookies",
        "_transform_classes",
        "_transforms",
        "allow",
        "buffer",
        "finished",
        "headers",
        "reason",
        "request",
        "sent",
        "status",
    )

    headers: HTTPHeaders
    status: int
    reason: str

    def __init__(
        self, request: HTTPServerRequest, allow: str, transform_classes: Sequence[type[OutputTransform]]
    ) -> None:
        self.request = request
        #: The ``Allow`` field that goes with status 405.
        self.allow = allow
        self.sent = False
        self.finished = False
        self._cookies: CookieJar | None = None
        self._transform_classes = transform_classes
        self._transforms: Sequence[OutputTransform] = ()
        self.reset()

    def reset(self) -> None:
        """Go back to an empty 200 with the default fields.  Cookies stay, an error page can need them."""
        self.headers = HTTPHeaders.from_spelled({"Server": _SERVER, "Content-Type": _HTML, "Date": http_date()})
        self.buffer: list[bytes] = []
        self.status = 200
        self.reason = "OK"

    @property
    def cookies(self) -> CookieJar:
        """The cookies to set."""
        if self._cookies is None:
            self._cookies = CookieJar()
        return self._cookies

    def set_status(self, status: int, reason: str | None) -> None:
        """Set the status; a reason that cannot stand in a status line is replaced."""
        if not isinstance(status, int):
            raise TypeError(f"a status code is an int, not {status!r}")
        if not 100 <= status <= 999:
            raise ValueError(f"a status code has three digits: {status}")
        self.status = status
        if reason is None:
            reason = responses.get(status, "Unknown")
        elif not _FIELD_TEXT.fullmatch(reason):
            # Often text of an exception; the status matters more, so this is no reason for an error.
            reason = "Unknown"
        self.reason = reason

    # Sending

    def flush(self) -> Future[None]:
        """Send the head, if it is not out, and the content so far."""
        if self.finished:
            raise RuntimeError("flush() after the end of the response; write and flush before finish()")
        return self._send(False)

    def finish(self) -> Future[None]:
        """Send what is left, and end the response.

        Raises `RuntimeError`, with nothing sent, if the content does not fit status or ``Content-Length``.
        """
        if not self.sent:
            self._fix_length()
        done = self._send(True)
        self.request.connection.finish()
        self.finished = True
        return done

    def switch_protocols(self, fields: list[tuple[str, str]]) -> bool:
        """Send 101 with ``fields``: the end of HTTP on this connection; whether the client is still there."""
        self.buffer.clear()
        self.set_status(101, None)
        self.headers.pop("Content-Type", None)
        for name, value in fields:
            self.headers[name] = value
        done = self._send(True)
        self.finished = True
        return not done.done() or done.exception() is None

    def give_up(self) -> None:
        """End a response that has begun and cannot go on, as far as it got."""
        self.buffer.clear()
        self.finished = True
        # If the head declared more than that, the connection is closed, which tells the client.
        with contextlib.suppress(HTTPOutputError):
            self.request.connection.finish()

    def _fix_length(self) -> None:
        size = sum(map(len, self.buffer))
        length = str(size)
        headers = self.headers
        status = self.status
        if status in _NO_CONTENT:
            if size:
                raise RuntimeError(f"a response with status {status} has no content, {size} bytes were written")
            if status == 205:
                headers["Content-Length"] = "0"
        elif self._transform_classes:
            # Their output is what counts; they see the whole content and can still say how long it will be.
            headers["Content-Length"] = length
        elif (declared := headers.setdefault("Content-Length", length)) != length and self.request.method != "HEAD":
            raise RuntimeError(f"Content-Length is {declared}, {size} bytes were written; leave the field out")

    def _send(self, finishing: bool) -> Future[None]:
        # A single piece is not copied.
        chunk = b"".join(self.buffer)
        self.buffer = []
        connection: HTTPConnection = self.request.connection
        if not self.sent:
            if self._transform_classes:
                chunk = self._transform_first(chunk, finishing)
            if self.status != 200:
                self._fit_head_to_status()
            if self._cookies is not None:
                for field in self._cookies.fields():
                    self.headers.add("Set-Cookie", field)
            start_line = ResponseStartLine("HTTP/1.1", self.status, self.reason)
            # Before the call: if it fails half-way, no second head may follow.
            self.sent = True
            return connection.write_headers(start_line, self.headers, chunk)
        for transform in self._transforms:
            chunk = transform.transform_chunk(chunk, finishing)
        return connection.write(chunk)

    def _transform_first(self, chunk: bytes, finishing: bool) -> bytes:
        self._transforms = [transform(self.request) for transform in self._transform_classes]
        for transform in self._transforms:
            self.status, self.headers, chunk = transform.transform_first_chunk(
                self.status, self.headers, chunk, finishing
            )
        return chunk

    def _fit_head_to_status(self) -> None:
        headers, status = self.headers, self.status
        if status == 405 and "Allow" not in headers:
            # RFC 9110, section 15.5.6, demands it.  Released Tornado leaves it out.
            headers["Allow"] = self.allow
        elif status in (204, 304):
            for name in _CONTENT_FIELDS:
                headers.pop(name, None)


def header_text(name: str, value: HeaderValue) -> str:
    """Return ``value`` as the text of the field ``name``: dates in HTTP's form, numbers in decimal.

    Raises `TypeError` for other types, `ValueError` if name or value could not be told apart from what
    follows.
    """
    if not _FIELD_NAME.fullmatch(name):
        raise ValueError(f"not the name of a header: {name!r}")
    return field_text(name, value)


def field_text(name: str, value: HeaderValue) -> str:
    """As `header_text`, for a ``name`` that is known to be one."""
    if not isinstance(value, str):
        value = _as_text(name, value)
    if not _FIELD_TEXT.fullmatch(value):
        raise ValueError(f"the value of header {name!r} has a character not allowed there: {value[:100]!r}")
    return value


def _as_text(name: str, value: HeaderValue) -> str:
    if isinstance(value, bytes):
        return value.decode("latin1")
    if isinstance(value, numbers.Integral):
        return str(value)
    if isinstance(value, datetime.datetime):
        return format_timestamp(value)
    raise TypeError(f"the value of header {name!r} is str, bytes, int or datetime, not {type(value).__name__}")
