"""Languages

A ``Locale`` knows the translations of one language and how it writes dates, numbers and lists. Translations come from
CSV files, a language each, or from the catalogues that gettext compiles. ``get`` finds the locale that comes closest to
what is asked for; a message without a translation stays as it is, so a program is written in the language of its
default locale.

A handler's ``locale`` is that of the user, if ``get_user_locale`` knows one, or else the one that fits best what the
browser asks for by ``Accept-Language``.
"""

import datetime
import gettext
import io
import logging
import re
import struct

import pytest

from conformance import api, compat, doc, each, must, observed, rfc, seed
from conformance.forks import forked
from conformance.pages import new_code, page, rendered, translations

GERMAN = '"Hello","Hallo"\n"%(n)d apple","%(n)d Apfel","singular"\n"%(n)d apples","%(n)d Äpfel","plural"\n'


def catalogue(directory, code, domain, messages):
    """Write a compiled catalogue of gettext's format; plural forms of a message are parted by NUL."""
    keys = sorted(messages, key=str.encode)
    texts = [[one.encode() for one in part] for part in (keys, [messages[key] for key in keys])]
    head, position, tables = 28, 28 + 16 * len(keys), []
    for part in texts:
        for text in part:
            tables += [len(text), position]
            position += len(text) + 1
    path = directory / code / "LC_MESSAGES" / f"{domain}.mo"
    path.parent.mkdir(parents=True)
    header = struct.pack("<7I", 0x950412DE, 0, len(keys), head, head + 8 * len(keys), 0, 0)
    strings = b"".join(text + b"\0" for part in texts for text in part)
    path.write_bytes(header + struct.pack(f"<{len(tables)}I", *tables) + strings)


POLISH = {
    "": "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && "
    "(n%100<10 || n%100>=20) ? 1 : 2);\n",
    "Hello": "Cześć",
    "file\0files": "plik\0pliki\0plików",
    "law\x04right": "prawo",
    "law\x04right\0rights": "prawo\0prawa\0praw",
}


# -- which locale -----------------------------------------------------------------------------------------------------


@must(
    "locale.get.closest",
    "get() returns the first of the locales asked for that is loaded, as it is or by its language alone.",
    doc("locale.get"),
    doc("locale.Locale.get_closest"),
)
@each(
    case=[
        (["de_DE"], "de_DE"),
        (["de-DE"], "de_DE"),
        (["DE_de"], "de_DE"),
        (["fr_CA"], "fr"),
        (["xx", "fr-FR", "de_DE"], "fr"),
        (["de_AT"], "en_US"),
        (["xx"], "en_US"),
        ([], "en_US"),
    ]
)
def test_get(tmp_path, case):
    with translations(tmp_path, de_DE='"a","b"', fr='"a","c"'):
        assert api.locale.get(*case[0]).code == case[1]
        assert api.locale.Locale.get_closest(*case[0]) is api.locale.get(*case[0])


@must(
    "locale.get.same-object",
    "A locale is made once: Locale.get() returns the same object for a code, and none for what is not loaded.",
    doc("locale.Locale.get"),
)
def test_same_object(tmp_path):
    with translations(tmp_path, fr='"a","b"'):
        assert api.locale.Locale.get("fr") is api.locale.get("fr")
        with pytest.raises((LookupError, AssertionError)):
            api.locale.Locale.get("de")


@must(
    "locale.default.set",
    "set_default_locale() chooses the locale of last resort; it counts as supported without translations.",
    doc("locale.set_default_locale"),
)
def test_default_locale(tmp_path):
    with translations(tmp_path, fr='"a","b"'):
        assert set(api.locale.get_supported_locales()) == {"en_US", "fr"}
        api.locale.set_default_locale("pt_BR")
        assert set(api.locale.get_supported_locales()) == {"fr", "pt_BR"}
        assert (api.locale.get("xx").code, api.locale.get("xx").translate("a")) == ("pt_BR", "a")


@must(
    "locale.attributes.name",
    "A locale has its code, the language's own name, and whether its script runs from right to left.",
    doc("locale.Locale"),
)
@each(case=[("de_DE", "Deutsch", False), ("he_IL", "עברית", True), ("pt_BR", "Português (Brasil)", False)])
def test_attributes(tmp_path, case):
    with translations(tmp_path, **{case[0]: '"a","b"'}):
        locale = api.locale.get(case[0])
        assert (locale.code, locale.name, locale.rtl) == case


