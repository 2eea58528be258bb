"""A transport of WebSocket frames, to and from the messages of ASGI.

A WebSocket handler speaks frames (RFC 6455), while a server for ASGI has read them already. This transport is the
missing peer: what a handler's protocol writes is read by the client's side of a connection without I/O, which answers
pings and Close frames, and what the server brings is written by it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from waterspout._asgi_messages import Message
from waterspout.protocol.websocket import (
    CLIENT,
    Closed,
    CloseReceived,
    Connection,
    ConnectionClosedError,
    PayloadError,
)
from waterspout.protocol.websocket import (
    Message as WebSocketMessage,
)

#: From so many bytes on that the server has not taken, the protocol is told to wait.
_HIGH_WATER = 65536
_NO_STATUS = 1005


class FrameTransport(asyncio.Transport):
    """The transport of one WebSocket.

    ``put`` takes a message for the server and returns a future that is done when it was taken; ``ended`` is called
    when the last one was put.
    """

    def __init__(
        self,
        protocol: asyncio.Protocol,
        put: Callable[[Message], asyncio.Future[None]],
        ended: Callable[[], None],
    ) -> None:
        super().__init__()
        self._protocol = protocol
        self._put = put
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        # How long messages may be is decided on both sides of this one.
        self._peer = Connection(CLIENT, max_message_size=sys.maxsize)
        self._unsent = 0
        self._reading = asyncio.Event()
        self._reading.set()
        self._is_closing = False
        self._lost = False
        #: Whether the client has gone, so that nothing is to be sent any more.
        self._gone = False
        protocol.connection_made(self)

    # -- from the server

    async def receive(self, message: Message) -> None:
        """Take a message from the server; waits while the handler has enough of them."""
        await self._reading.wait()
        if self._is_closing:
            return
        try:
            if message["type"] == "websocket.receive":
                text = message.get("text")
                self._peer.send_message(message["bytes"] if text is None else text)
            elif message["type"] == "websocket.disconnect":
                self._gone = True
                code = message.get("code", _NO_STATUS)
                self._peer.close(None if code == _NO_STATUS else code, message.get("reason") or None)
        except (ConnectionClosedError, PayloadError, ValueError):
            # After a Close frame of the handler, or a code that stands for the lack of one: nothing to pass on.
            pass
        self._pass_on()

    def lose(self) -> None:
        """The client has gone."""
        self._is_closing = True
        self._lose()

    def _pass_on(self) -> None:
        """Give the handler's protocol what the peer has for it."""
        data = self._peer.data_to_send()
        if data and not self._lost:
            self._protocol.data_received(data)

    # -- what the protocol calls

    def write(self, data: Any) -> None:
        """Read the frames in ``data``, and send what they say to the server."""
        if self._is_closing:
            return
        for event in self._peer.feed(data):
            if isinstance(event, WebSocketMessage):
                kind = "text" if isinstance(event.data, str) else "bytes"
                self._send({"type": "websocket.send", kind: event.data}, len(event.data))
            elif isinstance(event, CloseReceived):
                code = 1000 if event.code == _NO_STATUS else event.code
                self._send({"type": "websocket.close", "code": code, "reason": event.reason}, 0)
            elif isinstance(event, Closed):
                break
        # Pongs and the answer to a Close frame; not from within the protocol's own call.
        self._loop.call_soon(self._pass_on)

    def _send(self, message: Message, size: int) -> None:
        if self._gone:
            return
        self._unsent += size
        if self._unsent > _HIGH_WATER:
            self._protocol.pause_writing()
        self._put(message).add_done_callback(lambda done: self._taken(size, done))

    def _taken(self, size: int, done: asyncio.Future[None]) -> None:
        if not done.cancelled():
            done.exception()
        before = self._unsent
        self._unsent -= size
        if before > _HIGH_WATER >= self._unsent and not self._lost:
            self._protocol.resume_writing()

    def get_write_buffer_size(self) -> int:
        """Return how many bytes the server has not taken."""
        return self._unsent

    def pause_reading(self) -> None:
        """Take no more messages from the server for a while."""
        self._reading.clear()

    def resume_reading(self) -> None:
        """Go on."""
        self._reading.set()

    def is_reading(self) -> bool:
        """Whether messages are taken."""
        return self._reading.is_set()

    def is_closing(self) -> bool:
        """Whether the end has begun."""
        return self._is_closing

    def close(self) -> None:
        """End the WebSocket; what was written is sent before."""
        if not self._is_closing:
            self._is_closing = True
            self._loop.call_soon(self._lose)

    def abort(self) -> None:
        """End the WebSocket."""
        self.close()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return ``default``: the server keeps its sockets to itself."""
        return default

    def _lose(self) -> None:
        if self._lost:
            return
        self._lost = True
        self._reading.set()
        self._ended()
        self._protocol.connection_lost(None)
