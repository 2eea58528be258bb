"""Decorators for the methods of a handler."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from waterspout.web.errors import HTTPError
from waterspout.web.redirects import on_this_site

Method = Callable[..., Any]


def authenticated(method: Method) -> Method:
    """Decorate a method so that it is for users only: others are redirected to the login page, or get 403.

    GET and HEAD are redirected to `RequestHandler.get_login_url`, with the URL that was asked for in the argument
    ``next`` unless the login URL has a query of its own.  A user is what ``current_user`` says, if that is true.
    Documentation: ``web.authenticated``.
    """

    @functools.wraps(method)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.current_user:
            return method(self, *args, **kwargs)
        if self.request.method not in ("GET", "HEAD"):
            raise HTTPError(403)
        self.redirect(_login_url(self))
        return None

    return wrapper


def _login_url(handler: Any) -> str:
    url: str = handler.get_login_url()
    if "?" in url:
        return url
    # The login page might redirect to it: two slashes at its start would lead to another host (RFC 3986, section
    # 4.2).
    wanted = on_this_site(handler.request.uri)
    if urlsplit(url).scheme:
        wanted = f"{handler.request.protocol}://{handler.request.host}{wanted}"
    url, hash_sign, fragment = url.partition("#")
    return f"{url}?{urlencode({'next': wanted})}{hash_sign}{fragment}"
