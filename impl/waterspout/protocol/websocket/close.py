"""Close codes and the payload of a Close frame (RFC 6455 sections 5.5.1 and 7.4).

The payload is empty, or a two-octet code followed by a reason in UTF-8. Of the code space, the protocol's
own range (1000 to 2999) may be used only where a meaning is registered, 3000 to 4999 belongs to libraries
and applications, and the rest is never used. 1005, 1006 and 1015 describe what happened to a connection and
never travel; 1004 has no meaning. 1012 to 1014 were registered with IANA after the RFC was published.
"""

from __future__ import annotations

from enum import IntEnum

from waterspout.protocol.websocket.errors import PayloadError, ProtocolViolation

#: Longest reason in octets: what the code leaves of a control frame's 125.
MAX_REASON = 123


class CloseCode(IntEnum):
    """The codes that have a name (section 7.4.1 and the IANA registry)."""

    NORMAL_CLOSURE = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    NO_STATUS_RECEIVED = 1005
    ABNORMAL_CLOSURE = 1006
    INVALID_PAYLOAD_DATA = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXTENSION = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014
    TLS_HANDSHAKE = 1015


# Plain integers for the code that runs per frame and for what is shown to callers.
NORMAL_CLOSURE = int(CloseCode.NORMAL_CLOSURE)
PROTOCOL_ERROR = int(CloseCode.PROTOCOL_ERROR)
NO_STATUS_RECEIVED = int(CloseCode.NO_STATUS_RECEIVED)
ABNORMAL_CLOSURE = int(CloseCode.ABNORMAL_CLOSURE)
INVALID_PAYLOAD_DATA = int(CloseCode.INVALID_PAYLOAD_DATA)
MESSAGE_TOO_BIG = int(CloseCode.MESSAGE_TOO_BIG)

_LOCAL_ONLY = frozenset({NO_STATUS_RECEIVED, ABNORMAL_CLOSURE, int(CloseCode.TLS_HANDSHAKE)})
_ON_THE_WIRE = frozenset(map(int, CloseCode)) - _LOCAL_ONLY


def may_travel(code: int) -> bool:
    """Whether ``code`` may stand in a Close frame, sent or received."""
    return code in _ON_THE_WIRE or 3000 <= code <= 4999


def parse_payload(payload: bytes) -> tuple[int, str]:
    """The code and reason of a received Close frame; an empty payload reads as ``(1005, "")``.

    Raises ``ProtocolViolation``: 1002 for a lone octet or a code that may not travel, 1007 for a reason that
    is not UTF-8.
    """
    if not payload:
        return NO_STATUS_RECEIVED, ""
    if len(payload) == 1:
        raise ProtocolViolation(PROTOCOL_ERROR, "close frame with half a close code")
    code = int.from_bytes(payload[:2], "big")
    if not may_travel(code):
        raise ProtocolViolation(PROTOCOL_ERROR, f"close code {code} may not be sent")
    try:
        return code, payload[2:].decode("utf-8")
    except UnicodeDecodeError:
        raise ProtocolViolation(INVALID_PAYLOAD_DATA, "close reason is not UTF-8") from None


def build_payload(code: int | None, reason: str | None) -> bytes:
    """The payload of a Close frame to send: empty without both; a reason alone is sent with code 1000.

    Raises ``PayloadError`` for a code that may not travel, a reason over 123 octets of UTF-8 or one that
    cannot be encoded.
    """
    if code is None:
        if not reason:
            return b""
        code = NORMAL_CLOSURE
    if not may_travel(code):
        raise PayloadError(f"close code {code} may not be sent; use 1000, or 3000 to 4999 for a code of your own")
    try:
        encoded = (reason or "").encode("utf-8")
    except UnicodeEncodeError as error:
        raise PayloadError("the close reason holds lone surrogates, which UTF-8 cannot express") from error
    if len(encoded) > MAX_REASON:
        raise PayloadError(f"the close reason takes {len(encoded)} octets; shorten it to {MAX_REASON} of UTF-8")
    return code.to_bytes(2, "big") + encoded