@compat(
    "locale.names.table",
    "LOCALE_NAMES has a language's name in English and in itself for each code.",
    observed("web-locale"),
)
def test_names():
    names = api.locale.LOCALE_NAMES
    assert {"en_US", "de_DE", "es_LA", "ja_JP", "zh_CN", "ar_AR"} <= set(names)
    assert (names["de_DE"]["name_en"], names["de_DE"]["name"]) == ("German", "Deutsch")


# -- CSV files --------------------------------------------------------------------------------------------------------


@must(
    "locale.csv.translate",
    "translate() returns the translation that the file of the locale has, or else the message itself.",
    doc("locale.load_translations"),
    doc("locale.Locale.translate"),
)
def test_translate(tmp_path):
    german, french = new_code(), new_code()
    with translations(tmp_path, **{german: GERMAN, french: '"Hello","Bonjour"\n'}):
        assert api.locale.get(german).translate("Hello") == "Hallo"
        assert api.locale.get(french).translate("Hello") == "Bonjour"
        assert api.locale.get(french).translate("Good bye") == "Good bye"
        assert api.locale.get("en_US").translate("Hello") == "Hello"


@must(
    "locale.csv.plural",
    "With a plural message and a count, the singular is for 1 and the plural for all else, translated or not.",
    doc("locale.Locale.translate"),
)
@each(case=[(1, "1 Apfel", "1 pear"), (0, "0 Äpfel", "0 pears"), (2, "2 Äpfel", "2 pears")])
def test_plural(tmp_path, case):
    count, apples, pears = case
    german = new_code()
    with translations(tmp_path, **{german: GERMAN}):
        translate = api.locale.get(german).translate
        assert translate("%(n)d apple", "%(n)d apples", count) % {"n": count} == apples
        assert translate("%(n)d pear", "%(n)d pears", count) % {"n": count} == pears


@must(
    "locale.plural.needs-count",
    "A plural message without a count is refused with an exception.",
    doc("locale.Locale.translate"),
)
def test_plural_without_count(tmp_path):
    german = new_code()
    with translations(tmp_path, **{german: GERMAN}):
        with pytest.raises((TypeError, AssertionError)):
            api.locale.get(german).translate("%(n)d apple", "%(n)d apples")


@must(
    "locale.csv.pgettext",
    "pgettext() of such a locale is translate(): the files know no contexts.",
    doc("locale.CSVLocale"),
)
def test_csv_pgettext(tmp_path):
    german = new_code()
    with translations(tmp_path, **{german: GERMAN}):
        assert api.locale.get(german).pgettext("greeting", "Hello") == "Hallo"
        assert api.locale.get(german).pgettext("box", "%(n)d apple", "%(n)d apples", 2) == "%(n)d Äpfel"


@must(
    "locale.csv.dialect",
    "The files are CSV in the usual dialect: quotes are doubled, and commas may stand in quotes.",
    doc("locale.load_translations"),
)
def test_dialect(tmp_path):
    rows = '"a, b","say ""c"""\nplain,bare\n\n" padded ", x \nonly one\n'
    code = new_code()
    with translations(tmp_path, **{code: rows}):
        translate = api.locale.get(code).translate
        found = [translate(one) for one in ("a, b", "plain", "padded", "only one")]
        assert found == ['say "c"', "bare", "x", "only one"]


@must(
    "locale.csv.encoding",
    "The encoding is that of a byte order mark, of UTF-8 or UTF-16, or UTF-8 without one, or the one that is given.",
    doc("locale.load_translations"),
)
@each(encoding=[("utf-8", None), ("utf-8-sig", None), ("utf-16", None), ("latin-1", "latin-1")])
def test_encoding(tmp_path, encoding):
    (tmp_path / "made").mkdir()
    code = new_code()
    (tmp_path / "made" / f"{code}.csv").write_bytes('"Hello","Olá"\n'.encode(encoding[0]))
    with translations(tmp_path):
        api.locale.load_translations(str(tmp_path / "made"), encoding=encoding[1])
        assert api.locale.get(code).translate("Hello") == "Olá"


