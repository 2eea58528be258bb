"""Bridges to asyncio and Twisted

The loop is asyncio's. ``IOLoop`` is a second face of it, so code written for either runs beside the other, and a
program may start whichever it likes. Where asyncio's loop cannot watch descriptors, a thread does it for it.

Twisted's reactor runs on the same loop once it is told to, before anything has imported it; a ``Deferred`` can then be
yielded or awaited like a Future.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading

import pytest

from conformance import api, compat, doc, each, labelled, must, observed, seed, should
from conformance.programs import running
from conformance.standins import fetch, turns

# -- asyncio ----------------------------------------------------------------------------------------------------------


@must(
    "bridge.asyncio.shared-loop",
    "Callbacks and timers of both interfaces run on the one loop, in the order in which they were added.",
    doc("platform.asyncio.AsyncIOMainLoop"),
)
async def test_shared_loop(clock):
    seen = []
    loop, io_loop = asyncio.get_running_loop(), api.ioloop.IOLoop.current()
    io_loop.add_callback(seen.append, 1)
    loop.call_soon(seen.append, 2)
    io_loop.add_callback(seen.append, 3)
    loop.call_later(10, seen.append, 4)
    io_loop.call_later(11, seen.append, 5)
    await asyncio.sleep(20)
    assert seen == [1, 2, 3, 4, 5]


@must(
    "bridge.asyncio.main-loop",
    "AsyncIOMainLoop() attaches to the loop that asyncio has for the thread, which asyncio then starts.",
    doc("platform.asyncio.AsyncIOMainLoop"),
)
def test_main_loop():
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    io_loop = api.platform.asyncio.AsyncIOMainLoop(make_current=True)
    seen = []
    io_loop.add_callback(seen.append, "called")

    async def main():
        await asyncio.sleep(0)
        return api.ioloop.IOLoop.current() is io_loop

    assert loop.run_until_complete(main())
    assert (seen, io_loop.asyncio_loop is loop) == (["called"], True)
    io_loop.close()
    assert loop.is_closed()


@must(
    "bridge.asyncio.new-loop",
    "AsyncIOLoop() makes an asyncio loop, its attribute asyncio_loop, or attaches to the one given as asyncio_loop.",
    doc("platform.asyncio.AsyncIOLoop"),
)
@each(given=[False, True])
def test_new_loop(given):
    loop = asyncio.new_event_loop() if given else None
    named = {"asyncio_loop": loop} if given else {}
    io_loop = api.platform.asyncio.AsyncIOLoop(make_current=False, **named)
    assert isinstance(io_loop, api.platform.asyncio.BaseAsyncIOLoop)
    assert isinstance(io_loop, api.ioloop.IOLoop)
    if given:
        assert io_loop.asyncio_loop is loop
    io_loop.run_sync(turns)
    io_loop.close()
    assert io_loop.asyncio_loop.is_closed()


@compat(
    "bridge.asyncio.one-ioloop-for-a-loop",
    "An asyncio loop has one IOLoop: attaching another is refused with RuntimeError, and changes nothing.",
    observed("core-bridges"),
)
async def test_one_ioloop():
    io_loop = api.ioloop.IOLoop.current()
    with pytest.raises(RuntimeError):
        api.platform.asyncio.AsyncIOLoop(asyncio_loop=asyncio.get_running_loop(), make_current=False)
    assert api.ioloop.IOLoop.current() is io_loop


@must(
    "bridge.asyncio.futures-both-ways",
    "to_asyncio_future() makes what coroutines may yield awaitable for asyncio, to_tornado_future() the other way.",
    doc("platform.asyncio.to_asyncio_future"),
    doc("platform.asyncio.to_tornado_future"),
    seed("SEED-157"),
)
async def test_futures(clock):
    bridge = api.platform.asyncio
    assert await asyncio.wait_for(bridge.to_asyncio_future(fetch("/a", 2)), 5) == "page of /a"
    assert await asyncio.gather(bridge.to_asyncio_future([fetch("/b", 1), asyncio.sleep(2)])) == [["page of /b", None]]

    @api.gen.coroutine
    def decorated():
        return (yield bridge.to_tornado_future(asyncio.sleep(3, "slept")))

    assert await decorated() == "slept"
    assert clock.elapsed == 7


@must(
    "bridge.asyncio.any-thread-policy",
    "With AnyThreadEventLoopPolicy, deprecated, asyncio.get_event_loop() makes a loop in every thread that has none.",
    doc("platform.asyncio.AnyThreadEventLoopPolicy"),
)
def test_any_thread_policy():
    before = asyncio.get_event_loop_policy()
    with pytest.warns(DeprecationWarning, match="asyncio"):
        policy = api.platform.asyncio.AnyThreadEventLoopPolicy()
    found = []

    def work():
        found.extend([asyncio.get_event_loop(), asyncio.get_event_loop()])
        found[0].close()

    asyncio.set_event_loop_policy(policy)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        asyncio.set_event_loop_policy(before)
    assert isinstance(found[0], asyncio.AbstractEventLoop)
    assert found[0] is found[1]


class Unwatching(asyncio.SelectorEventLoop):
    """A loop like the proactor of Windows: it watches no descriptors for others."""

    add_reader = asyncio.AbstractEventLoop.add_reader
    add_writer = asyncio.AbstractEventLoop.add_writer
    remove_reader = asyncio.AbstractEventLoop.remove_reader
    remove_writer = asyncio.AbstractEventLoop.remove_writer


@contextlib.contextmanager
def watching(make):
    """Open two connected sockets, a loop that watches nothing, and what ``make`` adds to it."""
    loop = Unwatching()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        added = make(loop)
        try:
            yield loop, added, ours, theirs
        finally:
            added.close()
            loop.close()


ADDED = [
    labelled("thread", lambda loop: api.platform.asyncio.SelectorThread(loop)),
    labelled("loop", lambda loop: api.platform.asyncio.AddThreadSelectorEventLoop(loop)),
]


@must(
    "bridge.selector-thread.calls-on-the-loop",
    "SelectorThread and AddThreadSelectorEventLoop give any loop add_reader() and its kin; it calls in its own thread.",
    doc("platform.asyncio.SelectorThread"),
    doc("platform.asyncio.AddThreadSelectorEventLoop"),
)
@each(make=ADDED)
def test_selector_thread(make):
    with watching(make) as (loop, added, ours, theirs):
        seen = []

        def readable(name):
            seen.append((name, ours.recv(10), threading.current_thread() is threading.main_thread()))
            added.remove_reader(ours)
            added.add_writer(ours, writable, "writes")

        def writable(name):
            seen.append(name)
            added.remove_writer(ours)
            loop.stop()

        added.add_reader(ours, readable, "reads")
        loop.call_soon(theirs.send, b"x")
        loop.run_forever()
        assert seen == [("reads", b"x", True), "writes"]


@must(
    "bridge.selector-thread.again-and-again",
    "As long as a descriptor is ready it is reported again; after its callback is removed, it is not.",
    doc("platform.asyncio.SelectorThread"),
)
@each(make=ADDED)
def test_selector_thread_again(make):
    with watching(make) as (loop, added, ours, theirs):
        seen = []

        def readable():
            seen.append(ours.recv(1))
            if len(seen) == 3:
                added.remove_reader(ours)
                loop.call_later(0.01, loop.stop)

        added.add_reader(ours, readable)
        theirs.send(b"abcd")
        loop.run_forever()
        assert seen == [b"a", b"b", b"c"]


@must(
    "bridge.selector-thread.close",
    "close() ends the thread; that of AddThreadSelectorEventLoop closes the wrapped loop as well.",
    doc("platform.asyncio.AddThreadSelectorEventLoop"),
)
def test_selector_thread_close():
    before = threading.active_count()
    loop = Unwatching()
    wrapper = api.platform.asyncio.AddThreadSelectorEventLoop(loop)
    wrapper.run_until_complete(turns())
    assert threading.active_count() == before + 1
    wrapper.close()
    assert (threading.active_count(), loop.is_closed()) == (before, True)


@should(
    "bridge.selector-thread.used-by-ioloop",
    "add_handler() works on a loop that cannot watch descriptors, too; closing the IOLoop leaves no thread behind.",
    doc("platform.asyncio.AddThreadSelectorEventLoop"),
)
def test_selector_thread_used():
    before = threading.active_count()
    io_loop = api.platform.asyncio.AsyncIOLoop(asyncio_loop=Unwatching(), make_current=False)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        seen = []

        def handler(fd, events):
            seen.append((fd, events, ours.recv(10)))
            io_loop.remove_handler(fd)
            io_loop.stop()

        io_loop.add_handler(ours, handler, io_loop.READ)
        io_loop.add_callback(theirs.send, b"x")
        io_loop.start()
        io_loop.close()
        assert (seen, threading.active_count()) == ([(ours, io_loop.READ, b"x")], before)


# -- Twisted ----------------------------------------------------------------------------------------------------------

TWISTED = """
from PACKAGE import gen, ioloop
from PACKAGE.platform import twisted as bridge
"""


INSTALLED = (
    TWISTED
    + """
