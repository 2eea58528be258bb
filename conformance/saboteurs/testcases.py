"""Saboteurs of the chapter on tests of asynchronous code."""

from __future__ import annotations

import asyncio
import functools
import logging
import re
import socket
import sys
import unittest
import warnings
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around, nothing
from conformance.saboteurs.loop_life import Lie


def testing_lie(name: str, lie: str, *kills: str) -> Lie:
    """Register a saboteur of this chapter; ``kills`` are ids without what they have in common."""
    return saboteur(name, lie, chapters="tools.testing", kills=tuple(f"tools.testing.{one}" for one in kills))


# -- a loop for each test ---------------------------------------------------------------------------------------------


@testing_lie("test-loops-stay-open", "The loop of a test is not closed.", "loop.own")
def _(ref: Patches) -> None:
    ref.replace(ref.testing.AsyncTestCase, "tearDown", nothing)
    # Nor by what is done after tearDown.
    ref.replace(ref.testing.AsyncTestCase, "doCleanups", lambda self: True)


@testing_lie("test-loops-shared", "Tests share one loop.", "loop.own")
def _(ref: Patches) -> None:
    loops: list[Any] = []

    def lie(original: Any, self: Any) -> Any:
        loops.append(original(self))
        return loops[0]

    around(ref, ref.testing.AsyncTestCase, "get_new_ioloop", lie)


@testing_lie("test-loop-hook-ignored", "get_new_ioloop() of a test case is not asked.", "loop.hook")
def _(ref: Patches) -> None:
    base = ref.testing.AsyncTestCase

    def lie(original: Any, self: Any) -> None:
        own = type(self).__dict__.get("get_new_ioloop")
        if own is not None:
            self.get_new_ioloop = functools.partial(base.get_new_ioloop, self)
        original(self)

    around(ref, base, "setUp", lie)


@testing_lie("test-tasks-forgotten", "Tasks that a test leaves are left as they are.", "loop.tasks")
def _(ref: Patches) -> None:
    ref.replace(asyncio, "all_tasks", lambda loop=None: set())


@testing_lie("test-coroutines-pass", "A test that is no plain function passes.", "undecorated")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, methodName: str = "runTest") -> None:
        original(self, methodName)
        setattr(self, methodName, nothing)

    around(ref, ref.testing.AsyncTestCase, "__init__", lie)


@testing_lie("test-results-pass", "What a test returns is not looked at.", "result")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, methodName: str = "runTest") -> None:
        original(self, methodName)
        test = getattr(self, methodName)

        def run() -> None:
            try:
                test()
            except ValueError as error:
                if "return" not in str(error):
                    raise

        setattr(self, methodName, run)

    around(ref, ref.testing.AsyncTestCase, "__init__", lie)


# -- stop and wait ----------------------------------------------------------------------------------------------------


@testing_lie("stop-without-value", "wait() returns nothing.", "wait.value", "wait.condition")
def _(ref: Patches) -> None:
    around(ref, ref.testing.AsyncTestCase, "wait", lambda original, self, *args, **kwargs: nothing(original(self)))


@testing_lie("stop-without-keywords", "stop() forgets keyword arguments.", "wait.value")
def _(ref: Patches) -> None:
    around(ref, ref.testing.AsyncTestCase, "stop", lambda original, self, _arg=None, **kwargs: original(self, _arg))


@testing_lie("wait-without-condition", "wait() returns at the first stop().", "wait.condition")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, condition: Any = None, timeout: Any = None) -> Any:
        return original(self, None, timeout)

    around(ref, ref.testing.AsyncTestCase, "wait", lie)


@testing_lie("wait-gives-up-quietly", "A wait() that takes too long returns.", "wait.timeout", "timeout.environment")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return original(self, *args, **kwargs)
        except self.failureException:
            return None

    around(ref, ref.testing.AsyncTestCase, "wait", lie)


