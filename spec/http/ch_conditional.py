"""Conditional requests: send it only if it changed, do it only if it did not

An answer carries two marks of the state it shows: ETag, which is exact, and Last-Modified, which counts in seconds. A
client sends them back. *If-None-Match* and *If-Modified-Since* ask for the content only if it is another one by now,
and are answered 304 otherwise. *If-Match* and *If-Unmodified-Since* ask that nothing be done if it is another one, and
are answered 412 then.

The rules are about precedence and comparison. Tags win over dates. If-Match compares strongly: a weak tag matches
nothing. If-None-Match compares weakly. Dates come in three formats, of which the second has two digits for the year. A
condition that is no date, or meets a resource without one, is as if it were not there. And a condition decides about an
answer that would have been a success: a 404 stays what it is.
"""

from __future__ import annotations

from typing import Any

from conformance import each, labelled, must, rfc, should
from conformance.wire.http import answer, get, post
from conformance.wire.judging import Maybe

FILE = "/resource.txt"
#: When it was modified last, as the three formats of a date have it; and a second earlier.
MODIFIED = "Sat, 01 Jan 2022 00:00:00 GMT"
MODIFIED_850 = "Saturday, 01-Jan-22 00:00:00 GMT"
MODIFIED_ASCTIME = "Sat Jan  1 00:00:00 2022"
BEFORE = "Fri, 31 Dec 2021 23:59:59 GMT"
BEHIND = "Sat, 01 Jan 2022 00:00:01 GMT"
NEEDS = ("validators",)


# -- the validators themselves ----------------------------------------------------------------------------------------


@should(
    "http1.validator.sent",
    "An answer for a file carries ETag and Last-Modified, to HEAD as to GET.",
    rfc(9110, "8.8", "RFC9110-8.8.2.1-1", "RFC9110-8.8.3.1-1"),
    rfc(9110, "15.3.1", "RFC9110-15.3.1-1"),
    needs=NEEDS,
)
@each(method=["GET", "HEAD"])
def test_validators(wire: Any, method: str) -> None:
    wanted = {"ETag": ..., "Last-Modified": MODIFIED}
    wire.send(get(FILE, method=method)).expect(200, header=wanted).expect_alive()


@must(
    "http1.validator.strong-is-exact",
    "A tag that is not marked as weak belongs to one content: another content has another tag.",
    rfc(9110, "8.8.3", "RFC9110-8.8.3-1"),
    needs=NEEDS,
)
@each(bodies=[("one", "two"), ("one", "one\n"), ("", "x")])
def test_strong_is_exact(wire: Any, bodies: tuple[str, str]) -> None:
    wire.send(get(answer(body=bodies[0]))).expect(200).keep("ETag", absent='"no tag"')
    data = get(answer(body=bodies[1]), if_none_match="{ETag}")
    wire.send(data).expect(200, body=bodies[1].encode()).expect_alive()


# -- If-None-Match ----------------------------------------------------------------------------------------------------


@must(
    "http1.none-match.same-304",
    "When If-None-Match names the tag, compared weakly, or any tag, GET and HEAD are answered with 304.",
    rfc(9110, "13.1.2", "RFC9110-13.1.2-1", "RFC9110-13.1.2-3", "RFC9110-13.1.2-4", "RFC9110-13.1.2-i1"),
    rfc(9110, "8.8.3.2", "RFC9110-8.8.3.2-i2"),
    needs=NEEDS,
)
@each(
    tags=[
        labelled("same", "{ETag}"),
        labelled("weak", "W/{ETag}"),
        labelled("list", '"x", {ETag}, W/"y"'),
        labelled("comma-in-tag", '"a, b", {ETag}'),
        labelled("two-lines", '"x"\r\nIf-None-Match: {ETag}'),
        labelled("any", "*"),
    ]
)
def test_none_match(wire: Any, tags: str) -> None:
    wire.send(get(FILE)).expect(200).keep("ETag")
    wire.send(get(FILE, if_none_match=tags)).expect(304, body=b"")
    wire.send(get(FILE, method="HEAD", if_none_match=tags)).expect(304, body=b"").expect_alive()


