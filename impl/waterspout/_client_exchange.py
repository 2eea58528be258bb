"""One request and its response on a connection: both bodies in pieces, each side at the speed of the other."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import zlib
from io import BytesIO
from typing import Any

from waterspout._client_driver import ClientDriver
from waterspout._client_request import HTTPStreamClosedError
from waterspout.httputil import HTTPHeaders
from waterspout.iostream import StreamClosedError
from waterspout.protocol.http1 import (
    ConnectionClosed,
    Data,
    EndOfMessage,
    Failure,
    LocalProtocolError,
    Request,
    Response,
    State,
)
from waterspout.util import GzipDecompressor

#: Seconds to wait for the server's leave to send the body; not every server knows to give it (RFC 9110, 10.1.1).
CONTINUE_SECONDS = 1.0
#: How many 1xx responses may come before the final one.
_MAX_INFORMATIONAL = 100
#: How much of a body that nobody wants is read to save the connection; if more comes, closing is cheaper.
MAX_UNWANTED_BODY = 65536
_PIECE = 65536


class Upload:
    """Sends the body of a request."""

    def __init__(self, driver: ClientDriver, request: Any) -> None:
        self._driver = driver
        self._request = request
        self._begun = False
        self._task: asyncio.Future[Any] | None = None

    def head(self, head: Request, wait: bool) -> None:
        """Send the head, and unless the body has to ``wait`` begin with that, in the same write if it is at hand."""
        octets = self._driver.http.send(head)
        if wait or self._request.body_producer is not None:
            self._driver.write(octets)
            if not wait:
                self.begin()
            return
        self._begun = True
        self._driver.write(octets + self._whole())

    def _whole(self) -> bytes:
        http = self._driver.http
        body = self._request.body
        return (http.send_data(body) if body else b"") + http.send_end()

    def begin(self) -> None:
        """Send the body, unless that has begun."""
        if self._begun or self._driver.http.our_state is not State.BODY:
            return
        self._begun = True
        if self._request.body_producer is None:
            self._driver.write(self._whole())
            return
        self._task = asyncio.ensure_future(self._produce())
        self._task.add_done_callback(self._produced)

    async def _produce(self) -> None:
        ready = self._request.body_producer(self._write)
        if ready is not None:
            await ready
        await self._driver.write(self._driver.http.send_end())

    def _write(self, data: bytes) -> asyncio.Future[None]:
        return self._driver.write(self._driver.http.send_data(data))

    def _produced(self, task: asyncio.Future[Any]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        # A server may answer early and go; its answer says more than this does.
        if error is not None and not isinstance(error, StreamClosedError):
            if isinstance(error, LocalProtocolError):
                error = ValueError(str(error))
            self._driver.interrupt(error)

    async def rest(self) -> None:
        """Wait until the body is sent, or the server does not take it any more.  Raises what its producer does."""
        if self._task is not None:
            with contextlib.suppress(StreamClosedError):
                await self._task

    def stop(self) -> None:
        """Send no more."""
        if self._task is not None:
            self._task.cancel()


class Download:
    """Takes the body of a response: unpacks it if it is to be unpacked, and keeps it or passes it on."""

    def __init__(self, request: Any, headers: HTTPHeaders, has_body: bool, max_size: int) -> None:
        self._streaming = request.streaming_callback
        self._max_size = max_size
        self._size = 0
        self.buffer = BytesIO()
        self._unpacker: GzipDecompressor | None = None
        coding = headers.get("Content-Encoding", "").strip().lower()
        if request.decompress_response and has_body and coding in ("gzip", "x-gzip"):
            self._unpacker = GzipDecompressor()
            headers["X-Consumed-Content-Encoding"] = headers["Content-Encoding"]
            del headers["Content-Encoding"]

    async def data(self, data: bytes) -> None:
        """Take a piece."""
        if self._unpacker is None:
            await self._deliver(data)
            return
        while data:
            try:
                piece = self._unpacker.decompress(data, _PIECE)
            except zlib.error as error:
                raise HTTPStreamClosedError(f"the body is not gzip: {error}") from None
            data = self._unpacker.unconsumed_tail
            self._size += len(piece)
            if self._size > self._max_size:
                raise HTTPStreamClosedError(f"the body unpacks to more than {self._max_size} bytes")
            if piece:
                await self._deliver(piece)

    def end(self) -> None:
        """Check that nothing is missing."""
        if self._unpacker is not None:
            try:
                self._unpacker.flush()
            except zlib.error:
                raise HTTPStreamClosedError("the gzip body is cut short") from None
        self.buffer.seek(0)

    async def _deliver(self, data: bytes) -> None:
        if self._streaming is None:
            self.buffer.write(data)
        else:
            await called(self._streaming, data)


async def called(callback: Any, argument: Any) -> None:
    """Call back, and wait if there is something to wait for."""
    result = callback(argument)
    if inspect.isawaitable(result):
        await result


class Exchange:
    """One request on ``driver``; `head` and then `body` read what comes back."""

    def __init__(self, driver: ClientDriver, request: Any, head: Request) -> None:
        self.driver = driver
        self._request = request
        self._method = head.method
        self._upload = Upload(driver, request)
        driver.begin()
        waits = any(name == "Expect" for name, _ in head.headers)
        try:
            self._upload.head(head, waits)
        except LocalProtocolError as error:
            raise ValueError(str(error)) from None
        self._timer: asyncio.TimerHandle | None = None
        if waits:
            self._timer = asyncio.get_running_loop().call_later(CONTINUE_SECONDS, self._upload.begin)

    async def head(self) -> Response:
        """Return the head of the final response.  Raises `HTTPStreamClosedError` when there is none."""
        for _ in range(_MAX_INFORMATIONAL):
            event = await self._next()
            if isinstance(event, Response):
                self._stop_waiting()
                return event
            if event.status == 101:
                raise HTTPStreamClosedError("the server switched to another protocol, which the client does not speak")
            if event.status == 100:
                self._upload.begin()
        raise HTTPStreamClosedError(f"more than {_MAX_INFORMATIONAL} informational responses, and no other")

    async def announce(self, response: Response) -> None:
        """Tell the program's header_callback the lines of the head."""
        callback = self._request.header_callback
        if callback is not None:
            await called(callback, f"{response.version} {response.status} {response.reason}\r\n")
            for name, value in response.headers:
                await called(callback, f"{name}: {value}\r\n")
            await called(callback, "\r\n")

    async def body(self, response: Response, headers: HTTPHeaders, max_size: int) -> BytesIO:
        """Read the body, and return what the program did not get already."""
        has_body = self._method != "HEAD" and response.status not in (204, 304)
        download = Download(self._request, headers, has_body, max_size)
        while True:
            event = await self._next()
            if isinstance(event, Data):
                await download.data(event.data)
            elif isinstance(event, EndOfMessage):
                download.end()
                return download.buffer

    async def rest(self, response: Response) -> None:
        """Send the rest of the request, unless the server has had enough (RFC 9110, section 7.5)."""
        if response.status < 400 and not _leaves(response):
            await self._upload.rest()

    async def skip_body(self) -> None:
        """Read a body that nobody wants, if it is short; else leave the connection unfit for more."""
        size = 0
        while size <= MAX_UNWANTED_BODY:
            event = await self._next()
            if isinstance(event, EndOfMessage):
                return
            if isinstance(event, Data):
                size += len(event.data)

    async def _next(self) -> Any:
        try:
            event = await self.driver.receive()
        except StreamClosedError as error:
            raise _closed(error) from error
        if isinstance(event, Failure):
            raise HTTPStreamClosedError(event.message)
        if isinstance(event, ConnectionClosed):
            raise HTTPStreamClosedError("Connection closed: the server ended it without a response")
        return event

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def end(self) -> None:
        """Send nothing more."""
        self._stop_waiting()
        self._upload.stop()


def _leaves(response: Response) -> bool:
    """Tell whether the server will not read on (RFC 9112, section 9.3)."""
    options = ",".join(value for name, value in response.headers if name.lower() == "connection").lower()
    return response.version == "HTTP/1.0" or "close" in [option.strip() for option in options.split(",")]


def _closed(error: StreamClosedError) -> HTTPStreamClosedError:
    reason = error.real_error
    return HTTPStreamClosedError("Connection closed" if reason is None else f"Connection closed: {reason}")