@must(
    "locale.csv.replaces",
    "Loading replaces what was loaded before.",
    doc("locale.load_translations"),
)
def test_loading_again(tmp_path):
    code = new_code()
    with translations(tmp_path, **{code: '"a","old"'}):
        assert api.locale.get(code).translate("a") == "old"
        (tmp_path / "loaded" / f"{code}.csv").write_text('"a","new"')
        api.locale.load_translations(str(tmp_path / "loaded"))
        assert api.locale.get(code).translate("a") == "new"
        (tmp_path / "loaded" / f"{code}.csv").unlink()
        api.locale.load_translations(str(tmp_path / "loaded"))
        assert set(api.locale.get_supported_locales()) == {"en_US"}


@compat(
    "locale.csv.left-out",
    "Files whose name is no code, and rows with an unknown plural form, are logged as errors and left out.",
    observed("web-locale"),
)
async def test_left_out(tmp_path, logs):
    rows = '"a","b","weird"\n"c","d"\n'
    code = new_code()
    with translations(tmp_path, **{code: rows}, **{"no-code": '"a","b"', "de_DE_x": '"a","b"'}):
        assert set(api.locale.get_supported_locales()) == {code, "en_US"}
        assert [api.locale.get(code).translate(one) for one in "ac"] == ["a", "d"]
    errors = [record.getMessage() for record in logs.of("tornado.general") if record.levelname == "ERROR"]
    assert sorted(name for name in ("weird", "no-code", "de_DE_x") for error in errors if name in error) == [
        "de_DE_x",
        "no-code",
        "weird",
    ]


# -- gettext ----------------------------------------------------------------------------------------------------------


def with_catalogues(directory, body):
    """Return the lines that ``body(say)`` says in a process of its own, in which the catalogues of app are loaded."""

    def run(say):
        api.locale.load_gettext_translations(str(directory), "app")
        body(say)

    outcome = forked(run)
    assert outcome.status == 0, outcome.said
    return outcome.said


@must(
    "locale.gettext.translate",
    "load_gettext_translations() loads the catalogues <code>/LC_MESSAGES/<domain>.mo, whose plurals follow their rule.",
    doc("locale.load_gettext_translations"),
    doc("locale.GettextLocale"),
)
def test_gettext(tmp_path):
    def body(say):
        locale = api.locale.get("pl_PL")
        say(locale.translate("Hello"), locale.translate("Bye"))
        say(*(locale.translate("file", "files", count) for count in (1, 3, 5, 22, 25)))

    catalogue(tmp_path, "pl_PL", "app", POLISH)
    assert with_catalogues(tmp_path, body) == ["Cześć Bye", "plik pliki plików pliki plików"]


@must(
    "locale.gettext.pgettext",
    "pgettext() tells the contexts of a message apart, with plurals too; others stay as they are.",
    doc("locale.GettextLocale.pgettext"),
)
def test_pgettext(tmp_path):
    def body(say):
        pgettext = api.locale.get("pl_PL").pgettext
        say("1", *(pgettext(context, "right") for context in ("law", "side")))
        say("2", *(pgettext("law", "right", "rights", count) for count in (1, 2, 5)))
        say("3", *(pgettext("side", "right", "rights", count) for count in (1, 2)))

    catalogue(tmp_path, "pl_PL", "app", POLISH)
    assert with_catalogues(tmp_path, body) == ["1 prawo right", "2 prawo prawa praw", "3 right rights"]


@must(
    "locale.gettext.domain",
    "Only catalogues of the domain are loaded; what cannot be read is logged and left out.",
    doc("locale.load_gettext_translations"),
)
def test_gettext_domain(tmp_path):
    def body(say):
        say(*sorted(api.locale.get_supported_locales()))

    def log(say):
        logging.getLogger("tornado.general").addHandler(handler := logging.StreamHandler(io.StringIO()))
        api.locale.load_gettext_translations(str(tmp_path), "app")
        say("de_DE" in handler.stream.getvalue() or "'de" in handler.stream.getvalue())

    catalogue(tmp_path, "pl_PL", "app", POLISH)
    catalogue(tmp_path, "fr_FR", "other", {"": POLISH[""], "Hello": "Bonjour"})
    catalogue(tmp_path, "de_DE", "app", {})
    (tmp_path / "de_DE" / "LC_MESSAGES" / "app.mo").write_bytes(b"no catalogue at all")
    assert with_catalogues(tmp_path, body) == ["en_US pl_PL"]
    assert with_catalogues(tmp_path, log) == ["True"]


