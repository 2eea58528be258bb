"""An ``Application`` under a server for ASGI.

The server's messages are told to the delegate of a request, as this package's own server tells it what comes from a
connection; what the delegate writes becomes messages again. A WebSocket handler speaks frames to a peer in this process
(`_asgi_socket`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from waterspout._asgi_messages import OF_CONNECTION, Message, Receive, Scope, Send, from_asgi, to_asgi
from waterspout._asgi_socket import FrameTransport
from waterspout._connection_context import ConnectionContext
from waterspout._exchange import calling_back, failed_future
from waterspout._loggers import app_log, gen_log
from waterspout.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPInputError,
    HTTPMessageDelegate,
    HTTPOutputError,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
    responses,
)
from waterspout.iostream import StreamClosedError
from waterspout.protocol.websocket import make_key

Hook = Callable[[], Awaitable[Any]]

_DEFAULT_BODY = 100 * 1024 * 1024
#: Fields of a WebSocket handshake that the bridge makes itself.
_OF_HANDSHAKE = frozenset((b"sec-websocket-key", b"sec-websocket-version", b"sec-websocket-extensions"))
#: Fields of answers that every server for ASGI writes itself.
_OF_SERVER = OF_CONNECTION.union((b"date", b"server"))
_OF_ACCEPTING = _OF_SERVER.union((b"sec-websocket-accept", b"sec-websocket-protocol"))
_PATH_SAFE = "/:@!$&'()*+,;=~"


class ASGIAdapter:
    """Makes an application for ASGI of a `web.Application`, or of any connection delegate.

    ``startup`` and ``shutdown`` are coroutine functions without arguments, called when the server begins and ends;
    when ``startup`` raises, the server does not begin. ``max_body_size`` bounds the body of a request in bytes
    (100 MiB); a longer one is answered with 413. Time limits are the server's.
    """

    def __init__(
        self,
        application: HTTPServerConnectionDelegate,
        *,
        startup: Hook | None = None,
        shutdown: Hook | None = None,
        max_body_size: int = _DEFAULT_BODY,
    ) -> None:
        if not isinstance(application, HTTPServerConnectionDelegate):
            raise TypeError(f"ASGIAdapter takes an Application or another connection delegate, not {application!r}")
        self.application = application
        self.max_body_size = max_body_size
        self._hooks = {"startup": startup, "shutdown": shutdown}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection in the sense of ASGI; what a server calls.

        Cancelling it counts as the loss of the connection.
        """
        kind = scope["type"]
        if kind == "lifespan":
            await self._live(receive, send)
        elif kind == "http":
            await _HTTPExchange(scope, receive, send, self.max_body_size).run(self.application)
        elif kind == "websocket":
            await _WebSocketExchange(scope, receive, send, self.max_body_size).run(self.application)
        else:
            raise ValueError(f"this application knows http, websocket and lifespan, not {kind!r}")

    async def _live(self, receive: Receive, send: Send) -> None:
        for phase in ("startup", "shutdown"):
            await receive()
            hook = self._hooks[phase]
            try:
                if hook is not None:
                    await hook()
            except Exception as error:
                app_log.error("exception in the %s of the application", phase, exc_info=True)
                await send({"type": f"lifespan.{phase}.failed", "message": str(error)})
                return
            await send({"type": f"lifespan.{phase}.complete"})


