"""Listening for TCP connections.

A server may be told to listen before the loop runs: the sockets listen at once, and connections are taken as soon as
the loop turns.  Connections become streams, unless the class of the server says which asyncio protocol serves them;
asyncio does the accepting then.

Documentation: ``tornado.tcpserver``.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

from waterspout._loggers import app_log
from waterspout.gen import convert_yielded
from waterspout.ioloop import IOLoop
from waterspout.iostream import IOStream, SSLIOStream
from waterspout.netutil import DEFAULT_BACKLOG, TLSOptions, add_accept_handler, bind_sockets, ssl_options_to_context
from waterspout.process import fork_processes

__all__ = ["TCPServer"]


class _Listener(Protocol):
    """One listening socket and what accepts on it."""

    @property
    def socket(self) -> socket.socket: ...

    @property
    def accepts(self) -> bool:
        """Whether connections are taken already."""

    def stop(self) -> None:
        """Take no more connections, and close the socket."""


class _StreamListener:
    """Makes a stream of each connection."""

    __slots__ = ("_remove", "socket")

    accepts = True

    def __init__(self, tcp_server: TCPServer, sock: socket.socket) -> None:
        self.socket = sock
        self._remove = add_accept_handler(sock, tcp_server._serve)

    def stop(self) -> None:
        self._remove()
        self.socket.close()


class _ProtocolListener:
    """Has asyncio make a protocol object for each connection."""

    __slots__ = ("_make_protocol", "_server", "_task", "_tcp_server", "socket")

    def __init__(
        self,
        tcp_server: TCPServer,
        sock: socket.socket,
        make_protocol: Callable[[], asyncio.BaseProtocol],
    ) -> None:
        self.socket = sock
        self._tcp_server = tcp_server
        self._make_protocol = make_protocol
        self._server: asyncio.AbstractServer | None = None
        self._task: asyncio.Task[None] | None = None
        loop: asyncio.AbstractEventLoop = IOLoop.current().asyncio_loop
        # A coroutine made before the loop runs would be left behind if it never did.
        loop.call_soon(self._start, loop)

    @property
    def accepts(self) -> bool:
        return self._server is not None and self.socket.fileno() >= 0

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        if self.socket.fileno() >= 0:
            self._task = loop.create_task(self._accept(loop))

    async def _accept(self, loop: asyncio.AbstractEventLoop) -> None:
        tcp_server = self._tcp_server
        self._server = await loop.create_server(
            self._make_protocol,
            sock=self.socket,
            ssl=tcp_server.ssl_context,
            backlog=tcp_server.backlog,
        )

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        if self._server is not None:
            self._server.close()
        self.socket.close()


class TCPServer:
    """Accepts TCP connections, with TLS if ``ssl_options`` (a dict or an `ssl.SSLContext`) are given.

    A subclass defines `handle_stream`.  Ways to start: `listen` for a simple server; `bind` and `start`, which may
    make several processes; or `add_sockets` with what `netutil.bind_sockets` made.  ``max_buffer_size`` and
    ``read_chunk_size`` are those of the streams, in bytes.  Raises :exc:`KeyError` when ``ssl_options`` name no
    certificate, and `ValueError` when a file of it is not there.  Documentation: ``tcpserver.TCPServer``.
    """

    #: A method that returns the asyncio protocol of one new connection, in a class that does not want streams.
    make_protocol: Any = None

    def __init__(
        self,
        ssl_options: TLSOptions | None = None,
        max_buffer_size: int | None = None,
        read_chunk_size: int | None = None,
        *,
        io_loop: object = None,
    ) -> None:
        self.ssl_options = ssl_options
        self.ssl_context: ssl.SSLContext | None = None
        if ssl_options is not None:
            _check_certificate(ssl_options)
            self.ssl_context = ssl_options_to_context(ssl_options, server_side=True)
        self.max_buffer_size = max_buffer_size
        self.read_chunk_size = read_chunk_size
        self.backlog = DEFAULT_BACKLOG
        self._listeners: list[_Listener] = []
        self._pending_sockets: list[socket.socket] = []
        self._started = False

    @property
    def _sockets(self) -> dict[int, socket.socket]:
        """The sockets that are listened on, by descriptor: programs have always asked here which port they got."""
        return {listener.socket.fileno(): listener.socket for listener in self._listeners}

    # -- connections

    def handle_stream(self, stream: IOStream, address: Any) -> Awaitable[None] | None:
        """Serve one new connection.  Hook; it may be a coroutine.

        ``stream`` is an `SSLIOStream` when the server has TLS options; its handshake may still be going on.
        ``address`` is the peer's.  What it raises is logged, and the stream is closed then.
        Documentation: ``tcpserver.TCPServer.handle_stream``.
        """
        raise NotImplementedError(f"{type(self).__name__} must define handle_stream()")

    def _serve(self, connection: socket.socket, address: Any) -> None:
        try:
            stream = self._make_stream(connection)
        except OSError:
            # The peer has gone again.
            connection.close()
            return
        try:
            result = self.handle_stream(stream, address)
            if result is not None:
                convert_yielded(result).add_done_callback(lambda done: _look_at(done, stream))
        except Exception as error:
            _give_up(stream, error)

    def _make_stream(self, connection: socket.socket) -> IOStream:
        limits = {"max_buffer_size": self.max_buffer_size, "read_chunk_size": self.read_chunk_size}
        if self.ssl_context is None:
            return IOStream(connection, **limits)
        secure = self.ssl_context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return SSLIOStream(secure, **limits)

    # -- listening

    def listen(
        self,
        port: int,
        address: str | None = None,
        family: socket.AddressFamily = socket.AF_UNSPEC,
        backlog: int = DEFAULT_BACKLOG,
        flags: int | None = None,
        reuse_port: bool = False,
    ) -> None:
        """Accept connections on ``port`` from now on, or from when the loop runs.

        The arguments are those of `netutil.bind_sockets`; call it again for more ports.
        Documentation: ``tcpserver.TCPServer.listen``.
        """
        self.backlog = backlog
        self.add_sockets(bind_sockets(port, address, family, backlog, flags, reuse_port))

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        """Accept connections on ``sockets``, which listen already; `stop` closes them.

        Documentation: ``tcpserver.TCPServer.add_sockets``.
        """
        for sock in sockets:
            if self.make_protocol is None:
                self._listeners.append(_StreamListener(self, sock))
            else:
                self._listeners.append(_ProtocolListener(self, sock, self.make_protocol))

    def bind(
        self,
        port: int,
        address: str | None = None,
        family: socket.AddressFamily = socket.AF_UNSPEC,
        backlog: int = DEFAULT_BACKLOG,
        flags: int | None = None,
        reuse_port: bool = False,
    ) -> None:
        """Take the port now, and accept on it after `start`.  Documentation: ``tcpserver.TCPServer.bind``."""
        sockets = bind_sockets(port, address, family, backlog, flags, reuse_port)
        self.backlog = backlog
        if not self._started:
            self._pending_sockets += sockets
            return
        self.add_sockets(sockets)

    def start(self, num_processes: int | None = 1, max_restarts: int | None = None) -> None:
        """Accept on what `bind` took, in this process or in children of it.

        With another number of processes than one, this process looks after its children and does not return from
        here; ``max_restarts`` and what is raised are those of `process.fork_processes`.  Raises `RuntimeError` when
        called twice.  Documentation: ``tcpserver.TCPServer.start``.
        """
        if self._started:
            raise RuntimeError("start() was called twice; call bind() or listen() for more ports")
        if num_processes != 1:
            fork_processes(num_processes, max_restarts)
        self._started = True
        sockets, self._pending_sockets = self._pending_sockets, []
        self.add_sockets(sockets)

    def add_socket(self, socket: socket.socket) -> None:
        """Accept connections on one socket.  Documentation: ``tcpserver.TCPServer.add_socket``."""
        self.add_sockets([socket])

    async def finish_accepting(self) -> None:
        """Accept the connections that clients have made already, and then `stop`.

        A socket that is closed at once resets the connections that wait in its queue, and their requests are lost.
        """
        with selectors.DefaultSelector() as waiting:
            for listener in self._listeners:
                if listener.accepts:
                    # Hardly anybody is to join the queue from now on.
                    listener.socket.listen(0)
                    waiting.register(listener.socket, selectors.EVENT_READ)
            # Bounded, because one more may come for each that is accepted.
            for _ in range(2 * self.backlog):
                if not waiting.get_map() or not waiting.select(0):
                    break
                await asyncio.sleep(0)
        # asyncio accepts in one turn of the loop and makes the transports in the next.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self.stop()

    def stop(self) -> None:
        """Accept no more connections and close the listening sockets; connections that are open stay.

        Documentation: ``tcpserver.TCPServer.stop``.
        """
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.stop()
        sockets, self._pending_sockets = self._pending_sockets, []
        for sock in sockets:
            sock.close()


def _look_at(served: asyncio.Future[Any], stream: IOStream) -> None:
    if not served.cancelled() and (error := served.exception()) is not None:
        _give_up(stream, error)


def _give_up(stream: IOStream, error: BaseException) -> None:
    app_log.error("exception while serving a connection, which is closed now", exc_info=error)
    stream.close()


def _check_certificate(options: TLSOptions) -> None:
    if not isinstance(options, dict):
        return
    if "certfile" not in options:
        raise KeyError('missing key "certfile" in ssl_options: a server needs a certificate')
    for name in ("certfile", "keyfile"):
        if options.get(name) is not None and not os.path.exists(options[name]):
            raise ValueError(f'{name} "{options[name]}" does not exist')
