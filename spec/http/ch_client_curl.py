"""The client on libcurl

``curl_httpclient`` does the same as ``simple_httpclient`` by other means, for what libcurl alone can. A program that
changes from one to the other should notice little. Its errors have libcurl's numbers.
"""

import asyncio
import gzip
import socket

import pytest

from conformance import api, certificates, doc, each, labelled, must, should
from conformance.scripted import closing, ok


def curl(remote, **settings):
    """Have ``remote`` judge the client on libcurl."""
    remote.kind, remote.settings = api.curl_httpclient.CurlAsyncHTTPClient, settings
    return remote


@must(
    "client.curl.configured",
    "AsyncHTTPClient.configure() takes it by its name, and max_clients with it.",
    doc("httpclient.AsyncHTTPClient.configure"),
    doc("curl_httpclient.CurlAsyncHTTPClient"),
)
async def test_configured(remote, leftovers):
    kind = api.httpclient.AsyncHTTPClient
    remote.play(ok(b"body", "X-A: b", status="201 Made"))
    try:
        name = api.curl_httpclient.CurlAsyncHTTPClient
        kind.configure(f"{name.__module__}.{name.__qualname__}", max_clients=3)
        response = await remote.fetch()
    finally:
        kind.configure(None)
    assert isinstance(remote.client, name)
    assert (response.code, response.reason, response.headers["X-A"], response.body) == (201, "Made", "b", b"body")


