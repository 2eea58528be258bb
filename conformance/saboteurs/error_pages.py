"""Saboteurs of the chapter on error pages."""

from __future__ import annotations

import html
import logging
from typing import Any

from conformance.saboteurs import Patches, saboteur
from conformance.saboteurs.lies import (
    METHODS,
    around,
    catching,
    every_application,
    every_class,
    every_handler,
    nothing,
    wrap,
)

CHAPTER = "web.error_pages"


def sending_error(ref: Patches, lie: Any) -> None:
    """Call ``lie(original, handler, status, keywords)`` for send_error."""

    def lying(original: Any, self: Any, status_code: int = 500, **keywords: Any) -> None:
        lie(lambda status, **kw: original(self, status, **kw), self, status_code, keywords)

    around(ref, ref.web.RequestHandler, "send_error", lying)


def error_of(keywords: dict[str, Any]) -> Any:
    """Return the exception that caused an error page, or None."""
    return keywords["exc_info"][1] if "exc_info" in keywords else None


def default_page(ref: Patches, text: Any) -> None:
    """Let the default page be ``text(handler, status, keywords)``; without a text it stays as it is."""

    def lie(original: Any, self: Any, status_code: int, **keywords: Any) -> None:
        self.write(text(self, status_code, keywords) or "")
        original(self, status_code, **keywords)

    around(ref, ref.web.RequestHandler, "write_error", lie)


def http_error(ref: Patches, change: Any) -> None:
    """Let ``change(log_message, arguments, keywords)`` return each HTTPError's log_message; keywords may be altered."""

    def lie(original: Any, self: Any, status_code: int = 500, log_message: Any = None, *args: Any, **kw: Any) -> None:
        log_message = change(log_message, args, kw)
        original(self, status_code, log_message, *args, **kw)

    around(ref, ref.web.HTTPError, "__init__", lie)


# -- exceptions -------------------------------------------------------------------------------------------------------


@saboteur("error-always-400", "Every HTTPError is answered with 400.", chapters=CHAPTER, kills="web.error.http-error")
def _(ref: Patches) -> None:
    def lie(send: Any, self: Any, status: int, keywords: dict[str, Any]) -> None:
        send(400 if isinstance(error_of(keywords), ref.web.HTTPError) else status, **keywords)

    sending_error(ref, lie)


@saboteur(
    "error-default-400", "HTTPError without a status means 400.", chapters=CHAPTER, kills="web.error.http-error-default"
)
def _(ref: Patches) -> None:
    around(
        ref,
        ref.web.HTTPError,
        "__init__",
        lambda original, self, status_code=400, *args, **kw: original(self, status_code, *args, **kw),
    )


@saboteur(
    "error-no-reason",
    "HTTPError ignores a reason.",
    chapters=CHAPTER,
    kills=("web.error.reason", "web.error.attributes"),
)
def _(ref: Patches) -> None:
    def change(log_message: Any, args: Any, keywords: dict[str, Any]) -> Any:
        keywords.pop("reason", None)
        return log_message

    http_error(ref, change)


@saboteur(
    "error-unknown-503",
    "An unknown exception is answered with 503.",
    chapters=CHAPTER,
    kills="web.error.unknown-exception-500",
)
def _(ref: Patches) -> None:
    def lie(send: Any, self: Any, status: int, keywords: dict[str, Any]) -> None:
        known = isinstance(error_of(keywords), ref.web.HTTPError)
        send(status if known or "exc_info" not in keywords else 503, **keywords)

    sending_error(ref, lie)


@saboteur(
    "error-prepare-swallowed", "Exceptions in prepare are ignored.", chapters=CHAPTER, kills="web.error.where-raised"
)
def _(ref: Patches) -> None:
    every_handler(ref, lambda handler: wrap(handler, "prepare", catching(Exception, nothing)))


@saboteur(
    "error-exact-class",
    "Subclasses of HTTPError are unknown exceptions.",
    chapters=(CHAPTER, "web.arguments"),
    kills=("web.error.subclass", "web.arguments.missing-400"),
)
def _(ref: Patches) -> None:
    def lie(send: Any, self: Any, status: int, keywords: dict[str, Any]) -> None:
        send(status if type(error_of(keywords)) is ref.web.HTTPError else 500, **keywords)

    sending_error(ref, lie)


