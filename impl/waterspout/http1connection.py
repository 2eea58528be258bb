"""The server's side of one TCP connection that speaks HTTP/1.1 (RFC 9112).

`ServerDriver` is an `asyncio.Protocol`.  What arrives goes into a `protocol.http1.ServerConnection`; the
events that come out go to the delegate of the current request; the delegate answers through an `Exchange`.
While a synchronous delegate answers, no task, future or timer is made.

Requests on a connection are answered one after another (RFC 9112, section 9.3.2).  While one is unanswered,
the next ones wait in the buffer; when too much waits, reading stops, so that the peer feels it.  A connection
whose requests come in one piece gives way to other connections now and then.

A request that breaks the protocol gets a complete error response, and then the connection is closed in two
steps (RFC 9112, section 9.6): first our direction, and when the peer has had time to read the answer, the
other.
"""

from __future__ import annotations

import asyncio
import enum
import time
from collections.abc import Awaitable
from typing import Any, cast

from waterspout import httputil
from waterspout._connection_context import ConnectionContext
from waterspout._deadline import NEVER, Deadline
from waterspout._error_response import error_response
from waterspout._exchange import Exchange, failed_future
from waterspout._loggers import app_log, gen_log
from waterspout._server_parameters import HTTP1ConnectionParameters, ServerParameters
from waterspout._stream_connection import HTTP1Connection, HTTP1ServerConnection
from waterspout._write_gate import WriteGate
from waterspout.httputil import HTTPHeaders, RequestStartLine
from waterspout.iostream import StreamClosedError
from waterspout.protocol.http1 import (
    Data,
    EndOfMessage,
    Failure,
    InformationalResponse,
    LocalProtocolError,
    Request,
    ServerConnection,
    State,
)
from waterspout.protocol.messages import is_transfer_encoding_chunked, parse_hex_int, parse_int

__all__ = [
    "Exchange",
    "HTTP1Connection",
    "HTTP1ConnectionParameters",
    "HTTP1ServerConnection",
    "ServerDriver",
    "ServerParameters",
    "is_transfer_encoding_chunked",
    "parse_hex_int",
    "parse_int",
]

#: How many requests of one connection are answered before other connections get their turn.
REQUESTS_PER_TURN = 16
#: How many bytes may wait behind an unanswered request before reading stops.
MAX_BACKLOG = 65536
#: How much of an unwanted body is read to save the connection; if more comes, closing is cheaper.
MAX_UNWANTED_BODY = 262144
#: How long, and for how many bytes, a closing connection still listens, so that the peer can read the answer.
LINGER_SECONDS = 5.0
MAX_LINGER = 16 * 1024 * 1024
#: How long an unanswered request is kept after the peer ended its side: it may have gone altogether.
HALF_CLOSED_SECONDS = 30.0
#: How long a connection must have been idle to be closed at once by a server that shuts down.
QUIET_SECONDS = 0.25
#: How long the last bytes of a closing connection may lie without one of them moving.
FLUSH_SECONDS = 60.0


class _Phase(enum.Enum):
    READING = "events are pulled and delivered"
    HELD = "the delegate is not ready for the next event"
    ANSWERING = "the request is complete, its answer is not"
    YIELDING = "other connections have their turn, or the peer must take its answers first"
    LINGERING = "the last answer is out, the peer may read it"
    OVER = "closed, closing, or another protocol's"


