"""Answers and connections: what a server sends, in which order, and when it closes

An answer is a status line, fields, and a body whose end can be seen: by its length, by its last chunk, or, for old
clients, by the end of the connection. Some answers have no body at all, whatever their fields say: those to HEAD, and
those with 1xx, 204 and 304. A server that writes one byte there has written the beginning of the next answer.

Connections persist. HTTP/1.1 goes on until one side says ``close``; HTTP/1.0 ends after one exchange unless both sides
say ``keep-alive``. These words are members of a list, without case, and not pieces of other words. Clients may send
the next request before the answer has come; answers come in the order of the requests. After ``close`` nothing is
looked at any more, and the server really closes: to say it and stay, or to go without saying it, leaves the client
guessing.

``Expect: 100-continue`` asks for a word before the body is sent. The server gives it at once, or gives its final
answer. A client of HTTP/1.0 does not know interim answers and must not get any.

What follows is judged on ordinary requests, so that every server can show it. The application behind it answers what
it parsed (``/echo``), or what it was told to (``/answer``).
"""

from __future__ import annotations

import re
from typing import Any

from conformance import each, labelled, must, rfc, should
from conformance.wire.http import answer, chunked, get, handshake, post

DAYS = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
MONTHS = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
IMF_FIXDATE = re.compile(rf"{DAYS}, [0-9]{{2}} {MONTHS} [0-9]{{4}} [0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}} GMT")


# -- the answer's head ------------------------------------------------------------------------------------------------


@must(
    "http1.response.grammar",
    "Every answer keeps to the grammar: status line with both spaces, field lines, nothing folded or doubled.",
    rfc(9112, "4", "RFC9112-4-4", "RFC9112-4-i1", "RFC9112-4-i2"),
    rfc(9112, "5", "RFC9112-2.2-3", "RFC9112-2.2-8", "RFC9112-5.2-1", "RFC9112-6.2-1"),
    rfc(9110, "2.2", "RFC9110-2.2-1", "RFC9110-5.3-3", "RFC9110-15-i1"),
)
@each(
    asked=[
        labelled("echo", ("GET", "/echo", 200)),
        labelled("streamed", ("GET", answer(chunks=["a", "b"]), 200)),
        labelled("no-content", ("GET", answer(status=204), 204)),
        labelled("not-found", ("GET", "/nowhere", 404)),
        labelled("not-allowed", ("DELETE", "/get-only", 405)),
        labelled("error", ("GET", "/error", 500)),
    ]
)
def test_grammar(wire: Any, asked: tuple[str, str, int]) -> None:
    method, target, status = asked
    wire.send(get(target, method=method)).expect(status, wellformed=True).expect_in_step()


@must(
    "http1.response.grammar-of-errors",
    "The answer to a request that could not be parsed keeps to the grammar too, and its body's end can be seen.",
    rfc(9110, "2.2", "RFC9110-2.2-1"),
    rfc(9112, "4", "RFC9112-4-4", "RFC9112-4-i1"),
)
def test_grammar_of_errors(wire: Any) -> None:
    wire.send(get("/echo", content_length="x")).expect(400, wellformed=True, close=True)


@should(
    "http1.response.version",
    "Answers carry the server's own version, 1.1, also to a client of 1.0.",
    rfc(9110, "6.2", "RFC9110-6.2-4"),
    rfc(9112, "2.3", "RFC9112-2.3-3"),
)
def test_version(wire: Any) -> None:
    wire.send(get("/get-only")).expect(200, version="1.1", body=b"got").expect_alive()
    wire.send(get("/get-only", version="1.0")).expect(200, version="1.1", body=b"got", close=True)


@must(
    "http1.response.date",
    "Answers with 2xx, 3xx and 4xx carry Date, in the one format that senders use.",
    rfc(9110, "6.6.1", "RFC9110-6.6.1-2"),
    rfc(9110, "5.6.7", "RFC9110-5.6.7-2", "RFC9110-5.6.7-3"),
)
@each(status=[200, 204, 302, 404])
def test_date(wire: Any, status: int) -> None:
    wire.send(get(answer(status=status))).expect(status, header={"Date": IMF_FIXDATE}).expect_in_step()


