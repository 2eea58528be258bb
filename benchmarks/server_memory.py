"""Measure the memory that a server needs for clients that are many, slow, silent or greedy (Linux).

Each package serves in a process of its own; this one plays the clients and reads the other's resident memory.
A figure is the growth over the server at rest: for each connection, or as a share of what was sent.  While each kind of
client is there, an ordinary request is made, and has to be answered.

    python -m benchmarks.server_memory [--connections 10000] [--upload-gib 1] [--write] [PACKAGE ...]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import logging
import resource
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import records

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
MIB = 1024 * 1024
#: Seconds after which a client that cannot send any more takes the server to have stopped reading.
STILL = 0.5


# The server


def application(package: str) -> Any:
    """Return a delegate that counts bodies, answers 10 KiB, and streams 1 GiB at ``/stream``."""
    httputil: Any = importlib.import_module(f"{package}.httputil")

    class Message(httputil.HTTPMessageDelegate):  # type: ignore[misc]
        def __init__(self, connection: Any) -> None:
            self.connection, self.size, self.path = connection, 0, ""

        def headers_received(self, start_line: Any, headers: Any) -> None:
            self.path = start_line.path
            self.connection.set_max_body_size(1 << 60)

        def data_received(self, chunk: bytes) -> Any:
            self.size += len(chunk)
            return asyncio.sleep(0.001) if self.path == "/slowly" else None

        def finish(self) -> None:
            self.task = asyncio.ensure_future(stream(self.connection)) if self.path == "/stream" else self.answer()

        def answer(self) -> None:
            body = str(self.size).encode().ljust(10240)
            headers = httputil.HTTPHeaders({"Content-Length": str(len(body))})
            self.connection.write_headers(httputil.ResponseStartLine("HTTP/1.1", 200, "OK"), headers, body)
            self.connection.finish()

    async def stream(connection: Any) -> None:
        headers = httputil.HTTPHeaders({"Content-Length": str(1024 * MIB)})
        await connection.write_headers(httputil.ResponseStartLine("HTTP/1.1", 200, "OK"), headers)
        for _ in range(1024):
            await connection.write(bytes(MIB))
        connection.finish()

    class Application(httputil.HTTPServerConnectionDelegate):  # type: ignore[misc]
        def start_request(self, server_conn: Any, request_conn: Any) -> Any:
            return Message(request_conn)

    return Application()


def serve(package: str) -> None:
    """Serve until killed; the first line of output is the port."""
    logging.disable(logging.CRITICAL)
    raise_descriptor_limit()

    async def main() -> None:
        httpserver: Any = importlib.import_module(f"{package}.httpserver")
        netutil: Any = importlib.import_module(f"{package}.netutil")
        sockets = netutil.bind_sockets(0, "127.0.0.1", backlog=4096)
        httpserver.HTTPServer(application(package)).add_sockets(sockets)
        print(sockets[0].getsockname()[1], flush=True)
        await asyncio.Event().wait()

    asyncio.run(main())


def raise_descriptor_limit() -> int:
    """Allow as many descriptors as may be; return how many."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


# The clients


class Server:
    """A serving process, and its memory."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self._process = process
        self._port = port
        self.check_others()
        self._at_rest = self._resident()

    def connect(self) -> socket.socket:
        """Return a connection."""
        return socket.create_connection(("127.0.0.1", self._port))

    def growth(self) -> int:
        """Return the bytes of resident memory beyond those at rest."""
        return max(0, self._resident() - self._at_rest)

    def _resident(self) -> int:
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("the server has ended")

    def check_others(self) -> None:
        """Have an ordinary request answered."""
        with self.connect() as client:
            client.settimeout(30)
            client.sendall(GET)
            assert client.recv(12) == b"HTTP/1.1 200"


@contextlib.contextmanager
def running(package: str) -> Iterator[Server]:
    """Start the server of ``package``."""
    command = [sys.executable, "-m", "benchmarks.server_memory", "--serve", package]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Server(process, int(process.stdout.readline()))
        finally:
            process.kill()


def crowd(server: Server, number: int, sent: bytes) -> str:
    """Open connections that send ``sent`` and then nothing."""
    with contextlib.ExitStack() as stack:
        for count in range(number):
            client = stack.enter_context(server.connect())
            client.sendall(sent)
            if count % 100 == 0:
                server.check_others()
        server.check_others()
        return f"{server.growth() / number:,.0f} bytes for each connection"


def dripping(server: Server, number: int, seconds: int) -> str:
    """Open connections that send a request without end, one byte a second each."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(number)]
        for index in range(seconds):
            due = time.monotonic() + 1
            for client in clients:
                client.sendall(GET[index : index + 1] if index < len(GET) - 4 else b"x")
            server.check_others()
            time.sleep(max(0.0, due - time.monotonic()))
        return f"{server.growth() / number:,.0f} bytes for each connection"


