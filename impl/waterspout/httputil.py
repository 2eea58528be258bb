"""What client and server code on HTTP share: header fields, requests, delegates, forms, dates, URLs.

The pure parts live in ``waterspout.protocol`` and are re-exported here; this module adds the two-way contract
between a connection and the code that serves it:

* an `HTTPServerConnectionDelegate` is asked for an `HTTPMessageDelegate` for each request of a connection;
* the `HTTPMessageDelegate` is told the head, the body in pieces, and the end or the loss of the connection;
* the answer goes back through an `HTTPConnection`.
"""

from __future__ import annotations

import http.client
import unicodedata
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from waterspout._request import HTTPServerRequest
from waterspout.protocol.cookies import parse_cookie
from waterspout.protocol.dates import format_timestamp
from waterspout.protocol.forms import (
    HTTPFile,
    ParseBodyConfig,
    ParseMultipartConfig,
    ParseUrlEncodedConfig,
    parse_body_arguments,
    parse_multipart_form_data,
    set_parse_body_config,
)
from waterspout.protocol.headers import HTTPHeaders
from waterspout.protocol.messages import (
    HTTPInputError,
    HTTPOutputError,
    RequestStartLine,
    ResponseStartLine,
    parse_request_start_line,
    parse_response_start_line,
)
from waterspout.protocol.uris import qs_to_qsl, split_host_and_port, url_concat

if TYPE_CHECKING:
    from asyncio import Future

    from waterspout._exchange import Exchange

__all__ = [
    "HTTPConnection",
    "HTTPFile",
    "HTTPHeaders",
    "HTTPInputError",
    "HTTPMessageDelegate",
    "HTTPOutputError",
    "HTTPServerConnectionDelegate",
    "HTTPServerRequest",
    "ParseBodyConfig",
    "ParseMultipartConfig",
    "ParseUrlEncodedConfig",
    "RequestStartLine",
    "ResponseStartLine",
    "encode_username_password",
    "format_timestamp",
    "parse_body_arguments",
    "parse_cookie",
    "parse_multipart_form_data",
    "parse_request_start_line",
    "parse_response_start_line",
    "qs_to_qsl",
    "responses",
    "set_parse_body_config",
    "split_host_and_port",
    "url_concat",
]

#: The reason phrase of each status code.
responses: dict[int, str] = dict(http.client.responses)


class HTTPServerConnectionDelegate:
    """What a server asks when a connection brings requests.

    Documentation: ``httputil.HTTPServerConnectionDelegate``.
    """

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Return the delegate for the request that now begins.

        ``server_conn`` stands for the long-lived connection, ``request_conn`` for this one exchange on it.
        Documentation: ``httputil.HTTPServerConnectionDelegate.start_request``.
        """
        raise NotImplementedError(f"{type(self).__name__} must define start_request")

    def begin_request(
        self, server_conn: object, request_conn: Exchange, start_line: RequestStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Start a request and tell its delegate the head; what is returned is from `headers_received`.

        The delegate becomes that of ``request_conn``.  A server calls this one, since it never has the one without
        the other.
        """
        request_conn.delegate = delegate = self.start_request(server_conn, request_conn)
        return delegate.headers_received(start_line, headers)

    def on_close(self, server_conn: object) -> None:
        """Learn that the connection is gone.

        Documentation: ``httputil.HTTPServerConnectionDelegate.on_close``.
        """


class HTTPMessageDelegate:
    """What one request or response is told to, piece by piece.

    Documentation: ``httputil.HTTPMessageDelegate``.
    """

    __slots__ = ()

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Take the head.  An awaitable returned holds the body back until it is done.

        Documentation: ``httputil.HTTPMessageDelegate.headers_received``.
        """
        return None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Take the next piece of the body.  An awaitable returned holds the rest back until it is done.

        Documentation: ``httputil.HTTPMessageDelegate.data_received``.
        """
        return None

    def finish(self) -> None:
        """Learn that the body is complete.  Documentation: ``httputil.HTTPMessageDelegate.finish``."""

    def on_connection_close(self) -> None:
        """Learn that the connection was lost before the exchange was done; `finish` may never come then.

        Documentation: ``httputil.HTTPMessageDelegate.on_connection_close``.
        """


class HTTPConnection:
    """The way back: through it the head and the body of the answer are written.

    Documentation: ``httputil.HTTPConnection``.
    """

    __slots__ = ()

    def write_headers(
        self,
        start_line: RequestStartLine | ResponseStartLine,
        headers: HTTPHeaders,
        chunk: bytes | None = None,
        callback: Callable[[], Any] | None = None,
    ) -> Future[None]:
        """Write the head, and with it the first piece of the body if there is one.

        Returns a future that is done when the bytes have left or there is room for more. Legacy: ``callback()``
        is called then, and not if it fails.
        Documentation: ``httputil.HTTPConnection.write_headers``.
        """
        raise NotImplementedError(f"{type(self).__name__} must define write_headers")

    def write(self, chunk: bytes, callback: Callable[[], Any] | None = None) -> Future[None]:
        """Write a piece of the body; the future and the callback are as for `write_headers`.

        Documentation: ``httputil.HTTPConnection.write``.
        """
        raise NotImplementedError(f"{type(self).__name__} must define write")

    def finish(self) -> Any:
        """Say that the body is complete.  Documentation: ``httputil.HTTPConnection.finish``."""
        raise NotImplementedError(f"{type(self).__name__} must define finish")


def encode_username_password(username: str | bytes, password: str | bytes) -> bytes:
    """Return ``username:password`` as bytes, text in normal form C as UTF-8 (RFC 7617, section 2.1).

    Documentation: ``httputil.encode_username_password``.
    """
    return _encode_credential(username) + b":" + _encode_credential(password)


def _encode_credential(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else unicodedata.normalize("NFC", text).encode("utf-8")
