"""The insides of the bridges to ASGI: endings in an unusual order, pressure on WebSockets."""

from __future__ import annotations

import asyncio
import functools
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from waterspout import web
from waterspout._asgi_container import _Events
from waterspout._asgi_socket import FrameTransport
from waterspout.asgi import ASGIAdapter, ASGIContainer
from waterspout.httpserver import HTTPServer
from waterspout.protocol.websocket import SERVER, Connection


def in_loop(case: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a case in a loop of its own."""
    return functools.wraps(case)(lambda: asyncio.run(case()))


class Protocol(asyncio.Protocol):
    """Keeps what a transport calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.calls.append("made")

    def data_received(self, data: bytes) -> None:
        self.received += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.calls.append("lost")

    def pause_writing(self) -> None:
        self.calls.append("pause")

    def resume_writing(self) -> None:
        self.calls.append("resume")


def transport() -> tuple[FrameTransport, Protocol, list[Any], list[asyncio.Future[None]]]:
    sent: list[Any] = []
    taken: list[asyncio.Future[None]] = []

    def put(message: Any) -> asyncio.Future[None]:
        sent.append(message)
        taken.append(asyncio.get_running_loop().create_future())
        return taken[-1]

    protocol = Protocol()
    return FrameTransport(protocol, put, lambda: sent.append("end")), protocol, sent, taken


@in_loop
async def test_frames_press_back() -> None:
    carrier, protocol, sent, taken = transport()
    server = Connection(SERVER)
    server.send_message(bytes(70000))
    carrier.write(server.data_to_send())
    assert (protocol.calls, carrier.get_write_buffer_size()) == (["made", "pause"], 70000)
    taken[0].set_result(None)
    await asyncio.sleep(0)
    assert (protocol.calls[-1], carrier.get_write_buffer_size()) == ("resume", 0)
    assert sent == [{"type": "websocket.send", "bytes": bytes(70000)}]


@in_loop
async def test_messages_wait_while_reading_is_paused() -> None:
    carrier, protocol, _, _ = transport()
    carrier.pause_reading()
    waiting = asyncio.ensure_future(carrier.receive({"type": "websocket.receive", "text": "x"}))
    await asyncio.sleep(0)
    assert (waiting.done(), protocol.received, carrier.is_reading()) == (False, b"", False)
    carrier.resume_reading()
    await waiting
    assert [event.data for event in Connection(SERVER).feed(protocol.received)] == ["x"]  # type: ignore[union-attr]


@in_loop
async def test_pings_are_answered_here() -> None:
    carrier, protocol, sent, _ = transport()
    server = Connection(SERVER)
    server.ping(b"data")
    carrier.write(server.data_to_send())
    await asyncio.sleep(0)
    assert [type(event).__name__ for event in server.feed(protocol.received)] == ["Pong"]
    assert sent == []


@in_loop
async def test_closing_both_ways() -> None:
    carrier, protocol, sent, _ = transport()
    carrier.close()
    carrier.abort()
    await asyncio.sleep(0)
    await carrier.receive({"type": "websocket.receive", "text": "late"})
    carrier.write(b"\x81\x00")
    assert (protocol.calls, sent, carrier.is_closing()) == (["made", "lost"], ["end"], True)


@in_loop
async def test_events_are_released() -> None:
    events = _Events()
    taken = events.put({"type": "a"})
    events.release()
    assert taken.done()
    assert events.put({"type": "b"}).done()
    assert (await events.get())["type"] == "none"


@in_loop
async def test_cancelled_by_the_server() -> None:
    gone: list[str] = []

    class Waits(web.RequestHandler):
        async def get(self) -> None:
            await asyncio.Event().wait()

        def on_connection_close(self) -> None:
            gone.append("closed")

    incoming: asyncio.Queue[Any] = asyncio.Queue()
    incoming.put_nowait({"type": "http.request"})
    scope = {"type": "http", "method": "GET", "path": "/", "http_version": "2", "headers": [(b"host", b"h")]}
    running = asyncio.ensure_future(ASGIAdapter(web.Application([("/", Waits)]))(scope, incoming.get, incoming.put))
    await asyncio.sleep(0.0)
    await asyncio.sleep(0.0)
    await asyncio.sleep(0.0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert gone == ["closed"]


@in_loop
async def test_malformed_fields_are_answered() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "GET", "path": "/", "http_version": "1.1", "headers": [(b"a b", b"\n")]}
    await ASGIAdapter(web.Application([]))(scope, receive, send)
    assert sent[0]["status"] == 400


def test_what_is_no_application() -> None:
    with pytest.raises(TypeError, match="connection delegate"):
        ASGIAdapter(lambda request: None)  # type: ignore[arg-type]


@in_loop
async def test_shutdown_without_startup() -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("nobody is to call it")

    await ASGIContainer(application).shutdown()


@in_loop
async def test_life_that_fails_at_its_end() -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.failed", "message": "own reason"})

    container = ASGIContainer(application)
    await container.startup()
    with pytest.raises(RuntimeError, match="own reason"):
        await container.shutdown()


async def websocket_answer(decide: Any) -> tuple[bytes, list[BaseException | None]]:
    """Return what a client gets for a handshake that an application answers by ``decide(send)``, and what that met."""
    met: list[BaseException | None] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        try:
            await decide(send)
            met.append(None)
        except Exception as error:
            met.append(error)

    server = HTTPServer(ASGIContainer(application))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        server.add_socket(listener)
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(
            b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        server.stop()
        await server.close_all_connections()
    return answer, met


@in_loop
async def test_subprotocol_that_nobody_offered() -> None:
    async def decide(send: Any) -> None:
        await send({"type": "websocket.accept", "subprotocol": "other"})
        await send({"type": "websocket.send", "text": "x"})

    answer, met = await websocket_answer(decide)
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert isinstance(met[0], OSError)


@in_loop
async def test_refusal_without_a_head() -> None:
    async def decide(send: Any) -> None:
        await send({"type": "websocket.http.response.body", "body": b"x"})

    answer, met = await websocket_answer(decide)
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert isinstance(met[0], RuntimeError)


@in_loop
async def test_head_has_no_content() -> None:
    sent: list[Any] = []

    class Handler(web.RequestHandler):
        def head(self) -> None:
            self.write("content")

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "HEAD", "path": "/", "http_version": "1.1", "headers": [(b"host", b"h")]}
    await ASGIAdapter(web.Application([("/", Handler)]))(scope, receive, send)
    assert (b"content-length", b"7") in sent[0]["headers"]
    assert b"".join(message["body"] for message in sent[1:]) == b""
