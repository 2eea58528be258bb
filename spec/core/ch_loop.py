"""The loop

An ``IOLoop`` runs everything: callbacks, timers, coroutines. Programs of the batch kind enter it by ``run_sync``.
Inside, ``add_callback`` and ``spawn_callback`` hand it a function to call in the next round, and with it the duty to
look at the outcome: whatever such a function raises is logged with its traceback, and the loop goes on.

There is one loop in a thread: ``IOLoop.current()`` finds it. Nothing here is safe to call from other threads but
``add_callback``. Work that blocks goes the other way, to a thread, by ``run_in_executor``.

A loop belongs to the process that made it. A child that is forked later must make its own: the two would take each
other's events.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import signal
import threading
import time
import warnings

import pytest

from conformance import api, compat, doc, each, labelled, must, observed, seed, should
from conformance.programs import running
from conformance.standins import divide, fail_after, fetch, logged


async def goes_on():
    """Show that the loop goes on: come back a turn later."""
    await asyncio.sleep(0)
    return "goes on"


# -- which loop -------------------------------------------------------------------------------------------------------


@must(
    "loop.current.running",
    "IOLoop.current() is one and the same object for as long as its loop runs, and instance() is another name for it.",
    doc("ioloop.IOLoop.current"),
    doc("ioloop.IOLoop.instance"),
)
async def test_current():
    io_loop = api.ioloop.IOLoop.current()
    await asyncio.sleep(0)
    assert io_loop is api.ioloop.IOLoop.current() is api.ioloop.IOLoop.current(instance=False)
    assert io_loop is api.ioloop.IOLoop.instance()
    assert io_loop.asyncio_loop is asyncio.get_running_loop()


@must(
    "loop.current.made-on-demand",
    "Where there is no loop, current() makes one, which stays current; current(instance=False) returns None instead.",
    doc("ioloop.IOLoop.current"),
)
def test_current_made():
    before = api.ioloop.IOLoop.current(instance=False)
    io_loop = api.ioloop.IOLoop.current()
    after = api.ioloop.IOLoop.current(instance=False)
    io_loop.add_callback(io_loop.stop)
    io_loop.start()
    assert (before, after is io_loop, api.ioloop.IOLoop.current() is io_loop) == (None, True, True)
    io_loop.close()
    assert api.ioloop.IOLoop.current(instance=False) is None


@must(
    "loop.current.one-in-each-thread",
    "Each thread has a current loop of its own, and they run at the same time.",
    doc("ioloop.IOLoop.current"),
)
def test_one_in_each_thread():
    met = threading.Barrier(2)
    found = []

    def work():
        io_loop = api.ioloop.IOLoop(make_current=True)
        # Both wait here, inside their loops: neither waits for the end of the other.
        io_loop.add_callback(met.wait, 5)
        io_loop.add_callback(lambda: found.append(api.ioloop.IOLoop.current() is io_loop))
        io_loop.add_callback(io_loop.stop)
        io_loop.start()
        io_loop.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (found, met.broken) == ([True, True], False)


@must(
    "loop.current.new-loop",
    "IOLoop(make_current=True) makes a new loop the current one; with make_current=False it does not.",
    doc("ioloop.IOLoop"),
)
def test_new_loop():
    current = api.ioloop.IOLoop(make_current=True)
    other = api.ioloop.IOLoop(make_current=False)
    assert current is not other
    assert api.ioloop.IOLoop.current() is current
    assert other.run_sync(goes_on) == "goes on"
    other.close()
    current.close()


@must(
    "loop.current.made-by-hand",
    "make_current() makes a loop current, clear_current() makes no loop current; both are deprecated.",
    doc("ioloop.IOLoop.make_current"),
    doc("ioloop.IOLoop.clear_current"),
)
def test_make_current():
    io_loop = api.ioloop.IOLoop(make_current=False)
    assert api.ioloop.IOLoop.current(instance=False) is None
    with pytest.warns(DeprecationWarning, match="current"):
        io_loop.make_current()
    assert api.ioloop.IOLoop.current() is io_loop
    with pytest.warns(DeprecationWarning, match="current"):
        api.ioloop.IOLoop.clear_current()
    assert api.ioloop.IOLoop.current(instance=False) is None
    io_loop.close()


@must(
    "loop.current.without-warnings",
    "Making, finding, running and closing a loop warns of nothing.",
    doc("ioloop.IOLoop.current"),
)
def test_no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        io_loop = api.ioloop.IOLoop.current()
        io_loop.run_sync(lambda: asyncio.sleep(0))
        io_loop.add_callback(io_loop.stop)
        io_loop.start()
        io_loop.close()


# -- running ----------------------------------------------------------------------------------------------------------


@must(
    "loop.stop.before-start",
    "If stop() is called before start(), start() returns at once; the loop can be started again after that.",
    doc("ioloop.IOLoop.stop"),
)
def test_stop_before_start(clock):
    io_loop = api.ioloop.IOLoop.current()
    late = []
    io_loop.call_later(60, late.append, "late")
    io_loop.stop()
    io_loop.start()
    assert (clock.elapsed < 1, late) == (True, [])
    io_loop.call_later(61, io_loop.stop)
    io_loop.start()
    assert late == ["late"]


@compat(
    "loop.start.one-at-a-time",
    "start() and run_sync() raise RuntimeError while a loop runs in the thread, this one or another; that one goes on.",
    observed("core-loop-misuse"),
)
async def test_one_at_a_time():
    other = api.ioloop.IOLoop(make_current=False)
    for io_loop in (api.ioloop.IOLoop.current(), other):
        with pytest.raises(RuntimeError):
            io_loop.start()
        with pytest.raises(RuntimeError):
            io_loop.run_sync(lambda: None)
    other.close()
    assert await goes_on() == "goes on"


@should(
    "loop.close.while-running",
    "close() raises RuntimeError while the loop runs, which goes on; after start() has returned it may be called.",
    doc("ioloop.IOLoop.close"),
)
def test_close_while_running():
    io_loop = api.ioloop.IOLoop.current()

    async def main():
        with pytest.raises(RuntimeError):
            io_loop.close()
        return await goes_on()

    # What does not close the loop must not leave it to later cases.
    with contextlib.closing(io_loop.asyncio_loop):
        assert io_loop.run_sync(main) == "goes on"
        io_loop.close()
        assert io_loop.asyncio_loop.is_closed()


@compat(
    "loop.close.use-after-close",
    "A closed loop cannot be started or given timers: RuntimeError. add_callback() does nothing: threads cannot know.",
    observed("core-loop-misuse"),
)
def test_use_after_close():
    io_loop = api.ioloop.IOLoop(make_current=False)
    io_loop.close()
    with pytest.raises(RuntimeError):
        io_loop.start()
    with pytest.raises(RuntimeError):
        io_loop.run_sync(lambda: None)
    with pytest.raises(RuntimeError):
        io_loop.call_later(1, print)
    io_loop.add_callback(print)
    io_loop.spawn_callback(print)


@must(
    "loop.time.scale",
    "time() is a float on the scale of time.time().",
    doc("ioloop.IOLoop.time"),
)
async def test_time(clock):
    before = api.ioloop.IOLoop.current().time()
    assert before == pytest.approx(time.time(), abs=0.001)
    await api.gen.sleep(90)
    assert api.ioloop.IOLoop.current().time() - before == pytest.approx(90, abs=0.001)


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
    "loop.run-sync.needs-something-to-wait-for",
    "run_sync() takes functions that return None or something to wait for; other values are an error.",
    doc("ioloop.IOLoop.run_sync"),
)
def test_run_sync_values(clock):
    io_loop = api.ioloop.IOLoop.current()
    assert io_loop.run_sync(lambda: None) is None
    with pytest.raises(api.gen.BadYieldError):
        io_loop.run_sync(lambda: 5)
    assert io_loop.run_sync(lambda: fetch("/a")) == "page of /a"


@must(
    "loop.run-sync.timeout-cancels",
    "When its time is over, run_sync() cancels the coroutine, which can clean up.",
    doc("ioloop.IOLoop.run_sync"),
)
def test_run_sync_cancels(clock):
    seen = []

    async def main():
        try:
            await api.gen.sleep(3600)
        finally:
            seen.append(clock.elapsed)

    with pytest.raises(api.ioloop.TimeoutError):
        api.ioloop.IOLoop.current().run_sync(main, timeout=5)
    api.ioloop.IOLoop.current().run_sync(lambda: asyncio.sleep(0))
    assert seen == [5]


# -- callbacks --------------------------------------------------------------------------------------------------------


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
    "loop.run-in-executor.outcome",
    "The exception of the function is raised to whoever waits; set_default_executor() sets what None stands for.",
    doc("ioloop.IOLoop.run_in_executor"),
    doc("ioloop.IOLoop.set_default_executor"),
)
async def test_executor_outcome():
    io_loop = api.ioloop.IOLoop.current()
    with concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="chosen") as chosen:
        with pytest.raises(KeyError, match="own error"):
            await io_loop.run_in_executor(chosen, {}.__getitem__, "own error")
        io_loop.set_default_executor(chosen)
        thread = await io_loop.run_in_executor(None, threading.current_thread)
        assert thread.name.startswith("chosen")


# -- what goes wrong --------------------------------------------------------------------------------------------------


def fail(*ignored):
    """Raise KeyError."""
    raise KeyError("own error")


async def fail_natively():
    """Raise KeyError in a coroutine, after a turn of the loop."""
    await asyncio.sleep(0)
    raise KeyError("own error")


@must(
    "loop.failure.logged",
    "Whatever a callback, timer, coroutine or callback of a Future raises is logged; the loop goes on with the others.",
    doc("ioloop.IOLoop.add_callback"),
)
@each(kind=["callback", "coroutine", "timer", "future"])
async def test_failure(clock, caplog, kind):
    io_loop = api.ioloop.IOLoop.current()
    done = api.concurrent.Future()
    done.set_result(None)
    begin = {
        "callback": lambda: io_loop.add_callback(fail),
        "coroutine": lambda: io_loop.add_callback(fail_natively),
        "timer": lambda: io_loop.call_later(1, fail),
        "future": lambda: io_loop.add_future(done, fail),
    }
    seen = []
    begin[kind]()
    io_loop.add_callback(seen.append, "next")
    io_loop.call_later(2, seen.append, "later")
    await api.gen.sleep(5)
    assert (logged(caplog), seen) == ([KeyError], ["next", "later"])
    assert "own error" in caplog.text


@must(
    "loop.failure.of-one-waiter",
    "When one of the callbacks that wait for a Future fails, the others are called all the same.",
    doc("ioloop.IOLoop.add_future"),
)
@each(outcome=["result", "error", "cancelled"])
async def test_failure_of_one_waiter(clock, caplog, outcome):
    future = api.concurrent.Future()
    seen = []
    for callback in (seen.append, fail, seen.append):
        api.ioloop.IOLoop.current().add_future(future, callback)
    if outcome == "cancelled":
        future.cancel()
    elif outcome == "error":
        future.set_exception(OSError("seen by the callbacks"))
        assert isinstance(future.exception(), OSError)
    else:
        future.set_result(1)
    await api.gen.sleep(1)
    assert (seen, logged(caplog)) == ([future, future], [KeyError])


@must(
    "loop.failure.cancelled-callback",
    "A coroutine that the loop looks after may be cancelled; that is no failure, and nothing is logged.",
    doc("ioloop.IOLoop.spawn_callback"),
)
async def test_cancelled_callback(clock, caplog):
    tasks = []

    async def main():
        tasks.append(asyncio.current_task())
        await api.gen.sleep(3600)

    api.ioloop.IOLoop.current().spawn_callback(main)
    await api.gen.sleep(1)
    tasks[0].cancel()
    await api.gen.sleep(1)
    assert (tasks[0].cancelled(), caplog.records) == (True, [])


@compat(
    "loop.failure.not-callable",
    "add_callback() wants the function: for a coroutine, or another thing that cannot be called, it raises TypeError.",
    observed("core-loop-misuse"),
)
async def test_not_callable():
    coroutine = fail_natively()
    for thing in (coroutine, 5):
        with pytest.raises(TypeError):
            api.ioloop.IOLoop.current().add_callback(thing)
    coroutine.close()


# -- threads, signals, processes --------------------------------------------------------------------------------------


@must(
    "loop.add-callback.from-many-threads",
    "Callbacks from several threads are all called, those of one thread in its order.",
    doc("ioloop.IOLoop.add_callback"),
    seed("SEED-261"),
)
async def test_many_threads():
    io_loop = api.ioloop.IOLoop.current()
    seen = []
    numbers = range(200)

    def work(name):
        for number in numbers:
            io_loop.add_callback(seen.append, (name, number))

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        await asyncio.gather(*(io_loop.run_in_executor(pool, work, name) for name in "abcd"))
    # The outcome of the last thread came after its callbacks.
    await asyncio.sleep(0)
    assert {name: [n for own, n in seen if own == name] for name in "abcd"} == {name: [*numbers] for name in "abcd"}


@must(
    "loop.add-callback-from-signal.wakes-the-loop",
    "add_callback_from_signal() may be called in a handler of the signal module: it wakes the loop for the callback.",
    doc("ioloop.IOLoop.add_callback_from_signal"),
)
async def test_from_signal():
    io_loop = api.ioloop.IOLoop.current()
    called = threading.Event()

    def handle(number, frame):
        with pytest.warns(DeprecationWarning, match="signal"):
            io_loop.add_callback_from_signal(called.set)

    def send():
        # One that comes before the loop sleeps may be handled late; that is Python's affair. One of these comes later.
        while not called.wait(0.02):
            os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, handle)
    try:
        await io_loop.run_in_executor(None, send)
    finally:
        called.set()
        signal.signal(signal.SIGUSR1, before)


FORK = """
import os, signal, threading, warnings
warnings.simplefilter("ignore")
from PACKAGE import concurrent, gen, ioloop

