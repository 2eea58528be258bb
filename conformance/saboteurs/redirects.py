"""Saboteurs of the chapter on redirection."""

from __future__ import annotations

import contextlib
import re
import urllib.parse
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around

CHAPTER = "web.redirects"


def redirecting(ref: Patches, lie: Any, *, routes: bool = False) -> None:
    """Call ``lie(original, handler, url, permanent, status)`` for redirect, with ``routes`` in RedirectHandler only."""

    def lying(original: Any, self: Any, url: str, permanent: bool = False, status: Any = None) -> None:
        lie(original, self, url, permanent, status)

    around(ref, ref.web.RedirectHandler if routes else ref.web.RequestHandler, "redirect", lying)


@saboteur(
    "redirect-always-301",
    "redirect ignores permanent and answers 301.",
    chapters=CHAPTER,
    kills=("web.redirect.default-302", "web.redirect.after-post", "web.redirect.in-coroutine"),
)
def _(ref: Patches) -> None:
    redirecting(ref, lambda original, self, url, permanent, status: original(self, url, True, status))


@saboteur(
    "redirect-always-302",
    "redirect ignores permanent and answers 302.",
    chapters=CHAPTER,
    kills="web.redirect.permanent-301",
)
def _(ref: Patches) -> None:
    redirecting(ref, lambda original, self, url, permanent, status: original(self, url, False, status))


@saboteur("redirect-no-status", "redirect ignores status.", chapters=CHAPTER, kills="web.redirect.status")
def _(ref: Patches) -> None:
    redirecting(ref, lambda original, self, url, permanent, status: original(self, url, permanent))


@saboteur("redirect-permanent-wins", "permanent wins over status.", chapters=CHAPTER, kills="web.redirect.status-wins")
def _(ref: Patches) -> None:
    redirecting(
        ref,
        lambda original, self, url, permanent, status: original(self, url, permanent, None if permanent else status),
    )


@saboteur(
    "redirect-any-status",
    "A status that is no redirection becomes 302.",
    chapters=CHAPTER,
    kills="web.redirect.status-range",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, url: str, permanent: bool, status: Any) -> None:
        original(self, url, permanent, status if isinstance(status, int) and 300 <= status < 400 else None)

    redirecting(ref, lie)


@saboteur(
    "redirect-resolves",
    "A relative URL is resolved before it is sent.",
    chapters=CHAPTER,
    kills="web.redirect.url-as-given",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, url: str, permanent: bool, status: Any) -> None:
        original(self, urllib.parse.urljoin(self.request.full_url(), url), permanent, status)

    redirecting(ref, lie)


@saboteur(
    "redirect-raw",
    "Location has the decoded characters of the URL.",
    chapters=CHAPTER,
    kills=("web.redirect.uri-reference", "web.redirect-handler.groups-encoded"),
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, url: str, permanent: bool, status: Any) -> None:
        self.set_status(status or (301 if permanent else 302))
        self.set_header("Location", urllib.parse.unquote(url).encode())
        self.finish()

    redirecting(ref, lie)


@saboteur(
    "redirect-goes-on",
    "redirect does not end the request.",
    chapters=CHAPTER,
    kills=("web.redirect.ends-request", "web.redirect.in-prepare"),
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, url: str, permanent: bool, status: Any) -> None:
        self.set_status(status or (301 if permanent else 302))
        self.set_header("Location", url)

    redirecting(ref, lie)


@saboteur("redirect-too-late", "redirect after a flush is ignored.", chapters=CHAPTER, kills="web.redirect.after-flush")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, url: str, permanent: bool, status: Any) -> None:
        with contextlib.suppress(Exception):
            original(self, url, permanent, status)

    redirecting(ref, lie)


@saboteur("redirect-clears", "redirect drops fields set before.", chapters=CHAPTER, kills="web.redirect.keeps-fields")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, url: str, permanent: bool, status: Any) -> None:
        self.clear()
        original(self, url, permanent, status)

    redirecting(ref, lie)


@saboteur(
    "redirect-explains",
    "A redirect has a body that names the URL.",
    chapters=CHAPTER,
    kills=("web.redirect.no-body",),
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, url: str, permanent: bool, status: Any) -> None:
        with contextlib.suppress(RuntimeError):
            self.write("It is elsewhere now.")
        original(self, url, permanent, status)

    redirecting(ref, lie)


