"""Opening connections for the HTTP client: name, TCP, the tunnel through a proxy, TLS."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl

from waterspout._client_auth import Digest, basic
from waterspout._client_driver import ClientDriver
from waterspout._client_origin import Proxy, Route
from waterspout._client_request import HTTPStreamClosedError
from waterspout.iostream import StreamClosedError
from waterspout.protocol.http1 import Data, EndOfMessage, InformationalResponse, Limits, Request, Response, State
from waterspout.tcpclient import TCPClient

#: How much of a proxy's refusal is read to answer its challenge on the same connection.
_MAX_REFUSAL = 65536


class Connector:
    """Makes a `ClientDriver` for a route."""

    def __init__(self, tcp_client: TCPClient, limits: Limits) -> None:
        self._tcp_client = tcp_client
        self._limits = limits

    async def connect(self, route: Route) -> ClientDriver:
        """Open a connection.

        Raises `OSError` of the name or the connecting, `ssl.SSLError` of the handshake, `HTTPStreamClosedError` for a
        proxy that does not connect.  Cancelling closes what was begun.
        """
        if route.context is None:
            host, port = (route.host, route.port) if route.proxy is None else (route.proxy.host, route.proxy.port)
            return await self._open(route, host, port, None)
        if route.proxy is None:
            return await self._open(route, route.host, route.port, route.context)
        driver = await self.tunnel(route, route.proxy)
        try:
            return await self._secured(driver, route)
        except BaseException:
            driver.abort()
            raise

    async def tunnel(self, route: Route, proxy: Proxy) -> ClientDriver:
        """Have the proxy connect to the server (RFC 9110, section 9.3.6); what follows is for and from that.

        Raises and is cancelled as `connect`.
        """
        driver = await self._open(route, proxy.host, proxy.port, None)
        try:
            return await self._asked(driver, route, proxy)
        except BaseException:
            driver.abort()
            raise

    async def _open(self, route: Route, host: str, port: int, context: ssl.SSLContext | None) -> ClientDriver:
        family = socket.AF_UNSPEC if route.ipv6 else socket.AF_INET
        try:
            stream = await self._tcp_client.connect(host, port, af=family, source_ip=route.source)
        except StreamClosedError as error:
            # The stream was never open; what matters is why not.
            raise error.real_error or error from None
        stream.set_nodelay(True)
        sock = stream.detach()
        loop = asyncio.get_running_loop()
        try:
            _, driver = await loop.create_connection(
                lambda: ClientDriver(self._limits, loop),
                sock=sock,
                ssl=context,
                server_hostname=None if context is None else host,
            )
        except BaseException:
            sock.close()
            raise
        return driver

    async def _asked(self, driver: ClientDriver, route: Route, proxy: Proxy) -> ClientDriver:
        host = f"[{route.host}]" if ":" in route.host else route.host
        authority = f"{host}:{route.port}"
        digest = None
        if proxy.credentials is not None and proxy.mode == "digest":
            digest = Digest(*proxy.credentials)
        while True:
            answer = await _ask(driver, authority, _authorization(proxy, digest, authority))
            if driver.http.their_state is State.SWITCHED:
                break
            offered = [value for name, value in answer.headers if name.lower() == "proxy-authenticate"]
            again = answer.status == 407 and digest is not None and digest.accept(offered)
            if not again:
                raise HTTPStreamClosedError(f"the proxy refused to connect: HTTP {answer.status}: {answer.reason}")
            if not driver.end_exchange():
                driver.abort()
                driver = await self._open(route, proxy.host, proxy.port, None)
        if driver.http.leftover():
            raise HTTPStreamClosedError("the proxy sent something before it was asked to")
        return driver

    async def _secured(self, driver: ClientDriver, route: Route) -> ClientDriver:
        assert route.context is not None
        loop = asyncio.get_running_loop()
        inner = ClientDriver(self._limits, loop)
        transport = await loop.start_tls(driver.transport, inner, route.context, server_hostname=route.host)
        if transport is None:
            raise HTTPStreamClosedError("the connection ended as TLS began")
        inner.connection_made(transport)
        return inner


def _authorization(proxy: Proxy, digest: Digest | None, authority: str) -> str | None:
    if proxy.credentials is None:
        return None
    return basic(*proxy.credentials) if digest is None else digest.answer("CONNECT", authority)


async def _ask(driver: ClientDriver, authority: str, authorization: str | None) -> Response:
    """Send CONNECT; return the answer, of which everything was read."""
    fields = [("Host", authority)]
    if authorization is not None:
        fields.append(("Proxy-Authorization", authorization))
    driver.begin()
    http = driver.http
    octets = http.send(Request("CONNECT", authority, fields)) + http.send(EndOfMessage())
    with contextlib.suppress(OSError):
        await driver.write(octets)
    answer: Response | None = None
    size = 0
    while True:
        event = await driver.receive()
        if isinstance(event, Response):
            answer = event
            if http.their_state is State.SWITCHED:
                return answer
        elif isinstance(event, Data):
            size += len(event.data)
        elif not isinstance(event, EndOfMessage | InformationalResponse):
            raise HTTPStreamClosedError(f"the proxy gave no answer: {getattr(event, 'message', 'connection closed')}")
        if answer is not None and (isinstance(event, EndOfMessage) or size > _MAX_REFUSAL):
            return answer
