"""What the listed differences to other WebSocket cores are about: outcomes, and the stream read by a walk over frame
lengths that knows nothing else of the protocol.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from property_tests.strategies.deflate import TAIL
from property_tests.strategies.websocket import BINARY, CONTINUATION, RSV1, TEXT, WebSocketCase

#: The message limit that our side is given.
LIMIT = 1 << 20

Item = tuple[Any, ...]


@dataclass
class Outcome:
    """What one side made of a stream.

    ``received``: ("text", str), ("binary", bytes), ("ping", bytes), ("pong", bytes), ("close", code, reason)
    and ("failed", code). ``sent``: (opcode, payload), of a Close frame the code only.
    """

    received: list[Item] = field(default_factory=list)
    sent: list[tuple[int, bytes]] = field(default_factory=list)


@dataclass(frozen=True)
class Divergence:
    """A case on which the outcomes differ."""

    case: WebSocketCase
    ours: Outcome
    theirs: Outcome

    def only_we_failed(self, code: int) -> bool:
        """We stopped with ``code`` where the other side waits for more."""
        return self.ours.received == [*self.theirs.received, ("failed", code)]


@dataclass(frozen=True)
class Walked:
    """A frame by its lengths.

    ``length`` is None while octets of the length are missing; ``payload`` is what there is of the payload,
    unmasked, or None while octets of the header are missing.
    """

    first: int
    second: int
    length: int | None = None
    payload: bytes | None = None

    @property
    def opcode(self) -> int:
        return self.first & 0x0F


def walk(stream: bytes) -> Iterator[Walked]:
    """The frames of a stream, the last one perhaps incomplete; a single octet of a frame is left out."""
    start = 0
    while len(stream) - start >= 2:
        first, second = stream[start], stream[start + 1]
        form = {126: 2, 127: 8}.get(second & 0x7F, 0)
        body = start + 2 + form
        if len(stream) < body:
            yield Walked(first, second)
            return
        length = int.from_bytes(stream[start + 2 : body], "big") if form else second & 0x7F
        key = stream[body : body + 4] if second & 0x80 else bytes(4)
        body += 4 if second & 0x80 else 0
        if len(stream) < body:
            yield Walked(first, second, length)
            return
        start = body + length
        payload = bytes(octet ^ key[i % 4] for i, octet in enumerate(stream[body:start]))
        yield Walked(first, second, length, payload)


@dataclass
class Sent:
    """A message as the peer sent it, perhaps not to its end.

    ``data`` is what it stands for, as far as that can be told; the flags say what is odd about a compressed one.
    """

    opcode: int
    data: bytes
    compressed: bool = False
    whole: bool = False
    broken: bool = False
    breaks_off: bool = False
    last_blocks: bool = False
    beyond: bool = False


def messages(case: WebSocketCase) -> Iterator[Sent]:
    """The messages of a stream, whatever else may be wrong with it."""
    inflater = _Inflater(case)
    fragments: list[Walked] = []
    for frame in walk(case.stream):
        if frame.opcode > BINARY or frame.payload is None:
            continue
        if frame.opcode != CONTINUATION and fragments:
            yield inflater.message(fragments, whole=False)
            fragments = []
        fragments.append(frame)
        if frame.first >= 0x80 and len(frame.payload) == frame.length:
            yield inflater.message(fragments)
            fragments = []
    if fragments:
        yield inflater.message(fragments, whole=False)


def control_inside_compressed(case: WebSocketCase) -> bool:
    """Whether a control frame stands between the fragments of a compressed message."""
    inside = False
    for frame in walk(case.stream):
        if frame.opcode > BINARY:
            if inside and frame.payload is not None:
                return True
        else:
            compressed = inside if frame.opcode == CONTINUATION else bool(frame.first & RSV1 << 4)
            inside = compressed and frame.first < 0x80
    return False


def refers_beyond_the_window(case: WebSocketCase) -> bool:
    """Whether compressed messages refer further back than the window that was agreed on.

    zlib notices that where the octets have left its output already, so it depends on how its input is cut.
    """
    return any(sent.beyond for sent in messages(case))


class _Inflater:
    """Inflates messages as section 7.2.2 of RFC 7692 says, a last block in the middle included."""

    def __init__(self, case: WebSocketCase) -> None:
        self._bits, self._takeover = case.agreed.of(not case.server) if case.agreed else (15, True)
        self._compresses = case.agreed is not None
        self._window = b""

    def message(self, fragments: list[Walked], whole: bool = True) -> Sent:
        first = fragments[0]
        payload = b"".join(frame.payload or b"" for frame in fragments)
        if not self._compresses or not first.first & RSV1 << 4:
            return Sent(first.opcode, payload, whole=whole)
        sent = Sent(first.opcode, b"", compressed=True, whole=whole)
        window, rest = self._window, payload + TAIL if whole else payload
        while True:
            inflater = zlib.decompressobj(-15, zdict=window)
            try:
                piece = inflater.decompress(rest)
            except zlib.error:
                sent.broken = True
                piece = _until_broken(-15, window, rest)
            sent.beyond = sent.beyond or _until_broken(-self._bits, window[-(1 << self._bits) :], rest) != piece
            sent.data += piece
            window = (window + piece)[-(1 << 15) :]
            if sent.broken or not inflater.eof:
                break
            sent.last_blocks, rest = True, inflater.unused_data
        sent.breaks_off = whole and not sent.broken and not _is_between_blocks(inflater)
        if self._takeover:
            self._window = window
        return sent


def _is_between_blocks(inflater: zlib._Decompress) -> bool:
    # An empty last block fits there only.
    try:
        inflater.decompress(b"\x03\x00")
    except zlib.error:
        return False
    return inflater.eof


def _until_broken(bits: int, window: bytes, data: bytes) -> bytes:
    """What comes out octet by octet, until there is an error."""
    inflater, found = zlib.decompressobj(bits, zdict=window), b""
    for octet in data:
        try:
            found += inflater.decompress(bytes((octet,)))
        except zlib.error:
            break
    return found


def surrogate_unfinished(divergence: Divergence) -> bool:
    """A fragment of a text, or the stream, ends after two octets of a surrogate; the other side reads on."""
    *before, last = divergence.ours.received or [()]
    if last != ("failed", 1007) or divergence.theirs.received[: len(before)] != before:
        return False
    if any(_has_open_surrogate(text) for text in _texts_so_far(divergence.case.stream)):
        return True
    # Inflated text may end anywhere in the other side's hands.
    texts = (sent.data for sent in messages(divergence.case) if sent.opcode == TEXT and sent.compressed)
    return any(_surrogate_within(text) for text in texts)


def _texts_so_far(stream: bytes) -> Iterator[bytes]:
    text = b""
    for frame in walk(stream):
        if frame.opcode <= BINARY and frame.payload is not None:
            text = frame.payload if frame.opcode == TEXT else text + frame.payload
            yield text


def _has_open_surrogate(text: bytes) -> bool:
    return text[-2:-1] == b"\xed" and 0xA0 <= text[-1] <= 0xBF


def _surrogate_within(text: bytes) -> bool:
    return any(_has_open_surrogate(text[: end + 2]) for end in range(len(text) - 1) if text[end] == 0xED)


def over_the_limit(divergence: Divergence) -> bool:
    """A message grows over the limit by the announced lengths or by what it inflates to; the other side waits, takes
    it, or finds bad text in what there is.
    """
    if divergence.ours.received[-1:] != [("failed", 1009)]:
        return False
    size = most = 0
    for frame in walk(divergence.case.stream):
        if frame.opcode <= BINARY and frame.length is not None:
            size = frame.length + (size if frame.opcode == CONTINUATION else 0)
            most = max(most, size)
    most = max([most, *(len(sent.data) for sent in messages(divergence.case) if sent.compressed)])
    before = divergence.ours.received[:-1]
    return most > LIMIT and divergence.theirs.received[: len(before)] == before
