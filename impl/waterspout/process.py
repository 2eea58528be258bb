"""Several processes for one server, and other programs as subprocesses.

Documentation: ``tornado.process``.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from subprocess import CalledProcessError
from typing import Any, ClassVar

from waterspout._eventloop import running_loop, thread_loop
from waterspout._loggers import gen_log
from waterspout.concurrent import Future
from waterspout.ioloop import IOLoop
from waterspout.iostream import PipeIOStream

__all__ = ["CalledProcessError", "Subprocess", "cpu_count", "fork_processes", "task_id"]

_DEFAULT_RESTARTS = 100

_task_id: int | None = None


def cpu_count() -> int:
    """Return the number of processors of this machine; 1 if the system does not tell.

    Documentation: ``process.cpu_count``.
    """
    return os.cpu_count() or 1


def task_id() -> int | None:
    """Return the number of this process among those of `fork_processes`, from 0; None in any other process.

    Documentation: ``process.task_id``.
    """
    return _task_id


# -- forking


def fork_processes(num_processes: int | None, max_restarts: int | None = None) -> int:
    """Go on in ``num_processes`` children of this process, and return the number of the child, from 0, in each.

    None, or a number below one, means one for each processor.  This process does not return from the call: it looks
    after its children.  One that is killed by a signal, or exits with another status than 0, is started again under
    the same number, up to ``max_restarts`` times for all of them together (100 by default); then the others are
    told to end with SIGTERM, and :exc:`RuntimeError` is raised.  When all have exited with status 0, this process
    exits with 0, too.

    Raises :exc:`RuntimeError` in a child, and when this thread has an event loop: children that share what a loop
    watches would disturb each other.  So, make loops and whatever belongs to one after this call.
    Documentation: ``process.fork_processes``.
    """
    _check_fork()
    count = cpu_count() if num_processes is None or num_processes <= 0 else num_processes
    restarts_left = _DEFAULT_RESTARTS if max_restarts is None else max_restarts
    gen_log.info("Starting %d processes", count)
    children: dict[int, int] = {}
    for number in range(count):
        if _fork(number, children):
            return number
    while children:
        failed = _wait_for_failure(children)
        if failed is None:
            continue
        number, what = failed
        if restarts_left <= 0:
            _end(children)
            raise RuntimeError(f"Too many child restarts, giving up: {what}")
        restarts_left -= 1
        gen_log.warning("%s, restarting", what)
        if _fork(number, children):
            return number
    sys.exit(0)


def _check_fork() -> None:
    if not hasattr(os, "fork"):
        raise RuntimeError("this system cannot fork: start one process for each processor instead")
    if _task_id is not None:
        raise RuntimeError("this process is a child of fork_processes() already")
    if running_loop() is not None:
        raise RuntimeError("an event loop runs in this thread: fork_processes() must come before it starts")
    if thread_loop() is not None:
        raise RuntimeError(
            "this thread has an event loop already: fork_processes() must come before whatever makes one"
        )


def _fork(number: int, children: dict[int, int]) -> bool:
    """Start a child; return True in it, and False in the parent, which enters it into ``children``."""
    global _task_id
    for stream in (sys.stdout, sys.stderr):
        # Else what was printed before would be printed once more by each child.
        with contextlib.suppress(AttributeError, ValueError, OSError):
            stream.flush()
    pid = os.fork()
    if pid:
        children[pid] = number
        return False
    # Random numbers need no care: Python seeds its generator anew in a child.
    _task_id = number
    return True


def _wait_for_failure(children: dict[int, int]) -> tuple[int, str] | None:
    """Wait for the end of a child; return its number and what happened, or None if nothing is wrong."""
    pid, status = os.wait()
    number = children.pop(pid, None)
    if number is None:
        # A child that the program had before.
        return None
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        gen_log.info("child %d (pid %d) exited normally", number, pid)
        return None
    how = f"was killed by signal {-code}" if code < 0 else f"exited with status {code}"
    return number, f"child {number} (pid {pid}) {how}"


def _end(children: dict[int, int]) -> None:
    for pid in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


# -- subprocesses


class Subprocess:
    """A program in a process of its own, whose pipes are streams and whose end can be waited for.

    The arguments are those of :class:`subprocess.Popen`.  ``stdin``, ``stdout`` and ``stderr`` may also be
    `Subprocess.STREAM`: the attribute of that name is a `PipeIOStream` then.  ``proc`` is the Popen object, ``pid``
    the number of the process, ``returncode`` None until its end was noticed by `wait_for_exit` or
    `set_exit_callback`.  Documentation: ``process.Subprocess``.
    """

    STREAM: ClassVar[object] = object()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.io_loop: IOLoop = kwargs.pop("io_loop", None) or IOLoop.current()
        pipes = _Pipes(kwargs)
        try:
            self.proc = subprocess.Popen(*args, **kwargs)
        except BaseException:
            pipes.close()
            raise
        streams = pipes.streams(self.io_loop)
        self.stdin: Any = streams.get("stdin", self.proc.stdin)
        self.stdout: Any = streams.get("stdout", self.proc.stdout)
        self.stderr: Any = streams.get("stderr", self.proc.stderr)
        self.pid = self.proc.pid
        self.returncode: int | None = None
        self._exit_callback: Callable[[int], Any] | None = None
        self._waiters: list[tuple[Future[int], bool]] = []
        self._watching = False

    def set_exit_callback(self, callback: Callable[[int], Any]) -> None:
        """Call ``callback(returncode)`` on the loop when the process has ended, in place of any earlier callback.

        The code is negative, ``-signal``, for a process that a signal ended.
        Documentation: ``process.Subprocess.set_exit_callback``.
        """
        self._exit_callback = callback
        self._watch()

    def wait_for_exit(self, raise_error: bool = True) -> Future[int]:
        """Return a future of the exit code of the process.

        It raises :exc:`CalledProcessError` for another code than 0, unless ``raise_error`` is false.  Cancelling it
        leaves the process alone.  Documentation: ``process.Subprocess.wait_for_exit``.
        """
        future: Future[int] = self.io_loop.asyncio_loop.create_future()
        self._waiters.append((future, raise_error))
        self._watch()
        return future

    def _watch(self) -> None:
        if self.returncode is not None or self.proc.poll() is not None:
            self.io_loop.add_callback(self._on_exit)
        elif not self._watching:
            self._watching = True
            _watch_exit(self.proc, self.io_loop, self._on_exit)

    def _on_exit(self) -> None:
        code = self.returncode = self.proc.wait()
        callback, self._exit_callback = self._exit_callback, None
        waiters, self._waiters = self._waiters, []
        for future, raise_error in waiters:
            if future.done():
                continue
            if code and raise_error:
                future.set_exception(CalledProcessError(code, self.proc.args))
            else:
                future.set_result(code)
        if callback is not None:
            self.io_loop.add_callback(callback, code)

    @classmethod
    def initialize(cls, io_loop: object = None) -> None:
        """Do nothing: the end of a process is noticed without a handler of SIGCHLD, on any loop and thread.

        Documentation: ``process.Subprocess.initialize``.
        """

    @classmethod
    def uninitialize(cls) -> None:
        """Do nothing: there is no handler to take away.  Documentation: ``process.Subprocess.uninitialize``."""


class _Pipes:
    """The pipes behind the arguments of a Subprocess that are STREAM; puts the child's ends in their place."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self._own: dict[str, int] = {}
        self._childs: list[int] = []
        try:
            for name in ("stdin", "stdout", "stderr"):
                if arguments.get(name) is Subprocess.STREAM:
                    reading, writing = os.pipe()
                    own, childs = (writing, reading) if name == "stdin" else (reading, writing)
                    self._own[name] = own
                    self._childs.append(childs)
                    arguments[name] = childs
        except BaseException:
            self.close()
            raise

    def streams(self, io_loop: IOLoop) -> dict[str, PipeIOStream]:
        """Return this side's ends as streams, once the child has the others."""
        self._close(self._childs)
        return {name: PipeIOStream(fd, io_loop=io_loop) for name, fd in self._own.items()}

    def close(self) -> None:
        """Close all ends."""
        self._close([*self._childs, *self._own.values()])

    def _close(self, descriptors: list[int]) -> None:
        for fd in descriptors:
            os.close(fd)


