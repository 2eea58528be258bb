"""The event loop: a facade on an asyncio loop, under the names that programs know from Tornado.

There is one :class:`IOLoop` for each asyncio loop, found with :meth:`IOLoop.current`, and it adds no loop of
its own: timers, callbacks and descriptors go straight to asyncio, so both interfaces may be mixed freely, on
any loop that follows asyncio's interface. What the facade adds is the treatment of callbacks: they may be
coroutines, and whatever they raise is logged instead of lost. Documentation: ``tornado.ioloop``.

A loop made here is uvloop's where that is installed and neither an event loop policy nor the environment
variable ``WATERSPOUT_LOOP`` (``asyncio`` or ``uvloop``) says otherwise. Programs that start with
``asyncio.run()`` get whatever asyncio gives them.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import datetime
import functools
import math
import time
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from waterspout import _descriptors
from waterspout._descriptors import WatchedDescriptors
from waterspout._eventloop import (
    attach,
    current_loop,
    facade_of,
    new_loop,
    running_loop,
    seconds_until,
    this_process,
    thread_loop,
    unwrapped,
    woken_by_signals,
)
from waterspout._legacy_loop import LegacyLoop
from waterspout._periodic import PeriodicCallback
from waterspout._selector_thread import Descriptor, number_of
from waterspout._stack_state import carried, detached
from waterspout.concurrent import Future, is_future, storable
from waterspout.gen import BadYieldError, as_future, convert_yielded, moment
from waterspout.util import Configurable, TimeoutError

__all__ = [
    "AsyncIOLoop",
    "AsyncIOMainLoop",
    "BaseAsyncIOLoop",
    "IOLoop",
    "PeriodicCallback",
    "PollIOLoop",
    "TimeoutError",
]

_T = TypeVar("_T")


class IOLoop(LegacyLoop, Configurable):
    """An event loop.

    Constructing one makes a new asyncio loop and its facade; mostly, use :meth:`current` instead. A loop
    belongs to the thread that runs it, and to the process that made it: of its methods only
    :meth:`add_callback` may be called from other threads, and in a forked child all of them raise
    :exc:`RuntimeError`; there, :meth:`current` makes a new loop.

    Documentation: ``ioloop.IOLoop``.
    """

    NONE = 0
    READ = _descriptors.READ
    WRITE = _descriptors.WRITE
    ERROR = _descriptors.ERROR

    asyncio_loop: asyncio.AbstractEventLoop
    _watched: WatchedDescriptors
    _process: object
    #: Whether the loop is running a callback given to this class.
    _in_callback = False
    #: The thread's loop before this one was made current.
    _previous: asyncio.AbstractEventLoop | None = None

    @classmethod
    def configurable_base(cls) -> type[Configurable]:
        """Return the class that stands for the interface."""
        return IOLoop

    @classmethod
    def configurable_default(cls) -> type[Configurable]:
        """Return the class that constructing :class:`IOLoop` makes an instance of."""
        return AsyncIOLoop

    def initialize(self, make_current: bool = True) -> None:
        """Make the new loop the thread's current one, if asked to."""
        if make_current:
            self._make_current()

    # -- which loop

    @staticmethod
    def current(instance: bool = True) -> Any:
        """Return the facade of the running loop, else of this thread's loop.

        Where there is none yet, one is made, or with ``instance=False`` None is returned.
        Documentation: ``ioloop.IOLoop.current``.
        """
        loop = current_loop() if instance else thread_loop()
        if loop is None:
            return None
        facade = facade_of(loop)
        return AsyncIOMainLoop(loop) if facade is None and instance else facade

    @staticmethod
    def instance() -> IOLoop:
        """Return :meth:`current`. An older name; once it meant one loop for all threads."""
        loop: IOLoop = IOLoop.current()
        return loop

    def install(self) -> None:
        """Make this loop the current one. An older name of :meth:`make_current`."""
        self.make_current()

    @staticmethod
    def clear_instance() -> None:
        """Forget the current loop. An older name of :meth:`clear_current`."""
        IOLoop.clear_current()

    def make_current(self) -> None:
        """Make this the loop of the calling thread. Deprecated: a loop becomes current by running."""
        warnings.warn("a loop becomes current when it runs: omit make_current()", DeprecationWarning, stacklevel=2)
        self._make_current()

    def _make_current(self) -> None:
        previous = thread_loop()
        if previous is not self.asyncio_loop:
            self._previous = previous
        asyncio.set_event_loop(self.asyncio_loop)

    @staticmethod
    def clear_current() -> None:
        """Forget the loop of the calling thread, and go back to the one before it. Deprecated."""
        warnings.warn("a loop is current while it runs: omit clear_current()", DeprecationWarning, stacklevel=2)
        facade: IOLoop | None = IOLoop.current(instance=False)
        if facade is not None:
            facade._clear_current()

    def _clear_current(self) -> None:
        if thread_loop() is self.asyncio_loop:
            previous = self._previous
            asyncio.set_event_loop(None if previous is None or previous.is_closed() else previous)

    # -- running

    def start(self) -> None:
        """Run until :meth:`stop`.

        Raises :exc:`RuntimeError` if this loop runs already, or another one in this thread.
        """
        loop = self._open_loop()
        if loop.is_running() or running_loop() is not None:
            raise RuntimeError("a loop runs here already, and a thread runs one at a time: start() is not needed")
        self._in_start = True
        if self._watchdog is not None:
            self._watchdog.begin()
        try:
            with woken_by_signals(loop):
                loop.run_forever()
        finally:
            self._in_start = False
            if self._watchdog is not None:
                self._watchdog.rest()

    def stop(self) -> None:
        """Make :meth:`start` return after the current turn; called before it, :meth:`start` makes one turn
        only.
        """
        self.asyncio_loop.stop()

    def run_sync(self, func: Callable[[], Any], timeout: float | None = None) -> Any:
        """Start the loop, run a function or coroutine function to its end, stop the loop and return the
        result.

        Raises what the function raises; :exc:`TimeoutError` if it takes longer than ``timeout`` seconds (it
        is cancelled then); :exc:`RuntimeError` if the loop is stopped before. Documentation:
        ``ioloop.IOLoop.run_sync``.
        """
        loop = self._open_loop()
        if running_loop() is not None or loop.is_running():
            raise RuntimeError("run_sync starts the loop, but one is running already: await the coroutine instead")
        started: list[Future[Any]] = []
        expired = False

        def begin() -> None:
            try:
                future = as_future(func())
            except Exception as error:
                future = loop.create_future()
                future.set_exception(storable(error))
            started.append(future)
            future.add_done_callback(finish)

        def finish(_: object) -> None:
            self.stop()

        def expire() -> None:
            nonlocal expired
            expired = True
            started[0].cancel()

        # A busy machine may let the time pass before the first turn, whose timers uvloop runs before what is ready. Two
        # turns on, ``begin`` has run and so has the coroutine's first step: what is cancelled has always begun.
        timer = None if timeout is None else self.call_later(timeout, loop.call_soon, loop.call_soon, expire)
        loop.call_soon(begin)
        try:
            self.start()
        finally:
            if timer is not None:
                timer.cancel()
            for future in started:
                # Else it would stop a later run of the loop.
                future.remove_done_callback(finish)
        return _result_of_run(started, timeout if expired else None)

    # -- callbacks

    def add_callback(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Call a function or coroutine function in the next turn of the loop.

        May be called from any thread, in a handler of :mod:`signal`, and on a closed loop, where it does
        nothing: who sends from another thread cannot know. Exceptions are logged.
        Documentation: ``ioloop.IOLoop.add_callback``.
        """
        self._check_process()
        loop = self.asyncio_loop
        # Waking the loop costs a write to a socket. A caller inside a callback need not pay it; but it is not
        # enough to be in the loop's thread: a signal may interrupt the loop just as it goes to sleep.
        awake = running_loop() is loop and (self._in_callback or asyncio.current_task(loop) is not None)
        schedule = loop.call_soon if awake else loop.call_soon_threadsafe
        try:
            schedule(self._run_callback, functools.partial(carried(callback), *args, **kwargs))
        except RuntimeError:
            if not loop.is_closed():
                raise

    def add_callback_from_signal(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Call a function in the next turn of the loop. Deprecated: :meth:`add_callback` may be called in
        handlers of signals, too.
        """
        warnings.warn("use asyncio's loop.add_signal_handler instead", DeprecationWarning, stacklevel=2)
        detached(self.add_callback, callback, *args, **kwargs)

    def spawn_callback(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Run a function or coroutine function in the background, outside of the caller's stack contexts.

        Otherwise the same as :meth:`add_callback`.
        """
        detached(self.add_callback, callback, *args, **kwargs)

    def add_future(self, future: Any, callback: Callable[[Any], Any]) -> None:
        """Call ``callback(future)`` in a turn of the loop after the future is done, never at once.

        The future may be one of ``concurrent.futures``. Raises :exc:`TypeError` for other things.
        """
        self._check_process()
        if not is_future(future):
            raise TypeError(f"add_future waits for futures, not for {future!r}: give it convert_yielded() of that")
        callback = carried(callback)
        if isinstance(future, asyncio.Future) and future.get_loop() is self.asyncio_loop:
            future.add_done_callback(lambda done: self._run_callback(functools.partial(callback, done)))
        else:
            future.add_done_callback(functools.partial(self.add_callback, callback))

    def _run_callback(self, callback: Callable[[], Any]) -> None:
        self._in_callback = True
        try:
            result = callback()
            if result is not None:
                self._look_after(callback, result)
        except asyncio.CancelledError:
            return
        except Exception:
            self.handle_callback_exception(callback)
        finally:
            self._in_callback = False

    def _look_after(self, callback: Callable[[], Any], result: Any) -> None:
        """Let what a callback has returned run to its end, if it is something that runs."""
        try:
            future = convert_yielded(result)
        except BadYieldError:
            return
        if future is not moment:
            future.add_done_callback(functools.partial(self._report_failure, callback))

    def _report_failure(self, callback: Callable[[], Any], future: Future[Any]) -> None:
        # What is no Exception ends the program: asyncio lets it through by itself.
        if future.cancelled() or not isinstance(future.exception(), Exception):
            return
        try:
            future.result()
        except Exception:
            self.handle_callback_exception(callback)

    # -- timers

    def time(self) -> float:
        """Return the time on the scale of the loop's deadlines, which is that of :func:`time.time`."""
        return time.time()

    def add_timeout(
        self, deadline: float | datetime.timedelta, callback: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> asyncio.TimerHandle:
        """Call a function at a time on the scale of :meth:`time`, or after a span; at once if that is past.

        Returns a handle for :meth:`remove_timeout`. Not safe to call from another thread. Raises
        :exc:`TypeError` for deadlines of other types, :exc:`ValueError` for NaN and infinity.
        Documentation: ``ioloop.IOLoop.add_timeout``.
        """
        return self._set_timer(seconds_until(deadline, self.time()), callback, args, kwargs)

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> asyncio.TimerHandle:
        """Call a function after a number of seconds; otherwise like :meth:`add_timeout`."""
        return self._set_timer(delay, callback, args, kwargs)

    def call_at(self, when: float, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> asyncio.TimerHandle:
        """Call a function at a time on the scale of :meth:`time`; otherwise like :meth:`add_timeout`."""
        return self._set_timer(seconds_until(when, self.time()), callback, args, kwargs)

    def _set_timer(
        self, delay: float, callback: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> asyncio.TimerHandle:
        try:
            finite = math.isfinite(delay)
        except TypeError:
            raise TypeError(f"a delay is a number of seconds, not {delay!r}: add_timeout() takes timedeltas") from None
        if not finite:
            raise ValueError(f"a timer needs a number of seconds, not {delay}: for one that never fires, set none")
        call = functools.partial(carried(callback), *args, **kwargs)
        return self._open_loop().call_later(max(0, delay), self._run_callback, call)

    def remove_timeout(self, timeout: Any) -> None:
        """Cancel a timer, given its handle. One that has fired or was cancelled is left alone."""
        timeout.cancel()

    # -- descriptors

    def add_handler(self, fd: Descriptor, handler: Callable[..., Any], events: int) -> None:
        """Call ``handler(fd, events)`` whenever a descriptor, or an object with ``fileno()``, is ready.

        ``events`` is a sum of :attr:`READ` and :attr:`WRITE`. Raises :exc:`ValueError` if it has a handler
        already. Documentation: ``ioloop.IOLoop.add_handler``.
        """
        self._open_loop()
        self._watched.add(fd, carried(handler), events)

    def update_handler(self, fd: Descriptor, events: int) -> None:
        """Change the events to watch a descriptor for. Raises :exc:`ValueError` if it has no handler."""
        self._open_loop()
        self._watched.update(fd, events)

    def remove_handler(self, fd: Descriptor) -> None:
        """Stop watching a descriptor, if it is watched."""
        self._check_process()
        self._watched.remove(fd)

    def split_fd(self, fd: Descriptor) -> tuple[int, Descriptor]:
        """Return the number of a descriptor, and the descriptor as it was given."""
        return number_of(fd), fd

    def close_fd(self, fd: Descriptor) -> None:
        """Close a descriptor given as a number or as an object."""
        _descriptors.close_descriptor(fd)

    def close(self, all_fds: bool = False) -> None:
        """Close the loop, and with ``all_fds`` every descriptor that has a handler.

        Closing twice is harmless, and so is closing the copy of a loop in a forked child.

        Raises :exc:`RuntimeError` while the loop runs.
        """
        if self._process is not this_process():
            return
        if self.asyncio_loop.is_running():
            raise RuntimeError("stop the loop and let start() return before closing it")
        for fd in self._watched.close():
            if all_fds:
                self.close_fd(fd)
        self.set_blocking_signal_threshold(None, None)
        self._clear_current()
        self._close_asyncio_loop()

    def _close_asyncio_loop(self) -> None:
        self.asyncio_loop.close()

    def _check_process(self) -> None:
        if self._process is not this_process():
            raise RuntimeError(
                "this loop belongs to the process that forked this one: IOLoop.current() makes a loop here, or fork "
                "before there is a loop"
            )

    def _open_loop(self) -> asyncio.AbstractEventLoop:
        """Return the asyncio loop. Raises RuntimeError for one that is closed or of another process."""
        self._check_process()
        if self.asyncio_loop.is_closed():
            raise RuntimeError("this loop is closed: IOLoop.current() gives one that is open, IOLoop() a new one")
        return self.asyncio_loop

    # -- threads

    def run_in_executor(
        self, executor: concurrent.futures.Executor | None, func: Callable[..., _T], *args: Any
    ) -> Future[_T]:
        """Call a function on an executor, or on the default one for None, and return a future of its result.

        Documentation: ``ioloop.IOLoop.run_in_executor``.
        """
        return self._open_loop().run_in_executor(executor, _call_for_future, func, args)

    def set_default_executor(self, executor: concurrent.futures.Executor) -> None:
        """Set the executor that :meth:`run_in_executor` uses for None: a ThreadPoolExecutor."""
        self._open_loop().set_default_executor(executor)


class BaseAsyncIOLoop(IOLoop):
    """The facade of a given asyncio loop. Documentation: ``platform.asyncio``."""

    _close_loop = True

    def initialize(  # type: ignore[override]
        self, asyncio_loop: asyncio.AbstractEventLoop, make_current: bool = False, close_loop: bool = True
    ) -> None:
        """Attach to the asyncio loop. Raises :exc:`RuntimeError` if it has a facade already.

        With ``close_loop=False``, an argument of older releases, :meth:`close` leaves the asyncio loop open.
        """
        self._given_loop = asyncio_loop
        asyncio_loop = unwrapped(asyncio_loop)
        if facade_of(asyncio_loop) is not None:
            raise RuntimeError(f"{asyncio_loop!r} has its IOLoop already: IOLoop.current() inside it returns that")
        self.asyncio_loop = asyncio_loop
        self._close_loop = close_loop
        self._process = this_process()
        self._watched = WatchedDescriptors(self._given_loop, self.handle_callback_exception)
        attach(self, asyncio_loop)
        super().initialize(make_current)

    def _close_asyncio_loop(self) -> None:
        if self._close_loop:
            self._given_loop.close()


class AsyncIOLoop(BaseAsyncIOLoop):
    """An event loop on a new asyncio loop."""

    def initialize(  # type: ignore[override]
        self, asyncio_loop: asyncio.AbstractEventLoop | None = None, make_current: bool = True, **kwargs: Any
    ) -> None:
        """Make an asyncio loop, or take the given one, and attach to it."""
        super().initialize(asyncio_loop or new_loop(), make_current, **kwargs)


class AsyncIOMainLoop(BaseAsyncIOLoop):
    """An event loop on the asyncio loop that the thread has already."""

    def initialize(  # type: ignore[override]
        self, asyncio_loop: asyncio.AbstractEventLoop | None = None, make_current: bool = False, **kwargs: Any
    ) -> None:
        """Attach to the given asyncio loop, or to the thread's."""
        super().initialize(asyncio_loop or current_loop(), make_current, **kwargs)


class PollIOLoop(AsyncIOLoop):
    """The loop of releases before 5.0, which could be given another clock for its deadlines.

    Documentation: ``ioloop.IOLoop``, releases 3.0 to 4.5.
    """

    def initialize(  # type: ignore[override]
        self, impl: None = None, time_func: Callable[[], float] | None = None, **kwargs: Any
    ) -> None:
        """Make a loop whose :meth:`time` is that of ``time_func``, by default :func:`time.time`.

        Raises :exc:`TypeError` for ``impl``, a poller of its own: asyncio has it now.
        """
        if impl is not None:
            raise TypeError("a loop waits by asyncio and takes no poller: give asyncio_loop= one with its own selector")
        self.time_func = time_func or time.time
        super().initialize(**kwargs)

    def time(self) -> float:
        """Return the time on the scale of the loop's deadlines."""
        return self.time_func()


def _result_of_run(started: list[Future[Any]], expired_after: float | None) -> Any:
    """Return or raise what :meth:`IOLoop.run_sync` ends with."""
    if not started or not started[0].done():
        raise RuntimeError("the loop was stopped before the function given to run_sync was done")
    future = started[0]
    if not future.cancelled():
        return future.result()
    if expired_after is not None:
        try:
            future.result()
        except asyncio.CancelledError as place:
            # Its traceback shows what the coroutine waited for.
            raise TimeoutError(f"run_sync: not done after {expired_after} seconds") from place
    raise RuntimeError("the function given to run_sync was cancelled from inside")


def _call_for_future(func: Callable[..., _T], args: tuple[Any, ...]) -> _T:
    """Call a function whose outcome goes into a future."""
    try:
        return func(*args)
    except StopIteration as error:
        # No future can hold it: whoever waits would wait for ever.
        raise storable(error) from error
