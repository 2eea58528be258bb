"""Our HTTP/1.1 core as the comparisons run it: requests as a server reads them, responses as a client does.

Each side of a comparison reads the same pieces and ends with a list of items (what was said, in comparable form).
Our side reads the stream whole, too: what comes out may not depend on the cuts. Every stream is followed by the
end of the connection, so that neither side can be waiting for more; of a message that fails, only that it failed
is compared, since how much of its body comes out before is timing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from property_tests.decisions.http1_divergence import Divergence, Item
from property_tests.differential import AGREED, Decision, Verdict, explain
from property_tests.strategies.http1 import ResponseCase, pieces
from waterspout.protocol import http1


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


def lowered(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Fields with their names in lower case."""
    return tuple((name.lower(), value) for name, value in headers)


def _note_ours(outcome: Outcome, event: http1.Event, start: int) -> None:
    if isinstance(event, http1.Request):
        head = (event.method, event.target, event.version, lowered(event.headers), event.expect_continue)
        outcome.add(start, "request", *head)
    elif isinstance(event, http1.Response | http1.InformationalResponse):
        kind = "response" if isinstance(event, http1.Response) else "interim"
        outcome.add(start, kind, event.status, event.reason, event.version, lowered(event.headers))
    elif isinstance(event, http1.Data):
        outcome.add(start, "data", event.data)
    elif isinstance(event, http1.EndOfMessage):
        outcome.add(start, "end", lowered(event.trailers))
    elif isinstance(event, http1.Failure):
        outcome.add(start, "failed", event.message)
    else:
        outcome.add(start, "closed")


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


def our_client(case: ResponseCase, sizes: tuple[int, ...]) -> Outcome:
    """Read the response to one request with our core."""
    outcome = Outcome()
    conn = http1.ClientConnection()
    target, headers = asked(case)
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


def asked(case: ResponseCase) -> tuple[str, list[tuple[str, str]]]:
    """Target and fields of the request that the response answers."""
    headers = [("Host", "example.test")]
    if case.upgrade:
        headers += [("Connection", "upgrade"), ("Upgrade", "x")]
    return ("example.test:443" if case.method == "CONNECT" else "/"), headers


def judge(
    decisions: tuple[Decision[Divergence], ...],
    stream: bytes,
    method: str,
    ours: Outcome,
    chopped: Outcome,
    theirs: Outcome,
) -> Verdict:
    """Compare what came out, and name the decision that explains the first difference."""
    if ours.items != chopped.items:
        return Verdict(False, None, f"whole: {ours.items}", f"in pieces: {chopped.items}")
    for index, (mine, other) in enumerate(zip(ours.items, theirs.items, strict=False)):
        if mine == other or mine.kind == other.kind == "failed":
            continue
        before = tuple(ours.items[:index])
        divergence = Divergence(stream[ours.starts[index] :], method, before, mine, other, ours.items[-1])
        decision = explain(decisions, divergence)
        return Verdict(False, decision, str(ours.items[index:]), str(theirs.items[index:]))
    if len(ours.items) != len(theirs.items):
        return Verdict(False, None, str(ours.items), str(theirs.items))
    return AGREED
