"""Versions of files: hashes of their contents, remembered for as long as the files stay as they are."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass

# What changes with a file, and can be had without reading it.
_State = tuple[int, int, int]


@dataclass(frozen=True)
class _Known:
    state: _State
    version: str | None


class VersionCache:
    """The versions of at most as many files as asked for; those known longest are forgotten first.

    May be used from several threads.
    """

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._lock = threading.Lock()

    def known(self, path: str) -> bool:
        """Whether the version of ``path`` can be had without reading the file."""
        known = self._known.get(path)
        return known is not None and known.state == _state(path)

    def get(self, path: str, compute: Callable[[str], str | None], limit: int) -> str | None:
        """Return the version of ``path``, by ``compute(path)`` if it is not known; None for a missing file."""
        state = _state(path)
        if state is None:
            return None
        known = self._known.get(path)
        if known is not None and known.state == state:
            return known.version
        version = compute(path)
        with self._lock:
            self._known.pop(path, None)
            self._known[path] = _Known(state, version)
            while len(self._known) > limit:
                del self._known[next(iter(self._known))]
        return version

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._known.clear()


def _state(path: str) -> _State | None:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
