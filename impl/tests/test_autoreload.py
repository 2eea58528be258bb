"""The insides of ``waterspout.autoreload``. What restarting does to a process is in the specification."""

from __future__ import annotations

import logging
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from waterspout import autoreload
from waterspout.ioloop import IOLoop


class Restarted(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What the process would be replaced by; nothing is watched or hooked yet."""
    ran: list[list[str]] = []

    def replace(command: list[str]) -> None:
        ran.append(command)
        raise Restarted

    monkeypatch.setattr(autoreload, "_replace_process", replace)
    monkeypatch.setattr(autoreload, "_files", autoreload._Files())
    monkeypatch.setattr(autoreload, "_watched", set())
    monkeypatch.setattr(autoreload, "_hooks", [])
    monkeypatch.setattr(autoreload, "_checks", type(autoreload._checks)())
    return ran


def reloads() -> bool:
    """Whether the next look at the files starts the process again."""
    try:
        autoreload._reload_if_changed()
    except Restarted:
        return True
    return False


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda path: None, False),
        (lambda path: path.write_text("longer than before"), True),
        (lambda path: os.utime(path, (1, 1)), True),
        (Path.unlink, False),
    ],
    ids=["nothing", "written", "touched", "removed"],
)
def test_a_watched_file_that_changes_starts_the_process_again(
    commands: list[list[str]], tmp_path: Path, change: Callable[[Path], None], expected: bool
) -> None:
    """One that is gone does not: it may be on its way back."""
    path = tmp_path / "page.html"
    path.write_text("text")
    autoreload.watch(str(path))
    assert not reloads()
    change(path)

    assert reloads() is expected


def test_a_file_may_be_replaced_and_may_appear_later(commands: list[list[str]], tmp_path: Path) -> None:
    """Also by its own old content, which is no change."""
    path, aside, later = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    path.write_text("text")
    autoreload.watch(str(path))
    autoreload.watch(str(later))
    assert not reloads()
    path.rename(aside)
    assert not reloads()
    aside.rename(path)
    assert not reloads()
    later.write_text("")

    assert reloads()


def test_modules_are_watched_by_their_source(
    commands: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if only the bytecode was imported; what only looks like a module is left alone."""

    class Lazy:
        def __getattr__(self, name: str) -> None:
            raise AssertionError("asked for an attribute")

    source = tmp_path / "module.py"
    source.write_text("")
    module = types.ModuleType("module")
    module.__file__ = f"{source}c"
    monkeypatch.setitem(sys.modules, "module", module)
    monkeypatch.setitem(sys.modules, "lazy", Lazy())
    without_file = types.ModuleType("without")
    without_file.__file__ = None
    monkeypatch.setitem(sys.modules, "without", without_file)
    assert not reloads()
    source.write_text("changed = 1")

    assert reloads()


def test_the_new_process_is_made_like_the_first_one(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The whole command line, whatever the program did to sys.argv, and the directory of the start."""
    monkeypatch.setattr(sys, "orig_argv", ["python", "-X", "dev", "-m", "shop", "--port=1"])
    monkeypatch.setattr(sys, "argv", ["changed"])
    start = os.getcwd()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Restarted):
        autoreload._reload()

    assert commands == [[sys.executable, "-X", "dev", "-m", "shop", "--port=1"]]
    assert os.getcwd() == start


def test_embedded_interpreters_have_argv_alone(commands: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no other command line then."""
    monkeypatch.setattr(sys, "orig_argv", [])
    monkeypatch.setattr(sys, "argv", ["program.py", "word"])
    with pytest.raises(Restarted):
        autoreload._reload()

    assert commands == [[sys.executable, "program.py", "word"]]


def test_a_hook_that_fails_keeps_nobody_from_starting_again(
    commands: list[list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, and the others are called."""
    called: list[int] = []
    autoreload.add_reload_hook(lambda: 1 / 0)
    autoreload.add_reload_hook(lambda: called.append(1))
    with pytest.raises(Restarted):
        autoreload._reload()

    assert called == [1]
    assert "a reload hook failed" in caplog.text


def test_starting_twice_is_starting_once(commands: list[list[str]], caplog: pytest.LogCaptureFixture) -> None:
    """On a loop; a second loop is warned of."""
    loops = [IOLoop(make_current=False), IOLoop(make_current=False)]
    try:
        autoreload.start(io_loop=loops[0])
        autoreload.start(loops[0], 100)
        assert (len(autoreload._checks), caplog.text) == (1, "")
        autoreload.start(io_loop=loops[1])
        assert "second loop" in caplog.text
    finally:
        for loop in loops:
            loop.close()


def test_files_behind_a_failure_are_watched(commands: list[list[str]], tmp_path: Path) -> None:
    """Those that the exception came through, its causes included, and the one with the syntax error."""
    wrong, caller = tmp_path / "wrong.py", tmp_path / "caller.py"
    wrong.write_text("x = (")
    caller.write_text("")
    code = compile("try: compile('x = (', WRONG, 'exec')\nexcept Exception: raise ValueError", str(caller), "exec")
    try:
        exec(code, {"WRONG": str(wrong)})
    except ValueError as error:
        autoreload._watch_failure(error)

    assert {str(wrong), str(caller)} <= autoreload._watched
    assert not any("<" in path for path in autoreload._watched)


@pytest.mark.parametrize(
    ("line", "module", "path", "arguments", "until_success"),
    [
        ("-m a.b -x --until-success", "a.b", None, ["-x", "--until-success"], False),
        ("--until-success -m a", "a", None, [], True),
        ("a.py -m b", None, "a.py", ["-m", "b"], False),
        ("--until-success a.py --help", None, "a.py", ["--help"], True),
    ],
)
def test_what_follows_the_program_is_its_own(
    line: str, module: str | None, path: str | None, arguments: list[str], until_success: bool
) -> None:
    """Whatever it looks like."""
    program, until = autoreload._parsed(line.split())

    assert (program.module, program.path, program.arguments, until) == (module, path, arguments, until_success)


@pytest.mark.parametrize("line", ["", "-m", "--until-success", "--unknown a.py"])
def test_a_command_line_without_a_program_is_refused(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With the usage on standard error, and status 2."""
    with pytest.raises(SystemExit) as caught:
        autoreload._parsed(line.split())

    assert caught.value.code == 2
    assert "--until-success" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "status", "said"),
    [
        ("", 0, "has ended"),
        ("raise SystemExit", 0, "status 0"),
        ("raise SystemExit(3)", 3, "status 3"),
        ("raise SystemExit('no shop')", 1, "no shop"),
        ("1 / 0", 1, "ZeroDivisionError"),
        ("x = (", 1, "SyntaxError"),
    ],
)
def test_the_log_tells_how_a_program_ended(
    commands: list[list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    source: str,
    status: int,
    said: str,
) -> None:
    """And its script is watched, however it ended."""
    path = tmp_path / "program.py"
    path.write_text(source)
    monkeypatch.setattr(sys, "argv", [])
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    caplog.set_level(logging.INFO)

    assert autoreload._outcome_of(autoreload._Program(None, str(path), ["word"])) == status
    assert said in caplog.text
    assert str(path) in autoreload._watched
    assert (sys.argv, sys.path[0]) == ([str(path), "word"], str(tmp_path))


def test_the_file_of_a_module_is_watched(
    commands: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a package that of its ``__main__``; one that does not exist has none."""
    package = tmp_path / "some_shop"
    package.mkdir()
    for name in ("__init__", "__main__", "stock"):
        (package / f"{name}.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("some_shop", "some_shop.stock", "some_shop.nothing", "no_shop.stock"):
        autoreload._watch_module(name)

    assert autoreload._watched == {str(package / "__main__.py"), str(package / "stock.py")}
