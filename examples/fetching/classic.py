# One page fetched in the ways of the user's guide: blocking, with a callback, with a Future, with a coroutine; and a
# handler whose callbacks stand in callbacks.
# Run it with "python examples/fetching/classic.py URL".
import sys

import waterspout.web
from waterspout import gen
from waterspout.concurrent import Future
from waterspout.httpclient import AsyncHTTPClient, HTTPClient
from waterspout.ioloop import IOLoop


def synchronous_fetch(url):
    http_client = HTTPClient()
    response = http_client.fetch(url)
    return response.body


def asynchronous_fetch(url, callback):
    http_client = AsyncHTTPClient()

    def handle_response(response):
        callback(response.body)

    http_client.fetch(url, callback=handle_response)


def async_fetch_future(url):
    http_client = AsyncHTTPClient()
    my_future = Future()

    def done(f):
        # Without this branch nobody would hear of an error, and my_future would never be done.
        if f.exception() is not None:
            my_future.set_exception(f.exception())
        else:
            my_future.set_result(f.result().body)

    http_client.fetch(url).add_done_callback(done)
    return my_future


@gen.coroutine
def fetch_coroutine(url):
    http_client = AsyncHTTPClient()
    response = yield http_client.fetch(url)
    raise gen.Return(response.body)


class ChainedHandler(waterspout.web.RequestHandler):
    """Three requests, each after the one before: callbacks of callbacks."""

    def initialize(self, urls):
        self.urls = urls

    @waterspout.web.asynchronous
    def get(self):
        client = AsyncHTTPClient()
        client.fetch(self.urls[0], callback=self.on_response)

    def on_response(self, response):
        self.write(response.body)
        client = AsyncHTTPClient()
        client.fetch(self.urls[1], callback=self.on_response2)

    def on_response2(self, response):
        self.write(response.body)
        client = AsyncHTTPClient()
        client.fetch(self.urls[2], callback=self.on_response3)

    def on_response3(self, response):
        self.write(response.body)
        self.finish()


@gen.coroutine
def main(url):
    print("Task:", len((yield gen.Task(asynchronous_fetch, url))), "bytes")
    print("Future:", len((yield async_fetch_future(url))), "bytes")
    print("coroutine:", len((yield fetch_coroutine(url))), "bytes")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: classic.py URL    for example http://localhost:8888/")
    print("synchronous:", len(synchronous_fetch(sys.argv[1])), "bytes")
    IOLoop.current().run_sync(lambda: main(sys.argv[1]))
