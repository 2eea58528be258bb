"""The client's side of one TCP connection that speaks HTTP/1.1 (RFC 9112).

`ClientDriver` is an `asyncio.Protocol`.  What arrives goes into a `protocol.http1.ClientConnection`, and whoever makes
a request takes the events out one by one; while nobody does, reading stops, so that the server feels it.
"""

from __future__ import annotations

import asyncio
import select
import ssl
from collections.abc import Callable
from typing import cast

from waterspout._write_gate import WriteGate
from waterspout.iostream import StreamClosedError
from waterspout.protocol.http1 import ClientConnection, Event, Limits

#: How many bytes may wait to be looked at before reading stops.
MAX_BACKLOG = 65536
#: Seconds for a server to take what a connection has to say at its end.
ALERT_SECONDS = 1.0


class ClientDriver(asyncio.Protocol):
    """One connection to a server.  ``http`` is its protocol state."""

    __slots__ = (
        "_backlog",
        "_error",
        "_gate",
        "_last",
        "_loop",
        "_lost",
        "_tls",
        "_transport",
        "_waiter",
        "exchanges",
        "http",
        "on_quiet_end",
        "received",
    )

    _transport: asyncio.Transport

    def __init__(self, limits: Limits, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.http = ClientConnection(limits)
        self._gate = WriteGate(loop)
        self._waiter: asyncio.Future[None] | None = None
        self._backlog = 0
        self._error: BaseException | None = None
        self._lost = False
        self._tls: ssl.SSLObject | None = None
        self._last: asyncio.TimerHandle | None = None
        #: How many exchanges were begun.
        self.exchanges = 0
        #: Whether anything came since the exchange began.
        self.received = False
        #: Called when something happens on a connection on which nothing should.
        self.on_quiet_end: Callable[[ClientDriver], None] | None = None

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be ready for the first request."""
        self._transport = cast(asyncio.Transport, transport)
        self._tls = transport.get_extra_info("ssl_object")

    def data_received(self, data: bytes) -> None:
        """Keep what arrived for whoever waits for it."""
        self.received = True
        self.http.feed(data)
        self._backlog += len(data)
        if self._backlog > MAX_BACKLOG and self._waiter is None:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """Note that the server will send no more."""
        self._note_end()
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        self._lost = True
        if self._last is not None:
            self._last.cancel()
        if exc is None and self._tls is not None:
            # Python 3.10 does not announce an end that the server has declared.
            self._note_end()
        self._error = self._error or StreamClosedError(exc)
        self._gate.fail(StreamClosedError(exc))
        self._wake()
        # Already gone; but the TLS transport of Python 3.10 complains of one that was not told.
        self._transport.close()

    def _note_end(self) -> None:
        """Pass on that the server has ended, unless it may have been cut off: TLS has an alert for its end.

        RFC 9112, section 9.8.
        """
        if self._tls is not None:
            try:
                # Beyond the alert there is nothing to read; without it, nothing yet.
                if self._tls.read(1):
                    return
            except ssl.SSLZeroReturnError:
                pass
            except ssl.SSLError:
                return
        self.http.feed_eof()

    def pause_writing(self) -> None:
        """Let writers wait until the server has taken some."""
        self._gate.close()

    def resume_writing(self) -> None:
        """Let writers go on."""
        self._gate.open()

    # For whoever makes a request

    @property
    def transport(self) -> asyncio.Transport:
        """What moves the bytes."""
        return self._transport

    def begin(self) -> None:
        """Note that an exchange begins."""
        self.exchanges += 1
        self.received = False

    async def receive(self) -> Event:
        """Return what the server says next.

        Raises :exc:`StreamClosedError` when the connection is lost, and what `interrupt` was given.
        """
        while True:
            event = self.http.next_event()
            if event is not None:
                return event
            if self._error is not None:
                raise self._error
            if self._backlog:
                self._backlog = 0
                self._transport.resume_reading()
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    def interrupt(self, error: BaseException) -> None:
        """Have `receive` raise ``error`` when nothing more is there."""
        self._error = self._error or error
        self._wake()

    def write(self, octets: bytes) -> asyncio.Future[None]:
        """Send ``octets``; the future is done when there is room for more, and fails when the connection is lost."""
        if self._lost or self._transport.is_closing():
            failed: asyncio.Future[None] = self._loop.create_future()
            failed.set_exception(StreamClosedError())
            failed.exception()
            return failed
        self._transport.write(octets)
        return self._gate.done if self._gate.is_open else self._gate.future

    def end_exchange(self) -> bool:
        """Tell whether the connection is ready for another exchange; to be called when one is over."""
        if self._lost or self._error is not None or self._transport.is_closing() or not self.http.keep_alive:
            return False
        if self.http.our_state is not self.http.their_state:
            return False
        self.http.start_next_message()
        self._backlog = 0
        self._transport.resume_reading()
        return True

    def is_alive(self) -> bool:
        """Tell whether an idle connection is still good, as far as this side knows without asking.

        The loop may not have looked at it for long, so the system is asked, too.
        """
        if self._lost or self._transport.is_closing() or not self.http.keep_alive:
            return False
        descriptor = self._transport.get_extra_info("socket").fileno()
        if descriptor < 0:
            return False
        poll = select.poll()
        poll.register(descriptor, select.POLLIN | select.POLLHUP | select.POLLERR)
        return not poll.poll(0)

    def close(self) -> None:
        """Close the connection; what was written still goes out."""
        self.on_quiet_end = None
        self._transport.close()

    def abort(self) -> None:
        """Close the connection at once; of TLS, as soon as the closure alert is out (RFC 9112, section 9.8)."""
        self.on_quiet_end = None
        if self._tls is None or self._lost:
            self._transport.abort()
        else:
            self._transport.close()
            self._last = self._loop.call_later(ALERT_SECONDS, self._transport.abort)

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None:
            if not waiter.done():
                waiter.set_result(None)
        elif self.on_quiet_end is not None:
            self.on_quiet_end(self)
