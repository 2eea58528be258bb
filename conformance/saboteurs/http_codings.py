"""Servers that compress without saying so, say so without compressing, or do not ask first."""

from __future__ import annotations

import gzip
import re

from conformance.saboteurs.rewriting import Lies, Remembering

_lies = Lies("http.codings")

_lies.answers(
    "coded-in-name-only",
    "Content is said to be compressed, and is not.",
    rb"Accept-Encoding: [^\r]*(?i:gzip)",
    rb"\A(HTTP/1\.1 200 [^\r]*\r\n)",
    rb"\1Content-Encoding: gzip\r\n",
    "http1.coding.asked-for",
    "http1.coding.streamed",
    "http1.coding.x-gzip",
)


class _Compresses(Remembering):
    """Compresses what comes in one piece."""

    def outbound(self, data: bytes) -> bytes:
        head, _, body = data.partition(b"\r\n\r\n")
        if len(body) < 1000:
            return data
        body = gzip.compress(body, 1)
        head = re.sub(rb"\r\n(?:Vary|Content-Length): [^\r]*", b"", head)
        return head + b"\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body


_lies.tampers(
    "compresses-unasked",
    "Content is compressed for everybody.",
    _Compresses,
    "http1.coding.not-accepted",
)

_lies.answers(
    "varies-in-silence",
    "Caches are not told what the coding depends on.",
    rb"\r\nAccept-Encoding: ",
    rb"\r\nVary: [^\r]*",
    b"",
    "http1.coding.vary",
)
