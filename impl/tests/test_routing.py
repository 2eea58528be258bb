"""Matchers, rules and routers."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest

from waterspout import httputil, routing
from waterspout.httputil import HTTPHeaders, HTTPServerRequest


class FakeConnection(httputil.HTTPConnection):
    """Remembers what is written."""

    def __init__(self) -> None:
        self.code = 0
        self.finished = False

    def write_headers(self, start_line: Any, headers: Any, chunk: bytes | None = None) -> Any:
        self.code = start_line.code

    def finish(self) -> None:
        self.finished = True


class Target(routing.Router):
    """Remembers what it is asked."""

    def __init__(self, delegate: httputil.HTTPMessageDelegate | None) -> None:
        self.delegate = delegate
        self.asked: list[dict[str, Any]] = []

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> httputil.HTTPMessageDelegate | None:
        self.asked.append(kwargs)
        return self.delegate


def request(uri: str, host: str = "a.com", **headers: str) -> HTTPServerRequest:
    """Return a request for ``uri``."""
    made = HTTPServerRequest(
        method="GET", uri=uri, headers=HTTPHeaders({"Host": host, **headers}), connection=FakeConnection()
    )
    return made


def test_a_path_pattern_matches_the_whole_path() -> None:
    """The query is no part of it."""
    matcher = routing.PathMatches("/a")
    assert matcher.match(request("/a?x=/b")) == {}
    assert matcher.match(request("/a/")) is None
    assert matcher.match(request("/x/a")) is None
    assert matcher.regex.pattern == "/a$"


def test_groups_become_decoded_bytes() -> None:
    """A group that took no part is None; a plus sign stays."""
    assert routing.PathMatches("/(.*)/(x)?").match(request("/a%20b%2F+%zz/")) == {
        "path_args": [b"a b/+%zz", None],
        "path_kwargs": {},
    }
    assert routing.PathMatches("/(?P<n>.*)").match(request("/%E9")) == {
        "path_args": [],
        "path_kwargs": {"n": b"\xe9"},
    }


def test_named_and_unnamed_groups_do_not_mix() -> None:
    """The error comes where the pattern is written."""
    with pytest.raises(ValueError, match="names"):
        routing.PathMatches("/(?P<n>a)/(b)")


@pytest.mark.parametrize(
    ("pattern", "args", "path"),
    [
        ("/a", (), "/a"),
        ("/a/(.*)/(\\d+)", ("x y", 1), "/a/x%20y/1"),
        ("^/a/(?P<x>[^)(]*)/b$", ("é?",), "/a/%C3%A9%3F/b"),
        ("/a\\.b/((?:x|\\))+)", (b"x",), "/a.b/x"),
        ("/a/?", (), "/a/"),
        ("/a+/(.*)", ("z",), "/a/z"),
        ("/([]()])x", ("z",), "/zx"),
    ],
)
def test_patterns_are_turned_around(pattern: str, args: tuple[Any, ...], path: str) -> None:
    """Arguments are percent-encoded; what may repeat is taken once."""
    assert routing.PathMatches(pattern).reverse(*args) == path


@pytest.mark.parametrize("pattern", ["/a\\d/(.*)", "/(?:x|y)/(.*)", "/[ab]/(.*)", "/a{2}/(.*)", "/a|/b(.*)"])
def test_a_pattern_that_is_more_than_text_and_groups_cannot_be_turned_around(pattern: str) -> None:
    """It still matches; only making URLs from it fails."""
    with pytest.raises(ValueError, match="plain text"):
        routing.PathMatches(pattern).reverse("z")


def test_groups_within_groups_cannot_be_turned_around() -> None:
    """Two arguments would want the same place."""
    with pytest.raises(ValueError):
        routing.PathMatches("/((a)b)").reverse("z", "y")


@pytest.mark.parametrize("args", [(), ("x", "y")])
def test_a_wrong_number_of_arguments_is_an_error(args: tuple[str, ...]) -> None:
    """It is said how many are wanted."""
    with pytest.raises(ValueError, match="takes 1 arguments"):
        routing.PathMatches("/(.*)").reverse(*args)


def test_host_patterns_match_the_whole_name_without_port_and_case() -> None:
    """A host that merely begins alike is another one."""
    matcher = routing.HostMatches("a.com")
    assert matcher.match(request("/", "A.com:80")) == {}
    assert matcher.match(request("/", "a.com.evil")) is None


def test_the_default_host_is_for_requests_without_a_proxy() -> None:
    """X-Real-Ip tells of a proxy."""

    class Application:
        default_host: str | None = "d"

    matcher = routing.DefaultHostMatches(Application(), re.compile("d$"))
    assert matcher.match(request("/")) == {}
    assert matcher.match(request("/", **{"X-Real-Ip": "1.1.1.1"})) is None


def test_the_first_rule_whose_target_answers_wins() -> None:
    """Targets learn the parameters of the match and those of the rule."""
    delegate = httputil.HTTPMessageDelegate()
    silent, speaking = Target(None), Target(delegate)
    router = routing.RuleRouter(
        [
            ("/a/(.*)", silent, {"k": 1}),
            (routing.AnyMatches(), routing.RuleRouter([routing.Rule(routing.PathMatches("/a/b"), speaking)])),
            ("/a/b", Target(httputil.HTTPMessageDelegate())),
        ]
    )
    assert router.find_handler(request("/a/b")) is delegate
    assert silent.asked == [{"path_args": [b"b"], "path_kwargs": {}, "target_kwargs": {"k": 1}}]
    assert speaking.asked == [{}]
    assert router.find_handler(request("/q")) is None


def test_a_function_gets_the_complete_request_and_the_parameters() -> None:
    """The body is there when it is called."""
    called: list[tuple[bytes, dict[str, Any]]] = []
    router = routing.RuleRouter([("/a/(.*)", lambda request, **kwargs: called.append((request.body, kwargs)))])
    delegate = router.find_handler(request("/a/b"))
    assert delegate is not None
    delegate.headers_received(httputil.RequestStartLine("POST", "/a/b", "HTTP/1.1"), HTTPHeaders({"Host": "h"}))
    delegate.data_received(b"x")
    delegate.data_received(b"y")
    assert called == []
    delegate.finish()
    assert called == [(b"xy", {"path_args": [b"b"], "path_kwargs": {}})]


def test_a_router_without_an_answer_answers_404() -> None:
    """It does so when the request is complete."""
    connection = FakeConnection()
    delegate = routing.RuleRouter([]).start_request(None, connection)
    delegate.headers_received(httputil.RequestStartLine("POST", "/", "HTTP/1.1"), HTTPHeaders({"Host": "h"}))
    delegate.data_received(b"x")
    assert connection.code == 0
    delegate.finish()
    assert (connection.code, connection.finished) == (404, True)


def test_urls_are_made_from_names_also_of_nested_routers(caplog: pytest.LogCaptureFixture) -> None:
    """A name used twice stands for the later rule, and the log says so."""
    inner = routing.ReversibleRuleRouter([("/x/(.*)", Target(None), {}, "inner")])
    router = routing.ReversibleRuleRouter([("/a", Target(None), {}, "n"), ("/x.*", inner)])
    assert router.reverse_url("n") == "/a"
    assert router.reverse_url("inner", "z") == "/x/z"
    assert router.reverse_url("missing") is None
    with caplog.at_level(logging.WARNING, "tornado.application"):
        router.add_rules([routing.URLSpec("/b", Target(None), name="n")])
    assert router.reverse_url("n") == "/b"
    assert "named n" in caplog.text


def test_a_url_spec_shows_what_it_was_made_of() -> None:
    """A handler may be named by its import path."""
    spec = routing.URLSpec("/a/(.*)", "waterspout.routing.Rule", {"k": 1}, name="n")
    assert (spec.regex.pattern, spec.handler_class, spec.kwargs, spec.name) == (
        "/a/(.*)$",
        routing.Rule,
        {"k": 1},
        "n",
    )
    assert spec.target_kwargs == {"k": 1}
    assert spec.reverse("b c") == "/a/b%20c"


@pytest.mark.parametrize("rule", [("/a",), ("/a", 1, {}, "n", 5)])
def test_a_rule_of_another_length_is_an_error(rule: tuple[Any, ...]) -> None:
    """Two to four items are what a rule has."""
    with pytest.raises(ValueError, match="2 to 4"):
        routing.RuleRouter([rule])
