"""A client and its connections

Making a connection costs more than most requests, so a client keeps it where both sides agree; but an answer must never
be taken for that to another request, and no request may be made twice that should be made once. Whatever goes wrong
ends in time, and leaves nothing behind.
"""

import asyncio
import socket
import ssl

import pytest

from conformance import api, certificates, doc, each, labelled, must, rfc, should
from conformance.scripted import closing, ok, settled, turns

#: Capabilities that not every client has.
REUSE = ("client-keep-alive",)
CANCELLATION = ("client-cancellation",)


def on_connections(remote):
    """Return how many requests came on each connection."""
    return [len(peer.asked) for peer in remote.peers]


# -- reuse ------------------------------------------------------------------------------------------------------------


@should(
    "client.reuse.kept",
    "Requests to the same server, one after another, go over the same connection.",
    rfc(9112, "9.3", "RFC9112-9.3-1", "RFC9112-9.3-i1"),
    needs=REUSE,
)
@each(
    answer=[
        labelled("length", ok()),
        labelled("chunked", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        labelled("1.0", b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok"),
        labelled("304", b"HTTP/1.1 304 Not Modified\r\n\r\n"),
    ]
)
async def test_kept(remote, leftovers, answer):
    remote.play(answer, answer, answer)
    for _ in range(3):
        await remote.fetch()
    assert on_connections(remote) == [3]


@must(
    "client.reuse.close",
    "After an answer that says close, that is of HTTP/1.0, or that ends with the connection, there is no other request "
    "on it, and the client closes.",
    rfc(9112, "9.6", "RFC9112-9.6-8", "RFC9112-9.3-i1"),
)
@each(
    answer=[
        labelled("close", ok(b"ok", "Connection: close")),
        labelled("in-list", ok(b"ok", "Connection: x, Close")),
        labelled("1.0", b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    ]
)
async def test_close(remote, leftovers, answer):
    remote.play(answer, answer)
    await remote.fetch()
    await remote.peers[0].gone()
    await remote.fetch()
    assert on_connections(remote) == [1, 1]


@must(
    "client.reuse.close-asked",
    "A request that says close is the last one of its connection.",
    rfc(9112, "9.6", "RFC9112-9.6-2", "RFC9112-9.6-1"),
)
async def test_close_asked(remote, leftovers):
    remote.play(ok(), ok())
    await remote.fetch(headers={"Connection": "close"})
    await remote.peers[0].gone()
    await remote.fetch()
    assert on_connections(remote) == [1, 1]


@must(
    "client.reuse.surplus",
    "What a server sends beyond its answer is no answer to the next request: the connection is closed.",
    rfc(9112, "9.2", "RFC9112-9.2-2", "RFC9112-6.3-15"),
)
@each(when=["at-once", "later"])
async def test_surplus(remote, leftovers, when):
    async def play(peer):
        await peer.send(ok(b"ok") + (ok(b"poison") if when == "at-once" else b""))
        await turns()
        if when == "later":
            await peer.send(ok(b"poison"))

    remote.play(play, ok(b"right"))
    await remote.fetch()
    await remote.peers[0].gone()
    assert (await remote.fetch()).body == b"right"
    assert on_connections(remote) == [1, 1]


@must(
    "client.reuse.unread",
    "A connection whose answer was not read to its end is not used again.",
    rfc(9112, "9.3", "RFC9112-9.3-6"),
)
async def test_unread(remote, leftovers):
    async def play(peer):
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")

    def stop(piece):
        raise ZeroDivisionError

    remote.play(play, ok(b"right"))
    await remote.failure(streaming_callback=stop)
    await remote.peers[0].gone()
    assert ((await remote.fetch()).body, on_connections(remote)) == (b"right", [1, 1])


@should(
    "client.reuse.server-leaves",
    "When the server closes a connection that waits, the client does so, too, and makes another one.",
    rfc(9112, "9.5", "RFC9112-9.5-2"),
)
async def test_server_leaves(remote, leftovers):
    remote.play(closing(ok()), ok())
    await remote.fetch()
    await turns()
    response = await remote.fetch(method="POST", body=b"once")
    assert (response.code, on_connections(remote)) == (200, [1, 1])


@must(
    "client.reuse.stale",
    "A GET on a connection that was used before and turns out to be closed is made again on a new one.",
    rfc(9110, "9.2.2"),
    needs=REUSE,
)
@each(how=["closed", "reset"])
async def test_stale(remote, leftovers, how):
    async def leave(peer):
        peer.close() if how == "closed" else peer.reset()

    remote.play(ok(), leave, ok(b"again"))
    await remote.fetch()
    assert ((await remote.fetch()).body, on_connections(remote)) == (b"again", [2, 1])


@should(
    "client.reuse.once",
    "A POST is not made again, nor is what was answered in part, nor what fails on a new connection.",
    rfc(9110, "9.2.2", "RFC9110-9.2.2-1", "RFC9110-9.2.2-3"),
)
@each(case=["post", "partial", "new"])
async def test_once(remote, leftovers, case):
    async def leave(peer):
        await peer.body()
        if case == "partial":
            await peer.send(b"HTTP/1.1 200")
        peer.close()

    remote.play(*([] if case == "new" else [ok()]), leave, ok())
    if case != "new":
        await remote.fetch()
    with pytest.raises(api.httpclient.HTTPClientError) as raised:
        await remote.fetch(**({"method": "POST", "body": b"x"} if case == "post" else {}))
    assert (raised.value.code, len(remote.asked)) == (599, 1 if case == "new" else 2)


@must(
    "client.reuse.idle",
    "A connection waits for idle_timeout seconds, and is closed then.",
    doc("simple_httpclient.SimpleAsyncHTTPClient"),
    rfc(9112, "9.5", "RFC9112-9.5-1"),
    needs=REUSE,
)
async def test_idle(remote, clock):
    remote.settings = {"idle_timeout": 10}
    remote.play(ok(), ok(), ok())
    await remote.fetch()
    await asyncio.sleep(9)
    await remote.fetch()
    assert on_connections(remote) == [2]
    await asyncio.sleep(11)
    assert remote.peers[0].ended.is_set()


@must(
    "client.reuse.per-host",
    "max_clients_per_host bounds the connections to one server; further requests wait for one of them.",
    doc("simple_httpclient.SimpleAsyncHTTPClient"),
    needs=REUSE,
)
async def test_per_host(remote, leftovers):
    remote.settings = {"max_clients_per_host": 2}
    remote.play(*[ok()] * 6)
    await asyncio.gather(*[remote.fetch(f"/{number}") for number in range(6)])
    assert (len(remote.peers), sum(on_connections(remote))) == (2, 6)


@must(
    "client.reuse.total",
    "There are no more connections than max_clients, those that wait included.",
    doc("simple_httpclient.SimpleAsyncHTTPClient"),
)
async def test_total(remote, leftovers):
    remote.settings = {"max_clients": 1}
    other = await remote.another()
    remote.play(ok(), ok())
    other.play(ok())
    await remote.fetch()
    await other.fetch()
    await remote.peers[0].gone()
    await remote.fetch()
    assert on_connections(remote) == [1, 1]


@must(
    "client.reuse.closed",
    "close() closes the connections that wait.",
    doc("httpclient.AsyncHTTPClient.close"),
)
async def test_closed(remote, leftovers):
    remote.play(ok())
    await remote.fetch()
    remote.client.close()
    await remote.peers[0].gone()


# -- time -------------------------------------------------------------------------------------------------------------


async def seconds_until_timeout(remote, **arguments):
    """Return the seconds after which a fetch times out, and the message."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(api.simple_httpclient.HTTPTimeoutError) as raised:
        await remote.fetch(**arguments)
    assert raised.value.code == 599
    return round(loop.time() - began, 3), str(raised.value)


@must(
    "client.timeout.request",
    "A request that is not answered in request_timeout fails with HTTPTimeoutError; that is 20 seconds by default.",
    doc("httpclient.HTTPRequest"),
)
@each(arguments=[labelled("default", ({}, 20)), labelled("given", ({"request_timeout": 3.5}, 3.5))])
async def test_request_timeout(remote, clock, arguments):
    given, seconds = arguments
    assert (await seconds_until_timeout(remote, **given))[0] == seconds
    await remote.peers[0].gone()


@must(
    "client.timeout.anywhere",
    "Wherever in its answer a server falls silent, the request times out, and the connection is closed.",
    doc("httpclient.HTTPRequest"),
)
@each(
    said=[
        labelled("status-line", b"HTTP/1.1 200"),
        labelled("informational", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        labelled("fields", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"),
        labelled("body", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfour"),
        labelled("chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfour"),
        labelled("trailers", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n"),
    ]
)
async def test_timeout_anywhere(remote, clock, said):
    remote.play(said)
    assert (await seconds_until_timeout(remote, request_timeout=3))[0] == 3
    await remote.peers[0].gone()


@must(
    "client.timeout.whole",
    "request_timeout is for the whole request: an answer that comes bit by bit does not stretch it.",
    doc("httpclient.HTTPRequest"),
)
async def test_whole(remote, clock):
    async def drip(peer):
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            await asyncio.sleep(1)
            await peer.send(b".")

    remote.play(drip)
    assert (await seconds_until_timeout(remote, request_timeout=5))[0] == 5


@must(
    "client.timeout.redirects",
    "Redirects do not stretch request_timeout either.",
    doc("httpclient.HTTPRequest"),
)
async def test_redirects_in_time(remote, clock):
    async def later(peer):
        await asyncio.sleep(2)
        await peer.send(ok(b"", "Location: /", status="302 Found"))

    remote.play(*[later] * 9)
    assert (await seconds_until_timeout(remote, request_timeout=5, max_redirects=9))[0] == 5


class Slow:
    """A resolver that takes a day."""

    def resolve(self, host, port, family=0):
        return asyncio.ensure_future(asyncio.sleep(86400))

    def close(self):
        """Nothing is open."""


@must(
    "client.timeout.connect",
    "Connecting, which includes finding the address, may take connect_timeout, and no longer than request_timeout.",
    doc("httpclient.HTTPRequest"),
)
@each(arguments=[({"connect_timeout": 3}, 3), ({"request_timeout": 4}, 4), ({}, 20)])
async def test_connect_timeout(remote, clock, arguments):
    given, seconds = arguments
    remote.settings = {"resolver": Slow()}
    passed, message = await seconds_until_timeout(remote, **given)
    assert (passed, message.startswith("Timeout while ")) == (seconds, True)


@must(
    "client.timeout.queue",
    "Of more requests than max_clients the others wait; that is limited by connect_timeout, and their own time begins "
    "when they do.",
    doc("httpclient.AsyncHTTPClient"),
)
async def test_queue(remote, clock):
    async def later(peer):
        await asyncio.sleep(6)
        await peer.send(ok())

    remote.settings = {"max_clients": 1}
    remote.play(later, later)
    first = asyncio.ensure_future(remote.fetch("/1", request_timeout=7))
    await asyncio.sleep(0)
    second = asyncio.ensure_future(remote.fetch("/2", connect_timeout=7, request_timeout=7))
    await asyncio.sleep(0)
    assert await seconds_until_timeout(remote, path="/3", connect_timeout=5) == (5, "Timeout in request queue")
    assert ((await first).code, (await second).code, len(remote.asked)) == (200, 200, 2)


@should(
    "client.timeout.none",
    "A timeout of 0 is none.",
    doc("httpclient.HTTPRequest"),
)
async def test_no_timeout(remote, clock):
    async def later(peer):
        await asyncio.sleep(3600)
        await peer.send(ok())

    remote.play(later)
    assert (await remote.fetch(connect_timeout=0, request_timeout=0)).code == 200


@should(
    "client.cancel.ends",
    "Cancelling the future of fetch ends the request and its connection.",
    doc("httpclient.AsyncHTTPClient.fetch"),
    needs=CANCELLATION,
)
async def test_cancel(remote, leftovers):
    await remote.listen()
    future = remote.client.fetch(remote.url())
    while not remote.asked:
        await asyncio.sleep(0)
    future.cancel()
    await remote.peers[0].gone()
    assert future.cancelled()


@should(
    "client.cancel.place",
    "A request that is cancelled gives up its place to the next one, also while it waits for it.",
    doc("httpclient.AsyncHTTPClient"),
    needs=CANCELLATION,
)
async def test_cancel_place(remote, clock):
    remote.settings = {"max_clients": 1}
    await remote.listen()
    futures = [remote.client.fetch(remote.url(f"/{number}")) for number in range(3)]
    while not remote.asked:
        await asyncio.sleep(0)
    remote.play(ok(b"third"))
    futures[1].cancel()
    futures[0].cancel()
    assert (await futures[2]).body == b"third"
    assert [asked.target for asked in remote.asked] == ["/0", "/2"]


# -- what can go wrong on the way -------------------------------------------------------------------------------------


@must(
    "client.connect.refused",
    "Where nobody listens, fetch raises the error of the system.",
    doc("httpclient.AsyncHTTPClient.fetch"),
)
async def test_refused(remote, leftovers):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            await remote.client.fetch(f"http://127.0.0.1:{nobody.getsockname()[1]}/")


class Lost:
    """A resolver that knows nobody."""

    async def resolve(self, host, port, family=0):
        raise socket.gaierror(socket.EAI_NONAME, "nobody of that name")

    def close(self):
        """Nothing is open."""


@must(
    "client.connect.no-name",
    "When the name cannot be found, fetch raises what the resolver did.",
    doc("httpclient.AsyncHTTPClient.fetch"),
)
async def test_no_name(remote, leftovers):
    remote.settings = {"resolver": Lost()}
    with pytest.raises(socket.gaierror):
        await remote.fetch()


@must(
    "client.connect.mapping",
    "hostname_mapping says where hosts are; Host stays what the URL says.",
    doc("simple_httpclient.SimpleAsyncHTTPClient"),
)
async def test_mapping(remote, leftovers):
    await remote.listen()
    remote.settings = {"hostname_mapping": {"name.test": "127.0.0.1"}}
    remote.play(ok())
    await remote.client.fetch(remote.url(host="name.test"))
    assert remote.asked[0].headers["Host"] == f"name.test:{remote.port}"


@must(
    "client.connect.reset",
    "A connection that breaks in the answer is an error with code 599, also where the body would end with it.",
    doc("httpclient.HTTPClientError"),
    rfc(9112, "8", "RFC9112-8-2"),
)
@each(head=[b"", b"HTTP/1.1 200 OK\r\n\r\n"])
async def test_reset(remote, leftovers, head):
    begun = asyncio.Event()

    async def play(peer):
        await peer.send(head and head + b"some")
        if head:
            await begun.wait()
        peer.reset()

    remote.play(play)
    error = await remote.failure(streaming_callback=lambda piece: begun.set())
    assert isinstance(error, api.httpclient.HTTPClientError | ConnectionError)


@must(
    "client.connect.half-closed",
    "A server that ends its direction before it has answered is an error at once, and the client closes.",
    doc("httpclient.HTTPClientError"),
    rfc(9112, "8", "RFC9112-8-2"),
)
@each(head=[b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome"])
async def test_half_closed(remote, leftovers, head):
    async def play(peer):
        await peer.send(head)
        peer.end()
        await peer.body()

    remote.play(play)
    assert (await remote.failure(method="POST", body=b"body")).code == 599
    await remote.peers[0].gone()


@must(
    "client.tls.verified",
    "A certificate that has expired, is for another name or of a stranger is an error, and no request is made.",
    rfc(9110, "4.3.4", "RFC9110-4.3.4-1", "RFC9110-4.3.4-2", "RFC9110-4.3.4-3", "RFC9110-4.3.4-5", "RFC9110-4.2.2-3"),
    rfc(9110, "4.3.4", "RFC9110-4.3.4-6"),
)
@each(fault=["name", "expired", "authority"])
async def test_verified(remote, leftovers, fault):
    await remote.listen(certificates.server_context(fault))
    with pytest.raises((ssl.SSLError, api.httpclient.HTTPClientError)):
        await remote.fetch(ca_certs=certificates.authority_file())
    assert remote.asked == []


@must(
    "client.tls.good",
    "https goes over TLS: with a certificate that ca_certs or ssl_options trust, or any with validate_cert=False.",
    doc("httpclient.HTTPRequest"),
    rfc(9112, "9.7", "RFC9112-9.7-1", "RFC9110-4.3.4-7"),
)
@each(trust=["ca_certs", "ssl_options", "validate_cert"])
async def test_tls(remote, leftovers, trust):
    await remote.listen(certificates.server_context("name" if trust == "validate_cert" else ""))
    remote.play(ok(b"secret"))
    options = {
        "ca_certs": certificates.authority_file(),
        "ssl_options": certificates.client_context(),
        "validate_cert": False,
    }
    assert (await remote.fetch(**{trust: options[trust]})).body == b"secret"


# -- both at a time ---------------------------------------------------------------------------------------------------


@should(
    "client.early.answer",
    "A server that answers and closes before it has the body is heard, and the rest is not sent.",
    rfc(9112, "9.5", "RFC9112-9.5-5", "RFC9112-9.5-6"),
)
async def test_early_answer(remote, leftovers):
    async def play(peer):
        await peer.send(ok(b"enough", "Connection: close", status="413 Content Too Large"))
        while not peer.ended.is_set():
            if not await peer.take():
                peer.ended.set()

    async def produce(write):
        while True:
            await write(bytes(1000))
            await asyncio.sleep(0)

    remote.play(play)
    response = await remote.fetch(method="POST", body_producer=produce, request_timeout=1)
    assert (response.code, response.body) == (413, b"enough")
    await remote.peers[0].gone()


@must(
    "client.streaming.pressure",
    "While a coroutine given as streaming_callback runs, nothing more is read; what it raises is raised by fetch.",
    doc("httpclient.HTTPRequest"),
)
async def test_streaming_pressure(remote, leftovers):
    size, sent, busy, beside, held = 20_000_000, [], [], [], []

    async def play(peer):
        await peer.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
        for _ in range(size // 100_000):
            await peer.send(bytes(100_000))
            sent.append(100_000)

    async def take(piece):
        beside.extend(held)
        busy.append(len(piece))
        if len(busy) == 1:
            held.append(True)
            await settled(lambda: len(sent))
            held.clear()

    remote.play(play)
    await remote.fetch(streaming_callback=take)
    assert (sum(busy), beside) == (size, [])
