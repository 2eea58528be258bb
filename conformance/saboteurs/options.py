"""Saboteurs of the chapter on options in files, in groups, in tests."""

from __future__ import annotations

import contextlib
import datetime
import io
import textwrap
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around
from conformance.saboteurs.loop_life import Lie


def options_lie(name: str, lie: str, *kills: str) -> Lie:
    """Register a saboteur of this chapter; ``kills`` are ids without what they have in common."""
    return saboteur(name, lie, chapters="tools.options", kills=tuple(f"tools.options.{one}" for one in kills))


# -- configuration files ----------------------------------------------------------------------------------------------


def reading_files(ref: Patches, lie: Callable[..., None]) -> None:
    """Answer calls of parse_config_file with ``lie(original, parser, path, final)``."""

    def call(original: Any, self: Any, path: str, final: bool = True) -> None:
        lie(original, self, path, final)

    around(ref, ref.options.OptionParser, "parse_config_file", call)


def rewriting(ref: Patches, change: Callable[[str], str]) -> None:
    """Have every configuration file read as if ``change`` had been made to its text."""

    def lie(original: Any, self: Any, path: str, final: bool) -> None:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(change(text))
        original(self, path, final)

    reading_files(ref, lie)


@options_lie("config-no-python", "Lines that compute something are left out.", "config.python")
def _(ref: Patches) -> None:
    rewriting(ref, lambda text: "\n".join(line for line in text.split("\n") if "math" not in line))


@options_lie("config-defines", "A variable nobody defined becomes an option.", "config.python")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, path: str, final: bool) -> None:
        self.define("unknown")
        original(self, path, final)

    reading_files(ref, lie)


def setting(ref: Patches, lie: Callable[[Any, Any], Any]) -> None:
    """Have every variable of a configuration file set as ``lie(value, old value)`` says."""

    def read(original: Any, self: Any, path: str, final: bool) -> None:
        variables: dict[str, Any] = {"__file__": path}
        with open(path, encoding="utf-8") as file:
            exec(file.read(), variables)
        for name, value in variables.items():
            if name in self:
                self[name] = lie(value, self[name])

    reading_files(ref, read)


@options_lie("config-text-untyped", "Text in a file is not read as the type of the option.", "config.text")
def _(ref: Patches) -> None:
    setting(ref, lambda value, old: value)


@options_lie("config-no-lists", "Lists in a file are ignored.", "config.list")
def _(ref: Patches) -> None:
    setting(ref, lambda value, old: old if isinstance(value, list) else value)


@options_lie("config-names-exact", "An option with dashes cannot be set by a file.", "config.dashes")
def _(ref: Patches) -> None:
    rewriting(ref, lambda text: text.replace("db_host", "db__host"))


@options_lie("config-relative-path", "__file__ is the path as it was given.", "config.own-path")
def _(ref: Patches) -> None:
    setting(ref, lambda value, old: value)


@options_lie("config-any-type", "Values of the wrong type in a file are ignored.", "config.wrong-type")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, path: str, final: bool) -> None:
        with contextlib.suppress(ref.options.Error):
            original(self, path, final)

    reading_files(ref, lie)


@options_lie("config-always-final", "final=False of a file is ignored.", "config.callbacks")
def _(ref: Patches) -> None:
    reading_files(ref, lambda original, self, path, final: original(self, path, True))


@options_lie("config-never-final", "A file is never the last source.", "config.callbacks", "module")
def _(ref: Patches) -> None:
    reading_files(ref, lambda original, self, path, final: original(self, path, False))


@options_lie("config-not-overridden", "The command line does not change what was set before.", "config.override")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, args: Any = None, final: bool = True) -> Any:
        before = self.as_dict()
        rest = original(self, args, final)
        for name, value in before.items():
            if value is not None:
                self[name] = value
        return rest

    around(ref, ref.options.OptionParser, "parse_command_line", lie)


# -- access -----------------------------------------------------------------------------------------------------------


@options_lie("option-read-only", "Assigning an option by item does nothing.", "access.assign")
def _(ref: Patches) -> None:
    around(ref, ref.options.OptionParser, "__setitem__", lambda original, self, name, value: None)


@options_lie("option-never-none", "None cannot be assigned.", "access.assign")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, value: Any) -> None:
        if value is None:
            raise ref.options.Error(f"{name} is None")
        original(self, name, value)

    around(ref, ref.options.OptionParser, "__setattr__", lie)


@options_lie("option-assigned-unchecked", "A value of another type is passed over.", "access.assign-type")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, value: Any) -> None:
        with contextlib.suppress(ref.options.Error):
            original(self, name, value)

    around(ref, ref.options.OptionParser, "__setitem__", lie)


@options_lie("option-none-for-unknown", "An option nobody defined is None.", "access.undefined")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str) -> Any:
        return original(self, name) if name.startswith("_") or name in self else None

    around(ref, ref.options.OptionParser, "__getattr__", lie)


@options_lie("options-without-unset", "items() leaves out what has no value.", "access.mapping")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any) -> Any:
        return [(name, value) for name, value in original(self) if value is not None]

    around(ref, ref.options.OptionParser, "items", lie)


@options_lie("options-contain-everything", "Every name is in the parser.", "access.mapping", "config.python")
def _(ref: Patches) -> None:
    around(ref, ref.options.OptionParser, "__contains__", lambda original, self, name: True)


@options_lie("options-in-one-group", "Groups are ignored.", "groups", "help.groups", "module")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, *args: Any, **kwargs: Any) -> None:
        original(self, name, *args[:6], **{**kwargs, "group": ""})

    around(ref, ref.options.OptionParser, "define", lie)


