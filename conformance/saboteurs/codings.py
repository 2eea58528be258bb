"""Saboteurs of the chapter on codings beside gzip."""

from __future__ import annotations

from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around, every_application

CHAPTER = "web.codings"


def setting(ref: Patches, change: Any) -> None:
    """Let every application have ``change(compress_response)``."""
    every_application(
        ref, lambda routes, settings: settings.update(compress_response=change(settings.get("compress_response")))
    )


@saboteur(
    "codings-only-gzip",
    "The list of codings is taken for True.",
    chapters=CHAPTER,
    kills=("web.codings.each", "web.codings.pieces", "web.codings.piece-at-once", "web.codings.unknown"),
)
def _(ref: Patches) -> None:
    setting(ref, bool)


@saboteur(
    "codings-unweighted", "Weights are ignored.", chapters=CHAPTER, kills=("web.codings.chosen", "web.codings.each")
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, request: Any) -> None:
        request.headers["Accept-Encoding"] = "*"
        original(self, request)

    around(ref, ref.web.GZipContentEncoding, "__init__", lie)


@saboteur("codings-own-order", "The server's order is always the same.", chapters=CHAPTER, kills="web.codings.order")
def _(ref: Patches) -> None:
    setting(ref, lambda codings: sorted(codings) if isinstance(codings, list) else codings)


@saboteur(
    "codings-for-all", "Images are compressed, and what is short.", chapters=CHAPTER, kills="web.codings.worth-it"
)
def _(ref: Patches) -> None:
    ref.replace(ref.web.GZipContentEncoding, "MIN_LENGTH", 0)
    ref.replace(ref.web.GZipContentEncoding, "CONTENT_TYPES", frozenset(["image/png"]))


@saboteur(
    "codings-kept-back",
    "What was flushed waits for the end.",
    chapters=CHAPTER,
    kills="web.codings.piece-at-once",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, chunk: bytes, finishing: bool) -> bytes:
        kept = getattr(self, "kept", b"") + chunk
        self.kept = b"" if finishing else kept
        return original(self, kept, True) if finishing else b""

    around(ref, ref.web.GZipContentEncoding, "transform_chunk", lie)
