"""Saboteurs of the chapter on queues in other orders."""

from __future__ import annotations

import contextlib
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.queues import change_maxsize


@saboteur(
    "other-orders-have-no-bound",
    "PriorityQueue and LifoQueue ignore their maximum size.",
    chapters="core.orders",
    kills="queues.other-orders.wait-like-queues",
)
def _unbounded_orders(ref: Patches) -> None:
    change_maxsize(ref, lambda maxsize: 0, ref.queues.PriorityQueue, ref.queues.LifoQueue)


@saboteur(
    "priority-queue-in-order-of-arrival",
    "A PriorityQueue gives its items in the order in which they came.",
    chapters="core.orders",
    kills="queues.priority-queue.lowest-first",
)
def _no_priority(ref: Patches) -> None:
    ref.replace(ref.queues, "PriorityQueue", ref.queues.Queue)


@saboteur(
    "lifo-queue-in-order-of-arrival",
    "A LifoQueue gives its items in the order in which they came.",
    chapters="core.orders",
    kills=("queues.lifo-queue.last-first", "queues.other-orders.producer-first"),
)
def _no_stack(ref: Patches) -> None:
    ref.replace(ref.queues, "LifoQueue", ref.queues.Queue)


@saboteur(
    "priority-queue-swallows-incomparable",
    "A PriorityQueue drops what it cannot compare, without a word.",
    chapters="core.orders",
    kills="queues.priority-queue.incomparable",
)
def _swallow(ref: Patches) -> None:
    original = ref.queues.PriorityQueue.put_nowait

    def put_nowait(self: Any, item: Any) -> None:
        with contextlib.suppress(TypeError):
            original(self, item)

    ref.replace(ref.queues.PriorityQueue, "put_nowait", put_nowait)


@saboteur(
    "queue-ignores-overrides",
    "A Queue keeps its items in its own container, whatever a subclass overrides.",
    chapters="core.orders",
    kills="queues.other-orders.subclasses",
)
def _ignore_overrides(ref: Patches) -> None:
    queue = ref.queues.Queue
    original = queue.__init__

    def lying(self: Any, maxsize: Any = 0) -> None:
        for name in ("_init", "_put", "_get"):
            setattr(self, name, getattr(queue, name).__get__(self))
        original(self, maxsize)

    ref.replace(queue, "__init__", lying)
