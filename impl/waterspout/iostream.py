"""Streams of bytes over sockets, TLS and pipes, for programs that speak protocols of their own.

Documentation: ``tornado.iostream``.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import socket
import ssl
from typing import Any

from waterspout._loggers import gen_log
from waterspout._selector_thread import Descriptor
from waterspout._stream_base import BaseIOStream, Reason
from waterspout._stream_callbacks import completion_argument
from waterspout._stream_errors import StreamBufferFullError, StreamClosedError, UnsatisfiableReadError
from waterspout.concurrent import Future
from waterspout.ioloop import IOLoop
from waterspout.netutil import TLSOptions, ssl_options_to_context

__all__ = [
    "BaseIOStream",
    "IOStream",
    "PipeIOStream",
    "SSLIOStream",
    "StreamBufferFullError",
    "StreamClosedError",
    "UnsatisfiableReadError",
]


class IOStream(BaseIOStream):
    """A stream over a socket, connected or to be connected with `connect`.

    The socket belongs to the stream from now on, and does not block any more.  The other arguments are those of
    `BaseIOStream`.  Documentation: ``iostream.IOStream``.
    """

    socket: Any

    def __init__(self, socket: socket.socket, *args: Any, **kwargs: Any) -> None:
        self.socket = socket
        socket.setblocking(False)
        super().__init__(*args, **kwargs)
        self._connect_future: Future[Any] | None = None

    def fileno(self) -> Descriptor:
        """Return the socket."""
        descriptor: Descriptor = self.socket
        return descriptor

    def close_fd(self) -> None:
        """Close the socket."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def get_fd_error(self) -> Exception | None:
        """Return the error that is pending on the socket, and clear it there."""
        number = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return OSError(number, os.strerror(number)) if number else None

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        """Receive from the socket."""
        try:
            size: int = self.socket.recv_into(buf)
        except BlockingIOError:
            return None
        return size

    def write_to_fd(self, data: memoryview) -> int:
        """Send to the socket."""
        sent: int = self.socket.send(data)
        return sent

    def set_nodelay(self, value: bool) -> None:
        """Switch Nagle's algorithm off or on, where the socket is one of TCP.

        Documentation: ``iostream.BaseIOStream.set_nodelay``.
        """
        if self.socket is not None and self.socket.family in (socket.AF_INET, socket.AF_INET6):
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1 if value else 0)

    # -- connecting

    @completion_argument
    def connect(self, address: Any, server_hostname: str | None = None) -> Future[Any]:
        """Connect to ``address``, as :meth:`socket.socket.connect` takes it, and return a future of this stream.

        What is written meanwhile is sent afterwards.  When it fails, the stream is closed, and the future raises
        :exc:`StreamClosedError` with the reason as ``real_error``.  A host name in ``address`` is looked up before
        this returns, which may take long: `tcpclient.TCPClient` does not block.  ``server_hostname`` is for
        `SSLIOStream`.  Documentation: ``iostream.IOStream.connect``.
        """
        if self._closed:
            raise StreamClosedError(self.error)
        if self._connect_future is not None:
            raise RuntimeError("connect() was called before on this stream")
        future = self._connect_future = self._new_future()
        self._opening = True
        try:
            self.socket.connect(address)
        except OSError as error:
            # A local socket whose peer's queue is full says EAGAIN, and does not go on connecting.
            if not isinstance(error, BlockingIOError) or error.errno == errno.EAGAIN:
                self.close(error)
        self._watch()
        return future

    def _open(self, events: int) -> None:
        if error := self.get_fd_error():
            self.close(error)
        else:
            self._opened()

    def _opened(self) -> None:
        """Bytes can move from now on."""
        self._opening = False
        if self._connect_future is not None and not self._connect_future.done():
            self._connect_future.set_result(self)

    def _wanted(self) -> int:
        return IOLoop.WRITE if self._opening else super()._wanted()

    def _fail_pending(self) -> None:
        future = self._connect_future
        if future is not None and not future.done() and not self.io_loop.asyncio_loop.is_closed():
            future.set_exception(self._opening_error())
        super()._fail_pending()

    def _opening_error(self) -> BaseException:
        return StreamClosedError(self.error)

    def detach(self) -> socket.socket:
        """Give the socket away, as it is, and close the stream; for transports of asyncio, which want sockets.

        Raises :exc:`StreamClosedError` when it is closed, `ValueError` while it is busy or bytes that came are unread.
        """
        if self._closed:
            raise StreamClosedError(self.error)
        if self._opening or self.reading() or self.writing() or len(self._incoming):
            raise ValueError("the stream is busy: await its reads and writes before detach()")
        self._unwatch()
        sock: socket.socket = self.socket
        self._closed, self.socket = True, None
        return sock

    # -- TLS

    def start_tls(
        self, server_side: bool, ssl_options: TLSOptions | None = None, server_hostname: str | None = None
    ) -> Future[SSLIOStream]:
        """Turn this connection into one of TLS, and return a future of the stream that takes this one's place.

        ``ssl_options`` are as for `netutil.ssl_options_to_context`; without them a client verifies its peer by the
        authorities that the system trusts.  A client verifies that the certificate is for ``server_hostname``, unless
        the options say otherwise.  The close callback moves to the new stream, and this one is closed.

        Raises `ValueError` while a read or write is pending or bytes that came are unread, for these came without
        protection.  The future raises what went wrong in the handshake, an `ssl.SSLError` mostly.  Cancelling it
        closes the connection.  Documentation: ``iostream.IOStream.start_tls``.
        """
        if self._closed:
            raise StreamClosedError(self.error)
        if self._opening or self.reading() or self.writing():
            raise ValueError("the stream is busy: await its reads and writes before start_tls()")
        if len(self._incoming):
            raise ValueError(f"{len(self._incoming)} bytes came before TLS began: read them before start_tls()")
        sock = _wrapped(self.socket, ssl_options, server_hostname, server_side)
        self._unwatch()
        self._closed, self.socket = True, None
        callback, self._close_callback = self._close_callback, None
        stream = SSLIOStream(
            sock,
            self.max_buffer_size,
            self.read_chunk_size,
            self.max_write_buffer_size,
            ssl_options=ssl_options,
            io_loop=self.io_loop,
        )
        stream.set_close_callback(callback)
        future = stream.wait_for_handshake()
        future.add_done_callback(lambda done: stream.close() if done.cancelled() else None)
        return future


