"""The insides of ``waterspout.ioloop``, on loops of asyncio and on one whose clock jumps."""

from __future__ import annotations

import asyncio
import concurrent.futures
import datetime
import gc
import itertools
import os
import selectors
import socket
import threading
import warnings
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from waterspout import gen
from waterspout.ioloop import AsyncIOMainLoop, IOLoop, PeriodicCallback, TimeoutError


class _JumpingSelector(selectors.SelectSelector):
    """Never waits: tells how long it would have."""

    skipped = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        self.skipped += max(timeout or 0, 1e-6)
        return super().select(0)


class JumpingLoop(asyncio.SelectorEventLoop):
    """A loop that jumps to its next timer."""

    def __init__(self) -> None:
        self.jumping_selector = _JumpingSelector()
        super().__init__(self.jumping_selector)

    def time(self) -> float:
        return self.jumping_selector.skipped


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A new loop of each kind, current while the test runs."""
    monkeypatch.setenv("WATERSPOUT_LOOP", request.param)
    made = IOLoop()
    assert type(made.asyncio_loop).__module__.partition(".")[0] == request.param
    yield made
    made.close()


@pytest.fixture
def jumping() -> Iterator[Any]:
    """A facade on a loop whose clock jumps."""
    made = AsyncIOMainLoop(JumpingLoop())
    yield made
    made.close()


def errors(caplog: pytest.LogCaptureFixture) -> list[Any]:
    """Return logger and exception type of each record."""
    return [(record.name, record.exc_info and record.exc_info[0]) for record in caplog.records]


def test_current_is_the_facade_of_the_running_loop() -> None:
    """One for each asyncio loop, the same each time, also under its older name."""

    async def main() -> None:
        current = IOLoop.current()
        assert current is IOLoop.current() is IOLoop.instance() is IOLoop.current(instance=False)
        assert current.asyncio_loop is asyncio.get_running_loop()

    asyncio.run(main())


def test_current_outside_a_loop_makes_the_one_that_start_runs() -> None:
    """In any thread, without a warning."""
    results = []

    def in_thread() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            before = IOLoop.current(instance=False)
            IOLoop.current().add_callback(IOLoop.current().stop)
            IOLoop.current().start()
            results.append((before, IOLoop.current() is IOLoop.instance()))
            IOLoop.current().close()
            results.append(IOLoop.current(instance=False))

    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()

    assert results == [(None, True), None]


def test_a_loop_set_in_asyncio_is_the_current_one() -> None:
    """asyncio.set_event_loop decides outside a running loop."""
    theirs = asyncio.new_event_loop()
    asyncio.set_event_loop(theirs)
    try:
        assert IOLoop.current().asyncio_loop is theirs
    finally:
        IOLoop.current().close()

    assert theirs.is_closed()


def test_closing_a_loop_goes_back_to_the_one_before(loop: Any) -> None:
    """A loop made for a while does not leave the thread without one."""
    inner = IOLoop()
    assert IOLoop.current() is inner
    inner.close()

    assert IOLoop.current() is loop


def test_the_facade_is_collected_with_its_loop() -> None:
    """A program that runs many loops keeps none of their facades."""

    async def main() -> Any:
        return weakref.ref(IOLoop.current())

    reference = asyncio.run(main())
    gc.collect()

    assert reference() is None


def test_closing_twice_is_harmless_and_closing_a_running_loop_is_refused(loop: Any) -> None:
    """The refusal comes before anything is torn down."""

    async def main() -> None:
        with pytest.raises(RuntimeError, match="stop the loop"):
            loop.close()

    loop.run_sync(main)
    loop.close()
    loop.close()
    loop.add_callback(print)


def test_exceptions_of_callbacks_are_logged(loop: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Of functions, both kinds of coroutine, timers and callbacks of futures; and the loop goes on."""

    def plain() -> None:
        raise KeyError("plain")

    async def native() -> None:
        raise KeyError("native")

    @gen.coroutine
    def decorated() -> None:
        raise KeyError("decorated")

    for callback in (plain, native, decorated):
        loop.add_callback(callback)
    loop.spawn_callback(native)
    loop.call_later(0, native)
    finished: concurrent.futures.Future[int] = concurrent.futures.Future()
    finished.set_result(1)
    loop.add_future(finished, lambda _: plain())
    loop.add_callback(lambda: 5)
    loop.run_sync(lambda: gen.sleep(0.01))

    assert errors(caplog) == [("tornado.application", KeyError)] * 6


