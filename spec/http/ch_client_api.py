"""Fetching: the interface of the client

``fetch`` takes a URL or an ``HTTPRequest`` and gives a future of an ``HTTPResponse``. A status that is no success is an
exception, unless the program wants it otherwise. All of a program share one client for each event loop; who needs other
settings configures that, or makes a client of their own.
"""

import asyncio
import json

import pytest

from conformance import api, doc, each, labelled, must, rfc, seed, should
from conformance.scripted import Upstream, ok

# -- responses and errors ---------------------------------------------------------------------------------------------


@must(
    "client.fetch.response",
    "The response has the request, the status with its phrase, the headers, the body, also as a file, and its time.",
    doc("httpclient.HTTPResponse"),
    seed("SEED-020"),
    seed("SEED-153"),
    seed("SEED-196"),
)
async def test_response(remote, leftovers):
    remote.play(ok(b"body", "X-A: b", status="201 Made"))
    request = api.httpclient.HTTPRequest((await remote.listen()) or remote.url())
    response = await remote.client.fetch(request)
    assert (response.code, response.reason, response.error, response.headers["x-a"]) == (201, "Made", None, "b")
    assert (response.body, response.buffer.read(), response.effective_url) == (b"body", b"body", request.url)
    assert response.request is request
    assert 0 < response.request_time < 60
    assert response.rethrow() is None


@must(
    "client.fetch.error",
    "A status other than 2xx raises HTTPClientError, which has the code, the phrase and the response.",
    doc("httpclient.AsyncHTTPClient.fetch"),
    doc("httpclient.HTTPClientError"),
)
@each(status=["304 Same", "404 Nowhere", "500 Broken", "599 Odd"])
async def test_error(remote, leftovers, status):
    remote.play(ok(b"why" if status[0] != "3" else b"", status=status))
    with pytest.raises(api.httpclient.HTTPError) as raised:
        await remote.fetch(raise_error=True)
    error, code = raised.value, int(status[:3])
    assert (error.code, error.message, error.response.code, error.response.error) == (code, status[4:], code, error)
    assert str(error) == f"HTTP {code}: {status[4:]}"
    assert api.httpclient.HTTPError is api.httpclient.HTTPClientError


@must(
    "client.fetch.no-raise",
    "With raise_error=False such a status is a response with an error, which rethrow() raises; "
    "that there is no response is raised all the same.",
    doc("httpclient.AsyncHTTPClient.fetch"),
    doc("httpclient.HTTPResponse.rethrow"),
)
async def test_no_raise(remote, leftovers):
    remote.play(ok(b"why", status="404 Nowhere"))
    response = await remote.fetch()
    assert (response.code, response.body, response.error.code) == (404, b"why", 404)
    with pytest.raises(api.httpclient.HTTPClientError):
        response.rethrow()

    async def leave(peer):
        peer.close()

    remote.play(leave)
    assert (await remote.failure(method="POST", body=b"")).code == 599


@must(
    "client.fetch.arguments",
    "Arguments beside a URL are those of HTTPRequest; beside an HTTPRequest they are refused.",
    doc("httpclient.AsyncHTTPClient.fetch"),
)
async def test_arguments(remote, leftovers):
    remote.play(ok())
    assert (await remote.fetch(method="PUT", body="x")).request.method == "PUT"
    with pytest.raises((ValueError, TypeError)):
        await remote.client.fetch(api.httpclient.HTTPRequest(remote.url()), method="PUT")
    with pytest.raises((ValueError, TypeError)):
        await remote.fetch(no_such_argument=1)


@must(
    "client.fetch.parallel",
    "Several fetches at a time are made at a time, up to max_clients, which is 10 by default.",
    doc("httpclient.AsyncHTTPClient"),
    seed("SEED-176"),
    seed("SEED-177"),
    seed("SEED-178"),
)
async def test_parallel(remote, clock):
    all_there = asyncio.Event()

    async def play(peer):
        if len(remote.asked) == 10:
            all_there.set()
        await all_there.wait()
        await peer.send(ok(peer.asked[-1].target.encode()))

    remote.play(*[play] * 12)
    responses = await asyncio.gather(*[remote.fetch(f"/{number}") for number in range(12)])
    assert [response.body for response in responses] == [b"/%d" % number for number in range(12)]


@must(
    "client.fetch.streaming",
    "streaming_callback gets the body, which the response then does not have; header_callback the lines of the head. "
    "Both may be coroutines.",
    doc("httpclient.HTTPRequest"),
)
@each(kind=["function", "coroutine"])
async def test_streaming(remote, leftovers, kind):
    lines, pieces = [], []

    async def line_later(line):
        await asyncio.sleep(0)
        lines.append(line)

    async def piece_later(piece):
        await asyncio.sleep(0)
        pieces.append(piece)

    remote.play(ok(b"a body", "X-A: b"))
    functions = (lines.append, pieces.append) if kind == "function" else (line_later, piece_later)
    response = await remote.fetch(header_callback=functions[0], streaming_callback=functions[1])
    assert lines == ["HTTP/1.1 200 OK\r\n", "Content-Length: 6\r\n", "X-A: b\r\n", "\r\n"]
    assert (b"".join(pieces), response.body) == (b"a body", b"")


