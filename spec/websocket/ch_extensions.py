"""Extensions: how compression is agreed on

There is one extension that everybody has, permessage-deflate. A client offers it in Sec-WebSocket-Extensions, perhaps
several times with different parameters, the preferred offer first. A server accepts at most one of the offers by naming
the extension in its answer, with the parameters that both are bound by from then on. It may always decline, by leaving
the extension out; messages are then sent as they are.

Four parameters say what each side has to remember. ``server_no_context_takeover`` and ``client_no_context_takeover``,
which have no value, bind the server or the client to compress each message by itself.
``server_max_window_bits`` and ``client_max_window_bits``, numbers from 8 to 15 without a leading zero, bound how far
back compressed data may refer: two to the power of that number of bytes.

Not all of them mean the same in an offer. The ``server_`` parameters of an offer are requests: a server that accepts
repeats them, perhaps with a smaller window, or else it has to decline. ``client_no_context_takeover`` is a hint, to be
used or ignored. ``client_max_window_bits``, here with or without a value, says that the client would obey a limit;
without it an answer must not set one.

An offer with anything that is not defined, out of range or said twice has to be declined: only that offer, for the next
one may be fine. It is no reason to refuse the connection, since the header field is right by its grammar.

The suite checks every answer in this way, whatever the case is about: that each parameter exists, has a value where it
needs one and none where it has none, comes once, and fits at least one of the offers.
"""

from __future__ import annotations

from typing import Any

from conformance import each, labelled, must, rfc, should
from conformance.wire.ws import deflated

NEEDS = ("deflate",)
BITS = [str(bits) for bits in range(8, 16)]
#: Offers that a server must decline, and what is wrong with them.
BAD = [
    labelled("unknown", "x_made_up"),
    labelled("unknown-with-value", "x_made_up=1"),
    labelled("server-flag-with-value", "server_no_context_takeover=1"),
    labelled("client-flag-with-value", "client_no_context_takeover=true"),
    labelled("server-window-bare", "server_max_window_bits"),
    labelled("server-window-7", "server_max_window_bits=7"),
    labelled("server-window-16", "server_max_window_bits=16"),
    labelled("server-window-word", "server_max_window_bits=ten"),
    labelled("server-window-leading-zero", "server_max_window_bits=010"),
    labelled("client-window-7", "client_max_window_bits=7"),
    labelled("client-window-16", "client_max_window_bits=16"),
    labelled("client-window-leading-zero", "client_max_window_bits=08"),
    labelled("server-flag-twice", "server_no_context_takeover; server_no_context_takeover"),
    labelled("server-window-twice", "server_max_window_bits=10; server_max_window_bits=10"),
    labelled("client-window-twice", "client_max_window_bits; client_max_window_bits=10"),
]


# -- accepting --------------------------------------------------------------------------------------------------------


@must(
    "websocket.negotiation.accepted",
    "A plain offer is accepted by naming the extension, and then messages may come compressed.",
    rfc(7692, "5", "RFC7692-5-5", "RFC7692-5-6"),
    needs=NEEDS,
)
def test_negotiation_accepted(ws: Any) -> None:
    ws.handshake(sec_websocket_extensions="permessage-deflate").expect_accepted().expect_agreed()
    ws.send(deflated("hello")).expect_text("hello").expect_alive()


@must(
    "websocket.negotiation.client-window-not-imposed",
    "An offer without client_max_window_bits is answered without it: this client could not obey.",
    rfc(7692, "7.1.2.2", "RFC7692-7.1.2.2-5"),
    rfc(7692, "7.1.3", "RFC7692-7.1.3-i1"),
    needs=NEEDS,
)
@each(offer=["permessage-deflate", "permessage-deflate; server_max_window_bits=12"])
def test_negotiation_client_window_not_imposed(ws: Any, offer: str) -> None:
    ws.handshake(sec_websocket_extensions=offer).expect_accepted()
    ws.expect_agreed(may_decline="12" in offer, client_max_window_bits=[None]).expect_alive()


@must(
    "websocket.negotiation.client-window",
    "client_max_window_bits, offered with or without a value, is left out of the answer or has a number there.",
    rfc(7692, "7.1.2.2", "RFC7692-7.1.2.2-4"),
    needs=NEEDS,
)
@each(hint=["", "=8", "=10", "=15"])
def test_negotiation_client_window(ws: Any, hint: str) -> None:
    ws.handshake(sec_websocket_extensions=f"permessage-deflate; client_max_window_bits{hint}").expect_accepted()
    # A number above the hint would be of no use, and is not wrong.
    ws.expect_agreed(may_decline=True, client_max_window_bits=[None, *BITS]).expect_alive()


@must(
    "websocket.negotiation.client-takeover",
    "client_no_context_takeover is left out of the answer or stands there without a value.",
    rfc(7692, "7.1.1.2", "RFC7692-7.1.1.2-i1"),
    needs=NEEDS,
)
@each(offer=["permessage-deflate", "permessage-deflate; client_no_context_takeover"])
def test_negotiation_client_takeover(ws: Any, offer: str) -> None:
    ws.handshake(sec_websocket_extensions=offer).expect_accepted()
    ws.expect_agreed(client_no_context_takeover=[None, ""]).expect_alive()


