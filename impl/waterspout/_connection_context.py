"""Who is at the other end of a connection, and what a trusted proxy says about who is behind it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Collection
from typing import Any

from waterspout.netutil import is_valid_ip
from waterspout.protocol.headers import HTTPHeaders


class ConnectionContext:
    """The peer: ``address``, ``remote_ip``, ``protocol`` (``http`` or ``https``) and ``ssl_object``.

    A peer without an IP address, one at a Unix socket, counts as ``0.0.0.0``.
    """

    __slots__ = ("address", "protocol", "remote_ip", "ssl_object")

    def __init__(self, address: Any, protocol: str, ssl_object: ssl.SSLObject | None) -> None:
        self.address = address
        self.remote_ip: str = address[0] if isinstance(address, tuple) and address else "0.0.0.0"
        self.protocol = protocol
        self.ssl_object = ssl_object

    @classmethod
    def of(cls, transport: asyncio.BaseTransport, protocol: str | None) -> ConnectionContext:
        """Return the context of ``transport``; ``protocol`` overrules what the presence of TLS would tell."""
        ssl_object = transport.get_extra_info("ssl_object")
        if protocol is None:
            protocol = "http" if ssl_object is None else "https"
        return cls(transport.get_extra_info("peername"), protocol, ssl_object)

    def behind_proxy(self, headers: HTTPHeaders, trusted: Collection[str]) -> ConnectionContext:
        """Return what a proxy says about the client.

        The address is ``X-Real-Ip``, or the last of ``X-Forwarded-For`` that is not in ``trusted``; the
        protocol is ``X-Scheme``, or the last of ``X-Forwarded-Proto``.  What is not valid is ignored.
        """
        context = ConnectionContext(self.address, self.protocol, self.ssl_object)
        ip = self.remote_ip
        for ip in reversed(headers.get("X-Forwarded-For", self.remote_ip).split(",")):
            ip = ip.strip()
            if ip not in trusted:
                break
        ip = headers.get("X-Real-Ip", ip)
        context.remote_ip = ip if is_valid_ip(ip) else self.remote_ip
        scheme = headers.get("X-Scheme", headers.get("X-Forwarded-Proto", "")).rpartition(",")[2].strip()
        if scheme in ("http", "https"):
            context.protocol = scheme
        return context
