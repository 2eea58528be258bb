"""The answer of the server itself, where no application can give one."""

from __future__ import annotations

from waterspout import __version__
from waterspout._http_date import http_date
from waterspout.httputil import responses
from waterspout.protocol.http1 import Data, EndOfMessage, Response, ServerConnection


def error_response(http: ServerConnection, status: int) -> bytes:
    """Return a complete response that announces the end of the connection.

    Raises `protocol.http1.LocalProtocolError` if a response has begun already.
    """
    reason = responses.get(status, "Unknown")
    body = f"{status} {reason}\n".encode("latin1")
    headers = [
        ("Server", f"Waterspout/{__version__}"),
        ("Date", http_date()),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
    ]
    octets = http.send(Response(status, reason, headers))
    if not http.answers_head:
        octets += http.send(Data(body))
        octets += http.send(EndOfMessage())
    return octets
