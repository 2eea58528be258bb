"""The WebSocket routes of the fixture application on aiohttp."""

from __future__ import annotations

import json

from aiohttp import WSMsgType, web

from conformance.apps import SUBPROTOCOLS

routes = web.RouteTableDef()


@routes.get("/ws/echo")
async def echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(max_msg_size=20 * 1024 * 1024)
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


@routes.get("/ws/answer")
async def answer(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(protocols=SUBPROTOCOLS)
    await socket.prepare(request)
    async for message in socket:
        told = json.loads(message.data)
        if "send" in told:
            await socket.send_str(told["send"])
        if "subprotocol" in told:
            await socket.send_str(str(socket.ws_protocol))
        if "close" in told:
            code, reason = told["close"]
            await socket.close(code=code, message=reason.encode())
    return socket
