"""Saboteurs of the chapter on standing in for Tornado. Its programs run in child processes, which lie as well."""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.loop_life import Lie


def drop_in_lie(name: str, lie: str, *kills: str) -> Lie:
    """Register a saboteur of this chapter; ``kills`` are ids without what they have in common."""
    return saboteur(name, lie, chapters="tools.drop_in", kills=tuple(f"dropin.{one}" for one in kills))


def installing(ref: Patches, lie: Callable[..., None]) -> None:
    """Answer calls of install_as_tornado with ``lie(original, children)``."""
    package = __import__(ref.package)
    original = package.install_as_tornado
    ref.replace(package, "install_as_tornado", lambda children=True: lie(original, children))


@drop_in_lie("drop-in-eager", "All of the package is imported at once.", "package.lazy")
def _(ref: Patches) -> None:
    assert ref.locks


@drop_in_lie("drop-in-own-release", "version is that of the implementation.", "package.version")
def _(ref: Patches) -> None:
    ref.replace(__import__(ref.package), "version", "0.1.0")


@drop_in_lie("drop-in-copies", "Modules are loaded a second time under the other name.", "names.same-modules")
def _(ref: Patches) -> None:
    package = __import__(ref.package)

    def lie(original: Any, children: bool) -> None:
        sys.modules["tornado"] = types.ModuleType("tornado")
        vars(sys.modules["tornado"]).update(__path__=package.__path__, version=package.version)

    installing(ref, lie)


class Anything:
    """A finder to which every module of Tornado is one of the package's, whether it is there or not."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        """Return an empty module for what there is not."""
        if not fullname.startswith("tornado.") or fullname.startswith(("tornado.util", "tornado.gen")):
            return None
        return types.SimpleNamespace(name=fullname, loader=None)


@drop_in_lie("drop-in-knows-anything", "Modules that there are not are found all the same.", "names.unknown")
def _(ref: Patches) -> None:
    def lie(original: Any, children: bool) -> None:
        original(children=children)
        sys.meta_path.append(Anything())

    installing(ref, lie)


@drop_in_lie("drop-in-forgets-pickles", "Classes are looked up by the name of the implementation.", "names.pickles")
def _(ref: Patches) -> None:
    def lie(original: Any, children: bool) -> None:
        original(children=children)
        sys.modules["tornado.util"] = types.ModuleType("tornado.util")

    installing(ref, lie)


@drop_in_lie("drop-in-no-distribution", "Only modules are found, no distribution.", "metadata.version")
def _(ref: Patches) -> None:
    def lie(original: Any, children: bool) -> None:
        original(children=children)
        del type(sys.meta_path[0]).find_distributions  # type: ignore[attr-defined]

    installing(ref, lie)


@drop_in_lie("drop-in-late-silent", "When Tornado is there already, nothing is said.", "late.refused")
def _(ref: Patches) -> None:
    def lie(original: Any, children: bool) -> None:
        if "tornado.web" not in sys.modules:
            original(children=children)

    installing(ref, lie)


@drop_in_lie("drop-in-piles-up", "Each call adds to the environment.", "late.again")
def _(ref: Patches) -> None:
    def lie(original: Any, children: bool) -> None:
        original(children=children)
        os.environ["PYTHONPATH"] += os.pathsep + "more"

    installing(ref, lie)


@drop_in_lie(
    "drop-in-childless", "Child processes are not told.", "children.reached", "children.own-sitecustomize", "late.again"
)
def _(ref: Patches) -> None:
    def lie(original: Any, children: bool) -> None:
        original(children=False)

    os.environ.pop("PYTHONPATH", None)
    installing(ref, lie)


@drop_in_lie("drop-in-tells-always", "children=False is ignored.", "children.on-request")
def _(ref: Patches) -> None:
    installing(ref, lambda original, children: original())


@drop_in_lie(
    "drop-in-hides-sitecustomize", "The sitecustomize of child processes is lost.", "children.own-sitecustomize"
)
def _(ref: Patches) -> None:
    def lie(original: Any, children: bool) -> None:
        original(children=children)
        first, _, rest = os.environ["PYTHONPATH"].partition(os.pathsep)
        # Between the one that child processes run and the program's.
        folder = Path(sys.argv[0]).parent
        (folder / "sitecustomize.py").write_text("import types\nfound = types.SimpleNamespace(__name__='other')\n")
        os.environ["PYTHONPATH"] = os.pathsep.join([first, str(folder), rest])

    installing(ref, lie)


def starting(ref: Patches, change: Callable[[list[str]], list[str]]) -> None:
    """Have every command line that the program runs be another one."""
    import subprocess

    original = subprocess.run
    ref.replace(subprocess, "run", lambda words, **kwargs: original(change(words), **kwargs))


@drop_in_lie("drop-in-drops-options", "Options of the interpreter are dropped.", "command.like-python")
def _(ref: Patches) -> None:
    starting(ref, lambda words: [word.replace("-bOm", "-m") for word in words])


@drop_in_lie("drop-in-always-isolated", "The command works, or seems to, with -I.", "command.isolated")
def _(ref: Patches) -> None:
    starting(ref, lambda words: [word for word in words if word != "-I"])
