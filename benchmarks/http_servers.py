"""The servers that `benchmarks.http_throughput` compares, all with the same four routes and nothing else to do.

usage: python -m benchmarks.http_servers NAME

Prints the port and serves until standard input is closed. One process, asyncio's own loop, no access log. The routes:
``/sync`` and ``/async`` say hello (where a framework has no synchronous handlers, both are the same), ``/10k`` answers
with 10,000 octets, ``/echo`` with what was posted.
"""

from __future__ import annotations

import asyncio
import importlib
import socket
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

HELLO = b"Hello, world"
LARGE = b"0123456789" * 1000

Message = MutableMapping[str, Any]


def listening_socket() -> socket.socket:
    """Return a non-blocking listening socket on a free port of the loopback address."""
    # With its protocol named: else asyncio leaves Nagle's algorithm on, and an answer sent in two parts waits for it.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(256)
    listener.setblocking(False)
    return listener


async def _until_stdin_closes(listener: socket.socket) -> None:
    print(listener.getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.buffer.read)


async def with_tornado_api(package: str) -> None:
    """Waterspout or Tornado."""
    web = importlib.import_module(f"{package}.web")
    httpserver = importlib.import_module(f"{package}.httpserver")

    class Sync(web.RequestHandler):  # type: ignore[name-defined, misc]
        def get(self) -> None:
            self.write(HELLO)

    class Async(web.RequestHandler):  # type: ignore[name-defined, misc]
        async def get(self) -> None:
            self.write(HELLO)

    class Large(web.RequestHandler):  # type: ignore[name-defined, misc]
        def get(self) -> None:
            self.write(LARGE)

    class Echo(web.RequestHandler):  # type: ignore[name-defined, misc]
        def post(self) -> None:
            self.write(self.request.body)

    routes = [("/sync", Sync), ("/async", Async), ("/10k", Large), ("/echo", Echo)]
    application = web.Application(routes, log_function=lambda handler: None)
    listener = listening_socket()
    httpserver.HTTPServer(application).add_socket(listener)
    await _until_stdin_closes(listener)


async def with_aiohttp() -> None:
    """aiohttp, with its C parser where that is installed."""
    from aiohttp import web

    def answers(body: bytes) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            return web.Response(body=body, content_type="text/html", charset="utf-8")

        return answer

    async def echo(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    application = web.Application()
    for path, body in (("/sync", HELLO), ("/async", HELLO), ("/10k", LARGE)):
        application.router.add_get(path, answers(body))
    application.router.add_post("/echo", echo)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    listener = listening_socket()
    await web.SockSite(runner, listener).start()
    await _until_stdin_closes(listener)


async def _asgi(scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Any]) -> None:
    body = {"/sync": HELLO, "/async": HELLO, "/10k": LARGE}.get(scope["path"], b"")
    if scope["path"] == "/echo":
        more = True
        while more:
            event = await receive()
            body, more = body + event.get("body", b""), event.get("more_body", False)
    headers = [(b"content-type", b"text/html"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def with_uvicorn(parser: Any) -> None:
    """A bare ASGI application under uvicorn."""
    import uvicorn

    config = uvicorn.Config(_asgi, loop="asyncio", http=parser, lifespan="off", log_level="error", access_log=False)
    server = uvicorn.Server(config)
    listener = listening_socket()
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    await _until_stdin_closes(listener)
    server.should_exit = True
    await serving


#: Every server by its name: how to run it, and the distributions whose versions belong to its figures.
SERVERS: dict[str, tuple[Callable[[], Awaitable[None]], tuple[str, ...]]] = {
    "Waterspout": (lambda: with_tornado_api("waterspout"), ("waterspout",)),
    "Tornado": (lambda: with_tornado_api("tornado"), ("tornado",)),
    "aiohttp": (with_aiohttp, ("aiohttp",)),
    "uvicorn (h11)": (lambda: with_uvicorn("h11"), ("uvicorn", "h11")),
    "uvicorn (httptools)": (lambda: with_uvicorn("httptools"), ("uvicorn", "httptools")),
}


async def main() -> None:
    """Run the server that the argument names."""
    await SERVERS[sys.argv[1]][0]()


if __name__ == "__main__":
    asyncio.run(main())
