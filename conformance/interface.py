"""Coverage of the interface: which names of the Tornado API a package has, module by module.

``spec/sources/interface.jsonl`` lists what releases 2.4 to 6.6.1 document: names, kinds and parameters, of the current
release and of those before (legacy). A name is *there* when the package has something of its kind under it that takes
its parameters; *excluded* when ``spec/interface.toml`` says why a package need not have it; *missing* otherwise.
Whether what is there behaves, the chapters say.
"""

from __future__ import annotations

import dis
import functools
import importlib
import inspect
import json
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from conformance.paths import SOURCES, SPEC
from conformance.verdict import HarnessError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_CALLABLE = ("function", "method", "classmethod", "staticmethod")
_WITH_PARAMETERS = ("__init__", "__call__")


@dataclass(frozen=True)
class Name:
    """One documented name. ``path`` is that inside the module; ``removed`` is the release that lost it, if one did."""

    module: str
    path: str
    kind: str
    removed: str = ""
    parameters: tuple[str, ...] = ()
    legacy_parameters: tuple[str, ...] = ()

    @property
    def full(self) -> str:
        """The name with its module, as in ``web.RequestHandler.get``."""
        return f"{self.module}.{self.path}".removeprefix(".")


@dataclass
class Share:
    """What a package has of one module: counts of names that are there, and what is not."""

    module: str
    current: int = 0
    legacy: int = 0
    excluded: int = 0
    missing: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Number of names that the package should have."""
        return self.current + self.legacy + len(self.missing)


@functools.cache
def names() -> tuple[Name, ...]:
    """Return all documented names."""
    rows = (json.loads(line) for line in (SOURCES / "interface.jsonl").read_text(encoding="utf-8").splitlines())
    return tuple(
        Name(
            row["module"],
            row["name"],
            row["kind"],
            row.get("removed", ""),
            tuple(row.get("parameters", ())),
            tuple(row.get("legacy_parameters", ())),
        )
        for row in rows
    )


@functools.cache
def exclusions() -> dict[str, str]:
    """Return the patterns of names that a package need not have, and why. Raises HarnessError for an idle one."""
    entries = _settings().get("exclude", [])
    found = {pattern: entry["why"] for entry in entries for pattern in entry["names"]}
    for pattern in found:
        if not any(fnmatchcase(name.full, pattern) for name in names()):
            raise HarnessError(f"spec/interface.toml: {pattern} names nothing")
    return found


def unfinished() -> dict[str, str]:
    """Return the modules that Waterspout does not have in full yet, and what they wait for."""
    waiting: dict[str, str] = _settings().get("unfinished", {})
    return waiting


def coverage(package: str) -> list[Share]:
    """Return what ``package`` has of each module. Imports all modules of it that are documented."""
    shares = {name.module: Share(name.module or package) for name in names()}
    for name in names():
        share = shares[name.module]
        if any(fnmatchcase(name.full, pattern) for pattern in exclusions()):
            share.excluded += 1
        elif problem := lack(package, name):
            share.missing.append(f"{name.full}: {problem}")
        elif name.removed:
            share.legacy += 1
        else:
            share.current += 1
    return list(shares.values())


def lines(shares: list[Share], show_missing: bool = False) -> Iterator[str]:
    """Yield one line for each module, on request with what is missing below, and the sum."""
    for share in shares:
        note = f", {share.excluded} excluded" if share.excluded else ""
        there = share.current + share.legacy
        yield f"{share.module}: {there} of {share.total} names ({share.legacy} legacy){note}"
        if show_missing:
            yield from (f"  {problem}" for problem in share.missing)
    there = sum(share.current + share.legacy for share in shares)
    yield f"interface: {there} of {sum(share.total for share in shares)} names"


def lack(package: str, name: Name) -> str:
    """Return what a package lacks of a name, nothing if it is there."""
    try:
        found: Any = importlib.import_module(f"{package}.{name.module}".removesuffix("."))
    except ImportError as error:
        return f"no module: {error}"
    *owners, last = name.path.split(".")
    for owner in owners:
        found = getattr(found, owner, None)
    if found is None:
        return "its class is missing"
    if name.kind == "attribute":
        return "" if _has_attribute(found, last) else "no such attribute"
    if not hasattr(found, last):
        return "missing"
    return _misfit(getattr(found, last), name, last)


def _misfit(value: Any, name: Name, last: str) -> str:
    """Return in what a value is not what the name stands for."""
    if name.kind == "class" and not isinstance(value, type):
        return "no class"
    if name.kind in _CALLABLE:
        if not callable(value):
            return "cannot be called"
        if last.startswith("__") and last not in _WITH_PARAMETERS:
            # Python calls it, by position.
            return ""
        if value is object.__init__ and name.parameters:
            return "takes no arguments"
        # Decorators may take what older releases took, and pass the rest on.
        older = {*name.legacy_parameters, "callback"}
        refused = [one for one in name.parameters if one not in older and not _takes(value, one)]
        wanted = (*name.parameters, *name.legacy_parameters)
        refused += [one for one in wanted if one in older and not _takes(value, one, follow_wrapped=False)]
        return f"takes no {', '.join(refused)}" if refused else ""
    return ""


def _takes(function: Any, parameter: str, follow_wrapped: bool = True) -> bool:
    try:
        parameters = inspect.signature(function, follow_wrapped=follow_wrapped).parameters
    except (TypeError, ValueError):
        # What is written in C does not always say.
        return True
    return parameter in parameters or any(one.kind is one.VAR_KEYWORD for one in parameters.values())


def _has_attribute(owner: type, attribute: str) -> bool:
    """Whether objects of a class have an attribute, as far as the class can tell without making one."""
    if hasattr(owner, attribute) or any(attribute in vars(one).get("__annotations__", {}) for one in owner.__mro__):
        return True
    functions = [
        value for one in owner.__mro__ for value in vars(one).values() if isinstance(value, types.FunctionType)
    ]
    return any(attribute in _stored(function.__code__) for function in functions)


@functools.cache
def _stored(code: types.CodeType) -> frozenset[str]:
    """Return the names of the attributes that a function assigns, on whatever object."""
    found = {step.argval for step in dis.get_instructions(code) if step.opname == "STORE_ATTR"}
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found |= _stored(constant)
    return frozenset(found)


@functools.cache
def _settings() -> dict[str, Any]:
    return tomllib.loads((SPEC / "interface.toml").read_text(encoding="utf-8"))