bridge.install()
from twisted.internet import reactor

async def main():
    await gen.sleep(0)
    print("loop:", ioloop.IOLoop.current(instance=False) is not None)
    reactor.callLater(0.001, finish)

def finish():
    print("reactor:", reactor.running)
    reactor.stop()

ioloop.IOLoop.current().add_callback(main)
reactor.addSystemEventTrigger("before", "shutdown", print, "shutdown")
reactor.run()
"""
)


@must(
    "bridge.twisted.install",
    "install() makes a reactor on the loop the one that Twisted uses; running it runs both.",
    doc("platform.twisted.install"),
    seed("SEED-265"),
)
def test_twisted_install(target):
    with running(target, INSTALLED) as program:
        assert (program.ended(), program.printed()) == (0, "loop: True\nreactor: True\nshutdown\n")


@must(
    "bridge.twisted.deferred",
    "Coroutines of both kinds wait for a Deferred: they get its result, or its exception.",
    doc("platform.twisted"),
)
async def test_deferred(clock):
    from twisted.internet import defer

    # Importing the module is what makes the difference.
    assert api.platform.twisted.install
    convert = api.gen.convert_yielded

    @api.gen.coroutine
    def decorated(deferred):
        return (yield deferred)

    for wait in (convert, decorated):
        later = defer.Deferred()
        asyncio.get_running_loop().call_later(5, later.callback, "fired")
        assert await wait(later) == "fired"
        assert await wait(defer.succeed(3)) == 3
        with pytest.raises(KeyError, match="own error"):
            await wait(defer.fail(KeyError("own error")))
    assert clock.elapsed == 10


@should(
    "bridge.twisted.deferred-cancelled",
    "Cancelling the wait for a Deferred cancels the Deferred, and nothing is logged.",
    doc("platform.twisted"),
)
async def test_deferred_cancelled(caplog):
    from twisted.internet import defer

    cancelled = []
    assert api.platform.twisted.install
    future = api.gen.convert_yielded(defer.Deferred(cancelled.append))
    future.cancel()
    await turns()
    assert (len(cancelled), caplog.records) == (1, [])


STARTED = (
    TWISTED
    + "reactor = MAKE\n"
    + """