@must(
    "client.curl.requests",
    "Method, fields, body and credentials go out as they are asked for.",
    doc("httpclient.HTTPRequest"),
)
@each(method=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_requests(remote, leftovers, method):
    body = "h\u00e9" if method in ("POST", "PUT", "PATCH") else None
    answer = ok()[:-2] if method == "HEAD" else ok()
    curl(remote).play(answer)
    given = {"headers": {"X-A": "1"}, "auth_username": "u", "auth_password": "p\u00e9", "user_agent": "suite"}
    await remote.fetch("/a?b=%20#c", method=method, body=body, **given)
    asked = remote.asked[0]
    assert (asked.method, asked.target, asked.body.decode()) == (method, "/a?b=%20", body or "")
    found = [asked.headers.get(name) for name in ("X-A", "Authorization", "User-Agent", "Content-Length", "Expect")]
    assert found == ["1", "Basic dTpww6k=", "suite", "3" if body else None, None]


@must(
    "client.curl.injection",
    "Line ends in fields are refused.",
    doc("httpclient.HTTPRequest"),
)
@each(headers=[{"X-A": "1\r\nX-Injected: 1"}, {"X-A: 1\r\nX-Injected": "1"}])
async def test_injection(remote, leftovers, headers):
    curl(remote).play(ok())
    with pytest.raises(ValueError):
        await remote.fetch(headers=headers)
    assert remote.asked == []


@must(
    "client.curl.callbacks",
    "header_callback gets the lines of the head, streaming_callback the body, which the response then does not have.",
    doc("httpclient.HTTPRequest"),
)
async def test_callbacks(remote, leftovers):
    lines, pieces = [], []
    curl(remote).play(ok(b"a body", "X-A: b"))
    response = await remote.fetch(header_callback=lines.append, streaming_callback=pieces.append)
    assert lines == ["HTTP/1.1 200 OK\r\n", "Content-Length: 6\r\n", "X-A: b\r\n", "\r\n"]
    assert (b"".join(pieces), response.body) == (b"a body", b"")


@must(
    "client.curl.redirects",
    "Redirects are followed, as many as allowed, without the credentials where they lead to another origin.",
    doc("httpclient.HTTPRequest"),
)
async def test_redirects(remote, leftovers):
    other = await curl(remote).another()
    remote.play(ok(b"", f"Location: {other.url('/there')}", status="302 Found"))
    other.play(ok(b"there"), ok(b"", "Location: /", status="302 Found"))
    response = await remote.fetch(method="POST", body=b"secret", auth_username="u", auth_password="p")
    assert (response.body, response.effective_url) == (b"there", other.url("/there"))
    asked = other.asked[0]
    assert (asked.method, asked.body, "Authorization" in asked.headers) == ("GET", b"", False)
    assert (await remote.client.fetch(other.url(), follow_redirects=False, raise_error=False)).code == 302


@must(
    "client.curl.unpacks",
    "gzip is unpacked; neither what comes nor what that unpacks to is more than max_body_size.",
    doc("httpclient.HTTPRequest"),
    doc("curl_httpclient.CurlAsyncHTTPClient"),
)
async def test_unpacks(remote, leftovers):
    packed = [ok(gzip.compress(bytes(size)), "Content-Encoding: gzip") for size in (900, 100_000)]
    curl(remote, max_body_size=1000).play(*packed, ok(bytes(1001)))
    assert (await remote.fetch()).body == bytes(900)
    for _ in range(2):
        assert isinstance(await remote.failure(), api.httpclient.HTTPClientError)


@must(
    "client.curl.errors",
    "What libcurl fails with is a CurlError, which has its number, and code 599.",
    doc("curl_httpclient.CurlError"),
)
async def test_errors(remote, leftovers):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(api.curl_httpclient.CurlError) as raised:
            await curl(remote).client.fetch(f"http://127.0.0.1:{nobody.getsockname()[1]}/")
    assert (raised.value.errno, raised.value.code) == (7, 599)
    remote.play(closing(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfour"))
    assert (await remote.failure()).errno == 18
    assert isinstance(api.curl_httpclient.CurlError(6, "no host"), api.httpclient.HTTPClientError)


@must(
    "client.curl.time",
    "A request that takes too long is an error; time_info says where the time went.",
    doc("httpclient.HTTPRequest"),
    doc("httpclient.HTTPResponse"),
)
async def test_time(remote, leftovers):
    curl(remote).play(ok())
    times = (await remote.fetch()).time_info
    assert {"queue", "namelookup", "connect", "pretransfer", "starttransfer", "total", "redirect"} <= set(times)
    assert (await remote.failure(request_timeout=0.01)).code == 599


@must(
    "client.curl.parallel",
    "max_clients requests are made at a time; the others wait.",
    doc("curl_httpclient.CurlAsyncHTTPClient"),
)
async def test_parallel(remote, leftovers):
    active, most = [], []

    async def play(peer):
        active.append(peer)
        most.append(len(active))
        for _ in range(20):
            await asyncio.sleep(0)
        active.remove(peer)
        await peer.send(ok(peer.asked[-1].target.encode()))

    curl(remote, max_clients=2).play(*[play] * 6)
    responses = await asyncio.gather(*[remote.fetch(f"/{number}") for number in range(6)])
    assert [response.body for response in responses] == [b"/%d" % number for number in range(6)]
    assert max(most) == 2


@must(
    "client.curl.tls",
    "Certificates are verified, by ca_certs, unless validate_cert is false.",
    doc("httpclient.HTTPRequest"),
)
@each(fault=["", "authority"])
async def test_tls(remote, leftovers, fault):
    await curl(remote).listen(certificates.server_context(fault))
    if fault:
        error = await remote.failure(ca_certs=certificates.authority_file())
        assert isinstance(error, api.curl_httpclient.CurlError)
    remote.play(ok(b"secret"))
    trust = {"validate_cert": False} if fault else {"ca_certs": certificates.authority_file()}
    assert (await remote.fetch(**trust)).body == b"secret"


@must(
    "client.curl.proxy",
    "A proxy gets the URL in absolute form, and the credentials for it.",
    doc("httpclient.HTTPRequest"),
)
async def test_proxy(remote, leftovers):
    await curl(remote).listen()
    remote.play(ok())
    proxy = {"proxy_host": "127.0.0.1", "proxy_port": remote.port, "proxy_username": "u", "proxy_password": "p"}
    await remote.client.fetch("http://origin.test/a", **proxy)
    asked = remote.asked[0]
    assert (asked.target, asked.headers["Proxy-Authorization"]) == ("http://origin.test/a", "Basic dTpw")


@must(
    "client.curl.prepare",
    "prepare_curl_callback gets the handle before the transfer begins, and may change it.",
    doc("httpclient.HTTPRequest"),
)
async def test_prepare(remote, leftovers):
    import pycurl

    curl(remote).play(ok())
    await remote.fetch(prepare_curl_callback=lambda handle: handle.setopt(pycurl.REFERER, "http://from.test/"))
    assert remote.asked[0].headers["Referer"] == "http://from.test/"


@should(
    "client.curl.not-for-it",
    "ssl_options, which libcurl knows nothing of, raises ValueError, and so does a body_producer.",
    doc("httpclient.HTTPRequest"),
)
@each(given=[labelled("ssl_options", {"ssl_options": {}}), labelled("body_producer", {"body_producer": print})])
async def test_not_for_it(remote, leftovers, given):
    curl(remote).play(ok())
    with pytest.raises(ValueError):
        await remote.fetch(method="POST", **({"body": b""} if "ssl_options" in given else {}), **given)
    assert remote.asked == []


@must(
    "client.curl.closed",
    "close() ends what is under way.",
    doc("curl_httpclient.CurlAsyncHTTPClient.close"),
)
async def test_closed(remote, leftovers):
    await curl(remote).listen()
    future = asyncio.ensure_future(remote.fetch())
    while not remote.asked:
        await asyncio.sleep(0)
    remote.client.close()
    await remote.peers[0].gone()
    with pytest.raises(RuntimeError):
        await remote.client.fetch(remote.url())
    future.cancel()
    await asyncio.gather(future, return_exceptions=True)
