"""What all streams have in common: pending reads and writes, buffers, limits, and an end.

A subclass says what its descriptor is and how bytes move through it (`fileno`, `close_fd`, `read_from_fd`,
`write_to_fd`, `get_fd_error`); this class says when.  It reads only while somebody wants bytes, so a peer that is not
listened to is slowed down by its own full buffers, and each turn of the loop moves a bounded amount, so a fast peer
does not keep the loop from everything else.

A stream ends in one of two ways.  `close`, or an error, ends both directions at once.  When the peer ends its own
direction, nothing more can be read, but what was written before still goes out; the stream closes itself after that.
"""

from __future__ import annotations

import re
import sys
import types
from collections import deque
from collections.abc import Callable
from typing import Any

from waterspout._loggers import app_log, gen_log
from waterspout._selector_thread import Descriptor
from waterspout._stream_buffer import ReadBuffer, WriteBuffer
from waterspout._stream_callbacks import callback_argument, completion_argument
from waterspout._stream_errors import StreamBufferFullError, StreamClosedError, UnsatisfiableReadError
from waterspout._stream_reads import (
    Read,
    ReadExactly,
    ReadInto,
    ReadSome,
    ReadUntil,
    ReadUntilClose,
    ReadUntilRegex,
)
from waterspout.concurrent import Future
from waterspout.ioloop import IOLoop

_DEFAULT_BUFFER = 100 * 1024 * 1024
_DEFAULT_CHUNK = 64 * 1024
#: Bytes given to one write.  TLS repeats a write with the same bytes, so it must not depend on anything.
_WRITE_CHUNK = 128 * 1024
#: Reads, and writes, in one turn of the loop.
_CHUNKS_PER_TURN = 16

#: What :meth:`BaseIOStream.close` takes for the reason.
Reason = bool | BaseException | tuple[type | None, BaseException | None, types.TracebackType | None] | None