def test_callbacks_from_other_threads_wake_the_loop(loop: Any) -> None:
    """A loop with nothing to do runs a callback from a thread."""
    thread = threading.Thread(target=loop.add_callback, args=(loop.stop,))
    loop.add_callback(thread.start)
    loop.start()
    thread.join()


def test_add_future_never_calls_at_once(loop: Any) -> None:
    """Futures of both kinds, and nothing else."""
    seen: list[Any] = []

    async def main() -> None:
        ours = asyncio.get_running_loop().create_future()
        theirs: concurrent.futures.Future[int] = concurrent.futures.Future()
        for future in (ours, theirs):
            future.set_result(1)
            loop.add_future(future, seen.append)
        assert seen == []
        await gen.sleep(0)
        await asyncio.sleep(0)
        assert seen == [ours, theirs]
        with pytest.raises(TypeError, match="convert_yielded"):
            loop.add_future(5, print)

    loop.run_sync(main)


def test_run_sync_returns_or_raises_what_the_function_does(loop: Any) -> None:
    """For coroutines, for lists of them, for None, and for plain errors."""

    async def native() -> int:
        return 6

    def failing() -> None:
        raise KeyError("k")

    assert loop.run_sync(native) == 6
    assert loop.run_sync(lambda: [native(), native()]) == [6, 6]
    assert loop.run_sync(lambda: None) is None
    with pytest.raises(KeyError):
        loop.run_sync(failing)


def test_run_sync_cancels_what_takes_too_long(loop: Any) -> None:
    """The coroutine sees the cancellation, and the loop can be used again."""
    seen = []

    async def slow() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    with pytest.raises(TimeoutError, match=r"0\.01 seconds"):
        loop.run_sync(slow, timeout=0.01)

    assert seen == ["cancelled"]


