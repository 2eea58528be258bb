"""Cases are made small without Hypothesis."""

from __future__ import annotations

from property_tests.reducing import TRIES, smaller_streams, smallest, without_a_part
from property_tests.strategies.http1 import RequestCase


def test_what_shows_the_fault_is_all_that_stays() -> None:
    """Octets and pieces that do not matter go."""
    case = RequestCase(b"GET / HTTP/1.1\r\nHost: h\r\nX: \x01y\r\n\r\n", (3, 1, 4))
    small = smallest(case, smaller_streams, lambda one: b"\x01" in one.stream and b"X" in one.stream)
    assert small == RequestCase(b"X\x01", ())


def test_a_case_that_cannot_be_smaller_stays() -> None:
    """What shows only as it is comes back."""
    assert smallest("abc", lambda text: without_a_part(text), lambda text: False) == "abc"


def test_the_search_ends() -> None:
    """Candidates without end are given up."""
    tried = []

    def shows(number: int) -> bool:
        tried.append(number)
        return True

    smallest(0, lambda number: iter([number + 1]), shows)
    assert len(tried) == TRIES
