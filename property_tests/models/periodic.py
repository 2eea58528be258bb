"""A model of PeriodicCallback."""

from __future__ import annotations

import math
from dataclasses import dataclass

from property_tests.models.waits import Differences


@dataclass(frozen=True)
class Behaviour:
    """What the function that is called does.

    ``kind``: "returns"; "fails"; "sleeps" and "sleeps, fails" for a coroutine that takes its time; "computes",
    which holds up the loop; "stops" and "restarts" what calls it. ``seconds`` is how long it takes.
    """

    kind: str = "returns"
    seconds: float = 0.0


class PeriodicModel:
    """Calls at multiples of the period after the start, one at a time; what falls due meanwhile is left out."""

    def __init__(self, period: float, differences: Differences) -> None:
        self.period = period
        self.differences = differences
        self.now = 0.0
        self.running = False
        self.behaviour = Behaviour()
        #: When the calls were made, and how many of them failed.
        self.calls: list[float] = []
        self.failures = 0
        #: When the next call is due, and when the coroutine ends that runs now.
        self._due: float | None = None
        self._last_due = 0.0
        self._ends: float | None = None
        self._fails_at_end = False

    @property
    def in_call(self) -> bool:
        """Whether a coroutine that was called runs."""
        return self._ends is not None

    def start(self) -> None:
        """Begin."""
        if not self.running:
            self.running = True
            self._due = self._last_due = self.now
            self._plan()

    def stop(self) -> None:
        """End; a coroutine that runs goes on."""
        self.running = False
        self._due = None

    def cancel_call(self) -> None:
        """Cancel what the running coroutine waits for; the calls go on."""
        self._end_call()

    def advance(self, seconds: float) -> None:
        """Let time pass. Nothing may fall due at its end."""
        end = self.now + seconds
        while (moment := min(self._due or math.inf, self._ends or math.inf)) <= max(end, self.now):
            self.now = max(self.now, moment)
            if moment == self._ends:
                self.failures += self._fails_at_end
                self._end_call()
            else:
                self._fall_due()
        self.now = max(self.now, end)

    def _plan(self) -> None:
        periods = max(1, math.floor((self.now - self._last_due) / self.period) + 1)
        self._due = self._last_due = self._last_due + periods * self.period

    def _fall_due(self) -> None:
        self._due = None
        if self.in_call:
            # Stopped and started again during a long call.
            self._plan()
            return
        self.calls.append(self.now)
        self._call()
        if self.running and self._due is None and not self.in_call:
            self._plan()

    def _call(self) -> None:
        kind, seconds = self.behaviour.kind, self.behaviour.seconds
        if kind.startswith("sleeps"):
            self._ends, self._fails_at_end = self.now + seconds, kind.endswith("fails")
        elif kind == "computes":
            self.now += seconds
        elif kind == "fails":
            self.failures += 1
        elif kind != "returns":
            self.stop()
            if kind == "restarts":
                self.start()

    def _end_call(self) -> None:
        self._ends = None
        if self.running and self._due is None:
            self._plan()
