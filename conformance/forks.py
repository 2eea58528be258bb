"""Functions in processes of their own, for cases on how processes multiply: ``outcome = forked(body)``.

The function runs in a child of the suite's process, which costs a millisecond where an interpreter of its own would
cost a second. What it forks writes to the same pipe; when all have ended, or the time is up, the case sees what they
said.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

#: Seconds until the last process must have ended.
SECONDS = 8.0

Say = Callable[..., None]


class Outcome(NamedTuple):
    """How the process that ran the function ended, and what it and its children said, sorted."""

    status: int
    said: list[str]


def forked(body: Callable[[Say], Any]) -> Outcome:
    """Call ``body(say)`` in a new process; ``say(*words)`` there, and in what it forks, makes a line of the outcome.

    Raises AssertionError when a process has not ended in time; all of them are gone then, too.
    """
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # The workers of pytest-xdist have other threads; the child needs none of what they may hold.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        os.close(reading)
        os._exit(_run(body, writing))
    os.close(writing)
    try:
        said = _read_all(reading)
        _, status = os.waitpid(pid, 0)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
    finally:
        os.close(reading)
    return Outcome(os.waitstatus_to_exitcode(status), sorted(said.splitlines()))


def _run(body: Callable[[Say], Any], writing: int) -> int:
    def say(*words: Any) -> None:
        # In one piece, so that lines of several processes do not mix.
        os.write(writing, (" ".join(map(str, words)) + "\n").encode())

    # For the end: all of them can be reached by the number of this one.
    os.setpgid(0, 0)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - until the process ends
    try:
        body(say)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        say(traceback.format_exc())
        return 1
    return 0


def _read_all(reading: int) -> str:
    deadline = time.monotonic() + SECONDS
    said = b""
    while True:
        ready, _, _ = select.select([reading], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise AssertionError(f"the processes did not end within {SECONDS:g} s; they said {said.decode()!r}")
        data = os.read(reading, 65536)
        if not data:
            return said.decode()
        said += data
