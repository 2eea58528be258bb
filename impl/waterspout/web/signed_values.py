"""Signed values: text that a client may read and keep, but not make or change.

Two formats are understood.  Version 1 is ``base64|time|signature`` with HMAC-SHA1.  Version 2 names its parts by
length and, with the version of the key, lets keys be replaced one after another; it is signed with HMAC-SHA256::

    2|1:0|10:1300000000|4:name|8:dmFsdWU=|signature

that is: format, key version, time in seconds, name, value in base64.  The name is part of what is signed, so a value
made for one cookie is none for another.  Signatures are compared in constant time.  Work on a forged value is linear
in its length.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from waterspout._loggers import gen_log
from waterspout.escape import utf8

MIN_SUPPORTED_SIGNED_VALUE_VERSION = 1
MAX_SUPPORTED_SIGNED_VALUE_VERSION = 2
DEFAULT_SIGNED_VALUE_VERSION = 2
DEFAULT_SIGNED_VALUE_MIN_VERSION = 1

#: One key, or keys by their versions.
Secret = str | bytes | Mapping[int, str] | Mapping[int, bytes] | Mapping[int, str | bytes]

_DAY = 86400
# What a clock of another machine may be ahead.  In version 1 a digit can be moved from the value into the time, so a
# time far ahead is refused there.
_AHEAD = 31 * _DAY
_VERSION = re.compile(rb"[1-9][0-9]{0,2}(?=\|)")
_LENGTH = re.compile(rb"([0-9]{1,9}):")
_NUMBER = re.compile(rb"[0-9]{1,15}")


@dataclass(frozen=True)
class _Fields:
    """The parts of a value in version 2."""

    key_version: int
    timestamp: int
    name: bytes
    value: bytes
    signed: bytes
    signature: bytes


def create_signed_value(
    secret: Secret,
    name: str,
    value: str | bytes,
    version: int | None = None,
    clock: Callable[[], float] | None = None,
    key_version: int | None = None,
) -> bytes:
    """Return ``value``, text meaning its UTF-8, signed for ``name`` at the time of ``clock``, `time.time` by default.

    ``version`` is the format.  ``secret`` is a key, or a dict of keys of which ``key_version`` selects one.
    Raises `ValueError` for another format, a missing key, and an empty one.  Documentation:
    ``web.RequestHandler.set_signed_cookie``.
    """
    version = DEFAULT_SIGNED_VALUE_VERSION if version is None else version
    timestamp = utf8(str(int((clock or time.time)())))
    encoded = b64encode(utf8(value))
    if version == 1:
        if isinstance(secret, Mapping):
            raise ValueError("signed values of version 1 know one key only; use version 2 with a dict of keys")
        return b"|".join((encoded, timestamp, _signature_v1(_key(secret), utf8(name), encoded, timestamp)))
    if version != 2:
        raise ValueError(f"signed values have version 1 or 2, not {version!r}")
    if isinstance(secret, Mapping) and key_version is None:
        raise ValueError("key_version must tell which key of the dict is to sign")
    key = _key_for(secret, key_version or 0)
    if key is None:
        raise ValueError(f"there is no key of version {key_version}")
    parts = (utf8(str(key_version or 0)), timestamp, utf8(name), encoded)
    to_sign = b"2|" + b"".join(b"%d:%s|" % (len(part), part) for part in parts)
    return to_sign + _signature_v2(key, to_sign)


def decode_signed_value(
    secret: Secret,
    name: str,
    value: str | bytes | None,
    max_age_days: float = 31,
    clock: Callable[[], float] | None = None,
    min_version: int | None = None,
) -> bytes | None:
    """Return what was signed, or None for a value that is forged, malformed, for another name, or too old.

    ``max_age_days`` is counted from the signing to the time of ``clock``; formats before ``min_version`` are
    refused.  Raises `ValueError` for a ``min_version`` beyond the newest.  Documentation:
    ``web.RequestHandler.get_signed_cookie``.
    """
    min_version = DEFAULT_SIGNED_VALUE_MIN_VERSION if min_version is None else min_version
    if min_version > MAX_SUPPORTED_SIGNED_VALUE_VERSION:
        raise ValueError(f"there is no version {min_version} of signed values; the newest is 2")
    if not value:
        return None
    octets = utf8(value)
    version = _version_of(octets)
    if version < min_version:
        return None
    now = (clock or time.time)()
    if version == 1:
        return _decode_v1(secret, utf8(name), octets, max_age_days, now)
    if version == 2:
        return _decode_v2(secret, utf8(name), octets, max_age_days, now)
    return None


def get_signature_key_version(value: str | bytes) -> int | None:
    """Return which key a value of version 2 says it was signed with, unchecked; None for others.

    Documentation: ``web.RequestHandler.get_signed_cookie_key_version``.
    """
    octets = utf8(value)
    fields = _split_v2(octets) if _version_of(octets) == 2 else None
    return None if fields is None else fields.key_version


def _version_of(octets: bytes) -> int:
    """Return the format of a value.  In version 1 base64 stands in the place of a number, never less than 4 letters."""
    found = _VERSION.match(octets)
    return int(found[0]) if found else 1


def _decode_v1(secret: Secret, name: bytes, octets: bytes, max_age_days: float, now: float) -> bytes | None:
    parts = octets.split(b"|", 3)
    if len(parts) != 3 or isinstance(secret, Mapping):
        return None
    encoded, timestamp, signature = parts
    if not hmac.compare_digest(signature, _signature_v1(_key(secret), name, encoded, timestamp)):
        reason = "its signature is wrong"
    elif not _NUMBER.fullmatch(timestamp) or timestamp.startswith(b"0"):
        reason = "its time was tampered with"
    elif int(timestamp) < now - max_age_days * _DAY:
        reason = "it is too old"
    elif int(timestamp) > now + _AHEAD:
        reason = "its time is in the future"
    else:
        return _decoded(encoded)
    # The value itself may still be worth something to whoever reads the log, so it is not shown.
    gen_log.warning("the signed value %r (%d bytes) is refused: %s", name[:100], len(octets), reason)
    return None


def _decode_v2(secret: Secret, name: bytes, octets: bytes, max_age_days: float, now: float) -> bytes | None:
    fields = _split_v2(octets)
    if fields is None:
        return None
    key = _key_for(secret, fields.key_version)
    if key is None or not hmac.compare_digest(fields.signature, _signature_v2(key, fields.signed)):
        return None
    if fields.name != name or fields.timestamp < now - max_age_days * _DAY:
        return None
    return _decoded(fields.value)


def _split_v2(octets: bytes) -> _Fields | None:
    """Return the parts of a value of version 2, signature unchecked; None if it has no such parts."""
    position = 2
    parts: list[bytes] = []
    for _ in range(4):
        length = _LENGTH.match(octets, position)
        if length is None:
            return None
        end = length.end() + int(length[1])
        if octets[end : end + 1] != b"|":
            return None
        parts.append(octets[length.end() : end])
        position = end + 1
    key_version, timestamp, name, value = parts
    if not _NUMBER.fullmatch(key_version) or not _NUMBER.fullmatch(timestamp):
        return None
    return _Fields(int(key_version), int(timestamp), name, value, octets[:position], octets[position:])


def _decoded(encoded: bytes) -> bytes | None:
    try:
        return b64decode(encoded)
    except binascii.Error:
        return None


def _key_for(secret: Secret, version: int) -> bytes | None:
    """Return the key of that version; a single key is of every version."""
    if not isinstance(secret, Mapping):
        return _key(secret)
    found = secret.get(version)
    return None if found is None else _key(found)


def _key(secret: str | bytes) -> bytes:
    key = utf8(secret)
    if not key:
        raise ValueError("the key for signed values is empty: whoever guesses that can forge them")
    return key


def _signature_v1(key: bytes, *parts: bytes) -> bytes:
    return hmac.new(key, b"".join(parts), hashlib.sha1).hexdigest().encode("ascii")


def _signature_v2(key: bytes, signed: bytes) -> bytes:
    return hmac.new(key, signed, hashlib.sha256).hexdigest().encode("ascii")
