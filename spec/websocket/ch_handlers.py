"""WebSocket handlers.

A WebSocket is served by a handler of the routing table like any other: a subclass of ``WebSocketHandler`` stands in a
route, gets its ``initialize`` arguments and its ``prepare``, and may still refuse as HTTP does. Its GET request then
becomes a connection that stays, and the handler object lives as long as it.

Four methods make the conversation. ``open`` is called once, with the captured parts of the path, when the connection is
there; ``on_message`` is called with every message, text as ``str`` and binary data as ``bytes``; ``write_message``
sends; ``on_close`` is called once, when all is over, for whatever reason. ``open`` and ``on_message`` may be
coroutines, and the messages of one connection are then still handled one after another; those of other connections go
on meanwhile.

Because the handler stays, anybody who holds it may write to its client at any time. A set of open handlers is a chat
room; a list of callbacks of theirs is a news ticker. ``on_close`` is the place to take them out again.

The end is told by ``close_code`` and ``close_reason``: what the client said when it closed, or None when it said
nothing, or was lost.

Browsers let the pages of every site open WebSockets to every other. ``check_origin`` is what protects the visitors: by
default only pages of the same host and port may connect.

An exception in the handler's own code ends its connection and is logged. How the client learns of it is left open: the
RFC has the code 1011 for this, Tornado drops the connection without a word.
"""

import asyncio
import json

from conformance import api, doc, each, labelled, must, rfc, seed
from conformance.sockets import LOST, handshake, websocket
from conformance.tracing import Trace, raised
from conformance.wire.frames import pong


def echo():
    """Return the handler that greets, and sends back what it gets."""

    class EchoHandler(api.websocket.WebSocketHandler):
        def open(self):
            self.write_message("connected!")

        def on_message(self, message):
            self.write_message(message)

    return EchoHandler


def told(action):
    """Return a handler that calls ``action(self, message)`` for each message."""

    class Told(api.websocket.WebSocketHandler):
        def on_message(self, message):
            return action(self, message)

    return Told


def farewell(trace):
    """Return a handler that closes when told a code and a reason, and traces path, code and reason at its end."""

    class Farewell(api.websocket.WebSocketHandler):
        def on_message(self, message):
            self.close(*json.loads(message))

        def on_close(self):
            trace.add((self.request.path, self.close_code, self.close_reason))

    return Farewell


# -- the handler in its application -----------------------------------------------------------------------------------


@must(
    "websocket.handler.echo",
    "The client gets what open writes right after the handshake, and then every message it sends, unchanged.",
    doc("websocket.WebSocketHandler"),
    *map(seed, ("SEED-105", "SEED-106", "SEED-107", "SEED-108", "SEED-109", "SEED-110")),
)
async def test_echo(serve):
    server = await serve([("/", echo())])
    async with websocket(server, "/") as peer:
        assert await peer.receive() == "connected!"
        for message in ("hello", "", "caf\u00e9 \U0001f375", "x" * 70000):
            peer.send(message)
            assert await peer.receive() == message


@must(
    "websocket.handler.route",
    "A WebSocketHandler is a target of routes like any other, beside others, with arguments for initialize.",
    doc("websocket.WebSocketHandler"),
    seed("SEED-112"),
    seed("SEED-113"),
)
async def test_route(serve):
    class StatusHandler(api.websocket.WebSocketHandler):
        def initialize(self, shelf, size=1):
            self.shelf, self.size = shelf, size

        def open(self):
            self.write_message({"shelf": self.shelf, "size": self.size})

    class CartHandler(api.web.RequestHandler):
        def get(self):
            self.write("cart")

    server = await serve([("/cart", CartHandler), ("/cart/status", StatusHandler, {"shelf": "a", "size": 7})])
    assert (await server.get("/cart")).text == "cart"
    async with websocket(server, "/cart/status") as peer:
        assert json.loads(await peer.receive()) == {"shelf": "a", "size": 7}


