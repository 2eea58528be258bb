"""Applications for ASGI

ASGI 3.0 is what WSGI is not: an interface for applications that wait. An application is a coroutine function of a
scope, which says what a connection is about, and of two functions to receive and send messages.

An application of the interface described in this book can be one for ASGI, and run under any server for it. The other
way round, the HTTP server of this interface can carry an application for ASGI. In both directions bodies go in pieces,
nobody gets far ahead of the other side, a client that leaves is noticed, and WebSockets are carried as well.
"""

import asyncio

import pytest

from conformance import api, doc, each, labelled, must
from conformance.client import CutShort

ASGI = doc("ASGI 3.0")
ADAPTER = doc("asgi.ASGIAdapter")
CONTAINER = doc("asgi.ASGIContainer")
NEEDS = ("asgi",)


class Host:
    """Stands for a server for ASGI: runs an adapter on one scope; ``sent`` is what the application sent."""

    def __init__(self, application, scope, *messages, room=None):
        self.sent = []
        self._incoming = asyncio.Queue()
        self._stirred = asyncio.Event()
        self._room = room
        for message in messages:
            self._incoming.put_nowait(message)
        self.task = asyncio.ensure_future(application(scope, self._incoming.get, self._send))

    async def _send(self, message):
        self.sent.append(message)
        self._stirred.set()
        if self._room is not None:
            await self._room.acquire()

    def tell(self, **message):
        """Give the application one more message."""
        self._incoming.put_nowait(message)

    async def until(self, number):
        """Return what was sent when it has ``number`` messages."""
        while len(self.sent) < number:
            self._stirred.clear()
            await asyncio.wait_for(self._stirred.wait(), 3)
        return self.sent

    async def end(self):
        """Return what was sent when the application has returned."""
        await asyncio.wait_for(self.task, 3)
        return self.sent

    async def reply(self):
        """Return status, fields and content of an answer that is complete."""
        start, *bodies = await self.end()
        assert [body.get("more_body", False) for body in bodies] == [True] * (len(bodies) - 1) + [False]
        return start["status"], dict(start["headers"]), b"".join(body["body"] for body in bodies)


def http(method="GET", path="/", **more):
    """Return the scope of a request by HTTP."""
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path}
    return {**scope, "query_string": b"", "headers": [(b"host", b"h.org")], "client": ("10.0.0.1", 5), **more}


def body(data=b"", more=False):
    """Return a message with a piece of a request body."""
    return {"type": "http.request", "body": data, "more_body": more}


def adapted(*routes, **options):
    """Return an application of the package under test, as one for ASGI."""
    return api.asgi.ASGIAdapter(api.web.Application(list(routes)), **options)


def handler(**methods):
    """Return a handler class with these methods."""
    return type("Own", (api.web.RequestHandler,), methods)


# -- an application under a server for ASGI ---------------------------------------------------------------------------


@must(
    "asgi.adapter.request",
    "A handler sees the request of the scope: method, target, fields, client, host and scheme.",
    ADAPTER,
    ASGI,
    needs=NEEDS,
)
@each(raw=[labelled("raw-path", {"raw_path": b"/caf%C3%A9%2F"}), labelled("path", {})])
async def test_adapter_request(raw):
    def put(self, name):
        request = self.request
        seen.extend([name, request.uri, request.full_url(), request.remote_ip, self.get_arguments("q")])
        seen.extend(request.headers.get_list("X-A"))

    seen = []
    fields = [(b"host", b"h.org"), (b"x-a", b"1"), (b"x-a", b"2")]
    path = "/café/" if raw else "/café"
    scope = http("PUT", path, query_string=b"q=%20", headers=fields, scheme="https", **raw)
    await Host(adapted(("/(.*)", handler(put=put))), scope, body()).end()
    target = "/caf%C3%A9%2F?q=%20" if raw else "/caf%C3%A9?q=%20"
    arguments = ["café/" if raw else "café", target, f"https://h.org{target}", "10.0.0.1", [""]]
    assert seen == [*arguments, "1", "2"]


@must(
    "asgi.adapter.answer",
    "The answer is a start, with fields in lower case, and bodies; fields of the server's connection are left out.",
    ADAPTER,
    ASGI,
    needs=NEEDS,
)
async def test_adapter_answer():
    def get(self):
        self.set_status(201)
        self.set_header("X-Some-Field", "a")
        self.set_header("Connection", "close")
        self.write("content")

    status, fields, content = await Host(adapted(("/", handler(get=get))), http(), body()).reply()
    assert (status, fields[b"x-some-field"], fields[b"content-length"], content) == (201, b"a", b"7", b"content")
    assert not {b"connection", b"transfer-encoding", b"date", b"server"} & set(fields)


