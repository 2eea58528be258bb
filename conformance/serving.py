"""The ``serve`` fixture: applications of the package under test on loopback ports, talked to by the suite's own client.

The applications run on the case's own event loop, through the public API (``httpserver.HTTPServer.add_socket``), so a
case can look at what its handlers did. After the case, still on that loop, the suite calls :meth:`Serve.aclose`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest

from conformance.apps import listening_socket
from conformance.client import DEADLINE, Body, Connection, CutShort, Fields, Pairs, Reply, WireLog, in_time
from conformance.package import api
from conformance.tracing import LOGGERS, Logs

__all__ = ["Connection", "CutShort", "Fields", "Reply", "Serve", "Server"]


class Server:
    """A running application. ``application`` is the object served; ``host`` is its address as ``127.0.0.1:port``."""

    def __init__(self, application: Any, log: WireLog, http_settings: Mapping[str, Any]) -> None:
        self.application = application
        self._log = log
        self._connections: list[Connection] = []
        self._http = api.httpserver.HTTPServer(application, **http_settings)
        self._listener = listening_socket()
        self.port: int = self._listener.getsockname()[1]
        self.host = f"127.0.0.1:{self.port}"
        self._http.add_socket(self._listener)

    async def get(self, path: str, headers: Mapping[str, str] | Pairs = ()) -> Reply:
        """Return the answer to a GET on a connection of its own. Redirects are answers; nothing follows them."""
        return await self.fetch("GET", path, headers=headers)

    async def post(self, path: str, body: Body = b"", headers: Mapping[str, str] | Pairs = ()) -> Reply:
        """Return the answer to a POST on a connection of its own; a mapping or pairs as ``body`` is sent as a form."""
        return await self.fetch("POST", path, body=body, headers=headers)

    async def fetch(self, method: str, path: str, **request: Any) -> Reply:
        """Return the answer to one request on a connection of its own.

        Further arguments are ``body``, ``headers`` and ``version`` as for :meth:`Connection.send`. Raises
        AssertionError when no complete answer comes in time.
        """
        async with self.connection() as connection:
            return await connection.fetch(method, path, **request)

    @contextlib.asynccontextmanager
    async def connection(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[Connection]:
        """Open a connection for several requests, or for one whose answer is read in pieces; close it at the end.

        With ``tls`` it is one to "localhost".
        """
        opening = asyncio.open_connection(
            "127.0.0.1", self.port, ssl=tls, server_hostname=None if tls is None else "localhost"
        )
        reader, writer = await in_time(opening, lambda: "a connection to the server")
        connection = Connection(reader, writer, self._log, self.host)
        self._connections.append(connection)
        try:
            yield connection
        finally:
            connection.close()
            with contextlib.suppress(OSError):
                await in_time(writer.wait_closed(), lambda: "the suite's own connection to close")

    async def stop(self) -> None:
        """Stop listening and end what is open. Returns within the deadline whatever the server does."""
        self._http.stop()
        for connection in self._connections:
            connection.close()
        # How a server stops is judged elsewhere; here a bad stop must not hide the case's own verdict.
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self._http.close_all_connections(), DEADLINE)
        _close(self._listener)


class Serve:
    """Starts servers for one case: ``server = await serve(routes, **application_settings)``."""

    def __init__(self, log: WireLog) -> None:
        self._log = log
        self._servers: list[Server] = []

    async def __call__(
        self, routes: Any, *, http_settings: Mapping[str, Any] | None = None, **application_settings: Any
    ) -> Server:
        """Start ``routes`` (a list for ``web.Application``) or a ready application, and return its server.

        ``http_settings`` are arguments of ``httpserver.HTTPServer``.
        """
        application = routes
        if isinstance(routes, (list, tuple)):
            application = api.web.Application(routes, **application_settings)
        elif application_settings:
            raise TypeError("settings belong to a list of routes; a ready application has its own")
        server = Server(application, self._log, http_settings or {})
        self._servers.append(server)
        return server

    async def aclose(self) -> None:
        """Stop all servers of the case."""
        for server in self._servers:
            await server.stop()


def _close(listener: socket.socket) -> None:
    # The server may own a duplicate or this very socket; closing a closed one is harmless.
    with contextlib.suppress(OSError):
        listener.close()


@pytest.fixture
def serve(wire_log: list[dict[str, Any]]) -> Serve:
    """Starts applications of the package under test; see :class:`Serve`."""
    return Serve(WireLog(wire_log))


@pytest.fixture
def logs() -> Iterator[Logs]:
    """Collects what the framework logs during the case; see :class:`Logs`."""
    handler = Logs()
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(logger, logger.level) for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    yield handler
    for logger, level in before:
        logger.removeHandler(handler)
        logger.setLevel(level)
