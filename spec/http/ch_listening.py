"""Where an HTTP server listens, and what it believes of a proxy before it.

A server listens on ports of IPv4 and IPv6, with TLS or without, and on sockets of the file system. Behind a proxy it
sees the proxy's address; with ``xheaders`` it believes what the proxy says about the client.
"""

import asyncio
import contextlib
import socket
import ssl

import trustme

from conformance import api, compat, doc, each, labelled, must, observed
from conformance.client import in_time
from conformance.delegates import respond, telling


async def lines(serve, *names, headers=(), **http_settings):
    """Return what a server with these settings says of a request with these header fields."""
    server = await serve(telling(*names), http_settings=http_settings)
    return (await server.get("/", headers=headers)).text.split("\n")


# -- behind a proxy ---------------------------------------------------------------------------------------------------


@must(
    "httpserver.xheaders.off",
    "By default nobody is believed: remote_ip and protocol are those of the connection.",
    doc("httpserver.HTTPServer"),
)
async def test_no_xheaders(serve):
    fields = {"X-Real-Ip": "1.2.3.4", "X-Forwarded-For": "1.2.3.4", "X-Scheme": "https", "X-Forwarded-Proto": "https"}
    assert await lines(serve, "remote_ip", "protocol", headers=fields) == ["127.0.0.1", "http"]


@must(
    "httpserver.xheaders.address",
    "With xheaders, remote_ip is X-Real-Ip, or the last address of X-Forwarded-For.",
    doc("httpserver.HTTPServer"),
)
@each(
    case=[
        labelled("real-ip", ({"X-Real-Ip": "4.4.4.4"}, "4.4.4.4")),
        labelled("real-ip-6", ({"X-Real-Ip": "2620:0:1cfe:face:b00c::3"}, "2620:0:1cfe:face:b00c::3")),
        labelled("forwarded", ({"X-Forwarded-For": "127.0.0.1, 4.4.4.4"}, "4.4.4.4")),
        labelled("both", ({"X-Forwarded-For": "5.5.5.5", "X-Real-Ip": "4.4.4.4"}, "4.4.4.4")),
        labelled("none", ({}, "127.0.0.1")),
    ]
)
async def test_forwarded_address(serve, case):
    fields, expected = case
    assert await lines(serve, "remote_ip", headers=fields, xheaders=True) == [expected]


@must(
    "httpserver.xheaders.trusted",
    "Addresses in trusted_downstream are passed over, from the right.",
    doc("httpserver.HTTPServer"),
)
@each(
    case=[
        labelled("one", ("4.4.4.4, 5.5.5.5", "4.4.4.4")),
        labelled("two", ("4.4.4.4, 6.6.6.6, 5.5.5.5", "4.4.4.4")),
        labelled("only-the-last", ("5.5.5.5, 4.4.4.4, 7.7.7.7", "7.7.7.7")),
        labelled("forged", ("1.1.1.1, 4.4.4.4, 5.5.5.5", "4.4.4.4")),
    ]
)
async def test_trusted(serve, case):
    forwarded, expected = case
    settings = {"xheaders": True, "trusted_downstream": ["5.5.5.5", "6.6.6.6"]}
    assert await lines(serve, "remote_ip", headers={"X-Forwarded-For": forwarded}, **settings) == [expected]


@must(
    "httpserver.xheaders.scheme",
    "With xheaders, protocol is X-Scheme, or the last of X-Forwarded-Proto.",
    doc("httpserver.HTTPServer"),
)
@each(
    case=[
        labelled("scheme", ({"X-Scheme": "https"}, "https")),
        labelled("proto", ({"X-Forwarded-Proto": "https"}, "https")),
        labelled("list", ({"X-Forwarded-Proto": "http, https"}, "https")),
        labelled("none", ({}, "http")),
    ]
)
async def test_forwarded_scheme(serve, case):
    fields, expected = case
    assert await lines(serve, "protocol", headers=fields, xheaders=True) == [expected]


@must(
    "httpserver.xheaders.invalid",
    "What is no address, or no scheme of HTTP, is ignored.",
    doc("httpserver.HTTPServer"),
)
@each(
    fields=[
        labelled("ip", {"X-Real-Ip": "4.4.4.4<script>"}),
        labelled("name", {"X-Forwarded-For": "www.example.com"}),
        labelled("scheme", {"X-Scheme": "ftp"}),
        labelled("proto", {"X-Forwarded-Proto": "unknown"}),
    ]
)
async def test_invalid_xheaders(serve, fields):
    assert await lines(serve, "remote_ip", "protocol", headers=fields, xheaders=True) == ["127.0.0.1", "http"]


@must(
    "httpserver.xheaders.each-request",
    "What is said about one request does not hold for the next one of the connection.",
    doc("httpserver.HTTPServer"),
)
async def test_xheaders_of_each_request(serve):
    server = await serve(telling("remote_ip", "protocol"), http_settings={"xheaders": True})
    async with server.connection() as connection:
        fields = {"X-Real-Ip": "4.4.4.4", "X-Scheme": "https"}
        assert (await connection.fetch("GET", "/", headers=fields)).text == "4.4.4.4\nhttps"
        assert (await connection.fetch("GET", "/")).text == "127.0.0.1\nhttp"


