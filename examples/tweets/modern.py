# Tweets per second in the modern style; whoever asks for the same word within a second shares one request.
# Run "python examples/tweets/search_api.py" and "python examples/tweets/modern.py", and open
# http://localhost:8000/?q=pants
import asyncio

from page import page, search_url

from waterspout import web
from waterspout.httpclient import AsyncHTTPClient, HTTPClientError
from waterspout.options import define, options, parse_command_line

define("port", default=8000, help="run on the given port", type=int)
define("search", default="http://localhost:8001/search.json", help="address of the search API", type=str)


class Searches:
    """Answers of the search API, kept for a second."""

    def __init__(self, base):
        self._base = base
        self._running = {}

    async def body(self, query):
        """Return the answer on ``query``. Raises HTTPClientError or OSError as the client does."""
        if query not in self._running:
            self._running[query] = asyncio.create_task(self._fetch(query))
            asyncio.get_running_loop().call_later(1, self._running.pop, query)
        # One who leaves does not take the answer from the others.
        return await asyncio.shield(self._running[query])

    async def _fetch(self, query):
        response = await AsyncHTTPClient().fetch(search_url(self._base, query))
        return response.body


class IndexHandler(web.RequestHandler):
    def initialize(self, searches):
        self.searches = searches

    async def get(self):
        query = self.get_argument("q")
        try:
            self.write(page(query, await self.searches.body(query)))
        except (HTTPClientError, OSError) as error:
            raise web.HTTPError(502, "the search API: %s", error) from error


def make_app():
    return web.Application([("/", IndexHandler, {"searches": Searches(options.search)})])


async def main():
    make_app().listen(options.port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parse_command_line()
    asyncio.run(main())
