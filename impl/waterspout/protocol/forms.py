"""Form bodies: ``application/x-www-form-urlencoded`` and ``multipart/form-data``.

A multipart body (RFC 2046, section 5.1.1) is cut by delimiter lines ``CR LF "--" boundary``; the closing one
has two more hyphens.  What stands before the first and after the last is ignored.  Each part has header
lines, an empty line and content; ``Content-Disposition: form-data`` names the field and perhaps a file (RFC
7578, section 4.2).

Everything is bounded: the number of arguments, of parts, and the size of a part's head.  Time is linear in
the body.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote_to_bytes

from waterspout._object_dict import ObjectDict
from waterspout.protocol.headers import HTTPHeaders
from waterspout.protocol.messages import TOKEN, HTTPInputError

Arguments = dict[str, list[bytes]]

# One ";name=value" or ";name" of a parameter list; in quotes a backslash protects a quote or a backslash
# only, since browsers send the backslashes of file names bare.
_PARAMETER = re.compile(
    rf'[ \t]*;[ \t]*(?:({TOKEN})[ \t]*(?:=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^;"]*)))?)?[ \t]*', re.DOTALL
)
_PROTECTED = re.compile(r'\\(["\\])')


class HTTPFile(ObjectDict):
    """An uploaded file: ``filename``, ``body`` (bytes) and ``content_type``.

    A dict whose items are attributes too.  Documentation: ``httputil.HTTPFile``.
    """

    filename: str
    body: bytes
    content_type: str


Files = dict[str, list[HTTPFile]]

# One value of a form, and the name of its field.
Field = tuple[str, bytes | HTTPFile]


@dataclasses.dataclass
class ParseMultipartConfig:
    """Bounds for ``multipart/form-data``.  Documentation: ``httputil.ParseMultipartConfig``."""

    #: Whether such bodies are parsed at all.
    enabled: bool = True
    #: How many parts a body may have.
    max_parts: int = 100
    #: How many bytes the head of one part may have.
    max_part_header_size: int = 10 * 1024


@dataclasses.dataclass
class ParseUrlEncodedConfig:
    """Bounds for ``application/x-www-form-urlencoded``.

    Documentation: ``httputil.ParseUrlEncodedConfig``.
    """

    #: How many arguments a body or a query may have.
    max_arguments: int = 1000


@dataclasses.dataclass
class ParseBodyConfig:
    """Bounds for the parsing of bodies, one group for each kind.

    Documentation: ``httputil.ParseBodyConfig``.
    """

    multipart: ParseMultipartConfig = dataclasses.field(default_factory=ParseMultipartConfig)
    urlencoded: ParseUrlEncodedConfig = dataclasses.field(default_factory=ParseUrlEncodedConfig)


_default_config = ParseBodyConfig()


def default_config() -> ParseBodyConfig:
    """Return the bounds that hold where none are given."""
    return _default_config


def set_parse_body_config(config: ParseBodyConfig) -> None:
    """Set the bounds that hold where none are given, for the process.

    Documentation: ``httputil.set_parse_body_config``.
    """
    global _default_config
    _default_config = config


def parse_urlencoded(text: str, max_arguments: int) -> Arguments:
    """Return the arguments of a query or urlencoded body; ``text`` holds one character for each byte.

    Values are bytes; a name is text: UTF-8 if it is that, else Latin-1.  Names without a value have an empty
    one. Raises `HTTPInputError` if there are more than ``max_arguments``.
    """
    if not text:
        return {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, encoding="latin1", max_num_fields=max_arguments)
    except ValueError:
        raise HTTPInputError(f"more than {max_arguments} arguments") from None
    arguments: Arguments = {}
    for name, value in pairs:
        arguments.setdefault(_name(name), []).append(_latin1(value))
    return arguments


def _name(name: str) -> str:
    if name.isascii():
        return name
    try:
        return name.encode("latin1").decode("utf-8")
    except UnicodeError:
        return name


def _latin1(text: str) -> bytes:
    # Text beyond Latin-1 cannot come from a peer, only from a request made by hand.
    try:
        return text.encode("latin1")
    except UnicodeEncodeError:
        return text.encode("utf-8")


def parse_body_arguments(
    content_type: str,
    body: bytes,
    arguments: Arguments,
    files: Files,
    headers: HTTPHeaders | None = None,
    *,
    config: ParseBodyConfig | None = None,
) -> None:
    """Parse a form ``body`` of the given type into ``arguments`` and ``files``; other types are left alone.

    Raises `HTTPInputError`, with both untouched, for a body that is malformed, beyond the bounds of
    ``config``, or that ``headers`` declare to be encoded.  Documentation: ``httputil.parse_body_arguments``.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return
    config = config or _default_config
    coding = headers.get("Content-Encoding") if headers else None
    if coding is not None and coding.lower() != "identity":
        raise HTTPInputError(f"form bodies with Content-Encoding {coding!r} are not understood")
    if media_type == "multipart/form-data":
        boundary = parse_parameters(content_type).get("boundary")
        if not boundary:
            raise HTTPInputError("invalid multipart/form-data: the Content-Type names no boundary")
        parse_multipart_form_data(boundary.encode("latin1", "replace"), body, arguments, files, config=config.multipart)
        return
    try:
        parsed = parse_urlencoded(body.decode("latin1"), config.urlencoded.max_arguments)
    except HTTPInputError as error:
        raise HTTPInputError(f"invalid x-www-form-urlencoded body: {error}") from None
    for name, values in parsed.items():
        arguments.setdefault(name, []).extend(values)


