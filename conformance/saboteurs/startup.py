"""Saboteurs of the chapter on options, start-up and log lines.

Its programs run in child processes, which tell the same lie (see conformance.programs).
"""

from __future__ import annotations

import contextlib
import logging
import types
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around, nothing

CHAPTER = "tools.startup"


def startup_lie(name: str, lie: str, *kills: str) -> Callable[[Callable[[Patches], None]], Callable[[Patches], None]]:
    """Register a saboteur of this chapter; ``kills`` are ids without what they have in common."""
    return saboteur(name, lie, chapters=CHAPTER, kills=tuple(f"tools.{one}" for one in kills))


def defining(ref: Patches, **values: Any) -> None:
    """Have every option defined with other arguments."""

    def lie(original: Any, self: Any, name: str, *args: Any, **kwargs: Any) -> None:
        original(self, name, *args[:1], **{**kwargs, **values})

    around(ref, ref.options.OptionParser, "define", lie)


def reading(ref: Patches, change: Callable[[list[str]], list[str]]) -> None:
    """Have every command line that is given, not that of the process, read otherwise."""

    def lie(original: Any, self: Any, args: Any = None, final: bool = True) -> Any:
        return original(self, None if args is None else change(args), final)

    around(ref, ref.options.OptionParser, "parse_command_line", lie)


# -- options ----------------------------------------------------------------------------------------------------------


@startup_lie("option-always-none", "Options have no default.", "options.default", "options.wrong-value")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, default: Any = None, *args: Any, **kwargs: Any) -> None:
        original(self, name, None, *args, **kwargs)

    around(ref, ref.options.OptionParser, "define", lie)


@startup_lie("option-untyped", "Options are text, whatever their type.", "options.types", "options.multiple")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, default: Any = None, type: Any = None, *args: Any, **kw: Any) -> None:
        original(self, name, default, str if type else None, *args, **kw)

    around(ref, ref.options.OptionParser, "define", lie)


@startup_lie("option-default-untyped", "Without a type, options are text.", "options.type-of-default")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, default: Any = None, type: Any = None, *args: Any, **kw: Any) -> None:
        original(self, name, default, type or str, *args, **kw)

    around(ref, ref.options.OptionParser, "define", lie)


@startup_lie(
    "option-errors-ignored",
    "What is wrong with a command line is ignored.",
    "options.wrong-value",
    "options.unknown",
    "startup.unknown-option",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return original(self, *args, **kwargs)
        except (ValueError, ref.options.Error):
            return []

    around(ref, ref.options.OptionParser, "parse_command_line", lie)


@startup_lie("option-switch-off", "A switch without a value is ignored.", "options.switch")
def _(ref: Patches) -> None:
    reading(ref, lambda args: [arg for arg in args if "=" in arg or not arg.startswith("-")])


@startup_lie("option-single", "multiple is ignored.", "options.multiple", "options.default")
def _(ref: Patches) -> None:
    defining(ref, multiple=False)


@startup_lie("option-no-dashes", "Names are written with underscores only.", "options.dashes", "options.global")
def _(ref: Patches) -> None:
    reading(ref, lambda args: [arg for arg in args if "-" not in arg.split("=")[0].lstrip("-")])


@startup_lie(
    "option-nothing-left", "parse_command_line returns no arguments.", "options.arguments-left", "options.argv"
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> list[str]:
        original(self, *args, **kwargs)
        return []

    around(ref, ref.options.OptionParser, "parse_command_line", lie)


@startup_lie("option-no-argv", "sys.argv is not read.", "options.argv", "startup.chain")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, args: Any = None, final: bool = True) -> Any:
        return original(self, ["program"] if args is None else args, final)

    around(ref, ref.options.OptionParser, "parse_command_line", lie)


@startup_lie("option-twice", "The second definition of a name is ignored.", "options.defined-twice")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        with contextlib.suppress(ref.options.Error):
            original(self, *args, **kwargs)

    around(ref, ref.options.OptionParser, "define", lie)


@startup_lie("option-no-callback", "Callbacks of options are not called.", "options.callback")
def _(ref: Patches) -> None:
    defining(ref, callback=None)


@startup_lie("option-always-final", "final=False is ignored.", "options.parse-callback")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, args: Any = None, final: bool = True) -> Any:
        return original(self, args)

    around(ref, ref.options.OptionParser, "parse_command_line", lie)


@startup_lie(
    "option-elsewhere", "define() of the module is about a parser of its own.", "options.global", "startup.chain"
)
def _(ref: Patches) -> None:
    ref.replace(ref.options, "define", ref.options.OptionParser().define)


# -- start-up ---------------------------------------------------------------------------------------------------------


@startup_lie("startup-hidden-submodules", "A submodule is no attribute of the package.", "startup.submodules")
def _(ref: Patches) -> None:
    package = __import__(ref.package)
    for name in ("httpserver", "web"):
        getattr(ref, name)
        ref.replace(package, name, types.ModuleType(name))


@startup_lie("startup-deaf-server", "HTTPServer.listen does not listen.", "startup.chain", "startup.own-application")
def _(ref: Patches) -> None:
    ref.replace(ref.httpserver.HTTPServer, "listen", nothing)


@startup_lie("startup-deaf-application", "Application.listen does not listen.", "startup.hello")
def _(ref: Patches) -> None:
    ref.replace(ref.web.Application, "listen", nothing)


@startup_lie("startup-second-loop", "IOLoop.instance() is not the loop that runs.", "startup.one-loop", "startup.chain")
def _(ref: Patches) -> None:
    ref.replace(ref.ioloop.IOLoop, "instance", staticmethod(object))


# -- log lines --------------------------------------------------------------------------------------------------------


@startup_lie("log-bare", "A log line is the bare message.", "log.line", "log.command-line")
def _(ref: Patches) -> None:
    around(ref, ref.log.LogFormatter, "format", lambda original, self, record: record.getMessage())


@startup_lie("log-forgeable", "The further lines of a message are not indented.", "log.continuation")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, record: Any) -> Any:
        return original(self, record).replace("\n    ", "\n")

    around(ref, ref.log.LogFormatter, "format", lie)


def pretty(ref: Patches, lie: Callable[..., None]) -> None:
    """Answer calls of enable_pretty_logging with ``lie(original, options, logger)``."""
    original = ref.log.enable_pretty_logging
    ref.replace(ref.log, "enable_pretty_logging", lambda options=None, logger=None: lie(original, options, logger))


@startup_lie("log-twice", "Each call of enable_pretty_logging adds a handler.", "log.pretty-once")
def _(ref: Patches) -> None:
    def lie(original: Any, options: Any, logger: Any) -> None:
        target = logger or logging.getLogger()
        before, target.handlers = target.handlers, []
        original(options, target)
        target.handlers = before + target.handlers

    pretty(ref, lie)


@startup_lie("log-none-is-info", "logging=none is taken for info.", "log.none")
def _(ref: Patches) -> None:
    def lie(original: Any, options: Any, logger: Any) -> None:
        if options is not None and options.logging == "none":
            options.logging = "info"
        original(options, logger)

    pretty(ref, lie)
