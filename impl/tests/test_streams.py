"""The insides of streams: kinds of reads, buffers, what the loop watches, arguments of older days."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import ssl
import tempfile
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trustme

from waterspout._stream_buffer import ReadBuffer, WriteBuffer
from waterspout._stream_errors import UnsatisfiableReadError
from waterspout._stream_reads import ReadUntil, ReadUntilRegex, reach
from waterspout.ioloop import IOLoop
from waterspout.iostream import IOStream, PipeIOStream, SSLIOStream, StreamClosedError


def run(case: Callable[[IOStream, socket.socket], Awaitable[None]], **limits: Any) -> None:
    """Run a case with a stream and the plain socket at its other end."""

    async def main() -> None:
        near, far = socket.socketpair()
        stream = IOStream(near, **limits)
        far.setblocking(False)
        try:
            await case(stream, far)
        finally:
            stream.close()
            far.close()

    asyncio.run(main())


async def turns(count: int = 5) -> None:
    """Let the loop turn a few times."""
    for _ in range(count):
        await asyncio.sleep(0)


# -- kinds of reads


@pytest.mark.parametrize(
    ("pattern", "bytes_that_decide"),
    [
        (rb"\r?\n\r?\n", 4),
        (rb"(ab|c){2,5}", 10),
        (rb"(?i)abc", 3),
        (rb"(?P<q>['\"]).(?P=q)", 3),
        (rb"a+", None),
        (rb"a(?=b)", None),
        (rb"(?<!a)b", None),
        (rb"^a", None),
        (rb"a\b", None),
        (rb"a{1,100000000}", None),
    ],
)
def test_how_far_a_match_reaches(pattern: bytes, bytes_that_decide: int | None) -> None:
    """What looks around, or has no greatest length, has no reach."""
    assert reach(re.compile(pattern)) == bytes_that_decide


class Watching:
    """A pattern that notes from where it is searched."""

    def __init__(self, pattern: bytes) -> None:
        self._real = re.compile(pattern)
        self.pattern = self._real.pattern
        self.flags = self._real.flags
        self.searched = 0

    def search(self, data: bytearray, start: int) -> Any:
        self.searched += len(data) - start
        return self._real.search(data, start)


@pytest.mark.parametrize(("pattern", "most"), [(rb"\r\n\r\n", 5), (rb"x+\n", 3)])
def test_searching_costs_linear_time(pattern: bytes, most: int) -> None:
    """However small the pieces are, each byte is looked at a few times only."""
    watching = Watching(pattern)
    read = ReadUntilRegex(watching, None)  # type: ignore[arg-type]
    buffer = ReadBuffer()
    size = 20_000
    for _ in range(size):
        buffer.append(memoryview(b"-"))
        assert not read.satisfied(buffer)
    assert watching.searched <= most * size


def test_a_delimiter_may_come_in_pieces() -> None:
    """All but its last byte may have been seen before."""
    read, buffer = ReadUntil(b"\r\n\r\n", None), ReadBuffer()
    for byte in b"a\r\n\r":
        buffer.append(memoryview(bytes([byte])))
        assert not read.satisfied(buffer)
    buffer.append(memoryview(b"\nrest"))
    assert read.satisfied(buffer)
    assert (read.result(buffer), bytes(buffer.data)) == (b"a\r\n\r\n", b"rest")


def test_a_match_beyond_the_limit_is_none() -> None:
    """The error says what was looked for."""
    read, buffer = ReadUntilRegex(re.compile(b"e"), 3), ReadBuffer()
    buffer.append(memoryview(b"abcde"))
    with pytest.raises(UnsatisfiableReadError, match=r"b'e' did not end within 3 bytes"):
        read.satisfied(buffer)


# -- buffers


def test_small_writes_are_joined_and_large_ones_kept() -> None:
    """What is at the front stays the same, or grows, until it is sent."""
    buffer, large = WriteBuffer(), b"x" * 5000
    buffer.append(b"ab")
    with buffer.front(100) as view:
        assert bytes(view) == b"ab"
    buffer.append(b"cd")
    buffer.append(large)
    buffer.append(b"")
    with buffer.front(100) as view:
        assert bytes(view) == b"abcd"
    buffer.advance(3)
    with buffer.front(100) as view:
        assert bytes(view) == b"d"
    buffer.advance(1)
    with buffer.front(100) as view:
        assert view.obj is large
    buffer.advance(100)
    assert len(buffer) == 4900
    buffer.clear()
    assert len(buffer) == 0


# -- what the loop watches


def watched() -> int:
    """Return how many descriptors have handlers on the current loop."""
    return len(IOLoop.current()._watched._handlers)


def test_an_idle_stream_is_watched_until_something_comes() -> None:
    """The next read mostly follows at once; only when it does not, the loop is told."""

    async def case(stream: IOStream, far: socket.socket) -> None:
        far.send(b"a")
        assert (await stream.read_bytes(1), watched()) == (b"a", 1)
        far.send(b"b")
        await turns()
        assert watched() == 0
        assert (await stream.read_bytes(1), watched()) == (b"b", 1)
        stream.close()
        assert watched() == 0

    run(case)


def test_one_turn_reads_a_bounded_amount() -> None:
    """Then others have their turn, though there is more."""

    async def case(stream: IOStream, far: socket.socket) -> None:
        reading = stream.read_bytes(200)
        far.send(b"x" * 200)
        await turns(2)
        assert 0 < len(stream._incoming) < 200
        assert await reading == b"x" * 200

    run(case, read_chunk_size=5)


def test_what_cannot_be_watched_closes_the_stream() -> None:
    """A file on a disk is always ready, of which the system does not tell."""

    async def main() -> None:
        with tempfile.TemporaryFile() as file:
            stream = PipeIOStream(file.fileno())
            with pytest.raises(StreamClosedError) as caught:
                await stream.read_bytes(1)
            assert isinstance(caught.value.real_error, PermissionError)
            # The stream has closed the descriptor.
            with pytest.raises(OSError):
                file.close()

    asyncio.run(main())


def test_a_stream_may_be_closed_after_its_loop() -> None:
    """Nobody can be told any more."""

    async def main() -> IOStream:
        near, far = socket.socketpair()
        stream = IOStream(near)
        stream.read_bytes(1)
        stream.write(b"x" * (1 << 20))
        stream.set_close_callback(lambda: None)
        far.close()
        return stream

    stream = asyncio.run(main())
    stream.close()
    assert stream.closed()


def test_a_hook_that_is_wrong_closes_the_stream_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Other errors than OSError are mistakes of a program."""

    async def case(stream: IOStream, far: socket.socket) -> None:
        stream.read_from_fd = lambda buf: 1 / 0  # type: ignore[method-assign, assignment, return-value]
        far.send(b"x")
        with pytest.raises(StreamClosedError) as caught:
            await stream.read_bytes(1)
        assert isinstance(caught.value.real_error, ZeroDivisionError)

    run(case)
    assert [record.exc_info and record.exc_info[0] for record in caplog.records] == [ZeroDivisionError]


