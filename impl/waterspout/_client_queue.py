"""What clients have in common whatever carries their messages: so many requests at a time, and time that runs out."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from waterspout._client_fetch import Patience, limit
from waterspout._client_places import Places
from waterspout._client_request import EffectiveRequest, HTTPResponse, HTTPStreamClosedError, HTTPTimeoutError
from waterspout.httpclient import AsyncHTTPClient


class QueueingClient(AsyncHTTPClient):
    """Makes ``max_clients`` requests at a time; a subclass says how, in `_respond`."""

    def initialize(  # type: ignore[override]  # each implementation has its arguments
        self, max_clients: int = 10, defaults: Mapping[str, Any] | None = None
    ) -> None:
        """Take the arguments that implementations share."""
        super().initialize(defaults=defaults)
        if max_clients < 1:
            raise ValueError(f"max_clients={max_clients}: at least one is needed")
        self.max_clients = max_clients
        self.active: set[asyncio.Task[Any]] = set()
        self._places = Places(max_clients)

    @property
    def queue(self) -> deque[asyncio.Future[None]]:
        """What stands for the requests that wait."""
        return self._places.queue

    def close(self) -> None:
        """End the client, and the requests that wait or are under way."""
        super().close()
        for task in list(self.active):
            task.cancel()

    def fetch_impl(self, request: Any, callback: Callable[[HTTPResponse], None]) -> asyncio.Future[Any]:
        """Make ``request`` as soon as there is room, and call back with the response: 599 when there is none."""
        task: asyncio.Task[Any] = self.io_loop.asyncio_loop.create_task(self._fetch(request, callback))
        self.active.add(task)
        task.add_done_callback(self.active.discard)
        return task

    async def _fetch(self, request: EffectiveRequest, callback: Callable[[HTTPResponse], None]) -> None:
        callback(await self._outcome(request))

    async def _outcome(self, request: EffectiveRequest) -> HTTPResponse:
        loop = self.io_loop.asyncio_loop
        came, began = loop.time(), time.time()
        started = came
        patience = Patience(asyncio.current_task())
        try:
            in_time = min(limit(request.connect_timeout), limit(request.request_timeout))
            patience.until(came + in_time, "Timeout in request queue")
            await self._places.enter()
            started, began = loop.time(), time.time()
            try:
                response = await self._respond(request, patience)
            finally:
                self._places.leave()
        except asyncio.CancelledError:
            failure = self._end_of(patience)
            if failure is None:
                raise
            response = _failed(request, failure, began, loop.time() - started)
        except Exception as error:
            response = _failed(request, error, began, loop.time() - started)
        finally:
            patience.stop()
        response.time_info["queue"] = started - came
        return response

    async def _respond(self, request: EffectiveRequest, patience: Patience) -> HTTPResponse:
        """Make ``request``, and return the response.  Hook."""
        raise NotImplementedError(f"{type(self).__name__} must define _respond()")

    def _end_of(self, patience: Patience) -> Exception | None:
        """Return why a request was cancelled, unless it was the program that did so."""
        if patience.over is not None:
            return HTTPTimeoutError(patience.over)
        return HTTPStreamClosedError("the client was closed") if self._closed else None


def _failed(request: Any, error: Exception, began: float, seconds: float) -> HTTPResponse:
    return HTTPResponse(request, 599, error=error, request_time=seconds, start_time=began)
