"""The client's side of a WebSocket: connecting, the opening handshake, and what programs hold afterwards."""

from __future__ import annotations

import asyncio
import socket
import warnings
from asyncio import Future
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from waterspout._client_connect import Connector
from waterspout._client_origin import Proxy, Route
from waterspout._http_client_errors import HTTPClientError, HTTPStreamClosedError, HTTPTimeoutError
from waterspout._loggers import app_log, gen_log
from waterspout._websocket_driver import WebSocketDriver, WebSocketError
from waterspout._websocket_inbox import Inbox
from waterspout._websocket_messages import deflate_options, messages, not_connected, outgoing
from waterspout._websocket_target import Target
from waterspout.escape import utf8
from waterspout.httputil import HTTPHeaders
from waterspout.protocol.http1 import (
    ClientConnection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Event,
    Failure,
    InformationalResponse,
    Limits,
    Request,
    Response,
)
from waterspout.protocol.websocket import (
    CLIENT,
    DEFAULT_MAX_MESSAGE_SIZE,
    Closed,
    Connection,
    DeflateOptions,
    HandshakeError,
    ServerHello,
    check_answer,
    check_response,
    make_codecs,
    make_key,
    make_offer,
    request_headers,
)
from waterspout.tcpclient import TCPClient

#: As much of a refusal's body is kept.
_MAX_REFUSAL = 65536
_NO_STATUS, _ABNORMAL = 1005, 1006

OnMessage = Callable[["str | bytes | None"], Any]


@dataclass(frozen=True)
class _Wanted:
    """What the caller of `websocket_connect` asked for."""

    on_message: OnMessage | None
    options: DeflateOptions | None
    subprotocols: Sequence[str]
    ping_interval: float | None
    ping_timeout: float | None
    max_message_size: int


@dataclass
class HandshakeResponse:
    """What a server answered that opened no WebSocket; ``body`` is at most 64 KiB of it."""

    code: int
    reason: str
    headers: HTTPHeaders
    effective_url: str
    body: bytes = field(default=b"", repr=False)