def test_a_full_queue_is_an_error_of_connect(tmp_path: Any) -> None:
    """A local socket does not wait for room; that must not be taken for a connection."""

    async def main() -> None:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(tmp_path / "s"))
            listener.listen(0)
            streams = [IOStream(socket.socket(socket.AF_UNIX)) for _ in range(3)]
            outcomes = await asyncio.gather(
                *(stream.connect(str(tmp_path / "s")) for stream in streams), return_exceptions=True
            )
            for stream in streams:
                stream.close()
        assert isinstance(outcomes[-1], StreamClosedError)
        assert isinstance(outcomes[-1].real_error, BlockingIOError)

    asyncio.run(main())


# -- TLS


async def secured(**limits: Any) -> tuple[SSLIOStream, SSLIOStream]:
    """Return the two sides of a TLS connection."""
    authority = trustme.CA()
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("server.test").configure_cert(server)
    authority.configure_trust(client)
    left, right = (IOStream(sock, **limits) for sock in socket.socketpair())
    both = left.start_tls(True, server), right.start_tls(False, client, server_hostname="server.test")
    return await both[0], await both[1]


def test_bytes_that_tls_holds_back_are_read() -> None:
    """The socket has nothing more, but a record has."""

    async def main() -> None:
        left, right = await secured(read_chunk_size=10)
        await left.write(b"x" * 1000)
        for _ in range(10):
            assert await asyncio.wait_for(right.read_bytes(100), 5) == b"x" * 100
        left.close()
        right.close()

    asyncio.run(main())


@pytest.mark.parametrize("direction", ["read", "write"])
def test_tls_may_wait_for_the_other_direction(direction: str) -> None:
    """A read may have to send something first, and a write to receive."""

    async def main() -> None:
        left, right = await secured()
        stream = right if direction == "read" else left
        name, error = ("recv_into", ssl.SSLWantWriteError) if direction == "read" else ("send", ssl.SSLWantReadError)
        real, fake = stream.socket, Crossed(stream.socket, name, error)
        stream.socket = fake
        writing = left.write(b"hello")
        if direction == "write":
            await right.write(b"something to read")
        assert await asyncio.wait_for(right.read_bytes(5), 5) == b"hello"
        await writing
        assert fake.raised
        stream.socket = real
        left.close()
        right.close()

    asyncio.run(main())


