"""Where Tornado and our models differ."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path
from typing import Any

from packaging.version import Version

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: All decisions; one with ``before`` is about releases before that one.
DECISIONS: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))[
    "decision"
]


def current() -> list[dict[str, Any]]:
    """The decisions about the installed release; all when none is installed."""
    try:
        installed = Version(importlib.metadata.version("tornado"))
    except importlib.metadata.PackageNotFoundError:
        return DECISIONS
    return [one for one in DECISIONS if "before" not in one or installed < Version(one["before"])]


#: The ids of those, for the models.
DIFFERENCES = frozenset(decision["id"] for decision in current())
