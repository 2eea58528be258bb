"""A connection that HTTP has given away, as a stream.

Between the transport, which knows TLS and what is still to be sent, and the stream of the new owner stands a pair of
local sockets.  Each side is read as fast as the other takes it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket

from waterspout.iostream import IOStream, StreamClosedError

_CHUNK = 65536


class Relay(asyncio.Protocol):
    """Carries bytes between a transport and ``stream``; `detached` makes it."""

    def __init__(self) -> None:
        near, far = socket.socketpair()
        self._near = IOStream(near)
        #: What the new owner of the connection reads and writes.
        self.stream = IOStream(far)
        self._room = asyncio.Event()
        self._room.set()
        self._transport: asyncio.Transport | None = None
        self._outgoing: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._last_write: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to carry what the owner writes."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._outgoing = asyncio.get_running_loop().create_task(self._carry(transport))

    async def _carry(self, transport: asyncio.Transport) -> None:
        with contextlib.suppress(StreamClosedError):
            while True:
                transport.write(await self._near.read_bytes(_CHUNK, partial=True))
                await self._room.wait()
        # What was written before still goes out.
        transport.close()

    def pause_writing(self) -> None:
        """Let the owner wait."""
        self._room.clear()

    def resume_writing(self) -> None:
        """Go on."""
        self._room.set()

    def data_received(self, data: bytes) -> None:
        """Carry what the peer sent, and let it wait while the owner does not read."""
        with contextlib.suppress(StreamClosedError):
            self._last_write = self._near.write(data)
            # Asked for now: a stream that is closed later has no news to tell.
            self._last_write.add_done_callback(self._on_room)
            if not self._last_write.done() and self._transport is not None:
                self._transport.pause_reading()

    def _on_room(self, done: asyncio.Future[None]) -> None:
        if done.cancelled() or done.exception() is not None or done is not self._last_write:
            return
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def eof_received(self) -> bool:
        """Tell the owner that the peer will send no more; it may still write, but under TLS."""
        self._end(socket.SHUT_WR)
        return self._transport is not None and self._transport.get_extra_info("ssl_object") is None

    def connection_lost(self, exc: Exception | None) -> None:
        """End the stream behind what is still to be read from it."""
        self._room.set()
        self._transport = None
        self._end(socket.SHUT_RDWR)

    def _end(self, how: int) -> None:
        self._ending = asyncio.get_running_loop().create_task(self._end_later(how))

    async def _end_later(self, how: int) -> None:
        with contextlib.suppress(StreamClosedError, OSError):
            if self._last_write is not None:
                await asyncio.wait([self._last_write])
            if self._near.socket is not None:
                self._near.socket.shutdown(how)