def begin():
    print("running:", reactor.running)
    reactor.callInThread(reactor.callFromThread, reactor.callLater, 0.001, reactor.stop)

reactor.callWhenRunning(begin)
reactor.addSystemEventTrigger("before", "shutdown", print, "shutdown")
ioloop.IOLoop.current().start()
print("running:", reactor.running)
"""
)


@must(
    "bridge.twisted.reactor-starts-with-the-loop",
    "A reactor of install() or TornadoReactor() starts with the loop; its stop() runs its triggers and stops the loop.",
    doc("platform.twisted.TornadoReactor"),
    needs=("legacy",),
)
@each(make=["bridge.install()", "bridge.TornadoReactor()"])
def test_tornado_reactor(target, make):
    source = STARTED.replace("MAKE", make)
    with running(target, source) as program:
        assert (program.ended(), program.printed()) == (0, "running: True\nshutdown\nrunning: False\n")


ON_A_REACTOR = (
    """
from twisted.internet import asyncioreactor
asyncioreactor.install()
"""
    + TWISTED
    + """
io_loop = bridge.TwistedIOLoop()
from twisted.internet import reactor

async def main():
    await gen.sleep(0)
    return ioloop.IOLoop.current() is io_loop, reactor.running

print(io_loop.reactor is reactor, io_loop.run_sync(main))
reactor.callLater(0, reactor.stop)
io_loop.start()
print(reactor.running)
"""
)


@must(
    "bridge.twisted.loop-on-a-reactor",
    "TwistedIOLoop is an IOLoop on a reactor, the global one by default; starting it starts the reactor.",
    doc("platform.twisted.TwistedIOLoop"),
    needs=("legacy",),
)
def test_twisted_loop(target):
    with running(target, ON_A_REACTOR) as program:
        assert (program.ended(), program.printed()) == (0, "True (True, True)\nFalse\n")


@must(
    "bridge.twisted.loop-needs-asyncio",
    "On a reactor that has no asyncio loop, TwistedIOLoop says what to do instead.",
    doc("platform.twisted.TwistedIOLoop"),
    needs=("legacy",),
)
def test_twisted_loop_refused():
    from twisted.internet.selectreactor import SelectReactor

    reactor = SelectReactor()
    try:
        with pytest.raises(RuntimeError, match="asyncioreactor"):
            api.platform.twisted.TwistedIOLoop(reactor=reactor)
    finally:
        reactor.waker.connectionLost(None)


RESOLVING = (
    TWISTED
    + """
import socket
reactor = bridge.install()

async def main():
    resolver = bridge.TwistedResolver()
    for host, family in ("localhost", 0), ("127.0.0.1", socket.AF_INET), ("::1", 0), ("127.0.0.1", socket.AF_INET6):
        try:
            print([(int(found), address[:2]) for found, address in await resolver.resolve(host, 80, family)])
        except OSError as error:
            print("OSError")
    resolver.close()

ioloop.IOLoop.current().run_sync(main)
"""
)


@must(
    "bridge.twisted.resolver",
    "TwistedResolver gives one address of a host and port; OSError when it has none of the family asked for.",
    doc("platform.twisted.TwistedResolver"),
    needs=("legacy",),
)
def test_twisted_resolver(target):
    with running(target, RESOLVING) as program:
        v4, v6 = "[(2, ('127.0.0.1', 80))]", f"[({int(socket.AF_INET6)}, ('::1', 80))]"
        assert (program.ended(), program.printed().splitlines()[1:]) == (0, [v4, v6, "OSError"])
        assert program.printed().splitlines()[0] in (v4, v6)
