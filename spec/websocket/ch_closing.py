"""Closing: codes, reasons, and who ends TCP

A WebSocket is closed by agreement. One side sends a close frame, the other answers with its own, and then the server
ends the TCP connection at once, so that the waiting state of a closed TCP connection stays with it. With that both
sides know that everything sent before was received. A dropped connection tells nothing of the kind.

A close frame is empty, or it holds a code of two bytes and a reason in UTF-8. The answer usually repeats the code. Of
the codes, 0 to 999 are not used; 1000 to 2999 belong to the protocol and are valid only where they are defined; 3000 to
3999 belong to libraries and 4000 to 4999 to applications. 1005, 1006 and 1015 are never sent: programs use them among
themselves for "no code", "no close frame" and "no TLS". A close frame with such a code is a fault like any other, to be
failed with 1002, and by no means to be answered with the same code. For codes that are only undefined the RFC states no
refusal, so that is a recommendation here; 1012 to 1014 were registered later and are fine.

Behind a close frame nothing follows. Data that does arrive is ignored, data that an application still wants to send is
not sent. Messages that arrived before it should
be answered first. When both sides close at the same time, both close frames
cross, and that is an end by agreement as well.
"""

from __future__ import annotations

import json
from typing import Any

from conformance import doc, each, labelled, must, rfc, should
from conformance.wire.ws import close, cont, frame, ping, text


def told(**what: Any) -> Any:
    """Return a message that tells /ws/answer what to do."""
    return text(json.dumps(what))


# -- the client closes ------------------------------------------------------------------------------------------------


@must(
    "websocket.closing.answered",
    "A close frame is answered by a close frame, and by just one.",
    rfc(6455, "5.5.1", "RFC6455-5.5.1-6", "RFC6455-5.5.1-7"),
    rfc(6455, "6.2", "RFC6455-6.2-2"),
)
def test_closing_answered(ws: Any) -> None:
    ws.open().send(close(1000)).expect_close(...).expect_end()


@must(
    "websocket.closing.tcp-ended",
    "After the close frames the server ends the TCP connection, without waiting for the client to do so.",
    rfc(6455, "5.5.1", "RFC6455-5.5.1-9", "RFC6455-5.5.1-10"),
    rfc(6455, "7.1.1", "RFC6455-7.1.1-3", "RFC6455-7.1.1-5"),
    rfc(6455, "7.1.2", "RFC6455-7.1.2-2"),
)
@each(code=[1000, 1001, 4000])
def test_closing_tcp_ended(ws: Any, code: int) -> None:
    ws.open().send(text("a")).expect_text("a").send(close(code)).expect_close(...).expect_end()


@should(
    "websocket.closing.tcp-ended-cleanly",
    "The TCP connection is closed, not reset.",
    rfc(6455, "7.1.1", "RFC6455-7.1.1-1"),
)
def test_closing_tcp_ended_cleanly(ws: Any) -> None:
    ws.open().send(close(1000, "done")).expect_close(...).expect_end(clean=True)


@must(
    "websocket.closing.codes-accepted",
    "Every code that may be sent is taken for a right one; the answer usually repeats it.",
    rfc(6455, "5.5.1", "RFC6455-5.5.1-6"),
    rfc(6455, "7.4.1", "RFC6455-7.4.1-1"),
    rfc(6455, "7.4.2", "RFC6455-7.4.2-i3", "RFC6455-7.4.2-i4"),
)
@each(code=[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999])
def test_closing_codes_accepted(ws: Any, code: int) -> None:
    ws.open().send(close(code)).expect_close(code, also=(1000, None)).expect_end()


@should(
    "websocket.closing.codes-registered-later",
    "The codes 1012 to 1014, registered after the RFC, are taken for right ones.",
    rfc(6455, "7.4.2", "RFC6455-7.4.2-i2"),
)
@each(code=[1012, 1013, 1014])
def test_closing_codes_registered_later(ws: Any, code: int) -> None:
    ws.open().send(close(code)).expect_close(code, also=(1000, None)).expect_end()


@must(
    "websocket.closing.empty",
    "A close frame without a code is answered; the code for that, 1005, is not sent.",
    rfc(6455, "5.5.1", "RFC6455-5.5.1-1", "RFC6455-5.5.1-6"),
    rfc(6455, "7.4.1", "RFC6455-7.4.1-3"),
)
def test_closing_empty(ws: Any) -> None:
    ws.open().send(close()).expect_close(None, also=(1000,)).expect_end()


