"""Locks beside their models."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from property_tests.machines.driving import ANY, SPANS, STYLES, Pair, WaitingMachine
from property_tests.models.locks import ACQUIRED, ConditionModel, EventModel, PermitsModel
from property_tests.models.waits import Phase, Style, Wait


class PermitsMachine(WaitingMachine):
    """What Lock, Semaphore and BoundedSemaphore have in common."""

    model: PermitsModel
    real: Any

    @rule(style=STYLES, span=SPANS)
    def acquire(self, style: Style, span: float | None) -> None:
        """Begin an acquire() that nobody releases."""
        self.begin(style, span, lambda timeout: self.real.acquire(timeout), self.model.acquire)

    @rule()
    def enter_context(self) -> None:
        """Start a coroutine that enters the context, and stays in it."""
        gate = self.loop.create_future()

        async def stay() -> None:
            async with self.real:
                await gate

        self.step()
        self.start(Wait(Style.CONTEXT, None), stay, self.model.acquire, gate)

    @rule(span=SPANS)
    def enter_acquired(self, span: float | None) -> None:
        """Start a coroutine that stays in the context that acquire() gives."""
        gate = self.loop.create_future()
        timeout = self.timeout(span)

        async def stay() -> None:
            with await self.real.acquire(timeout):
                await gate

        self.step()
        deadline = None if span is None else self.model.now + span
        self.start(Wait(Style.CONTEXT, deadline, ACQUIRED), stay, self.model.acquire, gate)

    @precondition(lambda self: self.inside())
    @rule(which=ANY)
    def leave_context(self, which: int) -> None:
        """Let a coroutine leave its context."""
        self.step()
        inside = self.inside()
        pair = inside[which % len(inside)]
        assert pair.gate is not None
        self.model.leave(pair.model)
        pair.gate.set_result(None)
        self.compare()

    @rule()
    def release(self) -> None:
        """Release, acquired or not."""
        self.same(self.real.release, self.model.release)

    def inside(self) -> list[Pair]:
        """The coroutines that are inside their contexts."""
        return [pair for pair in self.pairs if pair.model.phase is Phase.INSIDE]


class SemaphoreMachine(PermitsMachine):
    """A Semaphore."""

    @initialize(value=st.integers(0, 3))
    def make(self, value: int) -> None:
        """Make the semaphore."""
        self.model = PermitsModel(value, None, "", self.differences)
        self.real = self.module("locks").Semaphore(value)


class BoundedSemaphoreMachine(PermitsMachine):
    """A BoundedSemaphore."""

    @initialize(value=st.integers(0, 3))
    def make(self, value: int) -> None:
        """Make the semaphore."""
        self.model = PermitsModel(value, value, "ValueError", self.differences)
        self.real = self.module("locks").BoundedSemaphore(value)


class LockMachine(PermitsMachine):
    """A Lock."""

    @initialize()
    def make(self) -> None:
        """Make the lock."""
        self.model = PermitsModel(1, 1, "RuntimeError", self.differences)
        self.real = self.module("locks").Lock()


class EventMachine(WaitingMachine):
    """An Event."""

    model: EventModel
    real: Any

    @initialize()
    def make(self) -> None:
        """Make the event."""
        self.model = EventModel(self.differences)
        self.real = self.module("locks").Event()

    @rule(style=STYLES, span=SPANS)
    def wait(self, style: Style, span: float | None) -> None:
        """Begin a wait()."""
        self.begin(style, span, lambda timeout: self.real.wait(timeout), self.model.wait)

    @rule()
    def set(self) -> None:
        """Set the flag."""
        self.same(self.real.set, self.model.set)

    @rule()
    def clear(self) -> None:
        """Clear the flag."""
        self.same(self.real.clear, self.model.clear)

    def compare_subject(self) -> None:
        """Compare the flags."""
        assert self.real.is_set() == self.model.is_set


class ConditionMachine(WaitingMachine):
    """A Condition."""

    model: ConditionModel
    real: Any

    @initialize()
    def make(self) -> None:
        """Make the condition."""
        self.model = ConditionModel(self.differences)
        self.real = self.module("locks").Condition()

    @rule(style=STYLES, span=SPANS)
    def wait(self, style: Style, span: float | None) -> None:
        """Begin a wait()."""
        self.begin(style, span, lambda timeout: self.real.wait(timeout), self.model.wait)

    @rule(n=st.integers(0, 4))
    def notify(self, n: int) -> None:
        """Wake some."""
        self.same(lambda: self.real.notify(n), lambda: self.model.notify(n))

    @rule()
    def notify_all(self) -> None:
        """Wake all."""
        self.same(self.real.notify_all, self.model.notify_all)
