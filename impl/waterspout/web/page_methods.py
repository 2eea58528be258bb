"""What handlers have for pages and languages: the face of `rendering`, `ui_modules` and `languages`."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from waterspout import httputil
from waterspout.locale import Locale
from waterspout.template import BaseLoader
from waterspout.util import ObjectDict
from waterspout.web import languages, ui_modules
from waterspout.web.rendering import Page

if TYPE_CHECKING:
    from waterspout.web.handler import RequestHandler


class PageMethods:
    """The methods of `RequestHandler` that render pages and choose their language; only it is to inherit them."""

    request: httputil.HTTPServerRequest

    @property
    def _handler(self) -> RequestHandler:
        return cast("RequestHandler", self)

    @property
    def _page(self) -> Page:
        if "_rendered_page" not in self.__dict__:
            self._rendered_page = Page(self._handler)
        return self._rendered_page

    @property
    def ui(self) -> ObjectDict:
        """What templates know as ``modules``, and the UI methods of the application, bound to this handler."""
        return self._page.ui

    def render(self, template_name: str, **kwargs: Any) -> Future[None]:
        """Finish the response with a page: what the template generates, with the resources of its UI modules.

        ``kwargs`` are names for the template.  The future is as for `finish`.  Raises `RuntimeError` after
        `finish`, and what loading and generating raise.  Documentation: ``web.RequestHandler.render``.
        """
        return self._page.finish(template_name, kwargs)

    def render_string(self, template_name: str, **kwargs: Any) -> bytes:
        """Return what a template generates; ``kwargs`` are names for it, before those of
        `get_template_namespace`.

        Documentation: ``web.RequestHandler.render_string``.
        """
        return self._page.generate(template_name, kwargs)

    def get_template_namespace(self) -> dict[str, Any]:
        """Return the names that every template of this handler knows; override it to add some.

        Documentation: ``web.RequestHandler.get_template_namespace``.
        """
        return self._page.namespace()

    def create_template_loader(self, template_path: str) -> BaseLoader:
        """Return a new loader for a template path, by the settings ``template_loader``, ``autoescape`` and
        ``template_whitespace``; override it for another kind.

        The application keeps it for that path.  Documentation: ``web.RequestHandler.create_template_loader``.
        """
        return self._page.new_loader(template_path)

    def get_template_path(self) -> str | None:
        """Return the directory of this handler's templates: the setting ``template_path``.

        None is for the directory of the file that renders.  Documentation:
        ``web.RequestHandler.get_template_path``.
        """
        return self._handler.settings.get("template_path")

    def render_linked_js(self, js_files: Iterable[str]) -> str:
        """Return the elements that link the UI modules' scripts.

        Documentation: ``web.RequestHandler.render_linked_js``.
        """
        return ui_modules.linked_javascript(self._handler, js_files)

    def render_embed_js(self, js_embed: Iterable[bytes]) -> bytes:
        """Return the element that holds the UI modules' scripts.

        Documentation: ``web.RequestHandler.render_embed_js``.
        """
        return ui_modules.embedded_javascript(js_embed)

    def render_linked_css(self, css_files: Iterable[str]) -> str:
        """Return the elements that link the UI modules' style sheets.

        Documentation: ``web.RequestHandler.render_linked_css``.
        """
        return ui_modules.linked_css(self._handler, css_files)

    def render_embed_css(self, css_embed: Iterable[bytes]) -> bytes:
        """Return the element that holds the UI modules' style rules.

        Documentation: ``web.RequestHandler.render_embed_css``.
        """
        return ui_modules.embedded_css(css_embed)

    # Languages

    @property
    def locale(self) -> Locale:
        """The locale for this request: of `get_user_locale`, or else of `get_browser_locale`.

        Found when first asked for, and assignable.  Documentation: ``web.RequestHandler.locale``.
        """
        if "_locale" not in self.__dict__:
            self._locale = self.get_user_locale() or self.get_browser_locale()
        return self._locale

    @locale.setter
    def locale(self, value: Locale) -> None:
        self._locale = value

    def get_user_locale(self) -> Locale | None:
        """Return the locale that the user chose, or None to go by the browser; to be overridden.

        Documentation: ``web.RequestHandler.get_user_locale``.
        """
        return None

    def get_browser_locale(self, default: str = "en_US") -> Locale:
        """Return the locale closest to what ``Accept-Language`` asks for (RFC 9110, section 12.5.4).

        ``default`` is the code of the one to take if the client asks for none.  Documentation:
        ``web.RequestHandler.get_browser_locale``.
        """
        return languages.preferred(self.request.headers.get("Accept-Language"), default)
