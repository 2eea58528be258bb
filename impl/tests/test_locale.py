"""The insides of ``waterspout.locale`` and of ``Accept-Language``."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest
from _scaling import assert_linear

from waterspout import _local_dates, locale
from waterspout.web.languages import ranges


@pytest.fixture(autouse=True)
def _nothing_loaded(tmp_path: Path) -> Iterator[None]:
    yield
    empty = tmp_path / "empty"
    empty.mkdir()
    locale.load_translations(empty)
    locale.set_default_locale("en_US")


def test_a_file_that_cannot_be_read_is_named_and_changes_nothing(tmp_path: Path) -> None:
    """The error names the file, and what was loaded stays."""
    (tmp_path / "fr.csv").write_text('"a","b"')
    locale.load_translations(tmp_path)
    (tmp_path / "de.csv").write_bytes(b'"a","\xff"')
    with pytest.raises(UnicodeDecodeError, match=r"de\.csv"):
        locale.load_translations(tmp_path)

    assert set(locale.get_supported_locales()) == {"en_US", "fr"}
    assert locale.get("fr").translate("a") == "b"


def test_a_file_that_is_no_csv_is_named(tmp_path: Path) -> None:
    """A cell beyond what the module csv takes is a ValueError with the file's name."""
    (tmp_path / "de.csv").write_text('"a","' + "x" * 200_000 + '"')

    with pytest.raises(ValueError, match=r"de\.csv is no CSV file"):
        locale.load_translations(tmp_path)


def test_a_missing_directory_is_an_os_error(tmp_path: Path) -> None:
    """Both loaders raise it."""
    with pytest.raises(OSError):
        locale.load_translations(tmp_path / "nowhere")
    with pytest.raises(OSError):
        locale.load_gettext_translations(tmp_path / "nowhere", "app")


def test_the_base_class_says_what_is_missing() -> None:
    """Its hooks are named; the rest of it works."""
    bare = locale.Locale("de_DE")

    assert (bare.code, bare.name, bare.rtl) == ("de_DE", "Deutsch", False)
    with pytest.raises(NotImplementedError, match="translate"):
        bare.translate("a")
    with pytest.raises(NotImplementedError, match="pgettext"):
        bare.pgettext("c", "a")


def test_subclasses_may_give_the_base_their_translations() -> None:
    """As those written for releases up to 5.1 do."""

    class Own(locale.Locale):
        def translate(self, message: str, plural_message: str | None = None, count: int | None = None) -> str:
            return str(self.translations[message])

    assert Own("de", {"a": "b"}).translate("a") == "b"


def test_an_unknown_locale_is_named() -> None:
    """The error says what to call instead."""
    with pytest.raises(LookupError, match=r"'de'.*closest"):
        locale.Locale.get("de")


NOW = datetime.datetime(2024, 2, 29, 0, 30, tzinfo=datetime.timezone.utc)


@pytest.mark.parametrize(
    ("hours", "phrase"),
    [
        (24, "yesterday"),
        (24.4, "yesterday"),
        # A day and a half ago, but two nights.
        (36, "%(weekday)s"),
        (48, "%(weekday)s"),
        (5 * 24, "%(month_name)s %(day)s"),
        (334 * 24, "%(month_name)s %(day)s, %(year)s"),
        (-1, "%(month_name)s %(day)s, %(year)s"),
    ],
)
def test_phrases_of_the_calendar(hours: float, phrase: str) -> None:
    """Yesterday is a day of the calendar, not a number of hours."""
    then = NOW - datetime.timedelta(hours=hours)

    assert _local_dates.calendar(then, NOW, relative=True, shorter=True) == phrase


@pytest.mark.parametrize(
    ("seconds", "said"), [(49, 49), (50, 1), (89, 1), (91, 2), (49 * 60, 49), (50 * 60, 1), (86399, 24)]
)
def test_counts_are_rounded(seconds: int, said: int) -> None:
    """From fifty on the larger unit is said."""
    assert _local_dates.elapsed(seconds).count == said


def test_ranges_in_their_order() -> None:
    """By weight first; those of one weight in the order of the field."""
    assert ranges("a;q=0.2, b, c;q=0.2, d;q=1.000, *, e;q=0") == ["b", "d", "a", "c"]


@pytest.mark.parametrize("field", ["", ",", ";q=1", "a b", "a;q=", "a;q=2", "a;q=0.1234", "ü", "a;q=1;b", "a-"])
def test_bad_ranges_are_left_out(field: str) -> None:
    """Only what RFC 9110 allows counts."""
    assert ranges(f"{field}, de") == ["de"]


@pytest.mark.parametrize("member", ["a,", "a;q=0.1,", " ", "\t ,", "a-", ";"])
def test_ranges_cost_linear_time(member: str) -> None:
    """A client cannot keep the server busy."""
    assert_linear(lambda n: ranges(member * n), 2000, 16000)
