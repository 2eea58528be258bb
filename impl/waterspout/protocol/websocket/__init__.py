"""WebSocket without I/O, both roles: RFC 6455 without extensions.

``handshake`` checks and builds the heads that open a connection; ``Connection`` is what follows.
"""

from __future__ import annotations

from waterspout.protocol.websocket.close import CloseCode
from waterspout.protocol.websocket.connection import (
    CLIENT,
    DEFAULT_MAX_MESSAGE_SIZE,
    SERVER,
    Connection,
    Role,
    State,
)
from waterspout.protocol.websocket.errors import (
    ConnectionClosedError,
    HandshakeError,
    LocalError,
    PayloadError,
)
from waterspout.protocol.websocket.events import Closed, CloseReceived, Event, Message, Ping, Pong
from waterspout.protocol.websocket.handshake import (
    ClientHello,
    Extension,
    ServerHello,
    accept_headers,
    accept_key,
    check_request,
    check_response,
    make_key,
    request_headers,
)

__all__ = [
    "CLIENT",
    "DEFAULT_MAX_MESSAGE_SIZE",
    "SERVER",
    "ClientHello",
    "CloseCode",
    "CloseReceived",
    "Closed",
    "Connection",
    "ConnectionClosedError",
    "Event",
    "Extension",
    "HandshakeError",
    "LocalError",
    "Message",
    "PayloadError",
    "Ping",
    "Pong",
    "Role",
    "ServerHello",
    "State",
    "accept_headers",
    "accept_key",
    "check_request",
    "check_response",
    "make_key",
    "request_headers",
]