def in_child(act):
    parent, child = os.pipe()
    pid = os.fork()
    if pid == 0:
        # A loop that hears nothing any more must not wait for ever.
        signal.alarm(2)
        try:
            text = act()
        except RuntimeError as error:
            text = "RuntimeError" if str(error) else "RuntimeError that says nothing"
        os.write(child, str(text).encode())
        os._exit(0)
    os.close(child)
    os.waitpid(pid, 0)
    return os.read(parent, 100).decode()

io_loop = ioloop.IOLoop.current()
io_loop.run_sync(lambda: gen.sleep(0))
"""


@should(
    "loop.fork.refused-in-child",
    "After a fork the child cannot use its parent's loop: RuntimeError says so. IOLoop.current() makes one of its own.",
    doc("process.fork_processes"),
)
@each(
    act=[
        labelled("start", "io_loop.start"),
        labelled("run_sync", "lambda: io_loop.run_sync(lambda: None)"),
        labelled("add_callback", "lambda: io_loop.add_callback(print)"),
        labelled("add_timeout", "lambda: io_loop.call_later(1, print)"),
    ]
)
def test_fork_child(target, act):
    source = FORK + f"print(in_child({act}))\n"
    source += "print(in_child(lambda: ioloop.IOLoop.current().run_sync(lambda: gen.multi([gen.sleep(0)]))))\n"
    with running(target, source) as program:
        assert (program.ended(), program.printed().split("\n")) == (0, ["RuntimeError", "[None]", ""])


PARENT = """
import sys
if os.fork() == 0:
    END
    sys.exit()
os.wait()

async def main():
    heard, turn = concurrent.Future(), threading.Event()

    def work():
        # Often enough to find the loop asleep.
        for _ in range(100):
            io_loop.add_callback(turn.set)
            turn.wait()
            turn.clear()
        io_loop.add_callback(heard.set_result, "heard")

    threading.Thread(target=work, daemon=True).start()
    return await heard

print(io_loop.run_sync(main, timeout=3))
"""


@should(
    "loop.fork.parent-unharmed",
    "Whatever a forked child does with its copy of a loop, and how it ends, the parent's loop still hears everything.",
    doc("process.fork_processes"),
)
@each(
    end=[
        labelled("exit-at-once", "os._exit(0)"),
        labelled("exit", "sys.exit()"),
        labelled("close", "io_loop.close()"),
        labelled("killed", "os.kill(os.getpid(), signal.SIGKILL)"),
    ]
)
def test_fork_parent(target, end):
    source = FORK + PARENT.replace("END", end)
    with running(target, source) as program:
        assert (program.ended(), program.printed()) == (0, "heard\n")
