"""Legacy: older places and arguments

Some names have moved from one module to another, and keep their old place for the programs that know them there. Some
functions could once be told the event loop, which today is the one that runs, or took a callback where they return a
future now. An implementation that does not have these declares ``legacy`` as unsupported.
"""

import asyncio
import logging
import socket

import pytest

from conformance import api, doc, each, must

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
LEGACY = ("legacy",)


@must(
    "legacy.place.enable-pretty-logging",
    "options.enable_pretty_logging() is that of log.",
    doc("options.enable_pretty_logging"),
    needs=LEGACY,
)
def test_enable_pretty_logging():
    parser, logger = api.options.OptionParser(), logging.Logger("suite")
    api.log.define_logging_options(parser)
    parser.logging = "error"
    api.options.enable_pretty_logging(parser, logger)
    assert logger.level == logging.ERROR


@must(
    "legacy.place.tcp-server",
    "netutil.TCPServer is that of tcpserver.",
    doc("netutil.TCPServer"),
    needs=LEGACY,
)
def test_tcp_server():
    assert api.netutil.TCPServer is api.tcpserver.TCPServer


@must(
    "legacy.argument.resolve-callback",
    "resolve() takes a callback, which gets the addresses.",
    doc("netutil.Resolver.resolve"),
    needs=LEGACY,
)
@each(kind=["DefaultLoopResolver", "DefaultExecutorResolver", "BlockingResolver", "OverrideResolver"])
async def test_resolve_callback(kind):
    arguments = (api.netutil.BlockingResolver(), {"shop.test": "127.0.0.1"}) if kind == "OverrideResolver" else ()
    resolver = getattr(api.netutil, kind)(*arguments)
    host = "shop.test" if arguments else "127.0.0.1"
    answer = asyncio.get_running_loop().create_future()
    resolver.resolve(host, 80, socket.AF_INET, callback=answer.set_result)
    assert (socket.AF_INET, ("127.0.0.1", 80)) in [(family, address) for family, address in await answer]
    resolver.close()


@must(
    "legacy.argument.with-timeout-loop",
    "gen.with_timeout() takes the loop as io_loop.",
    doc("gen.with_timeout"),
    needs=LEGACY,
)
async def test_with_timeout_loop():
    loop = api.ioloop.IOLoop.current()
    done = asyncio.get_running_loop().create_future()
    done.set_result("done")
    assert await api.gen.with_timeout(loop.time() + 60, done, io_loop=loop) == "done"


@must(
    "legacy.argument.websocket-loop",
    "websocket_connect() takes the loop as io_loop.",
    doc("websocket.websocket_connect"),
    needs=LEGACY,
)
async def test_websocket_loop(serve):
    class Greeting(api.websocket.WebSocketHandler):
        def open(self):
            self.write_message("hello")

    server = await serve([("/", Greeting)])
    loop = api.ioloop.IOLoop.current()
    connection = await api.websocket.websocket_connect(f"ws://{server.host}/", io_loop=loop)
    assert await connection.read_message() == "hello"
    connection.close()
