"""A client makes requests

What a client sends is read by servers of all kinds, and by proxies on the way. None of them may take it for something
else than the program has asked for, and least of all for two requests. The requests are those of ``fetch(url, ...)``;
the server keeps what comes, and h11 has to accept it.
"""

import asyncio

import pytest

from conformance import api, certificates, doc, each, labelled, must, rfc, should
from conformance.scripted import ok, settled
from conformance.wire.faults import from_server
from conformance.wire.frames import close, text
from conformance.wire.opening import accept_value


async def request(remote, path="/", **arguments):
    """Return what the client sends for ``fetch(path, **arguments)``."""
    remote.play(ok())
    await remote.fetch(path, **arguments)
    return remote.asked[-1]


# -- the head ---------------------------------------------------------------------------------------------------------


@must(
    "client.request.line",
    "The request line has the method, path and query of the URL, and HTTP/1.1; an empty path is sent as /.",
    rfc(9112, "3.2.1", "RFC9112-3.2.1-1", "RFC9112-3.2.1-2", "RFC9112-3-i1", "RFC9112-3.2-i1"),
    rfc(9110, "7.1", "RFC9110-7.1-1"),
    rfc(9110, "6.2", "RFC9110-6.2-1", "RFC9110-6.2-2"),
)
@each(
    path=[
        labelled("empty", ("", "/")),
        labelled("query-alone", ("?q=1", "/?q=1")),
        labelled("fragment", ("/a/b?q=1&r=%20#part", "/a/b?q=1&r=%20")),
    ]
)
async def test_request_line(remote, leftovers, path):
    given, sent = path
    asked = await request(remote, given)
    assert (asked.method, asked.target, asked.version) == ("GET", sent, "1.1")


@must(
    "client.request.octets",
    "A request begins and ends with no line of its own, and its lines end with CR LF.",
    rfc(9112, "2.2", "RFC9112-2.2-3", "RFC9112-2.2-5", "RFC9112-2.2-8", "RFC9112-5.2-1"),
    rfc(9110, "2.2", "RFC9110-2.2-1"),
)
async def test_octets(remote, leftovers):
    first = await request(remote, "/1", method="POST", body=b"x")
    second = await request(remote, "/2")
    for octets in (first.octets, second.octets):
        lines = octets.split(b"\r\n")
        assert octets.count(b"\n") == octets.count(b"\r") == len(lines) - 1
        assert all(line[:1].isalpha() for line in lines[:-2])
        assert lines[-2:] == [b"", b""]


@must(
    "client.request.host",
    "Host is the authority of the URL, without userinfo; the port is there unless it is the scheme's.",
    rfc(9112, "3.2", "RFC9112-3.2-3", "RFC9112-3.2-4"),
    rfc(9110, "7.2", "RFC9110-7.2-1", "RFC9110-7.2-i1", "RFC9110-4.2.4-1"),
)
async def test_host(remote, leftovers):
    await remote.listen()
    remote.play(ok())
    await remote.client.fetch(f"http://user:secret@127.0.0.1:{remote.port}/")
    assert remote.asked[0].headers.get_all("Host") == [f"127.0.0.1:{remote.port}"]
    assert b"user" not in remote.asked[0].octets.partition(b"\r\n")[0]


@should("client.request.host-first", "Host is the first field.", rfc(9110, "7.2", "RFC9110-7.2-2"))
async def test_host_first(remote, leftovers):
    asked = await request(remote, headers={"X-A": "1"}, user_agent="suite")
    assert asked.headers.items()[0][0].lower() == "host"


@must(
    "client.request.fields",
    "The headers of the request are sent, repeated ones too; a Host among them replaces that of the URL.",
    doc("httpclient.HTTPRequest"),
)
async def test_fields(remote, leftovers):
    headers = api.httputil.HTTPHeaders({"Host": "other.test", "X-A": "1"})
    headers.add("X-A", "2")
    asked = await request(remote, headers=headers)
    assert (asked.headers.get_all("Host"), asked.headers.get_all("X-A")) == (["other.test"], ["1", "2"])


