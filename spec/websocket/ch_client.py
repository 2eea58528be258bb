"""Clients: the other side of the connection

``websocket_connect`` opens a WebSocket to a ``ws://`` or ``wss://`` URL and returns the connection: ``read_message``
gives the next message, or None when the connection is closed, ``write_message`` sends, ``close`` closes, and with
``on_message_callback`` messages come by themselves. What went wrong on the way to the connection is raised.

In its handshake the client asks, and the server's answer has to prove that it was understood: the value computed from
a fresh random key, the right tokens, no subprotocol and no extension that was not asked for. Anything else fails the
connection, before a single frame is looked at. A status other than 101 is a refusal, like the status of any other
request.

Afterwards the rules are those for servers, with the mask on the other side: the client masks every frame, with a key of
its own that nobody can foresee, and a masked frame from the server is a fault. What is a fault in a server's input is
one in a client's. The faults of this chapter are the same frames, from the same list, as in the chapters about servers.

The server ends the TCP connection. A client that has sent and received a close frame waits for that.

Here the suite plays the server.
"""

import asyncio
import base64
import random
import ssl

import pytest
import trustme

from conformance import api, doc, each, labelled, must, rfc, should
from conformance.client import in_time
from conformance.wire import faults
from conformance.wire.deflate import Compression, compressed, deflated
from conformance.wire.frames import binary, close, cont, frame, ping, pong, text

OFFER = "permessage-deflate"


def answering(**fields):
    """Return a right answer with these fields changed."""
    return lambda hello: hello.answer(**fields)


