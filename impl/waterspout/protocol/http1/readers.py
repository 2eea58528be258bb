"""What reads the next event out of the buffer; one of these is current at any time, chosen by state and
framing.

A reader is called with the buffer and returns an event, or None when more input is needed; it raises
`PeerError` for what the peer must not send. ``at_end`` is asked instead when input has ended and no event is
left. No reader looks at an octet more than a fixed number of times, however the input is cut, and what it
reports does not depend on the cuts: limits and faults are judged in the order in which the octets came.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from waterspout.protocol.http1.buffer import ReceiveBuffer
from waterspout.protocol.http1.errors import PeerError
from waterspout.protocol.http1.events import ConnectionClosed, Data, EndOfMessage, Event
from waterspout.protocol.http1.grammar import chunk_line, illegal_in_head, illegal_in_lenient_head
from waterspout.protocol.http1.heads import bad_field, parse_trailers
from waterspout.protocol.http1.limits import Limits

HeadParser = Callable[[str, Limits], "Event | None"]

#: The most that is gathered from small chunks into one ``Data``.
GATHER = 65536

MAX_CHUNK = 2**63 - 1


class Reader(Protocol):
    """The interface of this module's classes."""

    def __call__(self, buffer: ReceiveBuffer) -> Event | None: ...

    def at_end(self, buffer: ReceiveBuffer) -> Event | None: ...


class HeadReader:
    """Reads heads. ``check_line`` judges a start line as soon as it is complete; ``too_long`` is the status
    if it never is.
    """

    def __init__(
        self,
        limits: Limits,
        parse: HeadParser,
        check_line: Callable[[str], None],
        too_long: int,
        empty_lines: int,
    ) -> None:
        self._limits = limits
        self._limit = limits.head
        self._lenient = limits.bare_lf
        self._parse = parse
        self._check_line = check_line
        self._too_long = too_long
        self._empty_lines_allowed = empty_lines
        self._illegal = illegal_in_lenient_head if limits.bare_lf else illegal_in_head
        self._reset()

    def _reset(self) -> None:
        # Whether any of what follows is other than here.
        self._begun = False
        self._empty_lines = 0
        self._restart()

    def _restart(self) -> None:
        # All three count from the buffer's position.
        self._searched = 0
        self._scanned = 0
        self._line_checked = False

    def __call__(self, buffer: ReceiveBuffer) -> Event | None:
        data, pos = buffer.data, buffer.pos
        if pos == len(data):
            return None
        if self._lenient:
            end = self._find_lenient_end(data, pos + self._searched, pos + self._limit)
        else:
            found = data.find(b"\r\n\r\n", pos + self._searched, pos + self._limit)
            end = found + 4 if found >= 0 else -1
        if end < 0:
            self._begun = True
            if self._skip_empty_lines(buffer):
                return self(buffer)
            self._check_incomplete(buffer)
            return None
        text = data[pos:end].decode("latin-1")
        if self._lenient:
            text = self._normalised(text)
        event = self._parse(text, self._limits)
        if event is None:
            self._begun = True
            if self._skip_empty_lines(buffer):
                return self(buffer)
            raise self._fault(buffer, end - pos, text)
        buffer.pos = end
        if self._begun:
            self._reset()
        return event

    def _find_lenient_end(self, data: bytes | bytearray, start: int, stop: int) -> int:
        """The position after the empty line that ends the head, or -1; for the strict one ``find`` is enough."""
        found = data.find(b"\n", start, stop)
        while found >= 0:
            for empty in (b"\n", b"\r\n"):
                if data.startswith(empty, found + 1, stop):
                    return found + 1 + len(empty)
            found = data.find(b"\n", found + 1, stop)
        return -1

    def _normalised(self, text: str) -> str:
        return text.replace("\r\n", "\n").replace("\n", "\r\n")

    def _skip_empty_lines(self, buffer: ReceiveBuffer) -> bool:
        """Drop empty lines before the start line (RFC 9112 section 2.2); tell whether there were any."""
        data = buffer.data
        pos = buffer.pos
        while True:
            if data.startswith(b"\r\n", pos):
                pos += 2
            elif self._limits.bare_lf and data.startswith(b"\n", pos):
                pos += 1
            else:
                break
            self._empty_lines += 1
            if self._empty_lines > self._empty_lines_allowed:
                raise PeerError(400, f"more than {self._empty_lines_allowed} empty lines before the start line")
        if pos == buffer.pos:
            return False
        buffer.pos = pos
        self._restart()
        return True

    def _check_incomplete(self, buffer: ReceiveBuffer) -> None:
        size = len(buffer)
        self._scan(buffer, size)
        if size >= self._limits.head:
            raise PeerError(431, f"head longer than {self._limits.head} octets")
        self._searched = max(0, size - 3)

    def _scan(self, buffer: ReceiveBuffer, size: int) -> None:
        """Judge what has come of a head, up to ``size`` octets, beyond what was judged before."""
        if not self._line_checked and not self._scan_line(buffer, size):
            return
        self._scan_octets(buffer, min(size, self._limits.head))

    def _scan_line(self, buffer: ReceiveBuffer, size: int) -> bool:
        """Judge the start line; tell whether it is complete."""
        data, pos, limit = buffer.data, buffer.pos, self._limits.start_line
        window = min(size, limit + 2)
        line_end = b"\n" if self._limits.bare_lf else b"\r\n"
        found = data.find(line_end, pos + max(0, self._scanned - 1), pos + window)
        self._scan_octets(buffer, window if found < 0 else found - pos)
        if found < 0:
            if size >= limit + 2:
                raise PeerError(self._too_long, f"start line longer than {limit} octets")
            return False
        self._line_checked = True
        line = data[pos:found].decode("latin-1")
        if self._limits.bare_lf and line.endswith("\r"):
            line = line[:-1]
        self._check_line(line + "\r\n")
        return True

    def _scan_octets(self, buffer: ReceiveBuffer, stop: int) -> None:
        data, pos = buffer.data, buffer.pos
        start = max(0, self._scanned - 1)
        # What precedes the head may be a CR of another message's body, which the expression would take for
        # this line's.
        first_is_illegal = start == 0 and data.startswith(b"\n", pos) and stop > 0
        found = self._illegal.search(data, pos + start, pos + stop)
        if found or first_is_illegal:
            octet = data[found.start()] if found else 10
            name = {0: "NUL", 10: "LF without CR", 13: "CR without LF"}[octet]
            raise PeerError(400, f"{name} in a message head")
        self._scanned = max(self._scanned, stop)

    def _fault(self, buffer: ReceiveBuffer, size: int, text: str) -> PeerError:
        """Find out why a complete head of ``size`` octets is not of the grammar."""
        try:
            self._scan(buffer, size)
        except PeerError as error:
            return error
        return bad_field(text.split("\r\n", 1)[1])

    def at_end(self, buffer: ReceiveBuffer) -> Event | None:
        if buffer:
            raise PeerError(400, "the connection ended within a message head")
        return ConnectionClosed()