@should(
    "client.request.user-agent",
    "There is a User-Agent, and user_agent sets it.",
    rfc(9110, "10.1.5", "RFC9110-10.1.5-1"),
    doc("httpclient.HTTPRequest"),
)
async def test_user_agent(remote, leftovers):
    assert (await request(remote)).headers["User-Agent"]
    assert (await request(remote, user_agent="suite/1")).headers["User-Agent"] == "suite/1"


@must(
    "client.request.nothing-unasked",
    "A plain request has no Referer, From, Accept-Language or Cookie, and no field about a body.",
    rfc(9110, "10.1", "RFC9110-10.1.2-1", "RFC9110-10.1.3-2", "RFC9110-12.5.4-1", "RFC9110-8.6-2", "RFC9110-10.1.1-2"),
)
@each(method=["GET", "HEAD", "DELETE", "OPTIONS"])
async def test_nothing_unasked(remote, leftovers, method):
    remote.play(b"HTTP/1.1 204 No Content\r\n\r\n")
    await remote.fetch(method=method)
    unasked = ["Referer", "From", "Accept-Language", "Cookie", "Content-Length", "Transfer-Encoding", "Expect"]
    assert (remote.asked[0].method, [name for name in unasked if name in remote.asked[0].headers]) == (method, [])


@must(
    "client.request.injection",
    "A field, a method or a URL with line ends is refused, and nothing is sent.",
    rfc(9110, "5.5", "RFC9110-2.2-1"),
)
@each(
    arguments=[
        labelled("value", {"headers": {"X-A": "1\r\nX-Injected: 1"}}),
        labelled("name", {"headers": {"X-A: 1\r\nX-Injected": "1"}}),
        labelled("method", {"method": "GET / HTTP/1.1\r\nX-Injected: 1\r\n\r\nGET", "allow_nonstandard_methods": True}),
        labelled("user-agent", {"user_agent": "a\r\nX-Injected: 1"}),
        labelled("url", {"path": "/ HTTP/1.1\r\nX-Injected: 1\r\n\r\n"}),
    ]
)
async def test_injection(remote, leftovers, arguments):
    remote.play(ok())
    with pytest.raises(Exception):  # noqa: B017  # which one is open
        await remote.fetch(**arguments)
    assert [asked.octets for asked in remote.asked] == []


@must(
    "client.request.no-host",
    "A URL without a host, of another scheme, or of none, is refused.",
    rfc(9110, "4.2.1", "RFC9110-4.2.1-1", "RFC9110-4.2.1-2", "RFC9110-4.2.2-1", "RFC9110-4.2.2-2"),
    doc("httpclient.AsyncHTTPClient.fetch"),
)
@each(url=["http:///path", "https://", "ftp://localhost/", "/path"])
async def test_no_host(remote, leftovers, url):
    with pytest.raises((ValueError, OSError)):
        await remote.client.fetch(url)


@must(
    "client.request.uri-characters",
    "What no URI may have, as spaces and letters of other scripts, is percent-encoded on the wire.",
    rfc(9110, "4.1", "RFC9110-2.2-1"),
    rfc(9112, "3.2"),
)
async def test_uri_characters(remote, leftovers):
    asked = await request(remote, "/a b/\u00e9?q=\u00e9 %41")
    assert asked.octets.partition(b"\r\n")[0] == b"GET /a%20b/%C3%A9?q=%C3%A9%20%41 HTTP/1.1"


# -- bodies -----------------------------------------------------------------------------------------------------------


