"""The insides of ``waterspout.options``."""

from __future__ import annotations

import copy
import datetime
import io
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from waterspout.options import Error, OptionParser


@pytest.fixture
def options() -> OptionParser:
    """Options of every kind."""
    made = OptionParser()
    made.define("port", 8888, help="where to listen")
    made.define("my_name", "text", group="application")
    made.define("switch", False)
    made.define("numbers", type=int, multiple=True)
    made.define("words", type=str, multiple=True, default=["q"])
    made.define("when", type=datetime.datetime)
    made.define("span", type=datetime.timedelta)
    return made


def parse(options: OptionParser, *arguments: str) -> list[str]:
    """Parse a command line without the program's name."""
    return options.parse_command_line(["program", *arguments], final=False)


@pytest.mark.parametrize(
    ("argument", "name", "value"),
    [
        ("--port=1", "port", 1),
        ("-port=1", "port", 1),
        ("--my-name=a=b", "my_name", "a=b"),
        ("--my_name=", "my-name", ""),
        ("--switch", "switch", True),
        ("--switch=F", "switch", False),
        ("--numbers=1,5:8", "numbers", [1, 5, 6, 7, 8]),
        ("--words=a,1:3", "words", ["a", "1:3"]),
        ("--when=2025-01-31 23:59", "when", datetime.datetime(2025, 1, 31, 23, 59)),
        ("--when=20250131", "when", datetime.datetime(2025, 1, 31)),
        ("--span=1h 30m", "span", datetime.timedelta(hours=1.5)),
        ("--span=1.5", "span", datetime.timedelta(seconds=1.5)),
        ("--span=2 days 10us", "span", datetime.timedelta(days=2, microseconds=10)),
    ],
)
def test_values_are_read_by_type(options: OptionParser, argument: str, name: str, value: Any) -> None:
    """The text on the command line becomes a value of the option's type."""
    parse(options, argument)

    assert options[name] == value


@pytest.mark.parametrize(
    ("argument", "complaint"),
    [
        ("--port=x", "'port' does not take 'x'"),
        ("--port", "'port' needs a value"),
        ("--numbers=", "'numbers' does not take ''"),
        ("--when=soon", "not a date or time: 'soon'"),
        ("--span=5 lightyears", "not a time span"),
        ("--span=9e99w", "too long"),
    ],
)
def test_values_that_cannot_be_read_name_the_option(options: OptionParser, argument: str, complaint: str) -> None:
    """The error says which option, which text, and what would do."""
    with pytest.raises(Error, match=complaint):
        parse(options, argument)


def test_an_unknown_option_shows_the_help(options: OptionParser, capsys: pytest.CaptureFixture[str]) -> None:
    """And raises."""
    with pytest.raises(Error, match="unknown option 'prot'"):
        parse(options, "--prot=1")

    assert "where to listen (default 8888)" in capsys.readouterr().err


def test_options_end_at_the_first_argument_or_after_two_dashes(options: OptionParser) -> None:
    """What is left is returned as it is."""
    assert parse(options, "--port=1", "file", "--port=2") == ["file", "--port=2"]
    assert parse(options, "--", "--port=2") == ["--port=2"]
    assert options.port == 1


def test_a_name_is_defined_once_whatever_its_dashes(options: OptionParser) -> None:
    """The error says where the first definition stands."""
    with pytest.raises(Error, match=r"test_options\.py"):
        options.define("my-name")


def test_assigned_values_must_be_of_the_type(options: OptionParser) -> None:
    """Lists element by element; None is always allowed."""
    options.port = None
    options.numbers = [1, None]
    for name, value in (("port", "1"), ("numbers", 1), ("numbers", ["a"])):
        with pytest.raises(Error, match=name):
            setattr(options, name, value)

    assert (options.port, options.numbers) == (None, [1, None])


def test_an_undefined_option_is_no_attribute(options: OptionParser) -> None:
    """Reading and assigning raise AttributeError, and the parser can be copied."""
    with pytest.raises(AttributeError, match="nothing"):
        _ = options.nothing
    with pytest.raises(AttributeError, match="nothing"):
        options.nothing = 1

    assert copy.copy(options).port == 8888


def test_names_in_groups_are_those_that_were_defined(options: OptionParser) -> None:
    """So that a group can be passed on as keyword arguments."""
    assert options.group_dict("application") == {"my_name": "text"}
    assert options.groups() >= {"application", __file__}
    assert {"my_name", "port"} <= set(options) == set(options.as_dict()) == {name for name, _ in options.items()}
    assert "my-name" in options


def test_a_configuration_file_is_python(options: OptionParser, tmp_path: Path) -> None:
    """Values may be typed or text, other variables are ignored, and the file knows its own name."""
    file = tmp_path / "conf.py"
    file.write_text(
        'import os\nport = "80"\nmy_name = os.path.basename(__file__) + "é"\nnumbers = "1:3"\nother = 1\n',
        "utf-8",
    )
    options.parse_config_file(str(file))

    assert (options.port, options.my_name, options.numbers) == (80, "conf.pyé", [1, 2, 3])


def test_a_wrong_value_in_a_configuration_file_is_refused(options: OptionParser, tmp_path: Path) -> None:
    """Like an assignment."""
    file = tmp_path / "conf.py"
    file.write_text("port = 3.5\n")
    with pytest.raises(Error, match="port"):
        options.parse_config_file(str(file))


def test_callbacks_hear_of_values_and_of_the_end_of_parsing(options: OptionParser) -> None:
    """The latter only of the final parse."""
    heard: list[Any] = []
    options.define("loud", 1, callback=heard.append)
    options.add_parse_callback(lambda: heard.append("end"))
    parse(options, "--loud=4")
    options.parse_command_line(["program"])
    options.loud = 9

    assert heard == [4, "end", 9]


def test_help_lists_groups_and_wraps_long_texts(options: OptionParser, monkeypatch: pytest.MonkeyPatch) -> None:
    """No line is longer than a terminal, and --help ends the program."""
    monkeypatch.setattr("sys.argv", ["program"])
    options.define("a_very_long_name_of_an_option", metavar="VALUE", help="word " * 40)
    text = io.StringIO()
    options.print_help(text)
    lines = text.getvalue().split("\n")

    assert max(map(len, lines)) <= 79
    assert "application options:" in lines
    assert "  --a-very-long-name-of-an-option=VALUE" in lines
    with pytest.raises(SystemExit) as caught:
        parse(options, "--help")
    assert caught.value.code == 0


def test_options_can_be_patched_and_patches_nested(options: OptionParser) -> None:
    """Each end of a patch restores what was before it."""
    proxy = options.mockable()
    with mock.patch.object(proxy, "port", 1):
        with mock.patch.object(proxy, "port", 2):
            assert options.port == 2
        assert options.port == 1

    assert options.port == 8888
