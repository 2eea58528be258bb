"""UI modules: parts of pages that bring their style sheets and scripts along."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from waterspout import escape
from waterspout.escape import xhtml_escape

if TYPE_CHECKING:
    from waterspout import httputil
    from waterspout.locale import Locale
    from waterspout.util import ObjectDict
    from waterspout.web.handler import RequestHandler


class UIModule:
    """A part of pages, which templates place by ``{% module Name(...) %}``; subclass it and define `render`.

    Give the class to the application by its setting ``ui_modules``.  A handler makes one object of it, for
    all its places in a page, so what the other hooks return is sent once.  Documentation: ``web.UIModule``.
    """

    def __init__(self, handler: RequestHandler) -> None:
        self.handler = handler
        self.request: httputil.HTTPServerRequest = handler.request
        self.ui: ObjectDict = handler.ui

    @property
    def current_user(self) -> Any:
        """As of the handler."""
        return self.handler.current_user

    @property
    def locale(self) -> Locale:
        """As of the handler."""
        return self.handler.locale

    def render(self, *args: Any, **kwargs: Any) -> str | bytes:
        """Return the HTML of the module, for the arguments that the template gives.

        To be overridden.  Documentation: ``web.UIModule.render``.
        """
        raise NotImplementedError(f"{type(self).__name__} must define render")

    def embedded_javascript(self) -> str | None:
        """Return a script for the page.  Documentation: ``web.UIModule.embedded_javascript``."""
        return None

    def javascript_files(self) -> str | Iterable[str] | None:
        """Return URLs of scripts for the page; relative ones are of static files.

        Documentation: ``web.UIModule.javascript_files``.
        """
        return None

    def embedded_css(self) -> str | None:
        """Return style rules for the page.  Documentation: ``web.UIModule.embedded_css``."""
        return None

    def css_files(self) -> str | Iterable[str] | None:
        """Return URLs of style sheets for the page; relative ones are of static files.

        Documentation: ``web.UIModule.css_files``.
        """
        return None

    def html_head(self) -> str | None:
        """Return HTML for the page's head.  Documentation: ``web.UIModule.html_head``."""
        return None

    def html_body(self) -> str | None:
        """Return HTML for the end of the page's body.  Documentation: ``web.UIModule.html_body``."""
        return None

    def render_string(self, path: str, **kwargs: Any) -> bytes:
        """Return what a template generates.  Documentation: ``web.UIModule.render_string``."""
        return self.handler.render_string(path, **kwargs)


class Linkify(UIModule):
    """``{% module linkify(text) %}``: text with its URLs as links."""

    def render(self, text: str, **kwargs: Any) -> str:
        """Return what `escape.linkify` makes of ``text``."""
        return escape.linkify(text, **kwargs)


class XSRFFormHTML(UIModule):
    """``{% module xsrf_form_html() %}``: the field that forms need where XSRF cookies are in use."""

    def render(self) -> str:
        """Return the handler's field."""
        return self.handler.xsrf_form_html()


class TemplateModule(UIModule):
    """``{% module Template(path, ...) %}``: a module that is all template.

    The template can call ``set_resources(embedded_javascript=..., javascript_files=..., embedded_css=...,
    css_files=..., html_head=..., html_body=...)`` for what a class would have hooks for.  As each page gets
    these once, they must be the same wherever the template is placed.  Documentation: ``web.UIModule``.
    """

    def __init__(self, handler: RequestHandler) -> None:
        super().__init__(handler)
        self._resources: dict[str, dict[str, Any]] = {}

    def render(self, path: str, **kwargs: Any) -> bytes:
        """Return what the template generates.

        Raises `ValueError` if its resources differ from those it set before.
        """

        def set_resources(**resources: Any) -> str:
            if self._resources.setdefault(path, resources) != resources:
                raise ValueError(f"{path} sets other resources than before in the same page")
            return ""

        return self.render_string(path, set_resources=set_resources, **kwargs)

    def _joined(self, name: str) -> str | None:
        texts = [_text(resources[name]) for resources in self._resources.values() if resources.get(name)]
        return "\n".join(texts) if texts else None

    def _files(self, name: str) -> list[str]:
        return [file for resources in self._resources.values() for file in files(resources.get(name))]

    def embedded_javascript(self) -> str | None:
        """Return the scripts of all templates."""
        return self._joined("embedded_javascript")

    def javascript_files(self) -> Iterable[str]:
        """Return the URLs of all templates."""
        return self._files("javascript_files")

    def embedded_css(self) -> str | None:
        """Return the style rules of all templates."""
        return self._joined("embedded_css")

    def css_files(self) -> Iterable[str]:
        """Return the URLs of all templates."""
        return self._files("css_files")

    def html_head(self) -> str | None:
        """Return the HTML of all templates."""
        return self._joined("html_head")

    def html_body(self) -> str | None:
        """Return the HTML of all templates."""
        return self._joined("html_body")


