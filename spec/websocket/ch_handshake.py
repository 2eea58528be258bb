"""The opening handshake: from HTTP to frames

A WebSocket begins as a GET request of HTTP/1.1 that asks to change the protocol: ``Upgrade: websocket``, ``Connection``
with the option Upgrade, a key of 16 random bytes in base64, and the version, which is 13. The server answers 101 with a
value computed from the key. That proves that it read the request as a handshake, so that nobody can be led to speak
WebSocket with a server of another kind by a cached or invented answer.

Names of tokens are compared without case, and both Upgrade and Connection are lists: some clients send
``Connection: keep-alive, Upgrade``. Whatever is missing or wrong ends the attempt with a status of HTTP. 400 is the one
for a faulty request; for a version that the server does not know it is 426, or 400, and the answer names version 13,
so that the client can try again. Which 4xx status a server picks is mostly its own choice, so another one than
preferred is judged lenient; a 101 is a failure.

A client may offer subprotocols and extensions. The server picks from what was offered, or nothing, and names its
choice; what it does not know it leaves out. An offer of extensions outside the grammar is no offer: the connection
fails.

Browsers tell on whose behalf they connect, in Origin. Cookies go along with every handshake, so a server that trusts
them must look at it. Here the default refuses an origin on another host with 403. Frameworks that leave this to the
application declare so.

Here the handshake itself is chopped: whole, byte by byte, and at the borders of its tokens.
"""

from __future__ import annotations

import base64
from typing import Any

from conformance import doc, each, labelled, must, rfc, should
from conformance.wire.ws import text

#: Any status of an error of the client; which one fits best is often a matter of taste.
CLIENT_ERRORS = range(400, 500)


def key(content: bytes) -> str:
    """Return a key field for these bytes, of which there should be 16."""
    return base64.b64encode(content).decode()


# -- what is accepted -------------------------------------------------------------------------------------------------


@must(
    "websocket.handshake.accept",
    "A right handshake is answered 101 with one Sec-WebSocket-Accept, computed from the key.",
    rfc(6455, "4.2.2", "RFC6455-4.2.2-1", "RFC6455-4.2.2-12", "RFC6455-4.2.2-i1"),
    rfc(6455, "11.3.3", "RFC6455-11.3.3-1"),
)
@each(nonce=[labelled("zeros", bytes(16)), labelled("ones", b"\xff" * 16), labelled("counting", bytes(range(16)))])
def test_handshake_accept(ws: Any, nonce: bytes) -> None:
    ws.handshake(sec_websocket_key=key(nonce)).expect_accepted().expect_alive()


@must(
    "websocket.handshake.upgrade-case",
    "The token websocket in Upgrade may be written in any case.",
    rfc(6455, "4.2.1", "RFC6455-4.2.1-1"),
)
@each(upgrade=["WebSocket", "WEBSOCKET", "webSocket"])
def test_handshake_upgrade_case(ws: Any, upgrade: str) -> None:
    ws.handshake(upgrade=upgrade).expect_accepted().expect_alive()


@must(
    "websocket.handshake.connection-list",
    "Connection is a list: Upgrade may be one of its options, in any case, in one field line or in another.",
    rfc(6455, "4.2.1", "RFC6455-4.2.1-1"),
)
@each(
    connection=[
        "upgrade",
        "UPGRADE",
        "keep-alive, Upgrade",
        "Upgrade,keep-alive",
        labelled("two-lines", ["keep-alive", "Upgrade"]),
    ]
)
def test_handshake_connection_list(ws: Any, connection: Any) -> None:
    ws.handshake(connection=connection).expect_accepted().expect_alive()


@must(
    "websocket.handshake.field-order",
    "The order of the fields and the case of their names do not matter.",
    rfc(6455, "4.2.1", "RFC6455-4.2.1-1"),
)
def test_handshake_field_order(ws: Any) -> None:
    lines = ["sec-websocket-version: 13", f"SEC-WEBSOCKET-KEY: {key(b'0123456789abcdef')}", "connection: Upgrade"]
    lines += ["uPGRADE: websocket", "host: example.test"]
    ws.handshake(raw="\r\n".join(["GET /ws/echo HTTP/1.1", *lines, "", ""]).encode()).expect_accepted().expect_alive()


