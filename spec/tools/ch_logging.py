"""Log formatter, log files

The framework logs to three loggers of Python's ``logging``, whose names say what they are about: ``tornado.access``
for requests, ``tornado.application`` for failures of the application, ``tornado.general`` for all else. Nothing is done
to them on import. Programs that do not set up ``logging`` themselves have options for it: the level, a file that
rotates by its size or by time, or standard error, on whose terminal the levels have colours.
"""

import logging
import logging.handlers
import os
import pty
import re
import sys

import pytest

from conformance import api, compat, doc, each, labelled, must, observed, should


def record(message, *arguments, level=logging.INFO):
    """Return a log record as a logger makes it."""
    return logging.LogRecord("suite", level, "/shop/cart.py", 12, message, arguments, None)


@pytest.fixture
def configured():
    """Sets up a logger by the logging options, given as keyword arguments, and returns it; closes its files."""
    loggers = []

    def configure(*handlers, **options):
        parser, logger = api.options.OptionParser(), logging.Logger("suite")
        loggers.append(logger)
        for handler in handlers:
            logger.addHandler(handler)
        api.log.define_logging_options(parser)
        for name, value in options.items():
            parser[name] = value
        api.log.enable_pretty_logging(parser, logger)
        return logger

    yield configure
    for handler in [handler for logger in loggers for handler in logger.handlers]:
        handler.close()


# -- loggers and options ----------------------------------------------------------------------------------------------


@must(
    "tools.log.loggers",
    "access_log, app_log and gen_log are the loggers tornado.access, tornado.application and tornado.general.",
    doc("log"),
)
def test_loggers():
    ours = {"access": api.log.access_log, "application": api.log.app_log, "general": api.log.gen_log}
    for name, logger in ours.items():
        assert logger is logging.getLogger(f"tornado.{name}")
        assert logger.propagate


@must(
    "tools.log.options",
    "define_logging_options() defines the logging options on any parser, with their defaults.",
    doc("log.define_logging_options"),
)
def test_options():
    parser = api.options.OptionParser()
    api.log.define_logging_options(parser)
    expected = {"logging": "info", "log_to_stderr": None, "log_file_prefix": None, "log_file_max_size": 100_000_000}
    expected |= {"log_file_num_backups": 10, "log_rotate_mode": "size"}
    expected |= {"log_rotate_when": "midnight", "log_rotate_interval": 1}
    assert {name: value for name, value in parser.items() if name != "help"} == expected
    assert {name: api.options.options[name] for name in expected}.keys() == expected.keys()


@must(
    "tools.log.level",
    "The option logging is the level of the logger.",
    doc("log.enable_pretty_logging"),
)
@each(level=["debug", "info", "warning", "error"])
def test_level(configured, level):
    assert configured(logging=level).level == getattr(logging, level.upper())


@must(
    "tools.log.unknown-values",
    "An unknown way to rotate is a ValueError that names the option.",
    doc("log.enable_pretty_logging"),
)
def test_unknown_values(configured, tmp_path):
    with pytest.raises(ValueError, match="mode"):
        configured(log_file_prefix=str(tmp_path / "log"), log_rotate_mode="never")


@must(
    "tools.log.stderr",
    "There is a handler for standard error if log_to_stderr says so, or if it says nothing and there is no other.",
    doc("log.define_logging_options"),
)
@each(
    case=[
        labelled("alone", (None, [], ["StreamHandler"])),
        labelled("beside", (None, [logging.NullHandler], ["NullHandler"])),
        labelled("asked for", (True, [logging.NullHandler], ["NullHandler", "StreamHandler"])),
        labelled("refused", (False, [], [])),
    ]
)
def test_stderr(configured, case):
    wanted, others, expected = case
    logger = configured(*[other() for other in others], log_to_stderr=wanted)
    assert [type(handler).__name__ for handler in logger.handlers] == expected


# -- files ------------------------------------------------------------------------------------------------------------


@must(
    "tools.log.file",
    "log_file_prefix names a file that log lines are appended to, in UTF-8 and without colour.",
    doc("log.define_logging_options"),
)
def test_file(configured, tmp_path):
    path = tmp_path / "log"
    path.write_text("old\n")
    logger = configured(log_file_prefix=str(path))
    logger.warning("caf\u00e9 %d", 7)
    logger.debug("too low")
    old, line = path.read_text(encoding="utf-8").splitlines()
    assert old == "old"
    assert re.fullmatch(r"\[W \d{6} \d\d:\d\d:\d\d ch_logging:\d+\] caf\u00e9 7", line)


