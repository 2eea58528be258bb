"""The insides of ``waterspout.testing``, and what it does beyond the specification."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import subprocess
import sys
import traceback
import unittest
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from waterspout import testing, web
from waterspout.ioloop import IOLoop
from waterspout.testing import AsyncHTTPTestCase, AsyncTestCase, ExpectLog, bind_unused_port, gen_test


def outcome(case: type[unittest.TestCase]) -> unittest.TestResult:
    """Run the tests of a class."""
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    return result


def failure(result: unittest.TestResult) -> str:
    """Return the traceback of the one test that failed or broke."""
    ((_, text),) = result.failures + result.errors
    return text


@pytest.fixture
def loop_before() -> Iterator[IOLoop]:
    """A loop that is current before the test."""
    loop: IOLoop = IOLoop()
    yield loop
    loop.close()


def test_tasks_that_a_test_leaves_are_cancelled() -> None:
    """Before the loop is closed, so that they end as others do."""
    ended: list[str] = []

    async def forever() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            ended.append("task")

    class Case(AsyncTestCase):
        @gen_test
        async def test(self) -> None:
            self.task = asyncio.create_task(forever())
            await asyncio.sleep(0)

    assert outcome(Case).wasSuccessful()
    assert ended == ["task"]


def test_the_loop_before_is_current_again(loop_before: IOLoop) -> None:
    """And one that a test uses itself is not closed."""

    class Case(AsyncTestCase):
        def test(self) -> None:
            assert IOLoop.current() is self.io_loop is not loop_before

    class Shared(AsyncTestCase):
        def get_new_ioloop(self) -> IOLoop:
            return loop_before

        def test(self) -> None:
            assert self.io_loop is loop_before

    for case in (Case, Shared):
        assert outcome(case).wasSuccessful()
        assert IOLoop.current() is loop_before
    assert not loop_before.asyncio_loop.is_closed()


def test_a_set_up_that_fails_leaves_nothing() -> None:
    """Neither a loop nor a socket, though tests whose setUp fails are not torn down."""
    seen: list[Any] = []

    class Case(AsyncHTTPTestCase):
        def get_app(self) -> Any:
            seen.append(self.io_loop)
            return super().get_app()

        def test(self) -> None:
            """Has nothing to serve."""

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "Case must define get_app()" in failure(outcome(Case))
    assert seen[0].asyncio_loop.is_closed()
    assert IOLoop.current(instance=False) is None


def test_a_test_that_takes_too_long_says_where_it_was() -> None:
    """In the traceback."""

    async def inner() -> None:
        await asyncio.sleep(60)

    class Case(AsyncTestCase):
        @gen_test(timeout=0.01)
        async def test(self) -> None:
            await inner()

    text = failure(outcome(Case))
    assert "TimeoutError" in text
    assert "in inner" in text


@pytest.mark.parametrize(
    ("use", "error"),
    [
        (lambda case: case.stop(1, other=2), "not both"),
        (lambda case: case.wait(timeout=0.01), "nobody called stop() within 0.01 seconds"),
        (lambda case: (case.stop(), case.wait(lambda: False, timeout=0.01)), "condition of wait() was not met"),
    ],
)
def test_wait_and_stop_say_what_is_wrong(use: Callable[[Any], Any], error: str) -> None:
    """By the reason that the test fails for."""

    class Case(AsyncTestCase):
        def test(self) -> None:
            use(self)

    assert error in failure(outcome(Case))


def test_decorations_of_unittest_stay() -> None:
    """Skips, expected failures and docstrings."""

    class Case(AsyncTestCase):
        @unittest.skip("not today")
        def test_skip(self) -> None:
            raise AssertionError

        @unittest.expectedFailure
        @gen_test
        async def test_expected(self) -> None:
            raise AssertionError

        def test_named(self) -> None:
            """Says what it is."""

    result = outcome(Case)
    assert (len(result.skipped), len(result.expectedFailures), result.testsRun) == (1, 1, 3)
    assert Case("test_named").shortDescription() == "Says what it is."


def test_a_host_that_cannot_be_reached_raises_what_the_client_raises() -> None:
    """Also without raise_error: there is no response."""
    sock, port = bind_unused_port()
    sock.close()
    seen: list[Exception] = []

    class Case(AsyncHTTPTestCase):
        def get_app(self) -> Any:
            return web.Application([])

        def test(self) -> None:
            try:
                self.fetch(f"http://127.0.0.1:{port}/")
            except OSError as error:
                seen.append(error)

    assert outcome(Case).wasSuccessful()
    assert isinstance(seen[0], ConnectionRefusedError)


def test_the_port_is_known_to_get_app() -> None:
    """Which may put it into its settings."""

    class Case(AsyncHTTPTestCase):
        def get_app(self) -> Any:
            return web.Application([("/", web.RedirectHandler, {"url": self.get_url("/there")})])

        def test(self) -> None:
            response = self.fetch("/", follow_redirects=False)
            assert response.headers["Location"] == self.get_url("/there")

    assert outcome(Case).wasSuccessful()


def test_ports_of_ipv6() -> None:
    """By the address."""
    if not socket.has_ipv6:
        pytest.fail("this Python was built without IPv6")
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        with pytest.raises(OSError, match="::1"):
            bind_unused_port(address="::1")
    else:
        sock, port = bind_unused_port(address="::1")
        with sock:
            assert (sock.family, sock.getsockname()[1]) == (socket.AF_INET6, port)


def test_a_missing_log_line_is_a_failure_of_the_test() -> None:
    """It names the expression and the logger; the logger is then as before."""
    logger = logging.getLogger("some.shop")
    with pytest.raises(AssertionError, match=r"'sold.*' was logged on some\.shop"):
        with ExpectLog("some.shop", "sold", level=logging.INFO):
            assert logger.level == logging.INFO

    assert (logger.filters, logger.level) == ([], logging.NOTSET)


# -- the runner -------------------------------------------------------------------------------------------------------

TESTS = """
import logging, sys, unittest
from waterspout import testing


