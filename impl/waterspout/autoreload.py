"""Starts the process again when its source changes, for development.

``Application(autoreload=True)``, which ``debug=True`` implies, calls :func:`start`: from then on the loop looks at the
files of all imported modules, and at those of :func:`watch`, twice a second. A program that ends by itself, such as
the runner of a test suite, calls :func:`wait` at its end, or is started by ``python -m waterspout.autoreload``, which
also waits while there is a syntax error to mend.

The new process has the command line, the environment and the working directory that this one began with. Nothing of
a process with several children in it (``fork_processes``) is started again: use one process for development.
Documentation: ``tornado.autoreload``.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import runpy
import signal
import subprocess
import sys
import time
import traceback
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from waterspout._loggers import app_log, gen_log
from waterspout.ioloop import IOLoop, PeriodicCallback

__all__ = ["add_reload_hook", "main", "start", "wait", "watch"]

#: Milliseconds between two looks at the files.
_CHECK_TIME = 500

#: What tells one content of a file from another: when it was written, and its size.
_State = tuple[int, int]

_watched: set[str] = set()
_hooks: list[Callable[[], object]] = []
# A loop that is gone takes its look-out along.
_checks: weakref.WeakKeyDictionary[IOLoop, PeriodicCallback] = weakref.WeakKeyDictionary()


def _working_directory() -> str | None:
    try:
        return os.getcwd()
    except OSError:
        # Somebody removed it.
        return None


# The command line may name files relative to it, and the program may go elsewhere later.
_first_directory = _working_directory()


class _Files:
    """The files of the program as they were when first seen."""

    def __init__(self) -> None:
        self._states: dict[str, _State | None] = {}

    def changed(self) -> str | None:
        """Return a file that is not as it was, None if there is none.

        A file that is gone counts as unchanged: editors replace files. One that was to be watched and appears later
        counts as changed.
        """
        for path in {*_module_files(), *_watched}:
            state = _state_of(path)
            if self._states.setdefault(path, state) != state and state is not None:
                return path
        return None


_files = _Files()


def _state_of(path: str) -> _State | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size


def _module_files() -> Iterator[str]:
    """Yield the files that the imported modules were read from."""
    for module in list(sys.modules.values()):
        # Some programs put objects there that do much when they are asked for an attribute.
        if isinstance(module, types.ModuleType):
            path = module.__dict__.get("__file__")
            if isinstance(path, str):
                yield path[:-1] if path.endswith(".pyc") else path


def start(check_time: Any = _CHECK_TIME, io_loop: Any = None) -> None:
    """Look at the files every ``check_time`` milliseconds, and start the process again when one has changed.

    It does so on the current loop, while that runs; on a loop where it does so already, nothing happens. ``io_loop``
    names another loop; in older releases it came first. Raises :exc:`ValueError` unless the time is positive.
    Documentation: ``autoreload.start``.
    """
    if isinstance(check_time, IOLoop):
        check_time, io_loop = io_loop or _CHECK_TIME, check_time
    loop = io_loop or IOLoop.current()
    if loop in _checks:
        return
    if _checks:
        gen_log.warning("autoreload is started on a second loop of this process: one of them is enough")
    check = PeriodicCallback(_reload_if_changed, check_time, io_loop=loop)
    # What is there now is what the program was made from.
    _files.changed()
    check.start()
    _checks[loop] = check


def wait() -> NoReturn:
    """Wait until a file changes, then start the process again. For the end of programs that end by themselves.

    Blocks the thread, and does not return. Documentation: ``autoreload.wait``.
    """
    while True:
        _reload_if_changed()
        time.sleep(_CHECK_TIME / 1000)


def watch(filename: str) -> None:
    """Look at a file that is no module, too: a template, a configuration. It need not exist yet.

    Documentation: ``autoreload.watch``.
    """
    path = os.path.abspath(filename)
    _watched.add(path)


def add_reload_hook(fn: Callable[[], object]) -> None:
    """Have ``fn()`` called before the process is started again, to let go of what should not outlive it.

    Descriptors that Python opens need none: the new process does not inherit them. Hooks are called in their order;
    one that fails is logged, and the next follows. Documentation: ``autoreload.add_reload_hook``.
    """
    _hooks.append(fn)


def _reload_if_changed() -> None:
    path = _files.changed()
    if path is not None:
        gen_log.info("%s has changed: starting again", path)
        _reload()


def _reload() -> NoReturn:
    for hook in _hooks:
        try:
            hook()
        except Exception:
            app_log.exception("a reload hook failed: %r", hook)
    for stream in (sys.stdout, sys.stderr):
        # What is buffered would be lost: this program does not end as others do.
        with contextlib.suppress(AttributeError, ValueError, OSError):
            stream.flush()
    if _first_directory is not None:
        with contextlib.suppress(OSError):
            os.chdir(_first_directory)
    if hasattr(signal, "setitimer"):
        # An alarm that is set would reach the new program, which does not expect it yet.
        signal.setitimer(signal.ITIMER_REAL, 0)
    _replace_process([sys.executable, *(sys.orig_argv[1:] or sys.argv)])


def _replace_process(command: list[str]) -> NoReturn:
    if sys.platform != "win32":
        try:
            os.execv(command[0], command)
        except OSError as error:
            # Some systems do not let a process with threads do that.
            gen_log.debug("no new program in this process (%s): it gets one of its own", error)
    # Where a process cannot change its program, its parent has to see it live until the new one ends.
    os._exit(subprocess.call(command))


# -- the command ------------------------------------------------------------------------------------------------------


class _Program:
    """What the command line of the wrapper says is to be run."""

    def __init__(self, module: str | None, path: str | None, arguments: list[str]) -> None:
        self.module = module
        self.path = path
        self.arguments = arguments

    def run(self) -> None:
        """Run it as the main module, with its own command line. Raises what it raises."""
        if self.module is not None:
            sys.argv = [sys.argv[0], *self.arguments]
            _watch_module(self.module)
            runpy.run_module(self.module, run_name="__main__", alter_sys=True)
        elif self.path is not None:
            sys.argv = [self.path, *self.arguments]
            # As Python does it: a script finds the modules beside it.
            sys.path[0] = os.path.dirname(os.path.abspath(self.path))
            watch(self.path)
            runpy.run_path(self.path, run_name="__main__")


def _watch_module(name: str) -> None:
    # What keeps its packages from being found, running it will tell.
    with contextlib.suppress(Exception):
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{name}.__main__")
        if spec is not None and spec.has_location and spec.origin is not None:
            watch(spec.origin)


def _watch_failure(error: BaseException) -> None:
    """Watch the files that an exception came through: a module whose import fails is not among those imported."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, SyntaxError) and cause.filename is not None:
            _watch_existing(cause.filename)
        for frame, _ in traceback.walk_tb(cause.__traceback__):
            _watch_existing(frame.f_code.co_filename)
        cause = cause.__cause__ or cause.__context__


