"""Saboteurs of the chapter on templates made of templates."""

from __future__ import annotations

import itertools
import linecache
import re
import threading
import traceback
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around
from conformance.saboteurs.template_language import Lie, Names, generating, replacing


def files_lie(name: str, lie: str, *kills: str) -> Lie:
    """Register a saboteur of this chapter; ``kills`` are ids without what they have in common."""
    return saboteur(name, lie, chapters="web.templates", kills=tuple(f"template.{one}" for one in kills))


def compiling(ref: Patches, lie: Callable[[Callable[[Any], None], Any, Names], None]) -> None:
    """Compile templates by ``lie(compile, source, options)``."""

    def lying(original: Any, self: Any, source: Any, *args: Any, **chosen: Any) -> None:
        lie(lambda changed: original(self, changed, *args, **chosen), source, chosen)

    around(ref, ref.template.Template, "__init__", lying)


def forgiving(ref: Patches, mend: Callable[[str], str]) -> None:
    """Compile what ``mend`` makes of a source that is no template."""

    def lie(compile: Any, source: Any, chosen: Names) -> None:
        try:
            compile(source)
        except ref.template.ParseError:
            compile(mend(source))

    compiling(ref, lie)


def failing_with(ref: Patches, raise_as: Callable[[Any], BaseException]) -> None:
    """Raise what ``raise_as`` makes of a ParseError."""

    def lie(compile: Any, source: Any, chosen: Names) -> None:
        try:
            compile(source)
        except ref.template.ParseError as error:
            raise raise_as(error) from None

    compiling(ref, lie)


# -- inheritance ------------------------------------------------------------------------------------------------------


@files_lie("template-extends-nothing", "extends does nothing.", "extends.blocks", "extends.generations")
def _(ref: Patches) -> None:
    replacing(ref, r"\{% extends .*? %\}", "")


@files_lie("template-single-quoted", "Names in single quotes keep them.", "extends.quotes")
def _(ref: Patches) -> None:
    replacing(ref, r"\{% (extends|include) '(.*?)' %\}", r"{% \1 _\2_ %}")


@files_lie("template-no-inner-blocks", "Blocks in blocks cannot be replaced.", "extends.generations")
def _(ref: Patches) -> None:
    replacing(ref, r"\{% block inner %\}", "{% if True %}")


@files_lie("template-sets-nothing", "set does nothing.", "extends.names", "include.local-names")
def _(ref: Patches) -> None:
    replacing(ref, r"\{% set .*? %\}", "")


@files_lie("template-blocks-apart", "Blocks of one name are apart from each other.", "block.last-counts")
def _(ref: Patches) -> None:
    numbers = itertools.count()
    replacing(ref, r"\{% block a %\}(?=\d)", lambda match: f"{{% block a{next(numbers)} %}}")


@files_lie("template-block-waits", "A block generates nothing unless it is replaced.", "block.alone")
def _(ref: Patches) -> None:
    replacing(ref, r"^a\{% block b %\}", "a{% if False %}")


# -- inclusion and loaders --------------------------------------------------------------------------------------------


@files_lie("template-include-apart", "What an included template sets is gone after it.", "include.local-names")
def _(ref: Patches) -> None:
    replacing(ref, r"\{% include part %\}", "{% apply bytes %}{% include part %}{% end %}")


@files_lie("template-included-blocks", "Blocks of included templates cannot be replaced.", "include.blocks")
def _(ref: Patches) -> None:
    replacing(ref, r"\{% block b %\}part", "{% if True %}part")


@files_lie("loader-from-root", "Names in templates are from the root.", "include.relative", "loader.resolve-path")
def _(ref: Patches) -> None:
    for loader in (ref.template.DictLoader, ref.template.Loader):
        ref.replace(loader, "resolve_path", lambda self, name, parent_path=None: name)


@files_lie("loader-latin-1", "Files are read as Latin-1.", "loader.directory")
def _(ref: Patches) -> None:
    compiling(
        ref,
        lambda compile, source, chosen: compile(source.decode("latin-1") if isinstance(source, bytes) else source),
    )


@files_lie("loader-never-forgets", "reset() does nothing.", "loader.kept", "traceback.current")
def _(ref: Patches) -> None:
    ref.replace(ref.template.BaseLoader, "reset", lambda self: None)


@files_lie("loader-keeps-nothing", "Each load() compiles.", "loader.kept")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        self.reset()
        return original(self, *args, **kwargs)

    around(ref, ref.template.BaseLoader, "load", lie)


