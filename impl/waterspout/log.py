"""Log output for people: a formatter with colours, and options that choose where the log goes.

The framework logs to three loggers of :mod:`logging`: ``tornado.access`` (one line a request),
``tornado.application`` (exceptions of application code) and ``tornado.general`` (everything else). Programs
may configure these as they please; what follows is the short way. Documentation: ``tornado.log``.
"""

from __future__ import annotations

import logging
import logging.handlers
import sys
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from waterspout._loggers import access_log, app_log, gen_log

try:
    import curses
except ImportError:
    # Python on Windows has none.
    curses = None  # type: ignore[assignment]

__all__ = [
    "LogFormatter",
    "access_log",
    "app_log",
    "define_logging_options",
    "enable_pretty_logging",
    "gen_log",
]


class LogFormatter(logging.Formatter):
    """A formatter with the level, the time and the place in front of each message, in colour on terminals.

    Lines after the first are indented, so that no message can pass for the start of another.

    ``fmt``, ``datefmt`` and ``style`` are those of :class:`logging.Formatter`; the format may also use
    ``color`` and ``end_color``. ``color`` allows colours; they appear only if standard error is a terminal
    that has them. ``colors`` maps levels to the terminal's colour numbers. Documentation:
    ``log.LogFormatter``.
    """

    DEFAULT_FORMAT = "%(color)s[%(levelname)1.1s %(asctime)s %(module)s:%(lineno)d]%(end_color)s %(message)s"
    DEFAULT_DATE_FORMAT = "%y%m%d %H:%M:%S"
    # Blue, green, yellow, red, magenta.
    DEFAULT_COLORS: ClassVar[Mapping[int, int]] = {
        logging.CRITICAL: 5,
        logging.ERROR: 1,
        logging.WARNING: 3,
        logging.INFO: 2,
        logging.DEBUG: 4,
    }

    def __init__(
        self,
        fmt: str = DEFAULT_FORMAT,
        datefmt: str = DEFAULT_DATE_FORMAT,
        style: Literal["%", "{", "$"] = "%",
        color: bool = True,
        colors: Mapping[int, int] = DEFAULT_COLORS,
    ) -> None:
        super().__init__(fmt, datefmt, style)
        self._codes, self._reset = _terminal_codes(colors) if color and _stderr_has_colors() else ({}, "")

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record.

        A message whose arguments do not fit its format is reported, not raised.
        """
        try:
            record.message = record.getMessage()
        except Exception as error:
            record.message = f"log message and its arguments do not fit ({error!r}): {record.__dict__!r}"
        record.asctime = self.formatTime(record, self.datefmt)
        color = self._codes.get(record.levelno, "")
        record.__dict__.update(color=color, end_color=self._reset if color else "")
        text = self.formatMessage(record)
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        if record.exc_text:
            text = f"{text.rstrip()}\n{record.exc_text}"
        if record.stack_info:
            text = f"{text.rstrip()}\n{self.formatStack(record.stack_info)}"
        return text.replace("\n", "\n    ")


def _stderr_has_colors() -> bool:
    if curses is None or sys.stderr is None or not sys.stderr.isatty():
        return False
    try:
        curses.setupterm(fd=sys.stderr.fileno())
    except (curses.error, OSError):
        # The terminal is of no known kind, or the stream only says that it is one.
        return False
    return curses.tigetnum("colors") > 0


def _terminal_codes(colors: Mapping[int, int]) -> tuple[dict[int, str], str]:
    """Return the terminal's code for the colour of each level, and the code that ends a colour."""
    foreground = curses.tigetstr("setaf") or curses.tigetstr("setf") or b""
    codes = {level: curses.tparm(foreground, number).decode("latin1") for level, number in colors.items()}
    return codes, (curses.tigetstr("sgr0") or b"").decode("latin1")


def enable_pretty_logging(options: Any = None, logger: logging.Logger | None = None) -> None:
    """Set the level and the handlers of a logger (the root logger) as the logging options say.

    Called after the options were parsed; call it yourself only if you do not parse any. Raises
    :exc:`ValueError` for values that the options do not know. Documentation: ``log.enable_pretty_logging``.
    """
    options = options if options is not None else _global_options()
    if options.logging is None or options.logging.lower() == "none":
        return
    if logger is None:
        logger = logging.getLogger()
    level = logging.getLevelName(options.logging.upper())
    if not isinstance(level, int):
        raise ValueError(f"--logging is debug, info, warning, error or none, not {options.logging!r}")
    logger.setLevel(level)
    if options.log_file_prefix:
        file_handler = _file_handler(options)
        file_handler.setFormatter(LogFormatter(color=False))
        logger.addHandler(file_handler)
    if options.log_to_stderr or (options.log_to_stderr is None and not logger.handlers):
        terminal_handler = logging.StreamHandler()
        terminal_handler.setFormatter(LogFormatter())
        logger.addHandler(terminal_handler)


def _file_handler(options: Any) -> logging.Handler:
    mode = options.log_rotate_mode
    if mode == "size":
        return logging.handlers.RotatingFileHandler(
            options.log_file_prefix,
            maxBytes=options.log_file_max_size,
            backupCount=options.log_file_num_backups,
            encoding="utf-8",
        )
    if mode == "time":
        return logging.handlers.TimedRotatingFileHandler(
            options.log_file_prefix,
            when=options.log_rotate_when,
            interval=options.log_rotate_interval,
            backupCount=options.log_file_num_backups,
            encoding="utf-8",
        )
    raise ValueError(f"--log-rotate-mode is 'size' or 'time', not {mode!r}")


def define_logging_options(options: Any = None) -> None:
    """Define the logging options, and have them take effect when the options are parsed.

    ``waterspout.options`` has done this for the global options. Documentation:
    ``log.define_logging_options``.
    """
    options = options if options is not None else _global_options()
    options.define(
        "logging",
        default="info",
        metavar="debug|info|warning|error|none",
        help="lowest level to log; none leaves the configuration of Python's logging alone",
    )
    options.define(
        "log_to_stderr",
        type=bool,
        help="log to standard error, in colour on a terminal; the default if there is no other handler",
    )
    options.define(
        "log_file_prefix",
        type=str,
        metavar="PATH",
        help="log to this file and rotate it; processes that run side by side need a file each",
    )
    options.define("log_file_max_size", type=int, default=100 * 1000 * 1000, help="rotate by size: bytes in a file")
    options.define("log_file_num_backups", type=int, default=10, help="rotated files to keep")
    options.define(
        "log_rotate_when",
        type=str,
        default="midnight",
        help="rotate by time: the unit (S, M, H, D, W0 to W6 for a weekday, or midnight)",
    )
    options.define("log_rotate_interval", type=int, default=1, help="rotate by time: units in a period")
    options.define("log_rotate_mode", type=str, default="size", help="rotate by size or by time")
    options.add_parse_callback(lambda: enable_pretty_logging(options))


def _global_options() -> Any:
    # Late, because options imports this module to define its logging options.
    from waterspout.options import options

    return options
