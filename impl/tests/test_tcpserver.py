"""Listening before and in a running loop, and stopping."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from waterspout import tcpserver
from waterspout.ioloop import IOLoop
from waterspout.netutil import bind_sockets


class Greeter(asyncio.Protocol):
    """Says hello and closes."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        transport.write(b"hello")
        transport.close()


class GreetingServer(tcpserver.TCPServer):
    """Serves with `Greeter`."""

    def make_protocol(self) -> asyncio.BaseProtocol:
        return Greeter()


def port_of(server: tcpserver.TCPServer, listener: int = 0) -> Any:
    """Return the port of a listener, the first one."""
    return server._listeners[listener].socket.getsockname()[1]


async def greeting(port: int) -> bytes:
    """Return what the server says."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    said = await reader.read()
    writer.close()
    await writer.wait_closed()
    return said


def test_a_server_that_listens_before_the_loop_runs_serves_when_it_does() -> None:
    """Connections made in between wait."""
    loop = IOLoop()
    server = GreetingServer()
    server.listen(0, "127.0.0.1")
    with socket.create_connection(("127.0.0.1", port_of(server))) as early:

        async def later() -> bytes:
            assert await asyncio.get_running_loop().run_in_executor(None, early.recv, 100) == b"hello"
            return await greeting(port_of(server))

        assert loop.run_sync(later) == b"hello"
    server.stop()
    loop.run_sync(lambda: asyncio.sleep(0))
    loop.close()


def test_a_server_that_listens_in_a_running_loop_serves_at_once() -> None:
    """And refuses connections once stopped."""

    async def test() -> None:
        server = GreetingServer()
        server.listen(0, "127.0.0.1")
        port = port_of(server)
        assert await greeting(port) == b"hello"
        server.stop()
        with pytest.raises(OSError):
            await greeting(port)

    asyncio.run(test())


def test_a_server_stopped_before_it_accepts_closes_its_sockets() -> None:
    """Both those that were added and those that wait for start."""

    async def test() -> None:
        server = GreetingServer()
        sockets = bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        server.bind(0, "127.0.0.1")
        pending = server._pending_sockets[0]
        server.stop()
        assert [sock.fileno() for sock in (*sockets, pending)] == [-1, -1]
        await asyncio.sleep(0)

    asyncio.run(test())


def test_bind_takes_the_port_and_start_serves_it() -> None:
    """In the process of a loop start serves alone, once."""

    async def test() -> None:
        server = GreetingServer()
        server.bind(0, "127.0.0.1")
        with pytest.raises(RuntimeError, match="an event loop runs"):
            server.start(2)
        server.start()
        with pytest.raises(RuntimeError):
            server.start()
        assert await greeting(port_of(server)) == b"hello"
        server.bind(0, "127.0.0.1")
        assert await greeting(port_of(server, 1)) == b"hello"
        server.stop()

    asyncio.run(test())
