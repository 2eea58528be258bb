"""One WebSocket connection after its handshake, of a server or a client (RFC 6455).

`WebSocketDriver` is an `asyncio.Protocol`.  What arrives goes into a `protocol.websocket.Connection`; the
events that come out go to the receiver (a handler, or a client's connection), one after another.  While the
receiver takes its time over one (it returned something to wait for), the next ones wait in a queue, and when
too much waits, reading stops, so that the peer feels it.  Until then the connection stays alive: pings are
answered and pongs noticed as they arrive.

What the receiver sends while it is called leaves in one write when it returns.

Endings: both Close frames exchanged (section 7.1.1), a violation by the peer, which is answered with the
close code for it (section 7.1.7), or the loss of TCP.  A peer that does not answer a Close frame is waited
for, but not for long.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import itertools
import socket
from collections import deque
from collections.abc import Awaitable, Iterator
from typing import Any, Protocol, cast

from waterspout._loggers import gen_log
from waterspout._websocket_inbox import OVERHEAD, Inbox
from waterspout._write_gate import WriteGate
from waterspout.protocol.websocket import (
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
from waterspout.web.lifecycle import FAILURES, start_task

#: How many bytes may wait for a busy receiver before reading stops; as for HTTP requests that wait.
MAX_BACKLOG = 65536
#: How many bytes that are sent during one call are collected for one write.
MAX_COLLECTED = 65536
#: How many bytes may wait for a peer that does not read; more than any default message.
MAX_UNSENT = 64 * 1024 * 1024
#: How long the peer may take to answer a Close frame, or to read what was sent before the end.
CLOSE_SECONDS = 5.0
#: How many events of one read are handed on before other connections get their turn.
EVENTS_AT_ONCE = 256

_GOING_AWAY, _POLICY_VIOLATION, _INTERNAL_ERROR = 1001, 1008, 1011


class WebSocketError(Exception):
    """Base class of the errors of WebSocket connections."""


class WebSocketClosedError(WebSocketError):
    """Something was to be sent on a connection that is closed or closing.

    Documentation: ``websocket.WebSocketClosedError``.
    """


class Receiver(Protocol):
    """Who is told what happens on a connection."""

    def on_message(self, message: str | bytes) -> Any:
        """Take a message; the next one waits for what this returns."""

    def on_ping(self, data: bytes) -> Any:
        """Take note of a ping, which has been answered."""

    def on_pong(self, data: bytes) -> Any:
        """Take note of a pong."""

    def _ws_opened(self) -> Any:
        """Begin; the first message waits for what this returns."""

    def _ws_closed(self, closed: Closed) -> Any:
        """Take note of the end; what this returns is waited for."""

    def _ws_failed(self, error: BaseException) -> None:
        """Log what one of the other methods raised."""

    def _ws_peer(self) -> str:
        """Return a name of the peer, for logs."""


class StreamFace:
    """What programs call the stream of a WebSocket, and what they ask of it."""

    __slots__ = ("_driver",)

    def __init__(self, driver: WebSocketDriver) -> None:
        self._driver = driver

    def set_nodelay(self, value: bool) -> None:
        """Have TCP send small messages at once, or collect them."""
        self._driver.set_nodelay(value)

    def closed(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._driver.is_closing()


class WebSocketDriver(asyncio.Protocol):
    """Moves bytes and events between one transport and one receiver."""

    __slots__ = (
        "_awaiting_pong",
        "_backlog",
        "_busy",
        "_calling",
        "_clean",
        "_collected",
        "_context",
        "_drop_unsent",
        "_end_timer",
        "_ended",
        "_failed",
        "_gate",
        "_gone",
        "_held",
        "_inbox",
        "_loop",
        "_max_unsent",
        "_paused",
        "_ping_interval",
        "_ping_timeout",
        "_ping_timer",
        "_queue",
        "_receiver",
        "_transport",
        "connection",
    )

    _transport: asyncio.Transport

    def __init__(
        self,
        receiver: Receiver,
        connection: Connection,
        *,
        ping_interval: float | None = None,
        ping_timeout: float | None = None,
        max_unsent: int | None = MAX_UNSENT,
        drop_unsent: bool = False,
    ) -> None:
        self.connection = connection
        self._receiver = receiver
        self._loop = loop = asyncio.get_running_loop()
        # Every callback sees the context variables that were set up to the handshake.
        self._context = contextvars.copy_context()
        self._gate = WriteGate(loop)
        self._gone: asyncio.Future[None] | None = None
        self._max_unsent = max_unsent
        self._drop_unsent = drop_unsent
        self._queue: deque[Event] = deque()
        self._inbox: Inbox | None = None
        # What was received and not looked at: too much waits before it, or it stands behind the peer's Close
        # frame, that is, it is our answer to that.
        self._held: Iterator[Event] | None = None
        self._busy: asyncio.Task[None] | None = None
        self._calling = False
        # What was sent since the last write.
        self._collected = 0
        # Both Close frames were exchanged.
        self._clean = False
        # What the waiting messages take.
        self._backlog = 0
        self._paused = False
        # The receiver failed, so it gets no more messages; the end of the transport was set off.
        self._failed = False
        self._ended = False
        self._end_timer: asyncio.TimerHandle | None = None
        self._ping_interval = ping_interval
        self._ping_timeout = ping_interval if ping_timeout is None else ping_timeout
        self._ping_timer: asyncio.TimerHandle | None = None
        self._awaiting_pong = False

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open the connection for the receiver."""
        self._transport = cast(asyncio.Transport, transport)
        if self._ping_interval:
            self._ping_timer = self._loop.call_later(self._ping_interval, self._send_ping)
        self._calling = True
        self._context.run(self._open)
        self._calling = False
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Take what arrived, and hand on what it completes."""
        events = self.connection.events(data)
        if self._held is not None:
            # Some transports deliver a little more after they were told to pause. Behind the peer's Close,
            # where reading goes on, nothing counts.
            if self._paused and not self._ended:
                self._held = itertools.chain(self._held, events)
            return
        self._calling = True
        self._context.run(self._deliver, events)
        self._calling = False
        self._flush()

    def begin_reading(self) -> None:
        """Read on a transport that was paused before it came here."""
        if not self._paused and not self._ended:
            self._transport.resume_reading()

    def eof_received(self) -> bool:
        """Let the transport close: a peer that sends no more cannot take part in the closing handshake."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Hand on that the connection is gone, unless the receiver knows."""
        self._ended = True
        if not self._transport.is_closing():
            # A TLS transport that the peer ended would complain when it is thrown away.
            self._transport.close()
        self._gate.fail(WebSocketClosedError("the connection was lost before the message had left"))
        for timer in (self._end_timer, self._ping_timer):
            if timer is not None:
                timer.cancel()
        # What waits for the receiver was received all the same, and comes before the end.
        self._held = itertools.chain(self._held or (), self._events_at_end())
        self._go_on()
        self._lost().set_result(None)

    def _events_at_end(self) -> Iterator[Event]:
        # Asked for when what came before has been looked at.
        yield from self.connection.feed_eof()

    def pause_writing(self) -> None:
        """Let writers wait until the peer has taken some."""
        self._gate.close()

    def resume_writing(self) -> None:
        """Let writers go on."""
        self._gate.open()

    # To the receiver

    def _open(self) -> None:
        try:
            result: Any = self._receiver._ws_opened()
        except FAILURES as error:
            self._fail(error)
            return
        self._wait_for(result)

    def _deliver(self, events: Iterator[Event]) -> None:
        """Give events to the receiver, or let them wait while it is busy, or while it is others' turn.

        The answer to the peer's Close waits with them: it would keep the receiver from answering the messages
        that came before (section 5.5.1).
        """
        left = EVENTS_AT_ONCE
        for event in events:
            left -= 1
            if self._busy is None:
                result = self._call(event)
                if result is not None:
                    self._wait_for(result)
            else:
                self._keep(event)
                if type(event) is CloseReceived:
                    self._held = events
                    return
            if self._backlog > MAX_BACKLOG or not left:
                self._hold(events, others_turn=not left)
                return

    def _keep(self, event: Event) -> None:
        self._queue.append(event)
        self._backlog += _size(event)
        if type(event) is Pong:
            self._awaiting_pong = False

    def _hold(self, events: Iterator[Event], others_turn: bool) -> None:
        """Look at the rest of what was received later, and read no more until then."""
        self._held = events
        if not self._paused and not self._ended:
            self._paused = True
            self._transport.pause_reading()
        if others_turn and self._backlog <= MAX_BACKLOG:
            self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        """Look at what is held, and read again, if there is room for it."""
        if self._busy is not None or self._backlog > MAX_BACKLOG:
            return
        held, self._held = self._held, None
        if held is not None:
            self._calling = True
            self._context.run(self._deliver, held)
            self._calling = False
        if self._paused and self._held is None and not self._ended:
            self._paused = False
            self._transport.resume_reading()
        self._flush()

    def _call(self, event: Event) -> Any:
        """Give one event to the receiver; returns what it returns.  What it raises ends the connection."""
        if isinstance(event, Closed):
            return self._announce_end(event)
        if not self._failed:
            try:
                if isinstance(event, Message):
                    if self._inbox is None:
                        return self._receiver.on_message(event.data)
                    self._backlog += self._inbox.put(event.data)
                elif isinstance(event, Ping):
                    return self._receiver.on_ping(event.data)
                elif isinstance(event, Pong):
                    self._awaiting_pong = False
                    return self._receiver.on_pong(event.data)
            except FAILURES as error:
                self._fail(error)
        return None

    def _wait_for(self, result: Any) -> None:
        """Let further events wait until ``result`` is done, if it is something to wait for."""
        if result is None:
            return
        if not inspect.isawaitable(result):
            error = TypeError(f"a WebSocket's methods return None or an awaitable, not {type(result).__name__}")
            self._fail(error)
            return
        self._busy = start_task(self._drain(result))

    async def _drain(self, awaitable: Awaitable[Any]) -> None:
        """Wait for what the receiver is busy with, then go through the queue in the same way."""
        queue = self._queue
        await self._guarded(awaitable)
        while queue:
            event = queue.popleft()
            self._backlog -= _size(event)
            result = self._call(event)
            if result is not None:
                await self._guarded(result)
        if self._busy is asyncio.current_task():
            self._busy = None
        self._go_on()

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

    def inbox(self) -> Inbox:
        """Return the queue that messages go to from now on, in place of the receiver's `on_message`."""
        inbox = self._inbox
        if inbox is None:
            inbox = self._inbox = Inbox(self._loop, self._taken)
            # What the receiver is busy with is the reading, perhaps; nothing may wait for that.
            self._busy = None
            waiting = list(self._queue)
            self._queue.clear()
            self._backlog = 0
            for event in waiting:
                self._call(event)
            self._loop.call_soon(self._go_on)
        return inbox

    def _taken(self, size: int) -> None:
        self._backlog -= size
        if self._held is not None or self._paused:
            self._loop.call_soon(self._go_on)

    def _fail(self, error: BaseException) -> None:
        """Close because the receiver failed; it gets no more messages."""
        self._failed = True
        if isinstance(error, WebSocketClosedError) and self.connection.state is State.CLOSED:
            # The peer left while the receiver was busy answering, which is nobody's mistake.
            gen_log.info("%s left while it was being answered", self._receiver._ws_peer())
            return
        self._receiver._ws_failed(error)
        self.close(_INTERNAL_ERROR, None)

    def _announce_end(self, closed: Closed) -> Any:
        self._clean = closed.clean
        if closed.clean and not self.connection.should_drop:
            # A client leaves the end of TCP to the server (section 7.1.1), but not for ever.
            self._arm_end()
        if self._inbox is not None:
            self._inbox.close()
        try:
            return self._receiver._ws_closed(closed)
        except Exception as error:
            self._receiver._ws_failed(error)
            return None

    # From the receiver

    def is_closing(self) -> bool:
        """Whether nothing can be sent any more."""
        return self.connection.state is not State.OPEN

    def write_message(self, message: str | bytes, compress: bool = True) -> asyncio.Future[None]:
        """Send text or binary; the future is done when there is room for more."""
        transport, gate = self._transport, self._gate
        if transport.is_closing():
            # The transport knows of a loss before it says so.
            raise WebSocketClosedError("the connection is lost or closing")
        if not gate.is_open and self._is_too_much(len(message)):
            return gate.done
        try:
            self.connection.send_message(message, compress)
        except ConnectionClosedError as error:
            raise WebSocketClosedError(str(error)) from error
        self._collected += len(message)
        if not self._calling or self._collected > MAX_COLLECTED:
            self._flush()
        return gate.done if gate.is_open else gate.future

    def _is_too_much(self, size: int) -> bool:
        """Whether a message is to be dropped because the peer does not read; closes if that is the policy."""
        limit = self._max_unsent
        if limit is None or self.is_closing() or self._transport.get_write_buffer_size() + size <= limit:
            return False
        if self._drop_unsent:
            return True
        gen_log.warning("%s does not read: more than %d bytes wait for it", self._receiver._ws_peer(), limit)
        self.close(_POLICY_VIOLATION, "messages are not read")
        raise WebSocketClosedError(f"the peer does not read: more than {limit} bytes wait for it")

    def ping(self, data: bytes) -> None:
        """Send a ping."""
        try:
            self.connection.ping(data)
        except ConnectionClosedError as error:
            raise WebSocketClosedError(str(error)) from error
        if not self._calling:
            self._flush()

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Begin the closing handshake; the peer has `CLOSE_SECONDS` to answer."""
        self.connection.close(code, reason)
        self._arm_end()
        if not self._calling:
            self._flush()

    def abort(self) -> None:
        """End the connection without a closing handshake."""
        self._ended = True
        self._transport.abort()

    async def shut_down(self) -> None:
        """Close with 1001, because the server goes away, and wait until the connection is gone.

        For the server's own graceful shutdown.  It takes `CLOSE_SECONDS` at most; cancelling stops the waiting
        only.  RFC 6455, section 7.4.1.
        """
        gone = self._lost()
        if not gone.done():
            self.close(_GOING_AWAY, "the server is going away")
        await asyncio.shield(gone)

    def _lost(self) -> asyncio.Future[None]:
        if self._gone is None:
            self._gone = self._loop.create_future()
        return self._gone

    @property
    def stream(self) -> StreamFace:
        """The connection, with those methods of a stream that programs have always called on it."""
        return StreamFace(self)

    def set_nodelay(self, value: bool) -> None:
        """Have small messages sent at once, or collected, by TCP."""
        sock = self._transport.get_extra_info("socket")
        if sock is not None and sock.family != getattr(socket, "AF_UNIX", None):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, int(value))

    # Sending and ending

    def _flush(self) -> None:
        connection = self.connection
        data = connection.data_to_send()
        self._collected = 0
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
            try:
                transport.write_eof()
            except OSError:
                # The peer has reset the connection, which the loop has yet to notice.
                transport.abort()
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
            gen_log.info("no pong from %s within %s seconds", self._receiver._ws_peer(), timeout)
            self.close(_INTERNAL_ERROR, "no pong in time")
            self._ended = True
            self._transport.close()
            return
        self._ping_timer = self._loop.call_later(max(interval - timeout, 0) if timeout else 0, self._send_ping)


def _size(event: Event) -> int:
    return OVERHEAD + (len(event.data) if isinstance(event, Message) else 0)
