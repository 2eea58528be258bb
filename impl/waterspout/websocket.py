"""WebSocket (RFC 6455) for applications.

A `WebSocketHandler` is a handler of the routing table whose GET request becomes a WebSocket; from then on
messages come by `on_message`, and go by `write_message`.
"""

from __future__ import annotations

import functools
from asyncio import Future
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from waterspout import httputil
from waterspout._loggers import gen_log
from waterspout._websocket_client import WebSocketClientConnection, websocket_connect
from waterspout._websocket_driver import MAX_UNSENT, WebSocketClosedError, WebSocketDriver, WebSocketError
from waterspout._websocket_messages import deflate_options, messages, not_connected, outgoing
from waterspout.escape import utf8
from waterspout.protocol.websocket import (
    DEFAULT_MAX_MESSAGE_SIZE,
    SERVER,
    ClientHello,
    Closed,
    Connection,
    Extension,
    HandshakeError,
    accept_headers,
    answer_offers,
    check_request,
    make_codecs,
)
from waterspout.web import Application, RequestHandler
from waterspout.web.lifecycle import completed, log_failure

__all__ = [
    "WebSocketClientConnection",
    "WebSocketClosedError",
    "WebSocketError",
    "WebSocketHandler",
    "websocket_connect",
]

# What the connection itself says of its end; nobody said it.
_NO_STATUS, _ABNORMAL = 1005, 1006


def _of_http(name: str) -> Callable[..., Any]:
    """Return the method of `RequestHandler` of that name, refused once HTTP is over on the connection."""
    method = getattr(RequestHandler, name)

    @functools.wraps(method)
    def checked(self: WebSocketHandler, *args: Any, **kwargs: Any) -> Any:
        if self._upgraded:
            raise RuntimeError(f"{name}() is for HTTP responses; on a WebSocket use write_message() and close()")
        return method(self, *args, **kwargs)

    return checked


