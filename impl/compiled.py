"""Builds the compiled twin of the masking function: one C file, with the compiler that the machine has.

A build hook of hatchling: with ``WATERSPOUT_COMPILE=1`` in the environment, ``pip install ./impl`` puts the extension
into the wheel, which is then one for this Python and platform. Without it, the wheel is the pure one.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # for who only wants to compile
    BuildHookInterface = object

SOURCE = Path(__file__).parent / "waterspout" / "protocol" / "websocket" / "_masking.c"


def compile_twin(directory: Path) -> Path:
    """Compile the extension into ``directory`` and return its path.

    Raises `OSError` where there is no compiler, `subprocess.CalledProcessError` when it cannot compile.
    """
    made = directory / f"_masking{sysconfig.get_config_var('EXT_SUFFIX')}"
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    shared = ["-bundle", "-undefined", "dynamic_lookup"] if sys.platform == "darwin" else ["-shared"]
    include = sysconfig.get_path("include")
    command = [*compiler, "-O3", "-fPIC", *shared, f"-I{include}", str(SOURCE), "-o", str(made)]
    subprocess.run(command, check=True, capture_output=True)
    return made


class CompileHook(BuildHookInterface):  # type: ignore[misc]
    """Adds the extension to a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, if that was asked for; a compiler that fails ends the installation with its words."""
        if os.environ.get("WATERSPOUT_COMPILE") != "1" or self.target_name != "wheel":
            return
        made = compile_twin(Path(self.directory))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        build_data["force_include"][str(made)] = f"waterspout/protocol/websocket/{made.name}"