@must(
    "tools.log.rotate-size",
    "Before a file grows over log_file_max_size bytes it is put aside; log_file_num_backups of them are kept.",
    doc("log.define_logging_options"),
)
def test_rotate_by_size(configured, tmp_path):
    logger = configured(log_file_prefix=str(tmp_path / "log"), log_file_max_size=60, log_file_num_backups=2)
    for number in range(5):
        logger.warning("line %d", number)
    files = {path.name: path.read_text().split()[-1] for path in tmp_path.iterdir()}
    assert files == {"log": "4", "log.1": "3", "log.2": "2"}


@must(
    "tools.log.rotate-time",
    "With log_rotate_mode=time, a file is put aside after so many units of time as the options say.",
    doc("log.define_logging_options"),
)
def test_rotate_by_time(configured, tmp_path):
    prefix = str(tmp_path / "log")
    logger = configured(
        log_file_prefix=prefix,
        log_rotate_mode="time",
        log_rotate_when="H",
        log_rotate_interval=3,
        log_file_num_backups=4,
    )
    (handler,) = logger.handlers
    assert isinstance(handler, logging.handlers.TimedRotatingFileHandler)
    assert (handler.baseFilename, handler.interval, handler.backupCount) == (prefix, 3 * 3600, 4)


# -- the formatter ----------------------------------------------------------------------------------------------------


@must(
    "tools.log.format",
    "The format and the format of dates may be chosen, by the names that logging knows.",
    doc("log.LogFormatter"),
)
def test_format():
    line = api.log.LogFormatter(fmt="%(asctime)s %(levelname)s %(message)s", datefmt="%Y", color=False)
    assert re.fullmatch(r"\d{4} INFO 9 left", line.format(record("%d left", 9)))


@should(
    "tools.log.style",
    "The format may be in any style that logging knows.",
    doc("log.LogFormatter"),
)
@each(style=[labelled("braces", ("{", "{levelname}: {message}")), labelled("dollars", ("$", "$levelname: $message"))])
def test_style(style):
    character, fmt = style
    assert api.log.LogFormatter(fmt=fmt, style=character, color=False).format(record("text")) == "INFO: text"


@must(
    "tools.log.defaults",
    "The default format, format of dates and colours are attributes of the formatter.",
    doc("log.LogFormatter"),
)
def test_defaults():
    kind = api.log.LogFormatter
    colours = {logging.DEBUG: 4, logging.INFO: 2, logging.WARNING: 3, logging.ERROR: 1, logging.CRITICAL: 5}
    assert dict(kind.DEFAULT_COLORS) == colours
    explicit = kind(fmt=kind.DEFAULT_FORMAT, datefmt=kind.DEFAULT_DATE_FORMAT, color=False)
    one = record("text")
    assert explicit.format(one) == kind(color=False).format(one)


@must(
    "tools.log.colour",
    "On a terminal the part in front of a message has the colour of the level, which may be chosen.",
    doc("log.LogFormatter"),
)
@each(
    case=[
        labelled("default", ({}, logging.ERROR, "\x1b[31m")),
        labelled("chosen", ({"colors": {logging.ERROR: 6}}, logging.ERROR, "\x1b[36m")),
        labelled("level without", ({"colors": {logging.ERROR: 6}}, logging.INFO, "")),
        labelled("off", ({"color": False}, logging.ERROR, "")),
    ]
)
def test_colour(monkeypatch, case):
    arguments, level, colour = case
    ours, theirs = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    with open(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        line = api.log.LogFormatter(**arguments).format(record("text", level=level))
    os.close(ours)
    before, rest = line.split("[", 1) if not colour else (line[: len(colour)], line[len(colour) + 1 :])
    assert before == colour
    assert rest.endswith("text")
    assert ("\x1b" in rest) == bool(colour)


@must(
    "tools.log.no-terminal",
    "There are no colours when standard error is no terminal.",
    doc("log.LogFormatter"),
)
def test_no_terminal(monkeypatch, tmp_path):
    with open(tmp_path / "stderr", "w") as file:
        monkeypatch.setattr(sys, "stderr", file)
        assert "\x1b" not in api.log.LogFormatter(color=True).format(record("text", level=logging.ERROR))


@compat(
    "tools.log.bad-message",
    "A message whose arguments do not fit it is reported in the log line, which names them, and nothing is raised.",
    observed("tools-log"),
)
def test_bad_message():
    line = api.log.LogFormatter(color=False).format(record("%d left", "some"))
    assert re.match(r"\[I .* cart:12\] .*TypeError", line)
    assert "%d left" in line
    assert "some" in line