class _HTTPExchange(HTTPConnection):
    """One request and its answer, between a server for ASGI and a delegate."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, max_body_size: int) -> None:
        self.scope = scope
        self.context = ConnectionContext(_tuple(scope.get("client")), self.protocol(), None)
        self.max_body_size = max_body_size
        self.delegate = HTTPMessageDelegate()
        self._receive = receive
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._messages: deque[tuple[Message, asyncio.Future[None]]] = deque()
        #: Set when there is something for the sender to do.
        self._stirred = asyncio.Event()
        self._started = False
        self._finished = False
        self._lost = False
        self._close_callback: Callable[[], None] | None = None

    def protocol(self) -> str:
        """Return the scheme of the request's URL."""
        return str(self.scope.get("scheme", "http"))

    # -- from the server

    async def run(self, application: HTTPServerConnectionDelegate) -> None:
        """Have the application answer; returns when the answer is out or the client gone."""
        receiver = self._loop.create_task(self._tell(application))
        sender = self._loop.create_task(self._send_all())
        try:
            await asyncio.wait((receiver, sender), return_when=asyncio.FIRST_COMPLETED)
            if receiver.done():
                # Raises what the application failed with; else only the rest of the answer is to be waited for.
                receiver.result()
            await sender
        finally:
            receiver.cancel()
            sender.cancel()
            if not self._finished:
                self._lose()

    async def _tell(self, application: HTTPServerConnectionDelegate) -> None:
        """Tell the delegate what the server receives, until the client has gone."""
        try:
            self.delegate = application.start_request(self, self)
            await _done(self.delegate.headers_received(self.start_line(), self.headers()))
            await self._tell_body()
        except HTTPInputError as error:
            gen_log.info("malformed HTTP message from %s: %s", self.context.remote_ip, error)
            self._refuse(400)

    async def _tell_body(self) -> None:
        received = 0
        whole = False
        while (message := await self._receive())["type"] != "http.disconnect":
            body = message.get("body", b"")
            received += len(body)
            if received > self.max_body_size:
                gen_log.info("the body from %s is too long", self.context.remote_ip)
                self._refuse(413)
                return
            if whole:
                # Nothing but the end is expected; a server that says otherwise is not to keep the loop busy.
                await asyncio.sleep(0)
                continue
            if body:
                await _done(self.delegate.data_received(body))
            if not message.get("more_body", False):
                whole = True
                self.delegate.finish()
        self._lose()

    def start_line(self) -> RequestStartLine:
        """Return the line that the request has, or would have, in HTTP/1.1."""
        scope = self.scope
        raw = scope.get("raw_path")
        path = quote(scope["path"], _PATH_SAFE) if raw is None else raw.decode("latin-1")
        query = scope.get("query_string", b"").decode("latin-1")
        target = f"{path}?{query}" if query else path
        return RequestStartLine(scope["method"], target, f"HTTP/{scope['http_version']}")

    def headers(self) -> HTTPHeaders:
        """Return the header fields of the request."""
        headers = HTTPHeaders()
        for name, value in self.scope["headers"]:
            headers.add(name.decode("latin-1"), value.decode("latin-1"))
        return headers

    def _refuse(self, status: int) -> None:
        if self._started:
            self._lose()
            return
        content = f"{status}: {responses[status]}\n".encode()
        head = HTTPHeaders({"Content-Type": "text/plain", "Content-Length": str(len(content))})
        self.write_headers(ResponseStartLine("HTTP/1.1", status, responses[status]), head, content)
        self.finish()
        self.delegate.on_connection_close()

    def _lose(self) -> None:
        """The client has gone, or does not get an answer that is whole."""
        if self._lost:
            return
        self._lost = True
        self._stirred.set()
        while self._messages:
            _, future = self._messages.popleft()
            if not future.done():
                future.set_exception(StreamClosedError())
                future.exception()
        if self._finished:
            return
        if self._close_callback is not None:
            self._close_callback()
        self.delegate.on_connection_close()

    # -- to the server

    async def _send_all(self) -> None:
        """Pass on what is written, one message after another, until the answer is complete or the client gone."""
        while not self._lost:
            if not self._messages:
                if self._finished:
                    return
                self._stirred.clear()
                await self._stirred.wait()
                continue
            message, future = self._messages[0]
            try:
                await self._send(message)
            except OSError:
                # How a server for ASGI says that the client has gone.
                self._lose()
                return
            if self._messages:
                self._messages.popleft()
            if not future.done():
                future.set_result(None)

    def put(self, message: Message) -> asyncio.Future[None]:
        """Send a message after those before it; the future is done when the server has taken it."""
        if self._lost:
            return failed_future(self._loop, StreamClosedError())
        if self._finished:
            raise HTTPOutputError("this answer is finished; write before finish()")
        future: asyncio.Future[None] = self._loop.create_future()
        self._messages.append((message, future))
        self._stirred.set()
        return future

    def write_headers(
        self,
        start_line: RequestStartLine | ResponseStartLine,
        headers: HTTPHeaders,
        chunk: bytes | None = None,
        callback: Callable[[], Any] | None = None,
    ) -> asyncio.Future[None]:
        """Write the head; see `httputil.HTTPConnection.write_headers`."""
        if callback is not None:
            return calling_back(self.write_headers(start_line, headers, chunk), callback)
        assert isinstance(start_line, ResponseStartLine)
        self._started = True
        fields = [field for field in to_asgi(headers.get_all()) if field[0] not in _OF_SERVER]
        sent = self.put({"type": f"{self.prefix}http.response.start", "status": start_line.code, "headers": fields})
        return self.write(chunk) if chunk and self.scope["method"] != "HEAD" else sent

    #: What stands before the types of messages about answers.
    prefix = ""

    def write(self, chunk: bytes, callback: Callable[[], Any] | None = None) -> asyncio.Future[None]:
        """Write content; see `httputil.HTTPConnection.write`."""
        if callback is not None:
            return calling_back(self.write(chunk), callback)
        if self.scope["method"] == "HEAD":
            chunk = b""
        return self.put({"type": f"{self.prefix}http.response.body", "body": bytes(chunk), "more_body": True})

    def finish(self) -> None:
        """End the answer; see `httputil.HTTPConnection.finish`."""
        if not self._lost:
            self.put({"type": f"{self.prefix}http.response.body", "body": b"", "more_body": False})
        self._finished = True
        self._close_callback = None

    def set_close_callback(self, callback: Callable[[], None] | None) -> None:
        """Have ``callback`` called if the client goes before the answer is complete."""
        self._close_callback = callback

    def set_max_body_size(self, max_body_size: int) -> None:
        """Bound the body of this request, in bytes."""
        self.max_body_size = max_body_size

    def set_body_timeout(self, timeout: float) -> None:
        """Do nothing: how long a body may take is the server's to say."""


