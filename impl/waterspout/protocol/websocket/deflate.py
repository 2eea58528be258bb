"""Messages under permessage-deflate (RFC 7692 sections 6 and 7.2): one compressor, one decompressor.

A compressed message is DEFLATE data without the four octets that a flush of zlib leaves at its end; the receiver
puts them back. What one message leaves in the window of 32 KiB at most may serve the next one, unless the
parameters forbid it.
"""

from __future__ import annotations

import zlib
from typing import Final

from waterspout.protocol.websocket.close import INVALID_PAYLOAD_DATA, MESSAGE_TOO_BIG
from waterspout.protocol.websocket.errors import ProtocolViolation

DEFAULT_LEVEL: Final = 6
DEFAULT_MEM_LEVEL: Final = 8

#: What the sender leaves out: the length of an empty stored block, whose header bits stay in the message.
TAIL: Final = b"\x00\x00\xff\xff"

# An empty message: the header of an empty stored block (section 7.2.3.6). zlib itself would give nothing.
_EMPTY = b"\x00"
# A block that ends the stream. zlib gets there only from between two blocks.
_LAST_BLOCK = b"\x03\x00"
# Last blocks that a message may have. Each costs a new window; a sender needs one for a message, or for a fragment.
_MAX_LAST_BLOCKS = 1024
# Data behind a last block is copied by zlib; taking it in small steps keeps many last blocks linear.
_STEP = 1024


class Deflater:
    """Compresses messages, with a window of ``2 ** bits`` octets that is kept between them or not.

    ``level`` and ``mem_level`` are zlib's: 0 to 9 or -1, and 1 to 9.
    """

    __slots__ = ("_compressor", "_level", "_mem_level", "_takeover", "_window")

    def __init__(
        self, bits: int, takeover: bool, level: int = DEFAULT_LEVEL, mem_level: int = DEFAULT_MEM_LEVEL
    ) -> None:
        self._window = 1 << bits
        self._takeover = takeover
        self._level = level
        self._mem_level = mem_level
        self._compressor: zlib._Compress | None = None

    @property
    def takes_over(self) -> bool:
        """Whether a message may refer to those before it, so that each has to be sent as it was compressed."""
        return self._takeover

    def compress(self, data: bytes) -> bytes:
        """The payload that stands for ``data``."""
        if not data:
            return _EMPTY
        compressor = self._compressor
        if compressor is None:
            # zlib has no window of 256 octets.
            bits = max(self._window.bit_length() - 1, 9)
            compressor = zlib.compressobj(self._level, zlib.DEFLATED, -bits, self._mem_level)
            if self._takeover:
                # Made at the first message, for it takes 0.25 MiB.
                self._compressor = compressor
        if self._window < 512:
            return _in_small_blocks(compressor, data, self._window)
        return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[: -len(TAIL)]


def _in_small_blocks(compressor: zlib._Compress, data: bytes, window: int) -> bytes:
    """Compress so that nothing refers further back than ``window``, whatever the compressor's own window is."""
    pieces: list[bytes] = []
    for start in range(0, len(data), window):
        pieces += (compressor.compress(data[start : start + window]), compressor.flush(zlib.Z_FULL_FLUSH))
    return b"".join(pieces)[: -len(TAIL)]


class Inflater:
    """Decompresses messages, piece by piece, into a buffer that never exceeds a limit by more than an octet.

    Data that is no DEFLATE data, or that breaks off inside a block, is payload inconsistent with its type, so
    1007 (RFC 6455 section 7.4.1); RFC 7692 names no code. References beyond the agreed window are such data, too.
    """

    __slots__ = ("_bits", "_decompressor", "_last_blocks", "_takeover")

    def __init__(self, bits: int, takeover: bool) -> None:
        self._bits = bits
        self._takeover = takeover
        self._decompressor = zlib.decompressobj(-bits)
        self._last_blocks = 0

    def inflate(self, data: bytes, output: bytearray, limit: int) -> None:
        """Append what ``data`` stands for to ``output``, which holds the message so far.

        Raises ``ProtocolViolation``: 1007 for broken data, 1009 as soon as ``output`` is longer than ``limit``.
        """
        view = memoryview(data)
        step = len(view)
        while view:
            decompressor = self._decompressor
            try:
                output += decompressor.decompress(view[:step], limit - len(output) + 1)
            except zlib.error:
                raise _broken("compressed message is not DEFLATE data") from None
            if len(output) > limit:
                raise ProtocolViolation(MESSAGE_TOO_BIG, f"message is longer than {limit} octets")
            taken = min(step, len(view))
            if decompressor.eof:
                taken -= len(decompressor.unused_data)
                self._renew(output)
                step = _STEP
            view = view[taken:]

    def _renew(self, output: bytearray) -> None:
        """Go on behind a last block (section 7.2.1); what follows may refer to what came in this message."""
        self._last_blocks += 1
        if self._last_blocks > _MAX_LAST_BLOCKS:
            raise _broken("compressed message consists of too many streams")
        self._decompressor = zlib.decompressobj(-self._bits, zdict=bytes(output[-(1 << self._bits) :]))

    def finish(self, output: bytearray, limit: int) -> None:
        """Complete the message in ``output``; ready for the next one. Raises ``ProtocolViolation`` as `inflate`."""
        self.inflate(TAIL, output, limit)
        probe = self._decompressor.copy()
        try:
            probe.decompress(_LAST_BLOCK)
        except zlib.error:
            raise _broken("compressed message breaks off") from None
        if not probe.eof:
            raise _broken("compressed message breaks off")
        self._last_blocks = 0
        if not self._takeover:
            self._decompressor = zlib.decompressobj(-self._bits)


def _broken(reason: str) -> ProtocolViolation:
    return ProtocolViolation(INVALID_PAYLOAD_DATA, reason)
