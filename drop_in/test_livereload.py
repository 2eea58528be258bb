"""livereload: a server for development, in front of an application for WSGI, in a process of its own."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time

import pytest
from tornado.httpclient import AsyncHTTPClient
from tornado.websocket import websocket_connect

PROGRAM = """
import sys
from livereload import Server

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/html")])
    return [b"<html><head></head><body>", environ["PATH_INFO"].encode(), b"</body></html>"]

Server(application).serve(port=int(sys.argv[1]), host="127.0.0.1", debug=False)
"""


@pytest.fixture(scope="module")
def port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        number = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(number)])
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", number)).close()
                break
            except ConnectionRefusedError:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield number
    finally:
        process.kill()
        process.wait()


@pytest.mark.gen_test(timeout=30)
async def test_page_and_script(port):
    client = AsyncHTTPClient()
    answer = await client.fetch(f"http://127.0.0.1:{port}/some/page")
    assert b"/some/page" in answer.body
    assert b"livereload.js" in answer.body
    script = await client.fetch(f"http://127.0.0.1:{port}/livereload.js")
    assert b"livereload" in script.body.lower()


@pytest.mark.gen_test(timeout=30)
async def test_reload_protocol(port):
    client = await websocket_connect(f"ws://127.0.0.1:{port}/livereload")
    protocols = ["http://livereload.com/protocols/official-7"]
    await client.write_message(json.dumps({"command": "hello", "protocols": protocols}))
    assert json.loads(await client.read_message())["command"] == "hello"
    client.close()
