"""The ``leftovers`` fixture: a case that asks for it fails when it leaves a descriptor, a task or a timer behind.

What the case opened for itself it closes itself. What the implementation closes it may close a few rounds of the loop
later, which are waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from conformance.verdict import Verdict

_DESCRIPTORS = "/proc/self/fd"
#: Rounds of the loop in which the implementation may still tidy up.
_ROUNDS = 20

#: The case that failed just now, if it did.
_failed: set[str] = set()


class Leftovers:
    """What there was before a case, to compare with what there is after it."""

    def __init__(self) -> None:
        # The loop of the case, which is made after this, has descriptors for itself; some it opens when it runs.
        loop = asyncio.new_event_loop()
        self._before = loop.run_until_complete(_open_descriptors_now())
        loop.close()

    async def aclose(self) -> None:
        """Look at what is there now. Raises AssertionError when that is more than there was."""
        for _ in range(_ROUNDS):
            found = self._found()
            if not found:
                return
            await asyncio.sleep(0)
        with forgiving():
            # What is merely forgotten must not be found by the next case instead.
            gc.collect()
        raise AssertionError(f"the case leaves behind: {'; '.join(found)}")

    def _found(self) -> list[str]:
        loop = asyncio.get_running_loop()
        new = _open_descriptors() - self._before
        found = [f"{number} x {kind}" for kind, number in sorted(new.items())]
        found += [f"task {_name(task)}" for task in asyncio.all_tasks(loop) - {asyncio.current_task()}]
        timers = [timer for timer in getattr(loop, "_scheduled", ()) if not timer.cancelled()]
        return found + [f"{len(timers)} x timer"] * bool(timers)


def _name(task: asyncio.Task[Any]) -> str:
    return getattr(task.get_coro(), "__qualname__", "without a name")


def _open_descriptors() -> Counter[str]:
    """Return how many descriptors of each kind are open, where the system lists them."""
    kinds: Counter[str] = Counter()
    try:
        numbers = os.listdir(_DESCRIPTORS)
    except OSError:
        return kinds
    for number in numbers:
        try:
            target = os.readlink(f"{_DESCRIPTORS}/{number}")
        except OSError:
            # The one by which the others were listed.
            continue
        kinds[re.sub(r":?\[?\d*\]?$", "", target)] += 1
    return kinds


async def _open_descriptors_now() -> Counter[str]:
    # uvloop opens /dev/null when it first listens, and keeps it as long as the loop.
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    found = _open_descriptors() - Counter({"socket": len(server.sockets)})
    server.close()
    await server.wait_closed()
    return found


@contextlib.contextmanager
def forgiving() -> Iterator[None]:
    """Accept that what a failure leaves over is closed by Python, which complains about it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield


@pytest.fixture
def leftovers() -> Leftovers:
    """Fails the case when it leaves a descriptor, a task or a timer behind; see :class:`Leftovers`."""
    return Leftovers()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    record = dict(report.user_properties).get("conform")
    # Looking for garbage is dear: not for a case that a server had, that was not tried, or that another process ran.
    idle = isinstance(record, dict) and (record["chop"] or record["verdict"] == Verdict.UNSUPPORTED.value)
    if not report.passed and not idle and not hasattr(report, "node"):
        _failed.add(report.nodeid)


@pytest.hookimpl(trylast=True)
def pytest_runtest_logfinish(nodeid: str) -> None:
    if nodeid in _failed:
        _failed.remove(nodeid)
        with forgiving():
            # What a failure leaves lying about must not be found while another case runs.
            gc.collect()
