"""Finding who answers a request.

A `Router` maps a request to a message delegate.  A `RuleRouter` does so with an ordered list of rules, each a
`Matcher` and a target; the first rule that matches and whose target has an answer wins.  Targets are other
routers, server connection delegates, or functions of the request.  Routers nest.  The reversible kinds also
make URLs from names.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from waterspout import httputil
from waterspout._callback_delegate import CallbackDelegate
from waterspout._loggers import app_log
from waterspout._path_patterns import parse_template
from waterspout.util import import_object

if TYPE_CHECKING:
    from waterspout._exchange import Exchange

__all__ = [
    "AnyMatches",
    "DefaultHostMatches",
    "HostMatches",
    "Matcher",
    "PathMatches",
    "ReversibleRouter",
    "ReversibleRuleRouter",
    "Router",
    "Rule",
    "RuleRouter",
    "URLSpec",
]

#: What a match tells a target: its keyword arguments.
Learned = dict[str, Any]
RuleList = list["Rule | list[Any] | tuple[Any, ...]"]


class Router(httputil.HTTPServerConnectionDelegate):
    """Finds the delegate of a request.  Documentation: ``routing.Router``."""

    def find_handler(self, request: httputil.HTTPServerRequest, **kwargs: Any) -> httputil.HTTPMessageDelegate | None:
        """Return the delegate that answers ``request``, or None if this router has none for it.

        ``kwargs`` is what an outer router learned from its match.  Documentation:
        ``routing.Router.find_handler``.
        """
        raise NotImplementedError(f"{type(self).__name__} must define find_handler")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "start_request" in cls.__dict__ and "begin_request" not in cls.__dict__:
            # Whoever has a delegate of their own wants it to be used.
            cls.begin_request = httputil.HTTPServerConnectionDelegate.begin_request  # type: ignore[method-assign]

    def start_request(self, server_conn: object, request_conn: httputil.HTTPConnection) -> httputil.HTTPMessageDelegate:
        """Return a delegate that looks for the real one when the head is there."""
        return _RoutedRequest(self, server_conn, request_conn)

    def begin_request(
        self,
        server_conn: object,
        request_conn: Exchange,
        start_line: httputil.RequestStartLine,
        headers: httputil.HTTPHeaders,
    ) -> Awaitable[None] | None:
        """Find the delegate at once, since the head is there."""
        request = httputil.HTTPServerRequest(
            connection=request_conn, server_connection=server_conn, start_line=start_line, headers=headers
        )
        request_conn.delegate = delegate = self.find_handler(request) or _NotFound(request_conn)
        return delegate.headers_received(start_line, headers)


class ReversibleRouter(Router):
    """A router that can make the URL of a named route.  Documentation: ``routing.ReversibleRouter``."""

    def reverse_url(self, name: str, *args: Any) -> str | None:
        """Return the URL of the route ``name`` with ``args`` in it, or None if there is no such route.

        Documentation: ``routing.ReversibleRouter.reverse_url``.
        """
        raise NotImplementedError(f"{type(self).__name__} must define reverse_url")


class _RoutedRequest(httputil.HTTPMessageDelegate):
    """Stands in until the head tells which delegate the request is for."""

    __slots__ = ("_connection", "_delegate", "_router", "_server_connection")

    def __init__(self, router: Router, server_conn: object, connection: httputil.HTTPConnection) -> None:
        self._router = router
        self._server_connection = server_conn
        self._connection = connection
        self._delegate: httputil.HTTPMessageDelegate | None = None

    def headers_received(
        self,
        start_line: httputil.RequestStartLine | httputil.ResponseStartLine,
        headers: httputil.HTTPHeaders,
    ) -> Awaitable[None] | None:
        assert isinstance(start_line, httputil.RequestStartLine)
        request = httputil.HTTPServerRequest(
            connection=self._connection,
            server_connection=self._server_connection,
            start_line=start_line,
            headers=headers,
        )
        self._delegate = self._router.find_handler(request) or _NotFound(self._connection)
        return self._delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        assert self._delegate is not None
        return self._delegate.data_received(chunk)

    def finish(self) -> None:
        assert self._delegate is not None
        self._delegate.finish()

    def on_connection_close(self) -> None:
        if self._delegate is not None:
            self._delegate.on_connection_close()


class _NotFound(httputil.HTTPMessageDelegate):
    """Answers 404 with an empty body."""

    __slots__ = ("_connection",)

    def __init__(self, connection: httputil.HTTPConnection) -> None:
        self._connection = connection

    def finish(self) -> None:
        start_line = httputil.ResponseStartLine("HTTP/1.1", 404, "Not Found")
        self._connection.write_headers(start_line, httputil.HTTPHeaders({"Content-Length": "0"}))
        self._connection.finish()


class RuleRouter(Router):
    """Goes through a list of rules in their order.

    A rule is a `Rule`, or a tuple ``(matcher, target[, target_kwargs[, name]])``; text in place of a matcher
    is a path pattern.  Documentation: ``routing.RuleRouter``.
    """

    def __init__(self, rules: RuleList | None = None) -> None:
        self.rules: list[Rule] = []
        if rules:
            self.add_rules(rules)

    def add_rules(self, rules: RuleList) -> None:
        """Append ``rules``.  Documentation: ``routing.RuleRouter.add_rules``."""
        for rule in rules:
            if isinstance(rule, (tuple, list)):
                if len(rule) not in (2, 3, 4):
                    raise ValueError(f"a rule has 2 to 4 items (matcher, target, target_kwargs, name), not {rule!r}")
                matcher, *rest = rule
                rule = Rule(PathMatches(matcher) if isinstance(matcher, str) else matcher, *rest)
            self.rules.append(self.process_rule(rule))

    def process_rule(self, rule: Rule) -> Rule:
        """Return the rule to keep; override to change each one on its way in.

        Documentation: ``routing.RuleRouter.process_rule``.
        """
        return rule

    def find_handler(self, request: httputil.HTTPServerRequest, **kwargs: Any) -> httputil.HTTPMessageDelegate | None:
        """Return the delegate of the first rule that matches and whose target has one."""
        for rule in self.rules:
            found = self._try(rule, request)
            if found is not None:
                return found
        return None

    def _try(self, rule: Rule, request: httputil.HTTPServerRequest) -> httputil.HTTPMessageDelegate | None:
        learned = rule.matcher.match(request)
        if learned is None:
            return None
        if rule.target_kwargs:
            learned["target_kwargs"] = rule.target_kwargs
        return self.get_target_delegate(rule.target, request, **learned)

    def get_target_delegate(
        self, target: Any, request: httputil.HTTPServerRequest, **target_params: Any
    ) -> httputil.HTTPMessageDelegate | None:
        """Return the delegate by which ``target`` answers, or None; override to support other kinds.

        Documentation: ``routing.RuleRouter.get_target_delegate``.
        """
        if isinstance(target, Router):
            return target.find_handler(request, **target_params)
        if isinstance(target, httputil.HTTPServerConnectionDelegate):
            return target.start_request(request.server_connection, request.connection)
        if callable(target):
            callback: Callable[..., Any] = partial(target, **target_params)
            return CallbackDelegate(callback, request.connection, request.server_connection)
        return None


class ReversibleRuleRouter(ReversibleRouter, RuleRouter):
    """A `RuleRouter` whose rules may have names.  Documentation: ``routing.ReversibleRuleRouter``."""

    def __init__(self, rules: RuleList | None = None) -> None:
        self.named_rules: dict[str, Rule] = {}
        super().__init__(rules)

    def process_rule(self, rule: Rule) -> Rule:
        """Remember the rule by its name."""
        rule = super().process_rule(rule)
        if rule.name:
            if rule.name in self.named_rules:
                app_log.warning("two rules are named %s; the later one is used to make URLs", rule.name)
            self.named_rules[rule.name] = rule
        return rule

    def reverse_url(self, name: str, *args: Any) -> str | None:
        """Return the URL of the rule ``name``, here or in a nested router; None if there is none."""
        rule = self.named_rules.get(name)
        if rule is not None:
            return rule.matcher.reverse(*args)
        for rule in self.rules:
            if isinstance(rule.target, ReversibleRouter):
                url = rule.target.reverse_url(name, *args)
                if url is not None:
                    return url
        return None


class Rule:
    """A matcher, the target it leads to, what the target is told, and a name to make URLs by.

    Documentation: ``routing.Rule``.
    """

    def __init__(
        self,
        matcher: Matcher,
        target: Any,
        target_kwargs: dict[str, Any] | None = None,
        name: str | None = None,
    ) -> None:
        # A target may be named by its import path, so that modules need not import each other.
        self.target = import_object(target) if isinstance(target, str) else target
        self.matcher = matcher
        self.name = name
        self.target_kwargs = target_kwargs or {}

    def reverse(self, *args: Any) -> str | None:
        """Return the URL of this rule with ``args`` in it, None if its matcher makes none."""
        return self.matcher.reverse(*args)

    def __repr__(self) -> str:
        kind = type(self).__name__
        return f"{kind}({self.matcher!r}, {self.target}, kwargs={self.target_kwargs!r}, name={self.name!r})"


class Matcher:
    """Decides whether a rule is for a request.  Documentation: ``routing.Matcher``."""

    def match(self, request: httputil.HTTPServerRequest) -> Learned | None:
        """Return the parameters for the target, perhaps none, or None where the request does not match.

        The result belongs to the caller.  Documentation: ``routing.Matcher.match``.
        """
        raise NotImplementedError(f"{type(self).__name__} must define match")

    def reverse(self, *args: Any) -> str | None:
        """Return a URL that matches, with ``args`` in it, or None if that cannot be done.

        Documentation: ``routing.Matcher.reverse``.
        """
        return None


class AnyMatches(Matcher):
    """Matches every request.  Documentation: ``routing.AnyMatches``."""

    def match(self, request: httputil.HTTPServerRequest) -> Learned | None:
        """Return no parameters."""
        return {}


class HostMatches(Matcher):
    """Matches by the host name, text meaning a pattern for the whole of it.

    Documentation: ``routing.HostMatches``.
    """

    def __init__(self, host_pattern: str | re.Pattern[str]) -> None:
        self.host_pattern = _whole(host_pattern)

    def match(self, request: httputil.HTTPServerRequest) -> Learned | None:
        """Return no parameters if the host name matches."""
        return {} if self.host_pattern.match(request.host_name) else None


class DefaultHostMatches(Matcher):
    """Matches by the application's ``default_host``, for requests that come straight, not by a proxy.

    A request with ``X-Real-Ip`` is taken to be from a proxy.  Documentation: ``routing.DefaultHostMatches``.
    """

    def __init__(self, application: Any, host_pattern: re.Pattern[str]) -> None:
        self.application = application
        self.host_pattern = host_pattern

    def match(self, request: httputil.HTTPServerRequest) -> Learned | None:
        """Return no parameters if the default host matches."""
        default_host = self.application.default_host
        if default_host is None or "X-Real-Ip" in request.headers:
            return None
        return {} if self.host_pattern.match(default_host) else None


class PathMatches(Matcher):
    """Matches by the path, text meaning a pattern for the whole of it.

    The groups of the pattern, percent-decoded to bytes, become ``path_args`` or, if they have names,
    ``path_kwargs``; it is one or the other, a mixture raises `ValueError`.  Documentation:
    ``routing.PathMatches``.
    """

    def __init__(self, path_pattern: str | re.Pattern[str]) -> None:
        self.regex = _whole(path_pattern)
        if len(self.regex.groupindex) not in (0, self.regex.groups):
            raise ValueError(f"either all groups of a path have names or none has: {self.regex.pattern!r}")
        self._template = parse_template(self.regex.pattern)

    def match(self, request: httputil.HTTPServerRequest) -> Learned | None:
        """Return the path arguments if the path matches."""
        found = self.regex.match(request.path)
        if found is None:
            return None
        learned: Learned = {}
        if self.regex.groups:
            named = {name: _unquote(value) for name, value in found.groupdict().items()}
            unnamed = [] if named else [_unquote(value) for value in found.groups()]
            learned.update(path_args=unnamed, path_kwargs=named)
        return learned

    def reverse(self, *args: Any) -> str | None:
        """Return the path with ``args`` percent-encoded in place of the groups.

        Raises `ValueError` for a wrong number of arguments and for a pattern that is more than text and
        groups.
        """
        if self._template is None:
            raise ValueError(
                f"no path can be made from {self.regex.pattern!r}: outside its groups it is not plain text"
            )
        return self._template.fill(self.regex.pattern, args)


class URLSpec(Rule):
    """A rule from a path pattern to a handler class.

    ``handler`` may be a class or its import path, ``kwargs`` goes to its ``initialize``, ``name`` serves
    ``reverse_url``. Documentation: ``web.URLSpec``.
    """

    def __init__(
        self,
        pattern: str | re.Pattern[str],
        handler: Any,
        kwargs: dict[str, Any] | None = None,
        name: str | None = None,
    ) -> None:
        path = PathMatches(pattern)
        super().__init__(matcher=path, target=handler, target_kwargs=kwargs, name=name)
        # What programs read of their own routes.
        self.kwargs, self.regex, self.handler_class = kwargs, path.regex, self.target

    def __repr__(self) -> str:
        kind = type(self).__name__
        return f"{kind}({self.regex.pattern!r}, {self.target}, kwargs={self.kwargs!r}, name={self.name!r})"


def _whole(pattern: str | re.Pattern[str]) -> re.Pattern[str]:
    """Return text compiled so that it matches to the end; a compiled pattern stays as it is."""
    if not isinstance(pattern, str):
        return pattern
    return re.compile(pattern if pattern.endswith("$") else pattern + "$")


def _unquote(value: str | None) -> bytes | None:
    if value is None:
        return None
    return unquote_to_bytes(value)
