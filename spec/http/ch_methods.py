"""Methods and resources: what a request asks for, and of whom

A method says what is to be done, the target on what, and a few fields say under which circumstances. Much of that is
the application's business. What remains for a server is to pass all of it on unchanged, to know GET and HEAD, to answer
a method that it does not know at all otherwise than one that this resource does not allow, and to add nothing of its
own: no memory of the request before, no other target because a field names one.

A target stands for one resource however it is spelled. Whether ``/%65cho`` is ``/echo`` or nothing at all may be
decided either way; that it is something else may not.
"""

from __future__ import annotations

import re
from typing import Any

from conformance import each, labelled, must, rfc, should
from conformance.wire.http import answer, get, post

# -- methods ----------------------------------------------------------------------------------------------------------


@must(
    "http1.method.get-and-head",
    "GET and HEAD are supported.",
    rfc(9110, "9.1", "RFC9110-9.1-1"),
)
@each(target=["/echo", "/resource.txt"])
def test_get_and_head(wire: Any, target: str) -> None:
    wire.send(get(target)).expect(200, body=...)
    wire.send(get(target, method="HEAD")).expect(200, body=b"").expect_alive()


@should(
    "http1.method.not-allowed-405",
    "A method that the server knows and the resource does not allow is answered with 405.",
    rfc(9110, "9.1", "RFC9110-9.1-4"),
)
@each(method=["POST", "PUT", "DELETE", "PATCH"])
def test_not_allowed(wire: Any, method: str) -> None:
    wire.send(post("/get-only", b"abc", method=method)).expect(405).expect_in_step()


@should(
    "http1.options.names-methods",
    "The answer to OPTIONS names in Allow what the resource offers, be it a success or a 405.",
    rfc(9110, "9.3.7", "RFC9110-9.3.7-1"),
)
@each(target=["/get-only"])
def test_options(wire: Any, target: str) -> None:
    wire.send(get(target, method="OPTIONS")).expect((200, 204, 405), header={"Allow": {"GET"}}).expect_in_step()


@should(
    "http1.trace.reflects",
    "TRACE is refused, or reflects the request without what is secret in it.",
    rfc(9110, "9.3.8", "RFC9110-9.3.8-1", "RFC9110-9.3.8-3"),
)
@each(field=["cookie", "authorization", "proxy_authorization"])
def test_trace(wire: Any, field: str) -> None:
    reflected = re.compile(rb"TRACE /get-only HTTP/1\.1\r\n(?!.*s3cret).*", re.DOTALL)
    wire.send(get("/get-only", method="TRACE", **{field: "s3cret"})).expect_one_of(
        {"status": (405, 501)},
        {"status": 200, "header": {"Content-Type": "message/http"}, "body": reflected},
        why="TRACE is answered; not to offer it is safer",
    ).expect_in_step()


# -- what a request is about ------------------------------------------------------------------------------------------


@must(
    "http1.request.stateless",
    "What one request brought with it, credentials above all, does not belong to the next one on the connection.",
    rfc(9110, "3.3", "RFC9110-3.3-1"),
)
@each(field=["Authorization", "Cookie", "X-User"])
def test_stateless(wire: Any, field: str) -> None:
    wire.send(get("/echo?1", **{field.replace("-", "_"): "a=b"})).expect_echo(headers={field: "a=b"})
    wire.send(get("/echo?2")).expect_echo(target="/echo?2", headers={field: None}).expect_alive()


@must(
    "http1.request.content-location",
    "Content-Location in a request says where its content is from, and changes nothing about the target.",
    rfc(9110, "8.7", "RFC9110-8.7-4"),
)
@each(method=["POST", "PUT"])
def test_content_location(wire: Any, method: str) -> None:
    data = post("/echo?x", b"abc", method=method, content_location="/get-only")
    wire.send(data).expect_echo(method=method, target="/echo?x", body=b"abc").expect_alive()


@must(
    "http1.request.content-range",
    "Content-Range is ignored in a request whose method has no use for it.",
    rfc(9110, "14.4", "RFC9110-14.4-3"),
)
@each(method=["GET", "POST"])
def test_content_range(wire: Any, method: str) -> None:
    data = post("/echo", b"abc", method=method, content_range="bytes 5-7/10")
    wire.send(data).expect_echo(method=method, body=b"abc").expect_alive()


@must(
    "http1.request.target-uri",
    "The target URI of a request on a connection in the clear has scheme http and the authority of Host.",
    rfc(9112, "3.3", "RFC9112-3.3-i1", "RFC9112-3.3-i2"),
)
@each(host=["example.test", "example.test:8080", "[::1]:80", "127.0.0.1"])
def test_target_uri(wire: Any, host: str) -> None:
    wire.send(get("/echo", host=host)).expect_echo(scheme="http", host=host).expect_alive()


@should(
    "http1.request.equivalent-targets",
    "Spellings of a target that are equivalent reach the same resource, or none.",
    rfc(9110, "4.2.3", "RFC9110-4.2.3-2"),
)
@each(target=["/%65cho", "/ech%6f", "/ech%6F"])
def test_equivalent_targets(wire: Any, target: str) -> None:
    wire.send(get(target)).expect_one_of(
        {"status": 200, "body": re.compile(rb'\{.*"method": ?"GET".*\}')},
        {"status": 404},
        why="another spelling of the target is another target; there is nothing",
    ).expect_alive()


@must(
    "http1.request.own-values",
    "Values as long as those that the server sends are taken back in a request.",
    rfc(9110, "2.3", "RFC9110-2.3-2"),
)
@each(size=[100, 3000])
def test_own_values(wire: Any, size: int) -> None:
    wire.send(get(answer(headers=[["X-Long", "a" * size]]))).expect(200).keep("X-Long")
    wire.send(get("/echo", x_long="{X-Long}")).expect_echo(headers={"X-Long": "a" * size}).expect_alive()


@must(
    "http1.request.defensive",
    "Elements far beyond what they should be end in an answer or a closed connection; the server serves on.",
    rfc(9110, "2.3", "RFC9110-2.3-1"),
)
@each(
    data=[
        labelled("method", b"A" * 100_000),
        labelled("version", b"GET / HTTP/" + b"1" * 100_000),
        labelled("name", b"GET / HTTP/1.1\r\n" + b"A" * 100_000),
        labelled("octets", bytes(range(256)) * 100),
    ]
)
def test_defensive(wire: Any, data: bytes) -> None:
    wire.send(data, partial=True).eof().expect_closed_or(400, 408, 413, 414, 431, 501, 505)
    wire.reconnect().send(get("/echo")).expect_echo(method="GET").expect_alive()
