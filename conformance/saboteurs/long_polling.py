"""Saboteurs of the chapter on a shop whose pages know the stock."""

from __future__ import annotations

from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around, every_handler

CHAPTER = "web.long_polling"


@saboteur("polling-first-only", "An answer that waits is empty.", chapters=CHAPTER, kills="web.long-polling.shop")
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        if handler.request.path.endswith("/status"):
            handler.write = lambda chunk: None

    every_handler(ref, change)


@saboteur(
    "polling-default-session",
    "An argument that was not sent has a value.",
    chapters=CHAPTER,
    kills="web.long-polling.refused",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        return original(self, name, *args, **kwargs) or "somebody"

    around(ref, ref.web.RequestHandler, "get_argument", lie)