def own_certificate():
    """Return a server's TLS context with a certificate of an authority that was made up just now."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


def noise(length, seed=1):
    """Return bytes without any order, the same ones each time."""
    return random.Random(seed).randbytes(length)


# -- the client's handshake -------------------------------------------------------------------------------------------


@must(
    "websocket.client.request",
    "The handshake is a GET request in HTTP/1.1 for path and query, with Host, Upgrade, Connection and version 13.",
    rfc(6455, "4.1", "RFC6455-4.1-17", "RFC6455-4.1-18", "RFC6455-4.1-19", "RFC6455-4.1-20", "RFC6455-4.1-21"),
    rfc(6455, "4.1", "RFC6455-4.1-22", "RFC6455-4.1-23", "RFC6455-4.1-29", "RFC6455-4.1-30", "RFC6455-11.3.5-2"),
    rfc(6455, "3", "RFC6455-3-i1", "RFC6455-3-i2"),
)
@each(path=["/", "/a/b%20c", "/a?b=c&d=%20"])
async def test_client_request(host, path):
    async with host.connect(path=path) as talk:
        hello = talk.hello
        assert hello.line == f"GET {path} HTTP/1.1"
        assert hello.values("host") == [f"127.0.0.1:{host.port}"]
        assert [one.lower() for one in hello.members("upgrade")] == ["websocket"]
        assert "upgrade" in [one.lower() for one in hello.members("connection")]
        assert hello.values("sec-websocket-version") == ["13"]


@must(
    "websocket.client.key",
    "Sec-WebSocket-Key stands there once: 16 bytes in base64, chosen anew for each connection.",
    rfc(6455, "4.1", "RFC6455-4.1-24", "RFC6455-4.1-25", "RFC6455-4.1-26"),
    rfc(6455, "11.3.1", "RFC6455-11.3.1-1"),
)
async def test_client_key(host):
    keys = []
    for _ in range(3):
        async with host.connect() as talk:
            keys += talk.hello.values("sec-websocket-key")
    assert [len(base64.b64decode(key, validate=True)) for key in keys] == [16, 16, 16]
    assert len(set(keys)) == 3


@must(
    "websocket.client.waits-for-the-answer",
    "Before the server's answer the client sends nothing but its handshake.",
    rfc(6455, "4.1", "RFC6455-4.1-35"),
)
async def test_client_waits_for_the_answer(host):
    def late(hello):
        return hello.answer() + b"\x89\x01x"

    # The first thing behind the handshake is the answer to the ping behind the server's own.
    async with host.connect(late) as talk:
        assert await talk.pong() == b"x"


@must(
    "websocket.client.nothing-offered",
    "Without being told to, the client offers neither subprotocols nor extensions, and names no origin.",
    rfc(6455, "4.1", "RFC6455-4.1-17"),
    doc("websocket.websocket_connect"),
)
async def test_client_nothing_offered(host):
    async with host.connect() as talk:
        for name in ("sec-websocket-protocol", "sec-websocket-extensions", "origin"):
            assert talk.hello.values(name) == []
        assert talk.client.selected_subprotocol is None


@must(
    "websocket.client.subprotocols",
    "The subprotocols are offered in order, and the one that the server selects is known.",
    rfc(6455, "4.1", "RFC6455-4.1-32"),
    doc("websocket.WebSocketClientConnection.selected_subprotocol"),
)
@each(selected=["one", "two", labelled("none", None)])
async def test_client_subprotocols(host, selected):
    answer = answering(sec_websocket_protocol=selected)
    async with host.connect(answer, subprotocols=["one", "two"]) as talk:
        assert talk.hello.members("sec-websocket-protocol") == ["one", "two"]
        assert talk.client.selected_subprotocol == selected


@must(
    "websocket.client.offer",
    "With compression_options the client offers permessage-deflate, with parameters that exist.",
    rfc(7692, "5", "RFC7692-5-1"),
    rfc(7692, "7.1.2.1", "RFC7692-7.1.2.1-2"),
    rfc(7692, "7.1.2.2", "RFC7692-7.1.2.2-2"),
    doc("websocket.websocket_connect"),
)
async def test_client_offer(host):
    async with host.connect(compression_options={}) as talk:
        (offer,) = talk.hello.values("sec-websocket-extensions")
        name, *parameters = [part.strip() for part in offer.split(";")]
        assert name == OFFER
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            assert key.endswith("_max_window_bits") or (key.endswith("_no_context_takeover") and not value)
            assert value in {"", *map(str, range(8, 16))}


# -- the server's answer ----------------------------------------------------------------------------------------------


@must(
    "websocket.client.answer-spelling",
    "The answer's tokens may be written in any case, and beside others in Connection.",
    rfc(6455, "4.1", "RFC6455-4.1-37", "RFC6455-4.1-38"),
)
@each(
    fields=[
        labelled("upgrade", {"upgrade": "WebSocket"}),
        labelled("connection", {"connection": "UPGRADE"}),
        labelled("connection-list", {"connection": "keep-alive, upgrade"}),
        labelled("other-field", {"x_other": "a"}),
    ]
)
async def test_client_answer_spelling(host, fields):
    async with host.connect(answering(**fields)) as talk:
        talk.send(text("hello"))
        assert await in_time(talk.client.read_message(), lambda: "the message") == "hello"


@must(
    "websocket.client.wrong-answer",
    "An answer that does not prove the handshake, or names what was not asked for, fails the connection.",
    rfc(6455, "4.1", "RFC6455-4.1-36", "RFC6455-4.1-37", "RFC6455-4.1-38", "RFC6455-4.1-39"),
    rfc(6455, "4.1", "RFC6455-4.1-40", "RFC6455-4.1-41", "RFC6455-4.1-42"),
    rfc(6455, "9.1", "RFC6455-9.1-6"),
)
@each(
    fields=[
        labelled("no-upgrade", {"upgrade": None}),
        labelled("other-upgrade", {"upgrade": "h2c"}),
        labelled("no-connection", {"connection": None}),
        labelled("other-connection", {"connection": "keep-alive"}),
        labelled("no-accept", {"sec_websocket_accept": None}),
        labelled("other-accept", {"sec_websocket_accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}),
        labelled("subprotocol", {"sec_websocket_protocol": "chat"}),
        labelled("extension", {"sec_websocket_extensions": "x-made-up"}),
        labelled("compression", {"sec_websocket_extensions": OFFER}),
    ]
)
async def test_client_wrong_answer(host, fields):
    await host.refused(answering(**fields))


@must(
    "websocket.client.refused",
    "An answer that redirects or refuses raises httpclient.HTTPClientError with its status as the code.",
    rfc(6455, "4.1", "RFC6455-4.1-i1"),
    doc("websocket.websocket_connect"),
)
@each(status=["302 Found", "401 Unauthorized", "403 Forbidden", "404 Not Found", "500 Internal Server Error"])
async def test_client_refused(host, status):
    def answer(hello):
        return f"HTTP/1.1 {status}\r\nContent-Length: 2\r\nLocation: /\r\n\r\nno".encode()

    error = await host.refused(answer)
    assert getattr(error, "code", None) == int(status[:3]), repr(error)


@must(
    "websocket.client.no-answer",
    "A server that ends the connection instead of answering, or that is not there, makes websocket_connect raise.",
    rfc(6455, "4.1", "RFC6455-4.1-12"),
    rfc(6455, "7.2.1", "RFC6455-7.2.1-2", "RFC6455-7.2.1-3"),
)
async def test_client_no_answer(host):
    talk, connecting = await host.begin(lambda hello: b"")
    # Some try again; there is nobody any more, either.
    host.stop()
    talk.drop()
    await in_time(asyncio.wait([connecting]), lambda: "websocket_connect() to raise")
    assert connecting.exception() is not None
    with pytest.raises(OSError):
        await api.websocket.websocket_connect("ws://127.0.0.1:1/")


@must(
    "websocket.client.bad-url",
    "A URL that is none of a WebSocket is refused.",
    rfc(6455, "4.1", "RFC6455-4.1-4"),
)
@each(url=["ftp://127.0.0.1/", "ws://", "127.0.0.1"])
async def test_client_bad_url(url):
    # Of which kind, and whether at once or by the future, is left open.
    try:
        await in_time(api.websocket.websocket_connect(url), lambda: "an error")
    except AssertionError:
        raise
    except Exception:
        return
    pytest.fail("the URL was accepted")


@must(
    "websocket.client.fragment",
    "A fragment of the URL is not sent to the server; to refuse such a URL is fine, too.",
    rfc(6455, "3", "RFC6455-3-2"),
)
async def test_client_fragment(host):
    await host.listen()
    try:
        talk, connecting = await host.begin(url=f"ws://127.0.0.1:{host.port}/a#b")
    except AssertionError:
        raise
    except Exception:
        return
    assert talk.hello.line == "GET /a HTTP/1.1"
    talk.client = await in_time(connecting, lambda: "websocket_connect() to return")
    await talk.part()


@must(
    "websocket.client.non-ascii",
    "What is no ASCII in path and query is sent in UTF-8, percent-encoded.",
    rfc(6455, "11.1.1", "RFC6455-11.1.1-2", "RFC6455-11.1.2-2"),
)
async def test_client_non_ascii(host):
    async with host.connect(path="/żółw?q=ę") as talk:
        assert talk.hello.line.upper() == "GET /%C5%BC%C3%B3%C5%82W?Q=%C4%99 HTTP/1.1"


@must(
    "websocket.client.untrusted-tls",
    "A wss:// server, asked for by its name, whose certificate nobody vouches for is refused before the handshake.",
    rfc(6455, "4.1", "RFC6455-4.1-13", "RFC6455-4.1-14", "RFC6455-4.1-16", "RFC6455-10.6-1"),
)
async def test_client_untrusted_tls(host):
    asked, context = [], own_certificate()
    context.sni_callback = lambda connection, name, own: asked.append(name)
    await host.listen(tls=context)
    with pytest.raises(ssl.SSLError):
        await in_time(api.websocket.websocket_connect(f"wss://localhost:{host.port}/"), lambda: "an error")
    assert (asked, host.connections) == (["localhost"], 0)


@must(
    "websocket.client.compression-answers",
    "The client accepts every right answer to its offer, and sends and reads messages as that says.",
    rfc(7692, "7.1.1.1", "RFC7692-7.1.1.1-3"),
    rfc(7692, "7.1.1.2", "RFC7692-7.1.1.2-3"),
    rfc(7692, "7.1.2.1", "RFC7692-7.1.2.1-4"),
    rfc(7692, "7.2.1", "RFC7692-7.2.1-7"),
    rfc(7692, "5", "RFC7692-5-13"),
    rfc(6455, "9.1", "RFC6455-9.1-4"),
)
@each(parameters=["", "server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits=10"])
async def test_client_compression_answers(host, parameters):
    extension = f"{OFFER}; {parameters}".rstrip("; ")
    async with host.connect(answering(sec_websocket_extensions=extension), compression_options={}) as talk:
        for content in [noise(300).hex()] * 3:
            talk.client.write_message(content)
            assert await talk.receive() == content
            talk.send(Compression(bits=10).message(content))
            assert await in_time(talk.client.read_message(), lambda: "the message") == content


@must(
    "websocket.client.window",
    "A client that offered client_max_window_bits obeys the number that the server answers.",
    rfc(7692, "7.2.1", "RFC7692-7.2.1-12"),
    rfc(7692, "7.2.2", "RFC7692-7.2.2-10"),
)
@each(bits=[9, 10, 12])
async def test_client_window(host, bits):
    def answer(hello):
        offered = "client_max_window_bits" in hello.values("sec-websocket-extensions")[0]
        return hello.answer(sec_websocket_extensions=OFFER + f"; client_max_window_bits={bits}" * offered)

    block = noise((1 << bits) + 40)
    async with host.connect(answer, compression_options={}) as talk:
        for content in (block, block, block + block):
            talk.client.write_message(content, binary=True)
            assert await talk.receive() == content


@must(
    "websocket.client.wrong-compression",
    "An answer with a parameter that is unknown, repeated or invalid fails the connection.",
    rfc(7692, "7", "RFC7692-7-2"),
    rfc(7692, "5", "RFC7692-5-12"),
)
@each(
    parameters=[
        "x_made_up",
        "server_no_context_takeover=1",
        "server_max_window_bits",
        "server_max_window_bits=7",
        "server_max_window_bits=16",
        "client_max_window_bits=99",
        labelled("flag-twice", "client_no_context_takeover; client_no_context_takeover"),
        labelled("window-twice", "server_max_window_bits=10; server_max_window_bits=10"),
    ]
)
async def test_client_wrong_compression(host, parameters):
    await host.refused(answering(sec_websocket_extensions=f"{OFFER}; {parameters}"), compression_options={})


# -- messages ---------------------------------------------------------------------------------------------------------


@must(
    "websocket.client.sends",
    "Text, bytes and dicts go out as text, binary and JSON text, masked, at every border of the length forms.",
    rfc(6455, "5.1", "RFC6455-5.1-1", "RFC6455-6.1-8"),
    rfc(6455, "5.2", "RFC6455-5.2-i1"),
    rfc(6455, "5.3", "RFC6455-5.3-1"),
    doc("websocket.WebSocketClientConnection.write_message"),
)
@each(length=[0, 1, 125, 126, 65535, 65536])
async def test_client_sends(host, length):
    async with host.connect() as talk:
        talk.client.write_message("é" * length)
        talk.client.write_message(noise(length), binary=True)
        talk.client.write_message({"length": length})
        assert await talk.receive() == "é" * length
        assert await talk.receive() == noise(length)
        assert await talk.receive() == f'{{"length": {length}}}'


@must(
    "websocket.client.masks",
    "Each frame, a pong and a close frame too, is masked with a key of its own.",
    rfc(6455, "5.3", "RFC6455-5.3-2", "RFC6455-5.3-3"),
    rfc(6455, "10.3", "RFC6455-10.3-1"),
    rfc(6455, "5.5.1", "RFC6455-5.5.1-i1"),
)
async def test_client_masks(host):
    # The suite's reader fails the case at a frame without a mask, or with the key of the frame before.
    async with host.connect() as talk:
        for _ in range(20):
            talk.client.write_message("the same")
            assert await talk.receive() == "the same"
        talk.send(ping(b"a"))
        assert await talk.pong() == b"a"
        talk.send(close(1000))
        assert (await talk.closing())[0] == 1000


@must(
    "websocket.client.reads",
    "read_message gives text as str and binary as bytes, in order, whole and from fragments.",
    rfc(6455, "6.2", "RFC6455-6.2-3"),
    doc("websocket.WebSocketClientConnection.read_message"),
)
async def test_client_reads(host):
    async with host.connect() as talk:
        talk.send(text("ż"), binary(b"\xff"), text("", fin=False), pong(b"x"), cont("a", fin=False), cont("b"))
        talk.send(binary(noise(70000)), text(""))
        for expected in ("ż", b"\xff", "ab", noise(70000), ""):
            assert await in_time(talk.client.read_message(), lambda: "a message") == expected


@must(
    "websocket.client.early-message",
    "A message in the same segment as the server's answer is not lost.",
    rfc(6455, "6.2", "RFC6455-6.2-1"),
)
async def test_client_early_message(host):
    async with host.connect(lambda hello: hello.answer() + b"\x81\x05early\x82\x01x") as talk:
        for expected in ("early", b"x"):
            assert await in_time(talk.client.read_message(), lambda: "a message") == expected


@must(
    "websocket.client.callback",
    "With on_message_callback each message goes to the function, and None at the end.",
    doc("websocket.websocket_connect"),
)
async def test_client_callback(host):
    queue = asyncio.Queue()
    async with host.connect(on_message_callback=queue.put_nowait) as talk:
        talk.send(text("a"), binary(b"b"), close(1000))
        talk.drop()
        for expected in ("a", b"b", None):
            assert await in_time(queue.get(), lambda: "the callback") == expected


@must(
    "websocket.client.ping",
    "A ping of the server is answered; ping() sends one.",
    rfc(6455, "5.5.2", "RFC6455-5.5.2-1"),
    doc("websocket.WebSocketClientConnection.ping"),
)
async def test_client_ping(host):
    async with host.connect() as talk:
        talk.send(ping(b"server's"))
        assert await talk.pong() == b"server's"
        talk.client.ping(b"client's")
        # The suite answers it, and only reads on when a message comes.
        talk.client.write_message("after")
        assert await talk.receive() == "after"


@must(
    "websocket.client.compressed",
    "Compressed messages in every form are read, and may refer 32 KiB back to those before.",
    rfc(7692, "7.2.2", "RFC7692-7.2.2-2", "RFC7692-7.2.2-7"),
    rfc(7692, "6.2", "RFC7692-6.2-1"),
)
async def test_client_compressed(host):
    codec, hello = Compression(), bytes.fromhex("f248cdc9c90700")
    contents = [noise(100).hex(), "ż" * 5000, "", noise(100).hex()]
    async with host.connect(answering(sec_websocket_extensions=OFFER), compression_options={}) as talk:
        talk.send(*[codec.message(content) for content in contents], text("plain"))
        for expected in [*contents, "plain"]:
            assert await in_time(talk.client.read_message(), lambda: "a message") == expected
        talk.send(codec.message(noise(32000)), codec.message(noise(32000)[:500]))
        for expected in (noise(32000), noise(32000)[:500]):
            assert await in_time(talk.client.read_message(), lambda: "a message") == expected
        talk.send(compressed(hello[:3], fin=False), cont(hello[3:]))
        assert await in_time(talk.client.read_message(), lambda: "a message") == "Hello"


# -- faults -----------------------------------------------------------------------------------------------------------


@must(
    "websocket.client.masked-frame",
    "A masked frame from the server fails the connection.",
    rfc(6455, "5.1", "RFC6455-5.1-5"),
)
@each(bad=[labelled("text", text("hello")), labelled("ping", ping(b"x")), labelled("empty", text(""))])
async def test_client_masked_frame(host, bad, lenient):
    async with host.connect() as talk:
        talk.send_bytes(bad.encode())
        await talk.must_fail([], [1002], lenient)


@must(
    "websocket.client.bad-header",
    "Frames whose header means nothing fail the connection, as they do at a server.",
    rfc(6455, "5.2", "RFC6455-5.2-3", "RFC6455-5.2-4", "RFC6455-5.2-5"),
    rfc(6455, "5.5", "RFC6455-5.5-1"),
    rfc(6455, "7.1.7", "RFC6455-7.1.7-2"),
)
@each(fault=faults.HEADERS)
async def test_client_bad_header(host, fault, lenient):
    async with host.connect() as talk:
        await talk.must_fail(fault.frames, fault.codes, lenient)


@should(
    "websocket.client.longer-form",
    "A length in a longer form than it needs fails the connection.",
    rfc(6455, "5.2", "RFC6455-5.2-6"),
)
@each(fault=faults.LONGER_FORMS)
async def test_client_longer_form(host, fault, lenient):
    async with host.connect() as talk:
        await talk.must_fail(fault.frames, fault.codes, lenient)


@must(
    "websocket.client.bad-order",
    "Fragments out of order fail the connection.",
    rfc(6455, "5.4", "RFC6455-5.4-4", "RFC6455-5.4-i2"),
)
@each(fault=faults.ORDER)
async def test_client_bad_order(host, fault, lenient):
    async with host.connect() as talk:
        await talk.must_fail(fault.frames, fault.codes, lenient)


@must(
    "websocket.client.bad-text",
    "Text that is not UTF-8 fails the connection with 1007, whole, unfinished, over fragments or compressed.",
    rfc(6455, "8.1", "RFC6455-8.1-1"),
)
@each(fault=faults.TEXT)
async def test_client_bad_text(host, fault, lenient):
    async with host.connect() as talk:
        await talk.must_fail(fault.frames, fault.codes, lenient)


@must(
    "websocket.client.bad-close",
    "A close frame with what may not be said fails the connection; the code is not sent back.",
    rfc(6455, "7.4.1", "RFC6455-7.4.1-3", "RFC6455-7.4.1-4", "RFC6455-7.4.1-6"),
    rfc(6455, "5.5.1", "RFC6455-5.5.1-2"),
)
@each(fault=faults.CLOSING)
async def test_client_bad_close(host, fault, lenient):
    async with host.connect() as talk:
        await talk.must_fail(fault.frames, fault.codes, lenient)


@must(
    "websocket.client.bad-compression",
    "The bit for compression where nothing was agreed on, in a wrong frame, or before broken data is a fault.",
    rfc(7692, "6.1", "RFC7692-6.1-4"),
    rfc(7692, "6.2", "RFC7692-6.2-1"),
)
@each(
    fault=[
        labelled("not-agreed", (False, [deflated("hello")], [1002])),
        labelled("on-ping", (True, [frame(9, b"x", rsv=4)], [1002])),
        labelled("on-continuation", (True, [text("a", fin=False), frame(0, b"b", rsv=4)], [1002])),
        labelled("noise", (True, [compressed(b"\xff" * 20)], [1007, 1002])),
        labelled("reserved-block-type", (True, [compressed(b"\x06")], [1007, 1002])),
    ]
)
async def test_client_bad_compression(host, fault, lenient):
    agreed, frames, codes = fault
    answer = answering(sec_websocket_extensions=OFFER if agreed else None)
    async with host.connect(answer, compression_options={}) as talk:
        await talk.must_fail(frames, codes, lenient)


@must(
    "websocket.client.limit",
    "A message over max_message_size fails the connection: announced, in fragments, or when inflated.",
    rfc(6455, "10.4", "RFC6455-10.4-1"),
    doc("websocket.websocket_connect"),
)
@each(
    frames=[
        labelled("announced", [frame(2, b"a few", length=1 << 40)]),
        labelled("one-more", [binary(bytes(10001))]),
        labelled("fragments", [binary(bytes(6000), fin=False), cont(bytes(4001))]),
        labelled("inflated", [Compression().message(bytes(2000000))]),
    ]
)
async def test_client_limit(host, frames, lenient):
    answer = answering(sec_websocket_extensions=OFFER)
    async with host.connect(answer, compression_options={}, max_message_size=10000) as talk:
        talk.send(binary(bytes(10000)))
        assert await in_time(talk.client.read_message(), lambda: "a message") == bytes(10000)
        await talk.must_fail(frames, [1009], lenient)


# -- closing ----------------------------------------------------------------------------------------------------------


@must(
    "websocket.client.close",
    "close() sends code and reason; when the server has answered, read_message gives None.",
    rfc(6455, "7.1.2", "RFC6455-7.1.2-1"),
    doc("websocket.WebSocketClientConnection.close"),
)
@each(closing=[labelled("empty", ()), labelled("code", (1000,)), labelled("both", (4000, "za późno"))])
async def test_client_close(host, closing):
    async with host.connect() as talk:
        talk.client.close(*closing)
        said = await talk.closing()
        assert said in ([(None, ""), (1000, "")] if not closing else [(*closing, "")[:2]])
        talk.send(close(said[0]))
        talk.drop()
        assert await in_time(talk.client.read_message(), lambda: "read_message() to return") is None


@must(
    "websocket.client.closed-by-server",
    "A close frame is answered with a close frame; code and reason are told; the end of TCP is the server's.",
    rfc(6455, "5.5.1", "RFC6455-5.5.1-6", "RFC6455-5.5.1-9"),
    rfc(6455, "7.1.5", "RFC6455-7.1.5-i1"),
    rfc(6455, "7.1.6", "RFC6455-7.1.6-i1", "RFC6455-7.1.6-i2"),
    rfc(6455, "7.1.4", "RFC6455-7.1.4-i1"),
)
@each(code=[1000, 1001, 3000, 4999])
async def test_client_closed_by_server(host, code):
    async with host.connect() as talk:
        talk.send(text("last words"), close(code, f"code {code}"))
        assert (await talk.closing())[0] in (code, 1000)
        talk.drop()
        assert await in_time(talk.client.read_message(), lambda: "the message") == "last words"
        assert await in_time(talk.client.read_message(), lambda: "read_message() to return") is None
        assert (talk.client.close_code, talk.client.close_reason) == (code, f"code {code}")


@must(
    "websocket.client.closed-without-code",
    "A close frame without a code is answered; close_code is None, which stands for 1005, and so is close_reason.",
    rfc(6455, "7.1.5", "RFC6455-7.1.5-i2"),
    doc("websocket.WebSocketHandler.close_code"),
)
async def test_client_closed_without_code(host):
    async with host.connect() as talk:
        talk.send(close())
        assert (await talk.closing())[0] in (None, 1000)
        talk.drop()
        assert await in_time(talk.client.read_message(), lambda: "read_message() to return") is None
        assert (talk.client.close_code, talk.client.close_reason) == (None, None)


@must(
    "websocket.client.lost",
    "When the connection is lost, read_message gives None; close_code is None, which stands for 1006, and nothing can"
    " be sent.",
    rfc(6455, "7.1.5", "RFC6455-7.1.5-i3"),
    doc("websocket.WebSocketClosedError"),
)
async def test_client_lost(host):
    async with host.connect() as talk:
        talk.send(text("before"))
        talk.drop()
        assert await in_time(talk.client.read_message(), lambda: "the message") == "before"
        assert await in_time(talk.client.read_message(), lambda: "read_message() to return") is None
        assert talk.client.close_code is None
        with pytest.raises(api.websocket.WebSocketClosedError):
            await talk.client.write_message("after")


@should(
    "websocket.client.none-again",
    "After the end read_message gives None as often as it is called.",
    doc("websocket.WebSocketClientConnection.read_message"),
)
async def test_client_none_again(host):
    async with host.connect() as talk:
        talk.drop()
        for _ in range(3):
            assert await in_time(talk.client.read_message(), lambda: "read_message() to return") is None


@should(
    "websocket.client.opening-timeout",
    "connect_timeout ends the wait for a server that accepts the connection and says nothing.",
    doc("websocket.websocket_connect"),
)
async def test_client_opening_timeout(host):
    await host.listen()
    url = f"ws://127.0.0.1:{host.port}/"
    connecting = asyncio.ensure_future(api.websocket.websocket_connect(url, connect_timeout=0.05))
    await in_time(asyncio.wait([connecting]), lambda: "websocket_connect() to give up")
    assert connecting.exception() is not None