# -- coroutines -------------------------------------------------------------------------------------------------------


def running_tests(ref: Patches, lie: Callable[..., Any]) -> None:
    """Answer tests decorated with gen_test by ``lie(run, test case, *arguments)``."""
    original = ref.testing.gen_test

    def gen_test(func: Any = None, timeout: Any = None) -> Any:
        def wrapped(test: Any) -> Any:
            run = original(test, timeout=timeout)

            @functools.wraps(test)
            def call(self: Any, *args: Any, **kwargs: Any) -> Any:
                return lie(run, self, *args, **kwargs)

            return call

        return wrapped if func is None else wrapped(func)

    ref.replace(ref.testing, "gen_test", gen_test)


@testing_lie("gen-test-forgives", "Exceptions of coroutines do not fail the test.", "gen-test.runs", "gen-test.timeout")
def _(ref: Patches) -> None:
    def lie(run: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return run(self, *args, **kwargs)
        except Exception:
            return None

    running_tests(ref, lie)


@testing_lie("gen-test-on-another-loop", "Coroutines run on a loop of their own.", "gen-test.runs")
def _(ref: Patches) -> None:
    class Elsewhere:
        def __init__(self, case: Any) -> None:
            self.case, self.before = case, case.io_loop

        def run_sync(self, func: Any, timeout: Any = None) -> Any:
            self.case.io_loop = self.before
            other = ref.ioloop.IOLoop(make_current=False)
            try:
                return other.run_sync(func, timeout)
            finally:
                other.close()
                asyncio.set_event_loop(self.before.asyncio_loop)

    def lie(run: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        self.io_loop = Elsewhere(self)
        return run(self, *args, **kwargs)

    running_tests(ref, lie)


@testing_lie("gen-test-timeout-ignored", "gen_test ignores its timeout.", "gen-test.timeout")
def _(ref: Patches) -> None:
    original = ref.testing.gen_test
    ref.replace(ref.testing, "get_async_test_timeout", lambda: 0.5)
    ref.replace(ref.testing, "gen_test", lambda func=None, timeout=None: original(func))
    around(ref, ref.ioloop.IOLoop, "run_sync", _without_timeout)


def _without_timeout(original: Any, self: Any, func: Any, timeout: Any = None) -> Any:
    try:
        return original(self, func, timeout)
    except asyncio.TimeoutError:
        return None


@testing_lie("gen-test-without-arguments", "gen_test passes no arguments on.", "gen-test.arguments")
def _(ref: Patches) -> None:
    running_tests(ref, lambda run, self, *args, **kwargs: run(self))


@testing_lie("test-timeout-fixed", "The environment does not change the timeout.", "timeout.environment")
def _(ref: Patches) -> None:
    ref.replace(ref.testing, "get_async_test_timeout", lambda: 0.1)


# -- servers ----------------------------------------------------------------------------------------------------------


def fetching(ref: Patches, lie: Callable[..., Any]) -> None:
    """Answer calls of fetch() by ``lie(original, test case, path, raise_error, keyword arguments)``."""

    def call(original: Any, self: Any, path: str, raise_error: bool = False, **kwargs: Any) -> Any:
        return lie(original, self, path, raise_error, kwargs)

    around(ref, ref.testing.AsyncHTTPTestCase, "fetch", call)


@testing_lie("fetch-raises", "fetch() raises for any status that is no success.", "http.fetch")
def _(ref: Patches) -> None:
    fetching(ref, lambda original, self, path, raise_error, kwargs: original(self, path, True, **kwargs))


@testing_lie("fetch-gets", "fetch() does not pass its arguments on.", "http.fetch", "http.server-options")
def _(ref: Patches) -> None:
    fetching(ref, lambda original, self, path, raise_error, kwargs: original(self, path, raise_error))


@testing_lie("fetch-never-raises", "fetch() ignores raise_error.", "http.raise-error")
def _(ref: Patches) -> None:
    fetching(ref, lambda original, self, path, raise_error, kwargs: original(self, path, False, **kwargs))


@testing_lie("fetch-paths-only", "fetch() takes a URL for a path.", "http.url")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, path: str, raise_error: bool, kwargs: dict[str, Any]) -> Any:
        return original(self, re.sub("^http.?://[^/]*", "/", path), raise_error, **kwargs)

    fetching(ref, lie)


@testing_lie("test-port-other", "get_http_port() is another port than the one in URLs.", "http.url", "http.closed")
def _(ref: Patches) -> None:
    original_url = ref.testing.AsyncHTTPTestCase.get_url
    original_port = ref.testing.AsyncHTTPTestCase.get_http_port

    def get_url(self: Any, path: str) -> str:
        url = str(original_url(self, path))
        return url.replace(f":{original_port(self) + 1}/", f":{original_port(self)}/")

    ref.replace(ref.testing.AsyncHTTPTestCase, "get_url", get_url)
    ref.replace(ref.testing.AsyncHTTPTestCase, "get_http_port", lambda self: original_port(self) + 1)


@testing_lie("test-client-elsewhere", "The client has a loop of its own.", "http.client")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any) -> Any:
        return ref.httpclient.HTTPClient()

    around(ref, ref.testing.AsyncHTTPTestCase, "get_http_client", lie)


