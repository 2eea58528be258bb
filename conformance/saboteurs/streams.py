"""Saboteurs of the chapters on streams, connections and TLS."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around


def stream_lie(name: str, lie: str, *kills: str) -> Callable[[Callable[[Patches], None]], Callable[[Patches], None]]:
    """Register a saboteur of the chapter that each kind of stream passes."""
    return saboteur(name, lie, chapters="net.streams", kills=tuple(f"stream.{one}" for one in kills))


def connection_lie(
    name: str, lie: str, *kills: str
) -> Callable[[Callable[[Patches], None]], Callable[[Patches], None]]:
    """Register a saboteur of the chapter on connections and TLS."""
    return saboteur(name, lie, chapters="net.connections", kills=kills)


def base(ref: Patches) -> Any:
    """Return the class of all streams."""
    return ref.iostream.BaseIOStream


def answered(ref: Patches, name: str, change: Callable[[Any, Any], Any]) -> None:
    """Let ``change(stream, result)`` make what the Future of a method gives."""

    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        inner = original(self, *args, **kwargs)
        outer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def copy(done: Any) -> None:
            if outer.done():
                return
            if done.cancelled():
                outer.cancel()
            elif done.exception() is not None:
                outer.set_exception(done.exception())
                outer.exception()
            else:
                outer.set_result(change(self, done.result()))

        inner.add_done_callback(copy)
        outer.add_done_callback(lambda done: inner.cancel() if done.cancelled() else None)
        return outer

    around(ref, base(ref), name, lie)


# -- reading ----------------------------------------------------------------------------------------------------------


@stream_lie("read-until-strips", "read_until() leaves the delimiter out.", "read.result", "read.in-pieces")
def _(ref: Patches) -> None:
    answered(ref, "read_until", lambda stream, data: data.rstrip(b"\r\n"))


@stream_lie("read-bytes-one-less", "read_bytes() loses the last byte.", "read.much", "write.in-order")
def _(ref: Patches) -> None:
    answered(ref, "read_bytes", lambda stream, data: data[:-1])


@stream_lie("read-pieces-whole", "What comes in pieces is not put together.", "read.in-pieces")
def _(ref: Patches) -> None:
    around(ref, base(ref), "read_bytes", lambda original, self, size, partial=False: original(self, size, partial=True))


@stream_lie("read-partial-waits", "partial is ignored by read_bytes().", "read.partial")
def _(ref: Patches) -> None:
    around(ref, base(ref), "read_bytes", lambda original, self, size, partial=False: original(self, size))


@stream_lie("read-into-nothing", "read_into() does not fill the buffer.", "read.into")
def _(ref: Patches) -> None:
    around(
        ref,
        base(ref),
        "read_into",
        lambda original, self, buf, partial=False: original(self, bytearray(len(buf)), partial),
    )


@stream_lie("read-until-close-empty", "read_until_close() gives nothing.", "read.until-close", "read.buffer-just-full")
def _(ref: Patches) -> None:
    answered(ref, "read_until_close", lambda stream, data: b"")


@stream_lie("read-many-at-a-time", "A second read takes the place of the first.", "read.one-at-a-time")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, size: int, partial: bool = False) -> Any:
        if not self.reading():
            return original(self, size, partial)
        done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        done.set_result(b"x")
        return done

    around(ref, base(ref), "read_bytes", lie)


@stream_lie("read-limit-strict", "max_bytes is one less.", "read.within-max-bytes")
def _(ref: Patches) -> None:
    for name in ("read_until", "read_until_regex"):

        def lie(original: Any, self: Any, what: Any, max_bytes: Any = None) -> Any:
            return original(self, what, max_bytes and max_bytes - 1)

        around(ref, base(ref), name, lie)


@stream_lie("read-limit-ignored", "max_bytes is ignored.", "read.beyond-max-bytes")
def _(ref: Patches) -> None:
    for name in ("read_until", "read_until_regex"):
        around(ref, base(ref), name, lambda original, self, what, max_bytes=None: original(self, what))


def limiting(ref: Patches, name: str, change: Callable[[Any], Any]) -> None:
    """Change an argument of every stream."""

    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **{**kwargs, name: change(kwargs.get(name))})

    for owner in (ref.iostream.IOStream, ref.iostream.PipeIOStream, base(ref)):
        around(ref, owner, "__init__", lie)


@stream_lie("buffer-without-limit", "max_buffer_size is ignored.", "read.buffer-full")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **{key: value for key, value in kwargs.items() if key != "max_buffer_size"})

    around(ref, base(ref), "__init__", lie)


@stream_lie("read-end-loses", "What is unread when the peer ends is lost.", "read.end", "close.callback-after-data")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, size: int, partial: bool = False) -> Any:
        return original(self, min(size, 2), partial) if size == 3 else original(self, size, partial)

    around(ref, base(ref), "read_bytes", lie)


@stream_lie("read-cancelled-stays", "A read that was cancelled stays pending.", "read.cancelled")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, size: int, partial: bool = False) -> Any:
        return asyncio.shield(original(self, size, partial))

    around(ref, base(ref), "read_bytes", lie)


# -- writing ----------------------------------------------------------------------------------------------------------


@stream_lie("write-done-at-once", "The Future of a write is done at once.", "write.waits-for-the-peer")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, data: Any) -> Any:
        original(self, data)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    around(ref, base(ref), "write", lie)


@stream_lie("write-overtakes", "A long write is overtaken by the next one.", "write.in-order")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, data: Any) -> Any:
        if len(data) != 2500:
            return original(self, data)
        asyncio.get_running_loop().call_soon(lambda: None if self.closed() else original(self, data))
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    around(ref, base(ref), "write", lie)


@stream_lie("write-items", "A memoryview is measured in items.", "write.kinds")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, data: Any) -> Any:
        if isinstance(data, memoryview) and data.itemsize > 1:
            data = bytes(data)[: len(data)]
        return original(self, data)

    around(ref, base(ref), "write", lie)


@stream_lie("write-reads-later", "What was written is read from the caller's memory later.", "write.changed-later")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, data: Any) -> Any:
        if isinstance(data, bytes):
            return original(self, data)

        async def later() -> None:
            await asyncio.sleep(0)
            await original(self, data)

        return asyncio.ensure_future(later())

    around(ref, base(ref), "write", lie)


@stream_lie("write-without-limit", "max_write_buffer_size is ignored.", "write.limit")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **{key: value for key, value in kwargs.items() if key != "max_write_buffer_size"})

    around(ref, base(ref), "__init__", lie)


@stream_lie("write-never-fails", "A write that fails is done.", "write.closed", "write.peer-gone")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, data: Any) -> Any:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            inner = original(self, data)
        except ref.iostream.StreamClosedError:
            done.set_result(None)
            return done
        inner.add_done_callback(lambda future: None if done.done() else done.set_result(None))
        return done

    around(ref, base(ref), "write", lie)


def complaint(future: Any) -> None:
    """Log that nobody waits."""
    if future.cancelled() or future.exception() is not None:
        logging.getLogger("asyncio").error("nobody waits for this")


@stream_lie("write-complains", "Writes that nobody waits for are logged.", "write.cancelled", "write.unobserved")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, data: Any) -> Any:
        future = original(self, data)
        future.add_done_callback(complaint)
        return future

    around(ref, base(ref), "write", lie)


# -- the end ----------------------------------------------------------------------------------------------------------


@stream_lie("close-callback-twice", "The close callback is called twice.", "close.callback")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, callback: Any) -> None:
        original(self, lambda: (callback(), callback()))

    around(ref, base(ref), "set_close_callback", lie)


@stream_lie("close-callback-early", "The close callback is called while bytes are unread.", "close.callback-after-data")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, callback: Any) -> None:
        original(self, callback)
        asyncio.get_running_loop().call_soon(callback)

    around(ref, base(ref), "set_close_callback", lie)


@stream_lie("close-without-reason", "The reason for closing is forgotten.", "close.reason")
def _(ref: Patches) -> None:
    around(ref, base(ref), "close", lambda original, self, exc_info=False: original(self))


@stream_lie("close-always-error", "close() makes up a reason.", "close.no-reason")
def _(ref: Patches) -> None:
    around(ref, base(ref), "close", lambda original, self, exc_info=False: original(self, exc_info or OSError("it")))


@stream_lie("state-idle", "reading() and writing() are always false.", "state.reading-writing")
def _(ref: Patches) -> None:
    for name in ("reading", "writing"):
        around(ref, base(ref), name, lambda original, self: False)


# -- connections ------------------------------------------------------------------------------------------------------


def connecting(ref: Patches, lie: Callable[..., Any]) -> None:
    """Answer calls of connect with ``lie(original, stream, address, **arguments)``."""
    for owner in (ref.iostream.IOStream, ref.iostream.SSLIOStream):
        if "connect" in vars(owner):
            around(ref, owner, "connect", lie)


@connection_lie("connect-gives-none", "connect() gives nothing.", "connection.connect.result")
def _(ref: Patches) -> None:
    async def wait(future: Any) -> None:
        await future

    connecting(
        ref, lambda original, self, address, **more: asyncio.ensure_future(wait(original(self, address, **more)))
    )


@connection_lie("connect-no-unix", "Only addresses of pairs can be connected to.", "connection.connect.unix")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, address: Any, **more: Any) -> Any:
        host, port = address
        return original(self, (host, port), **more)

    connecting(ref, lie)


@connection_lie(
    "connect-never-fails",
    "connect() is done, whatever comes of it.",
    "connection.connect.refused",
    "connection.connect.close-meanwhile",
    "tls.connect.refused",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, address: Any, **more: Any) -> Any:
        original(self, address, **more)
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        done.set_result(self)
        return done

    connecting(ref, lie)


@connection_lie("nodelay-always", "set_nodelay() cannot be undone.", "connection.socket.nodelay")
def _(ref: Patches) -> None:
    around(ref, ref.iostream.IOStream, "set_nodelay", lambda original, self, value: original(self, True))


@connection_lie("reset-is-the-end", "A reset is taken for the end.", "connection.peer.reset")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, buf: Any) -> Any:
        try:
            return original(self, buf)
        except ConnectionResetError:
            return 0

    around(ref, ref.iostream.IOStream, "read_from_fd", lie)


@connection_lie("end-is-a-reset", "The end is taken for a reset.", "connection.peer.left")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, buf: Any) -> Any:
        size = original(self, buf)
        if size == 0:
            raise ConnectionResetError("the peer has gone")
        return size

    around(ref, ref.iostream.IOStream, "read_from_fd", lie)


@connection_lie("half-closed-is-closed", "The end of the peer ends both directions.", "connection.peer.half-closed")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, buf: Any) -> Any:
        size = original(self, buf)
        if size == 0:
            self.close()
        return size

    around(ref, ref.iostream.IOStream, "read_from_fd", lie)


@connection_lie("reads-ahead", "Everything is read, asked for or not.", "connection.peer.back-pressure")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, callback: Any) -> None:
        original(self, callback)

        def drain() -> None:
            with contextlib.suppress(OSError, AttributeError):
                self.socket.recv(1 << 20)
            if not self.closed():
                asyncio.get_running_loop().call_soon(drain)

        drain()

    around(ref, ref.iostream.IOStream, "set_close_callback", lie)


@connection_lie(
    "reads-at-once", "A read that finds bytes does not let others have their turn.", "connection.peer.fairness"
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, delimiter: bytes, max_bytes: Any = None) -> Any:
        done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        done.set_result(self.socket.recv(len(b"line\n")))
        return done

    around(ref, ref.iostream.IOStream, "read_until", lie)


@connection_lie(
    "hook-errors-forgotten",
    "The errors of hooks are not the stream's.",
    "connection.hooks.error",
    "connection.peer.reset-writing",
)
def _(ref: Patches) -> None:
    around(ref, base(ref), "close", lambda original, self, exc_info=False: original(self))


# -- TLS --------------------------------------------------------------------------------------------------------------


def securing(ref: Patches, lie: Callable[..., Any]) -> None:
    """Answer calls of start_tls with ``lie(original, stream, server_side, options, name)``."""

    def start(original: Any, self: Any, server_side: bool, ssl_options: Any = None, server_hostname: Any = None) -> Any:
        return lie(original, self, server_side, ssl_options, server_hostname)

    around(ref, ref.iostream.IOStream, "start_tls", start)


@connection_lie("tls-not-at-all", "start_tls() does nothing.", "tls.start.both-sides", "tls.start.interoperates")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *arguments: Any) -> Any:
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        done.set_result(self)
        return done

    securing(ref, lie)


def unverified(options: Any) -> Any:
    """Return TLS options of a client that trusts everybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@connection_lie(
    "tls-trusts",
    "A client trusts everybody.",
    "tls.start.refuses",
    "tls.start.verifies-by-default",
    "tls.connect.handshake",
)
def _(ref: Patches) -> None:
    securing(
        ref,
        lambda original, self, server, options, name: original(
            self, server, options if server else unverified(options), name
        ),
    )

    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        if "ssl_options" in kwargs and isinstance(args[0], socket.socket) and not isinstance(args[0], ssl.SSLSocket):
            kwargs["ssl_options"] = unverified(None)
        original(self, *args, **kwargs)

    around(ref, ref.iostream.SSLIOStream, "__init__", lie)


