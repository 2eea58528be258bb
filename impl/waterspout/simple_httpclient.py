"""The HTTP client of Python alone, which `httpclient.AsyncHTTPClient` is unless configured otherwise.

Documentation: ``tornado.simple_httpclient``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from waterspout._client_connect import Connector
from waterspout._client_fetch import Patience, Terms
from waterspout._client_origin import Contexts
from waterspout._client_pool import Pool
from waterspout._client_pooled import PooledFetch, Resources
from waterspout._client_queue import QueueingClient
from waterspout._client_request import EffectiveRequest, HTTPResponse, HTTPStreamClosedError, HTTPTimeoutError
from waterspout.netutil import OverrideResolver, Resolver
from waterspout.protocol.http1 import Limits
from waterspout.tcpclient import TCPClient

__all__ = ["HTTPStreamClosedError", "HTTPTimeoutError", "SimpleAsyncHTTPClient"]


class SimpleAsyncHTTPClient(QueueingClient):
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
        super().initialize(max_clients, defaults)
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
        self._resources = Resources(pool, Contexts())
        self._terms = Terms(self.max_body_size, environment_proxies, keep_alive=idle_timeout > 0)

    def close(self) -> None:
        """End the client: requests that wait or are under way are ended, and all connections closed.

        Documentation: ``httpclient.AsyncHTTPClient.close``.
        """
        if self._closed:
            return
        super().close()
        self._resources.pool.close()
        if self.own_resolver:
            self.resolver.close()
        self.tcp_client.close()

    async def _respond(self, request: EffectiveRequest, patience: Patience) -> HTTPResponse:
        return await PooledFetch(self._resources, self._terms, request, patience).run()
