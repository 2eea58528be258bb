"""Applications for WSGI (PEP 3333) on this package's HTTP server.

The way back, an ``Application`` in a server for WSGI, is from former times: ``wsgi.WSGIAdapter``. Neither suits what
takes long: a WSGI application occupies its thread from the request to the last of the answer.
Documentation: ``tornado.wsgi``.
"""

from __future__ import annotations

import abc
import asyncio
import concurrent.futures
import io
import sys
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from waterspout._hosted_answer import HostedAnswer, log_request
from waterspout._legacy_names import legacy_names
from waterspout.concurrent import DummyExecutor, chain_future
from waterspout.escape import utf8
from waterspout.httputil import HTTPServerRequest, split_host_and_port

__all__ = ["HTTPRequest", "WSGIContainer", "to_wsgi_str"]

_LEGACY = "waterspout.legacy.wsgi"
if not TYPE_CHECKING:
    # Names of older releases. A type checker would take it to mean that this module has every name.
    __getattr__ = legacy_names(__name__, dict.fromkeys(("WSGIAdapter", "WSGIApplication", "from_wsgi_str"), _LEGACY))

#: An older name of the request.
HTTPRequest = HTTPServerRequest

Environ = dict[str, Any]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]
WSGIApplicationType = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

#: How often a thread that waits for its client looks whether the loop still runs, in seconds.
_LOOK = 1.0

_tasks: set[asyncio.Task[None]] = set()


def to_wsgi_str(s: bytes) -> str:
    """Return bytes as the text that WSGI has for them, one character for each byte."""
    return s.decode("latin-1")


class WSGIContainer:
    """Lets an `httpserver.HTTPServer`, or a `web.FallbackHandler`, serve an application for WSGI.

    The application runs in ``executor``, such as a :class:`concurrent.futures.ThreadPoolExecutor`, each request in one
    of its threads from beginning to end. Without an executor it runs on the event loop, and nothing else does
    meanwhile; that suits short work alone.

    The request body is complete before the application is called. An answer in a list is sent at once and with its
    length; what comes from any other iterable, or through ``write()``, is sent piece by piece, no faster than the
    client takes it. An application that fails is answered with 500; when its answer has begun, the connection is
    closed. Documentation: ``wsgi.WSGIContainer``; PEP 3333.
    """

    def __init__(
        self, wsgi_application: WSGIApplicationType, executor: concurrent.futures.Executor | None = None
    ) -> None:
        self.wsgi_application = wsgi_application
        self.executor = None if isinstance(executor, DummyExecutor) else executor

    def __call__(self, request: HTTPServerRequest) -> None:
        """Answer a request that is complete, from the next turn of the loop on."""
        task = asyncio.get_running_loop().create_task(self.handle_request(request))
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)

    async def handle_request(self, request: HTTPServerRequest) -> None:
        """Answer a request that is complete; returns when the answer is out, or the client gone.

        Cancelling ends the waiting; a thread that runs the application goes on until its next piece of the answer.
        """
        answer = HostedAnswer(request, self._log)
        run = _OnLoop(answer) if self.executor is None else _InThread(answer)
        try:
            await run.run(self.wsgi_application, self.environ(request), self.executor)
        except Exception as error:
            answer.fail(error)

    def environ(self, request: HTTPServerRequest) -> Environ:
        """Return the WSGI environment of a request. Documentation: ``wsgi.WSGIContainer.environ``."""
        host, port = split_host_and_port(request.host)
        environ: Environ = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": to_wsgi_str(unquote_to_bytes(utf8(request.path))),
            "QUERY_STRING": request.query,
            "REMOTE_ADDR": request.remote_ip,
            "SERVER_NAME": host,
            "SERVER_PORT": str(port or (443 if request.protocol == "https" else 80)),
            "SERVER_PROTOCOL": request.version,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": request.protocol,
            "wsgi.input": io.BytesIO(request.body),
            "wsgi.input_terminated": True,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": self.executor is not None,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        _add_fields(environ, request)
        return environ

    def _log(self, status_code: int, request: HTTPServerRequest) -> None:
        """Log a request that was answered; containers of other packages, which answer by themselves, call it, too."""
        log_request(status_code, request)


