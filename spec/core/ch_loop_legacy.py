"""The loop of older releases

What programs of Tornado 2.4 to 5.1 use of the loop and later ones do without: a hook for failures, a watch on
callbacks that block, another clock for deadlines, and the ``io_loop`` argument from the time when a loop was handed
around.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time

import pytest

from conformance import api, doc, each, must
from conformance.programs import running
from conformance.standins import turns


@must(
    "loop.legacy.handle-callback-exception",
    "Failures go to handle_callback_exception(callback), which may be overridden; sys.exc_info() is the exception.",
    doc("ioloop.IOLoop.handle_callback_exception"),
    needs=("legacy",),
)
@each(kind=["callback", "coroutine", "periodic"])
async def test_handle_callback_exception(clock, caplog, kind):
    seen, io_loop = [], api.ioloop.IOLoop.current()
    io_loop.handle_callback_exception = lambda callback: seen.append((callable(callback), sys.exc_info()[0]))

    def fail():
        raise KeyError("own error")

    async def fail_natively():
        fail()

    periodic = api.ioloop.PeriodicCallback(fail, 1000)
    if kind == "periodic":
        periodic.start()
    else:
        io_loop.add_callback(fail if kind == "callback" else fail_natively)
    await api.gen.sleep(1.5)
    periodic.stop()
    assert (seen, caplog.records) == ([(True, KeyError)], [])


@must(
    "loop.legacy.running",
    "running() tells whether the loop runs.",
    doc("ioloop.IOLoop.running"),
    needs=("legacy",),
)
def test_running():
    io_loop = api.ioloop.IOLoop(make_current=False)
    seen = []
    io_loop.add_callback(lambda: seen.append(io_loop.running()))
    assert io_loop.running() is False
    io_loop.run_sync(turns)
    assert (seen, io_loop.running()) == ([True], False)
    io_loop.close()


@must(
    "loop.legacy.initialized",
    "initialized() tells whether there is a loop already, and makes none.",
    doc("ioloop.IOLoop.initialized"),
    needs=("legacy",),
)
def test_initialized():
    assert api.ioloop.IOLoop.initialized() is False
    assert api.ioloop.IOLoop.initialized() is False
    io_loop = api.ioloop.IOLoop.instance()
    assert api.ioloop.IOLoop.initialized() is True
    io_loop.close()
    assert api.ioloop.IOLoop.initialized() is False


@must(
    "loop.legacy.close-loop-argument",
    "With close_loop=False, closing the IOLoop leaves its asyncio loop open, for asyncio to go on with.",
    doc("platform.asyncio.BaseAsyncIOLoop"),
    needs=("legacy",),
)
def test_close_loop_argument():
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    io_loop = api.platform.asyncio.AsyncIOMainLoop(close_loop=False)
    io_loop.run_sync(turns)
    io_loop.close()
    loop.run_until_complete(turns())
    loop.close()


@must(
    "loop.legacy.install",
    "install() makes a loop the one of instance(); clear_instance() forgets it. Both are deprecated.",
    doc("ioloop.IOLoop.install"),
    doc("ioloop.IOLoop.clear_instance"),
)
def test_install():
    io_loop = api.ioloop.IOLoop(make_current=False)
    with pytest.warns(DeprecationWarning, match="current"):
        io_loop.install()
    assert api.ioloop.IOLoop.instance() is io_loop
    with pytest.warns(DeprecationWarning, match="current"):
        api.ioloop.IOLoop.clear_instance()
    assert api.ioloop.IOLoop.current(instance=False) is None
    io_loop.close()


BLOCKING = """
import logging, sys, time
from PACKAGE import gen, ioloop

heard = []

class Listener(logging.Handler):
    def emit(self, record):
        heard.append(record)
        print(record.name, record.levelname, record.getMessage())

def blocked():
    end = time.monotonic() + 5
    while not heard and time.monotonic() < end:
        pass

def busy():
    end = time.monotonic() + 0.2
    while time.monotonic() < end:
        pass

logging.getLogger().addHandler(Listener())
io_loop = ioloop.IOLoop.current()
"""


LOGGED = (
    BLOCKING
    + """
io_loop.set_blocking_log_threshold(0.1)
io_loop.run_sync(blocked)
print("next")
io_loop.set_blocking_log_threshold(None)
io_loop.run_sync(busy)
"""
)


@must(
    "loop.legacy.blocking-log-threshold",
    "set_blocking_log_threshold() logs the stack of a callback that keeps the loop for longer; None ends that.",
    doc("ioloop.IOLoop.set_blocking_log_threshold"),
    needs=("legacy",),
)
def test_blocking_log(target):
    with running(target, LOGGED) as program:
        assert program.ended() == 0
        logged, _, after = program.printed().partition("next\n")
        assert (logged.startswith("tornado.general WARNING"), "in blocked" in logged, after) == (True, True, "")


SIGNALLED = (
    BLOCKING
    + """
io_loop.set_blocking_signal_threshold(0.1, lambda number, frame: heard.append(frame.f_code.co_name))
io_loop.run_sync(blocked)
print(heard, flush=True)
heard.clear()
io_loop.set_blocking_signal_threshold(0.1, None)
io_loop.run_sync(blocked)
"""
)


@must(
    "loop.legacy.blocking-signal-threshold",
    "set_blocking_signal_threshold() calls a signal handler of one's own; without one the signal ends the process.",
    doc("ioloop.IOLoop.set_blocking_signal_threshold"),
    needs=("legacy",),
)
def test_blocking_signal(target):
    with running(target, SIGNALLED) as program:
        assert (program.ended(), program.printed()) == (-signal.SIGALRM, "['blocked']\n")


@must(
    "loop.legacy.log-stack",
    "log_stack(signal, frame) logs the stack of the frame.",
    doc("ioloop.IOLoop.log_stack"),
    needs=("legacy",),
)
async def test_log_stack(caplog):
    api.ioloop.IOLoop.current().log_stack(signal.SIGALRM, sys._getframe())
    assert [(row.name, row.levelname) for row in caplog.records] == [("tornado.general", "WARNING")]
    assert "in test_log_stack" in caplog.text


@must(
    "loop.legacy.other-clock",
    "A PollIOLoop may be given another clock: time() and deadlines are on its scale.",
    doc("ioloop.IOLoop.time"),
    needs=("legacy",),
)
def test_other_clock():
    io_loop = api.ioloop.PollIOLoop(time_func=lambda: time.time() + 1_000_000, make_current=False)
    seen = []
    io_loop.call_at(io_loop.time() + 1000, seen.append, "later")
    io_loop.add_timeout(io_loop.time() - 1, seen.append, "past")
    io_loop.add_timeout(time.time() + 1000, seen.append, "long past")
    io_loop.run_sync(turns)
    io_loop.close()
    assert sorted(seen) == ["long past", "past"]


@must(
    "loop.legacy.io-loop-argument",
    "PeriodicCallback takes the loop to run on as io_loop, or as third argument.",
    doc("ioloop.PeriodicCallback"),
    needs=("legacy",),
)
@each(form=["named", "third"])
def test_io_loop_argument(form):
    io_loop = api.ioloop.IOLoop(make_current=False)
    if form == "named":
        periodic = api.ioloop.PeriodicCallback(io_loop.stop, 1, io_loop=io_loop)
    else:
        periodic = api.ioloop.PeriodicCallback(io_loop.stop, 1, io_loop)
    periodic.start()
    io_loop.start()
    periodic.stop()
    io_loop.close()
    assert api.ioloop.IOLoop.current(instance=False) is None
