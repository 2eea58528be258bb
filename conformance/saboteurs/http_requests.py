"""Servers that read requests too freely, or too strictly. Most are one substitution before a strict parser.

A server that repairs what it should refuse looks from outside like a strict one behind a filter that repairs; so these
lies are told by such a filter.
"""

from __future__ import annotations

import re

from conformance.saboteurs import Tamper
from conformance.saboteurs.rewriting import Lies

_lies = Lies("http.requests")


_lies.reads(
    "method-delimiters", "Delimiters in a method are skipped.", rb"\AGE\(T ", b"GET ", "http1.method.not-a-token"
)

_lies.reads(
    "method-upper-cased",
    "Methods are compared without case.",
    rb"\A[a-z]+ ",
    lambda found: found[0].upper(),
    "http1.method.case-sensitive",
)

_lies.reads(
    "method-defaults-to-get", "Unknown methods are served as GET.", rb"\ABREW ", b"GET ", "http1.method.unknown-501"
)

_lies.reads(
    "spaces-collapsed",
    "Several spaces in the request line count as one.",
    rb"\A([A-Z]+)  +(?=/)",
    rb"\1 ",
    "http1.request-line.one-space",
)

_lies.reads(
    "version-without-case", "The version has no case.", rb"\A(GET \S+) http/", rb"\1 HTTP/", "http1.version.syntax"
)

_lies.reads(
    "any-major-version",
    "Every major version is served as 1.1.",
    rb"\A(GET \S+ HTTP/)[023456789]\.\d",
    rb"\g<1>1.1",
    "http1.version.other-major",
)

_lies.reads(
    "only-known-minor-versions",
    "Minor versions above 1 are refused.",
    rb"\A(GET \S+ HTTP/)1\.[2-9]",
    rb"\g<1>7.7",
    "http1.version.higher-minor",
)

_lies.reads(
    "empty-line-is-a-request",
    "An empty line before the request line is taken for the line.",
    rb"\A\r\n",
    b"?\r\n",
    "http1.request-line.leading-empty-line",
)

_lies.reads(
    "nonsense-skipped",
    "What is no request is skipped up to the next empty line.",
    rb"\ANONSENSE\r\n\r\n",
    b"",
    "http1.request-line.nonsense",
)

_lies.reads(
    "bare-cr-dropped",
    "A bare CR is dropped wherever it stands.",
    rb"\r(?!\n)",
    b"",
    "http1.target.bare-cr",
    "http1.field.bare-cr",
)

_lies.reads(
    "bare-cr-ends-line", "A bare CR ends a line.", rb"\r(?!\n)", b"\r\n", "http1.target.bare-cr", "http1.field.bare-cr"
)

_lies.reads(
    "control-bytes-encoded",
    "Control bytes in the target are percent-encoded and the request served.",
    rb"\A(GET [^\r\n ]*)\x7f",
    rb"\1%7F",
    "http1.target.invalid-bytes",
)

_lies.reads("slash-added", "A target without a slash gets one.", rb"\AGET (?=[a-z]+ )", b"GET /", "http1.target.form")

_lies.reads(
    "absolute-form-refused",
    "A whole URI is refused as the target.",
    rb"\AGET (?=(?i:http)://example)",
    b"GET |",
    "http1.target.absolute-form",
)

_lies.reads(
    "host-in-uri-defaulted",
    "A URI without a host gets a default one.",
    rb"\AGET http://(?::80)?/",
    b"GET http://localhost/",
    "http1.target.no-host-in-uri",
)

_lies.reads("userinfo-dropped", "A user's name in a target is dropped.", rb"//[a-z:]+@", b"//", "http1.target.userinfo")

_lies.reads(
    "asterisk-refused", "OPTIONS * is a syntax error.", rb"\AOPTIONS \* ", b"OPTIONS ** ", "http1.target.asterisk"
)

_lies.reads(
    "schemes-alike",
    "The scheme of a target is not looked at.",
    rb"\AGET https:",
    b"GET http:",
    "http1.target.https-in-the-clear",
)

_lies.reads(
    "connect-served",
    "CONNECT to a path is served like GET.",
    rb"\ACONNECT /",
    b"GET /",
    "http1.target.connect-authority",
)

_lies.reads(
    "short-request-lines",
    "Request lines are limited to 4000 octets.",
    rb"\AGET /echo\?a{4000,8000} ",
    b"GET /" + b"a" * 100_000 + b" ",
    "http1.target.length-8000",
)

_lies.sends(
    "long-target-is-400",
    "A target that is too long is answered with 400.",
    rb"\AHTTP/1\.1 414 [^\r]*",
    b"HTTP/1.1 400 Bad Request",
    "http1.target.too-long-414",
)

_lies.reads(
    "host-defaulted",
    "A missing Host is filled in.",
    rb"\A(GET \S+ HTTP/1\.1\r\n)(?=Accept: )",
    rb"\1Host: localhost\r\n",
    "http1.host.missing",
)

_lies.reads(
    "first-host-wins",
    "Of several Host lines the first is used.",
    rb"(\r\nHost: [^\r]*)(?:\r\n[Hh]ost:[^\r]*)+",
    rb"\1",
    "http1.host.twice",
)

_lies.reads(
    "port-unchecked",
    "The port in Host is not looked at.",
    rb"(\r\nHost: [^\r:]*):\d*[a-z]\w*",
    rb"\1",
    "http1.host.invalid",
)

_lies.reads(
    "no-address-literals",
    "IPv6 addresses in Host are refused.",
    rb"\r\nHost: \[(?=::1\])",
    b"\r\nHost: <",
    "http1.host.valid",
)

