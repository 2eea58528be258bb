"""Options, start-up, log lines.

A program on this interface begins in the same few lines whatever it does. It defines its options where they are used,
reads the command line once, builds an application, listens, and starts the loop, which does not return while the
program serves.

An option has a name, a default and a type; without a type it has that of its default. On the command line it is written
``--name=value``; a switch may leave out the value; ``-`` and ``_`` in names are the same. Options end at the first
argument without dashes, or at ``--``, and what follows is returned to the program. An option nobody defined is an
error, and so is to define one twice.

Reading the command line also turns on log lines made for people: a letter for the level, the time, the place in the
code, and the message. A message of several lines is indented from the second one on, so that no request can forge a
line of its own. Programs that set up ``logging`` themselves say ``--logging=none``, or never read a command line.

The programs of this chapter run as programs, in processes of their own. They are the classic ones: every introduction
to the framework has one of them.
"""

import datetime
import logging
import re
import sys

import pytest

from conformance import api, compat, doc, each, labelled, must, observed, seed
from conformance.programs import running


def parsed(*arguments, **definitions):
    """Return a parser with ``definitions`` (name to arguments of define) that has read ``arguments``."""
    parser = api.options.OptionParser()
    for name, definition in definitions.items():
        parser.define(name, **definition)
    parser.parse_command_line(["program", *arguments])
    return parser


# -- options ----------------------------------------------------------------------------------------------------------


@must(
    "tools.options.default",
    "An option that the command line does not name has its default, or None without one.",
    doc("options.define"),
    seed("SEED-010"),
)
def test_default():
    parser = parsed(port={"default": 8000, "help": "run on this port", "type": int}, name={}, tags={"multiple": True})
    assert (parser.port, parser.name, parser.tags) == (8000, None, [])


@must(
    "tools.options.types",
    "The value on the command line is read as the option's type.",
    doc("options.define"),
)
@each(
    option=[
        labelled("int", (int, "8888", 8888)),
        labelled("float", (float, "0.5", 0.5)),
        labelled("str", (str, "a=b c", "a=b c")),
        labelled("bool", (bool, "false", False)),
        labelled("timedelta", (datetime.timedelta, "1h 30m", datetime.timedelta(hours=1, minutes=30))),
        labelled("datetime", (datetime.datetime, "2024-05-06 07:08", datetime.datetime(2024, 5, 6, 7, 8))),
    ]
)
def test_types(option):
    kind, written, value = option
    found = parsed(f"--option={written}", option={"type": kind}).option
    assert (type(found), found) == (kind, value)


@must(
    "tools.options.type-of-default",
    "Without a type, an option has the type of its default, and without both it is text.",
    doc("options.define"),
)
def test_type_of_default():
    parser = parsed("--port=80", "--rate=2", "--name=7", port={"default": 1}, rate={"default": 0.5}, name={})
    assert [repr(value) for value in (parser.port, parser.rate, parser.name)] == ["80", "2.0", "'7'"]


@must(
    "tools.options.wrong-value",
    "A value that the type cannot read is an error, and the option keeps its default.",
    doc("options.define"),
)
def test_wrong_value():
    parser = api.options.OptionParser()
    parser.define("port", default=8000, type=int)
    with pytest.raises((ValueError, api.options.Error)):
        parser.parse_command_line(["program", "--port=http"])
    assert parser.port == 8000


@must(
    "tools.options.switch",
    "A switch without a value is on; --name=false turns it off.",
    doc("options.parse_command_line"),
)
def test_switch():
    parser = parsed("--debug", "--colour=false", debug={"default": False}, colour={"default": True})
    assert (parser.debug, parser.colour) == (True, False)


