"""The pages of the examples in a real browser: two windows, a reload, a lost connection, a server that starts again."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.selftest.devtools import Browser, Proxy, browsing, chromium
from conformance.selftest.started import PATIENCE, Started, started
from waterspout import gen, httpclient

#: The shop in each style and with each transport: its program, its page, and where its cart is kept.
SHOPS = [
    ("books/long_polling.py", "/"),
    ("books/web_socket.py", "/"),
    ("books/modern.py", "/?transport=polling"),
    ("books/modern.py", "/"),
]


@pytest.fixture(scope="module")
def devtools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with chromium(tmp_path_factory.mktemp("profile")) as address:
        yield address


def shop_arguments(name: str, tmp_path: Path) -> list[str]:
    """Return the arguments of a shop with ten copies in a file."""
    secret = ["--secret=of the test"] if "modern" in name else []
    return [f"--database={tmp_path / 'stock.sqlite'}", *secret, "--logging=error"]


@pytest.mark.parametrize(("name", "page"), SHOPS)
def test_two_windows_see_one_stock(name: str, page: str, tmp_path: Path, devtools: str) -> None:
    """What is taken in one falls in the other; a lost connection and a new server are survived, and the stock, too."""
    arguments = shop_arguments(name, tmp_path)
    with contextlib.ExitStack() as programs:
        first = programs.enter_context(started(name, *arguments))

        async def main() -> None:
            proxy = Proxy(first.port)
            async with proxy.running() as url, browsing(devtools) as (browser, context):
                # Another context is another shopper.
                other = (await browser.call("Target.createBrowserContext"))["browserContextId"]
                mine, theirs = await browser.window(url + page, context), await browser.window(url + page, other)
                await theirs.shows("count", "10")
                await mine.click("add-button")
                await mine.visible("remove-from-cart")
                await theirs.shows("count", "9")

                await proxy.lose()
                await mine.click("remove-button")
                await mine.visible("add-to-cart")
                await theirs.shows("count", "10")

                await mine.click("add-button")
                await theirs.shows("count", "9")
                await theirs.reload()
                await theirs.shows("count", "9")
                if "modern" in name:
                    # The listing gives each page a new session; here the cart is the browser's.
                    await mine.reload()
                    await mine.visible("remove-from-cart")

                programs.close()
                await mine.click("remove-button")
                await mine.shows("notice", "The shop cannot be reached; please try again.")
                # In a thread: meanwhile the proxy turns the pages away.
                second = await asyncio.to_thread(programs.enter_context, started(name, *arguments))
                proxy.server_port = second.port
                await mine.click("remove-button")
                await mine.visible("add-to-cart")
                await theirs.shows("count", "10")

        asyncio.run(main())


@pytest.mark.parametrize("name", ["books/long_polling.py", "books/web_socket.py", "books/modern.py"])
def test_the_stock_never_falls_below_zero(name: str, tmp_path: Path) -> None:
    """Forty shoppers at once, ten copies; and none comes back by a new start."""
    arguments = shop_arguments(name, tmp_path)
    with started(name, *arguments) as shop:
        assert rush([shop], 40) == {200: 10, 409: 30}
        assert count(shop) == "0"
    with started(name, *arguments) as shop:
        assert count(shop) == "0"
        assert rush([shop], 4) == {409: 4}
        assert shop.post("/cart", {"action": "steal", "session": "s"}).code == 400
        assert shop.post("/cart", {"session": "s"}).code == 400


def test_all_polls_are_answered_by_one_change(tmp_path: Path) -> None:
    """All pages hear at the same time, and all come again; who shows an old count is answered at once."""
    name = "books/long_polling.py"

    async def polls(shop: Started, shown: str) -> set[str]:
        client = httpclient.AsyncHTTPClient(force_instance=True, max_clients=50)
        polls = [client.fetch(f"{shop.url}/cart/status?shown={shown}") for _ in range(50)]
        change = asyncio.to_thread(shop.post, "/cart", {"action": "add", "session": shown})
        answers, _ = await asyncio.gather(gen.multi(polls), change)
        client.close()
        return {answer.body.decode() for answer in answers}

    with started(name, *shop_arguments(name, tmp_path)) as shop:
        assert asyncio.run(polls(shop, "10")) == {'{"inventoryCount":"9"}'}
        assert asyncio.run(polls(shop, "9")) == {'{"inventoryCount":"8"}'}


def test_two_servers_share_a_stock_in_redis(tmp_path: Path, devtools: str) -> None:
    """A window at each of them; then forty shoppers at both."""
    with redis(tmp_path) as url, contextlib.ExitStack() as programs:
        arguments = [f"--redis={url}", "--secret=of the test"]
        shops = [programs.enter_context(started("books/modern.py", *arguments)) for _ in range(2)]

        async def main() -> None:
            async with browsing(devtools) as (browser, context):
                await windows_of_two_servers(browser, context, shops)

        asyncio.run(main())
        assert rush(shops, 40) == {200: 9, 409: 31}
        assert [count(shop) for shop in shops] == ["0", "0"]


async def windows_of_two_servers(browser: Browser, context: str, shops: list[Started]) -> None:
    """Put the book into a cart at one server; the page of the other shows it, by either transport."""
    mine = await browser.window(shops[0].url, context)
    others = [await browser.window(shops[1].url + page, context) for page in ("/?transport=polling", "/")]
    for other in others:
        await other.shows("count", "10")
    await mine.click("add-button")
    await mine.visible("remove-from-cart")
    for other in others:
        await other.shows("count", "9")


@pytest.mark.parametrize("style", ["classic", "modern"])
def test_a_chat_in_two_windows(style: str, devtools: str) -> None:
    """What one says both show, once and in order; what was said while the connection was lost comes later."""
    name = f"chat/{style}.py"
    with contextlib.ExitStack() as programs:
        first = programs.enter_context(started(name))

        async def main() -> None:
            proxy = Proxy(first.port)
            async with proxy.running() as url, browsing(devtools) as (browser, context):
                windows = [await browser.window(url, context) for _ in range(2)]
                for text in ("hello", "<b>bold</b>"):
                    await windows[0].run(f"text.value = {text!r}; form.requestSubmit()")
                    await windows[0].shows("messages", "hello" if text == "hello" else "hello<b>bold</b>")
                await windows[1].shows("messages", "hello<b>bold</b>")
                await proxy.lose()
                assert first.post("/messages", {"text": "!"}).code == 200
                for window in windows:
                    await window.shows("messages", "hello<b>bold</b>!")
                programs.close()
                second = await asyncio.to_thread(programs.enter_context, started(name))
                proxy.server_port = second.port
                assert second.post("/messages", {"text": "?"}).code == 200
                for window in windows:
                    await window.shows("messages", "hello<b>bold</b>!?")

        asyncio.run(main())
    with started(name) as room:
        assert room.post("/messages", {"text": ""}).code == 400


def test_the_page_of_the_echo(devtools: str) -> None:
    with started("echo/modern.py") as program:

        async def main() -> None:
            async with browsing(devtools) as (browser, context):
                window = await browser.window(program.url, context)
                await window.shows("log", "connected!")
                await window.run("text.value = 'hello'; form.requestSubmit()")
                await window.shows("log", "connected!hello")

        asyncio.run(main())


def count(shop: Started) -> str:
    """Return the stock that the shop's page shows."""
    return shop.ask("/").text.partition('id="count">')[2].partition("<")[0]


def rush(shops: list[Started], shoppers: int) -> Counter[int]:
    """Have shoppers take a copy at the same time, at the shops in turn; return how often each status came."""
    told: Counter[int] = Counter()
    ready = threading.Barrier(shoppers)

    def shop_at(shop: Started, number: int) -> None:
        cookie = shop.ask("/").headers.get("Set-Cookie", "").split(";")[0]
        ready.wait(PATIENCE)
        answer = shop.post("/cart", {"action": "add", "session": f"shopper {number} {uuid.uuid4()}"}, Cookie=cookie)
        told[answer.code] += 1

    threads = [threading.Thread(target=shop_at, args=(shops[n % len(shops)], n)) for n in range(shoppers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return told


@contextlib.contextmanager
def redis(directory: Path) -> Iterator[str]:
    """Start a Redis of the test's own, on a socket in its directory; yield its address."""
    server = shutil.which("redis-server")
    if server is None or importlib.util.find_spec("redis") is None:
        needed = "needs Redis: install it (Debian: redis-server) and its client (pip install redis)"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(needed)
    path = directory / "redis.sock"
    command = [server, "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if "eady to accept connections" in line:
                    break
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(path))
            yield f"unix://{path}"
        finally:
            process.terminate()
