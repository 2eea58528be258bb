"""Predicates that recognise each listed difference to wsproto, from the stream and both outcomes.

Each wants the cause to be in the stream as well as the effect in the outcomes. The stream is read here by a
walk over frame lengths that knows nothing else of the protocol. `websocket_wsproto.toml` says why each
difference is right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from property_tests.strategies.websocket import CLOSE, CONTINUATION, PONG, TEXT, WebSocketCase

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
        """We stopped with ``code`` where wsproto waits for more."""
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


def header_cut_short(divergence: Divergence) -> bool:
    """The stream ends within the extended length of a frame with a reserved bit or a wrong MASK bit."""
    *_, last = [*walk(divergence.case.stream)] or [Walked(0, 0, 0)]
    if last.length is not None:
        return False
    wrong = bool(last.first & 0x70) or bool(last.second & 0x80) is not divergence.case.server
    return wrong and divergence.only_we_failed(1002)


def payload_outstanding(divergence: Divergence) -> bool:
    """The stream ends after the header of a data frame that is out of order and has a payload."""
    *before, last = [*walk(divergence.case.stream)] or [Walked(0, 0)]
    if last.payload != b"" or not last.length or last.opcode > 2:
        return False
    data = [frame for frame in before if frame.opcode <= 2]
    open_message = bool(data) and data[-1].first < 0x80
    out_of_order = (last.opcode == CONTINUATION) is not open_message
    return out_of_order and divergence.only_we_failed(1002)


def surrogate_unfinished(divergence: Divergence) -> bool:
    """A fragment of a text, or the stream, ends after two octets of a surrogate; wsproto reads on."""
    *before, last = divergence.ours.received or [()]
    if last != ("failed", 1007) or divergence.theirs.received[: len(before)] != before:
        return False
    text = b""
    for frame in walk(divergence.case.stream):
        if frame.opcode > 2 or frame.payload is None:
            continue
        text = frame.payload if frame.opcode == TEXT else text + frame.payload
        if text[-2:-1] == b"\xed" and 0xA0 <= text[-1] <= 0xBF:
            return True
    return False


def over_the_limit(divergence: Divergence) -> bool:
    """A message grows over the limit by the announced lengths; wsproto waits, or finds bad text in what
    there is.
    """
    size = 0
    for frame in walk(divergence.case.stream):
        if frame.opcode <= 2 and frame.length is not None:
            size = frame.length + (size if frame.opcode == CONTINUATION else 0)
    if size <= LIMIT or divergence.ours.received[-1:] != [("failed", 1009)]:
        return False
    return divergence.theirs.received in (
        divergence.ours.received[:-1],
        [*divergence.ours.received[:-1], ("failed", 1007)],
    )


def close_code_1014(divergence: Divergence) -> bool:
    """The peer closes with 1014; we read on to the reason, which may be bad text."""
    closes = [frame for frame in walk(divergence.case.stream) if frame.opcode == CLOSE]
    code = (1014).to_bytes(2, "big")
    if not any((frame.payload or b"").startswith(code) for frame in closes):
        return False
    *before, last = divergence.ours.received or [()]
    ends_with_it = last[:2] == ("close", 1014) or last == ("failed", 1007)
    return ends_with_it and divergence.theirs.received == [*before, ("failed", 1002)]


def pong_while_closing(divergence: Divergence) -> bool:
    """The same was read after our Close, and all that we sent more is Pongs."""
    ours, theirs = divergence.ours, divergence.theirs
    pings = [payload for kind, payload, *_ in ours.received if kind == "ping"]
    pongs = [payload for opcode, payload in ours.sent if opcode == PONG]
    others = [frame for frame in ours.sent if frame[0] != PONG]
    return (
        divergence.case.closing and ours.received == theirs.received and pongs == pings != [] and others == theirs.sent
    )


PREDICATES: dict[str, Callable[[Divergence], bool]] = {
    predicate.__name__: predicate
    for predicate in (
        header_cut_short,
        payload_outstanding,
        surrogate_unfinished,
        over_the_limit,
        close_code_1014,
        pong_while_closing,
    )
}