@must(
    "client.request.body",
    "A body is sent with its length; text is sent as UTF-8.",
    rfc(9112, "6.3", "RFC9112-6.3-11", "RFC9112-6.3-12"),
    rfc(9110, "8.6", "RFC9110-8.6-1"),
    doc("httpclient.HTTPRequest"),
)
@each(method=["POST", "PUT", "PATCH"])
async def test_body(remote, leftovers, method):
    asked = await request(remote, method=method, body="h\u00e9")
    assert (asked.body, asked.headers.get_all("Content-Length")) == (b"h\xc3\xa9", ["3"])
    assert (await request(remote, method=method, body=b"")).headers["Content-Length"] == "0"


@must(
    "client.request.methods",
    "POST, PUT and PATCH need a body, other methods have none, and methods of one's own are refused, unless "
    "allow_nonstandard_methods lets them pass.",
    doc("httpclient.HTTPRequest"),
    rfc(9110, "9.3", "RFC9110-9.3.1-1", "RFC9110-9.3.2-4", "RFC9110-9.3.5-2"),
)
@each(method=[("POST", None), ("PATCH", None), ("GET", b"x"), ("HEAD", b"x"), ("DELETE", b"x"), ("PURGE", None)])
async def test_methods(remote, leftovers, method):
    name, body = method
    with pytest.raises((ValueError, KeyError)):
        await remote.fetch(method=name, body=body)
    assert remote.asked == []
    asked = await request(remote, method=name, body=body, allow_nonstandard_methods=True)
    assert (asked.method, asked.body) == (name, body or b"")


@must(
    "client.request.producer",
    "body_producer sends the body as it makes it: in chunks, or by the Content-Length among the headers.",
    doc("httpclient.HTTPRequest"),
    rfc(9112, "6.3", "RFC9112-6.3-12", "RFC9112-6.1-2", "RFC9112-6.2-1"),
)
@each(headers=[labelled("chunked", {}), labelled("length", {"Content-Length": "6"})])
async def test_producer(remote, leftovers, headers):
    async def produce(write):
        await write(b"one")
        await asyncio.sleep(0)
        await write(b"two")

    asked = await request(remote, method="POST", body_producer=produce, headers=headers)
    assert asked.body == b"onetwo"
    assert ("Transfer-Encoding" in asked.headers) is not ("Content-Length" in asked.headers)


@must(
    "client.request.producer-fails",
    "What body_producer raises is raised by fetch, and the request is not completed.",
    doc("httpclient.HTTPRequest"),
)
async def test_producer_fails(remote, leftovers):
    async def produce(write):
        await write(b"one")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await remote.fetch(method="POST", body_producer=produce)


@must(
    "client.request.back-pressure",
    "The future of write() waits while the server does not read.",
    doc("httpclient.HTTPRequest"),
)
async def test_back_pressure(remote, leftovers):
    limit, written, held = 50_000_000, [0], asyncio.Event()

    async def produce(write):
        while written[0] < limit:
            await write(bytes(65536))
            written[0] += 65536

    async def play(peer):
        await held.wait()
        peer.reset()

    remote.play(play)
    future = asyncio.ensure_future(remote.fetch(method="POST", body_producer=produce))
    await settled(lambda: written[0])
    held.set()
    assert written[0] < limit
    with pytest.raises(Exception):  # noqa: B017  # which one is open
        await future


@must(
    "client.request.expect",
    "With expect_100_continue the body is sent when the server gives its leave, and not before.",
    doc("httpclient.HTTPRequest"),
    rfc(9110, "10.1.1", "RFC9110-10.1.1-3"),
)
async def test_expect(remote, leftovers):
    early = []

    async def play(peer):
        reading = asyncio.ensure_future(peer.body())
        for _ in range(20):
            await asyncio.sleep(0)
        early.append(reading.done())
        await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await reading
        await peer.send(ok())

    remote.play(play)
    response = await remote.fetch(method="POST", body=b"body", expect_100_continue=True)
    asked = remote.asked[0]
    assert (early, asked.headers["Expect"], asked.body, response.body) == ([False], "100-continue", b"body", b"ok")


