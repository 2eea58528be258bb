"""What a handler answers.

``write`` collects the answer's body: text is sent as UTF-8, bytes as they are, a dictionary as JSON. Anything else is
refused, lists too: a page that is nothing but a JSON list can be read by foreign scripts in old browsers. Nothing
goes out until the handler has finished or calls ``flush``; until then status and header fields may still change, and
the length of the body becomes its ``Content-Length``.

``flush`` sends the head, if that has not been done, and what was written so far. What follows comes in chunks of its
own, or, for clients of HTTP/1.0, up to the end of the connection. It returns a future that is done when the bytes are
with the operating system, so a coroutine that awaits it keeps pace with a slow client, and can use the waiting time
to fetch the next piece.

``finish`` ends the answer. After that there is nothing more to say: ``write`` and a second ``finish`` raise
RuntimeError.

Header values that could end the field line are refused, because whoever controls such a value could add fields or a
whole answer of his own.
"""

import asyncio
import datetime

from conformance import api, compat, doc, each, labelled, must, observed, rfc, seed
from conformance.tracing import Trace, raised


def page(get, **members):
    """Return a handler class whose GET is ``get(handler)``."""
    return type("Page", (api.web.RequestHandler,), {"get": get, **members})


async def answer(serve, get, **members):
    """Return the answer to GET of a handler made by :func:`page`."""
    return await (await serve([("/", page(get, **members))])).get("/")


# -- write ------------------------------------------------------------------------------------------------------------


@must(
    "web.write.text",
    "write of text sends it as UTF-8, by default as text/html; charset=UTF-8.",
    doc("web.RequestHandler.write"),
    seed("SEED-016"),
    seed("SEED-217"),
)
async def test_write_text(serve):
    reply = await answer(serve, lambda self: self.write("größer als 世"))
    assert reply.headers["Content-Type"].replace(" ", "").lower() == "text/html;charset=utf-8"
    assert reply.body == "größer als 世".encode()


@must(
    "web.write.bytes",
    "write of bytes sends them as they are.",
    doc("web.RequestHandler.write"),
    seed("SEED-217"),
)
async def test_write_bytes(serve):
    body = bytes(range(256)) * 5
    assert (await answer(serve, lambda self: self.write(body))).body == body


@must(
    "web.write.dict",
    "write of a dictionary sends it as JSON, as application/json; charset=UTF-8.",
    doc("web.RequestHandler.write"),
    seed("SEED-217"),
)
async def test_write_dict(serve):
    document = {"text": "ü</script>", "list": [1, None, {"deep": True}]}
    reply = await answer(serve, lambda self: self.write(document))
    assert reply.headers["Content-Type"].replace(" ", "").lower() == "application/json;charset=utf-8"
    assert reply.json() == document


@must(
    "web.write.dict-content-type",
    "set_header after write of a dictionary gives the JSON another Content-Type.",
    doc("web.RequestHandler.write"),
)
async def test_write_dict_content_type(serve):
    def get(self):
        self.write({"a": 1})
        self.set_header("Content-Type", "application/problem+json")

    reply = await answer(serve, get)
    assert (reply.headers["Content-Type"], reply.json()) == ("application/problem+json", {"a": 1})


@must(
    "web.write.refused",
    "write of anything but text, bytes and dictionaries raises TypeError; lists are refused for safety.",
    doc("web.RequestHandler.write"),
)
@each(chunk=[labelled("list", ["a"]), labelled("tuple", ("a",)), labelled("number", 7), labelled("none", None)])
async def test_write_refuses(serve, chunk):
    def get(self):
        self.write("refused" if raised(TypeError, self.write, chunk) else "accepted")

    assert (await answer(serve, get)).text == "refused"


@must(
    "web.write.several",
    "What several calls of write wrote is sent in order, as one body with its exact Content-Length.",
    doc("web.RequestHandler.write"),
)
async def test_several_writes(serve):
    def get(self):
        for chunk in ("é", b"\x00", "", {"a": 1}):
            self.write(chunk)

    reply = await answer(serve, get)
    assert reply.body == b'\xc3\xa9\x00{"a": 1}'
    assert (reply.headers["Content-Length"], "Transfer-Encoding" in reply.headers) == ("11", False)


@must(
    "web.write.nothing",
    "A method that writes nothing answers 200 with an empty body.",
    doc("web.RequestHandler.get"),
)
async def test_write_nothing(serve):
    reply = await answer(serve, lambda self: None)
    assert (reply.code, reply.body, reply.headers["Content-Length"]) == (200, b"", "0")


# -- status -----------------------------------------------------------------------------------------------------------


