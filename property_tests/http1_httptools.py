"""Our HTTP/1.1 core beside httptools, which is llhttp, the parser of Node; see `http1_ours` for what is compared.

llhttp reports no expectations, so these are left out. It cannot be told of the end of the input nor of the request
that a response answers; therefore an incomplete message counts as failed at the end, but for a response that ends
with the connection, and every response answers GET. After a request that asks for another protocol it stops; this
server refuses the upgrade and reads on with a new parser, as uvicorn does.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import httptools

from property_tests.decisions.http1_divergence import Item
from property_tests.decisions.http1_httptools import PREDICATES
from property_tests.differential import Comparison, Verdict, load_decisions
from property_tests.http1_ours import Outcome, judge, our_client, our_server
from property_tests.reducing import smaller_streams
from property_tests.strategies.http1 import RequestCase, ResponseCase, pieces, request_case, response_case

DECISIONS = load_decisions(Path(__file__).parent / "decisions" / "http1_httptools.toml", PREDICATES)


class _Reading:
    """What llhttp's callbacks tell of one connection."""

    def __init__(self, parser: type[httptools.HttpRequestParser] | type[httptools.HttpResponseParser]) -> None:
        self.outcome = Outcome()
        self.over = False
        self.in_message = False
        self._kind = parser
        self._parser = parser(self)

    def feed(self, data: bytes) -> None:
        """Read on, after an upgrade that is refused with a new parser."""
        while data and not self.over:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
                self.upgraded(data)
            except httptools.HttpParserCallbackError:
                raise
            except httptools.HttpParserError as error:
                if not self.over:
                    self.outcome.add(0, "failed", str(error))
                self.over = True
            else:
                return

    def upgraded(self, rest: bytes) -> None:
        self._parser = self._kind(self)

    def on_message_begin(self) -> None:
        self.in_message = True
        self.head_complete = False
        self.first = b""
        self.fields: list[tuple[str, str]] = []
        self.trailers: list[tuple[str, str]] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        field = (name.decode("latin-1").lower(), value.decode("latin-1"))
        (self.trailers if self.head_complete else self.fields).append(field)

    def on_headers_complete(self) -> None:
        self.head_complete = True
        if not self.over:
            self.note_head("HTTP/" + self._parser.get_http_version(), tuple(self.fields))

    def note_head(self, version: str, fields: tuple[tuple[str, str], ...]) -> None:
        raise NotImplementedError

    def on_body(self, data: bytes) -> None:
        if not self.over:
            self.outcome.add(0, "data", data)

    def on_message_complete(self) -> None:
        self.in_message = False
        if not self.over:
            self.note_end(self._parser.should_keep_alive())

    def note_end(self, persists: bool) -> None:
        raise NotImplementedError


class _Requests(_Reading):
    def on_url(self, part: bytes) -> None:
        self.first += part

    def note_head(self, version: str, fields: tuple[tuple[str, str], ...]) -> None:
        method, target = self._parser.get_method().decode("latin-1"), self.first.decode("latin-1")
        self.outcome.add(0, "request", method, target, version, fields)

    def note_end(self, persists: bool) -> None:
        self.outcome.add(0, "end", tuple(self.trailers))
        self.outcome.add(0, "persists", persists)
        self.over = not persists


class _Responses(_Reading):
    status = 0
    persists = True
    rest: bytes | None = None

    def on_status(self, part: bytes) -> None:
        self.first += part

    def note_head(self, version: str, fields: tuple[tuple[str, str], ...]) -> None:
        self.status = self._parser.get_status_code()
        kind = "interim" if self.status < 200 else "response"
        self.outcome.add(0, kind, self.status, self.first.decode("latin-1"), version, fields)

    def note_end(self, persists: bool) -> None:
        if self.status >= 200:
            self.outcome.add(0, "end", tuple(self.trailers))
            self.persists = persists
            self.over = True

    def upgraded(self, rest: bytes) -> None:
        self.rest = rest
        self.over = True

    @property
    def ends_with_the_connection(self) -> bool:
        """Whether the response that is being read has no other end."""
        framed = {"content-length", "transfer-encoding"} & {name for name, _ in self.fields}
        return self.head_complete and self.status >= 200 and not framed


def httptools_server(stream: bytes, sizes: tuple[int, ...]) -> Outcome:
    """Read requests with llhttp, refusing every upgrade."""
    reading = _Requests(httptools.HttpRequestParser)
    for piece in pieces(stream, sizes):
        reading.feed(piece)
    if not reading.over:
        if reading.in_message:
            reading.outcome.add(0, "failed", "the stream ends within a message")
        else:
            reading.outcome.add(0, "closed")
    return reading.outcome


def httptools_client(case: ResponseCase, sizes: tuple[int, ...]) -> Outcome:
    """Read the response to one GET with llhttp."""
    reading = _Responses(httptools.HttpResponseParser)
    for piece in pieces(case.stream, sizes):
        if reading.rest is None:
            reading.feed(piece)
        else:
            reading.rest += piece
    outcome = reading.outcome
    if reading.rest is not None:
        outcome.add(0, "switched", reading.rest)
    elif reading.over and outcome.items[-1].kind == "end":
        outcome.add(0, *(("persists", True) if reading.persists else ("closed",)))
    elif not reading.over and reading.in_message and reading.ends_with_the_connection:
        outcome.add(0, "end", ())
        outcome.add(0, "closed")
    elif not reading.over and reading.in_message:
        outcome.add(0, "failed", "the stream ends before the response does")
    elif not reading.over:
        outcome.add(0, "closed")
    return outcome


def _without_expectation(outcome: Outcome) -> Outcome:
    outcome.items = [Item(one.kind, one.value[:4]) if one.kind == "request" else one for one in outcome.items]
    return outcome


def compare_requests(case: RequestCase) -> Verdict:
    """Judge one stream of requests."""
    ours = _without_expectation(our_server(case.stream, ()))
    chopped = _without_expectation(our_server(case.stream, case.sizes))
    return judge(DECISIONS, case.stream, "", ours, chopped, httptools_server(case.stream, case.sizes))


def compare_responses(case: ResponseCase) -> Verdict:
    """Judge one response."""
    ours, chopped = our_client(case, ()), our_client(case, case.sizes)
    return judge(DECISIONS, case.stream, case.method, ours, chopped, httptools_client(case, case.sizes))


def response_to_get(random: Random) -> ResponseCase:
    """A case whose request is GET."""
    return replace(response_case(random), method="GET")


COMPARISONS = (
    Comparison("requests", "httptools", request_case, compare_requests, smaller_streams, DECISIONS),
    Comparison("responses", "httptools", response_to_get, compare_responses, smaller_streams, DECISIONS),
)