@must(
    "websocket.handshake.other-fields",
    "Fields that have nothing to do with the handshake do no harm: cookies, authorization, unknown ones.",
    rfc(6455, "4.1", "RFC6455-4.1-34"),
)
def test_handshake_other_fields(ws: Any) -> None:
    fields = {"cookie": "a=1; b=2", "authorization": "Basic YTpi", "user_agent": "suite", "x_unknown": "a, b"}
    ws.handshake(**fields).expect_accepted().expect_alive()


@must(
    "websocket.handshake.without-origin",
    "A client that is no browser sends no Origin and is accepted.",
    rfc(6455, "4.1", "RFC6455-4.1-28"),
    doc("websocket.WebSocketHandler.check_origin"),
)
def test_handshake_without_origin(ws: Any) -> None:
    ws.handshake(origin=None).expect_accepted().expect_alive()


@must(
    "websocket.handshake.query",
    "The handshake's target may have a query; the resource is found by the path.",
    rfc(6455, "4.2.2", "RFC6455-4.2.2-1"),
)
def test_handshake_query(ws: Any) -> None:
    ws.handshake("/ws/echo?room=1&name=a%20b").expect_accepted().send(text("hello")).expect_text("hello")


@should(
    "websocket.handshake.early-frame",
    "A frame in the same segment as the request is not lost: it is answered after the handshake.",
    rfc(6455, "5.1", "RFC6455-5.1-7"),
    rfc(6455, "6.2", "RFC6455-6.2-1"),
)
def test_handshake_early_frame(ws: Any) -> None:
    ws.handshake(early=[text("early"), text("bird")]).expect_accepted()
    ws.expect_text("early").expect_text("bird").expect_alive()


# -- what is refused --------------------------------------------------------------------------------------------------


@must(
    "websocket.handshake.no-upgrade",
    "Without the token websocket in Upgrade there is no handshake.",
    rfc(6455, "4.2.1", "RFC6455-4.2.1-1"),
    rfc(6455, "10.7", "RFC6455-10.7-4"),
)
@each(upgrade=[labelled("missing", None), "h2c", "websockets"])
def test_handshake_no_upgrade(ws: Any, upgrade: str | None) -> None:
    ws.handshake(upgrade=upgrade).expect_refused(400, 426, also=CLIENT_ERRORS)


@must(
    "websocket.handshake.no-connection-upgrade",
    "Without the option Upgrade in Connection there is no handshake.",
    rfc(6455, "4.2.1", "RFC6455-4.2.1-1"),
    rfc(6455, "10.7", "RFC6455-10.7-4"),
)
@each(connection=[labelled("missing", None), "keep-alive", "upgraded"])
def test_handshake_no_connection_upgrade(ws: Any, connection: str | None) -> None:
    ws.handshake(connection=connection).expect_refused(400, 426, also=CLIENT_ERRORS)


@must(
    "websocket.handshake.key-missing",
    "A handshake without Sec-WebSocket-Key is refused with 400.",
    rfc(6455, "4.2.1", "RFC6455-4.2.1-1"),
    rfc(6455, "10.7", "RFC6455-10.7-4"),
)
def test_handshake_key_missing(ws: Any) -> None:
    ws.handshake(sec_websocket_key=None).expect_refused(400, also=CLIENT_ERRORS)


@must(
    "websocket.handshake.key-invalid",
    "A key that is not 16 bytes in base64 is refused with 400.",
    rfc(6455, "4.2.1", "RFC6455-4.2.1-1"),
    rfc(6455, "10.7", "RFC6455-10.7-1", "RFC6455-10.7-4"),
)
@each(
    value=[
        labelled("empty", ""),
        labelled("15-bytes", key(bytes(15))),
        labelled("17-bytes", key(bytes(17))),
        labelled("no-padding", key(bytes(16)).rstrip("=")),
        labelled("not-base64", "!" * 22 + "=="),
    ]
)
def test_handshake_key_invalid(ws: Any, value: str) -> None:
    ws.handshake(sec_websocket_key=value).expect_refused(400, also=CLIENT_ERRORS)


@must(
    "websocket.handshake.key-twice",
    "Two different keys are refused with 400: there would be two right answers.",
    rfc(6455, "4.2.1", "RFC6455-4.2.1-1"),
    rfc(6455, "10.7", "RFC6455-10.7-1", "RFC6455-10.7-4"),
)
def test_handshake_key_twice(ws: Any) -> None:
    keys = [key(bytes(16)), key(b"0123456789abcdef")]
    ws.handshake(sec_websocket_key=keys).expect_refused(400, also=CLIENT_ERRORS)


