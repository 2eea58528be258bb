"""Saboteurs of the chapter on files of forms on the disk."""

from __future__ import annotations

import os
import shutil
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around, nothing

CHAPTER = "web.uploads"


def making(ref: Patches, change: Any) -> None:
    """Let every ``FormUpload`` be made with keywords that ``change`` has altered."""

    def lie(original: Any, self: Any, handler: Any, **limits: Any) -> None:
        change(limits)
        original(self, handler, **limits)

    around(ref, ref.web.FormUpload, "__init__", lie)


@saboteur(
    "upload-loses-octets",
    "The first octet of each piece is lost.",
    chapters=CHAPTER,
    kills="web.upload.stored",
)
def _(ref: Patches) -> None:
    async def lie(original: Any, self: Any, chunk: bytes) -> None:
        await original(self, chunk.replace(b"\xff\x00\x01", b"\x00\x01"))

    around(ref, ref.web.FormUpload, "receive", lie)


@saboteur(
    "upload-keeps",
    "Files stay where they are.",
    chapters=CHAPTER,
    kills=("web.upload.removed", "web.upload.malformed", "web.upload.client-leaves"),
)
def _(ref: Patches) -> None:
    def make(original: Any, self: Any, handler: Any, **limits: Any) -> None:
        self.place = limits["directory"]
        original(self, handler, **limits)

    async def receive(original: Any, self: Any, chunk: bytes) -> None:
        try:
            await original(self, chunk)
        finally:
            for name in os.listdir(self.place):
                shutil.copyfile(os.path.join(self.place, name), os.path.join(self.place, f"{name}-kept"))

    around(ref, ref.web.FormUpload, "__init__", make)
    around(ref, ref.web.FormUpload, "receive", receive)


@saboteur("upload-unlimited", "There are no limits.", chapters=CHAPTER, kills="web.upload.limits")
def _(ref: Patches) -> None:
    def change(limits: dict[str, Any]) -> None:
        for name in [name for name in limits if name.startswith("max_")]:
            del limits[name]

    making(ref, change)


@saboteur("upload-believes", "The end of a form is not looked for.", chapters=CHAPTER, kills="web.upload.malformed")
def _(ref: Patches) -> None:
    around(ref, ref.web.FormUpload, "finish", nothing)


@saboteur(
    "upload-any-type",
    "Whatever comes is a form.",
    chapters=CHAPTER,
    kills="web.upload.other-types",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, handler: Any, **limits: Any) -> None:
        handler.request.headers["Content-Type"] = "multipart/form-data; boundary=edge"
        original(self, handler, **limits)

    around(ref, ref.web.FormUpload, "__init__", lie)
