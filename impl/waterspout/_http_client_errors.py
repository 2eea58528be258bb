"""What clients raise when a server answers with an error, or not at all."""

from __future__ import annotations

from http.client import responses
from typing import Any


class HTTPClientError(Exception):
    """A request that was not answered as hoped.

    ``code`` is the status, or 599 where no answer came; ``message`` its phrase; ``response`` the answer, if there
    was one.  Documentation: ``httpclient.HTTPClientError``.
    """

    def __init__(self, code: int, message: str | None = None, response: Any = None) -> None:
        self.code = code
        self.message = message or responses.get(code, "Unknown")
        self.response = response
        super().__init__(code, message, response)

    def __str__(self) -> str:
        return f"HTTP {self.code}: {self.message}"

    # A response may refer to its error, and would be shown in it without end.
    __repr__ = __str__


class HTTPTimeoutError(HTTPClientError):
    """The time for connecting, or for the answer, was over.

    Documentation: ``simple_httpclient.HTTPTimeoutError``.
    """

    def __init__(self, message: str | None) -> None:
        super().__init__(599, message=message)

    def __str__(self) -> str:
        return self.message


class HTTPStreamClosedError(HTTPClientError):
    """The server closed the connection before it had answered.

    Documentation: ``simple_httpclient.HTTPStreamClosedError``.
    """

    def __init__(self, message: str | None) -> None:
        super().__init__(599, message=message)

    def __str__(self) -> str:
        return self.message
