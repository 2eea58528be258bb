"""The tutorial does what it says: every block of it is written or run, in order, and what it prints is compared."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.selftest.started import PATIENCE, ROOT

TUTORIAL = ROOT / "docs" / "tutorial.md"
#: Ports of the tutorial, which the test replaces by free ones.
PORTS = ("8000", "8080")
_BLOCK = re.compile(r"^```(\S+) *(\S*)\n(.*?)^```$", re.M | re.S)


class Reader:
    """Follows the tutorial in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.servers = contextlib.ExitStack()
        (directory / "waterspout").symlink_to(ROOT)
        tools = os.pathsep.join([str(directory / "env" / "bin"), os.path.dirname(sys.executable), os.environ["PATH"]])
        # The environment that the reader has activated, and no other way to the package.
        self.environment = {**os.environ, "PATH": tools, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        self.environment.pop("PYTHONPATH", None)

    def follow(self, kind: str, what: str, text: str) -> None:
        """Do what a block says."""
        if kind != "console":
            (self.directory / what).write_text(text, encoding="utf-8")
        elif what == "server":
            self.serve(text)
        else:
            for command, expected in self.commands(text):
                assert self.run(command) == expected, command

    def run(self, command: str) -> str:
        """Return what a command prints. Raises AssertionError when it takes too long."""
        run = subprocess.run(
            ["bash", "-c", command],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=4 * PATIENCE,
        )
        return run.stdout if run.returncode == 0 else f"{command} ended with {run.returncode}: {run.stderr}"

    def serve(self, text: str) -> None:
        """Start a server in place of the one before, and wait for the line that says that it listens."""
        self.servers.close()
        ((command, expected),) = self.commands(text)
        process = subprocess.Popen(
            command.split(),
            cwd=self.directory,
            env=self.environment | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.servers.callback(self.end, process)
        assert process.stdout is not None
        assert process.stdout.readline() == expected

    @staticmethod
    def end(process: subprocess.Popen[str]) -> None:
        """End a server with all its processes."""
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()

    @staticmethod
    def commands(text: str) -> list[tuple[str, str]]:
        """Return the commands of a console, each with what it is to print."""
        found = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.M)
        assert found, text
        return found


def with_free_ports(text: str) -> str:
    """Return the tutorial with ports that nobody has."""
    with contextlib.ExitStack() as stack:
        for port in PORTS:
            probe = stack.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            text = text.replace(port, str(probe.getsockname()[1]))
    return text


def test_the_tutorial(tmp_path: Path) -> None:
    for tool in ("nginx", "curl"):
        if shutil.which(tool) is None:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(f"needs {tool}: install it (Debian: {tool})")
    blocks = _BLOCK.findall(with_free_ports(TUTORIAL.read_text(encoding="utf-8")))
    assert len(blocks) == TUTORIAL.read_text(encoding="utf-8").count("```") / 2
    reader = Reader(tmp_path)
    try:
        for kind, what, text in blocks:
            reader.follow(kind, what, text)
    finally:
        reader.servers.close()
        pid = tmp_path / "nginx.pid"
        if pid.exists():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid.read_text()), signal.SIGTERM)
