"""``websocket_connect`` by the client of aiohttp."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from aiohttp import (
    ClientConnectorCertificateError,
    ClientSession,
    ClientWebSocketResponse,
    TraceConfig,
    WSMsgType,
    WSServerHandshakeError,
)

from conformance.clients.adapter import MAX_MESSAGE, Callback, Connection, Message, Refused, WebSocketClosedError

__all__ = ["WebSocketClosedError", "websocket_connect"]


class Peer:
    def __init__(self, session: ClientSession, socket: ClientWebSocketResponse[Any]) -> None:
        self._session, self._socket = session, socket
        self._closing: tuple[int | None, str | None] = (None, None)
        self._ended = asyncio.Event()
        self.ping = socket.ping

    @property
    def subprotocol(self) -> str | None:
        return self._socket.protocol

    async def messages(self) -> AsyncIterator[Message]:
        try:
            while (message := await self._socket.receive()).type in (WSMsgType.TEXT, WSMsgType.BINARY):
                yield message.data
            if message.type is WSMsgType.CLOSE:
                self._closing = message.data, message.extra
            elif message.type is WSMsgType.CLOSING:
                await self._ended.wait()
        finally:
            await self._session.close()

    def closing(self) -> tuple[int | None, str | None]:
        return self._closing

    async def send(self, message: Message) -> None:
        await (self._socket.send_str(message) if isinstance(message, str) else self._socket.send_bytes(message))

    async def close(self, code: int, reason: str) -> None:
        try:
            await self._socket.close(code=code, message=reason.encode())
        finally:
            self._ended.set()


async def _redirected(session: ClientSession, context: Any, redirect: Any) -> None:
    raise Refused(redirect.response.status)


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
    # A redirect is followed without being asked; the chapter has it as a refusal.
    trace = TraceConfig()
    trace.on_request_redirect.append(_redirected)
    session = ClientSession(trace_configs=[trace])
    compress = 0 if compression_options is None else 15
    # Its limit is the first size that is too much.
    limit = max_message_size + 1
    connecting = session.ws_connect(url, protocols=subprotocols or (), compress=compress, max_msg_size=limit)
    try:
        socket = await asyncio.wait_for(connecting, connect_timeout)
    except BaseException as error:
        await session.close()
        if isinstance(error, WSServerHandshakeError):
            raise Refused(error.status) from None
        if isinstance(error, ClientConnectorCertificateError):
            raise error.certificate_error from None
        raise
    return Connection(Peer(session, socket), on_message_callback)
