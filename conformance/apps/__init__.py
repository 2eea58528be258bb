"""Servers with the fixture application: one small program for each kind of target.

Every program prints one JSON line, ``{"conform": 1, "http": PORT, "https": PORT}``, serves until its standard input is
closed, and offers the same routes on both ports; one that cannot speak TLS leaves the second out. The routes:

``* /echo``
    JSON of what was parsed: method, target, version, scheme, host, headers (pairs in order), body (base64). Cookies are
    parsed too, where the framework does that, and what comes of it is dropped.
``* /answer?d=JSON``
    Answers as told: ``status``, ``headers`` (pairs), ``body`` (text), ``chunks`` (texts, flushed one by one). A body of
    1000 octets or more is compressed where the framework does that and the client accepts it.
``GET /get-only``
    Text "got"; any other method is not allowed there.
``GET /resource.txt``
    1000 octets, the digits 0 to 9 a hundred times, as text/plain, served in the framework's own way to serve files,
    with ETag and Last-Modified of the first second of 2022.
``* /error``
    Raises an exception the framework does not know.
``/ws/echo``
    Sends every WebSocket message back, text as text and binary as binary; compressed if the client offers that.
``/ws/answer``
    Takes text messages that are JSON: ``{"send": text}``, ``{"close": [code, reason]}``, ``{"subprotocol": true}``;
    offers the subprotocols "chat" and "superchat".

Servers that share an interface share the application: ``wsgi_app``, ``asgi_app`` and, for packages with Tornado's API,
``api_pages`` and ``api_sockets`` have it, and the program of a server says only how that one is started. What is
written for one server has less than 30 lines of code in a file, imports aside.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import json
import os
import signal
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

#: Subprotocols that /ws/answer knows, the preferred one first.
SUBPROTOCOLS = ("chat", "superchat")


#: What /resource.txt holds, and when it was modified last (2022-01-01 00:00:00 UTC).
RESOURCE = b"0123456789" * 100
MODIFIED = 1640995200
#: From this size on, /answer is compressed where the framework compresses.
COMPRESSIBLE = 1000
#: A certificate for localhost and its key.
CERTIFICATE = Path(__file__).parent / "localhost.pem"


@functools.cache
def resource_directory() -> tempfile.TemporaryDirectory[str]:
    """Return a directory with the file resource.txt in it; it goes when the program ends, or at the end of a with."""
    directory = tempfile.TemporaryDirectory(prefix="conform-resource-")
    path = Path(directory.name) / "resource.txt"
    path.write_bytes(RESOURCE)
    os.utime(path, (MODIFIED, MODIFIED))
    return directory


def tls_context() -> ssl.SSLContext:
    """Return what a server needs to speak TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    return context


def listening_socket() -> socket.socket:
    """Return a non-blocking listening socket on a free port of the loopback address."""
    # With its protocol named: else asyncio leaves Nagle's algorithm on, and an answer sent in two parts waits for it.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    listener.setblocking(False)
    return listener


def greet(listener: socket.socket, secured: socket.socket | None = None) -> None:
    """Print the JSON line that tells the suite where the server listens, in the clear and with TLS."""
    ports = {"http": listener.getsockname()[1]}
    if secured is not None:
        ports["https"] = secured.getsockname()[1]
    print(json.dumps({"conform": 1, **ports}), flush=True)


def when_stdin_closes(then: Callable[[], Any]) -> None:
    """Call ``then``, in a thread, when the suite has closed this program's standard input, or has gone."""

    def watch() -> None:
        # Past sys.stdin, whose lock would still be held when the program ends otherwise.
        while os.read(0, 4096):
            pass
        then()

    # A thread, because not every kind of file can be waited for by an event loop.
    threading.Thread(target=watch, daemon=True).start()


def end_with_stdin() -> None:
    """Ask this process to end, by SIGTERM, when standard input is closed."""
    when_stdin_closes(lambda: os.kill(os.getpid(), signal.SIGTERM))


async def until_stdin_closes() -> None:
    """Return when the suite has closed this program's standard input, or has gone."""
    loop = asyncio.get_running_loop()
    closed = asyncio.Event()
    when_stdin_closes(lambda: loop.call_soon_threadsafe(closed.set))
    await closed.wait()


def echo_document(
    method: str, target: str, version: str, headers: list[tuple[str, str]], body: bytes, *, scheme: str, host: str
) -> str:
    """Return the JSON of /echo; ``scheme`` and ``host`` are what the application takes the request to be for."""
    return json.dumps(
        {
            "method": method,
            "target": target,
            "version": version,
            "scheme": scheme,
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