@must(
    "web.status.standard-reason",
    "set_status sends the status code with its standard reason.",
    doc("web.RequestHandler.set_status"),
)
@each(status=[(201, "Created"), (404, "Not Found"), (503, "Service Unavailable")])
async def test_status(serve, status):
    reply = await answer(serve, lambda self: self.set_status(status[0]))
    assert (reply.code, reply.reason) == status


@must(
    "web.status.own-reason",
    "set_status sends the reason it is given, and get_status returns the code.",
    doc("web.RequestHandler.set_status"),
    doc("web.RequestHandler.get_status"),
)
async def test_own_reason(serve):
    def get(self):
        before = self.get_status()
        self.set_status(402, "Please Pay")
        self.write({"before": before, "after": self.get_status()})

    reply = await answer(serve, get)
    assert (reply.code, reply.reason, reply.json()) == (402, "Please Pay", {"before": 200, "after": 402})


@must(
    "web.status.unregistered",
    "A status code without a standard reason is sent all the same.",
    doc("web.RequestHandler.set_status"),
    rfc(9110, "15"),
)
@each(code=[299, 499, 599])
async def test_unregistered_status(serve, code):
    reply = await answer(serve, lambda self: self.set_status(code) or self.write("body"))
    assert (reply.code, reply.text) == (code, "body")


@must(
    "web.status.reason-injection",
    "A reason with a line end in it never adds a field or a line to the answer.",
    doc("web.RequestHandler.set_status"),
    rfc(9112, "4"),
)
@each(end=[labelled("crlf", "\r\n"), labelled("lf", "\n"), labelled("cr", "\r")])
async def test_reason_injection(serve, end):
    reply = await answer(serve, lambda self: self.set_status(200, f"Fine{end}X-Injected: yes"))
    assert reply.code in (200, 500)
    assert "X-Injected" not in reply.headers


@must(
    "web.status.without-content",
    "An answer with status 204 has no body and no Content-Length; the connection stays in step.",
    rfc(9110, "8.6", "RFC9110-8.6-5"),
    rfc(9110, "15.3.5"),
)
async def test_no_content(serve):
    async with (await serve([("/", page(lambda self: self.set_status(204)))])).connection() as connection:
        for _ in range(2):
            reply = await connection.fetch("GET", "/")
            assert (reply.code, reply.body, reply.headers.get("Content-Length")) == (204, b"", None)


# -- header fields ----------------------------------------------------------------------------------------------------


@must(
    "web.headers.set",
    "set_header replaces what the field had, whatever the case of its name.",
    doc("web.RequestHandler.set_header"),
)
async def test_set_header(serve):
    def get(self):
        self.set_header("X-Colour", "red")
        self.set_header("x-coLOUR", "blue")

    assert (await answer(serve, get)).headers.get_all("X-Colour") == ["blue"]


@must(
    "web.headers.add",
    "add_header adds a line to the field and leaves the earlier ones.",
    doc("web.RequestHandler.add_header"),
)
async def test_add_header(serve):
    def get(self):
        self.set_header("X-Colour", "red")
        self.add_header("X-Colour", "blue")
        self.add_header("X-Colour", "green")

    assert (await answer(serve, get)).headers.get_all("X-Colour") == ["red", "blue", "green"]


@must(
    "web.headers.clear",
    "clear_header removes a field set before, a default one too; a field that is not there is no error.",
    doc("web.RequestHandler.clear_header"),
)
async def test_clear_header(serve):
    def get(self):
        self.add_header("X-Colour", "red")
        self.add_header("X-Colour", "blue")
        for name in ("x-colour", "Server", "X-Absent"):
            self.clear_header(name)

    reply = await answer(serve, get)
    assert (reply.code, "X-Colour" in reply.headers, "Server" in reply.headers) == (200, False, False)


@must(
    "web.headers.values",
    "Header values may be text, bytes, numbers and times; a time is written as HTTP does, in GMT.",
    doc("web.RequestHandler.set_header"),
)
@each(
    value=[
        labelled("text", ("a b", "a b")),
        labelled("bytes", (b"a b", "a b")),
        labelled("number", (42, "42")),
        labelled("time", (datetime.datetime(2020, 1, 2, 3, 4, 5), "Thu, 02 Jan 2020 03:04:05 GMT")),
        labelled(
            "zoned", (datetime.datetime(2020, 1, 2, tzinfo=datetime.timezone.utc), "Thu, 02 Jan 2020 00:00:00 GMT")
        ),
    ]
)
async def test_header_values(serve, value):
    given, sent = value
    assert (await answer(serve, lambda self: self.set_header("X-Value", given))).headers["X-Value"] == sent


