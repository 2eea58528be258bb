"""Saboteurs of the chapter on forms with files."""

from __future__ import annotations

import contextlib
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import every_handler

CHAPTER = "web.forms"


def parsed(ref: Patches, change: Any) -> None:
    """Let ``change(arguments, files)`` alter what a form was parsed into, before its handler is called."""
    every_handler(ref, lambda handler: change(handler.request.body_arguments, handler.request.files))


@saboteur(
    "form-last-only",
    "Of a name the last value counts.",
    chapters=CHAPTER,
    kills=("web.form.fields", "web.form.older-files"),
)
def _(ref: Patches) -> None:
    def change(arguments: dict[str, Any], files: dict[str, Any]) -> None:
        for values in (*arguments.values(), *files.values()):
            del values[:-1]

    parsed(ref, change)


@saboteur(
    "form-ascii",
    "Of text what is not ASCII is dropped, and of files what follows a line end.",
    chapters=CHAPTER,
    kills=("web.form.part-fields", "web.form.names", "web.form.binary"),
)
def _(ref: Patches) -> None:
    def change(arguments: dict[str, Any], files: dict[str, Any]) -> None:
        for values in arguments.values():
            values[:] = [bytes(octet for octet in value if octet < 128) for value in values]
        for some in files.values():
            for file in some:
                file["body"] = file["body"].split(b"\r\n")[0]
                file["filename"] = file["filename"].encode("ascii", "ignore").decode()

    parsed(ref, change)


@saboteur(
    "form-forgives",
    "A form that cannot be read is an empty one.",
    chapters=CHAPTER,
    kills=("web.form.malformed", "web.form.no-boundary", "web.form.many-arguments"),
)
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        request = handler.request
        try:
            _ = request.query_arguments, request.body_arguments
        except Exception:
            with contextlib.suppress(AttributeError):
                del handler.request.parse_body
            request.query_arguments, request.body_arguments, request.files, request.arguments = {}, {}, {}, {}
            request.query, request.body = "", b""

    every_handler(ref, change)
