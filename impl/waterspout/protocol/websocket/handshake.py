"""The opening handshake, as checks on heads that an HTTP implementation has read (RFC 6455 section 4).

Server: ``check_request`` -> ``ClientHello`` -> ``accept_headers``. Client: ``make_key`` ->
``request_headers`` -> (the response) -> ``check_response`` -> ``ServerHello``. Header fields are lists of
(name, value) pairs with the surrounding whitespace of values removed; names in any case.

Fields that are lists (Upgrade, Connection, Sec-WebSocket-Protocol and -Extensions) may be split over several
fields; empty elements are skipped, as in every HTTP list (RFC 9110 section 5.6.1). Fields with one value
must come once.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from waterspout.protocol.websocket.errors import HandshakeError, PayloadError
from waterspout.protocol.websocket.extensions import TOKEN, Extension, parse_extensions

Fields = Sequence[tuple[str, str]]

#: The only version of the protocol there is (section 4.1, item 9).
VERSION = "13"

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

_token = re.compile(TOKEN)
_http_version = re.compile(r"HTTP/([0-9])\.([0-9])")
_key = re.compile(r"[A-Za-z0-9+/]{22}==")


@dataclass(slots=True)
class ClientHello:
    """What a client asked for, subprotocols and extensions in its order of preference."""

    key: str
    subprotocols: list[str] = field(default_factory=list)
    extensions: list[Extension] = field(default_factory=list)
    origin: str | None = None


@dataclass(slots=True)
class ServerHello:
    """What a server agreed to: the subprotocol, if any, and the extensions in use."""

    subprotocol: str | None = None
    extensions: list[Extension] = field(default_factory=list)


def accept_key(key: str) -> str:
    """The Sec-WebSocket-Accept value for a Sec-WebSocket-Key (section 4.2.2, item 5.4)."""
    digest = hashlib.sha1((key + _GUID).encode("latin-1"), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode("ascii")


def make_key() -> str:
    """A fresh random Sec-WebSocket-Key (section 4.1, item 7)."""
    return base64.b64encode(os.urandom(16)).decode("ascii")


def check_request(method: str, version: str, headers: Fields) -> ClientHello:
    """Read a client's handshake; ``version`` is the request's, such as "HTTP/1.1" (sections 4.2.1 and 4.4).

    Raises ``HandshakeError`` with the answer to give: 405 for a method other than GET, 426 naming version 13
    for another or no version of the protocol, 400 for the rest. Whether the origin is welcome is the
    caller's decision.
    """
    if method != "GET":
        raise HandshakeError(405, "a WebSocket handshake is a GET request", [("Allow", "GET")])
    found = _http_version.fullmatch(version)
    if found is None or found.groups() < ("1", "1"):
        raise HandshakeError(400, "a WebSocket handshake needs HTTP/1.1 or higher")
    _once(headers, "Host", 400)
    if "websocket" not in _tokens(headers, "Upgrade"):
        raise HandshakeError(400, "the Upgrade field does not name websocket")
    if "upgrade" not in _tokens(headers, "Connection"):
        raise HandshakeError(400, "the Connection field does not name Upgrade")
    _check_version(headers)
    key = _once(headers, "Sec-WebSocket-Key", 400)
    if not _key.fullmatch(key):
        raise HandshakeError(400, "the Sec-WebSocket-Key field is not 16 octets in base64")
    origin = _once(headers, "Origin", 400) if _values(headers, "Origin") else None
    return ClientHello(key, _subprotocols(headers), _extensions(headers, 400), origin)


def accept_headers(
    hello: ClientHello, subprotocol: str | None = None, extension: Extension | None = None
) -> list[tuple[str, str]]:
    """The header fields of the 101 response (section 4.2.2); ``extension`` is the one agreed to.

    Raises ``PayloadError`` for a subprotocol that the client did not offer: it would have to fail the
    connection.
    """
    headers = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", accept_key(hello.key)),
    ]
    if subprotocol is not None:
        if subprotocol not in hello.subprotocols:
            raise PayloadError(f"select one of the offered subprotocols, not {subprotocol!r}")
        headers.append(("Sec-WebSocket-Protocol", subprotocol))
    if extension is not None:
        headers.append(("Sec-WebSocket-Extensions", str(extension)))
    return headers


def request_headers(
    host: str,
    key: str,
    *,
    subprotocols: Sequence[str] = (),
    extension: Extension | None = None,
    origin: str | None = None,
) -> list[tuple[str, str]]:
    """The header fields of a client's handshake (section 4.1); the request is a GET in HTTP/1.1.

    ``host`` is the Host field, ``key`` comes from ``make_key``, ``extension`` is the one offered.
    Raises ``PayloadError`` for subprotocols that are not distinct tokens.
    """
    headers = [
        ("Host", host),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", key),
        ("Sec-WebSocket-Version", VERSION),
    ]
    if origin is not None:
        headers.append(("Origin", origin))
    if subprotocols:
        if isinstance(subprotocols, str) or not all(map(_token.fullmatch, subprotocols)):
            raise PayloadError("subprotocols are a list of names without spaces or separators")
        if len(set(subprotocols)) != len(subprotocols):
            raise PayloadError("each subprotocol is offered once")
        headers.append(("Sec-WebSocket-Protocol", ", ".join(subprotocols)))
    if extension is not None:
        headers.append(("Sec-WebSocket-Extensions", str(extension)))
    return headers


def check_response(
    status: int,
    headers: Fields,
    key: str,
    *,
    subprotocols: Sequence[str] = (),
    extensions: Sequence[str] = (),
) -> ServerHello:
    """Read a server's answer to the handshake that ``key`` was sent with (section 4.1, second list).

    ``subprotocols`` and ``extensions`` are the names that were offered: others may not be agreed on. Raises
    ``HandshakeError`` with the received status.
    """
    if status != 101:
        raise HandshakeError(status, f"the server answered {status} instead of 101 Switching Protocols")
    if _once(headers, "Upgrade", status).lower() != "websocket":
        raise HandshakeError(status, "the server's Upgrade field is not websocket")
    if "upgrade" not in _tokens(headers, "Connection"):
        raise HandshakeError(status, "the server's Connection field does not name Upgrade")
    if _once(headers, "Sec-WebSocket-Accept", status).strip(" \t") != accept_key(key):
        raise HandshakeError(status, "the server's Sec-WebSocket-Accept field does not match the key")
    subprotocol = None
    if _values(headers, "Sec-WebSocket-Protocol"):
        subprotocol = _once(headers, "Sec-WebSocket-Protocol", status)
        if subprotocol not in subprotocols:
            raise HandshakeError(status, "the server selected a subprotocol that was not offered")
    agreed = _extensions(headers, status)
    if any(extension.name not in extensions for extension in agreed):
        raise HandshakeError(status, "the server selected an extension that was not offered")
    if len({extension.name for extension in agreed}) < len(agreed):
        raise HandshakeError(status, "the server selected an extension twice")
    return ServerHello(subprotocol, agreed)


def _values(headers: Fields, name: str) -> list[str]:
    lowered = name.lower()
    return [value for field_name, value in headers if field_name.lower() == lowered]


def _once(headers: Fields, name: str, status: int) -> str:
    values = _values(headers, name)
    if len(values) != 1:
        raise HandshakeError(status, f"the {name} field is {'repeated' if values else 'missing'}")
    return values[0]


def _elements(headers: Fields, name: str) -> list[str]:
    elements = (element.strip(" \t") for value in _values(headers, name) for element in value.split(","))
    return [element for element in elements if element]


def _tokens(headers: Fields, name: str) -> set[str]:
    return {element.lower() for element in _elements(headers, name)}


def _check_version(headers: Fields) -> None:
    versions = _values(headers, "Sec-WebSocket-Version")
    if len(versions) > 1:
        raise HandshakeError(400, "the Sec-WebSocket-Version field is repeated")
    if versions != [VERSION]:
        # 426 needs an Upgrade field, and that a connection option (RFC 9110 sections 7.8 and 15.5.22).
        answer = [("Sec-WebSocket-Version", VERSION), ("Upgrade", "websocket"), ("Connection", "Upgrade")]
        raise HandshakeError(426, "only version 13 of the WebSocket protocol is supported", answer)


def _subprotocols(headers: Fields) -> list[str]:
    offered = _elements(headers, "Sec-WebSocket-Protocol")
    if not offered and _values(headers, "Sec-WebSocket-Protocol"):
        raise HandshakeError(400, "the Sec-WebSocket-Protocol field is empty")
    if not all(map(_token.fullmatch, offered)):
        raise HandshakeError(400, "the Sec-WebSocket-Protocol field holds something that is not a token")
    if len(set(offered)) != len(offered):
        raise HandshakeError(400, "the Sec-WebSocket-Protocol field names a subprotocol twice")
    return offered


def _extensions(headers: Fields, status: int) -> list[Extension]:
    values = _values(headers, "Sec-WebSocket-Extensions")
    if not values:
        return []
    try:
        return parse_extensions(values)
    except ValueError as error:
        raise HandshakeError(status, str(error)) from None
