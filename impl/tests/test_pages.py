"""How handlers render: where resources go, what is kept, what is refused."""

from __future__ import annotations

import types
from typing import Any

import pytest
from _web_wire import application, get, handler_of

from waterspout.httputil import HTTPHeaders, HTTPServerRequest
from waterspout.template import DictLoader
from waterspout.web import Application, RequestHandler, UIModule
from waterspout.web.rendering import _with_body_end, _with_head_end
from waterspout.web.ui_modules import load_methods, load_modules, resource_url


class Plain(UIModule):
    """A module without resources."""

    def render(self) -> str:
        return "<m>"


def handler(**settings: Any) -> RequestHandler:
    """Return a handler with a request made by hand."""
    request = HTTPServerRequest("GET", "/", headers=HTTPHeaders({"Host": "h"}))
    return RequestHandler(Application(**settings), request)


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (b"<head></head><body></body>", b"<head>H</head><body>B</body>"),
        (b"<HEAD></HEAD ><BODY></BODY\n>", b"<HEAD>H</HEAD ><BODY>B</BODY\n>"),
        (b"<title></title><body class=x>t", b"<title></title>H<body class=x>tB"),
        (b"<p>t</html>\n", b"<p>tHB</html>\n"),
        (b"t", b"tHB"),
        (b"", b"HB"),
    ],
)
def test_places_of_resources(page: bytes, expected: bytes) -> None:
    """HTML allows tags to be missing; each resource has a place all the same."""
    assert _with_body_end(_with_head_end(page, b"H"), b"B") == expected


@pytest.mark.parametrize("path", ["/a.css", "//h/a", "http://h/a", "HTTPS://h/a", "data:text/css,x"])
def test_absolute_urls_stay(path: str) -> None:
    """Static files have relative names only."""
    assert resource_url(None, path) == path


def test_ui_modules_have_to_be_ui_modules() -> None:
    """The error names the entry."""
    with pytest.raises(TypeError, match=r"ui_modules\['x'\]"):
        load_modules({"x": int})
    with pytest.raises(TypeError, match=r"ui_methods\['x'\]"):
        load_methods([{"x": 5}])


def test_what_of_a_module_counts() -> None:
    """UI modules by their class; methods that are public and begin with a small letter."""
    module = types.ModuleType("ui")
    vars(module).update(Plain=Plain, number=5, helper=len, _private=len, Shouted=len)

    assert set(load_modules(module)) - set(load_modules(None)) == {"Plain"}
    assert set(load_methods(module)) == {"helper"}


def test_an_unknown_module_is_named() -> None:
    """The error says which setting it belongs to."""
    with pytest.raises(AttributeError, match=r"'Nothing'.*ui_modules"):
        _ = handler().ui["modules"].Nothing


def test_a_handler_makes_one_object_of_a_module() -> None:
    """Whichever way it is asked for."""
    modules = handler(ui_modules={"Plain": Plain}).ui["modules"]

    assert modules.Plain.__self__ is modules["Plain"].__self__


def test_loaders_belong_to_their_application() -> None:
    """An application keeps one for each path, its handlers share it."""
    one = handler()
    other = RequestHandler(one.application, one.request)
    elsewhere = handler()

    loader = one._page.loader("/templates")
    assert other._page.loader("/templates") is loader
    assert elsewhere._page.loader("/templates") is not loader


def test_without_cache_a_request_compiles_once() -> None:
    """A page and its modules are of one state."""
    one = handler(compiled_template_cache=False, template_loader=DictLoader({"a": "1"}))
    loader = one._page.loader("/templates")
    template = loader.load("a")
    one._page.loader("/templates")
    assert loader.load("a") is template

    RequestHandler(one.application, one.request)._page.loader("/templates")
    assert loader.load("a") is not template


def test_a_handler_that_does_not_render_has_no_page() -> None:
    """What pages need costs others nothing."""
    seen: list[bool] = []

    def write(self: RequestHandler) -> None:
        self.write("x")
        seen.append("_rendered_page" in vars(self))

    assert get(application(handler_of(write))).body == b"x"
    assert seen == [False]


def test_a_page_may_be_rendered_by_an_error_page() -> None:
    """write_error() can render, after a page that failed halfway."""

    def show(self: RequestHandler) -> None:
        self.render("bad")

    def write_error(self: RequestHandler, status_code: int, **kwargs: Any) -> None:
        self.render("error", status=status_code)

    loader = DictLoader({"bad": "{% module Plain() %}{{ 1 / 0 }}", "error": "status {{ status }}"})
    made = handler_of(show, write_error=write_error)
    answer = get(application(made, template_loader=loader, ui_modules={"Plain": Plain}))

    assert (answer.status, answer.body) == (500, b"status 500")