@should(
    "client.fetch.callback-fails",
    "What a callback of the request raises is raised by fetch.",
    doc("httpclient.HTTPRequest"),
)
@each(which=["header_callback", "streaming_callback"])
async def test_callback_fails(remote, leftovers, which):
    def fail(argument):
        raise ZeroDivisionError

    remote.play(ok())
    assert isinstance(await remote.failure(**{which: fail}), ZeroDivisionError)


@must(
    "client.fetch.callback",
    "Legacy: callback= gets the response, also that of an error status, or one with code 599 when there is none.",
    seed("SEED-025"),
    seed("SEED-028"),
    seed("SEED-026"),
    seed("SEED-143"),
    needs=("legacy",),
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_callback(remote, leftovers):
    async def leave(peer):
        peer.close()

    await remote.listen()
    remote.play(ok(), ok(b"", status="404 Nowhere"), leave)
    post = {"method": "POST", "body": b""}
    for code in (200, 404, 599):
        called = asyncio.get_running_loop().create_future()
        remote.client.fetch(remote.url(), callback=called.set_result, **post)
        response = await called
        assert (response.code, response.error is None) == (code, code == 200)


# -- requests ---------------------------------------------------------------------------------------------------------


@must(
    "client.httprequest.attributes",
    "An HTTPRequest has its arguments as attributes; text of the body becomes bytes, no headers an HTTPHeaders.",
    doc("httpclient.HTTPRequest"),
)
def test_request_attributes():
    request = api.httpclient.HTTPRequest(
        "http://h/", body="\u00e9", headers={"a-b": "c"}, use_gzip=False, max_redirects=2
    )
    assert (request.url, request.method, request.body, request.max_redirects) == ("http://h/", "GET", b"\xc3\xa9", 2)
    assert (request.headers["a-b"], request.decompress_response) == ("c", False)
    assert (request.connect_timeout, request.validate_cert, request.expect_100_continue) == (None, None, False)
    request.body, request.headers = "x", None
    assert (request.body, request.headers.get_list("A")) == (b"x", [])


@must(
    "client.httprequest.interface",
    "network_interface is the address to connect from; what is none is refused with ValueError.",
    doc("httpclient.HTTPRequest"),
)
async def test_interface(remote, leftovers):
    remote.play(ok())
    await remote.fetch(network_interface="127.0.0.5")
    assert remote.peers[0].address == "127.0.0.5"
    with pytest.raises(ValueError):
        await remote.fetch(network_interface="no address")


@must(
    "client.httprequest.one-body",
    "A body and a body_producer together are refused.",
    doc("httpclient.HTTPRequest"),
)
def test_one_body():
    with pytest.raises(ValueError):
        api.httpclient.HTTPRequest("http://h/", body=b"", body_producer=lambda write: None)


@must(
    "client.httprequest.if-modified-since",
    "if_modified_since is sent as a date of HTTP.",
    doc("httpclient.HTTPRequest"),
)
async def test_if_modified_since(remote, leftovers):
    remote.play(ok())
    await remote.fetch(if_modified_since=784111777)
    assert remote.asked[0].headers["If-Modified-Since"] == "Sun, 06 Nov 1994 08:49:37 GMT"


# -- clients ----------------------------------------------------------------------------------------------------------


async def made():
    """Return the client of this loop, closed."""
    client = api.httpclient.AsyncHTTPClient()
    client.close()
    return client


@must(
    "client.instance.shared",
    "AsyncHTTPClient() is the same client all over one event loop, until that is closed; force_instance makes another.",
    doc("httpclient.AsyncHTTPClient"),
)
async def test_shared(leftovers):
    client = api.httpclient.AsyncHTTPClient()
    own = api.httpclient.AsyncHTTPClient(force_instance=True)
    assert api.httpclient.AsyncHTTPClient(max_clients=3) is client
    assert own is not client
    assert await asyncio.to_thread(asyncio.run, made()) is not client
    client.close()
    after = api.httpclient.AsyncHTTPClient()
    assert after is not client
    after.close()
    own.close()


@must(
    "client.instance.closed",
    "A client that is closed raises RuntimeError when asked to fetch; closing it again does nothing.",
    doc("httpclient.AsyncHTTPClient.close"),
)
async def test_closed_client(leftovers):
    client = api.httpclient.AsyncHTTPClient(force_instance=True)
    client.close()
    client.close()
    with pytest.raises(RuntimeError):
        await client.fetch("http://127.0.0.1/")


@must(
    "client.instance.configure",
    "configure(None, ...) sets the arguments of clients made later; defaults are for what requests leave open.",
    doc("httpclient.AsyncHTTPClient.configure"),
)
async def test_configure(remote, leftovers):
    kind = api.httpclient.AsyncHTTPClient
    remote.play(ok(), ok())
    try:
        kind.configure(None, defaults={"user_agent": "suite"}, max_clients=3)
        assert remote.client.max_clients == 3
        await remote.fetch()
        await remote.fetch(user_agent="mine")
    finally:
        kind.configure(None)
    assert [asked.headers["User-Agent"] for asked in remote.asked] == ["suite", "mine"]


@must(
    "client.instance.implementation",
    "configure() takes another implementation, by class or name, whose fetch_impl then makes the requests.",
    doc("httpclient.AsyncHTTPClient.configure"),
)
async def test_implementation(leftovers):
    kind = api.httpclient.AsyncHTTPClient

    class Mine(kind):
        def fetch_impl(self, request, callback):
            callback(api.httpclient.HTTPResponse(request, 418, reason=f"{request.max_redirects}"))

    try:
        kind.configure(Mine)
        client = kind(force_instance=True)
        assert isinstance(client, Mine)
        response = await client.fetch("http://h/", raise_error=False)
    finally:
        kind.configure(None)
    assert (response.code, response.reason, response.effective_url) == (418, "5", "http://h/")
    client.close()


@should(
    "client.instance.context",
    "A client of one's own is an asynchronous context manager that closes it.",
    doc("httpclient.AsyncHTTPClient"),
    needs=("client-keep-alive",),
)
async def test_context(remote, leftovers):
    await remote.listen()
    remote.play(ok())
    async with api.httpclient.AsyncHTTPClient(force_instance=True) as client:
        assert (await client.fetch(remote.url())).code == 200
    with pytest.raises(RuntimeError):
        await client.fetch(remote.url())


def fetched_blocking(url):
    """Return what a blocking client makes of two requests to ``url``: a response and an exception."""
    client = api.httpclient.HTTPClient()
    try:
        response = client.fetch(url)
        with pytest.raises(api.httpclient.HTTPClientError) as raised:
            client.fetch(url)
        return response, raised.value
    finally:
        client.close()


@must(
    "client.blocking.fetch",
    "HTTPClient().fetch(url) blocks, and returns the response or raises as fetch does.",
    doc("httpclient.HTTPClient"),
    seed("SEED-012"),
    seed("SEED-142"),
)
async def test_blocking(remote):
    await remote.listen()
    remote.play(ok(b"first"), ok(b"no", status="404 Nowhere"))
    response, error = await asyncio.to_thread(fetched_blocking, remote.url())
    assert (response.body, error.code, len(remote.asked)) == (b"first", 404, 2)


@must(
    "client.blocking.in-handler",
    "HTTPClient works inside a handler, and blocks the loop meanwhile, so that one request is served at a time.",
    seed("SEED-005"),
    seed("SEED-008"),
    seed("SEED-013"),
    seed("SEED-015"),
    seed("SEED-019"),
    seed("SEED-021"),
)
async def test_blocking_in_handler(serve):
    upstream = Upstream([ok(b'{"results": [1, 2, 3]}', "Connection: close")] * 2)
    steps = []

    class Rate(api.web.RequestHandler):
        def get(self):
            steps.append("asked")
            found = json.loads(api.httpclient.HTTPClient().fetch(upstream.url).body)["results"]
            self.write(f"{len(found) / 2:.02f} per second")
            steps.append("answered")

    application = await serve([("/", Rate)])
    replies = await asyncio.gather(application.get("/"), application.get("/"))
    assert [(reply.code, reply.body) for reply in replies] == [(200, b"1.50 per second")] * 2
    assert steps == ["asked", "answered"] * 2


@must(
    "client.fetch.concurrent-reuse",
    "Answers come to the requests they answer, whatever is under way beside them.",
    doc("httpclient.AsyncHTTPClient"),
    rfc(9112, "9.2", "RFC9112-9.2-1"),
)
@each(count=[labelled("many", 60)])
async def test_right_answers(remote, leftovers, count):
    async def play(peer):
        target = peer.asked[-1].target
        for _ in range(int(target[1:]) % 5):
            await asyncio.sleep(0)
        await peer.send(ok(target.encode()))

    remote.play(*[play] * count)
    responses = await asyncio.gather(*[remote.fetch(f"/{number}") for number in range(count)])
    assert [response.body.decode() for response in responses] == [f"/{number}" for number in range(count)]
