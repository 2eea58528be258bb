"""Broken servers that a judge of lengths, or one that takes silence for an answer, is content with.

Two more of the kind stand with what they lie about: ``ws-window-15-after-agreeing-on-9`` and
``ws-server-takeover-ignored``.
"""

from __future__ import annotations

from collections.abc import Iterable

from conformance.saboteurs.websocket_wire import WebSocketTamper, frames_lie, lie, with_payload
from conformance.wire.frames import CLOSE, Frame

frames_lie(
    "ws-echoes-over-60000-bytes-replaced",
    "Echoes of more than 60,000 bytes have another content of the same length.",
    "messages",
    "fragments.any-size",
    "limit.within",
    sent=lambda frame: [with_payload(frame, b"x" * len(frame.payload)) if len(frame.payload) > 60_000 else frame],
)


@lie(
    "ws-close-frames-swallowed-in-silence",
    "The server sends no close frame, and does not end TCP either.",
    "closing",
    "closing.answered",
    "closing.codes-accepted",
    "closing.by-server",
)
class CloseSwallowed(WebSocketTamper):
    def sent(self, frame: Frame) -> Iterable[Frame]:
        return [] if frame.opcode == CLOSE else [frame]

    def closing(self, by_server: bool) -> bool:
        return not by_server
