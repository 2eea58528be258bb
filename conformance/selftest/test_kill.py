"""The kill matrix tells lies that are noticed from lies that are not, whatever they do to their process."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from conformance import catalogue, kill, saboteurs
from conformance.saboteurs import Patches, Saboteur

ORDER = "queues.queue.first-in-first-out"
EVERYTHING = {entry.id for entry in catalogue.entries()}


@pytest.fixture
def tell(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[Patches], None]], None]:
    """Register a saboteur of the order of queues for one test."""
    saboteurs.registry()

    def register(name: str, apply: Callable[[Patches], None]) -> None:
        monkeypatch.setitem(saboteurs._REGISTRY, name, Saboteur(name, "A lie.", ("core.queues",), (ORDER,), apply))

    return register


def sleepy(ref: Patches) -> None:
    """Say nothing false."""


def stubborn(ref: Patches) -> None:
    raise ValueError("I do not lie")


def violent(ref: Patches) -> None:
    os.kill(os.getppid(), signal.SIGTERM)


def test_a_lie_that_is_noticed_kills_and_one_that_is_not_is_idle(
    tell: Callable[[str, Callable[[Patches], None]], None],
) -> None:
    """What the reference itself does not meet counts for nothing."""
    tell("sleepy", sleepy)
    kills = kill.run(["queue-is-a-stack", "sleepy"], 1, EVERYTHING)

    assert ORDER in kills.matrix["queue-is-a-stack"]
    assert kills.idle() == ["sleepy"]
    assert kills.unkept() == [f"sleepy: {ORDER}"]
    assert not kills.errors
    assert kill.run(["queue-is-a-stack"], 1, set()).idle() == ["queue-is-a-stack"]


def test_a_saboteur_that_cannot_lie_is_an_error_with_its_reason(
    tell: Callable[[str, Callable[[Patches], None]], None],
) -> None:
    tell("stubborn", stubborn)

    assert "I do not lie" in kill.run(["stubborn"], 1, EVERYTHING).errors["stubborn"]


def test_a_session_that_ends_early_is_an_error_of_what_was_not_judged(
    tell: Callable[[str, Callable[[Patches], None]], None],
) -> None:
    tell("violent", violent)
    kills = kill.run(["violent", "queue-is-a-stack"], 1, EVERYTHING)

    assert any("violent" in names and "ended early" in why for names, why in kills.errors.items())
    assert kills.matrix["violent"] == []
