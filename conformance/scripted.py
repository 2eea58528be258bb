"""The ``remote`` fixture: a server that does what a case tells it, for cases that judge clients.

It takes connections on loopback, reads requests strictly (h11 must accept them), keeps them, and answers each with the
next of the answers it was given: bytes as they are, or a coroutine function that is called with the :class:`Peer`. When
it has no answers left it reads on and says nothing.

Saboteurs lie here about clients: :attr:`Peer.inbound` changes what a client seems to send, :attr:`Peer.outbound` what
it is made to read.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Union

import h11
import pytest

from conformance.client import Fields, WireLog
from conformance.halting import halting
from conformance.package import api

#: Ways to send an answer: all of it, or every byte for itself.
PIECES = ("whole", "bytes")


@dataclass
class Asked:
    """A request as it came. ``octets`` is its head, ``body`` freed from its framing, ``trailers`` what followed it."""

    method: str
    target: str
    version: str
    headers: Fields
    octets: bytes
    body: bytes = b""
    trailers: Fields = field(default_factory=Fields)


class Peer:
    """The server's side of one connection."""

    #: What stands between the client and the suite; saboteurs put something else here.
    inbound: Callable[[bytes], bytes] = staticmethod(bytes)
    outbound: Callable[[bytes], bytes] = staticmethod(bytes)

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, log: WireLog, pieces: str) -> None:
        self._reader, self._log, self._pieces = reader, log, pieces
        #: What takes bytes to the client.
        self.writer = writer
        self._h11 = h11.Connection(h11.SERVER)
        # The transport forgets it at its end.
        self._tls = writer.get_extra_info("ssl_object")
        #: Where the client is.
        self.address = writer.get_extra_info("peername")[0]
        #: The requests that came on this connection.
        self.asked: list[Asked] = []
        #: Set when the client has closed.
        self.ended = asyncio.Event()

    async def head(self) -> Asked | None:
        """Return the head of the next request, None when the client closes. Raises h11.RemoteProtocolError."""
        if self.writer.is_closing():
            return None
        try:
            octets = self.inbound(await self._reader.readuntil(b"\r\n\r\n"))
        except (asyncio.IncompleteReadError, ConnectionError):
            self.ended.set()
            return None
        self._log.add("target", octets)
        self._h11 = h11.Connection(h11.SERVER)
        self._h11.receive_data(octets)
        event = self._h11.next_event()
        assert isinstance(event, h11.Request), f"no request: {octets!r}"
        fields = Fields([(name.decode(), value.decode("latin-1")) for name, value in event.headers.raw_items()])
        target, version = event.target.decode("latin-1"), event.http_version.decode()
        asked = Asked(event.method.decode(), target, version, fields, octets)
        self.asked.append(asked)
        return asked

    async def body(self) -> Asked:
        """Read the request whose head came last to its end, or to the client's, and return it."""
        asked = self.asked[-1]
        while True:
            event = self._h11.next_event()
            if event is h11.NEED_DATA:
                data = await self.take()
                if not data:
                    self.ended.set()
                    return asked
                self._log.add("target", data)
                self._h11.receive_data(self.inbound(data))
            elif isinstance(event, h11.Data):
                asked.body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                asked.trailers = Fields([(name.decode(), value.decode()) for name, value in event.headers])
                return asked
            else:
                raise AssertionError(f"{event!r} in the body of a request")

    async def send(self, data: bytes) -> None:
        """Send ``data``, in pieces if the case says so."""
        data = self.outbound(data)
        self._log.add("suite", data)
        with contextlib.suppress(ConnectionError):
            if self._pieces == "whole":
                self.writer.write(data)
            else:
                for position in range(len(data)):
                    self.writer.write(data[position : position + 1])
                    await asyncio.sleep(0)
            await self.writer.drain()

    def close(self) -> None:
        """End the connection."""
        self._log.add("suite", note="closed by the suite")
        self.writer.close()

    def end(self) -> None:
        """End this direction of the connection alone."""
        self._log.add("suite", note="half closed by the suite")
        self.writer.write_eof()

    def reset(self) -> None:
        """Break the connection off."""
        self._log.add("suite", note="reset by the suite")
        linger = b"\x01\0\0\0\0\0\0\0"
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()

    def cut(self) -> None:
        """End the connection below TLS, without its closure alert."""
        self._log.add("suite", note="cut off by the suite")
        self.writer.transport.abort()

    def was_told(self) -> bool:
        """Return whether the client's closure alert has come; to be asked when it is gone."""
        try:
            # Beyond the alert there is nothing; before it, nothing yet.
            self._tls.read(1)
        except ssl.SSLZeroReturnError:
            return True
        except ssl.SSLError:
            return False
        return True

    async def gone(self) -> None:
        """Return when the client has closed. Raises AssertionError when it does not do so in a while."""
        for _ in range(1000):
            if self.ended.is_set():
                return
            await asyncio.sleep(0)
        raise AssertionError("the client does not close the connection")

    async def take(self) -> bytes:
        """Return bytes as they come, b"" at the end."""
        try:
            return await self._reader.read(65536)
        except ConnectionError:
            return b""

    async def secured(self, context: ssl.SSLContext) -> None:
        """Begin TLS on the connection."""
        loop = asyncio.get_running_loop()
        protocol = self.writer.transport.get_protocol()
        transport = await loop.start_tls(self.writer.transport, protocol, context, server_side=True)
        # As StreamWriter.start_tls() does, which Python 3.10 does not have yet.  A second writer for the same protocol
        # would leave the first one to close the transport below when it is forgotten.
        self.writer._transport = transport  # type: ignore[attr-defined]
        self._reader._transport = transport  # type: ignore[attr-defined]


