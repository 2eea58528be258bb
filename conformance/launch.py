"""Runs a program in a process of its own: ``python -m conformance.launch PACKAGE SABOTEUR PATH [ARGUMENT ...]``.

Cases start many of these, so this imports hardly anything.
"""

from __future__ import annotations

import runpy
import sys

from conformance import loops


def main() -> None:
    """Tell the lie of the run, if any, and run the program with its arguments."""
    package, saboteur, path, *arguments = sys.argv[1:]
    loops.use_inherited()
    if saboteur:
        from conformance.saboteurs import Patches

        Patches.apply_named(saboteur, package)
    sys.argv = [path, *arguments]
    runpy.run_path(path, run_name="__main__")


if __name__ == "__main__":
    main()
