"""Escaping and unescaping for HTML, URLs and JSON, and conversions between text and bytes.

A leaf: it imports nothing of the package. URLs follow RFC 3986 section 2.1, with the ``+`` for a space of
HTML forms. Documentation: ``tornado.escape``.
"""

from __future__ import annotations

import html
import json
import re
import urllib.parse
from collections.abc import Callable, Iterable
from typing import Any, overload

__all__ = [
    "json_decode",
    "json_encode",
    "linkify",
    "native_str",
    "parse_qs_bytes",
    "recursive_unicode",
    "squeeze",
    "to_basestring",
    "to_unicode",
    "url_escape",
    "url_unescape",
    "utf8",
    "xhtml_escape",
    "xhtml_unescape",
]


@overload
def utf8(value: bytes) -> bytes: ...
@overload
def utf8(value: str) -> bytes: ...
@overload
def utf8(value: None) -> None: ...
def utf8(value: str | bytes | None) -> bytes | None:
    """Return text as UTF-8 bytes; bytes and None come back as they are.

    Raises TypeError for anything else.
    """
    if isinstance(value, str):
        return value.encode()
    if value is None or isinstance(value, bytes):
        return value
    raise TypeError(f"utf8() takes str, bytes or None, not {type(value).__name__}")


@overload
def to_unicode(value: str) -> str: ...
@overload
def to_unicode(value: bytes) -> str: ...
@overload
def to_unicode(value: None) -> None: ...
def to_unicode(value: str | bytes | None) -> str | None:
    """Return UTF-8 bytes as text; text and None come back as they are.

    Raises :exc:`UnicodeDecodeError` for bytes that are not UTF-8, :exc:`TypeError` for other types.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8")
    raise TypeError(f"to_unicode() takes str, bytes or None, not {type(value).__name__}")


# Both names date from Python 2, where "native" and "base" strings differed from text.
native_str = to_unicode
to_basestring = to_unicode


def recursive_unicode(obj: Any) -> Any:
    """Return a copy of dicts, lists and tuples, at any depth, in which every bytes object is decoded as
    UTF-8.
    """
    if isinstance(obj, dict):
        return {recursive_unicode(key): recursive_unicode(value) for key, value in obj.items()}
    if isinstance(obj, list):
        return [recursive_unicode(item) for item in obj]
    if isinstance(obj, tuple):
        return tuple(recursive_unicode(item) for item in obj)
    return to_unicode(obj) if isinstance(obj, bytes) else obj


def json_decode(value: str | bytes) -> Any:
    """Return the value that JSON text stands for. Raises :exc:`ValueError` for text that is not JSON."""
    return json.loads(to_unicode(value))


# After "<!--" and "<script" the end of a script element is not seen as such (HTML, section 13.2.5.20).
_SCRIPT_DATA_ESCAPES = re.compile("<(?=!--|script)", re.IGNORECASE)


def json_encode(value: Any) -> str:
    """Return the value as JSON text that can stand inside ``<script>``: nothing in it ends the element, or
    keeps its end from being seen.

    Documentation: ``escape.json_encode``.
    """
    text = json.dumps(value).replace("</", "<\\/")
    return _SCRIPT_DATA_ESCAPES.sub("\\\\u003c", text) if "<" in text else text


def xhtml_escape(value: str | bytes) -> str:
    """Escape ``<``, ``>``, ``&`` and both quotes, for HTML text and for quoted attribute values."""
    return html.escape(to_unicode(value))


def xhtml_unescape(value: str | bytes) -> str:
    """Replace HTML's named and numeric character references by the characters they stand for."""
    return html.unescape(to_unicode(value))


# C0 controls count as space: they are what remains of broken line ends and of control sequences.
_SPACES = re.compile(r"[\x00-\x20]+")


def squeeze(value: str) -> str:
    """Replace each run of ASCII white space and control characters by one space, and trim the ends."""
    return _SPACES.sub(" ", value).strip()


def url_escape(value: str | bytes, plus: bool = True) -> str:
    """Percent-encode a value for a URL (RFC 3986 section 2.1).

    With ``plus``, as for a query string: a space becomes ``+`` and a slash is encoded. Without, as for a
    path: a space becomes ``%20`` and slashes stay.
    """
    octets = utf8(value)
    return urllib.parse.quote_plus(octets) if plus else urllib.parse.quote(octets)


@overload
def url_unescape(value: str | bytes, encoding: None, plus: bool = True) -> bytes: ...
@overload
def url_unescape(value: str | bytes, encoding: str = "utf-8", plus: bool = True) -> str: ...
def url_unescape(value: str | bytes, encoding: str | None = "utf-8", plus: bool = True) -> str | bytes:
    """Undo percent-encoding, and with ``plus`` read ``+`` as a space.

    Returns text in the given encoding, where bytes that are not valid in it become U+FFFD, or bytes when
    ``encoding`` is None.
    """
    if encoding is None:
        raw = utf8(value)
        return urllib.parse.unquote_to_bytes(raw.replace(b"+", b" ") if plus else raw)
    text = to_unicode(value)
    return urllib.parse.unquote(text.replace("+", " ") if plus else text, encoding=encoding)


