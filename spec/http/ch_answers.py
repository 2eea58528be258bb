"""What an answer may carry: fields, statuses, and the change of protocols

A sender keeps to rules that a recipient may relax: no empty element in a list, no field that only requests have, no
whitespace where the grammar merely tolerates it. Some statuses call for a field without which they say nothing: 101 and
426 name the protocol, 206 the range, 401 the challenge. Others forbid content: a 205 is empty, as are 204 and 304.

A change of protocols is an answer too. It is offered in Upgrade, announced in Connection so that no intermediary passes
it on by accident, and takes place behind a whole request: neither a body nor the wait for 100 (Continue) is skipped.
"""

from __future__ import annotations

import re
from typing import Any

from conformance import each, labelled, must, rfc, should
from conformance.wire.http import answer, chunked, get, handshake, post
from conformance.wire.judging import Now

ORDINARY = [
    labelled("echo", (get("/echo"), 200)),
    labelled("resource", (get("/resource.txt"), 200)),
    labelled("streamed", (get(answer(chunks=["a", "b"])), 200)),
    labelled("keep-alive", (get("/echo", version="1.0", connection="keep-alive"), 200)),
    labelled("not-found", (get("/nowhere"), 404)),
    labelled("not-allowed", (post("/get-only", b""), 405)),
    labelled("error", (get("/error"), 500)),
]


# -- fields -----------------------------------------------------------------------------------------------------------


@must(
    "http1.response.field-rules",
    "Answers have no empty list elements, no fields of requests, no stray whitespace, and a Connection that fits them.",
    rfc(9110, "2.2", "RFC9110-2.2-2"),
    rfc(9110, "5.6", "RFC9110-5.6.1.1-1", "RFC9110-5.6.3-4"),
    rfc(9110, "7.6.1", "RFC9110-7.6.1-1", "RFC9110-7.6.1-4"),
)
@each(asked=ORDINARY)
def test_field_rules(wire: Any, asked: tuple[bytes, int]) -> None:
    wire.send(asked[0]).expect(asked[1], wellformed=True).expect_in_step()


@should(
    "http1.response.tidy",
    "Field lines have one space behind the colon and none at the end, and quote nothing that needs no quoting.",
    rfc(9110, "5.6.3", "RFC9110-5.6.3-1", "RFC9110-5.6.3-2"),
    rfc(9110, "5.6.4", "RFC9110-5.6.4-2", "RFC9110-5.6.4-3"),
    rfc(9110, "8.4", "RFC9110-8.4-2"),
)
@each(asked=ORDINARY)
def test_tidy(wire: Any, asked: tuple[bytes, int]) -> None:
    wire.send(asked[0]).expect(asked[1], tidy=True).expect_in_step()


@should(
    "http1.response.date-is-now",
    "Date says when the answer was made.",
    rfc(9110, "6.6.1", "RFC9110-6.6.1-1"),
)
@each(target=["/echo", "/nowhere", labelled("redirect", answer(status=302, headers=[["Location", "/echo"]]))])
def test_date_is_now(wire: Any, target: str) -> None:
    wire.send(get(target)).expect((200, 302, 404), header={"Date": Now()}).expect_alive()


@must(
    "http1.response.no-empty-host",
    "A Location that the application gave as a path does not become a URI without a host, even if none was named.",
    rfc(9110, "4.2", "RFC9110-4.2.1-1", "RFC9110-4.2.2-1"),
)
@each(host=[labelled("none", None), labelled("empty", "")])
def test_no_empty_host(wire: Any, host: str | None) -> None:
    data = get(answer(status=302, headers=[["Location", "/echo"]]), version="1.0", host=host)
    wanted = re.compile(r"(?:https?://[^/?#:]+(?::[0-9]*)?)?/echo")
    wire.send(data).expect_one_of(
        {"status": 302, "header": {"Location": wanted}, "close": True},
        {"status": 400, "close": True},
        why="a request without a host is refused",
    )


@must(
    "http1.response.reset-content",
    "A 205 answer has no content, and its end can be seen.",
    rfc(9110, "15.3.6", "RFC9110-15.3.6-1"),
)
@each(method=["GET", "POST"])
def test_reset_content(wire: Any, method: str) -> None:
    data = get(answer(status=205), method=method, content_length="0")
    wire.send(data).expect(205, body=b"", framing=("length", "chunked")).expect_alive()