class WebSocketClientConnection:
    """A WebSocket of a client, made by `websocket_connect`.

    Read by `read_message`, or by ``async for message in connection``, unless messages go to a callback.
    Documentation: ``websocket.WebSocketClientConnection``.
    """

    #: What the server said when it closed, or what its violation was answered with; None if nothing was said.
    close_code: int | None = None
    close_reason: str | None = None

    def __init__(self, target: Target, hello: ServerHello, headers: HTTPHeaders, on_message: OnMessage | None) -> None:
        self._target = target
        self._hello = hello
        self._on_message = on_message
        self._driver: WebSocketDriver | None = None
        self._inbox: Inbox | None = None
        self._first = b""
        #: The fields of the server's answer.
        self.headers = headers

    @property
    def selected_subprotocol(self) -> str | None:
        """The subprotocol that the server selected.

        Documentation: ``websocket.WebSocketClientConnection.selected_subprotocol``.
        """
        return self._hello.subprotocol

    def read_message(
        self, callback: Callable[[Future[str | bytes | None]], Any] | None = None
    ) -> Future[str | bytes | None]:
        """Return a future for the next message: text, bytes, or None when the connection is closed.

        ``callback`` is called with the future when it is done.  Messages that nobody reads make the server wait.
        Cancelling the future loses nothing.  Raises `RuntimeError` when messages go to ``on_message_callback``.
        Documentation: ``websocket.WebSocketClientConnection.read_message``.
        """
        future = self._reading().get()
        if callback is not None:
            future.add_done_callback(callback)
        return future

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Iterate over the messages until the connection is closed."""
        return messages(self._reading())

    def _reading(self) -> Inbox:
        if self._inbox is None:
            raise RuntimeError("messages of this connection go to on_message_callback")
        return self._inbox

    def write_message(
        self, message: str | bytes | dict[str, Any], binary: bool = False, *, compress: bool = True
    ) -> Future[None]:
        """Send a message: text, or with ``binary`` bytes; a dict is sent as JSON.

        As `WebSocketHandler.write_message`.  Documentation:
        ``websocket.WebSocketClientConnection.write_message``.
        """
        return self._connected().write_message(outgoing(message, binary), compress)

    def ping(self, data: str | bytes = b"") -> None:
        """Send a ping with up to 125 bytes.

        Raises `WebSocketClosedError`, and `ValueError` for more bytes.  Documentation:
        ``websocket.WebSocketClientConnection.ping``.
        """
        self._connected().ping(utf8(data))

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Begin the closing handshake; does nothing when it has begun.  `read_message` gives None at its end.

        Raises `ValueError` for a code that may not be sent (RFC 6455, section 7.4) and for a reason of more than
        123 bytes.  Documentation: ``websocket.WebSocketClientConnection.close``.
        """
        if self._driver is not None:
            self._driver.close(code, reason)

    def _connected(self) -> WebSocketDriver:
        if self._driver is None:
            raise not_connected()
        return self._driver

    # What the driver calls

    def on_message(self, message: str | bytes) -> Any:
        """Hand a message to the callback."""
        return self._tell(message)

    def on_ping(self, data: bytes) -> None:
        """Take note of a ping, which has been answered."""

    def on_pong(self, data: bytes) -> None:
        """Take note of a pong."""

    def _tell(self, message: str | bytes | None) -> Any:
        result = self._on_message(message) if self._on_message is not None else None
        # A plain function may return what it likes.
        return result if isinstance(result, Awaitable) else None

    def _attach(self, driver: WebSocketDriver, first: bytes) -> None:
        self._driver = driver
        self._first = first
        if self._on_message is None:
            self._inbox = driver.inbox()

    def _begin(self, transport: asyncio.Transport) -> None:
        """Let messages in: who waited for the connection has it now."""
        driver, first, self._first = self._driver, self._first, b""
        if transport.is_closing():
            return
        if driver is None:
            # Closed before anybody had it; that the server ends the connection is still to be heard.
            transport.resume_reading()
            return
        if first:
            driver.data_received(first)
        driver.begin_reading()

    def _ws_opened(self) -> None:
        pass

    def _ws_closed(self, closed: Closed) -> Any:
        if closed.code not in (_NO_STATUS, _ABNORMAL):
            self.close_code = closed.code
            self.close_reason = closed.reason or None
        if not closed.clean and closed.code != _ABNORMAL:
            gen_log.info("WebSocket to %s ended: %s", self._target.url, closed.reason)
        self._driver = None
        return self._tell(None)

    def _ws_failed(self, error: BaseException) -> None:
        app_log.error("uncaught exception in a callback of the WebSocket to %s", self._target.url, exc_info=error)

    def _ws_peer(self) -> str:
        return self._target.host_field


