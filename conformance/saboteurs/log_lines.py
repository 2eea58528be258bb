"""Saboteurs of the chapter on the log formatter and log files."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around
from conformance.saboteurs.loop_life import Lie


def log_lie(name: str, lie: str, *kills: str) -> Lie:
    """Register a saboteur of this chapter; ``kills`` are ids without what they have in common."""
    return saboteur(name, lie, chapters="tools.logging", kills=tuple(f"tools.log.{one}" for one in kills))


# -- loggers and options ----------------------------------------------------------------------------------------------


@log_lie("loggers-renamed", "The loggers have names of their own.", "loggers")
def _(ref: Patches) -> None:
    ref.replace(ref.log, "gen_log", logging.getLogger("suite.general"))


@log_lie("log-options-fewer", "Rotation by time has no options.", "options", "rotate-time")
def _(ref: Patches) -> None:
    original = ref.log.define_logging_options

    class Fewer:
        def __init__(self, options: Any) -> None:
            self.options = options

        def define(self, name: str, *args: Any, **kwargs: Any) -> None:
            if not name.startswith("log_rotate"):
                self.options.define(name, *args, **kwargs)

        def add_parse_callback(self, callback: Any) -> None:
            self.options.add_parse_callback(callback)

    ref.replace(ref.log, "define_logging_options", lambda options: original(Fewer(options)))


def setting(ref: Patches, **values: Any) -> None:
    """Have enable_pretty_logging see other values than the options have."""
    original = ref.log.enable_pretty_logging

    def lie(options: Any = None, logger: Any = None) -> None:
        for name, value in values.items():
            options[name] = value(options[name])
        original(options, logger)

    ref.replace(ref.log, "enable_pretty_logging", lie)


@log_lie("log-level-info", "The level is info, whatever the option says.", "level")
def _(ref: Patches) -> None:
    setting(ref, logging=lambda level: "info")


@log_lie("log-rotation-unchecked", "An unknown way to rotate is by size.", "unknown-values")
def _(ref: Patches) -> None:
    setting(ref, log_rotate_mode=lambda mode: mode if mode == "time" else "size")


@log_lie("log-to-stderr-always", "There is always a handler for standard error.", "stderr", "rotate-time")
def _(ref: Patches) -> None:
    setting(ref, log_to_stderr=lambda wanted: True)


@log_lie("log-to-stderr-never", "There is no handler for standard error unless it is asked for.", "stderr")
def _(ref: Patches) -> None:
    setting(ref, log_to_stderr=lambda wanted: wanted or False)


# -- files ------------------------------------------------------------------------------------------------------------


def handling(ref: Patches, change: Callable[[logging.Handler], None]) -> None:
    """Let ``change`` alter every handler that enable_pretty_logging adds."""
    original = ref.log.enable_pretty_logging

    def lie(options: Any = None, logger: Any = None) -> None:
        before = list(logger.handlers)
        original(options, logger)
        for handler in logger.handlers:
            if handler not in before:
                change(handler)

    ref.replace(ref.log, "enable_pretty_logging", lie)


@log_lie("log-file-in-ascii", "Files are in ASCII.", "file")
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        if isinstance(handler, logging.FileHandler) and handler.stream is not None:
            handler.stream.reconfigure(encoding="ascii", errors="replace")

    handling(ref, change)


@log_lie("log-file-emptied", "A file is emptied when the program starts.", "file")
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        if isinstance(handler, logging.FileHandler) and handler.stream is not None:
            handler.stream.truncate(0)

    handling(ref, change)


@log_lie("log-file-unlimited", "Files do not rotate by size.", "rotate-size")
def _(ref: Patches) -> None:
    handling(ref, lambda handler: setattr(handler, "maxBytes", 0))


@log_lie("log-file-one-backup", "One rotated file is kept.", "rotate-size", "rotate-time")
def _(ref: Patches) -> None:
    handling(ref, lambda handler: setattr(handler, "backupCount", 1))


@log_lie("log-file-by-size-only", "log_rotate_mode is ignored.", "rotate-time")
def _(ref: Patches) -> None:
    setting(ref, log_rotate_mode=lambda mode: "size")


# -- the formatter ----------------------------------------------------------------------------------------------------


def formatting(ref: Patches, change: Callable[[dict[str, Any]], None]) -> None:
    """Let ``change`` alter the keyword arguments of every LogFormatter."""

    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        change(kwargs)
        original(self, *args, **kwargs)

    around(ref, ref.log.LogFormatter, "__init__", lie)


@log_lie("log-format-fixed", "The format of dates cannot be chosen.", "format")
def _(ref: Patches) -> None:
    formatting(ref, lambda kwargs: kwargs.pop("datefmt", None))


@log_lie("log-style-fixed", "Formats are of one style.", "style")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, record: Any) -> str:
        return str(self._fmt % record.__dict__) if "$" in self._fmt or "{" in self._fmt else str(original(self, record))

    around(ref, ref.log.LogFormatter, "format", lie)


@log_lie("log-default-other", "DEFAULT_FORMAT is not what is used.", "defaults")
def _(ref: Patches) -> None:
    ref.replace(ref.log.LogFormatter, "DEFAULT_FORMAT", "%(message)s")


@log_lie("log-colours-other", "DEFAULT_COLORS has other colours.", "defaults")
def _(ref: Patches) -> None:
    ref.replace(ref.log.LogFormatter, "DEFAULT_COLORS", {logging.ERROR: 1})


@log_lie("log-never-coloured", "There are no colours.", "colour")
def _(ref: Patches) -> None:
    formatting(ref, lambda kwargs: kwargs.update(color=False))


@log_lie("log-colours-fixed", "Colours cannot be chosen.", "colour")
def _(ref: Patches) -> None:
    formatting(ref, lambda kwargs: kwargs.pop("colors", None))


@log_lie("log-always-coloured", "Colours need no terminal.", "no-terminal", "colour")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, record: Any) -> str:
        return f"\x1b[31m{original(self, record)}\x1b(B\x1b[m"

    around(ref, ref.log.LogFormatter, "format", lie)


@log_lie("log-bad-message-raised", "A message whose arguments do not fit raises.", "bad-message")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, record: Any) -> Any:
        record.getMessage()
        return original(self, record)

    around(ref, ref.log.LogFormatter, "format", lie)


@log_lie("log-bad-message-dropped", "A message whose arguments do not fit leaves an empty line.", "bad-message")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, record: Any) -> Any:
        with contextlib.suppress(TypeError):
            record.getMessage()
            return original(self, record)
        print("log message dropped", file=sys.stderr)
        return ""

    around(ref, ref.log.LogFormatter, "format", lie)
