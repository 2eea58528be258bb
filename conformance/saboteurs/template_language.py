"""Saboteurs of the chapter on the language of templates: they rewrite sources, names given, or what is generated."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around

Lie = Callable[[Callable[[Patches], None]], Callable[[Patches], None]]
Names = dict[str, Any]


def language_lie(name: str, lie: str, *kills: str) -> Lie:
    """Register a saboteur of this chapter; ``kills`` are ids without what they have in common."""
    return saboteur(name, lie, chapters="web.template_language", kills=tuple(f"template.{one}" for one in kills))


def sources(ref: Patches, rewrite: Callable[[str], str]) -> None:
    """Let every template be compiled from what ``rewrite`` makes of its source."""

    def lie(original: Any, self: Any, source: Any, *args: Any, **kwargs: Any) -> None:
        text = source.decode() if isinstance(source, bytes) else source
        original(self, rewrite(text), *args, **kwargs)

    around(ref, ref.template.Template, "__init__", lie)


def replacing(ref: Patches, pattern: str, replacement: str | Callable[[re.Match[str]], str]) -> None:
    """Rewrite what ``pattern`` matches in every source."""
    sources(ref, lambda source: re.sub(pattern, replacement, source, flags=re.S))


def options(ref: Patches, change: Callable[[Names], None]) -> None:
    """Let ``change`` alter the keyword arguments of every Template."""

    def lie(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        change(kwargs)
        original(self, *args, **kwargs)

    around(ref, ref.template.Template, "__init__", lie)


def generating(ref: Patches, lie: Callable[[Callable[[Names], bytes], Any, Names], bytes]) -> None:
    """Answer generate() with ``lie(generate, template, names)``."""
    original = ref.template.Template.generate

    def lying(template: Any, /, **names: Any) -> bytes:
        return lie(lambda changed: original(template, **changed), template, names)

    ref.replace(ref.template.Template, "generate", lying)


def giving(ref: Patches, **more: Any) -> None:
    """Give every template further names, in the place of its own."""
    generating(ref, lambda generate, template, names: generate({**more, **names}))


def swallowing(ref: Patches, *errors: type[BaseException]) -> None:
    """Generate nothing where an exception was due."""

    def lie(generate: Any, template: Any, names: Names) -> bytes:
        try:
            return bytes(generate(names))
        except errors:
            return b""

    generating(ref, lie)


# -- text and expressions ---------------------------------------------------------------------------------------------


@language_lie("template-line-ends", "Line ends of text become line feeds.", "text.unchanged", "whitespace.modes")
def _(ref: Patches) -> None:
    replacing(ref, "\r\n", "\n")


@language_lie("template-none-is-nothing", "None prints nothing.", "expression.printed")
def _(ref: Patches) -> None:
    replacing(ref, r"\{\{ (value) \}\}", r"{{ '' if \1 is None else \1 }}")


@language_lie("template-one-line", "An expression has to fit into a line.", "expression.python")
def _(ref: Patches) -> None:
    replacing(ref, r"\{\{([^}]*)\n[^}]*\}\}", r"{{\1}}")


@language_lie("template-outer-braces", "Of three braces, one is followed by a space.", "expression.inner-braces")
def _(ref: Patches) -> None:
    replacing(ref, r"\{\{\{", "{ {{")


@language_lie("template-no-literals", "An exclamation mark means nothing.", "literal.delimiters")
def _(ref: Patches) -> None:
    replacing(ref, r"(\{[{%#])!", r"\1")


@language_lie("template-comments-shown", "Comments are generated.", "comment.left-out")
def _(ref: Patches) -> None:
    replacing(ref, r"\{#", "{#!")


@language_lie("template-first-names", "The names of the first generate() stay.", "names.given")
def _(ref: Patches) -> None:
    kept: dict[int, Names] = {}
    generating(ref, lambda generate, template, names: generate(kept.setdefault(id(template), names)))


@language_lie("template-no-self", "There is no name self.", "names.self")
def _(ref: Patches) -> None:
    generating(ref, lambda generate, template, names: generate({name: names[name] for name in names if name != "self"}))


@language_lie("template-no-linkify", "Templates do not know linkify.", "names.standard")
def _(ref: Patches) -> None:
    giving(ref, linkify=None)


@language_lie("template-namespace-first", "A loader's names come before the given ones.", "names.given-first")
def _(ref: Patches) -> None:
    generating(ref, lambda generate, template, names: generate({**names, **template.namespace}))


# -- escaping ---------------------------------------------------------------------------------------------------------


@language_lie(
    "template-no-escaping",
    "Without a choice nothing is escaped.",
    "escape.default",
    "security.element",
    "security.attribute",
    "security.json-in-attribute",
)
def _(ref: Patches) -> None:
    options(ref, lambda chosen: chosen.setdefault("autoescape", None))


@language_lie("template-single-quotes", "Single quotes are not escaped.", "security.attribute")
def _(ref: Patches) -> None:
    original = ref.escape.xhtml_escape
    giving(ref, xhtml_escape=lambda value: original(value).replace("&#x27;", "'"))


@language_lie("template-raw-escaped", "What raw prints is escaped.", "raw.unescaped")
def _(ref: Patches) -> None:
    replacing(ref, r"\{% raw (.*?) %\}", r"{{ \1 }}")


@language_lie("template-no-autoescape", "The directive autoescape does nothing.", "autoescape.directive")
def _(ref: Patches) -> None:
    replacing(ref, r"\{% autoescape .*? %\}", "")


@language_lie("template-always-escaped", "The argument autoescape is ignored.", "autoescape.argument")
def _(ref: Patches) -> None:
    options(ref, lambda chosen: chosen.update(autoescape="xhtml_escape"))


@language_lie("template-first-autoescape", "The first autoescape directive counts.", "autoescape.last-counts")
def _(ref: Patches) -> None:
    replacing(ref, r"(\{% autoescape [^%]*%\}.*)\{% autoescape [^%]*%\}", r"\1")


@language_lie(
    "template-autoescape-spreads", "The directive is about the files loaded afterwards, too.", "autoescape.per-file"
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, source: str, *args: Any, **chosen: Any) -> None:
        if "{% autoescape None" in source and chosen.get("loader"):
            chosen["loader"].autoescape = None
        original(self, source, *args, **chosen)

    around(ref, ref.template.Template, "__init__", lie)


@language_lie("template-unknown-function", "With an unknown function nothing is printed.", "autoescape.unknown")
def _(ref: Patches) -> None:
    swallowing(ref, NameError)


@language_lie("template-plain-json", "json_encode knows nothing of scripts.", "security.script")
def _(ref: Patches) -> None:
    giving(ref, json_encode=json.dumps)


@language_lie("template-twice", "What was generated is taken for a template.", "security.values-are-no-templates")
def _(ref: Patches) -> None:
    inside: list[int] = []

    def lie(generate: Any, template: Any, names: Names) -> bytes:
        made = bytes(generate(names))
        if inside or not re.search(rb"\{[{%#]", made):
            return made
        inside.append(1)
        try:
            return bytes(ref.template.Template(made).generate(**names))
        finally:
            inside.pop()

    generating(ref, lie)


# -- control structures -----------------------------------------------------------------------------------------------


@language_lie("template-elif-not", "The condition of elif is turned round.", "if.branches")
def _(ref: Patches) -> None:
    replacing(ref, r"\{% elif (.*?) %\}", r"{% elif not (\1) %}")


@language_lie("template-for-first", "for is for the first item.", "for.each")
def _(ref: Patches) -> None:
    replacing(ref, r"\{% for (.*?) in (.*?) %\}", r"{% for \1 in list(\2)[:1] %}")


@language_lie("template-while-once", "while happens once.", "while.repeats")
def _(ref: Patches) -> None:
    replacing(ref, r"\{% while (.*?) %\}", r"{% if \1 %}")


@language_lie("template-continue-breaks", "continue leaves the loop.", "loop.leave")
def _(ref: Patches) -> None:
    replacing(ref, r"\{% continue %\}", "{% break %}")


@language_lie("template-loop-else", "else of a loop is part of it.", "loop.else")
def _(ref: Patches) -> None:
    replacing(ref, r"(\{% for .*)\{% else %\}", r"\1")


@language_lie("template-no-finally", "finally generates nothing.", "try.clauses")
def _(ref: Patches) -> None:
    replacing(ref, r"(\{% except .*)\{% finally %\}.*?\{% end %\}", r"\1{% end %}")


@language_lie("template-no-exceptions", "Exceptions end at the template.", "try.uncaught")
def _(ref: Patches) -> None:
    swallowing(ref, ZeroDivisionError)


@language_lie("template-set-nothing", "set does nothing.", "set.variable")
def _(ref: Patches) -> None:
    replacing(ref, r"\{% set .*? %\}", "")


@language_lie("template-import-nothing", "Imports do nothing.", "import.module")
def _(ref: Patches) -> None:
    replacing(ref, r"\{% (from|import) .*? %\}", "")


@language_lie("template-apply-text", "apply gives its function text.", "apply.function")
def _(ref: Patches) -> None:
    replacing(ref, r"\{% apply (.*?) %\}", r"{% apply (lambda content: \1(content.decode())) %}")


@language_lie(
    "template-apply-nothing", "apply does nothing to its content.", "apply.function", "apply.nested", "apply.scope"
)
def _(ref: Patches) -> None:
    replacing(ref, r"\{% apply .*? %\}", "{% if True %}")


# -- white space ------------------------------------------------------------------------------------------------------


@language_lie("whitespace-tabs", "Tabs are no white space.", "whitespace.modes")
def _(ref: Patches) -> None:
    original = ref.template.filter_whitespace
    ref.replace(
        ref.template,
        "filter_whitespace",
        lambda mode, text: original(mode, text.replace("\t", "\ue000")).replace("\ue000", "\t"),
    )


@language_lie("whitespace-kept", "The default keeps all white space.", "whitespace.default")
def _(ref: Patches) -> None:
    def change(chosen: Names) -> None:
        if "compress_whitespace" not in chosen and not chosen.get("whitespace"):
            chosen["whitespace"] = "all"

    options(ref, change)


@language_lie("whitespace-not-of-loaders", "Loaders forget their white space mode.", "whitespace.loader")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, whitespace: Any = None, **kwargs: Any) -> None:
        original(self, *args, **kwargs)

    around(ref, ref.template.BaseLoader, "__init__", lie)


@language_lie("whitespace-no-directive", "The directive whitespace does nothing.", "whitespace.directive")
def _(ref: Patches) -> None:
    replacing(ref, r"\{% whitespace \w+ %\}", "")


@language_lie("whitespace-of-values", "White space of values is condensed.", "whitespace.values-kept")
def _(ref: Patches) -> None:
    def squeezed(value: Any) -> Any:
        return " ".join(value.split()) if isinstance(value, str) else value

    generating(
        ref, lambda generate, template, names: generate({name: squeezed(value) for name, value in names.items()})
    )


@language_lie("whitespace-pre", "White space in <pre> is condensed.", "whitespace.preformatted")
def _(ref: Patches) -> None:
    replacing(ref, "<pre>", "{% raw '<pre>' %}")


@language_lie("whitespace-compress", "compress_whitespace is ignored.", "whitespace.compress-argument")
def _(ref: Patches) -> None:
    options(ref, lambda chosen: chosen.pop("compress_whitespace", None))


@language_lie("whitespace-any-mode", "Unknown modes keep white space.", "whitespace.unknown-mode")
def _(ref: Patches) -> None:
    original = ref.template.filter_whitespace
    known = ("all", "single", "oneline")
    ref.replace(ref.template, "filter_whitespace", lambda mode, text: original(mode if mode in known else "all", text))
