"""Queues, locks and PeriodicCallback do what small models say, whatever is cancelled and whatever times out.

Some thousand steps for each; ``conform models`` takes as many as wanted. Released Tornado takes the same
steps, to see whether the models are right: it differs from them where a decision says so.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from conformance.clock import Clock
from conformance.lint import LOCK
from property_tests.decisions.models_tornado import DECISIONS, current
from property_tests.machines.running import MACHINES, STEPS, machine, run

#: 500 examples of other tests are 20 of these, which have up to fifty steps each.
EXAMPLES = max(5, int(os.environ.get("CONFORM_EXAMPLES", "500")) // 25)


@pytest.mark.parametrize("package", ["waterspout", "tornado"])
@pytest.mark.parametrize("name", MACHINES)
def test_it_does_what_the_model_says(name: str, package: str) -> None:
    """Every step shows the same on both sides."""
    examples = EXAMPLES if package == "waterspout" else EXAMPLES // 4
    run_state_machine_as_test(
        machine(name, package), settings=settings(max_examples=examples, stateful_step_count=STEPS)
    )


# -- the decisions, each with the smallest story that shows it --------------------------------------------------------


async def _turns() -> None:
    for _ in range(8):
        await asyncio.sleep(0)


async def wake_up_lost(modules: Callable[[str], Any]) -> object:
    """Whether a permit is still there after the coroutine it woke was cancelled."""
    semaphore = modules("locks").Semaphore(0)

    async def acquire() -> None:
        await semaphore.acquire()

    waiting = asyncio.ensure_future(acquire())
    await _turns()
    semaphore.release()
    waiting.cancel()
    await _turns()
    return semaphore.acquire().done()


async def event_lags(modules: Callable[[str], Any]) -> object:
    """Whether the future of a wait with a deadline ends in set()."""
    event = modules("locks").Event()
    waiting = event.wait(timeout=asyncio.get_running_loop().time() + 1e9)
    event.set()
    try:
        return waiting.done()
    finally:
        await waiting


async def deadline_no_span(modules: Callable[[str], Any]) -> object:
    """Whether a wait with a deadline no time from now ends."""
    waiting = modules("locks").Condition().wait(timeout=timedelta(0))
    await asyncio.sleep(1)
    return waiting.done()


async def lock_context_error(modules: Callable[[str], Any]) -> object:
    """What leaving the context of a lock raises that was released meanwhile."""
    lock = modules("locks").Lock()
    try:
        with await lock.acquire():
            lock.release()
    except Exception as error:
        return type(error) is RuntimeError
    return None


async def periodic_start_twice(modules: Callable[[str], Any]) -> object:
    """Whether one call is made in each period after two starts."""
    calls: list[None] = []
    periodic = modules("ioloop").PeriodicCallback(lambda: calls.append(None), 1000)
    periodic.start()
    periodic.start()
    await asyncio.sleep(3.5)
    periodic.stop()
    return len(calls) == 3


async def periodic_restart_in_call(modules: Callable[[str], Any]) -> object:
    """Whether calls that were stopped and started, in a call and then from outside, are one series."""
    calls: list[None] = []

    def restart() -> None:
        calls.append(None)
        if len(calls) == 1:
            periodic.stop()
            periodic.start()

    periodic = modules("ioloop").PeriodicCallback(restart, 1000)
    periodic.start()
    await asyncio.sleep(1.5)
    periodic.stop()
    periodic.start()
    await asyncio.sleep(2.25)
    periodic.stop()
    return len(calls) == 3


STORIES = {
    "wake-up.lost": wake_up_lost,
    "event.lags": event_lags,
    "deadline.no-span": deadline_no_span,
    "lock.context-error": lock_context_error,
    "periodic.start-twice": periodic_start_twice,
    "periodic.restart-in-call": periodic_restart_in_call,
}


@pytest.mark.parametrize("decision", current(), ids=lambda decision: decision["id"])
def test_every_decision_is_true(decision: dict[str, Any]) -> None:
    """Waterspout does what the decision wants; Tornado does not yet."""
    outcomes = {}
    for package in ("waterspout", "tornado"):
        driven = machine("Queue", package)
        with Clock() as clock:
            story = STORIES[decision["id"]](driven.module)
            outcomes[package] = clock.loop.run_until_complete(story)
    assert outcomes == {"waterspout": True, "tornado": False}


def test_every_decision_has_a_story_and_says_why() -> None:
    """A decision without its clause would be an opinion."""
    assert {decision["id"] for decision in DECISIONS} == set(STORIES)
    for decision in DECISIONS:
        assert decision["clause"].startswith("documentation of ")
        assert decision["reason"].endswith(".")
        assert decision.get("requirement", "lines.deadline.kept") in LOCK.read_text(encoding="utf-8").split()


# -- the machines can fail --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MACHINES)
def test_a_difference_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the decisions, Tornado's differences are found within some thousand steps."""
    monkeypatch.setattr("property_tests.machines.running.DIFFERENCES", frozenset())
    result = run(name, 20_000, 1, "tornado", shrink=False)
    assert "the model says" in result.failure


def test_a_run_outside_pytest_takes_the_steps_it_was_asked_for() -> None:
    """And the same ones for the same seed."""
    first, second = run("Event", 300, 5), run("Event", 300, 5)
    assert first.steps == second.steps >= 300
    assert not first.failure
    assert first.line().startswith(f"Event of waterspout: {first.steps} steps, no difference")
