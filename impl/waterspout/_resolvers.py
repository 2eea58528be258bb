"""Host names to addresses, without blocking the loop, in threads, or by a table."""

from __future__ import annotations

import concurrent.futures
import os
import socket
from collections.abc import Awaitable, Mapping
from typing import Any

from waterspout._callback_argument import accepts_callback
from waterspout.concurrent import dummy_executor, run_on_executor
from waterspout.ioloop import IOLoop
from waterspout.util import Configurable

#: A family, and an address as `socket.socket.connect` takes it in that family.
Address = tuple[int, Any]


class Resolver(Configurable):
    """Looks up host names.  `configure` chooses an implementation, `DefaultLoopResolver` by default.

    Documentation: ``netutil.Resolver``.
    """

    @classmethod
    def configurable_base(cls) -> type[Resolver]:
        """Return the class that stands for the interface."""
        return Resolver

    @classmethod
    def configurable_default(cls) -> type[Resolver]:
        """Return the implementation that is used by default."""
        return DefaultLoopResolver

    @accepts_callback
    def resolve(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> Awaitable[list[Address]]:
        """Return an awaitable of the addresses of ``host``, in order of preference, each a (family, address) pair.

        ``host`` may be an address itself; ``family`` narrows the search.  The awaitable raises `OSError` when there is
        no address.  Hook.  Documentation: ``netutil.Resolver.resolve``.
        """
        raise NotImplementedError(f"{type(self).__name__} must define resolve()")

    def close(self) -> None:
        """Let go of what the resolver holds.  Documentation: ``netutil.Resolver.close``."""


def _pairs(found: list[Any]) -> list[Address]:
    return [(family, address) for family, _, _, _, address in found]


def _look_up(host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[Address]:
    """Return the addresses of a host; blocks."""
    return _pairs(socket.getaddrinfo(host, port, family, socket.SOCK_STREAM))


class DefaultLoopResolver(Resolver):
    """Asks the running asyncio loop.  Documentation: ``netutil.DefaultLoopResolver``."""

    @accepts_callback
    async def resolve(self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[Address]:
        """Look the host up by `asyncio.loop.getaddrinfo`."""
        loop = IOLoop.current().asyncio_loop
        return _pairs(await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM))


class DefaultExecutorResolver(Resolver):
    """Asks the system in a thread of the loop's default executor.

    Documentation: ``netutil.DefaultExecutorResolver``.
    """

    @accepts_callback
    async def resolve(self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[Address]:
        """Look the host up in a thread."""
        found: list[Address] = await IOLoop.current().run_in_executor(None, _look_up, host, port, family)
        return found


class ExecutorResolver(Resolver):
    """Asks the system on a given executor, or on the calling thread for None.

    ``close_executor`` says whether `close` shuts the executor down.  Documentation: ``netutil.ExecutorResolver``.
    """

    def initialize(
        self,
        executor: concurrent.futures.Executor | None = None,
        close_executor: bool = True,
        io_loop: object = None,
    ) -> None:
        """Take the arguments of the constructor."""
        self.executor = dummy_executor if executor is None else executor
        self.close_executor = close_executor and executor is not None

    @accepts_callback
    @run_on_executor
    def resolve(self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[Address]:
        """Look the host up on the executor."""
        return _look_up(host, port, family)

    def close(self) -> None:
        """Shut the executor down, if it belongs to the resolver."""
        if self.close_executor:
            self.executor.shutdown()
        self.executor = dummy_executor


class BlockingResolver(ExecutorResolver):
    """Asks the system on the calling thread, which waits.  Documentation: ``netutil.BlockingResolver``."""

    def initialize(self, io_loop: object = None) -> None:  # type: ignore[override]
        """Take no arguments."""
        super().initialize()


class ThreadedResolver(ExecutorResolver):
    """Asks the system in threads of a pool that all instances share; the first one's ``num_threads`` is its size.

    Documentation: ``netutil.ThreadedResolver``.
    """

    _pool: concurrent.futures.ThreadPoolExecutor | None = None
    _pool_process = 0

    def initialize(self, num_threads: int = 10, io_loop: object = None) -> None:  # type: ignore[override]
        """Take the arguments of the constructor."""
        super().initialize(self._shared_pool(num_threads), close_executor=False)

    @classmethod
    def _shared_pool(cls, num_threads: int) -> concurrent.futures.ThreadPoolExecutor:
        # The threads of a pool do not come along into a child of the process.
        if cls._pool is None or cls._pool_process != os.getpid():
            cls._pool = concurrent.futures.ThreadPoolExecutor(num_threads, "resolver")
            cls._pool_process = os.getpid()
        return cls._pool


class OverrideResolver(Resolver):
    """Replaces some hosts, and asks another resolver for the address of what comes out.

    The keys of ``mapping`` are a host, a (host, port) pair, or a (host, port, family) triple, the most special one
    first; the values a host, or a (host, port) pair for the others.  Documentation: ``netutil.OverrideResolver``.
    """

    def initialize(self, resolver: Resolver, mapping: Mapping[Any, Any]) -> None:
        """Take the arguments of the constructor."""
        self.resolver = resolver
        self.mapping = mapping

    @accepts_callback
    def resolve(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> Awaitable[list[Address]]:
        """Look up what stands for the host in the table."""
        if (host, port, family) in self.mapping:
            host, port = self.mapping[host, port, family]
        elif (host, port) in self.mapping:
            host, port = self.mapping[host, port]
        elif host in self.mapping:
            host = self.mapping[host]
        return self.resolver.resolve(host, port, family)

    def close(self) -> None:
        """Close the other resolver."""
        self.resolver.close()
