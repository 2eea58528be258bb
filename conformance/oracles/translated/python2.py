"""The names that a module written for Python 2 finds built in, and stand-ins for modules that dealt in octets.

Octets are a ``str`` of characters below 256 throughout; see the package.
"""

from __future__ import annotations

import binascii
import builtins
import hashlib
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import IO, Any

from conformance.oracles.translated.meaning import PREFIX


def octets(data: bytes | bytearray | memoryview) -> str:
    """Return bytes as a string of Python 2."""
    return bytes(data).decode("latin-1")


def to_bytes(data: Any) -> Any:
    """Return what a string of Python 2 stands for; anything else as it is."""
    return data.encode("latin-1") if isinstance(data, str) else data


def decode(value: Any, encoding: str = "ascii", errors: str = "strict") -> str:
    """``value.decode(...)``: octets to text."""
    return str(to_bytes(value).decode(encoding, errors))


def encode(value: str, encoding: str = "ascii", errors: str = "strict") -> str:
    """``value.encode(...)``: text to octets, surrogates as Python 2 did it."""
    return octets(value.encode(encoding, "surrogatepass" if errors == "strict" else errors))


def has_key(value: Mapping[Any, Any], key: Any) -> bool:
    """``value.has_key(key)``."""
    return key in value


def divide(dividend: Any, divisor: Any) -> Any:
    """``dividend / divisor``, rounded down where both are integers."""
    if isinstance(dividend, int) and isinstance(divisor, int):
        return dividend // divisor
    return dividend / divisor


def _listing(method: str) -> Callable[[Any], list[Any]]:
    return lambda value: list(getattr(value, method)())


def open_(path: str, mode: str = "r", buffering: int = -1) -> IO[str]:
    """``open`` of Python 2: whatever the mode, what is read and written are octets."""
    text = mode.replace("b", "").replace("U", "") or "r"
    return open(path, text, buffering if "b" not in mode else -1, encoding="latin-1", newline="")


def _import(
    name: str,
    names: Mapping[str, Any] | None = None,
    local: Mapping[str, Any] | None = None,
    wanted: Sequence[str] | None = (),
    level: int = 0,
) -> Any:
    """``import`` of Python 2: a module beside the importing one comes first, and some have stand-ins."""
    names = names or {}
    package = names.get("__package__")
    if level == 0 and package and importlib.util.find_spec(f"{package}.{name.partition('.')[0]}") is not None:
        level = 1
    if level == 0 and name in STANDINS:
        return STANDINS[name]
    return builtins.__import__(name, names, local, wanted or (), level)


class _Hash:
    """A hash object that takes octets and returns them."""

    def __init__(self, algorithm: str, data: str = "") -> None:
        self._hash = hashlib.new(algorithm, to_bytes(data))

    def update(self, data: str) -> None:
        self._hash.update(to_bytes(data))

    def digest(self) -> str:
        return octets(self._hash.digest())

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def module(name: str, **names: Any) -> ModuleType:
    """Return a stand-in for a module."""
    made = ModuleType(name)
    vars(made).update(names)
    return made


def _resource_filename(package: str, resource: str) -> str:
    return str(Path(str(sys.modules[package].__file__)).parent / resource)


def _hex(data: str) -> str:
    return octets(binascii.b2a_hex(to_bytes(data)))


def _unhex(data: str) -> str:
    return octets(binascii.a2b_hex(data))


#: Modules that a translated one gets in place of others. pkg_resources is no part of setuptools any more; of it one
#: function is used.
STANDINS = {
    "binascii": module("binascii", b2a_hex=_hex, hexlify=_hex, a2b_hex=_unhex, unhexlify=_unhex),
    "hashlib": module("hashlib", sha1=lambda data="": _Hash("sha1", data), md5=lambda data="": _Hash("md5", data)),
    "pkg_resources": module("pkg_resources", resource_filename=_resource_filename),
}

#: The built-in names of a translated module.
BUILTINS: dict[str, Any] = {
    **vars(builtins),
    "__import__": _import,
    "basestring": str,
    "file": open_,
    "filter": lambda *arguments: list(filter(*arguments)),
    "long": int,
    "map": lambda *arguments: list(map(*arguments)),
    "open": open_,
    "range": lambda *arguments: list(range(*arguments)),
    "unichr": chr,
    "unicode": str,
    "xrange": range,
    "zip": lambda *arguments: list(zip(*arguments, strict=False)),
    **{PREFIX + one.__name__: one for one in (decode, divide, encode, has_key)},
    **{PREFIX + name: _listing(name) for name in ("items", "keys", "values")},
}
