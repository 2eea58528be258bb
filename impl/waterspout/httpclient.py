"""The HTTP client: `AsyncHTTPClient`, its blocking form, requests, responses and errors.

Documentation: ``tornado.httpclient``.
"""

from __future__ import annotations

import asyncio
import sys
import weakref
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from waterspout._callback_argument import call_back
from waterspout._client_request import DEFAULTS, EffectiveRequest, HTTPClientError, HTTPRequest, HTTPResponse
from waterspout.concurrent import Future, future_set_exception_unless_cancelled, future_set_result_unless_cancelled
from waterspout.ioloop import IOLoop
from waterspout.util import Configurable, import_object

__all__ = ["AsyncHTTPClient", "HTTPClient", "HTTPClientError", "HTTPError", "HTTPRequest", "HTTPResponse", "main"]

#: The name of `HTTPClientError` in this module; `web.HTTPError` is another one.
HTTPError = HTTPClientError

_T = TypeVar("_T")
_Clients = weakref.WeakKeyDictionary[IOLoop, "AsyncHTTPClient"]


class HTTPClient:
    """A client that blocks.  It has an event loop of its own.

    Where a loop runs already, as in a handler, that one stands still until the response is there, and so does all that
    it serves: `AsyncHTTPClient` is the one to use there.

    ``async_client_class`` is the client behind it, by default the configured one; the other arguments are that one's.
    Documentation: ``httpclient.HTTPClient``.
    """

    def __init__(self, async_client_class: type[AsyncHTTPClient] | None = None, **kwargs: Any) -> None:
        self._closed = True
        self._io_loop = IOLoop(make_current=False)
        kind = AsyncHTTPClient if async_client_class is None else async_client_class

        async def make() -> AsyncHTTPClient:
            # On the loop, for that is where it belongs.
            return kind(force_instance=True, **kwargs)

        try:
            self._async_client: AsyncHTTPClient = self._run(make)
        except BaseException:
            self._io_loop.close()
            raise
        self._closed = False

    def __del__(self) -> None:
        if not sys.is_finalizing():
            self.close()

    def __enter__(self) -> HTTPClient:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections and the loop.  Documentation: ``httpclient.HTTPClient.close``."""
        if self._closed:
            return
        self._closed = True
        if self._io_loop.asyncio_loop.is_closed():
            return

        async def close() -> None:
            self._async_client.close()

        self._run(close)
        self._io_loop.close()

    def fetch(self, request: HTTPRequest | str, **kwargs: Any) -> HTTPResponse:
        """Make a request, and return the response; the arguments are as for `AsyncHTTPClient.fetch`.

        Raises what that raises.
        Documentation: ``httpclient.HTTPClient.fetch``.
        """

        async def fetch() -> HTTPResponse:
            return await self._async_client.fetch(request, **kwargs)

        response: HTTPResponse = self._run(fetch)
        return response

    def _run(self, function: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        """Run ``function`` on the client's loop, in a thread of its own where this one has a loop that runs."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            here: _T = self._io_loop.run_sync(function)
            return here
        with ThreadPoolExecutor(1) as executor:
            beside: _T = executor.submit(self._io_loop.run_sync, function).result()
            return beside


