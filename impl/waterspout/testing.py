"""Tests of asynchronous code, with :mod:`unittest`.

`AsyncTestCase` gives each test an event loop, `AsyncHTTPTestCase` also a server of the application under test and a
client; `gen_test` lets a test be a coroutine; `ExpectLog` checks for log lines that belong to a test. The tests run
under any runner, the one of :func:`main` included. For pytest there are fixtures in ``waterspout.pytest_plugin``.
Documentation: ``tornado.testing``.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import logging
import os
import re
import socket
import types
import unittest
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar, overload

from waterspout import gen
from waterspout._legacy_names import legacy_names
from waterspout._test_command import main
from waterspout._test_loop import LoopOfTest, get_async_test_timeout
from waterspout.httpclient import AsyncHTTPClient, HTTPResponse
from waterspout.httpserver import HTTPServer
from waterspout.ioloop import IOLoop
from waterspout.netutil import bind_sockets

if TYPE_CHECKING:
    from waterspout.web import Application

__all__ = [
    "AsyncHTTPSTestCase",
    "AsyncHTTPTestCase",
    "AsyncTestCase",
    "ExpectLog",
    "bind_unused_port",
    "gen_test",
    "get_async_test_timeout",
    "main",
    "setup_with_context_manager",
]

if not TYPE_CHECKING:
    _LEGACY = "waterspout.legacy.testing"
    __getattr__ = legacy_names(__name__, {"LogTrapTestCase": _LEGACY, "get_unused_port": _LEGACY})

_T = TypeVar("_T")
_Test = TypeVar("_Test", bound=Callable[..., Any])

_HOST = "127.0.0.1"
#: Holds the certificate and its key.
_CERTIFICATE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_test_server.pem")


def bind_unused_port(reuse_port: bool = False, address: str = _HOST) -> tuple[socket.socket, int]:
    """Return a socket that listens on a port nobody else uses, and the port.

    ``address`` is an IPv4 or IPv6 address; ``reuse_port`` lets other sockets share the port. Raises :exc:`OSError`
    where there is no such address. Documentation: ``testing.bind_unused_port``.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = bind_sockets(0, address, family=family, reuse_port=reuse_port)
    if not found:
        raise OSError(f"this machine does not listen on {address}")
    return found[0], found[0].getsockname()[1]


def setup_with_context_manager(testcase: unittest.TestCase, cm: AbstractContextManager[_T]) -> _T:
    """Enter a context manager that is left when the test has ended, and return what it gives.

    For ``setUp``. Python 3.11 has ``TestCase.enterContext`` for it. Documentation:
    ``testing.setup_with_context_manager``.
    """
    value = cm.__enter__()
    testcase.addCleanup(cm.__exit__, None, None, None)
    return value


def _checked(test: Callable[..., Any]) -> Callable[..., Any]:
    """Return a test that fails when its result shows that nothing of it has run, or is meant for somebody."""

    @functools.wraps(test)
    def run(self: AsyncTestCase, *args: Any, **kwargs: Any) -> None:
        result = test(*args, **kwargs)
        if inspect.iscoroutine(result):
            # Else it complains that nobody awaited it, which the error below says better.
            result.close()
        if inspect.isgenerator(result) or inspect.isawaitable(result):
            raise TypeError(f"{test.__name__} is a coroutine: decorate it with gen_test, else nothing of it runs")
        if result is not None:
            raise ValueError(f"{test.__name__} returned {result!r}: nobody looks at what a test returns")

    return run


