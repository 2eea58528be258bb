"""``websocket_connect`` by the client of the package websockets."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from conformance.clients.adapter import MAX_MESSAGE, Callback, Connection, Message, Refused, WebSocketClosedError

__all__ = ["WebSocketClosedError", "websocket_connect"]


class Once(connect):
    """Connects without following redirects, which the chapter has as a refusal."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


class Peer:
    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.send, self.ping, self.close = socket.send, socket.ping, socket.close

    @property
    def subprotocol(self) -> str | None:
        return self._socket.subprotocol

    async def messages(self) -> AsyncIterator[Message]:
        with contextlib.suppress(ConnectionClosed):
            async for message in self._socket:
                yield message

    def closing(self) -> tuple[int | None, str | None]:
        return self._socket.close_code, self._socket.close_reason


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
    compression = None if compression_options is None else "deflate"
    offered = [Subprotocol(name) for name in subprotocols] if subprotocols else None
    try:
        socket = await Once(url, compression=compression, max_size=max_message_size, open_timeout=connect_timeout,
                            subprotocols=offered, ping_interval=None, proxy=None)  # fmt: skip
    except InvalidStatus as error:
        raise Refused(error.response.status_code) from None
    return Connection(Peer(socket), on_message_callback)
