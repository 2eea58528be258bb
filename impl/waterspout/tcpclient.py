"""Connections to a host by its name.

Documentation: ``tornado.tcpclient``.
"""

from __future__ import annotations

import asyncio
import datetime
import functools
import socket
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from waterspout._eventloop import finite_delay, seconds_until
from waterspout.concurrent import Future
from waterspout.iostream import IOStream
from waterspout.netutil import Resolver, TLSOptions
from waterspout.util import TimeoutError

__all__ = ["TCPClient"]

#: Seconds between the beginnings of two attempts, as RFC 8305, section 5, recommends.
_ATTEMPT_DELAY = 0.25
#: Seconds from 1970 to 2000, about.
_LAST_CENTURY = 1e9

Address = tuple[int, Any]
#: Begins to connect to an address: the stream, and what its connect() returns.
Open = Callable[[Address], tuple[IOStream, Future[IOStream]]]


class TCPClient:
    """Connects streams.  ``resolver`` is a `netutil.Resolver`, one of the client's own by default.

    Documentation: ``tcpclient.TCPClient``.
    """

    def __init__(self, resolver: Resolver | None = None, *, io_loop: object = None) -> None:
        self._own_resolver = resolver is None
        self.resolver: Resolver = Resolver() if resolver is None else resolver

    def close(self) -> None:
        """Close the resolver, if it is the client's own."""
        if self._own_resolver:
            self.resolver.close()

    async def connect(
        self,
        host: str,
        port: int,
        af: socket.AddressFamily = socket.AF_UNSPEC,
        ssl_options: TLSOptions | None = None,
        max_buffer_size: int | None = None,
        source_ip: str | None = None,
        source_port: int | None = None,
        timeout: float | datetime.timedelta | None = None,
    ) -> IOStream:
        """Return a stream that is connected to ``host``, an `SSLIOStream` when there are ``ssl_options``.

        When the host has several addresses, they are tried one after another, those of both families in turn, each
        a quarter of a second after the one before or as soon as that has failed; the first connection wins (RFC 8305,
        "Happy Eyeballs").  ``source_ip`` and ``source_port`` are this side's address.  ``timeout`` is a span, or a
        time on the scale of ``IOLoop.time()``, for all of it; a number that would be a time of the last century is
        taken for a span in seconds.

        Raises :exc:`TimeoutError`; `OSError` when no address is found; what the last attempt failed with, mostly
        :exc:`StreamClosedError`; an `ssl.SSLError` of the handshake.  Cancelling closes what was begun.
        Documentation: ``tcpclient.TCPClient.connect``.
        """
        seconds = None if timeout is None else _span(timeout)
        start = functools.partial(_open, max_buffer_size=max_buffer_size, source_ip=source_ip, source_port=source_port)
        opening = self._connect(host, port, af, ssl_options, start)
        if seconds is None:
            return await opening
        task = asyncio.ensure_future(opening)
        try:
            # Not wait_for(), which may lose a connection that is made as the time is up.
            await asyncio.wait({task}, timeout=seconds)
        except BaseException:
            _abandon(task)
            raise
        if task.done():
            return task.result()
        _abandon(task)
        raise TimeoutError(f"no connection to {host} port {port} in time")

    async def _connect(
        self, host: str, port: int, family: socket.AddressFamily, ssl_options: TLSOptions | None, start: Open
    ) -> IOStream:
        addresses = await self.resolver.resolve(host, port, family)
        stream = await _race(interleaved(addresses), start)
        if ssl_options is None:
            return stream
        handshake: Future[Any] | None = None
        try:
            handshake = stream.start_tls(False, ssl_options=ssl_options, server_hostname=host)
            return await handshake
        except BaseException:
            # Options that do not fit leave the stream as it was.
            stream.close()
            if handshake is not None:
                _abandon(handshake)
            raise


def _span(timeout: float | datetime.timedelta) -> float:
    """Return the seconds that a timeout leaves.

    It is documented as a time, but releases of Tornado have taken numbers for spans, and programs depend on that.
    """
    if not isinstance(timeout, datetime.timedelta) and timeout < _LAST_CENTURY:
        return max(0, finite_delay(timeout))
    return max(0, seconds_until(timeout))


def _abandon(opening: Future[Any]) -> None:
    """Cancel what gives a stream; if it is too late for that, close the stream."""

    def close(done: Future[Any]) -> None:
        if not done.cancelled() and done.exception() is None:
            done.result().close()

    opening.cancel()
    opening.add_done_callback(close)


def interleaved(addresses: Iterable[Address]) -> deque[Address]:
    """Return the addresses with the families in turn, beginning with that of the first (RFC 8305, section 4)."""
    first: deque[Address] = deque()
    others: deque[Address] = deque()
    for address in addresses:
        (first if not first or address[0] == first[0][0] else others).append(address)
    order: deque[Address] = deque()
    while first or others:
        for queue in (first, others):
            if queue:
                order.append(queue.popleft())
    return order


async def _race(addresses: deque[Address], start: Open) -> IOStream:
    """Return the first stream that connects; all others are closed then."""
    attempts: dict[Future[IOStream], IOStream] = {}
    error: BaseException = OSError("there is no address to connect to")
    try:
        while addresses or attempts:
            if addresses:
                try:
                    stream, future = start(addresses.popleft())
                except OSError as failure:
                    error = failure
                    continue
                attempts[future] = stream
            done, _ = await asyncio.wait(
                attempts, timeout=_ATTEMPT_DELAY if addresses else None, return_when=asyncio.FIRST_COMPLETED
            )
            for future in done:
                stream = attempts.pop(future)
                failed = future.exception()
                if failed is None:
                    return stream
                error = failed
        raise error
    finally:
        for stream in attempts.values():
            stream.close()


def _open(
    address: Address, max_buffer_size: int | None, source_ip: str | None, source_port: int | None
) -> tuple[IOStream, Future[IOStream]]:
    family, where = address
    sock = socket.socket(family)
    try:
        if source_ip is not None or source_port is not None:
            loopback = "::1" if family == socket.AF_INET6 else "127.0.0.1"
            sock.bind((source_ip or loopback, source_port or 0))
        stream = IOStream(sock, max_buffer_size=max_buffer_size)
    except BaseException:
        sock.close()
        raise
    return stream, stream.connect(where)
