"""HTTP/1.1 on a stream of the caller's, without a server and without a client (RFC 9112).

`HTTP1Connection` reads one message after another and tells it to a delegate, and writes what answers it, or what it is
to answer; `HTTP1ServerConnection` serves requests with it until the stream ends.  Whoever has no stream yet is better
off with `httpserver` and `httpclient`, which do without one.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from waterspout import httputil
from waterspout._error_response import error_response
from waterspout._exchange import calling_back, failed_future
from waterspout._gzip_delegate import GzipMessageDelegate
from waterspout._loggers import app_log, gen_log
from waterspout._server_parameters import HTTP1ConnectionParameters
from waterspout.httputil import HTTPHeaders, HTTPInputError, HTTPMessageDelegate, RequestStartLine, ResponseStartLine
from waterspout.iostream import IOStream, SSLIOStream, StreamClosedError
from waterspout.protocol.http1 import (
    ClientConnection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Failure,
    InformationalResponse,
    Limits,
    LocalProtocolError,
    Request,
    Response,
    ServerConnection,
    State,
)

#: How long, and for how many bytes, a refused peer is still listened to, so that it can read why.
LINGER_SECONDS = 5.0
MAX_LINGER = 16 * 1024 * 1024
#: How long a peer may take for the last bytes of a connection.
FLUSH_SECONDS = 60.0
_PIECE = 65536
_DEFAULT_LIMITS = Limits()
#: Methods whose requests have a body, as a rule: one of unknown length is sent in chunks.
_WITH_BODY = frozenset(("POST", "PUT", "PATCH"))


class HTTP1Connection(httputil.HTTPConnection):
    """One HTTP/1.1 connection on ``stream``, at the client's side or at the server's.

    ``params`` are its bounds, ``context`` is what the program wants to know it by.  An exchange is, for a client,
    `write_headers`, `write` and `finish`, then `read_response`; for a server `read_response`, which reads the request,
    while the delegate, or somebody else, writes the response.  Documentation: ``http1connection.HTTP1Connection``.
    """

    def __init__(
        self,
        stream: IOStream,
        is_client: bool,
        params: HTTP1ConnectionParameters | None = None,
        context: Any = None,
    ) -> None:
        self.stream = stream
        self.is_client = is_client
        self.params = params or HTTP1ConnectionParameters()
        self.no_keep_alive = self.params.no_keep_alive
        self.context = context
        self._http: ClientConnection | ServerConnection
        limits = _limits(self.params, stream)
        self._http = ClientConnection(limits) if is_client else ServerConnection(limits)
        self._begin()

    def _begin(self) -> None:
        """Be ready for an exchange."""
        self._method = ""
        self._last_write: asyncio.Future[None] | None = None
        self._ended = False
        #: Whether the stream was given back.
        self.detached = False
        self._body_timeout = self.params.body_timeout
        self._timer: asyncio.TimerHandle | None = None
        self._max_body_size: int | None = None
        self._close_callback: Callable[[], Any] | None = None
        #: Done when what this side has to say is said, or cannot be said any more.
        self._said: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.stream.set_close_callback(self._on_close)
        if self.no_keep_alive and isinstance(self._http, ServerConnection):
            self._http.close_soon()

    # -- reading

    async def read_response(self, delegate: HTTPMessageDelegate) -> bool:
        """Read one message, a request at the server's side, and tell it to ``delegate``.

        Returns whether there was one; at the server's side, when it is answered.  A message that breaks the protocol
        is logged and, at the server's side, answered; then the stream is closed, as it is after the last exchange.
        Raises :exc:`StreamClosedError` when the stream ends before the message does, and, after closing the stream,
        what ``delegate`` raises.  Cancelling leaves the connection unfit for anything but `close`.
        Documentation: ``http1connection.HTTP1Connection.read_response``.
        """
        if self._http.our_state is State.DONE and self._http.their_state is State.DONE:
            self._http.start_next_message()
            self._begin()
        limit = self.max_body_size
        if self.params.decompress:
            delegate = GzipMessageDelegate(delegate, self, limit or self.stream.max_buffer_size, self.params.chunk_size)
        try:
            await self._read(delegate)
        except StreamClosedError:
            delegate.on_connection_close()
            raise
        except HTTPInputError as error:
            delegate.on_connection_close()
            await self._refuse(error)
            return False
        except Exception:
            self.close()
            raise
        finally:
            self._stop_timer()
        if not self.is_client and self._http.our_state is not State.SWITCHED:
            await self._said
        over = self._http.their_state is State.BODY or not self._http.keep_alive
        if over and not self.detached and self._http.our_state is not State.SWITCHED:
            await self._flushed()
            self.close()
        return True

    async def _read(self, delegate: HTTPMessageDelegate) -> None:
        self._set_timer(self.params.header_timeout)
        while True:
            event = await self._next()
            if isinstance(event, Data):
                if self.is_client or not self._ended:
                    await _awaited(delegate.data_received(event.data))
            elif isinstance(event, EndOfMessage):
                if self.is_client or not self._ended:
                    delegate.finish()
                return
            elif isinstance(event, Request | Response | InformationalResponse):
                await self._head(delegate, event)
                if self._ended and isinstance(event, Request) and event.expect_continue:
                    # Whether the client sends the body that it was not asked for, only closing tells.
                    return
            elif isinstance(event, ConnectionClosed):
                raise StreamClosedError(self.stream.error)
            else:
                assert isinstance(event, Failure)
                raise _refusal(event)

    async def _head(self, delegate: HTTPMessageDelegate, event: Request | Response | InformationalResponse) -> None:
        headers = HTTPHeaders.from_wire(event.headers)
        start_line: RequestStartLine | ResponseStartLine
        if isinstance(event, Request):
            self._method = event.method
            start_line = RequestStartLine(event.method, event.target, event.version)
        else:
            start_line = ResponseStartLine(event.version, event.status, event.reason)
        await _awaited(delegate.headers_received(start_line, headers))
        self._stop_timer()
        if self._http.their_state is not State.BODY:
            return
        self._set_timer(self._body_timeout)
        if isinstance(event, Request) and event.expect_continue and self._http.our_state is State.ANSWERING:
            self.stream.write(self._http.send(InformationalResponse(100, "Continue")))

    async def _next(self) -> Any:
        """Return what the peer says next."""
        while (event := self._http.next_event()) is None:
            try:
                data = await self.stream.read_bytes(_PIECE, partial=True)
            except StreamClosedError:
                if self.stream.error is not None or self._at_end():
                    raise
                self._http.feed_eof()
            else:
                self._http.feed(data)
        if isinstance(event, Failure) and self._at_end():
            # The message was cut off, which is the stream's fault, and not the message's.
            raise StreamClosedError(self.stream.error)
        return event

    def _at_end(self) -> bool:
        return self._http._ended

    # -- writing

    def write_headers(
        self,
        start_line: RequestStartLine | ResponseStartLine,
        headers: HTTPHeaders,
        chunk: bytes | None = None,
        callback: Callable[[], Any] | None = None,
    ) -> asyncio.Future[None]:
        """Write a head, a request's at the client's side, and perhaps a first piece of the body.

        See `httputil.HTTPConnection.write_headers`.  Raises `httputil.HTTPOutputError` for what HTTP does not allow.
        """
        if callback is not None:
            return calling_back(self.write_headers(start_line, headers, chunk), callback)
        try:
            octets = self._encoded_head(start_line, headers)
            if chunk and self._method != "HEAD":
                octets += self._http.send_data(chunk)
        except LocalProtocolError as error:
            raise httputil.HTTPOutputError(str(error)) from error
        return self._send(octets)

    def _encoded_head(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders) -> bytes:
        http = self._http
        if isinstance(http, ServerConnection):
            assert isinstance(start_line, ResponseStartLine)
            return http.send_response(start_line.code, start_line.reason or "", headers.to_wire())
        assert isinstance(start_line, RequestStartLine)
        if http.our_state is State.DONE and http.their_state is State.DONE:
            http.start_next_message()
            self._begin()
        framed = "Content-Length" in headers or "Transfer-Encoding" in headers
        if start_line.method in _WITH_BODY and not framed:
            headers["Transfer-Encoding"] = "chunked"
        fields = headers.to_wire()
        if self.no_keep_alive and "Connection" not in headers:
            fields = [*fields, ("Connection", "close")]
        return http.send(Request(start_line.method, start_line.path, fields))

    def write(self, chunk: bytes, callback: Callable[[], Any] | None = None) -> asyncio.Future[None]:
        """Write a piece of the body; see `httputil.HTTPConnection.write`."""
        if callback is not None:
            return calling_back(self.write(chunk), callback)
        try:
            return self._send(b"" if self._method == "HEAD" else self._http.send_data(chunk))
        except LocalProtocolError as error:
            raise httputil.HTTPOutputError(str(error)) from error

    def finish(self) -> None:
        """Complete what was written; see `httputil.HTTPConnection.finish`.

        Raises `httputil.HTTPOutputError`, and closes the stream, if that is less than the head declared.
        """
        try:
            octets = self._http.send_end()
        except LocalProtocolError as error:
            self.close()
            raise httputil.HTTPOutputError(str(error)) from error
        self._ended = True
        if octets:
            self._send(octets)
        if not self._said.done():
            self._said.set_result(None)

    def _send(self, octets: bytes) -> asyncio.Future[None]:
        try:
            self._last_write = self.stream.write(octets)
        except StreamClosedError as error:
            return failed_future(asyncio.get_running_loop(), error)
        return self._last_write

    # -- bounds

    @property
    def max_body_size(self) -> int | None:
        """The bound on the body that is being read, in bytes."""
        return self.params.max_body_size if self._max_body_size is None else self._max_body_size

    def set_max_body_size(self, max_body_size: int) -> None:
        """Bound the body of this message, in bytes; to be called while its head is received.

        Documentation: ``http1connection.HTTP1Connection.set_max_body_size``.
        """
        self._max_body_size = max_body_size
        if self._http.their_state is State.BODY:
            self._http.set_body_limit(max_body_size)

    def set_body_timeout(self, timeout: float) -> None:
        """Give the body of this message ``timeout`` seconds to arrive.

        Documentation: ``http1connection.HTTP1Connection.set_body_timeout``.
        """
        self._body_timeout = timeout

    def _set_timer(self, seconds: float | None) -> None:
        if seconds is not None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._expired)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expired(self) -> None:
        gen_log.info("the message from %s did not arrive in time", self.context)
        self.stream.close()

    # -- endings

    def set_close_callback(self, callback: Callable[[], Any] | None) -> None:
        """Have ``callback`` called if the stream ends before the exchange does.

        Documentation: ``http1connection.HTTP1Connection.set_close_callback``.
        """
        self._close_callback = callback

    def _on_close(self) -> None:
        if not self._said.done():
            self._said.set_result(None)
        callback, self._close_callback = self._close_callback, None
        if callback is not None:
            callback()

    async def _refuse(self, error: HTTPInputError) -> None:
        gen_log.info("malformed HTTP message from %s: %s", self.context, error)
        if isinstance(self._http, ServerConnection):
            with contextlib.suppress(LocalProtocolError, StreamClosedError):
                self._last_write = self.stream.write(error_response(self._http, error.status))
            await self._flushed()
            await self._linger()
        self.close()

    async def _flushed(self) -> None:
        """Wait until what was written is out, as long as a peer may be given for that."""
        if self._last_write is not None:
            await asyncio.wait([self._last_write], timeout=FLUSH_SECONDS)

    async def _linger(self) -> None:
        """Close our direction, and listen a little longer: closing at once could destroy the answer."""
        # TLS as streams have it cannot be closed in one direction only.
        if self.stream.socket is not None and not isinstance(self.stream, SSLIOStream):
            with contextlib.suppress(OSError):
                self.stream.socket.shutdown(socket.SHUT_WR)
            with contextlib.suppress(StreamClosedError, asyncio.TimeoutError):
                await asyncio.wait_for(self._drain(), LINGER_SECONDS)

    async def _drain(self) -> None:
        for _ in range(MAX_LINGER // _PIECE):
            await self.stream.read_bytes(_PIECE, partial=True)

    def close(self) -> None:
        """Close the stream; what was written still goes out."""
        self._stop_timer()
        self.stream.close()
        if not self._said.done():
            self._said.set_result(None)

    def detach(self) -> IOStream:
        """Give the stream back, with what came behind the messages that were read; this connection is over then.

        Documentation: ``http1connection.HTTP1Connection.detach``.
        """
        self._stop_timer()
        self._close_callback = None
        self.stream.set_close_callback(None)
        if leftover := self._http.leftover():
            self.stream._unread(leftover)
        self.detached = True
        if not self._said.done():
            self._said.set_result(None)
        return self.stream


class HTTP1ServerConnection:
    """Serves the requests that come on ``stream``, one after another, as `httpserver.HTTPServer` does on its own.

    ``params`` are the bounds, ``context`` is what the requests' connections are to be known by.  Documentation:
    ``http1connection.HTTP1ServerConnection``.
    """

    def __init__(self, stream: IOStream, params: HTTP1ConnectionParameters | None = None, context: Any = None) -> None:
        self.stream = stream
        self.params = params or HTTP1ConnectionParameters()
        self.context = context
        self._serving: asyncio.Task[None] | None = None

    def start_serving(self, delegate: httputil.HTTPServerConnectionDelegate) -> None:
        """Begin to serve: ``delegate`` gets each request, and is told of the end of the connection.

        Documentation: ``http1connection.HTTP1ServerConnection.start_serving``.
        """
        self._serving = asyncio.get_running_loop().create_task(self._serve(delegate))

    async def close(self) -> None:
        """Close the stream, and wait until the request that was being answered has been told.

        Cancelling ends the waiting.  Documentation: ``http1connection.HTTP1ServerConnection.close``.
        """
        self.stream.close()
        if self._serving is not None:
            await asyncio.wait([self._serving])

    async def _serve(self, delegate: httputil.HTTPServerConnectionDelegate) -> None:
        http: Any = None
        try:
            while not self.stream.closed():
                connection = HTTP1Connection(self.stream, False, self.params, self.context)
                connection._http = http or connection._http
                if not await connection.read_response(delegate.start_request(self, connection)):
                    return
                http = connection._http
                if http.our_state is State.SWITCHED or connection.detached:
                    return
                if not self.stream.closed():
                    http.start_next_message()
                # Whoever keeps the old one for too long cannot write into the next answer.
                connection._http = ServerConnection()
        except StreamClosedError:
            pass
        except Exception:
            app_log.error("uncaught exception in a request from %s", self.context, exc_info=True)
        finally:
            delegate.on_close(self)


def _limits(params: HTTP1ConnectionParameters, stream: IOStream) -> Limits:
    head = params.max_header_size
    return Limits(
        head=head,
        body=params.max_body_size or stream.max_buffer_size,
        start_line=min(head, _DEFAULT_LIMITS.start_line),
        piece=params.chunk_size,
    )


def _refusal(failure: Failure) -> HTTPInputError:
    error = HTTPInputError(failure.message)
    error.status = failure.status
    return error


async def _awaited(ready: Awaitable[None] | None) -> None:
    if ready is not None:
        await ready