@must(
    "websocket.handler.request",
    "The request of the handshake stays at hand: its query, its fields and its cookies can be read in open.",
    doc("websocket.WebSocketHandler.open"),
)
async def test_request(serve):
    class Page(api.websocket.WebSocketHandler):
        def open(self):
            self.write_message(f"{self.get_argument('q')}, {self.request.headers['X-A']}, {self.get_cookie('user')}")

    server = await serve([("/", Page)])
    async with websocket(server, "/?q=caf%C3%A9", x_a="yes", cookie="user=ann") as peer:
        assert await peer.receive() == "caf\u00e9, yes, ann"


@must(
    "websocket.handler.prepare",
    "prepare may refuse with a status as for any request; the connection is not opened then.",
    doc("web.RequestHandler.prepare"),
)
@each(way=["HTTPError", "send_error"])
async def test_prepare_refuses(serve, way):
    opened = []

    class Private(api.websocket.WebSocketHandler):
        def prepare(self):
            if way == "HTTPError":
                raise api.web.HTTPError(401)
            self.send_error(401)

        def open(self):
            opened.append(self)

    server = await serve([("/", Private)])
    assert (await server.get("/", headers=handshake())).code == 401
    assert opened == []


@must(
    "websocket.handler.no-handshake",
    "A GET that is no opening handshake is answered with a 4xx status, and nothing is opened.",
    rfc(6455, "4.2.1"),
    doc("websocket.WebSocketHandler"),
)
@each(missing=["Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"])
async def test_no_handshake(serve, missing):
    opened = []

    class Page(api.websocket.WebSocketHandler):
        def open(self):
            opened.append(self)

    server = await serve([("/", Page)])
    fields = {name: value for name, value in handshake().items() if name != missing}
    assert (await server.get("/", headers=fields)).code in range(400, 500)
    assert opened == []


# -- who may connect --------------------------------------------------------------------------------------------------


@must(
    "websocket.handler.origin-default",
    "By default pages of the same host and port may connect, and clients without Origin; others get 403.",
    doc("websocket.WebSocketHandler.check_origin"),
    rfc(6455, "10.2"),
)
async def test_origin_default(serve):
    server = await serve([("/", echo())])
    for origin in (f"http://{server.host}", f"https://{server.host}"):
        async with websocket(server, "/", origin=origin) as peer:
            assert await peer.receive() == "connected!"
    async with websocket(server, "/") as peer:
        assert await peer.receive() == "connected!"
    strange = ["http://other.example", "http://127.0.0.1:1", f"http://{server.host}.other.example", "null"]
    for origin in strange:
        assert (await server.get("/", headers=handshake(origin=origin))).code == 403, origin


@must(
    "websocket.handler.origin-override",
    "For pages of other hosts, check_origin gets the Origin of the handshake, and what it returns decides.",
    doc("websocket.WebSocketHandler.check_origin"),
)
async def test_origin_override(serve):
    asked = []

    class Friendly(echo()):
        def check_origin(self, origin):
            asked.append(origin)
            return origin.endswith("friend.example")

    server = await serve([("/", Friendly)])
    async with websocket(server, "/", origin="https://a.friend.example") as peer:
        assert await peer.receive() == "connected!"
    assert (await server.get("/", headers=handshake(origin="http://foe.example"))).code == 403
    assert asked == ["https://a.friend.example", "http://foe.example"]


@must(
    "websocket.handler.subprotocol",
    "select_subprotocol gets what the client proposed; what it returns is sent, and is selected_subprotocol.",
    doc("websocket.WebSocketHandler.select_subprotocol"),
    doc("websocket.WebSocketHandler.selected_subprotocol"),
)
@each(chosen=["soup", "wamp", None])
async def test_subprotocol(serve, chosen):
    class Page(api.websocket.WebSocketHandler):
        def select_subprotocol(self, subprotocols):
            self.proposed = subprotocols
            return chosen

        def open(self):
            self.write_message({"proposed": self.proposed, "selected": self.selected_subprotocol})

    async with websocket(await serve([("/", Page)]), "/", sec_websocket_protocol="soup, wamp") as peer:
        assert json.loads(await peer.receive()) == {"proposed": ["soup", "wamp"], "selected": chosen}
        assert peer.answer.values("Sec-WebSocket-Protocol") == ([chosen] if chosen else [])


