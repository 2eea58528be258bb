"""Our WebSocket core beside wsproto: frames as a server reads them, and as a client does.

Each side reads the same pieces and answers Pings, Closes and violations. Compared are what was received
(wsproto's parts of a message joined) and what was sent. Our side reads the stream whole, too: what comes out
may not depend on the cuts.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

from wsproto import events as theirs_events
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.utilities import LocalProtocolError

from property_tests.decisions.websocket_wsproto import LIMIT, PREDICATES, Divergence, Outcome, walk
from property_tests.differential import AGREED, Comparison, Verdict, explain, load_decisions
from property_tests.reducing import smaller_streams
from property_tests.strategies.websocket import CLOSE, WebSocketCase, pieces, websocket_case
from waterspout.protocol import websocket

DECISIONS = load_decisions(Path(__file__).parent / "decisions" / "websocket_wsproto.toml", PREDICATES)


def sent_frames(output: bytes) -> list[tuple[int, bytes]]:
    """Opcode and payload of each frame; of a Close the code only, for the reason is everyone's own."""
    frames = [(frame.opcode, frame.payload or b"") for frame in walk(output)]
    return [(opcode, payload[:2] if opcode == CLOSE else payload) for opcode, payload in frames]


def our_outcome(case: WebSocketCase, sizes: tuple[int, ...]) -> Outcome:
    """Read the stream with our core."""
    role = websocket.SERVER if case.server else websocket.CLIENT
    conn = websocket.Connection(role, max_message_size=LIMIT)
    if case.closing:
        conn.close(1000)
    outcome = Outcome()
    for piece in pieces(case.stream, sizes):
        for event in conn.feed(piece):
            _note_ours(outcome, event)
    outcome.sent = sent_frames(conn.data_to_send())
    return outcome


def _note_ours(outcome: Outcome, event: websocket.Event) -> None:
    if isinstance(event, websocket.Message):
        outcome.received.append(("text" if isinstance(event.data, str) else "binary", event.data))
    elif isinstance(event, websocket.Ping | websocket.Pong):
        outcome.received.append((type(event).__name__.lower(), event.data))
    elif isinstance(event, websocket.CloseReceived):
        outcome.received.append(("close", event.code, event.reason))
    elif not event.clean:
        outcome.received.append(("failed", event.code))


class _Theirs:
    """wsproto with an application that answers as it should."""

    def __init__(self, case: WebSocketCase) -> None:
        role = ConnectionType.SERVER if case.server else ConnectionType.CLIENT
        self.conn = Connection(role)
        self.outcome = Outcome()
        self.output = b""
        self.over = False
        self._parts: list[str | bytes] = []
        if case.closing:
            self.send(theirs_events.CloseConnection(code=1000))

    def send(self, event: theirs_events.Event) -> None:
        # It refuses to send after a Close; that this loses Pongs is one of the decisions.
        try:
            self.output += self.conn.send(event)
        except LocalProtocolError:
            assert self.conn.state is not ConnectionState.OPEN

    def note(self, event: theirs_events.Event) -> None:
        if isinstance(event, theirs_events.TextMessage | theirs_events.BytesMessage):
            self._part(event)
        elif isinstance(event, theirs_events.Ping):
            self.outcome.received.append(("ping", bytes(event.payload)))
            self.send(event.response())
        elif isinstance(event, theirs_events.Pong):
            self.outcome.received.append(("pong", bytes(event.payload)))
        else:
            self._close(cast(theirs_events.CloseConnection, event))

    def _part(self, event: theirs_events.TextMessage | theirs_events.BytesMessage) -> None:
        self._parts.append(event.data if isinstance(event.data, str) else bytes(event.data))
        if event.message_finished:
            if isinstance(event, theirs_events.TextMessage):
                self.outcome.received.append(("text", "".join(cast("list[str]", self._parts))))
            else:
                self.outcome.received.append(("binary", b"".join(cast("list[bytes]", self._parts))))
            self._parts.clear()

    def _close(self, event: theirs_events.CloseConnection) -> None:
        # A peer's Close and a violation are the same event; only the former moves the state.
        if self.conn.state in (ConnectionState.REMOTE_CLOSING, ConnectionState.CLOSED):
            self.outcome.received.append(("close", int(event.code), event.reason or ""))
        else:
            self.outcome.received.append(("failed", int(event.code)))
        self.send(event.response())
        self.over = True


def wsproto_outcome(case: WebSocketCase) -> Outcome:
    """Read the stream with wsproto in the same way."""
    theirs = _Theirs(case)
    for piece in pieces(case.stream, case.sizes):
        theirs.conn.receive_data(piece)
        for event in theirs.conn.events():
            theirs.note(event)
        if theirs.over:
            break
    theirs.outcome.sent = sent_frames(theirs.output)
    return theirs.outcome


def compare_websocket(case: WebSocketCase) -> Verdict:
    """Judge one stream."""
    ours, whole = our_outcome(case, case.sizes), our_outcome(case, ())
    if ours != whole:
        return Verdict(False, None, f"in pieces: {ours}", f"whole: {whole}")
    theirs = wsproto_outcome(case)
    if ours == theirs:
        return AGREED
    return Verdict(False, explain(DECISIONS, Divergence(case, ours, theirs)), str(ours), str(theirs))


COMPARISONS = (Comparison("frames", "wsproto", websocket_case, compare_websocket, smaller_streams, DECISIONS),)
