"""Where Autobahn's ``wstest`` comes from: its package translated for this Python, Python 2.7, or Docker's image.

The suite is ``autobahntestsuite`` 25.10.1, written for CPython 2.7. `conformance.oracles.translated` runs it on the
Python that runs this; an environment of Python 2.7 runs the original, for who wants to compare.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from conformance.paths import BOOK

RELEASE = "25.10.1"
IMAGE = f"crossbario/autobahn-testsuite:{RELEASE}"
#: virtualenv 20.15.1 is the last family that makes environments for Python 2.7 and runs on today's Pythons.
VIRTUALENV = "virtualenv==20.15.1"
#: What the translation needs: the suite with the releases it was made for, and the fork of lib2to3. Twisted is there.
PACKAGES = (
    f"autobahntestsuite=={RELEASE}",
    "autobahn==0.10.9",
    "txaio==2.1.0",
    "six==1.17.0",
    "fissix==24.4.24",
    "appdirs==1.4.4",
)
#: Masking and checking of text in C: the same verdicts, sooner.
ACCELERATOR = "wsaccel==0.6.7"


class Unavailable(Exception):
    """Autobahn cannot run on this machine; the text says what to install."""


def environment() -> Path:
    """Return the directory that the suite is installed in, whether it exists or not."""
    named = os.environ.get("CONFORM_AUTOBAHN")
    if named:
        return Path(named)
    return BOOK / ".autobahn" if (BOOK / "pyproject.toml").exists() else Path.home() / ".cache" / "conform-autobahn"


def original() -> Path:
    """Return the path of ``wstest`` for Python 2.7, whether it exists or not."""
    return environment() / "bin" / "wstest"


def site() -> Path:
    """Return the directory with the packages for the translation, whether it exists or not."""
    return environment() / f"site-{sys.version_info[0]}.{sys.version_info[1]}"


def available() -> bool:
    """Return whether Autobahn can run here without further setup."""
    return original().exists() or site().exists() or _docker_works()


def command(directory: Path) -> tuple[list[str], Path]:
    """Return the command that begins a run of ``wstest``, and where its process finds ``directory``."""
    if original().exists():
        return [str(original())], directory
    if site().exists():
        return [sys.executable, "-W", "ignore", "-m", "conformance.oracles.translated", str(site())], directory
    inside = Path("/conform")
    return ["docker", "run", "--rm", "--network", "host", "-v", f"{directory}:{inside}", IMAGE, "wstest"], inside


def cases() -> list[str]:
    """Return the ids of all cases, as the suite itself lists them."""
    code = "import json, autobahntestsuite.case as c; print(json.dumps([n.__name__ for n in c.Cases]))"
    if original().exists():
        words = [str(original().with_name("python")), "-c", code]
    elif site().exists():
        words = [*command(environment())[0], "--list"]
    else:
        words = ["docker", "run", "--rm", IMAGE, "python", "-c", code]
    names = json.loads(_do(words).strip().splitlines()[-1])
    return [name.removeprefix("Case").replace("_", ".") for name in names]


def setup(python2: bool = False) -> str:
    """Install the suite if it is not there, and return a sentence on what serves.

    With ``python2`` the original is installed, in an environment of its own. Raises Unavailable when that needs a
    Python 2.7 that the machine has not, or when an installation fails.
    """
    if original().exists():
        return f"Autobahn {RELEASE} is ready in {environment()}, on Python 2.7"
    if python2:
        return _install_original()
    ready = f"translated for Python {sys.version_info[0]}.{sys.version_info[1]}, in {environment()}"
    if site().exists():
        return f"Autobahn {RELEASE} is ready, {ready}"
    try:
        _install_site()
    except Unavailable:
        if not _docker_works():
            raise
        return f"Autobahn will run in Docker's {IMAGE}"
    return f"Autobahn {RELEASE} is installed, {ready}"


def _install_site() -> None:
    environment().mkdir(parents=True, exist_ok=True)
    # Half an installation would pass for a whole one at the next call.
    with tempfile.TemporaryDirectory(dir=environment()) as fresh:
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--no-compile"]
        _do([*pip, "--target", f"{fresh}/site", *PACKAGES])
        with contextlib.suppress(Unavailable):
            _do([*pip, "--only-binary", ":all:", "--target", f"{fresh}/site", ACCELERATOR])
        Path(fresh, "site").rename(site())


def _install_original() -> str:
    python, home = _python27(), environment()
    if python is None:
        raise Unavailable("put python2.7 on PATH, or `pyenv install 2.7.18`; without --python2 no Python 2.7 is needed")
    with tempfile.TemporaryDirectory(prefix="conform-boot-") as boot:
        _do([sys.executable, "-m", "venv", boot])
        _do([f"{boot}/bin/pip", "install", "-q", VIRTUALENV])
        _do([f"{boot}/bin/virtualenv", "-q", "--no-download", "-p", python, str(home)])
    try:
        _do([str(home / "bin" / "pip"), "install", "-q", f"autobahntestsuite=={RELEASE}"])
    except Unavailable:
        # Half an environment would pass for a whole one, too.
        shutil.rmtree(home, ignore_errors=True)
        raise
    return f"Autobahn {RELEASE} is installed in {home}, on Python 2.7"


def _python27() -> str | None:
    roots = {os.environ.get("PYENV_ROOT", ""), str(Path.home() / ".pyenv")}
    found = [path for root in roots if root for path in glob.glob(f"{root}/versions/2.7*/bin/python2.7")]
    for name in ("python2.7", "python2"):
        path = shutil.which(name)
        if path:
            found.append(path)
    # A version manager's shim exists without the interpreter behind it: ask, do not trust the name.
    return next((path for path in found if _is_27(path)), None)


def _is_27(path: str) -> bool:
    try:
        said = subprocess.run([path, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return said.stdout.strip() == b"(2, 7)"


def _docker_works() -> bool:
    if shutil.which("docker") is None:
        return False
    try:
        return subprocess.run(["docker", "info"], capture_output=True, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _do(words: list[str]) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True)
    except OSError as error:
        raise Unavailable(f"cannot run {words[0]}: {error}") from None
    if done.returncode:
        raise Unavailable(f"`{' '.join(words)}` failed:\n{done.stdout[-500:]}{done.stderr[-1500:]}")
    return done.stdout