@must(
    "http1.none-match.other-200",
    "When If-None-Match names other tags only, the content is sent.",
    rfc(9110, "13.1.2", "RFC9110-13.1.2-3"),
    needs=NEEDS,
)
@each(
    tags=[labelled("other", '"x"'), labelled("weak", 'W/"x"'), labelled("inside", '"x{ETag}'), labelled("empty", '""')]
)
def test_none_match_other(wire: Any, tags: str) -> None:
    wire.send(get(FILE)).expect(200).keep("ETag")
    wire.send(get(FILE, if_none_match=tags)).expect(200, body=...).expect_alive()


@must(
    "http1.none-match.over-modified-since",
    "If-Modified-Since is not looked at beside If-None-Match.",
    rfc(9110, "13.1.3", "RFC9110-13.1.3-1"),
    needs=NEEDS,
)
@each(
    fields=[
        labelled("tag-differs", ({"if_none_match": '"x"', "if_modified_since": MODIFIED}, 200)),
        labelled("date-differs", ({"if_none_match": "*", "if_modified_since": BEFORE}, 304)),
    ]
)
def test_none_match_wins(wire: Any, fields: tuple[dict[str, str], int]) -> None:
    wire.send(get(FILE, **fields[0])).expect(fields[1]).expect_alive()


# -- If-Modified-Since ------------------------------------------------------------------------------------------------


@should(
    "http1.modified-since.decides",
    "What was not modified since the date is answered with 304, what was is sent.",
    rfc(9110, "13.1.3", "RFC9110-13.1.3-5", "RFC9110-13.1.3-6"),
    needs=NEEDS,
)
@each(since=[labelled("same", (MODIFIED, 304)), labelled("behind", (BEHIND, 304)), labelled("before", (BEFORE, 200))])
def test_modified_since(wire: Any, since: tuple[str, int]) -> None:
    wire.send(get(FILE, if_modified_since=since[0])).expect(since[1])
    wire.send(get(FILE, method="HEAD", if_modified_since=since[0])).expect(since[1], body=b"").expect_alive()


@must(
    "http1.modified-since.formats",
    "A date is read in all three formats; two digits of a year are not taken for one far in the future.",
    rfc(9110, "5.6.7", "RFC9110-5.6.7-1", "RFC9110-5.6.7-4"),
    needs=NEEDS,
)
@each(
    since=[
        labelled("imf-fixdate", (MODIFIED, 304)),
        labelled("rfc850", (MODIFIED_850, 304)),
        labelled("asctime", (MODIFIED_ASCTIME, 304)),
        labelled("rfc850-before", ("Friday, 31-Dec-21 23:59:59 GMT", 200)),
        labelled("rfc850-last-century", ("Thursday, 31-Dec-99 23:59:59 GMT", 200)),
        labelled("asctime-before", ("Fri Dec 31 23:59:59 2021", 200)),
    ]
)
def test_date_formats(wire: Any, since: tuple[str, int]) -> None:
    wire.send(get(FILE, if_modified_since=since[0])).expect(since[1]).expect_alive()


@must(
    "http1.modified-since.ignored",
    "If-Modified-Since that is no single date is ignored.",
    rfc(9110, "13.1.3", "RFC9110-13.1.3-2"),
    needs=NEEDS,
)
@each(
    since=[
        labelled("word", "yesterday"),
        labelled("empty", ""),
        labelled("number", "1640995200"),
        labelled("two-dates", f"{MODIFIED}, {BEHIND}"),
        labelled("two-lines", f"{MODIFIED}\r\nIf-Modified-Since: {BEHIND}"),
        labelled("no-such-day", "Sat, 31 Feb 2032 00:00:00 GMT"),
        labelled("trailing", f"{MODIFIED}x"),
    ]
)
def test_modified_since_ignored(wire: Any, since: str) -> None:
    wire.send(get(FILE, if_modified_since=since)).expect(200, body=...).expect_alive()


