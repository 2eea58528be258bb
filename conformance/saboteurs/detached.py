"""Saboteurs of the chapter on connections that are taken over."""

from __future__ import annotations

from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around, every_handler

CHAPTER = "web.detached"


def detaching(ref: Patches, lie: Any) -> None:
    """Answer ``detach`` with ``lie(original, self)``."""
    around(ref, ref.web.RequestHandler, "detach", lie)


@saboteur(
    "detach-greets",
    "Something is written before the stream is handed over.",
    chapters=CHAPTER,
    kills=("web.detach.stream", "web.detach.large", "web.detach.after-flush"),
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any) -> Any:
        stream = original(self)
        stream.write(b"\r\n")
        return stream

    detaching(ref, lie)


@saboteur("detach-finishes", "The request is finished as any other.", chapters=CHAPTER, kills="web.detach.over")
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        original = handler.detach

        def detach() -> Any:
            stream = original()
            handler.on_finish()
            return stream

        handler.detach = detach

    every_handler(ref, change)


@saboteur("detach-deaf", "The end of the stream is not told.", chapters=CHAPTER, kills="web.detach.client-leaves")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any) -> Any:
        stream = original(self)
        read = stream.read_bytes

        async def deaf(*args: Any, **kwargs: Any) -> bytes:
            try:
                return bytes(await read(*args, **kwargs))
            except ref.iostream.StreamClosedError:
                return b""

        stream.read_bytes = deaf
        return stream

    detaching(ref, lie)
