"""Fetching over connections of our own, which a pool keeps."""

from __future__ import annotations

from dataclasses import dataclass

from waterspout._client_exchange import Exchange
from waterspout._client_fetch import Fetch, Outcome, Patience, Terms, limit
from waterspout._client_head import IDEMPOTENT
from waterspout._client_origin import Contexts, Location, Proxy, Route
from waterspout._client_pool import Pool
from waterspout._client_request import EffectiveRequest, HTTPStreamClosedError
from waterspout.netutil import is_valid_ip


@dataclass
class Resources:
    """What the fetches of a client share."""

    pool: Pool
    contexts: Contexts


class PooledFetch(Fetch):
    """A fetch that borrows connections from a pool."""

    def __init__(self, resources: Resources, terms: Terms, request: EffectiveRequest, patience: Patience) -> None:
        super().__init__(terms, request, patience)
        self._resources = resources

    async def _attempt(self, request: EffectiveRequest, location: Location, proxy: Proxy | None) -> Outcome:
        """Make one request, a second time if a connection that was used before turns out to be closed."""
        route = self._route(request, location, proxy)
        try:
            return await self._on_connection(request, location, route)
        except _Stale:
            return await self._on_connection(request, location, route, fresh=True)

    def _route(self, request: EffectiveRequest, location: Location, proxy: Proxy | None) -> Route:
        context = self._resources.contexts.of(request) if location.scheme == "https" else None
        source = request.network_interface
        if source and not is_valid_ip(source):
            raise ValueError(f"network_interface={source!r}: simple_httpclient takes an address, and this is none")
        ipv6 = request.allow_ipv6 is not False
        host, port = location.host, location.port
        if proxy is not None and context is None:
            # A proxy's connections serve all hosts.
            host, port = proxy.host, proxy.port
        return Route(host, port, context, proxy, source, ipv6)

    async def _on_connection(
        self, request: EffectiveRequest, location: Location, route: Route, fresh: bool = False
    ) -> Outcome:
        pool = self._resources.pool

        def connecting() -> None:
            until = min(self._loop.time() + limit(request.connect_timeout), self._deadline)
            self._patience.until(until, "Timeout while connecting")

        self._patience.until(self._deadline, "Timeout in request queue")
        driver = await pool.acquire(route, connecting, fresh=fresh)
        self._patience.until(self._deadline, "Timeout during request")
        used = driver.exchanges > 0
        exchange = None
        try:
            proxy = None if route.through_tunnel else route.proxy
            exchange = Exchange(driver, request, self._head(request, location, proxy))
            result = await self._converse(exchange, request, location)
        except BaseException as error:
            if exchange is not None:
                exchange.end()
            pool.discard(driver)
            lost = isinstance(error, HTTPStreamClosedError) and not driver.received
            if lost and used and not fresh and _may_repeat(request):
                raise _Stale from error
            raise
        exchange.end()
        pool.release(driver)
        return result


class _Stale(Exception):
    """A connection was closed while it waited, and the request may be made again."""


def _may_repeat(request: EffectiveRequest) -> bool:
    """Tell whether a request that was perhaps received may be sent again (RFC 9110, section 9.2.2)."""
    return request.method in IDEMPOTENT and request.body_producer is None