@must(
    "client.request.expect-refused",
    "If the final answer comes instead of 100, the body is not sent.",
    rfc(9110, "10.1.1"),
)
async def test_expect_refused(remote, leftovers):
    async def play(peer):
        await peer.send(ok(b"no", status="403 Forbidden"))
        await peer.body()
        peer.close()

    remote.play(play)
    response = await remote.fetch(method="POST", body=b"body", expect_100_continue=True)
    assert (response.code, remote.asked[0].body) == (403, b"")


@should(
    "client.request.expect-silence",
    "A server that does not know the expectation gets the body after a while.",
    rfc(9110, "10.1.1", "RFC9110-10.1.1-5"),
)
async def test_expect_silence(remote, clock):
    remote.play(ok())
    response = await remote.fetch(method="POST", body=b"body", expect_100_continue=True)
    assert (response.code, remote.asked[0].body) == (200, b"body")


@should(
    "client.request.expect-failed",
    "After 417 the request is made again without the expectation.",
    rfc(9110, "10.1.1", "RFC9110-10.1.1-6"),
)
async def test_expect_failed(remote, leftovers):
    async def play(peer):
        await peer.send(ok(b"", status="417 Expectation Failed"))
        await peer.body()
        peer.close()

    remote.play(play, ok())
    response = await remote.fetch(method="POST", body=b"body", expect_100_continue=True)
    assert (response.code, remote.asked[-1].body, "Expect" in remote.asked[-1].headers) == (200, b"body", False)


# -- proxies ----------------------------------------------------------------------------------------------------------


def through(remote, **more):
    """Return the arguments for a proxy that is ``remote``, by which the suite's certificates are trusted."""
    return {"proxy_host": "127.0.0.1", "proxy_port": remote.port, "ca_certs": certificates.authority_file(), **more}


def connected(secure=True):
    """Return the answer of a proxy that connects, to a server that speaks TLS where it is ``secure``."""

    async def play(peer):
        await peer.send(b"HTTP/1.1 200 Connected\r\nContent-Length: 5\r\n\r\n")
        if secure:
            await peer.secured(certificates.server_context())

    return play


async def open_websocket(peer):
    """Open a WebSocket, say something, and close."""
    accept = accept_value(peer.asked[-1].headers["Sec-WebSocket-Key"])
    head = "HTTP/1.1 101 On\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
    await peer.send(f"{head}{accept}\r\n\r\n".encode())
    await peer.send(b"".join(from_server(one).encode() for one in (text("inside"), close(1000))))
    await peer.take()
    peer.close()


@must(
    "client.proxy.absolute",
    "To a proxy the URL is sent in absolute form, and Host as ever; the proxy's credentials are for it alone.",
    rfc(9112, "3.2.2", "RFC9112-3.2.2-1", "RFC9112-3.2.2-2"),
    doc("httpclient.HTTPRequest"),
    needs=("http-proxy",),
)
async def test_proxy(remote, leftovers):
    await remote.listen()
    remote.play(ok())
    await remote.client.fetch("http://origin.test/a?b#c", **through(remote, proxy_username="u", proxy_password="p"))
    asked = remote.asked[0]
    assert (asked.target, asked.headers["Host"]) == ("http://origin.test/a?b", "origin.test")
    assert (asked.headers["Proxy-Authorization"], "Authorization" in asked.headers) == ("Basic dTpw", False)


@must(
    "client.proxy.connect",
    "For https a proxy is asked to connect, by host and port, and everything else goes through the tunnel.",
    rfc(9112, "3.2.3", "RFC9112-3.2.3-1"),
    rfc(9110, "9.3.6", "RFC9110-9.3.6-1", "RFC9110-9.3.6-7", "RFC9110-6.4.1-i3", "RFC9112-6.3-1"),
    needs=("http-proxy",),
)
async def test_connect(remote, leftovers):
    await remote.listen()
    remote.play(connected(), ok(b"inside"))
    given = through(remote, proxy_username="u", proxy_password="p", request_timeout=3)
    response = await remote.client.fetch(f"https://{certificates.HOST}/secret", **given)
    outer, inner = remote.asked
    assert (outer.method, outer.target) == ("CONNECT", f"{certificates.HOST}:443")
    assert (inner.target, "Proxy-Authorization" in inner.headers) == ("/secret", False)
    assert ("Proxy-Authorization" in outer.headers, response.body) == (True, b"inside")


