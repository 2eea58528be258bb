"""From events to octets (RFC 9112 sections 3 to 7), and what holds our own side to what it declared."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from waterspout.protocol.http1 import grammar
from waterspout.protocol.http1.errors import LocalProtocolError
from waterspout.protocol.http1.events import Data, EndOfMessage, InformationalResponse, Request, Response
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
        lines = "".join([name + ": " + value + "\r\n" for name, value in headers])
        names = ",".join([name for name, _ in headers])
    except (TypeError, ValueError):
        raise LocalProtocolError("headers must be pairs of str: name and value") from None
    # Two matches for all fields instead of two for each. The lines match only if no name or value brought a
    # line end of its own (their count shows that); a colon within a name would look like part of the value,
    # which the second match excludes; a comma there passes the second match and fails the first.
    whole = lines.count("\r\n") == len(headers) and grammar.field_lines.fullmatch(lines)
    if not whole or not _names.fullmatch(names):
        check_fields(headers)
    return lines


def _check_version(version: str) -> None:
    if version != "HTTP/1.1" and version != "HTTP/1.0":
        raise LocalProtocolError(f"version must be HTTP/1.1 or HTTP/1.0, not {version!r}")


def response_head(event: Response | InformationalResponse, added: str) -> bytes:
    """Serialise a response's head; ``added`` are field lines of the connection's own."""
    reason = event.reason
    _check_version(event.version)
    if not 100 <= event.status <= 999:
        raise LocalProtocolError(f"a status code has three digits from 100 on: {event.status!r}")
    # Printable ASCII is most of what there is, and cheap to test for.
    if not (reason.isascii() and reason.isprintable()) and not grammar.reason_phrase.fullmatch(reason):
        raise LocalProtocolError(f"the reason holds a control or non-latin-1 character: {reason!r}")
    fields = serialise_fields(event.headers)
    return f"{event.version} {event.status:d} {reason}\r\n{fields}{added}\r\n".encode("latin-1")


def request_head(event: Request) -> bytes:
    """Serialise a request's head."""
    _check_version(event.version)
    if not grammar.token.fullmatch(event.method):
        raise LocalProtocolError(f"method {event.method!r} is not a token")
    if not grammar.request_target.fullmatch(event.target):
        raise LocalProtocolError(f"request target {event.target!r} is empty or needs percent-encoding")
    hosts = sum(1 for name, _ in event.headers if name.lower() == "host")
    if hosts > 1 or (hosts == 0 and event.version == "HTTP/1.1"):
        raise LocalProtocolError(f"an HTTP/1.1 request has exactly one Host field, not {hosts}")
    fields = serialise_fields(event.headers)
    return f"{event.method} {event.target} {event.version}\r\n{fields}\r\n".encode("latin-1")


class Writer(Protocol):
    """Turns what follows a head into octets."""

    def data(self, event: Data) -> bytes: ...

    def end(self, event: EndOfMessage) -> bytes: ...


def _refuse_trailers(event: EndOfMessage) -> None:
    if event.trailers:
        raise LocalProtocolError("trailers need a chunked body; send Transfer-Encoding: chunked or no trailers")


class NoBodyWriter:
    """For messages that end with the head."""

    def data(self, event: Data) -> bytes:
        if event.data:
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

    def data(self, event: Data) -> bytes:
        size = len(event.data)
        if size > self._remaining:
            raise LocalProtocolError(
                f"body is {size - self._remaining} octets longer than its Content-Length; declare its length"
            )
        self._remaining -= size
        return event.data

    def end(self, event: EndOfMessage) -> bytes:
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

    def data(self, event: Data) -> bytes:
        data = event.data
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

    def data(self, event: Data) -> bytes:
        return event.data

    def end(self, event: EndOfMessage) -> bytes:
        _refuse_trailers(event)
        return b""


NO_BODY = NoBodyWriter()
CHUNKED = ChunkedWriter()
UNTIL_CLOSE = UntilCloseWriter()


def writer_for(body: Body, length: int | None) -> Writer:
    """The writer that a message's framing calls for."""
    if body is Body.LENGTH:
        return LengthWriter(length or 0)
    if body is Body.CHUNKED:
        return CHUNKED
    return UNTIL_CLOSE if body is Body.UNTIL_CLOSE else NO_BODY
