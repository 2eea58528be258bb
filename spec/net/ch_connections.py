"""Connections and TLS

An ``IOStream`` is made of a socket that is connected, or connects it by ``connect``. What goes wrong on the way ends in
the Future that is waited for, as the ``real_error`` of a ``StreamClosedError``, or as the ``ssl.SSLError`` of a
handshake.

``start_tls`` turns a connection into one of TLS, on either side; an ``SSLIOStream`` takes the place of the stream. A
client refuses a peer whose certificate is out of date, for another name, or signed by nobody it trusts, unless its
options say otherwise.

Network peers are not polite. They reset connections, end their direction and go on reading, speak another protocol, or
fall silent; each case here has such a peer, a plain socket of the suite.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct

import pytest

from conformance import api, certificates, doc, each, labelled, must, should
from conformance.certificates import HOST
from conformance.client import in_time
from conformance.standins import turns
from conformance.streams import tcp_pair


async def arrival(future, what="bytes"):
    """Return the result of ``future``, which must come in time."""
    return await in_time(future, lambda: what)


def listening(opened):
    """Return a listening socket and its address."""
    listener = opened.keep(socket.create_server(("127.0.0.1", 0)))
    return listener, listener.getsockname()


def reset(sock):
    """End a TCP connection with a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


# -- connecting -------------------------------------------------------------------------------------------------------


@must(
    "connection.connect.result",
    "connect() gives the stream itself; what is written before it is done is sent afterwards.",
    doc("iostream.IOStream.connect"),
)
async def test_connect(opened, leftovers):
    listener, address = listening(opened)
    stream = opened.keep(api.iostream.IOStream(socket.socket()))
    connecting = stream.connect(address)
    writing = stream.write(b"early")
    assert await arrival(connecting, "a connection") is stream
    await arrival(writing)
    peer = opened.keep(listener.accept()[0])
    assert peer.recv(10) == b"early"
    peer.send(b"answer")
    assert await arrival(stream.read_bytes(6)) == b"answer"


@must(
    "connection.connect.unix",
    "Sockets of other families connect as well.",
    doc("iostream.IOStream.connect"),
)
async def test_connect_unix(opened, leftovers, tmp_path):
    path = str(tmp_path / "s")
    listener = opened.keep(socket.socket(socket.AF_UNIX))
    listener.bind(path)
    listener.listen()
    stream = opened.keep(api.iostream.IOStream(socket.socket(socket.AF_UNIX)))
    assert await arrival(stream.connect(path), "a connection") is stream
    opened.keep(listener.accept()[0]).send(b"hello")
    assert await arrival(stream.read_bytes(5)) == b"hello"


@must(
    "connection.connect.refused",
    "A connection that fails raises StreamClosedError with the cause as real_error, which is the stream's error, too.",
    doc("iostream.IOStream.connect"),
    doc("iostream.StreamClosedError"),
)
async def test_refused(opened, leftovers):
    listener, address = listening(opened)
    listener.close()
    stream = opened.keep(api.iostream.IOStream(socket.socket()))
    connecting = stream.connect(address)
    with pytest.raises(api.iostream.StreamClosedError) as caught:
        await arrival(connecting, "a refusal")
    assert isinstance(caught.value.real_error, ConnectionRefusedError)
    assert (stream.error, stream.closed()) == (caught.value.real_error, True)


@must(
    "connection.connect.close-meanwhile",
    "close() while it connects makes the Future of connect() raise StreamClosedError.",
    doc("iostream.IOStream.connect"),
)
async def test_close_meanwhile(opened, leftovers):
    _, address = listening(opened)
    stream = opened.keep(api.iostream.IOStream(socket.socket()))
    connecting = stream.connect(address)
    stream.close()
    with pytest.raises(api.iostream.StreamClosedError):
        await arrival(connecting, "the end of connecting")


@must(
    "connection.socket.nodelay",
    "set_nodelay() switches the TCP option on and off, and does nothing on other streams.",
    doc("iostream.BaseIOStream.set_nodelay"),
)
async def test_nodelay(opened, leftovers):
    near, far = await tcp_pair()
    opened.keep(near, far)
    for value in (True, False, True):
        near.set_nodelay(value)
        assert bool(near.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)) is value
    opened.pair()[0].set_nodelay(True)