@must(
    "websocket.handshake.version-other",
    "A version that the server does not speak is refused with 426 or 400, and the answer names 13.",
    rfc(6455, "4.2.2", "RFC6455-4.2.2-6"),
    rfc(6455, "4.4", "RFC6455-4.4-1"),
)
@each(version=["0", "8", "12", "14", "255", "13a"])
def test_handshake_version_other(ws: Any, version: str) -> None:
    refused = {"Sec-WebSocket-Version": "13"}
    # 8 is the number of the drafts whose frames are those of 13; browsers of 2011 sent it.
    draft = "the version of the last drafts is spoken too" if version == "8" else ""
    ws.handshake(sec_websocket_version=version).expect_refused(426, 400, header=refused, unless=draft)


@must(
    "websocket.handshake.version-missing",
    "A handshake without Sec-WebSocket-Version is refused.",
    rfc(6455, "4.2.1", "RFC6455-4.2.1-1"),
)
def test_handshake_version_missing(ws: Any) -> None:
    ws.handshake(sec_websocket_version=None).expect_refused(400, 426, also=CLIENT_ERRORS)


@must(
    "websocket.handshake.get-only",
    "Only GET opens a WebSocket; any other method is refused.",
    rfc(6455, "4.2.1", "RFC6455-4.2.1-1"),
)
@each(method=["POST", "PUT", "DELETE", "OPTIONS"])
def test_handshake_get_only(ws: Any, method: str) -> None:
    ws.handshake(method=method, content_length="0").expect_refused(405, 400, also=range(400, 600))


@must(
    "websocket.handshake.http-version",
    "A handshake in HTTP/1.0 is refused: that version cannot change the protocol.",
    rfc(6455, "4.2.1", "RFC6455-4.2.1-1"),
)
def test_handshake_http_version(ws: Any) -> None:
    ws.handshake(version="1.0").expect_refused(400, 426, 505, also=CLIENT_ERRORS)


@must(
    "websocket.handshake.host-missing",
    "A handshake without Host is refused with 400.",
    rfc(6455, "4.2.1", "RFC6455-4.2.1-1"),
)
def test_handshake_host_missing(ws: Any) -> None:
    ws.handshake(host=None).expect_refused(400)


@must(
    "websocket.handshake.no-such-resource",
    "A handshake for a resource that does not exist is refused, with 404.",
    rfc(6455, "4.2.2", "RFC6455-4.2.2-5", "RFC6455-4.2.2-7"),
)
def test_handshake_no_such_resource(ws: Any) -> None:
    ws.handshake("/ws/no-such-thing").expect_refused(404, also=CLIENT_ERRORS)


# -- subprotocols -----------------------------------------------------------------------------------------------------


@must(
    "websocket.subprotocol.chosen",
    "The server names the one subprotocol that it chose from the offer; the application knows it too.",
    rfc(6455, "4.2.2", "RFC6455-4.2.2-8"),
    rfc(6455, "11.3.4", "RFC6455-11.3.4-2"),
    doc("websocket.WebSocketHandler.select_subprotocol"),
)
@each(offer=["superchat", "made-up, superchat", "superchat,made-up"])
def test_subprotocol_chosen(ws: Any, offer: str) -> None:
    ws.handshake("/ws/answer", sec_websocket_protocol=offer).expect_accepted(protocol="superchat")
    ws.send(text('{"subprotocol": true}')).expect_text("superchat").expect_alive()


@must(
    "websocket.subprotocol.one-of-several",
    "Of several subprotocols that it knows the server chooses one.",
    rfc(6455, "4.2.2", "RFC6455-4.2.2-8"),
    rfc(6455, "11.3.4", "RFC6455-11.3.4-2"),
)
def test_subprotocol_one_of_several(ws: Any) -> None:
    ws.handshake("/ws/answer", sec_websocket_protocol="superchat, chat").expect_accepted(protocol=("chat", "superchat"))


@must(
    "websocket.subprotocol.over-lines",
    "Subprotocols offered in several field lines are one offer.",
    rfc(6455, "11.3.4", "RFC6455-11.3.4-1"),
)
def test_subprotocol_over_lines(ws: Any) -> None:
    offer = ["made-up", "superchat"]
    ws.handshake("/ws/answer", sec_websocket_protocol=offer).expect_accepted(protocol="superchat")