class _WebSocketExchange(_HTTPExchange):
    """A handshake, told to a handler as the request that it is in HTTP/1.1, and the WebSocket after it."""

    _transport: FrameTransport | None = None
    _accepting = False

    def protocol(self) -> str:
        """Return the scheme that the handshake has in HTTP."""
        return "https" if self.scope.get("scheme") == "wss" else "http"

    def start_line(self) -> RequestStartLine:
        """Return the request line of the handshake."""
        self.scope = {**self.scope, "method": "GET", "http_version": "1.1"}
        return super().start_line()

    def headers(self) -> HTTPHeaders:
        """Return the fields of the handshake, with those that the server kept to itself."""
        dropped = OF_CONNECTION | _OF_HANDSHAKE | {b"sec-websocket-protocol"}
        given = [field for field in self.scope["headers"] if field[0].lower() not in dropped]
        headers = HTTPHeaders({"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"})
        headers["Sec-WebSocket-Key"] = make_key()
        if self.scope.get("subprotocols"):
            headers["Sec-WebSocket-Protocol"] = ", ".join(self.scope["subprotocols"])
        for name, value in from_asgi(given):
            headers.add(name, value)
        return headers

    async def _tell_body(self) -> None:
        message = await self._receive()
        if message["type"] != "websocket.connect":
            self._lose()
            return
        self.delegate.finish()
        while message["type"] != "websocket.disconnect":
            message = await self._receive()
            if self._transport is None:
                # Nothing but the end can come before the handshake is answered.
                self._lose()
                return
            await self._transport.receive(message)
        self._lose()

    def write_headers(
        self,
        start_line: RequestStartLine | ResponseStartLine,
        headers: HTTPHeaders,
        chunk: bytes | None = None,
        callback: Callable[[], Any] | None = None,
    ) -> asyncio.Future[None]:
        """Accept the handshake, or refuse it with an answer where the server can pass one on."""
        if callback is not None:
            return calling_back(self.write_headers(start_line, headers, chunk), callback)
        assert isinstance(start_line, ResponseStartLine)
        self._started = True
        if start_line.code == 101:
            self._accepting = True
            fields = [field for field in to_asgi(headers.get_all()) if field[0] not in _OF_ACCEPTING]
            protocol = headers.get("Sec-WebSocket-Protocol")
            return self.put({"type": "websocket.accept", "subprotocol": protocol, "headers": fields})
        if "websocket.http.response" in (self.scope.get("extensions") or {}):
            self.prefix = "websocket."
            return super().write_headers(start_line, headers, chunk)
        return self.put({"type": "websocket.close", "code": 1000, "reason": start_line.reason})

    def write(self, chunk: bytes, callback: Callable[[], Any] | None = None) -> asyncio.Future[None]:
        """Write the content of an answer that refuses."""
        if callback is not None:
            return calling_back(self.write(chunk), callback)
        if self.prefix:
            return super().write(chunk)
        done: asyncio.Future[None] = self._loop.create_future()
        done.set_result(None)
        return done

    def finish(self) -> None:
        """End an answer that refuses."""
        if self.prefix:
            super().finish()
        elif not self._accepting:
            self._finished = True
            self._stirred.set()

    def upgrade(self, protocol_factory: Callable[[], asyncio.Protocol]) -> None:
        """Begin with the WebSocket; ``protocol_factory`` returns who speaks frames on it."""
        self._transport = FrameTransport(protocol_factory(), self.put, self.end)

    def end(self) -> None:
        """The WebSocket is over, and what it sent has been put."""
        self._finished = True
        self._stirred.set()

    def _lose(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            self._finished = True
            transport.lose()
        super()._lose()


async def _done(waiting: Awaitable[None] | None) -> None:
    if waiting is not None:
        await waiting


def _tuple(address: Any) -> tuple[Any, ...] | None:
    return None if address is None else tuple(address)
