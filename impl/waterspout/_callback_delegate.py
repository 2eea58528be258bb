"""A plain function as the receiver of requests: it is called once the whole request is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from waterspout import httputil


class CallbackDelegate(httputil.HTTPMessageDelegate):
    """Collects one request and calls ``callback(request)`` when it is complete."""

    __slots__ = ("_callback", "_chunks", "_connection", "_request", "_server_connection")

    def __init__(
        self,
        callback: Callable[[httputil.HTTPServerRequest], Any],
        connection: httputil.HTTPConnection,
        server_connection: object = None,
    ) -> None:
        self._callback = callback
        self._connection = connection
        self._server_connection = server_connection
        self._request: httputil.HTTPServerRequest | None = None
        self._chunks: list[bytes] = []

    def headers_received(
        self,
        start_line: httputil.RequestStartLine | httputil.ResponseStartLine,
        headers: httputil.HTTPHeaders,
    ) -> None:
        """Make the request; its body follows."""
        assert isinstance(start_line, httputil.RequestStartLine)
        self._request = httputil.HTTPServerRequest(
            connection=self._connection,
            server_connection=self._server_connection,
            start_line=start_line,
            headers=headers,
        )

    def data_received(self, chunk: bytes) -> None:
        """Keep a piece of the body; how much may come is bounded by the connection."""
        self._chunks.append(chunk)

    def finish(self) -> None:
        """Hand the request over."""
        assert self._request is not None
        self._request.body = b"".join(self._chunks)
        self._callback(self._request)

    def on_connection_close(self) -> None:
        """Drop what was collected."""
        self._chunks.clear()
