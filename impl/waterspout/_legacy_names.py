"""Names of older releases, found when somebody asks for them.

The modules that programs know them from do not import the legacy package, which stands above them; a module's
``__getattr__`` looks a name up by the name of the module that has it now.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def legacy_names(module: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a ``__getattr__`` for ``module`` (its ``__name__``) that knows the names in ``homes``.

    ``homes`` maps each name to the module that defines it. What was found once is kept in the asking module, so
    that the next look-up is an ordinary one.
    """

    def find(name: str) -> Any:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        value = legacy_name(home, name)
        setattr(sys.modules[module], name, value)
        return value

    return find


def legacy_name(home: str, name: str) -> Any:
    """Return what the module ``home`` calls ``name``; the module is imported now, not before."""
    return getattr(importlib.import_module(home), name)
