"""Servers that compress and inflate wrongly."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import replace

from conformance.saboteurs.websocket_extensions import agreement_lie, with_parameter, without
from conformance.saboteurs.websocket_wire import WebSocketTamper, frames_lie, lie, with_payload
from conformance.wire.deflate import Broken, Inflation, compressed
from conformance.wire.frame_reader import is_utf8
from conformance.wire.frames import CLOSE, CONTINUATION, PONG, Frame, frame

CHAPTER = "compression"
GARBAGE = b"\xff" * 5
LIMIT = 20 * 1024 * 1024


def _asked(offer: str | None, parameter: str) -> str:
    """Return the parameter of an offer as it stands there, "" where it does not."""
    return next((part.strip() for part in (offer or "").split(";") if part.strip().startswith(parameter)), "")


def _agrees_and_ignores(name: str, sentence: str, parameter: str, *kills: str) -> None:
    """Register a saboteur that says yes to a parameter and does not keep to it."""

    def answer(offer: str | None, value: str | None) -> str | None:
        asked = _asked(offer, parameter)
        return with_parameter(value, asked) if asked else value

    agreement_lie(name, sentence, CHAPTER, *kills, offer=lambda value: without(value, parameter), answer=answer)


_agrees_and_ignores(
    "ws-window-15-after-agreeing-on-9",
    "The server agrees to a smaller window and compresses with the largest.",
    "server_max_window_bits",
    "deflate.server-window-kept",
)
_agrees_and_ignores(
    "ws-takes-over-after-all",
    "The server agrees to forget, and refers to earlier messages all the same.",
    "server_no_context_takeover",
    "deflate.server-takeover-kept",
)


class Inflating(WebSocketTamper):
    """Knows what every compressed message of the suite stands for, whole or in fragments."""

    def __init__(self) -> None:
        super().__init__()
        self._inflation = Inflation({})
        self._opcode = 0
        self._pieces: bytes | None = None

    def received(self, one: Frame) -> Iterable[Frame]:
        if one.opcode >= CLOSE or (one.rsv != 4 and self._pieces is None):
            return [one]
        if self._pieces is None:
            self._opcode, self._pieces = one.opcode, b""
        self._pieces += one.payload
        if not one.fin:
            return self.unended(one)
        pieces, self._pieces = self._pieces, None
        return self.message(one, self._opcode, pieces)

    def unended(self, one: Frame) -> Iterable[Frame]:
        """Return what the server is to receive in place of a fragment that is not the last."""
        return [one]

    def message(self, last: Frame, opcode: int, payload: bytes) -> Iterable[Frame]:
        """Return what the server is to receive in place of the last frame of a compressed message."""
        return [last]

    def inflated(self, payload: bytes) -> bytes | None:
        """Return what a payload stands for, None where it is broken."""
        try:
            return self._inflation.message(payload)
        except Broken:
            return None


@lie("ws-forgets-what-it-inflated", "Every message is inflated in an empty window.", CHAPTER,
     "deflate.takeover-received", "deflate.full-window", "deflate.many-messages", "deflate.plain-between")  # fmt: skip
class Forgetful(Inflating):
    def message(self, last: Frame, opcode: int, payload: bytes) -> Iterable[Frame]:
        try:
            Inflation({}).message(payload)
        except Broken:
            return [with_payload(last, GARBAGE)]
        return [last]


@lie("ws-client-window-misunderstood", "A client that limits its window is not understood.", CHAPTER,
     "deflate.client-window")  # fmt: skip
class ClientWindowMisunderstood(Inflating):
    def message(self, last: Frame, opcode: int, payload: bytes) -> Iterable[Frame]:
        return [with_payload(last, GARBAGE) if b"client_max_window_bits" in self.asked else last]


@lie("ws-inflates-plain-messages", "A plain message disturbs those that refer back over it.", CHAPTER,
     "deflate.plain-between")  # fmt: skip
class Disturbed(Forgetful):
    plain = False

    def received(self, one: Frame) -> Iterable[Frame]:
        self.plain = self.plain or (one.opcode in (1, 2) and one.rsv == 0)
        return super().received(one) if self.plain else [one]


@lie("ws-inflates-frames-apart", "Each frame of a compressed message is inflated by itself.", CHAPTER,
     "deflate.fragments", "deflate.ping-between", "deflate.empty")  # fmt: skip
class FramesApart(Inflating):
    def unended(self, one: Frame) -> Iterable[Frame]:
        return [with_payload(one, GARBAGE)]


frames_lie(
    "ws-last-blocks-lost",
    "What stands in a block that is marked as the last is lost.",
    CHAPTER,
    "deflate.every-form",
    received=lambda one: [with_payload(one, b"\x00") if one.rsv == 4 and one.payload[:1] == b"\xf3" else one],
)
frames_lie(
    "ws-long-compressed-echoes-replaced",
    "The content of a compressed message of more than 60,000 bytes is replaced.",
    CHAPTER,
    "deflate.echo",
    "deflate.bit-sent",
    received=lambda one: [frame(one.opcode, b"x" * 65536) if one.rsv == 4 and len(one.payload) > 30000 else one],
)
frames_lie(
    "ws-bit-in-pongs",
    "The bit for compression is set in pongs, too.",
    CHAPTER,
    "deflate.bit-sent",
    "deflate.ping-between",
    sent=lambda one: [replace(one, rsv=4) if one.opcode == PONG else one],
)
frames_lie(
    "ws-bit-overlooked-in-control",
    "The bit for compression in a control frame is overlooked.",
    CHAPTER,
    "deflate.bit-on-control",
    received=lambda one: [replace(one, rsv=0) if one.opcode >= CLOSE else one],
)
frames_lie(
    "ws-bit-overlooked-in-continuation",
    "The bit for compression in a later fragment is overlooked.",
    CHAPTER,
    "deflate.bit-on-continuation",
    received=lambda one: [replace(one, rsv=0) if one.opcode == CONTINUATION else one],
)
frames_lie(
    "ws-other-bits-overlooked",
    "The second and third reserved bits are overlooked.",
    CHAPTER,
    "deflate.other-bits",
    received=lambda one: [replace(one, rsv=one.rsv & 4, payload=one.payload) if one.rsv & 4 else _plain(one)],
)


def _plain(one: Frame) -> Frame:
    return replace(one, rsv=0, payload=b"x" * len(one.payload)) if one.rsv else one


@lie("ws-broken-data-skipped", "A compressed message that cannot be inflated is taken for a question mark.", CHAPTER,
     "deflate.broken", "deflate.cut-off")  # fmt: skip
class BrokenSkipped(Inflating):
    def message(self, last: Frame, opcode: int, payload: bytes) -> Iterable[Frame]:
        return [frame(1, b"?") if self.inflated(payload) is None and last.rsv == 4 else last]


@lie("ws-inflated-text-unchecked", "Bad text is repaired after inflating.", CHAPTER, "deflate.text-is-utf8")
class TextRepaired(Inflating):
    def message(self, last: Frame, opcode: int, payload: bytes) -> Iterable[Frame]:
        content = self.inflated(payload)
        return [frame(1, b"?")] if opcode == 1 and content is not None and not is_utf8(content) else [last]


@lie("ws-wire-bytes-counted", "The limit is applied to compressed bytes.", CHAPTER,
     "deflate.bomb", "deflate.bomb-unfinished")  # fmt: skip
class WireBytesCounted(Inflating):
    def unended(self, one: Frame) -> Iterable[Frame]:
        return [one] if self._opcode == 1 else []

    def message(self, last: Frame, opcode: int, payload: bytes) -> Iterable[Frame]:
        if opcode == 2 and len(zlib.decompressobj(-15).decompress(payload, LIMIT + 1)) > LIMIT:
            return [frame(2, b"a bomb")]
        return [last]


@lie("ws-inflates-little", "A message that inflates to more than a quarter of a mebibyte is refused.", CHAPTER,
     "deflate.limit-within")  # fmt: skip
class InflatesLittle(Inflating):
    def message(self, last: Frame, opcode: int, payload: bytes) -> Iterable[Frame]:
        if opcode == 2 and len(zlib.decompressobj(-15).decompress(payload, 1 << 19)) > 1 << 18:
            return [compressed(GARBAGE, 2)]
        return [last]


@lie("ws-close-inside-a-fault", "A close frame inside a compressed message is taken for a fault.", CHAPTER,
     "deflate.closing")  # fmt: skip
class CloseInside(Inflating):
    def received(self, one: Frame) -> Iterable[Frame]:
        return [] if one.opcode == CLOSE and self._pieces is not None else super().received(one)

    def closing(self, by_server: bool) -> bool:
        return True


@lie("ws-compresses-nothing", "Agreed, and then everything is sent as it is.", CHAPTER, "deflate.used")
class CompressesNothing(WebSocketTamper):
    def __init__(self) -> None:
        super().__init__()
        self._inflation = Inflation({})

    def sent(self, one: Frame) -> Iterable[Frame]:
        if one.rsv != 4:
            return [one]
        return [frame(one.opcode, self._inflation.message(one.payload), mask=False)]