def _add_fields(environ: Environ, request: HTTPServerRequest) -> None:
    headers = request.headers
    if "Content-Type" in headers:
        environ["CONTENT_TYPE"] = headers["Content-Type"]
    if "Content-Length" in headers or request.body:
        environ["CONTENT_LENGTH"] = str(len(request.body))
    for name in headers:
        # A name with an underscore would pass for the one with a dash, which a proxy may vouch for. The transfer coding
        # is undone already.
        if name not in ("Content-Type", "Content-Length", "Transfer-Encoding") and "_" not in name:
            environ[f"HTTP_{name.replace('-', '_').upper()}"] = headers[name]


class _Run(abc.ABC):
    """One run of an application: what it is called with, and what becomes of the answer."""

    def __init__(self, answer: HostedAnswer) -> None:
        self.answer = answer

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], Any]:
        """Take the head of the answer. With ``exc_info`` it replaces one that is not sent yet."""
        if exc_info is not None:
            try:
                if self.answer.sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                # No circle of this frame and the traceback.
                exc_info = None
        elif self.answer.headers is not None:
            raise AssertionError("start_response() was called twice, the second time without exc_info")
        code, _, reason = status.partition(" ")
        if not (len(code) == 3 and code.isdecimal()):
            raise ValueError(f"a status is three digits, a space and a reason, not {status!r}")
        self.answer.start(int(code), reason, headers)
        return self.write

    @abc.abstractmethod
    def write(self, data: bytes) -> None:
        """Send a piece of the answer: what ``start_response`` returns."""

    @abc.abstractmethod
    async def run(
        self, application: WSGIApplicationType, environ: Environ, executor: concurrent.futures.Executor | None
    ) -> None:
        """Run the application and send its answer."""


class _OnLoop(_Run):
    """Runs an application in the thread of the loop."""

    def write(self, data: bytes) -> None:
        """Send a piece of the answer."""
        # Nothing can wait here; what the client does not take yet is kept.
        if data:
            self.answer.send(_checked(data))

    async def run(
        self, application: WSGIApplicationType, environ: Environ, executor: concurrent.futures.Executor | None
    ) -> None:
        """Run the application here, giving the loop a turn between pieces."""
        pieces = application(environ, self.start_response)
        try:
            if isinstance(pieces, (list, tuple)):
                await self.answer.finish_with([_checked(piece) for piece in pieces])
                return
            for piece in pieces:
                if piece:
                    await self.answer.send(_checked(piece))
                    # An application that always has more must not keep the loop for itself.
                    await asyncio.sleep(0)
            self.answer.finish()
        finally:
            _close(pieces)


class _InThread(_Run):
    """Runs an application in a thread of an executor, from the call to its close()."""

    def __init__(self, answer: HostedAnswer) -> None:
        super().__init__(answer)
        self._loop = asyncio.get_running_loop()

    def write(self, data: bytes) -> None:
        """Send a piece of the answer, and wait for room."""
        if data:
            self._wait(_checked(data))

    def _wait(self, data: bytes) -> None:
        """Send from the application's thread, and wait until there is room for more."""
        sent: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._loop.call_soon_threadsafe(self._send, data, sent)
        while True:
            try:
                return sent.result(_LOOK)
            except concurrent.futures.TimeoutError:
                if not self._loop.is_running():
                    raise RuntimeError("the event loop was stopped while an application waited for it") from None

    def _send(self, data: bytes, sent: concurrent.futures.Future[None]) -> None:
        try:
            chain_future(self.answer.send(data), sent)
        except Exception as error:
            sent.set_exception(error)

    def _work(self, application: WSGIApplicationType, environ: Environ) -> list[bytes] | None:
        """Run the application; return its answer if it is a list, which need not come piece by piece."""
        pieces = application(environ, self.start_response)
        try:
            if isinstance(pieces, (list, tuple)):
                return [_checked(piece) for piece in pieces]
            for piece in pieces:
                self.write(piece)
            return None
        finally:
            _close(pieces)

    async def run(
        self, application: WSGIApplicationType, environ: Environ, executor: concurrent.futures.Executor | None
    ) -> None:
        """Run the application there and wait for its end."""
        contents = await self._loop.run_in_executor(executor, self._work, application, environ)
        if contents is None:
            self.answer.finish()
        else:
            await self.answer.finish_with(contents)


def _checked(piece: object) -> bytes:
    if not isinstance(piece, bytes):
        raise TypeError(f"an answer for WSGI consists of bytes, not {type(piece).__name__}")
    return piece


def _close(pieces: Any) -> None:
    close = getattr(pieces, "close", None)
    if close is not None:
        close()
