"""The insides of ``waterspout.process``."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
from typing import Any

import pytest

from waterspout import process
from waterspout.ioloop import IOLoop
from waterspout.process import Subprocess


def run_program(source: str) -> subprocess.CompletedProcess[str]:
    """Run a program, with what it forks, to its end."""
    command = [sys.executable, "-c", textwrap.dedent(source)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


def test_the_other_children_end_when_the_parent_gives_up() -> None:
    """Nobody looks after them any more; a pipe that only they hold open tells that they are gone."""
    done = run_program(
        """
        import os, signal, sys
        from waterspout.process import fork_processes
        reading, writing = os.pipe()
        try:
            number = fork_processes(2, max_restarts=0)
        except RuntimeError:
            os.close(writing)
            print(os.read(reading, 9), flush=True)
            sys.exit(5)
        if number == 0:
            signal.pause()
        os._exit(3)
        """
    )
    assert (done.returncode, done.stdout) == (5, "b''\n")


def test_a_child_of_the_program_itself_is_not_one_of_the_children() -> None:
    """Its end is neither logged nor a reason to start a child."""
    done = run_program(
        """
        import os
        from waterspout.process import fork_processes
        if not os.fork():
            os._exit(3)
        os.write(1, b"child %d\\n" % fork_processes(1, max_restarts=0))
        """
    )
    assert (done.returncode, done.stdout) == (0, "child 0\n")


def test_what_was_printed_before_is_printed_once() -> None:
    """Children do not inherit unwritten output."""
    done = run_program(
        """
        from waterspout.process import fork_processes
        print("hello")
        fork_processes(3)
        """
    )
    assert done.stdout == "hello\n"


def test_a_child_cannot_fork_again() -> None:
    """The numbers of its children would be mistaken for those of its siblings."""
    done = run_program(
        """
        from waterspout.process import fork_processes
        fork_processes(1)
        try:
            fork_processes(1)
        except RuntimeError as error:
            print(error)
        """
    )
    assert "child of fork_processes() already" in done.stdout


def no_descriptor(pid: int, flags: int = 0) -> int:
    """Stand in for ``os.pidfd_open`` where the system has none."""
    raise OSError("not on this system")


def test_the_end_is_noticed_without_process_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread waits then, and ends with the process."""
    monkeypatch.setattr(process.os, "pidfd_open", no_descriptor, raising=False)

    async def main() -> None:
        child = Subprocess(["cat"], stdin=Subprocess.STREAM)
        waiting = child.wait_for_exit()
        assert any(thread.name == f"wait-for-{child.pid}" for thread in threading.enumerate())
        child.stdin.close()
        assert await waiting == 0

    asyncio.run(main())


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="Linux only")
def test_a_closed_loop_keeps_no_descriptor_of_a_process() -> None:
    """The process outlives the loop, what watched it does not."""
    # The first loop of a process may open descriptors for all of them.
    IOLoop(make_current=False).close()
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    loop = IOLoop(make_current=False)
    child = loop.run_sync(start_and_watch)
    try:
        loop.close()
        gc.collect()
        assert len(os.listdir("/proc/self/fd")) == before
    finally:
        child.proc.kill()
        child.proc.wait()


async def start_and_watch() -> Any:
    """Return a process that goes on for long."""
    child = Subprocess(["sleep", "60"])
    child.set_exit_callback(lambda code: None)
    return child


def test_the_code_of_a_process_that_somebody_else_waited_for_is_known() -> None:
    """Popen has kept it."""

    async def main() -> None:
        child = Subprocess(["sh", "-c", "exit 5"])
        child.proc.wait()
        assert await child.wait_for_exit(raise_error=False) == 5

    asyncio.run(main())


def test_a_new_exit_callback_takes_the_place_of_the_old_one() -> None:
    """There is one at a time, and it is called once."""

    async def main() -> None:
        codes: list[tuple[str, int]] = []
        child = Subprocess(["cat"], stdin=Subprocess.STREAM)
        child.set_exit_callback(lambda code: codes.append(("first", code)))
        child.set_exit_callback(lambda code: codes.append(("second", code)))
        child.proc.send_signal(signal.SIGTERM)
        await child.wait_for_exit(raise_error=False)
        await asyncio.sleep(0)
        assert codes == [("second", -signal.SIGTERM)]
        child.stdin.close()

    asyncio.run(main())
