"""Saboteurs: implementations that lie in one way, to show that a requirement can fail.

A saboteur is a short function that changes the reference through its public names, or tampers with the bytes between
the reference's server and the suite. It lives in a module named after the chapter it is aimed at.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class Tamper:
    """Lies on the wire: a saboteur's subclass sees every connection to the reference's server.

    One instance serves one connection. ``inbound`` gets what the suite sent before the server sees it, ``outbound``
    what the server sent before the suite sees it; each returns the bytes to pass on.
    """

    def inbound(self, data: bytes) -> bytes:
        """Return what the server is to receive in place of ``data``."""
        return data

    def outbound(self, data: bytes) -> bytes:
        """Return what the suite is to receive in place of ``data``."""
        return data

    def closing(self, by_server: bool) -> bool:
        """Return whether the end of a side's bytes is passed on; False hides it and keeps the connection open."""
        return True


class Patches:
    """The changes a saboteur makes to the reference, undone in reverse order."""

    def __init__(self, package: str) -> None:
        self.package = package
        self.tamper: type[Tamper] | None = None
        self._undo: list[Callable[[], None]] = []

    def __getattr__(self, module: str) -> Any:
        """Return the reference's submodule of that name: ``patches.web``."""
        if module.startswith("_"):
            raise AttributeError(module)
        return importlib.import_module(f"{self.package}.{module}")

    def replace(self, owner: Any, name: str, value: Any) -> None:
        """Put ``value`` in the place of ``owner.name``. Raises AttributeError when there is no such name."""
        original = owner.__dict__[name] if name in vars(owner) else None
        if original is None:
            inherited = getattr(owner, name)
            self._undo.append(lambda: delattr(owner, name))
            assert inherited is not None
        else:
            self._undo.append(lambda: setattr(owner, name, original))
        setattr(owner, name, value)

    def undo(self) -> None:
        """Take all changes back."""
        while self._undo:
            self._undo.pop()()

    @classmethod
    def apply_named(cls, name: str, package: str) -> Patches:
        """Apply the saboteur called ``name`` to ``package`` and return its patches."""
        patches = cls(package)
        registry()[name].apply(patches)
        return patches


@dataclass(frozen=True)
class Saboteur:
    """One lie: its name, what it lies about, the chapters it is aimed at, the requirements it must break."""

    name: str
    lie: str
    chapters: tuple[str, ...]
    kills: tuple[str, ...]
    apply: Callable[[Patches], None]


_REGISTRY: dict[str, Saboteur] = {}


def saboteur(
    name: str, lie: str, *, chapters: str | tuple[str, ...], kills: str | tuple[str, ...]
) -> Callable[[Callable[[Patches], None]], Callable[[Patches], None]]:
    """Register the decorated function as a saboteur.

    ``lie`` says in one sentence what it gets wrong; ``chapters`` names the chapters that run against it;
    ``kills`` names requirements that must fail on it. Raises ValueError when the name is taken.
    """

    def register(apply: Callable[[Patches], None]) -> Callable[[Patches], None]:
        if name in _REGISTRY:
            raise ValueError(f"two saboteurs are called {name!r}")
        _REGISTRY[name] = Saboteur(
            name,
            lie,
            (chapters,) if isinstance(chapters, str) else chapters,
            (kills,) if isinstance(kills, str) else kills,
            apply,
        )
        return apply

    return register


def registry() -> dict[str, Saboteur]:
    """Return all saboteurs by name, importing the modules that hold them."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return dict(_REGISTRY)
