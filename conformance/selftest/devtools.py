"""Windows of a real Chromium, driven over its DevTools protocol, and a proxy that can lose the connections to it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from conformance.selftest.started import PATIENCE


@contextlib.contextmanager
def chromium(profile: Path) -> Iterator[str]:
    """Start a browser without windows; yield the address of its DevTools."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("needs Chromium: install it (Debian: chromium)")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-quic"]
    command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    command += ["--disable-extensions", "--disable-dev-shm-usage", "--mute-audio", "--renderer-process-limit=1"]
    command += [f"--user-data-dir={profile}", "--remote-debugging-port=0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if line.startswith("DevTools listening on "):
                    yield line.split()[-1]
                    return
            pytest.fail("Chromium ended before it listened")
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=PATIENCE)


class Browser:
    """A connection to a browser: commands go out, answers come back by their number."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reader = asyncio.ensure_future(self._read())

    async def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Return the answer to a command. Raises AssertionError when the browser refuses it or takes too long."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps(message if session is None else {**message, "sessionId": session}))
        answer = await asyncio.wait_for(self._waiting[number], PATIENCE)
        assert "error" not in answer, (method, answer)
        result: dict[str, Any] = answer["result"]
        return result

    async def window(self, url: str, context: str) -> Window:
        """Open a page in a window of its own."""
        made = await self.call("Target.createTarget", url="about:blank", browserContextId=context, newWindow=True)
        attached = await self.call("Target.attachToTarget", targetId=made["targetId"], flatten=True)
        window = Window(self, attached["sessionId"])
        await window.go(url)
        return window

    async def _read(self) -> None:
        # Ends with the connection, however that ends.
        with contextlib.suppress(ConnectionClosed):
            while True:
                message = json.loads(await self._socket.recv())
                waiting = self._waiting.pop(message.get("id"), None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(message)


class Window:
    """A window with a page."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    async def go(self, url: str) -> None:
        """Open a page, and return when it has loaded."""
        await self._browser.call("Page.enable", self._session)
        await self._browser.call("Page.navigate", self._session, url=url)
        await self.run(_LOADED)

    async def reload(self) -> None:
        """Load the page again."""
        # Marked, so that the page that goes is not taken for the one that comes.
        await self.run("window.old = true")
        await self._browser.call("Page.reload", self._session)
        while True:
            # What waits on the old page ends with an error when that goes.
            with contextlib.suppress(AssertionError):
                if await self.run(f"({_LOADED}).then(() => !window.old)"):
                    return

    async def run(self, script: str) -> Any:
        """Return the value of a script, awaited if it is a promise."""
        params = {"expression": script, "awaitPromise": True, "returnByValue": True}
        answer = await self._browser.call("Runtime.evaluate", self._session, **params)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def shows(self, id: str, text: str) -> None:
        """Return when the element's text is ``text``. Raises AssertionError with what it is, if that takes too long."""
        await self.run(_SHOWS % {"id": json.dumps(id), "text": json.dumps(text), "patience": PATIENCE * 900})

    async def visible(self, id: str) -> None:
        """Return when the element can be seen."""
        await self.run(_VISIBLE % json.dumps(id))

    async def click(self, id: str) -> None:
        """Click on an element."""
        await self.run(f"document.getElementById({json.dumps(id)}).click()")


@contextlib.asynccontextmanager
async def browsing(devtools: str) -> AsyncIterator[tuple[Browser, str]]:
    """Connect to a browser; yield it and a context, whose cookies no other context shares."""
    async with connect(devtools, max_size=None) as socket:
        browser = Browser(socket)
        context = (await browser.call("Target.createBrowserContext"))["browserContextId"]
        yield browser, context
        await browser.call("Target.disposeBrowserContext", browserContextId=context)


class Proxy:
    """Carries connections to a server on loopback; it can lose them, and turn to another server."""

    def __init__(self, port: int) -> None:
        self.server_port = port
        self.port = 0
        self._carried: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Listen; yield the address."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield f"http://127.0.0.1:{self.port}"
        finally:
            server.close()
            await self.lose()

    async def lose(self) -> None:
        """Cut all connections, without a word to either side."""
        carried = list(self._carried)
        for task in carried:
            task.cancel()
        await asyncio.gather(*carried, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carried.add(task)
        writers = [writer]
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.server_port)
            writers.append(back)
            await asyncio.gather(_copy(reader, back), _copy(there, writer))
        except (OSError, asyncio.CancelledError):
            # The server is gone, or the connection was to be lost.
            pass
        finally:
            self._carried.discard(task)
            for one in writers:
                one.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


_LOADED = """new Promise((resolve) => {
  if (document.readyState === "complete" && location.href !== "about:blank") resolve(true);
  else window.addEventListener("load", () => resolve(true));
})"""

_VISIBLE = """new Promise((resolve) => {
  const seen = () => !document.getElementById(%s).hidden;
  if (seen()) return resolve(true);
  new MutationObserver((_, observer) => { if (seen()) { observer.disconnect(); resolve(true); } })
    .observe(document, {subtree: true, attributes: true});
})"""

_SHOWS = """new Promise((resolve, reject) => {
  const text = () => document.getElementById(%(id)s).textContent;
  if (text() === %(text)s) return resolve(true);
  const late = setTimeout(() => reject(new Error(`shows ${JSON.stringify(text())}`)), %(patience)d);
  new MutationObserver((_, observer) => {
    if (text() !== %(text)s) return;
    clearTimeout(late);
    observer.disconnect();
    resolve(true);
  }).observe(document, {subtree: true, childList: true, characterData: true});
})"""