@must(
    "websocket.closing.reason-accepted",
    "A reason in UTF-8 is accepted up to the 123 bytes that fit.",
    rfc(6455, "5.5.1", "RFC6455-5.5.1-2", "RFC6455-5.5.1-3"),
)
@each(reason=[labelled("one", "a"), labelled("utf-8", "zażółć 🎉"), labelled("longest", "é" * 61 + "e")])
def test_closing_reason_accepted(ws: Any, reason: str) -> None:
    ws.open().send(close(1000, reason)).expect_close(1000, also=(None,)).expect_end()


@should(
    "websocket.closing.after-messages",
    "Messages that came before the close frame are answered before the close frame is.",
    rfc(6455, "5.1", "RFC6455-5.1-7"),
    rfc(6455, "6.2", "RFC6455-6.2-i1"),
)
def test_closing_after_messages(ws: Any) -> None:
    ws.open().send(text("one"), text("two"), close(1000))
    ws.expect_text("one").expect_text("two").expect_close(...).expect_end()


@must(
    "websocket.closing.data-behind-ignored",
    "What follows a close frame is not answered: no message, no pong, no second close frame.",
    rfc(6455, "5.5.1", "RFC6455-5.5.1-9", "RFC6455-5.5.1-5"),
    rfc(6455, "7.1.1", "RFC6455-7.1.1-1"),
)
@each(
    behind=[
        labelled("text", text("too late")),
        labelled("ping", ping(b"too late")),
        labelled("close", close(1001)),
        labelled("fault", frame(3, b"too late")),
    ]
)
def test_closing_data_behind_ignored(ws: Any, behind: Any) -> None:
    ws.open().send(close(1000), behind).expect_close(1000, also=(None,)).expect_end()


# -- faults -----------------------------------------------------------------------------------------------------------


@must(
    "websocket.closing.one-byte",
    "A close frame with one byte has half a code and fails the connection with 1002.",
    rfc(6455, "5.5.1", "RFC6455-5.5.1-2"),
    rfc(6455, "10.7", "RFC6455-10.7-1"),
)
def test_closing_one_byte(ws: Any) -> None:
    ws.open().send(frame(8, b"\x03")).must_fail(1002)


@must(
    "websocket.closing.code-unused",
    "A code below 1000 is not used and fails the connection with 1002; it is not sent back.",
    rfc(6455, "7.4.2", "RFC6455-7.4.2-i1"),
    rfc(6455, "10.7", "RFC6455-10.7-1"),
)
@each(code=[0, 1, 999])
def test_closing_code_unused(ws: Any, code: int) -> None:
    ws.open().send(close(code)).must_fail(1002)


@must(
    "websocket.closing.code-reserved",
    "The codes 1005, 1006 and 1015 may not be sent and fail the connection with 1002; they are not sent back.",
    rfc(6455, "7.4.1", "RFC6455-7.4.1-3", "RFC6455-7.4.1-4", "RFC6455-7.4.1-6"),
)
@each(code=[1005, 1006, 1015])
def test_closing_code_reserved(ws: Any, code: int) -> None:
    ws.open().send(close(code, "reserved")).must_fail(1002)


@should(
    "websocket.closing.code-undefined",
    "A code of the protocol's range without a definition, or beyond all ranges, fails the connection with 1002.",
    rfc(6455, "7.4.2", "RFC6455-7.4.2-i2"),
    rfc(6455, "7.4.1", "RFC6455-7.4.1-i1"),
)
@each(code=[1004, 1016, 1100, 2000, 2999, 5000, 65535])
def test_closing_code_undefined(ws: Any, code: int) -> None:
    ws.open().send(close(code)).must_fail(1002)


@must(
    "websocket.closing.reason-not-utf8",
    "A reason that is not UTF-8 fails the connection with 1007; 1002 says the same.",
    rfc(6455, "8.1", "RFC6455-8.1-1"),
    rfc(6455, "7.1.7", "RFC6455-7.1.7-4"),
)
@each(reason=[b"\xff", b"ab\xc3", b"\xed\xa0\x80", b"\xc0\xaf"])
def test_closing_reason_not_utf8(ws: Any, reason: bytes) -> None:
    ws.open().send(close(1000, reason)).must_fail(1007, 1002)


