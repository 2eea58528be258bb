"""Protection against cross-site request forgery: requests that another site makes a visitor's browser send.

Two ways, each with a setting of its own, for all methods but GET, HEAD and OPTIONS.

``xsrf_cookies``: a random token is in a cookie, and the page sends it back in an argument ``_xsrf`` or a field
``X-XSRFToken`` or ``X-CSRFToken``.  Other sites cannot read the cookie.  In version 1 the token is sent as it is, in
hexadecimal; in version 2 as ``2|mask|masked token|time``, with another mask each time, so that compression of the page
tells nothing about it (BREACH).

``cross_origin_protection``: browsers say where a request comes from, by ``Sec-Fetch-Site`` or ``Origin``.
"""

from __future__ import annotations

import binascii
import hmac
import os
import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from waterspout import httputil
from waterspout.escape import utf8, xhtml_escape
from waterspout.web.errors import HTTPError

if TYPE_CHECKING:
    from waterspout.web.application import Application

#: Methods that change nothing (RFC 9110, section 9.2.1), which need no protection.
SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))

_TOKEN_SIZE = 16
_MASK_SIZE = 4
# What follows the version: mask, masked token, time.
_VERSION_2 = re.compile(r"2\|([0-9a-fA-F]{8})\|((?:[0-9a-fA-F]{2})+)\|([0-9]{1,15})")
_VERSIONED = re.compile(r"[0-9]\|")
#: Longer than any token that we made.
_LONGEST = 1000

# Token, and the time in seconds when it was made.
_Token = tuple[bytes, int]


def new_token() -> _Token:
    """Return a random token, made now."""
    return os.urandom(_TOKEN_SIZE), int(time.time())


def decode_token(text: str) -> _Token | None:
    """Return the token in ``text``, in either version; None if that is malformed or empty."""
    if not text or len(text) > _LONGEST:
        return None
    if _VERSIONED.match(text):
        found = _VERSION_2.fullmatch(text)
        if found is None:
            return None
        mask, masked = binascii.unhexlify(found[1]), binascii.unhexlify(found[2])
        return masked_with(mask, masked), int(found[3])
    try:
        token = binascii.unhexlify(utf8(text))
    except (binascii.Error, ValueError):
        # A page may choose its own token for both places.
        token = utf8(text)
    return token, int(time.time())


def encode_token(token: _Token, version: int) -> bytes:
    """Return a token as it is sent.  Raises `ValueError` for versions other than 1 and 2."""
    secret, made = token
    if version == 1:
        return binascii.hexlify(secret)
    if version != 2:
        raise ValueError(f"the setting xsrf_cookie_version is 1 or 2, not {version!r}")
    mask = os.urandom(_MASK_SIZE)
    return b"2|%s|%s|%d" % (binascii.hexlify(mask), binascii.hexlify(masked_with(mask, secret)), made)


def masked_with(mask: bytes, octets: bytes) -> bytes:
    """Return ``octets`` combined with a repeated mask by exclusive or; doing so twice takes it back."""
    size = len(octets)
    repeated = (mask * (size // len(mask) + 1))[:size]
    combined = int.from_bytes(octets, "big") ^ int.from_bytes(repeated, "big")
    return combined.to_bytes(size, "big")


def allowed_by_origin(handler: XSRFMethods) -> None:
    """Raise `HTTPError` 403 for a request that a browser sends for another origin, unless that is trusted.

    ``Sec-Fetch-Site`` decides if it is there, then ``Origin``; a request with neither is not a browser's.
    """
    headers = handler.request.headers
    site, origin = headers.get("Sec-Fetch-Site"), headers.get("Origin")
    if site is not None:
        if site in ("same-origin", "none"):
            return
    elif origin is None or _authority(origin) == (handler.request.host or "").lower():
        # The scheme is left out: behind a proxy we might not know our own.
        return
    if origin is None or not handler.check_trusted_origin(origin):
        raise HTTPError(403, "cross-origin request: Origin %.100r, Sec-Fetch-Site %.100r", origin, site)


def _authority(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None


class XSRFMethods:
    """The part of `RequestHandler` that holds off forged requests."""

    request: httputil.HTTPServerRequest
    application: Application

    @property
    def xsrf_token(self) -> bytes:
        """The token to send back with forms, for which a cookie is set if the client has none yet.

        Documentation: ``web.RequestHandler.xsrf_token``.
        """
        token: bytes | None = self.__dict__.get("_xsrf_token")
        if token is None:
            token = self._xsrf_token = self._make_xsrf_token()
        return token

    def _make_xsrf_token(self) -> bytes:
        handler: Any = self
        settings = self.application.settings
        raw = decode_token(handler.get_cookie(self._xsrf_cookie_name()) or "")
        encoded = encode_token(raw or new_token(), settings.get("xsrf_cookie_version", 2))
        if raw is None:
            # Who has logged in may have a page open for longer than a browser runs.
            days = 30 if handler.current_user else None
            arguments = {"expires_days": days, **settings.get("xsrf_cookie_kwargs", {})}
            handler.set_cookie(self._xsrf_cookie_name(), encoded, **arguments)
        return encoded

    def _xsrf_cookie_name(self) -> str:
        name: str = self.application.settings.get("xsrf_cookie_name", "_xsrf")
        return name

    def xsrf_form_html(self) -> str:
        """Return the hidden input element that every form needs if ``xsrf_cookies`` is set.

        Documentation: ``web.RequestHandler.xsrf_form_html``.
        """
        return f'<input type="hidden" name="_xsrf" value="{xhtml_escape(self.xsrf_token)}"/>'

    def check_xsrf_cookie(self) -> None:
        """Raise `HTTPError` 403 unless the request brings the token of its cookie along.

        Called before ``prepare`` if the setting ``xsrf_cookies`` is true; override it to do without, or with
        something else.  Documentation: ``web.RequestHandler.check_xsrf_cookie``.
        """
        handler: Any = self
        headers = self.request.headers
        sent = handler.get_argument("_xsrf", None) or headers.get("X-Xsrftoken") or headers.get("X-Csrftoken")
        if not sent:
            raise HTTPError(403, "the request has no _xsrf argument or X-XSRFToken field")
        token = decode_token(sent)
        if token is None:
            raise HTTPError(403, "the _xsrf argument is malformed: %.100r", sent)
        expected = decode_token(handler.get_cookie(self._xsrf_cookie_name()) or "")
        if expected is None or not hmac.compare_digest(expected[0], token[0]):
            raise HTTPError(403, "the _xsrf argument does not fit the cookie %s", self._xsrf_cookie_name())

    def check_trusted_origin(self, origin: str) -> bool:
        """Whether another origin may send requests that change something: those in the setting ``trusted_origins``.

        Asked if ``cross_origin_protection`` is set.  Documentation: ``web.RequestHandler.check_trusted_origin``.
        """
        return origin in self.application.settings.get("trusted_origins", ())


def protect(handler: Any) -> None:
    """Do the checks that the settings ask for; raises `HTTPError` 403."""
    settings = handler.application.settings
    if handler.request.method in SAFE_METHODS:
        return
    if settings.get("xsrf_cookies"):
        handler.check_xsrf_cookie()
    if settings.get("cross_origin_protection"):
        allowed_by_origin(handler)
