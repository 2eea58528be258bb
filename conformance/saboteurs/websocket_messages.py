"""Servers that get fragments, UTF-8 or the limit wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from conformance.saboteurs.websocket_wire import WebSocketTamper, frames_lie, lie, with_payload
from conformance.wire.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame

CHAPTER = "messages"


def _replaced(frame: Frame) -> Frame:
    """Return the frame with what is not UTF-8 replaced."""
    return with_payload(frame, frame.payload.decode(errors="replace").encode())


# -- fragments --------------------------------------------------------------------------------------------------------

frames_lie(
    "ws-middle-fragments-lost",
    "Fragments between the first and the last are lost.",
    CHAPTER,
    "fragments.joined",
    "fragments.any-size",
    "limit.within",
    received=lambda frame: [] if frame.opcode == CONTINUATION and not frame.fin else [frame],
)
frames_lie(
    "ws-fragmented-binary-as-text",
    "A fragmented binary message is taken for text.",
    CHAPTER,
    "fragments.type-of-first",
    "utf8.binary-not-looked-at",
    received=lambda frame: [replace(frame, opcode=TEXT) if frame.opcode == BINARY and not frame.fin else frame],
)
frames_lie(
    "ws-empty-fragments-filled",
    "An empty fragment adds a space to the message.",
    CHAPTER,
    "fragments.empty",
    received=lambda frame: [
        with_payload(frame, b" ") if not frame.payload and not (frame.opcode and frame.fin) else frame
    ],
)
frames_lie(
    "ws-large-echoes-replaced",
    "Echoes of more than 255 bytes have another content of the same length.",
    CHAPTER,
    "fragments.any-size",
    "limit.within",
    sent=lambda frame: [with_payload(frame, b"x" * len(frame.payload)) if len(frame.payload) > 255 else frame],
)


@lie(
    "ws-pings-wait-for-the-end",
    "Pings between fragments are answered when the message has ended.",
    CHAPTER,
    "fragments.ping-between",
)
class PingsWait(WebSocketTamper):
    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Frame] = []

    def received(self, frame: Frame) -> Iterable[Frame]:
        if frame.opcode == PING and self.inside:
            self.waiting.append(frame)
            return []
        if frame.opcode < CLOSE and frame.fin:
            waiting, self.waiting = self.waiting, []
            return [frame, *waiting]
        return [frame]


@lie(
    "ws-pong-becomes-a-fragment",
    "The payload of a pong between fragments is added to the message.",
    CHAPTER,
    "fragments.pong-between",
)
class PongBecomesFragment(WebSocketTamper):
    def received(self, frame: Frame) -> Iterable[Frame]:
        return [replace(frame, opcode=0, fin=False) if frame.opcode == PONG and self.inside else frame]


@lie(
    "ws-old-fragments-kept",
    "The second fragmented message begins with the fragments of the first.",
    CHAPTER,
    "fragments.next-message",
)
class OldFragmentsKept(WebSocketTamper):
    kept = b""

    def received(self, frame: Frame) -> Iterable[Frame]:
        if frame.opcode not in (TEXT, BINARY) or frame.fin:
            return [frame]
        kept, self.kept = self.kept, frame.payload
        return [with_payload(frame, kept + frame.payload)]


@lie(
    "ws-stray-continuation-begins",
    "A continuation without a message begins one.",
    CHAPTER,
    "fragments.stray-continuation",
    "fragments.continuation-after-end",
)
class StrayContinuationBegins(WebSocketTamper):
    def received(self, frame: Frame) -> Iterable[Frame]:
        return [replace(frame, opcode=TEXT) if frame.opcode == CONTINUATION and not self.inside else frame]


@lie(
    "ws-new-message-continues",
    "A new message inside a fragmented one continues it.",
    CHAPTER,
    "fragments.new-message-inside",
)
class NewMessageContinues(WebSocketTamper):
    def received(self, frame: Frame) -> Iterable[Frame]:
        return [replace(frame, opcode=0) if frame.opcode in (TEXT, BINARY) and self.inside else frame]


@lie(
    "ws-close-between-ignored",
    "A close frame between fragments is ignored.",
    CHAPTER,
    "fragments.close-between",
)
class CloseBetweenIgnored(WebSocketTamper):
    def received(self, frame: Frame) -> Iterable[Frame]:
        return [] if frame.opcode == CLOSE and self.inside else [frame]


# -- UTF-8 ------------------------------------------------------------------------------------------------------------

frames_lie(
    "ws-odd-characters-dropped",
    "NUL, the byte order mark and characters beyond the first plane are dropped.",
    CHAPTER,
    "utf8.valid",
    "utf8.cut-anywhere",
    sent=lambda frame: [
        with_payload(
            frame,
            "".join(one for one in frame.payload.decode() if one not in "\0\ufeff" and one < "\U00010000").encode(),
        )
        if frame.opcode == TEXT
        else frame
    ],
)
frames_lie(
    "ws-bad-text-repaired",
    "What is not UTF-8 in a text message is replaced instead of refused.",
    CHAPTER,
    "utf8.invalid",
    "utf8.unfinished",
    received=lambda frame: [_replaced(frame) if frame.opcode == TEXT and frame.fin else frame],
)
frames_lie(
    "ws-fragments-decoded-alone",
    "Each fragment of a text is decoded by itself, and repaired.",
    CHAPTER,
    "utf8.cut-anywhere",
    "utf8.invalid-across-fragments",
    received=lambda frame: [_replaced(frame) if frame.opcode in (TEXT, CONTINUATION) else frame],
)


@lie("ws-text-checked-late", "Text is looked at when the message has ended.", CHAPTER, "utf8.fail-fast")
class TextCheckedLate(WebSocketTamper):
    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Frame] = []

    def received(self, frame: Frame) -> Iterable[Frame]:
        if frame.opcode >= CLOSE:
            return [frame]
        self.waiting.append(frame)
        if not frame.fin:
            return []
        waiting, self.waiting = self.waiting, []
        return waiting


# -- limits -----------------------------------------------------------------------------------------------------------


@lie(
    "ws-announced-length-ignored",
    "A length that is announced is not looked at before the payload has come.",
    CHAPTER,
    "limit.announced",
)
class AnnouncedLengthIgnored(WebSocketTamper):
    def unfinished(self, data: bytes) -> bytes:
        return b""


frames_lie(
    "ws-large-fragments-skipped",
    "Fragments of more than a mebibyte do not count for the limit: they are left out.",
    CHAPTER,
    "limit.sum-of-fragments",
    received=lambda frame: [] if frame.opcode == CONTINUATION and len(frame.payload) > 1 << 20 else [frame],
)
