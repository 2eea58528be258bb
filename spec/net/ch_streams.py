"""Streams

A stream carries bytes both ways and never blocks. Each method that waits returns a Future: of bytes, for the kinds of
reads; of nothing, for a write, when the system has taken all of it. One read may be pending at a time. Bytes that no
read has asked for yet stay with the system, so a peer that sends too much has to wait.

A stream is closed by ``close()``, by an error, by a limit, or when its peer has gone. Then every Future that is pending
raises ``StreamClosedError``, which says what the reason was, and the close callback is called. What had come before can
still be read.

There are streams over sockets, over TLS and over pipes; a subclass of ``BaseIOStream`` makes one of anything that has a
descriptor, by a few hooks. What holds for all of them is judged here on each, and on streams in memory whose two sides
go in lockstep.
"""

from __future__ import annotations

import asyncio
import re

import pytest

from conformance import api, doc, each, labelled, must, should
from conformance.client import in_time
from conformance.standins import turns


async def arrival(future, what="bytes"):
    """Return the result of ``future``, which must come in time."""
    return await in_time(future, lambda: what)


def closed_error():
    """Return the class of the error of a stream that is closed."""
    return api.iostream.StreamClosedError


# -- reading ----------------------------------------------------------------------------------------------------------

READS = [
    labelled("until", (lambda stream: stream.read_until(b"\r\n"), b"one\r\n")),
    labelled("until-regex", (lambda stream: stream.read_until_regex(rb"\d\.|\r\n"), b"one\r\n")),
    labelled("regex-open-end", (lambda stream: stream.read_until_regex(rb"n+e\s+"), b"one\r\n")),
    labelled("compiled", (lambda stream: stream.read_until_regex(re.compile(b"NE", re.I)), b"one")),
    labelled("bytes", (lambda stream: stream.read_bytes(4), b"one\r")),
    labelled("no-bytes", (lambda stream: stream.read_bytes(0), b"")),
]


@must(
    "stream.read.result",
    "read_until ends with its delimiter, read_until_regex with the match, read_bytes after n bytes; the rest stays.",
    doc("iostream.BaseIOStream.read_until"),
    doc("iostream.BaseIOStream.read_until_regex"),
    doc("iostream.BaseIOStream.read_bytes"),
)
@each(read=READS)
async def test_read_result(joined, leftovers, read):
    start, expected = read
    sender, receiver = await joined()
    sender.write(b"one\r\n")
    assert await arrival(start(receiver)) == expected
    sender.write(b"two")
    rest = b"one\r\ntwo"[len(expected) :]
    assert await arrival(receiver.read_bytes(len(rest))) == rest


@must(
    "stream.read.in-pieces",
    "What a read waits for may come in pieces, cut anywhere.",
    doc("iostream.BaseIOStream"),
)
@each(read=[read for read in READS if read.label not in ("no-bytes", "regex-open-end")])
async def test_read_in_pieces(joined, leftovers, read):
    start, expected = read
    sender, receiver = await joined()
    future = start(receiver)
    for position in range(len(expected)):
        assert not future.done()
        await arrival(sender.write(expected[position : position + 1]))
        await turns(3)
    assert await arrival(future) == expected


@must(
    "stream.read.partial",
    "read_bytes(n, partial=True) gives what is there: at least one byte, at most n.",
    doc("iostream.BaseIOStream.read_bytes"),
)
async def test_read_partial(joined, leftovers):
    sender, receiver = await joined()
    future = receiver.read_bytes(1000, partial=True)
    await turns()
    assert not future.done()
    await arrival(sender.write(b"abcd"))
    came = await arrival(future)
    while len(came) < 4:
        assert came
        came += await arrival(receiver.read_bytes(1000, partial=True))
    assert came == b"abcd"
    await arrival(sender.write(b"efgh"))
    assert 1 <= len(await arrival(receiver.read_bytes(2, partial=True))) <= 2


@must(
    "stream.read.into",
    "read_into() fills the buffer and gives its length; with partial=True, the number of bytes that are there.",
    doc("iostream.BaseIOStream.read_into"),
)
async def test_read_into(joined, leftovers):
    sender, receiver = await joined()
    buffer = bytearray(b"-" * 20)
    sender.write(b"x0123456789abcdefghij")
    assert await arrival(receiver.read_bytes(1)) == b"x"
    assert await arrival(receiver.read_into(memoryview(buffer)[:10])) == 10
    assert buffer == b"0123456789----------"
    came = 0
    while came < 10:
        more = await arrival(receiver.read_into(memoryview(buffer)[10 + came :], partial=True))
        assert more > 0
        came += more
    assert buffer == b"0123456789abcdefghij"


