"""The connections of an HTTP client: those in use, those that wait for the next request, and how many may be.

A connection in use belongs to one exchange.  One that waits is closed when it waits too long, when the server says or
does anything, or to make room for another.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from waterspout._client_connect import Connector
from waterspout._client_driver import ClientDriver
from waterspout._client_origin import Route
from waterspout._client_places import Places


class Pool:
    """Hands out connections, and takes them back.

    ``total`` bounds the connections altogether: whoever acquires holds fewer than that, and waiting ones are closed to
    keep to it.  ``per_host`` bounds those of one route, None for no bound.  A connection waits for ``idle_timeout``
    seconds at most, not at all when that is 0.
    """

    def __init__(
        self,
        connector: Connector,
        loop: asyncio.AbstractEventLoop,
        total: int,
        per_host: int | None,
        idle_timeout: float,
    ) -> None:
        self._connector = connector
        self._loop = loop
        self._total = total
        self._per_host = per_host
        self._idle_timeout = idle_timeout
        self._in_use: dict[ClientDriver, Route] = {}
        # How many of each route are in use, those that are being opened included; empty ones go.
        self._places: dict[Route, Places] = {}
        # The one that waits longest first, with the time of the loop at which that is long enough.
        self._idle: OrderedDict[ClientDriver, tuple[Route, float]] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    async def acquire(self, route: Route, connecting: Callable[[], None], fresh: bool = False) -> ClientDriver:
        """Return a connection, to be given back by `release`.

        ``connecting()`` is called before one is opened; ``fresh`` asks for one that nobody has used.  Waits while the
        route has as many as it may.  Raises what `Connector.connect` does.
        """
        places = self._places.get(route)
        if places is None:
            places = self._places[route] = Places(self._per_host)
        await places.enter()
        try:
            driver = None if fresh else self._take_idle(route)
            if driver is None:
                self._make_room(route)
                connecting()
                driver = await self._connector.connect(route)
        except BaseException:
            self._leave(route)
            raise
        self._in_use[driver] = route
        return driver

    def release(self, driver: ClientDriver) -> None:
        """Take back a connection; it waits for the next request if it is fit for that, and is closed otherwise."""
        route = self._in_use.pop(driver)
        if not self._closed and self._idle_timeout > 0 and driver.end_exchange():
            driver.on_quiet_end = self._drop
            self._idle[driver] = route, self._loop.time() + self._idle_timeout
            self._set_timer()
        else:
            driver.close()
        self._leave(route)

    def discard(self, driver: ClientDriver) -> None:
        """Take back a connection that is of no use any more."""
        route = self._in_use.pop(driver)
        driver.abort()
        self._leave(route)

    def close(self) -> None:
        """Close what waits; what is in use is closed when it is given back."""
        self._closed = True
        for driver in list(self._idle):
            self._drop(driver)

    def _leave(self, route: Route) -> None:
        places = self._places[route]
        places.leave()
        if not places.taken:
            del self._places[route]

    # -- those that wait

    def _take_idle(self, route: Route) -> ClientDriver | None:
        # The one used last is the least likely to be closed meanwhile.
        for driver, (its_route, _) in reversed(self._idle.items()):
            if its_route == route and driver.is_alive():
                self._forget(driver)
                return driver
        return None

    def _make_room(self, route: Route) -> None:
        """Close waiting connections until another one keeps to the bounds."""
        if self._per_host is not None:
            for driver in [driver for driver, (its_route, _) in self._idle.items() if its_route == route]:
                if self._places[route].taken + self._idle_of(route) > self._per_host:
                    self._drop(driver)
        while self._idle and sum(one.taken for one in self._places.values()) + len(self._idle) > self._total:
            self._drop(next(iter(self._idle)))

    def _idle_of(self, route: Route) -> int:
        return sum(1 for its_route, _ in self._idle.values() if its_route == route)

    def _forget(self, driver: ClientDriver) -> None:
        driver.on_quiet_end = None
        del self._idle[driver]
        self._set_timer()

    def _drop(self, driver: ClientDriver) -> None:
        self._forget(driver)
        driver.close()

    def _set_timer(self) -> None:
        if self._timer is not None and not self._idle:
            self._timer.cancel()
            self._timer = None
        elif self._timer is None and self._idle:
            _, at = next(iter(self._idle.values()))
            self._timer = self._loop.call_at(at, self._expire)

    def _expire(self) -> None:
        self._timer = None
        now = self._loop.time()
        for driver, (_, at) in list(self._idle.items()):
            if at <= now:
                self._drop(driver)
        self._set_timer()
