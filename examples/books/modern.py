# Burt's Books in the modern style: both transports in one server, sessions in a signed cookie, so that a cart survives
# a reload, and the stock in SQLite, or in Redis, which several servers can share.
# Run it with "python examples/books/modern.py" and open http://localhost:8000/ in two windows (or /?transport=polling);
# for two servers on one Redis, with a port for each:
#
#     python examples/books/modern.py --port=8001 --redis=redis://localhost:6379/0 --secret=something-long
import asyncio
import contextlib
import logging
import secrets
from pathlib import Path
from uuid import uuid4

from shop import LocalShop, RedisShop
from stock import SOLD_OUT

from waterspout import web, websocket
from waterspout.options import define, options, parse_command_line

HERE = Path(__file__).parent
#: Seconds that a poll waits at most, which is less than proxies do.
LONGEST_POLL = 25
COOKIE = "session"

define("port", default=8000, help="run on the given port", type=int)
define("database", default="burts-books.sqlite", help="file with the stock", type=str)
define("redis", default="", help="address of a Redis that has the stock instead", type=str)
define("stock", default=10, help="number of copies", type=int)
define("secret", default="", help="signs the cookies; a new one, if it is not given, ends all sessions", type=str)


class ShopHandler(web.RequestHandler):
    def initialize(self, shop):
        self.shop = shop

    @property
    def session(self):
        """The session of the browser, or None."""
        value = self.get_signed_cookie(COOKIE)
        return value and value.decode()


class DetailHandler(ShopHandler):
    async def get(self):
        session = self.session
        if session is None:
            session = str(uuid4())
            self.set_signed_cookie(COOKIE, session, httponly=True, samesite="Lax")
        polling = self.get_argument("transport", "") == "polling"
        script, status = ("long_polling.js", "/cart/poll") if polling else ("web_socket.js", "/cart/socket")
        self.set_header("Cache-Control", "no-store")
        stock = {"count": await self.shop.count(), "in_cart": await self.shop.has(session)}
        await self.render("index.html", session=session, script=script, status=status, **stock)


class CartHandler(ShopHandler):
    async def post(self):
        change = {"add": self.shop.take, "remove": self.shop.give_back}.get(self.get_argument("action"))
        if change is None or self.session is None:
            raise web.HTTPError(400, "no such action, or no session")
        outcome = await change(self.session)
        if outcome == SOLD_OUT:
            self.set_status(409)
        self.write({"outcome": outcome})


class PollHandler(ShopHandler):
    async def get(self):
        shown = self.get_argument("shown", "")
        self.waiting = asyncio.create_task(self.news(shown))
        with contextlib.suppress(asyncio.CancelledError):
            self.write({"inventoryCount": await self.waiting})

    async def news(self, shown):
        """Return the stock as soon as it is not ``shown``, or what it is after a while."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.change(shown), LONGEST_POLL)
        return str(await self.shop.count())

    async def change(self, shown):
        changed = self.shop.changes.next()
        while str(await self.shop.count()) == shown:
            await changed.wait()
            changed = self.shop.changes.next()

    def on_connection_close(self):
        self.waiting.cancel()


class SocketHandler(websocket.WebSocketHandler):
    def initialize(self, shop):
        self.shop = shop
        self.teller = None

    def open(self):
        self.teller = asyncio.create_task(self.tell())

    async def tell(self):
        try:
            await self.tell_changes()
        except websocket.WebSocketClosedError:
            # on_close comes, or has come.
            pass
        except Exception:
            # The page connects again, and by then the stock may answer.
            logging.exception("the stock cannot be told")
            self.close(1011)

    async def tell_changes(self):
        shown = None
        while True:
            changed = self.shop.changes.next()
            count = await self.shop.count()
            if count != shown:
                await self.write_message({"inventoryCount": str(count)})
                shown = count
            await changed.wait()

    def on_message(self, message):
        # The cart is changed by POST.
        pass

    def on_close(self):
        if self.teller is not None:
            self.teller.cancel()


def make_app(shop, secret):
    routes = [("/", DetailHandler), ("/cart", CartHandler), ("/cart/poll", PollHandler)]
    routes.append(("/cart/socket", SocketHandler))
    return web.Application(
        [(path, handler, {"shop": shop}) for path, handler in routes],
        template_path=str(HERE / "templates"),
        static_path=str(HERE / "static"),
        cookie_secret=secret,
        websocket_ping_interval=20,
    )


async def main():
    shop = RedisShop(options.redis, options.stock) if options.redis else LocalShop(options.database, options.stock)
    try:
        make_app(shop, options.secret or secrets.token_hex(32)).listen(options.port)
        await asyncio.Event().wait()
    finally:
        await shop.close()


if __name__ == "__main__":
    parse_command_line()
    asyncio.run(main())
