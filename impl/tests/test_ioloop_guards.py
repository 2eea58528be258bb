"""The insides of ``waterspout.ioloop``: kinds of loops, signals, failures, and what older releases had."""

from __future__ import annotations

import asyncio
import os
import selectors
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from waterspout import _eventloop
from waterspout.ioloop import AsyncIOMainLoop, IOLoop, PeriodicCallback, PollIOLoop
from waterspout.platform.asyncio import AddThreadSelectorEventLoop


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A new loop of each kind, current while the test runs."""
    monkeypatch.setenv("WATERSPOUT_LOOP", request.param)
    made = IOLoop()
    yield made
    made.close()


def kind_of_new_loop() -> str:
    """Return the package that makes the asyncio loop of a new IOLoop."""
    made: Any = IOLoop(make_current=False)
    try:
        return type(made.asyncio_loop).__module__.partition(".")[0]
    finally:
        made.close()


def test_uvloop_is_used_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment may say otherwise, or demand it; a word it does not know is an error."""
    monkeypatch.delenv("WATERSPOUT_LOOP", raising=False)
    assert kind_of_new_loop() == "uvloop"
    monkeypatch.setenv("WATERSPOUT_LOOP", "asyncio")
    assert kind_of_new_loop() == "asyncio"
    monkeypatch.setenv("WATERSPOUT_LOOP", "trio")
    with pytest.raises(ValueError, match="asyncio or uvloop"):
        IOLoop(make_current=False)


def test_without_uvloop_asyncios_own_loop_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless the environment demands uvloop."""
    monkeypatch.setitem(sys.modules, "uvloop", None)
    monkeypatch.delenv("WATERSPOUT_LOOP", raising=False)
    assert kind_of_new_loop() == "asyncio"
    monkeypatch.setenv("WATERSPOUT_LOOP", "uvloop")
    with pytest.raises(ImportError):
        IOLoop(make_current=False)


def test_an_event_loop_policy_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has set one wants its loops."""

    class Policy(asyncio.DefaultEventLoopPolicy):
        pass

    monkeypatch.delenv("WATERSPOUT_LOOP", raising=False)
    before = asyncio.get_event_loop_policy()
    asyncio.set_event_loop_policy(Policy())
    try:
        assert kind_of_new_loop() == "asyncio"
    finally:
        asyncio.set_event_loop_policy(before)


def test_add_callback_in_a_signal_handler_wakes_an_idle_loop(loop: Any) -> None:
    """Often enough to find the loop asleep; a callback left in the queue would wait for ever."""
    heard = threading.Event()
    before = signal.signal(signal.SIGUSR1, lambda *_: loop.add_callback(heard.set))

    def work() -> None:
        for _ in range(50):
            os.kill(os.getpid(), signal.SIGUSR1)
            if not heard.wait(10):
                break
            heard.clear()
        loop.add_callback(loop.stop)

    thread = threading.Thread(target=work)
    try:
        loop.add_callback(thread.start)
        loop.start()
        thread.join()
    finally:
        signal.signal(signal.SIGUSR1, before)

    assert not heard.is_set()


