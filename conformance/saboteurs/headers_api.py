"""Saboteurs of the chapter on header fields as Python programs see them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around

CHAPTER = "http.headers_api"


def lie(name: str, words: str, method: str, *kills: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a lie ``(original, self, *arguments)`` about a method of HTTPHeaders."""

    def register(liar: Callable[..., Any]) -> Callable[..., Any]:
        @saboteur(f"httpheaders-{name}", words, chapters=CHAPTER, kills=tuple(f"httputil.headers.{id}" for id in kills))
        def _(ref: Patches) -> None:
            around(ref, ref.httputil.HTTPHeaders, method, liar)

        return liar

    return register


def of_class(name: str, words: str, method: str, *kills: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a lie ``(original, *arguments)`` about a class method of HTTPHeaders."""

    def register(liar: Callable[..., Any]) -> Callable[..., Any]:
        @saboteur(f"httpheaders-{name}", words, chapters=CHAPTER, kills=tuple(f"httputil.headers.{id}" for id in kills))
        def _(ref: Patches) -> None:
            original = getattr(ref.httputil.HTTPHeaders, method)
            ref.replace(ref.httputil.HTTPHeaders, method, lambda *args, **kwargs: liar(original, *args, **kwargs))

        return liar

    return register


# -- names ------------------------------------------------------------------------------------------------------------


@lie("exact-case", "A name is found in its own spelling only.", "__contains__", "case")
def _(original: Any, self: Any, name: str) -> bool:
    return name in list(self)


@lie("lower-case", "Names are shown in small letters.", "__iter__", "spelling")
def _(original: Any, self: Any) -> Any:
    return (name.lower() for name in original(self))


@lie("missing-is-empty", "A name that is not there has an empty value.", "__getitem__", "missing")
def _(original: Any, self: Any, name: str) -> str:
    try:
        return str(original(self, name))
    except KeyError:
        return ""


# -- repeated fields --------------------------------------------------------------------------------------------------


@lie("semicolons", "Values of a repeated field are joined with semicolons.", "__getitem__", "add-joins", "many-values")
def _(original: Any, self: Any, name: str) -> str:
    return ";".join(self.get_list(name)) or str(original(self, name))


@lie("last-value", "get_list() gives the last value only.", "get_list", "get-list", "set-replaces")
def _(original: Any, self: Any, name: str) -> Any:
    return original(self, name)[-1:]


@lie("all-joined", "get_all() gives each name once, its values joined.", "get_all", "get-all")
def _(original: Any, self: Any) -> Any:
    return list(self.items())


@lie("set-adds", "Setting an item adds a value.", "__setitem__", "set-replaces", "case")
def _(original: Any, self: Any, name: str, value: str) -> None:
    self.add(name, value)


@lie("delete-last", "Deleting a name removes its last value.", "__delitem__", "delete")
def _(original: Any, self: Any, name: str) -> None:
    rest = self.get_list(name)[:-1]
    original(self, name)
    for value in rest:
        self.add(name, value)


# -- making, copying --------------------------------------------------------------------------------------------------


@lie("no-keywords", "The constructor ignores keywords.", "__init__", "constructor")
def _(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
    original(self, *args)


@lie("copy-is-itself", "A copy is the object itself.", "copy", "copies")
def _(original: Any, self: Any) -> Any:
    return self


@lie("text-joined", "As text, a repeated field is one line.", "__str__", "text")
def _(original: Any, self: Any) -> str:
    return "".join(f"{name}: {value}\n" for name, value in self.items())


# -- lines and blocks -------------------------------------------------------------------------------------------------


@of_class("parse-drops-empty", "parse() leaves fields without a value out.", "parse", "parse")
def _(original: Any, text: str, **kwargs: Any) -> Any:
    made = original(text, **kwargs)
    for name in [name for name in made if not made[name]]:
        del made[name]
    return made


@lie("empty-line-refused", "parse_line() refuses an empty line.", "parse_line", "parse-line")
def _(original: Any, self: Any, line: str, **kwargs: Any) -> None:
    original(self, line if line.strip("\r\n") else ":", **kwargs)


@lie("last-colon", "The last colon of a line ends the name.", "parse_line", "value-colons")
def _(original: Any, self: Any, line: str, **kwargs: Any) -> None:
    name, colon, value = line.rpartition(":")
    original(self, name.replace(":", "-").replace("/", "-") + colon + value, **kwargs)


@lie("bad-lines-skipped", "Lines that are no field lines are left out.", "parse_line", "bad-lines", "folding")
def _(original: Any, self: Any, line: str, **kwargs: Any) -> None:
    try:
        original(self, line, **kwargs)
    except Exception as error:
        if type(error).__name__ != "HTTPInputError":
            raise


@lie("folds-joined", "A folded line continues the value before it.", "parse_line", "folding")
def _(original: Any, self: Any, line: str, **kwargs: Any) -> None:
    names = list(self)
    if line[:1] in (" ", "\t") and names:
        self[names[-1]] += " " + line.strip()
    else:
        original(self, line.lstrip(), **kwargs)


# -- injection --------------------------------------------------------------------------------------------------------


@lie("names-repaired", "Names that are no tokens are repaired.", "add", "add-name", "bad-lines")
def _(original: Any, self: Any, name: str, value: str, **kwargs: Any) -> None:
    original(self, re.sub(r"[^A-Za-z0-9-]", "", name) or "X", value, **kwargs)


@lie("values-repaired", "Characters that no value may have are left out.", "add", "add-value", "add-decoded")
def _(original: Any, self: Any, name: str, value: str, **kwargs: Any) -> None:
    original(self, name, re.sub(r"[^\t -~\x80-\xff]", "", value), **kwargs)


@lie("values-ascii", "Values have characters of ASCII only, and at least one.", "add", "add-good-value")
def _(original: Any, self: Any, name: str, value: str, **kwargs: Any) -> None:
    original(self, name, value if value and value.isascii() else "\x00", **kwargs)


@lie("values-stripped", "White space around a value is dropped silently.", "add", "add-white-space")
def _(original: Any, self: Any, name: str, value: str, **kwargs: Any) -> None:
    original(self, name, value.strip(" \t"), **kwargs)


@lie("always-bytes", "A value is always taken for octets.", "add", "add-decoded")
def _(original: Any, self: Any, name: str, value: str, **kwargs: Any) -> None:
    original(self, name, value)


@lie("add-copies", "Adding a value copies those that are there.", "add", "many-values")
def _(original: Any, self: Any, name: str, value: str, **kwargs: Any) -> None:
    original(self, name, value, **kwargs)
    sorted(self.get_list(name))
