"""Contexts that follow callbacks: the legacy way to handle the errors of work that goes on later.

Inside ``with StackContext(factory):`` every callback that is given to the loop (``add_callback``, ``call_later``
and its kin, ``add_future``, ``add_handler``) and every generator coroutine that is started takes the context
along. It is entered again, by a new context manager from the factory, around the callback and around each
resumption of the generator. An :class:`ExceptionStackContext` has nothing to enter; it is asked about the
exceptions that callbacks end with. Callbacks given to asyncio itself are not wrapped, but what they register
with the loop takes the contexts along. Documentation: ``stack_context`` of releases 1.1 to 5.1.

In native coroutines the block is an ordinary one: the context stays entered over its ``await``. In a generator
coroutine a ``yield`` in the block is refused with :exc:`StackContextInconsistentError`, as it always was: what
the context has changed would stay changed for everybody else meanwhile.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import types
import warnings
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from waterspout._stack_state import Contexts, Resumable, StackContextInconsistentError, active, unbalanced
from waterspout.concurrent import Future, storable

_T = TypeVar("_T")

#: Of an exception handler: called with a ``sys.exc_info()`` triple; true when it has handled the exception.
Handler = Callable[[type[BaseException], BaseException, types.TracebackType | None], Any]

_WRAPPED = "_stack_context_wrapped"


class Link:
    """One context in force, and the links outside it: an immutable row, which ends with None."""

    __slots__ = ("entry", "outer")

    def __init__(self, entry: Entry, outer: Contexts | None) -> None:
        self.entry = entry
        self.outer = outer

    def wrap(self, callback: Any) -> Any:
        """Return a function that calls the callback inside these contexts."""
        return wrap(callback)

    def guard(self, generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """Return a generator like this one, which was started in these contexts."""
        return ContextGenerator(generator, self)

    def resumption(self, runner: Resumable) -> Callable[[Any], None]:
        """Return a function that resumes the runner's generator, which waits now, inside these contexts."""
        if not isinstance(runner.gen, ContextGenerator):
            runner.gen = ContextGenerator(runner.gen, None)
        runner.gen.check(self)
        return functools.partial(_resume, self, runner)


class Entry:
    """What the contexts have in common: the ``with`` block that puts them in force, and being switched off."""

    def __init__(self) -> None:
        self.active = True
        self._entered: list[tuple[Link, Any]] = []

    def enter(self) -> Any:
        """Enter the context itself; return what :meth:`leave` needs."""
        raise NotImplementedError

    def leave(self, entered: Any, *exception: Any) -> Any:
        """Leave the context, with an exception or three times None; return whether that is handled."""
        raise NotImplementedError

    def deactivate(self) -> None:
        """Take the context out of force, also for callbacks that took it along already."""
        self.active = False

    def __enter__(self) -> Callable[[], None]:
        entered = self.enter()
        link = Link(self, active.get())
        active.set(link)
        self._entered.append((link, entered))
        return self.deactivate

    def __exit__(self, *exception: Any) -> Any:
        current = active.get()
        mine = [index for index, (link, _) in enumerate(self._entered) if link is current]
        link, entered = self._entered.pop(mine[-1] if mine else -1)
        active.set(link.outer)
        handled = self.leave(entered, *exception)
        if not mine:
            raise StackContextInconsistentError("stack contexts were left in another order than they were entered")
        return handled


class StackContext(Entry):
    """A context for a block and for everything that is started in it, entered anew for each callback.

    ``context_factory`` is called without arguments and returns a context manager; it is called again for each
    callback. ``with`` gives a function that takes the context out of force. Documentation:
    ``stack_context.StackContext``.
    """

    def __init__(self, context_factory: Callable[[], Any]) -> None:
        warnings.warn(
            "StackContext is deprecated: use coroutines and context variables", DeprecationWarning, stacklevel=2
        )
        super().__init__()
        self.context_factory = context_factory

    def enter(self) -> Any:
        """Make a context manager and enter it."""
        manager = self.context_factory()
        manager.__enter__()
        return manager

    def leave(self, entered: Any, *exception: Any) -> Any:
        """Leave the context manager that :meth:`enter` made."""
        return entered.__exit__(*exception)


class ErrorContext(Entry):
    """An :class:`ExceptionStackContext` for the package's own use, which warns nobody."""

    def __init__(self, exception_handler: Handler) -> None:
        super().__init__()
        self.exception_handler = exception_handler

    def enter(self) -> Any:
        """There is nothing to enter."""

    def leave(self, entered: Any, *exception: Any) -> Any:
        """Ask the handler about an exception, if there is one."""
        return None if exception[0] is None else self.exception_handler(*exception)