class BaseIOStream:
    """A stream of bytes in both directions, on the current loop.

    ``max_buffer_size`` bounds what waits to be read (100 MiB by default) and ``max_write_buffer_size`` what waits to
    go out (no bound by default); ``read_chunk_size`` is how much is read at once (64 KiB, at most half of the
    buffer).  All in bytes.

    One read may be pending at a time, a write at any time.  The futures of reads and writes raise
    :exc:`StreamClosedError` when the stream closes before they are done.  Cancelling a read takes it back: bytes that
    have come stay for the next one.  Cancelling the future of a write does not take back its bytes.
    Documentation: ``iostream.BaseIOStream``.
    """

    def __init__(
        self,
        max_buffer_size: int | None = None,
        read_chunk_size: int | None = None,
        max_write_buffer_size: int | None = None,
        *,
        io_loop: IOLoop | None = None,
    ) -> None:
        self.io_loop: IOLoop = io_loop or IOLoop.current()
        self.max_buffer_size = max_buffer_size or _DEFAULT_BUFFER
        self.read_chunk_size = max(1, min(read_chunk_size or _DEFAULT_CHUNK, self.max_buffer_size // 2))
        self.max_write_buffer_size = max_write_buffer_size
        #: What closed the stream, if it was an error.
        self.error: BaseException | None = None
        self._incoming = ReadBuffer()
        self._outgoing = WriteBuffer()
        self._read: Read | None = None
        #: The futures of writes, each with the count of bytes that must be out before it is done.
        self._writes: deque[tuple[int, Future[None]]] = deque()
        self._bytes_out = 0
        self._close_callback: Callable[[], Any] | None = None
        #: What the loop watches the descriptor for.
        self._watched = 0
        #: Whether bytes cannot move yet: a connection is being made.
        self._opening = False
        #: Whether the peer has ended its direction.
        self._ended = False
        self._closed = False
        self._kicked = False

    # -- hooks

    def fileno(self) -> Descriptor:
        """Return the descriptor to watch, or an object with ``fileno()``.  Hook."""
        raise NotImplementedError(f"{type(self).__name__} must define fileno()")

    def close_fd(self) -> None:
        """Close the descriptor; called once.  Hook."""
        raise NotImplementedError(f"{type(self).__name__} must define close_fd()")

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        """Read up to ``len(buf)`` bytes into ``buf`` and return how many.

        0 means the end, None that nothing is there now.  Hook.
        """
        raise NotImplementedError(f"{type(self).__name__} must define read_from_fd()")

    def write_to_fd(self, data: memoryview) -> int:
        """Write a part of ``data`` and return how many bytes that were.

        0, or :exc:`BlockingIOError`, means that nothing can be written now.  ``data`` is valid during the call only.
        Hook.
        """
        raise NotImplementedError(f"{type(self).__name__} must define write_to_fd()")

    def get_fd_error(self) -> Exception | None:
        """Return the error that is pending on the descriptor, or None.  Hook."""
        return None

    # -- reading

    @callback_argument
    def read_until(self, delimiter: bytes, max_bytes: int | None = None) -> Future[bytes]:
        """Return a future of everything up to ``delimiter``, and that too.

        When that would be more than ``max_bytes`` bytes, the stream is closed; the future's
        :exc:`StreamClosedError` has an :exc:`UnsatisfiableReadError` as ``real_error`` then.
        Documentation: ``iostream.BaseIOStream.read_until``.
        """
        if not delimiter:
            raise ValueError("read_until needs a delimiter of at least one byte")
        return self._begin_read(ReadUntil(bytes(delimiter), max_bytes))

    @callback_argument
    def read_until_regex(self, regex: bytes | re.Pattern[bytes], max_bytes: int | None = None) -> Future[bytes]:
        """Return a future of everything up to the end of the first match of ``regex``; otherwise as `read_until`.

        For an expression that has no greatest length, set ``max_bytes``: searching takes time each time that bytes
        come.  Documentation: ``iostream.BaseIOStream.read_until_regex``.
        """
        pattern = re.compile(regex)
        if not isinstance(pattern.pattern, bytes):
            raise TypeError(f"read_until_regex searches bytes: write br'...' for {pattern.pattern!r}")
        return self._begin_read(ReadUntilRegex(pattern, max_bytes))

    @callback_argument
    def read_bytes(self, num_bytes: int, partial: bool = False) -> Future[bytes]:
        """Return a future of ``num_bytes`` bytes, or with ``partial`` of at least one and at most that many.

        Documentation: ``iostream.BaseIOStream.read_bytes``.
        """
        if num_bytes < 0:
            raise ValueError(f"cannot read {num_bytes} bytes")
        return self._begin_read(ReadSome(num_bytes) if partial else ReadExactly(num_bytes))

    @callback_argument
    def read_into(self, buf: bytearray | memoryview, partial: bool = False) -> Future[int]:
        """Fill ``buf`` with what comes, and return a future of the number of bytes.

        That is ``len(buf)``, or with ``partial`` at least one.  Documentation: ``iostream.BaseIOStream.read_into``.
        """
        view = memoryview(buf).cast("B")
        if view.readonly:
            raise TypeError(f"read_into writes into its buffer, which {type(buf).__name__} does not allow")
        return self._begin_read(ReadInto(view, partial))

    @callback_argument
    def read_until_close(self) -> Future[bytes]:
        """Return a future of everything that comes until the stream ends, at most ``max_buffer_size`` bytes.

        Documentation: ``iostream.BaseIOStream.read_until_close``.
        """
        return self._begin_read(ReadUntilClose())

    def _begin_read(self, read: Read) -> Future[Any]:
        if self.reading_pending():
            raise RuntimeError("a read is pending on this stream already: await it before the next one")
        future = read.future = self._new_future()
        try:
            satisfied = read.satisfied(self._incoming, pausing=True)
        except UnsatisfiableReadError as error:
            self._read = read
            self._close_unsatisfiable(error)
            return future
        over = self._closed or self._ended
        if satisfied or (over and read.until_end and len(self._incoming)):
            future.set_result(read.result(self._incoming))
        elif over:
            raise StreamClosedError(self.error)
        else:
            self._read = read
        self._watch()
        return future

    def reading_pending(self) -> bool:
        """Return whether a read waits for bytes; one that was cancelled does not."""
        if self._read is not None and self._read.future.done():
            self._read = None
        return self._read is not None

    def reading(self) -> bool:
        """Return whether a read waits for bytes.  Documentation: ``iostream.BaseIOStream.reading``."""
        return self.reading_pending()

    # -- writing

    @completion_argument
    def write(self, data: bytes | bytearray | memoryview) -> Future[None]:
        """Send ``data``, and return a future that is done when all of it was handed to the system.

        A caller that sends much awaits it, and so goes no faster than the peer.  ``data`` may be changed as soon as
        this returns.  Raises :exc:`StreamClosedError` on a closed stream, :exc:`StreamBufferFullError` when more
        than ``max_write_buffer_size`` bytes would wait; nothing of ``data`` is sent then.
        Documentation: ``iostream.BaseIOStream.write``.
        """
        if isinstance(data, str):
            raise TypeError("a stream carries bytes: encode the text first")
        if self._closed:
            raise StreamClosedError(self.error)
        view = memoryview(data)
        view = view.cast("B") if view.c_contiguous else memoryview(view.tobytes())
        limit = self.max_write_buffer_size
        if limit is not None and len(self._outgoing) + len(view) > limit:
            raise StreamBufferFullError(f"more than max_write_buffer_size = {limit} bytes would wait to be written")
        future = self._new_future()
        self._writes.append((self._bytes_out + len(self._outgoing) + len(view), future))
        sent = 0
        if not (self._opening or self._outgoing):
            sent = self._send(view[:_WRITE_CHUNK])
        if not self._closed:
            # The bytes of a bytes object stay as they are; those of other objects must be copied.
            self._outgoing.append(view[sent:] if type(data) is bytes else bytes(view[sent:]))
            self._finish_writes()
            self._watch()
        return future

    def writing(self) -> bool:
        """Return whether bytes wait to go out.  Documentation: ``iostream.BaseIOStream.writing``."""
        return len(self._outgoing) > 0

    # Dask, which sends many pieces at once, has always put them into the buffer itself before an empty write().

    _total_write_index = 0

    @property
    def _write_buffer(self) -> WriteBuffer | None:
        """What waits to go out, and takes more; None once the stream is closed."""
        return None if self._closed else self._outgoing

    def set_nodelay(self, value: bool) -> None:
        """Ask the system to send small pieces at once, or not; only TCP knows of this.

        Documentation: ``iostream.BaseIOStream.set_nodelay``.
        """

    def _send(self, data: memoryview) -> int:
        """Give bytes to the descriptor; return how many it took.  An error closes the stream."""
        try:
            sent = self.write_to_fd(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            self.close(error)
            return 0
        self._bytes_out += sent
        return sent

    def _flush(self) -> None:
        """Give the descriptor as much as it takes now of what waits."""
        for _ in range(_CHUNKS_PER_TURN):
            if not self._outgoing:
                break
            with self._outgoing.front(_WRITE_CHUNK) as view:
                sent = self._send(view)
            if not sent:
                break
            self._outgoing.advance(sent)
        self._finish_writes()
        if self._ended and not self._outgoing:
            self.close()

    def _finish_writes(self) -> None:
        while self._writes and self._writes[0][0] <= self._bytes_out:
            _, future = self._writes.popleft()
            if not future.done():
                future.set_result(None)

    # -- the end

    def set_close_callback(self, callback: Callable[[], Any] | None) -> None:
        """Call ``callback()`` when the stream closes, after what it delivers before; None takes that back.

        The end of the peer is noticed even while nobody reads, but not before the bytes that came are read.
        A stream that is closed already calls back in the next turn of the loop.
        Documentation: ``iostream.BaseIOStream.set_close_callback``.
        """
        self._close_callback = callback
        if self._closed:
            self._call_close_callback()
        else:
            self._watch()

    def close(self, exc_info: Reason = False) -> None:
        """Close the stream, if it is open; what still waits to go out is lost.

        ``exc_info`` is the reason, for ``error`` and for those who wait: an exception, a triple of
        :func:`sys.exc_info`, or True for the exception that is handled now.
        Documentation: ``iostream.BaseIOStream.close``.
        """
        if self._closed:
            return
        self.error = _error_of(exc_info) or self.error
        self._closed = True
        self._unwatch()
        self._outgoing.clear()
        try:
            self.close_fd()
        finally:
            self._fail_pending()
            self._call_close_callback()

    def closed(self) -> bool:
        """Return whether the stream is closed.  Documentation: ``iostream.BaseIOStream.closed``."""
        return self._closed

    def _fail_pending(self) -> None:
        if self.io_loop.asyncio_loop.is_closed():
            # Nobody can be told any more.
            return
        read, self._read = self._read, None
        if read is not None and not read.future.done():
            if read.until_end and self.error is None:
                read.future.set_result(read.result(self._incoming))
            else:
                read.future.set_exception(StreamClosedError(self.error))
        writes, self._writes = self._writes, deque()
        for _, future in writes:
            if not future.done():
                future.set_exception(StreamClosedError(self.error))

    def _call_close_callback(self) -> None:
        callback, self._close_callback = self._close_callback, None
        if callback is not None:
            # In a later turn than the futures above, whose waiters may still use what they got.
            self.io_loop.add_callback(self.io_loop.add_callback, callback)

    def _close_unsatisfiable(self, error: UnsatisfiableReadError) -> None:
        gen_log.info("Unsatisfiable read, closing the stream: %s", error)
        self.close(error)

    def _end(self) -> None:
        """The peer has ended its direction."""
        self._ended = True
        if not self._outgoing:
            self.close()
            return
        read, self._read = self._read, None
        if read is not None and not read.future.done():
            if read.until_end:
                read.future.set_result(read.result(self._incoming))
            else:
                read.future.set_exception(StreamClosedError())

    # -- moving bytes

    def _on_ready(self, fd: object, events: int) -> None:
        """The loop says that the descriptor is ready."""
        unwanted = events & ~self._wanted()
        try:
            if self._opening:
                self._open(events)
            else:
                if events & IOLoop.READ:
                    self._receive_turn()
                if events & IOLoop.WRITE and not self._closed:
                    self._flush()
        except UnsatisfiableReadError as error:
            self._close_unsatisfiable(error)
        except StreamBufferFullError as error:
            gen_log.error("Reached maximum read buffer size, closing the stream: %s", error)
            self.close(error)
        except OSError as error:
            self.close(error)
        except Exception as error:
            app_log.error("exception while a stream moved bytes", exc_info=True)
            self.close(error)
        self._watch(shed=unwanted | IOLoop.WRITE)

    def _open(self, events: int) -> None:
        """Take the next step towards the state in which bytes can move.  Subclasses that set ``_opening`` do."""

    def _receive_turn(self) -> None:
        """Read until the pending read is satisfied, nothing more is there, or it is the turn of others."""
        if not self.reading_pending():
            # Somebody wants to know of the end.  What comes before it stays unread but for one chunk.
            if self._wanted() & IOLoop.READ and self._receive() == 0:
                self._end()
            return
        size: int | None = 1
        for _ in range(_CHUNKS_PER_TURN):
            size = self._receive()
            if not size or self._deliver():
                break
        self._deliver(pausing=True)
        if size == 0:
            self._end()

    def _receive(self) -> int | None:
        """Read once; return how many bytes came, 0 at the end, None if nothing is there now."""
        room = self._read.room() if self._read is not None else None
        if room is not None:
            size = self.read_from_fd(room)
            if size and self._read is not None:
                self._read.received(size)
            return size
        # A full buffer may be followed by the end; one byte more shows that it is not.
        space = self.max_buffer_size - len(self._incoming)
        chunk = memoryview(bytearray(max(1, min(self.read_chunk_size, space))))
        size = self.read_from_fd(chunk)
        if size:
            self._incoming.append(chunk[:size])
        return size

    def _unread(self, data: bytes) -> None:
        """Put bytes back that were read too many, to be read next; nobody may be reading."""
        after = self._incoming.take(len(self._incoming))
        for piece in (data, after):
            self._incoming.append(memoryview(piece))

    def _deliver(self, pausing: bool = False) -> bool:
        """Complete the pending read if it is satisfied; return whether there is none any more."""
        read = self._read
        if read is None or not self.reading_pending():
            return True
        size = len(self._incoming)
        if size > self.max_buffer_size:
            raise StreamBufferFullError(f"a read is not done with max_buffer_size = {self.max_buffer_size} bytes")
        if not read.satisfied(self._incoming, pausing or size == self.max_buffer_size):
            return False
        self._read = None
        read.future.set_result(read.result(self._incoming))
        return True

    # -- the loop

    def _wanted(self) -> int:
        """Return what the stream waits for now, as events of the loop."""
        events = 0
        if not self._ended and (
            self.reading_pending() or (self._close_callback is not None and not len(self._incoming))
        ):
            events |= IOLoop.READ
        if self._outgoing:
            events |= IOLoop.WRITE
        return events

    def _watch(self, shed: int = 0) -> None:
        """Have the loop watch the descriptor for what is wanted; ``shed`` are events that may be unwanted now.

        Unwanted events are kept until they happen: mostly, the next read comes before that, and the system need not
        be told twice.
        """
        if self._closed:
            return
        wanted = self._wanted()
        events = wanted | (self._watched & ~shed)
        if events != self._watched:
            try:
                self._set_events(events)
            except (OSError, ValueError) as error:
                # Not every descriptor can be watched: a file on a disk, for one, or a closed one.
                self.close(error)
                return
        if wanted & IOLoop.READ and not self._kicked and self._has_hidden_input():
            self._kicked = True
            self.io_loop.add_callback(self._on_kick)

    def _has_hidden_input(self) -> bool:
        """Return whether bytes wait where the loop does not see them."""
        return False

    def _on_kick(self) -> None:
        self._kicked = False
        if not self._closed:
            self._on_ready(None, IOLoop.READ)

    def _set_events(self, events: int) -> None:
        before, self._watched = self._watched, events
        if not before:
            self.io_loop.add_handler(self.fileno(), self._on_ready, events)
        elif events:
            self.io_loop.update_handler(self.fileno(), events)
        else:
            self.io_loop.remove_handler(self.fileno())

    def _unwatch(self) -> None:
        watched, self._watched = self._watched, 0
        if watched and not self.io_loop.asyncio_loop.is_closed():
            self.io_loop.remove_handler(self.fileno())

    def _new_future(self) -> Future[Any]:
        future: Future[Any] = self.io_loop.asyncio_loop.create_future()
        # Whoever does not wait for an operation does not want to hear that the stream closed before it was done.
        future.add_done_callback(_look_at)
        return future


def _look_at(future: Future[Any]) -> None:
    if not future.cancelled():
        future.exception()


def _error_of(reason: Reason) -> BaseException | None:
    """Return the exception that a reason for closing means."""
    if reason is True:
        return sys.exc_info()[1]
    if isinstance(reason, tuple):
        return reason[1]
    return reason if isinstance(reason, BaseException) else None
