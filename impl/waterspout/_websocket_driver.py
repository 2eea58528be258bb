"""The server's side of one WebSocket connection, after the handshake (RFC 6455).

`WebSocketDriver` is an `asyncio.Protocol`.  What arrives goes into a `protocol.websocket.Connection`; the
events that come out go to the handler, one after another.  While the handler takes its time over one (it
returned something to wait for), the next ones wait in a queue, and when too much waits, reading stops, so
that the peer feels it.  Until then the connection stays alive: pings are answered and pongs noticed as they
arrive.

What the handler sends while it is called leaves in one write when it returns.

Endings: both Close frames exchanged (section 7.1.1), a violation by the peer, which is answered with the
close code for it (section 7.1.7), or the loss of TCP.  A peer that does not answer a Close frame is waited
for, but not for long.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import socket
from collections import deque
from collections.abc import Awaitable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, cast

from waterspout._loggers import gen_log
from waterspout._write_gate import WriteGate
from waterspout.protocol.websocket import (
    SERVER,
    Closed,
    CloseReceived,
    Connection,
    ConnectionClosedError,
    Event,
    Message,
    Ping,
    Pong,
    State,
)
from waterspout.web.lifecycle import FAILURES, log_failure, start_task

if TYPE_CHECKING:
    from waterspout.websocket import WebSocketHandler

#: How many bytes may come while the handler is busy before reading stops; as for HTTP requests that wait.
MAX_BACKLOG = 65536
#: How long the peer may take to answer a Close frame, or to read what was sent before the end.
CLOSE_SECONDS = 5.0

_INTERNAL_ERROR = 1011
_NO_STATUS, _ABNORMAL = 1005, 1006


class WebSocketError(Exception):
    """Base class of the errors of WebSocket connections."""


class WebSocketClosedError(WebSocketError):
    """Something was to be sent on a connection that is closed or closing.

    Documentation: ``websocket.WebSocketClosedError``.
    """


class WebSocketDriver(asyncio.Protocol):
    """Moves bytes and events between one transport and one handler."""

    __slots__ = (
        "_awaiting_pong",
        "_backlog",
        "_busy",
        "_calling",
        "_clean",
        "_context",
        "_end_timer",
        "_ended",
        "_failed",
        "_gate",
        "_handler",
        "_held",
        "_loop",
        "_paused",
        "_ping_interval",
        "_ping_timeout",
        "_ping_timer",
        "_queue",
        "_transport",
        "connection",
    )

    _transport: asyncio.Transport

    def __init__(
        self,
        handler: WebSocketHandler,
        *,
        max_message_size: int,
        ping_interval: float | None,
        ping_timeout: float | None,
    ) -> None:
        self.connection = Connection(SERVER, max_message_size=max_message_size)
        self._handler = handler
        self._loop = loop = asyncio.get_running_loop()
        # Every callback sees the context variables that were set up to the handshake.
        self._context = contextvars.copy_context()
        self._gate = WriteGate(loop)
        self._queue: deque[Event] = deque()
        # What comes behind the peer's Close frame: our answer to it.
        self._held: Iterator[Event] | None = None
        self._busy: asyncio.Task[None] | None = None
        self._calling = False
        # Both Close frames were exchanged.
        self._clean = False
        self._backlog = 0
        self._paused = False
        # The handler failed, so it gets no more messages; the end of the transport was set off.
        self._failed = False
        self._ended = False
        self._end_timer: asyncio.TimerHandle | None = None
        self._ping_interval = ping_interval
        self._ping_timeout = ping_interval if ping_timeout is None else ping_timeout
        self._ping_timer: asyncio.TimerHandle | None = None
        self._awaiting_pong = False

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open the connection for the handler."""
        self._transport = cast(asyncio.Transport, transport)
        if self._ping_interval:
            self._ping_timer = self._loop.call_later(self._ping_interval, self._send_ping)
        self._calling = True
        self._context.run(self._open)
        self._calling = False
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Take what arrived, and hand on what it completes."""
        if self._held is not None:
            # Behind the peer's Close nothing counts.
            return
        self._calling = True
        self._context.run(self._deliver, self.connection.events(data))
        self._calling = False
        if self._busy is not None:
            self._backlog += len(data)
            if self._backlog > MAX_BACKLOG and not self._paused and not self._ended:
                self._paused = True
                self._transport.pause_reading()
        self._flush()

    def eof_received(self) -> bool:
        """Let the transport close: a peer that sends no more cannot take part in the closing handshake."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Hand on that the connection is gone, unless the handler knows."""
        self._ended = True
        self._gate.fail(WebSocketClosedError("the connection was lost before the message had left"))
        for timer in (self._end_timer, self._ping_timer):
            if timer is not None:
                timer.cancel()
        # A Close that waited for the handler was received all the same.
        held, self._held = self._held or iter(()), None
        self._context.run(self._deliver, [*held, *self.connection.feed_eof()])

    def pause_writing(self) -> None:
        """Let writers wait until the peer has taken some."""
        self._gate.close()

    def resume_writing(self) -> None:
        """Let writers go on."""
        self._gate.open()

    # To the handler

    def _open(self) -> None:
        handler = self._handler
        try:
            result: Any = handler.open(*handler.open_args, **handler.open_kwargs)
        except FAILURES as error:
            self._fail(error)
            return
        self._wait_for(result)

    def _deliver(self, events: Iterable[Event]) -> None:
        """Give events to the handler, or let them wait while it is busy.

        The answer to the peer's Close waits with them: it would keep the handler from answering the messages
        that came before (section 5.5.1).
        """
        for event in events:
            kind = type(event)
            if kind is Pong:
                self._awaiting_pong = False
            elif kind is Closed:
                self._clean = cast(Closed, event).clean
            if self._busy is None:
                self._wait_for(self._call(event))
                continue
            self._queue.append(event)
            if kind is CloseReceived and isinstance(events, Iterator):
                self._held = events
                return

    def _call(self, event: Event) -> Any:
        """Give one event to the handler; returns what it returns.  What it raises ends the connection."""
        kind = type(event)
        handler = self._handler
        if kind is Closed:
            self._announce_end(cast(Closed, event))
        elif not self._failed:
            try:
                if kind is Message:
                    return handler.on_message(cast(Message, event).data)
                if kind is Ping:
                    return handler.on_ping(cast(Ping, event).data)
                if kind is Pong:
                    return handler.on_pong(cast(Pong, event).data)
            except FAILURES as error:
                self._fail(error)
        return None

    def _wait_for(self, result: Any) -> None:
        """Let further events wait until ``result`` is done, if it is something to wait for."""
        if result is None:
            return
        if not inspect.isawaitable(result):
            error = TypeError(f"a WebSocket handler's methods return None or an awaitable, not {type(result).__name__}")
            self._fail(error)
            return
        self._busy = start_task(self._drain(result))

    async def _drain(self, awaitable: Awaitable[Any]) -> None:
        """Wait for what the handler is busy with, then go through the queue in the same way."""
        queue = self._queue
        await self._guarded(awaitable)
        while queue:
            result = self._call(queue.popleft())
            if result is not None:
                await self._guarded(result)
        self._busy = None
        held, self._held = self._held, None
        if held is not None:
            self._deliver(held)
        self._backlog = 0
        if self._paused and not self._ended:
            self._transport.resume_reading()
        self._paused = False
        self._flush()

    async def _guarded(self, awaitable: Awaitable[Any]) -> None:
        try:
            await awaitable
        except Exception as error:
            self._fail(error)
        except asyncio.CancelledError as error:
            self._fail(error)
            if not self._transport.is_closing():
                self._transport.close()
            raise

    def _fail(self, error: BaseException) -> None:
        """Close because the handler failed; it gets no more messages."""
        self._failed = True
        if isinstance(error, WebSocketClosedError) and self.connection.state is State.CLOSED:
            # The peer left while the handler was busy answering, which is nobody's mistake.
            gen_log.info("the peer left during %s", self._handler.request.uri)
            return
        log_failure(self._handler, error)
        self.close(_INTERNAL_ERROR, None)

    def _announce_end(self, closed: Closed) -> None:
        handler = self._handler
        if closed.code not in (_NO_STATUS, _ABNORMAL):
            handler.close_code = closed.code
            handler.close_reason = closed.reason or None
        if not closed.clean and closed.code != _ABNORMAL:
            gen_log.info("WebSocket of %s ended: %s", handler.request.remote_ip, closed.reason)
        try:
            handler.on_connection_close()
        except Exception as error:
            log_failure(handler, error)

    # From the handler

    def is_closing(self) -> bool:
        """Whether nothing can be sent any more."""
        return self.connection.state is not State.OPEN

    def write_message(self, message: str | bytes) -> asyncio.Future[None]:
        """Send text or binary; the future is done when there is room for more."""
        if self._transport.is_closing():
            # The transport knows of a loss before it says so.
            raise WebSocketClosedError("the connection is lost or closing")
        try:
            self.connection.send_message(message)
        except ConnectionClosedError as error:
            raise WebSocketClosedError(str(error)) from error
        if not self._calling:
            self._flush()
        gate = self._gate
        return gate.done if gate.is_open else gate.future

    def ping(self, data: bytes) -> None:
        """Send a ping."""
        try:
            self.connection.ping(data)
        except ConnectionClosedError as error:
            raise WebSocketClosedError(str(error)) from error
        if not self._calling:
            self._flush()

    def close(self, code: int | None, reason: str | None) -> None:
        """Begin the closing handshake; the peer has `CLOSE_SECONDS` to answer."""
        self.connection.close(code, reason)
        self._arm_end()
        if not self._calling:
            self._flush()

    def set_nodelay(self, value: bool) -> None:
        """Have small messages sent at once, or collected, by TCP."""
        sock = self._transport.get_extra_info("socket")
        if sock is not None and sock.family != getattr(socket, "AF_UNIX", None):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, int(value))

    # Sending and ending

    def _flush(self) -> None:
        connection = self.connection
        data = connection.data_to_send()
        if data and not self._ended:
            self._transport.write(data)
        if connection.should_drop and not self._ended:
            self._end()

    def _end(self) -> None:
        """End the transport, in a way that lets the peer read the Close frame."""
        self._ended = True
        self._arm_end()
        transport = self._transport
        if self._paused:
            transport.resume_reading()
        if not self._clean and transport.can_write_eof():
            # The peer may still be sending.  Closing at once, with input unread, would reset TCP and
            # destroy the Close frame.
            transport.write_eof()
        else:
            transport.close()

    def _arm_end(self) -> None:
        if self._end_timer is None:
            self._end_timer = self._loop.call_later(CLOSE_SECONDS, self._transport.abort)

    # Keeping alive

    def _send_ping(self) -> None:
        if self.is_closing():
            return
        self._awaiting_pong = True
        self.ping(b"")
        wait = self._ping_timeout or self._ping_interval or 0
        self._ping_timer = self._loop.call_later(wait, self._check_pong)

    def _check_pong(self) -> None:
        timeout, interval = self._ping_timeout or 0, self._ping_interval or 0
        # While we do not read, the silence is ours.
        if timeout and self._awaiting_pong and not self._paused and not self.is_closing():
            gen_log.info("no pong from %s within %s seconds", self._handler.request.remote_ip, timeout)
            self.close(_INTERNAL_ERROR, "no pong in time")
            self._ended = True
            self._transport.close()
            return
        self._ping_timer = self._loop.call_later(max(interval - timeout, 0) if timeout else 0, self._send_ping)
