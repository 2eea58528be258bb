# One page fetched in the modern style, and a handler that fetches one after another without any callback.
# Run it with "python examples/fetching/modern.py URL".
import asyncio
import sys

from waterspout import web
from waterspout.httpclient import AsyncHTTPClient, HTTPClientError


async def fetch(url):
    """Return the body of a page. Raises HTTPClientError unless its status is 200, OSError when nobody answers."""
    response = await AsyncHTTPClient().fetch(url, request_timeout=10)
    return response.body


class ChainedHandler(web.RequestHandler):
    """Three requests, each after the one before."""

    def initialize(self, urls):
        self.urls = urls

    async def get(self):
        for url in self.urls:
            self.write(await fetch(url))


async def main(url):
    try:
        print(len(await fetch(url)), "bytes")
    except (HTTPClientError, OSError) as error:
        sys.exit(f"{url}: {error}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: modern.py URL    for example http://localhost:8888/")
    asyncio.run(main(sys.argv[1]))
