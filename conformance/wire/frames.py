"""WebSocket frames as values: any frame that can be written, valid or not, and what was received.

A frame header is two bytes (FIN, three reserved bits, opcode; MASK, seven bits of length), then two or eight more bytes
of length where the seven bits say 126 or 127, then the masking key if there is one (RFC 6455, section 5.2). The
builders write valid frames of a client; :func:`frame` takes every field by itself, for frames that are wrong in one.
"""

from __future__ import annotations

import functools
import itertools
import zlib
from dataclasses import dataclass

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
NAMES = {0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
#: Longest payload of a control frame.
CONTROL_LIMIT = 125
#: Bytes of a payload that a description shows.
SHOWN = 40


@dataclass(frozen=True)
class Frame:
    """One frame; ``payload`` is unmasked.

    ``key`` is None when there is no masking. ``form`` is the number of bits the length is written in: 7, 16 or 64.
    ``announced`` is the length that the header tells, which need not be the payload's.
    """

    opcode: int
    payload: bytes
    fin: bool
    rsv: int
    key: bytes | None
    form: int
    announced: int

    def fields(self) -> list[bytes]:
        """Return the frame as bytes, one element for each field of the header, the payload last."""
        return list(self._fields)

    @functools.cached_property
    def _fields(self) -> list[bytes]:
        # Kept, because a long payload takes its time to mask.
        short = self.announced if self.form == 7 else {16: 126, 64: 127}[self.form]
        fields = [bytes([self.fin << 7 | self.rsv << 4 | self.opcode]), bytes([(self.key is not None) << 7 | short])]
        if self.form != 7:
            fields.append(self.announced.to_bytes(self.form // 8, "big"))
        if self.key is not None:
            fields.append(self.key)
        return [*fields, masked(self.payload, self.key)]

    def encode(self) -> bytes:
        """Return the bytes of the frame."""
        return b"".join(self.fields())

    def __str__(self) -> str:
        words = [NAMES.get(self.opcode, f"opcode {self.opcode}"), "fin" if self.fin else "not fin"]
        words += [f"rsv {self.rsv:03b}"] if self.rsv else []
        words += ["not masked" if self.key is None else "masked"]
        words += [f"length in {self.form} bits"] if self.form != minimal_form(self.announced) else []
        words += [f"announces {self.announced} bytes"] if self.announced != len(self.payload) else []
        return f"{', '.join(words)}, {content(self.payload, self.opcode)}"


@dataclass(frozen=True)
class Cut:
    """The first ``count`` bytes of a frame, with the rest still to come."""

    frame: Frame
    count: int

    def fields(self) -> list[bytes]:
        """Return the bytes, one element for each field of the header."""
        fields: list[bytes] = []
        left = self.count
        for field in self.frame.fields():
            fields.append(field[:left])
            left = max(0, left - len(field))
        return fields

    def __str__(self) -> str:
        return f"the first {self.count} bytes of: {self.frame}"


def masked(data: bytes, key: bytes | None) -> bytes:
    """Return ``data`` masked, or unmasked, with ``key`` (RFC 6455, section 5.3)."""
    if key is None or not data:
        return data
    stream = (key * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(data), "big")


def minimal_form(length: int) -> int:
    """Return in how many bits ``length`` has to be written."""
    return 7 if length < 126 else 16 if length < 65536 else 64


def content(payload: bytes, opcode: int = TEXT) -> str:
    """Return a payload in few words: "5 bytes: 'hello'"."""
    if not payload:
        return "0 bytes"
    if opcode == CLOSE and len(payload) > 1:
        return f"{len(payload)} bytes: {int.from_bytes(payload[:2], 'big')} {_shown(payload[2:])}".rstrip()
    return f"{len(payload)} bytes: {_shown(payload)}"


def _shown(data: bytes) -> str:
    try:
        text = repr(data[:SHOWN].decode("ascii"))
    except UnicodeDecodeError:
        text = repr(data[:SHOWN])
    return text + (" ..." if len(data) > SHOWN else "")


def borders(frames: list[Frame | Cut]) -> list[int]:
    """Return the offsets at which the fields of ``frames``, sent one after the other, end."""
    return list(itertools.accumulate(len(field) for one in frames for field in one.fields()))


# -- builders ---------------------------------------------------------------------------------------------------------


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bool | bytes = True,
    length_form: int | None = None,
    length: int | None = None,
) -> Frame:
    """Return a frame, field by field.

    ``mask`` is False for none, or the key; ``length_form`` is 7, 16 or 64; ``length`` is announced in place of the
    payload's own. A key that is not given depends on the frame, so that one key is never right for all frames.
    """
    key = mask if isinstance(mask, bytes) else _key(opcode, payload) if mask else None
    announced = len(payload) if length is None else length
    return Frame(opcode, payload, fin, rsv, key, length_form or minimal_form(announced), announced)


def _key(opcode: int, payload: bytes) -> bytes:
    return (zlib.crc32(payload, opcode) ^ 0xA53C960F).to_bytes(4, "big")


def text(content: str | bytes, fin: bool = True) -> Frame:
    """Return a text frame; bytes are taken as they are, be they UTF-8 or not."""
    return frame(TEXT, content.encode() if isinstance(content, str) else content, fin=fin)


def binary(content: bytes, fin: bool = True) -> Frame:
    """Return a binary frame."""
    return frame(BINARY, content, fin=fin)


def cont(content: str | bytes, fin: bool = True) -> Frame:
    """Return a continuation frame, the last one of its message unless ``fin`` is False."""
    return frame(CONTINUATION, content.encode() if isinstance(content, str) else content, fin=fin)


def ping(content: bytes = b"") -> Frame:
    """Return a ping."""
    return frame(PING, content)


def pong(content: bytes = b"") -> Frame:
    """Return a pong."""
    return frame(PONG, content)


def close(code: int | None = None, reason: str | bytes = b"") -> Frame:
    """Return a close frame: empty without a code."""
    said = reason.encode() if isinstance(reason, str) else reason
    return frame(CLOSE, b"" if code is None else code.to_bytes(2, "big") + said)


def part(whole: Frame, count: int) -> Cut:
    """Return the first ``count`` bytes of a frame."""
    return Cut(whole, count)


# -- reading ----------------------------------------------------------------------------------------------------------


def take_frame(buffer: bytearray) -> Frame | None:
    """Remove the first frame from ``buffer`` and return it, or None while bytes of it are missing."""
    if len(buffer) < 2:
        return None
    first, second = buffer[0], buffer[1]
    form = {126: 16, 127: 64}.get(second & 127, 7)
    start = 2 if form == 7 else 2 + form // 8
    length = second & 127 if form == 7 else int.from_bytes(buffer[2:start], "big")
    has_key = bool(second & 128)
    end = start + 4 * has_key + length
    if len(buffer) < start + 4 * has_key or len(buffer) < end:
        return None
    key = bytes(buffer[start : start + 4]) if has_key else None
    payload = masked(bytes(buffer[start + 4 * has_key : end]), key)
    del buffer[:end]
    return Frame(first & 15, payload, bool(first & 128), first >> 4 & 7, key, form, length)
