"""An application for ASGI on this package's HTTP server.

Each request is a task that runs the application. Its body waits until the application asks for it, and its answer goes
out no faster than the client takes it. A WebSocket is a handler whose messages are the application's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable
from typing import Any
from urllib.parse import unquote

from waterspout._asgi_messages import ASGIApplication, Message, Scope, from_asgi, to_asgi
from waterspout._hosted_answer import HostedAnswer
from waterspout._loggers import app_log, gen_log
from waterspout.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
    split_host_and_port,
)
from waterspout.iostream import StreamClosedError
from waterspout.protocol.websocket import HandshakeError, check_request
from waterspout.web import Application
from waterspout.web.lifecycle import start_task
from waterspout.websocket import WebSocketClosedError, WebSocketHandler

_INTERNAL_ERROR, _NO_STATUS, _ABNORMAL = 1011, 1005, 1006


class ASGIContainer(HTTPServerConnectionDelegate):
    """Lets an `httpserver.HTTPServer` serve an application for ASGI.

    Use it as an asynchronous context manager, or call `startup` and `shutdown`: this is when the application learns of
    the beginning and the end of its life. ``root_path`` is where the application is mounted. ``settings`` are those of
    a `web.Application` for WebSockets, such as ``websocket_max_message_size``.
    """

    def __init__(self, application: ASGIApplication, *, root_path: str = "", **settings: Any) -> None:
        self.application = application
        self.root_path = root_path
        #: What the application keeps from its start for its requests.
        self.state: dict[str, Any] = {}
        self._websockets = Application([(".*", _WebSocket, {"container": self})], **settings)
        self._life: _Life | None = None

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Return the delegate of one new request."""
        return _Request(self, server_conn, request_conn)

    def websocket(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Return the delegate of a request that asks for a WebSocket."""
        return self._websockets.start_request(server_conn, request_conn)

    async def startup(self) -> None:
        """Tell the application that it begins, and wait until it is ready.

        Raises RuntimeError when it says that it cannot begin. An application that does not know of this is ready.
        """
        self._life = _Life()
        await self._life.begin(self.application, self.state)

    async def shutdown(self) -> None:
        """Tell the application that it ends, and wait until it has. Raises RuntimeError when it says that it failed."""
        life, self._life = self._life, None
        if life is not None:
            await life.end()

    async def __aenter__(self) -> ASGIContainer:
        await self.startup()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.shutdown()

    def scope(self, kind: str, request: HTTPServerRequest) -> Scope:
        """Return what the application is told of a request before anything else."""
        host, port = split_host_and_port(request.host)
        address = getattr(getattr(request.connection, "context", None), "address", None)
        secure = request.protocol == "https"
        scheme = {"http": ("http", "https"), "websocket": ("ws", "wss")}[kind][secure]
        return {
            "type": kind,
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": request.version.rpartition("/")[2],
            "scheme": scheme,
            "path": unquote(request.path),
            "raw_path": request.path.encode("latin-1"),
            "query_string": request.query.encode("latin-1"),
            "root_path": self.root_path,
            "headers": to_asgi(request.headers.get_all()),
            "client": (request.remote_ip, address[1]) if isinstance(address, tuple) else None,
            "server": (host, port or (443 if secure else 80)),
            "state": self.state.copy(),
        }


class _Life:
    """The life of an application: one task for its start and its end."""

    def __init__(self) -> None:
        self._messages: asyncio.Queue[Message] = asyncio.Queue()
        self._answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None

    async def begin(self, application: ASGIApplication, state: dict[str, Any]) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": state}
        self._task = start_task(self._run(application, scope))
        await self._ask("startup")

    async def end(self) -> None:
        if self._task is not None and not self._task.done():
            self._answer = asyncio.get_running_loop().create_future()
            await self._ask("shutdown")
            await self._task

    async def _ask(self, phase: str) -> None:
        self._messages.put_nowait({"type": f"lifespan.{phase}"})
        message = await self._answer
        if message["type"] == f"lifespan.{phase}.failed":
            raise RuntimeError(f"the application failed in its {phase}: {message.get('message', '')}")

    async def _run(self, application: ASGIApplication, scope: Scope) -> None:
        try:
            await application(scope, self._messages.get, self._send)
        except Exception as error:
            if self._answer.done():
                app_log.error("uncaught exception in the life of the application", exc_info=True)
            else:
                # Who raises before any answer does not know of this part of the interface.
                gen_log.debug("the application has no lifespan: %r", error)
        finally:
            _settle(self._answer, {"type": "none"})

    async def _send(self, message: Message) -> None:
        _settle(self._answer, message)


def _settle(future: asyncio.Future[Message], message: Message) -> None:
    if not future.done():
        future.set_result(message)


class _Events:
    """What an application receives: events in order, each taken once, and then ``last`` for ever."""

    def __init__(self) -> None:
        self._events: deque[tuple[Message, asyncio.Future[None] | None]] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._last: Message | None = None

    def put(self, event: Message) -> asyncio.Future[None]:
        """Add an event; the future is done when the application has taken it."""
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._last is None:
            self._events.append((event, taken))
        else:
            taken.set_result(None)
        self._wake()
        return taken

    def end(self, last: Message) -> None:
        """Nothing more comes, but ``last`` as often as the application asks."""
        if self._last is None:
            self._last = last
            self._wake()

    def release(self) -> None:
        """The application does not ask any more: let go of those who wait for it."""
        self.end({"type": "none"})
        while self._events:
            _done(self._events.popleft()[1])

    async def get(self) -> Message:
        """Return the next event, waiting for it."""
        while True:
            if self._events:
                event, taken = self._events.popleft()
                _done(taken)
                return event
            if self._last is not None:
                return self._last
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    def _wake(self) -> None:
        _done(self._waiter)


def _done(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)


class _Request(HTTPMessageDelegate):
    """One request by HTTP, and the application that answers it."""

    def __init__(self, container: ASGIContainer, server_conn: object, request_conn: HTTPConnection) -> None:
        self._container = container
        self._connections = server_conn, request_conn
        #: Whom the request is for if it asks for a WebSocket.
        self._websocket: HTTPMessageDelegate | None = None
        self._answer: HostedAnswer | None = None
        self._events = _Events()

    # -- from the client

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Begin with the application; the body follows as it asks for it."""
        assert isinstance(start_line, RequestStartLine)
        if start_line.method == "GET" and headers.get("Upgrade", "").lower() == "websocket":
            self._websocket = self._container.websocket(*self._connections)
            return self._websocket.headers_received(start_line, headers)
        server_connection, connection = self._connections
        request = HTTPServerRequest(
            start_line=start_line, headers=headers, connection=connection, server_connection=server_connection
        )
        self._answer = HostedAnswer(request)
        start_task(self._run(self._answer))
        return None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Take a piece of the body; the next one waits until the application has it."""
        if self._websocket is not None:
            return self._websocket.data_received(chunk)
        return self._events.put({"type": "http.request", "body": chunk, "more_body": True})

    def finish(self) -> None:
        """The body is complete."""
        if self._websocket is not None:
            self._websocket.finish()
            return
        self._events.put({"type": "http.request", "body": b"", "more_body": False})

    def on_connection_close(self) -> None:
        """The client has gone."""
        if self._websocket is not None:
            self._websocket.on_connection_close()
        if self._answer is not None:
            self._answer.client_left = True
        self._events.end({"type": "http.disconnect"})

    # -- the application

    async def _run(self, answer: HostedAnswer) -> None:
        request = answer.request
        try:
            scope = {**self._container.scope("http", request), "method": request.method}
            await self._container.application(scope, self._events.get, self._send)
            if not answer.finished:
                raise RuntimeError("the application returned before its answer was complete")
        except Exception as error:
            answer.fail(error)
        finally:
            self._events.release()

    async def _send(self, message: Message) -> None:
        answer = self._answer
        assert answer is not None
        kind = message["type"]
        if answer.finished or kind not in ("http.response.start", "http.response.body"):
            raise RuntimeError(f"the message {kind!r} has no place here: answer by one start and then bodies")
        if kind == "http.response.start":
            if answer.headers is not None:
                raise RuntimeError("the answer was started twice")
            answer.start(message["status"], None, from_asgi(message.get("headers", ())), content_type=None)
            return
        body = message.get("body", b"")
        if message.get("more_body", False):
            if body or not answer.sent:
                await answer.send(body)
                # Its own end is what a connection hears of by the loop; an application in a hurry must not prevent it.
                await asyncio.sleep(0)
            return
        if answer.sent:
            if body:
                answer.send(body)
            answer.finish()
        else:
            answer.finish_with([body])
        self._events.end({"type": "http.disconnect"})


class _WebSocket(WebSocketHandler):
    """One WebSocket, whose messages are the application's."""

    def initialize(self, container: ASGIContainer) -> None:
        self._container = container
        self._events = _Events()
        #: How the application answers the handshake.
        self._decision: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._chosen: str | None = None

    # -- the handshake

    async def get(self, *args: Any, **kwargs: Any) -> None:
        request = self.request
        try:
            hello = check_request(request.method or "", request.version, request.headers.to_wire())
        except HandshakeError as error:
            self._refuse(error)
            return
        scope = {
            **self._container.scope("websocket", request),
            "subprotocols": list(hello.subprotocols),
            "extensions": {"websocket.http.response": {}},
        }
        self._events.put({"type": "websocket.connect"})
        start_task(self._run(scope))
        decision = await self._decision
        if decision["type"] == "websocket.accept":
            self._chosen = decision.get("subprotocol")
            for name, value in from_asgi(decision.get("headers", ())):
                self.add_header(name, value)
            try:
                await super().get(*args, **kwargs)
            finally:
                if self.ws_connection is None:
                    # Accepted in a way that cannot be, or too late: the application has nobody to talk to.
                    self.on_connection_close()
        elif decision["type"] == "websocket.close":
            self.set_status(403)
            self.finish()
        # Else the application answers by itself.

    def check_origin(self, origin: str) -> bool:
        """Leave it to the application, which is told of the origin."""
        return True

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """Return what the application has chosen."""
        return self._chosen

    def get_compression_options(self) -> dict[str, Any] | None:
        """Compress where the client offers it."""
        return {}

    # -- from the client

    def _open(self, *args: str, **kwargs: str) -> None:
        _done(self._opened)

    open = _open

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        """Hand a message on; the next one waits until the application has it."""
        kind = "text" if isinstance(message, str) else "bytes"
        return self._events.put({"type": "websocket.receive", kind: message})

    def on_connection_close(self) -> None:
        super().on_connection_close()
        code = self.close_code or (_ABNORMAL if self.close_reason is None else _NO_STATUS)
        self._events.end({"type": "websocket.disconnect", "code": code, "reason": self.close_reason or ""})
        _done(self._opened)

    # -- the application

    async def _run(self, scope: Scope) -> None:
        error: Exception | None = None
        try:
            await self._container.application(scope, self._events.get, self._send)
        except Exception as raised:
            error = raised
            if not isinstance(error, (StreamClosedError, WebSocketClosedError)) or self.ws_connection is not None:
                app_log.error(
                    "uncaught exception in the application for the WebSocket %s", scope["path"], exc_info=True
                )
        self._events.release()
        if not self._decision.done():
            self._decision.set_result({"type": "none"})
            self.send_error(500)
        elif self.ws_connection is not None:
            self.close(1000 if error is None else _INTERNAL_ERROR)

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "websocket.send" and self._opened.done():
            text = message.get("text")
            try:
                await (self.write_message(message["bytes"], binary=True) if text is None else self.write_message(text))
            except WebSocketClosedError:
                raise StreamClosedError from None
        elif kind == "websocket.close" and self._opened.done():
            self.close(message.get("code", 1000), message.get("reason") or None)
        elif kind in ("websocket.accept", "websocket.close") and not self._decision.done():
            self._decision.set_result(message)
            if kind == "websocket.accept":
                await self._opened
        elif kind == "websocket.http.response.start" and not self._decision.done():
            self._begin_refusal(message)
        elif kind == "websocket.http.response.body" and not self._auto_finish:
            self.write(message.get("body", b""))
            await (self.flush() if message.get("more_body", False) else self.finish())
        else:
            raise RuntimeError(f"the message {kind!r} has no place here")

    def _begin_refusal(self, message: Message) -> None:
        """Take the head of an answer with which the application refuses; the content follows."""
        self._auto_finish = False
        self.set_status(message["status"])
        self.clear_header("Content-Type")
        for name, value in from_asgi(message.get("headers", ())):
            self.add_header(name, value)
        self._decision.set_result(message)
