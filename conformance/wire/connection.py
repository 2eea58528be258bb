"""One TCP connection to the target: pieces out, bytes in, every wait with a deadline, everything logged.

The connection never judges. It tells what happened: which bytes came, and whether the target closed its side
(``closed``), tore the connection down (``reset``), ended it below TLS without a word (``cut``), or did none
of that. Judging readers stand on top of it, one for HTTP messages and one for WebSocket frames.

A reset counts as an end, since a server that closes with unread input resets (RFC 9112, section 9.6, tells
why it should linger); bytes that arrived before it are kept.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Iterable
from typing import Any

from conformance.server_process import ServerProcess
from conformance.verdict import NotTestable, Unsupported
from conformance.wire.chopping import Borders, http_borders, pieces

#: Seconds within which a target must do what is expected of it.
DEADLINE = 2.0
#: Seconds between two pieces, to which the system adds its own: long enough for a reader in another process to see
#: nearly all of them apart.
PACE = 0.00002
#: Characters of one row's data in the log.
LOGGED = 2000


class WireLog:
    """Writes the exchange as rows into the list that the case's record keeps."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        self._start = time.monotonic()

    def add(self, sender: str, data: bytes, note: str = "") -> None:
        """Add a row; ``sender`` is "suite" or "target"."""
        text = data[:LOGGED].decode("latin-1")
        if len(data) > LOGGED:
            note = f"{note}; {len(data)} bytes, cut here".lstrip("; ")
        seconds = round(time.monotonic() - self._start, 4)
        self.rows.append({"t": seconds, "from": sender, "data": text, "note": note})

    def note(self, sender: str, note: str) -> None:
        """Put a note on the last row if it is the sender's and has none yet, else on a row of its own."""
        if self.rows and self.rows[-1]["from"] == sender and not self.rows[-1]["note"]:
            self.rows[-1]["note"] = note
        else:
            self.add(sender, b"", note)