class SSLIOStream(IOStream):
    """A stream over TLS.

    The socket is one of `netutil.ssl_wrap_socket` with ``do_handshake_on_connect=False``; or one that is neither
    wrapped nor connected, which `connect` takes care of by ``ssl_options``.  The other arguments are those of
    `BaseIOStream`.  Reads and writes wait for the handshake.  Documentation: ``iostream.SSLIOStream``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._ssl_options: TLSOptions | None = kwargs.pop("ssl_options", None)
        super().__init__(*args, **kwargs)
        self._server_hostname: str | None = None
        self._handshake_futures: list[Future[SSLIOStream]] = []
        self._handshake_done = False
        #: The events that the handshake waits for; at first, its turn.
        self._handshake_events = IOLoop.READ | IOLoop.WRITE
        #: The events that TLS itself waits for while it reads or writes.
        self._crossed = 0
        if isinstance(self.socket, ssl.SSLSocket):
            self._opening = True
            self._watch()

    @completion_argument
    def connect(self, address: Any, server_hostname: str | None = None) -> Future[Any]:
        """Connect, do the handshake, and return a future of this stream; otherwise as `IOStream.connect`.

        The certificate of the peer must be for ``server_hostname``, unless the TLS options say otherwise.  The future
        raises the `ssl.SSLError` of a handshake that fails.  Documentation: ``iostream.SSLIOStream.connect``.
        """
        self._server_hostname = server_hostname
        return super().connect(address)

    @completion_argument
    def wait_for_handshake(self) -> Future[SSLIOStream]:
        """Return a future of this stream that is done when the handshake is.

        It raises what went wrong, as that of `connect` does.  Documentation:
        ``iostream.SSLIOStream.wait_for_handshake``.
        """
        future: Future[SSLIOStream] = self._new_future()
        if self._handshake_done:
            future.set_result(self)
        elif self._closed:
            future.set_exception(self._opening_error())
        else:
            self._handshake_futures.append(future)
        return future

    def reading(self) -> bool:
        """Return whether a read, or the handshake, waits for bytes."""
        return super().reading() or (self._opening and self._handshake_events == IOLoop.READ)

    def writing(self) -> bool:
        """Return whether bytes, of a write or of the handshake, wait to go out."""
        return super().writing() or (self._opening and self._handshake_events == IOLoop.WRITE)

    def _open(self, events: int) -> None:
        if not isinstance(self.socket, ssl.SSLSocket):
            if error := self.get_fd_error():
                self.close(error)
                return
            # The wrapped socket has the same descriptor, but is another object.
            self._unwatch()
            try:
                self.socket = _wrapped(self.socket, self._ssl_options, self._server_hostname, server_side=False)
            except ValueError as error:
                self.close(error)
                return
        self._shake_hands()

    def _shake_hands(self) -> None:
        try:
            self.socket.do_handshake()
        except ssl.SSLWantReadError:
            self._handshake_events = IOLoop.READ
        except ssl.SSLWantWriteError:
            self._handshake_events = IOLoop.WRITE
        except (OSError, ValueError) as error:
            gen_log.warning("SSL Error in the handshake with %s: %s", _peer_of(self.socket), error)
            self.close(error)
        else:
            self._handshake_done = True
            self._opened()

    def _opened(self) -> None:
        super()._opened()
        futures, self._handshake_futures = self._handshake_futures, []
        for future in futures:
            if not future.done():
                future.set_result(self)

    def _wanted(self) -> int:
        if self._opening and isinstance(self.socket, ssl.SSLSocket):
            return self._handshake_events
        return super()._wanted() | self._crossed

    def _on_ready(self, fd: object, events: int) -> None:
        if self._crossed:
            # What one direction waited for has come from the other.
            self._crossed = 0
            events = IOLoop.READ | IOLoop.WRITE
        super()._on_ready(fd, events)

    def _has_hidden_input(self) -> bool:
        return self._handshake_done and self.socket.pending() > 0

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        """Receive and decrypt."""
        try:
            size: int = self.socket.recv_into(buf)
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLWantWriteError:
            self._crossed |= IOLoop.WRITE
            return None
        except ssl.SSLZeroReturnError:
            return 0
        return size

    def write_to_fd(self, data: memoryview) -> int:
        """Encrypt and send."""
        try:
            sent: int = self.socket.send(data)
        except ssl.SSLWantWriteError:
            return 0
        except ssl.SSLWantReadError:
            self._crossed |= IOLoop.READ
            return 0
        return sent

    def close(self, exc_info: Reason = False) -> None:
        """Close the stream; the peer is told, so that it does not take this for an attack.

        Documentation: ``iostream.BaseIOStream.close``.
        """
        if not self._closed and self._handshake_done and not exc_info and not self._outgoing:
            # This does not wait for the peer's answer, and a peer that is gone need not be told.
            with contextlib.suppress(OSError, ValueError):
                self.socket.unwrap()
        super().close(exc_info)

    def _fail_pending(self) -> None:
        futures, self._handshake_futures = self._handshake_futures, []
        if not self.io_loop.asyncio_loop.is_closed():
            for future in futures:
                if not future.done():
                    future.set_exception(self._opening_error())
        super()._fail_pending()

    def _opening_error(self) -> BaseException:
        if isinstance(self.error, (ssl.SSLError, ValueError)):
            return self.error
        return super()._opening_error()


class PipeIOStream(BaseIOStream):
    """A stream over one end of a pipe, given by its descriptor; it goes in one direction only.

    The descriptor belongs to the stream from now on, and does not block any more.  The other arguments are those of
    `BaseIOStream`.  Documentation: ``iostream.PipeIOStream``.
    """

    def __init__(self, fd: int, *args: Any, **kwargs: Any) -> None:
        self.fd = fd
        self._file = io.FileIO(fd, "r+")
        os.set_blocking(fd, False)
        super().__init__(*args, **kwargs)

    def fileno(self) -> int:
        """Return the descriptor."""
        return self.fd

    def close_fd(self) -> None:
        """Close the descriptor."""
        self._file.close()

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        """Read from the pipe."""
        try:
            return self._file.readinto(buf)
        except OSError as error:
            if error.errno == errno.EBADF:
                # The end for writing is ready for reading when the other end is closed.
                return 0
            raise

    def write_to_fd(self, data: memoryview) -> int:
        """Write to the pipe."""
        return self._file.write(data) or 0


def _wrapped(
    sock: socket.socket, options: TLSOptions | None, server_hostname: str | None, server_side: bool
) -> ssl.SSLSocket:
    """Return a connected socket wrapped in TLS, before the handshake; ValueError for options that do not fit."""
    if options is None and not server_side:
        context = ssl.create_default_context()
    else:
        context = ssl_options_to_context(options if options is not None else {}, server_side=server_side)
    return context.wrap_socket(
        sock, server_side=server_side, do_handshake_on_connect=False, server_hostname=server_hostname
    )


def _peer_of(sock: socket.socket) -> str:
    try:
        return str(sock.getpeername() or "a local peer")
    except OSError:
        return "a peer that is gone"