@must(
    "client.proxy.digest",
    "With proxy_auth_mode digest the proxy's challenge is answered, also one to CONNECT.",
    doc("httpclient.HTTPRequest"),
    needs=("http-proxy", "digest-auth"),
)
@each(scheme=["http", "https"])
async def test_proxy_digest(remote, leftovers, scheme):
    challenge = 'Proxy-Authenticate: Digest realm="r", nonce="n", qop="auth"'
    await remote.listen()
    remote.play(ok(b"no", challenge, status="407 Proxy Authentication Required"))
    remote.play(*([connected()] if scheme == "https" else []), ok(b"in"))
    given = through(remote, proxy_username="u", proxy_password="p", proxy_auth_mode="digest")
    response = await remote.client.fetch(f"{scheme}://{certificates.HOST}/", **given)
    first, second = [asked.headers.get("Proxy-Authorization") for asked in remote.asked[:2]]
    assert (response.body, first, second[:7], 'nonce="n"' in second) == (b"in", None, "Digest ", True)


@must(
    "client.proxy.environment",
    "With environment_proxies the proxies are those of the environment, but for the hosts of no_proxy.",
    doc("simple_httpclient.SimpleAsyncHTTPClient"),
    needs=("http-proxy",),
)
@each(environment=[True, False])
async def test_environment(remote, leftovers, monkeypatch, environment):
    await remote.listen()
    monkeypatch.setenv("http_proxy", f"http://u:p@127.0.0.1:{remote.port}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    remote.settings = {"environment_proxies": environment, "hostname_mapping": {"origin.test": "127.0.0.1"}}
    remote.play(ok(), ok())
    await remote.client.fetch(f"http://origin.test:{remote.port}/a")
    await remote.client.fetch(remote.url("/b"))
    through_proxy = f"http://origin.test:{remote.port}/a"
    assert [asked.target for asked in remote.asked] == [through_proxy if environment else "/a", "/b"]
    assert ("Proxy-Authorization" in remote.asked[0].headers) is environment


@must(
    "client.proxy.websocket",
    "A WebSocket is opened through the proxy of its HTTPRequest: that is asked to connect, also without TLS.",
    rfc(6455, "4.1", "RFC6455-4.1-9"),
    doc("websocket.websocket_connect"),
    needs=("http-proxy",),
)
@each(scheme=["ws", "wss"])
async def test_websocket_proxy(remote, leftovers, scheme):
    await remote.listen()
    remote.play(connected(scheme == "wss"), open_websocket)
    request = api.httpclient.HTTPRequest(f"{scheme}://{certificates.HOST}/chat", **through(remote))
    client = await api.websocket.websocket_connect(request)
    assert [await client.read_message(), await client.read_message()] == ["inside", None]
    port = {"ws": 80, "wss": 443}[scheme]
    assert [asked.target for asked in remote.asked] == [f"{certificates.HOST}:{port}", "/chat"]


@must(
    "client.proxy.refused",
    "A proxy that does not connect is an error with code 599.",
    rfc(9110, "9.3.6"),
    doc("httpclient.HTTPClientError"),
    needs=("http-proxy",),
)
async def test_connect_refused(remote, leftovers):
    await remote.listen()
    remote.play(ok(b"no", status="403 Forbidden"))
    with pytest.raises(api.httpclient.HTTPClientError) as raised:
        await remote.client.fetch("https://origin.test/", **through(remote))
    assert (raised.value.code, [asked.method for asked in remote.asked]) == (599, ["CONNECT"])
