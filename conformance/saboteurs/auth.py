"""Saboteurs of the chapter on login with other services."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around
from conformance.saboteurs.loop_life import Lie


def auth_lie(name: str, lie: str, *kills: str) -> Lie:
    """Register a saboteur of this chapter; ``kills`` are ids without what they have in common."""
    return saboteur(f"auth-{name}", lie, chapters="tools.auth", kills=tuple(f"auth.{one}" for one in kills))


def result(ref: Patches, mixin: str, method: str, change: Callable[[Any], Any]) -> None:
    """Have ``change`` alter what a coroutine method gives."""

    async def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        value = await original(self, *args, **kwargs)
        change(value)
        return value

    around(ref, getattr(ref.auth, mixin), method, lie)


def without(ref: Patches, mixin: str, method: str, *names: str) -> None:
    """Have a method ignore keyword arguments."""

    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        return original(self, *args, **{name: value for name, value in kwargs.items() if name not in names})

    around(ref, getattr(ref.auth, mixin), method, lie)


# -- OAuth 1.0 --------------------------------------------------------------------------------------------------------


@auth_lie("no-callback", "The service is not told where the user goes.", "oauth1.request-token", "oauth1.out-of-band")
def _(ref: Patches) -> None:
    around(ref, ref.auth.OAuthMixin, "_oauth_request_token_url", lambda original, self, *args, **kwargs: original(self))


@auth_lie("key-as-it-is", "Secrets go into the signature's key as they are.", "oauth1.key-encoded")
def _(ref: Patches) -> None:
    def escaped(text: str) -> str:
        return quote(text, safe="~")

    def lie(original: Any, self: Any, *args: Any) -> str:
        url, _, query = original(self, *args).partition("?")
        given = [pair for pair in parse_qsl(query) if pair[0] != "oauth_signature"]
        normalized = "&".join(sorted(f"{escaped(name)}={escaped(value)}" for name, value in given))
        base = "&".join(map(escaped, ("GET", url, normalized)))
        key = f"{self._oauth_consumer_token()['secret']}&"
        mac = hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()
        return f"{url}?{urlencode([*given, ('oauth_signature', base64.b64encode(mac).decode())])}"

    around(ref, ref.auth.OAuthMixin, "_oauth_request_token_url", lie)


@auth_lie("no-verifier", "The verifier is not passed on.", "oauth1.access-token")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, token: Any) -> Any:
        return original(self, {name: value for name, value in token.items() if name != "verifier"})

    around(ref, ref.auth.OAuthMixin, "_oauth_access_token_url", lie)


def forgiving(ref: Patches, kind: Any) -> None:
    """Let a login succeed where it should raise ``kind``."""

    async def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return await original(self, *args, **kwargs)
        except kind:
            return {"name": "somebody"}

    around(ref, ref.auth.OAuthMixin, "get_authenticated_user", lie)


@auth_lie("anybody", "A login that went wrong is one of somebody.", "oauth1.other-login", "oauth1.no-token")
def _(ref: Patches) -> None:
    forgiving(ref, ref.auth.AuthError)


@auth_lie("refusal-ignored", "That the service refuses the token is ignored.", "oauth1.refused")
def _(ref: Patches) -> None:
    forgiving(ref, ref.httpclient.HTTPClientError)


@auth_lie("callbacks-anyway", "A callback URL is passed to services that take none.", "oauth1.no-callbacks")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        self._OAUTH_NO_CALLBACKS = False
        return original(self, *args, **kwargs)

    around(ref, ref.auth.OAuthMixin, "authorize_redirect", lie)


@auth_lie("own-client", "The client that the handler chose is not used.", "client.hook")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        return original(self, *args, **{**kwargs, "http_client": ref.httpclient.AsyncHTTPClient()})

    for name in ("authorize_redirect", "get_authenticated_user"):
        around(ref, ref.auth.OAuthMixin, name, lie)


# -- services ---------------------------------------------------------------------------------------------------------


@auth_lie("asks-again", "Twitter's users have to consent each time.", "twitter.login")
def _(ref: Patches) -> None:
    around(ref, ref.auth.TwitterMixin, "authenticate_redirect", lambda original, self: self.authorize_redirect())


@auth_lie("no-arguments", "Arguments of requests to Twitter are dropped.", "twitter.request")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, path: str, access_token: Any, post_args: Any = None, **args: Any) -> Any:
        return original(self, path, access_token, post_args)

    around(ref, ref.auth.TwitterMixin, "twitter_request", lie)


@auth_lie("which-setting", "That a setting is missing is said without its name.", "settings.missing")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, *args: Any) -> None:
        if not self.settings.get(name):
            raise Exception("something is not set")

    around(ref, ref.web.RequestHandler, "require_setting", lie)


@auth_lie("stateless", "Extra parameters, the state among them, are dropped.", "oauth2.redirect")
def _(ref: Patches) -> None:
    without(ref, "OAuth2Mixin", "authorize_redirect", "extra_params")


@auth_lie("never-posts", "post_args are ignored.", "oauth2.request", "facebook.request")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, url: str, token: Any = None, post_args: Any = None, **args: Any) -> Any:
        return original(self, url, args.pop("access_token", token), None, **args)

    around(ref, ref.auth.OAuth2Mixin, "oauth2_request", lie)


@auth_lie("query-dropped", "The query of a URL to ask is dropped.", "oauth2.query-kept")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, url: str, *args: Any, **kwargs: Any) -> Any:
        return original(self, urlsplit(url)._replace(query="").geturl(), *args, **kwargs)

    around(ref, ref.auth.OAuth2Mixin, "oauth2_request", lie)


@auth_lie("google-by-settings", "Id and secret are always those of the settings.", "google.login")
def _(ref: Patches) -> None:
    without(ref, "GoogleOAuth2Mixin", "get_authenticated_user", "client_id", "client_secret")


@auth_lie("facebook-session", "How long a session with Facebook lasts is not told.", "facebook.login")
def _(ref: Patches) -> None:
    result(ref, "FacebookGraphMixin", "get_authenticated_user", lambda user: user.pop("session_expires"))


# -- OpenID -----------------------------------------------------------------------------------------------------------


@auth_lie("openid-no-attributes", "No attributes are asked for.", "openid.redirect")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, callback_uri: str, *args: Any, **kwargs: Any) -> Any:
        return original(self, callback_uri)

    around(ref, ref.auth.OpenIdMixin, "_openid_args", lie)


@auth_lie("openid-nameless", "The user's name for friends is not given.", "openid.user")
def _(ref: Patches) -> None:
    result(ref, "OpenIdMixin", "get_authenticated_user", lambda user: user.pop("username", None))


@auth_lie("openid-always-valid", "Every answer of the provider is taken for a confirmation.", "openid.refused")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, response: Any) -> Any:
        return original(self, SimpleNamespace(body=b"is_valid:true\n"))

    around(ref, ref.auth.OpenIdMixin, "_on_authentication_verified", lie)


@auth_lie("openid-all-signed", "What came back counts as signed.", "openid.unsigned")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "openid.signed":
            return ",".join(key.removeprefix("openid.") for key in self.request.arguments)
        return original(self, name, *args, **kwargs)

    around(ref, ref.web.RequestHandler, "get_argument", lie)


# -- former times -----------------------------------------------------------------------------------------------------


@auth_lie("callback-gets-nothing", "The callback of a login is called with nothing.", "legacy.callback")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, callback: Any = None, **kwargs: Any) -> Any:
        callback = callback or (args[0] if args else None)
        return original(self, callback=callback and (lambda user: callback("null")), **kwargs)

    around(ref, ref.auth.OAuthMixin, "get_authenticated_user", lie)


@auth_lie("google-no-scope", "GoogleMixin asks for no access.", "legacy.google")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, scope: str, *args: Any, **kwargs: Any) -> Any:
        return original(self, "", *args, **kwargs)

    around(ref, ref.auth.GoogleMixin, "authorize_redirect", lie)


@auth_lie("friendfeed-nobody", "The user of FriendFeed has no username.", "legacy.friendfeed")
def _(ref: Patches) -> None:
    result(ref, "FriendFeedMixin", "_oauth_get_user_future", lambda user: user.pop("username"))


@auth_lie("facebook-no-key", "The key of the session is not given.", "legacy.facebook")
def _(ref: Patches) -> None:
    result(ref, "FacebookMixin", "get_authenticated_user", lambda user: user.pop("session_key"))
