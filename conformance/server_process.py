"""A wire-level target's server as a child process.

The start command prints one JSON line, ``{"conform": 1, "http": PORT, ...}``, and ends when its standard input is
closed. Everything else it prints is its log, kept for the verdicts of the cases that it spoils. It stays in the process
group of the run, so that whoever ends the run ends it too, whatever it started itself.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from typing import IO, Any
from urllib.parse import urlsplit

from conformance.paths import BOOK
from conformance.target import Target
from conformance.verdict import NotTestable

#: Seconds a server may take to print its JSON line. Interpreters on a busy two-core machine need a few.
START_SECONDS = 20.0
#: Seconds between a polite end and a kill.
STOP_SECONDS = 3.0
#: Seconds between the end of a dying server's connections and its own.
DEATH_SECONDS = 0.2


class ServerProcess:
    """A running server of the target, started at first use and again after it died."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        self._address: tuple[str, int] | None = None
        self._failure = ""
        self.capabilities: dict[str, Any] = {}

    def address(self) -> tuple[str, int]:
        """Return host and port, starting the server when it does not run.

        Raises NotTestable, with the server's log, when it cannot be started.
        """
        if self._target.url:
            parts = urlsplit(self._target.url)
            return parts.hostname or "127.0.0.1", parts.port or 80
        if self._failure:
            # One failed start is enough: every further case would wait as long for the same answer.
            raise NotTestable(self._failure)
        if self._process is None or self._process.poll() is not None:
            self.stop()
            self._start()
        assert self._address is not None
        return self._address

    @property
    def died(self) -> bool:
        """Whether the server was started and has ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def has_died(self, look_closely: bool = False) -> bool:
        """Whether the server has ended by itself; ``look_closely`` gives a process that just let go time to end."""
        if look_closely and self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(DEATH_SECONDS)
        return self.died

    def log(self) -> str:
        """Return what the server printed since its start, at most the last 8 KiB."""
        if self._log is None:
            return ""
        self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, self._log.tell() - 8192))
        return self._log.read().decode("utf-8", "replace")

    def log_position(self) -> int:
        """Return how much log there is now, to read later what came after."""
        if self._log is None:
            return 0
        return os.fstat(self._log.fileno()).st_size

    def log_since(self, position: int) -> str:
        """Return the log from ``position`` on, at most 8 KiB of it."""
        if self._log is None:
            return ""
        self._log.seek(position)
        return self._log.read(8192).decode("utf-8", "replace")

    def stop(self) -> None:
        """End the server: close its standard input, then kill what does not end by itself."""
        process, self._process = self._process, None
        if process is None:
            return
        atexit.unregister(self.stop)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
        process.wait()

    def _start(self) -> None:
        if self._log is not None:
            self._log.close()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - read as long as the server lives
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [*_import_roots(), os.environ.get("PYTHONPATH")]))
        try:
            self._process = subprocess.Popen(
                self._target.start_command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env=environment,
            )
        except OSError as error:
            self._failure = f"{self._target.name}: cannot run {self._target.start_command()[0]!r}: {error}"
            raise NotTestable(self._failure) from None
        # A case that is interrupted must not leave its server behind.
        atexit.register(self.stop)
        row = self._read_greeting()
        self.capabilities = row
        self._address = (row.get("host", "127.0.0.1"), row["http"])

    def _read_greeting(self) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        line = _read_line(self._process.stdout, START_SECONDS)
        try:
            row = json.loads(line)
            if isinstance(row, dict) and row.get("conform") == 1 and isinstance(row.get("http"), int):
                return row
        except ValueError:
            pass
        said = f"printed {line[:200]!r}" if line else f"printed nothing within {START_SECONDS:.0f} s"
        if not line and self._process.poll() is not None:
            said = f"ended with status {self._process.returncode} before it printed anything"
        self.stop()
        self._failure = (
            f"{self._target.name}: the start command {said}; it must print one line "
            f'{{"conform": 1, "http": PORT}}.\n{self.log()}'
        ).strip()
        raise NotTestable(self._failure)


def _import_roots() -> list[str]:
    """Return the directories a checkout imports from, so that servers find what the suite found."""
    roots = [str(BOOK), str(BOOK / "impl")]
    return [root for root in roots if root in sys.path]


def _read_line(stream: IO[bytes], seconds: float) -> bytes:
    deadline = time.monotonic() + seconds
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while not line.endswith(b"\n") and selector.select(max(0.0, deadline - time.monotonic())):
            data = os.read(stream.fileno(), 4096)
            if not data:
                break
            line += data
    return line
