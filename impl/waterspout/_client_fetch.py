"""One fetch: as many requests as redirects and challenges make of it, within its time."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from waterspout._client_auth import Digest, basic
from waterspout._client_exchange import Exchange
from waterspout._client_head import check, in_chunks, proxy_basic, request_head
from waterspout._client_origin import Credentials, Location, Proxy, proxy_of
from waterspout._client_redirects import leads_on, redirected, without_expectation
from waterspout._client_request import EffectiveRequest, HTTPClientError, HTTPResponse
from waterspout.httputil import HTTPHeaders
from waterspout.protocol.http1 import Request, Response

#: A response, its fields, what the program has not got of its body, and the request that is to follow.
Outcome = tuple[Response, HTTPHeaders, BytesIO, EffectiveRequest | None]


class Elders:
    """The servers whose last answer was of HTTP/1.0, as far back as there is room."""

    def __init__(self, room: int = 1000) -> None:
        self._room = room
        self._known: dict[tuple[str, str, int], None] = {}

    def note(self, location: Location, version: str) -> None:
        """Take note of the version of an answer."""
        self._known.pop(location.origin, None)
        if version == "HTTP/1.0":
            self._known[location.origin] = None
            if len(self._known) > self._room:
                del self._known[next(iter(self._known))]

    def check(self, request: EffectiveRequest, location: Location) -> None:
        """Raise `ValueError` for a body in chunks to a server that does not know them (RFC 9112, section 6.1)."""
        if location.origin in self._known and in_chunks(request):
            raise ValueError(f"{location.authority} speaks HTTP/1.0: a body_producer needs a Content-Length header")


@dataclass
class Terms:
    """What holds for all fetches of a client."""

    max_body_size: int
    environment_proxies: bool = False
    keep_alive: bool = True
    elders: Elders = field(default_factory=Elders)


class Patience:
    """Cancels a task when its time is over.  ``over`` is what to say then, or None."""

    def __init__(self, task: asyncio.Task[Any] | None) -> None:
        assert task is not None
        self._task = task
        self._loop = task.get_loop()
        self._timer: asyncio.TimerHandle | None = None
        self.over: str | None = None

    def until(self, at: float, message: str) -> None:
        """Wait until the loop's time ``at``, infinity for ever, and no longer as said before."""
        self.stop()
        if at != float("inf"):
            self._timer = self._loop.call_at(at, self._expire, message)

    def stop(self) -> None:
        """Have all the time there is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self, message: str) -> None:
        self._timer = None
        self.over = message
        self._task.cancel()


def limit(seconds: float | None) -> float:
    """Return a timeout of a request as a number: none and 0 are no limit."""
    return seconds or float("inf")


class Fetch:
    """Carries out one request of a program, which has begun to be more than a place in the queue.

    A subclass says what carries the messages.
    """

    def __init__(self, terms: Terms, request: EffectiveRequest, patience: Patience) -> None:
        self._terms = terms
        self._original = request
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.time() + limit(request.request_timeout)
        self._digest: Digest | None = None
        self._digest_for: tuple[Credentials, tuple[str, str, int]] | None = None
        self._proxy_digest: Digest | None = None

    async def run(self) -> HTTPResponse:
        """Return the response.  Raises what prevents one."""
        request = self._original
        began, at = time.time(), self._loop.time()
        while True:
            check(request)
            location = Location.of(request.url)
            self._terms.elders.check(request, location)
            proxy = proxy_of(request, location, self._terms.environment_proxies)
            response, headers, buffer, following = await self._attempt(request, location, proxy)
            if following is None:
                break
            request = following
        return HTTPResponse(
            self._original,  # type: ignore[arg-type]  # stands for its request
            response.status,
            headers=headers,
            buffer=buffer,
            effective_url=request.url,
            reason=response.reason or None,
            request_time=self._loop.time() - at,
            start_time=began,
        )

    async def _attempt(self, request: EffectiveRequest, location: Location, proxy: Proxy | None) -> Outcome:
        """Make one request.  Hook: opens an exchange, and gives it to `_converse`."""
        raise NotImplementedError(f"{type(self).__name__} must define _attempt()")

    def _head(self, request: EffectiveRequest, location: Location, proxy: Proxy | None) -> Request:
        """Return the head to send, to a proxy if it is one that does more than pass bytes."""
        return request_head(
            request,
            location,
            proxy,
            self._authorization(request, location),
            self._proxy_authorization(request, location, proxy),
            self._terms.keep_alive,
        )

    async def _converse(self, exchange: Exchange, request: EffectiveRequest, location: Location) -> Outcome:
        """Read the response; return it with its fields, the body that is left, and the request to make next."""
        response = await exchange.head()
        self._terms.elders.note(location, response.version)
        headers = HTTPHeaders.from_wire(response.headers)
        following = self._following(request, response.status, headers)
        if following is not None:
            await exchange.skip_body()
            return response, headers, BytesIO(), following
        await exchange.announce(response)
        buffer = await exchange.body(response, headers, self._terms.max_body_size)
        await exchange.rest(response)
        return response, headers, buffer, None

    def _following(self, request: EffectiveRequest, status: int, headers: HTTPHeaders) -> EffectiveRequest | None:
        """Return the request to make next: to where the response leads, or again as it wants it."""
        if leads_on(request, status, headers):
            try:
                return redirected(request, request.url, status, headers)
            except ValueError as error:
                raise HTTPClientError(599, f"the redirect leads nowhere: {error}") from None
        if status == 417 and request.expect_100_continue:
            return without_expectation(request)
        digest, field = (self._digest, "WWW-Authenticate") if status == 401 else (None, "")
        if status == 407:
            digest, field = self._proxy_digest, "Proxy-Authenticate"
        if digest is not None and digest.accept(headers.get_list(field)):
            return request
        return None

    # -- credentials

    def _authorization(self, request: EffectiveRequest, location: Location) -> str | None:
        credentials = location.credentials
        if credentials is None and request.auth_username is not None:
            credentials = request.auth_username, request.auth_password or ""
        # What is sent by TRACE comes back in the response (RFC 9110, section 9.3.8).
        if credentials is None or request.method == "TRACE":
            return None
        if request.auth_mode != "digest":
            return basic(*credentials)
        purpose = credentials, location.origin
        if self._digest is None or self._digest_for != purpose:
            self._digest, self._digest_for = Digest(*credentials), purpose
        return self._digest.answer(request.method, location.target)

    def _proxy_authorization(self, request: EffectiveRequest, location: Location, proxy: Proxy | None) -> str | None:
        if proxy is None or proxy.credentials is None or proxy.mode == "basic":
            return proxy_basic(proxy)
        if self._proxy_digest is None:
            self._proxy_digest = Digest(*proxy.credentials)
        return self._proxy_digest.answer(request.method, location.absolute)
