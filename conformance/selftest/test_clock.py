"""The jumping clock moves time exactly, waits for what is real, and cannot hang."""

from __future__ import annotations

import asyncio
import concurrent.futures
import importlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from conformance.clock import Clock, mixing_problem


@pytest.fixture
def jumping() -> Iterator[Clock]:
    with Clock() as clock:
        yield clock


def test_a_sleep_of_an_hour_takes_no_time_and_moves_all_clocks_by_an_hour(jumping: Clock) -> None:
    """All three scales agree on what has passed."""
    before = (time.time(), time.monotonic(), jumping.loop.time())
    real = time.perf_counter()
    jumping.loop.run_until_complete(asyncio.sleep(3600))
    after = (time.time(), time.monotonic(), jumping.loop.time())
    assert [round(end - start, 6) for start, end in zip(before, after, strict=True)] == [3600, 3600, 3600]
    assert jumping.elapsed == 3600
    assert time.perf_counter() - real < 1


def test_a_timer_years_ahead_is_reached(jumping: Clock) -> None:
    """The loop looks up once a day at most, so it must go on jumping."""
    jumping.loop.run_until_complete(asyncio.sleep(20 * 365 * 86400))
    assert jumping.elapsed == 20 * 365 * 86400


@pytest.mark.parametrize("delay", [0.1, 0.3, 1 / 3, 1e-7, 86400.7])
def test_deadlines_computed_from_the_time_of_day_end(jumping: Clock, delay: float) -> None:
    """A deadline on the scale of time.time is not exact, yet its timer fires within a microsecond or two."""

    async def until(deadline: float) -> None:
        while (rest := deadline - time.time()) > 0:
            await asyncio.sleep(rest)

    jumping.loop.run_until_complete(until(time.time() + delay))
    assert delay - 1e-6 <= jumping.elapsed <= delay + 3e-6


def test_timers_fire_in_order_at_their_times(jumping: Clock) -> None:
    """Each timer sees the time it was set for."""
    seen: list[tuple[float, float]] = []

    async def after(delay: float) -> None:
        await asyncio.sleep(delay)
        seen.append((delay, jumping.elapsed))

    async def case() -> None:
        await asyncio.gather(*map(after, [600, 0.25, 60]))

    jumping.loop.run_until_complete(case())
    assert seen == [(0.25, 0.25), (60, 60), (600, 600)]


def test_waiting_for_nothing_is_a_deadlock_with_a_place(jumping: Clock) -> None:
    """A future that nobody resolves fails at once, and the message tells who waits."""

    async def forsaken() -> None:
        await jumping.loop.create_future()

    with pytest.raises(AssertionError, match=r"deadlock: (.|\n)*forsaken, test_clock.py:\d+"):
        jumping.loop.run_until_complete(forsaken())


def test_work_on_the_default_executor_is_waited_for(jumping: Clock) -> None:
    """Time stands still while the executor works, though a timer is set."""
    go = threading.Event()

    async def case() -> str:
        jumping.loop.call_soon(go.set)
        work = jumping.loop.run_in_executor(None, lambda: str(go.wait(5)))
        return await asyncio.wait_for(work, 3600)

    assert jumping.loop.run_until_complete(case()) == "True"
    assert jumping.elapsed == 0


def test_the_work_of_a_pool_is_waited_for_but_its_idle_threads_are_not(jumping: Clock) -> None:
    """A pool that has done its work does not keep the time from jumping."""

    async def case(pool: concurrent.futures.Executor) -> int:
        total = 0
        for number in range(200):
            total += await asyncio.wrap_future(pool.submit(abs, -number))
        await asyncio.sleep(60)
        return total

    real = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert jumping.loop.run_until_complete(case(pool)) == sum(range(200))
    assert jumping.elapsed == 60
    assert time.perf_counter() - real < 5


def test_a_thread_that_calls_in_is_waited_for(jumping: Clock) -> None:
    """A plain thread counts as long as it runs."""

    async def case() -> float:
        called = jumping.loop.create_future()
        go = threading.Event()

        def work() -> None:
            go.wait(5)
            jumping.loop.call_soon_threadsafe(called.set_result, "called")

        thread = threading.Thread(target=work)
        thread.start()
        jumping.loop.call_soon(go.set)
        await asyncio.wait_for(called, 3600)
        thread.join()
        return jumping.elapsed

    assert jumping.loop.run_until_complete(case()) == 0


def test_a_thread_that_waits_for_the_loop_does_not_stop_the_time(jumping: Clock) -> None:
    """Work that ends only after a timeout is not waited for without end."""
    go = threading.Event()

    async def case() -> None:
        jumping.loop.call_later(60, go.set)
        assert await jumping.loop.run_in_executor(None, go.wait)

    jumping.loop.run_until_complete(case())
    assert jumping.elapsed == 60


def test_descriptors_are_polled_before_time_jumps(jumping: Clock) -> None:
    """What has arrived on a socket comes before the next timer."""

    async def case() -> bytes:
        near, far = socket.socketpair()
        with near, far:
            near.setblocking(False)
            far.send(b"here")
            return await asyncio.wait_for(jumping.loop.sock_recv(near, 10), 3600)

    assert jumping.loop.run_until_complete(case()) == b"here"
    assert jumping.elapsed == 0


def test_time_functions_come_back_after_an_error() -> None:
    """Whatever the case raises, the next one has real time."""
    names = ("time", "time_ns", "monotonic", "monotonic_ns", "get_clock_info")
    originals = [getattr(time, name) for name in names]
    submit = concurrent.futures.ThreadPoolExecutor.submit
    with pytest.raises(ZeroDivisionError), Clock():
        raise ZeroDivisionError
    assert [getattr(time, name) for name in names] == originals
    assert concurrent.futures.ThreadPoolExecutor.submit is submit


def test_a_time_function_kept_by_a_module_goes_back_to_real_time() -> None:
    """A module that is imported during a case may keep the function it found."""
    with Clock() as clock:
        kept = importlib.import_module("time").monotonic
        clock.advance(1_000_000)
        assert kept() == clock.monotonic()
    assert abs(kept() - time.monotonic()) < 1


def test_the_loop_is_closed_and_its_tasks_ended() -> None:
    """Nothing of a case lives on."""
    ended: list[str] = []

    async def endless() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            ended.append("cancelled")

    with Clock() as clock:
        task = clock.loop.create_task(endless())
        clock.loop.run_until_complete(asyncio.sleep(1))
    assert (ended, task.cancelled(), clock.loop.is_closed()) == (["cancelled"], True, True)


def test_a_case_may_not_combine_the_clock_with_real_peers() -> None:
    """The lint names the fixture that does not go with it."""
    assert "serve" in mixing_problem(["clock", "serve"])
    assert "wire, ws" in mixing_problem(["clock", "ws", "wire", "chop"])
    assert mixing_problem(["clock", "caplog"]) == ""
    assert mixing_problem(["serve"]) == ""


def test_a_task_that_stops_the_loop_does_not_spoil_its_end() -> None:
    """The teardown of one case raises nothing, whatever the case left behind."""

    async def stubborn(clock: Clock) -> None:
        try:
            await asyncio.sleep(10)
        finally:
            clock.loop.stop()

    with Clock() as clock:
        task = clock.loop.create_task(stubborn(clock))
        clock.loop.run_until_complete(asyncio.sleep(1))
    assert (task.cancelled(), clock.loop.is_closed()) == (True, True)