def test_add_callback_wakes_only_from_outside_callbacks(loop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Waking is a system call, which callbacks and tasks are spared."""
    woken = []
    original = loop.asyncio_loop.call_soon_threadsafe
    monkeypatch.setattr(
        loop.asyncio_loop, "call_soon_threadsafe", lambda *args, **kw: (woken.append(args), original(*args, **kw))
    )

    async def main() -> None:
        loop.add_callback(loop.add_callback, lambda: None)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    loop.run_sync(main)
    assert woken == []
    loop.add_callback(loop.stop)
    assert len(woken) == 1
    loop.start()


def test_a_callback_that_raises_what_ends_programs_ends_the_loop(loop: Any) -> None:
    """KeyboardInterrupt and SystemExit come out of start(), and the loop can be started again."""

    def leave() -> None:
        raise SystemExit(3)

    loop.add_callback(leave)
    with pytest.raises(SystemExit):
        loop.start()
    loop.add_callback(loop.stop)
    loop.start()


def test_a_bad_yield_error_of_a_callback_is_logged(loop: Any, caplog: pytest.LogCaptureFixture) -> None:
    """It is no sign that the callback has returned something that cannot be waited for."""
    from waterspout.gen import BadYieldError

    def fail() -> None:
        raise BadYieldError("own error")

    loop.add_callback(fail)
    loop.run_sync(lambda: asyncio.sleep(0))

    assert [record.exc_info and record.exc_info[0] for record in caplog.records] == [BadYieldError]


@pytest.mark.parametrize("name", ["start", "run_sync", "call_later", "add_handler", "run_in_executor"])
def test_a_closed_loop_says_what_to_do(name: str) -> None:
    """Every method that could do nothing any more."""
    made: Any = IOLoop(make_current=False)
    made.close()
    arguments = {"run_sync": [print], "call_later": [1, print], "add_handler": [0, print, 1]}
    with pytest.raises(RuntimeError, match=r"IOLoop\(\) a new one"):
        getattr(made, name)(*arguments.get(name, [None, print] if name == "run_in_executor" else []))


def test_a_child_that_goes_on_with_a_running_loop_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The selector that stands in for the shared one refuses to wait, and can be closed."""
    parents = _eventloop._ParentsSelector()
    ours, theirs = os.pipe()
    parents.register(ours, selectors.EVENT_READ)
    with pytest.raises(RuntimeError, match=r"os\._exit"):
        parents.select(1)
    parents.close()
    os.close(ours)
    os.close(theirs)


def test_close_loop_false_leaves_the_asyncio_loop_open() -> None:
    """As the main loop of older releases did."""
    theirs = asyncio.new_event_loop()
    made: Any = AsyncIOMainLoop(theirs, close_loop=False)
    made.close()

    assert not theirs.is_closed()
    theirs.close()


def test_a_wrapped_loop_and_its_wrapper_have_one_facade() -> None:
    """Whichever of them asyncio names."""
    wrapper = AddThreadSelectorEventLoop(asyncio.new_event_loop())
    made: Any = AsyncIOMainLoop(wrapper)

    async def main() -> Any:
        return IOLoop.current()

    assert wrapper.run_until_complete(main()) is made
    assert _eventloop.facade_of(wrapper) is made
    with pytest.raises(RuntimeError, match="already"):
        AsyncIOMainLoop(wrapper.real_loop)
    made.close()
    assert wrapper.real_loop.is_closed()


def test_thresholds_for_blocking_are_checked(loop: Any) -> None:
    """Not positive, in another thread's place, or where nobody would take the alarm back."""
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="positive"):
            loop.set_blocking_log_threshold(wrong)

    async def main() -> None:
        with pytest.raises(RuntimeError, match=r"IOLoop\.start\(\)"):
            IOLoop.current().set_blocking_log_threshold(1)

    asyncio.run(main())


def test_a_threshold_leaves_no_alarm_behind(loop: Any) -> None:
    """After the loop has stopped the timer is off; after None, the handler of the signal is the one before."""
    before = signal.getsignal(signal.SIGALRM)
    loop.set_blocking_signal_threshold(60, print)
    loop.run_sync(lambda: asyncio.sleep(0))
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    loop.set_blocking_signal_threshold(None, None)
    assert signal.getsignal(signal.SIGALRM) is before


def test_a_threshold_set_inside_the_loop_takes_effect(loop: Any) -> None:
    """The alarm is set for the callback that runs now, too."""

    async def main() -> float:
        loop.set_blocking_signal_threshold(60, print)
        return signal.getitimer(signal.ITIMER_REAL)[0]

    assert 60 < loop.run_sync(main) <= 75
    loop.set_blocking_signal_threshold(None, None)


def test_a_poller_of_ones_own_is_refused() -> None:
    """asyncio has it now."""
    with pytest.raises(TypeError, match="asyncio_loop="):
        PollIOLoop(impl=selectors.DefaultSelector())


@pytest.mark.parametrize("jitter", [-0.1, 2, float("nan")])
def test_a_jitter_that_is_no_fraction_is_refused(jitter: float) -> None:
    """A period could be zero or less."""
    with pytest.raises(ValueError, match="fraction"):
        PeriodicCallback(print, 1000, jitter)


def test_an_io_loop_that_is_none_is_refused() -> None:
    """With what to give instead."""
    with pytest.raises(TypeError, match="io_loop"):
        PeriodicCallback(print, 1000, io_loop="here")


def test_a_periodic_callback_survives_the_loop_of_its_call() -> None:
    """A call in progress on a loop that was closed does not keep it from starting on another."""
    calls: list[Any] = []

    async def call() -> None:
        calls.append(IOLoop.current())
        if len(calls) == 1:
            IOLoop.current().stop()
            await asyncio.sleep(3600)
        IOLoop.current().stop()

    periodic = PeriodicCallback(call, 1)
    for _ in range(2):
        made: Any = IOLoop()
        made.add_callback(periodic.start)
        made.start()
        periodic.stop()
        for task in asyncio.all_tasks(made.asyncio_loop):
            task.cancel()
        made.run_sync(lambda: asyncio.sleep(0))
        made.close()

    assert len(set(calls)) == 2
