"""Our HTTP/1.1 core beside h11, event for event; see `http1_ours` for what is compared."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import h11

from property_tests.decisions.http1_h11 import PREDICATES
from property_tests.differential import Comparison, Verdict, load_decisions
from property_tests.http1_ours import Outcome, asked, judge, our_client, our_server
from property_tests.reducing import smaller_streams
from property_tests.strategies.http1 import RequestCase, ResponseCase, pieces, request_case, response_case

DECISIONS = load_decisions(Path(__file__).parent / "decisions" / "http1_h11.toml", PREDICATES)


def _text(headers: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)


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


def h11_client(case: ResponseCase, sizes: tuple[int, ...]) -> Outcome:
    """Read the response to one request with h11 in the same way."""
    outcome = Outcome()
    conn = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    target, headers = asked(case)
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


def compare_requests(case: RequestCase) -> Verdict:
    """Judge one stream of requests."""
    ours, chopped = our_server(case.stream, ()), our_server(case.stream, case.sizes)
    return judge(DECISIONS, case.stream, "", ours, chopped, h11_server(case.stream, case.sizes))


def compare_responses(case: ResponseCase) -> Verdict:
    """Judge one response."""
    ours, chopped = our_client(case, ()), our_client(case, case.sizes)
    return judge(DECISIONS, case.stream, case.method, ours, chopped, h11_client(case, case.sizes))


COMPARISONS = (
    Comparison("requests", "h11", request_case, compare_requests, smaller_streams, DECISIONS),
    Comparison("responses", "h11", response_case, compare_responses, smaller_streams, DECISIONS),
)