@must(
    "http1.response.allow",
    "A 405 answer lists in Allow the methods that are allowed.",
    rfc(9110, "15.5.6", "RFC9110-15.5.6-1"),
    rfc(9110, "10.2.1", "RFC9110-10.2.1-1"),
)
@each(method=["POST", "DELETE"])
def test_allow(wire: Any, method: str) -> None:
    wire.send(post("/get-only", b"", method=method)).expect(405, header={"Allow": {"GET"}}).expect_in_step()


@should(
    "http1.response.explains-errors",
    "Answers with 4xx and 5xx carry a representation that explains them.",
    rfc(9110, "15.5", "RFC9110-15.5-1"),
    rfc(9110, "15.6", "RFC9110-15.6-1"),
)
@each(asked=[labelled("not-found", ("/nowhere", 404)), labelled("error", ("/error", 500))])
def test_explains_errors(wire: Any, asked: tuple[str, int]) -> None:
    wire.send(get(asked[0])).expect(asked[1], body=...).expect_in_step()


# -- the answer's body ------------------------------------------------------------------------------------------------


@must(
    "http1.response.length-known",
    "An answer whose length is known carries it in Content-Length, correctly.",
    rfc(9110, "8.6", "RFC9110-8.6-7"),
    rfc(9112, "6.3", "RFC9112-6.3-9"),
)
@each(body=["", "x", "line\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", labelled("large", "0123456789" * 200)])
def test_length_known(wire: Any, body: str) -> None:
    wanted = {"Content-Length": str(len(body)), "Transfer-Encoding": None}
    wire.send(get(answer(body=body))).expect(200, header=wanted, body=body.encode()).expect_alive()


@must(
    "http1.response.streamed",
    "A streamed answer to HTTP/1.1 is chunked, chunked once, and ends with its last chunk.",
    rfc(9112, "6.3", "RFC9112-6.3-9"),
    rfc(9112, "7.1", "RFC9112-6.1-2", "RFC9112-6.2-1"),
)
@each(parts=[["ab", "c"], ["0\r\n\r\n", "x"], labelled("large", ["0123456789" * 100, "y"])])
def test_streamed(wire: Any, parts: list[str]) -> None:
    wanted = {"Transfer-Encoding": "chunked", "Content-Length": None}
    body = "".join(parts).encode()
    wire.send(get(answer(chunks=parts))).expect(200, header=wanted, body=body, framing="chunked").expect_in_step()


@must(
    "http1.response.streamed-to-http10",
    "A streamed answer to HTTP/1.0 has no transfer coding; its end is its length or the end of the connection.",
    rfc(9112, "6.1", "RFC9112-6.1-11"),
    rfc(9112, "6.3", "RFC9112-6.3-i7"),
)
@each(connection=[None, "keep-alive"])
def test_streamed_to_http10(wire: Any, connection: str | None) -> None:
    data = get(answer(chunks=["ab", "c"]), version="1.0", connection=connection)
    wanted = {"Transfer-Encoding": None}
    wire.send(data).expect(200, header=wanted, body=b"abc", framing=("close", "length"))


@must(
    "http1.response.head-without-body",
    "An answer to HEAD has no body, however the one to GET is framed.",
    rfc(9110, "9.3.2", "RFC9110-9.3.2-1", "RFC9110-6.4.1-i1"),
    rfc(9112, "6.3", "RFC9112-6.3-i1"),
)
@each(
    target=[
        labelled("echo", "/echo"),
        labelled("known", answer(body="abc")),
        labelled("streamed", answer(chunks=["a"])),
    ]
)
def test_head_without_body(wire: Any, target: str) -> None:
    wire.send(get(target, method="HEAD")).expect(200, body=b"").expect_alive()


@should(
    "http1.response.head-same-fields",
    "The answer to HEAD carries the fields of the answer to GET, with the length that would have been.",
    rfc(9110, "9.3.2", "RFC9110-9.3.2-2"),
    rfc(9110, "8.6", "RFC9110-8.6-3"),
)
def test_head_same_fields(wire: Any) -> None:
    target = answer(body="12345", headers=[["X-Kept", "yes"]])
    wanted = {"Content-Length": "5", "X-Kept": "yes"}
    wire.send(get(target)).expect(200, header=wanted, body=b"12345")
    wire.send(get(target, method="HEAD")).expect(200, header=wanted, body=b"").expect_alive()


