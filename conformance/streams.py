"""The ``joined`` fixture: two streams of the package under test, one of which the other reads.

A case that asks for it runs once for each kind of stream, and all kinds must pass: pairs of local sockets, of TCP
connections and of TLS connections, these two over sockets that halt as well (see :mod:`conformance.halting`), the two
ends of a pipe, and streams in memory that a subclass of ``BaseIOStream`` makes through its hooks. In memory the two
sides go in lockstep: the sender can write no more than a few bytes until the receiver has read them, so that every
write is a partial one and every read finds little.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from conformance import certificates
from conformance.client import in_time
from conformance.halting import halting
from conformance.package import api

#: A sender and a receiver.
Pair = tuple[Any, Any]
Make = Callable[..., Awaitable[Pair]]


async def socket_pair(**limits: Any) -> Pair:
    """Return streams over a pair of local sockets."""
    left, right = socket.socketpair()
    return api.iostream.IOStream(left, **limits), api.iostream.IOStream(right, **limits)


async def tcp_pair(**limits: Any) -> Pair:
    """Return the two sides of a TCP connection."""
    with socket.socket() as listener:
        near = socket.socket()
        # Else the system makes room for megabytes.
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        sender = api.iostream.IOStream(near, **limits)
        await in_time(sender.connect(listener.getsockname()), lambda: "a connection")
        accepted, _ = listener.accept()
    # Made anew, to halt where the others do.
    return sender, api.iostream.IOStream(socket.socket(fileno=accepted.detach()), **limits)


async def tls_pair(**limits: Any) -> Pair:
    """Return the two sides of a TLS connection; the client sends."""
    sender, receiver = await socket_pair(**limits)
    handshakes = asyncio.gather(
        sender.start_tls(False, certificates.client_context(), server_hostname=certificates.HOST),
        receiver.start_tls(True, certificates.server_context()),
    )
    client, server = await in_time(handshakes, lambda: "a TLS handshake")
    return client, server


async def halting_pair(**limits: Any) -> Pair:
    """Return the two sides of a TCP connection whose sockets halt."""
    with halting():
        return await tcp_pair(**limits)


async def halting_tls_pair(**limits: Any) -> Pair:
    """Return the two sides of a TLS connection whose sockets halt, in the handshake as well."""
    with halting():
        return await tls_pair(**limits)


async def pipe_pair(**limits: Any) -> Pair:
    """Return the two ends of a pipe."""
    reading, writing = os.pipe()
    return api.iostream.PipeIOStream(writing, **limits), api.iostream.PipeIOStream(reading, **limits)


# -- in memory --------------------------------------------------------------------------------------------------------


class Link:
    """Bytes between two streams in memory, and the sockets by which the loops see what is possible.

    The receiver's descriptor is readable while there are bytes or the end; the sender's is writable while there is
    room. Both are kept so by real bytes on pairs of sockets.
    """

    CAPACITY = 7

    def __init__(self) -> None:
        self.bytes = bytearray()
        self.sender_gone = self.receiver_gone = False
        self.sender_fd, self._sender_far = socket.socketpair()
        self.receiver_fd, self._receiver_far = socket.socketpair()
        for one in (self.sender_fd, self._sender_far, self.receiver_fd, self._receiver_far):
            one.setblocking(False)
        self._readable = self._full = False

    def refresh(self) -> None:
        """Make the descriptors show what is possible now."""
        readable = bool(self.bytes) or self.sender_gone
        full = len(self.bytes) >= self.CAPACITY and not self.receiver_gone
        if readable != self._readable and not self.receiver_gone:
            if readable:
                self._receiver_far.send(b".")
            else:
                self.receiver_fd.recv(1)
            self._readable = readable
        if full != self._full and not self.sender_gone:
            _fill(self.sender_fd) if full else _drain(self._sender_far)
            self._full = full

    def close(self, sender: bool) -> None:
        """Close one side."""
        near, far = (self.sender_fd, self._sender_far) if sender else (self.receiver_fd, self._receiver_far)
        if sender:
            self.sender_gone = True
        else:
            self.receiver_gone = True
            if not self.sender_gone:
                # A stream sees that its peer is gone by something to read.
                self._sender_far.send(b".")
        near.close()
        far.close()
        self.refresh()


def _fill(sock: socket.socket) -> None:
    with contextlib.suppress(BlockingIOError):
        while True:
            sock.send(bytes(65536))


def _drain(sock: socket.socket) -> None:
    with contextlib.suppress(BlockingIOError):
        while sock.recv(1 << 20):
            pass


def _memory_streams() -> tuple[type[Any], type[Any]]:
    """Return the classes of the sender and the receiver, made from what is under test."""
    base: Any = api.iostream.BaseIOStream

    class Sender(base):  # type: ignore[misc]
        def __init__(self, link: Link, **limits: Any) -> None:
            self.link = link
            super().__init__(**limits)

        def fileno(self) -> socket.socket:
            return self.link.sender_fd

        def close_fd(self) -> None:
            self.link.close(sender=True)

        def read_from_fd(self, buf: Any) -> int | None:
            return 0 if self.link.receiver_gone else None

        def write_to_fd(self, data: memoryview) -> int:
            if self.link.receiver_gone:
                raise BrokenPipeError("nobody reads this any more")
            accepted = bytes(data[: Link.CAPACITY - len(self.link.bytes)])
            self.link.bytes += accepted
            self.link.refresh()
            return len(accepted)

    class Receiver(base):  # type: ignore[misc]
        def __init__(self, link: Link, **limits: Any) -> None:
            self.link = link
            super().__init__(**limits)

        def fileno(self) -> socket.socket:
            return self.link.receiver_fd

        def close_fd(self) -> None:
            self.link.close(sender=False)

        def read_from_fd(self, buf: Any) -> int | None:
            if not self.link.bytes:
                return 0 if self.link.sender_gone else None
            size = min(len(buf), len(self.link.bytes))
            buf[:size] = self.link.bytes[:size]
            del self.link.bytes[:size]
            self.link.refresh()
            return size

        def write_to_fd(self, data: memoryview) -> int:
            raise AssertionError("this side only reads")

    return Sender, Receiver


async def memory_pair(**limits: Any) -> Pair:
    """Return two streams in lockstep."""
    sender, receiver = _memory_streams()
    link = Link()
    return sender(link, **limits), receiver(link, **limits)


# -- the fixture ------------------------------------------------------------------------------------------------------

KINDS: dict[str, Make] = {
    "sockets": socket_pair,
    "tcp": tcp_pair,
    "tls": tls_pair,
    "halting": halting_pair,
    "halting-tls": halting_tls_pair,
    "pipes": pipe_pair,
    "lockstep": memory_pair,
}


class Joined:
    """Makes pairs of one kind: ``sender, receiver = await joined(max_buffer_size=10)``."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        #: Bytes that do not fit into what is between the two.
        self.much = 100 * Link.CAPACITY if kind == "lockstep" else 1 << 20
        self._streams: list[Any] = []

    async def __call__(self, **limits: Any) -> Pair:
        """Return a sender and a receiver; ``limits`` are arguments of both. They are closed after the case."""
        pair = await KINDS[self.kind](**limits)
        self._streams += pair
        return pair

    async def aclose(self) -> None:
        """Close the streams of the case."""
        for stream in self._streams:
            stream.close()


