"""The suite's own HTTP client for API-level cases: writes requests as told, reads answers with h11.

Requests are not validated: a case may send what no client should. One :class:`Connection` carries any number of
requests, lets a case read an answer in pieces, and can end early. Every read has a deadline; when it passes, the
failure names what was waited for and what had come by then.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

import h11

#: Seconds that a read, a connect or the stopping of a server may take.
DEADLINE = 3.0
#: Bytes shown in one row of the wire log; longer data is cut.
LOGGED = 2000

Result = TypeVar("Result")
Pairs = Iterable[tuple[str, str]]
#: Bytes as they are, text in UTF-8, or the fields of a form as a mapping or as pairs.
Body = bytes | str | Mapping[str, str] | Sequence[tuple[str, str]] | None


async def in_time(waiting: Awaitable[Result], what: Callable[[], str]) -> Result:
    """Return the result of ``waiting``; after the deadline raise AssertionError that names ``what()``."""
    try:
        return await asyncio.wait_for(waiting, DEADLINE)
    except (TimeoutError, asyncio.TimeoutError):
        raise AssertionError(f"waited {DEADLINE:g} s for {what()}") from None


class Fields:
    """Header fields in order of arrival, found by name whatever the case."""

    def __init__(self, pairs: Pairs = ()) -> None:
        self._pairs = list(pairs)

    def get_all(self, name: str) -> list[str]:
        """Return the values of all field lines called ``name``, in order."""
        return [value for other, value in self._pairs if other.lower() == name.lower()]

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the value of the field, several lines joined with commas, or ``default``."""
        values = self.get_all(name)
        return ", ".join(values) if values else default

    def items(self) -> list[tuple[str, str]]:
        """Return name and value of every field line, in order."""
        return list(self._pairs)

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        assert value is not None, f"the answer has no field {name}, only {', '.join(name for name, _ in self._pairs)}"
        return value

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self.get_all(name))

    def __repr__(self) -> str:
        return repr(self._pairs)


@dataclass
class Reply:
    """An answer. ``body`` is freed from its framing; ``interim`` are the status codes of the 1xx answers before it."""

    code: int
    reason: str
    version: str
    headers: Fields
    body: bytes = b""
    trailers: Fields = field(default_factory=Fields)
    interim: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        """The body as UTF-8 text."""
        return self.body.decode("utf-8")

    def json(self) -> Any:
        """Return the body read as JSON."""
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"<{self.code} {self.reason} {self.headers!r} {self.body[:300]!r}>"


class CutShort(AssertionError):
    """The server closed the connection before its answer was complete; ``reply`` is what came of it, or None."""

    def __init__(self, message: str, reply: Reply | None) -> None:
        super().__init__(message)
        self.reply = reply


