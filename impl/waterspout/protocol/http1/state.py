"""The states of the two sides of a connection, as tables (RFC 9112 section 9; RFC 9110 section 15.2).

Each side has a state of its own; an event moves the state of the side that says it. A pair that is not in the
table is not allowed. What concerns both sides at once, the end of an exchange, is in `Connection`: sides that
are DONE start again when the connection persists, else they must close.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from waterspout.protocol.http1.events import (
    ConnectionClosed,
    Data,
    EndOfMessage,
    Failure,
    InformationalResponse,
    Request,
    Response,
)


class Role(Enum):
    """Which side of the connection we are."""

    CLIENT = "client"
    SERVER = "server"


class State(Enum):
    """Where one side stands."""

    # Members are compared by identity; the hash that Enum computes from the name costs a Python call.
    __hash__ = object.__hash__

    IDLE = "idle"
    ANSWERING = "answering"
    BODY = "body"
    DONE = "done"
    MUST_CLOSE = "must close"
    SWITCHED = "switched"
    CLOSED = "closed"
    ERROR = "error"


Moves = Mapping[State, Mapping[type, State]]


def _closing(moves: dict[State, dict[type, State]]) -> Moves:
    # A side may say that it closes wherever it owes nothing.
    for state in (State.IDLE, State.DONE, State.MUST_CLOSE, State.CLOSED):
        moves.setdefault(state, {})[ConnectionClosed] = State.CLOSED
    return MappingProxyType({state: MappingProxyType(moves.get(state, {})) for state in State})


CLIENT_MOVES: Moves = _closing(
    {
        State.IDLE: {Request: State.BODY},
        State.BODY: {Data: State.BODY, EndOfMessage: State.DONE},
    }
)

#: ``Request`` and ``Failure`` are the client's doing, and what makes a server owe an answer. A response while
#: idle is the one that needs no request: 408 (RFC 9110 section 15.5.9) or another farewell; the connection
#: ends with it.
SERVER_MOVES: Moves = _closing(
    {
        State.IDLE: {Request: State.ANSWERING, Failure: State.ANSWERING, Response: State.BODY},
        State.ANSWERING: {InformationalResponse: State.ANSWERING, Response: State.BODY},
        State.BODY: {Data: State.BODY, EndOfMessage: State.DONE},
    }
)