class AsyncTestCase(unittest.TestCase):
    """A test case whose tests have an event loop, ``self.io_loop``, which is the current one.

    A test is a coroutine under `gen_test`; or a function that starts something whose callback calls :meth:`stop`, and
    calls :meth:`wait`. After a test the loop is closed, and what still runs on it is cancelled. Whoever overrides
    ``setUp`` and ``tearDown`` calls those of this class. Documentation: ``testing.AsyncTestCase``.
    """

    io_loop: IOLoop

    def __init__(self, methodName: str = "runTest") -> None:
        super().__init__(methodName)
        test = getattr(self, methodName, None)
        if test is not None:
            # A method again: unittest takes a function for a static one, and calls it while it looks for tests.
            setattr(self, methodName, types.MethodType(_checked(test), self))
        self.__stopped = False
        self.__waiting = False
        self.__value: Any = None

    def setUp(self) -> None:
        """Make the loop."""
        super().setUp()
        self.io_loop = self.get_new_ioloop()
        self.__loop = LoopOfTest(self.io_loop)
        # For tests whose own setUp fails after this one: they are not torn down.
        self.addCleanup(self.__loop.close)

    def tearDown(self) -> None:
        """Cancel what the test left on the loop, and close the loop."""
        self.__loop.close()
        super().tearDown()

    def get_new_ioloop(self) -> IOLoop:
        """Return the loop for a test, by default a new one. A loop that was current before is not closed. Hook.

        Documentation: ``testing.AsyncTestCase.get_new_ioloop``.
        """
        io_loop: IOLoop = IOLoop(make_current=False)
        return io_loop

    def stop(self, _arg: Any = None, **kwargs: Any) -> None:
        """End the current or the next :meth:`wait`, which returns the argument, or a dict of the keyword arguments.

        Documentation: ``testing.AsyncTestCase.stop``.
        """
        if _arg is not None and kwargs:
            raise TypeError("stop() takes one value, or keyword arguments, not both")
        self.__value = kwargs or _arg
        self.__stopped = True
        if self.__waiting:
            self.io_loop.stop()

    def wait(self, condition: Callable[[], Any] | None = None, timeout: float | None = None) -> Any:
        """Run the loop until :meth:`stop`, and return what that was given.

        With a ``condition`` it goes on until ``condition()`` is true at a call of ``stop``. The test fails after
        ``timeout`` seconds, by default those of `get_async_test_timeout`. Documentation:
        ``testing.AsyncTestCase.wait``.
        """
        seconds = get_async_test_timeout() if timeout is None else timeout
        over = False

        def expire() -> None:
            nonlocal over
            over = True
            self.io_loop.stop()

        timer = self.io_loop.call_later(seconds, expire)
        self.__waiting = True
        try:
            while not (self.__stopped and (condition is None or condition())):
                if over:
                    missing = "the condition of wait() was not met" if self.__stopped else "nobody called stop()"
                    raise self.failureException(f"{missing} within {seconds:g} seconds")
                self.__stopped = False
                self.io_loop.start()
        finally:
            self.__waiting = self.__stopped = False
            self.io_loop.remove_timeout(timer)
        value, self.__value = self.__value, None
        return value


@overload
def gen_test(func: _Test, timeout: float | None = None) -> _Test: ...
@overload
def gen_test(func: None = None, timeout: float | None = None) -> Callable[[_Test], _Test]: ...
def gen_test(func: Any = None, timeout: float | None = None) -> Any:
    """Make a coroutine, native or a generator, a test of an `AsyncTestCase`, which runs on its loop.

    ``@gen_test(timeout=10)`` gives it other than the usual number of seconds (see `get_async_test_timeout`); a test
    that takes longer is cancelled, and fails with :exc:`TimeoutError`. Documentation: ``testing.gen_test``.
    """

    def decorate(test: Callable[..., Any]) -> Callable[..., Any]:
        coroutine = test if inspect.iscoroutinefunction(test) else gen.coroutine(test)

        @functools.wraps(test)
        def run(self: AsyncTestCase, *args: Any, **kwargs: Any) -> Any:
            seconds = get_async_test_timeout() if timeout is None else timeout
            return self.io_loop.run_sync(functools.partial(coroutine, self, *args, **kwargs), timeout=seconds)

        return run

    return decorate if func is None else decorate(func)


class AsyncHTTPTestCase(AsyncTestCase):
    """A test case with a server, ``self.http_server``, of the application that :meth:`get_app` returns.

    The server listens on a port of its own on 127.0.0.1. Tests fetch by :meth:`fetch`, or as coroutines by
    ``await self.http_client.fetch(self.get_url("/"))``. Documentation: ``testing.AsyncHTTPTestCase``.
    """

    http_client: AsyncHTTPClient
    http_server: HTTPServer

    def setUp(self) -> None:
        """Make the loop, the client and the server."""
        super().setUp()
        sock, self.__port = bind_unused_port()
        # Until the server has it, and closes it.
        self.addCleanup(sock.close)
        self.http_client = self.get_http_client()
        self._app = self.get_app()
        self.http_server = self.get_http_server()
        self.http_server.add_sockets([sock])

    def tearDown(self) -> None:
        """Close the server with its connections, and the client, and all that `AsyncTestCase` closes."""
        self.http_server.stop()
        self.io_loop.run_sync(self.http_server.close_all_connections, timeout=get_async_test_timeout())
        self.http_client.close()
        del self.http_server, self._app
        super().tearDown()

    def get_app(self) -> Application:
        """Return the application under test, or another handler of requests that `HTTPServer` takes. Hook.

        The port is known by then. Documentation: ``testing.AsyncHTTPTestCase.get_app``.
        """
        raise NotImplementedError(f"{type(self).__name__} must define get_app()")

    def get_http_client(self) -> AsyncHTTPClient:
        """Return the client, by default that of the loop. Hook."""
        return AsyncHTTPClient()

    def get_http_server(self) -> HTTPServer:
        """Return the server of the application, which does not listen yet. Hook."""
        return HTTPServer(self._app, **self.get_httpserver_options())

    def get_httpserver_options(self) -> dict[str, Any]:
        """Return keyword arguments for the server, by default none. Hook.

        Documentation: ``testing.AsyncHTTPTestCase.get_httpserver_options``.
        """
        return {}

    def get_http_port(self) -> int:
        """Return the port of the server. Documentation: ``testing.AsyncHTTPTestCase.get_http_port``."""
        return self.__port

    def get_protocol(self) -> str:
        """Return the scheme of the server's URLs."""
        return "http"

    def get_url(self, path: str) -> str:
        """Return the URL of a path on the server. Documentation: ``testing.AsyncHTTPTestCase.get_url``."""
        return f"{self.get_protocol()}://{_HOST}:{self.get_http_port()}{path}"

    def fetch(self, path: str, raise_error: bool = False, **kwargs: Any) -> HTTPResponse:
        """Fetch a path of the server, or a URL, and return the response.

        The other arguments are those of `AsyncHTTPClient.fetch`. A status that is no success raises only with
        ``raise_error``; where there is no response at all, what the client raises is raised. Raises
        :exc:`TimeoutError` after the usual number of seconds (see `get_async_test_timeout`). Documentation:
        ``testing.AsyncHTTPTestCase.fetch``.
        """
        url = path if path.lower().startswith(("http://", "https://")) else self.get_url(path)
        fetch = functools.partial(self.http_client.fetch, url, raise_error=raise_error, **kwargs)
        response: HTTPResponse = self.io_loop.run_sync(fetch, timeout=get_async_test_timeout())
        return response