class AsyncHTTPClient(Configurable):
    """A client for many requests at a time.

    Constructing it gives the one instance of the current event loop, which all of a program share, unless
    ``force_instance`` asks for another one; arguments are for the first call, later ones get what is there.  The other
    one belongs to whoever made it, who calls `close`, or uses it as an asynchronous context manager::

        async with AsyncHTTPClient(force_instance=True, max_clients=100) as client:
            response = await client.fetch("http://www.example.com")

    Which class implements it, and with which arguments, is said by `configure`; ``defaults`` is a dict of the
    attributes of `HTTPRequest` that are to hold where a request says nothing.
    Documentation: ``httpclient.AsyncHTTPClient``.
    """

    _shared: _Clients | None = None
    _instance_cache: _Clients | None = None

    def __new__(cls, force_instance: bool = False, **kwargs: Any) -> AsyncHTTPClient:
        # Legacy: up to 4.5 a client could be given the loop, which is the current one now.
        given = kwargs.pop("io_loop", None)
        io_loop = IOLoop.current() if given is None else given
        if force_instance:
            return super().__new__(cls, **kwargs)  # type: ignore[no-any-return]
        clients = cls._clients()
        client = clients.get(io_loop)
        if client is None:
            client = super().__new__(cls, **kwargs)
            client._instance_cache = clients
            clients[io_loop] = client
        return client

    @classmethod
    def _clients(cls) -> _Clients:
        """The instances of this class by their loops; a subclass has its own."""
        clients: _Clients | None = cls.__dict__.get("_shared")
        if clients is None:
            clients = cls._shared = weakref.WeakKeyDictionary()
        return clients

    @classmethod
    def configurable_base(cls) -> type[Configurable]:
        """Return `AsyncHTTPClient`."""
        return AsyncHTTPClient

    @classmethod
    def configurable_default(cls) -> type[Configurable]:
        """Return `simple_httpclient.SimpleAsyncHTTPClient`."""
        implementation: type[Configurable] = import_object(
            f"{__package__}.simple_httpclient.SimpleAsyncHTTPClient",
        )
        return implementation

    def initialize(self, defaults: Mapping[str, Any] | None = None) -> None:
        """Take the constructor's arguments.  Hook."""
        self.io_loop = IOLoop.current()
        self.defaults = {**DEFAULTS, **(defaults or {})}
        self._closed = False

    async def __aenter__(self) -> AsyncHTTPClient:
        return self

    async def __aexit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the client, with all that it still does.

        To be called on the loop.  The shared instance needs it as a rule only when its loop is closed before the
        process ends.  A client that is closed fetches nothing any more.
        Documentation: ``httpclient.AsyncHTTPClient.close``.
        """
        if self._closed:
            return
        self._closed = True
        clients = self._instance_cache
        if clients is not None and clients.get(self.io_loop) is self:
            del clients[self.io_loop]

    def fetch(
        self,
        request: HTTPRequest | str,
        raise_error: bool = True,
        *,
        callback: Callable[[HTTPResponse], Any] | None = None,
        **kwargs: Any,
    ) -> Future[HTTPResponse]:
        """Make a request, and return a future of the `HTTPResponse`.

        ``request`` is an `HTTPRequest`, or a URL, for which ``kwargs`` are the other arguments of `HTTPRequest`.
        A status that is no success raises `HTTPClientError`, unless ``raise_error`` is false; the response's ``error``
        is set then.  Without a response the future raises in any case: `HTTPClientError` with code 599, or what the
        connecting failed with.  Raises `RuntimeError` when the client is closed, `ValueError` or `TypeError` for
        arguments that do not fit.  Cancelling the future ends the request, and its connection.

        Legacy: ``callback(response)`` is called at the end instead, also where the future would raise; the response
        then has the code 599, unless it came from the server, and ``error`` is the exception.
        Documentation: ``httpclient.AsyncHTTPClient.fetch``.
        """
        if self._closed:
            raise RuntimeError("fetch() on a client that is closed: make another one")
        if not isinstance(request, HTTPRequest):
            request = HTTPRequest(url=request, **kwargs)
        elif kwargs:
            raise ValueError(f"{', '.join(kwargs)}: set them in the HTTPRequest; arguments are for a URL")
        if callable(raise_error):
            # Up to release 5.1 the callback stood here.
            callback, raise_error = raise_error, False
        if callback is not None:
            answered = self._begin(request, raise_error=False, keep_failures=True)
            return call_back(answered, callback)
        return self._begin(request, raise_error)

    def _begin(self, request: HTTPRequest, raise_error: bool, keep_failures: bool = False) -> Future[HTTPResponse]:
        future: Future[HTTPResponse] = self.io_loop.asyncio_loop.create_future()

        def handle_response(response: HTTPResponse) -> None:
            failed = response.error is not None and (raise_error or not response._error_is_response_code)
            if response.error is not None and failed and not keep_failures:
                future_set_exception_unless_cancelled(future, response.error)
            else:
                future_set_result_unless_cancelled(future, response)

        work: Any = self.fetch_impl(EffectiveRequest(request, self.defaults), handle_response)
        if isinstance(work, asyncio.Future):
            future.add_done_callback(lambda done: work.cancel() if done.cancelled() else None)
        return future

    def fetch_impl(self, request: Any, callback: Callable[[HTTPResponse], None]) -> Any:
        """Make ``request``, which has the client's defaults for what it leaves open, and call ``callback(response)``.

        Hook.  It may return a future, which is cancelled when the one that `fetch` returned is.
        Documentation: ``httpclient.AsyncHTTPClient.fetch_impl``.
        """
        raise NotImplementedError(f"{type(self).__name__} must define fetch_impl()")

    @classmethod
    def configure(cls, impl: str | type[Configurable] | None, **kwargs: Any) -> None:
        """Choose the class behind `AsyncHTTPClient`, or None for the default one, and arguments for its instances.

        Instances that are there already do not change.
        Documentation: ``httpclient.AsyncHTTPClient.configure``.
        """
        super().configure(impl, **kwargs)


def main() -> None:
    """Fetch the URLs on the command line and print them; the options are those of ``--help``."""
    import_object(f"{__package__}._fetch_command.main")()


if __name__ == "__main__":
    main()
