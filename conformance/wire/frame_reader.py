"""Reads what the target sends after the opening handshake, and accepts nothing that must not be sent.

Written for the suite alone: a reader made for applications forgives or hides what is judged here. Of every frame it
checks that a client masked it and a server did not, that the length takes no more bytes than needed, that the reserved
bits are zero and the opcode is known, that control frames are short and whole, that fragments are in order, that text
and close reasons are UTF-8, and that a close code may be sent at all (RFC 6455, sections 5.1 to 5.5, 7.4 and 8.1).
Where permessage-deflate was agreed to, the first frame of a message may say that it is compressed, and the message is
inflated (RFC 7692).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from conformance.wire.connection import Connection
from conformance.wire.deflate import COMPRESSED, Broken, Inflation
from conformance.wire.frames import (
    CLOSE,
    CONTINUATION,
    CONTROL_LIMIT,
    NAMES,
    PING,
    TEXT,
    Frame,
    content,
    minimal_form,
    take_frame,
)

#: Codes of the protocol's own range that may stand in a close frame; 1012 to 1014 were registered after the RFC.
_SENDABLE = {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}


class FaultyFrame(Exception):
    """The target sent what it may not send; the text says what."""


class Silence(Exception):
    """Nothing came in time, and the connection is open."""


@dataclass(frozen=True)
class Received:
    """A whole message ("text", "binary"), a "pong" or a "close"; an empty close has the code None.

    ``wire`` is the payload as it came, which is shorter than the message where that was compressed.
    """

    kind: str
    payload: bytes
    code: int | None = None
    wire: bytes | None = field(default=None, compare=False)

    @property
    def reason(self) -> str:
        """The reason of a close frame."""
        return self.payload[2:].decode()

    def __str__(self) -> str:
        return f"{self.kind}, {content(self.payload, CLOSE if self.kind == 'close' else TEXT)}"


class FrameReader:
    """Reads frames off a connection and joins the fragments of messages; pings go to ``on_ping``.

    ``by_client`` tells that the target is a client, whose frames are masked, each with a key of its own.
    """

    def __init__(self, connection: Connection, on_ping: Callable[[bytes], None], by_client: bool = False) -> None:
        self._connection = connection
        self._on_ping = on_ping
        self._by_client = by_client
        self._last_key: bytes | None = None
        self._kind = ""
        self._message = bytearray()
        self._compressed = False
        #: Set when permessage-deflate was agreed to.
        self.inflation: Inflation | None = None

    def read(self, deadline: float) -> Received | None:
        """Return what came next; None when the target ended the connection.

        Raises FaultyFrame, and Silence when nothing is complete at the ``deadline`` (of ``time.monotonic``).
        """
        connection = self._connection
        while True:
            frame = take_frame(connection.buffer)
            if frame is not None:
                received = self._understand(frame)
                if received is not None:
                    return received
            elif not connection.wait(deadline):
                if not connection.ended:
                    raise Silence("a frame that does not end" if connection.buffer else "nothing")
                if connection.buffer:
                    raise FaultyFrame(f"a frame that breaks off: {bytes(connection.buffer[:40])!r}")
                return None

    def _understand(self, frame: Frame) -> Received | None:
        self._connection.note(str(frame))
        problem = _header_fault(frame) or self._mask_fault(frame) or self._bits_fault(frame) or self._order_fault(frame)
        if problem:
            raise FaultyFrame(f"{problem} ({frame})")
        if frame.opcode == PING:
            self._on_ping(frame.payload)
            return None
        if frame.opcode == CLOSE:
            return _close(frame)
        if frame.opcode >= CLOSE:
            return Received("pong", frame.payload)
        self._message += frame.payload
        if not self._kind:
            self._kind = NAMES[frame.opcode]
            self._compressed = frame.rsv == COMPRESSED
        return self._finished() if frame.fin else None

    def _mask_fault(self, frame: Frame) -> str:
        if not self._by_client:
            return "" if frame.key is None else "a masked frame; a server must not mask"
        before, self._last_key = self._last_key, frame.key
        if frame.key is None:
            return "a frame without a mask; a client must mask"
        # By chance alone this happens once in four thousand million frames.
        return "the masking key of the frame before once more" if frame.key == before else ""

    def _bits_fault(self, frame: Frame) -> str:
        if not frame.rsv:
            return ""
        if self.inflation is None:
            return "reserved bits that are not zero without an extension"
        if frame.rsv != COMPRESSED:
            return "reserved bits that no extension uses"
        if frame.opcode == CONTINUATION or frame.opcode >= CLOSE:
            return "the bit for compression in a frame that does not begin a message"
        return ""

    def _order_fault(self, frame: Frame) -> str:
        if frame.opcode >= CLOSE:
            return ""
        if frame.opcode == CONTINUATION and not self._kind:
            return "a continuation without a message to continue"
        if frame.opcode != CONTINUATION and self._kind:
            return "a new message inside a fragmented one"
        return ""

    def _finished(self) -> Received:
        kind, wire = self._kind, bytes(self._message)
        self._kind, self._message = "", bytearray()
        payload = wire
        if self._compressed and self.inflation is not None:
            try:
                payload = self.inflation.message(wire)
            except Broken as broken:
                raise FaultyFrame(str(broken)) from None
        if kind == "text" and not is_utf8(payload):
            raise FaultyFrame(f"text that is not UTF-8 ({content(payload)})")
        return Received(kind, payload, wire=wire)


def is_utf8(data: bytes) -> bool:
    """Return whether ``data`` is UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _header_fault(frame: Frame) -> str:
    if frame.opcode not in NAMES:
        return f"opcode {frame.opcode}, which is reserved"
    if frame.form != minimal_form(frame.announced):
        return f"a length in {frame.form} bits that fits in {minimal_form(frame.announced)}"
    if frame.opcode >= CLOSE and not frame.fin:
        return "a fragmented control frame"
    if frame.opcode >= CLOSE and frame.announced > CONTROL_LIMIT:
        return f"a control frame with more than {CONTROL_LIMIT} bytes"
    return ""


def _close(frame: Frame) -> Received:
    if not frame.payload:
        return Received("close", b"")
    if len(frame.payload) == 1:
        raise FaultyFrame(f"a close frame with half a code ({frame})")
    code = int.from_bytes(frame.payload[:2], "big")
    if code not in _SENDABLE:
        raise FaultyFrame(f"close code {code}, which must not be sent ({frame})")
    if not is_utf8(frame.payload[2:]):
        raise FaultyFrame(f"a close reason that is not UTF-8 ({frame})")
    return Received("close", frame.payload, code)