@must(
    "asgi.adapter.body",
    "A body that comes in pieces is joined for a handler, or given piece by piece to one that takes it so.",
    ADAPTER,
    needs=NEEDS,
)
@each(streamed=[False, True])
async def test_adapter_body(streamed):
    def post(self):
        self.write(repr(pieces or [self.request.body]))

    pieces = []
    kind = handler(post=post, data_received=lambda self, chunk: pieces.append(chunk))
    application = adapted(("/", api.web.stream_request_body(kind) if streamed else kind))
    _, _, content = await Host(application, http("POST"), body(b"ab", True), body(b"c", True), body(b"d")).reply()
    assert content == (b"[b'ab', b'c', b'd']" if streamed else b"[b'abcd']")


@must(
    "asgi.adapter.pressure",
    "What is flushed goes to the server at once, and flush() waits until the server has taken it.",
    ADAPTER,
    needs=NEEDS,
)
async def test_adapter_pressure():
    async def get(self):
        for piece in ("a", "b", "c"):
            self.write(piece)
            await self.flush()
            flushed.append(piece)

    flushed, room = [], asyncio.Semaphore(0)
    host = Host(adapted(("/", handler(get=get))), http(), body(), room=room)
    await host.until(1)
    assert flushed == []
    for _ in range(2):
        room.release()
    await host.until(3)
    assert flushed == ["a"]
    for _ in range(9):
        room.release()
    assert (await host.reply())[2] == b"abc"


@must(
    "asgi.adapter.disconnect",
    "When the client goes, the handler hears of it, and what it writes afterwards fails with StreamClosedError.",
    ADAPTER,
    needs=NEEDS,
)
async def test_adapter_disconnect():
    async def get(self):
        await gone
        self.write("x")
        with pytest.raises(api.iostream.StreamClosedError):
            await self.flush()
        gone_on.set_result(True)

    gone, gone_on = asyncio.Future(), asyncio.Future()
    kind = handler(get=get, on_connection_close=lambda self: gone.set_result(True))
    host = Host(adapted(("/", kind)), http(), body())
    host.tell(type="http.disconnect")
    assert await host.end() == []
    await asyncio.wait_for(gone_on, 3)


@must(
    "asgi.adapter.too-long",
    "A body of more than max_body_size bytes is answered with 413, and nothing more of it is read.",
    ADAPTER,
    needs=NEEDS,
)
async def test_adapter_too_long():
    application = adapted(("/", handler(post=lambda self: self.write("read"))), max_body_size=5)
    assert (await Host(application, http("POST"), body(b"123", True), body(b"45")).reply())[2] == b"read"
    assert (await Host(application, http("POST"), body(b"123", True), body(b"456", True)).reply())[0] == 413


@must(
    "asgi.adapter.lifespan",
    "startup() and shutdown() are awaited when the server begins and ends; what they raise is told to the server.",
    ADAPTER,
    needs=NEEDS,
)
@each(fails=[False, True])
async def test_adapter_lifespan(fails):
    async def startup():
        seen.append("startup")
        if fails:
            raise ValueError("no database")

    async def shutdown():
        seen.append("shutdown")

    seen = []
    messages = {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}
    host = Host(adapted(startup=startup, shutdown=shutdown), {"type": "lifespan"}, *messages)
    kinds = [message["type"].removeprefix("lifespan.") for message in await host.end()]
    assert kinds == (["startup.failed"] if fails else ["startup.complete", "shutdown.complete"])
    assert seen == (["startup"] if fails else ["startup", "shutdown"])


@must(
    "asgi.adapter.unknown",
    "A scope of another type is refused with ValueError, as ASGI asks for.",
    ASGI,
    needs=NEEDS,
)
async def test_adapter_unknown():
    with pytest.raises(ValueError, match="webtransport"):
        await Host(adapted(), {"type": "webtransport"}).end()


def websocket(**more):
    """Return the scope of a WebSocket."""
    headers = [(b"host", b"h.org"), (b"sec-websocket-key", b"x"), (b"x-a", b"1")]
    return {**http(headers=headers, scheme="ws"), "type": "websocket", "subprotocols": ["a", "b"], **more}


def echoing(closed, **methods):
    """Return a WebSocket handler that echoes, closes on "close", and notes its end in ``closed``."""

    def on_message(self, message):
        if message == "close":
            self.close(4001, "enough")
        else:
            self.write_message(message, binary=isinstance(message, bytes))

    def on_close(self):
        closed.append((self.close_code, self.close_reason))

    own = {"on_message": on_message, "on_close": on_close, "select_subprotocol": lambda self, offered: offered[1]}
    return type("Echo", (api.websocket.WebSocketHandler,), {**own, **methods})


