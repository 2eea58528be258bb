"""Transfers of libcurl on an event loop, and one of them as an exchange of messages."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import pycurl

from waterspout._client_exchange import Exchange
from waterspout._client_request import HTTPClientError
from waterspout.protocol.http1 import Data, EndOfMessage, Event, Response

#: How many bytes may wait to be looked at before the transfer pauses.
MAX_BACKLOG = 65536


class CurlError(HTTPClientError):
    """What libcurl failed with; ``errno`` is its number, of those called ``E_`` in pycurl, ``code`` is 599.

    Documentation: ``curl_httpclient.CurlError``.
    """

    def __init__(self, errno: int, message: str) -> None:
        super().__init__(599, message)
        self.errno = errno


class Transfers:
    """Runs transfers side by side; libcurl says which descriptors and which time to wait for."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._timer: asyncio.TimerHandle | None = None
        self._watched: set[int] = set()
        self._ended: dict[Any, Callable[[Exception | None], None]] = {}

    def begin(self, curl: Any, ended: Callable[[Exception | None], None]) -> None:
        """Begin a transfer; ``ended`` is called with None or a `CurlError` at its end."""
        self._ended[curl] = ended
        self._multi.add_handle(curl)
        self.go_on()

    def end(self, curl: Any) -> None:
        """Forget a transfer, whether it is at its end or not."""
        if self._ended.pop(curl, None) is not None:
            self._multi.remove_handle(curl)

    def go_on(self) -> None:
        """Do what can be done without waiting."""
        self._act(pycurl.SOCKET_TIMEOUT, 0)

    def close(self) -> None:
        """End everything."""
        for curl in list(self._ended):
            self.end(curl)
        if self._timer is not None:
            self._timer.cancel()
        for descriptor in list(self._watched):
            self._forget(descriptor)
        self._multi.close()

    def _watch(self, event: int, descriptor: int, multi: Any, data: Any) -> None:
        self._forget(descriptor)
        if event in (pycurl.POLL_IN, pycurl.POLL_INOUT):
            self._watched.add(descriptor)
            self._loop.add_reader(descriptor, self._act, descriptor, pycurl.CSELECT_IN)
        if event in (pycurl.POLL_OUT, pycurl.POLL_INOUT):
            self._watched.add(descriptor)
            self._loop.add_writer(descriptor, self._act, descriptor, pycurl.CSELECT_OUT)

    def _forget(self, descriptor: int) -> None:
        if descriptor in self._watched:
            self._watched.discard(descriptor)
            self._loop.remove_reader(descriptor)
            self._loop.remove_writer(descriptor)

    def _set_timer(self, milliseconds: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if milliseconds >= 0:
            self._timer = self._loop.call_later(milliseconds / 1000, self._expire)

    def _expire(self) -> None:
        self._timer = None
        self.go_on()

    def _act(self, descriptor: int, events: int) -> None:
        self._multi.socket_action(descriptor, events)
        more = 1
        while more:
            more, done, failed = self._multi.info_read()
            for curl in done:
                self._ended[curl](None)
            for curl, errno, message in failed:
                self._ended[curl](CurlError(errno, message))


class CurlExchange(Exchange):
    """One request by libcurl, with what comes back as events."""

    def __init__(self, transfers: Transfers, curl: Any, request: Any, method: str, max_size: int) -> None:
        # Not that of Exchange, which begins with a connection.
        self._transfers = transfers
        self._curl = curl
        self._request = request
        self._method = method
        self._left = max_size
        self._lines: list[str] = []
        self._head: Response | None = None
        self._events: deque[Event] = deque()
        self._backlog = 0
        self._paused = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        curl.setopt(pycurl.HEADERFUNCTION, self._on_line)
        curl.setopt(pycurl.WRITEFUNCTION, self._on_data)
        transfers.begin(curl, self._on_end)

    # What libcurl calls

    def _on_line(self, octets: bytes) -> None:
        line = octets.decode("latin-1").rstrip("\r\n")
        if line.startswith("HTTP/") and (not self._lines or self._head is not None):
            # What came before was a 1xx response, or one that libcurl took care of itself.
            self._lines, self._head = [line], None
        elif line:
            self._lines.append(line)
        elif self._head is None and self._lines:
            self._head = _response(self._lines)

    def _on_data(self, data: bytes) -> int | None:
        if self._backlog > MAX_BACKLOG:
            self._paused = True
            return int(pycurl.WRITEFUNC_PAUSE)
        self._pass_head()
        self._backlog += len(data)
        self._events.append(Data(data))
        self._wake()
        return None

    def _on_end(self, error: Exception | None) -> None:
        self._error = error
        if error is None:
            self._pass_head()
            self._events.append(EndOfMessage())
        self._wake()

    def _pass_head(self) -> None:
        if self._head is not None:
            self._events.append(self._head)
            self._head = None
            self._lines = []

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # What Exchange is made of

    async def _next(self) -> Any:
        while not self._events:
            if self._error is not None:
                raise self._error
            if self._paused:
                self._paused = False
                self._curl.pause(pycurl.PAUSE_CONT)
                self._transfers.go_on()
                continue
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        event = self._events.popleft()
        if isinstance(event, Data):
            self._backlog -= len(event.data)
            self._left -= len(event.data)
            if self._left < 0:
                raise CurlError(pycurl.E_FILESIZE_EXCEEDED, "the body is longer than max_body_size")
        return event

    async def rest(self, response: Response) -> None:
        """Return; libcurl sends all of a request before a transfer ends."""

    def _stop_waiting(self) -> None:
        """Nothing waits here."""

    def end(self) -> None:
        """End the transfer."""
        self._transfers.end(self._curl)


def _response(lines: list[str]) -> Response:
    version, _, rest = lines[0].partition(" ")
    status, _, reason = rest.partition(" ")
    fields: list[tuple[str, str]] = []
    for line in lines[1:]:
        name, _, value = line.partition(":")
        if line[0] in " \t" and fields:
            fields[-1] = fields[-1][0], f"{fields[-1][1]} {line.strip()}"
        else:
            fields.append((name, value.strip()))
    return Response(int(status), reason, fields, version)