class WireLog:
    """Writes what goes over the case's connections as rows of its ``wire_log``."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self._rows = rows
        self._start = time.monotonic()

    def add(self, sender: str, data: bytes = b"", note: str = "") -> None:
        """Append one row; ``sender`` is "suite" or "target"."""
        seconds = round(time.monotonic() - self._start, 4)
        cut = f"first {LOGGED} of {len(data)} bytes" if len(data) > LOGGED else ""
        self._rows.append({"t": seconds, "from": sender, "data": data[:LOGGED].decode("latin-1"), "note": note or cut})


class AnswerParser:
    """Reads one answer, the interim ones before it included; ``reply`` appears with the head, then its body grows."""

    def __init__(self, method: str) -> None:
        self.reply: Reply | None = None
        self.complete = False
        self._interim: tuple[int, ...] = ()
        # h11 wants to have sent the request whose answer it reads: HEAD, for one, changes how the body ends.
        self._h11 = h11.Connection(h11.CLIENT)
        self._h11.send(h11.Request(method=method, target="/", headers=[("Host", "suite")]))
        self._h11.send(h11.EndOfMessage())

    @property
    def left(self) -> bytes:
        """Bytes that follow the complete answer."""
        return self._h11.trailing_data[0]

    def feed(self, data: bytes) -> None:
        """Take ``data``; b"" means the end of the connection. Raises h11.RemoteProtocolError when it is not HTTP."""
        self._h11.receive_data(data)
        while not self.complete:
            event = self._h11.next_event()
            if event in (h11.NEED_DATA, h11.PAUSED) or isinstance(event, h11.ConnectionClosed):
                return
            self._take(event)

    def _take(self, event: object) -> None:
        if isinstance(event, h11.InformationalResponse):
            self._interim += (event.status_code,)
        elif isinstance(event, h11.Response):
            reason, version = event.reason.decode("latin-1"), event.http_version.decode("ascii")
            self.reply = Reply(event.status_code, reason, version, _fields(event.headers.raw_items()))
            self.reply.interim = self._interim
        elif isinstance(event, h11.Data) and self.reply is not None:
            self.reply.body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage) and self.reply is not None:
            self.reply.trailers = _fields(event.headers.raw_items())
            self.complete = True


class Connection:
    """One connection. Requests are written at once; answers are read, in order, when the case asks for them."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, log: WireLog, host: str) -> None:
        self._reader, self._writer, self._log, self._host = reader, writer, log, host
        self._expected: list[str] = []  # methods of the requests whose answers are still to be read
        self._parser: AnswerParser | None = None
        self._left = b""

    # -- sending ------------------------------------------------------------------------------------------------------

    def send(
        self,
        method: str,
        path: str,
        body: Body = None,
        headers: Mapping[str, str] | Pairs = (),
        version: str = "1.1",
    ) -> None:
        """Write a request. Host and what the body needs are added unless ``headers`` has them."""
        given = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
        names = {name.lower() for name, _ in given}
        data, needed = _encoded(body)
        added = [pair for pair in [("Host", self._host), *needed] if pair[0].lower() not in names]
        lines = [f"{method} {path} HTTP/{version}", *(f"{name}: {value}" for name, value in added + given)]
        self._expected.append(method)
        self.send_bytes("\r\n".join([*lines, "", ""]).encode("utf-8") + data)

    def send_bytes(self, data: bytes) -> None:
        """Write ``data`` as it is: the rest of a body that :meth:`send` announced."""
        self._log.add("suite", data)
        self._writer.write(data)

    def half_close(self) -> None:
        """End the suite's side of the connection, and go on reading."""
        self._log.add("suite", note="the suite ended its side")
        self._writer.write_eof()

    def close(self) -> None:
        """Close the connection. Does nothing when that is done."""
        if not self._writer.is_closing():
            self._log.add("suite", note="closed by the suite")
            self._writer.close()

    # -- reading ------------------------------------------------------------------------------------------------------

    async def fetch(self, method: str, path: str, **request: Any) -> Reply:
        """Send a request (arguments as for :meth:`send`) and return its complete answer."""
        self.send(method, path, **request)
        return await self.reply()

    async def reply(self) -> Reply:
        """Return the next answer, complete. Raises CutShort when the server closes the connection before its end."""
        parser = self._reading()
        await self._read(parser, lambda: parser.complete, "the end of the answer")
        self._parser, self._left = None, parser.left
        assert parser.reply is not None
        return parser.reply

    async def head(self) -> Reply:
        """Return the next answer as soon as its head is there; its ``body`` grows while more is read."""
        parser = self._reading()
        await self._read(parser, lambda: parser.reply is not None, "the head of an answer")
        assert parser.reply is not None
        return parser.reply

    async def body_until(self, part: bytes) -> bytes:
        """Return the body as far as it has come as soon as it contains ``part``."""
        reply, parser = await self.head(), self._reading()
        await self._read(parser, lambda: part in reply.body or parser.complete, f"{part!r} in the body")
        assert part in reply.body, f"the body ended without {part!r}: {reply.body!r}"
        return reply.body

    async def closed(self) -> None:
        """Return when the server has closed the connection. Raises AssertionError when bytes come instead."""
        data = self._left or await self.receive("the server to close the connection")
        assert not data, f"waited for the server to close the connection, but these bytes came: {data[:200]!r}"

    async def receive(self, what: str) -> bytes:
        """Return bytes from the server as they come, b"" when it has closed the connection; a wait is for ``what``."""
        try:
            data = await in_time(self._reader.read(65536), lambda: what)
        except ConnectionError:
            data = b""
        self._log.add("target", data, "" if data else "closed by the target")
        return data

    def _reading(self) -> AnswerParser:
        """Return the parser of the answer that is being read; begin with the next one if there is none."""
        if self._parser is None:
            assert self._expected, "the case reads an answer to a request it did not send"
            self._parser = AnswerParser(self._expected.pop(0))
            if self._left:
                self._parser.feed(self._left)
                self._left = b""
        return self._parser

    async def _read(self, parser: AnswerParser, enough: Callable[[], bool], what: str) -> None:
        while not enough():
            data = await self.receive(f"{what}; by then there was {parser.reply}")
            try:
                parser.feed(data)
            except h11.RemoteProtocolError as error:
                if data:
                    raise AssertionError(f"this is not HTTP: {data[:200]!r}: {error}") from error
                raise CutShort(
                    f"the connection was closed before {what}; there was {parser.reply}", parser.reply
                ) from None
            if not data and not enough():
                raise CutShort(f"the connection was closed before {what}; there was {parser.reply}", parser.reply)


def _fields(pairs: Iterable[tuple[bytes, bytes]]) -> Fields:
    return Fields((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs)


def _encoded(body: Body) -> tuple[bytes, list[tuple[str, str]]]:
    """Return a body as bytes, and the fields that a request with it needs."""
    if body is None:
        return b"", []
    if isinstance(body, (bytes, str)):
        data = body.encode() if isinstance(body, str) else body
        return data, [("Content-Length", str(len(data)))]
    data = urlencode(body if isinstance(body, Mapping) else list(body)).encode()
    return data, [("Content-Type", "application/x-www-form-urlencoded"), ("Content-Length", str(len(data)))]