def push(client: socket.socket, data: bytes, bound: int) -> int:
    """Send ``data`` until nobody takes any for a while, or ``bound`` bytes are sent; return how many were."""
    client.setblocking(False)
    sent = 0
    with selectors.DefaultSelector() as ready:
        ready.register(client, selectors.EVENT_WRITE)
        while sent < bound and ready.select(STILL):
            sent += client.send(data)
    return sent


def upload(server: Server, size: int, path: bytes) -> str:
    """Send a large body; the peak is looked up now and then."""
    chunk, sent, peak, begun = bytes(MIB), 0, 0, time.monotonic()
    with server.connect() as client:
        client.sendall(b"POST %b HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (path, size))
        while sent < size:
            client.sendall(chunk)
            sent += len(chunk)
            if sent % (64 * MIB) == 0:
                peak = max(peak, server.growth())
                server.check_others()
        assert client.recv(12) == b"HTTP/1.1 200"
    seconds = time.monotonic() - begun
    return f"{peak / MIB:.1f} MiB at most, {peak / size:.5f} of the body ({size / MIB / seconds:,.0f} MiB a second)"


def pipelining(server: Server) -> str:
    """Send requests and take no answers."""
    with server.connect() as client:
        sent = push(client, GET * 1000, 100 * MIB)
        server.check_others()
        return f"{server.growth() / MIB:.1f} MiB after {sent / len(GET):,.0f} requests ({sent / MIB:.1f} MiB)"


def slow_reader(server: Server) -> str:
    """Ask for 1 GiB and take none of it."""
    with server.connect() as client:
        client.sendall(b"GET /stream HTTP/1.1\r\nHost: h\r\n\r\n")
        time.sleep(2 * STILL)
        server.check_others()
        return f"{server.growth() / MIB:.1f} MiB, {server.growth() / (1024 * MIB):.5f} of the answer"


def main() -> None:
    """Print the figures of each package."""
    parser = argparse.ArgumentParser(description="Memory of servers with difficult clients.")
    parser.add_argument("packages", nargs="*", default=["waterspout", "tornado"])
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--upload-gib", type=float, default=1.0)
    parser.add_argument("--write", action="store_true", help="write to benchmarks/results")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    number = min(options.connections, raise_descriptor_limit() - 100)
    size = int(options.upload_gib * 1024) * MIB
    scenarios = [
        (f"{number:,} silent connections", lambda server: crowd(server, number, b"")),
        (f"{number:,} idle after a request", lambda server: crowd(server, number, GET)),
        ("1,000 with half a head", lambda server: crowd(server, 1000, GET[:-4])),
        ("1,000 at one byte a second", lambda server: dripping(server, 1000, 20)),
        (f"upload of {options.upload_gib:g} GiB", lambda server: upload(server, size, b"/")),
        ("upload of 64 MiB, used slowly", lambda server: upload(server, 64 * MIB, b"/slowly")),
        ("pipelining without reading", pipelining),
        ("large answer, not taken", slow_reader),
    ]
    rows = []
    for title, measure in scenarios:
        found = []
        for package in options.packages:
            with running(package) as server:
                found.append(measure(server))
            print(f"{title:30}  {package:10}  {found[-1]}", flush=True)
        rows.append([title, *found])
    if options.write:
        table = records.markdown(["growth of the server's memory", *options.packages], rows)
        records.keep("server_memory.md", f"# Memory\n\n{table}\n\n{records.circumstances(options.packages)}\n")


if __name__ == "__main__":
    main()
