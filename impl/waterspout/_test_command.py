"""The test runner of ``testing.main``: that of :mod:`unittest`, with options as programs of the framework have them."""

from __future__ import annotations

import signal
import sys
import unittest
from typing import Any

from waterspout import autoreload
from waterspout.httpclient import AsyncHTTPClient
from waterspout.options import define, options, parse_command_line

#: What the options are called where unittest takes them, and their values if they are on.
_UNITTEST: dict[str, tuple[str, Any]] = {
    "verbose": ("verbosity", 2),
    "quiet": ("verbosity", 0),
    "failfast": ("failfast", True),
    "catch": ("catchbreak", True),
    "buffer": ("buffer", True),
}


def _define_options() -> None:
    define(
        "exception_on_interrupt",
        type=bool,
        default=True,
        help="interrupt by KeyboardInterrupt, which shows where; otherwise the process ends at once",
    )
    define("verbose", type=bool, help="name each test")
    define("quiet", type=bool, help="say as little as possible")
    define("failfast", type=bool, help="end with the first test that fails")
    define("catch", type=bool, help="on ctrl-c end the current test and report; a second one interrupts")
    define("buffer", type=bool, help="show what a test prints only if it fails")
    # Of releases before 3.0.
    define("autoreload", type=bool, default=False, help="run the tests again whenever their source changes")
    define("httpclient", type=str, help="the class behind AsyncHTTPClient, by its dotted name")


def main(**kwargs: Any) -> None:
    """Run tests: ``python -m waterspout.testing [OPTIONS] TEST ...``, each a module, class or method.

    A program of its own defines ``all()``, which returns a suite, and calls this: the suite runs if the command line
    names no test. The options are those of ``--help``; they include the logging options, so that log lines are
    formatted. ``kwargs`` are for :func:`unittest.main`, whose exit status this ends with. Documentation:
    ``testing.main``.
    """
    _define_options()
    arguments = [sys.argv[0], *parse_command_line()]
    if not options.exception_on_interrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    if options.httpclient:
        AsyncHTTPClient.configure(options.httpclient)
    for name, (argument, value) in _UNITTEST.items():
        if options[name] is not None:
            kwargs.setdefault(argument, value if options[name] else None)
    if options.autoreload:
        kwargs["exit"] = False
    unittest.main(argv=arguments, **_where_tests_are(len(arguments) > 1, kwargs))
    if options.autoreload:
        autoreload.wait()


def _where_tests_are(named: bool, kwargs: dict[str, Any]) -> dict[str, Any]:
    if named:
        # By their full names, not by what the main module happens to call so.
        return {"module": None, **kwargs}
    if not {"module", "defaultTest"} & set(kwargs) and not hasattr(sys.modules["__main__"], "all"):
        print("no test is named: give modules, classes or methods by their dotted names", file=sys.stderr)
        sys.exit(1)
    return {"defaultTest": "all", **kwargs}
