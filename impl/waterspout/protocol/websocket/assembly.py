"""A message from its fragments (RFC 6455 sections 5.4, 8.1 and 10.4; RFC 7692 section 6.2).

Octets are taken as they arrive, in pieces of frames, so that memory is bounded by the size limit and by
nothing else, however many fragments there are and however much a compressed piece stands for, and so that text
fails at its first bad octet.
"""

from __future__ import annotations

from waterspout.protocol.websocket.close import INVALID_PAYLOAD_DATA, MESSAGE_TOO_BIG, PROTOCOL_ERROR
from waterspout.protocol.websocket.deflate import Inflater
from waterspout.protocol.websocket.errors import ProtocolViolation
from waterspout.protocol.websocket.frames import CONTINUATION, TEXT, FrameHeader
from waterspout.protocol.websocket.utf8 import Utf8Validator


def not_utf8() -> ProtocolViolation:
    """The violation for text that is not UTF-8."""
    return ProtocolViolation(INVALID_PAYLOAD_DATA, "text message is not UTF-8")


class MessageAssembler:
    """Collects the message that is being received, at most ``limit`` octets of it, inflated if it came compressed."""

    __slots__ = ("_compressed", "_inflater", "_limit", "_octets", "_utf8", "_wire", "active")

    def __init__(self, limit: int, inflater: Inflater | None = None) -> None:
        self._limit = limit
        self._inflater = inflater
        self._octets = bytearray()
        self._utf8: Utf8Validator | None = None
        self._compressed = False
        # What the frames of the message announced so far.
        self._wire = 0
        #: A message has begun and has not ended.
        self.active = False

    def check_frame(self, header: FrameHeader) -> None:
        """A data frame was announced; raises ``ProtocolViolation`` if it is out of order or takes too much.

        The limit is applied to the announced length, before any of it has been stored.
        """
        wire, limit = header.length, self._limit
        compressed = header.reserved
        if header.opcode == CONTINUATION:
            if not self.active:
                raise ProtocolViolation(PROTOCOL_ERROR, "continuation frame without a message to continue")
            wire += self._wire
            compressed = self._compressed
        elif self.active:
            raise ProtocolViolation(PROTOCOL_ERROR, "new message before the fragmented one has ended")
        if wire > limit and not (compressed and wire <= limit + limit // 8 + 1024):
            # Compressing can lengthen a message, but only by the headers of stored blocks.
            raise ProtocolViolation(MESSAGE_TOO_BIG, f"message is longer than {limit} octets")
        self._wire = wire

    def begin(self, header: FrameHeader) -> None:
        """Begin a message with its first frame, text or binary, compressed if a reserved bit says so."""
        self.active = True
        self._compressed = bool(header.reserved)
        self._utf8 = Utf8Validator() if header.opcode == TEXT else None

    def append(self, piece: bytes) -> None:
        """Take the next octets.

        Raises ``ProtocolViolation``: 1007 at a text's first bad octet and for data that cannot be inflated, 1009
        when they inflate to more than the limit.
        """
        octets = self._octets
        before = len(octets)
        if self._compressed:
            assert self._inflater is not None
            self._inflater.inflate(piece, octets, self._limit)
        else:
            octets += piece
        self._check_text(before)

    def _check_text(self, start: int) -> None:
        if self._utf8 is not None and len(self._octets) > start:
            try:
                self._utf8.check(self._octets[start:] if start else self._octets)
            except UnicodeDecodeError:
                raise not_utf8() from None

    def finish(self) -> str | bytes:
        """The whole message; ready for the next one afterwards. Raises ``ProtocolViolation`` as `append`."""
        octets = self._octets
        if self._compressed:
            assert self._inflater is not None
            self._inflater.finish(octets, self._limit)
        try:
            data = bytes(octets) if self._utf8 is None else octets.decode("utf-8")
        except UnicodeDecodeError:
            raise not_utf8() from None
        self._octets = bytearray()
        self.active = False
        return data

    def whole(self, header: FrameHeader, payload: bytes) -> str | bytes:
        """The message of one frame that is all there. Raises ``ProtocolViolation`` as the other methods."""
        if self.active or header.reserved or header.length > self._limit:
            self.check_frame(header)
            self.begin(header)
            self.append(payload)
            return self.finish()
        if header.opcode != TEXT:
            return payload
        try:
            return payload.decode("utf-8")
        except UnicodeDecodeError:
            raise not_utf8() from None