@saboteur(
    "error-text", "The text of an HTTPError does not name its status.", chapters=CHAPTER, kills="web.error.attributes"
)
def _(ref: Patches) -> None:
    around(ref, ref.web.HTTPError, "__str__", lambda original, self: "HTTP error")


@saboteur(
    "error-argument-name",
    "MissingArgumentError knows the name in capitals.",
    chapters=CHAPTER,
    kills="web.error.missing-argument",
)
def _(ref: Patches) -> None:
    around(
        ref,
        ref.web.MissingArgumentError,
        "__init__",
        lambda original, self, arg_name: original(self, arg_name.upper()),
    )


# -- the default page -------------------------------------------------------------------------------------------------


@saboteur(
    "page-short",
    "The default page is the status code alone.",
    chapters=CHAPTER,
    kills=("web.error-page.one-line", "web.send-error.page", "web.not-found.error-handler"),
)
def _(ref: Patches) -> None:
    around(
        ref,
        ref.web.RequestHandler,
        "write_error",
        lambda original, self, status_code, **keywords: self.finish(f"<html>{status_code}</html>"),
    )


@saboteur("page-raw", "The default page shows the reason as it is.", chapters=CHAPTER, kills="web.error-page.escaped")
def _(ref: Patches) -> None:
    default_page(
        ref, lambda self, status, keywords: keywords.get("reason") or getattr(error_of(keywords), "reason", None)
    )


@saboteur(
    "page-tells",
    "The default page shows the text of the exception.",
    chapters=CHAPTER,
    kills="web.error-page.nothing-private",
)
def _(ref: Patches) -> None:
    default_page(ref, lambda self, status, keywords: html.escape(str(error_of(keywords) or "")))


@saboteur("page-no-traceback", "serve_traceback is ignored.", chapters=CHAPTER, kills="web.error-page.traceback")
def _(ref: Patches) -> None:
    def change(routes: list[Any], settings: dict[str, Any]) -> None:
        for name in ("serve_traceback", "debug"):
            settings.pop(name, None)

    every_application(ref, change)


@saboteur(
    "page-closes",
    "A connection is closed after its first answer.",
    chapters=CHAPTER,
    kills="web.error-page.connection-goes-on",
)
def _(ref: Patches) -> None:
    server = ref.httpserver.HTTPServer
    ref.replace(
        ref.httpserver, "HTTPServer", lambda app, **settings: server(app, **{**settings, "no_keep_alive": True})
    )


@saboteur("page-head-200", "HEAD of a path without a route is 200.", chapters=CHAPTER, kills="web.error-page.head")
def _(ref: Patches) -> None:
    def lie(send: Any, self: Any, status: int, keywords: dict[str, Any]) -> None:
        send(200 if self.request.method == "HEAD" else status, **keywords)

    sending_error(ref, lie)


# -- write_error ------------------------------------------------------------------------------------------------------


@saboteur(
    "write-error-fixed",
    "An overridden write_error is not called.",
    chapters=CHAPTER,
    kills=(
        "web.write-error.override",
        "web.write-error.exc-info",
        "web.write-error.without-exception",
        "web.write-error.finish",
        "web.not-found.raising",
    ),
)
def _(ref: Patches) -> None:
    def change(cls: Any) -> None:
        if "write_error" in vars(cls):
            del cls.write_error

    every_class(ref, change)


@saboteur(
    "write-error-no-exc-info", "write_error gets no exc_info.", chapters=CHAPTER, kills="web.write-error.exc-info"
)
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        write_error = handler.write_error
        handler.write_error = lambda status, exc_info=None, **keywords: write_error(status, **keywords)

    every_handler(ref, change)


@saboteur(
    "write-error-no-keywords",
    "send_error passes only what it knows on to write_error.",
    chapters=CHAPTER,
    kills="web.write-error.without-exception",
)
def _(ref: Patches) -> None:
    def lie(send: Any, self: Any, status: int, keywords: dict[str, Any]) -> None:
        send(status, **{name: value for name, value in keywords.items() if name in ("exc_info", "reason")})

    sending_error(ref, lie)


@saboteur(
    "write-error-adds",
    "The default page follows what write_error wrote.",
    chapters=CHAPTER,
    kills="web.write-error.finish",
)
def _(ref: Patches) -> None:
    def change(cls: Any) -> None:
        original = vars(cls).get("write_error")
        if original is not None:
            cls.write_error = lambda self, status, **kw: (original(self, status, **kw), self.write(f"{status}"))

    every_class(ref, change)


