"""Request bodies packed with gzip, unpacked on their way to the application.

A small packed body can hide a huge one, so what comes out is bounded like what comes in, and it comes out in
pieces.
"""

from __future__ import annotations

import zlib
from collections.abc import Awaitable

from waterspout.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPInputError,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from waterspout.protocol.messages import ContentTooLarge

_GZIP = zlib.MAX_WBITS | 16


class GzipConnectionDelegate(HTTPServerConnectionDelegate):
    """Wraps the delegates of ``inner``; bodies unpack to ``max_size``, by ``chunk_size`` at a time."""

    def __init__(self, inner: HTTPServerConnectionDelegate, max_size: int, chunk_size: int) -> None:
        self._inner = inner
        self._max_size = max_size
        self._chunk_size = chunk_size

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Wrap the delegate of a request."""
        inner = self._inner.start_request(server_conn, request_conn)
        return GzipMessageDelegate(inner, request_conn, self._max_size, self._chunk_size)

    def on_close(self, server_conn: object) -> None:
        """Pass it on."""
        self._inner.on_close(server_conn)


class GzipMessageDelegate(HTTPMessageDelegate):
    """Unpacks one body for ``inner``; bodies that are not packed pass as they are.

    A bound that the application sets for the request holds for what comes out, too.
    """

    __slots__ = ("_chunk_size", "_connection", "_inner", "_max_size", "_size", "_unpacker")

    def __init__(self, inner: HTTPMessageDelegate, connection: HTTPConnection, max_size: int, chunk_size: int) -> None:
        self._inner = inner
        self._connection = connection
        self._max_size = max_size
        self._size = 0
        self._chunk_size = chunk_size
        self._unpacker: zlib._Decompress | None = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Look whether the body is packed; the application sees the fields of an unpacked one."""
        if headers.get("Content-Encoding", "").lower() == "gzip":
            self._unpacker = zlib.decompressobj(_GZIP)
            headers["X-Consumed-Content-Encoding"] = headers["Content-Encoding"]
            del headers["Content-Encoding"]
            headers.pop("Content-Length", None)
        return self._inner.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Unpack a piece, and pass on what comes out."""
        if self._unpacker is None:
            return self._inner.data_received(chunk)
        while chunk:
            piece = self._unpack(self._unpacker, chunk)
            chunk = self._unpacker.unconsumed_tail
            if piece and (ready := self._inner.data_received(piece)) is not None:
                return self._rest(ready, chunk)
        return None

    async def _rest(self, ready: Awaitable[None], chunk: bytes) -> None:
        await ready
        more = self.data_received(chunk)
        if more is not None:
            await more

    def _unpack(self, unpacker: zlib._Decompress, chunk: bytes) -> bytes:
        if unpacker.eof:
            raise HTTPInputError("the gzip body is followed by something else")
        try:
            piece = unpacker.decompress(chunk, self._chunk_size)
        except zlib.error as error:
            raise HTTPInputError(f"the body is not gzip: {error}") from None
        self._size += len(piece)
        limit = getattr(self._connection, "max_body_size", None) or self._max_size
        if self._size > limit:
            raise ContentTooLarge(f"the gzip body is larger than {limit} bytes when unpacked")
        return piece

    def finish(self) -> None:
        """Check that the packed body was complete."""
        if self._unpacker is not None and not self._unpacker.eof:
            raise HTTPInputError("the gzip body is cut short")
        self._inner.finish()

    def on_connection_close(self) -> None:
        """Pass it on."""
        self._inner.on_connection_close()