# -- peers ------------------------------------------------------------------------------------------------------------


async def connected(opened):
    """Return a stream over TCP and the plain socket at its other end."""
    listener, address = listening(opened)
    stream = opened.keep(api.iostream.IOStream(socket.socket()))
    await arrival(stream.connect(address), "a connection")
    return stream, opened.keep(listener.accept()[0])


READS = [
    labelled("until", lambda stream: stream.read_until(b"\n")),
    labelled("until-regex", lambda stream: stream.read_until_regex(b"\n")),
    labelled("bytes", lambda stream: stream.read_bytes(5)),
    labelled("partial", lambda stream: stream.read_bytes(5, partial=True)),
    labelled("into", lambda stream: stream.read_into(bytearray(5))),
    labelled("until-close", lambda stream: stream.read_until_close()),
]


@must(
    "connection.peer.reset",
    "A reset by the peer ends a read with StreamClosedError; real_error and error are the ConnectionResetError.",
    doc("iostream.StreamClosedError"),
)
@each(read=[read for read in READS if read.label != "until-close"])
async def test_reset(opened, leftovers, read):
    stream, peer = await connected(opened)
    reading = read(stream)
    await turns()
    reset(peer)
    with pytest.raises(api.iostream.StreamClosedError) as caught:
        await arrival(reading, "the reset")
    assert isinstance(caught.value.real_error, ConnectionResetError)
    assert isinstance(stream.error, ConnectionResetError)


@must(
    "connection.peer.reset-writing",
    "A reset by the peer ends a write that waits, with StreamClosedError, and the stream has the cause as its error.",
    doc("iostream.StreamClosedError"),
    doc("iostream.BaseIOStream.write"),
)
async def test_reset_writing(opened, leftovers):
    stream, peer = await connected(opened)
    writing = stream.write(bytes(64 << 20))
    await turns()
    assert not writing.done()
    reset(peer)
    with pytest.raises(api.iostream.StreamClosedError):
        await arrival(writing, "the reset")
    assert isinstance(stream.error, ConnectionError)


@must(
    "connection.peer.left",
    "A peer that leaves, or ends its direction, ends a read that waits with a StreamClosedError without a cause.",
    doc("iostream.StreamClosedError"),
)
@each(read=[read for read in READS if read.label not in ("until-close", "partial")])
@each(end=["close", "half-close"])
async def test_left(opened, leftovers, read, end):
    stream, peer = await connected(opened)
    reading = read(stream)
    peer.send(b"four")
    await turns()
    peer.close() if end == "close" else peer.shutdown(socket.SHUT_WR)
    with pytest.raises(api.iostream.StreamClosedError) as caught:
        await arrival(reading, "the end")
    assert (caught.value.real_error, stream.error) == (None, None)


@should(
    "connection.peer.half-closed",
    "A peer that has ended its direction still gets everything that was written to it.",
    doc("iostream.BaseIOStream.write"),
)
async def test_half_closed(opened, leftovers):
    stream, peer = opened.pair()
    reading = stream.read_until_close()
    peer.send(b"the question")
    writing = stream.write(b"x" * (1 << 20))
    peer.shutdown(socket.SHUT_WR)
    await turns(20)
    came = await asyncio.get_running_loop().run_in_executor(None, lambda: peer.makefile("rb").read())
    assert len(came) == 1 << 20, "the peer did not get everything"
    await arrival(writing)
    assert await arrival(reading) == b"the question"
    await turns()
    assert stream.closed()


@must(
    "connection.peer.back-pressure",
    "A stream does not take from the system what nobody reads: a peer that sends on and on has to wait.",
    doc("iostream.BaseIOStream"),
)
@each(callback=[False, True])
async def test_back_pressure(opened, leftovers, callback):
    stream, peer = opened.pair()
    if callback:
        stream.set_close_callback(lambda: None)
    peer.setblocking(False)
    sent = 0
    for _ in range(200):
        with contextlib.suppress(BlockingIOError):
            sent += peer.send(b"x" * 65536)
        await turns(1)
    assert sent < 200 * 65536
    assert await arrival(stream.read_bytes(sent)) == b"x" * sent


