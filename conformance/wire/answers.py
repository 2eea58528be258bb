"""Reads HTTP answers off a connection with h11, and checks their heads against the grammar of RFC 9112, strictly.

h11 judges what the bytes mean: where the head ends, how the body is framed, where the next answer begins. It forgives
some spellings that a sender must not use, so :meth:`Answer.faults` reads the raw head again without forgiveness.
"""

from __future__ import annotations

import gzip
import re
import time
import zlib
from dataclasses import dataclass, field

import h11

from conformance.wire import headlint
from conformance.wire.connection import Connection

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] [1-5][0-9][0-9] [\t\x20-\x7e\x80-\xff]*")
_VALUE = rb"(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?"
_FIELD_LINE = re.compile(_TOKEN + rb":[\t ]*" + _VALUE + rb"[\t ]*")
#: Fields whose value is no list: two lines of one of them have no meaning (RFC 9110, section 5.3).
_SINGLE = ("content-length", "content-type", "date", "etag", "last-modified", "location", "server")
_HEAD_LIMIT = 65536


class Unreadable(Exception):
    """No complete answer could be read; the text says what came instead, in few words."""


@dataclass
class Answer:
    """One final answer, with the interim answers that came before it.

    ``headers`` are pairs in order with names in lower case. ``framing`` tells how the body was delimited: "length",
    "chunked", "close" (by the end of the connection) or "none" (there cannot be one).
    """

    status: int
    reason: str
    version: str
    headers: list[tuple[str, str]]
    head: bytes
    body: bytes = b""
    framing: str = "none"
    interim: list[Answer] = field(default_factory=list)

    def values(self, name: str) -> list[str]:
        """Return the values of the field lines called ``name``."""
        return [value for other, value in self.headers if other == name.lower()]

    def members(self, name: str) -> list[str]:
        """Return the members of the comma-separated list that the field ``name`` is, without empty ones."""
        parts = (part.strip() for value in self.values(name) for part in value.split(","))
        return [part for part in parts if part]

    @property
    def closes(self) -> bool:
        """Whether the answer says that the connection ends after it."""
        options = [option.lower() for option in self.members("connection")]
        return "close" in options or (self.version == "1.0" and "keep-alive" not in options)

    def faults(self) -> list[str]:
        """Return what is wrong with the head by the grammar a sender must keep to."""
        status_line, *lines = self.head.removesuffix(b"\r\n\r\n").split(b"\r\n")
        faults = [] if _STATUS_LINE.fullmatch(status_line) else [f"status line {status_line!r}"]
        faults += [f"field line {line!r}" for line in lines if not _FIELD_LINE.fullmatch(line)]
        faults += [f"{name} more than once" for name in _SINGLE if len(self.values(name)) > 1]
        if self.values("transfer-encoding") and self.values("content-length"):
            faults.append("Content-Length beside Transfer-Encoding")
        names = [name for name, _ in self.headers]
        return [*faults, *headlint.faults(self.status, names, self.values)]

    def untidy(self) -> list[str]:
        """Return what in the head a sender is advised against."""
        lines = self.head.removesuffix(b"\r\n\r\n").split(b"\r\n")[1:]
        return list(headlint.untidy(lines, self.values))

    @property
    def content(self) -> bytes:
        """The body with its content coding undone. Raises ValueError for one that is unknown or does not fit."""
        codings = [coding.lower() for coding in self.members("content-encoding")]
        try:
            return gzip.decompress(self.body) if codings in (["gzip"], ["x-gzip"]) else self._plain(codings)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"the body is not {codings[0]}: {error}") from None

    def _plain(self, codings: list[str]) -> bytes:
        if codings:
            raise ValueError(f"content coding {', '.join(codings)}")
        return self.body

    def __str__(self) -> str:
        first = self.head.split(b"\r\n", 1)[0].decode("latin-1")
        return f"{first!r} with {len(self.body)} bytes of body"


def _switching(raw: bytes) -> Answer:
    """Return the 101 answer with the head ``raw``."""
    status_line, *lines = raw.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    pairs = [line.partition(":")[::2] for line in lines]
    headers = [(name.lower(), value.strip(" \t")) for name, value in pairs]
    return Answer(101, status_line[13:], status_line[5:8], headers, raw)


