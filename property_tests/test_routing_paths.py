"""Routes turned around: what is made from arguments matches, and gives the same arguments back."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from waterspout.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from waterspout.routing import PathMatches
from waterspout.web.application import Application
from waterspout.web.handler import RequestHandler

# Outside of groups: text that a path holds as it is.
plain = st.text(alphabet="abcXYZ019-_.~/", max_size=6).map(lambda text: "/" + text)
# A surrogate is no text that UTF-8 has.
arguments = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=8)


def _request(path: str) -> HTTPServerRequest:
    return HTTPServerRequest(start_line=RequestStartLine("GET", path, "HTTP/1.1"), headers=HTTPHeaders({"Host": "a"}))


@st.composite
def routes(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A pattern whose groups take what has no slash, and arguments for them."""
    pieces = draw(st.lists(plain, min_size=1, max_size=4))
    pattern = "([^/]*)".join(re.escape(piece) for piece in pieces)
    return pattern, [draw(arguments).replace("/", "") for _ in pieces[1:]]


@given(routes())
def test_reverse_then_match(route: tuple[str, list[str]]) -> None:
    """The arguments come back, as octets of UTF-8."""
    pattern, given_arguments = route
    matcher = PathMatches(pattern)
    path = matcher.reverse(*given_arguments)
    assert path is not None
    assert path.isascii()
    found = matcher.match(_request(path))
    assert found is not None
    assert found.get("path_args", []) == [argument.encode() for argument in given_arguments]


@given(routes())
def test_match_then_reverse(route: tuple[str, list[str]]) -> None:
    """A path in the spelling that `reverse` makes is made again from what it matched."""
    pattern, given_arguments = route
    matcher = PathMatches(pattern)
    path = matcher.reverse(*given_arguments)
    assert path is not None
    found = matcher.match(_request(path))
    assert found is not None
    assert matcher.reverse(*found.get("path_args", [])) == path


class _Handler(RequestHandler):
    pass


paths = st.sampled_from(["/", "/a", "/b", "/a/b", "/c.d", "/e-f", "/g"])
patterns = paths | st.sampled_from(["/.*", "/[ab]", "/a/?", r"/c\.d", "/(x|g)", "/a.*", "(?i)/A"])


@given(st.lists(patterns, max_size=8), paths)
def test_plain_paths_are_found_as_by_a_scan(table: list[str], path: str) -> None:
    """The first rule that matches is the one, whether or not plain paths are looked up."""
    rules = [(pattern, _Handler, {"number": number}) for number, pattern in enumerate(table)]
    application = Application(list(rules))
    first = next((n for n, pattern in enumerate(table) if re.fullmatch(pattern, path)), None)
    delegate = application.find_handler(_request(path))
    assert delegate._handler_kwargs == ({"number": first} if first is not None else {"status_code": 404})
