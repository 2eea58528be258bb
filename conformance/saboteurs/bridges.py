"""Saboteurs of the chapter on bridges. Its programs run in child processes, which lie as well."""

from __future__ import annotations

import asyncio
import importlib
import threading
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around, nothing
from conformance.saboteurs.loop_life import Lie, instead


def bridge_lie(name: str, lie: str, *kills: str) -> Lie:
    """Register a saboteur of this chapter; ``kills`` are ids without what they have in common."""
    return saboteur(name, lie, chapters="core.bridges", kills=tuple(f"bridge.{one}" for one in kills))


def bridge(ref: Patches, name: str) -> Any:
    """Return a module of ``platform``, which nothing else imports."""
    return importlib.import_module(f"{ref.package}.platform.{name}")


# -- asyncio ----------------------------------------------------------------------------------------------------------


@bridge_lie(
    "callbacks-on-a-second-loop", "add_callback() has a queue of its own beside asyncio's.", "asyncio.shared-loop"
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, callback: Any, *args: Any) -> None:
        original(self, lambda: original(self, callback, *args))

    instead(ref, "add_callback", lie)


@bridge_lie("main-loop-is-new", "AsyncIOMainLoop() makes a loop of its own.", "asyncio.main-loop")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, **kwargs: Any) -> None:
        original(self, **{"asyncio_loop": asyncio.new_event_loop(), **kwargs})

    around(ref, bridge(ref, "asyncio").AsyncIOMainLoop, "initialize", lie)


@bridge_lie("given-loop-ignored", "AsyncIOLoop ignores the loop it is given.", "asyncio.new-loop")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, asyncio_loop: Any = None, **kwargs: Any) -> None:
        original(self, asyncio_loop=asyncio.new_event_loop(), **kwargs)

    around(ref, bridge(ref, "asyncio").AsyncIOLoop, "initialize", lie)


@bridge_lie(
    "asyncio-loop-left-open", "Closing an IOLoop leaves its asyncio loop open.", "asyncio.new-loop", "asyncio.main-loop"
)
def _(ref: Patches) -> None:
    instead(ref, "close", lambda original, self, all_fds=False: None)


@bridge_lie("second-ioloop-taken", "A loop may get one IOLoop after the other.", "asyncio.one-ioloop-for-a-loop")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, asyncio_loop: Any = None, **kwargs: Any) -> None:
        try:
            original(self, asyncio_loop=asyncio_loop, **kwargs)
        except RuntimeError:
            self.asyncio_loop = asyncio_loop

    around(ref, bridge(ref, "asyncio").AsyncIOLoop, "initialize", lie)


@bridge_lie(
    "asyncio-future-of-futures-only", "to_asyncio_future() returns what it is given.", "asyncio.futures-both-ways"
)
def _(ref: Patches) -> None:
    ref.replace(bridge(ref, "asyncio"), "to_asyncio_future", lambda tornado_future: tornado_future)


@bridge_lie(
    "any-thread-policy-plain",
    "AnyThreadEventLoopPolicy makes a new loop at each question.",
    "asyncio.any-thread-policy",
)
def _(ref: Patches) -> None:
    policy = bridge(ref, "asyncio").AnyThreadEventLoopPolicy
    ref.replace(policy, "get_event_loop", lambda self: self.new_event_loop())


@bridge_lie(
    "selector-thread-calls-itself",
    "Callbacks of descriptors are called in the selector's thread.",
    "selector-thread.calls-on-the-loop",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, fd: Any, callback: Any, *args: Any) -> None:
        def elsewhere() -> None:
            thread = threading.Thread(target=callback, args=args)
            thread.start()
            thread.join()

        original(self, fd, elsewhere)

    around(ref, bridge(ref, "asyncio").SelectorThread, "add_reader", lie)


@bridge_lie(
    "selector-thread-reports-once",
    "A descriptor is reported once, until it is added again.",
    "selector-thread.again-and-again",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, fd: Any, callback: Any, *args: Any) -> None:
        def once() -> None:
            self.remove_reader(fd)
            callback(*args)

        original(self, fd, once)

    around(ref, bridge(ref, "asyncio").SelectorThread, "add_reader", lie)


