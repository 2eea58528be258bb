"""Our WebSocket core beside wsproto: frames as a server reads them, and as a client does.

Each side reads the same pieces and answers Pings, Closes and violations. Compared are what was received
(wsproto's parts of a message joined) and what was sent. Our side reads the stream whole and octet by octet, too: what
comes out may not depend on the cuts. In a second comparison each side sends messages and the other reads them.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

from wsproto import events as theirs_events
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.utilities import LocalProtocolError

from property_tests.decisions.websocket import Divergence, Outcome
from property_tests.decisions.websocket_wsproto import PREDICATES
from property_tests.differential import AGREED, Comparison, Verdict, explain, load_decisions
from property_tests.reducing import smaller_streams
from property_tests.strategies.deflate import Agreement
from property_tests.strategies.websocket import WebSocketCase, pieces, websocket_case
from property_tests.ws_messages import Message, Talk, comparison
from property_tests.ws_ours import our_reading, sent_frames

DECISIONS = load_decisions(Path(__file__).parent / "decisions" / "websocket_wsproto.toml", PREDICATES)


def _extensions(agreed: Agreement | None) -> list[Extension]:
    if agreed is None:
        return []
    deflate = PerMessageDeflate(
        agreed.client_no_context_takeover,
        agreed.client_max_window_bits,
        agreed.server_no_context_takeover,
        agreed.server_max_window_bits,
    )
    deflate.finalize("permessage-deflate")
    return [deflate]


class _Theirs:
    """wsproto with an application that answers as it should."""

    def __init__(self, case: WebSocketCase) -> None:
        role = ConnectionType.SERVER if case.server else ConnectionType.CLIENT
        self.conn = Connection(role, extensions=_extensions(case.agreed))
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
    ours = our_reading(case)
    if isinstance(ours, Verdict):
        return ours
    theirs = wsproto_outcome(case)
    if ours == theirs:
        return AGREED
    return Verdict(False, explain(DECISIONS, Divergence(case, ours, theirs)), str(ours), str(theirs))


def _sends(case: Talk) -> bytes:
    theirs = _Theirs(WebSocketCase(not case.server, False, b"", (), case.agreed))
    for message, _ in case.messages:
        theirs.send(theirs_events.Message(message))
    return theirs.output


def _reads(case: Talk, received: list[bytes]) -> list[Message]:
    theirs = _Theirs(WebSocketCase(not case.server, False, b"", (), case.agreed))
    for piece in received:
        theirs.conn.receive_data(piece)
        for event in theirs.conn.events():
            theirs.note(event)
    return [item[1] for item in theirs.outcome.received]


COMPARISONS = (
    Comparison("frames", "wsproto", websocket_case, compare_websocket, smaller_streams, DECISIONS),
    comparison("wsproto", _sends, _reads),
)