Answer = Union[bytes, Callable[[Peer], Awaitable[None]]]  # noqa: UP007


def ok(body: bytes = b"ok", *lines: str, status: str = "200 OK") -> bytes:
    """Return an answer with Content-Length, and more field ``lines``."""
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *lines, "", ""])
    return head.encode("latin-1") + body


def closing(answer: bytes, way: str = "close") -> Answer:
    """Return an answer after which the server ends the connection: way "close", "half-close" or "reset"."""

    async def play(peer: Peer) -> None:
        await peer.send(answer)
        {"close": peer.close, "half-close": peer.end, "reset": peer.reset}[way]()

    return play


async def turns(count: int = 50) -> None:
    """Let everybody else do what they have to do."""
    for _ in range(count):
        await asyncio.sleep(0)


async def settled(value: Callable[[], Any]) -> None:
    """Return when ``value()`` is not zero and changes no more."""
    last = None
    while not value() or value() != last:
        last = value()
        await turns()


class Remote:
    """A scripted server and a client to ask it, both closed after the case."""

    def __init__(self, log: WireLog) -> None:
        self._log = log
        self._answers: deque[Answer] = deque()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._others: list[Any] = []
        self._client: Any = None
        self._owner = True
        #: How answers are sent: one of PIECES.
        self.pieces = "whole"
        #: Arguments of the client that `fetch` makes.
        self.settings: dict[str, Any] = {}
        #: The kind of that client; None for the one that is configured.
        self.kind: Any = None
        self.peers: list[Peer] = []
        self.port = 0
        self.scheme = "http"

    @property
    def asked(self) -> list[Asked]:
        """The requests that came, connection by connection."""
        return [asked for peer in self.peers for asked in peer.asked]

    @property
    def client(self) -> Any:
        """The client of the case, made on first use."""
        if self._client is None:
            kind = self.kind or api.httpclient.AsyncHTTPClient
            self._client = kind(force_instance=True, **self.settings)
        return self._client

    def play(self, *answers: Answer) -> None:
        """Answer the next requests, on whichever connections they come, with ``answers``."""
        self._answers += answers

    async def listen(self, tls: ssl.SSLContext | None = None) -> None:
        """Begin to take connections, on a free port of 127.0.0.1."""
        if not self.port:
            sock = socket.create_server(("127.0.0.1", 0))
            self.port = sock.getsockname()[1]
            self.scheme = "http" if tls is None else "https"
            self._server = await asyncio.start_server(self._serve, sock=sock, ssl=tls)

    async def another(self) -> Remote:
        """Return another server, which has the same client."""
        other = Remote(self._log)
        other._client, other._owner = self.client, False
        self._others.append(other)
        await other.listen()
        return other

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        """Return the URL of ``path`` here."""
        return f"{self.scheme}://{host}:{self.port}{path}"

    async def fetch(self, path: str = "/", **arguments: Any) -> Any:
        """Have the client fetch ``path``, and return what it returns; ``raise_error`` is false unless given."""
        await self.listen()
        return await self.client.fetch(self.url(path), **{"raise_error": False, **arguments})

    async def failure(self, path: str = "/", **arguments: Any) -> Any:
        """Return what fetching ``path`` raises. Raises AssertionError when it succeeds."""
        try:
            response = await self.fetch(path, **arguments)
        except Exception as error:
            return error
        raise AssertionError(f"fetch() gave {response!r} with the body {response.body!r}; an exception is due")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        peer = Peer(reader, writer, self._log, self.pieces)
        self.peers.append(peer)
        try:
            await self._converse(peer)
        except (asyncio.CancelledError, ConnectionError):
            pass
        finally:
            peer.writer.close()

    async def _converse(self, peer: Peer) -> None:
        while await peer.head() is not None:
            if not self._answers:
                await peer.body()
                continue
            answer = self._answers.popleft()
            if callable(answer):
                await answer(peer)
            else:
                await peer.body()
                await peer.send(answer)

    async def aclose(self) -> None:
        """Close the client, the connections and the server. Raises what the serving failed with."""
        if self._client is not None and self._owner:
            self._client.close()
        for other in self._others:
            await other.aclose()
        if self._server is not None:
            self._server.close()
        # What the client has closed is read to its end.
        for _ in range(20):
            await asyncio.sleep(0)
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, h11.RemoteProtocolError):
                raise AssertionError(f"what the client sent is no request: {result}")
            if isinstance(result, Exception):
                raise result


class Upstream:
    """A service in a thread of its own, for clients that block: it sends one answer on each connection."""

    def __init__(self, answers: Iterable[bytes]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(5)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"
        threading.Thread(target=self._serve, args=[list(answers)], daemon=True).start()

    def _serve(self, answers: list[bytes]) -> None:
        with self._listener, contextlib.suppress(TimeoutError, OSError):
            for answer in answers:
                with self._listener.accept()[0] as connection:
                    connection.recv(65536)
                    connection.sendall(answer)


@pytest.fixture(params=["smooth", "halting"], ids=lambda kind: f"network={kind}")
def remote(request: pytest.FixtureRequest, wire_log: list[dict[str, Any]]) -> Iterator[Remote]:
    """A server that does as it is told, and a client to judge by it; see :class:`Remote`.

    Each case runs on sockets that halt as well (see :mod:`conformance.halting`).
    """
    with halting() if request.param == "halting" else contextlib.nullcontext():
        yield Remote(WireLog(wire_log))
