"""The web spider

The user's guide shows what queues are for with a spider: ten workers take addresses from a queue, fetch the pages, and
put in the links they find. One ``task_done()`` for each address taken is all the bookkeeping there is. When the last
worker finds nothing new, the count of unfinished tasks reaches zero, and ``join()`` is over.

Most cases run against a site of four pages that take a second each, in jumping time; the last one fetches a thousand
pages over real sockets, with the suite's own client and server.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urldefrag, urljoin

import pytest

from conformance import api, doc, each, must, seed, site

BASE = "http://site.example/docs/"
#: A site of four pages with loops, fragments, a page elsewhere and one that is not there.
SITE = {
    BASE: '<a href="gen.html#sleep">gen</a> <a href="queues.html">queues</a> <a name="top">no link</a>',
    BASE + "gen.html": '<a href="queues.html#join">q</a> <a href="./">home</a> <a href="missing.html">?</a>',
    BASE + "queues.html": '<a href="gen.html">gen</a> <a href="web/index.html">web</a> <p href="x">no</p>',
    BASE + "web/index.html": '<a href="../gen.html">gen</a> <a href="http://elsewhere.example/">out</a>',
}


def links(url: str, html: str) -> list[str]:
    """Return the absolute links of a page, without their fragments."""
    found: list[str] = []

    class Seeker(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag == "a" and dict(attrs).get("href"):
                found.append(urljoin(url, urldefrag(str(dict(attrs)["href"]))[0]))

    Seeker().feed(html)
    return found


def crawl(base: str, fetch: Callable[[str], Any], concurrency: int, timeout: timedelta) -> Any:
    """Run the guide's spider from ``base``, with a function that fetches a page; return what it fetched, in order."""
    queue, fetching, fetched = api.queues.Queue(), set(), []

    @api.gen.coroutine
    def get_links_from_url(url):
        try:
            html = yield fetch(url)
        except LookupError:
            raise api.gen.Return([]) from None
        raise api.gen.Return(links(url, html))

    @api.gen.coroutine
    def fetch_url():
        current_url = yield queue.get()
        try:
            if current_url in fetching:
                return
            fetching.add(current_url)
            urls = yield get_links_from_url(current_url)
            fetched.append(current_url)
            for new_url in urls:
                if new_url.startswith(base):
                    yield queue.put(new_url)
        finally:
            queue.task_done()

    @api.gen.coroutine
    def worker():
        while True:
            yield fetch_url()

    @api.gen.coroutine
    def main():
        queue.put(base)
        for _ in range(concurrency):
            worker()
        yield queue.join(timeout=timeout)
        assert sorted(fetching) == sorted(fetched)
        return fetched

    return main()


def slow(pages: dict[str, str]) -> Callable[[str], Any]:
    """Return a stand-in for an HTTP client: each of ``pages`` takes a second."""

    @api.gen.coroutine
    def fetch(url):
        yield api.gen.sleep(3600 if pages.get(url) == "never" else 1)
        raise api.gen.Return(pages[url])

    return fetch


@must(
    "queues.spider.visits-every-page-once",
    "The spider fetches every page below the base URL once, and ends when the last worker finds nothing new.",
    doc("queues.Queue"),
    seed("SEED-192"),
    seed("SEED-193"),
    seed("SEED-194"),
    seed("SEED-195"),
    seed("SEED-197"),
    seed("SEED-198"),
    seed("SEED-199"),
    seed("SEED-204"),
)
@each(concurrency=[1, 2, 10])
async def test_spider(clock, concurrency):
    fetched = await crawl(BASE, slow(SITE), concurrency, timeout=timedelta(seconds=300))
    assert fetched[0] == BASE
    assert sorted(fetched) == sorted([*SITE, BASE + "missing.html"])
    # One worker needs a second for each page. Several take the pages of each distance from the base together.
    assert clock.elapsed == (5 if concurrency == 1 else 3)


@must(
    "queues.spider.workers-run-in-parallel",
    "Workers that are called without yielding them run and share the queue: ten of them fetch ten pages at a time.",
    doc("gen.coroutine"),
    seed("SEED-201"),
)
async def test_spider_workers(clock):
    leaves = [f"{BASE}{number}.html" for number in range(20)]
    pages = {BASE: "".join(f'<a href="{leaf}">leaf</a>' for leaf in leaves), **dict.fromkeys(leaves, "")}
    fetched = await crawl(BASE, slow(pages), 10, timeout=timedelta(seconds=300))
    assert sorted(fetched) == sorted([BASE, *leaves])
    assert clock.elapsed == 1 + 2


@must(
    "queues.spider.errors-do-not-stop-it",
    "A page that fails gives no links and counts as done, for task_done() stands in a finally block.",
    doc("queues.Queue.task_done"),
    seed("SEED-195"),
    seed("SEED-200"),
)
async def test_spider_errors(clock):
    assert await crawl(BASE, slow({}), 3, timeout=timedelta(seconds=300)) == [BASE]
    assert clock.elapsed == 1


@must(
    "queues.spider.gives-up",
    "If a page takes longer than the timeout of join(), the spider ends with TimeoutError.",
    doc("queues.Queue.join"),
    seed("SEED-203"),
)
async def test_spider_gives_up(clock):
    pages = {**SITE, BASE + "queues.html": "never"}
    with pytest.raises(api.util.TimeoutError):
        await crawl(BASE, slow(pages), 10, timeout=timedelta(seconds=300))
    assert clock.elapsed == 300


@must(
    "queues.spider.thousand-pages",
    "Ten workers fetch a site of a thousand pages: each page once, and what they began to fetch is what they fetched.",
    doc("queues.Queue"),
    seed("SEED-192"),
    seed("SEED-193"),
    seed("SEED-194"),
    seed("SEED-204"),
)
async def test_thousand_pages():
    pages = site.linked_pages(1000)
    async with site.served(pages) as address:
        fetched = await crawl(address + "/docs/", site.fetch, 10, timeout=timedelta(seconds=300))
    assert len(fetched) == 1000
    assert {url.removeprefix(address) for url in fetched} == set(pages)
