"""Saboteurs of the chapter on util."""

from __future__ import annotations

import asyncio
import zlib
from typing import Any

from conformance.saboteurs import Patches, saboteur


@saboteur(
    "configurable-keeps-the-default",
    "Configurable.configure() is without effect.",
    chapters="tools.util",
    kills=(
        "util.configurable.configure",
        "util.configurable.by-name",
        "util.configurable.foreign-class",
        "util.configurable.separate",
    ),
)
def _configure_nothing(ref: Patches) -> None:
    ref.replace(ref.util.Configurable, "configure", classmethod(lambda cls, impl, **named: None))


@saboteur(
    "configurable-makes-the-interface",
    "The implementation of an interface is the interface itself.",
    chapters="tools.util",
    kills="util.configurable.default",
)
def _make_interface(ref: Patches) -> None:
    ref.replace(ref.util.Configurable, "configured_class", classmethod(lambda cls: cls.configurable_base()))


@saboteur(
    "configurable-ignores-the-name",
    "A class called by its own name makes the configured one.",
    chapters="tools.util",
    kills="util.configurable.own-name",
)
def _ignore_name(ref: Patches) -> None:
    original = ref.util.Configurable.__new__
    lie = staticmethod(lambda cls, *args, **named: original(cls.configurable_base(), *args, **named))
    ref.replace(ref.util.Configurable, "__new__", lie)


@saboteur(
    "configurable-never-back",
    "configure(None) changes nothing.",
    chapters="tools.util",
    kills="util.configurable.none",
)
def _never_back(ref: Patches) -> None:
    original = ref.util.Configurable.configure.__func__

    def configure(cls: type, /, impl: Any, **named: Any) -> None:
        if impl is not None:
            original(cls, impl, **named)

    ref.replace(ref.util.Configurable, "configure", classmethod(configure))


@saboteur(
    "import-object-none",
    "import_object() returns None for every name.",
    chapters="tools.util",
    kills=("util.import-object.found", "util.import-object.missing"),
)
def _import_none(ref: Patches) -> None:
    ref.replace(ref.util, "import_object", lambda name: None)


@saboteur("exec-in-nothing", "exec_in() runs nothing.", chapters="tools.util", kills="util.exec-in.names")
def _exec_nothing(ref: Patches) -> None:
    ref.replace(ref.util, "exec_in", lambda code, glob, loc=None: None)


@saboteur(
    "arg-replacer-finds-nothing",
    "An ArgReplacer takes every argument for missing.",
    chapters="tools.util",
    kills=("util.arg-replacer.replace", "util.arg-replacer.get-old-value"),
)
def _find_nothing(ref: Patches) -> None:
    replacer = ref.util.ArgReplacer
    ref.replace(replacer, "replace", lambda self, new, args, named: (None, args, {**named, self.name: new}))
    ref.replace(replacer, "get_old_value", lambda self, args, named, default=None: default)


@saboteur(
    "object-dict-has-everything",
    "A missing attribute of an ObjectDict is None.",
    chapters="tools.util",
    kills="util.object-dict.attributes",
)
def _has_everything(ref: Patches) -> None:
    ref.replace(ref.util.ObjectDict, "__getattr__", lambda self, name: self.get(name))


@saboteur(
    "errno-of-oserror-only",
    "errno_from_exception() does not look at arguments.",
    chapters="tools.util",
    kills="util.errno-from-exception.number",
)
def _errno_attribute(ref: Patches) -> None:
    ref.replace(ref.util, "errno_from_exception", lambda e: getattr(e, "errno", None))


@saboteur(
    "raise-exc-info-new-traceback",
    "raise_exc_info() forgets where the exception came from.",
    chapters="tools.util",
    kills="util.raise-exc-info.traceback",
)
def _new_traceback(ref: Patches) -> None:
    def raise_exc_info(exc_info: tuple[Any, BaseException, Any]) -> None:
        raise exc_info[1].with_traceback(None)

    ref.replace(ref.util, "raise_exc_info", raise_exc_info)


@saboteur(
    "timeout-error-of-its-own",
    "util.TimeoutError is a class of its own.",
    chapters="tools.util",
    kills="util.timeout-error.alias",
)
def _own_timeout_error(ref: Patches) -> None:
    ref.replace(ref.util, "TimeoutError", type("TimeoutError", (asyncio.TimeoutError,), {}))


@saboteur(
    "re-unescape-nothing",
    "re_unescape() returns its argument.",
    chapters="tools.util",
    kills=("util.re-unescape.inverse", "util.re-unescape.classes"),
)
def _unescape_nothing(ref: Patches) -> None:
    ref.replace(ref.util, "re_unescape", lambda s: s)


@saboteur(
    "timedelta-without-days",
    "timedelta_to_seconds() gives the attribute `seconds`.",
    chapters="tools.util",
    kills="util.timedelta-to-seconds.fraction",
)
def _without_days(ref: Patches) -> None:
    ref.replace(ref.util, "timedelta_to_seconds", lambda td: td.seconds)


@saboteur(
    "names-of-python-2",
    "unicode_type is bytes, and PY3 is False.",
    chapters="tools.util",
    kills=("util.names.text-types", "util.names.two-pythons"),
)
def _python_2(ref: Patches) -> None:
    ref.replace(ref.util, "unicode_type", bytes)
    ref.replace(ref.util, "PY3", False)


@saboteur(
    "gzip-without-bound",
    "GzipDecompressor ignores max_length.",
    chapters="tools.util",
    kills=("util.gzip.bounded", "util.gzip.unbounded-deprecated"),
)
def _without_bound(ref: Patches) -> None:
    original = ref.util.GzipDecompressor.decompress
    lie = lambda self, value, max_length=0: original(self, value, 10**9)  # noqa: E731
    ref.replace(ref.util.GzipDecompressor, "decompress", lie)


@saboteur(
    "gzip-tolerates-damage",
    "GzipDecompressor makes nothing of what it cannot read.",
    chapters="tools.util",
    kills=("util.gzip.truncated", "util.gzip.not-gzip"),
)
def _tolerate_damage(ref: Patches) -> None:
    original = ref.util.GzipDecompressor.decompress

    def decompress(self: Any, value: bytes, max_length: int = 0) -> bytes:
        try:
            found: bytes = original(self, value, max_length)
        except zlib.error:
            return b""
        return found

    ref.replace(ref.util.GzipDecompressor, "decompress", decompress)
    ref.replace(ref.util.GzipDecompressor, "flush", lambda self: b"")


class FirstMember:
    """Unpacks the first member of a gzip stream and forgets the others."""

    def __init__(self) -> None:
        self.decompressobj = zlib.decompressobj(16 + zlib.MAX_WBITS)

    def decompress(self, value: bytes, max_length: int = 0) -> bytes:
        """Return at most ``max_length`` bytes of the first member."""
        return self.decompressobj.decompress(value, max_length)

    @property
    def unconsumed_tail(self) -> bytes:
        """What was not used for want of room."""
        return self.decompressobj.unconsumed_tail

    def flush(self) -> bytes:
        """Return what is left."""
        return self.decompressobj.flush()


@saboteur(
    "gzip-first-member-only",
    "GzipDecompressor ends with the first member of a stream.",
    chapters="tools.util",
    kills="util.gzip.members",
)
def _first_member(ref: Patches) -> None:
    ref.replace(ref.util, "GzipDecompressor", FirstMember)
