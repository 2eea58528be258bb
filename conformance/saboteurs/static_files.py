"""Saboteurs of the chapter on static files."""

from __future__ import annotations

import os
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around, every_application

CHAPTER = "web.static_files"


def hook(ref: Patches, name: str, lie: Any) -> None:
    """Answer the method ``name`` of the handler with ``lie(original, self, *arguments)``."""
    around(ref, ref.web.StaticFileHandler, name, lie)


def class_hook(ref: Patches, name: str, lie: Any) -> None:
    """Answer the class method ``name`` with ``lie(original, *arguments)``; ``original`` is bound."""
    original = getattr(ref.web.StaticFileHandler, name)

    def lying(cls: Any, *args: Any, **kwargs: Any) -> Any:
        return lie(original, *args, **kwargs)

    ref.replace(ref.web.StaticFileHandler, name, classmethod(lying))


def without(ref: Patches, *fields: str) -> None:
    """Let the handler not see these fields of requests."""

    async def lie(original: Any, self: Any, path: str, include_body: bool = True) -> None:
        for name in fields:
            self.request.headers.pop(name, None)
        await original(self, path, include_body)

    hook(ref, "get", lie)


def settings_without(ref: Patches, *names: str) -> None:
    """Let applications not see these settings."""

    def change(routes: list[Any], settings: dict[str, Any]) -> None:
        for name in names:
            settings.pop(name, None)

    every_application(ref, change)


@saboteur(
    "static-reversed",
    "Files are sent from their end to their beginning.",
    chapters=CHAPTER,
    kills=(
        "web.static.file",
        "web.static.large",
        "web.static.range",
        "web.static.class-methods",
        "web.static.default-filename",
    ),
)
def _(ref: Patches) -> None:
    def lie(original: Any, *args: Any, **kwargs: Any) -> Any:
        return iter([b"".join(original(*args, **kwargs))[::-1]])

    class_hook(ref, "get_content", lie)


@saboteur(
    "static-octets", "All files have one type.", chapters=CHAPTER, kills=("web.static.content-type", "web.static.file")
)
def _(ref: Patches) -> None:
    hook(ref, "get_content_type", lambda original, self: "application/octet-stream")


@saboteur("static-head-bare", "HEAD is answered with its length only.", chapters=CHAPTER, kills="web.static.head")
def _(ref: Patches) -> None:
    async def head(self: Any, path: str) -> None:
        self.set_header("Content-Length", self.settings.get("length", 0))

    ref.replace(ref.web.StaticFileHandler, "head", head)


@saboteur("static-no-empty", "An empty file is as good as none.", chapters=CHAPTER, kills="web.static.empty")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any) -> int:
        if not (size := original(self)):
            raise ref.web.HTTPError(404)
        return int(size)

    hook(ref, "get_content_size", lie)


@saboteur("static-posts", "POST is answered as GET.", chapters=CHAPTER, kills="web.static.other-methods")
def _(ref: Patches) -> None:
    for method in ("post", "put", "delete"):
        ref.replace(ref.web.StaticFileHandler, method, ref.web.StaticFileHandler.get)


@saboteur(
    "static-no-checks",
    "Paths are not looked at.",
    chapters=CHAPTER,
    kills=("web.static.missing", "web.static.traversal", "web.static.links", "web.static.directory"),
)
def _(ref: Patches) -> None:
    hook(ref, "validate_absolute_path", lambda original, self, root, path: path)


@saboteur("static-no-links", "No link may lead out.", chapters=CHAPTER, kills="web.static.allowed-links")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, path: str, default_filename: Any = None, **kwargs: Any) -> None:
        original(self, path, default_filename)

    hook(ref, "initialize", lie)


@saboteur(
    "static-no-default",
    "default_filename is ignored.",
    chapters=CHAPTER,
    kills=("web.static.default-filename", "web.static.handler-setting"),
)
def _(ref: Patches) -> None:
    hook(ref, "initialize", lambda original, self, path, *args, **kwargs: original(self, path))


@saboteur(
    "static-default-elsewhere",
    "The redirect to a directory takes the path as it is.",
    chapters=CHAPTER,
    kills="web.static.default-elsewhere",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, root: str, path: str) -> Any:
        if os.path.isdir(path) and not self.request.path.endswith("/"):
            self.redirect(self.request.path + "/", permanent=True)
            return None
        return original(self, root, path)

    hook(ref, "validate_absolute_path", lie)


