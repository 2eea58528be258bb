"""Saboteurs of the chapter on connections on streams of one's own."""

from __future__ import annotations

from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around

CHAPTER = "http.stream_connections"


def hook(ref: Patches, name: str, lie: Any) -> None:
    """Answer the method ``name`` of connections with ``lie(original, self, *arguments)``."""
    around(ref, ref.http1connection.HTTP1Connection, name, lie)


@saboteur(
    "stream-never-more",
    "read_response() says of every message that it was none.",
    chapters=CHAPTER,
    kills=("http1.stream.client", "http1.stream.server", "http1.stream.serving"),
)
def _(ref: Patches) -> None:
    async def lie(original: Any, self: Any, delegate: Any) -> bool:
        await original(self, delegate)
        return False

    hook(ref, "read_response", lie)


@saboteur(
    "stream-lengths",
    "A request says how long its first piece is.",
    chapters=CHAPTER,
    kills="http1.stream.client-chunks",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, start_line: Any, headers: Any, chunk: Any = None, callback: Any = None) -> Any:
        if chunk:
            headers["Content-Length"] = str(len(chunk))
        return original(self, start_line, headers, chunk, callback)

    hook(ref, "write_headers", lie)


@saboteur("stream-final-only", "Nobody hears of 1xx responses.", chapters=CHAPTER, kills="http1.stream.informational")
def _(ref: Patches) -> None:
    async def lie(original: Any, self: Any, delegate: Any, event: Any) -> None:
        if not 100 <= getattr(event, "status", 0) < 200:
            await original(self, delegate, event)

    hook(ref, "_head", lie)


@saboteur("stream-patient", "What is no message is passed over.", chapters=CHAPTER, kills="http1.stream.client-broken")
def _(ref: Patches) -> None:
    async def lie(original: Any, self: Any, error: Any) -> None:
        pass

    hook(ref, "_refuse", lie)


@saboteur(
    "stream-blames-itself",
    "What is no message is our own fault.",
    chapters=CHAPTER,
    kills="http1.stream.serving-broken",
)
def _(ref: Patches) -> None:
    async def lie(original: Any, self: Any, error: Any) -> None:
        error.status = 500
        await original(self, error)

    hook(ref, "_refuse", lie)


@saboteur(
    "stream-cut-is-whole", "A message ends where its stream does.", chapters=CHAPTER, kills="http1.stream.cut-short"
)
def _(ref: Patches) -> None:
    async def lie(original: Any, self: Any, delegate: Any) -> bool:
        try:
            return bool(await original(self, delegate))
        except ref.iostream.StreamClosedError:
            return True

    hook(ref, "read_response", lie)


@saboteur(
    "stream-detached-closed", "The stream that comes back is closed.", chapters=CHAPTER, kills="http1.stream.detach"
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any) -> Any:
        stream = original(self)
        stream.close()
        return stream

    hook(ref, "detach", lie)


@saboteur(
    "stream-silent-end", "Nobody hears of the end of a stream.", chapters=CHAPTER, kills="http1.stream.close-callback"
)
def _(ref: Patches) -> None:
    hook(ref, "set_close_callback", lambda original, self, callback: None)


@saboteur(
    "stream-boundless",
    "What a program says of the body of a message is forgotten.",
    chapters=CHAPTER,
    kills=("http1.stream.max-body-size", "http1.stream.body-timeout"),
)
def _(ref: Patches) -> None:
    hook(ref, "set_max_body_size", lambda original, self, size: None)
    hook(ref, "set_body_timeout", lambda original, self, seconds: None)


@saboteur("stream-serves-on", "no_keep_alive is not heeded.", chapters=CHAPTER, kills="http1.stream.serving-once")
def _(ref: Patches) -> None:
    around(
        ref,
        ref.http1connection.HTTP1ServerConnection,
        "__init__",
        lambda original, self, stream, params=None, context=None: original(self, stream, None, context),
    )


@saboteur("stream-close-at-once", "close() waits for nobody.", chapters=CHAPTER, kills="http1.stream.serving-close")
def _(ref: Patches) -> None:
    async def lie(original: Any, self: Any) -> None:
        self.stream.close()

    around(ref, ref.http1connection.HTTP1ServerConnection, "close", lie)
