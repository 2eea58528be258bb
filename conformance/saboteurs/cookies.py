"""Saboteurs of the chapter on cookies."""

from __future__ import annotations

import contextlib
import re
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around, nothing

CHAPTER = "web.cookies"


def setting(ref: Patches, lie: Any) -> None:
    """Answer calls of ``set_cookie`` with ``lie(original, self, name, value, keywords)``."""

    def lying(original: Any, self: Any, name: str, value: Any, *args: Any, **keywords: Any) -> None:
        positions = ("domain", "expires", "path", "expires_days")
        lie(original, self, name, value, {**dict(zip(positions, args, strict=False)), **keywords})

    around(ref, ref.web.RequestHandler, "set_cookie", lying)


@saboteur(
    "cookie-not-read",
    "get_cookie finds no cookie.",
    chapters=CHAPTER,
    kills=("web.cookie.get", "web.cookie.malformed", "web.cookie.round-trip"),
)
def _(ref: Patches) -> None:
    around(ref, ref.web.RequestHandler, "get_cookie", lambda original, self, name, default=None: default)


@saboteur("cookie-names-only", "cookies has the names without values.", chapters=CHAPTER, kills="web.cookie.all")
def _(ref: Patches) -> None:
    ref.replace(ref.web.RequestHandler, "cookies", property(lambda self: dict.fromkeys(self.request.cookies, "")))


@saboteur("cookie-no-path", "set_cookie sends no path unless given one.", chapters=CHAPTER, kills="web.cookie.set")
def _(ref: Patches) -> None:
    setting(
        ref, lambda original, self, name, value, keywords: original(self, name, value, **{"path": None, **keywords})
    )


@saboteur(
    "cookie-no-attributes",
    "set_cookie knows path and the expiry only.",
    chapters=CHAPTER,
    kills=("web.cookie.attributes", "web.cookie.attribute-spelling"),
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, value: Any, keywords: dict[str, Any]) -> None:
        original(self, name, value, **{key: keywords[key] for key in keywords if key[:4] in ("path", "expi")})

    setting(ref, lie)


@saboteur(
    "cookie-no-expiry",
    "set_cookie ignores when the cookie ends.",
    chapters=CHAPTER,
    kills=("web.cookie.expires", "web.cookie.expires-days", "web.cookie.clear"),
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, value: Any, keywords: dict[str, Any]) -> None:
        original(self, name, value, **{key: keywords[key] for key in keywords if not key.startswith("expires")})

    setting(ref, lie)


@saboteur(
    "cookie-first-wins", "The first of two cookies of a name is sent.", chapters=CHAPTER, kills="web.cookie.several"
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, value: Any, keywords: dict[str, Any]) -> None:
        names = self.__dict__.setdefault("_named", set())
        if name not in names:
            original(self, name, value, **keywords)
        names.add(name)

    setting(ref, lie)


@saboteur(
    "cookie-unquoted", "set_cookie drops what stands in the way.", chapters=CHAPTER, kills="web.cookie.round-trip"
)
def _(ref: Patches) -> None:
    setting(
        ref,
        lambda original, self, name, value, keywords: original(self, name, re.sub(r'[";,\\]', "", value), **keywords),
    )


@saboteur("cookie-raw", "set_cookie puts its arguments together.", chapters=CHAPTER, kills="web.cookie.injection")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, value: Any, keywords: dict[str, Any]) -> None:
        attributes = "".join(f"; {key}={keywords[key]}" for key in keywords)
        self.add_header(
            "Set-Cookie", re.sub(r"[\r\n]+", "; ", f"{name}={value}{attributes}").replace("X-Evil: ", "evil")
        )

    setting(ref, lie)


@saboteur(
    "cookie-cleared-by-errors", "An error page comes without cookies.", chapters=CHAPTER, kills="web.cookie.error-page"
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        self.set_cookie = nothing
        return original(self, *args, **kwargs)

    around(ref, ref.web.RequestHandler, "send_error", lie)
    setting(ref, lambda original, self, name, value, keywords: self.add_header("Set-Cookie", f"{name}={value}"))


@saboteur(
    "cookie-clear-forgets-place",
    "clear_cookie clears the cookie of the path /.",
    chapters=CHAPTER,
    kills=("web.cookie.clear", "web.cookie.clear-all"),
)
def _(ref: Patches) -> None:
    around(ref, ref.web.RequestHandler, "clear_cookie", lambda original, self, name, **kwargs: original(self, name))


@saboteur(
    "cookie-clear-any-argument",
    "clear_cookie ignores arguments that it cannot use.",
    chapters=CHAPTER,
    kills="web.cookie.clear-expiry",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, **kwargs: Any) -> None:
        with contextlib.suppress(TypeError):
            original(self, name, **kwargs)

    around(ref, ref.web.RequestHandler, "clear_cookie", lie)
