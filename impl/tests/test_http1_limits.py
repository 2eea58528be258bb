"""Limits at their borders, and work that grows with the input and no faster."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from _scaling import assert_linear

from waterspout.protocol.http1 import (
    Data,
    EndOfMessage,
    Event,
    Failure,
    Limits,
    Request,
    Response,
    ServerConnection,
)
from waterspout.protocol.http1.buffer import ReceiveBuffer

HEAD = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


def read(stream: bytes, limits: Limits, size: int) -> list[Event]:
    conn = ServerConnection(limits)
    events = []
    for start in range(0, len(stream), size):
        conn.feed(stream[start : start + size])
        while (event := conn.next_event()) is not None:
            events.append(event)
    return events


def verdict(stream: bytes, limits: Limits) -> int | None:
    """The status of the failure, which must not depend on the cuts; None when all was read."""
    found = set()
    for size in (1, 2, 7, len(stream)):
        failures = [event for event in read(stream, limits, size) if isinstance(event, Failure)]
        found.add((failures[0].status, failures[0].message) if failures else None)
    assert len(found) == 1, f"the outcome depends on the cuts: {found}"
    outcome = found.pop()
    return outcome and outcome[0]


CHUNKED = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
SIZED = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"


@pytest.mark.parametrize(
    ("stream", "name", "needed", "status"),
    [
        (HEAD, "start_line", len(b"GET / HTTP/1.1"), 414),
        (HEAD, "head", len(HEAD), 431),
        (b"GET / HTTP/1.1\r\nHost: h\r\nA: b\r\nC: d\r\n\r\n", "fields", 3, 431),
        (SIZED, "body", 3, 413),
        (CHUNKED + b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", "body", 3, 413),
        (CHUNKED + b"003;a=b\r\nabc\r\n0\r\n\r\n", "chunk_line", 7, 400),
        (CHUNKED + b"2;a=b\r\nab\r\n1;c\r\nc\r\n0;d\r\n\r\n", "chunk_extensions", 8, 400),
        (CHUNKED + b"0\r\nA: b\r\n\r\n", "trailers", 8, 431),
        (CHUNKED + b"0\r\nA: b\r\nC: d\r\nE: f\r\n\r\n", "fields", 3, 431),
        (b"\r\n\r\n" + HEAD, "empty_lines", 2, 400),
    ],
)
def test_what_fits_a_limit_passes_and_one_more_does_not(stream: bytes, name: str, needed: int, status: int) -> None:
    """Every limit is exact, at every chopping."""
    fitting: dict[str, Any] = {name: needed}
    tight: dict[str, Any] = {name: needed - 1}
    assert verdict(stream, replace(Limits(), **fitting)) is None
    assert verdict(stream, replace(Limits(), **tight)) == status


def test_an_endless_line_fails_at_the_first_octet_that_cannot_fit() -> None:
    """The line and its line end take two octets more than the limit; nothing is waited for beyond them."""
    conn = ServerConnection(Limits(start_line=100))
    conn.feed(b"x" * 101)
    assert conn.next_event() is None
    conn.feed(b"x")
    assert isinstance(conn.next_event(), Failure)


def test_a_line_feed_before_a_request_is_not_saved_by_a_body_that_ends_with_a_carriage_return() -> None:
    """The fault is the same whether the octets before the head are still in the buffer or not."""
    stream = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nabc\r\n" + HEAD
    failures = []
    for cut in (0, len(stream) - len(HEAD) - 1):
        conn = ServerConnection()
        for piece in (stream[:cut], stream[cut:]):
            conn.feed(piece)
            while conn.next_event() is not None:
                pass
        conn.send(Response(204))
        conn.send(EndOfMessage())
        conn.start_next_message()
        failures.append(conn.next_event())
    assert failures == [Failure(400, "LF without CR in a message head")] * 2


def test_spent_octets_leave_the_buffer_though_it_never_runs_empty() -> None:
    """Reads that always end within an element do not add up."""
    buffer = ReceiveBuffer()
    buffer.feed(b"x" * 10)
    for _ in range(1000):
        buffer.feed(b"x" * 100)
        assert buffer.take(100) == b"x" * 100
    assert len(buffer) == 10
    assert len(buffer.data) < 1000


def test_no_body_limit_means_none() -> None:
    """Only the size of numbers still bounds what can be declared."""
    assert verdict(SIZED, Limits(body=None)) is None
    assert verdict(CHUNKED + b"7FFFFFFFFFFFFFFF\r\nabc", Limits(body=None)) is None
    assert verdict(CHUNKED + b"8000000000000000\r\nabc", Limits(body=None)) == 400


def test_lone_line_feeds_end_lines_of_the_head_only_where_that_is_allowed() -> None:
    """With the leniency the same request is read at every chopping; chunk lines stay strict, and so do lone
    CRs.
    """
    lenient = Limits(bare_lf=True)
    stream = b"\nPOST / HTTP/1.1\nHost: h\r\nTransfer-Encoding: chunked\n\n"
    for size in (1, 3, 1000):
        events = read(stream + b"0\r\n\r\n", lenient, size)
        assert [type(event) for event in events] == [Request, EndOfMessage]
    assert verdict(stream + b"0\n\n", lenient) == 400
    assert verdict(b"GET / HTTP/1.1\nHost: h\rX: y\n\n", lenient) == 400
    assert verdict(stream, Limits()) == 400
    assert verdict(b"GET / HTTP/1.1\n" + b"A" * 200, Limits(bare_lf=True, head=100)) == 431


@pytest.mark.parametrize(
    ("stream", "status"),
    [
        (b"GET / HTTP/2.0\r\nA: \x00\r\n\r\n", 505),
        (b"GET /\x00 HTTP/2.0\r\n\r\n", 400),
        (b"GET /" + b"a" * 100 + b"\x00", 414),
        (b"GET / HTTP/1.1\r\n" + b"a" * 200 + b"\x00", 431),
        (b"GET / HTTP/2.0\r\n" + b"a" * 200, 505),
        (b"GET /\r" + b"a" * 100, 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"[:-2] + b"\n", 400),
        (b"\r\n\r\n\r\n\r\n\r\n", 400),
    ],
)
def test_the_first_of_two_faults_is_reported_at_every_chopping(stream: bytes, status: int) -> None:
    """Faults and limits are judged in the order in which the octets came."""
    assert verdict(stream, Limits(start_line=60, head=150)) == status


def _stream(kind: str, n: int) -> bytes:
    return {
        "one long field": b"GET / HTTP/1.1\r\nHost: h\r\nA: " + b"x" * n + b"\r\n\r\n",
        "spaces": b"GET / HTTP/1.1\r\nHost: h\r\nA: " + b" " * n + b"\x01\r\n\r\n",
        "many fields": b"GET / HTTP/1.1\r\nHost: h\r\n" + b"A: b\r\n" * (n // 6) + b"\r\n",
        "long chunk line": CHUNKED + b"3;a=" + b"x" * n + b"\r\nabc\r\n0\r\n\r\n",
        "quoted extension": CHUNKED + b'3;a="' + b"\\x" * (n // 2) + b"\r\n",
        "spaced extensions": CHUNKED + b"3" + b" ;a" * (n // 3) + b" x\r\n",
        "small chunks": CHUNKED + b"1\r\na\r\n" * (n // 6) + b"0\r\n\r\n",
        "trailers": CHUNKED + b"0\r\n" + b"A: b\r\n" * (n // 6) + b"\r\n",
        "hosts": b"GET / HTTP/1.1\r\nHost: " + b"a." * (n // 2) + b"/\r\n\r\n",
        "codings": b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: a" + b";b=c " * (n // 5) + b"\r\n\r\n",
        "folds": b"GET / HTTP/1.1\r\nHost: h\r\n" + b"A: b\r\n c\r\n" * (n // 10) + b"\r\n",
    }[kind]


ROOMY = Limits(10**7, 10**7, 10**7, None, 10**7, 10**7, 10**7)
KINDS = [
    "one long field",
    "spaces",
    "many fields",
    "long chunk line",
    "quoted extension",
    "spaced extensions",
]
KINDS += ["small chunks", "trailers", "hosts", "codings", "folds"]


@pytest.mark.parametrize("size", [1, 100_000_000], ids=["octet by octet", "whole"])
@pytest.mark.parametrize("kind", KINDS)
def test_work_grows_with_the_input_and_no_faster(kind: str, size: int) -> None:
    """Eight times the input takes about eight times the work; quadratic work would be 64 times as much."""
    small, large = (4_000, 32_000) if size == 1 else (40_000, 320_000)
    assert_linear(lambda n: read(_stream(kind, n), ROOMY, size), small, large)


def test_a_pipeline_is_read_in_linear_time_and_without_growing() -> None:
    """Thousands of requests in one write are read one at a time from one buffer."""

    def serve(count: int) -> None:
        conn = ServerConnection()
        conn.feed(HEAD * count)
        for _ in range(count):
            assert isinstance(conn.next_event(), Request)
            assert conn.next_event() == EndOfMessage()
            conn.send(Response(204))
            conn.send(EndOfMessage())
            conn.start_next_message()
        assert conn.next_event() is None

    assert_linear(serve, 500, 4000)


def test_whole_reads_of_a_body_are_passed_on_without_a_copy() -> None:
    """The object that came in goes out when a read holds nothing but body."""
    conn = ServerConnection()
    conn.feed(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000\r\n\r\n")
    conn.next_event()
    for piece in (b"x" * 1000, b"y" * 1000):
        conn.feed(piece)
        event = conn.next_event()
        assert isinstance(event, Data)
        assert event.data is piece
