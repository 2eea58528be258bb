"""A container of header fields.

Names compare without regard to case (RFC 9110, section 5.1); a name may come several times, and the values
then mean the same as one value joined with commas (RFC 9110, section 5.3), except for ``Set-Cookie``, which
is why the single values stay reachable.  Names are shown in one spelling: capitals at the start and after
each hyphen.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, MutableMapping
from typing import Any

from waterspout.protocol.messages import TOKEN, HTTPInputError

_FIELD_NAME = re.compile(TOKEN)
# field-vchar, obs-text, SP and HTAB, the last two only between others (RFC 9110, section 5.5).
_BYTES_VALUE = re.compile(r"(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?")
_TEXT_VALUE = re.compile(r"(?:[^\x00-\x20\x7f](?:[^\x00-\x08\x0a-\x1f\x7f]*[^\x00-\x20\x7f])?)?")

# Peers choose names, so both bounds are needed: one on the length of a kept name, one on their number.
_MAX_SPELLINGS = 1000
_MAX_SPELLING_LENGTH = 64


class _Spellings(dict[str, str]):
    """Names in the spelling of the container: ``spelling_of["content-TYPE"]`` is ``Content-Type``."""

    def __missing__(self, name: str) -> str:
        if not isinstance(name, str):
            # No field has that name; whoever looks for it finds nothing.
            return name
        spelling = "-".join([word.capitalize() for word in name.split("-")])
        if len(self) < _MAX_SPELLINGS and len(name) <= _MAX_SPELLING_LENGTH:
            self[name] = spelling
        return spelling


spelling_of = _Spellings()

# The names that nearly everybody uses, lest a peer fill the bounded memory with others before they come.
_COMMON_NAMES = """
accept accept-charset accept-encoding accept-language accept-ranges access-control-allow-origin age allow authorization
cache-control connection content-disposition content-encoding content-language content-length content-location
content-range content-security-policy content-type cookie date dnt etag expect expires forwarded host if-match
if-modified-since if-none-match if-range if-unmodified-since keep-alive last-modified link location origin pragma
proxy-authorization range referer retry-after sec-fetch-dest sec-fetch-mode sec-fetch-site sec-fetch-user
sec-websocket-extensions sec-websocket-key sec-websocket-protocol sec-websocket-version server set-cookie
strict-transport-security te trailer transfer-encoding upgrade upgrade-insecure-requests user-agent vary via
www-authenticate x-forwarded-for x-forwarded-proto x-real-ip x-requested-with x-scheme x-xsrftoken
"""
for _name in _COMMON_NAMES.split():
    _ = spelling_of[_name], spelling_of[_name.title()]


class HTTPHeaders(MutableMapping[str, str]):
    """Header fields: a mapping from names, in any case, to values; repeated values read as one.

    Made from nothing, from another `HTTPHeaders` (repeated fields stay apart), or from what ``dict`` takes.
    Setting an item replaces every value of that name; `add` appends one more.
    Documentation: ``httputil.HTTPHeaders``.
    """

    __slots__ = ("_repeats", "_values")
    # Equality compares the contents, which may change, so there is no hash.
    __hash__ = None  # type: ignore[assignment]

    # Nearly every name comes once.  Only one that does not has a list, and ``_repeats`` tells that there are any.
    _values: dict[str, str | list[str]]
    _repeats: bool

    def __init__(self, *args: Any, **kwargs: str) -> None:
        self._values = own = {}
        self._repeats = False
        source = args[0] if len(args) == 1 and not kwargs else None
        if type(source) is dict:
            # What `update` would do, without its calls: most answers begin with a dict.
            for name, value in source.items():
                own[spelling_of[name]] = value
        elif isinstance(source, HTTPHeaders):
            own.update(source._values)
            if source._repeats:
                self._repeats = True
                self._values = {name: value[:] if isinstance(value, list) else value for name, value in own.items()}
        else:
            self.update(*args, **kwargs)

    @classmethod
    def from_wire(cls, fields: Collection[tuple[str, str]]) -> HTTPHeaders:
        """Return the container of ``fields`` that a parser has checked already; nothing is checked again."""
        headers = cls.__new__(cls)
        headers._repeats = False
        headers._values = values = {}
        for name, value in fields:
            values[spelling_of[name]] = value
        if len(values) != len(fields):
            headers._values = {}
            for name, value in fields:
                headers._append(spelling_of[name], value)
        return headers

    @classmethod
    def from_spelled(cls, values: dict[str, str]) -> HTTPHeaders:
        """Return a container that takes over ``values``, whose names have its spelling and which are valid."""
        headers = cls.__new__(cls)
        headers._repeats = False
        headers._values = values  # type: ignore[assignment]  # a dict of str holds no lists yet
        return headers

    @classmethod
    def parse(cls, headers: str, *, _chars_are_bytes: bool = True) -> HTTPHeaders:
        """Return the fields of a block of lines ended by CR LF or LF; empty lines are skipped.

        Raises `HTTPInputError` as `parse_line` does.  Documentation: ``httputil.HTTPHeaders.parse``.
        """
        result = cls()
        for line in headers.split("\n"):
            result.parse_line(line, _chars_are_bytes=_chars_are_bytes)
        return result

    def parse_line(self, line: str, *, _chars_are_bytes: bool = True) -> None:
        """Add the field of one line ``name: value``, with or without its line end.

        An empty line adds nothing.  Raises `HTTPInputError` for a line without a colon, with a bad name or
        value, or one that begins with white space: folded lines are obsolete and refused (RFC 9112, section
        5.2). Documentation: ``httputil.HTTPHeaders.parse_line``.
        """
        line = line.removesuffix("\n").removesuffix("\r")
        if not line:
            return
        if line[0] in " \t":
            raise HTTPInputError("a header line begins with white space; folded header lines are not accepted")
        name, colon, value = line.partition(":")
        if not colon:
            raise HTTPInputError(f"a header line has no colon: {line[:100]!r}")
        self.add(name, value.strip(" \t"), _chars_are_bytes=_chars_are_bytes)

    def add(self, name: str, value: str, *, _chars_are_bytes: bool = True) -> None:
        """Add one more ``value`` for ``name``.

        Raises `HTTPInputError` for a name that is no token, and for a value with control characters or,
        unless the value stands for decoded text, with characters above U+00FF, or with white space around
        it.  Raises `TypeError` if the value is neither `str` nor `bytes`.  Documentation: ``httputil.HTTPHeaders.add``.
        """
        if isinstance(value, bytes):
            value = value.decode("latin1")
        elif not isinstance(value, str):
            raise TypeError(f"the value of header {name!r} must be str or bytes, not {type(value).__name__}")
        if not _FIELD_NAME.fullmatch(name):
            raise HTTPInputError(f"not a header name: {name[:100]!r}")
        allowed = _BYTES_VALUE if _chars_are_bytes else _TEXT_VALUE
        if not allowed.fullmatch(value):
            raise HTTPInputError(f"the value of header {name!r} has a character not allowed: {value[:100]!r}")
        self._append(spelling_of[name], value)

    def _append(self, spelling: str, value: str) -> None:
        values = self._values
        found = values.get(spelling)
        if found is None:
            values[spelling] = value
        elif isinstance(found, list):
            found.append(value)
        else:
            self._repeats = True
            values[spelling] = [found, value]

    def contains_any(self, spellings: frozenset[str]) -> bool:
        """Return whether there is a field of one of these names, which must have the container's spelling."""
        return not spellings.isdisjoint(self._values)

    def get_list(self, name: str) -> list[str]:
        """Return every value of ``name`` by itself; an empty list if there is none.

        Documentation: ``httputil.HTTPHeaders.get_list``.
        """
        found = self._values.get(spelling_of[name])
        if found is None:
            return []
        return found[:] if isinstance(found, list) else [found]

    def get_all(self) -> Iterable[tuple[str, str]]:
        """Yield each field as ``(name, value)``; a name with several values comes several times.

        Documentation: ``httputil.HTTPHeaders.get_all``.
        """
        for name, found in self._values.items():
            if isinstance(found, list):
                for value in found:
                    yield name, value
            else:
                yield name, found

    def to_wire(self) -> list[tuple[str, str]]:
        """Return the same as `get_all`, as the list that a writer wants."""
        items: Any = self.get_all() if self._repeats else self._values.items()
        return list(items)

    def copy(self) -> HTTPHeaders:
        """Return a container of its own with the same fields.

        Documentation: ``httputil.HTTPHeaders.copy``.
        """
        return type(self)(self)

    __copy__ = copy

    def __setitem__(self, name: str, value: str) -> None:
        self._values[spelling_of[name]] = value

    def setdefault(self, name: str, default: str) -> str:
        """Return the value of ``name``, which becomes ``default`` if there is none."""
        found = self._values.setdefault(spelling_of[name], default)
        return ",".join(found) if isinstance(found, list) else found

    def __getitem__(self, name: str) -> str:
        found = self._values[spelling_of[name]]
        return ",".join(found) if isinstance(found, list) else found

    def __delitem__(self, name: str) -> None:
        del self._values[spelling_of[name]]

    def __contains__(self, name: object) -> bool:
        return spelling_of[name] in self._values  # type: ignore[index]  # see there for other types

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __str__(self) -> str:
        return "".join([f"{name}: {value}\n" for name, value in self.get_all()])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self.get_all())!r})"
