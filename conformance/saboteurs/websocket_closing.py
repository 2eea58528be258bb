"""Servers that close wrongly, or not at all."""

from __future__ import annotations

from collections.abc import Container, Iterable

from conformance.saboteurs.websocket_wire import WebSocketTamper, frames_lie, lie, with_payload
from conformance.wire.frames import CLOSE, CONTINUATION, PONG, TEXT, Frame, frame

CHAPTER = "closing"


def _code(one: Frame) -> int | None:
    return int.from_bytes(one.payload[:2], "big") if one.opcode == CLOSE and len(one.payload) > 1 else None


def _with_code(one: Frame, code: int) -> Frame:
    return with_payload(one, code.to_bytes(2, "big") + one.payload[2:])


def _valid(code: int) -> bool:
    return code in {1000, 1001, 1002, 1003, *range(1007, 1015)} or 3000 <= code < 5000


# -- answers to the client's close frame ------------------------------------------------------------------------------

frames_lie(
    "ws-close-frames-swallowed",
    "The server sends no close frame; it only ends TCP.",
    CHAPTER,
    "closing.answered",
    "closing.tcp-ended",
    "closing.codes-accepted",
    "closing.by-server",
    sent=lambda one: [] if one.opcode == CLOSE else [one],
)
frames_lie(
    "ws-every-close-a-fault",
    "Every close frame is answered with 1002, as if it were a fault.",
    CHAPTER,
    "closing.codes-accepted",
    "closing.empty",
    "closing.reason-accepted",
    "closing.data-behind-ignored",
    sent=lambda one: [frame(CLOSE, b"\x03\xea", mask=False) if one.opcode == CLOSE else one],
)
frames_lie(
    "ws-later-codes-refused",
    "The codes 1012 to 1014 are refused with 1002.",
    CHAPTER,
    "closing.codes-registered-later",
    sent=lambda one: [_with_code(one, 1002) if _code(one) in (1012, 1013, 1014) else one],
)
frames_lie(
    "ws-empty-close-answered-1005",
    "A close frame without a code is answered with the code 1005.",
    CHAPTER,
    "closing.empty",
    sent=lambda one: [with_payload(one, b"\x03\xed") if one.opcode == CLOSE and not one.payload else one],
)
frames_lie(
    "ws-long-reasons-refused",
    "A reason of more than 100 bytes is refused with 1002.",
    CHAPTER,
    "closing.reason-accepted",
    received=lambda one: [with_payload(one, b"\x03\xea") if _code(one) and len(one.payload) > 102 else one],
)


class TcpLeftOpen(WebSocketTamper):
    """Hides the end of TCP when the first close frame had one of ``codes`` and came from the side ``by``."""

    by = ""
    codes: Container[int] = ()

    def __init__(self) -> None:
        super().__init__()
        self.first: tuple[str, int] | None = None

    def received(self, frame: Frame) -> Iterable[Frame]:
        self.first = self.first or (("client", _code(frame) or 0) if frame.opcode == CLOSE else None)
        return [frame]

    def sent(self, frame: Frame) -> Iterable[Frame]:
        self.first = self.first or (("server", _code(frame) or 0) if frame.opcode == CLOSE else None)
        return [frame]

    def closing(self, by_server: bool) -> bool:
        return not by_server or self.first is None or self.first[0] != self.by or self.first[1] not in self.codes


@lie("ws-tcp-left-to-the-client", "When the client closes, the server does not end the TCP connection.", CHAPTER,
     "closing.answered", "closing.tcp-ended", "closing.tcp-ended-cleanly")  # fmt: skip
class TcpLeftToClient(TcpLeftOpen):
    by = "client"
    codes = (1000, 1001)


@lie("ws-tcp-open-after-own-close", "When the server closes, it does not end the TCP connection.", CHAPTER,
     "closing.by-server-tcp-ended")  # fmt: skip
class TcpOpenAfterOwnClose(TcpLeftOpen):
    by = "server"
    codes = (4000,)