def test_run_sync_cancels_what_has_begun_though_the_time_passed_before(
    loop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a loop runs first, timers or what is ready: the coroutine gets to its first wait."""
    seen = []
    start = loop.start

    def start_late() -> None:
        asyncio_loop = loop.asyncio_loop
        passed = asyncio_loop.time() + 0.01
        while asyncio_loop.time() <= passed:
            pass
        start()

    async def slow() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            seen.append("ended")

    monkeypatch.setattr(loop, "start", start_late)
    with pytest.raises(TimeoutError):
        loop.run_sync(slow, timeout=0.001)

    assert seen == ["ended"]


def test_run_sync_says_when_the_loop_was_stopped_or_is_running(loop: Any) -> None:
    """Two mistakes, two RuntimeErrors; and what was abandoned does not stop a later run."""
    gate: asyncio.Future[None] = loop.asyncio_loop.create_future()

    def stopping() -> Any:
        loop.stop()
        return gate

    async def nested() -> None:
        with pytest.raises(RuntimeError, match="await the coroutine"):
            loop.run_sync(stopping)

    async def later() -> str:
        gate.set_result(None)
        await asyncio.sleep(0.001)
        return "complete"

    with pytest.raises(RuntimeError, match="stopped before"):
        loop.run_sync(stopping)
    loop.run_sync(nested)

    assert loop.run_sync(later) == "complete"


def test_timers_run_in_order_with_their_arguments(jumping: Any) -> None:
    """Delays, spans and times on the clock; a removed one does not run, and removing twice is harmless."""
    seen: list[Any] = []
    jumping.call_later(30, lambda *args, **kwargs: seen.append((args, kwargs)), 1, x=2)
    jumping.add_timeout(datetime.timedelta(seconds=20), seen.append, "span")
    jumping.add_timeout(jumping.time() + 10, seen.append, "number")
    jumping.call_at(jumping.time() + 40, jumping.stop)
    jumping.call_later(-5, seen.append, "past")
    removed = jumping.call_later(15, seen.append, "removed")
    jumping.remove_timeout(removed)
    jumping.remove_timeout(removed)
    jumping.start()

    assert seen == ["past", "number", "span", ((1,), {"x": 2})]


def test_a_deadline_that_is_no_time_is_refused(loop: Any) -> None:
    """Text and not-a-number."""
    with pytest.raises(TypeError, match="deadline"):
        loop.add_timeout("soon", print)
    with pytest.raises(ValueError, match="NaN"):
        loop.call_at(float("nan"), print)


def test_one_handler_serves_both_directions(loop: Any) -> None:
    """It is called with the object given and what happened, and can be changed and removed."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        seen: set[Any] = set()

        def handler(fd: Any, events: int) -> None:
            seen.add((fd is ours, events))
            if len(seen) == 2:
                loop.remove_handler(fd)
                loop.stop()

        theirs.send(b"x")
        loop.add_handler(ours, handler, IOLoop.READ | IOLoop.WRITE | IOLoop.ERROR)
        with pytest.raises(ValueError, match="already"):
            loop.add_handler(ours.fileno(), handler, IOLoop.READ)
        loop.start()

        assert seen == {(True, IOLoop.READ), (True, IOLoop.WRITE)}
        with pytest.raises(ValueError, match="no handler"):
            loop.update_handler(ours, IOLoop.READ)


def test_update_handler_changes_what_is_watched(loop: Any) -> None:
    """Switched from writing to reading, the handler hears of reading only."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        seen = []

        def handler(_: Any, events: int) -> None:
            seen.append((events, ours.recv(10)))
            loop.stop()

        loop.add_handler(ours, handler, IOLoop.WRITE)
        loop.update_handler(ours, IOLoop.READ)
        theirs.send(b"x")
        loop.start()
        loop.remove_handler(ours)

        assert seen == [(IOLoop.READ, b"x")]


def test_an_exception_of_a_handler_is_logged(loop: Any, caplog: pytest.LogCaptureFixture) -> None:
    """On the application's logger, and the loop goes on."""
    ours, theirs = socket.socketpair()
    with ours, theirs:

        def handler(fd: Any, events: int) -> None:
            loop.remove_handler(fd)
            loop.add_callback(loop.stop)
            raise KeyError("handler")

        loop.add_handler(ours, handler, IOLoop.WRITE)
        loop.start()

        assert errors(caplog) == [("tornado.application", KeyError)]


def test_a_closed_socket_can_still_be_removed(loop: Any) -> None:
    """Its number is gone, its handler is found all the same, and the number can be watched again."""
    ours, theirs = socket.socketpair()
    read_end, write_end = os.pipe()
    with theirs:
        number = ours.fileno()
        loop.add_handler(ours, print, IOLoop.READ)
        ours.close()
        loop.remove_handler(ours)
        os.dup2(read_end, number)
        loop.add_handler(number, print, IOLoop.READ)
        loop.remove_handler(number)
        for descriptor in (number, read_end, write_end):
            os.close(descriptor)


def test_close_with_all_fds_closes_what_is_watched() -> None:
    """Objects and plain numbers."""
    made = IOLoop(make_current=False)
    ours, theirs = socket.socketpair()
    read_end, write_end = os.pipe()
    made.add_handler(ours, print, IOLoop.READ)
    made.add_handler(read_end, print, IOLoop.READ)
    made.close(all_fds=True)

    assert ours.fileno() == -1
    with pytest.raises(OSError):
        os.fstat(read_end)
    theirs.close()
    os.close(write_end)


def test_functions_run_on_threads(loop: Any) -> None:
    """On the default executor or on a given one; a StopIteration cannot make the awaiter wait for ever."""

    def stopping() -> None:
        raise StopIteration

    async def main() -> None:
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            own = await loop.run_in_executor(pool, threading.current_thread)
            assert own is not threading.main_thread()
            with pytest.raises(RuntimeError):
                await asyncio.wait_for(loop.run_in_executor(pool, stopping), 5)
            loop.set_default_executor(pool)
            assert await loop.run_in_executor(None, threading.current_thread) is own

    loop.run_sync(main)


def test_deprecated_names_warn(loop: Any) -> None:
    """They still do what they did."""
    for act in (loop.make_current, loop.install, IOLoop.clear_current, IOLoop.clear_instance):
        with pytest.warns(DeprecationWarning, match="current"):
            act()
    with pytest.warns(DeprecationWarning, match="add_signal_handler"):
        loop.add_callback_from_signal(loop.stop)
    loop.start()


def run_periodic(jumping: Any, period: float, seconds: float, **options: Any) -> list[float]:
    """Return the times at which a periodic callback was called, and stop it after a while."""
    calls: list[float] = []
    clock = jumping.asyncio_loop.time

    def start() -> None:
        periodic = PeriodicCallback(lambda: calls.append(clock()), period, **options)
        periodic.start()
        assert periodic.is_running()
        jumping.call_later(seconds, periodic.stop)
        jumping.call_later(seconds, jumping.stop)

    jumping.add_callback(start)
    jumping.start()
    return calls


def test_a_periodic_callback_does_not_drift(jumping: Any) -> None:
    """A thousand periods later it is still on the multiples of the period, each exactly once."""
    calls = run_periodic(jumping, 100, 100.05)

    assert len(calls) == 1000
    assert calls[-1] - calls[0] == pytest.approx(99.9, abs=0.001)


def test_jitter_spreads_the_calls_around_the_period(jumping: Any) -> None:
    """Periods differ, and stay within the bounds."""
    calls = run_periodic(jumping, 1000, 1000, jitter=0.5)
    periods = [later - earlier for earlier, later in itertools.pairwise(calls)]

    assert 0.74 < min(periods) < 0.85
    assert 1.15 < max(periods) < 1.26


def test_a_long_call_is_never_overlapped_and_what_it_missed_is_left_out(jumping: Any) -> None:
    """A coroutine of 2.5 periods is called every third period."""
    began: list[float] = []
    running: list[bool] = []

    async def slow() -> None:
        assert not running
        running.append(True)
        began.append(jumping.asyncio_loop.time())
        await gen.sleep(2.5)
        running.clear()

    periodic = PeriodicCallback(slow, datetime.timedelta(seconds=1))
    jumping.add_callback(periodic.start)
    jumping.call_later(20, jumping.stop)
    jumping.start()
    periodic.stop()
    jumping.run_sync(lambda: gen.sleep(5))

    assert [round(time) for time in began] == [1, 4, 7, 10, 13, 16, 19]


def test_restarting_during_a_call_does_not_double_the_series(jumping: Any) -> None:
    """Stopped and started while a call is in progress, it stays one series without overlap."""
    running: list[bool] = []
    began: list[float] = []

    async def call() -> None:
        assert not running
        running.append(True)
        began.append(jumping.asyncio_loop.time())
        if len(began) == 1:
            periodic.stop()
            periodic.start()
        await gen.sleep(1.5)
        running.clear()

    periodic = PeriodicCallback(call, 1000)
    jumping.add_callback(periodic.start)
    jumping.call_later(10.2, jumping.stop)
    jumping.start()
    periodic.stop()
    jumping.run_sync(lambda: gen.sleep(5))

    assert [round(time) for time in began] == [1, 3, 5, 7, 9]


def test_errors_of_periodic_callbacks_are_logged_and_the_calls_go_on(
    jumping: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Of functions and of coroutines."""

    def plain() -> None:
        raise KeyError("plain")

    async def native() -> None:
        raise KeyError("native")

    for callback in (plain, native):
        periodic = PeriodicCallback(callback, 1000)
        jumping.add_callback(periodic.start)
        jumping.call_later(2.5, jumping.stop)
        jumping.start()
        periodic.stop()

    assert errors(caplog) == [("tornado.application", KeyError)] * 4


@pytest.mark.parametrize("period", [0, -1, float("nan"), float("inf")])
def test_a_period_that_is_not_positive_is_refused(period: float) -> None:
    """It would never or always be due."""
    with pytest.raises(ValueError, match="positive"):
        PeriodicCallback(print, period)