_lies.reads(
    "host-in-http10",
    "HTTP/1.0 requests need a Host too.",
    rb" HTTP/1\.0\r\n\r\n",
    b" HTTP/1.1\r\n\r\n",
    "http1.host.optional-in-http10",
)

_lies.reads(
    "space-before-colon-dropped",
    "Whitespace between name and colon is dropped.",
    rb"(\r\n[A-Za-z-]+)[ \t]+:",
    rb"\1:",
    "http1.field.whitespace-before-colon",
)

_lies.reads(
    "field-names-filtered",
    "Characters that no name may hold are dropped from it.",
    rb"(\r\nFoo)/(Bar:)",
    rb"\1\2",
    "http1.field.name-is-token",
)

_lies.reads(
    "lines-without-colon-skipped",
    "A field line without a colon is skipped.",
    rb"\r\nFoo(?=\r\n\r\n)",
    b"",
    "http1.field.name-is-token",
)

_lies.reads(
    "names-with-case",
    "Field names are known in their usual spelling only.",
    rb"\r\n[a-z]+[A-Z][A-Za-z-]*:[^\r]*",
    b"",
    "http1.field.name-without-case",
)

_lies.reads(
    "values-in-ascii",
    "Octets above 127 in values become question marks.",
    rb"[\x80-\xff]",
    b"?",
    "http1.field.value-opaque",
)

_lies.reads(
    "first-line-dropped",
    "Of several lines with one name the last is kept.",
    rb"\r\nFoo: a(?=\r\nBar: x\r\nfoo: )",
    b"",
    "http1.field.order-of-lines",
)

_lies.reads("nul-dropped", "A NUL in a value is dropped.", rb"\x00", b"", "http1.field.nul")

_lies.reads("bare-lf-dropped", "A bare LF is dropped.", rb"(?<!\r)\n", b"", "http1.field.bare-lf")

_lies.reads(
    "folds-glued",
    "A folded line is glued to the one before without a space.",
    rb"[ \t]*\r\n[ \t]+",
    b"",
    "http1.field.folded-line",
    "http1.field.folded-length",
)

_lies.reads(
    "first-line-trimmed",
    "Whitespace before the first field is dropped and the field used.",
    rb"\A(GET [^\r]*\r\n)[ \t]+",
    rb"\1",
    "http1.field.whitespace-before-first",
)

_lies.reads(
    "look-alikes",
    "Values are compared as text without case, so a long s is an s.",
    rb"\xc5\xbf",
    b"s",
    "http1.field.octets-not-characters",
)

_lies.reads(
    "underscores",
    "Underscores in names are hyphens.",
    rb"\r\nContent_Length:",
    b"\r\nContent-Length:",
    "http1.field.underscore",
)


class _EndCompletesHead(Tamper):
    def inbound(self, data: bytes) -> bytes:
        complete = not re.match(rb"[A-Z]+ /\S* HTTP/1", data) or b"\r\n\r\n" in data or not data.endswith(b"\r\n")
        return data if complete else data + b"\r\n"


_lies.tampers(
    "end-completes-head",
    "A head that breaks off is taken as complete.",
    _EndCompletesHead,
    "http1.head.incomplete",
)

_lies.sends(
    "limits-answered-500",
    "Fields beyond a limit are answered with 500.",
    rb"\AHTTP/1\.1 431 [^\r]*",
    b"HTTP/1.1 500 Internal Server Error",
    "http1.limit.long-field",
    "http1.limit.many-fields",
)


class _LimitsInSilence(Tamper):
    silent = False

    def outbound(self, data: bytes) -> bytes:
        self.silent = self.silent or data.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 414 "))
        return b"" if self.silent else data


_lies.tampers(
    "limits-in-silence",
    "Beyond a limit the connection is closed without an answer.",
    _LimitsInSilence,
    "http1.limit.long-field",
    "http1.limit.many-fields",
    "http1.target.too-long-414",
)


class _RefusesInSilence(Tamper):
    silent = False

    def outbound(self, data: bytes) -> bytes:
        self.silent = self.silent or data.startswith(b"HTTP/1.1 400 ")
        return b"" if self.silent else data


_lies.tampers(
    "refuses-in-silence",
    "Faulty requests are never answered, only cut off.",
    _RefusesInSilence,
    "http1.host.missing",
    "http1.host.twice",
    "http1.host.invalid",
    "http1.field.whitespace-before-colon",
)

_lies.reads(
    "authority-of-target-ignored",
    "The authority of an absolute target is thrown away, so that the Host field says which host is meant.",
    rb"\A([A-Z]+) http://one\.test/",
    rb"\1 /",
    "http1.target.authority-is-the-host",
)

_lies.answers(
    "empty-lines-are-an-error",
    "Many empty lines before a request are an error of the server.",
    rb"\A(?:\r\n){9}",
    rb" 400 Bad Request",
    b" 500 Internal Server Error",
    "http1.request-line.many-empty-lines",
)

_lies.reads(
    "octets-in-target-encoded",
    "Octets above 127 in the target are percent-encoded on the way to the application.",
    rb"[\x80-\xff]",
    lambda found: b"%%%02X" % found[0][0],
    "http1.target.octets-above-127",
)

_lies.answers(
    "cookies-are-an-error",
    "A strange Cookie field is an error of the server.",
    rb"Cookie: a=",
    rb" (?:200 OK|400 Bad Request)",
    b" 500 Internal Server Error",
    "http1.field.cookie",
)

_lies.reads(
    "blank-line-ends-head",
    "A line of nothing but whitespace ends the header section.",
    rb"\r\n[ \t]\r\n",
    b"\r\n\r\n",
    "http1.field.blank-fold",
)
