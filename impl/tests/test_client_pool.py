"""The pool of the HTTP client, beside what must hold of it whatever happens."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from waterspout._client_origin import Route
from waterspout._client_places import Places
from waterspout._client_pool import Pool

ROUTES = [Route(name, 80) for name in "abc"]


class Clock:
    """A loop as far as a pool looks at it."""

    def __init__(self) -> None:
        self.now = 0.0
        self._timers: list[tuple[float, int, Timer]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, at: float, callback: Callable[[], None]) -> Timer:
        timer = Timer(callback)
        heapq.heappush(self._timers, (at, id(timer), timer))
        return timer

    def advance(self, seconds: float) -> None:
        self.now += seconds
        while self._timers and self._timers[0][0] <= self.now:
            timer = heapq.heappop(self._timers)[2]
            if not timer.cancelled:
                timer.callback()

    def pending(self) -> int:
        return sum(not timer.cancelled for _, _, timer in self._timers)


class Timer:
    """What call_at() returns."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Driver:
    """A connection as far as a pool looks at it."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self.closed = False
        self.fit = True
        self.on_quiet_end: Callable[[Driver], None] | None = None

    def is_alive(self) -> bool:
        return not self.closed

    def end_exchange(self) -> bool:
        return self.fit and not self.closed

    def close(self) -> None:
        self.closed = True

    abort = close


class Connector:
    """Opens connections when it is told to."""

    def __init__(self) -> None:
        self.opening: list[tuple[Route, asyncio.Future[Driver]]] = []

    async def connect(self, route: Route) -> Driver:
        future: asyncio.Future[Driver] = asyncio.get_running_loop().create_future()
        entry = route, future
        self.opening.append(entry)
        try:
            return await future
        finally:
            self.opening.remove(entry)


class PoolMachine(RuleBasedStateMachine):
    """A pool, those who want connections of it, and servers that come and go."""

    @initialize(total=st.integers(1, 4), per_host=st.sampled_from([None, 1, 2]), idle=st.sampled_from([0, 10]))
    def make(self, total: int, per_host: int | None, idle: float) -> None:
        self.loop = asyncio.new_event_loop()
        self.clock, self.connector = Clock(), Connector()
        self.total, self.per_host, self.idle_timeout = total, per_host, idle
        clock: Any = self.clock
        connector: Any = self.connector
        self.pool = Pool(connector, clock, total, per_host, idle)
        self.wanting: list[asyncio.Task[Any]] = []
        self.held: list[Driver] = []
        self.idle: dict[Driver, float] = {}
        self.all: list[Driver] = []

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            for task in self.wanting:
                task.cancel()
            self.settle()
            for driver in list(self.held):
                self.give_back(driver, fit=False)
            self.pool.close()
            assert all(driver.closed for driver in self.all)
            assert (self.clock.pending(), self.pool._places) == (0, {})
            self.loop.close()

    def settle(self) -> None:
        """Let everybody come to rest, and see who has got what."""
        for _ in range(4):
            self.loop.run_until_complete(asyncio.sleep(0))
        for task in [task for task in self.wanting if task.done()]:
            self.wanting.remove(task)
            if not task.cancelled() and task.exception() is None:
                driver = task.result()
                assert driver not in self.held
                assert not driver.closed
                self.held.append(driver)
                self.idle.pop(driver, None)

    def give_back(self, driver: Driver, fit: bool) -> None:
        self.held.remove(driver)
        driver.fit = fit
        self.pool.release(driver)  # type: ignore[arg-type]
        if not driver.closed:
            self.idle[driver] = self.clock.now

    @precondition(lambda self: len(self.wanting) + len(self.held) < self.total)
    @rule(route=st.sampled_from(ROUTES), fresh=st.booleans())
    def acquire(self, route: Route, fresh: bool) -> None:
        self.wanting.append(self.loop.create_task(self.pool.acquire(route, lambda: None, fresh=fresh)))
        self.settle()

    @precondition(lambda self: self.connector.opening)
    @rule(data=st.data(), works=st.booleans())
    def connect(self, data: Any, works: bool) -> None:
        route, future = data.draw(st.sampled_from(self.connector.opening))
        if works:
            self.all.append(Driver(route))
            future.set_result(self.all[-1])
        else:
            future.set_exception(ConnectionRefusedError())
        self.settle()

    @precondition(lambda self: self.held)
    @rule(data=st.data(), fit=st.booleans(), whole=st.booleans())
    def release(self, data: Any, fit: bool, whole: bool) -> None:
        driver = data.draw(st.sampled_from(self.held))
        if whole:
            self.give_back(driver, fit)
        else:
            self.held.remove(driver)
            self.pool.discard(driver)  # type: ignore[arg-type]
            assert driver.closed
        self.settle()

    @precondition(lambda self: self.wanting)
    @rule(data=st.data())
    def give_up(self, data: Any) -> None:
        data.draw(st.sampled_from(self.wanting)).cancel()
        self.settle()

    @precondition(lambda self: any(not driver.closed for driver in self.idle))
    @rule(data=st.data())
    def server_leaves(self, data: Any) -> None:
        driver = data.draw(st.sampled_from([driver for driver in self.idle if not driver.closed]))
        assert driver.on_quiet_end is not None
        driver.on_quiet_end(driver)
        assert driver.closed

    @rule(seconds=st.sampled_from([1, 5, 11]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @invariant()
    def bounds_hold(self) -> None:
        if not hasattr(self, "pool"):
            return
        waiting = [driver for driver in self.idle if not driver.closed]
        busy = [driver.route for driver in self.held] + [route for route, _ in self.connector.opening]
        assert len(busy) + len(waiting) <= self.total
        for route in ROUTES:
            count = busy.count(route)
            if self.per_host is not None:
                assert count + sum(driver.route == route for driver in waiting) <= self.per_host
        assert all(self.clock.now - self.idle[driver] < self.idle_timeout for driver in waiting)
        assert {driver for driver in self.all if not driver.closed} == {*self.held, *waiting}

    @invariant()
    def nobody_waits_in_vain(self) -> None:
        if not hasattr(self, "pool"):
            return
        lined_up = len(self.wanting) - len(self.connector.opening)
        busy = [driver.route for driver in self.held] + [route for route, _ in self.connector.opening]
        assert not lined_up or any(busy.count(route) == self.per_host for route in ROUTES)


TestPool = PoolMachine.TestCase
TestPool.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


def test_places_are_given_in_line() -> None:
    """Who gives up in the line, or just as the turn comes, takes none."""

    async def main() -> None:
        places = Places(1)
        await places.enter()
        first, second, third = (asyncio.ensure_future(places.enter()) for _ in range(3))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        places.leave()
        second.cancel()
        await third
        assert (places.taken, len(places.queue)) == (1, 0)
        assert (first.cancelled(), second.cancelled()) == (True, True)
        places.leave()
        assert places.taken == 0

    asyncio.run(main())


@pytest.mark.parametrize("number", [None, 3])
def test_places_for_all(number: int | None) -> None:
    """Without a bound, or with one that is not reached, nobody waits."""

    async def main() -> None:
        places = Places(number)
        for _ in range(3):
            await places.enter()
        assert places.taken == 3

    asyncio.run(main())
