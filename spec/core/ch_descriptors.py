"""Descriptors

Below streams, an ``IOLoop`` watches descriptors: sockets, pipes, or bare numbers. A descriptor has one handler, called
with the descriptor as it was given and with what happened, ``IOLoop.READ`` or ``IOLoop.WRITE``, again in each round
for as long as it is ready.

The handler is the loop's, the descriptor is not: ``close()`` leaves it open unless ``all_fds`` says otherwise.
"""

from __future__ import annotations

import contextlib
import os
import socket

import pytest

from conformance import api, compat, doc, each, must, observed, should
from conformance.standins import turns


@contextlib.contextmanager
def connected():
    """Open two connected sockets that do not block, with the loop of the case."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for end in (ours, theirs):
            end.setblocking(False)
        yield api.ioloop.IOLoop.current(), ours, theirs


class Handler:
    """Notes what it is called with."""

    def __init__(self):
        self.calls = []
        self._waiting = []

    def __call__(self, fd, events):
        self.calls.append((fd, events))
        while self._waiting:
            self._waiting.pop().set_result((fd, events))

    def call(self):
        """Return a Future of the arguments of the next call."""
        self._waiting.append(api.concurrent.Future())
        return self._waiting[-1]


@must(
    "loop.handlers.reading",
    "A handler added for READ is called with the descriptor and READ when there is something to read, and not before.",
    doc("ioloop.IOLoop.add_handler"),
)
async def test_reading():
    with connected() as (io_loop, ours, theirs):
        handler = Handler()
        io_loop.add_handler(ours, handler, io_loop.READ)
        await turns()
        assert handler.calls == []
        theirs.send(b"x")
        assert await handler.call() == (ours, io_loop.READ)
        io_loop.remove_handler(ours)


@must(
    "loop.handlers.writing",
    "A handler added for WRITE is called with the descriptor and WRITE when it can be written to, and not before.",
    doc("ioloop.IOLoop.add_handler"),
)
async def test_writing():
    with connected() as (io_loop, ours, theirs):
        with contextlib.suppress(BlockingIOError):
            while True:
                ours.send(bytes(65536))
        handler = Handler()
        io_loop.add_handler(ours, handler, io_loop.WRITE)
        await turns()
        assert handler.calls == []
        with contextlib.suppress(BlockingIOError):
            while True:
                theirs.recv(65536)
        assert await handler.call() == (ours, io_loop.WRITE)
        io_loop.remove_handler(ours)


@must(
    "loop.handlers.as-given",
    "A descriptor is given as a number or as an object with fileno(), and the handler gets it in that form.",
    doc("ioloop.IOLoop.add_handler"),
)
async def test_as_given():
    read_end, write_end = os.pipe()
    handler = Handler()
    io_loop = api.ioloop.IOLoop.current()
    with os.fdopen(read_end, "rb", 0) as reader, os.fdopen(write_end, "wb", 0) as writer:
        writer.write(b"x")
        for form in (read_end, reader):
            handler = Handler()
            io_loop.add_handler(form, handler, io_loop.READ)
            assert await handler.call() == (form, io_loop.READ)
            io_loop.remove_handler(form)
            assert io_loop.split_fd(form) == (read_end, form)


@must(
    "loop.handlers.again-and-again",
    "As long as a descriptor is ready its handler is called again in each round of the loop.",
    doc("ioloop.IOLoop.add_handler"),
)
async def test_again():
    with connected() as (io_loop, ours, theirs):
        theirs.send(b"x")
        handler = Handler()
        io_loop.add_handler(ours, handler, io_loop.READ)
        for _ in range(5):
            assert await handler.call() == (ours, io_loop.READ)
        io_loop.remove_handler(ours)


@must(
    "loop.handlers.end-of-file",
    "The end of what the peer sends counts as something to read.",
    doc("ioloop.IOLoop.add_handler"),
)
async def test_end_of_file():
    with connected() as (io_loop, ours, theirs):
        handler = Handler()
        io_loop.add_handler(ours, handler, io_loop.READ)
        theirs.close()
        assert (await handler.call())[1] & io_loop.READ
        io_loop.remove_handler(ours)
        assert ours.recv(10) == b""


@must(
    "loop.handlers.update",
    "update_handler() changes what a descriptor is watched for; the handler stays.",
    doc("ioloop.IOLoop.update_handler"),
)
async def test_update():
    with connected() as (io_loop, ours, theirs):
        handler = Handler()
        io_loop.add_handler(ours, handler, io_loop.READ)
        io_loop.update_handler(ours, io_loop.WRITE)
        assert await handler.call() == (ours, io_loop.WRITE)
        io_loop.update_handler(ours, io_loop.READ)
        handler.calls.clear()
        await turns()
        assert handler.calls == []
        theirs.send(b"x")
        assert await handler.call() == (ours, io_loop.READ)
        io_loop.update_handler(ours, io_loop.READ | io_loop.WRITE)
        handler.calls.clear()
        await handler.call()
        await handler.call()
        io_loop.remove_handler(ours)
        # Both at once, or one after the other.
        assert {event for _, events in handler.calls for event in (1, 4) if event & events} == {1, 4}


@must(
    "loop.handlers.remove",
    "remove_handler() ends the calls; the descriptor stays open, and can be given another handler.",
    doc("ioloop.IOLoop.remove_handler"),
)
async def test_remove():
    with connected() as (io_loop, ours, theirs):
        first, second = Handler(), Handler()
        io_loop.add_handler(ours, first, io_loop.READ)
        io_loop.remove_handler(ours)
        theirs.send(b"x")
        await turns()
        io_loop.add_handler(ours, second, io_loop.READ)
        await second.call()
        io_loop.remove_handler(ours)
        assert (first.calls, ours.recv(10)) == ([], b"x")


@must(
    "loop.handlers.removed-by-another",
    "A handler that another one has removed in the same round is not called any more.",
    doc("ioloop.IOLoop.remove_handler"),
)
async def test_removed_by_another():
    with connected() as (io_loop, ours, theirs):
        seen = []

        def handler(fd, events):
            seen.append(fd)
            for end in (ours, theirs):
                io_loop.remove_handler(end)

        for end in (ours, theirs):
            end.send(b"x")
            io_loop.add_handler(end, handler, io_loop.READ)
        await turns()
        assert len(seen) == 1


@must(
    "loop.handlers.failure",
    "The exception of a handler is logged; the loop goes on, and calls the other handlers.",
    doc("ioloop.IOLoop.add_handler"),
)
async def test_failure(caplog):
    with connected() as (io_loop, ours, theirs):

        def fail(fd, events):
            io_loop.remove_handler(fd)
            raise KeyError("own error")

        other = Handler()
        theirs.send(b"x")
        io_loop.add_handler(ours, fail, io_loop.READ)
        io_loop.add_handler(theirs, other, io_loop.WRITE)
        await other.call()
        await turns()
        io_loop.remove_handler(theirs)
        assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [KeyError]


@compat(
    "loop.handlers.misuse",
    "A second handler for a descriptor is refused with ValueError; removing one that is not there does nothing.",
    observed("core-loop-misuse"),
)
async def test_misuse():
    with connected() as (io_loop, ours, theirs):
        first, second = Handler(), Handler()
        io_loop.add_handler(ours, first, io_loop.READ)
        for form in (ours, ours.fileno()):
            with pytest.raises(ValueError):
                io_loop.add_handler(form, second, io_loop.READ)
        theirs.send(b"x")
        await first.call()
        io_loop.remove_handler(ours)
        io_loop.remove_handler(ours)
        assert second.calls == []


@should(
    "loop.handlers.closed-descriptor",
    "A descriptor that is closed already is refused by add_handler(), and its number can be used again.",
    doc("ioloop.IOLoop.add_handler"),
)
async def test_closed_descriptor():
    with connected() as (io_loop, ours, theirs):
        number = ours.detach()
        os.close(number)
        with pytest.raises((OSError, ValueError)):
            io_loop.add_handler(number, Handler(), io_loop.READ)
        os.dup2(theirs.fileno(), number)
        handler = Handler()
        io_loop.add_handler(number, handler, io_loop.WRITE)
        await handler.call()
        io_loop.remove_handler(number)
        os.close(number)


@must(
    "loop.close.descriptors",
    "close() leaves the descriptors that have handlers open; close(all_fds=True) closes them.",
    doc("ioloop.IOLoop.close"),
)
@each(all_fds=[False, True])
def test_close_descriptors(all_fds):
    io_loop = api.ioloop.IOLoop(make_current=False)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        number = os.dup(theirs.fileno())
        for form in (ours, number):
            io_loop.add_handler(form, print, io_loop.READ)
        io_loop.close(all_fds=all_fds)
        assert (ours.fileno() == -1) == all_fds
        if all_fds:
            with pytest.raises(OSError):
                os.fstat(number)
        else:
            os.close(number)


@must(
    "loop.handlers.close-fd",
    "close_fd() closes a descriptor that is given in either form; one that is closed already is left alone.",
    doc("ioloop.IOLoop"),
)
async def test_close_fd():
    with connected() as (io_loop, ours, theirs):
        number = os.dup(theirs.fileno())
        for _ in range(2):
            io_loop.close_fd(ours)
            io_loop.close_fd(number)
        assert ours.fileno() == -1
        with pytest.raises(OSError):
            os.fstat(number)
