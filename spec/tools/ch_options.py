"""Options in files, in groups, in tests

The command line is one source of options; a configuration file is another. It is a file of Python whose variables
are the options, so that it may compute what it sets. What it names and nobody defined is ignored: several programs may
share one file. A program that reads both says ``final=False`` for all sources but the last.

The values are attributes of a parser, and it is a mapping, too. Each option belongs to a group, by default the file
that defines it; the help lists the options by group, and a program takes those of a group at once.

Assigned values must have the type of the option: what no command line could say cannot be assigned either. Tests
replace a value for a while by ``mockable()``, because the attributes of the parser itself cannot be deleted, which is
how ``unittest.mock.patch`` ends.
"""

import datetime
import io
import sys
from unittest import mock

import pytest

from conformance import api, compat, doc, each, labelled, must, observed, should


def defined(**definitions):
    """Return a parser with ``definitions`` (name to arguments of define)."""
    parser = api.options.OptionParser()
    for name, definition in definitions.items():
        parser.define(name, **definition)
    return parser


def read_file(folder, text, final=True, **definitions):
    """Return a parser with ``definitions`` that has read a configuration file."""
    path = folder / "shop.conf"
    path.write_text(text, encoding="utf-8")
    parser = defined(**definitions)
    parser.parse_config_file(str(path), final=final)
    return parser


# -- configuration files ----------------------------------------------------------------------------------------------


@must(
    "tools.options.config.python",
    "A configuration file is Python: its variables that are called like options set them, all else is ignored.",
    doc("options.parse_config_file"),
)
def test_config_python(tmp_path):
    text = "import math\nport = 80 + math.floor(1.5)\ncity = 'K\u00f6ln'\nunknown = port\n"
    parser = read_file(tmp_path, text, port={"type": int}, city={}, debug={"default": False})
    assert (parser.port, parser.city, parser.debug) == (81, "K\u00f6ln", False)
    assert "unknown" not in parser


@must(
    "tools.options.config.text",
    "Text in a configuration file is read as on the command line when the option is of another type.",
    doc("options.parse_config_file"),
)
@each(
    option=[
        labelled("int", ({"type": int}, "80", 80)),
        labelled("bool", ({"type": bool}, "false", False)),
        labelled("timedelta", ({"type": datetime.timedelta}, "90s", datetime.timedelta(seconds=90))),
        labelled("multiple", ({"type": int, "multiple": True}, "1,3:5", [1, 3, 4, 5])),
        labelled("str", ({"type": str}, "1,3:5", "1,3:5")),
    ]
)
def test_config_text(tmp_path, option):
    definition, written, value = option
    assert read_file(tmp_path, f"option = {written!r}", option=definition).option == value


@must(
    "tools.options.config.list",
    "The value of an option with multiple=True may be a list.",
    doc("options.parse_config_file"),
)
def test_config_list(tmp_path):
    assert read_file(tmp_path, "tags = ['a,b', 'c']", tags={"multiple": True}).tags == ["a,b", "c"]


@must(
    "tools.options.config.dashes",
    "A variable with underscores sets an option that was defined with dashes.",
    doc("options.parse_config_file"),
)
def test_config_dashes(tmp_path):
    assert read_file(tmp_path, "db_host = 'a'", **{"db-host": {}}).db_host == "a"


@must(
    "tools.options.config.own-path",
    "A configuration file finds its own absolute path in __file__.",
    doc("options.parse_config_file"),
)
def test_config_own_path(tmp_path, monkeypatch):
    (tmp_path / "shop.conf").write_text("place = __file__")
    monkeypatch.chdir(tmp_path)
    parser = defined(place={})
    parser.parse_config_file("shop.conf")
    assert parser.place == str(tmp_path / "shop.conf")


@must(
    "tools.options.config.wrong-type",
    "A value of another type in a configuration file is an options.Error, which names the option.",
    doc("options.parse_config_file"),
)
@each(
    option=[
        labelled("float for int", ({"type": int}, "3.5")),
        labelled("number for list", ({"type": int, "multiple": True}, "3")),
        labelled("wrong item", ({"type": int, "multiple": True}, "[3, 'x']")),
    ]
)
def test_config_wrong_type(tmp_path, option):
    definition, written = option
    with pytest.raises(api.options.Error, match="number"):
        read_file(tmp_path, f"number = {written}", number=definition)


@must(
    "tools.options.config.callbacks",
    "Values from a file reach the callback of their option; parse callbacks follow unless more is to come.",
    doc("options.parse_config_file"),
)
@each(final=[True, False])
def test_config_callbacks(tmp_path, final):
    heard = []
    path = tmp_path / "shop.conf"
    path.write_text("port = '80'")
    parser = defined(port={"type": int, "callback": heard.append})
    parser.add_parse_callback(lambda: heard.append("parsed"))
    parser.parse_config_file(str(path), final=final)
    assert heard == ([80, "parsed"] if final else [80])


