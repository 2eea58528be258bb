"""What a peer compresses under permessage-deflate: well, in unusual but allowed ways, and wrongly.

Written from RFC 7692 with zlib alone, without the code under test.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from random import Random

TAIL = b"\x00\x00\xff\xff"


@dataclass(frozen=True)
class Agreement:
    """Parameters that both sides agreed on; window bits from 9, for zlib has no smaller ones."""

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int = 15
    client_max_window_bits: int = 15

    def of(self, server: bool) -> tuple[int, bool]:
        """Window bits of what one side compresses, and whether it keeps its window."""
        if server:
            return self.server_max_window_bits, not self.server_no_context_takeover
        return self.client_max_window_bits, not self.client_no_context_takeover


def agreement(random: Random) -> Agreement:
    """Any parameters."""
    bits = (9, 10, 12, 15, 15)
    return Agreement(bool(random.randrange(2)), bool(random.randrange(2)), random.choice(bits), random.choice(bits))


class Sender:
    """One side that compresses; ``server`` says which."""

    def __init__(self, agreed: Agreement, server: bool) -> None:
        self._bits, self._takeover = agreed.of(server)
        self._kept: zlib._Compress | None = None

    def compress(self, random: Random, data: bytes) -> bytes:
        """The payload of a message, mostly as zlib writes it."""
        kind = random.randint(0, 15)
        if kind == 0:
            return self._last_block(data)
        if kind == 1:
            return odd(random, data)
        compressor = self._kept or self._compressor(self._bits, random.choice([0, 1, 6, 9]))
        self._kept = compressor if self._takeover else None
        pieces = [data] if random.randrange(4) else [data[: len(data) // 2], data[len(data) // 2 :]]
        flushes = [random.choice([zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH]) for _ in pieces[1:]] + [zlib.Z_SYNC_FLUSH]
        written = b"".join(
            compressor.compress(piece) + compressor.flush(flush) for piece, flush in zip(pieces, flushes, strict=True)
        )
        if not written.endswith(TAIL):
            # zlib has nothing to flush: an empty message (section 7.2.3.6).
            return b"\x00"
        return written[: -len(TAIL)]

    def _compressor(self, bits: int, level: int) -> zlib._Compress:
        return zlib.compressobj(level, zlib.DEFLATED, -bits)

    def _last_block(self, data: bytes) -> bytes:
        """With BFINAL set, which section 7.2.3.4 allows."""
        self._kept = None
        compressor = self._compressor(self._bits, 6)
        return compressor.compress(data) + compressor.flush() + b"\x00"


def _far_back() -> bytes:
    compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
    written = compressor.compress(Random(1).randbytes(700) * 2) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return written[: -len(TAIL)]


#: A compressed message that refers 700 octets back.
FAR_BACK = _far_back()


def odd(random: Random, data: bytes) -> bytes:
    """What no one can inflate, breaks off, grows, or refers to what lies beyond a small window."""
    compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
    kind = random.choice(["garbage", "cut", "large", "window"])
    if kind == "garbage":
        return random.choice([b"\xff" * 5, b"\x07", b"\x06" + data[:20], random.randbytes(9)])
    if kind == "window":
        return FAR_BACK
    if kind == "large":
        data = bytes(random.choice([1 << 16, (1 << 20) + 1]))
    written = compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return written[: max(1, len(written) // 2)] if kind == "cut" else written[: -len(TAIL)]