@must(
    "httpserver.protocol.setting",
    "protocol overrules what request.protocol would be.",
    doc("httpserver.HTTPServer"),
)
async def test_protocol(serve):
    assert await lines(serve, "protocol", protocol="https") == ["https"]


# -- where a server listens -------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def listening(application, *sockets, **settings):
    """Serve ``application`` on ``sockets``; stop in the end."""
    server = api.httpserver.HTTPServer(application, **settings)
    server.add_sockets(sockets)
    try:
        yield server
    finally:
        server.stop()
        await in_time(server.close_all_connections(), lambda: "the server to close its connections")


async def ask(opening):
    """Return the body that is answered on the connection that ``opening`` opens."""
    reader, writer = await in_time(opening, lambda: "a connection")
    with contextlib.closing(writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = await in_time(reader.read(), lambda: "the answer")
        return answer.partition(b"\r\n\r\n")[2].decode()


@must(
    "httpserver.tls.options",
    "ssl_options, a context or a dict, mean HTTPS; request.protocol tells it.",
    doc("httpserver.HTTPServer"),
)
@each(kind=["context", "dict"])
async def test_tls(kind, tmp_path):
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    files = {"certfile": str(tmp_path / "chain.pem"), "keyfile": str(tmp_path / "key.pem")}
    certificate.cert_chain_pems[0].write_to_path(files["certfile"])
    certificate.private_key_pem.write_to_path(files["keyfile"])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    (sock,) = api.netutil.bind_sockets(0, "127.0.0.1")
    options = context if kind == "context" else files
    async with listening(telling("protocol", "remote_ip"), sock, ssl_options=options):
        opening = asyncio.open_connection(*sock.getsockname(), ssl=client, server_hostname="localhost")
        assert await ask(opening) == "https\n127.0.0.1"


@must(
    "httpserver.tls.client-certificate",
    "get_ssl_certificate() gives the client's certificate, as a dict or in DER form.",
    doc("httputil.HTTPServerRequest.get_ssl_certificate"),
)
async def test_client_certificate():
    authority = trustme.CA()
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    for context, name in ((server, "localhost"), (client, "client.example")):
        authority.issue_cert(name).configure_cert(context)
        authority.configure_trust(context)
    server.verify_mode = ssl.CERT_REQUIRED

    def answer(request):
        names = request.get_ssl_certificate()["subjectAltName"]
        respond(request.connection, f"{names} {type(request.get_ssl_certificate(binary_form=True)).__name__}".encode())

    (sock,) = api.netutil.bind_sockets(0, "127.0.0.1")
    async with listening(answer, sock, ssl_options=server):
        opening = asyncio.open_connection(*sock.getsockname(), ssl=client, server_hostname="localhost")
        assert await ask(opening) == "(('DNS', 'client.example'),) bytes"


@must(
    "httpserver.tls.none",
    "Without TLS get_ssl_certificate() gives None.",
    doc("httputil.HTTPServerRequest.get_ssl_certificate"),
)
async def test_no_certificate(serve):
    server = await serve(lambda request: respond(request.connection, str(request.get_ssl_certificate()).encode()))
    assert (await server.get("/")).text == "None"


@must(
    "httpserver.unix-socket.served",
    "A server can listen at a Unix socket.",
    doc("netutil.bind_unix_socket"),
)
async def test_unix_socket(tmp_path):
    path = str(tmp_path / "socket")
    async with listening(telling("method", "protocol"), api.netutil.bind_unix_socket(path)):
        for _ in range(2):
            assert await ask(asyncio.open_unix_connection(path)) == "GET\nhttp"


@compat(
    "httpserver.unix-socket.address",
    "The remote_ip of a client at a Unix socket is 0.0.0.0.",
    observed("http-server"),
)
async def test_unix_socket_address(tmp_path):
    path = str(tmp_path / "socket")
    async with listening(telling("remote_ip"), api.netutil.bind_unix_socket(path)):
        assert await ask(asyncio.open_unix_connection(path)) == "0.0.0.0"


@must(
    "httpserver.ipv6.address",
    "remote_ip of a client that comes by IPv6 is its address without brackets.",
    doc("httputil.HTTPServerRequest.remote_ip"),
)
async def test_ipv6():
    (sock,) = api.netutil.bind_sockets(0, "::1", family=socket.AF_INET6)
    async with listening(telling("remote_ip"), sock):
        assert await ask(asyncio.open_connection("::1", sock.getsockname()[1])) == "::1"


@must(
    "httpserver.listen.reuse-port",
    "With reuse_port several servers can listen on one port.",
    doc("tcpserver.TCPServer.listen"),
)
async def test_reuse_port():
    (sock,) = api.netutil.bind_sockets(0, "127.0.0.1", reuse_port=True)
    port = sock.getsockname()[1]
    async with listening(telling("uri"), sock), listening(telling("uri")) as second:
        second.listen(port, "127.0.0.1", reuse_port=True)
        for _ in range(4):
            assert await ask(asyncio.open_connection("127.0.0.1", port)) == "/"
