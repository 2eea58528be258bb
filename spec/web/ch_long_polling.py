"""A shop whose pages know the stock

The program that the documents build to show long polling: the page of one book with the copies left in stock. A page
asks for changes with a request that stays open. When any shopper puts the book into a cart, all of these are answered
with the new count, so every open page shows it at once.
"""

import json

from conformance import api, doc, must, seed
from conformance.tracing import Trace


class Cart:
    """The stock of one book, and whoever waits for it to change."""

    def __init__(self):
        self.count, self.sessions, self.waiting = 10, set(), []

    def change(self, action, session):
        """Put a copy into the cart of a session, or back; tell everybody."""
        if action == "add" and session not in self.sessions:
            self.sessions.add(session)
            self.count -= 1
        elif action == "remove" and session in self.sessions:
            self.sessions.remove(session)
            self.count += 1
        waiting, self.waiting = self.waiting, []
        for callback in waiting:
            callback(self.count)


def shop(cart, trace):
    """Return the three handlers of the shop: the page, the cart, and the state of the stock."""

    class Detail(api.web.RequestHandler):
        def get(self):
            self.write(f"<p>{cart.count} left</p>")

    class Carts(api.web.RequestHandler):
        def post(self):
            session = self.get_argument("session", None)
            if session is None:
                self.set_status(400)
            else:
                cart.change(self.get_argument("action"), session)

    class Status(api.web.RequestHandler):
        async def get(self):
            changed = api.concurrent.Future()
            cart.waiting.append(changed.set_result)
            trace.add("waiting")
            self.write(json.dumps({"inventoryCount": f"{await changed}"}))

    return [("/", Detail), ("/cart", Carts), ("/cart/status", Status)]


@must(
    "web.long-polling.shop",
    "When one shopper adds the book, every page that waits is answered with the new stock at once.",
    doc("guide.structure"),
    seed("SEED-030"),
    seed("SEED-062"),
    seed("SEED-064"),
    seed("SEED-066"),
    seed("SEED-078"),
    seed("SEED-098"),
)
async def test_shop(serve):
    cart, trace = Cart(), Trace()
    server = await serve(shop(cart, trace))
    async with server.connection() as one, server.connection() as other:
        for action, count in (("add", "9"), ("remove", "10")):
            for page in (one, other):
                page.send("GET", "/cart/status")
            await trace.first(2 if action == "add" else 4)
            assert (await server.get("/")).text == f"<p>{cart.count} left</p>"
            assert (await server.post("/cart", {"session": "a", "action": action})).code == 200
            for page in (one, other):
                assert (await page.reply()).json() == {"inventoryCount": count}


@must(
    "web.long-polling.refused",
    "A request without a session changes nothing, and answers nobody who waits.",
    doc("guide.structure"),
    seed("SEED-066"),
)
async def test_refused(serve):
    cart, trace = Cart(), Trace()
    server = await serve(shop(cart, trace))
    async with server.connection() as page:
        page.send("GET", "/cart/status")
        await trace.first(1)
        refused = (await server.post("/cart", {"action": "add"})).code
        then = (cart.count, len(cart.waiting))
        await server.post("/cart", {"session": "b", "action": "add"})
        assert (await page.reply()).json() == {"inventoryCount": "9"}
    assert (refused, then) == (400, (10, 1))
