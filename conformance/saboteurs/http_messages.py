"""Servers whose answers break the rules, or that keep connections they should end, or end those they should keep."""

from __future__ import annotations

import re

from conformance.saboteurs import Tamper
from conformance.saboteurs.rewriting import Lies, Remembering

_lies = Lies("http.messages")

_lies.sends(
    "reason-without-space",
    "Without a reason phrase the status line ends with the code.",
    rb"(HTTP/1\.1 \d\d\d) [A-Z][^\r]*",
    rb"\1",
    "http1.response.grammar",
    "http1.response.grammar-of-errors",
)

_lies.sends("date-twice", "Date is sent twice.", rb"\r\nDate: [^\r]*", rb"\g<0>\g<0>", "http1.response.grammar")

_lies.sends("old-version", "Answers carry version 1.0.", rb"HTTP/1\.1 200", b"HTTP/1.0 200", "http1.response.version")

_lies.sends("no-date", "Answers carry no Date.", rb"\r\nDate: [^\r]*", b"", "http1.response.date")

_lies.sends("date-in-local-time", "Date is not in GMT.", rb"(\r\nDate: [^\r]*) GMT", rb"\1 CET", "http1.response.date")

_lies.sends("no-allow", "A 405 answer carries no Allow.", rb"\r\nAllow: [^\r]*", b"", "http1.response.allow")


class _SilentErrors(Tamper):
    def outbound(self, data: bytes) -> bytes:
        if not data.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 500 ")):
            return data
        head = data.partition(b"\r\n\r\n")[0]
        return re.sub(rb"Content-Length: \d+", b"Content-Length: 0", head) + b"\r\n\r\n"


_lies.tampers("errors-unexplained", "Error answers have no body.", _SilentErrors, "http1.response.explains-errors")

_lies.sends(
    "length-counts-one-more",
    "Content-Length counts an octet that does not come.",
    rb"Content-Length: 1\r",
    b"Content-Length: 2\r",
    "http1.response.length-known",
)

_lies.sends(
    "length-beside-chunks",
    "Streamed answers carry a guessed Content-Length as well.",
    rb"(?<=\r\n)Transfer-Encoding: chunked\r\n",
    rb"\g<0>Content-Length: 3\r\n",
    "http1.response.streamed",
)

_lies.reads(
    "chunks-for-http10",
    "Streamed answers are chunked for HTTP/1.0 too.",
    rb"\A(GET /answer\S+ HTTP/1)\.0",
    rb"\1.1",
    "http1.response.streamed-to-http10",
)


class _BodyForHead(Remembering):
    def outbound(self, data: bytes) -> bytes:
        return data + b"x" if self.asked.startswith(b"HEAD ") else data


_lies.tampers("body-for-head", "HEAD is answered with a body.", _BodyForHead, "http1.response.head-without-body")


class _NoLengthForHead(Remembering):
    def outbound(self, data: bytes) -> bytes:
        return re.sub(rb"\r\nContent-Length: \d+", b"", data) if self.asked.startswith(b"HEAD ") else data


_lies.tampers(
    "head-without-length",
    "Answers to HEAD lack Content-Length.",
    _NoLengthForHead,
    "http1.response.head-same-fields",
)

_lies.sends(
    "length-of-no-content",
    "A 204 answer carries Content-Length.",
    rb"(HTTP/1\.1 204 [^\r]*\r\n)",
    rb"\1Content-Length: 0\r\n",
    "http1.response.no-content",
)

_lies.sends(
    "body-of-not-modified",
    "A 304 answer has a body.",
    rb"HTTP/1\.1 304 .*?\r\n\r\n",
    rb"\g<0>x",
    "http1.response.not-modified",
    "http1.pipeline.bodiless",
)

_lies.sends(
    "always-closing",
    "Every answer announces the end of the connection.",
    rb"HTTP/1\.1 [2-5]\d\d [^\r]*\r\n(?!.{,200}\r\nConnection:)",
    rb"\g<0>Connection: close\r\n",
    "http1.persist.default",
)

_lies.reads(
    "http10-persists",
    "HTTP/1.0 connections persist like those of 1.1.",
    rb"( HTTP/1\.0\r\n)(?!.*\r\nConnection:)",
    rb"\1Connection: keep-alive\r\n",
    "http1.persist.http10-closes",
)


