"""HTTP/1.1 without I/O, for both roles (RFC 9112, and what of RFC 9110 concerns messages).

Feed a `ServerConnection` or `ClientConnection` with octets, take events out; send events through it, take
octets out. A peer's fault comes out as a `Failure` event with the status to answer; a fault of ours raises
`LocalProtocolError`.
"""

from __future__ import annotations

from waterspout.protocol.http1.connection import ClientConnection, Connection, ServerConnection
from waterspout.protocol.http1.errors import LocalProtocolError
from waterspout.protocol.http1.events import (
    ConnectionClosed,
    Data,
    EndOfMessage,
    Event,
    Failure,
    Fields,
    InformationalResponse,
    Request,
    Response,
)
from waterspout.protocol.http1.limits import Limits
from waterspout.protocol.http1.state import CLIENT_MOVES, SERVER_MOVES, Role, State

__all__ = [
    "CLIENT_MOVES",
    "SERVER_MOVES",
    "ClientConnection",
    "Connection",
    "ConnectionClosed",
    "Data",
    "EndOfMessage",
    "Event",
    "Failure",
    "Fields",
    "InformationalResponse",
    "Limits",
    "LocalProtocolError",
    "Request",
    "Response",
    "Role",
    "ServerConnection",
    "State",
]
