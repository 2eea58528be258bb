"""Servers that find the end of a request in the wrong field, or in the right one at the wrong time."""

from __future__ import annotations

from conformance.saboteurs import Tamper
from conformance.saboteurs.rewriting import Lies

_lies = Lies("http.framing")

_lies.reads(
    "framing-with-case",
    "The framing fields are known in one spelling only.",
    rb"content-length:3",
    b"other-field:3",
    "http1.framing.one-reading",
)

_lies.reads(
    "length-dropped-for-chunks",
    "Content-Length beside Transfer-Encoding is overlooked, and the connection goes on.",
    rb"Content-Length: \d+\r\n(?=Transfer-Encoding: chunked\r\n\r\n)",
    b"",
    "http1.framing.two-readings",
)

_lies.reads(
    "framing-first-length-wins",
    "Of two lengths the first one counts.",
    rb"(Content-Length: 3\r\n)[Cc]ontent-[Ll]ength: 30\r\n",
    rb"\1",
    "http1.framing.no-reading",
)

_lies.reads(
    "disguise-dropped",
    "A framing field that is not quite one is overlooked.",
    rb"\r\nTransfer-Encoding : chunked",
    b"",
    "http1.framing.disguised",
)


class _GoesWithoutAnswer(Tamper):
    def outbound(self, data: bytes) -> bytes:
        return b"" if data.startswith(b"HTTP/1.1 400 ") else data


_lies.tampers(
    "goes-without-answer",
    "A client that is still sending gets no answer when the connection is closed.",
    _GoesWithoutAnswer,
    "http1.framing.faults-and-large-rest",
)
