"""Ranges: a part of the content

Range asks for some octets of a resource. A server may always send all of them, with 200; one that sends a part says
206, which part in Content-Range, and everything about the whole that a client needs to put parts together. A range
behind the end is answered with 416, which says how long the content is.

If-Range makes the wish depend on the part still fitting to what the client has; with another tag, or a weak one, the
whole comes. A unit or a method that knows no ranges makes the field as if it were not there. Numbers may be longer than
any integer.

A server that ignores all ranges passes this chapter; each case then notes that the whole was sent.
"""

from __future__ import annotations

import re
from typing import Any

from conformance import each, labelled, must, rfc, should
from conformance.wire.http import get, post

FILE = "/resource.txt"
CONTENT = b"0123456789" * 100
WHOLE: dict[str, Any] = {"status": 200, "header": {"Content-Range": None}, "body": CONTENT}
WHY = "the whole is sent; ranges are not supported"


def part(first: int, last: int) -> dict[str, Any]:
    """Return what an answer with the octets from ``first`` to ``last`` must look like."""
    wanted = {"Content-Range": f"bytes {first}-{last}/1000"}
    return {"status": 206, "header": wanted, "body": CONTENT[first : last + 1], "wellformed": True}


def unsatisfied() -> dict[str, Any]:
    """Return what the refusal of a range behind the end must look like."""
    return {"status": 416, "header": {"Content-Range": "bytes */1000"}}


# -- one range --------------------------------------------------------------------------------------------------------


@must(
    "http1.range.one",
    "A single range is answered with exactly these octets and a Content-Range that names them, not as a multipart.",
    rfc(9110, "14.2", "RFC9110-14.2-9"),
    rfc(9110, "14.1.2", "RFC9110-14.1.2-i1", "RFC9110-14.1.2-i2", "RFC9110-14.1.2-i3"),
    rfc(9110, "15.3.7", "RFC9110-15.3.7.1-1", "RFC9110-15.3.7.2-6", "RFC9110-14.4-4"),
)
@each(
    row=[
        labelled("first", ("bytes=0-4", 0, 4)),
        labelled("one-octet", ("bytes=7-7", 7, 7)),
        labelled("from", ("bytes=995-", 995, 999)),
        labelled("suffix", ("bytes=-5", 995, 999)),
        labelled("beyond-the-end", ("bytes=990-5000", 990, 999)),
        labelled("suffix-longer-than-all", ("bytes=-5000", 0, 999)),
        labelled("last-octet", ("bytes=999-", 999, 999)),
        labelled("leading-zeros", ("bytes=0005-0009", 5, 9)),
    ]
)
def test_one(wire: Any, row: tuple[str, int, int]) -> None:
    wanted, first, last = row
    wire.send(get(FILE, range=wanted)).expect_one_of(part(first, last), WHOLE, why=WHY).expect_alive()


@should(
    "http1.range.unsatisfiable-416",
    "A range that lies behind the end is answered with 416, which names the length.",
    rfc(9110, "14.2", "RFC9110-14.2-10", "RFC9110-14.1.2-i3", "RFC9110-14.1.2-i4"),
    rfc(9110, "15.5.17", "RFC9110-15.5.17-1", "RFC9110-14.4-6"),
)
@each(wanted=["bytes=1000-", "bytes=1000-1001", "bytes=5000-6000", "bytes=-0"])
def test_unsatisfiable(wire: Any, wanted: str) -> None:
    wire.send(get(FILE, range=wanted)).expect_one_of(unsatisfied(), WHOLE, why=WHY).expect_in_step()


@must(
    "http1.range.large-numbers",
    "Numbers of any length are read for what they are.",
    rfc(9110, "14.1.2", "RFC9110-14.1.2-1"),
)
@each(
    row=[
        labelled("last", ("bytes=990-18446744073709551616", part(990, 999))),
        labelled("suffix", ("bytes=-18446744073709551621", part(0, 999))),
        labelled("first", ("bytes=18446744073709551616-", unsatisfied())),
        labelled("thousands-of-digits", ("bytes=" + "9" * 5000 + "-", unsatisfied())),
    ]
)
def test_large_numbers(wire: Any, row: tuple[str, dict[str, Any]]) -> None:
    wanted, best = row
    wire.send(get(FILE, range=wanted)).expect_one_of(best, WHOLE, {"status": (400, 416)}, why=WHY).expect_in_step()