CONNECT = {"type": "websocket.connect"}


@must(
    "asgi.adapter.websocket",
    "A WebSocket handler accepts, with its subprotocol; messages of both kinds go both ways; it closes with its code.",
    ADAPTER,
    ASGI,
    needs=NEEDS,
)
async def test_adapter_websocket():
    host = Host(adapted(("/", echoing([]))), websocket(), CONNECT)
    accept = (await host.until(1))[0]
    assert (accept["type"], accept["subprotocol"]) == ("websocket.accept", "b")
    assert not [name for name, _ in accept["headers"] if name.startswith(b"sec-")]
    for message in ({"text": "tëxt"}, {"bytes": b"\0" * 70000}, {"text": "close"}):
        host.tell(type="websocket.receive", **message)
    texts = {"type": "websocket.send", "text": "tëxt"}, {"type": "websocket.send", "bytes": b"\0" * 70000}
    assert (await host.end())[1:] == [*texts, {"type": "websocket.close", "code": 4001, "reason": "enough"}]


@must(
    "asgi.adapter.websocket-disconnect",
    "When the client closes, on_close() is called with what it said, and nothing more is sent.",
    ADAPTER,
    needs=NEEDS,
)
@each(code=[4002, 1005, 1006])
async def test_adapter_websocket_disconnect(code):
    closed = []
    host = Host(adapted(("/", echoing(closed))), websocket(), CONNECT)
    await host.until(1)
    host.tell(type="websocket.disconnect", code=code, reason="mine" if code == 4002 else "")
    assert len(await host.end()) == 1
    assert closed == [(4002, "mine") if code == 4002 else (None, None)]


@must(
    "asgi.adapter.websocket-refused",
    "A handshake that is not accepted is refused by websocket.close, or by an answer where the server can send one.",
    ADAPTER,
    ASGI,
    needs=NEEDS,
)
@each(extension=[False, True])
async def test_adapter_websocket_refused(extension):
    fields = [(b"host", b"h.org"), (b"origin", b"http://elsewhere.org")]
    extensions = {"extensions": {"websocket.http.response": {}}} if extension else {}
    sent = await Host(adapted(("/", echoing([]))), websocket(headers=fields, **extensions), CONNECT).end()
    if not extension:
        assert [message["type"] for message in sent] == ["websocket.close"]
        return
    assert (sent[0]["type"], sent[0]["status"]) == ("websocket.http.response.start", 403)
    assert (sent[-1]["type"], sent[-1]["more_body"]) == ("websocket.http.response.body", False)


# -- an application for ASGI on the server ----------------------------------------------------------------------------


def answering(*pieces, status=200, headers=()):
    """Return an application that answers all requests with these pieces."""

    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})

    return application


async def contain(serve, application, **options):
    """Serve an application for ASGI."""
    return await serve(api.asgi.ASGIContainer(application, **options))


@must(
    "asgi.container.scope",
    "The scope tells the request: method, path with and without escapes, query, fields, client, server.",
    CONTAINER,
    ASGI,
    needs=NEEDS,
)
async def test_scope(serve):
    async def application(scope, receive, send):
        scopes.append(scope)
        await answering()(scope, receive, send)

    scopes = []
    server = await contain(serve, application, root_path="/app")
    await server.fetch("POST", "/caf%C3%A9?q=%20", headers=[("Host", "h.org:81"), ("X-A", "1"), ("X-A", "2")])
    scope = scopes[0]
    names = ["type", "http_version", "method", "scheme", "path", "raw_path", "query_string", "root_path", "server"]
    values = ["http", "1.1", "POST", "http", "/café", b"/caf%C3%A9", b"q=%20", "/app", ("h.org", 81)]
    assert [scope[name] for name in names] == values
    assert (scope["asgi"]["version"], scope["client"][0]) == ("3.0", "127.0.0.1")
    assert [value for name, value in scope["headers"] if name == b"x-a"] == [b"1", b"2"]


@must(
    "asgi.container.answer",
    "Status, fields and content are the application's; what belongs to the connection, and the date, is the server's.",
    CONTAINER,
    ASGI,
    needs=NEEDS,
)
async def test_answer(serve):
    headers = [(b"x-a", b"1"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"connection", b"close")]
    server = await contain(serve, answering(b"ab", b"", b"cd", status=207, headers=headers))
    async with server.connection() as connection:
        for _ in range(2):
            reply = await connection.fetch("GET", "/")
            assert (reply.code, reply.body, reply.headers["X-A"]) == (207, b"abcd", "1")
            assert (reply.headers.get_all("Set-Cookie"), "Date" in reply.headers) == (["a=1", "b=2"], True)