class _ProcessDescriptor:
    """A descriptor that becomes readable when a process ends; closed with this object at the latest."""

    def __init__(self, pid: int) -> None:
        self._fd = os.pidfd_open(pid)

    def fileno(self) -> int:
        return self._fd

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __del__(self) -> None:
        # A loop that is closed drops what it watches.
        if hasattr(self, "_fd"):
            self.close()


def _watch_exit(proc: subprocess.Popen[Any], io_loop: IOLoop, callback: Callable[[], None]) -> None:
    """Call ``callback()`` on the loop when a process has ended."""
    try:
        descriptor = _ProcessDescriptor(proc.pid)
    except (AttributeError, OSError):
        # Not on Linux, or an old one.
        _watch_in_thread(proc, io_loop, callback)
        return

    def ended(fd: object, events: int) -> None:
        io_loop.remove_handler(descriptor)
        descriptor.close()
        callback()

    io_loop.add_handler(descriptor, ended, IOLoop.READ)


def _watch_in_thread(proc: subprocess.Popen[Any], io_loop: IOLoop, callback: Callable[[], None]) -> None:
    def wait() -> None:
        proc.wait()
        io_loop.add_callback(callback)

    threading.Thread(target=wait, name=f"wait-for-{proc.pid}", daemon=True).start()
