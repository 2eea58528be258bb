"""Redirections, from code and from the routing table."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from waterspout.httputil import HTTPServerRequest, qs_to_qsl, url_concat
from waterspout.web.errors import HTTPError

# What a URI reference is made of (RFC 3986, section 2).  The percent sign stays, so that escapes do.
_URI_CHARACTERS = ":/?#[]@!$&'()*+,;=-._~%"
_PATH_CHARACTERS = "/:@!$&'()*+,;=-._~"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LEADING_SLASHES = re.compile(r"//+")


def status_of(permanent: bool, status: int | None) -> int:
    """Return the status of a redirection; raises `ValueError` for one that is not 3xx."""
    if status is None:
        return 301 if permanent else 302
    if not isinstance(status, int) or not 300 <= status <= 399:
        raise ValueError(f"the status of a redirection is 300 to 399, not {status!r}")
    return status


def location(url: str | bytes) -> str:
    """Return ``url`` as the value of ``Location``, a URI reference (RFC 9110, section 10.2.2).

    What is not allowed there is percent-encoded; released Tornado sends such characters as they are.  Control
    characters have no business in any URL and raise `ValueError`.
    """
    text = url.decode("utf-8") if isinstance(url, bytes) else url
    if _CONTROL.search(text):
        raise ValueError(f"a URL has no control characters: {text[:100]!r}")
    return quote(text, safe=_URI_CHARACTERS)


def expand(template: str, args: tuple[str | None, ...], kwargs: dict[str, str | None]) -> str:
    """Put path arguments into a URL template, as they would stand in a path.

    A template for this site stays on it: ``/{0}`` with ``/example.com`` would otherwise name another host
    (RFC 3986, section 4.2).
    """
    encoded = [quote(value or "", safe=_PATH_CHARACTERS) for value in args]
    named = {name: quote(value or "", safe=_PATH_CHARACTERS) for name, value in kwargs.items()}
    url = template.format(*encoded, **named)
    return url if template.startswith("//") else on_this_site(url)


def on_this_site(url: str) -> str:
    """Return ``url`` with a single slash at its start, if it starts with several."""
    return _LEADING_SLASHES.sub("/", url, count=1) if url.startswith("//") else url


def retain_query(url: str, request: HTTPServerRequest) -> str:
    """Return ``url`` with the query of ``request`` behind its own."""
    if not request.query_arguments:
        return url
    pairs: Any = list(qs_to_qsl(request.query_arguments))
    return url_concat(url, pairs)


Method = Callable[..., Any]


def addslash(method: Method) -> Method:
    """Decorate a method so that a path without a slash at its end is redirected to one with it (301).

    For GET and HEAD; other methods get 404 then.  Route both: ``r"/foo/?"``.  Documentation:
    ``web.addslash``.
    """

    @functools.wraps(method)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        path = self.request.path
        if path.endswith("/"):
            return method(self, *args, **kwargs)
        return _redirect_to(self, path + "/")

    return wrapper


def removeslash(method: Method) -> Method:
    """Decorate a method so that a path with slashes at its end is redirected to one without (301).

    For GET and HEAD; other methods get 404 then.  Route both: ``r"/foo/*"``.  Documentation:
    ``web.removeslash``.
    """

    @functools.wraps(method)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        path = self.request.path
        stripped = path.rstrip("/")
        if stripped in (path, ""):
            return method(self, *args, **kwargs)
        return _redirect_to(self, stripped)

    return wrapper


def _redirect_to(handler: Any, path: str) -> None:
    request = handler.request
    if request.method not in ("GET", "HEAD"):
        raise HTTPError(404)
    query = f"?{request.query}" if request.query else ""
    handler.redirect(on_this_site(path) + query, permanent=True)
