"""Bridge to Twisted: both run on one asyncio loop, and coroutines may yield or await a ``Deferred``.

Twisted has a reactor for asyncio loops, so the two need no more than to agree on the loop. Call :func:`install` before
anything imports ``twisted.internet.reactor``; then start either side, by ``IOLoop.current().start()`` or by
``reactor.run()``. Importing this module is enough to wait for a ``Deferred``.
Documentation: ``tornado.platform.twisted``.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.main import installReactor

from waterspout._eventloop import create_future
from waterspout.concurrent import (
    Future,
    future_set_exception_unless_cancelled,
    future_set_result_unless_cancelled,
)
from waterspout.gen import convert_yielded
from waterspout.ioloop import BaseAsyncIOLoop, IOLoop
from waterspout.netutil import is_valid_ip
from waterspout.util import Configurable

__all__ = ["TornadoReactor", "TwistedIOLoop", "TwistedResolver", "install"]


_RESOLV_CONF = "/etc/resolv.conf"

# Twisted has no annotations for it.
_install_reactor: Any = installReactor


class TornadoReactor(AsyncioSelectorReactor):
    """A reactor on the loop of an ``IOLoop``, by default the current one.

    It starts with the loop, or by its own ``run()``, which also installs Twisted's signal handlers; its ``stop()``
    stops the loop after its shutdown triggers. Documentation: ``platform.twisted.TornadoReactor``.
    """

    def __init__(self, io_loop: IOLoop | None = None) -> None:
        self._io_loop: IOLoop = io_loop or IOLoop.current()
        super().__init__(self._io_loop.asyncio_loop)
        self._io_loop.add_callback(self._start_with_loop)

    def _start_with_loop(self) -> None:
        # run() has started it already if it was that which started the loop.
        if not self._started and not self._startedBefore:
            self.startRunning(installSignalHandlers=False)


def install(io_loop: IOLoop | None = None) -> TornadoReactor:
    """Make a :class:`TornadoReactor` the reactor that ``from twisted.internet import reactor`` gives; return it.

    Raises ``twisted.internet.error.ReactorAlreadyInstalledError`` if there is a reactor already: something has
    imported it before. Documentation: ``platform.twisted.install``.
    """
    reactor = TornadoReactor(io_loop)
    _install_reactor(reactor)
    return reactor


class TwistedIOLoop(BaseAsyncIOLoop):
    """An ``IOLoop`` on the asyncio loop of a reactor, by default the global one. Starting it starts the reactor.

    The reactor is one of ``twisted.internet.asyncioreactor``: futures are asyncio's, and no other reactor can run
    them. Documentation: ``platform.twisted.TwistedIOLoop``.
    """

    reactor: Any

    def initialize(  # type: ignore[override]
        self, reactor: Any = None, make_current: bool = True, **kwargs: Any
    ) -> None:
        """Attach to the loop of the reactor. Raises :exc:`RuntimeError` if it has none, or has a facade already."""
        if reactor is None:
            # Importing it would install another reactor if there were none yet: only now is it wanted.
            from twisted.internet import reactor as installed

            reactor = installed
        if not isinstance(reactor, AsyncioSelectorReactor):
            raise RuntimeError(
                f"{type(reactor).__name__} has no asyncio loop: call twisted.internet.asyncioreactor.install() before "
                "anything imports twisted.internet.reactor"
            )
        self.reactor = reactor
        super().initialize(reactor._asyncioEventloop, make_current, **kwargs)

    def start(self) -> None:
        """Start the reactor if it does not run yet, and the loop, until :meth:`stop` or ``reactor.stop()``."""
        self._open_loop()
        if not self.reactor.running:
            self.reactor.startRunning(installSignalHandlers=False)
        super().start()


@convert_yielded.register(Deferred)
def _future_of_deferred(deferred: Deferred[Any]) -> Future[Any]:
    """Return a future of a Deferred's outcome. Cancelling the future cancels the Deferred."""
    future = create_future()

    def succeed(result: Any) -> None:
        future_set_result_unless_cancelled(future, result)

    def fail(failure: Any) -> None:
        # A Deferred that was cancelled through its future says no more than that.
        if not (future.cancelled() and failure.check(CancelledError)):
            error = failure.value.with_traceback(failure.getTracebackObject())
            future_set_exception_unless_cancelled(future, error)

    deferred.addCallbacks(succeed, fail)
    future.add_done_callback(lambda done: deferred.cancel() if done.cancelled() else None)
    return future


def _resolver_chain(reactor: Any) -> Any:
    # Twisted's DNS client takes a while to import, and not everybody needs it.
    from twisted.names import cache, client, hosts, resolve

    parts: Any = (hosts.Resolver, cache.CacheResolver, client.Resolver, resolve.ResolverChain)
    hosts_file, known, servers, chain = parts
    # Asked in this order.
    return chain([hosts_file(), known(reactor=reactor), servers(resolv=_RESOLV_CONF, reactor=reactor)])


class TwistedResolver(Configurable):
    """Resolves host names by Twisted's own DNS client, without threads.

    It gives one address at most, and asks the name servers and the hosts file of the system only; prefer the
    default resolver. Documentation: ``platform.twisted.TwistedResolver``.
    """

    @classmethod
    def configurable_base(cls) -> type[Configurable]:
        """Return the class itself: it is its own interface."""
        return TwistedResolver

    @classmethod
    def configurable_default(cls) -> type[Configurable]:
        """Return the class itself."""
        return TwistedResolver

    def initialize(self, reactor: Any = None) -> None:
        """Resolve on the given reactor, by default the global one."""
        if reactor is None:
            from twisted.internet import reactor as installed

            reactor = installed
        self.reactor = reactor
        self.resolver = _resolver_chain(reactor)

    async def resolve(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[tuple[int, Any]]:
        """Return the family and the address, as :mod:`socket` takes them, of a host and port.

        Raises :exc:`OSError` when the host has no address of the family. Cancelling it cancels the question.
        """
        address = host if is_valid_ip(host) else await self._ask(host)
        found = socket.AF_INET6 if ":" in address else socket.AF_INET
        if family not in (socket.AF_UNSPEC, found):
            raise socket.gaierror(socket.EAI_NONAME, f"{host} has the address {address}, none of the family asked for")
        return [(found, (address, port) if found == socket.AF_INET else (address, port, 0, 0))]

    async def _ask(self, host: str) -> str:
        try:
            address: str | None = await convert_yielded(self.resolver.getHostByName(host))
        except asyncio.CancelledError:
            raise
        except Exception as error:
            raise socket.gaierror(socket.EAI_NONAME, f"{host} cannot be resolved: {error}") from error
        if address is None:
            raise socket.gaierror(socket.EAI_NONAME, f"{host} has no address")
        return address

    def close(self) -> None:
        """Do nothing: each question opens its own sockets and closes them."""