@must(
    "connection.peer.fairness",
    "A peer that sends faster than it is read does not keep the loop from other work.",
    doc("ioloop.IOLoop"),
)
async def test_fairness(opened, leftovers):
    stream, peer = opened.pair()
    peer.setblocking(False)
    others = []

    async def read():
        for _ in range(2000):
            with contextlib.suppress(BlockingIOError):
                peer.send(b"line\nline\n")
            assert await stream.read_until(b"\n") == b"line\n"
        return len(others)

    reading = asyncio.ensure_future(read())
    while not reading.done():
        others.append("turn")
        await asyncio.sleep(0)
    assert await reading > 2


# -- hooks ------------------------------------------------------------------------------------------------------------


@must(
    "connection.hooks.error",
    "An OSError of read_from_fd() or write_to_fd() closes the stream and is its error.",
    doc("iostream.BaseIOStream.read_from_fd"),
    doc("iostream.BaseIOStream.write_to_fd"),
)
@each(hook=["read_from_fd", "write_to_fd"])
async def test_hook_error(opened, leftovers, hook):
    stream, peer = opened.pair()
    failure = OSError(5, "the disk is on fire")

    def fail(data):
        raise failure

    setattr(stream, hook, fail)
    peer.send(b"x")
    with pytest.raises(OSError):
        await arrival(stream.read_bytes(1) if hook == "read_from_fd" else stream.write(b"x"), "the failure")
    assert (stream.error, stream.closed(), stream.socket) == (failure, True, None)


# -- TLS --------------------------------------------------------------------------------------------------------------

OPTIONS = [
    labelled("dict", (certificates.server_options, certificates.client_options)),
    labelled("context", (certificates.server_context, certificates.client_context)),
]


async def tls(opened, server_options, client_options, name=HOST):
    """Return what start_tls() gives, or raises, on the server's and on the client's side of a connection."""
    left, right = socket.socketpair()
    server, client = opened.keep(api.iostream.IOStream(left)), opened.keep(api.iostream.IOStream(right))
    both = asyncio.gather(
        server.start_tls(True, server_options),
        client.start_tls(False, client_options, server_hostname=name),
        return_exceptions=True,
    )
    outcomes = await arrival(both, "the handshake")
    opened.keep(*(one for one in outcomes if not isinstance(one, Exception)))
    return outcomes


@must(
    "tls.start.both-sides",
    "start_tls() gives an SSLIOStream on either side, with options as a dict or as a context.",
    doc("iostream.IOStream.start_tls"),
)
@each(options=OPTIONS)
async def test_start_tls(opened, leftovers, options):
    server, client = await tls(opened, options[0](), options[1]())
    assert isinstance(server, api.iostream.SSLIOStream)
    assert isinstance(client, api.iostream.SSLIOStream)
    await arrival(client.write(b"question\n"))
    assert await arrival(server.read_until(b"\n")) == b"question\n"
    await arrival(server.write(b"answer\n"))
    assert await arrival(client.read_until(b"\n")) == b"answer\n"


def speak_tls(sock, context, **side):
    """Do the handshake on a plain socket by Python's own TLS, send a word and return the one that comes back."""
    sock.settimeout(5)
    with context.wrap_socket(sock, **side) as secure:
        secure.sendall(b"question\n")
        return secure.makefile("rb").read()


@must(
    "tls.start.interoperates",
    "The other side may be any implementation of TLS.",
    doc("iostream.IOStream.start_tls"),
)
@each(side=["server", "client"])
async def test_interoperates(opened, leftovers, side):
    stream, far = opened.pair()
    if side == "server":
        handshake = stream.start_tls(True, certificates.server_options())
        own, arguments = certificates.client_context(), {"server_hostname": HOST}
    else:
        handshake = stream.start_tls(False, certificates.client_options(), server_hostname=HOST)
        own, arguments = certificates.server_context(), {"server_side": True}
    talk = asyncio.get_running_loop().run_in_executor(None, lambda: speak_tls(far, own, **arguments))
    secure = opened.keep(await arrival(handshake, "the handshake"))
    assert await arrival(secure.read_until(b"\n")) == b"question\n"
    await arrival(secure.write(b"answer\n"))
    secure.close()
    assert await arrival(talk, "the other side") == b"answer\n"