@must(
    "stream.read.until-close",
    "read_until_close() gives everything that comes before the end, also when the stream ends on this side.",
    doc("iostream.BaseIOStream.read_until_close"),
)
@each(side=["peer", "own"])
async def test_read_until_close(joined, leftovers, side):
    sender, receiver = await joined()
    sender.write(b"first ")
    assert await arrival(receiver.read_bytes(2)) == b"fi"
    future = receiver.read_until_close()
    await arrival(sender.write(b"last"))
    await turns(20)
    (sender if side == "peer" else receiver).close()
    assert await arrival(future) == b"rst last"
    assert receiver.closed()


@must(
    "stream.read.much",
    "Nothing is lost or changed of much that is sent at once, whatever reads it.",
    doc("iostream.BaseIOStream"),
)
async def test_read_much(joined, leftovers):
    sender, receiver = await joined()
    data = bytes(range(256)) * (joined.much // 256 + 1) + b"\n\n"
    writing = sender.write(data)
    half = len(data) // 2
    parts = [await arrival(receiver.read_bytes(half)), await arrival(receiver.read_until(b"\xff"))]
    parts.append(await arrival(receiver.read_bytes(len(data) - len(b"".join(parts)) - 2)))
    parts.append(await arrival(receiver.read_until_regex(b"\n{2}")))
    assert b"".join(parts) == data
    await arrival(writing)


@must(
    "stream.read.one-at-a-time",
    "A second read while one is pending is an error, and does not disturb the first.",
    doc("iostream.BaseIOStream"),
)
async def test_one_at_a_time(joined, leftovers):
    sender, receiver = await joined()
    first = receiver.read_bytes(3)
    with pytest.raises(Exception):  # noqa: B017 - which one, nobody says
        await arrival(receiver.read_bytes(1))
    await arrival(sender.write(b"abc"))
    assert await arrival(first) == b"abc"


LIMITED = [
    labelled("until", lambda stream: stream.read_until(b"\n", max_bytes=5)),
    labelled("until-regex", lambda stream: stream.read_until_regex(b"\n", max_bytes=5)),
]


@must(
    "stream.read.within-max-bytes",
    "A read with max_bytes succeeds when it ends within them.",
    doc("iostream.BaseIOStream.read_until"),
    doc("iostream.BaseIOStream.read_until_regex"),
)
@each(read=LIMITED)
async def test_within_max_bytes(joined, leftovers, read):
    sender, receiver = await joined()
    sender.write(b"1234\n and more")
    assert await arrival(read(receiver)) == b"1234\n"
    assert not receiver.closed()


@must(
    "stream.read.beyond-max-bytes",
    "When it would need more, the stream is closed; the StreamClosedError has an UnsatisfiableReadError as real_error.",
    doc("iostream.BaseIOStream.read_until"),
    doc("iostream.BaseIOStream.read_until_regex"),
    doc("iostream.UnsatisfiableReadError"),
)
@each(read=LIMITED)
async def test_beyond_max_bytes(joined, leftovers, read):
    sender, receiver = await joined()
    await arrival(sender.write(b"123456"))
    with pytest.raises(closed_error()) as caught:
        await arrival(read(receiver))
    assert isinstance(caught.value.real_error, api.iostream.UnsatisfiableReadError)
    assert receiver.closed()
    assert isinstance(receiver.error, api.iostream.UnsatisfiableReadError)


@must(
    "stream.read.buffer-full",
    "When a read needs more bytes than max_buffer_size, the stream is closed with a StreamBufferFullError.",
    doc("iostream.BaseIOStream"),
    doc("iostream.StreamBufferFullError"),
)
@each(read=[labelled("until", lambda s: s.read_until(b"\n")), labelled("until-close", lambda s: s.read_until_close())])
async def test_buffer_full(joined, leftovers, read):
    sender, receiver = await joined(max_buffer_size=100)
    sender.write(b"x" * 400)
    with pytest.raises((closed_error(), api.iostream.StreamBufferFullError)):
        await arrival(read(receiver))
    assert receiver.closed()
    assert isinstance(receiver.error, api.iostream.StreamBufferFullError)


@must(
    "stream.read.buffer-just-full",
    "Exactly max_buffer_size bytes fit.",
    doc("iostream.BaseIOStream"),
)
async def test_buffer_just_full(joined, leftovers):
    sender, receiver = await joined(max_buffer_size=100)
    sender.write(b"x" * 100).add_done_callback(lambda done: sender.close())
    assert await arrival(receiver.read_until_close()) == b"x" * 100


@must(
    "stream.read.end",
    "What came before the end can be read; then reads raise StreamClosedError, those that are pending as well.",
    doc("iostream.BaseIOStream"),
    doc("iostream.StreamClosedError"),
)
async def test_read_end(joined, leftovers):
    sender, receiver = await joined()
    await arrival(sender.write(b"abcdef"))
    assert await arrival(receiver.read_bytes(1)) == b"a"
    sender.close()
    assert await arrival(receiver.read_bytes(3)) == b"bcd"
    with pytest.raises(closed_error()):
        await arrival(receiver.read_bytes(3))
    assert await arrival(receiver.read_bytes(2)) == b"ef"
    with pytest.raises(closed_error()):
        await arrival(receiver.read_bytes(1, partial=True))


@should(
    "stream.read.cancelled",
    "A read that is cancelled takes nothing: the next one gets what comes.",
    doc("iostream.BaseIOStream"),
)
async def test_read_cancelled(joined, leftovers):
    sender, receiver = await joined()
    await arrival(sender.write(b"ab"))
    leaving = receiver.read_bytes(3)
    await turns()
    leaving.cancel()
    await turns()
    following = receiver.read_bytes(4)
    await arrival(sender.write(b"cd"))
    assert await arrival(following) == b"abcd"


# -- writing ----------------------------------------------------------------------------------------------------------


@must(
    "stream.write.waits-for-the-peer",
    "The Future of a write is done when the system has taken the bytes: not before the peer has made room for them.",
    doc("iostream.BaseIOStream.write"),
)
async def test_write_waits(joined, leftovers):
    sender, receiver = await joined()
    writing = sender.write(b"x" * joined.much)
    await turns(20)
    assert (writing.done(), sender.writing()) == (False, True)
    await arrival(receiver.read_bytes(joined.much))
    assert await arrival(writing) is None
    assert not sender.writing()


@must(
    "stream.write.in-order",
    "Writes go out in the order of the calls, though nobody awaits them, and their Futures are done in that order.",
    doc("iostream.BaseIOStream.write"),
)
async def test_write_in_order(joined, leftovers):
    sender, receiver = await joined()
    pieces = [b"%d," % number * (1 + number % 7) for number in range(200)] + [b"y" * 2500, b"", b"."]
    done = []
    for number, piece in enumerate(pieces):
        sender.write(piece).add_done_callback(lambda future, number=number: done.append(number))
    expected = b"".join(pieces)
    assert await arrival(receiver.read_bytes(len(expected))) == expected
    await turns(20)
    assert done == list(range(len(pieces)))


@must(
    "stream.write.kinds",
    "bytes, bytearray and memoryview, of items of any size, can be written.",
    doc("iostream.BaseIOStream.write"),
)
@each(kind=[bytes, bytearray, memoryview, labelled("items", lambda data: memoryview(data).cast("I"))])
async def test_write_kinds(joined, leftovers, kind):
    sender, receiver = await joined()
    data = bytes(range(200)) * (joined.much // 200)
    writing = sender.write(kind(data))
    assert await arrival(receiver.read_bytes(len(data))) == data
    await arrival(writing)


@should(
    "stream.write.changed-later",
    "What was written may be changed as soon as write() has returned.",
    doc("iostream.BaseIOStream.write"),
)
@each(kind=[bytearray, memoryview])
async def test_write_changed_later(joined, leftovers, kind):
    sender, receiver = await joined()
    data = bytearray(b"x" * joined.much)
    writing = sender.write(data if kind is bytearray else kind(data))
    data[:] = b"-" * len(data)
    came = await arrival(receiver.read_bytes(len(data)))
    assert came == b"x" * len(data), "what was written later was sent"
    await arrival(writing)


@must(
    "stream.write.limit",
    "A write that would make more than max_write_buffer_size bytes wait raises StreamBufferFullError; nothing is sent.",
    doc("iostream.BaseIOStream"),
    doc("iostream.StreamBufferFullError"),
)
async def test_write_limit(joined, leftovers):
    sender, receiver = await joined(max_write_buffer_size=joined.much)
    writing = sender.write(b"x" * joined.much)
    with pytest.raises(api.iostream.StreamBufferFullError):
        sender.write(b"y" * joined.much)
    assert await arrival(receiver.read_bytes(joined.much)) == b"x" * joined.much
    await arrival(writing)
    await arrival(sender.write(b"z"))
    assert await arrival(receiver.read_bytes(1)) == b"z"


@must(
    "stream.write.closed",
    "A write to a closed stream raises StreamClosedError, and so does one that was pending when it closed.",
    doc("iostream.BaseIOStream.write"),
)
async def test_write_closed(joined, leftovers):
    sender, _ = await joined()
    pending = sender.write(b"x" * joined.much)
    sender.close()
    with pytest.raises(closed_error()):
        await arrival(pending)
    with pytest.raises(closed_error()):
        await arrival(sender.write(b"x"))


@must(
    "stream.write.peer-gone",
    "When the peer has gone, what is written fails with StreamClosedError, and the stream is closed.",
    doc("iostream.BaseIOStream.write"),
)
async def test_peer_gone(joined, leftovers):
    sender, receiver = await joined()
    writing = sender.write(b"x" * joined.much)
    receiver.close()
    with pytest.raises(closed_error()):
        await arrival(writing)
    assert sender.closed()


@should(
    "stream.write.cancelled",
    "Who no longer waits for a write does not disturb it, nor the log.",
    doc("iostream.BaseIOStream.write"),
)
async def test_write_cancelled(joined, leftovers, caplog):
    sender, receiver = await joined()
    leaving = sender.write(b"x" * joined.much)
    following = sender.write(b"y")
    leaving.cancel()
    data = await arrival(receiver.read_bytes(joined.much + 1))
    await arrival(following)
    assert (len(data), data[-2:]) == (joined.much + 1, b"xy")
    assert not caplog.records, "something was logged"


@must(
    "stream.write.unobserved",
    "Nothing is logged when a stream closes on reads and writes for which nobody waits.",
    doc("iostream.BaseIOStream.write"),
)
async def test_unobserved(joined, leftovers, caplog):
    sender, receiver = await joined()
    sender.write(b"x" * joined.much)
    receiver.read_until(b"never")
    await turns()
    receiver.close()
    sender.close()
    await turns()
    assert caplog.records == []


# -- the end ----------------------------------------------------------------------------------------------------------


@must(
    "stream.close.callback",
    "The close callback is called once, without arguments, when either side closes, also while nobody reads or writes.",
    doc("iostream.BaseIOStream.set_close_callback"),
)
@each(side=["peer", "own"])
async def test_close_callback(joined, leftovers, side):
    sender, receiver = await joined()
    calls, called = [], asyncio.Event()
    receiver.set_close_callback(lambda *given: (calls.append(given), called.set()))
    (sender if side == "peer" else receiver).close()
    await arrival(called.wait(), "the close callback")
    receiver.close()
    await turns()
    assert calls == [()]
    assert receiver.closed()


@must(
    "stream.close.callback-after-data",
    "It is called after the bytes that came were delivered, and not while some of them are unread.",
    doc("iostream.BaseIOStream.set_close_callback"),
)
async def test_callback_after_data(joined, leftovers):
    sender, receiver = await joined()
    events, called = [], asyncio.Event()
    receiver.set_close_callback(lambda: (events.append("closed"), called.set()))
    await arrival(sender.write(b"abcd"))
    sender.close()
    await turns(20)
    for size in (3, 1):
        events.append(await arrival(receiver.read_bytes(size)))
    await arrival(called.wait(), "the close callback")
    assert events == [b"abc", b"d", "closed"]


@must(
    "stream.close.reason",
    "The error given to close() is the stream's error and the real_error of who waits; True is the one being handled.",
    doc("iostream.BaseIOStream.close"),
    doc("iostream.StreamClosedError"),
)
@each(reason=["exception", "handled"])
async def test_close_reason(joined, leftovers, reason):
    _, receiver = await joined()
    future, error = receiver.read_bytes(1), ValueError("enough")
    try:
        raise error
    except ValueError:
        receiver.close(exc_info=error if reason == "exception" else True)
    with pytest.raises(closed_error()) as caught:
        await arrival(future)
    assert caught.value.real_error is error
    assert receiver.error is error


@must(
    "stream.close.no-reason",
    "Without an error, error and real_error are None; closing again changes nothing.",
    doc("iostream.BaseIOStream.close"),
)
async def test_close_no_reason(joined, leftovers):
    _, receiver = await joined()
    future = receiver.read_bytes(1)
    assert not receiver.closed()
    receiver.close()
    receiver.close(exc_info=ValueError("too late"))
    assert receiver.closed()
    with pytest.raises(closed_error()) as caught:
        await arrival(future)
    assert (caught.value.real_error, receiver.error) == (None, None)


@must(
    "stream.state.reading-writing",
    "reading() and writing() tell whether a read, or bytes to be written, are pending.",
    doc("iostream.BaseIOStream.reading"),
    doc("iostream.BaseIOStream.writing"),
)
async def test_state(joined, leftovers):
    sender, receiver = await joined()
    assert (receiver.reading(), sender.writing()) == (False, False)
    future = receiver.read_bytes(joined.much)
    assert receiver.reading()
    writing = sender.write(b"x" * joined.much)
    assert sender.writing()
    await arrival(future)
    await arrival(writing)
    assert (receiver.reading(), sender.writing()) == (False, False)
