"""Installs the two built distributions as a user does and runs the command: ``installed.py WHEELS VENV``."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path


def main(wheels: Path, home: Path) -> None:
    """Make an environment in ``home``, install the wheels, run some cases from an empty directory."""
    venv.create(home, clear=True, with_pip=True)
    binaries = home / "bin"
    # Not compiled: most of what comes along is never imported here.
    install = [str(binaries / "pip"), "install", "-q", "--no-compile"]
    subprocess.run([*install, *map(str, sorted(wheels.glob("*.whl")))], check=True)
    work = home / "work"
    work.mkdir()
    subprocess.run([binaries / "python", "-W", "error", "-c", "import waterspout.web"], check=True, cwd=work)
    listed = subprocess.run([binaries / "conform", "list"], check=True, cwd=work, capture_output=True, text=True)
    if listed.stdout.count("\n") < 150:
        raise SystemExit(f"the installed book is not whole:\n{listed.stdout}")
    run = [str(binaries / "conform"), "run", "queues.queue.*", "websocket.opcode.*", "--import", "waterspout"]
    subprocess.run(run, check=True, cwd=work)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
