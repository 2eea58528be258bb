"""Examples as running programs, for the tests that drive them."""

from __future__ import annotations

import contextlib
import http.client
import os
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
_STARTER = Path(__file__).with_name("start_example.py")
#: Seconds until the test gives up; a busy machine needs a few.
PATIENCE = 30


@dataclass(frozen=True)
class Answer:
    """A response: its status, its header fields and its text."""

    code: int
    headers: Message
    text: str


class Started:
    """A running example that serves HTTP on ``port``."""

    def __init__(self, port: int) -> None:
        self.port = port

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        """Return the answer to a request. Underscores in the names of fields stand for hyphens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request(method, path, body, {name.replace("_", "-"): headers[name] for name in headers})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read().decode())

    def post(self, path: str, fields: Mapping[str, str], **headers: str) -> Answer:
        """Return the answer to a form."""
        body = urllib.parse.urlencode(fields).encode()
        return self.ask(path, "POST", body, Content_Type="application/x-www-form-urlencoded", **headers)


@contextlib.contextmanager
def started(name: str, *arguments: str, log: Path | None = None) -> Iterator[Started]:
    """Start an example by its path below examples/; it ends when the body does. What it logs goes to ``log``."""
    command = [sys.executable, str(_STARTER), str(EXAMPLES / name), *arguments]
    with contextlib.ExitStack() as stack:
        stderr = stack.enter_context(log.open("w")) if log else None
        process = stack.enter_context(
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=environment())
        )
        stack.callback(process.kill)
        assert process.stdout is not None
        words = process.stdout.readline().split()
        assert words[:1] == ["port"], f"{name} does not start: {words}"
        yield Started(int(words[1]))


def ran(name: str, *arguments: str) -> str:
    """Run an example to its end and return what it printed. Raises AssertionError when it fails."""
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    run = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=environment())
    assert run.returncode == 0, run.stderr
    return run.stdout


def environment() -> dict[str, str]:
    """Return the environment with the package of this checkout, and with the warnings of the old names silenced."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "impl"), os.environ.get("PYTHONPATH", "")])
    return os.environ | {"PYTHONPATH": path.rstrip(os.pathsep), "PYTHONWARNINGS": "ignore::DeprecationWarning"}
