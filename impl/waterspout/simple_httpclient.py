"""The HTTP client of Python alone, which `httpclient.AsyncHTTPClient` is unless configured otherwise.

Documentation: ``tornado.simple_httpclient``.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from waterspout._client_connect import Connector
from waterspout._client_fetch import Elders, Fetch, Patience, Resources, limit
from waterspout._client_origin import Contexts
from waterspout._client_places import Places
from waterspout._client_pool import Pool
from waterspout._client_request import EffectiveRequest, HTTPResponse, HTTPStreamClosedError, HTTPTimeoutError
from waterspout.httpclient import AsyncHTTPClient
from waterspout.netutil import OverrideResolver, Resolver
from waterspout.protocol.http1 import Limits
from waterspout.tcpclient import TCPClient

__all__ = ["HTTPStreamClosedError", "HTTPTimeoutError", "SimpleAsyncHTTPClient"]


class SimpleAsyncHTTPClient(AsyncHTTPClient):
    """A client of HTTP/1.1 that keeps connections for further requests.

    See `initialize` for the arguments.  Documentation: ``simple_httpclient``.
    """

    def initialize(  # type: ignore[override]  # each implementation has its arguments
        self,
        max_clients: int = 10,
        hostname_mapping: Mapping[Any, Any] | None = None,
        max_buffer_size: int = 104857600,
        resolver: Resolver | None = None,
        defaults: Mapping[str, Any] | None = None,
        max_header_size: int | None = None,
        max_body_size: int | None = None,
        *,
        max_clients_per_host: int | None = None,
        idle_timeout: float = 30.0,
        environment_proxies: bool = False,
    ) -> None:
        """Take the constructor's arguments.

        ``max_clients`` is how many requests are made at a time; others wait.  As many connections are open at most.
        ``hostname_mapping`` replaces addresses, as `netutil.OverrideResolver` does; ``resolver`` finds them.
        ``max_header_size`` (64 KiB by default) and ``max_body_size`` (by default ``max_buffer_size``, 100 MiB) are in
        bytes; the latter holds for a body as it comes and for what it unpacks to.

        Our own are the rest.  ``max_clients_per_host`` bounds the connections to one host.  A connection waits
        ``idle_timeout`` seconds for another request, and with 0 is closed after each.  ``environment_proxies`` heeds
        the environment variables ``http_proxy``, ``https_proxy``, ``all_proxy`` and ``no_proxy``.
        """
        super().initialize(defaults=defaults)
        if max_clients < 1:
            raise ValueError(f"max_clients={max_clients}: at least one is needed")
        self.max_clients = max_clients
        self.max_buffer_size = max_buffer_size
        self.max_header_size = max_header_size
        self.max_body_size = max_buffer_size if max_body_size is None else max_body_size
        self.own_resolver = resolver is None
        self.resolver = Resolver() if resolver is None else resolver
        if hostname_mapping is not None:
            self.resolver = OverrideResolver(self.resolver, hostname_mapping)
        self.tcp_client = TCPClient(resolver=self.resolver)
        limits = Limits(
            head=max_header_size or Limits.head,
            start_line=max(Limits.start_line, max_header_size or 0),
            body=self.max_body_size,
        )
        loop = self.io_loop.asyncio_loop
        pool = Pool(Connector(self.tcp_client, limits), loop, max_clients, max_clients_per_host, idle_timeout)
        self._resources = Resources(
            pool, Contexts(), self.max_body_size, environment_proxies, keep_alive=idle_timeout > 0, elders=Elders()
        )
        self.active: set[asyncio.Task[Any]] = set()
        self._places = Places(max_clients)

    @property
    def queue(self) -> deque[asyncio.Future[None]]:
        """What stands for the requests that wait."""
        return self._places.queue

    def close(self) -> None:
        """End the client: requests that wait or are under way are ended, and all connections closed.

        Documentation: ``httpclient.AsyncHTTPClient.close``.
        """
        if self._closed:
            return
        super().close()
        for task in list(self.active):
            task.cancel()
        self._resources.pool.close()
        if self.own_resolver:
            self.resolver.close()
        self.tcp_client.close()

    def fetch_impl(self, request: Any, callback: Callable[[HTTPResponse], None]) -> asyncio.Future[Any]:
        """Make ``request`` as soon as there is room, and call back with the response: 599 when there is none."""
        task: asyncio.Task[Any] = self.io_loop.asyncio_loop.create_task(self._fetch(request, callback))
        self.active.add(task)
        task.add_done_callback(self.active.discard)
        return task

    async def _fetch(self, request: EffectiveRequest, callback: Callable[[HTTPResponse], None]) -> None:
        callback(await self._outcome(request))

    async def _outcome(self, request: EffectiveRequest) -> HTTPResponse:
        loop = self.io_loop.asyncio_loop
        came, began = loop.time(), time.time()
        started = came
        patience = Patience(asyncio.current_task())
        try:
            in_time = min(limit(request.connect_timeout), limit(request.request_timeout))
            patience.until(came + in_time, "Timeout in request queue")
            await self._places.enter()
            started, began = loop.time(), time.time()
            try:
                response = await Fetch(self._resources, request, patience).run()
            finally:
                self._places.leave()
        except asyncio.CancelledError:
            failure = self._end_of(patience)
            if failure is None:
                raise
            response = _failed(request, failure, began, loop.time() - started)
        except Exception as error:
            response = _failed(request, error, began, loop.time() - started)
        finally:
            patience.stop()
        response.time_info["queue"] = started - came
        return response

    def _end_of(self, patience: Patience) -> Exception | None:
        """Return why a request was cancelled, unless it was the program that did so."""
        if patience.over is not None:
            return HTTPTimeoutError(patience.over)
        return HTTPStreamClosedError("the client was closed") if self._closed else None


def _failed(request: Any, error: Exception, began: float, seconds: float) -> HTTPResponse:
    return HTTPResponse(request, 599, error=error, request_time=seconds, start_time=began)
