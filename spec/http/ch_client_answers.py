"""A client reads answers

What a server sends is framed like any message, and a client must find the same end of it as everybody else: else the
next answer on the connection is taken for part of this one, or the other way round. What has two meanings is refused,
and what is cut short is no success.

The client is asked to fetch from a server that plays back bytes, all at once and one by one.
"""

import gzip

from conformance import api, doc, each, labelled, must, rfc, should
from conformance.scripted import PIECES, closing, ok


def is_refusal(error):
    """Return whether ``error`` is what a client raises for an answer that is none."""
    return isinstance(error, api.httpclient.HTTPClientError) and error.code == 599


async def read(remote, answer, pieces="whole", **arguments):
    """Return the response that the client makes of ``answer``."""
    remote.pieces = pieces
    remote.play(answer)
    return await remote.fetch(**arguments)


async def refused(remote, answer, **arguments):
    """Return whether the client refuses ``answer``, after which the server closes."""
    remote.play(closing(answer))
    return is_refusal(await remote.failure(**arguments))


# -- where a body ends ------------------------------------------------------------------------------------------------


@must(
    "client.body.length",
    "A body with a Content-Length has that many octets, however they come.",
    rfc(9112, "6.3", "RFC9112-6.3-i5"),
    rfc(9112, "2.2", "RFC9112-2.2-1"),
)
@each(pieces=PIECES)
async def test_length(remote, leftovers, pieces):
    response = await read(remote, ok(b"\x00 \r\n\r\nfive"), pieces)
    assert (response.code, response.reason, response.body) == (200, "OK", b"\x00 \r\n\r\nfive")


@must(
    "client.body.chunked",
    "A chunked body is freed from its chunks; extensions and trailers are no part of it.",
    rfc(9112, "7.1", "RFC9112-6.1-1", "RFC9112-7.1-2", "RFC9112-7.1-i2", "RFC9112-7.1-i3"),
    rfc(9112, "7.1.1", "RFC9112-7.1.1-1"),
)
@each(pieces=PIECES)
async def test_chunked(remote, leftovers, pieces):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    response = await read(remote, head + b'3;a=b;c="d\\";"\r\none\r\n00A\r\n, and more\r\n0\r\nX-T: 1\r\n\r\n', pieces)
    assert response.body == b"one, and more"


@must(
    "client.body.trailers-apart",
    "Trailers are not among the header fields of the response.",
    rfc(9110, "6.5.1", "RFC9110-6.5.1-2"),
    rfc(9112, "7.1.2", "RFC9112-7.1.2-3"),
)
async def test_trailers_apart(remote, leftovers):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n"
    response = await read(remote, head + b"1\r\nx\r\n0\r\nX-T: 1\r\nX-A: 2\r\n\r\n")
    assert (response.headers.get("X-T"), response.headers.get_list("X-A")) == (None, ["1"])


@must(
    "client.body.until-close",
    "A body without a declared length ends with the connection.",
    rfc(9112, "6.3", "RFC9112-6.3-i7"),
)
@each(pieces=PIECES)
async def test_until_close(remote, leftovers, pieces):
    response = await read(remote, closing(b"HTTP/1.1 200 OK\r\n\r\nall of it"), pieces)
    assert response.body == b"all of it"


@must(
    "client.body.none",
    "An answer to HEAD, 204 and 304 have no body, whatever their fields say.",
    rfc(9112, "6.3", "RFC9112-6.3-i1", "RFC9110-6-1"),
    rfc(9110, "6.4.1", "RFC9110-6.4.1-i1", "RFC9110-6.4.1-i2", "RFC9110-15.3.5-i1", "RFC9110-15.4.5-i1"),
)
@each(
    answer=[
        labelled("HEAD", ("HEAD", "200 OK", "Content-Length: 4")),
        labelled("HEAD-chunked", ("HEAD", "200 OK", "Transfer-Encoding: chunked")),
        labelled("204", ("GET", "204 No Content", "X-A: b")),
        labelled("304", ("GET", "304 Not Modified", "Content-Length: 4")),
    ]
)
async def test_no_body(remote, leftovers, answer):
    method, status, field = answer
    response = await read(remote, f"HTTP/1.1 {status}\r\n{field}\r\n\r\n".encode(), method=method, request_timeout=2)
    assert (response.code, response.body) == (int(status[:3]), b"")


@must(
    "client.body.informational",
    "Informational answers, whichever they are, precede the final one, and are not taken for it.",
    rfc(9110, "15.2", "RFC9110-15.2-2", "RFC9110-15.2-i1"),
)
@each(pieces=PIECES)
async def test_informational(remote, leftovers, pieces):
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 199 What\r\n\r\n"
    response = await read(remote, early + ok(), pieces)
    assert (response.code, response.body, "Link" in response.headers) == (200, b"ok", False)