@must(
    "asgi.container.body",
    "The body comes in http.request messages, the last with more_body False; after the answer comes http.disconnect.",
    CONTAINER,
    ASGI,
    needs=NEEDS,
)
@each(size=[0, 200_000])
async def test_body(serve, size):
    async def application(scope, receive, send):
        message = await receive()
        content = message["body"]
        while message["more_body"]:
            message = await receive()
            content += message["body"]
        await answering(content[::-1])(scope, receive, send)
        after.append((await receive())["type"])

    after = []
    content = bytes(range(200)) * (size // 200)
    assert (await (await contain(serve, application)).post("/", content)).body == content[::-1]
    assert after == ["http.disconnect"]


@must(
    "asgi.container.streamed",
    "A piece of the answer is sent as soon as the application sends it.",
    CONTAINER,
    needs=NEEDS,
)
async def test_streamed(serve):
    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        await received.wait()
        await send({"type": "http.response.body", "body": b"second"})

    received = asyncio.Event()
    server = await contain(serve, application)
    async with server.connection() as connection:
        connection.send("GET", "/")
        await connection.body_until(b"first")
        received.set()
        assert (await connection.reply()).body == b"firstsecond"


@must(
    "asgi.container.client-gone",
    "When the client goes, receive() gives http.disconnect, and send() raises OSError.",
    CONTAINER,
    ASGI,
    needs=NEEDS,
)
async def test_client_gone(serve):
    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"first", "more_body": (await receive()) is not None})
        seen.append((await receive())["type"])
        try:
            while True:
                await send({"type": "http.response.body", "body": b"more", "more_body": True})
        except OSError:
            ended.set()

    seen, ended = [], asyncio.Event()
    server = await contain(serve, application)
    async with server.connection() as connection:
        connection.send("GET", "/")
        await connection.body_until(b"first")
    await asyncio.wait_for(ended.wait(), 3)
    assert seen == ["http.disconnect"]


@must(
    "asgi.container.pressure",
    "An application that sends much waits for its client, and one that does not read holds its client back.",
    CONTAINER,
    needs=NEEDS,
)
async def test_pressure(serve):
    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})
        while True:
            sent.append(1)
            await send({"type": "http.response.body", "body": bytes(1 << 16), "more_body": True})

    sent = []
    server = await contain(serve, application)
    async with server.connection() as connection:
        connection.send("GET", "/")
        await connection.head()
        # Nobody reads now; what the system holds for a connection is bounded.
        while sent[-1:] != [2]:
            before = len(sent)
            for _ in range(50):
                await asyncio.sleep(0)
            sent.extend([2] if len(sent) == before else [])
    assert len(sent) < 600


@must(
    "asgi.container.failure",
    "An application that fails, or ends without an answer, is answered with 500; when it has begun, it is cut short.",
    CONTAINER,
    needs=NEEDS,
)
@each(how=["raises", "returns", "late"])
async def test_failure(serve, logs, how):
    async def application(scope, receive, send):
        if how == "late":
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": b"first", "more_body": True})
        if how != "returns":
            raise KeyError("own")

    server = await contain(serve, application)
    if how == "late":
        with pytest.raises(CutShort):
            await server.get("/")
    else:
        assert (await server.get("/")).code == 500
    assert logs.of("tornado.application")


@must(
    "asgi.container.misuse",
    "A message that has no place where the application is raises RuntimeError in its send().",
    CONTAINER,
    needs=NEEDS,
)
@each(kinds=["body", "start start", "start body body", "start accept"])
async def test_misuse(serve, logs, kinds):
    async def application(scope, receive, send):
        for kind in kinds.split():
            await send({"type": types.get(kind), "status": 200})

    types = {name: f"http.response.{name}" for name in ("start", "body")} | {"accept": "websocket.accept"}
    server = await contain(serve, application)
    assert (await server.get("/")).code == (200 if kinds.startswith("start body") else 500)
    assert (await logs.first("tornado.application")).exc_info[0] is RuntimeError


