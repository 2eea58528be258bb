"""WebSocket without I/O, both roles: RFC 6455, and permessage-deflate of RFC 7692.

``handshake`` checks and builds the heads that open a connection; ``negotiation`` agrees on compression in them;
``Connection`` is what follows.
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
from waterspout.protocol.websocket.extensions import Extension
from waterspout.protocol.websocket.handshake import (
    ClientHello,
    ServerHello,
    accept_headers,
    accept_key,
    check_request,
    check_response,
    make_key,
    request_headers,
)
from waterspout.protocol.websocket.negotiation import (
    DeflateOptions,
    Parameters,
    answer_offers,
    check_answer,
    make_codecs,
    make_offer,
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
    "DeflateOptions",
    "Event",
    "Extension",
    "HandshakeError",
    "LocalError",
    "Message",
    "Parameters",
    "PayloadError",
    "Ping",
    "Pong",
    "Role",
    "ServerHello",
    "State",
    "accept_headers",
    "accept_key",
    "answer_offers",
    "check_answer",
    "check_request",
    "check_response",
    "make_codecs",
    "make_key",
    "make_offer",
    "request_headers",
]