@saboteur(
    "write-error-tells",
    "What write_error raises is shown to the client.",
    chapters=CHAPTER,
    kills="web.write-error.raises",
)
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        wrap(handler, "write_error", catching(ValueError, lambda error: handler.finish(str(error))))

    every_handler(ref, change)


@saboteur("send-error-no-reason", "send_error ignores a reason.", chapters=CHAPTER, kills="web.send-error.page")
def _(ref: Patches) -> None:
    def lie(send: Any, self: Any, status: int, keywords: dict[str, Any]) -> None:
        send(status, **{name: value for name, value in keywords.items() if name != "reason"})

    sending_error(ref, lie)


@saboteur(
    "send-error-keeps", "An error page follows what was written.", chapters=CHAPTER, kills="web.send-error.clears"
)
def _(ref: Patches) -> None:
    def lie(send: Any, self: Any, status: int, keywords: dict[str, Any]) -> None:
        self.clear = nothing
        send(status, **keywords)

    sending_error(ref, lie)


@saboteur(
    "send-error-appends",
    "After a flush, the error is written into the answer.",
    chapters=CHAPTER,
    kills="web.send-error.after-flush",
)
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        flush, send_error = handler.flush, handler.send_error
        flushed: list[bool] = []

        def noting(*args: Any, **keywords: Any) -> Any:
            flushed.append(True)
            return flush(*args, **keywords)

        def appending(status: int = 500, **keywords: Any) -> None:
            if flushed:
                handler.finish(f"{status}: Error")
            else:
                send_error(status, **keywords)

        handler.flush, handler.send_error = noting, appending

    every_handler(ref, change)


@saboteur(
    "send-error-fills-up",
    "After a flush, an error fills the answer up to its length.",
    chapters=CHAPTER,
    kills="web.send-error.short-body",
)
def _(ref: Patches) -> None:
    def lie(send: Any, self: Any, status: int, keywords: dict[str, Any]) -> None:
        if getattr(self, "announced", 0):
            self.finish(b" " * (self.announced - self.sent))
        else:
            send(status, **keywords)

    def set_header(original: Any, self: Any, name: str, value: Any) -> None:
        if name == "Content-Length":
            self.announced, self.sent = int(value), 0
        original(self, name, value)

    def write(original: Any, self: Any, chunk: Any) -> None:
        self.sent = getattr(self, "sent", 0) + len(chunk)
        original(self, chunk)

    sending_error(ref, lie)
    around(ref, ref.web.RequestHandler, "set_header", set_header)
    around(ref, ref.web.RequestHandler, "write", write)


# -- Finish and pages of one's own ------------------------------------------------------------------------------------


def finishing(ref: Patches, handle: Any) -> None:
    """Give Finish, raised in prepare or in a method, to ``handle(handler, error)``."""

    def change(handler: Any) -> None:
        wrap(handler, ("prepare", *METHODS), catching(ref.web.Finish, lambda error: handle(handler, error)))

    every_handler(ref, change)


@saboteur(
    "finish-is-an-error",
    "Finish is answered with an error page.",
    chapters=CHAPTER,
    kills=("web.finish-exception.sends", "web.finish-exception.silent"),
)
def _(ref: Patches) -> None:
    def handle(handler: Any, error: Any) -> None:
        raise KeyError("Finish")

    finishing(ref, handle)


@saboteur(
    "finish-value-lost", "A value given to Finish is ignored.", chapters=CHAPTER, kills="web.finish-exception.value"
)
def _(ref: Patches) -> None:
    def handle(handler: Any, error: Any) -> None:
        raise ref.web.Finish

    finishing(ref, handle)


@saboteur("finish-logged", "Finish is logged.", chapters=CHAPTER, kills="web.finish-exception.silent")
def _(ref: Patches) -> None:
    def handle(handler: Any, error: Any) -> None:
        logging.getLogger("tornado.general").warning("finished")
        raise error

    finishing(ref, handle)


@saboteur(
    "finish-finishes-again",
    "Finish after finish is an error.",
    chapters=CHAPTER,
    kills="web.finish-exception.after-finish",
)
def _(ref: Patches) -> None:
    finishing(ref, lambda handler, error: handler.finish(*error.args))


