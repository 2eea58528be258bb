"""Servers that get single frames wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from conformance.saboteurs.websocket_wire import WebSocketTamper, frames_lie, lie, with_payload
from conformance.wire.frames import CLOSE, CONTINUATION, NAMES, PING, PONG, Frame, minimal_form

CHAPTER = "framing"


def _is_data(frame: Frame) -> bool:
    return frame.opcode < CLOSE


# -- lengths and masks ------------------------------------------------------------------------------------------------

frames_lie(
    "ws-long-echoes-replaced",
    "Echoes of 125 bytes and more have another content of the same length.",
    CHAPTER,
    "length.text",
    "length.binary",
    "message.several-in-order",
    sent=lambda frame: [
        with_payload(frame, b"x" * len(frame.payload)) if _is_data(frame) and len(frame.payload) > 124 else frame
    ],
)
frames_lie(
    "ws-lengths-in-64-bits",
    "Every length is written in eight bytes.",
    CHAPTER,
    "length.shortest-sent",
    sent=lambda frame: [replace(frame, form=64)],
)
frames_lie(
    "ws-longer-lengths-accepted",
    "A length in a longer form than needed is read like any other.",
    CHAPTER,
    "length.longer-form",
    "length.longer-form-border",
    received=lambda frame: [replace(frame, form=minimal_form(frame.announced))],
)


@lie("ws-top-bit-ignored", "The top bit of a 64-bit length is ignored.", CHAPTER, "length.top-bit")
class TopBitIgnored(WebSocketTamper):
    def unfinished(self, data: bytes) -> bytes:
        return data[:2] + bytes([data[2] & 0x7F]) + data[3:]


def _wrong_fourth(frame: Frame) -> list[Frame]:
    changed = bytes(byte ^ 1 if place % 4 == 3 else byte for place, byte in enumerate(frame.payload))
    return [replace(frame, payload=changed) if _is_data(frame) else frame]


frames_lie(
    "ws-fourth-mask-byte-wrong",
    "Every fourth byte of a message is unmasked wrongly.",
    CHAPTER,
    "mask.removed",
    received=_wrong_fourth,
)


@lie(
    "ws-first-mask-for-all",
    "Each frame of a message is unmasked with the key of the first.",
    CHAPTER,
    "mask.every-frame-its-own",
)
class FirstMaskForAll(WebSocketTamper):
    shift = b""

    def received(self, frame: Frame) -> Iterable[Frame]:
        if frame.opcode == CONTINUATION and self.shift and frame.key:
            key = bytes(one ^ other for one, other in zip(self.shift, frame.key, strict=True))
            changed = bytes((byte ^ key[place % 4]) & 0x7F for place, byte in enumerate(frame.payload))
            return [replace(frame, payload=changed)]
        self.shift = frame.key or b""
        return [frame]


frames_lie(
    "ws-unmasked-accepted",
    "Frames without a mask are accepted.",
    CHAPTER,
    "mask.required",
    "mask.required-control",
    received=lambda frame: [replace(frame, key=frame.key or b"\1\2\3\4")],
)
frames_lie(
    "ws-server-masks",
    "The server masks the frames it sends.",
    CHAPTER,
    "mask.not-by-server",
    sent=lambda frame: [replace(frame, key=b"\1\2\3\4")],
)

# -- messages, reserved bits, opcodes ---------------------------------------------------------------------------------

frames_lie(
    "ws-text-as-binary",
    "Text is answered as binary.",
    CHAPTER,
    "message.type-kept",
    "length.text",
    sent=lambda frame: [replace(frame, opcode=2) if frame.opcode == 1 else frame],
)


@lie("ws-third-message-lost", "Every third message is lost.", CHAPTER, "message.several-in-order")
class ThirdMessageLost(WebSocketTamper):
    count = 0

    def sent(self, frame: Frame) -> Iterable[Frame]:
        self.count += _is_data(frame)
        return [] if _is_data(frame) and self.count % 3 == 0 else [frame]


frames_lie(
    "ws-reserved-bits-ignored",
    "Reserved bits are ignored.",
    CHAPTER,
    "rsv.data",
    "rsv.control",
    "rsv.continuation",
    received=lambda frame: [replace(frame, rsv=0)],
)
frames_lie(
    "ws-reserved-bit-sent",
    "The server sets the first reserved bit of its messages.",
    CHAPTER,
    "rsv.zero-sent",
    sent=lambda frame: [replace(frame, rsv=4) if _is_data(frame) else frame],
)
frames_lie(
    "ws-unknown-opcodes-skipped",
    "Frames with an unknown opcode are skipped.",
    CHAPTER,
    "opcode.reserved-data",
    "opcode.reserved-control",
    "opcode.reserved-inside",
    received=lambda frame: [frame] if frame.opcode in NAMES else [],
)

# -- control frames ---------------------------------------------------------------------------------------------------

frames_lie(
    "ws-long-pings-lost",
    "Pings of more than 100 bytes are not answered.",
    CHAPTER,
    "control.longest",
    "ping.answered",
    sent=lambda frame: [] if frame.opcode == PONG and len(frame.payload) > 100 else [frame],
)
frames_lie(
    "ws-long-control-frames-cut",
    "Control frames of more than 125 bytes are cut, and accepted.",
    CHAPTER,
    "control.too-long",
    received=lambda frame: [with_payload(frame, frame.payload[:125]) if not _is_data(frame) else frame],
)
frames_lie(
    "ws-fragmented-control-frames",
    "Control frames without FIN are accepted.",
    CHAPTER,
    "control.fragmented",
    received=lambda frame: [frame if _is_data(frame) else replace(frame, fin=True)],
)
frames_lie(
    "ws-pongs-dropped",
    "Pings are not answered.",
    CHAPTER,
    "ping.answered",
    "ping.several",
    "control.longest",
    sent=lambda frame: [] if frame.opcode == PONG else [frame],
)
frames_lie(
    "ws-pongs-empty",
    "Pongs are empty, whatever the ping held.",
    CHAPTER,
    "ping.answered",
    "ping.several",
    sent=lambda frame: [with_payload(frame, b"") if frame.opcode == PONG else frame],
)
frames_lie(
    "ws-pongs-answered",
    "A pong is answered like a ping.",
    CHAPTER,
    "pong.unsolicited",
    received=lambda frame: [replace(frame, opcode=PING) if frame.opcode == PONG else frame],
)
