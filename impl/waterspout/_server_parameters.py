"""What the connections of one server have in common."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection
from typing import TYPE_CHECKING

from waterspout.httputil import HTTPServerConnectionDelegate
from waterspout.protocol.http1 import Limits

if TYPE_CHECKING:
    from waterspout.http1connection import ServerDriver


class HTTP1ConnectionParameters:
    """The settings of a connection: of `HTTPServer`, and of whoever makes connections by hand.

    Sizes are in bytes, times in seconds.  ``chunk_size`` and ``max_header_size`` are 65536 unless given; a
    ``header_timeout`` of None, and so on, is no bound of the connection's own.  Documentation:
    ``http1connection.HTTP1ConnectionParameters``.
    """

    def __init__(
        self,
        no_keep_alive: bool = False,
        chunk_size: int | None = None,
        max_header_size: int | None = None,
        header_timeout: float | None = None,
        max_body_size: int | None = None,
        body_timeout: float | None = None,
        decompress: bool = False,
    ) -> None:
        self.no_keep_alive = no_keep_alive
        self.chunk_size = chunk_size or 65536
        self.max_header_size = max_header_size or 65536
        self.header_timeout = header_timeout
        self.max_body_size = max_body_size
        self.body_timeout = body_timeout
        self.decompress = decompress


class ServerParameters:
    """What all connections of one server have in common, and which of them are open."""

    __slots__ = (
        "_waiters",
        "body_timeout",
        "connections",
        "delegate",
        "ending",
        "idle_timeout",
        "limits",
        "no_keep_alive",
        "protocol",
        "trusted",
        "xheaders",
    )

    def __init__(
        self,
        delegate: HTTPServerConnectionDelegate,
        *,
        limits: Limits | None = None,
        no_keep_alive: bool = False,
        idle_timeout: float = 3600.0,
        body_timeout: float | None = None,
        protocol: str | None = None,
        xheaders: bool = False,
        trusted: Collection[str] = (),
    ) -> None:
        self.delegate = delegate
        self.limits = limits or Limits()
        self.no_keep_alive = no_keep_alive
        self.idle_timeout = idle_timeout
        self.body_timeout = body_timeout
        self.protocol = protocol
        self.xheaders = xheaders
        self.trusted = frozenset(trusted)
        self.connections: set[ServerDriver] = set()
        #: Whether the server is shutting down.
        self.ending = False
        self._waiters: list[asyncio.Future[None]] = []

    def forget(self, driver: ServerDriver) -> None:
        """Note that a connection is gone."""
        self.connections.discard(driver)
        self.delegate.on_close(driver)
        if not self.connections:
            waiters, self._waiters = self._waiters, []
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)

    async def empties_within(self, seconds: float) -> bool:
        """Wait until no connection is left, but not longer than ``seconds``; return whether none is."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.wait_until_empty(), seconds)
        return not self.connections

    async def wait_until_empty(self) -> None:
        """Wait until no connection is left.  Cancelling stops the waiting only."""
        if self.connections:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter
