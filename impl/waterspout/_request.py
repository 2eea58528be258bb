"""The request that a server hands to an application.

What every request needs is set at once; everything else (arguments, cookies, host) is worked out when it is
first asked for and kept.  Each such attribute may also be set.  Public path:
``waterspout.httputil.HTTPServerRequest``.
"""

from __future__ import annotations

import time
from functools import cached_property
from http.cookies import CookieError, Morsel, SimpleCookie
from typing import Any

from waterspout._legacy_request import LegacyRequestMethods
from waterspout.protocol import forms
from waterspout.protocol.cookies import parse_cookie
from waterspout.protocol.forms import Files, HTTPFile
from waterspout.protocol.headers import HTTPHeaders
from waterspout.protocol.messages import HTTPInputError, RequestStartLine
from waterspout.protocol.uris import HOST_FIELD, split_host_and_port

#: ``host`` or ``host:port``.
Authority = str


class HTTPServerRequest(LegacyRequestMethods):
    """One request: its line, fields and body, and where it came from.

    Give a ``start_line``, or ``method``, ``uri`` and ``version``.  ``connection`` is where the answer is
    written; its ``context``, if it has one, tells ``remote_ip`` and ``protocol``.  A request without a
    connection, made by hand, is checked when it is made; one from a server was checked by its parser.

    Attributes: ``method``, ``uri``, ``path``, ``query``, ``version``, ``headers``, ``body`` (bytes),
    ``remote_ip``, ``protocol`` (``http`` or ``https``), ``host``, ``host_name`` (lower case, no port),
    ``arguments``, ``query_arguments``, ``body_arguments`` (names to lists of bytes), ``files`` (names to
    lists of `HTTPFile`), ``cookies``, ``connection``, ``server_connection``.

    Reading arguments or files raises `HTTPInputError` if query or body are malformed or beyond their bounds.
    Documentation: ``httputil.HTTPServerRequest``.
    """

    def __init__(
        self,
        method: str | None = None,
        uri: str | None = None,
        version: str = "HTTP/1.0",
        headers: HTTPHeaders | None = None,
        body: bytes | None = None,
        host: Authority | None = None,
        files: Files | None = None,
        connection: Any = None,
        start_line: RequestStartLine | None = None,
        server_connection: Any = None,
    ) -> None:
        if start_line is not None:
            method, uri, version = start_line
        elif uri is None:
            uri = "/"
        self.method = method
        self.uri: str = uri
        self.version = version
        if uri[:1] == "/":
            self.path, _, self.query = uri.partition("?")
        else:
            self._read_other_form(uri)
        self.headers = HTTPHeaders() if headers is None else headers
        self.body = body or b""
        self.connection = connection
        self.server_connection = server_connection
        context = getattr(connection, "context", None)
        self.remote_ip: str | None = getattr(context, "remote_ip", None)
        self.protocol: str = getattr(context, "protocol", "http")
        self._start_time = time.monotonic()
        if host is not None:
            self.host = host
        if files is not None:
            self.files = files
        if connection is None:
            self._check()

    def _read_other_form(self, target: str) -> None:
        """Take path, query and host out of a request target that does not begin with a path.

        The authority of the absolute form replaces the Host field (RFC 9112, section 3.2.2).
        """
        scheme, separator, rest = target.partition("://")
        if not separator or not scheme.isalnum():
            self.path, _, self.query = target.partition("?")
            return
        size = next((i for i, character in enumerate(rest) if character in "/?"), len(rest))
        self.host = rest[:size]
        path, _, self.query = rest[size:].partition("?")
        # An empty path stands for the root (RFC 9110, section 4.2.3).
        self.path = path or "/"

    def _check(self) -> None:
        host = self.host
        if "," in host or not HOST_FIELD.fullmatch(host):
            raise HTTPInputError(f"the Host field is not one host, perhaps with a port: {host[:100]!r}")
        _ = self.query_arguments

    @cached_property
    def host(self) -> str:
        """The host that was asked for, with the port if one was given (RFC 9110, section 7.2)."""
        host = self.headers.get("Host")
        if host is None:
            if self.version == "HTTP/1.1":
                raise HTTPInputError("the Host field is missing, which HTTP/1.1 requires")
            return "127.0.0.1"
        return host

    @cached_property
    def host_name(self) -> str:
        """The host that was asked for, in lower case and without a port."""
        return split_host_and_port(self.host.lower())[0]

    @cached_property
    def query_arguments(self) -> dict[str, list[bytes]]:
        """The arguments of the query alone."""
        try:
            return forms.parse_urlencoded(self.query, forms.default_config().urlencoded.max_arguments)
        except HTTPInputError as error:
            raise HTTPInputError(f"invalid query: {error}") from None

    @cached_property
    def body_arguments(self) -> dict[str, list[bytes]]:
        """The arguments of a form body alone."""
        return self._form[0]

    @cached_property
    def files(self) -> dict[str, list[HTTPFile]]:
        """The uploaded files of a multipart body."""
        return self._form[1]

    @cached_property
    def arguments(self) -> dict[str, list[bytes]]:
        """The arguments of query and body together, those of the query first."""
        arguments = {name: values.copy() for name, values in self.query_arguments.items()}
        for name, values in self.body_arguments.items():
            arguments.setdefault(name, []).extend(values)
        return arguments

    @cached_property
    def _form(self) -> tuple[dict[str, list[bytes]], dict[str, list[HTTPFile]]]:
        arguments: dict[str, list[bytes]] = {}
        files: dict[str, list[HTTPFile]] = {}
        if self.body:
            content_type = self.headers.get("Content-Type", "")
            forms.parse_body_arguments(content_type, self.body, arguments, files, self.headers)
        return arguments, files

    def parse_body(self) -> None:
        """Parse a form body now rather than when it is first asked for.

        Raises `HTTPInputError` if it is malformed or beyond its bounds.
        """
        if self.body:
            _ = self._form

    @cached_property
    def cookies(self) -> dict[str, Morsel[str]]:
        """The cookies that came along, by name; those that `http.cookies` has no room for are left out.

        Documentation: ``httputil.HTTPServerRequest.cookies``.
        """
        jar: SimpleCookie = SimpleCookie()
        # Several Cookie fields are joined with a semicolon, not a comma (RFC 9110, section 5.3; RFC 6265,
        # 5.4).
        for name, value in parse_cookie("; ".join(self.headers.get_list("Cookie"))).items():
            try:
                jar[name] = value
            except CookieError:
                continue
        return jar

    def full_url(self) -> str:
        """Return the URL that was asked for, put together again.

        Documentation: ``httputil.HTTPServerRequest.full_url``.
        """
        # A request to a proxy carries the whole URL already (RFC 9112, section 3.2.2).
        if not self.uri.startswith(("/", "*")) and "://" in self.uri:
            return self.uri
        return f"{self.protocol}://{self.host}{self.uri}"

    def request_time(self) -> float:
        """Return the seconds that have passed since the request came in.

        Documentation: ``httputil.HTTPServerRequest.request_time``.
        """
        return time.monotonic() - self._start_time

    def get_ssl_certificate(self, binary_form: bool = False) -> dict[str, Any] | bytes | None:
        """Return the client's certificate: a dict, or DER bytes if ``binary_form``; None if there is none.

        Documentation: ``httputil.HTTPServerRequest.get_ssl_certificate``.
        """
        ssl_object = getattr(getattr(self.connection, "context", None), "ssl_object", None)
        if ssl_object is None:
            return None
        certificate: dict[str, Any] | bytes | None = ssl_object.getpeercert(binary_form)
        return certificate

    def __repr__(self) -> str:
        shown = ("protocol", "host", "method", "uri", "version", "remote_ip")
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"
