"""What ``Connection.feed`` reports, as values that compare by what they say (RFC 6455 sections 5 to 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union


@dataclass(slots=True)
class Message:
    """A whole message, its fragments joined: ``str`` for text, ``bytes`` for binary (section 5.6)."""

    data: str | bytes


@dataclass(slots=True)
class Ping:
    """The peer sent a Ping; the Pong that answers it is queued already (section 5.5.2)."""

    data: bytes


@dataclass(slots=True)
class Pong:
    """The peer sent a Pong, in answer to a Ping or unasked (section 5.5.3)."""

    data: bytes


@dataclass(slots=True)
class CloseReceived:
    """The peer sent a Close frame; ours, if it was not sent before, is queued already (section 5.5.1).

    ``code`` is 1005 when the frame carried none (section 7.1.5).
    """

    code: int
    reason: str


@dataclass(slots=True)
class Closed:
    """Nothing more will be read: the last event of every connection, reported once.

    ``clean`` tells that both sides sent a Close frame. Then ``code`` and ``reason`` are the peer's.
    Otherwise ``code`` is 1006 if the transport ended early, or the code that the peer's violation was
    answered with, and ``reason`` says what happened.
    """

    code: int
    reason: str
    clean: bool


Event = Union[Message, Ping, Pong, CloseReceived, Closed]  # noqa: UP007 (an alias that exists at run time)