@must(
    "websocket.handler.no-subprotocol",
    "When the client proposes none, select_subprotocol gets an empty list; by default none is selected.",
    doc("websocket.WebSocketHandler.select_subprotocol"),
)
async def test_no_subprotocol(serve):
    class Page(api.websocket.WebSocketHandler):
        def select_subprotocol(self, subprotocols):
            self.proposed = subprotocols

        def open(self):
            self.write_message({"proposed": self.proposed, "selected": self.selected_subprotocol})

    server = await serve([("/", Page), ("/echo", echo())])
    async with websocket(server, "/") as peer:
        assert json.loads(await peer.receive()) == {"proposed": [], "selected": None}
    async with websocket(server, "/echo", sec_websocket_protocol="soup") as peer:
        assert peer.answer.values("Sec-WebSocket-Protocol") == []


# -- open and on_message ----------------------------------------------------------------------------------------------


POSITIONAL = labelled("positional", (r"/(\w+)/(.+)", ["room", "a b"], {}))
NAMED = labelled("named", (r"/(?P<kind>\w+)/(?P<name>.+)", [], {"kind": "room", "name": "a b"}))


@must(
    "websocket.handler.open",
    "open is called once for each connection, with the captured parts of the path, decoded.",
    doc("websocket.WebSocketHandler.open"),
    seed("SEED-107"),
    seed("SEED-117"),
)
@each(route=[POSITIONAL, NAMED])
async def test_open(serve, route):
    pattern, positional, named = route

    class Room(api.websocket.WebSocketHandler):
        def open(self, *args, **kwargs):
            self.write_message({"args": args, "kwargs": kwargs})

        def on_message(self, message):
            self.write_message("message")

    async with websocket(await serve([(pattern, Room)]), "/room/a%20b") as peer:
        peer.send("behind open")
        assert json.loads(await peer.receive()) == {"args": positional, "kwargs": named}
        assert await peer.receive() == "message"


@must(
    "websocket.handler.open-coroutine",
    "open may be a coroutine; messages that come early are handed over when it has ended.",
    doc("websocket.WebSocketHandler.open"),
)
async def test_open_coroutine(serve):
    begun, go_on = Trace(), asyncio.Event()

    class Page(api.websocket.WebSocketHandler):
        async def open(self):
            begun.add("open")
            await go_on.wait()
            self.write_message("opened")

        def on_message(self, message):
            self.write_message(message)

    server = await serve([("/", Page), ("/echo", echo())])
    async with websocket(server, "/") as peer:
        peer.send("early")
        assert await begun.first(1) == ["open"]
        async with websocket(server, "/echo") as later:
            assert await later.receive() == "connected!"  # When this one is served, "early" has arrived.
        go_on.set()
        assert [await peer.receive(), await peer.receive()] == ["opened", "early"]


@must(
    "websocket.handler.message-types",
    "on_message gets a text message as str and a binary one as bytes.",
    doc("websocket.WebSocketHandler.on_message"),
)
@each(message=[labelled("text", "caf\u00e9"), labelled("binary", b"caf\xe9\x00"), "", labelled("no bytes", b"")])
async def test_message_types(serve, message):
    trace = Trace()
    server = await serve([("/", told(lambda handler, message: trace.add(message)))])
    async with websocket(server, "/") as peer:
        peer.send(message)
        (seen,) = await trace.first(1)
    assert (type(seen), seen) == (type(message), message)


