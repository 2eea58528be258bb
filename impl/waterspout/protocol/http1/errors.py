"""The two ways in which a conversation goes wrong.

Our own side's misuse is an exception with a sentence that says what to do (`LocalProtocolError`). The peer's
fault is an event (`Failure`), because a server must go on to answer it; inside the package it travels as
`PeerError`.
"""

from __future__ import annotations


class LocalProtocolError(Exception):
    """Raised by ``send`` and the other calls of the local side: the program asked for what HTTP/1.1 does not
    allow.

    The connection's state is what it was before the call.
    """


class PeerError(Exception):
    """The peer broke the grammar, the framing or a limit. Becomes a ``Failure`` event; never leaves the
    package.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
