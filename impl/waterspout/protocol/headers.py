"""A container of header fields.

Names compare without regard to case (RFC 9110, section 5.1); a name may come several times, and the values
then mean the same as one value joined with commas (RFC 9110, section 5.3), except for ``Set-Cookie``, which
is why the single values stay reachable.  Names are shown in one spelling: capitals at the start and after
each hyphen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, MutableMapping
from typing import Any

from waterspout.protocol.messages import TOKEN, HTTPInputError

_FIELD_NAME = re.compile(TOKEN)
# field-vchar, obs-text, SP and HTAB (RFC 9110, section 5.5): no other control character may pass.
_BYTES_VALUE = re.compile(r"[\t -~\x80-\xff]*")
_TEXT_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")

# Peers choose names, so both bounds are needed: one on the length of a kept name, one on their number.
_SPELLINGS: dict[str, str] = {}
_MAX_SPELLINGS = 1000
_MAX_SPELLING_LENGTH = 64


def normalize_name(name: str) -> str:
    """Return ``name`` in the spelling of the container: ``content-TYPE`` gives ``Content-Type``."""
    spelling = _SPELLINGS.get(name)
    if spelling is None:
        spelling = "-".join([word.capitalize() for word in name.split("-")])
        if len(_SPELLINGS) < _MAX_SPELLINGS and len(name) <= _MAX_SPELLING_LENGTH:
            _SPELLINGS[name] = spelling
    return spelling


class HTTPHeaders(MutableMapping[str, str]):
    """Header fields: a mapping from names, in any case, to values; repeated values read as one.

    Made from nothing, from another `HTTPHeaders` (repeated fields stay apart), or from what ``dict`` takes.
    Setting an item replaces every value of that name; `add` appends one more.
    Documentation: ``httputil.HTTPHeaders``.
    """

    __slots__ = ("_values",)
    # Equality compares the contents, which may change, so there is no hash.
    __hash__ = None  # type: ignore[assignment]

    _values: dict[str, list[str]]

    def __init__(self, *args: Any, **kwargs: str) -> None:
        self._values = own = {}
        source = args[0] if len(args) == 1 and not kwargs else None
        if type(source) is dict:
            # What `update` would do, without its calls: most answers begin with a dict.
            for name, value in source.items():
                own[_SPELLINGS.get(name) or normalize_name(name)] = [value]
        elif isinstance(source, HTTPHeaders):
            for name, values in source._values.items():
                own[name] = values.copy()
        else:
            self.update(*args, **kwargs)

    @classmethod
    def from_wire(cls, fields: Iterable[tuple[str, str]]) -> HTTPHeaders:
        """Return the container of ``fields`` that a parser has checked already; nothing is checked again."""
        headers = cls.__new__(cls)
        values: dict[str, list[str]] = {}
        spelling_of = _SPELLINGS.get
        for name, value in fields:
            spelling = spelling_of(name) or normalize_name(name)
            if spelling in values:
                values[spelling].append(value)
            else:
                values[spelling] = [value]
        headers._values = values
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
        unless the value stands for decoded text, with characters above U+00FF.  Raises `TypeError` if the
        value is neither `str` nor `bytes`.  Documentation: ``httputil.HTTPHeaders.add``.
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
        self._values.setdefault(normalize_name(name), []).append(value)

    def contains_any(self, spellings: frozenset[str]) -> bool:
        """Return whether there is a field of one of these names, which must have the container's spelling."""
        return not spellings.isdisjoint(self._values)

    def get_list(self, name: str) -> list[str]:
        """Return every value of ``name`` by itself; an empty list if there is none.

        Documentation: ``httputil.HTTPHeaders.get_list``.
        """
        return self._values.get(normalize_name(name), []).copy()

    def get_all(self) -> Iterable[tuple[str, str]]:
        """Yield each field as ``(name, value)``; a name with several values comes several times.

        Documentation: ``httputil.HTTPHeaders.get_all``.
        """
        for name, values in self._values.items():
            for value in values:
                yield name, value

    def to_wire(self) -> list[tuple[str, str]]:
        """Return the same as `get_all`, as the list that a writer wants."""
        return [(name, value) for name, values in self._values.items() for value in values]

    def copy(self) -> HTTPHeaders:
        """Return a container of its own with the same fields.

        Documentation: ``httputil.HTTPHeaders.copy``.
        """
        return type(self)(self)

    __copy__ = copy

    def __setitem__(self, name: str, value: str) -> None:
        self._values[normalize_name(name)] = [value]

    def __getitem__(self, name: str) -> str:
        values = self._values[normalize_name(name)]
        return values[0] if len(values) == 1 else ",".join(values)

    def __delitem__(self, name: str) -> None:
        del self._values[normalize_name(name)]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and normalize_name(name) in self._values

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __str__(self) -> str:
        return "".join([f"{name}: {value}\n" for name, value in self.get_all()])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self.get_all())!r})"
