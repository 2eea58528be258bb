"""Time of the HTTP/1.1 core beside h11's, in one process, as ratios.

Run: ``python benchmarks/http1_core.py [repetitions]``. Each figure is the best of several rounds, in which
the two sides take turns, so that a busy machine slows both. Microseconds depend on the machine; the ratios
are what to compare.
"""

from __future__ import annotations

import sys
import timeit
from collections.abc import Callable

import h11

from waterspout.protocol import http1

REQUEST = (
    b"GET /hello?name=world HTTP/1.1\r\n"
    b"Host: example.test\r\n"
    b"User-Agent: benchmark/1.0\r\n"
    b"Accept: text/html,application/xhtml+xml\r\n"
    b"Accept-Encoding: gzip, deflate\r\n"
    b"Connection: keep-alive\r\n"
    b"\r\n"
)
FIELDS = [("Content-Type", "text/plain"), ("Content-Length", "12"), ("Server", "x"), ("Date", "today")]
RAW_FIELDS = [(name.encode(), value.encode()) for name, value in FIELDS]
BODY = b"Hello, world"
CHUNKED = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + b"400\r\n" + b"x" * 1024 + b"\r\n"
UPLOAD = CHUNKED + (b"400\r\n" + b"x" * 1024 + b"\r\n") * 63 + b"0\r\n\r\n"


def our_get() -> Callable[[], object]:
    """A keep-alive GET: read, answered, started anew."""
    conn = http1.ServerConnection()

    def cycle() -> bytes:
        conn.feed(REQUEST)
        conn.next_event()
        conn.next_event()
        octets = conn.send(http1.Response(200, "OK", FIELDS))
        octets += conn.send(http1.Data(BODY))
        octets += conn.send(http1.EndOfMessage())
        conn.start_next_message()
        return octets

    return cycle


def h11_get() -> Callable[[], object]:
    """The same with h11."""
    conn = h11.Connection(h11.SERVER)

    def cycle() -> bytes:
        conn.receive_data(REQUEST)
        conn.next_event()
        conn.next_event()
        octets = conn.send(h11.Response(status_code=200, reason=b"OK", headers=RAW_FIELDS)) or b""
        octets += conn.send(h11.Data(data=BODY)) or b""
        octets += conn.send(h11.EndOfMessage()) or b""
        conn.start_next_cycle()
        return octets

    return cycle


def our_upload(size: int) -> Callable[[], object]:
    """A chunked body of 64 KiB, read in pieces."""

    def cycle() -> None:
        conn = http1.ServerConnection()
        for start in range(0, len(UPLOAD), size):
            conn.feed(UPLOAD[start : start + size])
            while conn.next_event() is not None:
                pass

    return cycle


def h11_upload(size: int) -> Callable[[], object]:
    """The same with h11."""

    def cycle() -> None:
        conn = h11.Connection(h11.SERVER)
        for start in range(0, len(UPLOAD), size):
            conn.receive_data(UPLOAD[start : start + size])
            while conn.next_event() not in (h11.NEED_DATA, h11.PAUSED):
                pass

    return cycle


CASES = [
    ("keep-alive GET, 5 fields", our_get(), h11_get(), 1),
    ("chunked upload, 64 KiB pieces", our_upload(65536), h11_upload(65536), 20),
    ("chunked upload, 100 octet pieces", our_upload(100), h11_upload(100), 100),
]


def main() -> None:
    """Print a line for each case."""
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    for name, ours, theirs, divisor in CASES:
        number = max(1, repetitions // divisor)
        best_ours = best_theirs = float("inf")
        for _ in range(5):
            best_ours = min(best_ours, timeit.timeit(ours, number=number) / number * 1e6)
            best_theirs = min(best_theirs, timeit.timeit(theirs, number=number) / number * 1e6)
        ratio = best_theirs / best_ours
        print(f"{name:34} waterspout {best_ours:9.1f} us   h11 {best_theirs:9.1f} us   {ratio:5.1f} x")


if __name__ == "__main__":
    main()
