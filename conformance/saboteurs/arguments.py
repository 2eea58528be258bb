"""Saboteurs of the chapter on what a request brings."""

from __future__ import annotations

import urllib.parse
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around, before, every_class, every_handler, nothing, wrap

CHAPTER = "web.arguments"
SINGULAR = ("get_argument", "get_query_argument", "get_body_argument")
PLURAL = ("get_arguments", "get_query_arguments", "get_body_arguments")


def every_request(ref: Patches, change: Any) -> None:
    """Let ``change`` alter every request right before prepare: some parse the body only then."""
    every_handler(ref, lambda handler: wrap(handler, "prepare", before(lambda: change(handler.request))))


@saboteur("arguments-plus", "A plus sign in a query stays one.", chapters=CHAPTER, kills="web.arguments.query")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, value: bytes, name: str | None = None) -> Any:
        return original(self, value if name is None else value.replace(b" ", b"+"), name)

    around(ref, ref.web.RequestHandler, "decode_argument", lie)


@saboteur(
    "arguments-optional",
    "A missing argument is an empty text.",
    chapters=(CHAPTER, "web.error_pages"),
    kills=("web.arguments.missing-400", "web.error.missing-argument"),
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, default: Any = "", strip: bool = True) -> Any:
        return original(self, name, default, strip)

    for method in SINGULAR:
        around(ref, ref.web.RequestHandler, method, lie)


@saboteur("arguments-no-none", "None as a default means no default.", chapters=CHAPTER, kills="web.arguments.default")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, *default: Any, **keywords: Any) -> Any:
        return original(self, name, *[value for value in default if value is not None], **keywords)

    for method in SINGULAR:
        around(ref, ref.web.RequestHandler, method, lie)


@saboteur(
    "arguments-first",
    "The singular methods give the first of several values.",
    chapters=CHAPTER,
    kills=("web.arguments.last", "web.arguments.query-before-body"),
)
def _(ref: Patches) -> None:
    for singular, plural in zip(SINGULAR, PLURAL, strict=True):
        values_of = getattr(ref.web.RequestHandler, plural)

        def lie(
            original: Any,
            self: Any,
            name: str,
            *default: Any,
            values_of: Any = values_of,
            strip: bool = True,
            **kw: Any,
        ) -> Any:
            values = values_of(self, name, strip)
            return values[0] if values else original(self, name, *default, strip=strip, **kw)

        around(ref, ref.web.RequestHandler, singular, lie)


@saboteur(
    "arguments-last-only",
    "The plural methods give the last value only.",
    chapters=CHAPTER,
    kills=("web.arguments.all", "web.arguments.query-before-body"),
)
def _(ref: Patches) -> None:
    for method in PLURAL:
        around(
            ref, ref.web.RequestHandler, method, lambda original, self, *args, **kw: original(self, *args, **kw)[-1:]
        )


@saboteur(
    "arguments-mixed-up",
    "get_query_argument looks in the body too.",
    chapters=CHAPTER,
    kills="web.arguments.query-or-body",
)
def _(ref: Patches) -> None:
    ref.replace(ref.web.RequestHandler, "get_query_argument", ref.web.RequestHandler.get_argument)


@saboteur("arguments-always-strip", "strip=False is ignored.", chapters=CHAPTER, kills="web.arguments.strip")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, *args: Any, **keywords: Any) -> Any:
        return original(self, *args, **{**keywords, "strip": True} if "strip" in keywords else keywords)

    for method in (*SINGULAR, *PLURAL):
        around(ref, ref.web.RequestHandler, method, lie)


@saboteur(
    "arguments-utf-8-only",
    "An overridden decode_argument is not called.",
    chapters=CHAPTER,
    kills="web.arguments.decode-argument",
)
def _(ref: Patches) -> None:
    def change(cls: Any) -> None:
        if "decode_argument" in vars(cls):
            del cls.decode_argument

    every_class(ref, change)


@saboteur(
    "arguments-no-blanks", "Names with an empty value are dropped.", chapters=CHAPTER, kills="web.arguments.empty"
)
def _(ref: Patches) -> None:
    def change(request: Any) -> None:
        for values in (request.arguments, request.query_arguments):
            for name in [name for name, value in values.items() if value == [b""]]:
                del values[name]

    every_request(ref, change)


@saboteur(
    "arguments-controls-kept",
    "Control characters come through.",
    chapters=CHAPTER,
    kills="web.arguments.control-characters",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, *args: Any, **keywords: Any) -> Any:
        raw = self.request.arguments.get(name, [b""])[-1]
        return raw.decode() if b"\x00" in raw else original(self, name, *args, **keywords)

    around(ref, ref.web.RequestHandler, "get_argument", lie)


@saboteur(
    "arguments-raw-stripped",
    "The bytes in query_arguments are stripped.",
    chapters=CHAPTER,
    kills="web.arguments.raw",
)
def _(ref: Patches) -> None:
    def change(request: Any) -> None:
        for values in request.query_arguments.values():
            values[:] = [value.strip() for value in values]

    every_request(ref, change)


