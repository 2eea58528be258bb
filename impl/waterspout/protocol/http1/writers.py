"""From events to octets (RFC 9112 sections 3 to 7), and what holds our own side to what it declared."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

from waterspout.protocol.http1 import grammar
from waterspout.protocol.http1.errors import LocalProtocolError
from waterspout.protocol.http1.events import EndOfMessage, Request
from waterspout.protocol.http1.framing import NEVER_SENT_AS_TRAILERS, Body

_names = re.compile(rf"{grammar.TOKEN}(?:,{grammar.TOKEN})*")


def check_fields(headers: Sequence[tuple[str, str]]) -> None:
    """Refuse fields that would not stay one field line each on the wire, naming the culprit."""
    for name, value in headers:
        if not isinstance(name, str) or not isinstance(value, str):
            raise LocalProtocolError(f"field names and values must be str: {name!r}: {value!r}")
        if not grammar.token.fullmatch(name):
            raise LocalProtocolError(f"field name {name!r} is not a token; use letters, digits and hyphens")
        if not grammar.field_value.fullmatch(value):
            raise LocalProtocolError(
                f"the value of {name} holds a control or non-latin-1 character: {value!r}; encode it"
            )


def serialise_fields(headers: Sequence[tuple[str, str]]) -> str:
    """Turn fields into field lines; raises `LocalProtocolError` for a name or value that may not be sent."""
    if not headers:
        return ""
    try:
        lines = "\r\n".join(map(": ".join, headers)) + "\r\n"
        names = ",".join(dict(headers))
    except (TypeError, ValueError):
        raise LocalProtocolError("headers must be pairs of str: name and value") from None
    # Two matches for all fields instead of two for each. The lines match only if no name or value brought a
    # line end of its own (their count shows that); a colon within a name would look like part of the value,
    # which the second match excludes; a comma there passes the second match and fails the first.
    whole = lines.count("\r\n") == len(headers) and grammar.field_lines.fullmatch(lines)
    if not (whole and _names.fullmatch(names)):
        check_fields(headers)
    return lines


_VERSIONS = ("HTTP/1.1", "HTTP/1.0")


def _bad_version(version: str) -> LocalProtocolError:
    return LocalProtocolError(f"version must be HTTP/1.1 or HTTP/1.0, not {version!r}")


@lru_cache(maxsize=512)
def status_line(version: str, status: int, reason: str) -> str:
    """Return the line that a response begins with.  A program uses few of them, so they are remembered."""
    if version not in _VERSIONS:
        raise _bad_version(version)
    if not 100 <= status <= 999:
        raise LocalProtocolError(f"a status code has three digits from 100 on: {status!r}")
    if not grammar.reason_phrase.fullmatch(reason):
        raise LocalProtocolError(f"the reason holds a control or non-latin-1 character: {reason!r}")
    return f"{version} {status:d} {reason}\r\n"


def request_head(event: Request) -> str:
    """Return a request's head without the empty line that ends it."""
    if event.version not in _VERSIONS:
        raise _bad_version(event.version)
    if not grammar.token.fullmatch(event.method):
        raise LocalProtocolError(f"method {event.method!r} is not a token")
    if not grammar.request_target.fullmatch(event.target):
        raise LocalProtocolError(f"request target {event.target!r} is empty or needs percent-encoding")
    hosts = sum(1 for name, _ in event.headers if name.lower() == "host")
    if hosts > 1 or (hosts == 0 and event.version == "HTTP/1.1"):
        raise LocalProtocolError(f"an HTTP/1.1 request has exactly one Host field, not {hosts}")
    return f"{event.method} {event.target} {event.version}\r\n{serialise_fields(event.headers)}"


class Writer(Protocol):
    """Turns what follows a head into octets."""

    def data(self, data: bytes) -> bytes: ...

    def end(self, event: EndOfMessage) -> bytes: ...


def _refuse_trailers(event: EndOfMessage) -> None:
    if event.trailers:
        raise LocalProtocolError("trailers need a chunked body; send Transfer-Encoding: chunked or no trailers")


class NoBodyWriter:
    """For messages that end with the head."""

    def data(self, data: bytes) -> bytes:
        if data:
            raise LocalProtocolError("this message has no body; send no Data, or declare the body in the head")
        return b""

    def end(self, event: EndOfMessage) -> bytes:
        _refuse_trailers(event)
        return b""


class LengthWriter:
    """Holds a body to its Content-Length."""

    __slots__ = ("_remaining",)

    def __init__(self, length: int) -> None:
        self._remaining = length

    def data(self, data: bytes) -> bytes:
        size = len(data)
        if size > self._remaining:
            raise LocalProtocolError(
                f"body is {size - self._remaining} octets longer than its Content-Length; declare its length"
            )
        self._remaining -= size
        return data

    def end(self, event: EndOfMessage) -> bytes:
        if event.trailers:
            _refuse_trailers(event)
        if self._remaining:
            raise LocalProtocolError(
                f"body is {self._remaining} octets shorter than its Content-Length; send them or close"
            )
        return b""


class ChunkedWriter:
    """Sends each ``Data`` as a chunk; an empty one sends nothing, for a chunk of size zero would end the
    body.
    """

    def data(self, data: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(data), data) if data else b""

    def end(self, event: EndOfMessage) -> bytes:
        if not event.trailers:
            return b"0\r\n\r\n"
        lines = serialise_fields(event.trailers)
        for name, _ in event.trailers:
            if name.lower() in NEVER_SENT_AS_TRAILERS:
                raise LocalProtocolError(f"{name} is not allowed in a trailer section; send it in the head")
        return f"0\r\n{lines}\r\n".encode("latin-1")


class UntilCloseWriter:
    """The body goes out as it is, and ends with the connection."""

    def data(self, data: bytes) -> bytes:
        return data

    def end(self, event: EndOfMessage) -> bytes:
        _refuse_trailers(event)
        return b""


NO_BODY = NoBodyWriter()
CHUNKED = ChunkedWriter()
UNTIL_CLOSE = UntilCloseWriter()


def writer_for(body: Body) -> Writer:
    """The writer that a message's framing calls for, unless that is a `LengthWriter`."""
    if body is Body.CHUNKED:
        return CHUNKED
    return UNTIL_CLOSE if body is Body.UNTIL_CLOSE else NO_BODY
