"""The client's side of a connection, and what is built right on it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Coroutine
from typing import Any

import pytest
from _transport_double import TransportDouble

from waterspout import _fetch_command
from waterspout._client_driver import MAX_BACKLOG, ClientDriver
from waterspout._client_fetch import Patience
from waterspout.httpclient import AsyncHTTPClient, HTTPClient
from waterspout.iostream import StreamClosedError
from waterspout.protocol.http1 import Data, EndOfMessage, Limits, Request, Response

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class SocketDouble(TransportDouble):
    """A transport that has a socket to ask."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__()
        self._socket = sock

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._socket if name == "socket" else super().get_extra_info(name, default)


def on_loop(main: Coroutine[Any, Any, None]) -> None:
    """Run a test."""
    asyncio.run(main)


def begun() -> tuple[ClientDriver, TransportDouble]:
    """Return a driver that has sent a request, and what it sends through."""
    driver, transport = ClientDriver(Limits(), asyncio.get_running_loop()), TransportDouble()
    driver.connection_made(transport)
    driver.begin()
    driver.write(driver.http.send(Request("GET", "/", [("Host", "h")])) + driver.http.send_end())
    return driver, transport


async def events(driver: ClientDriver, number: int) -> list[type]:
    """Return the kinds of the next events."""
    return [type(await driver.receive()) for _ in range(number)]


def test_an_exchange_and_another() -> None:
    """The connection is fit for another one when both sides are done."""

    async def main() -> None:
        driver, transport = begun()
        assert not driver.received
        driver.data_received(OK[:-1])
        assert await events(driver, 2) == [Response, Data]
        assert not driver.end_exchange()
        driver.data_received(OK[-1:])
        assert await events(driver, 2) == [Data, EndOfMessage]
        assert (driver.received, driver.exchanges, driver.end_exchange()) == (True, 1, True)
        assert transport.written.startswith(b"GET / HTTP/1.1\r\nHost: h\r\n")

    on_loop(main())


def test_a_server_feels_that_nobody_looks() -> None:
    """Reading stops when too much waits, and goes on when it is gone."""

    async def main() -> None:
        driver, transport = begun()
        driver.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n" + bytes(MAX_BACKLOG))
        assert transport.paused
        assert await events(driver, 2) == [Response, Data]
        waiting = asyncio.ensure_future(driver.receive())
        await asyncio.sleep(0)
        assert not transport.paused
        driver.data_received(b"x")
        assert isinstance(await waiting, Data)

    on_loop(main())


def test_an_end_is_told_to_those_who_wait() -> None:
    """To a reader, a writer, and to whoever comes later."""

    async def main() -> None:
        driver, _ = begun()
        driver.pause_writing()
        reading, writing = asyncio.ensure_future(driver.receive()), driver.write(b"")
        await asyncio.sleep(0)
        driver.connection_lost(OSError("gone"))
        for waiting in (reading, writing, driver.write(b"more")):
            with pytest.raises(StreamClosedError):
                await waiting
        with pytest.raises(StreamClosedError):
            await driver.receive()
        assert not driver.end_exchange()

    on_loop(main())


def test_an_end_after_the_answer_is_no_error() -> None:
    """What has come is read before the end is."""

    async def main() -> None:
        driver, _ = begun()
        driver.data_received(OK)
        driver.eof_received()
        driver.connection_lost(None)
        assert await events(driver, 3) == [Response, Data, EndOfMessage]

    on_loop(main())


def test_interruptions_wait_for_what_came_before() -> None:
    """The program's error is raised when nothing else is there."""

    async def main() -> None:
        driver, _ = begun()
        driver.data_received(OK[:-2])
        driver.interrupt(ZeroDivisionError())
        driver.interrupt(KeyError())
        assert await events(driver, 1) == [Response]
        with pytest.raises(ZeroDivisionError):
            await driver.receive()

    on_loop(main())


def test_quiet_connections_must_be_quiet() -> None:
    """A byte, an end, or what the loop has not seen yet: all of it makes a waiting connection useless."""

    async def main() -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            driver = ClientDriver(Limits(), asyncio.get_running_loop())
            driver.connection_made(SocketDouble(ours))
            assert driver.is_alive()
            theirs.send(b"x")
            assert not driver.is_alive()
            told: list[ClientDriver] = []
            driver.on_quiet_end = told.append
            driver.data_received(b"x")
            assert told == [driver]
            driver.close()
            assert (driver.on_quiet_end, driver.is_alive()) == (None, False)

    on_loop(main())


def test_patience_ends_once() -> None:
    """The last deadline counts, and says why the task was cancelled."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        patience = Patience(asyncio.current_task())
        patience.until(loop.time() - 1, "too late")
        patience.until(float("inf"), "never")
        for _ in range(3):
            await asyncio.sleep(0)
        patience.until(loop.time() - 1, "now")
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(60)
        assert patience.over == "now"
        patience.stop()

    on_loop(main())


@contextlib.contextmanager
def service(*answers: bytes) -> Any:
    """Give the URL of a server in a thread, which sends one answer on each connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for answer in answers:
            with listener.accept()[0] as connection:
                connection.recv(65536)
                connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        thread.join()
        listener.close()


LAST = b"HTTP/1.1 404 Nowhere\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno"


def test_the_command(capfd: pytest.CaptureFixture[str]) -> None:
    """It prints what the options ask for, also of errors; without an answer it says why."""
    with service(LAST) as url:
        _fetch_command.main(["--print_headers", url])
    lines = capfd.readouterr().out.splitlines()
    assert lines[0] == "Connection: close"
    assert lines[-2:] == ["", "no"]
    with service(b"nonsense\r\n\r\n") as url, pytest.raises(SystemExit, match=r"127\.0"):
        _fetch_command.main([url])
    with pytest.raises(SystemExit, match="scheme"):
        _fetch_command.main(["ftp://a.test/"])


def test_blocking_clients_clean_up() -> None:
    """Whether closed, left, forgotten, or never made."""
    with service(LAST) as url, HTTPClient() as client:
        assert client.fetch(url, raise_error=False).code == 404
    client.close()
    with pytest.raises(RuntimeError):
        client.fetch("http://127.0.0.1/")
    forgotten = HTTPClient()
    loop = forgotten._io_loop.asyncio_loop
    del forgotten
    assert loop.is_closed()
    with pytest.raises(ValueError, match="max_clients"):
        HTTPClient(max_clients=0)


def test_kinds_of_clients() -> None:
    """Each class has its own instances; arguments of old are understood."""

    class Other(AsyncHTTPClient):
        def fetch_impl(self, request: Any, callback: Any) -> None:
            raise ZeroDivisionError

    async def main() -> None:
        client = Other()
        assert client is Other()
        usual = AsyncHTTPClient(io_loop=client.io_loop)
        assert usual is not client
        with pytest.raises(ZeroDivisionError):
            client.fetch("http://a.test/")
        with pytest.raises(NotImplementedError):
            AsyncHTTPClient.fetch_impl(client, None, lambda response: None)
        client.close()
        usual.close()

    on_loop(main())