@saboteur(
    "arguments-html-only",
    "The Content-Type of an answer cannot be changed.",
    chapters=(CHAPTER, "web.output"),
    kills=("web.arguments.form-page", "web.write.dict-content-type"),
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, name: str, value: Any) -> None:
        original(self, name, "text/html; charset=UTF-8" if name.lower() == "content-type" else value)

    around(ref, ref.web.RequestHandler, "set_header", lie)


# -- files and other bodies -------------------------------------------------------------------------------------------


@saboteur("files-untyped", "The content_type of a file is lost.", chapters=CHAPTER, kills="web.files.multipart")
def _(ref: Patches) -> None:
    def change(request: Any) -> None:
        for file in (file for files in request.files.values() for file in files):
            file["content_type"] = "application/unknown"

    every_request(ref, change)


@saboteur("files-first", "Only the first file under a name is kept.", chapters=CHAPTER, kills="web.files.several")
def _(ref: Patches) -> None:
    def change(request: Any) -> None:
        for files in request.files.values():
            del files[1:]

    every_request(ref, change)


@saboteur(
    "files-names-quoted",
    "The backslashes of a quoted name are taken for part of it.",
    chapters=CHAPTER,
    kills="web.files.quoted-names",
)
def _(ref: Patches) -> None:
    def change(request: Any) -> None:
        for name in [name for name in request.files if '"' in name]:
            request.files[name.replace('"', '\\"')] = request.files.pop(name)

    every_request(ref, change)


@saboteur(
    "files-without-fields",
    "Fields that come with files are dropped.",
    chapters=CHAPTER,
    kills="web.files.form-fields",
)
def _(ref: Patches) -> None:
    def change(request: Any) -> None:
        if request.files:
            request.body_arguments.clear()
            request.arguments.clear()

    every_request(ref, change)


@saboteur(
    "files-guessing",
    "A body without a form's Content-Type is parsed as a form all the same.",
    chapters=CHAPTER,
    kills="web.files.raw-upload",
)
def _(ref: Patches) -> None:
    def change(request: Any) -> None:
        for name, value in urllib.parse.parse_qsl(request.body.decode("latin-1")):
            request.body_arguments.setdefault(name, [value.encode()])
            request.arguments.setdefault(name, [value.encode()])

    every_request(ref, change)


@saboteur(
    "files-forgiving",
    "A malformed multipart body counts as an empty form.",
    chapters=CHAPTER,
    kills="web.files.malformed-400",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, status_code: int = 500, **keywords: Any) -> None:
        if self.request.files or status_code != 400 or "multipart" not in self.request.headers.get("Content-Type", ""):
            original(self, status_code, **keywords)
        else:
            self.post()
            self.finish()

    around(ref, ref.web.RequestHandler, "send_error", lie)


@saboteur("json-eaten", "The body of a JSON request is empty.", chapters=CHAPTER, kills="web.json.by-prepare")
def _(ref: Patches) -> None:
    def change(request: Any) -> None:
        if request.headers.get("Content-Type", "").startswith("application/json"):
            request.body = b"null"

    every_request(ref, change)


# -- the request ------------------------------------------------------------------------------------------------------


@saboteur(
    "request-version",
    "request.version is the number alone.",
    chapters=CHAPTER,
    kills="web.request.attributes",
)
def _(ref: Patches) -> None:
    def change(request: Any) -> None:
        request.version = request.version.removeprefix("HTTP/")

    every_request(ref, change)


@saboteur("request-short-url", "full_url() is the target alone.", chapters=CHAPTER, kills="web.request.full-url")
def _(ref: Patches) -> None:
    around(ref, ref.httputil.HTTPServerRequest, "full_url", lambda original, self: self.uri)


@saboteur(
    "request-last-header",
    "get_list of header fields gives the last line only.",
    chapters=CHAPTER,
    kills="web.request.headers",
)
def _(ref: Patches) -> None:
    around(ref, ref.httputil.HTTPHeaders, "get_list", lambda original, self, name: original(self, name)[-1:])


@saboteur("request-time-runs-back", "request_time() is negative.", chapters=CHAPTER, kills="web.request.time")
def _(ref: Patches) -> None:
    around(ref, ref.httputil.HTTPServerRequest, "request_time", lambda original, self: -original(self))


# -- bodies that come in pieces ---------------------------------------------------------------------------------------


@saboteur(
    "streaming-ignored",
    "stream_request_body changes nothing.",
    chapters=CHAPTER,
    kills=("web.streaming.pieces", "web.streaming.no-arguments", "web.streaming.prepare-refuses"),
)
def _(ref: Patches) -> None:
    ref.replace(ref.web, "stream_request_body", lambda cls: cls)


@saboteur(
    "streaming-everywhere",
    "Bodies are never collected.",
    chapters=CHAPTER,
    kills="web.streaming.buffered-by-default",
)
def _(ref: Patches) -> None:
    stream = ref.web.stream_request_body

    def change(cls: Any) -> None:
        if "data_received" not in vars(cls):
            cls.data_received = nothing
        stream(cls)

    every_class(ref, change)
