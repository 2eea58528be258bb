"""Futures

A Future stands for a result that is not there yet. ``concurrent.Future`` is asyncio's own class; thread pools have
another one, in ``concurrent.futures``, which cannot be awaited. ``is_future()`` knows both, ``chain_future()`` copies
the outcome of one to another, whatever their kinds, and the ``future_...`` helpers say in their names what happens when
somebody has cancelled the Future meanwhile: a result is dropped, an exception is logged, for an error must not vanish.

``run_on_executor`` turns a blocking method into one that returns a Future.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import sys
import threading
from typing import Any

import pytest

from conformance import api, compat, doc, each, labelled, must, observed
from conformance.standins import logged, turns


def of_asyncio() -> Any:
    """A pending Future that can be awaited."""
    return api.concurrent.Future()


def of_a_pool() -> Any:
    """A pending Future of the kind that thread pools return."""
    return concurrent.futures.Future()


KINDS = [
    labelled("asyncio-to-asyncio", (of_asyncio, of_asyncio)),
    labelled("pool-to-asyncio", (of_a_pool, of_asyncio)),
    labelled("asyncio-to-pool", (of_asyncio, of_a_pool)),
    labelled("pool-to-pool", (of_a_pool, of_a_pool)),
]


@must(
    "futures.is-future.both-kinds",
    "is_future() says yes to Futures of asyncio and of thread pools, and no to other things, awaitables included.",
    doc("concurrent.is_future"),
)
async def test_is_future():
    coroutine = api.gen.sleep(0).__await__()
    task = asyncio.ensure_future(asyncio.sleep(0))
    assert [api.concurrent.is_future(x) for x in (of_asyncio(), task, of_a_pool())] == [True, True, True]
    assert [api.concurrent.is_future(x) for x in (coroutine, None, 3, asyncio.Future)] == [False] * 4
    assert isinstance(of_a_pool(), api.concurrent.FUTURES)
    await task


# -- chain_future -----------------------------------------------------------------------------------------------------


@must(
    "futures.chain.result",
    "chain_future(a, b) gives b the result of a when it comes, whatever kinds of Futures they are.",
    doc("concurrent.chain_future"),
)
@each(kinds=KINDS)
async def test_chain_result(kinds):
    a, b = (make() for make in kinds)
    api.concurrent.chain_future(a, b)
    await turns()
    assert not b.done()
    a.set_result("result")
    await turns()
    assert b.result(*[0] * isinstance(b, concurrent.futures.Future)) == "result"


@must(
    "futures.chain.exception",
    "chain_future(a, b) gives b the exception of a.",
    doc("concurrent.chain_future"),
)
@each(kinds=KINDS)
async def test_chain_exception(kinds):
    a, b = (make() for make in kinds)
    api.concurrent.chain_future(a, b)
    error = KeyError("broken")
    a.set_exception(error)
    await turns()
    assert b.done()
    assert b.exception() is error


@compat(
    "futures.chain.cancellation",
    "If a is cancelled, so is b; the other way round a goes on.",
    observed("core-futures"),
)
@each(kinds=KINDS)
async def test_chain_cancellation(kinds):
    a, b = (make() for make in kinds)
    api.concurrent.chain_future(a, b)
    a.cancel()
    await turns()
    assert b.cancelled()
    a, b = (make() for make in kinds)
    api.concurrent.chain_future(a, b)
    b.cancel()
    await turns()
    assert not a.done()


@must(
    "futures.chain.done-already",
    "a may be done before; and b may be done, or cancelled, before a is, which then changes nothing and is no error.",
    doc("concurrent.chain_future"),
)
@each(kinds=KINDS)
async def test_chain_done(caplog, kinds):
    a, b = (make() for make in kinds)
    a.set_result("early")
    api.concurrent.chain_future(a, b)
    await turns()
    assert b.done()
    assert b.result() == "early"
    a, b = (make() for make in kinds)
    api.concurrent.chain_future(a, b)
    b.set_result("its own")
    a.set_result("too late")
    await turns()
    assert (b.result(), caplog.records) == ("its own", [])


@must(
    "futures.chain.from-a-thread",
    "When a pool's Future is done on its thread, the other one is set on the loop's, and waiters wake up.",
    doc("concurrent.chain_future"),
)
async def test_chain_thread(clock):
    source, target, threads = of_a_pool(), of_asyncio(), []
    target.add_done_callback(lambda _: threads.append(threading.current_thread()))
    api.concurrent.chain_future(source, target)
    worker = threading.Thread(target=source.set_result, args=("from afar",))
    worker.start()
    assert await target == "from afar"
    worker.join()
    assert threads == [threading.main_thread()]


# -- setting what may be cancelled ------------------------------------------------------------------------------------


@must(
    "futures.set-result.unless-cancelled",
    "future_set_result_unless_cancelled() sets the result, or does nothing if the Future was cancelled.",
    doc("concurrent.future_set_result_unless_cancelled"),
)
async def test_set_result():
    wanted, given_up = of_asyncio(), of_asyncio()
    given_up.cancel()
    for future in (wanted, given_up):
        api.concurrent.future_set_result_unless_cancelled(future, 5)
    assert wanted.result() == 5
    assert given_up.cancelled()


@must(
    "futures.set-exception.unless-cancelled",
    "future_set_exception_unless_cancelled() sets the exception; if the Future was cancelled, it logs the exception.",
    doc("concurrent.future_set_exception_unless_cancelled"),
)
async def test_set_exception(caplog):
    wanted, given_up = of_asyncio(), of_asyncio()
    given_up.cancel()
    api.concurrent.future_set_exception_unless_cancelled(wanted, KeyError("wanted"))
    assert isinstance(wanted.exception(), KeyError)
    assert logged(caplog) == []
    api.concurrent.future_set_exception_unless_cancelled(given_up, OSError("nobody's"))
    assert given_up.cancelled()
    assert logged(caplog) == [OSError]


@must(
    "futures.set-exc-info.sets-the-exception",
    "future_set_exc_info() sets the exception of a sys.exc_info() triple, with its traceback.",
    doc("concurrent.future_set_exc_info"),
)
async def test_set_exc_info():
    future = of_asyncio()
    try:
        {}["missing"]
    except KeyError as error:
        api.concurrent.future_set_exc_info(future, sys.exc_info())
        expected = error
    assert future.exception() is expected
    assert expected.__traceback__ is not None


@compat(
    "futures.set-exc-info.needs-an-exception",
    "future_set_exc_info() with a triple of None raises an exception, and leaves the Future alone.",
    observed("core-futures"),
)
async def test_set_exc_info_empty():
    future = of_asyncio()
    with pytest.raises(Exception, match="exception"):
        api.concurrent.future_set_exc_info(future, (None, None, None))
    assert not future.done()


@must(
    "futures.done-callback.at-once-if-done",
    "future_add_done_callback() calls at once if the Future is done, and when it is done if it is not.",
    doc("concurrent.future_add_done_callback"),
)
@each(make=[labelled("asyncio", of_asyncio), labelled("pool", of_a_pool)])
async def test_done_callback(make):
    early, late, seen = make(), make(), []
    early.set_result(1)
    api.concurrent.future_add_done_callback(early, seen.append)
    assert seen == [early]
    api.concurrent.future_add_done_callback(late, seen.append)
    await turns()
    assert seen == [early]
    late.set_result(2)
    await turns()
    assert seen == [early, late]


# -- executors --------------------------------------------------------------------------------------------------------


def worker_class() -> type:
    """Return a class with blocking methods, decorated in each of the ways."""
    run_on_executor = api.concurrent.run_on_executor

    class Worker:
        def __init__(self) -> None:
            self.executor = self.other = api.concurrent.dummy_executor

        @run_on_executor
        def bare(self, x: Any) -> Any:
            return threading.current_thread(), x

        @run_on_executor()
        def called(self, x: Any) -> Any:
            return threading.current_thread(), x

        @run_on_executor(executor="other")
        def named(self, x: Any, y: Any = None) -> Any:
            """Document the method."""
            if y is not None:
                raise y
            return threading.current_thread(), x

    return Worker


@must(
    "futures.run-on-executor.forms",
    "A method under run_on_executor runs on its object's ``executor``, or on the attribute the decorator names.",
    doc("concurrent.run_on_executor"),
)
@each(form=["bare", "called", "named"])
async def test_run_on_executor(form):
    worker = worker_class()()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        setattr(worker, "other" if form == "named" else "executor", pool)
        future = getattr(worker, form)("argument")
        assert asyncio.isfuture(future)
        thread, argument = await future
    assert argument == "argument"
    assert thread is not threading.main_thread()


@must(
    "futures.run-on-executor.exception",
    "What the method raises is raised where its Future is awaited; keywords are passed on, and so is the docstring.",
    doc("concurrent.run_on_executor"),
)
async def test_run_on_executor_exception():
    worker = worker_class()()
    with pytest.raises(KeyError, match="inside"):
        await worker.named(1, y=KeyError("inside"))
    assert worker.named.__doc__ == "Document the method."


@must(
    "futures.run-on-executor.does-not-block",
    "The loop goes on while the method runs.",
    doc("concurrent.run_on_executor"),
)
async def test_run_on_executor_waits():
    class Worker:
        @api.concurrent.run_on_executor
        def wait(self):
            # Set by the loop, which can do so only if it runs meanwhile.
            return ready.wait(2)

    ready, worker = threading.Event(), Worker()
    with concurrent.futures.ThreadPoolExecutor(1) as worker.executor:
        future = worker.wait()
        api.ioloop.IOLoop.current().add_callback(ready.set)
        assert await future is True


@compat(
    "futures.run-on-executor.two-functions",
    "run_on_executor() takes one function: two are a ValueError.",
    observed("core-futures"),
)
def test_run_on_executor_two():
    with pytest.raises(ValueError):
        api.concurrent.run_on_executor(len, len)


@must(
    "futures.run-on-executor.legacy-arguments",
    "The decorator accepts io_loop=, and calls accept callback=, which gets the result.",
    doc("concurrent.run_on_executor"),
    needs=["legacy"],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_run_on_executor_legacy():
    class Worker:
        executor, loop = api.concurrent.dummy_executor, api.ioloop.IOLoop.current()

        @api.concurrent.run_on_executor(io_loop="loop")
        def double(self, x):
            return 2 * x

    seen: list[int] = []
    assert await Worker().double(4, callback=seen.append) == 8
    await turns()
    assert seen == [8]


@compat(
    "futures.dummy-executor.runs-at-once",
    "dummy_executor calls the function in submit() itself, on the caller's thread; the Future is done.",
    observed("core-futures"),
)
def test_dummy_executor():
    executor = api.concurrent.dummy_executor
    assert isinstance(executor, api.concurrent.DummyExecutor)
    assert isinstance(executor, concurrent.futures.Executor)
    future = executor.submit(lambda x, y: (x, y, threading.current_thread()), 1, y=2)
    assert future.done()
    assert future.result(0) == (1, 2, threading.main_thread())
    assert isinstance(executor.submit(int, "x").exception(0), ValueError)
    executor.shutdown()
    assert executor.submit(int, "5").result(0) == 5
