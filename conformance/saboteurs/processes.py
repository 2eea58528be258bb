"""Saboteurs of the chapter on processes.

Programs that fork run in child processes, which tell the same lie (see conformance.programs).
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import random
import signal
import subprocess
import threading
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around


def process_lie(name: str, lie: str, *kills: str) -> Callable[[Callable[[Patches], None]], Callable[[Patches], None]]:
    """Register a saboteur of this chapter."""
    return saboteur(name, lie, chapters="core.processes", kills=kills)


def forking(ref: Patches, lie: Callable[..., Any]) -> None:
    """Answer calls of fork_processes with ``lie(original, number, max_restarts)``."""
    original = ref.process.fork_processes

    @functools.wraps(original)
    def fork_processes(num_processes: Any, max_restarts: Any = None) -> Any:
        return lie(original, num_processes, max_restarts)

    ref.replace(ref.process, "fork_processes", fork_processes)


# -- forking ----------------------------------------------------------------------------------------------------------


@process_lie("fork-counts-from-one", "The children are numbered from 1.", "process.fork.numbered-children")
def _(ref: Patches) -> None:
    forking(ref, lambda original, number, restarts: original(number, restarts) + 1)


@process_lie("fork-parent-returns", "fork_processes() returns in the parent, too.", "process.fork.parent-exits")
def _(ref: Patches) -> None:
    def lie(original: Any, number: Any, restarts: Any) -> Any:
        try:
            return original(number, restarts)
        except SystemExit:
            return None

    forking(ref, lie)


@process_lie("fork-none-is-one", "No number means one child.", "process.fork.one-for-each-processor")
def _(ref: Patches) -> None:
    forking(ref, lambda original, number, restarts: original(number if number and number > 0 else 1, restarts))


@process_lie("cpu-count-one-more", "cpu_count() is one too many.", "process.cpu-count.processors")
def _(ref: Patches) -> None:
    original = ref.process.cpu_count
    ref.replace(ref.process, "cpu_count", lambda: original() + 1)


@process_lie("task-id-zero", "task_id() is 0 where there is none.", "process.task-id.none")
def _(ref: Patches) -> None:
    original = ref.process.task_id
    ref.replace(ref.process, "task_id", lambda: original() or 0)


@process_lie("fork-never-restarts", "No child is started again.", "process.fork.restarts", "process.fork.max-restarts")
def _(ref: Patches) -> None:
    forking(ref, lambda original, number, restarts: original(number, 0))


@process_lie("fork-always-restarts", "max_restarts is ignored.", "process.fork.max-restarts")
def _(ref: Patches) -> None:
    forking(ref, lambda original, number, restarts: original(number))


@process_lie("fork-ten-restarts", "There are ten restarts by default.", "process.fork.hundred-restarts")
def _(ref: Patches) -> None:
    forking(ref, lambda original, number, restarts: original(number, 10 if restarts is None else restarts))


@process_lie("fork-with-a-loop", "A loop that is there already is no error.", "process.fork.after-the-loop-began")
def _(ref: Patches) -> None:
    def lie(original: Any, number: Any, restarts: Any) -> Any:
        try:
            return original(number, restarts)
        except RuntimeError:
            return 0

    forking(ref, lie)


@process_lie("fork-silent", "The end of children is not logged.", "process.fork.logs")
def _(ref: Patches) -> None:
    def lie(original: Any, number: Any, restarts: Any) -> Any:
        logging.getLogger("tornado.general").disabled = True
        return original(number, restarts)

    forking(ref, lie)


@process_lie("fork-same-random", "All children have the same random numbers.", "process.fork.random")
def _(ref: Patches) -> None:
    def lie(original: Any, number: Any, restarts: Any) -> Any:
        state = random.getstate()
        child = original(number, restarts)
        random.setstate(state)
        return child

    forking(ref, lie)


@process_lie("server-starts-once", "A server starts in its own process only.", "process.server.children-serve")
def _(ref: Patches) -> None:
    around(ref, ref.tcpserver.TCPServer, "start", lambda original, self, *arguments: original(self))


# -- subprocesses -----------------------------------------------------------------------------------------------------


def after_start(ref: Patches, change: Callable[[Any], None]) -> None:
    """Let ``change`` alter every Subprocess that was started."""

    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        change(self)

    around(ref, ref.process.Subprocess, "__init__", lie)


def waiting(ref: Patches, lie: Callable[..., Any]) -> None:
    """Answer calls of wait_for_exit with ``lie(original, process, raise_error)``."""

    def wait(original: Any, self: Any, raise_error: bool = True) -> Any:
        return lie(original, self, raise_error)

    around(ref, ref.process.Subprocess, "wait_for_exit", wait)


@process_lie("subprocess-streams-swapped", "stdin and stdout are mistaken.", "subprocess.streams.both-ways")
def _(ref: Patches) -> None:
    def swap(process: Any) -> None:
        process.stdin, process.stdout = process.stdout, process.stdin

    after_start(ref, swap)


@process_lie("subprocess-no-stderr", "stderr is never a stream.", "subprocess.streams.stderr")
def _(ref: Patches) -> None:
    after_start(ref, lambda process: setattr(process, "stderr", None))


@process_lie("pipe-full", "A pipe loses what does not fit into it.", "subprocess.streams.much")
def _(ref: Patches) -> None:
    around(ref, ref.iostream.PipeIOStream, "write", lambda original, self, data: original(self, data[:65536]))


@process_lie("pipe-broken-unnoticed", "A write to a broken pipe succeeds.", "subprocess.streams.broken-pipe")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, data: Any) -> Any:
        original(self, data)
        done: asyncio.Future[None] = asyncio.Future()
        done.set_result(None)
        return done

    around(ref, ref.iostream.PipeIOStream, "write", lie)


def starting(ref: Patches, change: Callable[[dict[str, Any]], None]) -> None:
    """Let ``change`` alter the named arguments of every Subprocess."""

    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        change(kwargs)
        original(self, *args, **kwargs)

    around(ref, ref.process.Subprocess, "__init__", lie)


@process_lie("subprocess-no-pipe", "PIPE is taken for DEVNULL.", "subprocess.streams.others")
def _(ref: Patches) -> None:
    def change(arguments: dict[str, Any]) -> None:
        for name, value in arguments.items():
            arguments[name] = subprocess.DEVNULL if value == subprocess.PIPE else value

    starting(ref, change)


@process_lie("subprocess-own-folder", "cwd is ignored.", "subprocess.popen.arguments")
def _(ref: Patches) -> None:
    starting(ref, lambda arguments: arguments.pop("cwd", None))


@process_lie("subprocess-leaks", "A start that fails leaves pipes behind.", "subprocess.popen.failure")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            original(self, *args, **kwargs)
        except OSError:
            os.pipe()
            raise

    around(ref, ref.process.Subprocess, "__init__", lie)


@process_lie("subprocess-no-code", "wait_for_exit() gives None.", "subprocess.wait.returns")
def _(ref: Patches) -> None:
    async def wait(inner: Any) -> None:
        await inner

    waiting(ref, lambda original, self, error: asyncio.ensure_future(wait(original(self, error))))


@process_lie("subprocess-never-raises", "wait_for_exit() never raises.", "subprocess.wait.raises")
def _(ref: Patches) -> None:
    waiting(ref, lambda original, self, error: original(self, False))


@process_lie("subprocess-always-raises", "raise_error is ignored.", "subprocess.wait.without-error")
def _(ref: Patches) -> None:
    waiting(ref, lambda original, self, error: original(self))


@process_lie("subprocess-one-waiter", "Only the last one to wait is told.", "subprocess.wait.twice")
def _(ref: Patches) -> None:
    last: dict[int, Any] = {}

    def lie(original: Any, self: Any, error: bool) -> Any:
        told: asyncio.Future[int] = asyncio.Future()
        last[self.pid] = told
        inner = original(self, error)
        inner.add_done_callback(lambda done: told.set_result(done.result()) if last[self.pid] is told else None)
        return told

    waiting(ref, lie)


@process_lie("subprocess-killed", "A process for which nobody waits any more is killed.", "subprocess.wait.cancelled")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, error: bool) -> Any:
        future = original(self, error)
        future.add_done_callback(lambda done: self.proc.kill() if done.cancelled() else None)
        return future

    waiting(ref, lie)


@process_lie("subprocess-callback-success", "The exit callback always gets 0.", "subprocess.exit-callback.called")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, callback: Any) -> None:
        original(self, lambda code: callback(0))

    around(ref, ref.process.Subprocess, "set_exit_callback", lie)


@process_lie("subprocess-main-thread", "Only the main thread is told of an end.", "subprocess.initialize.other-loops")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, error: bool) -> Any:
        if threading.current_thread() is threading.main_thread():
            return original(self, error)
        return asyncio.Future()

    waiting(ref, lie)


@process_lie("subprocess-handler-stays", "uninitialize() leaves a handler.", "subprocess.initialize.taken-back")
def _(ref: Patches) -> None:
    def uninitialize(cls: Any) -> None:
        signal.signal(signal.SIGCHLD, lambda signum, frame: None)

    ref.replace(ref.process.Subprocess, "uninitialize", classmethod(uninitialize))
