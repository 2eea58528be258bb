"""Saboteurs of the chapter on languages."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around
from conformance.saboteurs.template_language import Lie


def locale_lie(name: str, lie: str, *kills: str) -> Lie:
    """Register a saboteur of this chapter."""
    return saboteur(name, lie, chapters="web.locale", kills=kills)


def calling(ref: Patches, owner: Any, name: str, lie: Callable[..., Any]) -> None:
    """Answer a function of a module, or a method of its classes, with ``lie(original, *arguments)``."""
    original = getattr(owner, name)
    ref.replace(owner, name, lambda *args, **kwargs: lie(original, *args, **kwargs))


def formatting(ref: Patches, lie: Callable[..., str]) -> None:
    """Answer format_date() with ``lie(format, locale, date, options)``."""

    def lying(original: Any, self: Any, date: Any, **options: Any) -> str:
        return lie(lambda *args, **kwargs: original(self, *args, **kwargs), self, date, options)

    around(ref, ref.locale.Locale, "format_date", lying)


def loading(ref: Patches, lie: Callable[..., None], name: str = "load_translations") -> None:
    """Answer a loading function with ``lie(original, directory, further arguments)``."""
    calling(ref, ref.locale, name, lie)


# -- which locale -----------------------------------------------------------------------------------------------------


@locale_lie("locale-last-first", "The last code asked for is tried first.", "locale.get.closest")
def _(ref: Patches) -> None:
    calling(ref, ref.locale, "get", lambda original, *codes: original(*reversed(codes)))


@locale_lie("locale-made-anew", "Each get() makes a locale.", "locale.get.same-object")
def _(ref: Patches) -> None:
    calling(ref, ref.locale, "get", lambda original, *codes: ref.locale.CSVLocale(original(*codes).code, {}))


@locale_lie("locale-default-stays", "The default locale stays as it is.", "locale.default.set")
def _(ref: Patches) -> None:
    ref.replace(ref.locale, "set_default_locale", lambda code: None)


@locale_lie("locale-left-to-right", "Every script runs from left to right.", "locale.attributes.name")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any) -> None:
        original(self, *args)
        self.rtl = False

    around(ref, ref.locale.Locale, "__init__", lie)


@locale_lie("locale-no-names", "LOCALE_NAMES has no English names.", "locale.names.table")
def _(ref: Patches) -> None:
    names = {code: {"name": one["name"], "name_en": ""} for code, one in ref.locale.LOCALE_NAMES.items()}
    ref.replace(ref.locale, "LOCALE_NAMES", names)


# -- CSV files and gettext --------------------------------------------------------------------------------------------


def translating(ref: Patches, kind: str, lie: Callable[..., str], method: str = "translate") -> None:
    """Answer translate() of a class of locales with ``lie(original, locale, message, plural, count)``."""

    def lying(original: Any, self: Any, message: str, plural: Any = None, count: Any = None) -> str:
        return lie(original, self, message, plural, count)

    around(ref, getattr(ref.locale, kind), method, lying)


@locale_lie(
    "csv-untranslated",
    "Locales of CSV files translate nothing.",
    "locale.csv.translate",
    "locale.csv.pgettext",
    "locale.date.translated",
    "locale.list.joined",
    "locale.gettext.class",
    "locale.gettext.then-csv",
    "web.locale.assigned",
)
def _(ref: Patches) -> None:
    translating(ref, "CSVLocale", lambda original, self, message, plural, count: message)


@locale_lie("csv-none-is-one", "None of something is singular.", "locale.csv.plural")
def _(ref: Patches) -> None:
    translating(
        ref, "CSVLocale", lambda original, self, message, plural, count: original(self, message, plural, count or 1)
    )


@locale_lie("csv-one-without-count", "Without a count it is one.", "locale.plural.needs-count")
def _(ref: Patches) -> None:
    translating(
        ref,
        "CSVLocale",
        lambda original, self, message, plural, count: original(self, message, plural, 1 if count is None else count),
    )


@locale_lie("csv-contexts", "CSV files have no translations in contexts.", "locale.csv.pgettext")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, context: str, message: str, *more: Any) -> Any:
        return original(self, context, f"{context}: {message}", *more)

    around(ref, ref.locale.CSVLocale, "pgettext", lie)


@locale_lie("csv-single-quotes", "Double quotes are part of the cells.", "locale.csv.dialect")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, message: str, plural: Any, count: Any) -> Any:
        return original(self, message, plural, count).replace('"', '""')

    translating(ref, "CSVLocale", lie)


@locale_lie("csv-latin-1", "Files are read as Latin-1.", "locale.csv.encoding")
def _(ref: Patches) -> None:
    loading(ref, lambda original, directory, encoding=None: original(directory, "latin-1"))


@locale_lie("csv-loaded-once", "What was loaded first stays.", "locale.csv.replaces")
def _(ref: Patches) -> None:
    first: dict[tuple[str, str], str] = {}

    def lie(original: Any, self: Any, message: str, plural: Any, count: Any) -> str:
        return first.setdefault((self.code, message), original(self, message, plural, count))

    translating(ref, "CSVLocale", lie)


@locale_lie("csv-silent", "Files and rows are left out without a word.", "locale.csv.left-out")
def _(ref: Patches) -> None:
    def lie(original: Any, *args: Any, **kwargs: Any) -> None:
        logger = logging.getLogger("tornado.general")
        logger.disabled = True
        try:
            original(*args, **kwargs)
        finally:
            logger.disabled = False

    loading(ref, lie)


@locale_lie("gettext-two-forms", "Every language has two forms.", "locale.gettext.translate")
def _(ref: Patches) -> None:
    translating(
        ref,
        "GettextLocale",
        lambda original, self, message, plural, count: original(self, message, plural, count and min(count, 2)),
    )


@locale_lie("gettext-no-context", "Contexts are ignored.", "locale.gettext.pgettext")
def _(ref: Patches) -> None:
    around(
        ref,
        ref.locale.GettextLocale,
        "pgettext",
        lambda original, self, context, *message: self.translate(*message),
    )


@locale_lie("gettext-any-domain", "The domain is always called messages.", "locale.gettext.domain")
def _(ref: Patches) -> None:
    loading(ref, lambda original, directory, domain: original(directory, "other"), "load_gettext_translations")


@locale_lie("gettext-stays", "After catalogues CSV files are not loaded.", "locale.gettext.then-csv")
def _(ref: Patches) -> None:
    catalogues: list[int] = []

    def note(original: Any, *args: Any) -> None:
        catalogues.append(1)
        original(*args)

    loading(ref, note, "load_gettext_translations")
    loading(ref, lambda original, *args, **kwargs: None if catalogues else original(*args, **kwargs))


# -- dates, lists and numbers -----------------------------------------------------------------------------------------


@locale_lie("date-hours-up", "Hours are rounded up.", "locale.date.relative")
def _(ref: Patches) -> None:
    formatting(ref, lambda format, self, date, options: format(date, **options).replace("5 hours", "6 hours"))


@locale_lie("date-no-yesterday", "There is no yesterday.", "locale.date.days")
def _(ref: Patches) -> None:
    formatting(ref, lambda format, self, date, options: format(date, **{**options, "relative": False}))


@locale_lie("date-always-relative", "relative=False is ignored.", "locale.date.full")
def _(ref: Patches) -> None:
    formatting(ref, lambda format, self, date, options: format(date, **{**options, "relative": True}))


@locale_lie("date-future-past", "Times in the future are now.", "locale.date.future")
def _(ref: Patches) -> None:
    def lie(format: Any, self: Any, date: Any, options: Any) -> Any:
        now = datetime.datetime.now(datetime.timezone.utc)
        late = isinstance(date, datetime.datetime) and date.tzinfo is not None and date > now
        return format(now if late else date, **options)

    formatting(ref, lie)


@locale_lie("date-offset-added", "The offset has the other sign.", "locale.date.offset", "locale.date.day")
def _(ref: Patches) -> None:
    for name in ("format_date", "format_day"):
        around(
            ref,
            ref.locale.Locale,
            name,
            lambda original, self, date, gmt_offset=0, **options: original(self, date, -gmt_offset, **options),
        )


@locale_lie("date-zone-dropped", "Zones are dropped.", "locale.date.zones")
def _(ref: Patches) -> None:
    def lie(format: Any, self: Any, date: Any, options: Any) -> Any:
        return format(date.replace(tzinfo=None) if isinstance(date, datetime.datetime) else date, **options)

    formatting(ref, lie)


@locale_lie("date-twelve-hours", "Every language has twelve hours.", "locale.date.clock")
def _(ref: Patches) -> None:
    def lie(format: Any, self: Any, date: Any, options: Any) -> Any:
        code, self.code = self.code, "en_US"
        try:
            return format(date, **options)
        finally:
            self.code = code

    formatting(ref, lie)


@locale_lie("list-no-and", "Lists are joined with commas.", "locale.list.joined")
def _(ref: Patches) -> None:
    ref.replace(ref.locale.Locale, "list", lambda self, parts: ", ".join(parts))


@locale_lie("number-from-the-left", "Commas are counted from the left.", "locale.number.friendly")
def _(ref: Patches) -> None:
    around(
        ref,
        ref.locale.Locale,
        "friendly_number",
        lambda original, self, value: ",".join(str(value)[at : at + 3] for at in range(0, len(str(value)), 3)),
    )


# -- the locale of a request ------------------------------------------------------------------------------------------


def browser(ref: Patches, lie: Callable[..., Any]) -> None:
    """Answer get_browser_locale() with ``lie(original, handler, default)``."""
    around(
        ref,
        ref.web.RequestHandler,
        "get_browser_locale",
        lambda original, self, default="en_US": lie(original, self, default),
    )


def reading(ref: Patches, rewrite: Callable[[str], str]) -> None:
    """Let handlers see what ``rewrite`` makes of Accept-Language."""

    def lie(original: Any, self: Any, default: str) -> Any:
        field = self.request.headers.get("Accept-Language")
        if field is not None:
            self.request.headers["Accept-Language"] = rewrite(field)
        return original(self, default)

    browser(ref, lie)


@locale_lie("browser-no-weights", "Weights are ignored.", "web.locale.browser", "web.locale.weight-zero")
def _(ref: Patches) -> None:
    reading(ref, lambda field: ",".join(one.partition(";")[0].strip() for one in field.split(",")))


@locale_lie("browser-bad-weights", "A weight that is none is 1.", "web.locale.bad-field")
def _(ref: Patches) -> None:
    reading(ref, lambda field: field.replace("q=x", "q=1").replace("q=inf", "q=1"))


@locale_lie("browser-default-english", "The default is always English.", "web.locale.browser-default")
def _(ref: Patches) -> None:
    browser(ref, lambda original, self, default: original(self))


@locale_lie("browser-before-user", "The browser comes before the user.", "web.locale.user")
def _(ref: Patches) -> None:
    def init(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.get_user_locale = lambda: None

    around(ref, ref.web.RequestHandler, "__init__", init)


def locale_property(ref: Patches, get: Callable[[Any], Any], put: Callable[[Any, Any], None]) -> None:
    """Give handlers another ``locale``."""
    ref.replace(ref.web.RequestHandler, "locale", property(get, put))


@locale_lie("locale-asked-each-time", "The locale is looked for each time.", "web.locale.once")
def _(ref: Patches) -> None:
    original = ref.web.RequestHandler.locale
    locale_property(
        ref,
        lambda self: self.get_user_locale() or self.get_browser_locale(),
        lambda self, value: original.fset(self, value),
    )


@locale_lie("locale-not-assigned", "Assigning a locale does nothing.", "web.locale.assigned")
def _(ref: Patches) -> None:
    original = ref.web.RequestHandler.locale
    locale_property(ref, lambda self: original.fget(self), lambda self, value: None)