@bridge_lie("selector-thread-goes-on", "remove_reader() takes no effect.", "selector-thread.again-and-again")
def _(ref: Patches) -> None:
    ref.replace(bridge(ref, "asyncio").SelectorThread, "remove_reader", nothing)


@bridge_lie(
    "selector-wrapper-left-open",
    "Closing AddThreadSelectorEventLoop does not close the wrapped loop.",
    "selector-thread.close",
)
def _(ref: Patches) -> None:
    ref.replace(bridge(ref, "asyncio").AddThreadSelectorEventLoop, "close", nothing)


@bridge_lie(
    "handlers-need-a-watching-loop",
    "add_handler() fails on loops that watch no descriptors.",
    "selector-thread.used-by-ioloop",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, fd: Any, handler: Any, events: int) -> None:
        number = fd if isinstance(fd, int) else fd.fileno()
        self.asyncio_loop.add_reader(number, nothing)
        self.asyncio_loop.remove_reader(number)
        original(self, fd, handler, events)

    instead(ref, "add_handler", lie)


# -- Twisted ----------------------------------------------------------------------------------------------------------


@bridge_lie(
    "twisted-not-installed",
    "install() leaves Twisted the reactor it would take by itself.",
    "twisted.install",
    "twisted.reactor-starts-with-the-loop",
)
def _(ref: Patches) -> None:
    def install() -> Any:
        from twisted.internet import reactor

        return reactor

    ref.replace(bridge(ref, "twisted"), "install", install)


@bridge_lie("deferred-failure-is-a-result", "The failure of a Deferred is the result of the wait.", "twisted.deferred")
def _(ref: Patches) -> None:
    _deferred(ref, lambda deferred, future: deferred.addBoth(future.set_result))


@bridge_lie(
    "deferred-cancel-stays",
    "Cancelling the wait for a Deferred leaves the Deferred alone.",
    "twisted.deferred-cancelled",
)
def _(ref: Patches) -> None:
    _deferred(ref, lambda deferred, future: deferred.addCallback(future.set_result))


def _deferred(ref: Patches, link: Any) -> None:
    from twisted.internet.defer import Deferred

    def convert(deferred: Any) -> Any:
        future = ref.concurrent.Future()
        link(deferred, future)
        return future

    # After its own conversion, which comes with the module.
    assert bridge(ref, "twisted")
    ref.gen.convert_yielded.register(Deferred, convert)


@bridge_lie(
    "reactor-waits-for-run", "A TornadoReactor starts by its own run() only.", "twisted.reactor-starts-with-the-loop"
)
def _(ref: Patches) -> None:
    from twisted.internet.asyncioreactor import AsyncioSelectorReactor

    def init(self: Any, io_loop: Any = None) -> None:
        AsyncioSelectorReactor.__init__(self, ref.ioloop.IOLoop.current().asyncio_loop)

    ref.replace(bridge(ref, "twisted").TornadoReactor, "__init__", init)


@bridge_lie(
    "twisted-loop-leaves-the-reactor", "TwistedIOLoop starts the loop, not the reactor.", "twisted.loop-on-a-reactor"
)
def _(ref: Patches) -> None:
    ref.replace(bridge(ref, "twisted").TwistedIOLoop, "start", lambda self: self.asyncio_loop.run_forever())


@bridge_lie(
    "twisted-loop-takes-any-reactor",
    "TwistedIOLoop ignores a reactor that has no asyncio loop.",
    "twisted.loop-needs-asyncio",
)
def _(ref: Patches) -> None:
    ref.replace(bridge(ref, "twisted").TwistedIOLoop, "initialize", nothing)


@bridge_lie("twisted-resolver-ignores-family", "TwistedResolver gives addresses of any family.", "twisted.resolver")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, host: str, port: int, family: int = 0) -> Any:
        return original(self, host, port)

    around(ref, bridge(ref, "twisted").TwistedResolver, "resolve", lie)