@must(
    "http1.range.invalid",
    "What is no range, one that ends before it begins included, is ignored or refused; no part is guessed.",
    rfc(9110, "14.1.1", "RFC9110-14.1.1-i1"),
    rfc(9110, "14.2"),
)
@each(
    wanted=[
        "bytes=5-4",
        "bytes=a-b",
        labelled("nothing", "bytes="),
        labelled("no-unit", "0-4"),
        labelled("no-sign", "bytes 0-4"),
        "bytes=0--4",
        labelled("plus", "bytes=+1-4"),
        "bytes=0x0-4",
        "bytes=1_0-20",
        labelled("no-number", "bytes=-"),
    ]
)
def test_invalid(wire: Any, wanted: str) -> None:
    wire.send(get(FILE, range=wanted)).expect_one_of(
        WHOLE, {"status": (400, 416)}, why="a faulty Range is refused, not ignored"
    ).expect_in_step()


@should(
    "http1.range.inner-space",
    "Whitespace within a range makes it invalid; a server that reads over it sends the range that was meant.",
    rfc(9110, "14.1.1"),
    rfc(9110, "2.4"),
)
@each(wanted=[labelled("before", "bytes=0 -4"), labelled("behind", "bytes=0- 4")])
def test_inner_space(wire: Any, wanted: str) -> None:
    wire.send(get(FILE, range=wanted)).expect_one_of(
        WHOLE, {"status": (400, 416)}, part(0, 4), why="a faulty Range is refused or repaired, not ignored"
    ).expect_in_step()


@must(
    "http1.range.unknown-unit",
    "A Range in a unit that the server does not know is ignored.",
    rfc(9110, "14.2", "RFC9110-14.2-3"),
)
@each(wanted=["lines=0-4", "byte=0-4", "bytes2=0-4", "none=0-4"])
def test_unknown_unit(wire: Any, wanted: str) -> None:
    wire.send(get(FILE, range=wanted)).expect(**WHOLE).expect_alive()


@must(
    "http1.range.only-get",
    "Range is ignored with any method but GET.",
    rfc(9110, "14.2", "RFC9110-14.2-2"),
)
@each(
    asked=[
        labelled("head", (get(FILE, method="HEAD", range="bytes=0-4"), b"")),
        labelled("post", (post("/echo", b"abc", range="bytes=0-4"), ...)),
    ]
)
def test_only_get(wire: Any, asked: tuple[bytes, Any]) -> None:
    wire.send(asked[0]).expect(200, header={"Content-Range": None}, body=asked[1]).expect_alive()


# -- several ranges ---------------------------------------------------------------------------------------------------


def multipart(*ranges: tuple[int, int]) -> dict[str, Any]:
    """Return what an answer with several parts must look like, in this order."""
    line = rb"(?:[^\r\n:]+:[^\r\n]*\r\n)"
    one = rb"--\1\r\n" + line + rb"*?(?i:content-range): bytes %d-%d/1000\r\n" + line + rb"*\r\n%s\r\n"
    parts = b"".join(one % (first, last, CONTENT[first : last + 1]) for first, last in ranges)
    body = re.compile(rb"(?:\r\n)?(?=--([^\r\n]+)\r\n)" + parts + rb"--\1--(?:\r\n)?")
    wanted = {"Content-Range": None, "Content-Type": re.compile(r"multipart/byteranges; ?boundary=.+")}
    return {"status": 206, "header": wanted, "body": body}


@must(
    "http1.range.several",
    "Several ranges come as a multipart whose parts name their own range, in the order asked for; or the whole comes.",
    rfc(9110, "15.3.7.2", "RFC9110-15.3.7.2-1", "RFC9110-15.3.7.2-2", "RFC9110-15.3.7.2-3", "RFC9110-15.3.7.2-9"),
    rfc(9110, "8.3.3", "RFC9110-8.3.3-1"),
)
@each(
    row=[
        labelled("two", ("bytes=0-4,500-501", [(0, 4), (500, 501)])),
        labelled("backwards", ("bytes=500-501, 0-4", [(500, 501), (0, 4)])),
        labelled("one-unsatisfiable", ("bytes=0-4,-3,5000-", [(0, 4), (997, 999)])),
    ]
)
def test_several(wire: Any, row: tuple[str, list[tuple[int, int]]]) -> None:
    wanted, ranges = row
    wire.send(get(FILE, range=wanted)).expect_one_of(multipart(*ranges), WHOLE, why=WHY).expect_alive()


