"""Saboteurs of the chapter on routing."""

from __future__ import annotations

import re
import urllib.parse
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around, every_application

CHAPTER = "web.routing"


def matching(ref: Patches, matcher: str, lie: Any) -> None:
    """Answer ``match`` of a matcher with ``lie(original, self, request)``."""
    around(ref, getattr(ref.routing, matcher), "match", lie)


@saboteur(
    "routing-handlers-only", "Targets are handlers, or nothing.", chapters=CHAPTER, kills=("web.routing.targets",)
)
def _(ref: Patches) -> None:
    around(ref, ref.routing.RuleRouter, "get_target_delegate", lambda original, self, target, request, **found: None)


@saboteur("routing-not-asked", "A router of one's own is not asked.", chapters=CHAPTER, kills="web.routing.own-router")
def _(ref: Patches) -> None:
    def init_subclass(cls: type, /, **kwargs: Any) -> None:
        if "find_handler" in vars(cls):
            delattr(cls, "find_handler")

    ref.replace(ref.routing.Router, "__init_subclass__", classmethod(init_subclass))


@saboteur(
    "routing-fixed-hooks",
    "The hooks of RuleRouter are not called.",
    chapters=CHAPTER,
    kills=("web.routing.target-delegate", "web.routing.process-rule"),
)
def _(ref: Patches) -> None:
    def init_subclass(cls: type, /, **kwargs: Any) -> None:
        for name in ("get_target_delegate", "process_rule"):
            if name in vars(cls):
                delattr(cls, name)

    ref.replace(ref.routing.RuleRouter, "__init_subclass__", classmethod(init_subclass))


@saboteur(
    "routing-rules-forget",
    "A rule does not keep arguments for its target, or its name.",
    chapters=CHAPTER,
    kills=("web.routing.rule-attributes", "web.routing.target-kwargs"),
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, matcher: Any, target: Any, target_kwargs: Any = None, name: Any = None) -> None:
        original(self, matcher, target)

    around(ref, ref.routing.Rule, "__init__", lie)


@saboteur("routing-flat-tables", "Tables in tables are dropped.", chapters=CHAPTER, kills="web.routing.tables")
def _(ref: Patches) -> None:
    def change(routes: list[Any], settings: dict[str, Any]) -> None:
        routes[:] = [route for route in routes if not isinstance(route, tuple) or not isinstance(route[1], list)]

    every_application(ref, change)


@saboteur(
    "routing-plain-first",
    "Paths of plain text come before patterns.",
    chapters=CHAPTER,
    kills="web.routing.order",
)
def _(ref: Patches) -> None:
    def change(routes: list[Any], settings: dict[str, Any]) -> None:
        routes.sort(key=lambda route: not isinstance(route, tuple) or route[0] != re.escape(str(route[0])))

    every_application(ref, change)


@saboteur("routing-any-case", "Paths match in any case.", chapters=CHAPTER, kills="web.routing.plain-paths")
def _(ref: Patches) -> None:
    def change(routes: list[Any], settings: dict[str, Any]) -> None:
        routes[:] = [("(?i:" + route[0] + ")", *route[1:]) if isinstance(route[0], str) else route for route in routes]

    every_application(ref, change)


@saboteur(
    "routing-encoded-groups",
    "Groups of paths are left percent-encoded.",
    chapters=CHAPTER,
    kills="web.routing.path-matches",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, request: Any) -> Any:
        found = original(self, request)
        if found and found.get("path_args"):
            found["path_args"] = [part and urllib.parse.quote(part).encode() for part in found["path_args"]]
        return found

    matching(ref, "PathMatches", lie)


@saboteur(
    "routing-any-matches-paths", "AnyMatches matches paths only.", chapters=CHAPTER, kills="web.routing.any-matches"
)
def _(ref: Patches) -> None:
    matching(ref, "AnyMatches", lambda original, self, request: {} if request.path[0] == "/" else None)


@saboteur(
    "routing-host-suffix",
    "Hosts match by their end.",
    chapters=CHAPTER,
    kills="web.routing.host-matches",
)
def _(ref: Patches) -> None:
    matching(ref, "HostMatches", lambda original, self, request: {} if self.host_pattern.search(request.host) else None)


@saboteur(
    "routing-last-host",
    "The host pattern that was added last is tried first.",
    chapters=CHAPTER,
    kills="web.routing.hosts-in-order",
)
def _(ref: Patches) -> None:
    waiting: list[Any] = []

    def lie(original: Any, self: Any, request: Any, **kwargs: Any) -> Any:
        while waiting:
            self_, pattern, rules = waiting.pop()
            add(self_, pattern, rules)
        return original(self, request, **kwargs)

    add = ref.web.Application.add_handlers
    around(ref, ref.web.Application, "add_handlers", lambda original, *arguments: waiting.append(arguments))
    around(ref, ref.web.Application, "find_handler", lie)


@saboteur(
    "routing-no-default-host",
    "There is no default host.",
    chapters=CHAPTER,
    kills=("web.routing.default-host", "web.routing.default-host-matches"),
)
def _(ref: Patches) -> None:
    matching(ref, "DefaultHostMatches", lambda original, self, request: None)


@saboteur(
    "routing-raw-reverse", "Arguments are put into URLs as they are.", chapters=CHAPTER, kills="web.routing.reverse"
)
def _(ref: Patches) -> None:
    around(
        ref,
        ref.routing.PathMatches,
        "reverse",
        lambda original, self, *args: urllib.parse.unquote(original(self, *args)),
    )


@saboteur(
    "routing-reverse-anyway",
    "What cannot be turned around becomes the root.",
    chapters=CHAPTER,
    kills="web.routing.reverse-impossible",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any) -> Any:
        try:
            return original(self, *args)
        except ValueError:
            return "/"

    around(ref, ref.routing.PathMatches, "reverse", lie)


@saboteur(
    "routing-own-names",
    "A router knows the names of its own rules only.",
    chapters=CHAPTER,
    kills="web.routing.reverse-nested",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, *args: Any) -> Any:
        return next((rule.reverse(*args) for rule in self.rules if rule.name == name), None)

    around(ref, ref.routing.ReversibleRuleRouter, "reverse_url", lie)


@saboteur(
    "routing-first-name", "The first of two rules keeps its name.", chapters=CHAPTER, kills="web.routing.same-name"
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, rule: Any) -> Any:
        if any(other.name == rule.name for other in self.rules):
            rule.name = None
        return original(self, rule)

    around(ref, ref.routing.ReversibleRuleRouter, "process_rule", lie)


@saboteur(
    "routing-abstract-nothing",
    "What subclasses are to define does nothing.",
    chapters=CHAPTER,
    kills="web.routing.abstract",
)
def _(ref: Patches) -> None:
    ref.replace(ref.routing.Matcher, "match", lambda self, request: None)
    ref.replace(ref.routing.Router, "find_handler", lambda self, request, **kwargs: None)


@saboteur("routing-twice", "Every rule is tried twice.", chapters=CHAPTER, kills="web.routing.linear")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, request: Any, **kwargs: Any) -> Any:
        for rule in self.rules:
            rule.matcher.match(request)
        return original(self, request, **kwargs)

    around(ref, ref.routing.RuleRouter, "find_handler", lie)
