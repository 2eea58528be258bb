"""Saboteurs of the chapter on users."""

from __future__ import annotations

import urllib.parse
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around, every_application

CHAPTER = "web.login"


def decorating(ref: Patches, lie: Any) -> None:
    """Let ``authenticated`` make methods that do ``lie(method, handler)``."""

    def authenticated(method: Any) -> Any:
        return lambda self, *args, **kwargs: lie(lambda: method(self, *args, **kwargs), self)

    ref.replace(ref.web, "authenticated", authenticated)


def sending(ref: Patches, change: Any) -> None:
    """Let ``change(url, handler)`` alter the URLs that ``authenticated`` redirects to."""
    around(
        ref,
        ref.web.RequestHandler,
        "redirect",
        lambda original, self, url, *args, **kwargs: original(self, change(url, self), *args, **kwargs),
    )


@saboteur(
    "user-asked-again",
    "get_current_user is asked each time.",
    chapters=CHAPTER,
    kills=("web.user.current", "web.user.assigned"),
)
def _(ref: Patches) -> None:
    ref.replace(
        ref.web.RequestHandler, "current_user", property(lambda self: self.get_current_user(), lambda self, value: None)
    )


@saboteur("user-everybody", "Everybody is a user.", chapters=CHAPTER, kills="web.user.default")
def _(ref: Patches) -> None:
    ref.replace(ref.web.RequestHandler, "get_current_user", lambda self: "everybody")


@saboteur(
    "authenticated-open",
    "authenticated lets everybody in.",
    chapters=CHAPTER,
    kills=("web.authenticated.redirect", "web.authenticated.other-methods", "web.authenticated.setting-required"),
)
def _(ref: Patches) -> None:
    decorating(ref, lambda call, self: call())


@saboteur("authenticated-shut", "authenticated lets nobody in.", chapters=CHAPTER, kills="web.authenticated.user")
def _(ref: Patches) -> None:
    def lie(call: Any, self: Any) -> None:
        raise ref.web.HTTPError(403)

    decorating(ref, lie)


@saboteur(
    "authenticated-forgets",
    "The login page is not told what was asked for.",
    chapters=CHAPTER,
    kills=("web.authenticated.redirect", "web.authenticated.absolute", "web.authenticated.login-url"),
)
def _(ref: Patches) -> None:
    sending(ref, lambda url, self: url.partition("?")[0])


@saboteur("authenticated-adds", "next is added to every query.", chapters=CHAPTER, kills="web.authenticated.own-query")
def _(ref: Patches) -> None:
    sending(ref, lambda url, self: url if "next=" in url else f"{url}&next={self.request.path}")


@saboteur(
    "authenticated-leads-away",
    "next is the path as it was sent.",
    chapters=CHAPTER,
    kills=("web.authenticated.another-host", "web.authenticated.absolute"),
)
def _(ref: Patches) -> None:
    sending(ref, lambda url, self: url.partition("?")[0] + "?next=" + urllib.parse.quote(self.request.uri))


@saboteur(
    "authenticated-default-login",
    "There is always a login page, at /login.",
    chapters=CHAPTER,
    kills=("web.authenticated.setting-required", "web.authenticated.login-url"),
)
def _(ref: Patches) -> None:
    every_application(ref, lambda routes, settings: settings.update(login_url="/login"))
    sending(ref, lambda url, self: "/login?next=" + urllib.parse.quote(self.request.uri.replace("//", "/")))
