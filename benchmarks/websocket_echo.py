"""What a WebSocket echo costs on loopback, next to Tornado, websockets, aiohttp and picows, as ratios.

Every server runs in a process of its own; one client, the same for all, sends a message on each of its connections and
waits for the echoes. The servers take turns, round by round; a ratio compares two servers in the same round, and of the
rounds the median, the least and the greatest are shown. What is not installed is left out.

    python -m benchmarks.websocket_echo [--deflate] [--rounds N] [--seconds S] [--write]
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from benchmarks import records
from benchmarks.http_servers import listening_socket

BASE = "tornado"
#: With one connection most of the time goes by in waking up whoever waits; with many a server always has work.
CONNECTIONS = (1, 32)
SIZES = {"64 B": 64, "1 KiB": 1024, "16 KiB": 16384}
KEY = b"\x37\xfa\x21\x3d"
DEFLATE = "--deflate" in sys.argv
HANDSHAKE = (
    "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
    + ("Sec-WebSocket-Extensions: permessage-deflate\r\n" if DEFLATE else "")
    + "\r\n"
).encode()


# -- servers ----------------------------------------------------------------------------------------------------------


async def serve_tornado_like(listener: socket.socket, package: str) -> None:
    """Serve Waterspout or Tornado."""
    web = importlib.import_module(f"{package}.web")
    websocket = importlib.import_module(f"{package}.websocket")
    httpserver = importlib.import_module(f"{package}.httpserver")

    class Echo(websocket.WebSocketHandler):  # type: ignore[misc, name-defined]
        def get_compression_options(self) -> dict[str, Any] | None:
            return {} if DEFLATE else None

        def on_message(self, message: str | bytes) -> None:
            self.write_message(message, binary=isinstance(message, bytes))

    httpserver.HTTPServer(web.Application([("/", Echo)], log_function=lambda handler: None)).add_socket(listener)
    await asyncio.Event().wait()


async def serve_websockets(listener: socket.socket) -> None:
    from websockets.asyncio.server import ServerConnection, serve

    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with serve(echo, sock=listener, compression="deflate" if DEFLATE else None, ping_interval=None):
        await asyncio.Event().wait()


async def serve_aiohttp(listener: socket.socket) -> None:
    from aiohttp import WSMsgType, web

    async def echo(request: web.Request) -> web.WebSocketResponse:
        connection = web.WebSocketResponse(compress=DEFLATE)
        await connection.prepare(request)
        async for message in connection:
            if message.type is WSMsgType.BINARY:
                await connection.send_bytes(message.data)
        return connection

    application = web.Application()
    application.router.add_get("/", echo)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    await asyncio.Event().wait()


async def serve_picows(listener: socket.socket) -> None:
    import picows

    class Echo(picows.WSListener):  # type: ignore[misc]
        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            if frame.msg_type in (picows.WSMsgType.BINARY, picows.WSMsgType.TEXT):
                transport.send(frame.msg_type, frame.get_payload_as_bytes())

    await picows.ws_create_server(lambda request: Echo(), sock=listener)
    await asyncio.Event().wait()


SERVERS: dict[str, Any] = {
    "waterspout": lambda listener: serve_tornado_like(listener, "waterspout"),
    "tornado": lambda listener: serve_tornado_like(listener, "tornado"),
    "websockets": serve_websockets,
    "aiohttp": serve_aiohttp,
    # It does not compress.
    **({} if DEFLATE else {"picows": serve_picows}),
}


def run_server(name: str) -> None:
    """Serve on a free port, which is printed."""
    listener = listening_socket()
    print(listener.getsockname()[1], flush=True)
    asyncio.run(SERVERS[name](listener))


@contextmanager
def server(name: str) -> Iterator[int]:
    """Run a server in a process of its own; gives its port."""
    command = [sys.executable, "-m", "benchmarks.websocket_echo", "--serve", name, *(["--deflate"] if DEFLATE else [])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=dict(os.environ))
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


# -- the client -------------------------------------------------------------------------------------------------------


def frame(size: int) -> bytes:
    """Return a masked binary message; the content is the mask's own pattern, so that masking is cheap for us."""
    length = bytes((0x80 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return b"\x82" + length + KEY + (KEY * (size // 4 + 1))[:size]


class Client:
    """Connections to a server: each sends a message, then each waits for its echo."""

    def __init__(self, port: int, connections: int) -> None:
        self.sockets = [self.connect(port) for _ in range(connections)]

    @staticmethod
    def connect(port: int) -> socket.socket:
        """Return a connection after its handshake."""
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(HANDSHAKE)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += connection.recv(1)
        assert head.startswith(b"HTTP/1.1 101"), head
        return connection

    def round(self, size: int, seconds: float) -> float:
        """Return the microseconds that an echo takes."""
        message, count, started = frame(size), 0, time.perf_counter()
        while (now := time.perf_counter()) < started + seconds:
            for connection in self.sockets:
                connection.sendall(message)
            for connection in self.sockets:
                self.receive(connection)
            count += len(self.sockets)
        return (now - started) / count * 1e6

    def receive(self, connection: socket.socket) -> None:
        """Take one frame."""
        data = connection.recv(65536)
        while len(data) < 4 or len(data) < self.expected(data):
            data += connection.recv(65536)

    @staticmethod
    def expected(data: bytes) -> int:
        short = data[1] & 127
        return 2 + short if short < 126 else 4 + int.from_bytes(data[2:4], "big")


def compare(names: list[str], connections: int, rounds: int, seconds: float) -> dict[str, dict[str, list[float]]]:
    """Return the microseconds of an echo, by its size and the server, one figure for each round."""
    found: dict[str, dict[str, list[float]]] = {label: {name: [] for name in names} for label in SIZES}
    with ExitStack() as stack:
        clients = {name: Client(stack.enter_context(server(name)), connections) for name in names}
        for label, size in SIZES.items():
            for number in range(rounds):
                for name in names[number % len(names) :] + names[: number % len(names)]:
                    found[label][name].append(clients[name].round(size, seconds))
    return found


def table(found: dict[str, dict[str, list[float]]]) -> str:
    """Return how many echoes each server gives in the time in which Tornado gives one."""
    rows = []
    for label, times in found.items():
        speeds = [[base / mine for mine, base in zip(of, times[BASE], strict=True)] for of in times.values()]
        rows.append([label, *map(records.spread, speeds)])
    return records.markdown(["echoes a second, times Tornado's", *next(iter(found.values()))], rows)


def main() -> None:
    """Compare, print the table, and keep it if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.websocket_echo")
    parser.add_argument("--deflate", action="store_true", help="with permessage-deflate")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each server, size and round")
    parser.add_argument("--write", action="store_true", help="write to benchmarks/results")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        run_server(chosen.serve)
        return
    names = [name for name in SERVERS if importlib.util.find_spec(name)]
    tables = []
    for connections in CONNECTIONS:
        rows = table(compare(names, connections, chosen.rounds, chosen.seconds))
        tables.append(f"Connections at a time: {connections}.\n\n{rows}\n")
    how = f"{chosen.rounds} rounds of {chosen.seconds:g} s for each server and size, "
    said = "\n".join([*tables, how + records.circumstances(names)])
    print(said)
    if chosen.write:
        title = "WebSocket echo" + (", with permessage-deflate" if DEFLATE else "")
        name = "websocket_echo_deflate.md" if DEFLATE else "websocket_echo.md"
        records.keep(name, f"# {title}\n\n{said}\n")


if __name__ == "__main__":
    main()
