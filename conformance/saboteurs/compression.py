"""Saboteurs of the chapter on compressed answers."""

from __future__ import annotations

from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around, every_application

CHAPTER = "web.compression"


def first(ref: Patches, lie: Any) -> None:
    """Answer the first call of the transform with ``lie(original, self, status, headers, chunk, finishing)``."""
    around(ref, ref.web.GZipContentEncoding, "transform_first_chunk", lie)


@saboteur(
    "compress-never",
    "Nothing is compressed.",
    chapters=CHAPTER,
    kills=("web.compress.on", "web.compress.types", "web.compress.small", "web.compress.pieces", "web.compress.error"),
)
def _(ref: Patches) -> None:
    def change(routes: list[Any], settings: dict[str, Any]) -> None:
        for name in ("compress_response", "gzip"):
            settings.pop(name, None)

    every_application(ref, change)


@saboteur("compress-always-on", "The setting is always true.", chapters=CHAPTER, kills="web.compress.off")
def _(ref: Patches) -> None:
    every_application(ref, lambda routes, settings: settings.update(compress_response=True))


@saboteur("compress-for-all", "Everybody accepts gzip.", chapters=CHAPTER, kills="web.compress.accepted")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, request: Any) -> None:
        request.headers["Accept-Encoding"] = "gzip"
        original(self, request)

    around(ref, ref.web.GZipContentEncoding, "__init__", lie)


@saboteur(
    "compress-everything",
    "All is compressed that comes, whatever it is.",
    chapters=CHAPTER,
    kills=("web.compress.types", "web.compress.small", "web.compress.coded-already"),
)
def _(ref: Patches) -> None:
    ref.replace(ref.web.GZipContentEncoding, "MIN_LENGTH", 0)

    def lie(original: Any, self: Any, status: int, headers: Any, chunk: bytes, finishing: bool) -> Any:
        kept = {name: headers.pop(name, None) for name in ("Content-Type", "Content-Encoding")}
        headers["Content-Type"] = "text/plain"
        result = original(self, 200, headers, chunk, finishing)
        headers["Content-Type"] = kept["Content-Type"]
        return (status, *result[1:])

    first(ref, lie)


@saboteur("compress-no-vary", "Vary is left as it was.", chapters=CHAPTER, kills="web.compress.vary")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, status: int, headers: Any, chunk: bytes, finishing: bool) -> Any:
        vary = headers.get("Vary")
        result = original(self, status, headers, chunk, finishing)
        headers["Vary"] = vary or "Origin"
        return result

    first(ref, lie)


@saboteur("compress-same-tag", "The entity tag stays as it was.", chapters=CHAPTER, kills="web.compress.tag")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, status: int, headers: Any, chunk: bytes, finishing: bool) -> Any:
        tag = headers.get("Etag")
        result = original(self, status, headers, chunk, finishing)
        if tag is not None:
            headers["Etag"] = tag
        return result

    first(ref, lie)


@saboteur(
    "transform-ignored",
    "Transforms are not asked.",
    chapters=CHAPTER,
    kills=("web.transform.changes", "web.compress.on"),
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, handlers: Any = None, *args: Any, **settings: Any) -> None:
        for name in ("transforms", "compress_response", "gzip"):
            settings.pop(name, None)
        original(self, handlers, *args, **settings)

    around(ref, ref.web.Application, "__init__", lie)
    ref.replace(ref.web.Application, "add_transform", lambda self, transform: None)