@must(
    "client.body.cut-short",
    "An answer that ends before its declared end, in whatever way, is an error: one with code 599, or of the system.",
    rfc(9112, "8", "RFC9112-6.3-8", "RFC9112-8-2"),
    doc("httpclient.HTTPClientError"),
)
@each(
    answer=[
        labelled("nothing", b""),
        labelled("head", b"HTTP/1.1 200 OK\r\nContent-Le"),
        labelled("length", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfour"),
        labelled("no-last-chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n"),
        labelled("in-chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfou"),
        labelled("in-trailers", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n"),
    ]
)
@each(way=["close", "half-close", "reset"])
async def test_cut_short(remote, leftovers, answer, way):
    remote.play(closing(answer, way))
    error = await remote.failure(request_timeout=1)
    assert not isinstance(error, api.simple_httpclient.HTTPTimeoutError), "the client waits on"
    assert is_refusal(error) or (way == "reset" and isinstance(error, ConnectionError))


# -- what has two meanings --------------------------------------------------------------------------------------------


@must(
    "client.framing.two-lengths",
    "Content-Length fields that disagree, or are no numbers, are an error.",
    rfc(9112, "6.3", "RFC9112-6.3-4", "RFC9112-6.3-7"),
    rfc(9110, "8.6", "RFC9110-8.6-i1"),
)
@each(values=["3, 4", "+3", "3x", "-1", "0x3", ""])
async def test_two_lengths(remote, leftovers, values):
    assert await refused(remote, f"HTTP/1.1 200 OK\r\nContent-Length: {values}\r\n\r\nabcd".encode())


@must(
    "client.framing.length-and-chunked",
    "An answer with both Content-Length and Transfer-Encoding is an error, or is read by its chunks.",
    rfc(9112, "6.3", "RFC9112-6.3-i2"),
)
async def test_length_and_chunked(remote, leftovers, lenient):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
    remote.play(closing(head + b"2\r\nhi\r\n0\r\n\r\n"))
    try:
        result = await remote.fetch()
    except api.httpclient.HTTPClientError as error:
        result = error
    if not is_refusal(result):
        lenient("it reads the chunks; RFC 9112, section 6.3, would rather see an error")
        assert result.body == b"hi"


@must(
    "client.framing.other-coding",
    "An answer whose last transfer coding is not chunked ends with the connection, or is an error.",
    rfc(9112, "6.3", "RFC9112-6.3-i4"),
)
async def test_other_coding(remote, leftovers):
    remote.play(closing(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: x-own\r\n\r\nall of it"))
    try:
        body = (await remote.fetch()).body
    except api.httpclient.HTTPClientError as error:
        body = b"all of it" if is_refusal(error) else error
    assert body == b"all of it"


@must(
    "client.framing.chunks",
    "Chunks that are not of the grammar are an error, as are sizes beyond all bounds.",
    rfc(9112, "7.1", "RFC9112-7.1-3", "RFC9112-7.1-i1"),
)
@each(
    body=[
        b"+2\r\nhi\r\n0\r\n\r\n",
        b"0x2\r\nhi\r\n0\r\n\r\n",
        b"\r\nhi\r\n0\r\n\r\n",
        b"2\r\nhi!0\r\n\r\n",
        b"2\nhi\r\n0\r\n\r\n",
        b"ffffffffffffffffff\r\nhi\r\n0\r\n\r\n",
    ]
)
async def test_bad_chunks(remote, leftovers, body):
    assert await refused(remote, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body)


@must(
    "client.framing.status-line",
    "What begins with no status line is no answer.",
    rfc(9112, "4", "RFC9112-4-i1", "RFC9112-2.3-i1", "RFC9112-2.3-i2"),
)
@each(line=["garbage", "HTTP/1.1", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "http/1.1 200 OK", "HTTP/1.1  200 OK"])
async def test_status_line(remote, leftovers, line):
    assert await refused(remote, f"{line}\r\nContent-Length: 0\r\n\r\n".encode())


@must(
    "client.framing.fields",
    "Field lines that are not of the grammar, and CR or NUL within a value, make an answer none.",
    rfc(9112, "5", "RFC9112-5-i1", "RFC9112-2.2-4"),
    rfc(9110, "5.5", "RFC9110-5.5-4"),
)
@each(line=[b"X\x00: a", b"X: a\x00b", b"no colon", b": empty", b"X : a"])
async def test_bad_fields(remote, leftovers, line):
    assert await refused(remote, b"HTTP/1.1 200 OK\r\n" + line + b"\r\nContent-Length: 0\r\n\r\n")


@must(
    "client.framing.obs-fold",
    "A folded field value is read with spaces in the place of the fold.",
    rfc(9112, "5.2", "RFC9112-5.2-4"),
)
async def test_obs_fold(remote, leftovers):
    response = await read(remote, ok(b"ok", "X-A: one", " \t two"))
    assert response.headers["X-A"].split() == ["one", "two"]
    assert not set("\r\n") & set(response.headers["X-A"])


@should(
    "client.framing.reason",
    "The reason phrase says nothing to the client: an answer without one is as good.",
    rfc(9112, "4", "RFC9112-4-3"),
)
@each(line=["HTTP/1.1 200 ", "HTTP/1.1 200 Not Found"])
async def test_reason(remote, leftovers, line):
    response = await read(remote, f"{line}\r\nContent-Length: 2\r\n\r\nok".encode())
    assert (response.code, response.error, response.body) == (200, None, b"ok")


@must(
    "client.framing.names",
    "Field names have no case, values lose the whitespace around them, and repeated fields are one list.",
    rfc(9110, "5.1", "RFC9110-5.1-i1", "RFC9110-5.2-i1", "RFC9110-5.5-1"),
    rfc(9112, "5.1", "RFC9112-5.1-i1"),
)
async def test_names(remote, leftovers):
    response = await read(remote, b"HTTP/1.1 200 OK\r\ncONTENT-lENGTH: \t 2 \r\nx-a:1\r\nX-A:  2\t\r\n\r\nok")
    assert (response.body, response.headers["X-A"]) == (b"ok", "1,2")


# -- limits and codings -----------------------------------------------------------------------------------------------


@must(
    "client.limits.body",
    "A body longer than max_body_size is an error, whether its length is declared, chunked, or shows at the end.",
    doc("simple_httpclient.SimpleAsyncHTTPClient"),
)
@each(
    answer=[
        labelled("length", b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n12345678901"),
        labelled("chunked", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n"),
        labelled("until-close", b"HTTP/1.1 200 OK\r\n\r\n12345678901"),
    ]
)
async def test_max_body_size(remote, leftovers, answer):
    remote.settings = {"max_body_size": 10}
    assert await refused(remote, answer)


@must(
    "client.limits.header",
    "A head longer than max_header_size is an error.",
    doc("simple_httpclient.SimpleAsyncHTTPClient"),
)
async def test_max_header_size(remote, leftovers):
    remote.settings = {"max_header_size": 1000}
    remote.play(closing(ok(b"ok", f"X-A: {'a' * 1000}")))
    assert isinstance(await remote.failure(), Exception)


@must(
    "client.coding.gzip",
    "A body packed with gzip is unpacked, and its Content-Encoding is gone.",
    doc("httpclient.HTTPRequest"),
    rfc(9110, "8.4.1", "RFC9110-8.4.1-i1"),
)
@each(coding=["gzip", "GZip"])
async def test_gzip(remote, leftovers, coding):
    response = await read(remote, ok(gzip.compress(b"packed " * 9), f"Content-Encoding: {coding}"))
    assert (response.body, "Content-Encoding" in response.headers) == (b"packed " * 9, False)
    assert "gzip" in remote.asked[0].headers["Accept-Encoding"]


@should("client.coding.x-gzip", "x-gzip is gzip.", rfc(9110, "8.4.1.3", "RFC9110-8.4.1.3-1"))
async def test_x_gzip(remote, leftovers):
    response = await read(remote, ok(gzip.compress(b"packed"), "Content-Encoding: x-gzip"))
    assert response.body == b"packed"


@must(
    "client.coding.as-it-is",
    "With decompress_response=False gzip is not asked for, and a packed body comes as it is.",
    doc("httpclient.HTTPRequest"),
)
async def test_not_unpacked(remote, leftovers):
    packed = gzip.compress(b"packed")
    response = await read(remote, ok(packed, "Content-Encoding: gzip"), decompress_response=False)
    assert (response.body, response.headers["Content-Encoding"]) == (packed, "gzip")
    assert "Accept-Encoding" not in remote.asked[0].headers


@must(
    "client.coding.bound",
    "A body that unpacks to more than max_body_size is an error: a small one may hide a huge one.",
    doc("simple_httpclient.SimpleAsyncHTTPClient"),
)
async def test_unpacked_bound(remote, leftovers):
    remote.settings = {"max_body_size": 10000}
    assert await refused(remote, ok(gzip.compress(bytes(1000000)), "Content-Encoding: gzip"))


@must(
    "client.coding.broken",
    "A body that says gzip and is not, or is cut short, is an error.",
    rfc(9110, "8.4"),
)
@each(body=[labelled("not-gzip", b"plain text, as it is"), labelled("cut", gzip.compress(b"packed")[:-4])])
async def test_broken_gzip(remote, leftovers, body):
    remote.play(closing(ok(body, "Content-Encoding: gzip")))
    assert isinstance(await remote.failure(), Exception)
