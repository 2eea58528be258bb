"""The loop

An ``IOLoop`` runs everything: callbacks, timers, coroutines. Programs of the batch kind enter it by ``run_sync``.
Inside, ``add_callback`` and ``spawn_callback`` hand it a function to call in the next round, and with it the duty to
look at the outcome: whatever such a function raises is logged with its traceback, and the loop goes on.

Nothing here is safe to call from other threads but ``add_callback``. Work that blocks goes the other way, to a thread,
by ``run_in_executor``.

Timers take a delay in seconds (``call_later``), a point in time on the scale of ``IOLoop.time()`` (``call_at``), or
either of that and a ``timedelta`` (``add_timeout``). A ``PeriodicCallback`` keeps to the schedule set by its start: its
calls neither drift nor overlap.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from datetime import timedelta

import pytest

from conformance import api, doc, each, labelled, must, seed
from conformance.standins import divide, fail_after, fetch, logged


@must(
    "loop.run-sync.result",
    "run_sync() starts the loop, runs a coroutine function without arguments, stops the loop and returns the result.",
    doc("ioloop.IOLoop.run_sync"),
    seed("SEED-168"),
    seed("SEED-205"),
)
def test_run_sync(clock):
    async def main():
        await api.gen.sleep(3)
        return "done"

    io_loop = api.ioloop.IOLoop.current()
    assert io_loop.run_sync(main) == "done"
    assert io_loop.run_sync(lambda: fetch("/a", 2)) == "page of /a"
    assert clock.elapsed == 3 + 2


@must(
    "loop.run-sync.raises",
    "run_sync() raises the exception of the coroutine.",
    doc("ioloop.IOLoop.run_sync"),
    seed("SEED-169"),
)
def test_run_sync_raises(clock):
    with pytest.raises(ZeroDivisionError):
        api.ioloop.IOLoop.current().run_sync(lambda: divide(1, 0))
    with pytest.raises(KeyError, match="late"):
        api.ioloop.IOLoop.current().run_sync(lambda: fail_after(5, KeyError("late")))
    assert clock.elapsed == 5


@must(
    "loop.run-sync.timeout",
    "run_sync(timeout=) raises TimeoutError after that many seconds, and the loop can be used again.",
    doc("ioloop.IOLoop.run_sync"),
)
def test_run_sync_timeout(clock):
    io_loop = api.ioloop.IOLoop.current()
    with pytest.raises(api.ioloop.TimeoutError):
        io_loop.run_sync(lambda: fetch("/slow", 3600), timeout=5)
    assert clock.elapsed == 5
    assert io_loop.run_sync(lambda: fetch("/a", 1), timeout=5) == "page of /a"
    assert clock.elapsed == 6


@must(
    "loop.spawn-callback.logs-failure",
    "spawn_callback() makes the loop responsible: a failure is logged with a traceback that names the line.",
    doc("ioloop.IOLoop.spawn_callback"),
    seed("SEED-165"),
    seed("SEED-166"),
)
@each(kind=["decorated", "native", "plain"])
async def test_spawn_callback(clock, caplog, kind):
    async def native(x, y):
        await api.gen.sleep(1)
        return x / y

    functions = {"decorated": divide, "native": native, "plain": lambda x, y: x / y}
    api.ioloop.IOLoop.current().spawn_callback(functions[kind], 1, 0)
    assert logged(caplog) == []
    await api.gen.sleep(10)
    assert logged(caplog) == [ZeroDivisionError]
    assert "x / y" in caplog.text


@must(
    "loop.spawn-callback.runs-coroutines",
    "spawn_callback() runs functions of both kinds to their end; the loop starts them, not the call.",
    doc("ioloop.IOLoop.spawn_callback"),
    seed("SEED-166"),
    seed("SEED-167"),
)
async def test_spawn_callback_runs(clock):
    seen = []

    async def native(name):
        await api.gen.sleep(1)
        seen.append((name, clock.elapsed))

    @api.gen.coroutine
    def decorated(name):
        yield native(name)

    api.ioloop.IOLoop.current().spawn_callback(native, "native")
    api.ioloop.IOLoop.current().spawn_callback(decorated, name="decorated")
    await api.gen.sleep(5)
    assert sorted(seen) == [("decorated", 1), ("native", 1)]


@must(
    "loop.add-callback.next-round",
    "add_callback() calls the function with its arguments in the next round of the loop, in the order of the calls.",
    doc("ioloop.IOLoop.add_callback"),
)
async def test_add_callback():
    seen = []
    end = api.concurrent.Future()
    io_loop = api.ioloop.IOLoop.current()
    io_loop.add_callback(seen.append, "first")
    io_loop.add_callback(lambda *args, **kwargs: seen.append((args, kwargs)), "second", key="value")
    io_loop.add_callback(end.set_result, None)
    assert seen == []
    await end
    assert seen == ["first", (("second",), {"key": "value"})]


@must(
    "loop.add-callback.from-another-thread",
    "add_callback() may be called from other threads: it wakes the loop, which runs the function on its own thread.",
    doc("ioloop.IOLoop.add_callback"),
    seed("SEED-261"),
)
async def test_add_callback_from_thread():
    io_loop = api.ioloop.IOLoop.current()
    called_on = api.concurrent.Future()

    def work():
        io_loop.add_callback(lambda: called_on.set_result(threading.current_thread()))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert await asyncio.wait_for(called_on, 5) is threading.current_thread()
    finally:
        thread.join()


@must(
    "loop.run-in-executor.other-thread",
    "run_in_executor() calls a blocking function on another thread and gives a Future of its result.",
    doc("ioloop.IOLoop.run_in_executor"),
    seed("SEED-262"),
)
@each(executor=["default", "own"])
async def test_run_in_executor(executor):
    io_loop = api.ioloop.IOLoop.current()
    ready = threading.Event()

    def blocking(argument):
        # Set by the loop, which can do so only if it runs while this waits.
        return argument, ready.wait(2), threading.current_thread() is threading.main_thread()

    with concurrent.futures.ThreadPoolExecutor(1) as own:
        future = io_loop.run_in_executor(None if executor == "default" else own, blocking, "rows")
        io_loop.add_callback(ready.set)
        assert await future == ("rows", True, False)


@must(
    "loop.add-future.callback",
    "add_future() calls the function with the Future when it is done, and not before the next round.",
    doc("ioloop.IOLoop.add_future"),
)
async def test_add_future(clock):
    seen = []
    future = api.concurrent.Future()
    api.ioloop.IOLoop.current().add_future(future, lambda done: seen.append((done is future, done.result())))
    await api.gen.sleep(1)
    assert seen == []
    future.set_result("ready")
    assert seen == []
    await api.gen.sleep(1)
    assert seen == [(True, "ready")]


@must(
    "loop.timers.order",
    "call_later(), call_at() and add_timeout() call functions with their arguments at their times.",
    doc("ioloop.IOLoop.call_later"),
    doc("ioloop.IOLoop.call_at"),
    doc("ioloop.IOLoop.add_timeout"),
)
async def test_timers(clock):
    seen = []

    def note(name, *, mark="-"):
        seen.append((name, mark, clock.elapsed))

    io_loop = api.ioloop.IOLoop.current()
    io_loop.add_timeout(timedelta(seconds=40), note, "span")
    io_loop.call_later(20, note, "later", mark="+")
    io_loop.call_at(io_loop.time() + 10, note, "at")
    io_loop.add_timeout(io_loop.time() + 30, note, "deadline")
    await api.gen.sleep(100)
    assert seen == [("at", "-", 10), ("later", "+", 20), ("deadline", "-", 30), ("span", "-", 40)]


@must(
    "loop.timers.remove",
    "remove_timeout() takes the handle of a timer and prevents its call; after the call it does nothing.",
    doc("ioloop.IOLoop.remove_timeout"),
)
async def test_remove_timeout(clock):
    seen = []
    io_loop = api.ioloop.IOLoop.current()
    handles = [
        io_loop.call_later(10, seen.append, "removed"),
        io_loop.call_later(5, seen.append, "called"),
        io_loop.call_at(io_loop.time() + 20, seen.append, "removed"),
    ]
    await api.gen.sleep(6)
    for handle in handles:
        io_loop.remove_timeout(handle)
    await api.gen.sleep(60)
    assert seen == ["called"]


@must(
    "loop.periodic.ticks",
    "PeriodicCallback calls its function every callback_time milliseconds, or every timedelta, until stop().",
    doc("ioloop.PeriodicCallback"),
)
@each(period=[labelled("milliseconds", 60_000), labelled("timedelta", timedelta(minutes=1))])
async def test_periodic(clock, period):
    ticks = []
    periodic = api.ioloop.PeriodicCallback(lambda: ticks.append(round(clock.elapsed)), period)
    assert not periodic.is_running()
    periodic.start()
    assert periodic.is_running()
    await api.gen.sleep(601)
    periodic.stop()
    assert not periodic.is_running()
    await api.gen.sleep(601)
    assert ticks == [60, 120, 180, 240, 300, 360, 420, 480, 540, 600]


@must(
    "loop.periodic.skips-when-late",
    "Calls of a PeriodicCallback do not overlap: if one takes longer than the period, calls are left out.",
    doc("ioloop.PeriodicCallback"),
)
async def test_periodic_skips(clock):
    ticks = []

    async def slow():
        ticks.append(round(clock.elapsed))
        await api.gen.sleep(25)

    periodic = api.ioloop.PeriodicCallback(slow, 10_000)
    periodic.start()
    await api.gen.sleep(101)
    periodic.stop()
    assert ticks == [10, 40, 70, 100]


@must(
    "loop.periodic.survives-errors",
    "An exception in a PeriodicCallback is logged, and the calls go on.",
    doc("ioloop.PeriodicCallback"),
)
async def test_periodic_errors(clock, caplog):
    periodic = api.ioloop.PeriodicCallback(lambda: {}["nothing"], 1000)
    periodic.start()
    await api.gen.sleep(3.5)
    periodic.stop()
    assert logged(caplog) == [KeyError, KeyError, KeyError]
