"""Servers whose answers carry what they must not, lack what they must have, or switch protocols too early."""

from __future__ import annotations

import re

from conformance.saboteurs.rewriting import Lies, Remembering

_lies = Lies("http.answers")

_lies.sends(
    "host-in-answers", "Answers carry a Host.", rb"\r\nDate: ", b"\r\nHost: a\r\nDate: ", "http1.response.field-rules"
)

_lies.sends(
    "empty-list-elements",
    "The list of allowed methods begins with an empty element.",
    rb"\r\nAllow: ",
    b"\r\nAllow: , ",
    "http1.response.field-rules",
)

_lies.sends("two-spaces", "Two spaces follow a colon.", rb"\r\nDate: ", b"\r\nDate:  ", "http1.response.tidy")

_lies.sends(
    "clock-of-last-year",
    "Date is a year old.",
    rb"(\r\nDate: [^\r]*) 20\d\d ",
    rb"\1 2020 ",
    "http1.response.date-is-now",
)

_lies.sends(
    "location-without-host",
    "A path in Location becomes a URI with whatever Host there was.",
    rb"\r\nLocation: ",
    b"\r\nLocation: http://",
    "http1.response.no-empty-host",
)

_lies.sends(
    "content-of-reset",
    "A 205 answer has content.",
    rb"(HTTP/1\.1 205 .*?\r\nContent-Length: )0(.*?\r\n\r\n)",
    rb"\g<1>1\g<2>x",
    "http1.response.reset-content",
)

_lies.sends(
    "refusal-without-close",
    "A body is refused without a word about the connection.",
    rb"\A(HTTP/1\.1 413 .*?)\r\nConnection: close",
    rb"\1",
    "http1.continue.refusal-says-close",
)

_lies.reads(
    "any-expectation-is-continue",
    "Every expectation is taken for 100-continue.",
    rb"\r\nExpect: [^\r]*",
    b"\r\nExpect: 100-continue",
    "http1.continue.other-expectation",
)

_lies.sends(
    "switching-for-all-hops",
    "The 101 answer does not name Upgrade in Connection.",
    rb"\A(HTTP/1\.1 101 .*?\r\n)Connection: Upgrade\r\n",
    rb"\1",
    "http1.upgrade.switching",
)

_lies.reads(
    "protocol-with-case",
    "The name of a protocol has case.",
    rb"Upgrade: WEBSOCKET",
    b"Upgrade: other",
    "http1.upgrade.switching",
)

_lies.sends(
    "upgrade-to-what",
    "The 426 answer names no protocol.",
    rb"\A(HTTP/1\.1 426 .*?\r\n)Upgrade: [^\r]*\r\n",
    rb"\1",
    "http1.upgrade.required-names-protocol",
)

_lies.answers(
    "switches-before-body",
    "A request with a body is switched at its head.",
    rb"Upgrade: websocket",
    rb" 200 OK",
    b" 101 Switching Protocols",
    "http1.upgrade.after-the-body",
)


class _SwitchesWithoutContinue(Remembering):
    def outbound(self, data: bytes) -> bytes:
        data = data.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")
        return re.sub(rb"\AHTTP/1\.1 [2-5]\d\d ", b"HTTP/1.1 101 ", data)


_lies.tampers(
    "switches-without-continue",
    "A request that expects 100 is switched without it.",
    _SwitchesWithoutContinue,
    "http1.upgrade.after-continue",
)
