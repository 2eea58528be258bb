"""Our HTTP/1.1 core and h11 in conversation: each in both roles, with itself and with the other.

The same steps are said in all four pairings. What is said goes to the other side, chopped; noted is what that side
reads, which step a side refuses to say, and whether both sides can go on after an exchange. So a writer is judged by
both readers, and the states of a connection by how far a conversation gets. Fields that a side may add or drop by
itself (Connection and the framing fields) are left out; what they do shows in what is read and in what goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import h11

from property_tests.decisions.http1_conversations import PREDICATES, Divergence, Entry
from property_tests.differential import AGREED, Comparison, Verdict, explain, load_decisions
from property_tests.strategies.conversations import Conversation, Step, conversation, smaller_conversations
from property_tests.strategies.http1 import pieces
from waterspout.protocol import http1

DECISIONS = load_decisions(Path(__file__).parent / "decisions" / "http1_conversations.toml", PREDICATES)

_OWN = frozenset({"connection", "content-length", "transfer-encoding"})


class Refused(Exception):
    """A side does not say what it was asked to."""


class Side(Protocol):
    """One end of the connection."""

    def say(self, step: Step) -> bytes: ...

    def hear(self, octets: bytes) -> list[Entry]: ...

    def can_go_on(self) -> bool: ...

    def go_on(self) -> None: ...

    @property
    def switched(self) -> bool: ...


def _kept(fields: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    # Sorted by name, because h11 writes Host first, and the order of fields with different names says nothing.
    kept = [(name.lower(), value) for name, value in fields if name.lower() not in _OWN]
    return tuple(sorted(kept, key=lambda field: field[0]))


class Ours:
    """Our core in one role."""

    def __init__(self, side: str) -> None:
        self._conn: http1.Connection = http1.ServerConnection() if side == "server" else http1.ClientConnection()

    def say(self, step: Step) -> bytes:
        try:
            return self._conn.send(self._event(step))
        except http1.LocalProtocolError as error:
            raise Refused(str(error)) from None

    def _event(self, step: Step) -> http1.Event:
        fields = list(step.fields)
        if step.kind == "request":
            return http1.Request(str(step.first), step.second, fields)
        if step.kind == "interim":
            return http1.InformationalResponse(int(step.first), step.second, fields)
        if step.kind == "response":
            return http1.Response(int(step.first), step.second, fields)
        return http1.Data(step.data) if step.kind == "data" else http1.EndOfMessage(fields)

    def hear(self, octets: bytes) -> list[Entry]:
        heard: list[Entry] = []
        self._conn.feed(octets)
        while (event := self._conn.next_event()) is not None:
            if isinstance(event, http1.Request):
                heard.append(("request", event.method, event.target, _kept(event.headers)))
            elif isinstance(event, http1.Response | http1.InformationalResponse):
                kind = "response" if isinstance(event, http1.Response) else "interim"
                heard.append((kind, event.status, event.reason, _kept(event.headers)))
            elif isinstance(event, http1.Data):
                heard.append(("data", event.data))
            elif isinstance(event, http1.EndOfMessage):
                heard.append(("end", _kept(event.trailers)))
            elif isinstance(event, http1.Failure):
                heard.append(("failed", event.message))
            else:
                heard.append(("closed",))
        return heard

    @property
    def switched(self) -> bool:
        return self._conn.their_state is http1.State.SWITCHED

    def can_go_on(self) -> bool:
        conn = self._conn
        return conn.keep_alive and conn.our_state is conn.their_state is http1.State.DONE

    def go_on(self) -> None:
        self._conn.start_next_message()


class Theirs:
    """h11 in one role."""

    def __init__(self, side: str) -> None:
        self._conn = h11.Connection(h11.SERVER if side == "server" else h11.CLIENT, max_incomplete_event_size=1 << 20)

    def say(self, step: Step) -> bytes:
        try:
            return self._conn.send(self._event(step)) or b""
        except (h11.LocalProtocolError, UnicodeEncodeError, AttributeError) as error:
            # AttributeError: h11 refuses a request after the server has spoken, and fails to word it.
            raise Refused(str(error)) from None

    def _event(self, step: Step) -> Any:
        fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in step.fields]
        if step.kind == "request":
            return h11.Request(
                method=str(step.first).encode("latin-1"), target=step.second.encode("latin-1"), headers=fields
            )
        if step.kind in ("interim", "response"):
            kind = h11.InformationalResponse if step.kind == "interim" else h11.Response
            return kind(status_code=step.first, reason=step.second.encode("latin-1"), headers=fields)
        return h11.Data(data=step.data) if step.kind == "data" else h11.EndOfMessage(headers=fields)

    def hear(self, octets: bytes) -> list[Entry]:
        heard: list[Entry] = []
        try:
            self._conn.receive_data(octets)
            while (event := self._conn.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                heard.append(self._entry(event))
                if isinstance(event, h11.ConnectionClosed):
                    break
        except h11.RemoteProtocolError as error:
            heard.append(("failed", str(error)))
        return heard

    def _entry(self, event: Any) -> Entry:
        if isinstance(event, h11.Data):
            return ("data", bytes(event.data))
        if isinstance(event, h11.ConnectionClosed):
            return ("closed",)
        fields = _kept([(name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers])
        if isinstance(event, h11.Request):
            return ("request", event.method.decode("latin-1"), event.target.decode("latin-1"), fields)
        if isinstance(event, h11.EndOfMessage):
            return ("end", fields)
        kind = "response" if isinstance(event, h11.Response) else "interim"
        return (kind, event.status_code, event.reason.decode("latin-1"), fields)

    @property
    def switched(self) -> bool:
        return self._conn.their_state is h11.SWITCHED_PROTOCOL

    def can_go_on(self) -> bool:
        return self._conn.our_state is h11.DONE and self._conn.their_state is h11.DONE

    def go_on(self) -> None:
        self._conn.start_next_cycle()


def converse(client: Side, server: Side, case: Conversation) -> list[Entry]:
    """Say the steps until one is refused, misunderstood, or the last exchange on this connection is over.

    Every entry begins with the number of its step.
    """
    entries: list[Entry] = []
    for number, step in enumerate(case.steps):
        if step.kind == "next":
            can = (client.can_go_on(), server.can_go_on())
            entries.append((number, "next", *can))
            if not all(can):
                break
            client.go_on()
            server.go_on()
            continue
        speaker, listener = (client, server) if step.side == "client" else (server, client)
        try:
            octets = speaker.say(step)
        except Refused as why:
            entries.append((number, "refused", str(why)))
            break
        # To h11, nothing at all is the end of the connection.
        arriving = pieces(octets, case.sizes) if octets else ()
        heard = _joined([entry for piece in arriving for entry in listener.hear(piece)])
        entries += [(number, *entry) for entry in heard]
        if speaker.switched or listener.switched:
            entries.append((number, "switched", speaker.switched, listener.switched))
            break
        if heard and heard[-1][0] in ("failed", "closed"):
            break
    return entries


def _joined(heard: list[Entry]) -> list[Entry]:
    """The entries with the pieces of a body as one."""
    joined: list[Entry] = []
    for entry in heard:
        if entry[0] == "data" and joined and joined[-1][0] == "data":
            joined[-1] = ("data", joined[-1][1] + entry[1])
        else:
            joined.append(entry)
    return joined


PAIRS: dict[str, tuple[Callable[[str], Side], Callable[[str], Side]]] = {
    "ours with ours": (Ours, Ours),
    "ours with h11": (Ours, Theirs),
    "h11 with ours": (Theirs, Ours),
}


def compare_conversations(case: Conversation) -> Verdict:
    """Judge one conversation: every pairing in which we take part against h11 with itself."""
    expected = converse(Theirs("client"), Theirs("server"), case)
    listed = AGREED
    for pair, (client, server) in PAIRS.items():
        entries = converse(client("client"), server("server"), case)
        verdict = _judged(case, pair, entries, expected)
        if verdict.unlisted:
            return verdict
        listed = verdict if listed.agreed else listed
    return listed


def _comparable(entry: Entry) -> Entry:
    return entry[:2] if entry[1] in ("refused", "failed") else entry


def _judged(case: Conversation, pair: str, ours: list[Entry], theirs: list[Entry]) -> Verdict:
    end: Entry = (len(case.steps), "over")
    for index in range(max(len(ours), len(theirs))):
        mine = ours[index] if index < len(ours) else end
        other = theirs[index] if index < len(theirs) else end
        if _comparable(mine) != _comparable(other):
            divergence = Divergence(case, pair, min(mine[0], other[0]), mine, other)
            return Verdict(False, explain(DECISIONS, divergence), f"{pair}: {ours[index:]}", str(theirs[index:]))
    return AGREED


COMPARISONS = (
    Comparison("conversations", "h11", conversation, compare_conversations, smaller_conversations, DECISIONS),
)