@must(
    "http1.modified-since.other-methods",
    "If-Modified-Since is ignored when the method is neither GET nor HEAD, or the resource has no such date.",
    rfc(9110, "13.1.3", "RFC9110-13.1.3-2", "RFC9110-13.1.3-3"),
)
@each(method=["GET", "HEAD", "POST", "PUT"])
def test_modified_since_method(wire: Any, method: str) -> None:
    wire.send(get("/echo", method=method, if_modified_since=BEHIND, content_length="0")).expect(200).expect_alive()


# -- If-Match and If-Unmodified-Since ---------------------------------------------------------------------------------


@must(
    "http1.match.other-412",
    "When If-Match does not name the tag, compared strongly, nothing is done and the answer is 412.",
    rfc(9110, "13.1.1", "RFC9110-13.1.1-1", "RFC9110-13.1.1-2", "RFC9110-13.1.1-3"),
    rfc(9110, "8.8.3.2", "RFC9110-8.8.3.2-i1"),
    needs=NEEDS,
)
@each(tags=[labelled("other", '"x"'), labelled("weak", "W/{ETag}"), labelled("list", '"x", W/{ETag}, "y"')])
def test_match_other(wire: Any, tags: str) -> None:
    wire.send(get(FILE)).expect(200).keep("ETag")
    wire.send(get(FILE, if_match=tags)).expect(412).expect_in_step()


@must(
    "http1.match.same",
    "When If-Match names the tag or any tag, the request is carried out.",
    rfc(9110, "13.1.1", "RFC9110-13.1.1-1", "RFC9110-13.1.1-i1"),
    needs=NEEDS,
)
@each(tags=[labelled("same", "{ETag}"), labelled("list", '"x", {ETag}'), labelled("any", "*")])
def test_match_same(wire: Any, tags: str) -> None:
    wire.send(get(FILE)).expect(200).keep("ETag")
    wire.send(get(FILE, if_match=tags)).expect(200, body=...).expect_alive()


@must(
    "http1.unmodified-since.decides",
    "What was modified since the date is answered with 412, what was not is sent.",
    rfc(9110, "13.1.4", "RFC9110-13.1.4-5", "RFC9110-13.1.4-6"),
    needs=NEEDS,
)
@each(since=[labelled("same", (MODIFIED, 200)), labelled("behind", (BEHIND, 200)), labelled("before", (BEFORE, 412))])
def test_unmodified_since(wire: Any, since: tuple[str, int]) -> None:
    wire.send(get(FILE, if_unmodified_since=since[0])).expect(since[1]).expect_in_step()


@must(
    "http1.unmodified-since.ignored",
    "If-Unmodified-Since is ignored beside If-Match, and when it is no single date.",
    rfc(9110, "13.1.4", "RFC9110-13.1.4-1", "RFC9110-13.1.4-2"),
    needs=NEEDS,
)
@each(
    fields=[
        labelled("with-match", {"if_match": "*", "if_unmodified_since": BEFORE}),
        labelled("word", {"if_unmodified_since": "yesterday"}),
        labelled("two-dates", {"if_unmodified_since": f"{BEFORE}, {BEFORE}"}),
    ]
)
def test_unmodified_since_ignored(wire: Any, fields: dict[str, str]) -> None:
    wire.send(get(FILE, **fields)).expect(200, body=...).expect_alive()


@must(
    "http1.unmodified-since.no-date",
    "If-Unmodified-Since is ignored where the resource has no such date.",
    rfc(9110, "13.1.4", "RFC9110-13.1.4-3"),
)
@each(method=["GET", "POST"])
def test_unmodified_since_no_date(wire: Any, method: str) -> None:
    data = get("/echo", method=method, if_unmodified_since=BEFORE, content_length="0")
    wire.send(data).expect_echo(method=method).expect_alive()


# -- all together -----------------------------------------------------------------------------------------------------


