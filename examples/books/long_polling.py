# Burt's Books by long polling, as the book prints it, its slips mended: the page shows how many copies are left, and
# every open page hears at once when somebody takes one.
# Run it with "python examples/books/long_polling.py" and open http://localhost:8000/ in two windows. The stock is kept
# in burts-books.sqlite; delete the file, and all copies are back.
import logging
import os.path
from uuid import uuid4

from stock import SOLD_OUT, UNCHANGED, SQLiteStock

import waterspout as tornado
import waterspout.httpserver
import waterspout.ioloop
import waterspout.options
import waterspout.web
from waterspout.options import define, options

define("database", default="burts-books.sqlite", help="file with the stock", type=str)
define("stock", default=10, help="number of copies when the file is new", type=int)


class ShoppingCart:
    def __init__(self, stock):
        # Attributes of the object: those of the class would be shared by all shops.
        self.stock = stock
        self.callbacks = []

    def register(self, callback):
        self.callbacks.append(callback)

    def unregister(self, callback):
        if callback in self.callbacks:
            self.callbacks.remove(callback)

    def moveItemToCart(self, session):
        return self.changed(self.stock.take(session))

    def removeItemFromCart(self, session):
        return self.changed(self.stock.give_back(session))

    def changed(self, outcome):
        if outcome not in (UNCHANGED, SOLD_OUT):
            self.notifyCallbacks()
        return outcome

    def notifyCallbacks(self):
        # The list is emptied first: who registers meanwhile waits for the next change.
        callbacks, self.callbacks = self.callbacks, []
        for c in callbacks:
            self.callbackHelper(c)

    def callbackHelper(self, callback):
        try:
            callback(self.getInventoryCount())
        except Exception:
            # One page that fails keeps the news from no other.
            logging.exception("a page could not be told")

    def getInventoryCount(self):
        return self.stock.count()


class DetailHandler(tornado.web.RequestHandler):
    def get(self):
        session = uuid4()
        count = self.application.shoppingCart.getInventoryCount()
        page = {"session": session, "count": count, "in_cart": False}
        self.render("index.html", script="long_polling.js", status="/cart/status", **page)


class CartHandler(tornado.web.RequestHandler):
    def post(self):
        action = self.get_argument("action")
        session = self.get_argument("session")

        if not session:
            self.set_status(400)
            return

        if action == "add":
            outcome = self.application.shoppingCart.moveItemToCart(session)
        elif action == "remove":
            outcome = self.application.shoppingCart.removeItemFromCart(session)
        else:
            self.set_status(400)
            return

        if outcome == SOLD_OUT:
            self.set_status(409)
        # The script of the page expects JSON.
        self.write({"outcome": outcome})


class StatusHandler(tornado.web.RequestHandler):
    @tornado.web.asynchronous
    def get(self):
        # Between two polls of a page the stock may have changed: the page says what it shows.
        count = str(self.application.shoppingCart.getInventoryCount())
        if self.get_argument("shown", count) != count:
            self.on_message(count)
        else:
            self.callback = self.async_callback(self.on_message)
            self.application.shoppingCart.register(self.callback)

    def on_message(self, count):
        self.write(f'{{"inventoryCount":"{count}"}}')
        self.finish()

    def on_connection_close(self):
        self.application.shoppingCart.unregister(self.callback)


class Application(tornado.web.Application):
    def __init__(self, stock):
        self.shoppingCart = ShoppingCart(stock)

        handlers = [
            (r"/", DetailHandler),
            (r"/cart", CartHandler),
            (r"/cart/status", StatusHandler),
        ]

        here = os.path.dirname(os.path.abspath(__file__))
        settings = {
            "template_path": os.path.join(here, "templates"),
            "static_path": os.path.join(here, "static"),
        }

        tornado.web.Application.__init__(self, handlers, **settings)


if __name__ == "__main__":
    tornado.options.parse_command_line()

    app = Application(SQLiteStock(options.database, options.stock))
    server = tornado.httpserver.HTTPServer(app)
    server.listen(8000)
    tornado.ioloop.IOLoop.instance().start()
