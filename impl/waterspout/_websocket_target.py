"""Where a WebSocket client connects to, and with what: from a URL or a request object (RFC 6455, section 3)."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from waterspout._client_origin import Proxy, given_proxy
from waterspout.httputil import HTTPHeaders, encode_username_password
from waterspout.netutil import ssl_options_to_context

#: Seconds for connecting and for the server's answer, where a program says nothing.
CONNECT_SECONDS = 20.0

_PORTS = {"ws": 80, "wss": 443}
# What may stand in a target as it is; the rest is percent-encoded.
_UNRESERVED = "%/:?#[]@!$&'()*+,;=~"
# Fields that the handshake itself decides on.
_OURS = frozenset(
    {"host", "upgrade", "connection", "sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions"}
)


@dataclass(frozen=True)
class Target:
    """A server, and the request to open a WebSocket there."""

    url: str
    host: str
    port: int
    context: ssl.SSLContext | None
    host_field: str
    resource: str
    fields: list[tuple[str, str]]
    connect_timeout: float
    allow_ipv6: bool
    source_address: str | None
    proxy: Proxy | None = None

    @classmethod
    def of(cls, request: Any, connect_timeout: float | None) -> Target:
        """Read a URL, or an object with ``url`` and attributes of `httpclient.HTTPRequest`.

        Raises `ValueError` for a URL that is none of a WebSocket, and for a proxy without a port.
        """
        url: str = request if isinstance(request, str) else request.url
        parts = urlsplit(url)
        if parts.scheme not in _PORTS:
            raise ValueError(f"a WebSocket has a ws:// or wss:// URL, not {url!r}")
        if not parts.hostname:
            raise ValueError(f"there is no host in {url!r}")
        if parts.fragment:
            raise ValueError(f"the URL of a WebSocket has no fragment: {url!r}")
        timeout = connect_timeout if connect_timeout is not None else _attribute(request, "connect_timeout")
        host_field = parts.netloc.rpartition("@")[2]
        resource = quote(parts.path or "/", safe=_UNRESERVED)
        if parts.query:
            resource += "?" + quote(parts.query, safe=_UNRESERVED)
        return cls(
            url=url,
            host=parts.hostname,
            port=parts.port or _PORTS[parts.scheme],
            context=_context(request) if parts.scheme == "wss" else None,
            host_field=host_field if host_field.isascii() else host_field.encode("idna").decode("ascii"),
            resource=resource,
            fields=_fields(request, parts.username, parts.password),
            connect_timeout=CONNECT_SECONDS if timeout is None else timeout,
            allow_ipv6=_attribute(request, "allow_ipv6") is not False,
            source_address=_attribute(request, "network_interface"),
            proxy=given_proxy(request),
        )

    def named(self, name: str) -> list[str]:
        """Return the values of the fields called ``name``."""
        return [value for other, value in self.fields if other.lower() == name]


def _attribute(request: Any, name: str) -> Any:
    return None if isinstance(request, str) else getattr(request, name, None)


def _fields(request: Any, username: str | None, password: str | None) -> list[tuple[str, str]]:
    given = _attribute(request, "headers") or {}
    pairs: Iterable[tuple[str, str]] = given.get_all() if isinstance(given, HTTPHeaders) else given.items()
    fields = [(name, value) for name, value in pairs if name.lower() not in _OURS]
    names = {name.lower() for name, _ in fields}
    user = _attribute(request, "auth_username")
    credentials: tuple[str, str] | None
    if user is not None:
        credentials = (user, _attribute(request, "auth_password") or "")
    else:
        credentials = (unquote(username), unquote(password or "")) if username is not None else None
    if credentials is not None and "authorization" not in names:
        token = base64.b64encode(encode_username_password(*credentials)).decode("ascii")
        fields.append(("Authorization", f"Basic {token}"))
    agent = _attribute(request, "user_agent")
    if agent and "user-agent" not in names:
        fields.append(("User-Agent", agent))
    return fields


def _context(request: Any) -> ssl.SSLContext:
    options = _attribute(request, "ssl_options")
    if options is not None:
        return ssl_options_to_context(options, server_side=False)
    context = ssl.create_default_context(cafile=_attribute(request, "ca_certs"))
    if _attribute(request, "validate_cert") is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    certificate = _attribute(request, "client_cert")
    if certificate is not None:
        context.load_cert_chain(certificate, _attribute(request, "client_key"))
    return context