@connection_lie("tls-fails-silently", "Nothing is logged of a handshake that fails.", "tls.start.logs")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *arguments: Any) -> Any:
        logging.getLogger("tornado.general").disabled = True
        return original(self, *arguments)

    securing(ref, lie)


@connection_lie("tls-while-busy", "start_tls() waits for its turn.", "tls.start.not-idle")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *arguments: Any) -> Any:
        try:
            return original(self, *arguments)
        except ValueError:
            return asyncio.get_running_loop().create_future()

    securing(ref, lie)


@connection_lie("tls-never-fails", "A handshake that fails never ends.", "tls.start.not-tls")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *arguments: Any) -> Any:
        pending: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def copy(done: Any) -> None:
            if done.exception() is None:
                pending.set_result(done.result())

        original(self, *arguments).add_done_callback(copy)
        return pending

    securing(ref, lie)


@connection_lie("tls-goes-on", "A handshake for which nobody waits goes on.", "tls.start.cancelled")
def _(ref: Patches) -> None:
    securing(ref, lambda original, self, *arguments: asyncio.shield(original(self, *arguments)))


@connection_lie("tls-no-close-callback", "start_tls() forgets the close callback.", "tls.start.close-callback")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *arguments: Any) -> Any:
        self.set_close_callback(None)
        return original(self, *arguments)

    securing(ref, lie)


@connection_lie("tls-cut-off", "The other side of TLS is not told of the end.", "tls.close.notifies")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, exc_info: Any = False) -> None:
        if self.socket is not None:
            self.socket.close()
        original(self, exc_info)

    around(ref, ref.iostream.SSLIOStream, "close", lie)


@connection_lie("tls-wait-gives-none", "wait_for_handshake() gives nothing.", "tls.wrapped.wait-for-handshake")
def _(ref: Patches) -> None:
    async def wait(future: Any) -> None:
        await future

    around(
        ref,
        ref.iostream.SSLIOStream,
        "wait_for_handshake",
        lambda original, self: asyncio.ensure_future(wait(original(self))),
    )
