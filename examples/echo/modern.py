# The echo socket in the modern style: binary stays binary, a slow reader slows its writer, the dead are found by pings.
# Run it with "python examples/echo/modern.py" and open http://localhost:8000/
import asyncio
from pathlib import Path

from waterspout import web, websocket


class EchoHandler(websocket.WebSocketHandler):
    async def open(self):
        await self.write_message("connected!")

    async def on_message(self, message):
        # The next message is read when this one has left.
        await self.write_message(message, binary=isinstance(message, bytes))


def make_app():
    page = (r"/()", web.StaticFileHandler, {"path": Path(__file__).parent, "default_filename": "index.html"})
    return web.Application([("/echo", EchoHandler), page], websocket_ping_interval=20)


async def main():
    make_app().listen(8000)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