@must(
    "locale.gettext.then-csv",
    "CSV files can be loaded in the place of catalogues.",
    doc("locale.load_translations"),
)
def test_csv_after_gettext(tmp_path):
    def body(say):
        with translations(tmp_path / "csv", **{code: GERMAN}):
            say(api.locale.get(code).translate("Hello"), *sorted(api.locale.get_supported_locales()))

    code = new_code()
    (tmp_path / "csv").mkdir()
    catalogue(tmp_path / "made", "pl_PL", "app", POLISH)
    assert with_catalogues(tmp_path / "made", body) == [f"Hallo en_US {code}"]


@must(
    "locale.gettext.class",
    "GettextLocale takes a catalogue of the module gettext, CSVLocale dictionaries by plural form.",
    doc("locale.GettextLocale"),
    doc("locale.CSVLocale"),
)
def test_locale_classes():
    assert api.locale.GettextLocale("de_DE", gettext.NullTranslations()).translate("a") == "a"
    locale = api.locale.CSVLocale("de_DE", {"unknown": {"a": "x"}, "singular": {"a": "y"}, "plural": {"as": "z"}})
    assert [locale.translate("a"), locale.translate("a", "as", 1), locale.translate("a", "as", 3)] == ["x", "y", "z"]
    assert isinstance(locale, api.locale.Locale)


# -- dates ------------------------------------------------------------------------------------------------------------

DATE = datetime.datetime(2020, 3, 4, 15, 7, 9, tzinfo=datetime.timezone.utc)


def ago(**units):
    """Return the time so long ago, in the middle of a unit, so that a slow case still says the same."""
    return datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(**units)


@must(
    "locale.date.relative",
    "format_date() says how long ago a time was, in seconds, minutes or hours, within a day.",
    doc("locale.Locale.format_date"),
)
@each(
    case=[
        ({"seconds": 20}, r"2\d seconds ago"),
        ({"seconds": 55}, "1 minute ago"),
        ({"minutes": 10}, "10 minutes ago"),
        ({"minutes": 62}, "1 hour ago"),
        ({"hours": 5}, "5 hours ago"),
        ({"hours": 23}, "23 hours ago"),
    ]
)
def test_relative(case):
    locale = api.locale.get("en_US")
    assert re.fullmatch(case[1], locale.format_date(ago(**case[0])))
    # Without a zone it is UTC, and seconds since 1970 are as good.
    assert re.fullmatch(case[1], locale.format_date(ago(**case[0]).replace(tzinfo=None)))
    assert re.fullmatch(case[1], locale.format_date(int(ago(**case[0]).timestamp())))


@must(
    "locale.date.days",
    "Older times are yesterday, a day of the week, or a date, with the time of day, or without if shorter.",
    doc("locale.Locale.format_date"),
)
@each(days=[1, 2, 4, 30, 300, 400])
def test_days(days):
    then = ago(days=days)
    date = f"{then:%B} {then.day}"
    day = {1: "yesterday", 2: f"{then:%A}", 4: f"{then:%A}", 400: f"{date}, {then.year}"}.get(days, date)
    clock = f"{then.hour % 12 or 12}:{then.minute:02d} {'am' if then.hour < 12 else 'pm'}"
    locale = api.locale.get("en_US")
    assert locale.format_date(then) == f"{day} at {clock}"
    assert locale.format_date(then, shorter=True) == day


@must(
    "locale.date.full",
    "full_format gives date and time, relative=False no words like yesterday.",
    doc("locale.Locale.format_date"),
)
def test_full_format():
    locale = api.locale.get("en_US")
    assert locale.format_date(DATE) == locale.format_date(DATE, full_format=True) == "March 4, 2020 at 3:07 pm"
    assert locale.format_date(DATE, shorter=True) == "March 4, 2020"
    then = ago(days=1, minutes=1)
    assert locale.format_date(then, relative=False, shorter=True) == f"{then:%A}"
    assert "ago" not in locale.format_date(ago(hours=2), relative=False)
    assert locale.format_date(ago(hours=2), full_format=True).startswith(f"{ago(hours=2):%B} ")


@must(
    "locale.date.future",
    "Times in the future have date and time; those less than a minute ahead are now.",
    doc("locale.Locale.format_date"),
)
def test_future():
    locale = api.locale.get("en_US")
    assert locale.format_date(ago(seconds=-30)) == "0 seconds ago"
    then = ago(days=-1)
    assert locale.format_date(then).startswith(f"{then:%B} {then.day}, {then.year} at ")