class ClientHandshake(asyncio.Protocol):
    """Asks for a WebSocket on a new connection, and makes way for its driver."""

    def __init__(self, target: Target, wanted: _Wanted, loop: asyncio.AbstractEventLoop) -> None:
        self.opened: Future[WebSocketClientConnection] = loop.create_future()
        self._target = target
        self._wanted = wanted
        self._key = make_key()
        self._http = ClientConnection(Limits(body=None))
        self._refusal: HandshakeResponse | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request."""
        self._transport = cast(asyncio.Transport, transport)
        wanted = self._wanted
        fields = request_headers(
            self._target.host_field,
            self._key,
            subprotocols=wanted.subprotocols,
            extension=None if wanted.options is None else make_offer(wanted.options),
        )
        own = [(name, value) for name, value in self._target.fields if name.lower() != "sec-websocket-protocol"]
        self._transport.write(self._http.send(Request("GET", self._target.resource, fields + own)))
        self._http.send(EndOfMessage())

    def data_received(self, data: bytes) -> None:
        """Read the answer."""
        self._http.feed(data)
        self._pull()

    def eof_received(self) -> bool:
        """Read to the end, which is where some refusals end."""
        self._http.feed_eof()
        self._pull()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Report a connection that was lost before the answer."""
        self._transport.close()
        self._fail(HTTPStreamClosedError("Stream closed"))

    def _pull(self) -> None:
        while not self.opened.done():
            event = self._http.next_event()
            if event is None:
                return
            try:
                self._take(event)
            except HandshakeError as error:
                self._fail(WebSocketError(f"{self._target.url}: {error.message}"))

    def _take(self, event: Event) -> None:
        if isinstance(event, InformationalResponse):
            if event.status == 101:
                self._switch(event)
        elif isinstance(event, Response):
            headers = HTTPHeaders.from_wire(event.headers)
            self._refusal = HandshakeResponse(event.status, event.reason, headers, self._target.url)
        elif isinstance(event, Data) and self._refusal is not None:
            self._refusal.body += event.data
            if len(self._refusal.body) >= _MAX_REFUSAL:
                self._refused()
        elif isinstance(event, Failure):
            self._fail(WebSocketError(f"{self._target.url}: {event.message}"))
        elif isinstance(event, EndOfMessage):
            self._refused()
        elif isinstance(event, ConnectionClosed):
            self._fail(HTTPStreamClosedError("Stream closed"))

    def _refused(self) -> None:
        response = self._refusal
        assert response is not None
        if response.code < 300:
            # Not an error of HTTP; only there is no WebSocket.
            self._fail(WebSocketError(f"{self._target.url}: answered {response.code} instead of 101"))
            return
        self._fail(HTTPClientError(response.code, response.reason or None, response))

    def _switch(self, answer: InformationalResponse) -> None:
        wanted = self._wanted
        offered = [] if wanted.options is None else [make_offer(wanted.options).name]
        hello = check_response(101, answer.headers, self._key, subprotocols=wanted.subprotocols, extensions=offered)
        connection = self._agreed(hello)
        headers = HTTPHeaders.from_wire(answer.headers)
        client = WebSocketClientConnection(self._target, hello, headers, wanted.on_message)
        driver = WebSocketDriver(
            client, connection, ping_interval=wanted.ping_interval, ping_timeout=wanted.ping_timeout, max_unsent=None
        )
        self._transport.pause_reading()
        self._transport.set_protocol(driver)
        driver.connection_made(self._transport)
        client._attach(driver, self._http.leftover())
        self.opened.set_result(client)

    def _agreed(self, hello: ServerHello) -> Connection:
        """Return the connection to be; raises `HandshakeError` for parameters that the client must refuse."""
        options, size = self._wanted.options, self._wanted.max_message_size
        if options is None or not hello.extensions:
            return Connection(CLIENT, max_message_size=size)
        try:
            agreed = check_answer(hello.extensions[0], options)
        except ValueError as error:
            raise HandshakeError(101, str(error)) from None
        return Connection(CLIENT, max_message_size=size, deflate=make_codecs(agreed, options, for_server=False))

    def _fail(self, error: Exception) -> None:
        if not self.opened.done():
            self.opened.set_exception(error)
            self._transport.close()


def websocket_connect(
    url: Any,
    callback: Callable[[Future[WebSocketClientConnection]], Any] | None = None,
    connect_timeout: float | None = None,
    on_message_callback: OnMessage | None = None,
    compression_options: dict[str, Any] | None = None,
    ping_interval: float | None = None,
    ping_timeout: float | None = None,
    max_message_size: int = DEFAULT_MAX_MESSAGE_SIZE,
    subprotocols: list[str] | None = None,
    resolver: Any = None,
) -> Future[WebSocketClientConnection]:
    """Open a WebSocket; to be called on a running loop.

    ``url`` is a ``ws://`` or ``wss://`` URL, or an object with ``url`` and further attributes of
    `httpclient.HTTPRequest`: headers, TLS (``ssl_options``, or ``validate_cert``, ``ca_certs``, ``client_cert``
    and ``client_key``), ``auth_username`` and ``auth_password``, ``proxy_host`` and what belongs to that, through
    which the WebSocket is opened, ``connect_timeout``.  ``connect_timeout``, 20
    seconds by default, covers connecting and the handshake.  With ``on_message_callback`` messages, and None at
    the end, go to this function, and if it returns something to wait for the next one waits; else they are read
    from the connection.  ``compression_options`` offers compression; they are those of
    `WebSocketHandler.get_compression_options`.  ``ping_interval`` and ``ping_timeout`` are in seconds,
    ``max_message_size`` in bytes.  ``resolver`` has a coroutine ``resolve(host, port)`` that returns pairs of an
    address family and an address.

    Returns a future for the `WebSocketClientConnection`; ``callback`` (deprecated) is called with it when it is
    done, and cancelling it gives up.  Raises `ValueError` for arguments that cannot be right.  The future fails
    with `OSError` when there is no connection, with `httpclient.HTTPClientError` when the server answers with
    another status than 101 or not in time, with `WebSocketError` when its handshake is wrong.
    Documentation: ``websocket.websocket_connect``.
    """
    if callback is not None:
        warnings.warn("await the future instead of giving a callback", DeprecationWarning, stacklevel=2)
    target = Target.of(url, connect_timeout)
    if subprotocols is None:
        subprotocols = [name.strip() for value in target.named("sec-websocket-protocol") for name in value.split(",")]
    request_headers(target.host_field, "", subprotocols=subprotocols)
    options = deflate_options(compression_options)
    wanted = _Wanted(on_message_callback, options, subprotocols, ping_interval, ping_timeout, max_message_size)
    opening = _Opening(target, wanted, resolver)
    loop = asyncio.get_running_loop()
    task = loop.create_task(opening.open())
    if callback is not None:
        task.add_done_callback(callback)
    # One turn later than whoever waits for the connection has it.
    task.add_done_callback(lambda done: loop.call_soon(opening.begin))
    return task


