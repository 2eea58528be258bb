"""Keeping a connection: silence, slowness, loss

A WebSocket may stay open for days, and most of the time nothing is said. A peer that vanished without a word looks the
same as one that has nothing to say, so a server asks: with the setting ``websocket_ping_interval`` it sends a ping
every so many seconds, and when no pong comes within ``websocket_ping_timeout`` seconds it takes the connection for lost
and calls ``on_close``.

A client may be slow. What it does not read waits on the server's side; the future that ``write_message`` returns is how
a program notices: it is done when there is room for more. Nothing is lost or reordered by waiting, and other
connections go on meanwhile.

What a handler agrees to is its own affair: it compresses when ``get_compression_options`` returns a dict, and takes
messages up to ``websocket_max_message_size``, 10 MiB where nothing is said.

All of this is the same over TLS.
"""

import asyncio
import random
import ssl

import trustme

from conformance import api, doc, each, labelled, must, rfc, should
from conformance.client import in_time
from conformance.sockets import websocket
from conformance.tracing import Trace
from conformance.wire.deflate import Compression
from conformance.wire.frames import binary, frame, text

PINGING = {"websocket_ping_interval": 0.04, "websocket_ping_timeout": 0.03}
GIVEN = {"compression_level": 9, "mem_level": 5}
MIB = 1024 * 1024


def echo(trace=None, options=None):
    """Return a handler that echoes, compressed with ``options``, and traces its end."""

    class Echo(api.websocket.WebSocketHandler):
        def get_compression_options(self):
            return options

        def on_message(self, message):
            self.write_message(message, binary=isinstance(message, bytes))

        def on_close(self):
            if trace is not None:
                trace.add(("closed", self.close_code))

    return Echo


async def pinged(peer, count):
    """Return when the server has pinged ``count`` times."""
    while len(peer.pings) < count:
        # Read on; what comes beside pings is an echo of the case's own message.
        peer.send("again")
        await peer.receive()


# -- silence ----------------------------------------------------------------------------------------------------------


@must(
    "websocket.keeping.pings",
    "With websocket_ping_interval the server pings; a client that answers keeps its connection.",
    doc("websocket.WebSocketHandler.ping_interval"),
    doc("web.Application.settings"),
)
async def test_keeping_pings(serve):
    trace = Trace()
    async with websocket(await serve([("/", echo(trace))], **PINGING), "/") as peer:
        await in_time(pinged(peer, 4), lambda: f"four pings; there were {peer.pings}")
        peer.send("still here")
        assert await peer.receive() == "still here"
        assert trace == []


@must(
    "websocket.keeping.no-pings",
    "Without the setting the server does not ping.",
    doc("websocket.WebSocketHandler.ping_interval"),
)
async def test_keeping_no_pings(serve):
    async with websocket(await serve([("/", echo())]), "/") as peer:
        for number in range(50):
            peer.send(str(number))
            assert await peer.receive() == str(number)
        assert peer.pings == []


@must(
    "websocket.keeping.ping-timeout",
    "A client that does not answer pings loses its connection, and on_close is called once.",
    doc("websocket.WebSocketHandler.ping_timeout"),
)
async def test_keeping_ping_timeout(serve):
    trace = Trace()
    async with websocket(await serve([("/", echo(trace))], **PINGING), "/") as peer:
        peer.answers_pings = False
        code, _ = await peer.closing()
        assert code in (1000, 1001, 1002, 1006, 1008, 1011)
        peer.drop()
        assert [entry[0] for entry in await trace.first(1)] == ["closed"]
        assert len(peer.pings) >= 1


# -- slowness and floods ----------------------------------------------------------------------------------------------


@must(
    "websocket.keeping.slow-reader",
    "A client that reads late gets everything that was sent to it, unchanged and in order.",
    rfc(6455, "6.2", "RFC6455-6.2-1"),
    doc("websocket.WebSocketHandler.write_message"),
)
@each(waiting=[labelled("awaited", True), labelled("not-awaited", False)])
async def test_keeping_slow_reader(serve, waiting):
    contents = [random.Random(number).randbytes(60000 + number) for number in range(60)]
    sent = Trace()

    class Source(api.websocket.WebSocketHandler):
        async def on_message(self, message):
            for content in contents:
                future = self.write_message(content, binary=True)
                if waiting:
                    await future
            sent.add("all")

    async with websocket(await serve([("/", Source)]), "/") as peer:
        peer.send("everything")
        if not waiting:
            await sent.first(1)
        assert [await peer.receive() for _ in contents] == contents


