"""livereload: a server for development, in front of an application for WSGI."""

from __future__ import annotations

import json

import pytest
from livereload import Server
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.websocket import websocket_connect


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/html")])
    return [b"<html><head></head><body>", environ["PATH_INFO"].encode(), b"</body></html>"]


@pytest.fixture
def port(io_loop, unused_port=0):
    server = Server(application)
    server.application(unused_port, "127.0.0.1", debug=False)
    http = HTTPServer(server.app)
    http.listen(0, "127.0.0.1")
    yield next(iter(http._sockets.values())).getsockname()[1]
    http.stop()


@pytest.mark.gen_test(timeout=30)
async def test_page_and_script(port):
    client = AsyncHTTPClient()
    page = (await client.fetch(f"http://127.0.0.1:{port}/some/page")).body
    assert b"/some/page" in page
    assert b"livereload.js" in page
    script = await client.fetch(f"http://127.0.0.1:{port}/livereload.js")
    assert script.headers["Content-Type"].startswith("application/javascript")


@pytest.mark.gen_test(timeout=30)
async def test_reload_protocol(port):
    socket = await websocket_connect(f"ws://127.0.0.1:{port}/livereload")
    protocols = ["http://livereload.com/protocols/official-7"]
    await socket.write_message(json.dumps({"command": "hello", "protocols": protocols}))
    assert json.loads(await socket.read_message())["command"] == "hello"
    socket.close()
