"""The HTTP client on libcurl, for what that can and Python alone cannot; it needs ``pycurl`` (the extra ``curl``).

``AsyncHTTPClient.configure("waterspout.curl_httpclient.CurlAsyncHTTPClient")`` makes it the one of a program.
Documentation: ``tornado.curl_httpclient``.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

import pycurl

from waterspout._client_fetch import Fetch, Outcome, Patience, Terms, limit
from waterspout._client_origin import Location, Proxy
from waterspout._client_queue import QueueingClient
from waterspout._client_request import EffectiveRequest, HTTPResponse
from waterspout._curl_transfers import CurlError, CurlExchange, Transfers
from waterspout.protocol.http1 import ClientConnection, LocalProtocolError, Request

__all__ = ["CurlAsyncHTTPClient", "CurlError"]

#: What libcurl measures, in seconds, by the names of `HTTPResponse.time_info`.
_TIMES = {
    "namelookup": pycurl.NAMELOOKUP_TIME,
    "connect": pycurl.CONNECT_TIME,
    "appconnect": pycurl.APPCONNECT_TIME,
    "pretransfer": pycurl.PRETRANSFER_TIME,
    "starttransfer": pycurl.STARTTRANSFER_TIME,
    "total": pycurl.TOTAL_TIME,
    "redirect": pycurl.REDIRECT_TIME,
}
#: Seconds for libcurl to notice by itself that a request's time is over, which it says more about.
_GRACE = 1.0


class CurlAsyncHTTPClient(QueueingClient):
    """A client that has libcurl carry its requests.

    Redirects, credentials, unpacking and limits are those of `simple_httpclient.SimpleAsyncHTTPClient`; connections,
    proxies (also those of the environment, as ever with libcurl) and TLS are libcurl's.  Not for it are
    ``body_producer`` and ``ssl_options``, which raise `ValueError`; ``prepare_curl_callback`` of a request is called
    with the ``pycurl.Curl`` before that begins.  See `initialize` for the arguments.
    Documentation: ``curl_httpclient.CurlAsyncHTTPClient``.
    """

    def initialize(  # type: ignore[override]  # each implementation has its arguments
        self, max_clients: int = 10, defaults: Mapping[str, Any] | None = None, max_body_size: int = 104857600
    ) -> None:
        """Take the constructor's arguments.

        ``max_clients`` is how many requests are made at a time; others wait.  ``max_body_size`` is in bytes, as a body
        comes and as it is unpacked.
        """
        super().initialize(max_clients, defaults)
        self.max_body_size = max_body_size
        self._terms = Terms(max_body_size)
        self._transfers = Transfers(self.io_loop.asyncio_loop)

    def close(self) -> None:
        """End the client, with all that it still does.

        Documentation: ``curl_httpclient.CurlAsyncHTTPClient.close``.
        """
        if self._closed:
            return
        super().close()
        self._transfers.close()

    async def _respond(self, request: EffectiveRequest, patience: Patience) -> HTTPResponse:
        fetch = _CurlFetch(self._transfers, self._terms, request, patience)
        response = await fetch.run()
        response.time_info.update(fetch.times)
        return response


class _CurlFetch(Fetch):
    """A fetch by transfers of libcurl."""

    def __init__(self, transfers: Transfers, terms: Terms, request: EffectiveRequest, patience: Patience) -> None:
        super().__init__(terms, request, patience)
        self._transfers = transfers
        self.times: dict[str, float] = {}

    async def _attempt(self, request: EffectiveRequest, location: Location, proxy: Proxy | None) -> Outcome:
        for name in ("body_producer", "ssl_options"):
            if getattr(request, name) is not None:
                raise ValueError(f"{name} is not for curl_httpclient; simple_httpclient takes it")
        head = self._head(request, location, None)
        left = self._deadline - self._loop.time()
        self._patience.until(self._deadline + _GRACE, "Timeout during request")
        curl = pycurl.Curl()
        exchange = None
        try:
            _set_request(curl, request, head, location)
            _set_connection(curl, request, proxy, left)
            if request.prepare_curl_callback is not None:
                request.prepare_curl_callback(curl)
            exchange = CurlExchange(self._transfers, curl, request, head.method, self._terms.max_body_size)
            outcome = await self._converse(exchange, request, location)
            self.times = {name: curl.getinfo(number) for name, number in _TIMES.items()}
            return outcome
        finally:
            if exchange is not None:
                exchange.end()
            curl.close()


def _set_request(curl: Any, request: EffectiveRequest, head: Request, location: Location) -> None:
    """Say what is asked.  Raises `ValueError` for what is no request."""
    try:
        # The grammar is checked by those who know it; libcurl sends whatever it is given.
        ClientConnection().send(head)
    except LocalProtocolError as error:
        raise ValueError(str(error)) from None
    curl.setopt(pycurl.URL, location.absolute)
    curl.setopt(pycurl.PATH_AS_IS, 1)
    body = request.body
    if head.method == "HEAD":
        curl.setopt(pycurl.NOBODY, 1)
    elif head.method != "GET" or body is not None:
        curl.setopt(pycurl.CUSTOMREQUEST, head.method)
        if body is not None:
            curl.setopt(pycurl.POST, 1)
            curl.setopt(pycurl.POSTFIELDS, body)
    names = {name.lower() for name, _ in head.headers}
    # An empty field is left out; these libcurl adds by itself.
    unasked = [f"{name}:" for name in ("Accept", "Content-Type", "Expect") if name.lower() not in names]
    lines = [
        f"{name}: {value}" if value else f"{name};" for name, value in head.headers if name.lower() != "content-length"
    ]
    curl.setopt(pycurl.HTTPHEADER, [line.encode("latin-1") for line in lines + unasked])


def _set_connection(curl: Any, request: EffectiveRequest, proxy: Proxy | None, left: float) -> None:
    """Say how to connect, and in what time: ``left`` seconds for everything."""
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    # Messages are looked at as those of HTTP/1.1.
    curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
    if left != float("inf"):
        curl.setopt(pycurl.TIMEOUT_MS, max(1, int(left * 1000)))
    connect = min(limit(request.connect_timeout), left)
    # 0 would be five minutes; there is no way to say never.
    curl.setopt(pycurl.CONNECTTIMEOUT_MS, max(1, int(min(connect, 2_000_000) * 1000)))
    if request.network_interface:
        curl.setopt(pycurl.INTERFACE, request.network_interface)
    if request.allow_ipv6 is False:
        curl.setopt(pycurl.IPRESOLVE, pycurl.IPRESOLVE_V4)
    _set_tls(curl, request)
    if proxy is not None:
        _set_proxy(curl, proxy)


def _set_tls(curl: Any, request: EffectiveRequest) -> None:
    curl.setopt(pycurl.SSL_VERIFYPEER, 1 if request.validate_cert else 0)
    curl.setopt(pycurl.SSL_VERIFYHOST, 2 if request.validate_cert else 0)
    # A libcurl that comes with pycurl does not always know where the system has its certificates.
    known = ssl.get_default_verify_paths()
    authorities = request.ca_certs or known.cafile
    if authorities:
        curl.setopt(pycurl.CAINFO, authorities)
    elif known.capath:
        curl.setopt(pycurl.CAPATH, known.capath)
    if request.client_cert is not None:
        curl.setopt(pycurl.SSLCERT, request.client_cert)
    if request.client_key is not None:
        curl.setopt(pycurl.SSLKEY, request.client_key)


def _set_proxy(curl: Any, proxy: Proxy) -> None:
    curl.setopt(pycurl.PROXY, proxy.host)
    curl.setopt(pycurl.PROXYPORT, proxy.port)
    if proxy.credentials is not None:
        curl.setopt(pycurl.PROXYUSERNAME, proxy.credentials[0])
        curl.setopt(pycurl.PROXYPASSWORD, proxy.credentials[1])
        curl.setopt(pycurl.PROXYAUTH, pycurl.HTTPAUTH_DIGEST if proxy.mode == "digest" else pycurl.HTTPAUTH_BASIC)
