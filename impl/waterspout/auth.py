"""Login with other services: OpenID, OAuth 1.0, OAuth 2.0, and the services that once were the best known.

Each mixin is combined with a `web.RequestHandler`.  A handler of that kind does one of two things: it sends the user to
the service, or, when the user has come back, asks the service who that is.  Documentation: ``tornado.auth``.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from waterspout._auth_oauth1 import OAuthMixin, Token
from waterspout._auth_openid import OpenIdMixin
from waterspout._auth_requests import AuthError, LoginMixin, json_of, takes_callback
from waterspout._legacy_names import legacy_names
from waterspout.httputil import url_concat

__all__ = [
    "AuthError",
    "FacebookGraphMixin",
    "GoogleOAuth2Mixin",
    "OAuth2Mixin",
    "OAuthMixin",
    "OpenIdMixin",
    "TwitterMixin",
]

_LEGACY = "waterspout.legacy.auth"
if not TYPE_CHECKING:
    # Names of older releases. A type checker would take it to mean that this module has every name.
    __getattr__ = legacy_names(__name__, dict.fromkeys(("FacebookMixin", "FriendFeedMixin", "GoogleMixin"), _LEGACY))


class OAuth2Mixin(LoginMixin):
    """Login with OAuth 2.0 (RFC 6749); see `GoogleOAuth2Mixin` and `FacebookGraphMixin` for two that are complete.

    A subclass sets ``_OAUTH_AUTHORIZE_URL`` and ``_OAUTH_ACCESS_TOKEN_URL``.  Documentation: ``auth.OAuth2Mixin``.
    """

    _OAUTH_AUTHORIZE_URL: str
    _OAUTH_ACCESS_TOKEN_URL: str

    @takes_callback
    def authorize_redirect(
        self,
        redirect_uri: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        extra_params: dict[str, Any] | None = None,
        scope: Iterable[str] | None = None,
        response_type: str = "code",
    ) -> None:
        """Send the user to the service, to come back to ``redirect_uri`` with a ``code`` (section 4.1.1).

        ``scope`` are names of what is asked for.  ``extra_params`` go along; a ``state`` among them, kept in a signed
        cookie, protects the login from being another's (section 10.12).  ``client_secret`` is not used: nothing that
        goes through the browser may have it.  Legacy: ``callback()``.
        Documentation: ``auth.OAuth2Mixin.authorize_redirect``.
        """
        args: dict[str, Any] = {"response_type": response_type}
        if redirect_uri is not None:
            args["redirect_uri"] = redirect_uri
        if client_id is not None:
            args["client_id"] = client_id
        args.update(extra_params or {})
        if scope:
            args["scope"] = " ".join(scope)
        self.redirect(url_concat(self._OAUTH_AUTHORIZE_URL, args))

    def _oauth_request_token_url(
        self,
        redirect_uri: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        code: str | None = None,
        extra_params: dict[str, Any] | None = None,
    ) -> str:
        """Return the URL that gives an access token for a code, where that is asked for by GET."""
        given = {"redirect_uri": redirect_uri, "code": code, "client_id": client_id, "client_secret": client_secret}
        args = {name: value for name, value in given.items() if value is not None}
        return url_concat(self._OAUTH_ACCESS_TOKEN_URL, {**args, **(extra_params or {})})

    @takes_callback
    async def oauth2_request(
        self,
        url: str,
        access_token: str | None = None,
        post_args: dict[str, Any] | None = None,
        **args: Any,
    ) -> Any:
        """Return the JSON that ``url`` answers with: to a GET, or with ``post_args`` to a POST of them.

        ``access_token`` and ``args`` go into the query.  Legacy: ``callback(result)``.  Raises
        `httpclient.HTTPClientError`, `AuthError`.  Documentation: ``auth.OAuth2Mixin.oauth2_request``.
        """
        query = {**({"access_token": access_token} if access_token else {}), **args}
        return await self._ask_api(url_concat(url, query), post_args)


class GoogleOAuth2Mixin(OAuth2Mixin):
    """Login with Google.  The setting ``google_oauth`` is a dict with "key" and "secret".

    Documentation: ``auth.GoogleOAuth2Mixin``.
    """

    _OAUTH_AUTHORIZE_URL = "https://accounts.google.com/o/oauth2/v2/auth"
    _OAUTH_ACCESS_TOKEN_URL = "https://www.googleapis.com/oauth2/v4/token"
    _OAUTH_USERINFO_URL = "https://www.googleapis.com/oauth2/v1/userinfo"
    _OAUTH_NO_CALLBACKS = False
    _OAUTH_SETTINGS_KEY = "google_oauth"

    def get_google_oauth_settings(self) -> dict[str, str]:
        """Return "key" and "secret" of the application.  Hook; by default the setting ``google_oauth``.

        Documentation: ``auth.GoogleOAuth2Mixin.get_google_oauth_settings``.
        """
        self.require_setting(self._OAUTH_SETTINGS_KEY, "login with Google")
        settings: dict[str, str] = self.settings[self._OAUTH_SETTINGS_KEY]
        return settings

    @takes_callback
    async def get_authenticated_user(
        self,
        redirect_uri: str,
        code: str,
        client_id: str | None = None,
        client_secret: str | None = None,
    ) -> dict[str, Any]:
        """Return what Google gives for ``code``: a dict with "access_token", and more (RFC 6749, section 4.1.4).

        Who the user is says ``oauth2_request(self._OAUTH_USERINFO_URL, access_token=...)``.  Client id and secret are
        by default those of `get_google_oauth_settings`.  Legacy: ``callback(user)``.  Raises
        `httpclient.HTTPClientError`, `AuthError`.  Documentation: ``auth.GoogleOAuth2Mixin.get_authenticated_user``.
        """
        if client_id is None or client_secret is None:
            settings = self.get_google_oauth_settings()
            client_id = settings["key"] if client_id is None else client_id
            client_secret = settings["secret"] if client_secret is None else client_secret
        body = urlencode(
            {
                "redirect_uri": redirect_uri,
                "code": code,
                "client_id": client_id,
                "client_secret": client_secret,
                "grant_type": "authorization_code",
            }
        )
        fields = {"Content-Type": "application/x-www-form-urlencoded"}
        client = self.get_auth_http_client()
        response = await client.fetch(self._OAUTH_ACCESS_TOKEN_URL, method="POST", headers=fields, body=body)
        answer: dict[str, Any] = json_of(response)
        return answer


class FacebookGraphMixin(OAuth2Mixin):
    """Login with Facebook, and requests to its Graph API.  Documentation: ``auth.FacebookGraphMixin``."""

    _OAUTH_ACCESS_TOKEN_URL = "https://graph.facebook.com/oauth/access_token?"
    _OAUTH_AUTHORIZE_URL = "https://www.facebook.com/dialog/oauth?"
    _OAUTH_NO_CALLBACKS = False
    _FACEBOOK_BASE_URL = "https://graph.facebook.com"

    @takes_callback
    async def get_authenticated_user(
        self,
        redirect_uri: str,
        client_id: str,
        client_secret: str,
        code: str,
        extra_fields: Iterable[str] | None = None,
    ) -> dict[str, Any] | None:
        """Return the user for ``code``: a dict of fields, None for what Facebook does not say.

        These are "id", "name", "first_name", "last_name", "locale", "picture", "link" and ``extra_fields``, beside
        "access_token" and "session_expires", the seconds that it lasts, as text.  Legacy: ``callback(user)``.  Raises
        `httpclient.HTTPClientError`, `AuthError`.  Documentation: ``auth.FacebookGraphMixin.get_authenticated_user``.
        """
        client = self.get_auth_http_client()
        url = self._oauth_request_token_url(redirect_uri, client_id, client_secret, code)
        session = json_of(await client.fetch(url))
        if "access_token" not in session:
            raise AuthError(f"Facebook gave no access token: {session!r}")
        token = session["access_token"]
        names = sorted({"id", "name", "first_name", "last_name", "locale", "picture", "link", *(extra_fields or ())})
        proof = hmac.new(client_secret.encode(), token.encode(), hashlib.sha256).hexdigest()
        user = await self.facebook_request("/me", token, None, appsecret_proof=proof, fields=",".join(names))
        if user is None:
            return None
        fields = {name: user.get(name) for name in names}
        return {**fields, "access_token": token, "session_expires": str(session.get("expires_in"))}

    @takes_callback
    async def facebook_request(
        self,
        path: str,
        access_token: str | None = None,
        post_args: dict[str, Any] | None = None,
        **args: Any,
    ) -> Any:
        """Return what the Graph API answers for ``path``, such as "/me/feed"; otherwise as `oauth2_request`.

        Documentation: ``auth.FacebookGraphMixin.facebook_request``.
        """
        return await self.oauth2_request(self._FACEBOOK_BASE_URL + path, access_token, post_args, **args)


class TwitterMixin(OAuthMixin):
    """Login with Twitter, and requests to its API of version 1.1.

    The settings ``twitter_consumer_key`` and ``twitter_consumer_secret`` are the application's.  Deprecated since 6.3.
    Documentation: ``auth.TwitterMixin``.
    """

    _OAUTH_REQUEST_TOKEN_URL = "https://api.twitter.com/oauth/request_token"
    _OAUTH_ACCESS_TOKEN_URL = "https://api.twitter.com/oauth/access_token"
    _OAUTH_AUTHORIZE_URL = "https://api.twitter.com/oauth/authorize"
    _OAUTH_AUTHENTICATE_URL = "https://api.twitter.com/oauth/authenticate"
    _OAUTH_NO_CALLBACKS = False
    _TWITTER_BASE_URL = "https://api.twitter.com/1.1"

    @takes_callback
    async def authenticate_redirect(self, callback_uri: str | None = None) -> None:
        """Do as `authorize_redirect`, but let users who have consented before come back at once.

        Documentation: ``auth.TwitterMixin.authenticate_redirect``.
        """
        client = self.get_auth_http_client()
        response = await client.fetch(self._oauth_request_token_url(callback_uri))
        self._on_request_token(self._OAUTH_AUTHENTICATE_URL, None, response)

    @takes_callback
    async def twitter_request(
        self,
        path: str,
        access_token: Token,
        post_args: dict[str, Any] | None = None,
        **args: Any,
    ) -> Any:
        """Return what the API answers for ``path``, such as "/statuses/update", or for a whole URL.

        A GET with ``args``, or with ``post_args`` a POST of them, signed for the user of ``access_token``.  Legacy:
        ``callback(result)``.  Raises `httpclient.HTTPClientError`, `AuthError`.
        Documentation: ``auth.TwitterMixin.twitter_request``.
        """
        # Where pictures are uploaded is another host.
        url = path if path.startswith(("http:", "https:")) else f"{self._TWITTER_BASE_URL}{path}.json"
        if access_token:
            method = "GET" if post_args is None else "POST"
            signed = {**args, **(post_args or {})}
            args = {**args, **self._oauth_request_parameters(url, access_token, signed, method)}
        return await self._ask_api(url_concat(url, args), post_args)

    def _oauth_consumer_token(self) -> dict[str, Any]:
        self.require_setting("twitter_consumer_key", "login with Twitter")
        self.require_setting("twitter_consumer_secret", "login with Twitter")
        return {"key": self.settings["twitter_consumer_key"], "secret": self.settings["twitter_consumer_secret"]}

    async def _oauth_get_user_future(self, access_token: Token) -> dict[str, Any]:
        user: dict[str, Any] = await self.twitter_request("/account/verify_credentials", access_token)
        if user:
            user["username"] = user["screen_name"]
        return user
