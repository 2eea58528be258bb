"""What a predicate of the HTTP/1.1 comparisons sees: the input, and the first item in which the outcomes differ."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

HEADS = ("request", "response", "interim")


@dataclass(frozen=True, eq=False)
class Item:
    """One thing that was said, in comparable form.

    Kinds: "request" (method, target, version, fields, expects), "response" and "interim" (status, reason,
    version, fields), "data" (octets), "end" (trailers), "persists" (whether), "closed", "switched" (rest) and
    "failed" (why; never compared).
    """

    kind: str
    value: tuple[Any, ...]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Item) or self.kind != other.kind:
            return False
        return self.kind == "failed" or self.value == other.value

    def __hash__(self) -> int:
        return hash(self.kind)


@dataclass(frozen=True)
class Divergence:
    """Where two outcomes part. ``rest`` is the stream from the start of the message concerned."""

    rest: bytes
    method: str
    before: tuple[Item, ...]
    ours: Item
    theirs: Item
    ours_last: Item

    @property
    def head(self) -> bytes:
        """The message's head, by the most lenient reading of line ends."""
        found = re.search(rb"\n\r?\n", self.rest.lstrip(b"\r\n"))
        return self.rest.lstrip(b"\r\n")[: found.end()] if found else self.rest

    @property
    def body(self) -> bytes:
        """What follows the head."""
        return self.rest.lstrip(b"\r\n")[len(self.head) :]

    def values(self, name: bytes) -> list[bytes]:
        """The values of a field in the head, unfolded."""
        lines = re.findall(rb"(?im)^" + name + rb":[ \t]*(.*?)[ \t]*\r?$", re.sub(rb"\r?\n[ \t]+", b" ", self.head))
        return [bytes(line) for line in lines]

    def we_refuse(self, *causes: str) -> bool:
        """Whether we alone fail, for one of these causes."""
        if self.theirs.kind == "failed" or self.ours.kind != "failed":
            return False
        return any(cause in self.ours.value[0] for cause in causes)

    @property
    def they_refuse(self) -> bool:
        """Whether the other side alone fails."""
        return self.theirs.kind == "failed" and self.ours.kind != "failed"

    @property
    def their_version(self) -> str:
        """The version of the head that the other side delivered, or nothing."""
        return self.theirs.value[2] if self.theirs.kind in HEADS else ""

    @property
    def differing(self) -> set[str]:
        """In what two delivered heads differ."""
        if self.ours.kind != self.theirs.kind or self.ours.kind not in HEADS:
            return {"kind"}
        names = ("first", "second", "version", "fields", "expects")
        return {n for n, a, b in zip(names, self.ours.value, self.theirs.value, strict=False) if a != b}

    @property
    def only_reported_differently(self) -> bool:
        """Whether two heads mean the same but for version, expectation and the spelling of the framing
        fields.
        """
        if self.differing - {"version", "fields", "expects"}:
            return False
        return _without_framing(self.ours) == _without_framing(self.theirs)


def _without_framing(item: Item) -> list[tuple[str, str]]:
    return [(n, v) for n, v in item.value[3] if n not in ("content-length", "transfer-encoding")]
