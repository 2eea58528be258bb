"""How a handler renders pages: which loader, which names templates know, and where modules' resources go."""

from __future__ import annotations

import functools
import os
import re
import sys
from asyncio import Future
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

from waterspout.escape import utf8
from waterspout.template import BaseLoader, Loader
from waterspout.util import ObjectDict
from waterspout.web.ui_modules import UIModule, files

if TYPE_CHECKING:
    from waterspout.web.handler import RequestHandler

# What a page may leave out (HTML, section 13.1.2): then resources go to the next best place.
_END_OF_HEAD = re.compile(rb"</head\s*>", re.IGNORECASE)
_START_OF_BODY = re.compile(rb"<body[\s>]", re.IGNORECASE)
_END_OF_BODY = re.compile(rb"</body\s*>", re.IGNORECASE)
_END_OF_PAGE = re.compile(rb"</html\s*>\s*\Z", re.IGNORECASE)

_GENERATED = ".generated.py"


class _Modules:
    """What templates know as ``modules``: functions that render UI modules, by name."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def __getitem__(self, name: str) -> Callable[..., str | bytes]:
        return self._page.module(name).render

    def __getattr__(self, name: str) -> Callable[..., str | bytes]:
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(str(error.args[0])) from None


class Page:
    """What one handler renders: the UI modules in use, and the names that stand for them and for UI methods."""

    def __init__(self, handler: RequestHandler) -> None:
        self._handler = handler
        self._active: dict[str, UIModule] = {}
        self._refreshed: set[BaseLoader] = set()
        methods = handler.application.ui_methods
        self.ui = ObjectDict({name: functools.partial(method, handler) for name, method in methods.items()})
        self.ui["modules"] = self.ui["_tt_modules"] = _Modules(self)

    def module(self, name: str) -> UIModule:
        """Return the UI module of that name; from now on the page has it.  Raises `KeyError`."""
        module = self._active.get(name)
        if module is None:
            kinds = self._handler.application.ui_modules
            if name not in kinds:
                raise KeyError(f"there is no UI module {name!r}; give it to the application by ui_modules")
            module = self._active[name] = kinds[name](self._handler)
        return module

    def loader(self, path: str) -> BaseLoader:
        """Return the loader for a template path: one for the application, emptied if it may not keep anything."""
        application = self._handler.application
        loader = application.template_loaders.get(path)
        if loader is None:
            loader = application.template_loaders[path] = self._handler.create_template_loader(path)
        if not self._handler.settings.get("compiled_template_cache", True) and loader not in self._refreshed:
            self._refreshed.add(loader)
            loader.reset()
        return loader

    def new_loader(self, path: str) -> BaseLoader:
        """Return the loader that the application's settings ask for."""
        settings = self._handler.settings
        if "template_loader" in settings:
            loader: BaseLoader = settings["template_loader"]
            return loader
        options: dict[str, Any] = {}
        if "autoescape" in settings:
            # None is a choice, too: no escaping.
            options["autoescape"] = settings["autoescape"]
        if "template_whitespace" in settings:
            options["whitespace"] = settings["template_whitespace"]
        return Loader(path, **options)

    def generate(self, template_name: str, arguments: dict[str, Any]) -> bytes:
        """Return what a template generates with the handler's names, and ``arguments`` before these."""
        path = self._handler.get_template_path() or _directory_of_caller()
        template = self.loader(path).load(template_name)
        return template.generate(**{**self._handler.get_template_namespace(), **arguments})

    def namespace(self) -> dict[str, Any]:
        """Return the names that templates know from their handler."""
        handler = self._handler
        names = {
            "handler": handler,
            "request": handler.request,
            "current_user": handler.current_user,
            "locale": handler.locale,
            "_": handler.locale.translate,
            "pgettext": handler.locale.pgettext,
            "static_url": handler.static_url,
            "xsrf_form_html": handler.xsrf_form_html,
            "reverse_url": handler.reverse_url,
        }
        return {**names, **self.ui}

    def finish(self, template_name: str, arguments: dict[str, Any]) -> Future[None]:
        """End the response with what a template generates and the resources that its modules need."""
        handler = self._handler
        if handler._response.finished:
            raise RuntimeError("render() after finish(): the response is complete, perhaps by redirect()")
        return handler.finish(self._completed(handler.render_string(template_name, **arguments)))

    # Resources

    def _all(self, hook: str) -> Iterator[bytes]:
        """Yield what ``hook`` returns of each module that returns something."""
        for module in self._active.values():
            value = getattr(module, hook)()
            if value:
                yield utf8(value)

    def _all_files(self, hook: str) -> list[str]:
        paths = [path for module in self._active.values() for path in files(getattr(module, hook)())]
        return list(dict.fromkeys(paths))

    def _completed(self, html: bytes) -> bytes:
        if not self._active:
            return html
        return _with_body_end(_with_head_end(html, self._head()), self._body())

    def _head(self) -> bytes:
        handler, pieces = self._handler, []
        if linked := self._all_files("css_files"):
            pieces.append(utf8(handler.render_linked_css(linked)))
        if styles := list(self._all("embedded_css")):
            pieces.append(handler.render_embed_css(styles))
        if heads := b"".join(self._all("html_head")):
            pieces.append(heads)
        return b"".join(piece + b"\n" for piece in pieces)

    def _body(self) -> bytes:
        handler, pieces = self._handler, []
        if linked := self._all_files("javascript_files"):
            pieces.append(utf8(handler.render_linked_js(linked)))
        if scripts := list(self._all("embedded_javascript")):
            pieces.append(handler.render_embed_js(scripts))
        if bodies := b"".join(self._all("html_body")):
            pieces.append(bodies)
        return b"".join(piece + b"\n" for piece in pieces)


def _with_head_end(html: bytes, extra: bytes) -> bytes:
    if not extra:
        return html
    place = _END_OF_HEAD.search(html) or _START_OF_BODY.search(html)
    if place is None:
        # Style sheets and their like are understood in a body, too.
        return _with_body_end(html, extra)
    return html[: place.start()] + extra + html[place.start() :]


def _with_body_end(html: bytes, extra: bytes) -> bytes:
    if not extra:
        return html
    places = list(_END_OF_BODY.finditer(html)) or list(_END_OF_PAGE.finditer(html))
    position = places[-1].start() if places else len(html)
    return html[:position] + extra + html[position:]


def _directory_of_caller() -> str:
    """Return the directory of the file whose code called for a template, past this package and other templates."""
    package = __name__.partition(".")[0]
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_back is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] != package and not frame.f_code.co_filename.endswith(_GENERATED):
            break
        frame = frame.f_back
    return os.path.dirname(os.path.abspath(frame.f_code.co_filename)) if frame else os.curdir
