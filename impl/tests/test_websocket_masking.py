"""The two functions that mask: the one in Python, and its compiled twin where there is a compiler."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from waterspout.protocol.websocket import frames

Mask = Callable[[bytes, bytes], bytes]
IMPL = Path(__file__).parents[1]
SIZES = [*range(20), 125, 126, 1023, 1024, 1025, 65_535, 65_536, 1 << 20]


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> list[Mask]:
    """Every implementation that this machine has."""
    sys.path.insert(0, str(IMPL))
    try:
        import compiled
    finally:
        sys.path.remove(str(IMPL))
    try:
        path = compiled.compile_twin(tmp_path_factory.mktemp("twin"))
    except (OSError, subprocess.CalledProcessError):
        return [frames.mask_in_python]
    spec = importlib.util.spec_from_file_location("_masking", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [frames.mask_in_python, module.apply_mask]


@pytest.mark.parametrize("size", SIZES)
def test_all_mask_alike(twins: list[Mask], size: int) -> None:
    """For sizes around every border of the implementations, keys with all kinds of octets."""
    data = bytes(number * 7 % 256 for number in range(min(size, 1024))) * (size // 1024 + 1)
    data = data[:size]
    for key in (b"\x00\x00\x00\x00", b"\x01\x80\xff\x7f"):
        expected = bytes(octet ^ key[index & 3] for index, octet in enumerate(data))
        assert all(mask(data, key) == expected for mask in twins)


def test_the_twin_refuses_what_is_no_key(twins: list[Mask]) -> None:
    """It reads four octets, so there have to be four."""
    for mask in twins[1:]:
        with pytest.raises(ValueError, match="four octets"):
            mask(b"data", b"key")


def test_one_of_them_is_in_use() -> None:
    """Whatever was built, there is a function."""
    assert frames.apply_mask(b"\x00\x01\x02\x03\x04", b"\x01\x01\x01\x01") == b"\x01\x00\x03\x02\x05"