_END = EndOfMessage()


class NoBodyReader:
    """The message ended with its head."""

    def __call__(self, buffer: ReceiveBuffer) -> Event | None:
        return _END

    def at_end(self, buffer: ReceiveBuffer) -> Event | None:
        return _END


class LengthReader:
    """A body of a declared length (RFC 9112 section 6.2)."""

    def __init__(self, length: int, bound: int | None, piece: int | None) -> None:
        self.bound = bound
        self._length = length
        self._remaining = length
        self._piece = length if piece is None else piece

    def __call__(self, buffer: ReceiveBuffer) -> Event | None:
        if self.bound is not None and self._length > self.bound:
            raise PeerError(413, f"body of {self._length} octets is longer than {self.bound}")
        if not self._remaining:
            return EndOfMessage()
        data = buffer.take(min(self._remaining, self._piece))
        if not data:
            return None
        self._remaining -= len(data)
        return Data(data)

    def at_end(self, buffer: ReceiveBuffer) -> Event | None:
        received = self._length - self._remaining
        raise PeerError(400, f"the connection ended after {received} of {self._length} octets of the body")


class UntilCloseReader:
    """A response body that ends with the connection (RFC 9112 section 6.3 item 8)."""

    def __init__(self, bound: int | None, piece: int | None) -> None:
        self.bound = bound
        self._piece = piece
        self._received = 0

    def __call__(self, buffer: ReceiveBuffer) -> Event | None:
        room = len(buffer) if self.bound is None else self.bound - self._received
        data = buffer.take(room if self._piece is None else min(room, self._piece))
        self._received += len(data)
        if data:
            return Data(data)
        if buffer:
            raise PeerError(413, f"body longer than {self.bound} octets")
        return None

    def at_end(self, buffer: ReceiveBuffer) -> Event | None:
        return EndOfMessage()


