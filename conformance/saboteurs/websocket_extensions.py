"""Servers that agree on compression wrongly."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from conformance.saboteurs.websocket_wire import WebSocketTamper, lie, with_field
from conformance.wire.deflate import Broken, Inflation
from conformance.wire.frames import Frame, frame
from conformance.wire.opening import parse_fields

CHAPTER = "extensions"
FIELD = "Sec-WebSocket-Extensions"

Change = Callable[["str | None"], "str | None"]


def extensions(head: bytes) -> str | None:
    """Return the value of the field for extensions, None where there is none."""
    values = [value for name, value in parse_fields(head) if name == FIELD.lower()]
    return ", ".join(values) if values else None


def agreement_lie(
    name: str,
    sentence: str,
    chapter: str,
    *kills: str,
    offer: Change | None = None,
    answer: Callable[[str | None, str | None], str | None] | None = None,
) -> None:
    """Register a saboteur that changes what is offered on its way in, and what is answered on its way out.

    ``answer`` gets the offer, as the suite made it, and the reference's answer.
    """

    class Agreeing(WebSocketTamper):
        def request(self, head: bytes) -> bytes:
            if offer is None or extensions(head) is None:
                return head
            return with_field(head, FIELD, offer(extensions(head)))

        def response(self, head: bytes) -> bytes:
            if answer is None or not head.startswith(b"HTTP/1.1 101"):
                return head
            return with_field(head, FIELD, answer(extensions(self.asked), extensions(head)))

    lie(name, sentence, chapter, *kills)(Agreeing)


def without(value: str | None, parameter: str) -> str | None:
    """Return an offer or an answer without a parameter."""
    return None if value is None else re.sub(rf"\s*;\s*{parameter}(=[^;,]*)?", "", value)


def with_parameter(value: str | None, parameter: str) -> str | None:
    """Return an answer with a parameter more."""
    return None if value is None else f"{value}; {parameter}"


agreement_lie(
    "ws-never-compresses",
    "The server declines every offer of compression.",
    CHAPTER,
    "negotiation.accepted",
    "negotiation.next-offer",
    "negotiation.preferred-offer",
    "negotiation.server-takeover-supported",
    "negotiation.client-takeover",
    offer=lambda value: None,
)
agreement_lie(
    "ws-client-window-imposed",
    "The server limits the client's window, whether that can be limited or not.",
    CHAPTER,
    "negotiation.client-window-not-imposed",
    answer=lambda offer, value: with_parameter(value, "client_max_window_bits=12"),
)
agreement_lie(
    "ws-client-window-bare",
    "The server repeats client_max_window_bits without a number.",
    CHAPTER,
    "negotiation.client-window",
    answer=lambda offer, value: (
        with_parameter(without(value, "client_max_window_bits"), "client_max_window_bits")
        if offer and "client_max_window_bits" in offer
        else value
    ),
)
agreement_lie(
    "ws-flag-with-value",
    "The server writes client_no_context_takeover=1.",
    CHAPTER,
    "negotiation.client-takeover",
    answer=lambda offer, value: with_parameter(
        without(value, "client_no_context_takeover"), "client_no_context_takeover=1"
    ),
)
agreement_lie(
    "ws-server-takeover-ignored",
    "The server overlooks server_no_context_takeover in an offer.",
    CHAPTER,
    "negotiation.server-takeover",
    "negotiation.server-takeover-supported",
    offer=lambda value: without(value, "server_no_context_takeover"),
)
agreement_lie(
    "ws-larger-window-answered",
    "The server answers a larger window than it was asked for.",
    CHAPTER,
    "negotiation.server-window",
    "negotiation.preferred-offer",
    offer=lambda value: without(value, "server_max_window_bits"),
    answer=lambda offer, value: with_parameter(value, "server_max_window_bits=15"),
)
agreement_lie(
    "ws-quoted-value-lost",
    "Parameters with quoted values are overlooked.",
    CHAPTER,
    "negotiation.quoted",
    offer=lambda value: without(value, "server_max_window_bits") if value and '"' in value else value,
)
agreement_lie(
    "ws-tiny-windows",
    "The server asks for windows of 256 bytes.",
    CHAPTER,
    "negotiation.useful-window",
    answer=lambda offer, value: (
        with_parameter(without(value, "client_max_window_bits"), "client_max_window_bits=8")
        if offer and "client_max_window_bits" in offer
        else value
    ),
)
agreement_lie(
    "ws-bad-offers-accepted",
    "Whatever the parameters of an offer are, it is accepted.",
    CHAPTER,
    "negotiation.bad-offer-declined",
    "negotiation.declined-means-plain",
    offer=lambda value: "permessage-deflate" if value and "permessage-deflate" in value else value,
)
agreement_lie(
    "ws-first-offer-only",
    "Of several offers only the first is looked at.",
    CHAPTER,
    "negotiation.next-offer",
    offer=lambda value: value and value.split(",")[0],
)
agreement_lie(
    "ws-last-offer-first",
    "Of several offers the last is taken.",
    CHAPTER,
    "negotiation.preferred-offer",
    offer=lambda value: value and value.split(",")[-1].strip(),
)


@lie("ws-inflates-without-agreement", "Compressed messages are inflated where nothing was agreed on.", CHAPTER,
     "negotiation.declined-means-plain")  # fmt: skip
class InflatesAnyway(WebSocketTamper):
    def received(self, one: Frame) -> Iterable[Frame]:
        if one.rsv != 4 or not one.fin:
            return [one]
        try:
            return [frame(one.opcode, Inflation({}).message(one.payload))]
        except Broken:
            return [one]