@must(
    "web.headers.injection",
    "A header value with a line end or NUL in it is refused with ValueError, and nothing of it is sent.",
    doc("web.RequestHandler.set_header"),
    rfc(9110, "5.5", "RFC9110-5.5-i1"),
)
@each(end=[labelled("crlf", "\r\n"), labelled("lf", "\n"), labelled("cr", "\r"), labelled("nul", "\0")])
async def test_header_injection(serve, end):
    def get(self):
        value = f"a{end}X-Injected: yes"
        calls = [(method, v) for method in (self.set_header, self.add_header) for v in (value, value.encode())]
        self.write({"refused": [raised(ValueError, method, "X-Value", v) for method, v in calls]})

    reply = await answer(serve, get)
    assert (reply.json(), "X-Injected" in reply.headers) == ({"refused": [True] * 4}, False)


@must(
    "web.headers.name-injection",
    "A header name that is no token never reaches the client: no line is added, and the answer stays readable.",
    rfc(9110, "5.1"),
)
@each(
    name=[
        labelled("crlf", "X-A\r\nX-Injected"),
        labelled("space", "X A"),
        labelled("colon", "X:A"),
        labelled("empty", ""),
    ]
)
async def test_header_name_injection(serve, name):
    reply = await answer(serve, lambda self: self.set_header(name, "yes"))
    sent = {field.lower() for field, _ in reply.headers.items()}
    assert not sent & {"x-injected", "x a", "x", ""}, f"fields {sorted(sent)}"


@must(
    "web.headers.defaults",
    "set_default_headers is called for every answer, and may replace the Server field.",
    doc("web.RequestHandler.set_default_headers"),
    seed("SEED-240"),
)
async def test_default_headers(serve):
    def set_default_headers(self):
        self.set_header("Server", "Shop/1")
        self.set_header("X-Frame-Options", "DENY")

    reply = await answer(serve, lambda self: self.write("x"), set_default_headers=set_default_headers)
    assert reply.headers.get_all("Server") == ["Shop/1"]
    assert reply.headers["X-Frame-Options"] == "DENY"


@must(
    "web.headers.defaults-on-errors",
    "The fields of set_default_headers stand in error answers too, where other fields are cleared.",
    doc("web.RequestHandler.set_default_headers"),
    seed("SEED-240"),
)
async def test_default_headers_on_errors(serve):
    def get(self):
        self.set_header("X-Late", "yes")
        raise api.web.HTTPError(400)

    defaults = {"set_default_headers": lambda self: self.set_header("X-Frame-Options", "DENY")}
    reply = await answer(serve, get, **defaults)
    assert (reply.code, reply.headers.get("X-Frame-Options"), "X-Late" in reply.headers) == (400, "DENY", False)


@must(
    "web.headers.clear-all",
    "clear() takes back everything that was said: body, status and header fields.",
    doc("web.RequestHandler.clear"),
)
async def test_clear(serve):
    def get(self):
        self.write("forget this")
        self.set_status(404)
        self.set_header("X-Early", "yes")
        self.clear()
        self.write("said")

    reply = await answer(serve, get)
    assert (reply.code, reply.text, "X-Early" in reply.headers) == (200, "said", False)


# -- finish -----------------------------------------------------------------------------------------------------------


@must(
    "web.finish.chunk",
    "finish(chunk) writes the chunk as write does, then ends the answer.",
    doc("web.RequestHandler.finish"),
)
@each(chunk=[labelled("text", "end"), labelled("bytes", b"end"), labelled("dict", {"end": 1}), labelled("none", None)])
async def test_finish_chunk(serve, chunk):
    reply = await answer(serve, lambda self: self.write("the ") or (self.finish(chunk) and None))
    assert reply.body == {str: b"the end", bytes: b"the end", dict: b'the {"end": 1}'}.get(type(chunk), b"the ")
    assert reply.headers["Content-Length"] == str(len(reply.body))


@must(
    "web.finish.once",
    "After finish, write and a second finish raise RuntimeError, and the client sees one answer.",
    doc("web.RequestHandler.finish"),
    seed("SEED-081"),
)
@each(again=["write", "finish"])
async def test_finish_once(serve, again):
    trace = Trace()

    def get(self):
        self.finish("one")
        trace.add(raised(RuntimeError, getattr(self, again), "two"))

    async with (await serve([("/", page(get))])).connection() as connection:
        texts = [(await connection.fetch("GET", "/")).text for _ in range(2)]
    assert texts == ["one", "one"]
    assert await trace.first(2) == [True, True]