@must(
    "http1.response.no-content",
    "A 204 answer has no body, no Content-Length and no Transfer-Encoding.",
    rfc(9110, "15.3.5", "RFC9110-15.3.5-i1", "RFC9110-8.6-5", "RFC9110-6.4.1-i2"),
    rfc(9112, "6.1", "RFC9112-6.1-7", "RFC9112-6.3-i1"),
)
@each(method=["GET", "POST", "HEAD"])
def test_no_content(wire: Any, method: str) -> None:
    wanted = {"Content-Length": None, "Transfer-Encoding": None}
    data = get(answer(status=204), method=method, content_length="0")
    wire.send(data).expect(204, header=wanted, body=b"").expect_in_step()


@must(
    "http1.response.not-modified",
    "A 304 answer has no body.",
    rfc(9110, "15.4.5", "RFC9110-15.4.5-i1", "RFC9110-6.4.1-i2"),
    rfc(9112, "6.3", "RFC9112-6.3-i1"),
)
def test_not_modified(wire: Any) -> None:
    wire.send(get(answer(status=304))).expect(304, body=b"").expect_in_step()


# -- persistence ------------------------------------------------------------------------------------------------------


@should(
    "http1.persist.default",
    "A connection of HTTP/1.1 serves one request after the other.",
    rfc(9112, "9.3", "RFC9112-9.3-1", "RFC9112-9.3-i1"),
    rfc(9112, "9.5", "RFC9112-9.5-4"),
)
def test_persistence(wire: Any) -> None:
    wire.send(get("/echo?1")).expect_echo(target="/echo?1")
    wire.send(post("/echo?2", b"two")).expect_echo(target="/echo?2", body=b"two")
    wire.send(get("/nowhere")).expect(404, close=False)
    wire.send(get("/get-only")).expect(200, body=b"got", close=False).expect_alive()


@must(
    "http1.persist.http10-closes",
    "A connection of HTTP/1.0 ends after the answer when keep-alive was not asked for.",
    rfc(9112, "9.3", "RFC9112-9.3-i1"),
)
def test_http10_closes(wire: Any) -> None:
    wire.send(get("/get-only", version="1.0")).expect(200, body=b"got", close=True)


@must(
    "http1.persist.http10-keep-alive",
    "A client of HTTP/1.0 that asks for keep-alive is told whether it gets it.",
    rfc(9112, "9.3", "RFC9112-9.3-i1", "RFC9112-9.3-3"),
)
@each(option=["keep-alive", "Keep-Alive"])
def test_http10_keep_alive(wire: Any, option: str) -> None:
    wire.send(get("/get-only", version="1.0", connection=option)).expect(200, body=b"got").expect_in_step()


@must(
    "http1.close.asked-for",
    "After a request with the close option the server answers, closes, and looks at nothing more.",
    rfc(9112, "9.6", "RFC9112-9.6-3", "RFC9112-9.6-5"),
    rfc(9112, "9.3", "RFC9112-9.3-i1"),
)
@each(
    options=[
        "close",
        "Close",
        labelled("B22-list", "keep-alive, close"),
        "foo,close",
        labelled("two-lines", "close\r\nConnection: keep-alive"),
    ]
)
def test_close_asked_for(wire: Any, options: str) -> None:
    wire.send(get("/echo?1", connection=options) + get("/echo?2")).expect_echo(target="/echo?1", close=True)


@must(
    "http1.close.ignores-the-rest",
    "What follows a request with the close option is not looked at, not even to find fault with it.",
    rfc(9112, "9.6", "RFC9112-9.6-5"),
)
@each(rest=[labelled("G1-nonsense", b"NONSENSE\r\n\r\n")])
def test_close_ignores_the_rest(wire: Any, rest: bytes) -> None:
    wire.send(get("/echo", connection="close") + rest).expect_echo(target="/echo", close=True)


