"""What a case sees of the server's side: a trace that handlers write, and the framework's log records.

Waiting for an entry takes the place of sleeping; a wait that is in vain is a failure that shows what there was.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from conformance.client import in_time

#: The loggers that programs configure; every implementation of the interface has these names.
LOGGERS = ("tornado.access", "tornado.application", "tornado.general")


def raised(kind: type[BaseException], call: Callable[..., Any], *arguments: Any) -> bool:
    """Return whether ``call(*arguments)`` raises ``kind``; inside a handler a failed check would be lost in the log."""
    try:
        call(*arguments)
    except kind:
        return True
    return False


class Trace(list[Any]):
    """What happened on the server's side, in order. A case waits for an entry instead of sleeping."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = asyncio.Event()

    def add(self, entry: Any) -> None:
        """Append ``entry`` and wake those who wait."""
        self.append(entry)
        self._changed.set()

    async def first(self, count: int) -> list[Any]:
        """Return all entries once there are at least ``count``. Raises AssertionError when they do not come."""
        await in_time(self._until(count), lambda: f"{count} entries of the trace; there were {list(self)}")
        return list(self)

    async def _until(self, count: int) -> None:
        while len(self) < count:
            self._changed.clear()
            await self._changed.wait()


class Logs(logging.Handler):
    """The log records of the framework during a case, from INFO up, in order."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.trace = Trace()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep ``record``."""
        self.trace.add(record)

    def of(self, logger: str) -> list[logging.LogRecord]:
        """Return the records that came from ``logger`` so far."""
        return [record for record in self.trace if record.name == logger]

    async def first(self, logger: str) -> logging.LogRecord:
        """Return the first record of ``logger``, waiting for it. Raises AssertionError when there is none in time."""
        while not self.of(logger):
            await self.trace.first(len(self.trace) + 1)
        return self.of(logger)[0]
