"""Predicates that recognise each listed difference in conversations with h11, from the step and both outcomes.

`http1_conversations.toml` says why each difference is right.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from property_tests.strategies.conversations import Conversation, Step

#: The number of a step, what happened, and with what.
Entry = tuple[Any, ...]

_CONTROLS = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class Divergence:
    """Where a pairing parts from h11 with itself: the first entry that differs, and the step it belongs to."""

    case: Conversation
    pair: str
    number: int
    ours: Entry
    theirs: Entry

    @property
    def step(self) -> Step:
        """What was said, or to be said."""
        return self.case.steps[self.number]

    @property
    def names(self) -> list[str]:
        """The names of the step's fields, in lower case."""
        return [name.lower() for name, _ in self.step.fields]

    def _only(self, entry: Entry, other: Entry, kind: str, causes: tuple[str, ...]) -> bool:
        return entry[1] == kind != other[1] and any(cause in entry[2] for cause in causes)

    def we_refuse(self, *causes: str) -> bool:
        """Whether our side does not say it, or does not accept what h11 says, for one of these causes."""
        saying, hearing = (self._only(self.ours, self.theirs, kind, causes) for kind in ("refused", "failed"))
        return saying or hearing

    def they_refuse(self, *causes: str) -> bool:
        """Whether h11 does not say it, for one of these causes, and our side does."""
        return self._only(self.theirs, self.ours, "refused", causes)


def framing_without_body(d: Divergence) -> bool:
    """A framing field in a 1xx or 204 response, or in a 2xx to CONNECT."""
    return d.we_refuse("neither Content-Length nor Transfer-Encoding") and bool(
        {"content-length", "transfer-encoding"} & set(d.names)
    )


def framing_in_trailers(d: Divergence) -> bool:
    """A trailer that frames or routes."""
    return d.we_refuse("not allowed in a trailer section") and d.step.kind == "end"


def length_and_coding(d: Divergence) -> bool:
    """Content-Length beside Transfer-Encoding."""
    return d.we_refuse("both Content-Length and Transfer") and {
        "content-length",
        "transfer-encoding",
    } <= set(d.names)


def control_characters(d: Divergence) -> bool:
    """A control character other than HTAB in a value or reason."""
    texts = [value for _, value in d.step.fields] + [d.step.second]
    return d.we_refuse("control or non-latin-1", "malformed field line", "malformed status line") and any(
        _CONTROLS.search(text) for text in texts
    )


def request_target(d: Divergence) -> bool:
    """A target that is no URI's, or not of a form that its method takes."""
    return d.we_refuse("request target", "the target of CONNECT", "malformed request line") and d.step.kind == "request"


def padded_value(d: Divergence) -> bool:
    """Whitespace around a value."""
    padded = any(value != value.strip(" \t") for _, value in d.step.fields)
    return d.they_refuse("Illegal header value") and padded


def interim_as_response(d: Divergence) -> bool:
    """A ``Response`` whose status is of an interim response."""
    return d.they_refuse("status_code should be in range") and d.step.kind == "response" and int(d.step.first) < 200


def chunks_without_request(d: Divergence) -> bool:
    """A chunked response before any request."""
    kinds = [step.kind for step in d.case.steps[: d.number]]
    asked = "request" in kinds and ("next" not in kinds or kinds[::-1].index("request") < kinds[::-1].index("next"))
    return d.we_refuse("chunked needs an HTTP/1.1 request") and not asked


def response_without_request(d: Divergence) -> bool:
    """A response while the client has not asked."""
    return d.we_refuse("answers no request") and d.step.kind == "response"


def upgrade_without_option(d: Divergence) -> bool:
    """101 in answer to a request whose Connection does not name Upgrade."""
    return d.we_refuse("101 answers a request with Upgrade only") and d.step.first == 101


def early_answer_to_connect(d: Divergence) -> bool:
    """2xx to CONNECT, or 101, while the request's body is still to come."""
    return d.we_refuse("read the request") and d.step.kind in ("response", "interim")


PREDICATES: dict[str, Callable[[Divergence], bool]] = {
    predicate.__name__: predicate
    for predicate in (
        framing_without_body,
        framing_in_trailers,
        length_and_coding,
        control_characters,
        request_target,
        padded_value,
        interim_as_response,
        chunks_without_request,
        response_without_request,
        upgrade_without_option,
        early_answer_to_connect,
    )
}
