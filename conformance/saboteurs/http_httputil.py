"""Saboteurs of the chapter on the tools of ``httputil``."""

from __future__ import annotations

import datetime
import urllib.parse
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around

CHAPTER = "http.httputil"
FORM = "application/x-www-form-urlencoded"


def lie(name: str, words: str, function: str, *kills: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a lie ``(ref, original, *arguments)`` about a function of ``httputil``."""

    def register(liar: Callable[..., Any]) -> Callable[..., Any]:
        @saboteur(f"httputil-{name}", words, chapters=CHAPTER, kills=tuple(f"httputil.{id}" for id in kills))
        def _(ref: Patches) -> None:
            original = getattr(ref.httputil, function)
            ref.replace(ref.httputil, function, lambda *args, **kwargs: liar(ref, original, *args, **kwargs))

        return liar

    return register


def tolerant(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call, and swallow HTTPInputError."""
    try:
        return call(*args, **kwargs)
    except Exception as error:
        if type(error).__name__ != "HTTPInputError":
            raise
        return None


# -- first lines ------------------------------------------------------------------------------------------------------


@lie("request-path", "The path of a request line has no query.", "parse_request_start_line", "request-line.parts")
def _(ref: Patches, original: Any, line: str) -> Any:
    parsed = original(line)
    return parsed._replace(path=parsed.path.partition("?")[0])


@lie("request-words", "Any words are a request line.", "parse_request_start_line", "request-line.malformed")
def _(ref: Patches, original: Any, line: str) -> Any:
    return ref.httputil.RequestStartLine(*[*line.split(), "", "", ""][:3])


@lie("status-text", "The code of a status line is text.", "parse_response_start_line", "status-line.parts")
def _(ref: Patches, original: Any, line: str) -> Any:
    parsed = original(line)
    return parsed._replace(code=str(parsed.code))


@lie("reason-needed", "A status line needs a reason.", "parse_response_start_line", "status-line.no-reason")
def _(ref: Patches, original: Any, line: str) -> Any:
    return original(line.rstrip(" "))


@lie("status-words", "Any words are a status line.", "parse_response_start_line", "status-line.malformed")
def _(ref: Patches, original: Any, line: str) -> Any:
    return tolerant(original, line) or ref.httputil.ResponseStartLine("HTTP/1.1", 200, line)


@saboteur(
    "httputil-shouting",
    "Reason phrases are in capital letters.",
    chapters=CHAPTER,
    kills="httputil.responses.table",
)
def _(ref: Patches) -> None:
    ref.replace(ref.httputil, "responses", {code: text.upper() for code, text in ref.httputil.responses.items()})


# -- URLs -------------------------------------------------------------------------------------------------------------


@lie("url-plain", "Arguments are appended to a URL as they are.", "url_concat", "url-concat.appends")
def _(ref: Patches, original: Any, url: str, args: Any) -> str:
    original(url, args)
    pairs = args.items() if isinstance(args, dict) else args or ()
    return url + ("&" if "?" in url else "?") + "&".join(f"{name}={value}" for name, value in pairs)


@lie("url-text", "The arguments of a URL may be anything.", "url_concat", "url-concat.type")
def _(ref: Patches, original: Any, url: str, args: Any) -> str:
    return str(original(url, args if isinstance(args, (dict, list, tuple)) else {}))


@lie("no-brackets", "Brackets around an address are dropped.", "split_host_and_port", "host-and-port.split")
def _(ref: Patches, original: Any, netloc: str) -> Any:
    host, port = original(netloc)
    return host.strip("[]"), port


@lie("first-of-each", "Of several values of a name only the first is used.", "qs_to_qsl", "qs-to-qsl.pairs")
def _(ref: Patches, original: Any, qs: Any) -> Any:
    return original({name: values[:1] for name, values in qs.items()})


# -- dates, cookies, credentials --------------------------------------------------------------------------------------


@lie("time-zone", "Times that know their zone are written in it.", "format_timestamp", "timestamp.format")
def _(ref: Patches, original: Any, ts: Any) -> Any:
    return original(ts.replace(tzinfo=None) if isinstance(ts, datetime.datetime) else ts)


@lie("time-of-anything", "What is no time is written as the beginning of 1970.", "format_timestamp", "timestamp.type")
def _(ref: Patches, original: Any, ts: Any) -> Any:
    return original(0 if ts is None or isinstance(ts, str) else ts)


@lie("cookie-quotes", "Quotes belong to the value of a cookie.", "parse_cookie", "cookie.pairs")
def _(ref: Patches, original: Any, cookie: str) -> Any:
    pairs = (part.strip().split("=", 1) for part in cookie.split(";") if "=" in part)
    return {name.strip(): value.strip() for name, value in pairs}


@lie("cookie-names", "A cookie without a name is left out.", "parse_cookie", "cookie.tolerant")
def _(ref: Patches, original: Any, cookie: str) -> Any:
    return {name: value for name, value in original(cookie).items() if name}


@lie("latin-credentials", "Credentials are Latin-1.", "encode_username_password", "credentials.encoded")
def _(ref: Patches, original: Any, username: Any, password: Any) -> Any:
    parts = [part if isinstance(part, bytes) else part.encode("latin-1", "replace") for part in (username, password)]
    return b":".join(parts)


# -- forms ------------------------------------------------------------------------------------------------------------

PARSE = "parse_body_arguments"
MULTIPART = "parse_multipart_form_data"


@lie("no-blanks", "Arguments without a value are left out.", PARSE, "urlencoded.arguments")
def _(ref: Patches, original: Any, content_type: str, body: bytes, arguments: Any, *rest: Any, **kwargs: Any) -> None:
    original(content_type, body, arguments, *rest, **kwargs)
    for name in [name for name, values in arguments.items() if values == [b""]]:
        del arguments[name]


@lie("names-as-they-are", "Names of arguments are not decoded.", PARSE, "urlencoded.names")
def _(ref: Patches, original: Any, content_type: str, body: bytes, arguments: Any, *rest: Any, **kwargs: Any) -> None:
    original(content_type, body, arguments, *rest, **kwargs)
    decoded = {urllib.parse.quote(name): values for name, values in arguments.items()}
    arguments.clear()
    arguments.update(decoded if decoded != {"a": [b"1"]} else {"%61": [b"1"]})


@lie("any-form", "Any body is a form.", PARSE, "forms.other-types")
def _(ref: Patches, original: Any, content_type: str, *rest: Any, **kwargs: Any) -> None:
    original(content_type if content_type.startswith("multipart") else FORM, *rest, **kwargs)


@lie("exact-type", "The type of a form is compared with case.", PARSE, "forms.type-case")
def _(ref: Patches, original: Any, content_type: str, *rest: Any, **kwargs: Any) -> None:
    if content_type.startswith((FORM, "multipart/form-data")):
        original(content_type, *rest, **kwargs)


@lie(
    "forms-tolerated",
    "What is wrong with a form is passed over.",
    PARSE,
    "forms.encoded",
    "multipart.malformed",
    "multipart.no-boundary",
    "limits.arguments",
    "limits.parts",
    "limits.switched-off",
)
def _(ref: Patches, original: Any, *args: Any, **kwargs: Any) -> None:
    tolerant(original, *args, **kwargs)


@lie("parts-stripped", "White space around the content of a part is dropped.", PARSE, "multipart.arguments")
def _(ref: Patches, original: Any, content_type: str, body: bytes, arguments: Any, *rest: Any, **kwargs: Any) -> None:
    original(content_type, body, arguments, *rest, **kwargs)
    for values in arguments.values():
        values[:] = [value.strip() for value in values]


@lie("files-by-extension", "The type of a file is not what its part says.", PARSE, "multipart.files")
def _(
    ref: Patches, original: Any, content_type: str, body: bytes, arguments: Any, files: Any, *rest: Any, **kwargs: Any
) -> None:
    original(content_type, body, arguments, files, *rest, **kwargs)
    for values in files.values():
        for file in values:
            file["content_type"] = "application/octet-stream"


@lie(
    "file-names-plain", "File names end at a semicolon, and extended ones are not known.", PARSE, "multipart.file-names"
)
def _(ref: Patches, original: Any, content_type: str, body: bytes, *rest: Any, **kwargs: Any) -> None:
    original(content_type, body.replace(b";b.txt", b"").replace(b"filename*=", b"other="), *rest, **kwargs)


@lie("boundary-quoted", "Quotes belong to the boundary.", PARSE, "multipart.boundary")
def _(ref: Patches, original: Any, content_type: str, *rest: Any, **kwargs: Any) -> None:
    original(content_type.replace('"X"', '"%22X%22"'), *rest, **kwargs)


@lie("no-preamble", "A multipart body begins with its first delimiter.", PARSE, "multipart.around")
def _(ref: Patches, original: Any, content_type: str, body: bytes, *rest: Any, **kwargs: Any) -> None:
    if content_type.startswith("multipart") and not body.startswith(b"--"):
        raise ref.httputil.HTTPInputError("no")
    original(content_type, body, *rest, **kwargs)


# -- limits -----------------------------------------------------------------------------------------------------------


@saboteur(
    "httputil-generous",
    "By default a body may have a million arguments.",
    chapters=CHAPTER,
    kills="httputil.limits.defaults",
)
def _(ref: Patches) -> None:
    original = ref.httputil.parse_body_arguments
    ref.httputil.set_parse_body_config(
        ref.httputil.ParseBodyConfig(urlencoded=ref.httputil.ParseUrlEncodedConfig(max_arguments=1_000_000))
    )
    assert original is not None


@lie("limits-ignored", "Limits that a call gives are ignored.", PARSE, "limits.arguments", "limits.switched-off")
def _(ref: Patches, original: Any, *args: Any, config: Any = None) -> None:
    original(*args)


@lie("part-limits-ignored", "Limits on parts are ignored.", MULTIPART, "limits.parts", "limits.part-head")
def _(ref: Patches, original: Any, *args: Any, config: Any = None) -> None:
    original(*args)


@lie("one-part-fewer", "One part fewer than max_parts is allowed.", MULTIPART, "limits.parts-reached")
def _(ref: Patches, original: Any, *args: Any, config: Any = None) -> None:
    if config is not None:
        config.max_parts -= 1
    original(*args, config=config)


@lie("config-forgotten", "set_parse_body_config() does nothing.", "set_parse_body_config", "limits.process")
def _(ref: Patches, original: Any, config: Any) -> None:
    pass


# -- a request made by hand -------------------------------------------------------------------------------------------


def of_request(name: str, words: str, *kills: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a lie that makes a lying subclass of HTTPServerRequest: ``(ref, class) -> class``."""

    def register(liar: Callable[..., Any]) -> Callable[..., Any]:
        @saboteur(
            f"server-request-{name}", words, chapters=CHAPTER, kills=tuple(f"httputil.request.{id}" for id in kills)
        )
        def _(ref: Patches) -> None:
            ref.replace(ref.httputil, "HTTPServerRequest", liar(ref, ref.httputil.HTTPServerRequest))

        return liar

    return register


@of_request("host-name-with-port", "host_name has the port.", "by-hand")
def _(ref: Patches, base: Any) -> Any:
    return type("Request", (base,), {"host_name": property(lambda self: self.host)})


@of_request("no-uri", "A uri beside a method is not used.", "method-and-uri")
def _(ref: Patches, base: Any) -> Any:
    def init(self: Any, method: Any = None, uri: Any = None, *args: Any, **kwargs: Any) -> None:
        base.__init__(self, method, uri and "/", *args, **kwargs)

    return type("Request", (base,), {"__init__": init})


@of_request("shared-arguments", "arguments and query_arguments are one.", "arguments")
def _(ref: Patches, base: Any) -> Any:
    return type("Request", (base,), {"arguments": property(lambda self: self.query_arguments)})


@of_request("plain-cookies", "Cookies are plain text.", "cookies")
def _(ref: Patches, base: Any) -> Any:
    def cookies(self: Any) -> Any:
        return ref.httputil.parse_cookie(self.headers.get("Cookie", ""))

    return type("Request", (base,), {"cookies": property(cookies)})


@of_request("any-host", "Whatever the Host field says is a host.", "bad-host")
def _(ref: Patches, base: Any) -> Any:
    def init(self: Any, *args: Any, headers: Any = None, **kwargs: Any) -> None:
        base.__init__(self, *args, headers=ref.httputil.HTTPHeaders({**headers, "Host": "h"}), **kwargs)

    return type("Request", (base,), {"__init__": init})


@of_request("no-time", "No time passes for a request.", "time")
def _(ref: Patches, base: Any) -> Any:
    return type("Request", (base,), {"request_time": lambda self: 0.0})


# -- interfaces -------------------------------------------------------------------------------------------------------


@saboteur(
    "httputil-all-abstract",
    "Every method of a message delegate has to be defined.",
    chapters=CHAPTER,
    kills="httputil.delegates.optional",
)
def _(ref: Patches) -> None:
    def refuse(original: Any, self: Any, *args: Any) -> None:
        raise NotImplementedError

    around(ref, ref.httputil.HTTPMessageDelegate, "finish", refuse)


@saboteur(
    "httputil-none-abstract",
    "What a connection does not define does nothing.",
    chapters=CHAPTER,
    kills="httputil.interfaces.abstract",
)
def _(ref: Patches) -> None:
    around(ref, ref.httputil.HTTPConnection, "write", lambda original, self, *args: None)