@must(
    "tools.options.config.override",
    "Of two sources, the one that is read last decides.",
    doc("options"),
)
def test_config_override(tmp_path):
    parser = read_file(tmp_path, "port = 80\nhost = 'file'", final=False, port={"default": 1}, host={})
    parser.parse_command_line(["program", "--port=81"])
    assert (parser.port, parser.host) == (81, "file")


# -- the parser as attributes and as a mapping ------------------------------------------------------------------------


@must(
    "tools.options.access.assign",
    "A value may be assigned, as an attribute or by item; None is allowed for every type.",
    doc("options.OptionParser"),
)
def test_assign():
    parser = defined(port={"default": 80}, host={"default": "a"}, tags={"multiple": True})
    parser.port, parser["host"], parser.tags = 81, "b", ["c"]
    assert (parser["port"], parser.host, parser.tags) == (81, "b", ["c"])
    parser.port = None
    assert parser.port is None


@must(
    "tools.options.access.assign-type",
    "To assign a value of another type than the option's is an options.Error, and changes nothing.",
    doc("options.Error"),
)
def test_assign_type():
    parser = defined(port={"default": 80}, tags={"type": str, "multiple": True})
    for name, value in (("port", "81"), ("port", 8.1), ("tags", "a"), ("tags", [1])):
        with pytest.raises(api.options.Error, match=name):
            parser[name] = value
    assert (parser.port, parser.tags) == (80, [])


@must(
    "tools.options.access.undefined",
    "A name that nobody defined is an AttributeError, read or assigned.",
    doc("options.OptionParser"),
)
def test_undefined():
    parser = defined(port={})
    assert not hasattr(parser, "prot")
    for use in (lambda: parser["prot"], lambda: setattr(parser, "prot", 1), lambda: parser.__setitem__("prot", 1)):
        with pytest.raises(AttributeError, match="prot"):
            use()


@must(
    "tools.options.access.mapping",
    "items() and as_dict() give all names and values, iteration the names, `in` looks for a name.",
    doc("options.OptionParser.items"),
    doc("options.OptionParser.as_dict"),
)
def test_mapping():
    parser = defined(port={"default": 80}, db_host={})
    assert parser.as_dict() == {"help": None, "port": 80, "db_host": None}
    assert sorted(parser.items()) == [("db_host", None), ("help", None), ("port", 80)]
    assert set(parser) == {"help", "port", "db_host"}
    assert ("port" in parser, "db-host" in parser, "prot" in parser) == (True, True, False)


@must(
    "tools.options.groups",
    "groups() names the groups, group_dict() gives the options of one; without a group it is the defining file.",
    doc("options.OptionParser.groups"),
    doc("options.OptionParser.group_dict"),
)
def test_groups():
    parser = defined(static_path={"group": "application"}, port={"default": 80, "group": "net"}, host={})
    assert parser.groups() >= {"application", "net", __file__}
    assert parser.group_dict("net") == {"port": 80}
    assert parser.group_dict(__file__) == {"host": None}
    assert parser.group_dict("nobody's") == {}


# -- help -------------------------------------------------------------------------------------------------------------


def helped(**definitions):
    """Return the help of a parser with ``definitions`` by line, without blank ones."""
    text = io.StringIO()
    defined(**definitions).print_help(text)
    return [line for line in text.getvalue().split("\n") if line.strip()]


@must(
    "tools.options.help.lines",
    "The help names each option as it is written, with its metavar, its help and its default.",
    doc("options.print_help"),
    doc("options.define"),
)
def test_help_lines():
    lines = helped(db_host={"metavar": "HOST", "help": "where the data is"}, port={"default": 80, "help": "to use"})
    host, port = (next(line.split() for line in lines if name in line) for name in ("--db-host", "--port"))
    assert host == ["--db-host=HOST", *["where", "the", "data", "is"]]
    assert port == ["--port", *["to", "use", "(default", "80)"]]
    assert any(line.split()[0] == "--help" for line in lines)


@must(
    "tools.options.help.groups",
    "The help lists the options of each group under its name.",
    doc("options.define"),
)
def test_help_groups():
    words = [line.split()[0] for line in helped(a={"group": "net"}, b={"group": "shop"}, c={"group": "net"})]
    assert [word for word in words if word in ("net", "shop", "--a", "--b", "--c")] == [
        "net",
        "--a",
        "--c",
        "shop",
        "--b",
    ]


@should(
    "tools.options.help.width",
    "Long help is wrapped: no line is longer than 79 characters.",
    doc("options.print_help"),
)
def test_help_width():
    lines = helped(a_rather_long_name_for_an_option={"help": "word " * 40, "metavar": "VALUE"})
    assert max(map(len, lines)) <= 79
    assert sum(line.count("word") for line in lines) == 40