@must(
    "asgi.container.lifespan",
    "startup() and shutdown() tell the application, and wait for it; its state is there for each request.",
    CONTAINER,
    ASGI,
    needs=NEEDS,
)
async def test_lifespan(serve):
    async def application(scope, receive, send):
        if scope["type"] == "lifespan":
            for phase in ("startup", "shutdown"):
                assert (await receive())["type"] == f"lifespan.{phase}"
                scope["state"]["phase"] = phase
                seen.append(phase)
                await send({"type": f"lifespan.{phase}.complete"})
            return
        await answering(scope["state"]["phase"].encode())(scope, receive, send)

    seen = []
    async with api.asgi.ASGIContainer(application) as container:
        assert (await (await serve(container)).get("/")).body == b"startup"
    assert seen == ["startup", "shutdown"]


@must(
    "asgi.container.lifespan-fails",
    "An application that says that it cannot start makes startup() raise; one that knows no lifespan is served.",
    CONTAINER,
    ASGI,
    needs=NEEDS,
)
async def test_lifespan_fails(serve):
    async def failing(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    async def unknowing(scope, receive, send):
        assert scope["type"] == "http"
        await answering(b"served")(scope, receive, send)

    with pytest.raises(RuntimeError, match="no database"):
        await api.asgi.ASGIContainer(failing).startup()
    async with api.asgi.ASGIContainer(unknowing) as container:
        assert (await (await serve(container)).get("/")).body == b"served"


async def echo(scope, receive, send):
    """An application for ASGI that echoes on a WebSocket, and keeps its scope and its end in its state."""
    scope["state"]["seen"].append((scope["type"], scope["path"], await receive()))
    headers = [(b"x-a", b"1")]
    await send({"type": "websocket.accept", "subprotocol": next(iter(scope["subprotocols"]), None), "headers": headers})
    while (message := await receive())["type"] == "websocket.receive":
        if message.get("text") == "close":
            await send({"type": "websocket.close", "code": 4001, "reason": "enough"})
        elif message.get("text") == "fail":
            raise KeyError("own")
        else:
            await send({**message, "type": "websocket.send"})
    scope["state"]["seen"].append((message["code"], message["reason"]))
    scope["state"]["ended"].set()


async def open_echo(serve, **options):
    """Return a client's connection to ``echo``, and its state."""
    container = api.asgi.ASGIContainer(echo)
    container.state.update(seen=[], ended=asyncio.Event())
    server = await serve(container)
    return await api.websocket.websocket_connect(f"ws://{server.host}/path", **options), container.state


@must(
    "asgi.container.websocket",
    "The application accepts, with subprotocol and fields; messages of both kinds go both ways; it closes with a code.",
    CONTAINER,
    ASGI,
    needs=NEEDS,
)
async def test_websocket(serve):
    client, state = await open_echo(serve, subprotocols=["b", "c"])
    assert (client.selected_subprotocol, client.headers["X-A"]) == ("b", "1")
    for message in ("tëxt", b"\0" * 70000):
        await client.write_message(message, binary=isinstance(message, bytes))
        assert await client.read_message() == message
    await client.write_message("close")
    assert (await client.read_message(), client.close_code, client.close_reason) == (None, 4001, "enough")
    assert state["seen"][0] == ("websocket", "/path", {"type": "websocket.connect"})
    await asyncio.wait_for(state["ended"].wait(), 3)


@must(
    "asgi.container.websocket-end",
    "The client's code and reason come with websocket.disconnect; an application that fails closes with 1011.",
    CONTAINER,
    ASGI,
    needs=NEEDS,
)
async def test_websocket_end(serve):
    client, state = await open_echo(serve)
    client.close(4002, "mine")
    await asyncio.wait_for(state["ended"].wait(), 3)
    assert state["seen"][1] == (4002, "mine")
    client, _ = await open_echo(serve)
    await client.write_message("fail")
    assert (await client.read_message(), client.close_code) == (None, 1011)


@must(
    "asgi.container.websocket-refused",
    "websocket.close before accepting is a 403; the application may answer otherwise; a bad handshake it never sees.",
    CONTAINER,
    ASGI,
    needs=NEEDS,
)
@each(how=["close", "answer", "bad"])
async def test_websocket_refused(serve, how):
    async def application(scope, receive, send):
        seen.append(scope["path"])
        if how == "answer":
            start = {"type": "websocket.http.response.start", "status": 418, "headers": [(b"x-a", b"1")]}
            await send(start)
            await send({"type": "websocket.http.response.body", "body": b"no"})
        else:
            await send({"type": "websocket.close"})

    seen = []
    key = {} if how == "bad" else {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    fields = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", **key}
    reply = await (await contain(serve, application)).get("/", fields)
    assert reply.code == {"close": 403, "answer": 418, "bad": 400}[how]
    assert seen == ([] if how == "bad" else ["/"])
    assert how != "answer" or (reply.headers["X-A"], reply.body) == ("1", b"no")
