"""Host names to addresses by c-ares, a DNS client, on the loop: without threads, without blocking.

Needs the package ``pycares`` (``pip install waterspout[cares]``). It asks the name servers and the hosts file of the
system, but not what else the system may be configured to ask, so that its answers may differ from those of the default
resolver, which is to be preferred where threads are possible. Documentation: ``tornado.platform.caresresolver``.
"""

from __future__ import annotations

import asyncio
import socket
import weakref
from collections.abc import Callable
from typing import Any

import pycares

from waterspout._callback_argument import accepts_callback
from waterspout.ioloop import IOLoop
from waterspout.netutil import Resolver

__all__ = ["CaresResolver"]

#: Seconds between two looks at the clock where c-ares does not say when it wants one.
_LONGEST_DELAY = 1.0


class CaresResolver(Resolver):
    """A `Resolver` on the DNS client c-ares, for the loop that is current when it is made.

    Choose it by ``Resolver.configure("waterspout.platform.caresresolver.CaresResolver")``. Keyword arguments go to
    ``pycares.Channel``: ``servers``, ``timeout``, ``tries``. Documentation: ``platform.caresresolver.CaresResolver``.
    """

    def initialize(self, io_loop: IOLoop | None = None, **channel_options: Any) -> None:
        """Take the constructor's arguments."""
        self.io_loop: IOLoop = io_loop or IOLoop.current()
        #: The descriptors that c-ares waits for, and for what.
        self.fds: dict[int, int] = {}
        self._questions: set[asyncio.Future[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self.channel: Any = pycares.Channel(sock_state_cb=_watcher(weakref.ref(self)), **channel_options)

    @accepts_callback
    async def resolve(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[tuple[int, Any]]:
        """Return the addresses of ``host``, each a (family, address) pair, in the order in which to try them.

        Raises :exc:`OSError` when there is none. Cancelling it gives up the answer.
        """
        answer: asyncio.Future[Any] = self.io_loop.asyncio_loop.create_future()
        self._questions.add(answer)

        def take(result: Any, error: int | None) -> None:
            self._questions.discard(answer)
            if answer.done():
                return
            if error is None:
                answer.set_result(result)
            else:
                answer.set_exception(_failure(host, str(pycares.errno.strerror(error))))

        try:
            self.channel.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM, callback=take)
        except UnicodeError as error:
            self._questions.discard(answer)
            raise _failure(host, f"it is no name of a host ({error})") from error
        self._schedule()
        found = [_address(node, port) for node in (await answer).nodes]
        if not found:
            raise _failure(host, "it has no address of the family asked for")
        return found

    def close(self) -> None:
        """Give up what is asked, and let go of the sockets. Closing twice is harmless."""
        if self._closed:
            return
        self.channel.cancel()
        for fd in list(self.fds):
            self._watch(fd, False, False)
        self._schedule()
        self._closed = True
        if hasattr(self.channel, "close"):
            # It goes on in a thread, whose calls of the watcher must not reach the loop.
            self.channel.close()

    # -- what c-ares waits for

    def _watch(self, fd: int, readable: bool, writable: bool) -> None:
        """Wait for a descriptor. Called by c-ares, inside our own calls of it."""
        events = IOLoop.READ * readable | IOLoop.WRITE * writable
        if not events:
            if self.fds.pop(fd, None) is not None:
                self.io_loop.remove_handler(fd)
        elif fd in self.fds:
            self.io_loop.update_handler(fd, events)
            self.fds[fd] = events
        else:
            self.io_loop.add_handler(fd, self._process, events)
            self.fds[fd] = events

    def _process(self, fd: int, events: int) -> None:
        reads = fd if events & IOLoop.READ else pycares.ARES_SOCKET_BAD
        writes = fd if events & (IOLoop.WRITE | IOLoop.ERROR) else pycares.ARES_SOCKET_BAD
        self.channel.process_fd(reads, writes)
        self._schedule()

    def _schedule(self) -> None:
        """Let c-ares look at the clock when it wants to, as long as a question is open."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._questions:
            delay = self.channel.timeout(_LONGEST_DELAY)
            self._timer = self.io_loop.call_later(max(delay, 0), self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.channel.process_fd(pycares.ARES_SOCKET_BAD, pycares.ARES_SOCKET_BAD)
        self._schedule()


def _watcher(resolver: weakref.ref[CaresResolver]) -> Callable[[int, bool, bool], None]:
    """Return what c-ares tells of its descriptors. It keeps that for ever, and must not keep the resolver."""

    def watch(fd: int, readable: bool, writable: bool) -> None:
        watching = resolver()
        if watching is not None and not watching._closed:
            watching._watch(fd, readable, writable)

    return watch


def _failure(host: str, why: str) -> socket.gaierror:
    return socket.gaierror(socket.EAI_NONAME, f"{host!r} cannot be resolved: {why}")


def _address(node: Any, port: int) -> tuple[int, Any]:
    """Return the family and address of a result of c-ares, as :mod:`socket` takes them."""
    text = node.addr[0]
    if isinstance(text, bytes):
        text = text.decode("ascii")
    if node.family == socket.AF_INET6:
        return node.family, (text, port, *node.addr[2:])
    return node.family, (text, port)