def parse_multipart_form_data(
    boundary: bytes,
    data: bytes,
    arguments: Arguments,
    files: Files,
    *,
    config: ParseMultipartConfig | None = None,
) -> None:
    """Parse a ``multipart/form-data`` body into ``arguments`` and ``files`` (RFC 7578).

    A part with a file name that is not empty is a file, every other one an argument.  Several files of one field may
    also come in a part of their own (section 4.3).  Raises
    `HTTPInputError`, with both untouched, for a body that is malformed or beyond the bounds. Documentation:
    ``httputil.parse_multipart_form_data``.
    """
    config = config or _default_config.multipart
    if not config.enabled:
        raise HTTPInputError("invalid multipart/form-data: such bodies are switched off here")
    if boundary.startswith(b'"') and boundary.endswith(b'"'):
        boundary = boundary[1:-1]
    try:
        fields = _fields(boundary, data, config)
    except HTTPInputError as error:
        raise HTTPInputError(f"invalid multipart/form-data: {error}") from None
    for name, value in fields:
        if isinstance(value, HTTPFile):
            files.setdefault(name, []).append(value)
        else:
            arguments.setdefault(name, []).append(value)


def _fields(boundary: bytes, data: bytes, config: ParseMultipartConfig) -> list[Field]:
    fields: list[Field] = []
    for start, end in _parts(boundary, data, config.max_parts):
        fields += _parse_part(data, start, end, config)
        if len(fields) > config.max_parts:
            raise HTTPInputError(f"more than {config.max_parts} parts")
    return fields


