"""Methods of a request from before handlers and `httputil.HTTPConnection` did their work.

A function that serves requests wrote its whole answer, head included, as bytes.  The head is read here and goes out
like any other, so what HTTP does not allow does not pass, and the connection knows how the answer ends.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from waterspout.protocol.headers import HTTPHeaders
from waterspout.protocol.messages import HTTPInputError, HTTPOutputError, ResponseStartLine, parse_response_start_line


class LegacyRequestMethods:
    """`write`, `finish` and `supports_http_1_1` of a request; gone since Tornado 6."""

    connection: Any
    version: str
    #: What was written of the head so far; None when it is out.
    _head: bytes | None = b""

    def supports_http_1_1(self) -> bool:
        """Return whether the client speaks HTTP/1.1.

        Documentation: ``httputil.HTTPServerRequest.supports_http_1_1`` of Tornado 5.1.
        """
        return self.version == "HTTP/1.1"

    def write(self, chunk: bytes, callback: Callable[[], Any] | None = None) -> None:
        """Write a piece of the answer: first its status line and fields, then its body.

        ``callback`` is called when there is room for more.  Raises `HTTPOutputError` for a head that is none.
        Documentation: ``httputil.HTTPServerRequest.write`` of Tornado 5.1.
        """
        if not isinstance(chunk, bytes):
            raise TypeError(f"an answer is written as bytes, not {type(chunk).__name__}")
        if self._head is None:
            done = self.connection.write(chunk)
        else:
            self._head += chunk
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            head, body = self._head[:end], self._head[end + 4 :]
            self._head = None
            done = self.connection.write_headers(*_parsed(head), body)
        if callback is not None:
            done.add_done_callback(lambda _: callback())

    def finish(self) -> None:
        """End the answer.  Documentation: ``httputil.HTTPServerRequest.finish`` of Tornado 5.1."""
        self.connection.finish()


def _parsed(head: bytes) -> tuple[ResponseStartLine, HTTPHeaders]:
    line, _, fields = head.decode("latin1").partition("\r\n")
    try:
        return parse_response_start_line(line), HTTPHeaders.parse(fields)
    except HTTPInputError as error:
        raise HTTPOutputError(f"an answer begins with a status line and fields: {error}") from None
