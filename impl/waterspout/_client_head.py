"""What a request looks like on the wire: its head, made of an `HTTPRequest` (RFC 9110, sections 7 to 10)."""

from __future__ import annotations

from typing import Any

from waterspout import __version__
from waterspout._client_auth import basic
from waterspout._client_origin import Location, Proxy
from waterspout.httputil import HTTPHeaders
from waterspout.protocol.http1 import Request

#: Of the methods that every client knows, whether requests of theirs have a body.
_TAKES_BODY = {
    "GET": False,
    "HEAD": False,
    "POST": True,
    "DELETE": False,
    "PATCH": True,
    "PUT": True,
    "OPTIONS": False,
}
#: What a body is unless the program says so; for OPTIONS the type must be there (RFC 9110, section 9.3.7).
_DEFAULT_TYPES = {"POST": "application/x-www-form-urlencoded", "OPTIONS": "application/octet-stream"}
#: Methods whose requests may be sent twice without doing more than once (RFC 9110, section 9.2.2).
IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})
USER_AGENT = f"Waterspout/{__version__}"


def check(request: Any) -> None:
    """Raise what is wrong with a request before anything is sent of it: `ValueError`, or `KeyError` for a method."""
    if not request.allow_nonstandard_methods:
        method = request.method
        if method not in _TAKES_BODY:
            raise KeyError(f"unknown method {method}; allow_nonstandard_methods lets it pass")
        if _has_body(request) is not _TAKES_BODY[method]:
            verb = "needs a" if _TAKES_BODY[method] else "has no"
            raise ValueError(f"a request by {method} {verb} body, unless allow_nonstandard_methods is true")
    if request.method == "TRACE" and (request.body or request.body_producer is not None):
        raise ValueError("a request by TRACE has no body (RFC 9110, section 9.3.8)")
    if request.auth_mode not in (None, "basic", "digest"):
        raise ValueError(f"unsupported auth_mode {request.auth_mode}: basic and digest are known")


def _has_body(request: Any) -> bool:
    return request.body is not None or request.body_producer is not None


def request_head(
    request: Any,
    location: Location,
    proxy: Proxy | None,
    authorization: str | None,
    proxy_authorization: str | None,
    keep_alive: bool = True,
) -> Request:
    """Return the head of ``request`` to ``location``; ``proxy`` is the one it is sent to, not one that tunnels.

    Without ``keep_alive`` the request is the last one of its connection.  Host comes first (RFC 9110, section 7.2).
    What the program set itself is left alone.
    """
    headers = HTTPHeaders(request.headers)
    host = headers.pop("Host", location.authority)
    if authorization is not None:
        headers["Authorization"] = authorization
    if proxy_authorization is not None:
        headers["Proxy-Authorization"] = proxy_authorization
    if request.user_agent:
        headers["User-Agent"] = request.user_agent
    headers.setdefault("User-Agent", USER_AGENT)
    if request.decompress_response:
        headers.setdefault("Accept-Encoding", "gzip")
    _describe_body(request, headers)
    _describe_connection(headers, keep_alive)
    target = location.target if proxy is None else location.absolute
    return Request(request.method, target, [("Host", host), *headers.get_all()])


def _describe_body(request: Any, headers: HTTPHeaders) -> None:
    """Say how long the body is (RFC 9110, section 8.6), or that it comes in chunks."""
    method = request.method
    if request.expect_100_continue and (request.body or request.body_producer is not None):
        headers["Expect"] = "100-continue"
    if request.body is not None:
        if "Transfer-Encoding" not in headers:
            headers["Content-Length"] = str(len(request.body))
    elif request.body_producer is not None:
        if "Content-Length" not in headers:
            headers["Transfer-Encoding"] = "chunked"
    elif _TAKES_BODY.get(method):
        headers["Content-Length"] = "0"
    if method in _DEFAULT_TYPES and _has_body(request):
        headers.setdefault("Content-Type", _DEFAULT_TYPES[method])


def _describe_connection(headers: HTTPHeaders, keep_alive: bool) -> None:
    """Name in Connection what is for this connection alone (RFC 9110, section 7.6.1)."""
    options = [option.strip().lower() for option in headers.get("Connection", "").split(",") if option.strip()]
    wanted = [] if keep_alive else ["close"]
    if "TE" in headers:
        wanted.append("TE")
    missing = [option for option in wanted if option.lower() not in options]
    if missing:
        headers["Connection"] = ", ".join([*options, *missing])


def in_chunks(request: Any) -> bool:
    """Tell whether the body of ``request`` has no length that is known beforehand."""
    return request.body_producer is not None and "Content-Length" not in HTTPHeaders(request.headers)


def proxy_basic(proxy: Proxy | None) -> str | None:
    """Return the value of Proxy-Authorization for a proxy that wants basic authentication."""
    if proxy is None or proxy.credentials is None or proxy.mode != "basic":
        return None
    return basic(*proxy.credentials)