@must(
    "websocket.keeping.write-waits",
    "The future of write_message is not done while the client does not read; when it reads, all of them are.",
    doc("websocket.WebSocketHandler.write_message"),
)
async def test_keeping_write_waits(serve):
    futures, trace = [], Trace()

    class Source(api.websocket.WebSocketHandler):
        def on_message(self, message):
            # More than every buffer on the way to the client takes.
            futures.extend(asyncio.ensure_future(self.write_message(bytes(MIB), binary=True)) for _ in range(24))
            trace.add("written")

    async with websocket(await serve([("/", Source)]), "/") as peer:
        peer.send("everything")
        await trace.first(1)
        assert not all(future.done() for future in futures)
        for _ in futures:
            assert await peer.receive() == bytes(MIB)
        await in_time(asyncio.wait(futures), lambda: "all futures of write_message")


@must(
    "websocket.keeping.flood",
    "Thousands of tiny messages in one piece are all answered, in order, with pings among them.",
    rfc(6455, "5.4", "RFC6455-5.4-i3"),
    rfc(6455, "5.5.2", "RFC6455-5.5.2-2"),
)
async def test_keeping_flood(serve):
    async with websocket(await serve([("/", echo())]), "/") as peer:
        peer.send(*map(str, range(3000)))
        peer.ping(b"behind")
        assert [await peer.receive() for _ in range(3000)] == [str(number) for number in range(3000)]
        assert await peer.pong() == b"behind"


# -- what a handler agrees to -----------------------------------------------------------------------------------------


@must(
    "websocket.keeping.compression",
    "A handler compresses when get_compression_options returns a dict, and agrees to nothing when it returns None.",
    doc("websocket.WebSocketHandler.get_compression_options"),
)
@each(
    options=[
        labelled("none", None),
        labelled("defaults", {}),
        labelled("given", {"compression_level": 9, "mem_level": 5}),
    ]
)
async def test_keeping_compression(serve, options):
    server = await serve([("/", echo(options=options))])
    content = "over and over " * 100
    async with websocket(server, "/", sec_websocket_extensions="permessage-deflate") as peer:
        agreed = peer.answer.values("sec-websocket-extensions")
        assert bool(agreed) == (options is not None)
        peer.send_frames(Compression().message(content) if agreed else text(content))
        assert await peer.receive() == content


@must(
    "websocket.keeping.max-message-size",
    "A message over websocket_max_message_size closes the connection with 1009; one of exactly that size is taken.",
    doc("websocket.WebSocketHandler"),
    rfc(6455, "7.4.1", "RFC6455-7.4.1-1"),
)
async def test_keeping_max_message_size(serve):
    trace = Trace()
    server = await serve([("/", echo(trace))], websocket_max_message_size=1000)
    async with websocket(server, "/") as peer:
        peer.send("a" * 1000)
        assert await peer.receive() == "a" * 1000
        peer.send("a" * 1001)
        assert (await peer.closing())[0] == 1009
        peer.drop()
        assert [entry[0] for entry in await trace.first(1)] == ["closed"]


@should(
    "websocket.keeping.default-limit",
    "Without a setting the limit is 10 MiB.",
    doc("websocket.WebSocketHandler"),
)
async def test_keeping_default_limit(serve):
    server = await serve([("/", echo())])
    async with websocket(server, "/") as peer:
        peer.send(bytes(10 * MIB))
        assert await peer.receive() == bytes(10 * MIB)
        peer.send_frames(frame(2, b"the beginning", length=10 * MIB + 1))
        assert (await peer.closing())[0] == 1009


# -- loss -------------------------------------------------------------------------------------------------------------


@must(
    "websocket.keeping.half-closed",
    "A client that ends its side of TCP without a close frame is gone: on_close is called once, with no code.",
    rfc(6455, "7.1.5", "RFC6455-7.1.5-i3"),
    doc("websocket.WebSocketHandler.on_close"),
)
@each(inside=[labelled("between-messages", ()), labelled("inside-a-message", (binary(b"half", fin=False),))])
async def test_keeping_half_closed(serve, inside):
    trace = Trace()
    async with websocket(await serve([("/", echo(trace))]), "/") as peer:
        peer.send_frames(*inside)
        peer.half_close()
        assert await trace.first(1) == [("closed", None)]
        assert (await peer.closing())[0] == 1006


@must(
    "websocket.keeping.tls",
    "Over TLS a WebSocket is the same: echoes, large messages, compression, closing.",
    rfc(6455, "4.2.2", "RFC6455-4.2.2-2"),
    rfc(6455, "10.6", "RFC6455-10.6-1"),
)
async def test_keeping_tls(serve):
    authority = trustme.CA()
    serving, asking = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(serving)
    authority.configure_trust(asking)
    server = await serve([("/", echo(options={}))], http_settings={"ssl_options": serving})
    async with websocket(server, "/", tls=asking, sec_websocket_extensions="permessage-deflate") as peer:
        for content in ("hello", bytes(MIB), random.Random(1).randbytes(300000)):
            peer.send(content)
            assert await peer.receive() == content
        peer.close(1000)
        assert (await peer.closed())[0] == 1000