class Some(testing.AsyncTestCase):
    def test_good(self):
        print("printed")
        logging.warning("logged")

    @testing.gen_test
    async def test_bad(self):
        assert 1 == 2


def all():
    return unittest.defaultTestLoader.loadTestsFromName("shop_tests.Some.test_good")


if __name__ == "__main__":
    testing.main()
"""


def ran(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run Python with the tests beside it; return the exit status and the output."""
    (folder / "shop_tests.py").write_text(TESTS)
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([str(folder), *sys.path]))
    done = subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_the_runner_runs_what_is_named(tmp_path: Path) -> None:
    """With the logs formatted, and options passed on to unittest."""
    status, output = ran(tmp_path, "-m", "waterspout.testing", "--verbose", "shop_tests.Some")
    assert (status, "Ran 2 tests" in output, "test_good (" in output) == (1, True, True)
    assert "[W " in output
    status, output = ran(tmp_path, "-m", "waterspout.testing", "--buffer", "--quiet", "shop_tests.Some.test_good")
    assert (status, "printed" in output, "test_good (" in output) == (0, False, False)


def test_the_runner_runs_all_of_a_program(tmp_path: Path) -> None:
    """Unless the command line names some."""
    status, output = ran(tmp_path, "shop_tests.py")
    assert (status, "Ran 1 test" in output) == (0, True), output
    status, output = ran(tmp_path, "shop_tests.py", "--failfast", "shop_tests.Some.test_bad")
    assert (status, "AssertionError" in output) == (1, True), output


def test_without_tests_the_runner_says_so(tmp_path: Path) -> None:
    """And fails."""
    status, output = ran(tmp_path, "-m", "waterspout.testing")
    assert (status, "no test is named" in output) == (1, True)


# -- names of older releases ------------------------------------------------------------------------------------------


def test_a_free_port_by_its_older_name() -> None:
    """It warns, and the port can be bound."""
    with pytest.warns(DeprecationWarning, match="bind_unused_port"):
        port = testing.get_unused_port()  # type: ignore[attr-defined]
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", port))


@pytest.mark.parametrize("bad", [False, True])
def test_logs_of_tests_that_pass_are_trapped(bad: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Those of others are shown."""

    class Case(AsyncTestCase, testing.LogTrapTestCase):  # type: ignore[name-defined, misc]
        def test(self) -> None:
            logging.getLogger("shop").warning("from the test")
            assert not bad

    with open(tmp_path / "log", "w+") as shown:
        monkeypatch.setattr(logging.getLogger(), "handlers", [logging.StreamHandler(shown)])
        with pytest.warns(DeprecationWarning, match="LogTrap"):
            result = outcome(Case)
        shown.seek(0)
        assert (result.wasSuccessful(), "from the test" in shown.read()) == (not bad, bad)


def test_the_traceback_of_a_timeout_is_that_of_the_wait() -> None:
    """Also outside tests: run_sync chains it."""
    loop: IOLoop = IOLoop(make_current=False)

    async def slow() -> None:
        await asyncio.sleep(60)

    try:
        with pytest.raises(asyncio.TimeoutError) as caught:
            loop.run_sync(slow, timeout=0.01)
    finally:
        loop.close()
    assert "in slow" in "".join(traceback.format_exception(caught.value))
