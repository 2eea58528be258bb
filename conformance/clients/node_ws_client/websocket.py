"""``websocket_connect`` by the client of Node's package ws, which a program for Node drives as it is told.

The program runs as long as this process, from the import of this module on.
"""

from __future__ import annotations

import asyncio
import atexit
import base64
import json
import ssl
import subprocess
from collections.abc import AsyncIterator, Sequence
from typing import Any

from conformance.clients.adapter import MAX_MESSAGE, Callback, Connection, Message, Refused, WebSocketClosedError
from conformance.paths import APPS

__all__ = ["WebSocketClosedError", "websocket_connect"]

#: Octets of the longest line.
_LINE = 64 * 1024 * 1024


def _start() -> int:
    """Start the program; return the port of loopback on which it takes connections."""
    command = ["node", str(APPS / "node_ws_client.js")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    atexit.register(process.communicate)
    assert process.stdout is not None
    return int(json.loads(process.stdout.readline())["port"])


_PORT = _start()


class Peer:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._closing: tuple[int | None, str | None] = (None, None)
        self.subprotocol: str | None = None

    async def open(self, options: dict[str, Any]) -> None:
        """Wait until the connection is open. Raises what stands for the reason why it is not."""
        self._tell(options)
        told = await self._told()
        if "open" in told:
            self.subprotocol = told["open"] or None
            return
        await self._end()
        raise Refused(told["refused"]) if "refused" in told else _error(told)

    async def messages(self) -> AsyncIterator[Message]:
        try:
            while "closed" not in (told := await self._told()):
                if "error" not in told:
                    yield told["text"] if "text" in told else base64.b64decode(told["binary"])
            self._closing = tuple(told["closed"])
        finally:
            await self._end()

    def closing(self) -> tuple[int | None, str | None]:
        return self._closing

    async def send(self, message: Message) -> None:
        self._tell({"text": message} if isinstance(message, str) else {"binary": base64.b64encode(message).decode()})

    async def ping(self, payload: bytes) -> None:
        self._tell({"ping": base64.b64encode(payload).decode()})

    async def close(self, code: int, reason: str) -> None:
        self._tell({"close": [code, reason]})

    def _tell(self, what: dict[str, Any]) -> None:
        self._writer.write(json.dumps(what).encode() + b"\n")

    async def _told(self) -> dict[str, Any]:
        line = await self._reader.readline()
        return dict(json.loads(line)) if line else {"closed": [None, None], "error": "the program ended", "code": ""}

    async def _end(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


def _error(told: dict[str, Any]) -> Exception:
    if "CERT" in told["code"] or "SIGNATURE" in told["code"]:
        return ssl.SSLError(told["error"])
    return ConnectionError(told["error"]) if told["code"].startswith("ECONN") else ValueError(told["error"])


async def websocket_connect(
    url: str,
    *,
    connect_timeout: float | None = 10,
    on_message_callback: Callback | None = None,
    compression_options: dict[str, Any] | None = None,
    max_message_size: int = MAX_MESSAGE,
    subprotocols: Sequence[str] | None = None,
) -> Connection:
    """Open a connection; the arguments are Tornado's."""
    options = {"url": url, "subprotocols": subprotocols or [], "maxPayload": max_message_size,
               "perMessageDeflate": compression_options is not None,
               "handshakeTimeout": int(1000 * (connect_timeout or 0))}  # fmt: skip
    peer = Peer(*await asyncio.open_connection("127.0.0.1", _PORT, limit=_LINE))
    await peer.open(options)
    return Connection(peer, on_message_callback)
