"""Servers that accept handshakes they must refuse, or answer the others wrongly."""

from __future__ import annotations

import re

from conformance.saboteurs.websocket_wire import WebSocketTamper, head_lie, lie, with_field
from conformance.wire.opening import KEY, accept_value, members, parse_fields


def _value(head: bytes, name: str) -> str | None:
    return next((value for other, value in parse_fields(head) if other == name), None)


def _refusing(head: bytes, refused: bool) -> bytes:
    """Return a handshake that the reference refuses if ``refused``, else the one given."""
    return with_field(head, "Sec-WebSocket-Key", None) if refused else head


def _given(head: bytes, name: str, value: str, *, only_if: bool = True) -> bytes:
    return with_field(head, name, value) if only_if else head


# -- what is accepted -------------------------------------------------------------------------------------------------

head_lie(
    "ws-accept-for-one-key",
    "Sec-WebSocket-Accept is the same for every key.",
    "handshake.accept",
    response=lambda asked, head: _given(head, "Sec-WebSocket-Accept", accept_value(KEY)),
)
head_lie(
    "ws-upgrade-with-case",
    "websocket in Upgrade is compared with case.",
    "handshake.upgrade-case",
    request=lambda head: _refusing(head, _value(head, "upgrade") not in (None, "websocket")),
)
head_lie(
    "ws-connection-no-list",
    "Connection is compared as a whole.",
    "handshake.connection-list",
    request=lambda head: _refusing(head, _value(head, "connection") != "Upgrade"),
)
head_lie(
    "ws-field-names-with-case",
    "Names of fields are compared with case.",
    "handshake.field-order",
    request=lambda head: _refusing(head, b"Sec-WebSocket-Key:" not in head),
)
head_lie(
    "ws-cookies-refused",
    "A handshake with a cookie is refused.",
    "handshake.other-fields",
    request=lambda head: _refusing(head, _value(head, "cookie") is not None),
)
head_lie(
    "ws-origin-demanded",
    "A handshake without Origin is refused.",
    "handshake.without-origin",
    request=lambda head: _refusing(head, _value(head, "origin") is None),
)
head_lie(
    "ws-query-in-the-path",
    "The query is taken for a part of the path.",
    "handshake.query",
    request=lambda head: head.replace(b"?", b"%3F", 1) if b"?" in head.split(b"\r\n")[0] else head,
)


@lie(
    "ws-early-frames-lost",
    "What follows the request in the same segment is lost.",
    "handshake",
    "handshake.early-frame",
)
class EarlyFramesLost(WebSocketTamper):
    def request(self, head: bytes) -> bytes:
        self._in.clear()
        return head


# -- what is refused --------------------------------------------------------------------------------------------------

for _name, _sentence, _field, _right, _kills in [
    ("ws-upgrade-not-needed", "Upgrade is not looked at.", "Upgrade", "websocket", ["no-upgrade"]),
    ("ws-connection-not-needed", "Connection is not looked at.", "Connection", "Upgrade", ["no-connection-upgrade"]),
    ("ws-any-key", "Any key is good enough, or none.", "Sec-WebSocket-Key", KEY,
     ["key-missing", "key-invalid", "key-twice"]),
    ("ws-any-version", "The version is not looked at.", "Sec-WebSocket-Version", "13",
     ["version-other", "version-missing"]),
    ("ws-host-not-needed", "A handshake without Host is accepted.", "Host", "example.test", ["host-missing"]),
]:  # fmt: skip
    head_lie(
        _name,
        _sentence,
        *(f"handshake.{one}" for one in _kills),
        request=lambda head, field=_field, right=_right: with_field(head, field, right),  # type: ignore[misc]
    )


head_lie(
    "ws-version-not-named",
    "A refusal because of the version does not name the right one.",
    "handshake.version-other",
    response=lambda asked, head: with_field(head, "Sec-WebSocket-Version", None),
)
head_lie(
    "ws-any-method",
    "Any method opens a WebSocket.",
    "handshake.get-only",
    request=lambda head: re.sub(rb"^[A-Z]+ ", b"GET ", head),
)
head_lie(
    "ws-any-http-version",
    "HTTP/1.0 opens a WebSocket as well.",
    "handshake.http-version",
    request=lambda head: head.replace(b" HTTP/1.0\r\n", b" HTTP/1.1\r\n", 1),
)
head_lie(
    "ws-any-resource",
    "Every path leads to the same WebSocket.",
    "handshake.no-such-resource",
    request=lambda head: re.sub(rb"^(\w+) \S+", rb"\1 /ws/echo", head),
)

# -- subprotocols and extensions --------------------------------------------------------------------------------------

head_lie(
    "ws-subprotocol-not-named",
    "The chosen subprotocol is not named.",
    "subprotocol.chosen",
    "subprotocol.one-of-several",
    "subprotocol.over-lines",
    response=lambda asked, head: with_field(head, "Sec-WebSocket-Protocol", None),
)
head_lie(
    "ws-first-subprotocol-line-only",
    "Of several lines with subprotocols only the first is read.",
    "subprotocol.over-lines",
    request=lambda head: (
        with_field(head, "Sec-WebSocket-Protocol", offered)
        if (offered := _value(head, "sec-websocket-protocol"))
        else head
    ),
)
head_lie(
    "ws-all-subprotocols-named",
    "The whole offer is named as the choice.",
    "subprotocol.one-of-several",
    response=lambda asked, head: (
        with_field(head, "Sec-WebSocket-Protocol", offered)
        if (offered := _value(asked, "sec-websocket-protocol"))
        else head
    ),
)
head_lie(
    "ws-subprotocol-by-default",
    "Without a common subprotocol the server names its own.",
    "subprotocol.none-known",
    "subprotocol.none-offered",
    response=lambda asked, head: (
        head if _value(head, "sec-websocket-protocol") else with_field(head, "Sec-WebSocket-Protocol", "chat")
    ),
)
head_lie(
    "ws-any-extension-accepted",
    "Every offered extension is agreed to.",
    "extension.unknown",
    "extension.over-lines",
    response=lambda asked, head: (
        with_field(head, "Sec-WebSocket-Extensions", ", ".join(offered))
        if (offered := members(parse_fields(asked), "sec-websocket-extensions"))
        else head
    ),
)
head_lie(
    "ws-extension-not-offered",
    "The server agrees to an extension that nobody offered.",
    "extension.none-offered",
    "extension.unknown",
    response=lambda asked, head: with_field(head, "Sec-WebSocket-Extensions", "permessage-deflate"),
)
head_lie(
    "ws-extensions-not-read",
    "The offer of extensions is not read, so a malformed one passes.",
    "extension.malformed",
    request=lambda head: with_field(head, "Sec-WebSocket-Extensions", None),
)

# -- origins ----------------------------------------------------------------------------------------------------------

head_lie(
    "ws-every-origin-refused",
    "Every page is refused, those of the same host too.",
    "origin.same-host",
    request=lambda head: _refusing(head, _value(head, "origin") is not None),
)
head_lie(
    "ws-every-origin-welcome",
    "Origin is not looked at.",
    "origin.other-host",
    request=lambda head: with_field(head, "Origin", None),
)
