"""Tracebacks for the report: the case's own lines in full, the target's by file and line alone.

Whoever reads a report wants to know where in the target a case failed, not to read the target's source there; and
people who work on a clean-room implementation of another target must not.
"""

from __future__ import annotations

import re
import traceback
from types import TracebackType

from conformance.paths import BOOK

_FRAME = re.compile(r'^\s*File "(?P<file>[^"]+)", line \d+')


def rendered(error: BaseException) -> str:
    """Return the traceback of ``error`` with its causes, without source lines of files outside the book."""
    text = "".join(traceback.format_exception(type(error), error, _from_the_case_on(error.__traceback__)))
    return without_foreign_source(text)


def without_foreign_source(text: str) -> str:
    """Return ``text`` without the source lines that tracebacks in it show of files outside the book."""
    kept: list[str] = []
    foreign = False
    for line in text.split("\n"):
        frame = _FRAME.match(line)
        if frame is not None:
            foreign = not _is_ours(frame["file"])
            kept.append(line)
        elif not (foreign and line.startswith("    ")):
            foreign = False
            kept.append(line)
    return "\n".join(kept)


def _is_ours(file: str) -> bool:
    return file.startswith(str(BOOK)) and "site-packages" not in file


def _from_the_case_on(trace: TracebackType | None) -> TracebackType | None:
    """Leave out the frames of pytest and of the suite's runner that stand above the case."""
    start = trace
    while start is not None and not start.tb_frame.f_code.co_name.startswith("test_"):
        start = start.tb_next
    return start or trace
