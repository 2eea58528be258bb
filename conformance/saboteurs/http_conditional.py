"""Servers that compare the wrong way, in the wrong order, or not at all."""

from __future__ import annotations

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.rewriting import Lies

_CHAPTER = "http.conditional"
_lies = Lies(_CHAPTER)

_lies.sends("no-tag", "Answers carry no ETag.", rb"(?i)\r\nETag: [^\r]*", b"", "http1.validator.sent")


@saboteur(
    "one-tag-for-all",
    "All contents have the same strong tag.",
    chapters=_CHAPTER,
    kills="http1.validator.strong-is-exact",
)
def _(ref: Patches) -> None:
    ref.replace(ref.web.RequestHandler, "compute_etag", lambda self: '"same"')


_lies.reads(
    "none-match-strongly",
    "If-None-Match compares strongly.",
    rb'If-None-Match: W/"',
    b'If-None-Match: "x',
    "http1.none-match.same-304",
)

_lies.reads(
    "none-match-first-only",
    "Only the first tag of If-None-Match is looked at.",
    rb'(If-None-Match: (?:W/)?"[^"]*"), [^\r]*',
    rb"\1",
    "http1.none-match.same-304",
)

_lies.reads(
    "none-match-any-tag",
    "Any tag in If-None-Match is good enough.",
    rb'If-None-Match: "x"',
    b"If-None-Match: *",
    "http1.none-match.other-200",
)

_lies.reads(
    "date-over-tag",
    "If-Modified-Since is decided when If-None-Match does not match.",
    rb'If-None-Match: "x"\r\n(?=If-Modified)',
    b"",
    "http1.none-match.over-modified-since",
)

_lies.reads(
    "modified-since-ignored",
    "If-Modified-Since is never looked at.",
    rb"If-Modified-Since: [^\r]*\r\n",
    b"",
    "http1.modified-since.decides",
)

_lies.reads(
    "old-dates-unread",
    "Dates are read in the newest format only.",
    rb"If-Modified-Since: \w+day, [^\r]*",
    b"If-Modified-Since: unknown",
    "http1.modified-since.formats",
)

_lies.reads(
    "years-up-to-2099",
    "Two digits of a year are always of this century.",
    rb"(If-Modified-Since: )Thursday, 31-Dec-99",
    rb"\1Thursday, 31-Dec-40",
    "http1.modified-since.formats",
)

_lies.reads(
    "no-date-is-now",
    "A condition that is no date is read as the present.",
    rb"If-Modified-Since: yesterday",
    b"If-Modified-Since: Sun, 01 Nov 2026 00:00:00 GMT",
    "http1.modified-since.ignored",
)

_lies.answers(
    "not-modified-posts",
    "If-Modified-Since is decided for every method, and where there is no date.",
    rb"\A[A-Z]+ /echo .*?\r\nIf-Modified-Since: ",
    rb" 200 OK",
    b" 304 Not Modified",
    "http1.modified-since.other-methods",
)

_lies.reads("match-ignored", "If-Match is never looked at.", rb"If-Match: [^\r]*\r\n", b"", "http1.match.other-412")

_lies.reads("match-weakly", "If-Match compares weakly.", rb'If-Match: W/"', b'If-Match: "', "http1.match.other-412")

_lies.reads(
    "match-any-unknown",
    "The asterisk in If-Match is a tag like others.",
    rb"If-Match: \*",
    b'If-Match: "*"',
    "http1.match.same",
)

_lies.reads(
    "unmodified-since-ignored",
    "If-Unmodified-Since is never looked at.",
    rb"If-Unmodified-Since: [^\r]*\r\n",
    b"",
    "http1.unmodified-since.decides",
)

_lies.reads(
    "no-date-is-the-past",
    "A condition that is no date is read as long ago.",
    rb"If-Unmodified-Since: yesterday",
    b"If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT",
    "http1.unmodified-since.ignored",
)

_lies.answers(
    "no-date-fails",
    "What has no date of modification fails every condition on one.",
    rb"\A[A-Z]+ /echo .*?\r\nIf-Unmodified-Since: ",
    rb" 200 OK",
    b" 412 Precondition Failed",
    "http1.unmodified-since.no-date",
)

_lies.reads(
    "none-match-before-match",
    "If-None-Match is decided first.",
    rb'If-Match: "x"\r\n(?=If-None)',
    b"",
    "http1.conditions.order",
)

_lies.answers(
    "conditions-before-all",
    "Conditions are decided before anybody knows whether there is such a resource.",
    rb"\r\nIf-(?:None-)?Match: ",
    rb" 404 Not Found",
    b" 412 Precondition Failed",
    "http1.conditions.success-only",
)

_lies.answers(
    "conditions-of-options",
    "Conditions are decided for OPTIONS.",
    rb"\AOPTIONS .*?\r\nIf-",
    rb" 200 OK",
    b" 412 Precondition Failed",
    "http1.conditions.methods",
)

_lies.sends(
    "not-modified-without-tag",
    "A 304 carries no ETag.",
    rb"(?i)\A(HTTP/1\.1 304 .*?)\r\nETag: [^\r]*",
    rb"\1",
    "http1.not-modified.fields",
)

_lies.sends(
    "not-modified-with-type",
    "A 304 carries a Content-Type.",
    rb"\A(HTTP/1\.1 304 [^\r]*\r\n)",
    rb"\1Content-Type: text/plain\r\n",
    "http1.not-modified.no-more",
)

_lies.sends(
    "not-modified-is-empty",
    "A 304 carries the length of its own content.",
    rb"\A(HTTP/1\.1 304 [^\r]*\r\n)",
    rb"\1Content-Length: 0\r\n",
    "http1.not-modified.length",
)