class _PromisesKeepAlive(Tamper):
    def inbound(self, data: bytes) -> bytes:
        return re.sub(rb"(?i)(HTTP/1\.0\r\n.*)Connection: keep-alive\r\n", rb"\1", data, flags=re.DOTALL)

    def outbound(self, data: bytes) -> bytes:
        return data.replace(b"\r\nConnection: close", b"\r\nConnection: keep-alive")


_lies.tampers(
    "keep-alive-promised",
    "HTTP/1.0 clients are promised keep-alive, and the connection ends.",
    _PromisesKeepAlive,
    "http1.persist.http10-keep-alive",
)

_lies.reads(
    "close-only-alone",
    "The close option is known only as the whole value.",
    rb"Connection: (?:keep-alive, close|foo,close)",
    b"Connection: keep-alive",
    "http1.close.asked-for",
)

_lies.reads(
    "close-ignored",
    "A client's close option is ignored.",
    rb"Connection: [Cc]lose\r\n",
    b"",
    "http1.close.asked-for",
    "http1.close.ignores-the-rest",
    "http1.close.announced",
)

_lies.sends(
    "close-unannounced",
    "The server closes without saying so.",
    rb"\r\nConnection: close",
    b"",
    "http1.close.announced",
    "http1.close.announced-on-error",
)

_lies.sends(
    "answers-after-close",
    "Another answer follows the one that said close.",
    rb"\A.*\r\nConnection: close.*\Z",
    rb"\g<0>HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "http1.close.said-by-server",
    "http1.close.ignores-the-rest",
)

_lies.reads(
    "close-as-substring",
    "Every option that contains close closes.",
    rb"Connection: (?:closed|not-close)",
    b"Connection: close",
    "http1.close.option-is-a-word",
)


class _ClientNeverLeaves(Tamper):
    def closing(self, by_server: bool) -> bool:
        return by_server


_lies.tampers(
    "client-never-leaves",
    "That the client closed its side is not noticed.",
    _ClientNeverLeaves,
    "http1.close.client-left",
    "http1.close.half-closed",
)

_lies.reads(
    "answers-out-of-order",
    "Pipelined requests are answered in another order.",
    rb"GET /nowhere|GET /get-only",
    lambda found: b"GET /get-only" if b"nowhere" in found[0] else b"GET /nowhere",
    "http1.pipeline.order",
)

_lies.reads(
    "pipelined-swap",
    "Two neighbours in a pipeline are answered the wrong way round.",
    rb"(GET /echo\?7 )(.*?)(GET /echo\?8 )",
    rb"\3\2\1",
    "http1.pipeline.many",
)

_lies.reads(
    "faulty-length-ignored",
    "A Content-Length that is no number is ignored.",
    rb"Content-Length: x\r\n",
    b"",
    "http1.pipeline.behind-a-fault",
    "http1.response.grammar-of-errors",
    "http1.close.announced-on-error",
)

_lies.reads(
    "expect-ignored",
    "Expectations are ignored.",
    rb"\r\nExpect: [^\r]*",
    b"",
    "http1.continue.before-body",
    "http1.continue.before-chunks",
    "http1.continue.wellformed",
)

_lies.reads(
    "expect-with-case",
    "The expectation is known in lower case only.",
    rb"\r\nExpect: 100-Continue",
    b"",
    "http1.continue.before-body",
)

_lies.sends(
    "continue-with-length",
    "The 100 answer carries Content-Length.",
    rb"HTTP/1\.1 100 [^\r]*\r\n",
    rb"\g<0>Content-Length: 0\r\n",
    "http1.continue.wellformed",
)


class _ContinueForAll(Remembering):
    def outbound(self, data: bytes) -> bytes:
        expects = b"HTTP/1.0" in self.asked and b"Expect:" in self.asked
        return b"HTTP/1.1 100 Continue\r\n\r\n" + data if expects else data


_lies.tampers(
    "continue-in-http10", "HTTP/1.0 clients get 100 answers.", _ContinueForAll, "http1.continue.not-in-http10"
)


class _UpgradesToAnything(Remembering):
    def outbound(self, data: bytes) -> bytes:
        return data.replace(b" 200 OK", b" 101 Switching Protocols", 1) if b"Upgrade: foo/2" in self.asked else data


_lies.tampers(
    "upgrades-to-anything", "Every offered protocol is accepted.", _UpgradesToAnything, "http1.upgrade.unknown"
)

_lies.reads(
    "upgrade-in-http10",
    "HTTP/1.0 clients may upgrade.",
    rb"\A(GET /ws/echo HTTP/1)\.0",
    rb"\1.1",
    "http1.upgrade.not-in-http10",
)
