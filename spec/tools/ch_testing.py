"""Tests of asynchronous code

``AsyncTestCase`` is a ``unittest.TestCase`` whose tests have an event loop of their own. A test is a coroutine
decorated with ``gen_test``; in the older style it is a function that starts something, whose callback calls ``stop()``,
and that calls ``wait()``. ``AsyncHTTPTestCase`` serves an application on a free port besides, and has a client; its
subclass with an S in the name does so over TLS. ``ExpectLog`` is for log lines that belong to a test: it fails where
they are missing, and keeps them out of the log otherwise.

The cases of this chapter define test cases and look at what becomes of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import unittest
import unittest.mock
import warnings

import pytest

from conformance import api, compat, doc, each, labelled, must, observed, should
from conformance.programs import running


def outcome(case):
    """Run the tests of a class."""
    result = unittest.TestResult()
    with warnings.catch_warnings():
        # Whether deprecated names warn is for another chapter.
        warnings.simplefilter("ignore", DeprecationWarning)
        unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    return result


def tracebacks(case):
    """Run the tests of a class, of which none may succeed, and return the tracebacks of their failures."""
    result = outcome(case)
    assert not result.wasSuccessful()
    assert len(result.failures) + len(result.errors) == result.testsRun
    return [text for _, text in result.failures + result.errors]


def passes(case):
    """Run the tests of a class, which all have to pass."""
    result = outcome(case)
    assert result.testsRun > 0
    assert [text for _, text in result.failures + result.errors] == []


async def for_ever(at_end=lambda: None):
    """Wait for what never comes."""
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        at_end()


# -- a loop for each test ---------------------------------------------------------------------------------------------


@must(
    "tools.testing.loop.own",
    "Each test has a loop of its own as io_loop, which is the current one and is closed after the test.",
    doc("testing.AsyncTestCase"),
)
def test_loop_own():
    loops = []

    class Case(api.testing.AsyncTestCase):
        def test_one(self):
            assert api.ioloop.IOLoop.current() is self.io_loop
            loops.append(self.io_loop.asyncio_loop)

        test_other = test_one

    passes(Case)
    assert len(set(loops)) == 2
    assert all(loop.is_closed() for loop in loops)


@must(
    "tools.testing.loop.hook",
    "get_new_ioloop() may make the loop.",
    doc("testing.AsyncTestCase.get_new_ioloop"),
)
def test_loop_hook():
    made = []

    class Case(api.testing.AsyncTestCase):
        def get_new_ioloop(self):
            made.append(super().get_new_ioloop())
            return made[-1]

        def test_it(self):
            assert self.io_loop is made[-1]

    passes(Case)
    assert len(made) == 1


@should(
    "tools.testing.loop.tasks",
    "Tasks that a test leaves are cancelled, and end, before the loop is closed.",
    doc("testing.AsyncTestCase"),
)
def test_loop_tasks():
    ended = []

    class Case(api.testing.AsyncTestCase):
        def test_it(self):
            self.io_loop.run_sync(self.leave)

        async def leave(self):
            self.task = asyncio.create_task(for_ever(lambda: ended.append("task")))
            await asyncio.sleep(0)

        def tearDown(self):
            super().tearDown()
            ended.append("torn down")

    passes(Case)
    assert ended == ["task", "torn down"]


@must(
    "tools.testing.undecorated",
    "A test that is a coroutine or a generator fails unless gen_test decorates it: nothing of it would run.",
    doc("testing.AsyncTestCase"),
)
def test_undecorated():
    class Case(api.testing.AsyncTestCase):
        async def test_native(self):
            """Does nothing."""

        def test_generator(self):
            yield

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        assert all("gen_test" in text for text in tracebacks(Case))


@must(
    "tools.testing.result",
    "A test that returns something fails: it is a mistake that would go unseen.",
    doc("testing.AsyncTestCase"),
)
def test_result():
    class Case(api.testing.AsyncTestCase):
        def test_plain(self):
            return "something"

        @api.testing.gen_test
        async def test_coroutine(self):
            return "something"

    assert all("something" in text for text in tracebacks(Case))


# -- stop and wait ----------------------------------------------------------------------------------------------------


@must(
    "tools.testing.wait.value",
    "wait() runs the loop until stop(), and returns its argument, or a dict of its keyword arguments.",
    doc("testing.AsyncTestCase.wait"),
    doc("testing.AsyncTestCase.stop"),
)
@each(before=[labelled("while it waits", False), labelled("before", True)])
def test_wait_value(before):
    class Case(api.testing.AsyncTestCase):
        def stop_later(self, *args, **kwargs):
            if before:
                self.stop(*args, **kwargs)
            else:
                self.io_loop.add_callback(self.stop, *args, **kwargs)

        def test_it(self):
            self.stop_later(7)
            assert self.wait() == 7
            self.stop_later(a=1, b=2)
            assert self.wait() == {"a": 1, "b": 2}
            self.stop_later()
            assert self.wait() is None

    passes(Case)


@must(
    "tools.testing.wait.condition",
    "With a condition, wait() goes on until that is true when stop() is called.",
    doc("testing.AsyncTestCase.wait"),
)
def test_wait_condition():
    class Case(api.testing.AsyncTestCase):
        def test_it(self):
            calls = []

            def call():
                calls.append(len(calls))
                self.stop(len(calls))
                self.io_loop.add_callback(call)

            self.io_loop.add_callback(call)
            assert self.wait(condition=lambda: len(calls) >= 3) >= 3

    passes(Case)


@must(
    "tools.testing.wait.timeout",
    "Where nobody calls stop() in time, wait() fails the test; what is on time is said by its argument.",
    doc("testing.AsyncTestCase.wait"),
)
def test_wait_timeout():
    class Case(api.testing.AsyncTestCase):
        def test_it(self):
            self.wait(timeout=0.01)

    result = outcome(Case)
    assert (len(result.failures), len(result.errors)) == (1, 0)
    assert "0.01" in result.failures[0][1]


# -- coroutines -------------------------------------------------------------------------------------------------------


@must(
    "tools.testing.gen-test.runs",
    "gen_test runs a coroutine, native or a generator, on the loop of the test case; its exceptions fail the test.",
    doc("testing.gen_test"),
)
def test_gen_test():
    done = []

    class Case(api.testing.AsyncTestCase):
        @api.testing.gen_test
        async def test_native(self):
            await asyncio.sleep(0)
            done.append(api.ioloop.IOLoop.current() is self.io_loop)

        @api.testing.gen_test
        def test_generator(self):
            yield api.gen.moment
            done.append(api.ioloop.IOLoop.current() is self.io_loop)

        @api.testing.gen_test
        async def test_wrong(self):
            raise KeyError("wrong")

    ((wrong, _),) = (result := outcome(Case)).failures + result.errors
    assert (done, wrong.id().split(".")[-1]) == ([True, True], "test_wrong")


@must(
    "tools.testing.gen-test.timeout",
    "gen_test(timeout=...) is how many seconds a test may take; TimeoutError fails it then.",
    doc("testing.gen_test"),
)
def test_gen_test_timeout():
    class Case(api.testing.AsyncTestCase):
        @api.testing.gen_test(timeout=0.01)
        async def test_native(self):
            await for_ever()

        @api.testing.gen_test(timeout=0.01)
        def test_generator(self):
            yield for_ever()

    assert all("TimeoutError" in text for text in tracebacks(Case))


@must(
    "tools.testing.gen-test.arguments",
    "gen_test passes arguments on, so that other decorators may add some.",
    doc("testing.gen_test"),
)
def test_gen_test_arguments():
    class Case(api.testing.AsyncTestCase):
        @unittest.mock.patch("os.getcwd")
        @api.testing.gen_test
        async def test_it(self, getcwd):
            assert isinstance(getcwd, unittest.mock.Mock)

    passes(Case)


@must(
    "tools.testing.timeout.environment",
    "ASYNC_TEST_TIMEOUT is how many seconds tests wait, and 5 if it does not say; it is for wait() and gen_test.",
    doc("testing.get_async_test_timeout"),
)
@each(value=[labelled("set", ("0.02", 0.02)), labelled("unset", ("", 5))])
def test_timeout_environment(monkeypatch, value):
    text, seconds = value
    monkeypatch.setenv("ASYNC_TEST_TIMEOUT", text)
    assert api.testing.get_async_test_timeout() == seconds

    class Case(api.testing.AsyncTestCase):
        @api.testing.gen_test
        async def test_coroutine(self):
            await for_ever()

        def test_wait(self):
            self.wait()

    if text:
        assert all("0.02" in line for line in tracebacks(Case))


# -- servers ----------------------------------------------------------------------------------------------------------


def shop(base, body):
    """Return a test case of kind ``base`` that serves a small shop, with ``body`` as its only test."""

    class Index(api.web.RequestHandler):
        def get(self):
            self.write(f"{self.request.protocol} {self.get_argument('item', '')}")

        def post(self):
            self.write(self.request.body)

    class Case(base):
        def get_app(self):
            return api.web.Application([("/", Index)])

        def test_it(self):
            body(self)

    return Case


@must(
    "tools.testing.http.fetch",
    "fetch() gets a path from the server of the application and returns the response, whatever its status.",
    doc("testing.AsyncHTTPTestCase.fetch"),
)
def test_http_fetch():
    def body(case):
        response = case.fetch("/?item=tea")
        assert (response.code, response.body) == (200, b"http tea")
        assert case.fetch("/", method="POST", body="sold").body == b"sold"
        assert case.fetch("/lost").code == 404

    passes(shop(api.testing.AsyncHTTPTestCase, body))


@must(
    "tools.testing.http.raise-error",
    "With raise_error=True, fetch() raises HTTPError for a status that is no success.",
    doc("testing.AsyncHTTPTestCase.fetch"),
)
def test_http_raise_error():
    def body(case):
        with pytest.raises(api.httpclient.HTTPError) as caught:
            case.fetch("/lost", raise_error=True)
        assert caught.value.code == 404

    passes(shop(api.testing.AsyncHTTPTestCase, body))


@must(
    "tools.testing.http.url",
    "get_url() makes the URL of a path on the server, whose port get_http_port() is; fetch() takes URLs, too.",
    doc("testing.AsyncHTTPTestCase.get_url"),
    doc("testing.AsyncHTTPTestCase.get_http_port"),
)
def test_http_url():
    def body(case):
        assert case.get_url("/?item=tea") == f"http://127.0.0.1:{case.get_http_port()}/?item=tea"
        assert case.fetch(case.get_url("/?item=tea")).body == b"http tea"

    passes(shop(api.testing.AsyncHTTPTestCase, body))


@must(
    "tools.testing.http.client",
    "A coroutine uses http_client, which is on the loop of the test.",
    doc("testing.AsyncHTTPTestCase"),
)
def test_http_client():
    def body(case):
        response = case.io_loop.run_sync(lambda: case.http_client.fetch(case.get_url("/")))
        assert response.code == 200
        assert isinstance(case.http_client, api.httpclient.AsyncHTTPClient)
        assert isinstance(case.http_server, api.httpserver.HTTPServer)

    passes(shop(api.testing.AsyncHTTPTestCase, body))


@must(
    "tools.testing.http.server-options",
    "get_httpserver_options() returns keyword arguments for the server.",
    doc("testing.AsyncHTTPTestCase.get_httpserver_options"),
)
def test_http_server_options():
    def body(case):
        headers = {"X-Forwarded-Proto": "https"}
        assert case.fetch("/", headers=headers).body == b"https "

    class Trusting(api.testing.AsyncHTTPTestCase):
        def get_httpserver_options(self):
            return {"xheaders": True}

    passes(shop(Trusting, body))


@must(
    "tools.testing.http.closed",
    "After a test the server is closed: nobody listens on its port any more.",
    doc("testing.AsyncHTTPTestCase"),
)
def test_http_closed():
    ports = []

    def body(case):
        ports.append(case.get_http_port())
        socket.create_connection(("127.0.0.1", ports[0])).close()

    passes(shop(api.testing.AsyncHTTPTestCase, body))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", ports[0]))


@must(
    "tools.testing.http.no-app",
    "A test case without get_app() fails.",
    doc("testing.AsyncHTTPTestCase.get_app"),
)
def test_http_no_app():
    class Case(api.testing.AsyncHTTPTestCase):
        def test_it(self):
            """Has no application."""

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        (text,) = tracebacks(Case)
    assert "NotImplementedError" in text


@must(
    "tools.testing.https.fetch",
    "AsyncHTTPSTestCase serves by TLS with a certificate of its own, which its client does not check.",
    doc("testing.AsyncHTTPSTestCase"),
)
def test_https_fetch():
    def body(case):
        assert case.get_url("/").startswith("https://")
        assert case.fetch("/").body == b"https "

    passes(shop(api.testing.AsyncHTTPSTestCase, body))


@must(
    "tools.testing.https.options",
    "get_ssl_options() returns the options of the server's TLS.",
    doc("testing.AsyncHTTPSTestCase.get_ssl_options"),
)
def test_https_options():
    class Old(api.testing.AsyncHTTPSTestCase):
        def get_ssl_options(self):
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(**super().get_ssl_options())
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            return context

    def body(case):
        context = ssl._create_unverified_context()
        with socket.create_connection(("127.0.0.1", case.get_http_port())) as plain:
            with context.wrap_socket(plain, do_handshake_on_connect=False) as stream:
                stream.setblocking(False)
                case.io_loop.run_sync(lambda: shaken(stream))
                assert stream.version() == "TLSv1.2"

    passes(shop(Old, body))


async def shaken(stream):
    """Do the handshake of a TLS socket that does not block, while the loop serves the other end."""
    while True:
        with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return stream.do_handshake()
        await asyncio.sleep(0)


@must(
    "tools.testing.port.unused",
    "bind_unused_port() returns a socket that listens on a free port of 127.0.0.1 and does not block, and the port.",
    doc("testing.bind_unused_port"),
)
def test_port_unused():
    sock, port = api.testing.bind_unused_port()
    with sock:
        assert sock.getsockname() == ("127.0.0.1", port)
        assert sock.gettimeout() == 0
        socket.create_connection(("127.0.0.1", port)).close()


@must(
    "tools.testing.port.address",
    "bind_unused_port() takes an address; with reuse_port others may listen on the port, too.",
    doc("testing.bind_unused_port"),
)
def test_port_address():
    sock, port = api.testing.bind_unused_port(reuse_port=True, address="0.0.0.0")
    with sock, socket.socket() as other:
        assert sock.getsockname()[0] == "0.0.0.0"
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", port))


@must(
    "tools.testing.context-manager",
    "setup_with_context_manager() enters a context manager that is left after the test, and returns its value.",
    doc("testing.setup_with_context_manager"),
)
def test_context_manager():
    events = []

    @contextlib.contextmanager
    def manager():
        events.append("in")
        yield "value"
        events.append("out")

    class Case(unittest.TestCase):
        def setUp(self):
            self.value = api.testing.setup_with_context_manager(self, manager())

        def test_it(self):
            events.append(self.value)

    passes(Case)
    assert events == ["in", "value", "out"]


# -- log lines that belong to a test ----------------------------------------------------------------------------------


@pytest.fixture
def logger():
    """A logger that lets everything through."""
    made = logging.getLogger("suite.shop")
    made.setLevel(logging.DEBUG)
    yield made
    made.setLevel(logging.NOTSET)


def expecting(log, *arguments, **options):
    """Return the ExpectLog of a block in which ``log()`` is called."""
    with api.testing.ExpectLog(*arguments, **options) as expected:
        log()
    return expected


@must(
    "tools.testing.expect-log.match",
    "ExpectLog keeps messages that match its expression from the log; other messages are logged.",
    doc("testing.ExpectLog"),
)
@each(named=[labelled("object", False), labelled("name", True)])
def test_expect_match(logger, caplog, named):
    def log():
        logger.warning("sold %d of %s", 9, "tea")
        logger.warning("other")

    expecting(log, "suite.shop" if named else logger, "sold [0-9]+ of")
    assert caplog.messages == ["other"]
    logger.warning("sold 9 of tea")
    assert caplog.messages == ["other", "sold 9 of tea"]


@must(
    "tools.testing.expect-log.required",
    "A block in which no message matches fails, unless required is false or it raises by itself.",
    doc("testing.ExpectLog"),
)
def test_expect_required(logger):
    with pytest.raises(Exception, match="log"):
        expecting(lambda: logger.warning("other"), logger, "sold")
    expecting(lambda: logger.warning("other"), logger, "sold", required=False)
    with pytest.raises(ZeroDivisionError):
        expecting(lambda: 1 / 0, logger, "sold")


@compat(
    "tools.testing.expect-log.start",
    "The expression has to match from the start of the message.",
    observed("tools-testing"),
)
def test_expect_start(logger):
    with pytest.raises(Exception, match="log"):
        expecting(lambda: logger.warning("not sold"), logger, "sold")


@must(
    "tools.testing.expect-log.level",
    "With a level, only messages of that level match, and the logger lets them through during the block.",
    doc("testing.ExpectLog"),
)
def test_expect_level(logger):
    logger.setLevel(logging.WARNING)
    expected = expecting(lambda: logger.info("sold"), logger, "sold", level=logging.INFO)
    assert (expected.level, logger.level) == (logging.INFO, logging.WARNING)
    with pytest.raises(Exception, match="log"):
        expecting(lambda: logger.warning("sold"), logger, "sold", level=logging.INFO)


@must(
    "tools.testing.expect-log.stack",
    "logged_stack tells whether a message that matched had a stack trace.",
    doc("testing.ExpectLog"),
)
def test_expect_stack(logger):
    def fail():
        try:
            1 / 0  # noqa: B018 - for its exception
        except ZeroDivisionError:
            logger.exception("sold")

    assert expecting(fail, logger, "sold").logged_stack is True
    assert expecting(lambda: logger.error("sold"), logger, "sold").logged_stack is False


@must(
    "tools.testing.expect-log.low-level",
    "To match a message of info or below without saying so by level is deprecated.",
    doc("testing.ExpectLog"),
)
def test_expect_low_level(logger):
    with pytest.warns(DeprecationWarning, match="level"):
        expecting(lambda: logger.info("sold"), logger, "sold")


# -- the runner -------------------------------------------------------------------------------------------------------

RUNNER = """
import sys, unittest
import PACKAGE.testing