@must(
    "tools.options.multiple",
    "An option with multiple=True is a list: commas separate the values, and first:last is a range of integers.",
    doc("options.define"),
)
@each(
    option=[
        labelled("text", (str, "ann,bob", ["ann", "bob"])),
        labelled("one", (str, "ann", ["ann"])),
        labelled("range", (int, "1,3:5,9", [1, 3, 4, 5, 9])),
    ]
)
def test_multiple(option):
    kind, written, values = option
    assert parsed(f"--option={written}", option={"type": kind, "multiple": True}).option == values


@must(
    "tools.options.dashes",
    "In names, a dash and an underscore are the same.",
    doc("options.OptionParser"),
)
def test_dashes():
    parser = parsed("--db-host=a", "--db_port=1", db_host={}, **{"db-port": {"type": int}})
    assert (parser.db_host, parser["db-host"], parser.db_port) == ("a", "a", 1)


@must(
    "tools.options.arguments-left",
    "parse_command_line returns the arguments from the first one without dashes on, or those behind --.",
    doc("options.parse_command_line"),
)
@each(
    line=[
        labelled("none", (["--port=1"], [])),
        labelled("word", (["--port=1", "file", "--port=2"], ["file", "--port=2"])),
        labelled("dashes", (["--port=1", "--", "--port=2"], ["--port=2"])),
    ]
)
def test_arguments_left(line):
    arguments, left = line
    parser = api.options.OptionParser()
    parser.define("port", default=8000)
    assert (parser.parse_command_line(["program", *arguments]), parser.port) == (left, 1)


@must(
    "tools.options.argv",
    "Without an argument, parse_command_line reads sys.argv, whose first element is the program.",
    doc("options.parse_command_line"),
    seed("SEED-010"),
)
def test_argv(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["--port=1", "--port=2", "rest"])
    parser = api.options.OptionParser()
    parser.define("port", default=8000)
    assert (parser.parse_command_line(), parser.port) == (["rest"], 2)


@must(
    "tools.options.unknown",
    "An option that is not defined is an options.Error, which names it.",
    doc("options.Error"),
)
@each(argument=["--prot=80", "--prot"])
def test_unknown(argument):
    parser = api.options.OptionParser()
    parser.define("port", default=8000)
    with pytest.raises(api.options.Error, match="prot"):
        parser.parse_command_line(["program", argument])


@must(
    "tools.options.defined-twice",
    "To define a name twice is an options.Error; the first definition stays.",
    doc("options.define"),
)
@each(again=["db-host", "db_host"])
def test_defined_twice(again):
    parser = api.options.OptionParser()
    parser.define("db_host", default="first")
    with pytest.raises(api.options.Error):
        parser.define(again, default="second")
    assert parser.db_host == "first"


@must(
    "tools.options.callback",
    "The callback of an option is called with each new value.",
    doc("options.define"),
)
def test_callback():
    values = []
    parser = parsed("--port=80", port={"default": 8000, "callback": values.append})
    parser.port = 81
    assert values == [80, 81]


@must(
    "tools.options.parse-callback",
    "Parse callbacks are called when the last source of options was read, which final=False says is still to come.",
    doc("options.OptionParser.add_parse_callback"),
)
def test_parse_callback():
    seen = []
    parser = api.options.OptionParser()
    parser.define("port", default=8000)
    parser.add_parse_callback(lambda: seen.append(parser.port))
    parser.parse_command_line(["program", "--port=1"], final=False)
    assert seen == []
    parser.parse_command_line(["program", "--port=2"])
    assert seen == [2]


@must(
    "tools.options.global",
    "define and options of the module are about one parser, that of the program.",
    doc("options.options"),
    seed("SEED-010"),
)
def test_global():
    api.options.define("suite_colour", default="red")
    assert api.options.options.suite_colour == "red"
    assert api.options.parse_command_line(["program", "--suite-colour=blue", "rest"], final=False) == ["rest"]
    assert (api.options.options.suite_colour, api.options.options["suite_colour"]) == ("blue", "blue")


# -- start-up ---------------------------------------------------------------------------------------------------------


