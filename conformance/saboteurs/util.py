"""Saboteurs of the chapter on small tools."""

from __future__ import annotations

import builtins
import importlib
import re
import types
import zlib
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around
from conformance.saboteurs.loop_life import Lie


def util_lie(name: str, lie: str, *kills: str) -> Lie:
    """Register a saboteur of this chapter; ``kills`` are ids without what they have in common."""
    return saboteur(name, lie, chapters="tools.util", kills=tuple(f"util.{one}" for one in kills))


# -- exchangeable implementations -------------------------------------------------------------------------------------


def configuring(ref: Patches, lie: Any) -> None:
    """Answer ``configure`` of every interface with ``lie(original, interface, impl, keyword arguments)``."""
    original = ref.util.Configurable.configure.__func__
    ref.replace(
        ref.util.Configurable,
        "configure",
        classmethod(lambda cls, impl, **kwargs: lie(original, cls, impl, kwargs)),
    )


@util_lie(
    "configurable-without-arguments",
    "initialize() gets none of the arguments.",
    "configurable.default",
    "configurable.configure",
)
def _(ref: Patches) -> None:
    original = ref.util.Configurable.__new__
    ref.replace(ref.util.Configurable, "__new__", staticmethod(lambda cls, *args, **kwargs: original(cls)))


@util_lie("configure-forgets-arguments", "configure() forgets its keyword arguments.", "configurable.configure")
def _(ref: Patches) -> None:
    configuring(ref, lambda original, cls, impl, kwargs: original(cls, impl))


@util_lie("configure-knows-no-names", "configure() ignores dotted names.", "configurable.by-name")
def _(ref: Patches) -> None:
    configuring(ref, lambda original, cls, impl, kwargs: None if isinstance(impl, str) else original(cls, impl))


@util_lie("configure-only-once", "The first choice stays.", "configurable.none")
def _(ref: Patches) -> None:
    chosen: list[Any] = []

    def lie(original: Any, cls: Any, impl: Any, kwargs: dict[str, Any]) -> None:
        if cls not in chosen:
            chosen.append(cls)
            original(cls, impl, **kwargs)

    configuring(ref, lie)


@util_lie("own-name-redirected", "A class called by its own name is exchanged, too.", "configurable.own-name")
def _(ref: Patches) -> None:
    original = ref.util.Configurable.__new__

    def new(cls: Any, *args: Any, **kwargs: Any) -> Any:
        return original(cls.configurable_base(), *args, **kwargs)

    ref.replace(ref.util.Configurable, "__new__", staticmethod(new))


@util_lie(
    "foreign-class-taken",
    "configure() ignores a class that does not implement the interface.",
    "configurable.foreign-class",
)
def _(ref: Patches) -> None:
    def lie(original: Any, cls: Any, impl: Any, kwargs: dict[str, Any]) -> None:
        if impl is not int:
            original(cls, impl, **kwargs)

    configuring(ref, lie)


@util_lie("one-choice-for-all", "All interfaces share one choice.", "configurable.separate")
def _(ref: Patches) -> None:
    chosen: list[Any] = []
    original_class = ref.util.Configurable.configured_class.__func__

    def lie(original: Any, cls: Any, impl: Any, kwargs: dict[str, Any]) -> None:
        original(cls, impl, **kwargs)
        chosen.append(impl)

    configuring(ref, lie)
    ref.replace(
        ref.util.Configurable,
        "configured_class",
        classmethod(lambda cls: chosen[-1] if chosen and chosen[-1] else original_class(cls)),
    )


# -- names ------------------------------------------------------------------------------------------------------------


@util_lie("import-object-modules-only", "import_object() gives the module of an object.", "import-object.found")
def _(ref: Patches) -> None:
    ref.replace(ref.util, "import_object", lambda name: importlib.import_module(name.rpartition(".")[0] or name))


@util_lie("import-object-gives-none", "import_object() gives None for what does not exist.", "import-object.missing")
def _(ref: Patches) -> None:
    original = ref.util.import_object

    def lie(name: str) -> Any:
        try:
            return original(name)
        except ImportError:
            return None

    ref.replace(ref.util, "import_object", lie)


@util_lie("exec-in-futures", "exec_in() executes text with its own module's __future__ imports.", "exec-in.names")
def _(ref: Patches) -> None:
    def lie(code: Any, glob: Any, loc: Any = None) -> None:
        exec(compile(code, "<string>", "exec") if isinstance(code, str) else code, glob, loc)

    ref.replace(ref.util, "exec_in", lie)


@util_lie("exec-in-one-namespace", "exec_in() ignores the local names.", "exec-in.names")
def _(ref: Patches) -> None:
    original = ref.util.exec_in
    ref.replace(ref.util, "exec_in", lambda code, glob, loc=None: original(code, glob))


@util_lie(
    "arg-replacer-by-name-only",
    "ArgReplacer does not look at positional arguments.",
    "arg-replacer.replace",
    "arg-replacer.get-old-value",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, func: Any, name: str) -> None:
        original(self, lambda: None, name)

    around(ref, ref.util.ArgReplacer, "__init__", lie)


