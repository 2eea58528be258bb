"""The kind of event loop as a dimension: who runs on which, and what is left out."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from conformance import loops
from conformance.paths import BOOK
from conformance.verdict import HarnessError


@pytest.fixture(autouse=True)
def _policy_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = asyncio.get_event_loop_policy()
    monkeypatch.setenv("CONFORM_LOOP", "")
    yield
    asyncio.set_event_loop_policy(before)


def kind() -> str:
    loop = asyncio.new_event_loop()
    loop.close()
    return type(loop).__module__.partition(".")[0]


def test_new_loops_are_of_the_chosen_kind() -> None:
    loops.use("uvloop")
    assert kind() == "uvloop"
    loops.use("")
    assert kind() == "asyncio"


def test_children_use_what_their_parent_uses() -> None:
    loops.use("uvloop")
    program = "import asyncio; from conformance import loops; loops.use_inherited(); print(asyncio.new_event_loop())"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, env=environment, check=True
    )
    assert "uvloop" in answer.stdout


def test_an_unknown_kind_and_one_that_is_not_installed_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HarnessError, match="'trio'"):
        loops.use("trio")
    monkeypatch.setitem(sys.modules, "uvloop", None)
    with pytest.raises(HarnessError, match="not installed"):
        loops.use("uvloop")


def test_cases_under_the_jumping_clock_are_left_to_the_target_without_a_loop() -> None:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "-c"]
    command += [str(BOOK / "pyproject.toml"), "--conform-target", "waterspout-uvloop", str(BOOK / "spec" / "core")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    listed = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=BOOK, check=True).stdout
    assert "test_real_clock" in listed
    assert "test_remove_timeout" not in listed
