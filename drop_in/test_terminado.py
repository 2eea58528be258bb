"""Terminado: a shell behind a WebSocket."""

from __future__ import annotations

import json

import pytest
from terminado import TermSocket, UniqueTermManager
from tornado.web import Application
from tornado.websocket import websocket_connect


@pytest.fixture
def terminals():
    return UniqueTermManager(shell_command=["sh"])


@pytest.fixture
def app(terminals):
    return Application([(r"/ws", TermSocket, {"term_manager": terminals})])


@pytest.mark.gen_test(timeout=30)
async def test_terminal(http_server, http_port, terminals):
    socket = await websocket_connect(f"ws://127.0.0.1:{http_port}/ws")
    assert json.loads(await socket.read_message()) == ["setup", {}]
    await socket.write_message(json.dumps(["stdin", "echo $((6 * 7))\n"]))
    said = ""
    while "42" not in said:
        kind, text = json.loads(await socket.read_message())
        said += text if kind == "stdout" else ""
    socket.close()
    await terminals.shutdown()