@lie("ws-tcp-open-after-fault", "A failed connection is left open.", CHAPTER, "closing.fault-ends-tcp")  # fmt: skip
class TcpOpenAfterFault(TcpLeftOpen):
    by = "server"
    codes = (1002,)


@lie("ws-only-first-message-answered", "Only the first message is answered.", CHAPTER, "closing.after-messages")
class OnlyFirstAnswered(WebSocketTamper):
    answered = False

    def sent(self, frame: Frame) -> Iterable[Frame]:
        if frame.opcode >= CLOSE:
            return [frame]
        before, self.answered = self.answered, True
        return [] if before else [frame]


def _followed(one: Frame) -> list[Frame]:
    return [one, frame(TEXT, b"too late", mask=False)] if one.opcode == CLOSE else [one]


frames_lie(
    "ws-data-behind-the-close",
    "A message follows the server's close frame.",
    CHAPTER,
    "closing.data-behind-ignored",
    "closing.no-data-behind-own",
    "closing.by-server-tcp-ended",
    "closing.answered",
    sent=_followed,
)
frames_lie(
    "ws-close-sent-twice",
    "The server sends its close frame twice.",
    CHAPTER,
    "closing.answered",
    "closing.both-at-once",
    sent=lambda one: [one, one] if one.opcode == CLOSE else [one],
)

# -- faults in close frames -------------------------------------------------------------------------------------------

frames_lie(
    "ws-half-code-accepted",
    "A close frame with one byte is taken for an empty one.",
    CHAPTER,
    "closing.one-byte",
    received=lambda one: [with_payload(one, b"") if one.opcode == CLOSE and len(one.payload) == 1 else one],
)


@lie("ws-any-code-repeated", "Whatever the close code is, it is accepted and sent back.", CHAPTER,
     "closing.code-unused", "closing.code-reserved", "closing.code-undefined")  # fmt: skip
class AnyCodeRepeated(WebSocketTamper):
    code = 1000

    def received(self, frame: Frame) -> Iterable[Frame]:
        code = _code(frame)
        if code is None or _valid(code):
            return [frame]
        self.code = code
        return [_with_code(frame, 1000)]

    def sent(self, frame: Frame) -> Iterable[Frame]:
        return [_with_code(frame, self.code) if _code(frame) == 1000 else frame]


frames_lie(
    "ws-bad-reason-repaired",
    "A reason that is not UTF-8 is accepted.",
    CHAPTER,
    "closing.reason-not-utf8",
    received=lambda one: [with_payload(one, one.payload[:2]) if _code(one) else one],
)


@lie("ws-stray-continuation-skipped", "A continuation without a message is skipped.", CHAPTER, "closing.fault-ends-tcp")
class StrayContinuationSkipped(WebSocketTamper):
    def received(self, frame: Frame) -> Iterable[Frame]:
        return [] if frame.opcode == CONTINUATION and not self.inside else [frame]


# -- the server's close frame -----------------------------------------------------------------------------------------

frames_lie(
    "ws-reason-left-out",
    "The reason that an application gives is left out.",
    CHAPTER,
    "closing.by-server",
    "closing.by-server-reason-utf8",
    "closing.message-before",
    sent=lambda one: [with_payload(one, one.payload[:2]) if one.opcode == CLOSE else one],
)
frames_lie(
    "ws-always-closes-1000",
    "An application's close code is replaced by 1000.",
    CHAPTER,
    "closing.by-server",
    "closing.no-data-behind-own",
    sent=lambda one: [_with_code(one, 1000) if _code(one) else one],
)


@lie("ws-last-words-lost", "A message right before the server's close frame is lost.", CHAPTER,
     "closing.message-before", "closing.after-messages")  # fmt: skip
class LastWordsLost(WebSocketTamper):
    def sent(self, frame: Frame) -> Iterable[Frame]:
        return [frame] if frame.opcode >= CLOSE else []


frames_lie(
    "ws-deaf-while-closing",
    "Pings are not answered.",
    CHAPTER,
    "closing.ping-while-waiting",
    sent=lambda one: [] if one.opcode == PONG else [one],
)