@must(
    "http1.conditions.order",
    "If-Match is decided before If-None-Match, tags before dates, and 412 comes before 304.",
    rfc(9110, "13.2", "RFC9110-13.2.1-1", "RFC9110-13.2.2-1"),
    needs=NEEDS,
)
@each(
    fields=[
        labelled("match-fails", ({"if_match": '"x"', "if_none_match": "*"}, 412)),
        labelled("match-holds", ({"if_match": "*", "if_none_match": "*"}, 304)),
        labelled("unmodified-fails", ({"if_unmodified_since": BEFORE, "if_none_match": "*"}, 412)),
        labelled("unmodified-holds", ({"if_unmodified_since": BEHIND, "if_modified_since": BEHIND}, 304)),
        labelled("all-hold", ({"if_match": "*", "if_none_match": '"x"', "if_modified_since": BEHIND}, 200)),
    ]
)
def test_order(wire: Any, fields: tuple[dict[str, str], int]) -> None:
    wire.send(get(FILE, **fields[0])).expect(fields[1]).expect_in_step()


@must(
    "http1.conditions.success-only",
    "Conditions are ignored where the answer without them would be neither a success nor 412.",
    rfc(9110, "13.2.1", "RFC9110-13.2.1-2"),
)
@each(field=["if_match", "if_none_match"])
def test_success_only(wire: Any, field: str) -> None:
    tags = {field: "*" if field == "if_none_match" else '"x"'}
    wire.send(get("/nowhere", **tags)).expect(404)
    wire.send(get(answer(status=302, headers=[["Location", "/echo"]]), **tags)).expect(302)
    wire.send(get("/error", **tags)).expect(500).expect_in_step()


@must(
    "http1.conditions.methods",
    "Conditions are ignored with a method that neither selects nor changes a representation.",
    rfc(9110, "13.2.1", "RFC9110-13.2.1-4"),
)
@each(
    fields=[{"if_match": '"x"'}, {"if_none_match": "*"}, {"if_modified_since": BEHIND}, {"if_unmodified_since": BEFORE}]
)
def test_methods(wire: Any, fields: dict[str, str]) -> None:
    data = post("/echo", b"", method="OPTIONS", **fields)
    wire.send(data).expect_echo(method="OPTIONS").expect_alive()


# -- the 304 answer ---------------------------------------------------------------------------------------------------


@must(
    "http1.not-modified.fields",
    "A 304 carries the Date, ETag, Cache-Control, Content-Location, Expires and Vary that the 200 would carry.",
    rfc(9110, "15.4.5", "RFC9110-15.4.5-1"),
    needs=NEEDS,
)
@each(name=["ETag", "Cache-Control", "Content-Location", "Expires", "Vary"])
def test_not_modified_fields(wire: Any, name: str) -> None:
    values = {"Cache-Control": "max-age=9", "Content-Location": "/a", "Expires": BEHIND, "Vary": "X-A"}
    target = FILE if name == "ETag" else answer(body="abc", headers=[[name, values[name]]])
    wire.send(get(target)).expect(200).keep(name)
    wire.send(get(target, if_none_match="*")).expect_one_of(
        {"status": 304, "header": {"Date": ..., name: f"{{{name}}}"}},
        {"status": 200, "header": {"ETag": None}},
        why="an answer without ETag is always sent again",
    ).expect_alive()


@should(
    "http1.not-modified.no-more",
    "A 304 carries nothing about a content that it does not have.",
    rfc(9110, "15.4.5", "RFC9110-15.4.5-2"),
    needs=NEEDS,
)
@each(method=["GET", "HEAD"])
def test_not_modified_no_more(wire: Any, method: str) -> None:
    wanted = {"Content-Type": None, "Content-Encoding": None, "Content-Language": None, "Content-Range": None}
    wire.send(get(FILE, method=method, if_none_match="*")).expect(304, header=wanted).expect_alive()


@must(
    "http1.not-modified.length",
    "A Content-Length of a 304 is the one that the 200 would carry.",
    rfc(9110, "8.6", "RFC9110-8.6-4"),
    needs=NEEDS,
)
@each(method=["GET", "HEAD"])
def test_not_modified_length(wire: Any, method: str) -> None:
    wanted = {"Content-Length": Maybe("1000"), "Transfer-Encoding": None}
    wire.send(get(FILE, method=method, if_none_match="*")).expect(304, header=wanted).expect_alive()
