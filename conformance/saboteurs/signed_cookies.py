"""Saboteurs of the chapter on signed cookies."""

from __future__ import annotations

import base64
import re
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around, every_application

CHAPTER = "web.signed_cookies"


def signing(ref: Patches, lie: Any) -> None:
    """Answer ``create_signed_value``, in handlers too, with ``lie(original, secret, name, value, keywords)``."""
    original = ref.web.create_signed_value

    def lying(
        secret: Any, name: str, value: Any, version: Any = None, clock: Any = None, key_version: Any = None
    ) -> Any:
        keywords = {"version": version, "clock": clock, "key_version": key_version}
        return lie(original, secret, name, value, keywords)

    ref.replace(ref.web, "create_signed_value", lying)


def reading(ref: Patches, lie: Any) -> None:
    """Answer ``decode_signed_value`` with ``lie(original, secret, name, value, keywords)``."""
    original = ref.web.decode_signed_value

    def lying(secret: Any, name: str, value: Any, **keywords: Any) -> Any:
        return lie(original, secret, name, value, keywords)

    ref.replace(ref.web, "decode_signed_value", lying)


def handled(ref: Patches, lie: Any) -> None:
    """Answer ``get_signed_cookie`` with ``lie(original, self, name, value, keywords)``."""

    def lying(original: Any, self: Any, name: str, value: Any = None, **keywords: Any) -> Any:
        return lie(original, self, name, value, keywords)

    for word in ("signed", "secure"):
        around(ref, ref.web.RequestHandler, f"get_{word}_cookie", lying)


@saboteur(
    "signed-in-hexadecimal",
    "The signature is in capitals.",
    chapters=CHAPTER,
    kills=("web.signed.format-1", "web.signed.format-2"),
)
def _(ref: Patches) -> None:
    def lie(original: Any, secret: Any, name: str, value: Any, keywords: Any) -> bytes:
        head, bar, signature = original(secret, name, value, **keywords).rpartition(b"|")
        return bytes(head + bar + signature.upper())

    signing(ref, lie)


@saboteur(
    "signed-always-1",
    "Values are signed in version 1.",
    chapters=CHAPTER,
    kills=("web.signed.default-version", "web.signed.rotation", "web.signed.key-version"),
)
def _(ref: Patches) -> None:
    def lie(original: Any, secret: Any, name: str, value: Any, keywords: Any) -> Any:
        key = secret if not isinstance(secret, dict) else next(iter(secret.values()))
        return original(
            key,
            name,
            value,
            version=1 if keywords["version"] is None or secret is not key else keywords["version"],
            clock=keywords["clock"],
        )

    signing(ref, lie)


@saboteur(
    "signed-any-version",
    "Versions that there are not become the newest.",
    chapters=CHAPTER,
    kills="web.signed.unknown-version",
)
def _(ref: Patches) -> None:
    def lie(original: Any, secret: Any, name: str, value: Any, keywords: Any) -> Any:
        return original(secret, name, value, **{**keywords, "version": min(keywords["version"] or 2, 2)})

    signing(ref, lie)


@saboteur("signed-text", "What was signed is read as text.", chapters=CHAPTER, kills="web.signed.round-trip")
def _(ref: Patches) -> None:
    def lie(original: Any, secret: Any, name: str, value: Any, keywords: Any) -> Any:
        found = original(secret, name, value, **keywords)
        return found and found.decode("latin-1")

    reading(ref, lie)


def trusted(value: Any) -> bytes:
    """Return what a value says that it holds, unchecked."""
    text = value if isinstance(value, str) else value.decode("latin-1")
    parts = text.split("|")
    return base64.b64decode(parts[4].partition(":")[2] if parts[0] == "2" else parts[0])


@saboteur(
    "signed-unchecked",
    "Signatures are not looked at.",
    chapters=CHAPTER,
    kills=(
        "web.signed.forged",
        "web.signed.other-key",
        "web.signed.other-name",
        "web.signed.moved-digits",
        "web.signed.age",
        "web.signed.min-version",
        "web.signed.malformed",
    ),
)
def _(ref: Patches) -> None:
    reading(ref, lambda original, secret, name, value, keywords: trusted(value))


@saboteur(
    "signed-first-key", "The first of several keys is good for all.", chapters=CHAPTER, kills="web.signed.rotation"
)
def _(ref: Patches) -> None:
    def lie(original: Any, secret: Any, name: str, value: Any, keywords: Any) -> Any:
        return original(next(iter(secret.values())) if isinstance(secret, dict) else secret, name, value, **keywords)

    reading(ref, lie)


@saboteur("signed-no-key-version", "Values name no key.", chapters=CHAPTER, kills=("web.signed.key-version",))
def _(ref: Patches) -> None:
    ref.replace(ref.web, "get_signature_key_version", lambda value: None)


@saboteur("signed-any-key", "Without a key the first one signs.", chapters=CHAPTER, kills="web.signed.key-missing")
def _(ref: Patches) -> None:
    def lie(original: Any, secret: Any, name: str, value: Any, keywords: Any) -> Any:
        if isinstance(secret, dict) and keywords["key_version"] not in secret:
            keywords["key_version"] = next(iter(secret))
        return original(secret, name, value, **keywords)

    signing(ref, lie)


@saboteur(
    "signed-cookie-strict",
    "A signed cookie that is none is an error.",
    chapters=CHAPTER,
    kills=("web.signed.version-1-keys", "web.signed.cookie-forged"),
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, value: Any, keywords: Any) -> Any:
        found = original(self, name, value, **keywords)
        if found is None:
            raise ValueError(name)
        return found

    handled(ref, lie)


@saboteur(
    "signed-cookie-session",
    "Signed cookies last as long as the browser, and are read by their old names only.",
    chapters=CHAPTER,
    kills="web.signed.cookie",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, value: Any, expires_days: Any = None, **kwargs: Any) -> None:
        original(self, name, value, expires_days=None, **kwargs)

    around(ref, ref.web.RequestHandler, "set_signed_cookie", lie)


@saboteur(
    "signed-cookie-month", "Signed cookies always last a month.", chapters=CHAPTER, kills="web.signed.cookie-session"
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, value: Any, expires_days: Any = None, **kwargs: Any) -> None:
        original(self, name, value, expires_days=30, **kwargs)

    around(ref, ref.web.RequestHandler, "set_signed_cookie", lie)


@saboteur(
    "signed-cookie-only", "get_signed_cookie looks at cookies only.", chapters=CHAPTER, kills="web.signed.argument"
)
def _(ref: Patches) -> None:
    handled(ref, lambda original, self, name, value, keywords: original(self, name, **keywords))


@saboteur(
    "signed-handler-first-key", "Handlers sign with the first key.", chapters=CHAPTER, kills="web.signed.handler-keys"
)
def _(ref: Patches) -> None:
    def change(routes: list[Any], settings: dict[str, Any]) -> None:
        if isinstance(settings.get("cookie_secret"), dict):
            settings["key_version"] = next(iter(settings["cookie_secret"]))

    every_application(ref, change)


@saboteur(
    "signed-no-secret",
    "Without a secret the name of the system is one.",
    chapters=CHAPTER,
    kills="web.signed.secret-required",
)
def _(ref: Patches) -> None:
    def change(routes: list[Any], settings: dict[str, Any]) -> None:
        settings["cookie_secret"] = settings.get("cookie_secret") or re.__name__

    every_application(ref, change)
