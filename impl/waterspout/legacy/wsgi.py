"""An ``Application`` in a server for WSGI: ``wsgi.WSGIAdapter`` and ``wsgi.WSGIApplication`` of releases 1.0 to 5.1.

The answer is complete before the server gets any of it, so there is no streaming and no WebSocket. Handlers may be
coroutines here: each request has an event loop for as long as it takes.
Documentation: ``tornado.wsgi`` of releases 4.0 to 5.1; PEP 3333.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import warnings
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from waterspout._connection_context import ConnectionContext
from waterspout._exchange import calling_back
from waterspout.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)
from waterspout.web import Application

__all__ = ["WSGIAdapter", "WSGIApplication", "from_wsgi_str"]

Environ = dict[str, Any]
#: The octets of a path that are not escaped in a request target (RFC 3986, section 3.3).
_PATH_SAFE = "/:@!$&'()*+,;=~"


def from_wsgi_str(s: str) -> bytes:
    """Return the bytes that a text of WSGI stands for, one for each character."""
    return s.encode("latin-1")


class WSGIAdapter:
    """Makes a WSGI application of an ``application``.

    Legacy: deprecated since 5.1; run the application on `httpserver.HTTPServer`.
    Documentation: ``wsgi.WSGIAdapter``.
    """

    def __init__(self, application: Application) -> None:
        warnings.warn("WSGIAdapter is deprecated: serve the application by HTTPServer", DeprecationWarning, 2)
        self.application = application

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request; what WSGI calls."""
        return answer(self.application, environ, start_response)


class WSGIApplication(Application):
    """An ``Application`` that is one for WSGI, too.

    Legacy: deprecated since 4.0; run a `web.Application` on `httpserver.HTTPServer`.
    Documentation: ``wsgi.WSGIApplication``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn("WSGIApplication is deprecated: serve a web.Application by HTTPServer", DeprecationWarning, 2)
        super().__init__(*args, **kwargs)

    def __call__(self, environ: Any, start_response: Any = None) -> Any:
        """Answer one request; what WSGI calls. With a request alone it does what `web.Application` does."""
        if start_response is None:
            return super().__call__(environ)
        return answer(self, environ, start_response)


def answer(application: Application, environ: Environ, start_response: Callable[..., Any]) -> list[bytes]:
    """Have ``application`` answer a request of WSGI; returns the content."""
    connection = _Connection(environ)
    request = _request(environ, connection)
    _run_in_own_loop(_execute(application, request))
    head = connection.head
    if head is None:
        raise RuntimeError(f"{request.method} {request.uri} was not answered: its handler did not finish()")
    line, headers = head
    start_response(f"{line.code} {line.reason}", list(headers.get_all()))
    return [b"".join(connection.content)]


async def _execute(application: Application, request: HTTPServerRequest) -> None:
    waiting = Application.__call__(application, request)
    if waiting is not None:
        await waiting


def _run_in_own_loop(work: Any) -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(work)
        return
    # A server for WSGI on a loop; it waits in any case, and a thread has at most one loop that runs.
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


def _request(environ: Environ, connection: _Connection) -> HTTPServerRequest:
    path = quote(from_wsgi_str(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")), _PATH_SAFE) or "/"
    query = environ.get("QUERY_STRING")
    request = HTTPServerRequest(
        start_line=RequestStartLine(
            environ["REQUEST_METHOD"],
            f"{path}?{query}" if query else path,
            environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
        ),
        headers=_fields(environ),
        body=_body(environ),
        host=environ.get("HTTP_HOST") or environ["SERVER_NAME"],
        connection=connection,
    )
    return request


def _fields(environ: Environ) -> HTTPHeaders:
    headers = HTTPHeaders()
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            headers.add(key[5:].replace("_", "-").title(), value)
    for key, name in (("CONTENT_TYPE", "Content-Type"), ("CONTENT_LENGTH", "Content-Length")):
        if environ.get(key):
            headers[name] = environ[key]
    return headers


def _body(environ: Environ) -> bytes:
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return body


class _Connection(HTTPConnection):
    """Keeps what a handler answers until it is complete."""

    def __init__(self, environ: Environ) -> None:
        self.context = ConnectionContext(
            (environ.get("REMOTE_ADDR") or "127.0.0.1", 0), environ["wsgi.url_scheme"], None
        )
        self.head: tuple[ResponseStartLine, HTTPHeaders] | None = None
        self.content: list[bytes] = []

    def write_headers(
        self,
        start_line: RequestStartLine | ResponseStartLine,
        headers: HTTPHeaders,
        chunk: bytes | None = None,
        callback: Callable[[], Any] | None = None,
    ) -> asyncio.Future[None]:
        if callback is not None:
            return calling_back(self.write_headers(start_line, headers, chunk), callback)
        assert isinstance(start_line, ResponseStartLine)
        self.head = start_line, headers
        return self.write(chunk or b"")

    def write(self, chunk: bytes, callback: Callable[[], Any] | None = None) -> asyncio.Future[None]:
        if callback is not None:
            return calling_back(self.write(chunk), callback)
        self.content.append(chunk)
        return _nothing_to_wait_for()

    def finish(self) -> None:
        pass

    def set_close_callback(self, callback: Any) -> None:
        """Do nothing: a server for WSGI does not tell of its client's end."""


def _nothing_to_wait_for() -> asyncio.Future[None]:
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    done.set_result(None)
    return done