@should(
    "http1.range.parts-keep-type",
    "Each part of a multipart has the Content-Type that the whole would have.",
    rfc(9110, "15.3.7.2", "RFC9110-15.3.7.2-4"),
)
@each(wanted=["bytes=0-4,500-501"])
def test_parts_keep_type(wire: Any, wanted: str) -> None:
    typed = re.compile(rb"(?is)(?:.*?\r\ncontent-type: text/plain){2}.*")
    best = {"status": 206, "body": typed}
    wire.send(get(FILE, range=wanted)).expect_one_of(best, WHOLE, why=WHY).expect_alive()


@must(
    "http1.range.many",
    "Hundreds of tiny ranges cost no more than the whole, and are no error of the server.",
    rfc(9110, "14.2", "RFC9110-14.2-9"),
)
@each(count=[500])
def test_many(wire: Any, count: int) -> None:
    data = get(FILE, range="bytes=" + ",".join(f"{place}-{place}" for place in range(0, 2 * count, 2)))
    wire.send(data).expect((200, 206), also=(400, 416)).expect_in_step()


# -- If-Range ---------------------------------------------------------------------------------------------------------


@must(
    "http1.if-range.differs",
    "When If-Range does not name the strong tag or the date, Range is ignored and the whole is sent.",
    rfc(9110, "13.1.5", "RFC9110-13.1.5-6", "RFC9110-13.1.5-7"),
)
@each(
    validator=[
        labelled("other", '"x"'),
        labelled("weak", "W/{ETag}"),
        labelled("date-before", "Fri, 31 Dec 2021 23:59:59 GMT"),
        labelled("date-behind", "Sat, 01 Jan 2022 00:00:01 GMT"),
    ]
)
def test_if_range_differs(wire: Any, validator: str) -> None:
    wire.send(get(FILE)).expect(200).keep("ETag", absent='"x"')
    wire.send(get(FILE, range="bytes=0-4", if_range=validator)).expect(**WHOLE).expect_alive()


@should(
    "http1.if-range.same",
    "When If-Range names the strong tag or the date, the range is sent.",
    rfc(9110, "13.1.5", "RFC9110-13.1.5-8"),
)
@each(validator=[labelled("tag", "{ETag}"), labelled("date", "Sat, 01 Jan 2022 00:00:00 GMT")])
def test_if_range_same(wire: Any, validator: str) -> None:
    wire.send(get(FILE)).expect(200).keep("ETag", absent='"x"')
    data = get(FILE, range="bytes=0-4", if_range=validator)
    wire.send(data).expect_one_of(part(0, 4), WHOLE, why=WHY).expect_alive()


@must(
    "http1.if-range.alone",
    "If-Range is ignored without Range, and where ranges are not supported.",
    rfc(9110, "13.1.5", "RFC9110-13.1.5-2", "RFC9110-13.1.5-3"),
)
@each(validator=['"x"', labelled("date", "Sat, 01 Jan 2022 00:00:00 GMT")])
def test_if_range_alone(wire: Any, validator: str) -> None:
    wire.send(get(FILE, if_range=validator)).expect(**WHOLE)
    wire.send(get("/echo", range="bytes=0-4", if_range=validator)).expect_echo(method="GET").expect_alive()


# -- the 206 answer ---------------------------------------------------------------------------------------------------


@must(
    "http1.range.fields",
    "A part carries the Date, the tag and all else about the whole that the 200 carries.",
    rfc(9110, "15.3.7", "RFC9110-15.3.7-2", "RFC9110-15.3.7-4"),
    needs=("validators",),
)
@each(name=["ETag", "Last-Modified", "Content-Type"])
def test_fields(wire: Any, name: str) -> None:
    wire.send(get(FILE)).expect(200).keep(name)
    best = {"status": 206, "header": {"Date": ..., name: f"{{{name}}}"}}
    wire.send(get(FILE, range="bytes=0-4")).expect_one_of(best, WHOLE, why=WHY).expect_alive()


@should(
    "http1.range.fields-after-if-range",
    "A part that was asked for with If-Range repeats no more about the whole than it has to.",
    rfc(9110, "15.3.7", "RFC9110-15.3.7-3"),
)
@each(validator=[labelled("tag", "{ETag}")])
def test_fields_after_if_range(wire: Any, validator: str) -> None:
    wire.send(get(FILE)).expect(200).keep("ETag", absent='"x"')
    best = {"status": 206, "header": {"ETag": "{ETag}", "Last-Modified": None, "Content-Language": None}}
    data = get(FILE, range="bytes=0-4", if_range=validator)
    wire.send(data).expect_one_of(best, WHOLE, why=WHY).expect_alive()