def parse_qs_bytes(
    qs: str | bytes,
    keep_blank_values: bool = False,
    strict_parsing: bool = False,
    *,
    max_num_fields: int | None = None,
) -> dict[str, list[bytes]]:
    """Parse a query string or a urlencoded body, leaving the values as bytes.

    The names are text in which each character stands for one byte (latin-1), because the caller alone knows
    their encoding. Raises :exc:`ValueError` for more than ``max_num_fields`` fields, and with
    ``strict_parsing`` for fields without ``=``.
    """
    text = qs.decode("latin1") if isinstance(qs, bytes) else qs
    pairs = urllib.parse.parse_qs(
        text,
        keep_blank_values,
        strict_parsing,
        encoding="latin1",
        errors="strict",
        max_num_fields=max_num_fields,
    )
    return {name: [value.encode("latin1") for value in values] for name, values in pairs.items()}


# A link starts with a scheme and one to three slashes, or with "www.". The look-behind keeps the search
# linear: without it the tail of every long "a-a-a-..." would be tried as a scheme again.
_LINK_START = re.compile(r"(?<![\w+-])([A-Za-z][A-Za-z0-9+-]*):/{1,3}|\bwww\.")

# What follows: anything up to space, quotes or angle brackets; parentheses only in closed pairs and not after
# punctuation, because links often stand in parentheses, or before some, themselves.
_LINK_REST = re.compile(r"""(?:[^\s<>"'()]+|(?<![.,;:!?])\([^\s<>"'()]*\))+""")

# Punctuation at the end belongs to the sentence, not to the link.
_SENTENCE_END = ".,;:!?"

_SHOWN_LENGTH = 30
_SHOWN_SEGMENT_LENGTH = 8


def linkify(
    text: str | bytes,
    shorten: bool = False,
    extra_params: str | Callable[[str], str] = "",
    require_protocol: bool = False,
    permitted_protocols: Iterable[str] = ("http", "https"),
) -> str:
    """Escape plain text for HTML and turn the URLs in it into links.

    ``shorten`` shows long URLs cut, with the whole one as title. ``extra_params`` is text for inside the
    ``<a>`` tag, or a function that makes it from the URL. ``require_protocol`` leaves ``www.`` names without
    a scheme alone. ``permitted_protocols`` are the schemes to link. Documentation: ``escape.linkify``.
    """
    source = to_unicode(text)
    schemes = {scheme.lower() for scheme in permitted_protocols}
    pieces = []
    position = 0
    while start := _LINK_START.search(source, position):
        scheme = start.group(1)
        rest = _LINK_REST.match(source, start.end())
        end = start.end() + len(rest.group().rstrip(_SENTENCE_END)) if rest else start.end()
        wanted = scheme.lower() in schemes if scheme else not require_protocol
        if not wanted or end == start.end():
            end = start.end()
            pieces.append(xhtml_escape(source[position:end]))
        else:
            pieces.append(xhtml_escape(source[position : start.start()]))
            pieces.append(_link(source[start.start() : end], bool(scheme), shorten, extra_params))
        position = end
    pieces.append(xhtml_escape(source[position:]))
    return "".join(pieces)


def _link(url: str, has_scheme: bool, shorten: bool, extra_params: str | Callable[[str], str]) -> str:
    target = url if has_scheme else f"http://{url}"
    href = xhtml_escape(target)
    params = extra_params(target) if callable(extra_params) else extra_params
    attributes = f' href="{href}"' + (f" {params.strip()}" if params else "")
    shown = _shortened(url) if shorten else url
    if shown != url:
        attributes += f' title="{href}"'
    return f"<a{attributes}>{xhtml_escape(shown)}</a>"


def _shortened(url: str) -> str:
    """Cut a long URL to its host and the beginning of its path, followed by an ellipsis."""
    if len(url) <= _SHOWN_LENGTH:
        return url
    scheme, slashes, rest = url.partition("://")
    if not slashes:
        scheme, rest = "", url
    host, slash, path = rest.partition("/")
    segment = re.split(r"[/?.]", path, maxsplit=1)[0][:_SHOWN_SEGMENT_LENGTH]
    shown = f"{scheme}{slashes}{host}{slash}{segment}"
    if len(shown) > _SHOWN_LENGTH * 3 // 2:
        # The host alone is too long.
        shown = shown[:_SHOWN_LENGTH]
    shown += "..."
    return shown if len(shown) < len(url) else url
