"""permessage-deflate as the suite speaks it: what an answer may say, and messages compressed and inflated (RFC 7692).

Written for the suite alone. An answer is checked against everything that was offered; what the target compresses is
inflated in the window that was agreed on, so that a reference beyond it is seen.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Sequence

from conformance.wire.frames import CONTINUATION, TEXT, Frame, frame

NAME = "permessage-deflate"
#: The four bytes that a sender leaves out and a receiver appends.
TAIL = b"\x00\x00\xff\xff"
#: RSV1, as the three reserved bits of a frame are written.
COMPRESSED = 0b100

_FLAGS = ("server_no_context_takeover", "client_no_context_takeover")
_WINDOWS = ("server_max_window_bits", "client_max_window_bits")
_WINDOW = re.compile(r"[89]|1[0-5]")
#: A last block without content: only a stream that stands between two blocks takes it.
_LAST = b"\x03\x00"

Parameters = dict[str, "str | None"]


class Broken(Exception):
    """What the target compressed cannot be inflated as agreed; the text says why."""


def elements(values: Iterable[str]) -> list[tuple[str, list[tuple[str, str | None]]]]:
    """Return the extensions in field values as names and parameters, quotes removed."""
    found = []
    for element in ",".join(values).split(","):
        name, *parameters = (part.strip() for part in element.split(";"))
        pairs = [part.partition("=") for part in parameters]
        read: list[tuple[str, str | None]] = [
            (key.strip(), value.strip().strip('"') if equals else None) for key, equals, value in pairs
        ]
        found.append((name, read))
    return [one for one in found if one[0]]


def agreed(values: Iterable[str]) -> Parameters | None:
    """Return the parameters of permessage-deflate in an answer's field values, None where it is not agreed to."""
    for name, parameters in elements(values):
        if name == NAME:
            return dict(parameters)
    return None


def answer_faults(offered: Sequence[str], answered: Sequence[str]) -> list[str]:
    """Return what is wrong with an answer about permessage-deflate, given the values of the offer's fields."""
    answers = [parameters for name, parameters in elements(answered) if name == NAME]
    if not answers:
        return []
    if len(answers) > 1:
        return [f"{NAME} more than once"]
    faults = _parameter_faults(answers[0])
    offers = [dict(parameters) for name, parameters in elements(offered) if name == NAME]
    misfits = [_misfit(offer, dict(answers[0])) for offer in offers]
    if not faults and misfits and all(misfits):
        faults.append(misfits[0])
    return faults


def _parameter_faults(parameters: list[tuple[str, str | None]]) -> list[str]:
    names = [name for name, _ in parameters]
    faults = [f"{NAME} has {name} twice" for name in {*names} if names.count(name) > 1]
    for name, value in parameters:
        if name not in (*_FLAGS, *_WINDOWS):
            faults.append(f"{NAME} has the parameter {name}, which does not exist")
        elif name in _FLAGS and value is not None:
            faults.append(f"{name} has a value: {value}")
        elif name in _WINDOWS and not _WINDOW.fullmatch(value or ""):
            faults.append(f"{name} is {value}, not a number from 8 to 15")
    return faults


def _misfit(offer: Parameters, answer: Parameters) -> str:
    """Return in what a right answer is none to this offer."""
    if "client_max_window_bits" in answer and "client_max_window_bits" not in offer:
        return "client_max_window_bits in answer to an offer without it"
    if "server_no_context_takeover" in offer and "server_no_context_takeover" not in answer:
        return "the offer asked for server_no_context_takeover, and the answer leaves it out"
    asked = offer.get("server_max_window_bits")
    if asked and int(answer.get("server_max_window_bits") or 16) > int(asked):
        said = answer.get("server_max_window_bits") or "nothing"
        return f"the offer asked for server_max_window_bits={asked}, and the answer says {said}"
    return ""


class Inflation:
    """Inflates what the target sends, in the window that was agreed on and not a byte more."""

    def __init__(self, parameters: Parameters, sender: str = "server") -> None:
        self._bits = int(parameters.get(f"{sender}_max_window_bits") or 15)
        self._fresh = f"{sender}_no_context_takeover" in parameters
        self._stream = zlib.decompressobj(-self._bits)

    def message(self, payload: bytes) -> bytes:
        """Return what a message's payload stands for. Raises Broken."""
        if self._fresh:
            self._stream = zlib.decompressobj(-self._bits)
        content = bytearray()
        self._take(payload + TAIL, content)
        probe = self._stream.copy()
        try:
            probe.decompress(_LAST)
        except zlib.error as error:
            raise Broken(f"compressed data that breaks off ({error})") from None
        if not probe.eof:
            raise Broken("compressed data that breaks off")
        return bytes(content)

    def _take(self, data: bytes, content: bytearray) -> None:
        # zlib looks for a reference in what one call has put out, too, whatever the window; so where the window is
        # not the largest one, a call puts out one byte.
        step = 1 if self._bits < 15 else 0
        while data:
            try:
                content += self._stream.decompress(data, step)
            except zlib.error as error:
                raise Broken(f"data that cannot be inflated with {self._described()}: {error}") from None
            data = self._stream.unconsumed_tail
            if self._stream.eof:
                data = self._stream.unused_data
                self._stream = zlib.decompressobj(-self._bits, zdict=bytes(content[-(1 << self._bits) :]))

    def _described(self) -> str:
        return f"a window of {1 << self._bits} bytes" + (", new for each message" if self._fresh else "")


class Compression:
    """Compresses what the suite sends; by default as a client may that agreed to nothing special."""

    def __init__(self, bits: int = 15, level: int = 6) -> None:
        self._stream = zlib.compressobj(level, zlib.DEFLATED, -bits)

    def payload(self, content: str | bytes) -> bytes:
        """Return the payload that stands for ``content``, which the next one may refer to."""
        data = content.encode() if isinstance(content, str) else content
        done = self._stream.compress(data) + self._stream.flush(zlib.Z_SYNC_FLUSH)
        return done[:-4] if done else b"\x00"

    def message(self, content: str | bytes) -> Frame:
        """Return ``content`` as one compressed frame: text for ``str``, binary for bytes."""
        return compressed(self.payload(content), 1 if isinstance(content, str) else 2)


def compressed(payload: bytes, opcode: int = TEXT, fin: bool = True) -> Frame:
    """Return the first frame of a compressed message, with a payload that is sent as it is."""
    return frame(opcode, payload, fin=fin, rsv=COMPRESSED)


def deflated(content: str | bytes) -> Frame:
    """Return ``content`` as one compressed frame that refers to nothing before it."""
    return Compression().message(content)


def fragments(payload: bytes, sizes: Sequence[int], opcode: int = TEXT) -> list[Frame]:
    """Return a compressed payload in frames of ``sizes`` bytes and a last one with the rest; one has the bit."""
    frames: list[Frame] = []
    start = 0
    for size in sizes:
        piece = payload[start : start + size]
        frames.append(frame(CONTINUATION, piece, fin=False) if frames else compressed(piece, opcode, fin=False))
        start += size
    rest = payload[start:]
    return [*frames, frame(CONTINUATION, rest) if frames else compressed(rest, opcode)]
