"""The ``host`` fixture: a server that does as its case says, for the client under test to connect to.

::

    async with host.connect(compression_options={}) as talk:
        talk.send(text("hello"))
        assert await talk.client.read_message() == "hello"

The suite plays the server: it reads the client's handshake, answers it as told, and reads the client's frames with the
strict reader of the wire chapters, so that a frame no client may send is a failure whatever the case is about. The
client is ``websocket.websocket_connect`` of the package under test.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, cast

import pytest

from conformance.client import DEADLINE, WireLog, in_time
from conformance.package import api
from conformance.sockets import LOST, Buffer
from conformance.wire import deflate
from conformance.wire.faults import from_server
from conformance.wire.frame_reader import FaultyFrame, FrameReader, Received, Silence
from conformance.wire.frames import Frame, close, pong
from conformance.wire.opening import accept_value, members, parse_fields

Fields = dict[str, "str | Sequence[str] | None"]


class Hello:
    """A client's handshake: ``line`` is the request line, ``fields`` are pairs with names in lower case."""

    def __init__(self, head: bytes) -> None:
        self.line = head.split(b"\r\n", 1)[0].decode("latin-1")
        self.fields = parse_fields(head)

    def values(self, name: str) -> list[str]:
        """Return the values of the fields called ``name``."""
        return [value for other, value in self.fields if other == name]

    def members(self, name: str) -> list[str]:
        """Return the members of the list field ``name``."""
        return members(self.fields, name)

    def answer(self, status: str = "101 Switching Protocols", **fields: str | Sequence[str] | None) -> bytes:
        """Return the right answer with ``fields`` replaced, added or, when None, left out; "_" stands for "-"."""
        usual: Fields = {
            "upgrade": "websocket",
            "connection": "Upgrade",
            "sec_websocket_accept": accept_value(self.values("sec-websocket-key")[0]),
        }
        lines = [f"HTTP/1.1 {status}"]
        for name, value in {**usual, **fields}.items():
            values = [value] if isinstance(value, str) else value or []
            lines += [f"{name.replace('_', '-').title()}: {one}" for one in values]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Talk:
    """The server's side of one connection, and ``client``, the connection object at its other end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, log: WireLog) -> None:
        self.client: Any = None
        self.hello = Hello(b"")
        self._reader, self._writer, self._log = reader, writer, log
        self._buffer = Buffer(b"")
        self._frames = FrameReader(cast(Any, self._buffer), self._on_ping, by_client=True)
        self._close_sent = self._close_came = False

    async def greet(self, answer: Callable[[Hello], bytes]) -> None:
        """Read the client's handshake and answer it."""
        head = await in_time(self._reader.readuntil(b"\r\n\r\n"), lambda: "the client's handshake")
        self._log.add("target", head)
        self.hello = Hello(head)
        data = answer(self.hello)
        values = [value for name, value in parse_fields(data) if name == "sec-websocket-extensions"]
        agreed = deflate.agreed(values)
        if agreed is not None and not deflate.answer_faults(self.hello.values("sec-websocket-extensions"), values):
            self._frames.inflation = deflate.Inflation(agreed, sender="client")
        self.send_bytes(data)

    def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._log.add("suite", data)
        self._writer.write(data)

    def send(self, *frames: Frame) -> None:
        """Send frames as a server does, in one piece."""
        self._close_sent = self._close_sent or any(one.opcode == 8 for one in frames)
        self.send_bytes(b"".join(from_server(one).encode() for one in frames))

    def drop(self) -> None:
        """End the TCP connection."""
        self._writer.close()

    async def receive(self) -> str | bytes:
        """Return the client's next message. Raises AssertionError when something else comes."""
        received = await self.next("a message")
        assert received is not None, "waited for a message, but the client ended the connection"
        assert received.kind in ("text", "binary"), f"waited for a message, but got a {received}"
        return received.payload.decode() if received.kind == "text" else received.payload

    async def pong(self) -> bytes:
        """Return the payload of the client's next pong. Raises AssertionError when something else comes."""
        received = await self.next("a pong")
        assert received is not None, "waited for a pong, but the client ended the connection"
        assert received.kind == "pong", f"waited for a pong, but got a {received}"
        return received.payload

    async def closing(self) -> tuple[int | None, str]:
        """Return code and reason of the client's close frame, LOST when TCP ends without one."""
        received = await self.next("a close frame")
        if received is None:
            return LOST
        assert received.kind == "close", f"waited for a close frame, but got a {received}"
        return received.code, received.reason

    async def must_fail(self, frames: Sequence[Frame], codes: Sequence[int], lenient: Callable[[str], None]) -> None:
        """Send frames that must fail the connection, and expect a close frame with one of ``codes``, then the end.

        The end without a close frame is allowed but not preferred. The client's program is told the end.
        """
        self.send(*frames)
        code, _ = await self.closing()
        if (code, "") == LOST:
            lenient("dropped without a close frame; one with the code says why")
        else:
            assert code in codes, f"expected close code {' or '.join(map(str, codes))}, but {code} came"
            if not self._close_sent:
                self.send(close(code))
            self.drop()
        told = await in_time(self.client.read_message(), lambda: "read_message() to return None")
        assert told is None, f"the client's program was told {told!r} after the fault"

    async def part(self) -> None:
        """End the connection in good order, whatever the case has left; the client's part of that is not judged."""
        with contextlib.suppress(Exception):
            self.client.close()
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self._until_closed(), DEADLINE)
        self.drop()
        # Its end of TCP tells that the client is done.
        with contextlib.suppress(Exception):
            while await asyncio.wait_for(self._reader.read(65536), DEADLINE):
                pass

    async def _until_closed(self) -> None:
        while not self._close_came and (received := await self.next("a close frame")) is not None:
            if received.kind == "close" and not self._close_sent:
                self.send(close(received.code))

    async def next(self, what: str) -> Received | None:
        """Return what the client sends next; None when it ended the connection. Pings are answered."""
        while True:
            try:
                received = self._frames.read(time.monotonic())
                self._close_came = self._close_came or received is None or received.kind == "close"
                return received
            except Silence:
                waiting = f"{what}; the frames so far: " + (" | ".join(self._buffer.frames[-5:]) or "none")
                data = await self._more(waiting)
                self._buffer.buffer += data
                self._buffer.ended = not data
            except FaultyFrame as fault:
                raise AssertionError(f"waited for {what}, but the client sent {fault}") from None

    async def _more(self, waiting: str) -> bytes:
        try:
            data = await in_time(self._reader.read(65536), lambda: waiting)
        except ConnectionError:
            data = b""
        self._log.add("target", data, "" if data else "closed by the target")
        return data

    def _on_ping(self, payload: bytes) -> None:
        self.send(pong(payload))