@must(
    "websocket.closing.fault-ends-tcp",
    "A connection that has failed is ended by the server, and nothing that arrives behind the fault has an effect.",
    rfc(6455, "7.1.7", "RFC6455-7.1.7-3", "RFC6455-7.1.7-6"),
    rfc(6455, "7.2.2", "RFC6455-7.2.2-1"),
    rfc(6455, "10.7", "RFC6455-10.7-3"),
)
def test_closing_fault_ends_tcp(ws: Any) -> None:
    ws.open().send(text("a")).expect_text("a").send(cont("stray"), text("behind"), ping(b"it")).must_fail(1002)


# -- the server closes ------------------------------------------------------------------------------------------------


@must(
    "websocket.closing.by-server",
    "An application's close() sends a close frame with its code and its reason.",
    rfc(6455, "7.1.2", "RFC6455-7.1.2-1"),
    rfc(6455, "5.5.1", "RFC6455-5.5.1-2"),
    doc("websocket.WebSocketHandler.close"),
)
@each(code=[1000, 1001, 1008, 1011, 3000, 4999])
def test_closing_by_server(ws: Any, code: int) -> None:
    ws.open("/ws/answer").send(told(close=[code, f"code {code}"])).expect_close(code, reason=f"code {code}")
    ws.send(close(code)).expect_end()


@must(
    "websocket.closing.by-server-reason-utf8",
    "The reason goes out in UTF-8.",
    rfc(6455, "5.5.1", "RFC6455-5.5.1-3"),
    rfc(6455, "7.1.2", "RFC6455-7.1.2-1"),
)
@each(reason=[labelled("accents", "déjà vu"), labelled("emoji", "over 🎉"), labelled("longest", "é" * 61)])
def test_closing_by_server_reason_utf8(ws: Any, reason: str) -> None:
    ws.open("/ws/answer").send(told(close=[4000, reason])).expect_close(4000, reason=reason)
    ws.send(close(4000)).expect_end()


@must(
    "websocket.closing.by-server-tcp-ended",
    "When the client has answered the server's close frame, the server ends the TCP connection and sends nothing more.",
    rfc(6455, "5.5.1", "RFC6455-5.5.1-9", "RFC6455-5.5.1-10"),
    rfc(6455, "7.1.2", "RFC6455-7.1.2-2"),
)
@each(answer=[labelled("same-code", close(4000)), labelled("other-code", close(1000)), labelled("empty", close())])
def test_closing_by_server_tcp_ended(ws: Any, answer: Any) -> None:
    ws.open("/ws/answer").send(told(close=[4000, "enough"])).expect_close(4000).send(answer).expect_end()


@must(
    "websocket.closing.message-before",
    "A message that the application sends before it closes arrives before the close frame.",
    rfc(6455, "7.1.2", "RFC6455-7.1.2-1"),
    rfc(6455, "6.1", "RFC6455-6.1-2", "RFC6455-6.1-9"),
)
def test_closing_message_before(ws: Any) -> None:
    ws.open("/ws/answer").send(told(send="last words", close=[1000, "bye"])).expect_text("last words")
    ws.expect_close(1000, reason="bye").send(close(1000)).expect_end()


@must(
    "websocket.closing.no-data-behind-own",
    "After its close frame the server sends no message any more, though the client still asks for one.",
    rfc(6455, "5.5.1", "RFC6455-5.5.1-5"),
    rfc(6455, "6.1", "RFC6455-6.1-1", "RFC6455-6.1-2", "RFC6455-6.1-3"),
)
def test_closing_no_data_behind_own(ws: Any) -> None:
    ws.open("/ws/answer").send(told(close=[4000, "enough"])).expect_close(4000)
    ws.send(told(send="more"), close(4000)).expect_end()


@must(
    "websocket.closing.ping-while-waiting",
    "A server that has sent its close frame still answers pings until it has received the client's.",
    rfc(6455, "5.5.2", "RFC6455-5.5.2-2"),
)
def test_closing_ping_while_waiting(ws: Any) -> None:
    ws.open("/ws/answer").send(told(close=[4000, "enough"])).expect_close(4000)
    ws.send(ping(b"still there")).expect_pong(b"still there").send(close(4000)).expect_end()


@must(
    "websocket.closing.both-at-once",
    "Close frames that cross end the connection: each side has sent one and received one.",
    rfc(6455, "5.5.1", "RFC6455-5.5.1-i2", "RFC6455-5.5.1-9"),
)
def test_closing_both_at_once(ws: Any) -> None:
    ws.open("/ws/answer").send(told(close=[4000, "mine"]), close(1000)).expect_close((4000, 1000)).expect_end()
