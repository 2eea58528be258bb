"""Listening for TCP connections.

asyncio does the accepting; a server only says which protocol object serves a new connection.  It may be told
to listen before the loop runs: the sockets listen at once, and connections are taken as soon as the loop
turns.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
import ssl
from collections.abc import Iterable
from typing import Any

from waterspout.ioloop import IOLoop
from waterspout.netutil import DEFAULT_BACKLOG, TLSOptions, bind_sockets, ssl_options_to_context

__all__ = ["TCPServer"]


class _Listener:
    """One listening socket and what accepts on it."""

    __slots__ = ("_server", "_socket", "_task", "_tcp_server")

    def __init__(self, tcp_server: TCPServer, sock: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        self._tcp_server = tcp_server
        self._socket = sock
        self._server: asyncio.AbstractServer | None = None
        self._task: asyncio.Task[None] | None = None
        # A coroutine made before the loop runs would be left behind if it never did.
        loop.call_soon(self._start, loop)

    @property
    def sockname(self) -> Any:
        return self._socket.getsockname()

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._socket.fileno() >= 0:
            self._task = loop.create_task(self._accept(loop))

    async def _accept(self, loop: asyncio.AbstractEventLoop) -> None:
        tcp_server = self._tcp_server
        self._server = await loop.create_server(
            tcp_server.make_protocol,
            sock=self._socket,
            ssl=tcp_server.ssl_context,
            backlog=tcp_server.backlog,
        )

    def fileno(self) -> int:
        return self._socket.fileno()

    def narrow(self) -> bool:
        """Let hardly anybody join the queue of connections; whether there is a queue at all."""
        if self._socket.fileno() < 0 or self._server is None:
            return False
        self._socket.listen(0)
        return True

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        if self._server is not None:
            self._server.close()
        self._socket.close()


class TCPServer:
    """Accepts TCP connections, with TLS if ``ssl_options`` (a dict or an `ssl.SSLContext`) are given.

    A subclass defines `make_protocol`.  Ways to start: `listen` for a simple server; `bind` and `start`; or
    `add_sockets` with what `netutil.bind_sockets` made.  ``max_buffer_size`` and ``read_chunk_size`` are
    sizes in bytes for what serves a connection.  Documentation: ``tcpserver.TCPServer``.
    """

    def __init__(
        self,
        ssl_options: TLSOptions | None = None,
        max_buffer_size: int | None = None,
        read_chunk_size: int | None = None,
    ) -> None:
        self.ssl_options = ssl_options
        self.ssl_context: ssl.SSLContext | None = None
        if ssl_options is not None:
            self.ssl_context = ssl_options_to_context(ssl_options, server_side=True)
        self.max_buffer_size = max_buffer_size
        self.read_chunk_size = read_chunk_size
        self.backlog = DEFAULT_BACKLOG
        self._listeners: list[_Listener] = []
        self._pending_sockets: list[socket.socket] = []
        self._started = False

    def make_protocol(self) -> asyncio.BaseProtocol:
        """Return the object that serves one new connection.  Hook."""
        raise NotImplementedError(f"{type(self).__name__} must define make_protocol")

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
        loop: asyncio.AbstractEventLoop = IOLoop.current().asyncio_loop
        for sock in sockets:
            self._listeners.append(_Listener(self, sock, loop))

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
        """Accept on what `bind` took, in this process.

        Raises `ValueError` for another number of processes than one, and `RuntimeError` when called twice.
        Documentation: ``tcpserver.TCPServer.start``.
        """
        if num_processes != 1:
            raise ValueError(f"this server runs in one process, not {num_processes!r}; start one in each")
        if self._started:
            raise RuntimeError("start() was called twice; call bind() or listen() for more ports")
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
                if listener.narrow():
                    waiting.register(listener.fileno(), selectors.EVENT_READ)
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
