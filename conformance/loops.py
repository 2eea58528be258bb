"""Which kind of event loop a run judges: asyncio's own, or uvloop. A dimension of the cases on real loops.

The choice is made by an event loop policy, which is the one thing that every implementation on asyncio heeds, and is
handed on to child processes in the environment.
"""

from __future__ import annotations

import asyncio
import os

from conformance.verdict import HarnessError

_VARIABLE = "CONFORM_LOOP"


class PlainPolicy(asyncio.DefaultEventLoopPolicy):
    """asyncio's default, but chosen: an implementation that prefers another loop takes that for a decision."""


def use(name: str) -> None:
    """Let new loops of this process and its children be ``uvloop``'s, or asyncio's own for an empty name.

    Raises HarnessError for other names, and when uvloop is not installed.
    """
    os.environ[_VARIABLE] = name
    if not name:
        asyncio.set_event_loop_policy(PlainPolicy())
        return
    if name != "uvloop":
        raise HarnessError(f"there is no kind of loop called {name!r}: leave it out, or use uvloop")
    try:
        import uvloop
    except ImportError:
        raise HarnessError("this target runs on uvloop, which is not installed here") from None
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())


def use_inherited() -> None:
    """Use what the process that started this one uses."""
    use(os.environ.get(_VARIABLE, ""))
