"""Runs state machines outside pytest, for as many steps as wanted."""

from __future__ import annotations

import importlib
import platform
import time
from dataclasses import dataclass
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from property_tests.decisions.models_tornado import DIFFERENCES
from property_tests.machines import locks, periodic, queues
from property_tests.machines.driving import Machine

MACHINES: dict[str, type[Machine]] = {
    "Queue": queues.QueueMachine,
    "PriorityQueue": queues.PriorityQueueMachine,
    "LifoQueue": queues.LifoQueueMachine,
    "Lock": locks.LockMachine,
    "Semaphore": locks.SemaphoreMachine,
    "BoundedSemaphore": locks.BoundedSemaphoreMachine,
    "Event": locks.EventMachine,
    "Condition": locks.ConditionMachine,
    "PeriodicCallback": periodic.PeriodicCallbackMachine,
}
#: Steps of one example, at most.
STEPS = 50


@dataclass
class Result:
    """What one machine found; ``failure`` is empty, or the smallest story of a difference."""

    machine: str
    package: str
    steps: int
    seed: int
    seconds: float
    failure: str = ""

    def line(self) -> str:
        """The result as one line."""
        found = "a difference" if self.failure else "no difference"
        return f"{self.machine} of {self.package}: {self.steps:,} steps, {found}, {self.seconds:.1f} s"


def machine(name: str, package: str) -> type[Machine]:
    """The machine that drives one class of a package; it counts its steps in ``steps``."""
    differences = DIFFERENCES if package == "tornado" else frozenset()
    return type(name, (MACHINES[name],), {"package": package, "differences": differences, "steps": 0})


def run(name: str, steps: int, seed: int, package: str = "waterspout", shrink: bool = True) -> Result:
    """Take at least that many steps, or as many as it takes to find a difference; then ``shrink`` its story.

    The same seed takes the same steps.
    """
    driven = machine(name, package)
    started = time.perf_counter()
    failure = ""
    rounds = 0
    while driven.steps < steps and not failure:
        failure = _explore(driven, steps - driven.steps, seed + rounds, shrink)
        rounds += 1
    return Result(name, package, driven.steps, seed, time.perf_counter() - started, failure)


def record(results: list[Result], steps: int) -> dict[str, Any]:
    """What a run found, without dates and durations, and how to repeat it."""
    package, seed = results[0].package, results[0].seed
    return {
        "command": f"conform models --package {package} --steps {steps} --seed {seed}",
        "versions": {
            "python": platform.python_version(),
            "hypothesis": hypothesis.__version__,
            package: importlib.import_module(package).version,
        },
        "steps": {result.machine: result.steps for result in results},
        "differences": {result.machine: result.failure for result in results if result.failure},
        "decisions": sorted(DIFFERENCES) if package == "tornado" else [],
    }


def _explore(driven: type[Machine], steps: int, seed: int, shrink: bool) -> str:
    chosen = settings(
        max_examples=-(-steps // STEPS),
        stateful_step_count=STEPS,
        database=None,
        deadline=None,
        derandomize=False,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    try:
        run_state_machine_as_test(hypothesis.seed(seed)(driven), settings=chosen)
    except Exception as error:
        # Python 3.10 has no notes; the story is then missing, and the seed tells it again.
        return "\n".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())])
    return ""
