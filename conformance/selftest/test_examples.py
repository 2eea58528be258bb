"""The examples do what they say."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from waterspout import httpserver, netutil

EXAMPLES = Path(__file__).parents[2] / "examples"


@contextlib.contextmanager
def example(directory: str, *names: str) -> Iterator[list[ModuleType]]:
    """Import modules of an example as a program started there would, and forget them afterwards."""
    sys.path.insert(0, str(EXAMPLES / directory))
    before = set(sys.modules)
    try:
        yield [importlib.import_module(name) for name in names]
    finally:
        sys.path.pop(0)
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(EXAMPLES)):
                del sys.modules[name]


async def _crawl(crawler: Any, app: Any, **options: Any) -> tuple[str, set[str], set[str]]:
    """Serve the application on loopback, crawl it; return its address, what was seen and what was fetched."""
    server = httpserver.HTTPServer(app)
    (socket,) = netutil.bind_sockets(0, "127.0.0.1")
    server.add_sockets([socket])
    base = f"http://127.0.0.1:{socket.getsockname()[1]}/docs/"
    try:
        seen, fetched = await crawler.crawl(base, **options)
    finally:
        server.stop()
        await server.close_all_connections()
    return base, seen, fetched


def test_the_crawler_fetches_a_thousand_pages_each_of_them_once(capsys: pytest.CaptureFixture[str]) -> None:
    """At the end it has fetched what it has seen, and that is the whole site."""
    with example("crawler", "crawler", "local_site") as (crawler, local_site):
        served: list[int] = []

        class Counting(local_site.PageHandler):  # type: ignore[misc, name-defined]
            def get(self, number: str | None) -> None:
                served.append(int(number or 0))
                super().get(number)

        local_site.PageHandler = Counting  # type: ignore[attr-defined]
        base, seen, fetched = asyncio.run(_crawl(crawler, local_site.make_app(1000)))
    assert fetched == seen == {base, *(f"{base}{number}.html" for number in range(1, 1000))}
    assert sorted(served) == list(range(1000))
    assert "Exception" not in capsys.readouterr().out


def test_the_crawler_counts_pages_that_fail_as_done(capsys: pytest.CaptureFixture[str]) -> None:
    """It says which, and goes on to its end."""
    with example("crawler", "crawler", "local_site") as (crawler, local_site):
        app = local_site.make_app(0)
        base, seen, fetched = asyncio.run(_crawl(crawler, app, concurrency=3))
    assert seen == fetched == {base}
    assert capsys.readouterr().out.startswith("Exception: ")


def test_the_crawler_gives_up_at_its_deadline() -> None:
    """With the TimeoutError of asyncio, and without leaving a worker behind."""
    with example("crawler", "crawler") as (crawler,):

        async def never(url: str) -> str:
            await asyncio.Event().wait()
            return ""

        crawler.fetch = never  # type: ignore[attr-defined]

        async def main() -> None:
            with pytest.raises(asyncio.TimeoutError):
                await crawler.crawl("http://site.example/", timeout=0)
            assert asyncio.all_tasks() == {asyncio.current_task()}

        asyncio.run(main())
