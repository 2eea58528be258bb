"""TCP

A ``TCPServer`` makes a stream of each connection and gives it, with the peer's address, to ``handle_stream``, which may
be a coroutine. It listens on a port by ``listen``, or on sockets that ``bind_sockets`` made; what one connection does
wrong is logged and no matter to the others.

A ``TCPClient`` finds the addresses of a host by a ``Resolver`` and connects to whichever answers first. ``netutil`` has
what both are made of, for programs with needs of their own.
"""

from __future__ import annotations

import asyncio
import datetime
import os
import socket
import ssl
import stat

import pytest

from conformance import api, certificates, compat, doc, each, labelled, must, observed, rfc, seed, should
from conformance.client import in_time
from conformance.leftovers import forgiving
from conformance.standins import turns


async def arrival(future, what="bytes"):
    """Return the result of ``future``, which must come in time."""
    return await in_time(future, lambda: what)


def started(opened, handle, **settings):
    """Return a server whose handle_stream is ``handle(stream, address)``, and its port on 127.0.0.1."""

    class Server(api.tcpserver.TCPServer):
        def handle_stream(self, stream, address):
            opened.keep(stream)
            return handle(stream, address)

    server = Server(**settings)
    sockets = api.netutil.bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    opened.on_close(server.stop)
    return server, sockets[0].getsockname()[1]


async def echo_lines(stream, address):
    """Send each line back, until the peer has no more."""
    try:
        while True:
            await stream.write(await stream.read_until(b"\n"))
    except api.iostream.StreamClosedError:
        pass


async def connected(opened, port, **arguments):
    """Return a stream of TCPClient to a port of this machine."""
    client = api.tcpclient.TCPClient()
    return opened.keep(await arrival(client.connect("127.0.0.1", port, **arguments), "a connection"))


# -- servers ----------------------------------------------------------------------------------------------------------


@must(
    "tcp.server.handles-streams",
    "handle_stream(stream, address) is called for each connection; a coroutine serves it beside the others.",
    doc("tcpserver.TCPServer.handle_stream"),
)
async def test_handles_streams(opened, leftovers):
    addresses = []

    async def handle(stream, address):
        addresses.append(address)
        await echo_lines(stream, address)

    _, port = started(opened, handle)
    first, second = await connected(opened, port), await connected(opened, port)
    await arrival(second.write(b"second\n"))
    assert await arrival(second.read_until(b"\n")) == b"second\n"
    await arrival(first.write(b"first\n"))
    assert await arrival(first.read_until(b"\n")) == b"first\n"
    assert addresses == [first.socket.getsockname(), second.socket.getsockname()]


@must(
    "tcp.server.plain-function",
    "handle_stream may be a plain function, which leaves the stream to others.",
    doc("tcpserver.TCPServer.handle_stream"),
)
async def test_plain_function(opened, leftovers):
    _, port = started(opened, lambda stream, address: stream.write(b"hello") and None)
    assert await arrival((await connected(opened, port)).read_bytes(5)) == b"hello"


@must(
    "tcp.server.failure-logged",
    "What handle_stream raises is logged by tornado.application, and the server goes on.",
    doc("tcpserver.TCPServer.handle_stream"),
)
@each(kind=["function", "coroutine"])
async def test_failure_logged(opened, leftovers, logs, kind):
    def fail(stream, address):
        raise ZeroDivisionError(len(opened.things))

    async def fail_later(stream, address):
        fail(stream, address)

    _, port = started(opened, fail if kind == "function" else fail_later)
    for count in range(1, 3):
        await connected(opened, port)
        while len(logs.of("tornado.application")) < count:
            await logs.trace.first(len(logs.trace) + 1)
    assert [record.exc_info[0] for record in logs.of("tornado.application")] == [ZeroDivisionError] * 2


@must(
    "tcp.server.limits",
    "max_buffer_size and read_chunk_size of the server are those of its streams.",
    doc("tcpserver.TCPServer"),
)
async def test_limits(opened, leftovers):
    found = asyncio.get_running_loop().create_future()
    settings = {"max_buffer_size": 1000, "read_chunk_size": 100}
    _, port = started(opened, lambda stream, address: found.set_result(stream), **settings)
    await connected(opened, port)
    stream = await arrival(found, "a stream")
    assert (stream.max_buffer_size, stream.read_chunk_size) == (1000, 100)


