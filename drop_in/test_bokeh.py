"""Bokeh's server: its page over HTTP, and a session over its WebSocket protocol."""

from __future__ import annotations

import pytest
from bokeh.client.connection import ClientConnection
from bokeh.client.session import ClientSession
from bokeh.document import Document
from bokeh.models import Slider
from bokeh.server.server import Server
from tornado.httpclient import AsyncHTTPClient


@pytest.fixture
def server(io_loop):
    def application(document: Document) -> None:
        document.add_root(Slider(name="slider", start=0, end=10, value=3))

    with_server = Server({"/app": application}, io_loop=io_loop, port=0, address="127.0.0.1")
    with_server.start()
    yield with_server
    with_server.unlisten()
    with_server.stop(wait=False)


@pytest.mark.gen_test(timeout=30)
async def test_page(server):
    answer = await AsyncHTTPClient().fetch(f"http://127.0.0.1:{server.port}/app")
    assert b"bokeh" in answer.body
    assert answer.headers["Server"].startswith("Tornado") or "Waterspout" in answer.headers["Server"]


@pytest.mark.gen_test(timeout=30)
async def test_session(server):
    session = ClientSession(websocket_url=f"ws://127.0.0.1:{server.port}/app/ws", io_loop=server.io_loop)
    assert isinstance(session._connection, ClientConnection)
    await session._connection.connect_async() if hasattr(session._connection, "connect_async") else None