@options_lie("options-of-any-group", "group_dict() gives all options.", "groups")
def _(ref: Patches) -> None:
    around(ref, ref.options.OptionParser, "group_dict", lambda original, self, group: self.as_dict())


# -- help -------------------------------------------------------------------------------------------------------------


def helping(ref: Patches, change: Callable[[str], str]) -> None:
    """Have the help printed as ``change`` rewrites it."""

    def lie(original: Any, self: Any, file: Any = None) -> None:
        text = io.StringIO()
        original(self, text)
        print(change(text.getvalue()), file=file or ref.options.sys.stderr)

    around(ref, ref.options.OptionParser, "print_help", lie)


@options_lie("help-without-defaults", "The help does not name defaults.", "help.lines")
def _(ref: Patches) -> None:
    helping(ref, lambda text: text.replace("(default 80)", ""))


@options_lie("help-without-metavars", "The help does not name metavars.", "help.lines")
def _(ref: Patches) -> None:
    helping(ref, lambda text: text.replace("=HOST", ""))


@options_lie("help-alphabetical", "The help lists the options in one sequence.", "help.groups")
def _(ref: Patches) -> None:
    helping(ref, lambda text: "\n".join(sorted(text.split("\n"))))


@options_lie("help-unwrapped", "Help is on one line, however long.", "help.width")
def _(ref: Patches) -> None:
    helping(ref, lambda text: " ".join(text.split("\n")))


@options_lie("help-cut", "Help that does not fit its line is cut.", "help.width")
def _(ref: Patches) -> None:
    helping(
        ref, lambda text: "\n".join(textwrap.shorten(line, 60) for line in text.split("\n") if "   word" not in line)
    )


@options_lie("help-goes-on", "--help prints the help, and the program goes on.", "help.option")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return original(self, *args, **kwargs)
        except SystemExit:
            return []

    around(ref, ref.options.OptionParser, "parse_command_line", lie)


@options_lie("help-anonymous", "The help does not name the program.", "help.usage")
def _(ref: Patches) -> None:
    helping(ref, lambda text: text.replace("serve", "program"))


# -- values and tests -------------------------------------------------------------------------------------------------


def reading_as(ref: Patches, kind: type, parse: Callable[[str], Any]) -> None:
    """Have every option of a type read by ``parse``."""

    def lie(original: Any, self: Any, name: str, default: Any = None, type: Any = None, *args: Any, **kw: Any) -> None:
        if type is kind:
            type = builder(kind, parse)
        original(self, name, default, type, *args, **kw)

    around(ref, ref.options.OptionParser, "define", lie)


def builder(kind: type, parse: Callable[[str], Any]) -> type:
    """Return a class whose construction from text is ``parse``."""

    class Built:
        def __new__(cls, text: str) -> Any:
            return parse(text)

    Built.__name__ = kind.__name__
    return Built


@options_lie("option-iso-dates-only", "A date is written in one way.", "value.datetime", "value.date")
def _(ref: Patches) -> None:
    reading_as(ref, datetime.datetime, lambda text: datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S"))


@options_lie("option-dates-at-noon", "A date without a time is its noon.", "value.date")
def _(ref: Patches) -> None:
    def parse(text: str) -> datetime.datetime:
        written = "%Y-%m-%d" if "-" in text else "%Y%m%d"
        return datetime.datetime.strptime(text, written) + datetime.timedelta(hours=12)

    reading_as(ref, datetime.datetime, parse)


@options_lie("option-spans-in-seconds", "A span is a number of seconds.", "value.timedelta", "config.text")
def _(ref: Patches) -> None:
    reading_as(ref, datetime.timedelta, lambda text: datetime.timedelta(seconds=float(text)))


@options_lie("option-known-types-only", "A type of the program's own is taken for text.", "value.own-type")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, default: Any = None, type: Any = None, *args: Any, **kw: Any) -> None:
        if type is not None and type.__module__ not in ("builtins", "datetime"):
            type = str
        original(self, name, default, type, *args, **kw)

    around(ref, ref.options.OptionParser, "define", lie)


@options_lie("option-no-is-off", "A switch is off for no, too.", "value.switch-words")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, args: Any = None, final: bool = True) -> Any:
        return original(self, args and [arg.replace("=no", "=false") for arg in args], final)

    around(ref, ref.options.OptionParser, "parse_command_line", lie)


@options_lie("option-value-optional", "Any option may leave out its value.", "needs-value")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, args: Any = None, final: bool = True) -> Any:
        return original(self, args and [arg for arg in args if "=" in arg or not arg.startswith("-")], final)

    around(ref, ref.options.OptionParser, "parse_command_line", lie)


class _Plain:
    """Passes attributes on to a parser, whose values stay as patched."""

    def __init__(self, parser: Any) -> None:
        self.__dict__["parser"] = parser

    def __getattr__(self, name: str) -> Any:
        return getattr(self.parser, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.parser, name, value)

    def __delattr__(self, name: str) -> None:
        """Leave the value as it is, which is not what a patch is for."""


@options_lie("mock-for-ever", "A patch does not end.", "mockable")
def _(ref: Patches) -> None:
    around(ref, ref.options.OptionParser, "mockable", lambda original, self: _Plain(self))


class _Loose(_Plain):
    """Ends patches, but takes what does not fit for nothing."""

    def __setattr__(self, name: str, value: Any) -> None:
        with contextlib.suppress(Exception):
            setattr(self.parser, name, value)


@options_lie("mock-unchecked", "A patch with a value of another type is ignored.", "mockable-type")
def _(ref: Patches) -> None:
    around(ref, ref.options.OptionParser, "mockable", lambda original, self: _Loose(self))