@must(
    "websocket.subprotocol.none-known",
    "When the server knows none of the offered subprotocols it names none, and the connection opens.",
    rfc(6455, "4.2.2", "RFC6455-4.2.2-9"),
)
@each(offer=["made-up", "Chat", "chatter, hyperchat"])
def test_subprotocol_none_known(ws: Any, offer: str) -> None:
    ws.handshake("/ws/answer", sec_websocket_protocol=offer).expect_accepted(protocol=None).expect_alive()


@must(
    "websocket.subprotocol.none-offered",
    "Without an offer the server names no subprotocol, though it has some.",
    rfc(6455, "4.2.2", "RFC6455-4.2.2-8", "RFC6455-4.2.2-9"),
)
def test_subprotocol_none_offered(ws: Any) -> None:
    ws.handshake("/ws/answer").expect_accepted(protocol=None)
    ws.send(text('{"subprotocol": true}')).expect_text("None").expect_alive()


# -- extensions -------------------------------------------------------------------------------------------------------


@must(
    "websocket.extension.unknown",
    "An extension that the server does not know is left out of the answer.",
    rfc(6455, "9", "RFC6455-9-2"),
    rfc(6455, "4.2.2", "RFC6455-4.2.2-10", "RFC6455-4.2.2-11"),
)
@each(offer=["x-made-up", "x-made-up; a=1; b", labelled("quoted", 'x-made-up; a="b"'), "x-one, x-two; a"])
def test_extension_unknown(ws: Any, offer: str) -> None:
    ws.handshake(sec_websocket_extensions=offer).expect_accepted(extension=None).expect_alive()


@must(
    "websocket.extension.none-offered",
    "Without an offer there is no extension.",
    rfc(6455, "9", "RFC6455-9-2"),
    rfc(6455, "5.8", "RFC6455-5.8-1"),
)
def test_extension_none_offered(ws: Any) -> None:
    ws.handshake().expect_accepted(extension=None).expect_alive()


@must(
    "websocket.extension.over-lines",
    "Extensions may be offered in several field lines; the answer has at most one.",
    rfc(6455, "9.1", "RFC6455-9.1-3"),
    rfc(6455, "11.3.2", "RFC6455-11.3.2-1", "RFC6455-11.3.2-2"),
)
def test_extension_over_lines(ws: Any) -> None:
    ws.handshake(sec_websocket_extensions=["x-one; a=1", "x-two"]).expect_accepted(extension=None).expect_alive()


@must(
    "websocket.extension.malformed",
    "An offer of extensions outside the grammar is refused with 400.",
    rfc(6455, "9.1", "RFC6455-9.1-1"),
    rfc(6455, "4.3", "RFC6455-4.3-1"),
    rfc(6455, "10.7", "RFC6455-10.7-4"),
)
@each(
    offer=[
        labelled("no-name", "; a=1"),
        labelled("two-words", "x-one x-two"),
        labelled("no-parameter", "x-one;"),
        labelled("no-value", "x-one; a="),
        labelled("open-quote", 'x-one; a="b'),
        labelled("not-a-token", "x-one; a=(b)"),
    ]
)
def test_extension_malformed(ws: Any, offer: str) -> None:
    ws.handshake(sec_websocket_extensions=offer).expect_refused(400, also=CLIENT_ERRORS)


# -- origins ----------------------------------------------------------------------------------------------------------


@must(
    "websocket.origin.same-host",
    "A page of the same host may connect.",
    doc("websocket.WebSocketHandler.check_origin"),
)
@each(origin=["http://example.test", "https://example.test", "http://EXAMPLE.test"])
def test_origin_same_host(ws: Any, origin: str) -> None:
    ws.handshake(origin=origin).expect_accepted().expect_alive()


@must(
    "websocket.origin.other-host",
    "A page of another host is refused with 403 by default.",
    doc("websocket.WebSocketHandler.check_origin"),
    rfc(6455, "10.2", "RFC6455-10.2-1", "RFC6455-10.2-2"),
    rfc(6455, "4.2.2", "RFC6455-4.2.2-5"),
    needs=("origin-check",),
)
@each(
    origin=[
        "http://other.test",
        "http://sub.example.test",
        "http://example.test.other.test",
        "http://notexample.test",
        labelled("opaque", "null"),
    ]
)
def test_origin_other_host(ws: Any, origin: str) -> None:
    ws.handshake(origin=origin).expect_refused(403)
