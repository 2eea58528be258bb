"""The methods of a handler that read and set cookies, signed ones too."""

from __future__ import annotations

from collections.abc import Mapping
from http.cookies import Morsel
from typing import TYPE_CHECKING, Any

from waterspout import httputil
from waterspout.web.cookies import Expires, expiry
from waterspout.web.response import Response
from waterspout.web.signed_values import create_signed_value, decode_signed_value, get_signature_key_version

if TYPE_CHECKING:
    from waterspout.web.application import Application


class CookieMethods:
    """The part of `RequestHandler` that deals with cookies (RFC 6265)."""

    request: httputil.HTTPServerRequest
    application: Application
    _response: Response

    @property
    def cookies(self) -> dict[str, Morsel[str]]:
        """The cookies of the request.  Documentation: ``web.RequestHandler.cookies``."""
        return self.request.cookies

    def get_cookie(self, name: str, default: str | None = None) -> str | None:
        """Return the value of a cookie of the request.  Documentation: ``web.RequestHandler.get_cookie``."""
        morsel = self.request.cookies.get(name)
        return default if morsel is None else morsel.value

    def set_cookie(
        self,
        name: str,
        value: str | bytes,
        domain: str | None = None,
        expires: Expires | None = None,
        path: str | None = "/",
        expires_days: float | None = None,
        *,
        max_age: int | None = None,
        httponly: bool = False,
        secure: bool = False,
        samesite: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Set a cookie with the response; it stays set if that becomes an error page.

        ``expires`` is a time, ``expires_days`` counts from now, ``max_age`` is in seconds; ``kwargs`` are
        further attributes of `http.cookies.Morsel`, in any case.  Raises `ValueError` for a value with blanks
        or control characters, `http.cookies.CookieError` for a bad name or attribute.
        Documentation: ``web.RequestHandler.set_cookie``.
        """
        attributes: dict[str, Any] = {
            "domain": domain or None,
            "expires": expiry(expires, expires_days),
            "path": path or None,
            "max-age": None if max_age is None else str(max_age),
            "httponly": bool(httponly),
            "secure": bool(secure),
            "samesite": samesite or None,
        }
        attributes.update({key.lower().replace("_", "-"): setting for key, setting in kwargs.items()})
        self._response.cookies.set(name, value, attributes)

    def clear_cookie(self, name: str, **kwargs: Any) -> None:
        """Have the client forget a cookie; ``domain`` and ``path`` must be those it was set with.

        Documentation: ``web.RequestHandler.clear_cookie``.
        """
        for excluded in ("expires", "expires_days", "max_age"):
            if excluded in kwargs:
                raise TypeError(f"clear_cookie() sets the expiry itself; leave out {excluded}")
        self.set_cookie(name, "", expires_days=-365, **kwargs)

    def clear_all_cookies(self, **kwargs: Any) -> None:
        """Have the client forget every cookie that it sent.

        Documentation: ``web.RequestHandler.clear_all_cookies``.
        """
        for name in self.request.cookies:
            self.clear_cookie(name, **kwargs)

    # Signed cookies

    def set_signed_cookie(
        self,
        name: str,
        value: str | bytes,
        expires_days: float | None = 30,
        version: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Set a cookie that the client cannot change: its value is signed with the setting ``cookie_secret``.

        The client can read it.  ``kwargs`` are those of `set_cookie`, ``version`` is the format of the signed value.
        Raises `Exception` without the setting.  Documentation: ``web.RequestHandler.set_signed_cookie``.
        """
        signed = self.create_signed_value(name, value, version)
        self.set_cookie(name, signed, expires_days=expires_days, **kwargs)

    set_secure_cookie = set_signed_cookie

    def create_signed_value(self, name: str, value: str | bytes, version: int | None = None) -> bytes:
        """Return ``value`` signed for ``name``, as `set_signed_cookie` does, to be carried in other ways.

        With a dict as ``cookie_secret`` the setting ``key_version`` says which key signs.  Documentation:
        ``web.RequestHandler.create_signed_value``.
        """
        secret = self._cookie_secret()
        key_version = None
        if isinstance(secret, Mapping):
            key_version = self.application.settings.get("key_version")
            if key_version is None:
                raise Exception("cookie_secret holds several keys; say by the setting key_version which one signs")
        return create_signed_value(secret, name, value, version=version, key_version=key_version)

    def get_signed_cookie(
        self, name: str, value: str | None = None, max_age_days: float = 31, min_version: int | None = None
    ) -> bytes | None:
        """Return what the signed cookie ``name`` holds, or None if there is none, or none that we signed.

        ``value`` is looked at in place of the cookie if given.  Signatures older than ``max_age_days`` are refused,
        and formats before ``min_version``.  Documentation: ``web.RequestHandler.get_signed_cookie``.
        """
        secret = self._cookie_secret()
        if value is None:
            value = self.get_cookie(name)
        return decode_signed_value(secret, name, value, max_age_days=max_age_days, min_version=min_version)

    get_secure_cookie = get_signed_cookie

    def get_signed_cookie_key_version(self, name: str, value: str | None = None) -> int | None:
        """Return the version of the key that the signed cookie ``name`` names, or None; nothing is checked.

        Documentation: ``web.RequestHandler.get_signed_cookie_key_version``.
        """
        self._cookie_secret()
        if value is None:
            value = self.get_cookie(name)
        return None if value is None else get_signature_key_version(value)

    get_secure_cookie_key_version = get_signed_cookie_key_version

    def _cookie_secret(self) -> Any:
        secret = self.application.settings.get("cookie_secret")
        if not secret:
            raise Exception("signed cookies need the setting 'cookie_secret'; pass it to Application(...)")
        return secret