@must(
    "tools.options.help.option",
    "--help prints the help to standard error and ends the program with status 0.",
    doc("options.parse_command_line"),
)
def test_help_option(capsys):
    parser = defined(port={"help": "where to listen"})
    with pytest.raises(SystemExit) as caught:
        parser.parse_command_line(["program", "--help"])
    assert caught.value.code in (0, None)
    assert "where to listen" in capsys.readouterr().err


@must(
    "tools.options.help.usage",
    "The help begins with the name of the program.",
    doc("options.print_help"),
)
def test_help_usage(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/shop/serve.py"])
    assert "/shop/serve.py" in helped()[0]


# -- values and tests -------------------------------------------------------------------------------------------------


@must(
    "tools.options.value.datetime",
    "A date may be written in several ways, with or without a time.",
    doc("options.define"),
)
@each(
    written=[
        "Mon May  6 07:08:00 2024",
        "2024-05-06 07:08:00",
        "2024-05-06 07:08",
        "2024-05-06T07:08",
        "20240506 07:08",
    ]
)
def test_datetime(written):
    parser = defined(when={"type": datetime.datetime})
    parser.parse_command_line(["program", f"--when={written}"])
    assert parser.when == datetime.datetime(2024, 5, 6, 7, 8)


@must(
    "tools.options.value.date",
    "A date without a time is its midnight.",
    doc("options.define"),
)
@each(written=["2024-05-06", "20240506"])
def test_date(written):
    parser = defined(when={"type": datetime.datetime})
    parser.parse_command_line(["program", f"--when={written}"])
    assert parser.when == datetime.datetime(2024, 5, 6)


@must(
    "tools.options.value.timedelta",
    "A span of time is a number with a unit, or a sum of such; a bare number counts seconds.",
    doc("options.define"),
)
@each(
    span=[
        labelled("bare", ("90", 90)),
        labelled("fraction", ("1.5h", 5400)),
        labelled("words", ("2 days", 172800)),
        labelled("sum", ("1h 30m 5s", 5405)),
        labelled("small", ("5ms", 0.005)),
        labelled("negative", ("-2min", -120)),
    ]
)
def test_timedelta(span):
    written, seconds = span
    parser = defined(span={"type": datetime.timedelta})
    parser.parse_command_line(["program", f"--span={written}"])
    assert parser.span.total_seconds() == seconds


@must(
    "tools.options.value.own-type",
    "Any class that takes text may be the type of an option.",
    doc("options.define"),
)
def test_own_type():
    class Colour(str):
        def __new__(cls, text):
            return super().__new__(cls, text.lower())

    parser = defined(colour={"type": Colour})
    parser.parse_command_line(["program", "--colour=RED"])
    assert (type(parser.colour), parser.colour) == (Colour, "red")


@compat(
    "tools.options.value.switch-words",
    "A switch is off for false, f and 0, in any case, and on for everything else.",
    observed("tools-options"),
)
@each(word=["FALSE", "f", "0", "true", "T", "1", "no", ""])
def test_switch_words(word):
    parser = defined(debug={"type": bool})
    parser.parse_command_line(["program", f"--debug={word}"])
    assert parser.debug is (word not in ("FALSE", "f", "0"))


@must(
    "tools.options.needs-value",
    "An option without a value on the command line is an options.Error, unless it is a switch.",
    doc("options.parse_command_line"),
)
def test_needs_value():
    with pytest.raises(api.options.Error, match="port"):
        defined(port={"type": int}).parse_command_line(["program", "--port"])


@must(
    "tools.options.mockable",
    "mock.patch.object on mockable() replaces a value until the patch ends, also within another patch.",
    doc("options.OptionParser.mockable"),
)
def test_mockable():
    parser = defined(port={"default": 80})
    proxy = parser.mockable()
    with mock.patch.object(proxy, "port", 81):
        with mock.patch.object(parser.mockable(), "port", 82):
            assert (parser.port, proxy.port) == (82, 82)
        assert parser.port == 81
    assert (parser.port, proxy.port) == (80, 80)


@must(
    "tools.options.mockable-type",
    "A patch with a value of another type fails as an assignment does, and changes nothing.",
    doc("options.OptionParser.mockable"),
)
def test_mockable_type():
    parser = defined(port={"default": 80})
    with pytest.raises(api.options.Error, match="port"):
        with mock.patch.object(parser.mockable(), "port", "text"):
            raise AssertionError("the patch did not fail")
    assert parser.port == 80


@must(
    "tools.options.module",
    "The functions of the module are about the options of the program.",
    doc("options"),
)
def test_module(tmp_path, capsys):
    seen = []
    module = api.options
    module.define("suite_port", default=80, group="suite", help="of the suite")
    module.add_parse_callback(lambda: seen.append(module.options.suite_port))
    (tmp_path / "shop.conf").write_text("suite_port = 81\nlogging = 'none'")
    module.parse_config_file(str(tmp_path / "shop.conf"))
    module.print_help()
    assert (seen, module.options.group_dict("suite")) == ([81], {"suite_port": 81})
    assert "of the suite" in capsys.readouterr().err