@must(
    "websocket.handler.message-coroutine",
    "on_message may be a coroutine, of async def or of gen.coroutine.",
    doc("websocket.WebSocketHandler.on_message"),
)
@each(style=["async-def", "gen-coroutine"])
async def test_message_coroutine(serve, style):
    async def native(self, message):
        await asyncio.sleep(0)
        self.write_message(f"after a while: {message}")

    def generator(self, message):
        yield asyncio.sleep(0)
        self.write_message(f"after a while: {message}")

    on_message = native if style == "async-def" else api.gen.coroutine(generator)
    async with websocket(await serve([("/", told(on_message))]), "/") as peer:
        peer.send("hello")
        assert await peer.receive() == "after a while: hello"


@must(
    "websocket.handler.one-at-a-time",
    "Messages are handed over in order, each one only when the coroutine for the one before has ended.",
    doc("websocket.WebSocketHandler.on_message"),
)
async def test_one_at_a_time(serve):
    trace = Trace()

    async def on_message(handler, message):
        trace.add(f"begin {message}")
        for _ in range(3):
            await asyncio.sleep(0)
        trace.add(f"end {message}")

    async with websocket(await serve([("/", told(on_message))]), "/") as peer:
        peer.send("1", "2", "3")
        assert await trace.first(6) == ["begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"]


@must(
    "websocket.handler.waiting-blocks-nobody",
    "While on_message waits on one connection, the messages of others are handled.",
    doc("websocket.WebSocketHandler.on_message"),
)
async def test_waiting_blocks_nobody(serve):
    news = asyncio.get_running_loop().create_future()

    async def on_message(handler, message):
        if message == "wait":
            handler.write_message(await news)
        else:
            news.set_result(message)

    server = await serve([("/", told(on_message))])
    async with websocket(server, "/") as first, websocket(server, "/") as second:
        first.send("wait")
        second.send("9 left")
        assert await first.receive() == "9 left"


@must(
    "websocket.handler.message-ignored",
    "An on_message that does nothing lets the connection live on.",
    doc("websocket.WebSocketHandler.on_message"),
    seed("SEED-118"),
)
async def test_message_ignored(serve):
    class Deaf(api.websocket.WebSocketHandler):
        def on_message(self, message):
            pass

    async with websocket(await serve([("/", Deaf)]), "/") as peer:
        peer.send("anybody?", b"there?")
        peer.ping(b"still there")
        assert await peer.pong() == b"still there"
        peer.close(1000)
        assert (await peer.closed())[0] == 1000


# -- write_message ----------------------------------------------------------------------------------------------------


@must(
    "websocket.handler.write-text",
    "write_message sends str, and bytes that are UTF-8, as a text message.",
    doc("websocket.WebSocketHandler.write_message"),
    seed("SEED-108"),
)
@each(message=[labelled("str", "caf\u00e9"), labelled("bytes", b"caf\xc3\xa9")])
async def test_write_text(serve, message):
    server = await serve([("/", told(lambda handler, _: handler.write_message(message)))])
    async with websocket(server, "/") as peer:
        peer.send("speak")
        assert await peer.receive() == "caf\u00e9"


@must(
    "websocket.handler.write-binary",
    "With binary=True, write_message sends bytes of any kind as a binary message.",
    doc("websocket.WebSocketHandler.write_message"),
)
@each(message=[labelled("no UTF-8", b"\xff\x00\xfe"), labelled("ascii", b"abc"), labelled("long", bytes(70000))])
async def test_write_binary(serve, message):
    server = await serve([("/", told(lambda handler, _: handler.write_message(message, binary=True)))])
    async with websocket(server, "/") as peer:
        peer.send("speak")
        assert await peer.receive() == message


@must(
    "websocket.handler.write-json",
    "write_message sends a dictionary as JSON in a text message.",
    doc("websocket.WebSocketHandler.write_message"),
)
async def test_write_json(serve):
    thing = {"inventoryCount": 9, "names": ["caf\u00e9", None, True], "nested": {"a": 0.5}}
    server = await serve([("/", told(lambda handler, _: handler.write_message(thing)))])
    async with websocket(server, "/") as peer:
        peer.send("speak")
        received = await peer.receive()
    assert isinstance(received, str)
    assert json.loads(received) == thing


