"""Saboteurs of the chapter on UI modules."""

from __future__ import annotations

import functools
import html
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around
from conformance.saboteurs.pages import rendering, settings
from conformance.saboteurs.template_language import Lie


def module_lie(name: str, lie: str, *kills: str) -> Lie:
    """Register a saboteur of this chapter; ``kills`` are ids without what they have in common."""
    return saboteur(name, lie, chapters="web.ui_modules", kills=tuple(f"web.ui-module.{one}" for one in kills))


def every_module(ref: Patches, change: Callable[[Any], None]) -> None:
    """Let ``change`` alter every module object as soon as it was made."""

    def lie(original: Any, self: Any, handler: Any) -> None:
        original(self, handler)
        change(self)

    around(ref, ref.web.UIModule, "__init__", lie)


def without(ref: Patches, hook: str) -> None:
    """Let every module's ``hook`` return None."""
    every_module(ref, lambda module: setattr(module, hook, lambda: None))


class Modules:
    """The modules of a page as templates see them, some of them replaced."""

    def __init__(self, original: Any, replaced: Callable[[str], Any]) -> None:
        self._original = original
        self._replaced = replaced

    def __getattr__(self, name: str) -> Any:
        return self._replaced(name) or getattr(self._original, name)


def replacing_modules(ref: Patches, replaced: Callable[[str], Any]) -> None:
    """Let templates find in place of a module what ``replaced(name)`` returns, unless that is None."""

    def lie(original: Any, self: Any) -> dict[str, Any]:
        names = original(self)
        return {**names, "_tt_modules": Modules(names["_tt_modules"], replaced)}

    around(ref, ref.web.RequestHandler, "get_template_namespace", lie)


def answering(ref: Patches, change: Callable[[bytes], bytes]) -> None:
    """Let ``change`` alter every page."""

    def lie(original: Any, self: Any, chunk: Any = None) -> Any:
        return original(self, change(chunk) if isinstance(chunk, bytes) else chunk)

    around(ref, ref.web.RequestHandler, "finish", lie)


# -- placing modules --------------------------------------------------------------------------------------------------


@module_lie("module-escaped", "What modules render is escaped.", "render", "modules-name")
def _(ref: Patches) -> None:
    def change(module: Any) -> None:
        original = module.render

        def render(*args: Any, **kwargs: Any) -> Any:
            made = original(*args, **kwargs)
            return html.escape(made if isinstance(made, str) else made.decode())

        module.render = render

    every_module(ref, change)


@module_lie("module-without-ui", "Modules do not know the ui methods.", "surroundings")
def _(ref: Patches) -> None:
    every_module(ref, lambda module: setattr(module, "ui", None))


@module_lie("module-no-template", "render_string() of a module returns nothing.", "render-string")
def _(ref: Patches) -> None:
    ref.replace(ref.web.UIModule, "render_string", lambda self, path, **names: b"")


@module_lie("no-modules-name", "Templates do not know modules.", "modules-name")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any) -> dict[str, Any]:
        return {key: one for key, one in original(self).items() if key != "modules"}

    around(ref, ref.web.RequestHandler, "get_template_namespace", lie)


@module_lie("first-ui-modules", "Of a list of ui_modules the first counts.", "sources")
def _(ref: Patches) -> None:
    def change(given: dict[str, Any]) -> None:
        if isinstance(given.get("ui_modules"), list):
            given["ui_modules"] = given["ui_modules"][0]

    settings(ref, change)


@module_lie("module-unknown-empty", "A module that does not exist is empty.", "unknown")
def _(ref: Patches) -> None:
    replacing_modules(ref, lambda name: (lambda: "") if name == "Nothing" else None)


@module_lie("module-renders-nothing", "By default a module renders nothing.", "abstract")
def _(ref: Patches) -> None:
    ref.replace(ref.web.UIModule, "render", lambda self, *args, **kwargs: "")


# -- resources --------------------------------------------------------------------------------------------------------


@module_lie("module-no-css", "embedded_css() is ignored.", "embedded-css", "once")
def _(ref: Patches) -> None:
    ref.replace(ref.web.RequestHandler, "render_embed_css", lambda self, css_embed: b"")


