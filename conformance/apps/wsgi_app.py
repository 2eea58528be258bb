"""The fixture application for servers that speak WSGI.

WSGI keeps neither the order and the spelling of field names nor repeated lines apart: the server has joined them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from conformance.apps import Instructions

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Route by path."""
    routes = {"/echo": echo, "/answer": answer, "/get-only": get_only, "/resource.txt": resource, "/error": error}
    body = environ["wsgi.input"].read()
    return routes.get(environ["PATH_INFO"], missing)(environ, start_response, body)


def _respond(
    start_response: StartResponse, status: int, body: str, headers: Iterable[tuple[str, str]] = ()
) -> list[bytes]:
    octets = body.encode()
    has_body = status not in (204, 304)
    fields = [("Content-Type", "text/plain"), ("Content-Length", str(len(octets)))] if has_body else []
    start_response(_status(status), [*fields, *headers])
    return [octets] if has_body else []


def _status(status: int) -> str:
    known = {one.value: one.phrase for one in HTTPStatus}
    return f"{status} {known.get(status, 'Unknown')}"


def _fields(environ: Environ) -> list[tuple[str, str]]:
    values = {name.removeprefix("HTTP_"): environ[name] for name in environ if name.startswith("HTTP_")}
    values |= {name: environ[name] for name in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(name)}
    return [(name.replace("_", "-").title(), str(value)) for name, value in values.items()]


def echo(environ: Environ, start_response: StartResponse, body: bytes) -> list[bytes]:
    path = quote(environ.get("SCRIPT_NAME", "") + environ["PATH_INFO"], encoding="latin-1")
    query = environ.get("QUERY_STRING", "")
    # What the server adds beyond WSGI, if it does.
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI") or path + (f"?{query}" if query else "")
    document = {"method": environ["REQUEST_METHOD"], "target": raw, "version": environ["SERVER_PROTOCOL"],
                "scheme": environ["wsgi.url_scheme"], "host": environ.get("HTTP_HOST", ""), "headers": _fields(environ),
                "body": base64.b64encode(body).decode("ascii")}  # fmt: skip
    return _respond(start_response, 200, json.dumps(document))


def answer(environ: Environ, start_response: StartResponse, body: bytes) -> Iterable[bytes]:
    told = Instructions(environ.get("QUERY_STRING", ""))
    if not told.chunks:
        return _respond(start_response, told.status, told.body, told.headers)
    start_response(_status(told.status), list(told.headers))
    return (chunk.encode() for chunk in told.chunks)


def get_only(environ: Environ, start_response: StartResponse, body: bytes) -> list[bytes]:
    if environ["REQUEST_METHOD"] == "GET":
        return _respond(start_response, 200, "got")
    return _respond(start_response, 405, "only GET here", [("Allow", "GET")])


def resource(environ: Environ, start_response: StartResponse, body: bytes) -> list[bytes]:
    return _respond(start_response, 200, "0123456789" * 100)


def error(environ: Environ, start_response: StartResponse, body: bytes) -> list[bytes]:
    raise RuntimeError("the fixture application was asked to fail")


def missing(environ: Environ, start_response: StartResponse, body: bytes) -> list[bytes]:
    return _respond(start_response, 404, "there is no such page")
