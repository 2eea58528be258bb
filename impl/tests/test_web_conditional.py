"""Conditions of a request: dates, tags, their order, and what becomes of the answer."""

from __future__ import annotations

import calendar
from typing import Any

import pytest
from _web_wire import application, get, get_later

from waterspout.protocol.dates import parse_http_date
from waterspout.web import RequestHandler
from waterspout.web.conditional import match_fails, verdict

#: Noon of 2 January 2026.
NOW = calendar.timegm((2026, 1, 2, 12, 0, 0))
EARLIER, MODIFIED, LATER = (f"Sun, 06 Nov 1994 08:49:3{digit} GMT" for digit in "678")


@pytest.mark.parametrize(
    "text",
    ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"],
)
def test_the_three_formats_are_the_same_moment(text: str) -> None:
    """The examples of RFC 9110, section 5.6.7."""
    assert parse_http_date(text, NOW) == 784111777


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("Thursday, 01-Jan-26 00:00:00 GMT", 2026),
        ("Wednesday, 01-Jan-75 00:00:00 GMT", 2075),
        ("Thursday, 01-Jan-76 00:00:00 GMT", 2076),
        ("Friday, 01-May-76 00:00:00 GMT", 1976),
        ("Friday, 01-Jan-99 00:00:00 GMT", 1999),
        ("Tuesday, 29-Feb-00 00:00:00 GMT", 2000),
    ],
)
def test_two_digits_are_at_most_fifty_years_ahead(text: str, year: int) -> None:
    """What would be further ahead was a hundred years before."""
    found = parse_http_date(text, NOW)
    assert found is not None
    assert calendar.timegm((year, 1, 1, 0, 0, 0)) <= found < calendar.timegm((year + 1, 1, 1, 0, 0, 0))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "784111777",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sun, \u0660\u0666 Nov 1994 08:49:37 GMT",
        "Thursday, 31-Nov-94 08:49:37 GMT",
    ],
)
def test_what_is_no_date_is_none(text: str) -> None:
    """Near misses, and days and times that there are not."""
    assert parse_http_date(text, NOW) is None


def test_a_leap_second_is_read() -> None:
    """As the second before it."""
    assert parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT", NOW) == calendar.timegm((2016, 12, 31, 23, 59, 59))


@pytest.mark.parametrize(
    ("field", "etag", "fails"),
    [
        ('"a"', '"a"', False),
        ('"b", "a"', '"a"', False),
        ("*", '"a"', False),
        ("*", None, False),
        ('W/"a"', '"a"', True),
        ('"a"', 'W/"a"', True),
        ('W/"a"', 'W/"a"', True),
        ('"b"', '"a"', True),
        ('"a"', None, True),
        ("a", '"a"', True),
        ("", '"a"', True),
    ],
)
def test_if_match_compares_strongly(field: str, etag: str | None, fails: bool) -> None:
    """RFC 9110, sections 8.8.3.2 and 13.1.1."""
    assert match_fails(field, etag) is fails


@pytest.mark.parametrize(
    ("asked", "has_copy", "status"),
    [
        ({}, False, 200),
        ({"If-None-Match": '"a"'}, True, 304),
        ({"If-None-Match": '"b"'}, False, 200),
        ({"If-None-Match": '"b"', "If-Modified-Since": LATER}, False, 200),
        ({"If-Modified-Since": LATER}, False, 304),
        ({"If-Modified-Since": MODIFIED}, False, 304),
        ({"If-Modified-Since": EARLIER}, False, 200),
        ({"If-Modified-Since": "never"}, False, 200),
        ({"If-Match": '"a"'}, False, 200),
        ({"If-Match": '"b"'}, False, 412),
        ({"If-Match": '"b"', "If-None-Match": '"a"'}, True, 412),
        ({"If-Match": '"a"', "If-None-Match": '"a"'}, True, 304),
        ({"If-Match": '"a"', "If-Unmodified-Since": EARLIER}, False, 200),
        ({"If-Unmodified-Since": EARLIER}, False, 412),
        ({"If-Unmodified-Since": MODIFIED}, False, 200),
        ({"If-Unmodified-Since": EARLIER, "If-None-Match": '"a"'}, True, 412),
        ({"If-Unmodified-Since": LATER, "If-Modified-Since": LATER}, False, 304),
        ({"If-Unmodified-Since": "never", "If-Modified-Since": LATER}, False, 304),
    ],
)
def test_conditions_are_decided_in_order(asked: dict[str, str], has_copy: bool, status: int) -> None:
    """RFC 9110, section 13.2.2."""
    assert verdict(asked, {"Etag": '"a"', "Last-Modified": MODIFIED}, has_copy) == status


@pytest.mark.parametrize("date", [None, "long ago"])
def test_dates_decide_nothing_where_the_answer_has_none(date: str | None) -> None:
    """Sections 13.1.3 and 13.1.4."""
    answered = {} if date is None else {"Last-Modified": date}
    assert verdict({"If-Modified-Since": LATER}, answered, False) == 200
    assert verdict({"If-Unmodified-Since": EARLIER}, answered, False) == 200


class Dated(RequestHandler):
    """Answers with a date, a tag that others choose, and notes what became of it."""

    ended = 0

    def get(self) -> None:
        self.set_header("Last-Modified", MODIFIED)
        self.write("content")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        self.finish(f"no: {status_code}")

    def on_finish(self) -> None:
        type(self).ended += 1


def test_a_failed_condition_is_an_error_page() -> None:
    """Made by the handler's own write_error, with no field of the content, and the handler ends once."""
    Dated.ended = 0

    answer = get(application(Dated), "/", f"If-Unmodified-Since: {EARLIER}")

    assert (answer.status, answer.body) == (412, b"no: 412")
    assert "last-modified" not in answer.names()
    assert Dated.ended == 1


def test_finish_returns_what_can_be_awaited_though_412_took_its_place() -> None:
    """A coroutine that waits for finish() goes on."""
    went_on = []

    class Waits(Dated):
        async def get(self) -> None:
            await self.finish("content")
            went_on.append(True)

    answer = get_later(application(Waits), "/", 'If-Match: "other"')

    assert (answer.status, answer.body, went_on) == (412, b"no: 412", [True])


@pytest.mark.parametrize("field", [f"If-Modified-Since: {MODIFIED}", "If-None-Match: *"])
def test_a_copy_that_is_current_is_not_sent_again(field: str) -> None:
    """Date or tag; what is left is what a cache needs."""
    answer = get(application(Dated), "/", field)

    assert (answer.status, answer.body, answer["Last-Modified"]) == (304, b"", MODIFIED)
    assert "content-type" not in answer.names()
    assert "content-length" not in answer.names()
