# A chat room in the modern style: a WebSocket for each page, and a listener that is too slow is dropped.
# Run it with "python examples/chat/modern.py" and open http://localhost:8888/ in two windows.
import asyncio
import time
from collections import deque
from pathlib import Path

from waterspout import web, websocket

HERE = Path(__file__).parent
KEPT = 200
LONGEST = 2000
#: Messages that one listener may be behind.
BEHIND = 100


class Room:
    """The newest messages, and a queue for each listener."""

    def __init__(self):
        self.messages = deque(maxlen=KEPT)
        self.listeners = {}
        # Greater than all numbers before a restart: pages that come back ask by number.
        self._count = time.time_ns() // 1_000_000

    def say(self, text):
        self._count += 1
        message = {"id": self._count, "text": text}
        self.messages.append(message)
        for listener, queue in list(self.listeners.items()):
            if queue.full():
                listener.close(1013, "too slow")
            else:
                queue.put_nowait(message)


class IndexHandler(web.RequestHandler):
    async def get(self):
        await self.render("index.html", transport="websocket")


class MessagesHandler(web.RequestHandler):
    def initialize(self, room):
        self.room = room

    async def post(self):
        text = self.get_body_argument("text")[:LONGEST]
        if not text:
            raise web.HTTPError(400)
        self.room.say(text)


class SocketHandler(websocket.WebSocketHandler):
    def initialize(self, room):
        self.room = room
        self.sender = None

    async def prepare(self):
        since = self.get_argument("since", "0")
        if not (since.isdecimal() and len(since) < 20):
            raise web.HTTPError(400, "since is no number")
        self.since = int(since)

    def open(self):
        missed = [message for message in self.room.messages if message["id"] > self.since]
        self.room.listeners[self] = asyncio.Queue(BEHIND)
        self.sender = asyncio.create_task(self.send_all(missed, self.room.listeners[self]))

    async def send_all(self, missed, queue):
        try:
            if missed:
                await self.write_message({"messages": missed})
            while True:
                await self.write_message({"messages": [await queue.get()]})
        except websocket.WebSocketClosedError:
            # on_close comes, or has come.
            pass

    def on_message(self, message):
        # What is said comes by POST.
        pass

    def on_close(self):
        self.room.listeners.pop(self, None)
        if self.sender is not None:
            self.sender.cancel()


def make_app():
    room = {"room": Room()}
    script = (r"/(chat\.js)", web.StaticFileHandler, {"path": HERE})
    routes = [("/", IndexHandler), ("/messages", MessagesHandler, room), ("/socket", SocketHandler, room), script]
    return web.Application(routes, template_path=str(HERE), websocket_ping_interval=20)


async def main():
    make_app().listen(8888)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
