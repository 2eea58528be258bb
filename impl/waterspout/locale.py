"""Translations, and how dates, numbers and lists are written in a language.

::

    load_translations("/srv/translations")
    user = get("pt_BR", "en_US")
    print(user.translate("Sign out"))

Translations come from CSV files (`load_translations`) or gettext's compiled catalogues
(`load_gettext_translations`).  Each `Locale` is made once and kept; loading again forgets them.
Documentation: ``locale``.
"""

from __future__ import annotations

import codecs
import csv
import datetime
import gettext
import io
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from waterspout import _local_dates
from waterspout._locale_names import LOCALE_NAMES
from waterspout._loggers import gen_log

__all__ = [
    "LOCALE_NAMES",
    "CSVLocale",
    "GettextLocale",
    "Locale",
    "get",
    "get_supported_locales",
    "load_gettext_translations",
    "load_translations",
    "set_default_locale",
]

#: Between context and message in the keys of gettext's catalogues.
CONTEXT_SEPARATOR = "\x04"

_CODE = re.compile(r"[a-z]+(?:_[A-Z]+)?")
_PLURALS = ("plural", "singular", "unknown")

# Languages whose script runs from right to left.
_RIGHT_TO_LEFT = ("fa", "ar", "he")

_TWELVE_HOURS = ("en", "en_US")

CSVTranslations = Mapping[str, Mapping[str, str]]
_Catalogue = gettext.NullTranslations


class _Registry:
    """What is loaded, and the locales that were made of it."""

    def __init__(self) -> None:
        self.default = "en_US"
        self.translations: Mapping[str, CSVTranslations | _Catalogue] = {}
        self.locales: dict[str, Locale] = {}

    def replace(self, translations: Mapping[str, CSVTranslations | _Catalogue]) -> None:
        self.translations = translations
        self.locales = {}
        gen_log.debug("Supported locales: %s", sorted(self.supported()))

    def supported(self) -> frozenset[str]:
        return frozenset([*self.translations, self.default])

    def locale(self, code: str) -> Locale:
        locale = self.locales.get(code)
        if locale is None:
            locale = self.locales[code] = self._made(code)
        return locale

    def _made(self, code: str) -> Locale:
        translations = self.translations.get(code)
        if isinstance(translations, _Catalogue):
            return GettextLocale(code, translations)
        return CSVLocale(code, translations or {})


_registry = _Registry()


def get(*locale_codes: str) -> Locale:
    """Return the locale that comes closest to what is asked for, in order of preference.

    A code as it is or its language alone has to be supported; if none is, the default locale is returned.
    Documentation: ``locale.get``.
    """
    return Locale.get_closest(*locale_codes)


def get_supported_locales() -> Iterable[str]:
    """Return the codes of the locales that are loaded, and of the default one.

    Documentation: ``locale.get_supported_locales``.
    """
    return _registry.supported()


def set_default_locale(code: str) -> None:
    """Make ``code`` the locale of last resort, which the messages of the program are written in.

    It needs no translations.  Documentation: ``locale.set_default_locale``.
    """
    _registry.default = code
    # What it was may have gone without translations; what it is may be known as something else.
    _registry.locales = {}


# Loading


def load_translations(directory: str | os.PathLike[str], encoding: str | None = None) -> None:
    """Load the translations in the files ``<code>.csv`` of a directory, in place of those loaded before.

    Each row has a message, its translation and, if it has plurals, ``singular`` or ``plural``. A file's
    encoding is what its byte order mark says, of UTF-8 or UTF-16, or UTF-8 without one, unless ``encoding`` is
    given. Files with other names, and rows with anything else in the third column, are logged and left out.
    Raises `OSError` and `ValueError` for what cannot be read; then what was loaded stays.
    Documentation: ``locale.load_translations``.
    """
    translations: dict[str, CSVTranslations] = {}
    for name in sorted(os.listdir(directory)):
        if not name.endswith(".csv"):
            continue
        path = os.path.join(directory, name)
        code = name[: -len(".csv")]
        if not _CODE.fullmatch(code):
            gen_log.error("%s is left out: %r is not the code of a locale, such as de or pt_BR", path, code)
            continue
        translations[code] = _read_csv(path, encoding)
    _registry.replace(translations)


def _read_csv(path: str, encoding: str | None) -> CSVTranslations:
    with open(path, "rb") as file:
        data = file.read()
    translations: dict[str, dict[str, str]] = {}
    for number, row in enumerate(_rows(path, data, encoding or _encoding(data)), 1):
        if len(row) < 2:
            continue
        message, translation, *rest = (cell.strip() for cell in row)
        plural = (rest[0] if rest else "") or "unknown"
        if plural not in _PLURALS:
            gen_log.error("%s, row %d is left out: %r is neither singular nor plural", path, number, plural)
            continue
        translations.setdefault(plural, {})[message] = translation
    return translations


