"""The examples of the guide and of the book's first half, each started by its command and driven over HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from conformance.selftest.started import PATIENCE, Started, ran, started
from conformance.selftest.test_examples import example

STYLES = ["classic", "modern"]


@pytest.mark.parametrize(("name", "text"), [("hello.py", "Hello world"), ("hello_modern.py", "Hello, world")])
def test_hello(name: str, text: str) -> None:
    with started(name) as hello:
        assert hello.ask("/").text == text


@pytest.mark.parametrize("style", STYLES)
def test_routing(style: str) -> None:
    with started(f"routing/{style}.py") as site:
        assert site.ask("/").text == '<a href="/story/1">link to story 1</a>'
        assert site.ask("/story/1").text == "this is story 1: a beginning"
        assert "a middle" in site.ask("/story/2").text
        assert [site.ask(path).code for path in ("/story/9", "/story/x", "/story/")] == [404, 404, 404]


@pytest.mark.parametrize("style", STYLES)
def test_redirects(style: str) -> None:
    with started(f"redirects/{style}.py") as site:
        seen = {path: site.ask(path) for path in ("/app", "/pictures/2012/cat", "/news")}
        assert {path: (answer.code, answer.headers["Location"]) for path, answer in seen.items()} == {
            "/app": (301, "http://itunes.apple.com/my-app-id"),
            "/pictures/2012/cat": (301, "/photos/2012/cat"),
            "/news": (302, "/photos/today"),
        }
        assert site.ask("/photos/2012/cat").text == "photo 2012/cat"
        sent_on = site.post("/photos/cat", {})
        assert (sent_on.code, sent_on.headers["Location"]) == ({"classic": 302, "modern": 303}[style], "/photos/cat")


@pytest.mark.parametrize("style", STYLES)
def test_error_pages(style: str, tmp_path: Path) -> None:
    with started(f"errors/{style}.py", log=tmp_path / "log") as site:
        for method in ("GET", "POST", "DELETE"):
            answer = site.ask("/nowhere", method, b"" if method == "POST" else None)
            assert (answer.code, "Sorry: 404 Not Found" in answer.text) == (404, True)
        broken = site.ask("/broken")
        assert (broken.code, "Sorry: 500" in broken.text, "bug" in broken.text) == (500, True, False)
        assert (site.ask("/teapot").code, site.ask("/teapot").text) == (418, "no coffee here")
        if style == "modern":
            problem = site.ask("/broken", Accept="application/json")
            assert json.loads(problem.text) == {"status": 500, "title": "Internal Server Error"}
            assert problem.headers["Content-Type"] == "application/problem+json"
        else:
            assert site.ask("/forbidden").text == "<h1>Sorry: 403 Forbidden</h1>"
            assert site.ask("/teapot").headers["Server"] == "Burt's"
    assert "ZeroDivisionError: a bug" in (tmp_path / "log").read_text()


def test_forms_and_files_as_in_the_guide() -> None:
    with started("forms/classic.py") as site:
        assert 'name="message"' in site.ask("/myform").text
        wrote = site.post("/myform", {"message": "<b>"})
        assert (wrote.text, wrote.headers["Content-Type"]) == ("You wrote <b>", "text/plain")
        assert site.post("/myform", {}).code == 400
        body, kind = form_data({"a.txt": b"one", "b.bin": b"\0" * 1000})
        sent = site.ask("/post", "POST", body, Content_Type=kind)
        assert sent.text == 'POST: "a.txt" "text/plain" 3 bytes\nPOST: "b.bin" "text/plain" 1000 bytes\n'
        told = site.ask("/json", "POST", b'{"n": 1}', Content_Type="application/json")
        assert json.loads(told.text) == {"received": {"n": 1}}
        # Without a Content-Type there is nothing to decode.
        assert json.loads(site.ask("/json", "POST", b"{").text) == {"received": None}


def test_forms_and_files_in_pieces() -> None:
    with started("forms/modern.py") as site:
        page = site.ask("/")
        token = re.search(r'name="_xsrf" value="([^"]+)"', page.text)
        assert token is not None
        cookie = page.headers["Set-Cookie"].split(";")[0]
        body, kind = form_data({"a.txt": b"one"}, message="<b>", _xsrf=token[1])
        sent = site.ask("/", "POST", body, Content_Type=kind, Cookie=cookie)
        assert sent.text == "You wrote &lt;b&gt;\n<p>POST: a.txt text/plain 3 bytes\n"
        assert site.ask("/", "POST", body, Content_Type=kind).code == 403
        file = b"0123456789abcdef" * 200_000
        received = json.loads(site.ask("/put/a%20file", "PUT", file).text)
        assert received == {"name": "a file", "bytes": len(file), "sha256": hashlib.sha256(file).hexdigest()}


def form_data(files: dict[str, bytes], **fields: str) -> tuple[bytes, str]:
    """Return a multipart body, and its Content-Type."""
    parts = [
        f'--limit\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode() for n, v in fields.items()
    ]
    for name, body in files.items():
        head = f'--limit\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
        parts.append(f"{head}Content-Type: text/plain\r\n\r\n".encode() + body + b"\r\n")
    return b"".join(parts) + b"--limit--\r\n", "multipart/form-data; boundary=limit"


@pytest.fixture(scope="module")
def hello() -> Iterator[Started]:
    with started("hello_modern.py") as program:
        yield program


@pytest.mark.parametrize("style", STYLES)
def test_coroutines(style: str, hello: Started) -> None:
    printed = ran(f"coroutines/{style}.py", hello.url, hello.url)
    assert "division by zero" in printed
    assert ": OTHER ARGS\n" in printed
    assert "loop_example: ['one', 'two', 'three']\n" in printed
    assert "parallel_fetch_many: [200, 200]\n" in printed


@pytest.mark.parametrize("style", STYLES)
def test_fetching(style: str, hello: Started) -> None:
    assert set(re.findall(r"\d+ bytes", ran(f"fetching/{style}.py", hello.url))) == {"12 bytes"}


@pytest.mark.parametrize("style", STYLES)
def test_the_loops_of_the_background(style: str) -> None:
    """The plain one repeats every 60 + N seconds, the exact one every 60."""
    with example("coroutines", style) as (module,):
        exact = module.minute_loop2 if style == "classic" else module.exact_minute_loop
        assert [_starts(loop) for loop in (module.minute_loop, exact)] == [[0, 65, 130], [0, 60, 120]]


def _starts(minute_loop: Any) -> list[int]:
    """Return when a loop starts its work, which takes five seconds, three times."""
    loop = SkippingLoop()
    begun: list[int] = []
    ended = loop.create_future()

    async def do_something() -> None:
        begun.append(round(loop.time() - start))
        if len(begun) == 3:
            ended.set_result(None)
        await asyncio.sleep(5)

    async def main() -> None:
        running = asyncio.ensure_future(minute_loop(do_something))
        await ended
        running.cancel()

    start = loop.time()
    try:
        loop.run_until_complete(main())
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
    finally:
        loop.close()
    return begun


class SkippingLoop(asyncio.SelectorEventLoop):
    """A loop that does not wait for its timers: its time is that of the next one."""

    skipped = 0.0

    def time(self) -> float:
        return super().time() + self.skipped

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self.skipped += max(0.0, self._scheduled[0].when() - self.time())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


@pytest.mark.parametrize("style", STYLES)
def test_interleaving(style: str) -> None:
    """The next chunk is asked for before the one at hand is written."""
    told: list[str] = []

    async def fetch_next_chunk() -> str | None:
        told.append("fetch")
        return "chunk" if told.count("fetch") < 3 else None

    async def write(chunk: str) -> None:
        told.append("write")

    def fetch() -> Any:
        return asyncio.ensure_future(fetch_next_chunk())

    async def main(module: Any) -> None:
        await module.interleaved(fetch if style == "classic" else fetch_next_chunk, write)

    with example("coroutines", style) as (module,):
        asyncio.run(main(module))
    assert told[0] == "fetch"
    assert (told.count("fetch"), told.count("write")) == (3, 2)


def test_the_spider_of_the_guide() -> None:
    with started("crawler/local_site.py", "--pages=40") as site:
        printed = ran("crawler/spider.py", f"{site.url}/docs/")
    assert re.search(r"Done in \d+ seconds, fetched 40 URLs\.\n$", printed)
    assert printed.count("fetched http") == 40


def test_callbacks_in_callbacks_and_the_same_without(hello: Started) -> None:
    from waterspout import httpclient, httpserver, netutil, web

    async def main(handler: Any) -> bytes:
        app = web.Application([("/", handler, {"urls": [hello.url] * 3})])
        server, sockets = httpserver.HTTPServer(app), netutil.bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        try:
            url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}/"
            return (await httpclient.AsyncHTTPClient().fetch(url)).body
        finally:
            httpclient.AsyncHTTPClient().close()
            server.stop()
            await server.close_all_connections()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        for style in STYLES:
            with example("fetching", style) as (module,):
                assert asyncio.run(main(module.ChainedHandler)) == b"Hello, world" * 3


@pytest.fixture(scope="module")
def api() -> Iterator[Started]:
    with started("tweets/search_api.py", "--delay=0") as program:
        yield program


@pytest.mark.parametrize("version", ["synchronous", "callback", "engine", "modern"])
def test_tweets_per_second(version: str, api: Started) -> None:
    """All versions show the same page."""
    with started(f"tweets/{version}.py", f"--search={api.url}/search.json") as service:
        page = service.ask("/?q=%3Cpants%3E").text
        # A hundred tweets, the oldest made 49.5 seconds ago; a busy machine makes it a little more.
        rate = re.search(r'144px">(\d\.\d\d)<', page)
        assert rate is not None
        assert 1.5 < float(rate[1]) < 2.1
        assert '72px">&lt;pants&gt;<' in page
        assert '144px">0.00<' in service.ask("/?q=nothing").text
        assert service.ask("/").code == 400


@pytest.mark.parametrize(("version", "code"), [("engine", 500), ("modern", 502)])
def test_tweets_without_a_search_api(version: str, code: int, api: Started, tmp_path: Path) -> None:
    with started(f"tweets/{version}.py", f"--search={api.url}/elsewhere", log=tmp_path / "log") as service:
        assert service.ask("/?q=pants").code == code
    assert "HTTP 404: Not Found" in (tmp_path / "log").read_text()


@pytest.mark.parametrize("style", STYLES)
def test_echo(style: str) -> None:
    texts = ["", "größer", "x" * 70_000]
    with started(f"echo/{style}.py") as program:
        assert "new WebSocket" in program.ask("/").text
        with connect(f"ws://127.0.0.1:{program.port}/echo") as socket:
            assert socket.recv(PATIENCE) == "connected!"
            for text in texts:
                socket.send(text)
                assert socket.recv(PATIENCE) == text
