"""A server for HTTP/1.1, and how it hands requests to an application.

The application may be a function of the whole request, a `httputil.HTTPServerConnectionDelegate`, or a
``web.Application``, which is one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any

from waterspout import httputil
from waterspout._callback_delegate import CallbackDelegate
from waterspout._exchange import Exchange
from waterspout._gzip_delegate import GzipConnectionDelegate
from waterspout._server_parameters import HTTP1ConnectionParameters, ServerParameters
from waterspout.http1connection import ServerDriver
from waterspout.httputil import HTTPMessageDelegate, HTTPServerConnectionDelegate, HTTPServerRequest
from waterspout.netutil import TLSOptions
from waterspout.protocol.http1 import Limits
from waterspout.tcpserver import TCPServer
from waterspout.util import Configurable

__all__ = ["HTTPConnection", "HTTPRequest", "HTTPServer"]

#: What a server hands requests to: a function of the whole request, or an object that sees it piece by piece.
RequestCallback = HTTPServerConnectionDelegate | Callable[[HTTPServerRequest], None]
Octets = int
Seconds = float

#: Older names of the request, and of the connection that it names.
HTTPRequest = HTTPServerRequest
HTTPConnection = Exchange

_DEFAULT_LIMITS = Limits()
_DEFAULT_BUFFER = 100 * 1024 * 1024


class HTTPServer(TCPServer, Configurable, HTTPServerConnectionDelegate):
    """Serves HTTP/1.1 connections.

    ``request_callback`` is a function of an `httputil.HTTPServerRequest` or a connection delegate.
    ``no_keep_alive`` closes connections after one answer.  ``xheaders`` believes what a proxy says about the
    client in ``X-Real-Ip`` or ``X-Forwarded-For`` and ``X-Scheme`` or ``X-Forwarded-Proto``;
    ``trusted_downstream`` are the addresses of proxies to look past. ``ssl_options``, a dict or an
    `ssl.SSLContext`, means HTTPS.  ``protocol`` overrules what ``request.protocol`` says.
    ``decompress_request`` unpacks bodies with ``Content-Encoding: gzip``.  Sizes are in bytes, times in
    seconds: ``chunk_size`` of the pieces that bodies come in, at most, ``max_header_size``, ``max_body_size``
    (by default ``max_buffer_size``, 100 MiB), ``idle_connection_timeout`` until a request is there (3600),
    ``body_timeout`` until its body is. Documentation: ``httpserver.HTTPServer``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # `Configurable` calls initialize() with the arguments.
        pass

    def initialize(
        self,
        request_callback: RequestCallback,
        no_keep_alive: bool = False,
        xheaders: bool = False,
        ssl_options: TLSOptions | None = None,
        protocol: str | None = None,
        decompress_request: bool = False,
        chunk_size: Octets | None = None,
        max_header_size: Octets | None = None,
        idle_connection_timeout: Seconds | None = None,
        body_timeout: Seconds | None = None,
        max_body_size: Octets | None = None,
        max_buffer_size: Octets | None = None,
        trusted_downstream: Collection[str] | None = None,
        io_loop: object = None,
    ) -> None:
        """Take the arguments of the constructor.

        ``io_loop`` is from former times and changes nothing: a server runs on the loop where it listens.
        Documentation: ``httpserver.HTTPServer.initialize``.
        """
        TCPServer.__init__(self, ssl_options, max_buffer_size, chunk_size)
        self.request_callback = request_callback
        self.no_keep_alive = no_keep_alive
        self.xheaders = xheaders
        self.protocol = protocol
        self.trusted_downstream = frozenset(trusted_downstream or ())
        self.conn_params = HTTP1ConnectionParameters(
            no_keep_alive=no_keep_alive,
            chunk_size=chunk_size,
            max_header_size=max_header_size,
            header_timeout=idle_connection_timeout or 3600.0,
            max_body_size=max_body_size,
            body_timeout=body_timeout,
            decompress=decompress_request,
        )
        body = max_body_size or max_buffer_size or _DEFAULT_BUFFER
        delegate = self._connection_delegate(request_callback)
        if decompress_request:
            delegate = GzipConnectionDelegate(delegate, body, chunk_size or 65536)
        head = max_header_size or _DEFAULT_LIMITS.head
        self._parameters = ServerParameters(
            delegate,
            limits=Limits(
                head=head, body=body, start_line=min(head, _DEFAULT_LIMITS.start_line), piece=chunk_size or None
            ),
            no_keep_alive=no_keep_alive,
            idle_timeout=self.conn_params.header_timeout or 3600.0,
            body_timeout=body_timeout,
            protocol=protocol,
            xheaders=xheaders,
            trusted=self.trusted_downstream,
        )

    def _connection_delegate(self, callback: Any) -> HTTPServerConnectionDelegate:
        overridden = type(self).start_request is not HTTPServer.start_request
        if isinstance(callback, HTTPServerConnectionDelegate) and not overridden:
            # Straight to the application, without a detour by this object for each request.
            return callback
        if not callable(callback) and not isinstance(callback, HTTPServerConnectionDelegate):
            raise TypeError(f"a server needs a function or a connection delegate, not {callback!r}")
        return self

    @classmethod
    def configurable_base(cls) -> type[Configurable]:
        """Return the class whose implementation can be chosen.  Documentation: ``util.Configurable``."""
        return HTTPServer

    @classmethod
    def configurable_default(cls) -> type[Configurable]:
        """Return the implementation that is used by default.  Documentation: ``util.Configurable``."""
        return HTTPServer

    def make_protocol(self) -> asyncio.BaseProtocol:
        """Return the driver of one new connection."""
        return ServerDriver(self._parameters, asyncio.get_running_loop())

    def start_request(self, server_conn: object, request_conn: httputil.HTTPConnection) -> HTTPMessageDelegate:
        """Return the delegate of one new request."""
        callback = self.request_callback
        if isinstance(callback, HTTPServerConnectionDelegate):
            return callback.start_request(server_conn, request_conn)
        return CallbackDelegate(callback, request_conn, server_conn)

    def on_close(self, server_conn: object) -> None:
        """Tell the application that a connection is gone."""
        if isinstance(self.request_callback, HTTPServerConnectionDelegate):
            self.request_callback.on_close(server_conn)

    async def shutdown(self, timeout: Seconds = 30.0) -> bool:
        """Stop without losing a request: accept no more connections, and close each as soon as it owes no answer.

        Answers that are on their way say ``Connection: close``.  Connections between two requests are closed when
        nothing has moved for a quarter of a second: somebody who has just connected, or got an answer, may be about
        to send a request.  What is not done after ``timeout`` seconds is closed by force, and its requests learn
        that their connection is lost.  Connections that were upgraded belong to their new protocol and stay.

        Returns whether everybody was served in time.  Cancelling ends the waiting; the rest is closed by force.
        """
        self._parameters.ending = True
        try:
            await self.finish_accepting()
            for connection in list(self._parameters.connections):
                connection.wind_down()
            return await self._parameters.empties_within(timeout)
        finally:
            for connection in list(self._parameters.connections):
                connection.abort()

    async def close_all_connections(self) -> None:
        """Close every connection that speaks HTTP, and wait until all are gone; call `stop` first.

        Requests that are being answered learn that their connection is lost.  Connections that were upgraded
        belong to their new protocol and stay.  Cancelling stops the waiting, not the closing. Documentation:
        ``httpserver.HTTPServer.close_all_connections``.
        """
        for connection in list(self._parameters.connections):
            connection.close()
        await self._parameters.wait_until_empty()
