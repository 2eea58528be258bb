"""The command line of ``as_tornado``, and modules under the other name where the import system looks at them itself."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import waterspout
from waterspout import as_tornado

MODULE = "waterspout.as_tornado"


@pytest.mark.parametrize(
    ("line", "options"),
    [
        (["-m", MODULE], []),
        ([f"-m{MODULE}"], []),
        (["-X", "dev", "-W", "error", "-m", MODULE, "program.py", "-m", MODULE], ["-X", "dev", "-W", "error"]),
        (["-Bm", MODULE, "-c", "pass"], ["-B"]),
        ([f"-BOm{MODULE}", "-m", "module"], ["-BO"]),
    ],
)
def test_interpreter_options(monkeypatch: pytest.MonkeyPatch, line: list[str], options: list[str]) -> None:
    behind = next(index for index, word in enumerate(line) if word.endswith(MODULE)) + 1
    monkeypatch.setattr(sys, "orig_argv", ["python", *line])
    monkeypatch.setattr(sys, "argv", ["as_tornado.py", *line[behind:]])
    assert as_tornado._interpreter_options() == options


def test_modules_without_importing_them() -> None:
    finder = as_tornado._Finder()
    spec = finder.find_spec("tornado.platform")
    assert spec is not None
    assert (spec.submodule_search_locations, spec.loader.is_package("tornado.platform")) == ([], True)  # type: ignore[union-attr]
    assert "twisted" in (finder.find_spec("tornado.platform.twisted").loader.get_source("") or "")  # type: ignore[union-attr]
    assert finder.find_spec("tornado.util").loader.get_code("").co_name == "<module>"  # type: ignore[union-attr]
    assert finder.find_spec("tornadoes") is finder.find_spec("waterspout.util") is None


def test_run_as_main() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(waterspout.__file__).parent.parent)}
    command = [sys.executable, "-m", MODULE, "-m", "tornado.httpclient", "--help"]
    assert "httpclient" in subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stderr


def test_child_that_does_not_see_the_package(tmp_path: Path) -> None:
    hook = Path(as_tornado.__file__).parent / "_startup"
    command = [sys.executable, "-c", "import tornado.util, sys; print(tornado.util.__file__); print(*sys.path)"]
    environment = {**os.environ, "PYTHONPATH": str(hook)}
    said = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    origin, path = said.splitlines()
    assert Path(origin) == Path(importlib.util.find_spec("waterspout.util").origin)  # type: ignore[union-attr,arg-type]
    assert str(hook) not in path
