"""Logins of services that are no more: ``auth.GoogleMixin``, ``auth.FacebookMixin``, ``auth.FriendFeedMixin``.

Releases up to 4.1 had them. The addresses are class attributes, so that they can lead to what speaks the same protocol.
Documentation: ``tornado.auth`` of releases 2.4 to 4.1.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection
from typing import Any
from urllib.parse import urlencode, urljoin

from waterspout._auth_oauth1 import OAuthMixin, Token, parse_token
from waterspout._auth_openid import OAUTH_EXTENSION, OpenIdMixin
from waterspout._auth_requests import AuthError, LoginMixin, takes_callback
from waterspout.escape import json_decode
from waterspout.httpclient import AsyncHTTPClient
from waterspout.httputil import url_concat

__all__ = ["FacebookMixin", "FriendFeedMixin", "GoogleMixin"]


class GoogleMixin(OpenIdMixin, OAuthMixin):
    """Login with Google by OpenID, and with it access to Google's services by OAuth 1.0.

    The settings ``google_consumer_key`` and ``google_consumer_secret`` are the application's. Legacy: deprecated since
    4.0, use `auth.GoogleOAuth2Mixin`. Documentation: ``auth.GoogleMixin``.
    """

    _OPENID_ENDPOINT = "https://www.google.com/accounts/o8/ud"
    _OAUTH_ACCESS_TOKEN_URL = "https://www.google.com/accounts/OAuthGetAccessToken"

    @takes_callback
    def authorize_redirect(  # type: ignore[override]
        self,
        oauth_scope: str,
        callback_uri: str | None = None,
        ax_attrs: Collection[str] = ("name", "email", "language", "username"),
    ) -> None:
        """Send the user to Google to log in and to give access to ``oauth_scope``, the URL of a service.

        Documentation: ``auth.GoogleMixin.authorize_redirect``.
        """
        args = self._openid_args(callback_uri or self.request.uri, ax_attrs, oauth_scope)
        self.redirect(url_concat(self._OPENID_ENDPOINT, args))

    @takes_callback
    async def get_authenticated_user(self, http_client: AsyncHTTPClient | None = None) -> dict[str, Any]:
        """Return the user as `auth.OpenIdMixin` does, with an ``access_token`` if one was asked for.

        Documentation: ``auth.GoogleMixin.get_authenticated_user``.
        """
        user: dict[str, Any] = await OpenIdMixin.get_authenticated_user(self, http_client)
        prefix = self._extension(OAUTH_EXTENSION)
        key = f"{prefix}.request_token"
        token = self.get_argument(f"openid.{key}", "")
        if prefix is None or not token or not self._is_signed(key):
            return user
        client = http_client or self.get_auth_http_client()
        response = await client.fetch(self._oauth_access_token_url({"key": token, "secret": ""}))
        return {**user, "access_token": parse_token(response.body)}

    def _oauth_consumer_token(self) -> dict[str, Any]:
        self.require_setting("google_consumer_key", "login with Google")
        self.require_setting("google_consumer_secret", "login with Google")
        return {"key": self.settings["google_consumer_key"], "secret": self.settings["google_consumer_secret"]}


class FriendFeedMixin(OAuthMixin):
    """Login with FriendFeed by OAuth 1.0, and requests to its API.

    The settings ``friendfeed_consumer_key`` and ``friendfeed_consumer_secret`` are the application's.
    Documentation: ``auth.FriendFeedMixin``.
    """

    _OAUTH_VERSION = "1.0"
    _OAUTH_REQUEST_TOKEN_URL = "https://friendfeed.com/account/oauth/request_token"
    _OAUTH_ACCESS_TOKEN_URL = "https://friendfeed.com/account/oauth/access_token"
    _OAUTH_AUTHORIZE_URL = "https://friendfeed.com/account/oauth/authorize"
    _OAUTH_NO_CALLBACKS = True
    _FRIENDFEED_BASE_URL = "http://friendfeed-api.com/v2"

    @takes_callback
    async def friendfeed_request(
        self,
        path: str,
        access_token: Token | None = None,
        post_args: dict[str, Any] | None = None,
        **args: Any,
    ) -> Any:
        """Return what the API answers for ``path``; as `auth.TwitterMixin.twitter_request`.

        Documentation: ``auth.FriendFeedMixin.friendfeed_request``.
        """
        url = self._FRIENDFEED_BASE_URL + path
        if access_token:
            method = "GET" if post_args is None else "POST"
            signed = {**args, **(post_args or {})}
            args = {**args, **self._oauth_request_parameters(url, access_token, signed, method)}
        return await self._ask_api(url_concat(url, args), post_args)

    def _oauth_consumer_token(self) -> dict[str, Any]:
        self.require_setting("friendfeed_consumer_key", "login with FriendFeed")
        self.require_setting("friendfeed_consumer_secret", "login with FriendFeed")
        return {
            "key": self.settings["friendfeed_consumer_key"],
            "secret": self.settings["friendfeed_consumer_secret"],
        }

    async def _oauth_get_user_future(self, access_token: Token) -> dict[str, Any]:
        path = f"/feedinfo/{access_token['username']}"
        user: dict[str, Any] = await self.friendfeed_request(path, access_token, include="id,name,description")
        return {**user, "username": user["id"]} if user else user


class FacebookMixin(LoginMixin):
    """Login with Facebook Connect, and requests to the REST API of its time.

    The settings ``facebook_api_key`` and ``facebook_secret`` are the application's. Legacy: deprecated since 1.1, use
    `auth.FacebookGraphMixin`. Documentation: ``auth.FacebookMixin``.
    """

    _FACEBOOK_LOGIN_URL = "http://www.facebook.com/login.php"
    _FACEBOOK_REST_URL = "http://api.facebook.com/restserver.php"

    @takes_callback
    def authenticate_redirect(
        self,
        callback_uri: str | None = None,
        cancel_uri: str | None = None,
        extended_permissions: str | Collection[str] | None = None,
    ) -> None:
        """Send the user to Facebook, to come back to ``callback_uri``, or to ``cancel_uri`` without a login.

        ``extended_permissions`` are names of what is asked for. Documentation:
        ``auth.FacebookMixin.authenticate_redirect``.
        """
        self.require_setting("facebook_api_key", "login with Facebook")
        here = self.request.full_url()
        args = {
            "api_key": self.settings["facebook_api_key"],
            "v": "1.0",
            "fbconnect": "true",
            "display": "page",
            "next": urljoin(here, callback_uri or self.request.uri),
            "return_session": "true",
        }
        if cancel_uri:
            args["cancel_url"] = urljoin(here, cancel_uri)
        if extended_permissions:
            names = [extended_permissions] if isinstance(extended_permissions, str) else extended_permissions
            args["req_perms"] = ",".join(names)
        self.redirect(url_concat(self._FACEBOOK_LOGIN_URL, args))

    @takes_callback
    def authorize_redirect(
        self,
        extended_permissions: str | Collection[str],
        callback_uri: str | None = None,
        cancel_uri: str | None = None,
    ) -> None:
        """Do as `authenticate_redirect`, for permissions. Documentation: ``auth.FacebookMixin.authorize_redirect``."""
        FacebookMixin.authenticate_redirect(self, callback_uri, cancel_uri, extended_permissions)

    @takes_callback
    async def get_authenticated_user(self) -> dict[str, Any]:
        """Return the user, who has come back with a session: a dict with "name", "uid", "session_key" and more.

        Documentation: ``auth.FacebookMixin.get_authenticated_user``.
        """
        session = json_decode(self.get_argument("session") or "{}")
        found = await self.facebook_request(
            "facebook.users.getInfo",
            session_key=session["session_key"],
            uids=session["uid"],
            fields="uid,first_name,last_name,name,locale,pic_square,profile_url,username",
        )
        if not found:
            raise AuthError("Facebook does not say who came back")
        return {**found[0], "session_key": session["session_key"], "session_expires": session.get("expires")}

    @takes_callback
    async def facebook_request(self, method: str, **args: Any) -> Any:
        """Return what a ``method`` of the REST API answers, such as "stream.get"; lists go as JSON.

        Raises `AuthError` when Facebook answers with an error. Documentation: ``auth.FacebookMixin.facebook_request``.
        """
        self.require_setting("facebook_api_key", "requests to Facebook")
        self.require_setting("facebook_secret", "requests to Facebook")
        name = method if method.startswith("facebook.") else f"facebook.{method}"
        fields: dict[str, Any] = {
            **args,
            "api_key": self.settings["facebook_api_key"],
            "method": name,
            "v": "1.0",
            "format": "json",
            "call_id": str(int(time.time() * 1e6)),
        }
        signed = "".join(sorted(f"{key}={value}" for key, value in fields.items())) + self.settings["facebook_secret"]
        # The digest that this interface was defined with.
        fields["sig"] = hashlib.md5(signed.encode()).hexdigest()
        answer = await self._ask_api(f"{self._FACEBOOK_REST_URL}?{urlencode(fields)}", None)
        if isinstance(answer, dict) and "error_code" in answer:
            raise AuthError(f"Facebook refused {name}: {answer['error_code']} {answer.get('error_msg', '')}")
        return answer
