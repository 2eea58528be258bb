"""Saboteurs of the chapter on what an attacker sends."""

from __future__ import annotations

import hmac
import re
from typing import Any
from urllib.parse import unquote

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around, every_class, every_handler

CHAPTER = "web.security"


@saboteur(
    "security-splits",
    "Line ends in a Location end the line.",
    chapters=CHAPTER,
    kills="web.security.redirects-of-routes",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, url: str, *args: Any, **kwargs: Any) -> None:
        _, evil, value = unquote(url).partition("X-Evil:")
        if evil:
            self.set_header("X-Evil", value.strip())
        original(self, url, *args, **kwargs)

    around(ref, ref.web.RequestHandler, "redirect", lie)


@saboteur(
    "security-any-value",
    "A value of a field may have line ends.",
    chapters=CHAPTER,
    kills="web.security.injection",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, value: Any) -> None:
        first, *others = re.split("[\r\n]+", value) if isinstance(value, str) else [value]
        original(self, name, first)
        for line in others:
            other, colon, text = line.partition(":")
            if colon:
                original(self, other.strip(), text.strip())

    around(ref, ref.web.RequestHandler, "set_header", lie)


@saboteur("security-elsewhere", "A path of two slashes is a place.", chapters=CHAPTER, kills="web.security.elsewhere")
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        original = handler.redirect

        def redirect(url: str, *args: Any, **kwargs: Any) -> None:
            original(unquote(handler.request.path) + "/", *args, **kwargs)

        handler.redirect = redirect

    every_handler(ref, change)


@saboteur("security-traversal", "Paths are not looked at.", chapters=CHAPTER, kills="web.security.traversal")
def _(ref: Patches) -> None:
    around(ref, ref.web.StaticFileHandler, "validate_absolute_path", lambda original, self, root, path: path)


@saboteur(
    "security-xsrf-off",
    "Requests that name another method in a field, or bring no form, need no token.",
    chapters=CHAPTER,
    kills="web.security.forged-post",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any) -> None:
        fields = self.request.headers
        if "X-HTTP-Method-Override" not in fields and "json" not in fields.get("Content-Type", ""):
            original(self)

    around(ref, ref.web.RequestHandler, "check_xsrf_cookie", lie)


@saboteur(
    "security-methods-small",
    "A method may be spelled in small letters.",
    chapters=CHAPTER,
    kills="web.security.method-spelled-small",
)
def _(ref: Patches) -> None:
    def change(cls: Any) -> None:
        cls.SUPPORTED_METHODS = (*ref.web.RequestHandler.SUPPORTED_METHODS, "get", "post", "Post")

    every_class(ref, change)


@saboteur(
    "security-plain-comparison",
    "Signatures are compared with ==.",
    chapters=CHAPTER,
    kills="web.security.constant-time",
)
def _(ref: Patches) -> None:

    original, compare = ref.web.decode_signed_value, hmac.compare_digest

    def lying(*args: Any, **kwargs: Any) -> Any:
        kept, hmac.compare_digest = hmac.compare_digest, compare
        try:
            return original(*args, **kwargs)
        finally:
            hmac.compare_digest = kept

    ref.replace(ref.web, "decode_signed_value", lying)


@saboteur(
    "security-cookie-unchecked",
    "What looks like a signed value is believed.",
    chapters=CHAPTER,
    kills="web.security.forged-cookie",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        found = original(self, name, *args, **kwargs)
        return b"mallory" if found is None and self.get_cookie(name) else found

    around(ref, ref.web.RequestHandler, "get_signed_cookie", lie)


@saboteur(
    "security-not-escaped",
    "Templates escape nothing.",
    chapters=CHAPTER,
    kills="web.security.template-contexts",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, **kwargs: Any) -> bytes:
        return bytes(original(self, name, **kwargs).replace(b"&quot;", b'"').replace(b"&lt;", b"<"))

    around(ref, ref.web.RequestHandler, "render_string", lie)