@must(
    "tools.startup.submodules",
    "Importing the submodules makes them usable through the name of the package.",
    seed("SEED-009"),
)
@each(
    module=[
        "httpclient.AsyncHTTPClient",
        "httpserver.HTTPServer",
        "ioloop.IOLoop",
        "options.define",
        "web.Application",
        "websocket.WebSocketHandler",
    ]
)
def test_submodules(target, module):
    name = module.split(".")[0]
    with running(target, f"import PACKAGE.{name}\nprint('found', PACKAGE.{module}.__name__)") as program:
        assert program.ended() == 0, program.printed()
        assert program.printed().strip() == f"found {module.split('.')[1]}"


#: Starts as the programs of the source do; the number of the port is an option.
BY_OPTION = """
import PACKAGE.httpserver
import PACKAGE.ioloop
import PACKAGE.options
import PACKAGE.web

from PACKAGE.options import define, options

define("port", default=DEFAULT, help="run on the given port", type=int)


class IndexHandler(PACKAGE.web.RequestHandler):
    def get(self):
        self.write("hello on " + str(options.port))


if __name__ == "__main__":
    PACKAGE.options.parse_command_line()
    app = PACKAGE.web.Application(handlers=[(r"/", IndexHandler)])
    http_server = PACKAGE.httpserver.HTTPServer(app)
    http_server.listen(options.port)
    PACKAGE.ioloop.IOLoop.instance().start()
"""


@must(
    "tools.startup.chain",
    "Options, Application, HTTPServer, listen and IOLoop.instance().start() make a program that serves.",
    *map(seed, ("SEED-010", "SEED-017")),
)
@each(port=[labelled("by default", ("PORT", [])), labelled("by option", ("1", ["--port=PORT"]))])
def test_chain(target, port):
    default, arguments = port
    with running(target, BY_OPTION.replace("DEFAULT", default), *arguments) as program:
        assert program.get("/") == (200, f"hello on {program.port}")
        assert program.get("/other")[0] == 404


CART = """
import PACKAGE.web
import PACKAGE.httpserver
import PACKAGE.ioloop
import PACKAGE.options


class StatusHandler(PACKAGE.web.RequestHandler):
    async def get(self):
        self.write({"inventoryCount": self.application.stock})


class Application(PACKAGE.web.Application):
    def __init__(self):
        self.stock = 10
        PACKAGE.web.Application.__init__(self, [(r"/cart/status", StatusHandler)], debug=False)


if __name__ == "__main__":
    PACKAGE.options.parse_command_line()
    app = Application()
    server = PACKAGE.httpserver.HTTPServer(app)
    server.listen(PORT)
    PACKAGE.ioloop.IOLoop.instance().start()
"""


@must(
    "tools.startup.own-application",
    "A program may make an Application class of its own, and read a command line without options of its own.",
    seed("SEED-073"),
)
def test_own_application(target):
    with running(target, CART) as program:
        assert program.get("/cart/status") == (200, '{"inventoryCount": 10}')


HELLO = """
import PACKAGE.ioloop
import PACKAGE.web


class MainHandler(PACKAGE.web.RequestHandler):
    def get(self):
        self.write("Hello, world")


if __name__ == "__main__":
    application = PACKAGE.web.Application([(r"/", MainHandler)])
    application.listen(PORT)
    PACKAGE.ioloop.IOLoop.current().start()
"""


@must(
    "tools.startup.hello",
    "Application.listen and IOLoop.current().start() are all a program needs to serve.",
    doc("web.Application.listen"),
    seed("SEED-257"),
)
def test_hello(target):
    with running(target, HELLO) as program:
        assert program.get("/") == (200, "Hello, world")


@must(
    "tools.startup.unknown-option",
    "A program that is given an option nobody defined ends with an error that names it, and does not serve.",
    doc("options.parse_command_line"),
)
def test_unknown_option(target):
    with running(target, BY_OPTION.replace("DEFAULT", "PORT"), "--prot=80") as program:
        assert program.ended() != 0
        assert "prot" in program.printed()


