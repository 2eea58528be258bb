"""What handlers and clients of WebSockets have in common: what is sent, how it is read, compression options."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import fields
from typing import Any

from waterspout._websocket_driver import WebSocketClosedError
from waterspout._websocket_inbox import Inbox
from waterspout.escape import json_encode, utf8
from waterspout.protocol.websocket import DeflateOptions

_OPTIONS = frozenset(field.name for field in fields(DeflateOptions))


def outgoing(message: str | bytes | dict[str, Any], binary: bool) -> str | bytes:
    """Return what `write_message` was given as text or as bytes.

    Raises `ValueError` for text that is not UTF-8, `TypeError` for other types.
    """
    if isinstance(message, dict):
        message = json_encode(message)
    if binary:
        return utf8(message)
    if isinstance(message, bytes):
        # UnicodeDecodeError is a ValueError, and says where.
        return message.decode("utf-8")
    if not isinstance(message, str):
        raise TypeError(f"a message is str, bytes or dict, not {type(message).__name__}")
    return message


def deflate_options(options: Mapping[str, Any] | None) -> DeflateOptions | None:
    """Return the options of compression as a program gave them; None stays None.

    Raises `ValueError` for a value that is out of range.  Unknown keys are left out, as programs expect.
    """
    if options is None:
        return None
    return DeflateOptions(**{name: value for name, value in options.items() if name in _OPTIONS})


def not_connected() -> WebSocketClosedError:
    """Return the error for something that needs a connection."""
    return WebSocketClosedError("there is no WebSocket: it is closed, or not open yet")


async def messages(inbox: Inbox) -> AsyncIterator[str | bytes]:
    """Yield messages until the connection is closed."""
    while (message := await inbox.get()) is not None:
        yield message
