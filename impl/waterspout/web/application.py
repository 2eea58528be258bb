"""`Application`: the routing table, the settings, and the way from a request to its handler.

Requests are matched against the host patterns in their order, and within a matching host against its rules in
theirs; the rules given to the constructor hold for every host and come last.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from logging import ERROR, INFO, WARNING
from socket import AddressFamily
from typing import Any

from waterspout import autoreload, httputil
from waterspout._loggers import access_log
from waterspout.httpserver import HTTPServer
from waterspout.netutil import DEFAULT_BACKLOG
from waterspout.routing import (
    DefaultHostMatches,
    HostMatches,
    PathMatches,
    ReversibleRouter,
    ReversibleRuleRouter,
    Rule,
    RuleList,
)
from waterspout.template import BaseLoader
from waterspout.web.content_codings import transform_for
from waterspout.web.handler import RequestHandler
from waterspout.web.hooks import HookedClass, Hooks, LifeHook, RequestHook
from waterspout.web.lifecycle import HandlerDelegate, summary
from waterspout.web.standard_handlers import ErrorHandler, ServerOptionsHandler
from waterspout.web.static_files import StaticFileHandler
from waterspout.web.transforms import OutputTransform
from waterspout.web.ui_modules import load_methods, load_modules

_DEBUG_SETTINGS = {
    "autoreload": True,
    "compiled_template_cache": False,
    "static_hash_cache": False,
    "serve_traceback": True,
}


# A pattern that is a path, up to characters that mean the same in a pattern: found without trying each rule.
_LITERAL = re.compile(r"([A-Za-z0-9/_~%-]*)\$")
_PLAIN_FLAGS = re.compile("").flags


class _HandlerRouter(ReversibleRuleRouter):
    """Rules whose targets may be handler classes, or lists of further rules.

    ``literals`` are the rules that a single path leads to, whatever else the request has.
    """

    def __init__(self, application: Application, rules: RuleList | None = None) -> None:
        self._application = application
        self.literals: dict[str, Rule] = {}
        super().__init__(rules)

    def add_rules(self, rules: RuleList) -> None:
        super().add_rules(rules)
        self.literals = _literals(self.rules)

    def process_rule(self, rule: Rule) -> Rule:
        if isinstance(rule.target, (list, tuple)):
            rule.target = _HandlerRouter(self._application, list(rule.target))
        return super().process_rule(rule)

    def find_handler(self, request: httputil.HTTPServerRequest, **kwargs: Any) -> httputil.HTTPMessageDelegate | None:
        rule = self.literals.get(request.path)
        if rule is not None:
            return self._application.get_handler_delegate(request, rule.target, rule.target_kwargs)
        return super().find_handler(request, **kwargs)

    def get_target_delegate(
        self, target: Any, request: httputil.HTTPServerRequest, **target_params: Any
    ) -> httputil.HTTPMessageDelegate | None:
        if _is_handler_class(target):
            return self._application.get_handler_delegate(request, target, **target_params)
        return super().get_target_delegate(target, request, **target_params)


def _literals(rules: list[Rule]) -> dict[str, Rule]:
    """Return the rules whose pattern is a plain path, and that no earlier rule could come before."""
    found: dict[str, Rule] = {}
    earlier: list[re.Pattern[str]] = []
    for rule in rules:
        if type(rule.matcher) is not PathMatches:
            # It may look at anything, so what is behind it has to wait for it.
            break
        regex = rule.matcher.regex
        literal = _LITERAL.fullmatch(regex.pattern) if regex.flags == _PLAIN_FLAGS else None
        if literal is None:
            earlier.append(regex)
        elif literal[1] not in found and _is_handler_class(rule.target):
            if not any(pattern.match(literal[1]) for pattern in earlier):
                found[literal[1]] = rule
        else:
            earlier.append(regex)
    return found


def _is_handler_class(target: Any) -> bool:
    return isinstance(target, type) and issubclass(target, RequestHandler)


class Application(ReversibleRouter):
    """A web application: give it to an `HTTPServer`, or call `listen`.

    ``handlers`` is a list of rules: `URLSpec` objects, or tuples of pattern, handler class, its
    initialisation arguments and a name, the last two optional.  A list in place of the class holds rules of
    its own. ``default_host`` is the host that requests to unknown hosts are taken to be for.  ``transforms``
    are `OutputTransform` classes.  All else are the ``settings``.  Documentation: ``web.Application``.
    """

    def __init__(
        self,
        handlers: RuleList | None = None,
        default_host: str | None = None,
        transforms: list[type[OutputTransform]] | None = None,
        **settings: Any,
    ) -> None:
        if transforms is None:
            compressing = settings.get("compress_response") or settings.get("gzip")
            transforms = [transform_for(compressing)] if compressing else []
        self.transforms: list[type[OutputTransform]] = list(transforms)
        self.default_host = default_host
        self.settings = settings
        if settings.get("debug"):
            for name, value in _DEBUG_SETTINGS.items():
                settings.setdefault(name, value)
        self.ui_modules = load_modules(settings.get("ui_modules"))
        self.ui_methods = load_methods(settings.get("ui_methods"))
        #: The loaders of the handlers' templates, by their template path.
        self.template_loaders: dict[str, BaseLoader] = {}
        rules = list(handlers or ())
        if settings.get("static_path"):
            rules = self._static_rules() + rules
        self._any_host = _HandlerRouter(self, rules)
        self._hosts = _HandlerRouter(self)
        self._hooks = Hooks()
        self._make_delegate: Callable[..., HandlerDelegate] = HandlerDelegate
        if settings.get("autoreload"):
            autoreload.start()

    def listen(
        self,
        port: int,
        address: str | None = None,
        *,
        family: AddressFamily = AddressFamily.AF_UNSPEC,
        backlog: int = DEFAULT_BACKLOG,
        flags: int | None = None,
        reuse_port: bool = False,
        **kwargs: Any,
    ) -> HTTPServer:
        """Make an `HTTPServer` for this application, with ``kwargs``, and have it listen; return it.

        The other arguments are those of ``tcpserver.TCPServer.listen``.  Documentation:
        ``web.Application.listen``.
        """
        server = HTTPServer(self, **kwargs)
        server.listen(port, address, family, backlog, flags, reuse_port)
        return server

    @contextlib.asynccontextmanager
    async def serving(
        self, port: int, address: str | None = None, *, shutdown_timeout: float = 30.0, **kwargs: Any
    ) -> AsyncIterator[HTTPServer]:
        """Serve within ``async with``: start, listen; at the end answer what has been accepted, and stop.

        The hooks of the start are done before anybody can connect; those of the end are called when the last request
        is answered, or ``shutdown_timeout`` seconds have passed.  The other arguments are those of `listen`.  What a
        hook raises is raised here.  Released Tornado has no such method.
        """
        async with self._hooks.alive(self):
            server = self.listen(port, address, **kwargs)
            try:
                yield server
            finally:
                await server.shutdown(shutdown_timeout)

    @property
    def static_handler_class(self) -> type[StaticFileHandler]:
        """The class that serves the files below the setting ``static_path``, and makes their URLs."""
        handler_class: type[StaticFileHandler] = self.settings.get("static_handler_class", StaticFileHandler)
        return handler_class

    def _static_rules(self) -> RuleList:
        """Return the rules for the files below ``static_path``, and for the two that others look for at the root."""
        prefix = re.escape(self.settings.get("static_url_prefix", "/static/"))
        arguments = {**self.settings.get("static_handler_args", {}), "path": self.settings["static_path"]}
        patterns = (prefix + r"(.*)", r"/(favicon\.ico)", r"/(robots\.txt)")
        return [(pattern, self.static_handler_class, arguments) for pattern in patterns]

    # Routing

    def add_handlers(self, host_pattern: str, host_handlers: RuleList) -> None:
        """Add rules for the hosts that ``host_pattern`` matches.

        Documentation: ``web.Application.add_handlers``.
        """
        matcher = HostMatches(host_pattern)
        self._hosts.add_rules([Rule(matcher, host_handlers)])
        if self.default_host is not None:
            self._any_host.add_rules([Rule(DefaultHostMatches(self, matcher.host_pattern), host_handlers)])

    def add_transform(self, transform_class: type[OutputTransform]) -> None:
        """Have responses pass through one more transform, after those that are there."""
        self.transforms.append(transform_class)

    def find_handler(self, request: httputil.HTTPServerRequest, **kwargs: Any) -> httputil.HTTPMessageDelegate:
        """Return the delegate that answers ``request``: that of a rule, the default handler's, or a 404."""
        if self._hosts.rules:
            delegate = self._hosts.find_handler(request)
            if delegate is not None:
                return delegate
        rule = self._any_host.literals.get(request.path)
        if rule is not None:
            return self.get_handler_delegate(request, rule.target, rule.target_kwargs)
        return self._any_host.find_handler(request) or self._unmatched(request)

    def _unmatched(self, request: httputil.HTTPServerRequest) -> httputil.HTTPMessageDelegate:
        settings = self.settings
        if "default_handler_class" in settings:
            default_args = settings.get("default_handler_args", {})
            return self.get_handler_delegate(request, settings["default_handler_class"], default_args)
        if request.uri == "*":
            return self.get_handler_delegate(request, ServerOptionsHandler)
        return self.get_handler_delegate(request, ErrorHandler, {"status_code": 404})

    def get_handler_delegate(
        self,
        request: httputil.HTTPServerRequest,
        target_class: type[RequestHandler],
        target_kwargs: dict[str, Any] | None = None,
        path_args: list[bytes | None] | None = None,
        path_kwargs: dict[str, bytes | None] | None = None,
    ) -> HandlerDelegate:
        """Return the delegate that runs ``target_class`` for ``request``.

        ``target_kwargs`` go to its ``initialize``; the path arguments are bytes, percent-decoded.
        Documentation: ``web.Application.get_handler_delegate``.
        """
        return self._make_delegate(self, request, target_class, target_kwargs, path_args, path_kwargs)

    def reverse_url(self, name: str, *args: Any) -> str:
        """Return the path of the route ``name`` with ``args`` for its groups.

        Raises `KeyError` for an unknown name, `ValueError` for a wrong number of arguments.
        Documentation: ``web.Application.reverse_url``.
        """
        for router in (self._any_host, self._hosts):
            url = router.reverse_url(name, *args)
            if url is not None:
                return url
        raise KeyError(f"no route is named {name!r}")

    def __call__(self, request: httputil.HTTPServerRequest) -> Awaitable[None] | None:
        """Answer a request that is complete; returns what to wait for, if anything."""
        delegate = self.find_handler(request)
        if isinstance(delegate, HandlerDelegate):
            return delegate.execute()
        start_line = httputil.RequestStartLine(request.method or "", request.uri, request.version)
        delegate.headers_received(start_line, request.headers)
        if request.body:
            delegate.data_received(request.body)
        delegate.finish()
        return None

    # Hooks

    def add_hooks(
        self,
        *,
        before_request: RequestHook | None = None,
        after_request: RequestHook | None = None,
        on_start: LifeHook | None = None,
        on_stop: LifeHook | None = None,
    ) -> None:
        """Add functions, or coroutines, to be called around every request, and around `serving`.

        ``before_request`` is called with the handler before its ``prepare``; if it ends the response, or raises, the
        request ends as it would in ``prepare``.  ``after_request`` is called with the handler behind ``on_finish``,
        whatever became of the request.  ``on_start`` and ``on_stop`` are called with this object.  Hooks are called
        in the order in which they were added, those of the end in reverse.  Released Tornado has no such method.
        """
        if before_request is not None:
            self._hooks.before.append(before_request)
        if after_request is not None:
            self._hooks.after.append(after_request)
        if before_request is not None or after_request is not None:
            self._make_delegate = self._hooked_delegate
        if on_start is not None or on_stop is not None:
            self._hooks.add_life(on_start, on_stop)

    def _hooked_delegate(
        self, application: Application, request: httputil.HTTPServerRequest, handler_class: Any, *args: Any
    ) -> HandlerDelegate:
        made_by: Any = HookedClass(handler_class, self._hooks)
        return HandlerDelegate(application, request, made_by, *args)

    # Logging

    def log_request(self, handler: RequestHandler) -> None:
        """Write the line of a finished request to the access log, or call the setting ``log_function``.

        From 400 on it is a warning, from 500 on an error.  Documentation: ``web.Application.log_request``.
        """
        if "log_function" in self.settings:
            self.settings["log_function"](handler)
            return
        status = handler._response.status
        level = INFO if status < 400 else WARNING if status < 500 else ERROR
        if access_log.isEnabledFor(level):
            milliseconds = 1000.0 * handler.request.request_time()
            access_log.log(level, "%d %s %.2fms", status, summary(handler.request), milliseconds)