sys.modules["shop_tests"] = sys.modules["__main__"]


class Shop(PACKAGE.testing.AsyncTestCase):
    def test_good(self):
        print("good ran", flush=True)

    @PACKAGE.testing.gen_test
    async def test_bad(self):
        print("bad ran", flush=True)
        self.assertEqual(1, 2)


def all():
    return unittest.TestSuite([Shop("test_good")])


if __name__ == "__main__":
    PACKAGE.testing.main()
"""


@must(
    "tools.testing.main",
    "main() runs what all() returns, or the tests that the command line names, and ends with status 0 if they pass.",
    doc("testing.main"),
)
@each(
    line=[
        labelled("all", ([], True, ["good ran"])),
        labelled("named", (["--logging=none", "shop_tests.Shop.test_bad"], False, ["bad ran"])),
    ]
)
def test_main(target, line):
    arguments, succeeds, expected = line
    with running(target, RUNNER, *arguments) as program:
        assert (program.ended() == 0) is succeeds
        printed = program.printed().splitlines()
    assert [text for text in printed if text.endswith("ran")] == expected
    assert any(text.startswith("Ran 1 test") for text in printed)


# -- names of older releases ------------------------------------------------------------------------------------------


@must(
    "tools.testing.legacy.unused-port",
    "get_unused_port() returns a port that nobody uses.",
    doc("testing.get_unused_port"),
    needs=("legacy",),
)
def test_unused_port():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        port = api.testing.get_unused_port()
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", port))


@must(
    "tools.testing.legacy.log-trap",
    "LogTrapTestCase keeps the log of a test that passes to itself, and shows that of one that fails.",
    doc("testing.LogTrapTestCase"),
    needs=("legacy",),
)
@each(good=[True, False])
def test_log_trap(monkeypatch, tmp_path, good):
    class Case(api.testing.LogTrapTestCase):
        def test_it(self):
            logging.getLogger("suite.shop").warning("from the test")
            assert good

    with open(tmp_path / "log", "w+") as shown:
        monkeypatch.setattr(logging.getLogger(), "handlers", [logging.StreamHandler(shown)])
        assert outcome(Case).wasSuccessful() is good
        shown.seek(0)
        assert ("from the test" in shown.read()) is not good