@must(
    "tcp.server.tls",
    "With ssl_options, a dict or a context, the streams are SSLIOStreams.",
    doc("tcpserver.TCPServer"),
)
@each(options=[labelled("dict", certificates.server_options), labelled("context", certificates.server_context)])
async def test_server_tls(opened, leftovers, options):
    kinds = []

    async def handle(stream, address):
        kinds.append(type(stream))
        await echo_lines(stream, address)

    _, port = started(opened, handle, ssl_options=options())
    stream = await connected(opened, port, ssl_options=certificates.client_options())
    assert isinstance(stream, api.iostream.SSLIOStream)
    await arrival(stream.write(b"hello\n"))
    assert await arrival(stream.read_until(b"\n")) == b"hello\n"
    assert kinds == [api.iostream.SSLIOStream]


@must(
    "tcp.server.no-certificate",
    "A server whose ssl_options name no certificate, or one that is not there, is an error when it is made.",
    doc("tcpserver.TCPServer"),
)
@each(options=[labelled("none", {}), labelled("lost", {"certfile": "/nowhere/to/be/found.pem"})])
def test_no_certificate(options):
    with pytest.raises((KeyError, ValueError)):
        api.tcpserver.TCPServer(ssl_options=options)


@must(
    "tcp.server.ways-to-start",
    "listen(), bind() and start(), add_socket() and add_sockets() all make a server accept.",
    *(doc(f"tcpserver.TCPServer.{name}") for name in ("listen", "bind", "start", "add_socket", "add_sockets")),
    seed("SEED-017"),
)
@each(way=["listen", "bind", "add_socket", "add_sockets"])
async def test_ways_to_start(opened, leftovers, way):
    class Server(api.tcpserver.TCPServer):
        handle_stream = staticmethod(lambda stream, address: opened.keep(stream).write(b"hello") and None)

    server, (free,) = Server(), api.netutil.bind_sockets(0, "127.0.0.1")
    port = free.getsockname()[1]
    opened.on_close(server.stop)
    if way == "add_socket":
        server.add_socket(free)
    elif way == "add_sockets":
        server.add_sockets([free])
    else:
        free.close()
        getattr(server, way)(port, "127.0.0.1")
        if way == "bind":
            server.start()
    assert await arrival((await connected(opened, port)).read_bytes(5)) == b"hello"


@must(
    "tcp.server.stop",
    "stop() closes the listening sockets; connections that are open go on.",
    doc("tcpserver.TCPServer.stop"),
)
async def test_stop(opened, leftovers):
    server, port = started(opened, echo_lines)
    stream = await connected(opened, port)
    await arrival(stream.write(b"one\n"))
    assert await arrival(stream.read_until(b"\n")) == b"one\n"
    server.stop()
    with pytest.raises(api.iostream.StreamClosedError):
        await connected(opened, port)
    await arrival(stream.write(b"two\n"))
    assert await arrival(stream.read_until(b"\n")) == b"two\n"


# -- clients ----------------------------------------------------------------------------------------------------------


class Table(dict):
    """A resolver that knows some hosts: their addresses by name."""

    async def resolve(self, host, port, family=socket.AF_UNSPEC):
        return [(socket.AF_INET6 if ":" in ip else socket.AF_INET, (ip, port)) for ip in self[host]]

    def close(self):
        pass


