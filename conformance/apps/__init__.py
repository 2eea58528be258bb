"""Servers with the fixture application: one small program for each kind of target.

Every program prints one JSON line, ``{"conform": 1, "http": PORT}``, serves until its standard input is closed, and
offers the same routes:

``* /echo``
    JSON of what was parsed: method, target, version, host, headers (pairs in order), body (base64).
``* /answer?d=JSON``
    Answers as told: ``status``, ``headers`` (pairs), ``body`` (text), ``chunks`` (texts, flushed one by one).
``GET /get-only``
    Text "got"; any other method is not allowed there.
``* /error``
    Raises an exception the framework does not know.
``/ws/echo``
    Sends every WebSocket message back, text as text and binary as binary; compressed if the client offers that.
``/ws/answer``
    Takes text messages that are JSON: ``{"send": text}``, ``{"close": [code, reason]}``, ``{"subprotocol": true}``;
    offers the subprotocols "chat" and "superchat".
"""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import sys
import threading
from typing import Any
from urllib.parse import parse_qs

#: Subprotocols that /ws/answer knows, the preferred one first.
SUBPROTOCOLS = ("chat", "superchat")


def listening_socket() -> socket.socket:
    """Return a non-blocking listening socket on a free port of the loopback address."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    listener.setblocking(False)
    return listener


def greet(listener: socket.socket) -> None:
    """Print the JSON line that tells the suite where the server listens."""
    print(json.dumps({"conform": 1, "http": listener.getsockname()[1]}), flush=True)


async def until_stdin_closes() -> None:
    """Return when the suite has closed this program's standard input, or has gone."""
    loop = asyncio.get_running_loop()
    closed = asyncio.Event()

    def watch() -> None:
        # A thread, because not every kind of file can be waited for by an event loop.
        sys.stdin.buffer.read()
        loop.call_soon_threadsafe(closed.set)

    threading.Thread(target=watch, daemon=True).start()
    await closed.wait()


def echo_document(
    method: str, target: str, version: str, headers: list[tuple[str, str]], body: bytes, host: str
) -> str:
    """Return the JSON that /echo answers with; ``host`` is the host the application takes the request to be for."""
    return json.dumps(
        {
            "method": method,
            "target": target,
            "version": version,
            "host": host,
            "headers": headers,
            "body": base64.b64encode(body).decode("ascii"),
        }
    )


class Instructions:
    """What /answer was told to do by the query argument ``d``."""

    def __init__(self, query: str) -> None:
        row: dict[str, Any] = json.loads(parse_qs(query).get("d", ["{}"])[0])
        self.status: int = row.get("status", 200)
        self.headers: list[tuple[str, str]] = [(name, value) for name, value in row.get("headers", [])]
        self.body: str = row.get("body", "")
        self.chunks: list[str] = row.get("chunks", [])
