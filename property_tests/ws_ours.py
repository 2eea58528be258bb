"""Our WebSocket core, reading what a peer sends: whole, in pieces, octet by octet."""

from __future__ import annotations

from property_tests.decisions.websocket import LIMIT, Outcome, refers_beyond_the_window, walk
from property_tests.differential import Verdict
from property_tests.strategies.deflate import Agreement
from property_tests.strategies.websocket import CLOSE, WebSocketCase, pieces
from waterspout.protocol import websocket

#: Streams up to this many octets are read octet by octet, too.
SHORT = 200


def connection(server: bool, agreed: Agreement | None) -> websocket.Connection:
    """One end of a connection of ours."""
    role = websocket.SERVER if server else websocket.CLIENT
    if agreed is None:
        return websocket.Connection(role, max_message_size=LIMIT)
    parameters = websocket.Parameters(
        agreed.server_no_context_takeover,
        agreed.client_no_context_takeover,
        agreed.server_max_window_bits,
        agreed.client_max_window_bits,
    )
    codecs = websocket.make_codecs(parameters, websocket.DeflateOptions(), for_server=server)
    return websocket.Connection(role, max_message_size=LIMIT, deflate=codecs)


def sent_frames(output: bytes) -> list[tuple[int, bytes]]:
    """Opcode and payload of each frame; of a Close the code only, for the reason is everyone's own."""
    frames = [(frame.opcode, frame.payload or b"") for frame in walk(output)]
    return [(opcode, payload[:2] if opcode == CLOSE else payload) for opcode, payload in frames]


def our_outcome(case: WebSocketCase, sizes: tuple[int, ...]) -> Outcome:
    """Read the stream with our core."""
    conn = connection(case.server, case.agreed)
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


def our_reading(case: WebSocketCase) -> Outcome | Verdict:
    """What our core makes of the stream, or the verdict that this depends on how it is cut.

    It may, as the decision ``deflate.window`` says, when the peer does not keep to its window.
    """
    ours = our_outcome(case, case.sizes)
    others = [()] if len(case.stream) > SHORT else [(), (1,)]
    for sizes in others:
        other = our_outcome(case, sizes)
        if other != ours:
            why = "deflate.window" if refers_beyond_the_window(case) else None
            return Verdict(False, why, f"in pieces of {case.sizes}: {ours}", f"of {sizes or 'all'}: {other}")
    return ours