@saboteur(
    "static-one-version",
    "All contents have the same version.",
    chapters=CHAPTER,
    kills=("web.static.validators", "web.static.changed", "web.static.url"),
)
def _(ref: Patches) -> None:
    class_hook(ref, "get_content_version", lambda original, path: "1")


@saboteur(
    "static-unconditional",
    "Conditions are not looked at.",
    chapters=CHAPTER,
    kills=("web.static.not-modified", "web.static.precondition", "web.static.hooks-database"),
)
def _(ref: Patches) -> None:
    without(ref, "If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since")


@saboteur(
    "static-no-ranges",
    "Ranges are not looked at.",
    chapters=CHAPTER,
    kills=("web.static.range", "web.static.range-unsatisfiable", "web.static.if-range"),
)
def _(ref: Patches) -> None:
    without(ref, "Range")


@saboteur(
    "static-strict-ranges", "A range that is none is refused.", chapters=CHAPTER, kills="web.static.range-ignored"
)
def _(ref: Patches) -> None:
    async def lie(original: Any, self: Any, path: str, include_body: bool = True) -> None:
        await original(self, path, include_body)
        if "Range" in self.request.headers and self.get_status() == 200:
            raise ref.web.HTTPError(400)

    def size(original: Any, self: Any) -> int:
        wanted = self.request.headers.get("Range", "bytes=0-")
        if not wanted.startswith("bytes=") or not wanted[6:].strip("-").isdigit():
            raise ref.web.HTTPError(400)
        return int(original(self))

    hook(ref, "get", lie)
    hook(ref, "get_content_size", size)


@saboteur("static-any-state", "If-Range is not looked at.", chapters=CHAPTER, kills="web.static.if-range")
def _(ref: Patches) -> None:
    without(ref, "If-Range")


@saboteur(
    "static-no-setting",
    "static_path makes no routes.",
    chapters=CHAPTER,
    kills=("web.static.setting", "web.static.root-files", "web.static.handler-setting"),
)
def _(ref: Patches) -> None:
    settings_without(ref, "static_path")


@saboteur("static-fixed-prefix", "The prefix is /static/.", chapters=CHAPTER, kills="web.static.setting")
def _(ref: Patches) -> None:
    settings_without(ref, "static_url_prefix")


@saboteur(
    "static-url-plain",
    "static_url returns the path without version or host.",
    chapters=CHAPTER,
    kills=(
        "web.static.url",
        "web.static.url-options",
        "web.static.url-host-attribute",
        "web.static.url-setting-required",
    ),
)
def _(ref: Patches) -> None:
    around(ref, ref.web.RequestHandler, "static_url", lambda original, self, path, *args, **kwargs: "/static/" + path)


@saboteur("static-url-always", "Every URL has a version.", chapters=CHAPTER, kills="web.static.url-missing")
def _(ref: Patches) -> None:
    class_hook(ref, "get_version", lambda original, settings, path: original(settings, path) or "0000")


@saboteur(
    "static-never-cached",
    "Nothing may be cached.",
    chapters=CHAPTER,
    kills=("web.static.cached", "web.static.hooks-fields"),
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any) -> None:
        original(self)
        for name in ("Cache-Control", "Expires"):
            self.clear_header(name)

    hook(ref, "set_headers", lie)


@saboteur(
    "static-real-paths",
    "The path of the URL is that of the file.",
    chapters=CHAPTER,
    kills=("web.static.hooks-paths", "web.static.hooks-attributes"),
)
def _(ref: Patches) -> None:
    async def lie(original: Any, self: Any, path: str, include_body: bool = True) -> None:
        self.parse_url_path = lambda url_path: os.path.join(self.root, url_path)
        await original(self, path, include_body)

    hook(ref, "get", lie)


@saboteur(
    "static-silent-end", "A file that is not sent whole ends nothing.", chapters=CHAPTER, kills="web.static.disconnect"
)
def _(ref: Patches) -> None:
    async def lie(original: Any, self: Any, path: str, include_body: bool = True) -> None:
        self.on_finish = lambda: None
        await original(self, path, include_body)

    hook(ref, "get", lie)
