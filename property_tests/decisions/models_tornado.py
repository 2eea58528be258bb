"""Where Tornado and our models differ."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DECISIONS: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))[
    "decision"
]
#: The ids, for the models.
DIFFERENCES = frozenset(decision["id"] for decision in DECISIONS)
