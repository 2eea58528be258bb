"""What is known to the fuzzer holds: its seeds, and whatever it once found."""

from __future__ import annotations

from pathlib import Path

import pytest

from property_tests.fuzz.targets import TARGETS

_CORPUS = Path(__file__).parent / "fuzz" / "corpus"
_FILES = sorted(path for path in _CORPUS.glob("*/*") if path.is_file())


@pytest.mark.parametrize("path", _FILES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_the_target_holds(path: Path) -> None:
    """No exception but those that a parser documents, and nothing that contradicts another reading."""
    TARGETS[path.parent.name](path.read_bytes())


def test_every_target_has_a_corpus() -> None:
    """A target without seeds would begin with nothing, and a directory without a target would not be run."""
    assert {path.parent.name for path in _FILES} == set(TARGETS)
