"""Saboteurs of the wire that are one substitution: what the server is made to read, or what it seems to send."""

from __future__ import annotations

import re
from collections.abc import Callable

from conformance.saboteurs import Patches, Tamper, saboteur

Replacement = bytes | Callable[[re.Match[bytes]], bytes]


class Lies:
    """Registers the saboteurs of one chapter."""

    def __init__(self, chapter: str) -> None:
        self._chapter = chapter

    def reads(self, name: str, lie: str, pattern: bytes, replacement: Replacement, *kills: str) -> None:
        """The server reads ``replacement`` wherever the suite sent what matches ``pattern``."""
        expression = re.compile(pattern, re.DOTALL)

        class Reads(Tamper):
            def inbound(self, data: bytes) -> bytes:
                return expression.sub(replacement, data)

        self.tampers(name, lie, Reads, *kills)

    def sends(self, name: str, lie: str, pattern: bytes, replacement: Replacement, *kills: str) -> None:
        """The server seems to send ``replacement`` in place of what matches ``pattern``."""
        expression = re.compile(pattern, re.DOTALL)

        class Sends(Tamper):
            def outbound(self, data: bytes) -> bytes:
                return expression.sub(replacement, data)

        self.tampers(name, lie, Sends, *kills)

    def answers(self, name: str, lie: str, asked: bytes, pattern: bytes, replacement: Replacement, *kills: str) -> None:
        """To a request that ``asked`` is found in, the server seems to send ``replacement`` for ``pattern``."""
        request, expression = re.compile(asked, re.DOTALL), re.compile(pattern, re.DOTALL)

        class Answers(Remembering):
            def outbound(self, data: bytes) -> bytes:
                return expression.sub(replacement, data) if request.search(self.asked) else data

        self.tampers(name, lie, Answers, *kills)

    def tampers(self, name: str, lie: str, kind: type[Tamper], *kills: str) -> None:
        """Connections to the server run through ``kind``."""

        def apply(ref: Patches) -> None:
            ref.tamper = kind

        saboteur(name, lie, chapters=self._chapter, kills=kills)(apply)


class Remembering(Tamper):
    """Keeps what the suite sent last, for lies in answers that depend on the request."""

    asked = b""

    def inbound(self, data: bytes) -> bytes:
        """Remember ``data`` and pass it on."""
        self.asked = data
        return data