def _watch_existing(path: str) -> None:
    # Code that was not read from a file has a name like <string>.
    if os.path.isfile(path):
        watch(path)


def _outcome_of(program: _Program) -> int:
    """Run the program, tell how it ended, and return its exit status."""
    try:
        program.run()
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
        if error.code is not None and not isinstance(error.code, int):
            gen_log.error("%s", error.code)
        (gen_log.info if status == 0 else gen_log.warning)("the program has ended with status %d", status)
        _watch_failure(error)
        return status
    except Exception as error:
        app_log.exception("the program has ended with an exception")
        _watch_failure(error)
        return 1
    gen_log.info("the program has ended")
    return 0


def _parsed(arguments: list[str]) -> tuple[_Program, bool]:
    parser = argparse.ArgumentParser(
        prog="python -m waterspout.autoreload",
        description="Run a program, and run it again whenever its source changes.",
        usage="%(prog)s [--until-success] (-m MODULE | PATH) [ARGUMENT ...]",
        allow_abbrev=False,
    )
    parser.add_argument("--until-success", action="store_true", help="end when the program ends with status 0")
    parser.add_argument("-m", dest="module", metavar="MODULE", nargs=argparse.REMAINDER, help="the module to run")
    parser.add_argument("path", metavar="PATH", nargs=argparse.REMAINDER, help="the script to run")
    given = parser.parse_args(arguments)
    if given.module:
        return _Program(given.module[0], None, given.module[1:]), given.until_success
    if given.path:
        return _Program(None, given.path[0], given.path[1:]), given.until_success
    parser.error("name the module (-m MODULE) or the script (PATH) to run")


def main() -> None:
    """Run the program that the command line names, again and again: ``python -m waterspout.autoreload``.

    ``[--until-success] (-m MODULE | PATH) [ARGUMENT ...]``: what follows the module or the script is the program's
    own. When the program has ended, in whatever way, the process waits for a change of its source; with
    ``--until-success`` it ends when the program has ended with status 0. Ends with status 2 if no program is named.
    Documentation: ``autoreload.main``.
    """
    program, until_success = _parsed(sys.argv[1:])
    status = _outcome_of(program)
    if until_success and status == 0:
        return
    wait()


if __name__ == "__main__":
    # The program imports this module by its name: that, and not __main__, must be the one that knows its hooks.
    importlib.import_module("waterspout.autoreload").main()
