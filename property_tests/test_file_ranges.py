"""Ranges beside a model: whatever is asked for, what is sent is a part of the content, or the whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from waterspout.web.file_ranges import Part, UnsatisfiableRange, requested_part

sizes = st.integers(0, 50)
numbers = st.integers(0, 60)


def _wanted(size: int, field: str) -> Part | str | None:
    try:
        return requested_part(field, size)
    except UnsatisfiableRange:
        return "unsatisfiable"


@given(sizes, numbers, st.none() | numbers)
def test_from_to(size: int, first: int, last: int | None) -> None:
    """RFC 9110, section 14.1.2: the last position is part of the range."""
    found = _wanted(size, f"bytes={first}-{'' if last is None else last}")
    octets = [place for place in range(size) if place >= first and (last is None or place <= last)]
    if last is not None and last < first:
        assert found is None
    elif octets:
        assert found == Part(octets[0], octets[-1] + 1)
    else:
        assert found == "unsatisfiable"


@given(sizes, numbers)
def test_suffix(size: int, length: int) -> None:
    """The last octets, at most all of them."""
    octets = list(range(size))[-length:] if length else []
    assert _wanted(size, f"bytes=-{length}") == (Part(octets[0], size) if octets else "unsatisfiable")


@given(sizes, st.text(alphabet="bytes=0123456789-, ", max_size=20))
def test_anything(size: int, field: str) -> None:
    """No error, and nothing outside of the content."""
    found = _wanted(size, field)
    if isinstance(found, Part):
        assert 0 <= found.start < found.end <= size
