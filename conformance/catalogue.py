"""The table of contents: every chapter and requirement of the book, read from the chapters themselves."""

from __future__ import annotations

import functools
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from conformance.paths import BOOK, SPEC
from conformance.requirement import Requirement
from conformance.verdict import HarnessError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Entry:
    """One requirement in its place: chapter, function, code, and whether bytes or the Python API decide it."""

    requirement: Requirement
    chapter: str
    function: str
    on_the_wire: bool
    case: Callable[..., Any]

    @functools.cached_property
    def code(self) -> str:
        """The source of the case; found when somebody asks, for most runs do not."""
        return inspect.getsource(self.case)

    @property
    def line(self) -> int:
        """Number of the line at which the case begins."""
        # With its decorators, as its code object has it.
        return self.case.__code__.co_firstlineno

    @property
    def id(self) -> str:
        """The requirement's id."""
        return self.requirement.id


@dataclass(frozen=True)
class Chapter:
    """A chapter: its name (``http.messages``), title, prose, file, and requirements in the order of the text."""

    name: str
    part: str
    title: str
    prose: str
    path: Path
    entries: tuple[Entry, ...]

    @property
    def node(self) -> str:
        """The chapter's file as pytest names it."""
        return self.path.relative_to(BOOK).as_posix()


@functools.cache
def chapters() -> tuple[Chapter, ...]:
    """Return the chapters in the order of ``spec/contents.toml``.

    Raises HarnessError when the contents and the files disagree, or when two requirements share an id.
    """
    contents = tomllib.loads((SPEC / "contents.toml").read_text(encoding="utf-8"))
    found = {_name(path): path for path in sorted(SPEC.rglob("ch_*.py"))}
    listed = [(part["title"], name) for part in contents["part"] for name in part["chapters"]]
    unlisted = set(found) - {name for _, name in listed}
    unwritten = {name for _, name in listed} - set(found)
    if unlisted or unwritten:
        raise HarnessError(f"spec/contents.toml: not listed {sorted(unlisted)}, not written {sorted(unwritten)}")
    book = tuple(_chapter(part, name, found[name]) for part, name in listed)
    seen: dict[str, str] = {}
    for entry in (entry for chapter in book for entry in chapter.entries):
        if entry.id in seen:
            raise HarnessError(f"requirement {entry.id} stands in {seen[entry.id]} and in {entry.chapter}")
        seen[entry.id] = entry.chapter
    return book


def entries() -> Iterator[Entry]:
    """Yield all requirements in the order of the book."""
    for chapter in chapters():
        yield from chapter.entries


def find(id: str) -> Entry | None:
    """Return the requirement ``id`` (also by its former id), or None."""
    return next((entry for entry in entries() if id in (entry.id, entry.requirement.formerly)), None)


def by_node(node: str) -> Entry | None:
    """Return the requirement that a pytest node id belongs to, or None."""
    path, _, rest = node.partition("::")
    function = rest.split("[")[0]
    for chapter in chapters():
        if chapter.node == path or path.endswith("/" + chapter.node):
            return next((entry for entry in chapter.entries if entry.function == function), None)
    return None


def _name(path: Path) -> str:
    area = path.parent.relative_to(SPEC).parts
    return ".".join([*area, path.stem.removeprefix("ch_")])


def _chapter(part: str, name: str, path: Path) -> Chapter:
    module = _load(name, path)
    title, _, prose = (module.__doc__ or name).partition("\n")
    found = []
    for function, value in vars(module).items():
        # Only functions are asked: the proxy of the package under test answers to any name.
        requirement = getattr(value, "requirement", None) if inspect.isfunction(value) else None
        if isinstance(requirement, Requirement) and function.startswith("test_"):
            wire = bool({"wire", "ws"} & set(inspect.signature(value).parameters))
            found.append(Entry(requirement, name, function, wire, value))
    return Chapter(name, part, title.strip().rstrip("."), prose.strip(), path, tuple(found))


def _load(name: str, path: Path) -> ModuleType:
    loader = importlib.util.spec_from_file_location(f"_chapter_{name.replace('.', '_')}", path)
    assert loader is not None
    assert loader.loader is not None
    module = importlib.util.module_from_spec(loader)
    loader.loader.exec_module(module)
    return module


def is_named(id: str, chapter: str, globs: Iterable[str]) -> bool:
    """Whether one of ``globs`` names the requirement, its chapter, or what either begins with."""
    return any(_matches(id, glob) or _matches(chapter, glob) for glob in globs)


def chapters_with(globs: Iterable[str]) -> list[Chapter]:
    """Return the chapters in which one of ``globs`` names a requirement."""
    return [
        chapter for chapter in chapters() if any(is_named(entry.id, chapter.name, globs) for entry in chapter.entries)
    ]


def _matches(name: str, glob: str) -> bool:
    pattern = re.escape(glob.split("[")[0].split("@")[0]).replace(r"\*", ".*")
    return re.fullmatch(pattern, name) is not None or name.startswith(glob + ".")
