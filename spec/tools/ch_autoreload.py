"""Starting again when the source changes

While a program is being developed it can start itself again whenever one of its modules changes, or another file that
it names. A server does so when its application has ``autoreload`` among the settings, which ``debug`` implies. A
program that ends by itself, such as a run of tests, waits for a change at its end; the command ``python -m
PACKAGE.autoreload`` does that for it, and also when the program could not even be imported.

The programs of this chapter change their own source. Each runs in a process of its own, which becomes the next one: it
has the same command line. What they print tells how often they began.
"""

from conformance import doc, must
from conformance.programs import running

#: Begins programs: ``stock`` is a module beside the program, ``change()`` alters its source until the process is gone.
START = """
import os, sys, threading, time

# By size and second of its source, what was compiled before a change would pass for what comes after it.
sys.dont_write_bytecode = True
folder = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, folder)
MODULE = os.path.join(folder, "stock.py")


def change(text="LEFT = 2", path=MODULE):
    # Again and again, with more in it each time: the file may be looked at for the first time later than now.
    def write():
        for size in range(300):
            with open(path + ".new", "w") as file:
                file.write(text + "\\n" + "#" * size)
            os.replace(path + ".new", path)
            time.sleep(0.02)
        os._exit(9)

    threading.Thread(target=write, daemon=True).start()


if not os.path.exists(MODULE):
    with open(MODULE, "w") as file:
        file.write(INITIAL)
"""


def program(body, initial="LEFT = 1\n"):
    """Return the source of a program that has a module ``stock``, whose source is ``initial`` at first."""
    return START.replace("INITIAL", repr(initial)) + body


def lines(target, source, *arguments):
    """Run a program to its end, and return its exit status and what it printed."""
    with running(target, source, *arguments) as child:
        return child.ended(), child.printed().splitlines()


SERVER = """
import stock

print("began", sys.argv[1:], stock.LEFT, flush=True)
if stock.LEFT == 2:
    sys.exit(0)
import PACKAGE.autoreload, PACKAGE.ioloop
BEFORE
change()
PACKAGE.ioloop.IOLoop.current().start()
"""


@must(
    "tools.autoreload.start",
    "After start(), a module whose source changes makes the program begin again, with the same arguments.",
    doc("autoreload.start"),
)
def test_start(target):
    source = program(SERVER.replace("BEFORE", "PACKAGE.autoreload.start(check_time=20)"))
    assert lines(target, source, "--port=1", "file") == (
        0,
        ["began ['--port=1', 'file'] 1", "began ['--port=1', 'file'] 2"],
    )


@must(
    "tools.autoreload.setting",
    "An application with the setting autoreload, or debug, starts that by itself.",
    doc("web.Application.settings"),
)
def test_setting(target):
    before = "import PACKAGE.web\nPACKAGE.web.Application([], debug=True)"
    assert lines(target, program(SERVER.replace("BEFORE", before))) == (0, ["began [] 1", "began [] 2"])


@must(
    "tools.autoreload.hooks",
    "The hooks are called in their order before the program begins again.",
    doc("autoreload.add_reload_hook"),
)
def test_hooks(target):
    hook = "lambda name=name: print(name, flush=True)"
    before = f"for name in ('one', 'two'):\n    PACKAGE.autoreload.add_reload_hook({hook})\n"
    source = program(SERVER.replace("BEFORE", before + "PACKAGE.autoreload.start(check_time=20)"))
    assert lines(target, source) == (0, ["began [] 1", "one", "two", "began [] 2"])


WATCHING = """
page = os.path.join(folder, "page.html")
print("began", os.path.exists(page), flush=True)
if os.path.exists(page):
    sys.exit(0)
import PACKAGE.autoreload, PACKAGE.ioloop
PACKAGE.autoreload.watch(page)
PACKAGE.autoreload.start(check_time=20)
change("text", page)
PACKAGE.ioloop.IOLoop.current().start()
"""


@must(
    "tools.autoreload.watch",
    "watch() adds a file that is no module to those whose change matters; it need not exist yet.",
    doc("autoreload.watch"),
)
def test_watch(target):
    assert lines(target, program(WATCHING)) == (0, ["began False", "began True"])


SUITE = """
import stock

print("tested", stock.LEFT, flush=True)
if stock.LEFT == 2:
    sys.exit(0)
import PACKAGE.autoreload
change()
PACKAGE.autoreload.wait()
print("went on", flush=True)
"""


@must(
    "tools.autoreload.wait",
    "wait() does not return: the program begins again when something has changed.",
    doc("autoreload.wait"),
)
def test_wait(target):
    assert lines(target, program(SUITE)) == (0, ["tested 1", "tested 2"])


#: Begins as the command ``python -m PACKAGE.autoreload`` does; its script, or module, is the program itself.
COMMAND = """
if sys.argv[1] == "as command":
    import runpy

    os.chdir(folder)
    sys.argv[1:] = [word.replace("SCRIPT", __file__) for word in sys.argv[2:]]
    runpy.run_module("PACKAGE.autoreload", run_name="__main__", alter_sys=True)
    sys.exit(0)
print("began", sys.argv[1:], __name__, flush=True)
try:
    import stock
except SyntaxError:
    change()
    raise
print("left", stock.LEFT, flush=True)
if stock.LEFT != 2:
    change()
    sys.exit(1)
"""


def commanded(target, initial, *arguments):
    """Run the command, and return its exit status and what its program printed, without log lines and tracebacks."""
    status, printed = lines(target, program(COMMAND, initial), "as command", *arguments)
    return status, [line for line in printed if line.startswith(("began", "left"))]


@must(
    "tools.autoreload.command.script",
    "The command runs a script with its arguments as the main module, and again when a syntax error was mended.",
    doc("autoreload.main"),
)
def test_command_script(target):
    outcome = commanded(target, "LEFT = (\n", "--until-success", "SCRIPT", "one", "two")
    assert outcome == (0, ["began ['one', 'two'] __main__", "began ['one', 'two'] __main__", "left 2"])


@must(
    "tools.autoreload.command.module",
    "With -m the command runs a module; --until-success ends it when the program has ended with status 0, not before.",
    doc("autoreload.main"),
)
def test_command_module(target):
    outcome = commanded(target, "LEFT = 1\n", "--until-success", "-m", "program", "one")
    assert outcome == (0, ["began ['one'] __main__", "left 1", "began ['one'] __main__", "left 2"])