@must(
    "websocket.negotiation.server-takeover",
    "A server that accepts an offer with server_no_context_takeover repeats it, without a value; or it declines.",
    rfc(7692, "7.1.1.1", "RFC7692-7.1.1.1-i1"),
    needs=NEEDS,
)
@each(more=["", "; client_no_context_takeover", "; client_max_window_bits"])
def test_negotiation_server_takeover(ws: Any, more: str) -> None:
    ws.handshake(sec_websocket_extensions=f"permessage-deflate; server_no_context_takeover{more}").expect_accepted()
    ws.expect_agreed(may_decline=True, server_no_context_takeover=[""]).expect_alive()


@should(
    "websocket.negotiation.server-takeover-supported",
    "A server supports server_no_context_takeover, rather than to decline.",
    rfc(7692, "7.1.1.1", "RFC7692-7.1.1.1-2"),
    needs=NEEDS,
)
def test_negotiation_server_takeover_supported(ws: Any) -> None:
    ws.handshake(sec_websocket_extensions="permessage-deflate; server_no_context_takeover").expect_accepted()
    ws.expect_agreed(server_no_context_takeover=[""]).expect_alive()


@must(
    "websocket.negotiation.server-window",
    "An offer with server_max_window_bits is accepted with the same or a smaller number, or declined.",
    rfc(7692, "7.1.2.1", "RFC7692-7.1.2.1-3", "RFC7692-7.1.2.1-i1", "RFC7692-7.1.2.1-i2"),
    needs=NEEDS,
)
@each(bits=BITS)
def test_negotiation_server_window(ws: Any, bits: str) -> None:
    ws.handshake(sec_websocket_extensions=f"permessage-deflate; server_max_window_bits={bits}").expect_accepted()
    ws.expect_agreed(may_decline=True, server_max_window_bits=BITS[: BITS.index(bits) + 1]).expect_alive()


@must(
    "websocket.negotiation.quoted",
    "A value in quotes is the same value.",
    rfc(6455, "9.1", "RFC6455-9.1-1"),
    rfc(7692, "7.1.2.1", "RFC7692-7.1.2.1-i2"),
    needs=NEEDS,
)
def test_negotiation_quoted(ws: Any) -> None:
    ws.handshake(sec_websocket_extensions='permessage-deflate; server_max_window_bits="10"').expect_accepted()
    ws.expect_agreed(may_decline=True, server_max_window_bits=BITS[:3]).expect_alive()


@should(
    "websocket.negotiation.useful-window",
    "The server asks no client for a window of less than 1024 bytes, and offers none itself.",
    rfc(7692, "7.3", "RFC7692-7.3-1"),
    needs=NEEDS,
)
def test_negotiation_useful_window(ws: Any) -> None:
    ws.handshake(sec_websocket_extensions="permessage-deflate; client_max_window_bits").expect_accepted()
    ws.expect_agreed(client_max_window_bits=[None, *BITS[2:]], server_max_window_bits=[None, *BITS[2:]])


# -- declining --------------------------------------------------------------------------------------------------------


@must(
    "websocket.negotiation.bad-offer-declined",
    "An offer with an unknown, invalid or repeated parameter is declined: no extension is named, the connection opens.",
    rfc(7692, "7", "RFC7692-7-1"),
    rfc(7692, "5", "RFC7692-5-11"),
)
@each(parameters=BAD)
def test_negotiation_bad_offer_declined(ws: Any, parameters: str) -> None:
    ws.handshake(sec_websocket_extensions=f"permessage-deflate; {parameters}").expect_accepted(extension=None)
    ws.expect_alive()


@must(
    "websocket.negotiation.declined-means-plain",
    "Where no extension was agreed to, a compressed message fails the connection.",
    rfc(7692, "5", "RFC7692-5-11"),
    rfc(6455, "5.2", "RFC6455-5.2-3"),
)
@each(offer=[labelled("none", None), "permessage-deflate; x_made_up", "x-made-up"])
def test_negotiation_declined_means_plain(ws: Any, offer: str | None) -> None:
    ws.open(sec_websocket_extensions=offer).send(deflated("hello")).must_fail(1002)


# -- several offers ---------------------------------------------------------------------------------------------------


@must(
    "websocket.negotiation.next-offer",
    "When an offer has to be declined, the next one still counts.",
    rfc(7692, "5", "RFC7692-5-2"),
    rfc(7692, "7", "RFC7692-7-1"),
    needs=NEEDS,
)
@each(
    offer=[
        labelled("other-extension-first", "x-made-up; a=1, permessage-deflate"),
        labelled("unknown-first", "permessage-deflate; x_made_up, permessage-deflate"),
        labelled("invalid-first", "permessage-deflate; server_max_window_bits=99, permessage-deflate"),
        labelled("two-lines", ["permessage-deflate; server_max_window_bits", "permessage-deflate"]),
    ]
)
def test_negotiation_next_offer(ws: Any, offer: Any) -> None:
    ws.handshake(sec_websocket_extensions=offer).expect_accepted().expect_agreed()
    ws.send(deflated("hello")).expect_text("hello").expect_alive()


@should(
    "websocket.negotiation.preferred-offer",
    "Of several acceptable offers the server takes the first.",
    rfc(7692, "5", "RFC7692-5-2"),
    needs=NEEDS,
)
def test_negotiation_preferred_offer(ws: Any) -> None:
    offers = ["permessage-deflate; server_max_window_bits=10", "permessage-deflate; server_no_context_takeover"]
    ws.handshake(sec_websocket_extensions=", ".join([*offers, "permessage-deflate"])).expect_accepted()
    ws.expect_agreed(server_max_window_bits=BITS[:3]).expect_alive()