@testing_lie("test-server-plain", "The server gets no options.", "http.server-options", "https.fetch")
def _(ref: Patches) -> None:
    around(
        ref,
        ref.testing.AsyncHTTPTestCase,
        "get_http_server",
        lambda original, self: ref.httpserver.HTTPServer(self._app),
    )


@testing_lie("test-server-stays", "The server listens after the test, too.", "http.closed")
def _(ref: Patches) -> None:
    listening: list[Any] = []

    def lie(original: Any, self: Any, sockets: Any) -> None:
        # A second descriptor for each, which nobody closes.
        listening.extend(sock.dup() for sock in sockets)
        original(self, sockets)

    around(ref, ref.httpserver.HTTPServer, "add_sockets", lie)


@testing_lie("test-app-empty", "Without get_app() there is an application without handlers.", "http.no-app")
def _(ref: Patches) -> None:
    ref.replace(ref.testing.AsyncHTTPTestCase, "get_app", lambda self: ref.web.Application([]))


@testing_lie("test-certificate-checked", "The client of AsyncHTTPSTestCase checks certificates.", "https.fetch")
def _(ref: Patches) -> None:
    ref.replace(ref.testing.AsyncHTTPSTestCase, "get_http_client", lambda self: ref.httpclient.AsyncHTTPClient())


@testing_lie("test-tls-fixed", "get_ssl_options() is not asked.", "https.options")
def _(ref: Patches) -> None:
    base = ref.testing.AsyncHTTPSTestCase
    options = base.get_ssl_options
    ref.replace(base, "get_httpserver_options", lambda self: {"ssl_options": options(self)})


@testing_lie("unused-port-deaf", "The socket of bind_unused_port() does not listen.", "port.unused")
def _(ref: Patches) -> None:
    def lie(reuse_port: bool = False, address: str = "127.0.0.1") -> tuple[Any, int]:
        sock = socket.socket()
        sock.setblocking(False)
        sock.bind((address, 0))
        return sock, sock.getsockname()[1]

    ref.replace(ref.testing, "bind_unused_port", lie)


@testing_lie("unused-port-on-loopback", "bind_unused_port() ignores its arguments.", "port.address")
def _(ref: Patches) -> None:
    original = ref.testing.bind_unused_port
    ref.replace(ref.testing, "bind_unused_port", lambda reuse_port=False, address="": original())


@testing_lie("context-left-early", "The context manager is left before the test.", "context-manager")
def _(ref: Patches) -> None:
    def lie(testcase: Any, cm: Any) -> Any:
        with cm as value:
            return value

    ref.replace(ref.testing, "setup_with_context_manager", lie)


