"""Servers whose parts are not the parts asked for, or that send parts where they must not."""

from __future__ import annotations

from conformance.saboteurs.rewriting import Lies, Remembering

_lies = Lies("http.ranges")
_FIELDS = b"Date: Sun, 01 Nov 2026 00:00:00 GMT\r\n"


class _Part(Remembering):
    """Answers whatever has a Range with a part."""

    fields = _FIELDS
    body = b"01234"

    def outbound(self, data: bytes) -> bytes:
        if b"\r\nRange: " not in self.asked or self.asked.startswith(b"HEAD "):
            return data
        head = b"HTTP/1.1 206 Partial Content\r\nContent-Length: %d\r\n%b\r\n"
        return head % (len(self.body), self.fields) + self.body


_lies.tampers(
    "part-of-what",
    "A part does not say which it is; every Range gets the same one.",
    _Part,
    "http1.range.one",
    "http1.range.unsatisfiable-416",
    "http1.range.large-numbers",
    "http1.range.invalid",
    "http1.range.unknown-unit",
    "http1.range.only-get",
    "http1.range.several",
    "http1.range.parts-keep-type",
    "http1.if-range.differs",
    "http1.if-range.same",
    "http1.if-range.alone",
    "http1.range.fields",
    "http1.range.fields-after-if-range",
)


class _FirstPart(_Part):
    fields = _FIELDS + b"Content-Range: bytes 0-4/1000\r\n"


_lies.tampers(
    "first-part-only",
    "The first range is sent whatever If-Range and the unit say, and no other field goes with it.",
    _FirstPart,
    "http1.range.several",
    "http1.range.unknown-unit",
    "http1.range.invalid",
    "http1.if-range.differs",
    "http1.range.fields",
)


class _OneTooMany(_Part):
    fields = _FIELDS + b"Content-Range: bytes 0-5/1000\r\n"
    body = b"012345"


_lies.tampers("one-too-many", "A range ends before its last position.", _OneTooMany, "http1.range.one")


class _Multipart(_Part):
    fields = _FIELDS + b"Content-Type: multipart/byteranges; boundary=b\r\n"
    body = (
        b"--b\r\nContent-Type: text/plain\r\nContent-Range: bytes 500-501/1000\r\n\r\n01\r\n"
        b"--b\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-4/1000\r\n\r\n01234\r\n--b--\r\n"
    )


_lies.tampers(
    "parts-sorted",
    "The parts of a multipart always come in the same order, also for a single range.",
    _Multipart,
    "http1.range.several",
    "http1.range.one",
)

_lies.answers(
    "refused-without-length",
    "A 416 answer does not say how long the content is.",
    rb"\r\nRange: bytes=(?:[15]\d{3}-|-0)",
    rb"\r\nContent-Range: [^\r]*",
    b"",
    "http1.range.unsatisfiable-416",
)

_lies.answers(
    "many-ranges-are-an-error",
    "Hundreds of ranges are an error of the server.",
    rb"\r\nRange: bytes=[^\r]{1000}",
    rb"\AHTTP/1\.1 200 OK",
    b"HTTP/1.1 500 Internal Server Error",
    "http1.range.many",
)