@must(
    "websocket.handler.write-awaitable",
    "What write_message returns can be awaited; messages arrive in the order of the calls, awaited or not.",
    doc("websocket.WebSocketHandler.write_message"),
)
async def test_write_awaitable(serve):
    async def on_message(handler, message):
        await handler.write_message("1")
        handler.write_message("2")
        await handler.write_message("3")
        handler.write_message("4")

    async with websocket(await serve([("/", told(on_message))]), "/") as peer:
        peer.send("count")
        assert [await peer.receive() for _ in range(4)] == ["1", "2", "3", "4"]


@must(
    "websocket.handler.write-after-close",
    "write_message raises WebSocketClosedError once the connection is closed, or closing.",
    doc("websocket.WebSocketHandler.write_message"),
    doc("websocket.WebSocketClosedError"),
)
async def test_write_after_close(serve):
    trace = Trace()

    class Page(api.websocket.WebSocketHandler):
        def on_message(self, message):
            self.close(4001)
            self.refused("closing")

        def on_close(self):
            self.refused("closed")

        def refused(self, when):
            trace.add((when, raised(api.websocket.WebSocketClosedError, self.write_message, "too late")))

    async with websocket(await serve([("/", Page)]), "/") as peer:
        peer.send("close")
        assert await peer.closed() == (4001, "")
    assert await trace.first(2) == [("closing", True), ("closed", True)]


# -- the end ----------------------------------------------------------------------------------------------------------


@must(
    "websocket.handler.close",
    "close(code, reason) sends both to the client; close() ends the connection cleanly too.",
    doc("websocket.WebSocketHandler.close"),
    seed("SEED-108"),
)
@each(said=[labelled("code and reason", [4001, "caf\u00e9 closed"]), labelled("code", [1001]), labelled("nothing", [])])
async def test_close(serve, said):
    async with websocket(await serve([("/", farewell(Trace()))]), "/") as peer:
        peer.send(json.dumps(said))
        code, reason = await peer.closed()
    if said:
        assert (code, reason) == (said[0], "".join(said[1:]))
    else:
        assert (code in (None, 1000), reason) == (True, "")


@must(
    "websocket.handler.on-close-after-answer",
    "After close, on_close comes when the client has answered, not before.",
    doc("websocket.WebSocketHandler.close"),
    rfc(6455, "7.1.2"),
)
async def test_on_close_after_answer(serve):
    trace = Trace()
    async with websocket(await serve([("/", farewell(trace))]), "/") as peer:
        peer.send("[4001]")
        assert await peer.closing() == (4001, "")
        assert trace == []
        peer.close(4001, "answered")
        assert await trace.first(1) == [("/", 4001, "answered")]


@must(
    "websocket.handler.on-close-once",
    "on_close is called exactly once for a connection, however it ends.",
    doc("websocket.WebSocketHandler.on_close"),
    seed("SEED-107"),
)
@each(ending=["client", "server", "both", "lost"])
async def test_on_close_once(serve, ending):
    trace = Trace()
    server = await serve([("/.*", farewell(trace))])
    for count, path in enumerate(("/1", "/2", "/3"), 1):
        async with websocket(server, path) as peer:
            if ending in ("server", "both"):
                peer.send("[4000]")
            if ending in ("client", "both"):
                peer.close(4000)
            if ending == "lost":
                peer.drop()
            else:
                assert await peer.closed() == (4000, "")
            await trace.first(count)
    assert [entry[0] for entry in trace] == ["/1", "/2", "/3"]


