"""Options of a program, defined where they are used and set from the command line or a configuration file.

A module defines what it needs::

    from waterspout.options import define, options

    define("mysql_host", default="127.0.0.1:3306", help="main user database")

and reads ``options.mysql_host`` after the program has called :func:`parse_command_line` or
:func:`parse_config_file`. In names ``-`` and ``_`` are the same. Documentation: ``tornado.options``.
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TextIO

from waterspout._legacy_names import legacy_names
from waterspout._option_values import parse_list, parser_for
from waterspout.escape import to_unicode
from waterspout.log import define_logging_options
from waterspout.util import exec_in

__all__ = [
    "Error",
    "OptionParser",
    "add_parse_callback",
    "define",
    "options",
    "parse_command_line",
    "parse_config_file",
    "print_help",
]

_HELP_COLUMN = 35
_HELP_WIDTH = 79


OptionalText = str | None
#: Called with the new value of an option.
ValueCallback = Callable[[Any], None]


class Error(Exception):
    """An option was defined twice, is not known, or was given a value it does not take."""


class InvalidValue(Error, ValueError):
    """The text of a value cannot be read. Also a ValueError, like those of the types that read it."""


class UnknownOption(Error, AttributeError):
    """An option is not defined, and so is no attribute either."""


class _Unset:
    """Stands for the value of an option that was not set."""


def _normalized(name: str) -> str:
    return name.replace("_", "-")


class _Option:
    """One defined option and its value."""

    def __init__(
        self,
        name: str,
        default: Any,
        type_: type,
        help_: str | None,
        metavar: str | None,
        multiple: bool,
        defined_in: str,
        group: str,
        callback: Callable[[Any], None] | None,
    ) -> None:
        self.name = name
        self.default = [] if default is None and multiple else default
        self.type = type_
        self.help = help_
        self.metavar = metavar
        self.multiple = multiple
        self.defined_in = defined_in
        self.group = group
        self.callback = callback
        self._value: Any = _Unset

    def value(self) -> Any:
        return self.default if self._value is _Unset else self._value

    def parse(self, text: str) -> Any:
        """Set the value from text, and return it."""
        try:
            value = parse_list(self.type, text) if self.multiple else parser_for(self.type)(text)
        except ValueError as error:
            raise InvalidValue(f"option {self.name!r} does not take {text!r}: {error}") from error
        self._store(value)
        return value

    def set(self, value: Any) -> None:
        """Set the value; None is always allowed."""
        if self.multiple:
            self._check_list(value)
        elif value is not None and not isinstance(value, self.type):
            raise Error(f"option {self.name!r} takes {self.type.__name__}, not {type(value).__name__}: {value!r}")
        self._store(value)

    def _check_list(self, value: Any) -> None:
        if not isinstance(value, list):
            raise Error(f"option {self.name!r} takes a list of {self.type.__name__}, not {value!r}")
        for item in value:
            if item is not None and not isinstance(item, self.type):
                raise Error(f"option {self.name!r} takes a list of {self.type.__name__}; {item!r} in it is not one")

    def _store(self, value: Any) -> None:
        self._value = value
        if self.callback is not None:
            self.callback(value)


class OptionParser:
    """A set of options, whose values are its attributes. The global one is :data:`options`.

    Documentation: ``options.OptionParser``.
    """

    _options: dict[str, _Option]
    _parse_callbacks: list[Callable[[], None]]

    def __init__(self) -> None:
        # By way of __dict__, because assigning an attribute sets an option.
        self.__dict__["_options"] = {}
        self.__dict__["_parse_callbacks"] = []
        self.define("help", type=bool, help="show this help", group="", callback=self._show_help)

    def _show_help(self, wanted: bool) -> None:
        if wanted:
            self.print_help()
            sys.exit(0)

    def _find(self, name: str) -> _Option:
        try:
            return self._options[_normalized(name)]
        except KeyError:
            raise UnknownOption(f"no option {name!r} is defined") from None

    def __getattr__(self, name: str) -> Any:
        if name == "_options":
            # Copying asks an object that is not initialized yet.
            raise AttributeError(name)
        return self._find(name).value()

    def __setattr__(self, name: str, value: Any) -> None:
        self._find(name).set(value)

    def __getitem__(self, name: str) -> Any:
        return self._find(name).value()

    def __setitem__(self, name: str, value: Any) -> None:
        self._find(name).set(value)

    def __contains__(self, name: str) -> bool:
        return _normalized(name) in self._options

    def __iter__(self) -> Iterator[str]:
        return (option.name for option in self._options.values())

    def items(self) -> list[tuple[str, Any]]:
        """Return the names and values of all options."""
        return [(option.name, option.value()) for option in self._options.values()]

    def as_dict(self) -> dict[str, Any]:
        """Return the names and values of all options."""
        return dict(self.items())

    def groups(self) -> set[str]:
        """Return the names of all groups."""
        return {option.group for option in self._options.values()}

    def group_dict(self, group: str) -> dict[str, Any]:
        """Return the names and values of the options of a group; of all options for an empty name.

        ``Application(handlers, **options.group_dict("application"))`` is a use.
        """
        members = (option for option in self._options.values() if not group or group == option.group)
        return {option.name: option.value() for option in members}

    def define(
        self,
        name: str,
        default: Any = None,
        type: type | None = None,
        help: OptionalText = None,
        metavar: OptionalText = None,
        multiple: bool = False,
        group: str | None = None,
        callback: ValueCallback | None = None,
    ) -> None:
        """Define an option.

        ``type`` is that of the default if not given, else ``str``; ``multiple`` makes the value a list.
        ``metavar`` stands for the value in the help. ``group`` is where the help lists it, else the defining
        file. ``callback`` is called with each new value. Raises :exc:`Error` if the name is taken.
        Documentation: ``options.define``.
        """
        key = _normalized(name)
        if key in self._options:
            raise Error(f"option {name!r} is defined already, in {self._options[key].defined_in}")
        if type is None:
            type = str if multiple or default is None else default.__class__
        defined_in = _file_of_caller()
        self._options[key] = _Option(
            name,
            default,
            type,
            help,
            metavar,
            multiple,
            defined_in,
            defined_in if group is None else group,
            callback,
        )

    def parse_command_line(self, args: list[str] | None = None, final: bool = True) -> list[str]:
        """Set options from a command line, ``sys.argv`` if none is given, and return what is left of it.

        The first element is the program's name. Options have the form ``--name=value``; switches may leave
        out the value. Options end at the first argument without dashes, or after ``--``. With ``final`` the
        parse callbacks are run. Raises :exc:`Error`. Documentation: ``options.parse_command_line``.
        """
        if args is None:
            args = sys.argv
        rest: list[str] = []
        for position, argument in enumerate(args[1:], 1):
            if not argument.startswith("-"):
                rest = args[position:]
                break
            if argument == "--":
                rest = args[position + 1 :]
                break
            self._parse_argument(argument)
        if final:
            self.run_parse_callbacks()
        return rest

    def _parse_argument(self, argument: str) -> None:
        name, equals, text = argument.lstrip("-").partition("=")
        option = self._options.get(_normalized(name))
        if option is None:
            self.print_help()
            raise Error(f"unknown option {name!r} on the command line")
        if not equals:
            if option.type is not bool:
                raise Error(f"option {name!r} needs a value: --{name}=...")
            text = "true"
        option.parse(text)

    def parse_config_file(self, path: str, final: bool = True) -> None:
        """Set options from a file of Python, whose variables named like options are taken.

        A value may be of the option's type or text as on the command line. Other variables are ignored.
        Raises :exc:`Error`, and whatever the file raises. Documentation: ``options.parse_config_file``.
        """
        variables: dict[str, Any] = {"__file__": os.path.abspath(path)}
        with open(path, "rb") as file:
            exec_in(compile(to_unicode(file.read()), path, "exec", dont_inherit=True), variables, variables)
        for name, value in variables.items():
            option = self._options.get(_normalized(name))
            if option is None:
                continue
            if isinstance(value, str) and (option.multiple or option.type is not str):
                option.parse(value)
            else:
                option.set(value)
        if final:
            self.run_parse_callbacks()

    def print_help(self, file: TextIO | None = None) -> None:
        """Write all options, by group, to a file or to standard error."""
        lines = [f"Usage: {sys.argv[0]} [OPTIONS]", "", "Options:", ""]
        for group in sorted(self.groups()):
            if group:
                lines += ["", f"{os.path.normpath(group)} options:", ""]
            members = (option for option in self._options.values() if option.group == group)
            for option in sorted(members, key=lambda option: option.name):
                lines += _help_of(option)
        print("\n".join([*lines, ""]), file=file or sys.stderr)

    def run_parse_callbacks(self) -> None:
        """Call the functions of :meth:`add_parse_callback`."""
        for callback in self._parse_callbacks:
            callback()

    def add_parse_callback(self, callback: Callable[[], None]) -> None:
        """Have a function called when parsing is finished."""
        self._parse_callbacks.append(callback)

    def mockable(self) -> _Mockable:
        """Return a proxy whose attributes :func:`unittest.mock.patch.object` can replace."""
        return _Mockable(self)


class _Mockable:
    """Passes attributes on to the options; deleting one, as patching does, restores the option."""

    def __init__(self, options: OptionParser) -> None:
        self.__dict__["_options"] = options
        # A list, because patches of one option may be nested.
        self.__dict__["_replaced"] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._options, name)

    def __setattr__(self, name: str, value: Any) -> None:
        # Remembered first: a patch with a value that the option does not take is ended as well.
        self._replaced.append((name, getattr(self._options, name)))
        setattr(self._options, name, value)

    def __delattr__(self, name: str) -> None:
        for position in reversed(range(len(self._replaced))):
            if self._replaced[position][0] == name:
                _, original = self._replaced.pop(position)
                setattr(self._options, name, original)
                return
        raise AttributeError(f"option {name!r} is not patched")


def _file_of_caller() -> str:
    """Return the file of the innermost frame that is not of this module."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return frame.f_code.co_filename