class ChunkedReader:
    """A chunked body (RFC 9112 section 7.1). Small chunks at hand together come out as one ``Data``."""

    def __init__(self, limits: Limits, bound: int | None, *, folds: bool) -> None:
        self.bound = bound
        self._limits = limits
        self._folds = folds
        self._received = 0
        self._extensions = 0
        self._searched = 0
        self._remaining = 0
        self._before_line_end = False
        self._in_trailers = False
        # What to report once all data that came before it is delivered.
        self._outcome: EndOfMessage | PeerError | None = None

    def __call__(self, buffer: ReceiveBuffer) -> Event | None:
        pieces: list[bytes] = []
        limit = self._limits.piece
        room = GATHER if limit is None else limit
        while room > 0 and (self._remaining or self._open_chunk(buffer)):
            piece = buffer.take(self._remaining if limit is None else min(self._remaining, room))
            if not piece:
                break
            self._remaining -= len(piece)
            room -= len(piece)
            pieces.append(piece)
        if pieces:
            return Data(b"".join(pieces))
        if isinstance(self._outcome, PeerError):
            raise self._outcome
        return self._outcome

    def _open_chunk(self, buffer: ReceiveBuffer) -> bool:
        """Read up to the next chunk's data; tell whether they were reached."""
        if self._outcome is not None:
            return False
        try:
            if self._before_line_end and not self._read_line_end(buffer):
                return False
            if not self._in_trailers and not self._read_size(buffer):
                return False
            if self._in_trailers:
                self._outcome = self._read_trailers(buffer)
        except PeerError as error:
            self._outcome = error
        return self._remaining > 0

    def _read_line_end(self, buffer: ReceiveBuffer) -> bool:
        found = buffer.data[buffer.pos : buffer.pos + 2]
        if found != b"\r\n"[: len(found)]:
            raise PeerError(400, f"{bytes(found)!r} where the line end after a chunk's data belongs")
        if len(found) < 2:
            return False
        buffer.pos += 2
        self._before_line_end = False
        return True

    def _read_size(self, buffer: ReceiveBuffer) -> bool:
        line = self._take_line(buffer)
        if line is None:
            return False
        match = chunk_line.fullmatch(line)
        if match is None:
            raise PeerError(400, f"malformed chunk size line {line[:60]!r}")
        self._extensions += len(match[2])
        if self._extensions > self._limits.chunk_extensions:
            raise PeerError(400, f"more than {self._limits.chunk_extensions} octets of chunk extensions")
        size = int(match[1], 16)
        if self.bound is not None and self._received + size > self.bound:
            raise PeerError(413, f"chunked body longer than {self.bound} octets")
        if size > MAX_CHUNK:
            raise PeerError(400, "chunk size of more than 64 bits")
        self._received += size
        self._remaining = size
        self._before_line_end = size > 0
        self._in_trailers = size == 0
        return True

    def _take_line(self, buffer: ReceiveBuffer) -> str | None:
        data, pos, limit = buffer.data, buffer.pos, self._limits.chunk_line
        found = data.find(b"\n", pos + self._searched, pos + limit + 2)
        if found < 0:
            if len(buffer) >= limit + 2:
                raise PeerError(400, f"chunk size line longer than {limit} octets")
            self._searched = len(buffer)
            return None
        if found == pos or data[found - 1] != 13:
            raise PeerError(400, "LF without CR in a chunk size line")
        buffer.pos = found + 1
        self._searched = 0
        return data[pos : found - 1].decode("latin-1")

    def _read_trailers(self, buffer: ReceiveBuffer) -> EndOfMessage | None:
        data, pos, limit = buffer.data, buffer.pos, self._limits.trailers
        if data.startswith(b"\r\n", pos):
            buffer.pos += 2
            return EndOfMessage()
        found = data.find(b"\r\n\r\n", pos + self._searched, pos + limit)
        if found < 0:
            if len(buffer) >= limit:
                raise PeerError(431, f"trailer section longer than {limit} octets")
            self._searched = max(0, len(buffer) - 3)
            return None
        buffer.pos = found + 4
        text = data[pos : found + 2].decode("latin-1")
        return EndOfMessage(parse_trailers(text, self._limits, folds=self._folds))

    def at_end(self, buffer: ReceiveBuffer) -> Event | None:
        raise PeerError(400, "the connection ended within a chunked body")


class PausedReader:
    """Nothing may be read until our side is done with the current exchange, or ever."""

    def __call__(self, buffer: ReceiveBuffer) -> Event | None:
        return None

    def at_end(self, buffer: ReceiveBuffer) -> Event | None:
        return None


class UnaskedReader:
    """For a client that has no request outstanding: nothing but the end may come (RFC 9112 section 9.2)."""

    def __call__(self, buffer: ReceiveBuffer) -> Event | None:
        if buffer:
            raise PeerError(400, "data came that answers no request")
        return None

    def at_end(self, buffer: ReceiveBuffer) -> Event | None:
        return ConnectionClosed()