class Connection:
    """A connection to the target's server.

    ``buffer`` holds what came and was not yet taken; ``ended`` is "" while the target's side is open, then
    "closed", "reset" or "cut"; ``sent`` is all that was handed to the socket; ``silent`` tells whether the last
    wait was in vain.
    """

    def __init__(
        self, address: tuple[str, int], log: WireLog, deadline: float = DEADLINE, *, tls: bool = False
    ) -> None:
        self.deadline = deadline
        try:
            self.socket = socket.create_connection(address, timeout=DEADLINE)
            if tls:
                self.socket = _secured(self.socket)
        except OSError as error:
            raise NotTestable(f"no connection to {address[0]}:{address[1]}: {error}") from None
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.buffer = bytearray()
        self.ended = ""
        self.sent = bytearray()
        self.half_closed = False
        self.silent = False
        self._log = log

    @classmethod
    def to(
        cls, server: ServerProcess, rows: list[dict[str, Any]], deadline: float = DEADLINE, tls: bool = False
    ) -> Connection:
        """Connect to the target's server, starting it when it does not run, and log into ``rows``.

        ``deadline`` is the number of seconds that every later wait may take; ``tls`` asks for a secured connection.
        Raises NotTestable when there is no connection to be had, Unsupported when the server named no port for TLS.
        """
        host, port = server.address()
        if tls:
            if "https" not in server.capabilities:
                raise Unsupported("tls: the server's greeting names no port for https")
            port = server.capabilities["https"]
        return cls((host, port), WireLog(rows), deadline, tls=tls)

    # -- sending ---------------------------------------------------------------------------------------------

    def send(
        self,
        data: bytes,
        chop: str = "whole",
        borders: Iterable[int] | Borders = http_borders,
        note: str = "",
    ) -> bool:
        """Send ``data`` in pieces; what arrives meanwhile goes to ``buffer``.

        Return whether all of it was sent: sending stops when the target has ended the connection, or takes
        nothing for as long as the deadline.
        """
        parts = pieces(data, chop, borders)
        if len(parts) > 1:
            note = f"{note}; in {len(parts)} pieces ({chop})".lstrip("; ")
        self._log.add("suite", data, note)
        for number, part in enumerate(parts):
            # In the pause the target was listened to, so nothing it said is overlooked by sending at once.
            sent = self._send_some(part) if number and self._pause() else 0
            if sent < len(part) and not self._send_piece(part[sent:]):
                return False
        return True

    def half_close(self) -> None:
        """Close the suite's side for sending; the target's answers can still be read."""
        self._log.note("suite", "the suite closes its side")
        self.half_closed = True
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self._end("reset")

    def close(self) -> None:
        """Close the connection on the suite's part."""
        self.socket.close()

    def _pause(self) -> bool:
        """Let the last piece arrive alone; return whether the target still holds the connection."""
        end = time.monotonic() + PACE
        while not self.ended and (left := end - time.monotonic()) > 0:
            self._receive_within(left)
        return not self.ended

    def _send_piece(self, piece: bytes) -> bool:
        rest = memoryview(piece)
        deadline = time.monotonic() + self.deadline
        while rest and not self.ended:
            readable, writable, _ = select.select(
                [self.socket], [self.socket], [], max(0.0, deadline - time.monotonic())
            )
            if readable:
                self._receive()
            elif writable:
                rest = rest[self._send_some(rest) :]
                deadline = time.monotonic() + self.deadline
            elif time.monotonic() >= deadline:
                self._log.note("suite", f"the target took no more; {len(rest)} bytes were not sent")
                return False
        return not rest

    def _send_some(self, data: bytes | memoryview) -> int:
        try:
            count = self.socket.send(data[:65536])
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0
        except OSError:
            # What was received before the reset is still readable.
            while not self.ended and self._receive_within(0):
                pass
            self._end("reset")
            return 0
        self.sent += data[:count]
        return count

    # -- receiving -------------------------------------------------------------------------------------------

    def wait(self, deadline: float) -> bool:
        """Wait until more bytes or the end came, at most until ``deadline`` (of ``time.monotonic``).

        Return False when nothing came in time, and when the target had ended the connection before.
        """
        if self.ended:
            return False
        came = self._receive_within(max(0.0, deadline - time.monotonic()))
        self.silent = not came
        return came

    def wait_for_any(self) -> bool:
        """Wait until the first byte that is not yet taken, or the end, came; return whether one did."""
        deadline = time.monotonic() + self.deadline
        while not self.buffer and self.wait(deadline):
            pass
        return bool(self.buffer or self.ended)

    def wait_for_any_byte(self) -> bool:
        """Wait as :meth:`wait_for_any` does; return whether it was a byte."""
        return self.wait_for_any() and bool(self.buffer)

    def wait_for_end(self) -> str:
        """Read until the target ends the connection; return how it did ("closed", "reset"), "" if it did
        not."""
        deadline = time.monotonic() + self.deadline
        while self.wait(deadline):
            pass
        return self.ended

    def take(self, count: int | None = None) -> bytes:
        """Remove the first ``count`` bytes (all, without one) from ``buffer`` and return them."""
        taken = bytes(self.buffer[:count])
        del self.buffer[: len(taken)]
        return taken

    def note(self, note: str) -> None:
        """Say in the log what the bytes that came last were understood as."""
        self._log.note("target", note)

    def _receive_within(self, seconds: float) -> bool:
        if not select.select([self.socket], [], [], seconds)[0]:
            return False
        self._receive()
        return True

    def _receive(self) -> None:
        try:
            data = self.socket.recv(65536)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except ssl.SSLEOFError:
            self._end("cut")
            return
        except OSError:
            self._end("reset")
            return
        if not data:
            self._end("closed")
            return
        self.buffer += data
        self._log.add("target", data)
        if isinstance(self.socket, ssl.SSLSocket) and self.socket.pending():
            # What TLS holds deciphered already no longer shows on the socket.
            self._receive()

    def _end(self, how: str) -> None:
        if not self.ended:
            self.ended = how
            self._log.add("target", b"", f"{how} by the target")


def _secured(plain: socket.socket) -> ssl.SSLSocket:
    """Return ``plain`` with TLS on it; who the server is does not matter here."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # In 1.3 the kind of a record is hidden; a saboteur could not take away an alert.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context.wrap_socket(plain, suppress_ragged_eofs=False)
