# The echo socket of the book: "connected!" after the handshake, then every message back.
# Run it with "python examples/echo/classic.py" and open http://localhost:8000/
import os.path

import waterspout as tornado
import waterspout.ioloop
import waterspout.web
import waterspout.websocket


class EchoHandler(tornado.websocket.WebSocketHandler):
    def open(self):
        self.write_message("connected!")

    def on_message(self, message):
        self.write_message(message)


class IndexHandler(tornado.web.RequestHandler):
    def get(self):
        self.render("index.html")


def make_app():
    routes = [(r"/", IndexHandler), (r"/echo", EchoHandler)]
    return tornado.web.Application(routes, template_path=os.path.dirname(os.path.abspath(__file__)))


if __name__ == "__main__":
    make_app().listen(8000)
    tornado.ioloop.IOLoop.instance().start()