class AsyncHTTPSTestCase(AsyncHTTPTestCase):
    """An `AsyncHTTPTestCase` whose server speaks TLS. Its client does not check certificates.

    Documentation: ``testing.AsyncHTTPSTestCase``.
    """

    def get_http_client(self) -> AsyncHTTPClient:
        """Return a client of its own, because that of the loop checks certificates."""
        return AsyncHTTPClient(force_instance=True, defaults={"validate_cert": False})

    def get_httpserver_options(self) -> dict[str, Any]:
        """Return what makes the server one of TLS."""
        return {"ssl_options": self.get_ssl_options()}

    def get_ssl_options(self) -> dict[str, Any]:
        """Return the server's ``ssl_options``, by default with a certificate for localhost. Hook.

        Documentation: ``testing.AsyncHTTPSTestCase.get_ssl_options``.
        """
        return {"certfile": _CERTIFICATE, "keyfile": _CERTIFICATE}

    def get_protocol(self) -> str:
        """Return the scheme of the server's URLs."""
        return "https"


class ExpectLog(logging.Filter):
    """Checks that its block logs a message, which is not shown then: ``with ExpectLog(app_log, "Uncaught")``.

    ``logger`` is the logger itself or its name, "" that of the root; what comes from loggers below it does not count.
    ``regex``, text or a compiled expression, is to match the start of the message. The block fails without such a
    message, unless ``required`` is false. With ``level`` only messages of that level count, and the logger lets them
    through. Without it, messages of info and below count, too, which is deprecated: runners differ in whether loggers
    let them through.

    ``logged_stack`` tells whether a message that counted had a stack trace. Documentation: ``testing.ExpectLog``.
    """

    def __init__(
        self,
        logger: logging.Logger | str,
        regex: str | re.Pattern[str],
        required: bool = True,
        level: int | None = None,
    ) -> None:
        super().__init__()
        self.logger = logging.getLogger(logger) if isinstance(logger, str) else logger
        self.regex = re.compile(regex)
        self.required = required
        self.level = level
        self.matched = 0
        self.logged_stack = False
        self.deprecated_level_matched = 0
        self.orig_level: int | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is to be shown, and count it otherwise."""
        wanted = self.level is None or record.levelno == self.level
        if not wanted or self.regex.match(record.getMessage()) is None:
            return True
        self.matched += 1
        self.logged_stack = self.logged_stack or bool(record.exc_info)
        if self.level is None and record.levelno <= logging.INFO:
            self.deprecated_level_matched += 1
        return False

    def __enter__(self) -> ExpectLog:
        if self.level is not None and self.level < self.logger.getEffectiveLevel():
            self.orig_level = self.logger.level
            self.logger.setLevel(self.level)
        self.logger.addFilter(self)
        return self

    def __exit__(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: types.TracebackType | None
    ) -> None:
        if self.orig_level is not None:
            self.logger.setLevel(self.orig_level)
        self.logger.removeFilter(self)
        if typ is None and self.required and not self.matched:
            raise AssertionError(f"nothing like {self.regex.pattern!r} was logged on {self.logger.name}")
        if typ is None and self.deprecated_level_matched:
            message = "ExpectLog matched a message of info or below: say so by its argument level"
            warnings.warn(message, DeprecationWarning, stacklevel=2)


if __name__ == "__main__":
    # The tests import this module by its name.
    importlib.import_module("waterspout.testing").main()
