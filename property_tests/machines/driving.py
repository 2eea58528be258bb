"""What all state machines share: a loop that stands still between steps, and waits kept beside their models."""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from conformance.clock import Clock
from property_tests.models.waits import PERMIT, Differences, Outcome, Phase, Style, Wait, Waiting

#: Turns of the loop after which nothing more happens without time passing.
TURNS = 8
#: Seconds that a deadline of now may be off, for an implementation that computes it on another scale.
HAIR = 1e-5

#: Spans until a deadline. Time passes in halves of a second, so that no deadline is at the end of a step.
SPANS = st.sampled_from([None, None, -3600.0, 0.0, 0.25, 1.25, 3.25])
STEPS = st.sampled_from([0.5, 1.0, 2.5, 60.0])
STYLES = st.sampled_from([Style.FUTURE, Style.COROUTINE])
#: Which of the waits that are not over.
ANY = st.integers(0, 1000)


@dataclass(eq=False)
class Pair:
    """A wait and its model. ``gate`` keeps a coroutine in its context."""

    model: Wait
    real: asyncio.Future[Any]
    gate: asyncio.Future[Any] | None = None


def outcome_of(future: asyncio.Future[Any]) -> Outcome | None:
    """How a future ended; None as long as it has not."""
    if not future.done():
        return None
    if future.cancelled():
        return "cancelled", None
    error = future.exception()
    if error is not None:
        return "raised", type(error).__name__
    result = future.result()
    return "gave", PERMIT if hasattr(result, "__exit__") else result


def what_comes_of(call: Callable[[], Any]) -> Any:
    """What a call returns, or the name of what it raises."""
    try:
        return call()
    except Exception as error:
        return type(error).__name__


class Machine(RuleBasedStateMachine):
    """Drives a subject of ``package`` and its model. The loop runs only inside `settle` and `advance`."""

    package: ClassVar[str] = "waterspout"
    differences: ClassVar[Differences] = frozenset()
    #: Steps of all examples so far.
    steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.clock.__enter__()
        self.loop = self.clock.loop

    @classmethod
    def module(cls, name: str) -> Any:
        """A module of the package under test."""
        return importlib.import_module(f"{cls.package}.{name}")

    def step(self) -> None:
        """Count a step; every rule calls this."""
        type(self).steps += 1

    def run(self, seconds: float = 0) -> None:
        """Let the loop run until nothing happens any more without time passing, some seconds from now."""

        async def wait() -> None:
            for _ in range(TURNS):
                await asyncio.sleep(0)
            if seconds:
                await asyncio.sleep(seconds)
                for _ in range(TURNS):
                    await asyncio.sleep(0)

        self.loop.run_until_complete(wait())

    def teardown(self) -> None:
        """Give the time back; the clock ends the tasks that are left."""
        self.clock.__exit__(None, None, None)


class WaitingMachine(Machine):
    """A machine whose subject can be waited for."""

    model: Waiting

    def __init__(self) -> None:
        super().__init__()
        self.pairs: list[Pair] = []

    def teardown(self) -> None:
        """Give up what still waits."""
        for pair in self.pairs:
            pair.real.cancel()
        self.run()
        for pair in self.pairs:
            outcome_of(pair.real)
        super().teardown()

    # -- what subclasses use

    def begin(
        self, style: Style, span: float | None, call: Callable[[Any], Awaitable[Any]], enter: Callable[[Wait], None],
        brought: Any = None,
    ) -> None:  # fmt: skip
        """Begin a wait: ``call`` with a timeout on the real side, ``enter`` on that of the model."""
        self.step()
        deadline = None if span is None else self.model.now + span
        wait = Wait(style, deadline, brought)
        timeout = self.timeout(span)
        if style is Style.FUTURE:
            enter(wait)
            self.pairs.append(Pair(wait, asyncio.ensure_future(call(timeout), loop=self.loop)))
            self.compare()
            return

        async def awaiting() -> Any:
            return await call(timeout)

        self.start(wait, awaiting, enter)

    def start(
        self, wait: Wait, coroutine: Callable[[], Any], enter: Callable[[Wait], None],
        gate: asyncio.Future[Any] | None = None,
    ) -> None:  # fmt: skip
        """Start a coroutine that waits, in a loop at rest, so that it is in line when this returns."""
        self.settle_both()
        enter(wait)
        self.pairs.append(Pair(wait, self.loop.create_task(coroutine()), gate))
        self.settle_both()

    def timeout(self, span: float | None) -> Any:
        """A timeout: for some spans as a time, for others as a span."""
        if span is None:
            return None
        return time.time() + span if span in (-3600.0, 1.25) else timedelta(seconds=span)

    def same(self, real: Callable[[], Any], model: Callable[[], Any]) -> None:
        """Make a call on both sides, and compare what comes of it."""
        self.step()
        got, expected = what_comes_of(real), model()
        assert got == expected, f"the call gave {got!r}, the model says {expected!r}"
        self.compare()

    def compare(self, settled: bool = False) -> None:
        """Compare what can be seen at once; in a loop at rest also what coroutines made of it."""
        for pair in self.pairs:
            if settled or pair.model.style is Style.FUTURE:
                expected = pair.model.outcome if pair.model.phase is Phase.ENDED else None
                got = outcome_of(pair.real)
                assert got == expected, f"{pair.model}: is {got}, the model says {expected}"
        if settled:
            self.pairs = [pair for pair in self.pairs if pair.model.phase is not Phase.ENDED]
        self.compare_subject()

    def compare_subject(self) -> None:
        """Compare what the subject tells about itself."""

    def settle_both(self) -> None:
        """Let the loop come to rest."""
        self.model.settle()
        self.run(HAIR)
        self.compare(settled=True)

    # -- rules for every subject

    @rule()
    def settle(self) -> None:
        """Let the loop turn."""
        self.step()
        self.settle_both()

    @rule(seconds=STEPS)
    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.step()
        self.model.advance(seconds)
        self.run(seconds)
        self.compare(settled=True)

    @precondition(lambda self: self.pairs)
    @rule(which=ANY)
    def cancel(self, which: int) -> None:
        """Cancel a wait, wherever it is."""
        self.cancel_one_of(self.pairs, which)

    @precondition(lambda self: self.woken())
    @rule(which=ANY)
    def cancel_woken(self, which: int) -> None:
        """Cancel a coroutine that was woken and has not gone on yet."""
        self.cancel_one_of(self.woken(), which)

    def cancel_one_of(self, pairs: list[Pair], which: int) -> None:
        """Cancel on both sides."""
        self.step()
        pair = pairs[which % len(pairs)]
        self.model.cancel(pair.model)
        pair.real.cancel()
        self.compare()

    def woken(self) -> list[Pair]:
        """The coroutines that go on in the next turn."""
        return [pair for pair in self.pairs if pair.model.phase is Phase.WOKEN]
