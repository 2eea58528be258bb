"""Count the calls that a server makes for one WebSocket echo of 64 octets.

A count repeats exactly, so it can be compared without a quiet machine.  Waterspout and Tornado run in turn in this
one process: the same client sends the same frame over a loopback socket and waits for the echo, and
`sys.setprofile` counts calls of Python functions, and of C functions, on the server's thread.  With ``-v`` the
functions are listed.

    python benchmarks/websocket_calls.py
"""

from __future__ import annotations

import asyncio
import importlib
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any

WARM_UP = 50
COUNTED = 200
SIZE = 64
KEY = b"\x37\xfa\x21\x3d"
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class CallCounter:
    """Counts calls while it is switched on."""

    def __init__(self) -> None:
        self.python = 0
        self.native = 0
        self.functions: Counter[str] = Counter()

    def start(self) -> None:
        sys.setprofile(self._profile)

    def stop(self) -> None:
        sys.setprofile(None)

    def _profile(self, frame: FrameType, event: str, arg: Any) -> None:
        if event == "call":
            self.python += 1
            code = frame.f_code
            self.functions[f"{code.co_filename.rpartition('/')[2]}:{code.co_name}"] += 1
        elif event == "c_call":
            self.native += 1


def application(package: str) -> Any:
    """Return an application that echoes."""
    web = importlib.import_module(f"{package}.web")
    websocket = importlib.import_module(f"{package}.websocket")

    class Echo(websocket.WebSocketHandler):  # type: ignore[misc, name-defined]
        def on_message(self, message: str | bytes) -> None:
            self.write_message(message)

    return web.Application([("/", Echo)], log_function=lambda handler: None)


def frame(size: int) -> bytes:
    """Return a masked text frame of less than 126 octets."""
    content = b"x" * size
    masked = bytes(octet ^ KEY[index % 4] for index, octet in enumerate(content))
    return bytes((0x81, 0x80 | size)) + KEY + masked


def exchange(client: socket.socket, number: int) -> None:
    """Send the frame ``number`` times, each after the echo of the one before."""
    message = frame(SIZE)
    for _ in range(number):
        client.sendall(message)
        missing = 2 + SIZE
        while missing:
            missing -= len(client.recv(missing))


async def count(package: str) -> CallCounter:
    """Return the calls made for `COUNTED` echoes."""
    httpserver = importlib.import_module(f"{package}.httpserver")
    netutil = importlib.import_module(f"{package}.netutil")
    server = httpserver.HTTPServer(application(package))
    sockets = netutil.bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    counter = CallCounter()
    loop = asyncio.get_running_loop()
    done = asyncio.Event()

    def client() -> None:
        with socket.create_connection(sockets[0].getsockname()) as connection:
            connection.sendall(HANDSHAKE)
            received = b""
            while not received.endswith(b"\r\n\r\n"):
                received += connection.recv(1)
            exchange(connection, WARM_UP)
            on_loop(counter.start)
            exchange(connection, COUNTED)
            on_loop(counter.stop)
        loop.call_soon_threadsafe(done.set)

    def on_loop(function: Callable[[], None]) -> None:
        ran = threading.Event()

        def run() -> None:
            function()
            ran.set()

        loop.call_soon_threadsafe(run)
        ran.wait()

    thread = threading.Thread(target=client)
    thread.start()
    await done.wait()
    thread.join()
    server.stop()
    await server.close_all_connections()
    return counter


if __name__ == "__main__":
    for name in ("waterspout", "tornado"):
        counter = asyncio.run(count(name))
        python, native = counter.python / COUNTED, counter.native / COUNTED
        print(f"{name:10}  {python:6.1f} Python calls  {native:6.1f} C calls  per echo of {SIZE} octets")
        if "-v" in sys.argv:
            for function, calls in counter.functions.most_common():
                if calls >= COUNTED // 2:
                    print(f"        {calls / COUNTED:5.1f}  {function}")
