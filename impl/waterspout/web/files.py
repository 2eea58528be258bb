"""Paths of files, and calling what may wait for a disk."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def is_below(path: str, directory: str) -> bool:
    """Whether ``path`` is ``directory`` or in it; both are absolute."""
    return path == directory or path.startswith(directory.rstrip(os.path.sep) + os.path.sep)


def mode_of(path: str) -> int | None:
    """Return type and permissions of a file, or None if there is none, or none can have that name."""
    try:
        return os.stat(path).st_mode
    except (OSError, ValueError):
        # ValueError: a name with a zero octet.
        return None


def leads_into(path: str, *directories: str | None) -> bool:
    """Whether ``path``, with its symbolic links followed, is in one of ``directories``."""
    real = os.path.realpath(path)
    return any(is_below(real, os.path.realpath(directory)) for directory in directories if directory is not None)


async def in_thread(call: Callable[[], _T]) -> _T:
    """Return what ``call`` returns, called in a thread.  Cancelling leaves it running there."""
    return await asyncio.get_running_loop().run_in_executor(None, call)
