"""Saboteurs of the chapter on bodies in pieces."""

from __future__ import annotations

import asyncio
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import every_handler, nothing, wrap

CHAPTER = "web.streaming"


def decorating(ref: Patches, change: Any) -> None:
    """Let ``stream_request_body`` alter the class by ``change(cls)`` before it does its work."""
    original = ref.web.stream_request_body

    def lying(cls: Any) -> Any:
        change(cls)
        return original(cls)

    ref.replace(ref.web, "stream_request_body", lying)


@saboteur(
    "stream-collects",
    "stream_request_body changes nothing: the body is collected.",
    chapters=CHAPTER,
    kills=(
        "web.stream.order",
        "web.stream.early",
        "web.stream.chunked",
        "web.stream.backpressure",
        "web.stream.abstract",
    ),
)
def _(ref: Patches) -> None:
    ref.replace(ref.web, "stream_request_body", lambda cls: cls)


@saboteur("stream-any-class", "stream_request_body takes anything.", chapters=CHAPTER, kills="web.stream.only-handlers")
def _(ref: Patches) -> None:
    original = ref.web.stream_request_body
    ref.replace(ref.web, "stream_request_body", lambda cls: original(cls) if isinstance(cls, type) else cls)


@saboteur(
    "stream-rushes",
    "Coroutines of prepare and data_received are not waited for.",
    chapters=CHAPTER,
    kills=("web.stream.backpressure",),
)
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        def unawaited(method: Any) -> Any:
            def call(*args: Any) -> None:
                if (result := method(*args)) is not None:
                    asyncio.ensure_future(result)  # noqa: RUF006 - that nobody waits for it is the lie

            return call

        wrap(handler, ("prepare", "data_received"), unawaited)

    every_handler(ref, change)


@saboteur(
    "stream-one-limit",
    "set_max_body_size does nothing.",
    chapters=CHAPTER,
    kills=("web.stream.limit", "web.stream.limit-raised"),
)
def _(ref: Patches) -> None:
    class Deaf:
        """A connection without limits of its own."""

        def __init__(self, connection: Any) -> None:
            self._connection = connection

        def __getattr__(self, name: str) -> Any:
            return nothing if name == "set_max_body_size" else getattr(self._connection, name)

    def change(handler: Any) -> None:
        handler.request.connection = Deaf(handler.request.connection)

    every_handler(ref, change)


@saboteur(
    "stream-goes-on",
    "What comes after the end of a request is received, too; on_finish is called again then.",
    chapters=CHAPTER,
    kills=("web.stream.refused", "web.stream.failure"),
)
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        on_finish, data_received = handler.on_finish, getattr(handler, "data_received", nothing)

        def twice() -> None:
            on_finish()
            try:
                data_received(b"")
            except Exception:
                on_finish()

        handler.on_finish = twice

    every_handler(ref, change)


@saboteur(
    "stream-leaves-silently",
    "The end of a connection is not told to handlers.",
    chapters=CHAPTER,
    kills="web.stream.disconnect",
)
def _(ref: Patches) -> None:
    every_handler(ref, lambda handler: setattr(handler, "on_connection_close", nothing))
