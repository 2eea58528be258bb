"""What ``importlib.metadata`` says of the distribution ``tornado`` where this package stands in for it."""

from __future__ import annotations

import importlib.metadata
import os
from pathlib import Path

import waterspout

_TEXTS = {
    "METADATA": (
        "Metadata-Version: 2.1\n"
        "Name: tornado\n"
        f"Version: {waterspout.version}\n"
        f"Summary: Waterspout {waterspout.__version__}, which stands in for Tornado here\n"
        "Requires-Python: >=3.10\n"
    ),
    "top_level.txt": "tornado\n",
}


class TornadoDistribution(importlib.metadata.Distribution):
    """A distribution of the name and the release that programs ask for; its files are this package's."""

    def read_text(self, filename: str) -> str | None:
        """Return the text of a file of metadata, or None if there is no such file."""
        return _TEXTS.get(filename)

    def locate_file(self, path: str | os.PathLike[str]) -> Path:
        """Return the path of a file of the distribution."""
        return Path(__file__).resolve().parent.parent / path
