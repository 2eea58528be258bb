"""Targets: the implementations a run judges.

A target is a TOML file in ``conformance/targets``: an import name (API level), a start command (wire level), or
both; and what has to be installed for it, and how. Expectations stand in a file of their own beside it,
``NAME.expected.toml``, written by ``conform bless``.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from packaging.version import Version

from conformance.paths import APPS, TARGETS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: A target name with this prefix is the reference with one lie told: ``saboteur:redirect-always-301``.
SABOTEUR = "saboteur:"


class TargetError(Exception):
    """A target cannot be used as described; the text says what to do."""


@dataclass(frozen=True)
class Expectation:
    """A known failure: why it is accepted, since when, and the ways in which it shows (none: any way).

    ``before`` is the release that mended it; later ones are held to the requirement.
    """

    why: str
    since: str
    signatures: tuple[str, ...] = ()
    before: str = ""

    def applies_to(self, version: str) -> bool:
        """Whether a target of this version is expected to fail."""
        return not self.before or (bool(version) and Version(version) < Version(self.before))


@dataclass(frozen=True)
class Target:
    """One implementation and how to reach it."""

    name: str
    title: str = ""
    package: str = ""
    distribution: str = ""
    program: str = ""
    install: str = ""
    command: tuple[str, ...] = ()
    #: Starts its WebSocket client against the fuzzing server at ``{url}``.
    client: tuple[str, ...] = ()
    url: str = ""
    python: str = sys.executable
    loop: str = ""
    unsupported: dict[str, str] = field(default_factory=dict)
    expected: dict[str, Expectation] = field(default_factory=dict)
    #: What is expected of other releases than the installed one.
    expected_of_others: dict[str, Expectation] = field(default_factory=dict)
    saboteur: str = ""
    directory: str = ""

    @property
    def has_api(self) -> bool:
        """Whether cases of the API level can judge it."""
        return bool(self.package)

    @property
    def has_wire(self) -> bool:
        """Whether cases of the wire level can judge it."""
        return bool(self.command or self.url)

    def absent(self) -> str:
        """Return what is missing on this machine and how to install it, or an empty text when all is there.

        Only a target that says how to install it is looked for: what a user names may lie where its child alone looks.
        """
        if not self.install or self.python != sys.executable:
            return ""
        if self.program:
            missing = _which(self.program) is None
        elif self.distribution:
            missing = not self.version()
        else:
            missing = bool(self.package) and importlib.util.find_spec(self.package) is None
        name = self.program or self.distribution or self.package
        return f"{name} is not installed; {self.install}" if missing else ""

    def version(self) -> str:
        """Return the installed version, or an empty text when it is not known in this environment."""
        if self.program:
            return _program_version(self.program)
        try:
            return importlib.metadata.version(self.distribution or self.package)
        except (importlib.metadata.PackageNotFoundError, ValueError):
            return ""

    def start_command(self) -> list[str]:
        """Return the command line that starts its server, with ``{python}`` and ``{apps}`` filled in."""
        words = self._filled(self.command)
        return [*words, "--sabotage", self.saboteur] if self.saboteur else words

    def client_command(self) -> list[str]:
        """Return the command line of its client as Autobahn's testee, empty where there is none."""
        own = ("{python}", "-m", "conformance.apps.api_client", "--import", self.package, "{url}", "{agent}")
        return self._filled(self.client or (own if self.package else ()))

    def _filled(self, command: tuple[str, ...]) -> list[str]:
        return [word.replace("{python}", self.python).replace("{apps}", str(APPS)) for word in command]


def names() -> list[str]:
    """Return the names of the targets that ship with the suite."""
    return sorted(path.stem for path in TARGETS.glob("*.toml") if not path.name.endswith(".expected.toml"))


def load(name: str) -> Target:
    """Return the target called ``name``: one that ships, a path of a TOML file, or ``saboteur:NAME``.

    Raises TargetError when there is none, or when its file is not understood.
    """
    if name.startswith(SABOTEUR):
        reference = load(os.environ.get("CONFORM_REFERENCE", "waterspout"))
        return replace(reference, name=name, saboteur=name[len(SABOTEUR) :], expected={}, unsupported={})
    path = Path(name) if name.endswith(".toml") else TARGETS / f"{name}.toml"
    if not path.is_file():
        raise TargetError(f"no target called {name!r}: choose one of {', '.join(names())}, or name a TOML file")
    try:
        row = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise TargetError(f"{path}: not valid TOML: {error}") from None
    return _from_row(path, row)


def from_import(package: str) -> Target:
    """Return an ad-hoc target for an importable package with Tornado's API."""
    command = ("{python}", "-m", "conformance.apps.api_app", "--import", package)
    return Target(name=package, title=package, package=package, command=command)


def from_command(command: str) -> Target:
    """Return an ad-hoc wire-level target for a start command."""
    words = tuple(shlex.split(command))
    if not words:
        raise TargetError("--cmd needs a command line that starts a server")
    return Target(name=Path(words[0]).name, title=command, command=words)


def from_url(url: str) -> Target:
    """Return an ad-hoc wire-level target for a server that already runs at ``url``."""
    if not url.startswith("http://"):
        raise TargetError(f"--url {url}: only http:// addresses of this machine can be judged")
    return Target(name=url.removeprefix("http://").strip("/"), title=url, url=url)


_KEYS = {"title", "import", "distribution", "program", "install", "command", "client", "url", "python", "loop"}
_KEYS |= {"unsupported"}


def _from_row(path: Path, row: dict[str, Any]) -> Target:
    unknown = set(row) - _KEYS
    if unknown:
        raise TargetError(f"{path}: unknown keys {', '.join(sorted(unknown))}; known are {', '.join(sorted(_KEYS))}")
    target = Target(
        name=path.stem,
        title=row.get("title", path.stem),
        package=row.get("import", ""),
        distribution=row.get("distribution", ""),
        program=row.get("program", ""),
        install=row.get("install", ""),
        command=tuple(row.get("command", ())),
        client=tuple(row.get("client", ())),
        url=row.get("url", ""),
        python=row.get("python", sys.executable),
        loop=row.get("loop", ""),
        unsupported=row.get("unsupported", {}),
        directory=str(path.parent.resolve()),
    )
    version = target.version()
    known = _expectations(path.with_suffix(".expected.toml"))
    target.expected.update((key, one) for key, one in known.items() if one.applies_to(version))
    target.expected_of_others.update((key, one) for key, one in known.items() if key not in target.expected)
    if not target.has_api and not target.has_wire:
        raise TargetError(f"{path}: give `import` (a package), `command` (how to start a server) or `url`")
    return target


def _which(program: str) -> str | None:
    # Debian keeps servers where the PATH of most users does not lead.
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")


def _program_version(program: str) -> str:
    """Return what looks like a version in what ``program -v`` prints."""
    path = _which(program)
    if path is None:
        return ""
    said = subprocess.run([path, "-v"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20)
    found = re.search(r"\d+(?:\.\d+)+", said.stdout)
    return found[0] if found else ""


def _expectations(path: Path) -> dict[str, Expectation]:
    if not path.is_file():
        return {}
    rows = tomllib.loads(path.read_text(encoding="utf-8"))
    return {key: _expectation(f"{path.name}: {key}", row) for key, row in rows.items()}


def _expectation(where: str, row: dict[str, Any]) -> Expectation:
    signatures = row.get("signature", [])
    if not row.get("why"):
        raise TargetError(f"{where}: say why the failure is expected")
    return Expectation(
        row["why"],
        row.get("since", ""),
        (signatures,) if isinstance(signatures, str) else tuple(signatures),
        row.get("before", ""),
    )
