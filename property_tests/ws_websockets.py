"""Our WebSocket core beside that of websockets, a second opinion on the same streams and messages.

It reads whole frames and leaves messages to what stands above it, so that is here: fragments are joined, and a text is
decoded when it has ended.
"""

from __future__ import annotations

from pathlib import Path

from websockets.exceptions import PayloadTooBig
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Close, Frame
from websockets.protocol import Protocol, Side, State

from property_tests.decisions.websocket import LIMIT, Divergence, Outcome
from property_tests.decisions.websocket_websockets import PREDICATES
from property_tests.differential import AGREED, Comparison, Verdict, explain, load_decisions
from property_tests.reducing import smaller_streams
from property_tests.strategies.deflate import Agreement
from property_tests.strategies.websocket import (
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    WebSocketCase,
    pieces,
    websocket_case,
)
from property_tests.ws_messages import Message, Talk, comparison
from property_tests.ws_ours import our_reading, sent_frames

DECISIONS = load_decisions(Path(__file__).parent / "decisions" / "websocket_websockets.toml", PREDICATES)


class _Theirs:
    """websockets' core with an application."""

    def __init__(self, server: bool, agreed: Agreement | None) -> None:
        self.conn = Protocol(Side.SERVER if server else Side.CLIENT, max_size=LIMIT)
        if agreed is not None:
            (ours, we_keep), (peers, they_keep) = agreed.of(server), agreed.of(not server)
            self.conn.extensions = [PerMessageDeflate(not they_keep, not we_keep, peers, ours)]
        self.outcome = Outcome()
        self._opcode, self._parts = TEXT, list[bytes]()

    def receive(self, piece: bytes) -> bool:
        """Take a piece; tell whether the connection goes on."""
        self.conn.receive_data(piece)
        for frame in self.conn.events_received():
            if not self._note(frame):
                return False
        if self.conn.parser_exc is not None:
            self.outcome.received.append(("failed", _code(self.conn.parser_exc)))
        return self.conn.parser_exc is None and self.conn.close_rcvd is None

    def sent(self) -> bytes:
        """What it has to send."""
        return b"".join(self.conn.data_to_send())

    def _note(self, frame: Frame) -> bool:
        data = bytes(frame.data)
        if frame.opcode in (PING, PONG):
            self.outcome.received.append(("ping" if frame.opcode == PING else "pong", data))
        elif frame.opcode == CLOSE:
            close = Close.parse(data)
            self.outcome.received.append(("close", int(close.code), close.reason))
            return False
        else:
            return self._fragment(frame, data)
        return True

    def _fragment(self, frame: Frame, data: bytes) -> bool:
        if frame.opcode != CONTINUATION:
            self._opcode, self._parts = frame.opcode, []
        self._parts.append(data)
        if not frame.fin:
            return True
        whole = b"".join(self._parts)
        if self._opcode != TEXT:
            self.outcome.received.append(("binary", whole))
            return True
        try:
            self.outcome.received.append(("text", whole.decode()))
        except UnicodeDecodeError:
            if self.conn.state is State.OPEN:
                self.conn.fail(1007)
            self.outcome.received.append(("failed", 1007))
            return False
        return True


def _code(error: Exception) -> int:
    if isinstance(error, PayloadTooBig):
        return 1009
    return 1007 if isinstance(error, UnicodeDecodeError) else 1002


def websockets_outcome(case: WebSocketCase) -> Outcome:
    """Read the stream with websockets."""
    theirs = _Theirs(case.server, case.agreed)
    if case.closing:
        theirs.conn.send_close(1000)
    for piece in pieces(case.stream, case.sizes):
        if not theirs.receive(piece):
            break
    theirs.outcome.sent = sent_frames(theirs.sent())
    return theirs.outcome


def compare_websocket(case: WebSocketCase) -> Verdict:
    """Judge one stream."""
    ours = our_reading(case)
    if isinstance(ours, Verdict):
        return ours
    theirs = websockets_outcome(case)
    if ours == theirs:
        return AGREED
    return Verdict(False, explain(DECISIONS, Divergence(case, ours, theirs)), str(ours), str(theirs))


def _sends(case: Talk) -> bytes:
    theirs = _Theirs(not case.server, case.agreed)
    for message, _ in case.messages:
        if isinstance(message, str):
            theirs.conn.send_text(message.encode())
        else:
            theirs.conn.send_binary(message)
    return theirs.sent()


def _reads(case: Talk, received: list[bytes]) -> list[Message]:
    theirs = _Theirs(not case.server, case.agreed)
    for piece in received:
        theirs.receive(piece)
    return [item[1] for item in theirs.outcome.received]


COMPARISONS = (
    Comparison("frames", "websockets", websocket_case, compare_websocket, smaller_streams, DECISIONS),
    comparison("websockets", _sends, _reads),
)