@should(
    "http1.close.announced",
    "The last answer on a connection says close.",
    rfc(9112, "9.6", "RFC9112-9.6-1", "RFC9112-9.6-4"),
)
def test_close_announced(wire: Any) -> None:
    wire.send(get("/echo", connection="close")).expect(200, header={"Connection": {"close"}}, close=True)


@should(
    "http1.close.announced-on-error",
    "An answer to a faulty request says that the connection ends.",
    rfc(9112, "9.6", "RFC9112-9.6-1"),
)
@each(data=[labelled("length", get(content_length="x")), labelled("line", b"X\r\n\r\n")])
def test_close_announced_on_error(wire: Any, data: bytes) -> None:
    wire.send(data).expect(400, header={"Connection": {"close"}}, close=True)


@must(
    "http1.close.said-by-server",
    "When the application says close in its answer, the server closes and looks at no further request.",
    rfc(9112, "9.6", "RFC9112-9.6-6", "RFC9112-9.6-7"),
)
def test_close_said_by_server(wire: Any) -> None:
    target = answer(body="bye", headers=[["Connection", "close"]])
    wanted = {"Connection": {"close"}}
    wire.send(get(target) + get("/echo")).expect(200, header=wanted, body=b"bye", close=True)


@must(
    "http1.close.option-is-a-word",
    "Only the option close itself closes: words that contain it and other fields do not.",
    rfc(9112, "9.3", "RFC9112-9.3-i1"),
    rfc(9110, "7.6.1"),
)
@each(options=["closed", "not-close", "foo", labelled("other-field", "foo\r\nX-Connection: close")])
def test_option_is_a_word(wire: Any, options: str) -> None:
    wire.send(get("/echo", connection=options)).expect(200, close=False).expect_alive()


@should(
    "http1.close.half-closed",
    "A client that closes its side behind a complete request still gets the answer.",
    rfc(9112, "9.6", "RFC9112-9.6-i2"),
)
@each(data=[labelled("get", get("/echo")), labelled("post", post("/echo", b"abc"))])
def test_half_closed(wire: Any, data: bytes) -> None:
    wire.send(data).eof().expect_echo(target="/echo").expect_closed()


@should(
    "http1.close.client-left",
    "When the client closes an idle connection, the server closes its side too.",
    rfc(9112, "9.5", "RFC9112-9.5-2"),
)
def test_client_left(wire: Any) -> None:
    wire.send(get("/echo")).expect_echo(target="/echo").expect_alive().eof().expect_closed()


# -- pipelining -------------------------------------------------------------------------------------------------------


@must(
    "http1.pipeline.order",
    "Requests sent without waiting are all answered, in their order.",
    rfc(9112, "9.3.2", "RFC9112-9.3.2-2"),
)
def test_pipeline_order(wire: Any) -> None:
    wire.send(get("/echo?1")).send(post("/echo?2", b"two")).send(get("/nowhere"))
    wire.send(chunked("/echo?4", b"fo", b"ur")).send(get("/get-only"))
    wire.expect_echo(target="/echo?1").expect_echo(target="/echo?2", body=b"two").expect(404)
    wire.expect_echo(target="/echo?4", body=b"four").expect(200, body=b"got").expect_alive()


@must(
    "http1.pipeline.bodiless",
    "Answers without a body keep their place among those that have one.",
    rfc(9112, "9.3.2", "RFC9112-9.3.2-2"),
    rfc(9112, "6.3", "RFC9112-6.3-i1"),
)
def test_pipeline_bodiless(wire: Any) -> None:
    wire.send(get("/echo", method="HEAD")).send(get(answer(status=204))).send(get(answer(chunks=["a", "b"])))
    wire.send(get(answer(status=304))).send(get("/echo?last"))
    wire.expect(200, body=b"").expect(204, body=b"").expect(200, body=b"ab")
    wire.expect(304, body=b"").expect_echo(target="/echo?last").expect_alive()


