"""Finding handlers: plain paths without a scan, in every table."""

from __future__ import annotations

from typing import Any

import pytest
from _web_wire import application, get, handler_of

from waterspout.routing import PathMatches
from waterspout.web import Application, RequestHandler


class Numbered(RequestHandler):
    """Says which rule led here."""

    def initialize(self, number: int) -> None:
        """Keep the number."""
        self.number = number

    def get(self) -> None:
        """Say it."""
        self.write(str(self.number))


def _many(count: int) -> list[Any]:
    return [(f"/page/{number}", Numbered, {"number": number}) for number in range(count)]


@pytest.mark.parametrize("nested", [False, True])
def test_plain_paths_are_found_without_trying_rules(nested: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two thousand, none is tried; of the table they are in, one."""
    tried: list[str] = []
    match = PathMatches.match

    def counting(self: PathMatches, request: Any) -> Any:
        tried.append(self.regex.pattern)
        return match(self, request)

    app = Application([(PathMatches("/page/.*"), _many(2000))] if nested else _many(2000))
    monkeypatch.setattr(PathMatches, "match", counting)
    assert get(app, "/page/1999").body == b"1999"
    assert tried == (["/page/.*$"] if nested else [])


def test_rules_of_hosts_are_found_so_too() -> None:
    """And others' are not."""
    app = Application()
    app.add_handlers("example.com", _many(50))
    app.add_handlers("other.example", [("/only", Numbered, {"number": -1})])
    assert get(app, "/page/49").body == b"49"
    assert get(app, "/only").status == 404


def test_protection_is_for_what_a_class_supports() -> None:
    """A safe method that the class does not support is not allowed, whatever may be checked besides."""
    handler = handler_of(lambda self: None, "get", SUPPORTED_METHODS=("GET",))
    app = application(handler, xsrf_cookies=True)
    assert [get(app, "/", method=method).status for method in ("GET", "HEAD", "POST")] == [200, 405, 405]
