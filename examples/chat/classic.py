# A chat room by long polling, with callbacks: a poll is answered when somebody says something.
# Run it with "python examples/chat/classic.py" and open http://localhost:8888/ in two windows.
import os.path
import time

import waterspout as tornado
import waterspout.ioloop
import waterspout.web

KEPT = 200
LONGEST = 2000
HERE = os.path.dirname(os.path.abspath(__file__))


class Room:
    """The newest messages, and the polls that wait for the next one."""

    def __init__(self):
        self.messages = []
        # Greater than all numbers before a restart: pages that come back ask by number.
        self.count = int(time.time() * 1000)
        self.waiters = set()

    def say(self, text):
        self.count += 1
        self.messages = ([*self.messages, {"id": self.count, "text": text}])[-KEPT:]
        # A poll that comes while these are answered waits for the next message.
        waiters, self.waiters = self.waiters, set()
        for waiter in waiters:
            waiter()


class IndexHandler(tornado.web.RequestHandler):
    def get(self):
        self.render("index.html", transport="long-polling")


class MessagesHandler(tornado.web.RequestHandler):
    @tornado.web.asynchronous
    def get(self):
        since = self.get_argument("since", "0")
        if not (since.isdecimal() and len(since) < 20):
            raise tornado.web.HTTPError(400)
        self.since = int(since)
        if not self.answer():
            self.application.room.waiters.add(self.answer)

    def answer(self):
        messages = [one for one in self.application.room.messages if one["id"] > self.since]
        if messages:
            self.finish({"messages": messages})
        return bool(messages)

    def on_connection_close(self):
        self.application.room.waiters.discard(self.answer)

    def post(self):
        text = self.get_body_argument("text")[:LONGEST]
        if not text:
            raise tornado.web.HTTPError(400)
        self.application.room.say(text)


class Application(tornado.web.Application):
    def __init__(self):
        self.room = Room()
        script = (r"/(chat\.js)", tornado.web.StaticFileHandler, {"path": HERE})
        handlers = [(r"/", IndexHandler), (r"/messages", MessagesHandler), script]
        tornado.web.Application.__init__(self, handlers, template_path=HERE)


def make_app():
    return Application()


if __name__ == "__main__":
    make_app().listen(8888)
    tornado.ioloop.IOLoop.current().start()
