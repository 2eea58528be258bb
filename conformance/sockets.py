"""The suite's own WebSocket client for API-level cases: a handshake, messages, and all the ways to end.

What the server sends is read by the strict reader of the wire chapters (conformance.wire.frame_reader), so a frame that
no server may send is a failure here too. Pings are answered at once and kept in ``pings``. Every wait has the deadline
of conformance.client and names what was waited for.
"""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

from conformance.client import Connection
from conformance.serving import Server
from conformance.wire import deflate
from conformance.wire.answers import Answer
from conformance.wire.frame_reader import FaultyFrame, FrameReader, Received, Silence
from conformance.wire.frames import Frame, binary, close, ping, pong, text
from conformance.wire.opening import KEY, acceptance_faults, parse_fields, request

#: What a program is told when there was no close frame (RFC 6455, section 7.1.5).
LOST = (1006, "")


def handshake(**fields: str) -> dict[str, str]:
    """Return the fields of an opening handshake, for ``server.get``; ``fields`` add to them, "_" for "-"."""
    usual = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
    }
    return {**usual, **{name.replace("_", "-"): value for name, value in fields.items()}}


class Buffer:
    """What FrameReader reads from: bytes that have come already; more of them never come while it waits."""

    def __init__(self, data: bytes) -> None:
        self.buffer = bytearray(data)
        self.ended = False
        self.frames: list[str] = []

    def wait(self, deadline: float) -> bool:
        """Return that nothing more came."""
        return False

    def note(self, words: str) -> None:
        """Keep the description of a frame, for failures."""
        self.frames.append(words)


class Peer:
    """The client's side of one WebSocket.

    ``answer`` is the server's 101 answer, ``pings`` the payloads of the server's pings, which are answered unless
    ``answers_pings`` is set to False.
    """

    def __init__(self, connection: Connection, answer: Answer, rest: bytes) -> None:
        self.answer = answer
        self.pings: list[bytes] = []
        self.answers_pings = True
        self._connection = connection
        self._buffer = Buffer(rest)
        self._reader = FrameReader(cast(Any, self._buffer), self._on_ping)
        agreed = deflate.agreed(answer.values("sec-websocket-extensions"))
        self._reader.inflation = None if agreed is None else deflate.Inflation(agreed)
        self._close_sent = False

    def _on_ping(self, payload: bytes) -> None:
        self.pings.append(payload)
        if self.answers_pings:
            self.send_frames(pong(payload))

    def send(self, *messages: str | bytes) -> None:
        """Send messages, str as text and bytes as binary, in one piece."""
        self.send_frames(*(text(one) if isinstance(one, str) else binary(one) for one in messages))

    def send_frames(self, *frames: Frame) -> None:
        """Send frames in one piece."""
        self._connection.send_bytes(b"".join(frame.encode() for frame in frames))

    def ping(self, data: bytes) -> None:
        """Send a ping."""
        self.send_frames(ping(data))

    def close(self, code: int | None = None, reason: str = "") -> None:
        """Send a close frame, an empty one without a code; ``closed`` waits for the end."""
        self._close_sent = True
        self.send_frames(close(code, reason))

    def half_close(self) -> None:
        """End the client's side of TCP without a close frame, and go on reading."""
        self._connection.half_close()

    def drop(self) -> None:
        """End the TCP connection without a close frame."""
        self._connection.close()

    async def receive(self) -> str | bytes:
        """Return the next message. Raises AssertionError when the connection ends instead."""
        received = await self._next("a message")
        assert received is not None, f"waited for a message, but the connection was lost{self._so_far()}"
        assert received.kind in ("text", "binary"), f"waited for a message, but got a {received}{self._so_far()}"
        return received.payload.decode() if received.kind == "text" else received.payload

    async def pong(self) -> bytes:
        """Return the payload of the next pong. Raises AssertionError when something else comes."""
        received = await self._next("a pong")
        assert received is not None, f"waited for a pong, but the connection was lost{self._so_far()}"
        assert received.kind == "pong", f"waited for a pong, but got a {received}{self._so_far()}"
        return received.payload

    async def closing(self) -> tuple[int | None, str]:
        """Return code and reason of the server's close frame, LOST when TCP ends without one; answer nothing."""
        received = await self._next("a close frame")
        if received is None:
            return LOST
        assert received.kind == "close", f"waited for a close frame, but got a {received}{self._so_far()}"
        return received.code, received.reason

    async def closed(self) -> tuple[int | None, str]:
        """Return what ``closing`` returns once the whole closing handshake is done and TCP has ended."""
        code, reason = await self.closing()
        if (code, reason) != LOST:
            if not self._close_sent:
                self.close(code)
            received = await self._next("the server to end the connection")
            assert received is None, f"after its close frame the server sent a {received}"
        return code, reason

    async def _next(self, what: str) -> Received | None:
        while True:
            try:
                return self._reader.read(time.monotonic())
            except Silence:
                data = await self._connection.receive(f"{what}{self._so_far()}")
                self._buffer.buffer += data
                self._buffer.ended = not data
            except FaultyFrame as fault:
                raise AssertionError(f"waited for {what}, but the server sent {fault}") from None

    def _so_far(self) -> str:
        return "; the frames so far: " + (" | ".join(self._buffer.frames[-5:]) or "none")


@contextlib.asynccontextmanager
async def websocket(
    server: Server, path: str, tls: ssl.SSLContext | None = None, **fields: str | Sequence[str]
) -> AsyncIterator[Peer]:
    """Open a WebSocket to ``path``, with ``tls`` over TLS; end its connection, if still there, when the body ends.

    ``fields`` of the handshake have "_" for "-". Raises AssertionError when the answer is not a faultless 101.
    """
    sent = request(path, "GET", "1.1", {"host": server.host, **fields})
    async with server.connection(tls) as connection:
        connection.send_bytes(sent)
        head = b""
        while b"\r\n\r\n" not in head:
            data = await connection.receive(f"the answer to the opening handshake; there was {head[:200]!r}")
            assert data, f"the connection was closed in the opening handshake, after {head[:200]!r}"
            head += data
        answer, rest = _answer(head)
        assert answer.status == 101, f"the opening handshake was answered with {head[:300]!r}"
        faults = acceptance_faults(sent, answer)
        assert not faults, f"the opening handshake was answered with {'; '.join(faults)}"
        yield Peer(connection, answer, rest)


def _answer(data: bytes) -> tuple[Answer, bytes]:
    """Return the answer whose head is at the start of ``data``, and the bytes that came behind it."""
    head, _, rest = data.partition(b"\r\n\r\n")
    version, status, *reason = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
    assert status.isdigit(), f"the opening handshake was answered with {data[:200]!r}"
    version = version.removeprefix("HTTP/")
    return Answer(int(status), "".join(reason), version, parse_fields(head), head + b"\r\n\r\n"), rest
