"""What the comparisons are made with: functions from a ``random.Random`` to a case."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Case = TypeVar("Case")


def drawn(make: Callable[[Random], Case]) -> SearchStrategy[Case]:
    """What ``make`` makes, as a strategy: Hypothesis is asked for every choice, and can make it smaller."""
    return st.randoms(use_true_random=False, note_method_calls=False).map(make)
