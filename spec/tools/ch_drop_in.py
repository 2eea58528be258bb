"""Standing in for Tornado

A program that was written for Tornado says ``import tornado`` in many places, and so do the libraries it uses. It need
not change to run on another implementation, if that one takes the name: once, at the start of the program, or on the
command line, where Python's own arguments stand behind ``python -m PACKAGE.as_tornado``.

What has two names then is one thing. A class is the same class whether it was imported as Tornado's or not, and what
was pickled under one name is read under the other. What programs ask of the distribution, its release above all, has an
answer. And it holds for the processes that a program starts, however it starts them.
"""

import sys

from conformance import api, compat, doc, each, labelled, must, observed
from conformance.programs import running

#: How the programs here begin.
TAKEN = """
import PACKAGE
PACKAGE.install_as_tornado()
"""


def said(target, source, *arguments):
    """Return what a program printed, which has to end well."""
    with running(target, source, *arguments) as program:
        status, printed = program.ended(), program.printed()
    assert status == 0, printed
    return printed


@compat(
    "dropin.package.lazy",
    "A submodule is imported when it is first named as an attribute of the package; other names are AttributeErrors.",
    observed("tools-package"),
)
def test_lazy(target):
    source = """
        import PACKAGE, sys
        assert "PACKAGE.locks" not in sys.modules
        print(PACKAGE.locks.Lock is sys.modules["PACKAGE.locks"].Lock, hasattr(PACKAGE, "nothing"))
    """
    assert said(target, source) == "True False\n"


@must(
    "dropin.package.version",
    "version_info is four numbers, the fourth 0 for a release; version is the first three as text.",
    doc("tornado.version_info"),
)
def test_version():
    package = sys.modules[api.util.Configurable.__module__.partition(".")[0]]
    assert len(package.version_info) == 4
    assert package.version == ".".join(str(number) for number in package.version_info[:3])


SAME = """
import tornado.util, tornado.platform.asyncio as bridge
from tornado import gen, queues
import PACKAGE.util, PACKAGE.gen, PACKAGE.platform.asyncio
print(tornado.util.import_object is PACKAGE.util.import_object, bridge is PACKAGE.platform.asyncio, gen is PACKAGE.gen)
print(isinstance(tornado.util.ObjectDict(), PACKAGE.util.ObjectDict), queues.Queue is tornado.queues.Queue)
print(tornado.version, tornado.version_info)
"""


@must(
    "dropin.names.same-modules",
    "After install_as_tornado() both names, in every form of import, are of the same modules and classes.",
    doc("install_as_tornado"),
    needs=("drop-in",),
)
def test_same_modules(target):
    assert said(target, TAKEN + SAME) == "True True True\nTrue True\n6.6.1 (6, 6, 1, 0)\n"


UNKNOWN = """
import importlib.util
try:
    import tornado.nothing
except ModuleNotFoundError as error:
    print(error.name, importlib.util.find_spec("tornado.nothing"), importlib.util.find_spec("tornado.util") is None)
"""


@must(
    "dropin.names.unknown",
    "A module that there is not is a ModuleNotFoundError of the name that was asked for; find_spec() gives None.",
    doc("install_as_tornado"),
    needs=("drop-in",),
)
def test_unknown(target):
    assert said(target, TAKEN + UNKNOWN) == "tornado.nothing None False\n"


PICKLES = """
import pickle
found = pickle.loads(
    b"\\x80\\x04\\x8c\\x0ctornado.util\\x94\\x8c\\nObjectDict\\x94\\x93\\x94)\\x81\\x94\\x8c\\x01a\\x94K\\x01s."
)
import tornado.httputil, tornado.util
fields = pickle.loads(pickle.dumps(tornado.httputil.HTTPHeaders({"A": "b"})))
print(isinstance(found, tornado.util.ObjectDict), found.a, fields == tornado.httputil.HTTPHeaders({"A": "b"}))
"""


@must(
    "dropin.names.pickles",
    "What was pickled under Tornado's name can be read, and so can what was pickled since.",
    doc("install_as_tornado"),
    needs=("drop-in",),
)
def test_pickles(target):
    assert said(target, TAKEN + PICKLES) == "True 1 True\n"


METADATA = """
import pathlib, sys, tempfile, tornado
place = tempfile.TemporaryDirectory()
info = pathlib.Path(place.name, "tornado-1.0.dist-info")
info.mkdir()
(info / "METADATA").write_text("Metadata-Version: 2.1\\nName: tornado\\nVersion: 1.0\\n")
sys.path.insert(0, place.name)
from importlib.metadata import distributions, packages_distributions, version
print(version("tornado") == version("Tornado") == tornado.version)
print("tornado" in {one.metadata["Name"] for one in distributions()}, set(packages_distributions()["tornado"]))
"""


@must(
    "dropin.metadata.version",
    "importlib.metadata knows a distribution of Tornado's name, by whatever spelling, and its release, also where "
    "another release is installed.",
    doc("install_as_tornado"),
    needs=("drop-in",),
)
def test_metadata(target):
    assert said(target, TAKEN + METADATA) == "True\nTrue {'tornado'}\n"


