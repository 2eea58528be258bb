"""The insides of ``waterspout._selector_thread``."""

from __future__ import annotations

import asyncio
import gc
import os
import select
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from waterspout import _selector_thread
from waterspout._selector_thread import SelectorThread


@pytest.fixture(params=["poll", "select"], autouse=True)
def _way_to_wait(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both system calls: the second one is all that Windows has."""
    if request.param == "select":
        monkeypatch.delattr(select, "poll")


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop of asyncio."""
    made = asyncio.new_event_loop()
    yield made
    made.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two connected sockets."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def run(loop: asyncio.AbstractEventLoop, prepare: Callable[[], object]) -> None:
    """Run the loop until it is stopped, a minute at most."""
    loop.call_soon(prepare)
    guard = loop.call_later(60, loop.stop)
    loop.run_forever()
    assert not guard.when() < loop.time()
    guard.cancel()


def test_many_rounds_lose_nothing(loop: asyncio.AbstractEventLoop, pair: Any) -> None:
    """Each of a thousand messages there and back is reported."""
    ours, theirs = pair
    watcher = SelectorThread(loop)
    count = 0

    def echo() -> None:
        theirs.send(theirs.recv(10))

    def receive() -> None:
        nonlocal count
        count += len(ours.recv(10))
        if count < 1000:
            ours.send(b"x")
        else:
            loop.stop()

    watcher.add_reader(theirs, echo)
    watcher.add_reader(ours, receive)
    run(loop, lambda: ours.send(b"x"))
    watcher.close()

    assert count == 1000


def test_a_closed_descriptor_is_reported_and_forgotten(loop: asyncio.AbstractEventLoop, pair: Any) -> None:
    """Whoever waits finds out; the thread does not spin, and the others go on."""
    ours, theirs = pair
    watcher = SelectorThread(loop)
    seen: list[str] = []
    number = os.dup(ours.fileno())

    def dead() -> None:
        seen.append("dead")
        theirs.send(b"x")

    def alive() -> None:
        seen.append("alive")
        loop.stop()

    watcher.add_reader(ours, alive)
    watcher.add_reader(number, dead)
    os.close(number)
    # Only now does the thread look again at what it waits for.
    run(loop, lambda: watcher.add_writer(theirs, lambda: watcher.remove_writer(theirs)))

    # A system call that is under way when the descriptor is closed may report it as readable first.
    assert seen in (["dead", "alive"], ["dead", "dead", "alive"])
    assert watcher.remove_reader(number) is False
    watcher.close()


def test_a_failing_callback_goes_to_the_loops_handler(loop: asyncio.AbstractEventLoop, pair: Any) -> None:
    """As with a callback of the loop's own, and the next ones are called."""
    ours, _ = pair
    watcher = SelectorThread(loop)
    contexts: list[Any] = []
    loop.set_exception_handler(lambda _, context: contexts.append(context["exception"]))

    def fail() -> None:
        if contexts:
            loop.stop()
        raise KeyError("own error")

    watcher.add_writer(ours, fail)
    run(loop, lambda: None)
    watcher.close()

    assert [type(error) for error in contexts][:2] == [KeyError, KeyError]


def test_what_is_closed_cannot_be_added(loop: asyncio.AbstractEventLoop, pair: Any) -> None:
    """Its number is gone."""
    ours, _ = pair
    watcher = SelectorThread(loop)
    ours.close()
    with pytest.raises(ValueError, match="closed"):
        watcher.add_reader(ours, print)
    watcher.close()
    watcher.close()


def test_the_thread_ends_with_the_object(loop: asyncio.AbstractEventLoop, pair: Any) -> None:
    """Nobody has to close it; a loop that was closed is not called."""
    before = threading.active_count()
    watcher = SelectorThread(loop)
    watcher.add_writer(pair[0], print)
    assert threading.active_count() == before + 1
    loop.close()
    watcher.remove_writer(pair[0])
    del watcher
    gc.collect()

    assert threading.active_count() == before


def test_the_choice_of_system_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Descriptors beyond select's limit are no problem where there is poll."""
    if not hasattr(select, "poll"):
        with pytest.raises((OSError, ValueError)):
            select.select([100_000], [], [], 0)
        return
    (readable, _), dead = _selector_thread._wait({100_000}, set())
    assert (readable, dead) == ({100_000}, {100_000})