class ExceptionStackContext(ErrorContext):
    """A handler for the exceptions of a block and of everything that is started in it.

    ``exception_handler(type, value, traceback)`` is called for each exception; if it returns a true value, the
    exception has been handled, else the contexts outside are asked, and in the end it is logged. With
    ``delay_warning`` the deprecation shows only when there is an exception. Documentation:
    ``stack_context.ExceptionStackContext``.
    """

    def __init__(self, exception_handler: Handler, delay_warning: bool = False) -> None:
        super().__init__(exception_handler)
        self.delay_warning = delay_warning
        if delay_warning:
            caller = sys._getframe(1)
            self._made_at = (caller.f_code.co_filename, caller.f_lineno)
        else:
            warnings.warn(_NO_HANDLERS, DeprecationWarning, stacklevel=2)

    def leave(self, entered: Any, *exception: Any) -> Any:
        """Ask the handler about an exception, if there is one."""
        if self.delay_warning and exception[0] is not None:
            warnings.warn_explicit(_NO_HANDLERS, DeprecationWarning, *self._made_at)
        return super().leave(entered, *exception)


_NO_HANDLERS = "ExceptionStackContext is deprecated: use coroutines and catch their exceptions"


def errors_to(future: Future[Any]) -> ErrorContext:
    """Return a context that makes an exception the outcome of a future, unless that has one."""

    def handle(typ: type[BaseException], value: BaseException, tb: types.TracebackType | None) -> bool:
        if future.done() or not isinstance(value, Exception):
            return False
        future.set_exception(storable(value))
        return True

    return ErrorContext(handle)


class NullContext:
    """A block in which no stack context is in force: for what outlives the work that happens to start it.

    Documentation: ``stack_context.NullContext``.
    """

    def __enter__(self) -> None:
        self._outer = active.get()
        active.set(None)

    def __exit__(self, *exception: object) -> None:
        active.set(self._outer)


def wrap(fn: Any) -> Any:
    """Return a function that calls ``fn`` inside the stack contexts that are in force now, and in no others.

    None is returned as it is, and so is what was wrapped before. If a context handles an exception of ``fn``,
    the call returns None. Libraries use it for callbacks that they do not pass to the loop. Documentation:
    ``stack_context.wrap``.
    """
    if fn is None or getattr(fn, _WRAPPED, False):
        return fn
    contexts = active.get()

    @functools.wraps(fn)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return call_within(contexts, functools.partial(fn, *args, **kwargs))

    setattr(wrapped, _WRAPPED, True)
    return wrapped


def call_within(contexts: Contexts | None, function: Callable[[], _T]) -> _T | None:
    """Call a function with these contexts in force and entered, the outermost first.

    Returns None if one of them has handled an exception.
    """
    before = active.get()
    try:
        with contextlib.ExitStack() as stack:
            active.set(contexts)
            for entry in _entries(contexts):
                if entry.active:
                    stack.push(functools.partial(entry.leave, entry.enter()))
            return function()
        return None
    finally:
        active.set(before)


def _entries(contexts: Contexts | None) -> list[Entry]:
    """Return the contexts in force, the outermost first."""
    entries: list[Entry] = []
    while isinstance(contexts, Link):
        entries.append(contexts.entry)
        contexts = contexts.outer
    return entries[::-1]


def run_with_stack_context(context: Any, func: Callable[[], _T]) -> _T:
    """Call a function inside a context. The way to start a generator coroutine in one: it keeps the ``with`` and
    the ``yield`` apart.

    Documentation: ``stack_context.run_with_stack_context``.
    """
    with context:
        return func()


class ContextGenerator(Generator[Any, Any, Any]):
    """The generator of a coroutine that has to do with stack contexts, and what must be in force when it waits."""

    def __init__(self, generator: Generator[Any, Any, Any], balance: Contexts | None) -> None:
        self.generator = generator
        self.balance = balance
        self._refused = False

    def send(self, value: Any) -> Any:
        """Run to the next ``yield``, with the value of the last one."""
        return self.generator.send(value)

    def throw(self, *error: Any) -> Any:
        """Run to the next ``yield``, with an exception raised at the last one."""
        return self.generator.throw(*error)

    def close(self) -> None:
        """End the generator where it stands."""
        self.generator.close()

    def check(self, contexts: Contexts) -> None:
        """Refuse to wait in a block that has put other contexts in force."""
        if contexts is self.balance:
            return
        if self._refused:
            # It has caught the refusal, and is on its way to do so for ever.
            self.close()
        self._refused = True
        raise unbalanced()


def _resume(contexts: Contexts, runner: Resumable, future: Any) -> None:
    """Go on with a coroutine inside its contexts. If they cannot be entered, that is raised in it."""
    entered: list[bool] = []

    def go() -> None:
        entered.append(True)
        runner.resume(future)

    failure: Exception = StackContextInconsistentError("a stack context has handled the failure of one inside it")
    try:
        call_within(contexts, go)
    except Exception as error:
        if entered:
            raise
        failure = error
    if not entered:
        runner.run(None, failure)