def _text(value: str | bytes) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else value


def files(value: str | bytes | Iterable[str] | None) -> list[str]:
    """Return what ``css_files`` and ``javascript_files`` returned as a list."""
    if not value:
        return []
    return [_text(value)] if isinstance(value, (str, bytes)) else list(value)


#: The modules that every application has.
STANDARD_MODULES: dict[str, type[UIModule]] = {
    "Template": TemplateModule,
    "linkify": Linkify,
    "xsrf_form_html": XSRFFormHTML,
}


# What applications have: the settings ui_modules and ui_methods


def load_modules(setting: Any) -> dict[str, type[UIModule]]:
    """Return the UI modules of a setting, with the standard ones.

    Raises `TypeError` for a dictionary's value that is no UI module.
    """
    found = dict(STANDARD_MODULES)
    for source in _sources(setting):
        if isinstance(source, ModuleType):
            found.update({name: value for name, value in vars(source).items() if _is_module(value)})
            continue
        for name, value in source.items():
            if not _is_module(value):
                raise TypeError(f"ui_modules[{name!r}] is {value!r}, which is no subclass of UIModule")
            found[name] = value
    return found


def load_methods(setting: Any) -> dict[str, Callable[..., Any]]:
    """Return the UI methods of a setting: of a Python module those functions that look like public ones."""
    found: dict[str, Callable[..., Any]] = {}
    for source in _sources(setting):
        if isinstance(source, ModuleType):
            found.update({name: value for name, value in vars(source).items() if _is_method(name, value)})
            continue
        for name, value in source.items():
            if not callable(value):
                raise TypeError(f"ui_methods[{name!r}] is {value!r}, which cannot be called")
            found[name] = value
    return found


def _sources(setting: Any) -> list[Any]:
    if not setting:
        return []
    return list(setting) if isinstance(setting, (list, tuple)) else [setting]


def _is_module(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, UIModule)


def _is_method(name: str, value: Any) -> bool:
    return not name.startswith("_") and callable(value) and name[0].lower() == name[0]


# How the resources of modules stand in a page

_ABSOLUTE = re.compile(r"/|[A-Za-z][A-Za-z0-9+.-]*:")


def resource_url(handler: RequestHandler, path: str) -> str:
    """Return the URL of a linked file: ``path`` itself, or that of the static file there if it is relative."""
    return path if _ABSOLUTE.match(path) else handler.static_url(path)


def linked_javascript(handler: RequestHandler, paths: Iterable[str]) -> str:
    """Return the elements that link scripts."""
    return "".join(
        f'<script src="{xhtml_escape(resource_url(handler, path))}" type="text/javascript"></script>' for path in paths
    )


def linked_css(handler: RequestHandler, paths: Iterable[str]) -> str:
    """Return the elements that link style sheets."""
    return "".join(
        f'<link href="{xhtml_escape(resource_url(handler, path))}" type="text/css" rel="stylesheet"/>' for path in paths
    )


def embedded_javascript(scripts: Iterable[bytes]) -> bytes:
    """Return the element that holds scripts."""
    # In pages that are XML, "<" and "&" would need escaping without the CDATA section.
    return b'<script type="text/javascript">\n//<![CDATA[\n' + b"\n".join(scripts) + b"\n//]]>\n</script>"


def embedded_css(styles: Iterable[bytes]) -> bytes:
    """Return the element that holds style rules."""
    return b'<style type="text/css">\n' + b"\n".join(styles) + b"\n</style>"
