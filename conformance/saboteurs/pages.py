"""Saboteurs of the chapter on pages."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any
from uuid import UUID

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around, every_application
from conformance.saboteurs.template_language import Lie


def page_lie(name: str, lie: str, *kills: str) -> Lie:
    """Register a saboteur of this chapter; ``kills`` are ids without what they have in common."""
    return saboteur(name, lie, chapters="web.pages", kills=tuple(f"web.{one}" for one in kills))


def rendering(ref: Patches, lie: Callable[..., Any], method: str = "render") -> None:
    """Answer render() with ``lie(original, handler, name, names)``."""

    def lying(original: Any, self: Any, template_name: str, **names: Any) -> Any:
        return lie(functools.partial(original, self), self, template_name, names)

    around(ref, ref.web.RequestHandler, method, lying)


def settings(ref: Patches, change: Callable[[dict[str, Any]], Any]) -> None:
    """Let ``change`` alter the settings of every application."""
    every_application(ref, lambda routes, given: change(given) and None)


def not_overridden(ref: Patches, name: str, call: Callable[..., Any] | None = None) -> None:
    """Let rendering call the method ``name`` of RequestHandler itself, whatever a subclass says."""
    base = call or getattr(ref.web.RequestHandler, name)

    def lie(original: Any, self: Any, template_name: str, names: dict[str, Any]) -> Any:
        setattr(self, name, functools.partial(base, self))
        return original(template_name, **names)

    rendering(ref, lie, "render_string")


# -- render and render_string -----------------------------------------------------------------------------------------


@page_lie("render-plain", "Pages are text/plain.", "render.page")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, names: dict[str, Any]) -> Any:
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        return original(name, **names)

    rendering(ref, lie)


@page_lie("render-alone", "render() forgets what was written before.", "render.finishes")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, names: dict[str, Any]) -> Any:
        self.clear()
        return original(name, **names)

    rendering(ref, lie)


@page_lie("render-again", "render() after finish() does nothing.", "render.after-finish")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, names: dict[str, Any]) -> Any:
        try:
            return original(name, **names)
        except RuntimeError:
            return None

    rendering(ref, lie)


@page_lie("render-string-text", "render_string() returns text.", "render-string.bytes")
def _(ref: Patches) -> None:
    rendering(ref, lambda original, self, name, names: original(name, **names).decode(), "render_string")


@page_lie("render-forgives", "A template that fails is an empty page.", "render.error")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, names: dict[str, Any]) -> Any:
        try:
            return original(name, **names)
        except Exception:
            return b""

    rendering(ref, lie, "render_string")


@page_lie("render-uuid-hex", "UUIDs are printed without their hyphens.", "render.page", "render.shop-page")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, names: dict[str, Any]) -> Any:
        return original(name, **{key: one.hex if isinstance(one, UUID) else one for key, one in names.items()})

    rendering(ref, lie)


# -- names ------------------------------------------------------------------------------------------------------------


@page_lie("render-no-pgettext", "Templates do not know pgettext.", "template-names.standard")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any) -> dict[str, Any]:
        return {key: one for key, one in original(self).items() if key != "pgettext"}

    around(ref, ref.web.RequestHandler, "get_template_namespace", lie)


@page_lie("render-own-names-first", "Given names come last.", "template-names.given-first")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, names: dict[str, Any]) -> Any:
        own = self.get_template_namespace()
        return original(name, **{key: one for key, one in names.items() if key not in own})

    rendering(ref, lie, "render_string")


@page_lie("render-base-namespace", "get_template_namespace() cannot be overridden.", "template-names.namespace")
def _(ref: Patches) -> None:
    not_overridden(ref, "get_template_namespace")


@page_lie("no-ui-methods", "ui_methods is ignored.", "ui-methods.call", "ui-methods.sources")
def _(ref: Patches) -> None:
    settings(ref, lambda given: given.pop("ui_methods", None))


@page_lie("first-ui-methods", "Of a list of ui_methods the first counts.", "ui-methods.sources")
def _(ref: Patches) -> None:
    def change(given: dict[str, Any]) -> None:
        if isinstance(given.get("ui_methods"), list):
            given["ui_methods"] = given["ui_methods"][0]

    settings(ref, change)


# -- where templates come from ----------------------------------------------------------------------------------------


@page_lie("no-template-path", "template_path is ignored.", "template-path.setting")
def _(ref: Patches) -> None:
    settings(ref, lambda given: given.pop("template_path", None))


@page_lie("template-path-setting-only", "get_template_path() cannot be overridden.", "template-path.hook")
def _(ref: Patches) -> None:
    not_overridden(ref, "get_template_path")


@page_lie(
    "template-path-working-directory",
    "Without a path it is the working directory.",
    "template-path.directory-of-caller",
)
def _(ref: Patches) -> None:
    around(ref, ref.web.RequestHandler, "get_template_path", lambda original, self: original(self) or os.curdir)


@page_lie("no-template-loader", "template_loader is ignored.", "template-loader.setting")
def _(ref: Patches) -> None:
    settings(ref, lambda given: given.pop("template_loader", None))


@page_lie("template-loader-setting-only", "create_template_loader() cannot be overridden.", "template-loader.hook")
def _(ref: Patches) -> None:
    not_overridden(ref, "create_template_loader")


@page_lie("template-loaders-shared", "Loaders are kept for all applications.", "template-loader.each-application")
def _(ref: Patches) -> None:
    kept: dict[str, Any] = {}

    def lie(original: Any, self: Any, path: str) -> Any:
        return kept.get(path) or kept.setdefault(path, original(self, path))

    around(ref, ref.web.RequestHandler, "create_template_loader", lie)


@page_lie("no-autoescape-setting", "The setting autoescape is ignored.", "template-settings.autoescape")
def _(ref: Patches) -> None:
    settings(ref, lambda given: given.pop("autoescape", None))


@page_lie("no-whitespace-setting", "The setting template_whitespace is ignored.", "template-settings.whitespace")
def _(ref: Patches) -> None:
    settings(ref, lambda given: given.pop("template_whitespace", None))


@page_lie("templates-always-kept", "Compiled templates are always kept.", "template-settings.cache")
def _(ref: Patches) -> None:
    settings(ref, lambda given: given.update(compiled_template_cache=True))


@page_lie("rendered-without-etag", "Pages have no entity tag.", "render.etag")
def _(ref: Patches) -> None:
    ref.replace(ref.web.RequestHandler, "compute_etag", lambda self: None)