@must(
    "websocket.handler.close-code",
    "In on_close, close_code and close_reason are what the client sent with its close frame.",
    doc("websocket.WebSocketHandler.on_close"),
    rfc(6455, "7.1.5"),
    rfc(6455, "7.1.6"),
)
@each(said=[labelled("both", (4002, "caf\u00e9")), labelled("code", (1000, "")), labelled("leaving", (1001, "bye"))])
async def test_close_code(serve, said):
    trace = Trace()
    async with websocket(await serve([("/", farewell(trace))]), "/") as peer:
        peer.close(*said)
        await peer.closed()
        ((_, code, reason),) = await trace.first(1)
    assert (code, reason or "") == said


@must(
    "websocket.handler.close-empty",
    "When the client closes without a code, or is lost without a word, close_code and close_reason are None.",
    doc("websocket.WebSocketHandler.on_close"),
)
@each(ending=["empty", "lost"])
async def test_close_empty(serve, ending):
    trace = Trace()
    async with websocket(await serve([("/", farewell(trace))]), "/") as peer:
        if ending == "empty":
            peer.close()
            assert await peer.closed() != LOST
        else:
            peer.drop()
        assert await trace.first(1) == [("/", None, None)]


@must(
    "websocket.handler.exception",
    "An exception in on_message, coroutine or not, ends the connection, with on_close called, and is logged.",
    doc("websocket.WebSocketHandler"),
    doc("log.app_log"),
)
@each(style=["plain", "coroutine"])
async def test_exception(serve, logs, style):
    closed = Trace()

    class Faulty(api.websocket.WebSocketHandler):
        def on_message(self, message):
            return self.later() if style == "coroutine" else {}["missing"]

        async def later(self):
            return {}["missing"]

        def on_close(self):
            closed.add("on_close")

    async with websocket(await serve([("/", Faulty)]), "/") as peer:
        peer.send("go")
        assert (await peer.closed())[0] in (1006, 1011)
    assert await closed.first(1) == ["on_close"]
    assert (await logs.first("tornado.application")).exc_info[0] is KeyError


@must(
    "websocket.handler.open-exception",
    "An exception in open, coroutine or not, ends the connection before a message is handed over, and is logged.",
    doc("websocket.WebSocketHandler.open"),
    doc("log.app_log"),
)
@each(style=["plain", "coroutine"])
async def test_open_exception(serve, logs, style):
    seen = []

    class Faulty(api.websocket.WebSocketHandler):
        def open(self):
            return self.later() if style == "coroutine" else {}["missing"]

        async def later(self):
            return {}["missing"]

        def on_message(self, message):
            seen.append(message)

    async with websocket(await serve([("/", Faulty)]), "/") as peer:
        peer.send("go")
        assert (await peer.closed())[0] in (1006, 1011)
    assert (await logs.first("tornado.application")).exc_info[0] is KeyError
    assert seen == []


@must(
    "websocket.handler.message-undefined",
    "A handler without on_message opens; a message then raises NotImplementedError, which is logged and ends it.",
    doc("websocket.WebSocketHandler.on_message"),
    seed("SEED-118"),
)
async def test_message_undefined(serve, logs):
    async with websocket(await serve([("/", api.websocket.WebSocketHandler)]), "/") as peer:
        peer.ping(b"open?")
        assert await peer.pong() == b"open?"
        peer.send("hello")
        assert (await peer.closed())[0] in (1006, 1011)
    assert (await logs.first("tornado.application")).exc_info[0] is NotImplementedError


# -- pings ------------------------------------------------------------------------------------------------------------


@must(
    "websocket.handler.ping",
    "ping(data) sends a ping; the client's pong comes to on_pong with the same data.",
    doc("websocket.WebSocketHandler.ping"),
    doc("websocket.WebSocketHandler.on_pong"),
)
@each(data=[labelled("bytes", b"\xffhow"), labelled("none", b""), labelled("longest", bytes(range(125)))])
async def test_ping(serve, data):
    class Pinging(api.websocket.WebSocketHandler):
        def open(self):
            self.ping(data)

        def on_pong(self, data):
            self.write_message(data, binary=True)

    async with websocket(await serve([("/", Pinging)]), "/") as peer:
        assert await peer.receive() == data
        assert peer.pings == [data]


