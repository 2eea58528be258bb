"""The bridges to ASGI beside their best known neighbours: Starlette on this server, this framework on uvicorn."""

from __future__ import annotations

import asyncio
import socket

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler, stream_request_body
from tornado.websocket import WebSocketHandler, websocket_connect

from waterspout.asgi import ASGIAdapter, ASGIContainer

BODY = b"x" * 3_000_000


@stream_request_body
class Count(RequestHandler):
    def prepare(self):
        self.size = 0

    def data_received(self, chunk):
        self.size += len(chunk)

    def post(self):
        self.write({"size": self.size, "url": self.request.full_url()})


class Echo(WebSocketHandler):
    def select_subprotocol(self, subprotocols):
        return subprotocols[-1]

    def on_message(self, message):
        self.write_message(message, binary=isinstance(message, bytes))


async def count(request):
    return JSONResponse({"size": len(await request.body()), "url": str(request.url)})


async def stream(request):
    async def pieces():
        for number in range(3):
            yield f"{number} "

    return StreamingResponse(pieces())


async def echo(websocket):
    await websocket.accept(subprotocol=websocket.scope["subprotocols"][-1])
    while (message := await websocket.receive())["type"] == "websocket.receive":
        await websocket.send({**message, "type": "websocket.send"})


async def look_at(port):
    """Use both forms of the same application in the same way."""
    url = f"http://127.0.0.1:{port}/count?a=%20"
    answer = await AsyncHTTPClient().fetch(url, method="POST", body=BODY)
    assert answer.body.replace(b" ", b"") == f'{{"size":{len(BODY)},"url":"{url}"}}'.encode()
    client = await websocket_connect(f"ws://127.0.0.1:{port}/echo", subprotocols=["a", "b"])
    assert client.selected_subprotocol == "b"
    for message in ("tëxt", b"\0" * 200_000):
        await client.write_message(message, binary=isinstance(message, bytes))
        assert await client.read_message() == message
    client.close(4001, "enough")
    assert await client.read_message() is None


def listener():
    ours = socket.create_server(("127.0.0.1", 0))
    ours.setblocking(False)
    return ours, ours.getsockname()[1]


@pytest.mark.parametrize("websockets", ["websockets", "wsproto"])
def test_uvicorn(websockets):
    async def main():
        ours, port = listener()
        application = ASGIAdapter(Application([("/count", Count), ("/echo", Echo)]))
        server = uvicorn.Server(uvicorn.Config(application, ws=websockets, lifespan="on", log_config=None))
        serving = asyncio.ensure_future(server.serve([ours]))
        while not server.started:
            await asyncio.sleep(0.01)
        await asyncio.wait_for(look_at(port), 30)
        AsyncHTTPClient().close()
        server.should_exit = True
        await serving

    asyncio.run(main())


def test_starlette():
    async def main():
        routes = [Route("/count", count, methods=["POST"]), Route("/stream", stream), WebSocketRoute("/echo", echo)]
        ours, port = listener()
        async with ASGIContainer(Starlette(routes=routes)) as container:
            server = HTTPServer(container)
            server.add_socket(ours)
            await asyncio.wait_for(look_at(port), 30)
            streamed = await AsyncHTTPClient().fetch(f"http://127.0.0.1:{port}/stream")
            assert streamed.body == b"0 1 2 "
            AsyncHTTPClient().close()
            server.stop()
            await server.close_all_connections()

    asyncio.run(main())
