"""A client and the rest of what servers rely on

Not every duty of a client shows in every request. These are the finer ones: what a field says of the connection, what
must not be told to whom, statuses that nobody has heard of, lengths beyond the usual, and how a connection ends.
"""

import asyncio
import contextlib
import ssl

import pytest

from conformance import api, certificates, each, labelled, must, rfc, should
from conformance.scripted import closing, ok

REUSE = ("client-keep-alive",)


def fields(asked):
    """Return the fields of a request, names in lower case."""
    return [(name.lower(), value) for name, value in asked.headers.items()]


# -- what requests say ------------------------------------------------------------------------------------------------


@must(
    "client.manners.grammar",
    "What the client adds to a request is well-formed: single fields, lists without gaps, no whitespace to spare.",
    rfc(9110, "5", "RFC9110-5.3-3", "RFC9110-5.5-i1", "RFC9110-5.6.1.1-1", "RFC9110-5.6.2-i1", "RFC9110-5.6.2-i2"),
    rfc(9110, "5.6.3", "RFC9110-5.6.3-1", "RFC9110-5.6.3-2", "RFC9110-5.6.3-4", "RFC9110-7.6.1-1", "RFC9110-7.6.1-4"),
    rfc(9110, "2.2", "RFC9110-2.2-2", "RFC9110-12.4.2-1", "RFC9110-12.5.1-1", "RFC9110-5.6.4-2", "RFC9110-5.6.4-3"),
)
@each(arguments=[labelled("get", {}), labelled("post", {"method": "POST", "body": b"a=b"})])
async def test_grammar(remote, leftovers, arguments):
    remote.play(ok())
    await remote.fetch(**arguments)
    found = fields(remote.asked[0])
    assert len({name for name, _ in found}) == len(found)
    assert not [value for _, value in found if value != value.strip() or "  " in value or "\t" in value]
    assert not [value for _, value in found if "" in [member.strip() for member in value.split(",")] or '"' in value]
    assert {value.lower() for name, value in found if name == "connection"} <= {"close", "keep-alive"}
    assert not {"server", "location", "upgrade", "te"} & {name for name, _ in found}


@must(
    "client.manners.te",
    "A TE that the program asks for is named in Connection.",
    rfc(9110, "10.1.4", "RFC9110-10.1.4-1", "RFC9112-7.4-3"),
)
async def test_te(remote, leftovers):
    remote.play(ok())
    await remote.fetch(headers={"TE": "trailers"})
    options = remote.asked[0].headers.get("Connection", "")
    assert "te" in [option.strip().lower() for option in options.split(",")]


@must(
    "client.manners.trace",
    "A TRACE has no body and none of the credentials, for it comes back as it went.",
    rfc(9110, "9.3.8", "RFC9110-9.3.8-2", "RFC9110-9.3.8-4"),
)
async def test_trace(remote, leftovers):
    given = {"method": "TRACE", "allow_nonstandard_methods": True}
    remote.play(ok(), ok())
    with pytest.raises(ValueError):
        await remote.fetch(body=b"x", **given)
    await remote.fetch(auth_username="u", auth_password="p", **given)
    assert [name for name, _ in fields(remote.asked[0]) if name in ("authorization", "content-length")] == []


@must(
    "client.manners.options-type",
    "An OPTIONS with a body says of what type that is.",
    rfc(9110, "9.3.7", "RFC9110-9.3.7-4"),
)
async def test_options_type(remote, leftovers):
    remote.play(ok())
    await remote.fetch(method="OPTIONS", body=b"x", allow_nonstandard_methods=True)
    assert "/" in remote.asked[0].headers.get("Content-Type", "")


@should(
    "client.manners.long",
    "URLs of 8000 octets are no trouble, neither to ask for nor to be led to.",
    rfc(9110, "4.1", "RFC9110-4.1-1", "RFC9112-3-4", "RFC9110-2.3-2"),
)
async def test_long(remote, leftovers):
    there = "/" + "a" * 8000
    remote.play(ok(b"", f"Location: {there}b", status="302 Found"), ok())
    await remote.fetch(there)
    assert [asked.target for asked in remote.asked] == [there, f"{there}b"]


@must(
    "client.manners.no-referer",
    "Nobody is told where a redirect came from, least of all by plain HTTP after HTTPS.",
    rfc(9110, "10.1.3", "RFC9110-10.1.3-1", "RFC9110-10.1.3-4", "RFC9110-10.1.3-5"),
)
async def test_no_referer(remote, leftovers):
    plain = await remote.another()
    await remote.listen(certificates.server_context())
    remote.play(ok(b"", f"Location: {plain.url()}", status="302 Found"))
    plain.play(ok())
    await remote.fetch("/secret", ca_certs=certificates.authority_file())
    assert (len(plain.asked), plain.asked[0].headers.get("Referer")) == (1, None)


