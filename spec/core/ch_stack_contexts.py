"""Legacy: stack contexts

A ``with`` block or a ``try`` around a call says nothing about the callbacks that the call leaves behind: they run
later, from the loop, with an empty stack. Stack contexts were Tornado's answer from 1.1 to 5.1. Inside the block of a
``StackContext`` every callback that is registered with the loop takes the context along; it is entered again, by a new
context manager from the same factory, around each of them. An ``ExceptionStackContext`` is a handler for whatever such
callbacks raise. ``NullContext`` is a block in which nothing is taken along, for what outlives the work that happens to
start it, and ``wrap`` is for libraries that keep callbacks in places of their own.

With coroutines all this has become unnecessary, and it is gone since 6.0. An implementation that does not have it
declares ``legacy`` as unsupported.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from conformance import api, compat, doc, each, labelled, must, observed, should
from conformance.standins import logged, turns

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Log(list[str]):
    """What happened, in order; and contexts that tell it."""

    @contextlib.contextmanager
    def _context(self, name: str) -> Iterator[None]:
        self.append(f"+{name}")
        try:
            yield
        except BaseException:
            self.append(f"!{name}")
            raise
        finally:
            self.append(f"-{name}")

    def context(self, name: str) -> Any:
        """Return a StackContext that logs when it is entered, ``+name``, left, ``-name``, or left by an error."""
        return api.stack_context.StackContext(partial(self._context, name))

    def handler(self, name: str, handled: Any = True) -> Any:
        """Return an ExceptionStackContext that logs the type of each exception."""

        def handle(kind: Any, value: Any, tb: Any) -> Any:
            assert isinstance(value, kind)
            self.append(f"{name}:{kind.__name__}")
            return handled

        return api.stack_context.ExceptionStackContext(handle)

    def note(self, what: str) -> Any:
        """Return a function of any arguments that logs ``what``."""
        return lambda *_, **__: self.append(what)

    def take(self) -> str:
        """Return the log as one text, and begin a new one."""
        text = " ".join(self)
        self.clear()
        return text


@pytest.fixture
def log() -> Log:
    """An empty log."""
    return Log()


def fail(*_: Any) -> None:
    """Raise."""
    raise KeyError("in a callback")


def loop() -> Any:
    """The loop of the case."""
    return api.ioloop.IOLoop.current()


def finished() -> Any:
    """A Future that is done."""
    return api.gen.maybe_future(None)


# -- contexts follow callbacks ----------------------------------------------------------------------------------------

REGISTER = [
    labelled("add_callback", lambda call: loop().add_callback(call)),
    labelled("call_later", lambda call: loop().call_later(1, call)),
    labelled("call_at", lambda call: loop().call_at(loop().time() + 1, call)),
    labelled("add_timeout", lambda call: loop().add_timeout(timedelta(seconds=1), call)),
    labelled("add_future", lambda call: loop().add_future(finished(), call)),
]


@must(
    "legacy.stack-context.follows-callbacks",
    "A callback registered with the loop in a StackContext runs in a new context of the same factory.",
    doc("stack_context.StackContext"),
    needs=["legacy"],
)
@each(way=REGISTER)
async def test_follows(clock, log, way):
    with log.context("A"):
        way(log.note("callback"))
        assert log.take() == "+A"
    assert log.take() == "-A"
    await api.gen.sleep(2)
    assert log.take() == "+A callback -A"


@must(
    "legacy.stack-context.follows-handlers",
    "So does the handler of a descriptor, each time it is called.",
    doc("stack_context.StackContext"),
    needs=["legacy"],
)
async def test_follows_handlers(log):
    ours, theirs = socket.socketpair()
    done = api.concurrent.Future()

    def on_event(sock, events):
        log.append(sock.recv(1).decode())
        if log[-1] == "y":
            done.set_result(None)

    with ours, theirs:
        with log.context("A"):
            loop().add_handler(ours, on_event, api.ioloop.IOLoop.READ)
        assert log.take() == "+A -A"
        theirs.send(b"xy")
        await done
        loop().remove_handler(ours)
    assert log.take() == "+A x -A +A y -A"


@must(
    "legacy.stack-context.nested",
    "Nested contexts are entered in order, the outermost first, also for callbacks of callbacks.",
    doc("stack_context.StackContext"),
    needs=["legacy"],
)
async def test_nested(log):
    with log.context("A"), log.context("B"):
        loop().add_callback(loop().add_callback, log.note("callback"))
    assert log.take() == "+A +B -B -A"
    await turns()
    assert log.take() == "+A +B -B -A +A +B callback -B -A"


@must(
    "legacy.stack-context.own-callbacks-only",
    "A context follows what is registered inside its block only; two pieces of work do not get each other's.",
    doc("stack_context.StackContext"),
    needs=["legacy"],
)
async def test_own_only(log):
    for name in "AB":
        with log.context(name):
            loop().add_callback(log.note(f"of {name}"))
    loop().add_callback(log.note("of none"))
    log.clear()
    await turns()
    assert log.take() == "+A of A -A +B of B -B of none"


@must(
    "legacy.stack-context.spawn-callback",
    "spawn_callback() takes no context along: it is for work on its own account.",
    doc("ioloop.IOLoop.spawn_callback"),
    needs=["legacy"],
)
async def test_spawn(log):
    with log.context("A"):
        loop().spawn_callback(loop().add_callback, log.note("callback"))
    await turns()
    assert log.take() == "+A -A callback"


@must(
    "legacy.null-context.block",
    "In the block of a NullContext nothing is taken along; after it the contexts outside are in force again.",
    doc("stack_context.NullContext"),
    needs=["legacy"],
)
async def test_null_context(log):
    with log.context("A"):
        with api.stack_context.NullContext():
            loop().add_callback(log.note("free"))
        loop().add_callback(log.note("bound"))
    await turns()
    assert log.take() == "+A -A free +A bound -A"


@compat(
    "legacy.stack-context.deactivate",
    "``with`` gives a function that takes the context out of force, for callbacks that have it already, too.",
    observed("legacy-stack-contexts"),
    needs=["legacy"],
)
async def test_deactivate(log):
    with log.context("A") as deactivate, log.context("B"):
        loop().add_callback(log.note("first"))
        deactivate()
        loop().add_callback(log.note("second"))
    log.clear()
    await turns()
    assert log.take() == "+B first -B +B second -B"


@must(
    "legacy.stack-context.order",
    "Leaving contexts in another order than they were entered is a StackContextInconsistentError.",
    doc("stack_context.StackContextInconsistentError"),
    needs=["legacy"],
)
def test_order(log):
    def twist():
        outer, inner = log.context("A"), log.context("B")
        outer.__enter__()
        inner.__enter__()
        outer.__exit__(None, None, None)

    # What is in force after this is nobody's business.
    with pytest.raises(api.stack_context.StackContextInconsistentError):
        contextvars.Context().run(twist)


# -- exceptions -------------------------------------------------------------------------------------------------------


@must(
    "legacy.exceptions.handler",
    "An ExceptionStackContext's handler gets what callbacks raise; if it returns true that is the end of it.",
    doc("stack_context.ExceptionStackContext"),
    needs=["legacy"],
)
async def test_handler(log, caplog):
    with log.handler("H"):
        loop().add_callback(loop().add_callback, fail)
        loop().add_callback(log.note("another"))
    await turns()
    assert log.take() == "another H:KeyError"
    assert logged(caplog) == []


@must(
    "legacy.exceptions.not-handled",
    "If a handler returns false or None, the one outside is asked; what no handler takes is logged.",
    doc("stack_context.ExceptionStackContext"),
    needs=["legacy"],
)
@each(answer=[False, None])
async def test_not_handled(log, caplog, answer):
    with log.handler("outer"):
        with log.handler("inner", answer):
            loop().add_callback(fail)
    with log.handler("only", answer):
        loop().add_callback(fail)
    await turns()
    assert log.take() == "inner:KeyError outer:KeyError only:KeyError"
    assert logged(caplog) == [KeyError]


@must(
    "legacy.exceptions.in-the-block",
    "A handler is asked about exceptions of its block itself, too.",
    doc("stack_context.ExceptionStackContext"),
    needs=["legacy"],
)
def test_in_block(log):
    with log.handler("H"):
        fail()
    assert log.take() == "H:KeyError"
    with pytest.raises(KeyError):
        with log.handler("H", False):
            fail()


@compat(
    "legacy.exceptions.order",
    "Contexts inside the handler are left by the exception before it is asked, those outside are left without one.",
    observed("legacy-stack-contexts"),
    needs=["legacy"],
)
async def test_exception_order(log):
    with log.context("A"), log.handler("H"), log.context("B"):
        loop().add_callback(fail)
    log.clear()
    await turns()
    assert log.take() == "+A +B !B -B H:KeyError -A"


@compat(
    "legacy.exceptions.replaced",
    "A handler that raises another exception hands that on to the handler outside.",
    observed("legacy-stack-contexts"),
    needs=["legacy"],
)
async def test_replaced(log):
    def translate(kind, value, tb):
        raise OSError("in other words") from value

    with log.handler("outer"):
        with api.stack_context.ExceptionStackContext(translate):
            loop().add_callback(fail)
    await turns()
    assert log.take() == "outer:OSError"


@should(
    "legacy.exceptions.context-swallows",
    "A StackContext whose context manager suppresses an exception has handled it, as in any with statement.",
    doc("stack_context.StackContext"),
    needs=["legacy"],
)
async def test_swallowed(log, caplog):
    with log.handler("outer"):
        with api.stack_context.StackContext(lambda: contextlib.suppress(KeyError)):
            loop().add_callback(fail)
    await turns()
    assert (log.take(), logged(caplog)) == ("", [])


@compat(
    "legacy.exceptions.entering-fails",
    "If a context cannot be entered again, its callback does not run, and the handler outside gets the exception.",
    observed("legacy-stack-contexts"),
    needs=["legacy"],
)
async def test_entering_fails(log):
    managers = iter([contextlib.nullcontext()])

    def factory():
        for manager in managers:
            return manager
        raise OSError("no more")

    with log.handler("outer"):
        with api.stack_context.StackContext(factory):
            loop().add_callback(log.note("callback"))
    await turns()
    assert log.take() == "outer:OSError"


@compat(
    "legacy.exceptions.handler-keeps-the-contexts",
    "What a handler registers runs in the contexts of the callback that failed: its errors come to the handler, too.",
    observed("legacy-stack-contexts"),
    needs=["legacy"],
)
async def test_handler_keeps_contexts(log, caplog):
    def handle(kind, value, tb):
        log.append("handled")
        if len(log) < 3:
            loop().add_callback(fail)
        return True

    with api.stack_context.ExceptionStackContext(handle):
        loop().add_callback(fail)
    await turns()
    assert log.take() == "handled handled handled"
    assert logged(caplog) == []


# -- wrap -------------------------------------------------------------------------------------------------------------


@must(
    "legacy.wrap.contexts-of-the-wrapping",
    "A wrapped function runs in the contexts that were in force when it was wrapped, and in no others.",
    doc("stack_context.wrap"),
    needs=["legacy"],
)
async def test_wrap(log):
    def register(*args, **kwargs):
        loop().add_callback(log.note("callback"))
        return args, kwargs

    free = api.stack_context.wrap(register)
    with log.context("A"):
        bound = api.stack_context.wrap(register)
    with log.context("B"):
        log.clear()
        assert free(1) == ((1,), {})
        assert log.take() == ""
        assert bound(2, x=3) == ((2,), {"x": 3})
        assert log.take() == "+A -A"
    log.clear()
    await turns()
    assert log.take() == "callback +A callback -A"


@must(
    "legacy.wrap.once",
    "Wrapping twice is the same as once, and None stays None.",
    doc("stack_context.wrap"),
    needs=["legacy"],
)
async def test_wrap_once(log):
    with log.context("A"):
        wrapped = api.stack_context.wrap(log.note("called"))
    with log.context("B"):
        again = api.stack_context.wrap(wrapped)
        loop().add_callback(wrapped)
    log.clear()
    again()
    await turns()
    assert log.take() == "+A called -A +A called -A"
    assert api.stack_context.wrap(None) is None


@must(
    "legacy.wrap.exceptions",
    "An exception of a wrapped function goes to its handlers; then the call returns None. Else the call raises it.",
    doc("stack_context.wrap"),
    needs=["legacy"],
)
def test_wrap_exceptions(log):
    with log.handler("H"):
        handled = api.stack_context.wrap(fail)
    with log.handler("H", False):
        refused = api.stack_context.wrap(fail)
    assert handled() is None
    with pytest.raises(KeyError):
        refused()
    assert log.take() == "H:KeyError H:KeyError"


@must(
    "legacy.wrap.threads",
    "Contexts belong to their thread; a wrapped function takes them to another one and back.",
    doc("stack_context.wrap"),
    needs=["legacy"],
)
async def test_threads(log):
    with log.context("A"):
        wrapped = api.stack_context.wrap(log.note("wrapped"))
        for call in (log.note("plain"), wrapped):
            thread = threading.Thread(target=loop().add_callback, args=(call,))
            thread.start()
            thread.join()
    log.clear()
    await turns()
    assert log.take() == "plain +A wrapped -A"


# -- coroutines -------------------------------------------------------------------------------------------------------


@must(
    "legacy.stack-context.resumes-coroutines",
    "A generator coroutine that was started in a context is resumed in it each time.",
    doc("stack_context.run_with_stack_context"),
    needs=["legacy"],
)
async def test_coroutine(log):
    @api.gen.coroutine
    def work():
        log.append("one")
        yield api.gen.moment
        log.append("two")
        loop().add_callback(log.note("callback"))

    with log.context("A"):
        future = work()
    assert log.take() == "+A one -A"
    await future
    await turns()
    assert log.take() == "+A two -A +A callback -A"


@must(
    "legacy.stack-context.run-with",
    "run_with_stack_context(context, func) calls func in the context, so that a coroutine can yield what comes of it.",
    doc("stack_context.run_with_stack_context"),
    needs=["legacy"],
)
async def test_run_with(log):
    @api.gen.coroutine
    def inner():
        yield api.gen.moment
        log.append("inner")
        return "result"

    @api.gen.coroutine
    def outer():
        result = yield api.stack_context.run_with_stack_context(log.context("A"), inner)
        loop().add_callback(log.note("outer"))
        return result

    assert await outer() == "result"
    await turns()
    assert log.take() == "+A -A +A inner -A outer"


@must(
    "legacy.stack-context.yield-inside",
    "A yield inside the block is refused there with StackContextInconsistentError: others would run in the context.",
    doc("stack_context.run_with_stack_context"),
    needs=["legacy"],
)
@each(context=["StackContext", "ExceptionStackContext"])
async def test_yield_inside(log, context):
    @api.gen.coroutine
    def work():
        with log.context("A") if context == "StackContext" else log.handler("A", False):
            yield api.gen.moment
            log.append("went on")

    with pytest.raises(api.stack_context.StackContextInconsistentError):
        await work()
    expected = {"StackContext": "+A !A -A", "ExceptionStackContext": "A:StackContextInconsistentError"}
    assert log.take() == expected[context]
    loop().add_callback(log.note("free"))
    await turns()
    assert log.take() == "free"


@compat(
    "legacy.exceptions.of-coroutines",
    "What a coroutine raises stays in its Future; what an engine raises goes to the handler.",
    observed("legacy-stack-contexts"),
    needs=["legacy"],
)
async def test_exceptions_of_coroutines(log):
    def work():
        yield api.gen.moment
        raise KeyError("in a generator")

    with log.handler("H"):
        future = api.gen.coroutine(work)()
    with pytest.raises(KeyError):
        await future
    assert log.take() == ""
    with log.handler("H"):
        api.gen.engine(work)()
    await turns()
    assert log.take() == "H:KeyError"


@must(
    "legacy.exceptions.of-callback-arguments",
    "A coroutine called with callback= that fails raises its exception into the contexts of the call.",
    doc("gen.coroutine"),
    needs=["legacy"],
)
@each(kind=["coroutine", "return_future"])
async def test_exceptions_of_callbacks(log, kind):
    @api.gen.coroutine
    def work():
        yield api.gen.moment
        fail()

    @api.concurrent.return_future
    def old_work(callback):
        loop().add_callback(fail)

    with log.handler("H"):
        (work if kind == "coroutine" else old_work)(callback=log.note("callback"))
    await turns()
    assert log.take() == "H:KeyError"


@should(
    "legacy.stack-context.tasks",
    "Each task of asyncio has contexts of its own, and keeps them while it waits.",
    doc("stack_context.StackContext"),
    needs=["legacy"],
)
async def test_tasks(clock, log):
    async def request(name, seconds):
        with log.context(name):
            await asyncio.sleep(seconds)
            loop().add_callback(log.note(f"of {name}"))
        await asyncio.sleep(10)
        loop().add_callback(log.note("free"))

    await asyncio.gather(request("A", 1), request("B", 2))
    await turns()
    assert log.take() == "+A +B -A +A of A -A -B +B of B -B free free"