@pytest.fixture(params=list(KINDS), ids=lambda kind: f"stream={kind}")
def joined(request: pytest.FixtureRequest) -> Joined:
    """Makes pairs of streams, of each kind in turn; see :class:`Joined`."""
    return Joined(request.param)


class Opened:
    """Closes sockets and streams after a case: ``near, far = opened.pair()``."""

    def __init__(self) -> None:
        self.things: list[Any] = []
        self._calls: list[Callable[[], Any]] = []

    def on_close(self, call: Callable[[], Any]) -> None:
        """Call ``call()`` after the case."""
        self._calls.append(call)

    def keep(self, *things: Any) -> Any:
        """Close ``things`` after the case; return the first."""
        self.things += things
        return things[0] if things else None

    def pair(self, **limits: Any) -> tuple[Any, socket.socket]:
        """Return a stream and the plain socket at its other end."""
        near, far = socket.socketpair()
        return self.keep(api.iostream.IOStream(near, **limits)), self.keep(far)

    async def aclose(self) -> None:
        """Close everything."""
        for call in self._calls:
            call()
        for thing in self.things:
            # A stream in whose place start_tls() put another one has no socket, and need not be closed.
            if getattr(thing, "socket", thing) is not None:
                thing.close()


@pytest.fixture
def opened() -> Opened:
    """Makes streams whose other end is a plain socket, and closes what a case opens; see :class:`Opened`."""
    return Opened()
