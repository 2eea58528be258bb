"""HTTP over TLS: the same conversation, and its end

To HTTP a secured connection is a connection. Requests persist and are pipelined as they are in the clear; what differs
is the scheme that an application sees. The end differs too: TLS has a closure alert, so that nobody can cut a
connection and have it look complete. A server sends that alert before it closes. A client that leaves without one, as
many do once they have their answer, does no harm.
"""

from __future__ import annotations

from typing import Any

from conformance import each, labelled, must, rfc, should
from conformance.wire.http import answer, chunked, get, post


@must(
    "http1.tls.same-as-clear",
    "On a connection with TLS requests are served as they are in the clear, one after the other.",
    rfc(9112, "9.7", "RFC9112-9.7-1"),
    needs=("tls",),
)
@each(data=[labelled("length", post("/echo", b"abc")), labelled("chunked", chunked("/echo", b"ab", b"c"))])
def test_same_as_clear(wire: Any, data: bytes) -> None:
    wire.tls().send(data).expect_echo(method="POST", body=b"abc")
    wire.send(get("/nowhere")).expect(404, close=False)
    wire.send(get(answer(chunks=["a", "b"]))).expect(200, body=b"ab").expect_alive()


@must(
    "http1.tls.large",
    "Bodies that take many records arrive whole in both directions.",
    rfc(9112, "9.7", "RFC9112-9.7-1"),
    needs=("tls",),
)
@each(size=[200_000])
def test_large(wire: Any, size: int) -> None:
    wire.tls().send(post("/echo", b"0123456789" * (size // 10))).expect_echo(body=b"0123456789" * (size // 10))
    wire.expect_alive()


@must(
    "http1.tls.scheme",
    "A request on a secured connection is for scheme https.",
    rfc(9112, "3.3", "RFC9112-3.3-i1"),
    needs=("tls",),
)
@each(host=["example.test", "example.test:8443"])
def test_scheme(wire: Any, host: str) -> None:
    wire.tls().send(get("/echo", host=host)).expect_echo(scheme="https", host=host).expect_alive()


@must(
    "http1.tls.absolute-form",
    "On a secured connection a whole URI of scheme https is accepted as the target.",
    rfc(9112, "3.2.2", "RFC9112-3.2.2-6"),
    needs=("tls",),
)
@each(uri=["https://example.test/get-only", "HTTPS://Example.Test:443/get-only"])
def test_absolute_form(wire: Any, uri: str) -> None:
    wire.tls().send(get(uri)).expect(200, body=b"got").expect_alive()


@must(
    "http1.tls.closure-alert",
    "Before the server closes a connection it sends the closure alert.",
    rfc(9112, "9.8", "RFC9112-9.8-6"),
    needs=("tls",),
)
@each(
    data=[
        labelled("asked", get("/echo", connection="close")),
        labelled("http-1.0", get("/echo", version="1.0")),
    ]
)
def test_closure_alert(wire: Any, data: bytes) -> None:
    wire.tls().send(data).expect(200, close=True)


@should(
    "http1.tls.incomplete-close",
    "A client that goes without a closure alert leaves nothing behind: its side ends, and the next one is served.",
    rfc(9112, "9.8", "RFC9112-9.8-5"),
    needs=("tls",),
)
@each(times=[3])
def test_incomplete_close(wire: Any, times: int) -> None:
    for number in range(times):
        wire.tls().send(get(f"/echo?{number}")).expect_echo(target=f"/echo?{number}").expect_alive().close()
    wire.tls().send(get("/echo")).expect_echo(method="GET").expect_alive()
