"""Saboteurs of the chapter on the application and its routes."""

from __future__ import annotations

import contextlib
import urllib.parse
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around, every_application

CHAPTER = "web.application"


def every_tuple(ref: Patches, change: Any) -> None:
    """Let ``change`` return what a route written as a tuple is to be; None drops the route."""

    def alter(routes: list[Any], settings: dict[str, Any]) -> None:
        changed = [change(route) if isinstance(route, tuple) else route for route in routes]
        routes[:] = [route for route in changed if route is not None]

    every_application(ref, alter)


@saboteur("application-forgets-first", "The first route is forgotten.", chapters=CHAPTER, kills="web.application.hello")
def _(ref: Patches) -> None:
    every_application(ref, lambda routes, settings: routes.__delitem__(slice(0, 1)))


@saboteur(
    "application-last-match",
    "The last route that matches is used.",
    chapters=(CHAPTER, "web.redirects"),
    kills=("web.application.first-match", "web.redirect-handler.first-match"),
)
def _(ref: Patches) -> None:
    every_application(ref, lambda routes, settings: routes.reverse())


@saboteur(
    "application-nameless",
    "Names of routes are not known.",
    chapters=CHAPTER,
    kills=("web.application.reverse", "web.application.spellings"),
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, *args: Any) -> str:
        raise KeyError(name)

    around(ref, ref.web.Application, "reverse_url", lie)


@saboteur(
    "application-prefix",
    "A pattern may match the beginning of a path.",
    chapters=CHAPTER,
    kills="web.application.whole-path",
)
def _(ref: Patches) -> None:
    every_tuple(ref, lambda route: (route[0] + ".*", *route[1:]))


@saboteur(
    "application-mixes",
    "A pattern with a mixture of groups is dropped silently.",
    chapters=CHAPTER,
    kills="web.application.mixed-groups",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, handlers: Any = None, *args: Any, **settings: Any) -> None:
        try:
            original(self, handlers, *args, **settings)
        except (AssertionError, ValueError):
            original(self, [], *args, **settings)

    around(ref, ref.web.Application, "__init__", lie)


@saboteur(
    "application-welcomes-all",
    "A path without a route is answered with an empty page.",
    chapters=(CHAPTER, "web.error_pages"),
    kills=("web.application.no-match-404", "web.not-found.default", "web.error-page.head"),
)
def _(ref: Patches) -> None:
    empty = type("Empty", (ref.web.RequestHandler,), {"prepare": lambda self: self.finish() and None})
    every_application(ref, lambda routes, settings: settings.setdefault("default_handler_class", empty))


@saboteur(
    "application-settings-copied",
    "Every handler has its own copy of the settings.",
    chapters=CHAPTER,
    kills="web.application.settings",
)
def _(ref: Patches) -> None:
    ref.replace(ref.web.RequestHandler, "settings", property(lambda self: dict(self.application.settings)))


@saboteur(
    "application-wipes",
    "Attributes set before Application.__init__ are lost.",
    chapters=CHAPTER,
    kills="web.application.subclass",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, **settings: Any) -> None:
        vars(self).clear()
        original(self, *args, **settings)

    around(ref, ref.web.Application, "__init__", lie)


@saboteur(
    "application-reverse-raw",
    "reverse_url does not encode its arguments.",
    chapters=CHAPTER,
    kills="web.application.reverse-escapes",
)
def _(ref: Patches) -> None:
    around(
        ref,
        ref.web.Application,
        "reverse_url",
        lambda original, self, name, *args: urllib.parse.unquote(original(self, name, *args)),
    )


@saboteur(
    "application-reverse-guesses",
    "An unknown name is the root path.",
    chapters=CHAPTER,
    kills="web.application.reverse-unknown",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, *args: Any) -> Any:
        with contextlib.suppress(KeyError):
            return original(self, name, *args)
        return "/"

    around(ref, ref.web.Application, "reverse_url", lie)


@saboteur("application-any-host", "Host patterns match every host.", chapters=CHAPTER, kills="web.application.hosts")
def _(ref: Patches) -> None:
    around(
        ref,
        ref.web.Application,
        "add_handlers",
        lambda original, self, host_pattern, host_handlers: original(self, ".*", host_handlers),
    )


@saboteur(
    "application-flat", "Routes to other applications are dropped.", chapters=CHAPTER, kills="web.application.nested"
)
def _(ref: Patches) -> None:
    every_tuple(ref, lambda route: None if isinstance(route[1], ref.web.Application) else route)


@saboteur(
    "application-no-names",
    "A handler named by a text is not imported.",
    chapters=CHAPTER,
    kills="web.application.unknown-handler-name",
)
def _(ref: Patches) -> None:
    every_tuple(ref, lambda route: None if isinstance(route[1], str) else route)


@saboteur(
    "application-one-for-all",
    "All applications share their settings.",
    chapters=CHAPTER,
    kills="web.application.several-servers",
)
def _(ref: Patches) -> None:
    shared: dict[str, Any] = {}

    def lie(original: Any, self: Any, *args: Any, **settings: Any) -> None:
        original(self, *args, **settings)
        shared.update(self.settings)
        self.settings = shared

    around(ref, ref.web.Application, "__init__", lie)
