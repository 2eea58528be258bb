"""Makes a case that shows something small, for what no strategy of Hypothesis made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

Case = TypeVar("Case")

#: Cases that are tried for one result: far more than small streams need.
TRIES = 5000


def smallest(case: Case, smaller: Callable[[Case], Iterator[Case]], shows: Callable[[Case], bool]) -> Case:
    """The last of the cases that ``smaller`` leads to, one after the other, of which ``shows`` still holds."""
    tries = 0
    found = True
    while found:
        found = False
        for candidate in smaller(case):
            tries += 1
            if tries > TRIES:
                return case
            if shows(candidate):
                case, found = candidate, True
                break
    return case


def without_a_part(sequence: Any) -> Iterator[Any]:
    """The sequence without one of its parts: halves first, single elements at last."""
    size = len(sequence)
    while size:
        for start in range(0, len(sequence) - size + 1, max(1, size // 2)):
            yield sequence[:start] + sequence[start + size :]
        size //= 2


def smaller_streams(case: Any) -> Iterator[Any]:
    """Cases with fewer pieces, then with fewer octets, of one that has a ``stream`` and ``sizes``."""
    for sizes in without_a_part(case.sizes):
        yield replace(case, sizes=sizes)
    for stream in without_a_part(case.stream):
        yield replace(case, stream=stream)
