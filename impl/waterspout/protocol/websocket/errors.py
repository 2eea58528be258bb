"""What can go wrong, by whose fault it is.

``ProtocolViolation`` is the peer's fault; it stays inside this package, where it becomes a Close frame and a
``Closed`` event (RFC 6455 section 7.1.7). ``LocalError`` and its children are the caller's fault and are
raised before anything was queued. ``HandshakeError`` belongs to the opening handshake, where the peer still
speaks HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence


class ProtocolViolation(Exception):
    """The peer broke a rule of RFC 6455; ``code`` is the close code to answer with, ``reason`` says why."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class LocalError(Exception):
    """The caller asked for something that the protocol does not allow; nothing was queued."""


class ConnectionClosedError(LocalError):
    """Something was to be sent after the closing handshake had begun, or after the connection had failed."""


class PayloadError(LocalError, ValueError):
    """A payload, a close code or a handshake value that may not go onto the wire."""


class HandshakeError(Exception):
    """The peer's half of the opening handshake is not acceptable.

    On the server ``status`` and ``headers`` are the HTTP answer to give; on the client ``status`` is the
    status that was received and ``headers`` is empty. ``message`` is one sentence for a log or an error
    page.
    """

    def __init__(self, status: int, message: str, headers: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = list(headers)
