# "Hello world" in the modern style: asyncio runs the program, and Ctrl-C ends it after the answers on their way.
# Run it with "python examples/hello_modern.py --port=8888" and open http://localhost:8888/
import asyncio
import signal

from waterspout import web
from waterspout.options import define, options, parse_command_line


class MainHandler(web.RequestHandler):
    async def get(self):
        self.write("Hello, world")


def make_app():
    return web.Application([("/", MainHandler)])


async def main():
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = make_app().listen(options.port)
    await stop.wait()
    server.stop()
    await server.close_all_connections()


if __name__ == "__main__":
    define("port", default=8888, help="run on the given port", type=int)
    parse_command_line()
    asyncio.run(main())
