"""Saboteurs of the chapter on forged requests."""

from __future__ import annotations

import urllib.parse
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around, every_application, every_handler, nothing

CHAPTER = "web.forgery"


def checking(ref: Patches, lie: Any) -> None:
    """Answer ``check_xsrf_cookie`` with ``lie(original, self)``."""
    around(ref, ref.web.RequestHandler, "check_xsrf_cookie", lie)


def settings_of(ref: Patches, change: Any) -> None:
    """Let ``change(settings)`` alter the settings of every application."""
    every_application(ref, lambda routes, settings: change(settings))


@saboteur(
    "xsrf-unchecked",
    "Tokens are not looked at.",
    chapters=CHAPTER,
    kills=("web.xsrf.refused", "web.xsrf.wrong-token", "web.xsrf.malformed"),
)
def _(ref: Patches) -> None:
    checking(ref, lambda original, self: None)


@saboteur("xsrf-always", "Tokens are needed without the setting, too.", chapters=CHAPTER, kills="web.xsrf.off")
def _(ref: Patches) -> None:
    settings_of(ref, lambda settings: settings.update(xsrf_cookies=True))


@saboteur(
    "xsrf-every-method",
    "Tokens are needed for all methods, in handlers that check for themselves, and for paths that lead nowhere.",
    chapters=CHAPTER,
    kills=("web.xsrf.safe-methods", "web.xsrf.override", "web.xsrf.not-found"),
)
def _(ref: Patches) -> None:
    original = ref.web.RequestHandler.check_xsrf_cookie

    def change(handler: Any) -> None:
        prepare = handler.prepare

        def checked() -> Any:
            if handler.application.settings.get("xsrf_cookies"):
                original(handler)
            return prepare()

        handler.prepare = checked

    every_handler(ref, change)


@saboteur(
    "xsrf-forms-only",
    "Tokens in header fields are not seen.",
    chapters=CHAPTER,
    kills=("web.xsrf.places", "web.xsrf.same-secret"),
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any) -> None:
        for name in ("X-XSRFToken", "X-CSRFToken"):
            self.request.headers.pop(name, None)
        original(self)

    checking(ref, lie)


@saboteur(
    "xsrf-same-text",
    "Token and cookie must be the same text.",
    chapters=CHAPTER,
    kills=("web.xsrf.same-secret", "web.xsrf.upgrade"),
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any) -> None:
        if (self.get_argument("_xsrf", None) or self.request.headers.get("X-XSRFToken")) != self.get_cookie("_xsrf"):
            raise ref.web.HTTPError(403)

    checking(ref, lie)


@saboteur(
    "xsrf-no-cookie",
    "xsrf_token sets no cookie.",
    chapters=CHAPTER,
    kills=("web.xsrf.cookie-set", "web.xsrf.cookie-settings", "web.xsrf.cookie-life"),
)
def _(ref: Patches) -> None:
    every_handler(ref, lambda handler: setattr(handler, "set_cookie", nothing))


@saboteur(
    "xsrf-one-secret",
    "There is one token for all.",
    chapters=CHAPTER,
    kills=("web.xsrf.new-secret", "web.xsrf.mask", "web.xsrf.upgrade"),
)
def _(ref: Patches) -> None:
    ref.replace(ref.web.RequestHandler, "xsrf_token", property(lambda self: b"0" * 32))


@saboteur("xsrf-form-visible", "The input of xsrf_form_html is not hidden.", chapters=CHAPTER, kills="web.xsrf.form")
def _(ref: Patches) -> None:
    around(
        ref,
        ref.web.RequestHandler,
        "xsrf_form_html",
        lambda original, self: original(self).replace('type="hidden"', 'type="text"'),
    )


@saboteur(
    "xsrf-cookie-plain",
    "The settings for the cookie are ignored.",
    chapters=CHAPTER,
    kills="web.xsrf.cookie-settings",
)
def _(ref: Patches) -> None:
    def change(settings: dict[str, Any]) -> None:
        for name in ("xsrf_cookie_name", "xsrf_cookie_kwargs"):
            settings.pop(name, None)

    settings_of(ref, change)


@saboteur("xsrf-cookie-lasts", "The cookie always lasts for a month.", chapters=CHAPTER, kills="web.xsrf.cookie-life")
def _(ref: Patches) -> None:
    settings_of(ref, lambda settings: settings.update(xsrf_cookie_kwargs={"expires_days": 30}))


@saboteur(
    "origin-nobody-trusted",
    "Only requests from trusted origins are allowed, and none is trusted.",
    chapters=CHAPTER,
    kills=("web.origin.allowed", "web.origin.safe-methods", "web.origin.trusted"),
)
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        prepare = handler.prepare

        def checked() -> Any:
            if handler.application.settings.get("cross_origin_protection"):
                raise ref.web.HTTPError(403)
            return prepare()

        handler.prepare = checked

    every_handler(ref, change)


@saboteur(
    "origin-same-host",
    "Origins are compared by host name alone.",
    chapters=CHAPTER,
    kills=("web.origin.refused", "web.origin.trusted", "web.origin.override"),
)
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        handler.check_trusted_origin = lambda origin: bool(urllib.parse.urlsplit(origin.replace("[", "")).hostname)

    every_handler(ref, change)