def _rows(path: str, data: bytes, encoding: str) -> Iterable[Sequence[str]]:
    try:
        return list(csv.reader(io.StringIO(data.decode(encoding), newline="")))
    except UnicodeDecodeError as error:
        error.reason += f", in {path}"
        raise
    except csv.Error as error:
        raise ValueError(f"{path} is no CSV file: {error}") from error


def _encoding(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # Takes away the mark, if there is one.
    return "utf-8-sig"


def load_gettext_translations(directory: str | os.PathLike[str], domain: str) -> None:
    """Load gettext's catalogues ``<code>/LC_MESSAGES/<domain>.mo`` of a directory, in place of what was
    loaded before.

    A catalogue that cannot be read is logged and left out.  Raises `OSError` for the directory.
    Documentation: ``locale.load_gettext_translations``.
    """
    catalogues: dict[str, _Catalogue] = {}
    for code in sorted(os.listdir(directory)):
        path = os.path.join(directory, code, "LC_MESSAGES", f"{domain}.mo")
        if code.startswith(".") or not os.path.isfile(path):
            continue
        try:
            with open(path, "rb") as file:
                catalogues[code] = gettext.GNUTranslations(file)
        except Exception as error:
            gen_log.error("%s is left out, for it cannot be loaded: %s", path, error)
    _registry.replace(catalogues)


# Locales


class Locale:
    """How a language is written; subclasses know its translations.

    ``code`` is made of a language and, perhaps, a country, such as ``pt_BR``; ``name`` is the language's own
    name, ``rtl`` whether its script runs from right to left.  Use `get`.  Up to release 5.1 it kept its
    ``translations``, whatever they are to a subclass.  Documentation: ``locale.Locale``.
    """

    translations: Any

    @classmethod
    def get_closest(cls, *locale_codes: str) -> Locale:
        """Return the closest locale, as `locale.get` does.

        Documentation: ``locale.Locale.get_closest``.
        """
        supported = _registry.supported()
        for asked in locale_codes:
            language, _, country = (asked or "").replace("-", "_").partition("_")
            for code in (f"{language.lower()}_{country.upper()}", language.lower()):
                if code in supported:
                    return cls.get(code)
        return cls.get(_registry.default)

    @classmethod
    def get(cls, code: str) -> Locale:
        """Return the locale with exactly this code.

        Raises `LookupError` if it is not supported.  Documentation: ``locale.Locale.get``.
        """
        if code not in _registry.supported():
            raise LookupError(f"no translations for {code!r} are loaded; locale.get() finds the closest ones")
        return _registry.locale(code)

    def __init__(self, code: str, translations: Any = None) -> None:
        self.code = code
        if translations is not None:
            self.translations = translations
        self.name = LOCALE_NAMES.get(code, {}).get("name", "Unknown")
        self.rtl = code.partition("_")[0] in _RIGHT_TO_LEFT

    def translate(self, message: str, plural_message: str | None = None, count: int | None = None) -> str:
        """Return the translation of ``message``, or of ``plural_message`` if ``count`` asks for that.

        What has no translation is returned as it is.  Raises `TypeError` for a plural without a count.  To be
        overridden.  Documentation: ``locale.Locale.translate``.
        """
        raise NotImplementedError(f"{type(self).__name__} must define translate")

    def pgettext(self, context: str, message: str, plural_message: str | None = None, count: int | None = None) -> str:
        """As `translate`, for a message that means different things in different contexts.

        To be overridden.  Documentation: ``locale.GettextLocale.pgettext``.
        """
        raise NotImplementedError(f"{type(self).__name__} must define pgettext")

    # Dates

    def format_date(
        self,
        date: datetime.datetime | float,
        gmt_offset: int = 0,
        relative: bool = True,
        shorter: bool = False,
        full_format: bool = False,
    ) -> str:
        """Return a time in words: how long ago it was, or its date, or both.

        ``date`` is a time, in UTC if it has no zone, or a number of seconds since 1970.  ``gmt_offset`` is in
        minutes, those to add to the local time for UTC's.  ``relative`` allows "5 minutes ago" and
        "yesterday"; ``shorter`` leaves the time of day out where it can be missed; ``full_format`` asks for
        date and time.  So are times in the future, but for those so close that clocks may differ.
        Documentation: ``locale.Locale.format_date``.
        """
        now = datetime.datetime.now(datetime.timezone.utc)
        then = _local_dates.in_utc(date)
        seconds = (now - then).total_seconds()
        if relative and -60 < seconds < 0:
            then, seconds = now, 0
        if full_format or seconds < 0:
            message = _local_dates.with_year(shorter and not full_format)
        elif relative and seconds < 24 * 60 * 60:
            return self._counted(_local_dates.elapsed(round(seconds)))
        else:
            offset = datetime.timedelta(minutes=gmt_offset)
            message = _local_dates.calendar(then - offset, now - offset, relative, shorter)
        return self._dated(message, then - datetime.timedelta(minutes=gmt_offset))

    def format_day(self, date: datetime.datetime, gmt_offset: int = 0, dow: bool = True) -> str:
        """Return a day in words, with the day of the week if ``dow``; arguments as for `format_date`.

        Documentation: ``locale.Locale.format_day``.
        """
        message = "%(weekday)s, %(month_name)s %(day)s" if dow else "%(month_name)s %(day)s"
        return self._dated(message, _local_dates.in_utc(date) - datetime.timedelta(minutes=gmt_offset))

    def _counted(self, phrase: _local_dates.Phrase) -> str:
        return self.translate(phrase.message, phrase.plural, phrase.count) % phrase.values()

    def _dated(self, message: str, local: datetime.datetime) -> str:
        values = {
            "month_name": self.translate(_local_dates.MONTHS[local.month - 1]),
            "weekday": self.translate(_local_dates.WEEKDAYS[local.weekday()]),
            "day": str(local.day),
            "year": str(local.year),
            "time": self._time(local),
        }
        return self.translate(message) % values

    def _time(self, local: datetime.datetime) -> str:
        twelve = f"{local.hour % 12 or 12}:{local.minute:02d}"
        if self.code in _TWELVE_HOURS:
            return f"{twelve} {'am' if local.hour < 12 else 'pm'}"
        if self.code == "zh_CN":
            return f"{'上午' if local.hour < 12 else '下午'}{twelve}"
        return f"{local.hour}:{local.minute:02d}"

    # Lists and numbers

    def list(self, parts: Any) -> str:
        """Return a list in words: ``A``, ``A and B``, ``A, B and C``.

        Documentation: ``locale.Locale.list``.
        """
        *most, last = parts or [""]
        if not most:
            return str(last)
        comma = " و " if self.code.startswith("fa") else ", "
        return self.translate("%(commas)s and %(last)s") % {"commas": comma.join(most), "last": last}

    def friendly_number(self, value: int) -> str:
        """Return a whole number, in English with commas between thousands.

        Documentation: ``locale.Locale.friendly_number``.
        """
        return f"{value:,}" if self.code in _TWELVE_HOURS else str(value)


def _check_plural(plural_message: str | None, count: int | None) -> None:
    if plural_message is not None and count is None:
        raise TypeError("a message with a plural needs the count that decides between them")


class CSVLocale(Locale):
    """A locale with translations of `load_translations`.

    ``translations`` has dictionaries of messages under ``singular``, ``plural`` and ``unknown``.
    Documentation: ``locale.CSVLocale``.
    """

    def __init__(self, code: str, translations: CSVTranslations) -> None:
        super().__init__(code, translations)

    def translate(self, message: str, plural_message: str | None = None, count: int | None = None) -> str:
        """Return the translation; any count but 1 asks for the plural.

        Documentation: ``locale.Locale.translate``.
        """
        _check_plural(plural_message, count)
        form = "unknown"
        if plural_message is not None:
            form = "singular" if count == 1 else "plural"
            message = message if count == 1 else plural_message
        translated: str = self.translations.get(form, {}).get(message, message)
        return translated

    def pgettext(self, context: str, message: str, plural_message: str | None = None, count: int | None = None) -> str:
        """Return the translation; CSV files know no contexts."""
        return self.translate(message, plural_message, count)


class GettextLocale(Locale):
    """A locale with a catalogue of `load_gettext_translations`, or another of the module `gettext`.

    Documentation: ``locale.GettextLocale``.
    """

    def __init__(self, code: str, translations: gettext.NullTranslations) -> None:
        super().__init__(code)
        self._catalogue = translations

    def translate(self, message: str, plural_message: str | None = None, count: int | None = None) -> str:
        """Return the translation; which form a count asks for is in the catalogue.

        Documentation: ``locale.Locale.translate``.
        """
        _check_plural(plural_message, count)
        if plural_message is None:
            return self._catalogue.gettext(message)
        assert count is not None
        return self._catalogue.ngettext(message, plural_message, count)

    def pgettext(self, context: str, message: str, plural_message: str | None = None, count: int | None = None) -> str:
        """Return the translation of a message in a context, such as ``pgettext("law", "right")``.

        Documentation: ``locale.GettextLocale.pgettext``.
        """
        _check_plural(plural_message, count)
        if plural_message is None:
            return self._catalogue.pgettext(context, message)
        assert count is not None
        plural = self._catalogue.npgettext(context, message, plural_message, count)
        if plural not in (message, plural_message):
            return plural
        # Some tools give the context to the plural, too.
        keys = [f"{context}{CONTEXT_SEPARATOR}{one}" for one in (message, plural_message)]
        found = self._catalogue.ngettext(keys[0], keys[1], count)
        return plural if found in keys else found
