"""Saboteurs of the chapter on WSGI. Most stand between the container and the application, as middleware does."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import around
from conformance.saboteurs.loop_life import Lie


def wsgi_lie(name: str, lie: str, *kills: str) -> Lie:
    """Register a saboteur of this chapter; ``kills`` are ids without what they have in common."""
    return saboteur(f"wsgi-{name}", lie, chapters="tools.wsgi", kills=tuple(f"wsgi.{one}" for one in kills))


def between(ref: Patches, lie: Callable[[Any, Any, Any], Any]) -> None:
    """Answer calls of an application in a container with ``lie(application, environ, start_response)``."""

    def wrap(original: Any, self: Any, application: Any, executor: Any = None) -> None:
        original(self, lambda environ, start: lie(application, environ, start), executor)

    around(ref, ref.wsgi.WSGIContainer, "__init__", wrap)


def starting(ref: Patches, change: Callable[[Any, str, list[Any]], Any]) -> None:
    """Answer calls of ``start_response`` without exc_info with ``change(original, status, headers)``."""

    def lie(application: Any, environ: Any, start: Any) -> Any:
        def started(status: str, headers: Any, exc_info: Any = None) -> Any:
            return start(status, headers, exc_info) if exc_info else change(start, status, headers)

        return application(environ, started)

    between(ref, lie)


def environs(ref: Patches, change: Callable[[dict[str, Any], Any], Any]) -> None:
    """Let ``change(environ, request)`` alter every environment."""

    def lie(original: Any, self: Any, request: Any) -> Any:
        environ = original(self, request)
        change(environ, request)
        return environ

    around(ref, ref.wsgi.WSGIContainer, "environ", lie)


# -- the environment --------------------------------------------------------------------------------------------------


@wsgi_lie("version-is-text", "wsgi.version is text.", "environ.valid")
def _(ref: Patches) -> None:
    environs(ref, lambda environ, request: environ.update({"wsgi.version": "1.0"}))


@wsgi_lie("always-get", "Every request is said to be a GET.", "environ.request")
def _(ref: Patches) -> None:
    environs(ref, lambda environ, request: environ.update(REQUEST_METHOD="GET"))


@wsgi_lie("path-escaped", "PATH_INFO keeps its escapes.", "environ.path")
def _(ref: Patches) -> None:
    environs(ref, lambda environ, request: environ.update(PATH_INFO=request.path))


@wsgi_lie("port-of-http", "SERVER_PORT is 80 whatever Host says.", "environ.server", "environ.request")
def _(ref: Patches) -> None:
    environs(ref, lambda environ, request: environ.update(SERVER_PORT="80"))


@wsgi_lie("no-length", "The length of the body is not told.", "environ.body")
def _(ref: Patches) -> None:
    environs(ref, lambda environ, request: environ.pop("CONTENT_LENGTH", None))


@wsgi_lie("underscores-pass", "X_User passes for X-User.", "environ.underscores")
def _(ref: Patches) -> None:
    def change(environ: dict[str, Any], request: Any) -> None:
        environ.update((f"HTTP_{name.upper()}", request.headers[name]) for name in request.headers if "_" in name)

    environs(ref, change)


@wsgi_lie("text-is-utf-8", "to_wsgi_str decodes UTF-8.", "text.to-wsgi-str")
def _(ref: Patches) -> None:
    ref.replace(ref.wsgi, "to_wsgi_str", lambda s: s.decode("utf-8", "replace"))


# -- where it runs ----------------------------------------------------------------------------------------------------


@wsgi_lie("no-threads", "The executor is ignored.", "container.place")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, application: Any, executor: Any = None) -> None:
        original(self, application)

    around(ref, ref.wsgi.WSGIContainer, "__init__", lie)


@wsgi_lie("hides-threads", "wsgi.multithread is always False.", "container.concurrent")
def _(ref: Patches) -> None:
    environs(ref, lambda environ, request: environ.update({"wsgi.multithread": False}))


@wsgi_lie("no-fallback", "A FallbackHandler answers itself.", "container.fallback")
def _(ref: Patches) -> None:
    ref.replace(ref.web.FallbackHandler, "prepare", lambda self: self.send_error(404))


# -- the answer -------------------------------------------------------------------------------------------------------


@wsgi_lie("fields-once", "Of repeated fields the last one is sent.", "answer.head-and-content")
def _(ref: Patches) -> None:
    starting(ref, lambda start, status, headers: start(status, list(dict(headers).items())))


@wsgi_lie("plain-text", "Content is plain text unless the application says otherwise.", "answer.added")
def _(ref: Patches) -> None:
    starting(ref, lambda start, status, headers: start(status, headers or [("Content-Type", "text/plain")]))


@wsgi_lie("own-length", "The length that the application gives counts for nothing.", "answer.without-content")
def _(ref: Patches) -> None:
    starting(ref, lambda start, status, headers: start(status, list({**dict(headers), "Content-Length": "0"}.items())))


@wsgi_lie("write-is-nothing", "What is given to write() is dropped.", "answer.write")
def _(ref: Patches) -> None:
    starting(ref, lambda start, status, headers: start(status, headers) and (lambda data: None))


@wsgi_lie("start-at-once", "start_response() must be called before content is returned.", "answer.late-start")
def _(ref: Patches) -> None:
    def lie(application: Any, environ: Any, start: Any) -> Any:
        started: list[Any] = []

        def start_response(*args: Any) -> Any:
            started.append(args)
            return start(*args)

        pieces = application(environ, start_response)
        assert started
        return pieces

    between(ref, lie)


@wsgi_lie("never-closes", "close() is not called.", "answer.close")
def _(ref: Patches) -> None:
    def lie(application: Any, environ: Any, start: Any) -> Any:
        pieces = application(environ, start)
        return (piece for piece in pieces)

    between(ref, lie)


@wsgi_lie("first-status-stays", "exc_info is ignored.", "answer.exc-info", "answer.exc-info-too-late")
def _(ref: Patches) -> None:
    def lie(application: Any, environ: Any, start: Any) -> Any:
        return application(environ, lambda status, headers, info=None: None if info else start(status, headers))

    between(ref, lie)


@wsgi_lie("collects", "The answer is complete before any of it is sent.", "answer.streamed", "answer.client-gone")
def _(ref: Patches) -> None:
    between(ref, lambda application, environ, start: list(application(environ, start)))


# -- failures ---------------------------------------------------------------------------------------------------------


@wsgi_lie("failure-is-empty", "An application that fails is answered as if it had said nothing.", "failure.answered")
def _(ref: Patches) -> None:
    def lie(application: Any, environ: Any, start: Any) -> Any:
        try:
            return application(environ, start)
        except Exception:
            return []

    between(ref, lie)


@wsgi_lie("failure-is-the-end", "Content that fails just ends.", "failure.cut-short")
def _(ref: Patches) -> None:
    def until_failure(pieces: Any) -> Any:
        try:
            yield from pieces
        except Exception:
            return

    between(ref, lambda application, environ, start: until_failure(application(environ, start)))


@wsgi_lie("forgiving", "Fields of the connection are dropped, and nothing is said.", "failure.misuse")
def _(ref: Patches) -> None:
    def change(start: Any, status: str, headers: Any) -> Any:
        return start(status, [pair for pair in headers if pair[0] != "Connection"])

    starting(ref, change)


@wsgi_lie("unlogged", "Requests are not logged.", "log.access")
def _(ref: Patches) -> None:
    ref.replace(logging.getLogger("tornado.access"), "disabled", True)


# -- the other direction ----------------------------------------------------------------------------------------------


def adapting(ref: Patches, lie: Callable[[Any, Any, Any], Any]) -> None:
    """Answer calls of a WSGIAdapter with ``lie(original, environ, start_response)``."""

    def wrap(original: Any, self: Any, environ: Any, start: Any) -> Any:
        return lie(lambda *args: original(self, *args), environ, start)

    around(ref, ref.wsgi.WSGIAdapter, "__call__", wrap)


@wsgi_lie("adapter-no-reason", "The status has no reason.", "adapter.get")
def _(ref: Patches) -> None:
    adapting(
        ref, lambda call, environ, start: call(environ, lambda status, headers: start(status[:3] + " None", headers))
    )


@wsgi_lie("adapter-no-body", "The body of the request is not read.", "adapter.post")
def _(ref: Patches) -> None:
    adapting(ref, lambda call, environ, start: call({**environ, "wsgi.input": io.BytesIO()}, start))


@wsgi_lie("adapter-always-well", "Every status is 200.", "adapter.errors")
def _(ref: Patches) -> None:
    adapting(ref, lambda call, environ, start: call(environ, lambda status, headers: start("200 OK", headers)))