@must(
    "locale.date.offset",
    "gmt_offset, in minutes, is what the local time lacks to that of Greenwich.",
    doc("locale.Locale.format_date"),
)
@each(case=[(0, "March 4, 2020 at 3:07 pm"), (600, "March 4, 2020 at 5:07 am"), (-600, "March 5, 2020 at 1:07 am")])
def test_gmt_offset(case):
    assert api.locale.get("en_US").format_date(DATE, gmt_offset=case[0], full_format=True) == case[1]


@must(
    "locale.date.zones",
    "A time with a zone is the moment that it names.",
    doc("locale.Locale.format_date"),
)
def test_zones():
    then = DATE.astimezone(datetime.timezone(datetime.timedelta(hours=-5)))
    assert api.locale.get("en_US").format_date(then, full_format=True) == "March 4, 2020 at 3:07 pm"


@must(
    "locale.date.day",
    "format_day() gives month and day, with the day of the week unless dow is false.",
    doc("locale.Locale.format_day"),
)
def test_format_day():
    locale = api.locale.get("en_US")
    assert locale.format_day(DATE) == "Wednesday, March 4"
    assert locale.format_day(DATE, dow=False) == "March 4"
    assert locale.format_day(DATE, gmt_offset=-600) == "Thursday, March 5"


@must(
    "locale.date.translated",
    "The phrases of dates are messages to translate, with the names of months and days.",
    doc("locale.Locale.format_date"),
)
def test_translated_dates(tmp_path):
    rows = '"March","März"\n"Wednesday","Mittwoch"\n'
    rows += '"%(weekday)s, %(month_name)s %(day)s","%(weekday)s, %(day)s. %(month_name)s"'
    rows += '\n"%(month_name)s %(day)s, %(year)s at %(time)s","%(day)s. %(month_name)s %(year)s, %(time)s"'
    rows += '\n"%(minutes)d minutes ago","vor %(minutes)d Minuten","plural"\n"1 hour ago","vor 1 Stunde","singular"'
    code = new_code()
    with translations(tmp_path, **{code: rows}):
        locale = api.locale.get(code)
        assert locale.format_day(DATE) == "Mittwoch, 4. März"
        assert locale.format_date(DATE) == "4. März 2020, 15:07"
        assert locale.format_date(ago(minutes=10)) == "vor 10 Minuten"
        assert locale.format_date(ago(minutes=62)) == "vor 1 Stunde"


@compat(
    "locale.date.clock",
    "English has twelve hours with am and pm, Chinese with words before, other languages twenty-four.",
    observed("web-locale"),
)
@each(case=[("en_US", "3:07 pm"), ("de_DE", "15:07"), ("zh_CN", "下午3:07")])
def test_clock(tmp_path, case):
    with translations(tmp_path, **{} if case[0] == "en_US" else {case[0]: '"a","b"'}):
        assert api.locale.get(case[0]).format_date(DATE) == f"March 4, 2020 at {case[1]}"


# -- lists and numbers ------------------------------------------------------------------------------------------------


@must(
    "locale.list.joined",
    "list() joins with commas and a word before the last, which can be translated.",
    doc("locale.Locale.list"),
)
@each(case=[("", "", ""), ("a", "a", "a"), ("ab", "a and b", "a und b"), ("abc", "a, b and c", "a, b und c")])
def test_list(tmp_path, case):
    code = new_code()
    with translations(tmp_path, **{code: '"%(commas)s and %(last)s","%(commas)s und %(last)s"'}):
        assert [api.locale.get(code).list(list(case[0])) for code in ("en_US", code)] == list(case[1:])


@must(
    "locale.number.friendly",
    "friendly_number() puts commas between the thousands of whole numbers in English.",
    doc("locale.Locale.friendly_number"),
)
@each(case=[(0, "0"), (999, "999"), (1000, "1,000"), (1234567, "1,234,567"), (-1234567, "-1,234,567"), (-123, "-123")])
def test_friendly_number(tmp_path, case):
    with translations(tmp_path, de_DE=GERMAN):
        assert api.locale.get("en_US").friendly_number(case[0]) == case[1]
        assert api.locale.get("de_DE").friendly_number(case[0]) == str(case[0])


# -- the locale of a request ------------------------------------------------------------------------------------------


async def chosen(serve, field=None, members=None):
    """Return the code of a request's locale, for what Accept-Language says."""

    def get(self):
        self.write(self.locale.code)

    handler = type("Page", (api.web.RequestHandler,), {"get": get, **(members or {})})
    server = await serve([("/", handler)])
    return (await server.get("/", headers={} if field is None else {"Accept-Language": field})).text


