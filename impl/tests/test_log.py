"""The insides of ``waterspout.log``."""

from __future__ import annotations

import logging
import logging.handlers
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from waterspout.log import LogFormatter, define_logging_options, enable_pretty_logging
from waterspout.options import OptionParser


def record(message: object, *args: object) -> logging.LogRecord:
    """Return a record as a logger makes it."""
    return logging.LogRecord("name", logging.INFO, "/some/module.py", 12, message, args, None)


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """A logger of its own, whose handlers are closed in the end."""
    made = logging.Logger("test")
    yield made
    for handler in made.handlers:
        handler.close()


def configured(logger: logging.Logger, *arguments: str) -> list[type]:
    """Set up a logger from a command line, and return the types of its handlers."""
    options = OptionParser()
    define_logging_options(options)
    options.parse_command_line(["program", *arguments], final=False)
    enable_pretty_logging(options, logger)
    return [type(handler) for handler in logger.handlers]


def test_no_message_can_pass_for_the_start_of_another() -> None:
    """Every further line is indented, also those of a traceback."""
    try:
        raise KeyError("key\nnext line")
    except KeyError:
        made = logging.LogRecord("n", logging.ERROR, "m.py", 1, "a\n[I forged]", (), sys.exc_info())

    first, *rest = LogFormatter(color=False).format(made).split("\n")

    assert first.endswith("] a")
    assert rest[0] == "    [I forged]"
    assert all(line.startswith("    ") for line in rest)


def test_arguments_that_do_not_fit_are_reported() -> None:
    """The formatter never raises: the log line says what was wrong."""
    assert "do not fit (TypeError" in LogFormatter(color=False).format(record("%d", "x"))


@pytest.mark.parametrize(("style", "fmt"), [("%", "%(levelname)s|%(message)s"), ("{", "{levelname}|{message}")])
def test_the_format_may_be_of_any_style(style: str, fmt: str) -> None:
    """Those of logging.Formatter."""
    assert LogFormatter(fmt=fmt, style=style, color=False).format(record("m")) == "INFO|m"  # type: ignore[arg-type]


def test_levels_are_coloured_on_a_terminal_only() -> None:
    """With standard error on a pseudo-terminal there are colours; on a pipe there are none."""
    program = "import logging, waterspout.log as l; l.enable_pretty_logging(); logging.error('text')"
    environment = dict(os.environ, TERM="xterm", PYTHONPATH=os.pathsep.join(sys.path))
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", program], stderr=theirs, env=environment, check=True)
    os.close(theirs)
    on_terminal = os.read(ours, 4096)
    os.close(ours)
    piped = subprocess.run([sys.executable, "-c", program], capture_output=True, env=environment, check=True).stderr

    assert on_terminal.startswith(b"\x1b[31m[E ")
    assert piped.startswith(b"[E ")


def test_the_terminal_is_the_default_and_one_is_enough(logger: logging.Logger) -> None:
    """Set up twice, a logger has one handler."""
    configured(logger)

    assert configured(logger) == [logging.StreamHandler]
    assert logger.level == logging.INFO


def test_files_rotate_by_size_or_by_time(logger: logging.Logger, tmp_path: Path) -> None:
    """With the values of the options; and standard error stays quiet unless asked for."""
    prefix = f"--log-file-prefix={tmp_path}/log"
    configured(logger, prefix, "--log-file-max-size=5", "--log-to-stderr")
    configured(logger, prefix, "--log-rotate-mode=time", "--log-rotate-when=D", "--log-rotate-interval=3")
    by_size, terminal, by_time = logger.handlers

    assert isinstance(by_size, logging.handlers.RotatingFileHandler)
    assert (by_size.maxBytes, by_size.backupCount) == (5, 10)
    assert isinstance(terminal, logging.StreamHandler)
    assert isinstance(by_time, logging.handlers.TimedRotatingFileHandler)
    assert by_time.interval == 3 * 24 * 3600


def test_none_leaves_logging_alone(logger: logging.Logger) -> None:
    """Neither level nor handlers are touched."""
    assert configured(logger, "--logging=none") == []
    assert logger.level == logging.NOTSET


@pytest.mark.parametrize("argument", ["--logging=loud", "--log-rotate-mode=never"])
def test_unknown_values_name_the_option(logger: logging.Logger, tmp_path: Path, argument: str) -> None:
    """The error says which values there are."""
    with pytest.raises(ValueError, match=argument.partition("=")[0]):
        configured(logger, argument, f"--log-file-prefix={tmp_path}/log")
