"""A model of waiting in line, for all that coroutines wait for."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

#: How a wait ended: ("gave", result), ("raised", name of the exception) or ("cancelled", None).
Outcome = tuple[str, Any]

CANCELLED: Outcome = ("cancelled", None)
TIMED_OUT: Outcome = ("raised", "TimeoutError")
PERMIT = "a permit"


#: What an implementation does differently, by the ids of the decisions about it. A model without differences
#: does what the specification wants.
Differences = frozenset[str]


class Style(Enum):
    """Who waits: the holder of a future, a coroutine, or a coroutine that then stays in a context."""

    FUTURE = "a future is kept"
    COROUTINE = "a coroutine waits"
    CONTEXT = "a coroutine waits, and stays in a context"


class Phase(Enum):
    """How far a wait is."""

    WAITING = "in line"
    WOKEN = "its coroutine goes on in the next turn"
    INSIDE = "in the context"
    LEAVING = "leaves the context in the next turn"
    ENDED = "over"


@dataclass(eq=False)
class Wait:
    """One wait. ``outcome`` is final in the phase ENDED."""

    style: Style
    deadline: float | None
    brought: Any = None
    phase: Phase = Phase.WAITING
    outcome: Outcome | None = None
    #: What it was woken with.
    gift: Any = None

    def end(self, outcome: Outcome) -> None:
        """Let it be over."""
        self.phase, self.outcome = Phase.ENDED, outcome


@dataclass(eq=False)
class Line:
    """Those who wait, in order of arrival, and what they are told when their time is over.

    ``all_together`` says that they are always served all at once.
    """

    when_late: Outcome = TIMED_OUT
    all_together: bool = False
    waits: list[Wait] = field(default_factory=list)


class Waiting:
    """What all models share: time, lines, and coroutines that are about to go on."""

    def __init__(self, differences: Differences, lines: int, when_late: Outcome = TIMED_OUT) -> None:
        self.now = 0.0
        self.differences = differences
        self.lines = [Line(when_late) for _ in range(lines)]
        #: Coroutines that go on in the next turn, in this order.
        self.going_on: list[Wait] = []

    # -- what a subject does

    def enter(self, line: Line, wait: Wait) -> None:
        """Stand in line."""
        if "deadline.no-span" in self.differences and wait.deadline == self.now and not line.all_together:
            wait.deadline = None
        line.waits.append(wait)

    def serve(self, line: Line, gift: Any) -> bool:
        """Give something to the first in line; False when nobody waits."""
        if not line.waits:
            return False
        wait = line.waits.pop(0)
        lags = "event.lags" in self.differences and line.all_together and wait.deadline is not None
        self.give(wait, gift, lags)
        return True

    def give(self, wait: Wait, gift: Any, lags: bool = False) -> None:
        """Wake somebody who waits, or let somebody pass who need not wait.

        Whoever keeps a future sees that at once, unless it ``lags``.
        """
        wait.gift = gift
        if wait.style is Style.FUTURE and not lags:
            wait.end(("gave", self.shown(gift)))
        else:
            wait.phase = Phase.WOKEN
            self.going_on.append(wait)

    def shown(self, gift: Any) -> Any:
        """What somebody who was served sees of the gift."""
        return gift

    def take_back(self, gift: Any) -> None:
        """Find a new use for what somebody was woken with who never went on."""

    def leave_context(self, wait: Wait) -> None:
        """Do what leaving the context does, and end the wait."""
        raise AssertionError("this subject has no contexts")

    # -- what the world does

    def cancel(self, wait: Wait) -> None:
        """Cancel a future that is kept, or the task of a coroutine."""
        if wait.phase is Phase.WAITING:
            next(line for line in self.lines if wait in line.waits).waits.remove(wait)
            wait.end(CANCELLED)
        elif wait.phase is Phase.WOKEN and wait.style is Style.FUTURE:
            # Only one that lags.
            self.going_on.remove(wait)
            wait.end(CANCELLED)
        elif wait.phase is not Phase.ENDED:
            wait.outcome = CANCELLED
            if wait.phase is Phase.INSIDE:
                self._leave(wait)

    def leave(self, wait: Wait) -> None:
        """Let a coroutine that is inside its context leave it."""
        wait.outcome = ("gave", None)
        self._leave(wait)

    def _leave(self, wait: Wait) -> None:
        wait.phase = Phase.LEAVING
        self.going_on.append(wait)

    def settle(self) -> None:
        """Let everything happen that can happen without time passing."""
        while self.going_on:
            self._go_on(self.going_on.pop(0))
        for line in self.lines:
            for wait in [late for late in line.waits if late.deadline is not None and late.deadline <= self.now]:
                line.waits.remove(wait)
                wait.end(line.when_late)

    def _go_on(self, wait: Wait) -> None:
        if wait.phase is Phase.LEAVING:
            self.leave_context(wait)
        elif wait.outcome == CANCELLED:
            wait.end(CANCELLED)
            if "wake-up.lost" not in self.differences:
                self.take_back(wait.gift)
        elif wait.style is Style.CONTEXT:
            wait.phase = Phase.INSIDE
        else:
            wait.end(("gave", self.shown(wait.gift)))

    def advance(self, seconds: float) -> None:
        """Let time pass. No two deadlines may be at its end."""
        self.settle()
        self.now += seconds
        self.settle()