@saboteur(
    "page-by-hand-replaced",
    "A method that sets an error status gets the default page.",
    chapters=CHAPTER,
    kills="web.error-page.by-hand",
)
def _(ref: Patches) -> None:
    def change(handler: Any) -> None:
        get = handler.get

        def replaced(*args: Any) -> Any:
            result = get(*args)
            if handler.get_status() >= 400:
                handler.send_error(handler.get_status())
            return result

        handler.get = replaced

    every_handler(ref, change)


# -- pages for paths without a route ----------------------------------------------------------------------------------


@saboteur("not-found-echoes", "Error pages show the path.", chapters=CHAPTER, kills="web.not-found.default")
def _(ref: Patches) -> None:
    default_page(ref, lambda self, status, keywords: html.escape(self.request.path))


@saboteur(
    "not-found-fixed",
    "default_handler_class is ignored.",
    chapters=CHAPTER,
    kills=("web.not-found.raising", "web.not-found.writing"),
)
def _(ref: Patches) -> None:
    def change(routes: list[Any], settings: dict[str, Any]) -> None:
        settings.pop("default_handler_class", None)

    every_application(ref, change)


@saboteur(
    "error-handler-get",
    "ErrorHandler answers GET only.",
    chapters=CHAPTER,
    kills="web.not-found.error-handler",
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any) -> Any:
        return original(self) if self.request.method == "GET" else None

    around(ref, ref.web.ErrorHandler, "prepare", lie)


# -- what the operator sees -------------------------------------------------------------------------------------------


@saboteur("log-one-level", "All access records are INFO.", chapters=CHAPTER, kills="web.log.access-level")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, handler: Any) -> None:
        status, request = handler.get_status(), handler.request
        logging.getLogger("tornado.access").info(
            "%d %s %s (%s)", status, request.method, request.uri, request.remote_ip
        )

    around(ref, ref.web.Application, "log_request", lie)


@saboteur("log-terse", "The access record is the status alone.", chapters=CHAPTER, kills="web.log.access-line")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, handler: Any) -> None:
        status = handler.get_status()
        level = logging.INFO if status < 400 else logging.WARNING if status < 500 else logging.ERROR
        logging.getLogger("tornado.access").log(level, "%d", status)

    around(ref, ref.web.Application, "log_request", lie)


@saboteur("log-no-function", "log_function is ignored.", chapters=CHAPTER, kills="web.log.function")
def _(ref: Patches) -> None:
    every_application(ref, lambda routes, settings: settings.pop("log_function", None))


def logging_exceptions(ref: Patches, lie: Any) -> None:
    """Call ``lie(original, handler, type, value, traceback)`` for the default log_exception."""
    around(ref, ref.web.RequestHandler, "log_exception", lie)


@saboteur(
    "log-nothing",
    "Exceptions are not logged.",
    chapters=CHAPTER,
    kills=("web.log.exception", "web.log.http-error", "web.error.after-finish", "web.log.on-finish-exception"),
)
def _(ref: Patches) -> None:
    logging_exceptions(ref, nothing)


@saboteur(
    "log-no-traceback", "An exception is logged without its stack trace.", chapters=CHAPTER, kills="web.log.exception"
)
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, kind: Any, value: Any, tb: Any) -> None:
        if isinstance(value, ref.web.HTTPError):
            original(self, kind, value, tb)
        else:
            logging.getLogger("tornado.application").error("uncaught %r", value)

    logging_exceptions(ref, lie)


@saboteur("log-http-errors", "An HTTPError is logged like any exception.", chapters=CHAPTER, kills="web.log.http-error")
def _(ref: Patches) -> None:
    def lie(original: Any, self: Any, kind: Any, value: Any, tb: Any) -> None:
        logging.getLogger("tornado.application").error("uncaught", exc_info=(kind, value, tb))

    logging_exceptions(ref, lie)


@saboteur("log-no-percent", "Percent signs in a log_message are lost.", chapters=CHAPTER, kills="web.log.percent")
def _(ref: Patches) -> None:
    http_error(ref, lambda message, args, keywords: message.replace("%", "") if message and not args else message)


@saboteur("log-every-http-error", "Every HTTPError is logged.", chapters=CHAPTER, kills="web.log.quiet-http-error")
def _(ref: Patches) -> None:
    http_error(ref, lambda message, args, keywords: message or "no message")


@saboteur(
    "log-not-overridable", "An overridden log_exception is not called.", chapters=CHAPTER, kills="web.log.override"
)
def _(ref: Patches) -> None:
    def change(cls: Any) -> None:
        if "log_exception" in vars(cls):
            del cls.log_exception

    every_class(ref, change)
