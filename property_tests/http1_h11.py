"""Our HTTP/1.1 core beside h11: requests as a server reads them, responses as a client does.

Each side reads the same pieces and ends with a list of items (what was said, in comparable form). Our side
reads the stream whole, too: what comes out may not depend on the cuts. Every stream is followed by the end of
the connection, so that neither side can be waiting for more; of a message that fails, only that it failed is
compared, since how much of its body comes out before is timing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h11

from property_tests.decisions.http1_h11 import PREDICATES, Divergence, Item
from property_tests.differential import AGREED, Comparison, Verdict, explain, load_decisions
from property_tests.strategies.http1 import (
    RequestCase,
    ResponseCase,
    pieces,
    request_cases,
    response_cases,
)
from waterspout.protocol import http1

DECISIONS = load_decisions(Path(__file__).parent / "decisions" / "http1_h11.toml", PREDICATES)


@dataclass
class Outcome:
    """What one side made of a stream; ``starts[i]`` is where the message of ``items[i]`` begins in it."""

    items: list[Item]
    starts: list[int]

    def __init__(self) -> None:
        self.items = []
        self.starts = []

    def add(self, start: int, kind: str, *value: Any) -> None:
        """Note an item; pieces of data become one, and vanish if the message fails."""
        if kind == "failed" and self.items and self.items[-1].kind == "data":
            self.items.pop()
            self.starts.pop()
        if kind == "data" and self.items and self.items[-1].kind == "data":
            value = (self.items[-1].value[0] + value[0],)
            self.items.pop()
            self.starts.pop()
        self.items.append(Item(kind, value))
        self.starts.append(start)


def _lowered(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name.lower(), value) for name, value in headers)


def _text(headers: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)


def _note_ours(outcome: Outcome, event: http1.Event, start: int) -> None:
    if isinstance(event, http1.Request):
        head = (event.method, event.target, event.version, _lowered(event.headers), event.expect_continue)
        outcome.add(start, "request", *head)
    elif isinstance(event, http1.Response | http1.InformationalResponse):
        kind = "response" if isinstance(event, http1.Response) else "interim"
        outcome.add(start, kind, event.status, event.reason, event.version, _lowered(event.headers))
    elif isinstance(event, http1.Data):
        outcome.add(start, "data", event.data)
    elif isinstance(event, http1.EndOfMessage):
        outcome.add(start, "end", _lowered(event.trailers))
    elif isinstance(event, http1.Failure):
        outcome.add(start, "failed", event.message)
    else:
        outcome.add(start, "closed")


def _note_h11(outcome: Outcome, event: Any, expects: bool) -> None:
    if isinstance(event, h11.Request):
        method, target = event.method.decode("latin-1"), event.target.decode("latin-1")
        version = "HTTP/" + event.http_version.decode()
        outcome.add(0, "request", method, target, version, _text(event.headers), expects)
    elif isinstance(event, h11.Response | h11.InformationalResponse):
        kind = "response" if isinstance(event, h11.Response) else "interim"
        reason, version = event.reason.decode("latin-1"), "HTTP/" + event.http_version.decode()
        outcome.add(0, kind, event.status_code, reason, version, _text(event.headers))
    elif isinstance(event, h11.Data):
        outcome.add(0, "data", bytes(event.data))
    elif isinstance(event, h11.EndOfMessage):
        outcome.add(0, "end", _text(event.headers))
    else:
        outcome.add(0, "closed")


def our_server(stream: bytes, sizes: tuple[int, ...]) -> Outcome:
    """Read requests with our core, answering each with a short response."""
    outcome = Outcome()
    conn = http1.ServerConnection()
    fed = start = 0
    for piece in [*pieces(stream, sizes), b""]:
        conn.feed(piece)
        fed += len(piece)
        if not piece:
            conn.feed_eof()
        while True:
            event = conn.next_event()
            if event is None:
                break
            _note_ours(outcome, event, start)
            if isinstance(event, http1.EndOfMessage):
                conn.send(http1.Response(404, "", [("Content-Length", "0")]))
                conn.send(http1.EndOfMessage())
                outcome.add(start, "persists", conn.keep_alive)
                if not conn.keep_alive:
                    return outcome
                conn.start_next_message()
                start = fed - len(conn.leftover())
            elif isinstance(event, http1.Failure | http1.ConnectionClosed):
                return outcome
    return outcome


def h11_server(stream: bytes, sizes: tuple[int, ...]) -> Outcome:
    """Read requests with h11 in the same way."""
    outcome = Outcome()
    conn = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    try:
        for piece in [*pieces(stream, sizes), b""]:
            conn.receive_data(piece)
            while (event := conn.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                _note_h11(outcome, event, conn.they_are_waiting_for_100_continue)
                if isinstance(event, h11.ConnectionClosed):
                    return outcome
                if isinstance(event, h11.EndOfMessage) and not _answer(conn, outcome):
                    return outcome
    except h11.RemoteProtocolError as error:
        outcome.add(0, "failed", str(error))
    return outcome


def _answer(conn: h11.Connection, outcome: Outcome) -> bool:
    conn.send(h11.Response(status_code=404, headers=[("Content-Length", "0")]))
    conn.send(h11.EndOfMessage())
    persists = conn.our_state is h11.DONE and conn.their_state is h11.DONE
    outcome.add(0, "persists", persists)
    if persists:
        conn.start_next_cycle()
    return persists


def our_client(case: ResponseCase, sizes: tuple[int, ...]) -> Outcome:
    """Read the response to one request with our core."""
    outcome = Outcome()
    conn = http1.ClientConnection()
    target, headers = _asked(case)
    conn.send(http1.Request(case.method, target, headers))
    conn.send(http1.EndOfMessage())
    fed = start = 0
    for piece in [*pieces(case.stream, sizes), b""]:
        if not piece:
            _note_end(outcome, conn, start)
            conn.feed_eof()
        conn.feed(piece)
        fed += len(piece)
        while True:
            event = conn.next_event()
            if event is None:
                break
            _note_ours(outcome, event, start)
            if isinstance(event, http1.InformationalResponse):
                start = fed - len(conn.leftover())
            if isinstance(event, http1.Failure | http1.ConnectionClosed):
                return outcome
    if conn.their_state is http1.State.SWITCHED:
        outcome.add(start, "switched", conn.leftover())
    return outcome


def _note_end(outcome: Outcome, conn: http1.ClientConnection, start: int) -> None:
    if conn.their_state is http1.State.DONE:
        outcome.add(start, "persists", conn.keep_alive)


def h11_client(case: ResponseCase, sizes: tuple[int, ...]) -> Outcome:
    """Read the response to one request with h11 in the same way."""
    outcome = Outcome()
    conn = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    target, headers = _asked(case)
    conn.send(h11.Request(method=case.method, target=target, headers=headers))
    conn.send(h11.EndOfMessage())
    try:
        for piece in [*pieces(case.stream, sizes), b""]:
            if not piece and conn.their_state is h11.DONE:
                outcome.add(0, "persists", conn.our_state is h11.DONE)
                return outcome
            conn.receive_data(piece)
            while (event := conn.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                _note_h11(outcome, event, False)
                if isinstance(event, h11.ConnectionClosed):
                    return outcome
                if conn.their_state is h11.MUST_CLOSE:
                    break
            if conn.their_state is h11.MUST_CLOSE:
                # What comes after the last response is nobody's message; h11 would complain of it.
                outcome.add(0, "closed")
                return outcome
    except h11.RemoteProtocolError as error:
        outcome.add(0, "failed", str(error))
    if conn.their_state is h11.SWITCHED_PROTOCOL:
        outcome.add(0, "switched", conn.trailing_data[0])
    return outcome


def _asked(case: ResponseCase) -> tuple[str, list[tuple[str, str]]]:
    headers = [("Host", "example.test")]
    if case.upgrade:
        headers += [("Connection", "upgrade"), ("Upgrade", "x")]
    return ("example.test:443" if case.method == "CONNECT" else "/"), headers


def judge(stream: bytes, method: str, ours: Outcome, chopped: Outcome, theirs: Outcome) -> Verdict:
    """Compare what came out, and name the decision that explains the first difference."""
    if ours.items != chopped.items:
        return Verdict(False, None, f"whole: {ours.items}", f"in pieces: {chopped.items}")
    for index, (mine, other) in enumerate(zip(ours.items, theirs.items, strict=False)):
        if mine == other or mine.kind == other.kind == "failed":
            continue
        before = tuple(ours.items[:index])
        divergence = Divergence(stream[ours.starts[index] :], method, before, mine, other, ours.items[-1])
        decision = explain(DECISIONS, divergence)
        return Verdict(False, decision, str(ours.items[index:]), str(theirs.items[index:]))
    if len(ours.items) != len(theirs.items):
        return Verdict(False, None, str(ours.items), str(theirs.items))
    return AGREED


def compare_requests(case: RequestCase) -> Verdict:
    """Judge one stream of requests."""
    ours, chopped = our_server(case.stream, ()), our_server(case.stream, case.sizes)
    return judge(case.stream, "", ours, chopped, h11_server(case.stream, case.sizes))


def compare_responses(case: ResponseCase) -> Verdict:
    """Judge one response."""
    ours, chopped = our_client(case, ()), our_client(case, case.sizes)
    return judge(case.stream, case.method, ours, chopped, h11_client(case, case.sizes))


COMPARISONS = (
    Comparison("requests", "h11", request_cases(), compare_requests, repr, DECISIONS),
    Comparison("responses", "h11", response_cases(), compare_responses, repr, DECISIONS),
)
