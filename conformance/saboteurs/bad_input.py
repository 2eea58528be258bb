"""Saboteurs of the chapter on what clients get wrong."""

from __future__ import annotations

from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around, before, every_handler, wrap

CHAPTER = "web.bad_input"


@saboteur(
    "bad-input-is-ours",
    "What the client got wrong is an error of the server.",
    chapters=CHAPTER,
    kills=("web.bad-input.target", "web.bad-input.body"),
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, status: int = 500, **kwargs: Any) -> None:
        original(self, 500 if status == 400 else status, **kwargs)

    around(ref, ref.web.RequestHandler, "send_error", lie)


@saboteur(
    "bad-input-strict-fields",
    "A field with characters that it need not have is an error.",
    chapters=CHAPTER,
    kills="web.bad-input.field",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        if any(sign in self.request.headers.get("Cookie", "") for sign in '|"'):
            raise ValueError("a bad cookie")
        return original(self, name, *args, **kwargs)

    around(ref, ref.web.RequestHandler, "get_cookie", lie)


@saboteur(
    "bad-input-range",
    "A range that cannot be had is an error of the server.",
    chapters=CHAPTER,
    kills="web.bad-input.range",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, status: int, reason: Any = None) -> None:
        original(self, 500 if status == 416 else status, reason)

    around(ref, ref.web.StaticFileHandler, "set_status", lie)


@saboteur(
    "bad-input-answered-early",
    "A request is answered before its body is there.",
    chapters=CHAPTER,
    kills="web.bad-input.slow-body",
)
def _(ref: Patches) -> None:
    every_handler(ref, lambda handler: wrap(handler, "prepare", before(handler.finish)))