class Host:
    """Listens on a loopback port and serves one client at a time as told."""

    def __init__(self, log: WireLog) -> None:
        self._log = log
        self._server: asyncio.Server | None = None
        self._talks: asyncio.Queue[Talk] = asyncio.Queue()
        self._writers: list[asyncio.StreamWriter] = []
        self.port = 0
        #: Connections that were made, those of TLS when they were agreed on.
        self.connections = 0

    async def listen(self, tls: ssl.SSLContext | None = None) -> Host:
        """Begin to listen, on ``port``."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
            self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        self._talks.put_nowait(Talk(reader, writer, self._log))

    async def begin(
        self, answer: Callable[[Hello], bytes] = Hello.answer, path: str = "/", **options: Any
    ) -> tuple[Talk, asyncio.Future[Any]]:
        """Let the client connect and answer its handshake; return the talk and the client's future.

        Raises what ``websocket_connect`` raises without having connected.
        """
        await self.listen()
        connecting = asyncio.ensure_future(
            api.websocket.websocket_connect(options.pop("url", None) or f"ws://127.0.0.1:{self.port}{path}", **options)
        )
        talk = await self._next_talk(connecting)
        await talk.greet(answer)
        return talk, connecting

    async def _next_talk(self, connecting: asyncio.Future[Any]) -> Talk:
        coming = asyncio.ensure_future(self._talks.get())
        both = asyncio.wait([coming, connecting], return_when=asyncio.FIRST_COMPLETED)
        try:
            await in_time(both, lambda: "the client to connect")
            if not coming.done():
                connecting.result()
            return await in_time(coming, lambda: "the client to connect")
        finally:
            coming.cancel()

    @contextlib.asynccontextmanager
    async def connect(
        self, answer: Callable[[Hello], bytes] = Hello.answer, path: str = "/", **options: Any
    ) -> AsyncIterator[Talk]:
        """Open a connection with ``websocket_connect(url, **options)``; end it, if it is still there, at the end."""
        talk, connecting = await self.begin(answer, path, **options)
        talk.client = await in_time(connecting, lambda: "websocket_connect() to return")
        try:
            yield talk
        finally:
            await talk.part()

    async def refused(self, answer: Callable[[Hello], bytes], **options: Any) -> BaseException:
        """Answer a handshake with what the client must not accept; return what ``websocket_connect`` raised."""
        talk, connecting = await self.begin(answer, **options)
        # Where the end is part of the answer.
        done, _ = await asyncio.wait([connecting], timeout=0.2)
        if not done:
            talk.drop()
        await asyncio.wait([connecting], timeout=DEADLINE)
        assert connecting.done(), "websocket_connect() neither returned nor raised"
        error = connecting.exception()
        if error is None:
            talk.client = connecting.result()
            await talk.part()
            raise AssertionError("websocket_connect() returned a connection")
        return error

    def stop(self) -> None:
        """Stop listening; what is open goes on."""
        if self._server is not None:
            self._server.close()

    async def aclose(self) -> None:
        """Stop listening and end what is open."""
        self.stop()
        if self._server is not None:
            for writer in self._writers:
                writer.close()
            # Until the client has noticed, or its objects would outlive the loop.
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._server.wait_closed(), DEADLINE)


@pytest.fixture
def host(wire_log: list[dict[str, Any]]) -> Host:
    """A server that does as the case says; see :class:`Host`."""
    return Host(WireLog(wire_log))