@must(
    "http1.pipeline.many",
    "Hundreds of requests in one send get as many answers.",
    rfc(9112, "9.3.2", "RFC9112-9.3.2-2"),
)
@each(count=[labelled("G7-many", 300)])
def test_pipeline_many(wire: Any, count: int) -> None:
    wire.send(b"".join(get(f"/echo?{number}") for number in range(count)))
    for number in range(count):
        wire.expect_echo(target=f"/echo?{number}")
    wire.expect_alive()


@must(
    "http1.pipeline.behind-a-fault",
    "Requests before a faulty one are answered, those behind it are not.",
    rfc(9112, "2.2", "RFC9112-2.2-10"),
    rfc(9112, "9.3.2", "RFC9112-9.3.2-2"),
)
def test_pipeline_behind_a_fault(wire: Any) -> None:
    wire.send(get("/echo?1")).send(get("/echo?2", content_length="x")).send(get("/echo?3"))
    wire.expect_echo(target="/echo?1").must_reject(400, respond=True)


# -- 100 (Continue) and upgrades --------------------------------------------------------------------------------------


@must(
    "http1.continue.before-body",
    "A request that expects 100-continue gets it before its body is sent, and then its final answer.",
    rfc(9110, "10.1.1", "RFC9110-10.1.1-9", "RFC9110-10.1.1-11", "RFC9110-10.1.1-12", "RFC9110-10.1.1-i1"),
)
@each(expectation=["100-continue", "100-Continue"])
def test_continue(wire: Any, expectation: str) -> None:
    wire.send(get("/echo", method="PUT", content_length="5", expect=expectation), partial=True).expect_continue()
    wire.send(b"hello").expect_echo(method="PUT", body=b"hello").expect_alive()


@must(
    "http1.continue.before-chunks",
    "The same holds for a chunked body.",
    rfc(9110, "10.1.1", "RFC9110-10.1.1-9", "RFC9110-10.1.1-11", "RFC9110-10.1.1-12"),
)
def test_continue_chunked(wire: Any) -> None:
    head = get("/echo", method="POST", transfer_encoding="chunked", expect="100-continue")
    wire.send(head, partial=True).expect_continue()
    wire.send(b"3\r\nabc\r\n0\r\n\r\n").expect_echo(body=b"abc").expect_alive()


@must(
    "http1.continue.wellformed",
    "The 100 answer has no body and no framing fields.",
    rfc(9110, "8.6", "RFC9110-8.6-5", "RFC9110-6.4.1-i2"),
    rfc(9112, "6.1", "RFC9112-6.1-7", "RFC9112-6.3-i1"),
)
def test_continue_wellformed(wire: Any) -> None:
    wire.send(get("/echo", method="PUT", content_length="5", expect="100-continue"), partial=True)
    wire.expect_continue(header={"Content-Length": None, "Transfer-Encoding": None})
    wire.send(b"hello").expect(200, interim=[100]).expect_alive()


@must(
    "http1.continue.not-in-http10",
    "A client of HTTP/1.0 gets no interim answer, whatever it expects.",
    rfc(9110, "10.1.1", "RFC9110-10.1.1-7"),
    rfc(9110, "15.2", "RFC9110-15.2-1"),
)
def test_no_continue_in_http10(wire: Any) -> None:
    wire.send(post("/echo", b"hello", version="1.0", expect="100-continue")).expect(200, interim=[], close=True)


@must(
    "http1.upgrade.unknown",
    "An offer to upgrade to an unknown protocol is ignored: the request is answered as it stands.",
    rfc(9110, "7.8", "RFC9110-7.8-5"),
)
@each(upgrade=["foo/2", "HTTP/3.0", "h2c"])
def test_unknown_upgrade(wire: Any, upgrade: str) -> None:
    wire.send(get("/echo?x", upgrade=upgrade, connection="Upgrade")).expect_echo(target="/echo?x").expect_alive()


@must(
    "http1.upgrade.not-in-http10",
    "Upgrade in an HTTP/1.0 request is ignored, also where WebSocket is served.",
    rfc(9110, "7.8", "RFC9110-7.8-11"),
)
def test_no_upgrade_in_http10(wire: Any) -> None:
    wire.send(handshake(version="1.0")).expect((200, 400, 404, 405, 426), close=True)
