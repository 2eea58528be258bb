"""Count what a server does for one hello-world request on a kept-alive connection.

A count repeats exactly, so it can be compared without a quiet machine.  Waterspout and Tornado run in turn in
this one process: the same client sends the same request over a loopback socket.  `sys.setprofile` counts calls
of Python functions and of C functions on the server's thread, and among the latter those that are system
calls; a trace function counts bytecode instructions.  Two levels are counted: the server layer alone, with a
function as the application, and ``web`` with a handler, where the package has it.

    python benchmarks/server_calls.py
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any

WARM_UP = 50
COUNTED = 200
REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: counter\r\nAccept: */*\r\n"
    b"Accept-Encoding: gzip\r\nConnection: keep-alive\r\n\r\n"
)
#: Methods of sockets and of the selector that are one system call each.
SYSTEM_CALLS = ("recv", "recv_into", "send", "sendmsg", "setsockopt", "poll")
#: Functions of asyncio, one of which runs whenever a task, a future, a timer or a callback is made.
OBJECTS = ("create_task", "create_future", "call_later", "call_at", "call_soon", "ensure_future")


class CallCounter:
    """Counts calls while it is switched on."""

    def __init__(self) -> None:
        self.python = 0
        self.native = 0
        self.functions: Counter[str] = Counter()
        self.natives: Counter[str] = Counter()

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
            self.natives[arg.__name__] += 1

    def system_calls(self) -> dict[str, float]:
        """Return how often each system call was made for one request; what was never made is left out."""
        return {name: round(self.natives[name] / COUNTED, 1) for name in SYSTEM_CALLS if self.natives[name]}

    def objects(self) -> dict[str, int]:
        """Return how often each of `OBJECTS` was called for all requests together."""
        names = Counter(name.rpartition(":")[2] for name in self.functions.elements())
        return {name: names[name] for name in OBJECTS if names[name]}


class BytecodeCounter:
    """Counts bytecode instructions while it is switched on."""

    def __init__(self) -> None:
        self.instructions = 0

    def start(self) -> None:
        # Python 3.12 reports instructions only if a frame asked for them before.
        sys._getframe().f_trace_opcodes = True
        sys.settrace(self._enter)

    def stop(self) -> None:
        sys.settrace(None)

    def _enter(self, frame: FrameType, event: str, arg: Any) -> Any:
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        return self._step

    def _step(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "opcode":
            self.instructions += 1
        return self._step


def callback_application(package: str) -> Any:
    """Return a function that answers on the server layer alone."""
    httputil = importlib.import_module(f"{package}.httputil")
    start_line = httputil.ResponseStartLine("HTTP/1.1", 200, "OK")

    def answer(request: Any) -> None:
        headers = httputil.HTTPHeaders({"Content-Length": "12", "Content-Type": "text/plain"})
        request.connection.write_headers(start_line, headers, b"Hello, world")
        request.connection.finish()

    return answer


def web_application(package: str) -> Any:
    """Return an application with one handler."""
    web = importlib.import_module(f"{package}.web")

    class Hello(web.RequestHandler):  # type: ignore[misc, name-defined]
        def get(self) -> None:
            self.write("Hello, world")

    return web.Application([("/", Hello)], log_function=lambda handler: None)


def exchange(client: socket.socket, number: int) -> None:
    """Send the request ``number`` times, each after the answer to the one before."""
    for _ in range(number):
        client.sendall(REQUEST)
        received = b""
        while not received.endswith(b"Hello, world"):
            received += client.recv(65536)


async def count(package: str, application: Any, counter: CallCounter | BytecodeCounter) -> None:
    """Have ``counter`` count what happens in `COUNTED` requests."""
    httpserver = importlib.import_module(f"{package}.httpserver")
    netutil = importlib.import_module(f"{package}.netutil")
    server = httpserver.HTTPServer(application)
    sockets = netutil.bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    loop = asyncio.get_running_loop()
    done = asyncio.Event()

    def client() -> None:
        with socket.create_connection(sockets[0].getsockname()) as connection:
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


def calls(package: str, application: Any) -> CallCounter:
    """Return the calls made for `COUNTED` requests."""
    counter = CallCounter()
    asyncio.run(count(package, application, counter))
    return counter


def bytecodes(package: str, application: Any) -> float:
    """Return the bytecode instructions that one request takes."""
    counter = BytecodeCounter()
    asyncio.run(count(package, application, counter))
    return counter.instructions / COUNTED


def report(level: str, make_application: Callable[[str], Any], needed: str) -> None:
    """Print one line for each package that has the module ``needed``."""
    for package in ("waterspout", "tornado"):
        if importlib.util.find_spec(f"{package}.{needed}") is None:
            print(f"{level:12}  {package:10}  has no {needed}")
            continue
        counter = calls(package, make_application(package))
        instructions = bytecodes(package, make_application(package))
        python, native = counter.python / COUNTED, counter.native / COUNTED
        made = sum(counter.objects().values()) / COUNTED
        print(
            f"{level:12}  {package:10}  {python:6.1f} Python calls  {native:6.1f} C calls"
            f"  {instructions:7.1f} bytecodes  {made:4.1f} tasks, futures, timers, callbacks  {counter.system_calls()}"
        )
        if "-v" in sys.argv:
            for name, number in counter.functions.most_common():
                if number >= COUNTED // 2:
                    print(f"        {number / COUNTED:5.1f}  {name}")


if __name__ == "__main__":
    report("server layer", callback_application, "httpserver")
    report("web", web_application, "web")
