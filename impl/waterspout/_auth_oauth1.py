"""Login with OAuth 1.0 and 1.0a (RFC 5849): temporary credentials, the user's consent, an access token."""

from __future__ import annotations

import base64
import binascii
import time
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urljoin, urlsplit

from waterspout._auth_requests import AuthError, LoginMixin, signature, takes_callback
from waterspout.concurrent import Future
from waterspout.escape import utf8
from waterspout.gen import convert_yielded
from waterspout.httpclient import AsyncHTTPClient, HTTPResponse
from waterspout.httputil import url_concat

_COOKIE = "_oauth_request_token"

Token = dict[str, Any]


class OAuthMixin(LoginMixin):
    """Login with OAuth 1.0 or 1.0a; see `TwitterMixin` for one that is complete.

    A subclass sets ``_OAUTH_AUTHORIZE_URL``, ``_OAUTH_ACCESS_TOKEN_URL``, ``_OAUTH_REQUEST_TOKEN_URL``, and where
    they differ ``_OAUTH_VERSION`` ("1.0a") and ``_OAUTH_NO_CALLBACKS`` (False: the provider knows where the user goes
    back to); and it defines `_oauth_consumer_token` and `_oauth_get_user_future`.
    Documentation: ``auth.OAuthMixin``.
    """

    _OAUTH_AUTHORIZE_URL: str
    _OAUTH_ACCESS_TOKEN_URL: str
    _OAUTH_REQUEST_TOKEN_URL: str
    _OAUTH_VERSION = "1.0a"
    _OAUTH_NO_CALLBACKS = False

    @takes_callback
    async def authorize_redirect(
        self,
        callback_uri: str | None = None,
        extra_params: dict[str, Any] | None = None,
        http_client: AsyncHTTPClient | None = None,
    ) -> None:
        """Ask the provider for a token, and send the user there with it; the response is finished then.

        The user comes back to ``callback_uri``, which may be relative, with "oob" to nowhere: the response is the
        URL to go to then.  ``extra_params`` go with the request for the token, in 1.0a.  A cookie keeps the token.
        Legacy: ``callback()`` is called at the end.  Raises `httpclient.HTTPClientError`, `AuthError`; and Exception
        for a ``callback_uri`` to a provider that takes none.  Documentation: ``auth.OAuthMixin.authorize_redirect``.
        """
        if callback_uri and self._OAUTH_NO_CALLBACKS:
            raise Exception("this provider takes no callback_uri: register the URL with it")
        client = http_client or self.get_auth_http_client()
        if self._OAUTH_VERSION == "1.0a":
            url = self._oauth_request_token_url(callback_uri, extra_params)
        else:
            url = self._oauth_request_token_url()
        self._on_request_token(self._OAUTH_AUTHORIZE_URL, callback_uri, await client.fetch(url))

    @takes_callback
    async def get_authenticated_user(self, http_client: AsyncHTTPClient | None = None) -> dict[str, Any]:
        """Return the user, when he or she has come back with the provider's consent.

        That is what `_oauth_get_user_future` gives, and ``access_token``, a dict with "key" and "secret" and what
        else the provider said.  Legacy: ``callback(user)``.  Raises `AuthError` when the token is not the one that
        was kept in the cookie, `httpclient.HTTPClientError` when the provider refuses.
        Documentation: ``auth.OAuthMixin.get_authenticated_user``.
        """
        token = self._returned_token()
        client = http_client or self.get_auth_http_client()
        response = await client.fetch(self._oauth_access_token_url(token))
        access_token = parse_token(response.body)
        user: dict[str, Any] | None = await convert_yielded(self._oauth_get_user_future(access_token))
        if not user:
            raise AuthError("the provider gave a token, but no user for it")
        user["access_token"] = access_token
        return user

    def _returned_token(self) -> Token:
        """Return the token that the user came back with, after a look at the one that went along."""
        kept = self.get_cookie(_COOKIE)
        if not kept:
            raise AuthError("the cookie with the request token is missing: begin with authorize_redirect()")
        self.clear_cookie(_COOKIE)
        try:
            key, secret = (base64.b64decode(part, validate=True) for part in kept.split("|"))
        except (binascii.Error, ValueError):
            raise AuthError("the cookie with the request token is not as it was set") from None
        if key != utf8(self.get_argument("oauth_token")):
            raise AuthError("the request token is not that of the cookie: this is the end of another login")
        token: Token = {"key": key, "secret": secret}
        verifier = self.get_argument("oauth_verifier", None)
        if verifier:
            token["verifier"] = verifier
        return token

    # -- the requests

    def _oauth_request_token_url(
        self, callback_uri: str | None = None, extra_params: dict[str, Any] | None = None
    ) -> str:
        """Return the URL that gives a request token (RFC 5849, section 2.1)."""
        consumer = self._oauth_consumer_token()
        args = _protocol_parameters(consumer)
        if self._OAUTH_VERSION == "1.0a":
            if callback_uri:
                args["oauth_callback"] = self._absolute(callback_uri)
            args.update(extra_params or {})
        return self._signed_url(self._OAUTH_REQUEST_TOKEN_URL, args, consumer["secret"])

    def _on_request_token(self, authorize_url: str, callback_uri: str | None, response: HTTPResponse) -> None:
        """Keep the token of ``response``, and send the user to the provider (section 2.2)."""
        token = parse_token(response.body)
        data = b"|".join(base64.b64encode(utf8(token[part])) for part in ("key", "secret"))
        self.set_cookie(_COOKIE, data, httponly=True)
        args = {"oauth_token": token["key"]}
        if callback_uri == "oob":
            self.finish(url_concat(authorize_url, args))
            return
        if callback_uri:
            args["oauth_callback"] = self._absolute(callback_uri)
        self.redirect(url_concat(authorize_url, args))

    def _oauth_access_token_url(self, request_token: Token) -> str:
        """Return the URL that gives an access token for a request token (section 2.3)."""
        consumer = self._oauth_consumer_token()
        args = _protocol_parameters(consumer)
        args["oauth_token"] = request_token["key"]
        if "verifier" in request_token:
            args["oauth_verifier"] = request_token["verifier"]
        return self._signed_url(self._OAUTH_ACCESS_TOKEN_URL, args, consumer["secret"], request_token["secret"])

    def _oauth_request_parameters(
        self, url: str, access_token: Token, parameters: Mapping[str, Any] | None = None, method: str = "GET"
    ) -> dict[str, Any]:
        """Return OAuth's parameters, signature included, of a request for a user.

        ``parameters`` are all that the request has besides, in its query and in its form.
        """
        consumer = self._oauth_consumer_token()
        args = _protocol_parameters(consumer)
        args["oauth_token"] = access_token["key"]
        signed = {**dict(parse_qsl(urlsplit(url).query, keep_blank_values=True)), **args, **(parameters or {})}
        args["oauth_signature"] = signature(method, url, signed, consumer["secret"], access_token["secret"])
        return args

    def _signed_url(self, url: str, args: dict[str, Any], consumer_secret: str, token_secret: str | bytes = "") -> str:
        query = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
        args["oauth_signature"] = signature("GET", url, {**query, **args}, consumer_secret, token_secret)
        return url_concat(url, args)

    def _absolute(self, callback_uri: str) -> str:
        return "oob" if callback_uri == "oob" else urljoin(self.request.full_url(), callback_uri)

    # -- hooks

    def _oauth_consumer_token(self) -> dict[str, Any]:
        """Return the application's own credentials, a dict with "key" and "secret".  To be defined.

        Documentation: ``auth.OAuthMixin._oauth_consumer_token``.
        """
        raise NotImplementedError(f"{type(self).__name__} must define _oauth_consumer_token")

    @takes_callback
    def _oauth_get_user_future(self, access_token: Token) -> Any:
        """Return an awaitable of a dict with what is known of the user.  To be defined, as a coroutine.

        Legacy: without it, ``_oauth_get_user(access_token, callback)`` of releases up to 2.4 is called.
        Documentation: ``auth.OAuthMixin._oauth_get_user_future``.
        """
        older = getattr(self, "_oauth_get_user", None)
        if older is None:
            raise NotImplementedError(f"{type(self).__name__} must define _oauth_get_user_future")
        future: Future[Any] = Future()
        older(access_token, future.set_result)
        return future


def _protocol_parameters(consumer: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that every request has (section 3.1)."""
    return {
        "oauth_consumer_key": consumer["key"],
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(int(time.time())),
        "oauth_nonce": uuid.uuid4().hex,
        "oauth_version": "1.0",
    }


def parse_token(body: bytes) -> Token:
    """Return the token in an answer: "key", "secret", and what else the provider says.

    Raises AuthError when there is none.
    """
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    if "oauth_token" not in fields or "oauth_token_secret" not in fields:
        raise AuthError(f"the provider gave no token: {body[:200]!r}")
    token: Token = {"key": fields.pop("oauth_token")[0], "secret": fields.pop("oauth_token_secret")[0]}
    token.update((name, values[0]) for name, values in fields.items())
    return token
