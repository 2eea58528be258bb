"""Where a request goes: what its URL says (RFC 3986; RFC 9110, section 4.2), and which connections will do."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from waterspout.netutil import ssl_options_to_context

DEFAULT_PORTS = {"http": 80, "https": 443}
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
#: What of a path or query goes as it is; the rest is encoded, and with it what no URI may have.
_SAFE = "%/?:@!$&'()*+,;=-._~|[]{}^`\\\"<>"

Credentials = tuple[str, str]


@dataclass(frozen=True)
class Location:
    """A URL in parts: ``host`` is what to connect to, ``authority`` the Host field, ``target`` path and query."""

    scheme: str
    host: str
    port: int
    authority: str
    target: str
    credentials: Credentials | None = field(default=None, compare=False)

    @classmethod
    def of(cls, url: str) -> Location:
        """Take ``url`` apart.  Raises `ValueError` for what is no URL of HTTP."""
        if not isinstance(url, str):
            raise ValueError(f"a URL is text, not {url!r}")
        if _CONTROLS.search(url):
            raise ValueError(f"a URL has no control characters, but {url!r} has")
        parts = urlsplit(url)
        scheme = parts.scheme.lower()
        if scheme not in DEFAULT_PORTS:
            raise ValueError(f"Unsupported url scheme: {url}")
        if not parts.hostname:
            raise ValueError(f"the URL {url!r} names no host")
        host = _ascii_host(parts.hostname)
        port = parts.port or DEFAULT_PORTS[scheme]
        authority = f"[{host}]" if ":" in host else host
        if port != DEFAULT_PORTS[scheme]:
            authority += f":{port}"
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        credentials = None
        if parts.username is not None:
            credentials = unquote(parts.username), unquote(parts.password or "")
        return cls(scheme, host, port, authority, quote(target, safe=_SAFE), credentials)

    @property
    def origin(self) -> tuple[str, str, int]:
        """What must be the same for credentials to be sent again (RFC 6454, section 4)."""
        return self.scheme, self.host, self.port

    @property
    def absolute(self) -> str:
        """The target in absolute form (RFC 9112, section 3.2.2)."""
        return f"{self.scheme}://{self.authority}{self.target}"


def _ascii_host(host: str) -> str:
    if host.isascii():
        if " " in host:
            raise ValueError(f"{host!r} is no name of a host")
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError(f"{host!r} is no name of a host") from None


@dataclass(frozen=True)
class Proxy:
    """A proxy, and what it is to be told about the user."""

    host: str
    port: int
    credentials: Credentials | None = None
    mode: str = "basic"


@dataclass(frozen=True)
class Route:
    """What connections must have in common to be exchanged for each other."""

    host: str
    port: int
    context: ssl.SSLContext | None = None
    proxy: Proxy | None = None
    source: str | None = None
    ipv6: bool = True

    @property
    def through_tunnel(self) -> bool:
        """Whether a proxy does no more than pass bytes."""
        return self.proxy is not None and self.context is not None


def proxy_of(request: Any, location: Location, from_environment: bool) -> Proxy | None:
    """Return the proxy for ``request``: its own, or that of the environment where the client heeds it.

    The environment is ``http_proxy``, ``https_proxy``, ``all_proxy`` and ``no_proxy``, as for `urllib.request`.
    """
    given = given_proxy(request)
    if given is not None or not from_environment or proxy_bypass(location.host):
        return given
    proxies = getproxies()
    url = proxies.get(location.scheme) or proxies.get("all")
    if not url:
        return None
    found = Location.of(url if "://" in url else f"http://{url}")
    if found.scheme != "http":
        raise ValueError(f"the proxy {url!r} of the environment is not one of plain HTTP")
    return Proxy(found.host, found.port, found.credentials, request.proxy_auth_mode or "basic")


def given_proxy(request: Any) -> Proxy | None:
    """Return the proxy that ``request`` names by its attributes, if it does.

    Raises `ValueError` for one without a port, and for an unknown ``proxy_auth_mode``.
    """
    host, port, username, password, mode = (
        getattr(request, f"proxy_{name}", None) for name in ("host", "port", "username", "password", "auth_mode")
    )
    if mode not in (None, "basic", "digest"):
        raise ValueError(f"unsupported proxy_auth_mode {mode}: basic and digest are known")
    if not host:
        return None
    if not port:
        raise ValueError("proxy_host needs a proxy_port beside it")
    return Proxy(host, int(port), (username, password or "") if username else None, mode or "basic")


class Contexts:
    """TLS contexts for requests, made once for each combination of settings."""

    def __init__(self) -> None:
        self._known: dict[Any, ssl.SSLContext] = {}

    def of(self, request: Any) -> ssl.SSLContext:
        """Return the context that ``request`` asks for.  Raises `OSError` for files that cannot be read."""
        options = request.ssl_options
        if isinstance(options, ssl.SSLContext):
            return options
        if options is not None:
            key: Any = tuple(sorted((name, repr(value)) for name, value in options.items()))
        else:
            key = (bool(request.validate_cert), request.ca_certs, request.client_cert, request.client_key)
        context = self._known.get(key)
        if context is None:
            context = self._known[key] = _made(request)
        return context


def _made(request: Any) -> ssl.SSLContext:
    if request.ssl_options is not None:
        return ssl_options_to_context(request.ssl_options, server_side=False)
    context = ssl.create_default_context(cafile=request.ca_certs)
    if not request.validate_cert:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if request.client_cert is not None:
        context.load_cert_chain(request.client_cert, request.client_key)
    context.set_alpn_protocols(["http/1.1"])
    return context
