"""A real browser's WebSocket against our server: echoes, an idle minute with pings, closing from either side."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from waterspout.httpserver import HTTPServer
from waterspout.netutil import bind_sockets
from waterspout.web import Application, RequestHandler
from waterspout.websocket import WebSocketHandler

#: Codes that a script may close with, and those that a server may.
BY_SCRIPT = [1000, 3000, 3999, 4000, 4999]
BY_SERVER = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
PING_INTERVAL = 20
SECONDS = 60


class JumpingLoop(asyncio.SelectorEventLoop):
    """A loop whose time can be moved forward; the peer does not know."""

    jumped = 0.0

    def time(self) -> float:
        return super().time() + self.jumped


class Socket(WebSocketHandler):
    """Echoes; "!close CODE" closes with that code, "!idle" says when a minute has passed."""

    def initialize(self, told: dict[str, Any]) -> None:
        self.told = told
        self.pong = asyncio.Event()

    def get_compression_options(self) -> dict[str, Any]:
        return {}

    async def on_message(self, message: str | bytes) -> None:
        if message == "!idle":
            # Nothing is read, pongs included, while on_message waits.
            self.idle = asyncio.ensure_future(self.wait_a_minute())
        elif isinstance(message, str) and message.startswith("!close "):
            self.close(int(message[7:]), "because")
        else:
            await self.write_message(message, binary=isinstance(message, bytes))

    async def wait_a_minute(self) -> None:
        """Jump from ping to ping; each has to be answered before the next one."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, JumpingLoop)
        for _ in range(60 // PING_INTERVAL):
            self.pong.clear()
            loop.jumped += PING_INTERVAL
            await self.pong.wait()
            self.told["pongs"] += 1
        await self.write_message("a minute later")

    def on_pong(self, data: bytes) -> None:
        self.pong.set()

    def on_close(self) -> None:
        self.told["closed"].append([self.close_code, self.close_reason])


class Page(RequestHandler):
    """The page with the script."""

    def get(self) -> None:
        self.write(_PAGE % {"script": json.dumps(BY_SCRIPT), "server": json.dumps(BY_SERVER)})


class Done(RequestHandler):
    """Where the script brings its findings."""

    def initialize(self, told: dict[str, Any]) -> None:
        self.told = told

    def post(self) -> None:
        self.told["found"].set_result(json.loads(self.request.body))


@contextlib.contextmanager
def browsing(url: str, profile: Path) -> Iterator[None]:
    """Have a browser look at ``url`` while the body runs."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("needs Chromium: install it (Debian: chromium)")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-quic"]
    command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    command += [f"--user-data-dir={profile}", "--remote-debugging-port=0", url]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


async def findings(profile: Path) -> dict[str, Any]:
    """Serve the page to a browser; return what its script found and what the server was told."""
    told: dict[str, Any] = {"pongs": 0, "closed": [], "found": asyncio.get_running_loop().create_future()}
    routes: list[Any] = [("/", Page), ("/done", Done, {"told": told}), ("/ws", Socket, {"told": told})]
    server = HTTPServer(Application(routes, websocket_ping_interval=PING_INTERVAL))
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    try:
        with browsing(f"http://127.0.0.1:{sockets[0].getsockname()[1]}/", profile):
            # A minute of it is jumped.
            told["found"] = await asyncio.wait_for(told["found"], 60 + SECONDS)
    finally:
        server.stop()
        await server.close_all_connections()
    return told


def test_a_browser(tmp_path: Path) -> None:
    loop = JumpingLoop()
    try:
        told = loop.run_until_complete(findings(tmp_path))
    finally:
        loop.close()
    found = told["found"]
    assert "error" not in found, found
    assert found["text"] == ["", "Hello", "größer € 🌀", "x" * 70_000]
    assert found["binary"] == [[], [0, 255, 129], [7] * 70_000]
    assert (found["minute"], told["pongs"]) == ("a minute later", 3)
    # The answer repeats the code alone.
    assert found["byScript"] == [[code, "", True] for code in BY_SCRIPT]
    assert found["byServer"] == [[code, "because", True] for code in BY_SERVER]
    assert told["closed"][: len(BY_SCRIPT)] == [[code, "bye"] for code in BY_SCRIPT]
    assert "permessage-deflate" in found["extensions"]


_PAGE = """<!doctype html><title>WebSocket</title><script>
const opened = () => new Promise((resolve, reject) => {
  const socket = new WebSocket(`ws://${location.host}/ws`);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => resolve(socket);
  socket.onerror = () => reject(new Error("a connection failed"));
});
const closed = (socket) => new Promise((resolve) => {
  socket.onclose = (event) => resolve([event.code, event.reason, event.wasClean]);
});
const ask = (socket, message) => new Promise((resolve, reject) => {
  socket.onmessage = (event) => resolve(event.data);
  socket.onclose = (event) => reject(new Error(`closed with ${event.code}`));
  socket.send(message);
});
const run = async () => {
  const found = {text: [], binary: [], byScript: [], byServer: []};
  let socket = await opened();
  found.extensions = socket.extensions;
  for (const text of ["", "Hello", "größer € 🌀", "x".repeat(70000)]) found.text.push(await ask(socket, text));
  for (const octets of [[], [0, 255, 129], new Array(70000).fill(7)])
    found.binary.push([...new Uint8Array(await ask(socket, new Uint8Array(octets)))]);
  found.minute = await ask(socket, "!idle");
  for (const code of %(script)s) {
    const end = closed(socket);
    socket.close(code, "bye");
    found.byScript.push(await end);
    socket = await opened();
  }
  for (const code of %(server)s) {
    const end = closed(socket);
    socket.send(`!close ${code}`);
    found.byServer.push(await end);
    socket = await opened();
  }
  return found;
};
run().catch((error) => ({error: String(error)})).then(
  (found) => fetch("/done", {method: "POST", body: JSON.stringify(found)}));
</script>
"""