@saboteur(
    "redirect-splits",
    "What follows a line end in the URL becomes a header field.",
    chapters=CHAPTER,
    kills="web.redirect.injection",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, url: str, permanent: bool, status: Any) -> None:
        first, *rest = re.split(r"[\r\n\0]+", url)
        for line in rest:
            self.add_header(*line.split(": ", 1))
        original(self, first, permanent, status)

    redirecting(ref, lie)


# -- RedirectHandler --------------------------------------------------------------------------------------------------


@saboteur(
    "route-temporary",
    "RedirectHandler answers 302 unless told otherwise.",
    chapters=CHAPTER,
    kills=("web.redirect-handler.default-301",),
)
def _(ref: Patches) -> None:
    around(
        ref,
        ref.web.RedirectHandler,
        "initialize",
        lambda original, self, url, permanent=False: original(self, url, permanent),
    )


@saboteur(
    "route-permanent",
    "RedirectHandler ignores permanent.",
    chapters=CHAPTER,
    kills="web.redirect-handler.temporary-302",
)
def _(ref: Patches) -> None:
    around(
        ref,
        ref.web.RedirectHandler,
        "initialize",
        lambda original, self, url, permanent=True: original(self, url, True),
    )


@saboteur(
    "route-groups-turned",
    "RedirectHandler counts groups from the right.",
    chapters=CHAPTER,
    kills=("web.redirect-handler.groups", "web.redirect-handler.named-groups"),
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        return original(self, *reversed(args), **dict(zip(kwargs, reversed(list(kwargs.values())), strict=True)))

    around(ref, ref.web.RedirectHandler, "get", lie)


@saboteur(
    "route-splits",
    "A line end in a captured group begins a header field.",
    chapters=CHAPTER,
    kills="web.redirect-handler.injection",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        for line in (line for value in args for line in re.split(r"[\r\n\0]+", value)[1:]):
            self.add_header(*line.split(": ", 1))
        return original(self, *(re.split(r"[\r\n\0]", value)[0] for value in args), **kwargs)

    around(ref, ref.web.RedirectHandler, "get", lie)


@saboteur(
    "route-drops-query",
    "RedirectHandler does not pass the query on.",
    chapters=CHAPTER,
    kills=("web.redirect-handler.query", "web.redirect-handler.query-joined"),
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, url: str, permanent: bool, status: Any) -> None:
        original(self, url.partition("?")[0], permanent, status)

    redirecting(ref, lie, routes=True)


@saboteur(
    "route-question-mark",
    "RedirectHandler adds a question mark without a query.",
    chapters=CHAPTER,
    kills="web.redirect-handler.no-query",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, url: str, permanent: bool, status: Any) -> None:
        original(self, url if "?" in url else url + "?", permanent, status)

    redirecting(ref, lie, routes=True)


@saboteur(
    "route-redirects-posts",
    "RedirectHandler redirects POST too.",
    chapters=CHAPTER,
    kills="web.redirect-handler.get-only",
)
def _(ref: Patches) -> None:
    ref.replace(ref.web.RedirectHandler, "post", ref.web.RedirectHandler.get)


# -- one spelling of a path -------------------------------------------------------------------------------------------


@saboteur(
    "slash-ignored",
    "addslash and removeslash change nothing.",
    chapters=CHAPTER,
    kills=("web.redirect.addslash", "web.redirect.removeslash", "web.redirect.slash-methods"),
)
def _(ref: Patches) -> None:
    for name in ("addslash", "removeslash"):
        ref.replace(ref.web, name, lambda method: method)


@saboteur(
    "slash-leads-away",
    "removeslash takes slashes away from the end and looks no further.",
    chapters=CHAPTER,
    kills="web.redirect.slash-of-another-host",
)
def _(ref: Patches) -> None:
    def removeslash(method: Any) -> Any:
        def lying(self: Any, *args: Any, **kwargs: Any) -> Any:
            path, _, query = self.request.uri.partition("?")
            if not path.endswith("/"):
                return method(self, *args, **kwargs)
            self.redirect(path.rstrip("/") + (f"?{query}" if query else ""), permanent=True)
            return None

        return lying

    ref.replace(ref.web, "removeslash", removeslash)
