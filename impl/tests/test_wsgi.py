"""The insides of the bridges to WSGI: threads that wait, loops that end, applications in a server on a loop."""

from __future__ import annotations

import asyncio
import functools
import io
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from waterspout import web, wsgi
from waterspout.concurrent import dummy_executor
from waterspout.httputil import HTTPConnection, HTTPServerRequest


def in_loop(case: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a case in a loop of its own."""
    return functools.wraps(case)(lambda: asyncio.run(case()))


class Connection(HTTPConnection):
    """Keeps what is written; ``room`` is what writers wait for."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.room: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def write_headers(self, start_line: Any, headers: Any, chunk: bytes | None = None) -> asyncio.Future[None]:
        return self.write(chunk or b"")

    def write(self, chunk: bytes) -> asyncio.Future[None]:
        self.written.append(chunk)
        return self.room

    def finish(self) -> None:
        self.written.append(b"end")


def request() -> HTTPServerRequest:
    return HTTPServerRequest("GET", "/", connection=Connection(), host="h")


def pieces(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", [])
    yield b"first"
    yield b"second"


@in_loop
async def test_thread_waits_for_room() -> None:
    with ThreadPoolExecutor(1) as pool:
        asked = request()
        running = asyncio.ensure_future(wsgi.WSGIContainer(pieces, pool).handle_request(asked))
        while not asked.connection.written:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert asked.connection.written == [b"first"]
        asked.connection.room.set_result(None)
        await running
        assert asked.connection.written == [b"first", b"second", b"end"]


def test_loop_that_stops_releases_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wsgi, "_LOOK", 0.01)
    failures: list[BaseException] = []
    begun = threading.Event()

    def application(environ: Any, start_response: Any) -> Any:
        write = start_response("200 OK", [])
        try:
            begun.set()
            write(b"nobody takes it")
        except BaseException as error:
            failures.append(error)
            raise
        return []

    async def main(pool: ThreadPoolExecutor) -> None:
        wsgi.WSGIContainer(application, pool)(request())
        await asyncio.get_running_loop().run_in_executor(None, begun.wait)

    with ThreadPoolExecutor(1) as pool:
        asyncio.run(main(pool))
    assert isinstance(failures[0], RuntimeError)


@in_loop
async def test_dummy_executor_is_the_loop() -> None:
    container = wsgi.WSGIContainer(pieces, dummy_executor)
    asked = request()
    asked.connection.room.set_result(None)
    await container.handle_request(asked)
    assert container.executor is None
    assert asked.connection.written == [b"first", b"second", b"end"]


class Waits(web.RequestHandler):
    async def get(self) -> None:
        await asyncio.sleep(0)
        await self.flush()
        self.write(self.request.protocol)


class Silent(web.RequestHandler):
    _auto_finish = False

    def get(self) -> None:
        pass


def call(path: str) -> tuple[list[Any], list[bytes]]:
    with pytest.warns(DeprecationWarning, match="WSGIAdapter"):
        adapter = wsgi.WSGIAdapter(web.Application([("/waits", Waits), ("/silent", Silent)]))
    said: list[Any] = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "SERVER_NAME": "h", "wsgi.url_scheme": "https"}
    content = adapter({**environ, "wsgi.input": io.BytesIO()}, lambda *args: said.extend(args))
    return said, content


def test_coroutine_in_a_wsgi_server() -> None:
    said, content = call("/waits")
    assert (said[0], content) == ("200 OK", [b"https"])


@in_loop
async def test_adapter_in_a_server_on_a_loop() -> None:
    assert call("/waits")[1] == [b"https"]


def test_handler_that_never_finishes() -> None:
    with pytest.raises(RuntimeError, match="GET /silent was not answered"):
        call("/silent")


def test_older_names() -> None:
    assert wsgi.HTTPRequest is HTTPServerRequest
    assert wsgi.from_wsgi_str("\xe9") == b"\xe9"
