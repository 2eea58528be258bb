"""Sockets that halt: faults of the network that may change nothing but the time that things take.

On loopback the system nearly always takes and gives what it is asked to. On these sockets every second call finds it
not ready (EAGAIN), and no call moves more than 1000 bytes: reads come in pieces, writes are partial, and whoever tries
again waits for the loop to say when. What a halting socket accepts does not halt: that is the suite's side.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

#: Bytes that one call moves at most.
MOST = 1000

_PlainSocket = socket.socket


class _Halts:
    """Counts the calls of one socket in each direction; every second one finds the system not ready."""

    _reads = _writes = 0

    def _halts_reading(self) -> bool:
        self._reads += 1
        return self._reads % 2 == 1

    def _halts_writing(self) -> bool:
        self._writes += 1
        return self._writes % 2 == 1


class HaltingSocket(_Halts, socket.socket):
    """A socket of the internet that halts as long as it does not block; others are as usual."""

    def _check(self, halts: Callable[[], bool]) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and self.gettimeout() == 0.0 and halts():
            raise BlockingIOError(errno.EAGAIN, "halted by the suite")

    def accept(self) -> tuple[socket.socket, Any]:
        connection, address = super().accept()
        return _PlainSocket(fileno=connection.detach()), address

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        self._check(self._halts_reading)
        return super().recv(min(bufsize, MOST), flags)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        self._check(self._halts_reading)
        return super().recv_into(buffer, min(nbytes or len(buffer), MOST), flags)

    def send(self, data: Any, flags: int = 0, /) -> int:
        self._check(self._halts_writing)
        return super().send(memoryview(data).cast("B")[:MOST], flags)

    def sendmsg(self, buffers: Any, *others: Any) -> int:
        self._check(self._halts_writing)
        return super().sendmsg([memoryview(buffer).cast("B")[:MOST] for buffer in buffers][:1], *others)


class HaltingTLSSocket(_Halts, ssl.SSLSocket):
    """The same above TLS, for who lets the ssl module talk to the socket."""

    def do_handshake(self, block: bool = False) -> None:
        if self._halts_writing():
            raise ssl.SSLWantWriteError(ssl.SSL_ERROR_WANT_WRITE, "halted by the suite")
        super().do_handshake(block)

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        # What is decrypted already no readiness announces.
        if not self.pending() and self._halts_reading():
            raise ssl.SSLWantReadError(ssl.SSL_ERROR_WANT_READ, "halted by the suite")
        return super().recv_into(buffer, min(nbytes or len(buffer), MOST), flags)

    def send(self, data: Any, flags: int = 0) -> int:
        if self._halts_writing():
            raise ssl.SSLWantWriteError(ssl.SSL_ERROR_WANT_WRITE, "halted by the suite")
        return super().send(memoryview(data).cast("B")[:MOST], flags)


@contextmanager
def halting() -> Iterator[None]:
    """Make every socket that is made meanwhile a halting one."""
    with (
        mock.patch.object(socket, "socket", HaltingSocket),
        mock.patch.object(ssl.SSLContext, "sslsocket_class", HaltingTLSSocket),
    ):
        yield