@should(
    "client.manners.hidden-user",
    "A Location with a user name in it is an error: whoever sent it hides where it leads.",
    rfc(9110, "4.2.4", "RFC9110-4.2.4-2"),
)
async def test_hidden_user(remote, leftovers):
    await remote.listen()
    other = await remote.another()
    remote.play(ok(b"", f"Location: http://bank.test@127.0.0.1:{other.port}/", status="302 Found"))
    other.play(ok())
    with pytest.raises(api.httpclient.HTTPClientError):
        await remote.fetch(raise_error=True)
    assert other.asked == []


@should("client.manners.forbidden", "After 403 the request is not repeated.", rfc(9110, "15.5.4", "RFC9110-15.5.4-1"))
async def test_forbidden(remote, leftovers):
    remote.play(ok(b"no", status="403 Forbidden"), ok())
    response = await remote.fetch(auth_username="u", auth_password="p")
    assert (response.code, len(remote.asked)) == (403, 1)


@must(
    "client.manners.old-server",
    "A server that has answered by HTTP/1.0 gets no chunks: there is a length, or an error.",
    rfc(9112, "6.1", "RFC9112-6.1-10", "RFC9112-6.3-13"),
)
async def test_old_server(remote, leftovers):
    async def produce(write):
        await write(b"body")

    remote.play(*[closing(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")] * 2)
    await remote.fetch()
    with contextlib.suppress(ValueError):
        await remote.fetch(method="POST", body_producer=produce)
    assert ["Transfer-Encoding" in asked.headers for asked in remote.asked[1:]] in ([], [False])


# -- what answers mean ------------------------------------------------------------------------------------------------


@must(
    "client.manners.unknown-status",
    "A status that nobody has heard of means what its first digit says.",
    rfc(9110, "15", "RFC9110-15-1"),
)
@each(status=[299, 399, 499, 599])
async def test_unknown_status(remote, leftovers, status):
    remote.play(ok(b"body", "Location: /there", status=f"{status} What"))
    response = await remote.fetch()
    assert (response.code, response.body, len(remote.asked)) == (status, b"body", 1)
    assert (response.error is None) is (status == 299)


@should(
    "client.manners.invalid-status",
    "A status beyond the classes is an error.",
    rfc(9110, "15", "RFC9110-15-2", "RFC9110-15-i1"),
)
@each(status=["600", "999", "099"])
async def test_invalid_status(remote, leftovers, status):
    remote.play(closing(ok(status=f"{status} What")))
    with pytest.raises(api.httpclient.HTTPClientError):
        await remote.fetch(raise_error=True)


@should(
    "client.manners.minor-version",
    "An answer of a later HTTP/1 is read as HTTP/1.1.",
    rfc(9110, "6.2", "RFC9110-6.2-6"),
)
async def test_minor_version(remote, leftovers):
    remote.play(b"HTTP/1.9 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
    assert (await remote.fetch()).body == b"ok"


@should(
    "client.manners.opaque",
    "Fields that are not known are passed on, and octets beyond ASCII in their values, with nothing lost.",
    rfc(9110, "5.1", "RFC9110-5.1-2", "RFC9110-5.5-3"),
)
async def test_opaque(remote, leftovers):
    remote.play(ok(b"ok", "X-Whatever: a\xe9\xff"))
    value = (await remote.fetch()).headers["X-Whatever"]
    assert value.encode("latin-1") == b"a\xe9\xff"


@must(
    "client.manners.leading-space",
    "A line that begins with whitespace, right after the status line, makes an answer none, or is ignored.",
    rfc(9112, "2.2", "RFC9112-2.2-9"),
)
async def test_leading_space(remote, leftovers, lenient):
    remote.play(closing(b"HTTP/1.1 200 OK\r\n X-A: b\r\nContent-Length: 2\r\n\r\nok"))
    try:
        response = await remote.fetch()
    except api.httpclient.HTTPClientError:
        return
    lenient("it passes over the line; RFC 9112, section 2.2, allows that")
    assert (response.body, response.headers.get("X-A")) == (b"ok", None)


@must(
    "client.manners.large-length",
    "A length beyond all that memory holds is no small one: the answer is refused, or lacks its end.",
    rfc(9110, "8.6", "RFC9110-8.6-8"),
)
@each(length=[2**32 + 2, 2**64 + 2, 10**30])
async def test_large_length(remote, leftovers, length):
    remote.play(closing(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nok".encode()))
    assert isinstance(await remote.failure(), Exception)


@must(
    "client.manners.list-gaps",
    "Gaps in a list are passed over.",
    rfc(9110, "5.6.1.2", "RFC9110-5.6.1.2-1", "RFC9110-5.6.1.2-2"),
)
async def test_list_gaps(remote, leftovers):
    remote.play(ok(b"ok", "Connection: , ,close,"), ok())
    await remote.fetch()
    await remote.peers[0].gone()


@must(
    "client.manners.old-chunks",
    "After an HTTP/1.0 answer in chunks the connection is closed, whatever it says.",
    rfc(9112, "6.1", "RFC9112-6.1-14"),
)
async def test_old_chunks(remote, leftovers):
    head = b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"
    remote.play(head + b"2\r\nok\r\n0\r\n\r\n")
    fetching = asyncio.ensure_future(remote.fetch(request_timeout=5))
    while not remote.asked:
        await asyncio.sleep(0)
    await remote.peers[0].gone()
    await asyncio.gather(fetching, return_exceptions=True)


# -- how connections go -----------------------------------------------------------------------------------------------


@must(
    "client.manners.says-close",
    "A client that does not use a connection again says so in its request.",
    rfc(9112, "9.3", "RFC9112-9.3-2"),
)
async def test_says_close(remote, leftovers):
    remote.play(ok(), ok())
    await remote.fetch()
    await remote.fetch()
    closes = [asked.headers.get("Connection", "").lower() == "close" for asked in remote.asked]
    assert closes == ([False, False] if len(remote.peers) == 1 else [True, True])


@must(
    "client.manners.keeps-none",
    "With idle_timeout=0 no connection is kept, and each request says close.",
    rfc(9112, "9.3", "RFC9112-9.3-2"),
    needs=REUSE,
)
async def test_keeps_none(remote, leftovers):
    remote.settings = {"idle_timeout": 0}
    remote.play(ok(), ok())
    await remote.fetch()
    await remote.peers[0].gone()
    await remote.fetch()
    assert [asked.headers.get("Connection") for asked in remote.asked] == ["close", "close"]


@should(
    "client.manners.goes-on",
    "An answer that comes early, and does not say close, is no reason to stop sending.",
    rfc(9110, "7.5", "RFC9110-7.5-1"),
)
async def test_goes_on(remote, leftovers):
    answered = asyncio.Event()

    async def play(peer):
        await peer.send(ok(b"early"))
        answered.set()
        await peer.body()

    async def produce(write):
        await write(b"one")
        await answered.wait()
        for _ in range(20):
            await asyncio.sleep(0)
        await write(b"two")

    remote.play(play)
    response = await remote.fetch(method="POST", body_producer=produce, headers={"Content-Length": "6"})
    for _ in range(50):
        await asyncio.sleep(0)
    assert (response.body, remote.asked[0].body) == (b"early", b"onetwo")


@must(
    "client.manners.common-name",
    "A certificate is for the names in its subjectAltName; the common name does not count.",
    rfc(9110, "4.3.4", "RFC9110-4.3.4-4"),
)
async def test_common_name(remote, leftovers):
    await remote.listen(certificates.server_context("common-name"))
    with pytest.raises((ssl.SSLError, api.httpclient.HTTPClientError)):
        await remote.fetch(ca_certs=certificates.authority_file())
    assert remote.asked == []


@should(
    "client.manners.no-alert",
    "An answer whose end is known counts, also when the connection ends without the closure alert of TLS.",
    rfc(9112, "9.8", "RFC9112-9.8-1"),
)
@each(
    answer=[
        labelled("length", ok(b"ok")),
        labelled("chunked", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    ]
)
async def test_no_alert(remote, leftovers, answer):
    async def play(peer):
        await peer.send(answer)
        peer.cut()

    await remote.listen(certificates.server_context())
    remote.play(play)
    assert (await remote.fetch(ca_certs=certificates.authority_file())).body == b"ok"


@must(
    "client.manners.cut-off",
    "A body that ends with the connection needs the closure alert to be complete: it may have been cut off.",
    rfc(9112, "8"),
)
@each(end=["alert", "cut"])
async def test_cut_off(remote, leftovers, end):
    async def play(peer):
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        peer.close() if end == "alert" else peer.cut()

    await remote.listen(certificates.server_context())
    remote.play(play)
    trusted = {"ca_certs": certificates.authority_file()}
    if end == "alert":
        assert (await remote.fetch(**trusted)).body == b"all of it"
    else:
        assert isinstance(await remote.failure(**trusted), Exception)


@must(
    "client.manners.closure-alert",
    "Before the client closes a connection of TLS it sends the closure alert.",
    rfc(9112, "9.8", "RFC9112-9.8-3"),
)
@each(when=["said", "cut-short"])
async def test_closure_alert(remote, leftovers, when):
    await remote.listen(certificates.server_context())
    remote.play(ok(b"ok", "Connection: close") if when == "said" else b"HTTP/1.1 200 OK\r\nno answer\r\n\r\n")
    fetching = asyncio.ensure_future(remote.fetch(ca_certs=certificates.authority_file()))
    await asyncio.gather(fetching, return_exceptions=True)
    await remote.peers[0].gone()
    assert remote.peers[0].was_told()
