"""Credentials on their way to a server or a proxy: Basic (RFC 7617) and Digest (RFC 7616)."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Iterable

from waterspout.httputil import encode_username_password

_HASHES: dict[str, Callable[[bytes], str]] = {
    "md5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "sha-256": lambda data: hashlib.sha256(data).hexdigest(),
    "sha-512-256": lambda data: hashlib.new("sha512_256", data).hexdigest(),
}
_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_PARAMETER = re.compile(rf'[ \t,]*({_TOKEN})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|({_TOKEN}))')
_SCHEME = re.compile(rf"[ \t,]*({_TOKEN})(?:[ \t]+|$|(?=,))")


def basic(username: str, password: str) -> str:
    """Return the value of an Authorization field.  Raises `ValueError` for a name with a colon."""
    if ":" in username:
        raise ValueError("a user name with a colon cannot be sent by basic authentication")
    return "Basic " + base64.b64encode(encode_username_password(username, password)).decode("ascii")


def challenges(values: Iterable[str]) -> list[tuple[str, dict[str, str]]]:
    """Return the challenges of WWW-Authenticate or Proxy-Authenticate fields: scheme and parameters, in lower case.

    What cannot be understood ends its field (RFC 9110, section 11.6.1).
    """
    found: list[tuple[str, dict[str, str]]] = []
    for value in values:
        position = 0
        while position < len(value):
            if found and (match := _PARAMETER.match(value, position)):
                quoted = match[2]
                text = match[3] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
                found[-1][1].setdefault(match[1].lower(), text)
            elif match := _SCHEME.match(value, position):
                found.append((match[1].lower(), {}))
            else:
                break
            position = match.end()
    return found


class Digest:
    """Answers the challenges of one realm for one user."""

    def __init__(self, username: str, password: str) -> None:
        self._username = username
        self._password = password
        self._challenge: dict[str, str] | None = None
        self._count = 0

    def accept(self, values: Iterable[str]) -> bool:
        """Take up a challenge from field values; tell whether to try again with it.

        Once an answer was refused only a nonce that is merely stale deserves another (RFC 7616, section 3.3).
        """
        usable = [
            parameters
            for scheme, parameters in challenges(values)
            if scheme == "digest" and "nonce" in parameters and _known(parameters)
        ]
        if not usable or (self._count and usable[0].get("stale", "").lower() != "true"):
            return False
        self._challenge = usable[0]
        self._count = 0
        return True

    def answer(self, method: str, target: str) -> str | None:
        """Return the value of an Authorization field, or None as long as there was no challenge."""
        challenge = self._challenge
        if challenge is None:
            return None
        self._count += 1
        algorithm = challenge.get("algorithm", "MD5")
        digest = _HASHES[algorithm.lower().removesuffix("-sess")]
        realm, nonce = challenge.get("realm", ""), challenge["nonce"]
        fresh, count = secrets.token_hex(16), f"{self._count:08x}"

        def hashed(*parts: str) -> str:
            return digest(":".join(parts).encode("utf-8"))

        secret = hashed(self._username, realm, self._password)
        if algorithm.lower().endswith("-sess"):
            secret = hashed(secret, nonce, fresh)
        request = hashed(method, target)
        parameters = {
            "username": _quoted(self._username),
            "realm": _quoted(realm),
            "nonce": _quoted(nonce),
            "uri": _quoted(target),
        }
        if "qop" in challenge:
            response = hashed(secret, nonce, count, fresh, "auth", request)
            parameters |= {"qop": "auth", "nc": count, "cnonce": _quoted(fresh)}
        else:
            response = hashed(secret, nonce, request)
        parameters["response"] = _quoted(response)
        if "algorithm" in challenge:
            parameters["algorithm"] = algorithm
        if "opaque" in challenge:
            parameters["opaque"] = _quoted(challenge["opaque"])
        return "Digest " + ", ".join(f"{name}={value}" for name, value in parameters.items())


def _known(parameters: dict[str, str]) -> bool:
    algorithm = parameters.get("algorithm", "MD5").lower().removesuffix("-sess")
    offered = [one.strip().lower() for one in parameters.get("qop", "auth").split(",")]
    return algorithm in _HASHES and "auth" in offered


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'.encode().decode("latin-1")
