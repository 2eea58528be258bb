"""What a client is asked and what it answers: requests, responses, and the error that stands for either.

Values only; what sends them is elsewhere.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Awaitable, Callable, Mapping
from io import BytesIO
from ssl import SSLContext
from typing import Any

from waterspout._http_client_errors import HTTPClientError, HTTPStreamClosedError, HTTPTimeoutError
from waterspout.escape import to_unicode, utf8
from waterspout.httputil import HTTPHeaders, format_timestamp, responses

__all__ = [
    "DEFAULTS",
    "EffectiveRequest",
    "HTTPClientError",
    "HTTPRequest",
    "HTTPResponse",
    "HTTPStreamClosedError",
    "HTTPTimeoutError",
]

#: What holds where neither a request nor its client says something else; times in seconds.
DEFAULTS: dict[str, Any] = {
    "connect_timeout": 20.0,
    "request_timeout": 20.0,
    "follow_redirects": True,
    "max_redirects": 5,
    "decompress_response": True,
    "proxy_password": "",
    "allow_nonstandard_methods": False,
    "validate_cert": True,
}

_Callback = Callable[..., Any]


class HTTPRequest:
    """A request as a client is asked to make it.  What is None is up to the client's defaults.

    ``url`` and ``method`` say what is asked; ``headers`` are a mapping or `HTTPHeaders`, ``body`` bytes or text, which
    is sent as UTF-8.  ``body_producer(write)`` sends a body piece by piece instead: it is called with a function that
    takes bytes and returns a future, done when there is room for more, and may return an awaitable.  Without a
    ``Content-Length`` among the headers such a body goes out chunked.

    ``connect_timeout`` and ``request_timeout`` are seconds, 0 for no limit; the former also limits the time in the
    client's queue, the latter everything after it.  ``if_modified_since`` is a time, as `httputil.format_timestamp`
    takes it.  ``follow_redirects`` and ``max_redirects`` rule redirects.

    ``streaming_callback(bytes)`` gets the body as it arrives, which is then not kept; ``header_callback(str)`` gets the
    status line, each field line, and the empty line after them.  Both may return an awaitable, and nothing more is read
    until that is done.  ``expect_100_continue`` waits for the server's leave before the body is sent.
    ``decompress_response`` asks for gzip and unpacks it (``use_gzip`` is its name of old).

    ``auth_username``, ``auth_password`` and ``auth_mode`` ("basic" or "digest") answer the server,
    ``proxy_username``, ``proxy_password`` and ``proxy_auth_mode`` the proxy at ``proxy_host`` and ``proxy_port``.
    ``validate_cert``, ``ca_certs``, ``client_key`` and ``client_cert`` (file names), or ``ssl_options`` (an
    `ssl.SSLContext`, which replaces them) rule TLS.  ``network_interface`` is the address to connect from,
    ``allow_ipv6`` whether IPv6 may be used.  ``allow_nonstandard_methods`` lets any method, and any method's body or
    lack of one, pass.  ``prepare_curl_callback`` is for the curl client.

    Raises `ValueError` for both of ``body`` and ``body_producer``.
    Documentation: ``httpclient.HTTPRequest``.
    """

    def __init__(
        self,
        url: str,
        method: str = "GET",
        headers: Mapping[str, str] | HTTPHeaders | None = None,
        body: bytes | str | None = None,
        auth_username: str | None = None,
        auth_password: str | None = None,
        auth_mode: str | None = None,
        connect_timeout: float | None = None,
        request_timeout: float | None = None,
        if_modified_since: float | datetime.datetime | None = None,
        follow_redirects: bool | None = None,
        max_redirects: int | None = None,
        user_agent: str | None = None,
        use_gzip: bool | None = None,
        network_interface: str | None = None,
        streaming_callback: Callable[[bytes], Awaitable[None] | None] | None = None,
        header_callback: Callable[[str], Awaitable[None] | None] | None = None,
        prepare_curl_callback: Callable[[Any], None] | None = None,
        proxy_host: str | None = None,
        proxy_port: int | None = None,
        proxy_username: str | None = None,
        proxy_password: str | None = None,
        proxy_auth_mode: str | None = None,
        allow_nonstandard_methods: bool | None = None,
        validate_cert: bool | None = None,
        ca_certs: str | None = None,
        allow_ipv6: bool | None = None,
        client_key: str | None = None,
        client_cert: str | None = None,
        body_producer: Callable[[Callable[[bytes], Awaitable[None]]], Awaitable[None] | None] | None = None,
        expect_100_continue: bool = False,
        decompress_response: bool | None = None,
        ssl_options: dict[str, Any] | SSLContext | None = None,
    ) -> None:
        if body is not None and body_producer is not None:
            raise ValueError("a request has a body or a body_producer, not both")
        self.headers = headers
        if if_modified_since is not None:
            # A copy: what the caller gave may serve for other requests.
            self.headers = HTTPHeaders(self.headers)
            self.headers["If-Modified-Since"] = format_timestamp(if_modified_since)
        self.url = to_unicode(url)
        self.method = method
        self.body = body
        self.body_producer = body_producer
        self.auth_username = auth_username
        self.auth_password = auth_password
        self.auth_mode = auth_mode
        self.proxy_host = proxy_host
        self.proxy_port = proxy_port
        self.proxy_username = proxy_username
        self.proxy_password = proxy_password
        self.proxy_auth_mode = proxy_auth_mode
        self.connect_timeout = connect_timeout
        self.request_timeout = request_timeout
        self.follow_redirects = follow_redirects
        self.max_redirects = max_redirects
        self.user_agent = user_agent
        self.decompress_response = use_gzip if decompress_response is None else decompress_response
        self.network_interface = network_interface
        self.streaming_callback = streaming_callback
        self.header_callback = header_callback
        self.prepare_curl_callback = prepare_curl_callback
        self.allow_nonstandard_methods = allow_nonstandard_methods
        self.validate_cert = validate_cert
        self.ca_certs = ca_certs
        self.allow_ipv6 = allow_ipv6
        self.client_key = client_key
        self.client_cert = client_cert
        self.ssl_options = ssl_options
        self.expect_100_continue = expect_100_continue
        self.start_time = time.time()

    @property
    def headers(self) -> HTTPHeaders:
        """The header fields: the very mapping that was set, an empty `HTTPHeaders` for None."""
        return self._headers

    @headers.setter
    def headers(self, value: Mapping[str, str] | HTTPHeaders | None) -> None:
        self._headers: HTTPHeaders = HTTPHeaders() if value is None else value  # type: ignore[assignment]

    @property
    def body(self) -> bytes:
        """The body as bytes, or None; text that is set becomes UTF-8."""
        return self._body

    @body.setter
    def body(self, value: bytes | str | None) -> None:
        self._body: bytes = utf8(value)  # type: ignore[assignment]  # None for none, as documented

    @property
    def use_gzip(self) -> bool | None:
        """The name of ``decompress_response`` up to release 4.0."""
        return self.decompress_response

    @use_gzip.setter
    def use_gzip(self, value: bool | None) -> None:
        self.decompress_response = value


class EffectiveRequest:
    """A request seen with a client's defaults: an attribute that is None there has the default's value here."""

    def __init__(self, request: HTTPRequest, defaults: Mapping[str, Any] | None) -> None:
        self.request = request
        self.defaults = defaults

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.request, name)
        if value is None and self.defaults is not None:
            return self.defaults.get(name)
        return value


class HTTPResponse:
    """What a request led to.

    ``request`` is the request, ``code`` the status, ``reason`` the phrase with it, ``headers`` the fields, ``buffer``
    the body as a file and ``body`` the same as bytes, ``effective_url`` where redirects have led to.  ``error`` is an
    exception unless the status is a success, ``request_time`` the seconds that it took, queue not included,
    ``start_time`` when it began, and ``time_info`` more seconds by name.
    Documentation: ``httpclient.HTTPResponse``.
    """

    # Legacy: both are also there without an instance.
    error: BaseException | None = None
    request: HTTPRequest = None  # type: ignore[assignment]

    def __init__(
        self,
        request: HTTPRequest,
        code: int,
        headers: HTTPHeaders | None = None,
        buffer: BytesIO | None = None,
        effective_url: str | None = None,
        error: BaseException | None = None,
        request_time: float | None = None,
        time_info: dict[str, float] | None = None,
        reason: str | None = None,
        start_time: float | None = None,
    ) -> None:
        self.request = request.request if isinstance(request, EffectiveRequest) else request
        self.code = code
        self.reason = reason or responses.get(code, "Unknown")
        self.headers = HTTPHeaders() if headers is None else headers
        self.buffer = buffer
        self._body: bytes | None = None
        self.effective_url = request.url if effective_url is None else effective_url
        self._error_is_response_code = False
        self.error = error
        if error is None and not 200 <= code < 300:
            self._error_is_response_code = True
            self.error = HTTPClientError(code, message=self.reason, response=self)
        self.request_time = request_time
        self.start_time = start_time
        self.time_info = time_info or {}

    @property
    def body(self) -> bytes:
        """The body, empty if there is none."""
        if self._body is None:
            self._body = b"" if self.buffer is None else self.buffer.getvalue()
        return self._body

    def rethrow(self) -> None:
        """Raise ``error``, if there is one.  Documentation: ``httpclient.HTTPResponse.rethrow``."""
        if self.error is not None:
            raise self.error

    def __repr__(self) -> str:
        attributes = ",".join(f"{name}={value!r}" for name, value in sorted(vars(self).items()))
        return f"{type(self).__name__}({attributes})"