def _parts(boundary: bytes, data: bytes, max_parts: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of every part."""
    # Transport padding may follow the boundary on its line (RFC 2046, section 5.1.1).
    delimiter = re.compile(rb"(?:\A|\r\n)--" + re.escape(boundary) + rb"(?:(--)|[ \t]{0,1000}(?=\r\n))")
    start = -1
    count = 0
    for match in delimiter.finditer(data):
        if start >= 0:
            count += 1
            if count > max_parts:
                raise HTTPInputError(f"more than {max_parts} parts")
            yield start, match.start()
        if match[1]:
            return
        # The line end stays outside of the match, so that it can open the delimiter after an empty part too.
        start = match.end()
    raise HTTPInputError("the closing delimiter is missing")


def _parse_part(data: bytes, start: int, end: int, config: ParseMultipartConfig) -> list[Field]:
    """Return the field in a part, or the files of one field."""
    headers, position = _part_head(data, start, end, config)
    name, filename, content_type = describe(headers)
    content = data[position:end]
    if filename:
        return [(name, _file(filename, content, content_type))]
    if content_type.partition(";")[0].strip().lower() == "multipart/mixed":
        return [(name, value) for value in _mixed(content, content_type, config)]
    return [(name, content)]


def describe(headers: HTTPHeaders) -> tuple[str, str | None, str]:
    """Return what the head of a part says: the name of its field, the name of its file, if any, and its type.

    Raises `HTTPInputError` for a part that is none of a form.
    """
    disposition = headers.get("Content-Disposition", "")
    if disposition.partition(";")[0].strip().lower() != "form-data":
        raise HTTPInputError(f"the disposition of a part is {disposition[:100]!r}, not form-data")
    parameters = parse_parameters(disposition)
    name = parameters.get("name")
    if not name:
        raise HTTPInputError("a part has no name")
    return name, parameters.get("filename"), headers.get("Content-Type", "")


def _mixed(data: bytes, content_type: str, config: ParseMultipartConfig) -> Iterator[bytes | HTTPFile]:
    """Yield the files in a part that holds several, as older clients sent them (RFC 7578, section 4.3)."""
    boundary = parse_parameters(content_type).get("boundary")
    if not boundary:
        raise HTTPInputError("a part of several files has no boundary")
    for start, end in _parts(boundary.encode("utf-8"), data, config.max_parts):
        headers, position = _part_head(data, start, end, config)
        filename = parse_parameters(headers.get("Content-Disposition", "")).get("filename")
        content = data[position:end]
        yield _file(filename, content, headers.get("Content-Type", "")) if filename else content


def _file(filename: str, content: bytes, content_type: str) -> HTTPFile:
    return HTTPFile(filename=filename, body=content, content_type=content_type or "application/unknown")


def _part_head(data: bytes, start: int, end: int, config: ParseMultipartConfig) -> tuple[HTTPHeaders, int]:
    """Return the fields of a part, and where its content begins."""
    limit = config.max_part_header_size
    # The head begins behind the delimiter's line end, which also serves as the first half of an empty head's
    # end.
    head_end = data.find(b"\r\n\r\n", start, min(end, start + 2 + limit + 4))
    if head_end < 0:
        if end - start > limit:
            raise HTTPInputError(f"the head of a part is larger than {limit} bytes")
        raise HTTPInputError("a part has no empty line between its head and its content")
    return parse_head(data[start + 2 : head_end]), head_end + 4


def parse_head(octets: bytes) -> HTTPHeaders:
    """Return the fields of a part; raises `HTTPInputError` where they are none."""
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise HTTPInputError(f"the head of a part is not UTF-8: {error.reason}") from None
    return HTTPHeaders.parse(text, _chars_are_bytes=False)


def parse_parameters(value: str) -> dict[str, str]:
    """Return the parameters behind the first semicolon of a field value, names in lower case.

    The grammar is that of RFC 9110, section 5.6.6.
    An extended parameter ``name*=charset''text`` (RFC 8187) wins over the plain one.  Raises `HTTPInputError`
    where the list cannot be read.
    """
    position = value.find(";")
    if position < 0:
        return {}
    parameters: dict[str, str] = {}
    extended: dict[str, str] = {}
    while position < len(value):
        match = _PARAMETER.match(value, position)
        if match is None or match.end() == position:
            raise HTTPInputError(f"cannot read the parameters of {value[:100]!r}")
        position = match.end()
        name, quoted, plain = match.groups()
        if name is None:
            continue
        name = name.lower()
        text = _PROTECTED.sub(r"\1", quoted) if quoted is not None else (plain or "").strip()
        if name.endswith("*"):
            extended.setdefault(name[:-1], _decode_extended(text))
        else:
            parameters.setdefault(name, text)
    return parameters | extended


def _decode_extended(text: str) -> str:
    charset, quote, rest = text.partition("'")
    _language, second_quote, encoded = rest.partition("'")
    if not quote or not second_quote or charset.lower() not in ("utf-8", "iso-8859-1"):
        raise HTTPInputError(f"an extended parameter is not charset'language'text: {text[:100]!r}")
    try:
        return unquote_to_bytes(encoded).decode(charset)
    except UnicodeDecodeError:
        raise HTTPInputError(f"an extended parameter is not {charset}: {text[:100]!r}") from None
