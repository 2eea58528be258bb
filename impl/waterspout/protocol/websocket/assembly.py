"""A message from its fragments (RFC 6455 sections 5.4, 8.1 and 10.4).

Octets are taken as they arrive, in pieces of frames, so that memory is bounded by the size limit and by
nothing else, however many fragments there are, and so that text fails at its first bad octet.
"""

from __future__ import annotations

from waterspout.protocol.websocket.close import INVALID_PAYLOAD_DATA, MESSAGE_TOO_BIG, PROTOCOL_ERROR
from waterspout.protocol.websocket.errors import ProtocolViolation
from waterspout.protocol.websocket.frames import CONTINUATION, TEXT
from waterspout.protocol.websocket.utf8 import Utf8Validator


def decode_text(payload: bytes | bytearray) -> str:
    """The text of a whole payload; raises ``ProtocolViolation`` (1007) if it is not UTF-8."""
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError:
        raise not_utf8() from None


def not_utf8() -> ProtocolViolation:
    """The violation for text that is not UTF-8."""
    return ProtocolViolation(INVALID_PAYLOAD_DATA, "text message is not UTF-8")


class MessageAssembler:
    """Collects the message that is being received, at most ``limit`` octets of it."""

    __slots__ = ("_limit", "_octets", "_utf8", "active")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._octets = bytearray()
        self._utf8: Utf8Validator | None = None
        #: A message has begun and has not ended.
        self.active = False

    def check_frame(self, opcode: int, length: int) -> None:
        """A data frame was announced; raises ``ProtocolViolation`` if it is out of order or takes too much.

        The limit is applied to the announced length, before any of it has been stored.
        """
        if opcode == CONTINUATION:
            if not self.active:
                raise ProtocolViolation(PROTOCOL_ERROR, "continuation frame without a message to continue")
        elif self.active:
            raise ProtocolViolation(PROTOCOL_ERROR, "new message before the fragmented one has ended")
        if len(self._octets) + length > self._limit:
            raise ProtocolViolation(MESSAGE_TOO_BIG, f"message is longer than {self._limit} octets")

    def begin(self, opcode: int) -> None:
        """Begin a message with its first frame, text or binary."""
        self.active = True
        self._utf8 = Utf8Validator() if opcode == TEXT else None

    def append(self, piece: bytes) -> None:
        """Take the next octets; raises ``ProtocolViolation`` (1007) at a text's first bad one."""
        if self._utf8 is not None:
            try:
                self._utf8.check(piece)
            except UnicodeDecodeError:
                raise not_utf8() from None
        self._octets += piece

    def finish(self) -> str | bytes:
        """The whole message; ready for the next one afterwards."""
        octets = self._octets
        data = bytes(octets) if self._utf8 is None else decode_text(octets)
        self._octets = bytearray()
        self.active = False
        return data
