"""Handlers that fetch

The user guide's tweet rate is a page about what another service says. A handler can wait for that and keep everybody
waiting, or let itself be called back, or be a generator: the page is the same. Both later ways are of the legacy style.
"""

import asyncio
import json

import pytest

from conformance import api, must, seed
from conformance.scripted import Upstream, ok

TWEETS = ok(b'{"results": [1, 2, 3]}', "Connection: close")
legacy_style = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def handlers(url):
    """Return three handlers whose page is about ``url``: one that blocks, one that is called back, a generator."""

    class Rate(api.web.RequestHandler):
        def page(self, response):
            self.write(f"{len(json.loads(response.body)['results']) / 2:.02f} of {self.get_argument('q')}")

    class Blocking(Rate):
        def get(self):
            self.page(api.httpclient.HTTPClient().fetch(url))

    class CalledBack(Rate):
        @api.web.asynchronous
        def get(self):
            api.httpclient.AsyncHTTPClient().fetch(url, callback=self.on_response)

        def on_response(self, response):
            self.page(response)
            self.finish()

    class Generator(Rate):
        @api.web.asynchronous
        @api.gen.engine
        def get(self):
            response = yield api.gen.Task(api.httpclient.AsyncHTTPClient().fetch, url)
            self.page(response)
            self.finish()

    return [("/blocking", Blocking), ("/callback", CalledBack), ("/generator", Generator)]


@must(
    "client.handlers.three-ways",
    "HTTPClient, a callback with asynchronous, and gen.Task in an engine make the same page.",
    seed("SEED-007"),
    seed("SEED-042"),
    seed("SEED-047"),
    needs=("legacy",),
)
@legacy_style
async def test_three_ways(serve):
    application = await serve(handlers(Upstream([TWEETS] * 3).url))
    replies = [await application.get(f"/{way}?q=x") for way in ("blocking", "callback", "generator")]
    api.httpclient.AsyncHTTPClient().close()
    assert [(reply.code, reply.body) for reply in replies] == [(200, b"1.50 of x")] * 3


@must(
    "client.handlers.meanwhile",
    "While a handler waits to be called back, others are served: the requests it leads to are made at the same time.",
    seed("SEED-030"),
    needs=("legacy",),
)
@legacy_style
async def test_meanwhile(serve, remote):
    both = asyncio.Event()

    async def play(peer):
        if len(remote.asked) == 2:
            both.set()
        await both.wait()
        await peer.send(TWEETS)

    await remote.listen()
    remote.play(play, play)
    application = await serve(handlers(remote.url()))
    replies = await asyncio.gather(application.get("/callback?q=1"), application.get("/generator?q=2"))
    api.httpclient.AsyncHTTPClient().close()
    assert [reply.body for reply in replies] == [b"1.50 of 1", b"1.50 of 2"]


@must(
    "client.handlers.chain",
    "Callbacks that fetch one after another, each in the one before, come in this order on the same handler.",
    seed("SEED-039"),
    needs=("legacy",),
)
@legacy_style
async def test_chain(serve, remote):
    class Chain(api.web.RequestHandler):
        @api.web.asynchronous
        def get(self):
            api.httpclient.AsyncHTTPClient().fetch(remote.url("/1"), callback=self.on_response)

        def on_response(self, response):
            self.write(response.body)
            api.httpclient.AsyncHTTPClient().fetch(remote.url("/2"), callback=self.on_response2)

        def on_response2(self, response):
            self.finish(response.body)

    await remote.listen()
    remote.play(ok(b"first, "), ok(b"second"))
    reply = await (await serve([("/", Chain)])).get("/")
    api.httpclient.AsyncHTTPClient().close()
    assert (reply.body, [asked.target for asked in remote.asked]) == (b"first, second", ["/1", "/2"])
