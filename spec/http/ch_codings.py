"""Content codings: compression that both sides know about

A server may compress what it sends, and need not. When it does, it says so in Content-Encoding, it does so only for
clients that accept the coding, and it names Accept-Encoding in Vary, because a cache would otherwise hand the
compressed answer to the next client, who may not understand it.

Accept-Encoding is a list with weights. A weight of zero means no. An identity that nobody refused is always good
enough, so a server without any coding passes this chapter; that is noted, not held against it.
"""

from __future__ import annotations

import re
from typing import Any

from conformance import each, labelled, must, rfc, should
from conformance.wire.http import answer, get

TEXT = "abcdefghi\n" * 300
LARGE = answer(body=TEXT)
#: What an answer with the coding must look like, and one without.
CODED: dict[str, Any] = {
    "status": 200,
    "header": {"Content-Encoding": re.compile("(?i)(x-)?gzip")},
    "content": TEXT.encode(),
}
PLAIN: dict[str, Any] = {"status": 200, "header": {"Content-Encoding": None}, "body": TEXT.encode()}


@must(
    "http1.coding.asked-for",
    "To a client that accepts gzip the content goes as gzip and is named so, or it goes uncoded.",
    rfc(9110, "8.4", "RFC9110-8.4-1", "RFC9110-8.4.1-i1"),
)
@each(accept=["gzip", "GZip", "compress;q=0.5, gzip;q=1.0", "gzip;q=0.001", "br;q=1, gzip;q=0.8, identity;q=0"])
def test_asked_for(wire: Any, accept: str) -> None:
    why = "the content is not compressed"
    wire.send(get(LARGE, accept_encoding=accept)).expect_one_of(CODED, PLAIN, why=why).expect_in_step()


@must(
    "http1.coding.streamed",
    "A streamed answer is coded as a whole, not piece by piece, or not at all.",
    rfc(9110, "8.4", "RFC9110-8.4-1"),
)
@each(accept=["gzip"])
def test_streamed(wire: Any, accept: str) -> None:
    target = answer(chunks=[TEXT[:1500], TEXT[1500:]])
    why = "the content is not compressed"
    wire.send(get(target, accept_encoding=accept)).expect_one_of(CODED, PLAIN, why=why).expect_in_step()


@should(
    "http1.coding.not-accepted",
    "To a client that does not accept gzip nothing goes as gzip.",
    rfc(9110, "12.5.3", "RFC9110-12.5.3-2", "RFC9110-12.5.3-i1"),
    rfc(9110, "12.4.2", "RFC9110-12.4.2-i1"),
)
@each(
    accept=[
        labelled("absent", None),
        labelled("empty", ""),
        "identity",
        "br",
        "gzip;q=0",
        "gzip;q=0.000",
        labelled("spaced", "gzip ; q=0"),
        "xgzip",
        "identity, *;q=0",
    ]
)
def test_not_accepted(wire: Any, accept: str | None) -> None:
    wire.send(get(LARGE, accept_encoding=accept)).expect(**PLAIN).expect_in_step()


@should(
    "http1.coding.vary",
    "An answer that was compressed because of Accept-Encoding says so in Vary.",
    rfc(9110, "12.5.5", "RFC9110-12.5.5-3"),
)
@each(accept=["gzip"])
def test_vary(wire: Any, accept: str) -> None:
    named = re.compile(r"(?i)(.*, ?)?(accept-encoding|\*)(, ?.*)?")
    coded = {**CODED, "header": {**CODED["header"], "Vary": named}}
    why = "the content is not compressed, so it does not vary"
    wire.send(get(LARGE, accept_encoding=accept)).expect_one_of(coded, PLAIN, why=why).expect_in_step()


@should(
    "http1.coding.x-gzip",
    "x-gzip is gzip.",
    rfc(9110, "8.4.1.3", "RFC9110-8.4.1.3-1"),
)
@each(accept=["x-gzip"])
def test_x_gzip(wire: Any, accept: str) -> None:
    why = "the content is not compressed for clients that call the coding x-gzip"
    wire.send(get(LARGE, accept_encoding=accept)).expect_one_of(CODED, PLAIN, why=why).expect_in_step()