def _help_of(option: _Option) -> list[str]:
    left = f"  --{_normalized(option.name)}" + (f"={option.metavar}" if option.metavar else "")
    text = option.help or ""
    if option.default not in (None, ""):
        text += f" (default {option.default})"
    right = textwrap.wrap(text, _HELP_WIDTH - _HELP_COLUMN) or [""]
    if len(left) >= _HELP_COLUMN:
        # No room beside it: the text starts below.
        right.insert(0, "")
    return [
        f"{start:<{_HELP_COLUMN}}{line}".rstrip()
        for start, line in zip([left, *[""] * len(right)], right, strict=False)
    ]


#: The options of the program.
options = OptionParser()


def define(
    name: str,
    default: Any = None,
    type: type | None = None,
    help: OptionalText = None,
    metavar: OptionalText = None,
    multiple: bool = False,
    group: str | None = None,
    callback: ValueCallback | None = None,
) -> None:
    """Define an option of the program. See :meth:`OptionParser.define`."""
    options.define(name, default, type, help, metavar, multiple, group, callback)


def parse_command_line(args: list[str] | None = None, final: bool = True) -> list[str]:
    """Set the program's options from a command line. See :meth:`OptionParser.parse_command_line`."""
    return options.parse_command_line(args, final)


def parse_config_file(path: str, final: bool = True) -> None:
    """Set the program's options from a file. See :meth:`OptionParser.parse_config_file`."""
    options.parse_config_file(path, final)


def print_help(file: TextIO | None = None) -> None:
    """Write the program's options. See :meth:`OptionParser.print_help`."""
    options.print_help(file)


def add_parse_callback(callback: Callable[[], None]) -> None:
    """Have a function called when the program's options are parsed."""
    options.add_parse_callback(callback)


define_logging_options(options)

if not TYPE_CHECKING:
    # It moved to ``log`` in release 3.0.
    __getattr__ = legacy_names(__name__, {"enable_pretty_logging": "waterspout.log"})
