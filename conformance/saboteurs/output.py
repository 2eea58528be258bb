"""Saboteurs of the chapter on what a handler answers."""

from __future__ import annotations

import asyncio
import contextlib
import http
import json
import re
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around, before, every_class, every_handler, nothing, wrap

CHAPTER = "web.output"


def writing(ref: Patches, convert: Any) -> None:
    """Let what is given to write pass through ``convert``."""
    around(ref, ref.web.RequestHandler, "write", lambda original, self, chunk: original(self, convert(chunk)))


def done() -> asyncio.Future[None]:
    """Return a future that is done."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future


# -- write ------------------------------------------------------------------------------------------------------------


@saboteur("write-latin-1", "Text is sent as Latin-1.", chapters=CHAPTER, kills="web.write.text")
def _(ref: Patches) -> None:
    writing(ref, lambda chunk: chunk.encode("latin-1", "replace") if isinstance(chunk, str) else chunk)


@saboteur("write-line-ends", "Line feeds in bytes become CR LF.", chapters=CHAPTER, kills="web.write.bytes")
def _(ref: Patches) -> None:
    writing(ref, lambda chunk: chunk.replace(b"\n", b"\r\n") if isinstance(chunk, bytes) else chunk)


@saboteur("write-repr", "A dictionary is sent as Python would show it.", chapters=CHAPTER, kills="web.write.dict")
def _(ref: Patches) -> None:
    writing(ref, lambda chunk: repr(chunk) if isinstance(chunk, dict) else chunk)


@saboteur("write-lists", "Lists are sent as JSON.", chapters=CHAPTER, kills="web.write.refused")
def _(ref: Patches) -> None:
    writing(ref, lambda chunk: json.dumps(chunk) if isinstance(chunk, list) else chunk)


@saboteur("write-lines", "Every write ends with a line end.", chapters=CHAPTER, kills="web.write.several")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, chunk: Any) -> None:
        original(self, chunk)
        original(self, "\n")

    around(ref, ref.web.RequestHandler, "write", lie)


@saboteur("write-nothing-204", "An answer without a body is 204.", chapters=CHAPTER, kills="web.write.nothing")
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        written: list[Any] = []

        def no_content() -> None:
            if not written and handler.get_status() == 200:
                handler.set_status(204)

        wrap(handler, "write", before(lambda: written.append(1)))
        wrap(handler, "finish", before(no_content))

    every_handler(ref, change)


# -- status -----------------------------------------------------------------------------------------------------------


def setting_status(ref: Patches, lie: Any) -> None:
    """Call ``lie(original, handler, code, reason)`` for set_status."""

    def lying(original: Any, self: Any, status_code: int, reason: str | None = None) -> None:
        lie(original, self, status_code, reason)

    around(ref, ref.web.RequestHandler, "set_status", lying)


@saboteur(
    "status-no-standard-reason",
    "Without a reason of its own, every status has the reason Status.",
    chapters=(CHAPTER, "web.redirects", "web.error_pages"),
    kills=("web.status.standard-reason", "web.redirect.default-302", "web.error.http-error"),
)
def _(ref: Patches) -> None:
    setting_status(ref, lambda original, self, code, reason: original(self, code, reason or "Status"))


@saboteur("status-own-reason", "set_status ignores a reason.", chapters=CHAPTER, kills="web.status.own-reason")
def _(ref: Patches) -> None:
    setting_status(ref, lambda original, self, code, reason: original(self, code))


@saboteur(
    "status-registered-only",
    "A status code that is not registered becomes 500.",
    chapters=(CHAPTER, "web.error_pages"),
    kills=("web.status.unregistered", "web.error.unregistered-status"),
)
def _(ref: Patches) -> None:
    known = {int(status) for status in http.HTTPStatus}
    setting_status(ref, lambda original, self, code, reason: original(self, code if code in known else 500, reason))


@saboteur(
    "status-reason-splits",
    "What follows a line end in a reason becomes a header field.",
    chapters=(CHAPTER, "web.error_pages"),
    kills=("web.status.reason-injection", "web.error-page.reason-injection"),
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, code: int, reason: str | None) -> None:
        first, *rest = re.split(r"[\r\n]+", reason or "")
        original(self, code, first or None)
        for line in rest:
            self.set_header(*line.split(": ", 1))

    setting_status(ref, lie)


@saboteur(
    "status-204-length", "Answers with 204 have a Content-Length.", chapters=CHAPTER, kills="web.status.without-content"
)
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        def add() -> None:
            if handler.get_status() == 204:
                handler.set_status(200)

        wrap(handler, "finish", before(add))

    every_handler(ref, change)


# -- header fields ----------------------------------------------------------------------------------------------------


@saboteur(
    "headers-set-adds", "set_header keeps earlier values of X- fields.", chapters=CHAPTER, kills="web.headers.set"
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, value: Any) -> None:
        (self.add_header if name.lower().startswith("x-c") else lambda *args: original(self, *args))(name, value)

    around(ref, ref.web.RequestHandler, "set_header", lie)


@saboteur("headers-add-sets", "add_header replaces earlier values.", chapters=CHAPTER, kills="web.headers.add")
def _(ref: Patches) -> None:
    ref.replace(ref.web.RequestHandler, "add_header", ref.web.RequestHandler.set_header)


@saboteur("headers-stay", "clear_header does nothing.", chapters=CHAPTER, kills="web.headers.clear")
def _(ref: Patches) -> None:
    ref.replace(ref.web.RequestHandler, "clear_header", nothing)


@saboteur(
    "headers-str", "Times in header fields are written as Python would.", chapters=CHAPTER, kills="web.headers.values"
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, value: Any) -> None:
        original(self, name, value if isinstance(value, (bytes, str)) else str(value))

    around(ref, ref.web.RequestHandler, "set_header", lie)


@saboteur(
    "headers-cut",
    "A header value is cut at a line end instead of refused.",
    chapters=CHAPTER,
    kills="web.headers.injection",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, value: Any) -> None:
        original(self, name, re.split(r"[\r\n\0]", value)[0] if isinstance(value, str) else value)

    for method in ("set_header", "add_header"):
        around(ref, ref.web.RequestHandler, method, lie)


@saboteur(
    "headers-name-splits",
    "A line end in a header name begins another field.",
    chapters=CHAPTER,
    kills="web.headers.name-injection",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, value: Any) -> None:
        for part in name.splitlines() or [name]:
            original(self, part, value)

    around(ref, ref.web.RequestHandler, "set_header", lie)


@saboteur(
    "headers-no-defaults",
    "set_default_headers is not called.",
    chapters=CHAPTER,
    kills=("web.headers.defaults", "web.headers.defaults-on-errors"),
)
def _(ref: Patches) -> None:
    def change(cls: Any) -> None:
        if "set_default_headers" in vars(cls):
            del cls.set_default_headers

    every_class(ref, change)


@saboteur(
    "headers-defaults-once",
    "The fields of set_default_headers are missing in error answers.",
    chapters=CHAPTER,
    kills="web.headers.defaults-on-errors",
)
def _(ref: Patches) -> None:
    def change(cls: Any) -> None:
        original = vars(cls).get("set_default_headers")
        called: set[int] = set()

        def once(self: Any) -> None:
            if id(self) not in called:
                called.add(id(self))
                original(self)

        if original is not None:
            cls.set_default_headers = once

    every_class(ref, change)


@saboteur("headers-clear-keeps-status", "clear() keeps the status.", chapters=CHAPTER, kills="web.headers.clear-all")
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        clear = handler.clear

        def lying() -> None:
            status = handler.get_status()
            clear()
            handler.set_status(status)

        handler.clear = lying

    every_handler(ref, change)


# -- finish -----------------------------------------------------------------------------------------------------------


@saboteur(
    "finish-drops-chunk",
    "finish does not write what it is given.",
    chapters=(CHAPTER, "web.error_pages"),
    kills=("web.finish.chunk", "web.finish-exception.value"),
)
def _(ref: Patches) -> None:
    around(ref, ref.web.RequestHandler, "finish", lambda original, self, chunk=None: original(self))


@saboteur(
    "finish-again",
    "write and finish after the end are ignored.",
    chapters=(CHAPTER, "web.error_pages"),
    kills=("web.finish.once", "web.send-error.ends"),
)
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        ended: list[bool] = []
        finish, write = handler.finish, handler.write

        def quiet(chunk: Any = None) -> Any:
            if ended:
                return done()
            result = finish(chunk)
            ended.append(True)
            return result

        handler.finish = quiet
        handler.write = lambda chunk: None if ended else write(chunk)

    every_handler(ref, change)


@saboteur("finish-returns-none", "finish returns None.", chapters=CHAPTER, kills="web.finish.awaitable")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any) -> None:
        original(self, *args)

    around(ref, ref.web.RequestHandler, "finish", lie)


# -- flush ------------------------------------------------------------------------------------------------------------


@saboteur(
    "flush-nothing",
    "A handler's flush does nothing.",
    chapters=(CHAPTER, "web.redirects", "web.error_pages"),
    kills=("web.flush.in-pieces", "web.flush.head", "web.flush.framing", "web.redirect.after-flush",
           "web.send-error.after-flush"),
)  # fmt: skip
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        # finish needs the real one.
        handler.flush = lambda *args, **keywords: done()
        wrap(handler, "finish", before(lambda: vars(handler).pop("flush", None)))

    every_handler(ref, change)


@saboteur("flush-needs-body", "flush without a body does not send the head.", chapters=CHAPTER, kills="web.flush.head")
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        written: list[bool] = []
        flush = handler.flush
        handler.flush = lambda *args, **keywords: flush(*args, **keywords) if written else done()
        for name in ("write", "finish"):
            wrap(handler, name, before(lambda: written.append(True)))

    every_handler(ref, change)


@saboteur("flush-chunks-for-all", "HTTP/1.0 clients get chunks too.", chapters=CHAPTER, kills="web.flush.framing")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, **keywords: Any) -> Any:
        if self.request.version == "HTTP/1.0":
            with contextlib.suppress(Exception):
                self.set_header("Transfer-Encoding", "chunked")
        return original(self, *args, **keywords)

    around(ref, ref.web.RequestHandler, "flush", lie)


@saboteur(
    "flush-forgets-length",
    "flush drops the handler's Content-Length.",
    chapters=(CHAPTER, "web.error_pages"),
    kills=("web.flush.known-length", "web.send-error.short-body"),
)
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        wrap(handler, "flush", before(lambda: handler.clear_header("Content-Length")))
        wrap(handler, "finish", before(lambda: vars(handler).pop("flush", None)))

    every_handler(ref, change)


@saboteur(
    "flush-loses-third", "What is written after two flushes is lost.", chapters=CHAPTER, kills="web.flush.interleaved"
)
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        flushes: list[bool] = []
        wrap(handler, "flush", before(lambda: flushes.append(True)))
        wrap(handler, "write", lambda write: lambda chunk: None if len(flushes) == 2 else write(chunk))

    every_handler(ref, change)


@saboteur(
    "flush-done-at-once",
    "The future of flush is done at once.",
    chapters=(CHAPTER, "web.handlers"),
    kills=("web.flush.back-pressure", "web.disconnect.flush-fails"),
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, **keywords: Any) -> Any:
        asyncio.ensure_future(original(self, *args, **keywords)).add_done_callback(lambda future: future.exception())
        return done()

    around(ref, ref.web.RequestHandler, "flush", lie)