class WebSocketHandler(RequestHandler):
    """Serves one WebSocket; define `on_message`, and `open` and `on_close` as needed.

    Settings: ``websocket_ping_interval`` and ``websocket_ping_timeout`` in seconds,
    ``websocket_max_message_size`` in bytes (10 MiB), and beyond the documentation
    ``websocket_max_send_queue`` in bytes (64 MiB) and ``websocket_send_queue_policy`` ("close" or "drop").

    Messages can be asked for instead: ``async for message in handler``, in `open` or elsewhere; `on_message` is
    not called then.  Documentation: ``websocket.WebSocketHandler``.
    """

    #: What the peer said when it closed, or what its violation was answered with; None if nothing was said.
    close_code: int | None = None
    close_reason: str | None = None

    open_args: tuple[Any, ...]
    open_kwargs: dict[str, Any]

    _upgraded = False

    def __init__(self, application: Application, request: httputil.HTTPServerRequest, **kwargs: Any) -> None:
        self.ws_connection: WebSocketDriver | None = None
        self._subprotocol: str | None = None
        super().__init__(application, request, **kwargs)

    # The handshake

    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Turn the connection into a WebSocket, or refuse with a complete HTTP response.

        Nothing here waits; it is a coroutine so that overrides may wait and then call it.
        """
        self.open_args = args
        self.open_kwargs = kwargs
        request = self.request
        try:
            hello = check_request(request.method or "", request.version, request.headers.to_wire())
            self._check_origin(hello)
        except HandshakeError as error:
            self._refuse(error)
            return
        self._subprotocol = self.select_subprotocol(hello.subprotocols)
        connection, extension = self._negotiate(hello)
        fields = accept_headers(hello, self._subprotocol, extension)
        if self._response.switch_protocols(fields):
            self._upgraded = True
            completed(self)
            request.connection.upgrade(functools.partial(self._connect, connection))
        else:
            completed(self)

    def _negotiate(self, hello: ClientHello) -> tuple[Connection, Extension | None]:
        """Return the connection to be, and the extension that it uses."""
        options = deflate_options(self.get_compression_options())
        answer = answer_offers(hello.extensions, options) if options is not None else None
        if answer is None or options is None:
            return Connection(SERVER, max_message_size=self.max_message_size), None
        extension, agreed = answer
        codecs = make_codecs(agreed, options, for_server=True)
        return Connection(SERVER, max_message_size=self.max_message_size, deflate=codecs), extension

    def _check_origin(self, hello: ClientHello) -> None:
        # The second name is from drafts of the protocol.
        origin = hello.origin or self.request.headers.get("Sec-Websocket-Origin")
        if origin is not None and not self.check_origin(origin):
            raise HandshakeError(403, f"the origin {origin} is not welcome here")

    def _refuse(self, error: HandshakeError) -> None:
        gen_log.info("no WebSocket for %s: %s", self.request.remote_ip, error.message)
        self.set_status(error.status)
        for name, value in error.headers:
            self.set_header(name, value)
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        self.finish(f"{error.message}\n")

    def _connect(self, connection: Connection) -> WebSocketDriver:
        self.ws_connection = WebSocketDriver(
            self,
            connection,
            ping_interval=self.ping_interval,
            ping_timeout=self.ping_timeout,
            max_unsent=self.max_send_queue,
            drop_unsent=self.send_queue_policy == "drop",
        )
        return self.ws_connection

    def check_origin(self, origin: str) -> bool:
        """Whether scripts of ``origin`` may connect; by default those of the same host and port only.

        Browsers let every page connect anywhere, so this is what protects users of other sites.
        Documentation: ``websocket.WebSocketHandler.check_origin``.
        """
        return urlsplit(origin).netloc.lower() == self.request.host.lower()

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """Return one of the subprotocols that the client proposed, or None.

        Documentation: ``websocket.WebSocketHandler.select_subprotocol``.
        """
        return None

    @property
    def selected_subprotocol(self) -> str | None:
        """The subprotocol that was selected.

        Documentation: ``websocket.WebSocketHandler.selected_subprotocol``.
        """
        return self._subprotocol

    def get_compression_options(self) -> dict[str, Any] | None:
        """Return the options of compression, or None, the default, for no compression.

        A dict, an empty one for the defaults, agrees to the permessage-deflate extension if the client offers it
        (RFC 7692).  ``compression_level`` is zlib's, ``mem_level`` the memory of its compressor (1 to 9).  Beyond
        the documentation, ``server_no_context_takeover``, ``client_no_context_takeover``,
        ``server_max_window_bits`` and ``client_max_window_bits`` save memory for each connection.  Other keys
        mean nothing.  Documentation: ``websocket.WebSocketHandler.get_compression_options``.
        """
        return None

    # Settings

    @property
    def ping_interval(self) -> float | None:
        """The seconds between pings, None for none.

        Documentation: ``websocket.WebSocketHandler.ping_interval``.
        """
        interval: float | None = self.settings.get("websocket_ping_interval")
        return interval

    @property
    def ping_timeout(self) -> float | None:
        """The seconds that a pong may take; None means the interval, 0 forever.

        Documentation: ``websocket.WebSocketHandler.ping_timeout``.
        """
        timeout: float | None = self.settings.get("websocket_ping_timeout")
        return timeout

    @property
    def max_message_size(self) -> int:
        """The bytes that a message from the peer may have; more closes the connection with 1009.

        Documentation: ``websocket.WebSocketHandler.max_message_size``.
        """
        size: int = self.settings.get("websocket_max_message_size", DEFAULT_MAX_MESSAGE_SIZE)
        return size

    @property
    def max_send_queue(self) -> int | None:
        """The bytes that may wait for a client that does not read; None for any number.

        What happens with the next message is said by `send_queue_policy`.
        """
        size: int | None = self.settings.get("websocket_max_send_queue", MAX_UNSENT)
        return size

    @property
    def send_queue_policy(self) -> str:
        """What happens with a message that the send queue has no room for.

        "close" closes the connection with 1008, and `write_message` raises `WebSocketClosedError`; "drop" sends
        on without this message, which suits data that the next message replaces.
        """
        policy: str = self.settings.get("websocket_send_queue_policy", "close")
        return policy

    # Hooks

    def _open(self, *args: str, **kwargs: str) -> None:
        pass

    #: Called when the WebSocket is there, with the arguments of the path; may be a coroutine, and messages
    #: wait for it then.  Documentation: ``websocket.WebSocketHandler.open``.
    open: Callable[..., Awaitable[None] | None] = _open

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        """Called with each message; must be defined.  May be a coroutine, and the next message waits for it.

        Documentation: ``websocket.WebSocketHandler.on_message``.
        """
        raise NotImplementedError(f"{type(self).__name__} must define on_message")

    def on_ping(self, data: bytes) -> None:
        """Called when a ping has come and been answered.

        Documentation: ``websocket.WebSocketHandler.on_ping``.
        """

    def on_pong(self, data: bytes) -> None:
        """Called when a pong has come.  Documentation: ``websocket.WebSocketHandler.on_pong``."""

    def on_close(self) -> None:
        """Called once, when the WebSocket is closed; see `close_code` and `close_reason`.

        Documentation: ``websocket.WebSocketHandler.on_close``.
        """

    def on_connection_close(self) -> None:
        """Called when the connection is gone, before or after it became a WebSocket."""
        if self.ws_connection is not None:
            self.ws_connection = None
            self.on_close()

    # Sending

    def write_message(
        self, message: str | bytes | dict[str, Any], binary: bool = False, *, compress: bool = True
    ) -> Future[None]:
        """Send a message: text, or with ``binary`` bytes; a dict is sent as JSON.

        Where compression was agreed on, ``compress`` False sends this message as it is, for content that is
        compressed already or secret.  Returns a future that is done when there is room for more; cancelling it
        takes nothing back.  If the connection is lost before, the future fails.  Raises `WebSocketClosedError`
        when the connection is closed or closing, `ValueError` for text that is not UTF-8, `TypeError` for other
        types.  Documentation: ``websocket.WebSocketHandler.write_message``.
        """
        connection = self.ws_connection
        if connection is None:
            raise not_connected()
        return connection.write_message(outgoing(message, binary), compress)

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Iterate over the messages until the connection is closed; `on_message` is not called any more.

        A message comes out once; several iterations share them.
        """
        return messages(self._connected().inbox())

    def ping(self, data: str | bytes = b"") -> None:
        """Send a ping with up to 125 bytes; the pong comes by `on_pong`.

        Raises `WebSocketClosedError`, and `ValueError` for more bytes.  Documentation:
        ``websocket.WebSocketHandler.ping``.
        """
        self._connected().ping(utf8(data))

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Begin the closing handshake; does nothing when it has begun.  `on_close` is called at its end.

        Raises `ValueError` for a code that may not be sent (RFC 6455, section 7.4) and for a reason of more
        than 123 bytes.  Documentation: ``websocket.WebSocketHandler.close``.
        """
        if self.ws_connection is not None:
            self.ws_connection.close(code, reason)

    def set_nodelay(self, value: bool) -> None:
        """Have TCP send small messages at once (the default here), or collect them.

        Documentation: ``websocket.WebSocketHandler.set_nodelay``.
        """
        self._connected().set_nodelay(value)

    def _connected(self) -> WebSocketDriver:
        if self.ws_connection is None:
            raise not_connected()
        return self.ws_connection

    # What the driver calls

    def _ws_opened(self) -> Any:
        return self.open(*self.open_args, **self.open_kwargs)

    def _ws_closed(self, closed: Closed) -> None:
        if closed.code not in (_NO_STATUS, _ABNORMAL):
            self.close_code = closed.code
            self.close_reason = closed.reason or None
        if not closed.clean and closed.code != _ABNORMAL:
            gen_log.info("WebSocket of %s ended: %s", self._ws_peer(), closed.reason)
        self.on_connection_close()

    def _ws_failed(self, error: BaseException) -> None:
        log_failure(self, error)

    def _ws_peer(self) -> str:
        return str(self.request.remote_ip)

    # HTTP is over after the handshake.
    write = _of_http("write")
    flush = _of_http("flush")
    finish = _of_http("finish")
    redirect = _of_http("redirect")
    set_status = _of_http("set_status")
    set_header = _of_http("set_header")
    set_cookie = _of_http("set_cookie")
