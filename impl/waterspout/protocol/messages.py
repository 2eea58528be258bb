"""The first line of a message, and the two complaints about messages.

A request begins with ``method SP request-target SP HTTP-version`` (RFC 9112, section 3), a response with
``HTTP-version SP status-code SP [reason-phrase]`` (RFC 9112, section 4).  The parser of ``protocol.http1``
reads whole heads in one go; the functions here serve code that has a single line in its hands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"

_REQUEST_LINE = re.compile(rf"({TOKEN}) ([!-~\x80-\xff]+) (HTTP/[0-9]\.[0-9])")
_DIGITS = re.compile(r"[0-9]+")
_HEX_DIGITS = re.compile(r"[0-9A-Fa-f]+")
_STATUS_LINE = re.compile(r"(HTTP/[0-9]\.[0-9]) ([0-9]{3}) ([\t -~\x80-\xff]*)")


class HTTPInputError(Exception):
    """A peer sent something that breaks HTTP; a server answers it with 400.

    Documentation: ``httputil.HTTPInputError``.
    """

    #: What a server answers.
    status = 400


class ContentTooLarge(HTTPInputError):
    """A peer sent more than it may (RFC 9110, section 15.5.14)."""

    status = 413


class HTTPOutputError(Exception):
    """This program tried to send something that is not valid HTTP.

    Documentation: ``httputil.HTTPOutputError``.
    """


class RequestStartLine(NamedTuple):
    """Method, request target (called ``path``) and version of a request.

    Documentation: ``httputil.RequestStartLine``.
    """

    method: str
    path: str
    version: str


class ResponseStartLine(NamedTuple):
    """Version, status code and reason phrase of a response.

    Documentation: ``httputil.ResponseStartLine``.
    """

    version: str
    code: int
    reason: str


def parse_request_start_line(line: str) -> RequestStartLine:
    """Read ``line`` (without its line end) as the first line of a request (RFC 9112, section 3).

    Raises `HTTPInputError` when it is malformed or names a major version other than 1.
    Documentation: ``httputil.parse_request_start_line``.
    """
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        raise HTTPInputError(f"not a request line (method, target and version, one space between): {line!r}")
    method, target, version = match.groups()
    _check_version(version)
    return RequestStartLine(method, target, version)


def parse_response_start_line(line: str) -> ResponseStartLine:
    """Read ``line`` (without its line end) as the first line of a response (RFC 9112, section 4).

    An absent reason phrase gives an empty ``reason``.  Raises `HTTPInputError` when the line is malformed or
    names a major version other than 1.  Documentation: ``httputil.parse_response_start_line``.
    """
    match = _STATUS_LINE.fullmatch(line)
    if match is None:
        raise HTTPInputError(f"not a status line (version, three digits and a reason): {line!r}")
    version, code, reason = match.groups()
    _check_version(version)
    return ResponseStartLine(version, int(code), reason)


def _check_version(version: str) -> None:
    if not version.startswith("HTTP/1."):
        raise HTTPInputError(f"HTTP version {version!r} is not spoken here, only HTTP/1.x")


def parse_int(s: str) -> int:
    """Return the number that ``s`` writes in ASCII digits, and in nothing else.

    Raises `ValueError` for any other text; `int` alone takes signs, blanks, underscores and other scripts' digits.
    Documentation: ``http1connection.parse_int``.
    """
    if not _DIGITS.fullmatch(s):
        raise ValueError(f"not a number in decimal digits: {s[:40]!r}")
    return int(s)


def parse_hex_int(s: str) -> int:
    """As `parse_int`, for hexadecimal digits.  Documentation: ``http1connection.parse_hex_int``."""
    if not _HEX_DIGITS.fullmatch(s):
        raise ValueError(f"not a number in hexadecimal digits: {s[:40]!r}")
    return int(s, 16)


def is_transfer_encoding_chunked(headers: Mapping[str, str]) -> bool:
    """Return whether a message with these ``headers`` has a chunked body (RFC 9112, section 6.1).

    Raises `HTTPInputError` for any other transfer coding, and for a Content-Length beside it.
    Documentation: ``http1connection.is_transfer_encoding_chunked``.
    """
    coding = headers.get("Transfer-Encoding")
    if coding is None:
        return False
    if "Content-Length" in headers:
        raise HTTPInputError("a message has Transfer-Encoding or Content-Length, not both")
    if coding.lower() != "chunked":
        raise HTTPInputError(f"transfer codings other than chunked are not understood: {coding[:40]!r}")
    return True
