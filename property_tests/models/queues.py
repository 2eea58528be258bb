"""A model of the queues."""

from __future__ import annotations

import bisect
from itertools import count

from property_tests.models.waits import Differences, Wait, Waiting

#: An item with its place in the order in which items came in.
Placed = tuple[int, int]


class QueueModel(Waiting):
    """A queue of numbers: "Queue", "PriorityQueue" or "LifoQueue". Calls return what they raise or give."""

    def __init__(self, kind: str, maxsize: int, differences: Differences) -> None:
        super().__init__(differences, lines=3)
        self.getters, self.putters, self.joiners = self.lines
        self.joiners.all_together = True
        self.kind = kind
        self.maxsize = maxsize
        self.items: list[Placed] = []  # in the order in which they came in
        self.unfinished = 0
        self._places = count()

    def full(self) -> bool:
        """Whether there is no room."""
        return 0 < self.maxsize <= len(self.items)

    def put(self, wait: Wait) -> None:
        """Begin a put() of ``wait.brought``."""
        if self.full():
            self.enter(self.putters, wait)
        else:
            self._come_in(wait.brought)
            self.give(wait, None)

    def put_nowait(self, item: int) -> str | None:
        """Put an item in, if there is room."""
        if self.full():
            return "QueueFull"
        self._come_in(item)
        return None

    def get(self, wait: Wait) -> None:
        """Begin a get()."""
        if self.items:
            self.give(wait, self._take())
        else:
            self.enter(self.getters, wait)

    def get_nowait(self) -> str | int:
        """Take an item out, if there is one."""
        return self._take()[1] if self.items else "QueueEmpty"

    def join(self, wait: Wait) -> None:
        """Begin a join()."""
        if self.unfinished:
            self.enter(self.joiners, wait)
        else:
            self.give(wait, None)

    def task_done(self) -> str | None:
        """Finish a task."""
        if not self.unfinished:
            return "ValueError"
        self.unfinished -= 1
        while not self.unfinished and self.serve(self.joiners, None):
            pass
        return None

    def shown(self, gift: Placed | None) -> int | None:
        """An item without its place."""
        return None if gift is None else gift[1]

    def take_back(self, gift: Placed | None) -> None:
        """Give an item to the next consumer, or put it where it was."""
        if gift is not None and not self.serve(self.getters, gift):
            bisect.insort(self.items, gift)

    def _come_in(self, item: int) -> None:
        self.unfinished += 1
        placed = (next(self._places), item)
        if not self.serve(self.getters, placed):
            self.items.append(placed)

    def _take(self) -> Placed:
        """Take an item out; one that waits for the room comes in before."""
        if self.putters.waits and len(self.items) <= self.maxsize:
            item = self.putters.waits[0].brought
            self.serve(self.putters, None)
            self._come_in(item)
        by_value = sorted(self.items, key=lambda placed: placed[1])
        first = {"Queue": self.items[0], "PriorityQueue": by_value[0], "LifoQueue": self.items[-1]}[self.kind]
        self.items.remove(first)
        return first