@module_lie("module-escaped-script", "Scripts are escaped.", "embedded-javascript")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, scripts: Any) -> bytes:
        return bytes(original(self, [html.escape(script.decode()).encode() for script in scripts]))

    around(ref, ref.web.RequestHandler, "render_embed_js", lie)


@module_lie("module-one-style-sheet", "One style sheet is linked.", "linked-css", "relative-files")
def _(ref: Patches) -> None:
    around(ref, ref.web.RequestHandler, "render_linked_css", lambda original, self, files: original(self, files[-1:]))


@module_lie("module-one-script", "One script is linked.", "linked-javascript")
def _(ref: Patches) -> None:
    around(ref, ref.web.RequestHandler, "render_linked_js", lambda original, self, files: original(self, files[:1]))


@module_lie("module-relative-to-root", "Relative files are from the root.", "relative-files")
def _(ref: Patches) -> None:
    for name in ("render_linked_css", "render_linked_js"):
        around(
            ref,
            ref.web.RequestHandler,
            name,
            lambda original, self, files: original(self, ["/" + file.lstrip("/") for file in files]),
        )


@module_lie("module-no-head", "html_head() is ignored.", "html-head", "order", "omitted-tags")
def _(ref: Patches) -> None:
    without(ref, "html_head")


@module_lie("module-no-body", "html_body() is ignored.", "html-body", "order", "last-body")
def _(ref: Patches) -> None:
    without(ref, "html_body")


@module_lie("module-files-repeat", "Files are linked once for each module.", "once")
def _(ref: Patches) -> None:
    around(
        ref, ref.web.RequestHandler, "render_linked_js", lambda original, self, files: original(self, [*files, *files])
    )


@module_lie("module-all", "All modules bring their resources.", "only-used")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, names: dict[str, Any]) -> Any:
        for module in self.application.settings["ui_modules"]:
            getattr(self.ui["modules"], module)
        return original(name, **names)

    rendering(ref, lie)


@module_lie("module-first-end", "The first end of a body counts.", "last-body")
def _(ref: Patches) -> None:
    answering(ref, lambda page: page.replace(b"<end>", b"").replace(b"</body>", b"<end></body>", 1))


@module_lie("module-closed-heads", "Without an end of the head nothing goes there.", "omitted-tags")
def _(ref: Patches) -> None:
    answering(ref, lambda page: page if b"</head>" in page else page.replace(b"<meta>", b""))


@module_lie("module-hooks-fixed", "render_linked_js cannot be overridden.", "render-hooks")
def _(ref: Patches) -> None:
    base = ref.web.RequestHandler.render_linked_js

    def lie(original: Any, self: Any, name: str, names: dict[str, Any]) -> Any:
        self.render_linked_js = functools.partial(base, self)
        return original(name, **names)

    rendering(ref, lie)


@module_lie("module-files-raw", "URLs of files are not escaped.", "files-escaped")
def _(ref: Patches) -> None:
    around(
        ref,
        ref.web.RequestHandler,
        "render_linked_css",
        lambda original, self, files: html.unescape(original(self, files)),
    )


# -- modules that there are -------------------------------------------------------------------------------------------


@module_lie("template-module-empty", "Template() renders nothing.", "template", "set-resources")
def _(ref: Patches) -> None:
    ref.replace(ref.web.TemplateModule, "render", lambda self, path, **names: b"")


@module_lie("template-module-first", "The first template's styles count.", "set-resources-of-several")
def _(ref: Patches) -> None:
    around(ref, ref.web.TemplateModule, "embedded_css", lambda original, self: (original(self) or "").split("\n")[0])


@module_lie("template-module-differs", "Other resources are ignored.", "set-resources-differ")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, path: str, **names: Any) -> Any:
        try:
            return original(self, path, **names)
        except ValueError:
            return b""

    around(ref, ref.web.TemplateModule, "render", lie)


@module_lie("linkify-module-plain", "The module linkify makes no links.", "linkify")
def _(ref: Patches) -> None:
    replacing_modules(ref, lambda name: (lambda text, **more: html.escape(text)) if name == "linkify" else None)


@module_lie("xsrf-module-empty", "The module xsrf_form_html is empty.", "xsrf-form-html")
def _(ref: Patches) -> None:
    replacing_modules(ref, lambda name: (lambda: "") if name == "xsrf_form_html" else None)
