"""What the saboteurs of HTTP clients have in common.

A lie on the wire changes what the suite's server reads of the client, or what the client reads of it. The other lies
are told through public names: what a request asks for, what a client is set up with, what a response says.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.scripted import Peer

Replacement = bytes | Callable[[re.Match[bytes]], bytes]
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

#: The chapter of a requirement by the second word of its id.
_CHAPTERS = {
    **dict.fromkeys(["request", "proxy"], "http.client_requests"),
    **dict.fromkeys(["body", "framing", "limits", "coding"], "http.client_answers"),
    **dict.fromkeys(["redirect", "auth"], "http.client_redirects"),
    **dict.fromkeys(["reuse", "timeout", "cancel", "connect", "tls", "early", "streaming"], "http.client_connections"),
    "manners": "http.client_manners",
    "curl": "http.client_curl",
    "handlers": "http.client_in_handlers",
    **dict.fromkeys(["fetch", "httprequest", "instance", "blocking"], "http.client_api"),
}


def client_lie(name: str, lie: str, *kills: str) -> Callable[[Callable[[Patches], None]], Callable[[Patches], None]]:
    """Register a saboteur; ``kills`` are ids without their first word."""
    chapters = tuple(dict.fromkeys(_CHAPTERS[id.split(".")[0]] for id in kills))
    return saboteur(name, lie, chapters=chapters, kills=tuple(f"client.{id}" for id in kills))


def sends(name: str, lie: str, pattern: bytes, replacement: Replacement, *kills: str) -> None:
    """The client seems to send ``replacement`` in place of what matches ``pattern``."""
    _on_wire("inbound", name, lie, pattern, replacement, kills)


def reads(name: str, lie: str, pattern: bytes, replacement: Replacement, *kills: str) -> None:
    """The client reads ``replacement`` wherever the suite sent what matches ``pattern``."""
    _on_wire("outbound", name, lie, pattern, replacement, kills)


def _on_wire(
    direction: str, name: str, lie: str, pattern: bytes, replacement: Replacement, kills: tuple[str, ...]
) -> None:
    expression = re.compile(pattern, re.DOTALL)

    def apply(ref: Patches) -> None:
        ref.replace(Peer, direction, staticmethod(lambda data: expression.sub(replacement, data)))

    client_lie(name, lie, *kills)(apply)


def around_fetch(ref: Patches, lie: Callable[..., Any]) -> None:
    """Let ``lie(original, client, url, arguments)`` fetch; ``original`` takes the last three.

    A lie that is a coroutine function is a task of its own.
    """
    kind = ref.httpclient.AsyncHTTPClient
    original = kind.fetch

    def call(client: Any, url: Any, arguments: dict[str, Any]) -> Any:
        return original(client, url, **arguments)

    def fetch(client: Any, url: Any, **arguments: Any) -> Any:
        result = lie(call, client, url, arguments)
        return client.io_loop.asyncio_loop.create_task(result) if inspect.iscoroutine(result) else result

    ref.replace(kind, "fetch", fetch)


def asks(name: str, lie: str, *kills: str) -> Decorator:
    """The decorated function changes the arguments of each fetch, given as a dict."""

    def register(change: Callable[[dict[str, Any]], Any]) -> Callable[..., Any]:
        def apply(ref: Patches) -> None:
            def fetch(original: Any, client: Any, url: Any, arguments: dict[str, Any]) -> Any:
                change(arguments)
                return original(client, url, arguments)

            around_fetch(ref, fetch)

        client_lie(name, lie, *kills)(apply)
        return change

    return register


def set_up(name: str, lie: str, *kills: str) -> Decorator:
    """The decorated function changes the arguments of each client, given as a dict."""

    def register(change: Callable[[dict[str, Any]], Any]) -> Callable[..., Any]:
        def apply(ref: Patches) -> None:
            kind = ref.simple_httpclient.SimpleAsyncHTTPClient
            original = kind.initialize

            def initialize(client: Any, **settings: Any) -> None:
                change(settings)
                original(client, **settings)

            ref.replace(kind, "initialize", initialize)

        client_lie(name, lie, *kills)(apply)
        return change

    return register


def answers(name: str, lie: str, *kills: str) -> Decorator:
    """The decorated function changes each response, given with the patches."""

    def register(change: Callable[[Patches, Any], Any]) -> Callable[..., Any]:
        def apply(ref: Patches) -> None:
            kind = ref.simple_httpclient.SimpleAsyncHTTPClient
            original = kind.fetch_impl

            def fetch_impl(client: Any, request: Any, callback: Callable[[Any], None]) -> Any:
                def changed(response: Any) -> None:
                    change(ref, response)
                    callback(response)

                return original(client, request, changed)

            ref.replace(kind, "fetch_impl", fetch_impl)

        client_lie(name, lie, *kills)(apply)
        return change

    return register