@must(
    "dropin.late.refused",
    "When Tornado itself was imported before, install_as_tornado() raises RuntimeError, names it and changes nothing.",
    doc("install_as_tornado"),
    needs=("drop-in",),
)
def test_late(target):
    source = """
        import sys, types
        before = sys.modules["tornado.web"] = types.ModuleType("tornado.web")
        import PACKAGE
        try:
            PACKAGE.install_as_tornado()
        except RuntimeError as error:
            print("tornado.web" in str(error), sys.modules["tornado.web"] is before, "tornado" in sys.modules)
    """
    assert said(target, source) == "True True False\n"


AGAIN = """
import os, sys, tornado.util
before = list(sys.meta_path), os.environ["PYTHONPATH"], tornado.util
PACKAGE.install_as_tornado()
import tornado.util
print((list(sys.meta_path), os.environ["PYTHONPATH"], tornado.util) == before)
"""


@must(
    "dropin.late.again",
    "A second call of install_as_tornado() changes nothing, also after modules were imported by the other name.",
    doc("install_as_tornado"),
    needs=("drop-in",),
)
def test_again(target):
    assert said(target, TAKEN + AGAIN) == "True\n"


NAMED = """
import tornado.util
print(tornado.util.__name__, __name__.strip("_"), flush=True)
"""
SPAWNED = """
import multiprocessing
def work():
    import tornado.util
    print(tornado.util.__name__, __name__.strip("_"), flush=True)
if __name__ == "__main__":
    child = multiprocessing.get_context("spawn").Process(target=work)
    child.start()
    child.join()
"""
STARTED = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {NAMED!r}], check=True)
"""
GRANDCHILD = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {STARTED!r}], check=True)
"""


@must(
    "dropin.children.reached",
    "Python processes that the program starts, and those that they start, have the other name, too.",
    doc("install_as_tornado"),
    needs=("drop-in",),
)
@each(
    child=[
        labelled("subprocess", (STARTED, "main")),
        labelled("grandchild", (GRANDCHILD, "main")),
        labelled("spawn", (SPAWNED, "mp_main")),
    ]
)
def test_children(target, child):
    source, main = child
    # A child of multiprocessing runs the program's beginning again; this one must not do the work for it.
    taken = "import sys\nif __name__ == '__main__':\n    import PACKAGE\n    PACKAGE.install_as_tornado()\n"
    assert said(target, taken + source) == f"{target.package}.util {main}\n"


ALONE = """
import os, PACKAGE
before = dict(os.environ)
PACKAGE.install_as_tornado(children=False)
import tornado.util
print(os.environ == before, tornado.util is PACKAGE.util)
"""


@must(
    "dropin.children.on-request",
    "install_as_tornado(children=False) leaves the environment alone.",
    doc("install_as_tornado"),
    needs=("drop-in",),
)
def test_no_children(target):
    assert said(target, ALONE) == "True True\n"


@must(
    "dropin.children.own-sitecustomize",
    "A sitecustomize that child processes would have run without it still runs, and sees the other name.",
    doc("install_as_tornado"),
    needs=("drop-in",),
)
def test_own_sitecustomize(target, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import tornado.util as found\nprint('own', found.__name__, flush=True)")
    source = """
import os, subprocess, sys
os.environ["PYTHONPATH"] += os.pathsep + sys.argv[1]
subprocess.run([sys.executable, "-c", "import sitecustomize; print(sitecustomize.found.__name__)"])
    """
    assert said(target, TAKEN + source, str(tmp_path)) == f"own {target.package}.util\n{target.package}.util\n"


COMMAND = """
import os, subprocess, sys
os.chdir(sys.argv.pop(1))
sys.exit(subprocess.run([sys.executable, "-bOm", "PACKAGE.as_tornado", *sys.argv[1:]]).returncode)
"""
UNCHANGED = """
import sys, tornado.util
print(__name__, tornado.util.__name__, sys.argv[1:], sys.flags.optimize, sys.flags.bytes_warning)
sys.exit(7)
"""


@must(
    "dropin.command.like-python",
    "Behind -m PACKAGE.as_tornado stands a command line of Python, options before it; the exit status is the same.",
    doc("as_tornado"),
    needs=("drop-in",),
)
@each(
    how=[
        labelled("script", ["unchanged.py"]),
        labelled("module", ["-m", "unchanged"]),
        labelled("code", ["-c", UNCHANGED]),
    ]
)
def test_command(target, tmp_path, how):
    (tmp_path / "unchanged.py").write_text(UNCHANGED)
    with running(target, COMMAND, str(tmp_path), *how, "a", "-b") as program:
        status, printed = program.ended(), program.printed()
    assert (status, printed) == (7, f"__main__ {target.package}.util ['a', '-b'] 1 1\n")


@must(
    "dropin.command.isolated",
    "With -I, -E or -S the command says why it cannot work, and ends with status 1.",
    doc("as_tornado"),
    needs=("drop-in",),
)
def test_command_isolated(target):
    source = """
        import runpy, subprocess, sys
        head = f"import sys; sys.path[:] = {sys.path!r}; import runpy; sys.argv = ['as_tornado', '-c', '0'];"
        code = head + "runpy.run_module('PACKAGE.as_tornado', run_name='__main__')"
        done = subprocess.run([sys.executable, "-I", "-c", code], stderr=subprocess.PIPE, text=True)
        print(done.returncode, "-I, -E and -S" in done.stderr)
    """
    assert said(target, source) == "1 True\n"
