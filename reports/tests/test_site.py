"""The report as files and in a browser: whole, self-contained, readable at desktop and phone width."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from conformance import catalogue
from conformance.report.wire import timeline

Book = tuple[catalogue.Chapter, ...]
#: Opens a page at a width and tells what it looks like from inside; see conftest.py.
Measure = Callable[[str, int], dict[str, Any]]


class Links(HTMLParser):
    """Collects what a page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("href", "src") and value]


def links(page: Path) -> list[str]:
    parser = Links()
    parser.feed(page.read_text(encoding="utf-8"))
    return parser.found


def test_every_requirement_and_chapter_has_its_page(site: Path, book: Book) -> None:
    assert {page.stem for page in (site / "cases").iterdir()} == {entry.id for one in book for entry in one.entries}
    assert {page.stem for page in (site / "chapters").iterdir()} == {one.name for one in book}


def test_every_link_leads_somewhere_within_the_report(site: Path) -> None:
    for page in site.rglob("*.html"):
        for link in set(links(page)):
            path, _, anchor = link.partition("#")
            goal = (page.parent / path).resolve() if path else page.resolve()
            assert goal.is_file(), f"{page.name} links to {link}"
            if anchor:
                assert f'id="{anchor}"' in goal.read_text(encoding="utf-8"), f"{page.name} links to {link}"


def test_what_an_implementation_says_never_becomes_markup(site: Path) -> None:
    for page in site.rglob("*.html"):
        assert "<script>document.title" not in page.read_text(encoding="utf-8"), page.name


def test_changes_stand_first_and_are_complete(site: Path, book: Book) -> None:
    text = (site / "index.html").read_text(encoding="utf-8")

    assert text.index("Changes since the last run") < text.index("Matrix</h2>")
    newly = re.search(r"newly failing: (\d+)", text)
    assert newly is not None
    assert int(newly[1]) == sum(len(one.entries) for one in book)


@pytest.mark.parametrize("width", [1280, 390])
def test_the_matrix_in_a_browser(measure: Measure, book: Book, width: int) -> None:
    seen = measure("index.html", width)

    assert seen["errors"] == []
    assert seen["rows"] == sum(len(one.entries) for one in book)
    assert 0 < seen["filtered"] < seen["rows"]
    assert seen["wide"] <= 0, f"the page is {seen['wide']} px wider than the window"


@pytest.mark.parametrize("width", [1280, 390])
def test_the_other_pages_fit_their_window(measure: Measure, site: Path, width: int) -> None:
    case = next(page for page in sorted((site / "cases").iterdir()))
    chapter = next(page for page in sorted((site / "chapters").iterdir()))
    for page in ("health.html", "judges.html", "seeds.html", f"cases/{case.name}", f"chapters/{chapter.name}"):
        seen = measure(page, width)
        assert seen["wide"] <= 0, f"{page} is {seen['wide']} px wider than the window"
        assert seen["title"] != "broken"


def test_where_autobahn_and_the_suite_differ(site: Path) -> None:
    # The newest of the two runs fails everything on this target.
    page = (site / "judges.html").read_text()
    assert page.index("waterspout as server: 2 of 2 good") < page.index("waterspout as client: 1 of 1 good")
    assert "<td>3.1</td><td>good</td>" in page
    assert 'href="cases/websocket.rsv.data.html"' in page
    assert "not looked into yet" in page


def test_the_timeline_joins_pieces_and_shows_line_ends() -> None:
    rows = [
        {"t": 0.0, "from": "suite", "data": "GET / HT", "note": ""},
        {"t": 0.001, "from": "suite", "data": "TP/1.1\r\n\r\n", "note": ""},
        {"t": 0.002, "from": "target", "data": "\x88\x02\x03\xe8", "note": "close 1000"},
    ]
    moments = timeline(rows)

    assert [(one.side, one.pieces) for one in moments] == [("suite", 2), ("target", 1)]
    assert moments[0].text == "GET / HTTP/1.1↵\n↵\n"
    assert moments[1].text.startswith("88 02 03 e8")
