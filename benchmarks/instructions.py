"""Count the machine instructions that a server spends on one request, or on one WebSocket echo of 64 octets.

valgrind counts them (Debian: ``apt-get install valgrind``), so they hardly depend on what else the machine does. Each
server runs twice, for some exchanges and for more; the difference, divided by the exchanges it is for, leaves out
start and end.

    python -m benchmarks.instructions [--write]
"""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable

from benchmarks import records
from benchmarks.websocket_calls import HANDSHAKE, SIZE, exchange

FEW, MANY = 200, 1200
HELLO = b"GET /sync HTTP/1.1\r\nHost: localhost\r\nUser-Agent: x\r\nAccept: */*\r\nX-Fourth: 4\r\nX-Fifth: 5\r\n\r\n"
PACKAGES = ("waterspout", "tornado")


def requests(client: socket.socket, number: int) -> None:
    """Make ``number`` requests, each after the answer to the one before."""
    for _ in range(number):
        client.sendall(HELLO)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += client.recv(65536)
        head, _, body = answer.partition(b"\r\n\r\n")
        missing = int(re.search(rb"(?i)content-length: (\d+)", head)[1]) - len(body)  # type: ignore[index]
        while missing > 0:
            missing -= len(client.recv(missing))


def echoes(client: socket.socket, number: int) -> None:
    """Open a WebSocket and have ``number`` messages echoed."""
    client.sendall(HANDSHAKE)
    received = b""
    while not received.endswith(b"\r\n\r\n"):
        received += client.recv(1)
    exchange(client, number)


#: What is counted: title, the arguments of the server for a package, and what the client does.
SCENARIOS: list[tuple[str, Callable[[str], list[str]], Callable[[socket.socket, int], None]]] = [
    ("hello, world: synchronous handler", lambda name: ["benchmarks.http_servers", name.title()], requests),
    (f"echo of {SIZE} octets", lambda name: ["benchmarks.websocket_echo", "--serve", name], echoes),
]


def total(arguments: list[str], use: Callable[[socket.socket, int], None], number: int) -> int:
    """Return the instructions of a server that had ``number`` exchanges."""
    valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    command = [*valgrind, sys.executable, "-m", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        with socket.create_connection(("127.0.0.1", int(process.stdout.readline()))) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            use(client, number)
        process.send_signal(signal.SIGTERM)
        said = process.communicate()[1]
    found = re.search(r"I +refs: +([\d,]+)", said)
    if found is None:
        raise SystemExit(f"valgrind did not count:\n{said}")
    return int(found[1].replace(",", ""))


def main() -> None:
    """Count, print the table, and keep it if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instructions")
    parser.add_argument("--write", action="store_true", help="write to benchmarks/results")
    chosen = parser.parse_args()
    if shutil.which("valgrind") is None:
        raise SystemExit("this needs valgrind; on Debian: apt-get install valgrind")
    rows = []
    for title, arguments, use in SCENARIOS:
        counts = []
        for name in PACKAGES:
            few, many = (total(arguments(name), use, number) for number in (FEW, MANY))
            counts.append((many - few) / (MANY - FEW))
        rows.append([title, *(f"{count:,.0f}" for count in counts), f"{counts[0] / counts[1]:.2f}"])
    table = records.markdown(["user instructions of", *PACKAGES, "ratio"], rows)
    said = f"By valgrind; {records.circumstances(PACKAGES)}"
    print(f"{table}\n\n{said}")
    if chosen.write:
        records.keep("instructions.md", f"# Instructions\n\n{table}\n\n{said}\n")


if __name__ == "__main__":
    main()
