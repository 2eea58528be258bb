"""Fixtures for pytest: an event loop, a server of the application under test, a client.

pytest loads this by itself. A test module says what is under test by a fixture of its own, ``app``::

    @pytest.fixture
    def app():
        return make_app()

    async def test_index(http_client, base_url):
        response = await http_client.fetch(base_url + "/")
        assert response.code == 200

Whatever asks for one of the fixtures has the loop ``io_loop``, which is current and closed after the test; a test that
is a coroutine runs on it. It fails after as many seconds as `testing.get_async_test_timeout` tells, or as its mark
says: ``@pytest.mark.gen_test(timeout=10)``.
"""

from __future__ import annotations

import functools
import inspect
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    # Imported where they are used: pytest loads this module for every project.
    from waterspout.httpclient import AsyncHTTPClient
    from waterspout.httpserver import HTTPServer
    from waterspout.ioloop import IOLoop

_MARK = "gen_test"
_LOOP = "io_loop"
#: Marks by which other plugins take a coroutine for themselves.
_FOREIGN_MARKS = ("asyncio", "anyio", "trio")


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line(
        "markers", f"{_MARK}(timeout=None): how many seconds a coroutine on the loop of the fixture {_LOOP} may take"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine on the loop of its fixtures."""
    io_loop: Any = pyfuncitem.funcargs.get(_LOOP)
    foreign = any(pyfuncitem.get_closest_marker(name) for name in _FOREIGN_MARKS)
    if io_loop is None or foreign or not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    from waterspout._test_loop import get_async_test_timeout

    mark = pyfuncitem.get_closest_marker(_MARK)
    timeout = mark.kwargs.get("timeout") if mark is not None else None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    test = functools.partial(pyfuncitem.obj, **arguments)
    io_loop.run_sync(test, timeout=get_async_test_timeout() if timeout is None else timeout)
    return True


@pytest.fixture
def io_loop() -> Iterator[IOLoop]:
    """The event loop of the test, which is current. What still runs on it after the test is cancelled."""
    from waterspout._test_loop import LoopOfTest
    from waterspout.ioloop import IOLoop

    loop: IOLoop = IOLoop(make_current=False)
    of_test = LoopOfTest(loop)
    yield loop
    of_test.close()


@pytest.fixture
def app() -> Any:
    """The application under test. Override it."""
    pytest.fail("define a fixture `app` that returns the application to serve", pytrace=False)


@pytest.fixture
def http_server_options() -> dict[str, Any]:
    """Keyword arguments of the server; with ``ssl_options`` it speaks TLS. Override it."""
    return {}


@pytest.fixture
def _http_socket() -> Iterator[socket.socket]:
    from waterspout.testing import bind_unused_port

    sock, _ = bind_unused_port()
    yield sock
    # Where there is a server it has done so.
    sock.close()


@pytest.fixture
def http_port(_http_socket: socket.socket) -> int:
    """The port of the server, which ``app`` may use, too."""
    port: int = _http_socket.getsockname()[1]
    return port


@pytest.fixture
def http_server(
    io_loop: IOLoop, _http_socket: socket.socket, app: Any, http_server_options: dict[str, Any]
) -> Iterator[HTTPServer]:
    """A server of ``app`` on a free port of 127.0.0.1."""
    from waterspout._test_loop import get_async_test_timeout
    from waterspout.httpserver import HTTPServer

    server = HTTPServer(app, **http_server_options)
    server.add_sockets([_http_socket])
    yield server
    server.stop()
    io_loop.run_sync(server.close_all_connections, timeout=get_async_test_timeout())


@pytest.fixture
def base_url(http_server: HTTPServer, http_port: int, http_server_options: dict[str, Any]) -> str:
    """The URL of the server, which runs, without a path."""
    scheme = "https" if http_server_options.get("ssl_options") is not None else "http"
    return f"{scheme}://127.0.0.1:{http_port}"


@pytest.fixture
def http_client(io_loop: IOLoop) -> Iterator[AsyncHTTPClient]:
    """A client of HTTP. It does not check certificates, because those of tests are signed by nobody."""
    from waterspout.httpclient import AsyncHTTPClient

    client = AsyncHTTPClient(force_instance=True, defaults={"validate_cert": False})
    yield client

    async def close() -> None:
        client.close()

    io_loop.run_sync(close)
