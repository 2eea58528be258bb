"""The fixtures are as short as their documentation says: whoever brings a server of his own reads them first."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from conformance import apps

#: Files that several servers share, and what all programs have in common.
SHARED = ("__init__.py", "asgi_app.py", "wsgi_app.py", "tampering.py")
FILES = [path for path in sorted(Path(apps.__file__).parent.iterdir()) if path.suffix in (".py", ".js")]


def _left_out(tree: ast.Module) -> set[int]:
    """Return the lines of docstrings and imports."""
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.Expr | ast.Import | ast.ImportFrom):
            found |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return found


def _code_lines(path: Path) -> int:
    source = path.read_text(encoding="utf-8")
    left_out = _left_out(ast.parse(source)) if path.suffix == ".py" else set()
    lines = ((number, line.strip()) for number, line in enumerate(source.splitlines(), start=1))
    return sum(1 for number, line in lines if number not in left_out and line and not line.startswith(("#", "//")))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_fixture_has_less_than_30_lines_of_code(path: Path) -> None:
    assert path.name in SHARED or _code_lines(path) < 30