class AnswerReader:
    """Reads one final answer to a request with ``method``, which decides whether there is a body.

    Whether a request that breaks off behind "HEAD" asked for no body, nobody can say: the method "HEAD?" allows both.
    """

    def __init__(self, connection: Connection, method: str) -> None:
        self._connection = connection
        self._peer = h11.Connection(h11.CLIENT, max_incomplete_event_size=2 * _HEAD_LIMIT)
        self._method = method
        self._peer.send(
            h11.Request(method=method.replace("HEAD?", "GET"), target="/", headers=[("Host", "suite.test")])
        )
        self._peer.send(h11.EndOfMessage())
        self.interim: list[Answer] = []

    def read(self) -> Answer:
        """Read the final answer. Raises Unreadable when it does not come, or is none."""
        deadline = time.monotonic() + self._connection.deadline
        try:
            while True:
                answer = self._head(deadline)
                if answer.status >= 200 or answer.status == 101:
                    break
                self.interim.append(answer)
            answer.interim = self.interim
            self._body(answer, deadline)
        except h11.RemoteProtocolError as error:
            raise Unreadable(f"an answer that breaks the protocol: {error}") from None
        self._connection.note(f"{answer.status} {answer.reason}, body {answer.framing}")
        return answer

    def read_interim(self) -> Answer:
        """Read one head and return it, be it interim or final. Raises Unreadable when none comes."""
        try:
            answer = self._head(time.monotonic() + self._connection.deadline)
        except h11.RemoteProtocolError as error:
            raise Unreadable(f"an answer that breaks the protocol: {error}") from None
        self._connection.note(f"{answer.status} {answer.reason}")
        self.interim.append(answer)
        return answer

    def _head(self, deadline: float) -> Answer:
        raw = self._raw_head(deadline)
        if raw.startswith((b"HTTP/1.1 101 ", b"HTTP/1.0 101 ")):
            # h11 wants to have been asked for the switch.
            return _switching(raw)
        self._peer.receive_data(raw)
        event = self._peer.next_event()
        if not isinstance(event, (h11.InformationalResponse, h11.Response)):
            raise Unreadable(f"{raw[:60]!r} in place of an answer's head")
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers]
        reason = bytes(event.reason).decode("latin-1")
        return Answer(event.status_code, reason, event.http_version.decode(), headers, raw)

    def _raw_head(self, deadline: float) -> bytes:
        buffer = self._connection.buffer
        while True:
            if not b"HTTP/1.".startswith(bytes(buffer[:7])):
                raise Unreadable(f"{bytes(buffer[:60])!r} in place of a status line")
            if (end := buffer.find(b"\r\n\r\n")) >= 0:
                return self._connection.take(end + 4)
            if len(buffer) > _HEAD_LIMIT:
                raise Unreadable(f"a head of more than {_HEAD_LIMIT} bytes")
            if not self._connection.wait(deadline):
                raise Unreadable(self._why_nothing("no answer", "an answer's head that breaks off"))

    def _body(self, answer: Answer, deadline: float) -> None:
        answer.framing = self._framing(answer)
        if answer.status == 101 or (self._method == "CONNECT" and answer.status < 300):
            return
        while True:
            event = self._peer.next_event()
            if event is h11.NEED_DATA:
                if self._method == "HEAD?" and not answer.body and not self._connection.wait_for_any_byte():
                    answer.framing = "none"
                    return
                self._feed(answer, deadline)
            elif isinstance(event, h11.Data):
                answer.body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                # What h11 was given too much belongs to the next answer.
                self._connection.buffer[:0] = self._peer.trailing_data[0]
                return
            else:
                raise Unreadable("a body that breaks off when the connection ends")

    def _feed(self, answer: Answer, deadline: float) -> None:
        connection = self._connection
        if not connection.buffer and not connection.wait(deadline) and not connection.ended:
            raise Unreadable("a body that does not end")
        if not connection.buffer and connection.ended == "reset" and answer.framing != "close":
            # A body that ends with the connection cannot tell; whether a reset comes first is a matter of luck.
            raise Unreadable("a body that breaks off with a reset")
        self._peer.receive_data(connection.take())

    def _framing(self, answer: Answer) -> str:
        if self._method == "HEAD" or answer.status in (204, 304) or answer.status < 200:
            return "none"
        if answer.values("transfer-encoding"):
            return "chunked"
        return "length" if answer.values("content-length") else "close"

    def _why_nothing(self, nothing: str, part: str) -> str:
        what = part if self._connection.buffer else nothing
        if self._connection.ended:
            return f"{what}; the connection was {self._connection.ended} by the target"
        return f"{what} in time, the connection is open"
