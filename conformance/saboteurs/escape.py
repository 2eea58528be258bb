"""Saboteurs of the chapter on escaping."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.template_language import Lie


def escape_lie(name: str, lie: str, *kills: str) -> Lie:
    """Register a saboteur of this chapter; ``kills`` are ids without what they have in common."""
    return saboteur(name, lie, chapters="web.escape", kills=tuple(f"escape.{one}" for one in kills))


def function(ref: Patches, name: str, lie: Callable[..., Any]) -> None:
    """Answer a function of the module with ``lie(original, *arguments)``."""
    original = getattr(ref.escape, name)
    ref.replace(ref.escape, name, lambda *args, **kwargs: lie(original, *args, **kwargs))


# -- HTML and JSON ----------------------------------------------------------------------------------------------------


@escape_lie("xhtml-quotes", "Single quotes are not escaped.", "xhtml.characters")
def _(ref: Patches) -> None:
    function(ref, "xhtml_escape", lambda original, value: original(value).replace("&#x27;", "'"))


@escape_lie("xhtml-no-names", "Named references stay.", "xhtml.back")
def _(ref: Patches) -> None:
    function(ref, "xhtml_unescape", lambda original, value: original(value.replace("&auml;", "&amp;auml;")))


@escape_lie("json-text-only", "json_decode() takes no bytes.", "json.round-trip")
def _(ref: Patches) -> None:
    function(ref, "json_decode", lambda original, value: original(value) if isinstance(value, str) else None)


@escape_lie("json-plain", "JSON is as json.dumps makes it.", "json.in-script", "json.script-comment")
def _(ref: Patches) -> None:
    ref.replace(ref.escape, "json_encode", json.dumps)


@escape_lie("json-comments", "JSON keeps <!-- and <script.", "json.script-comment")
def _(ref: Patches) -> None:
    ref.replace(ref.escape, "json_encode", lambda value: json.dumps(value).replace("</", "<\\/"))


@escape_lie("json-anything", "What JSON cannot express becomes text.", "json.refused")
def _(ref: Patches) -> None:
    ref.replace(ref.escape, "json_encode", lambda value: json.dumps(value, default=str).replace("</", "<\\/"))


# -- URLs -------------------------------------------------------------------------------------------------------------


@escape_lie("url-always-path", "A space is always %20.", "url.query")
def _(ref: Patches) -> None:
    function(ref, "url_escape", lambda original, value, plus=True: original(value, plus=False))


@escape_lie("url-always-query", "A space is always a plus sign.", "url.path", "url.slashes", "url.back")
def _(ref: Patches) -> None:
    function(ref, "url_escape", lambda original, value, plus=True: original(value, plus=True))


@escape_lie("url-always-utf-8", "Encodings are ignored.", "url.encoding")
def _(ref: Patches) -> None:
    function(ref, "url_unescape", lambda original, value, encoding="utf-8", plus=True: original(value, plus=plus))


@escape_lie("query-utf-8", "Queries are UTF-8.", "query.bytes")
def _(ref: Patches) -> None:
    def lie(original: Any, *args: Any, **kwargs: Any) -> Any:
        found = original(*args, **kwargs)
        return {key: [one.decode("utf-8", "replace").encode() for one in values] for key, values in found.items()}

    function(ref, "parse_qs_bytes", lie)


@escape_lie("query-lenient", "Bad and countless fields are taken.", "query.strict")
def _(ref: Patches) -> None:
    def lie(original: Any, qs: Any, keep: bool = False, strict: bool = False, **kwargs: Any) -> Any:
        return original(qs, kwargs.get("keep_blank_values", keep))

    function(ref, "parse_qs_bytes", lie)


# -- text and bytes ---------------------------------------------------------------------------------------------------


@escape_lie("utf8-of-none", "utf8(None) is empty.", "text.utf8")
def _(ref: Patches) -> None:
    function(ref, "utf8", lambda original, value: original(value) or b"")


@escape_lie("unicode-replaces", "Bytes that are not UTF-8 are replaced.", "text.unicode")
def _(ref: Patches) -> None:
    for name in ("to_unicode", "native_str", "to_basestring"):
        function(
            ref,
            name,
            lambda original, value: value.decode("utf-8", "replace") if isinstance(value, bytes) else original(value),
        )


@escape_lie("text-of-anything", "Other types become text.", "text.other-types")
def _(ref: Patches) -> None:
    function(
        ref,
        "utf8",
        lambda original, value: original(value if isinstance(value, (str, bytes, type(None))) else str(value)),
    )


@escape_lie("recursive-flat", "Only the outermost is decoded.", "text.recursive")
def _(ref: Patches) -> None:
    function(ref, "recursive_unicode", lambda original, value: value if isinstance(value, dict) else original(value))


@escape_lie("squeeze-ends", "The ends are not trimmed.", "text.squeeze")
def _(ref: Patches) -> None:
    ref.replace(ref.escape, "squeeze", lambda value: re.sub(r"\s+", " ", value))


# -- linkify ----------------------------------------------------------------------------------------------------------


def linking(ref: Patches, change: Callable[[dict[str, Any]], Any], after: Callable[[str], str] = str) -> None:
    """Let ``change`` alter the options of linkify, and ``after`` what it returns."""

    def lie(original: Any, text: Any, **options: Any) -> str:
        change(options)
        return after(original(text, **options))

    function(ref, "linkify", lie)


@escape_lie("linkify-nothing", "There are no links.", "linkify.links", "linkify.sentences")
def _(ref: Patches) -> None:
    ref.replace(
        ref.escape, "linkify", lambda text, **options: html.escape(text if isinstance(text, str) else text.decode())
    )


@escape_lie("linkify-raw", "Nothing is escaped.", "linkify.escapes")
def _(ref: Patches) -> None:
    linking(ref, lambda options: None, html.unescape)


@escape_lie("linkify-brackets", "A closing bracket is part of a URL.", "linkify.sentences")
def _(ref: Patches) -> None:
    linking(ref, lambda options: None, lambda made: made.replace("</a>)", ")</a>"))


@escape_lie("linkify-any-protocol", "Every protocol is permitted.", "linkify.protocols")
def _(ref: Patches) -> None:
    linking(ref, lambda options: options.update(permitted_protocols=["http", "https", "javascript", "ftp"]))


@escape_lie("linkify-no-params", "extra_params is ignored.", "linkify.extra-params")
def _(ref: Patches) -> None:
    linking(ref, lambda options: options.pop("extra_params", None))


@escape_lie("linkify-long", "Nothing is shortened.", "linkify.shorten")
def _(ref: Patches) -> None:
    linking(ref, lambda options: options.pop("shorten", None))
