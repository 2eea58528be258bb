"""Which stack contexts are in force: the little that the loop and coroutines must know of them.

Stack contexts are a legacy feature (:mod:`waterspout.stack_context`): a context that a callback is registered in
is entered again around its call. The row of contexts in force is kept in a context variable, because asyncio
carries those with its callbacks, timers and tasks already: a callback sees the row it was registered under
without any work of ours, and each task and thread has its own. Where no context is in force, which is nearly
always, the price is one look at the variable. What contexts do stands in :mod:`waterspout.legacy`; nothing here
needs that package to be loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

_T = TypeVar("_T")
_F = TypeVar("_F", bound=Callable[..., Any])


class StackContextInconsistentError(Exception):
    """A stack context was left in another order than it was entered, mostly by a ``yield`` in its block."""


class Resumable(Protocol):
    """The runner of a coroutine made of a generator."""

    gen: Generator[Any, Any, Any]

    def resume(self, future: Any) -> None:
        """Go on with the outcome of a finished future."""

    def run(self, value: Any = None, error: BaseException | None = None) -> None:
        """Go on with a value or an error."""


class Contexts(Protocol):
    """The stack contexts in force."""

    def wrap(self, callback: Any) -> Any:
        """Return a function that calls the callback inside these contexts."""

    def guard(self, generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """Return a generator like this one, which was started in these contexts."""

    def resumption(self, runner: Resumable) -> Callable[[Any], None]:
        """Return what to call in place of ``runner.resume``. Raises :exc:`StackContextInconsistentError` if the
        generator has put contexts in force since it began, and waits now.
        """


#: The contexts in force; None when there are none.
active: ContextVar[Contexts | None] = ContextVar("waterspout.stack_contexts", default=None)


def carried(callback: _F) -> _F:
    """Return what to call in place of a callback registered now, so that it runs in the contexts in force."""
    contexts = active.get()
    return callback if contexts is None else contexts.wrap(callback)


def detached(function: Callable[..., _T], *args: Any, **kwargs: Any) -> _T:
    """Call a function with no contexts in force, so that what it registers takes none along."""
    contexts = active.get()
    if contexts is None:
        return function(*args, **kwargs)
    active.set(None)
    try:
        return function(*args, **kwargs)
    finally:
        active.set(contexts)


def unbalanced() -> StackContextInconsistentError:
    """Return the error for a coroutine that waits inside the block of a stack context."""
    return StackContextInconsistentError(
        "a yield stands in the with block of a stack context: start a coroutine in it by run_with_stack_context"
    )
