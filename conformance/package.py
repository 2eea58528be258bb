"""The package under test, seen through a proxy that turns a missing name into a verdict of that case alone.

Chapters write ``api.web.RequestHandler``. Which package that is, the run decides: the proxy is bound once per process,
before the first case. Nothing is imported earlier than the first use inside a case.
"""

from __future__ import annotations

import importlib
from typing import Any

from conformance.verdict import HarnessError, Missing


class ModuleProxy:
    """One module of the package under test, imported at the first use of one of its names."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        # pytest and other introspection ask for dunder names; they must get an ordinary answer.
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        module = _import(self._name)
        try:
            return getattr(module, attribute)
        except AttributeError:
            pass
        try:
            importlib.import_module(f"{self._name}.{attribute}")
        except ModuleNotFoundError as error:
            if error.name != f"{self._name}.{attribute}":
                raise
            raise Missing(f"{self._name} has no {attribute}") from None
        return ModuleProxy(f"{self._name}.{attribute}")

    def __repr__(self) -> str:
        return f"<package under test: {self._name}>"


class PackageProxy:
    """The package under test as a whole; its attributes are its modules."""

    def __init__(self) -> None:
        self._package: str | None = None

    def bind(self, package: str) -> None:
        """Make ``package`` (an importable name) the package under test for this process."""
        self._package = package

    @property
    def package(self) -> str:
        """Import name of the package under test. Raises HarnessError when no run has chosen one."""
        if self._package is None:
            raise HarnessError("no package under test: run this through `conform run` or `pytest spec`")
        return self._package

    def __getattr__(self, module: str) -> Any:
        if module.startswith("_"):
            raise AttributeError(module)
        return ModuleProxy(f"{self.package}.{module}")

    def __repr__(self) -> str:
        return f"<package under test: {self._package or 'none yet'}>"


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            raise Missing(f"there is no module {name}") from None
        raise


#: The package under test.
api = PackageProxy()
