"""A bound on how many do something at a time; the others wait in line."""

from __future__ import annotations

import asyncio
from collections import deque


class Places:
    """``number`` of places, None for as many as are wanted.  ``taken`` is how many are."""

    def __init__(self, number: int | None) -> None:
        self._number = number
        self.taken = 0
        self.queue: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> None:
        """Take a place, or wait for one.  Cancelling gives up the place in the line."""
        if self._number is None or self.taken < self._number:
            self.taken += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()
            elif turn in self.queue:
                self.queue.remove(turn)
            raise

    def leave(self) -> None:
        """Give the place to the first in the line, or up."""
        while self.queue:
            turn = self.queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.taken -= 1