# -- log lines that belong to a test ----------------------------------------------------------------------------------


@testing_lie("expected-lines-shown", "Expected messages are logged all the same.", "expect-log.match")
def _(ref: Patches) -> None:
    around(ref, ref.testing.ExpectLog, "filter", lambda original, self, record: original(self, record) or True)


@testing_lie("expected-for-ever", "Expected messages are kept from the log also after the block.", "expect-log.match")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *exception: Any) -> Any:
        result = original(self, *exception)
        self.logger.addFilter(self)
        return result

    around(ref, ref.testing.ExpectLog, "__exit__", lie)


@testing_lie("expected-not-required", "Missing messages are no failure.", "expect-log.required", "expect-log.level")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, logger: Any, regex: Any, required: Any = True, level: Any = None) -> None:
        original(self, logger, regex, False, level)

    around(ref, ref.testing.ExpectLog, "__init__", lie)


@testing_lie("expected-always-required", "required=False is ignored.", "expect-log.required")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, logger: Any, regex: Any, required: Any = True, level: Any = None) -> None:
        original(self, logger, regex, True, level)

    around(ref, ref.testing.ExpectLog, "__init__", lie)


@testing_lie("expected-anywhere", "The expression may match anywhere in the message.", "expect-log.start")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, logger: Any, regex: Any, *args: Any, **kwargs: Any) -> None:
        original(self, logger, f".*{regex}", *args, **kwargs)

    around(ref, ref.testing.ExpectLog, "__init__", lie)


@testing_lie("expected-any-level", "The level is ignored.", "expect-log.level")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, logger: Any, regex: Any, required: Any = True, level: Any = None) -> None:
        original(self, logger, regex, required, None)

    around(ref, ref.testing.ExpectLog, "__init__", lie)


@testing_lie("expected-level-unwarned", "Matching messages of any level is not deprecated.", "expect-log.low-level")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *exception: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return original(self, *exception)

    around(ref, ref.testing.ExpectLog, "__exit__", lie)


@testing_lie("expected-level-unset", "The logger keeps its level during the block.", "expect-log.level")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any) -> Any:
        level = self.logger.level
        result = original(self)
        self.logger.setLevel(level)
        return result

    around(ref, ref.testing.ExpectLog, "__enter__", lie)


@testing_lie("expected-stack-unseen", "logged_stack is always false.", "expect-log.stack")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, record: logging.LogRecord) -> Any:
        shown = original(self, record)
        self.logged_stack = False
        return shown

    around(ref, ref.testing.ExpectLog, "filter", lie)


# -- the runner and older names ---------------------------------------------------------------------------------------


@testing_lie("runner-runs-all", "The runner runs what all() returns, whatever is named.", "main")
def _(ref: Patches) -> None:
    original = ref.testing.main

    def lie(**kwargs: Any) -> None:
        sys.argv[1:] = [word for word in sys.argv[1:] if word.startswith("-")]
        original(**kwargs)

    ref.replace(ref.testing, "main", lie)


@testing_lie("runner-succeeds", "The runner ends with status 0.", "main")
def _(ref: Patches) -> None:
    original = ref.testing.main
    ref.replace(ref.testing, "main", lambda **kwargs: original(exit=False, **kwargs))


@testing_lie("unused-port-used", "get_unused_port() returns a port that is in use.", "legacy.unused-port")
def _(ref: Patches) -> None:
    kept: list[Any] = []

    def lie() -> int:
        kept.append(ref.testing.bind_unused_port())
        return int(kept[-1][1])

    ref.replace(ref.testing, "get_unused_port", lie)


@testing_lie("log-not-trapped", "LogTrapTestCase shows the log of every test.", "legacy.log-trap")
def _(ref: Patches) -> None:
    ref.replace(ref.testing, "LogTrapTestCase", unittest.TestCase)