@must(
    "web.locale.browser",
    "The locale is the one that Accept-Language likes best of those loaded, by weight, then by order.",
    doc("web.RequestHandler.get_browser_locale"),
    rfc(9110, "12.5.4"),
)
@each(
    case=[
        ("de", "de"),
        ("fr;q=0.5,de;q=0.9", "de"),
        ("fr;q=0.5, de", "de"),
        ("xx, fr", "fr"),
        ("pt-br", "pt_BR"),
        ("de-DE, fr;q=0.5", "de"),
        ("fr ; q=0.2 , de;q=0.3", "de"),
        ("xx", "en_US"),
        ("*", "en_US"),
        (None, "en_US"),
    ]
)
async def test_browser_locale(serve, tmp_path, case):
    with translations(tmp_path, **dict.fromkeys(("de", "fr", "pt_BR"), '"a","b"')):
        assert await chosen(serve, case[0]) == case[1]


@must(
    "web.locale.weight-zero",
    "Weight 0 means not acceptable: such a language is not chosen.",
    rfc(9110, "12.4.2"),
    doc("web.RequestHandler.get_browser_locale"),
)
async def test_weight_zero(serve, tmp_path):
    with translations(tmp_path, de='"a","b"', fr='"a","b"'):
        assert await chosen(serve, "de;q=0, fr;q=0.1") == "fr"
        assert await chosen(serve, "de;q=0") == "en_US"


@must(
    "web.locale.bad-field",
    "What the grammar of Accept-Language does not allow is never an error, and never liked best.",
    doc("web.RequestHandler.get_browser_locale"),
    rfc(9110, "12.5.4"),
)
@each(
    field=[
        "de;q=x, fr",
        "de;q=-1, fr",
        "de;q=nan, fr;q=0.5",
        "de;q=inf, fr;q=0.1",
        "de;q=1.5, fr;q=0.1",
        ", ;, fr",
        "de;;q=1,fr",
    ]
)
async def test_bad_field(serve, tmp_path, field):
    with translations(tmp_path, de='"a","b"', fr='"a","b"'):
        assert await chosen(serve, field) == "fr"


@must(
    "web.locale.browser-default",
    "get_browser_locale(default) is the closest to the default if the browser asks for nothing.",
    doc("web.RequestHandler.get_browser_locale"),
)
async def test_browser_default(serve, tmp_path):
    members = {"get_user_locale": lambda self: self.get_browser_locale("fr_CA")}
    with translations(tmp_path, de='"a","b"', fr='"a","b"'):
        assert [await chosen(serve, field, members) for field in (None, "de")] == ["fr", "de"]


@must(
    "web.locale.user",
    "get_user_locale() comes first; None leaves it to the browser.",
    doc("web.RequestHandler.get_user_locale"),
    doc("web.RequestHandler.locale"),
    seed("SEED-239"),
)
@each(case=[("fr", "fr"), (None, "de")])
async def test_user_locale(serve, tmp_path, case):
    members = {"get_user_locale": lambda self: case[0] and api.locale.get(case[0])}
    with translations(tmp_path, de='"a","b"', fr='"a","b"'):
        assert await chosen(serve, "de", members) == case[1]


@must(
    "web.locale.once",
    "The locale is found once for a request, when it is first asked for; it can be assigned.",
    doc("web.RequestHandler.locale"),
)
async def test_locale_once(serve, tmp_path):
    calls = []

    def prepare(self):
        calls.append(len(calls))
        assert self.locale is self.locale

    members = {"prepare": prepare, "get_user_locale": lambda self: calls.append("asked")}
    with translations(tmp_path, fr='"a","b"'):
        assert (await chosen(serve, "fr", members), calls) == ("fr", [0, "asked"])


@must(
    "web.locale.assigned",
    "A locale that is assigned is the request's, in templates as well.",
    doc("web.RequestHandler.locale"),
)
async def test_assigned_locale(serve, tmp_path):
    def prepare(self):
        self.locale = api.locale.get(code)

    code = new_code()
    with translations(tmp_path, **{code: '"Hello","Bonjour"'}):
        text = await rendered(serve, "{{ locale.code }} {{ _('Hello') }}", page(members={"prepare": prepare}))
        assert text == f"{code} Bonjour"