@should(
    "tls.close.notifies",
    "close() tells the other side of TLS that this is the end, so that it knows that nothing was cut off.",
    doc("iostream.BaseIOStream.close"),
)
async def test_notifies(opened, leftovers):
    stream, far = opened.pair()
    handshake = stream.start_tls(True, certificates.server_options())
    arguments = {"server_hostname": HOST, "suppress_ragged_eofs": False}
    loop = asyncio.get_running_loop()
    talk = loop.run_in_executor(None, lambda: speak_tls(far, certificates.client_context(), **arguments))
    secure = opened.keep(await arrival(handshake, "the handshake"))
    await arrival(secure.read_until(b"\n"))
    await arrival(secure.write(b"answer\n"))
    secure.close()
    assert await arrival(talk, "the other side") == b"answer\n"


@must(
    "tls.start.refuses",
    "A certificate that is expired, for another name, or not signed by an authority that is trusted, is refused.",
    doc("iostream.IOStream.start_tls"),
)
@each(fault=["expired", "name", "authority"])
@each(options=OPTIONS)
async def test_refuses(opened, leftovers, options, fault):
    server_error, client_error = await tls(opened, options[0](fault), options[1]())
    assert isinstance(client_error, ssl.SSLCertVerificationError)
    assert isinstance(server_error, (ssl.SSLError, api.iostream.StreamClosedError))


@must(
    "tls.start.verifies-by-default",
    "A client without options, or with none in the dict, trusts the system's authorities; CERT_NONE trusts everybody.",
    doc("iostream.IOStream.start_tls"),
)
@each(options=[labelled("none", None), labelled("empty", {}), labelled("off", {"cert_reqs": ssl.CERT_NONE})])
async def test_verifies_by_default(opened, leftovers, options):
    _, client = await tls(opened, certificates.server_options(), options)
    if options:
        assert isinstance(client, api.iostream.SSLIOStream)
    else:
        assert isinstance(client, ssl.SSLCertVerificationError)


@must(
    "tls.start.logs",
    "A handshake that fails is logged as a warning by tornado.general.",
    doc("log.gen_log"),
)
async def test_handshake_logged(opened, leftovers, logs):
    await tls(opened, certificates.server_options("name"), certificates.client_context())
    assert {record.levelname for record in logs.of("tornado.general")} == {"WARNING"}
    assert any("stranger" in record.getMessage() or HOST in record.getMessage() for record in logs.trace)


@must(
    "tls.start.not-idle",
    "start_tls() while a read or a write is pending raises ValueError, and the stream goes on as it was.",
    doc("iostream.IOStream.start_tls"),
)
@each(pending=["read", "write"])
async def test_not_idle(opened, leftovers, pending):
    stream, peer = opened.pair()
    future = stream.read_bytes(3) if pending == "read" else stream.write(b"x" * (1 << 20))
    with pytest.raises(ValueError):
        stream.start_tls(True, certificates.server_options())
    peer.send(b"abc")
    assert await arrival(future if pending == "read" else stream.read_bytes(3)) == b"abc"