# -- refusing a body --------------------------------------------------------------------------------------------------


@should(
    "http1.continue.refusal-says-close",
    "A final answer that comes before the body says whether the rest of it will be read: it says close, and closes.",
    rfc(9110, "10.1.1", "RFC9110-10.1.1-10"),
    needs=("body-limit",),
)
@each(expect=["100-continue", labelled("none", None)])
def test_refusal_says_close(wire: Any, expect: str | None) -> None:
    data = get("/echo", method="PUT", content_length="100000000000", expect=expect)
    wire.send(data, partial=True).expect(413, also=(400, 417), header={"Connection": {"close"}}, close=True)


@must(
    "http1.continue.other-expectation",
    "An expectation that the server does not know is answered with 417, or ignored.",
    rfc(9110, "10.1.1", "RFC9110-10.1.1-i1"),
)
@each(expectation=["foo", "foo=bar", "100-continued"])
def test_other_expectation(wire: Any, expectation: str) -> None:
    data = post("/echo", b"hello", expect=expectation)
    wire.send(data).expect((200, 417), interim=[]).expect_in_step()


# -- the change of protocols ------------------------------------------------------------------------------------------


@must(
    "http1.upgrade.switching",
    "A 101 answer names the new protocol in Upgrade, and Upgrade in Connection, whatever the case of the offer.",
    rfc(9110, "7.8", "RFC9110-7.8-3", "RFC9110-7.8-4", "RFC9110-7.8-10"),
    rfc(9110, "15.2.2", "RFC9110-15.2.2-1"),
    needs=("websocket",),
)
@each(name=["websocket", "WebSocket", "WEBSOCKET"])
def test_switching(wire: Any, name: str) -> None:
    wanted = {"Upgrade": ..., "Connection": {"upgrade"}}
    # What would follow is no HTTP any more.
    wire.send(handshake(upgrade=name), partial=True).expect(101, header=wanted, wellformed=True)


@must(
    "http1.upgrade.required-names-protocol",
    "A 426 answer names in Upgrade what the client should switch to.",
    rfc(9110, "7.8", "RFC9110-7.8-7"),
    rfc(9110, "15.5.22", "RFC9110-15.5.22-1"),
)
@each(
    fields=[
        labelled("version", {"sec_websocket_version": "99"}),
        labelled("no-upgrade", {"upgrade": None, "connection": None}),
    ]
)
def test_upgrade_required(wire: Any, fields: dict[str, str | None]) -> None:
    wire.send(handshake(**fields)).expect_one_of(
        {"status": 426, "header": {"Upgrade": ..., "Connection": {"upgrade"}}},
        {"status": (400, 404, 405)},
        why="426 says what is missing",
    ).expect_in_step()


@must(
    "http1.upgrade.after-the-body",
    "Protocols are not switched before the request's body was read; none of it is handed to the new protocol.",
    rfc(9110, "7.8"),
    rfc(9112, "6.3", "RFC9112-6.3-i3", "RFC9112-6.3-i5"),
)
@each(framing=[labelled("G5-length", b"Content-Length: 3\r\n\r\nabc"), labelled("chunked", b"")])
def test_upgrade_after_body(wire: Any, framing: bytes) -> None:
    data = chunked("/echo", b"abc", method="GET", upgrade="websocket", connection="Upgrade")
    if framing:
        data = get("/echo", upgrade="websocket", connection="Upgrade")[:-2] + framing
    wire.send(data).expect_one_of(
        {"status": 200, "body": re.compile(rb'\{.*"body": ?"YWJj".*\}')},
        {"status": (400, 413, 426)},
        why="the offer need not be taken, but it is refused",
    ).expect_in_step()


@must(
    "http1.upgrade.after-continue",
    "Where a request both offers an upgrade and expects 100, the 100 comes before the 101, or there is no 101.",
    rfc(9110, "7.8", "RFC9110-7.8-12"),
)
@each(method=["GET"])
def test_upgrade_after_continue(wire: Any, method: str) -> None:
    data = handshake(method=method, content_length="3", expect="100-continue") + b"abc"
    wire.send(data).expect_one_of(
        {"status": (200, 400, 404, 405, 413, 417, 426)},
        {"status": 101, "interim": [100]},
        why="a request with a body is switched",
    )
