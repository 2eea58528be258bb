"""Small programs on the package under test, each in a process of its own, for cases on how programs start.

A program is written as its author would, with the name of the package put in. It is the main module of a child process,
in which the saboteur of the run, if there is one, has told its lie before. Whatever happens, the process, and
those that it forked, have ended when the case has.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from conformance.target import Target

#: Seconds an interpreter may take to start and to listen; a busy machine needs a few.
START_SECONDS = 8.0
#: An environment variable whose value tells the processes of one program from all others.
_MARK = "CONFORM_PROGRAM"


class Program:
    """A running program that serves HTTP on ``port``."""

    def __init__(self, process: subprocess.Popen[bytes], log: IO[bytes], port: int) -> None:
        self.port = port
        self._process = process
        self._log = log

    def get(self, path: str) -> tuple[int, str]:
        """Return status and body of a GET, as soon as the program listens.

        Raises AssertionError, with what the program printed, when it ends before or does not listen in time.
        """
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return self.ask(path)
            except ConnectionError:
                self._still_starting(deadline)

    def ask(self, path: str) -> tuple[int, str]:
        """Return status and body of a GET. Raises ConnectionError when the program does not answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_SECONDS)
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def _still_starting(self, deadline: float) -> None:
        # Waiting for the process to end is the pace of the attempts: a program that failed is noticed at once.
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = self._process.wait(0.02)
            raise AssertionError(f"the program ended with status {status} instead of serving:\n{self.printed()}")
        if time.monotonic() > deadline:
            raise AssertionError(f"the program did not listen within {START_SECONDS:g} s:\n{self.printed()}")

    def ended(self) -> int:
        """Return the exit status of a program that ends by itself."""
        try:
            return self._process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the program did not end within {START_SECONDS:g} s:\n{self.printed()}") from None

    def printed(self) -> str:
        """Return what the program has printed so far, to standard output and to standard error."""
        self._log.seek(0)
        return self._log.read().decode("utf-8", "replace")


@contextlib.contextmanager
def running(target: Target, source: str, *arguments: str) -> Iterator[Program]:
    """Run ``source`` on the package of ``target`` while the body runs.

    PACKAGE in the source is the package's name. PORT, in the source and in the arguments, is the number of a free port.
    """
    port = str(free_port())
    code = textwrap.dedent(source).replace("PACKAGE", target.package).replace("PORT", port)
    words = [word.replace("PORT", port) for word in arguments]
    with tempfile.TemporaryDirectory(prefix="conform-") as folder, tempfile.TemporaryFile() as log:
        path = Path(folder) / "program.py"
        path.write_text(code, encoding="utf-8")
        command = [target.python, "-m", "conformance.launch", target.package, target.saboteur, str(path), *words]
        mark = uuid.uuid4().hex
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), _MARK: mark}
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield Program(process, log, int(port))
        finally:
            process.kill()
            process.wait()
            _end_children(mark)


def _end_children(mark: str) -> None:
    """End the processes that a program forked and left behind, where the system lets one find them."""
    variable = f"{_MARK}={mark}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if variable in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
