"""Imports the modules of a package through the translation."""

from __future__ import annotations

import hashlib
import importlib.machinery
import marshal
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType

from conformance.oracles.translated import meaning, python2, syntax


def install(package: str, site: Path) -> None:
    """From now on, find ``package`` in the directory ``site`` and translate it; also what else is there."""
    sys.path.append(str(site))
    # Needs pyOpenSSL, for wss:// alone, which nobody asks for here.
    sys.modules["twisted.internet.ssl"] = python2.module("twisted.internet.ssl", ClientContextFactory=lambda: None)
    sys.meta_path.insert(0, _Finder(package, site))


class _Finder:
    """Finds the modules of one package."""

    def __init__(self, package: str, site: Path) -> None:
        self._package = package
        self._site = site
        self._cache = site.parent / "translated"

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the spec of a module of the package; None for others, which are found in other ways."""
        if name.partition(".")[0] != self._package:
            return None
        found = importlib.machinery.PathFinder.find_spec(name, path or [str(self._site)])
        if found is not None and isinstance(found.loader, importlib.machinery.SourceFileLoader):
            found.loader = _Loader(name, found.loader.path, self._cache)
        return found


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads one module, translated; what came out is kept for the next time."""

    def __init__(self, name: str, path: str, cache: Path) -> None:
        super().__init__(name, path)
        self._cache = cache

    def exec_module(self, module: ModuleType) -> None:
        """Run the module with the built-in names of Python 2."""
        vars(module)["__builtins__"] = python2.BUILTINS
        super().exec_module(module)

    def get_code(self, fullname: str) -> CodeType:
        """Return the module's code."""
        source = Path(self.path).read_bytes()
        kept = self._cache / f"{fullname}-{hashlib.sha256(_fingerprint() + source).hexdigest()[:32]}"
        if kept.exists():
            code: CodeType = marshal.loads(kept.read_bytes())
            return code
        tree = meaning.translated(syntax.parseable(source, self.path), self.path)
        code = compile(tree, self.path, "exec", dont_inherit=True)
        self._cache.mkdir(exist_ok=True)
        fresh = kept.with_suffix(f".{os.getpid()}")
        fresh.write_bytes(marshal.dumps(code))
        fresh.replace(kept)
        return code


def _fingerprint() -> bytes:
    """What the translation depends on besides the source: this Python, and the steps."""
    steps = [Path(str(one.__file__)).read_bytes() for one in (meaning, syntax)]
    return sys.version.encode() + b"".join(steps)