@must(
    "websocket.handler.on-ping",
    "A ping of the client is answered, and on_ping gets its data; an unasked pong comes to on_pong.",
    doc("websocket.WebSocketHandler.on_ping"),
    rfc(6455, "5.5.3"),
)
async def test_on_ping(serve):
    trace = Trace()

    class Page(api.websocket.WebSocketHandler):
        def on_ping(self, data):
            trace.add(("ping", data))

        def on_pong(self, data):
            trace.add(("pong", data))

    async with websocket(await serve([("/", Page)]), "/") as peer:
        peer.ping(b"how are you?")
        assert await peer.pong() == b"how are you?"
        peer.send_frames(pong(b"well"))
        assert await trace.first(2) == [("ping", b"how are you?"), ("pong", b"well")]


# -- several connections ----------------------------------------------------------------------------------------------


def chat():
    """Return the handler of a chat room; its route captures the visitor's name."""
    room = {}

    class ChatHandler(api.websocket.WebSocketHandler):
        def open(self, name):
            room[name] = self

        def on_message(self, message):
            for handler in room.values():
                handler.write_message(message)

        def on_close(self):
            del room[self.path_args[0]]

    return ChatHandler


@must(
    "websocket.handler.broadcast",
    "A handler may write to other connections: what one client says reaches all who are in the room.",
    doc("websocket.WebSocketHandler.write_message"),
    seed("SEED-122"),
)
async def test_broadcast(serve):
    server = await serve([(r"/(\w+)", chat())])
    async with websocket(server, "/ann") as ann, websocket(server, "/bob") as bob, websocket(server, "/eve") as eve:
        for peer in (bob, ann, bob):
            peer.send("good morning")
            assert [await each.receive() for each in (ann, bob, eve)] == ["good morning"] * 3
        eve.close(1000)
        await eve.closed()
        ann.send("she left")
        assert [await ann.receive(), await bob.receive()] == ["she left"] * 2


class Stock:
    """The stock of a shop; calls back all who registered, each time it changes."""

    def __init__(self, trace):
        self.callbacks, self.count, self.trace = [], 10, trace

    def register(self, callback):
        self.callbacks.append(callback)
        self.trace.add(len(self.callbacks))

    def unregister(self, callback):
        self.callbacks.remove(callback)
        self.trace.add(len(self.callbacks))

    def sell(self):
        self.count -= 1
        for callback in self.callbacks:
            callback(self.count)


async def sold(stock, peers, count):
    """Sell one, and check that all ``peers`` hear of what is left."""
    stock.sell()
    assert [json.loads(await peer.receive()) for peer in peers] == [{"inventoryCount": str(count)}] * len(peers)


def status_of(stock):
    """Return a handler that tells its client of every change of ``stock``."""

    class StatusHandler(api.websocket.WebSocketHandler):
        def open(self):
            stock.register(self.callback)

        def on_close(self):
            stock.unregister(self.callback)

        def callback(self, count):
            self.write_message(f'{{"inventoryCount":"{count}"}}')

    return StatusHandler


@must(
    "websocket.handler.notified",
    "A bound method of the handler registered in open tells the client of every change, until on_close unregisters it.",
    doc("websocket.WebSocketHandler"),
    *map(seed, ("SEED-114", "SEED-115", "SEED-116", "SEED-117", "SEED-119", "SEED-122")),
)
async def test_notified(serve):
    stock = Stock(Trace())
    server = await serve([("/cart/status", status_of(stock))])
    async with websocket(server, "/cart/status") as first, websocket(server, "/cart/status") as second:
        assert await stock.trace.first(2) == [1, 2]
        await sold(stock, (first, second), 9)
        await sold(stock, (first, second), 8)
        second.close(1000)
        assert await stock.trace.first(3) == [1, 2, 1]
        await sold(stock, (first,), 7)
