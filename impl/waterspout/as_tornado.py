"""Run programs that were written for Tornado, unchanged: ``python -m waterspout.as_tornado program.py``.

What stands behind the module's name is a command line of Python's own: a script or ``-m module`` with arguments,
``-c code``, or nothing for a prompt. The interpreter is started anew with it, and there, as in all Python processes
that it starts, ``import tornado`` gives this package (see `waterspout.install_as_tornado`).
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import os
import subprocess
import sys
import tokenize
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_ALIAS = "tornado"
_PACKAGE = "waterspout"
_MODULE = f"{_PACKAGE}.as_tornado"
#: The directory of a ``sitecustomize`` that does in a new interpreter what `install` does here.
_STARTUP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_startup")


def install(*, children: bool = True) -> None:
    """Do what `waterspout.install_as_tornado` says."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        _refuse_when_late()
        sys.meta_path.insert(0, _Finder())
    if children:
        _reach_children()


def _refuse_when_late() -> None:
    for name, module in list(sys.modules.items()):
        if _own_name(name) is not None and module is not None:
            raise RuntimeError(
                f"Tornado itself is imported already ({name}, from {getattr(module, '__file__', None)}): "
                "call install_as_tornado() first, before anything that imports tornado"
            )


def _reach_children() -> None:
    others = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    os.environ["PYTHONPATH"] = os.pathsep.join([_STARTUP, *(path for path in others if path and path != _STARTUP)])


def _own_name(name: str) -> str | None:
    """Return the name here of a module of Tornado, None for any other module."""
    package, dot, rest = name.partition(".")
    return f"{_PACKAGE}{dot}{rest}" if package == _ALIAS else None


class _Finder:
    """Finds this package's modules, and its distribution, under Tornado's name."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how to import ``fullname``, or None if it is not for this finder, or not there."""
        own = _own_name(fullname)
        found = None if own is None else importlib.util.find_spec(own)
        if found is None:
            return None
        is_package = found.submodule_search_locations is not None
        return ModuleSpec(fullname, _Loader(found), origin=found.origin, is_package=is_package)

    def find_distributions(self, context: Any = None) -> Iterator[Any]:
        """Yield the distribution that ``importlib.metadata`` asks for, if it is Tornado's, or if it asks for all."""
        if (getattr(context, "name", None) or _ALIAS).lower() == _ALIAS:
            from waterspout._tornado_distribution import TornadoDistribution

            yield TornadoDistribution()

    def invalidate_caches(self) -> None:
        """Do nothing: nothing is kept."""


class _Loader(importlib.abc.InspectLoader):
    """Loads a module by importing that of this package, which then stands under both names."""

    def __init__(self, own: ModuleSpec) -> None:
        self._own = own

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave it to the import system to make a module; `exec_module` puts another one in its place."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Put this package's module in the place of ``module``, which the import system takes note of."""
        sys.modules[module.__name__] = importlib.import_module(self._own.name)

    # For ``python -m tornado.autoreload`` and its like, which run the code as it is.

    def get_source(self, fullname: str) -> str | None:
        """Return the source of the module."""
        if self._own.origin is None:
            return None
        # The file itself, because some loaders, pytest's for instance, do not tell.
        with tokenize.open(self._own.origin) as file:
            return file.read()

    def is_package(self, fullname: str) -> bool:
        """Whether the module is a package."""
        return self._own.submodule_search_locations is not None


def main() -> None:
    """Start the interpreter anew with the rest of the command line, and Tornado's name for this package."""
    if sys.flags.ignore_environment or sys.flags.no_site:
        sys.exit(f"python -m {_MODULE}: leave out -I, -E and -S: what they turn off is how programs find this package")
    _reach_children()
    command = [sys.executable, *_interpreter_options(), *sys.argv[1:]]
    if sys.platform == "win32":
        # There, exec would end this process while the program still runs, and who waits for it would go on.
        sys.exit(subprocess.call(command))
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, command)


def _interpreter_options() -> list[str]:
    """Return what stood between ``python`` and ``-m`` on the command line of this process."""
    given = sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv) + 1]
    *options, last = given[:-1] if given[-1] == _MODULE else given
    # Options in one letter may share a dash with the last of them: -Bm waterspout.as_tornado
    last = last.removesuffix(_MODULE).removesuffix("m")
    return options if last == "-" else [*options, last]


if __name__ == "__main__":
    main()
