"""Turning the regular expression of a path around: from arguments back to a path.

A pattern can be turned around if, outside its groups, it is plain text.  Escaped punctuation stands for
itself, and an element that may repeat or be absent is taken once, which its own pattern accepts.
"""

from __future__ import annotations

import re
from urllib.parse import quote

# What plain text may hold outside groups; "." is tolerated, since paths such as /robots.txt are often left
# unescaped.
_SPECIAL = frozenset("[]{}|")
_QUANTIFIERS = frozenset("*+?")
_NAMED_GROUP = re.compile(r"\(\?P<[^>]+>")


class PathTemplate:
    """The plain pieces of a pattern; between each two of them goes one argument."""

    __slots__ = ("pieces",)

    def __init__(self, pieces: list[str]) -> None:
        self.pieces = pieces

    def fill(self, pattern: str, args: tuple[object, ...]) -> str:
        """Return the path with ``args``, percent-encoded, in their places.

        Raises `ValueError` for a wrong number of them.
        """
        wanted = len(self.pieces) - 1
        if len(args) != wanted:
            raise ValueError(f"the path {pattern!r} takes {wanted} arguments, {len(args)} were given")
        path = [self.pieces[0]]
        for arg, piece in zip(args, self.pieces[1:], strict=True):
            path.append(quote(arg if isinstance(arg, bytes) else str(arg)))
            path.append(piece)
        return "".join(path)


def parse_template(pattern: str) -> PathTemplate | None:
    """Return the template of ``pattern``, a valid regular expression; None if it cannot be turned around."""
    pattern = pattern.removeprefix("^").removesuffix("$")
    pieces: list[str] = []
    plain: list[str] = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character == "\\":
            following = pattern[position + 1 : position + 2]
            if not following or following.isalnum():
                return None
            plain.append(following)
            position += 2
        elif character == "(":
            end = _group_end(pattern, position)
            if end is None:
                return None
            pieces.append("".join(plain))
            plain = []
            position = end
        elif character in _SPECIAL:
            return None
        else:
            if character not in _QUANTIFIERS:
                plain.append(character)
            position += 1
    pieces.append("".join(plain))
    return PathTemplate(pieces)


def _group_end(pattern: str, start: int) -> int | None:
    """Return where the group that opens at ``start`` is over; None unless it captures exactly once."""
    named = _NAMED_GROUP.match(pattern, start)
    if named is None and pattern.startswith("(?", start):
        return None
    position = named.end() if named else start + 1
    depth = 1
    while depth:
        character = pattern[position]
        if character == "\\":
            position += 1
        elif character == "[":
            position = _class_end(pattern, position)
        elif character == "(":
            if not pattern.startswith("(?", position) or pattern.startswith("(?P<", position):
                return None
            depth += 1
        elif character == ")":
            depth -= 1
        position += 1
    return position


def _class_end(pattern: str, start: int) -> int:
    """Return the position of the bracket that closes the character class opened at ``start``."""
    position = start + 1
    if pattern.startswith("^", position):
        position += 1
    # A closing bracket in first place is a member of the class.
    if pattern.startswith("]", position):
        position += 1
    while pattern[position] != "]":
        position += 2 if pattern[position] == "\\" else 1
    return position