class ServerDriver(asyncio.Protocol):
    """Serves one connection.  ``http`` is its protocol state, ``context`` tells who the peer is."""

    __slots__ = (
        "_announced",
        "_answered",
        "_awaited",
        "_backlog",
        "_deadline",
        "_exchange",
        "_expects_continue",
        "_gate",
        "_half_closed",
        "_last_unsent",
        "_loop",
        "_own_body_limit",
        "_parameters",
        "_phase",
        "_pulling",
        "_transport",
        "context",
        "http",
    )

    context: ConnectionContext
    _transport: asyncio.Transport

    def __init__(self, parameters: ServerParameters, loop: asyncio.AbstractEventLoop) -> None:
        self._parameters = parameters
        self._loop = loop
        self.http = ServerConnection(parameters.limits)
        if parameters.no_keep_alive or parameters.ending:
            self.http.close_soon()
        self._gate = WriteGate(loop)
        self._deadline = Deadline(loop, self._expired)
        self._phase = _Phase.READING
        self._pulling = False
        # How many requests were answered in this turn of the loop.
        self._answered = 0
        self._exchange: Exchange | None = None
        self._awaited: asyncio.Future[Any] | None = None
        self._expects_continue: Request | None = None
        # Of the current request, where it is not that of all of them.
        self._own_body_limit: int | None = None
        # Bytes that wait unlooked at, or that were thrown away, depending on the phase.
        self._backlog = 0
        self._half_closed = False
        # Whether the current delegate has heard that the peer is gone.
        self._announced = False
        self._last_unsent = 0

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first request."""
        self._transport = cast(asyncio.Transport, transport)
        self.context = ConnectionContext.of(transport, self._parameters.protocol)
        self._parameters.connections.add(self)
        self._deadline.set(self._parameters.idle_timeout)

    def data_received(self, data: bytes) -> None:
        """Take what arrived, and act on it unless something must happen first."""
        phase = self._phase
        if phase is _Phase.READING:
            self.http.feed(data)
            self._pull()
        elif phase is _Phase.LINGERING:
            self._backlog += len(data)
            if self._backlog > MAX_LINGER:
                self._transport.abort()
        elif phase is not _Phase.OVER:
            self.http.feed(data)
            self._backlog += len(data)
            if self._backlog > MAX_BACKLOG:
                self._transport.pause_reading()

    def eof_received(self) -> bool:
        """Note that the peer will send no more; it may still be waiting for an answer."""
        phase = self._phase
        if phase is _Phase.LINGERING or phase is _Phase.OVER:
            return False
        self._half_closed = True
        self.http.feed_eof()
        if phase is _Phase.READING:
            self._pull()
        else:
            self._peer_ended()
        # TLS as asyncio has it cannot be closed in one direction only.
        return self._phase is not _Phase.OVER and self.context.ssl_object is None

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget everything, and tell whoever still had to do with the connection."""
        self._phase = _Phase.OVER
        # Already gone; but the TLS transport of Python 3.10 complains of one that was not told.
        self._transport.close()
        self._deadline.cancel()
        self._gate.fail(StreamClosedError(exc))
        self._drop_exchange()
        self._parameters.forget(self)

    def pause_writing(self) -> None:
        """Let writers wait until the peer has taken some."""
        self._gate.close()

    def resume_writing(self) -> None:
        """Let writers go on, and the next request if it waits for that."""
        self._gate.open()
        self._resume()

    # From the peer to the delegate

    def _pull(self) -> None:
        """Deliver events until there are none, or one of them has to be waited for."""
        self._pulling = True
        self._answered = 0
        next_event = self.http.next_event
        try:
            while self._pulling and self._phase is _Phase.READING:
                event: Any = next_event()
                kind = type(event)
                try:
                    if kind is Request:
                        self._begin(event)
                        # A request without a body is complete with its head.
                        if self.http.their_state is State.DONE and self._phase is _Phase.READING:
                            self._end()
                    elif kind is Data:
                        self._body(event.data)
                    elif kind is EndOfMessage:
                        self._end()
                    elif event is None:
                        break
                    elif kind is Failure:
                        self._refuse(event.status, event.message)
                    else:
                        self._close()
                except Exception as error:
                    self._failed(error)
        finally:
            self._pulling = False
        if self._half_closed:
            self._peer_ended()

    def _failed(self, error: BaseException) -> None:
        """Answer for a delegate that raised ``error``."""
        if isinstance(error, httputil.HTTPInputError):
            self._refuse(error.status, str(error))
            return
        app_log.error("uncaught exception while serving %s", self.context.remote_ip, exc_info=error)
        self._answer_error(500)

    def _begin(self, request: Request) -> None:
        headers = HTTPHeaders.from_wire(request.headers)
        parameters = self._parameters
        context = self.context
        if parameters.xheaders:
            context = context.behind_proxy(headers, parameters.trusted)
        if request.target[0] != "/" and _is_misdirected(request, context):
            self._refuse(421, f"a request for {request.target[:60]!r} on a connection that is {context.protocol}")
            return
        self._exchange = exchange = Exchange(self, request.method, context)
        self._announced = False
        self._deadline.at = NEVER
        if parameters.body_timeout is not None:
            self._deadline.set(parameters.body_timeout)
        if request.expect_continue:
            self._expects_continue = request
        start_line = RequestStartLine(request.method, request.target, request.version)
        ready = parameters.delegate.begin_request(self, exchange, start_line, headers)
        if ready is not None:
            self._wait_for(ready)
        elif self._expects_continue is not None:
            self._send_continue()

    def _body(self, data: bytes) -> None:
        exchange = self._exchange
        if exchange is None:
            self._backlog += len(data)
            if self._backlog > MAX_UNWANTED_BODY:
                self._linger()
            return
        ready = exchange.delegate.data_received(data)
        if ready is not None:
            self._wait_for(ready)

    def _end(self) -> None:
        exchange = self._exchange
        if exchange is None:
            self.answer_complete()
            return
        self._deadline.at = NEVER
        self._phase = _Phase.ANSWERING
        exchange.delegate.finish()
        self._answered += 1
        if self._phase is _Phase.READING and (self._answered == REQUESTS_PER_TURN or not self._gate.is_open):
            self._yield()

    def _send_continue(self) -> None:
        """Ask for the body (RFC 9110, section 10.1.1), unless it is refused anyway or the answer began."""
        request, self._expects_continue = self._expects_continue, None
        if request is None or self.http.our_state is not State.ANSWERING:
            return
        length, limit = request.content_length, self.body_limit
        if length is None or limit is None or length <= limit:
            self._transport.write(self.http.send(InformationalResponse(100, "Continue")))

    # A delegate that takes its time

    def _wait_for(self, ready: Awaitable[None]) -> None:
        awaited = asyncio.ensure_future(ready)
        if self._phase is not _Phase.READING or self._exchange is None:
            # The answer came first; only what the delegate still raises matters.
            awaited.add_done_callback(self._ignored)
            return
        self._phase = _Phase.HELD
        self._awaited = awaited
        awaited.add_done_callback(self._ready)

    def _ready(self, awaited: asyncio.Future[Any]) -> None:
        if self._awaited is not awaited:
            self._ignored(awaited)
            return
        self._awaited = None
        self._phase = _Phase.READING
        self._deliver_result(awaited)
        self._go_on()

    def _deliver_result(self, awaited: asyncio.Future[Any]) -> None:
        try:
            awaited.result()
            self._send_continue()
        except (Exception, asyncio.CancelledError) as error:
            self._failed(error)

    def _ignored(self, awaited: asyncio.Future[Any]) -> None:
        if not awaited.cancelled() and (error := awaited.exception()) is not None:
            app_log.error("uncaught exception after the answer to %s", self.context.remote_ip, exc_info=error)

    def _yield(self) -> None:
        self._phase = _Phase.YIELDING
        self._loop.call_soon(self._resume)

    def _resume(self) -> None:
        # A peer that sends requests and takes no answers would fill the memory with them.
        if self._phase is _Phase.YIELDING and self._gate.is_open:
            self._phase = _Phase.READING
            self._go_on()

    def _go_on(self) -> None:
        """Act on what has arrived meanwhile."""
        if self._phase is _Phase.READING:
            self._backlog = 0
            self._transport.resume_reading()
            self._pull()
            if self.http.closing:
                self._close_if_idle()

    # From the exchange

    def write(self, octets: bytes) -> asyncio.Future[None]:
        """Send ``octets``; the future is done when there is room for more."""
        self._transport.write(octets)
        gate = self._gate
        return gate.done if gate.is_open else gate.future

    def write_more(self, octets: bytes) -> asyncio.Future[None]:
        """As `write`, for what follows the head."""
        if octets and self._transport.is_closing():
            # Lost, but not told yet: a handler that writes on and on would not let the loop tell it.
            return failed_future(self._loop, StreamClosedError())
        return self.write(octets)

    def answer_complete(self) -> None:
        """Go on after an answer: to the next request, the end of this one, or the end of the connection."""
        self._exchange = self._awaited = None
        try:
            more = self.http.start_next_message()
        except LocalProtocolError:
            self._finish_reading()
            return
        self._expects_continue = self._own_body_limit = None
        self._deadline.set(self._parameters.idle_timeout)
        if self._pulling:
            self._phase = _Phase.READING
            self._pulling = more
        else:
            # Not at once: the caller is a handler that has not returned yet.
            self._yield()

    def _finish_reading(self) -> None:
        """Our side of the exchange is over, the peer's is not, or it is the last one of the connection."""
        http = self.http
        if not http.keep_alive or self._expects_continue is not None:
            # A client that waits for 100 may send the body or not; only closing tells what comes next.
            self._linger() if http.their_state is State.BODY else self._close()
        else:
            # The rest of the body is read and dropped, if it is not too much of it.
            self._backlog = 0
            self._deadline.set(HALF_CLOSED_SECONDS)
            if self._phase is _Phase.HELD:
                self._yield()

    @property
    def body_limit(self) -> int | None:
        """The bound on the body of the current request."""
        own = self._own_body_limit
        return self._parameters.limits.body if own is None else own

    def set_body_limit(self, size: int) -> None:
        """Bound the body of the current request; without effect on one that is there already."""
        if self.http.their_state is State.BODY:
            self.http.set_body_limit(size)
            self._own_body_limit = size

    def set_body_timeout(self, seconds: float) -> None:
        """Give the body of the current request so much time from now."""
        if self.http.their_state is State.BODY:
            self._deadline.set(seconds)

    def hand_over(self, protocol: asyncio.Protocol) -> None:
        """Make ``protocol`` the owner of the connection, and give it what has arrived for it."""
        transport = self._transport
        leftover = self.http.leftover()
        self._phase = _Phase.OVER
        self._exchange = None
        self._deadline.cancel()
        self._parameters.forget(self)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        if not self._gate.is_open:
            protocol.pause_writing()
        if leftover:
            protocol.data_received(leftover)
        if self._half_closed and not protocol.eof_received():
            transport.close()
        elif not transport.is_closing():
            transport.resume_reading()

    # Endings

    def close(self) -> None:
        """Close the connection; what was written still goes out, if it goes soon."""
        self._close()
        if self._last_unsent:
            self._deadline.set(LINGER_SECONDS)

    def wind_down(self) -> None:
        """End the connection as soon as it owes no answer; the next answer says that it is the last one."""
        self.http.close_soon()
        self._close_if_idle()

    def _close_if_idle(self) -> None:
        if self._phase is not _Phase.READING or self._exchange is not None or self.http.leftover():
            return
        idle = time.monotonic() - (self._deadline.at - self._parameters.idle_timeout)
        if idle < QUIET_SECONDS:
            # Who has just connected, or just got an answer, may be about to send a request.
            self._deadline.set(QUIET_SECONDS - idle)
        else:
            self._close()

    def abort(self) -> None:
        """End an answer that cannot be completed, in a way that does not look complete."""
        self._drop_exchange()
        self._close()

    def _refuse(self, status: int, message: str) -> None:
        gen_log.info("malformed HTTP message from %s: %s", self.context.remote_ip, message)
        self._answer_error(status)

    def _answer_error(self, status: int) -> None:
        """Answer with ``status`` if nothing was answered yet, and close in any case."""
        if self._phase in (_Phase.LINGERING, _Phase.OVER):
            return
        self._drop_exchange()
        try:
            octets = error_response(self.http, status)
        except LocalProtocolError:
            # An answer has begun; cutting it short is all that is left to say.
            self._close()
            return
        self._transport.write(octets)
        self._linger()

    def _drop_exchange(self) -> None:
        exchange = self._exchange
        self._exchange = self._awaited = None
        if exchange is None:
            return
        self._guarded(exchange.lose)
        if not self._announced:
            self._guarded(exchange.delegate.on_connection_close)

    def _peer_ended(self) -> None:
        """Tell the delegate of an unanswered request that the peer sends no more; it may still answer.

        Most peers that end their side are gone, and long polls depend on hearing of it.
        """
        if self._exchange is None or self._announced:
            return
        self._announced = True
        self._deadline.set(HALF_CLOSED_SECONDS)
        self._guarded(self._exchange.announce_close)
        if self._exchange is not None:
            self._guarded(self._exchange.delegate.on_connection_close)

    def _guarded(self, callback: Any) -> None:
        try:
            callback()
        except Exception:
            app_log.error("uncaught exception in %r", callback, exc_info=True)

    def _linger(self) -> None:
        """Close our direction, and listen a little longer: closing at once could destroy the answer."""
        if self._half_closed:
            self._close()
            return
        self._phase = _Phase.LINGERING
        self._backlog = 0
        self._deadline.set(LINGER_SECONDS)
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._transport.resume_reading()

    def _close(self) -> None:
        self._phase = _Phase.OVER
        if self._transport.is_closing():
            return
        self._transport.close()
        self._last_unsent = self._transport.get_write_buffer_size()
        if self._last_unsent:
            self._deadline.set(FLUSH_SECONDS)

    def _expired(self) -> None:
        if self._phase is _Phase.OVER:
            self._check_flushing()
        elif self._phase is _Phase.LINGERING:
            self._close()
        elif self._exchange is not None and not self._half_closed:
            self._refuse(408, "the body did not arrive in time")
        elif self._half_closed or self.http.our_state is not State.IDLE:
            self.abort()
        elif self.http.leftover():
            self._refuse(408, "the head did not arrive in time")
        else:
            self._close()

    def _check_flushing(self) -> None:
        unsent = self._transport.get_write_buffer_size()
        if unsent < self._last_unsent:
            self._last_unsent = unsent
            self._deadline.set(FLUSH_SECONDS)
        else:
            self._transport.abort()


def _is_misdirected(request: Request, context: ConnectionContext) -> bool:
    """Whether the target asks for another scheme than this connection's (RFC 9110, sections 7.4 and 15.5.20).

    A request for ``https`` that comes in the clear was sent, or changed, by somebody who must not be believed.
    """
    scheme, separator, _ = request.target.partition("://")
    return bool(separator) and request.method != "CONNECT" and scheme.lower() != context.protocol
