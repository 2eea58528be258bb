"""Saboteurs of the chapter on starting again when the source changes.

Its programs run in child processes, which tell the same lie (see conformance.programs), and so does what they become.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import nothing
from conformance.saboteurs.loop_life import Lie


def reload_lie(name: str, lie: str, *kills: str) -> Lie:
    """Register a saboteur of this chapter; ``kills`` are ids without what they have in common."""
    return saboteur(name, lie, chapters="tools.autoreload", kills=tuple(f"tools.autoreload.{one}" for one in kills))


def on_change(ref: Patches, act: Callable[[], Any]) -> None:
    """Have ``act()`` called when a program that called start() is about to begin again."""
    original = ref.autoreload.start

    def lie(*args: Any, **kwargs: Any) -> None:
        ref.autoreload.add_reload_hook(act)
        original(*args, **kwargs)

    ref.replace(ref.autoreload, "start", lie)


@reload_lie("reload-ends", "A change ends the program.", "start", "setting", "watch")
def _(ref: Patches) -> None:
    on_change(ref, lambda: os._exit(0))


@reload_lie("reload-without-arguments", "The program begins again without its arguments.", "start")
def _(ref: Patches) -> None:
    # What is left: the module that starts the programs of the chapters, and what that needs.
    on_change(ref, lambda: os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:6]]))


@reload_lie("reload-hooks-reversed", "The hook that came last is called first.", "hooks")
def _(ref: Patches) -> None:
    original = ref.autoreload.add_reload_hook
    hooks: list[Callable[[], Any]] = []

    def call_all() -> None:
        for hook in reversed(hooks):
            hook()

    def lie(fn: Callable[[], Any]) -> None:
        if not hooks:
            original(call_all)
        hooks.append(fn)

    ref.replace(ref.autoreload, "add_reload_hook", lie)


@reload_lie("reload-no-hooks", "Hooks are not called.", "hooks")
def _(ref: Patches) -> None:
    ref.replace(ref.autoreload, "add_reload_hook", nothing)


@reload_lie("watch-what-exists", "watch() refuses a file that does not exist yet.", "watch")
def _(ref: Patches) -> None:
    original = ref.autoreload.watch

    def lie(filename: str) -> None:
        os.stat(filename)
        original(filename)

    ref.replace(ref.autoreload, "watch", lie)


@reload_lie("wait-returns", "wait() returns at once.", "wait", "command.script", "command.module")
def _(ref: Patches) -> None:
    ref.replace(ref.autoreload, "wait", nothing)


@reload_lie("command-without-arguments", "The program gets no arguments.", "command.script", "command.module")
def _(ref: Patches) -> None:
    original = ref.autoreload.main

    def lie() -> None:
        sys.argv = [word for word in sys.argv if word not in ("one", "two")]
        original()

    ref.replace(ref.autoreload, "main", lie)
