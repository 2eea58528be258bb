"""What all kinds of login have in common: the error, the client, the legacy ``callback``, and OAuth's signatures."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from waterspout._callback_argument import call_back
from waterspout.escape import json_decode, utf8
from waterspout.httpclient import AsyncHTTPClient, HTTPResponse

if TYPE_CHECKING:
    from waterspout.web import RequestHandler as Handler
else:
    # A mixin is combined with a handler class; it is none itself.
    Handler = object

_F = TypeVar("_F", bound=Callable[..., Any])
_DEFAULT_PORTS = {"http": 80, "https": 443}


class AuthError(Exception):
    """A login failed: the provider refused it, or what came back does not belong to it."""


class LoginMixin(Handler):
    """What the mixins for logins share.  They are combined with a `web.RequestHandler`, whose methods they use."""

    def get_auth_http_client(self) -> AsyncHTTPClient:
        """Return the client for requests to the provider.  Hook; by default the shared one.

        Documentation: ``auth.OAuthMixin.get_auth_http_client``.
        """
        return AsyncHTTPClient()

    async def _ask_api(self, url: str, post_args: Mapping[str, Any] | None) -> Any:
        """Return the JSON that the provider answers with, to a POST of ``post_args`` if there are any."""
        client = self.get_auth_http_client()
        if post_args is None:
            response = await client.fetch(url)
        else:
            response = await client.fetch(url, method="POST", body=urlencode(post_args))
        return json_of(response)


def json_of(response: HTTPResponse) -> Any:
    """Return the JSON in a response of a provider.  Raises AuthError if it is none."""
    try:
        return json_decode(response.body)
    except ValueError as error:
        raise AuthError(f"{response.effective_url} did not answer in JSON: {response.body[:200]!r}") from error


def takes_callback(method: _F) -> _F:
    """Decorate a method that returns an awaitable, or None, so that it takes a legacy ``callback``.

    Up to release 5.1 the callback stood among the other arguments, at a place of its own in each method; the first
    argument that can be called is it.
    """

    @functools.wraps(method)
    def call(self: Any, *args: Any, callback: Callable[..., Any] | None = None, **kwargs: Any) -> Any:
        place = next((index for index, value in enumerate(args) if callable(value)), None)
        if callback is None and place is not None:
            callback = args[place]
            args = args[:place] + args[place + 1 :]
        result = method(self, *args, **kwargs)
        return result if callback is None else call_back(result, callback)

    return call  # type: ignore[return-value]


def signature(
    method: str, url: str, parameters: Mapping[str, Any], consumer_secret: str | bytes, token_secret: str | bytes = ""
) -> str:
    """Return OAuth's signature of a request by HMAC-SHA1 (RFC 5849, section 3.4).

    ``parameters`` are those of the query, of a form in the body, and of OAuth itself.
    """
    normalized = "&".join(sorted(f"{_escaped(name)}={_escaped(value)}" for name, value in parameters.items()))
    base = "&".join(_escaped(part) for part in (method.upper(), _base_url(url), normalized))
    key = f"{_escaped(consumer_secret)}&{_escaped(token_secret)}"
    return base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()).decode()


def _base_url(url: str) -> str:
    """Return the URL as it is signed: in lower case, without a default port and the query (section 3.4.1.2)."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    if parts.port is not None and parts.port != _DEFAULT_PORTS.get(parts.scheme):
        host = f"{host}:{parts.port}"
    return f"{parts.scheme}://{host}{parts.path or '/'}"


def _escaped(value: Any) -> str:
    """Return a value in the encoding of section 3.6, which leaves less alone than that of forms."""
    return quote(utf8(value if isinstance(value, (str, bytes)) else str(value)), safe="~")