class _Opening:
    """One attempt to open a WebSocket."""

    def __init__(self, target: Target, wanted: _Wanted, resolver: Any) -> None:
        self._target = target
        self._wanted = wanted
        self._resolver = resolver
        self._transport: asyncio.Transport | None = None
        self._connection: WebSocketClientConnection | None = None

    async def open(self) -> WebSocketClientConnection:
        """Connect and shake hands, within the time for that."""
        try:
            self._connection = await asyncio.wait_for(self._handshake(), self._target.connect_timeout or None)
        except asyncio.TimeoutError:
            raise HTTPTimeoutError("Timeout while connecting") from None
        finally:
            if self._connection is None and self._transport is not None:
                self._transport.abort()
        return self._connection

    def begin(self) -> None:
        """Let messages in."""
        if self._connection is not None and self._transport is not None:
            self._connection._begin(self._transport)

    async def _handshake(self) -> WebSocketClientConnection:
        protocol = await (self._connect() if self._target.proxy is None else self._through(self._target.proxy))
        return await protocol.opened

    async def _through(self, proxy: Proxy) -> ClientHandshake:
        """Have the proxy open the connection (RFC 6455, section 4.1)."""
        loop, target = asyncio.get_running_loop(), self._target
        tcp_client = TCPClient(resolver=self._resolver)
        route = Route(target.host, target.port, None, proxy, target.source_address, target.allow_ipv6)
        try:
            driver = await Connector(tcp_client, Limits()).tunnel(route, proxy)
        finally:
            tcp_client.close()
        self._transport = driver.transport
        protocol = ClientHandshake(target, self._wanted, loop)
        if target.context is None:
            self._transport.set_protocol(protocol)
        else:
            secured = await loop.start_tls(self._transport, protocol, target.context, server_hostname=target.host)
            if secured is None:
                raise HTTPStreamClosedError("the connection ended as TLS began")
            self._transport = secured
        protocol.connection_made(self._transport)
        return protocol

    async def _connect(self) -> ClientHandshake:
        target = self._target
        if self._resolver is None:
            return await self._connect_to(target.host, socket.AF_UNSPEC if target.allow_ipv6 else socket.AF_INET)
        error: OSError | None = None
        for family, address in await self._resolver.resolve(target.host, target.port):
            try:
                return await self._connect_to(address[0], family, port=address[1])
            except OSError as failed:
                error = failed
        raise error or OSError(f"no address for {target.host}")

    async def _connect_to(self, host: str, family: int, port: int | None = None) -> ClientHandshake:
        loop, target = asyncio.get_running_loop(), self._target
        # Other loops do not know this argument.
        eyeballs: dict[str, Any] = {"happy_eyeballs_delay": 0.25} if isinstance(loop, asyncio.BaseEventLoop) else {}
        self._transport, protocol = await loop.create_connection(
            lambda: ClientHandshake(target, self._wanted, loop),
            host,
            target.port if port is None else port,
            family=family,
            ssl=target.context,
            server_hostname=target.host if target.context is not None else None,
            local_addr=(target.source_address, 0) if target.source_address else None,
            **eyeballs,
        )
        return protocol
