"""Where redirects lead, and what of a request goes along (RFC 9110, section 15.4)."""

from __future__ import annotations

import copy
from typing import Any
from urllib.parse import urldefrag, urljoin

from waterspout._client_origin import Location
from waterspout._client_request import EffectiveRequest
from waterspout.httputil import HTTPHeaders

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
#: What describes a body that is not sent any more.
_OF_BODY = ("Content-Length", "Content-Type", "Content-Encoding", "Content-Language", "Transfer-Encoding", "Expect")
#: What is for one server alone.
_SECRETS = ("Authorization", "Cookie", "Cookie2")


def leads_on(request: Any, status: int, headers: HTTPHeaders) -> bool:
    """Tell whether a response is a redirect that ``request`` wants followed."""
    return bool(
        request.follow_redirects and request.max_redirects > 0 and status in _REDIRECTS and headers.get("Location")
    )


def redirected(request: Any, url: str, status: int, headers: HTTPHeaders) -> EffectiveRequest:
    """Return the request that follows ``request`` to ``url``, which was answered with a redirect.

    After 303, and after 301 and 302 to a POST, it becomes a GET without a body; a HEAD stays one.  Host is that of the
    new URL.  To another origin, which also http is where https was, it takes no credentials along.  A fragment stays
    when the new URL has none (RFC 9110, section 10.2.2).
    """
    following = copy.copy(request.request)
    following.headers = HTTPHeaders(following.headers)
    target = urljoin(url, headers["Location"].strip())
    if Location.of(target).credentials is not None:
        # A stranger's way to hide where a link leads (RFC 9110, section 4.2.4).
        raise ValueError("its URL has a user name, which only the program may give")
    fragment = urldefrag(url).fragment
    if fragment and not urldefrag(target).fragment:
        target += f"#{fragment}"
    following.url = target
    following.headers.pop("Host", None)
    following.max_redirects = request.max_redirects - 1
    method = request.method
    if (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST"):
        following.method = "GET"
        following.body = following.body_producer = None
        following.expect_100_continue = False
        for name in _OF_BODY:
            following.headers.pop(name, None)
    if Location.of(target).origin != Location.of(url).origin:
        following.auth_username = following.auth_password = None
        for name in _SECRETS:
            following.headers.pop(name, None)
    return EffectiveRequest(following, request.defaults)


def without_expectation(request: Any) -> EffectiveRequest:
    """Return ``request`` as it is to be repeated after 417 (RFC 9110, section 10.1.1): not asking for leave."""
    following = copy.copy(request.request)
    following.expect_100_continue = False
    return EffectiveRequest(following, request.defaults)
