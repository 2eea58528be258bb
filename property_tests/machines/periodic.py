"""PeriodicCallback beside its model."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from property_tests.machines.driving import STEPS, Machine
from property_tests.models.periodic import Behaviour, PeriodicModel

# Uneven, so that nothing falls due at the end of a step.
PERIODS = st.sampled_from([0.3011, 1.0017, 7.0023])
BEHAVIOURS = st.one_of(
    st.builds(Behaviour, st.sampled_from(["returns", "fails", "stops", "restarts"])),
    st.builds(
        Behaviour,
        st.sampled_from(["sleeps", "sleeps, fails", "computes"]),
        st.sampled_from([0.1307, 0.4409, 1.5013, 9.0029]),
    ),
)
#: Seconds that times may be off: the loop's clock counts microseconds.
TOLERANCE = 5e-5


class _Failures(logging.Handler):
    """Counts the failures that are logged."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += record.exc_info is not None


class PeriodicCallbackMachine(Machine):
    """A PeriodicCallback."""

    model: PeriodicModel
    real: Any

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[float] = []
        self.waits_for: asyncio.Future[None] | None = None
        self.log = logging.getLogger("tornado.application")
        self.failures = _Failures()
        self.propagated = self.log.propagate
        self.log.addHandler(self.failures)
        self.log.propagate = False

    def teardown(self) -> None:
        """Stop, and give the log back."""
        self.log.removeHandler(self.failures)
        self.log.propagate = self.propagated
        self.real.stop()
        super().teardown()

    @initialize(period=PERIODS, as_span=st.booleans())
    def make(self, period: float, as_span: bool) -> None:
        """Make the PeriodicCallback."""
        self.model = PeriodicModel(period, self.differences)
        self.real = self.module("ioloop").PeriodicCallback(
            self.called, timedelta(seconds=period) if as_span else period * 1000
        )

    def called(self) -> Any:
        """Be called: do what the model's function does."""
        self.calls.append(self.clock.elapsed)
        behaviour = self.model.behaviour
        if behaviour.kind.startswith("sleeps"):
            self.waits_for = self.loop.create_future()
            self.loop.call_later(behaviour.seconds, self.wake, self.waits_for)
            return self.sleep(self.waits_for, behaviour.kind.endswith("fails"))
        if behaviour.kind == "computes":
            self.clock.advance(behaviour.seconds)
        elif behaviour.kind == "fails":
            raise KeyError("at once")
        elif behaviour.kind != "returns":
            self.real.stop()
            if behaviour.kind == "restarts":
                self.real.start()
        return None

    def wake(self, future: asyncio.Future[None]) -> None:
        """End a sleep that was not cancelled."""
        if not future.done():
            future.set_result(None)

    async def sleep(self, future: asyncio.Future[None], fails: bool) -> None:
        """Take the time it takes."""
        await future
        if fails:
            raise KeyError("late")

    def compare(self) -> None:
        """Compare the calls, the failures, and whether it runs."""
        got, expected = self.calls, self.model.calls
        story = f"called at {got}, the model says {expected}"
        assert len(got) == len(expected), story
        assert all(abs(one - other) < TOLERANCE for one, other in zip(got, expected, strict=True)), story
        assert self.failures.count == self.model.failures, f"{self.failures.count} failures were logged"
        assert self.real.is_running() == self.model.running
        self.calls, self.model.calls = [], []

    @precondition(lambda self: self.may_start())
    @rule()
    def start(self) -> None:
        """Start, maybe once more."""
        self.step()
        self.model.start()
        self.real.start()
        self.compare()

    @rule()
    def stop(self) -> None:
        """Stop."""
        self.step()
        self.model.stop()
        self.real.stop()
        self.compare()

    def may_start(self) -> bool:
        """Whether the differences leave it open what start() does now."""
        twice = self.model.running and "periodic.start-twice" in self.differences
        return not twice and not (self.model.in_call and "periodic.restart-in-call" in self.differences)

    @rule(behaviour=BEHAVIOURS)
    def behave(self, behaviour: Behaviour) -> None:
        """Change what the function does from the next call on."""
        self.step()
        if behaviour.kind == "restarts" and "periodic.restart-in-call" in self.differences:
            behaviour = Behaviour("stops")
        self.model.behaviour = behaviour

    @precondition(lambda self: self.model.in_call)
    @rule()
    def cancel_call(self) -> None:
        """Cancel what the running coroutine waits for."""
        self.step()
        assert self.waits_for is not None
        self.waits_for.cancel()
        self.model.cancel_call()
        self.run()
        self.compare()

    @rule(seconds=STEPS)
    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.step()
        self.model.advance(seconds)
        self.run(seconds)
        self.compare()
