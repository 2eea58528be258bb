"""The fixture application on aiohttp."""

from __future__ import annotations

import asyncio
import json

from aiohttp import WSMsgType, web

from conformance.apps import (
    COMPRESSIBLE,
    SUBPROTOCOLS,
    Instructions,
    echo_document,
    greet,
    listening_socket,
    resource_directory,
    tls_context,
    until_stdin_closes,
)


async def echo(request: web.Request) -> web.Response:
    version = f"HTTP/{request.version.major}.{request.version.minor}"
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers]
    body = await request.read()
    _ = request.cookies
    parsed = (request.method, request.raw_path, version, headers, body)
    text = echo_document(*parsed, scheme=request.scheme, host=request.host)
    return web.Response(text=text, content_type="application/json")


async def answer(request: web.Request) -> web.StreamResponse:
    told = Instructions(request.query_string)
    if not told.chunks:
        response = web.Response(status=told.status, text=told.body or None)
        response.headers.extend(told.headers)
        if len(told.body) >= COMPRESSIBLE:
            response.enable_compression()
        return response
    stream = web.StreamResponse(status=told.status)
    stream.headers.extend(told.headers)
    await stream.prepare(request)
    for chunk in told.chunks:
        await stream.write(chunk.encode())
    await stream.write_eof()
    return stream


async def get_only(request: web.Request) -> web.Response:
    return web.Response(text="got")


async def error(request: web.Request) -> web.Response:
    raise RuntimeError("the fixture application was asked to fail")


async def ws_echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(max_msg_size=20 * 1024 * 1024)
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


async def ws_answer(request: web.Request) -> web.WebSocketResponse:
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


async def _file(path: str) -> web.FileResponse:
    return web.FileResponse(path)


async def main() -> None:
    """Serve until standard input is closed."""
    application = web.Application()
    application.router.add_route("*", "/echo", echo)
    application.router.add_route("*", "/answer", answer)
    application.router.add_get("/get-only", get_only, allow_head=False)
    application.router.add_route("*", "/error", error)
    application.router.add_get("/ws/echo", ws_echo)
    application.router.add_get("/ws/answer", ws_answer)
    directory = resource_directory()
    application.router.add_get("/resource.txt", lambda request: _file(f"{directory.name}/resource.txt"))
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    listener, secured = listening_socket(), listening_socket()
    await web.SockSite(runner, listener).start()
    await web.SockSite(runner, secured, ssl_context=tls_context()).start()
    greet(listener, secured)
    await until_stdin_closes()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
