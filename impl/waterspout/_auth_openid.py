"""Login with OpenID 2.0 and its Attribute Exchange.  Hardly a provider offers it any more."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable
from typing import Any
from urllib.parse import urlencode, urljoin

from waterspout._auth_requests import AuthError, LoginMixin, takes_callback
from waterspout.httpclient import AsyncHTTPClient, HTTPResponse
from waterspout.httputil import split_host_and_port, url_concat

_NAMESPACE = "http://specs.openid.net/auth/2.0"
_AX = "http://openid.net/srv/ax/1.0"
_SELECT = f"{_NAMESPACE}/identifier_select"
OAUTH_EXTENSION = "http://specs.openid.net/extensions/oauth/1.0"

#: What a user's attributes are called in requests, and by which URI the provider knows them.
_TYPES = {
    "firstname": "http://axschema.org/namePerson/first",
    "fullname": "http://axschema.org/namePerson",
    "lastname": "http://axschema.org/namePerson/last",
    "username": "http://axschema.org/namePerson/friendly",
    "language": "http://axschema.org/pref/language",
    "email": "http://axschema.org/contact/email",
}
_PARTS_OF_NAME = ("firstname", "fullname", "lastname")
_DEFAULT_ATTRIBUTES = ("name", "email", "language", "username")


class OpenIdMixin(LoginMixin):
    """Login with OpenID; a subclass sets ``_OPENID_ENDPOINT``, the provider's URL.

    Deprecated since 6.5.8.  Documentation: ``auth.OpenIdMixin``.
    """

    _OPENID_ENDPOINT: str

    @takes_callback
    def authenticate_redirect(
        self, callback_uri: str | None = None, ax_attrs: Collection[str] = _DEFAULT_ATTRIBUTES
    ) -> None:
        """Send the user to the provider, to come back to ``callback_uri``, by default here.

        ``ax_attrs`` are asked for: "name", "email", "language", "username".  Legacy: ``callback()``.
        Documentation: ``auth.OpenIdMixin.authenticate_redirect``.
        """
        warnings.warn("OpenIdMixin is deprecated: providers use OAuth 2.0", DeprecationWarning, 3)
        callback_uri = callback_uri or self.request.uri
        self.redirect(url_concat(self._OPENID_ENDPOINT, self._openid_args(callback_uri, ax_attrs)))

    @takes_callback
    async def get_authenticated_user(self, http_client: AsyncHTTPClient | None = None) -> dict[str, Any]:
        """Return what the provider says of the user, who has come back; it is asked whether that is true.

        The dict has, as far as known, "name", "first_name", "last_name", "email", "locale", "username" and
        "claimed_id".  What the provider did not sign is left out.  Legacy: ``callback(user)``.  Raises `AuthError`
        when it is not true, `httpclient.HTTPClientError`.
        Documentation: ``auth.OpenIdMixin.get_authenticated_user``.
        """
        args = {name: values[-1] for name, values in self.request.arguments.items()}
        args["openid.mode"] = b"check_authentication"
        client = http_client or self.get_auth_http_client()
        response = await client.fetch(self._OPENID_ENDPOINT, method="POST", body=urlencode(args))
        return self._on_authentication_verified(response)

    def _openid_args(
        self, callback_uri: str, ax_attrs: Iterable[str] = (), oauth_scope: str | None = None
    ) -> dict[str, str]:
        """Return the parameters of the request to the provider (OpenID 2.0, section 9.1)."""
        here = self.request.full_url()
        return_to = urljoin(here, callback_uri)
        args = {
            "openid.ns": _NAMESPACE,
            "openid.claimed_id": _SELECT,
            "openid.identity": _SELECT,
            "openid.return_to": return_to,
            "openid.realm": urljoin(return_to, "/"),
            "openid.mode": "checkid_setup",
        }
        wanted = set(ax_attrs)
        if wanted:
            names = [name for name in _TYPES if name in wanted or ("name" in wanted and name in _PARTS_OF_NAME)]
            args.update({"openid.ns.ax": _AX, "openid.ax.mode": "fetch_request"})
            args.update((f"openid.ax.type.{name}", _TYPES[name]) for name in names)
            args["openid.ax.required"] = ",".join(names)
        if oauth_scope:
            args["openid.ns.oauth"] = OAUTH_EXTENSION
            args["openid.oauth.consumer"] = split_host_and_port(self.request.host)[0]
            args["openid.oauth.scope"] = oauth_scope
        return args

    def _on_authentication_verified(self, response: HTTPResponse) -> dict[str, Any]:
        """Return the user, if ``response`` confirms what came with the request (section 11.4.2.2)."""
        if b"is_valid:true" not in response.body.splitlines():
            raise AuthError(f"the provider does not confirm this login: {response.body[:200]!r}")
        user = {name: value for name, uri in _FIELDS if (value := self._attribute(uri))}
        name = user.pop("fullname", None) or " ".join(
            user[part] for part in ("first_name", "last_name") if part in user
        )
        if not name and "email" in user:
            name = user["email"].partition("@")[0]
        if name:
            user["name"] = name
        claimed_id = self.get_argument("openid.claimed_id", None)
        if claimed_id and self._is_signed("claimed_id"):
            user["claimed_id"] = claimed_id
        return user

    def _extension(self, uri: str) -> str | None:
        """Return the prefix that the parameters of an extension have in this request, if there are any."""
        for name in self.request.arguments:
            if name.startswith("openid.ns.") and self.get_argument(name) == uri:
                return name.removeprefix("openid.ns.")
        return None

    def _attribute(self, uri: str) -> str | None:
        """Return the value of the attribute that the provider knows by ``uri``, if it signed it."""
        prefix = self._extension(_AX)
        if prefix is None:
            return None
        for name in self.request.arguments:
            head, _, alias = name.rpartition(f"openid.{prefix}.type.")
            if alias and not head and self.get_argument(name) == uri:
                keys = f"{prefix}.type.{alias}", f"{prefix}.value.{alias}"
                if all(map(self._is_signed, keys)):
                    return self.get_argument(f"openid.{keys[1]}", "") or None
        return None

    def _is_signed(self, key: str) -> bool:
        # Only what is signed is covered by the provider's confirmation; the rest may be the user's own (section 11.4).
        return key in (self.get_argument("openid.signed", "") or "").split(",")


_FIELDS = (
    ("first_name", _TYPES["firstname"]),
    ("last_name", _TYPES["lastname"]),
    ("fullname", _TYPES["fullname"]),
    ("email", _TYPES["email"]),
    ("locale", _TYPES["language"]),
    ("username", _TYPES["username"]),
)