@must(
    "tools.startup.one-loop",
    "On the main thread IOLoop.instance() is IOLoop.current(): there is one loop for the program.",
    doc("ioloop.IOLoop.instance"),
    seed("SEED-017"),
)
async def test_one_loop():
    loop = api.ioloop.IOLoop
    assert isinstance(loop.current(), loop)
    assert loop.instance() is loop.current()


# -- log lines --------------------------------------------------------------------------------------------------------


@must(
    "tools.log.command-line",
    "Reading the command line turns on log lines of level info on standard error; --logging says otherwise.",
    doc("options.parse_command_line"),
    doc("log.enable_pretty_logging"),
)
@each(level=["info", "warning", "none"])
def test_command_line(target, level):
    with running(target, BY_OPTION.replace("DEFAULT", "PORT"), f"--logging={level}") as program:
        # The line of a request is there when the next one is answered.
        statuses = [program.get(path)[0] for path in ("/", "/lost", "/")]
        lines = re.findall(r"^\[([IW]) \d{6} \d\d:\d\d:\d\d \w+:\d+\] (.* GET .*) \(", program.printed(), re.M)
    assert statuses == [200, 404, 200]
    expected = {"info": [("I", "200 GET /"), ("W", "404 GET /lost")], "warning": [("W", "404 GET /lost")], "none": []}
    assert lines[:2] == expected[level]


def line(message, *arguments, level=logging.WARNING, failure=None):
    """Return a log record as LogFormatter writes it without colour."""
    record = logging.LogRecord("suite", level, "/shop/cart.py", 12, message, arguments, failure)
    return api.log.LogFormatter(color=False).format(record)


@must(
    "tools.log.line",
    "A log line is the letter of its level, date and time, module and line in brackets, and the message.",
    doc("log.LogFormatter"),
)
@each(level=["DEBUG", "INFO", "WARNING", "ERROR"])
def test_line(level):
    written = line("%d left of %s", 9, "tea", level=getattr(logging, level))
    assert re.fullmatch(rf"\[{level[0]} \d{{6}} \d\d:\d\d:\d\d cart:12\] 9 left of tea", written)


@compat(
    "tools.log.continuation",
    "The further lines of a message, and those of an exception, are indented by four blanks.",
    observed("tools-log"),
)
def test_continuation():
    try:
        {}["missing"]
    except KeyError:
        failure = sys.exc_info()
    first, *others = line("bought\n[I 240506 07:08:09 cart:1] forged", failure=failure).split("\n")
    assert first.endswith("] bought")
    assert others[0] == "    [I 240506 07:08:09 cart:1] forged"
    assert others[-1] == "    KeyError: 'missing'"
    assert [other for other in others if not other.startswith("    ")] == []


@must(
    "tools.log.pretty-once",
    "enable_pretty_logging gives a logger the level and one handler with a LogFormatter; a second call adds none.",
    doc("log.enable_pretty_logging"),
)
def test_pretty_once():
    parser, logger = api.options.OptionParser(), logging.Logger("suite")
    api.log.define_logging_options(parser)
    parser.logging = "error"
    for _ in range(2):
        api.log.enable_pretty_logging(parser, logger)
        assert [type(handler.formatter) for handler in logger.handlers] == [api.log.LogFormatter]
    assert logger.level == logging.ERROR


@must(
    "tools.log.none",
    "With logging=none, enable_pretty_logging leaves the logger as it is.",
    doc("log.enable_pretty_logging"),
)
def test_pretty_none():
    parser, logger = api.options.OptionParser(), logging.Logger("suite", level=logging.CRITICAL)
    api.log.define_logging_options(parser)
    parser.logging = "none"
    api.log.enable_pretty_logging(parser, logger)
    assert (logger.handlers, logger.level) == ([], logging.CRITICAL)