@util_lie("object-dict-gives-none", "A missing attribute of an ObjectDict is None.", "object-dict.attributes")
def _(ref: Patches) -> None:
    ref.replace(ref.util.ObjectDict, "__getattr__", dict.get)


# -- exceptions -------------------------------------------------------------------------------------------------------


@util_lie("errno-of-oserror-only", "errno_from_exception() looks at errno only.", "errno-from-exception.number")
def _(ref: Patches) -> None:
    ref.replace(ref.util, "errno_from_exception", lambda error: getattr(error, "errno", None))


@util_lie(
    "errno-any-argument",
    "errno_from_exception() gives the first argument, whatever it is.",
    "errno-from-exception.number",
)
def _(ref: Patches) -> None:
    ref.replace(ref.util, "errno_from_exception", lambda error: error.args[0] if error.args else None)


@util_lie("exc-info-raised-afresh", "raise_exc_info() raises without the old traceback.", "raise-exc-info.traceback")
def _(ref: Patches) -> None:
    def lie(exc_info: Any) -> None:
        raise exc_info[1].with_traceback(None)

    ref.replace(ref.util, "raise_exc_info", lie)


@util_lie("timeout-error-of-its-own", "TimeoutError is a class that nobody else knows.", "timeout-error.alias")
def _(ref: Patches) -> None:
    kind = types.new_class("TimeoutError", (builtins.TimeoutError,))
    for module in (ref.util, ref.ioloop, ref.gen):
        ref.replace(module, "TimeoutError", kind)


# -- text, time and decompression -------------------------------------------------------------------------------------


@util_lie(
    "re-unescape-drops-backslashes",
    "re_unescape() takes all backslashes out.",
    "re-unescape.inverse",
    "re-unescape.classes",
)
def _(ref: Patches) -> None:
    ref.replace(ref.util, "re_unescape", lambda text: text.replace("\\", ""))


@util_lie("re-unescape-letters-only", "re_unescape() leaves escaped line ends as they are.", "re-unescape.inverse")
def _(ref: Patches) -> None:
    ref.replace(ref.util, "re_unescape", lambda text: re.sub(r"\\(.)", r"\1", text))


@util_lie(
    "timedelta-whole-seconds", "timedelta_to_seconds() forgets days and fractions.", "timedelta-to-seconds.fraction"
)
def _(ref: Patches) -> None:
    ref.replace(ref.util, "timedelta_to_seconds", lambda span: span.seconds)


@util_lie("text-types-of-python-2", "basestring_type is bytes.", "names.text-types")
def _(ref: Patches) -> None:
    ref.replace(ref.util, "basestring_type", bytes)


@util_lie("bytes-in-utf-8", "b() encodes as UTF-8.", "names.two-pythons")
def _(ref: Patches) -> None:
    ref.replace(ref.util, "b", str.encode)


@util_lie("gzip-unbounded", "decompress() ignores max_length.", "gzip.bounded")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, value: bytes, max_length: int = 0) -> Any:
        return original(self, value, 1 << 30)

    around(ref, ref.util.GzipDecompressor, "decompress", lie)


@util_lie("gzip-loses-the-tail", "What did not fit is lost.", "gzip.bounded")
def _(ref: Patches) -> None:
    ref.replace(ref.util.GzipDecompressor, "unconsumed_tail", b"")


@util_lie("gzip-truncation-unnoticed", "flush() does not notice that the input stopped early.", "gzip.truncated")
def _(ref: Patches) -> None:
    ref.replace(ref.util.GzipDecompressor, "flush", lambda self: b"")


@util_lie("gzip-takes-anything", "Data that is not gzip is passed on as it is.", "gzip.not-gzip")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, value: bytes, max_length: int = 0) -> Any:
        try:
            return original(self, value, max_length)
        except (zlib.error, ValueError):
            return value

    around(ref, ref.util.GzipDecompressor, "decompress", lie)
    ref.replace(ref.util.GzipDecompressor, "flush", lambda self: b"")


@util_lie("gzip-first-member-only", "Decompression ends after the first member.", "gzip.members")
def _(ref: Patches) -> None:
    class First(ref.util.GzipDecompressor):  # type: ignore[misc, name-defined]
        def decompress(self, value: bytes, max_length: int = 0) -> bytes:
            stream = self.__dict__.setdefault("stream", zlib.decompressobj(31))
            return b"" if stream.eof else bytes(stream.decompress(value))

        def flush(self) -> bytes:
            return b""

        unconsumed_tail = b""

    ref.replace(ref.util, "GzipDecompressor", First)


@util_lie("gzip-unbounded-unwarned", "Decompression without a bound is not deprecated.", "gzip.unbounded-deprecated")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, value: bytes, max_length: int = 0) -> Any:
        return original(self, value, max_length or 1 << 30)

    around(ref, ref.util.GzipDecompressor, "decompress", lie)