@files_lie("loader-of-a-thread", "Each thread compiles its own templates.", "loader.threads")
def _(ref: Patches) -> None:
    kept = threading.local()

    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        if not hasattr(kept, "known"):
            kept.known = True
            self.reset()
        return original(self, *args, **kwargs)

    around(ref, ref.template.BaseLoader, "load", lie)


@files_lie("loader-empty", "What does not exist is empty.", "loader.missing", "error.cannot-load")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return original(self, name, *args, **kwargs)
        except (KeyError, OSError):
            return ref.template.Template("", name=name)

    around(ref, ref.template.BaseLoader, "load", lie)


@files_lie("loader-own-paths", "resolve_path() of a subclass is not asked.", "loader.own-paths")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        self.resolve_path = lambda name, parent_path=None: name
        return original(self, *args, **kwargs)

    around(ref, ref.template.BaseLoader, "load", lie)


@files_lie("loader-no-namespace", "Loaders have no namespace.", "loader.namespace", "generate.name")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, namespace: Any = None, **kwargs: Any) -> None:
        original(self, *args, **kwargs)

    around(ref, ref.template.BaseLoader, "__init__", lie)


# -- templates that are none ------------------------------------------------------------------------------------------


@files_lie("parse-error-next-line", "ParseError names the next line.", "error.names-the-line", "error.attributes")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, message: str, filename: Any = None, lineno: int = 0) -> None:
        original(self, message, filename, lineno + 1)

    around(ref, ref.template.ParseError, "__init__", lie)


@files_lie("template-closes-itself", "What is open at the end is closed.", "error.unclosed")
def _(ref: Patches) -> None:
    forgiving(ref, lambda source: source + "{% end %}")


@files_lie("template-drops-clauses", "Clauses out of place are dropped.", "error.misplaced")
def _(ref: Patches) -> None:
    forgiving(ref, lambda source: re.sub(r"\{% (else|elif|except|break).*?%\}", "", source))


@files_lie("template-syntax-error", "Bad Python raises SyntaxError.", "error.python")
def _(ref: Patches) -> None:
    failing_with(ref, lambda error: error.__cause__ if isinstance(error.__cause__, SyntaxError) else error)


@files_lie("template-first-statement", "What is too much is not compiled.", "error.out-of-its-place")
def _(ref: Patches) -> None:
    forgiving(ref, lambda source: "")


@files_lie("parse-error-outer", "Errors name the template that was asked for.", "error.in-included")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return original(self, name, *args, **kwargs)
        except ref.template.ParseError as error:
            error.filename = name
            raise

    around(ref, ref.template.BaseLoader, "load", lie)


@files_lie("parse-error-cause", "The loader's own error comes through.", "error.cannot-load", "error.endless")
def _(ref: Patches) -> None:
    failing_with(ref, lambda error: error.__cause__ if isinstance(error.__cause__, LookupError) else error)


@files_lie("template-any-bytes", "Bytes that are not UTF-8 become something.", "error.not-utf-8")
def _(ref: Patches) -> None:
    compiling(
        ref,
        lambda compile, source, chosen: compile(
            source.decode("utf-8", "replace") if isinstance(source, bytes) else source
        ),
    )


@files_lie("parse-error-silent", "The text of ParseError has no place.", "error.attributes", "error.names-the-line")
def _(ref: Patches) -> None:
    ref.replace(ref.template.ParseError, "__str__", lambda self: self.message)


# -- tracebacks -------------------------------------------------------------------------------------------------------


@files_lie("template-no-traceback", "The traceback ends at generate().", "traceback.place", "traceback.via")
def _(ref: Patches) -> None:
    def lie(generate: Any, template: Any, names: Names) -> bytes:
        try:
            return bytes(generate(names))
        except ZeroDivisionError as error:
            raise error.with_traceback(None) from None

    generating(ref, lie)


@files_lie("template-stale-lines", "Tracebacks show the lines of the first failure.", "traceback.current")
def _(ref: Patches) -> None:
    kept: dict[str, Any] = {}

    def lie(generate: Any, template: Any, names: Names) -> bytes:
        try:
            return bytes(generate(names))
        except ZeroDivisionError as error:
            for frame, _ in traceback.walk_tb(error.__traceback__):
                name = frame.f_code.co_filename
                if name.endswith(".generated.py"):
                    linecache.getlines(name, frame.f_globals)
                    linecache.cache[name] = kept.setdefault(name, linecache.cache[name])
            raise

    generating(ref, lie)


@files_lie("template-nameless", "Templates forget their name.", "generate.name")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.name = "template"

    around(ref, ref.template.Template, "__init__", lie)
