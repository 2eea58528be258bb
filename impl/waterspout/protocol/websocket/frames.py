"""The framing layer: header, lengths, masking (RFC 6455 sections 5.2 and 5.3).

A header is two octets (FIN, three reserved bits, opcode; MASK, seven bits of length), then two or eight more
octets of length where 126 or 127 announce them, then the four octets of the masking key. Everything that a
header says about itself is checked here, as soon as the octets that decide it are present; what depends on
the frames before it (fragmentation, message size) is the connection's business.
"""

from __future__ import annotations

import sys
from typing import Final, NamedTuple

from waterspout.protocol.websocket.close import PROTOCOL_ERROR
from waterspout.protocol.websocket.errors import ProtocolViolation

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

FIN: Final = 0x80
RSV1: Final = 0x40
RSV2: Final = 0x20
RSV3: Final = 0x10
MASK: Final = 0x80

#: Longest payload of a control frame (section 5.5), and of any frame whose length fits the second octet.
MAX_SHORT: Final = 125

_RESERVED_BITS: Final = RSV1 | RSV2 | RSV3
_OPCODES: Final = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})
_ORDER: Final = sys.byteorder

# Measured on CPython 3.11 and 3.13: below this many octets the big integers win, at 1 MiB the tables are 2.5
# times as fast.
_XOR_BELOW: Final = 1024
_XOR_TABLES: Final = [bytes(octet ^ mask for octet in range(256)) for mask in range(256)]


class FrameHeader(NamedTuple):
    """One frame header; ``key`` is empty without masking, ``payload_start`` is the index of the payload."""

    fin: bool
    reserved: int
    opcode: int
    length: int
    key: bytes
    payload_start: int


def _violation(reason: str) -> ProtocolViolation:
    return ProtocolViolation(PROTOCOL_ERROR, reason)


def parse_header(data: bytes, start: int, masked: bool, reserved_bits: int = 0) -> FrameHeader | None:
    """The frame header that begins at ``data[start]``, or None while octets of it are missing.

    ``masked`` tells whether the peer must mask (section 5.1: a client must, a server must not).
    ``reserved_bits`` are those that a negotiated extension gave a meaning, for frames that open a message.
    Raises ``ProtocolViolation`` with code 1002.
    """
    available = len(data) - start
    if available < 2:
        return None
    first, second = data[start], data[start + 1]
    opcode = first & 0x0F
    reserved = first & _RESERVED_BITS
    length = second & 0x7F
    if reserved or opcode > BINARY:
        _check_first_octet(first, opcode, reserved, length, reserved_bits)
    if (second >= MASK) is not masked:
        raise _violation("unmasked frame from a client" if masked else "masked frame from a server")
    position = start + 2
    if length > MAX_SHORT:
        size = 2 if length == 126 else 8
        if available < 2 + size:
            return None
        length = _extended_length(data[position : position + size])
        position += size
    if not masked:
        return FrameHeader(first >= FIN, reserved, opcode, length, b"", position)
    if len(data) < position + 4:
        return None
    return FrameHeader(first >= FIN, reserved, opcode, length, data[position : position + 4], position + 4)


def _check_first_octet(first: int, opcode: int, reserved: int, length: int, reserved_bits: int) -> None:
    if opcode not in _OPCODES:
        raise _violation(f"reserved opcode {opcode:#x}")
    allowed = reserved_bits if opcode in (TEXT, BINARY) else 0
    if reserved & ~allowed:
        raise _violation("reserved bit set without an extension that defines it")
    if opcode >= CLOSE:
        if first < FIN:
            raise _violation("fragmented control frame")
        if length > MAX_SHORT:
            raise _violation("control frame with more than 125 octets of payload")


def _extended_length(octets: bytes) -> int:
    """The length from its two or eight octets, which must be needed (section 5.2)."""
    length = int.from_bytes(octets, "big")
    if length <= (MAX_SHORT if len(octets) == 2 else 0xFFFF):
        raise _violation("payload length not in its shortest form")
    if length >> 63:
        raise _violation("payload length with its highest bit set")
    return length


def build_frame_header(opcode: int, length: int, masked: bool, *, fin: bool = True, reserved: int = 0) -> bytes:
    """The header up to the masking key, the length in its shortest form."""
    first = opcode | reserved | (FIN if fin else 0)
    mask = MASK if masked else 0
    if length <= MAX_SHORT:
        return bytes((first, mask | length))
    if length <= 0xFFFF:
        return bytes((first, mask | 126)) + length.to_bytes(2, "big")
    return bytes((first, mask | 127)) + length.to_bytes(8, "big")


def mask_in_python(data: bytes, key: bytes) -> bytes:
    """``data`` xor the four octets of ``key`` repeated: masks and unmasks (section 5.3).

    The loop over the octets runs in C either way: one xor of two big integers, or, where converting those
    costs more than slicing, a table look-up for each of the four octets of the key.
    """
    size = len(data)
    if size < _XOR_BELOW:
        stream = (key * (size + 3 >> 2))[:size]
        return (int.from_bytes(data, _ORDER) ^ int.from_bytes(stream, _ORDER)).to_bytes(size, _ORDER)
    masked = bytearray(size)
    for index in range(4):
        masked[index::4] = data[index::4].translate(_XOR_TABLES[key[index]])
    return bytes(masked)


try:
    # The compiled twin, where the package was installed with it.
    from waterspout.protocol.websocket._masking import apply_mask as apply_mask
except ImportError:
    apply_mask = mask_in_python


def rotate_key(key: bytes, consumed: int) -> bytes:
    """The key for the rest of a payload of which ``consumed`` octets have been unmasked."""
    shift = consumed & 3
    return key[shift:] + key[:shift]
