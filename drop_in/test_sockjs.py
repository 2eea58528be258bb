"""SockJS on its own protocol of 2013, with handlers that current Tornado does not run any more."""

from __future__ import annotations

import json

import pytest
from sockjs.tornado import SockJSConnection, SockJSRouter
from tornado.httpclient import AsyncHTTPClient
from tornado.web import Application
from tornado.websocket import websocket_connect


class Echo(SockJSConnection):
    def on_message(self, message):
        self.send(message.upper())


@pytest.fixture
def app():
    return Application(SockJSRouter(Echo, "/echo").urls)


@pytest.mark.gen_test(timeout=30)
async def test_polling(http_server, base_url):
    client = AsyncHTTPClient()
    info = json.loads((await client.fetch(f"{base_url}/echo/info")).body)
    assert info["websocket"] is True
    session = f"{base_url}/echo/000/session"
    assert (await client.fetch(f"{session}/xhr", method="POST", body="")).body == b"o\n"
    waiting = client.fetch(f"{session}/xhr", method="POST", body="")
    await client.fetch(f"{session}/xhr_send", method="POST", body='["hello"]')
    assert (await waiting).body == b'a["HELLO"]\n'


@pytest.mark.gen_test(timeout=30)
async def test_websocket(http_server, base_url):
    socket = await websocket_connect(f"{base_url.replace('http', 'ws')}/echo/000/other/websocket")
    assert await socket.read_message() == "o"
    await socket.write_message('["hello"]')
    assert await socket.read_message() == 'a["HELLO"]'
    socket.close()
