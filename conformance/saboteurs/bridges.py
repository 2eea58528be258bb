"""Saboteurs of the chapter on bridges."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.loop import wrap_method


def bridge(ref: Patches, name: str) -> Any:
    """Return the reference's module ``platform.NAME``."""
    return importlib.import_module(f"{ref.package}.platform.{name}")


@saboteur(
    "bridge-callbacks-one-round-late",
    "Callbacks of the IOLoop come a round later than asyncio's.",
    chapters="core.bridges",
    kills="bridge.asyncio.shared-loop",
)
def _one_round_late(ref: Patches) -> None:
    def lie(original: Callable[..., Any]) -> Callable[..., Any]:
        def add_callback(self: Any, *args: Any, **named: Any) -> None:
            self.asyncio_loop.call_soon(lambda: original(self, *args, **named))

        return add_callback

    wrap_method(ref, "add_callback", lie)


@saboteur(
    "bridge-main-loop-is-new",
    "AsyncIOMainLoop makes a loop of its own.",
    chapters="core.bridges",
    kills="bridge.asyncio.main-loop",
)
def _main_loop_new(ref: Patches) -> None:
    module = bridge(ref, "asyncio")
    ref.replace(module, "AsyncIOMainLoop", module.AsyncIOLoop)


@saboteur(
    "bridge-ignores-the-loop-given",
    "AsyncIOLoop makes a loop also when one is given.",
    chapters="core.bridges",
    kills="bridge.asyncio.new-loop",
)
def _ignore_loop(ref: Patches) -> None:
    module = bridge(ref, "asyncio")
    original = module.AsyncIOLoop
    ref.replace(module, "AsyncIOLoop", lambda asyncio_loop=None, make_current=True: original(make_current=make_current))


@saboteur(
    "bridge-second-ioloop",
    "Attaching to a loop that has an IOLoop gives that one.",
    chapters="core.bridges",
    kills="bridge.asyncio.one-ioloop-for-a-loop",
)
def _second_ioloop(ref: Patches) -> None:
    ref.replace(bridge(ref, "asyncio"), "AsyncIOLoop", lambda **named: ref.ioloop.IOLoop.current())


@saboteur(
    "bridge-futures-unchanged",
    "to_asyncio_future() returns its argument.",
    chapters="core.bridges",
    kills="bridge.asyncio.futures-both-ways",
)
def _futures_unchanged(ref: Patches) -> None:
    ref.replace(bridge(ref, "asyncio"), "to_asyncio_future", lambda future: future)


@saboteur(
    "bridge-policy-of-the-main-thread",
    "AnyThreadEventLoopPolicy is asyncio's own policy.",
    chapters="core.bridges",
    kills="bridge.asyncio.any-thread-policy",
)
def _main_thread_policy(ref: Patches) -> None:
    ref.replace(bridge(ref, "asyncio"), "AnyThreadEventLoopPolicy", asyncio.DefaultEventLoopPolicy)


@saboteur(
    "bridge-thread-drops-arguments",
    "A SelectorThread calls without the arguments it was given.",
    chapters="core.bridges",
    kills="bridge.selector-thread.calls-on-the-loop",
)
def _drop_arguments(ref: Patches) -> None:
    thread = bridge(ref, "asyncio").SelectorThread
    original = thread.add_reader
    ref.replace(thread, "add_reader", lambda self, fd, callback, *args: original(self, fd, callback))


@saboteur(
    "bridge-thread-reports-once",
    "A SelectorThread reports that a descriptor is readable once.",
    chapters="core.bridges",
    kills="bridge.selector-thread.again-and-again",
)
def _report_once(ref: Patches) -> None:
    thread = bridge(ref, "asyncio").SelectorThread
    original = thread.add_reader

    def add_reader(self: Any, fd: Any, callback: Callable[..., object], *args: Any) -> None:
        reported: list[bool] = []

        def once() -> None:
            if not reported:
                reported.append(True)
                callback(*args)

        original(self, fd, once)

    ref.replace(thread, "add_reader", add_reader)


@saboteur(
    "bridge-thread-left-running",
    "Closing an AddThreadSelectorEventLoop closes nothing.",
    chapters="core.bridges",
    kills="bridge.selector-thread.close",
)
def _left_running(ref: Patches) -> None:
    ref.replace(bridge(ref, "asyncio").AddThreadSelectorEventLoop, "close", lambda self: None)


@saboteur(
    "bridge-needs-watching-loops",
    "add_handler() fails on a loop that watches no descriptors.",
    chapters="core.bridges",
    kills="bridge.selector-thread.used-by-ioloop",
)
def _needs_watching(ref: Patches) -> None:
    def lie(original: Callable[..., Any]) -> Callable[..., Any]:
        def add_handler(self: Any, fd: Any, handler: Any, events: int) -> None:
            if type(self.asyncio_loop).add_reader is asyncio.AbstractEventLoop.add_reader:
                raise NotImplementedError
            original(self, fd, handler, events)

        return add_handler

    wrap_method(ref, "add_handler", lie)


@saboteur(
    "twisted-refuses-to-install",
    "install() says that there is a reactor already.",
    chapters="core.bridges",
    kills=("bridge.twisted.install", "bridge.twisted.reactor-starts-with-the-loop", "bridge.twisted.resolver"),
)
def _refuse_install(ref: Patches) -> None:
    from twisted.internet.error import ReactorAlreadyInstalledError

    def install(io_loop: object = None) -> None:
        raise ReactorAlreadyInstalledError("reactor already installed")

    ref.replace(bridge(ref, "twisted"), "install", install)


@saboteur(
    "twisted-deferred-is-none",
    "Waiting for a Deferred gives None at once.",
    chapters="core.bridges",
    kills=("bridge.twisted.deferred", "bridge.twisted.deferred-cancelled"),
)
def _deferred_none(ref: Patches) -> None:
    from twisted.internet.defer import Deferred

    original = ref.gen.convert_yielded

    def convert_yielded(yielded: Any) -> Any:
        if not isinstance(yielded, Deferred):
            return original(yielded)
        future = ref.concurrent.Future()
        future.set_result(None)
        return future

    convert_yielded.register = original.register  # type: ignore[attr-defined]
    ref.replace(ref.gen, "convert_yielded", convert_yielded)


@saboteur(
    "twisted-loop-without-a-reactor",
    "TwistedIOLoop is the current loop, whatever the reactor.",
    chapters="core.bridges",
    kills=("bridge.twisted.loop-on-a-reactor", "bridge.twisted.loop-needs-asyncio"),
)
def _without_reactor(ref: Patches) -> None:
    ref.replace(bridge(ref, "twisted"), "TwistedIOLoop", lambda reactor=None, **named: ref.ioloop.IOLoop.current())
