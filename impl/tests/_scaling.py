"""How work grows with its input, told apart from what else the machine does."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Pairs of measurements before growth counts as a fact. One pair suffices as long as nothing disturbs it.
_ROUNDS = 8


def assert_linear(work: Callable[[int], object], small: int, large: int) -> None:
    """Fail if ``work(large)`` costs more than five times what linear growth from ``work(small)`` allows.

    Compared are the least times seen: a busy machine makes some runs longer and none shorter. Sizes should lie
    apart by eight or more, so that quadratic work exceeds the bound by far, in every round.
    """
    growth = large / small
    least_small = least_large = float("inf")
    for _ in range(_ROUNDS):
        least_small = min(least_small, _cost(work, small))
        least_large = min(least_large, _cost(work, large))
        # A clock of coarse ticks makes small costs zero.
        if least_large <= 5 * growth * max(least_small, 0.001):
            return
    raise AssertionError(f"{growth:.0f} times the input costs {least_large / least_small:.0f} times as much")


def _cost(work: Callable[[int], object], size: int) -> float:
    begin = time.process_time()
    work(size)
    return time.process_time() - begin
