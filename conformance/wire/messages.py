"""Builders of request messages: bytes with little writing, and nothing added that a case does not see.

Each returns the bytes of one message. A builder writes valid messages; a case about an invalid one writes its bytes.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

HOST = "example.test"


def get(target: str = "/echo", version: str = "1.1", method: str = "GET", **fields: str | None) -> bytes:
    """Return a request without a body.

    ``fields`` are header fields, with "_" for "-" in their names: ``get("/echo", connection="close")``. Host is
    example.test unless given; None leaves it out.
    """
    fields = {"host": HOST, **fields}
    lines = [f"{name.replace('_', '-').title()}: {value}\r\n" for name, value in fields.items() if value is not None]
    return f"{method} {target} HTTP/{version}\r\n{''.join(lines)}\r\n".encode("latin-1")


def post(
    target: str = "/echo", body: bytes = b"", version: str = "1.1", method: str = "POST", **fields: str | None
) -> bytes:
    """Return a request with ``body`` and its Content-Length; further fields as in :func:`get`."""
    return get(target, version, method, **{"content_length": str(len(body)), **fields}) + body


def chunks(*parts: bytes) -> bytes:
    """Return ``parts`` in the chunked coding, ended by the last chunk and no trailer."""
    coded = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return coded + b"0\r\n\r\n"


def chunked(target: str = "/echo", *parts: bytes, method: str = "POST", **fields: str | None) -> bytes:
    """Return a request whose body is ``parts``, one chunk each; further fields as in :func:`get`."""
    return get(target, "1.1", method, **{"transfer_encoding": "chunked", **fields}) + chunks(*parts)


def handshake(target: str = "/ws/echo", version: str = "1.1", method: str = "GET", **fields: str | None) -> bytes:
    """Return a request to switch to WebSocket that is right unless ``fields`` say otherwise."""
    usual = {
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec_websocket_version": "13",
        "sec_websocket_key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    return get(target, version, method, **{**usual, **fields})


def answer(**told: Any) -> str:
    """Return the target at which the application answers as ``told``; see :mod:`conformance.apps`."""
    return "/answer?d=" + quote(json.dumps(told))
