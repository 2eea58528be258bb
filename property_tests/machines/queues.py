"""Queues beside their model."""

from __future__ import annotations

from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from property_tests.machines.driving import SPANS, STYLES, WaitingMachine
from property_tests.models.queues import QueueModel
from property_tests.models.waits import Style, Wait

ITEMS = st.integers(0, 9)


class QueueMachine(WaitingMachine):
    """A Queue."""

    kind: ClassVar[str] = "Queue"
    model: QueueModel
    real: Any

    @initialize(maxsize=st.sampled_from([0, 1, 2, 3]))
    def make(self, maxsize: int) -> None:
        """Make the queue."""
        self.model = QueueModel(self.kind, maxsize, self.differences)
        self.real = getattr(self.module("queues"), self.kind)(maxsize=maxsize)

    @rule(item=ITEMS, style=STYLES, span=SPANS)
    def put(self, item: int, style: Style, span: float | None) -> None:
        """Begin a put()."""
        self.begin(style, span, lambda timeout: self.real.put(item, timeout), self.model.put, brought=item)

    @rule(style=STYLES, span=SPANS)
    def get(self, style: Style, span: float | None) -> None:
        """Begin a get()."""
        self.begin(style, span, lambda timeout: self.real.get(timeout=timeout), self.model.get)

    @rule()
    def iterate(self) -> None:
        """Begin to iterate, for one item."""

        async def first() -> Any:
            async for item in self.real:
                return item

        self.step()
        self.start(Wait(Style.COROUTINE, None), first, self.model.get)

    @rule(style=STYLES, span=SPANS)
    def join(self, style: Style, span: float | None) -> None:
        """Begin a join()."""
        self.begin(style, span, lambda timeout: self.real.join(timeout), self.model.join)

    @rule(item=ITEMS)
    def put_nowait(self, item: int) -> None:
        """Put an item in at once."""
        self.same(lambda: self.real.put_nowait(item), lambda: self.model.put_nowait(item))

    @rule()
    def get_nowait(self) -> None:
        """Take an item out at once."""
        self.same(self.real.get_nowait, self.model.get_nowait)

    @rule()
    def task_done(self) -> None:
        """Finish a task."""
        self.same(self.real.task_done, self.model.task_done)

    def compare_subject(self) -> None:
        """Compare the sizes."""
        real, model = self.real, self.model
        got = (real.qsize(), real.empty(), real.full(), real.maxsize)
        expected = (len(model.items), not model.items, model.full(), model.maxsize)
        assert got == expected, f"the sizes are {got}, the model says {expected}"


class PriorityQueueMachine(QueueMachine):
    """A PriorityQueue."""

    kind = "PriorityQueue"


class LifoQueueMachine(QueueMachine):
    """A LifoQueue."""

    kind = "LifoQueue"