def listener_on(opened, address, port=0):
    """Return the port of a socket that listens on an address of this machine."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return opened.keep(socket.create_server((address, port), family=family)).getsockname()[1]


@must(
    "tcp.client.next-address",
    "When one address of a host fails, the next one is tried.",
    doc("tcpclient.TCPClient.connect"),
    rfc(8305, "5"),
)
@each(dead=[labelled("same-family", ["127.0.0.2", "127.0.0.3"]), labelled("other-family", ["::1"])])
async def test_next_address(opened, leftovers, dead):
    port = listener_on(opened, "127.0.0.1")
    client = api.tcpclient.TCPClient(resolver=Table({"shop.test": [*dead, "127.0.0.1"]}))
    stream = opened.keep(await arrival(client.connect("shop.test", port), "a connection"))
    assert stream.socket.getpeername() == ("127.0.0.1", port)


@must(
    "tcp.client.all-addresses-fail",
    "When all of them fail, connect() raises StreamClosedError with a cause.",
    doc("tcpclient.TCPClient.connect"),
)
async def test_all_fail(opened, leftovers):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = api.tcpclient.TCPClient(resolver=Table({"shop.test": ["127.0.0.1", "127.0.0.2"]}))
    with pytest.raises(api.iostream.StreamClosedError) as caught:
        await arrival(client.connect("shop.test", port), "a refusal")
    assert isinstance(caught.value.real_error, ConnectionRefusedError)


def silent_listener(opened, address):
    """Return the port of a socket that accepts nothing: its queue is full, and further attempts get no answer."""
    listener = opened.keep(socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET))
    listener.bind((address, 0))
    listener.listen(0)
    for _ in range(3):
        filler = opened.keep(socket.socket(listener.family))
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
    return listener.getsockname()[1]


@must(
    "tcp.client.silent-address",
    "An address that does not answer does not keep the other family from being tried soon.",
    doc("tcpclient.TCPClient.connect"),
    rfc(8305, "5"),
)
async def test_silent_address(opened, leftovers):
    port = silent_listener(opened, "::1")
    listener_on(opened, "127.0.0.1", port)
    client = api.tcpclient.TCPClient(resolver=Table({"shop.test": ["::1", "127.0.0.1"]}))
    stream = opened.keep(await arrival(client.connect("shop.test", port), "a connection"))
    assert stream.socket.getpeername() == ("127.0.0.1", port)


async def times_out(opened, timeout):
    """Return whether connect() to a silent address raises TimeoutError, before a second is over."""
    port = silent_listener(opened, "127.0.0.1")
    connecting = asyncio.ensure_future(api.tcpclient.TCPClient().connect("127.0.0.1", port, timeout=timeout))
    done, _ = await asyncio.wait({connecting}, timeout=1)
    if not done:
        connecting.cancel()
    return bool(done) and isinstance(connecting.exception(), api.util.TimeoutError)


@must(
    "tcp.client.timeout",
    "After timeout, a timedelta, connect() raises TimeoutError.",
    doc("tcpclient.TCPClient.connect"),
)
async def test_timeout(opened):
    assert await times_out(opened, datetime.timedelta(seconds=0.05)), "it did not time out"


@must(
    "tcp.client.timeout-time",
    "timeout may be a time on the scale of IOLoop.time().",
    doc("tcpclient.TCPClient.connect"),
)
async def test_timeout_time(opened):
    assert await times_out(opened, api.ioloop.IOLoop.current().time() + 0.05), "it did not time out"


@compat(
    "tcp.client.timeout-seconds",
    "A small number as timeout is a number of seconds.",
    observed("net-tcpclient-timeout"),
)
async def test_timeout_seconds(opened):
    assert await times_out(opened, 0.05), "it did not time out"


@should(
    "tcp.client.timeout-leaves-nothing",
    "An attempt that timed out leaves no timer and no descriptor behind.",
    doc("tcpclient.TCPClient.connect"),
)
async def test_timeout_leaves_nothing(opened, leftovers):
    assert await times_out(opened, datetime.timedelta(seconds=0.05)), "it did not time out"


@must(
    "tcp.client.handshake-timeout",
    "The timeout is for the TLS handshake, too.",
    doc("tcpclient.TCPClient.connect"),
)
async def test_handshake_timeout(opened, leftovers):
    port = listener_on(opened, "127.0.0.1")
    client, soon = api.tcpclient.TCPClient(), datetime.timedelta(seconds=0.05)
    with pytest.raises(api.util.TimeoutError):
        await client.connect("127.0.0.1", port, ssl_options={}, timeout=soon)


@must(
    "tcp.client.tls",
    "With ssl_options the stream is an SSLIOStream, and the certificate must be for the host that was asked for.",
    doc("tcpclient.TCPClient.connect"),
)
@each(host=[certificates.HOST, "stranger.test"])
async def test_client_tls(opened, leftovers, host):
    _, port = started(opened, echo_lines, ssl_options=certificates.server_options())
    client = api.tcpclient.TCPClient(resolver=Table({host: ["127.0.0.1"]}))
    connecting = client.connect(host, port, ssl_options=certificates.client_context())
    if host == certificates.HOST:
        stream = opened.keep(await arrival(connecting, "a handshake"))
        await arrival(stream.write(b"hello\n"))
        assert await arrival(stream.read_until(b"\n")) == b"hello\n"
    else:
        with pytest.raises(ssl.SSLCertVerificationError):
            await arrival(connecting, "a handshake")


@must(
    "tcp.client.source",
    "source_ip and source_port are the address of this side.",
    doc("tcpclient.TCPClient.connect"),
)
async def test_source(opened, leftovers):
    port = listener_on(opened, "127.0.0.1")
    with socket.socket() as probe:
        probe.bind(("127.0.0.5", 0))
        free = probe.getsockname()[1]
    stream = await connected(opened, port, source_ip="127.0.0.5")
    assert stream.socket.getsockname()[0] == "127.0.0.5"
    other = await connected(opened, port, source_ip="127.0.0.5", source_port=free)
    assert other.socket.getsockname() == ("127.0.0.5", free)


@must(
    "tcp.client.buffer-size",
    "max_buffer_size is that of the stream.",
    doc("tcpclient.TCPClient.connect"),
)
async def test_buffer_size(opened, leftovers):
    port = listener_on(opened, "127.0.0.1")
    assert (await connected(opened, port, max_buffer_size=1234)).max_buffer_size == 1234


@must(
    "tcp.client.no-address",
    "A host that has no address in the family that is asked for is an OSError.",
    doc("tcpclient.TCPClient.connect"),
)
async def test_no_address(opened, leftovers):
    port = listener_on(opened, "127.0.0.1")
    with pytest.raises(OSError):
        await connected(opened, port, af=socket.AF_INET6)


# -- resolvers --------------------------------------------------------------------------------------------------------

RESOLVERS = ["Resolver", "DefaultLoopResolver", "DefaultExecutorResolver", "BlockingResolver", "ThreadedResolver"]


@must(
    "tcp.resolver.addresses",
    "resolve() gives (family, address) pairs, of an address itself or of a name, narrowed to a family.",
    doc("netutil.Resolver.resolve"),
)
@each(kind=RESOLVERS)
async def test_resolver(leftovers, kind):
    resolver = getattr(api.netutil, kind)()
    assert await arrival(resolver.resolve("127.0.0.1", 80)) == [(socket.AF_INET, ("127.0.0.1", 80))]
    found = await arrival(resolver.resolve("localhost", 81, socket.AF_INET))
    assert (socket.AF_INET, ("127.0.0.1", 81)) in found
    assert {family for family, _ in found} == {socket.AF_INET}
    with pytest.raises(OSError):
        await arrival(resolver.resolve("127.0.0.1", 80, socket.AF_INET6))
    resolver.close()


@must(
    "tcp.resolver.configured",
    "Resolver() is a DefaultLoopResolver, or what configure() was given.",
    doc("netutil.Resolver"),
    seed("SEED-137"),
)
async def test_configured(leftovers):
    resolver = api.netutil.Resolver
    assert type(resolver()) is api.netutil.DefaultLoopResolver
    resolver.configure(f"{api.package}.netutil.ThreadedResolver", num_threads=2)
    try:
        assert type(resolver()) is api.netutil.ThreadedResolver
    finally:
        resolver.configure(None)
    assert type(resolver()) is api.netutil.DefaultLoopResolver


@must(
    "tcp.resolver.override",
    "An OverrideResolver replaces hosts, hosts with a port, and those with a family, before another resolver is asked.",
    doc("netutil.OverrideResolver"),
)
@each(
    asked=[
        labelled("host", ("a.test", 1, socket.AF_UNSPEC, ("127.0.0.1", 1))),
        labelled("port", ("b.test", 80, socket.AF_UNSPEC, ("127.0.0.2", 81))),
        labelled("family", ("b.test", 80, socket.AF_INET, ("127.0.0.3", 82))),
        labelled("other", ("127.0.0.9", 5, socket.AF_UNSPEC, ("127.0.0.9", 5))),
    ]
)
async def test_override(leftovers, asked):
    host, port, family, address = asked
    mapping = {
        "a.test": "127.0.0.1",
        ("b.test", 80): ("127.0.0.2", 81),
        ("b.test", 80, socket.AF_INET): ("127.0.0.3", 82),
    }
    resolver = api.netutil.OverrideResolver(resolver=api.netutil.Resolver(), mapping=mapping)
    assert await arrival(resolver.resolve(host, port, family)) == [(socket.AF_INET, address)]


# -- sockets ----------------------------------------------------------------------------------------------------------


@must(
    "tcp.sockets.bind",
    "bind_sockets() gives sockets that listen and do not block, all on one port.",
    doc("netutil.bind_sockets"),
)
@each(address=[labelled("all", None), labelled("name", "localhost"), labelled("number", "127.0.0.1")])
def test_bind_sockets(address):
    sockets = api.netutil.bind_sockets(0, address)
    try:
        assert {sock.getsockname()[1] for sock in sockets} == {sockets[0].getsockname()[1]}
        assert {sock.getblocking() for sock in sockets} == {False}
        with socket.create_connection(sockets[0].getsockname()[:2]):
            pass
    finally:
        for sock in sockets:
            sock.close()


@must(
    "tcp.sockets.reuse-port",
    "With reuse_port, several may listen on one port.",
    doc("netutil.bind_sockets"),
)
def test_reuse_port():
    (first,) = api.netutil.bind_sockets(0, "127.0.0.1", reuse_port=True)
    with first:
        port = first.getsockname()[1]
        (second,) = api.netutil.bind_sockets(port, "127.0.0.1", reuse_port=True)
        second.close()
        with forgiving(), pytest.raises(OSError):
            api.netutil.bind_sockets(port, "127.0.0.1")


@must(
    "tcp.sockets.unix",
    "bind_unix_socket() listens at a path, with mode 0o600 by default; it replaces a socket, but no other file.",
    doc("netutil.bind_unix_socket"),
)
def test_unix(tmp_path):
    path = tmp_path / "s"
    api.netutil.bind_unix_socket(str(path)).close()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with api.netutil.bind_unix_socket(str(path), mode=0o640), socket.socket(socket.AF_UNIX) as client:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o640
        client.connect(str(path))
    (tmp_path / "file").write_text("precious")
    with forgiving(), pytest.raises(ValueError):
        api.netutil.bind_unix_socket(str(tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "precious"


@must(
    "tcp.sockets.accept-handler",
    "add_accept_handler() calls back with each connection and its address, until what it returns is called.",
    doc("netutil.add_accept_handler"),
)
async def test_accept_handler(opened, leftovers):
    accepted = asyncio.Queue()
    (listener,) = api.netutil.bind_sockets(0, "127.0.0.1")
    opened.keep(listener)
    remove = api.netutil.add_accept_handler(listener, lambda sock, address: accepted.put_nowait((sock, address)))
    for _ in range(2):
        client = opened.keep(socket.create_connection(listener.getsockname()))
        sock, address = await arrival(accepted.get(), "a connection")
        opened.keep(sock)
        assert (address, sock.getpeername()) == (client.getsockname(), client.getsockname())
    remove()
    opened.keep(socket.create_connection(listener.getsockname()))
    await turns(20)
    assert accepted.empty()


@must(
    "tcp.sockets.is-valid-ip",
    "is_valid_ip() knows the addresses of IPv4 and IPv6, and that names and nonsense are none.",
    doc("netutil.is_valid_ip"),
)
def test_is_valid_ip():
    valid = ["127.0.0.1", "4.4.4.4", "::1", "2620:0:1cfe:face:b00c::3"]
    invalid = ["", " ", "localhost", "www.google.com", "4.4.4.4.4", "4.4.4.256", "127.0.0.1\n", "\x00", "[::1]"]
    assert [ip for ip in valid + invalid if api.netutil.is_valid_ip(ip)] == valid


@must(
    "tcp.sockets.ssl-options",
    "ssl_options_to_context() makes a context of a dict, one that verifies for a client, and passes a context through.",
    doc("netutil.ssl_options_to_context"),
)
def test_ssl_options():
    convert = api.netutil.ssl_options_to_context
    context = ssl.create_default_context()
    assert convert(context) is context
    server = convert(certificates.server_options(), server_side=True)
    client = convert(certificates.client_options(), server_side=False)
    assert (server.verify_mode, client.verify_mode) == (ssl.CERT_NONE, ssl.CERT_REQUIRED)
    assert (client.check_hostname, convert({}, server_side=False).verify_mode) == (True, ssl.CERT_REQUIRED)
    trusting = convert({"cert_reqs": ssl.CERT_NONE}, server_side=False)
    assert (trusting.verify_mode, trusting.check_hostname) == (ssl.CERT_NONE, False)
