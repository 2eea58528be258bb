"""What the benchmarks keep in ``benchmarks/results``, and under what conditions it was measured."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
from collections.abc import Iterable
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def keep(name: str, content: str) -> None:
    """Write ``content`` to this file among the results."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / name).write_text(content, encoding="utf-8")


def markdown(header: list[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table of Markdown; all columns but the first are aligned to the right."""
    lines = ["| " + " | ".join(header) + " |", "| --- |" + " ---: |" * (len(header) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def spread(values: list[float]) -> str:
    """Return the median, and the least and the greatest of the rounds."""
    return f"**{statistics.median(values):.2f}** ({min(values):.2f} to {max(values):.2f})"


def circumstances(distributions: Iterable[str]) -> str:
    """Return the machine, the Python, and the versions of these distributions."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    versions = ", ".join(f"{name} {_version(name)}" for name in sorted(distributions))
    return f"{os.cpu_count()} cores, loopback, {platform.system()}, {python}, asyncio's loop; {versions}."


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "of this checkout"
