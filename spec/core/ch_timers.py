"""Timers and periodic callbacks

Timers take a delay in seconds (``call_later``), a point in time on the scale of ``IOLoop.time()`` (``call_at``), or
either of that and a ``timedelta`` (``add_timeout``). One whose time is past fires in the next round of the loop; what
is no time, such as NaN, is refused before it can upset the order of the others.

A ``PeriodicCallback`` keeps to the schedule set by its start: its calls neither drift nor overlap. What falls due
while a call is in progress is left out.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import random
from datetime import timedelta

import pytest

from conformance import api, compat, doc, each, labelled, must, observed, should
from conformance.standins import logged, turns

# -- timers -----------------------------------------------------------------------------------------------------------


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


@compat(
    "loop.timers.past",
    "A timer whose time is past, or whose delay is negative, fires in the next round, not before the call returns.",
    observed("core-loop-misuse"),
)
async def test_past(clock):
    seen = []
    io_loop = api.ioloop.IOLoop.current()
    io_loop.call_later(-10, seen.append, "delay")
    io_loop.call_at(io_loop.time() - 10, seen.append, "time")
    io_loop.add_timeout(io_loop.time() - 10, seen.append, "deadline")
    io_loop.add_timeout(timedelta(seconds=-10), seen.append, "span")
    assert seen == []
    await turns()
    assert (sorted(seen), clock.elapsed < 1) == (["deadline", "delay", "span", "time"], True)


@should(
    "loop.timers.not-finite",
    "NaN and infinity are no times: ValueError. The timers that are set keep their order.",
    doc("ioloop.IOLoop.add_timeout"),
)
@each(number=[math.nan, math.inf, -math.inf])
async def test_not_finite(clock, number):
    seen = []
    io_loop = api.ioloop.IOLoop.current()
    io_loop.call_later(20, seen.append, "second")
    for refuse in (io_loop.call_later, io_loop.call_at, io_loop.add_timeout):
        with pytest.raises(ValueError, match="seconds"):
            refuse(number, seen.append, "never")
    io_loop.call_later(10, seen.append, "first")
    await api.gen.sleep(60)
    assert seen == ["first", "second"]


@must(
    "loop.timers.wrong-type",
    "A deadline is a number or a timedelta, a delay is a number: TypeError for everything else.",
    doc("ioloop.IOLoop.add_timeout"),
    doc("ioloop.IOLoop.call_later"),
)
@each(wrong=["soon", None, [5]])
async def test_wrong_type(clock, wrong):
    io_loop = api.ioloop.IOLoop.current()
    for refuse in (io_loop.call_later, io_loop.call_at, io_loop.add_timeout):
        with pytest.raises(TypeError):
            refuse(wrong, print)
    with pytest.raises(TypeError):
        io_loop.call_later(timedelta(seconds=1), print)


@must(
    "loop.timers.real-clock",
    "On a clock that does not jump, too, timers fire in the order of their times, and not before them.",
    doc("ioloop.IOLoop.call_later"),
)
async def test_real_clock():
    seen = []
    io_loop = api.ioloop.IOLoop.current()
    end = api.concurrent.Future()
    began = io_loop.asyncio_loop.time()
    io_loop.call_later(0.03, end.set_result, None)
    for delay in (0.02, 0.01, 0):
        io_loop.call_later(delay, lambda due: seen.append((due, io_loop.asyncio_loop.time() - began)), delay)
    await end
    assert [due for due, _ in seen] == [0, 0.01, 0.02]
    # A timer may be a tick of the clock early, by asyncio's contract; uvloop counts in milliseconds.
    assert all(fired > due - 0.002 for due, fired in seen)


# -- periodic callbacks -----------------------------------------------------------------------------------------------


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


@must(
    "loop.periodic.keeps-the-schedule",
    "Calls come at multiples of the period from the start, however long a call takes; what it misses is left out.",
    doc("ioloop.PeriodicCallback"),
)
async def test_periodic_schedule(clock):
    ticks = []
    seconds = iter([0.3, 0.9, 2.5, 0.3])

    def busy():
        ticks.append(round(clock.elapsed, 3))
        clock.advance(next(seconds, 0))

    periodic = api.ioloop.PeriodicCallback(busy, 1000)
    periodic.start()
    await api.gen.sleep(8.5)
    periodic.stop()
    assert ticks == [1, 2, 3, 6, 7, 8]


@must(
    "loop.periodic.jitter",
    "jitter is a fraction of the period: 0.1 makes each period longer or shorter by up to 5 per cent, at random.",
    doc("ioloop.PeriodicCallback"),
)
async def test_periodic_jitter(clock):
    random.seed(1)
    ticks = [0.0]
    periodic = api.ioloop.PeriodicCallback(lambda: ticks.append(clock.elapsed), 1000, jitter=0.1)
    periodic.start()
    await api.gen.sleep(200)
    periodic.stop()
    periods = [later - earlier for earlier, later in itertools.pairwise(ticks)]
    assert 0.949 < min(periods) < 0.97 < 1.03 < max(periods) < 1.051


@must(
    "loop.periodic.stop-and-start",
    "stop() and start() may be called inside the function; start() after stop() begins a new schedule.",
    doc("ioloop.PeriodicCallback.start"),
    doc("ioloop.PeriodicCallback.stop"),
)
async def test_periodic_stop_and_start(clock):
    ticks = []

    def tick():
        ticks.append(round(clock.elapsed))
        if len(ticks) == 2:
            periodic.stop()
        if len(ticks) == 4:
            periodic.stop()
            periodic.start()

    periodic = api.ioloop.PeriodicCallback(tick, 1000)
    periodic.start()
    await api.gen.sleep(10)
    assert (ticks, periodic.is_running()) == ([1, 2], False)
    periodic.start()
    await api.gen.sleep(4.5)
    periodic.stop()
    assert ticks == [1, 2, 11, 12, 13, 14]


@should(
    "loop.periodic.start-twice",
    "start() on a PeriodicCallback that runs already does nothing: there is one series of calls.",
    doc("ioloop.PeriodicCallback.start"),
)
async def test_periodic_start_twice(clock):
    ticks = []
    periodic = api.ioloop.PeriodicCallback(lambda: ticks.append(round(clock.elapsed)), 1000)
    periodic.start()
    periodic.start()
    await api.gen.sleep(3.5)
    periodic.stop()
    await api.gen.sleep(3)
    assert ticks == [1, 2, 3]


@must(
    "loop.periodic.coroutine-errors",
    "A coroutine that fails or is cancelled is over; its failure is logged, and the calls go on.",
    doc("ioloop.PeriodicCallback"),
)
@each(kind=["fails", "is-cancelled"])
async def test_periodic_coroutine_errors(clock, caplog, kind):
    ticks = []

    async def tick():
        ticks.append(round(clock.elapsed))
        await api.gen.sleep(0.1)
        if kind == "fails":
            raise KeyError("own error")
        asyncio.current_task().cancel()
        await api.gen.sleep(0.1)

    periodic = api.ioloop.PeriodicCallback(tick, 1000)
    periodic.start()
    await api.gen.sleep(3.5)
    periodic.stop()
    assert (ticks, logged(caplog)) == ([1, 2, 3], [KeyError] * 3 if kind == "fails" else [])


@compat(
    "loop.periodic.period-not-positive",
    "A period of zero or less is refused with ValueError: it would always be due.",
    observed("core-loop-misuse"),
)
@each(period=[0, -1])
def test_periodic_period(period):
    with pytest.raises(ValueError):
        api.ioloop.PeriodicCallback(print, period)
