"""What is said on a connection, as values (RFC 9112 section 2.1).

The same classes serve both directions: ``next_event`` returns what the peer said, ``send`` takes what we say.
Two events are equal when they say the same on the wire; what was only derived from the head (keep-alive,
lengths ...) does not count. Field names keep the peer's spelling, values are latin-1 text with the
surrounding whitespace removed (RFC 9110 section 5.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Union

Fields = list[tuple[str, str]]


@dataclass(slots=True)
class Request:
    """The head of a request. The fields after ``headers`` are filled in by the parser and ignored by
    ``send``.

    ``version`` is "HTTP/1.0" or "HTTP/1.1" (a higher minor version reads as 1.1, RFC 9110 section 2.5).
    ``authority`` is the host and port that the request is for: that of an absolute- or authority-form target,
    otherwise the Host field's. ``upgrade`` is the Upgrade field's value when the Connection field names it.
    """

    method: str
    target: str
    headers: Fields = field(default_factory=list)
    version: str = "HTTP/1.1"
    keep_alive: bool = field(default=True, compare=False)
    content_length: int | None = field(default=None, compare=False)
    chunked: bool = field(default=False, compare=False)
    expect_continue: bool = field(default=False, compare=False)
    upgrade: str | None = field(default=None, compare=False)
    authority: str | None = field(default=None, compare=False)


@dataclass(slots=True)
class InformationalResponse:
    """A 1xx response: a head only; the final response is still to come, unless the status is 101."""

    status: int
    reason: str = ""
    headers: Fields = field(default_factory=list)
    version: str = "HTTP/1.1"


@dataclass(slots=True)
class Response:
    """The head of a final response. The fields after ``version`` are filled in by the parser and ignored by
    ``send``.
    """

    status: int
    reason: str = ""
    headers: Fields = field(default_factory=list)
    version: str = "HTTP/1.1"
    keep_alive: bool = field(default=True, compare=False)
    content_length: int | None = field(default=None, compare=False)
    chunked: bool = field(default=False, compare=False)


@dataclass(slots=True)
class Data:
    """Some of the body; where one piece ends and the next begins means nothing."""

    data: bytes


@dataclass(slots=True)
class EndOfMessage:
    """The message is complete. ``trailers`` are the fields that followed a chunked body (RFC 9112 section
    7.1.2).
    """

    trailers: Sequence[tuple[str, str]] = ()


@dataclass(slots=True)
class ConnectionClosed:
    """The peer will send nothing more, and stopped between two messages."""


@dataclass(slots=True)
class Failure:
    """The peer broke the protocol or a limit; nothing more is read from it.

    ``status`` is what a server answers (400, 413, 414, 431, 501, 505); ``message`` names the cause for the
    operator's log.
    """

    status: int
    message: str


# A Union object, because aliases are evaluated at run time and Python 3.10 is supported.
Event = Union[  # noqa: UP007
    Request, InformationalResponse, Response, Data, EndOfMessage, ConnectionClosed, Failure
]