class Crossed:
    """A TLS socket of which one method raises an error the first time."""

    def __init__(self, sock: ssl.SSLSocket, name: str, error: type[Exception]) -> None:
        self._socket = sock
        self._name = name
        self._error = error
        self.raised = False

    def __getattr__(self, name: str) -> Any:
        if name == self._name and not self.raised:
            self.raised = True
            raise self._error
        return getattr(self._socket, name)


def test_bytes_before_tls_are_not_taken_for_its_own() -> None:
    """Whoever put them there is not protected by what follows."""

    async def case(stream: IOStream, far: socket.socket) -> None:
        far.send(b"STARTTLS\r\ninjected")
        await stream.read_until(b"\r\n")
        with pytest.raises(ValueError, match="8 bytes came before TLS"):
            stream.start_tls(True, {})

    run(case)


def test_a_stream_gives_its_socket_to_the_one_of_tls() -> None:
    """The old stream is closed, its socket is not."""

    async def case(stream: IOStream, far: socket.socket) -> None:
        handshake = stream.start_tls(False, {}, server_hostname="server.test")
        assert (stream.closed(), stream.socket) == (True, None)
        with pytest.raises(StreamClosedError):
            stream.write(b"x")
        stream.close()
        await turns()
        assert far.recv(1) == b"\x16"
        handshake.cancel()
        await turns()

    run(case)


# -- arguments of older days


@pytest.mark.parametrize("named", [False, True])
def test_a_read_takes_a_callback(named: bool) -> None:
    """By its name or wherever it stood; it gets the result."""

    async def case(stream: IOStream, far: socket.socket) -> None:
        results: list[Any] = []
        far.send(b"line\nmore bytes")
        for start in (
            lambda **given: (
                stream.read_until(b"\n", *given.values()) if not named else stream.read_until(b"\n", **given)
            ),
            lambda **given: stream.read_bytes(4, *given.values()) if not named else stream.read_bytes(4, **given),
        ):
            start(callback=results.append)  # type: ignore[no-untyped-call]
            await turns(10)
        assert results == [b"line\n", b"more"]

    run(case)


def test_a_write_and_a_connect_call_back_without_arguments() -> None:
    """They have no result."""

    async def main() -> None:
        calls: list[Any] = []
        with socket.create_server(("127.0.0.1", 0)) as listener:
            stream = IOStream(socket.socket())
            connecting = stream.connect(listener.getsockname(), callback=lambda: calls.append("connected"))  # type: ignore[call-arg]
            await connecting
            await stream.write(b"x", lambda: calls.append("written"))  # type: ignore[call-arg]
            await turns()
            stream.close()
        assert calls == ["connected", "written"]

    asyncio.run(main())


@pytest.mark.parametrize("size", [12, None])
def test_a_streaming_callback_gets_the_pieces(size: int | None) -> None:
    """The callback gets what is left, nothing; for the end of the stream, too."""

    async def case(stream: IOStream, far: socket.socket) -> None:
        pieces: list[bytes] = []
        ends: list[bytes] = []
        arguments: Any = {"callback": ends.append, "streaming_callback": pieces.append}
        if size is None:
            stream.read_until_close(**arguments)
        else:
            stream.read_bytes(size, **arguments)
        far.send(b"hello ")
        await turns(10)
        assert pieces == [b"hello "]
        far.send(b"world!")
        far.close()
        await turns(20)
        assert (b"".join(pieces), ends) == (b"hello world!", [b""])

    run(case)


def test_a_callback_is_not_called_for_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    """The close callback is."""

    async def case(stream: IOStream, far: socket.socket) -> None:
        calls: list[Any] = []
        stream.set_close_callback(lambda: calls.append("closed"))
        stream.read_until(b"\n", calls.append)  # type: ignore[arg-type]
        far.send(b"no line")
        far.close()
        await turns(10)
        assert calls == ["closed"]

    caplog.set_level(logging.INFO)
    run(case)
    assert caplog.records == []


def test_a_callback_comes_before_the_close_callback() -> None:
    """What was delivered is seen first."""

    async def case(stream: IOStream, far: socket.socket) -> None:
        calls: list[Any] = []
        stream.set_close_callback(lambda: calls.append("closed"))
        stream.read_until_close(calls.append)  # type: ignore[call-arg]
        far.send(b"all")
        far.close()
        await turns(10)
        assert calls == [b"all", "closed"]

    run(case)