@must(
    "web.finish.awaitable",
    "finish() returns a future that is done when the answer has been sent.",
    doc("web.RequestHandler.finish"),
)
async def test_finish_awaitable(serve):
    trace = Trace()

    async def get(self):
        self.write("sent")
        trace.add(await self.finish())

    assert (await answer(serve, get)).text == "sent"
    assert await trace.first(1) == [None]


# -- flush ------------------------------------------------------------------------------------------------------------


@must(
    "web.flush.in-pieces",
    "flush sends what was written so far; the client has it while the handler still waits.",
    doc("web.RequestHandler.flush"),
    seed("SEED-181"),
)
async def test_flush(serve):
    go_on = asyncio.Event()

    async def get(self):
        self.write("first ")
        await self.flush()
        await go_on.wait()
        self.write("second")

    async with (await serve([("/", page(get))])).connection() as connection:
        connection.send("GET", "/")
        assert await connection.body_until(b"first ") == b"first "
        go_on.set()
        assert (await connection.reply()).text == "first second"


@must(
    "web.flush.head",
    "flush without a body sends the head; status and fields set later are not sent.",
    doc("web.RequestHandler.flush"),
)
async def test_flush_sends_the_head(serve):
    go_on = asyncio.Event()

    async def get(self):
        self.set_status(202)
        self.set_header("X-Early", "yes")
        await self.flush()
        await go_on.wait()
        self.set_status(500)
        self.set_header("X-Late", "yes")
        self.write("body")

    async with (await serve([("/", page(get))])).connection() as connection:
        connection.send("GET", "/")
        head = await connection.head()
        assert (head.code, head.headers.get("X-Early"), "X-Late" in head.headers) == (202, "yes", False)
        go_on.set()
        assert (await connection.reply()).text == "body"


@must(
    "web.flush.framing",
    "A flushed answer of unknown length is chunked for HTTP/1.1, and ends with the connection for HTTP/1.0.",
    rfc(9112, "6.1", "RFC9112-6.1-11"),
    doc("web.RequestHandler.flush"),
)
@each(version=["1.1", "1.0"])
async def test_flush_framing(serve, version):
    async def get(self):
        self.write("un")
        await self.flush()
        self.write("known")

    reply = await (await serve([("/", page(get))])).fetch("GET", "/", version=version)
    framing = "chunked" if version == "1.1" else None
    assert (reply.text, reply.headers.get("Transfer-Encoding")) == ("unknown", framing)
    assert "Content-Length" not in reply.headers


@must(
    "web.flush.known-length",
    "A flushed answer whose handler set Content-Length is sent with it, not in chunks.",
    rfc(9112, "6.2", "RFC9112-6.2-1"),
    doc("web.RequestHandler.flush"),
)
async def test_flush_with_content_length(serve):
    async def get(self):
        self.set_header("Content-Length", "5")
        self.write("kno")
        await self.flush()
        self.write("wn")

    async with (await serve([("/", page(get))])).connection() as connection:
        for _ in range(2):
            reply = await connection.fetch("GET", "/")
            assert (reply.text, reply.headers.get_all("Content-Length")) == ("known", ["5"])
            assert "Transfer-Encoding" not in reply.headers


@must(
    "web.flush.interleaved",
    "A coroutine may fetch its next piece while flush sends the last one; every piece arrives, in order.",
    doc("guide.coroutines"),
    *map(seed, ("SEED-179", "SEED-180", "SEED-182")),
)
async def test_interleaving(serve):
    async def fetch_next_chunk(self):
        await asyncio.sleep(0)
        self.fetched = getattr(self, "fetched", 0) + 1
        return f"chunk {self.fetched}; " if self.fetched < 4 else None

    async def get(self):
        future = api.gen.convert_yielded(self.fetch_next_chunk())
        while True:
            chunk = await future
            if chunk is None:
                return
            self.write(chunk)
            future = api.gen.convert_yielded(self.fetch_next_chunk())
            await self.flush()

    reply = await answer(serve, get, fetch_next_chunk=fetch_next_chunk)
    assert reply.text == "chunk 1; chunk 2; chunk 3; "


@compat(
    "web.flush.back-pressure",
    "flush is not done while the client reads nothing and the system's buffers are full.",
    observed("web-handlers"),
)
async def test_back_pressure(serve):
    trace = Trace()

    async def get(self):
        self.write(b"x" * 40_000_000)
        future = asyncio.ensure_future(self.flush())
        for _ in range(5):
            await asyncio.sleep(0)
        trace.add(future.done())
        await future

    async with (await serve([("/", page(get))])).connection() as connection:
        connection.send("GET", "/")
        assert await trace.first(1) == [False]