def hello():
    """Return the first message of a client of TLS."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = certificates.client_context().wrap_bio(incoming, outgoing, server_hostname=HOST)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


SAID = [
    labelled("http", lambda: b"GET / HTTP/1.1\r\n\r\n"),
    labelled("nothing", lambda: b""),
    labelled("hello", hello),
    labelled("half-a-hello", lambda: hello()[:50]),
]


@must(
    "tls.start.not-tls",
    "A peer that speaks something else, leaves or breaks off ends the handshake with an error, on either side.",
    doc("iostream.IOStream.start_tls"),
)
@each(said=SAID)
@each(end=["half-close", "close", "reset"])
@each(side=["server", "client"])
async def test_not_tls(opened, leftovers, said, end, side):
    stream, far = await connected(opened)
    options = certificates.server_options() if side == "server" else certificates.client_context()
    handshake = stream.start_tls(side == "server", options, None if side == "server" else HOST)
    far.send(said())
    await turns()
    # The stream may have been faster.
    with contextlib.suppress(OSError):
        {"half-close": lambda: far.shutdown(socket.SHUT_WR), "close": far.close, "reset": lambda: reset(far)}[end]()
    with pytest.raises((OSError, api.iostream.StreamClosedError)):
        await arrival(handshake, "the end of the handshake")


@should(
    "tls.start.cancelled",
    "Who gives up waiting for a handshake leaves no connection behind.",
    doc("iostream.IOStream.start_tls"),
)
async def test_handshake_cancelled(opened, leftovers):
    stream, far = opened.pair()
    stream.start_tls(True, certificates.server_options()).cancel()
    await turns()
    assert await asyncio.get_running_loop().run_in_executor(None, far.recv, 1) == b""


@must(
    "tls.start.close-callback",
    "The close callback of the stream is called when the connection that took its place ends.",
    doc("iostream.IOStream.start_tls"),
)
async def test_tls_close_callback(opened, leftovers):
    left, right = socket.socketpair()
    server, client = opened.keep(api.iostream.IOStream(left)), opened.keep(api.iostream.IOStream(right))
    called = asyncio.Event()
    server.set_close_callback(called.set)
    handshakes = (
        server.start_tls(True, certificates.server_options()),
        client.start_tls(False, certificates.client_context(), server_hostname=HOST),
    )
    secure, other = await arrival(asyncio.gather(*handshakes), "the handshake")
    opened.keep(secure, other)
    await turns()
    assert not called.is_set()
    other.close()
    await arrival(called.wait(), "the close callback")


async def accepted(listener):
    """Return what start_tls() gives or raises for the next connection to ``listener``."""
    sock, _ = await asyncio.get_running_loop().run_in_executor(None, listener.accept)
    stream = api.iostream.IOStream(sock)
    try:
        return await stream.start_tls(True, certificates.server_options())
    except (ssl.SSLError, api.iostream.StreamClosedError) as error:
        return error


@must(
    "tls.connect.handshake",
    "SSLIOStream.connect() is done when the handshake is; the peer's certificate must be for server_hostname.",
    doc("iostream.SSLIOStream.connect"),
)
@each(name=[HOST, "stranger.test"])
async def test_tls_connect(opened, leftovers, name):
    listener, address = listening(opened)
    stream = opened.keep(api.iostream.SSLIOStream(socket.socket(), ssl_options=certificates.client_context()))
    server = asyncio.ensure_future(accepted(listener))
    connecting = stream.connect(address, server_hostname=name)
    if name == HOST:
        assert await arrival(connecting, "the handshake") is stream
        await arrival(stream.write(b"hello"))
        assert await arrival(opened.keep(await server).read_bytes(5)) == b"hello"
    else:
        with pytest.raises(ssl.SSLCertVerificationError):
            await arrival(connecting, "the handshake")
        assert stream.closed()
        assert isinstance(await arrival(server, "the server"), Exception)


@must(
    "tls.connect.refused",
    "When there is no connection, SSLIOStream.connect() raises StreamClosedError as IOStream's does.",
    doc("iostream.SSLIOStream.connect"),
)
async def test_tls_refused(opened, leftovers):
    listener, address = listening(opened)
    listener.close()
    stream = opened.keep(api.iostream.SSLIOStream(socket.socket(), ssl_options=certificates.client_context()))
    with pytest.raises(api.iostream.StreamClosedError) as caught:
        await arrival(stream.connect(address, server_hostname=HOST), "a refusal")
    assert isinstance(caught.value.real_error, ConnectionRefusedError)


@must(
    "tls.wrapped.wait-for-handshake",
    "An SSLIOStream over a wrapped socket does the handshake by itself; wait_for_handshake() gives the stream then.",
    doc("iostream.SSLIOStream"),
    doc("iostream.SSLIOStream.wait_for_handshake"),
    doc("netutil.ssl_wrap_socket"),
)
async def test_wait_for_handshake(opened, leftovers):
    left, right = socket.socketpair()
    left.setblocking(False)
    options = certificates.server_options()
    wrapped = api.netutil.ssl_wrap_socket(left, options, server_side=True, do_handshake_on_connect=False)
    server, plain = opened.keep(api.iostream.SSLIOStream(wrapped)), opened.keep(api.iostream.IOStream(right))
    waiting, early = server.wait_for_handshake(), server.write(b"early")
    handshake = plain.start_tls(False, certificates.client_context(), server_hostname=HOST)
    client = opened.keep(await arrival(handshake, "the handshake"))
    assert await arrival(waiting, "the handshake") is server
    assert await arrival(client.read_bytes(5)) == b"early"
    await arrival(early)
    assert await arrival(server.wait_for_handshake(), "a handshake that is done") is server
